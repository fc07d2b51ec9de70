"""The placements: how a branch f, its norms and the residual stream are wired, both ways."""

from typing import Any, Protocol

import numpy as np

from normlab.models.stack.memory import aligned_empty
from normlab.models.stack.norm import make_norm
from normlab.models.stack.setting import StackSetting
from normlab.models.stack.tape import SubLayerTape
from normlab.norms import FloatArray


class Branch(Protocol):
    """Attention or the feed-forward network, each with a tape of its own kind."""

    def forward(self, x: FloatArray, tape: Any, out: FloatArray) -> None: ...

    def backward(self, df: FloatArray, x: FloatArray, tape: Any, out: FloatArray) -> None: ...


class Residual:
    """x + f(x), no norm; and what the other placements share. Arrays are (rows, d_model)."""

    final_norm = False

    def __init__(self, setting: StackSetting, alpha: float) -> None:
        self.norm = make_norm(setting)
        self.alpha = alpha
        shape = (setting.rows, setting.d_model)
        self.sum, self.scaled, self.d_f = aligned_empty((3, *shape), setting.numpy_dtype)

    def forward(self, f: Branch, x: FloatArray, tape: SubLayerTape) -> FloatArray:
        """Write x_{l+1} to `tape.stream`; return the sum of shortcut and branch."""
        f.forward(x, tape.branch, out=self.sum)
        return np.add(self.sum, x, out=tape.stream)

    def backward(
        self, f: Branch, x: FloatArray, tape: SubLayerTape, dy: FloatArray, dx: FloatArray
    ) -> None:
        """Write ∂L/∂x_l to `dx` for dy = ∂L/∂x_{l+1}, and ∂L/∂W to `f.d_weights`."""
        f.backward(dy, x, tape.branch, out=dx)
        dx += dy


class PostNorm(Residual):
    """norm(x + f(x)). Vaswani et al. 2017, §3.1, arXiv:1706.03762."""

    def shortcut(self, x: FloatArray) -> FloatArray:
        return x

    def forward(self, f: Branch, x: FloatArray, tape: SubLayerTape) -> FloatArray:
        f.forward(x, tape.branch, out=self.sum)
        self.sum += self.shortcut(x)
        tape.inverse = self.norm.forward(self.sum, out=tape.stream)
        return self.sum

    def backward(
        self, f: Branch, x: FloatArray, tape: SubLayerTape, dy: FloatArray, dx: FloatArray
    ) -> None:
        self.norm.backward(dy, tape.stream, tape.inverse, out=self.sum)  # x̂ is x_{l+1} itself
        f.backward(self.sum, x, tape.branch, out=dx)
        dx += self.shortcut(self.sum)


class DeepNorm(PostNorm):
    """norm(αx + f(x)); β is in the weights. Wang et al. 2022, Figure 2, arXiv:2203.00555."""

    def shortcut(self, x: FloatArray) -> FloatArray:
        return np.multiply(x, self.alpha, out=self.scaled)


class PreNorm(Residual):
    """x + f(norm(x)), and a norm at the end. Xiong et al. 2020, Table 1, arXiv:2002.04745."""

    final_norm = True

    def forward(self, f: Branch, x: FloatArray, tape: SubLayerTape) -> FloatArray:
        tape.inverse = self.norm.forward(x, out=tape.normalized)
        f.forward(tape.normalized, tape.branch, out=self.sum)
        return np.add(self.sum, x, out=tape.stream)

    def backward(
        self, f: Branch, x: FloatArray, tape: SubLayerTape, dy: FloatArray, dx: FloatArray
    ) -> None:
        f.backward(dy, tape.normalized, tape.branch, out=self.sum)
        self.norm.backward(self.sum, tape.normalized, tape.inverse, out=dx)
        dx += dy


class PeriNorm(Residual):
    """x + norm(f(norm(x))), and a norm at the end. Kim et al. 2025, arXiv:2502.02732."""

    final_norm = True

    def forward(self, f: Branch, x: FloatArray, tape: SubLayerTape) -> FloatArray:
        tape.inverse = self.norm.forward(x, out=tape.normalized)
        f.forward(tape.normalized, tape.branch, out=self.sum)
        tape.inverse_branch = self.norm.forward(self.sum, out=tape.normalized_branch)
        return np.add(x, tape.normalized_branch, out=tape.stream)

    def backward(
        self, f: Branch, x: FloatArray, tape: SubLayerTape, dy: FloatArray, dx: FloatArray
    ) -> None:
        self.norm.backward(dy, tape.normalized_branch, tape.inverse_branch, out=self.d_f)
        f.backward(self.d_f, tape.normalized, tape.branch, out=self.sum)
        self.norm.backward(self.sum, tape.normalized, tape.inverse, out=dx)
        dx += dy


RESIDUALS = {
    "post-norm": PostNorm,
    "pre-norm": PreNorm,
    "deepnorm": DeepNorm,
    "peri-norm": PeriNorm,
    "none": Residual,
}
