"""The explorer's Python side: frames, positions, requests and errors, without a browser."""

import base64
import io
import re
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread

from normlab.pictures import Choice, Explorer, Scene, SideBySide, Slider
from normlab.pictures.frames import FramePainter, SharedLines
from normlab.pictures.scene import Drawing
from normlab.tools.table import Table

HEIGHTS = (1.0, 2.0, 3.0)


def draw(data, ax, /, height, style):
    ax.bar([0], [data * height], hatch="/" if style == "hatched" else None)
    ax.set(ylim=(0, 100), xlim=(-1, 1), title=f"height {height}")


def describe(data, /, height, style):
    value = data * height
    return f"The {style} bar is {value:.0f} high.", Table(("height",), [(value,)])


def compute(factor):
    if factor < 0:
        raise ValueError("factor is negative; expected one ≥ 0.")
    return factor


def explorer(draw=draw):
    return Explorer(
        "Bars",
        Scene(compute, draw, describe, size=(3, 2)),
        pages={
            "height": Slider("height", HEIGHTS, start=1),
            "style": Choice("style", ("plain", "hatched")),
        },
        settings={"factor": Choice("factor", (10, 20, -1))},
    )


def picture(widget, index):
    """The moving layer of a frame, put together as the browser does."""
    runs = [map(int, run.split("-")) for run in widget.frames[index]["runs"].split()]
    return "\n".join(line for a, b in runs for line in widget.lines[a : b + 1])


def test_there_is_a_frame_for_every_combination_and_the_last_control_varies_fastest():
    sentences = [frame["sentence"] for frame in explorer().frames]
    assert sentences == [
        f"The {style} bar is {10 * h:.0f} high." for h in HEIGHTS for style in ("plain", "hatched")
    ]


def test_every_frame_has_its_own_moving_layer_over_one_background():
    widget = explorer()
    assert ">100<" in widget.background  # a tick
    assert "height " not in widget.background  # titles move
    pictures = [picture(widget, i) for i in range(6)]
    assert len(set(pictures)) == 6
    for i, svg in enumerate(pictures):
        ET.fromstring(svg)
        assert svg.count(f"height {HEIGHTS[i // 2]}") == svg.count("height ") == 1
        assert ">100<" not in svg
        assert svg.count("clip-path=") == pictures[0].count("clip-path=")  # one bar in each


def test_the_bundle_shows_the_first_picture_and_sentence_where_there_is_no_widget():
    data, _ = explorer()._repr_mimebundle_()
    assert data["text/plain"] == "Bars: The plain bar is 20 high."
    png = data["image/png"]
    png = base64.b64decode(png) if isinstance(png, str) else png
    assert png.startswith(b"\x89PNG")
    assert "application/vnd.jupyter.widget-view+json" in data


def test_the_same_settings_give_the_same_frames():
    first, second = explorer(), explorer()
    assert (first.lines, first.frames) == (second.lines, second.frames)


def test_a_request_computes_all_frames_anew_and_is_answered():
    widget = explorer()
    widget.request = {"id": 1, "settings": {"factor": 1}}
    assert widget.frames[0]["sentence"] == "The plain bar is 20 high."
    assert (widget.answered, widget.progress, widget.problem) == (1, 1.0, "")


def test_a_request_that_fails_says_why_keeps_the_old_frames_and_can_be_followed_by_another():
    widget = explorer()
    before = list(widget.frames)
    with pytest.raises(ValueError, match="factor is negative"):
        widget.request = {"id": 1, "settings": {"factor": 2}}
    assert widget.problem == "ValueError: factor is negative; expected one ≥ 0."
    assert widget.frames == before
    assert widget.answered == 1
    widget.request = {"id": 2, "settings": {"factor": 0}}
    assert widget.problem == ""


def test_axes_that_move_between_frames_are_refused():
    def restless(data, ax, /, height, style):
        draw(data, ax, height, style)
        ax.set(ylim=(0, height))

    with pytest.raises(ValueError, match="the axes moved between frames"):
        explorer(restless)


def test_limits_that_differ_in_the_last_digit_do_not_count_as_moved():
    limits = iter([1.0, *[np.nextafter(1.0, 2)] * 100])

    def unsteady(data, ax, /, height, style):
        draw(data, ax, height, style)
        ax.set(xlim=(0, next(limits)))

    assert explorer(unsteady).frames


