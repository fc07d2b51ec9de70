"""Right answers to exercise 09: kernels of Triton, without their decorator."""

import triton
import triton.language as tl

from normlab.checks.interpreter import interpreting

with interpreting():

    @triton.jit
    def mean_square_of(x, D):
        return tl.sum(x * x, axis=0) / D

    @triton.jit
    def added(a, b):
        return a + b


def rsqrt(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    x_ptr += tl.program_id(0) * row_stride
    y_ptr += tl.program_id(axis=0) * row_stride
    cols = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + cols, mask=cols < D, other=0).to(tl.float32)
    scale = tl.rsqrt(tl.sum(x * x, axis=0) / D + eps)
    gain = tl.load(weight_ptr + cols, mask=cols < D)
    tl.store(y_ptr + cols, x * scale * gain, mask=cols < D)


def padding_taken_out(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row, cols = tl.program_id(0), tl.arange(0, BLOCK)
    inside = cols < D
    x = tl.load(x_ptr + row * row_stride + cols, mask=inside).to(tl.float32)
    squares = tl.where(inside, x * x, 0.0)
    rms = tl.sqrt(tl.sum(squares) / D + eps)
    weight = tl.load(weight_ptr + cols, mask=inside).to(tl.float32)
    y = x / rms * weight
    tl.store(y_ptr + row * row_stride + cols, y.to(y_ptr.dtype.element_ty), mask=inside)


def block_pointers(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    x_block = tl.make_block_ptr(x_ptr + row * row_stride, (D,), (1,), (0,), (BLOCK,), (0,))
    weight_block = tl.make_block_ptr(weight_ptr, (D,), (1,), (0,), (BLOCK,), (0,))
    y_block = tl.make_block_ptr(y_ptr + row * row_stride, (D,), (1,), (0,), (BLOCK,), (0,))
    x = tl.load(x_block, boundary_check=(0,), padding_option="zero").to(tl.float32)
    weight = tl.load(weight_block, boundary_check=(0,), padding_option="zero")
    y = x * weight.to(tl.float32) / tl.sqrt(tl.sum(x * x) / D + eps)
    tl.store(y_block, y.to(y_ptr.dtype.element_ty), boundary_check=(0,))


def in_double(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    cols = tl.arange(0, BLOCK)
    x = tl.load(x_ptr + row * row_stride + cols, mask=cols < D, other=0.0).to(tl.float64)
    total = tl.reduce(x * x, 0, added)
    scale = 1.0 / tl.sqrt(total / D + eps)
    weight = tl.load(weight_ptr + cols, mask=cols < D, other=0.0).to(tl.float64)
    tl.store(y_ptr + row * row_stride + cols, weight * (x * scale), mask=cols < D)


def with_a_function_of_its_own(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    row, cols = tl.program_id(0), tl.arange(0, BLOCK)
    inside = cols < D
    x = tl.load(x_ptr + row * row_stride + cols, mask=inside, other=0.0).to(tl.float32)
    weight = tl.load(weight_ptr + cols, mask=inside, other=0.0).to(tl.float32)
    y = x * weight / tl.sqrt(mean_square_of(x, D) + eps)
    tl.store(y_ptr + row * row_stride + cols, y, mask=inside)


def as_a_tile(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    rows = tl.program_id(0) + tl.arange(0, 1)[:, None]
    cols = tl.arange(0, BLOCK)[None, :]
    x = tl.load(x_ptr + rows * row_stride + cols, mask=cols < D, other=0.0).to(tl.float32)
    mean_square = tl.sum(x * x, axis=1, keep_dims=True) / D
    weight = tl.load(weight_ptr + cols, mask=cols < D, other=0.0).to(tl.float32)
    y = x * tl.rsqrt(mean_square + eps) * weight
    tl.store(y_ptr + rows * row_stride + cols, y, mask=cols < D)


def in_several_loads(p, w, q, s, n, e, B: tl.constexpr):
    total = 0.0
    for start in range(0, n, 2):
        two = start + tl.arange(0, 2)
        part = tl.load(p + tl.program_id(0) * s + two, mask=two < n, other=0.0).to(tl.float32)
        total += tl.sum(part * part)
    scale = 1 / tl.sqrt(total / n + e)
    for start in range(0, n, B):
        cols = start + tl.arange(0, B)
        x = tl.load(p + tl.program_id(0) * s + cols, mask=cols < n).to(tl.float32)
        weight = tl.load(w + cols, mask=cols < n).to(tl.float32)
        tl.store(q + tl.program_id(0) * s + cols, x * scale * weight, mask=cols < n)


RIGHT = {
    "rms_norm_kernel": [
        rsqrt,
        padding_taken_out,
        block_pointers,
        in_double,
        with_a_function_of_its_own,
        as_a_tile,
        in_several_loads,
    ]
}
WEIGHT = "weight = tl.load(weight_ptr + columns, mask=inside, other=%s).to(tl.float32)"
EQUIVALENT = {
    "rms_norm_kernel": {
        f"{WEIGHT % 0.0} -> {WEIGHT % other}": "what is masked is neither added nor stored"
        for other in (1.0,)
    }
}
