"""A student's process: it runs the cells, calls the answers, and sends back what they did."""

import importlib
import pkgutil
import random
import sys
import types
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from normlab.checks.cells import Cell
from normlab.checks.drivers import Call
from normlab.checks.exercise import Answer, Arguments, Driver
from normlab.checks.observe import Observation, observe
from normlab.checks.program import Program, is_answer
from normlab.checks.silence import FirstCharacters, quiet
from normlab.grading.confined import refusals
from normlab.grading.confined.dispatcher import close_dispatcher
from normlab.grading.confined.eager import only_eager
from normlab.grading.confined.event_loop import LonelyLoop, only_lonely_loops
from normlab.grading.confined.imports import refuse_imports
from normlab.grading.confined.library_norms import find_norms, take_out_norms
from normlab.grading.confined.messages import Reader, pack, pack_observations, unpack
from normlab.grading.confined.stand_in import Support, stand_in_for_normlab

PRINTED = 2000
"""Characters kept of what the cells print."""
MOST_ERRORS = 20
DRIVERS = "normlab.exercises.drivers"
READS_SOURCES = "torch._decomp.decompositions_for_jvp"
"""torch imports it when it is first needed. It cannot be imported when norms are taken out."""


@dataclass(frozen=True)
class Question:
    """How an answer is called.

    Args:
        function: its name.
        driver: runs it.
        calls: arguments of the driver, known to everybody.
    """

    function: str
    driver: Driver
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


def load_torch() -> None:
    """Import torch, and what it puts off until it is used."""
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)
    torch.backends.cpu.get_cpu_capability()  # reads /proc/cpuinfo, which students do not see
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is made with what torch calls deprecated
        importlib.import_module(READS_SOURCES)


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
            [_arguments(call, reader) for call in spec["calls"]],
        )
        for spec in body["questions"]
    ]


def _arguments(call: dict[str, Any], reader: Reader) -> Arguments:
    return {name: reader.argument(value) for name, value in call.items()}


def prepare() -> None:
    """Get ready what every student's process needs, in the process that they are forked from.

    normlab is put out of reach, and torch's dispatcher, if torch is loaded; what takes the norms
    out is prepared, random numbers will be the same in every run.
    """
    stand_in_for_normlab()
    only_lonely_loops()
    np.random.seed(0)  # noqa: NPY002 # the generator that students' own code may use
    torch = sys.modules.get("torch")
    find_norms(torch is not None)
    if torch is not None:
        close_dispatcher()
        only_eager()
        torch.manual_seed(0)


def run_answers(channel: Connection, exercises: Mapping[str, Sequence[Question]]) -> None:
    """Do the task that comes through `channel`, then call answers as long as it is asked.

    The task says on how many of the known calls each answer is called unasked. A request names the
    answer, and holds arguments or asks for more of the known calls.

    Args:
        channel: to the judge.
        exercises: the questions of each that a task may be about.
    """
    task, _ = unpack(channel.recv_bytes())
    questions = exercises[task["exercise"]]
    targets = task["targets"]
    answers, support = _run_cells_with_norms(channel, task)

    def call(target: int, calls: Sequence[Arguments]) -> None:
        question, answer = questions[targets[target]["question"]], answers[target]
        support.allow(targets[target]["library_norms"])
        with quiet():
            seen = [_observe(question, answer, arguments) for arguments in calls]
        channel.send_bytes(pack_observations(seen, target))

    for i, target in enumerate(targets):
        if answers[i] is not None:
            call(i, questions[target["question"]].calls[: target["known"]])
    while True:
        request, raw = unpack(channel.recv_bytes())
        number: int = request["target"]
        if "hidden" in request:
            reader = Reader(raw)
            call(number, [_arguments(coded, reader) for coded in request["hidden"]])
        else:
            known = questions[targets[number]["question"]].calls
            call(number, known[request["first"] : request["end"]])


def _observe(question: Question, answer: Answer, arguments: Arguments) -> Observation:
    """What one call did, and which ready-made norm was refused in it."""
    refusals.called.clear()
    seen = observe(question.driver, answer, arguments)
    return replace(seen, refused=next(iter(refusals.called), ""))


def _run_cells_with_norms(
    channel: Connection, task: dict[str, Any]
) -> tuple[list[Answer], Support]:
    """Run all cells, which may call norms; then take the norms out if no answer may.

    Where torch is not there at all, its norms go before the cells, while it is.
    """
    if not task["torch"]:
        take_out_norms(lambda: None)
    refuse_imports(task["torch"])
    support = Support(task["support"])
    run = partial(_run_cells, channel, task)
    keep = not task["torch"] or any(target["library_norms"] for target in task["targets"])
    return run() if keep else take_out_norms(run), support


def _run_cells(channel: Connection, task: dict[str, Any]) -> list[Answer]:
    """Run all cells; take each answer as its cell leaves it, or as the last one does."""
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
