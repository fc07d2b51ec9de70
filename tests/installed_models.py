"""Tiny models of the installed transformers: built from a config's defaults, with no download."""

import re
from dataclasses import dataclass

import torch
from torch import nn
from transformers import AutoModel, logging
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from normlab.inspection.norm_reading import read_norm
from normlab.inspection.wiring_reading import randomize_, read_wiring

logging.set_verbosity_error()

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "intermediate_size": 48,
    "vocab_size": 64,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
"""Sizes only: nothing that touches a norm."""

VISION = {"image_size": 32, "patch_size": 8}
EXPERTS = {"num_local_experts": 2, "num_experts_per_tok": 2}
OWN_SIZES = {
    "albert": {"embedding_size": 16},
    "bart": {
        "encoder_ffn_dim": 48,
        "decoder_ffn_dim": 48,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
    },
    "chameleon": {
        "vocabulary_map": {"<image>": 3},
        "vq_config": {
            "base_channels": 32,
            "resolution": 32,
            "channel_multiplier": [1],
            "num_res_blocks": 1,
            "latent_channels": 32,
            "embed_dim": 32,
            "num_embeddings": 8,
        },
    },
    "codegen": {"rotary_dim": 8},
    "gptj": {"rotary_dim": 8},
    "falcon": {"head_dim": None},
    "xlnet": {"max_position_embeddings": None, "d_head": 8},
    "dbrx": {
        "hidden_size": None,
        "d_model": 32,
        "attn_config": {"kv_n_heads": 2, "rope_theta": 1e4, "clip_qkv": 8},
        "ffn_config": {
            "hidden_size": 32,
            "ffn_hidden_size": 32,
            "moe_num_experts": 2,
            "ffn_act_fn": {"name": "silu"},
        },
    },
    "deepseek_v3": {
        "kv_lora_rank": 12,
        "q_lora_rank": 12,
        "qk_rope_head_dim": 8,
        "qk_nope_head_dim": 8,
        "v_head_dim": 8,
        "num_key_value_heads": 4,
        "n_routed_experts": 4,
        "n_group": 1,
        "topk_group": 1,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 16,
        "first_k_dense_replace": 2,
    },
    "falcon_h1": {
        "mamba_d_ssm": 32,
        "mamba_n_heads": 4,
        "mamba_d_head": 8,
        "mamba_d_state": 8,
        "mamba_chunk_size": 8,
    },
    "gpt_neo": {"attention_types": [[["global", "local"], 1]], "num_layers": 2, "num_heads": 4},
    "gpt_oss": EXPERTS,
    "mixtral": EXPERTS,
    "minimax": EXPERTS,
    "llama4_text": EXPERTS | {"intermediate_size_mlp": 48},
    "mamba": {"state_size": 4},
    "mamba2": {"state_size": 8, "num_heads": 8, "head_dim": 8, "n_groups": 1, "chunk_size": 8},
    "swin": VISION
    | {
        "hidden_size": None,
        "num_attention_heads": None,
        "num_hidden_layers": None,
        "patch_size": 4,
        "embed_dim": 16,
        "depths": [2, 2],
        "num_heads": [2, 2],
        "window_size": 4,
    },
    "t5": {"d_kv": 8, "d_ff": 48},
    "vit": VISION,
    "dinov2": VISION,
    "clip_vision_model": VISION,
    "whisper": {
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 48,
        "decoder_ffn_dim": 48,
        "max_source_positions": 8,
        "num_mel_bins": 8,
        "decoder_start_token_id": 1,
        "suppress_tokens": [],
        "begin_suppress_tokens": [3, 4],
    },
}
OWN_SIZES["swinv2"] = OWN_SIZES["swin"] | {"pretrained_window_sizes": [0, 0]}


def tiny_config(model_type, setting):
    kind = CONFIG_MAPPING[model_type]
    default = kind()
    sizes = {name: value for name, value in SMALL.items() if hasattr(default, name)}
    given = sizes | OWN_SIZES.get(model_type, {}) | setting
    return kind(**{name: value for name, value in given.items() if value is not None})


def tiny_model(model_type, setting):
    torch.manual_seed(0)
    config = tiny_config(model_type, setting)
    model = AutoModel.from_config(
        config, attn_implementation="eager", experts_implementation="eager"
    )
    return randomize_(model.double().eval())


def layers_of(model):
    """The layers of the first stack."""
    layers = next(m for m in model.modules() if isinstance(m, nn.ModuleList))
    for inner in ("blocks", "albert_layer_groups", "albert_layers"):
        layers = getattr(layers[-1], inner, layers)
    return layers


def run_model(model):
    """Run it, or its encoder if it has one, on a small input."""
    rng = torch.Generator().manual_seed(0)
    stack = model.encoder if model.config.is_encoder_decoder else model
    if model.main_input_name == "pixel_values":
        return stack(torch.randn(2, 3, 32, 32, generator=rng, dtype=torch.float64))
    if model.main_input_name == "input_features":
        return stack(torch.randn(2, 8, 16, generator=rng, dtype=torch.float64))
    return stack(torch.randint(3, 64, (2, 5), generator=rng))


@dataclass(frozen=True)
class Installed:
    """What the code of an installed model does, in the terms of a row of the zoo."""

    norm: str
    eps: float
    affine: str
    norms: int
    inner: int
    qk_norm: str
    final_norm: bool
    embedding_norm: bool
    equations: tuple[str, ...]


def read_installed(model_type, setting):
    model = tiny_model(model_type, setting)
    layer = layers_of(model)[-1]
    modules = dict(layer.named_modules())
    wiring = read_wiring(layer, lambda: run_model(model))
    sizes, order = norm_calls(model)
    found = {read_norm(modules[name], sizes[modules[name]]) for name in wiring.norms}
    if len(found) != 1:
        raise AssertionError(f"the norms on the wiring of {model_type} differ: {found}")
    (reading,) = found
    return Installed(
        reading.kind,
        reading.eps,
        reading.affine,
        len(wiring.norms),
        len(wiring.inner),
        read_qk_norm(model.config, wiring, modules, sizes),
        order[-1] == "norm",
        order[0] == "norm",
        wiring.shape(),
    )


def norm_calls(model):
    """The width of every norm that runs, and the order of norms outside the layers and layers."""
    sizes, order, layers = {}, [], list(layers_of(model))
    inside = {module for layer in layers for module in layer.modules()}

    def note(module, inputs, kwargs):
        if module in layers:
            order.append("layer")
        elif "Norm" in type(module).__name__:
            sizes[module] = (*inputs, *kwargs.values())[0].shape[-1]
            if module not in inside:
                order.append("norm")

    handles = [m.register_forward_pre_hook(note, with_kwargs=True) for m in model.modules()]
    with torch.no_grad():
        run_model(model)
    for handle in handles:
        handle.remove()
    return sizes, order


def read_qk_norm(config, wiring, modules, sizes):
    """Which of the inner norms stand on q and k, by their names, and what they do."""
    names = [
        name for name in wiring.inner if re.search(r"\b(q|k|qk|q_a|kv_a)_(layer)?norm\b", name)
    ]
    if not names:
        return "no"
    norms = [modules[name.split("#")[0]] for name in names]
    kinds = {read_norm(norm, sizes[norm]).kind for norm in norms}
    assert len(kinds) == 1, kinds
    heads = config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
    size = sizes[norms[0]]
    latent = all("_a_" in name for name in names)
    scope = "latents" if latent else {head_dim: "per head", heads * head_dim: "all heads"}[size]
    return f"{kinds.pop()} {scope}"
