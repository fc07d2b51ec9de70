"""What does this module compute, if it is a norm?"""

from dataclasses import replace

import torch
from torch import nn

from normlab.inspection.formula_reading import read_formula
from normlab.inspection.norm_formula import Formula
from normlab.inspection.norm_reading import NormReading, NotANorm
from normlab.inspection.preparing import on_cpu
from normlab.inspection.recorder import record


def read_norm(module: nn.Module, size: int) -> NormReading:
    """Find out what a norm computes by running it on a few rows.

    Formula that is looked for: y = γ ⊙ (x − c)/√(v + ε) + β, with γ = w or 1 + w. c is the mean
    and v the variance (LayerNorm), or c = 0 and v the mean square (RMSNorm); v may be unbiased, and
    ε outside the root. The module itself is not changed, and may be on the meta device.

    Args:
        module: maps (…, size) to (…, size); its gain may have a row for each head.
        size: D.

    Raises:
        ValueError: if it is not such a norm, a tanh say; it names what differs.

    Example:
        >>> reading = read_norm(nn.RMSNorm(8, eps=1e-6), 8)
        >>> reading.kind, reading.eps, reading.affine
        ('RMSNorm', 1e-06, 'weight')
    """
    probe = on_cpu(module).float()
    heads = max((tuple(p.shape) for p in probe.parameters()), key=len, default=(size,))
    shape = (4, *(heads if len(heads) > 1 and heads[-1] == size else (3, size)))
    z = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    recording = record(probe, (z,), {})
    source = next(value for value in recording.values if value.given)
    try:
        reading = read_formula(Formula(source, recording.outputs[0]))
    except NotANorm as error:
        raise ValueError(f"{type(module).__name__} is no norm that is known: {error}.") from error
    return replace(reading, axes=(-1,), shape=())
