"""Fit a scaling law to every point, by maximum likelihood or by another method.

``--num-samples`` fits to the first draws only. How accuracy grows with the draws, at 5
to 500 of them, is studied by plot_scaling_estimates.py.
"""

from collections import Counter
from collections.abc import Sequence

import data_scaling as ds
from data_scaling.fitting import make_estimator
from options import add, make_parser
from paths import Paths


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    add(parser, "method", default="likelihood", help="likelihood or hierarchical")
    add(parser, "kind", default="fit", help="name of the ledger")
    add(parser, "num_samples", type=int, help="first draws to fit to; all by default")
    args = parser.parse_args(argv)
    paths = Paths.of(args)
    draws = ds.Contributions.load(paths.ledger(args.kind))
    if args.num_samples:
        draws = draws.first(args.num_samples)
    laws = make_estimator(args.method).fit(draws)
    target = paths.laws(args.method, args.kind, args.num_samples)
    laws.save(target)
    labels = Counter(ds.FitStatus(value).label for value in laws.status)
    ends = ", ".join(f"{n:,} {label}" for label, n in labels.most_common())
    print(f"{target}: {len(laws):,} laws from {draws.n_draws:,} draws each: {ends}")


if __name__ == "__main__":
    main()
