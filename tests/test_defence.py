"""The closing task of chapter 12: a choice beside its alternatives, under one brief."""

import itertools
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from normlab.chapters.debate import contest as defend_module
from normlab.chapters.debate.contest import (
    alternatives,
    defend,
    defend_from_briefs,
    defend_from_map,
)
from normlab.chapters.debate.defence import TIE, Brief, Choice, Defence
from normlab.chapters.debate.figures import draw_defence
from normlab.chapters.warmup.rate_map import load_warmup_map
from normlab.training.loop import TrainRecord

PRE, POST, DEEP = Choice("pre-norm"), Choice("post-norm"), Choice("deepnorm")
RATES = (1e-3, 1e-2, 1e-1)


def defence(losses, tries=1, choice=PRE):
    brief = Brief(layers=2, steps=3, tries=tries, rates=RATES)
    by_rate = {c: dict(zip(RATES, values, strict=True)) for c, values in losses.items()}
    return Defence(choice, brief, by_rate)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_one_try_is_the_mean_over_rates_and_all_tries_are_the_best_rate(losses):
    data = defence({PRE: losses})
    one, two, three = (data.expected(PRE, tries) for tries in (1, 2, 3))
    assert one == pytest.approx(statistics.mean(losses))
    assert two == pytest.approx(statistics.mean(map(min, itertools.combinations(losses, 2))))
    assert three == min(losses)
    assert one >= two - 1e-12 >= three - 2e-12


def test_the_number_of_tries_decides_between_breadth_and_peak():
    losses = {PRE: [0.3, 0.3, 0.3], DEEP: [1.0, 1.0, 0.0]}
    assert defence(losses, tries=1).best == PRE
    assert defence(losses, tries=3).best == DEEP
    assert defence(losses, tries=1).defended
    assert not defence(losses, tries=3).defended


def test_what_differs_by_less_than_a_tie_counts_as_equal():
    near, far = ([0.2 + TIE * share] * 3 for share in (0.9, 1.1))
    assert defence({PRE: near, POST: [0.2] * 3}).defended
    assert "which counts as equal" in defence({PRE: near, POST: [0.2] * 3}).sentence()
    assert not defence({PRE: far, POST: [0.2] * 3}).defended
    assert defence({PRE: far, POST: [0.2] * 3}).sentence().endswith("The choice is not defended.")
    assert defence({PRE: near, POST: far}).sentence().endswith("no alternative is better.")


def test_the_table_has_the_best_first_and_marks_the_choice():
    table = defence({PRE: [0.4, 0.6, 1.0], POST: [0.1, 0.2, 0.3]}).table()
    assert [row[0] for row in table.rows] == [
        "post-norm, layer_norm",
        "pre-norm, layer_norm ← yours",
    ]
    assert [row[-2] for row in table.rows] == ["3 of 3", "1 of 3"]


def test_the_alternatives_are_other_placements_and_the_other_norm():
    found = alternatives(Choice("layerscale", "rms_norm"))
    assert found[0] == Choice("layerscale", "rms_norm")
    assert Choice("layerscale", "layer_norm") in found
    assert len(found) == len(set(found)) == 6


@pytest.fixture
def trained(monkeypatch):
    """The configs that `defend` trains; each run ends at seed · rate."""
    configs = []

    def train(config):
        configs.append(config)
        loss = math.nan if config.learning_rate == 1e-1 else config.seed * config.learning_rate
        return TrainRecord(config, [0], [loss], None, "", 0.0, chance=1.0, final_loss=loss)

    monkeypatch.setattr(defend_module, "train", train)
    return configs


def test_all_contenders_get_the_same_budget(trained):
    brief = Brief(layers=3, steps=7, tries=2, rates=RATES, warmup_steps=4, seeds=(5, 6))
    data = defend(DEEP, brief)
    runs = {(c.placement, c.norm, c.learning_rate, c.seed) for c in trained}
    assert len(runs) == len(trained) == len(data.losses) * 3 * 2
    same = {(c.decoder_layers, c.steps, c.warmup_steps, c.task) for c in trained}
    assert same == {(3, 7, 4, "successor")}


def test_the_median_over_seeds_counts_and_nan_is_worth_a_guess(trained):
    data = defend(DEEP, Brief(layers=1, steps=1, tries=1, rates=RATES, seeds=(1, 2, 9)))
    assert data.losses[DEEP] == {1e-3: 0.002, 1e-2: 0.02, 1e-1: 1.0}
    worse = defend(DEEP, Brief(layers=1, steps=1, tries=1, rates=(1e-2,), seeds=(500,)))
    assert worse.losses[DEEP] == {1e-2: 1.0}


def test_stored_runs_are_those_of_chapter_07():
    data = defend_from_map(POST, layers=6, warmup_steps=200, tries=1)
    cell = load_warmup_map().cell(
        placement="post-norm", decoder_layers=6, warmup_steps=200, learning_rate=1e-2
    )
    median = statistics.median(run.final_loss / run.chance for run in cell)
    assert data.losses[POST][1e-2] == pytest.approx(min(median, 1))
    assert {choice.placement for choice in data.losses} == {"post-norm", "pre-norm", "deepnorm"}
    assert data.brief.steps == 600


@pytest.mark.parametrize(
    ("layers", "choice"), [(7, PRE), (6, Choice("peri-norm")), (6, Choice("pre-norm", "rms_norm"))]
)
def test_what_is_not_stored_is_refused_with_what_there_is(layers, choice):
    with pytest.raises(ValueError, match=r"nothing is stored for .*expected layers in \[6, 12\]"):
        defend_from_map(choice, layers, warmup_steps=0, tries=1)


def test_a_brief_has_its_own_initial_weights_and_the_spread_of_its_seeds():
    usual, scaled = (
        defend_from_briefs(DEEP, 24, 0, tries=1, init=init) for init in ("xavier", "xavier-scaled")
    )
    assert (usual.best, scaled.best) == (DEEP, PRE)
    assert (usual.brief.init, scaled.brief.init) == ("xavier", "xavier-scaled")
    for contender, losses in scaled.losses.items():
        for rate, loss in losses.items():
            low, high = scaled.spread[contender][rate]
            assert low <= loss <= high
    with pytest.raises(ValueError, match=r"and xiong weights; expected layers in \[6, 12, 24\]"):
        defend_from_briefs(DEEP, 24, 0, tries=1, init="xiong")


def test_unknown_choices_and_impossible_briefs_are_refused():
    with pytest.raises(ValueError, match="placement is 'best'; expected one of none, post-norm"):
        Choice("best")
    with pytest.raises(ValueError, match="norm is 'batch_norm'; expected one of layer_norm"):
        Choice("pre-norm", "batch_norm")
    for tries in (0, 4):
        with pytest.raises(ValueError, match=f"tries is {tries}, for 3 rates and 1 seeds"):
            Brief(layers=1, steps=1, tries=tries, rates=RATES)
    with pytest.raises(ValueError, match="steps is 0; expected at least 1"):
        defend(PRE, Brief(layers=1, steps=0, tries=1))


def test_the_picture_has_a_line_for_each_contender_and_the_choice_is_thickest():
    axes = Figure().subplots(1, 2)
    data = defence({PRE: [0.1, 0.2, 0.3], POST: [1, 1, 1]})
    draw_defence(data, axes)
    lines = axes[0].lines
    assert [line.get_label() for line in lines] == ["pre-norm, layer_norm", "post-norm, layer_norm"]
    assert lines[0].get_linewidth() > lines[1].get_linewidth()
    assert list(axes[1].lines[0].get_ydata()) == [data.expected(PRE, k) for k in (1, 2, 3)]
