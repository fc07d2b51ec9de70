"""Cells that are run one after the other in one namespace."""

import __future__

import ast
import inspect
import linecache
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from normlab.checks.absent import Absent, absent, apart
from normlab.checks.cells import Cell
from normlab.checks.magics import plain_python
from normlab.checks.observe import message_of, own_line
from normlab.checks.shell import OurShell, of_every_notebook

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

LATE_ANNOTATIONS = __future__.annotations.compiler_flag
MOST_TOLD = 3
"""Errors of one cell that are told."""
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def new_event_loop() -> "AbstractEventLoop":
    import asyncio  # takes 0.1 s

    return asyncio.new_event_loop()


@dataclass
class Program:
    """What the cells that were run have left.

    A statement that raises an error does not keep those below it from running, and an import that
    fails leaves something that can be named. So an answer is lost over neither.

    Args:
        namespace: in which they run.
        errors: name that a cell with an error defines -> the error.
        new_loop: makes the event loop of cells with a top-level `await`, all in one as in Jupyter.
    """

    namespace: dict[str, Any]
    errors: dict[str, str] = field(default_factory=dict)
    new_loop: Callable[[], "AbstractEventLoop"] = new_event_loop
    _loop: "AbstractEventLoop | None" = field(default=None, init=False)
    _flags: int = field(default=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, init=False)
    _told: list[str] = field(default_factory=list, init=False)
    _texts: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        for name, value in of_every_notebook(self.namespace, self._run_text).items():
            self.namespace.setdefault(name, value)

    def run(self, cell: Cell) -> str:
        """Run a cell without `check`, `hint`, `use` and `attempt` in it; return its error, or "".

        Whatever it raises is its error. What is meant to end a program ends the cell.
        """
        self._told = []
        self._run_source(cell.name, cell.source)
        text = "; ".join([*dict.fromkeys(self._told)][:MOST_TOLD])
        if text:
            self.errors |= dict.fromkeys(cell.defines(), text)
        return text

    def answer(self, name: str) -> Any:
        """What `name` stands for, if it can be called and is not normlab's own; else None."""
        value = self.namespace.get(name)
        return value if is_answer(value) and not is_normlabs(value) else None

    def close(self) -> None:
        if self._loop is not None:
            self._loop.close()

    def _run_text(self, source: str) -> None:
        """Run what a cell hands to Jupyter's shell as a text."""
        self._texts += 1
        self._run_source(f"cell {self._texts} that was run as a text", source)

    def _run_source(self, name: str, source: str) -> None:
        try:
            steps = list(self._steps(name, source))
            awaits = any(code.co_flags & inspect.CO_COROUTINE for _, code in steps)
            running = self._run_steps(steps)
            if awaits:
                self._loop = self._loop or self.new_loop()
                self._loop.run_until_complete(running)
            else:
                _run_at_once(running)
        except BaseException as error:
            self._tell(error)

    def _steps(self, name: str, source: str) -> Iterator[tuple[ast.stmt, types.CodeType]]:
        """The statements, one by one."""
        source = plain_python(source)
        lines = source.splitlines(keepends=True)
        linecache.cache[name] = len(source), None, lines, name
        tree = ast.parse(source, name)
        if "get_ipython" in source:
            tree = OurShell().visit(tree)
        for whole in tree.body:
            for node in () if _is_check(whole) else apart(whole):
                try:
                    code = self._compiled(node, name)
                except SyntaxError as error:
                    self._tell(error)
                    continue
                if _postpones_annotations(node):
                    self._flags |= LATE_ANNOTATIONS
                yield node, code

    def _compiled(self, node: ast.stmt, name: str, more: int = 0) -> types.CodeType:
        code = compile(ast.Module([node], []), name, "exec", self._flags | more, dont_inherit=True)
        assert isinstance(code, types.CodeType)
        return code

    async def _run_steps(self, steps: list[tuple[ast.stmt, types.CodeType]]) -> None:
        for node, code in steps:
            try:
                awaited = eval(code, self.namespace)
                if awaited is not None:
                    await awaited
            except Exception as error:
                self._go_on(node, code.co_filename, error)

    def _go_on(self, node: ast.stmt, name: str, error: Exception) -> None:
        """Save what a statement that has failed would have left, as far as that can be done."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            said, stand_ins = absent(node, error)
            self._told.append(said)
            for missing, stand_in in stand_ins.items():
                self.namespace.setdefault(missing, stand_in)
            return
        if isinstance(error, NameError) and isinstance(node, DEFINITIONS):
            try:
                exec(self._compiled(node, name, LATE_ANNOTATIONS), self.namespace)
                return
            except NameError:  # it is not over an annotation
                pass
        self._tell(error)

    def _tell(self, error: BaseException) -> None:
        where = own_line(error.__traceback__)
        text = f"{type(error).__name__}: {message_of(error)}"
        self._told.append(text + (f", in {where}" if where else ""))


def _run_at_once(running: Any) -> None:
    """Run a coroutine that waits for nothing."""
    try:
        running.send(None)
    except StopIteration:
        return


def _postpones_annotations(node: ast.stmt) -> bool:
    """Whether a cell, as in Jupyter, says so for itself and those below it."""
    future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
    return future and "annotations" in ast.unparse(node)


def is_answer(value: Any) -> bool:
    """Whether a value can be called, and does not stand for something that is not there."""
    return callable(value) and not isinstance(value, Absent)


def is_normlabs(value: Any) -> bool:
    """Whether a function or class, or the class of an object, is defined in normlab."""
    owner = value if isinstance(value, type | types.FunctionType) else type(value)
    return str(owner.__module__).split(".")[0] == "normlab"


def _is_check(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("check", "hint", "use", "attempt")
    )
