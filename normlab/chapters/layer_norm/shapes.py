"""What `nn.LayerNorm` of some normalized shape does to an array."""

import torch
from torch import nn


def describe_layer(shape: int | tuple[int, ...], x: torch.Tensor) -> str:
    """The shape of the gains, and each token's mean of the output, or PyTorch's own words.

    >>> print(describe_layer(2, torch.tensor([[0.0, 4.0]])))
    LayerNorm(2) has weights of shape (2,). Token means:
    [0.]
    """
    layer = nn.LayerNorm(shape)
    said = f"LayerNorm({shape}) has weights of shape {tuple(layer.weight.shape)}."
    try:
        means = layer(x).mean(dim=-1).detach().numpy().round(2) + 0.0  # (..., D) -> (...)
    except RuntimeError as error:
        return f"{said} {str(error).splitlines()[0]}"
    return f"{said} Token means:\n{means}"
