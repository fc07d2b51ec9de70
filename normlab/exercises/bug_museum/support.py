"""What answers to exercise 08 may call where they are graded and normlab is out of reach."""

from numpy.typing import ArrayLike

from normlab.norms import FloatArray


def layer_norm(
    x: "ArrayLike",
    gamma: "ArrayLike | None" = None,
    beta: "ArrayLike | None" = None,
    eps: float = 1e-5,
) -> "FloatArray":
    """`normlab.norms.layer_norm`, in a few lines that need nothing else of normlab."""
    import numpy as np

    x = np.asarray(x)
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    centered = wide - wide.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    normalized = centered / np.sqrt(variance + eps)
    scaled = normalized if gamma is None else np.asarray(gamma) * normalized
    return np.asarray(scaled if beta is None else scaled + np.asarray(beta), x.dtype)
