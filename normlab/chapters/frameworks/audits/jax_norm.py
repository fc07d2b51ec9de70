"""Flax's norms as modules of torch, with derivatives of any order: for the audit alone."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from normlab.chapters.frameworks.library import Library

JaxFunction = Callable[..., tuple[Any, ...]]


class JaxNorm(nn.Module):
    """A norm of Flax that torch can call and differentiate.

    Args:
        library: Flax.
        norm: "LayerNorm" or "RMSNorm".
        size: D.
    """

    def __init__(self, library: Library, norm: str, size: int) -> None:
        super().__init__()
        jax, nnx = _modules()
        layer = library.norm(norm, size)
        self.eps = float(layer.epsilon)
        graph, state = nnx.split(layer)
        leaves, structure = jax.tree_util.tree_flatten_with_path(state)
        self._names = ["bias" if "bias" in str(path) else "weight" for path, _ in leaves]
        for name, (_, value) in zip(self._names, leaves, strict=True):
            self.register_parameter(name, nn.Parameter(_as_torch(value)))
        self._with: Callable[[tuple[Any, ...]], Any] = lambda values: nnx.merge(
            graph, structure.unflatten(values)
        )

    def forward(self, x: Tensor) -> Tensor:
        (y,) = _of_jax(self._call, x, *(getattr(self, name) for name in self._names))
        return y

    def _call(self, x: Any, *parameters: Any) -> tuple[Any]:
        return (self._with(parameters)(x),)


def _modules() -> tuple[Any, Any]:
    return import_module("jax"), import_module("flax.nnx")


class _JaxCall(torch.autograd.Function):
    """A function of JAX; its backward pass is one, too."""

    @staticmethod
    def forward(ctx: Any, function: JaxFunction, *given: Tensor) -> tuple[Tensor, ...]:
        ctx.function = function
        ctx.save_for_backward(*given)
        return tuple(map(_as_torch, function(*map(_as_jax, given))))

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Any, ...]:
        given, (jax, _) = ctx.saved_tensors, _modules()

        def pulled_back(*both: Any) -> tuple[Any, ...]:
            pull = jax.vjp(ctx.function, *both[: len(given)])[1]
            return tuple(pull(both[len(given) :]))

        return None, *_of_jax(pulled_back, *given, *upstream)


def _of_jax(function: JaxFunction, *given: Tensor) -> tuple[Tensor, ...]:
    found: tuple[Tensor, ...] = _JaxCall.apply(function, *given)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return found


def _as_jax(tensor: Tensor) -> Any:
    return import_module("jax").dlpack.from_dlpack(tensor.detach().clone().contiguous())


def _as_torch(array: Any) -> Tensor:
    found: Tensor = torch.utils.dlpack.from_dlpack(array)
    return found.clone()
