"""The drawings of chapter 09 and exercise 07 are what the code does."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from torch import nn

from normlab.chapters.beyond_transformers import (
    draw_shared_means,
    draw_unrolled_cell,
    shared_means,
)
from normlab.chapters.beyond_transformers.cell_diagram import ACROSS, EDGES, PARTS, cell_in_words
from normlab.chapters.beyond_transformers.sharing_figures import COLORS, describe_shared_means
from normlab.models import LayerNormLSTMCell
from normlab.pictures.style import ORANGE
from normlab.pictures.told import figure_in_words

BATCH = [1, 0, 1, 0]


def reached(start, edges):
    """All parts that arrows lead to from `start`."""
    found, last = set(), {start}
    while last - found:
        found |= last
        last = {end for begin, end in edges if begin in last}
    return found - {start}


def test_a_mean_is_shared_as_each_norm_is_defined():
    data = shared_means(BATCH, channels=3)
    node = np.arange(4)[:, None].repeat(3, 1)
    graph = np.array([0, 1, 0, 1])[:, None].repeat(3, 1)
    np.testing.assert_array_equal(data.groups["mode node"], node)
    np.testing.assert_array_equal(data.groups["mode graph"], graph)
    np.testing.assert_array_equal(data.groups["GraphNorm"], 3 * graph + np.arange(3))


@pytest.mark.parametrize("batch", [(0, 0, 0), (0, 1, 2, 3), (5, 2, 5, 5, 2)])
def test_other_mini_batches_are_read_too(batch):
    data = shared_means(batch, channels=4)
    for norm, means in {"mode node": len(batch), "mode graph": len(set(batch))}.items():
        assert len(data.sizes(norm)) == means
        assert sum(data.sizes(norm)) == 4 * len(batch)


def test_the_picture_has_one_letter_and_one_colour_for_each_mean():
    data, axes = shared_means(BATCH), Figure().subplots(1, 3)
    draw_shared_means(data, axes)
    for ax, groups in zip(axes, data.groups.values(), strict=True):
        letters = [text.get_text() for text in ax.texts if text.get_text().isupper()]
        assert letters == ["ABCDEF"[group] for group in groups.ravel()]
        colors = [patch.get_facecolor() for patch in ax.patches]
        assert len(set(colors)) == len(set(letters)) <= len(COLORS)


def test_the_groups_are_told_in_words():
    data = shared_means(BATCH)
    figure = Figure()
    draw_shared_means(data, figure.subplots(1, 3))
    words = figure_in_words(figure)
    for told in (words, describe_shared_means(data)):
        assert "2 means, each shared by 6 numbers: node 0 of graph 1 has A A A" in told
    assert "1 to" not in words
    uneven = describe_shared_means(shared_means((0, 0, 1)))
    assert "2 means, shared by 3 to 6 numbers" in uneven


def test_the_diagram_has_the_norms_and_maps_of_the_cell():
    modules = dict(LayerNormLSTMCell(3, 5).named_children())
    for kind, of in (("norm", nn.LayerNorm), ("linear", nn.Linear)):
        own = {name for name, module in modules.items() if isinstance(module, of)}
        assert own == {name for name in PARTS if name.startswith(f"{kind}_")}
    assert {n for n, part in PARTS.items() if part.kind == "norm"} == {"norm_x", "norm_h", "norm_c"}


def test_no_norm_stands_on_the_way_of_c_from_step_to_step():
    assert ("c", "kept") in ACROSS
    assert ("kept", "c") in EDGES
    behind = {end for start, end in EDGES if start == "c"}
    assert behind == {"norm_c"}, "what is read of c goes through the norm"
    assert "c" not in reached("norm_c", EDGES)


def test_every_part_leads_to_the_new_state_and_the_words_name_it():
    for name in PARTS.keys() - {"h", "c"}:
        assert {"h", "c"} & reached(name, EDGES), name
    words = cell_in_words()
    assert "LN_c takes the new c" in words
    assert "The new c takes what is kept of c and what is written" in words


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_cell_is_drawn_once_for_each_step(steps):
    figure = Figure()
    ax = figure.subplots()
    draw_unrolled_cell(ax, steps)
    words = [text.get_text() for text in ax.texts]
    assert words.count("$LN_c$") == steps
    assert sum(word.startswith("$c_{t") for word in words) == steps + 1
    orange = [p for p in ax.patches if p.get_facecolor() == pytest.approx(rgba(ORANGE))]
    assert len(orange) == 3 * steps
    assert figure_in_words(figure).startswith("W_h takes h of the step before")


def rgba(color):
    return (*(int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)), 1.0)
