"""The NumPy stack is the transformer that torch differentiates, and obeys the laws of depth."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from normlab.models.placement.deepnorm_constants import deepnorm_constants
from normlab.models.stack import (
    INITS,
    STACK_NORMS,
    STACK_PLACEMENTS,
    StackSetting,
    layer_weights,
    power_of_ten,
    profiles_side_by_side,
    stack_gradients,
    stack_input,
    stack_profile,
    stack_profiles,
    tape,
    upstream_gradient,
)
from normlab.models.stack.attention import softmax
from normlab.models.stack.run import stack_arithmetic

SMALL = StackSetting(d_model=64, heads=4, d_ff=128, tokens=5, batch=2, dtype="float64")


def torch_stack(setting, sub_layers):
    """Streams, their gradients and weight gradients by autograd; the formulas written out."""
    s = setting
    whole_layers = math.ceil(sub_layers / 2)
    alpha = (2 * whole_layers) ** 0.25 if s.placement == "deepnorm" else 1

    def norm(x):
        norms = {"layer_norm": F.layer_norm, "rms_norm": F.rms_norm}
        return norms[s.norm](x, [s.d_model], eps=s.eps)

    def attention(x, w):
        heads = [
            (x @ w[name]).view(s.batch, s.tokens, s.heads, -1).transpose(1, 2)
            for name in ("W_q", "W_k", "W_v")
        ]
        q, k, v = heads
        p = torch.softmax(q @ k.mT / s.d_head**0.5, -1)
        return (p @ v).transpose(1, 2).reshape(s.batch, s.tokens, s.d_model) @ w["W_o"]

    def feed_forward(x, w):
        return torch.relu(x @ w["W_1"]) @ w["W_2"]

    def step(x, f):
        return {
            "post-norm": lambda: norm(x + f(x)),
            "deepnorm": lambda: norm(alpha * x + f(x)),
            "pre-norm": lambda: x + f(norm(x)),
            "peri-norm": lambda: x + norm(f(norm(x))),
            "none": lambda: x + f(x),
        }[s.placement]()

    shape = (s.batch, s.tokens, s.d_model)
    x = torch.tensor(stack_input(s)).view(shape).requires_grad_()
    streams, weights = [x], []
    for depth in range(sub_layers):
        all_of_layer = layer_weights(s, sub_layers, depth // 2)
        names = ("W_1", "W_2") if depth % 2 else ("W_q", "W_k", "W_v", "W_o")
        w = {name: torch.tensor(all_of_layer[name], requires_grad=True) for name in names}
        f = feed_forward if depth % 2 else attention
        x = step(x, lambda x, f=f, w=w: f(x, w))
        x.retain_grad()
        streams.append(x)
        weights.append(w)
    y = norm(x) if s.placement in ("pre-norm", "peri-norm") else x
    (y * torch.tensor(upstream_gradient(s)).view(shape)).sum().backward()
    return streams, weights


def relative_error(got, want):
    want = want.detach().numpy().reshape(got.shape)
    size = np.linalg.norm(want)
    return np.linalg.norm(got - want) / size if size else np.linalg.norm(got)


def assert_equal_to_torch(setting, sub_layers, tolerance=1e-9):
    streams, weights = torch_stack(setting, sub_layers)
    gradients = stack_gradients(setting, sub_layers)
    profile = stack_profile(setting, sub_layers)
    for depth, x in enumerate(streams):
        assert relative_error(gradients.streams[depth], x) < tolerance
        assert relative_error(gradients.d_streams[depth], x.grad) < tolerance
        mean_square = x.detach().square().sum(-1).mean().item() / setting.d_model
        assert profile.mean_square[depth] == pytest.approx(mean_square, rel=tolerance)
        assert_log10(profile.log10_gradient[depth], x.grad, tolerance)
    for depth, w in enumerate(weights):
        assert w.keys() == gradients.d_weights[depth].keys()
        for name, weight in w.items():
            assert relative_error(gradients.d_weights[depth][name], weight.grad) < tolerance
            assert_log10(profile.log10_weight_gradient[name][depth // 2], weight.grad, tolerance)


def assert_log10(log10, gradient, tolerance):
    norm = gradient.norm().item()
    if norm == 0:
        assert log10 == -np.inf
    else:
        assert log10 == pytest.approx(np.log10(norm), abs=tolerance)


@pytest.mark.parametrize(
    ("placement", "norm", "init"), list(itertools.product(STACK_PLACEMENTS, STACK_NORMS, INITS))
)
def test_streams_and_all_gradients_are_those_of_torch_autograd(placement, norm, init):
    setting = replace(SMALL, placement=placement, norm=norm, init=init)
    assert_equal_to_torch(setting, sub_layers=7)


@pytest.mark.parametrize(
    "sizes",
    [
        {"d_model": 12, "heads": 3, "d_ff": 20, "tokens": 1, "batch": 1},
        {"d_model": 10, "heads": 1, "d_ff": 64, "tokens": 3, "batch": 1},
        {"d_model": 128, "heads": 2, "d_ff": 64, "tokens": 2, "batch": 3},
        {"init_scale": 0.0},
        {"init_scale": 20.0},  # scores so far apart that each row of the softmax needs a shift
    ],
    ids=str,
)
@pytest.mark.parametrize("placement", ["deepnorm", "none"])
def test_other_sizes_and_scales_are_those_of_torch_too(placement, sizes):
    assert_equal_to_torch(replace(SMALL, placement=placement, **sizes), sub_layers=4)


def test_the_softmax_is_right_for_scores_near_and_far():
    for spread in (1.0, 1e3):
        scores = spread * np.random.default_rng(0).standard_normal((2, 4, 6))
        probabilities = np.empty_like(scores)
        want = torch.softmax(torch.tensor(scores), 1).numpy()
        with stack_arithmetic():
            softmax(scores, np.ones(4), out=probabilities)
        np.testing.assert_allclose(probabilities, want, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("placement", ["post-norm", "pre-norm", "deepnorm", "peri-norm"])
def test_float32_gives_the_curves_of_float64(placement):
    setting = StackSetting(placement, tokens=8, batch=2)
    narrow, wide = (stack_profile(replace(setting, dtype=d), 120) for d in ("float32", "float64"))
    np.testing.assert_allclose(narrow.mean_square, wide.mean_square, rtol=1e-3)
    np.testing.assert_allclose(narrow.log10_gradient, wide.log10_gradient, atol=1e-3)
    for name in ("W_v", "W_o", "W_1", "W_2"):
        got, want = (p.log10_weight_gradient[name] for p in (narrow, wide))
        np.testing.assert_allclose(got, want, atol=2e-3)


def test_gradients_far_below_any_float_keep_their_size():
    """Without branches each RMSNorm divides by √(mean(x²) + ε), 100 once x is small."""
    setting = StackSetting("post-norm", "rms_norm", init_scale=0, eps=1e4, tokens=4, batch=1)
    profile = stack_profile(setting, 300)
    want = profile.log10_gradient[-1] - 2.0 * np.arange(300, -1, -1)
    np.testing.assert_allclose(profile.log10_gradient, want, atol=1e-3)
    assert power_of_ten(profile.log10_gradient[0]).endswith(("e-600", "e-601"))


def test_a_thousand_sub_layers_of_float32_keep_every_gradient():
    setting = StackSetting("post-norm", init_scale=2, tokens=4, batch=1)
    profile = stack_profile(setting, 1000)
    assert profile.overflow is None
    assert np.isfinite(profile.log10_gradient).all()
    assert all(np.isfinite(profile.log10_weight_gradient[n]).all() for n in ("W_v", "W_1"))


def test_a_stack_without_norms_says_where_it_overflows_and_warns_nothing():
    setting = StackSetting("none", tokens=4, batch=1)
    profile = stack_profile(setting, 400)
    end = profile.overflow
    assert 100 < end < 400
    assert np.isfinite(profile.mean_square[:end]).all()
    assert np.isinf(profile.mean_square[end:]).all()
    assert np.isnan(profile.log10_gradient).all()
    before = stack_profile(setting, end - 1)
    assert before.overflow is None
    assert np.isfinite(before.log10_gradient).all()
    with pytest.raises(ValueError, match=f"expected fewer than {end} sub-layers"):
        stack_gradients(setting, 400)


@pytest.mark.parametrize("placement", STACK_PLACEMENTS)
def test_many_depths_of_one_run_are_the_runs_of_each_depth(placement):
    setting = replace(SMALL, placement=placement, tokens=3, dtype="float32")
    for profile in stack_profiles(setting, [6, 1, 9, 4]):
        stack_profile(replace(setting, seed=1), 9)  # while the run waits: it keeps its own tapes
        alone = stack_profile(setting, profile.sub_layers)
        np.testing.assert_array_equal(profile.mean_square, alone.mean_square)
        np.testing.assert_array_equal(profile.log10_gradient, alone.log10_gradient)
        assert len(profile.log10_gradient) == profile.sub_layers + 1


@pytest.mark.parametrize("init", ["xiong", "xavier"])
@pytest.mark.parametrize("norm", STACK_NORMS)
def test_stacks_side_by_side_are_each_the_stack_alone(norm, init):
    """All placements in one pass: DeepNorm's β is a factor of its branch there."""
    settings = [replace(SMALL, placement=p, norm=norm, init=init) for p in STACK_PLACEMENTS]
    for order in (settings, settings[::-1], [settings[2], settings[0]]):
        for profiles in profiles_side_by_side(order, [6, 1, 9, 4]):
            for setting, profile in zip(order, profiles, strict=True):
                alone = stack_profile(setting, profile.sub_layers)
                assert profile.setting == setting
                assert len(profile.log10_gradient) == profile.sub_layers + 1
                for name in ("mean_square", "sum_mean_square", "log10_gradient"):
                    got, want = getattr(profile, name), getattr(alone, name)
                    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9)
                assert profile.log10_weight_gradient == {}


