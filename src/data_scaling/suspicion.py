"""Scores that make a point suspicious of a wrong label, by values and by confidence."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from data_scaling._typing import FloatArray
from data_scaling.contributions import Contributions
from data_scaling.datasets.dataset import Dataset
from data_scaling.laws import ScalingLaws
from data_scaling.mislabelling import (
    Detection,
    fit_confidence,
    judge_detection,
    knn_shapley_values,
    self_confidence,
)
from data_scaling.valuation import monte_carlo_values, shapley_values

# Scores that are made without contributions.
_OTHERS = ("k-NN Shapley", "self-confidence", "training loss")


def score_points(
    dataset: Dataset,
    contributions: Contributions,
    laws: ScalingLaws,
    cardinalities: Sequence[float],
) -> dict[str, FloatArray]:
    """Score all points in several ways, lower for the more suspicious.

    ======================== =======================================================
    psi at k                 the law's expected contribution at each size
    Shapley value            by the laws, over the drawn sizes
    Monte Carlo value        plain mean of the draws
    share of draws above 0   how often the point has helped
    k-NN Shapley             exact values of a 5-nearest-neighbour classifier
    self-confidence          probability of the label by a cross-validated logistic
                             regression, that has not seen the point
    training loss            probability of the label by a logistic regression that has
    ======================== =======================================================

    Parameters
    ----------
    dataset : Dataset
        A classification.
    contributions : Contributions
        Draws of n_points points of the pool.
    laws : ScalingLaws
        Fitted to them.
    cardinalities : sequence of float
        Sizes at which psi is taken.

    Returns
    -------
    dict of str to (n_points,) float64 array
        Scores by name; NaN for a point without one.

    Raises
    ------
    InputError
        If the dataset is a regression, or a size is below 1.
    """
    points, sizes = contributions.points, contributions.cardinality
    known = np.isfinite(contributions.delta)
    helped = np.sum((contributions.delta > 0) & known, axis=1)
    scores = {f"psi at {k:,}": laws.psi(float(k)) for k in cardinalities}
    return scores | {
        "Shapley value": shapley_values(laws, int(sizes.min()), int(sizes.max())),
        "Monte Carlo value": monte_carlo_values(contributions),
        "share of draws above 0": helped / np.maximum(known.sum(axis=1), 1),
        "k-NN Shapley": knn_shapley_values(dataset)[points],
        "self-confidence": self_confidence(dataset)[points],
        "training loss": fit_confidence(dataset)[points],
    }


def judge_scores(
    scores: Mapping[str, ArrayLike], flipped: ArrayLike
) -> dict[str, Detection]:
    """Judge every score by the flipped labels it finds.

    Raises
    ------
    InputError
        If a score has not one number per point, or none or all labels are flipped.
    """
    return {name: judge_detection(score, flipped) for name, score in scores.items()}


def describe_winner(detections: Mapping[str, Detection]) -> str:
    """Say which score finds flipped labels best, and which of the contributions'.

    Parameters
    ----------
    detections : mapping of str to Detection
        What ``judge_scores`` returned.

    Examples
    --------
    >>> from data_scaling.mislabelling import Detection
    >>> from data_scaling.suspicion import describe_winner
    >>> found = {"psi at 9": Detection(0.8, 0.5), "training loss": Detection(0.9, 0.4)}
    >>> for part in describe_winner(found).split(". "):
    ...     print(part)
    Best by area: training loss (0.900), of the contributions psi at 9 (0.800)
    Best by precision: psi at 9 (0.500).
    """
    ours = {name: one for name, one in detections.items() if name not in _OTHERS}
    said = []
    for measure, word in (("auc", "area"), ("precision", "precision")):
        best, own = (
            max(group, key=lambda name: getattr(group[name], measure))
            for group in (detections, ours)
        )
        text = f"Best by {word}: {best} ({getattr(detections[best], measure):.3f})"
        if own != best:
            value = getattr(detections[own], measure)
            text += f", of the contributions {own} ({value:.3f})"
        said.append(f"{text}.")
    return " ".join(said)
