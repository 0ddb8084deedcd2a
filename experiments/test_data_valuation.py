"""Shapley values from laws and from plain Monte Carlo, at 10 to 100 draws (4.3).

They are judged by the mean of many draws of their own:
``generate_samples.py --kind reference --seed 2 --num-samples 5000``.
"""

from collections.abc import Callable, Sequence
from functools import partial

import data_scaling as ds
from data_scaling._typing import FloatArray, IntArray
from data_scaling.convergence import compare_values
from data_scaling.plotting import plot_values, save_figure
from options import add, add_methods, make_fit, make_parser, read_integers
from paths import Paths

N_DRAWS = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]


def main(argv: Sequence[str] | None = None) -> None:
    parser = make_parser(__doc__)
    add(parser, "num_samples", type=read_integers, help="draws per point, with commas")
    add_methods(parser)
    args = parser.parse_args(argv)
    paths = Paths.of(args)
    n_draws = list(args.num_samples or N_DRAWS)
    draws = ds.Contributions.load(paths.ledger("fit"))
    many = ds.Contributions.load(paths.ledger("reference"))
    reference = ds.monte_carlo_values(many)
    sizes = int(many.cardinality.min()), int(many.cardinality.max())
    methods: dict[str, Callable[[ds.Contributions], FloatArray]] = {
        "Monte Carlo": lambda draws: ds.monte_carlo_values(draws.take(many.points)),
    }
    for method in args.methods:
        methods[method] = partial(value, make_fit(method, args), many.points, sizes)
    found = {
        name: compare_values(estimate, draws, reference, n_draws)
        for name, estimate in methods.items()
    }
    title = f"{args.dataset}: against {many.n_draws:,} other draws"
    figure, frame = plot_values(found, n_draws, unit=many.unit, title=title)
    print(frame.to_string(index=False, float_format="{:.4g}".format))
    print(*save_figure(figure, frame, paths.figure("valuation")), sep="\n")


def value(
    fit: Callable[..., ds.ScalingLaws],
    points: IntArray,
    sizes: tuple[int, int],
    draws: ds.Contributions,
) -> FloatArray:
    """Return the Shapley values of some points, by laws that are fitted to all."""
    return ds.shapley_values(fit(draws).take(points), *sizes)


if __name__ == "__main__":
    main()
