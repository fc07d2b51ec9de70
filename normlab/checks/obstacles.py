"""What keeps an answer that seems to be there from being one."""

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import SequenceMatcher

from normlab.checks.cells import Cell, all_cells
from normlab.checks.diagnosis import Diagnosis
from normlab.checks.magics import cell_magic
from normlab.checks.sources import defined_names, trees

LONGEST = 50_000
"""Characters of a cell that is looked at. Nobody has written more."""
GIVEN = "buggy_"
"""How the names begin of code with a bug that exercises hand out; it is nobody's answer."""
ALIKE = 0.8
"""The share of letters that a mistyped name has in common with the right one."""
HEAD = re.compile(r"(?:async )?(?:def|class) (\w++)[^\n]*+")


def set_aside(name: str, data: bytes) -> dict[str, str]:
    """What cells of a notebook define that do not run, and why: function -> what it is in.

    Raises:
        UnreadableFile: as `notebook_cells`.

    >>> data = b'{"cells": [{"cell_type": "markdown", "source": "def f(x):\\\\n    return x"}]}'
    >>> set_aside("a.ipynb", data)
    {'f': 'cell 1 of the notebook, which is markdown, and does not run. Make it a code cell.'}
    """
    found: dict[str, str] = {}
    for number, (kind, cell) in enumerate(all_cells(name, data), 1):
        place = f"cell {number} of the notebook"
        magic, below = cell_magic(cell.source)
        if kind != "code":
            why = f"{place}, which is {kind}, and does not run. Make it a code cell."
            found |= dict.fromkeys(cell.defines(), why)
        elif magic:
            why = f"{place}, below %%{magic}, which leaves nothing of it. Delete that line."
            found |= dict.fromkeys(defined_names(below), why)
    return found


def is_unanswered(diagnosis: Diagnosis) -> bool:
    """Whether an answer says of itself that it is none, or there is none at all."""
    return not diagnosis.attempted or "NotImplementedError" in diagnosis.message


def in_the_way(
    function: str, cells: Iterable[Cell], aside: Mapping[str, str], asked: Collection[str] = ()
) -> str:
    """What keeps an answer that may be there from being one; "" if nothing is seen.

    Args:
        function: that the exercise asks for.
        cells: in which it may be defined.
        aside: as `set_aside` gives it.
        asked: all names that are asked for; none of them is another one, written differently.
    """
    cells = [cell for cell in cells if len(cell.source) < LONGEST]
    found = [look(cell, function) for look in LOOKS for cell in cells]
    if function in aside:
        found.append(f"it is in {aside[function]}")
    found += [_renamed(cell, function, asked) for cell in cells]
    return next((f"{function}: {why}" for why in found if why), "")


def _raise_left(cell: Cell, name: str) -> str:
    """On a `raise NotImplementedError` in `name` with code above it or below it."""
    for plain, tree in trees(cell.source) if name in cell.source else ():
        for function in _functions_of(tree, name):
            for i, node in enumerate(function.body):
                if not (isinstance(node, ast.Raise) and "NotImplementedError" in _names(node)):
                    continue
                line = plain.split("\n")[node.lineno - 1].strip()
                place = f"line {node.lineno}: `{line}` in {cell.name}"
                if function.body[i + 1 :]:
                    return f"{place} keeps the code below it from running. Delete that line."
                if not all(map(_is_nothing, function.body[:i])):
                    return f"{place} ends it before it returns anything. Return the result instead."
    return ""


def _functions_of(tree: ast.Module, name: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of this name, and the methods of a class of this name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name != name:
                continue
            inside = ast.walk(node)
            yield from (n for n in inside if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))


def _is_nothing(node: ast.stmt) -> bool:
    """Whether a line stands in exercises as they are handed out, above their `raise`."""
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr)
        and (isinstance(node.value, ast.Constant) or "super" in _names(node))
    )


def _names(node: ast.stmt) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _commented_out(cell: Cell, name: str) -> str:
    for number, line in enumerate(cell.source.split("\n"), 1):
        comment = line.lstrip()
        head = HEAD.match(comment[1:].strip()) if comment.startswith("#") else None
        if head and head[1] == name and head[0].split("#")[0].rstrip().endswith(":"):
            return (
                f"from line {number} of {cell.name} on it is a comment, and does not run. "
                "Remove the # signs."
            )
    return ""


def _quoted(cell: Cell, name: str) -> str:
    for _, tree in trees(cell.source) if name in cell.source else ():
        for node in tree.body:
            match node:
                case ast.Expr(value=ast.Constant(value=str(text))) if name in defined_names(text):
                    return (
                        f"from line {node.lineno} of {cell.name} on it is a text, and does not "
                        "run. Remove the quotes around it."
                    )
    return ""


LOOKS = (_raise_left, _commented_out, _quoted)


def _renamed(cell: Cell, name: str, asked: Collection[str]) -> str:
    for other in sorted(cell.defines() - {name, *asked}):
        alike = SequenceMatcher(None, _letters(other), _letters(name)).ratio() >= ALIKE
        if alike and not other.startswith(GIVEN):
            return f"{cell.name} defines {other}; the exercise asks for {name}. Rename it."
    return ""


def _letters(name: str) -> str:
    return name.replace("_", "").lower()
