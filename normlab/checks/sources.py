"""What the source of a cell defines."""

import ast
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache

from normlab.checks.magics import elsewhere, plain_python

NEVER_CALLED = (
    *(ast.Constant, ast.JoinedStr, ast.BinOp, ast.UnaryOp, ast.Compare),
    *(ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.SetComp, ast.DictComp),
)
"""Expressions whose value is a number, a text, an array or a collection."""
DEFINES = re.compile(r"^(?:async\s++def|def|class)\s++(\w++)|^(\w++)[ \t]*+=(?!=)", re.MULTILINE)


LONG = 10_000
"""Characters from which on a source is not kept in memory."""


def defined_names(source: str) -> frozenset[str]:
    """The names by which a source leaves something that can be called.

    Functions, classes, and names that are given one: by `=` or by an import from elsewhere than
    normlab; also inside `if`, `try`, `with` and loops. Where it is no Python, a look at the text
    tells.

    >>> sorted(defined_names("if fast:\\n    f = g\\nelse:\\n    def f(): ...\\nn = 3 + 4"))
    ['f']
    """
    return _read(source) if len(source) > LONG else _read_once(source)


def _read(source: str) -> frozenset[str]:
    tree = _tree(plain_python(source))
    if tree is None:
        return frozenset(a or b for a, b in DEFINES.findall(textwrap.dedent(source)))
    return frozenset(_defined(tree.body))


_read_once = lru_cache(maxsize=1024)(_read)
"""In a class most cells are as they were handed out."""


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
            case ast.Expr(value=ast.Call() as call):
                yield from defined_names(run_as_text(call))
            case _:
                yield from _defined(_inside(node))


def run_as_text(call: ast.Call) -> str:
    """The cell that a call hands to Jupyter's shell to run, as nbconvert writes `%%time`; or "".

    >>> run_as_text(ast.parse("get_ipython().run_cell_magic('time', '', 'x = 1')").body[0].value)
    'x = 1'
    """
    texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    match call.func, texts:
        case ast.Attribute(attr="run_cell_magic"), [name, _, body] if not elsewhere(name):
            return body
        case ast.Attribute(attr="run_cell"), [body, *_]:
            return body
    return ""


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


def trees(source: str) -> Iterator[tuple[str, ast.Module]]:
    """A source as Python, and the cells that it hands to Jupyter's shell, with their trees."""
    plain = plain_python(source)
    tree = _tree(plain)
    if tree is None:
        return
    yield plain, tree
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from trees(run_as_text(node.value))
