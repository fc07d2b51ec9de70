"""Exercise 02, the steps on the way: ∂L/∂Var, ∂L/∂μ, and what both paths bring to x."""

import numpy as np

from normlab.checks.drivers import call
from normlab.checks.exercise import FORMULA, Law, Outputs, Probe, Question
from normlab.exercises.inputs import plain, redrawn, rows, sizes, whole
from normlab.exercises.layer_norm_backward.step_mistakes import OF_INPUT, OF_MEAN, OF_VARIANCE
from normlab.norms import FloatArray
from normlab.norms.differences import finite_difference_gradient, relative_error


def variance_gradient(dx_hat: FloatArray, x: FloatArray, eps: float = 1e-5) -> FloatArray:
    centered = x - x.mean(axis=-1, keepdims=True)  # (..., D) - (..., 1)
    sigma = np.sqrt((centered**2).mean(axis=-1, keepdims=True) + eps)  # (..., D) -> (..., 1)
    x_hat = centered / sigma
    return -(dx_hat * x_hat).sum(axis=-1, keepdims=True) / (2 * sigma**2)  # (..., D) -> (..., 1)


def mean_gradient(dx_hat: FloatArray, x: FloatArray, eps: float = 1e-5) -> FloatArray:
    centered = x - x.mean(axis=-1, keepdims=True)  # (..., D) - (..., 1)
    sigma = np.sqrt((centered**2).mean(axis=-1, keepdims=True) + eps)  # (..., D) -> (..., 1)
    return -dx_hat.sum(axis=-1, keepdims=True) / sigma  # (..., D) -> (..., 1)


