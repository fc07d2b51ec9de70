"""Grade one paper: run it, and if its process dies, run each of its answers by itself."""

import inspect
import textwrap
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from normlab.checks.cells import Cell, UnreadableFile, notebook_cells, python_cells
from normlab.checks.diagnosis import Diagnosis, Fault
from normlab.checks.examiner import not_defined, wrong_from_start
from normlab.checks.exercise import Exercise, Question
from normlab.checks.obstacles import in_the_way, is_unanswered, set_aside
from normlab.exercises import load_exercise
from normlab.grading.confined.limits import Limits
from normlab.grading.confined.messages import Malformed
from normlab.grading.conversation import Conversation, Task, cause
from normlab.grading.layout import Layout, fingerprint, imports_torch, lay_out, released
from normlab.grading.net import notes_of
from normlab.grading.paper import Graded, Paper, Setting
from normlab.grading.questions import Questions
from normlab.grading.runs import Order, Start
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


class NotStarted(RuntimeError):
    """A student's process ended before it came to the student's code; that is not the student's."""


def grade(paper: Paper, setting: Setting, start: Start) -> Graded:
    """What the checks say of each answer in a paper."""
    exercise = load_exercise(paper.exercise)
    try:
        cells = _cells(paper)
    except UnreadableFile as error:
        missing = (not_defined(exercise, question, "") for question in exercise.questions)
        return Graded(exercise.name, tuple(missing), problem=str(error))
    layout = lay_out(cells, exercise)
    grading = _Grading(questions_of(exercise, setting.seed), layout, setting, start)
    first, found = grading.diagnoses()
    diagnoses = tuple(found[question.function] for question in exercise.questions)
    return Graded(
        exercise.name,
        diagnoses,
        notes=(
            *(*notes_of(diagnoses), *layout.notes, *_notes(first, layout)),
            *_in_the_way(paper, cells, diagnoses),
        ),
        printed=first.talk.printed,
    )


def _cells(paper: Paper) -> list[Cell]:
    if paper.problem:
        raise UnreadableFile(paper.problem)
    name = f"{paper.exercise}{paper.suffix}"
    if paper.suffix == ".ipynb":
        return notebook_cells(name, paper.content)
    return python_cells(name, paper.content)


def _notes(first: "_Outcome", layout: Layout) -> Iterator[str]:
    """What went wrong in the first run, but for cells that are as they were handed out."""
    if first.fault is not None:
        yield f"All in one run, {first.fault.title}. Each answer was then run by itself."
    for i, error in first.talk.errors:
        if fingerprint(layout.cells[i]) not in released(first.exercise).cells:
            yield f"{layout.cells[i].name}: {error}"


def _in_the_way(paper: Paper, cells: list[Cell], diagnoses: Sequence[Diagnosis]) -> Iterator[str]:
    """Why what was not attempted may yet seem to be answered."""
    missing = [d.function for d in diagnoses if is_unanswered(d)]
    notebook = paper.suffix == ".ipynb" and missing
    aside = set_aside(paper.exercise, paper.content) if notebook else {}
    asked = {d.function for d in diagnoses}
    own = [cell for cell in cells if fingerprint(cell) not in released(paper.exercise).answers]
    yield from filter(None, (in_the_way(name, own, aside, asked) for name in missing))


@lru_cache(maxsize=16)
def questions_of(exercise: Exercise, seed: int) -> Questions:
    return Questions(exercise, seed)


@dataclass(frozen=True)
class _Outcome:
    """A run: a diagnosis for each target, or why it did not come to its end."""

    exercise: str
    talk: Conversation
    diagnoses: list[Diagnosis]
    fault: Fault | None

    def best(self, function: str) -> Diagnosis:
        """The best of the candidates; the last of equals."""
        found = [d for d in reversed(self.diagnoses) if d.function == function]
        return max(found, key=lambda d: (d.passed, d.points, d.attempted))


@dataclass(frozen=True)
class _Grading:
    """A paper's layout with all that its runs share."""

    questions: Questions
    layout: Layout
    setting: Setting
    start: Start

    def diagnoses(self) -> tuple[_Outcome, dict[str, Diagnosis]]:
        """The first run, and the diagnosis of each answer.

        Where torch is there, one run calls the answers that may call ready-made norms, and another
        one those that may not; few exercises ask for both. After a run that died in a cell, each
        answer is run alone.
        """
        outcomes: list[_Outcome] = []
        found: dict[str, Diagnosis] = {}
        for functions in self._by_permission():
            died = any(outcome.talk.cell is not None for outcome in outcomes if outcome.fault)
            if not died:
                outcomes.append(self.run(functions))
            last = outcomes[-1]
            for function in functions:
                alone = last.fault is not None
                found[function] = (
                    self.alone(function, last.talk.cell) if alone else last.best(function)
                )
        return outcomes[0], found

    def _by_permission(self) -> list[list[str]]:
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

    def run(self, functions: Collection[str], without: Collection[int] = ()) -> _Outcome:
        """Run what concerns some functions, of one group."""
        setting, exercise = self.setting, self.questions.exercise
        layout = self.layout.only(functions, without)
        names = [question.function for question in exercise.questions]
        numbers = [names.index(target.function) for target in layout.targets]
        allowed = [self._may_call_norms(exercise.questions[number]) for number in numbers]
        task = Task(exercise.name, layout, numbers, support(exercise), allowed, self.torch)
        limits = Limits(setting.seconds, WALL * setting.seconds, setting.memory_mb * 2**20)
        order = Order(
            exercise.name, self.questions.message, limits, self.torch, to_load(layout.cells)
        )
        malformed = ""
        with self.start(order) as run:
            talk = Conversation(run.channel, task)
            try:
                talk.run_cells()
                return _Outcome(exercise.name, talk, diagnose(self.questions, talk), None)
            except Malformed as error:
                malformed = str(error)
            except (EOFError, OSError):
                if not talk.place:
                    raise NotStarted(f"a process of {exercise.name} ended too soon.") from None
            name, title = cause(talk.place, malformed, run.ending(), limits)
        return _Outcome(exercise.name, talk, [], Fault(name, title, WHY[name]))

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
