"""The tables of learners without a quick approximation."""

from benchmarks.gains import MEANS, QUANTITIES, Row, average_gain, write_gain


def write_refits(refits: list[Row]) -> list[str]:
    """Return the tables of learners without a quick approximation."""
    n_many, n_few = refits[0]["n_many"], refits[0]["n_each"]
    lines = [
        "",
        "### By descriptors",
        "",
        f"The share of the variance of the typical point's draws that {n_many} base "
        "draws for each draw remove, and how many times less time equal noise then "
        "takes; below 1, they cost more than they bring. `adjust=True` takes the "
        "number of the last column: with 0 the draws stay as they are, and others cost "
        "a twentieth of the draws' time at most.",
        "",
        "| dataset | learner | points | m | base draw, in draws | removed | gain | "
        "taken |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {run['dataset']} | {run['learner']} | {run['n_points']} | "
        f"{row['n_draws']} | {run['cost']:.4f} | {row['removed']:.2f} | "
        f"{row['gain']:.2f} | {run['n_chosen']} |"
        for run in refits
        for row in run["shares"]
    ]
    sizes = [quantity for quantity in QUANTITIES if quantity != "Shapley"]
    lines += [
        "",
        f"With {n_few} base draws for each draw, by how many times the squared error "
        "falls, at equal draws / at equal time, over all m, each times m. Made by "
        "`python -m benchmarks.described`: the means of m draws at one size, and the "
        "hierarchical law of m draws of the three sizes in turn, judged by the draws "
        "at the size which the repetition did not take. Shapley values have no "
        "reference here. Where a draw is a fit for every point there are fewer of them "
        "to judge by. Where equal time does not suffice for one draw more, both "
        "numbers are the same.",
        "",
        "| dataset | learner | draws at each size | m | method | "
        + " | ".join(f"psi {size}" for size in sizes)
        + " |",
        "|---|---|---|---|---|" + "---|" * len(sizes),
    ]
    for run in refits:
        numbers = ", ".join(map(str, sorted({row["n_draws"] for row in run["rows"]})))
        about = f"{run['dataset']} | {run['learner']} | {run['n_reference']:,}"
        for method in (MEANS, "hierarchical"):
            cells = [
                " / ".join(
                    write_gain(average_gain(run, f"{method}|{size}|others", kind))
                    for kind in ("plain", "same time")
                )
                for size in sizes
            ]
            lines.append(f"| {about} | {numbers} | {method} | {' | '.join(cells)} |")
    return lines
