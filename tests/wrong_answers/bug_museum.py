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
}
REPORTED = {}
