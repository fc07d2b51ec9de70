"""Inputs that few models of transformers need, by the names of their arguments."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from normlab.inspection.input_sizes import (
    BATCH,
    SQUARE,
    TARGETS,
    TOKENS,
    field_of,
    frames_of,
    history_of,
    image_of,
    patch_of,
    size_of,
)

Drawn = dict[str, Any]
REGIONS = 6
"""Of an image that another model has found."""
CLASSES = 4


def rarer_inputs(config: Any, stream: Tensor, ids: Tensor) -> Drawn:
    """An input of each name.

    Args:
        config: of the model.
        stream: (batch, tokens, width).
        ids: of tokens, (batch, tokens).
    """
    rng = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng)

    found: Drawn = {}
    for kind in (_images, _patches, _prompts, _text, _sound, _steps):
        found |= kind(config, stream, normal)
    classes = ids[:1].repeat(2 * CLASSES, 1)
    return found | {
        "token_type_ids": torch.zeros_like(ids),
        "task_inputs": torch.ones(BATCH, size_of(config, "task_seq_len", TOKENS)),
        "classes_input_ids": classes,
        "classes_attention_mask": torch.ones_like(classes),
        "classes_structure": torch.tensor([CLASSES, CLASSES]),
        "tasks_input_ids": ids[:2],
        "tasks_attention_mask": torch.ones_like(ids[:2]),
    }


Normal = Callable[..., Tensor]


def _images(config: Any, stream: Tensor, normal: Normal) -> Drawn:
    image = normal(BATCH, *image_of(config))
    regions = (BATCH, REGIONS, size_of(config, "visual_feat_dim", 32))
    corners = torch.rand(BATCH, REGIONS, 2) * 0.5
    return {
        "image": image,
        "images": image,
        "prompt_pixel_values": normal(*image.shape),
        "prompt_masks": normal(*image.shape),
        "visual_feats": normal(*regions),
        "visual_pos": torch.cat([corners, corners + 0.5], dim=-1),
        "boxes": torch.tensor([100, 100, 300, 300]).expand(BATCH, REGIONS, 4).clone(),
        "image_attention_mask": torch.ones(BATCH, TOKENS, size_of(config, "num_frames", 4)),
        "query_embeds": stream,
        "object_queries": stream,
    }


def _patches(config: Any, stream: Tensor, normal: Normal) -> Drawn:
    """Patches in a row, and where they stand."""
    grid = torch.tensor([[1, SQUARE, SQUARE]])
    flat = size_of(config, "patch_embed_hidden_size", patch_of(config))
    return {
        "grid_thw": grid,
        "image_grid_thw": grid,
        "target_sizes": grid[:, 1:],
        "merge_sizes": torch.tensor([size_of(config, "spatial_merge_size", 2)]),
        "spatial_shapes": grid[:, 1:],
        "num_patches": torch.tensor(SQUARE**2),
        "cu_seqlens": torch.tensor([0, SQUARE**2], dtype=torch.int32),
        "flattened_patches": _with_places(normal(BATCH, SQUARE**2, flat)),
    }


def _with_places(patches: Tensor) -> Tensor:
    """Row and column, from 1, in front of the numbers of each patch."""
    numbers = torch.arange(SQUARE**2)
    places = torch.stack([numbers // SQUARE, numbers % SQUARE], dim=-1) + 1.0
    # (n, 2), (batch, n, width) -> (batch, n, 2 + width)
    return torch.cat([places.expand(len(patches), -1, -1), patches], dim=-1)


def _prompts(config: Any, stream: Tensor, normal: Normal) -> Drawn:
    """Of a decoder of masks: an image as it was encoded, and where something was pointed at."""
    width = stream.shape[-1]
    finer = [(width // 8, 4 * SQUARE), (width // 4, 2 * SQUARE)]
    return {
        "image_embeddings": normal(BATCH, width, SQUARE, SQUARE),
        "image_positional_embeddings": normal(BATCH, width, SQUARE, SQUARE),
        "sparse_prompt_embeddings": normal(BATCH, 1, 2, width),
        "dense_prompt_embeddings": normal(BATCH, width, SQUARE, SQUARE),
        "multimask_output": torch.tensor(True),
        "hq_token_only": torch.tensor(False),
        "intermediate_embeddings": [normal(BATCH, SQUARE, SQUARE, size_of(config, "vit_dim", 32))],
        "high_resolution_features": [normal(BATCH, size, side, side) for size, side in finer],
    }


def _text(config: Any, stream: Tensor, normal: Normal) -> Drawn:
    width = stream.shape[-1]
    seen = size_of(config, "encoder_hidden_size", width)
    layers = len(field_of(config, "target_layer_ids") or [1])
    return {
        "encoder_hidden_states": normal(BATCH, TARGETS, seen),
        "decoder_attention_mask": torch.ones(BATCH, TARGETS, dtype=torch.long),
        "position_ids": torch.arange(TOKENS).expand(BATCH, TOKENS),
        "noise_embeds": normal(BATCH, size_of(config, "block_size", 4), width),
        "context_hidden_states": normal(BATCH, TOKENS, width * layers),
        "codebook_idx": torch.tensor(1),
    }


def _sound(config: Any, stream: Tensor, normal: Normal) -> Drawn:
    mask = torch.ones(BATCH, frames_of(config), dtype=torch.long)
    latent = size_of(config, "latent_size", size_of(config, "hidden_size", 32))
    return {
        "input_features_mask": mask,
        "feature_attention_mask": mask,
        "noisy_images": normal(BATCH, TOKENS, latent),
        "condition": stream,
    }


def _steps(config: Any, stream: Tensor, normal: Normal) -> Drawn:
    """Of a series, and of a game."""
    history, ahead = history_of(config), size_of(config, "prediction_length", 4)
    features = size_of(config, "num_time_features", 0)
    return {
        "past_time_features": torch.zeros(BATCH, history, features),
        "past_observed_mask": torch.ones(BATCH, history),
        "past_values_padding": torch.zeros(BATCH, history),
        "freq": torch.zeros(BATCH, 1, dtype=torch.long),
        "future_values": normal(BATCH, ahead),
        "future_time_features": torch.zeros(BATCH, ahead, features),
        "states": normal(BATCH, TOKENS, size_of(config, "state_dim", 8)),
        "actions": normal(BATCH, TOKENS, size_of(config, "act_dim", 4)),
        "rewards": normal(BATCH, TOKENS, 1),
        "returns_to_go": normal(BATCH, TOKENS, 1),
        "timesteps": torch.arange(TOKENS).expand(BATCH, TOKENS),
    }
