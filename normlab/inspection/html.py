"""A report as one page of HTML: nothing else is loaded, and nothing runs."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources

from normlab.inspection.chapter_pages import chapter_page
from normlab.inspection.drawn_report import DrawnWiring, depth_picture, drawn_wirings
from normlab.inspection.model_depth import ModelDepth
from normlab.inspection.report import Report, Warning
from normlab.inspection.report_text import NOTHING_WRONG, first_line
from normlab.tools.table import Table

LOOKS = {"error": "error", "warning": "doubt", "note": "note"}
"""The class of a finding, by its severity."""
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main class="normlab-report">
{body}
</main>
</body>
</html>
"""


def as_page(report: Report, depth: ModelDepth | None = None) -> str:
    """A page of its own, for the browser and for print; with depth, if that was measured."""
    title = escape(f"The norms of {report.model}")
    body = f"<h1>{title}</h1>\n{_body(report)}\n{_depth(depth) if depth else ''}"
    return PAGE.format(title=title, style=_style("page") + _style("report"), body=body)


def as_fragment(report: Report) -> str:
    """The same for a notebook, without the head of a page."""
    style = f"<style>{_style('report')}</style>"
    return f'<div class="normlab-report">{style}\n{_body(report)}\n</div>'


def _style(name: str) -> str:
    return (resources.files("normlab.inspection") / f"{name}.css").read_text(encoding="utf-8")


def _body(report: Report) -> str:
    return "\n".join(_parts(report))


def _parts(report: Report) -> Iterator[str]:
    yield f"<p>{escape(first_line(report))}.</p>"
    yield from map(_warning, report.warnings)
    if report.norms and not report.warnings:
        yield f"<p>{NOTHING_WRONG[bool(report.unread)]}</p>"
    if report.unread:
        items = "".join(f"<li>{escape(text)}</li>" for text in report.unread)
        yield f"<section><h2>Not understood</h2><ul>{items}</ul></section>"
    wirings = drawn_wirings(report)
    if wirings:
        yield f"<section><h2>Wiring</h2>{''.join(map(_wiring, wirings))}</section>"
    if report.norms:
        yield f"<section><h2>Norms</h2>{_table(report.table())}</section>"


def _depth(depth: ModelDepth) -> str:
    return (
        f'<section><h2>Depth</h2><div class="wide picture">{depth_picture(depth)}</div>'
        f"<p>{escape(depth.remark)}</p>{_table(depth.table(), 'Depth')}</section>"
    )


def _warning(warning: Warning) -> str:
    page = chapter_page(warning.chapter)
    where = re.sub(r" and \d+ more like it$", "", warning.where)
    more = warning.where.removeprefix(where)
    chapter = f"Chapter {escape(warning.chapter)}" if warning.chapter else ""
    link = f' <a href="{escape(page)}">{chapter}</a>' if page else f" {chapter}"
    return (
        f'<div class="finding {LOOKS[warning.severity]}">'
        f"<p><strong>{escape(warning.severity.capitalize())}: {escape(warning.code)}</strong>, in "
        f"<code>{escape(where)}</code>{escape(more)}</p>"
        f"<p>{escape(warning.message)}{link}</p></div>"
    )


def _wiring(drawn: DrawnWiring) -> str:
    layer = drawn.layer
    names = [each.name or "the model" for each in drawn.layers]
    span = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}, {len(names)} layers"
    lines = "\n".join(map(escape, layer.equations))
    parts = [*_named("n", layer.norms), *_named("f", layer.sublayers)]
    remarks = "".join(f"<p>{escape(remark)}</p>" for remark in layer.remarks)
    return (
        f'<figure><div class="picture">{drawn.svg}</div>'
        f"<figcaption><h3>{escape(layer.placement)}</h3><p>{escape(span)}</p>"
        f"<pre>{lines}</pre><p>{', '.join(parts)}</p>{remarks}</figcaption></figure>"
    )


def _named(letter: str, names: Sequence[str]) -> list[str]:
    """What n1, f1 and so on are called in the model."""
    return [
        f"{letter}{number}: <code>{escape(name)}</code>"
        for number, name in enumerate(names, 1)
        if name
    ]


def _table(table: Table, name: str = "Norms") -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.cells()
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{name}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
