"""From stored notebooks to the site's sources: links, outputs, states, and pictures in words."""

import base64
import json
import re
from collections import Counter
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat import v4

from docs.site.assets import Assets
from docs.site.links import REPOSITORY, DeadLink, relinked
from docs.site.outputs import PictureWithoutWords, picture_html, site_output, words_of
from docs.site.sources import page
from docs.site.widget_states import STATE, VIEW, UnknownWidget, widget_html
from normlab.pictures import new_figure
from normlab.pictures.told import figure_in_words

ROOT = Path(__file__).parent.parent
BUILT = sorted((ROOT / "notebooks").glob("*.ipynb"))
HERE = Path("notebooks/01_layer_norm.ipynb")
PIXEL = base64.b64encode(
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\xbc\0\0\x01\x40\x08\x02\0\0\0"
).decode()


@pytest.fixture
def assets(tmp_path):
    return Assets(tmp_path / "_static")


def shown(data, metadata=None):
    return v4.new_output("display_data", data, metadata=metadata or {})


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("02_backward_and_geometry.ipynb", "02_backward_and_geometry"),
        ("../exercises/01_layer_norm.ipynb", "../exercises/01_layer_norm"),
        ("../exercises/01_layer_norm.ipynb#recap", "../exercises/01_layer_norm.ipynb#recap"),
        ("glossary.ipynb", "../glossary"),
        ("../README.md", f"{REPOSITORY}/blob/main/README.md"),
        ("../normlab/norms", f"{REPOSITORY}/tree/main/normlab/norms"),
        ("https://arxiv.org/abs/1607.06450", "https://arxiv.org/abs/1607.06450"),
        ("#recap", "#recap"),
    ],
)
def test_a_link_leads_where_it_led_in_the_repository(link, expected):
    assert relinked(f"see [it]({link}).", HERE) == f"see [it]({expected})."


def test_a_dead_link_is_named():
    with pytest.raises(DeadLink, match=r"01_layer_norm.ipynb links to ../nowhere.md, which is not"):
        relinked("[it](../nowhere.md)", HERE)


@pytest.mark.parametrize("path", BUILT, ids=lambda path: path.stem)
def test_every_stored_picture_says_in_words_what_it_shows(path):
    pictures = [
        output
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {}) and VIEW not in output.data
    ]
    for picture in pictures:
        words = words_of(picture)
        assert len(words) > 20
        assert not re.search(r"<Figure|\.png|\\|\$", words), words


def test_a_picture_has_its_words_and_its_size(assets):
    output = shown({"image/png": PIXEL}, {"image/png": {"alt": "a < b: from 1 to 2."}})
    html = picture_html(output, "../", assets)
    (kept,) = (assets.static / "course" / "figures").iterdir()
    assert f'src="../_static/course/figures/{kept.name}" width="700" height="320"' in html
    assert 'alt="a &lt; b: from 1 to 2."' in html


@pytest.mark.parametrize("text", ["", "<Figure size 700x320 with 1 Axes>"])
def test_a_picture_without_words_is_refused(assets, text):
    with pytest.raises(PictureWithoutWords, match="expected `alt` in its metadata"):
        picture_html(shown({"image/png": PIXEL, "text/plain": text}), "", assets)


def test_scripts_and_styles_are_files_and_the_same_are_kept_once(assets):
    state = {"_esm": "export default {}", "_css": "p {}", "layout": "IPY", "answer": None}
    first = widget_html({**state, "question": "</script>"}, "quiz('a')", "Q?", "", assets)
    widget_html({**state, "question": "b"}, "quiz('b')", "Q?", "", assets)
    names = {path.suffix for path in (assets.static / "course" / "modules").iterdir()}
    assert names == {".js", ".css"}
    assert "export default" not in first
    inside = re.search(r'<script type="application/json">(.*?)</script>', first)[1]
    assert json.loads(inside) == {"answer": None, "question": "</script>"}
    assert "quiz(&#x27;a&#x27;)" in first


def test_a_large_state_is_a_file(assets):
    state = {"_esm": "", "_css": "", "lines": ["x" * 20_000]}
    html = widget_html(state, "explore()", "It shows.", "../", assets)
    name = re.search(r'data-state="(.*?)"', html)[1]
    kept = json.loads((assets.static / name).read_text(encoding="utf-8"))
    assert kept == {"lines": ["x" * 20_000]}
    assert len(html) < 500


