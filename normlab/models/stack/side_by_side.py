"""Stacks side by side: placements that differ, over branches that are the same."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from normlab.models.stack.memory import aligned_empty
from normlab.models.stack.residual import RESIDUALS
from normlab.models.stack.setting import StackSetting
from normlab.models.stack.tape import SubLayerTape
from normlab.norms import FloatArray

Lanes = Sequence[FloatArray]
"""An array (rows, d_model) for each stack."""


class Branch(Protocol):
    """Attention or the feed-forward network, each with a tape of its own kind."""

    def forward(self, x: FloatArray, tape: Any, out: FloatArray) -> None: ...

    def backward(
        self, df: FloatArray, x: FloatArray | None, tape: Any, out: FloatArray
    ) -> None: ...


class SideBySide:
    """One sub-layer of several stacks. The branch reads the rows of all of them at once.

    The branch has the weights of the first stack. DeepNorm's β multiplies two weights in a row,
    so a branch with another β' is (β'/β)² times as large, and nothing else: ReLU and the average
    of attention hand on a positive factor.
    """

    def __init__(self, settings: Sequence[StackSetting], sub_layers: int) -> None:
        constants = [setting.constants(sub_layers) for setting in settings]
        self.residuals = [
            RESIDUALS[setting.placement](setting, alpha)
            for setting, (alpha, _) in zip(settings, constants, strict=True)
        ]
        s, stacks = settings[0], len(settings)
        lanes = aligned_empty((3, stacks, s.rows, s.d_model), s.numpy_dtype)
        rows = lanes.reshape(3, stacks * s.rows, s.d_model)  # (3, P, B·T, D) -> (3, P·B·T, D)
        self.returned, self.entered, self.d_branch = rows  # returned by the branch, both ways
        self.returned_lanes = list(lanes[0])
        gains = [(beta / constants[0][1]) ** 2 for _, beta in constants]
        lanes_and_gains = zip(self.returned_lanes, gains, strict=True)
        self.scaled = [(lane, gain) for lane, gain in lanes_and_gains if gain != 1]

    def forward(self, branch: Branch, x: Lanes, tape: SubLayerTape) -> Lanes:
        """Write each x_{l+1} to its lane of `tape`; return the sums of shortcut and branch."""
        stacks = list(zip(self.residuals, x, tape.lanes, strict=True))
        entered = _join([r.enter(x_l, lane) for r, x_l, lane in stacks], self.entered)
        branch.forward(entered, tape.branch, out=self.returned)
        self._scale()
        branches = zip(self.returned_lanes, stacks, strict=True)
        return [r.leave(f, x_l, lane) for f, (r, x_l, lane) in branches]

    def backward(
        self, branch: Branch, x: Lanes | None, tape: SubLayerTape, dy: Lanes, dx: Lanes
    ) -> None:
        """Write each ∂L/∂x_l to `dx` for its ∂L/∂x_{l+1}.

        Given x, also ∂L/∂W to `branch.d_weights`, summed over the stacks.
        """
        stacks = list(zip(self.residuals, tape.lanes, dy, strict=True))
        d_f = [r.leave_backward(d, lane) for r, lane, d in stacks]
        entered = None if x is None else self._entered(x, tape)
        branch.backward(_join(d_f, self.d_branch), entered, tape.branch, out=self.returned)
        self._scale()
        branches = zip(self.returned_lanes, d_f, dx, stacks, strict=True)
        for dz, df, out, (r, lane, d) in branches:
            r.enter_backward(dz, df, d, lane, out)

    def _entered(self, x: Lanes, tape: SubLayerTape) -> FloatArray:
        """What the branch read in the forward pass."""
        stacks = zip(self.residuals, x, tape.lanes, strict=True)
        return _join([r.entered(x_l, lane) for r, x_l, lane in stacks], self.entered)

    def _scale(self) -> None:
        for lane, gain in self.scaled:
            np.multiply(lane, gain, out=lane)


def _join(lanes: Lanes, out: FloatArray) -> FloatArray:
    """The rows of all, one stack after the other; of one, no copy."""
    return lanes[0] if len(lanes) == 1 else np.concatenate(lanes, out=out)
