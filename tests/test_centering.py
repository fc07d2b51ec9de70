"""What centering takes away: laws, and the pictures' data."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from normlab.chapters.rms_norm.centering import (
    angle_degrees,
    mean_share,
    offset_token,
    sweep_mean_share,
)
from normlab.chapters.rms_norm.figures import (
    draw_mean_shares,
    draw_stored_gains,
    draw_stream_means,
)
from normlab.chapters.rms_norm.gains import stored_gains
from normlab.chapters.rms_norm.stream_means import (
    CONFIG,
    SEEDS,
    load_stream_means,
    stream_shares,
    train_and_watch,
)
from normlab.training.run import Run


@pytest.mark.parametrize("offset", [-5.0, -0.3, 0.0, 0.1, 1.0, 4.0])
def test_the_angle_between_the_outputs_is_the_arc_tangent_of_mean_over_std(offset):
    angle = offset_token(features=16).angle(offset)
    assert angle == pytest.approx(np.degrees(np.arctan(abs(offset))), abs=1e-9)


def test_layer_norm_stands_still_and_rms_norm_takes_the_mean_along():
    token = offset_token()
    np.testing.assert_allclose(token.layer_norm(3.0), token.layer_norm(0.0), atol=1e-12)
    assert token.rms_norm(3.0).mean() == pytest.approx(3 / np.sqrt(10))  # m/√(1 + m²)


def test_the_mean_share_is_the_squared_sine_of_the_angle():
    token = offset_token()
    for offset in (0.0, 0.5, 2.0):
        share = mean_share((token.x + offset)[None])[0]
        assert share == pytest.approx(np.sin(np.radians(token.angle(offset))) ** 2, abs=1e-12)


def test_a_tiny_angle_keeps_its_digits():
    assert angle_degrees(np.array([1.0, 0.0]), np.array([1.0, 1e-10])) == pytest.approx(
        np.degrees(1e-10), rel=1e-6
    )


def test_the_mean_share_of_random_vectors_is_one_over_d_and_after_relu_one_over_pi():
    shares = sweep_mean_share([16, 256], vectors=4000, seed=0)
    assert shares.shares["normal"] == pytest.approx([1 / 16, 1 / 256], rel=0.1)
    assert shares.shares["after ReLU"][1] == pytest.approx(1 / np.pi, rel=0.02)
    assert shares.table().columns[-1] == "1/D"


def test_the_picture_of_shares_holds_its_data():
    shares = sweep_mean_share([16, 64], vectors=10)
    ax = Figure().subplots()
    draw_mean_shares(shares, ax)
    assert [list(line.get_ydata()) for line in ax.lines[:2]] == list(shares.shares.values())


def test_the_shares_of_a_stream_are_those_of_what_each_norm_reads_in_the_order_of_the_pass():
    run = Run(replace(CONFIG, decoder_layers=2), torch.device("cpu"))
    batch = run.task.batch(CONFIG.batch, CONFIG.seed, step=0)
    x = run.model.embed(torch.tensor(batch.inputs))
    wanted = []
    for block in run.model.decoder.blocks:
        sublayers = (block.attention, block.feed_forward)
        for f, (norm,) in zip(sublayers, block.placement.site_parts, strict=True):
            wanted.append(mean_share(x.detach().numpy()).mean())
            x = x + f(norm(x))
    wanted.append(mean_share(x.detach().numpy()).mean())
    assert stream_shares(run) == pytest.approx(wanted, rel=1e-4)


def test_a_run_is_looked_at_before_and_after_its_training():
    first, last = train_and_watch(replace(CONFIG, decoder_layers=1, steps=2))
    assert (first["when"], first["steps"], first["loss"]) == ("initial", 0, "")
    assert (last["when"], last["steps"]) == ("trained", 2)
    assert float(last["loss"]) > 0


def test_the_stored_streams_are_of_models_that_learnt_and_have_a_share_for_each_norm():
    data = load_stream_means()
    assert data.layers.tolist() == [place / 2 for place in range(2 * CONFIG.decoder_layers + 1)]
    for shares in data.shares.values():
        assert shares.shape == (len(SEEDS), len(data.layers))
    for losses in data.losses.values():
        assert max(losses) < 0.6 * data.chance
    after = np.stack([data.shares[norm, "trained"] for norm in ("LayerNorm", "RMSNorm")])
    said = [after.min(), after.max(), after[0].mean(), after[1].mean()]
    assert said == pytest.approx([0.004, 0.021, 0.011, 0.012], abs=5e-4)  # as the chapter has it
    low, middle, high = data.over_seeds("RMSNorm", "trained")
    assert (low <= middle).all()
    assert (middle <= high).all()


def test_the_picture_of_the_stream_holds_every_share_and_the_two_lines():
    data = load_stream_means()
    ax = Figure().subplots()
    draw_stream_means(data, ax)
    heights = [list(line.get_ydata()) for line in ax.lines]
    assert heights[0] == list(data.over_seeds("LayerNorm", "initial")[1])
    assert heights[3] == list(data.over_seeds("RMSNorm", "trained")[1])
    assert [line[0] for line in heights[4:]] == pytest.approx([1 / data.width, 1 / np.pi])


def test_few_of_gemmas_gains_are_left_in_llamas_form():
    gains = stored_gains()
    assert np.abs(gains.gemma - gains.llama).max() <= 2**-8  # half the spacing of bfloat16 above 1
    assert len(np.unique(gains.gemma)) > 50 * len(np.unique(gains.llama))
    axes = Figure().subplots(1, 2)
    draw_stored_gains(gains, axes)
    for ax, values in zip(axes, (gains.gemma, gains.llama), strict=True):
        inside = (values > 0.94) & (values < 1.06)
        assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(inside.sum(), rel=1e-3)
