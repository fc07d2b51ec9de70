"""A run is the same for the same seed, broken off or not, and says when and why it failed."""

import math
import subprocess
import sys
import time
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from normlab.chapters.warmup.run_figures import describe_losses, draw_losses
from normlab.pictures.style import BLUE, RED
from normlab.tools import progress_bar as progress_module
from normlab.tools.progress_bar import progress_bar
from normlab.training import run as train_run
from normlab.training.config import TrainConfig
from normlab.training.loop import TrainRecord, train
from normlab.training.run import batch_loss, warmup_lr, why_diverged
from normlab.training.tasks import make_task

SMALL = TrainConfig(decoder_layers=1, d_model=16, heads=2, d_ff=32, tokens=8, batch=4, steps=12)


def test_warmup_starts_at_a_step_of_the_way_and_ends_at_the_peak():
    rates = [warmup_lr(step, peak_lr=0.3, warmup_steps=10) for step in range(30)]
    np.testing.assert_allclose(rates[:10], 0.3 * np.arange(1, 11) / 10)
    assert rates[9:] == [0.3] * 21


@pytest.mark.parametrize("warmup_steps", [0, 1])
def test_without_warmup_every_step_has_the_peak(warmup_steps):
    assert [warmup_lr(step, 2.0, warmup_steps) for step in range(3)] == [2.0] * 3


@pytest.mark.parametrize(("step", "warmup_steps"), [(-1, 10), (0, -1)])
def test_a_negative_step_is_refused(step, warmup_steps):
    with pytest.raises(ValueError, match="expected none below 0"):
        warmup_lr(step, 1.0, warmup_steps)


def test_the_optimizer_gets_the_rate_of_the_warmup():
    """The first update of Adam moves every weight by the learning rate, so 1/10 of the peak."""
    config = replace(SMALL, warmup_steps=10, learning_rate=0.01)
    run = train_run.Run(config, torch.device("cpu"))
    before = run.model.head.weight.detach().clone()
    run.step()
    moved = (run.model.head.weight - before).abs().max().item()
    assert moved == pytest.approx(0.001, rel=1e-3)


@pytest.mark.parametrize("clip", [0.01, None])
def test_clipping_limits_the_norm_of_all_gradients_together(clip):
    """SGD moves the weights by rate · gradient, so the length of the move is the clipped norm."""
    config = replace(SMALL, optimizer="sgd", learning_rate=1.0, clip=clip)
    run = train_run.Run(config, torch.device("cpu"))
    before = torch.nn.utils.parameters_to_vector(run.model.parameters()).detach()
    run.step()
    moved = (torch.nn.utils.parameters_to_vector(run.model.parameters()) - before).norm().item()
    assert moved == pytest.approx(0.01, rel=1e-2) if clip else moved > 0.1


@pytest.mark.parametrize("task", ["copy", "characters"])
def test_the_same_seed_gives_the_same_losses_to_the_last_bit(task):
    config = replace(SMALL, task=task, clip=1.0)
    losses = train(config).losses
    assert train(config).losses == losses
    assert train(replace(config, seed=1)).losses != losses


def test_every_step_has_a_batch_of_its_own():
    """At a rate so small that no weight changes, the losses differ by their batches alone."""
    losses = train(replace(SMALL, optimizer="sgd", learning_rate=1e-30)).losses
    assert len(set(losses)) == len(losses)


def broken_off(config, checkpoint, at, monkeypatch):
    """Train until step `at`, and stop there as Ctrl-C does."""

    def stop(step, *args):
        if step == at:
            raise KeyboardInterrupt
        return warmup_lr(step, *args)

    with pytest.raises(KeyboardInterrupt):
        train(config, checkpoint=checkpoint, checkpoint_every=3, schedule=stop)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_run_that_was_broken_off_goes_on_to_the_losses_of_an_unbroken_one(
    tmp_path, monkeypatch, optimizer
):
    config = replace(SMALL, optimizer=optimizer, warmup_steps=9, clip=1.0)
    checkpoint = tmp_path / "new" / "run.pt"
    for at in (7, 10):
        broken_off(config, checkpoint, at, monkeypatch)
    record = train(config, checkpoint=checkpoint)
    unbroken = train(config)
    assert record.losses == unbroken.losses
    assert record.final_loss == unbroken.final_loss
    assert [path.name for path in checkpoint.parent.iterdir()] == ["run.pt"]


def test_a_run_that_was_killed_goes_on_to_the_losses_of_an_unbroken_one(tmp_path):
    config, checkpoint = replace(SMALL, steps=100), tmp_path / "run.pt"
    program = (
        "import sys, torch; from pathlib import Path; from normlab.training.loop import *\n"
        f"torch.set_num_threads({torch.get_num_threads()})\n"
        f"train({config!r}, checkpoint=Path(sys.argv[1]), checkpoint_every=1)"
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(checkpoint)])
    while not checkpoint.exists() and child.poll() is None:
        time.sleep(0.002)
    child.kill()
    assert child.wait() == -9, "the run ended before it could be killed"
    assert train(config, checkpoint=checkpoint).losses == train(config).losses


