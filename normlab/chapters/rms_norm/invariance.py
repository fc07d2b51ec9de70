"""Which change of weights or data leaves norm(Wx) as it was: 5 norms × 6 changes, computed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from normlab.norms import FloatArray, batch_norm, layer_norm, rms_norm
from normlab.tools.table import Table

THRESHOLD = 1e-6
"""A relative change below it counts as none. The cells stay far from it on both sides."""

FACTOR = 2.5
"""Of every re-scaling. A power of 2 would hide all rounding."""


@dataclass(frozen=True)
class Layer:
    """Weights W (D, K), one row per output feature, and cases x (N, K), one row per case."""

    weight: FloatArray
    cases: FloatArray

    def summed_inputs(self) -> FloatArray:
        """z = W x of every case, (N, K) @ (K, D) -> (N, D)."""
        return self.cases @ self.weight.T


def random_layer(features: int = 64, inputs: int = 32, cases: int = 16, seed: int = 26) -> Layer:
    """Normal weights and cases; the cases have a mean of ½, as data seldom has mean 0."""
    rng = np.random.default_rng(seed)
    weight = rng.standard_normal((features, inputs)) / np.sqrt(inputs)
    return Layer(weight, rng.standard_normal((cases, inputs)) + 0.5)


def weight_norm(layer: Layer) -> FloatArray:
    """Weight normalization: each row of W is divided by its length, (N, D).

    Formula: y_d = (w_d/‖w_d‖)·x. Source: Salimans & Kingma 2016, Eq. 2 (arXiv:1602.07868).

    >>> weight_norm(Layer(np.array([[3.0, 4.0]]), np.array([[1.0, 1.0]])))
    array([[1.4]])
    """
    lengths = np.linalg.norm(layer.weight, axis=1, keepdims=True)  # (D, K) -> (D, 1)
    return replace(layer, weight=layer.weight / lengths).summed_inputs()


def partial_rms_norm(x: FloatArray, part: float = 1 / 16) -> FloatArray:
    """pRMSNorm: RMSNorm whose mean square is estimated from the first features of (..., D).

    Formula: y = x/√(mean(x_1², …, x_k²)) with k = ⌈part·D⌉; the paper uses part = 6.25 %.

    Raises:
        ValueError: if `part` is not in (0, 1].

    Source: Zhang & Sennrich 2019, section 5 (arXiv:1910.07467).

    >>> partial_rms_norm(np.array([2.0, 6.0]), part=0.5)
    array([1., 3.])
    """
    if not 0 < part <= 1:
        raise ValueError(f"part is {part}; expected a share of the features in (0, 1].")
    first = x[..., : int(np.ceil(part * x.shape[-1]))]
    normalized: FloatArray = x / np.sqrt((first * first).mean(-1, keepdims=True))  # (..., k) -> 1
    return normalized


INVARIANCE_NORMS: Mapping[str, Callable[[Layer], FloatArray]] = {
    "BatchNorm": lambda layer: batch_norm(layer.summed_inputs(), eps=0),
    "WeightNorm": weight_norm,
    "LayerNorm": lambda layer: layer_norm(layer.summed_inputs(), eps=0),
    "RMSNorm": lambda layer: rms_norm(layer.summed_inputs(), eps=0),
    "pRMSNorm": lambda layer: partial_rms_norm(layer.summed_inputs()),
}
"""norm(Wx) of a layer, (N, D), without gain and shift, ε = 0."""


def _scale_first(rows: FloatArray) -> FloatArray:
    """`rows` (n, m) with row 0 multiplied by FACTOR."""
    scaled = rows.copy()
    scaled[0] *= FACTOR
    return scaled


def _shift(size: int) -> FloatArray:
    """A fixed vector (size,) of normal numbers: what a re-centering adds."""
    return 0.5 * np.random.default_rng(1).standard_normal(size)


CHANGES: Mapping[str, Callable[[Layer], Layer]] = {
    "weight matrix re-scaling": lambda la: replace(la, weight=FACTOR * la.weight),
    "weight matrix re-centering": lambda la: replace(
        la, weight=la.weight + _shift(la.weight.shape[1])
    ),
    "weight vector re-scaling": lambda la: replace(la, weight=_scale_first(la.weight)),
    "dataset re-scaling": lambda la: replace(la, cases=FACTOR * la.cases),
    "dataset re-centering": lambda la: replace(la, cases=la.cases + _shift(la.cases.shape[1])),
    "single case re-scaling": lambda la: replace(la, cases=_scale_first(la.cases)),
}
"""The six changes of Zhang & Sennrich 2019, Table 1. Re-centering the weights adds the same
row vector to every row of W: W + 𝟏bᵀ. Re-centering the data adds the same vector to every x."""

PAPER: Mapping[str, str] = {
    "BatchNorm": "✓✗✓✓✓✗",
    "WeightNorm": "✓✗✓✗✗✗",
    "LayerNorm": "✓✓✗✓✗✓",
    "RMSNorm": "✓✗✗✓✗✓",
    "pRMSNorm": "✓✗✗✓✗✓",
}
"""Zhang & Sennrich 2019, Table 1, in the order of CHANGES."""


@dataclass(frozen=True)
class Cell:
    """The outputs (N, D) of one norm before and after one change."""

    before: FloatArray
    after: FloatArray

    @property
    def relative_change(self) -> float:
        """‖after − before‖/‖before‖ over all outputs."""
        return float(np.linalg.norm(self.after - self.before) / np.linalg.norm(self.before))

    @property
    def mark(self) -> str:
        return "✓" if self.relative_change < THRESHOLD else "✗"


@dataclass(frozen=True)
class InvarianceTable:
    """Every cell of the table, by norm and change, and the layer that was changed."""

    layer: Layer
    cells: Mapping[tuple[str, str], Cell]

    def marks(self, norm: str) -> str:
        """One ✓ or ✗ for each change."""
        return "".join(self.cells[norm, change].mark for change in CHANGES)

    def changes(self, mark: str) -> list[float]:
        """The relative changes of all cells with this mark, smallest first."""
        return sorted(c.relative_change for c in self.cells.values() if c.mark == mark)

    def table(self) -> Table:
        """The marks, and whether the paper has the same."""
        rows = [
            [norm, *self.marks(norm), "yes" if self.marks(norm) == PAPER[norm] else "no"]
            for norm in INVARIANCE_NORMS
        ]
        return Table(("norm(Wx)", *CHANGES, "as in the paper"), rows)


def invariance_table(
    seed: int = 26, rms_norm: Callable[..., FloatArray] = rms_norm
) -> InvarianceTable:
    """All 30 cells for one random layer, in float64.

    Args:
        seed: of the layer.
        rms_norm: rms_norm(x, gamma, eps) that computes the row of RMSNorm.

    >>> invariance_table().marks("RMSNorm")
    '✓✗✗✓✗✓'
    """
    layer = random_layer(seed=seed)

    def by_rms_norm(layer: Layer) -> FloatArray:
        return rms_norm(layer.summed_inputs(), np.ones(len(layer.weight)), 0)

    norms = {**INVARIANCE_NORMS, "RMSNorm": by_rms_norm}
    cells = {
        (name, change): Cell(norm(layer), norm(apply(layer)))
        for name, norm in norms.items()
        for change, apply in CHANGES.items()
    }
    return InvarianceTable(layer, cells)
