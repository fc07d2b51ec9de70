"""The memory that a launch of a Triton kernel was given, and what its programs did to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Addresses = NDArray[np.int64]
NOBODY = -1


@dataclass(frozen=True)
class Elements:
    """What the programs of a launch did to the elements of a tensor, in the order of addresses.

    Args:
        writer: the number of the program that was the last to write each; NOBODY if none did.
        overwritten: whether one program's store was overwritten by another's. On a GPU nobody knows
            which comes last.
        read_first: whether a program has read it before any had written it.
    """

    writer: NDArray[np.int64]
    overwritten: NDArray[np.bool_]
    read_first: NDArray[np.bool_]

    @classmethod
    def untouched(cls, count: int) -> "Elements":
        no, nor = (np.zeros(count, bool) for _ in range(2))
        return cls(np.full(count, NOBODY), no, nor)

    def note_read(self, places: Addresses) -> None:
        self.read_first[places] |= self.writer[places] == NOBODY

    def note_write(self, places: Addresses, program: int) -> None:
        writer = self.writer[places]
        self.overwritten[places] |= (writer != NOBODY) & (writer != program)
        self.writer[places] = program


@dataclass(frozen=True)
class Memory:
    """The elements of a tensor: its parameter's name, and their addresses in order."""

    name: str
    addresses: Addresses
    item_bytes: int
    elements: Elements

    @classmethod
    def of(cls, name: str, tensor: "Tensor") -> "Memory":
        offsets = np.zeros(1, np.int64)
        for size, stride in zip(tensor.shape, tensor.stride(), strict=True):
            steps = stride * np.arange(size)
            offsets = np.add.outer(offsets, steps).ravel()  # (n,), (size,) -> (n · size,)
        size = tensor.element_size()
        addresses = np.unique(tensor.data_ptr() + size * offsets)
        return cls(name, addresses, size, Elements.untouched(len(addresses)))

    def places(self, addresses: Addresses) -> tuple[Addresses, NDArray[np.bool_]]:
        """The number of the element at each address, and whether there is one."""
        places = np.searchsorted(self.addresses, addresses)
        places = np.minimum(places, len(self.addresses) - 1)
        return places, self.addresses[places] == addresses

    def note(self, access: str, places: Addresses, program: int) -> None:
        if access == "reads":
            self.elements.note_read(places)
        elif access == "writes":
            self.elements.note_write(places, program)
        else:
            self.elements.writer[places] = program

    def distance(self, address: int) -> int:
        return max(int(self.addresses[0]) - address, address - int(self.addresses[-1]), 0)


def tensors_of(arguments: dict[str, Any]) -> Iterator[tuple[str, "Tensor"]]:
    """Those among the arguments of a launch, by the names of the parameters."""
    for name, value in arguments.items():
        for each in value if isinstance(value, tuple) else (value,):
            tensor: Any = getattr(each, "base", each)  # of a tensor descriptor
            if hasattr(tensor, "data_ptr"):
                yield name, tensor
