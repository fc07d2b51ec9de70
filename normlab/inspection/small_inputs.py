"""Small inputs for models of transformers: text, images, sound, or several of these."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

BATCH, TOKENS, TARGETS = 3, 7, 5
SAMPLES, FRAMES = 1600, 64
"""Of sound: enough for the convolutions of the usual front ends."""
SQUARE = 4
"""Patches to a side."""
BANDS = ("num_mel_bins", "feature_projection_input_dim", "feature_size", "input_feat_per_channel")
"""What the number of bands of a sound is called."""
Inputs = dict[str, Tensor]


def inputs_for(model: nn.Module) -> Iterator[Inputs]:
    """Inputs that a model may run with, the likeliest first; they are the same each time."""
    arguments = inspect.signature(model.forward).parameters
    config: Any = model.config
    main = str(getattr(model, "main_input_name", "input_ids"))
    seen = []
    forms = (_other_forms(config), _pictures_of_sound(config))
    for drawn in (_drawn(config), *(_drawn(config) | form for form in forms)):
        for inputs in _chosen(drawn, arguments, main):
            shapes = {name: value.shape for name, value in inputs.items()}
            if inputs and shapes not in seen:
                seen.append(shapes)
                yield inputs


def _chosen(drawn: Inputs, arguments: Mapping[str, inspect.Parameter], main: str) -> list[Inputs]:
    """Which of them a model may want."""
    first = {main: drawn[main]} if main in drawn else {}
    needed = {
        name: drawn[name]
        for name, argument in arguments.items()
        if argument.default is argument.empty and name in drawn
    }
    targets = {n: drawn[n] for n in ("decoder_input_ids",) if n in arguments}
    text = {"input_ids": drawn["input_ids"]} if "input_ids" in arguments else {}
    places = {"bbox": drawn["bbox"]} if "bbox" in arguments else {}
    image = {"pixel_values": drawn["pixel_values"]} if "pixel_values" in arguments else {}
    if "grid_thw" in arguments:  # patches in a row, and how many there are in each direction
        patches = "pixel_values" if "pixel_values" in arguments else "hidden_states"
        needed = {patches: drawn["patches"], "grid_thw": drawn["grid_thw"]}
        first = {}
    plain = first | needed | places
    seen = {n: drawn[n] for n in ("encoder_hidden_states",) if n in arguments}
    series = {n: drawn[n] for n in ("future_values", "future_time_features") if n in arguments}
    usual = [plain | targets, plain, text | targets, text | image, image]
    return [*usual, plain | text, plain | seen, plain | series]


def described(inputs: Mapping[str, Tensor]) -> str:
    """Inputs in words.

    >>> described({"input_ids": torch.zeros(3, 7)})
    'input_ids (3, 7)'
    """
    return ", ".join(f"{name} {tuple(value.shape)}" for name, value in inputs.items())


def _drawn(config: Any) -> Inputs:
    """An input of each name."""
    rng = torch.Generator().manual_seed(0)
    side, channels = size_of(config, "image_size", 32), size_of(config, "num_channels", 3)
    highest = size_of(config, "vocab_size", 64)
    lowest = min(4, highest - 1)
    bands = next(filter(None, (size_of(config, name, 0) for name in BANDS)), 80)
    frames = 2 * size_of(config, "max_source_positions", FRAMES // 2)
    width = size_of(config, "hidden_size", size_of(config, "d_model", 32))
    stream = torch.randn(BATCH, TOKENS, width, generator=rng)
    ids = torch.randint(lowest, highest, (BATCH, TOKENS), generator=rng)
    return {
        "input_ids": ids,
        "decoder_input_ids": torch.randint(lowest, highest, (BATCH, TARGETS), generator=rng),
        "pixel_values": torch.randn(BATCH, channels, side, side, generator=rng),
        "pixel_values_videos": torch.randn(BATCH, 4, channels, side, side, generator=rng),
        "input_values": torch.randn(BATCH, SAMPLES, generator=rng),
        "input_features": torch.randn(BATCH, bands, frames, generator=rng),
        "attention_mask": torch.ones(BATCH, TOKENS, dtype=torch.long),
        "bbox": torch.zeros(BATCH, TOKENS, 4, dtype=torch.long),
        "patches": torch.randn(SQUARE**2, _numbers_of_patch(config), generator=rng),
        "grid_thw": torch.tensor([[1, SQUARE, SQUARE]]),
        "inputs": ids,
        "hidden_states": stream,
        "inputs_embeds": stream,
        "past_values": torch.randn(BATCH, _history(config), generator=rng),
    } | _rarer(config, stream, ids)


def _rarer(config: Any, stream: Tensor, ids: Tensor) -> Inputs:
    """Inputs that few models need, by name."""
    width = stream.shape[-1]
    side, channels = size_of(config, "image_size", 32), size_of(config, "num_channels", 3)
    rng = torch.Generator().manual_seed(1)
    image = torch.randn(BATCH, channels, side, side, generator=rng)
    ones = torch.ones(BATCH, TOKENS, dtype=torch.long)
    seen = size_of(config, "encoder_hidden_size", width)
    history = _history(config)
    return {
        "image": image,
        "images": image,
        "query_embeds": stream,
        "object_queries": stream,
        "encoder_hidden_states": torch.randn(BATCH, TARGETS, seen, generator=rng),
        "decoder_attention_mask": ones[:, :TARGETS],
        "position_ids": torch.arange(TOKENS).expand(BATCH, TOKENS),
        "token_type_ids": torch.zeros_like(ids),
        "codebook_idx": torch.tensor(1),
        "num_patches": torch.tensor(SQUARE**2),
        "cu_seqlens": torch.tensor([0, SQUARE**2], dtype=torch.int32),
        "past_time_features": torch.zeros(BATCH, history, size_of(config, "num_time_features", 0)),
        "past_observed_mask": torch.ones(BATCH, history),
        "future_values": torch.randn(BATCH, size_of(config, "prediction_length", 4), generator=rng),
        "future_time_features": torch.zeros(
            BATCH,
            size_of(config, "prediction_length", 4),
            size_of(config, "num_time_features", 0),
        ),
        "image_grid_thw": torch.tensor([[1, SQUARE, SQUARE]]),
        "spatial_shapes": torch.tensor([[SQUARE, SQUARE]]),
    }


def _history(config: Any) -> int:
    """How many steps of a series a model reads."""
    lags = _field(config, "lags_sequence")
    return size_of(config, "context_length", 32) + (max(lags) if lags else 0)


def _numbers_of_patch(config: Any) -> int:
    channels = size_of(config, "in_channels", size_of(config, "num_channels", 3))
    films = size_of(config, "temporal_patch_size", 1)
    return int(channels * films * size_of(config, "patch_size", 14) ** 2)


def _other_forms(config: Any) -> Inputs:
    """Sound with its frames first, and films in place of images."""
    drawn = _drawn(config)
    frames = size_of(config, "num_frames", 4)
    series = size_of(config, "num_input_channels", 1)
    return {
        "past_values": drawn["past_values"].unsqueeze(2).repeat(1, 1, series),
        "input_features": drawn["input_features"].transpose(1, 2),
        "input_values": drawn["input_values"].unsqueeze(1),
        "pixel_values": drawn["pixel_values"].unsqueeze(1).repeat(1, frames, 1, 1, 1),
    }


def _pictures_of_sound(config: Any) -> Inputs:
    """Bands by frames, as an image is: one channel, and patches in a row."""
    rng = torch.Generator().manual_seed(0)
    bands = next(filter(None, (size_of(config, name, 0) for name in BANDS)), 64)
    frames = size_of(config, "max_length", size_of(config, "spec_size", FRAMES))
    patches = torch.randn(SQUARE**2, _numbers_of_patch(config), generator=rng)
    return {
        "input_values": torch.randn(BATCH, frames, bands, generator=rng),
        "input_features": torch.randn(BATCH, 1, frames, bands, generator=rng),
        "pixel_values": patches,
    }


def size_of(config: Any, name: str, otherwise: int) -> int:
    """A size of a configuration or of one of its parts."""
    parts = [getattr(config, part, None) for part in getattr(config, "sub_configs", {})]
    for each in (config, *parts):
        value = _field(each, name)
        if isinstance(value, (list, tuple)) and value:
            value = value[0]
        if isinstance(value, int) and value > 0:
            return value
    return otherwise


def _field(config: Any, name: str) -> Any:
    """A field; None if it is not there, or differs from layer to layer."""
    if isinstance(config, Mapping):
        return config.get(name)
    try:
        return getattr(config, name, None)
    except Exception:  # it will not say which of many values
        return None
