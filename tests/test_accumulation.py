"""Sums in half precision."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from normlab.chapters.numerics.accumulation import ROUNDING, repeated_sums, round_to_bfloat16
from normlab.chapters.numerics.explorers import explore_repeated_sums
from normlab.chapters.numerics.parameter_sums import gradient_sums
from normlab.chapters.numerics.sum_figures import (
    describe_repeated_sums,
    draw_gradient_sums,
    draw_repeated_sums,
)
from normlab.torch_norms import LayerNorm

TERMS = (1.0, 0.75, 0.5, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)


def test_rounding_to_bfloat16_is_torchs():
    x = np.random.default_rng(0).standard_normal(10_000).astype(np.float32)
    ties = np.float32([1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8, 0, 2**-133])
    x = np.concatenate([x, 1e30 * x, 1e-30 * x, ties])
    expected = torch.from_numpy(x).bfloat16().float().numpy()
    np.testing.assert_array_equal(round_to_bfloat16(x), expected)


@pytest.mark.parametrize(("dtype", "bits"), [("float16", 11), ("bfloat16", 8)])
@pytest.mark.parametrize("term", TERMS)
def test_a_running_sum_stalls_between_two_powers_of_two_whatever_the_term(dtype, bits, term):
    sums = repeated_sums(TERMS)
    assert sums.stalled(dtype, term)
    assert 2**bits <= round(sums.counted(dtype, term)) <= 2 ** (bits + 1)


def test_float32_does_not_stall():
    sums = repeated_sums(TERMS)
    for term in TERMS:
        assert not sums.stalled("float32", term)
        assert sums.counted("float32", term) == pytest.approx(8192, rel=1e-3)


def test_partial_sums_do_not_stall_but_err():
    sums = repeated_sums(TERMS, block=64)
    worst = {}
    for dtype in ROUNDING:
        assert not any(sums.stalled(dtype, term) for term in TERMS)
        worst[dtype] = max(abs(sums.counted(dtype, term) / 8192 - 1) for term in TERMS)
    assert worst["float32"] < 1e-5
    assert 0.001 < worst["float16"] < 0.02
    assert 0.05 < worst["bfloat16"] < 0.15


def test_a_running_sum_of_gradients_wanders_off_and_ours_is_rounded_once():
    dy = torch.from_numpy(np.random.default_rng(3).standard_normal((32768, 64))).bfloat16()
    norm = LayerNorm(64, dtype=torch.bfloat16)
    norm(dy).backward(dy)
    exact, running = dy.double().sum(0), torch.zeros(64, dtype=torch.bfloat16)
    for row in dy:
        running += row
    error = [(s.double() - exact).norm() / exact.norm() for s in (norm.bias.grad, running)]
    assert error[0] < 0.002
    assert error[1] > 0.1


def test_the_sums_are_those_of_numpy_and_torch():
    sums = repeated_sums([0.1])
    half = np.cumsum(np.full(8192, 0.1, np.float16))  # a running sum, rounded at each step
    np.testing.assert_array_equal(sums.of("float16", 0.1), half[63::64])
    total, step = torch.zeros((), dtype=torch.bfloat16), torch.tensor(0.1, dtype=torch.bfloat16)
    for _ in range(8192):
        total += step
    assert sums.of("bfloat16", 0.1)[-1] == total.item()


def test_the_picture_shows_each_sum_in_terms():
    data = {block: repeated_sums(TERMS, block) for block in (1, 64)}
    figure, ax = plt.subplots()
    draw_repeated_sums(data, ax, term=1.0, block=1)
    ends = {line.get_label(): line.get_ydata()[-1] for line in ax.lines}
    assert ends == {"float32": 8192, "float16": 2048, "bfloat16": 256}
    sentence, table = describe_repeated_sums(data, term=1.0, block=1)
    assert "bfloat16 holds 256, worth 256 terms, and no longer grows" in sentence
    assert table.rows[0][3] == "still grows"
    plt.close(figure)


def test_explore_repeated_sums_has_a_frame_for_each_term_and_order():
    explorer = explore_repeated_sums()
    assert len(explorer.frames) == 9 * 2
    assert explorer.sentence().startswith("One running sum, 8,192 terms of 1:")


@pytest.fixture(scope="module")
def sums():
    return gradient_sums([8, 512, 8192])


def test_the_error_of_a_running_sum_of_gradients_follows_theory_and_ours_stays(sums):
    for which in ("dγ", "dβ"):
        theory = sums.errors["nn.LayerNorm", which] / sums.of_a_running_sum
        assert ((theory > 0.6) & (theory < 1.6)).all(), which
        assert sums.errors["normlab.torch_norms", which].max() < 0.003


def test_the_picture_of_gradient_sums_shows_all_four_and_theory(sums):
    _, ax = plt.subplots()
    draw_gradient_sums(sums, ax)
    drawn = {line.get_label(): line.get_ydata() for line in ax.lines}
    np.testing.assert_array_equal(
        drawn["dβ, nn.LayerNorm"], 100 * sums.errors["nn.LayerNorm", "dβ"]
    )
    np.testing.assert_array_equal(drawn["0.3 · u · √rows"], 100 * sums.of_a_running_sum)
    assert len(drawn) == 5
    plt.close("all")
