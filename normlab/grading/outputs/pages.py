"""Pages for people, from the templates beside this file: every text is escaped by Jinja."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from normlab.grading.marks import Mark
from normlab.grading.outputs.numbers import number
from normlab.tools.whole_files import written_whole

TEMPLATES = Path(__file__).with_name("templates")


def write_page(path: Path, template: str, **values: Any) -> None:
    """Write a page that needs nothing from anywhere else; a long one goes to the disk in pieces."""
    filled = _environment().get_template(template).stream(**values)
    filled.enable_buffering(size=64)
    with written_whole(path) as unfinished:
        filled.dump(str(unfinished), encoding="utf-8", errors="replace")


def page(template: str, **values: Any) -> bytes:
    """The same as bytes; what is no text, such as half of a character, becomes a question mark."""
    return _environment().get_template(template).render(**values).encode("utf-8", "replace")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"points": number, "kind": kind_of}
    return environment


def kind_of(mark: Mark) -> str:
    """What an answer is, in one word that the styles know."""
    if mark.passed:
        return "right"
    if mark.points if mark.judged is not None else mark.diagnosis.points:
        return "partly"
    return "wrong" if mark.diagnosis.attempted else "none"
