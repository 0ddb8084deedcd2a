"""The amortized estimator: what it recovers, keeps, gives again and refuses."""

import sys

import numpy as np
import pytest
import torch

import data_scaling as ds
from data_scaling.amortized import AmortizedModel, training
from data_scaling.amortized.layers import find_layers, run_layers, set_gradients
from data_scaling.amortized.paper_loss import (
    Draws,
    likelihood_gradient,
    likelihood_loss,
)

FAST = {"n_epochs": 15, "hidden": (32, 32), "progress": False}


def make_dataset(task, n_points=900, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_points + 100, 5))
    y = x[:, 0] + 0.5 * rng.normal(size=len(x))
    if task == "classification":
        y = np.where(y > 0, "yes", "no")
    return ds.Dataset(x[:-100], y[:-100], x[-100:], y[-100:])


def plant(dataset, n_draws, seed=1):
    """Laws a/k + b/k^2 of the features and target, and draws of noise 20/k."""
    rng = np.random.default_rng(seed)
    x, y = dataset.x_train, dataset.y_train
    sign = np.where(y == y.max(), 1.0, -1.0) if dataset.classes else np.tanh(y)
    a, b = 4.0 * sign * np.tanh(x[:, 1]), 300.0 * x[:, 2] * sign
    k = rng.integers(50, 501, (len(x), n_draws))
    psi = a[:, None] / k + b[:, None] / k**2
    noise = 5.0 * np.exp(0.5 * x[:, 3, None])
    delta = psi + noise / k * rng.normal(size=k.shape)
    return a, b, ds.Contributions(delta, k)


@pytest.fixture(scope="module")
def trained():
    """A dataset, its draws, and an estimator that is trained on them quickly."""
    dataset = make_dataset("classification", 300)
    _, _, draws = plant(dataset, 10)
    estimator = ds.AmortizedEstimator(**FAST)
    return dataset, draws, estimator, estimator.fit(draws, dataset)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_planted_laws_that_depend_on_the_features_are_recovered(task):
    """R^2 of psi at two sizes over 200 points held out entirely; fixed seeds.

    The network alone has 0.68 to 0.91, with 10 draws of a point's own 0.70 to 0.90, and
    the hierarchical fit to the same 10 draws 0.34 to 0.57.
    """
    dataset = make_dataset(task)
    a, b, draws = plant(dataset, 30)
    seen, held = np.arange(700), np.arange(700, 900)
    estimator = ds.AmortizedEstimator(n_epochs=40, hidden=(64, 64), progress=False)
    estimator.fit(draws.take(seen), dataset)
    alone = estimator.predict(dataset.x_train[held], dataset.y_train[held])
    few = draws.take(held).first(10)
    both = estimator.update(few, dataset)
    pooled = ds.HierarchicalEstimator(powers=(1.0, 2.0)).fit(few)
    for k in (60, 400):
        truth = a[held] / k + b[held] / k**2
        r2 = [ds.agreement(laws.psi(k), truth).r2 for laws in (alone, both, pooled)]
        assert r2[0] > 0.65, r2
        assert r2[1] > max(0.65, r2[2] + 0.15), r2
    planted = 0.5 * dataset.x_train[held, 3]
    assert np.corrcoef(np.log(alone.noise_std(200)), planted)[0, 1] > 0.9


def test_the_luck_of_shared_coalitions_is_not_learned_as_the_truth():
    """Error of psi with six coalitions that all points share; fixed seeds.

    What the coalitions deviate by depends on the features, the laws do not, and
    held-out points of the same coalitions do not tell.
    """
    dataset = make_dataset("classification", 600)
    rng = np.random.default_rng(3)
    a = rng.normal(size=600)
    k = np.tile(rng.integers(50, 501, 6), (600, 1))
    luck = dataset.x_train @ rng.normal(size=(5, 6))
    delta = (a[:, None] + 1.5 * luck + rng.normal(size=k.shape)) / k
    draws = ds.Contributions(delta, k)
    estimator = ds.AmortizedEstimator(**FAST, powers=(1.0,))
    amortized = estimator.fit(draws, dataset)
    plain = ds.HierarchicalEstimator(powers=(1.0,)).fit(draws)

    error, expected = (np.mean((laws.psi(1) - a) ** 2) for laws in (amortized, plain))
    assert error < 1.25 * expected


