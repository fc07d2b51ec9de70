"""Chapter 11: eleven designs trained under one budget, and what their layers are worth."""

import math
from dataclasses import replace

import pytest
import torch
from matplotlib.figure import Figure

from normlab.chapters.norms_in_the_wild import placement_training
from normlab.chapters.norms_in_the_wild.placement_training import (
    CHOOSING,
    CONFIG,
    DEPTHS,
    DESIGNS,
    RATES,
    REPORTED,
    TASKS,
    DesignStack,
    unseen_loss,
    write_trained_placements,
)
from normlab.chapters.norms_in_the_wild.trained_figures import describe_trained, draw_trained
from normlab.chapters.norms_in_the_wild.trained_placements import (
    STORED,
    TrainedPlacements,
    TrainedRun,
    TrainedSetting,
    load_trained_placements,
    read_trained_placements,
)
from normlab.models.ngpt import put_on_sphere
from normlab.tools.timing import one_thread
from normlab.training.loop import train

SMALL = replace(CONFIG, task="verse", decoder_layers=2, learning_rate=1e-3, steps=5)


@pytest.fixture(scope="module")
def stored():
    return load_trained_placements()


def test_every_design_is_trained_by_the_same_seeds_and_rates(stored):
    assert stored.settings() == [(task, layers) for task in TASKS for layers in DEPTHS]
    assert stored.designs() == list(DESIGNS)
    for task, layers in stored.settings():
        for design in DESIGNS:
            runs = [
                r for r in stored.runs if (r.task, r.layers, r.design) == (task, layers, design)
            ]
            choosing = {(r.learning_rate, r.seed) for r in runs if not r.without}
            assert choosing == {(rate, seed) for rate in RATES for seed in CHOOSING}
            shown = stored.best(task, layers, design)
            assert [run.seed for run in shown] == list(REPORTED)
            assert all(len(run.without) == layers for run in shown)


def test_the_reported_rate_is_the_best_of_the_other_seeds(stored):
    for task, layers in stored.settings():
        for design in DESIGNS:
            runs = [
                r for r in stored.runs if (r.task, r.layers, r.design) == (task, layers, design)
            ]
            mean = {
                rate: sum(r.loss for r in runs if r.learning_rate == rate and not r.without)
                for rate in RATES
            }
            finite = {rate: loss for rate, loss in mean.items() if math.isfinite(loss)}
            shown = stored.best(task, layers, design)
            assert finite[shown[0].learning_rate] == min(finite.values())


def test_a_design_with_seeds_together_trains_as_the_course_trains_it_alone():
    with one_thread():
        stack = DesignStack("pre-norm", SMALL, [3, 4])
        for _ in range(SMALL.steps):
            stack.step()
        alone = [train(replace(SMALL, seed=seed)) for seed in (3, 4)]
    for run, record in zip(stack.runs, alone, strict=True):
        assert run.losses == pytest.approx(record.losses, rel=1e-4)


def test_the_measured_model_has_the_weights_that_were_trained():
    with one_thread():
        stack = DesignStack("hyper-connections", SMALL, [3, 4])
        before = [
            unseen_loss(model, run.task)
            for model, run in zip(stack.trained_models(), stack.runs, strict=True)
        ]
        for _ in range(SMALL.steps):
            stack.step()
        after = [
            unseen_loss(model, run.task)
            for model, run in zip(stack.trained_models(), stack.runs, strict=True)
        ]
    assert all(b < a for a, b in zip(before, after, strict=True))
    assert after[0] != after[1]


def test_the_weights_of_ngpt_are_on_the_sphere_after_each_step():
    with one_thread():
        stack = DesignStack("nGPT", SMALL, [3])
        stack.step()
    again = {name: weight.clone() for name, weight in stack.parameters.items()}
    put_on_sphere(again)
    for name, weight in stack.parameters.items():
        torch.testing.assert_close(weight, again[name])


