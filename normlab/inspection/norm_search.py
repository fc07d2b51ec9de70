"""Which pieces of a recording are norms? Found by what they compute, confirmed on probes."""

from collections.abc import Iterator, Sequence

from normlab.inspection.formula_reading import read_formula
from normlab.inspection.norm_formula import Formula
from normlab.inspection.norm_pieces import NormPiece, belongs_to_norm, named
from normlab.inspection.norm_probes import keeps_its_size
from normlab.inspection.norm_reading import Affine, NormReading, NotANorm
from normlab.inspection.operators import (
    BATCH_NORMS,
    COPIES,
    ELEMENTWISE,
    FUSED_NORMS,
    OF_A_NORM,
    REDUCTIONS,
    ROW_PRODUCTS,
    WHOLE_VIEWS,
)
from normlab.inspection.recording import Operation, Recording, Value
from normlab.inspection.tanh_reading import read_dyt

PRODUCTS = frozenset({"mul", "div", "addcmul", "addcdiv"})
CENTERING = COPIES | {"mean", "sum", "sub", "div", "mul", "neg", "add"}
DEVIATIONS = frozenset(
    {"sqrt", "rsqrt", "pow", "square", "abs", "std", "var", "var_mean", "std_mean"}
    | {"linalg_vector_norm", "norm", "mul"}
)
"""What tells a measure of spread from a softmax's sum."""
MOST_STEPS = 80
"""How far up from a division the input of a norm is looked for, in operators."""