def input_gradient(dx_hat: FloatArray, x: FloatArray, eps: float = 1e-5) -> FloatArray:
    centered = x - x.mean(axis=-1, keepdims=True)  # (..., D) - (..., 1)
    sigma = np.sqrt((centered**2).mean(axis=-1, keepdims=True) + eps)  # (..., D) -> (..., 1)
    along = (dx_hat * centered).sum(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    dvar = -along / (2 * sigma**3)
    dmean = -dx_hat.sum(axis=-1, keepdims=True) / sigma  # (..., D) -> (..., 1)
    size = x.shape[-1]
    return dx_hat / sigma + dvar * 2 * centered / size + dmean / size


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    token = {"dx_hat": np.array([[1.0, 0, 0]]), "x": np.array([[1.0, 2, 6]])}
    return (
        redrawn(
            plain("one token", token),
            lambda rng: {"dx_hat": whole(rng, 1, 3), "x": whole(rng, 1, 3)},
        ),
        plain("two tokens", _drawn(rng, 2, 3)),
        plain("five tokens of four features", _drawn(rng, 5, 4)),
        redrawn(
            plain("a batch of two examples", _drawn(rng, 2, 2, 3)),  # (B, T, D)
            lambda rng: _drawn(rng, 2, *sizes(rng, 2, 2, 5)),
        ),
        plain("a large ε", {**_drawn(rng, 2, 3), "eps": float(rng.uniform(0.3, 0.7))}),
        redrawn(
            plain(
                "a variance of the size of ε", {**_drawn(rng, 1, 4), "x": 0.003 * rows(rng, 1, 4)}
            ),
            lambda rng: {**_drawn(rng, 1, 4), "x": rng.uniform(0.001, 0.004) * rows(rng, 1, 4)},
        ),
    )


def _drawn(rng: np.random.Generator, *shape: int) -> dict[str, FloatArray]:
    return {"dx_hat": rng.standard_normal(shape), "x": rows(rng, *shape)}


_TOKEN = {"dx_hat": np.array([[0.9, 0.4, 1.0, -0.3]]), "x": np.array([[1.0, -0.5, 2.0, 0.0]])}


def _loss(x: FloatArray, mean: FloatArray, variance: FloatArray) -> float:
    return float((_TOKEN["dx_hat"] * (x - mean) / np.sqrt(variance + 1e-5)).sum())  # (1, D) -> ()


def _slopes() -> dict[str, FloatArray]:
    """By central differences: of the variance, of the mean, and of x."""
    x = _TOKEN["x"]
    mean = x.mean(axis=-1, keepdims=True)  # (1, D) -> (1, 1)

    def variance(x: FloatArray, mean: FloatArray) -> FloatArray:
        return ((x - mean) ** 2).mean(axis=-1, keepdims=True)  # (1, D) -> (1, 1)

    def of_mean(m: FloatArray) -> float:
        return _loss(x, m, variance(x, m))

    def of_input(moved: FloatArray) -> float:
        m = moved.mean(axis=-1, keepdims=True)  # (1, D) -> (1, 1)
        return _loss(moved, m, variance(moved, m))

    return {
        "dvar": finite_difference_gradient(lambda v: _loss(x, mean, v), variance(x, mean), 1e-4),
        "dmean": finite_difference_gradient(of_mean, mean, 1e-4),
        "dx": finite_difference_gradient(of_input, x, 1e-4),
    }


def _differs_from_differences(name: str) -> Law:
    """The law that an output is the slope of Σ ĝ ⊙ x̂."""

    def judge(out: Outputs) -> str | None:
        error = relative_error(out[name], _slopes()[name])
        return None if error < 1e-4 else f"on one token of four features by {100 * error:.3g} %."

    title = f"{name} differs from finite differences"
    return Law("differs-from-differences", title, (_TOKEN,), judge)


def _not_linear(name: str) -> Law:
    """The law that three times the ĝ gives three times the output."""

    def judge(once: Outputs, three: Outputs) -> str | None:
        if relative_error(three[name], 3 * once[name]) < 1e-5:
            return None
        return f"three times the dx_hat gives another {name} than three times the {name}."

    tripled = {**_TOKEN, "dx_hat": 3 * _TOKEN["dx_hat"]}
    return Law("not-linear", f"{name} does not go with dx_hat", (_TOKEN, tripled), judge)


HINTS_OF_VARIANCE = (
    "How many of the x̂ᵢ = (xᵢ − μ)·(Var + ε)^(−1/2) depend on Var? Their parts add up.",
    "The slope of (Var + ε)^(−1/2) is −½·(Var + ε)^(−3/2). So each feature brings "
    "ĝᵢ·(xᵢ − μ)·(−½)/σ³, and one of the three σ makes x̂ᵢ of xᵢ − μ.",
    "centered = x - x.mean(axis=-1, keepdims=True); "
    "sigma = np.sqrt((centered**2).mean(axis=-1, keepdims=True) + eps); x_hat = centered / sigma; "
    "dvar = -(dx_hat * x_hat).sum(axis=-1, keepdims=True) / (2 * sigma**2).",
)
HINTS_OF_MEAN = (
    "How does x̂ᵢ = (xᵢ − μ)/σ change if only μ grows? And how does Var change?",
    "Each x̂ᵢ has the slope −1/σ. Var has its least value where it is taken around the mean, and "
    "its slope there is 0: nothing comes through Var.",
    "dmean = -dx_hat.sum(axis=-1, keepdims=True) / sigma, with sigma as in the step before.",
)
HINTS_OF_INPUT = (
    "Three paths lead from x̂ to xᵢ. What arrives over each of them is what arrives at its middle, "
    "times the slope of the middle with respect to xᵢ.",
    "The slopes are 1/σ for x̂ᵢ itself, 2(xᵢ − μ)/D for Var, and 1/D for μ. What arrives at Var and "
    "at μ are your two functions.",
    "dvar, dmean = variance_gradient(dx_hat, x, eps), mean_gradient(dx_hat, x, eps); "
    "dx = dx_hat / sigma + dvar * 2 * (x - mean) / D + dmean / D, with D = x.shape[-1].",
)

QUESTIONS = tuple(
    Question(
        function=reference.__name__,
        levels={FORMULA: 0},
        driver=call(name),
        reference=reference,
        probes=probes,
        mistakes=mistakes,
        laws=(_differs_from_differences(name), _not_linear(name)),
        hints={FORMULA: hints},
    )
    for name, reference, mistakes, hints in (
        ("dvar", variance_gradient, OF_VARIANCE, HINTS_OF_VARIANCE),
        ("dmean", mean_gradient, OF_MEAN, HINTS_OF_MEAN),
        ("dx", input_gradient, OF_INPUT, HINTS_OF_INPUT),
    )
)
