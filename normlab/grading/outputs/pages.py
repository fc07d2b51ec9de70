"""Pages for people: what is common to a student's feedback and a class's overview."""

from collections.abc import Iterable
from html import escape

STYLE = """
:root { color-scheme: light dark; --line: #8886; --right: #2b8a5e; --wrong: #c2473d; --none: #888; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
table { border-collapse: collapse; } th, td { text-align: left; vertical-align: top; }
th, td { padding: .2rem .8rem .2rem 0; white-space: pre-wrap; }
th { white-space: nowrap; } td { overflow-wrap: anywhere; }
section { border-left: .3rem solid var(--none); padding-left: 1rem; margin: 1rem 0; }
section.right { border-color: var(--right); } section.wrong { border-color: var(--wrong); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
pre { border: 1px solid var(--line); padding: .5rem; }
.bar { background: var(--line); height: .7rem; width: 20rem; max-width: 100%; }
.bar div { background: var(--right); height: 100%; }
"""


def page(title: str, *parts: str) -> str:
    """A page that needs nothing from anywhere else."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n" + "\n".join(filter(None, parts)) + "\n</body></html>\n"
    )


def bar(points: float, most: float) -> str:
    """A bar that is as full as the points are; the numbers stand beside it in words."""
    share = 100 * points / most if most else 0
    return f'<div class="bar" aria-hidden="true"><div style="width: {share:.1f}%"></div></div>'


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Labels on the left, texts on the right."""
    cells = (
        f'<tr><th scope="row">{escape(label)}</th><td>{escape(text)}</td></tr>'
        for label, text in rows
    )
    return f"<table>{''.join(cells)}</table>"


def items(texts: Iterable[str]) -> str:
    listed = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>{listed}</ul>" if listed else ""
