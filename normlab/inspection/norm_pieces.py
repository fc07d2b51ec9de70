"""A norm in a recording: where it begins and ends, and what it is called."""

from dataclasses import dataclass, replace

from torch import Tensor

from normlab.inspection.norm_formula import Formula
from normlab.inspection.norm_reading import NormReading, of_length_one
from normlab.inspection.operators import BATCH_NORMS, COPIES, VIEWS
from normlab.inspection.recording import Value, passed_on


@dataclass(frozen=True, eq=False)
class NormPiece:
    """A norm in a recording.

    Attributes:
        source: what is normalized.
        core: the normalized numbers, before gain and bias.
        end: what comes out.
        reading: what it computes.
    """

    source: Value
    core: Value
    end: Value
    reading: NormReading

    @property
    def formula(self) -> Formula:
        """From the source to the end."""
        return Formula(self.source, self.end)

    def inside(self) -> set[Value]:
        """All values that are made from the source up to the end, but for mere copies of it."""
        same = {self.source}
        for value in self.formula.values:
            if value.operation and passed_on(value.operation) in same:
                same.add(value)
        return {v for v in self.formula.values if v.index > self.source.index and v not in same}


def belongs_to_norm(before: Formula, after: Formula, old: NormReading, new: NormReading) -> bool:
    """Whether the step from one end to a later one is a part of the norm."""
    step = {value for value in after.values if value not in set(before.values)}
    names = {value.operation.name for value in step if value.operation}
    parameters = [value for value in step if value in set(after.parameters)]
    if names <= COPIES | VIEWS:
        return after.end.tensor.dtype != before.end.tensor.dtype and after.source is before.source
    if after.source is not before.source and new.gain == old.gain:
        return False
    if not parameters:
        read = {r for value in step if value.operation for r in value.operation.values()}
        same = read.intersection(before.parameters)
        unit = abs(abs(new.scale) - 1) < 1e-3 < abs(abs(old.scale) - 1) and not new.unbiased
        return bool(same) or new.gain != old.gain or unit
    fitting = all(_fits(value.tensor, new) for value in parameters)
    first_gain = old.gain == "none" and new.gain != "none"
    first_bias = not old.bias and new.bias and new.gain_power == old.gain_power
    return fitting and (first_gain or (first_bias and old.gain == new.gain))


def _fits(parameter: Tensor, reading: NormReading) -> bool:
    """Whether a parameter has the shape of a gain: of the norm's axes, or with one for heads."""
    sizes = [n for n in parameter.shape if n > 1]
    return len(sizes) <= max(1, len(reading.axes)) + 1


def named(source: Value, core: Value, reading: NormReading) -> NormReading:
    """The reading, under the name that it has for these axes: GroupNorm, BatchNorm, ℓ2 norm."""
    name = core.operation.name if core.operation else ""
    over_batch = 0 in reading.axes and reading.axes != tuple(range(source.tensor.ndim))
    if reading.kind == "LayerNorm":
        if name in BATCH_NORMS:
            return replace(reading, kind="BatchNorm" if over_batch else "GroupNorm")
        if name == "native_group_norm" or reading.groups > 1:
            return replace(reading, kind="GroupNorm")
    if of_length_one(reading.scale, reading.size):
        return replace(reading, kind="other")
    return reading
