"""The zoo against the models that are installed: what their code does, field by field.

Each row with a `model_type` is built as a tiny model with random weights, and run. Nothing is
read from names or attributes of norms, except which inner norm stands on q and k.
"""

import functools
import inspect
from pathlib import Path

import installed_models
import pytest
import torch
from installed_models import read_installed, tiny_model

import normlab
from normlab.chapters.norms_in_the_wild.zoo import find_model, load_zoo
from normlab.chapters.norms_in_the_wild.zoo_blocks import ZooNorm, build_block, zoo_config
from normlab.inspection import read_norm, read_wiring
from normlab.inspection.wiring_reading import FACTOR
from normlab.models.placement.in_the_wild import ZOO_PLACEMENTS

COVERED = [model for model in load_zoo() if model.confirmed_by == "installed code"]
NAMES = [model.name for model in COVERED]
CONFIRMED = (
    "norm",
    "eps",
    "affine",
    "norms",
    "inner",
    "qk_norm",
    "v_norm",
    "final_norm",
    "embedding_norm",
)
PRE_NORM = ("n1 = norm(x)", "f1 = f(n1)", "n2 = norm(x + f1)", "f2 = f(n2)", "y = x + f1 + f2")
PLACES = {
    "LFM2": 0,
    "LFM3": 2,
    "Qwen3-Next": 3,
    "Qwen3.5": 3,
    "Qwen4-Exp": 3,
    "OLMo Hybrid": 3,
    "GLM-5.3-Flash": 3,
    "Kimi Linear": 4,
    "Inkling 2": 5,
}
"""The layer that a row is about, from 0, where it is not the second."""
DIFFERENT = {
    "DeepSeek-V4": {("RMSNorm", 1e-6, "weight"), ("RMSNorm", 1e-6, "none")},
    "GLM-5.3-Flash": {("RMSNorm", 1e-5, "weight"), ("RMSNorm", 1e-5, "none")},
    "Inkling 2": {("RMSNorm", 1e-6, "weight"), ("RMSNorm", 1e-6, "none")},
    "Muse Glimmer": {("RMSNorm", 1e-5, "1 + weight"), ("RMSNorm", 1e-8, "1 + weight")},
    "Muse Spark": {("RMSNorm", 1e-5, "1 + weight"), ("RMSNorm", 1e-8, "none")},
}
"""The norms on the wiring, where they are not one and the same."""


@functools.cache
def installed(name):
    model = find_model(name)
    return read_installed(model.model_type, model.setting, PLACES.get(name, 1))


@functools.cache
def block_wiring(name):
    block = build_block(name, layer=4 if name == "OLMo Hybrid" else 1).double()
    return read_wiring(block, stream())


def stream():
    rng = torch.Generator().manual_seed(0)
    return torch.randn(2, 5, 32, dtype=torch.float64, generator=rng)


@pytest.mark.parametrize("field", CONFIRMED)
@pytest.mark.parametrize("name", NAMES)
def test_a_field_of_a_row_is_what_the_installed_code_does(name, field):
    stated, found = getattr(find_model(name), field), getattr(installed(name), field)
    if field == "eps":
        assert found == pytest.approx(stated, rel=0.005)  # it is read to three digits
    else:
        assert found == stated


@pytest.mark.parametrize("name", NAMES)
def test_the_wiring_of_a_row_is_that_of_the_installed_layer(name):
    """The order of norms, sub-layers and sums, and what each reads: the row's `placement`."""
    found, own = installed(name).equations, find_model(name).wiring
    if not own:
        found = tuple(FACTOR.sub("", equation) for equation in found)
    # NeoX calls its second norm after attention, Falcon 40B before: the same sums
    assert sorted(found) == sorted(own or block_wiring(name).shape())


@pytest.mark.parametrize("name", NAMES)
def test_the_norms_on_the_wiring_of_a_row_are_alike_but_in_five_models(name):
    if name in DIFFERENT:
        assert installed(name).different == DIFFERENT[name]
    else:
        assert len(installed(name).different) == 1


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("OLMo Hybrid", PRE_NORM),
        ("A.X-K1", PRE_NORM),
        ("ModernBERT decoder", ("f1 = f(x)", "n1 = norm(x + f1)", "f2 = f(n1)", "y = x + f1 + f2")),
    ],
)
def test_the_first_layer_of_a_row_is_as_its_note_says(name, first):
    row = find_model(name)
    assert read_installed(row.model_type, row.setting, 0).equations == first


