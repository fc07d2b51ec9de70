"""All files of a results folder."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from normlab.grading.alike import Alike
from normlab.grading.collect import Collection
from normlab.grading.confined.level import Level
from normlab.grading.marks import StudentMarks
from normlab.grading.outputs.alike import write_alike
from normlab.grading.outputs.feedback import write_feedback
from normlab.grading.outputs.feedback_zips import write_feedback_zips
from normlab.grading.outputs.gradescope import write_results
from normlab.grading.outputs.learning_systems import write_canvas, write_moodle
from normlab.grading.outputs.overview import write_overview
from normlab.grading.outputs.tables import (
    NBGRADER,
    WITH_REMARKS,
    questions_of,
    text,
    write_gradebook,
    write_nbgrader,
    write_table,
)
from normlab.grading.policy import Policy

STUDENTS = "students"
LONGEST_NAME, MOST_BYTES = 80, 200
"""Of a folder's name: characters, and bytes, of which no system takes more than 255."""


@dataclass(frozen=True)
class Results:
    """A folder of results.

    Args:
        folder: made if it is missing.
        collection: what was handed in.
        marks: the marks of all students, each time it is called.
        policy: by which they were made.
        by_hand: whether something was given by hand.
    """

    folder: Path
    collection: Collection
    marks: Callable[[], Iterator[StudentMarks]]
    policy: Policy
    by_hand: bool = False

    @cached_property
    def folders(self) -> dict[str, str]:
        """Student -> a folder that every system can have, and that is no other student's."""
        folders: dict[str, str] = {}
        taken: set[str] = set()
        for student in self.collection.students:
            name = re.sub(r"[^\w@+-]+", "_", student)[:LONGEST_NAME]
            name = name.encode()[:MOST_BYTES].decode("utf-8", "ignore").strip("_") or "student"
            number, folder = 2, name
            while folder.lower() in taken:
                number, folder = number + 1, f"{name}-{number}"
            taken.add(folder.lower())
            folders[student] = folder
        return folders

    def write_json(self) -> None:
        """A results.json for each student, as things stand; before grading too, so that it is
        there whatever happens then."""
        for student in self.marks():
            folder = self.folder / STUDENTS / self.folders[student.student]
            folder.mkdir(parents=True, exist_ok=True)
            write_results(folder / "results.json", student)

    def write_all(
        self, levels: Sequence[Level], alike: Sequence[Alike] = (), watched: bool = False
    ) -> list[str]:
        """All files.

        Args:
            levels: of confinement, for the teacher.
            alike: answers that are.
            watched: whether the overview is to load itself again.

        Returns:
            Who is left out of a file, and why: a sentence for each reason.
        """
        self.write_json()
        for student in self.marks():
            folder = self.folder / STUDENTS / self.folders[student.student]
            write_feedback(folder / "feedback.html", student)
        asked = questions_of(self.marks())
        write_gradebook(self.folder / "gradebook.csv", self.marks(), asked)
        columns = WITH_REMARKS if self.by_hand else NBGRADER
        write_nbgrader(self.folder / "nbgrader.csv", self.marks, self.policy, columns)
        write_feedback_zips(self.folder, self.collection, self.marks)
        write_alike(self.folder / "alike.csv", alike)
        write_table(
            self.folder / "files.csv", ("file", "student", "exercise", "remark"), self._files()
        )
        write_overview(
            self.folder / "overview.html",
            self.marks,
            asked,
            lambda student: f"{STUDENTS}/{self.folders[student]}",
            levels,
            alike,
            watched,
        )
        canvas, moodle = self.folder / "canvas.csv", self.folder / "moodle.csv"
        return [
            *write_canvas(canvas, self.marks, asked, self.collection.layout),
            *write_moodle(moodle, self.marks, asked),
        ]

    def _files(self) -> Iterable[Sequence[str]]:
        """What became of each file."""
        for s in self.collection.submissions:
            late = "the learning system marks it as late" if s.marked_late else ""
            yield text(s.file.origin), text(s.student), s.exercise, late
        for origin, reason in self.collection.others:
            yield text(origin), "", "", f"not graded: {reason}"
        for trouble in self.collection.troubles:
            yield text(trouble.what), "", "", f"{trouble.reason}; {trouble.mend}"
