"""The pages of the site that no notebook holds say what the course's data say, and all of it."""

import ast
import html
import importlib
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from PIL import Image
from widget_page import stored

from docs.site.links import REPOSITORY, ROOT
from docs.site.written import docstrings, first_page, reference, titles
from docs.site.written.claims import claims_page
from docs.site.written.errata import errata
from docs.site.written.html import chapter_page
from docs.site.written.pages import write_pages
from docs.site.written.teaching import teaching_page
from docs.site.written.zoo import zoo_page
from normlab.chapters import chapters
from normlab.chapters.norms_in_the_wild import load_zoo
from normlab.claims import CLAIMS, VERDICTS, load_ledger

FORM = ROOT / ".github" / "ISSUE_TEMPLATE" / "course.yml"
README = (ROOT / "README.md").read_text()
EXERCISES = sorted(path.stem for path in (ROOT / "exercises").glob("*.ipynb"))
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("source")
    write_pages(made)
    return made


def links(markdown):
    """The targets of a page's links and pictures, in markdown and in HTML."""
    found = re.findall(r"\]\(([^)\s]+)\)", markdown)
    return [
        html.unescape(t) for t in found + re.findall(r'(?:href|src|srcset)="([^"]+)"', markdown)
    ]


def test_every_link_of_every_page_leads_somewhere(folder):
    pages = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.md")}
    pages |= {f"chapters/{stem}" for stem in NOTEBOOKS if stem != "glossary"}
    pages |= {f"exercises/{stem}" for stem in EXERCISES}
    scripts = {f"_static/course/{path.name}" for path in (ROOT / "docs" / "site").glob("*.*")}
    for path in folder.glob("*.md"):
        for target in links(path.read_text()):
            if target.startswith(("http", "#")):
                continue
            known = Path(target).with_suffix("").as_posix() in pages
            assert known or (folder / target).exists() or target in scripts, (path.name, target)


# The first page


def test_the_first_page_leads_to_every_chapter_and_exercise_and_into_every_menu(folder):
    text = (folder / "index.md").read_text()
    for chapter in chapters():
        page = chapter_page(chapter.number).removesuffix(".html")
        assert f"[{chapter.number} · {chapter.title}]({page}) | {chapter.question}" in text
    for stem in EXERCISES:
        assert f"](exercises/{stem})" in text
    menu = set(re.findall(r"^([\w/*]+)$", text, re.MULTILINE))
    written = {path.stem for path in folder.glob("*.md")} - {"index"}
    assert menu == {*written, "chapters/*", "exercises/*", "glossary", "api/index"}


def test_a_part_that_the_readme_has_no_more_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(first_page, "README", tmp_path / "README.md")
    first_page.README.write_text(README.replace("## Start", "## Begin"))
    with pytest.raises(ValueError, match=r"README.md has no part like .*## Start"):
        first_page.first_page()


def test_the_moving_picture_is_the_explorer_at_each_depth_and_small():
    frames = stored(ROOT / "notebooks" / "06_gradient_flow.ipynb", "frames")["frames-0"]["frames"]
    with Image.open(first_page.MOVING) as moving, Image.open(first_page.STILL) as still:
        assert moving.n_frames == len(frames), "run python tests/depth_picture.py"
        assert moving.size == still.size
        assert moving.info["loop"] > 0  # it comes to rest
    assert first_page.MOVING.stat().st_size < 1.5e6


def test_the_words_of_the_moving_picture_are_its_numbers():
    frames = stored(ROOT / "notebooks" / "06_gradient_flow.ipynb", "frames")["frames-0"]["frames"]
    (alt,) = re.findall(r"!\[([^\]]+)\]\(docs/depth\.webp\)", README)
    sentence = frames[-1]["sentence"]
    assert sentence.startswith("S = 1,000 sub-layers")
    post, pre = sentence.split("Pre-norm: ")
    for said, part in (("from 1 to 700", pre), ("0.003", post)):
        assert said in alt
        assert said in part
    assert alt in first_page.first_page()


# The claims and the zoo


def test_every_claim_is_there_with_its_verdict_folded_and_its_evidence():
    page = html.unescape(claims_page())
    assert "The quotes are word by word, slips included." in page  # “model.eval()switch”
    folds = re.findall(r"<details.*?</details>", page, re.DOTALL)
    ledger = load_ledger()
    assert len(folds) == len(ledger.results) == len(CLAIMS)
    by_number = {int(re.search(r'id="claim-(\d+)"', fold)[1]): fold for fold in folds}
    for result in ledger.results:
        claim, fold = result.claim, by_number[result.claim.number]
        summary, inside = fold.split("</summary>")
        assert claim.quote in summary
        assert f"hidden>{claim.verdict}</span>" in summary  # until it is asked for
        assert claim.ruling in inside
        assert claim.statement in inside
        assert all(measure.name in inside for measure in result.finding.measures)
        assert chapter_page(claim.chapter) in inside
    assert all(f"<option>{verdict}</option>" in page for verdict in VERDICTS)


