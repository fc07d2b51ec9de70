"""What is wrong with a model's norms and wiring, or worth a look."""

import re
from collections.abc import Iterable, Iterator

from normlab.inspection.findings import Findings
from normlab.inspection.norm_mistakes import norm_mistakes
from normlab.inspection.report import Severity, Warning
from normlab.inspection.wiring_mistakes import wiring_mistakes

ORDER: tuple[Severity, ...] = ("error", "warning", "note")


def find_mistakes(findings: Findings, decayed: frozenset[str]) -> tuple[Warning, ...]:
    """All warnings, the gravest first; norms of layers that are alike share one.

    Args:
        findings: what was read.
        decayed: the names of the parameters that an optimizer shrinks.
    """
    found = [*norm_mistakes(findings, decayed), *wiring_mistakes(findings)]
    return tuple(sorted(_merged(found), key=lambda warning: ORDER.index(warning.severity)))


def _merged(warnings: Iterable[Warning]) -> Iterator[Warning]:
    """One warning for all places that differ in numbers alone."""
    groups: dict[tuple[str, ...], list[Warning]] = {}
    for warning in warnings:
        place = re.sub(r"\d+", "*", warning.where)
        groups.setdefault((warning.code, warning.message, place), []).append(warning)
    for group in groups.values():
        first, where = group[0], dict.fromkeys(warning.where for warning in group)
        more = f" and {len(where) - 1} more like it" if len(where) > 1 else ""
        yield Warning(first.code, first.severity, first.message, first.where + more, first.chapter)
