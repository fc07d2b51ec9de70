"""The small operations that attention, feed-forward network and norms share."""

import numpy as np

from normlab.norms.rows import FloatArray

_BLOCK = 64


def squared_norm(a: FloatArray) -> float:
    """Σ a² of a contiguous array, in float64 where the sum leaves the dtype's safe range.

    >>> with np.errstate(over="ignore"):
    ...     round(squared_norm(np.array([3e30, 4e30], np.float32)) / 1e60, 3)
    25.0
    """
    square = float(np.vdot(a, a))
    if 1e-30 < square < 1e37:
        return square
    wide = a.astype(np.float64)
    return float(np.vdot(wide, wide))


def weight_gradient(x: FloatArray, dy: FloatArray, out: FloatArray) -> None:
    """out (I, O) = Σ_n x_n dy_nᵀ for x (N, I) and dy (N, O): the gradient of W in y = x W.

    In blocks of 64 columns of W, or of 64 rows if it has more rows: OpenBLAS has a kernel for
    small products that packs nothing, 15 % faster at these sizes.
    """
    rows, inputs, outputs = len(x), x.shape[1], dy.shape[1]
    if outputs >= inputs and outputs % _BLOCK == 0:
        blocks = outputs // _BLOCK
        columns = dy.reshape(rows, blocks, _BLOCK).transpose(1, 0, 2)  # (N, O) -> (b, N, 64)
        into = out.reshape(inputs, blocks, _BLOCK).transpose(1, 0, 2)  # (I, O) -> (b, I, 64)
        np.matmul(x.T, columns, out=into)
    elif inputs % _BLOCK == 0:
        blocks = inputs // _BLOCK
        features = x.reshape(rows, blocks, _BLOCK).transpose(1, 2, 0)  # (N, I) -> (b, 64, N)
        np.matmul(features, dy, out=out.reshape(blocks, _BLOCK, outputs))  # (I, O) -> (b, 64, O)
    else:
        np.matmul(x.T, dy, out=out)
