"""A question that is answered before it is explained, in the notebook.

All texts go to the browser once, so a question works on a stored page too. Where a kernel runs,
the answer is sent to Python and kept in the learner's record.
"""

import re
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from normlab.study.quiz import Option, Question, find_question

ELSEWHERE = "The answers: run this cell in JupyterLab."


def quiz(name: str) -> "Quiz":
    """Ask a question of the course.

    Args:
        name: the id of the question, in one of the files of `normlab/quizzes`.

    Raises:
        ValueError: if no question has that id.

    >>> print(quiz("one-hot"))  # doctest: +ELLIPSIS
    What is the largest output of layer norm for x = (1, 0, 0, 0), with γ = 1 and β = 0?
      (a) 1
      (b) 1.5
      (c) 1.732
      (d) 2
    The answers: run this cell in JupyterLab.
    """
    return Quiz(find_question(name))


class Quiz(anywidget.AnyWidget):
    """A question with options to choose from; what each is worth is shown after the choice.

    Args:
        question: what is asked.
    """

    _esm = Path(__file__).parent / "quiz.js"
    _css = Path(__file__).parent / "quiz.css"

    question = traitlets.Dict().tag(sync=True)
    # which option was chosen and revealed, and which of those Python has taken note of
    answer: Any = traitlets.Int(None, allow_none=True).tag(sync=True)
    recorded: Any = traitlets.Int(None, allow_none=True).tag(sync=True)
    notice = traitlets.Unicode().tag(sync=True)

    def __init__(self, question: Question) -> None:
        self._question = question
        super().__init__(question=_state(question))

    @traitlets.observe("answer")
    def _on_answer(self, change: traitlets.Bunch) -> None:
        """Keep the answer; if that fails, say so, and let the question go on."""
        if change.new is None:
            return
        try:
            self.notice = _record(self._question.id, self._question.options[change.new])
        except Exception as error:
            self.notice = f"Your answer could not be kept. {type(error).__name__}: {error}"
            raise
        finally:
            self.recorded = change.new

    def __repr__(self) -> str:
        options = [f"  ({option.letter}) {option.text}" for option in self._question.options]
        return "\n".join([self._question.text, *options, ELSEWHERE])

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget; where there is none (GitHub, paper), the question with folded answers."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle or ({}, {})
        return {**data, "text/plain": repr(self), "text/html": _folded(self._question)}, metadata


def _record(question: str, option: Option) -> str:
    """Keep an answer in the learner's record; return what the learner should know, if anything."""
    from normlab.study.record import open_record

    with open_record() as record:
        return record.predicted(question, option.letter, option.right)


def _state(question: Question) -> dict[str, Any]:
    """What the browser is told: texts as HTML, programs and their outputs as text."""
    return {
        "id": question.id,
        "text": _html(question.text),
        "options": [
            {
                "letter": option.letter,
                "text": _html(option.text),
                "right": option.right,
                "why": _html(question.explanation if option.right else option.why),
                "refute": option.refute,
                "shows": option.shows,
            }
            for option in question.options
        ],
    }


def _html(text: str) -> str:
    """Plain text as HTML: `code`, and paragraphs; indented lines are a paragraph of code.

    >>> _html("Is `a < b`?")
    'Is <code>a &lt; b</code>?'
    """
    return "<br>".join(_paragraph(part.split("\n")) for part in re.split(r"\n\s*\n", text))


def _paragraph(lines: list[str]) -> str:
    if all(line.startswith("    ") for line in lines):
        spaced = (escape(line[4:]).replace(" ", "&nbsp;") for line in lines)
        return "<br>".join(f"<code>{line}</code>" for line in spaced)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(" ".join(lines)))


def _folded(question: Question) -> str:
    """The question as HTML without a script: each option opens to what it is worth."""
    parts = [f"<div>{_html(question.text)}</div>"]
    for option in _state(question)["options"]:
        verdict = "✓ Right." if option["right"] else "✗ Not this one."
        parts.append(
            f"<details><summary>({option['letter']}) {option['text']}</summary>"
            f"<p>{verdict} {option['why']}</p>{_program(option)}</details>"
        )
    return "\n".join(parts)


def _program(option: dict[str, Any]) -> str:
    if not option["refute"]:
        return ""
    code, output = (escape(option[key]) for key in ("refute", "shows"))
    return f"<pre>{code}</pre><p>prints</p><pre>{output}</pre>"
