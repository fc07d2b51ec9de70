"""Over which axes of the stream is a norm taken, and are they its features?"""

from dataclasses import dataclass

from normlab.inspection.norm_pieces import NormPiece
from normlab.inspection.norm_search import MOST_STEPS
from normlab.inspection.operators import ACTIVATIONS, COPIES, ELEMENTWISE
from normlab.inspection.recording import Recording, Value, passed_on


@dataclass(frozen=True)
class NormAxes:
    """The axes of a norm, in the layout of the tensor that it reads before any transposition.

    Attributes:
        axes: that share statistics.
        ndim: how many axes that tensor has.
        images: whether convolutions read it, so that its features are axis 1.
        convolved: whether one made it, or reads what the norm returns, as it is.
    """

    axes: frozenset[int]
    ndim: int
    images: bool
    convolved: bool

    @property
    def follow_the_length(self) -> bool:
        """Whether tokens and features of a (batch, tokens, features) share statistics."""
        return self.ndim == 3 and self.axes == {1, 2} and not self.images

    @property
    def right(self) -> bool:
        """Whether only features share statistics: all of a token, of a head, or of an image."""
        last = self.ndim - 1
        if self.convolved and self.axes == {last} and self.ndim > 3:
            return False
        if self.axes in ({last}, set()):
            return True
        if 0 in self.axes:
            return False
        if self.images:
            return 1 in self.axes or self.axes == set(range(2, self.ndim))
        return self.ndim > 3 and last in self.axes and len(self.axes) < last


def axes_of(piece: NormPiece, recording: Recording) -> NormAxes:
    """Follow a norm's input back through transpositions."""
    channels = piece.reading.kind == "BatchNorm"
    axes, value = ({1} if channels else set(piece.reading.axes)), piece.source
    while value.operation is not None:
        before = passed_on(value.operation)
        moved = _moved(value, axes) if before is not None else None
        if before is None or moved is None:
            break
        axes, value = moved, before
    made = _convolved(value) or (value is piece.source and _is_convolved(piece.end, recording))
    images = made or _in_images(value, recording)
    return NormAxes(frozenset(axes), value.tensor.ndim, images, made)


def _convolved(value: Value) -> bool:
    """Whether a convolution made a value, up to what is done to each number by itself."""
    shape, ndim = value.shape, value.tensor.ndim
    for _ in range(MOST_STEPS):
        operation = value.operation
        if operation is None or ndim < 3:
            return False
        if "convolution" in operation.name:
            return value.shape == shape
        before = [read for read in operation.values() if read.shape == shape]
        if not before or operation.name not in ELEMENTWISE | COPIES | ACTIVATIONS:
            return False
        value = before[0]
    return False


def _is_convolved(end: Value, recording: Recording) -> bool:
    """Whether a convolution reads a value, up to what is done to each number by itself."""
    near = {end}
    for value in recording.values[end.index + 1 :]:
        operation = value.operation
        if operation is None or near.isdisjoint(operation.values()):
            continue
        if "convolution" in operation.name and operation.args[0] in near:
            return True
        if value.shape == end.shape and operation.name in ELEMENTWISE | COPIES | ACTIVATIONS:
            near.add(value)
    return False


def _moved(value: Value, axes: set[int]) -> set[int] | None:
    """The same axes before a view; None if the view cuts or joins some."""
    operation = value.operation
    assert operation is not None
    ndim = value.tensor.ndim
    if operation.name == "transpose":
        one, other = (int(axis) % ndim for axis in operation.args[1:3])
        swap = {one: other, other: one}
        return {swap.get(axis, axis) for axis in axes}
    if operation.name == "permute":
        order = [int(axis) % ndim for axis in operation.args[1]]
        return {order[axis] for axis in axes}
    if operation.name == "t":
        return {1 - axis for axis in axes}
    before = operation.args[0]
    same = isinstance(before, Value) and before.shape == value.shape
    return set(axes) if same else None


def _in_images(value: Value, recording: Recording) -> bool:
    """Whether a convolution reads or makes tensors with as many channels, at axis 1."""
    if value.tensor.ndim < 3:
        return False
    origin = value
    while origin.operation is not None and passed_on(origin.operation) is not None:
        origin = origin.operation.args[0]
        if origin.tensor.ndim > 3 and origin.shape[:2] == value.shape[:2]:
            return True  # height and width were flattened
    if origin.operation and "convolution" in origin.operation.name:
        return origin.shape[1] == value.shape[1]
    for other in recording.values:
        operation = other.operation
        if operation is not None and "convolution" in operation.name:
            near = [other, operation.args[0]]
            if any(
                v.tensor.ndim == value.tensor.ndim and v.shape[1] == value.shape[1] for v in near
            ):
                return True
    return False
