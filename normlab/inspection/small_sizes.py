"""Sizes at which models of transformers are built: small, and known to run."""

from typing import Any

from normlab.inspection.input_sizes import field_of
from normlab.inspection.sizes_by_type import LATENTS, SIZES_BY_TYPE, Sizes

SMALL: Sizes = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "intermediate_size": 48,
    "vocab_size": 64,
    "vocab_size_per_layer_input": 64,
    "max_position_embeddings": 64,
    "max_source_positions": 32,
    "num_frames": 4,
    "num_queries": 6,
    "linear_num_heads": 4,
    "linear_head_dim": 8,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
"""By the names that most configs have. Sizes only: nothing that touches a norm."""

PATCHES = 4
"""To a side of an image."""


def own_sizes(config: Any) -> Sizes:
    """The sizes for a configuration: those of its type, and of `SMALL` what it has."""
    has = {name: size for name, size in SMALL.items() if _has(config, name)}
    general = {name: size for name, size in has.items() if is_given(config, name)} | _image(config)
    latents = LATENTS if _has(config, "qk_rope_head_dim") and _has(config, "kv_lora_rank") else {}
    kept = {name: size for name, size in latents.items() if _is_set(config, name)}
    return general | kept | SIZES_BY_TYPE.get(config.model_type, {})


def is_given(config: Any, name: str) -> bool:
    """Whether a field is given; what a configuration makes of others follows them by itself."""
    fields = getattr(type(config), "__dataclass_fields__", {})
    return not fields or name in fields or name in config.attribute_map


def _image(config: Any) -> Sizes:
    """An image of four patches to its shorter side, where it has more."""
    side, patch = (field_of(config, name) for name in ("image_size", "patch_size"))
    sides = side if isinstance(side, (list, tuple)) else [side]
    if type(patch) is not int or not all(type(part) is int for part in sides):
        return {}
    small = [part * PATCHES * patch // min(sides) for part in sides]
    if min(sides) <= PATCHES * patch or any(part % patch for part in small):
        return {}
    return {"image_size": small if isinstance(side, (list, tuple)) else small[0]}


def _is_set(config: Any, name: str) -> bool:
    return bool(field_of(config, name))


def _has(config: Any, name: str) -> bool:
    """Whether it has a field, also one that may differ from layer to layer."""
    try:
        return hasattr(config, name)
    except Exception:  # it has, and will not say which of many values
        return True
