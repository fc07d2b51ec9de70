"""The runs of one paper: all its answers in one process; if that dies, each answer by itself."""

import inspect
import textwrap
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache

from normlab.checks.cells import Cell
from normlab.checks.diagnosis import Diagnosis, Fault
from normlab.checks.examiner import wrong_from_start
from normlab.checks.exercise import Exercise, Question
from normlab.grading.confined.limits import Limits
from normlab.grading.confined.messages import Malformed
from normlab.grading.conversation import Conversation, Task, cause
from normlab.grading.layout import Layout, imports_torch
from normlab.grading.paper import Setting
from normlab.grading.questions import Questions
from normlab.grading.runs import Order, Run, Start
from normlab.grading.verdict import diagnose

WALL = 3
"""How many times its processor time a run may wait; computing on a busy machine is not waiting."""
WHY = {
    "time-limit": "Each answer takes some milliseconds. Is there a loop that never ends?",
    "process-killed": "Each answer needs some megabytes.",
    "process-crashed": "",
    "process-ended": "An answer that cannot go on raises an error.",
    "disturbed-grading": "An answer returns its result, and writes nowhere else.",
}
TOO_SOON = "a process of {} ended too soon."


class NotStarted(RuntimeError):
    """A student's process ended before it came to the student's code; that is not the student's."""


@dataclass(frozen=True)
class Begun:
    """A run whose process has its task, and which ends with `stack`."""

    run: Run
    talk: Conversation
    limits: Limits
    stack: ExitStack


@dataclass(frozen=True)
class Outcome:
    """A run: a diagnosis for each target, or why it did not come to its end.

    Attributes:
        waited: whether it was ended for waiting, which may have been for the judge of another one.
        killed: whether it was ended from outside, as where the memory of all together runs out.
    """

    exercise: str
    talk: Conversation
    diagnoses: list[Diagnosis]
    fault: Fault | None
    waited: bool = False
    killed: bool = False

    def best(self, function: str) -> Diagnosis:
        """The best of the candidates; the last of equals."""
        found = [d for d in reversed(self.diagnoses) if d.function == function]
        return max(found, key=lambda d: (d.passed, d.points, d.attempted))


