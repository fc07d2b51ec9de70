"""Triton's interpreter: kernels in Python, on a CPU, one program after the other."""

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import FunctionType
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
        with _changed(_changes()):
            yield
    finally:
        if before is None:
            del os.environ[SWITCH]
        else:
            os.environ[SWITCH] = before


Changes = Sequence[tuple[Any, str, Any]]
"""(module or class, name, value): what stands there while kernels are interpreted."""


@contextmanager
def _changed(changes: Changes) -> Iterator[None]:
    kept = [(owner, name, vars(owner).get(name, ABSENT)) for owner, name, _ in changes]
    _set(changes)
    try:
        yield
    finally:
        _set(kept)


def _set(values: Changes) -> None:
    for owner, name, value in values:
        if value is not ABSENT:
            setattr(owner, name, value)
        elif name in vars(owner):
            delattr(owner, name)


ABSENT = object()


@cache
def _changes() -> Changes:
    """What the interpreter puts in the place of Triton's language, at each call of a kernel.

    Here it is put there once. Functions of the language that Triton would compile are interpreted.
    """
    from triton.runtime import interpreter
    from triton.runtime.jit import JITFunction

    language: Any = importlib.import_module("triton.language")
    core = language.core
    modules = [m for name, m in sys.modules.items() if name.startswith("triton.language")]
    owners = [*modules, core.tensor, core.dtype, core.tensor_descriptor_base]
    before = [dict(vars(owner)) for owner in owners]
    for owner, values in zip(owners, before, strict=True):
        for name, value in values.items():
            if type(value) is JITFunction:
                setattr(owner, name, _interpreted(value.fn, isinstance(owner, type)))
    seen = FunctionType(_nothing.__code__, {"tl": language, "core": core})
    scope = type(interpreter._patch_lang(seen))
    after = [dict(vars(owner)) for owner in owners]
    changes = [
        (owner, name, value)
        for owner, old, new in zip(owners, before, after, strict=True)
        for name, value in new.items()
        if old.get(name, ABSENT) is not value
    ]
    _set([(o, n, before[owners.index(o)].get(n, ABSENT)) for o, n, _ in changes])
    return [(interpreter, "_patch_lang", lambda function: scope()), *changes]


def _nothing() -> None:
    """A function of which only the module counts."""


def _interpreted(function: Callable[..., Any], is_method: bool) -> Any:
    from triton.runtime.interpreter import InterpretedFunction

    made = InterpretedFunction(function)
    return (lambda *given, **named: made(*given, **named)) if is_method else made
