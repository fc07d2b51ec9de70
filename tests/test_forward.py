"""The traced forward pass is layer norm, and its pictures and sentences show it."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from normlab.chapters.layer_norm.trace import trace_layer_norm
from normlab.chapters.start_here.explorers import explore_moved_token
from normlab.chapters.start_here.figures import draw_moved_token
from normlab.chapters.start_here.moved_token import moved_token
from normlab.norms import layer_norm


def test_the_trace_ends_where_layer_norm_and_torch_do():
    rng = np.random.default_rng(0)
    x, gamma, beta = rng.standard_normal((3, 16))
    output = trace_layer_norm(x, gamma, beta).output
    np.testing.assert_allclose(output, layer_norm(x, gamma, beta), atol=1e-12)
    tensor, weight, bias = (torch.tensor(a) for a in (x, gamma, beta))
    want = torch.nn.functional.layer_norm(tensor, [16], weight, bias)
    np.testing.assert_allclose(output, want.numpy(), atol=1e-12)


def test_the_steps_are_the_five_lines_of_the_formula():
    x, gamma, beta = np.array([[2.0, -1.0, 3.0, 0.0], [1, 0.5, 2, 1], [0, 1, -1, 0.5]])
    steps = list(trace_layer_norm(x, gamma, beta, eps=0).steps().values())
    normalized = np.array([1.0, -2.0, 2.0, -1.0]) / np.sqrt(2.5)
    want = [x, x - 1, normalized, gamma * normalized, gamma * normalized + beta]
    np.testing.assert_allclose(steps, want)


def test_a_trace_names_a_gain_that_does_not_fit():
    with pytest.raises(ValueError, match=r"gamma has shape \(3,\), but x has shape \(2,\)"):
        trace_layer_norm([1.0, 2.0], gamma=np.ones(3), beta=np.zeros(2))


def test_a_trace_takes_one_token_only():
    with pytest.raises(ValueError, match=r"x has shape \(2, 3\); expected one token"):
        trace_layer_norm(np.ones((2, 3)), np.ones(3), np.zeros(3))


def test_a_new_order_of_the_features_reorders_the_output_if_the_gain_is_reordered_too():
    x, gain = np.random.default_rng(0).standard_normal((2, 512))
    order = np.random.default_rng(1).permutation(512)
    np.testing.assert_allclose(layer_norm(x[order]), layer_norm(x)[order], atol=1e-12)
    with_gain = layer_norm(x, gain)[order]
    np.testing.assert_allclose(layer_norm(x[order], gain[order]), with_gain, atol=1e-12)
    assert abs(layer_norm(x[order], gain) - with_gain).max() > 1


def test_in_float32_torch_agrees_to_ten_steps():
    x = np.random.default_rng(0).standard_normal((32, 512)).astype(np.float32)
    gain, shift = np.random.default_rng(1).standard_normal((2, 512)).astype(np.float32)
    parameters = [torch.from_numpy(p) for p in (gain, shift)]
    torchs = torch.nn.functional.layer_norm(torch.from_numpy(x), [512], *parameters).numpy()
    assert abs(layer_norm(x, gain, shift) - torchs).max() < 10 * np.spacing(np.float32(8))


def test_the_biased_variance_gives_the_root_of_three_for_a_one_hot_token():
    x = [1.0, 0.0, 0.0, 0.0]
    trace = trace_layer_norm(x, np.ones(4), np.zeros(4), eps=0)
    assert trace.output.max() == pytest.approx(3**0.5)
    assert (trace.centered / np.std(x, ddof=1)).max() == pytest.approx(1.5)


def test_shifted_and_stretched_tokens_share_x_hat_and_the_reflected_one_mirrors_it():
    x, ones, zeros = np.array([2.0, -1.0, 3.0, 0.0, 1.0, -2.0]), np.ones(6), np.zeros(6)
    want = trace_layer_norm(x, ones, zeros).normalized
    for token, sign in ((x + 4, 1), (2 * x, 1), (-x, -1)):
        normalized = trace_layer_norm(token, ones, zeros).normalized
        np.testing.assert_allclose(normalized, sign * want, atol=1e-5)


def test_the_larger_an_outlier_the_closer_it_comes_to_the_limit_of_x_hat():
    tokens = [[a, -1.0, 1.0, 0.0, 1.0, -1.0] for a in (2.0, 8.0, 32.0)]
    traces = [trace_layer_norm(token, np.ones(6), np.zeros(6)) for token in tokens]
    largest = [trace.normalized.max() for trace in traces]
    assert largest == sorted(largest)
    assert 5**0.5 - 0.01 < largest[-1] < 5**0.5


def test_without_learned_parameters_the_last_two_steps_change_nothing():
    trace = trace_layer_norm([2.0, -1.0, 3.0], np.ones(3), np.zeros(3))
    np.testing.assert_array_equal(trace.output, trace.normalized)


def test_a_moved_token_keeps_its_layer_norm():
    token = moved_token()
    for scale, offset in [(0.5, 0.0), (2.0, 12.0), (1.0, -12.0)]:
        np.testing.assert_allclose(token.normalized(scale, offset), token.x, atol=1e-4)
    axes = Figure().subplots(1, 2)
    draw_moved_token(token, axes, scale=2.0, offset=1.0)
    assert [bar.get_height() for bar in axes[0].patches] == pytest.approx(list(2 * token.x + 1))


def test_the_explorer_of_the_moved_token_draws_every_offset_and_scale():
    explorer = explore_moved_token()
    assert len(explorer.frames) == 39
    assert "the output has mean 0.0 and standard deviation 1.0" in explorer.sentence()
