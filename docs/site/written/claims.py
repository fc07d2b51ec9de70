"""The ledger of the claims as a page: each claim of the seed text, what the course says, and why.

A claim is folded, and its verdict stands inside: it should be marked before it is judged.
"""

from collections import Counter
from html import escape

from docs.site.written.html import chapter_page, page_script, raw, sourced
from normlab.chapters import find_chapter
from normlab.claims import KINDS, THEMES, VERDICTS, Measure, Result, count_verdicts, load_ledger


def claims_page() -> str:
    """The page as markdown, from the stored ledger."""
    results = {result.claim.number: result for result in load_ledger().results}
    counts = ", ".join(f"{count} {verdict}" for verdict, count in count_verdicts().items())
    parts = ["# The claims", _introduction(len(results)), raw(_controls(counts))]
    for theme, claims in THEMES.items():
        folds = [_fold(theme, results[claim.number]) for claim in claims]
        parts += [f"## {theme[0].upper()}{theme[1:]}", raw("\n".join(folds))]
    return "\n\n".join([*parts, raw(SCRIPT)]) + "\n"


INTRODUCTION = """\
A page of lecture notes makes {count} claims. Each has a verdict here, and says what that rests on:
{kinds}. All but the last have an experiment, with bounds that were argued before. **Mark them
yourself first**, in [chapter 00](chapters/00_start_here); in [chapter 12](chapters/12_the_debate)
you bet on them before the experiments run. The quotes are word by word, slips included.
`normlab claims` runs them all in a minute."""
SCRIPT = page_script("ledger")


def _introduction(count: int) -> str:
    kinds = Counter(claim.kind for claims in THEMES.values() for claim in claims)
    told = "; ".join(f"{kinds[kind]} {meaning}" for kind, meaning in KINDS.items())
    return INTRODUCTION.format(count=count, kinds=told)


def _controls(counts: str) -> str:
    options = "".join(f"<option>{escape(verdict)}</option>" for verdict in VERDICTS)
    return (
        '<form class="normlab-filters" id="normlab-claims" hidden>'
        '<label>Search <input type="search" name="words"></label>'
        f'<label>Verdict <select name="verdict"><option value="">not shown</option>'
        f'<option value="any">all: {escape(counts)}</option>{options}</select></label>'
        '<p role="status"></p></form>'
    )


def _fold(theme: str, result: Result) -> str:
    claim = result.claim
    return (
        f'<details class="normlab-claim-fold" id="claim-{claim.number}" '
        f'data-verdict="{escape(claim.verdict)}">'
        f"<summary><b>{claim.number}</b> “{escape(claim.quote)}” "
        f'<span class="normlab-verdict-tag" hidden>{escape(claim.verdict)}</span></summary>'
        f"<p><b>{escape(claim.ruling)}.</b> {escape(claim.statement)}</p>"
        f"<p>{escape(result.finding.sentence)}</p>{_measures(result)}"
        f"<p>The verdict is {escape(KINDS[claim.kind])}.<br>"
        f"What was run: {escape(claim.scale)}.<br>Source: {sourced(claim.source)}.<br>"
        f"In the course: {_chapter(claim.chapter)}.</p></details>"
    )


def _measures(result: Result) -> str:
    listed = "".join(f"<li>{_measure(measure)}</li>" for measure in result.finding.measures)
    return f"<ul>{listed}</ul>" if listed else ""


def _measure(measure: Measure) -> str:
    return (
        f"{escape(measure.name)}: <b>{escape(measure.shown)}</b>. It supports the verdict if "
        f"{escape(measure.expected)}: {escape(measure.why)}."
    )


def _chapter(number: str) -> str:
    title = f"{number} · {find_chapter(number).title}"
    return f'<a href="{chapter_page(number)}">{escape(title)}</a>'