@pytest.mark.parametrize("method", ["hierarchical", "paper", "mean"])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_saved_and_loaded_predicts_the_same_bits(method, task, tmp_path):
    dataset = make_dataset(task, 60)
    *_, draws = plant(dataset, 5)
    settings = FAST | {"n_epochs": 2}
    estimator = ds.AmortizedEstimator(method=method, **settings)
    estimator.fit(draws, dataset)
    estimator.save(tmp_path / "model.safetensors")
    again = ds.AmortizedEstimator.load(tmp_path / "model.safetensors")
    assert again.method == method
    assert again.hidden == (32, 32)
    for size in (100, 400):
        first, second = (
            e.predict(dataset.x_val, dataset.y_val).psi(size)
            for e in (estimator, again)
        )
        assert first.tobytes() == second.tobytes()
        first, second = (e.update(draws, dataset).psi(size) for e in (estimator, again))
        assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize("method", ["hierarchical", "paper", "mean"])
def test_one_seed_gives_one_result_whatever_torch_did_before(method):
    dataset = make_dataset("classification", 60)
    # Of fewer draws the networks of so few points are not trusted at all.
    *_, draws = plant(dataset, 40)
    settings = FAST | {"n_epochs": 2, "method": method}
    found = []
    for n_threads, seed in ((1, 0), (2, 0), (1, 1)):
        before = torch.get_num_threads()
        torch.set_num_threads(n_threads)
        torch.manual_seed(n_threads)
        laws = ds.AmortizedEstimator(seed=seed, **settings).fit(draws, dataset)
        torch.set_num_threads(before)
        found.append(laws.psi(100))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5)
    assert not np.allclose(found[2], found[0], rtol=1e-5)


def test_points_without_draws_have_the_networks_law(trained):
    dataset, _, estimator, _ = trained
    none = ds.Contributions(np.full((4, 2), np.nan), [60, 70], [3, 7, 1, 9])
    laws = estimator.update(none, dataset)
    expected = estimator.predict(
        dataset.x_train[laws.points], dataset.target_names(laws.points)
    )
    np.testing.assert_allclose(laws.psi(100), expected.psi(100), rtol=1e-6)
    assert (laws.n_draws == 0).all()
    assert laws.points.tolist() == [3, 7, 1, 9]


def test_points_unlike_all_others_have_laws_of_a_size_that_was_seen(trained):
    dataset, _, estimator, laws = trained
    far = estimator.predict(1e4 * dataset.x_val, dataset.y_val)
    for k in (60, 400):
        scale = np.abs(laws.psi(k)).max() + laws.noise_std(k).max()
        assert np.abs(far.psi(k)).max() < 5.0 * scale
        assert far.noise_std(k).max() < 5.0 * laws.noise_std(k).max()


def test_draws_that_are_all_zero_have_no_signal(trained):
    dataset, _, estimator, _ = trained
    laws = estimator.update(ds.Contributions(np.zeros((1, 4)), [60] * 4), dataset)
    assert laws.status[0] == ds.FitStatus.NO_SIGNAL
    assert laws.psi(100)[0] == laws.psi_std(100)[0] == 0.0


def test_codes_and_names_of_classes_are_the_same(trained):
    dataset, _, estimator, _ = trained
    named = [dataset.classes[code] for code in dataset.y_val]
    first = estimator.predict(dataset.x_val, dataset.y_val).psi(100)
    assert np.array_equal(first, estimator.predict(dataset.x_val, named).psi(100))


def test_laws_scale_with_the_utility(trained):
    dataset, draws, _, laws = trained
    scaled = ds.Contributions(1e4 * draws.delta, draws.cardinality)
    other = ds.AmortizedEstimator(**FAST).fit(scaled, dataset)
    np.testing.assert_allclose(other.psi(100), 1e4 * laws.psi(100), rtol=0.05, atol=5)


