"""A report for the terminal."""

import textwrap
from collections.abc import Iterator

from normlab.inspection.chapter_pages import chapter_page
from normlab.inspection.report import Report, Warning

WIDTH = 96
NOTHING_WRONG = ("No mistake was found.", "No mistake was found in what was understood.")
MARKS = {"error": "✗", "warning": "!", "note": "·"}


def first_line(report: Report) -> str:
    """The model in one line.

    >>> first_line(Report("GPT", 1200, (), (), ()))
    'GPT: 1,200 parameters, 0 norms, 0 residual layers'
    """
    return (
        f"{report.model}: {_counted(report.parameters, 'parameter')}, "
        f"{_counted(len(report.norms), 'norm')}, {_counted(len(report.layers), 'residual layer')}"
    )


def as_text(report: Report) -> str:
    """The report: its first line, tables, warnings, and what was not understood."""
    return "\n\n".join(_parts(report))


def _parts(report: Report) -> Iterator[str]:
    yield first_line(report)
    if report.norms:
        yield str(report.table())
    if report.layers:
        yield str(report.wirings())
        yield from _remarks(report)
    yield from map(_warning, report.warnings)
    if report.norms and not report.warnings:
        yield NOTHING_WRONG[bool(report.unread)]
    if report.unread:
        yield "Not understood:\n" + "\n".join(_wrapped(text, "- ") for text in report.unread)


def _remarks(report: Report) -> Iterator[str]:
    found = dict.fromkeys(remark for layer in report.layers for remark in layer.remarks)
    if found:
        yield "\n".join(_wrapped(remark, "- ") for remark in found)


def _warning(warning: Warning) -> str:
    lines = [f"{MARKS[warning.severity]} {warning.severity}: {warning.code}, in {warning.where}"]
    lines.append(_wrapped(warning.message, "  "))
    if warning.chapter:
        page = chapter_page(warning.chapter)
        lines.append(f"  Chapter {warning.chapter}" + (f": {page}" if page else ""))
    return "\n".join(lines)


def _wrapped(text: str, first: str) -> str:
    rest = " " * len(first)
    return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest)


def _counted(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"
