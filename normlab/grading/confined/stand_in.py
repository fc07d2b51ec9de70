"""What students' code finds as `normlab` while it is graded: nothing that can be called.

Notebooks import `check`, `hint` and `use`, and things to draw with. All these imports work, so
that a cell is not lost over them.
"""

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable
from typing import Any, NoReturn

from normlab.grading.confined.library_norms import take_out
from normlab.grading.confined.refusals import KIND, note


class NotInGrading(RuntimeError):
    """Something of normlab was called."""


class Unavailable:
    """Stands for anything in normlab. Asked for what is in it, it gives another of its kind."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> "Unavailable":
        if name.startswith("__"):
            raise AttributeError(name)
        return Unavailable(f"{self._name}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> NoReturn:
        if KIND.search(self._name):
            note(self._name)
        raise NotInGrading(f"{self._name} is not there while an answer is graded.")

    def __mro_entries__(self, bases: tuple[Any, ...]) -> NoReturn:
        """Called where a class is to inherit from it."""
        self()


class StandIn(types.ModuleType):
    """A module of the name of one of normlab's."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Unavailable(f"{self.__name__}.{name}")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.split(".")[0] != "normlab":
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return StandIn(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """There is nothing in it to run."""


def _ignore(*args: Any, **kwargs: Any) -> None:
    """Stands for `check`, `hint`, `use` and the like."""


def stand_in_for_normlab() -> None:
    """From now on, `import normlab` gives stand-ins; what was imported before goes on working."""
    for name in [name for name in sys.modules if name.split(".")[0] == "normlab"]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Finder())
    normlab = importlib.import_module("normlab")
    for name in ("check", "hint", "use", "quiz", "my_progress", "review"):
        setattr(normlab, name, _ignore)
    importlib.import_module("normlab.norms")


class Support:
    """Norms of the course that answers to some questions may call, put into the stand-ins.

    Args:
        sources: "module.function" -> its source.
    """

    def __init__(self, sources: dict[str, str]) -> None:
        self._functions = {name: _add(name, source) for name, source in sources.items()}
        self._put_back: list[Callable[[], None]] = []

    def allow(self, allowed: bool) -> None:
        """Let them be called, or refuse it."""
        while self._put_back:
            self._put_back.pop()()
        if not allowed:
            self._put_back = [take_out(f, name) for name, f in self._functions.items()]


def _add(name: str, source: str) -> types.FunctionType:
    module, _, function = name.rpartition(".")
    namespace: dict[str, Any] = {}
    exec(compile(source, f"<{name}>", "exec"), namespace)
    setattr(importlib.import_module(module), function, namespace[function])
    added: types.FunctionType = namespace[function]
    return added
