"""What torch runs one after another: each operator, and the bytes that it reads and writes."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@dataclass(frozen=True)
class Operator:
    """An operator that a device's kernels run.

    Args:
        name: as torch has it: "mul".
        read, written: bytes of the tensors that it takes and returns. An element that stands for
            many, as in an expanded tensor, counts once.
    """

    name: str
    read: int
    written: int


class _OperatorLog(TorchDispatchMode):
    """Writes down every operator that reaches a device's kernels, without bookkeeping."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.operators: list[Operator] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if not func.is_view:
            name = func.overloadpacket.__name__
            read, written = _bytes((args, kwargs)), _bytes(result)
            self.operators.append(Operator(name, read, written))
        return result


def _bytes(tensors: Any) -> int:
    return sum(_size(each) for each in tree_leaves(tensors) if isinstance(each, Tensor))


def _size(tensor: Tensor) -> int:
    """Bytes of its different elements."""
    lengths = zip(tensor.shape, tensor.stride(), strict=True)
    return prod(n for n, step in lengths if step) * tensor.itemsize if tensor.numel() else 0


def logged_operators(run: Callable[[], object]) -> list[Operator]:
    """The operators that torch runs one after another; views are none.

    On tensors of the device "meta" nothing is computed and no memory is taken.

    >>> import torch
    >>> x = torch.empty(1000, dtype=torch.float16, device="meta")
    >>> logged_operators(lambda: x[:500].float())
    [Operator(name='_to_copy', read=1000, written=2000)]
    """
    with _OperatorLog() as log:
        run()
    return log.operators


def torch_operators(run: Callable[[], object]) -> list[str]:
    """The names of the operators that torch runs one after another.

    >>> import torch
    >>> torch_operators(lambda: torch.ones(2) * 3 + 1)
    ['ones', 'mul', 'add']
    """
    return [operator.name for operator in logged_operators(run)]
