"""Chapter 05: what the placements do to an untrained stream."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from normlab.chapters.residual_placement.figures import (
    describe_identity,
    describe_own_growth,
    describe_placement_growth,
    draw_change,
    draw_growth,
    draw_identity,
    draw_initial_losses,
    draw_placement_growth,
)
from normlab.chapters.residual_placement.stream import (
    average_growth,
    compare_change,
    compare_growth,
    stream_growth,
)
from normlab.chapters.residual_placement.streams import PlacementStreams
from normlab.chapters.residual_placement.untrained_losses import (
    PreNormWithoutFinalNorm,
    initial_losses,
)
from normlab.models.initialization import INITIALIZATIONS
from normlab.models.placement.standard import PLACEMENTS
from normlab.models.placement.wiring import trace
from normlab.pictures.svg import CONNECTOR
from normlab.tools import with_error

ON_THE_STREAM = ("post-norm", "deepnorm", "b2t")


def small(placement, **arguments):
    return stream_growth(placement, **{"layers": 6, "d_model": 32, "seed": 0} | arguments)


@pytest.mark.parametrize("placement", ON_THE_STREAM)
def test_a_norm_on_the_stream_keeps_its_mean_square_at_one(placement):
    assert small(placement).mean_square[1:] == pytest.approx(1, abs=1e-4)  # ε is 1e-5


def test_with_zeroed_outputs_a_block_changes_nothing_but_norms_on_the_stream_do():
    for placement in PLACEMENTS:
        change = small(placement, init="zero-output").change
        # the first norm on the stream sets its length to √d; after that nothing changes
        if placement in (*ON_THE_STREAM, "mix-norm"):
            assert change[0] > 0.01
        else:
            assert change[0] == 0
        assert change[1:] == pytest.approx(0, abs=1e-5)


def test_the_change_is_measured_relative_to_the_stream_that_enters():
    # without tokens to mix and without norm, one block of scale s changes little and in
    # proportion to s²: the product of two matrices
    halves = [small("rezero").change, small("pre-norm", init_scale=0.01).change]
    assert halves[0] == pytest.approx(0)
    ratio = small("pre-norm", init_scale=0.02).change[0] / halves[1][0]
    assert ratio == pytest.approx(4, rel=0.01)


def test_one_token_runs_at_the_upper_end_of_the_band_and_many_below():
    # the mean of four draws at d = 64 scatters by about 10 % around 1 + 3l/2
    alone = average_growth(range(4), "pre-norm", init="xiong", layers=12, d_model=64, tokens=1)
    among = average_growth(range(4), "pre-norm", init="xiong", layers=12, d_model=64, tokens=16)
    assert alone.mean_square[12] == pytest.approx(19, rel=0.2)
    assert 7 < among.mean_square[12] < 0.9 * alone.mean_square[12]


def test_an_average_is_the_mean_of_its_runs():
    runs = [small("pre-norm", seed=seed).mean_square for seed in (0, 1)]
    average = average_growth((0, 1), "pre-norm", layers=6, d_model=32)
    assert average.mean_square == pytest.approx(np.mean(runs, axis=0))
    assert average.spread == pytest.approx(np.std(runs, axis=0, ddof=1))
    assert average_growth([0], "pre-norm", layers=6, d_model=32).spread is None


def test_a_table_of_means_has_their_standard_errors():
    means = average_growth(range(4), "pre-norm", layers=6, d_model=32)
    (row,) = compare_growth([means], (6,)).rows
    assert row[-1] == with_error(means.mean_square[6], means.spread[6] / 4**0.5)
    (row,) = compare_change([means], (1,)).rows
    assert row[-1] == with_error(means.change[0], means.change_spread[0] / 4**0.5)
    assert with_error(30.0, 4.0 / 16**0.5) == "30 ± 1"


@pytest.mark.parametrize("arguments", [{"init": "xavier"}, {"init": "xiong", "init_scale": 0.5}])
def test_lemma_2_is_drawn_for_the_weights_that_it_is_about_alone(arguments):
    growth = small("pre-norm", **arguments)
    with pytest.raises(ValueError, match=f"weights '{arguments['init']}' × .*Lemma 2 is about"):
        growth.lemma_2()
    with pytest.raises(ValueError, match="Lemma 2"):
        draw_growth([growth], Figure().subplots())


def test_the_ffn_of_xiongs_weights_adds_a_half_at_any_width():
    # one layer of unlike tokens: 1 + 1/T + ½ with d_ff = 4 D, where the paper has d_ff = D
    growth = average_growth(range(12), "pre-norm", init="xiong", layers=1, d_model=64, tokens=16)
    added = growth.mean_square[1] - growth.mean_square[0]
    assert added == pytest.approx(1 / 16 + 1 / 2, abs=3 * growth.spread[1] / np.sqrt(12))
    xavier = average_growth(range(12), "pre-norm", layers=1, d_model=64, tokens=1)
    added = xavier.mean_square[1] - xavier.mean_square[0]
    assert added == pytest.approx(1.32, abs=3 * xavier.spread[1] / np.sqrt(12))


def test_without_the_final_norm_the_loss_before_training_grows_with_depth():
    losses = initial_losses([1, 24], seeds=[0, 1])
    for without in losses.losses["pre-norm, no final norm"]:
        assert without[1] > 2 * without[0]
    for name in ("pre-norm", "post-norm"):
        # logits of variance 1 cost about ½ more than guessing
        assert losses.losses[name] == pytest.approx(losses.chance + 0.5, abs=0.3)
    again = initial_losses([24], seeds=[1])
    for name, loss in losses.losses.items():
        assert again.losses[name] == loss[1:, 1:]
        assert (loss[0] != loss[1]).all()
        mean, spread = loss[:, 1].mean(), loss[:, 1].std(ddof=1)
        assert with_error(mean, spread / 2**0.5) in losses.table().rows[1]
        assert f"{again.losses[name][0, 0]:.2f}" in again.table().rows[0]


def test_pytorchs_pre_norm_encoder_has_a_final_norm_only_if_one_is_passed():
    torch.manual_seed(0)
    layer = torch.nn.TransformerEncoderLayer(64, 4, 256, norm_first=True, batch_first=True)
    tokens = torch.randn(4, 16, 64)
    variances = []
    for norm in (None, torch.nn.LayerNorm(64)):
        stack = torch.nn.TransformerEncoder(layer, 24, norm=norm, enable_nested_tensor=False)
        with torch.no_grad():
            variances.append(stack.eval()(tokens).var().item())
    assert variances[0] > 37  # Lemma 2's upper end; the 24 layers are copies of one
    assert variances[1] == pytest.approx(1, abs=1e-3)


def test_forgetting_the_final_norm_shows_in_the_diagram():
    kinds = [node.kind for node in trace(PreNormWithoutFinalNorm).nodes]
    assert "final norm" not in kinds


def test_tables_show_what_was_measured():
    growth = small("pre-norm")
    assert compare_growth([growth], (1, 6)).rows == [
        ["pre-norm", "xavier", 16, f"{growth.mean_square[1]:.2g}", f"{growth.mean_square[6]:.2g}"]
    ]
    assert compare_change([growth], (1, 6)).rows == [
        ["pre-norm", "xavier", f"{growth.change[0]:.2g}", f"{growth.change[5]:.2g}"]
    ]
    assert len(growth.table().rows) == 6


@pytest.fixture(scope="module")
def streams():
    """All twelve, measured."""
    measured = PlacementStreams("layer_norm", "xavier")
    assert [growth.placement for growth in measured.measure()] == list(PLACEMENTS)
    return measured


def test_the_figures_show_the_measured_numbers(streams):
    left, right = axes = Figure().subplots(1, 2)
    draw_placement_growth(streams, axes, placement="pre-norm")
    assert right.lines[-1].get_ydata() == pytest.approx(streams.at("pre-norm").mean_square)
    assert "x ← x + f(norm(x))" in [text.get_text() for text in left.texts]
    ax = Figure().subplots()
    growth = small("pre-norm", init="xiong")
    draw_growth([growth], ax)
    assert ax.lines[0].get_ydata() == pytest.approx(growth.mean_square)
    ax = Figure().subplots()
    losses = initial_losses([1, 2], seeds=[0, 1])
    draw_initial_losses(losses, ax)
    assert ax.lines[0].get_ydata() == pytest.approx(losses.losses["post-norm"].mean(axis=0))
    assert ax.lines[1].get_ydata() == pytest.approx(losses.losses["post-norm"][0])
    ax = Figure().subplots()
    draw_identity({0.5: [small("deepnorm")]}, ax, scale=0.5)
    assert ax.lines[0].get_ydata() == pytest.approx(small("deepnorm").change)


def test_the_spread_of_several_draws_is_an_area_around_their_mean():
    growth = average_growth(range(3), "pre-norm", init="xiong", layers=6, d_model=32)
    ax = Figure().subplots()
    draw_growth([growth], ax)
    _, area = ax.collections  # the lemma's band, and the spread
    heights = area.get_paths()[0].vertices[:, 1]
    assert heights.max() == pytest.approx((growth.mean_square + growth.spread).max())
    sentence = describe_own_growth([growth] * 3)
    assert with_error(growth.mean_square[-1], growth.spread[-1] / 3**0.5) in sentence


def test_a_change_that_is_zero_is_named_and_not_drawn():
    ax = Figure().subplots()
    draw_change([small("pre-norm"), small("rezero")], ax)
    curve = ax.lines[0]
    assert curve.get_ydata() == pytest.approx(small("pre-norm").change)
    assert [line.get_label() for line in ax.lines if len(line.get_xdata()) == 6] == [
        "pre-norm, xavier"
    ]
    assert {t.get_text() for t in ax.texts} == {"pre-norm, xavier", "rezero, xavier: 0"}


def test_a_frame_measures_its_own_placement_alone_and_shows_what_is_known():
    data = PlacementStreams("layer_norm", "zero-output")
    for known in (["deepnorm"], ["deepnorm", "rezero"]):
        axes = Figure().subplots(1, 2)
        draw_placement_growth(data, axes, placement=known[-1])
        describe_placement_growth(data, placement=known[-1])
        assert list(data.known) == known
        assert sorted(text.get_text() for text in axes[1].texts) == known
    assert data.at("rezero") is data.at("rezero")


@pytest.mark.parametrize("init", INITIALIZATIONS)
def test_the_axes_of_a_setting_depend_on_no_placement(init):
    limits = set()
    for norm in ("layer_norm", "dyt"):
        data = PlacementStreams(norm, init)
        for placement in ("post-norm", "none"):
            _, right = axes = Figure().subplots(1, 2)
            draw_placement_growth(data, axes, placement=placement)
            limits.add((right.get_xlim(), right.get_ylim()))
    ((_, (bottom, top)),) = limits
    assert (bottom, top) == pytest.approx((1e-4 if "gpt2" in init else 0.1, 200))


def test_the_sentences_name_the_placement_and_its_numbers(streams):
    sentence, table = describe_placement_growth(streams, placement="pre-norm")
    assert sentence.startswith("With pre-norm the mean square of the stream goes from")
    assert f"to {streams.at('pre-norm').mean_square[-1]:.3g} in 24 layers" in sentence
    assert len(table.rows) == 25  # the input, and what each layer leaves
    growths = [small(name) for name in ("pre-norm", "post-norm")]
    sentence, _ = describe_identity({1.0: growths}, scale=1.0)
    assert f"pre-norm {growths[0].change[0]:.3g}" in sentence


def test_each_line_has_its_name_at_its_end_and_no_name_covers_another(streams):
    dyt = PlacementStreams("dyt", "xavier")  # some of its lines leave the axes below
    list(dyt.measure())
    for data in (streams, dyt):
        axes = Figure().subplots(1, 2)
        draw_placement_growth(data, axes, placement="deepnorm")
        ax = axes[1]
        assert sorted(text.get_text() for text in ax.texts) == sorted(PLACEMENTS)
        assert [t.get_text() for t in ax.texts if t.get_weight() == "bold"] == ["deepnorm"]
        connectors = [line for line in ax.lines if line.get_gid() == CONNECTOR]
        assert min(min(line.get_ydata()) for line in connectors) >= ax.get_ylim()[0]
        bottom, top = np.log(ax.get_ylim())
        heights = np.sort([np.log(text.get_position()[1]) for text in ax.texts])
        assert heights[0] > bottom
        assert heights[-1] < top
        assert np.diff(heights).min() > 0.9 * (top - bottom) / 26
