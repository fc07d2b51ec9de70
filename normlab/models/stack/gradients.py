"""The gradients themselves, not only their norms: to check them, and to look into a small stack."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from normlab.models.stack.run import StackRun, stack_arithmetic
from normlab.models.stack.setting import StackSetting, check_count
from normlab.models.stack.tape import borrowed_tapes
from normlab.norms import FloatArray
from normlab.tools.table import Table


@dataclass(frozen=True)
class StackGradients:
    """Streams and gradients of a stack of L sub-layers, in float64.

    Attributes:
        streams: x_l (L + 1, rows, d_model), rows = batch · tokens.
        d_streams: ∂L/∂x_l (L + 1, rows, d_model), of the loss that `StackProfile` defines.
        d_weights: ∂L/∂W (fan_in, fan_out) by name, for each sub-layer (L,).
    """

    streams: FloatArray
    d_streams: FloatArray
    d_weights: tuple[Mapping[str, FloatArray], ...]

    def table(self) -> Table:
        """One row per weight: sub-layer, name, shape and norm of the gradient."""
        rows = [
            [sub_layer, name, " × ".join(map(str, d.shape)), float(np.linalg.norm(d))]
            for sub_layer, weights in enumerate(self.d_weights)
            for name, d in weights.items()
        ]
        return Table(("sub-layer", "weight", "shape", "‖∂L/∂W‖"), rows)


def stack_gradients(setting: StackSetting, sub_layers: int) -> StackGradients:
    """All streams and gradients of a stack, by the passes that `stack_profile` runs.

    Raises:
        ValueError: if `sub_layers` is not a whole number ≥ 1, or if the stream overflows.

    >>> setting = StackSetting(d_model=8, heads=2, d_ff=16, tokens=3, batch=2)
    >>> gradients = stack_gradients(setting, sub_layers=2)
    >>> gradients.streams.shape, gradients.d_weights[1]["W_1"].shape
    ((3, 6, 8), (8, 16))
    """
    check_count(sub_layers, "sub_layers")
    with borrowed_tapes(setting) as tapes, stack_arithmetic():
        run = StackRun([setting], tapes)
        run.forward(sub_layers)
        end = run.overflows(0, sub_layers)
        if end is not None:
            raise ValueError(
                f"x_{end} is not finite in {setting.dtype}, so a stack of {sub_layers} "
                f"sub-layers has no gradients; expected fewer than {end} sub-layers."
            )
        streams = np.array([run.streams(depth)[0] for depth in range(sub_layers + 1)], np.float64)
        d_streams = np.empty_like(streams)
        d_weights: list[Mapping[str, FloatArray]] = []
        for step in run.backward(sub_layers, weights=True):
            exponent = step.exponents[0]
            d_streams[step.depth] = _scaled(step.d_streams[0], exponent)
            if step.branch is not None:
                of_branch = step.branch.d_weights.items()
                d_weights.append({name: _scaled(d, exponent) for name, d in of_branch})
    return StackGradients(streams, d_streams, tuple(reversed(d_weights)))


def _scaled(a: FloatArray, exponent: int) -> FloatArray:
    """a · 2^exponent in float64."""
    wide: FloatArray = np.ldexp(a.astype(np.float64), exponent)
    return wide
