"""Chapter 07: what trains, what became of the rest, and the stored runs."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from normlab.chapters.warmup import layer_looks
from normlab.chapters.warmup.collapse import follow
from normlab.chapters.warmup.explorers import explore_warmup
from normlab.chapters.warmup.figures import (
    describe_seeds,
    draw_map,
    draw_seeds,
)
from normlab.chapters.warmup.rate_map import (
    STORED,
    StoredRun,
    WarmupMap,
    load_warmup_map,
    outcome,
    read_warmup_map,
    trained_of,
)
from normlab.chapters.warmup.run_figures import draw_followed, draw_rates
from normlab.tools.timing import one_thread
from normlab.training import run as training_run
from normlab.training.config import TrainConfig
from normlab.training.loop import train
from normlab.training.run import batch_loss, warmup_lr
from normlab.training.sweep import SweepPlan, parse_plan
from normlab.training.sweep.csv_file import write_csv
from normlab.training.sweep.rows import COLUMNS, failure_row, now, record_rows

SMALL = TrainConfig(decoder_layers=6, d_model=32, d_ff=128, batch=16, learning_rate=1e-2)


@pytest.fixture(scope="module")
def stored():
    return load_warmup_map()


def run(loss=1.0, diverged_at=None, **config):
    return StoredRun(replace(SMALL, **config), loss, chance=2.0, diverged_at=diverged_at)


def trains(data, **setting):
    return [outcome(run) == "trained" for run in data.cell(**setting)]


def followed(placement, warmup_steps=0):
    with one_thread():
        return follow(replace(SMALL, placement=placement, warmup_steps=warmup_steps), range(11))


@pytest.mark.parametrize(
    ("loss", "diverged_at", "expected"),
    [
        (0.99, None, "trained"),
        (1.0, None, "part of the way"),
        (1.9, None, "part of the way"),
        (1.91, None, "stuck"),
        (2.3, None, "stuck"),
        (0.1, 7, "diverged"),
        (math.nan, 7, "diverged"),
    ],
)
def test_half_of_chance_parts_what_trained_from_what_did_not(loss, diverged_at, expected):
    assert outcome(run(loss, diverged_at)) == expected


def test_the_stored_runs_are_those_of_the_stored_config(stored):
    text = STORED.with_suffix(".toml").read_text()
    assert {run.config for run in stored.runs} == set(parse_plan(text).runs)


def test_post_norm_without_warmup_is_stuck_at_a_rate_at_which_warmup_trains_it(stored):
    at = {"placement": "post-norm", "decoder_layers": 6, "learning_rate": 1e-2}
    assert [outcome(run) for run in stored.cell(warmup_steps=0, **at)] == ["stuck"] * 3
    assert trains(stored, warmup_steps=200, **at) == [True] * 3


def test_pre_norm_trains_without_warmup_wherever_post_norm_does_and_at_ten_times_the_rate(stored):
    for layers, post_norm in ((6, 3e-3), (12, 1e-3)):
        at = {"decoder_layers": layers, "warmup_steps": 0}
        assert any(trains(stored, placement="post-norm", learning_rate=post_norm, **at))
        for rate in (1e-3, 3e-3, 1e-2):
            assert trains(stored, placement="pre-norm", learning_rate=rate, **at) == [True] * 3


def test_more_layers_close_rates_for_post_norm_and_open_none(stored):
    for warmup in stored.axis("warmup_steps"):
        for rate in stored.axis("learning_rate"):
            at = {"placement": "post-norm", "warmup_steps": warmup, "learning_rate": rate}
            few, many = (sum(trains(stored, decoder_layers=n, **at)) for n in (6, 12))
            assert many <= few


def test_no_post_norm_run_blows_up(stored):
    runs = stored.cell(placement="post-norm")
    assert {outcome(run) for run in runs} <= {"trained", "part of the way", "stuck"}


def test_a_table_has_a_cell_for_every_setting_and_an_empty_one_where_nothing_ran(stored):
    table = stored.table()
    assert len(table.rows) == 18
    assert table.rows[0] == [6, "post-norm", 0, "3 of 3", "3 of 3", "0 of 3", "0 of 3"]
    two = WarmupMap((run(decoder_layers=6), run(decoder_layers=12, learning_rate=1.0)), "")
    assert two.table().rows[0][-1] == ""
    assert trained_of([run(0.1), run(1.5)]) == "1 of 2"


def test_the_shares_of_chance_count_every_run_once(stored):
    table = stored.spread([0, 0.5, 1, 2])
    assert sum(row[1] for row in table.rows) == len(stored.runs)


def plan_of(config):
    return SweepPlan((config,), ())


def test_runs_of_a_sweep_are_read_with_their_ends(tmp_path):
    record = train(TrainConfig(d_model=16, decoder_layers=1, steps=3))
    write_csv(tmp_path / "runs.csv", record_rows(record, now(), plan_of(record.config)))
    (read,) = read_warmup_map(tmp_path / "runs.csv").runs
    assert read.config == record.config
    assert (read.final_loss, read.chance) == (record.final_loss, record.chance)


def test_a_file_without_runs_or_with_failed_ones_is_refused(tmp_path):
    (tmp_path / "empty.csv").write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(ValueError, match="has 0 runs"):
        read_warmup_map(tmp_path / "empty.csv")
    row = failure_row(TrainConfig(), MemoryError("too large"), plan_of(TrainConfig()))
    write_csv(tmp_path / "failed.csv", [row])
    with pytest.raises(ValueError, match="1 of them failed \\(MemoryError: too large\\)"):
        read_warmup_map(tmp_path / "failed.csv")


def test_without_warmup_post_norm_goes_blind_in_three_updates():
    # measured: 2 % of the spread after 3 updates, 0.05 % after 10; the gradient falls to 0.03 %
    start, *_, last = looks = followed("post-norm").looks
    assert looks[3].logit_spread < 0.05 * start.logit_spread
    assert last.first_gradient < 0.005 * start.first_gradient
    assert last.norm_input > 2 * start.norm_input
    assert last.last_gradient > 0.1 * start.last_gradient


def test_with_sgd_too_post_norm_goes_blind_and_its_loss_stays_finite():
    with one_thread():
        sgd = replace(SMALL, placement="post-norm", optimizer="sgd", learning_rate=1.0)
        start, last = follow(sgd, [0, 10]).looks
    assert last.logit_spread < 0.01 * start.logit_spread
    assert last.loss < 1.1 * math.log(16)


def test_adams_updates_shrink_from_the_whole_rate_to_a_tenth_of_it():
    run, sizes = training_run.Run(SMALL, torch.device("cpu")), []
    with one_thread():
        for _ in range(20):
            weights = [w.detach().clone() for w in run.model.parameters()]
            run.step()
            pairs = zip(run.model.parameters(), weights, strict=True)
            moved = torch.cat([(after - before).detach().flatten() for after, before in pairs])
            sizes.append(moved.abs().mean().item() / SMALL.learning_rate)
    # five seeds: 0.99 … 1.00, 0.62 … 0.64, 0.085 … 0.102
    assert sizes[0] == pytest.approx(1, abs=0.02)
    assert sizes[1] == pytest.approx(0.63, abs=0.05)
    assert sizes[19] < 0.15


@pytest.mark.parametrize(("placement", "warmup"), [("post-norm", 200), ("pre-norm", 0)])
def test_what_trains_keeps_its_gradient(placement, warmup):
    # measured: 50 % and 10 %
    start, *_, last = followed(placement, warmup).looks
    assert last.first_gradient > 0.05 * start.first_gradient
    assert last.logit_spread > 0.1 * start.logit_spread


def test_a_look_at_the_untrained_model_sees_what_theory_says():
    # post-norm: shortcut 1, branches between ½ and 1, so the norm's input has deviation 1.2 … 1.4
    assert 1.1 < follow(replace(SMALL, placement="post-norm"), [0]).looks[0].norm_input < 1.45
    assert follow(replace(SMALL, placement="none"), [0]).looks[0].norm_input == 1
    # a gate is no norm
    assert follow(replace(SMALL, placement="rezero"), [0]).looks[0].norm_input == 1


def test_a_look_reads_a_batch_that_is_no_part_of_the_training(monkeypatch):
    looked_at, trained_on = [], []

    def note(kept):
        return lambda *args: kept.append({*map(tuple, args[1].tolist())}) or batch_loss(*args)

    monkeypatch.setattr(layer_looks, "batch_loss", note(looked_at))
    monkeypatch.setattr(training_run, "batch_loss", note(trained_on))
    follow(replace(SMALL, decoder_layers=1, batch=layer_looks.SEQUENCES), [0, 2])
    assert (len(looked_at), len(trained_on)) == (2, 2)
    assert looked_at[0] == looked_at[1]
    assert not looked_at[0] & set().union(*trained_on)


@pytest.mark.parametrize("looks", [[], [-1]])
def test_looks_that_cannot_be_are_refused(looks):
    with pytest.raises(ValueError, match="expected at least one number"):
        follow(SMALL, looks)


def test_an_encoder_is_refused():
    with pytest.raises(ValueError, match="decoder layers alone"):
        follow(replace(SMALL, encoder_layers=1), [0])


def test_a_map_shows_a_mark_for_each_seed_and_the_median():
    ends = [(0.1, None), (1.5, None), (1.99, None), (0.3, 4)]
    runs = [run(loss, at, seed=seed) for seed, (loss, at) in enumerate(ends)]
    other = run(decoder_layers=12, learning_rate=1.0)
    ax = Figure().subplots()
    draw_map(WarmupMap((*runs[::-1], other), ""), ax, "pre-norm", 6)
    assert [text.get_text() for text in ax.texts] == ["●◐○×\n0.90", "no run"]


def test_a_loss_that_is_no_number_is_worse_than_any_other_in_the_median():
    losses = (math.nan, 0.1, math.inf, 0.2)
    data = WarmupMap(tuple(run(loss, seed=seed) for seed, loss in enumerate(losses)), "")
    assert data.median_loss() == math.inf
    assert data.median_loss(seed=1) == 0.1
    assert math.isnan(data.median_loss(seed=9))


def test_the_explorer_draws_every_seed_where_it_ended():
    runs = [run(0.5, seed=0), run(1.8, seed=1), run(math.nan, 3, seed=2)]
    ax = Figure().subplots()
    draw_seeds(WarmupMap(tuple(runs), ""), ax, "pre-norm", 6, 0)
    points = [line for line in ax.lines if line.get_markersize() == 7]
    assert [line.get_ydata()[0] for line in points] == [0.5, 1.8, ax.get_ylim()[1]]
    assert [line.get_markerfacecolor() == "white" for line in points] == [False, True, True]


def test_the_sentence_says_which_rates_train(stored):
    sentence, table = describe_seeds(stored, placement="post-norm", layers=6, warmup_steps=0)
    assert "3 of 3 at 0.003" in sentence
    assert "0 of 3 at 0.01 (median loss 2.77)" in sentence
    assert len(table.rows) == 12


def test_the_explorer_has_a_frame_for_each_warmup_depth_and_placement():
    explorer = explore_warmup()
    assert len(explorer.frames) == 3 * 2 * 3
    assert explorer.sentence().startswith("post-norm, 6 layers, 0 warmup steps")


def test_the_curves_are_those_that_were_given():
    rates = {w: [warmup_lr(step, 1.0, w) for step in range(8)] for w in (0, 4)}
    ax = Figure().subplots()
    draw_rates(rates, ax)
    assert [list(line.get_ydata()) for line in ax.lines] == list(rates.values())
    axes = Figure().subplots(1, 2)
    with one_thread():
        looked = follow(replace(SMALL, decoder_layers=1), [0, 1])
    draw_followed([looked], axes)
    for ax, name in zip(axes, ("logit_spread", "first_gradient"), strict=True):
        assert np.array_equal(ax.lines[0].get_ydata(), looked.series(name))
