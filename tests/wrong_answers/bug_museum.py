"""Wrong answers to exercise 08: repairs that leave or bring a bug, inputs that show none."""

import numpy as np

from normlab import norms


def too_wide():
    x = np.random.default_rng(0).standard_normal((2, 2048))
    return {"x": x, "gamma": np.ones(2048), "beta": np.zeros(2048)}


def positional():
    return np.array([[1.0, 0.0, 0.0, 0.0]]), np.ones(4), np.zeros(4)


def eps_outside(x, gamma, beta, eps=1e-6):
    mean = x.mean(axis=-1, keepdims=True)
    std = x.std(axis=-1, keepdims=True)
    return gamma * (x - mean) / (std + eps) + beta


def corrected_the_wrong_way(x, gamma, beta, eps=1e-6):
    d = x.shape[-1]
    mean = x.mean(axis=-1, keepdims=True)
    variance = x.var(axis=-1, ddof=1, keepdims=True) * d / max(d - 1, 1)
    return gamma * (x - mean) / np.sqrt(variance + eps) + beta


def default_of_torch(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=-1, keepdims=True)
    variance = x.var(axis=-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(variance + eps) + beta


def near_zero():
    return {"x": np.array([0.5, -1.0, 2.0, 0.25], np.float32)}


def clamped(x):
    mean = x.mean(axis=-1)
    return np.maximum((x**2).mean(axis=-1) - mean**2, 0)


def widened_only(x):
    wide = x.astype(np.float64)
    return ((wide**2).mean(axis=-1) - wide.mean(axis=-1) ** 2).astype(x.dtype)


def always_float64(x):
    wide = np.asarray(x, np.float64)
    return np.square(wide - wide.mean(-1, keepdims=True)).mean(-1)


def sample_variance(x):
    c = x - x.mean(axis=-1, keepdims=True)
    return (c**2).sum(axis=-1) / max(x.shape[-1] - 1, 1)


def shifted_by_one_number(x):
    s = x - x.ravel()[0]
    return (s**2).mean(-1) - s.mean(-1) ** 2


def gradient_of_ones():
    return {"dy": np.ones(3), "x": np.array([1.0, 2.0, 6.0]), "gamma": np.ones(3)}


def gain_missing_in_the_slope(dy, x, gamma, eps=1e-5):
    std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=-1, keepdims=True)) / std
    u = dy * gamma
    slope = (dy * x_hat).mean(axis=-1, keepdims=True)
    return (u - u.mean(axis=-1, keepdims=True) - x_hat * slope) / std


def slope_added(dy, x, gamma, eps=1e-5):
    std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    x_hat = (x - x.mean(axis=-1, keepdims=True)) / std
    u = dy * gamma
    return (u - u.mean(-1, keepdims=True) + x_hat * (u * x_hat).mean(-1, keepdims=True)) / std


def two_items_in_two_axes():
    return {"x": np.array([[1.0, 3.0], [10.0, 20.0]])}


def all_axes_but_two(x, eps=1e-5):
    axes = tuple(range(2, x.ndim))
    mean = x.mean(axis=axes, keepdims=True)
    variance = x.var(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps)


def axis_two(x, eps=1e-5):
    mean = x.mean(axis=2, keepdims=True)
    return (x - mean) / np.sqrt(x.var(axis=2, keepdims=True) + eps)


def already_normed():
    x = np.array([1.0, -1.0])
    return {"x": x, "weight": np.eye(2)}


def norm_behind(x, weight, eps=1e-5):
    return x + norms.layer_norm(x @ weight, eps=eps)


def post_norm(x, weight, eps=1e-5):
    return norms.layer_norm(x + x @ weight, eps=eps)


def alpha_one():
    return {"x": np.array([1.0, 5.0, 0.0]), "weight": np.diag([1.0, 2.0, 0.0]), "alpha": 1.0}


def alpha_on_both(x, weight, alpha, eps=1e-5):
    return norms.layer_norm(alpha * (x + x @ weight), eps=eps)


def alpha_before_the_branch(x, weight, alpha, eps=1e-5):
    stream = alpha * x
    return norms.layer_norm(stream + stream @ weight, eps=eps)


def branch_divided(x, weight, alpha, eps=1e-5):
    return norms.layer_norm(x + x @ weight / alpha, eps=eps)


def usual_rows():
    return {"x": np.random.default_rng(1).standard_normal((4, 8)), "gamma": np.ones(8)}


