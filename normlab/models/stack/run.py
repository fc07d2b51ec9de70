"""The whole stack: forward once, backward from any depth, in float32 to a thousand sub-layers."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from normlab.models.stack.attention import Attention
from normlab.models.stack.feed_forward import FeedForward
from normlab.models.stack.kernels import squared_norm
from normlab.models.stack.memory import aligned_empty
from normlab.models.stack.residual import RESIDUALS
from normlab.models.stack.setting import StackSetting
from normlab.models.stack.tape import Tapes
from normlab.models.stack.weights import stack_draws, stack_input, upstream_gradient
from normlab.norms import FloatArray


@cache
def _thread_pools() -> ThreadpoolController:
    return ThreadpoolController()  # looking for the libraries takes milliseconds: do it once


@contextmanager
def stack_arithmetic() -> Iterator[None]:
    """One BLAS thread, as these products are too small for two; overflow is no warning.

    A stack without norms overflows: `StackRun.overflow` records where.
    """
    with _thread_pools().limit(limits=1, user_api="blas"), np.errstate(all="ignore"):
        yield


@dataclass(slots=True)
class BackwardStep:
    """∂L/∂x_l, and the branch with the weight gradients of sub-layer l (None at the output).

    All numbers are to be multiplied by 2^exponent. The arrays are buffers that hold them until
    the next step.
    """

    depth: int
    d_stream: FloatArray
    square: float
    exponent: int
    branch: Attention | FeedForward | None


class StackRun:
    """A stack whose forward pass is kept, so that several backward passes can use it.

    A stack of depth L is the beginning of a deeper one, except with DeepNorm, whose α and β
    depend on L: there each depth has a forward pass of its own.
    """

    def __init__(self, setting: StackSetting, tapes: Tapes) -> None:
        self.setting, self.tapes = setting, tapes
        self.input, self.draws = stack_input(setting), stack_draws(setting)
        self.gradients = aligned_empty((2, *self.input.shape), setting.numpy_dtype)
        self._prepare(sub_layers=1)

    def _prepare(self, sub_layers: int) -> None:
        """Set α and β of a stack of this depth, and forget the forward pass."""
        stds = self.setting.weight_stds(sub_layers)
        self.constants = self.setting.constants(sub_layers)
        self.residual = RESIDUALS[self.setting.placement](self.setting, self.constants[0])
        self.branches = Attention(self.setting, stds), FeedForward(self.setting, stds)
        self.stream_squares = [squared_norm(self.input)]  # ‖x_l‖² for l = 0, 1, …
        self.sum_squares: list[float] = []  # of the sum of shortcut and branch
        self.overflow: int | None = None

    def stream(self, depth: int) -> FloatArray:
        """x_l (rows, d_model) at l = depth."""
        return self.tapes[depth - 1].stream if depth else self.input

    def forward(self, sub_layers: int) -> None:
        """Compute x_1 … x_L as far as they are missing, or to the first that is not finite."""
        if self.setting.constants(sub_layers) != self.constants:
            self._prepare(sub_layers)
        for sub_layer in range(len(self.sum_squares), sub_layers):
            if self.overflow is not None:
                return
            tape, x, f = self.tapes[sub_layer], self.stream(sub_layer), self.branches[sub_layer % 2]
            f.load(self.draws[sub_layer // 2])
            total = self.residual.forward(f, x, tape)
            square = squared_norm(total)
            self.sum_squares.append(square)
            self.stream_squares.append(
                square if total is tape.stream else squared_norm(tape.stream)
            )
            if not math.isfinite(self.stream_squares[-1]):
                self.overflow = sub_layer + 1

    def backward(self, sub_layers: int) -> Iterator[BackwardStep]:
        """From l = L down to 0, after `forward(sub_layers)` without overflow.

        The backward pass is linear in the gradient. So it can be multiplied by a power of two,
        which rounds nothing, whenever it comes near the ends of float32's range.
        """
        dx, dy = self.gradients
        self._output_gradient(sub_layers, out=dx)
        square, exponent = squared_norm(dx), 0
        yield BackwardStep(sub_layers, dx, square, exponent, None)
        for depth in reversed(range(sub_layers)):
            dx, dy = dy, dx
            shift = self._shift(square, depth)
            if shift:
                np.ldexp(dy, shift, out=dy)
                exponent -= shift
            tape, x, f = self.tapes[depth], self.stream(depth), self.branches[depth % 2]
            f.load_transposed(self.draws[depth // 2])
            self.residual.backward(f, x, tape, dy, dx)
            square = squared_norm(dx)
            yield BackwardStep(depth, dx, square, exponent, f)

    def _output_gradient(self, sub_layers: int, out: FloatArray) -> None:
        """∂L/∂x_L of L = ⟨c, y⟩, where y is x_L or, with a final norm, norm(x_L)."""
        upstream = upstream_gradient(self.setting)
        if not self.residual.final_norm:
            out[...] = upstream
            return
        norm, y = self.residual.norm, np.empty_like(out)
        inverse = norm.forward(self.stream(sub_layers), out=y)
        norm.backward(upstream, y, inverse, out=out)

    def _shift(self, square: float, depth: int) -> int:
        """The power of two that brings the gradient back to about 1, or 0 while it is near.

        Where a stream without norms is large (rms > 1), products in the backward pass hold up
        to three factors of it; so the gradient is brought to rms^−1.5 there, but not to less
        than 2^−100, from where float32 would round it.
        """
        if not 0 < square < math.inf:
            return 0
        mean_square = self.stream_squares[depth] / self.input.size
        wanted = -min(0.75 * math.log2(max(1.0, mean_square)), 100)
        shift = wanted - 0.5 * math.log2(square)
        return round(shift) if abs(shift) > 16 else 0
