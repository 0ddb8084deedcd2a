"""The aggregate law eps + c / k^alpha of the ordinary learning curve."""

from collections.abc import Sequence

import data_scaling as ds
from data_scaling.plotting import plot_learning_curve, save_figure
from options import make_parser
from paths import Paths


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    args = parser.parse_args(argv)
    paths = Paths.of(args)
    curve = ds.LearningCurve.load(paths.ledger("aggregate")).usable()
    law = ds.AggregateLikelihoodEstimator().fit(curve.cardinality, curve.error)
    title = f"{args.dataset}, {curve.learner}"
    figure, frame = plot_learning_curve(curve, law, title=title)
    for name, error in law.standard_errors.items():
        print(f"{name}: {getattr(law, name):.4g} (standard error {error:.2g})")
    print(*save_figure(figure, frame, paths.figure("aggregate")), sep="\n")


if __name__ == "__main__":
    main()
