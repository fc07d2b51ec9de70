"""How a configuration of transformers is made small, level by level."""

import re
from collections.abc import Sequence
from typing import Any, Literal

from normlab.inspection.sizes_by_type import Sizes
from normlab.inspection.small_sizes import is_given, own_sizes
from normlab.inspection.small_stages import of_stages

Level = Literal["own", "all", "heads", "counts", "depth"]
LEVELS: tuple[Level, ...] = ("own", "all", "heads", "counts", "depth")
"""From the smallest to the one that changes least.

- own: the sizes of `own_sizes`
- all: every width, count and depth whose name says what it is
- heads: four heads of the width that they have, so that what hangs on it stays right
- counts: depth, vocabulary, experts and the width of the feed-forward layers
- depth: that alone
"""
HEADS, VOCABULARY, DEPTH = 4, 64, 2

PATTERNS: dict[str, str] = {
    "depth": r"(num_|n_)?(\w+_)?(hidden_)?(layers?|blocks)|n_layers?|depth|num_encoder_layers",
    "vocabulary": r"(\w+_)?vocab_size(_\w+)?",
    "experts": r"(num|n)_(\w+_)?experts|moe_num_experts",
    "chosen": r"num_experts_per_tok(en)?|moe_topk|top_k_experts|moe_k|num_selected_experts",
    "ffn": r"(\w+_)?(intermediate_(size|dim)|ffn_(dim|size|hidden_size))|d_ff|d_inner|mlp_dim"
    r"|dim_feedforward",
    "width": r"hidden_size|d_model|n_embd|embed_dim|dim|(\w+_)?hidden_dim|out_hidden_size"
    r"|projection_dim|d_latents|embedding_size|(\w+_)?embed_dim|hidden_sizes?",
    "heads": r"(num_|n_)?(\w+_)?(attention_heads|heads?)|num_heads|n_heads?",
    "kv heads": r"(\w+_)?(num_|n_)?(key_value|kv)_heads",
    "head": r"(\w+_)?head_dim|d_kv|d_head|kv_channels|qk_rope_head_dim|v_head_dim",
    "rank": r"(\w+_)?lora_rank",
    "positions": r"max_position_embeddings|n_positions|max_(source|target)_positions|seq_length",
    "image": r"image_size|image_embedding_size",
    "queries": r"num_(object_)?queries",
}
"""What a field is, by its name; the first that fits counts."""
SMALL_OF: dict[str, int] = {
    "depth": DEPTH,
    "vocabulary": VOCABULARY,
    "experts": 4,
    "chosen": 2,
    "ffn": 48,
    "width": 32,
    "heads": HEADS,
    "kv heads": 2,
    "head": 8,
    "rank": 12,
    "positions": 64,
    "image": 32,
    "queries": 6,
}
CHANGED: dict[Level, frozenset[str]] = {
    "all": frozenset(SMALL_OF),
    "heads": frozenset(SMALL_OF) - {"head", "rank", "image"},
    "counts": frozenset({"depth", "vocabulary", "experts", "ffn", "queries"}),
    "depth": frozenset({"depth"}),
}
TOKEN = re.compile(r"(\w+_)?token_(id|index)")
UNTOUCHED = re.compile(r"norm|eps|alpha|scale|parallel|drop")
"""A field whose name holds one of these is what is to be read, or has no size."""


def shrunk(config: Any, level: Level, kept: frozenset[str] = frozenset()) -> Sizes:
    """The fields that make a configuration small.

    Args:
        config: as it is.
        level: which of them to change.
        kept: names of fields that stay.
    """
    if level == "own":
        sizes = _own_with_every_type(config)
        changed = {name: size for name, size in sizes.items() if name not in kept}
    else:
        changed = _Changes(config, level, kept).sizes()
    changed |= _of_layers(config, changed)
    changed |= of_stages(config, changed)
    for name in getattr(config, "sub_configs", {}):
        inner: Any = getattr(config, name, None)
        if hasattr(inner, "model_type") and name not in changed:
            fields = {"model_type": inner.model_type} | _differing(inner)
            smaller = fields | shrunk(inner, level, kept)
            changed[name] = {field: value for field, value in smaller.items() if value is not None}
    return changed


def _own_with_every_type(config: Any) -> Sizes:
    """The own sizes, deep enough for every type of layer."""
    sizes, types = own_sizes(config), getattr(config, "layer_types", None)
    if "layer_types" not in sizes and isinstance(types, list) and "num_hidden_layers" in sizes:
        sizes["num_hidden_layers"] = min(depth_for(types), len(types))
        if "layer_types" in vars(config):
            sizes["layer_types"] = types[: sizes["num_hidden_layers"]]
    return sizes


def _of_layers(config: Any, changed: Sizes) -> Sizes:
    """What single layers have of their own, for those layers that stay."""
    own = config.to_dict().get("per_layer_config")
    depth = next((size for name, size in changed.items() if kind_of(name) == "depth"), None)
    if not isinstance(own, dict) or depth is None:
        return {}
    return {"per_layer_config": {n: fields for n, fields in own.items() if int(n) < depth}}