def test_a_widget_that_has_no_script_is_named(assets):
    with pytest.raises(UnknownWidget, match=r"'slide\(\)' is IntSliderModel, expected one with"):
        widget_html({"_model_name": "IntSliderModel"}, "slide()", "", "", assets)


def test_what_is_for_jupyterlab_alone_is_left_out(assets):
    quiz = shown({VIEW: {"model_id": "m"}, "text/plain": "Q?\nThe answer: run this cell."})
    colab = v4.new_code_cell("import sys", metadata={"tags": ["colab"]})
    cells = [
        v4.new_markdown_cell("# Title\n\nText.", id="t"),
        colab,
        v4.new_code_cell("from normlab import quiz\nquiz('a')", outputs=[quiz], id="q"),
        v4.new_code_cell("my_progress('01')", outputs=[shown({"text/plain": "none"})], id="p"),
    ]
    states = {"state": {"m": {"state": {"_esm": "", "_css": "", "question": {}}}}}
    notebook = v4.new_notebook(cells=cells, metadata={"widgets": {STATE: states}})
    title, question, record, *_ = page(notebook, HERE, assets).cells
    assert title.source.startswith('# Title\n\n<p class="normlab-note">Predict first')
    assert question.metadata.tags == ["remove-input", "cell-id-q"]
    html = question.outputs[0].data["text/html"]
    assert '<p class="normlab-until">Q?</p>' in html
    assert record.cell_type == "markdown"
    assert "../progress.html" in record.source


def test_a_table_can_scroll_and_a_text_stays(assets):
    table = site_output(shown({"text/html": "<table></table>"}), {}, "", "", assets)
    assert table.data["text/html"] == '<div class="normlab-scroll"><table></table></div>'
    text = v4.new_output("stream", text="1.7")
    assert site_output(text, {}, "", "", assets) is text


def test_lines_are_told_with_where_they_turn_and_their_scale():
    _, ax = new_figure()
    ax.plot([0, 1, 2], [1.0, 100.0, 10.0], label="loss")
    ax.axhline(3, label="edge")  # from edge to edge: no data
    ax.set(yscale="log", xlabel="step", ylabel=r"$\|x\|^2$", title="Two\nlines")
    assert figure_in_words(ax.figure) == (
        "Two lines. ‖x‖^2 (logarithmic) over step. loss: from 1 at 0 to 10 at 2, highest 100 at 1."
    )


def test_panels_bars_points_and_grids_are_told():
    figure, (bars, points, grid) = new_figure(columns=3)
    bars.bar(["a", "b"], [1, 2.5], label="norms")
    points.scatter([1, 2, 3], [4, np.nan, 6])
    grid.imshow(np.arange(6.0).reshape(2, 3))
    assert figure_in_words(figure) == (
        "Panel 1: norms: a 1, b 2.5. Panel 2: points: 3 of them, from 4 to 6, across from 1 to 3. "
        "Panel 3: a grid of 2 by 3 values, from 0 to 5."
    )


def test_of_a_diagram_the_words_are_told():
    figure, ax = new_figure()
    ax.set_axis_off()
    ax.plot([0, 1], [0, 1])
    for word in ("norm", " ", "⋮", "attention"):
        ax.text(0, 0, word)
    assert figure_in_words(figure) == "norm, attention."
    ax.set_label("First the norm, then attention")
    assert figure_in_words(figure) == "First the norm, then attention."


def test_no_two_pictures_of_a_chapter_have_the_same_words():
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        outputs = [o for c in nbformat.read(path, 4).cells for o in c.get("outputs", ())]
        words = Counter(o["metadata"]["alt"] for o in outputs if "alt" in o.get("metadata", ()))
        assert not [text for text, count in words.items() if count > 1], path.name


def test_bars_that_were_drawn_one_by_one_have_the_names_of_their_places():
    figure, ax = new_figure()
    ax.barh([0], [7.0])
    ax.barh([1], [float("nan")])
    ax.set_yticks([0, 1], ["LayerNorm", "RMSNorm"])
    ax.set_xlabel("seconds")
    assert figure_in_words(figure) == ("across: seconds. bars: LayerNorm 7, RMSNorm not a number.")


def test_many_lines_are_summed_up():
    figure, ax = new_figure()
    for i in range(9):
        ax.plot([0, 1], [i, i + 1])
    assert figure_in_words(figure) == "9 lines without names, from 0 to 9."
