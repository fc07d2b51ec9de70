"""What `normlab inspect` is pointed at: a function of a file or a package, found and called."""

import ast
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor, nn

EXPECTED = "file.py:function or package.module:function"
RETURNS = (
    "expected a torch.nn.Module, or a module and its inputs: a tensor, a tuple of arguments or a "
    "dict of named ones"
)

RELATIVE = (
    ". The file is a part of a package: go to the folder that holds the package, and name "
    "package.module:function"
)


class CannotRead(ValueError):
    """Why a target cannot be read; the message says what was given, expected, and the mend."""


@dataclass(frozen=True)
class Built:
    """What a target's function returned.

    Attributes:
        model: the module.
        inputs: what to call it with; None if it came alone.
    """

    model: nn.Module
    inputs: Any = None


@dataclass(frozen=True)
class Target:
    """A function, by its name and where it stands.

    Attributes:
        place: a file, or the dotted name of a module.
        function: its name there.
    """

    place: str
    function: str

    @property
    def path(self) -> Path | None:
        """The file, if the place is one."""
        is_file = self.place.endswith(".py") or "/" in self.place or "\\" in self.place
        return Path(self.place) if is_file else None


def parse_target(text: str) -> Target:
    """The two parts of a target.

    Raises:
        CannotRead: if a part is missing.

    >>> parse_target("models/mine.py:build")
    Target(place='models/mine.py', function='build')
    """
    place, _, function = text.rpartition(":")
    if function.endswith(".py") or "/" in function or "\\" in function:
        place, function = text, ""
    if not place or not function:
        known = _functions_of(Path(text)) if text.endswith(".py") else ""
        raise CannotRead(f"{text!r} names no function; expected {EXPECTED}.{known}")
    return Target(place, function)


def build(target: Target) -> Built:
    """Import what a target names, and call it.

    A module or a model class may stand in place of the function.

    Raises:
        CannotRead: if there is no such thing, it raises, or it returns something else.
    """
    found = find(target)
    if isinstance(found, nn.Module):
        return Built(found)
    if not callable(found):
        raise CannotRead(
            f"{target.function} in {target.place} is a {type(found).__name__}; expected a "
            "function that returns a model."
        )
    _refuse_arguments(target, found)
    try:
        returned = found()
    except BaseException as error:
        raise CannotRead(_raised(error, target, f"{target.function}() raised")) from error
    return _as_built(target, returned)


def find(target: Target) -> Any:
    """What a target names.

    Raises:
        CannotRead: if there is no such thing, or importing its place raises.
    """
    try:
        module: Any = _load(target)
    except CannotRead:
        raise
    except BaseException as error:
        raise CannotRead(_raised(error, target, f"importing {target.place} raised")) from error
    for part in target.function.split("."):
        if not hasattr(module, part):
            path = target.path or Path(getattr(module, "__file__", None) or "")
            raise CannotRead(f"{target.place} has no {target.function!r}.{_functions_of(path)}")
        module = getattr(module, part)
    return module


def _load(target: Target) -> ModuleType:
    path = target.path
    if path is None:
        sys.path.insert(0, str(Path.cwd()))
        _refuse_missing(target)
        return importlib.import_module(target.place)
    if not path.is_file():
        raise CannotRead(f"there is no file {path} here, in {Path.cwd()}; expected {EXPECTED}.")
    sys.path.insert(0, str(path.resolve().parent))
    name = path.stem if path.stem not in sys.modules else f"inspected_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise CannotRead(f"{path} is no Python file; expected {EXPECTED}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _refuse_missing(target: Target) -> None:
    """A package that is not there is told from one that fails to import another."""
    *packages, _ = parts = target.place.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError as error:
            if error.name != name:  # what the package above it imports is missing
                raise
            found = None
        if found is None:
            inside = f" in {'.'.join(packages)}" if end > 1 else ""
            raise CannotRead(
                f"there is no module {name!r}{inside}: it is not installed in {sys.prefix}, and "
                f"not in the folder {Path.cwd()}. Install it there, or name a file: {EXPECTED}."
            )


def _refuse_arguments(target: Target, function: Any) -> None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some of C have none
        return
    usual = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    kinds = (*usual, inspect.Parameter.KEYWORD_ONLY)
    needed = [p.name for p in parameters if p.kind in kinds and p.default is p.empty]
    if needed:
        raise CannotRead(
            f"{target.function} in {target.place} needs {', '.join(needed)}; expected a function "
            "that is called without arguments. Write one that calls it: "
            f"def build(): return {target.function}(…)"
        )


def _as_built(target: Target, returned: Any) -> Built:
    if isinstance(returned, nn.Module):
        return Built(returned)
    if isinstance(returned, (tuple, list)) and len(returned) == 2:
        model, inputs = returned
        if isinstance(model, nn.Module) and isinstance(inputs, (Tensor, tuple, list, dict)):
            return Built(model, inputs)
    raise CannotRead(f"{target.function}() returned {_described(returned)}; {RETURNS}.")


def _described(value: Any) -> str:
    name = type(value).__name__
    if isinstance(value, (tuple, list)) and 0 < len(value) < 5:
        return f"a {name} of {', '.join(type(part).__name__ for part in value)}"
    return "nothing (None): is a return missing?" if value is None else f"a {name}"


def _functions_of(path: Path) -> str:
    """What a file does define, for a message; "" if that cannot be said."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ""
    defined = (node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef)))
    names = [node.name for node in defined if not node.name.startswith("_")]
    return f" It has {', '.join(names)}." if names else " It defines no function."


def _raised(error: BaseException, target: Target, said: str) -> str:
    mend = RELATIVE if isinstance(error, ImportError) and "relative import" in str(error) else ""
    return f"{said} {in_short(error)}{mend}{own_line(error, target.path)}"


def in_short(error: BaseException) -> str:
    """The type and what it says, on one line.

    >>> in_short(ValueError("no"))
    'ValueError: no'
    """
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def own_line(error: BaseException, path: Path | None = None) -> str:
    """Where an error comes from, in the file itself or else in what no package installed."""
    frames: Sequence[traceback.FrameSummary] = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename:
        return f"\n  {error.filename}:{error.lineno}: {(error.text or '').strip()}"
    here = str(path.resolve()) if path else ""
    own = [frame for frame in frames if frame.filename == here] or [
        frame for frame in frames if _is_own(frame.filename)
    ]
    return f"\n  {own[-1].filename}:{own[-1].lineno}: {own[-1].line}" if own else ""


def _is_own(filename: str) -> bool:
    installed = any(part in filename for part in ("site-packages", "dist-packages"))
    library, ours = str(Path(traceback.__file__).parent), str(Path(__file__).parent.parent)
    return not installed and not filename.startswith((library, ours, "<"))
