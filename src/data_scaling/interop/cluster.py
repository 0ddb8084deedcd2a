"""Drawing on the workers of a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager

from joblib import parallel_config

from data_scaling._checks import require_extra
from data_scaling.errors import InputError

# To wait for the scheduler, and then for its first worker: a script starts both just
# before it draws.
CONNECT_SECONDS = 10.0


@contextmanager
def use_dask(address: str) -> Iterator[None]:
    """Let the workers of a Dask scheduler do the drawing inside the block.

    It is ``joblib.parallel_config("dask")`` with a client of that address; whoever has
    a ``distributed.Client`` already needs no more than that.

    Parameters
    ----------
    address : str
        Address of the scheduler, as ``tcp://HOST:PORT``.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    InputError
        If no scheduler answers there, or it has no workers, for ten seconds.

    Examples
    --------
    >>> from distributed import LocalCluster
    >>> import data_scaling as ds
    >>> from data_scaling.interop.cluster import use_dask
    >>> plan = ds.SamplingPlan(2, 50, 100, points=5)
    >>> dataset = ds.load_dataset("breast_cancer")
    >>> with (  # doctest: +SKIP
    ...     LocalCluster(n_workers=2, threads_per_worker=1) as cluster,
    ...     use_dask(cluster.scheduler_address),
    ... ):
    ...     draws = ds.sample_contributions(dataset, "logreg", plan)
    """
    distributed = require_extra("distributed", "dask")
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise InputError(
            f"No Dask scheduler answers at {address} ({error}). Start one by "
            "`dask scheduler`, and give the address that it prints."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            raise InputError(
                f"The Dask scheduler at {address} has no workers, nor got any in "
                f"{CONNECT_SECONDS:g} seconds. Start some by "
                f"`dask worker {address} --nthreads 1`."
            ) from error
        with parallel_config("dask"):
            yield
