"""Norms and layers of a recording under the names of their modules."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

from torch import nn

from normlab.inspection.layer import Layer
from normlab.inspection.mixing import mixing_matrix
from normlab.inspection.names import Names, same_numbers
from normlab.inspection.norm_pieces import NormPiece
from normlab.inspection.operators import FUSED_NORMS, REDUCTIONS
from normlab.inspection.recording import Recording, Value
from normlab.inspection.report import InspectedLayer, InspectedNorm
from normlab.inspection.roles import Roles
from normlab.inspection.unread import alike, ambiguous, lost_streams, unread_norms


class Findings:
    """What a recording holds, under names.

    Args:
        model: that was recorded.
        recording: its run.
        pieces: its norms.
        found: its layers.
        near: values that are nearly norms, and why they are none.
    """

    def __init__(
        self,
        model: nn.Module,
        recording: Recording,
        pieces: Sequence[NormPiece],
        found: Sequence[Layer],
        near: Sequence[tuple[Value, str]] = (),
    ) -> None:
        self.model, self.recording, self.found = model, recording, found
        self.pieces = [piece for piece in pieces if self._counts(piece)]
        self._names = Names(recording)
        self.called = self._names.norms(self.pieces)
        self.users = recording.users()
        self.roles = Roles(recording, found, self.called)
        self.lost = lost_streams(recording, self.pieces, found)
        self._near = near
        self._unread = unread_norms(recording, self.pieces)

    def _counts(self, piece: NormPiece) -> bool:
        """A unit length outside layers is a cosine's, and no norm of the model."""
        plain = piece.reading.kind == "other" and piece.reading.affine == "none"
        return not plain or any(la.start <= piece.end.index < la.end for la in self.found)

    @cached_property
    def norms(self) -> tuple[InspectedNorm, ...]:
        """Every norm once, however often it is called."""
        calls = Counter(self.called.values())
        first = {name: piece for piece, name in reversed(self.called.items())}
        read = [self._norm(piece, name, calls[name]) for name, piece in first.items()]
        order = {name: piece.end.index for name, piece in first.items()}
        found = [*read, *self._unread]
        order |= {norm.name: place for norm, place in self._unread.items()}
        return tuple(sorted(found, key=lambda norm: order[norm.name]))

    def _norm(self, piece: NormPiece, name: str, calls: int) -> InspectedNorm:
        layer = self.roles.layer_of(piece)
        return InspectedNorm(
            name,
            piece.reading,
            self.roles.of(piece),
            layer.name if layer else "",
            statistics_type(piece),
            _type(piece.source),
            calls,
        )

    @cached_property
    def layers(self) -> tuple[InspectedLayer, ...]:
        """Every layer, one after the other; one that is called again is one."""
        calls = Counter(layer.name for layer in self.found)
        seen: dict[str, InspectedLayer] = {}
        for layer in self.found:
            if layer.name not in seen:
                seen[layer.name] = self._layer(layer, calls[layer.name])
        return tuple(seen.values())

    def _layer(self, layer: Layer, calls: int) -> InspectedLayer:
        found = layer.equations
        letters = "".join(re.findall(r"([agm]+)·", " ".join(found.lines)))
        remarks = [f"called {calls} times"] if calls > 1 else []
        if layer.activation:
            remarks.append(f"a {layer.activation} stands behind the sum, on the stream")
        if "a" in letters:
            remarks.append("a: a learned factor (LayerScale, ReZero)")
        mixing = mixing_matrix(layer) or ()
        if "m" in letters:
            rows = "; ".join(" ".join(f"{share:.2g}" for share in row) for row in mixing)
            said = f", the rows of its matrix are {rows}" if mixing else ""
            remarks.append(f"m: a mixture of several streams (hyper-connections){said}")
        if "g" in letters:
            remarks.append("g: a factor that is computed from the inputs (a gate)")
        return InspectedLayer(
            layer.name or type(self.model).__name__,
            found.lines,
            layer.placement,
            tuple(self.called[piece] for piece in found.norms),
            tuple(self._names.sublayer(f, layer.start, layer.end) for f in found.sublayers),
            tuple(self.called[piece] for piece in found.inner),
            tuple(remarks),
            mixing,
        )

    def _second_streams(self, layer: Layer) -> bool:
        """Whether this call hands on two tensors that the next one takes, and one was followed."""
        ends = {layer.y, *layer.stream.y_beside}
        shape = layer.y.shape
        given = [
            [v for v in dict.fromkeys(call.inputs) if v.shape == shape]
            for call in self.recording.calls
            if call.start >= layer.end and layer.y in call.inputs
        ]
        made = self.recording.values[layer.start : layer.end]
        return any(v in made and v not in ends for inputs in given for v in inputs)

    @cached_property
    def _beside(self) -> list[tuple[str, str]]:
        """What goes on beside the streams that were read, or is done to them between layers."""
        second = "a second tensor of the stream's shape goes on beside it"
        found = [(layer.name, second) for layer in self.found if self._second_streams(layer)]
        between = "something is done to the stream in front of it"
        for one, other in pairwise(self.found):
            same_stack = re.sub(r"\d+", "*", one.name) == re.sub(r"\d+", "*", other.name)
            made = same_stack and other.x in self.recording.depending_on([one.y])
            if made and other.x is not one.y and not same_numbers(other.x, one.y):
                found.append((other.name, between))
        return found

    @cached_property
    def unread(self) -> tuple[str, ...]:
        """What was not understood."""
        found = alike([(norm.name, norm.unread) for norm in self._unread])
        said = "something is divided by a statistic of itself, and is no norm that is known"
        named = {norm.name for norm in self._unread}
        near = [(value.operation.module, said) for value, _ in self._near if value.operation]
        found += alike([(name or "the model", why) for name, why in near if name not in named])
        loose = [
            p for p in self.pieces if not self.roles.layer_of(p) and self.roles.of(p) == "inner"
        ]
        names = dict.fromkeys(self.called[piece] for piece in loose)
        found += [f"{name}: it stands in no layer that was read" for name in names if self.found]
        said = "its output is no sum that its input is a part of"
        found += alike([(call.label, said) for call in self.lost])
        found += alike(self._beside)
        found += ambiguous(self.recording)
        if not self.found:
            found.append(
                "no residual layer: no output of a module is a sum with one of its inputs, and "
                "the model's own sums are not one stream, so where the norms stand is not known"
            )
        return tuple(found)


def statistics_type(piece: NormPiece) -> str:
    """The type in which a norm computes its statistics; fused operators use at least float32."""
    inside = [v for v in piece.formula.values if v.operation and v.index > piece.source.index]
    for value in inside:
        if value.operation and value.operation.name in FUSED_NORMS:
            wide = "float64" if _type(value) == "float64" else "float32"
            return wide
    types = [
        _type(v)
        for v in inside
        if v.operation and v.operation.name in REDUCTIONS and v.tensor.is_floating_point()
    ]
    return types[0] if types else _type(piece.source)


def _type(value: Value) -> str:
    return str(value.tensor.dtype).removeprefix("torch.")
