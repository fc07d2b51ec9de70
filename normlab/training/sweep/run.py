"""One sweep from plan to summary, in Python and as the command `normlab sweep`."""

import sys
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from pathlib import Path

from normlab.tools.cluster import cluster_executor
from normlab.tools.processes import Processes, available_cores
from normlab.tools.table import Table
from normlab.training.sweep.plan import SweepPlan, read_plan
from normlab.training.sweep.results import Results
from normlab.training.sweep.summary import SweepSummary, summarize
from normlab.training.sweep.work import run_missing

SHOWN = 40
WRONG, INTERRUPTED = 2, 130


def run_sweep(
    plan: SweepPlan, out: Path, executor: Executor, retry_failed: bool = False
) -> SweepSummary:
    """Do the runs of a plan that `out` does not hold yet.

    Args:
        plan: what to run.
        out: a .csv or .parquet file, new or of an earlier sweep; runs in it are not repeated.
        executor: where to run: `Processes`, or a Dask client's.
        retry_failed: whether failed runs are taken out of the file and run again.

    Raises:
        ValueError: if `out` is no results file, or holds runs of the plan with other steps.
        BlockingIOError: if another sweep is writing to `out`.
        CancelledError: if the executor gave up work, as when a cluster is gone.
    """
    with Results(out) as results:
        _complete(plan, results, executor, retry_failed)
    return summarize(plan, results.runs)


def remake_results(plan: SweepPlan, out: Path) -> None:
    """Do every run of a plan anew; the new results take the place of `out` when all are there.

    Until then they are in a file beside it, from which the same call goes on.

    Raises:
        ValueError: if a run failed.
        BlockingIOError: if another sweep is at it.
    """
    remade = out.with_name(f"{out.stem}.remade{out.suffix}")
    with Processes(available_cores()) as executor:
        summary = run_sweep(plan, remade, executor, retry_failed=True)
    if summary.failed:
        raise ValueError(f"{summary.failed} runs failed, see {remade}:\n{summary.errors()}")
    remade.replace(out)


def sweep_command(
    config: Path, out: Path, workers: int | None, scheduler: str | None, retry_failed: bool
) -> int:
    """Run a sweep and print its summary.

    0 if every run ended; 1 if one failed, also earlier; 2 if the input was wrong or the
    scheduler gave up; 130 after Ctrl-C.
    """
    try:
        plan, results = read_plan(config), Results(out)
        return _sweep(plan, results, workers, scheduler, retry_failed)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        print(f"normlab sweep: {error}", file=sys.stderr)
        return WRONG


def _sweep(
    plan: SweepPlan,
    results: Results,
    workers: int | None,
    scheduler: str | None,
    retry_failed: bool,
) -> int:
    stopped = ""
    try:
        with results, _executor(workers, scheduler) as executor:
            _complete(plan, results, executor, retry_failed)
    except KeyboardInterrupt:
        stopped = "Interrupted"
    except CancelledError:
        stopped = "The scheduler gave up"
    summary = summarize(plan, results.runs)
    _print(summary, results.path, stopped)
    if stopped:
        return INTERRUPTED if stopped == "Interrupted" else WRONG
    return 1 if summary.failed else 0


def _complete(plan: SweepPlan, results: Results, executor: Executor, retry_failed: bool) -> None:
    if retry_failed:
        results.forget_failed()
    there = len(summarize(plan, results.runs).rows)
    if there:
        print(f"{there} of {len(plan.runs)} runs are in {results.path} already.", file=sys.stderr)
    run_missing(plan, results, executor)


@contextmanager
def _executor(workers: int | None, scheduler: str | None) -> Iterator[Executor]:
    """Processes of this machine, or the Dask cluster at an address."""
    if scheduler is None:
        with Processes(available_cores() if workers is None else workers) as processes:
            yield processes
        return
    with cluster_executor(scheduler) as executor:
        yield executor


def _print(summary: SweepSummary, out: Path, stopped: str) -> None:
    """The table, the errors, and what is missing."""
    table = summary.table()
    if table.rows:
        print(Table(table.columns, table.rows[:SHOWN]))
    if len(table.rows) > SHOWN:
        print(f"… and {len(table.rows) - SHOWN} rows more.")
    if summary.failed:
        print(f"\n{summary.failed} runs failed; --retry-failed runs them again.")
        print(summary.errors())
    there = f"{len(summary.rows)} of {summary.planned} runs are in {out}."
    print(f"\n{stopped}: {there} The same command goes on." if stopped else f"\n{there}")
