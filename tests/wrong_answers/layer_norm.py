"""Wrong answers to exercise 01."""

import numpy as np
import torch
import torch.nn.functional as F


def check_shapes(x, *parameters):
    for parameter in parameters:
        if parameter.shape != x.shape[-1:]:
            raise ValueError(f"shape {parameter.shape} does not fit x {x.shape}")


def widened(x):
    return x.astype(np.promote_types(x.dtype, np.float32))


def batch_norm_of_rows(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    mean = np.mean(h, axis=0)
    var = np.var(h, axis=0)
    return (gamma * (h - mean) / np.sqrt(var + eps) + beta).astype(x.dtype)


def batch_norm_of_all_tokens(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    tokens = x.reshape(-1, x.shape[-1]).astype(np.float64)
    mu = tokens.mean(0)
    sigma2 = ((tokens - mu) ** 2).mean(0)
    y = (tokens - mu) / np.sqrt(sigma2 + eps)
    return (y * gamma + beta).reshape(x.shape).astype(x.dtype)


def over_everything(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    y = (h - h.mean()) / np.sqrt(h.var() + eps)
    return np.asarray(y * gamma + beta, dtype=x.dtype)


def variance_without_an_axis(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    mean = h.mean(axis=-1, keepdims=True)
    var = np.var(h - mean)
    return (gamma * ((h - mean) / np.sqrt(var + eps)) + beta).astype(x.dtype)


def std_plus_eps(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = x.astype(np.float64)
    mean = h.mean(-1, keepdims=True)
    std = h.std(-1, keepdims=True)
    return (gamma * (h - mean) / (std + eps) + beta).astype(x.dtype)


def annotated_transformer(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    t = torch.from_numpy(np.ascontiguousarray(widened(x)))
    mean = t.mean(-1, keepdim=True)
    std = t.std(-1, keepdim=True)
    return (gamma * ((t - mean) / (std + eps)).numpy() + beta).astype(x.dtype)


def no_root(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    mu = h.mean(-1)[..., None]
    var = h.var(-1)[..., None]
    return (gamma * (h - mu) / (var + eps) + beta).astype(x.dtype)


def length_of_the_centered_row(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    centered = x.astype(np.float64) - x.astype(np.float64).mean(-1, keepdims=True)
    length = np.sqrt(np.linalg.norm(centered, axis=-1, keepdims=True) ** 2 + eps)
    return (gamma * centered / length + beta).astype(x.dtype)


def torch_var(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    t = torch.tensor(widened(x))
    var, mean = torch.var_mean(t, dim=-1, keepdim=True)
    y = (t - mean) * torch.rsqrt(var + eps)
    return (y.numpy() * gamma + beta).astype(x.dtype)


def one_pass(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    mean = h.mean(axis=-1, keepdims=True)
    mean_x2 = (h**2).mean(axis=-1, keepdims=True)
    var = mean_x2 - mean**2
    return (gamma * (h - mean) / np.sqrt(var + eps) + beta).astype(x.dtype)


def gain_from_zero(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    y = c / np.sqrt(np.square(c).mean(-1, keepdims=True) + eps)
    return (y * (1 + gamma) + beta).astype(x.dtype)


def divided_by_the_number_of_rows(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    n = len(x)
    mean = h.sum(-1, keepdims=True) / n
    var = ((h - mean) ** 2).sum(-1, keepdims=True) / n
    return (gamma * (h - mean) / np.sqrt(var + eps) + beta).astype(x.dtype)


def numerator_not_centered(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    var = h.var(axis=-1, keepdims=True)
    return (gamma * h / np.sqrt(var + eps) + beta).astype(x.dtype)


def mean_absolute_deviation(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    spread = np.abs(c).mean(-1, keepdims=True)
    return (gamma * c / (spread + eps) + beta).astype(x.dtype)


def centered_in_place(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = x if x.dtype != np.float16 else x.astype(np.float32)
    h -= h.mean(-1, keepdims=True)
    h /= np.sqrt((h**2).mean(-1, keepdims=True) + eps)
    return (gamma * h + beta).astype(x.dtype)


def float64_returned(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = np.array(x, dtype=np.float64)
    mean = np.mean(h, axis=-1, keepdims=True)
    var = np.mean((h - mean) ** 2, axis=-1, keepdims=True)
    return gamma * (h - mean) / np.sqrt(var + eps) + beta


def float32_always(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = x.astype(np.float32)
    mean = h.mean(axis=-1, keepdims=True)
    var = h.var(axis=-1, keepdims=True)
    return (gamma * (h - mean) / np.sqrt(var + eps) + beta).astype(x.dtype)


def sizes_compared(x, gamma, beta, eps=1e-5):
    if gamma.size != x.shape[-1] or beta.size != x.shape[-1]:
        raise ValueError(f"gamma {gamma.shape} and beta {beta.shape} do not fit x {x.shape}")
    h = widened(x)
    mean = h.mean(axis=-1, keepdims=True)
    var = h.var(axis=-1, keepdims=True)
    return (gamma * (h - mean) / np.sqrt(var + eps) + beta).astype(x.dtype)


def asserted(x, gamma, beta, eps=1e-5):
    d = x.shape[-1]
    assert gamma.shape == (d,), f"gamma {gamma.shape}, x {x.shape}"
    assert beta.shape == (d,), f"beta {beta.shape}, x {x.shape}"
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    return (gamma * c / np.sqrt((c * c).mean(-1, keepdims=True) + eps) + beta).astype(x.dtype)


def parameters_in_half(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    mean = h.mean(-1, keepdims=True)
    y = (h - mean) / np.sqrt(h.var(-1, keepdims=True) + eps)
    return gamma.astype(x.dtype) * y.astype(x.dtype) + beta.astype(x.dtype)


def bert_s_eps(x, gamma, beta, eps=1e-12):
    check_shapes(x, gamma, beta)
    h = widened(x)
    u = h.mean(-1, keepdims=True)
    s = ((h - u) ** 2).mean(-1, keepdims=True)
    return (gamma * ((h - u) / np.sqrt(s + eps)) + beta).astype(x.dtype)


def eps_squared(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    root = np.hypot(np.sqrt((c**2).mean(-1, keepdims=True)), eps)
    return (gamma * c / root + beta).astype(x.dtype)


def shift_scaled_too(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    y = c / np.sqrt(h.var(-1, keepdims=True) + eps)
    return (y * gamma + beta / np.sqrt(h.var(-1, keepdims=True) + eps)).astype(x.dtype)


def keepdims_forgotten(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    mean = h.mean(axis=-1)
    var = h.var(axis=-1)
    return (gamma * (h - mean) / np.sqrt(var + eps) + beta).astype(x.dtype)


def shift_added_after_the_conversion(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = x.astype(np.float64)
    c = h - h.mean(-1, keepdims=True)
    scaled = np.einsum("d,...d->...d", gamma, c / np.sqrt(h.var(-1, keepdims=True) + eps))
    return scaled.astype(x.dtype) + beta


def numpy_scalars_in_a_loop(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    out = np.empty_like(x)
    for place in np.ndindex(x.shape[:-1]):
        row = [float(v) for v in x[place]]
        mean = sum(row) / len(row)
        variance = sum((v - mean) ** 2 for v in row) / len(row)
        for d, value in enumerate(row):
            out[place][d] = gamma[d] * (value - mean) / (variance + eps) ** 0.5 + beta[d]
    return out


def divisor_in_single_precision(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    inverse = (1 / np.sqrt((c**2).mean(-1, keepdims=True) + eps)).astype(np.float32)
    return (gamma * (c * inverse) + beta).astype(x.dtype)


def parameters_in_single_precision(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    y = c / np.sqrt((c**2).mean(-1, keepdims=True) + eps)
    return (np.float32(gamma) * y + np.float32(beta)).astype(x.dtype)


def only_gamma_checked(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    return (gamma * c / np.sqrt((c**2).mean(-1, keepdims=True) + eps) + beta).astype(x.dtype)


def error_without_shapes(x, gamma, beta, eps=1e-5):
    if gamma.shape != x.shape[-1:] or beta.shape != x.shape[-1:]:
        raise ValueError("gamma and beta must match the last axis of x")
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    return (gamma * c / np.sqrt((c**2).mean(-1, keepdims=True) + eps) + beta).astype(x.dtype)


def zero_for_a_single_token(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = np.atleast_2d(widened(x))
    c = h - h.mean(-1, keepdims=True)
    return (gamma * c / np.sqrt((c**2).mean(-1, keepdims=True) + eps) + beta).astype(x.dtype)


WRONG = {
    "layer_norm": [
        (batch_norm_of_rows, "The statistics go over axis 0, as in batch norm."),
        (
            batch_norm_of_all_tokens,
            "The statistics go over all tokens for each feature: that is batch norm.",
        ),
        (over_everything, "One mean and one variance are taken over the whole array."),
        (
            variance_without_an_axis,
            "The mean is each row's own, but the variance is taken over the whole array.",
        ),
        (std_plus_eps, "ε is added to the standard deviation, outside the root."),
        (
            annotated_transformer,
            "torch's std divides by D − 1, and ε is added outside the root.",
        ),
        (no_root, "The division is by the variance: the root is missing."),
        (
            length_of_the_centered_row,
            "The division is by the length of the centered row: the squares are summed, not "
            "averaged over D.",
        ),
        (torch_var, "torch's variance divides by D − 1."),
        (
            one_pass,
            "The variance is E[x²] − E[x]², which loses its digits for rows far from 0.",
        ),
        (gain_from_zero, "The gain is 1 + γ, not γ."),
        (
            divided_by_the_number_of_rows,
            "The sums are divided by the length of the first axis, not by the number of features.",
        ),
        (numerator_not_centered, "The mean is not subtracted in the numerator."),
        (
            mean_absolute_deviation,
            "The division is by the mean absolute deviation, not by the standard deviation.",
        ),
        (centered_in_place, "float32 and float64 inputs are changed in place."),
        (float64_returned, "The result is always float64: it is not converted back."),
        (
            float32_always,
            "Everything is computed in float32: a float64 input loses its precision.",
        ),
        (sizes_compared, "The sizes are compared and not the shapes: (1, D) is accepted."),
        (asserted, "A wrong shape raises an AssertionError, not a ValueError."),
        (
            parameters_in_half,
            "The normalized values, γ and β are rounded to the dtype of x, and multiplied and "
            "added in it.",
        ),
        (bert_s_eps, "The default of eps is 1e-12, not 1e-5."),
        (eps_squared, "ε² is added to the variance, not ε."),
        (shift_scaled_too, "β is divided by the standard deviation, too."),
        (
            keepdims_forgotten,
            "Without keepdims the statistics do not line up with their rows.",
        ),
        (
            shift_added_after_the_conversion,
            "β is added after the conversion, so the result has the dtype of a wider β.",
        ),
        (
            numpy_scalars_in_a_loop,
            "A Python number takes the dtype of γ: with float16 or float32 gains the product is "
            "rounded to it, though x is float64.",
        ),
        (
            divisor_in_single_precision,
            "The divisor is rounded to float32, also where x is float64.",
        ),
        (
            parameters_in_single_precision,
            "γ and β are rounded to float32, also where all is float64.",
        ),
        (only_gamma_checked, "The shape of beta is not checked."),
        (error_without_shapes, "The ValueError names no shape."),
        (zero_for_a_single_token, "A single token (D,) comes out as (1, D)."),
    ]
}


def pico_gpt(x, gamma, beta, eps=1e-5):
    if gamma.shape != x.shape[-1:] or beta.shape != x.shape[-1:]:
        raise ValueError(f"{gamma.shape} {beta.shape} {x.shape}")
    y = gamma * (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + eps) + beta
    return y.astype(x.dtype)


def pico_gpt_in_place(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    x -= x.mean(-1, keepdims=True)
    x /= np.sqrt((x**2).mean(-1, keepdims=True) + eps)
    return (gamma * x + beta).astype(x.dtype)


def sample_variance_with_a_guard(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    m = h.mean(-1, keepdims=True)
    var = ((h - m) ** 2).sum(-1, keepdims=True) / max(x.shape[-1] - 1, 1)
    return (gamma * (h - m) / np.sqrt(var + eps) + beta).astype(x.dtype)


def standard_scaler(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    s = h.std(-1, keepdims=True)
    s[s == 0] = 1
    return (gamma * (h - h.mean(-1, keepdims=True)) / s + beta).astype(x.dtype)


def tiny_eps_of_its_own(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    return (gamma * c / np.sqrt(h.var(-1, keepdims=True) + 1e-30) + beta).astype(x.dtype)


def eps_1e_8(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    return (gamma * c / np.sqrt(h.var(-1, keepdims=True) + 1e-8) + beta).astype(x.dtype)


def eps_1e_6(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    return (gamma * c / np.sqrt(h.var(-1, keepdims=True) + 1e-6) + beta).astype(x.dtype)


def gatr(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    axes = tuple(range(1, x.ndim))
    c = h - h.mean(axis=axes, keepdims=True)
    var = (c**2).mean(axis=axes, keepdims=True)
    return (gamma * c / np.sqrt(var + eps) + beta).astype(x.dtype)


def convnext(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    axis = 1 if x.ndim > 1 else 0
    u = h.mean(axis, keepdims=True)
    s = ((h - u) ** 2).mean(axis, keepdims=True)
    return (gamma * (h - u) / np.sqrt(s + eps) + beta).astype(x.dtype)


def rms_norm_handed_in(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    variance = (h**2).mean(-1, keepdims=True)
    return (gamma * h / np.sqrt(variance + eps) + beta).astype(x.dtype)


def shift_before_gain(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    return (gamma * (c / np.sqrt(h.var(-1, keepdims=True) + eps) + beta)).astype(x.dtype)


def sign_flipped(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h.mean(-1, keepdims=True) - h
    return (gamma * c / np.sqrt(h.var(-1, keepdims=True) + eps) + beta).astype(x.dtype)


def gain_and_shift_swapped(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    return (beta * c / np.sqrt(h.var(-1, keepdims=True) + eps) + gamma).astype(x.dtype)


def eps_as_floor(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    var = np.maximum(h.var(-1, keepdims=True), eps)
    return (gamma * c / np.sqrt(var) + beta).astype(x.dtype)


def complex_numbers(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    return (gamma * c / np.sqrt(h.var(-1, keepdims=True) + eps) + beta).astype(complex)


def python_objects(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    return (gamma * c / np.sqrt(h.var(-1, keepdims=True) + eps) + beta).astype(object)


def three_ranks_only(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    if x.ndim == 3:
        m, v = h.mean(2)[:, :, None], h.var(2)[:, :, None]
    elif x.ndim == 1:
        m, v = h.mean(), h.var()
    else:
        m, v = h.mean(1)[:, None], h.var(1)[:, None]
    return (gamma * (h - m) / np.sqrt(v + eps) + beta).astype(x.dtype)


def no_more_than_three_axes(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    if x.ndim > 3:
        raise ValueError(f"x {x.shape} has more than three axes")
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    return (gamma * c / np.sqrt(h.var(-1, keepdims=True) + eps) + beta).astype(x.dtype)


def narrowed_after_centering(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = (h - h.mean(-1, keepdims=True)).astype(np.float32)
    y = c / np.sqrt((c**2).mean(-1, keepdims=True) + eps)
    return (gamma * y + beta).astype(x.dtype)


def rounded_to_six_places(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    y = gamma * c / np.sqrt(h.var(-1, keepdims=True) + eps) + beta
    return np.round(y, 6).astype(x.dtype)


def clipped_at_four(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    y = gamma * c / np.sqrt(h.var(-1, keepdims=True) + eps) + beta
    return np.clip(y, -4, 4).astype(x.dtype)


def torch_tensor_returned(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    t, weight, bias = (torch.from_numpy(np.asarray(a, np.float64)) for a in (x, gamma, beta))
    y = F.layer_norm(t, x.shape[-1:], weight, bias, eps)
    return y.to(torch.from_numpy(np.empty(0, x.dtype)).dtype)


def masked_array_returned(x, gamma, beta, eps=1e-5):
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    y = (gamma * c / np.sqrt(h.var(-1, keepdims=True) + eps) + beta).astype(x.dtype)
    return np.ma.masked_array(y, mask=np.zeros(y.shape, bool))


def not_implemented_left_in(x, gamma, beta, eps=1e-5):
    raise NotImplementedError
    check_shapes(x, gamma, beta)
    h = widened(x)
    c = h - h.mean(-1, keepdims=True)
    return (gamma * c / np.sqrt(h.var(-1, keepdims=True) + eps) + beta).astype(x.dtype)


NAMED, REJECTED = "rejected and named", "rejected"
REPORTED = {
    "layer_norm": [
        (pico_gpt, "half-statistics alone: the statistics are computed in float16.", NAMED),
        (
            pico_gpt_in_place,
            "x is changed in place (said once), and the statistics are computed in float16.",
            NAMED,
        ),
        (sample_variance_with_a_guard, "unbiased-variance: the divisor is D − 1.", NAMED),
        (standard_scaler, "eps-missing", NAMED),
        (tiny_eps_of_its_own, "eps-missing", NAMED),
        (eps_1e_8, "eps-wrong-value: eps is ignored, 1e-8 is used.", NAMED),
        (eps_1e_6, "eps-wrong-value: eps is ignored, 1e-6 is used.", NAMED),
        (gatr, "axis-example: the statistics go over all axes but the first.", NAMED),
        (convnext, "The statistics go over the fixed axis 1 (axis-tokens).", NAMED),
        (rms_norm_handed_in, "This is RMSNorm's formula: the mean is not subtracted.", NAMED),
        (shift_before_gain, "β is added before the multiplication by γ.", NAMED),
        (sign_flipped, "The sign is flipped: mean − x instead of x − mean.", NAMED),
        (gain_and_shift_swapped, "γ and β are exchanged.", NAMED),
        (eps_as_floor, "ε is a floor, max(variance, ε), instead of a summand.", NAMED),
        (complex_numbers, "The dtype of the result is complex128.", REJECTED),
        (python_objects, "The dtype of the result is object.", REJECTED),
        (three_ranks_only, "More than three axes come out wrong (rows mixed).", REJECTED),
        (no_more_than_three_axes, "More than three axes are refused.", REJECTED),
        (narrowed_after_centering, "float64 is computed in float32 after centering.", REJECTED),
        (rounded_to_six_places, "The result is rounded to six places.", REJECTED),
        (clipped_at_four, "The result is clipped at ±4.", REJECTED),
        (torch_tensor_returned, "A torch tensor is returned where NumPy is asked.", REJECTED),
        (masked_array_returned, "A masked array is returned.", REJECTED),
        (not_implemented_left_in, "raise NotImplementedError is left above the answer.", REJECTED),
    ]
}
