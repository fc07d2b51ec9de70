"""A Dask cluster as a place to send work to, through the same seam as processes: an `Executor`."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

KEPT = {"distributed.admin.low-level-log-length": 20}
"""Of the last messages, with all that was sent in them: Dask would keep a thousand."""


@contextmanager
def cluster_executor(address: str) -> Iterator[Executor]:
    """The executor of the Dask cluster at an address.

    Raises:
        ModuleNotFoundError: that says how to get Dask.
        OSError: if no scheduler answers at the address.
    """
    try:
        import dask
        from distributed import Client
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'A cluster needs Dask: run `pip install --editable ".[cluster]"` in the folder '
            "of the course."
        ) from error
    with dask.config.set(KEPT), Client(address) as client:  # type: ignore[no-untyped-call]  # Dask leaves it untyped
        yield client.get_executor(pure=False)
