"""Whole stacks: forward once, backward from any depth, in float32 to a thousand sub-layers."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from normlab.models.stack.attention import Attention
from normlab.models.stack.feed_forward import FeedForward
from normlab.models.stack.kernels import squared_norm
from normlab.models.stack.memory import aligned_empty
from normlab.models.stack.setting import StackSetting
from normlab.models.stack.side_by_side import Lanes, SideBySide
from normlab.models.stack.tape import Tapes
from normlab.models.stack.uniform_attention import UniformAttention
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
    """∂L/∂x_l of each stack, and the branch of sub-layer l (None at the output).

    The numbers of a stack are to be multiplied by 2^exponent. The arrays are buffers that hold
    them until the next step.
    """

    depth: int
    d_streams: Lanes
    squares: tuple[float, ...]
    exponents: tuple[int, ...]
    branch: Attention | UniformAttention | FeedForward | None


class StackRun:
    """Stacks that differ in their placement alone, whose forward pass serves many backward ones.

    A stack of depth L is the beginning of a deeper one, except with DeepNorm, whose α and β
    depend on L: there each depth has a forward pass of its own.
    """

    def __init__(self, settings: Sequence[StackSetting], tapes: Tapes) -> None:
        self.settings, self.tapes = settings, tapes
        s = settings[0]
        self.input, self.draws = stack_input(s), stack_draws(s)
        buffers = aligned_empty((2, len(settings), *self.input.shape), s.numpy_dtype)
        self.gradients = list(buffers[0]), list(buffers[1])
        self._prepare(sub_layers=1)

    def _prepare(self, sub_layers: int) -> None:
        """Set α and β of stacks of this depth, and forget the forward pass."""
        s, stacks = self.settings[0], len(self.settings)
        wide, stds = self.tapes.wide, s.weight_stds(sub_layers)
        attention = UniformAttention if s.uniform_attention else Attention
        self.branches = attention(wide, stds), FeedForward(wide, stds)
        self.constants = self._constants(sub_layers)
        self.sub_layer = SideBySide(self.settings, sub_layers)
        self.done = 0  # sub-layers of the forward pass
        start = squared_norm(self.input)
        self.stream_squares = [[start] for _ in range(stacks)]  # ‖x_l‖² for l = 0, 1, …
        self.sum_squares: list[list[float]] = [[] for _ in range(stacks)]  # shortcut and branch
        self.overflow: list[int | None] = [None] * stacks

    def _constants(self, sub_layers: int) -> list[tuple[float, float]]:
        return [setting.constants(sub_layers) for setting in self.settings]

    def streams(self, depth: int) -> Lanes:
        """x_l (rows, d_model) of each stack at l = depth."""
        return self.tapes[depth - 1].streams if depth else [self.input] * len(self.settings)

    def overflows(self, stack: int, sub_layers: int) -> int | None:
        """The first l ≤ L where x_l of a stack is not finite."""
        at = self.overflow[stack]
        return at if at is not None and at <= sub_layers else None

    def forward(self, sub_layers: int) -> None:
        """Compute x_1 … x_L as far as they are missing, or until none is finite."""
        if self._constants(sub_layers) != self.constants:
            self._prepare(sub_layers)
        for depth in range(self.done, sub_layers):
            if None not in self.overflow:
                return
            tape, branch = self.tapes[depth], self.branches[depth % 2]
            branch.load(self.draws[depth // 2])
            sums = self.sub_layer.forward(branch, self.streams(depth), tape)
            for stack, total in enumerate(sums):
                self._measure(stack, total, tape.streams[stack])
            self.done = depth + 1

    def _measure(self, stack: int, total: FloatArray, stream: FloatArray) -> None:
        """Note the squares of one stack, up to where it overflows: no row disturbs another."""
        if self.overflow[stack] is not None:
            return
        square = squared_norm(total)
        self.sum_squares[stack].append(square)
        squares = self.stream_squares[stack]
        squares.append(square if total is stream else squared_norm(stream))
        if not math.isfinite(squares[-1]):
            self.overflow[stack] = len(squares) - 1

    def backward(self, sub_layers: int, weights: bool) -> Iterator[BackwardStep]:
        """From l = L down to 0, after `forward(sub_layers)`; with `weights`, ∂L/∂W too.

        ∂L/∂W is summed over the stacks. One that overflows has no gradient: its squares are 0 or
        nan.

        The backward pass is linear in the gradient. So it can be multiplied by a power of two,
        which rounds nothing, whenever it comes near the ends of float32's range.
        """
        dx, dy = self.gradients
        for stack, out in enumerate(dx):
            self._output_gradient(stack, sub_layers, out)
        squares, exponents = tuple(map(squared_norm, dx)), (0,) * len(dx)
        yield BackwardStep(sub_layers, dx, squares, exponents, None)
        for depth in reversed(range(sub_layers)):
            dx, dy = dy, dx
            shifts = [self._shift(stack, square, depth) for stack, square in enumerate(squares)]
            if any(shifts):
                for d, shift in zip(dy, shifts, strict=True):
                    np.ldexp(d, shift, out=d)
                exponents = tuple(e - shift for e, shift in zip(exponents, shifts, strict=True))
            tape, branch = self.tapes[depth], self.branches[depth % 2]
            branch.load_transposed(self.draws[depth // 2])
            self.sub_layer.backward(branch, self.streams(depth) if weights else None, tape, dy, dx)
            squares = tuple(map(squared_norm, dx))
            yield BackwardStep(depth, dx, squares, exponents, branch)

    def _output_gradient(self, stack: int, sub_layers: int, out: FloatArray) -> None:
        """∂L/∂x_L of L = ⟨c, y⟩, where y is x_L or, with a final norm, norm(x_L)."""
        upstream = upstream_gradient(self.settings[0])
        residual = self.sub_layer.residuals[stack]
        if self.overflows(stack, sub_layers) is not None:
            out[...] = 0
        elif residual.final_norm:
            y = np.empty_like(out)
            inverse = residual.norm.forward(self.streams(sub_layers)[stack], out=y)
            residual.norm.backward(upstream, y, inverse, out=out)
        else:
            out[...] = upstream

    def _shift(self, stack: int, square: float, depth: int) -> int:
        """The power of two that brings the gradient back to about 1, or 0 while it is near.

        Where a stream without norms is large (rms > 1), products in the backward pass hold up
        to three factors of it; so the gradient is brought to rms^−1.5 there, but not to less
        than 2^−100, from where float32 would round it.
        """
        if not 0 < square < math.inf:
            return 0
        mean_square = self.stream_squares[stack][depth] / self.input.size
        wanted = -min(0.75 * math.log2(max(1.0, mean_square)), 100)
        shift = wanted - 0.5 * math.log2(square)
        return round(shift) if abs(shift) > 16 else 0
