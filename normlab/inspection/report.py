"""What was read of a model, as data, as a table and as JSON."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

from normlab.inspection.norm_reading import NormReading
from normlab.inspection.placements import PlacementName
from normlab.tools.table import Table

Role = Literal["stream", "inner", "final", "embedding"]
Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class InspectedNorm:
    """A norm of a model.

    Attributes:
        name: of the module that computes it, or of its gain.
        reading: what it computes; None if that was not understood.
        role: "stream" if it stands on the wiring of a layer, "inner" if inside a sub-layer,
            "final" behind the last layer, "embedding" before the first.
        layer: the layer that it belongs to; "" for none.
        statistics: the type in which mean and variance are computed, "float32" say.
        stream_type: the type of what it reads.
        calls: how often it is called in one run.
        unread: why it was not understood; "" if it was.
    """

    name: str
    reading: NormReading | None
    role: Role
    layer: str
    statistics: str
    stream_type: str
    calls: int = 1
    unread: str = ""

    @property
    def kind(self) -> str:
        """The kind, "other" if it was not understood."""
        return self.reading.kind if self.reading else "other"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        read = self.reading
        found: dict[str, Any] = {
            "name": self.name,
            "kind": self.kind,
            "eps": read.eps if read else None,
            "eps_place": _place(read),
            "gain": read.gain if read else None,
            "bias": read.bias if read else None,
            "role": self.role,
            "layer": self.layer,
            "statistics": self.statistics,
            "calls": self.calls,
        }
        if read:
            found |= {
                "size": read.size,
                "axes": list(read.axes),
                "groups": read.groups,
                "unbiased": read.unbiased,
                "scale": read.scale,
                "gain_power": read.gain_power,
                "clamped": read.eps_place == "greatest of",
            }
        return found | ({"unread": self.unread} if self.unread else {})


def _place(reading: NormReading | None) -> str | None:
    """Where ε stands: max(σ, ε) has it outside the root."""
    if reading is None:
        return None
    return "inside" if reading.eps_place == "inside" else "outside"


@dataclass(frozen=True)
class InspectedLayer:
    """A residual layer of a model.

    Attributes:
        name: of the module.
        equations: "n1 = norm(x)", "f1 = f(n1)", …, "y = x + f1".
        placement: what the wiring is called.
        norms: the names of n1, n2, …
        sublayers: the names of f1, f2, …
        inner: the names of norms inside the sub-layers.
        remarks: what the equations do not say, LayerScale for instance.
        mixing: of several streams, how much of stream j is in stream i behind the layer; () of one.
    """

    name: str
    equations: tuple[str, ...]
    placement: PlacementName
    norms: tuple[str, ...]
    sublayers: tuple[str, ...]
    inner: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    mixing: tuple[tuple[float, ...], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        mixing = {"mixing": [list(row) for row in self.mixing]} if self.mixing else {}
        return mixing | {
            "name": self.name,
            "equations": list(self.equations),
            "placement": self.placement,
            "norms": list(self.norms),
            "sublayers": list(self.sublayers),
            "inner": list(self.inner),
            "remarks": list(self.remarks),
        }


@dataclass(frozen=True)
class Warning:
    """Something that is wrong, or worth a look.

    Attributes:
        code: a short name of the kind.
        severity: "error" is a mistake, "warning" probably one, "note" is worth knowing.
        message: what was seen, why it matters, and the mend.
        where: the module.
        chapter: the number of the chapter that explains it, "05" say.
    """

    code: str
    severity: Severity
    message: str
    where: str
    chapter: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Report:
    """What `inspect` read of a model.

    Attributes:
        model: its class.
        parameters: how many numbers it learns.
        norms: in the order in which they run.
        layers: in the order in which they run.
        warnings: the gravest first.
        unread: what was not understood, and why: no layer was found, say.
    """

    model: str
    parameters: int
    norms: tuple[InspectedNorm, ...]
    layers: tuple[InspectedLayer, ...]
    warnings: tuple[Warning, ...]
    unread: tuple[str, ...] = ()

    def table(self) -> Table:
        """One row per norm; norms of layers that are alike share a row."""
        rows: dict[tuple[object, ...], list[str]] = {}
        for norm in self.norms:
            read = norm.reading
            eps = "–" if read is None else f"{read.eps:g}"
            place = "" if read is None or read.eps_place == "inside" else f" ({read.eps_place})"
            gain, size = ("–", "–") if read is None else (read.affine, read.size or "–")
            scale = "" if read is None or read.scale == 1 else f" × {read.scale:.3g}"
            name, kind = _numberless(norm.name), norm.kind + scale
            key = (name, kind, eps + place, gain, size, norm.role, norm.statistics)
            rows.setdefault(key, []).append(norm.name)
        shared = Counter(key[0] for key in rows)
        return Table(
            ("norm", "count", "kind", "ε", "affine", "over", "role", "statistics"),
            [
                [key[0] if shared[key[0]] == 1 else _span(names), len(names), *key[1:]]
                for key, names in rows.items()
            ],
        )

    def wirings(self) -> Table:
        """One row per wiring, with the layers that have it."""
        rows: dict[tuple[str, ...], list[str]] = {}
        for layer in self.layers:
            rows.setdefault((layer.placement, "\n".join(layer.equations)), []).append(layer.name)
        return Table(
            ("layers", "count", "placement", "equations"),
            [[_span(names), len(names), *key] for key, names in rows.items()],
        )

    def __str__(self) -> str:
        """The report for a terminal."""
        from normlab.inspection.report_text import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        """The report for a notebook."""
        from normlab.inspection.html import as_fragment

        return as_fragment(self)

    def as_dict(self) -> dict[str, Any]:
        """What `as_json` writes."""
        return {
            "model": self.model,
            "parameters": self.parameters,
            "norms": [norm.as_dict() for norm in self.norms],
            "layers": [layer.as_dict() for layer in self.layers],
            "warnings": [warning.as_dict() for warning in self.warnings],
            "unread": list(self.unread),
        }

    def as_json(self) -> str:
        """The report for machines."""
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=2)


def _numberless(name: str) -> str:
    """ "layers.*.norm" for "layers.3.norm"."""
    return ".".join("*" if part.isdigit() else part for part in name.split("."))


def _span(names: list[str]) -> str:
    """ "h.0 … h.5" for names that count on, else the first few of them."""
    numbers = [int(found[-1]) for found in (re.findall(r"\d+", name) for name in names) if found]
    in_a_row = numbers == [*range(numbers[0], numbers[0] + len(names))] if numbers else False
    if len(names) > 2 and not in_a_row:
        return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
    return names[0] if len(names) == 1 else f"{names[0]}{' … ' if in_a_row else ', '}{names[-1]}"
