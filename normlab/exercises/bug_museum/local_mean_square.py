"""Exhibit 12: a norm whose features lie on several devices, each with a mean square of its own.

Source: with tensor parallelism each device holds a part of the features. Norms over all of them,
such as OLMo 2's norm of all heads together, were reported with local statistics in several
libraries, up to 2026. Our copy has the parts in one array.
"""

from typing import Any

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.exercise import ANY_INPUT, FORMULA, Mistake, Probe, Question
from normlab.exercises import common, inputs
from normlab.exercises.bug_museum import familiar
from normlab.exercises.bug_museum.exhibit import Exhibit, Reason, failing_input_question
from normlab.exercises.bug_museum.laws import CUT_FREE
from normlab.norms import FloatArray


def buggy_sharded_rms_norm(x: FloatArray, eps: float = 1e-6) -> FloatArray:
    mean_square = (x**2).mean(axis=-1, keepdims=True)  # (S, ..., D/S) -> (S, ..., 1)
    return x / np.sqrt(mean_square + eps)


def sharded_rms_norm(x: FloatArray, eps: float = 1e-6) -> FloatArray:
    local = (x**2).mean(axis=-1, keepdims=True)  # (S, ..., D/S) -> (S, ..., 1)
    mean_square = local.mean(axis=0)  # (S, ..., 1) -> (..., 1): the all-reduce
    return x / np.sqrt(mean_square + eps)


def _drawn(rng: np.random.Generator, *shape: int) -> dict[str, Any]:
    """Parts of different sizes, (S, ..., D/S)."""
    sizes = (1.0 + np.arange(shape[0])).reshape(-1, *[1] * (len(shape) - 1))  # (S,) -> (S, 1, ...)
    return {"x": rng.permutation(sizes) * inputs.rows(rng, *shape)}


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    plain, redrawn = inputs.plain, inputs.redrawn
    two = _drawn(rng, 2, 2, 3)["x"]
    empty = np.concatenate([np.zeros((1, 2, 3)), two[:1]])
    return (
        redrawn(
            plain("one token on two devices", {"x": np.array([[[3.0, 4.0]], [[0.0, 1.0]]])}),
            lambda rng: {"x": inputs.whole(rng, 2, 1, 2) * np.array([[[3.0]], [[1.0]]])},
        ),
        plain("two tokens on two devices", {"x": two}),
        redrawn(
            plain("three tokens on four devices", _drawn(rng, 4, 3, 2)),
            lambda rng: _drawn(rng, *inputs.sizes(rng, 2, 3, 5), 2),
        ),
        redrawn(
            plain("as many tokens as devices and features", _drawn(rng, 3, 3, 3)),
            lambda rng: _drawn(rng, *inputs.sizes(rng, 1, 3, 5) * 3),
        ),
        plain("one device", _drawn(rng, 1, 2, 4), corner=True),
        plain("squares of the size of ε", {"x": rng.uniform(3e-4, 6e-4) * two}),
        plain("a large ε", {"x": two, "eps": float(rng.uniform(0.3, 0.7))}),
        plain("an ε above the squares", {"x": two, "eps": float(rng.uniform(30, 40))}),
        redrawn(
            inputs.any_input("a batch of two examples", _drawn(rng, 2, 2, 3, 4)),
            lambda rng: _drawn(rng, 2, *inputs.sizes(rng, 2, 2, 4), 4),
        ),
        inputs.any_input("one token, without an axis for it", _drawn(rng, 2, 3), corner=True),
        inputs.any_input("a device whose part is 0", {"x": empty}, corner=True),
        inputs.any_input(
            "one feature far larger than all others", {"x": inputs.peak(rng, 1, 1, 40)}, corner=True
        ),
        familiar.all_digits(ANY_INPUT, x=1e6 * two),
    )


LOCAL, REDUCED = "(x**2).mean(axis=-1, keepdims=True)", "local.mean(axis=0)"
ROOT = "np.sqrt(mean_square + eps)"

