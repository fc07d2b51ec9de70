"""What comes out of a norm, beside the formula in float64."""

from collections.abc import Iterable

import torch
from torch import Tensor

from normlab.audit.errors import Measured, compared
from normlab.audit.inputs import ORDINARY, pairs, peaks, rows
from normlab.audit.subject import Subject
from normlab.inspection.targets import in_short

SIZES = (1, 2, 3, 7, 32, 100, 1023, 1024, 4097, 65_537)
FLOAT32 = torch.float32


def forward(
    subject: Subject, where: str, x: Tensor, dtype: torch.dtype = FLOAT32, shifted: bool = True
) -> Measured:
    """The outputs for x (..., D), float64, given in a dtype.

    Args:
        subject: the norm.
        where: what is special about x.
        x: the rows.
        dtype: in which they are given.
        shifted: whether a bias is added, beside which small outputs would not be seen.
    """
    norm = subject.norm(x.shape[-1], dtype, shifted)
    given = x.to(subject.device, dtype)
    return outputs(subject, where, given, norm.exact(given, dtype), shifted)


def outputs(
    subject: Subject, where: str, given: Tensor, exact: Tensor, shifted: bool = True
) -> Measured:
    """The outputs for a tensor as it lies in memory."""
    norm = subject.norm(given.shape[-1], given.dtype, shifted)
    try:
        y = norm(given)
    except Exception as error:
        return Measured(where, torch.inf, refused=in_short(error))
    return compared(where, y, exact, given.dtype)


def ordinary(subject: Subject) -> Iterable[Measured]:
    yield forward(subject, "rows of 64", rows(*ORDINARY))
    yield forward(subject, "one number far greater than 255 others", peaks(4, 256, 50.0))


def in_float64(subject: Subject) -> Iterable[Measured]:
    yield forward(subject, "float64 rows", rows(*ORDINARY), torch.float64)


def _where_eps_counts(subject: Subject, dtype: torch.dtype) -> Measured:
    return forward(subject, "rows × 0.003", 3e-3 * rows(*ORDINARY), dtype, shifted=False)


def in_float16(subject: Subject) -> Iterable[Measured]:
    yield forward(subject, "float16 rows", rows(*ORDINARY), torch.float16)
    yield _where_eps_counts(subject, torch.float16)
    yield forward(subject, "numbers of 300, squares over 65,504", pairs(64, 300.0), torch.float16)
    yield forward(subject, "rows of 4,096", rows(4, 4096), torch.float16)
    yield forward(subject, "an offset of 30", rows(*ORDINARY) + 30, torch.float16, shifted=False)


def in_bfloat16(subject: Subject) -> Iterable[Measured]:
    yield forward(subject, "bfloat16 rows", rows(*ORDINARY), torch.bfloat16)
    yield _where_eps_counts(subject, torch.bfloat16)
    yield forward(subject, "rows of 4,096", rows(4, 4096), torch.bfloat16)
    yield forward(subject, "an offset of 3", rows(*ORDINARY) + 3, torch.bfloat16, shifted=False)


def at_offset_100(subject: Subject) -> Iterable[Measured]:
    yield forward(subject, "rows + 100", rows(*ORDINARY) + 1e2, shifted=False)


def at_offset_1e4(subject: Subject) -> Iterable[Measured]:
    yield forward(subject, "rows + 1e4", rows(*ORDINARY) + 1e4, shifted=False)


def at_offset_1e6(subject: Subject) -> Iterable[Measured]:
    yield forward(subject, "rows + 1e6", rows(*ORDINARY) + 1e6, shifted=False)


def of_tiny_rows(subject: Subject) -> Iterable[Measured]:
    for scale in (1e-2, 1e-3, 1e-5, 1e-10, 1e-20, 1e-30):
        yield forward(subject, f"rows × {scale:g}", scale * rows(*ORDINARY), shifted=False)


def of_huge_rows(subject: Subject) -> Iterable[Measured]:
    for scale in (1e4, 1e8, 1e15, 1e18, 1e20, 1e30):
        yield forward(subject, f"rows × {scale:g}", scale * rows(*ORDINARY), shifted=False)


def of_zero_rows(subject: Subject) -> Iterable[Measured]:
    yield forward(subject, "zeros", torch.zeros(3, 64, dtype=torch.float64))
    mixed = torch.cat([torch.zeros(1, 64), rows(2, 64)])
    yield forward(subject, "zeros beside other rows", mixed)


def of_constant_rows(subject: Subject) -> Iterable[Measured]:
    for number in (1.0, -3.0, 0.0009765625, 4096.0):
        yield forward(
            subject, f"64 times {number:g}", torch.full((3, 64), number).double(), shifted=False
        )


def of_sizes(subject: Subject) -> Iterable[Measured]:
    for size in SIZES:
        yield forward(subject, f"D = {size:,}", rows(3, size, seed=size))


def of_shapes(subject: Subject) -> Iterable[Measured]:
    for shape in ((64,), (1, 64), (3, 5, 64), (2, 3, 4, 64), (2, 2, 1, 3, 64), (1030, 64)):
        yield forward(subject, f"shape {shape}", rows(*shape))


def not_contiguous(subject: Subject) -> Iterable[Measured]:
    x = rows(64, 64).float().to(subject.device)
    wide = rows(16, 130).float().to(subject.device)
    given = {
        "a transpose": x.T,
        "every second number": wide[:, 1:129:2],
        "every second row": x[::2],
        "a slice of wider rows": wide[:, 5:69],
        "one row, expanded": x[:1].expand(5, 64),
        "axes exchanged": rows(3, 4, 64).float().to(subject.device).transpose(0, 1),
    }
    norm = subject.norm(64, FLOAT32)
    for where, tensor in given.items():
        yield outputs(subject, where, tensor, norm.exact(tensor, FLOAT32))


def of_nothing(subject: Subject) -> Iterable[Measured]:
    yield forward(subject, "shape (0, 64)", torch.empty(0, 64, dtype=torch.float64))
    yield forward(subject, "shape (3, 0, 64)", torch.empty(3, 0, 64, dtype=torch.float64))