def test_nothing_of_one_frame_is_left_in_the_next():
    painter = FramePainter(1, (3, 2))
    (line,) = painter.axes.plot([0, 1], [0, 1], label="line")
    painter.axes.set_title("of this frame", loc="right")
    painter.axes.legend()
    painter.clear()
    assert not painter.axes.lines
    assert painter.axes.get_legend() is None
    assert painter.axes.get_title("right") == ""
    assert painter.axes.plot([0, 1])[0].get_color() == line.get_color()


def test_axes_of_one_look_share_a_background_and_give_the_pictures_of_fresh_ones(monkeypatch):
    painted = []
    paint = FramePainter._paint_background
    monkeypatch.setattr(
        FramePainter, "_paint_background", lambda self: painted.append(1) or paint(self)
    )
    widget = explorer()
    widget.request = {"id": 1, "settings": {"factor": 1}}
    widget.request = {"id": 2, "settings": {"factor": 0}}
    assert painted == [1]
    fresh = explorer()
    assert (widget.background, widget.lines) == (fresh.background, fresh.lines)
    assert widget.frames == fresh.frames


@pytest.mark.parametrize(
    "change",
    [
        lambda ax, data: ax.set_ylim(0, 100 * data),
        lambda ax, data: ax.set_yscale("linear" if data == 10 else "symlog"),
        lambda ax, data: ax.set_xlabel(f"label {data}"),
        lambda ax, data: ax.set_xticks([0], [f"tick {data}"]),
        lambda ax, data: ax.grid(visible=data == 10),
        lambda ax, data: ax.tick_params(labelleft=data == 10),
        lambda ax, data: ax.spines[:].set_visible(data == 10),
        lambda ax, data: ax.set_aspect("auto" if data == 10 else 0.01),
        lambda ax, data: ax.set_title("a title" if data == 10 else "a title\nof two rows"),
    ],
)
def test_axes_of_another_look_get_a_background_of_their_own(change):
    def draw_changed(data, ax, /, height, style):
        draw(data, ax, height, style)
        change(ax, data)

    widget = explorer(draw_changed)
    first = widget.background
    widget.request = {"id": 1, "settings": {"factor": 1}}
    assert widget.background != first


def two_panels(data, axes, /, height, style):
    axes[0].plot([0, 1, 2], [1, 10, height], label="a curve", color="black")
    axes[0].axhline(3)
    axes[1].bar([0, 1], [data, height], label="bars")
    axes[0].set(xlim=(0, 2), ylim=(1, 100), yscale="log", xlabel="step", ylabel="loss")
    axes[1].set(xlim=(-1, 2), ylim=(0, 100), ylabel="heights")


def test_the_browser_is_told_which_numbers_stand_where_and_where_a_picture_can_be_cut():
    scene = Scene(lambda: 10, two_panels, describe, columns=2, size=(6, 3))
    widget = Explorer("Two", scene, {"height": Slider("h", HEIGHTS), "style": Choice("s", ("a",))})
    assert widget.shape["size"] == (432, 216)
    (first, _, width, _), (second, _, rest, _) = panels = widget.shape["panels"]
    assert (first, first + width, second + rest) == (0, second, 432)
    assert [(top, height) for _, top, _, height in panels] == [(0, 216), (0, 216)]
    left, right = widget.plots
    assert left["box"][2] < second < right["box"][0]
    assert (left["ylim"], left["ylog"], left["xlabel"]) == ([1, 100], True, "step")
    svg = picture(widget, 0)
    for name in ("line:a curve", "bar:bars"):
        assert f'data-part="{name}"' in svg
    assert svg.count('data-part="line:') == 1  # a line from edge to edge is no data
    (path,) = re.findall(r'data-part="line:a curve">\s*<path d="([^"]*)"', svg)
    x, y = map(float, re.findall(r"L ([\d.]+) ([\d.]+)", path)[0])
    x0, y0, x1, y1 = left["box"]
    assert (x - x0) / (x1 - x0) * 2 == pytest.approx(1, abs=0.01)
    assert 100 ** ((y1 - y) / (y1 - y0)) == pytest.approx(10, rel=0.02)


