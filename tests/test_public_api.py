"""The public names: all there, all documented, no more than those."""

import inspect
import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import pytest

import data_scaling as ds

LAZY = ["data_scaling", "data_scaling.amortized", "data_scaling.datasets"]
LAZY += ["data_scaling.learners"]
NAMES = """
    AdjustmentWarning AggregateLaw AggregateLikelihoodEstimator Agreement
    AllDrawsFailedError AmortizedEstimator Classifier Contributions DataScalingError
    Dataset DatasetError Diagnosis ExpansionLaws FailedDrawWarning FitStatus FitWarning
    HierarchicalEstimator InputError LearningCurve LedgerCheck LedgerError
    LedgerSummary LikelihoodEstimator LikelihoodModel LogEstimator
    MarginalContributionStackDataset MissingExtraError PlanMismatchError PowerLaws
    Preview Previews Ranking RunCost SamplingPlan ScalingLaws Validation
    WorkerLostError adjust agreement banzhaf_weights beta_weights combine_ledgers
    dataset_names describe_ledger diagnose estimate_cost find_eligible
    fit_scaling_laws is_prepared load_dataset load_laws make_learner make_metric
    monte_carlo_values rank_points read_table sample_contributions
    sample_learning_curve sample_ledger save_dataset select_harmful select_points
    semivalues shapley_values validate_laws verify_ledger
""".split()


def test_the_public_names_are_these():
    assert sorted(ds.__all__) == sorted(NAMES)
    assert all(hasattr(ds, name) for name in NAMES)


def test_every_public_name_is_documented():
    undocumented = [name for name in NAMES if not inspect.getdoc(getattr(ds, name))]
    assert undocumented == []


def test_errors_derive_from_one_class_and_a_builtin():
    errors = [
        getattr(ds, name)
        for name in NAMES
        if name.endswith("Error") and name != "DataScalingError"
    ]
    assert len(errors) >= 6
    for error in errors:
        assert issubclass(error, ds.DataScalingError)
        assert issubclass(error, (ValueError, OSError, RuntimeError, ImportError))


def test_main_arguments_first_then_keywords_only():
    for function in (ds.sample_contributions, ds.fit_scaling_laws, ds.read_table):
        kinds = [p.kind for p in inspect.signature(function).parameters.values()]
        assert inspect.Parameter.KEYWORD_ONLY in kinds
        assert inspect.Parameter.VAR_KEYWORD not in kinds


@pytest.mark.parametrize("name", LAZY)
def test_lazy_packages_tell_their_names_and_have_no_modules_of_the_same(name):
    """Importing such a module would put it in the place of the name."""
    package = import_module(name)
    assert set(package.__all__) <= set(dir(package))
    assert {module.name for module in iter_modules(package.__path__)}.isdisjoint(
        package.__all__
    )
    assert all(getattr(package, public) is not None for public in package.__all__)
    with pytest.raises(AttributeError, match=f"'{name}' has no attribute 'nothing'"):
        package.nothing  # noqa: B018


def test_what_a_worker_imports_leaves_scikit_learn_out():
    """It takes most of a second, and a worker of an exact learner needs none of it."""
    needless = {"sklearn", "scipy.stats", "pandas", "typer"}
    code = (
        "import sys, data_scaling._parcel, data_scaling.learners.logistic; "
        f"print(sorted({needless} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