def test_stacks_side_by_side_keep_exponents_of_their_own_in_float32():
    """Without norms it grows beyond what float32's squares hold; with DeepNorm it stays."""
    base = StackSetting("none", init="xiong", tokens=4, batch=1)
    last = stack_profile(base, 400).overflow - 1
    settings = [replace(base, placement=p) for p in ("none", "deepnorm", "post-norm")]
    for profile in next(profiles_side_by_side(settings, [last])):
        alone = stack_profile(profile.setting, last)
        np.testing.assert_allclose(profile.log10_gradient, alone.log10_gradient, atol=0.05)
    grown = [p.log10_gradient[0] for p in next(profiles_side_by_side(settings, [last]))]
    assert grown[0] > 20
    assert abs(grown[1]) < 1


@pytest.mark.parametrize("other", ["post-norm", "pre-norm", "peri-norm"])
def test_a_stack_that_overflows_disturbs_none_beside_it(other):
    base = StackSetting(tokens=4, batch=1)
    settings = [replace(base, placement=p) for p in ("none", other)]
    exploded, profile = next(profiles_side_by_side(settings, [400]))
    alone = stack_profile(settings[0], 400)
    assert abs(exploded.overflow - alone.overflow) <= 1
    assert np.isinf(exploded.mean_square[exploded.overflow :]).all()
    assert np.isfinite(exploded.mean_square[: exploded.overflow]).all()
    assert np.isnan(exploded.log10_gradient).all()
    want = stack_profile(settings[1], 400)
    assert profile.overflow is None
    np.testing.assert_allclose(profile.mean_square, want.mean_square, rtol=1e-2)
    np.testing.assert_allclose(profile.log10_gradient, want.log10_gradient, atol=1e-2)
    shallow, _ = next(profiles_side_by_side(settings, [40]))
    want = stack_profile(settings[0], 40).log10_gradient
    np.testing.assert_allclose(shallow.log10_gradient, want, atol=1e-3)


