"""What only Jupyter understands in a cell, as Python: prompts, magics, lines for the shell, help.

Each text is read once from its beginning to its end, whatever is in it.
"""

import re
from collections.abc import Iterator

from normlab.checks.texts import with_newlines

SYNTAX_OF_NOTEBOOKS = re.compile(
    r"^[ \t]*+(?:[%!?,;/]|>>>|In \[)|[?][ \t]*+$|=[ \t]*+[%!]|\A\s*+(?<=[ \t])\S", re.MULTILINE
)
COLAB = "# Commented out IPython magic to ensure Python compatibility."
"""What Colab writes above magics in a .py file; below it the whole cell of a `%%` is a comment."""
ELSEWHERE = frozenset(
    {
        *("bash", "cmd", "script", "sh", "shell", "html", "javascript", "js", "latex", "markdown"),
        *("cython", "julia", "perl", "pypy", "python", "python2", "python3", "r", "ruby", "sql"),
        *("bigquery", "svg", "timeit", "file", "writefile"),
    }
)
"""Magics whose cell leaves nothing in the notebook: it is no Python, or runs by itself."""
OF_A_LINE = frozenset({"time", "prun", "memit"})
"""Magics whose line is Python, and leaves what it defines."""
PROMPTS = (
    re.compile(r"(?:>>>|\.\.\.)(?: |$)"),
    re.compile(r"In \[\d++\]: |[ \t]*+\.{3,}+: ?"),
)
PYLAB, WRITES = "pylab", ("writefile", "file")
"""Magics that do something here."""
FIRST_LINE = re.compile(r"\s*+%%(\w++)([^\n]*+)\n?")
REST = r"((?:[^\\\n]++|\\\n|\\.|\\)*+)"
ESCAPED_LINE = re.compile(rf"([ \t]*+)([%!?,;/]++){REST}")
ASSIGNED = re.compile(rf"=[ \t]*+([%!]++){REST}")
TRIPLE = re.compile(r"'''|\"\"\"")
INSIDE = {
    "'''": re.compile(r"(?:[^'\\]++|\\.|'(?!''))*+'''", re.DOTALL),
    '"""': re.compile(r'(?:[^"\\]++|\\.|"(?!""))*+"""', re.DOTALL),
}
PIECE = re.compile(
    r"""[^'"\#\\\n()\[\]{}?=]++|\#[^\n]*+|\\.?|'(?:[^'\\\n]++|\\.)*+'|"(?:[^"\\\n]++|\\.)*+"|.""",
    re.DOTALL,
)


def plain_python(source: str) -> str:
    """`source` as Python; every line stays where it is.

    Magics and lines for the shell are taken out; where their result is kept, `get_ipython()` is
    asked for it, as in Jupyter. What `%time`, `%%time`, `%%capture` and their like run is Python,
    and stays.

    >>> print(plain_python("%matplotlib inline\\nif ready:\\n    files = !ls\\nx = 1"))
    pass
    if ready:
        files = get_ipython().getoutput('ls')
    x = 1
    """
    if COLAB in source:
        source = "\n".join(_uncommented(with_newlines(source).split("\n")))
    if not SYNTAX_OF_NOTEBOOKS.search(source):
        return source
    source = _without_prompts(_without_indent(with_newlines(source)))
    above = ""
    while first := FIRST_LINE.match(source):
        name, options, body = first[1], first[2].strip(), source[first.end() :]
        if elsewhere(name):
            return above + _left_out(name, options, body)
        kept = _captured(options) if name == "capture" else ""
        above += "\n" * (first[0].count("\n") - first[0].endswith("\n")) + f"{kept}#\n"
        source = body
    return above + "".join(_python_of(source))


def elsewhere(magic: str) -> bool:
    """Whether the cell below a magic leaves nothing in the notebook."""
    return magic.lower() in ELSEWHERE


def cell_magic(source: str) -> tuple[str, str]:
    """The magic of a cell that leaves nothing in the notebook, and what is below; else ("", "").

    >>> cell_magic("%%bash\\nls")
    ('bash', 'ls')
    """
    first = FIRST_LINE.match(source)
    return (first[1], source[first.end() :]) if first and elsewhere(first[1]) else ("", "")


