"""Small inputs for models of every kind: what they ask for by name, and in which form."""

import pytest
import torch
from torch import nn
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from normlab.inspection import inspect
from normlab.inspection.completed_inputs import asked_for, completed
from normlab.inspection.library_of_models import makers
from normlab.inspection.scan.units import units_of
from normlab.inspection.shrinking import shrunk
from normlab.inspection.small_inputs import described
from normlab.inspection.small_models import small_config, small_model


def config_of(folder, name):
    return next(unit for unit in units_of(folder) if unit.config == name).kind()


ASKED = [
    ("audioflamingo3", "AudioFlamingo3EncoderConfig", "input_features_mask"),  # by a line of code
    ("lxmert", "LxmertConfig", "visual_feats"),  # by a message
    ("minicpm_ocr", "MiniCPMOcrVisionConfig", "target_sizes"),  # where images are rows of patches
    ("video_llama_3", "VideoLlama3VisionConfig", "merge_sizes"),  # by the signature
    ("timesfm", "TimesFmConfig", "freq"),
    ("decision_transformer", "DecisionTransformerConfig", "returns_to_go"),
    ("oneformer", "OneFormerConfig", "task_inputs"),
    ("idefics", "IdeficsConfig", "image_attention_mask"),
    ("pix2struct", "Pix2StructVisionConfig", "flattened_patches"),
    ("sam2", "Sam2MaskDecoderConfig", "high_resolution_features"),
]


@pytest.mark.parametrize(("folder", "name", "argument"), ASKED)
def test_an_argument_that_a_model_asks_for_is_given(folder, name, argument):
    small = small_model(config_of(folder, name))
    assert argument in small.inputs
    assert inspect(small.model, dict(small.inputs)).layers


FORMS = [
    ("musicgen", "MusicgenDecoderConfig", {"input_ids": (12, 7)}),  # a row for each codebook
    ("kyutai_speech_to_text", "KyutaiSpeechToTextConfig", {"input_ids": (3, 7, 33)}),
    ("pe_audio", "PeAudioEncoderConfig", {"input_values": (3, 1, 4800)}),
    ("kimi_k25", "Kimi_K25VisionConfig", {"pixel_values": (16, 3, 14, 14), "grid_thw": (1, 3)}),
    ("granite_speech", "GraniteSpeechEncoderConfig", {"hidden_states": (3, 7, 160)}),
    ("qwen3_asr", "Qwen3ASREncoderConfig", {"input_features": (3, 128, 100)}),
    ("florence2", "Florence2VisionConfig", {"hidden_states": (3, 3, 32, 32)}),
]


@pytest.mark.parametrize(("folder", "name", "shapes"), FORMS)
def test_an_input_has_the_form_that_a_model_wants(folder, name, shapes):
    small = small_model(config_of(folder, name))
    assert {n: tuple(small.inputs[n].shape) for n in shapes} == shapes


def test_a_width_that_a_linear_map_refuses_is_drawn_as_it_wants_it():
    inputs = {"input_features": torch.randn(3, 80, 64), "ids": torch.zeros(3, 64).long()}
    error = RuntimeError("mat1 and mat2 shapes cannot be multiplied (240x64 and 320x32)")
    given = asked_for(nn.Linear(320, 32), inputs, error, CONFIG_MAPPING["llama"]())
    assert {name: value.shape for name, value in given.items()} == {"input_features": (3, 80, 320)}


class Torn(nn.Module):
    """Two maps that want different widths of one input."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(8, 8), nn.Linear(6, 6)

    def forward(self, hidden_states, attention_mask=None):
        if attention_mask is None:
            raise ValueError("no attention_mask")
        return self.one(hidden_states) if hidden_states.shape[-1] != 6 else self.other(None)


def test_the_first_error_is_told_where_nothing_helps():
    given = {"hidden_states": torch.randn(3, 7, 5)}
    with pytest.raises(ValueError, match="no attention_mask"):
        completed(Torn(), {"hidden_states": torch.randn(3, 7, 6)}, CONFIG_MAPPING["llama"]())
    found = completed(Torn(), given, CONFIG_MAPPING["llama"]())
    assert found.keys() == {"hidden_states", "attention_mask"}
    assert found["hidden_states"].shape == (3, 7, 8)


def test_what_is_no_tensor_is_described_too():
    inputs = {"features": [torch.zeros(2, 3), torch.zeros(4)]}
    assert described(inputs) == "features (2, 3) and (4,)"


def test_of_several_models_the_one_that_runs_is_taken():
    small = small_model("pop2piano")
    assert type(small.model).__name__ == "Pop2PianoForConditionalGeneration"
    other = small_model("bert", besides=type(small_model("bert").model))
    assert type(other.model).__name__ != "BertModel"


def test_a_part_that_has_no_model_is_its_module():
    config = config_of("sam", "SamMaskDecoderConfig")
    assert next(makers(config()))().__class__.__name__ == "SamMaskDecoder"
    model = small_model(config).model
    assert sum(parameter.numel() for parameter in model.parameters()) < 1_000_000


def test_an_image_is_four_patches_to_its_shorter_side():
    assert small_config(config_of("sam", "SamVisionConfig")).image_size == 64
    assert small_config(config_of("seggpt", "SegGptConfig")).image_size == [128, 64]
    assert small_model("pixtral").inputs["pixel_values"].shape == (3, 3, 64, 64)


@pytest.mark.parametrize("name", ["zoedepth", "lw_detr"])
def test_a_backbone_gives_away_as_many_stages_as_before(name):
    kind = CONFIG_MAPPING[name]
    whole, small = kind().backbone_config, small_config(kind).backbone_config
    assert small.num_hidden_layers == len(small.out_features) == len(whole.out_features)
    assert small.out_features[-1] == small.stage_names[-1]


def test_stages_that_a_backbone_gives_away_stay():
    config = CONFIG_MAPPING["swin"]()
    assert "num_layers" not in shrunk(config, "all")
    assert len(small_config(type(config)).depths) == 2
    backbone = small_config(CONFIG_MAPPING["mask2former"]).backbone_config
    assert (backbone.depths, backbone.num_heads) == ([2, 2, 1, 1], [2, 2, 4, 4])


def test_what_a_configuration_makes_of_its_fields_is_not_set():
    kind = CONFIG_MAPPING["d_fine"]
    assert "head_dim" not in shrunk(kind(), "own")
    small = small_config(kind)
    assert (small.d_model, small.head_dim) == (32, 4)