MISTAKES = (
    Mistake(
        "local-mean-square",
        "the bug is still there: each device divides by the mean square of its own part",
        "RMSNorm has one mean square for all D features of a token. The parts of a token then no "
        "longer have the sizes that they have to each other.",
        {REDUCED: "local"},
    ),
    Mistake(
        "summed-over-devices",
        "the devices' mean squares are added up",
        "An all-reduce adds. The sum of S mean squares is S times the mean: divide by S, or let "
        "each device send its sum of squares and divide by D.",
        {REDUCED: "local.sum(axis=0)"},
        {LOCAL: "(x**2).sum(axis=-1, keepdims=True) / x.shape[-1]", REDUCED: "local.sum(axis=0)"},
    ),
    Mistake(
        "sums-averaged",
        "the devices' sums of squares are averaged, and not divided by the features",
        "The mean square is the sum over all devices divided by D, the features of all together.",
        {LOCAL: "(x**2).sum(axis=-1, keepdims=True)"},
        {LOCAL: "(x**2).sum(axis=-1, keepdims=True)", REDUCED: "local.sum(axis=0)"},
    ),
    Mistake(
        "roots-averaged",
        "the devices' root mean squares are averaged",
        "The mean of roots is not the root of the mean. Reduce the mean squares, then take the "
        "root.",
        {REDUCED: "np.sqrt(local).mean(axis=0) ** 2"},
        {ROOT: "np.sqrt(local + eps).mean(axis=0)"},
    ),
    Mistake(
        "one-device-for-all",
        "the mean square of one device serves all",
        "That is a broadcast. Each device has squares that count: reduce over all of them.",
        {REDUCED: "local[0]"},
        {REDUCED: "local[-1]"},
        {REDUCED: "local.max(axis=0)"},
    ),
    Mistake(
        "tokens-mixed",
        "one mean square for all tokens",
        "The all-reduce goes over the devices, token by token. One number for all lets the tokens "
        "change each other's results.",
        {REDUCED: "local.mean()"},
        {REDUCED: "local.mean(axis=tuple(range(x.ndim - 1)))"},
    ),
    Mistake(
        "reduced-over-tokens",
        "the mean squares are averaged over the tokens, not over the devices",
        "Axis 0 holds the devices here; the next one holds the tokens of each.",
        {REDUCED: "local.mean(axis=1, keepdims=True)"},
        {REDUCED: "local.mean(axis=-2, keepdims=True)"},
    ),
    Mistake(
        "eps-for-each-device",
        "ε is added on each device, and then added up",
        "S devices add S·ε. ε is added once, to the mean square that was reduced.",
        {ROOT: "np.sqrt(mean_square + len(x) * eps)"},
    ),
    *familiar.of_eps("mean_square", "1e-6", "1e-5", "1e-12"),
    familiar.root_missing({ROOT: "(mean_square + eps)"}),
    familiar.mean_subtracted(
        {"return x / ": "return (x - x.mean(axis=-1, keepdims=True)) / "},
        {LOCAL: "x.var(axis=-1, keepdims=True)"},
    ),
    familiar.axis_from_front({"mean(axis=-1": "mean(axis=2"}),
    Mistake(
        "parts-joined",
        "the parts come back as one array",
        "Each device keeps its part: the result has the shape of x, (S, ..., D/S).",
        {
            f"return x / {ROOT}": f"return np.concatenate([*(x / {ROOT})], axis=-1)",
        },
    ),
    common.input_mutated({"return x / ": "return np.multiply(x, 1 / len(x), out=x) * len(x) / "}),
    common.float64_narrowed({"return x / ": "return x.astype(np.float32) / "}),
)


def _one_device(x: FloatArray) -> str | None:
    if len(x) > 1:
        return None
    return f"x has the shape {x.shape}: one device holds all the features of a token."


def _alike(x: FloatArray) -> str | None:
    local = (x**2).mean(axis=-1)  # (S, ..., D/S) -> (S, ...)
    ratio = local.max(axis=0) / np.maximum(local.min(axis=0), 1e-12)  # (S, ...) -> (...)
    if ratio.max() > 1.1:
        return None
    return f"the mean squares of the parts differ by {100 * (ratio.max() - 1):.2g} % at most."


EXHIBIT = Exhibit(
    buggy=buggy_sharded_rms_norm,
    right=sharded_rms_norm,
    shapes="x (S, ..., D/S), with at least two axes",
    shapes_fit=lambda x: x.ndim > 1,
    reasons=(
        Reason("one-device", "there is one device", _one_device),
        Reason("parts-alike", "all parts of a token have one mean square", _alike),
    ),
)

FAILING_INPUT = failing_input_question(
    EXHIBIT,
    (
        "When is the mean of a part the mean of the whole?",
        "When all parts have the same mean square. Give one device larger numbers than the other.",
        'return {"x": np.array([[[3.0, 4.0]], [[0.0, 1.0]]])}',
    ),
)
REPAIR = Question(
    function="sharded_rms_norm",
    levels={FORMULA: 1, ANY_INPUT: 1},
    driver=call("y"),
    reference=sharded_rms_norm,
    probes=probes,
    mistakes=MISTAKES,
    laws=(CUT_FREE,),
    hints={
        FORMULA: (
            "A token has D features, D/S on each device. Over which of them is the mean square?",
            "Each device has a mean square of its part, all parts are of one length: the mean of "
            "these over the devices, axis 0, is the mean square of the token.",
            "local = (x**2).mean(axis=-1, keepdims=True); mean_square = local.mean(axis=0); return "
            "x / np.sqrt(mean_square + eps).",
        ),
        ANY_INPUT: (
            "Which axes hold tokens, if x is (S, B, T, D/S)? And if it is (S, D/S)?",
            "Axis 0 and axis −1 are reduced, whatever stands between them. The result keeps the "
            "shape of x, and x itself stays as it is.",
        ),
    },
)

QUESTIONS = (FAILING_INPUT, REPAIR)
