"""Chapter 11's small experiments on newer placements, against the laws that they illustrate."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from normlab.chapters.norms_in_the_wild.figures import (
    draw_logit_sizes,
    draw_scale_response,
    draw_streams,
)
from normlab.chapters.norms_in_the_wild.newer_placements import (
    cogview_norm,
    divided_growth,
    scale_response,
    survey_placements,
)
from normlab.chapters.norms_in_the_wild.qk_norm import logit_sizes
from normlab.chapters.residual_placement.stream import average_growth, stream_growth
from normlab.models.dyt import DyT
from normlab.models.placement.in_the_wild import HyperSphere

SCALES = (0.1, 1.0, 10.0)


@pytest.mark.parametrize("heads", [1, 4, 16])
@pytest.mark.parametrize("norm", ["rms_norm", "layer_norm"])
def test_normed_queries_and_keys_bound_the_logits_by_the_root_of_the_head_size(norm, heads):
    sizes = logit_sizes(SCALES, norm, heads)
    assert sizes.bound == pytest.approx((64 / heads) ** 0.5)
    assert (sizes.largest["QK-norm"] <= sizes.bound).all()


def test_without_the_norm_logits_grow_with_the_square_of_the_weights():
    plain = logit_sizes(SCALES).largest["plain"]
    # the stream in front is normed, so q and k each go with the scale; ε = 1e-6 is the difference
    assert plain[1:] / plain[:-1] == pytest.approx(100, rel=1e-3)
    assert plain[-1] > 10 * logit_sizes(SCALES).bound


def test_large_logits_leave_attention_one_token_to_look_at():
    entropy = logit_sizes(SCALES).entropy
    assert entropy["plain"][0] == pytest.approx(1, abs=0.01)
    assert entropy["plain"][-1] < 0.05
    assert np.ptp(entropy["QK-norm"]) < 0.01


def test_peri_norm_grows_by_two_a_layer():
    # four draws at d = 64 scatter by about 10 %
    growth = average_growth(range(4), "peri-norm", d_model=64)
    assert growth.mean_square[[1, 6, 12, 24]] == pytest.approx([3, 13, 25, 49], rel=0.15)


def test_layer_norm_scaling_adds_what_pre_norm_adds_over_the_number_of_the_layer():
    pre, scaled = (
        average_growth(range(2), name, d_model=64, layers=12)
        for name in ("pre-norm", "layernorm-scaling")
    )
    # tokens become alike more slowly in the scaled stack, so attention adds less
    assert scaled.mean_square[12] == pytest.approx(divided_growth(pre)[12], rel=0.3)
    assert scaled.mean_square[12] < 0.5 * pre.mean_square[12]


def test_the_hypersphere_has_length_one_at_every_layer():
    growth = stream_growth(HyperSphere, d_model=32, layers=6, seed=0)
    assert 32 * growth.mean_square[1:] == pytest.approx(1, abs=1e-12)  # the stream is float64


def test_norms_do_not_see_the_scale_of_their_input_and_dyt_does():
    layers = {"LN": nn.LayerNorm(256), "RMS": nn.RMSNorm(256, eps=1e-6), "DyT": DyT(256)}
    response = scale_response([0.1, 1.0, 10.0], layers).size
    # ε = 1e-5 takes 0.05 % of a variance of 0.01
    assert response["LN"] == pytest.approx(1, abs=1e-3)
    assert response["RMS"] == pytest.approx(1, abs=1e-3)
    assert response["DyT"][0] == pytest.approx(0.05, rel=0.01)  # tanh(z) ≈ z, with a = 0.5
    assert 0.8 < response["DyT"][2] < 1


def test_cogviews_norm_survives_float16_and_is_layer_norm():
    x = 3e4 * torch.randn(4, 64, generator=torch.Generator().manual_seed(0)).clamp(-2, 2)
    half = cogview_norm(x.half()).double()
    exact = nn.functional.layer_norm(x.double(), (64,))
    assert (half - exact).abs().max() < 5e-3  # float16 has 11 bits, and values are up to 2
    assert torch.isinf(x.half().square()).any()


def test_cogviews_norm_lets_tokens_see_the_largest_one_through_epsilon():
    x = torch.randn(2, 64, generator=torch.Generator().manual_seed(0))
    outlier = torch.cat([x[:1], 1e4 * x[1:]])
    alone, beside = cogview_norm(x)[0], cogview_norm(outlier)[0]
    assert alone.square().mean().sqrt() == pytest.approx(1, abs=1e-3)
    assert beside.square().mean().sqrt() < 0.7


def test_the_survey_holds_what_is_measured_one_by_one():
    survey = survey_placements({"a": "pre-norm", "b": "post-norm"}, layers=4, seeds=[1])
    growth = stream_growth("pre-norm", layers=4, d_model=32, seed=1)
    assert survey.mean_square[0] == pytest.approx(growth.mean_square[-1], rel=1e-4)  # float32
    assert survey.last_change[0] == pytest.approx(growth.change[-1])
    assert survey.mean_square[1] == pytest.approx(1, abs=1e-3)
    assert [row[0] for row in survey.table().rows] == ["a", "b"]


def test_the_figures_show_the_measured_numbers():
    left, right = axes = Figure().subplots(1, 2)
    sizes = logit_sizes(SCALES)
    draw_logit_sizes(sizes, axes)
    assert left.lines[0].get_ydata() == pytest.approx(sizes.largest["plain"])
    assert right.lines[1].get_ydata() == pytest.approx(sizes.entropy["QK-norm"])
    ax = Figure().subplots()
    growths = [
        stream_growth(name, layers=3, d_model=16, seed=0)
        for name in ("peri-norm", "pre-norm", "layernorm-scaling")
    ]
    draw_streams(*growths, divided_growth(growths[1]), ax)
    assert ax.lines[0].get_ydata() == pytest.approx(growths[0].mean_square)
    assert ax.lines[3].get_ydata() == pytest.approx(growths[2].mean_square)
    ax = Figure().subplots()
    response = scale_response([1.0, 2.0], {"DyT": DyT(256)})
    draw_scale_response(response, ax)
    assert ax.lines[0].get_ydata() == pytest.approx(response.size["DyT"])
