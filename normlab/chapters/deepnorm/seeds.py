"""What the seeds say together, with no digit more than they are good for."""

import math

import numpy as np

from normlab.norms import FloatArray
from normlab.probes import standard_error


def typical(values: FloatArray) -> str:
    """The geometric mean over seeds (K,) and its standard error, rounded to one digit of it.

    The error is the mean times that of the mean logarithm. Three decimals at most.

    >>> typical(np.array([5.0, 6.0, 7.0])), typical(np.array([3e3, 9e3, 1.5e4]))
    ('5.9 ± 0.6', '7,000 ± 4,000')
    """
    logs = np.log(values)
    mean = math.exp(logs.mean())  # (K,) -> ()
    error = mean * standard_error(logs.tolist())
    decimals = min(3, -math.floor(math.log10(error)))
    mean, error = round(mean, decimals), round(error, decimals)
    shown = max(0, decimals)
    return f"{mean:,.{shown}f} ± {error:,.{shown}f}"
