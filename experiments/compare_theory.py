"""Compare linear regression with theory: a(z) / k + c(z) / k^2, beta = 3.

The term of first order is 0 where the validation part is the whole population.
"""

from collections.abc import Sequence

import data_scaling as ds
from data_scaling.plotting import plot_theory, save_figure
from data_scaling.theory import predict_linear_terms
from options import load_dataset, make_parser
from paths import Paths


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    parser.set_defaults(dataset="lm_reg", model="linreg")
    args = parser.parse_args(argv)
    paths = Paths.of(args)
    ledger = paths.ledger("validation")
    draws = ds.Contributions.load(ledger)
    fit = ds.LogEstimator(ds.describe_ledger(ledger).header.plan.cardinalities)
    terms = [term[draws.points] for term in predict_linear_terms(load_dataset(args))]
    figure, frame = plot_theory(
        fit.regress(draws), terms, draws.points, unit=draws.unit, title=args.dataset
    )
    print(frame.attrs["summary"].to_string(index=False, float_format="{:.3f}".format))
    print(frame[["alpha", "beta"]].quantile([0.25, 0.5, 0.75]).to_string())
    print(*save_figure(figure, frame, paths.figure("theory")), sep="\n")


if __name__ == "__main__":
    main()
