"""Whatever an answer does, a check says that it is wrong, and does not fail itself."""

import asyncio
import os
import signal
import time

import numpy as np
import pytest
import torch
from installed import exercises_here
from torch import nn

from normlab.checks import examine

QUESTIONS = [(e, q) for e in exercises_here() for q in e.questions]


def returning(make):
    def answer(*args, **kwargs):
        return make()

    return answer


def raising(error):
    def answer(*args, **kwargs):
        raise error

    return answer


def generator(*args):
    yield 1.0


def recursive(*args, **kwargs):
    return recursive(*args, **kwargs)


def emptied(*args, **kwargs):
    for value in (*args, *kwargs.values()):
        if isinstance(value, np.ndarray):
            value.resize((0,), refcheck=False)
        if isinstance(value, torch.Tensor):
            value.resize_(0)
    return args[0] if args else None


class Evasive(np.ndarray):
    """An array that claims to equal everything."""

    def __eq__(self, other):
        return np.ones(np.shape(other), bool)

    __hash__ = None


class Lazy(nn.Module):
    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, *args):
        return args[0]


class NoForward(nn.Module):
    def __init__(self, *args, **kwargs):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))


class Broken:
    def __init__(self, *args, **kwargs):
        raise ValueError("broken")


VALUES = {
    "text": lambda: "y",
    "bytes": lambda: b"y",
    "true": lambda: True,
    "ellipsis": lambda: ...,
    "empty tuple": tuple,
    "empty dict": dict,
    "dict of lists": lambda: {"x": [1, [2]], "encoder": [1], "decoder": "no"},
    "dict of numbers": lambda: {1: 2},
    "three nothings": lambda: (None, None, None),
    "nested": lambda: ((1, 2), (3,)),
    "set": lambda: {1.0},
    "nan": lambda: float("nan"),
    "infinity": lambda: np.inf,
    "huge integer": lambda: 10**400,
    "complex": lambda: np.ones(3) + 1j,
    "objects": lambda: np.array([None, "a"], object),
    "texts": lambda: np.array(["a", "b"]),
    "dates": lambda: np.array(["2026-01-01"], "datetime64[D]"),
    "records": lambda: np.zeros(2, [("a", float)]),
    "empty array": lambda: np.zeros((0, 3)),
    "many axes": lambda: np.zeros((1,) * 30),
    "masked": lambda: np.ma.masked_all(3),
    "evasive": lambda: np.ones(3).view(Evasive),
    "tensor": lambda: torch.ones(3),
    "tensor in a graph": lambda: torch.ones(3, requires_grad=True) * 2,
    "sparse tensor": lambda: torch.eye(2).to_sparse(),
    "meta tensor": lambda: torch.ones(2, device="meta"),
    "complex tensor": lambda: torch.ones(2) * 1j,
    "integer tensor": lambda: torch.ones(2, dtype=torch.int8),
    "function": lambda: print,
    "module": nn.Identity,
    "class": lambda: int,
}
ANSWERS = {
    **{f"returns {name}": returning(make) for name, make in VALUES.items()},
    "raises": raising(KeyError()),
    "raises with a line break": raising(ValueError("\nfirst\nsecond")),
    "raises a group": raising(ExceptionGroup("many", [ValueError("one")])),
    "exits": raising(SystemExit(0)),
    "stops": raising(StopIteration()),
    "recursion": recursive,
    "generator": generator,
    "empties its arguments": emptied,
    "takes no arguments": lambda: np.ones(3),
    "a built-in": len,
    "a type": float,
    "a lazy module": Lazy,
    "a module without forward": NoForward,
    "a class that cannot be made": Broken,
}


@pytest.mark.parametrize(
    ("exercise", "question"), QUESTIONS, ids=[q.function for _, q in QUESTIONS]
)
def test_a_strange_answer_is_wrong_and_its_diagnosis_can_be_shown(exercise, question):
    for name, answer in ANSWERS.items():
        diagnosis = examine(exercise, question, answer)
        assert not diagnosis.passed, name
        assert diagnosis.attempted, name
        assert diagnosis.mistakes, name
        assert str(diagnosis), name
        assert diagnosis._repr_html_(), name


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit, asyncio.CancelledError])
def test_an_interrupt_that_an_answer_raises_is_its_own(error):
    exercise, question = QUESTIONS[0]
    assert examine(exercise, question, raising(error())).mistakes == ["raises"]


def test_an_interrupt_from_the_keyboard_stops_the_check():
    def layer_norm(x, gamma, beta, eps=1e-5):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    exercise, question = QUESTIONS[0]
    with pytest.raises(KeyboardInterrupt):
        examine(exercise, question, layer_norm)
