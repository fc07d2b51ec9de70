"""The placements: how a branch f, its norms and the residual stream are wired, both ways."""

import numpy as np

from normlab.models.stack.memory import aligned_empty
from normlab.models.stack.norm import make_norm
from normlab.models.stack.setting import StackSetting
from normlab.models.stack.tape import LaneTape
from normlab.norms import FloatArray


class Residual:
    """x + f(x), no norm; and what the other placements share. Arrays are (rows, d_model).

    Forward, `enter` says what the branch reads and `leave` takes what it returns; backward, each
    has its counterpart, in the other order. They may write to their first argument.
    """

    final_norm = False

    def __init__(self, setting: StackSetting, alpha: float) -> None:
        self.norm = make_norm(setting)
        self.alpha = alpha
        shape = (setting.rows, setting.d_model)
        self.d_f, self.scaled = aligned_empty((2, *shape), setting.numpy_dtype)

    def enter(self, x: FloatArray, tape: LaneTape) -> FloatArray:
        """What the branch reads of x_l."""
        return x

    def leave(self, f: FloatArray, x: FloatArray, tape: LaneTape) -> FloatArray:
        """Write x_{l+1} to `tape.stream`; return the sum of shortcut and branch."""
        return np.add(f, x, out=tape.stream)

    def leave_backward(self, dy: FloatArray, tape: LaneTape) -> FloatArray:
        """∂L/∂f for dy = ∂L/∂x_{l+1}."""
        return dy

    def enter_backward(
        self, dz: FloatArray, df: FloatArray, dy: FloatArray, tape: LaneTape, dx: FloatArray
    ) -> None:
        """Write ∂L/∂x_l to `dx`, for dz = ∂L/∂z of what entered the branch."""
        np.add(dz, dy, out=dx)

    def entered(self, x: FloatArray, tape: LaneTape) -> FloatArray:
        """What `enter` gave the branch in the forward pass."""
        return x


class PostNorm(Residual):
    """norm(x + f(x)). Vaswani et al. 2017, §3.1, arXiv:1706.03762."""

    def shortcut(self, x: FloatArray) -> FloatArray:
        return x

    def leave(self, f: FloatArray, x: FloatArray, tape: LaneTape) -> FloatArray:
        f += self.shortcut(x)
        tape.inverse = self.norm.forward(f, out=tape.stream)
        return f

    def leave_backward(self, dy: FloatArray, tape: LaneTape) -> FloatArray:
        self.norm.backward(dy, tape.stream, tape.inverse, out=self.d_f)  # x̂ is x_{l+1} itself
        return self.d_f

    def enter_backward(
        self, dz: FloatArray, df: FloatArray, dy: FloatArray, tape: LaneTape, dx: FloatArray
    ) -> None:
        np.add(dz, self.shortcut(df), out=dx)


class DeepNorm(PostNorm):
    """norm(αx + f(x)); β is in the weights. Wang et al. 2022, Figure 2, arXiv:2203.00555."""

    def shortcut(self, x: FloatArray) -> FloatArray:
        return np.multiply(x, self.alpha, out=self.scaled)


class PreNorm(Residual):
    """x + f(norm(x)), and a norm at the end. Xiong et al. 2020, Table 1, arXiv:2002.04745."""

    final_norm = True

    def enter(self, x: FloatArray, tape: LaneTape) -> FloatArray:
        tape.inverse = self.norm.forward(x, out=tape.normalized)
        return tape.normalized

    def enter_backward(
        self, dz: FloatArray, df: FloatArray, dy: FloatArray, tape: LaneTape, dx: FloatArray
    ) -> None:
        self.norm.backward(dz, tape.normalized, tape.inverse, out=dx)
        dx += dy

    def entered(self, x: FloatArray, tape: LaneTape) -> FloatArray:
        return tape.normalized


class PeriNorm(PreNorm):
    """x + norm(f(norm(x))), and a norm at the end. Kim et al. 2025, arXiv:2502.02732."""

    def leave(self, f: FloatArray, x: FloatArray, tape: LaneTape) -> FloatArray:
        tape.inverse_branch = self.norm.forward(f, out=tape.normalized_branch)
        return np.add(x, tape.normalized_branch, out=tape.stream)

    def leave_backward(self, dy: FloatArray, tape: LaneTape) -> FloatArray:
        self.norm.backward(dy, tape.normalized_branch, tape.inverse_branch, out=self.d_f)
        return self.d_f


RESIDUALS = {
    "post-norm": PostNorm,
    "pre-norm": PreNorm,
    "deepnorm": DeepNorm,
    "peri-norm": PeriNorm,
    "none": Residual,
}
