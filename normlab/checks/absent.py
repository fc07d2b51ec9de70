"""What stands for a library that is not there, so that code which names it is not lost."""

import ast
from collections.abc import Iterator
from typing import Any, NoReturn


class Absent:
    """Something of a library that is not there.

    It can be named, also in annotations, and be put over a function, which stays what it is. Asked
    for anything else it says that it is not there.

    Args:
        name: what the code calls it.
        why: what Python said when it was imported.

    >>> pandas = Absent("pandas", "No module named 'pandas'")
    >>> @pandas.compiled(fast=True)
    ... def twice(x: pandas.Series[int]):
    ...     return 2 * x
    >>> twice(2), isinstance(2, pandas.Series), bool(pandas)
    (4, False, False)
    >>> f"{pandas.version:.3g}"
    Traceback (most recent call last):
    ModuleNotFoundError: pandas.version is not there: No module named 'pandas'. ...
    >>> len(pandas.read_csv("a.csv"))
    Traceback (most recent call last):
    ModuleNotFoundError: pandas.read_csv(…) is not there: No module named 'pandas'. ...
    """

    def __init__(self, name: str, why: str) -> None:
        self._name, self._why = name, why

    def __getattr__(self, name: str) -> "Absent":
        if name.startswith("__") or name == "detach":  # by which tensors are known
            raise AttributeError(name)
        return Absent(f"{self._name}.{name}", self._why)

    def __call__(self, *given: Any, **named: Any) -> Any:
        if len(given) == 1 and not named and callable(given[0]):
            return given[0]
        return Absent(f"{self._name}(…)", self._why)

    def __getitem__(self, item: Any) -> "Absent":
        return self

    def __or__(self, other: Any) -> "Absent":
        return self

    __ror__ = __or__

    def __bool__(self) -> bool:
        return False

    def __instancecheck__(self, instance: Any) -> bool:
        return False

    def __subclasscheck__(self, subclass: Any) -> bool:
        return False

    def __repr__(self) -> str:
        return f"<{self._name}, which is not there>"

    def __format__(self, form: str) -> str:
        return self._refuse() if form else repr(self)

    def _refuse(self, *given: Any, **named: Any) -> NoReturn:
        raise ModuleNotFoundError(f"{self._name} is not there: {self._why}. {NEEDED}")

    __iter__ = __len__ = __array__ = __float__ = __int__ = __index__ = __enter__ = _refuse
    __mro_entries__ = __exit__ = __contains__ = __neg__ = __abs__ = __lt__ = __gt__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __matmul__ = _refuse
    __rmatmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __le__ = __ge__ = _refuse


NEEDED = "Answers need what their notebook imports, and no more."


def apart(node: ast.stmt) -> Iterator[ast.stmt]:
    """An import of several things as imports of one; any other statement as it is."""
    match node:
        case ast.Import(names=[_, _, *_] as names):
            yield from (ast.copy_location(ast.Import([name]), node) for name in names)
        case ast.ImportFrom(names=[_, _, *_] as names):
            for name in names:
                yield ast.copy_location(ast.ImportFrom(node.module, [name], node.level), node)
        case _:
            yield node


def absent(node: ast.Import | ast.ImportFrom, error: Exception) -> tuple[str, dict[str, Absent]]:
    """What to say of an import of one thing that has failed, and what stands for its name."""
    (alias,) = node.names
    if isinstance(node, ast.Import):
        whole = alias.name if alias.asname else alias.name.partition(".")[0]
        module, name = alias.name, alias.asname or whole
    else:
        module, name = "." * node.level + (node.module or ""), alias.asname or alias.name
        whole = f"{module}.{alias.name}"
    said = f"{module} cannot be imported here ({error}); it is left out. {NEEDED}"
    return said, {} if name == "*" else {name: Absent(whole, str(error))}
