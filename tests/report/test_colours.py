"""The page's colours can be told apart, by colour-blind readers too."""

import re
from importlib.resources import files

import numpy as np
import pytest

STYLE = files("data_scaling.report").joinpath("page", "style.css").read_text("utf-8")
# What is seen without one kind of cone, of linear sRGB (Machado, Oliveira and
# Fernandes 2009, severity 1).
SEEN = {
    "all": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


@pytest.fixture(params=["light", "dark"])
def colors(request):
    """Linear RGB of each named colour of a theme."""
    blocks = re.findall(r":root[^{]*\{([^}]*)\}", STYLE)
    block = blocks[request.param == "dark"]
    named = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    return {name: to_linear(value) for name, value in named.items()}


def to_linear(text):
    share = np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def to_lab(linear):
    share = TO_XYZ @ linear.clip(0, 1) / (TO_XYZ @ np.ones(3))
    f = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one, other):
    high, low = sorted((TO_XYZ[1] @ one, TO_XYZ[1] @ other), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("kind", SEEN)
def test_help_and_harm_are_told_apart(colors, kind):
    """A difference of 40 in CIELAB is that of plainly different colours."""
    seen = {name: to_lab(SEEN[kind] @ rgb) for name, rgb in colors.items()}
    assert np.linalg.norm(seen["positive"] - seen["negative"]) > 40
    for end in ("positive", "negative"):
        assert np.linalg.norm(seen[end] - seen["middle"]) > 20


def test_marks_and_words_stand_out(colors):
    """The ratios of contrast that WCAG 2.2 asks for."""
    for ground in ("card", "page"):
        for mark in ("positive", "negative", "accent"):
            assert contrast(colors[mark], colors[ground]) >= 3
        for word in ("ink", "muted", "accent", "negative-ink"):
            assert contrast(colors[word], colors[ground]) >= 4.5
