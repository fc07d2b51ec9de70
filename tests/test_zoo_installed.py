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
from normlab.inspection import read_wiring
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
    "final_norm",
    "embedding_norm",
)
OTHER_WIRING = {
    "Mamba": ("n1 = norm(x)", "f1 = f(n1)", "y = x + f1"),
    "Mamba-2": ("n1 = norm(x)", "f1 = f(n1)", "y = x + f1"),
    "Falcon-H1": (
        "n1 = norm(x)",
        "f1 = f(n1)",
        "f2 = f(n1)",
        "n2 = norm(x + f1 + f2)",
        "f3 = f(n2)",
        "y = x + f1 + f2 + f3",
    ),
}
"""Layers that are not attention and then an FFN."""


@functools.cache
def installed(name):
    model = find_model(name)
    return read_installed(model.model_type, model.setting)


@functools.cache
def block_wiring(name):
    block = build_block(name).double()
    x = torch.randn(2, 5, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return read_wiring(block, x)


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
    expected = OTHER_WIRING.get(name) or block_wiring(name).shape()
    # NeoX calls its second norm after attention, Falcon 40B before: the same sums
    assert sorted(installed(name).equations) == sorted(expected)


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
