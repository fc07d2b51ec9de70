"""The runs of a sweep through an executor: what is left to do, done and written down."""

import queue
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import TypeAlias

import torch

from normlab.tools.progress_bar import progress_bar
from normlab.tools.timing import one_thread
from normlab.training.config import TrainConfig
from normlab.training.loop import TrainRecord, make_record
from normlab.training.run import Run
from normlab.training.seeds import seeds_together, train_seeds
from normlab.training.sweep.plan import SweepPlan
from normlab.training.sweep.results import Results
from normlab.training.sweep.rows import (
    Row,
    config_key,
    failure_row,
    now,
    record_rows,
    recorded_steps,
)

Group: TypeAlias = tuple[TrainConfig, ...]
UnderWay: TypeAlias = dict[Future[list[Row]], Group]


def run_missing(plan: SweepPlan, results: Results, executor: Executor) -> None:
    """Do the runs of the plan that the results do not hold, and append each as it ends.

    The runs end in any order. A run that raises gets a row with its error. Seeds of a group that
    raises are run again, one by one, so that each has its own outcome.

    Raises:
        ValueError: if runs of the plan are there with other recorded steps than it asks for.
        CancelledError: if the executor gives up work, as when a cluster is gone.
    """
    _refuse_other_steps(plan, results)
    missing = [config for config in plan.runs if config_key(config) not in results.runs]
    under_way: UnderWay = {}
    finished = _finished(plan, results, executor, group_seeds(missing), under_way)
    try:
        for _ in progress_bar(finished, "runs", total=len(missing)):
            pass
    except BaseException:
        for future in under_way:
            future.cancel()
        executor.shutdown(wait=False)
        raise


def group_seeds(runs: Iterable[TrainConfig]) -> list[Group]:
    """The runs in groups to train together: configs alike but for the seed, if that is faster.

    >>> small, large = TrainConfig(d_model=16, batch=8), TrainConfig(d_model=64)
    >>> runs = [replace(config, seed=seed) for config in (small, large) for seed in range(3)]
    >>> [[run.seed for run in group] for group in group_seeds(runs)]
    [[0, 1, 2], [0], [1], [2]]
    """
    alike: dict[TrainConfig, list[TrainConfig]] = {}
    for run in runs:
        alike.setdefault(replace(run, seed=0), []).append(run)
    groups = []
    for config, same in alike.items():
        size = seeds_together(config)
        groups += [tuple(same[i : i + size]) for i in range(0, len(same), size)]
    return groups


def train_group(plan: SweepPlan) -> list[Row]:
    """In a worker, on one thread: the rows of a plan whose runs are trained as one group."""
    started, every = now(), plan.record_every or plan.runs[0].steps
    with one_thread():
        records = _train(plan.runs, every, plan.device)
    runs = [record_rows(record, started, plan) for record in records]
    return [row for rows in runs for row in (rows if plan.record_every else rows[-1:])]


def _train(group: Group, every: int, device: str) -> list[TrainRecord]:
    if len(group) > 1:
        return train_seeds(group[0], [run.seed for run in group], device, every)
    run = Run(group[0], torch.device(device))
    while len(run.losses) < run.config.steps and not run.reason:
        run.step()
    return [make_record(run, every)]


def _finished(
    plan: SweepPlan,
    results: Results,
    executor: Executor,
    groups: Sequence[Group],
    under_way: UnderWay,
) -> Iterator[TrainConfig]:
    """Each run, when its rows are in the results; `under_way` holds what is submitted."""
    done: queue.SimpleQueue[Future[list[Row]]] = queue.SimpleQueue()

    def submit(group: Group) -> None:
        future = executor.submit(train_group, replace(plan, runs=group))
        under_way[future] = group
        future.add_done_callback(done.put)

    for group in groups:
        submit(group)
    while under_way:
        future = done.get()
        group, error = under_way.pop(future), future.exception()
        if error is not None and len(group) > 1:
            for run in group:
                submit((run,))
            continue
        failed = [failure_row(run, error, replace(plan, runs=group)) for run in group if error]
        results.append(failed or future.result())
        yield from group


def _refuse_other_steps(plan: SweepPlan, results: Results) -> None:
    for config in plan.runs:
        rows = results.runs.get(config_key(config), [])
        if not rows or rows[0]["error"]:
            continue
        steps = [row["step"] for row in rows]
        if steps != recorded_steps(rows, plan.record_every):
            every = plan.record_every
            raise ValueError(
                f"{results.path} holds runs of this sweep with the recorded steps "
                f"{str(steps[:3])[1:-1]} …; expected those of record_every = {every or 'nothing'}. "
                "Set it as it was, or name another file."
            )
