"""A student's process: it runs the cells, calls the answers, and sends back what they did."""

import contextlib
import importlib
import pkgutil
import random
import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import torch

from normlab.checks.cells import Cell
from normlab.checks.drivers import Call
from normlab.checks.exercise import Answer, Arguments, Driver
from normlab.checks.observe import observe
from normlab.checks.program import Program, is_answer
from normlab.checks.silence import FirstCharacters, quiet
from normlab.grading.confined.eager import only_eager
from normlab.grading.confined.event_loop import LonelyLoop, only_lonely_loops
from normlab.grading.confined.library_norms import guard_norms, no_library_norms
from normlab.grading.confined.messages import Reader, pack, pack_observations, unpack
from normlab.grading.confined.stand_in import add_support, stand_in_for_normlab

PRINTED = 2000
"""Characters kept of what the cells print."""
MOST_ERRORS = 20
DRIVERS = "normlab.exercises.drivers"


@dataclass(frozen=True)
class Question:
    """How an answer is called.

    Args:
        function: its name.
        driver: runs it.
        library_norms: whether it may call those of torch.
        calls: arguments of the driver, known to everybody.
    """

    function: str
    driver: Driver
    library_norms: bool
    calls: Sequence[Arguments]


def driver_names(driver: Driver) -> tuple[str, ...]:
    """What to tell a student's process of a driver."""
    return ("call", *driver.names) if isinstance(driver, Call) else _place(driver)


def _place(driver: Any) -> tuple[str, str]:
    assert driver.__module__.startswith(f"{DRIVERS}.")
    return driver.__module__, driver.__name__


def load_drivers() -> None:
    """Import all that answers are run with, and keep it when normlab is out of reach."""
    package = importlib.import_module(DRIVERS)
    for module in pkgutil.iter_modules(package.__path__, f"{DRIVERS}."):
        _modules[module.name] = importlib.import_module(module.name)


_modules: dict[str, types.ModuleType] = {}


def _driver(first: str, *names: str) -> Driver:
    """The driver of these `driver_names`."""
    if first == "call":
        return Call(names)
    driver: Driver = getattr(_modules[first], names[0])
    return driver


def read_questions(message: bytes) -> list[Question]:
    """The questions of an exercise, as the judge describes them."""
    body, raw = unpack(message)
    reader = Reader(raw)
    return [
        Question(
            spec["function"],
            _driver(*spec["driver"]),
            spec["library_norms"],
            [_arguments(call, reader) for call in spec["calls"]],
        )
        for spec in body["questions"]
    ]


def _arguments(call: dict[str, Any], reader: Reader) -> Arguments:
    return {name: reader.argument(value) for name, value in call.items()}


def prepare() -> None:
    """Get ready what every student's process needs, in the process that they are forked from.

    normlab is put out of reach, guards stand before the norms, random numbers will be the same
    in every run.
    """
    stand_in_for_normlab()
    guard_norms()
    only_lonely_loops()
    only_eager()
    np.random.seed(0)  # noqa: NPY002 # the generator that students' own code may use
    torch.manual_seed(0)


def run_answers(channel: Connection, questions: Sequence[Question]) -> None:
    """Do the task that comes through `channel`, then call answers as long as it is asked.

    A request names the answer, and holds arguments or asks for the known calls.
    """
    task, _ = unpack(channel.recv_bytes())
    answers = _run_cells(channel, task)
    while True:
        request, raw = unpack(channel.recv_bytes())
        target: int = request["target"]
        question = questions[task["targets"][target]["question"]]
        if "hidden" in request:
            reader = Reader(raw)
            calls = [_arguments(call, reader) for call in request["hidden"]]
        else:
            calls = [*question.calls[request["first"] : request["end"]]]
        allowed = task["library_norms"] or question.library_norms
        with quiet(), contextlib.nullcontext() if allowed else no_library_norms():
            seen = [observe(question.driver, answers[target], arguments) for arguments in calls]
        channel.send_bytes(pack_observations(seen, target))


def _run_cells(channel: Connection, task: dict[str, Any]) -> list[Answer]:
    """Run all cells; take each answer as its cell leaves it, or as the last one does."""
    add_support(task["support"])
    namespace = _own_main_module()
    program, printed = Program(namespace, new_loop=LonelyLoop), FirstCharacters(PRINTED)
    targets = [(target["function"], target["cell"]) for target in task["targets"]]
    answers: list[Any] = [None] * len(targets)
    errors: list[tuple[int, str]] = []
    with quiet(printed):
        for number, (name, source) in enumerate(task["cells"]):
            channel.send_bytes(pack({"cell": number}))
            error = program.run(Cell(name, source))
            if error:
                errors.append((number, error))
            for i, (function, cell) in enumerate(targets):
                if cell == number:
                    answers[i] = _callable(namespace.get(function))
    for i, (function, cell) in enumerate(targets):
        if cell is None:
            answers[i] = _callable(namespace.get(function))
    body = {
        "defined": [answer is not None for answer in answers],
        "undefined": [program.errors.get(function, "") for function, _ in targets],
        "errors": errors[:MOST_ERRORS],
        "printed": printed.text,
    }
    channel.send_bytes(pack(body))
    return answers


def _callable(value: Any) -> Answer | None:
    return value if is_answer(value) else None


def _own_main_module() -> dict[str, Any]:
    """A namespace for the cells, which classes defined in it find by their module's name."""
    random.seed(0)  # here, since a fork seeds this one anew
    sys.path.append("")  # what a cell writes can be imported
    sys.modules["__main__"] = main = types.ModuleType("__main__")
    return vars(main)
