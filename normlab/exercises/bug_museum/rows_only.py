"""Exhibit 10: a backward pass that takes every array for (rows, features).

Source: github.com/flagos-ai/FlagGems, issue 5392. Its layer_norm_backward took the first axis for
the rows and all the others for the features. Our copy has the gradient of the gain alone.
"""

from typing import Any

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.exercise import ANY_INPUT, FORMULA, Mistake, Probe, Question
from normlab.exercises import common, inputs
from normlab.exercises.bug_museum import familiar
from normlab.exercises.bug_museum.exhibit import Exhibit, Reason, failing_input_question
from normlab.exercises.bug_museum.laws import TOKENS_ADD
from normlab.norms import FloatArray


def buggy_layer_norm_dgamma(dy: FloatArray, x: FloatArray, eps: float = 1e-5) -> FloatArray:
    rows = len(x)
    tokens = x.reshape(rows, x.size // rows)  # (..., D) -> (N, D)
    centered = tokens - tokens.mean(axis=-1, keepdims=True)  # (N, D) - (N, 1)
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (N, D) -> (N, 1)
    normalized = centered / np.sqrt(variance + eps)
    return (dy.reshape(tokens.shape) * normalized).sum(axis=0)  # (N, D) -> (D,)


def layer_norm_dgamma(dy: FloatArray, x: FloatArray, eps: float = 1e-5) -> FloatArray:
    tokens = x.reshape(-1, x.shape[-1])  # (..., D) -> (N, D)
    centered = tokens - tokens.mean(axis=-1, keepdims=True)  # (N, D) - (N, 1)
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (N, D) -> (N, 1)
    normalized = centered / np.sqrt(variance + eps)
    return (dy.reshape(tokens.shape) * normalized).sum(axis=0)  # (N, D) -> (D,)


def _drawn(rng: np.random.Generator, *shape: int) -> dict[str, Any]:
    return {"dy": rng.standard_normal(shape), "x": inputs.rows(rng, *shape)}


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    plain, redrawn = inputs.plain, inputs.redrawn
    token = _drawn(rng, 2, 4)
    items = {
        "dy": np.array([[[0.0, 1.0], [1.0, 0.0]]]),
        "x": np.array([[[1.0, 3.0], [10.0, 20.0]]]),
    }
    peak = _drawn(rng, 2, 40) | {"x": inputs.peak(rng, 2, 40)}
    return (
        redrawn(
            plain("one example of two tokens", items),
            lambda rng: {"dy": inputs.whole(rng, 1, 2, 2), "x": inputs.whole(rng, 1, 2, 2)},
        ),
        plain("two tokens, no batch", token),
        inputs.two_examples(plain, rng, _drawn),
        redrawn(
            plain("a batch of two examples, three tokens", _drawn(rng, 2, 3, 4)),
            lambda rng: _drawn(rng, *inputs.sizes(rng, 2, 2, 4), 5),
        ),
        plain("a variance of the size of ε", token | {"x": 0.002 * token["x"]}),
        plain("a large ε", token | {"eps": float(rng.uniform(0.3, 0.7))}),
        redrawn(
            plain("constant tokens", token | {"x": np.full((2, 4), 3.0)}, corner=True),
            lambda rng: token | {"x": np.full((2, 4), float(rng.integers(4, 100)))},
        ),
        plain("one feature far larger than 39 others", peak),
        *inputs.other_axes(rng, _drawn)[:3],
        familiar.all_digits(ANY_INPUT, **token | {"x": 1e6 * token["x"]}),
    )


FEATURES, TOKENS = "x.shape[-1]", "x.reshape(-1, x.shape[-1])"
ROOT, VARIANCE = "np.sqrt(variance + eps)", "(centered**2).mean(axis=-1, keepdims=True)"
SUM = "(dy.reshape(tokens.shape) * normalized).sum(axis=0)"
IN_SHAPE = "(dy * normalized.reshape(x.shape))"

MISTAKES = (
    Mistake(
        "rows-only",
        "the bug is still there: all axes but the first are taken for the features",
        "In (B, T, D) the T tokens are then normalized together, and the gradient has T·D numbers, "
        "where the gain has D. The features are the last axis, all others are tokens.",
        {TOKENS: "x.reshape(len(x), x.size // len(x))"},
    ),
    Mistake(
        "examples-only",
        "the sum runs over the first axis alone",
        "The gain serves every token of every example: its gradient is the sum over all axes but "
        "the last, and has the shape (D,).",
        {SUM: f"{IN_SHAPE}.sum(axis=0)"},
    ),
    Mistake(
        "two-axes-only",
        "the sum runs over two axes, as if there were always a batch and tokens",
        "That is right for (B, T, D) alone. Make a list of tokens, (N, D), of any array: "
        "x.reshape(-1, x.shape[-1]).",
        {SUM: f"{IN_SHAPE}.sum(axis=(0, 1))"},
        {SUM: f"{IN_SHAPE}.sum(axis=tuple(range(min(2, x.ndim))))"},
    ),
    Mistake(
        "axis-from-front",
        "the features are looked for in axis 1",
        "x.shape[1] is the last axis of (N, D) alone; in (B, T, D) it holds the tokens. Count from "
        "the end: x.shape[-1].",
        {FEATURES: "x.shape[1]"},
        {FEATURES: "x.shape[min(1, x.ndim - 1)]"},
    ),
    Mistake(
        "averaged",
        "the tokens' gradients are averaged",
        "The loss depends on the gain through every token, and the contributions add up. A mean "
        "would make the gradient smaller the more tokens there are.",
        {SUM: SUM.replace("sum(axis=0)", "mean(axis=0)")},
    ),
    Mistake(
        "averaged-over-examples",
        "the sum over the tokens is divided by the number of examples",
        "The contributions of all tokens add up. If the loss is a mean, dy has that factor.",
        {SUM: f"{SUM} / len(x)"},
    ),
    Mistake(
        "summed-over-features",
        "the sum runs over the features",
        "Each feature has its own gain, and its own gradient: the sum runs over the tokens.",
        {SUM: SUM.replace("axis=0", "axis=-1")},
        {SUM: f"{IN_SHAPE}.sum(axis=-1)"},
        {SUM: SUM.replace("axis=0", "")},
    ),
    Mistake(
        "gradient-of-shift",
        "this is the gradient of the shift: dy alone is summed",
        "The gain multiplies x̂, so its gradient is the sum of dy ⊙ x̂.",
        {" * normalized).sum": ").sum"},
    ),
    Mistake(
        "input-not-normalized",
        "dy is multiplied by x, not by x̂",
        "The gain multiplies the normalized row: its gradient is the sum of dy ⊙ x̂.",
        {"* normalized)": "* tokens)"},
        {"* normalized)": "* centered)"},
    ),
    Mistake(
        "mean-not-subtracted",
        "the mean is not subtracted",
        "A repair changes nothing but the bug: x̂ is (x − mean)/√(variance + ε).",
        {"centered / ": "tokens / "},
        {"tokens - tokens.mean(axis=-1, keepdims=True)": "tokens"},
    ),
    familiar.unbiased_variance({VARIANCE: "tokens.var(axis=-1, ddof=1, keepdims=True)"}),
    *familiar.of_eps("variance", "1e-5", "1e-6", "1e-12"),
    Mistake(
        "variance-for-deviation",
        "a token is divided by its variance instead of its standard deviation",
        "The variance is a square: dividing by it makes x̂ shrink when the input grows. Take the "
        "root.",
        {ROOT: "(variance + eps)"},
    ),
    familiar.axis_all(
        {
            "tokens.mean(axis=-1": "tokens.mean(axis=None",
            "(centered**2).mean(axis=-1": "(centered**2).mean(axis=None",
        }
    ),
    Mistake(
        "dimension-kept",
        "the axis of the tokens is kept, with one entry",
        "The gradient has the shape of the gain, (D,): no keepdims in the sum.",
        {SUM: SUM.replace("axis=0", "axis=0, keepdims=True")},
    ),
    common.input_mutated(
        {"* normalized)": "* np.add(normalized, np.multiply(x, 0, out=x).sum()))"}
    ),
    common.float64_narrowed({SUM: f"{SUM}.astype(np.float32).astype(x.dtype)"}),
)


def _two_axes(dy: FloatArray, x: FloatArray) -> str | None:
    if x.ndim != 2:
        return None
    return f"x has the shape {x.shape}: the first axis holds the rows, and the last the features."


def _one_token(dy: FloatArray, x: FloatArray) -> str | None:
    if x.ndim < 3 or np.prod(x.shape[1:-1]) > 1:
        return None
    return f"x has the shape {x.shape}: every example is one token, so there is nothing to mix."


EXHIBIT = Exhibit(
    buggy=buggy_layer_norm_dgamma,
    right=layer_norm_dgamma,
    shapes="dy and x both (..., D)",
    shapes_fit=lambda dy, x: x.ndim > 0 and dy.shape == x.shape,
    reasons=(
        Reason("two-axes", "x has two axes", _two_axes),
        Reason("one-token", "every example has one token", _one_token),
    ),
)

FAILING_INPUT = failing_input_question(
    EXHIBIT,
    (
        "For which number of axes is x.size // len(x) the number of features?",
        "Take three axes, (B, T, D), and more than one token. What shape has the gradient?",
        'return {"dy": np.ones((1, 2, 2)), "x": np.array([[[1.0, 3.0], [10.0, 20.0]]])}',
    ),
)
REPAIR = Question(
    function="layer_norm_dgamma",
    levels={FORMULA: 1, ANY_INPUT: 1},
    driver=call("dgamma"),
    reference=layer_norm_dgamma,
    probes=probes,
    mistakes=MISTAKES,
    laws=(TOKENS_ADD,),
    hints={
        FORMULA: (
            "How many numbers has the gradient of a gain (D,)? And how many does the buggy "
            "function give for x (2, 3, 4)?",
            "Make one list of tokens first: D is the last axis, and all others together are the "
            "rows.",
            "tokens = x.reshape(-1, x.shape[-1]); the formula with tokens; the last line stays.",
        ),
        ANY_INPUT: (
            "What does your function give for one token alone, x (D,)? And for four axes?",
            "reshape(-1, x.shape[-1]) makes (N, D) of every array, with N = 1 for a single token. "
            "A sum over axis=(0, 1) is right for three axes only.",
        ),
    },
)

QUESTIONS = (FAILING_INPUT, REPAIR)
