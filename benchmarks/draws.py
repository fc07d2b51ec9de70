"""Whether a right answer needs luck: right answers, judged on many draws of the hidden inputs.

    .venv/bin/python -m benchmarks.draws                       the reference, 10,000 draws each
    .venv/bin/python -m benchmarks.draws --draws 100 --others  other right answers too
    .venv/bin/python -m benchmarks.draws --seed 7 rms_norm     this function, from seed 7 on

For each function: the answers; the draws on which one of them has not full marks; those on which
the reference raises an error, or gives NaN or ±inf, on another probe than among the known inputs;
the greatest deviation from the reference as a share of what the tolerance allows; seconds.
"""

import argparse
import importlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from normlab.checks import Exercise, Probe, Question
from normlab.checks.examination import KNOWN_SEED, expected
from normlab.checks.examiner import right_at_once
from normlab.checks.exercise import Answer, Value
from normlab.checks.laws import once
from normlab.checks.observe import Observation, observe, undisturbed
from normlab.exercises import all_exercises
from normlab.tools.progress_bar import progress_bar
from normlab.tools.table import Table

COLUMNS = ("function", "answers", "draws", "not full marks", "other errors", "greatest", "seconds")


@dataclass
class Draws:
    """What came of some draws of one question's hidden inputs.

    Attributes:
        lost: (name of the answer, seed) where a right answer has not full marks.
        odd: (title of the probe, seed) where the reference fails as it does not on known inputs.
        greatest: deviation from the reference, as a share of the tolerance.
    """

    lost: list[tuple[str, int]] = field(default_factory=list)
    odd: list[tuple[str, int]] = field(default_factory=list)
    greatest: float = 0.0


def draw(question: Question, answers: Sequence[Answer], seeds: Iterable[int]) -> Draws:
    """Judge answers to a question that has a reference on the hidden inputs of each seed."""
    found = Draws()
    known = [_failure(seen) for seen in expected(question, KNOWN_SEED)[1]]
    for seed in seeds:
        probes, wanted = expected(question, seed)
        pairs = zip(probes, wanted, known, strict=True)
        found.odd += [(p.title, seed) for p, seen, as_known in pairs if _failure(seen) != as_known]
        for answer in answers:
            respond = once(partial(observe, question.driver, answer))
            if not right_at_once(question, respond, seed):
                found.lost.append((getattr(answer, "__name__", repr(answer)), seed))
            seen = [respond(probe.arguments) for probe in probes]
            found.greatest = max(found.greatest, *map(_share, seen, wanted, probes))
    return found


def _failure(seen: Observation) -> str:
    """The kind of an error, or that numbers are not finite; "" for neither."""
    if seen.raised:
        return seen.raised.kind
    arrays = [v for v in (seen.outputs or {}).values() if isinstance(v, np.ndarray)]
    return "" if all(np.isfinite(array).all() for array in arrays) else "not finite"


def _share(got: Observation, wanted: Observation, probe: Probe) -> float:
    """The greatest deviation of a probe, as a share of the greatest that passes."""
    outputs = wanted.outputs or {}
    return max((_off(v, (got.outputs or {}).get(n), probe) for n, v in outputs.items()), default=0)


def _off(wanted: Value, got: Value, probe: Probe) -> float:
    if not isinstance(wanted, np.ndarray) or np.shape(got) != wanted.shape or not wanted.size:
        return 0.0
    one, other = np.asarray(got, np.float64), wanted.astype(np.float64)
    scale = float(np.abs(other).max()) or 1.0
    return float(np.abs(one - other).max()) / (probe.tolerance * scale)


def others(exercise: Exercise, question: Question) -> list[Answer]:
    """The right answers of the tests."""
    kept = importlib.import_module(f"tests.right_answers.{exercise.name[3:]}")
    return [*kept.RIGHT[question.function]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("functions", nargs="*", help="default: all")
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1, help="the first; 0 has the known inputs")
    parser.add_argument("--others", action="store_true", help="the tests' right answers too")
    chosen = parser.parse_args()
    asked = [(e, q) for e in all_exercises() for q in e.questions if q.reference is not None]
    rows = []
    for exercise, question in asked:
        if chosen.functions and question.function not in chosen.functions:
            continue
        answers = [question.reference, *(others(exercise, question) if chosen.others else ())]
        seeds = range(chosen.seed, chosen.seed + chosen.draws)
        start = time.perf_counter()
        with undisturbed():
            found = draw(question, answers, progress_bar(seeds, question.function))
        seconds = time.perf_counter() - start
        figures = (len(answers), chosen.draws, len(found.lost), len(found.odd))
        rows.append([question.function, *figures, f"{found.greatest:.2g}", f"{seconds:.0f}"])
        for name, seed in [*found.lost, *found.odd][:5]:
            print(f"{question.function}, seed {seed}: {name}")
    print(Table(COLUMNS, rows))


if __name__ == "__main__":
    main()