def test_places_have_two_decimals_and_what_is_written_keeps_all():
    def marked(data, ax, /, height, style):
        ax.plot([1 / 3, 2 / 3], [height, 1 / 7], marker="o")
        ax.set(xlim=(0, 1), ylim=(0, 100), title="at 0.12345 a M 0.12345")

    svg = picture(explorer(marked), 0)
    assert "at 0.12345 a M 0.12345" in svg
    places = re.findall(r"^L (.*) $|<use [^>]* x=\"([^\"]*)\"", svg, re.MULTILINE)
    numbers = " ".join(a + b for a, b in places).split()
    assert len(numbers) > 2
    assert all(len(number.partition(".")[2]) <= 2 for number in numbers)


def test_a_picture_has_the_ink_of_the_page_and_keeps_its_colours():
    def colored(data, ax, /, height, style):
        ax.plot([0, height], color="#E69F00")
        ax.plot([0, 1], color="#777777")
        ax.set(xlim=(0, 1), ylim=(0, 100))

    widget = explorer(colored)
    svg = picture(widget, 0)
    assert "#e69f00" in svg
    assert "color-mix(in srgb, currentColor 53%, var(--normlab-ground))" in svg
    assert "currentColor" in widget.background
    assert not re.search(r"#(..)\1\1\b", svg + widget.background)


def test_a_formula_has_the_colours_of_the_picture():
    scene = Scene(lambda: 10, draw, describe)
    pages = {"height": Slider("h", (1.0,)), "style": Choice("s", ("plain",))}
    widget = Explorer("Bars", scene, pages, formula=["y = ", ("γ", "#009E73"), " x̂"])
    assert widget.formula == [["y = ", ""], ["γ", "#009E73"], [" x̂", ""]]


def test_a_thread_that_draws_takes_no_style_from_another():
    """One draws until the other is at it too, or cannot be; that one goes on when it has left."""
    second_draws, first_left = Event(), Event()

    def first(data, ax, /, height, style):
        draw(data, ax, height, style)
        second_draws.wait(0.3)

    def second(data, ax, /, height, style):
        second_draws.set()
        first_left.wait(0.3)
        draw(data, ax, height, style)

    def frame(draw):
        made = Drawing(Scene(compute, draw, describe), 10, {}).frame(
            {"height": 1.0, "style": "plain"}
        )
        first_left.set()
        return made

    before = mpl.rcParams["axes.titlelocation"]
    with mpl.rc_context({"axes.titlelocation": "right"}), ThreadPoolExecutor(2) as threads:
        drawn = list(threads.map(frame, [first, second]))
        assert mpl.rcParams["axes.titlelocation"] == "right"  # no style is left behind
    assert drawn == [frame(draw)] * 2
    assert mpl.rcParams["axes.titlelocation"] == before


@pytest.mark.parametrize("texts", [["a"], ["a\nb", "b\na"], ["", "x\n\nx", "x\n"]])
def test_shared_lines_give_the_texts_back(texts):
    shared = SharedLines()
    runs = [shared.add(text) for text in texts]
    lines = shared.lines
    assert len(set(lines)) == len(lines)
    for text, run in zip(texts, runs, strict=True):
        pairs = [map(int, pair.split("-")) for pair in run.split()]
        assert "\n".join(line for a, b in pairs for line in lines[a : b + 1]) == text


def test_frames_side_by_side_are_as_many_as_values_and_their_controls_have_the_same():
    def sides(right):
        scene = Scene(lambda: 10, draw, describe, size=(3, 2))
        page = {"scene": scene, "argument": "height", "left": Choice("left", HEIGHTS)}
        return SideBySide("Bars", **page, right=right)

    def draw(data, ax, /, height):
        ax.bar([0], [data * height])
        ax.set(ylim=(0, 100), xlim=(-1, 1))

    def describe(data, /, height):
        return f"{data * height:.0f}.", Table(("", "bar"), [("height", height)])

    made = sides(Choice("right", HEIGHTS, start=2))
    assert (len(made.frames), made.position, made.sentence()) == (3, [0, 2], "10. 30.")
    made.position = [2, 1]
    assert repr(made) == "Bars: 30. 20."
    width, height = imread(io.BytesIO(made.stand_in()["image/png"])).shape[1::-1]
    assert width == 2 * 3 * 90
    assert height == 2 * 90
    with pytest.raises(ValueError, match="left has 3 values and right has others, 2; expected the"):
        sides(Choice("right", HEIGHTS[:2]))
