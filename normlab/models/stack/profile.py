"""Signal and gradient by depth: what the explorers of deep stacks draw."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from normlab.models.stack.kernels import squared_norms
from normlab.models.stack.run import StackRun, stack_arithmetic
from normlab.models.stack.setting import (
    ATTENTION_WEIGHTS,
    FEED_FORWARD_WEIGHTS,
    StackSetting,
    check_count,
)
from normlab.models.stack.tape import borrowed_tapes
from normlab.norms import FloatArray
from normlab.tools.table import Table


@dataclass(frozen=True)
class StackProfile:
    """Signal and gradient at every depth l = 0 … L of a stack of L sub-layers.

    Gradients are of L = ⟨c, y⟩, where y is the stack's output (after the final norm, where
    there is one) and c a fixed draw of N(0, 1) over the root of its size, so that ‖c‖ ≈ 1.
    They are given as log₁₀ of their norm over all tokens and features, because the norm itself
    may lie outside float64's range; −inf is a gradient of exactly 0.

    Attributes:
        setting, sub_layers: what was run.
        mean_square: ‖x_l‖²/d_model, the mean over tokens and batch (L + 1,). x_L is the stream
            before the final norm.
        sum_mean_square: the same of the sum of shortcut and branch in sub-layer l (L,):
            with post-norm and DeepNorm the input of its norm, elsewhere x_{l+1}.
        log10_gradient: of ‖∂L/∂x_l‖ (L + 1,).
        log10_weight_gradient: of ‖∂L/∂W‖ by name; "W_q", "W_k", "W_v", "W_o" of each attention
            sub-layer (⌈L/2⌉,), "W_1", "W_2" of each feed-forward sub-layer (⌊L/2⌋,). Empty
            where they were not asked for.
        overflow: the first l where x_l is not finite in the setting's dtype, or None. From
            there on the mean squares are inf, and all gradients are nan: there is no loss.
    """

    setting: StackSetting
    sub_layers: int
    mean_square: FloatArray
    sum_mean_square: FloatArray
    log10_gradient: FloatArray
    log10_weight_gradient: Mapping[str, FloatArray]
    overflow: int | None

    def table(self, rows: int = 13) -> Table:
        """Up to `rows` depths, evenly spread; W is W_o or W_2 of the sub-layer that x_l enters."""
        cells = [[depth, *self._cells(depth)] for depth in spread_depths(self.sub_layers, rows)]
        return Table(("l", "sub-layer", "‖x_l‖²/d", "‖∂L/∂x_l‖", "‖∂L/∂W‖"), cells)

    def _cells(self, depth: int) -> list[str]:
        signal = f"{self.mean_square[depth]:.3g}"
        gradient = power_of_ten(self.log10_gradient[depth])
        if depth == self.sub_layers:
            return ["output", signal, gradient, ""]
        name, kind = ("W_2", "FFN") if depth % 2 else ("W_o", "attention")
        if name not in self.log10_weight_gradient:
            return [kind, signal, gradient, ""]
        weight = power_of_ten(self.log10_weight_gradient[name][depth // 2])
        return [kind, signal, gradient, f"{name}: {weight}"]


def spread_depths(sub_layers: int, rows: int) -> list[int]:
    """Up to `rows` depths from 0 to L, evenly spread.

    >>> spread_depths(10, 5)
    [0, 2, 5, 8, 10]
    """
    depths: list[int] = np.unique(np.linspace(0, sub_layers, rows).round().astype(int)).tolist()
    return depths


def power_of_ten(log10: float) -> str:
    """10^log10 in three digits, also where it is no float64.

    >>> power_of_ten(-400.5), power_of_ten(0.0), power_of_ten(-math.inf)
    ('3.16e-401', '1', '0')
    """
    if not math.isfinite(log10):
        return {-math.inf: "0", math.inf: "inf"}.get(log10, "nan")
    if -3 <= log10 < 5:
        return f"{10**log10:.3g}"
    exponent = math.floor(log10)
    return f"{10 ** (log10 - exponent):.2f}e{exponent}"


def stack_profile(setting: StackSetting, sub_layers: int) -> StackProfile:
    """Signal and gradient by depth of one stack.

    Args:
        setting: the stack.
        sub_layers: L ≥ 1, attention and feed-forward counted separately: 2 make a layer.

    Raises:
        ValueError: if `sub_layers` is not a whole number ≥ 1.

    >>> setting = StackSetting("post-norm", d_model=16, d_ff=32, tokens=4, batch=1)
    >>> profile = stack_profile(setting, sub_layers=6)
    >>> bool(abs(profile.mean_square[1:] - 1).max() < 1e-4)  # a norm's output
    True
    >>> profile.log10_gradient.shape, profile.log10_weight_gradient["W_2"].shape
    ((7,), (3,))
    """
    return next(stack_profiles(setting, [sub_layers]))


def stack_profiles(setting: StackSetting, depths: Iterable[int]) -> Iterator[StackProfile]:
    """The profiles of several depths of one setting, in the order given, one at a time.

    The forward pass of the deepest so far serves the others, except with DeepNorm, whose α and
    β depend on the depth. Start with the depth that is wanted first.

    Raises:
        ValueError: as `stack_profile`.

    >>> setting = StackSetting(d_model=16, d_ff=32, tokens=4, batch=1)
    >>> [len(profile.mean_square) for profile in stack_profiles(setting, [8, 2])]
    [9, 3]
    """
    return (profile for (profile,) in _profiles((setting,), depths, weights=True))


def profiles_side_by_side(
    settings: Sequence[StackSetting], depths: Iterable[int]
) -> Iterator[tuple[StackProfile, ...]]:
    """For each depth a profile of each setting, without the gradients of weights.

    The settings differ in their placement alone, so that stacks of the same weights go through
    one pass: more rows for each product. A pass without gradients of weights takes two thirds
    of the time of one with them.

    Raises:
        ValueError: as `stack_profile`; if the settings differ in more than their placement.

    >>> sizes = {"d_model": 16, "d_ff": 32, "tokens": 4, "batch": 1}
    >>> pair = [StackSetting(name, **sizes) for name in ("post-norm", "pre-norm")]
    >>> ((post, pre),) = profiles_side_by_side(pair, [6])
    >>> bool(post.mean_square[6] < pre.mean_square[6])
    True
    """
    first = settings[0]
    for other in settings:
        if replace(other, placement=first.placement) != first:
            raise ValueError(
                f"{other} stands beside {first}; expected settings that differ in their "
                "placement alone."
            )
    return _profiles(settings, depths, weights=False)


def _profiles(
    settings: Sequence[StackSetting], depths: Iterable[int], weights: bool
) -> Iterator[tuple[StackProfile, ...]]:
    with borrowed_tapes(settings[0], len(settings)) as tapes:
        run = StackRun(settings, tapes)
        for sub_layers in depths:
            check_count(sub_layers, "sub_layers")
            yield _profiles_of(run, int(sub_layers), weights)


def _profiles_of(run: StackRun, sub_layers: int, weights: bool) -> tuple[StackProfile, ...]:
    """The profile of each stack of a run at one depth."""
    measured = [(math.nan,) * len(run.settings)] * (sub_layers + 1)
    exponents = [(0,) * len(run.settings)] * (sub_layers + 1)
    weight_squares = [[math.nan] * len(_weights_of(depth)) for depth in range(sub_layers)]
    with stack_arithmetic():
        run.forward(sub_layers)
        overflows = [run.overflows(stack, sub_layers) for stack in range(len(run.settings))]
        for step in run.backward(sub_layers, weights) if None in overflows else ():
            measured[step.depth], exponents[step.depth] = step.squares, step.exponents
            if weights and step.branch is not None:
                weight_squares[step.depth] = squared_norms(step.branch.d_weight_rows)
        squares = np.array(measured).T  # (L + 1, P) -> (P, L + 1)
        squares[[overflow is not None for overflow in overflows]] = np.nan
        gradients = _log10_norms(squares, np.array(exponents).T)
        by_name = _log10_weight_norms(weight_squares, np.array(exponents)[:, 0]) if weights else {}
    return tuple(
        StackProfile(
            setting,
            sub_layers,
            _mean_squares(run.stream_squares[stack], sub_layers + 1, run),
            _mean_squares(run.sum_squares[stack], sub_layers, run),
            gradients[stack],
            by_name,
            overflows[stack],
        )
        for stack, setting in enumerate(run.settings)
    )


def _mean_squares(squares: list[float], count: int, run: StackRun) -> FloatArray:
    """The first `count` squares per row and feature; inf where the stream was not finite."""
    known = np.array(squares[:count]) / run.input.size
    means = np.full(count, np.inf)
    means[: len(known)] = np.where(np.isfinite(known), known, np.inf)
    return means


def _weights_of(sub_layer: int) -> tuple[str, ...]:
    return FEED_FORWARD_WEIGHTS if sub_layer % 2 else ATTENTION_WEIGHTS


def _log10_weight_norms(
    squares: list[list[float]], exponents: FloatArray
) -> Mapping[str, FloatArray]:
    """By name, of the squares of each sub-layer's weights; `exponents` (L + 1,), one a depth."""
    return {
        name: _log10_norms(np.array([of[column] for of in squares[kind::2]]), exponents[kind:-1:2])
        for kind in (0, 1)
        for column, name in enumerate(_weights_of(kind))
    }


def _log10_norms(squares: FloatArray, exponents: FloatArray) -> FloatArray:
    """log₁₀(√square · 2^exponent)."""
    return 0.5 * np.log10(squares) + math.log10(2) * exponents
