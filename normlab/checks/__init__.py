"""The engine of the checks: it names the mistake in a wrong answer, and knows no exercise.

`exercise` says what an exercise is, as data; `examine` puts it to an answer.
"""

from normlab.checks.diagnosis import Diagnosis
from normlab.checks.examine import examine
from normlab.checks.exercise import Exercise, Law, Mistake, Probe, Question

__all__ = ["Diagnosis", "Exercise", "Law", "Mistake", "Probe", "Question", "examine"]