def floor_of_eps(x, gamma, eps=1e-6):
    length = np.sqrt((x**2).sum(-1, keepdims=True))
    return gamma * x * np.sqrt(x.shape[-1]) / np.maximum(length, eps)


def eps_beside_the_sum(x, gamma, eps=1e-6):
    return gamma * x * np.sqrt(x.shape[-1]) / np.sqrt((x**2).sum(-1, keepdims=True) + eps)


def eps_after_scaling(x, gamma, eps=1e-6):
    m = np.maximum(np.abs(x).max(-1, keepdims=True, initial=0), 1e-30)
    scaled = x / m
    return gamma * scaled / np.sqrt((scaled**2).mean(-1, keepdims=True) + eps)


def eps_beside_the_length(x, gamma, eps=1e-6):
    return gamma * x * np.sqrt(x.shape[-1]) / (np.sqrt((x**2).sum(-1, keepdims=True)) + eps)


def axis_one_of_the_length(x, gamma, eps=1e-6):
    return gamma * x / np.sqrt((x**2).mean(axis=1, keepdims=True) + eps)


def gain_in_place(x, gamma, eps=1e-6):
    root = np.sqrt((x**2).mean(-1, keepdims=True) + eps)
    x *= gamma
    return x / root


def a_huge_weight():
    return {"x": np.array([1.0, 2.0]), "weight": np.full(2, 1000.0)}


def nobody_adds(x, weight, eps=1e-6):
    return weight * x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)


def one_taken_away(x, weight, eps=1e-6):
    stored = weight - 1
    return stored * x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)


def brackets_forgotten(x, weight, eps=1e-6):
    return 1 + weight * x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)


def halved(x, weight, eps=1e-6):
    stored = 1 + weight
    return (1 + stored) / 2 * x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)


def weight_changed(x, weight, eps=1e-6):
    weight += 1
    return weight * x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)


def float64_for_half():
    return {"x": np.array([300.0, -300.0]), "gamma": np.ones(2), "beta": np.zeros(2)}


def summed_in_float32(x, gamma, beta, eps=1e-5):
    c = x - x.mean(-1, keepdims=True)
    variance = (c**2).mean(-1, keepdims=True, dtype=np.float32)
    return (gamma * c / np.sqrt(variance + eps) + beta).astype(x.dtype)


def cut_off(x, gamma, beta, eps=1e-5):
    c = x - x.mean(-1, keepdims=True)
    squares = np.minimum(c**2, np.finfo(np.float16).max)
    return (gamma * c / np.sqrt(squares.mean(-1, keepdims=True) + eps) + beta).astype(x.dtype)


def mean_before_widening(x, gamma, beta, eps=1e-5):
    c = (x - x.mean(-1, keepdims=True)).astype(np.promote_types(x.dtype, np.float32))
    variance = (c**2).mean(-1, keepdims=True)
    return (gamma * c / np.sqrt(variance + eps) + beta).astype(x.dtype)


def always_float32(x, gamma, beta, eps=1e-5):
    wide = x.astype(np.float32)
    c = wide - wide.mean(-1, keepdims=True)
    variance = (c**2).mean(-1, keepdims=True)
    return (gamma * c / np.sqrt(variance + eps) + beta).astype(x.dtype)


def stays_wide(x, gamma, beta, eps=1e-5):
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    c = wide - wide.mean(-1, keepdims=True)
    return gamma * c / np.sqrt((c**2).mean(-1, keepdims=True) + eps) + beta


def scaled_by_the_greatest(x, gamma, beta, eps=1e-5):
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    c = wide - wide.mean(-1, keepdims=True)
    m = np.abs(c).max(-1, keepdims=True)
    c = c / np.where(m > 0, m, 1)
    return (gamma * c / np.sqrt((c**2).mean(-1, keepdims=True) + eps) + beta).astype(x.dtype)


def rows_and_features():
    return {"dy": np.ones((3, 2)), "x": np.array([[1.0, 3.0], [10.0, 20.0], [0.0, 5.0]])}


def normed(x, eps):
    c = x - x.mean(-1, keepdims=True)
    return c / np.sqrt((c**2).mean(-1, keepdims=True) + eps)


def first_axis_summed(dy, x, eps=1e-5):
    return (dy * normed(x, eps)).sum(axis=0)


def two_axes_summed(dy, x, eps=1e-5):
    return (dy * normed(x, eps)).sum(axis=(0, 1))


