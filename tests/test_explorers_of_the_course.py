"""What every explorer in the notebooks keeps to, whatever it shows."""

import functools
import importlib.util
import inspect
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.pyplot import imread

from normlab.chapters.course import chapters
from normlab.chapters.layer_norm.explorers import GAIN, SHIFT
from normlab.pictures import Explorer
from normlab.pictures.scene import Drawing
from normlab.pictures.token.widget import TOKEN

MODULES = [f"normlab.chapters.{chapter.name}.explorers" for chapter in chapters()]
FUNCTIONS = {
    name: function
    for module in ["normlab.claims.explorers", *filter(importlib.util.find_spec, MODULES)]
    for name, function in inspect.getmembers(importlib.import_module(module), inspect.isfunction)
}
EXPLORERS = {name: make for name, make in FUNCTIONS.items() if name.startswith("explore_")}
TOKENS = {name: make for name, make in FUNCTIONS.items() if name.startswith("grab_token")}


def test_all_explorers_are_found():
    """As many as on the faces of the rooms; and no folder was emptied."""
    rooms = [*(f"normlab.chapters.{chapter.name}" for chapter in chapters()), "normlab.claims"]
    named = {n for room in rooms for n in dir(importlib.import_module(room))}
    assert EXPLORERS.keys() == {name for name in named if name.startswith("explore_")}
    assert TOKENS.keys() == {name for name in named if name.startswith("grab_token")}
    assert len(EXPLORERS) >= 20
    assert len(TOKENS) == 4


@functools.cache
def built(name) -> Explorer:
    return EXPLORERS[name]()


@pytest.mark.parametrize("name", EXPLORERS)
def test_every_frame_has_a_sentence_of_its_own(name):
    frames = built(name).frames
    assert len({frame["sentence"] for frame in frames}) == len(frames)


@pytest.mark.parametrize("name", EXPLORERS)
def test_most_frames_have_a_picture_of_their_own(name):
    # not all: a batch of one, say, looks the same whichever companions are chosen
    frames = built(name).frames
    assert len({frame["runs"] for frame in frames}) > len(frames) / 2


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_is_small_enough_to_be_stored_in_a_notebook(name):
    explorer = built(name)
    assert len(explorer.frames) <= (130 if explorer.beside else 60)  # one for each value there
    assert sum(map(len, explorer.lines)) < 500_000


@pytest.mark.parametrize("name", EXPLORERS)
def test_each_setting_computes_frames_without_a_problem(name):
    explorer = built(name)
    settings = [c for c in explorer.controls if c["role"] == "setting"]
    request = 0
    for control in settings:
        for index in range(len(control["values"])):
            request += 1
            chosen = explorer.request["settings"] | {control["name"]: index}
            explorer.request = {"id": request, "settings": chosen}
            assert explorer.answered == request
            assert explorer.problem == ""


@pytest.mark.parametrize("name", EXPLORERS)
def test_a_frame_does_not_depend_on_the_frames_before_it(name):
    """Whatever stands in the axes (lines, bars, legends, titles), the next frame clears it."""
    explorer = built(name)
    settings = {n: c.values[c.start] for n, c in explorer._settings.items()}
    data = explorer._scene.compute(**settings)
    first, other = ({n: c.values[i] for n, c in explorer._pages.items()} for i in (0, -1))
    pictures = []
    for places in ([first], [first, other, first]):
        drawing = Drawing(explorer._scene, data, {})
        list(drawing.rest())  # frames that show the others too are final behind it
        for place in places:
            drawing.frame(place)
        pictures.append(imread(BytesIO(drawing.png(first))))
    # limits of log axes differ in their last digit, and with them the shade of a few pixels
    assert np.abs(pictures[1] - pictures[0]).mean() < 1e-5


def test_the_lesson_traces_the_token_that_is_grabbed():
    lesson = (Path(__file__).parent.parent / "lessons" / "01_layer_norm.py").read_text("utf-8")
    assert f"token = np.array({list(TOKEN[:4])})" in lesson
    gain, shift = list(GAIN[:4]), list(SHIFT[:4])
    assert f"gamma, beta = np.array({gain}), np.array({shift})" in lesson


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_without_a_browser_shows_its_numbers(name):
    data, _ = TOKENS[name]()._repr_mimebundle_()
    assert "<table>" in data["text/html"]
    assert data["text/plain"].startswith("One token")
