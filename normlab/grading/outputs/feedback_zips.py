"""Feedback as the zip files that Canvas and Moodle take back."""

import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from normlab.grading.collect import Collection, Submission
from normlab.grading.marks import ExerciseMarks, StudentMarks
from normlab.grading.outputs.feedback import feedback_page
from normlab.tools.whole_files import written_whole

OF_MOODLE = re.compile(r"([^_/]+_[0-9]+_[a-z]+_[a-z]+)(?:_.*)?")


def canvas_name(upload: str) -> str:
    """The name under which Canvas takes feedback on an upload; "" if that is none of Canvas'.

    Canvas finds student and file by the two numbers before the file's name, or by what follows
    "anon", and takes the kind of the file from its suffix (instructure/canvas-lms,
    infer_comment_context_from_filename).

    >>> canvas_name("lovelaceada_LATE_12_345_01_layer_norm-1.ipynb")
    'lovelaceada_LATE_12_345_01_layer_norm-1.html'
    """
    parts = [part for part in upload.split("_") if part != "LATE"]
    numbers = [part.isascii() and part.isdigit() for part in parts[:-1]]
    named = sum(numbers) > 1 or (parts[0] == "anon" and len(parts) > 3 and numbers[2])
    return f"{upload.rpartition('.')[0] or upload}.html" if named else ""


def moodle_name(upload: str) -> str:
    """The name under which Moodle takes feedback on an upload; "" if that is none of Moodle's.

    Moodle reads FULLNAME_PARTICIPANT_PLUGINTYPE_PLUGIN off folders and files, and gives the student
    what follows (moodle/moodle, assignfeedback_file_zip_importer).

    >>> moodle_name("Ada Lovelace_12345_assignsubmission_file_")
    'Ada Lovelace_12345_assignsubmission_file_/feedback.html'
    """
    found = OF_MOODLE.fullmatch(upload)
    return f"{found[1]}_/feedback.html" if found else ""


MIXED = "mixed"
NAMES: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"canvas": canvas_name, "moodle": moodle_name}
)
"""Layout of a collection -> the name of the feedback on an upload."""


def write_feedback_zips(
    folder: Path, collection: Collection, students: Callable[[], Iterable[StudentMarks]]
) -> None:
    """Write `feedback-canvas.zip` and `feedback-moodle.zip` for what was uploaded there.

    They have a page for each upload, on what came with it, for the one whose upload it is. Where
    there is nothing to hand back, a zip file of an earlier run is removed.

    Args:
        folder: of the results.
        collection: what was handed in.
        students: the marks of all, each time it is called.
    """
    for layout, name_of in NAMES.items():
        path = folder / f"feedback-{layout}.zip"
        known = collection.layout in (layout, MIXED)
        owners = _owners(collection.submissions, name_of) if known else {}
        if not owners:
            path.unlink(missing_ok=True)
            continue
        with written_whole(path) as unfinished, zipfile.ZipFile(unfinished, "w") as file:
            for student in students():
                for name, part in _by_name(student, name_of):
                    if owners[name] == student.student:
                        page = feedback_page(part)
                        file.writestr(zipfile.ZipInfo(name), page, zipfile.ZIP_DEFLATED)


def _owners(submissions: Iterable[Submission], name_of: Callable[[str], str]) -> dict[str, str]:
    """Name of the feedback -> whose it is; of two who handed in together, the one who uploaded."""
    owners: dict[str, str] = {}
    for submission in submissions:
        name, own = name_of(submission.upload), submission.person.id
        if name and (name not in owners or (own and own in submission.upload.split("_"))):
            owners[name] = submission.student
    return owners


def _by_name(
    student: StudentMarks, name_of: Callable[[str], str]
) -> Iterator[tuple[str, StudentMarks]]:
    """The marks of a student, apart for each page."""
    parts: dict[str, list[ExerciseMarks]] = defaultdict(list)
    for exercise in student.exercises:
        parts[name_of(exercise.submission.upload)].append(exercise)
    for name, exercises in parts.items():
        if name:
            yield name, replace(student, exercises=tuple(exercises))
