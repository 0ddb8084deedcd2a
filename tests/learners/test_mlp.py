"""Networks trained as a batch: each is the one that an ordinary loop trains alone."""

import multiprocessing
import pickle
import sys

import numpy as np
import pytest
import torch

from data_scaling.datasets import Dataset, load_dataset
from data_scaling.errors import InputError, MissingExtraError
from data_scaling.learners import mlp
from data_scaling.learners._mlp_stack import draw_initial_layers, use_one_thread
from data_scaling.learners.mlp import MlpLearner

NAMES = {"classification": "digits", "regression": "diabetes"}
TASKS = list(NAMES)


def make_bound(task, **settings):
    dtype = settings.pop("dtype", "float64")
    learner = MlpLearner(task, epochs=5, dtype=dtype, **settings)
    return learner.bind(load_dataset(NAMES[task]))


def pick(bound, n_points=6):
    """A coalition of 50 in any order, and points outside and inside it."""
    order = np.random.default_rng(3).permutation(bound.dataset.n_points)
    return order[:50], np.concatenate([order[50 : 50 + n_points - 2], order[:2]])


def train_alone(bound, batches):
    """Train one network by an ordinary PyTorch loop and return its utility."""
    learner, dataset = bound.learner, bound.dataset
    is_classifier = learner.task == "classification"
    dtype = getattr(torch, learner.dtype)
    sizes = [dataset.n_features, *[learner.width] * (learner.depth - 1)]
    sizes.append(len(dataset.classes) or 1)
    initial = draw_initial_layers(sizes, np.random.default_rng(learner.seed))
    modules = []
    for weight, bias in initial:
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0], dtype=dtype)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(weight))
            linear.bias.copy_(torch.tensor(bias))
        modules += [linear, torch.nn.ReLU()]
    network = torch.nn.Sequential(*modules[:-1])
    y = dataset.y_train
    if not is_classifier:
        y = (y - y.mean()) / y.std()
    optimizer = torch.optim.Adam(network.parameters(), lr=learner.learning_rate)
    for rows in batches:
        x = torch.tensor(dataset.x_train[rows], dtype=dtype)
        output = network(x)
        optimizer.zero_grad()
        if is_classifier:
            loss = torch.nn.functional.cross_entropy(output, torch.tensor(y[rows]))
        else:
            target = torch.tensor(y[rows, None], dtype=dtype)
            loss = torch.nn.functional.mse_loss(output, target)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        output = network(torch.tensor(dataset.x_val, dtype=dtype)).double()
    if is_classifier:
        prediction = torch.softmax(output, 1).numpy()
    else:
        raw = dataset.y_train
        prediction = raw.mean() + raw.std() * output[:, 0].numpy()
    return float(bound.metric.utilities(dataset.y_val, prediction))


def list_batches(bound, coalition, point=None, sign=0):
    """Rows of each step, the point added to, or taken out of, the coalition's."""
    learner, members = bound.learner, np.sort(coalition)
    n_batches = -(-len(members) // learner.batch_size)
    rng = np.random.default_rng(learner.seed)
    sizes = [bound.dataset.n_features, *[learner.width] * (learner.depth - 1)]
    draw_initial_layers([*sizes, len(bound.dataset.classes) or 1], rng)
    for _ in range(learner.epochs):
        order = rng.permutation(len(members)) if n_batches > 1 else slice(None)
        parts = np.array_split(members[order], n_batches)
        if sign == 1:
            parts[-1] = np.append(parts[-1], point)
        yield from [part[part != point] if sign == -1 else part for part in parts]


def train_each_alone(bound, coalition, points):
    utility = train_alone(bound, list_batches(bound, coalition))
    delta = []
    for point in points:
        sign = -1 if point in coalition else 1
        batches = list_batches(bound, coalition, point, sign)
        delta.append(sign * (train_alone(bound, batches) - utility))
    return utility, np.array(delta)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "settings",
    [{}, {"batch_size": 20}, {"depth": 1}, {"depth": 4, "width": 7, "seed": 5}],
    ids=str,
)
def test_a_batch_equals_ordinary_loops(task, settings):
    bound = make_bound(task, **settings)
    coalition, points = pick(bound)
    utility, delta = train_each_alone(bound, coalition, points)
    draw = bound.draw(coalition, points)
    assert draw.failures == ()
    assert draw.utility == pytest.approx(utility, rel=1e-12)
    np.testing.assert_allclose(draw.delta, delta, rtol=0, atol=1e-7 * np.std(delta))


