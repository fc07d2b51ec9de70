"""What the checks say to the wrong and the right answers: a table, and each answer with --list.

.venv/bin/python tests/study_of_answers.py [--list] [--pairs] [--seed 0] [--only FUNCTION]
"""

import argparse
import importlib
import logging
import sys
import time
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from installed import HERE

from normlab.checks import Diagnosis, Question, examine
from normlab.checks.variants import pair_variants, single_variants
from normlab.exercises import load_exercise

GENERIC = {
    *("unknown", "some-inputs", "raises", "wrong-shape", "wrong-return", "not-deterministic"),
}
COLUMNS = ("wrong", "rejected", "passed", "named", "unknown", "right", "accepted", "false", "ms")


@dataclass(frozen=True)
class Judged:
    """One answer with what it was said to be and what the check says."""

    kind: str
    function: str
    name: str
    sentence: str
    must: str
    diagnosis: Diagnosis
    named: bool
    milliseconds: float

    @property
    def passed(self) -> bool:
        return self.diagnosis.passed

    @property
    def kept_its_promise(self) -> bool:
        if self.must == "passes":
            return self.passed
        return not self.passed and (self.named or self.must == "rejected")

    def line(self) -> str:
        said = "PASSED" if self.passed else "named " if self.named else "unnamed"
        faults = "; ".join(f"[{f.name}] {f.title}" for f in self.diagnosis.faults)
        must = f" (must: {self.must})" if self.must else ""
        is_wrong = f"\n    is    {self.sentence}" if self.sentence else ""
        head = f"{self.kind:8} {said:7} {self.function}: {self.name}{must}"
        return f"{head}{is_wrong}\n    said  {faults or '—'}"


def is_named(question: Question, diagnosis: Diagnosis) -> bool:
    """Whether one of the faults says more than that something is wrong."""
    laws = {law.name for law in question.laws}
    if question.reference is None:
        return bool(set(diagnosis.mistakes) - GENERIC)
    return bool(set(diagnosis.mistakes) - GENERIC - laws)


def answers_to(exercise: str, function: str) -> list[tuple[str, Any, str, str]]:
    """(kind, answer, sentence, must) of every answer to one question."""
    wrong = importlib.import_module(f"wrong_answers.{exercise[3:]}")
    right = importlib.import_module(f"right_answers.{exercise[3:]}")
    return [
        *(("wrong", answer, text, "") for answer, text in wrong.WRONG.get(function, [])),
        *(("reported", *entry) for entry in wrong.REPORTED.get(function, [])),
        *(("right", answer, "", "") for answer in right.RIGHT[function]),
    ]


def study(exercise_name: str, function: str, seed: int) -> list[Judged]:
    exercise = load_exercise(exercise_name)
    question = exercise.question(function)
    found = []
    for kind, answer, sentence, must in answers_to(exercise_name, function):
        start = time.perf_counter()
        diagnosis = examine(exercise, question, answer, seed)
        ms = 1000 * (time.perf_counter() - start)
        named = is_named(question, diagnosis)
        found.append(Judged(kind, function, answer.__name__, sentence, must, diagnosis, named, ms))
    return found


def row(found: list[Judged], kind: str) -> tuple[float, ...]:
    """The numbers of `COLUMNS`; the wrong answers are those of one kind."""
    wrong = [j for j in found if j.kind == kind]
    right = [j for j in found if j.kind == "right"]
    accepted = sum(j.passed for j in right)
    return (
        len(wrong),
        sum(not j.passed for j in wrong),
        sum(j.passed for j in wrong),
        sum(j.named for j in wrong),
        sum("unknown" in j.diagnosis.mistakes for j in wrong),
        len(right),
        accepted,
        len(right) - accepted,
        sum(j.milliseconds for j in found) / max(len(found), 1),
    )


def table(found: list[Judged], kind: str) -> str:
    lines = [f"{kind:36}" + "".join(f"{c:>9}" for c in COLUMNS)]
    for function in dict.fromkeys(j.function for j in found):
        of_it = [j for j in found if j.function == function]
        lines.append(f"{function:36}" + "".join(f"{n:9.0f}" for n in row(of_it, kind)))
    lines.append(f"{'together':36}" + "".join(f"{n:9.0f}" for n in row(found, kind)))
    return "\n".join(lines)


def of_known_mistakes(exercise_name: str, function: str) -> str:
    """A line on a question: its levels, and how many forms and pairs of forms are named."""
    exercise = load_exercise(exercise_name)
    question = exercise.question(function)
    if question.reference is None:
        return f"{function:36}" + " laws alone"
    singles, pairs = single_variants(question), pair_variants(question)
    named = [0, 0]
    for i, variants in enumerate((singles, pairs)):
        for variant in variants:
            said = set(examine(exercise, question, variant.answer).mistakes)
            named[i] += bool(said & {mistake.name for mistake in variant.mistakes})
    points = "/".join(str(p) for p in question.levels.values())
    numbers = (len(question.mistakes), len(singles), named[0], len(pairs), named[1])
    return f"{function:36}{points:>9}" + "".join(f"{n:9}" for n in numbers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="a line per answer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="questions whose name holds this")
    parser.add_argument("--pairs", action="store_true", help="known mistakes, in minutes")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable()
    asked = [
        (exercise, function)
        for exercise, functions in HERE.items()
        for function in functions
        if given.only in function
    ]
    if given.pairs:
        columns = ("levels", "mistakes", "forms", "named", "pairs", "named")
        print(f"{'known mistakes':36}" + "".join(f"{column:>9}" for column in columns))
        print(*(of_known_mistakes(*each) for each in asked), sep="\n")
        return
    found = [judged for each in asked for judged in study(*each, given.seed)]
    if given.list:
        print(*(j.line() for j in found), sep="\n")
    print(table(found, "wrong"), table(found, "reported"), sep="\n\n")
    reported = [j for j in found if j.kind == "reported"]
    kept = Counter(j.kept_its_promise for j in reported)
    print(f"reported: {len(reported)}, as they must be: {kept[True]}, not: {kept[False]}")
    for j in reported:
        if not j.kept_its_promise:
            print(f"  {j.function}.{j.name}: {j.must}")
    false = [f"{j.function}.{j.name}" for j in found if j.kind == "right" and not j.passed]
    print("false rejects:", *false or ["none"])


if __name__ == "__main__":
    main()
