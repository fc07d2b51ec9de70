"""Chapter 05: what the placements do to an untrained stream."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from normlab.chapters.residual_placement.figures import (
    describe_identity,
    describe_placement_growth,
    draw_growth,
    draw_identity,
    draw_initial_losses,
    draw_placement_growth,
)
from normlab.chapters.residual_placement.stream import (
    PreNormWithoutFinalNorm,
    average_growth,
    compare_change,
    compare_growth,
    initial_losses,
    stream_growth,
)
from normlab.models.placement.standard import PLACEMENTS
from normlab.models.placement.wiring import trace, wiring_code

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
    average = average_growth((0, 1), "pre-norm", layers=6, d_model=32).mean_square
    assert average == pytest.approx(np.mean(runs, axis=0))


def test_without_the_final_norm_the_loss_before_training_grows_with_depth():
    losses = initial_losses([1, 24], seed=0)
    without = losses.losses["pre-norm, no final norm"]
    assert without[1] > 2 * without[0]
    for name in ("pre-norm", "post-norm"):
        # logits of variance 1 cost about ½ more than guessing
        assert losses.losses[name] == pytest.approx(losses.chance + 0.5, abs=0.2)


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
        ["pre-norm", "xavier", f"{growth.mean_square[1]:.2g}", f"{growth.mean_square[6]:.2g}"]
    ]
    assert compare_change([growth], (1, 6)).rows == [
        ["pre-norm", "xavier", f"{growth.change[0]:.2g}", f"{growth.change[5]:.2g}"]
    ]
    assert len(growth.table().rows) == 6


def test_the_figures_show_the_measured_numbers():
    growths = {name: small(name) for name in PLACEMENTS}
    left, right = axes = Figure().subplots(1, 2)
    draw_placement_growth(growths, axes, placement="pre-norm")
    assert right.lines[-1].get_ydata() == pytest.approx(growths["pre-norm"].mean_square)
    assert wiring_code(PLACEMENTS["pre-norm"]) in [text.get_text() for text in left.texts]
    ax = Figure().subplots()
    draw_growth([growths["pre-norm"]], ax)
    assert ax.lines[0].get_ydata() == pytest.approx(growths["pre-norm"].mean_square)
    ax = Figure().subplots()
    losses = initial_losses([1, 2], seed=0)
    draw_initial_losses(losses, ax)
    assert ax.lines[0].get_ydata() == pytest.approx(losses.losses["post-norm"])
    ax = Figure().subplots()
    draw_identity({0.5: [growths["deepnorm"]]}, ax, scale=0.5)
    assert ax.lines[0].get_ydata() == pytest.approx(growths["deepnorm"].change)


def test_the_sentences_name_the_placement_and_its_numbers():
    growths = {name: small(name) for name in ("pre-norm", "post-norm")}
    sentence, table = describe_placement_growth(growths, placement="pre-norm")
    assert sentence.startswith("With pre-norm the mean square of the stream goes from")
    assert f"to {growths['pre-norm'].mean_square[-1]:.3g} in 6 layers" in sentence
    assert len(table.rows) == 6
    sentence, _ = describe_identity({1.0: list(growths.values())}, scale=1.0)
    assert f"pre-norm {growths['pre-norm'].change[0]:.3g}" in sentence


def test_each_line_has_its_name_at_its_end_and_no_name_covers_another():
    growths = {name: small(name) for name in PLACEMENTS}
    for init in ({}, {"rezero": growths["rezero"], "layerscale": growths["rezero"]}):
        data = {**growths, **init}
        axes = Figure().subplots(1, 2)
        draw_placement_growth(data, axes, placement="deepnorm")
        ax = axes[1]
        assert sorted(text.get_text() for text in ax.texts) == sorted(PLACEMENTS)
        assert [t.get_text() for t in ax.texts if t.get_weight() == "bold"] == ["deepnorm"]
        bottom, top = np.log(ax.get_ylim())
        heights = np.sort([np.log(text.get_position()[1]) for text in ax.texts])
        assert heights[0] > bottom
        assert heights[-1] < top
        assert np.diff(heights).min() > 0.9 * (top - bottom) / 26


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_code_beside_a_diagram_is_the_code_that_is_run(placement):
    code = wiring_code(PLACEMENTS[placement])
    assert "return" in code
    assert "def " not in code
