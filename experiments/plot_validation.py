"""Does the law hold? The paper's Figure 1.

By default laws are regressed on the very means that they are judged by, as in the
paper. With ``--method likelihood`` or ``hierarchical`` they are those of
scaling_likelihood.py, fitted to other draws; ``--held-out`` regresses on
one half of the draws and judges by the other.
"""

from collections.abc import Sequence

import data_scaling as ds
from data_scaling.plotting import plot_validation, save_figure
from data_scaling.validation import describe_validation, split_draws
from options import add, make_parser
from paths import Paths


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    add(parser, "method", default="log", help="log, likelihood or hierarchical")
    add(parser, "kind", default="validation", help="name of the ledger to judge by")
    parser.add_argument("-held_out", "--held-out", action="store_true")
    args = parser.parse_args(argv)
    paths = Paths.of(args)
    draws = ds.Contributions.load(paths.ledger(args.kind))
    sizes = ds.describe_ledger(paths.ledger(args.kind)).header.plan.cardinalities
    judged = draws
    name = f"{args.kind}-{args.method}"
    if args.held_out:
        draws, judged = split_draws(draws)
        name += "-held-out"
    if args.method == "log":
        laws: ds.ScalingLaws = ds.LogEstimator(sizes).fit(draws)
    else:
        laws = ds.load_laws(paths.laws(args.method))
    validation = ds.validate_laws(laws, judged, sizes)
    title = f"{args.dataset}, {draws.learner}, {draws.metric}"
    figure, frame = plot_validation(laws, validation, unit=draws.unit, title=title)
    written = save_figure(figure, frame, paths.figure(name))
    for what, value in describe_validation(validation).items():
        print(f"{what}: {value:.4g}")
    print(*written, sep="\n")


if __name__ == "__main__":
    main()
