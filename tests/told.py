"""What a learner can read before he has answered, and what of it tells an answer."""

import re
from collections.abc import Iterator
from pathlib import Path

from normlab.study.copies import Notebook, prepared, read
from normlab.study.folders import SHELVES
from normlab.study.quiz import Choice, Number, Question, Sentence, load_questions


def fresh_copy(notebook: Path) -> Notebook:
    """A learner's copy of a notebook of `notebooks/`, as it is when it was just made."""
    links = next(shelf.links for shelf in SHELVES if shelf.name == "notebooks")
    return prepared(read(notebook), links)


def in_view(copy: Notebook) -> str:
    """All text of a copy that nobody has clicked at, questions aside."""
    parts = []
    for cell in copy["cells"]:
        parts.append(re.sub(r"</summary>.*?</details>", "", cell["source"], flags=re.DOTALL))
        if "quiz(" in cell["source"]:
            continue
        for output in cell.get("outputs", []):
            parts.append("".join(output.get("text") or output["data"].get("text/plain", "")))
    return "\n".join(parts)


def told_in(text: str, chapter: str) -> list[str]:
    """Which answers of a chapter a text tells: the question, and the words that tell it."""
    words = " ".join(text.split())
    found = []
    for question in load_questions().values():
        for told in _telling(question) if question.chapter == chapter else ():
            whole = re.escape(" ".join(told.split()))
            if told not in question.text and re.search(
                rf"(?<![\w.,]){whole}(?![\w]|[.,]\d)", words
            ):
                found.append(f"{question.id}: {told}")
    return found


def _telling(question: Question) -> Iterator[str]:
    """Reasons, and numbers of three digits and more: those that are seldom another number."""
    yield question.explanation
    answers = question.answers
    if isinstance(answers, Choice):
        yield from (option.why for option in answers.options if option.why)
    if isinstance(answers, Sentence):
        yield from answers.points
    if isinstance(answers, Number):
        number = f"{answers.answer:g}"
        if len(re.sub(r"e.*|^[-0.]+|\.", "", number)) > 2:
            yield number
