"""Keras's norms as modules of torch that may have any dtype: for the audit alone."""

from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from normlab.chapters.frameworks.audits.foreign_call import Function, foreign_call
from normlab.chapters.frameworks.library import Library


class KerasNorm(nn.Module):
    """A norm of Keras on its torch backend, whose weights are torch's own parameters.

    A layer of Keras keeps its dtype, and turns every input into it. Here there is one layer for
    each dtype of x, as a user would make it.

    Args:
        library: Keras.
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
        y: Tensor = self._call(_name(x.dtype), x, *self._held())
        return y

    def _held(self) -> list[Tensor]:
        return [getattr(self, name) for name in self._names]

    def _call(self, dtype: str, x: Any, *parameters: Any) -> Any:
        """The outputs for x (..., D), all of it arrays of Keras's backend."""
        layer = self._library.norm(self._norm, self._size, dtype=dtype)
        held = dict(zip(self._names, parameters, strict=True))
        by_variable = {id(p.variable): n for n, p in self._library.parameters(layer).items()}
        weights = [held[by_variable[id(variable)]] for variable in layer.trainable_variables]
        y, _ = layer.stateless_call(weights, [], x)
        return y


class TensorFlowNorm(KerasNorm):
    """A norm of `tf.keras`, which is Keras on TensorFlow, that torch can differentiate."""

    def forward(self, x: Tensor) -> Tensor:
        def call(*arrays: Any) -> tuple[Any]:
            return (self._call(_name(x.dtype), *arrays),)

        (y,) = foreign_call(TENSORFLOW, call, x, *self._held())
        return y


class _TensorFlow:
    """The bridge to TensorFlow."""

    def taken(self, tensor: Tensor) -> Any:
        capsule = tensor.detach().clone().contiguous().__dlpack__()
        return import_module("tensorflow").experimental.dlpack.from_dlpack(capsule)

    def given(self, array: Any) -> Tensor:
        capsule = import_module("tensorflow").experimental.dlpack.to_dlpack(array)
        found: Tensor = torch.utils.dlpack.from_dlpack(capsule)
        return found.clone()

    def pulled_back(self, function: Function, given: Any, upstream: Any) -> tuple[Any, ...]:
        tf: Any = import_module("tensorflow")
        with tf.GradientTape() as tape:
            tape.watch(given)
            outputs = function(*given)
        found = tape.gradient(
            outputs, given, output_gradients=upstream, unconnected_gradients="zero"
        )
        return tuple(found)


TENSORFLOW = _TensorFlow()


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
