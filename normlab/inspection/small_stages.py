"""What a backbone gives away of its stages, where some of them are left out."""

from collections.abc import Sequence
from typing import Any

from normlab.inspection.input_sizes import field_of
from normlab.inspection.sizes_by_type import Sizes

DEPTH = "num_hidden_layers"


def of_stages(config: Any, changed: Sizes) -> Sizes:
    """As many stages as were given away, of those that are left.

    A stage is a layer, as in a vision transformer, or several; then all of them stay.

    Args:
        config: as it is.
        changed: its fields that are small.
    """
    stages, given = field_of(config, "stage_names"), field_of(config, "out_features")
    if stages and given and len(given) > 1 and isinstance(changed.get("depths"), list):
        return _all_stages(changed, field_of(config, "depths"))
    whole, small = field_of(config, DEPTH), changed.get(DEPTH)
    if not stages or not given or small is None or len(stages) != whole + 1:
        return {}
    depth = max(small, len(given))
    last = range(depth + 1 - len(given), depth + 1)
    return {
        DEPTH: depth,
        "out_features": [stages[number] for number in last],
        "out_indices": [*last],
    }


def _all_stages(changed: Sizes, depths: Sequence[int]) -> Sizes:
    """One layer in each further stage, with twice the heads."""
    few, heads = changed["depths"], changed.get("num_heads")
    left = len(depths) - len(few)
    more = {"num_heads": [*heads, *[2 * heads[-1]] * left]} if isinstance(heads, list) else {}
    return {"depths": [*few, *[1] * left]} | more
