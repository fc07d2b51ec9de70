"""The zoo of models as a page: a table to search and to sort."""

from collections.abc import Sequence
from html import escape

from docs.site.written.html import page_script, raw, sourced
from normlab.chapters.norms_in_the_wild import load_zoo
from normlab.chapters.norms_in_the_wild.zoo import COLUMNS, ZooModel

MORE = ("final norm", "streams", "follows", "stated by", "confirmed by", "source", "note")


def zoo_page() -> str:
    """The page as markdown, from the stored table."""
    zoo = load_zoo()
    shown = zip(zoo.models, zoo.table().rows, strict=True)
    rows = "\n".join(f"<tr>{_cells(model, row)}</tr>" for model, row in shown)
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in (*COLUMNS, *MORE))
    table = (
        f'<div class="normlab-scroll normlab-zoo" role="region" aria-label="The zoo" tabindex="0">'
        f'<table class="table" id="normlab-zoo"><thead><tr>{heads}</tr></thead>'
        f"<tbody>\n{rows}\n</tbody></table></div>"
    )
    text = INTRODUCTION.format(count=len(zoo), read=zoo.count("confirmed_by")["installed code"])
    return "\n\n".join(["# The zoo of models", text, raw(CONTROLS + table), raw(SCRIPT)]) + "\n"


INTRODUCTION = """\
{count} models: which norm each has, with which ε and which weights, and where it stands.
{read} of them are confirmed by a test that reads the installed code; of each the source is named.
[Chapter 11](chapters/11_norms_in_the_wild) counts them, and shows how a norm is read from
outside. A press on the head of a column sorts by it."""
CONTROLS = (
    '<form class="normlab-filters" id="normlab-zoo-search" hidden>'
    '<label>Search <input type="search" name="words"></label><p role="status"></p></form>\n'
)
SCRIPT = page_script("zoo")


def _cells(model: ZooModel, row: Sequence[object]) -> str:
    first, *others = map(str, row)
    source = sourced(f"{model.source}, {model.version}")
    more = (
        *("yes" if model.final_norm else "no", model.streams, model.follows),
        *(model.states, model.confirmed_by),
    )
    cells = [*map(escape, (*others, *more)), source, escape(model.note)]
    return f'<th scope="row">{escape(first)}</th>' + "".join(f"<td>{cell}</td>" for cell in cells)
