"""Any model type of transformers, built small with random weights: nothing is downloaded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import nn

from normlab.inspection.completed_inputs import completed, lines_that_raised
from normlab.inspection.library_of_models import CannotBuild, find_config, makers
from normlab.inspection.shrinking import LEVELS, Level, fields_named, shrunk
from normlab.inspection.small_inputs import described, inputs_for

MOST_KEPT = 6
"""Fields of one level that may stay as they were; beyond that the next level is tried."""
MOST_PARAMETERS = 120_000_000
"""Of a model that is small: it is built and run in about a second."""
MOST_MODELS = 3
"""Of one configuration that are tried at a level."""
OF_NO_SIZE = (TypeError, AttributeError, KeyError, ImportError)
"""An error of these kinds that comes back at the next level has nothing to do with sizes."""
Given = Mapping[str, Any]


@dataclass(frozen=True)
class SmallModel:
    """A model that runs.

    Attributes:
        model: with random weights, in evaluation mode.
        inputs: what it was called with, by name.
        config: its configuration.
        level: how it was made small, one of `LEVELS`.
    """

    model: nn.Module
    inputs: Mapping[str, Any]
    config: Any
    level: Level

    def said(self) -> str:
        """The inputs in words."""
        return f"{described(self.inputs)}; made small at level {self.level!r}, with random weights"


def small_model(
    model_type_or_config: str | Path | Any,
    setting: Given | None = None,
    besides: type[nn.Module] | None = None,
) -> SmallModel:
    """Build a small model of a type, and find inputs that it runs with.

    Sizes are shrunk step by step, `LEVELS`; nothing that touches a norm is changed.

    Args:
        model_type_or_config: a model type, "llama"; the path of a config.json; a configuration, or
            a class of them.
        setting: fields of the configuration that it must have.
        besides: a class of models that it is not to be, where a configuration has several.

    Raises:
        ValueError: if transformers is not installed, there is no such type or file, or no level
            gives a model that runs; it says why.

    Example:
        >>> small = small_model("llama")
        >>> small.config.num_hidden_layers, small.level
        (2, 'own')
    """
    kind, given = find_config(model_type_or_config)
    reasons: dict[Level, str] = {}
    for level in LEVELS:
        try:
            return _at_level(_Wanted(kind, given, setting or {}, besides), level)
        except Exception as error:  # whatever a library's code raises
            hopeless = isinstance(error, OF_NO_SIZE) and _in_short(error) in reasons.values()
            reasons[level] = _in_short(error)
            if hopeless:
                break
    told = "\n  ".join(f"{level}: {reason}" for level, reason in reasons.items())
    raise CannotBuild(f"{kind.model_type} could not be built small so that it runs:\n  {told}")


def small_config(
    kind: Any,
    level: Level = "own",
    setting: Given | None = None,
    given: Given | None = None,
    kept: frozenset[str] = frozenset(),
) -> Any:
    """A configuration with the small sizes of a level.

    Args:
        kind: its class.
        level: one of `LEVELS`.
        setting: fields that it must have.
        given: fields that it has, where they are not made small.
        kept: fields that are not made small.
    """
    whole = kind.from_dict(dict(given)) if given else kind()
    fields = dict(given or {}) | shrunk(whole, level, kept) | dict(setting or {})
    return kind(**_by_first_names(kind, fields))


def _by_first_names(kind: Any, fields: Given) -> dict[str, Any]:
    """Fields by the names that a configuration counts with, where it has two for one."""
    first = {other: name for other, name in kind.attribute_map.items() if name not in fields}
    return {first.get(name, name): value for name, value in fields.items() if value is not None}


def build_small(config: Any) -> nn.Module:
    """A model of a configuration, with random weights from seed 0, in evaluation mode.

    Raises:
        ValueError: if the library has no model for it.
    """
    return next(_built(config))


def _built(config: Any) -> Iterator[nn.Module]:
    """The models of a configuration, each class once, the plainest first."""
    reasons: list[Exception] = []
    kinds: set[type] = set()
    for make in makers(config):
        torch.manual_seed(0)
        try:
            model = make().eval()
        except Exception as error:  # whatever a library's code raises
            reasons.append(error)
            continue
        if type(model) not in kinds:
            kinds.add(type(model))
            yield model
    if not reasons and not kinds:
        raise CannotBuild(f"transformers has no model for {type(config).__name__}.")
    if not kinds:
        raise reasons[0]


@dataclass(frozen=True)
class _Wanted:
    kind: Any
    given: Given
    setting: Given
    besides: type[nn.Module] | None


def _at_level(wanted: _Wanted, level: Level) -> SmallModel:
    """A model of one level; what an error names is left as it was at the next try."""
    kept: frozenset[str] = frozenset()
    while True:
        config: Any = None
        try:
            config = small_config(wanted.kind, level, wanted.setting, wanted.given, kept)
            return _running(config, level, wanted.besides)
        except Exception as error:
            whole = wanted.kind.from_dict(dict(wanted.given)) if wanted.given else wanted.kind()
            named = fields_named(error, shrunk(whole, level, kept), lines_that_raised(error)) - kept
            if not named or len(kept) > MOST_KEPT:
                raise
            kept |= named


def _running(config: Any, level: Level, besides: type[nn.Module] | None) -> SmallModel:
    _refuse_large(config, level)
    reasons: list[Exception] = []
    wanted = (model for model in _built(config) if type(model) is not besides)
    for model in islice(wanted, MOST_MODELS):
        for inputs in inputs_for(model, config):
            try:
                enough = completed(model, inputs, config)
            except Exception as error:
                reasons.append(error)
            else:
                return SmallModel(model, enough, config, level)
    raise reasons[0] if reasons else CannotBuild("none of its arguments is known")


def _refuse_large(config: Any, level: Level) -> None:
    """A look at the model without its numbers; where it cannot be had, some levels are small."""
    try:
        with torch.device("meta"):
            outline = next(makers(config), nn.Module)()
    except Exception:  # whatever a library's code raises
        if level in ("own", "all"):
            return
        raise
    size = sum(parameter.numel() for parameter in outline.parameters())
    if size > MOST_PARAMETERS:
        raise CannotBuild(f"it has {size:,} parameters still")


def _in_short(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
