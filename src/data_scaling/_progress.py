"""The progress bar of a run: on a terminal or in a notebook, else nothing."""

import shutil
import sys
from typing import Any

from tqdm.auto import tqdm


def open_bar(n_done: int, n_all: int, *, wanted: bool, unit: str = "draw") -> Any:
    """Return a bar that counts units of work, with their rate and the time left.

    It is silent where nobody would see it: on neither a terminal nor a notebook.
    """
    is_terminal = sys.stderr.isatty()
    return tqdm(
        total=n_all,
        initial=n_done,
        unit=unit,
        disable=not (wanted and (is_terminal or _is_in_notebook())),
        # A terminal that does not know its width says 0, and the bar would be empty. In
        # a notebook these would be pixels, and the bar has the page's width unasked.
        ncols=shutil.get_terminal_size().columns if is_terminal else None,
    )


def _is_in_notebook() -> bool:
    """Whether an IPython kernel runs this process."""
    if "IPython" not in sys.modules:
        return False
    shell: Any = sys.modules["IPython"].get_ipython()
    return shell is not None and "IPKernelApp" in shell.config
