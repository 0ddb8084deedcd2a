"""Flipped labels, the scores that find them, and what judges the scores."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from data_scaling.datasets import Dataset, load_dataset
from data_scaling.errors import InputError
from data_scaling.mislabelling import (
    fit_confidence,
    flip_labels,
    judge_detection,
    knn_shapley_values,
    self_confidence,
)


def test_every_flipped_label_is_another_one_and_the_rest_is_kept():
    clean = load_dataset("digits")
    dirty, flipped = flip_labels(clean, 0.2, seed=3)
    np.testing.assert_array_equal(dirty.y_train != clean.y_train, flipped)
    assert flipped.sum() == round(0.2 * clean.n_points)
    np.testing.assert_array_equal(dirty.y_test, clean.y_test)
    np.testing.assert_array_equal(dirty.row_ids, clean.row_ids)
    again, _ = flip_labels(clean, 0.2, seed=3)
    np.testing.assert_array_equal(again.y_train, dirty.y_train)


def test_flipped_points_keep_the_names_of_classes_and_their_previews():
    clean = load_dataset("breast_cancer")
    dirty, flipped = flip_labels(clean, 0.2, seed=3)
    assert dirty.classes == clean.classes == ("benign", "malignant")
    assert len(dirty.previews) == clean.n_points
    assert list(dirty.previews) == list(clean.previews)
    point = int(np.flatnonzero(flipped)[0])
    assert dirty.target_names([point]) != clean.target_names([point])


def test_a_regression_has_no_labels_to_flip():
    with pytest.raises(InputError, match="is a regression"):
        flip_labels(load_dataset("diabetes"), 0.1)


def test_the_area_is_that_of_scikit_learn_with_ties():
    rng = np.random.default_rng(0)
    score = rng.integers(0, 8, 200).astype(float)
    flipped = rng.random(200) < 0.2
    found = judge_detection(score, flipped)
    assert found.auc == pytest.approx(roc_auc_score(flipped, -score))
    assert judge_detection(-flipped.astype(float), flipped).precision == 1.0


def test_a_score_that_is_missing_is_not_suspicious():
    found = judge_detection([np.nan, 0.0, 1.0], [True, False, False])
    assert (found.auc, found.precision) == (0.0, 0.0)
    with pytest.raises(InputError, match="0 of 2 labels"):
        judge_detection([1, 2], [False, False])


@pytest.mark.parametrize("n_neighbors", [1, 2, 3])
def test_knn_shapley_values_are_those_of_all_coalitions(n_neighbors):
    """Theorem 1 of Jia et al. against the definition, over all 2^6 coalitions."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(7, 2)), np.array([0, 1, 0, 1, 1, 0, 1])
    x_val, y_val = rng.normal(size=(4, 2)), np.array([0, 1, 1, 0])
    found = knn_shapley_values(Dataset(x, y, x_val, y_val), n_neighbors)
    order = np.argsort(((x_val[:, None] - x[None]) ** 2).sum(-1), axis=1)
    hit = y[None] == y_val[:, None]

    def utility(coalition):
        nearest = [[z for z in row if z in coalition][:n_neighbors] for row in order]
        pairs = zip(hit, nearest, strict=True)
        return np.mean([row[zs].sum() / n_neighbors for row, zs in pairs])

    for z in range(7):
        others = [i for i in range(7) if i != z]
        value = sum(
            (utility({*c, z}) - utility(set(c))) / (7 * comb(6, k))
            for k in range(7)
            for c in combinations(others, k)
        )
        assert found[z] == pytest.approx(value, abs=1e-12)


def test_confidence_finds_flipped_labels():
    dirty, flipped = flip_labels(load_dataset("breast_cancer"), 0.1)
    for score in (
        self_confidence(dirty),
        fit_confidence(dirty),
        knn_shapley_values(dirty),
    ):
        assert score.shape == (dirty.n_points,)
        assert judge_detection(score, flipped).auc > 0.9
