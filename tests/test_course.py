"""The chapters: one source for what is said of them, and every table and link compared with it."""

import re
from pathlib import Path

import build
import course_links
import minutes
import pytest

from normlab.chapters import course
from normlab.chapters.course import Chapter, chapters, find_chapter, read_chapter
from normlab.claims import VERDICTS, find_claim
from normlab.exercises import all_exercises
from normlab.study.course import course as work_of_all

ROOT = Path(__file__).parent.parent
LESSONS = {path.name[:2]: path for path in build.lessons()}
ROW = re.compile(r"^\| \[(\d\d) · (.+?)\]\((\S+)\) \| (.+?) \|$", re.MULTILINE)
NEXT = re.compile(r"^Next: \[(\d\d) · (.+?)\]\((\S+)\)$", re.MULTILINE)


def rows(first, folder):
    """Number, title, link and question, as a table of the chapters should have them."""
    return [
        (c.number, c.title, f"{folder}{LESSONS[c.number].stem}.ipynb", c.question)
        for c in chapters()
        if c.number >= first
    ]


def texts(number):
    cells = build.convert(LESSONS[number]).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def test_every_chapter_has_a_lesson_and_every_lesson_a_chapter():
    assert list(LESSONS) == [chapter.number for chapter in chapters()]


def test_the_table_in_the_readme_is_that_of_the_chapters():
    readme = (ROOT / "README.md").read_text()
    assert course_links.readme_filled(readme) == readme, "run make lessons ARGS=00"
    table, _ = readme.split("## Exercises")
    assert ROW.findall(table) == rows("00", "notebooks/")


def test_the_table_in_the_first_notebook_is_that_of_the_chapters():
    assert ROW.findall(texts("00")) == rows("01", "")


@pytest.mark.parametrize("number", list(LESSONS))
def test_a_chapter_ends_with_the_link_to_the_next(number):
    follows = {row[0]: row[:3] for row in rows("01", "")}.get(f"{int(number) + 1:02}")
    assert NEXT.findall(texts(number)) == ([follows] if follows else [])
    assert "{{" not in texts(number)


def test_a_chapter_without_a_lesson_and_a_readme_without_a_place_are_refused():
    lost = Chapter("77", "t", "q?", name="lost")
    with pytest.raises(ValueError, match=r"chapter 77 \(lost/chapter.toml\) are: none; .* 77_….py"):
        course_links.link(lost)
    for lost in ("links", "chapters"):
        text = "".join(
            f"<!-- {name} -->\n<!-- end of {name} -->\n" for name in {"links", "chapters"} - {lost}
        )
        with pytest.raises(ValueError, match=f"has no place for its {lost}"):
            course_links.readme_filled(text)


@pytest.mark.parametrize("number", list(LESSONS))
def test_a_lessons_heading_has_its_number(number):
    assert LESSONS[number].read_text().splitlines()[1].startswith(f"# # {number} · ")


@pytest.mark.parametrize("number", list(LESSONS))
def test_the_core_path_of_a_chapter_is_at_most_as_long_as_the_course_says(number):
    notebook = build.convert(LESSONS[number])
    found = minutes.sections(notebook.cells)
    assert 5 <= minutes.core_minutes(found) <= minutes.CORE
    assert minutes.table(found) in notebook.cells[0].source


@pytest.mark.parametrize("number", list(LESSONS))
def test_a_section_off_the_core_path_is_folded_and_its_heading_stands_alone(number):
    for cell in build.convert(LESSONS[number]).cells:
        starred = cell.cell_type == "markdown" and re.search("^#+ .*★", cell.source, re.MULTILINE)
        assert cell.metadata.get("jp-MarkdownHeadingCollapsed", False) == bool(starred)
        if starred:
            assert cell.source.startswith("## ")
            assert len(re.findall("^#+ ", cell.source, re.MULTILINE)) == 1
            assert len(cell.source.split()) < 60


def test_the_readme_says_how_long_chapters_take():
    said = f"at most {minutes.CORE} minutes"
    assert said in (ROOT / "README.md").read_text()
    assert said in LESSONS["00"].read_text()


WORDS = sorted(VERDICTS, key=len, reverse=True)


@pytest.mark.parametrize("number", list(LESSONS))
def test_a_verdict_on_a_claim_is_the_ledgers(number):
    """Beside a claim's number, and in a table of verdicts, the text has no verdict of its own."""
    text = LESSONS[number].read_text()
    for line in text.splitlines():
        if re.search(r"\b[Cc]laims? \d|\b[Vv]erdict", line) and number != "12":
            left = re.sub(r"{{ ruling \d+ }}", "", line)
            assert not re.search(rf"\*\*({'|'.join(WORDS)})|: ({'|'.join(WORDS)})\b", left), line
    assert "**Verdict" not in text


def test_a_ruling_in_a_text_is_that_of_the_ledger():
    assert course_links.filled("Claim 25: {{ ruling 25 }}.", "04") == (
        f"Claim 25: {find_claim(25).ruling}."
    )


def test_every_exercise_belongs_to_one_chapter():
    named = [name for chapter in chapters() for name in chapter.exercises]
    assert sorted(named) == [exercise.name for exercise in all_exercises()]


def test_the_progress_has_a_row_for_each_chapter():
    assert [(w.number, w.title) for w in work_of_all()] == [
        (chapter.number, chapter.title) for chapter in chapters()
    ]


@pytest.mark.parametrize("number", ["banana", "1", "99", ""])
def test_an_unknown_chapter_is_refused(number):
    with pytest.raises(ValueError, match=rf"no chapter has the number '{number}'; .* 00, 01, 02"):
        find_chapter(number)


GOOD = 'number = "01"\ntitle = "t"\nquestion = "q?"\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "t"', "", r"lacks title; add"),
        ("title", "titel", r"unknown key 'titel'; did you mean 'title'"),
        ('title = "t"', 'title = ""', r"title is ''; expected a text"),
        ('title = "t"', 'title = "t"\nexercises = [1]', r"exercises\[0\] is 1; expected a text"),
        ('title = "t"', "title =", r"chapter.toml: Invalid value"),
    ],
)
def test_a_broken_file_is_refused_by_its_name(old, new, message, tmp_path):
    path = tmp_path / "chapter.toml"
    path.write_text(GOOD)
    assert read_chapter(path).title == "t"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ValueError, match=message) as error:
        read_chapter(path)
    assert str(path) in str(error.value)


def test_two_chapters_of_one_number_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(course, "FOLDER", tmp_path)
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "chapter.toml").write_text(GOOD)
    with pytest.raises(ValueError, match="has the number '01' too; numbers are unique"):
        chapters.__wrapped__()
