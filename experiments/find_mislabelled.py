"""Flip labels, and find them by contributions, by Shapley values and by other scores.

The draws are made anew, as the contributions of flipped labels are others. Labels are
flipped in the whole pool, also where few of its points are scored.
"""

from collections.abc import Sequence

import data_scaling as ds
from data_scaling.fitting import make_estimator
from data_scaling.mislabelling import flip_labels
from data_scaling.plotting import plot_detection, save_figure
from data_scaling.suspicion import describe_winner, judge_scores, score_points
from options import (
    add,
    add_points,
    add_sizes,
    load_dataset,
    make_parser,
    read_integers,
)
from paths import Paths

SHARE, N_DRAWS, SIZES = 0.1, 100, "100,300,1000"


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    add_sizes(parser)
    add(parser, "num_samples", type=int, default=N_DRAWS, help="draws per point")
    add(parser, "share", type=float, default=SHARE, help="share of labels to flip")
    add(parser, "sizes", type=read_integers, default=SIZES, help="sizes of psi")
    add_points(parser)
    add(parser, "jobs", type=int, default=-1, help="processes; -1 for all cores")
    args = parser.parse_args(argv)
    paths = Paths.of(args)
    data = load_dataset(args)
    dirty, flipped = flip_labels(data, args.share, seed=args.seed)
    ends = args.min_cardinality, args.max_cardinality
    plan = ds.SamplingPlan(
        args.num_samples, *ends, points=args.num_inds, seed=args.seed
    )
    draws = ds.sample_contributions(
        dirty,
        args.model,
        plan,
        metric=args.metric,
        ledger=paths.ledger("flipped"),
        n_jobs=args.jobs,
    )
    laws = make_estimator("hierarchical").fit(draws)
    scores = score_points(dirty, draws, laws, args.sizes)
    title = f"{args.dataset}: {args.share:.0%} of the labels flipped"
    found = judge_scores(scores, flipped[draws.points])
    figure, frame = plot_detection(found, chance=args.share, title=title)
    print(frame.to_string(index=False, float_format="{:.3f}".format))
    print(describe_winner(found))
    print(*save_figure(figure, frame, paths.figure("mislabelled")), sep="\n")


if __name__ == "__main__":
    main()
