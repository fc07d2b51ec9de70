"""What there is to read in the installed transformers: its folders, and the configs in them."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from normlab.inspection.library_of_models import library

AUTO = ".models.auto.modeling_auto"
SOUND = ("audio", "speech", "codec", "voice")


@dataclass(frozen=True)
class Unit:
    """A class of configurations, and so a model.

    Attributes:
        folder: of transformers.models.
        config: the name of the class.
        module: in which it is.
        role: what its model is for, one of `role_of`.
        whole: whether it holds configurations of parts.
    """

    folder: str
    config: str
    module: str
    role: str
    whole: bool

    def kind(self) -> Any:
        """The class."""
        return getattr(importlib.import_module(self.module), self.config)


def models_path() -> Path:
    """Where the folders of models are."""
    return Path(str(library().__file__)).parent / "models"


def folders() -> list[str]:
    """The folders of models, by name."""
    return sorted(p.name for p in models_path().iterdir() if (p / "__init__.py").is_file())


def units_of(folder: str) -> list[Unit]:
    """The configurations that a folder defines: parts first, then what is made of them."""
    kinds = [kind for module in _configurations(folder) for kind in _defined_in(module)]
    units = [
        Unit(folder, k.__name__, k.__module__, _role_among(k, kinds), bool(k.sub_configs))
        for k in kinds
    ]
    return sorted(units, key=lambda unit: unit.whole)


def _role_among(kind: Any, kinds: list[Any]) -> str:
    """What the models of a configuration are for, where others may hold it."""
    holders = [
        (other, name) for other in kinds for name, part in other.sub_configs.items() if part is kind
    ]
    is_text = any(name in ("text_config", "decoder_config") for _, name in holders)
    translates = any(getattr(other, "is_encoder_decoder", False) is True for other in kinds)
    role = role_of(kind, in_multimodal=is_text and _speaks(kinds))
    if translates and holders and (role == "text decoder" or _is_decoder(holders)):
        return "encoder-decoder"
    of_holders = [role_of(other) for other, _ in holders]
    passed_on = [held for held in of_holders if held in ("text decoder", "encoder-decoder")]
    return passed_on[0] if role == "other" and passed_on else role


def _is_decoder(holders: list[tuple[Any, str]]) -> bool:
    return any(name == "decoder" for _, name in holders)


def _configurations(folder: str) -> list[str]:
    paths = sorted((models_path() / folder).glob("configuration_*.py"))
    return [f"transformers.models.{folder}.{path.stem}" for path in paths]


def _defined_in(module: str) -> list[Any]:
    base = library(".configuration_utils").PreTrainedConfig
    return [
        value
        for value in vars(importlib.import_module(module)).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module
    ]


def _speaks(kinds: list[Any]) -> bool:
    """Whether one of them makes text of images or sound."""
    return any(_in("IMAGE_TEXT_TO_TEXT", k) or _in("MULTIMODAL_LM", k) for k in kinds)


def role_of(kind: Any, in_multimodal: bool = False) -> str:
    """What the models of a configuration are for.

    Args:
        kind: the class of the configuration.
        in_multimodal: whether it is the text part of a model that writes about what it sees.

    Returns:
        "text decoder", "text encoder", "encoder-decoder", "multimodal", "vision", "audio",
        "time series" or "other".
    """
    decodes = _in("CAUSAL_LM", kind) and not _in("MASKED_LM", kind)
    if _in("IMAGE_TEXT_TO_TEXT", kind) or _in("MULTIMODAL_LM", kind) or _several_senses(kind):
        return "multimodal"
    if _in("SEQ_TO_SEQ_CAUSAL_LM", kind):
        return "encoder-decoder"
    if decodes or in_multimodal:
        return "text decoder"
    return _by_inputs(kind)


def _several_senses(kind: Any) -> bool:
    names = " ".join(kind.sub_configs)
    return sum(sense in names for sense in ("text", "vision", "audio")) > 1


def _by_inputs(kind: Any) -> str:
    name = kind.__name__.lower()
    main = _main_input(kind)
    if "vision" in name or main.startswith("pixel"):
        return "vision"
    if any(word in name for word in SOUND) or main in ("input_features", "input_values"):
        return "audio"
    if main.startswith("past_values") or _in("TIME_SERIES_PREDICTION", kind):
        return "time series"
    written = ("MASKED_LM", "SEQUENCE_CLASSIFICATION", "TEXT_ENCODING")
    return "text encoder" if "Text" in kind.__name__ or _any(written, kind) else "other"


def _any(tables: tuple[str, ...], kind: Any) -> bool:
    return any(_in(table, kind) for table in tables)


def _in(table: str, kind: Any) -> bool:
    """Whether a configuration has a model in one of the library's tables."""
    return kind.model_type in _table(table)


@cache
def _table(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(library(AUTO), f"MODEL_FOR_{name}_MAPPING_NAMES", {})
    return found


def _main_input(kind: Any) -> str:
    """The first input of the plainest model of a configuration, as the library names it."""
    name = library(AUTO).MODEL_MAPPING_NAMES.get(kind.model_type, "")
    name = name if isinstance(name, str) else name[0]
    module = kind.__module__.replace(".configuration_", ".modeling_")
    try:
        return str(getattr(importlib.import_module(module), name).main_input_name)
    except (ImportError, AttributeError):
        return ""
