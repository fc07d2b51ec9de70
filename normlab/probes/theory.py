"""What theory says of signal and gradient by depth in an untrained stack."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from normlab.models.stack import STACK_PLACEMENTS, StackSetting
from normlab.models.stack.setting import check_count
from normlab.norms import FloatArray
from normlab.tools.table import Table

FINAL_NORM = ("pre-norm", "peri-norm")
BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Flow:
    """What theory says of a stack of S sub-layers.

    Attributes:
        mean_square: ‖x_s‖²/D for s = 0 … S (S + 1,); inf where it is no float64.
        log10_gradient: of ‖∂ℒ/∂x_s‖ for a loss ℒ = ⟨c, y⟩ with ‖c‖ = 1 (S + 1,).
    """

    mean_square: FloatArray
    log10_gradient: FloatArray


@dataclass(frozen=True)
class FlowTheory:
    """The two ends between which theory holds a stack, by how alike its tokens are.

    Attributes:
        unlike: for tokens that have nothing in common.
        alike: for tokens that are all the same.
    """

    unlike: Flow
    alike: Flow

    def table(self) -> Table:
        """One row per depth."""
        columns = (
            self.unlike.mean_square,
            self.alike.mean_square,
            self.alike.log10_gradient,
            self.unlike.log10_gradient,
        )
        rows = zip(range(len(columns[0])), *(c.tolist() for c in columns), strict=True)
        names = ("s", "‖x‖²/D unlike", "alike", "log₁₀ ‖∂ℒ/∂x‖ alike", "unlike")
        return Table(names, [list(row) for row in rows])


def flow_theory(setting: StackSetting, sub_layers: int) -> FlowTheory:
    """The mean over random weights, for a wide model and uniform attention.

    A branch multiplies the mean square of what enters it by κ: FFN
    D · d_ff · σ₁² · σ₂² / 2 (ReLU keeps half); attention D² · σ_v² · σ_o² times what averaging
    leaves of the tokens: all if they are alike, 1/T if the T tokens have nothing in common. The
    gradient that goes back through a branch is multiplied by the same κ. So in one sub-layer

        none:       x² → (1 + κ) x²       dx² ← (1 + κ) dx²
        post-norm:  x² → 1                dx² ← (α² + κ)/(α² + κ) dx² / x²
        pre-norm:   x² → x² + κ           dx² ← (1 + κ/x²) dx²
        peri-norm:  x² → x² + 1           dx² ← (1 + 1/x²) dx²

    where x² and dx² are means over weights, tokens and features, and α = 1 unless DeepNorm's. A
    final norm gives dx_S² = c²/x_S². When tokens are alike, attention carries back only the
    part of the gradient that they share; of a random c that is 1/T.

    Args:
        setting: the stack. Scores are taken as uniform, whatever W_q and W_k are.
        sub_layers: S ≥ 1.

    Source: x² of pre-norm is Lemma 2 of Xiong et al. 2020, arXiv:2002.04745, in the weights
    N(0, 1/D) of that paper; its lower end has T → ∞. That of post-norm is its Lemma 2 too.
    The gradient is the same argument backwards (that of Glorot & Bengio 2010, §4.2, for a
    residual branch), not a result of the paper.

    Raises:
        ValueError: if `sub_layers` is not a whole number ≥ 1.

    >>> theory = flow_theory(StackSetting("pre-norm", init="xiong", tokens=1), sub_layers=4)
    >>> theory.alike.mean_square.round(6).tolist()  # 1 + 3l/2 after l layers
    [1.0, 2.0, 2.5, 3.5, 4.0]
    >>> (10 ** theory.alike.log10_gradient).round(3).tolist()  # one over its root
    [1.0, 0.707, 0.632, 0.535, 0.5]
    """
    check_count(sub_layers, "sub_layers")
    tokens = setting.tokens
    return FlowTheory(
        unlike=_flow_of_setting(setting, sub_layers, averaged=1 / tokens, shared=1.0),
        alike=_flow_of_setting(setting, sub_layers, averaged=1.0, shared=1 / tokens),
    )


def theory_of_branches(
    placement: str,
    kappas: FloatArray,
    mixes_tokens: BoolArray,
    tokens: int,
    start: float = 1.0,
    shortcut: float = 1.0,
) -> FlowTheory:
    """The same for S branches whose κ are known, in a stack without a final norm.

    Both ends have the same stream: a measured κ holds what averaging leaves of the tokens.

    Args:
        placement: "none", "pre-norm", "peri-norm", "post-norm" or "deepnorm".
        kappas: κ of each sub-layer (S,).
        mixes_tokens: whether it is attention (S,).
        tokens: T of a sequence.
        start: ‖x_0‖²/D.
        shortcut: α of a norm behind the sum.

    Raises:
        ValueError: if the placement is unknown, or the shapes differ.

    >>> theory = theory_of_branches("pre-norm", np.ones(3), np.array([True, False, True]), 16)
    >>> theory.unlike.mean_square.tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    if placement not in STACK_PLACEMENTS:
        raise ValueError(
            f"placement is {placement!r}; expected one of {', '.join(STACK_PLACEMENTS)}."
        )
    if kappas.ndim != 1 or kappas.shape != mixes_tokens.shape:
        raise ValueError(
            f"kappas have shape {kappas.shape} and mixes_tokens {mixes_tokens.shape}; "
            "expected one (S,)."
        )
    stack = _Branches(placement, kappas, ~mixes_tokens, start, shortcut)
    return FlowTheory(unlike=_flow(stack, 1.0), alike=_flow(stack, 1 / tokens))


