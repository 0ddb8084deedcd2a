"""Fit one network that predicts the law of a point from its features and label.

The figure compares it with the regression of logarithms of means, and with the means
themselves at three sizes, where validation draws are at hand.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

import data_scaling as ds
from data_scaling.plotting import save_figure
from data_scaling.size_means import average_by_size
from options import add, load_dataset, make_parser
from paths import Paths

# Among the paper's ten sizes: 100, 599 and 1000.
SHOWN = (0.0, 7 / 9, 1.0)


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    add(parser, "method", default="paper", help="paper, hierarchical or mean")
    add(parser, "kind", default="fit", help="name of the ledger")
    add(parser, "num_samples", type=int, help="first draws to train on; all by default")
    add(parser, "num_epochs", type=int, default=60, help="epochs")
    add(parser, "lr", type=float, default=5e-3, help="learning rate")
    add(parser, "device", default="cpu", help="cpu, cuda or mps")
    args = parser.parse_args(argv)
    paths = Paths.of(args)
    dataset = load_dataset(args)
    draws = ds.Contributions.load(paths.ledger(args.kind))
    if args.num_samples:
        draws = draws.first(args.num_samples)
    estimator = ds.AmortizedEstimator(
        args.method,
        n_epochs=args.num_epochs,
        learning_rate=args.lr,
        seed=args.seed,
        device=args.device,
    )
    laws = estimator.fit(draws, dataset)
    target = paths.laws("amortized", args.kind, args.num_samples)
    laws.save(target)
    estimator.save(target.with_suffix(".safetensors"))
    print(f"{target}: {len(laws):,} laws from {draws.n_draws:,} draws each")
    path = paths.ledger("validation")
    if path.exists():
        sizes = ds.describe_ledger(path).header.plan.list_cardinalities()[0]
        draws = ds.Contributions.load(path)
        shown = plot_diagnostics(laws.take(draws.points), draws, sizes)
        print(save_figure(*shown, paths.figure("amortized.png"))[0])


def plot_diagnostics(
    laws: ds.ScalingLaws, draws: ds.Contributions, sizes: ArrayLike
) -> tuple[Figure, pd.DataFrame]:
    """Return scatters against the log estimator and against means, and their frame."""
    log = ds.LogEstimator().fit(draws)
    means = average_by_size(draws, sizes)
    own = laws.tangent(float(np.exp(np.log(means.cardinality).mean())))
    with np.errstate(divide="ignore"):
        pairs = {
            "c": (log.c, own.c),
            "log |c|": (np.log(np.abs(log.c)), np.log(np.abs(own.c))),
            "alpha": (log.alpha, own.alpha),
        }
    for share in SHOWN:
        column = round(share * (len(means.cardinality) - 1))
        k = means.cardinality[column]
        pairs[f"psi at {k:.0f}"] = (means.mean[:, column], laws.psi(k))
    figure = Figure(figsize=(10, 6.5), layout="constrained")
    for axes, (name, (x, y)) in zip(
        figure.subplots(2, 3).flat, pairs.items(), strict=True
    ):
        axes.scatter(x, y, s=6, alpha=0.5)
        axes.axline((np.nanmedian(x), np.nanmedian(x)), slope=1, color="0.6", lw=1)
        axes.set(title=name, xlabel="draws", ylabel="amortized")
    columns = {"point": laws.points}
    for name, (x, y) in pairs.items():
        columns |= {f"{name} of draws": x, f"{name} amortized": y}
    return figure, pd.DataFrame(columns)


if __name__ == "__main__":
    main()
