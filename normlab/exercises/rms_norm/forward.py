"""Exercise 03, first question: the forward pass."""

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.examples import number
from normlab.checks.exercise import (
    ANY_INPUT,
    FORMULA,
    PRECISION,
    Arguments,
    Law,
    Outputs,
    Probe,
    Question,
)
from normlab.exercises import row_laws
from normlab.exercises.inputs import (
    any_input,
    digits,
    half,
    hardly_held,
    misfit,
    other_axes,
    overflowing,
    peak,
    plain,
    redrawn,
    remade,
    rows,
    sizes,
    squares_beside_eps,
    two_examples,
    whole,
)
from normlab.exercises.rms_norm.forward_mistakes import MISTAKES
from normlab.norms import FloatArray


def rms_norm(x: FloatArray, gamma: FloatArray, eps: float = 1e-6) -> FloatArray:
    if gamma.shape != x.shape[-1:]:
        raise ValueError(f"gamma {gamma.shape} does not fit x {x.shape}.")
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    mean_square = (wide**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    normalized = wide / np.sqrt(mean_square + eps)
    return (gamma * normalized).astype(x.dtype)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    return (
        *_formula(rng),
        *_any_input(rng),
        *_precision(rng),
        *squares_beside_eps(rng, _drawn(rng, 1, 4)),
    )


def _drawn(rng: np.random.Generator, *shape: int) -> dict[str, FloatArray]:
    """x of this shape, with a gain."""
    return {"x": rows(rng, *shape), "gamma": rng.uniform(0.5, 2.0, shape[-1])}


def _formula(rng: np.random.Generator) -> tuple[Probe, ...]:
    return (
        redrawn(
            plain("one token", {"x": np.array([[3.0, 4]]), "gamma": np.ones(2)}),
            lambda rng: {"x": whole(rng, 1, 2), "gamma": np.ones(2)},
        ),
        plain("two tokens and a gain", _drawn(rng, 2, 3)),
        two_examples(plain, rng, _drawn),
        redrawn(
            plain("a batch of one example", _drawn(rng, 1, 2, 8)),
            lambda rng: _drawn(rng, 1, *sizes(rng, 1, 2, 3), *sizes(rng, 1, 6, 9)),
        ),
    )


def _any_input(rng: np.random.Generator) -> tuple[Probe, ...]:
    tokens = _drawn(rng, 2, int(rng.integers(3, 6)))
    far_larger = _drawn(rng, 2, 64) | {"x": peak(rng, 2, 64)}
    return (
        *other_axes(rng, _drawn),
        any_input("one feature far larger than 63 others", far_larger),
        any_input("a single feature", _drawn(rng, 2, 1), corner=True),
        *remade(_misfits(tokens), lambda rng: _misfits(_drawn(rng, 2, int(rng.integers(6, 12))))),
    )


def _misfits(tokens: Arguments) -> tuple[Probe, ...]:
    features = tokens["x"].shape[-1]
    one, row, more = np.ones(1), np.ones((1, features)), np.ones(features + 1)
    return (
        misfit("a gain of one number", {**tokens, "gamma": one}, "(1,)", str(features)),
        misfit("a gain of two axes", {**tokens, "gamma": row}, f"(1, {features})"),
        misfit("a gain with a feature too many", {**tokens, "gamma": more}, f"({features + 1},)"),
    )


def _precision(rng: np.random.Generator) -> tuple[Probe, ...]:
    gain = float(rng.integers(80_000, 100_000))  # float16 does not hold it
    drawn = _drawn(rng, 1, 4)
    x, narrow = drawn["x"], {"gamma": drawn["gamma"].astype(np.float32)}
    peaks, ones = np.array([[300, -300, 0, 0]], np.float16), np.ones(4, np.float16)
    return (
        digits(drawn | {"x": 1e6 * x, "eps": 1e-12}),
        redrawn(
            half("float16 numbers whose squares overflow", {"x": peaks, "gamma": ones}),
            lambda rng: {"x": rng.permuted(peaks, axis=-1) / 300 * overflowing(rng), "gamma": ones},
        ),
        half("float16 numbers, float32 γ", {"x": x.astype(np.float16), **narrow}, 2e-3),
        Probe(
            *("a small float16 number, a large gain", hardly_held(rng, gain), 4e-3),
            level=PRECISION,
            shows="gain",
        ),
        Probe(
            # γ may be rounded to float32, the statistics may not
            *("a gain of another dtype", {"x": 1e30 * x, **narrow}, 1e-6),
            level=PRECISION,
            rounding=True,
        ),
    )


_ROWS = {"x": np.array([[1.0, 3, -2], [5, 5, 8]]), "gamma": np.ones(3)}


def _direction(out: Outputs) -> str | None:
    x, y = _ROWS["x"], out["y"]
    cosine = (x * y).sum(-1) / np.linalg.norm(x, axis=-1) / np.linalg.norm(y, axis=-1)
    if np.allclose(cosine, 1, atol=1e-6):
        return None
    return f"with γ = 1 the cosines between x and y are {number(cosine)}."


LAWS = (
    row_laws.rows_depend(_ROWS),
    Law("direction-changes", "the rows do not keep their direction", (_ROWS,), _direction),
    row_laws.size_not_one(_ROWS),
    row_laws.scale_changes(_ROWS),
)

HINTS = {
    FORMULA: (
        "No mean is subtracted. One number is computed for each token. Which one, and over which "
        "axis?",
        "It is the root of the mean of the token's squares, with ε added under the root: try "
        "ε = 0.5 and a row of zeros. With keepdims=True it has the shape (..., 1), and x can be "
        "divided by it.",
        "mean_square = (x**2).mean(axis=-1, keepdims=True); "
        "y = gamma * x / np.sqrt(mean_square + eps).",
    ),
    ANY_INPUT: (
        "axis=-1 is the last axis, however many there are. And which γ would NumPy stretch without "
        "a word?",
        "First of all compare gamma.shape with x.shape[-1:], and raise a ValueError whose message "
        "holds both shapes. No line may write into x.",
        'if gamma.shape != x.shape[-1:]: raise ValueError(f"gamma {gamma.shape}, x {x.shape}").',
    ),
    PRECISION: (
        "Try float16 numbers near 300. In which line does it go wrong, and which dtype has the "
        "result?",
        "float16 is converted to float32 before it is squared, float64 stays float64, and the "
        "result gets the dtype of x.",
        "x_wide = x.astype(np.promote_types(x.dtype, np.float32)) first; the formula with x_wide; "
        "y.astype(x.dtype) last.",
    ),
}

FORWARD = Question(
    function="rms_norm",
    levels={FORMULA: 1, ANY_INPUT: 1, PRECISION: 1},
    driver=call("y"),
    reference=rms_norm,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=HINTS,
)

QUESTIONS = (FORWARD,)
