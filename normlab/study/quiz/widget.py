"""A question that is answered before it is explained, in the notebook.

All texts go to the browser once, so a question works on a stored page too. Where a kernel runs,
the answer is sent to Python and kept in the learner's record.
"""

from pathlib import Path
from typing import Any

import traitlets

from normlab.pictures.stored_widget import StoredWidget
from normlab.study.quiz.question import Question, find_question
from normlab.study.quiz.written import as_html, as_text, state

HERE = Path(__file__).parent


def quiz(name: str) -> "Quiz":
    """Ask a question of the course.

    Args:
        name: the id of the question, in the `quiz.toml` of one of the chapters.

    Raises:
        ValueError: if no question has that id.

    >>> print(quiz("one-hot"))  # doctest: +ELLIPSIS
    What is the largest output of layer norm for x = (1, 0, 0, 0), with γ = 1 and β = 0?
      (a) 1
      (b) 1.5
      (c) 1.732
      (d) 2
    The answer: run this cell in JupyterLab.
    """
    return Quiz(find_question(name))


class Quiz(
    StoredWidget, scripts=(HERE / "kinds.js", HERE / "quiz.js"), styles=(HERE / "quiz.css",)
):
    """A question and a place for its answer; what the answer is worth is shown after it.

    Args:
        question: what is asked.
        again: whether it is asked again, since it was answered wrongly before.
    """

    label = traitlets.Unicode().tag(sync=True)
    question = traitlets.Dict().tag(sync=True)
    # what was answered and revealed, and how many of those answers Python has taken note of
    answer = traitlets.Any(None, allow_none=True).tag(sync=True)
    asked = traitlets.Int(0).tag(sync=True)
    recorded = traitlets.Int(0).tag(sync=True)
    notice = traitlets.Unicode().tag(sync=True)

    def __init__(self, question: Question, again: bool = False) -> None:
        self._question, self._again = question, again
        label = "Once more" if again else "Predict"
        super().__init__(label=label, question=state(question))

    @traitlets.observe("asked")
    def _on_answer(self, change: traitlets.Bunch) -> None:
        """Keep the answer; if that fails, say so, and let the question go on."""
        try:
            self.notice = _record(self._question, self.answer, self._again)
        except Exception as error:
            self.notice = f"Your answer could not be kept. {type(error).__name__}: {error}"
            raise
        finally:
            self.recorded = change.new

    def __repr__(self) -> str:
        return f"{as_text(self._question)}\nThe answer: run this cell in JupyterLab."

    def stand_in(self) -> dict[str, str | bytes]:
        """The question with folded answers."""
        return {"text/html": as_html(self._question)}


def _record(question: Question, given: Any, again: bool) -> str:
    """Keep an answer in the learner's record; return what the learner should know, if anything."""
    from normlab.record import open_record

    kept, surprise = question.answers.kept(given), question.answers.surprise(given)
    with open_record() as record:
        return record.answered(question.id, kept, surprise, again=again)
