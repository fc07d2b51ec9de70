"""Triton's interpreter: kernels in Python, on a CPU, one program after the other."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

from normlab.checks.absent import Absent

SWITCH = "TRITON_INTERPRET"
"""Triton looks at this variable of the environment as it is imported, at each `triton.jit`, and at
launches."""
NEEDED = "it needs Triton, which is not installed: run pip install 'normlab[kernels]', on Linux."


def interpreted_triton() -> tuple[Any, Any]:
    """Triton and its language, for a notebook whose kernels the interpreter runs.

    It stands for `os.environ["TRITON_INTERPRET"] = "1"`, `import triton` and `import
    triton.language as tl`. Where Triton is not installed it says so, and gives stand-ins, with
    which kernels can be defined and not run. Where it was imported before, without the interpreter,
    it says that too: then kernels run under `watch_memory` alone.
    """
    os.environ[SWITCH] = "1"
    try:
        triton, language = (importlib.import_module(f"triton{part}") for part in ("", ".language"))
        from triton.runtime.interpreter import InterpretedFunction
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "triton":
            raise
        print(f"Kernels cannot run here: {NEEDED}")
        return Absent("triton", NEEDED), Absent("tl", NEEDED)
    if not isinstance(language.sum, InterpretedFunction):
        print(
            "Triton was imported before its interpreter was switched on, as torch's optimizers do: "
            "kernels run under watch_memory alone. To run others, restart, and run this cell first."
        )
    return triton, language


@contextmanager
def interpreting() -> Iterator[None]:
    """Kernels are interpreted in the block, whether Triton was imported for it or not.

    Afterwards Triton and the environment are as they were, so that it can compile.

    Raises:
        ModuleNotFoundError: if there is no Triton.
    """
    before = os.environ.get(SWITCH)
    os.environ[SWITCH] = "1"
    try:
        language: Any = importlib.import_module("triton.language")
        core = language.core
        modules = [m for name, m in sys.modules.items() if name.startswith("triton.language")]
        with _as_before([*modules, core.tensor, core.dtype, core.tensor_descriptor_base]):
            yield
    finally:
        if before is None:
            del os.environ[SWITCH]
        else:
            os.environ[SWITCH] = before


@contextmanager
def _as_before(owners: list[ModuleType | type]) -> Iterator[None]:
    """Have the functions that Triton would compile interpreted, and put all back that is changed.

    The interpreter puts its own functions in the place of Triton's, and leaves some there. What it
    adds to modules stays: what it has rewritten needs it.
    """
    from triton.runtime.jit import JITFunction

    kept = [dict(vars(owner)) for owner in owners]
    for owner, values in zip(owners, kept, strict=True):
        for name, value in values.items():
            if type(value) is JITFunction:
                setattr(owner, name, _interpreted(value.fn, isinstance(owner, type)))
    try:
        yield
    finally:
        for owner, values in zip(owners, kept, strict=True):
            for name, value in [*vars(owner).items()]:
                if name in values and value is not values[name]:
                    setattr(owner, name, values[name])
                elif name not in values and isinstance(owner, type):
                    delattr(owner, name)


@cache
def _interpreted(function: Callable[..., Any], is_method: bool) -> Any:
    from triton.runtime.interpreter import InterpretedFunction

    made = InterpretedFunction(function)
    return (lambda *given, **named: made(*given, **named)) if is_method else made
