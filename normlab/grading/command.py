"""`normlab grade`: from a folder of submissions to a folder of results."""

import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from normlab.grading.alike import keep_answers
from normlab.grading.batch import Batch, grade_missing, keys_of
from normlab.grading.collect import collect
from normlab.grading.confined.level import Level
from normlab.grading.listing import in_words, need_some, roster_of, tell_troubles
from normlab.grading.marks import marks_of, too_many_points
from normlab.grading.outputs.files import Results
from normlab.grading.overrides import find_overrides
from normlab.grading.paper import LEVELS, Setting
from normlab.grading.policy import Policy, read_policy
from normlab.grading.publish import publish
from normlab.grading.store import Store
from normlab.grading.summary import (
    confinement,
    summary,
    what_changed,
    what_is_there,
)
from normlab.grading.watch import watch, without_moving
from normlab.grading.workers import AT_A_WORKER, WorkerDied, levels_here, workshop
from normlab.tools.cluster import cluster_executor
from normlab.tools.processes import available_cores
from normlab.tools.signals import end_as_by_ctrl_c

WRONG, INTERRUPTED = 2, 130
BEYOND_LIMITS = ("user", "landlock", "seccomp")
ON_A_CLUSTER = 64
"""Papers that are with a cluster at the same time."""


@dataclass(frozen=True)
class Options:
    """What the command was called with; see `normlab grade --help`."""

    submissions: Path
    out: Path
    roster: Path | None = None
    policy: Path | None = None
    workers: int | None = None
    scheduler: str | None = None
    seed: int | None = None
    again: bool = False
    into_nbgrader: Path | None = None
    overrides: Path | None = None
    watch: bool = False
    levels: frozenset[str] = LEVELS

    @property
    def at_once(self) -> int:
        return ON_A_CLUSTER if self.scheduler else (AT_A_WORKER + 1) * self.workers_here

    @property
    def workers_here(self) -> int:
        return self.workers or available_cores()


def grade_command(options: Options) -> int:
    """Grade and write everything.

    0 if everything that was handed in is somebody's and graded; 1 if something could not be
    assigned or graded; 2 if the input was wrong or the scheduler gave up; 130 after Ctrl-C
    or SIGTERM.
    """
    try:
        if options.workers is not None and options.workers < 1:
            raise ValueError(f"--workers is {options.workers}; expected at least 1.")
        policy = read_policy(options.policy) if options.policy else Policy()
        if options.watch and options.again:
            raise ValueError("--watch grades what is new, and --again what is not; choose one.")
        if options.into_nbgrader:
            from normlab.grading.outputs.nbgrader_database import need_nbgrader

            need_nbgrader()
        with end_as_by_ctrl_c(), _executor(options) as executor:  # it imports torch meanwhile
            if not options.watch:
                return _grade(options, policy, executor)
            grade_once = partial(_grade, options, policy, executor)
            return watch(options.submissions, options.out, options.overrides, grade_once)
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except (ValueError, OSError, ModuleNotFoundError, WorkerDied) as error:
        print(f"normlab grade: {in_words(error)}", file=sys.stderr)
        return WRONG


@contextmanager
def _executor(options: Options) -> Iterator[Executor]:
    """Threads that have workers on this machine, or the Dask cluster at an address."""
    if options.scheduler:
        with cluster_executor(options.scheduler) as executor:
            yield executor
        return
    workers = workshop(options.levels, options.workers_here)
    executor = ThreadPoolExecutor(AT_A_WORKER * options.workers_here, "grading")
    try:
        yield executor
    finally:
        workers.close()  # first, so that no thread waits for an answer
        executor.shutdown()


def _grade(
    options: Options, policy: Policy, executor: Executor, moving: Iterable[Path] = ()
) -> int:
    """Grade what is there, but for files that are still being written."""
    found = collect(options.submissions, roster_of(options.roster))
    collection = without_moving(found, options.submissions, moving)
    print(what_is_there(collection, options.submissions), flush=True)
    need_some(collection, options.submissions)
    overrides = find_overrides(options.overrides, options.out, collection.submissions)
    _make(options.out)
    with Store(options.out) as store:
        seed = store.seed(options.seed)
        setting = Setting(
            seed, policy.seconds, policy.memory_mb, policy.library_norms, options.levels
        )
        batch = Batch(keys_of(collection.submissions, setting))
        marks = partial(marks_of, batch, store, policy, overrides)
        results = Results(options.out, collection, marks, policy, bool(overrides.given))
        results.write_json()  # before anything can go wrong
        stopped = _grade_missing(options, setting, store, batch, executor)
        left_out, changes = publish(results, batch, store, options.watch)
        print("".join(f"{each}\n" for each in left_out), end="", file=sys.stderr)
        _report(options, results, batch, store, stopped)
        print(what_changed(changes), end="", flush=True)
        problems = [*overrides.problems, *too_many_points(overrides, marks())]
    print("".join(f"{problem}\n" for problem in problems), end="", file=sys.stderr)
    if stopped:
        return INTERRUPTED if stopped == "Interrupted" else WRONG
    return int(bool(batch.troubles or collection.troubles or problems))


def _make(results: Path) -> None:
    """Make the folder of results, if it is not there."""
    try:
        results.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ValueError(
            f"the results cannot go to {results}: it is a file, or lies in one. Name a folder."
        ) from None


def _grade_missing(
    options: Options, setting: Setting, store: Store, batch: Batch, executor: Executor
) -> str:
    """Grade what is not graded; return what stopped it, if something did."""
    missing = {s: key for s, key in batch.keys.items() if options.again or not store.has(key)}
    there = len(batch.keys) - len(missing)
    if there:
        print(f"{there} of {len(batch.keys)} are graded already.", flush=True)
    if not missing:
        return ""
    try:
        batch.levels.extend(executor.submit(levels_here, setting).result())
        print(confinement(batch.levels), flush=True)
        _refuse_unconfined_root(batch.levels)
        compared = partial(keep_answers, batch.keys, store)  # later, with those of others
        troubles = grade_missing(missing, setting, store, executor, options.at_once, compared)
        batch.troubles.update(troubles)
    except KeyboardInterrupt:
        return "Interrupted"
    except CancelledError:
        return "The scheduler gave up"
    return ""


def _refuse_unconfined_root(levels: list[Level]) -> None:
    """Grading with limits alone is a risk to be told; as root it is one for the whole machine."""
    is_root = hasattr(os, "getuid") and os.getuid() == 0
    if is_root and not any(level.active for level in levels if level.name in BEYOND_LIMITS):
        raise PermissionError(
            "as root, and with nothing but limits, a submission could end every process of this "
            "machine. Grade as another user, or add one of the levels named above."
        )


def _report(options: Options, results: Results, batch: Batch, store: Store, stopped: str) -> None:
    print(f"\n{summary(results.marks)}\n")
    for key, trouble in batch.troubles.items():
        origin = next(s.file.origin for s, k in batch.keys.items() if k == key)
        print(f"Not graded: {origin}: {trouble}", file=sys.stderr)
    if options.into_nbgrader:
        from normlab.grading.outputs.nbgrader_database import store_grades

        stored = store_grades(options.into_nbgrader, results.marks())
        print(f"{stored} notebooks stored in {options.into_nbgrader}.")
    tell_troubles(results.collection)
    there = len({s.file.origin for s, key in batch.keys.items() if store.has(key)})
    of = results.collection.files
    print(f"{there} of {of} files are graded; the results are in {options.out}.")
    if stopped:
        print(f"{stopped}. The same command goes on.", file=sys.stderr)
