"""Cells that are run one after the other in one namespace."""

import ast
import inspect
import linecache
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from normlab.checks.cells import Cell
from normlab.checks.observe import message_of, own_line
from normlab.checks.sources import plain_python

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop


def new_event_loop() -> "AbstractEventLoop":
    import asyncio  # takes 0.1 s

    return asyncio.new_event_loop()


@dataclass
class Program:
    """What the cells that were run have left.

    Args:
        namespace: in which they run.
        errors: name that a failed cell would have defined -> the error.
        new_loop: makes the event loop of cells with a top-level `await`, all in one as in Jupyter.
    """

    namespace: dict[str, Any]
    errors: dict[str, str] = field(default_factory=dict)
    new_loop: Callable[[], "AbstractEventLoop"] = new_event_loop
    _loop: "AbstractEventLoop | None" = field(default=None, init=False)

    def run(self, cell: Cell) -> str:
        """Run a cell without `check`, `hint`, `use` and `attempt` in it; return its error, or "".

        Whatever it raises is its error, also what is meant to end a program.
        """
        self.namespace.setdefault("display", _display)
        try:
            source = plain_python(cell.source)
            lines = source.splitlines(keepends=True)
            linecache.cache[cell.name] = len(source), None, lines, cell.name
            tree = ast.parse(source, cell.name)
            tree.body = [node for node in tree.body if not _is_check(node)]
            self._execute(compile(tree, cell.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))
        except BaseException as error:
            where = own_line(error.__traceback__)
            text = f"{type(error).__name__}: {message_of(error)}"
            text += f", in {where}" if where else ""
            self.errors |= dict.fromkeys(cell.defines(), text)
            return text
        return ""

    def answer(self, name: str) -> Any:
        """What `name` stands for, if it can be called and is not normlab's own; else None."""
        value = self.namespace.get(name)
        return value if callable(value) and not is_normlabs(value) else None

    def close(self) -> None:
        if self._loop is not None:
            self._loop.close()

    def _execute(self, code: types.CodeType) -> None:
        if not code.co_flags & inspect.CO_COROUTINE:
            exec(code, self.namespace)
            return
        if self._loop is None:
            self._loop = self.new_loop()
        self._loop.run_until_complete(eval(code, self.namespace))


def is_normlabs(value: Any) -> bool:
    """Whether a function or class, or the class of an object, is defined in normlab."""
    owner = value if isinstance(value, type | types.FunctionType) else type(value)
    return str(owner.__module__).split(".")[0] == "normlab"


def _display(*objects: Any, **options: Any) -> None:
    """Stands for the function of this name that every notebook has."""


def _is_check(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("check", "hint", "use", "attempt")
    )
