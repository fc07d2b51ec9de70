"""Answers in a plain form, which is the same for answers that differ in names and layout alone."""

import ast
import hashlib
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from normlab.grading.plain_code import Definition, plain_code

LONGEST, MOST = 20_000, 100_000
"""Characters of a cell that is looked at, and of all such cells of a file."""
DEFINES = re.compile(r"^[ \t]*(?:async[ \t]+def|def|class)[ \t]+(\w+)", re.MULTILINE)
IMPORTED = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+)?import[ \t]+([\w.]+(?:[ \t]+as[ \t]+\w+)?"
    r"(?:[ \t]*,[ \t]*[\w.]+(?:[ \t]+as[ \t]+\w+)?)*)",
    re.MULTILINE,
)
USUAL = MappingProxyType({"np": "numpy", "nn": "torch.nn", "F": "torch.nn.functional"})
"""What these names stand for, where no cell says so."""
FOR_THE_SHELL = re.compile(r"^([ \t]*)[%!?].*$", re.MULTILINE)
UNREADABLE = (SyntaxError, ValueError, MemoryError, RecursionError)
"""What Python says of sources that it cannot read, or that are nested too deep."""


@dataclass(frozen=True)
class PlainAnswer:
    """An answer without its names, comments and layout.

    Args:
        lines: one for each statement.
    """

    lines: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256("\n".join(self.lines).encode("utf-8", "replace")).hexdigest()

    def without(self, other: "PlainAnswer | None") -> int:
        """How many characters of it stand in no line of another one."""
        known = set(other.lines) if other else set()
        return sum(len(line.strip()) for line in self.lines if line not in known)


def plain_answers(sources: Sequence[str], functions: Iterable[str]) -> dict[str, PlainAnswer]:
    """The last definition of each function, in plain form; those that cannot be read are left out.

    Local names, arguments, helpers of the same cell and attributes of a class's own objects are
    numbered in the order in which they appear. Annotations, docstrings, other texts that nothing
    uses, and the words of error messages are dropped. A module has its own name, whatever it is
    imported as.

    Args:
        sources: of the cells, in order.
        functions: to look for.

    >>> one = "def f(x, n):\\n    'Twice.'\\n    y = 2 * x  # twice\\n    return y"
    >>> other = "def f(values, count: int):\\n    twice = (2 *\\n        values)\\n    return twice"
    >>> plain_answers([one], ["f"]) == plain_answers([other], ["f"])
    True
    """
    wanted = set(functions)
    modules = dict(USUAL)
    found: dict[str, PlainAnswer] = {}
    left = MOST
    for source in sources:
        if len(source) > LONGEST:
            continue
        modules |= dict(_imported(source))
        if len(source) > left or not wanted & set(DEFINES.findall(source)):
            continue
        left -= len(source)
        found |= _in_cell(source, frozenset(wanted), frozenset(modules.items()))
    return found


@lru_cache(maxsize=512)
def _in_cell(
    source: str, wanted: frozenset[str], modules: frozenset[tuple[str, str]]
) -> Mapping[str, PlainAnswer]:
    """Those in one cell. Many students leave a cell as it was handed out."""
    found: dict[str, PlainAnswer] = {}
    with suppress(*UNREADABLE):
        defined = _definitions(_parsed(source).body)
        for function in wanted & defined.keys():
            found[function] = _plain(function, defined, dict(modules))
    return found


def _parsed(source: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(FOR_THE_SHELL.sub(r"\1pass", source))


def _imported(source: str) -> Iterator[tuple[str, str]]:
    """(name in the code, what it stands for) of all that is imported under another name."""
    for module, names in IMPORTED.findall(source):
        for imported in names.split(","):
            whole, *others = imported.split()
            name = others[-1] if others else whole
            if module or others:
                yield name, f"{module}.{whole}" if module else whole


def _definitions(body: Iterable[ast.stmt]) -> dict[str, Definition]:
    """What a cell defines, also below `if` and `try`; of two of a name, the last."""
    found: dict[str, Definition] = {}
    for node in body:
        if isinstance(node, Definition):
            found[node.name] = node
        else:
            inner = (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))
            found |= _definitions(inner)
    return found


def _plain(
    function: str, defined: Mapping[str, Definition], modules: Mapping[str, str]
) -> PlainAnswer:
    needed = _with_helpers(function, defined)
    helpers = {name: f"helper_{i}" for i, name in enumerate(needed) if name != function}
    lines = (line for name in needed for line in plain_code(defined[name], helpers, modules))
    return PlainAnswer(tuple(lines))


def _with_helpers(function: str, defined: Mapping[str, Definition]) -> list[str]:
    """A function, then the others of its cell that it uses, in the order in which it does."""
    needed = [function]
    for name in needed:  # which grows
        used = [node.id for node in ast.walk(defined[name]) if isinstance(node, ast.Name)]
        needed += [n for n in dict.fromkeys(used) if n in defined and n not in needed]
    return needed
