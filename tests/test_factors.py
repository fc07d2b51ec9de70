"""Norm alone, branch alone, norm and branch: each held to another way of measuring it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from normlab.models.transformer import Transformer, TransformerConfig
from normlab.pictures import new_figure
from normlab.probes import (
    draw_factors,
    geometric_mean,
    profile_depth,
    random_batch,
    sublayer_factors,
)

CONFIG = TransformerConfig(encoder_layers=3, placement="post-norm", d_model=32, d_ff=64)


def measured(config=CONFIG, **changes):
    config = replace(config, **changes)
    model = Transformer(config, 0)
    return sublayer_factors(model, random_batch(config, 0).loss, seed=1)


@pytest.mark.parametrize("placement", ["post-norm", "pre-norm", "deepnorm"])
def test_the_gradient_is_that_of_the_depth_profile(placement):
    config = replace(CONFIG, placement=placement)
    gradient = profile_depth(config, seed=0).gradient
    np.testing.assert_allclose(
        measured(config).gradient.together, gradient[:-1] / gradient[1:], rtol=1e-4
    )


def test_the_norm_divides_the_signal_by_its_size():
    sums = profile_depth(CONFIG, seed=0).sum_mean_square
    np.testing.assert_allclose(measured().signal.norm, sums**-0.5, rtol=1e-2)


def test_a_change_is_multiplied_as_by_the_jacobian():
    model = Transformer(CONFIG, 0).double()
    x = model.embed(random_batch(CONFIG, 0).tokens).detach()
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    _, moved = torch.autograd.functional.jvp(model.encoder, x, noise)
    whole = np.prod(measured().change.together)
    assert whole == pytest.approx(float(moved.norm() / noise.norm()), rel=1e-4)


def test_wide_branches_and_shortcuts_are_at_right_angles():
    wide = measured(init="xiong", d_model=256, d_ff=256)
    for factors in (wide.change, wide.gradient):
        expected = factors.norm * np.sqrt(1 + factors.branch**2)
        assert geometric_mean(factors.together / expected) == pytest.approx(1, abs=0.05)


def test_what_deepnorms_norm_takes_is_what_its_alpha_gives():
    deep = measured(encoder_layers=24, placement="deepnorm")
    alpha = (2 * 24) ** 0.25
    assert geometric_mean(deep.gradient.norm) == pytest.approx(1 / alpha, rel=0.02)
    assert geometric_mean(deep.gradient.together) == pytest.approx(1, rel=0.02)


def test_a_decoder_of_two_has_three_kinds():
    both = measured(decoder_layers=2)
    assert both.kinds == ("attention", "cross-attention", "FFN") * 2
    assert [row[:2] for row in both.table().rows[:4]] == [
        ["signal", kind] for kind in ("attention", "cross-attention", "FFN", "all")
    ]
    cross = both.gradient.together[1::3]
    assert (cross < both.gradient.together[0::3]).all()  # its branch returns next to nothing


def test_the_model_stays_as_it_is():
    model = Transformer(CONFIG, 0)
    batch = random_batch(CONFIG, 0)
    before = batch.loss(model)
    sublayer_factors(model, batch.loss, seed=0)
    assert torch.equal(batch.loss(model), before)
    assert all(weight.grad is None for weight in model.parameters())


def test_a_block_that_is_wired_as_a_whole_is_refused():
    with pytest.raises(ValueError, match="'parallel' wires a block as a whole"):
        measured(placement="parallel")


def test_the_picture_has_each_sub_layer_and_their_mean():
    data = {"one": measured(), "two": measured(placement="deepnorm")}
    figure, axes = new_figure(2, sharey=True)
    draw_factors(data, axes)
    lines = axes[0].get_lines()
    np.testing.assert_array_equal(lines[0].get_xdata(), data["one"].signal.norm)
    assert lines[1].get_xdata() == pytest.approx([geometric_mean(data["one"].signal.norm)])
    smallest = data["two"].gradient.branch.min()
    assert all(ax.get_xlim()[0] < smallest for ax in axes)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "norm alone",
        "branch alone",
        "norm and branch",
    ]
