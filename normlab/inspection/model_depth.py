"""What `depth_profile` finds: stream, σ, gradients and updates at each depth of a model."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from normlab.inspection.placements import PlacementName
from normlab.norms import FloatArray
from normlab.tools.table import Table


@dataclass(frozen=True, eq=False)
class DepthMoment:
    """A model of L layers and N stream norms, after some training steps; P places.

    Attributes:
        step: how many training steps were taken before.
        loss: in evaluation mode.
        mean_square: ‖x‖²/D, the mean over tokens (P,).
        gradient: ‖∂ℒ/∂x‖ over all tokens (P,).
        sigma: σ of what a norm reads, the mean over rows (N,): the standard deviation for
            LayerNorm, the root mean square for RMSNorm, nan for others.
        layer_gradient: ‖∂ℒ/∂θ‖ over all parameters of a layer (L,).
        update: ‖Δθ‖/‖θ‖ of the next training step (L,).
        stream_change: ‖Δx‖/‖x‖ that this step makes (P,); at the stack's output it is
            ‖ΔF‖/‖F‖ of `normlab.probes.OutputChange`.
    """

    step: int
    loss: float
    mean_square: FloatArray
    gradient: FloatArray
    sigma: FloatArray
    layer_gradient: FloatArray
    update: FloatArray
    stream_change: FloatArray

    @property
    def when(self) -> str:
        """ "at the start", "after 1 step", …"""
        steps = f"after {self.step:,} step" + "s" * (self.step > 1)
        return steps if self.step else "at the start"

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what is no number is None."""
        return {name: _plain_numbers(value) for name, value in vars(self).items()}


@dataclass(frozen=True, eq=False)
class DepthTheory:
    """What theory says of the start.

    Attributes:
        placement: whose theory it is.
        mean_square: ‖x‖²/D (P,).
        gradient: ‖∂ℒ/∂x‖ for tokens that have nothing in common (P,).
        gradient_alike: for tokens that are all the same (P,).
    """

    placement: PlacementName
    mean_square: FloatArray
    gradient: FloatArray
    gradient_alike: FloatArray

    def as_dict(self) -> dict[str, Any]:
        """For JSON; what is no number is None."""
        return {name: _plain_numbers(value) for name, value in vars(self).items()}


@dataclass(frozen=True, eq=False)
class ModelDepth:
    """What happens at each depth of a model of L layers. P places, N norms.

    Attributes:
        model: its class.
        layers: their names (L,).
        placement: of the layers; "other" if they differ.
        depths: how many layers lie below each place (P,); 0.5 is after the first of two
            sub-layers.
        norms: the names of the norms on the stream (N,).
        norm_layers: in which layer each stands (N,), from 0 on.
        moments: at the start, and after training steps.
        theory: None where there is none.
        remark: how near the theory is, or why there is none.
        left_out: the names of residual layers of other stacks.
    """

    model: str
    layers: tuple[str, ...]
    placement: PlacementName
    depths: FloatArray
    norms: tuple[str, ...]
    norm_layers: tuple[int, ...]
    moments: tuple[DepthMoment, ...]
    theory: DepthTheory | None
    remark: str
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        return depth_report(self)

    __repr__ = __str__

    def at(self, step: int) -> DepthMoment:
        """The moment after so many training steps.

        Raises:
            ValueError: if nothing was measured then.
        """
        found = [moment for moment in self.moments if moment.step == step]
        if not found:
            steps = ", ".join(str(moment.step) for moment in self.moments)
            raise ValueError(f"after step {step}? Measured was after {steps}.")
        return found[0]

    def table(self, step: int = 0) -> Table:
        """One row per layer: stream and gradient at its input; the last row is the output."""
        moment = self.at(step)
        rows = [self._row(moment, layer) for layer in range(len(self.layers))]
        rows.append(["output", *_places(moment, len(self.depths) - 1), "–", "–", "–"])
        names = ("layer", "‖x‖²/D", "‖∂ℒ/∂x‖", "‖Δx‖/‖x‖", "σ of its norms", "‖∂ℒ/∂θ‖", "‖Δθ‖/‖θ‖")
        return Table(names, rows)

    def _row(self, moment: DepthMoment, layer: int) -> list[object]:
        place = int(np.flatnonzero(self.depths == layer)[-1])
        inside = [s for s, own in zip(moment.sigma, self.norm_layers, strict=True) if own == layer]
        sigma = ", ".join(f"{s:.3g}" for s in inside) or "–"
        weights = float(moment.layer_gradient[layer]), float(moment.update[layer])
        return [self.layers[layer], *_places(moment, place), sigma, *weights]

    def norm_table(self, step: int = 0) -> Table:
        """One row per norm on the stream."""
        rows = zip(self.norms, self.at(step).sigma.tolist(), strict=True)
        return Table(("norm", "σ"), [list(row) for row in rows])

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "model": self.model,
            "layers": list(self.layers),
            "placement": self.placement,
            "depths": self.depths.tolist(),
            "norms": list(self.norms),
            "moments": [moment.as_dict() for moment in self.moments],
            "theory": self.theory.as_dict() if self.theory else None,
            "remark": self.remark,
            "left_out": list(self.left_out),
        }


def depth_report(depth: ModelDepth, rows: int = 9) -> str:
    """The profile as a text: up to `rows` layers at the first and the last moment, and theory."""
    count = len(depth.layers)
    lines = [f"{depth.model}: {count} layers, {depth.placement}"]
    for moment in dict.fromkeys((depth.moments[0], depth.moments[-1])):
        table = depth.table(moment.step)
        shown = [table.rows[at] for at in _spread(len(table.rows), rows)]
        lines += ["", f"{moment.when}, loss {moment.loss:.4g}", str(Table(table.columns, shown))]
    lines += ["", depth.remark]
    if depth.left_out:
        lines.append(f"Left out are layers of other stacks: {', '.join(depth.left_out)}.")
    return "\n".join(lines)


def _spread(count: int, most: int) -> list[int]:
    """Up to `most` of 0 … count − 1, as even as whole numbers allow."""
    return sorted({round(at) for at in np.linspace(0, count - 1, min(most, count))})


def _places(moment: DepthMoment, place: int) -> list[float]:
    arrays = (moment.mean_square, moment.gradient, moment.stream_change)
    return [float(array[place]) for array in arrays]


def _plain_numbers(value: object) -> object:
    if isinstance(value, np.ndarray):
        return [_plain_numbers(number) for number in value.tolist()]
    return None if isinstance(value, float) and not math.isfinite(value) else value
