"""Grade many submissions through an executor, and keep each grade as it comes."""

import queue
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import PurePath

from normlab.checks.cells import UnreadableFile
from normlab.grading.collect import Submission
from normlab.grading.confined.level import Level
from normlab.grading.paper import Graded, Paper, Setting
from normlab.grading.store import Store, grade_key
from normlab.grading.workers import grade_here
from normlab.tools.progress_bar import progress_bar


@dataclass(frozen=True)
class Batch:
    """Where to find the grades of a class, and how they were made.

    Args:
        keys: submission -> the key of its grade in the store.
        troubles: key -> why there is no grade. The grader could not do its work; the student is
            not to blame for it.
        levels: of confinement.
    """

    keys: Mapping[Submission, str]
    troubles: dict[str, str] = field(default_factory=dict)
    levels: list[Level] = field(default_factory=list)


def paper_of(submission: Submission) -> Paper:
    """What is graded of a submission: the content, and not whose it is or where it lay."""
    suffix = PurePath(submission.file.name).suffix.lower()
    try:
        return Paper(submission.exercise, suffix, submission.file.read())
    except UnreadableFile as error:
        reason = str(error).replace(submission.file.origin, "the file")
        return Paper(submission.exercise, suffix, b"", reason)


def keys_of(submissions: Sequence[Submission], setting: Setting) -> dict[Submission, str]:
    """The key of each submission's grade."""
    read = progress_bar(submissions, "reading")
    return {submission: grade_key(paper_of(submission), setting) for submission in read}


def grade_missing(
    keys: Mapping[Submission, str],
    setting: Setting,
    store: Store,
    executor: Executor,
    at_once: int,
    when_kept: Callable[[Submission], object],
) -> dict[str, str]:
    """Grade submissions, those of one key once; return why some could not be, by key.

    Args:
        keys: of the submissions.
        setting: how they are graded.
        store: where grades are kept, each as soon as it is made.
        executor: where to grade.
        at_once: papers that wait or are graded at the same time, so that memory stays small.
        when_kept: called with a submission when its grade is kept, while others are graded. What
            it keeps reaches the disk with the grade.

    Raises:
        CancelledError: if the executor gives up work, as when a cluster is gone.
    """
    todo = {key: submission for submission, key in reversed([*keys.items()])}
    troubles: dict[str, str] = {}
    under_way: dict[Future[Graded], str] = {}
    finished = _finished([*todo.items()], setting, executor, at_once, under_way)
    try:
        for key, future in progress_bar(finished, "grading", total=len(todo)):
            error = future.exception()
            if error is None:
                with store.one_write():
                    store.put(key, future.result())
                    when_kept(todo[key])
            else:
                troubles[key] = f"{type(error).__name__}: {error}"
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    return troubles


def _finished(
    todo: list[tuple[str, Submission]],
    setting: Setting,
    executor: Executor,
    at_once: int,
    under_way: dict[Future[Graded], str],
) -> Iterator[tuple[str, Future[Graded]]]:
    """Each paper, when it is graded or cannot be."""
    done: queue.SimpleQueue[Future[Graded]] = queue.SimpleQueue()
    while todo or under_way:
        while todo and len(under_way) < at_once:
            key, submission = todo.pop()
            future = executor.submit(grade_here, paper_of(submission), setting)
            under_way[future] = key
            future.add_done_callback(done.put)
        future = done.get()
        yield under_way.pop(future), future
