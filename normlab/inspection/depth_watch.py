"""A copy of a model, looked at as it is now: its stream, its gradients, and its training steps."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from normlab.inspection.depth_loss import Loss, alike, checked, swapped
from normlab.inspection.depth_places import DepthPlaces, depth_places
from normlab.inspection.inspecting import layers_of, recorded
from normlab.inspection.norm_search import NormSearch
from normlab.inspection.recording import Recording, Value
from normlab.inspection.replay import replay_with_gradients


@dataclass(frozen=True, eq=False)
class Look:
    """What is seen of a model at one moment.

    Attributes:
        places: where.
        parameters: the names of those that each layer reads (L,).
        values: of the recording, as they are now.
        stream_gradients: ∂ℒ/∂x at each place (P,).
        gradients: ∂ℒ/∂θ, by name.
        loss: ℒ.
    """

    places: DepthPlaces
    parameters: Sequence[Sequence[str]]
    values: Mapping[Value, Tensor]
    stream_gradients: Sequence[Tensor]
    gradients: Mapping[str, Tensor]
    loss: float


class DepthWatch:
    """Looks at a model, which stays in evaluation mode between its training steps.

    A recording of the model is replayed with gradients, so that those of the stream are known
    whatever the model is made of. The replay must have the loss and the parameter gradients of the
    model itself; where another way was taken, by routing for instance, it is recorded anew.

    Args:
        model: a copy in evaluation mode.
        args, kwargs: what to call it with.
        loss: of what the model returns.
    """

    def __init__(
        self, model: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any], loss: Loss
    ) -> None:
        self._model, self._args, self._kwargs, self._loss = model, args, kwargs, loss
        self.parameters = {n: p for n, p in model.named_parameters() if p.requires_grad}
        if not self.parameters:
            raise ValueError(
                f"no parameter of {type(model).__name__} has requires_grad=True, so the loss has "
                "no gradient; expected a model that learns."
            )
        self._read()

    def _read(self) -> None:
        with warnings.catch_warnings():  # a recording has no gradients, as checkpoints say
            warnings.simplefilter("ignore")
            self.recording: Recording = recorded(self._model, *self._arguments())
        self._check_owner()
        layers = layers_of(self.recording, NormSearch(self.recording).pieces())
        if not layers:
            raise ValueError(
                f"no residual layer was found in {type(self._model).__name__}: no output is a sum "
                "that its input is a part of, so there is no stream to follow."
            )
        self.places = depth_places(self.recording, layers)
        self._by_layer = self.places.parameters(self.recording)

    def _arguments(self) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Copies, since a model may write into its inputs."""

        def own(argument: Any) -> Any:
            return argument.detach().clone() if isinstance(argument, Tensor) else argument

        return tree_map(own, (self._args, self._kwargs))

    def _check_owner(self) -> None:
        """What a lambda or a plain list holds is not the copy's own."""
        leaves = [v.tensor for v in self.recording.values if v.operation is None and not v.name]
        if any(isinstance(leaf, nn.Parameter) and leaf.requires_grad for leaf in leaves):
            raise ValueError(
                f"{type(self._model).__name__} reads parameters that are not among its own, so a "
                "copy of it cannot be trained; expected submodules and parameters as attributes, "
                "not in a lambda or a plain list."
            )

    def gradients(self) -> tuple[Any, Tensor, dict[str, Tensor]]:
        """Run the model: what it returns, the loss, and the gradient of each parameter."""
        self._model.zero_grad()
        args, kwargs = self._arguments()
        output = self._model(*args, **kwargs)
        loss = checked(self._loss(output))
        try:
            torch.autograd.backward(loss)  # not grad(): reentrant checkpoints forbid it
        except RuntimeError as error:
            name = type(self._model).__name__
            raise ValueError(f"the backward pass of {name} fails: {error}") from error
        gradients = {n: p.grad.clone() for n, p in self.parameters.items() if p.grad is not None}
        self._model.zero_grad()
        return output, loss.detach(), gradients

    def look(self) -> Look:
        """What there is to see now.

        Raises:
            ValueError: if the loss is no finite scalar with a gradient, or if a replay of the
                model's operators has other gradients than the model.
        """
        run = self.gradients()
        if not all(bool(g.isfinite().all()) for g in run[2].values()):
            raise ValueError("the gradients of the parameters are not finite, though the loss is.")
        found = self._replayed(*run)
        if found is None:
            self._read()
            found = self._replayed(*run)
        if found is None:
            raise ValueError(
                f"a replay of {type(self._model).__name__}'s operators has another loss or other "
                "gradients than the model itself: its backward pass is not that of its operators "
                "(a custom autograd.Function), or its forward pass draws at random, or it keeps a "
                "state between calls (a cache)."
            )
        return found

    def _replayed(self, output: Any, loss: Tensor, gradients: Mapping[str, Tensor]) -> Look | None:
        """None if the recording is not what the model does now."""
        places = self.places
        wanted = [*self.recording.outputs, *places.places, *(n.source for n in places.norms)]
        wanted += [v for step in places.sums for s in step for v in (s.shortcut, s.branch)]
        try:
            values = replay_with_gradients(wanted, places.places)
            own = checked(self._loss(swapped(output, [values[v] for v in self.recording.outputs])))
            streams, parameters = [values[v] for v in places.places], list(self.parameters.values())
            found = torch.autograd.grad(own, [*streams, *parameters], allow_unused=True)
        except (RuntimeError, IndexError, ValueError):
            return None
        of_streams = [
            torch.zeros_like(x) if g is None else g for x, g in zip(streams, found, strict=False)
        ]
        again = dict(zip(self.parameters, found[len(streams) :], strict=True))
        if not (alike([own], [loss]) and alike([again[n] for n in gradients], gradients.values())):
            return None
        kept = {value: values[value].detach() for value in wanted}
        return Look(places, self._by_layer, kept, of_streams, gradients, float(loss))
