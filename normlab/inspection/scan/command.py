"""`normlab scan`: every model type of the installed transformers, read, or counted."""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from pathlib import Path

from normlab.inspection.scan.rows import read_scan
from normlab.inspection.scan.summary import summarize
from normlab.inspection.scan.work import scan
from normlab.tools.cluster import cluster_executor
from normlab.tools.processes import Processes, available_cores

WRONG, INTERRUPTED = 2, 130


def scan_command(
    out: Path | None,
    summary: Path | None,
    only: Sequence[str] = (),
    workers: int | None = None,
    dask: str | None = None,
) -> int:
    """Read what `out` does not hold yet, or print what `summary` counts.

    Returns:
        0 if that was done; 2 if the input was wrong or the scheduler gave up; 130 after Ctrl-C.
    """
    try:
        if summary is not None:
            print(summarize(read_scan(summary)))
        elif out is not None:
            with _executor(workers, dask) as executor:
                rows = scan(out, executor, only)
            print(f"{len(rows)} rows of {len({row['folder'] for row in rows})} folders: {out}")
    except KeyboardInterrupt:
        print(f"Interrupted; the same command goes on with {out}.", file=sys.stderr)
        return INTERRUPTED
    except CancelledError:
        print("normlab scan: the scheduler gave up; the same command goes on.", file=sys.stderr)
        return WRONG
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"normlab scan: {error}", file=sys.stderr)
        return WRONG
    return 0


@contextmanager
def _executor(workers: int | None, dask: str | None) -> Iterator[Executor]:
    """Processes of this machine, or the Dask cluster at an address."""
    if dask is None:
        with Processes(available_cores() if workers is None else workers) as processes:
            yield processes
        return
    with cluster_executor(dask) as executor:
        yield executor


def write_scan(path: Path, only: Sequence[str] = ()) -> None:
    """Scan anew; the result takes the place of `path` when all is there.

    Until then it is in a file beside it, from which the same call goes on.
    """
    remade = path.with_name(f"{path.stem}.remade{path.suffix}")
    with Processes(available_cores()) as executor:
        scan(remade, executor, only, "normlab remake scan")
    remade.replace(path)
