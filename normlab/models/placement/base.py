"""What every placement is made of: where a block stands, its norms and gates, its wiring."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeAlias

import torch
from torch import Tensor, nn

TensorMap: TypeAlias = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Site:
    """Where a block stands, and what its placement builds its norms with.

    Args:
        layer: 1 for the first block of its stack.
        stack: the stack that the block belongs to.
        encoder_layers, decoder_layers: blocks in each stack of the model; 0 if it has none.
        sublayers: in this block: 2, or 3 with cross-attention.
        d_model: width of the residual stream.
        norm: builds one norm of that width.
    """

    layer: int
    stack: Literal["encoder", "decoder"]
    encoder_layers: int
    decoder_layers: int
    sublayers: int
    d_model: int
    norm: Callable[[], nn.Module]

    @property
    def layers(self) -> int:
        """Blocks in this block's stack."""
        return self.encoder_layers if self.stack == "encoder" else self.decoder_layers


@dataclass(frozen=True)
class Gains:
    """What a placement multiplies the initial weights of its sub-layers by."""

    query_key: float = 1.0
    value_output: float = 1.0
    value: float = 1.0  # a further factor on W_v alone
    feed_forward: float = 1.0


class Factor(float):
    """A number that diagrams and formulas call by its letter.

    >>> alpha = Factor(2.21, "α")
    >>> 2 * alpha, alpha.letter
    (4.42, 'α')
    """

    letter: str

    def __new__(cls, value: float, letter: str = "") -> Self:
        factor = super().__new__(cls, value)
        factor.letter = letter
        return factor


def lettered(factor: Tensor, letter: str) -> Tensor:
    """A vector of factors that diagrams and formulas call by its letter, as they do a `Factor`.

    >>> lettered(torch.ones(2), "λ").letter
    'λ'
    """
    named: Any = factor
    named.letter = letter
    return factor


class Gate(nn.Module):
    """A learned factor of a branch: y = a ⊙ x, where a has shape () or (D,)."""

    def __init__(self, shape: tuple[int, ...], value: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full(shape, value))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x


class Placement(nn.Module):
    """The wiring of one block. Subclasses define `step`, and `parts` if one norm is not enough.

    Attributes:
        final_norm: whether a stack of such blocks ends with a norm of its own.
        streams: how many residual streams it has. A stack starts them all with its input and ends
            with their sum; if there are several, blocks map (B, T, n, D) to the same.
        gains: what the initial weights of the sub-layers are multiplied by.
    """

    final_norm: ClassVar[bool] = False
    streams: ClassVar[int] = 1

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site_parts: Any = nn.ModuleList(
            nn.ModuleList(self.parts(site)) for _ in range(site.sublayers)
        )
        self.gains = Gains()

    def parts(self, site: Site) -> list[nn.Module]:
        """The norms and gates of one sub-layer."""
        return [site.norm()]

    def step(self, *args: Any, **kwargs: Any) -> Tensor:
        """The stream after one sub-layer: `step(x, f, *parts)`."""
        raise NotImplementedError(f"{type(self).__name__} must define step(x, f, *parts).")

    def forward(self, x: Tensor, sublayers: Sequence[TensorMap]) -> Tensor:
        for f, parts in zip(sublayers, self.site_parts, strict=True):
            x = self.step(x, f, *parts)
        return x
