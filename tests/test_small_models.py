"""Models of transformers, built small: what is made small, what is not, and what is said."""

import json
import sys
from itertools import pairwise

import pytest
import torch
from transformers import AutoConfig, LlamaConfig
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from normlab.inspection import inspect
from normlab.inspection.guessed_inputs import inspect_alone
from normlab.inspection.shrinking import LEVELS, PATTERNS, depth_for, fields_named, kind_of, shrunk
from normlab.inspection.sizes_by_type import SIZES_BY_TYPE
from normlab.inspection.small_models import build_small, small_config, small_model
from normlab.inspection.small_sizes import SMALL

OF_A_NORM = ("norm", "eps", "alpha", "scale", "parallel")
KINDS = {
    "llama": {"input_ids"},
    "t5": {"input_ids", "decoder_input_ids"},
    "vit": {"pixel_values"},
    "whisper": {"input_features", "decoder_input_ids"},
    "clip": {"input_ids", "pixel_values"},
    "llava": {"input_ids"},
    "qwen3_vl_vision": {"hidden_states", "grid_thw"},
    "wav2vec2-bert": {"input_features"},
}
"""Text, two stacks, images, sound, and several of these; with the inputs of each."""


@pytest.mark.parametrize("model_type", KINDS)
def test_a_model_of_each_kind_is_small_and_runs(model_type):
    small = small_model(model_type)
    assert small.inputs.keys() == KINDS[model_type]
    assert sum(parameter.numel() for parameter in small.model.parameters()) < 5_000_000
    assert not small.model.training
    assert inspect(small.model, small.inputs).norms


def test_the_same_type_gives_the_same_weights_and_inputs():
    one, other = small_model("llama"), small_model("llama")
    for name, value in one.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name])
    assert torch.equal(one.inputs["input_ids"], other.inputs["input_ids"])


def test_models_are_made_small_by_sizes_alone():
    for name in {name for given in [SMALL, *SIZES_BY_TYPE.values()] for name in given}:
        assert not any(part in name for part in OF_A_NORM)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("model_type", ["gemma3_text", "llava", "qwen3_next", "cohere2"])
def test_no_level_touches_a_norm(model_type, level):
    config = CONFIG_MAPPING[model_type]()
    small = small_config(type(config), level)
    assert small.to_dict() != config.to_dict()
    assert sorted(of_norms(small.to_dict())) == sorted(of_norms(config.to_dict()))


def of_norms(fields):
    """The fields that touch a norm, also those of parts."""
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from of_norms(value)
        elif any(part in str(name) for part in OF_A_NORM):
            yield name, str(value)


