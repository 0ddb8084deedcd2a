"""A recipe's way to the processes that draw, and what they do with it."""

import os
import secrets
import threading
import time
from dataclasses import dataclass, field
from functools import cache

import cloudpickle  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from data_scaling._drawing import Recipe, Task, draw_task
from data_scaling.ledger import Segment

WATCH_SECONDS = 1.0
LARGE_BLOCK_BYTES = 31 * 2**20  # just below the largest block that glibc learns from

_unpacking = threading.Lock()


@dataclass(frozen=True)
class Parcel:
    """A recipe on its way to the workers, named so that each unpacks it once.

    The content is one array: joblib writes it to a temporary folder once and gives
    each task a memory map of it, however small the recipe's own arrays are; Dask keeps
    it on every worker. Unpacked, these are ordinary arrays of the worker, which
    learners need not tell from others.

    Attributes
    ----------
    name : str
        Unlike that of any other parcel.
    content : (n_bytes,) uint8 array
        The driver's process and the recipe, serialised.
    """

    name: str
    content: NDArray[np.uint8] = field(compare=False, repr=False)


def pack_recipe(recipe: Recipe) -> Parcel:
    """Serialise a recipe for transport between the processes of one run."""
    content = np.frombuffer(cloudpickle.dumps((os.getpid(), recipe)), dtype=np.uint8)
    return Parcel(secrets.token_hex(16), content)


_unpacked: dict[str, Recipe] = {}


def unpack_recipe(parcel: Parcel) -> Recipe:
    """Return the recipe in a parcel; a process unpacks each parcel once.

    The parcel's content is let go: joblib waits a second at the end of a run for a
    folder of memory maps that a worker still holds.
    """
    if parcel.name in _unpacked:
        return _unpacked[parcel.name]
    _unpacked.clear()
    keep_freed_memory()
    # For good: where a worker draws in several threads, a limit that ends with one
    # segment would end in the middle of another.
    threadpool_limits(1)
    driver: int
    recipe: Recipe
    driver, recipe = cloudpickle.loads(parcel.content.data)
    if os.getppid() == driver:
        _end_with(driver)
    _unpacked[parcel.name] = recipe
    return recipe


@cache
def _end_with(driver: int) -> None:
    """Let this process, a child of the driver, end when the driver is gone.

    A driver that is killed cannot end its workers, which would keep their memory for
    five minutes. (Those of Dask belong to no driver.)
    """

    def watch() -> None:
        while os.getppid() == driver:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def keep_freed_memory() -> None:
    """Let the C library reuse the memory of a learner's temporary arrays.

    Until a process has freed a large block once, glibc gives the memory of every array
    above 128 kB back to the system at once and asks for it again, page by page.
    """
    np.empty(LARGE_BLOCK_BYTES, dtype=np.uint8)


def draw_packed(name: str, content: NDArray[np.uint8], task: Task) -> list[Segment]:
    """Draw the spans of a task in a worker."""
    with _unpacking:
        recipe = unpack_recipe(Parcel(name, content))
    return draw_task(recipe, task)
