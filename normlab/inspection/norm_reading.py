"""What kind of norm is this? Read from what it computes, not from what it is called."""

from dataclasses import dataclass
from typing import Literal

from normlab.tools.table import Table

Kind = Literal["LayerNorm", "RMSNorm"]
AnyKind = Literal["LayerNorm", "RMSNorm", "DyT", "BatchNorm", "GroupNorm", "other"]
Affine = Literal["none", "weight", "weight, bias", "1 + weight", "1 + weight, bias"]
Gain = Literal["weight", "1 + weight", "none"]
EpsPlace = Literal["inside", "outside", "greatest of"]


class NotANorm(ValueError):
    """What was probed computes something else."""


@dataclass(frozen=True)
class NormReading:
    """A norm, as its outputs show it.

    Attributes:
        kind: "LayerNorm" takes the mean away, "RMSNorm" does not.
        eps: ε, to three digits; 0 if there is none.
        affine: the gain, "weight" or "1 + weight", and whether there is a bias.
        size: how many numbers share a mean square; D of a norm over the last axis.
        eps_place: √(v + ε) is "inside", σ + ε "outside", max(σ, ε) the "greatest of" the two.
        unbiased: whether the sum of squares is divided by size − 1.
        scale: what the norm's outputs are multiplied by before the gain; 1 in most.
        gain_power: how often the gain is applied; 1 in most, 2 by mistake.
        axes: those that share a mean square, of a tensor of `shape`.
        shape: of the input on which it was read.
        groups: into how many parts the first of the axes is cut; 1 in most.
    """

    kind: AnyKind
    eps: float
    affine: Affine
    size: int
    eps_place: EpsPlace = "inside"
    unbiased: bool = False
    scale: float = 1.0
    gain_power: int = 1
    axes: tuple[int, ...] = (-1,)
    shape: tuple[int, ...] = ()
    groups: int = 1

    @property
    def gain(self) -> Gain:
        """The gain alone."""
        return "1 + weight" if "1 + " in self.affine else "weight" if "w" in self.affine else "none"

    @property
    def bias(self) -> bool:
        """Whether something is added."""
        return "bias" in self.affine

    def table(self) -> Table:
        """One row."""
        return Table(
            ("norm", "ε", "affine", "size"), [[self.kind, f"{self.eps:g}", self.affine, self.size]]
        )


def of_length_one(scale: float, size: int) -> bool:
    """Whether rows come out with length 1, where a norm gives them √size."""
    return size > 1 and abs(scale**2 * size - 1) < 1e-3
