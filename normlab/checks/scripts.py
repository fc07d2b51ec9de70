"""A .py file that was a notebook, or has a part that runs as a program only, in its parts."""

import ast
import re
import warnings
from collections.abc import Iterator

from normlab.checks.magics import plain_python

MARKER = re.compile(r"# In ?\[[ \d]*+\]:?|#[ \t]?%%(?:[ \t]|$)")
"""What stands above a cell in files of nbconvert, Jupytext, VS Code and Spyder."""
MOST_PARTS, MOST_LINES = 300, 20_000
"""A file of more is one part, since each part has the lines above it as empty ones."""


def parts(text: str) -> list[tuple[int, str]]:
    """(number of the first line, text) of each part; its lines keep their numbers.

    >>> parts("# In[1]:\\nx = 1\\n# In[2]:\\ny = 2")
    [(1, '# In[1]:\\nx = 1'), (3, '\\n\\n# In[2]:\\ny = 2')]
    """
    lines = text.split("\n")
    marked = [i for i, line in enumerate(lines) if MARKER.match(line)]
    if len(lines) > MOST_LINES or len(marked) > MOST_PARTS:
        return [(1, text)]
    cuts = {0, *marked, *_guards(lines, sorted({0, *marked}))}
    begins = sorted(cut for cut in cuts if cut < len(lines))[:MOST_PARTS]
    ends = [*begins[1:], len(lines)]
    return [
        (begin + 1, "\n" * begin + "\n".join(lines[begin:end]))
        for begin, end in zip(begins, ends, strict=True)
        if begin == 0 or "".join(lines[begin:end]).strip()
    ]


def _guards(lines: list[str], begins: list[int]) -> Iterator[int]:
    """Where a block `if __name__ == "__main__":` begins, and what comes below it."""
    for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True):
        if not any(line.startswith("if __name__") for line in lines[begin:end]):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(plain_python("\n".join(lines[begin:end])))
            found = [node for node in tree.body if isinstance(node, ast.If) and _is_guard(node)]
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            continue
        for node in found:
            yield begin + node.lineno - 1
            yield begin + (node.end_lineno or node.lineno)


def _is_guard(node: ast.If) -> bool:
    return any(isinstance(n, ast.Name) and n.id == "__name__" for n in ast.walk(node.test))
