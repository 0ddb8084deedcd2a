"""Contributions as an xarray dataset."""

from typing import TYPE_CHECKING, Any

from data_scaling._checks import require_extra
from data_scaling.contributions import Contributions

if TYPE_CHECKING:
    import xarray


def to_xarray(contributions: Contributions) -> "xarray.Dataset":
    """Return contributions as arrays with labels.

    Parameters
    ----------
    contributions : Contributions
        What to label; the arrays are shared, not copied.

    Returns
    -------
    xarray.Dataset
        ``delta`` and ``cardinality`` over the dimensions ``point`` (labelled by the
        index in the pool, and by the row's identifier) and ``draw``; where they come
        from stands in ``attrs``.

    Raises
    ------
    MissingExtraError
        If xarray is not installed.

    Examples
    --------
    >>> from data_scaling.contributions import Contributions
    >>> from data_scaling.interop import to_xarray
    >>> draws = to_xarray(Contributions([[0.5, 0.25]], [10, 20], [7]))
    >>> draws.delta.sel(point=7).mean("draw").item()
    0.375
    """
    module: Any = require_extra("xarray", "xarray")
    attributes = {"units": contributions.unit}
    dataset: xarray.Dataset = module.Dataset(
        {
            "delta": (("point", "draw"), contributions.delta, attributes),
            "cardinality": (("point", "draw"), contributions.cardinality),
        },
        coords={
            "point": contributions.points,
            "row": ("point", contributions.row_ids),
            "draw": range(contributions.n_draws),
        },
        attrs={
            name: getattr(contributions, name)
            for name in ("dataset", "learner", "metric", "unit", "fingerprint")
        },
    )
    return dataset
