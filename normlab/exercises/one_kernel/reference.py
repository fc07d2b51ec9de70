"""Exercise 09: a right answer, without its decorator, as a driver takes it."""

from triton import language as tl


def rms_norm_kernel(
    x_ptr: tl.tensor,
    weight_ptr: tl.tensor,
    y_ptr: tl.tensor,
    row_stride: tl.tensor,
    D: tl.tensor,
    eps: float,
    BLOCK: tl.constexpr,
) -> None:
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK)
    inside = columns < D
    x = tl.load(x_ptr + row * row_stride + columns, mask=inside, other=0.0).to(tl.float32)
    weight = tl.load(weight_ptr + columns, mask=inside, other=0.0).to(tl.float32)
    mean_square = tl.sum(x * x) / D  # (BLOCK,) -> ()
    normalized = x / tl.sqrt(mean_square + eps)
    y = weight * normalized
    tl.store(y_ptr + row * row_stride + columns, y, mask=inside)
