"""How accurate predicted contributions are: by method, draws and size.

The laws are fitted to the first 5 to 500 draws, of all points that were drawn, and
judged by the means of the validation draws; ``--kind extrapolation`` judges beyond the
fitted sizes.
"""

from collections.abc import Sequence

import data_scaling as ds
from data_scaling.convergence import study_convergence
from data_scaling.plotting import plot_convergence, save_figure
from options import add, add_methods, make_fit, make_parser, read_integers
from paths import Paths

N_DRAWS = [5, 10, 20, 50, 100, 200, 500]


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    add(parser, "num_samples", type=read_integers, help="draws per point, with commas")
    add(parser, "kind", default="validation", help="name of the ledger to judge by")
    add_methods(parser)
    args = parser.parse_args(argv)
    paths = Paths.of(args)
    draws = ds.Contributions.load(paths.ledger("fit"))
    judge = paths.ledger(args.kind)
    reference = ds.Contributions.load(judge)
    sizes = ds.describe_ledger(judge).header.plan.cardinalities
    budgets = args.num_samples or [n for n in N_DRAWS if n <= draws.n_draws]
    studies = {
        method: study_convergence(
            make_fit(method, args),
            draws,
            reference,
            budgets,
            sizes,
        )
        for method in args.methods
    }
    largest = ds.describe_ledger(paths.ledger("fit")).header.plan.max_cardinality
    for measure in ("pearson", "spearman", "r2"):
        figure, frame = plot_convergence(
            studies, measure=measure, fitted_up_to=largest, title=args.dataset
        )
        save_figure(figure, frame, paths.figure(f"estimates-{args.kind}-{measure}"))
    shown = frame[["method", "n_draws", "cardinality", "r2", "spearman", "r2_ceiling"]]
    print(shown.to_string(index=False, float_format="{:.3f}".format))
    print(paths.figure(f"estimates-{args.kind}-*.png"))


if __name__ == "__main__":
    main()
