"""Chapter 06: signal and gradient by depth beside theory, and the explorer of them."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from normlab.chapters.gradient_flow.explorers import DEPTHS, explore_gradient_flow
from normlab.chapters.gradient_flow.figures import describe_flow, draw_flow
from normlab.chapters.gradient_flow.flows import StackFlows
from normlab.models.stack import STACK_PLACEMENTS, StackSetting, stack_profile, stack_profiles
from normlab.models.stack import tape as stack_tape
from normlab.models.transformer import TransformerConfig
from normlab.pictures import Explorer
from normlab.pictures.style import PLACEMENT_COLORS, PLACEMENT_MARKERS
from normlab.probes import DepthSweep, loglog_slope, profile_depth, weight_gradients
from normlab.probes.figures import draw_decoder, draw_sweep, draw_token_cosine
from normlab.probes.theory import flow_theory

# Xiong et al. 2020, §3.3: N(0, 1/d) and uniform attention, which is what the theory is about.
XIONG = StackSetting(init="xiong", d_model=128, d_ff=128, heads=1, tokens=16, batch=2)
ONE = replace(XIONG, tokens=1, batch=16)
SMALL = StackSetting(init="xiong", d_model=16, d_ff=16, heads=1, tokens=4, batch=1)
PAIR = [replace(SMALL, placement=placement) for placement in ("post-norm", "pre-norm")]


def mean_gradient(setting, sub_layers, seeds):
    """log₁₀ of the root of the mean square over seeds: theory speaks of the mean over weights."""
    logs = [stack_profile(replace(setting, seed=s), sub_layers).log10_gradient for s in seeds]
    return 0.5 * np.log10(np.mean(10 ** (2 * np.array(logs)), axis=0))  # (S, L + 1) -> (L + 1,)


# Theory alone


def test_the_theory_of_pre_norm_is_lemma_2s_band():
    layers = np.arange(13)
    many = flow_theory(replace(XIONG, placement="pre-norm", tokens=10**6), 24)
    np.testing.assert_allclose(many.unlike.mean_square[::2], 1 + layers / 2, rtol=1e-4)
    np.testing.assert_allclose(many.alike.mean_square[::2], 1 + 3 * layers / 2)
    assert many.table().columns[0] == "s"


def test_the_theory_of_one_token_is_a_line():
    for placement in STACK_PLACEMENTS:
        theory = flow_theory(replace(ONE, placement=placement), 9)
        np.testing.assert_allclose(theory.unlike.mean_square, theory.alike.mean_square)
        np.testing.assert_allclose(theory.unlike.log10_gradient, theory.alike.log10_gradient)


@pytest.mark.parametrize("placement", STACK_PLACEMENTS)
def test_in_theory_gradient_times_root_of_the_stream_is_the_same_everywhere(placement):
    flow = flow_theory(replace(ONE, placement=placement), 40).alike
    product = flow.log10_gradient + 0.5 * np.log10(flow.mean_square)
    np.testing.assert_allclose(product, product[-1], atol=1e-9)


def test_doubling_the_weights_makes_a_branch_16_times_as_large():
    once, twice = (
        flow_theory(replace(XIONG, placement="pre-norm", init_scale=scale), 10).alike.mean_square
        for scale in (1.0, 2.0)
    )
    np.testing.assert_allclose(twice - 1, 16 * (once - 1))


# Theory against measurement


@pytest.mark.parametrize("placement", STACK_PLACEMENTS)
def test_with_one_token_the_gradient_is_theorys(placement):
    # d = 128: a layer's gains scatter by about 10 %, and post-norm multiplies 48 of them
    setting = replace(ONE, placement=placement)
    found = mean_gradient(setting, 48, seeds=range(6))
    tolerance = 0.2 if placement in ("post-norm", "none") else 0.06
    np.testing.assert_allclose(found, flow_theory(setting, 48).alike.log10_gradient, atol=tolerance)


@pytest.mark.parametrize("other", ["post-norm", "none"])
def test_the_theory_of_another_placement_is_not_pre_norms(other):
    found = mean_gradient(replace(ONE, placement="pre-norm"), 48, seeds=[0])
    theory = flow_theory(replace(ONE, placement=other), 48).alike.log10_gradient
    assert abs(found - theory).max() > 0.3


@pytest.mark.parametrize("placement", STACK_PLACEMENTS)
def test_with_many_tokens_signal_and_gradient_are_in_theorys_band(placement):
    setting = replace(XIONG, placement=placement)
    profile, theory = stack_profile(setting, 24), flow_theory(setting, 24)
    signal = np.sort([theory.unlike.mean_square, theory.alike.mean_square], axis=0)
    assert (profile.mean_square[1:] > 0.85 * signal[0, 1:]).all()
    assert (profile.mean_square[1:] < 1.15 * signal[1, 1:]).all()
    gradient = np.sort([theory.unlike.log10_gradient, theory.alike.log10_gradient], axis=0)
    assert (profile.log10_gradient > gradient[0] - 0.15).all()
    assert (profile.log10_gradient < gradient[1] + 0.15).all()


def test_post_norm_drops_to_what_tokens_share_and_stays_there():
    gradient = 10 ** mean_gradient(replace(XIONG, placement="post-norm"), 48, seeds=range(4))
    assert gradient[-1] == pytest.approx(1, rel=0.05)
    np.testing.assert_allclose(gradient[4:30], 1 / 4, rtol=0.4)  # 1/√16


def test_in_post_norm_the_scatter_of_the_gradient_falls_like_one_over_the_root_of_the_width():
    spreads = []
    for width in (32, 128):
        setting = replace(ONE, placement="post-norm", d_model=width, d_ff=width, batch=4)
        profiles = [stack_profile(replace(setting, seed=s), 64) for s in range(10)]
        spreads.append(np.std([p.log10_gradient[0] for p in profiles]))
    # ten draws of a spread scatter by a quarter
    assert 1.2 < spreads[0] / spreads[1] < 3.4


# Xiong et al. 2020, Theorem 1, beside its exact form for this loss


@pytest.fixture(scope="module")
def last_gradients():
    layers = (64, 32, 16, 8, 4, 2)

    def measure(placement, setting):
        logs = [
            [p.log10_weight_gradient["W_2"][-1] for p in stack_profiles(s, [2 * n for n in layers])]
            for s in (replace(setting, placement=placement, seed=seed) for seed in range(3))
        ]
        return 10 ** np.mean(logs, axis=0)  # (S, N) -> (N,)

    found = {
        (placement, s.tokens): measure(placement, s)
        for placement in ("post-norm", "pre-norm")
        for s in (ONE, XIONG)
    }
    return np.array(layers), found


@pytest.mark.parametrize("tokens", [1, 16])
def test_the_last_gradient_of_post_norm_is_flat(tokens, last_gradients):
    layers, found = last_gradients
    np.testing.assert_allclose(found["post-norm", tokens], 8 / np.sqrt(1.5), rtol=0.15)
    assert loglog_slope(layers, found["post-norm", tokens]) == pytest.approx(0, abs=0.06)


def test_the_last_gradient_of_pre_norm_is_one_over_the_stream(last_gradients):
    layers, found = last_gradients
    theory = 8 / np.sqrt(1 + 3 * layers / 2)
    np.testing.assert_allclose(found["pre-norm", 1], theory, rtol=0.1)
    assert loglog_slope(layers, found["pre-norm", 1]) == pytest.approx(-0.47, abs=0.03)


def test_many_tokens_make_the_slope_steeper_as_the_stream_crosses_the_band(last_gradients):
    layers, found = last_gradients
    np.testing.assert_allclose(found["pre-norm", 16][-1], 8 / np.sqrt(1 + 2 / 2), rtol=0.1)
    np.testing.assert_allclose(found["pre-norm", 16][0], 8 / np.sqrt(1 + 3 * 64 / 2), rtol=0.15)
    assert -0.65 < loglog_slope(layers, found["pre-norm", 16]) < -0.5


# Encoder and decoder


def test_cross_attention_is_where_the_decoder_of_post_norm_loses_its_gradient():
    config = TransformerConfig(encoder_layers=12, decoder_layers=12, placement="post-norm")
    decoder = profile_depth(config, seed=0)
    norm = -0.5 * np.log(decoder.sum_mean_square).reshape(12, 3).mean(0)  # (36,) -> (3,)
    whole = -np.diff(np.log(decoder.gradient)).reshape(12, 3).mean(0)
    np.testing.assert_allclose(-whole[1], norm[1] * -1, rtol=0.1)
    np.testing.assert_allclose(whole[[0, 2]], 0, atol=0.08)


@pytest.mark.parametrize(
    ("placement", "low", "high"), [("post-norm", 32, 128), ("deepnorm", 0.9, 1.1)]
)
def test_twelve_layers_of_cross_attention_divide_by_the_root_of_two_each(placement, low, high):
    config = TransformerConfig(encoder_layers=12, decoder_layers=12, placement=placement)
    ratios = [weight_gradients(config, seed).last_to_first for seed in range(2)]
    assert low < np.exp(np.mean(np.log(ratios))) < high


def test_the_gradient_of_the_queries_vanishes_where_tokens_are_alike():
    setting = StackSetting("post-norm", tokens=16)
    logs = stack_profile(setting, 48).log10_weight_gradient
    assert logs["W_q"][0] - logs["W_q"][12] > 1.5
    assert abs(logs["W_v"][0] - logs["W_v"][12]) < 0.6


def test_without_norms_the_gradient_keeps_its_size_up_to_the_overflow():
    narrow = StackSetting("none", init="xiong", tokens=4, batch=1)
    last = stack_profile(narrow, 400).overflow - 1
    found, want = (
        stack_profile(replace(narrow, dtype=dtype), last).log10_gradient
        for dtype in ("float32", "float64")
    )
    np.testing.assert_allclose(found, want, atol=0.01)


# The data of the explorer


def test_flows_compute_each_depth_once_and_in_any_order():
    flows = StackFlows(PAIR)
    for depth in (6, 2, 9):
        for setting in PAIR:
            found = flows.at(depth)[setting.placement].profile
            alone = stack_profile(setting, depth)
            np.testing.assert_allclose(found.log10_gradient, alone.log10_gradient, atol=1e-5)
        assert flows.at(depth) is flows.at(depth)


def test_flows_that_are_released_hand_on_their_memory_and_go_on():
    flows = StackFlows(PAIR)
    flows.at(4)
    held = stack_tape._idle.copy()
    flows.release()
    assert list(stack_tape._idle.values()) != list(held.values())
    assert len(flows.at(6)["pre-norm"].profile.mean_square) == 7


def test_a_depth_that_is_none_is_refused_and_the_next_one_served():
    flows = StackFlows(PAIR)
    with pytest.raises(ValueError, match="sub_layers is 0; expected a whole number ≥ 1"):
        flows.at(0)
    assert flows.at(1)["pre-norm"].profile.sub_layers == 1


@pytest.fixture
def compute_and_settings(monkeypatch):
    monkeypatch.setattr(Explorer, "_fill", lambda *_: iter(()))  # no frames: they take seconds
    explorer = explore_gradient_flow()
    settings = {n: c.values[c.start] for n, c in explorer._settings.items()}
    return explorer._scene.compute, settings


def test_the_explorer_gives_back_the_memory_of_the_setting_before(
    monkeypatch, compute_and_settings
):
    compute, settings = compute_and_settings
    released = []
    release = StackFlows.release
    monkeypatch.setattr(StackFlows, "release", lambda f: (released.append(f), release(f)))
    before = compute(**settings)
    released.clear()
    now = compute(**settings | {"norm": "rms_norm"})
    assert released == [before, now]  # the second is the new one's own start


@pytest.mark.parametrize(
    ("chosen", "shown"),
    [
        ({}, ["post-norm", "pre-norm"]),
        ({"beside": "none shown"}, ["post-norm"]),
        ({"placement": "pre-norm"}, ["pre-norm"]),
        ({"placement": "none", "beside": "deepnorm"}, ["none", "deepnorm"]),
    ],
)
def test_the_explorer_shows_one_placement_or_two(chosen, shown, compute_and_settings):
    compute, settings = compute_and_settings
    for tokens in (1, 4, 16):
        flows = compute(**settings | chosen | {"tokens": tokens})
        assert [setting.placement for setting in flows.settings] == shown
        assert {setting.rows for setting in flows.settings} == {32}


# Pictures


def axes(columns):
    return Figure().subplots(1, columns)


def line(ax, label):
    return next(found for found in ax.lines if found.get_label() == label)


def texts(ax):
    return {text.get_text(): text for text in ax.texts}


def test_the_picture_has_the_measured_curves_and_theorys_of_both_placements():
    left, right = axes(2)
    flows = StackFlows(PAIR)
    draw_flow(flows, (left, right), depth=300)
    for setting in PAIR:
        profile, theory = flows.at(300)[setting.placement].profile, flow_theory(setting, 300)
        for ax, measured, alike, unlike in [
            (left, profile.mean_square, theory.alike.mean_square, theory.unlike.mean_square),
            (right, *(10**f.log10_gradient for f in (profile, theory.alike, theory.unlike))),
        ]:
            drawn = line(ax, setting.placement)
            x, y = drawn.get_data()
            assert (x[0], x[-1]) == (0, 300)
            assert len(x) <= 150
            np.testing.assert_allclose(y, measured[x])
            for end, want in (("alike", alike), ("unlike", unlike)):
                dashed = line(ax, f"{setting.placement}, theory, tokens {end}")
                np.testing.assert_allclose(dashed.get_ydata(), want[x])
                assert dashed.get_color() == drawn.get_color()
            assert drawn.get_color() == PLACEMENT_COLORS[setting.placement]
            assert drawn.get_marker() == PLACEMENT_MARKERS[setting.placement]
            name = texts(ax)[setting.placement]
            assert name.get_color() == PLACEMENT_COLORS[setting.placement]
            assert name.get_position()[0] > 300


def test_the_key_says_how_theorys_ends_are_drawn():
    left, _ = drawn = axes(2)
    draw_flow(StackFlows(PAIR), drawn, depth=10)
    key = {
        round(ln.get_ydata()[0], 6): ln.get_linestyle()
        for ln in left.lines
        if len(ln.get_xdata()) == 2
    }
    said = {
        text: key[round(t.get_position()[1], 6)]
        for text, t in texts(left).items()
        if "," in text or text == "measured"
    }
    ends = {end: line(left, f"pre-norm, theory, tokens {end}") for end in ("unlike", "alike")}
    assert said == {
        "measured": line(left, "pre-norm").get_linestyle(),
        "theory, tokens unlike": ends["unlike"].get_linestyle(),
        "theory, tokens alike": ends["alike"].get_linestyle(),
    }


def test_a_stack_that_overflows_says_so_and_the_one_beside_it_goes_on():
    left, right = axes(2)
    sizes = {"init": "xiong", "tokens": 4, "batch": 1}
    flows = StackFlows([StackSetting(name, **sizes) for name in ("none", "pre-norm")])
    draw_flow(flows, (left, right), depth=1000)
    shown = flows.at(1000)
    overflow = shown["none"].profile.overflow
    assert f"no norm: x_{overflow} overflows, no gradient" in texts(right)
    assert "no norm" in texts(left)
    assert "no norm" not in texts(right)
    sentence, _ = describe_flow(flows, depth=1000)
    assert f"x_{overflow} is not finite in float32, so there is no gradient" in sentence
    profiles = [shown["pre-norm"].profile, *(flow.profile for flow in flows.at(96).values())]
    for profile in profiles:  # one pair of limits for all
        for ax, curve in [(left, profile.mean_square), (right, 10**profile.log10_gradient)]:
            low, high = ax.get_ylim()
            assert low < curve.min() <= curve.max() < high


def test_the_sentence_has_the_measured_numbers_and_theorys_of_both_placements():
    flows = StackFlows([replace(ONE, placement=p) for p in ("pre-norm", "deepnorm")])
    sentence, table = describe_flow(flows, depth=12)
    profile = flows.at(12)["pre-norm"].profile
    start = "S = 12 sub-layers (6 layers). Pre-norm: the mean square of the stream goes from "
    assert sentence.startswith(start)
    assert f"to {profile.mean_square[-1]:.2g}, in theory 10;" in sentence
    assert (
        f"{10 ** profile.log10_gradient[0]:.2g} at the input, in theory 1. DeepNorm: " in sentence
    )
    assert len(table.rows) == 9
    assert table.columns == (
        "s", "enters", "‖x_s‖²/D, pre-norm", "‖x_s‖²/D, DeepNorm",
        "‖∂ℒ/∂x_s‖, pre-norm", "‖∂ℒ/∂x_s‖, DeepNorm",
    )  # fmt: skip
    assert [row[1] for row in table.rows][:2] == ["attention of layer 1", "attention of layer 2"]
    assert table.rows[-1][:2] == [12, "the output"]
    assert table.rows[0][2] == f"{profile.mean_square[0]:.3g}"
    alone, table = describe_flow(StackFlows([replace(ONE, placement="pre-norm")]), depth=1)
    assert alone.startswith("S = 1 sub-layer (½ layer). Pre-norm: ")
    assert table.columns == ("s", "enters", "‖x_s‖²/D", "‖∂ℒ/∂x_s‖")


def test_the_static_pictures_show_what_was_measured():
    ax = axes(1)
    seeds = np.array([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]])
    draw_sweep(DepthSweep((2, 4, 8), {"a": seeds}), ax, {"a": 2 / np.array([2, 4, 8])}, "y")
    np.testing.assert_array_equal(line(ax, "a, slope 1").get_ydata(), [1, 2, 4])
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), [1, 0.5, 0.25])
    profile = profile_depth(TransformerConfig(encoder_layers=2, d_model=16, d_ff=16), seed=0)
    decoder, cosine = axes(2)
    draw_decoder({"encoder": profile}, decoder)
    assert line(decoder, "encoder").get_ydata()[-1] == 1
    draw_token_cosine({"pre-norm": profile}, cosine)
    np.testing.assert_array_equal(line(cosine, "pre-norm").get_ydata(), profile.token_cosine)


def test_the_explorer_has_the_depths_from_1_to_1000_in_sub_layers_and_in_layers():
    explorer = explore_gradient_flow()
    assert {1, 12, 96, 1000} <= set(DEPTHS)
    assert len(explorer.frames) == len(DEPTHS) <= 30
    assert explorer.controls[0]["values"][-1] == "1,000 (500 layers)"
    sentence = explorer.sentence()
    assert sentence.startswith("S = 96 sub-layers (48 layers). Post-norm: ")
    assert " Pre-norm: " in sentence
    assert sum(map(len, explorer.lines)) < 300_000
    assert "no gradient" not in explorer.frames[-1]["sentence"]