class NormSearch:
    """The norms of a recording.

    Args:
        recording: a run.
        inputs: values that a norm may be computed from, beside the model's inputs.

    Example:
        >>> import torch
        >>> from normlab.inspection.recorder import record
        >>> run = record(torch.nn.LayerNorm(8), (torch.ones(2, 8),), {})
        >>> [piece.reading.kind for piece in NormSearch(run).pieces()]
        ['LayerNorm']
    """

    def __init__(self, recording: Recording, inputs: Sequence[Value] = ()) -> None:
        self._recording = recording
        self._users = recording.users()
        self._live = recording.depending_on([*sources(recording), *inputs])
        self._known: dict[tuple[object, ...], NormReading | None] = {}
        self.near: list[tuple[Value, str]] = []
        """What is divided by a statistic of itself, and why it is no norm; after `pieces`."""

    def pieces(self) -> list[NormPiece]:
        """All norms, in the order of the run."""
        found: list[NormPiece] = []
        taken: set[Value] = set()
        for core in reversed(list(self._cores())):
            piece = None if core in taken else self._piece(core)
            if piece is not None:
                found.append(piece)
                taken |= piece.inside()
            elif core not in taken:
                self.near += [(core, why) for why in [self._nearly(core)] if why]
        self.near = [(core, why) for core, why in self.near if core not in taken]
        return found[::-1]

    def _nearly(self, core: Value) -> str:
        """Why a piece that does not grow with its input is no norm; "" if it is something else."""
        for source in self._dominators(core):
            if source.shape != core.shape or not source.tensor.is_floating_point():
                continue
            names = self._names_between(source, core)
            if not names.isdisjoint(DEVIATIONS) and keeps_its_size(Formula(source, core)):
                try:
                    read_formula(Formula(source, core))
                except NotANorm as error:
                    return str(error)
        return ""

    def _cores(self) -> Iterator[Value]:
        """Fused norms, products of a tensor with a statistic, and what may be a learned tanh."""
        depths: dict[Value, int] = {}  # how many statistics were taken on the way
        for value in self._recording.values:
            live = self._live_reads(value)
            if value.operation is None or not live:
                continue
            name, reached = value.operation.name, [depths.get(read, 0) for read in live]
            if name in FUSED_NORMS or name == "tanh" or is_foreign(value):
                if value.output == 0:
                    yield value
            elif self._reduces(value) and value.tensor.numel() < live[0].tensor.numel():
                depths[value] = max(reached) + 1
            elif name in OF_A_NORM:
                depths[value] = min(reached)
                if name in PRODUCTS and len(set(reached)) > 1:
                    yield value

    def _live_reads(self, value: Value) -> list[Value]:
        reads = value.operation.values() if value.operation else ()
        return [read for read in reads if read in self._live]

    def _piece(self, core: Value) -> NormPiece | None:
        operation = core.operation
        if operation and operation.name in BATCH_NORMS and not operation.argument("training"):
            return _with_running_statistics(core, operation)
        if operation and operation.name == "tanh":
            return self._dyt(core)
        source = self._source(core)
        return None if source is None else self._with_affine(source, core)

    def _source(self, core: Value) -> Value | None:
        """What is normalized: the farthest value from which the same norm is computed."""
        found: Value | None = None
        kind = ""
        for source in self._dominators(core):
            if source.tensor.numel() != core.tensor.numel():
                continue
            reading = self._read(source, core)
            if found is None and reading:
                found, kind = source, reading.kind
            elif found is not None:
                between = self._names_between(source, found)
                centers = "sub" in between and not between.isdisjoint({"mean", "sum"})
                centers &= between <= CENTERING and kind == "RMSNorm"
                if not reading or not (between <= COPIES or (centers and reading.kind != kind)):
                    break
                found, kind = source, reading.kind
        return found

    def _names_between(self, source: Value, end: Value) -> set[str]:
        inside = [v for v in Formula(source, end).values if v in self._live]
        return {v.operation.name for v in inside if v.operation}

    def _dominators(self, core: Value) -> Iterator[Value]:
        """Values that everything in the core comes through, the nearest first."""
        border = {core}
        for _ in range(MOST_STEPS):
            if len(border) == 1 and core not in border:
                yield next(iter(border))
            if not border:
                return
            latest = max(border, key=lambda value: value.index)
            if not self._may_be_inside(latest, core):
                return
            border.remove(latest)
            border |= set(self._live_reads(latest))

    def _reduces(self, value: Value) -> bool:
        operation = value.operation
        if operation is None or operation.name not in ROW_PRODUCTS:
            return operation is not None and operation.name in REDUCTIONS
        return all(isinstance(a, Value) and a in self._live for a in operation.args[:2])

    def _may_be_inside(self, value: Value, core: Value) -> bool:
        """Whether a norm whose core is given may contain a value."""
        if value.operation is None:
            return False
        known = value.operation.name in OF_A_NORM | FUSED_NORMS or self._reduces(value)
        return known or (value is core and is_foreign(core))

    def _read(self, source: Value, end: Value) -> NormReading | None:
        formula = Formula(source, end)
        if (
            source.shape != end.shape
            and source.tensor.squeeze().shape != end.tensor.squeeze().shape
        ):
            return None
        signature = formula.signature()
        if signature not in self._known:
            try:
                self._known[signature] = read_formula(formula)
            except NotANorm:
                self._known[signature] = None
            except (RuntimeError, NotImplementedError, TypeError):
                if not any(map(is_foreign, formula.values)):
                    raise
                self._known[signature] = None  # another library's operator takes no float64
        return self._known[signature]

    def _with_affine(self, source: Value, core: Value) -> NormPiece | None:
        """The norm with as much of what follows as still is its gain and bias."""
        best = self._read(source, core)
        if best is None:
            return None
        end = core
        for value in self._followers(core):
            wider = source if value.shape == source.shape else self._of_shape(source, value)
            reading = self._read(wider, value) if wider else None
            if wider is None or reading is None:
                continue
            if belongs_to_norm(Formula(source, end), Formula(wider, value), best, reading):
                best, end, source = reading, value, wider
        return NormPiece(source, core, end, named(source, core, best))

    def _of_shape(self, source: Value, like: Value) -> Value | None:
        """What a source is a view of, if that has the shape of another value."""
        while source.operation and source.operation.name in WHOLE_VIEWS:
            source = source.operation.args[0]
            if source.shape == like.shape:
                return source
        return None

    def _followers(self, value: Value) -> Iterator[Value]:
        """What is made of a value and constants alone, as long as nothing else reads it."""
        for _ in range(12):
            users = [user for user in self._users[value] if user in self._live]
            if len(users) != 1 or users[0].operation is None:
                return
            known = users[0].operation.name in COPIES | WHOLE_VIEWS | ELEMENTWISE
            if not known or self._live_reads(users[0]) != [value]:
                return
            value = users[0]
            yield value

    def _dyt(self, core: Value) -> NormPiece | None:
        for source in self._dominators(core):
            end, reading = core, None
            for value in [core, *self._followers(core)]:
                fits = value.shape == source.shape
                found = read_dyt(Formula(source, value), core) if fits else None
                if found:
                    end, reading = value, found
            if reading:
                return NormPiece(source, core, end, reading)
        return None


def _with_running_statistics(core: Value, operation: Operation) -> NormPiece:
    """A batch norm that divides by what it has stored, which is no function of its input."""
    source, weight, bias = (operation.argument(name) for name in ("input", "weight", "bias"))
    affine: Affine = "none" if weight is None else "weight" if bias is None else "weight, bias"
    eps, shape = operation.argument("eps"), tuple(source.shape)
    return NormPiece(
        source, core, core, NormReading("BatchNorm", eps, affine, 0, axes=(0,), shape=shape)
    )


def is_foreign(value: Value) -> bool:
    """Whether an operator is of another library, a fused norm perhaps."""
    namespace = (
        getattr(value.operation.overload, "namespace", "aten") if value.operation else "aten"
    )
    return namespace not in ("aten", "prims", "prim")


def sources(recording: Recording) -> list[Value]:
    """The model's inputs, and what modules that are called norms read."""
    read = [
        value
        for call in recording.calls
        if "norm" in type(call.module).__name__.lower() and "parametri" not in call.name
        for value in call.inputs
        if value.tensor.is_floating_point()
    ]
    return [value for value in recording.values if value.given] + read