def test_the_paper_network_learns_signs_and_sizes():
    """Share of right signs above 0.85 over held-out points; fixed seed."""
    dataset = make_dataset("classification")
    a, b, draws = plant(dataset, 40)
    estimator = ds.AmortizedEstimator("paper", n_epochs=60, progress=False)
    estimator.fit(draws.take(np.arange(700)), dataset)
    laws = estimator.predict(dataset.x_train[700:], dataset.y_train[700:])
    truth = a[700:] / 200 + b[700:] / 200**2
    assert ds.agreement(laws.psi(200), truth).sign_agreement > 0.85
    assert (laws.alpha > 0).all()


def test_the_paper_loss_is_the_negative_log_likelihood():
    """Against the normal density, with the sign known and alpha 1."""
    rng = np.random.default_rng(0)
    k = rng.integers(50, 500, (3, 8))
    c, sigma, beta = rng.uniform(1, 2, (3, 3, 1))
    delta = c / k + rng.normal(size=k.shape) / k
    outputs = np.hstack([np.full((3, 1), 50.0), np.log(c), np.zeros((3, 1))])
    outputs = np.hstack([outputs, np.log(sigma), np.log(beta)])
    arrays = (outputs, delta, k, np.ones_like(delta))
    told, *rest = (torch.tensor(v, dtype=torch.float64) for v in arrays)
    draws = Draws.prepare(*rest)
    variance = sigma**2 * k**-beta
    density = 0.5 * np.log(variance) + (delta - c / k) ** 2 / variance / 2
    wrong = 0.5 * np.log(variance) + (delta + c / k) ** 2 / variance / 2
    positive, negative = density.mean(1), wrong.mean(1)
    expected = np.minimum(positive, negative) + np.where(positive > negative, 50.0, 0)
    np.testing.assert_allclose(likelihood_loss(told, draws), expected, rtol=1e-9)


def test_the_paper_loss_has_its_own_gradient():
    """Against differences of the loss, some draws missing and one point without any."""
    rng = np.random.default_rng(1)
    k = rng.integers(50, 500, (6, 8))
    weight = (rng.uniform(size=k.shape) < 0.7) * (np.arange(6)[:, None] > 0)
    arrays = (rng.normal(size=k.shape) / k * weight, k, weight)
    draws = Draws.prepare(*(torch.tensor(v, dtype=torch.float64) for v in arrays))
    outputs, step = 0.5 * rng.normal(size=(6, 5)), 1e-5
    differences = np.empty_like(outputs)
    for place in range(5):
        shift = step * np.eye(5)[place]
        ends = (torch.tensor(outputs + s * shift) for s in (1, -1))
        above, below = (likelihood_loss(end, draws).numpy() for end in ends)
        differences[:, place] = (above - below) / (2 * step)
    found = likelihood_gradient(torch.tensor(outputs), draws)
    np.testing.assert_allclose(found, differences, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("scale", [0.01, 100.0])
def test_gradients_are_clipped_as_torch_clips_them(scale):
    """Of one precision and of both, shorter and longer than the largest norm."""
    rng = np.random.default_rng(3)
    arrays = (rng.normal(size=7).astype(np.float32), rng.normal(size=(2, 3)))
    for parts in (arrays, arrays[:1]):
        found = [torch.tensor(scale * part) for part in parts]
        parameters = [torch.nn.Parameter(torch.zeros_like(one)) for one in found]
        for parameter, gradient in zip(parameters, found, strict=True):
            parameter.grad = gradient.clone()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        training._clip(found)
        expected = [parameter.grad for parameter in parameters]
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


def test_a_network_is_trained_as_by_the_optimizer_of_torch():
    """Two rates, of which the shared parameter's is four times the other."""
    rows, values = np.arange(20), torch.randn(20, 4, generator=torch.manual_seed(1))
    schedule = training.Schedule(3, 8, 1e-2, 0.1)

    def make():
        network = torch.nn.Linear(4, 1)
        torch.nn.init.ones_(network.weight)
        torch.nn.init.zeros_(network.bias)
        network.shared = torch.nn.Parameter(torch.ones((), dtype=torch.float64))
        return network

    def lose(network, batch):
        return ((network(values[batch])[:, 0] + network.shared) ** 2).mean()

    found, expected = make(), make()
    training.descend(
        found,
        rows,
        lambda batch: lose(found, batch).backward(),
        lambda: 0.0,
        schedule,
        np.random.default_rng(0),
        shared=[found.shared],
        keep_last=True,
    )
    layers = {"params": [expected.weight, expected.bias], "weight_decay": 0.1}
    shared = {"params": [expected.shared], "lr": 4e-2, "weight_decay": 0.0}
    optimizer = torch.optim.AdamW([layers, shared], lr=1e-2)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda n: min((n + 1) / 0.45, 0.5 + 0.5 * np.cos(np.pi * n / 9))
    )
    rng = np.random.default_rng(0)
    for _ in range(3):
        for batch in torch.from_numpy(rng.permutation(rows)).split(8):
            optimizer.zero_grad()
            lose(expected, batch).backward()
            torch.nn.utils.clip_grad_norm_(expected.parameters(), 1.0)
            optimizer.step()
            rate.step()
    parts = dict(expected.named_parameters())
    for name, parameter in found.named_parameters():
        torch.testing.assert_close(parameter, parts[name], rtol=1e-5, atol=1e-7)
        assert not torch.equal(parameter, dict(make().named_parameters())[name])


