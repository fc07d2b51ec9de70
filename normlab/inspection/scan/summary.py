"""What a scan counts, each with its denominator."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from textwrap import shorten

from normlab.inspection.scan.rows import ScanRow
from normlab.tools.table import Table

READ = ("wiring", "norms")
SHOWN_REASONS, LONGEST_REASON = 10, 110
LEAST_SHARE = 1 / 8
"""Of a model's norms on the wirings of its layers; a layer with fewer is not what it is made of."""


@dataclass(frozen=True)
class ScanSummary:
    """The counts of a scan.

    Attributes:
        coverage: by role, folders with layers of their own, and of how many norms and wirings were
            read.
        years: decoders with RMSNorm, by year of release.
        placements: decoders by placement.
        qk_norms: decoders by their norm of queries and keys.
        reasons: why units were not read to the end, the commonest first.
    """

    coverage: Table
    years: Table
    placements: Table
    qk_norms: Table
    reasons: Table

    def __str__(self) -> str:
        tables = (self.coverage, self.years, self.placements, self.qk_norms, self.reasons)
        return "\n\n".join(map(str, tables))


def summarize(rows: Sequence[ScanRow]) -> ScanSummary:
    """Count the rows of a scan.

    The denominator is folders that have residual layers with norms of their own. A folder is a
    decoder if one of its units is a text decoder; its first layer that was read stands for it.
    """
    by_folder = _by_folder(rows)
    own = _with_own_layers(by_folder)
    firsts = rows_of_role(rows, "text decoder")
    read = [row for row in firsts if row["outcome"] == "wiring"]
    return ScanSummary(
        _coverage(by_folder, own, len(firsts), len(read)),
        _by_year(firsts),
        _counted("placement", read, lambda row: row["placement"]),
        _counted("QK-norm", read, lambda row: row["qk_norm"]),
        _reasons(rows),
    )


def _by_folder(rows: Iterable[ScanRow]) -> dict[str, list[ScanRow]]:
    found: dict[str, list[ScanRow]] = {}
    for row in rows:
        found.setdefault(row["folder"], []).append(row)
    return found


def _with_own_layers(folders: dict[str, list[ScanRow]]) -> dict[str, list[ScanRow]]:
    return {name: rows for name, rows in folders.items() if rows[0]["own_layers"] != "0"}


def rows_of_role(rows: Iterable[ScanRow], role: str) -> list[ScanRow]:
    """One row for each folder with layers of its own and a unit of that role.

    It is the layer that has most norms on the wiring, if one was read.
    """
    found = []
    for of_folder in _with_own_layers(_by_folder(rows)).values():
        units = [_as_a_whole(row) for row in of_folder if row["role"] == role]
        layers = [row for row in units if row["outcome"] == "wiring"]
        norms = [row for row in units if row["outcome"] == "norms"]
        if units:
            found.append((sorted(layers, key=_most_norms) or norms or units)[0])
    return found


def _as_a_whole(row: ScanRow) -> ScanRow:
    """A row whose layer has next to none of the model's norms tells of its norms alone.

    It is a small block beside the layers, such as the low-rank one of Gemma 3n.
    """
    if row["outcome"] != "wiring":
        return row
    on_wirings = -_most_norms(row) * int(row["layers"] or 0)
    if on_wirings >= LEAST_SHARE * int(row["norms_read"] or 0):
        return row
    return {**row, "outcome": "norms", "placement": "", "equations": "", "norms_on_wiring": ""}


def _most_norms(row: ScanRow) -> int:
    return -int(row["norms_on_wiring"].split(",")[0] or 0)


def role_of_folder(rows: Iterable[ScanRow]) -> str:
    """The role of the whole that a folder defines: its last unit."""
    return [row["role"] for row in rows][-1] or "no configuration"


