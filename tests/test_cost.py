"""Counts are sums over listed operations; the paper's gains follow from its times."""

import pytest
from matplotlib.figure import Figure

from normlab.chapters.rms_norm.cost import OPERATIONS, RUN_TIMES, layer_share, norm_cost
from normlab.chapters.rms_norm.cost_figures import draw_costs, draw_fewer, draw_run_times
from normlab.chapters.rms_norm.fewer import CLAIMED, Meaning, what_fewer_could_mean
from normlab.chapters.rms_norm.stored_races import load_norm_races


@pytest.mark.parametrize(
    ("norm", "direction", "flops", "eager", "fused"),
    [
        ("LayerNorm", "forward", 7, 12, 2),
        ("RMSNorm", "forward", 4, 7, 2),
        ("LayerNorm", "backward", 13, 25, 3),
        ("RMSNorm", "backward", 9, 19, 3),
    ],
)
def test_the_counts_of_each_norm(norm, direction, flops, eager, fused):
    cost = norm_cost(norm, direction)
    assert (cost.flops, cost.eager_elements, cost.fused_elements) == (flops, eager, fused)


def test_a_sum_writes_nothing_and_every_other_operation_writes_one_array():
    for operations in OPERATIONS.values():
        for op in operations:
            assert op.writes == (0 if "sum of" in op.formula else 1), op.formula


def test_an_unknown_norm_is_named_with_what_there_is():
    with pytest.raises(ValueError, match="no 'BatchNorm' 'forward'; expected one of: LayerNorm"):
        norm_cost("BatchNorm", "forward")


def test_two_layer_norms_are_7_over_12_d_of_a_layers_matrices():
    for width in (64, 4096):
        share = layer_share(width)
        assert share.layer_norms / share.matrices == pytest.approx(7 / (12 * width))
        assert share.rms_norms / share.matrices == pytest.approx(4 / (12 * width))
        assert share.saving == pytest.approx(3 / (12 * width))


def test_at_width_4096_the_norms_are_a_hundredth_of_a_per_cent():
    share = layer_share(4096)
    assert 100 * share.layer_norms / share.matrices == pytest.approx(0.0142, abs=5e-5)
    assert 100 * share.saving == pytest.approx(0.0061, abs=5e-5)


def test_a_width_below_one_is_refused():
    with pytest.raises(ValueError, match="width is 0"):
        layer_share(0)


def test_the_papers_gains_follow_from_its_times():
    gains = {row.model: round(100 * row.gain, 1) for row in RUN_TIMES}
    assert gains["Transformer"] == min(gains.values()) == 6.9
    assert gains["order embedding"] == max(gains.values()) == 40.8
    assert sorted(gains.values()) == [6.9, 11.0, 15.1, 20.5, 24.7, 34.0, 40.8]


def test_the_cost_picture_has_a_bar_for_each_count():
    costs = [norm_cost(*key) for key in OPERATIONS]
    axes = Figure().subplots(1, 3)
    draw_costs(costs, axes)
    heights = [[bar.get_height() for bar in ax.patches] for ax in axes]
    assert heights == [[7, 4, 13, 9], [12, 7, 25, 19], [2, 2, 3, 3]]


def test_the_run_time_picture_has_a_bar_for_each_model_and_the_claimed_band():
    ax = Figure().subplots()
    draw_run_times(RUN_TIMES, ax, claimed=(0.15, 0.20))
    band, *bars = ax.patches
    assert (band.get_x(), band.get_width()) == (15.0, 5.0)
    assert [bar.get_width() for bar in bars] == sorted(100 * row.gain for row in RUN_TIMES)


def test_what_fewer_could_mean_is_computed_from_the_counts_the_papers_times_and_the_races():
    norm, layer, transformer, cpu, gpu = what_fewer_could_mean()
    assert norm.ratio == pytest.approx(4 / 7)
    assert layer.ratio == pytest.approx((24 * 4096 + 8) / (24 * 4096 + 14), abs=1e-15)
    assert transformer.ratio == pytest.approx(231 / 248)
    assert sorted((transformer.ratio, *transformer.others)) == pytest.approx(
        sorted(1 - row.gain for row in RUN_TIMES)
    )
    assert min(transformer.others) == pytest.approx(7.12 / 12.02)
    races = [race for race in load_norm_races("cpu") if race.direction == "forward"]
    stored = [race.ratio("torch.nn.functional") for race in races]
    assert [cpu.ratio, *cpu.others] == stored
    assert (gpu.ratio is None) == (load_norm_races("cuda") == ())
    said = [meaning.said for meaning in (norm, layer, transformer, cpu)]
    assert said == [
        "43 % fewer",
        "0.006 % fewer",
        "6.9 % less",
        "110 % more",
    ]  # as the chapter has it


def test_the_picture_of_what_fewer_could_mean_starts_each_bar_at_the_same():
    rows = (
        Meaning("a", "counted", 0.5, ()),
        Meaning("b", "timed", 2.0, (3.0,)),
        Meaning("c", "timed", None),
    )
    ax = Figure().subplots()
    draw_fewer(rows, ax, claimed=CLAIMED)
    band, *bars = ax.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((0.8, 0.85))
    ends = [sorted((bar.get_x(), bar.get_x() + bar.get_width())) for bar in bars]
    assert ends == [[0.5, 1.0], [1.0, 2.0]]
    assert ax.get_xscale() == "log"
    assert [text.get_text() for text in ax.texts[1:]] == [
        "50 % fewer",
        "100 % more",
        "not measured yet",
    ]
