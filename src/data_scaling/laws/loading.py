"""Reading laws of any kind back from a file."""

import os
from collections.abc import Callable

from data_scaling.errors import InputError
from data_scaling.laws.expansion import ExpansionLaws
from data_scaling.laws.power import PowerLaws
from data_scaling.laws.protocol import ScalingLaws
from data_scaling.laws.storage import read_arrays

_KINDS: dict[str, Callable[..., ScalingLaws]] = {
    "power": PowerLaws,
    "expansion": ExpansionLaws,
}


def load_laws(path: str | os.PathLike[str]) -> ScalingLaws:
    """Read laws that ``save`` wrote.

    Parameters
    ----------
    path : path-like
        A file of laws.

    Returns
    -------
    ScalingLaws
        Laws of the kind that was saved, with the same bits.

    Raises
    ------
    InputError
        If the file is no file of laws, is damaged, or is of another version.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.estimators import LikelihoodEstimator
    >>> from data_scaling.laws import load_laws
    >>> draws = Contributions([[0.9, 0.6, 0.3, 0.2]], [1, 2, 3, 4])
    >>> laws = LikelihoodEstimator().fit(draws)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     laws.save(Path(folder) / "laws.npz")
    ...     again = load_laws(Path(folder) / "laws.npz")
    >>> bool(again.psi(10) == laws.psi(10))
    True
    """
    kind, arrays = read_arrays(path)
    if kind not in _KINDS:
        raise InputError(
            f"{path} holds laws of the kind {kind!r}, but this version knows "
            f"{', '.join(_KINDS)}. Update data-scaling."
        )
    try:
        return _KINDS[kind](**arrays)
    except TypeError as error:
        raise InputError(
            f"{path} lacks arrays of {kind} laws ({error}). Save the laws anew."
        ) from error
