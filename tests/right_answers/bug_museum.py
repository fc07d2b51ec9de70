"""Right answers to exercise 08: failing inputs of many kinds, and repairs."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from normlab import norms


def two_features():
    return {"x": np.array([1.0, 2.0]), "gamma": np.ones(2), "beta": np.zeros(2)}


def the_issue_s_own_row():
    return {"x": np.array([[1, 0, 0, 0]]), "gamma": [1, 1, 1, 1], "beta": [0, 0, 0, 0]}


def a_random_batch():
    x = np.random.default_rng(3).standard_normal((2, 5, 64))
    return dict(x=x, gamma=np.full(64, 2.0), beta=np.full(64, 1.0))


def one_feature_gives_nan():
    return {"gamma": np.ones(1), "beta": np.ones(1), "x": np.array([[3.0], [4.0]])}


def float32_torch_tensors():
    return {"x": torch.arange(8.0).reshape(2, 4), "gamma": torch.ones(4), "beta": torch.zeros(4)}


def just_few_enough_features():
    x = np.zeros(400)
    x[0] = 1.0
    return {"x": x, "gamma": np.ones(400), "beta": np.zeros(400)}


def over_d(x, gamma, beta, eps=1e-6):
    centered = x - x.mean(-1, keepdims=True)
    variance = (centered**2).sum(-1, keepdims=True) / x.shape[-1]
    return centered * (gamma / np.sqrt(variance + eps)) + beta


def corrected_variance(x, gamma, beta, eps=1e-6):
    d = x.shape[-1]
    mean = x.mean(-1, keepdims=True)
    sample = x.var(-1, ddof=1, keepdims=True) if d > 1 else np.zeros_like(mean)
    return gamma * (x - mean) / np.sqrt(sample * (d - 1) / d + eps) + beta


def std_and_hypot(x, gamma, beta, eps=1e-6):
    root = np.hypot(x.std(-1, keepdims=True), np.sqrt(eps))
    return gamma * ((x - x.mean(-1, keepdims=True)) / root) + beta


def built_in(x, gamma, beta, eps=1e-6):
    wide = [torch.from_numpy(a) for a in (x, gamma, beta)]
    return F.layer_norm(wide[0], x.shape[-1:], wide[1], wide[2], eps).numpy()


def of_the_package(x, gamma, beta, eps=1e-6):
    return norms.layer_norm(x, gamma, beta, eps)


def torch_with_correction_0(x, gamma, beta, eps=1e-6):
    t = torch.from_numpy(x)
    std = (t.var(-1, correction=0, keepdim=True) + eps).sqrt()
    y = torch.from_numpy(gamma) * (t - t.mean(-1, keepdim=True)) / std + torch.from_numpy(beta)
    return y.numpy()


def a_negative_variance():
    return {"x": np.array([10_000.5, 10_000, 10_000, 10_000], np.float32)}


def a_normal_row_at_1e4():
    return {"x": (np.random.default_rng(0).normal(1e4, 1, 512)).astype("float32")}


def float64_at_1e8():
    return {"x": 1e8 + np.arange(6.0).reshape(2, 3)}


def a_constant_float32_row():
    return {"x": np.full((1, 7), 12_345.678, dtype=np.float32)}


def small_numbers_of_a_smaller_spread():
    return {"x": np.float32([1, 1.0005, 1.001])}


def a_float32_tensor():
    return {"x": torch.tensor([[2e3, 2e3 + 0.25, 2e3 + 0.5]])}


def two_pass(x):
    return np.square(x - np.mean(x, -1, keepdims=True)).mean(-1)


def built_in_variance(x):
    return x.var(-1)


def shifted_by_the_first(x):
    shifted = x - x[..., :1]
    return (shifted**2).mean(-1) - shifted.mean(-1) ** 2


def welford(x):
    mean, squares = np.zeros(x.shape[:-1]), np.zeros(x.shape[:-1])
    for n in range(x.shape[-1]):
        step = x[..., n] - mean
        mean = mean + step / (n + 1)
        squares = squares + step * (x[..., n] - mean)
    return (squares / x.shape[-1]).astype(x.dtype)


def differences_of_pairs(x):
    wide = x.astype(np.float64)
    return ((wide[..., :, None] - wide[..., None, :]) ** 2).mean((-2, -1)).astype(x.dtype) / 2


def corrected_two_pass(x):
    centered = x - x.mean(-1, keepdims=True)
    return np.vecdot(centered, centered) / x.shape[-1] - centered.mean(-1) ** 2


def a_single_one():
    return {"dy": np.array([0.0, 0, 1]), "x": np.array([1.0, 2.0, 6.0]), "gamma": np.ones(3)}


def the_normed_row_itself():
    x = np.array([[1.0, -1.0], [3.0, 4.0]])
    return {"dy": x - x.mean(-1, keepdims=True), "x": x, "gamma": np.ones(2)}


def a_gradient_of_ones_through_a_gain():
    return {"dy": np.ones(3), "x": np.arange(3.0), "gamma": np.array([1.0, 2.0, 3.0])}


def random_arrays():
    dy, x = np.random.default_rng(1).standard_normal((2, 4, 6, 16))
    return {"x": x, "dy": dy, "gamma": np.ones(16)}


def whole_numbers():
    return {"dy": [[5, 0, 0, 1]], "x": [[7, 1, 2, 3]], "gamma": np.array([1, 1, 2, 1])}


def a_large_row():
    return {"dy": np.array([1e-3, 0.0]), "x": np.array([900.0, -900.0]), "gamma": np.ones(2)}


def three_terms(dy, x, gamma, eps=1e-5):
    mean, inverse = x.mean(-1, keepdims=True), 1 / np.sqrt(x.var(-1, keepdims=True) + eps)
    u, normalized = dy * gamma, (x - mean) * inverse
    third = normalized * np.vecdot(u, normalized)[..., None] / x.shape[-1]
    return inverse * (u - u.mean(-1, keepdims=True) - third)


def backward_of_the_package(dy, x, gamma, eps=1e-5):
    return norms.layer_norm_backward(dy, x, gamma, eps=eps)[0]


def autograd(dy, x, gamma, eps=1e-5):
    t = torch.from_numpy(x).requires_grad_()
    y = F.layer_norm(t, x.shape[-1:], torch.from_numpy(gamma), None, eps)
    return torch.autograd.grad(y, t, torch.from_numpy(dy))[0].numpy()


def jacobian(dy, x, gamma, eps=1e-5):
    d, out = x.shape[-1], np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        row = x[place] - x[place].mean()
        std = np.sqrt(row @ row / d + eps)
        matrix = np.eye(d) - 1 / d - np.outer(row, row) / (d * std**2)
        out[place] = matrix @ (dy[place] * gamma) / std
    return out


def through_the_chain(dy, x, gamma, eps=1e-5):
    centered = x - x.mean(-1, keepdims=True)
    variance = (centered**2).mean(-1, keepdims=True) + eps
    u = dy * gamma
    dvariance = (u * centered * -0.5 * variance**-1.5).sum(-1, keepdims=True)
    dcentered = u * variance**-0.5 + dvariance * 2 * centered / x.shape[-1]
    return dcentered - dcentered.mean(-1, keepdims=True)


def two_items():
    return {"x": np.array([[[1.0, 3.0], [10.0, 20.0]]])}


def a_batch():
    return {"x": np.random.default_rng(2).standard_normal((2, 3, 4))}


def four_axes():
    return {"x": np.arange(24).reshape(2, 2, 2, 3) ** 2}


def one_axis():
    return {"x": np.array([1.0, 2.0, 3.0])}


def nested_lists():
    return {"x": [[[0, 1], [0, 100]], [[0, 1], [0, 1]]]}


def an_item_beside_padding():
    return {"x": np.concatenate([np.ones((1, 3, 2)), np.array([[[1.0, 2.0]]])], axis=1)}


def last_axis(x, eps=1e-5):
    return (x - x.mean(-1, keepdims=True)) * (x.var(-1, keepdims=True) + eps) ** -0.5


def normalized_shape_of_the_last(x, eps=1e-5):
    return F.layer_norm(torch.from_numpy(x), x.shape[-1:], eps=eps).numpy()


def flat_rows(x, eps=1e-5):
    rows = x.reshape(-1, x.shape[-1])
    rows = rows - rows.mean(1, keepdims=True)
    return (rows / np.sqrt((rows**2).mean(1, keepdims=True) + eps)).reshape(x.shape)


def along_the_last(x, eps=1e-5):
    def one(row):
        return (row - row.mean()) / np.sqrt(row.var() + eps)

    return np.apply_along_axis(one, -1, x)


def positive_axis(x, eps=1e-5):
    axis = x.ndim - 1
    centered = x - x.mean(axis=axis, keepdims=True)
    return centered / np.sqrt(np.square(centered).mean(axis=axis, keepdims=True) + eps)


def norm_of_the_package(x, eps=1e-5):
    return norms.layer_norm(x, eps=eps)


def no_branch():
    return {"x": np.array([1.0, 5.0]), "weight": np.zeros((2, 2))}


def an_identity():
    return {"x": np.array([[3.0, 4.0, 8.0]]), "weight": np.eye(3)}


def a_shifted_row():
    return {"x": np.array([9.0, 11.0]), "weight": np.array([[0.0, 1.0], [1.0, 0.0]])}


def a_scaled_row():
    return {"x": np.array([0.1, -0.1]), "weight": np.ones((2, 2))}


def a_large_batch():
    rng = np.random.default_rng(5)
    return {"x": 3 * rng.standard_normal((4, 7, 8)), "weight": rng.standard_normal((8, 8))}


def integers():
    return {"weight": [[0, 1], [1, 0]], "x": [2, 6]}


def another_name(x, weight, eps=1e-5):
    h = norms.layer_norm(x, eps=eps)
    return h @ weight + x


def residual_kept_first(x, weight, eps=1e-5):
    residual = x
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)
    return residual + np.einsum("...i,ij->...j", x, weight)


def copied_then_added(x, weight, eps=1e-5):
    out = x.copy()
    out += np.matmul(norms.layer_norm(x, eps=eps), weight)
    return out


def through_torch(x, weight, eps=1e-5):
    t = torch.from_numpy(x)
    branch = F.linear(F.layer_norm(t, x.shape[-1:], eps=eps), torch.from_numpy(weight).mT)
    return (t + branch).numpy()


def row_by_row(x, weight, eps=1e-5):
    out = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        out[place] = x[place] + weight.T @ norms.layer_norm(x[place], eps=eps)
    return out


def alpha_two():
    weight = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    return {"x": np.array([1.0, 5.0, 0.0]), "weight": weight, "alpha": 2.0}


def alpha_of_twelve_layers():
    rng = np.random.default_rng(6)
    x, weight = rng.standard_normal((2, 3, 8)), rng.standard_normal((8, 8))
    return {"x": x, "weight": weight, "alpha": 24**0.25}


def alpha_below_one():
    return {"x": [[1, 2, 4]], "weight": [[0, 1, 0], [1, 0, 0], [0, 0, 1]], "alpha": 0.5}


def alpha_as_a_numpy_number():
    weight = np.diag([1.0, -1.0, 0.0])
    return {"x": np.array([1.0, 5.0, 2.0]), "weight": weight, "alpha": np.float32(3)}


def a_large_alpha():
    return {"alpha": 100, "x": np.arange(4.0), "weight": np.eye(4)[::-1]}


def a_tiny_row_without_a_branch():
    return {"x": np.array([1e-3, 0.0]), "weight": np.zeros((2, 2)), "alpha": 4.0}


def in_one_line(x, weight, alpha, eps=1e-5):
    return norms.layer_norm(x @ weight + x * alpha, eps=eps)


def by_hand(x, weight, alpha, eps=1e-5):
    stream = alpha * x + np.einsum("...i,ij->...j", x, weight)
    centered = stream - stream.mean(-1, keepdims=True)
    return centered / np.sqrt((centered**2).mean(-1, keepdims=True) + eps)


def one_matrix(x, weight, alpha, eps=1e-5):
    return norms.layer_norm(x @ (weight + alpha * np.eye(len(weight))), eps=eps)


def with_scaled_eps(x, weight, alpha, eps=1e-5):
    return norms.layer_norm(x + x @ weight / alpha, eps=eps / alpha**2)


def torch_module(x, weight, alpha, eps=1e-5):
    norm = torch.nn.LayerNorm(x.shape[-1], eps=eps, elementwise_affine=False)
    t = torch.from_numpy(x)
    return norm(torch.add(t @ torch.from_numpy(weight), t, alpha=alpha)).numpy()


def added_in_place(x, weight, alpha, eps=1e-5):
    out = np.multiply(alpha, x)
    out += x @ weight
    return norms.layer_norm(out, None, None, eps)


def exact_sums(x):
    rows = x.reshape(-1, x.shape[-1]).tolist()
    means = [math.fsum(row) / len(row) for row in rows]
    squares = [
        math.fsum((v - mean) ** 2 for v in row) / len(row)
        for row, mean in zip(rows, means, strict=True)
    ]
    return np.array(squares, dtype=x.dtype).reshape(x.shape[:-1])


def vectorized_item(x, eps=1e-5):
    def one(row):
        return (row - row.mean()) / np.hypot(row.std(), np.sqrt(eps))

    return np.vectorize(one, otypes=[float], signature="(d)->(d)")(x)


def closure_of_the_branch(x, weight, eps=1e-5):
    def branch(z):
        return np.dot(z, weight)

    return np.add(x, branch(norms.layer_norm(x, eps=eps)))


def three_arguments(x, weight, alpha, eps=1e-5):
    return norms.layer_norm(
        np.einsum("...d,de->...e", x, weight + alpha * np.eye(x.shape[-1])), eps=eps
    )


def a_tiny_row():
    return {"x": np.array([0.001, 0.0]), "gamma": np.ones(2)}


def one_small_row_among_others():
    x = np.random.default_rng(7).standard_normal((3, 4, 8))
    x[1, 2] *= 1e-4
    return {"x": x, "gamma": np.full(8, 0.5)}


def a_small_row_in_float32():
    return {"x": np.full((1, 3), 2e-3, np.float32), "gamma": np.array([1.0, 2.0, 3.0])}


def a_row_far_below_eps():
    return {"gamma": np.ones(4), "x": 1e-9 * np.arange(1.0, 5.0)}


def one_small_number():
    return {"x": np.array([0.01]), "gamma": np.array([1.0])}


def mean_of_squares(x, gamma, eps=1e-6):
    return gamma * (x * (np.square(x).mean(-1, keepdims=True) + eps) ** -0.5)


def length_with_width_times_eps(x, gamma, eps=1e-6):
    d = x.shape[-1]
    return gamma * x * np.sqrt(d) / np.sqrt((x**2).sum(-1, keepdims=True) + d * eps)


def scaled_with_its_eps(x, gamma, eps=1e-6):
    m = np.maximum(np.abs(x).max(-1, keepdims=True, initial=0), 1e-300)
    scaled = x / m
    with np.errstate(over="ignore"):
        root = np.sqrt((scaled**2).mean(-1, keepdims=True) + eps / m / m)
    return gamma * scaled / root


def hypot_of_both(x, gamma, eps=1e-6):
    rms = np.sqrt(np.vecdot(x, x) / x.shape[-1])[..., None]
    return x / np.hypot(rms, np.sqrt(eps)) * gamma


def rows_one_by_one(x, gamma, eps=1e-6):
    y = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        y[place] = gamma * x[place] / np.sqrt(x[place] @ x[place] / len(gamma) + eps)
    return y


def a_weight_of_zeros():
    return {"x": np.array([3.0, 4.0]), "weight": np.zeros(2)}


def a_gain_of_zero():
    return {"x": np.array([[1, 2, 2]]), "weight": np.array([-1, -1, -1])}


def weights_of_a_trained_model():
    rng = np.random.default_rng(3)
    return {"x": rng.standard_normal((2, 5, 16)), "weight": rng.uniform(5, 15, 16)}


def lists_of_whole_numbers():
    return {"weight": [1, 1], "x": [[5, 7]]}


def one_feature_and_one_weight():
    return {"x": np.float32([2]), "weight": np.float32([0.5])}


def the_norm_adds_it(x, weight, eps=1e-6):
    stored = weight
    return (1 + stored) * x / np.sqrt((x**2).mean(-1, keepdims=True) + eps)


def the_norm_takes_it_away(x, weight, eps=1e-6):
    stored = 1 + weight
    return (1 + (stored - 1)) * (x / np.sqrt((x**2).mean(-1, keepdims=True) + eps))


def multiplied_out(x, weight, eps=1e-6):
    normalized = x / np.sqrt(np.vecdot(x, x)[..., None] / x.shape[-1] + eps)
    return normalized + weight * normalized


def the_norm_by_hand(x, weight, eps=1e-6):
    rms = np.sqrt(np.mean(np.square(x), axis=-1, keepdims=True) + eps)
    return np.multiply(np.add(weight, 1.0), np.divide(x, rms))


def a_loop_over_features(x, weight, eps=1e-6):
    divisor = np.sqrt(sum(x[..., d] ** 2 for d in range(x.shape[-1])) / x.shape[-1] + eps)
    return np.stack([(1 + w) * x[..., d] / divisor for d, w in enumerate(weight)], axis=-1)


def two_large_numbers():
    x = np.array([300, -300], np.float16)
    return {"x": x, "gamma": np.ones(2), "beta": np.zeros(2)}


def large_rows_of_many():
    x = (2000 * np.random.default_rng(4).standard_normal((3, 64))).astype(np.float16)
    return {"x": x, "gamma": np.ones(64, np.float16), "beta": np.zeros(64, np.float16)}


def a_mean_that_half_does_not_hold():
    x = np.array([[2048, 2050]], np.float16)
    return {"x": x, "gamma": np.array([1, 1]), "beta": np.array([0, 0])}


def one_outlier():
    x = np.ones(16, np.float16)
    x[3] = 5000
    return {"x": x, "gamma": np.ones(16, np.float32), "beta": np.ones(16, np.float32)}


def a_half_tensor():
    return {"x": torch.tensor([[400.0, 0, 1, 2]]).half(), "gamma": [1] * 4, "beta": [0] * 4}


def widened_first(x, gamma, beta, eps=1e-5):
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    centered = wide - wide.mean(-1, keepdims=True)
    y = centered / np.sqrt(np.square(centered).mean(-1, keepdims=True) + eps)
    return (y * gamma + beta).astype(x.dtype)


def all_in_float64(x, gamma, beta, eps=1e-5):
    wide = x.astype(np.float64)
    y = (wide - wide.mean(-1, keepdims=True)) / np.sqrt(wide.var(-1, keepdims=True) + eps)
    return np.asarray(gamma * y + beta, x.dtype)


def statistics_by_dtype(x, gamma, beta, eps=1e-5):
    wide = np.result_type(x, np.float32)
    mean = x.mean(-1, keepdims=True, dtype=wide)
    centered = x.astype(wide) - mean
    variance = np.mean(centered * centered, -1, keepdims=True, dtype=wide)
    return (gamma * (centered / np.sqrt(variance + eps)) + beta).astype(x.dtype)


def sums_divided(x, gamma, beta, eps=1e-5):
    wide, d = x.astype(np.promote_types(x.dtype, np.float32)), x.shape[-1]
    c = wide - wide.sum(-1, keepdims=True) / d
    return (gamma * c / np.sqrt((c**2).sum(-1, keepdims=True) / d + eps) + beta).astype(x.dtype)


def written_row_by_row(x, gamma, beta, eps=1e-5):
    y = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        row = x[place].astype(np.float64)
        y[place] = gamma * (row - row.mean()) / np.sqrt(row.var() + eps) + beta
    return y


def one_example_two_tokens():
    return {"dy": np.ones((1, 2, 2)), "x": np.array([[[1.0, 3.0], [10.0, 20.0]]])}


def a_batch_of_tokens():
    dy, x = np.random.default_rng(8).standard_normal((2, 2, 3, 4))
    return {"x": x, "dy": dy}


def one_token_alone():
    return {"dy": np.array([1.0, 0.0, 2.0]), "x": np.array([1.0, 2.0, 6.0])}


def four_axes_of_whole_numbers():
    x = np.arange(24).reshape(2, 2, 2, 3) ** 2 % 17
    return {"dy": x[::-1].copy(), "x": x}


def float32_tokens():
    x = np.random.default_rng(9).standard_normal((1, 5, 2)).astype(np.float32)
    return {"dy": np.ones((1, 5, 2), np.float32), "x": x}


def summed_over_all_but_the_last(dy, x, eps=1e-5):
    normalized = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps)
    return (dy * normalized).sum(axis=tuple(range(x.ndim - 1)))


def by_einsum(dy, x, eps=1e-5):
    d = x.shape[-1]
    c = (x - x.mean(-1, keepdims=True)).reshape(-1, d)
    normalized = c / np.sqrt((c**2).mean(-1, keepdims=True) + eps)
    return np.einsum("nd,nd->d", dy.reshape(-1, d), normalized)


def gain_of_the_package(dy, x, eps=1e-5):
    return norms.layer_norm_backward(dy, x, np.ones(x.shape[-1]), eps=eps)[1]


def added_token_by_token(dy, x, eps=1e-5):
    total = np.zeros(x.shape[-1])
    for place in np.ndindex(x.shape[:-1]):
        c = x[place] - x[place].mean()
        total += dy[place] * c / np.sqrt(c @ c / len(c) + eps)
    return total


def features_first(dy, x, eps=1e-5):
    d = x.shape[-1]
    columns, gradient = x.reshape(-1, d).T, dy.reshape(-1, d).T
    columns = columns - columns.mean(axis=0)
    return (gradient * columns / np.sqrt((columns**2).mean(axis=0) + eps)).sum(axis=1)


def a_small_number_and_a_large_gain():
    return {"x": np.array([1000, 1e-4], np.float16), "gamma": np.array([0.0, 1000.0])}


def a_number_that_becomes_zero():
    x = np.array([[30_000, 1e-3, 30_000]], np.float16)
    return {"x": x, "gamma": np.array([0, 50_000, 0], np.float32)}


def many_features_and_one_small():
    x = np.full(32, 2000, np.float16)
    x[7] = 3e-4
    gamma = np.zeros(32)
    gamma[7] = 60_000
    return {"gamma": gamma, "x": x}


def two_rows_of_which_one_fails():
    x = np.array([[1, 0], [1000, 1e-4]], np.float16)
    return {"x": x, "gamma": np.array([1e-4, 1000.0])}


def a_half_tensor_with_a_gain():
    return {"x": torch.tensor([2000.0, 3e-4]).half(), "gamma": torch.tensor([0.0, 40_000.0])}


def product_converted(x, gamma, eps=1e-6):
    wide = x.astype(np.result_type(x, np.float32))
    y = gamma * wide * (np.square(wide).mean(-1, keepdims=True) + eps) ** -0.5
    return y.astype(x.dtype)


def gain_over_root(x, gamma, eps=1e-6):
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    factor = gamma / np.sqrt((wide**2).mean(-1, keepdims=True) + eps)
    return (wide * factor).astype(x.dtype)


def in_float64(x, gamma, eps=1e-6):
    wide = x.astype(np.float64)
    mean_square = np.vecdot(wide, wide)[..., None] / x.shape[-1]
    return np.asarray(wide / np.sqrt(mean_square + eps) * gamma, dtype=x.dtype)


def half_alone_is_widened(x, gamma, eps=1e-6):
    wide = np.float32(x) if x.dtype == np.float16 else x
    y = gamma * (wide / np.sqrt(np.mean(wide * wide, axis=-1, keepdims=True) + eps))
    return y.astype(x.dtype)


def assigned_into_the_dtype(x, gamma, eps=1e-6):
    y = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        row = x[place].astype(np.float64)
        y[place] = gamma * row / np.sqrt(row @ row / len(row) + eps)
    return y


def one_token_on_two_devices():
    return {"x": np.array([[[3.0, 4.0]], [[0.0, 1.0]]])}


def parts_without_an_axis_of_tokens():
    return {"x": np.array([[1.0, 1.0], [2.0, 2.0]])}


def random_tokens_on_eight_devices():
    return {"x": np.random.default_rng(11).standard_normal((8, 4, 16))}


def a_device_that_holds_zeros():
    return {"x": np.stack([np.zeros((3, 5)), np.ones((3, 5))])}


def whole_numbers_on_devices():
    return {"x": [[[[1, 2]], [[3, 4]]], [[[1, 2]], [[3, 5]]]]}


def mean_of_the_means(x, eps=1e-6):
    return x / np.sqrt(np.square(x).mean(-1, keepdims=True).mean(0, keepdims=True) + eps)


def sums_and_the_width(x, eps=1e-6):
    total = (x**2).sum(axis=(0, -1))[..., None]
    return x / np.sqrt(total / (len(x) * x.shape[-1]) + eps)


def joined_and_cut_again(x, eps=1e-6):
    whole = np.concatenate([*x], axis=-1)
    whole = whole / np.sqrt((whole**2).mean(-1, keepdims=True) + eps)
    return np.stack(np.split(whole, len(x), axis=-1))


def device_by_device(x, eps=1e-6):
    total = sum(np.vecdot(part, part) for part in x) / (len(x) * x.shape[-1])
    return np.array([part / np.sqrt(total + eps)[..., None] for part in x])


def devices_moved_inside(x, eps=1e-6):
    inside = np.moveaxis(x, 0, -1)
    scale = np.sqrt(np.mean(inside**2, axis=(-2, -1), keepdims=True) + eps)
    return np.moveaxis(inside / scale, -1, 0)


RIGHT = {
    "annotated_layer_norm_failing_input": [
        two_features,
        the_issue_s_own_row,
        a_random_batch,
        one_feature_gives_nan,
        float32_torch_tensors,
        just_few_enough_features,
    ],
    "annotated_layer_norm": [
        over_d,
        corrected_variance,
        std_and_hypot,
        built_in,
        of_the_package,
        torch_with_correction_0,
    ],
    "row_variance_failing_input": [
        a_negative_variance,
        a_normal_row_at_1e4,
        float64_at_1e8,
        a_constant_float32_row,
        small_numbers_of_a_smaller_spread,
        a_float32_tensor,
    ],
    "row_variance": [
        two_pass,
        built_in_variance,
        shifted_by_the_first,
        welford,
        differences_of_pairs,
        corrected_two_pass,
        exact_sums,
    ],
    "layer_norm_dx_failing_input": [
        a_single_one,
        the_normed_row_itself,
        a_gradient_of_ones_through_a_gain,
        random_arrays,
        whole_numbers,
        a_large_row,
    ],
    "layer_norm_dx": [three_terms, backward_of_the_package, autograd, jacobian, through_the_chain],
    "item_layer_norm_failing_input": [
        two_items,
        a_batch,
        four_axes,
        one_axis,
        nested_lists,
        an_item_beside_padding,
    ],
    "item_layer_norm": [
        last_axis,
        normalized_shape_of_the_last,
        flat_rows,
        along_the_last,
        positive_axis,
        norm_of_the_package,
        vectorized_item,
    ],
    "pre_norm_linear_failing_input": [
        no_branch,
        an_identity,
        a_shifted_row,
        a_scaled_row,
        a_large_batch,
        integers,
    ],
    "pre_norm_linear": [
        another_name,
        residual_kept_first,
        copied_then_added,
        through_torch,
        row_by_row,
        closure_of_the_branch,
    ],
    "deepnorm_linear_failing_input": [
        alpha_two,
        alpha_of_twelve_layers,
        alpha_below_one,
        alpha_as_a_numpy_number,
        a_large_alpha,
        a_tiny_row_without_a_branch,
    ],
    "deepnorm_linear": [
        in_one_line,
        by_hand,
        one_matrix,
        with_scaled_eps,
        torch_module,
        added_in_place,
        three_arguments,
    ],
    "exported_rms_norm_failing_input": [
        a_tiny_row,
        one_small_row_among_others,
        a_small_row_in_float32,
        a_row_far_below_eps,
        one_small_number,
    ],
    "exported_rms_norm": [
        mean_of_squares,
        length_with_width_times_eps,
        scaled_with_its_eps,
        hypot_of_both,
        rows_one_by_one,
    ],
    "converted_rms_norm_failing_input": [
        a_weight_of_zeros,
        a_gain_of_zero,
        weights_of_a_trained_model,
        lists_of_whole_numbers,
        one_feature_and_one_weight,
    ],
    "converted_rms_norm": [
        the_norm_adds_it,
        the_norm_takes_it_away,
        multiplied_out,
        the_norm_by_hand,
        a_loop_over_features,
    ],
    "half_layer_norm_failing_input": [
        two_large_numbers,
        large_rows_of_many,
        a_mean_that_half_does_not_hold,
        one_outlier,
        a_half_tensor,
    ],
    "half_layer_norm": [
        widened_first,
        all_in_float64,
        statistics_by_dtype,
        sums_divided,
        written_row_by_row,
    ],
    "layer_norm_dgamma_failing_input": [
        one_example_two_tokens,
        a_batch_of_tokens,
        one_token_alone,
        four_axes_of_whole_numbers,
        float32_tokens,
    ],
    "layer_norm_dgamma": [
        summed_over_all_but_the_last,
        by_einsum,
        gain_of_the_package,
        added_token_by_token,
        features_first,
    ],
    "cast_rms_norm_failing_input": [
        a_small_number_and_a_large_gain,
        a_number_that_becomes_zero,
        many_features_and_one_small,
        two_rows_of_which_one_fails,
        a_half_tensor_with_a_gain,
    ],
    "cast_rms_norm": [
        product_converted,
        gain_over_root,
        in_float64,
        half_alone_is_widened,
        assigned_into_the_dtype,
    ],
    "sharded_rms_norm_failing_input": [
        one_token_on_two_devices,
        parts_without_an_axis_of_tokens,
        random_tokens_on_eight_devices,
        a_device_that_holds_zeros,
        whole_numbers_on_devices,
    ],
    "sharded_rms_norm": [
        mean_of_the_means,
        sums_and_the_width,
        joined_and_cut_again,
        device_by_device,
        devices_moved_inside,
    ],
}
EQUIVALENT = {
    "annotated_layer_norm": {},
    "row_variance": {},
    "layer_norm_dx": {},
    "item_layer_norm": {},
    "pre_norm_linear": {},
    "deepnorm_linear": {},
    "exported_rms_norm": {},
    "converted_rms_norm": {},
    "half_layer_norm": {},
    "layer_norm_dgamma": {
        "tokens = x.reshape(-1, x.shape[-1]) -> tokens = x.reshape(-2, x.shape[-1])": "NumPy "
        "takes every negative size for the one to be found",
        "tokens = x.reshape(-1, x.shape[-1]) -> tokens = x.reshape(-1, dy.shape[-1])": "dy has "
        "the shape of x",
        **{
            f"{line}(axis=-1, keepdims=True) -> {line}(axis={axis}, keepdims=True)": "tokens "
            "have two axes, and 1 is the last one"
            for line in (
                "centered = tokens - tokens.mean",
                "variance = (centered ** 2).mean",
            )
            for axis in ("+1", "--1")
        },
    },
    "cast_rms_norm": {},
    "sharded_rms_norm": {},
}
