"""Add the 100 best points to random datasets of 500 and of 5000 (section 4.4).

They are the best as scored at size 500, at size 5000, by Shapley value, or drawn at
random; the most harmful are the opposite test. Needs draws of the whole pool:
``generate_samples.py --kind pool``. Repetitions are kept in parts and resumed.
``--part validation`` judges by the part that the scores are of, not by the test part:
where only that shows an effect, the selections fit the validation part.
"""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

import data_scaling as ds
from data_scaling.addition_study import (
    choose_additions,
    describe_additions,
    resume_additions,
    sum_contributions,
)
from data_scaling.fitting import make_estimator
from data_scaling.plotting import plot_additions, save_figure
from options import add, load_dataset, make_parser, read_integers
from paths import Paths

N_POINTS, N_REPETITIONS, SIZES = 100, 1000, "500,5000"
# Metrics of the test part, and their units.
METRICS = {"accuracy": "share of points", "log_loss": "nats per point"}


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    add(parser, "method", default="hierarchical", help="how laws are fitted")
    add(parser, "kind", default="pool", help="name of the ledger")
    add(parser, "num_points", type=int, default=N_POINTS, help="points to add")
    add(parser, "repetitions", type=int, default=N_REPETITIONS, help="random datasets")
    add(parser, "sizes", type=read_integers, default=SIZES, help="of the datasets")
    add(parser, "part", default="test", choices=["test", "validation"], help="judge by")
    add(parser, "jobs", type=int, default=-1, help="processes; -1 for all cores")
    args = parser.parse_args(argv)
    paths = Paths.of(args)
    data = load_dataset(args)
    if args.part == "validation":
        data = replace(data, x_test=data.x_val, y_test=data.y_val)
    draws = ds.Contributions.load(paths.ledger(args.kind))
    laws = make_estimator(args.method).fit(draws)
    ends = int(draws.cardinality.min()), int(draws.cardinality.max())
    selections = choose_additions(laws, data, args.sizes, ends, args.num_points)
    suffix = "" if args.part == "test" else f"-{args.part}"
    name = f"additions-{args.method}-{args.num_points}{suffix}"
    found = resume_additions(
        paths.folder / name,
        data,
        args.model,
        selections,
        args.sizes,
        metrics=list(METRICS),
        n_repetitions=args.repetitions,
        seed=args.seed,
        n_jobs=args.jobs,
    )
    title = f"{args.dataset}: {args.num_points} points added, {args.part} part"
    figure, frame = plot_additions(found, units=list(METRICS.values()), title=title)
    print(frame.to_string(index=False, float_format="{:+.5f}".format))
    print(*describe_additions(found), sep="\n")
    gains = sum_contributions(laws, selections, args.sizes)
    print("If contributions added up, a selection would gain, at each size:")
    print(pd.DataFrame(gains, list(selections), args.sizes).to_string())
    print(*save_figure(figure, frame, paths.figure(name)), sep="\n")


if __name__ == "__main__":
    main()
