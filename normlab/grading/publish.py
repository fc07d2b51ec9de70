"""From marks to everything that a run leaves in the folder of results."""

from normlab.grading.alike import find_alike
from normlab.grading.batch import Batch
from normlab.grading.changes import Changes, since_last_run
from normlab.grading.outputs.changes import write_changes
from normlab.grading.outputs.files import Results
from normlab.grading.store import Store


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
    alike = find_alike(batch, store, results.marks())
    left_out = results.write_all(batch.levels, alike, watched)
    changes = since_last_run(store, results.marks())
    write_changes(results.folder / "changes.csv", changes)
    return left_out, changes
