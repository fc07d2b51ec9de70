"""One page for each student: the diagnoses, as the learner's own check says them."""

from pathlib import Path

from normlab.grading.marks import Mark, StudentMarks
from normlab.grading.outputs.by_hand import on_answer
from normlab.grading.outputs.gradescope import remarks_on
from normlab.grading.outputs.numbers import number
from normlab.grading.outputs.pages import page
from normlab.tools.whole_files import written_whole


def write_feedback(path: Path, student: StudentMarks) -> None:
    """Write the page; it needs no other file."""
    with written_whole(path) as unfinished:
        unfinished.write_bytes(feedback_page(student))


def feedback_page(student: StudentMarks) -> bytes:
    """The page itself."""
    share = 100 * student.points / student.most if student.most else 0
    return page(
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
    headline = (diagnosis.function, diagnosis.headline(score))
    return [headline, *on_answer(mark), *diagnosis.rows()[1:]]
