"""Dynamic tanh: a layer that stands where a norm stands, and normalizes nothing."""

import torch
from torch import Tensor, nn


class DyT(nn.Module):
    """Dynamic tanh: y = γ ⊙ tanh(a·x) + β, with one learned number a.

    It squashes large values like a norm does, but each element alone: no mean, no variance. So,
    unlike a norm, it is not invariant to the scale of its input.

    Args:
        normalized_shape: D, the size of the last dimension; γ (D,) starts at 1, β (D,) at 0.
        initial_scale: where a starts.

    Shape:
        Input and output (..., D).

    Source: Zhu et al. 2025, "Transformers without Normalization", Eq. 1, arXiv:2503.10622.

    Example:
        >>> norm = DyT(4)
        >>> norm(torch.tensor([0.0, 1.0, 2.0, 100.0])).detach().round(decimals=2).tolist()
        [0.0, 0.46000000834465027, 0.7599999904632568, 1.0]
    """

    def __init__(self, normalized_shape: int, initial_scale: float = 0.5) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(initial_scale))
        self.weight = nn.Parameter(torch.ones(normalized_shape))
        self.bias = nn.Parameter(torch.zeros(normalized_shape))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * torch.tanh(self.scale * x) + self.bias
