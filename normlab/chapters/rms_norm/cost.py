"""What a norm costs: its operations as data, so that every count is a sum and not a claim."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """One addition or multiplication for each of the N·D elements.

    Args:
        formula: what it computes.
        reads, writes: full-size arrays that it reads and writes when it runs on its own.
            Numbers per row (μ, 1/σ) and per feature (γ, dγ) are 1/D or 1/N of that: not counted.
    """

    formula: str
    reads: int
    writes: int


OPERATIONS: Mapping[tuple[str, str], Sequence[Operation]] = {
    ("LayerNorm", "forward"): (
        Operation("sum of x", 1, 0),
        Operation("x − μ", 1, 1),
        Operation("(x − μ)²", 1, 1),
        Operation("sum of (x − μ)²", 1, 0),
        Operation("x̂ = (x − μ) · (1/σ)", 1, 1),
        Operation("γ ⊙ x̂", 1, 1),
        Operation("+ β", 1, 1),
    ),
    ("RMSNorm", "forward"): (
        Operation("x²", 1, 1),
        Operation("sum of x²", 1, 0),
        Operation("x̂ = x · (1/r)", 1, 1),
        Operation("γ ⊙ x̂", 1, 1),
    ),
    ("LayerNorm", "backward"): (
        Operation("x − μ", 1, 1),
        Operation("x̂ = (x − μ) · (1/σ)", 1, 1),
        Operation("dy ⊙ x̂", 2, 1),
        Operation("dγ: sum of dy ⊙ x̂ over rows", 1, 0),
        Operation("dβ: sum of dy over rows", 1, 0),
        Operation("ĝ = dy ⊙ γ", 1, 1),
        Operation("sum of ĝ", 1, 0),
        Operation("ĝ ⊙ x̂", 2, 1),
        Operation("sum of ĝ ⊙ x̂", 1, 0),
        Operation("x̂ · mean(ĝ ⊙ x̂)", 1, 1),
        Operation("ĝ − mean(ĝ)", 1, 1),
        Operation("difference of the last two", 2, 1),
        Operation("dx = that · (1/σ)", 1, 1),
    ),
    ("RMSNorm", "backward"): (
        Operation("x̂ = x · (1/r)", 1, 1),
        Operation("dy ⊙ x̂", 2, 1),
        Operation("dγ: sum of dy ⊙ x̂ over rows", 1, 0),
        Operation("ĝ = dy ⊙ γ", 1, 1),
        Operation("ĝ ⊙ x̂", 2, 1),
        Operation("sum of ĝ ⊙ x̂", 1, 0),
        Operation("x̂ · mean(ĝ ⊙ x̂)", 1, 1),
        Operation("ĝ − that", 2, 1),
        Operation("dx = that · (1/r)", 1, 1),
    ),
}
"""By norm and direction, in the order of normlab.norms. μ, 1/σ and 1/r are kept for backward."""

FUSED_ELEMENTS: Mapping[str, int] = {"forward": 2, "backward": 3}
"""Elements moved per element by one fused kernel: read x, write y; read x and dy, write dx."""


@dataclass(frozen=True)
class NormCost:
    """What one norm costs for each element of its input.

    Args:
        flops: additions and multiplications; what is done once a row or a feature is left out.
        eager_elements: elements read and written if each operation runs on its own.
        fused_elements: the same if one kernel does everything.
    """

    norm: str
    direction: str
    flops: int
    eager_elements: int
    fused_elements: int


def norm_cost(norm: str, direction: str) -> NormCost:
    """The sums over the operations of "LayerNorm" or "RMSNorm", "forward" or "backward".

    Raises:
        ValueError: if there is no such norm or direction.

    >>> norm_cost("RMSNorm", "forward").flops
    4
    """
    operations = OPERATIONS.get((norm, direction))
    if operations is None:
        known = ", ".join(" ".join(key) for key in OPERATIONS)
        raise ValueError(f"there is no {norm!r} {direction!r}; expected one of: {known}.")
    return NormCost(
        norm,
        direction,
        len(operations),
        sum(op.reads + op.writes for op in operations),
        FUSED_ELEMENTS[direction],
    )


@dataclass(frozen=True)
class LayerShare:
    """Forward FLOPs of one token in one transformer layer of width D.

    Args:
        matrices: 2·12 D²: attention's four D×D matrices and an MLP of 4D, a multiplication and
            an addition for each weight. The scores of attention (∝ context) come on top.
        layer_norms, rms_norms: two norms of D features.
    """

    width: int
    matrices: int
    layer_norms: int
    rms_norms: int

    @property
    def saving(self) -> float:
        """FLOPs saved by RMSNorm, as a share of the matrices'."""
        return (self.layer_norms - self.rms_norms) / self.matrices


def layer_share(width: int) -> LayerShare:
    """The count at one width.

    Raises:
        ValueError: if `width` is not positive.

    >>> layer_share(4096).matrices
    402653184
    """
    if width < 1:
        raise ValueError(f"width is {width}; expected the number of features, at least 1.")
    norms = (2 * width * norm_cost(name, "forward").flops for name in ("LayerNorm", "RMSNorm"))
    return LayerShare(width, 24 * width**2, *norms)


@dataclass(frozen=True)
class RunTime:
    """A row of Zhang & Sennrich 2019: the time that a whole model took with either norm.

    Args:
        source: the paper's table.
        unit: of the two times.
    """

    source: str
    model: str
    layer_norm: float
    rms_norm: float
    unit: str

    @property
    def gain(self) -> float:
        """The part of the time that RMSNorm saves."""
        return 1 - self.rms_norm / self.layer_norm


RUN_TIMES = (
    RunTime("Table 2", "RNNSearch, TensorFlow", 665, 501, "s per 1000 steps"),
    RunTime("Table 3", "RNNSearch, Theano", 988, 652, "s per 1000 steps"),
    RunTime("Table 3", "RNNSearch, PyTorch", 857, 763, "s per 1000 steps"),
    RunTime("Table 4", "Transformer", 248, 231, "s per 1000 steps"),
    RunTime("Table 6", "attentive reader", 392, 333, "s per 100 steps"),
    RunTime("Table 8", "order embedding", 12.02, 7.12, "s per 100 steps"),
    RunTime("Table 10", "CIFAR-10 CNN", 39, 31, "s per epoch"),
)
"""Zhang & Sennrich 2019 (arXiv:1910.07467). The gain is computed from the two times."""
