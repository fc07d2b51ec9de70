"""What an exercise is: questions, each with a reference, probes, mistakes, laws and hints."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from normlab.checks.examination import Examination

Value: TypeAlias = Any
"""A NumPy array, a number, a string, or None: what can be sent to another process as it is."""
Arguments: TypeAlias = Mapping[str, Value]
Outputs: TypeAlias = Mapping[str, Value]
Answer: TypeAlias = Callable[..., Any]
"""The function or class that a learner wrote."""
Driver: TypeAlias = Callable[..., Outputs]
"""driver(answer, **arguments) runs an answer and gives its outputs names."""

FORMULA = "the formula"
ANY_INPUT = "any input"
PRECISION = "precision"
STATE = "gradients and state"
LEVELS = (FORMULA, ANY_INPUT, PRECISION, STATE)
"""What an answer is asked for, one after the other. The formula: plain float64 inputs, with ε small
and large beside them. Any input: shapes, leading axes, the errors that are asked for. Precision:
dtypes, numbers far from 0. Gradients and state: what flows back, what is kept, and what is left as
it was."""


@dataclass(frozen=True, eq=False)
class Probe:
    """One input on which an answer must agree with the reference.

    Args:
        title: what is special about it, for the learner: "a constant row".
        arguments: of the question's driver; arrays are copied before every call.
        tolerance: greatest |got − expected| that passes, as a fraction of the greatest
            |expected| of the same output.
        level: one of `LEVELS`; what an answer must master to pass here.
        corner: a case such as one feature or a row of zeros, in which two ways to make one
            mistake may differ; it vetoes no mistake that explains all other probes.
        rounding: where a wrong answer's numbers are rounding errors, they identify no mistake;
            only whether an answer passes here does.
        shows: what a failure here is a sign of, for `Mistake.seen`: "half", "far".
        error_names: where the reference raises, what the message of the error must hold
            (spaces aside).
        anew: draws the probe that stands here among hidden inputs, where that of the learner's
            own check is chosen, and not drawn, so that it is easy to read.
    """

    title: str
    arguments: Arguments
    tolerance: float = 1e-9
    level: str = FORMULA
    corner: bool = False
    rounding: bool = False
    shows: str = ""
    error_names: tuple[str, ...] = ()
    anew: "Callable[[np.random.Generator], Probe] | None" = None

    @property
    def size(self) -> int:
        """How many numbers a reader has to look at."""
        return sum(np.size(value) for value in self.arguments.values())


Seen: TypeAlias = "Callable[[Examination], list[int]]"
"""The probes on which an answer showed a behaviour; see `normlab.checks.signs`."""


@dataclass(frozen=True, eq=False, init=False)
class Mistake:
    """A known mistake: the reference with a few words exchanged, or a behaviour that was seen.

    Args:
        name: short and stable, for programs: "eps-outside".
        title: for the learner: "ε stands outside the root".
        why: why it is wrong, in one to three sentences.
        forms: each one way to make the mistake, as {words of the reference: other words}.
            The words must occur once in the reference's source.
        seen: for a mistake that is a behaviour: the probes on which it was observed. Values
            that agree with a form do not replace that, and it needs no form to be named.
    """

    name: str
    title: str
    why: str
    forms: tuple[Mapping[str, str], ...]
    seen: "Seen | None"

    def __init__(
        self, name: str, title: str, why: str, *forms: Mapping[str, str], seen: "Seen | None" = None
    ) -> None:
        values = {"name": name, "title": title, "why": why, "forms": forms, "seen": seen}
        for key, value in values.items():
            object.__setattr__(self, key, value)


@dataclass(frozen=True, eq=False)
class Law:
    """What holds of every right answer, whatever it looks like.

    Args:
        name: short and stable: "mean-not-zero".
        title: what is wrong where it is broken: "the rows do not have mean 0".
        inputs: arguments of the calls whose outputs are judged.
        judge: takes the outputs of each call; returns what was found, with numbers, if the law
            is broken, else None. It sees only outputs of the reference's kinds and shapes.
    """

    name: str
    title: str
    inputs: tuple[Arguments, ...]
    judge: Callable[..., str | None]


@dataclass(frozen=True, eq=False)
class Question:
    """One function or class that the learner writes.

    Args:
        function: its name.
        levels: level -> the points that it has, in the order of `LEVELS`.
        driver: runs an answer on the arguments of a probe; see `normlab.checks.drivers`.
        hints: level -> what helps there, each hint saying more than the one before.
        reference: a right answer, whose source `mistakes` refer to. None where many answers are
            right: then `laws` alone decide.
        probes: makes the probes from a generator of random numbers; see `Probe.anew`.
        later: output -> the level that judges it, where it is a later one than the probe's.
        mistakes: most likely first; what is wrong in the formula before shapes and dtypes.
        laws: what an answer is told that matches no known mistake.
        library_norms: whether an answer may call a library's norm in any class, because the norm
            is a part, which the driver may hand to it, and not the point.
    """

    function: str
    levels: Mapping[str, int]
    driver: Driver
    hints: Mapping[str, tuple[str, ...]]
    reference: Answer | None = None
    probes: Callable[[np.random.Generator], tuple[Probe, ...]] = lambda rng: ()
    later: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    mistakes: tuple[Mistake, ...] = ()
    laws: tuple[Law, ...] = ()
    library_norms: bool = False

    @property
    def points(self) -> int:
        """For a right answer."""
        return sum(self.levels.values())

    def level_for(self, *wanted: str) -> str:
        """The first of the levels that this question has; else its last one."""
        return next((level for level in wanted if level in self.levels), [*self.levels][-1])


@dataclass(frozen=True, eq=False)
class Exercise:
    """Several questions under one name, which is also the name of the notebook.

    Args:
        name: such as "01_layer_norm".
        by_function: its questions by the function that each asks for, in the order of the
            notebook. A mapping may load a question when it is looked up.
        support: "module.function" of normlab that answers may call -> a function that stands
            for it where an answer is graded and normlab is out of reach. It imports what it
            needs itself, since its source is all that gets there.
    """

    name: str
    by_function: Mapping[str, Question]
    support: Mapping[str, Answer] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def functions(self) -> tuple[str, ...]:
        """What the learner writes."""
        return tuple(self.by_function)

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions; asking for them loads them all."""
        return tuple(self.by_function.values())

    @property
    def points(self) -> int:
        return sum(question.points for question in self.questions)

    def question(self, function: str) -> Question:
        """The question that asks for `function`."""
        return self.by_function[function]