@pytest.mark.parametrize("layer", [1, 2])
def test_the_factors_of_beam_are_those_of_our_depth_scaled_sums(layer):
    block = build_block("Beam", layer=layer).double()
    found = read_installed("beam", {}, layer - 1).equations
    assert read_wiring(block, stream()).equations == found


def test_a_norm_that_multiplies_by_its_gain_first_is_refused():
    layer = installed_models.layers_of(tiny_model("muse_spark_text", {}))[1]
    with pytest.raises(
        ValueError, match="MuseSparkTextInputScaledRMSNorm is no norm that is known"
    ):
        read_norm(layer.post_feedforward_layernorm, 32)
    assert "n4 = norm(a·f2)" in installed("Muse Spark").equations


def test_a_row_states_no_norm_that_its_own_setting_sets():
    for model in COVERED:
        assert not [key for key in model.setting if "eps" in key]


def test_most_rows_are_confirmed_by_code():
    assert len(load_zoo()) >= 45
    assert len(COVERED) >= 0.8 * len(load_zoo())


def test_the_lesson_s_lines_for_a_model_of_ones_own_run_as_they_stand():
    lesson = Path(__file__).parent.parent / "lessons" / "11_norms_in_the_wild.py"
    lines = lesson.read_text(encoding="utf-8").replace("\n# ", "\n").split("```")[1]
    names = {"torch": torch, "inspect": normlab.inspect}
    body, last = lines.removeprefix("python\n").rstrip().rsplit("\n", 1)
    exec(body, names)
    (row,) = eval(last, names).rows
    assert row[:3] == ["layers.0 … layers.1", 2, "pre-norm"]
    assert row[3].split("\n") == list(block_wiring("Qwen3").equations)


def captured(layer, model):
    """What the layer was called with, and what it returned."""
    kept = {}

    def note(module, args, kwargs, output):
        given = inspect.signature(module.forward).bind(*args, **kwargs).arguments
        named = {key: given.get(key) for key in ("position_embeddings", "attention_mask")}
        kept["call"] = (args[0], named, output[0] if isinstance(output, tuple) else output)

    handle = layer.register_forward_hook(note, with_kwargs=True)
    with torch.no_grad():
        installed_models.run_model(model)
    handle.remove()
    return kept["call"]


def with_attention(attention, ffn):
    """The sub-layers of a layer, as functions of the stream alone."""

    def sublayers(layer, named):
        used = {key: value for key, value in named.items() if value is not None}
        return [
            lambda x: getattr(layer, attention)(hidden_states=x, **used)[0],
            getattr(layer, ffn),
        ]

    return sublayers


def of_bert(layer, named):
    attention = layer.attention
    return [
        lambda x: attention.output.dense(attention.self(x)[0]),
        lambda x: layer.output.dense(layer.intermediate(x)),
    ]


LAYERS = {
    "BERT": of_bert,
    "GPT-2": with_attention("attn", "mlp"),
    "LLaMA": with_attention("self_attn", "mlp"),
    "Gemma 2": with_attention("self_attn", "mlp"),
    "OLMo 2": with_attention("self_attn", "mlp"),
    "GLM-4-0414": with_attention("self_attn", "mlp"),
    "Phi-1.5 and Phi-2": with_attention("self_attn", "mlp"),
    "GPT-NeoX 20B": with_attention("attention", "mlp"),
    "Nemotron-4": with_attention("self_attn", "mlp"),
    "Command R": with_attention("self_attn", "mlp"),
    "OLMo": with_attention("self_attn", "mlp"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_our_placement_and_norms_around_their_sublayers_give_their_output(name):
    row = find_model(name)
    model = tiny_model(row.model_type, row.setting)
    layer = installed_models.layers_of(model)[-1]
    x, named, expected = captured(layer, model)
    config = zoo_config(row, d_model=32, layers=2)
    placement = ZOO_PLACEMENTS[row.placement](config.site("encoder", 2)).double()
    ours = [part for part in placement.modules() if isinstance(part, ZooNorm)]
    wiring = read_wiring(layer, lambda: installed_models.run_model(model))
    theirs = [layer.get_submodule(norm) for norm in wiring.norms]
    for mine, other in zip(ours, theirs, strict=True):
        mine.load_state_dict(other.state_dict())
    with torch.no_grad():
        y = placement(x, LAYERS[name](layer, named))
    # some of their norms compute in float32, so about 1e-7 each
    torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5)
