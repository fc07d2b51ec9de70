"""What was not understood of a model, and why."""

import re
from collections.abc import Sequence

from normlab.inspection.formula_reading import read_formula
from normlab.inspection.layer import Layer
from normlab.inspection.layers import AS_ITEM, loses_its_stream
from normlab.inspection.norm_formula import Formula
from normlab.inspection.norm_pieces import NormPiece
from normlab.inspection.norm_reading import NotANorm
from normlab.inspection.recording import ModuleCall, Recording
from normlab.inspection.report import InspectedNorm

CALLED_NORM = re.compile(r"norm", re.IGNORECASE)
OF_WEIGHTS = re.compile(r"weight_?norm|parametri|spectral", re.IGNORECASE)


def unread_norms(recording: Recording, pieces: Sequence[NormPiece]) -> dict[InspectedNorm, int]:
    """Modules that are called norms, and compute none that is known, with their places."""
    ends = {value.index for piece in pieces for value in (piece.core, piece.end)}
    found: dict[InspectedNorm, int] = {}
    seen: set[str] = set()
    for call in recording.calls:
        kind = type(call.module).__name__
        of_weights = OF_WEIGHTS.search(kind) or OF_WEIGHTS.search(call.name)
        if not CALLED_NORM.search(kind) or of_weights or call.name in seen:
            continue
        if any(call.start <= end < call.end for end in ends) or [*call.module.children()]:
            continue
        if call.end > call.start:
            seen.add(call.name)
            norm = InspectedNorm(call.label, None, "inner", "", "", "", 1, _why(call, kind))
            found[norm] = call.start
    return found


def lost_streams(
    recording: Recording, pieces: Sequence[NormPiece], layers: Sequence[Layer]
) -> tuple[ModuleCall, ...]:
    """Calls of items of lists that end in a sub-layer behind sums, and hold no layer."""
    found = [
        call
        for call in recording.calls
        if AS_ITEM.search(call.name)
        and not any(call.start < layer.end and layer.start < call.end for layer in layers)
        and loses_its_stream(recording, pieces, call)
    ]
    return tuple(found)


def alike(named: Sequence[tuple[str, str]]) -> list[str]:
    """One line for all names that differ in numbers alone; the first reason stands for them."""
    groups: dict[str, dict[str, str]] = {}
    for name, why in named:
        groups.setdefault(re.sub(r"\d+", "*", name), {})[name] = why
    lines = []
    for group in groups.values():
        name, why = next(iter(group.items()))
        more = f" and {len(group) - 1} more like it" if len(group) > 1 else ""
        lines.append(f"{name}{more}: {why}")
    return lines


def ambiguous(recording: Recording) -> list[str]:
    """What inputs of one token leave open."""
    single = [v for v in recording.values if v.given and v.tensor.ndim > 1 and v.shape[1] == 1]
    said = "the inputs hold one token: over which axes a norm goes cannot be told for certain"
    return [said] if single else []


def _why(call: ModuleCall, kind: str) -> str:
    for source in call.inputs:
        for end in call.outputs:
            if source.shape == end.shape and source is not end:
                try:
                    read_formula(Formula(source, end))
                except NotANorm as error:
                    return f"{kind} is no norm that is known: {error}"
                except (RuntimeError, NotImplementedError, TypeError):
                    continue  # an operator in it takes no float64
    return f"{kind} computes no norm that is known"
