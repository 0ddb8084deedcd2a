"""The errors and warnings that the package raises on purpose.

Each derives from :class:`DataScalingError` and from the nearest built-in class, and
its message says what was asked, what is the case and what to do.
"""

__all__ = [
    "AdjustmentWarning",
    "AllDrawsFailedError",
    "DataScalingError",
    "DatasetError",
    "FailedDrawWarning",
    "FitWarning",
    "InputError",
    "LedgerError",
    "MissingExtraError",
    "PlanMismatchError",
    "WorkerLostError",
]


class DataScalingError(Exception):
    """Base class of every error that the package raises on purpose."""


class InputError(DataScalingError, ValueError):
    """An argument has a value that the function cannot work with."""


class DatasetError(InputError):
    """A dataset cannot be read, or cannot be valued as it is."""


class PlanMismatchError(InputError):
    """A ledger was drawn from another plan, dataset, learner or metric."""


class LedgerError(DataScalingError, OSError):
    """A ledger cannot be read or written."""


class AllDrawsFailedError(DataScalingError, RuntimeError):
    """No draw of a run gave a number."""


class WorkerLostError(DataScalingError, RuntimeError):
    """A process that drew has ended, and with it the run."""


class MissingExtraError(DataScalingError, ImportError):
    """A feature was used whose optional packages are not installed."""


class AdjustmentWarning(UserWarning):
    """Adjusting lowered the noise of draws by next to nothing, or was left out."""


class FailedDrawWarning(UserWarning):
    """Some draws failed; they are NaN in the contributions."""


class FitWarning(UserWarning):
    """Some laws did not converge; their status says why."""
