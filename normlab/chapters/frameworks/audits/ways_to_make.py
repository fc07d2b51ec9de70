"""Classes of transformers as an audit wants a norm: made from D alone, called with x alone."""

import inspect
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from normlab.audit import NotAuditable
from normlab.audit.inputs import pairs
from normlab.audit.subject import SIZE, Make
from normlab.inspection.targets import in_short

GATES = (1.2784645, 40.0)
"""Where silu, and where sigmoid, gives 1 in float32."""
ANY_NUMBER = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
TAKE_A_SHAPE = frozenset({"ChameleonLayerNorm"})
GATED, SECOND_INPUT = "gate", "it needs a second input besides x: {}"
HOLDS = "it computes with a part of its own, {}, besides normalizing"


class Gated(nn.Module):
    """A norm whose gate is held where its activation gives 1.

    Args:
        norm: called as norm(x, gate=…).
        size: D.
    """

    def __init__(self, norm: nn.Module, size: int) -> None:
        super().__init__()
        self.norm = norm
        signs = pairs(size, 1.0).float()  # (2, D): a norm leaves them
        self.gate = next(
            (g for g in GATES if (self._gated(signs, g) - signs).abs().max() < 1e-3), GATES[0]
        )

    def forward(self, x: Tensor) -> Tensor:
        return self._gated(x, self.gate)

    def _gated(self, x: Tensor, gate: float) -> Tensor:
        y: Tensor = self.norm(x, gate=torch.full_like(x, gate, dtype=torch.float32))
        return y


class ChannelFirst(nn.Module):
    """A norm over axis 1, of which x (..., D) becomes (N, D, 1) or (N, D, 1, 1).

    Args:
        norm: the norm.
        axes: how many axes follow axis 1.
    """

    def __init__(self, norm: nn.Module, axes: int) -> None:
        super().__init__()
        self.norm, self.axes = norm, axes

    def forward(self, x: Tensor) -> Tensor:
        count = x.shape[:-1].numel()
        moved = x.reshape(count, x.shape[-1], *[1] * self.axes)  # (..., D) -> (N, D, 1, …)
        y: Tensor = self.norm(moved)
        return y.reshape(x.shape)  # (N, D, 1, …) -> (..., D)


def way_to_make(norm: type[nn.Module]) -> Make:
    """How a norm of size D is made of a class, and called with x (..., D) alone.

    A gate is held where its activation gives 1. Of a norm over axis 1 each row is a pixel.

    Args:
        norm: the class.

    Raises:
        NotAuditable: if no norm of x alone can be made of it.

    Example:
        >>> way_to_make(nn.LayerNorm)(3).normalized_shape
        (3,)
    """
    build = partial(_built, norm)
    module = build(SIZE)
    held = [type(part).__name__ for part in module.children() if [*part.parameters()]]
    if held:
        raise NotAuditable(HOLDS.format(held[0]))
    called = inspect.signature(norm.forward).parameters
    needed = [p.name for p in [*called.values()][2:] if p.default is p.empty]
    if GATED in called and set(needed) <= {GATED}:
        return lambda size: Gated(build(size), size)
    if needed:
        raise NotAuditable(SECOND_INPUT.format(", ".join(needed)))
    axes = next((n for n in (0, 1, 2) if _keeps_shape(module, (2, SIZE, *[3] * n))), 0)
    return (lambda size: ChannelFirst(build(size), axes)) if axes else build


def _built(norm: type[nn.Module], size: int) -> nn.Module:
    """A norm of a class, by what its first arguments are called."""
    call: Callable[..., nn.Module] = norm
    arguments = [*inspect.signature(norm).parameters.values()]
    needed = [p.name for p in arguments if p.default is p.empty and p.kind not in ANY_NUMBER]
    if needed[:1] == ["config"]:
        return _of_config(norm, size)
    if needed[1:2] == ["group_size"]:
        return call(size, size)  # one group
    if not arguments or "eps" in arguments[0].name:
        return call()
    if needed[1:]:
        raise NotAuditable(f"it needs {', '.join(needed[1:])} too, and not D alone")
    if norm.__name__ in TAKE_A_SHAPE:
        return call((size,))
    return call(size)


def _of_config(norm: type[nn.Module], size: int) -> nn.Module:
    """A norm that reads D from a config; what it leaves uninitialized becomes 1."""
    config = inspect.signature(norm).parameters["config"].annotation
    if config is inspect.Parameter.empty or not isinstance(config, type):
        raise NotAuditable("it is made of a config, and does not say of which")
    call: Callable[..., nn.Module] = norm
    try:
        module = call(config(hidden_size=size))
    except Exception as error:  # whatever a config refuses
        raise NotAuditable(f"a {config.__name__} needs more than D: {in_short(error)}") from error
    for parameter in module.parameters():
        nn.init.ones_(parameter)
    return module


def _keeps_shape(norm: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether a norm takes a tensor, and gives one of its shape."""
    try:
        y = norm(torch.ones(shape))
    except (RuntimeError, TypeError, ValueError, IndexError):  # an audit says why
        return False
    return isinstance(y, Tensor) and y.shape == shape