@pytest.mark.parametrize("keep_last", [True, False])
def test_training_that_is_not_finite_leaves_the_network_and_warns(keep_last):
    network = torch.nn.Linear(3, 1)
    before = network.weight.detach().clone()

    def spoil(batch):
        network.weight.grad.fill_(np.nan)

    with pytest.warns(ds.FitWarning, match="not finite: it stays as it was"):
        training.descend(
            network,
            np.arange(4),
            spoil,
            lambda: 0.0 if keep_last else float("nan"),
            training.Schedule(2, 4, 1e-2, 0.0),
            np.random.default_rng(0),
            keep_last=keep_last,
        )
    assert torch.equal(network.weight, before)


def test_layers_have_the_gradients_that_torch_derives():
    rng = np.random.default_rng(2)
    hidden = ds.Classifier(4, 3, rng, (7, 6)).backbone
    model = ds.LikelihoodModel(hidden, 6, 3).double()
    torch.nn.init.normal_(model.head.weight, generator=torch.manual_seed(0))
    x, wanted = (torch.tensor(rng.normal(size=(9, n))) for n in (4, 15))
    layers = find_layers(model.backbone, model.head)
    values = run_layers(layers, x)
    outputs = model.head(model.backbone(x))
    torch.testing.assert_close(values[-1], outputs)
    (wanted * outputs).sum().backward()
    derived = [parameter.grad.clone() for parameter in model.parameters()]
    set_gradients(layers, values, wanted)
    found = [parameter.grad for parameter in model.parameters()]
    torch.testing.assert_close(found, derived)


def test_a_stack_gives_points_and_batches(trained):
    dataset, draws, _, _ = trained
    stack = ds.MarginalContributionStackDataset(draws, dataset)
    batch = stack[torch.tensor([4, 2])]
    for one, several in zip(stack[2], batch, strict=True):
        assert torch.equal(one, several[1])
    assert len(torch.utils.data.default_collate([stack[0], stack[1]])) == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "other"}, "hierarchical, paper, mean"),
        ({"n_epochs": 0}, "at least 1"),
        ({"n_members": 1}, "at least 2"),
        ({"training_share": 0.0}, "above 0"),
        ({"held_out": 0.9}, r"at most 0\.5"),
        ({"dropout": 1.0}, "below 1"),
        ({"powers": (2.0, 1.0)}, "rising"),
        ({"powers": (0.0, 1.0)}, "above 0"),
        ({"hidden": ()}, "hidden is empty"),
    ],
)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ds.InputError, match=message):
        ds.AmortizedEstimator(**settings)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((2, 4)), ["yes", "no"], "trained on 5 features"),
        (np.zeros(5), ["yes"], "trained on 5 features"),
        (np.full((2, 5), np.nan), ["yes", "no"], "NaN or infinite"),
        (np.array([["a"] * 5]), ["yes"], "Give numbers"),
        (np.zeros((2, 5)), ["yes", "maybe"], r"not seen: maybe\. .* no, yes"),
        (np.zeros((2, 5)), [0, 2], "not seen: 2"),
        (np.zeros((2, 5)), ["yes"], "one target per row"),
    ],
)
def test_points_of_another_kind_are_refused(trained, x, y, message):
    with pytest.raises(ds.InputError, match=message):
        trained[2].predict(x, y)


