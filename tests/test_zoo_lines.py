"""Models that follow one another, and two models side by side."""

import re
from itertools import pairwise

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from normlab.chapters.norms_in_the_wild.explorers import explore_two_models
from normlab.chapters.norms_in_the_wild.line_figures import (
    describe_tree,
    draw_tree,
    lane_tops,
)
from normlab.chapters.norms_in_the_wild.zoo import find_model, load_zoo
from normlab.chapters.norms_in_the_wild.zoo_designs import design_key, designs, family
from normlab.chapters.norms_in_the_wild.zoo_lines import (
    ATTRIBUTES,
    EVERY,
    compare_models,
    family_tree,
)
from normlab.pictures.style import GREY, RED

TREE = family_tree(load_zoo())


def drawn(line):
    ax = Figure().subplots()
    draw_tree(TREE, ax, line=line)
    return ax


def test_two_models_differ_in_what_the_table_says_and_in_nothing_else():
    table = compare_models("gemma 3", find_model("Gemma 4"))
    assert table.columns == ("", "Gemma 3", "Gemma 4")
    told = {row[0]: row[1:] for row in table.rows}
    assert told["affine"] == ["1 + weight", "weight"]
    assert told["V-norm"] == ["no", "yes"]
    assert told["norms of a layer"] == ["4", "5"]
    assert "placement" not in told
    with pytest.raises(ValueError, match="no model is named 'Gema 3'"):
        compare_models("Gema 3", "Gemma 4")


def test_models_of_one_design_differ_in_epsilon_and_the_norms_of_the_model_at_most():
    for design in designs(load_zoo()):
        for one, other in pairwise(design.models):
            names = {row[0] for row in compare_models(one, other).rows}
            allowed = ["norms and wiring", "final norm", "embedding norm"]
            assert names <= {*allowed, ATTRIBUTES["shown_eps"], ATTRIBUTES["shown_eps_released"]}


def test_a_line_holds_what_follows_its_first_model_and_no_model_stands_in_two():
    members = [model.name for line in TREE.lines for model in line.models]
    assert len(members) == len(set(members))
    assert set(members) == {m.name for m in load_zoo() if m.follows} | {
        m.follows for m in load_zoo() if m.follows
    }
    for step in TREE.steps(EVERY):
        assert step.model.follows == step.before.name
        assert bool(step.changes) == (design_key(step.model) != design_key(step.before))


def test_lines_of_a_changed_design_are_red_and_the_others_grey():
    ax = drawn("GLM-130B")
    edges = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_zorder() == 1]
    colors = [to_hex(line.get_color()).upper() for line in edges]
    assert colors == [RED if step.changes else GREY for step in TREE.steps("GLM-130B")]
    assert {RED, GREY} == set(colors)


@pytest.mark.parametrize("line", TREE.names)
def test_each_model_of_a_line_stands_in_the_lane_of_its_placement(line):
    ax, tops = drawn(line), lane_tops()
    marks = {mark.get_label(): mark for mark in ax.lines if not mark.get_label().startswith("_")}
    lanes = list(tops)
    for model in (model for found in TREE.chosen(line) for model in found.models):
        (height,) = marks[model.name].get_ydata()
        lane = family(model)
        assert tops[lane] < height < tops[lanes[lanes.index(lane) + 1]]


@pytest.mark.parametrize("line", TREE.names[1:])
def test_no_name_of_a_line_stands_on_another_or_outside(line):
    figure = Figure(figsize=(5.6, 6.3), dpi=72, layout="constrained")
    ax = figure.subplots()
    draw_tree(TREE, ax, line=line)
    figure.draw_without_rendering()
    known = {model.name for model in load_zoo()}
    boxes = [t.get_window_extent() for t in ax.texts if t.get_text() in known]
    assert len(boxes) == len(TREE.chosen(line)[0].models)
    frame = ax.get_window_extent()
    for place, box in enumerate(boxes):
        assert frame.x0 - 1 <= box.x0
        assert box.x1 <= frame.x1 + 1
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


def test_the_sentence_counts_the_changes_that_the_table_has():
    sentence, table = describe_tree(TREE, line="Gemma")
    assert sentence.startswith("The line of Gemma has 6 models; at 5 of 5 steps the design changed")
    assert next(row[3] for row in table.rows) == "–"
    sentence, table = describe_tree(TREE, line=EVERY)
    lines, models, every, changed, steps = map(int, re.findall(r"\d+", sentence))
    assert (lines, every) == (len(table.rows), len(load_zoo()))
    assert models == sum(row[1] for row in table.rows) == steps + lines
    assert changed == sum(row[2] for row in table.rows)


def test_a_model_of_either_side_is_one_frame():
    explorer = explore_two_models()
    assert len(explorer.frames) == len(load_zoo())
    assert explorer.sentence().startswith("Gemma 3 (2025) has RMSNorm, peri-norm. Gemma 4 (2026)")
    assert [control["label"] for control in explorer.controls] == ["left", "right"]
    names = {tuple(row[0] for row in frame["rows"]) for frame in explorer.frames}
    assert names == {tuple(ATTRIBUTES.values())}
