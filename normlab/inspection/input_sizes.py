"""How large the inputs of small models are, and what a configuration says of them."""

from collections.abc import Mapping
from typing import Any

BATCH, TOKENS, TARGETS = 3, 7, 5
SAMPLES, FRAMES = 1600, 64
"""Of sound: enough for the convolutions of the usual front ends."""
SQUARE = 4
"""Patches to a side."""
BANDS = (
    "input_size",
    "num_mel_bins",
    "feature_projection_input_dim",
    "feature_size",
    "input_feat_per_channel",
    "input_dim",
)
"""What the number of bands of a sound is called."""


def image_of(config: Any) -> tuple[int, int, int]:
    """Channels, height and width of an image."""
    channels = size_of(config, "num_channels", 3)
    for each in (config, *parts_of(config)):
        sides = field_of(each, "image_size")
        if isinstance(sides, (list, tuple)) and len(sides) == 2:
            return channels, int(sides[0]), int(sides[1])
    side = size_of(config, "image_size", 32)
    return channels, side, side


def parts_of(config: Any) -> list[Any]:
    """The configurations that one holds."""
    return [getattr(config, part, None) for part in getattr(config, "sub_configs", {})]


def history_of(config: Any) -> int:
    """How many steps of a series a model reads."""
    lags = field_of(config, "lags_sequence")
    return size_of(config, "context_length", 32) + (max(lags) if lags else 0)


def patch_of(config: Any) -> int:
    """How many numbers a patch has."""
    channels = size_of(config, "in_channels", size_of(config, "num_channels", 3))
    films = size_of(config, "temporal_patch_size", 1)
    return int(channels * films * size_of(config, "patch_size", 14) ** 2)


def bands_of(config: Any, otherwise: int) -> int:
    """How many bands a sound has."""
    return next(filter(None, (size_of(config, name, 0) for name in BANDS)), otherwise)


def frames_of(config: Any) -> int:
    """How many frames a sound has: two windows, or what two strides leave positions for."""
    positions = size_of(config, "max_source_positions", FRAMES // 2)
    return 2 * size_of(config, "n_window", positions)


def size_of(config: Any, name: str, otherwise: int) -> int:
    """A size of a configuration or of one of its parts."""
    for each in (config, *parts_of(config)):
        value = field_of(each, name)
        if isinstance(value, (list, tuple)) and value:
            value = value[0]
        if isinstance(value, int) and value > 0:
            return value
    return otherwise


def field_of(config: Any, name: str) -> Any:
    """A field; None if it is not there, or differs from layer to layer."""
    if isinstance(config, Mapping):
        return config.get(name)
    try:
        return getattr(config, name, None)
    except Exception:  # it will not say which of many values
        return None
