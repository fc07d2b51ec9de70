"""A residual layer of a run."""

from dataclasses import dataclass
from functools import cached_property

from normlab.inspection.equations import Equations, equations_of
from normlab.inspection.operators import ACTIVATIONS
from normlab.inspection.placements import PlacementName, placement_of
from normlab.inspection.recording import Value
from normlab.inspection.stream import Stream


@dataclass(frozen=True, eq=False)
class Layer:
    """One call of a residual layer.

    Attributes:
        name: of the module.
        y: what comes out.
        stream: what happens to x on the way.
        start, end: the places of its values in the recording.
    """

    name: str
    y: Value
    stream: Stream
    start: int
    end: int

    def up_to(self, y: Value) -> "Layer":
        """The same layer, ended at an earlier value of its stream."""
        stream = self.stream
        pieces = [piece for piece in stream.pieces if piece.end.index <= y.index]
        shorter = Stream(stream.values, pieces, stream.x, y, stream.scope, stream.across)
        return Layer(self.name, y, shorter, self.start, y.index + 1)

    @property
    def activation(self) -> str:
        """What stands behind the last sum, a ResNet's ReLU; "" if nothing does."""
        operation = self.y.operation
        return operation.name if operation and operation.name in ACTIVATIONS else ""

    @property
    def x(self) -> Value:
        """What goes in."""
        return self.stream.x

    @cached_property
    def equations(self) -> Equations:
        """How it is wired."""
        return equations_of(self.stream)

    @cached_property
    def placement(self) -> PlacementName:
        """What that is called."""
        return "other" if self.activation else placement_of(self.equations)
