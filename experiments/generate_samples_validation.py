"""Draw many contributions at a few staggered sizes, to judge laws by their means.

``--sizes`` replaces the geometric sizes, and ``--kind`` the name of the ledger: the
paper's sizes beyond those that laws are fitted to are
``--sizes 2500,5000,7500,10000,15000,20000,25000 --kind extrapolation``.
"""

from collections.abc import Sequence

import data_scaling as ds
from data_scaling.size_means import space_sizes
from options import (
    add,
    add_sampling,
    add_sizes,
    draw_ledger,
    make_parser,
    read_integers,
)

#: The paper's points and draws per size; 200 and 5000 for the MLP and the SVM.
N_POINTS, N_DRAWS, N_SIZES = 1000, 1000, 10


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    add_sizes(parser)
    add_sampling(parser)
    parser.set_defaults(num_inds=N_POINTS, seed=1)
    add(parser, "num_samples", type=int, default=N_DRAWS, help="draws per size")
    add(parser, "num_cardinalities", type=int, default=N_SIZES, help="number of sizes")
    add(parser, "sizes", type=read_integers, help="these sizes, with commas between")
    add(parser, "kind", default="validation", help="name of the ledger")
    args = parser.parse_args(argv)
    ends = args.min_cardinality, args.max_cardinality
    plan = ds.SamplingPlan(
        args.num_samples,
        cardinalities=args.sizes or space_sizes(*ends, args.num_cardinalities),
        points=args.num_inds,
        seed=args.seed,
    )
    draw_ledger(plan, args)


if __name__ == "__main__":
    main()