def _differing(config: Any) -> Sizes:
    """What a part of a configuration has that its class has not."""
    try:
        different = config.to_diff_dict()
        return {
            name: value
            for name, value in different.items()
            if is_given(config, name)
            or (name != "stage_names" and kind_of(name) not in CHANGED["all"])
        }
    except Exception:  # some cannot tell
        return {}


class _Changes:
    """The changes of one configuration, without its parts."""

    def __init__(self, config: Any, level: Level, kept: frozenset[str]) -> None:
        self._fields = {
            name: value
            for name, value in config.to_dict().items()
            if name not in kept and not UNTOUCHED.search(name) and is_given(config, name)
        }
        self._level = level
        self._types = self._fields.get("layer_types")
        self._depth = depth_for(self._types) if isinstance(self._types, list) else DEPTH

    def sizes(self) -> Sizes:
        found = {name: self._small(name, value) for name, value in self._fields.items()}
        changed = {n: v for n, v in found.items() if v is not None and v != self._fields[n]}
        for name, value in self._fields.items():
            if isinstance(value, list) and self._one_for_each_layer(name, value):
                changed[name] = changed.get(name, value)[: self._depth]
        return self._with_heads(changed)

    def _one_for_each_layer(self, name: str, values: Sequence[object]) -> bool:
        depths = [size for field, size in self._fields.items() if kind_of(field) == "depth"]
        return name == "layer_types" or (len(values) in depths and kind_of(name) != "depth")

    def _small(self, name: str, value: object) -> Any:
        """The small value of a field; None if it stays."""
        if isinstance(value, bool):
            return None
        kind = kind_of(name)
        if kind == "depth" and self._counts_stages(value):
            return None
        if TOKEN.fullmatch(name) and "vocabulary" in CHANGED[self._level]:
            return self._token(name, value)
        if kind not in CHANGED[self._level]:
            return None
        small = self._depth if kind == "depth" else SMALL_OF[kind]
        if isinstance(value, int):
            return min(value, small) if value > 0 else None
        if isinstance(value, list) and value and all(type(part) is int for part in value):
            return self._list(kind, value)
        return None

    def _counts_stages(self, value: object) -> bool:
        """Whether it is as many as there are stages, each with a depth of its own."""
        depths = self._fields.get("depths")
        return isinstance(depths, (list, tuple)) and value == len(depths)

    def _list(self, kind: str, value: Sequence[int]) -> list[int]:
        """A size for each stage keeps its growth."""
        if kind == "width":
            return [32 * max(1, round(part / value[0])) for part in value]
        small = DEPTH if kind == "depth" else SMALL_OF[kind]
        return [min(part, small) for part in value]

    def _token(self, name: str, value: object) -> int | None:
        """An id below the vocabulary; different names have different ids."""
        if not isinstance(value, int) or value < VOCABULARY:
            return None
        names = [n for n in sorted(self._fields) if TOKEN.fullmatch(n)]
        return VOCABULARY - 1 - names.index(name)

    def _with_heads(self, changed: Sizes) -> Sizes:
        """Heads that share nothing go on doing so, and the width follows the heads."""
        heads, grouped = (self._named(kind) for kind in ("heads", "kv heads"))
        alike = grouped and heads and self._fields[grouped] == self._fields[heads]
        if "heads" in CHANGED[self._level] and alike:
            changed[grouped] = changed.get(heads, self._fields[heads])
        width = self._named("width")
        if self._level == "heads" and width and heads and isinstance(self._fields[heads], int):
            each = self._fields.get("head_dim") or self._fields[width] // self._fields[heads]
            changed[width] = HEADS * int(each)
        return changed

    def _named(self, kind: str) -> str:
        """The first field of a kind that holds a number; "" if there is none."""
        numbers = (n for n, v in self._fields.items() if type(v) is int and kind_of(n) == kind)
        return next(numbers, "")


def kind_of(name: str) -> str:
    """What a field is; "" if its name does not say so.

    >>> kind_of("num_hidden_layers"), kind_of("num_key_value_heads"), kind_of("rope_theta")
    ('depth', 'kv heads', '')
    """
    order = ("kv heads", *(kind for kind in PATTERNS if kind != "kv heads"))
    return next((kind for kind in order if re.fullmatch(PATTERNS[kind], name)), "")


def depth_for(types: Sequence[str]) -> int:
    """The least depth at which every type of layer has come.

    >>> depth_for(["local", "local", "global", "local"])
    3
    """
    last = max((types.index(kind) for kind in set(types)), default=0)
    return max(DEPTH, last + 1)


def fields_named(error: BaseException, sizes: Sizes, lines: Sequence[str]) -> frozenset[str]:
    """The changed fields that an error names, in what it says or in the lines that raised it."""
    words = set(re.findall(r"\w+", " ".join([str(error), *lines])))
    inner = {name for value in sizes.values() if isinstance(value, dict) for name in value}
    return frozenset(words & (sizes.keys() | inner) - {"model_type"})
