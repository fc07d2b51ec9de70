"""Statistics in half precision inside a norm that is given float32 numbers."""

import torch
from torch import Tensor

from normlab.audit.errors import ulps
from normlab.audit.inputs import ORDINARY, pairs, rows
from normlab.audit.subject import Norm, Subject
from normlab.checks.diagnosis import Fault

HELD, BEYOND_FLOAT16 = 16.0, 2.0**17
"""Rows of ± the first have statistics that both half precisions hold; float16 ends at 65,504."""
EXACT = 64
"""An error in ulps of float32 that ε alone may make, where it is rounded away."""
COARSE = (300, 500_000)
"""Between which errors half precision lies: 2⁻¹⁵ to 2⁻⁴ of a row."""


def half_statistics(subject: Subject) -> Fault | None:
    """The fault of a norm that is right where half precision is exact, and coarse elsewhere.

    On rows of ±2ᵏ the mean is 0 and the variance 4ᵏ: no rounding changes them. On ordinary rows
    statistics in bfloat16 are off by up to 2⁻⁹, and those in float16 by up to 2⁻¹².

    Args:
        subject: the norm, held to the formula that it should compute.

    Returns:
        None if its errors are of another kind.
    """
    size = ORDINARY[1]
    norm = subject.norm_with(torch.ones(size), torch.zeros(size), torch.float32)
    coarse = _error(norm, rows(*ORDINARY))
    if _error(norm, pairs(size, HELD)) > EXACT or not COARSE[0] < coarse < COARSE[1]:
        return None
    dtype = "bfloat16" if _error(norm, pairs(size, BEYOND_FLOAT16)) < EXACT else "float16"
    return Fault(
        "half-statistics",
        f"digits of float32 numbers are lost, as by statistics in {dtype}",
        "Rows of ±16 come out right, since half precision holds their statistics, and ordinary "
        "rows do not. Compute in float32, whatever the dtype that comes in.",
    )


def _error(norm: Norm, x: Tensor) -> float:
    """The greatest error on x (N, D) in ulps of float32."""
    given = x.to(norm.device, torch.float32)
    return ulps(norm(given.clone()), norm.exact(given, torch.float32))
