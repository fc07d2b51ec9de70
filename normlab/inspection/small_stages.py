"""What a backbone gives away of its stages, where some of them are left out."""

from typing import Any

from normlab.inspection.input_sizes import field_of
from normlab.inspection.sizes_by_type import Sizes

DEPTH = "num_hidden_layers"


def of_stages(config: Any, changed: Sizes) -> Sizes:
    """As many stages as were given away, of those that are left.

    A stage is a layer here, as in a vision transformer; where it is several, all of them stay.

    Args:
        config: as it is.
        changed: its fields that are small.
    """
    stages, given = field_of(config, "stage_names"), field_of(config, "out_features")
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
