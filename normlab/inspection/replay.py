"""Run a piece of a recording again, with other numbers, in float64."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from normlab.inspection.recording import Operation, Value

NARROW = (torch.float16, torch.bfloat16, torch.float32)


def replay(
    wanted: Iterable[Value],
    known: Mapping[Value, Tensor],
    leaf: Callable[[Value], Tensor] = lambda value: value.tensor,
) -> dict[Value, Tensor]:
    """Compute values of a recording anew.

    Every float becomes a float64, so that what is found belongs to the formula and not to its
    rounding; what an operator wrote in place is written to a copy.

    Args:
        wanted: the values to compute.
        known: values that are given, and not computed.
        leaf: the content of a parameter, an input or a constant.

    Returns:
        All values that were met on the way.
    """
    made = {value: _laid_out(widened(tensor), value.tensor) for value, tensor in known.items()}
    for value in _needed(wanted, made):
        if value.operation is None:
            made[value] = widened(leaf(value))
        else:
            made[value] = _run(value.operation, made, _wide)[value.output]
    return made


def replay_with_gradients(wanted: Iterable[Value], watched: Iterable[Value]) -> dict[Value, Tensor]:
    """Compute values of a recording anew, in their own types, with gradients.

    Parameters count as they are now. Chance is drawn again.

    Args:
        wanted: the values to compute.
        watched: those of which gradients are wanted; they have them also where nothing that
            learns lies before them.

    Returns:
        All values that were met on the way.

    Example:
        >>> from normlab.inspection.recorder import record
        >>> run = record(torch.nn.Linear(2, 1), (torch.ones(1, 2),), {})
        >>> replay_with_gradients(run.outputs, [])[run.outputs[0]].requires_grad
        True
    """
    made: dict[Value, Tensor] = {}
    results: dict[Operation, list[Any]] = {}
    kept = set(watched)
    with torch.enable_grad():
        for value in _needed(wanted, made):
            operation = value.operation
            if operation is None:
                made[value] = value.tensor
            else:
                if operation not in results:
                    results[operation] = _run(operation, made, lambda argument: argument)
                made[value] = results[operation][value.output]
            if value in kept and not made[value].requires_grad:
                made[value] = made[value].detach().requires_grad_()
    return made


def _laid_out(tensor: Tensor, recorded: Tensor) -> Tensor:
    """The same numbers in memory as they were recorded: a view may rely on that."""
    if tensor.shape != recorded.shape or tensor.stride() == recorded.stride():
        return tensor
    return torch.empty_like(recorded, dtype=tensor.dtype).copy_(tensor)


def widened(tensor: Tensor) -> Tensor:
    """In float64, if it is a float of fewer bits."""
    return tensor.double() if tensor.dtype in NARROW else tensor


def _needed(wanted: Iterable[Value], known: Mapping[Value, Any]) -> list[Value]:
    """What has to be made, in the order of the run."""
    found: set[Value] = set()
    waiting = [value for value in wanted if value not in known]
    while waiting:
        value = waiting.pop()
        if value in found:
            continue
        found.add(value)
        reads = value.operation.values() if value.operation else []
        waiting += [read for read in reads if read not in known and read not in found]
    return sorted(found, key=lambda value: value.index)


def _wide(argument: Any) -> Any:
    """An argument of an operator that names a type of few bits names float64."""
    narrow = isinstance(argument, torch.dtype) and argument in NARROW
    return torch.float64 if narrow else argument


def _run(
    operation: Operation, made: Mapping[Value, Tensor], as_argument: Callable[[Any], Any]
) -> list[Any]:
    """What an operator returns; `as_argument` may change what is no tensor."""
    copies = {value: made[value].clone() for value in operation.written}

    def content(argument: Any) -> Any:
        if isinstance(argument, Value):
            return copies.get(argument, made[argument])
        return as_argument(argument)

    args, kwargs = tree_map(content, (operation.args, dict(operation.kwargs)))
    output = operation.overload(*args, **kwargs)
    if copies:
        return [copies[value] for value in operation.written]
    return list(output) if isinstance(output, (tuple, list)) else [output]