def tokens_averaged(dy, x, eps=1e-5):
    return (dy * normed(x, eps)).mean(axis=tuple(range(x.ndim - 1)))


def features_summed(dy, x, eps=1e-5):
    return (dy * normed(x, eps)).sum(axis=-1)


def second_axis_as_features(dy, x, eps=1e-5):
    rows = x.reshape(-1, x.shape[1])
    return (dy.reshape(rows.shape) * normed(rows, eps)).sum(axis=0)


def gradient_in_float32(dy, x, eps=1e-5):
    gradient = (dy * normed(x, eps)).sum(axis=tuple(range(x.ndim - 1)))
    return gradient.astype(np.float32).astype(x.dtype)


def gain_of_ones():
    return {"x": np.array([300, 4, 1], np.float16), "gamma": np.ones(3)}


def gain_converted_as_well(x, gamma, eps=1e-6):
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    normalized = wide / np.sqrt((wide**2).mean(-1, keepdims=True) + eps)
    return (gamma.astype(x.dtype) * normalized).astype(x.dtype)


def both_converted(x, gamma, eps=1e-6):
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    normalized = wide / np.sqrt((wide**2).mean(-1, keepdims=True) + eps)
    return gamma.astype(x.dtype) * normalized.astype(x.dtype)


def not_converted(x, gamma, eps=1e-6):
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    return gamma * wide / np.sqrt((wide**2).mean(-1, keepdims=True) + eps)


def nothing_widened(x, gamma, eps=1e-6):
    return (gamma * (x / np.sqrt((x**2).mean(-1, keepdims=True) + eps))).astype(x.dtype)


def gain_before_the_norm(x, gamma, eps=1e-6):
    wide = gamma * x.astype(np.promote_types(x.dtype, np.float32))
    return (wide / np.sqrt((wide**2).mean(-1, keepdims=True) + eps)).astype(x.dtype)


def one_device_only():
    return {"x": np.random.default_rng(5).standard_normal((1, 3, 8))}


def mean_squares_added(x, eps=1e-6):
    local = (x**2).mean(-1, keepdims=True)
    return x / np.sqrt(local.sum(axis=0) + eps)


def sums_over_the_width_of_one(x, eps=1e-6):
    total = (x**2).sum(axis=(0, -1))[..., None]
    return x / np.sqrt(total / x.shape[-1] + eps)


def roots_averaged(x, eps=1e-6):
    local = np.sqrt((x**2).mean(-1, keepdims=True) + eps)
    return x / local.mean(axis=0)


def first_device_for_all(x, eps=1e-6):
    local = (x**2).mean(-1, keepdims=True)
    return x / np.sqrt(local[0] + eps)


def one_number_for_all(x, eps=1e-6):
    return x / np.sqrt((x**2).mean() + eps)


def tokens_reduced(x, eps=1e-6):
    local = (x**2).mean(-1, keepdims=True)
    return x / np.sqrt(local.mean(axis=-2, keepdims=True) + eps)


def eps_of_each_device(x, eps=1e-6):
    total = sum((part**2).mean(-1, keepdims=True) / len(x) + eps for part in x)
    return x / np.sqrt(total)


