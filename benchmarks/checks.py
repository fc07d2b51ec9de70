"""What the checks of the exercises know, what they find, and how long one takes.

    .venv/bin/python -m benchmarks.checks                every function
    .venv/bin/python -m benchmarks.checks rms_norm       these

For each function: the known mistakes and the ways to make them; how many of these, and how many
compatible pairs, are rejected with a name; right answers written in other ways that pass;
single-token mutations of the reference, and how many are rejected (those left change no result:
tests/right_answers says why); milliseconds of one check of the right answer, and of the first
check of the slowest wrong one, which no mistake explains.
"""

import argparse
import importlib
import time
from dataclasses import replace
from typing import Any

from normlab.checks import Exercise, Question, examine
from normlab.checks.exercise import Answer, Outputs, Value
from normlab.checks.variants import Variant, pair_variants, single_variants
from normlab.exercises import all_exercises
from normlab.tools.progress_bar import progress_bar
from normlab.tools.table import Table
from normlab.tools.timing import one_thread
from tests.mutants import mutants

COLUMNS = (
    "function",
    "mistakes",
    "forms named",
    "pairs named",
    "right passed",
    "mutants rejected",
    "right ms",
    "unknown ms",
)


def row(exercise: Exercise, question: Question) -> list[str]:
    """The figures of one function."""
    answers = importlib.import_module(f"tests.right_answers.{exercise.name[3:]}")
    right = answers.RIGHT[question.function]
    passed = sum(examine(exercise, question, answer).passed for answer in right)
    cells = [question.function, str(len(question.mistakes))]
    if question.reference is None:
        return [
            *cells,
            "–",
            "–",
            f"{passed} of {len(right)}",
            "–",
            _ms(exercise, question, right[0]),
            "–",
        ]
    changed = [answer for _, answer in mutants(question.reference)]
    rejected = sum(not examine(exercise, question, answer).passed for answer in changed)
    return [
        *cells,
        _named(exercise, question, single_variants(question)),
        _named(exercise, question, pair_variants(question)),
        f"{passed} of {len(right)}",
        f"{rejected} of {len(changed)}",
        _ms(exercise, question, question.reference),
        _ms(exercise, _with_unknown_mistake(question), _nobody),
    ]


def _named(exercise: Exercise, question: Question, variants: list[Variant]) -> str:
    named = 0
    for variant in variants:
        diagnosis = examine(exercise, question, variant.answer)
        made = {mistake.name for mistake in variant.mistakes}
        named += not diagnosis.passed and bool(made & set(diagnosis.mistakes))
    return f"{named} of {len(variants)}"


def _nobody(*args: Any, **kwargs: Any) -> None:
    """Stands for an answer that `_with_unknown_mistake` makes."""


def _with_unknown_mistake(question: Question) -> Question:
    """The question, in which the answer `_nobody` is off by 1 % in every number."""

    def driver(answer: Answer, **arguments: Value) -> Outputs:
        if answer is not _nobody:
            return question.driver(answer, **arguments)
        assert question.reference is not None
        outputs = question.driver(question.reference, **arguments)
        return {k: v if v is None or isinstance(v, str) else 1.01 * v for k, v in outputs.items()}

    return replace(question, driver=driver)


def _ms(exercise: Exercise, question: Question, answer: Answer) -> str:
    """One check, in milliseconds; the first of a question prepares what later ones use again."""
    start = time.perf_counter()
    examine(exercise, question, answer)
    return f"{1e3 * (time.perf_counter() - start):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("functions", nargs="*", help="default: all")
    chosen = parser.parse_args().functions
    asked = [
        (exercise, question)
        for exercise in all_exercises()
        for question in exercise.questions
        if not chosen or question.function in chosen
    ]
    with one_thread():
        rows = [row(*each) for each in progress_bar(asked, "functions")]
    print(Table(COLUMNS, rows))


if __name__ == "__main__":
    main()
