"""A class of any size, no two of whose submissions are alike: right, wrong, unsolved, broken."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from normlab.exercises.catalogue import FUNCTIONS, ONLY_WITH

ROOT = Path(__file__).parent.parent
EXERCISES = tuple(name for name in FUNCTIONS if name not in ONLY_WITH)
"""Those that every system can grade: so the class is the same for all graders, and from year to
year."""
WRONG, UNSOLVED, BROKEN, ENDS = 3, 7, 13, 97
"""Of so many submissions, one returns nothing from an answer, leaves one out, cannot be read, or
ends its own process."""


@cache
def _solution(exercise: str) -> str:
    return (ROOT / "solutions" / f"{exercise}.ipynb").read_text(encoding="utf-8")


def mixed_submission(number: int) -> tuple[str, str]:
    """(exercise, notebook) of the submission with a number."""
    exercise = EXERCISES[number % len(EXERCISES)]
    notebook = json.loads(_solution(exercise))
    answers = list(_answers(notebook))
    chosen = answers[number // len(EXERCISES) % len(answers)]
    function = chosen["metadata"]["nbgrader"]["grade_id"]
    source = "".join(chosen["source"])
    if number % WRONG == 1:
        source += f"\n\n{function} = lambda *arguments, **options: None"
    elif number % UNSOLVED == 1:
        source = f"def {function}(*arguments):\n    raise NotImplementedError"
    elif number % ENDS == 1:
        source = f"import os\nos._exit({number % 3})"
    chosen["source"] = f"# student {number}\n{source}"
    text = json.dumps(notebook)
    return exercise, text[: len(text) // 2] + str(number) if number % BROKEN == 1 else text


def _answers(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            yield cell


def hand_in_mixed(folder: Path, size: int) -> None:
    """Write so many submissions, one of each exercise for each student."""
    for number in range(size):
        exercise, text = mixed_submission(number)
        student = folder / f"student{number // len(EXERCISES):05}"
        student.mkdir(parents=True, exist_ok=True)
        (student / f"{exercise}.ipynb").write_text(text, encoding="utf-8")
