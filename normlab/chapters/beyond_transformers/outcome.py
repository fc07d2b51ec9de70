"""What a call of a module comes to: an output, or an error."""

from torch import Tensor, nn


def what_comes_out(module: nn.Module, x: Tensor) -> str:
    """The shape of `module(x)`, or the error in words.

    Example:
        >>> import torch
        >>> what_comes_out(nn.LayerNorm(16), torch.zeros(1, 7, 16))
        'output (1, 7, 16)'
    """
    try:
        y = module(x)
    except RuntimeError as error:
        return f"{type(error).__name__}: {error}"
    return f"output {tuple(y.shape)}"