def _uncommented(lines: list[str]) -> Iterator[str]:
    """The lines of Colab's .py file, with cells of `%%` as they were."""
    above, inside = "", False
    for line in lines:
        begins = above.startswith(COLAB) and line.startswith("# %%")
        if begins:
            inside = not elsewhere(line[4:].partition(" ")[0])
        else:
            inside &= line.startswith("#") and not line.startswith(COLAB)
        yield line[1:].removeprefix(" ") if inside and not begins else line
        above = line


def _without_indent(source: str) -> str:
    """A cell that is indented throughout, as its first line is, moved to the left."""
    first = re.search(r"^([ \t]*+)\S", source, re.MULTILINE)
    if not first or not first[1]:
        return source
    return "\n".join(line.removeprefix(first[1]) for line in source.split("\n"))


def _without_prompts(source: str) -> str:
    """A cell that was pasted from a shell, without what the shell wrote before each line."""
    begin = source.lstrip()
    prompt = next((prompt for prompt in PROMPTS if prompt.match(begin)), None)
    if prompt is None:
        return source
    found = [(line, prompt.match(line)) for line in source.split("\n")]
    return "\n".join(line[match.end() :] if match else line for line, match in found)


def _left_out(name: str, options: str, body: str) -> str:
    """What stands for a cell that leaves nothing in the notebook; it may leave a file."""
    call = f"get_ipython().run_cell_magic({name!r}, {options!r}, {body!r})"
    return call if name in WRITES else "pass"


def _captured(options: str) -> str:
    """What `%%capture NAME` leaves of that name."""
    names = [word for word in options.split() if word.isidentifier()]
    return f"{names[0]} = get_ipython() " if names else ""


def _python_of(source: str) -> Iterator[str]:
    """Statement after statement."""
    place = 0
    while place < len(source):
        escaped = ESCAPED_LINE.match(source, place)
        if escaped:
            yield escaped[1] + _called(escaped[2], escaped[3], whole=True)
            place = escaped.end()
        begin, (place, assigned, is_help) = place, _statement(source, place)
        text = source[begin:place]
        if assigned:
            head = source[begin : assigned.start()]
            yield f"{head}= {_called(assigned[1], assigned[2], whole=False)}"
        elif is_help:
            indent = text[: len(text) - len(text.lstrip())]
            yield indent + "pass" + "\n" * text.count("\n")
        else:
            yield text


def _statement(source: str, place: int) -> tuple[int, re.Match[str] | None, bool]:
    """(where a statement ends, the magic whose result it keeps, whether it asks for help)."""
    depth, is_help = 0, False
    while place < len(source):
        quotes = TRIPLE.match(source, place)
        if quotes:
            inside = INSIDE[quotes[0]].match(source, quotes.end())
            place = inside.end() if inside else len(source)
            continue
        assigned = ASSIGNED.match(source, place) if depth == 0 else None
        if assigned:
            return assigned.end(), assigned, False
        piece = PIECE.match(source, place)
        assert piece is not None
        place = piece.end()
        depth += (piece[0] in "([{") - (piece[0] in ")]}")
        is_help |= piece[0] == "?" and depth == 0
        if piece[0] == "\n" and depth <= 0:
            break
    return place, None, is_help


def _called(mark: str, rest: str, *, whole: bool) -> str:
    """What stands for an escaped line, with as many lines as it has.

    Where it is a `whole` line most do nothing here.
    """
    below = "\n" * rest.count("\n")
    rest = rest.replace("\\\n", " ").strip()
    name, _, line = rest.partition(" ")
    if mark == "%" and name in OF_A_LINE and line.strip():
        return line.strip() + below
    if whole and name != PYLAB:
        return "pass" + below
    if mark[0] == "!":
        return f"get_ipython().getoutput({rest!r}){below}"
    return f"get_ipython().run_line_magic({name!r}, {line.strip()!r}){below}"
