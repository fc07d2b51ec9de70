"""Exercise 04, third question: pre-norm blocks and their final norm."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from normlab.checks.examples import number
from normlab.checks.exercise import (
    ANY_INPUT,
    FORMULA,
    STATE,
    Arguments,
    Law,
    Outputs,
    Probe,
    Question,
)
from normlab.exercises.drivers import residual_placement as drivers
from normlab.exercises.inputs import any_input, plain, redrawn, rows, sizes
from normlab.exercises.residual_placement.transformer_mistakes import MISTAKES


class PreNormTransformer(nn.Module):
    def __init__(self, blocks: Sequence[nn.Module], dim: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.final_norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        stream = x
        for block in self.blocks:
            stream = block(stream)
        return self.final_norm(stream)


def _arguments(**arrays: np.ndarray) -> dict[str, Any]:
    return {name: array.astype(np.float32) for name, array in arrays.items()}


TOLERANCE = 1e-4
"""A thousand float32 steps: the gradient passes three norms and sums 24 terms."""


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    token = np.array([[[4.0, 8.0, 16.0]]])  # with two features a norm leaves no gradient
    small = np.array([[[0.5, -1.0, 0.0], [0.25, 0.75, 1.0], [0.0, 0.5, 0.5]]])
    weights, many = rng.standard_normal((3, 4, 4)), rng.standard_normal((5, 4, 4))
    gain, shift = rng.uniform(0.5, 2.0, 4), rng.standard_normal(4)
    two, one = np.full(3, 2.0), np.ones(3)
    tiny = rng.uniform(0.001, 0.003) * np.array([[1.0], [0.005]]) * rows(rng, 1, 2, 4)

    def drawn(*shape: int) -> dict[str, Any]:
        return _arguments(x=4 * rows(rng, *shape), weights=weights)

    def another(rng: np.random.Generator) -> dict[str, Any]:
        return _arguments(x=4 * rows(rng, 1, 1, 3), weights=rng.standard_normal((1, 3, 3)))

    def with_axes(rng: np.random.Generator, *fixed: int) -> dict[str, Any]:
        return _arguments(x=4 * rows(rng, *fixed, *sizes(rng, 2, 1, 3), 4), weights=weights)

    def with_gain(rng: np.random.Generator) -> dict[str, Any]:
        parameters = {"gain": rng.uniform(1.5, 2.5, 3), "shift": rng.uniform(0.5, 1.5, 3)}
        return {**another(rng), **_arguments(**parameters), "upstream": 1.0}

    batch = drawn(2, 3, 4)
    simple = _arguments(x=token, weights=small)
    return (
        redrawn(plain("one token, one block", simple), another),
        plain("three blocks, a batch of two", batch),
        redrawn(
            any_input("no blocks: the final norm alone", simple | _arguments(weights=small[:0])),
            lambda rng: another(rng) | _arguments(weights=small[:0]),
        ),
        any_input(
            "no blocks, a variance of the size of ε, and one far below",
            _arguments(x=tiny, weights=weights[:0]),
        ),
        any_input("a token without any other axis", drawn(4)),
        any_input("tokens without a batch", drawn(3, 4)),
        redrawn(any_input("x with 4 axes", drawn(2, 1, 2, 4)), lambda rng: with_axes(rng, 2)),
        redrawn(any_input("x with 5 axes", drawn(1, 2, 1, 2, 4)), lambda rng: with_axes(rng, 1, 2)),
        any_input("five blocks", drawn(1, 2, 4) | _arguments(weights=many)),
        any_input("no tokens at all", drawn(2, 0, 4), corner=True),
        redrawn(
            _with_gradients(
                "one block, the final norm's gain 2 and shift 1",
                simple | _arguments(gain=two, shift=one),
            ),
            with_gain,
        ),
        _with_gradients(
            "three blocks, the final norm's gain and shift random",
            batch | _arguments(gain=gain, shift=shift),
        ),
    )


def _with_gradients(title: str, arguments: Arguments) -> Probe:
    return Probe(title, {**arguments, "upstream": 1.0}, TOLERANCE, level=STATE)


_ROWS = np.array([[1.0, 3, -2], [5, 4, 8]])
_PLAIN = _arguments(x=_ROWS, weights=np.ones((2, 3, 3)))
_DOUBLED = _PLAIN | _arguments(gain=np.full(3, 2.0), shift=np.zeros(3))


def _normed(out: Outputs) -> str | None:
    mean, variance = out["y"].mean(-1), out["y"].var(-1)  # (N, D) -> (N,)
    if np.allclose(mean, 0, atol=1e-4) and np.allclose(variance, 1, atol=1e-2):
        return None
    return f"the rows have the means {number(mean)} and variances {number(variance)}."


def _registered(out: Outputs) -> str | None:
    text = str(out["registered"])
    return None if text == "6 of the blocks' 6 parameters" else f"model.parameters() lists {text}."


def _proportional(one: Outputs, two: Outputs) -> str | None:
    change = np.abs(two["y"] - 2 * one["y"]).max()
    if change < 1e-3:
        return None
    return f"twice the gain gives something else than twice the output, by {change:.3g}."


LAWS = (
    Law("not-normed", "the output is not normed", (_PLAIN,), _normed),
    Law(
        "gain-not-last",
        "the output is not proportional to the final norm's gain",
        (_PLAIN, _DOUBLED),
        _proportional,
    ),
    Law(
        "unregistered",
        "the model does not list all of the blocks' parameters",
        (_PLAIN,),
        _registered,
    ),
)

HINTS = {
    FORMULA: (
        "__init__ keeps the blocks and makes one norm. forward sends x through the blocks, one "
        "after the other. What is left to do with what the last one returns?",
        "super().__init__() comes first. forward gives each block the output of the one before, "
        "and applies the norm once, after the last block.",
        "In __init__: super().__init__(); self.blocks = nn.ModuleList(blocks); self.final_norm = "
        "nn.LayerNorm(dim). In forward: for block in self.blocks: x = block(x); then return "
        "self.final_norm(x).",
    ),
    ANY_INPUT: (
        "What does forward do with an empty list, with x of shape (D,), and with a row whose "
        "variance is 1e-5?",
        "Nothing in forward may ask how many axes x has. The norm is nn.LayerNorm(dim) with its "
        "default ε.",
        "for block in self.blocks: x = block(x), then return self.final_norm(x); the return "
        "stands behind the loop, and self.final_norm = nn.LayerNorm(dim).",
    ),
    STATE: (
        "What does list(model.parameters()) show? The blocks' parameters have to be there, and the "
        "final norm's weight and bias, and nothing else.",
        "A plain list hides the blocks' parameters; nn.ModuleList shows them. The norm is made in "
        "__init__, with weight and bias. No detach(), no copies, and the blocks stay as they are.",
        "self.blocks = nn.ModuleList(blocks); self.final_norm = nn.LayerNorm(dim).",
    ),
}

TRANSFORMER = Question(
    function="PreNormTransformer",
    levels={FORMULA: 1, ANY_INPUT: 1, STATE: 1},
    library_norms=True,
    driver=drivers.transformer,
    reference=PreNormTransformer,
    probes=probes,
    later={"registered": STATE, "its own parameters": STATE, "blocks": STATE},
    mistakes=MISTAKES,
    laws=LAWS,
    hints=HINTS,
)

QUESTIONS = (TRANSFORMER,)
