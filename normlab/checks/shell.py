"""What stands for Jupyter: the shell that `get_ipython()` gives, and what every notebook has."""

import ast
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from normlab.checks.absent import Absent
from normlab.checks.magics import OF_A_LINE, PYLAB, WRITES, elsewhere

LIKE_PYLAB = (
    "import numpy\nimport matplotlib\nfrom matplotlib import pylab, mlab, pyplot\n"
    "np = numpy\nplt = pyplot\nfrom pylab import *\nfrom numpy import *"
)
"""What `%pylab` is short for, as its own documentation has it."""


class Shell:
    """The shell of a notebook: it runs code, and does nothing else.

    Args:
        namespace: of the notebook.
        run: runs the code of a cell in it.
    """

    def __init__(self, namespace: Mapping[str, Any], run: Callable[[str], None]) -> None:
        self.user_ns, self._run = namespace, run

    def run_cell(self, raw_cell: str, *given: Any, **named: Any) -> None:
        self._run(raw_cell)

    def run_cell_magic(self, magic_name: str, line: str, cell: str) -> None:
        """Run the cell, or write it, or leave it out if it is in another language."""
        if magic_name in WRITES and line.split():
            *options, name = line.split()
            with Path(name.strip("'\"")).open("a" if "-a" in options else "w") as file:
                file.write(cell)
            importlib.invalidate_caches()
        elif not elsewhere(magic_name):
            self._run(cell)

    def run_line_magic(self, magic_name: str, line: str = "", *given: Any, **named: Any) -> Any:
        if magic_name in OF_A_LINE:
            self._run(line)
        elif magic_name == PYLAB:
            self._run(LIKE_PYLAB)
        return Absent(f"what %{magic_name} gives", "magics do nothing here")

    def magic(self, arg_s: str) -> Any:
        """As IPython had it before version 8."""
        name, _, line = arg_s.strip().lstrip("%").partition(" ")
        return self.run_line_magic(name, line)

    def system(self, cmd: str) -> None:
        """Nothing is started."""

    def getoutput(self, cmd: str, *given: Any, **named: Any) -> list[str]:
        """Nothing is started, and it has said nothing."""
        return []

    def __getattr__(self, name: str) -> Absent:
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(f"get_ipython().{name}", "there is no Jupyter here")


def of_every_notebook(namespace: Mapping[str, Any], run: Callable[[str], None]) -> dict[str, Any]:
    """The functions that code finds in a notebook without importing them."""
    shell = Shell(namespace, run)
    return {
        "get_ipython": lambda: shell,
        "display": _ignore,
        "exit": _ignore,
        "quit": _ignore,
        "input": no_input,
    }


def _ignore(*given: Any, **named: Any) -> None:
    """Stands for what shows something, or ends the notebook."""


def no_input(prompt: object = "") -> NoReturn:
    """Stands for `input` where nobody can type."""
    raise EOFError("nobody is there to answer input(). Write the value into the code.")


class OurShell(ast.NodeTransformer):
    """Code that asks IPython itself for the shell asks for ours instead."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        if (node.module or "").split(".")[0] == "IPython":
            node.names = [name for name in node.names if name.name != "get_ipython"]
        return node if node.names else ast.copy_location(ast.Pass(), node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if node.attr == "get_ipython":
            return ast.copy_location(ast.Name("get_ipython", ast.Load()), node)
        self.generic_visit(node)
        return node
