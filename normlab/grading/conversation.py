"""What the judge and a student's process say to each other; the process is not trusted."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from normlab.checks.exercise import Arguments, Question
from normlab.checks.observe import Observation
from normlab.grading.confined.answers import driver_names
from normlab.grading.confined.limits import Ending, Limits
from normlab.grading.confined.messages import (
    MOST_BYTES,
    Malformed,
    clean,
    code_arguments,
    pack,
    unpack,
    unpack_observations,
)
from normlab.grading.layout import Layout

MOST_BYTES_OF_ALL = 128 * 2**20
MOST_BYTES_OF_JSON = 4 * 2**20
"""Of a message's first line: a list that is read takes some 30 times the memory of its text."""
MOST_ERRORS = 20
UNREADABLE = "a message that cannot be read"
OUT_OF_TIME, KILLED = 24, 9
"""The signals SIGXCPU and SIGKILL, by number, since Windows has no names for them."""


def questions_message(questions: Sequence[Question], calls: Sequence[Sequence[Arguments]]) -> bytes:
    """What is told of an exercise before there is any student: its questions and known calls."""
    arrays: list[np.ndarray] = []
    specs = [
        {
            "function": question.function,
            "driver": driver_names(question.driver),
            "calls": [code_arguments(call, arrays) for call in known],
        }
        for question, known in zip(questions, calls, strict=True)
    ]
    return pack({"questions": specs}, arrays)


@dataclass(frozen=True)
class Task:
    """What one run is to do.

    Args:
        exercise: its name.
        layout: the cells, and the answers in them.
        numbers: of the question that each of the layout's targets answers.
        known: of each target, how many of the known calls it is called on unasked.
        support: "module.function" -> source of what answers may call.
        library_norms: of each target, whether it may call ready-made norms. Where torch is
            there, it is the same for all of them.
        torch: whether it may be imported.
    """

    exercise: str
    layout: Layout
    numbers: Sequence[int]
    known: Sequence[int]
    support: dict[str, str]
    library_norms: Sequence[bool]
    torch: bool

    def message(self) -> bytes:
        columns = (self.layout.targets, self.numbers, self.known, self.library_norms)
        body = {
            "exercise": self.exercise,
            "cells": [(cell.name, cell.source) for cell in self.layout.cells],
            "targets": [
                {
                    "function": target.function,
                    "cell": target.cell,
                    "question": number,
                    "known": known,
                    "library_norms": may,
                }
                for target, number, known, may in zip(*columns, strict=True)
            ],
            "support": self.support,
            "torch": self.torch,
        }
        return pack(body)