WRONG = {
    "annotated_layer_norm_failing_input": [
        (too_wide, "With 2,048 features the two differ by less than 0.001."),
        (positional, "A tuple is returned, not a dict by argument name."),
    ],
    "annotated_layer_norm": [
        (eps_outside, "The divisor is right now, but ε stands outside the root."),
        (corrected_the_wrong_way, "The correction D/(D − 1) is applied in the wrong direction."),
        (default_of_torch, "The default of eps is changed to 1e-5."),
    ],
    "row_variance_failing_input": [
        (near_zero, "The numbers are near 0, where the one-pass formula is right."),
    ],
    "row_variance": [
        (clamped, "The one-pass formula is still there, with negative results set to 0."),
        (
            widened_only,
            "The one-pass formula is still there, in float64: float64 rows near 1e8 come out "
            "wrong.",
        ),
        (always_float64, "float32 gives float64 back."),
        (sample_variance, "The divisor is D − 1."),
        (
            shifted_by_one_number,
            "All rows are shifted by the same number: rows far from it lose their digits.",
        ),
    ],
    "layer_norm_dx_failing_input": [
        (gradient_of_ones, "With a dy of ones (and γ = 1) the missing term is 0."),
    ],
    "layer_norm_dx": [
        (gain_missing_in_the_slope, "The variance term uses dy where dy ⊙ γ belongs."),
        (slope_added, "The variance term has the wrong sign."),
    ],
    "item_layer_norm_failing_input": [
        (two_items_in_two_axes, "With two axes, all axes but the first are the last one."),
    ],
    "item_layer_norm": [
        (all_axes_but_two, "The axes start at 2: right for three axes, wrong for 1, 2 and 4."),
        (axis_two, "Axis 2 is fixed: right for three axes alone."),
    ],
    "pre_norm_linear_failing_input": [
        (already_normed, "The row is normed already, so both give the same."),
    ],
    "pre_norm_linear": [
        (norm_behind, "The norm stands behind the branch: x + LN(x @ weight)."),
        (post_norm, "This is post-norm: LN(x + x @ weight)."),
    ],
    "deepnorm_linear_failing_input": [
        (alpha_one, "With α = 1 the two are the same."),
    ],
    "deepnorm_linear": [
        (alpha_on_both, "α multiplies the branch, too."),
        (alpha_before_the_branch, "The branch sees αx, not x."),
        (branch_divided, "The branch is divided by α instead: with ε that is not the same."),
    ],
    "exported_rms_norm_failing_input": [
        (usual_rows, "Rows of usual size, in which ε is not seen."),
    ],
    "exported_rms_norm": [
        (floor_of_eps, "ε is a floor of the length."),
        (eps_beside_the_sum, "ε is added to the sum of the squares: D times too little."),
        (eps_after_scaling, "ε is added after the row was divided by its greatest number."),
        (eps_beside_the_length, "ε is added to the length, outside the root."),
        (axis_one_of_the_length, "Axis 1 is fixed: right for two axes alone."),
        (gain_in_place, "x is multiplied in place."),
    ],
    "converted_rms_norm_failing_input": [
        (a_huge_weight, "The weight is so large that 1 does not count."),
    ],
    "converted_rms_norm": [
        (nobody_adds, "1 is added nowhere."),
        (one_taken_away, "1 is subtracted from w."),
        (brackets_forgotten, "1 is added to the product."),
        (halved, "The doubled gain is halved: (2 + w)/2."),
        (weight_changed, "The weight is changed in place."),
    ],
    "half_layer_norm_failing_input": [
        (float64_for_half, "x is float64, where nothing overflows."),
    ],
    "half_layer_norm": [
        (summed_in_float32, "The squares are summed in float32, and taken in float16."),
        (cut_off, "Squares beyond float16 are cut off at its end."),
        (mean_before_widening, "The mean is taken in float16."),
        (always_float32, "float64 is computed in float32."),
        (stays_wide, "float16 gives float32 back."),
        (scaled_by_the_greatest, "ε is added after the row was divided by its greatest number."),
    ],
    "layer_norm_dgamma_failing_input": [
        (rows_and_features, "With two axes the first one holds the rows."),
    ],
    "layer_norm_dgamma": [
        (first_axis_summed, "The sum runs over the first axis alone."),
        (two_axes_summed, "The sum runs over two axes: right for three axes alone."),
        (tokens_averaged, "The tokens' gradients are averaged."),
        (features_summed, "The sum runs over the features."),
        (second_axis_as_features, "The features are looked for in axis 1."),
        (gradient_in_float32, "The gradient is rounded to float32."),
    ],
    "cast_rms_norm_failing_input": [
        (gain_of_ones, "All normalized numbers are of usual size."),
    ],
    "cast_rms_norm": [
        (gain_converted_as_well, "The gain is rounded to float16 before the product."),
        (both_converted, "The gain and the row are rounded before the product."),
        (not_converted, "float16 gives float32 back."),
        (nothing_widened, "The squares are taken in float16."),
        (gain_before_the_norm, "The gain is multiplied before the norm."),
    ],
    "sharded_rms_norm_failing_input": [
        (one_device_only, "One device holds all features."),
    ],
    "sharded_rms_norm": [
        (mean_squares_added, "The mean squares of the devices are added up."),
        (sums_over_the_width_of_one, "The sum of all squares is divided by one device's width."),
        (roots_averaged, "The root mean squares are averaged."),
        (first_device_for_all, "The first device's mean square serves all."),
        (one_number_for_all, "One mean square for all tokens."),
        (tokens_reduced, "The mean is taken over the tokens, not over the devices."),
        (eps_of_each_device, "ε is added once for each device."),
    ],
}
REPORTED = {}