def test_settings_side_by_side_differ_in_their_placement_alone():
    with pytest.raises(ValueError, match="expected settings that differ in their placement alone"):
        profiles_side_by_side([SMALL, replace(SMALL, placement="none", seed=1)], [2])


def test_a_profile_without_gradients_of_weights_has_none_in_its_table():
    ((profile,),) = profiles_side_by_side([SMALL], [3])
    assert {row[-1] for row in profile.table().rows} == {""}


def test_the_memory_of_a_run_serves_one_of_other_sizes():
    setting = replace(SMALL, seed=3)
    tape._idle.clear()  # what runs of other tests have left, of other dtypes
    want = stack_profile(setting, 5).log10_gradient
    held = next(iter(tape._idle.values())).arena.blocks
    other = replace(setting, tokens=2, batch=1)
    stack_profile(other, 5)
    now = next(iter(tape._idle.values())).arena.blocks
    assert len(now) == 1
    assert any(now[0] is block for block in held)
    np.testing.assert_array_equal(stack_profile(setting, 5).log10_gradient, want)


def test_a_layer_has_the_same_weights_whatever_the_depth_except_for_deepnorms_beta():
    shallow, deep = (layer_weights(SMALL, sub_layers, layer=1) for sub_layers in (4, 400))
    for name, weight in shallow.items():
        np.testing.assert_array_equal(weight, deep[name])
    deepnorm = replace(SMALL, placement="deepnorm")
    for name, weight in layer_weights(deepnorm, 24, layer=1).items():
        ratio = weight / shallow[name]
        np.testing.assert_allclose(ratio, 1 if name in ("W_q", "W_k") else 0.3195, rtol=2e-4)


