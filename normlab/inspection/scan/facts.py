"""What a report says of each class of layers, as cells of a row."""

import re
import sysconfig
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from torch import nn

from normlab.inspection.report import InspectedLayer, InspectedNorm, Report
from normlab.inspection.scan.mixed_placements import placement_told
from normlab.inspection.scan.qk_norms import qk_norm

LEARNED, GATE, MIXED = "a·", "g·", "m·"
Cells = dict[str, str]


def cells_of(report: Report, model: nn.Module, config: Any, folder: str) -> list[Cells]:
    """The cells of one row for each class of layers that the folder defines.

    Args:
        report: of the model.
        model: as it was read.
        config: its configuration.
        folder: where it is defined.
    """
    shared = _of_the_model(report) | {"model": type(model).__name__}
    groups: dict[str, list[InspectedLayer]] = {}
    layers = [layer for layer in report.layers if not _is_bare_sum(layer, model)]
    for layer in layers:
        kind = _class_of(layer, model)
        if not kind.__module__.startswith("transformers.") or _is_of(kind, folder):
            groups.setdefault(kind.__name__, []).append(layer)
    if groups:
        known = {norm.name: norm for norm in report.norms}
        return [
            shared | {"outcome": "wiring", "layer": name} | _of_layers(group, known, config)
            for name, group in groups.items()
        ]
    return [shared | _without_layers(report, bool(layers))]


def _is_bare_sum(layer: InspectedLayer, model: nn.Module) -> bool:
    """Whether it is a sum of the model itself, of embeddings for instance, without a norm."""
    return _class_of(layer, model) is type(model) and not (layer.norms or layer.inner)


def _class_of(layer: InspectedLayer, model: nn.Module) -> type:
    """The class of a layer; that of the model, if its sums stand in no module."""
    return type(dict(model.named_modules()).get(layer.name, model))


def _is_of(kind: type, folder: str) -> bool:
    return kind.__module__.startswith(f"transformers.models.{folder}.")


def _of_the_model(report: Report) -> Cells:
    read = [norm for norm in report.norms if norm.reading]
    seen = Counter(f"{w.code}:{w.severity}" for w in report.warnings)
    return {
        "final_norm": _yes(any(norm.role == "final" for norm in report.norms)),
        "embedding_norm": _yes(any(norm.role == "embedding" for norm in report.norms)),
        "norms_read": str(len(read)),
        "norms_met": str(len(report.norms)),
        "warnings": "; ".join(f"{name}:{count}" for name, count in sorted(seen.items())),
    }


def _without_layers(report: Report, of_others: bool) -> Cells:
    if of_others:
        return {"outcome": "other folders", "reason": "its layers are those of other folders"}
    read = [norm for norm in report.norms if norm.reading]
    why = report.unread[-1] if report.unread else "it has no norm and no residual layer"
    return {"outcome": "norms" if read else "nothing", "reason": why} | norm_cells(read)


def _of_layers(
    layers: Sequence[InspectedLayer], known: dict[str, InspectedNorm], config: Any
) -> Cells:
    inner = [known[name] for layer in layers for name in layer.inner if name in known]
    stream = [known[name] for layer in layers for name in layer.norms if name in known]
    lines = Counter(layer.equations for layer in layers)
    factors = " ".join(line for equations in lines for line in equations)
    gates = {GATE: "computed", LEARNED: "learned"}
    return norm_cells(stream or inner) | {
        "layers": str(len(layers)),
        "norms_on_wiring": _often(str(len(layer.norms)) for layer in layers),
        "inner_norms": _often(str(len(layer.inner)) for layer in layers),
        "qk_norm": qk_norm(inner, config),
        "placement": _often(placement_told(layer) for layer in layers),
        "equations": "; ".join(lines.most_common(1)[0][0]),
        "streams": "several" if MIXED in factors else "one",
        "gates": ", ".join(said for letter, said in gates.items() if letter in factors) or "no",
    }


def norm_cells(norms: Iterable[InspectedNorm]) -> Cells:
    """Kind, ε, gain and bias of norms, the commonest first."""
    read = [norm.reading for norm in norms if norm.reading]
    return {
        "norm": _often(reading.kind for reading in read),
        "eps": _often(f"{reading.eps:g}" for reading in read),
        "gain": _often(reading.gain for reading in read),
        "bias": _often(_yes(reading.bias) for reading in read),
    }


def _often(values: Iterable[str]) -> str:
    """Different values, the most frequent first."""
    return ", ".join(value for value, _ in Counter(values).most_common())


def _yes(there: bool) -> str:
    return "yes" if there else "no"


def first_line(message: str) -> str:
    """The first line of an error that says something, without addresses and the place of packages.

    >>> first_line("\\n  no such thing at 0x7f12\\nTraceback")
    'no such thing'
    """
    message = message.replace(f"{sysconfig.get_path('purelib')}/", "")
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return re.sub(r" at 0x[0-9a-f]+", "", lines[0])[:200] if lines else "it does not say why"
