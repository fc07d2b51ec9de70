"""ε, cancellation and the chapter's two explorers of them, as numbers."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from normlab.chapters.numerics.accumulation import ROUNDING
from normlab.chapters.numerics.cancellation import digit_ladder
from normlab.chapters.numerics.dtypes import DTYPES, number_lines
from normlab.chapters.numerics.error_parts import PARTS, error_sweep
from normlab.chapters.numerics.explorers import explore_epsilon, explore_variance
from normlab.chapters.numerics.figures import (
    describe_epsilon_sweep,
    describe_variance_sweep,
    draw_epsilon_sweep,
    draw_error_sweep,
    draw_gradient_sweep,
    draw_variance_counts,
    draw_variance_errors,
    draw_variance_sweep,
)
from normlab.chapters.numerics.float_figures import (
    draw_digit_ladder,
    draw_number_lines,
    draw_ranges,
)
from normlab.chapters.numerics.rounding import (
    EPSILONS,
    VARIANCES,
    VarianceSweep,
    epsilon_sweep,
    gradient_sweep,
    layer_norm_eps_outside,
    variance_sweep,
)
from normlab.norms import layer_norm, rms_norm

STDS = np.geomspace(1e-6, 1, 19).tolist()
INSIDE, OUTSIDE = "inside the root", "outside the root"


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def float32_sweep():
    return variance_sweep(np.float32, [1, 10, 1e2, 1e3, 1e4, 1e5, 1e6])


@pytest.fixture(scope="module")
def sweeps():
    offsets = [0, 300, 1e4, 1e6]
    return {dtype: variance_sweep(dtype, offsets) for dtype in ("float16", "float32", "float64")}


def test_the_output_rms_is_the_root_of_var_over_var_plus_eps():
    sweep, variance = epsilon_sweep(STDS), np.square(STDS)
    for rms, eps in zip(sweep.output_rms[INSIDE], EPSILONS.values(), strict=True):
        np.testing.assert_allclose(rms, np.sqrt(variance / (variance + eps)), rtol=1e-10)


def test_eps_outside_the_root_is_compared_with_the_standard_deviation():
    sweep = epsilon_sweep(STDS)
    for rms, eps in zip(sweep.output_rms[OUTSIDE], EPSILONS.values(), strict=True):
        np.testing.assert_allclose(rms, STDS / (np.array(STDS) + eps), rtol=1e-10)


def test_both_forms_are_one_without_eps():
    x = np.random.default_rng(0).standard_normal((3, 8))
    outside = layer_norm_eps_outside(x, eps=0)
    np.testing.assert_allclose((outside**2).mean(-1), 1)
    np.testing.assert_allclose(outside.mean(-1), 0, atol=1e-15)


def test_the_gradient_at_a_nearly_constant_row_grows_to_one_over_the_root_of_eps():
    sweep = gradient_sweep([1e-9, 1.0])
    limits = np.power(list(EPSILONS.values()), -0.5)
    np.testing.assert_allclose(sweep.gains[:, 0], limits, rtol=0.01)
    np.testing.assert_allclose(sweep.gains[:, 1], 1, rtol=0.01)


@pytest.mark.parametrize("norm", [layer_norm, rms_norm])
@pytest.mark.parametrize("a", [-3, 1e3, 1e-3])
def test_a_norm_keeps_its_output_but_the_sign_where_eps_is_scaled_with_the_square(norm, a):
    x = np.random.default_rng(1).standard_normal((100, 64))
    expected = np.sign(a) * norm(x, eps=1e-5)
    np.testing.assert_allclose(norm(a * x, eps=a**2 * 1e-5), expected, rtol=0, atol=1e-12)
    assert np.abs(norm(a * x, eps=1e-5) - expected).max() > 1e-6


@pytest.mark.parametrize("offset", [1e3, 1e4, 1e6])
def test_torch_errs_more_than_the_rounding_of_its_input_and_ours_hardly_at_all(offset):
    before = np.random.default_rng(0).standard_normal((256, 512)) + offset
    x = before.astype(np.float32)
    exact = layer_norm(x.astype(np.float64))
    by_torch = torch.nn.functional.layer_norm(torch.from_numpy(x), (512,)).numpy()
    inputs_part = np.abs(layer_norm(before) - exact).max()
    assert inputs_part < np.abs(by_torch - exact).max() < 10 * inputs_part
    assert np.abs(layer_norm(x) - exact).max() < 2e-6


@pytest.mark.parametrize("variance", VARIANCES.values(), ids=VARIANCES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_all_formulas_agree_without_an_offset_and_keep_the_dtype(variance, dtype):
    x = np.random.default_rng(0).standard_normal((5, 64)).astype(dtype)
    computed = variance(x)
    assert computed.dtype == dtype
    assert computed.shape == (5,)
    exact = x.astype(np.float64).var(-1)
    np.testing.assert_allclose(computed, exact, rtol=20 * float(np.finfo(dtype).eps))


def test_the_worst_error_of_a_formula_is_relative_to_the_exact_variance():
    stored, computed = np.array([[2.0, 100.0]]), np.array([[3.0, 110.0]])
    sweep = VarianceSweep("float32", *[np.zeros(1)] * 3, stored, {"one pass": computed})
    assert sweep.worst_error("one pass").tolist() == [0.5]


def slope(error, low, high):
    """Of log error against log offset, for offsets a decade apart."""
    return float(np.polyfit(np.arange(high - low), np.log10(error[low:high]), 1)[0])


def test_the_errors_of_the_formulas_grow_with_slopes_two_one_and_zero(float32_sweep):
    error = {name: float32_sweep.worst_error(name) for name in VARIANCES}
    assert slope(error["one pass"], 1, 7) == pytest.approx(2, abs=0.2)
    assert slope(error["Welford"], 2, 7) == pytest.approx(1, abs=0.2)
    assert slope(error["two pass"], 0, 4) == pytest.approx(0, abs=0.2)
    assert slope(error["shifted"], 0, 7) == pytest.approx(0, abs=0.3)
    assert error["shifted"].max() < 3e-6
    assert error["two pass"][:4].max() < 2e-7


def test_one_pass_variance_turns_negative_in_a_third_of_the_rows_at_offset_1e4(float32_sweep):
    assert float32_sweep.failed("one pass").tolist()[:4] == [0, 0, 0, 0]
    assert 20 <= float32_sweep.failed("one pass")[4] <= 45
    for name in ("Welford", "two pass", "shifted"):
        assert not float32_sweep.failed(name).any()


def test_float16_squares_overflow_from_256_on_and_small_variances_vanish(sweeps):
    half = sweeps["float16"]
    assert half.failed("one pass").tolist() == [0, 100, 100, 100]
    assert half.failed("two pass").tolist() == [0, 0, 0, 100]
    assert np.median(half.stored[2]) == 0  # spacing 8 at 10,000: most rows become constant


def test_the_stored_row_shows_the_spacing_of_the_dtype(sweeps):
    steps = sweeps["float16"].stored_row[1] / np.spacing(np.float16(300))
    np.testing.assert_array_equal(steps, steps.round())
    half_a_step = np.spacing(np.float32(1e6)) / 2
    assert np.abs(sweeps["float32"].stored_row[3] - sweeps["float32"].row).max() <= half_a_step


def test_the_picture_of_eps_shows_the_sweep():
    axes = plt.subplots(1, 2)[1]
    data = epsilon_sweep(STDS)
    draw_epsilon_sweep(data, axes, std=1e-3, place=INSIDE)
    widths = [bar.get_width() for bar in axes[1].patches]
    np.testing.assert_allclose(widths, list(data.at(INSIDE, 1e-3).values()))
    curves = [line for line in axes[0].lines if len(line.get_xdata()) == len(STDS)]
    np.testing.assert_array_equal([line.get_ydata() for line in curves], data.output_rms[INSIDE])
    sentence, table = describe_epsilon_sweep(data, std=1e-3, place=INSIDE)
    assert "0.302 for torch LayerNorm" in sentence
    assert [row[0] for row in table.rows] == list(EPSILONS)


def test_the_picture_of_variances_shows_ranges_and_failures(sweeps):
    axes = plt.subplots(1, 2)[1]
    draw_variance_sweep(sweeps, axes, offset=1e4, dtype="float32")
    ranges = [line.get_xdata() for line in axes[1].lines if len(line.get_xdata()) == 2]
    one_pass = sweeps["float32"].computed["one pass"][2]
    assert any(np.array_equal(ends, (one_pass.min(), one_pass.max())) for ends in ranges)
    assert "one pass: 30 of 100 fail" in [text.get_text() for text in axes[1].texts]
    sentence, table = describe_variance_sweep(sweeps, offset=1e4, dtype="float32")
    assert sentence.startswith("float32, offset 10,000")
    assert table.rows[0] == ["one pass", "-24", "24", "30 of 100"]


def test_the_picture_says_when_the_input_is_infinite(sweeps):
    axes = plt.subplots(1, 2)[1]
    draw_variance_sweep(sweeps, axes, offset=1e6, dtype="float16")
    assert [text.get_text() for text in axes[0].texts] == ["stored as infinity"]
    _, table = describe_variance_sweep(sweeps, offset=1e6, dtype="float16")
    assert {row[3] for row in table.rows} == {"100 of 100"}


def test_the_static_pictures_show_their_data(float32_sweep):
    left, right = plt.subplots(1, 2)[1]
    gradients = gradient_sweep(STDS)
    draw_gradient_sweep(gradients, left)
    drawn = [line.get_ydata() for line in left.lines if len(line.get_xdata()) == len(STDS)]
    np.testing.assert_array_equal(drawn, gradients.gains)
    draw_variance_errors(float32_sweep, right)
    by_name = {line.get_label(): line.get_ydata() for line in right.lines}
    for name in VARIANCES:
        np.testing.assert_array_equal(by_name[name], float32_sweep.worst_error(name))


def test_the_picture_of_errors_shows_the_formulas_that_are_asked_for(float32_sweep):
    axes = plt.subplots()[1]
    draw_variance_errors(float32_sweep, axes, ("one pass", "two pass"))
    labels = [line.get_label() for line in axes.lines]
    assert labels[:3] == ["one pass", "two pass", "u · offset²"]


def test_explore_epsilon_has_a_frame_for_each_std_and_place():
    explorer = explore_epsilon()
    assert len(explorer.frames) == 19 * 2
    assert explorer.sentence().startswith("Input of std 1.0e-03, ε inside the root")
    assert len({frame["sentence"] for frame in explorer.frames}) == 19 * 2


def test_explore_variance_has_a_frame_for_each_offset_and_dtype():
    explorer = explore_variance()
    assert len(explorer.frames) == 14 * 3
    assert "float32, offset 1,000,000" in explorer.sentence()
    assert "36 of 100 fail" in explorer.sentence()


@pytest.mark.parametrize(
    ("x", "difference", "at_sum"),
    [((9999, 10001), 0, 16), ((10002, 10002, 10004, 10004), -8, 32), ((10003, 10005), 0, 16)],
)
def test_a_cancellation_leaves_a_multiple_of_the_spacing_instead_of_the_variance(
    x, difference, at_sum
):
    ladder = digit_ladder(x)
    assert (ladder.spacing, ladder.spacing_at_sum) == (8, at_sum)
    assert ladder.on_paper["difference"] == np.var(x) == 1
    assert ladder.in_float32["difference"] == difference
    for name in ("mean(x²)", "μ²"):
        assert ladder.in_float32[name] % ladder.spacing == 0
        assert abs(ladder.in_float32[name] - ladder.on_paper[name]) <= 2 * ladder.spacing


def test_the_picture_of_a_cancellation_shades_the_digits_that_are_not_right():
    ax = plt.subplots()[1]
    draw_digit_ladder(digit_ladder([10002, 10002, 10004, 10004]), ax)
    texts = "".join(text.get_text() for text in ax.texts if len(text.get_text()) == 1)
    assert texts.replace(" ", "") == "1000600101000600001000600091000600081−8"
    assert len(ax.patches) == 4  # …1. and …9 are lost, and both places of −8


def test_a_number_line_has_the_numbers_of_its_dtype_and_no_others():
    lines = {line.dtype: line for line in number_lines(1000, 1048)}
    assert tuple(lines) == DTYPES
    grid = np.arange(1000, 1048.001, 1 / 8)
    for name in ("bfloat16", "float16"):
        np.testing.assert_array_equal(lines[name].numbers, np.unique(ROUNDING[name](grid)))
    assert lines["bfloat16"].gaps == [4, 8]
    assert lines["float16"].gaps == [0.5, 1]
    assert lines["float32"].gaps == [2**-14, 2**-13]
    nearest = lines["float32"].around(1024, 0.0001)
    np.testing.assert_array_equal(nearest, [1024 - 2**-14, 1024])
    half = lines["float16"]
    assert (half.bits, half.largest) == (11, 65504)
    assert np.float16(half.subnormal) > 0 == np.float16(half.subnormal / 2)


@pytest.mark.parametrize(("low", "high"), [(1001, 1048), (1000, 1047), (0, 8), (8, 8), (-8, 8)])
def test_ends_that_a_dtype_does_not_have_are_refused(low, high):
    with pytest.raises(ValueError, match="both numbers that bfloat16 has"):
        number_lines(low, high)


def test_the_pictures_of_dtypes_show_each_number_and_each_end():
    near, ranges = plt.subplots(1, 2)[1]
    lines = number_lines(1000, 1048)
    draw_number_lines(lines, near, enlarged=1024)
    strokes = [np.array([path[0, 0] for path in c.get_segments()]) for c in near.collections[:2]]
    for line, places in zip(lines[:2], strokes, strict=True):
        np.testing.assert_array_equal(places, line.numbers)
    (enlarged,) = near.child_axes
    (shown,) = enlarged.collections
    places = [path[0, 0] for path in shown.get_segments()]
    np.testing.assert_array_equal(places, lines[2].around(1024, 0.0005))
    draw_ranges(lines, ranges)
    ends = [tuple(line.get_xdata()) for line in ranges.lines[::2]]
    assert ends == [(line.smallest, line.largest) for line in lines]
    assert "65,504" in ranges.texts[1].get_text()


def test_an_error_has_its_parts_and_centering_twice_takes_out_the_norms():
    sweep = error_sweep([1e3, 1e6])
    for name in ("nn.LayerNorm", "two pass"):
        assert (sweep.errors[name] > sweep.errors["mean rounded"]).all()
        assert (sweep.errors[name] > sweep.errors["input rounded"]).all()
    for name in ("centered twice", "normlab.norms"):
        assert sweep.errors[name].max() < 2e-6
    ax = plt.subplots()[1]
    draw_error_sweep(sweep, ax)
    assert [line.get_label() for line in ax.lines] == list(PARTS)
    for line in ax.lines:
        np.testing.assert_array_equal(line.get_ydata(), sweep.errors[line.get_label()])


def test_the_picture_of_many_rows_counts_their_variances(float32_sweep):
    ax = plt.subplots()[1]
    one_pass, two_pass = (float32_sweep.computed[name][4] for name in ("one pass", "two pass"))
    draw_variance_counts(one_pass, two_pass, ax)
    counted = {bar.get_x() + bar.get_width() / 2: bar.get_height() for bar in ax.containers[0]}
    for value in np.unique(one_pass):
        assert counted[value] == (one_pass == value).sum()
    negative = ax.patches[0]
    assert negative.get_x() + negative.get_width() == -4
