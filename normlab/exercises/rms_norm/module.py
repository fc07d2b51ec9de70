"""Exercise 03, third question: the module of torch."""

import numpy as np
import torch
from torch import Tensor, nn

from normlab.checks.examples import number
from normlab.checks.exercise import Law, Outputs, Probe, Question
from normlab.exercises import common, row_laws
from normlab.exercises.drivers import rms_norm as drivers
from normlab.exercises.rms_norm.module_mistakes import MISTAKES


class RMSNorm(nn.Module):
    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        mean_square = wide.square().mean(dim=-1, keepdim=True)  # (..., D) -> (..., 1)
        normalized = wide / torch.sqrt(mean_square + self.eps)
        return (self.weight * normalized).to(x.dtype)


LESS_THAN_A_STEP = 1e-4
"""Half numbers are equal or at least a step apart: 5e-4 of the greatest in float16."""


def _half(
    title: str, x: list[float], weight: list[float], dtype: str, weight_dtype: str = "float32"
) -> Probe:
    """One token whose outputs are 0.08 steps or more from where rounding turns, in float32.

    So every right way to compute them gives the same half numbers; rounding twice, or
    statistics in half precision, gives others.
    """
    arguments = {"x": np.array([x], float), "weight": np.array(weight, float)}
    dtypes = {"dtype": dtype, "weight_dtype": weight_dtype}
    return Probe(title, arguments | dtypes, tolerance=LESS_THAN_A_STEP, special=True)


def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
    one, gain = np.ones(2), np.array([2.0, 0.5])
    many = rng.standard_normal((2, 3, 3))  # (B, T, D) with T = D
    drawn = {"x": many, "weight": rng.uniform(0.5, 2.0, 3)}
    return (
        common.plain("one token", {"x": np.array([3.0, 4]), "weight": one}),
        common.plain("one token and a gain", {"x": np.array([3.0, 4]), "weight": gain}),
        common.plain("two tokens and a gain", {"x": np.array([[3.0, 4], [1, -7]]), "weight": gain}),
        common.plain("a batch of two examples", drawn),
        common.plain("a large ε", drawn | {"eps": 0.5}),
        common.plain("squares of the size of ε", {"x": np.array([0.001, 0]), "weight": one}),
        common.plain("a row of zeros", {"x": np.zeros(2), "weight": one}),
        common.plain("a constant row", drawn | {"x": np.full((2, 3), 3.0)}),
        Probe(
            "float64 numbers whose squares overflow float32",
            {"x": 1e30 * many[0], "weight": drawn["weight"]},
            special=True,
        ),
        _half(
            "float16 numbers whose squares overflow, float32 weight",
            [300, -300, 0, 0],
            [1, 1, 1, 1],
            "float16",
        ),
        _half(
            "bfloat16 numbers, float32 weight",
            [1.25, -0.25, -0.75, 2.25],
            [2.9, 0.6, 2.6, 2.4],
            "bfloat16",
        ),
        _half(
            "float16 numbers, float32 weight",
            [-0.75, 4, 1.5, 2.5],
            [0.4, 3.6, 2.7, 1.4],
            "float16",
        ),
        _half(
            "bfloat16 numbers, bfloat16 weight",
            [4.25, 1, -2, -3.25],
            [1.3, 0.2, 2.6, 0.8],
            "bfloat16",
            "bfloat16",
        ),
        _half(
            "float16 numbers, float16 weight",
            [-3.25, 4.5, -1.75, -1.5],
            [2.8, 1.4, 1, 3.7],
            "float16",
            "float16",
        ),
    )


_ROWS = {"x": np.array([[1.0, 3, -2], [5, 5, 8]]), "weight": np.ones(3)}


def _orthogonal(out: Outputs) -> str | None:
    slope = (out["gradient of x"] * _ROWS["x"]).sum(axis=-1)  # (N, D) -> (N,)
    if np.allclose(slope, 0, atol=1e-4):
        return None
    return f"scaling x changes no output, but ⟨gradient, x⟩ is {number(slope)}."


def _weight_gradient(out: Outputs) -> str | None:
    upstream = np.linspace(1, 2, 6).reshape(2, 3)  # (N·D,) -> (N, D)
    expected = (upstream * out["y"]).sum(axis=0)  # (N, D) -> (D,)
    if np.allclose(out["gradient of weight"], expected, atol=1e-6):
        return None
    return f"it is {number(out['gradient of weight'])}; Σ dy ⊙ x̂ is {number(expected)}."


LAWS = (
    row_laws.rows_depend(_ROWS),
    row_laws.size_not_one(_ROWS),
    Law("not-orthogonal", "the gradient of x has a part along x", (_ROWS,), _orthogonal),
    Law("weight-gradient", "the gradient of the weight is wrong", (_ROWS,), _weight_gradient),
)

MODULE = Question(
    function="RMSNorm",
    points=4,
    driver=drivers.module,
    reference=RMSNorm,
    probes=probes,
    mistakes=MISTAKES,
    laws=LAWS,
    hints=(
        "__init__ calls super().__init__(), keeps eps, and makes self.weight: an nn.Parameter of "
        "`dim` ones. forward is the formula of rms_norm; torch says dim and keepdim for axis and "
        "keepdims.",
        "First widen x: torch.promote_types(x.dtype, torch.float32) is float32 for half "
        "precision, and float64 for float64. Multiply by the weight while all is wide, and "
        "convert to x.dtype last.",
        "wide = x.to(torch.promote_types(x.dtype, torch.float32)); "
        "mean_square = wide.square().mean(dim=-1, keepdim=True); "
        "y = self.weight * wide / torch.sqrt(mean_square + self.eps); return y.to(x.dtype).",
    ),
)

QUESTIONS = (MODULE,)
