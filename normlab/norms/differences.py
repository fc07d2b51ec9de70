"""The numeric gradient: central differences, and how far two gradients are apart."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from normlab.norms._rows import FloatArray

Loss = Callable[[FloatArray], float]


def finite_difference_gradient(loss: Loss, x: ArrayLike, step: float) -> FloatArray:
    """The gradient of a scalar function by central differences.

    Formula, for each entry i: g_i = [loss(x + h·e_i) − loss(x − h·e_i)]/(2h). The formula is
    off by O(h²); rounding adds about machine epsilon/h.

    Args:
        loss: takes an array of the shape and dtype of `x`, returns a number.
        x: any shape, also a single number, float. It is not changed.
        step: h > 0.

    Returns:
        An array of the shape and dtype of `x`.

    Raises:
        ValueError: if `x` is not a float array or `step` is not positive.

    >>> finite_difference_gradient(lambda x: float((x**2).sum()), [1.0, 3.0], 0.5)
    array([2., 6.])
    """
    x = np.asarray(x)
    if not np.issubdtype(x.dtype, np.floating):
        raise ValueError(f"x has dtype {x.dtype}; expected floats: use x.astype(np.float64).")
    if not step > 0:
        raise ValueError(f"step is {step}; expected a number > 0, for instance 1e-5.")
    gradient = np.empty_like(x)
    for place in np.ndindex(x.shape):
        nudge = np.zeros_like(x)
        nudge[place] = step
        gradient[place] = (loss(x + nudge) - loss(x - nudge)) / (2 * step)
    return gradient


def relative_error(estimate: ArrayLike, reference: ArrayLike) -> float:
    """‖estimate − reference‖ / ‖reference‖ over all entries, in float64.

    >>> relative_error([1.0, 1.0], [1.0, 2.0]).__round__(4)
    0.4472
    """
    estimate, reference = np.asarray(estimate, np.float64), np.asarray(reference, np.float64)
    difference, size = np.linalg.norm(estimate - reference), np.linalg.norm(reference)
    return float(difference / size) if size else (np.inf if difference else 0.0)
