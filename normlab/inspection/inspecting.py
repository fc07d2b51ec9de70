"""`inspect`: which norms a model has, how its layers are wired, and what is wrong with that."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from normlab.inspection.findings import Findings
from normlab.inspection.layer import Layer
from normlab.inspection.layers import AS_ITEM, find_layers, loses_its_stream
from normlab.inspection.loose_layers import find_loose_layers
from normlab.inspection.mistakes import find_mistakes
from normlab.inspection.norm_search import NormSearch
from normlab.inspection.preparing import (
    NotInspectable,
    as_it_is,
    on_cpu,
    refuse_empty,
    tensor_on_cpu,
)
from normlab.inspection.recorder import record
from normlab.inspection.recording import Recording
from normlab.inspection.report import Report


def inspect(
    model: nn.Module,
    inputs: Tensor | Sequence[Any] | Mapping[str, Any],
    optimizer: torch.optim.Optimizer | None = None,
) -> Report:
    """Read which norms a model has, how its layers are wired, and what is wrong with that.

    The model runs in evaluation mode, as a copy on the CPU; every operator is recorded. A
    norm is what behaves like one on probes, whatever it is called; the residual stream is the path
    of sums and scalings through each layer. Nothing is downloaded, and the model is not changed.

    Args:
        model: any module; on the meta device its weights are drawn.
        inputs: what to call it with: a tensor, a tuple of arguments or a dict of named ones. Small
            ones suffice; different sizes for batch, tokens and features tell most.
        optimizer: if given, gains that it shrinks by weight decay are named.

    Raises:
        NotInspectable: if the model cannot be run on the CPU with these inputs; it says where it
            stopped.

    Example:
        >>> block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
        >>> report = inspect(block, torch.randn(3, 7, 16))
        >>> report.layers[0].placement, report.norms[0].kind, report.norms[0].reading.eps
        ('pre-norm', 'LayerNorm', 1e-05)
    """
    args, kwargs = as_arguments(inputs)
    refuse_empty((args, kwargs))
    decayed = _decayed(model, optimizer)
    with one_thread():
        probe = on_cpu(model)
        recording = recorded(probe, args, kwargs)
        if not _holds(recording, model):
            return _report(probe, recording, decayed)
        with as_it_is(model):
            return _report(model, recorded(model, args, kwargs), decayed)


def _holds(recording: Recording, model: nn.Module) -> bool:
    """Whether a copy has called the model that it was copied from: a hook or a lambda held it."""
    original = {id(parameter) for parameter in model.parameters()}
    return any(id(value.tensor) in original for value in recording.values)


def _report(model: nn.Module, recording: Recording, decayed: frozenset[str]) -> Report:
    search = NormSearch(recording)
    pieces = search.pieces()
    layers = layers_of(recording, pieces)
    findings = Findings(model, recording, pieces, layers, search.near)
    return Report(
        type(model).__name__,
        sum(parameter.numel() for parameter in model.parameters()),
        findings.norms,
        findings.layers,
        find_mistakes(findings, decayed),
        findings.unread,
    )


def layers_of(recording: Recording, pieces: Sequence[Any]) -> list[Layer]:
    """The residual layers: modules, or else groups of the model's own sums."""
    found = find_layers(recording, pieces)
    items = [call for call in recording.calls if AS_ITEM.search(call.name)]
    if found or any(loses_its_stream(recording, pieces, call) for call in items):
        return found
    return find_loose_layers(recording, pieces, recording.calls[0])


def as_arguments(
    inputs: Tensor | Sequence[Any] | Mapping[str, Any],
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    inputs = tree_map(lambda a: tensor_on_cpu(a) if isinstance(a, Tensor) else a, inputs)
    if isinstance(inputs, Tensor):
        return (inputs,), {}
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    if isinstance(inputs, (tuple, list)):
        return tuple(inputs), {}
    raise TypeError(
        f"inputs is a {type(inputs).__name__}; expected a tensor, a tuple of arguments or a dict."
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Small pieces gain nothing from more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def recorded(probe: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Recording:
    try:
        return record(probe, args, kwargs)
    except Exception as error:
        raise NotInspectable(
            f"{type(probe).__name__} could not be run with these inputs, on the CPU and in "
            f"evaluation mode: {type(error).__name__}: {error}"
        ) from error


def _decayed(model: nn.Module, optimizer: torch.optim.Optimizer | None) -> frozenset[str]:
    """The names of the parameters that an optimizer shrinks."""
    if optimizer is None:
        return frozenset()
    shrunk = {
        id(parameter)
        for group in optimizer.param_groups
        if group.get("weight_decay")
        for parameter in group["params"]
    }
    return frozenset(name for name, p in model.named_parameters() if id(p) in shrunk)
