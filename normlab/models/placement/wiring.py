"""A placement's block diagram, read off the code that runs it.

`trace` calls a placement as the model does, but with a symbol in place of the residual stream and
boxes in place of sub-layers and norms. What the code does to the symbol is the diagram.

Columns of the diagram: 0 is the residual stream, 1, 2, … are branches. Rows count from the input.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import torch
from torch import nn

from normlab.models.placement.base import Placement, Site

Kind = Literal["input", "sub-layer", "norm", "factor", "sum", "final norm", "output"]
Step: TypeAlias = tuple[Kind, str, tuple[int, ...]]
SUBLAYERS = {2: ("Attention", "FFN"), 3: ("Attention", "Cross-attention", "FFN")}


@dataclass(frozen=True)
class Node:
    """One box of a diagram, and the places in `Wiring.nodes` that it reads."""

    kind: Kind
    label: str
    inputs: tuple[int, ...]
    column: int
    row: int


@dataclass(frozen=True)
class Wiring:
    """The diagram of one block: boxes in the order in which the code ran them."""

    nodes: tuple[Node, ...]

    def edges(self) -> list[tuple[int, int]]:
        """(from, to) for each line of the diagram."""
        return [(a, b) for b, node in enumerate(self.nodes) for a in node.inputs]


class Symbol:
    """Stands for a tensor, and writes down what is done to it."""

    def __init__(self, steps: list[Step], place: int) -> None:
        self._steps, self._place = steps, place

    def then(self, kind: Kind, label: str, *others: "Symbol") -> "Symbol":
        """What comes of this symbol, and others, in a box."""
        inputs = (self._place, *(other._place for other in others))
        self._steps.append((kind, label, inputs))
        return Symbol(self._steps, len(self._steps) - 1)

    def __add__(self, other: "Symbol") -> "Symbol":
        return self.then("sum", "+", other)

    def __mul__(self, factor: float | torch.Tensor) -> "Symbol":
        letter = getattr(factor, "letter", "")
        if isinstance(factor, torch.Tensor):
            return self.then("factor", "× a" if factor.numel() == 1 else f"⊙ {letter or 'λ'}")
        return self.then("factor", f"× {letter or format(factor, '.3g')}")

    __rmul__ = __mul__


class Box(nn.Module):
    """Stands for a sub-layer or a norm."""

    def __init__(self, kind: Kind, label: str) -> None:
        super().__init__()
        self.kind, self.label = kind, label

    def forward(self, x: Symbol) -> Symbol:
        return x.then(self.kind, self.label)


def trace(
    placement: type[Placement],
    norm: str = "norm",
    layer: int = 1,
    layers: int = 12,
    sublayers: int = 2,
) -> Wiring:
    """The diagram of one block of an encoder.

    Args:
        placement: what wires the block.
        norm: the label of a norm's box.
        layer: which block, from 1; it matters where a placement changes with depth.
        layers: blocks in the stack.
        sublayers: 2 for attention and FFN, 3 for a decoder with cross-attention.

    Raises:
        ValueError: if `layer` is not one of `layers`, `sublayers` is not 2 or 3, or the placement
            has several streams.

    Example:
        >>> from normlab.models.placement.standard import PostNorm
        >>> [node.label for node in trace(PostNorm).nodes]
        ['x', 'Attention', '+', 'norm', 'FFN', '+', 'norm', 'output']
    """
    if not 1 <= layer <= layers:
        raise ValueError(f"layer is {layer}; expected one of 1 to {layers}.")
    if placement.streams > 1:
        raise ValueError(
            f"{placement.__name__} has {placement.streams} streams; expected a placement of one, "
            "since a diagram has one."
        )
    if sublayers not in SUBLAYERS:
        raise ValueError(f"sublayers is {sublayers}; expected 2, or 3 with cross-attention.")
    return Wiring(tuple(arrange(record(placement, SUBLAYERS[sublayers], norm, layer, layers))))


def record(
    placement: type[Placement], sublayers: Sequence[str], norm: str, layer: int, layers: int
) -> list[Step]:
    """What a block with sub-layers of these names does to the stream, step by step."""
    site = Site(layer, "encoder", layers, 0, len(sublayers), 2, lambda: Box("norm", norm))
    steps: list[Step] = [("input", "x", ())]
    run: Any = placement(site)
    boxes = [Box("sub-layer", name) for name in sublayers]
    end = cast(Symbol, run(Symbol(steps, 0), boxes))
    if placement.final_norm:
        end = end.then("final norm", f"final {norm}")
    end.then("output", "output")
    return steps


def arrange(steps: list[Step]) -> list[Node]:
    """Boxes for `(kind, label, inputs)` steps, each with its row and column."""
    stream = _stream(steps)
    rows: list[int] = []
    taken: set[tuple[int, int]] = set()
    nodes = []
    for place, (kind, label, inputs) in enumerate(steps):
        rows.append(1 + max((rows[i] for i in inputs), default=-1))
        column = 0 if place in stream else 1
        while (rows[-1], column) in taken:
            column += 1
        taken.add((rows[-1], column))
        nodes.append(Node(kind, label, inputs, column, rows[-1]))
    return nodes


def _stream(steps: list[Step]) -> set[int]:
    """The boxes on a path from input to output that avoids every sub-layer: the stream."""
    edges = [(a, b) for b, (_, _, inputs) in enumerate(steps) for a in inputs]
    free = {place for place, (kind, _, _) in enumerate(steps) if kind != "sub-layer"}
    onward = _reachable(0, [(a, b) for a, b in edges if {a, b} <= free])
    backward = _reachable(len(steps) - 1, [(b, a) for a, b in edges if {a, b} <= free])
    return onward & backward


def _reachable(start: int, edges: Iterable[tuple[int, int]]) -> set[int]:
    edges, reached, found = list(edges), set[int](), {start}
    while found:
        reached |= found
        found = {b for a, b in edges if a in found} - reached
    return reached