@pytest.mark.parametrize(("layers", "alpha", "beta"), [(12, 2.213, 0.3195), (96, 3.722, 0.190)])
def test_alpha_and_beta_are_deepnets(layers, alpha, beta):
    got = StackSetting("deepnorm").constants(2 * layers)
    assert got == pytest.approx((alpha, beta), abs=5e-4)
    assert got == pytest.approx(deepnorm_constants(layers, 0)["encoder"])


def test_xavier_and_gpt2_draw_with_their_standard_deviations():
    sizes = {"d_model": 128, "d_ff": 512}
    for init, name, std in [
        ("xavier", "W_q", 128**-0.5),
        ("xavier", "W_1", 320**-0.5),
        ("xiong", "W_2", 512**-0.5),
        ("gpt2", "W_v", 0.02),
    ]:
        weight = layer_weights(StackSetting(init=init, **sizes), 2, 0)[name]
        assert weight.std() == pytest.approx(std, rel=0.02)


@pytest.mark.parametrize(("init", "std"), [("xavier", 1), ("xiong", 1), ("gpt2", 0.02)])
def test_the_input_is_drawn_with_the_standard_deviation_of_its_init(init, std):
    assert stack_input(StackSetting(init=init)).std() == pytest.approx(std, rel=0.03)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"placement": "postnorm"}, "placement is 'postnorm'; expected one of post-norm, pre-norm"),
        ({"norm": "LayerNorm"}, "norm is 'LayerNorm'; expected one of layer_norm, rms_norm"),
        ({"init": "he"}, "init is 'he'; expected one of xavier, xiong, gpt2"),
        ({"dtype": "float16"}, "dtype is 'float16'; expected one of float32, float64"),
        ({"heads": 6}, "heads is 6, but d_model is 64; expected heads that divide d_model.* 2"),
        ({"tokens": 0}, "tokens is 0; expected a whole number ≥ 1"),
        ({"batch": 1.5}, "batch is 1.5; expected a whole number ≥ 1"),
        ({"init_scale": -1}, "init_scale is -1; expected a finite number ≥ 0"),
        ({"eps": 0}, "eps is 0; expected a number > 0"),
    ],
)
def test_a_setting_names_what_is_wrong_with_it(arguments, message):
    with pytest.raises(ValueError, match=message):
        StackSetting(**arguments)


def test_a_depth_is_a_whole_number():
    for run in (stack_profile, stack_gradients):
        with pytest.raises(ValueError, match="sub_layers is 0; expected a whole number ≥ 1"):
            run(StackSetting(), 0)


def test_the_table_shows_thirteen_depths_of_a_deep_stack():
    rows = stack_profile(SMALL, 100).table().cells()
    assert len(rows) == 13
    assert rows[0][:2] == ["0", "attention"]
    assert rows[-1][:2] == ["100", "output"]
    assert len(stack_gradients(SMALL, 3).table().rows) == 4 + 2 + 4


# Laws of Xiong et al. 2020 and of Peri-LN. Each is also shown to fail for other placements.

LAYERS = np.array([1, 6, 12, 24])
XIONG = StackSetting(init="xiong", d_model=256, d_ff=256, tokens=16, batch=2)


def mean_square_after(layers, placement, **changes):
    profile = stack_profile(replace(XIONG, placement=placement, **changes), 2 * max(layers))
    return profile.mean_square[2 * layers]


