"""Norms one operation at a time, as a model's file has them, and what torch runs for them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from normlab.chapters.rms_norm.operators import Operator, logged_operators

NORMS = ("LayerNorm", "RMSNorm")
DIRECTIONS = ("forward", "backward")


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """LayerNorm of rows (N, D), in float32 inside."""
    wide = x.float()
    centered = wide - wide.mean(-1, keepdim=True)  # (N, D) - (N, 1)
    variance = centered.square().mean(-1, keepdim=True)  # (N, D) -> (N, 1)
    return weight * (centered * torch.rsqrt(variance + eps)).to(x.dtype) + bias


def rms_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-6) -> Tensor:
    """RMSNorm of rows (N, D), in float32 inside, as LLaMA's code has it; there is no shift."""
    wide = x.float()
    mean_square = wide.square().mean(-1, keepdim=True)  # (N, D) -> (N, 1)
    return weight * (wide * torch.rsqrt(mean_square + eps)).to(x.dtype)


@dataclass(frozen=True)
class Work:
    """What is asked of a norm.

    Args:
        norm: "LayerNorm" or "RMSNorm".
        direction: "forward", or "backward": the gradients of x and of the parameters.
        added: of x + residual, the sum of which is a result too.

    Raises:
        ValueError: for another norm or direction.

    >>> str(Work("RMSNorm", "forward", added=True))
    'add + RMSNorm, forward'
    """

    norm: str
    direction: str
    added: bool = False

    def __post_init__(self) -> None:
        for name, known in (("norm", NORMS), ("direction", DIRECTIONS)):
            if (given := getattr(self, name)) not in known:
                raise ValueError(f"{name} is {given!r}; expected {' or '.join(map(repr, known))}.")

    def __str__(self) -> str:
        return f"{'add + ' * self.added}{self.norm}, {self.direction}"


@cache
def eager_operators(work: Work, rows: int, features: int) -> tuple[Operator, ...]:
    """What torch runs for bfloat16 rows (N, D), one operator after another.

    No number is computed: torch is asked on tensors without memory.

    >>> [op.name for op in eager_operators(Work("RMSNorm", "forward"), 8, 64)][:3]
    ['_to_copy', 'pow', 'mean']
    """
    norm: Callable[..., Tensor] = layer_norm if work.norm == "LayerNorm" else rms_norm
    inputs = [_rows(rows, features).requires_grad_() for _ in range(1 + work.added)]
    parameters = [_rows(features).requires_grad_() for _ in range(2)]  # γ and β
    results: list[Tensor] = []

    def forward() -> None:
        total = inputs[0] + inputs[1] if work.added else inputs[0]
        results.extend([total] * work.added + [norm(total, *parameters)])

    operators = logged_operators(forward)
    if work.direction == "backward":
        upstream = [torch.empty_like(each) for each in results]
        operators = logged_operators(_backward(results, [*inputs, *parameters], upstream))
    return tuple(op for op in operators if op.written)


def _rows(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.bfloat16, device="meta")


def _backward(
    results: list[Tensor], inputs: list[Tensor], upstream: list[Tensor]
) -> Callable[[], object]:
    return lambda: torch.autograd.grad(results, inputs, upstream, allow_unused=True)