def _coverage(
    every: dict[str, list[ScanRow]], own: dict[str, list[ScanRow]], decoders: int, read: int
) -> Table:
    roles = Counter(role_of_folder(rows) for rows in every.values())
    lines: list[list[object]] = []
    for role, folders in roles.most_common():
        of_role = [rows for rows in own.values() if role_of_folder(rows) == role]
        lines.append([role, folders, *_read_of(of_role)])
    lines.append(["all", len(every), *_read_of([*own.values()])])
    lines.append(
        ["decoders, also in multimodal folders", "", decoders, "", f"{_of(read, decoders)}"]
    )
    return Table(("role", "folders", "own layers", "norms read", "wiring read"), lines)


def _read_of(folders: Sequence[Sequence[ScanRow]]) -> list[object]:
    norms = sum(any(row["norm"] for row in rows) for rows in folders)
    wirings = sum(any(map(_of_a_normed_layer, rows)) for rows in folders)
    return [len(folders), _of(norms, len(folders)), _of(wirings, len(folders))]


def _of_a_normed_layer(row: ScanRow) -> bool:
    """Whether it has the wiring of a layer with norms, and not of a block beside it."""
    return _as_a_whole(row)["outcome"] == "wiring" and bool(row["norm"])


def _of(part: int, whole: int) -> str:
    """ "9 of 10 (90 %)"."""
    return f"{part} of {whole} ({100 * part / whole:.0f} %)" if whole else "0 of 0"


def _by_year(decoders: Sequence[ScanRow]) -> Table:
    """RMSNorm among the decoders whose norm was read."""
    read = [row for row in decoders if row["norm"]]
    lines: list[list[object]] = []
    for year in sorted({row["year"] for row in read}, key=lambda year: year or "unknown"):
        kinds = [row["norm"].split(", ")[0] for row in read if row["year"] == year]
        others = Counter(kind for kind in kinds if kind != "RMSNorm")
        told = ", ".join(f"{kind} {count}" for kind, count in others.most_common())
        lines.append([year or "not known", _of(kinds.count("RMSNorm"), len(kinds)), told])
    kinds = [row["norm"].split(", ")[0] for row in read]
    lines.append(["all", _of(kinds.count("RMSNorm"), len(kinds)), ""])
    return Table(("decoders of", "RMSNorm", "others"), lines)


def _counted(title: str, rows: Sequence[ScanRow], value: Callable[[ScanRow], str]) -> Table:
    counts = Counter(map(value, rows))
    lines = [[name, _of(count, len(rows))] for name, count in counts.most_common()]
    return Table((title, "decoders with a wiring"), lines)


def _reasons(rows: Sequence[ScanRow]) -> Table:
    """Reasons without what is different in each, so that those that are alike count together."""
    failed = [row for row in rows if row["outcome"] in ("failed", "norms") and row["reason"]]
    counts = Counter(kind_of_failure(row["reason"]) for row in failed)
    first: dict[str, str] = {}
    for row in failed:
        said = shorten(f"{row['config']}: {row['reason']}", LONGEST_REASON, placeholder=" …")
        first.setdefault(kind_of_failure(row["reason"]), said)
    shown = counts.most_common(SHOWN_REASONS)
    return Table(
        ("not read to the end", f"units, of {sum(counts.values())} not read", "the first"),
        [[kind, count, first[kind]] for kind, count in shown],
    )


KINDS_OF_FAILURE = {
    "no residual layer was found": ("no residual layer",),
    "it needs an argument that is not known": ("missing", "none of its arguments", "unexpected"),
    "it takes too long": ("processor time", "took more than"),
    "its process ended": ("process ended",),
    "it needs a package": ("ImportError", "requires the"),
    "its configuration refuses small sizes": ("Validation", "validator"),
    "it is too large still": ("parameters still",),
    "there is no model for its configuration": ("has no model for",),
    "an argument was None": ("NoneType",),
    "sizes do not fit": ("size", "shape", "dimension", "channels", "mat1", "IndexError"),
}
"""By what their messages hold; the first that fits counts."""


def kind_of_failure(reason: str) -> str:
    """What a reason is, in words of its kind.

    >>> kind_of_failure("ImportError: TimmBackbone requires the timm library")
    'it needs a package'
    """
    for kind, said in KINDS_OF_FAILURE.items():
        if any(part in reason for part in said):
            return kind
    return reason.split(":")[0]
