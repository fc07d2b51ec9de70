"""Flax's norms as modules of torch, with derivatives of any order: for the audit alone."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from normlab.chapters.frameworks.audits.foreign_call import Function, foreign_call
from normlab.chapters.frameworks.library import Library


class JaxNorm(nn.Module):
    """A norm of Flax that torch can call and differentiate.

    Args:
        library: Flax.
        norm: "LayerNorm" or "RMSNorm".
        size: D.
    """

    def __init__(self, library: Library, norm: str, size: int) -> None:
        super().__init__()
        jax, nnx = import_module("jax"), import_module("flax.nnx")
        layer = library.norm(norm, size)
        self.eps = float(layer.epsilon)
        graph, state = nnx.split(layer)
        leaves, structure = jax.tree_util.tree_flatten_with_path(state)
        self._names = ["bias" if "bias" in str(path) else "weight" for path, _ in leaves]
        for name, (_, value) in zip(self._names, leaves, strict=True):
            self.register_parameter(name, nn.Parameter(JAX.given(value)))
        self._with: Callable[[tuple[Any, ...]], Any] = lambda values: nnx.merge(
            graph, structure.unflatten(values)
        )

    def forward(self, x: Tensor) -> Tensor:
        (y,) = foreign_call(JAX, self._call, x, *(getattr(self, name) for name in self._names))
        return y

    def _call(self, x: Any, *parameters: Any) -> tuple[Any]:
        return (self._with(parameters)(x),)


class _Jax:
    """The bridge to JAX."""

    def taken(self, tensor: Tensor) -> Any:
        return import_module("jax").dlpack.from_dlpack(tensor.detach().clone().contiguous())

    def given(self, array: Any) -> Tensor:
        found: Tensor = torch.utils.dlpack.from_dlpack(array)
        return found.clone()

    def pulled_back(self, function: Function, given: Any, upstream: Any) -> tuple[Any, ...]:
        pull = import_module("jax").vjp(function, *given)[1]
        return tuple(pull(upstream))


JAX = _Jax()
