"""Where points lie on the map of a page."""

import numpy as np

RANGES = "['xaxis','yaxis'].map(a => document.getElementById('map').layout[a].range)"


def find_alone(page, run, is_wanted=True):
    """Return the point farthest from others, so that the pointer meets no other.

    Its place is in pixels of the canvas, from the upper left.
    """
    tangent = run.laws.tangent(300.0)
    places = np.column_stack([tangent.alpha, np.log10(np.abs(tangent.c))])
    ranges = np.array(page.evaluate(RANGES))
    box = page.locator("#dots").bounding_box()
    shares = (places - ranges[:, 0]) / (ranges[:, 1] - ranges[:, 0])
    pixels = (shares * [1, -1] + [0, 1]) * [box["width"], box["height"]]
    gaps = np.linalg.norm(pixels[:, None] - pixels[None], axis=2)
    np.fill_diagonal(gaps, np.inf)
    gaps[np.isnan(gaps)] = np.inf
    inside = ((shares > 0.03) & (shares < 0.97)).all(axis=1)
    gaps = np.where(inside & is_wanted, gaps.min(axis=1), -1)
    point = int(np.argmax(gaps))
    assert gaps[point] > 12
    return point, pixels[point]