def test_a_config_file_keeps_what_it_says_of_norms_and_not_its_sizes(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(LlamaConfig(rms_norm_eps=3e-4, num_hidden_layers=80).to_json_string())
    for given in (path, str(path), tmp_path, AutoConfig.from_pretrained(tmp_path)):
        small = small_model(given)
        assert (small.config.rms_norm_eps, small.config.num_hidden_layers) == (3e-4, 2)


def test_a_setting_comes_before_every_size():
    kind = CONFIG_MAPPING["llama"]
    assert small_config(kind, "own", {"num_hidden_layers": 3}).num_hidden_layers == 3
    assert small_model("llama", {"num_hidden_layers": 3}).config.num_hidden_layers == 3


def test_every_type_of_layer_stays():
    config = small_config(CONFIG_MAPPING["qwen3_next"], "all")
    assert {*config.layer_types} == {"linear_attention", "full_attention"}
    assert config.num_hidden_layers == len(config.layer_types) == 4
    assert depth_for(["full", "full", "full"]) == 2


def test_what_a_config_lists_by_layer_has_as_many_entries_as_layers():
    changed = shrunk(CONFIG_MAPPING["gemma3n_text"](), "all")
    assert len(changed["activation_sparsity_pattern"]) == changed["num_hidden_layers"]
    assert len(changed["intermediate_size"]) == changed["num_hidden_layers"]
    assert max(changed["intermediate_size"]) == 48


def test_heads_keep_their_width_at_the_level_of_heads():
    config = small_config(CONFIG_MAPPING["llama"], "heads")
    assert (config.num_attention_heads, config.head_dim, config.hidden_size) == (4, 128, 512)
    assert config.num_key_value_heads == 4  # as many as heads, as they were


def test_a_later_level_changes_less():
    config = CONFIG_MAPPING["llama"]()
    changed = [shrunk(config, level).keys() for level in LEVELS[1:]]
    assert all(later < earlier for earlier, later in pairwise(changed))
    assert changed[-1] == {"num_hidden_layers"}


def test_what_an_error_names_is_not_made_small_again():
    sizes = {"hidden_size": 32, "text_config": {"model_type": "a", "head_dim": 8}}
    lines = ["x.view(config.head_dim)"]
    assert fields_named(ValueError("hidden_size is odd"), sizes, lines) == {
        "hidden_size",
        "head_dim",
    }
    kept = frozenset({"hidden_size"})
    assert "hidden_size" not in shrunk(CONFIG_MAPPING["llama"](), "all", kept)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("num_key_value_heads", "kv heads"),
        ("encoder_layers", "depth"),
        ("n_routed_experts", "experts"),
        ("encoder_ffn_dim", "ffn"),
        ("kv_lora_rank", "rank"),
        ("vocab_size", "vocabulary"),
        ("hidden_act", ""),
    ],
)
def test_a_field_is_known_by_its_name(name, kind):
    assert kind_of(name) == kind
    assert kind in {"", *PATTERNS}


def test_what_cannot_be_built_says_why(tmp_path):
    with pytest.raises(ValueError, match=r"no model type 'lama'; is it .*'llama'"):
        small_model("lama")
    with pytest.raises(ValueError, match=r"none.json cannot be read: No such file"):
        small_model(tmp_path / "none.json")
    path = tmp_path / "config.json"
    path.write_text("{")
    with pytest.raises(ValueError, match="is no JSON"):
        small_model(path)
    path.write_text(json.dumps({"hidden_size": 8}))
    with pytest.raises(ValueError, match="names no model_type"):
        small_model(path)


def test_each_level_that_failed_is_told():
    with pytest.raises(ValueError, match="could not be built small so that it runs") as raised:
        small_model("bert", {"hidden_size": 33})
    assert all(f"{level}: " in str(raised.value) for level in LEVELS)


def test_without_transformers_the_mend_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ValueError, match="run pip install transformers"):
        small_model("llama")


def test_a_model_of_transformers_that_comes_alone_gets_its_own_inputs():
    model = build_small(small_config(CONFIG_MAPPING["bert"]))
    read, guess = inspect_alone(model)
    assert guess.said == "input_ids (3, 7)"
    assert {layer.placement for layer in read.layers} == {"post-norm"}


CLEAN = (
    *("llama", "llama4_text", "qwen3", "gemma3_text", "olmo2", "glm4", "deepseek_v3", "gpt_oss"),
    *("gpt2", "gpt_neox", "falcon", "cohere2", "mpt", "mamba2", "rwkv", "zamba2", "bert", "xlm"),
    *("modernbert", "t5", "bart", "whisper", "vit", "dinov2", "swinv2", "wav2vec2"),
)


@pytest.mark.parametrize("name", CLEAN)
def test_a_model_that_many_use_gives_no_alarm(name):
    small = small_model(name)
    report = inspect(small.model, dict(small.inputs))
    assert report.layers
    assert [warning for warning in report.warnings if warning.severity != "note"] == []


def test_what_minimax_means_is_a_warning_and_no_error():
    small = small_model("minimax")
    (warning,) = inspect(small.model, dict(small.inputs)).warnings
    assert (warning.code, warning.severity) == ("normed-residual", "warning")
