"""What a call of a ready-made norm ends in, where answers may call none."""

import re
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, NoReturn

KIND = re.compile(r"(layer|rms|batch|group|instance)_?norm|local_?response_?norm|crossmaplrn", re.I)
"""In the name of an operator, a function or a class: it is a norm, or a part of one."""
ENDS_THERE = re.compile(r"torch\.nn\.(?!.*(response|crossmap))", re.I)
"""Names of functions of Python that end in an operator of torch which is a norm."""

called: list[str] = []
"""The name of the norm that was called first since this list was emptied."""


class LibraryNorm(RuntimeError):
    """A ready-made norm was called."""


def refuse(name: str, /, *arguments: Any, **options: Any) -> NoReturn:
    """Stands for the norm of this name.

    Raises:
        LibraryNorm: always. An answer may catch it; what was called stands in `called`.
    """
    outermost = next(reversed([*_functions_of_torch()]), name)
    note(outermost)
    raise LibraryNorm(f"{outermost} is a ready-made norm; the exercise asks for one of your own.")


def note(name: str) -> None:
    """Remember that the norm of this name was called."""
    if not called:
        called.append(name)


def short(name: str) -> str:
    """The name under which its library's documentation has a function.

    >>> short("torch.nn.modules.normalization.RMSNorm.forward")
    'torch.nn.RMSNorm.forward'
    >>> short("scipy.stats._stats_py.zscore")
    'scipy.stats.zscore'
    """
    return re.sub(r"^(torch\.nn)\.modules\.\w+\.|^(scipy|sklearn)(\.\w+)\._\w+\.", r"\1\2\3.", name)


def _functions_of_torch() -> Iterator[str]:
    """The norms among the functions that run in this thread, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
        if ENDS_THERE.match(name) and KIND.search(frame.f_code.co_qualname):
            yield short(name)
        frame = frame.f_back
