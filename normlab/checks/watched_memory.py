"""The memory of Triton kernels under watch: each address checked, each byte counted.

Triton's interpreter reads and writes at whatever address a kernel computes. A wrong one shows
nothing, or ends the process. Here it is an error that says where it points.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from normlab.checks.interpreter import interpreting
from normlab.checks.launched_memory import Elements, Memory, tensors_of
from normlab.checks.observe import own_line


@dataclass(frozen=True)
class Traffic:
    """Bytes that kernels have read and written, by the parameter of the kernel.

    An element that is read twice counts twice. Of tensors that share memory, one has it all.

    Args:
        elements: of each tensor of the last launch.
    """

    read: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)
    elements: dict[str, Elements] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return self.read.total() + self.written.total()


class OutOfBounds(IndexError):
    """An address that belongs to no element of the tensors that a kernel was given.

    Args:
        kernel: its name.
        program: the place of the program in the grid.
        access: "reads", "writes", or "updates" by an atomic operation.
        tensor: the parameter whose memory is nearest.
        element: how many elements lie between that tensor's first one and the address.
    """

    def __init__(
        self, kernel: str, program: tuple[int, ...], access: str, tensor: str, element: int
    ) -> None:
        self.kernel, self.program, self.access = kernel, program, access
        self.tensor, self.element = tensor, element
        super().__init__(
            f"program {program} of {kernel} {access} at {tensor} + {element}, which is no element "
            "of a tensor that it was given"
        )


@contextmanager
def watch_memory() -> Iterator[Traffic]:
    """Watch what kernels read and write while the block runs, under Triton's interpreter.

    A kernel that was made where the interpreter was not switched on cannot run in it.

    What a masked load leaves undefined, since it has no `other`, is NaN; the interpreter gives 0,
    and a GPU whatever it likes. A stray address that hits another tensor of the launch is not
    noticed.

    Yields:
        Traffic: that grows as kernels run.

    Raises:
        OutOfBounds: inside of what Triton raises in the block, before memory is touched.
        ModuleNotFoundError: if there is no Triton.
    """
    from triton.runtime.interpreter import GridExecutor, InterpreterBuilder

    watch = _Watch()
    with interpreting(), ExitStack() as stack:
        for owner, name, around in (
            (GridExecutor, "_init_args_hst", watch.launch),
            (InterpreterBuilder, "create_masked_load", watch.load),
            (InterpreterBuilder, "create_masked_store", watch.store),
            (InterpreterBuilder, "create_atomic_rmw", watch.exchange_under_mask),
            (InterpreterBuilder, "create_atomic_cas", watch.exchange),
        ):
            stack.enter_context(_wrapped(owner, name, around))
        yield watch.traffic


def error_of_kernel(error: Exception) -> BaseException:
    """What happened in a kernel, of which Triton's error gives the text alone.

    Its traceback goes through the kernel, where that of any error in the chain does.
    """
    from triton.runtime.errors import InterpreterError

    found: BaseException = error
    through = error.__traceback__
    while isinstance(found, InterpreterError) and found.__cause__ is not None:
        found = found.__cause__
        if own_line(found.__traceback__):
            through = found.__traceback__
    return found.with_traceback(through)


@contextmanager
def _wrapped(owner: type, name: str, around: Callable[..., Any]) -> Iterator[None]:
    """`around(method, self, …)` is called in place of a method."""
    method = getattr(owner, name)
    setattr(owner, name, lambda self, *given: around(method, self, *given))
    try:
        yield
    finally:
        setattr(owner, name, method)


class _Watch:
    """Stands around the interpreter's methods; the memory is that of the launch that runs."""

    def __init__(self) -> None:
        self.traffic = Traffic()
        self.kernel = ""
        self.memories: list[Memory] = []

    def launch(self, method: Any, executor: Any, given: Any, named: Any) -> Any:
        on_host, named_on_host = method(executor, given, named)
        arguments = dict(zip(executor.arg_names, on_host, strict=False)) | named_on_host
        self.kernel = executor.fn.__name__
        self.memories = [
            Memory.of(name, tensor) for name, tensor in tensors_of(arguments) if tensor.numel()
        ]
        self.traffic.elements.clear()
        self.traffic.elements.update({each.name: each.elements for each in self.memories})
        return on_host, named_on_host

    def load(
        self, method: Any, builder: Any, pointers: Any, mask: Any, other: Any, *options: Any
    ) -> Any:
        self._see(builder, pointers, mask.data, "reads")
        if other is None:
            other = _undefined(pointers)
        return method(builder, pointers, mask, other, *options)

    def store(
        self, method: Any, builder: Any, pointers: Any, value: Any, mask: Any, *options: Any
    ) -> Any:
        self._see(builder, pointers, mask.data, "writes")
        return method(builder, pointers, value, mask, *options)

    def exchange(self, method: Any, builder: Any, pointers: Any, *options: Any) -> Any:
        self._see_both(builder, pointers, np.True_)
        return method(builder, pointers, *options)

    def exchange_under_mask(
        self, method: Any, builder: Any, kind: Any, pointers: Any, value: Any, mask: Any, *o: Any
    ) -> Any:
        self._see_both(builder, pointers, mask.data)
        return method(builder, kind, pointers, value, mask, *o)

    def _see_both(self, builder: Any, pointers: Any, mask: Any) -> None:
        self._see(builder, pointers, mask, "reads")
        self._see(builder, pointers, mask, "updates")

    def _see(self, builder: Any, pointers: Any, mask: Any, access: str) -> None:
        """Count the bytes at the addresses that a mask lets through.

        What programs update, by atomic operations, they do not overwrite.

        Raises:
            OutOfBounds: for the first that belongs to no tensor.
        """
        width = max(1, pointers.get_element_ty().primitive_bitwidth // 8)
        addresses = pointers.data[np.broadcast_to(mask, pointers.data.shape)].astype(np.int64)
        left = np.ones(addresses.shape, bool)
        counts = self.traffic.read if access == "reads" else self.traffic.written
        for memory in self.memories:
            places, held = memory.places(addresses)
            own = left & held
            if own.any():
                counts[memory.name] += width * int(own.sum())  # (elements,) -> ()
                memory.note(access, places[own], _number(builder))
                left &= ~own
        if left.any():
            stray = int(addresses[left][0])
            near = min(self.memories, key=lambda memory: memory.distance(stray))
            element = (stray - int(near.addresses[0])) // near.item_bytes
            raise OutOfBounds(self.kernel, builder.grid_idx, access, near.name, element)


def _number(builder: Any) -> int:
    """Of the program that runs: its place in the grid, counted through."""
    (x, y, z), (width, height, _) = builder.grid_idx, builder.grid_dim
    number: int = x + width * (y + height * z)
    return number


def _undefined(pointers: Any) -> Any:
    """Elements of nothing but ones in binary: NaN in every floating-point type."""
    from triton.runtime.interpreter import TensorHandle, _get_np_dtype

    kind = pointers.get_element_ty()
    dtype = _get_np_dtype(kind)
    ones = np.full(pointers.data.size * dtype.itemsize, 0xFF, np.uint8)
    return TensorHandle(ones.view(dtype).reshape(pointers.data.shape), kind)