def in_xiongs_band(layers, mean_square):
    """(1 + l/2) ≤ ‖x_l‖²/d ≤ 1 + 3l/2 of Lemma 2, with 5 % for one draw of weights."""
    low, high = 1 + layers / 2, 1 + 3 * layers / 2
    return ((0.95 * low < mean_square) & (mean_square < 1.05 * high)).all()


def test_the_pre_norm_stream_grows_inside_xiongs_band_and_no_other_does():
    for placement in STACK_PLACEMENTS:
        inside = in_xiongs_band(LAYERS, mean_square_after(LAYERS, placement))
        assert inside == (placement == "pre-norm"), placement


def test_with_one_token_attention_adds_all_of_v_and_the_stream_grows_at_the_upper_bound():
    got = [mean_square_after(LAYERS, "pre-norm", tokens=1, batch=1, seed=s) for s in range(8)]
    np.testing.assert_allclose(np.mean(got, axis=0), 1 + 1.5 * LAYERS, rtol=0.05)


def test_peri_norm_adds_one_per_sub_layer():
    """‖x_l‖²/d = 1 + 2l if branches are uncorrelated with the stream; they are by 8 %."""
    for placement in STACK_PLACEMENTS:
        off = abs(mean_square_after(LAYERS, placement) / (1 + 2 * LAYERS) - 1).max()
        assert (off < 0.08) == (placement == "peri-norm"), placement


def test_the_feed_forward_norm_of_post_norm_reads_three_halves():
    """Lemma 2: the stream is 1 and ReLU halves: 1 + 1/2. One draw of weights scatters by 5 %."""

    def norm_inputs(placement):
        return stack_profile(replace(XIONG, placement=placement), 48).sum_mean_square[1::2]

    inputs = norm_inputs("post-norm")
    assert inputs.mean() == pytest.approx(1.5, abs=0.06)
    assert inputs.min() > 1.25
    assert inputs.max() < 1.75
    for placement in ("pre-norm", "deepnorm", "peri-norm", "none"):
        assert norm_inputs(placement).mean() > 2


def test_a_stack_without_norms_grows_by_a_factor_per_layer():
    growth = mean_square_after(LAYERS, "none")
    assert growth[-1] > 1e9
    steps = np.diff(np.log(growth)) / np.diff(LAYERS)
    assert steps.min() > np.log(1.5)


@pytest.fixture(scope="module")
def last_w_2_gradients():
    """‖∂L/∂W_2‖ of the last layer and rms of x_L, for L = 2 … 64 layers, the mean of 3 seeds."""
    depths = 2 * 2 ** np.arange(1, 7)
    base = StackSetting(init="xiong", d_model=128, d_ff=128, tokens=16, batch=1)
    gradients, streams = {}, {}
    for placement in ("post-norm", "pre-norm"):
        runs = [
            list(stack_profiles(replace(base, placement=placement, seed=seed), depths.tolist()))
            for seed in range(3)
        ]
        logs = [[p.log10_weight_gradient["W_2"][-1] for p in run] for run in runs]  # (3, 6)
        gradients[placement] = np.mean(logs, axis=0)
        rms = [[np.log10(p.mean_square[-1]) / 2 for p in run] for run in runs]  # (3, 6)
        streams[placement] = np.mean(rms, axis=0)
    return np.log10(depths), gradients, streams


def test_the_last_layers_gradient_is_flat_with_post_norm(last_w_2_gradients):
    """Theorem 1: O(d√ln d), without L. Three seeds scatter by about 0.05."""
    depths, gradients, _ = last_w_2_gradients
    assert abs(np.polyfit(depths, gradients["post-norm"], 1)[0]) < 0.12


def test_the_last_layers_gradient_falls_like_one_over_root_depth_with_pre_norm(last_w_2_gradients):
    """Theorem 1: O(d√(ln d/L)): the final norm divides by the rms of x_L, which is Θ(√L).

    The exponent is between −0.46 (the upper bound of Lemma 2 on L = 2 … 64) and −0.6 (a stream
    that goes from the lower bound to the upper one as its tokens become alike).
    """
    depths, gradients, streams = last_w_2_gradients
    slope = np.polyfit(depths, gradients["pre-norm"], 1)[0]
    assert -0.62 < slope < -0.42
    constant = gradients["pre-norm"] + streams["pre-norm"]
    np.testing.assert_allclose(constant - constant.mean(), 0, atol=0.06)  # within 15 %
