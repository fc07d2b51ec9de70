"""The invariance table of Zhang & Sennrich 2019, and its pictures."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from normlab.chapters.rms_norm.explorers import explore_invariance
from normlab.chapters.rms_norm.figures import LIMIT, describe_cell, draw_cell, draw_invariance_table
from normlab.chapters.rms_norm.invariance import (
    CHANGES,
    INVARIANCE_NORMS,
    PAPER,
    THRESHOLD,
    invariance_table,
    partial_rms_norm,
    random_layer,
)
from normlab.norms import rms_norm


@pytest.fixture(scope="module")
def computed():
    return invariance_table()


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("norm", INVARIANCE_NORMS)
def test_each_cell_is_as_in_the_paper(computed, norm, change):
    assert computed.cells[norm, change].mark == PAPER[norm][list(CHANGES).index(change)]


@pytest.mark.parametrize("seed", range(5))
def test_no_cell_is_near_the_threshold_whatever_the_seed(seed):
    table = invariance_table(seed)
    assert table.changes("✓")[-1] < 1e-12 < THRESHOLD
    assert table.changes("✗")[0] > 0.05
    assert len(table.changes("✓")) + len(table.changes("✗")) == 30


def test_the_table_says_that_every_row_agrees_with_the_paper(computed):
    table = computed.table()
    assert [row[-1] for row in table.rows] == ["yes"] * 5


def test_recentering_the_weights_adds_one_constant_to_each_case():
    layer = random_layer(seed=3)
    moved = CHANGES["weight matrix re-centering"](layer)
    added = moved.summed_inputs() - layer.summed_inputs()  # (N, D)
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1], added.shape), atol=1e-12)
    assert added[:, 0].std() > 0.1


def test_recentering_the_data_adds_one_constant_to_each_output():
    layer = random_layer(seed=3)
    moved = CHANGES["dataset re-centering"](layer)
    added = moved.summed_inputs() - layer.summed_inputs()  # (N, D)
    np.testing.assert_allclose(added, np.broadcast_to(added[:1], added.shape), atol=1e-12)
    assert added[0].std() > 0.1


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_leaves_the_given_layer_as_it_was(change):
    layer = random_layer()
    weight, cases = layer.weight.copy(), layer.cases.copy()
    CHANGES[change](layer)
    np.testing.assert_array_equal(layer.weight, weight)
    np.testing.assert_array_equal(layer.cases, cases)


def test_partial_rms_norm_of_all_features_is_rms_norm():
    x = np.random.default_rng(0).standard_normal((3, 32))
    np.testing.assert_allclose(partial_rms_norm(x, part=1.0), rms_norm(x, eps=0))


def test_partial_rms_norm_looks_at_the_first_features_only():
    x = np.random.default_rng(0).standard_normal(32)
    other = np.where(np.arange(32) < 2, x, 5.0)
    np.testing.assert_array_equal(partial_rms_norm(x)[:2], partial_rms_norm(other)[:2])


@pytest.mark.parametrize(("part", "first"), [(1 / 16, 1), (0.5, 3), (0.9, 5)])
def test_partial_rms_norm_rounds_the_number_of_features_up(part, first):
    x = np.arange(2.0, 7.0)
    wanted = x / np.sqrt(np.mean(x[:first] ** 2))
    np.testing.assert_allclose(partial_rms_norm(x, part), wanted)


@pytest.mark.parametrize("part", [0.0, -1.0, 1.5])
def test_partial_rms_norm_names_a_part_that_does_not_fit(part):
    with pytest.raises(ValueError, match=rf"part is {part}; expected a share"):
        partial_rms_norm(np.ones(4), part)


def test_the_picture_shows_thirty_marks_and_hatches_where_nothing_is_kept(computed):
    ax = Figure().subplots()
    draw_invariance_table(computed, ax)
    assert "".join(text.get_text()[0] for text in ax.texts) == "".join(PAPER.values())
    hatched = [bool(patch.get_hatch()) for patch in ax.patches]
    assert hatched == [mark == "✗" for mark in "".join(PAPER.values())]


def test_a_cell_lies_on_the_diagonal_exactly_if_it_is_invariant(computed):
    for norm, change in computed.cells:
        axes = Figure().subplots(1, 2)
        draw_cell(computed, axes, norm=norm, change=change)
        points = axes[1].lines[1:3]  # case 0 and case 1
        gap = max(np.abs(line.get_xdata() - line.get_ydata()).max() for line in points)
        assert (gap < 1e-9) == (computed.cells[norm, change].mark == "✓")
        for ax in axes:
            for line in ax.lines[1:]:
                assert max(np.abs(line.get_xydata()).ravel()) < LIMIT


def test_the_sentence_says_the_change_and_the_paper(computed):
    sentence, table = describe_cell(computed, norm="LayerNorm", change="weight matrix re-centering")
    assert "less than 1e-12 of" in sentence
    assert "✓ (invariant), as in the paper" in sentence
    assert table.columns == ("case", "output", "before", "after")


def test_the_explorer_starts_at_what_rms_norm_gives_up():
    explorer = explore_invariance()
    assert len(explorer.frames) == 30
    assert explorer.sentence().startswith("RMSNorm, weight matrix re-centering")
    assert "✗ (not invariant)" in explorer.sentence()