@pytest.mark.parametrize("task", TASKS)
def test_float32_is_near_float64(task):
    single, double = (make_bound(task, dtype=f"float{bits}") for bits in (32, 64))
    coalition, points = pick(single, n_points=20)
    exact = double.marginals(coalition, points)
    error = np.abs(single.marginals(coalition, points) - exact)
    assert np.median(error) < 1e-3 * np.std(exact)
    assert 0 < error.max() < 0.5 * np.std(exact)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_blocks_change_rounding_alone(dtype, monkeypatch):
    bound = make_bound("classification", dtype=dtype)
    coalition, points = pick(bound, n_points=20)
    whole = bound.marginals(coalition, points)
    monkeypatch.setitem(mlp._BLOCK, "cpu", 3)
    tolerance = 1e-9 if dtype == "float64" else 1e-2
    np.testing.assert_allclose(
        bound.marginals(coalition, points), whole, atol=tolerance * np.std(whole)
    )


@pytest.mark.parametrize("task", TASKS)
def test_the_same_call_gives_the_same_bits(task):
    bound = make_bound(task, dtype="float32")
    coalition, points = pick(bound, n_points=20)
    first = bound.draw(coalition, points)
    bound.draw(coalition[:7], points[:2])
    again = pickle.loads(pickle.dumps(bound)).draw(coalition[::-1], points)  # noqa: S301
    assert again.utility == first.utility
    np.testing.assert_array_equal(again.delta, first.delta)


def test_the_number_of_threads_changes_no_bit_and_is_restored():
    bound = make_bound("classification", dtype="float32")
    coalition, points = pick(bound)
    before = torch.get_num_threads()
    results = []
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        results.append(bound.marginals(coalition, points))
        assert torch.get_num_threads() == n_threads
    with use_one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
    np.testing.assert_array_equal(*results)


def _marginals_elsewhere(bound, coalition, points, queue):
    queue.put(bound.marginals(coalition, points))


@pytest.mark.slow
def test_another_process_gives_the_same_bits():
    bound = make_bound("classification", dtype="float32")
    coalition, points = pick(bound)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    arguments = (bound, coalition, points, queue)
    process = context.Process(target=_marginals_elsewhere, args=arguments)
    process.start()
    elsewhere = queue.get(timeout=60)
    process.join()
    np.testing.assert_array_equal(elsewhere, bound.marginals(coalition, points))


@pytest.mark.parametrize("name", ["log_loss", "softmax_log_loss", "brier", "accuracy"])
def test_every_metric_scores_the_same_network(name):
    dataset = load_dataset("breast_cancer")
    bound = MlpLearner(epochs=3, dtype="float64").bind(dataset, name)
    coalition, points = pick(bound)
    utility, delta = train_each_alone(bound, coalition, points)
    draw = bound.draw(coalition, points)
    assert draw.utility == pytest.approx(utility, abs=1e-12)
    np.testing.assert_allclose(draw.delta, delta, atol=1e-11)


@pytest.mark.parametrize("task", TASKS)
def test_training_learns(task):
    dataset = load_dataset(NAMES[task])
    bound = MlpLearner(task).bind(dataset)
    untrained, trained = bound.utility(np.arange(0)), bound.utility(np.arange(250))
    assert trained > 0.7 * untrained  # both are negative losses


def test_a_class_may_be_missing():
    bound = make_bound("classification")
    of_one_class = np.flatnonzero(bound.dataset.y_train == 4)[:10]
    draw = bound.draw(of_one_class, np.array([0]))
    assert np.isfinite(draw.delta).all()


