"""How a layer of several streams mixes them (hyper-connections, arXiv:2409.19606)."""

import torch

from normlab.inspection.layer import Layer
from normlab.inspection.recording import Value
from normlab.inspection.replay import replay


def mixing_matrix(layer: Layer) -> tuple[tuple[float, ...], ...] | None:
    """Row i, column j: how much of stream j at the layer's input is in stream i at its output.

    What the sub-layers return is held fixed, and so are weights that are computed from the input:
    the matrix is that of this input, a mean over its tokens.

    Args:
        layer: of a recording.

    Returns:
        None where a layer has one stream, or the streams have no axis of their own.
    """
    stream = layer.stream
    axis = _axis(layer)
    if axis is None:
        return None
    fixed = {v: v.tensor for v in stream.depending if not stream.carries(v)}

    def output(x: torch.Tensor) -> torch.Tensor:
        return replay([stream.y], fixed | {stream.x: x})[stream.y]

    zeros = torch.zeros(stream.x.shape, dtype=torch.float64)
    nothing, columns = output(zeros), []
    for number in range(stream.x.shape[axis]):
        one = zeros.clone()
        one.select(axis, number).fill_(1.0)
        share = (output(one) - nothing).movedim(axis, 0).flatten(1).mean(1)  # (n, …) -> (n,)
        columns.append(share)
    matrix = torch.stack(columns, 1)  # n of (n,) -> (n, n)
    return tuple(tuple(round(value, 4) for value in row) for row in matrix.tolist())


def _axis(layer: Layer) -> int | None:
    """The axis of the streams: without it, x has the size of what a norm reads."""
    x, y = layer.stream.x, layer.stream.y
    if layer.stream.across != "mixtures" or x.shape != y.shape:
        return None
    sizes = {piece.source.tensor.numel() for piece in layer.equations.norms}
    return next((axis for axis in _inner(x) if x.tensor.numel() // x.shape[axis] in sizes), None)


def _inner(x: Value) -> list[int]:
    return [axis for axis, size in enumerate(x.shape) if 2 <= size <= 16]
