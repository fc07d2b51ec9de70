"""The source of a cell: freed of what only a notebook understands, and what it defines."""

import ast
import contextlib
import importlib.util
import itertools
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any


def decoded(data: bytes) -> str:
    r"""The text of a .py file, as Python reads it: by its BOM, its coding line, else as UTF-8.

    Raises:
        SyntaxError, UnicodeDecodeError: as Python would.

    >>> decoded(b"# -*- coding: latin-1 -*-\r\nx = '\xe4'")
    "# -*- coding: latin-1 -*-\nx = 'ä'"
    """
    return importlib.util.decode_source(data)


SYNTAX_OF_NOTEBOOKS = re.compile(
    r"^[ \t]*(?:[%!?,;/]|>>>|In \[)|[?][ \t]*$|=[ \t]*[%!]|\A\s*^[ \t]", re.MULTILINE
)
MOST_MAGICS, MOST_READ = 100, 10**6
"""In a cell; and its characters times its magics."""
BODY_IS_PYTHON = re.compile(r"\A(\s*)%%(?:time|capture)\b.*")
TIMED_LINE = re.compile(r"^([ \t]*)%time[ \t]+(?=\S)", re.MULTILINE)
FOR_THE_NOTEBOOK = re.compile(r"^([ \t]*)(?![ \t]).*get_ipython\(\).*$", re.MULTILINE)


def plain_python(source: str) -> str:
    """`source` without magics and lines for the shell; the other lines stay where they are.

    What `%time`, `%%time` and `%%capture` run is Python, and stays.

    >>> print(plain_python("%matplotlib inline\\nif ready:\\n    !ls\\nx = 1"), end="")
    pass
    if ready:
        pass
    x = 1
    """
    if not SYNTAX_OF_NOTEBOOKS.search(source) or _is_beyond_notebooks(source):
        return source
    source = BODY_IS_PYTHON.sub(r"\1#", source)  # a comment keeps its line
    source = TIMED_LINE.sub(r"\1", source)
    # Python says it better when it compiles the source; IPython gives up with RuntimeError
    with contextlib.suppress(SyntaxError, RuntimeError):
        source = _transformer().transform_cell(source)
    return FOR_THE_NOTEBOOK.sub(r"\1pass", source)


def _is_beyond_notebooks(source: str) -> bool:
    """Whether it has more magics than anybody writes: IPython reads the whole for each of them."""
    magics = sum(1 for _ in itertools.islice(SYNTAX_OF_NOTEBOOKS.finditer(source), MOST_MAGICS + 1))
    return magics > MOST_MAGICS or magics * len(source) > MOST_READ


@cache
def _transformer() -> Any:
    from IPython.core.inputtransformer2 import TransformerManager  # takes 0.2 s

    manager: Any = TransformerManager
    return manager()


NEVER_CALLED = (
    *(ast.Constant, ast.JoinedStr, ast.BinOp, ast.UnaryOp, ast.Compare),
    *(ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp),
)
"""Expressions whose value is a number, a text, an array or a collection."""
DEFINES = re.compile(r"^(?:async\s+def|def|class)\s+(\w+)|^(\w+)[ \t]*=(?!=)", re.MULTILINE)


def defined_names(source: str) -> set[str]:
    """The names by which a source leaves something that can be called.

    Functions, classes, and names that are given one: by `=` or by an import from elsewhere than
    normlab; also inside `if`, `try`, `with` and loops. Where it is no Python, a look at the text
    tells.

    >>> sorted(defined_names("if fast:\\n    f = g\\nelse:\\n    def f(): ...\\nn = 3 + 4"))
    ['f']
    """
    tree = _tree(plain_python(source))
    if tree is None:
        return {a or b for a, b in DEFINES.findall(textwrap.dedent(source))}
    return set(_defined(tree.body))


def _tree(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):  # as Python says of bad sources
        return None


def _defined(body: Iterable[ast.stmt]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.ImportFrom() if (node.module or "").split(".")[0] != "normlab" or node.level:
                yield from (alias.asname or alias.name for alias in node.names)
            case ast.Assign():
                for target in node.targets:
                    yield from _given(target, node.value)
            case ast.AnnAssign(value=ast.expr() as value):
                yield from _given(node.target, value)
            case _:
                yield from _defined(_inside(node))


def _given(target: ast.expr, value: ast.expr) -> list[str]:
    """The names in the target of an assignment that may be given something to call."""
    several = isinstance(target, ast.Tuple | ast.List)
    if isinstance(value, NEVER_CALLED) and not (several and isinstance(value, ast.Tuple)):
        return []
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]


def _inside(node: ast.stmt) -> Iterator[ast.stmt]:
    """The statements of the blocks of `if`, `for`, `with`, `try` and `match`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield child
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield from child.body


def raise_left_above(source: str, name: str) -> str | None:
    """The line of a `raise NotImplementedError` in `name` that keeps code below it from running.

    >>> raise_left_above("def f(x):\\n    raise NotImplementedError\\n    return x", "f")
    'line 2: `raise NotImplementedError`'
    """
    plain = plain_python(source)
    tree = _tree(plain)
    for function in _functions_of(tree, name) if tree else ():
        for node in function.body[:-1]:
            if isinstance(node, ast.Raise) and "NotImplementedError" in ast.unparse(node):
                line = plain.splitlines()[node.lineno - 1].strip()
                return f"line {node.lineno}: `{line}`"
    return None


def _functions_of(tree: ast.Module, name: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of this name, and the methods of a class of this name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name != name:
                continue
            inside = ast.walk(node)
            yield from (n for n in inside if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
