"""Tiny models of the installed transformers: built from a config's defaults, with no download."""

import re
from collections import Counter
from dataclasses import dataclass

import torch
from torch import nn
from transformers import logging
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from normlab.inspection import LayerWiring, inspect, read_norm, read_wiring
from normlab.inspection.small_models import build_small, small_config, small_model

logging.set_verbosity_error()


OTHER_SIZES = ("beam", "inkling_text", "muse_spark_text")
"""Those that the smallest sizes do not fit."""
DORY = {"num_hidden_layers": 4, "n_input_layers": 1, "n_recurrent_layers": 2, "n_output_layers": 1}
EXPERTS = {"n_routed_experts": 2, "zero_expert_num": 1, "moe_topk": 1}
FEW = {"dory": DORY, "longcat_flash": EXPERTS}
"""Sizes that no norm knows of, and that make reading slow."""
INSPECTED = ("hy_v4", "inkling2_text", "dory")
"""Two mix float32 with the dtype of the model, and Dory's inner norms divide by a length, which
`read_wiring` takes for a cosine's: so the whole model is inspected as it is."""
CALLED_OFTEN = ("indexer.k_layernorm", "experts.post_expert_norm")
"""One norm for many pieces of a sequence, or for each expert."""


def tiny_model(model_type, setting):
    given = FEW.get(model_type, {}) | dict(setting)
    if model_type in OTHER_SIZES:
        return small_model(model_type, given).model.double()
    model = build_small(small_config(CONFIG_MAPPING[model_type], "own", given)).eval()
    return model if model_type in INSPECTED else model.double()


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
    v_norm: bool
    final_norm: bool
    embedding_norm: bool
    equations: tuple[str, ...]
    different: frozenset[tuple[str, float, str]]


def read_installed(model_type, setting, place=1):
    """Read the layer at that place, or the last; `different` are the norms on its wiring."""
    model = tiny_model(model_type, setting)
    layers = layers_of(model)
    layer = layers[min(place, len(layers) - 1)]
    modules = dict(layer.named_modules())
    wiring = inspected(model, place) if model_type in INSPECTED else wiring_in(layer, model)
    sizes, order = norm_calls(model)
    parts = [modules[name.split(" (")[0]] for name in wiring.norms]
    readings = [reading for part in parts if (reading := norm_or_none(part, sizes[part]))]
    first = next((r for r in readings if r.affine != "none"), readings[0])
    return Installed(
        first.kind,
        first.eps,
        first.affine,
        len(wiring.norms),
        inner_norms(wiring),
        read_qk_norm(model.config, wiring, modules, sizes),
        any(name.endswith(".v_norm") for name in wiring.inner),
        order[-1] == "norm",
        order[0] == "norm",
        wiring.equations,
        frozenset((r.kind, float(f"{r.eps:.2g}"), r.affine) for r in readings),
    )


def wiring_in(layer, model):
    return read_wiring(layer, lambda: run_model(model))


def inspected(model, place):
    """The wiring of one layer of a model that is inspected as a whole."""
    rng = torch.Generator().manual_seed(0)
    report = inspect(model, torch.randint(3, 64, (3, 7), generator=rng))
    prefix = f"layers.{place}."
    (layer,) = [layer for layer in report.layers if f"{layer.name}." == prefix]
    norms, inner = (
        tuple(name.removeprefix(prefix) for name in names) for names in (layer.norms, layer.inner)
    )
    return LayerWiring(layer.equations, norms, (), inner)


def norm_or_none(part, size):
    """None for Muse Spark's norm that multiplies by its gain before it divides."""
    try:
        return read_norm(part, size)
    except ValueError:
        return None


def inner_norms(wiring):
    names = Counter(name.split(" (")[0].split("#")[0] for name in wiring.inner)
    return sum(1 if name.endswith(CALLED_OFTEN) else times for name, times in names.items())


def norm_calls(model):
    """The width of every norm that runs, and the order of norms outside the layers and layers.

    Gemma 4's norm of what its layers read besides the stream is none of them.
    """
    sizes, order, layers = {}, [], list(layers_of(model))
    inside = {module for layer in layers for module in layer.modules()}
    inside.add(getattr(model, "per_layer_projection_norm", None))

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
        name
        for name in wiring.inner
        if re.search(r"\b(q|k|qk|q_a|kv_a)_(layer)?norm\b", name) and "indexer" not in name
    ]
    if not names:
        return "no"
    norms = [modules[name.split("#")[0]] for name in names]
    kinds = {read_norm(norm, sizes[norm]).kind for norm in norms}
    assert len(kinds) == 1, kinds
    kind = kinds.pop()
    if all("_a_" in name for name in names):
        return f"{kind} latents" + ("" if len(names) == 2 or "q_a" in names[0] else " of k")
    heads = config.num_attention_heads
    head_dim = head_size(config)
    size = sizes[norms[0]]
    return f"{kind} {({head_dim: 'per head', heads * head_dim: 'all heads'})[size]}"


def head_size(config):
    """Of one layer; where layers differ in it, as Gemma 4's do, of the second."""
    one = config.per_layer_config[1] if getattr(config, "per_layer_config", None) else config
    return getattr(one, "head_dim", None) or config.hidden_size // config.num_attention_heads
