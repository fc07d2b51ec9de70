"""Chapter 07: one model in four lanes, layer by layer, from update to update."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from normlab.chapters.warmup.collapse import follow
from normlab.chapters.warmup.explorers import explore_training_steps
from normlab.chapters.warmup.layer_looks import SEQUENCES, look_at_layers, stream
from normlab.chapters.warmup.step_figures import draw_training_steps
from normlab.chapters.warmup.training_steps import (
    CONFIG,
    LANES,
    SEEDS,
    STOPS,
    Lane,
    TrainingSteps,
    follow_layers,
    load_training_steps,
    read_training_steps,
    write_training_steps,
)
from normlab.tools.stored_rows import split
from normlab.tools.timing import one_thread
from normlab.training.run import Run, batch_loss

SMALL = replace(CONFIG, decoder_layers=2)


@pytest.fixture(scope="module")
def stored():
    return load_training_steps()


def untrained(placement, **changes):
    return Run(replace(SMALL, placement=placement, **changes), torch.device("cpu"))


def middle(steps, lane, name, updates):
    """The median over the seeds."""
    return np.median(getattr(steps.lanes[lane], name)[:, steps.at(updates)], 0)


def test_a_look_sees_a_stream_of_length_one_after_every_norm():
    look = look_at_layers(untrained("post-norm"))
    assert look.mean_square[1:] == pytest.approx(1, abs=0.01)
    before = look_at_layers(untrained("pre-norm"))
    assert before.mean_square[2] > before.mean_square[1] > before.mean_square[0]


def test_what_enters_a_pre_norm_is_the_stream_itself():
    look = look_at_layers(untrained("pre-norm", d_model=256, d_ff=256))
    # the first norm of each of two layers reads the stream before them
    assert look.norm_inputs[::2] ** 2 == pytest.approx(look.mean_square[:2], rel=0.05)


def test_the_gradients_are_those_of_all_weights_of_a_layer():
    run, other = untrained("post-norm"), untrained("post-norm")
    before = [weight.clone() for weight in run.model.parameters()]
    look = look_at_layers(run)
    batch = run.task.batch(SEQUENCES, run.config.seed + 1, 0)
    logits = other.model(torch.tensor(batch.inputs))
    loss = batch_loss(logits, torch.tensor(batch.targets), torch.tensor(batch.mask))
    torch.autograd.backward(loss)
    lengths = [
        torch.cat([weight.grad.flatten() for weight in block.parameters()]).norm().item()
        for block in other.model.decoder.blocks
    ]
    assert look.gradients == pytest.approx(lengths, rel=1e-4)
    assert look.loss == pytest.approx(loss.item(), rel=1e-5)
    assert all(map(torch.equal, before, run.model.parameters()))
    assert [weight.grad for weight in run.model.parameters()] == [None] * len(before)


def test_the_update_moves_the_stream_in_proportion_to_a_small_rate():
    def moved(rate):
        return np.array(split(follow_layers(replace(SMALL, learning_rate=rate), [0])[0]["moved"]))

    assert moved(2e-5) == pytest.approx(2 * moved(1e-5), rel=0.02)
    run = untrained("pre-norm", learning_rate=2e-5)
    before = stream(run)
    run.step()
    change = (stream(run) - before).square().sum((1, 2, 3)) / before.square().sum((1, 2, 3))
    assert moved(2e-5) == pytest.approx(change.sqrt().numpy(), rel=1e-3)


def test_looking_does_not_change_the_run():
    config = replace(SMALL, placement="post-norm", warmup_steps=5)
    with one_thread():
        first, _, last = follow_layers(config, [0, 1, 4])
        looks = follow(config, [0, 4]).looks
    assert [float(row["loss"]) for row in (first, last)] == pytest.approx(
        [look.loss for look in looks], rel=1e-3
    )


def test_what_is_written_is_read_by_lane_and_seed(tmp_path):
    write_training_steps(tmp_path / "steps.csv", layers=1, seeds=[4, 2], stops=[0, 3])
    steps = read_training_steps(tmp_path / "steps.csv")
    assert (list(steps.updates), list(steps.lanes), steps.seeds) == ([0, 3], list(LANES), 2)
    assert steps.chance == pytest.approx(math.log(16), abs=1e-4)
    lane = steps.lanes["DeepNorm"]
    shapes = [array.shape for array in vars(lane).values()]
    assert shapes == [(2, 2), (2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 1), (2, 2, 2)]
    with one_thread():
        config = replace(LANES["DeepNorm"], decoder_layers=1, seed=2)
        rows = follow_layers(config, [0, 3])
    for look, row in enumerate(rows):
        assert lane.moved[1, look] == pytest.approx(split(row["moved"]), rel=1e-3)


def test_a_number_of_updates_without_a_look_is_refused(stored):
    with pytest.raises(ValueError, match="got 4 updates; expected one of"):
        stored.at(4)


def test_the_stored_lanes_are_whole_and_one_of_them_fails(stored):
    assert tuple(stored.updates) == STOPS
    assert stored.seeds == len(SEEDS)
    ends = {name: lane.trained(stored.chance) for name, lane in stored.lanes.items()}
    assert ends == dict.fromkeys(LANES, 6) | {"post-norm": 0}


def lane(*losses):
    """Runs of one layer, seen once for each loss."""
    runs, looks = np.array(losses).shape
    layers = np.ones((runs, looks, 2))
    return Lane(np.array(losses), np.ones((runs, looks)), layers, layers, layers[..., :1], layers)


def test_lines_are_medians_and_bands_hold_every_seed():
    steps = TrainingSteps([0, 1, 5], {"pre-norm": lane([3, 2, 1], [3, 1, 0.5], [4, 2, 2])}, 2.8)
    axes = Figure().subplots(1, 6)
    draw_training_steps(steps, axes, updates=1)
    median, chance = axes[0].lines
    assert list(median.get_xdata()) == [1, 2]
    assert list(median.get_ydata()) == [3, 2]
    assert chance.get_ydata()[0] == 2.8
    (band,) = axes[0].collections
    corners = band.get_paths()[0].vertices
    assert {tuple(corner) for corner in corners} == {(1, 3), (1, 4), (2, 1), (2, 2)}
    assert [len(ax.lines[0].get_xdata()) for ax in axes[1:]] == [2, 2, 1, 2, 2]


def test_post_norm_with_warmup_has_the_colour_of_post_norm_and_another_dash(stored):
    axes = Figure().subplots(1, 6)
    draw_training_steps(stored, axes, updates=0)
    for ax in axes:
        cold, warm, pre, deep = ax.lines[:4]
        assert cold.get_color() == warm.get_color()
        assert cold.get_linestyle() != warm.get_linestyle()
        assert len({line.get_color() for line in (cold, pre, deep)}) == 3
        assert len({line.get_marker() for line in (cold, pre, deep)}) == 3


def test_the_explorer_has_six_panels_in_two_rows_that_fill_the_picture(stored):
    explorer = explore_training_steps()
    assert len(explorer.frames) == len(STOPS)
    assert explorer.sentence().startswith(
        "The loss after 0 updates, medians of 6 seeds: 3.1 post-n"
    )
    panels = explorer.shape["panels"]
    width, height = explorer.shape["size"]
    assert len(panels) == len(explorer.plots) == 6
    assert sum(w * h for _, _, w, h in panels) == pytest.approx(width * height, rel=1e-3)
    for (left, top, w, h), plot in zip(panels, explorer.plots, strict=True):
        x0, y0, x1, y1 = plot["box"]
        assert left < x0 < x1 <= left + w
        assert top < y0 < y1 < top + h
