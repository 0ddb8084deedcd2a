"""How the fit of one point ended."""

from enum import IntEnum


class FitStatus(IntEnum):
    """How the fit of one point ended, with a sentence that says what to do.

    Examples
    --------
    >>> from data_scaling.laws import FitStatus
    >>> FitStatus.NO_SIGNAL.label
    'no signal'
    """

    CONVERGED = 0
    AT_BOUND = 1
    ITERATION_LIMIT = 2
    TOO_FEW_DRAWS = 3
    NO_SIGNAL = 4
    DEGENERATE = 5

    @property
    def label(self) -> str:
        """Short name for tables."""
        return self.name.lower().replace("_", " ")

    @property
    def sentence(self) -> str:
        """What the status means, and what to do."""
        return _SENTENCES[self]


_SENTENCES = {
    FitStatus.CONVERGED: "The fit converged inside the bounds; nothing to do.",
    FitStatus.AT_BOUND: (
        "The fit converged with an exponent at its bound, as happens where the draws "
        "hardly show how the contribution falls; add draws, or trust psi inside the "
        "drawn sizes only."
    ),
    FitStatus.ITERATION_LIMIT: (
        "The fit stopped at the iteration limit, so the law is not the likeliest one; "
        "raise max_iterations."
    ),
    FitStatus.TOO_FEW_DRAWS: (
        "Fewer than three usable draws, so there is no law; add draws."
    ),
    FitStatus.NO_SIGNAL: (
        "Every draw is exactly zero, so psi is 0 and has no exponent; the metric may "
        "be too coarse to see one point."
    ),
    FitStatus.DEGENERATE: (
        "All draws have one size, or no noise is left around the law, so the "
        "likelihood has no maximum; draw several sizes, and check that coalitions "
        "differ."
    ),
}
