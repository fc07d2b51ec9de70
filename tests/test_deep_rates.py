"""Chapter 07: which rates train deep decoders, by depth, placement and budget of steps."""

from dataclasses import replace

import pytest
from matplotlib.figure import Figure

from normlab.chapters.warmup.deep_figures import draw_deep_rates
from normlab.chapters.warmup.deep_rates import (
    CONFIG,
    PLACEMENTS,
    RATES,
    SEEDS,
    DeepRate,
    DeepRates,
    load_deep_rates,
    read_deep_rates,
    train_until,
    write_deep_rates,
)
from normlab.tools.timing import one_thread
from normlab.training.loop import train

SMALL = replace(CONFIG, decoder_layers=1, learning_rate=1e-3, steps=60)


@pytest.fixture(scope="module")
def stored():
    return load_deep_rates()


def run(rate, after, seed=0, placement="pre-norm", layers=12):
    return DeepRate(placement, layers, rate, seed, after, after or 600, 1.0, False)


def test_a_run_ends_when_its_last_ten_losses_are_below_half_of_chance():
    with one_thread():
        found = train_until(SMALL, [0, 1])
        records = [train(replace(SMALL, seed=seed)) for seed in (0, 1)]
    for deep, record in zip(found, records, strict=True):
        means = [sum(record.losses[n - 10 : n]) / 10 for n in range(10, SMALL.steps + 1)]
        first = next(i for i, mean in enumerate(means) if mean < record.chance / 2)
        assert deep.trained_after == deep.steps == 10 + first
        assert deep.final_loss == pytest.approx(means[first], rel=1e-3)
        assert not deep.diverged


def test_a_run_that_does_not_train_takes_all_its_steps_and_one_that_bursts_is_given_up():
    with one_thread():
        (slow,) = train_until(replace(SMALL, learning_rate=1e-5, steps=12), [0])
        (burst,) = train_until(
            replace(SMALL, placement="none", decoder_layers=12, optimizer="sgd", learning_rate=9.0),
            [0],
        )
    assert (slow.trained_after, slow.steps, slow.diverged) == (None, 12, False)
    assert (burst.trained_after, burst.diverged) == (None, True)
    assert burst.steps < SMALL.steps


def test_the_highest_rate_trains_every_seed_within_the_budget():
    runs = [run(1e-3, 20), run(1e-3, 90, seed=1), run(3e-3, 15), run(3e-3, None, seed=1)]
    data = DeepRates([*runs, run(1e-2, 10), run(1e-2, 12, seed=1)])
    assert data.highest("pre-norm", 12, 30) == 1e-2
    without = DeepRates(runs)
    assert [without.highest("pre-norm", 12, budget) for budget in (30, 89, 90)] == [
        None,
        None,
        1e-3,
    ]
    assert without.share("pre-norm", 12, 3e-3, 600) == 0.5
    assert without.table([30, 90]).rows == [["pre-norm", 12, "none", "0.001"]]
    assert data.table([30]).rows == [["pre-norm", 12, "≥ 0.01"]]


def test_a_setting_that_was_not_run_is_refused():
    with pytest.raises(ValueError, match=r"no run of .pre-norm. with 24 layers at 0"):
        DeepRates([run(1e-3, 20)]).share("pre-norm", 24, 1e-3, 30)


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "deep.csv"
    write_deep_rates(path, depths=[1], rates=[1e-3], seeds=[3], steps=15)
    data = read_deep_rates(path)
    assert [r.placement for r in data.runs] == list(PLACEMENTS)
    with one_thread():
        (again,) = train_until(replace(SMALL, placement="post-norm", steps=15), [3])
    assert data.runs[0] == replace(again, final_loss=data.runs[0].final_loss)
    assert data.runs[0].final_loss == pytest.approx(again.final_loss, rel=1e-3)


def test_the_stored_runs_are_all_there(stored):
    expected = [
        (placement, layers, rate, seed)
        for layers in stored.depths
        for placement in PLACEMENTS
        for rate in RATES
        for seed in SEEDS
    ]
    found = [(r.placement, r.layers, r.learning_rate, r.seed) for r in stored.runs]
    assert found == expected
    assert not any(r.diverged for r in stored.runs)


def test_more_steps_close_no_rate(stored):
    for placement in PLACEMENTS:
        for layers in stored.depths:
            few, many = (stored.highest(placement, layers, n) or 0 for n in (30, 600))
            assert few <= many


def test_post_norms_window_is_smaller_and_not_empty(stored):
    assert [stored.highest("post-norm", n, 600) for n in (12, 24, 48)] == [1e-3, 1e-4, None]
    assert [stored.highest("post-norm", n, 30) for n in (12, 24, 48)] == [None, None, None]
    assert stored.highest("pre-norm", 24, 600) >= 10 * stored.highest("post-norm", 24, 600)


def test_marks_are_filled_where_every_seed_trains_and_open_where_some_do():
    runs = [run(1e-3, 20), run(1e-3, 25, seed=1), run(1e-2, 15), run(1e-2, None, seed=1)]
    lost = [replace(r, placement="post-norm", trained_after=None) for r in runs]
    axes = Figure().subplots(1, 2)
    draw_deep_rates(DeepRates([*lost, *runs]), axes, (30, 600))
    post, pre, *marks = axes[0].lines
    assert list(pre.get_ydata()) == [1e-3]
    assert post.get_ydata()[0] < 1e-3
    assert axes[0].get_yticklabels()[0].get_text() == "none"
    filled = {line.get_ydata()[0]: line.get_markerfacecolor() != "white" for line in marks}
    assert filled == {1e-3: True, 1e-2: False}
    assert [ax.get_title(loc="left") or ax.get_title() for ax in axes] == ["30 steps", "600 steps"]


def test_an_arrow_says_that_no_higher_rate_was_tried():
    ax, other = Figure().subplots(1, 2)
    draw_deep_rates(DeepRates([run(1e-3, 20), run(1e-2, 20)]), (ax,), (30,))
    draw_deep_rates(DeepRates([run(1e-3, 20), run(1e-2, None)]), (other,), (30,))
    assert [text.get_text() for text in ax.texts] == ["↑"]
    assert list(other.texts) == []
