"""Wrong answers to exercise 09: kernels of Triton, without their decorator."""

import triton.language as tl


def no_masks(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + cols).to(tl.float32)
    w = tl.load(weight_ptr + cols).to(tl.float32)
    rstd = tl.rsqrt(tl.sum(x * x, axis=0) / D + eps)
    tl.store(y_ptr + row * row_stride + cols, x * rstd * w)


def store_without_mask(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + cols, mask=cols < D, other=0.0).to(tl.float32)
    w = tl.load(weight_ptr + cols, mask=cols < D, other=0.0).to(tl.float32)
    rstd = tl.rsqrt(tl.sum(x * x, axis=0) / D + eps)
    tl.store(y_ptr + row * row_stride + cols, x * rstd * w)


def weight_without_mask(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + cols, mask=cols < D, other=0.0).to(tl.float32)
    w = tl.load(weight_ptr + cols).to(tl.float32)
    rstd = tl.rsqrt(tl.sum(x * x, axis=0) / D + eps)
    tl.store(y_ptr + row * row_stride + cols, x * rstd * w, mask=cols < D)


def no_other(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + cols, mask=cols < D).to(tl.float32)
    w = tl.load(weight_ptr + cols, mask=cols < D).to(tl.float32)
    rstd = tl.rsqrt(tl.sum(x * x, axis=0) / D + eps)
    tl.store(y_ptr + row * row_stride + cols, x * rstd * w, mask=cols < D)


def mean_over_the_block(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    cols = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + cols, mask=cols < D, other=0.0).to(tl.float32)
    w = tl.load(weight_ptr + cols, mask=cols < D, other=0.0).to(tl.float32)
    y = x / tl.sqrt(tl.sum(x * x) / BLOCK + eps) * w
    tl.store(y_ptr + row * row_stride + cols, y, mask=cols < D)


def rows_are_contiguous(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    x_ptr += tl.program_id(0) * D
    y_ptr += tl.program_id(0) * D
    cols = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + cols, mask=cols < D, other=0.0).to(tl.float32)
    w = tl.load(weight_ptr + cols, mask=cols < D, other=0.0).to(tl.float32)
    tl.store(y_ptr + cols, x * tl.rsqrt(tl.sum(x * x) / D + eps) * w, mask=cols < D)


def y_is_contiguous(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row, cols = tl.program_id(0), tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + cols, mask=cols < D, other=0.0).to(tl.float32)
    w = tl.load(weight_ptr + cols, mask=cols < D, other=0.0).to(tl.float32)
    y = x * tl.rsqrt(tl.sum(x * x) / D + eps) * w
    tl.store(y_ptr + row * D + cols, y, mask=cols < D)


def eps_behind_the_root(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row, cols = tl.program_id(0), tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + cols, mask=cols < D, other=0.0).to(tl.float32)
    w = tl.load(weight_ptr + cols, mask=cols < D, other=0.0).to(tl.float32)
    y = w * x / (tl.sqrt(tl.sum(x * x) / D) + eps)
    tl.store(y_ptr + row * row_stride + cols, y, mask=cols < D)


def nothing_widened(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row, cols = tl.program_id(0), tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + cols, mask=cols < D, other=0.0)
    w = tl.load(weight_ptr + cols, mask=cols < D, other=0.0)
    y = w * x / tl.sqrt(tl.sum(x * x) / D + eps)
    tl.store(y_ptr + row * row_stride + cols, y, mask=cols < D)


def widened_after_the_sum(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row, cols = tl.program_id(0), tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + cols, mask=cols < D, other=0.0)
    w = tl.load(weight_ptr + cols, mask=cols < D, other=0.0)
    total = tl.sum(x * x).to(tl.float32)
    y = w * (x / tl.sqrt(total / D + eps))
    tl.store(y_ptr + row * row_stride + cols, y, mask=cols < D)


def as_llama_has_it(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row, cols = tl.program_id(0), tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + cols, mask=cols < D, other=0.0)
    wide = x.to(tl.float32)
    w = tl.load(weight_ptr + cols, mask=cols < D, other=0.0)
    normalized = (wide * tl.rsqrt(tl.sum(wide * wide) / D + eps)).to(x.dtype)
    tl.store(y_ptr + row * row_stride + cols, w * normalized, mask=cols < D)


def always_the_first_row(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    cols = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + cols, mask=cols < D, other=0.0).to(tl.float32)
    w = tl.load(weight_ptr + cols, mask=cols < D, other=0.0).to(tl.float32)
    tl.store(y_ptr + cols, x * tl.rsqrt(tl.sum(x * x) / D + eps) * w, mask=cols < D)


def written_over_x(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row, cols = tl.program_id(0), tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + cols, mask=cols < D, other=0.0).to(tl.float32)
    w = tl.load(weight_ptr + cols, mask=cols < D, other=0.0).to(tl.float32)
    y = w * x / tl.sqrt(tl.sum(x * x) / D + eps)
    tl.store(x_ptr + row * row_stride + cols, y, mask=cols < D)


def no_weight(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row, cols = tl.program_id(0), tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + cols, mask=cols < D, other=0.0).to(tl.float32)
    y = x / tl.sqrt(tl.sum(x * x) / D + eps)
    tl.store(y_ptr + row * row_stride + cols, y, mask=cols < D)


def layer_norm(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row, cols = tl.program_id(0), tl.arange(0, BLOCK)
    inside = cols < D
    x = tl.load(x_ptr + row * row_stride + cols, mask=inside, other=0.0).to(tl.float32)
    centered = tl.where(inside, x - tl.sum(x) / D, 0.0)
    w = tl.load(weight_ptr + cols, mask=inside, other=0.0).to(tl.float32)
    y = w * centered / tl.sqrt(tl.sum(centered * centered) / D + eps)
    tl.store(y_ptr + row * row_stride + cols, y, mask=inside)


def mask_for_all_rows(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    """The mask of a kernel that treats x as one long vector."""
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < tl.num_programs(0) * D
    x = tl.load(x_ptr + offsets, mask=inside, other=0.0).to(tl.float32)
    w = tl.load(weight_ptr + tl.arange(0, BLOCK), mask=tl.arange(0, BLOCK) < D, other=0.0)
    y = w * x / tl.sqrt(tl.sum(x * x) / D + eps)
    tl.store(y_ptr + offsets, y, mask=inside)


WRONG = {
    "rms_norm_kernel": [
        (no_masks, "No load and no store has a mask."),
        (store_without_mask, "The store has no mask."),
        (weight_without_mask, "The load of the weight has no mask."),
        (no_other, "The load has no other, and the sum takes what it leaves undefined."),
        (mean_over_the_block, "The sum is divided by BLOCK."),
        (rows_are_contiguous, "The stride is not used."),
        (y_is_contiguous, "The stride is not used for y."),
        (eps_behind_the_root, "ε stands outside the root."),
        (nothing_widened, "float16 is squared, and the root refuses it."),
        (widened_after_the_sum, "float16 is squared and summed."),
        (as_llama_has_it, "x̂ is rounded before the weight multiplies."),
        (always_the_first_row, "Every program has row 0."),
        (written_over_x, "y is written into x."),
        (no_weight, "The weight is not used."),
        (layer_norm, "The mean is subtracted."),
        (mask_for_all_rows, "Rows start BLOCK apart, and the mask is that of one long vector."),
    ]
}
REPORTED: dict[str, list[tuple[object, str, str]]] = {}