@dataclass(frozen=True)
class PaperRuns:
    """A paper's layout with all that its runs share.

    Args:
        beside: whether another paper is under way, whose process may have ended one of this one.
    """

    questions: Questions
    layout: Layout
    setting: Setting
    start: Start
    beside: bool = False

    def diagnoses(self, begun: Begun) -> tuple[Outcome, dict[str, Diagnosis]]:
        """The first run, which has begun, and the diagnosis of each answer.

        Where torch is there, one run calls the answers that may call ready-made norms, and another
        one those that may not; few exercises ask for both. After a run that died in a cell, each
        answer is run alone.
        """
        outcomes: list[Outcome] = []
        found: dict[str, Diagnosis] = {}
        for functions in self.by_permission():
            died = any(outcome.talk.cell is not None for outcome in outcomes if outcome.fault)
            if not outcomes:
                outcomes.append(self._first(begun, functions))
            elif not died:
                outcomes.append(self.run(functions))
            last = outcomes[-1]
            for function in functions:
                alone = last.fault is not None
                found[function] = (
                    self.alone(function, last.talk.cell) if alone else last.best(function)
                )
        return outcomes[0], found

    def _first(self, begun: Begun, functions: Collection[str]) -> Outcome:
        """The first run, which may have waited while another paper was judged."""
        outcome = self._finish(begun)
        again = self.beside and (outcome.waited or outcome.killed)
        return self.run(functions) if again else outcome

    def by_permission(self) -> list[list[str]]:
        """The functions that are asked for, in one group for each run."""
        groups: dict[bool, list[str]] = {}
        for question in self.questions.exercise.questions:
            kind = self.torch and self._may_call_norms(question)
            groups.setdefault(kind, []).append(question.function)
        return [*groups.values()]

    def _may_call_norms(self, question: Question) -> bool:
        return self.setting.library_norms or question.library_norms

    @property
    def torch(self) -> bool:
        """Whether it may be imported."""
        return self.setting.library_norms or imports_torch(self.questions.exercise.name)

    def run(self, functions: Collection[str], without: Collection[int] = ()) -> Outcome:
        """Run what concerns some functions, of one group."""
        outcome = self._finish(self.begin(functions, without))
        again = self.beside and outcome.killed
        return self._finish(self.begin(functions, without)) if again else outcome

    def begin(self, functions: Collection[str], without: Collection[int] = ()) -> Begun:
        """Start such a run, and hand over its task."""
        task = self._task(functions, without)
        setting = self.setting
        limits = Limits(setting.seconds, WALL * setting.seconds, setting.memory_mb * 2**20)
        load = to_load(task.layout.cells)
        order = Order(task.exercise, self.questions.message, limits, self.torch, load)
        with ExitStack() as stack:
            run = stack.enter_context(self.start(order))
            talk = Conversation(run.channel, task)
            try:
                talk.hand_over()
            except OSError:
                raise NotStarted(TOO_SOON.format(task.exercise)) from None
            return Begun(run, talk, limits, stack.pop_all())

    def _task(self, functions: Collection[str], without: Collection[int]) -> Task:
        exercise = self.questions.exercise
        layout = self.layout.only(functions, without)
        names = [question.function for question in exercise.questions]
        numbers = [names.index(target.function) for target in layout.targets]
        allowed = [self._may_call_norms(exercise.questions[number]) for number in numbers]
        known = [*map(self.questions.probes, numbers)]
        return Task(exercise.name, layout, numbers, known, support(exercise), allowed, self.torch)

    def _finish(self, begun: Begun) -> Outcome:
        """Listen to a run up to its end."""
        talk, exercise, malformed = begun.talk, begun.talk.task.exercise, ""
        with begun.stack:
            try:
                talk.run_cells()
                return Outcome(exercise, talk, diagnose(self.questions, talk), None)
            except Malformed as error:
                malformed = str(error)
            except (EOFError, OSError):
                if not talk.place:
                    raise NotStarted(TOO_SOON.format(exercise)) from None
            ending = begun.run.ending()
        name, title = cause(talk.place, malformed, ending, begun.limits)
        waited, killed = ending.by_us in ("idle", "wall"), name == "process-killed"
        return Outcome(exercise, talk, [], Fault(name, title, WHY[name]), waited, killed)

    def alone(self, function: str, fatal: int | None) -> Diagnosis:
        """The diagnosis of one answer, after a run of all has died: in cell `fatal`, or later.

        The cells of the others are left out, and the fatal one, unless it is this answer's own.
        An answer that then fails may need another one's cell, and is run once more with them.
        """
        own = self.layout.cells_of(function)
        fatal_one = {fatal} - own if fatal is not None else set()
        names = (question.function for question in self.questions.exercise.questions)
        others = {i for f in names if f != function for i in self.layout.cells_of(f)}
        result = self._diagnosis_of(function, (others - own) | fatal_one)
        if result.passed or set(result.mistakes) & WHY.keys():
            return result
        again = self._diagnosis_of(function, fatal_one)
        return max((result, again), key=lambda d: (d.passed, d.points))

    def _diagnosis_of(self, function: str, without: Collection[int]) -> Diagnosis:
        outcome = self.run([function], without)
        if outcome.fault is None:
            return outcome.best(function)
        exercise = self.questions.exercise
        return wrong_from_start(exercise, exercise.question(function), True, outcome.fault)


@cache
def support(exercise: Exercise) -> dict[str, str]:
    """The sources of what answers may call of normlab."""
    return {
        name: textwrap.dedent(inspect.getsource(function))
        for name, function in exercise.support.items()
    }


def to_load(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Modules that the cells will import, and that take long; the server loads them once."""
    sources = [cell.source for cell in cells]
    wanted = {
        "IPython.display": any("IPython" in source or "widgets" in source for source in sources),
        "matplotlib.pyplot": any("matplotlib" in source for source in sources),
        "triton.language": any("triton" in source for source in sources),
    }
    return tuple(module for module, needed in wanted.items() if needed)