def test_a_finished_run_is_read_back_and_not_trained_again(tmp_path, monkeypatch):
    record = train(SMALL, checkpoint=tmp_path / "run.pt")
    monkeypatch.setattr(train_run.Run, "step", lambda self: pytest.fail("trained again"))
    assert train(SMALL, checkpoint=tmp_path / "run.pt") == record


def test_a_write_that_fails_leaves_the_checkpoint_before_it_and_nothing_else(tmp_path, monkeypatch):
    checkpoint = tmp_path / "run.pt"
    broken_off(SMALL, checkpoint, 5, monkeypatch)
    before = checkpoint.read_bytes()

    def half_written(state, path):
        path.write_bytes(b"half")
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", half_written)
        with pytest.raises(OSError, match="no space"):
            train(SMALL, checkpoint=checkpoint)
    assert checkpoint.read_bytes() == before
    assert list(tmp_path.iterdir()) == [checkpoint]


def test_the_checkpoint_of_another_config_is_refused(tmp_path):
    checkpoint = tmp_path / "run.pt"
    train(SMALL, checkpoint=checkpoint)
    with pytest.raises(ValueError, match=r"run with steps = 12, seed = 0; expected this run's"):
        train(replace(SMALL, steps=13, seed=1), checkpoint=checkpoint)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    checkpoint = tmp_path / "run.pt"
    for content in (b"", b"no checkpoint"):
        checkpoint.write_bytes(content)
        with pytest.raises(ValueError, match=r"run\.pt cannot be read .* remove it to start anew"):
            train(SMALL, checkpoint=checkpoint)


def test_every_so_many_steps_are_recorded_and_the_last():
    whole, sparse = train(SMALL), train(SMALL, every=5)
    assert whole.steps == list(range(12))
    assert sparse.steps == [0, 5, 10, 11]
    assert sparse.losses == [whole.losses[step] for step in sparse.steps]
    assert sparse.final_loss == pytest.approx(np.mean(whole.losses[-10:]))
    assert [row[0] for row in sparse.table().rows] == sparse.steps


def test_an_absurd_learning_rate_is_recorded_as_divergence_with_step_and_reason():
    record = train(replace(SMALL, learning_rate=1e3, steps=100))
    assert record.diverged_at == record.steps[-1] < 50
    assert "3 × its first value or chance" in record.reason
    assert record.reason.endswith(f"up to step {record.diverged_at}")


def test_a_loss_that_is_not_a_number_ends_the_run_at_once():
    config = replace(SMALL, placement="none", decoder_layers=4, init_scale=1e9)
    record = train(config)
    assert record.diverged_at == 0
    assert record.reason == "the loss is nan at step 0"
    assert math.isnan(record.losses[-1])


def test_a_spike_that_heals_and_a_high_start_that_falls_are_no_divergence():
    spike = [2.8] + 9 * [1e6] + [2.7]
    falling = list(np.linspace(1e5, 1e3, 200))
    for losses in (spike, falling, 100 * [2.77], []):
        assert not any(why_diverged(losses[:n], chance=2.77) for n in range(len(losses) + 1))


def test_copy_is_learnt_to_well_below_chance():
    config = TrainConfig(
        decoder_layers=2, d_model=32, d_ff=64, tokens=8, steps=150, learning_rate=5e-3
    )
    record = train(config, every=100)
    assert record.losses[0] > record.chance
    assert record.final_loss < 0.1 * record.chance
    assert record.diverged_at is None


def test_an_encoder_and_a_decoder_learn_to_copy_together():
    config = replace(
        SMALL, encoder_layers=1, d_model=32, batch=32, tokens=4, steps=100, learning_rate=1e-2
    )
    record = train(config)
    assert record.final_loss < 0.7 * record.chance


def test_only_the_positions_that_count_enter_the_loss():
    batch = make_task("copy", tokens=8).batch(3, seed=0, step=0)
    logits = torch.randn(3, 8, 16, generator=torch.Generator().manual_seed(0))
    targets, mask = torch.tensor(batch.targets), torch.tensor(batch.mask)
    loss = batch_loss(logits, targets, mask)
    assert batch_loss(logits, targets.where(mask, 0), mask) == loss
    want = torch.nn.functional.cross_entropy(logits[mask], targets[mask])
    torch.testing.assert_close(loss, want)