def _flow_of_setting(
    setting: StackSetting, sub_layers: int, averaged: float, shared: float
) -> Flow:
    """`averaged` is what averaging leaves of values."""
    std, d = setting.weight_stds(sub_layers), setting.d_model
    attention = averaged * (d * std["W_v"] * std["W_o"]) ** 2
    feed_forward = d * setting.d_ff * (std["W_1"] * std["W_2"]) ** 2 / 2
    is_ffn = np.arange(sub_layers) % 2 == 1
    kappas = np.where(is_ffn, feed_forward, attention)  # (S,)
    start, shortcut = setting.input_std**2, setting.constants(sub_layers)[0]
    stack = _Branches(setting.placement, kappas, is_ffn, start, shortcut)
    return _flow(stack, shared, final_norm=setting.placement in FINAL_NORM)


@dataclass(frozen=True)
class _Branches:
    """S sub-layers: the placement, κ and kind of each, ‖x_0‖²/D and α."""

    placement: str
    kappas: FloatArray
    is_ffn: BoolArray
    start: float
    shortcut: float


def _flow(stack: _Branches, shared: float, final_norm: bool = False) -> Flow:
    """`shared` is what attention hands back of c."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        square = _mean_square(stack)
        end = -np.log10(square[-1]) if final_norm else 0.0
        parts = [(shared, np.ones(len(stack.kappas))), (1 - shared, stack.is_ffn.astype(float))]
        logs = [
            np.log10(share) + _log10_back(stack, square[:-1], carried) for share, carried in parts
        ]
        total = np.logaddexp(*(np.log(10) * log for log in logs)) / np.log(10)  # log of a sum
    return Flow(square, 0.5 * (end + total))


def _mean_square(stack: _Branches) -> FloatArray:
    """‖x_s‖²/D, κ of each sub-layer (S,) -> (S + 1,)."""
    start, kappas = stack.start, stack.kappas
    if stack.placement == "none":
        after = start * np.cumprod(1 + kappas)
    elif stack.placement == "pre-norm":
        after = start + np.cumsum(kappas)
    elif stack.placement == "peri-norm":
        after = start + np.arange(1.0, len(kappas) + 1)
    else:
        after = np.ones(len(kappas))
    return np.append(start, after)


def _log10_back(stack: _Branches, square: FloatArray, carried: FloatArray) -> FloatArray:
    """log₁₀ of dx_s²/dx_S², (S,) -> (S + 1,); `carried` is the share that branches hand back."""
    shortcut, kappas = stack.shortcut**2, stack.kappas
    if stack.placement == "none":
        factors = 1 + carried * kappas
    elif stack.placement == "pre-norm":
        factors = 1 + carried * kappas / square
    elif stack.placement == "peri-norm":
        factors = 1 + carried / square
    else:
        factors = (shortcut + carried * kappas) / (shortcut + kappas) / square
    # Σ over sub-layers s … S − 1
    return np.append(np.cumsum(np.log10(factors[::-1]))[::-1], 0.0)
