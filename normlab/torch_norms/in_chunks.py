"""The norms on a CPU: rows in chunks that stay in the cache, with steps done in place.

Nothing here can be differentiated or transformed, so it is for plain tensors that nobody watches.
What differs between the norms is handed over: how x̂ is written, and how it moves with x.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import torch
from torch import Tensor

from normlab.fused_norms.written_out import LARGEST, dtype_of_statistics, widened

CHUNK_BYTES = 2 * 1024 * 1024
"""A chunk stays in the cache from one step to the next, and is long enough for torch; 1 and 4 MB
took longer (benchmarks/norms.py)."""
PART = 8192
"""Entries of a row whose squares are added up at once."""
Normalize: TypeAlias = Callable[[Tensor, float], tuple[Tensor, Tensor]]
"""x̂ (n, D) and 1/root (n, 1) of rows (n, D) and ε, with operations that any row can pass."""
Write: TypeAlias = Callable[[Tensor, float, Tensor], Tensor]
"""Write x̂ (n, D) of ordinary rows and ε into the third; return 1/root (n, 1)."""
WriteTangent: TypeAlias = Callable[[Tensor, Tensor, Tensor, Tensor], object]
"""Make of u (n, D) the gradient for x: from mean(u ⊙ x̂) (n, 1), x̂ (n, D) and 1/root (n, 1)."""


def is_plain(*tensors: Tensor | None) -> bool:
    """Whether these are dense tensors on a CPU, without anything around them, not even a batch.

    There is no public question for the last.
    """
    return all(
        torch._C._dispatch_keys(each).raw_repr() in PLAIN for each in tensors if each is not None
    )


def _keys_of_plain_tensors() -> frozenset[int]:
    with torch.inference_mode():
        inference = torch.empty(0)
    return frozenset(torch._C._dispatch_keys(t).raw_repr() for t in (torch.empty(0), inference))


PLAIN = _keys_of_plain_tensors()


def forward_in_chunks(
    write: Write,
    normalize: Normalize,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    """γ ⊙ x̂ + β (N, D)."""
    y, dtype = torch.empty(x.shape, dtype=x.dtype), dtype_of_statistics(x)
    for rows, out in _chunks(x, y):
        work = out if out.dtype == dtype else torch.empty(out.shape, dtype=dtype)
        _write_all(write, normalize, rows, eps, work)
        if weight is not None and bias is not None:
            torch.addcmul(bias, work, weight, out=work)
        elif weight is not None:
            work.mul_(weight)
        elif bias is not None:
            work.add_(bias)
        if work is not out:
            out.copy_(work)
    return y


def backward_in_chunks(
    write: Write,
    normalize: Normalize,
    write_tangent: WriteTangent,
    dy: Tensor,
    x: Tensor,
    weight: Tensor | None,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """dx (N, D), dγ = Σ dy ⊙ x̂ (D,) and dβ = Σ dy (D,)."""
    dtype = dtype_of_statistics(x)
    dx, buffers = torch.empty(x.shape, dtype=x.dtype), None
    dweight, dbias = torch.zeros(2, x.shape[1], dtype=dtype)
    for rows, upstream, out in _chunks(x, dy, dx):
        if buffers is None:
            buffers = torch.empty((2, *rows.shape), dtype=dtype)
        normalized, product = buffers[:, : len(rows)]
        inverse_root = _write_all(write, normalize, rows, eps, normalized)
        upstream = widened(upstream).contiguous()
        torch.mul(upstream, normalized, out=product)
        dweight += product.sum(0)  # (n, D) -> (D,)
        dbias += upstream.sum(0)  # (n, D) -> (D,)
        u = out if out.dtype == dtype else upstream  # which is a copy then
        if weight is None:
            u.copy_(upstream)
        else:
            torch.mul(upstream, weight, out=u)
            product.mul_(weight)
        write_tangent(u, row_means(product), normalized, inverse_root)
        if u is not out:
            out.copy_(u)
    return dx, dweight, dbias


def _write_all(write: Write, normalize: Normalize, rows: Tensor, eps: float, out: Tensor) -> Tensor:
    """`write` the rows, and those anew by `normalize` whose squares overflow or vanish."""
    inverse_root = write(rows, eps, out)
    least, most = torch.aminmax(inverse_root)
    largest = LARGEST[out.dtype]
    if not (least.item() > 1 / largest and most.item() < largest):  # also if they are NaN
        extreme = ~((inverse_root > 1 / largest) & (inverse_root < largest)).squeeze(-1)
        out[extreme], inverse_root[extreme] = normalize(rows[extreme], eps)
    return inverse_root


def _chunks(rows: Tensor, *others: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Rows of some tensors (N, D), of about CHUNK_BYTES each in the dtype of the statistics."""
    row_bytes = rows.shape[1] * dtype_of_statistics(rows).itemsize
    step = max(1, CHUNK_BYTES // row_bytes)
    parts = (torch.split(each, step) for each in (rows, *others))
    return zip(*parts, strict=True) if len(rows) else iter(())


def as_work(rows: Tensor, out: Tensor) -> Tensor:
    """The rows in the dtype of `out` and one after another in memory; in `out` if they are not."""
    return rows if rows.dtype == out.dtype and rows.is_contiguous() else out.copy_(rows)


def row_means(rows: Tensor) -> Tensor:
    """(n, D) -> (n, 1). (`torch.mean` takes twice the time.)

    A lone row goes twice: of one long row `sum` would give each thread a part, and so round it
    otherwise than among others.
    """
    if len(rows) == 1:
        return row_means(rows.expand(2, -1))[:1]  # (1, D) -> (2, D)
    return rows.sum(-1, keepdim=True).div_(rows.shape[1])


def inverse_root_mean_squares(rows: Tensor, eps: float) -> Tensor:
    """1/√(mean square + ε) = √D/√(‖row‖² + D ε): (n, D) -> (n, 1), in one pass, no temporary."""
    features = rows.shape[1]
    lengths = _lengths(rows)
    roots = lengths.hypot_(lengths.new_full((), (features * eps) ** 0.5))
    return torch.div(lengths.new_full((), features**0.5), roots, out=roots)


def _lengths(rows: Tensor) -> Tensor:
    """‖row‖ (n, 1), in parts of a row, since `vector_norm` adds up square after square."""
    if rows.shape[1] <= PART:
        return torch.linalg.vector_norm(rows, dim=-1, keepdim=True)
    parts = [torch.linalg.vector_norm(part, dim=-1) for part in torch.split(rows, PART, -1)]
    return _lengths(torch.stack(parts, -1))  # (n, D / PART)
