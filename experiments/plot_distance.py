"""alpha and log|c| against the distance to the decision boundary, class by class."""

from collections.abc import Sequence

import data_scaling as ds
from data_scaling.boundary import boundary_distances
from data_scaling.plotting import plot_distance, save_figure
from options import add, load_dataset, make_parser
from paths import Paths


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    add(parser, "method", default="likelihood", help="whose laws")
    add(parser, "cardinality", type=float, default=316, help="size of the exponent")
    args = parser.parse_args(argv)
    paths = Paths.of(args)
    data = load_dataset(args)
    laws = ds.load_laws(paths.laws(args.method)).tangent(args.cardinality)
    distance = boundary_distances(data)[laws.points]
    labels = data.target_names(laws.points)
    figure, frame = plot_distance(laws, distance, labels, title=args.dataset)
    shown = frame.groupby("label").first().filter(regex="pearson|spearman")
    print(shown.to_string())
    written = save_figure(figure, frame, paths.figure(f"distance-{args.method}"))
    print(*written, sep="\n")


if __name__ == "__main__":
    main()