@pytest.mark.parametrize("task", ["copy", "successor"])
def test_a_model_that_says_all_tokens_alike_has_the_loss_of_chance(task):
    batch = make_task(task, vocab_size=32).batch(3, seed=0, step=0)
    targets, mask = torch.tensor(batch.targets), torch.tensor(batch.mask)
    loss = batch_loss(torch.zeros(3, 16, 32), targets, mask)
    assert loss.item() == pytest.approx(make_task(task, vocab_size=32).chance, rel=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"steps": 0}, "steps is 0; expected at least 1"),
        ({"batch": 0}, "batch is 0; expected at least 1"),
        ({"warmup_steps": -1}, "warmup_steps is -1; expected at least 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; expected a number above 0"),
        ({"learning_rate": math.nan}, "learning_rate is nan; expected a number above 0"),
        ({"clip": -1.0}, "clip is -1.0; expected a number above 0"),
        ({"optimizer": "adma"}, "optimizer is 'adma'; expected one of adam, sgd"),
        ({"task": "cpoy"}, "task is 'cpoy'; expected one of copy"),
        ({"placement": "post"}, "placement is 'post'; expected one of none, post-norm"),
        ({"encoder_layers": 2, "decoder_layers": 0}, "decoder_layers is 0; expected at least 1"),
        ({"encoder_layers": 2, "task": "recall"}, "'recall' has no source"),
        ({"heads": 3}, "3 heads do not divide d_model = 64"),
    ],
)
def test_a_config_that_cannot_be_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig(**given)


@pytest.mark.parametrize("count", ["every", "checkpoint_every"])
def test_recording_every_zero_steps_is_refused(count):
    with pytest.raises(ValueError, match=f"{count} = 0.* expected at least 1"):
        train(SMALL, **{count: 0})


def test_the_model_has_the_sizes_of_the_config_and_the_vocabulary_of_the_task():
    config = TrainConfig(task="characters", placement="deepnorm", norm="rms_norm", tokens=24)
    model = asdict(config.model())
    assert {k: v for k, v in model.items() if k in asdict(config) and k != "vocab_size"} == {
        k: v for k, v in asdict(config).items() if k in model and k != "vocab_size"
    }
    assert model["vocab_size"] == 28
    assert model["max_tokens"] == 24


def test_the_progress_bar_shows_the_note_after_each_item(monkeypatch):
    notes = []

    class Bar(list):
        def set_postfix_str(self, text, refresh):
            notes.append(text)

    monkeypatch.setattr(progress_module, "tqdm", lambda items, *args, **kwargs: Bar(items))
    seen = []
    for item in progress_bar("abc", "letters", note=lambda: f"{len(seen)} seen"):
        seen.append(item)
    assert notes == ["1 seen", "2 seen", "3 seen"]


def a_record(placement, losses, diverged_at=None, warmup_steps=0):
    return TrainRecord(
        config=TrainConfig(placement=placement, warmup_steps=warmup_steps),
        steps=list(range(len(losses))),
        losses=losses,
        diverged_at=diverged_at,
        reason="" if diverged_at is None else "the loss is nan",
        seconds=1.0,
        chance=math.log(16),
        final_loss=losses[-1],
    )


def test_the_picture_has_a_line_a_run_the_chance_and_a_cross_where_one_was_given_up():
    records = [
        a_record("pre-norm", [3.0, 2.0, 1.0]),
        a_record("post-norm", [3.0, 3.5, 3.6], diverged_at=2),
        a_record("none", [math.nan], diverged_at=0),
    ]
    ax = Figure().subplots()
    draw_losses(records, ax)
    pre, post, cross, none, off, chance = ax.lines
    for line, record in zip((pre, post, none), records, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), record.losses)
    assert cross.get_xydata().tolist() == [[2, 3.6]]
    assert off.get_xydata().tolist() == [[0, ax.get_ylim()[1]]]
    assert set(chance.get_ydata()) == {math.log(16)}
    assert [line.get_color() for line in (pre, post)] == [BLUE, RED]
    assert [line.get_marker() for line in (pre, post)] == ["o", "s"]


def test_runs_of_one_placement_are_told_apart_by_their_dashes():
    records = [a_record("post-norm", [3.0]), a_record("post-norm", [3.0], warmup_steps=9)]
    ax = Figure().subplots()
    draw_losses([*records, a_record("pre-norm", [3.0])], ax)
    assert [line.get_linestyle() for line in ax.lines[:3]] == ["-", "--", "-"]


def test_the_runs_are_named_by_what_tells_them_apart():
    records = [a_record("post-norm", [3.0, 2.9]), a_record("post-norm", [2.0], 0, warmup_steps=9)]
    sentence, table = describe_losses(records)
    assert sentence == (
        "Guessing costs 2.77: warmup_steps 0 ends at 2.90; warmup_steps 9 was given up at step 0."
    )
    assert [row[0] for row in table.rows] == ["warmup_steps 0", "warmup_steps 9"]
    assert describe_losses(records[:1])[0] == "Guessing costs 2.77: post-norm ends at 2.90."


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_trains_as_a_cpu_does(tmp_path):
    """The same sums in another order: 12 steps apart by far less than a loss changes in one."""
    config = replace(SMALL, clip=1.0)
    record = train(config, device="cuda", checkpoint=tmp_path / "run.pt")
    np.testing.assert_allclose(record.losses, train(config).losses, rtol=1e-3)
