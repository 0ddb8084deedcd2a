"""Draw the contributions that laws are fitted to, over a full range of sizes.

``--kind`` names the ledger: ``pool`` for draws of all points, beside ``fit`` for those
that are studied more closely, and ``reference`` for values to judge others by.
"""

from collections.abc import Sequence

import data_scaling as ds
from options import add, add_sampling, add_sizes, draw_ledger, make_parser

#: The paper's draws per point.
N_DRAWS = 500


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    add_sizes(parser)
    add_sampling(parser)
    add(parser, "num_samples", type=int, default=N_DRAWS, help="draws per point")
    add(parser, "kind", default="fit", help="name of the ledger")
    args = parser.parse_args(argv)
    plan = ds.SamplingPlan(
        args.num_samples,
        args.min_cardinality,
        args.max_cardinality,
        points=args.num_inds,
        seed=args.seed,
    )
    draw_ledger(plan, args)


if __name__ == "__main__":
    main()
