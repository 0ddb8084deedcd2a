"""Points with the stack of their draws, as a dataset of torch."""

from typing import TYPE_CHECKING

import numpy as np

from data_scaling._checks import require_extra
from data_scaling.amortized.encoding import learn_encoding
from data_scaling.contributions import Contributions
from data_scaling.datasets import Dataset

if TYPE_CHECKING:
    import torch
    from torch import Tensor
else:
    torch = require_extra("torch", "torch")


class MarginalContributionStackDataset(torch.utils.data.Dataset["tuple[Tensor, ...]"]):
    """Points, each with its features, its target and the stack of its draws.

    The tensors stay in memory. An index gives one point; a tensor of indices gives a
    batch by one operation. Training indexes the tensors themselves.

    Parameters
    ----------
    contributions : Contributions
        Draws of some points; a missing draw has weight 0.
    dataset : Dataset
        Where the points come from; features are standardised on its training part.
    device : str
        Where the tensors lie.

    Attributes
    ----------
    x, target : tensor
        Features (n_points, n_features) float32, and class codes or the standardised
        target (n_points,).
    delta, cardinality, weight : (n_points, n_draws) float32 tensor
        Contributions in units of the utility, sizes, and 1 for a usable draw, else 0.

    Examples
    --------
    >>> import data_scaling as ds
    >>> dataset = ds.load_dataset("wine")
    >>> draws = ds.Contributions([[0.2, 0.1], [0.4, 0.3]], [30, 60], [7, 3])
    >>> stack = ds.MarginalContributionStackDataset(draws, dataset)
    >>> x, target, delta, cardinality, weight = stack[1]
    >>> len(stack), x.shape, delta.tolist()
    (2, torch.Size([13]), [0.4..., 0.3...])
    """

    def __init__(
        self, contributions: Contributions, dataset: Dataset, device: str = "cpu"
    ) -> None:
        points = contributions.points
        x, target = learn_encoding(dataset).encode(
            dataset.x_train[points], dataset.y_train[points]
        )
        usable = ~np.isnan(contributions.delta)
        draws = (
            np.where(usable, contributions.delta, 0.0),
            contributions.cardinality,
            usable,
        )
        self.x = torch.tensor(x, device=device)
        self.target = torch.tensor(target, device=device)
        self.delta, self.cardinality, self.weight = (
            torch.tensor(array, dtype=torch.float32, device=device) for array in draws
        )

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.x)

    def __getitem__(self, index: "int | Tensor") -> "tuple[Tensor, ...]":
        """Return features, target, contributions, sizes and weights of points."""
        arrays = (self.x, self.target, self.delta, self.cardinality, self.weight)
        return tuple(array[index] for array in arrays)
