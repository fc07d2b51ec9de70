"""Docstrings as reST. They are plain text: code in single backticks, formulas as they are typed.

An extension of Sphinx, which does so before napoleon reads the sections of a docstring. It brings
the style of the written pages too.
"""

import inspect
import re
from collections.abc import Iterator
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

EXTENSIONS = ("sphinx.ext.autodoc", "sphinx.ext.napoleon")
SETTINGS: dict[str, Any] = {
    "autodoc_member_order": "bysource",
    "autodoc_preserve_defaults": True,
    "autodoc_typehints": "none",
    "autodoc_class_signature": "mixed",
    "napoleon_numpy_docstring": False,
    "napoleon_attr_annotations": False,
    "napoleon_use_ivar": True,
    "napoleon_use_rtype": False,
    "add_module_names": False,
}
"""What the reference needs of Sphinx's configuration."""
SECTION = re.compile(r"(Args|Attributes|Example|Raises|Returns):$")
CODE = re.compile(r"(`[^`\n]+`)")
MARKUP = re.compile(r"[\\*|_]")
BEFORE_NAPOLEON, AFTER_NAPOLEON = 400, 600


def as_rest(lines: list[str]) -> list[str]:
    """The lines of a docstring as reST.

    >>> as_rest(["|x|² of `a_b`s, as in", "", "    x = 1"])
    ['\\\\|x\\\\|² of ``a_b``\\\\ s, as in', '', '::', '', '    x = 1']
    """
    return list(_rest(lines))


def _rest(lines: list[str]) -> Iterator[str]:
    in_section = False
    doctest = literal = False
    blank = True
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if indent == 0 and line:
            in_section = literal = False
        if SECTION.match(line):
            in_section = True
        doctest = (doctest and bool(line)) or line.lstrip().startswith(">>>")
        starts = blank and indent >= 4 and not (in_section or doctest or literal)
        if starts:
            literal = True
            yield from ("::", "")
        yield line if literal or doctest else escaped(line)
        blank = not line


def escaped(text: str) -> str:
    """A line whose signs mean themselves, but for code in backticks.

    >>> escaped("x_ is *new* in `x_`")
    'x\\\\_ is \\\\*new\\\\* in ``x_``'
    """
    parts = CODE.split(text)
    for place, part in enumerate(parts):
        if place % 2:
            follows = parts[place + 1][:1]
            parts[place] = f"``{part[1:-1]}``" + ("\\ " if follows.isalnum() else "")
        else:
            parts[place] = MARKUP.sub(lambda found: f"\\{found[0]}", part)
    return "".join(parts)


def make_rest(app: Sphinx, what: str, name: str, of: Any, options: Any, lines: list[str]) -> None:
    """Sphinx's event: change the lines of a docstring in place."""
    lines[:] = as_rest(lines)


def keep_property(
    app: Sphinx, what: str, name: str, of: Any, options: Any, lines: list[str]
) -> None:
    """Napoleon takes what stands before a colon in a property's docstring for its type."""
    if what == "property" and ":" in (of.__doc__ or ""):
        lines[:] = as_rest([*inspect.cleandoc(of.__doc__).splitlines(), ""])


def configure(app: Sphinx, config: Config) -> None:
    for name, value in SETTINGS.items():
        setattr(config, name, value)


def setup(app: Sphinx) -> dict[str, Any]:
    for extension in EXTENSIONS:
        app.setup_extension(extension)
    app.connect("config-inited", configure)
    app.add_css_file("course/written.css")
    app.connect("autodoc-process-docstring", make_rest, priority=BEFORE_NAPOLEON)
    app.connect("autodoc-process-docstring", keep_property, priority=AFTER_NAPOLEON)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
