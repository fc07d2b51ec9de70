"""Small inputs for models of transformers: text, images, sound, or several of these."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from normlab.inspection.input_sizes import (
    BATCH,
    FRAMES,
    SAMPLES,
    SQUARE,
    TARGETS,
    TOKENS,
    bands_of,
    frames_of,
    history_of,
    image_of,
    patch_of,
    size_of,
)
from normlab.inspection.rarer_inputs import rarer_inputs

Inputs = dict[str, Any]


def inputs_for(model: nn.Module, config: Any) -> Iterator[Inputs]:
    """Inputs that a model may run with, the likeliest first; they are the same each time."""
    arguments = inspect.signature(model.forward).parameters
    main = str(getattr(model, "main_input_name", "input_ids"))
    seen = []
    for drawn in drawn_forms(config):
        for inputs in _chosen(drawn, arguments, main):
            shapes = {name: getattr(value, "shape", None) for name, value in inputs.items()}
            if inputs and shapes not in seen:
                seen.append(shapes)
                yield inputs


def drawn_forms(config: Any) -> list[Inputs]:
    """An input of each name, in each of the forms that models want it in."""
    plain = drawn_for(config)
    forms = [_other_forms(config, plain)]
    forms += [form(config) for form in (_pictures_of_sound, _in_rows, _taller)]
    return [plain, *(plain | form for form in forms)]


def _chosen(drawn: Inputs, arguments: Mapping[str, inspect.Parameter], main: str) -> list[Inputs]:
    """Which of them a model may want."""
    first = {main: drawn[main]} if main in drawn and main in arguments else {}
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
        needed |= {patches: drawn["patches"], "grid_thw": drawn["grid_thw"]}
        first = {}
    plain = first | needed | places
    seen = {n: drawn[n] for n in ("encoder_hidden_states",) if n in arguments}
    series = {n: drawn[n] for n in ("future_values", "future_time_features") if n in arguments}
    usual = [plain | targets, plain, text | targets, text | image, image]
    return [*usual, plain | text, plain | seen, plain | series]


def described(inputs: Mapping[str, Any]) -> str:
    """Inputs in words.

    >>> described({"input_ids": torch.zeros(3, 7)})
    'input_ids (3, 7)'
    """
    return ", ".join(f"{name} {_shape(value)}" for name, value in inputs.items())


def _shape(value: Any) -> str:
    if isinstance(value, Tensor):
        return str(tuple(value.shape))
    return " and ".join(_shape(part) for part in value)


def drawn_for(config: Any) -> Inputs:
    """An input of each name."""
    rng = torch.Generator().manual_seed(0)
    image = image_of(config)
    highest = size_of(config, "vocab_size", 64)
    lowest = min(4, highest - 1)
    width = size_of(config, "hidden_size", size_of(config, "d_model", 32))
    stream = torch.randn(BATCH, TOKENS, width, generator=rng)
    ids = torch.randint(lowest, highest, (BATCH, TOKENS), generator=rng)
    return {
        "input_ids": ids,
        "decoder_input_ids": torch.randint(lowest, highest, (BATCH, TARGETS), generator=rng),
        "pixel_values": torch.randn(BATCH, *image, generator=rng),
        "pixel_values_videos": torch.randn(BATCH, 4, *image, generator=rng),
        "input_values": torch.randn(BATCH, SAMPLES, generator=rng),
        "input_features": torch.randn(
            BATCH, bands_of(config, 80), frames_of(config), generator=rng
        ),
        "attention_mask": torch.ones(BATCH, TOKENS, dtype=torch.long),
        "bbox": torch.zeros(BATCH, TOKENS, 4, dtype=torch.long),
        "patches": torch.randn(SQUARE**2, patch_of(config), generator=rng),
        "inputs": ids,
        "hidden_states": stream,
        "inputs_embeds": stream,
        "past_values": torch.randn(BATCH, history_of(config), generator=rng),
    } | rarer_inputs(config, stream, ids)


def _other_forms(config: Any, drawn: Inputs) -> Inputs:
    """Sound with its frames first, films in place of images, and text of several codes."""
    frames = size_of(config, "num_frames", 4)
    series = size_of(config, "num_input_channels", 1)
    codes = size_of(config, "num_codebooks", 1)
    return {
        "input_ids": drawn["input_ids"].repeat_interleave(codes, dim=0),
        "decoder_input_ids": drawn["decoder_input_ids"].repeat_interleave(codes, dim=0),
        "past_values": drawn["past_values"].unsqueeze(2).repeat(1, 1, series),
        "input_features": drawn["input_features"].transpose(1, 2),
        "input_values": drawn["input_values"].unsqueeze(1).repeat(1, 1, 3),
        "pixel_values": drawn["pixel_values"].unsqueeze(1).repeat(1, frames, 1, 1, 1),
        "hidden_states": drawn["pixel_values"],
        "bbox": drawn["bbox"].float(),
        "noisy_images": drawn["noisy_images"][0],
        "condition": drawn["condition"][0],
        "timesteps": torch.arange(TOKENS).float(),
    }


def _pictures_of_sound(config: Any) -> Inputs:
    """Bands by frames, as an image is: one channel, and patches in a row; pairs of images."""
    rng = torch.Generator().manual_seed(0)
    bands = bands_of(config, 64)
    frames = size_of(config, "max_length", size_of(config, "spec_size", FRAMES))
    patches = torch.randn(SQUARE**2, patch_of(config), generator=rng)
    return {
        "input_values": torch.randn(BATCH, frames, bands, generator=rng),
        "input_features": torch.randn(BATCH, 1, frames, bands, generator=rng),
        "pixel_values": patches,
        "hidden_states": torch.randn(BATCH, frames, bands, generator=rng),
    }


def _in_rows(config: Any) -> Inputs:
    """Images as a row of their patches, or two of each; text with a code of several books."""
    rng = torch.Generator().manual_seed(0)
    channels, patch = size_of(config, "num_channels", 3), size_of(config, "patch_size", 14)
    books = 1 + size_of(config, "num_codebooks", 1)
    tiles = torch.randn(SQUARE**2, channels, patch, patch, generator=rng)
    # (n, channels, patch, patch) -> (1, channels, patch, n patch)
    row = tiles.permute(1, 2, 0, 3).reshape(1, channels, patch, -1)
    pair = torch.randn(BATCH, 2, *image_of(config), generator=rng)
    return {
        "input_ids": torch.randint(4, 16, (BATCH, TOKENS, books), generator=rng),
        "pixel_values": row if size_of(config, "patch_size", 0) else pair,
        "patches": tiles,
    }


def _taller(config: Any) -> Inputs:
    """Images with room for more halvings: a line of text, a pair of pages one above the other."""
    rng = torch.Generator().manual_seed(0)
    channels, height, width = image_of(config)
    sides = (height // 2, width) if height > width else (3 * height, 3 * width)
    return {"pixel_values": torch.randn(BATCH, channels, *sides, generator=rng)} | {
        name: torch.randn(BATCH, channels, *sides, generator=rng)
        for name in ("prompt_pixel_values", "prompt_masks")
    }
