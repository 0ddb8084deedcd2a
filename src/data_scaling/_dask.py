"""The workers of a Dask cluster: what they are sent, and what becomes of lost ones."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import contextmanager
from typing import Any

import numpy as np
from joblib import parallel_config
from numpy.typing import NDArray

from data_scaling._checks import require_extra
from data_scaling.errors import InputError
from data_scaling.ledger.header import list_versions

WORKER_SECONDS = 60.0  # to wait for a worker where all are lost, and started again
# joblib asks for two tasks at a time for each worker that is there at the start. Of so
# many at least, those that come later, as from a batch queue, find some too.
TASKS_AHEAD = 1_000

_logger = logging.getLogger(__name__)


def is_cluster(backend: Any) -> bool:
    """Whether a backend of joblib has Dask's workers draw."""
    return hasattr(backend, "client")


@contextmanager
def send_ahead(backend: Any, content: NDArray[np.uint8]) -> Iterator[None]:
    """Put an array on every worker of a Dask cluster before the first task.

    Left to itself, joblib would put it on one, and with that worker it would be lost.

    Parameters
    ----------
    backend : DaskDistributedBackend
        What the user's settings made; inside the block, one that knows the array.
    content : (n_bytes,) uint8 array
        What every call has among its arguments.

    Raises
    ------
    InputError
        If there are no workers, or one has no such package.
    CancelledError
        If a worker was lost while the array was sent.
    """
    _await_workers(backend)
    check_workers(backend.client.run(list_versions, on_error="return"))
    try:
        sending = make_sure(type(backend))(
            client=backend.client,
            scatter=[content],
            wait_for_workers_timeout=backend.wait_for_workers_timeout,
            **backend.submit_kwargs,
        )
    except OSError as error:
        raise CancelledError(f"a worker was lost meanwhile: {error}") from error
    with parallel_config(sending):
        yield


def check_workers(answers: dict[str, Any]) -> None:
    """Raise if a worker has no such package; tell if its versions are others.

    Raises
    ------
    InputError
        Naming the worker and what it said.
    """
    own = list_versions()
    for address, answer in answers.items():
        if isinstance(answer, OSError):  # it was lost while it was asked
            continue
        if isinstance(answer, BaseException):
            raise InputError(
                f"The Dask worker at {address} cannot draw ({answer}). Install "
                f"data-scaling {own['data-scaling']} in its environment too."
            )
        if answer != own:
            _logger.warning(
                "The Dask worker at %s has the versions %s, this process has %s; draws "
                "may differ in the last bits.",
                address,
                answer,
                own,
            )


def _await_workers(backend: Any) -> None:
    try:
        backend.client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError as error:
        raise InputError(
            f"The Dask scheduler has had no worker for {WORKER_SECONDS:g} seconds. "
            "Start some, and run again."
        ) from error


def make_sure(kind: type[Any]) -> type[Any]:
    """Return a backend that draws on the workers, and tells of all that ends in errors.

    joblib's own forgets the tasks that Dask gives up (each had ended several workers),
    and would wait for them forever; for a single worker it draws in this process; and
    it asks for no more at a time than the workers at the start can do.
    """

    class SureBackend(kind):  # type: ignore[misc]
        def configure(self, *settings: Any, **named: Any) -> int:
            n_workers = int(super().configure(*settings, **named))
            return max(TASKS_AHEAD // 2, n_workers)

        def submit(self, func: Any, callback: Callable[[Any], Any]) -> Future[Any]:
            future: Future[Any] = super().submit(func, callback)
            future.add_done_callback(lambda done: _tell_error(done, callback))
            return future

    return SureBackend


def _tell_error(done: Future[Any], callback: Callable[[Any], Any]) -> None:
    error = done.exception()
    if error is None:
        return
    if isinstance(error, require_extra("distributed", "dask").KilledWorker):
        error = BrokenExecutor(str(error))
    callback(error)
