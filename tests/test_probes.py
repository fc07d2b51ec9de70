"""The probes measure what they say, on models where it can be worked out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from normlab.models.placement.standard import PLACEMENTS
from normlab.models.transformer import Transformer, TransformerConfig
from normlab.probes import (
    at_depth,
    loglog_slope,
    model_update,
    perturb_weights,
    profile_depth,
    random_batch,
    sweep_depths,
    weight_gradients,
)
from normlab.probes.batch import sublayer_weights
from normlab.probes.depth import token_cosine

SMALL = TransformerConfig(encoder_layers=3, d_model=16, d_ff=32, heads=2)
BOTH = replace(SMALL, decoder_layers=2)


@pytest.mark.parametrize("power", [-1.0, 0.0, 0.5])
def test_the_slope_of_a_power_law_is_its_power(power):
    depths = np.array([1, 3, 7, 20])
    assert loglog_slope(depths, 5 * depths**power) == pytest.approx(power, abs=1e-12)


def test_the_slope_is_numpys_least_squares_on_logarithms():
    rng = np.random.default_rng(0)
    depths, values = np.arange(1, 9), rng.uniform(0.5, 2, 8)
    want = np.polyfit(np.log(depths), np.log(values), 1)[0]
    assert loglog_slope(depths, values) == pytest.approx(want)


@pytest.mark.parametrize(
    ("depths", "values", "message"),
    [
        ([1, 2], [1, 2, 3], r"shape \(2,\) and values \(3,\)"),
        ([1, 2], [1, 0], "needs finite numbers above 0"),
        ([1, 2], [1, np.inf], "needs finite numbers above 0"),
        ([4, 4], [1, 2], "at least two different ones"),
        ([10] * 6, range(1, 7), "at least two different ones"),  # the sum of squares is not 0
    ],
)
def test_a_slope_that_has_no_meaning_is_refused(depths, values, message):
    with pytest.raises(ValueError, match=message):
        loglog_slope(depths, values)


def test_a_sweep_takes_the_geometric_mean_over_seeds():
    sweep = sweep_depths({"m": lambda depth, seed: depth * [1, 100][seed]}, [2, 4], seeds=[0, 1])
    np.testing.assert_allclose(sweep.values["m"], [20, 40])
    assert sweep.table().cells() == [["m", "20", "40", "1"]]


def test_the_error_of_a_slope_is_that_of_the_mean_of_the_seeds_slopes():
    powers = (0.5, 1.0, 1.5)
    sweep = sweep_depths({"m": lambda depth, seed: depth ** powers[seed]}, [2, 4, 16], range(3))
    assert sweep.slope("m") == pytest.approx(1.0)
    assert sweep.slope_error("m") == pytest.approx(np.std(powers, ddof=1) / np.sqrt(3))
    low, high = sweep.band("m")
    spread = 0.5 * np.log([2, 4, 16])  # of the logarithms, over three seeds that far apart
    np.testing.assert_allclose([low, high], sweep.values["m"] * np.exp([-spread, spread]))


def test_one_seed_has_a_slope_and_no_error():
    sweep = sweep_depths({"m": lambda depth, seed: 1.0 / depth}, [2, 4], seeds=[0])
    assert sweep.table().cells() == [["m", "0.5", "0.25", "-1.00"]]
    np.testing.assert_array_equal(sweep.band("m"), [sweep.values["m"]] * 2)


@pytest.mark.parametrize("name", PLACEMENTS)
def test_watching_a_stack_does_not_change_its_gradients(name):
    config = replace(SMALL, placement=name)
    seen = profile_depth(config, seed=1)
    model = Transformer(config, seed=1)
    batch = random_batch(config, seed=1)
    x = model.embed(batch.tokens).detach().requires_grad_()
    logits = model.head(model.encoder(x))
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten()).backward()
    assert seen.gradient[0] == pytest.approx(x.grad.norm().item(), rel=1e-5)
    assert seen.mean_square[0] == pytest.approx(x.square().mean().item(), rel=1e-5)


@pytest.mark.parametrize("name", PLACEMENTS)
def test_there_is_a_place_for_the_input_and_after_every_layer(name):
    profile = profile_depth(replace(SMALL, placement=name), seed=0)
    by_block = name in ("b2t", "parallel")
    want = [0, 1, 2, 3] if by_block else [0, 0.5, 1, 1.5, 2, 2.5, 3]
    assert profile.layers.tolist() == want
    assert len(profile.branch_ratio) == (0 if by_block else 6)
    assert len(profile.table().rows) == len(want)
    with pytest.raises(ValueError, match=r"after layer 0\.3"):
        profile.after(0.3)


def test_a_decoder_with_cross_attention_has_three_places_a_layer():
    profile = profile_depth(BOTH, seed=0)
    assert profile.stack == "decoder"
    np.testing.assert_allclose(profile.layers, np.arange(7) / 3)
    assert profile_depth(BOTH, seed=0, stack="encoder").layers[-1] == 3


def test_the_signal_is_that_of_the_stream_layer_by_layer():
    config = replace(SMALL, placement="peri-norm")
    profile, model = profile_depth(config, seed=2), Transformer(config, seed=2)
    x = model.embed(random_batch(config, seed=2).tokens)
    for layer, block in enumerate(model.encoder.blocks, start=1):
        x = block(x)
        want = x.square().mean().item()
        assert profile.mean_square[profile.after(layer)] == pytest.approx(want, rel=1e-5)


def test_branch_and_shortcut_are_found_before_a_norm_that_ends_the_step():
    config = replace(SMALL, placement="deepnorm")
    profile, model = profile_depth(config, seed=0), Transformer(config, seed=0)
    x = model.embed(random_batch(config, seed=0).tokens)
    block = model.encoder.blocks[0]
    branch, shortcut = block.attention(x), block.placement.alpha * x
    assert profile.branch_ratio[0] == pytest.approx((branch.norm() / shortcut.norm()).item(), 1e-5)
    want = (shortcut + branch).square().mean().item()
    assert profile.sum_mean_square[0] == pytest.approx(want, 1e-5)


def test_the_branch_of_peri_norm_is_what_its_second_norm_lets_through():
    profile = profile_depth(replace(SMALL, placement="peri-norm"), seed=0)
    assert profile.branch_ratio[0] == pytest.approx(profile.mean_square[0] ** -0.5, rel=1e-3)


def test_the_branch_of_rezero_is_zero():
    assert not profile_depth(replace(SMALL, placement="rezero"), seed=0).branch_ratio.any()


def test_the_cosine_of_equal_tokens_is_one_and_of_random_ones_near_zero():
    rng = torch.Generator().manual_seed(0)
    assert token_cosine(torch.ones(2, 5, 8)) == pytest.approx(1)
    assert abs(token_cosine(torch.randn(2, 50, 400, generator=rng))) < 0.01


def test_a_single_token_has_no_cosine():
    assert np.isnan(profile_depth(SMALL, seed=0, tokens=1).token_cosine).all()


def test_weight_gradients_are_those_of_autograd():
    found, model = weight_gradients(SMALL, seed=3), Transformer(SMALL, seed=3)
    random_batch(SMALL, seed=3).loss(model).backward()
    last = model.encoder.blocks[-1]
    assert found.last == pytest.approx(last.feed_forward.outer.weight.grad.norm().item())
    assert found.norms["W_v"][-1] == pytest.approx(last.attention.value.weight.grad.norm().item())
    both = [
        torch.cat([w.weight.grad.flatten() for w in (b.feed_forward.inner, b.feed_forward.outer)])
        for b in model.encoder.blocks
    ]
    assert found.feed_forward == pytest.approx([g.norm().item() for g in both])
    assert found.last_to_first == pytest.approx(found.feed_forward[2] / found.feed_forward[0])
    assert len(found.table().rows) == 3


def test_a_stack_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="stack is 'decoder', but the model has none"):
        weight_gradients(SMALL, seed=0, stack="decoder")


def test_only_matrices_of_sub_layers_are_moved():
    names = sublayer_weights(Transformer(replace(BOTH, qk_norm=True), seed=0))
    assert len(names) == 3 * 6 + 2 * 10
    assert all(name.split(".")[1] == "blocks" for name in names)


@pytest.mark.parametrize("rule", ["sgd", "sign"])
def test_the_update_is_that_of_a_torch_optimizer(rule):
    model, batch = Transformer(SMALL, seed=0), random_batch(SMALL, seed=0)
    weights = sublayer_weights(model).values()
    sgd, adam = torch.optim.SGD(weights, lr=0.01), torch.optim.Adam(weights, lr=0.01, eps=1e-20)
    batch.loss(model).backward()
    with torch.no_grad():
        before = model.encoder(model.embed(batch.tokens))
        (sgd if rule == "sgd" else adam).step()
        after = model.encoder(model.embed(batch.tokens))
    found = model_update(SMALL, 0, rule, 0.01)
    want = ((after - before).norm() / before.norm()).item()
    assert found.change.relative == pytest.approx(want, rel=1e-3)
    assert found.change.absolute == pytest.approx((after - before).norm().item() / 8, rel=1e-3)


def test_a_small_step_moves_the_output_in_proportion():
    changes = [model_update(SMALL, 0, "sgd", rate).change.relative for rate in (1e-3, 2e-3)]
    assert changes[1] / changes[0] == pytest.approx(2, rel=0.05)


@pytest.mark.parametrize(("rule", "rate"), [("adam", 0.1), ("sgd", 0.0)])
def test_a_step_that_is_none_is_refused(rule, rate):
    with pytest.raises(ValueError, match="expected 'sgd' or 'sign', and a rate above 0"):
        model_update(SMALL, 0, rule, rate)


def test_a_perturbation_of_all_weights_moves_the_output_by_about_its_size():
    change = perturb_weights(SMALL, seed=0, size=0.01)
    assert 0.003 < change.relative < 0.05
    assert perturb_weights(SMALL, seed=0, size=0.01) == change


def test_a_perturbation_is_noise_of_each_matrix_root_mean_square():
    rng = torch.Generator().manual_seed(0)
    model, batch = Transformer(SMALL, seed=0).double(), random_batch(SMALL, seed=0)
    with torch.no_grad():
        before = model.encoder(model.embed(batch.tokens))
        for weight in sublayer_weights(model).values():
            rms = weight.norm() / weight.numel() ** 0.5
            weight += 0.01 * rms * torch.randn(weight.shape, generator=rng)
        after = model.encoder(model.embed(batch.tokens))
    want = ((after - before).norm() / before.norm()).item()
    assert perturb_weights(SMALL, seed=0, size=0.01).relative == pytest.approx(want, rel=1e-4)


def test_every_probe_runs_on_a_model_of_two_stacks():
    assert profile_depth(BOTH, 0, "encoder").gradient.all()
    assert weight_gradients(BOTH, 0, "encoder").last > 0
    assert model_update(BOTH, 0).change.relative > 0
    assert perturb_weights(BOTH, 0).relative > 0
    deeper = at_depth(BOTH, 5)
    assert (deeper.encoder_layers, deeper.decoder_layers) == (5, 5)
