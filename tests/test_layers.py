"""Imports point down the layers of the design, and extras are imported on use."""

import ast
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "data_scaling"

# A module imports from itself and from what stands before it.
LAYERS = """
    _lazy errors _typing _random _files _checks _text _progress _machine
    datasets metrics
    learners
    coalitions plan
    learning_curve contributions size_means ledger laws
    adjustment
    _dask _drawing _parcel _pacing _workers _adjusting sampling cost
    estimators
    amortized
    _agreement valuation weights selection validation diagnostics ranking fitting
    convergence addition addition_study boundary mislabelling suspicion theory
    plotting interop
    report
    cli
    __init__ __main__
""".split()

# The two load() are constructors that the ledger provides; laws.plot() is a figure.
ALLOWED_UPWARDS = {
    ("contributions", "ledger"),
    ("learning_curve", "ledger"),
    ("laws", "plotting"),
}
CORE = set("numpy scipy sklearn joblib cloudpickle threadpoolctl tqdm typer".split())
MODULES = sorted(SOURCE.rglob("*.py"))


def layer_of(path):
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def list_imports(tree):
    """Names of the modules that a module imports when it is run."""
    guarded = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if node in guarded:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_down_the_layers(path):
    own = layer_of(path)
    for name in list_imports(ast.parse(path.read_text(encoding="utf-8"))):
        package, *rest = name.split(".")
        if package == "data_scaling":
            layer = rest[0] if rest else "__init__"
            is_below = LAYERS.index(layer) <= LAYERS.index(own)
            assert is_below or (own, layer) in ALLOWED_UPWARDS, (own, layer)
        else:
            assert package in CORE | sys.stdlib_module_names, name


def test_every_module_has_a_layer():
    assert {layer_of(path) for path in MODULES} == set(LAYERS)
