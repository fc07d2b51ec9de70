"""How the answers of exercise 09, kernels of Triton, are run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from normlab.checks.drivers import WrongReturn
from normlab.checks.exercise import Answer, Outputs
from normlab.checks.launched_memory import NOBODY, Elements
from normlab.checks.watched_memory import OutOfBounds, error_of_kernel, watch_memory
from normlab.exercises.drivers.tensors import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

GUARD = 256
"""Elements in front of a tensor and behind it that belong to nobody."""
UNWRITTEN: dict[str, np.unsignedinteger[Any]] = {
    "float16": np.uint16(0x7E5A),
    "float32": np.uint32(0x7FC05A5A),
}
"""What an element of y gets that no program has written: by dtype, the bits of a NaN."""
POINTERS = ("x", "weight", "y")
"""What the first three parameters point to, whatever they are called."""


def kernel(
    answer: Answer,
    *,
    x: FloatArray,
    weight: FloatArray,
    eps: float = 1e-6,
    row_stride: int = 0,
    BLOCK: int = 0,
    dtype: str = "",
) -> Outputs:
    """y of a kernel, under Triton's interpreter: one program for each row of x.

    Args:
        answer: the kernel, or the function that it was made of.
        x: (N, D).
        weight: (D,).
        eps: as the kernel gets it.
        row_stride: elements from the start of a row to that of the next, in x and y; 0 means D.
        BLOCK: a power of two ≥ D; 0 means the least.
        dtype: of y; "" means that of x.
    """
    from triton.runtime.errors import InterpreterError
    from triton.runtime.interpreter import InterpretedFunction

    N, D = x.shape
    rows, gain = _laid_out(x, row_stride or D), _laid_out(weight[None], D)[0]
    y = _laid_out(np.full((N, D), np.nan, dtype or x.dtype), row_stride or D)
    sizes = rows.stride(0), D, eps, BLOCK or 1 << (D - 1).bit_length()
    interpreted = InterpretedFunction(_function_of(answer))
    try:
        with watch_memory() as traffic:
            interpreted[(N,)](rows, gain, y, *sizes)
    except InterpreterError as error:
        _explain(error_of_kernel(error), interpreted.arg_names, rows)
    x[:], weight[:] = rows.numpy(), gain.numpy()  # seen if the kernel has changed them
    _judge_writing(traffic.elements[interpreted.arg_names[2]], y)
    return {"y": y}


def _judge_writing(elements: Elements, y: Tensor) -> None:
    """What programs did to y (N, D); what none of them has written is marked in it.

    Raises:
        WrongReturn: if nothing was written, or what was depends on other things than x and weight.
    """
    D = y.shape[1]
    if (elements.writer == NOBODY).all():
        raise WrongReturn("no program writes to y.")
    for seen, said in (
        (elements.read_first, "is read before anything is written there: nobody knows what it is."),
        (elements.overwritten, "is written by two programs: on a GPU nobody knows which is last."),
    ):
        if seen.any():
            row, column = divmod(int(seen.argmax()), D)
            raise WrongReturn(f"element {column} of row {row} of y {said}")
    dtype = str(y.dtype).removeprefix("torch.")
    unwritten = (elements.writer == NOBODY).reshape(y.shape)  # (N · D,) -> (N, D)
    y.numpy()[unwritten] = UNWRITTEN[dtype].view(dtype)


def left_unwritten(y: object) -> bool:
    """Whether a kernel has left an element of y as it found it; y may be anything that was told."""
    bits = UNWRITTEN.get(str(y.dtype)) if isinstance(y, np.ndarray) else None
    return bits is not None and bool((np.ascontiguousarray(y).view(bits.dtype) == bits).any())


def _laid_out(rows: FloatArray, stride: int) -> Tensor:
    """The rows (N, D), so far apart, in memory of which nobody else has a part."""
    import torch

    N, D = rows.shape
    memory = torch.full([2 * GUARD + N * stride], torch.nan, dtype=torch.from_numpy(rows).dtype)
    inside = memory.as_strided((N, D), (stride, 1), GUARD)
    inside.copy_(torch.from_numpy(rows))
    return inside


def _function_of(answer: Any) -> Any:
    """The function that `triton.jit` was put over.

    Raises:
        WrongReturn: if it has not the parameters of a launch.
    """
    import inspect

    function = getattr(answer, "fn", answer)
    if not inspect.isfunction(function):
        raise WrongReturn(
            f"it is a {type(answer).__name__}; expected a function under @triton.jit."
        )
    parameters = [*inspect.signature(function).parameters]
    if len(parameters) != 7:
        raise WrongReturn(
            f"it has the parameters ({', '.join(parameters)}); expected the seven that the launch "
            "gives it: (x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK)."
        )
    return function


def _explain(error: BaseException, names: list[str], x: Tensor) -> NoReturn:
    """Raise what happened in a kernel; of a stray address in the words of rows and columns."""
    if not isinstance(error, OutOfBounds):
        raise error
    (N, D), program = x.shape, error.program[0]
    name = dict(zip(names, POINTERS, strict=False)).get(error.tensor, error.tensor)
    stride = 0 if name == "weight" else x.stride(0)
    said = f"program {program} {error.access} "
    if error.element - program * stride == D:
        said += f"element {D} of {f'its row of {name}' if stride else name}, which has 0 to {D - 1}"
    elif stride:
        said += f"{name} + {error.element}, in none of the {N} rows of {D}, {stride} apart"
    else:
        said += f"{name} + {error.element}, which has {D} elements"
    error.args = (said,)
    raise error
