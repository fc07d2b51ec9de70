"""A block that is built after a model has that model's norms, where the model has them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from normlab.chapters.norms_in_the_wild.zoo import find_model, load_zoo
from normlab.chapters.norms_in_the_wild.zoo_blocks import ZooNorm, build_block
from normlab.inspection import read_norm, read_wiring
from normlab.models.placement.in_the_wild import (
    ZOO_PLACEMENTS,
    HyperSphere,
    ParallelTwoNorms,
    ShiftedPostNorm,
    unit,
)
from normlab.models.placement.since_2025 import NormedSphere
from normlab.models.transformer import Block, TransformerConfig
from normlab.norms import layer_norm

BUILDABLE = [model.name for model in load_zoo() if model.has_block]
ELSEWHERE = {
    "MiniMax-Text-01": 1,  # in linear attention
    "GLM-5": 1,  # in the indexer of sparse attention
    "Mistral Large 4": 2,
    "Dory": 2,  # in front of the last matrices
    "Muse Spark": 3,
}
"""Inner norms of a row that stand in what a block of the course does not have."""


def stream(tokens=5, features=32):
    rng = torch.Generator().manual_seed(0)
    return torch.randn(2, tokens, features, dtype=torch.float64, generator=rng)


@pytest.mark.parametrize("name", BUILDABLE)
def test_a_block_has_the_norms_of_its_row_and_runs(name):
    row = find_model(name)
    block = build_block(name).double()
    wiring = read_wiring(block, stream())
    assert len(wiring.norms) == row.norms
    inner = {part.split("#")[0] for part in wiring.inner}  # k and v share a latent: two calls
    assert len(inner) == row.inner - ELSEWHERE.get(name, 0)
    stated = 1e-5 if row.shown_eps == "not stated" else row.eps
    # beside a norm without a gain a learned factor is read as its gain
    own = [
        n
        for n, part in block.placement.named_modules(prefix="placement")
        if isinstance(part, ZooNorm)
    ]
    for part in own if row.affine == "none" else wiring.norms:
        reading = read_norm(block.get_submodule(part), 32)
        assert (reading.kind, reading.affine) == (row.norm, row.affine)
        assert reading.eps == pytest.approx(stated, rel=0.005)
    for part in inner:
        norm = block.get_submodule(part)
        if row.qk_norm != "no":
            assert norm.kind == row.qk_norm.split()[0]
            assert (norm.size == 8) == row.qk_norm.endswith("per head")


def test_the_same_seed_gives_the_same_block_and_another_one_another():
    first, again, other = (build_block("LLaMA", seed=seed).double() for seed in (0, 0, 1))
    x = stream()
    torch.testing.assert_close(first(x), again(x), rtol=0, atol=0)
    assert not torch.allclose(first(x), other(x))


def test_what_is_no_attention_and_ffn_on_one_stream_is_refused_with_what_it_has():
    with pytest.raises(
        ValueError, match=r"a layer of Mamba is not .*: n1 = norm\(x\); f1 = f\(n1\)"
    ):
        build_block("Mamba")
    with pytest.raises(ValueError, match=r"DeepSeek-V4 has not one residual stream \(4, mHC\)"):
        build_block("DeepSeek-V4")
    with pytest.raises(ValueError, match="no model is named 'Lama'"):
        build_block("Lama")


def test_a_gain_of_one_plus_w_computes_what_a_gain_does_and_decays_to_one():
    plain = ZooNorm(8, "RMSNorm", 1e-6, "weight").double()
    shifted = ZooNorm(8, "RMSNorm", 1e-6, "1 + weight").double()
    gains = torch.linspace(0.5, 2, 8, dtype=torch.float64)
    with torch.no_grad():
        plain.weight.copy_(gains)
        shifted.weight.copy_(gains - 1)
    x = stream(features=8)
    torch.testing.assert_close(shifted(x), plain(x), rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        shifted.weight.zero_()
    torch.testing.assert_close(shifted(x), nn.functional.rms_norm(x, (8,), eps=1e-6))


def site_of(layers=3):
    return TransformerConfig(encoder_layers=layers, d_model=8).site("encoder", 1)


def test_a_shifted_post_norm_between_norms_is_post_norm():
    # norm, [αn + f(n)], norm, … : after each next norm it is norm(αn + f(n))
    placement = ShiftedPostNorm(site_of())
    norm = nn.functional.layer_norm
    x, branches = torch.randn(4, 8), [torch.sin, torch.cos]
    shifted = norm(placement(x, branches), (8,))
    n = norm(x, (8,))
    for f in branches:
        n = norm(n + f(n), (8,))
    torch.testing.assert_close(shifted, n, rtol=1e-5, atol=1e-5)


def test_glms_loop_between_norms_is_deepnorms_to_rounding():
    start, alpha = np.random.default_rng(0).standard_normal((4, 16)), 24**0.5
    shifted, deepnorm = start, layer_norm(start)
    for f in (np.sin, np.cos, np.tanh):
        n = layer_norm(shifted)
        shifted = alpha * n + f(n)
        deepnorm = layer_norm(alpha * deepnorm + f(deepnorm))
    assert layer_norm(shifted) == pytest.approx(deepnorm, abs=1e-12)


@pytest.mark.parametrize(("name", "power"), [("GLM-130B", 0.5), ("MiniMax-Text-01", 0.25)])
def test_the_shortcut_of_a_shifted_model_has_its_factor(name, power):
    block = build_block(name, layers=70).double()
    equations = read_wiring(block, stream()).equations
    alpha = f"{(2 * 70) ** power:.3f}"
    assert equations[2] == f"n2 = norm({alpha} n1 + f1)"
    assert equations[4] == f"y = {alpha} n2 + f2"


def test_two_norms_of_a_parallel_block_serve_one_branch_each():
    placement = ParallelTwoNorms(site_of())
    with torch.no_grad():
        placement.site_parts[1].weight.mul_(2)
    x = torch.randn(4, 8)
    normed = nn.functional.layer_norm(x, (8,))
    y = placement(x, [torch.sin, torch.cos])
    expected = x + torch.sin(normed) + torch.cos(2 * normed)
    torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5)


def test_values_are_normed_per_head_and_without_a_gain_where_a_row_says_so():
    row = replace(find_model("Gemma 3"), v_norm=True, inner=3)
    value = build_block(row).attention.value
    heads = value(stream().float()).unflatten(-1, (4, 8))
    torch.testing.assert_close(heads.square().mean(-1), torch.ones(2, 5, 4), rtol=1e-4, atol=1e-4)
    assert value[1].norm.weight is None


def test_a_depth_scaled_stream_and_a_gated_one_stay_at_the_size_of_their_summands():
    rng = torch.Generator().manual_seed(0)
    for name in ("Beam", "Muse Spark"):
        x = torch.randn(4, 4096, generator=rng)
        for layer in range(1, 13):
            site = TransformerConfig(encoder_layers=12, d_model=4096).site("encoder", layer)
            placement = ZOO_PLACEMENTS[find_model(name).placement](site)
            unlike = [lambda n: torch.randn(n.shape, generator=rng)] * 2
            x = placement(x, unlike)
        assert x.square().mean().item() == pytest.approx(1, abs=0.05)


def test_a_depth_scaled_stream_is_that_of_peri_norm_over_the_root_of_its_summands():
    streams = []
    for name in ("peri-norm", "depth-scaled peri-norm"):
        config = TransformerConfig(encoder_layers=12, placement=ZOO_PLACEMENTS[name], d_model=32)
        x = stream()
        for layer in range(1, 13):
            block = Block(config, config.site("encoder", layer)).double()
            block.initialize(config, torch.Generator().manual_seed(layer))
            x = block(x)
        streams.append(x)
    peri, scaled = streams
    torch.testing.assert_close(scaled, peri / 25**0.5, rtol=1e-3, atol=1e-3)  # but for ε


def test_the_normed_sphere_takes_the_steps_of_the_hypersphere_at_another_size_and_cut():
    hyper, normed = HyperSphere(site_of()), NormedSphere(site_of())
    for parts in normed.site_parts:
        parts[0] = parts[1] = nn.RMSNorm(8, eps=1e-12, elementwise_affine=False)
    x, branches = torch.randn(4, 8), [torch.sin, torch.cos]
    scaled = [lambda n, f=f: f(n / 8**0.5) for f in branches]
    torch.testing.assert_close(hyper(x, branches), unit(normed(x, scaled)), rtol=1e-4, atol=1e-4)


def test_every_fourth_block_of_olmo_hybrid_is_reordered():
    first, fourth = (
        read_wiring(build_block("OLMo Hybrid", layer=n), stream().float()) for n in (1, 4)
    )
    assert (first.placement, fourth.placement) == ("pre-norm", "reordered-norm")


def test_on_the_sphere_every_step_ends_at_length_one_and_starts_small():
    placement = HyperSphere(site_of())
    x = 3 * torch.randn(4, 8)
    y = placement(x, [torch.sin, torch.cos])
    torch.testing.assert_close(y.norm(dim=-1), torch.ones(4))
    assert (y - unit(x)).norm(dim=-1).max() < 0.25  # two steps of 0.05, each at most 0.05·2
