"""Seeds trained together are the seeds trained one by one."""

import numpy as np
import pytest
import torch

from normlab.training.config import TrainConfig
from normlab.training.loop import train
from normlab.training.run import Run
from normlab.training.seeds import RunStack, train_seeds

SMALL = {"d_model": 16, "heads": 2, "d_ff": 32, "tokens": 8, "batch": 4}
CONFIGS = {
    "adam, clipped, warmed up": TrainConfig(
        **SMALL, decoder_layers=2, steps=25, clip=0.5, warmup_steps=10
    ),
    "sgd, encoder and decoder": TrainConfig(
        **SMALL, encoder_layers=1, decoder_layers=1, steps=25, optimizer="sgd", norm="rms_norm"
    ),
    "one number for all, clipped": TrainConfig(
        **SMALL, decoder_layers=1, steps=10, norm="dyt", clip=0.5
    ),
    "learned gates, QK-norm": TrainConfig(
        **SMALL, task="recall", decoder_layers=2, steps=25, placement="layerscale", qk_norm=True
    ),
}


def one_by_one(config, seeds):
    return [train(TrainConfig(**vars(config) | {"seed": seed})) for seed in seeds]


@pytest.fixture
def _float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("_float64")
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_in_float64_the_losses_of_each_seed_are_those_of_train(config):
    """The sums run in another order: 1e-16 at first, and 25 steps let it grow."""
    seeds = [3, 0, 7]
    for alone, together in zip(one_by_one(config, seeds), train_seeds(config, seeds), strict=True):
        assert together.config == alone.config
        assert together.steps == alone.steps
        assert together.losses == pytest.approx(alone.losses, rel=1e-10)
        assert together.final_loss == pytest.approx(alone.final_loss, rel=1e-10)
        assert together.chance == alone.chance


def test_in_float32_the_first_losses_agree_to_rounding_and_the_last_loosely():
    """A loss near 3 has a spacing of 2.4e-7; Adam's first steps, g/|g|, raise what is small."""
    config = CONFIGS["adam, clipped, warmed up"]
    for alone, together in zip(
        one_by_one(config, [0, 1]), train_seeds(config, [0, 1]), strict=True
    ):
        assert together.losses[:5] == pytest.approx(alone.losses[:5], abs=5e-6)
        assert together.final_loss == pytest.approx(alone.final_loss, abs=1e-2)


@pytest.mark.usefixtures("_float64")
def test_each_seed_stops_where_it_diverges_and_the_others_go_on():
    config = TrainConfig(
        **SMALL, decoder_layers=2, steps=40, placement="none", optimizer="sgd", learning_rate=0.3
    )
    seeds = range(6)
    alone, together = one_by_one(config, seeds), train_seeds(config, seeds)
    ends = [record.diverged_at for record in alone]
    assert None in ends
    assert len({*ends}) > 2, "the setting shows nothing unless seeds end differently"
    assert [record.diverged_at for record in together] == ends
    assert [record.reason for record in together] == [record.reason for record in alone]
    assert [record.steps for record in together] == [record.steps for record in alone]


def test_nothing_of_one_seed_enters_another():
    config = CONFIGS["adam, clipped, warmed up"]

    def weights(poison):
        stack = RunStack(
            [Run(TrainConfig(**vars(config) | {"seed": s}), torch.device("cpu")) for s in range(3)]
        )
        with torch.no_grad():
            stack.parameters["head.weight"][1] += poison
        stack.step()
        return torch.cat([p.detach().flatten(1) for p in stack.parameters.values()], dim=1)

    healthy, poisoned = weights(0.0), weights(float("nan"))
    assert poisoned[1].isnan().all()
    assert torch.equal(poisoned[[0, 2]], healthy[[0, 2]])


def test_the_seconds_of_the_seeds_add_up_to_the_time_of_all(monkeypatch):
    clock = iter(np.arange(0.0, 1000.0, 0.5))
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    config = TrainConfig(**SMALL, decoder_layers=1, steps=6)
    assert sum(r.seconds for r in train_seeds(config, [0, 1, 2])) == pytest.approx(6 * 0.5)


def test_every_so_many_steps_and_the_last_are_recorded():
    config = TrainConfig(**SMALL, decoder_layers=1, steps=6)
    assert train_seeds(config, [0, 1], every=4)[1].steps == [0, 4, 5]


@pytest.mark.parametrize(("seeds", "every"), [([], 1), ([0], 0)])
def test_no_seeds_and_no_steps_are_refused(seeds, every):
    with pytest.raises(ValueError, match=f"got {len(seeds)} seeds and every = {every}; expected"):
        train_seeds(TrainConfig(), seeds, every=every)
