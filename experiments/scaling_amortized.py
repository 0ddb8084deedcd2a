"""Fit one network that predicts the law of a point from its features and label.

The figure compares it with the regression of logarithms of means, and with the means
themselves at three sizes, where validation draws are at hand.
"""

from collections.abc import Sequence

import data_scaling as ds
from data_scaling.plotting import plot_amortized, save_figure
from options import add, load_dataset, make_parser
from paths import Paths


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
        shown = plot_amortized(laws.take(draws.points), draws, sizes)
        print(save_figure(*shown, paths.figure("amortized.png"))[0])


if __name__ == "__main__":
    main()
