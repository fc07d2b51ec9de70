"""Where the norms of a model stand: in a layer, behind the last one, or before the first."""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property

from normlab.inspection.layer import Layer
from normlab.inspection.norm_pieces import NormPiece
from normlab.inspection.operators import VIEWS
from normlab.inspection.recording import Recording, Value, passed_on
from normlab.inspection.report import Role

ON_THE_WAY_OUT = VIEWS | {"mean", "sum", "mul", "div", "add", "sub", "cat", "index", "index_select"}
"""What may stand between the last layer and the final norm: a choice or a mean of tokens."""
NUMBERED = re.compile(r"^.*?\.\d+\.")


class Roles:
    """The places of norms among layers.

    Args:
        recording: a run.
        layers: its residual layers.
        called: its norms, and their names.
    """

    def __init__(
        self, recording: Recording, layers: Sequence[Layer], called: Mapping[NormPiece, str]
    ) -> None:
        self._recording, self._layers, self._called = recording, layers, called
        self._behind: dict[Layer, list[NormPiece]] = {}

    def layer_of(self, piece: NormPiece) -> Layer | None:
        """The layer in which a norm runs."""
        inside = [la for la in self._layers if la.start <= piece.end.index < la.end]
        return inside[0] if inside else None

    def of(self, piece: NormPiece) -> Role:
        """Where a norm stands."""
        layer = self.layer_of(piece)
        if layer:
            return "stream" if piece in layer.equations.norms else "inner"
        before = [la for la in self._layers if la.end <= piece.end.index]
        after = [la for la in self._layers if la.start > piece.end.index]
        if not self._layers:
            return "inner"
        inputs = {layer.x for layer in self._layers}
        last = [layer for layer in before if layer.y not in inputs]
        if any(piece in self.norms_behind(layer) for layer in last):
            return "inner" if self._in_unread_layer(piece) else "final"
        if before and not after and self._is_last(piece):
            return "final"
        return "embedding" if after and not self._uses_a_layer(piece) else "inner"

    def _is_last(self, piece: NormPiece) -> bool:
        """Whether no norm reads what is made of this one."""
        made = self._recording.depending_on([piece.end])
        return not any(other.source in made for other in self._called if other is not piece)

    def _in_unread_layer(self, piece: NormPiece) -> bool:
        """Whether the norms of a numbered block go on behind this one."""
        block = NUMBERED.match(self._called[piece])
        made = self._recording.depending_on([piece.end]) if block else set()
        return block is not None and any(
            other.source in made and self._called[other].startswith(block[0])
            for other in self._called
            if other is not piece
        )

    def _uses_a_layer(self, piece: NormPiece) -> bool:
        return piece.source in self._made_of_layers

    @cached_property
    def _made_of_layers(self) -> set[Value]:
        return self._recording.depending_on([layer.y for layer in self._layers])

    def norms_behind(self, layer: Layer) -> list[NormPiece]:
        """The norms outside layers that read a layer's output, or a choice or a mean of it."""
        if layer not in self._behind:
            self._behind[layer] = self._find_behind(layer)
        return self._behind[layer]

    def _find_behind(self, layer: Layer) -> list[NormPiece]:
        outside = {p.end: p for p in self._called if self.layer_of(p) is None}
        ends = [layer.y, *layer.equations.stream.y_beside]
        depending = self._recording.depending_on(ends)
        plain = set(ends)
        for made in self._recording.values[layer.end :]:
            if made in outside and outside[made].source in plain:
                plain.add(made)
            elif made in depending and made.operation and made not in plain:
                reads = [read for read in made.operation.values() if read in depending]
                carried = passed_on(made.operation) is not None
                if (carried or made.operation.name in ON_THE_WAY_OUT) and plain.issuperset(reads):
                    plain.add(made)
        return [piece for piece in outside.values() if piece.source in plain]
