"""A question as the browser, a page without scripts and a terminal show it."""

import functools
import re
from collections.abc import Iterable
from html import escape
from typing import Any

from normlab.study.quiz.answers import (
    Answers,
    Choice,
    Drawing,
    Guess,
    Number,
    Option,
    Sentence,
    digits,
)
from normlab.study.quiz.question import Question


def state(question: Question) -> dict[str, Any]:
    """What the browser is told: texts as HTML, programs and their outputs as text."""
    return {
        "id": question.id,
        "text": html(question.text),
        "explanation": html(question.explanation),
        "kind": question.answers.kind,
        **_answer_state(question.answers),
    }


@functools.singledispatch
def _answer_state(answers: Answers) -> dict[str, Any]:
    raise TypeError(f"no kind of answer is {answers!r}.")


@_answer_state.register
def _(answers: Choice) -> dict[str, Any]:
    return {
        "options": [_with_program(option, text=html(option.text)) for option in answers.options]
    }


@_answer_state.register
def _(answers: Number) -> dict[str, Any]:
    guesses = [_with_program(guess, value=guess.value) for guess in answers.guesses]
    scale = vars(answers.scale)
    return {"answer": answers.answer, "unit": answers.unit, "guesses": guesses, **scale}


@_answer_state.register
def _(answers: Drawing) -> dict[str, Any]:
    axes = {key: getattr(answers, key) for key in ("bottom", "top", "x_label", "y_label")}
    return {"answer": list(answers.answer), "x": list(answers.x), **axes, **vars(answers.scale)}


@_answer_state.register
def _(answers: Sentence) -> dict[str, Any]:
    return {"points": [html(point) for point in answers.points]}


def _with_program(wrong: Option | Guess, **rest: Any) -> dict[str, Any]:
    """What an answer that can be foreseen is worth, and the program that shows it."""
    worth = {"why": html(wrong.why), "refute": wrong.refute, "shows": wrong.shows}
    named = {"letter": wrong.letter, "right": wrong.right} if isinstance(wrong, Option) else {}
    return {**named, **worth, **rest}


def html(text: str) -> str:
    """Plain text as HTML: `code`, and paragraphs; indented lines are a paragraph of code.

    >>> html("Is `a < b`?")
    'Is <code>a &lt; b</code>?'
    """
    return "<br>".join(_paragraph(part.split("\n")) for part in re.split(r"\n\s*\n", text))


def _paragraph(lines: list[str]) -> str:
    if all(line.startswith("    ") for line in lines):
        spaced = (escape(line[4:]).replace(" ", "&nbsp;") for line in lines)
        return "<br>".join(f"<code>{line}</code>" for line in spaced)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(" ".join(lines)))


def as_text(question: Question) -> str:
    """The question and what can be answered, without the answer."""
    return "\n".join([question.text, *_choices(question.answers)])


def _choices(answers: Answers) -> Iterable[str]:
    if isinstance(answers, Choice):
        return [f"  ({option.letter}) {option.text}" for option in answers.options]
    if isinstance(answers, Number):
        return [f"  a number{f', in {answers.unit}' if answers.unit else ''}"]
    if isinstance(answers, Drawing):
        places = ", ".join(answers.x)
        return [f"  {answers.y_label}, drawn over {answers.x_label}: {places}"]
    return ["  a sentence"]


def as_html(question: Question) -> str:
    """The question without a script: the answer is folded, and so is what each option is worth."""
    return "\n".join([f"<div>{html(question.text)}</div>", *_folds(question)])


def _folds(question: Question) -> Iterable[str]:
    answers, why = question.answers, html(question.explanation)
    if isinstance(answers, Choice):
        for option in answers.options:
            title = f"({option.letter}) {html(option.text)}"
            if option.right:
                yield _fold(title, f"<p>✓ Right. {why}</p>")
            else:
                yield _fold(title, f"<p>✗ Not this one. {html(option.why)}</p>{_program(option)}")
        return
    if not isinstance(answers, Sentence):
        yield f"<div>{html(chr(10).join(_choices(answers)).strip())}</div>"
    yield _fold("The answer", f"<p>{html(answers.solution())}</p><p>{why}</p>")
    if isinstance(answers, Number):
        for guess in answers.guesses:
            yield _fold(
                f"Why not {digits(guess.value)}?", f"<p>{html(guess.why)}</p>{_program(guess)}"
            )


def _fold(title: str, inside: str) -> str:
    return f"<details><summary>{title}</summary>{inside}</details>"


def _program(wrong: Option | Guess) -> str:
    if not wrong.refute:
        return ""
    code, output = escape(wrong.refute), escape(wrong.shows)
    return f"<pre>{code}</pre><p>prints</p><pre>{output}</pre>"
