"""One page for each student: the diagnoses, as the learner's own check says them."""

from pathlib import Path

from normlab.grading.marks import Mark, StudentMarks
from normlab.grading.outputs.gradescope import remarks_on
from normlab.grading.outputs.pages import write_page
from normlab.grading.outputs.tables import number


def write_feedback(path: Path, student: StudentMarks) -> None:
    """Write the page; it needs no other file."""
    share = 100 * student.points / student.most if student.most else 0
    write_page(
        path,
        "feedback.html",
        title=f"Feedback for {student.student}",
        student=student,
        share=f"{share:.1f}",
        remarks_on=remarks_on,
        answer=_answer,
    )


def _answer(mark: Mark) -> list[tuple[str, str]]:
    """The diagnosis as lines, with the points of the policy."""
    diagnosis = mark.scaled()
    score = f"{number(mark.points)} of {number(mark.most)} points"
    return [(diagnosis.function, diagnosis.headline(score)), *diagnosis.rows()[1:]]
