"""Exercise 04, third question: pre-norm blocks and their final norm."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor, nn

from normlab.checks.examples import number
from normlab.checks.exercise import Arguments, Law, Mistake, Outputs, Probe, Question
from normlab.exercises.drivers import residual_placement as drivers


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


def _arguments(
    x: np.ndarray, weights: np.ndarray, gain: np.ndarray, shift: np.ndarray
) -> Arguments:
    names = ("x", "weights", "gain", "shift")
    values = (x, weights, gain, shift)
    return {k: v.astype(np.float32) for k, v in zip(names, values, strict=True)}


TOLERANCE = 1e-4
"""A thousand float32 steps: the gradient passes three norms and sums 24 terms."""


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    token = np.array([[1.0, 2.0, 4.0]])  # with two features a norm leaves no gradient
    small = np.array([[[0.5, -1.0, 0.0], [0.25, 0.75, 1.0], [0.0, 0.5, 0.5]]])
    drawn = rng.standard_normal((2, 3, 4))  # (B, T, D)
    weights = rng.standard_normal((3, 4, 4))
    gain, shift = rng.uniform(0.5, 2.0, 4), rng.standard_normal(4)
    one, zero = np.ones(3), np.zeros(3)
    return (
        Probe(
            "one block, the final norm's gain 2 and shift 1",
            _arguments(token, small, 2 * one, one),
            TOLERANCE,
        ),
        Probe(
            "no blocks: the final norm alone",
            _arguments(token, small[:0], 2 * one, zero),
            TOLERANCE,
        ),
        Probe("three blocks, a batch of two", _arguments(drawn, weights, gain, shift), TOLERANCE),
    )


REGISTER = "self.blocks = nn.ModuleList(blocks)"
NORM = "self.final_norm = nn.LayerNorm(dim)"
START, LOOP, CALL = "stream = x", "in self.blocks:", "stream = block(stream)"
RETURN = "return self.final_norm(stream)"

MISTAKES = (
    Mistake(
        "final-norm-missing",
        "there is no final norm",
        "A pre-norm stream leaves the last block as large as it grew, about √L times what the head "
        "expects. The norm after the last block sets it back.",
        {NORM: "pass", START: START, RETURN: "return stream"},
        {RETURN: "return stream"},
    ),
    Mistake(
        "final-norm-first",
        "the final norm stands before the blocks",
        "There it norms the embedding, and the stream that the blocks make leaves the model "
        "unnormed. It comes after the last block.",
        {START: "stream = self.final_norm(x)", CALL: CALL, RETURN: "return stream"},
        {START: "stream = self.final_norm(x)", CALL: CALL},
    ),
    Mistake(
        "norm-after-every-block",
        "a norm stands after every block",
        "Then the stream passes through a norm at every block, as in post-norm. The blocks hold "
        "their own norms; the final norm comes once, after the last.",
        {CALL: "stream = self.final_norm(block(stream))", RETURN: "return stream"},
        {CALL: "stream = self.final_norm(block(stream))"},
        {
            NORM: "self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in blocks)",
            START: "stream, norms = x, iter(self.norms)",
            CALL: "stream = next(norms)(block(stream))",
            RETURN: "return stream",
        },
    ),
    Mistake(
        "norm-before-every-block",
        "one norm is shared by all blocks: it stands before each of them",
        "The blocks norm what they read by themselves. Here the norm stands on the stream itself, "
        "and nothing passes it by. The final norm comes once, after the last block.",
        {CALL: "stream = block(self.final_norm(stream))", RETURN: "return stream"},
        {CALL: "stream = block(self.final_norm(stream))"},
    ),
    Mistake(
        "blocks-wrapped",
        "the blocks get a shortcut once more",
        "A block is x + f(norm(x)) already: its result is the new stream. Adding the stream again "
        "doubles it at every block.",
        {CALL: "stream = stream + block(stream)"},
        {CALL: "stream = stream + block(self.final_norm(stream))"},
    ),
    Mistake(
        "blocks-not-registered",
        "the blocks are kept in a plain list, so the model does not know their parameters",
        "model.parameters() and state_dict() find what is an nn.Module or nn.Parameter attribute, "
        "and do not look into lists. An optimizer would train the final norm alone. Use "
        "nn.ModuleList.",
        {REGISTER: "self.blocks = list(blocks)"},
    ),
    Mistake(
        "norm-without-parameters",
        "the final norm's gain and shift are no parameters of the model",
        "Make nn.LayerNorm(dim) in __init__, as an attribute. If it is made anew in forward, kept "
        "in a list, or made without weight or bias, no optimizer trains it and no checkpoint "
        "holds it.",
        {NORM: "self.final_norm = nn.LayerNorm(dim, elementwise_affine=False)"},
        {NORM: "self.final_norm = nn.LayerNorm(dim, bias=False)"},
    ),
    Mistake(
        "other-norm",
        "the final norm is no layer norm",
        "An RMSNorm subtracts no mean and has no shift; a batch norm mixes the examples. Here it "
        "is nn.LayerNorm(dim).",
        {NORM: "self.final_norm = nn.RMSNorm(dim)"},
        {
            NORM: "self.final_norm = nn.BatchNorm1d(dim)",
            RETURN: "return self.final_norm(stream.flatten(0, -2)).view_as(stream)",
        },
    ),
    Mistake(
        "norm-added",
        "the final norm's output is added to the stream",
        "The final norm has no shortcut: its output is what the head reads.",
        {RETURN: "return stream + self.final_norm(stream)"},
    ),
    Mistake(
        "embedding-added",
        "the model's input is added at the end",
        "Each block carries x on by its own shortcut; another one around all blocks counts it "
        "twice.",
        {RETURN: "return self.final_norm(x + stream)"},
    ),
    Mistake(
        "order-reversed",
        "the blocks are called in reverse order",
        "The first block of the list is the first to see x.",
        {LOOP: "in reversed(self.blocks):", CALL: CALL},
    ),
    Mistake(
        "block-left-out",
        "not every block is called",
        "Each block is called once, in order. A return inside the loop ends it after the first.",
        {LOOP: "in self.blocks[:-1]:"},
        {LOOP: "in self.blocks[1:]:"},
        {CALL: "return self.final_norm(block(stream))"},
    ),
    Mistake(
        "stream-not-passed-on",
        "every block gets x instead of the output of the block before it",
        "Only the last block then has any effect. Pass on what the block before returned.",
        {CALL: "stream = block(x)"},
    ),
    Mistake(
        "one-block-repeated",
        "one block is called in place of all",
        "Each block has weights of its own.",
        {CALL: "stream = self.blocks[0](stream)"},
    ),
    Mistake(
        "blocks-copied",
        "the model holds copies of the blocks",
        "The caller's blocks would stay as they are while the copies are trained. Register the "
        "modules that are given.",
        {REGISTER: "self.blocks = nn.ModuleList(map(__import__('copy').deepcopy, blocks))"},
    ),
    Mistake(
        "init-not-called",
        "super().__init__() is missing",
        "nn.Module's own __init__ makes the tables in which modules and parameters are registered. "
        "Call it first.",
        {"super().__init__()": "pass"},
    ),
    Mistake(
        "gradient-cut",
        "no gradient flows through some of the blocks",
        "The values are right, but the blocks cannot learn: detach() and no_grad() take the tensor "
        "out of the graph.",
        {CALL: "stream = block(stream.detach())"},
        {RETURN: "return self.final_norm(stream.detach())"},
        {RETURN: "return self.final_norm(stream).detach()"},
    ),
)

_ROWS = np.array([[1.0, 3, -2], [5, 4, 8]])
_PLAIN = _arguments(_ROWS, np.ones((2, 3, 3)), np.ones(3), np.zeros(3))
_DOUBLED = _arguments(_ROWS, np.ones((2, 3, 3)), 2 * np.ones(3), np.zeros(3))


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
    Law("unregistered", "the model does not list the blocks' parameters", (_PLAIN,), _registered),
    Law("not-normed", "the output is not normed", (_PLAIN,), _normed),
    Law(
        "gain-not-last",
        "the output is not proportional to the final norm's gain",
        (_PLAIN, _DOUBLED),
        _proportional,
    ),
)

TRANSFORMER = Question(
    function="PreNormTransformer",
    points=3,
    library_norms=True,
    driver=drivers.transformer,
    reference=PreNormTransformer,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=(
        "__init__ keeps the blocks and makes one norm. forward sends x through the blocks, one "
        "after the other. What is left to do with what the last one returns?",
        "Call super().__init__() first. A plain list hides the blocks' parameters from "
        "model.parameters(); nn.ModuleList shows them. The norm is an nn.LayerNorm(dim), and "
        "forward applies it once, after the last block.",
        "In __init__: super().__init__(); self.blocks = nn.ModuleList(blocks); self.final_norm = "
        "nn.LayerNorm(dim). In forward: for block in self.blocks: x = block(x); then return "
        "self.final_norm(x).",
    ),
)

QUESTIONS = (TRANSFORMER,)
