"""Keras's norms on its torch backend, as modules that may have any dtype: for the audit alone."""

import torch
from torch import Tensor, nn

from normlab.chapters.frameworks.library import Library


class KerasNorm(nn.Module):
    """A norm of Keras whose weights are torch's own parameters.

    A layer of Keras keeps its dtype, and turns every input into it. Here there is one layer for
    each dtype of x, as a user would make it.

    Args:
        library: Keras on torch.
        norm: "LayerNorm" or "RMSNorm".
        size: D.
    """

    def __init__(self, library: Library, norm: str, size: int) -> None:
        super().__init__()
        self._library, self._norm, self._size = library, norm, size
        layer = library.norm(norm, size)
        self.eps = float(layer.epsilon)
        self._names = [*library.parameters(layer)]
        for name, value in library.read(layer).items():
            self.register_parameter(name, nn.Parameter(torch.tensor(value)))

    def forward(self, x: Tensor) -> Tensor:
        dtype = str(x.dtype).removeprefix("torch.")
        layer = self._library.norm(self._norm, self._size, dtype=dtype)
        held = {name: getattr(self, name) for name in self._names}
        by_variable = {id(p.variable): n for n, p in self._library.parameters(layer).items()}
        weights = [held[by_variable[id(variable)]] for variable in layer.trainable_variables]
        y, _ = layer.stateless_call(weights, [], x)
        found: Tensor = y
        return found
