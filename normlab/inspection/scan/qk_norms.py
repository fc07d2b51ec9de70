"""Which of a layer's norms stand on queries and keys, and how wide they are."""

import re
from collections.abc import Sequence
from typing import Any

from normlab.inspection.input_sizes import size_of
from normlab.inspection.report import InspectedNorm

ON_QUERY_OR_KEY = re.compile(
    r"(q|k|qk|kv|query|key)(_[abcr])?_?(proj_|lora_|rope_|pe_|nope_)?(layer_?norm|norm|ln)\d?"
    r"|(layer_?norm|norm|ln)_?(q|k|qk|kv|query|key)|(query|key)_key_norm"
)
LATENT = re.compile(r"_a_|kv_|lora|latent|compress")
ELSEWHERE = re.compile(r"indexer|compressor")
"""What chooses tokens has norms of its own."""


def qk_norm(inner: Sequence[InspectedNorm], config: Any) -> str:
    """Kind and width of the norms on queries and keys; "no" if there are none.

    Args:
        inner: the norms inside sub-layers.
        config: of the model, for the width of its heads.

    Returns:
        "RMSNorm per head" for instance; "all heads", "latents" and "other width" are the others.
    """
    found = [norm for norm in inner if _is_on_query_or_key(norm)]
    widths = {f"{norm.kind} {_width(norm, config)}" for norm in found if norm.reading}
    return ", ".join(sorted(widths)) or ("not read" if found else "no")


def _is_on_query_or_key(norm: InspectedNorm) -> bool:
    *path, last = norm.name.split("#")[0].split(".")
    return bool(ON_QUERY_OR_KEY.fullmatch(last)) and not ELSEWHERE.search(".".join(path))


def _width(norm: InspectedNorm, config: Any) -> str:
    name = norm.name.split(".")[-1]
    assert norm.reading is not None
    heads = size_of(config, "num_attention_heads", size_of(config, "num_heads", 1))
    each = size_of(config, "head_dim", size_of(config, "hidden_size", 0) // heads)
    grouped = size_of(config, "num_key_value_heads", heads)
    size = norm.reading.size
    ranks = [size_of(config, rank, 0) for rank in ("q_lora_rank", "kv_lora_rank")]
    if LATENT.search(name) and (size in ranks or size != each):
        return "latents"
    if size == each:
        return "per head"
    return "all heads" if size in (heads * each, grouped * each) else "other width"
