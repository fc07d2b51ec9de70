"""Training steps of a copy of a model, and how far each parameter moves."""

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from normlab.inspection.depth_loss import length
from normlab.inspection.depth_watch import DepthWatch

LEARNING_RATE = 1e-3


@dataclass(frozen=True)
class Change:
    """What one step does to a parameter.

    Attributes:
        moved: ‖Δθ‖.
        size: ‖θ‖ before.
    """

    moved: float
    size: float


class Training:
    """Steps in the mode in which a model was given.

    Args:
        watch: of the copy.
        probe: the copy, in evaluation mode.
        model: as it was given.
        optimizer: of its parameters; None for Adam.
    """

    def __init__(
        self,
        watch: DepthWatch,
        probe: nn.Module,
        model: nn.Module,
        optimizer: torch.optim.Optimizer | None,
    ) -> None:
        self._watch, self._probe = watch, probe
        self._modes = [module.training for module in model.modules()]
        self._optimizer: Any = (
            torch.optim.Adam(watch.parameters.values(), lr=LEARNING_RATE)
            if optimizer is None
            else _copied(optimizer, model, probe)
        )

    def step(self) -> dict[str, Change]:
        """Take one; by name, what it changed."""
        before = {name: p.detach().clone() for name, p in self._watch.parameters.items()}
        self._as_given()
        gradients = self._watch.gradients()[2]
        for name, parameter in self._watch.parameters.items():
            parameter.grad = gradients.get(name)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._probe.eval()
        return {
            name: Change(length(parameter.detach() - before[name]), length(before[name]))
            for name, parameter in self._watch.parameters.items()
        }

    def _as_given(self) -> None:
        for module, mode in zip(self._probe.modules(), self._modes, strict=True):
            module.training = mode


def _copied(
    optimizer: torch.optim.Optimizer, model: nn.Module, probe: nn.Module
) -> torch.optim.Optimizer:
    """An optimizer of the same kind, options and state for the parameters of a copy."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    own = dict(probe.named_parameters())

    def of_probe(parameters: Iterable[torch.Tensor]) -> list[nn.Parameter]:
        found = [names.get(id(parameter)) for parameter in parameters]
        if None in found:
            raise ValueError(
                f"the {type(optimizer).__name__} has a parameter that {type(model).__name__} has "
                "not; expected an optimizer of this model's parameters."
            )
        return [own[name] for name in found if name is not None]

    groups = [group | {"params": of_probe(group["params"])} for group in optimizer.param_groups]
    kind: Callable[[list[dict[str, Any]]], torch.optim.Optimizer] = type(optimizer)
    made = kind(groups)
    made.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    return made
