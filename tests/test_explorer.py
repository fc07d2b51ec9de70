"""The explorer's Python side: frames, positions, requests and errors, without a browser."""

import base64
import xml.etree.ElementTree as ET

import pytest

from normlab.table import Table
from normlab.widgets.explorer import Choice, Explorer, Scene, Slider
from normlab.widgets.frames import FramePainter, share_lines

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
    runs = [map(int, run.split("-")) for run in widget.frames[index]["runs"].split()]
    return "\n".join(line for a, b in runs for line in widget.lines[a : b + 1])


def test_there_is_a_frame_for_every_combination_and_the_last_control_varies_fastest():
    sentences = [frame["sentence"] for frame in explorer().frames]
    assert sentences == [
        f"The {style} bar is {10 * h:.0f} high." for h in HEIGHTS for style in ("plain", "hatched")
    ]


def test_every_frame_is_a_whole_picture_of_its_own():
    widget = explorer()
    pictures = [picture(widget, i) for i in range(6)]
    assert len(set(pictures)) == 6
    for i, svg in enumerate(pictures):
        ET.fromstring(svg)
        assert f"height {HEIGHTS[i // 2]}" in svg
        assert svg.count("height ") == 1  # titles are drawn once, not on both layers
        assert ">100<" in svg  # the ticks of the background


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


def test_nothing_of_one_frame_is_left_in_the_next():
    painter = FramePainter(1, (3, 2))
    painter.axes.plot([0, 1], [0, 1], label="line")
    painter.axes.legend()
    painter.clear()
    assert not painter.axes.lines
    assert painter.axes.get_legend() is None


@pytest.mark.parametrize("texts", [["a"], ["a\nb", "b\na"], ["", "x\n\nx", "x\n"]])
def test_shared_lines_give_the_texts_back(texts):
    lines, runs = share_lines(texts)
    assert len(set(lines)) == len(lines)
    for text, run in zip(texts, runs, strict=True):
        pairs = [map(int, pair.split("-")) for pair in run.split()]
        assert "\n".join(line for a, b in pairs for line in lines[a : b + 1]) == text
