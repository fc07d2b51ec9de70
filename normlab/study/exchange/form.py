"""The file that takes a learner's progress from the site to the desk, or the other way.

It is JSON, written by `normlab progress --export FILE` or by the site's page "Your progress":

    {"format": "normlab progress",
     "version": 2,
     "made": {"by": "normlab 0.1.0", "time": "2026-11-24T10:00:00+00:00"},
     "entries": [
      {"kind": "answered", "id": "5f0c…", "time": "…",
       "question": "one-hot", "answer": "b", "surprise": 1.0, "again": false},
      {"kind": "solved", "id": "…", "time": "…",
       "exercise": "01_layer_norm", "function": "layer_norm", "points": 2.0, "max_points": 4.0},
      {"kind": "marked", "id": "…", "time": "…", "claim": 25, "word": "wrong"},
      {"kind": "bet", "id": "…", "time": "…", "claim": 25, "word": "wrong", "percent": 75},
      {"kind": "tried", "id": "…", "time": "…", "challenge": "post_norm_recipe",
       "rules": "…", "settings": "{…}", "score": 61.5, "outcome": "{…}"}],
     "answers": [
      {"exercise": "01_layer_norm", "function": "layer_norm", "time": "…", "source": "def …"}]}

`entries` are those of the record. No two things have one id, so a file can be taken in twice, and
two records become one by putting their entries together; what they say then, the newest mark or the
best points, is worked out anew from all of them. `answers` are the texts of a learner's functions,
several for one function if they differ; the newest counts. Times are ISO 8601 with their offset
from UTC. Every part has to be there, and no other.

`docs/site/record.js` reads and writes the same. A change of the form is a new version; a reader
refuses those that it does not know. Version 1 had no bets, and is still read.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import normlab
from normlab.record.history import Entry
from normlab.study.exchange.parts import COLUMNS, a_name, a_text

FORMAT, VERSION = "normlab progress", 2
READ = (1, VERSION)
ID = re.compile(r"[\w-]{1,64}", re.ASCII)
TIME = re.compile(
    r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
YEARS = range(2020, 2100)


class UnsuitableFile(ValueError):
    """A file that holds no progress, or one that is damaged; the message says what is wrong."""


@dataclass(frozen=True)
class WrittenAnswer:
    """The text of a learner's function, and when it was written."""

    exercise: str
    function: str
    time: str
    source: str


@dataclass(frozen=True)
class Progress:
    """What a file holds."""

    entries: Sequence[Entry]
    answers: Sequence[WrittenAnswer]


def as_text(progress: Progress) -> str:
    """The text of a file.

    >>> as_text(Progress([], [])).split(",")[0]
    '{\\n "format": "normlab progress"'
    """
    made = {"by": f"normlab {normlab.__version__}", "time": datetime.now(UTC).isoformat()}
    whole = {
        "format": FORMAT,
        "version": VERSION,
        "made": made,
        "entries": [_as_parts(entry) for entry in progress.entries],
        "answers": [asdict(answer) for answer in progress.answers],
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def read_text(text: str) -> Progress:
    """The progress in the text of a file.

    Raises:
        UnsuitableFile: if it is none, of a version that is not known, or if a part of it is not as
            it should be; the first such part is named.
    """
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnsuitableFile(f"it is no JSON ({error}).") from None
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise UnsuitableFile(
            "it is no file of a learner's progress; expected one that `normlab progress --export` "
            "or the site's page of your progress wrote."
        )
    if whole.get("version") not in READ or isinstance(whole["version"], bool):
        raise UnsuitableFile(
            f"it is of version {whole.get('version')!r}, and this normlab knows "
            f"{' and '.join(map(str, READ))}; a newer normlab may know it."
        )
    _check_names(whole, {"format", "version", "made", "entries", "answers"}, "the file")
    for name in ("entries", "answers"):
        if not isinstance(whole[name], list):
            raise UnsuitableFile(f"{name} is no list.")
    entries = [_entry(parts, f"entry {n}") for n, parts in enumerate(whole["entries"], 1)]
    _check_ids(entries)
    answers = [_answer(parts, f"answer {n}") for n, parts in enumerate(whole["answers"], 1)]
    return Progress(entries, answers)


def newest(answers: Iterable[WrittenAnswer]) -> dict[tuple[str, str], WrittenAnswer]:
    """The newest answer for each (exercise, function)."""
    in_order = sorted(answers, key=lambda answer: datetime.fromisoformat(answer.time))
    return {(answer.exercise, answer.function): answer for answer in in_order}


def _as_parts(entry: Entry) -> dict[str, Any]:
    values = dict(zip(COLUMNS[entry.kind], entry.values, strict=True))
    if "again" in values:
        values["again"] = bool(values["again"])
    return {"kind": entry.kind, "id": entry.id, "time": entry.time, **values}


def _entry(parts: Any, what: str) -> Entry:
    kind = parts.get("kind") if isinstance(parts, dict) else None
    if not isinstance(kind, str) or kind not in COLUMNS:
        kinds = ", ".join(COLUMNS)
        raise UnsuitableFile(f"{what} is of the kind {kind!r}; expected one of {kinds}.")
    _check_names(parts, {"kind", "id", "time", *COLUMNS[kind]}, what)
    if not (isinstance(parts["id"], str) and ID.fullmatch(parts["id"])):
        raise UnsuitableFile(f"{what}: id is {parts['id']!r}; expected letters and digits.")
    _check_time(parts["time"], what)
    values = tuple(_value(read, parts[name], name, what) for name, read in COLUMNS[kind].items())
    try:
        return Entry(kind, parts["id"], parts["time"], values)
    except ValueError as error:
        raise UnsuitableFile(f"{what}: {error}") from None


def _answer(parts: Any, what: str) -> WrittenAnswer:
    _check_names(parts, {"exercise", "function", "time", "source"}, what)
    _check_time(parts["time"], what)
    exercise, function = (_value(a_name, parts[k], k, what) for k in ("exercise", "function"))
    return WrittenAnswer(
        exercise, function, parts["time"], _value(a_text, parts["source"], "source", what)
    )


def _check_ids(entries: Sequence[Entry]) -> None:
    by_id: dict[str, Entry] = {}
    for number, entry in enumerate(entries, 1):
        if by_id.setdefault(entry.id, entry) != entry:
            raise UnsuitableFile(
                f"entry {number} has the id of another one, {entry.id}, and says otherwise; "
                "expected ids that are unique."
            )


def _value(read: Callable[[Any], Any], value: Any, name: str, what: str) -> Any:
    try:
        return read(value)
    except ValueError as expected:
        raise UnsuitableFile(f"{what}: {name} is {value!r}; expected {expected}.") from None


def _check_names(parts: Any, names: set[str], what: str) -> None:
    if not isinstance(parts, dict):
        raise UnsuitableFile(f"{what} is {parts!r}; expected an object.")
    if missing := sorted(names - parts.keys()):
        raise UnsuitableFile(f"{what} has no {missing[0]}.")
    if others := sorted(parts.keys() - names):
        raise UnsuitableFile(f"{what} has a part {others[0]}; expected none of that name.")


def _check_time(time: Any, what: str) -> None:
    try:
        good = bool(TIME.fullmatch(time)) and datetime.fromisoformat(time).year in YEARS
    except (TypeError, ValueError):
        good = False
    if not good:
        raise UnsuitableFile(
            f"{what}: time is {time!r}; expected one with its offset from UTC, from {YEARS[0]} to "
            f"{YEARS[-1]}, as in 2026-11-24T10:00:00Z."
        )
