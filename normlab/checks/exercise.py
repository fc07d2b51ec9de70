"""What an exercise is: questions, each with a reference, probes, mistakes, laws and hints."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

Value: TypeAlias = Any
"""A NumPy array, a number, a string, or None: what can be sent to another process as it is."""
Arguments: TypeAlias = Mapping[str, Value]
Outputs: TypeAlias = Mapping[str, Value]
Answer: TypeAlias = Callable[..., Any]
"""The function or class that a learner wrote."""
Driver: TypeAlias = Callable[..., Outputs]
"""driver(answer, **arguments) runs an answer and gives its outputs names."""


@dataclass(frozen=True, eq=False)
class Probe:
    """One input on which an answer must agree with the reference.

    Args:
        title: what is special about it, for the learner: "a constant row".
        arguments: of the question's driver; arrays are copied before every call.
        tolerance: greatest |got − expected| that passes, as a fraction of the greatest
            |expected| of the same output.
        special: asks for something beside the formula (a dtype, an error, numbers far from 0), so
            that an answer may fail here for a reason of its own.
        rounding: where a wrong answer's numbers are rounding errors, they identify no mistake;
            only whether an answer passes here does.
        error_names: where the reference raises, what the message of the error must hold
            (spaces aside).
    """

    title: str
    arguments: Arguments
    tolerance: float = 1e-9
    special: bool = False
    rounding: bool = False
    error_names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many numbers a reader has to look at."""
        return sum(np.size(value) for value in self.arguments.values())


@dataclass(frozen=True, eq=False, init=False)
class Mistake:
    """A known mistake: the reference with a few words exchanged.

    Args:
        name: short and stable, for programs: "eps-outside".
        title: for the learner: "ε stands outside the root".
        why: why it is wrong, in one to three sentences.
        forms: each one way to make the mistake, as {words of the reference: other words}.
            The words must occur once in the reference's source.
    """

    name: str
    title: str
    why: str
    forms: tuple[Mapping[str, str], ...]

    def __init__(self, name: str, title: str, why: str, *forms: Mapping[str, str]) -> None:
        for key, value in (("name", name), ("title", title), ("why", why), ("forms", forms)):
            object.__setattr__(self, key, value)


@dataclass(frozen=True, eq=False)
class Law:
    """What holds of every right answer, whatever it looks like.

    Args:
        name: short and stable: "mean-not-zero".
        title: what is wrong where it is broken: "the rows do not have mean 0".
        inputs: arguments of the calls whose outputs are judged.
        judge: takes the outputs of each call; returns what was found, with numbers, if the law
            is broken, else None.
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
        points: for a right answer.
        driver: runs an answer on the arguments of a probe; see `normlab.checks.drivers`.
        hints: three, each saying more than the one before.
        reference: a right answer, whose source `mistakes` refer to. None where many answers are
            right: then `laws` alone decide.
        probes: makes the probes from a generator of random numbers.
        mistakes: most likely first.
        laws: what an answer is told that matches no known mistake.
        library_norms: whether an answer may call a library's norm in any class, because the norm
            is a part and not the point.
    """

    function: str
    points: int
    driver: Driver
    hints: tuple[str, str, str]
    reference: Answer | None = None
    probes: Callable[[np.random.Generator], tuple[Probe, ...]] = lambda rng: ()
    mistakes: tuple[Mistake, ...] = ()
    laws: tuple[Law, ...] = ()
    library_norms: bool = False


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
