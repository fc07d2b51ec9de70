"""What `normlab check` says of an open challenge: its score, or how to get one."""

from dataclasses import dataclass
from typing import Any

from normlab.checks import Diagnosis, Fault
from normlab.exercises.challenges.catalogue import find_challenge
from normlab.exercises.challenges.challenge import Challenge
from normlab.exercises.challenges.names import NOTEBOOK
from normlab.study.attempts import earlier


@dataclass(frozen=True)
class ChallengeDiagnosis(Diagnosis):
    """Of a challenge: there are no points, and no answer is right; one that was scored passes."""

    score: float | None = None

    @property
    def passed(self) -> bool:
        return self.score is not None

    @property
    def verdict(self) -> str:
        if self.score is not None:
            return f"score {self.score:.0f} of 100"
        return "not scored" if self.attempted else "○ not attempted"

    def rows(self) -> list[tuple[str, str]]:
        faults = [("what", f"{fault.title} ({fault.name})") for fault in self.faults]
        return [(self.function, self.verdict), *faults]

    def as_json(self) -> dict[str, object]:
        return {**super().as_json(), "score": self.score}


def examine_challenge(function: str, answer: Any, error: str = "") -> ChallengeDiagnosis:
    """The score of a challenge's answer, if it was attempted in a notebook.

    Args:
        function: what the challenge asks for.
        answer: it, or None where it is not defined.
        error: why it is not defined, "" if there is no reason.
    """
    if answer is None:
        faults = (Fault("not-defined", error),) if error else ()
        return _diagnosis(function, attempted=bool(error), faults=faults)
    challenge = find_challenge(function)
    try:
        settings = challenge.read(answer, challenge.budget)
    except NotImplementedError:
        return _diagnosis(function, attempted=False)
    except Exception as refused:
        return _diagnosis(function, faults=(Fault("bad-settings", f"{_said(refused)}"),))
    outcome = earlier(challenge, settings)
    if outcome is None:
        return _diagnosis(function, faults=(Fault("not-scored", _how_to_score(challenge)),))
    return _diagnosis(function, score=outcome.score)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"


def _how_to_score(challenge: Challenge) -> str:
    return (
        "The settings are allowed, and were not trained yet: run "
        f"attempt({challenge.function}) in the notebook."
    )


def _diagnosis(
    function: str,
    attempted: bool = True,
    faults: tuple[Fault, ...] = (),
    score: float | None = None,
) -> ChallengeDiagnosis:
    return ChallengeDiagnosis(NOTEBOOK, function, attempted, (), faults, score=score)
