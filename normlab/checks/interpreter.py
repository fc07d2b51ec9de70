"""Triton's interpreter: kernels in Python, on a CPU, one program after the other."""

import importlib
import os
from typing import Any

from normlab.checks.absent import Absent

SWITCH = "TRITON_INTERPRET"
"""Triton looks at this variable of the environment as it is imported, and at each `triton.jit`."""


class NotInterpreted(RuntimeError):
    """Triton was imported without its interpreter, and a process has one Triton only."""


def load_interpreter() -> None:
    """Import Triton so that it interprets, or see that somebody has.

    The environment is afterwards as it was.

    Raises:
        ModuleNotFoundError: that says what to install, if there is no Triton.
        NotInterpreted: if it was imported before, without the interpreter.
    """
    before = os.environ.get(SWITCH)
    os.environ[SWITCH] = "1"
    try:
        language = importlib.import_module("triton.language")
        from triton.runtime.interpreter import InterpretedFunction
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "triton":
            raise
        raise ModuleNotFoundError(NEEDED, name="triton") from None
    finally:
        if before is None:
            del os.environ[SWITCH]
        else:
            os.environ[SWITCH] = before
    if not isinstance(language.sum, InterpretedFunction):
        raise NotInterpreted(
            "Triton was imported before its interpreter was switched on. Restart the kernel, and "
            f"set {SWITCH}=1 first, as the notebook's first cell does."
        )


NEEDED = "it needs Triton, which is not installed: run pip install 'normlab[kernels]', on Linux."


def interpreted_triton() -> tuple[Any, Any]:
    """Triton and its language, for a notebook whose kernels the interpreter runs.

    It stands for `os.environ["TRITON_INTERPRET"] = "1"`, `import triton` and `import
    triton.language as tl`. Where Triton is not installed it says so, and gives stand-ins, with
    which kernels can be defined and not run.

    Raises:
        NotInterpreted: if Triton was imported before, without the interpreter.
    """
    os.environ[SWITCH] = "1"
    try:
        load_interpreter()
    except ModuleNotFoundError as error:
        print(f"Kernels cannot run here: {error}")
        return Absent("triton", NEEDED), Absent("tl", NEEDED)
    return importlib.import_module("triton"), importlib.import_module("triton.language")
