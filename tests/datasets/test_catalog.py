import numpy as np
import pytest

from data_scaling.datasets import dataset_names, load_dataset
from data_scaling.errors import InputError


@pytest.mark.parametrize(
    ("name", "shape", "n_val", "classes"),
    [
        ("breast_cancer", (341, 30), 114, ("benign", "malignant")),
        ("digits", (1079, 61), 359, tuple("0123456789")),
        ("wine", (106, 13), 36, ("class_0", "class_1", "class_2")),
        ("diabetes", (266, 10), 88, ()),
    ],
)
def test_bundled_datasets_have_their_shape_and_are_standardised(
    name, shape, n_val, classes
):
    dataset = load_dataset(name)

    assert dataset.name == name
    assert dataset.x_train.shape == shape
    assert len(dataset.x_val) == len(dataset.x_test) == n_val
    assert dataset.classes == classes
    np.testing.assert_allclose(dataset.x_train.mean(axis=0), 0.0, atol=1e-10)
    np.testing.assert_allclose(dataset.x_train.std(axis=0), 1.0)


def test_bundled_parts_keep_the_class_shares():
    dataset = load_dataset("breast_cancer", seed=4)

    for target in (dataset.y_train, dataset.y_val, dataset.y_test):
        assert abs(target.mean() - 212 / 569) < 1 / len(target)


def test_row_ids_lead_back_to_the_source():
    from sklearn.datasets import load_diabetes

    dataset = load_dataset("diabetes", seed=1)

    assert np.array_equal(dataset.y_train, load_diabetes().target[dataset.row_ids])


@pytest.mark.parametrize("name", ["wine", "lm_clf"])
def test_a_seed_determines_the_dataset(name):
    first, again = load_dataset(name, seed=1), load_dataset(name, seed=1)

    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != load_dataset(name, seed=2).fingerprint


def test_lm_reg_is_a_linear_model_with_the_papers_noise():
    """The residual's standard deviation is within 5 standard errors of 0.1.

    False-alarm rate 6e-7.
    """
    dataset = load_dataset("lm_reg")
    weights, *_ = np.linalg.lstsq(dataset.x_train, dataset.y_train, rcond=None)
    residual = dataset.y_test - dataset.x_test @ weights

    assert dataset.x_train.shape == (10_000, 50)
    assert dataset.x_val.shape == dataset.x_test.shape == (1_000, 50)
    assert abs(residual.std() - 0.1) < 5 * 0.1 / np.sqrt(2 * 1_000)


def test_lm_clf_is_the_sign_of_lm_reg():
    regression, classification = load_dataset("lm_reg"), load_dataset("lm_clf")

    assert np.array_equal(regression.x_val, classification.x_val)
    assert np.array_equal(regression.y_train > 0, classification.y_train == 1)
    assert classification.classes == ("0", "1")


def test_an_unknown_name_lists_the_known_with_the_likeliest_first():
    with pytest.raises(InputError, match=r"'brest_cancer'. Known are 'breast_cancer'"):
        load_dataset("brest_cancer")
    with pytest.raises(InputError) as error:
        load_dataset("nothing")
    assert all(repr(name) in str(error.value) for name in dataset_names())


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="seed is -1"):
        load_dataset("wine", seed=-1)
