"""Ten kinds of histogram and scatter over the fitted laws, for datasets x models.

``--kind all`` makes all ten. Several datasets and models, with commas between, make a
grid: datasets below each other, models side by side.
"""

from collections.abc import Sequence
from itertools import product

import data_scaling as ds
from data_scaling.plotting import plot_histogram, save_figure, summarise_laws
from data_scaling.plotting.histogram import KINDS, LawSummary
from options import add, make_parser
from paths import Paths


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    add(parser, "kind", default="all", help=f"all, or one of {', '.join(KINDS)}")
    add(parser, "method", default="likelihood", help="whose laws")
    args = parser.parse_args(argv)
    datasets, models = args.dataset.split(","), args.model.split(",")
    summaries = [
        (f"{dataset}, {model}", summarise(paths, args.method))
        for dataset, model in product(datasets, models)
        for paths in [Paths(args.out, dataset, model, args.metric)]
    ]
    first = Paths(args.out, datasets[0], models[0], args.metric)
    for kind in KINDS if args.kind == "all" else [args.kind]:
        figure, frame = plot_histogram(kind, summaries, n_columns=len(models))
        written = save_figure(figure, frame, first.figure(f"histogram-{kind}"))
        print(written[0])


def summarise(paths: Paths, method: str) -> LawSummary:
    """Return the laws of one dataset and model beside their validation."""
    ledger = paths.ledger("validation")
    plan = ds.describe_ledger(ledger).header.plan
    laws = ds.load_laws(paths.laws(method)).tangent(plan.max_cardinality)
    sizes = plan.cardinalities or ()
    return summarise_laws(laws, ds.Contributions.load(ledger), sizes)


if __name__ == "__main__":
    main()
