"""Where the scripts keep what they make, in one place.

::

    OUT/DATASET/prepared/              the prepared dataset (preprocess.py)
    OUT/DATASET/MODEL/fit.ledger       draws to fit laws on (generate_samples.py)
    OUT/DATASET/MODEL/fit-2of5.ledger  the same, one shard of five
    OUT/DATASET/MODEL/laws-METHOD.npz  laws (scaling_likelihood.py and others)
    OUT/DATASET/MODEL/figures/         figures and tables (plot_*.py, test_*.py)

A metric that is not the default stands behind the model, as in
``logreg-softmax_log_loss``.
"""

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

DEFAULT_OUT = Path("runs") / "paper"


@dataclass(frozen=True)
class Paths:
    """The files of one dataset, one model and one metric."""

    out: Path
    dataset: str
    model: str = "logreg"
    metric: str | None = None

    @classmethod
    def of(cls, args: Namespace) -> "Paths":
        """Return the paths that a script's arguments mean."""
        model = getattr(args, "model", "logreg")
        return cls(args.out, args.dataset, model, getattr(args, "metric", None))

    @property
    def prepared(self) -> Path:
        """The folder of the prepared dataset."""
        return self.out / self.dataset / "prepared"

    @property
    def folder(self) -> Path:
        """What was made with one model and metric."""
        suffix = f"-{self.metric}" if self.metric else ""
        return self.out / self.dataset / f"{self.model}{suffix}"

    def ledger(self, kind: str, shard: tuple[int, int] | None = None) -> Path:
        """Return the file of draws: ``fit``, ``validation``, ``aggregate``, ..."""
        suffix = "-{}of{}".format(*shard) if shard else ""
        return self.folder / f"{kind}{suffix}.ledger"

    def shards(self, kind: str) -> list[Path]:
        """Return the ledgers of all shards of a kind that are there."""
        return sorted(self.folder.glob(f"{kind}-*of*.ledger"))

    def laws(
        self, method: str, kind: str = "fit", n_samples: int | None = None
    ) -> Path:
        """Return the file of laws: ``likelihood``, ``hierarchical``, ``amortized``."""
        source = "" if kind == "fit" else f"-{kind}"
        budget = f"-{n_samples}-draws" if n_samples else ""
        return self.folder / f"laws-{method}{source}{budget}.npz"

    def figure(self, name: str) -> Path:
        """Return the path of a figure, for ``save_figure``, or of a table."""
        return self.folder / "figures" / name