@pytest.mark.parametrize("design", DESIGNS)
def test_a_layer_left_out_is_gone_past_and_comes_back(design):
    with one_thread():
        stack = DesignStack(design, SMALL, [3])
        (model,) = stack.trained_models()
        task = stack.runs[0].task
        whole = unseen_loss(model, task)
        without = unseen_loss(model, task, 1)
        assert unseen_loss(model, task) == whole
        for parameter in model.decoder.blocks[0].parameters():
            parameter.data.fill_(math.nan)
        assert unseen_loss(model, task, 1) == without != whole


def test_a_run_that_bursts_has_no_loss_and_its_rate_is_not_chosen(monkeypatch):
    def trained(design, config, seeds, layer_by_layer=False):
        loss = math.nan if config.learning_rate == 1e-3 else config.learning_rate
        return [
            TrainedRun("verse", 1, design, config.learning_rate, seed, 3.0, loss) for seed in seeds
        ]

    monkeypatch.setattr(placement_training, "train_design", trained)
    runs = placement_training._at_best_rate("pre-norm", SMALL, (1e-3, 2e-3, 4e-3), (5,))
    assert runs[-1].seed == 5
    assert runs[-1].learning_rate == 2e-3


def test_rows_are_read_as_they_were_written(tmp_path, monkeypatch):
    monkeypatch.setattr(placement_training, "DESIGNS", {"pre-norm": DESIGNS["pre-norm"]})
    path = tmp_path / "runs.csv"
    write_trained_placements(path, ["verse"], [1], [1e-3], [2], steps=2)
    read = read_trained_placements(path)
    assert [run.seed for run in read.runs] == [0, 1, 2]
    assert read.designs() == ["pre-norm"]
    (shown,) = read.best("verse", 1, "pre-norm")
    assert shown.worth == pytest.approx([shown.without[0] - shown.loss])
    with pytest.raises(ValueError, match="no runs of 'pre-norm' with 7 layers on 'verse'"):
        read.best("verse", 7, "pre-norm")


def test_tables_and_pictures_rank_by_the_median(stored):
    for task, layers in stored.settings():
        ranked = stored.ranked(task, layers)
        losses = [stored.median_loss(task, layers, design) for design in ranked]
        assert losses == sorted(losses)
        assert [row[0] for row in stored.table(task, layers).rows] == ranked
    table = stored.table("verse", 24)
    worth = {row[0]: row[-1] for row in table.rows}
    assert worth["no norm"] == "–"
    assert worth["pre-norm"] == "< 0.005"


def test_the_picture_shows_the_seeds_of_what_has_learned_and_the_layers_of_the_chosen(stored):
    axes = Figure().subplots(1, 2)
    draw_trained(TrainedSetting(stored, "verse", 24), axes, "Peri-LN")
    names = [label.get_text() for label in axes[0].get_yticklabels()]
    assert names[::-1] == stored.ranked("verse", 24)
    learned = [design for design in names if stored.learned("verse", 24, design)]
    assert len(axes[0].lines) == 2 * len(learned)
    assert len(axes[0].texts) == len(names) - len(learned)
    (band,) = axes[0].patches
    assert band.get_y() < names.index("Peri-LN") < band.get_y() + band.get_height() < 12
    assert [line.get_label() for line in axes[1].lines] == ["pre-norm", "Peri-LN"]
    sentence, table = describe_trained(TrainedSetting(stored, "verse", 24), "Peri-LN")
    assert table.rows == stored.table("verse", 24).rows
    assert "Peri-LN is number 4 of 11, with a loss of 2.38" in sentence
    told, _ = describe_trained(TrainedSetting(stored, "verse", 24), "no norm")
    assert "layer of its deeper half" not in told


def test_a_run_that_diverged_counts_as_infinite(stored):
    assert not stored.learned("characters", 24, "no norm")
    (row,) = [row for row in stored.table("characters", 24).rows if row[0] == "no norm"]
    assert row[3].endswith("to ∞")


def test_the_deeper_half_is_worth_the_mean_of_its_layers():
    run = TrainedRun("verse", 2, "pre-norm", 1e-3, 2, 3.0, 2.0, (2.5, 2.25))
    found = TrainedPlacements([run])
    assert found.deep_half("verse", 2, "pre-norm") == 0.25
    assert found.chance("verse") == 3.0
    assert STORED.name == "trained_placements.csv"
