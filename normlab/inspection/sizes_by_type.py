"""A table of sizes by model type, where those that most configurations have say too little."""

from typing import Any

Sizes = dict[str, Any]

VISION: Sizes = {"image_size": 32, "patch_size": 8}
EXPERTS: Sizes = {"num_local_experts": 2, "num_experts_per_tok": 2}
LATENTS: Sizes = {
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
}
"""Of latent attention, with experts."""
ROUTED: Sizes = {"n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
STACKS: Sizes = {
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
}
"""Of an encoder and a decoder, by the names of BART."""
BACKBONE: Sizes = {
    "use_timm_backbone": False,
    "use_pretrained_backbone": False,
    "backbone": None,
    "d_model": 32,
    **STACKS,
    "num_queries": 6,
    "backbone_config": {
        "model_type": "resnet",
        "embedding_size": 16,
        "hidden_sizes": [16, 16, 32, 32],
        "depths": [1, 1, 1, 1],
        "layer_type": "basic",
        "out_features": ["stage2", "stage3", "stage4"],
    },
}
"""Of a detector: what it reads images with is small, and no other library's."""
ONE_STAGE: Sizes = BACKBONE | {
    "backbone_config": BACKBONE["backbone_config"] | {"out_features": ["stage4"]}
}
FOLDED_ROPE: Sizes = {
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]}
}
"""Positions in time, height and width, in heads of eight numbers."""
SERIES: Sizes = {"prediction_length": 4, "context_length": 24, "d_model": 32}
SIZES_BY_TYPE: dict[str, Sizes] = {
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
    "detr": ONE_STAGE | {"hidden_size": None},
    "conditional_detr": ONE_STAGE | {"hidden_size": None},
    "dab-detr": ONE_STAGE | {"d_model": None},
    "deformable_detr": BACKBONE | {"hidden_size": None},
    "table-transformer": ONE_STAGE | {"hidden_size": None},
    "dots1": {
        "n_routed_experts": 4,
        "n_shared_experts": 1,
        "n_group": 1,
        "topk_group": 1,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 16,
        "first_k_dense_replace": 1,
    },
    "kyutai_speech_to_text": {"audio_pad_token_id": 3},
    "perceiver": {
        "d_latents": 32,
        "d_model": 32,
        "num_latents": 8,
        "num_self_attends_per_block": 2,
        "num_self_attention_heads": 4,
        "num_cross_attention_heads": 4,
    },
    "pix2struct_text_model": {"initializer_range": 0.02, "d_kv": 8, "d_ff": 48},
    "pix2struct_vision_model": {"d_kv": 8, "d_ff": 48},
    "xmod": {"default_language": "en_XX"},
    "zamba": {
        "num_hidden_layers": 4,
        "layer_types": None,
        "layers_block_type": ["mamba", "hybrid", "mamba", "hybrid"],
    },
    "inkling2_text": ROUTED,
    "inkling2_loop_text": ROUTED,
    "zoedepth": {
        "num_patch_transformer_layers": 4,
        "patch_transformer_hidden_size": 32,
        "patch_transformer_intermediate_size": 48,
        "patch_transformer_num_attention_heads": 4,
        "bin_configurations": [
            {"name": name, "n_bins": 8, "min_depth": 1e-3, "max_depth": 10.0}
            for name in ("nyu", "kitti")
        ],
    },
    "autoformer": SERIES,
    "informer": SERIES,
    "time_series_transformer": SERIES,
    "diffusion_gemma_text": {
        "num_experts": 4,
        "top_k_experts": 2,
        "moe_intermediate_size": 16,
    },
    "deepseek_ocr2_text": {
        "mlp_layer_types": ["dense", "sparse"],
        "n_group": 1,
        "topk_group": 1,
        "num_experts_per_tok": 2,
        "n_routed_experts": 4,
        "moe_intermediate_size": 16,
    },
    "cohere_compass_text": {
        "rope_parameters": dict.fromkeys(
            ("full_attention", "sliding_attention"), FOLDED_ROPE["rope_parameters"]
        )
    },
    "glm4v_text": FOLDED_ROPE,
    "glm4v_moe_text": {
        "rope_parameters": FOLDED_ROPE["rope_parameters"] | {"mrope_section": [1, 1, 0]}
    },
    "hunyuan_vl_text": {
        "rope_parameters": FOLDED_ROPE["rope_parameters"] | {"mrope_section": [1, 1, 1, 1]}
    },
    "qwen4_exp_text": {
        "indexer_n_heads": 4,
        "indexer_kv_heads": 1,
        "indexer_head_dim": 8,
        "indexer_budget": 4,
        "indexer_compress_ratio": 2,
    },
    "step3p5": {"sliding_window": 4, "num_sliding_attention_heads": 4},
    "glm_ocr_text": FOLDED_ROPE,
    "glm_image_text": FOLDED_ROPE,
    "gemma3n_text": {
        "num_kv_shared_layers": 0,
        "activation_sparsity_pattern": 0.0,
        "laurel_rank": 8,
    },
    "lfm2_moe": {
        "layer_types": ["conv", "full_attention"],
        "num_dense_layers": 1,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 16,
    },
    "bamba": {
        "num_hidden_layers": 2,
        "attn_layer_indices": [1],
        "mamba_n_heads": 8,
        "mamba_d_head": 8,
        "mamba_d_state": 8,
        "mamba_chunk_size": 8,
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
    "deepseek_v3": LATENTS | {"first_k_dense_replace": 2},
    "falcon_h1": {
        "mamba_d_ssm": 32,
        "mamba_n_heads": 4,
        "mamba_d_head": 8,
        "mamba_d_state": 8,
        "mamba_chunk_size": 8,
    },
    "granitemoehybrid": EXPERTS
    | {
        "layer_types": ["mamba", "attention"],
        "shared_intermediate_size": 48,
        "mamba_n_heads": 8,
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
        **STACKS,
        "max_source_positions": 8,
        "num_mel_bins": 8,
        "decoder_start_token_id": 1,
        "suppress_tokens": [],
        "begin_suppress_tokens": [3, 4],
    },
}
"""By model type: what SMALL does not say, or says wrongly; None leaves a default."""
SIZES_BY_TYPE["deepseek_v2"] = SIZES_BY_TYPE["deepseek_v3"]
SIZES_BY_TYPE["swinv2"] = SIZES_BY_TYPE["swin"] | {"pretrained_window_sizes": [0, 0]}