def test_the_last_member_leaves_the_network_as_it_began():
    bound = make_bound("regression")
    untrained = bound.utility(np.arange(0))
    draw = bound.draw(np.array([8]), np.array([8]))
    assert draw.utility - draw.delta[0] == pytest.approx(untrained)


@pytest.mark.parametrize("task", TASKS)
def test_a_training_that_diverges_is_counted(task):
    bound = make_bound(task, learning_rate=1e30, dtype="float32")
    coalition, points = pick(bound)
    draw = bound.draw(coalition, points)
    assert np.isnan(draw.utility)
    assert np.isnan(draw.delta).all()
    assert draw.failures == (mlp._DIVERGED,)
    assert np.isnan(bound.utility(coalition))


def test_one_model_that_diverges_harms_no_other(monkeypatch):
    bound = make_bound("classification")
    coalition, points = pick(bound)
    expected = bound.marginals(coalition, points)
    gather = type(bound)._gather_rows

    def spoil(self, coalition, points):
        block = gather(self, coalition, points)
        block.own_x[2] = np.nan
        return block

    monkeypatch.setattr(type(bound), "_gather_rows", spoil)
    draw = bound.draw(coalition, points)
    assert np.flatnonzero(np.isnan(draw.delta)).tolist() == [1]
    assert draw.failures == (mlp._DIVERGED,)
    others = [0, 2, 3, 4, 5]
    np.testing.assert_array_equal(draw.delta[others], expected[others])


def test_a_regression_does_not_depend_on_the_targets_unit():
    dataset = load_dataset("diabetes")
    arrays = (dataset.x_train, 8 * dataset.y_train, dataset.x_val, 8 * dataset.y_val)
    coalition, points = pick(make_bound("regression"))
    eightfold = MlpLearner("regression", epochs=5, dtype="float64").bind(
        Dataset(*arrays)
    )
    delta = make_bound("regression").marginals(coalition, points)
    np.testing.assert_allclose(eightfold.marginals(coalition, points), 64 * delta)


def test_a_constant_target_is_only_centred():
    x = np.random.default_rng(0).normal(size=(20, 3))
    bound = MlpLearner("regression").bind(Dataset(x, np.full(20, 7.0), x, [7.0] * 20))
    assert np.isfinite(bound.draw(np.arange(10), np.arange(20)).delta).all()


def test_the_description_tells_settings_apart():
    described = {
        make_bound("classification", **settings).description
        for settings in ({}, {"width": 8}, {"seed": 1}, {"dtype": "float32"})
    }
    assert len(described) == 4
    assert all(torch.__version__ in text for text in described)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"depth": 0}, "depth is 0. Give at least 1"),
        ({"epochs": 2.5}, "epochs is 2.5. Give an integer"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0"),
        ({"learning_rate": np.nan}, "learning_rate is nan"),
        ({"dtype": "float16"}, "dtype is 'float16'. Give one of float32, float64"),
        ({"device": "tpu"}, "device is 'tpu'. Give one of cpu, cuda, mps"),
        ({"task": "ranking"}, "task is 'ranking'"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        MlpLearner(**settings)


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"'cuda', but torch .* finds only cpu"):
        MlpLearner(device="cuda")


def test_the_other_task_is_refused():
    with pytest.raises(InputError, match=r"is for classification.*Give 'regmlp'"):
        MlpLearner().bind(load_dataset("diabetes"))


def test_features_too_large_for_float32_are_refused():
    x = np.array([[0.0], [1e20]])
    with pytest.raises(InputError, match=r"size 1e\+20.*Standardise"):
        MlpLearner().bind(Dataset(x, ["a", "b"], x, ["a", "b"]))


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"data-scaling\[torch\]"):
        MlpLearner()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_cuda_agrees_with_the_cpu():
    on_cpu = make_bound("classification")
    coalition, points = pick(on_cpu)
    on_cuda = make_bound("classification", device="cuda")
    expected = on_cpu.marginals(coalition, points)
    np.testing.assert_allclose(
        on_cuda.marginals(coalition, points), expected, atol=1e-7 * np.std(expected)
    )
