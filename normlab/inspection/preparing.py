"""A model and its inputs as they are recorded: a copy on the CPU, in evaluation mode."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves


class NotInspectable(ValueError):
    """The model could not be run, so nothing was read."""


def on_cpu(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode on the CPU; weights on the meta device are drawn."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; expected a torch.nn.Module.")
    try:
        probe = copy.deepcopy(model).eval()
    except Exception as error:
        raise NotInspectable(
            f"{type(model).__name__} cannot be copied, and it is to stay as it is: copy.deepcopy "
            f"raised {type(error).__name__}: {error}. Build it without what cannot be copied."
        ) from error
    tensors = [*probe.parameters(), *probe.buffers()]
    if not any(tensor.is_meta for tensor in tensors):
        return probe.cpu()
    probe = probe.to_empty(device="cpu")
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in [*probe.parameters(), *probe.buffers()]:
            drawn = torch.randn(tensor.shape, generator=rng) if tensor.is_floating_point() else None
            tensor.zero_() if drawn is None else tensor.copy_(0.02 * drawn)
    return probe


@contextmanager
def as_it_is(model: nn.Module) -> Iterator[nn.Module]:
    """A model itself in evaluation mode; its mode and its buffers come back.

    Raises:
        NotInspectable: if it is not on the CPU.
    """
    if any(tensor.device.type != "cpu" for tensor in [*model.parameters(), *model.buffers()]):
        raise NotInspectable(
            f"a hook or a function in {type(model).__name__} holds the model itself, so that a "
            "copy calls it too; expected it on the CPU: inspect(model.cpu(), inputs)."
        )
    modes = [(module, module.training) for module in model.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield model.eval()
    finally:
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)


def tensor_on_cpu(tensor: Tensor) -> Tensor:
    """On the CPU; what is on the meta device is drawn, and numbers of tokens are 0."""
    if not tensor.is_meta:
        return tensor.cpu()
    if not tensor.is_floating_point():
        return torch.zeros(tensor.shape, dtype=tensor.dtype)
    rng = torch.Generator().manual_seed(0)
    return torch.randn(tensor.shape, generator=rng).to(tensor.dtype)


def refuse_empty(inputs: Any) -> None:
    """Nothing can be read from no numbers; a later input may be empty, features of width 0 say.

    Raises:
        NotInspectable: if the first tensor among the inputs has none.
    """
    tensors = [leaf for leaf in tree_leaves(inputs) if isinstance(leaf, Tensor)]
    if tensors and tensors[0].numel() == 0:
        raise NotInspectable(
            f"an input of shape {tuple(tensors[0].shape)} holds no numbers; expected a batch of "
            "two or three, with a few tokens."
        )
