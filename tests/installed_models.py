"""Tiny models of the installed transformers: built from a config's defaults, with no download."""

import re
from dataclasses import dataclass

import torch
from torch import nn
from transformers import logging
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from normlab.inspection import read_norm, read_wiring
from normlab.inspection.small_models import build_small, small_config

logging.set_verbosity_error()


def tiny_model(model_type, setting):
    config = small_config(CONFIG_MAPPING[model_type], "own", setting)
    return build_small(config).double().eval()


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
    layers = layers_of(model)
    layer = layers[min(1, len(layers) - 1)]
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
