"""The page of what a learner did, here and on the desk, and the file that takes it along."""

import json
from typing import Any

from docs.site.written.html import chapter_page, page_script, raw
from normlab.claims import sentences
from normlab.study.course import course
from normlab.study.overview import ChapterWork
from normlab.study.reviews import DAYS


def progress_page() -> str:
    """The page as markdown; what it shows is written by `progress_page.js`."""
    known = json.dumps(known_course(), ensure_ascii=False).replace("</", "<\\/")
    data = f'<script type="application/json" id="normlab-course">{known}</script>'
    return "\n\n".join(["# Your progress", TEXT, raw(PLACE), TAKE, raw(BUTTONS + data + SCRIPT)])


def known_course() -> dict[str, Any]:
    """What the page has to know of the course; of questions no word, and no answer."""
    chapters = [_chapter(chapter) for chapter in course()]
    return {"claims": len(sentences()), "waits": DAYS, "chapters": chapters}


def _chapter(chapter: ChapterWork) -> dict[str, Any]:
    return {
        "number": chapter.number,
        "title": chapter.title,
        "page": chapter_page(chapter.number),
        "questions": [{"id": q.id, "theme": q.theme, "deep": q.deep} for q in chapter.questions],
        "exercises": chapter.exercises,
    }


TEXT = """\
What you answered, marked, bet on and solved on this site is kept in this browser, and goes nowhere
else."""
PLACE = (
    '<div id="normlab-progress"><noscript><p>To show it, this page needs JavaScript.</p></noscript>'
    "</div>"
)
TAKE = """\
## To your desk and back

One file holds all of it, your answers to the exercises too. On your machine
`normlab progress --import FILE` takes it in, and `normlab progress --export FILE` writes one for
this page. What is in both counts once, and nothing that is there is lost: of two answers the newer
one stands in the exercise, and the other one below."""
BUTTONS = (
    '<div class="normlab-exchange" hidden>'
    '<p><button type="button" class="normlab-button" id="normlab-export">Export to a file</button>'
    "</p>"
    '<p><label>Import a file <input type="file" accept=".json,application/json" '
    'id="normlab-import"></label></p></div>'
    '<p role="status" id="normlab-exchanged"></p>'
    '<div id="normlab-earlier"></div>'
)
SCRIPT = page_script("progress_page")
