"""From marks to everything that a run leaves in the folder of results."""

from dataclasses import replace

from normlab.grading.alike import find_alike
from normlab.grading.batch import Batch
from normlab.grading.changes import Changes, since_last_run
from normlab.grading.outputs.changes import write_changes
from normlab.grading.outputs.files import Results
from normlab.grading.store import Store

MOST_KEPT = 2_000
"""Submissions whose marks, some kilobytes each, stay in memory while all files are written. Those
of more are read from the store anew for each file."""


def publish(
    results: Results, batch: Batch, store: Store, watched: bool
) -> tuple[list[str], Changes]:
    """Write all files.

    Args:
        results: the folder, and what is to be written.
        batch: what was graded.
        store: of the grades.
        watched: whether this is one of many runs, so that the overview loads itself again.

    Returns:
        Who is left out of a file, and what differs from the last run.
    """
    if len(batch.keys) <= MOST_KEPT:
        results = kept_in_memory(results)
    alike = find_alike(batch, store, results.marks())
    left_out = results.write_all(batch.levels, alike, watched)
    changes = since_last_run(store, results.marks())
    write_changes(results.folder / "changes.csv", changes)
    return left_out, changes


def kept_in_memory(results: Results) -> Results:
    """The same, with marks that are computed once."""
    kept = tuple(results.marks())
    return replace(results, marks=lambda: iter(kept))
