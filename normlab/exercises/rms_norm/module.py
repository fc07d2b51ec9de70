"""Exercise 03, third question: the module of torch."""

import numpy as np
import torch
from torch import Tensor, nn

from normlab.checks.examples import number
from normlab.checks.exercise import (
    ANY_INPUT,
    FORMULA,
    PRECISION,
    STATE,
    Law,
    Outputs,
    Question,
)
from normlab.exercises import row_laws
from normlab.exercises.drivers import rms_norm as drivers
from normlab.exercises.rms_norm.module_mistakes import MISTAKES
from normlab.exercises.rms_norm.module_probes import probes


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


_ROWS = {"x": np.array([[1.0, 3, -2], [5, 5, 8]]), "weight": np.ones(3)}
_WITH_GRADIENTS = {**_ROWS, "gradients": True}


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
    Law("not-orthogonal", "the gradient of x has a part along x", (_WITH_GRADIENTS,), _orthogonal),
    Law(
        "weight-gradient",
        "the gradient of the weight is wrong",
        (_WITH_GRADIENTS,),
        _weight_gradient,
    ),
)

HINTS = {
    FORMULA: (
        "Which line of rms_norm becomes which line of forward? torch says dim and keepdim for axis "
        "and keepdims.",
        "__init__ calls super().__init__(), keeps eps, and makes self.weight: an nn.Parameter of "
        "`dim` ones. forward is the formula with self.weight for γ.",
        "mean_square = x.square().mean(dim=-1, keepdim=True); "
        "y = self.weight * x / torch.sqrt(mean_square + self.eps).",
    ),
    ANY_INPUT: (
        "How many axes may x have in front of its features?",
        "dim=-1 is the last axis, however many there are. Nothing else need know their number.",
    ),
    PRECISION: (
        "Try float16 numbers near 300, and bfloat16 numbers with a float32 weight. In which dtype "
        "are the squares, and where is the first number rounded?",
        "First widen x: torch.promote_types(x.dtype, torch.float32) is float32 for half "
        "precision, and float64 for float64. Multiply by the weight while all is wide, and "
        "convert to x.dtype last.",
        "wide = x.to(torch.promote_types(x.dtype, torch.float32)); the formula with wide; "
        "return y.to(x.dtype).",
    ),
    STATE: (
        "What does RMSNorm(4).state_dict() hold, and what do RMSNorm(4).parameters()? Which steps "
        "of forward can autograd not follow?",
        "nn.Parameter(…) registers the weight, and it alone. detach(), no_grad(), .data and NumPy "
        "cut off the gradient; x *= … and the like change what the caller still needs.",
        "self.weight = nn.Parameter(torch.ones(dim)) and self.eps = eps; nothing else is kept.",
    ),
}

MODULE = Question(
    function="RMSNorm",
    levels={FORMULA: 1, ANY_INPUT: 1, PRECISION: 1, STATE: 1},
    driver=drivers.module,
    reference=RMSNorm,
    probes=probes,
    later={
        "dtype of y": PRECISION,
        "weight at the start": STATE,
        "trained parameters": STATE,
        "state_dict": STATE,
        "gradient of x": STATE,
        "gradient of weight": STATE,
    },
    mistakes=MISTAKES,
    laws=LAWS,
    hints=HINTS,
)

QUESTIONS = (MODULE,)
