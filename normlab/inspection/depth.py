"""`depth_profile`: what happens with depth in anybody's model, at the start and after training."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from normlab.inspection.depth_loss import Loss
from normlab.inspection.depth_theory import placement_in, theory_of_depth
from normlab.inspection.depth_training import Change, Training
from normlab.inspection.depth_watch import DepthWatch, Look
from normlab.inspection.inspecting import as_arguments, one_thread
from normlab.inspection.model_depth import DepthMoment, ModelDepth
from normlab.inspection.names import Names
from normlab.inspection.norm_pieces import NormPiece
from normlab.inspection.preparing import on_cpu
from normlab.tools.progress_bar import progress_bar


def depth_profile(
    model: nn.Module,
    inputs: Tensor | Sequence[Any] | Mapping[str, Any],
    loss: Loss,
    steps: int | Sequence[int] = 0,
    optimizer: torch.optim.Optimizer | None = None,
    seed: int = 0,
) -> ModelDepth:
    """Measure stream, σ, gradient and update by depth, at the start and after training steps.

    A copy of the model runs on the CPU. It is measured in evaluation mode, and trained on the
    same inputs in the mode in which it is given. Stream and gradient are those of chapter 06,
    `normlab.probes.DepthProfile`; the change of the stream by a step is that of chapter 08.

    Args:
        model: any module with residual layers.
        inputs: what to call it with: a tensor, a tuple of arguments or a dict of named ones.
        loss: `loss(output)` of what the model returns, a tensor of one number.
        steps: after how many training steps to measure once more, or several such numbers.
        optimizer: of the model's parameters; the copy has one of the same kind, options and
            state. By default Adam with a learning rate of 0.001.
        seed: of all chance in the training steps, dropout for instance.

    Raises:
        ValueError: if the model has no residual layer or nothing that learns, if the loss is no
            finite scalar with a gradient, or if `steps` or `optimizer` do not fit.

    Example:
        >>> layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
        >>> model = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        >>> depth = depth_profile(model, torch.randn(2, 4, 16), lambda y: y.square().mean())
        >>> depth.placement, depth.depths.tolist()
        ('pre-norm', [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
    """
    measured = _measured_steps(steps)
    args, kwargs = as_arguments(inputs)
    moments: list[DepthMoment] = []
    with one_thread(), _chance(seed):
        probe = on_cpu(model)
        watch = DepthWatch(probe, args, kwargs, loss)
        training = Training(watch, probe, model, optimizer)
        start = now = watch.look()
        for step in progress_bar(range(measured[-1] + 1), "training steps"):
            with _said(step):
                if step not in measured:
                    training.step()
                    continue
                before = now if now and step - 1 in (-1, *measured) else watch.look()
                changes = training.step()
                now = watch.look()
                moments.append(_moment(step, before, now, changes))
    return _model_depth(type(model).__name__, watch, start, moments)


def _measured_steps(steps: int | Sequence[int]) -> list[int]:
    """0 and those that are asked for, in order."""
    asked = [steps] if isinstance(steps, int) else list(steps)
    if not all(isinstance(step, int) and step >= 0 for step in asked):
        raise ValueError(f"steps is {steps!r}; expected whole numbers ≥ 0.")
    return sorted({0, *asked})


@contextmanager
def _chance(seed: int) -> Iterator[None]:
    """Draws from a seed; what others draw afterwards is as it would have been."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextmanager
def _said(step: int) -> Iterator[None]:
    """A loss that fails says when."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"in training step {step + 1}: {error}") from error


def _moment(step: int, before: Look, after: Look, changes: Mapping[str, Change]) -> DepthMoment:
    """What was seen before a training step, and what the step changed."""
    streams = [before.values[place].double() for place in before.places.places]
    moved = [after.values[place].double() for place in after.places.places]
    pairs = zip(streams, moved, strict=True)
    return DepthMoment(
        step,
        before.loss,
        np.array([float(x.square().mean()) for x in streams]),  # (…, D) -> ()
        np.array([float(gradient.double().norm()) for gradient in before.stream_gradients]),
        np.array([_sigma(before, piece) for piece in before.places.norms]),
        np.array([_length(before.gradients, names) for names in before.parameters]),
        np.array([_relative(changes, names) for names in before.parameters]),
        np.array([float((new - x).norm() / x.norm()) for x, new in pairs]),
    )


def _sigma(look: Look, piece: NormPiece) -> float:
    """σ of what a norm reads, the mean over rows; nan for a kind that has none."""
    reading, x = piece.reading, look.values[piece.source].double()
    if reading.groups > 1 or reading.kind not in ("LayerNorm", "RMSNorm"):
        return float("nan")
    if reading.kind == "LayerNorm":
        sigma = x.std(reading.axes, correction=int(reading.unbiased))  # (…, D) -> (…)
    else:
        sigma = x.square().mean(reading.axes).sqrt()  # (…, D) -> (…)
    return float(sigma.mean())  # (…) -> ()


def _length(gradients: Mapping[str, Tensor], names: Sequence[str]) -> float:
    """Of the gradients of some parameters as one vector."""
    return math.hypot(*(float(gradients[n].double().norm()) for n in names if n in gradients))


def _relative(changes: Mapping[str, Change], names: Sequence[str]) -> float:
    """‖Δθ‖/‖θ‖ of some parameters as one vector; 0 where none of them learns."""
    found = [changes[name] for name in names if name in changes]
    size = math.hypot(*(change.size for change in found))
    return math.hypot(*(change.moved for change in found)) / size if size else 0.0


def _model_depth(
    model: str, watch: DepthWatch, start: Look, moments: Sequence[DepthMoment]
) -> ModelDepth:
    places = start.places
    called = Names(watch.recording).norms(places.norms)
    theory, remark = theory_of_depth(start, moments[0])
    norms = [(called[n], at) for at, la in enumerate(places.layers) for n in la.equations.norms]
    return ModelDepth(
        model,
        tuple(layer.name or model for layer in places.layers),
        placement_in(places),
        np.array(places.depths),
        tuple(name for name, _ in norms),
        tuple(layer for _, layer in norms),
        tuple(moments),
        theory,
        remark,
        tuple(layer.name or model for layer in places.left_out),
    )
