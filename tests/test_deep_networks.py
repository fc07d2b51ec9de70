"""Chapter 00's deep networks: their activations, the stored training, and what is said of both."""

import math

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from normlab.chapters.start_here import load_deep_runs
from normlab.chapters.start_here.deep_figures import (
    describe_deep_network,
    draw_deep_losses,
    draw_sizes,
)
from normlab.chapters.start_here.deep_networks import (
    BINS,
    LAYERS,
    NETWORKS,
    NO_NORM,
    NORM,
    SMALL_WEIGHTS,
    initial_stream,
    layer_sizes,
    network_config,
)
from normlab.chapters.start_here.deep_runs import RATES, SEEDS, STORED, DeepRun, write_runs
from normlab.tools import one_thread
from normlab.tools.stored_rows import read_rows
from normlab.training import Run, train


@pytest.fixture(scope="module")
def sizes():
    return layer_sizes()


@pytest.fixture(scope="module")
def runs():
    return load_deep_runs()


def test_the_networks_differ_in_nothing_but_the_norms_and_the_size_of_the_weights():
    configs = {name: network_config(name) for name in NETWORKS}
    same = {(c.decoder_layers, c.task, c.steps, c.seed, c.init) for c in configs.values()}
    assert len(same) == 1
    assert {n: (c.placement, c.init_scale) for n, c in configs.items()} == {
        NO_NORM: ("none", 1.0),
        NORM: ("pre-norm", 1.0),
        SMALL_WEIGHTS: ("none", 0.1),
    }


def test_without_a_norm_the_activations_grow_with_every_layer_and_with_one_they_do_not(sizes):
    without, with_norm = sizes.rms[NO_NORM], sizes.rms[NORM]
    assert len(without) == len(with_norm) == LAYERS + 1
    assert without[0] == with_norm[0] == pytest.approx(1, rel=0.1)
    assert (without[1:] > without[:-1]).all()
    assert 1e4 < without[-1] < 1e5  # "tens of thousands"
    assert 3 < with_norm[-1] < 10
    assert sizes.rms[SMALL_WEIGHTS].max() < 1.2


def test_the_layers_are_those_of_the_model_that_is_trained():
    config = network_config(NORM, layers=3)
    stream = initial_stream(config)
    assert stream.shape == (4, config.batch, config.tokens, config.d_model)
    run = Run(config, torch.device("cpu"))
    x = torch.tensor(stream[0], dtype=torch.float32)
    with torch.no_grad():
        for depth, block in enumerate(run.model.decoder.blocks, 1):
            x = block(x)
            np.testing.assert_allclose(x.numpy(), stream[depth], atol=1e-5)


def test_the_histogram_counts_every_number_once(sizes):
    for shares in sizes.shares.values():
        assert shares.shape == (LAYERS + 1, len(BINS) - 1)
        assert (shares.sum(1) > 0.99).all()  # (L + 1, N) -> (L + 1,)
        assert (shares.sum(1) <= 1 + 1e-12).all()
    stream = initial_stream(network_config(NO_NORM))
    ten_or_more = (np.abs(stream[8]) >= 10).mean()
    assert sizes.shares[NO_NORM][8][BINS[:-1] >= 1].sum() == pytest.approx(ten_or_more)


def test_the_stored_runs_are_there_for_every_network_rate_and_seed(runs):
    for name in NETWORKS:
        for rate in RATES:
            found = runs.of(name, rate)
            assert [run.seed for run in found] == list(SEEDS)
            assert all(run.chance == pytest.approx(math.log(16), abs=1e-4) for run in found)
            assert all(len(run.losses) == len(run.steps) <= 51 for run in found)
            for run in found:  # given up: no number, or well above where it started
                assert run.last_step == 99 or not run.losses[-1] <= 3 * run.losses[0]
    assert len(runs.runs) == len(NETWORKS) * len(RATES) * len(SEEDS)


@pytest.mark.parametrize("rate", RATES)
def test_what_the_chapter_says_of_the_training_follows_from_the_file(runs, rate):
    chance = math.log(16)
    for run in runs.of(NO_NORM, rate):
        assert run.losses[0] > 5e4  # "starts at 50,000 and more"
        assert not min(run.losses) < 100 * chance  # "comes near the 2.8 of guessing" at no step
        assert not run.final_loss < 1000  # or it is no number
    assert max(runs.final_losses(NORM, rate)) < 0.2
    small = max(runs.final_losses(SMALL_WEIGHTS, rate))
    assert small < min(0.01, *runs.final_losses(NORM, rate))  # "ends lower"


def test_the_first_steps_are_those_that_a_run_gives(runs):
    with one_thread():
        for name in (NO_NORM, NORM):
            record = train(network_config(name, learning_rate=1e-3, seed=1, steps=1))
            stored = runs.of(name, 1e-3)[1].losses[0]
            assert record.losses[0] == pytest.approx(stored, rel=1e-2), name


def test_the_command_writes_what_is_read(tmp_path):
    path = tmp_path / "small.csv"
    write_runs(path, rates=[1e-2], layers=1, steps=3)
    written, stored = read_rows(path), read_rows(STORED)
    assert written[0].keys() == stored[0].keys()
    assert {row["command"] for row in written + stored} == {"normlab remake without_norm"}
    assert [(row["network"], row["seed"]) for row in written] == [
        (name, str(seed)) for name in NETWORKS for seed in SEEDS
    ]
    for row in written:
        assert len(row["losses"].split()) == 2  # steps 0 and 2
        assert row["layers"] == "1"


def test_a_run_that_ends_in_no_number_is_said_and_drawn(sizes):
    ends = [DeepRun(NO_NORM, 0.1, 0, [5e4, math.nan], 1, math.nan, 2.77)]
    good = [DeepRun(NORM, 0.1, 0, [3.0, 1e-7], 1, 1e-7, 2.77)]
    data = (sizes, {NO_NORM: ends, NORM: good})
    sentence, table = describe_deep_network(data, NO_NORM, 24)
    assert "at losses of no number; guessing costs 2.8" in sentence
    assert "37,000" in sentence
    assert [row[0] for row in table.rows] == [NO_NORM, NORM]
    ax = Figure().subplots()
    draw_deep_losses(data[1], ax, NORM)
    first, second, _ = ax.lines
    assert np.isnan(first.get_ydata()[1])
    assert list(second.get_ydata()) == [3.0, 1e-3]  # at the edge
    assert second.get_linewidth() > first.get_linewidth()


def test_the_picture_shows_the_layer_before_the_input(sizes):
    ax = Figure().subplots()
    draw_sizes(sizes, ax, NO_NORM, 24)
    layer, start = ax.patches
    np.testing.assert_array_equal(layer.get_data().values, sizes.shares[NO_NORM][24])
    np.testing.assert_array_equal(start.get_data().values, sizes.shares[NO_NORM][0])
    assert layer.get_data().edges[0] == pytest.approx(1e-3)
