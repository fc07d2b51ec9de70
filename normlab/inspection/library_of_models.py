"""What is asked of transformers: its configurations by name, and the models of each."""

import difflib
import importlib
import inspect
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn


class CannotBuild(ValueError):
    """Why a model cannot be built, or does not run."""


def find_config(model_type_or_config: str | Path | Any) -> tuple[Any, dict[str, Any]]:
    """The class of a configuration, and the fields that were given.

    Raises:
        ValueError: if there is none; it says what was expected.
    """
    if isinstance(model_type_or_config, type):
        return model_type_or_config, {}
    if not isinstance(model_type_or_config, (str, Path)):
        return type(model_type_or_config), dict(model_type_or_config.to_diff_dict())
    types = library(".models.auto.configuration_auto").CONFIG_MAPPING
    name, given = str(model_type_or_config), dict[str, Any]()
    if name.endswith(".json") or "/" in name or Path(name).is_dir():
        given = _from_file(Path(name))
        name = str(given.get("model_type", ""))
    if name not in types:
        raise CannotBuild(
            f"transformers {library().__version__} has no model type {name!r}{_alike(name, types)}"
            "; expected one such as 'llama', or the path of a config.json that names one."
        )
    return types[name], given


def makers(config: Any) -> Iterator[Callable[[], nn.Module]]:
    """Ways to build a model, the plainest first."""
    eager = {"attn_implementation": "eager"}
    automatic = library().AutoModel
    if type(config) in automatic._model_mapping and _runs(automatic, config):
        yield lambda: automatic.from_config(config, **eager, experts_implementation="eager")
        yield lambda: automatic.from_config(config)
    models = _classes_for(type(config))
    for model in models:
        yield partial(model._from_config, config, **eager)
        yield partial(model, config)
    for module in [] if models else _modules_for(type(config)):
        yield partial(module, config)


def _runs(automatic: Any, config: Any) -> bool:
    """Whether the model that stands for a configuration has a forward pass at all."""
    found = automatic._model_mapping[type(config)]
    first = found[0] if isinstance(found, tuple) else found
    return first.forward is not nn.Module.forward


def _classes_for(kind: Any) -> list[Any]:
    """The models of a configuration, by the shortness of their names: `XModel` before its heads."""
    found = [
        value
        for value in _modules_beside(kind)
        if getattr(value, "config_class", None) is kind
        and hasattr(value, "_from_config")
        and not value.__name__.endswith("PreTrainedModel")
    ]
    return sorted(
        found, key=lambda value: (not value.__name__.endswith("Model"), len(value.__name__))
    )


def _modules_for(kind: Any) -> list[Any]:
    """The modules that take a configuration alone: a part's, of which no model is made.

    What is defined last holds the others.
    """
    found = [
        value
        for value in _modules_beside(kind)
        if value.__module__.startswith(kind.__module__.rpartition(".")[0])
        and not hasattr(value, "_from_config")
        and _takes_alone(value, kind)
    ]
    return found[::-1]


def _takes_alone(module: Any, kind: Any) -> bool:
    """Whether a configuration suffices to make a module; its name or its annotation says so."""
    arguments = list(inspect.signature(module).parameters.values())
    if not arguments or any(other.default is other.empty for other in arguments[1:]):
        return False
    first = arguments[0]
    called_so = kind.__name__ == f"{module.__name__}Config" and first.name == "config"
    return called_so or first.annotation in (kind, kind.__name__)


def _modules_beside(kind: Any) -> list[Any]:
    """The modules with a forward pass that are defined beside a configuration."""
    name = kind.__module__.replace(".configuration_", ".modeling_")
    try:
        module = importlib.import_module(name)
    except ImportError:
        return []
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, nn.Module)
        and value.forward is not nn.Module.forward
    ]


def library(module: str = "") -> Any:
    """Transformers, or a module of it.

    Raises:
        ValueError: if it is not installed.
    """
    try:
        library: Any = importlib.import_module("transformers")
    except ModuleNotFoundError:
        raise CannotBuild(
            "transformers is not installed; run pip install transformers to read its models."
        ) from None
    library.logging.set_verbosity_error()
    return importlib.import_module(f"transformers{module}") if module else library


def _from_file(path: Path) -> dict[str, Any]:
    path = path / "config.json" if path.is_dir() else path
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotBuild(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise CannotBuild(f"{path} is no JSON: {error}.") from error
    if not isinstance(fields, dict) or not fields.get("model_type"):
        raise CannotBuild(f"{path} names no model_type; expected the config.json of a model.")
    return fields


def _alike(name: str, types: Any) -> str:
    """What was meant, perhaps."""
    found = difflib.get_close_matches(name, list(types.keys()), 3)
    return f"; is it {' or '.join(map(repr, found))}" if found else ""
