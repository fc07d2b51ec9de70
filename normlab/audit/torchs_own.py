"""torch's own norm, which stands beside an implementation in every check."""

import torch
from torch import Tensor, nn

from normlab.audit.definition import Definition
from normlab.audit.subject import Parameters, Subject


class Shifted(nn.Module):
    """A norm of torch, and a bias that torch's norm does not have there."""

    def __init__(self, norm: nn.Module, size: int) -> None:
        super().__init__()
        self.norm = norm
        self.bias = nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x) + self.bias


def torchs_own(expected: Definition, parameters: Parameters, device: torch.device) -> Subject:
    """torch's norm of the same kind, with the same parameters.

    Args:
        expected: the norm that an implementation should be.
        parameters: those of the implementation.
        device: where it runs.
    """
    gain, bias = parameters.gain is not None, parameters.bias is not None
    shifted = bias and not (gain and expected.kind == "LayerNorm")

    def make(size: int) -> nn.Module:
        norm: nn.Module = nn.RMSNorm(size, eps=expected.eps, elementwise_affine=gain)
        if expected.kind == "LayerNorm":
            eps, own = expected.eps_for(torch.float32), bias and not shifted
            norm = nn.LayerNorm(size, eps=eps, elementwise_affine=gain, bias=own)
        return Shifted(norm, size) if shifted else norm

    weight = "norm.weight" if shifted else "weight"
    named = Parameters(weight if gain else None, "bias" if bias else None, False)
    return Subject(make, expected, named, device)