class Conversation:
    """A talk about one task, up to where it ends.

    All methods that listen raise `Malformed` at something that no process of ours says, and
    EOFError or OSError where the process has ended.

    Attributes:
        place: where the process was when it was last heard of, in words; "" before the first.
        cell: the index of the cell that ran then; None after the cells.
        defined: for each target, whether its cell left such a function.
        undefined: for each target, the error of a cell that should have defined it.
        errors: (index of a cell, its error).
        printed: the first characters that the cells printed.
    """

    def __init__(self, channel: Connection, task: Task) -> None:
        self.channel, self.task = channel, task
        self.place, self.cell = "", None  # type: tuple[str, int | None]
        self.defined: list[bool] = []
        self.undefined: list[str] = []
        self.errors: list[tuple[int, str]] = []
        self.printed = ""
        self.bytes_left = MOST_BYTES_OF_ALL

    def hand_over(self) -> None:
        """Send the task. The process can do all of it while nobody listens."""
        self.channel.send_bytes(self.task.message())

    def run_cells(self) -> None:
        """Listen until all cells have run."""
        for number, cell in enumerate(self.task.layout.cells):
            body, _ = unpack(self._listen())
            if body != {"cell": number}:
                raise Malformed("something else than the start of the next cell")
            self.cell, self.place = number, f"in {cell.name}"
        self._read_what_cells_left(unpack(self._listen())[0])
        self.cell, self.place = None, "after the cells"

    def _read_what_cells_left(self, body: dict[str, Any]) -> None:
        cells, targets = len(self.task.layout.cells), len(self.task.layout.targets)
        match body:
            case {
                "defined": list(d),
                "undefined": list(u),
                "errors": list(e),
                "printed": str(p),
            } if (
                len(d) == len(u) == targets
                and all(isinstance(each, bool) for each in d)
                and all(isinstance(each, str) for each in u)
            ):
                self.defined, self.undefined = d, [clean(text) for text in u]
                self.errors = [_cell_error(each, cells) for each in e[:MOST_ERRORS]]
                self.printed = clean(p)
            case _:
                raise Malformed("something else than what the cells have left")

    def ask_known(self, target: int, first: int, end: int) -> None:
        """Have an answer called on more of the calls that everybody knows."""
        self.channel.send_bytes(pack({"target": target, "first": first, "end": end}))

    def ask_hidden(self, target: int, calls: Iterable[Arguments]) -> None:
        """Have it called on others, when all that a student may see has come back."""
        arrays: list[np.ndarray] = []
        coded = [code_arguments(call, arrays) for call in calls]
        self.channel.send_bytes(pack({"target": target, "hidden": coded}, arrays))

    def told(self, target: int) -> bytes:
        """What the process says of its next calls of this answer; read by `observations`."""
        self.place = f"when {self.task.layout.targets[target].function} was called"
        return self._listen()

    def _listen(self) -> bytes:
        data = self.channel.recv_bytes(min(MOST_BYTES, self.bytes_left))
        self.bytes_left -= len(data)
        if data.find(b"\n", 0, MOST_BYTES_OF_JSON) < 0:
            raise Malformed("no line of JSON, or a very long one")
        return data


def observations(data: bytes, target: int, calls: Collection[Arguments]) -> list[Observation]:
    """What a process says that an answer did on these calls.

    Raises:
        Malformed: if no process of ours says so.
    """
    try:
        seen = unpack_observations(data, target, len(calls))
    except Malformed:
        raise
    except Exception as error:  # the last net, under a reader that knows what may come
        raise Malformed(f"{UNREADABLE} ({type(error).__name__})") from error
    for arguments, observation in zip(calls, seen, strict=True):
        _check_changes(observation, arguments)
    return seen


def _check_changes(seen: Observation, arguments: Arguments) -> None:
    arrays = {name for name, value in arguments.items() if isinstance(value, np.ndarray)}
    if not seen.changed.keys() <= arrays:
        raise Malformed("a change of an argument that the call does not have")


def _cell_error(coded: Any, cells: int) -> tuple[int, str]:
    match coded:
        case [int(number), str(text)] if 0 <= number < cells:
            return number, clean(text)
    raise Malformed("an error of no cell")


def cause(place: str, malformed: str, ending: Ending, limits: Limits) -> tuple[str, str]:
    """Why a run did not come to its end: a name for programs, and a sentence."""
    if malformed:
        return "disturbed-grading", (
            f"something else than its results came out of its process, {place}: {malformed}"
        )
    if ending.by_us == "idle":
        return "time-limit", (
            f"it waited for more than {limits.idle_seconds:g} seconds and computed nothing, {place}"
        )
    if ending.by_us == "wall":
        return "time-limit", f"it did not end within {limits.wall_seconds:g} seconds, {place}"
    if ending.code in (-OUT_OF_TIME, -KILLED) and ending.seconds >= limits.seconds - 0.5:
        return "time-limit", (
            f"it used more than {limits.seconds:g} seconds of processor time, {place}"
        )
    if ending.code == -KILLED:
        return "process-killed", f"its process was killed, as when memory runs out, {place}"
    if ending.code < 0:
        return "process-crashed", f"its process crashed by signal {-ending.code}, {place}"
    return "process-ended", (
        f"it ended its own process (exit code {ending.code}) before all results were there, {place}"
    )
