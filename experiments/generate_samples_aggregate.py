"""Score models trained on random subsets of every size: the ordinary learning curve."""

from collections.abc import Sequence

import data_scaling as ds
from options import add, add_sizes, load_dataset, make_parser
from paths import Paths

#: Random datasets, over sizes spread evenly on the logarithmic scale.
N_DRAWS = 1000


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    add_sizes(parser)
    add(parser, "num_samples", type=int, default=N_DRAWS, help="random datasets")
    add(parser, "jobs", type=int, default=-1, help="processes; -1 for all cores")
    args = parser.parse_args(argv)
    plan = ds.SamplingPlan(
        0,
        args.min_cardinality,
        args.max_cardinality,
        density="log-uniform",
        n_base_draws=args.num_samples,
        seed=args.seed,
    )
    ledger = Paths.of(args).ledger("aggregate")
    curve = ds.sample_learning_curve(
        load_dataset(args),
        args.model,
        plan,
        metric=args.metric,
        ledger=ledger,
        n_jobs=args.jobs,
    )
    print(f"{ledger}: {curve.n_draws:,} datasets, {curve.n_failed:,} failed")


if __name__ == "__main__":
    main()