def test_every_model_of_the_zoo_is_a_row_of_the_table():
    page = zoo_page()
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    heads, *models = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    assert len(models) == len(load_zoo())
    assert {len(row) for row in models} == {len(heads)}
    for model, row in zip(load_zoo(), models, strict=True):
        cells = [html.unescape(cell) for cell in row]
        assert cells[0] == model.name
        assert {str(model.year), model.placement, model.note, model.confirmed_by} <= set(cells)


def test_a_chapter_that_has_no_notebook_is_named():
    with pytest.raises(ValueError, match="chapter 99 has 0 notebooks"):
        chapter_page("99")


# The teacher's guide


def test_the_guide_is_the_one_of_the_repository_with_links_that_work_from_the_site():
    guide, page = (ROOT / "docs" / "teaching.md").read_text(), teaching_page()
    assert len(page.splitlines()) == len(guide.splitlines())
    targets = links(page)
    assert len(targets) == len(links(guide)) > 3
    assert all(target.startswith((f"{REPOSITORY}/", "_static/", "#")) for target in targets)


# Errata


@pytest.mark.parametrize("page", ["glossary", "chapters/06_gradient_flow", "exercises/03_rms_norm"])
def test_a_report_names_the_page_in_a_form_that_is_there(page):
    fields = {part["id"] for part in yaml.safe_load(FORM.read_text())["body"]}
    (target,) = links(errata(page))
    assert target.startswith(f"{REPOSITORY}/issues/new?")
    asked = parse_qs(urlsplit(target).query)
    assert asked.pop("template") == [FORM.name]
    assert page in asked.pop("title")[0]
    assert asked.keys() <= fields
    assert page in asked["place"][0]
    assert "normlab 0." in asked["place"][0]


def test_a_page_that_the_site_has_not_is_named():
    for page in ("chapters/99_none", "solutions/01_layer_norm", "01_layer_norm"):
        with pytest.raises(ValueError, match=f"the site has no page '{page}'"):
            errata(page)


def test_pages_without_a_notebook_are_called_as_they_are_titled(folder):
    for page, title in titles.WRITTEN.items():
        path = folder / f"{page}.md"
        if path.exists() and page != "index":
            assert path.read_text().startswith(f"# {title}\n")
    assert f"{titles.WRITTEN['api/index']}\n===" in (folder / "api" / "index.rst").read_text()


# The reference


def test_the_reference_has_all_that_a_face_names():
    documented = {n.name for names in reference.faces().values() for n in names}
    stubs = [p for p in (ROOT / "normlab").rglob("__init__.pyi") if "study" not in p.parts]
    named = {
        alias.name
        for stub in stubs
        for node in ast.parse(stub.read_text()).body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    for room in ("normlab.norms", "normlab.torch_norms", "normlab.fused_norms"):
        named |= set(importlib.import_module(room).__all__)
    assert named == documented
    assert len(documented) > 300


def test_a_name_has_one_place_in_the_reference():
    places = [name for names in reference.faces().values() for name in names]
    assert len(places) == len(set(places))


def test_every_room_has_its_page(folder):
    rooms = reference.faces()
    assert {path.stem for path in (folder / "api").iterdir()} == {*rooms, "index"}
    page = (folder / "api" / "normlab.norms.rst").read_text()
    assert ".. autofunction:: layer_norm\n" in page
    assert "A type: ``ndarray[tuple[Any, ...], dtype[floating]]``" in page
    assert ".. autoclass:: PostNorm\n" in (folder / "api" / "normlab.models.rst").read_text()


@pytest.mark.parametrize(
    ("plain", "rest"),
    [
        (["a_ and *b*"], [r"a\_ and \*b\*"]),
        (["`a_` and `*b`s"], [r"``a_`` and ``*b``\ s"]),
        (
            ["Text.", "", "    x = *y", "", "More."],
            ["Text.", "", "::", "", "    x = *y", "", "More."],
        ),
        (["Args:", "    x: is |y|."], ["Args:", r"    x: is \|y\|."]),
        ([">>> a_", "b_", "", "c_"], [">>> a_", "b_", "", r"c\_"]),
    ],
    ids=["signs", "code", "a block", "a section", "an example"],
)
def test_a_docstring_is_plain_text(plain, rest):
    assert docstrings.as_rest(plain) == rest
