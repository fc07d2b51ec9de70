"""What the norms and sub-layers of a recording are called: by the modules that hold them."""

from collections import Counter
from collections.abc import Iterator, Sequence

from torch import nn

from normlab.inspection.norm_pieces import NormPiece
from normlab.inspection.recording import ModuleCall, Recording, Value, passed_on


class Names:
    """Names for the pieces of a recording.

    Args:
        recording: the run.
    """

    def __init__(self, recording: Recording) -> None:
        self._calls = recording.calls
        self._model = next(call.module for call in recording.calls if not call.name)

    def norms(self, pieces: Sequence[NormPiece]) -> dict[NormPiece, str]:
        """A name for each norm; a module that is called again gives the same one."""
        found: dict[NormPiece, str] = {}
        unnamed: Counter[tuple[str, int]] = Counter()
        for piece in pieces:
            name = self._own(piece)
            if name is None:
                call = self._holding(piece.core, piece.end)
                label, start = (call.label, call.start) if call else ("the model", 0)
                unnamed[label, start] += 1
                count = unnamed[label, start]
                name = f"{label} (written in its forward{f', {count}' if count > 1 else ''})"
            found[piece] = name
        return found

    def _own(self, piece: NormPiece) -> str | None:
        """The module whose output the norm is, or its gain; None if it has neither."""
        call = self._holding(piece.core, piece.end)
        if call and _returns(call, piece.end) and _takes(call, piece.source):
            return call.label
        gains = [value.name for value in piece.formula.parameters if value.name]
        if not gains:
            return None
        owner = gains[0].rpartition(".")[0]
        of_module = owner and owner != (call.name if call else "") and not self._is_list(owner)
        return owner if of_module else gains[0]

    def _is_list(self, name: str) -> bool:
        module = self._model.get_submodule(name)
        return isinstance(module, (nn.ParameterList, nn.ParameterDict))

    def sublayer(self, value: Value, start: int, end: int) -> str:
        """The outermost module that returns a value, between two places of the run."""
        for call in self._calls:
            inside = start <= call.start < call.end <= end
            if inside and (call.start, call.end) != (start, end) and _returns(call, value):
                return call.label
        module = value.operation.module if value.operation else ""
        return module or "the model"

    def _holding(self, core: Value, end: Value) -> ModuleCall | None:
        """The innermost call in which both values were made."""
        found = None
        for call in self._calls:
            if call.start <= core.index and end.index < call.end:
                found = call
        return found


def _takes(call: ModuleCall, value: Value) -> bool:
    """Whether a value is one of a module's inputs, or the same numbers in another form."""
    return any(same_numbers(value, read) for read in call.inputs)


def _returns(call: ModuleCall, value: Value) -> bool:
    """Whether a value, or a view of it, is one of a module's outputs."""
    return any(value in _handed_on(output) for output in call.outputs)


def same_numbers(one: Value, other: Value) -> bool:
    """Whether one value is a view or a copy of the other."""
    return one in _handed_on(other) or other in _handed_on(one)


def _handed_on(value: Value) -> Iterator[Value]:
    """A value, and those that it is a view or a copy of."""
    before: Value | None = value
    while before is not None:
        yield before
        before = passed_on(before.operation) if before.operation else None