def test_a_regression_wants_numbers():
    dataset = make_dataset("regression", 60)
    *_, draws = plant(dataset, 4)
    estimator = ds.AmortizedEstimator(**FAST | {"n_epochs": 1})
    estimator.fit(draws, dataset)
    with pytest.raises(ds.InputError, match="give numbers"):
        estimator.predict(dataset.x_val[:2], ["a", "b"])
    with pytest.raises(ds.InputError, match="NaN"):
        estimator.predict(dataset.x_val[:2], [0.0, np.nan])


def test_draws_of_another_dataset_are_refused(trained):
    dataset, draws, estimator, _ = trained
    other = make_dataset("classification", 200, seed=5)
    with pytest.raises(ds.InputError, match="has 200 points"):
        estimator.fit(draws, other)
    stated = ds.Contributions(draws.delta, draws.cardinality, fingerprint="abc")
    with pytest.raises(ds.InputError, match="fingerprint abc"):
        estimator.fit(stated, dataset)


def test_too_few_points_and_a_device_that_is_not_there_are_refused(trained):
    dataset, draws, _, _ = trained
    with pytest.raises(ds.InputError, match="20 points are left to train on"):
        ds.AmortizedEstimator(**FAST).fit(draws.take(np.arange(20)), dataset)
    with pytest.raises(ds.InputError, match="finds only cpu"):
        ds.AmortizedEstimator(device="abacus").fit(draws, dataset)


def test_an_untrained_estimator_says_so(tmp_path):
    estimator = ds.AmortizedEstimator()
    with pytest.raises(ds.InputError, match="Call fit"):
        estimator.predict([[0.0]], ["a"])
    with pytest.raises(ds.InputError, match="Call fit"):
        estimator.save(tmp_path / "x")
    assert "not trained" in repr(estimator)


def test_a_file_that_is_no_model_is_refused(trained, tmp_path):
    from safetensors.numpy import save_file

    estimator = trained[2]
    assert isinstance(estimator.model, AmortizedModel)
    path = tmp_path / "model"
    with pytest.raises(FileNotFoundError, match="no file"):
        ds.AmortizedEstimator.load(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ds.InputError, match="no file of an amortized model"):
        ds.AmortizedEstimator.load(path)
    save_file({"a": np.zeros(2)}, path)
    with pytest.raises(ds.InputError, match="no file of an amortized model"):
        ds.AmortizedEstimator.load(path)
    estimator.save(path)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(ds.InputError, match="damaged"):
        ds.AmortizedEstimator.load(path)


def test_without_torch_the_extra_is_named(monkeypatch):
    dataset = make_dataset("classification", 60)
    *_, draws = plant(dataset, 4)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ds.MissingExtraError, match=r"data-scaling\[torch\]"):
        ds.AmortizedEstimator().fit(draws, dataset)


def test_coalitions_that_were_not_drawn_leave_laws_whole(trained):
    """Two of five columns are missing, as in a ledger that is not finished."""
    dataset, draws, *_ = trained
    few = draws.first(5)
    delta = few.delta.copy()
    delta[:, 1:3] = np.nan
    partly = ds.Contributions(delta, few.cardinality)
    laws = ds.AmortizedEstimator(**FAST).fit(partly, dataset)

    assert np.isfinite(laws.psi([60, 300])).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_gpu_gives_the_same_bits_again_and_nearly_those_of_the_processor(trained):
    dataset, draws, _, expected = trained
    first, again = (
        ds.AmortizedEstimator(device="cuda", **FAST).fit(draws, dataset)
        for _ in range(2)
    )

    np.testing.assert_array_equal(first.coefficients, again.coefficients)
    assert ds.agreement(first.psi(200), expected.psi(200)).r2 > 0.95
