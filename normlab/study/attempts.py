"""What a learner calls for an open challenge: `attempt`, which trains, and `my_attempts`."""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from io import BytesIO

from matplotlib.figure import Figure

from normlab.exercises.challenges.baselines import Baseline, load_baselines
from normlab.exercises.challenges.catalogue import CHALLENGES, find_challenge
from normlab.exercises.challenges.challenge import (
    Answer,
    Challenge,
    Outcome,
    Settings,
    read_outcome,
)
from normlab.exercises.challenges.figures import describe_attempt, draw_attempt
from normlab.pictures.style import styled
from normlab.record import open_record
from normlab.study.said import Said
from normlab.tools.table import Table


@dataclass(frozen=True)
class Attempt:
    """What an attempt at an open challenge gave.

    Args:
        challenge: which one.
        said: the settings in a few words.
        outcome: the score, and what was measured.
        baselines: what the course's own recipes gave.
        note: what else the learner should know.
    """

    challenge: Challenge
    said: str
    outcome: Outcome
    baselines: tuple[Baseline, ...]
    note: str = ""

    @property
    def score(self) -> float:
        """From 0 to 100."""
        return self.outcome.score

    def table(self) -> Table:
        """This attempt, and the course's recipes, best first."""
        return describe_attempt(self.outcome, self.baselines)[1]

    def _sentences(self) -> list[str]:
        first = f"{self.challenge.title}: {self.score:.0f} of 100"
        return [part for part in (f"{first} for {self.said}", self.note) if part]

    def __str__(self) -> str:
        return "\n".join([*self._sentences(), "", str(self.table())])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{escape(sentence)}</p>" for sentence in self._sentences())
        return said + self.table()._repr_html_() + self._picture()

    def _picture(self) -> str:
        with styled():
            figure = Figure(figsize=(8.6, 3.4), layout="constrained")
            draw_attempt(self.outcome, self.baselines, figure)
            png = BytesIO()
            figure.savefig(png, format="png", dpi=110)
        sentence, _ = describe_attempt(self.outcome, self.baselines)
        data = base64.b64encode(png.getvalue()).decode()
        return f'<img alt="{escape(sentence)}" src="data:image/png;base64,{data}"/>'


def attempt(answer: Answer) -> Attempt | Said:
    """Train what one of your recipes says, score it, and keep it in your record.

    It takes about a minute. Equal settings are not trained twice.

    Args:
        answer: `post_norm_recipe` or `pre_norm_change`: the function itself, not its result.

    Raises:
        TypeError: if `answer` is not a function.
        ValueError: if no challenge asks for a function of that name, or it returns settings that
            the challenge does not allow.

    >>> def post_norm_recipe():
    ...     raise NotImplementedError
    >>> attempt(post_norm_recipe)
    post_norm_recipe  ○ not attempted
    """
    name = getattr(answer, "__name__", None)
    if not callable(answer) or name is None:
        raise TypeError(
            f"attempt was given {type(answer).__name__}; expected the function itself, without "
            "brackets after its name: attempt(post_norm_recipe)."
        )
    return attempt_challenge(find_challenge(name), answer)


def attempt_challenge(challenge: Challenge, answer: Answer) -> Attempt | Said:
    """`attempt` at a challenge, whatever the answer is called."""
    try:
        settings = challenge.read(answer, challenge.budget)
    except NotImplementedError:
        return Said(f"{challenge.function}  ○ not attempted")
    outcome, note = earlier(challenge, settings), "Tried before; not trained again."
    if outcome is None:
        outcome = challenge.measure(settings, challenge.budget)
        note = _keep(challenge, settings, outcome)
    baselines = tuple(load_baselines(challenge.function))
    return Attempt(challenge, challenge.say(settings), outcome, baselines, note)


def earlier(challenge: Challenge, settings: Settings) -> Outcome | None:
    """What the same settings gave under the same rules, if they are in the record."""
    with open_record() as record:
        tries = record.history().tries.get(challenge.function, ())
    wanted = challenge.rules_text, _text(settings)
    found = [t.outcome for t in tries if (t.rules, t.settings) == wanted]
    return read_outcome(found[-1]) if found else None


def _keep(challenge: Challenge, settings: Settings, outcome: Outcome) -> str:
    rules = challenge.rules_text
    with open_record() as record:
        return record.tried(
            challenge.function, rules, _text(settings), outcome.score, outcome.as_json()
        )


def _text(settings: Settings) -> str:
    return json.dumps(settings, sort_keys=True)


def my_attempts(challenge: str = "") -> Table:
    """Your attempts at the open challenges, best first.

    Args:
        challenge: what one of them asks for, such as "post_norm_recipe"; of all, if none is named.

    Raises:
        ValueError: if there is no such challenge.

    >>> my_attempts("post_norm_recipe").columns
    ('challenge', 'score', 'settings', 'day')
    """
    chosen = [find_challenge(challenge)] if challenge else CHALLENGES.values()
    return attempts_at(chosen)


def attempts_at(challenges: Iterable[Challenge]) -> Table:
    """Your attempts at some challenges, best first; scores under other rules are left out."""
    with open_record() as record:
        tries = record.history().tries
    rows: list[tuple[str, ...]] = []
    for challenge in challenges:
        mine = [t for t in tries.get(challenge.function, ()) if t.rules == challenge.rules_text]
        for t in sorted(mine, key=lambda t: -t.score):
            said = challenge.say(json.loads(t.settings))
            day = f"{t.time.astimezone():%Y-%m-%d}"
            rows.append((challenge.function, f"{t.score:.0f}", said, day))
    return Table(("challenge", "score", "settings", "day"), rows)
