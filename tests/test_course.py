"""The chapters: one source for what is said of them, and every table and link compared with it."""

import re
from pathlib import Path

import build
import course_links
import pytest

from normlab import chapter_read
from normlab.chapters import course
from normlab.chapters.course import Chapter, chapters, find_chapter, read_chapter
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
    lost = Chapter("77", "t", "q?", 1, name="lost")
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


def test_the_readme_says_how_long_chapters_take():
    minutes = [chapter.minutes for chapter in chapters()[1:]]
    said = f"{min(minutes)} to {max(minutes)} minutes"
    assert said in (ROOT / "README.md").read_text()
    assert f"Plan {said}" in LESSONS["00"].read_text()


def test_every_exercise_belongs_to_one_chapter():
    named = [name for chapter in chapters() for name in chapter.exercises]
    assert sorted(named) == [exercise.name for exercise in all_exercises()]


def test_the_progress_has_a_row_for_each_chapter():
    assert [(w.number, w.title) for w in work_of_all()] == [
        (chapter.number, chapter.title) for chapter in chapters()
    ]


@pytest.mark.parametrize("number", ["banana", "1", "99", ""])
def test_an_unknown_chapter_is_refused_and_not_marked_as_read(number):
    with pytest.raises(ValueError, match=rf"no chapter has the number '{number}'; .* 00, 01, 02"):
        chapter_read(number)
    with pytest.raises(ValueError, match="expected one of"):
        find_chapter(number)


GOOD = 'number = "01"\ntitle = "t"\nquestion = "q?"\nminutes = 5\n'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("minutes = 5", "", r"lacks minutes; add"),
        ("minutes = 5", "minutes = 0", r"minutes is 0; expected a whole number from 1 on"),
        ("title", "titel", r"unknown key 'titel'; did you mean 'title'"),
        ('title = "t"', 'title = ""', r"title is ''; expected a text"),
        ("minutes = 5", "minutes = 5\nexercises = [1]", r"exercises\[0\] is 1; expected a text"),
        ("minutes = 5", "minutes =", r"chapter.toml: Invalid value"),
    ],
)
def test_a_broken_file_is_refused_by_its_name(old, new, message, tmp_path):
    path = tmp_path / "chapter.toml"
    path.write_text(GOOD)
    assert read_chapter(path).minutes == 5
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
