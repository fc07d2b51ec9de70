"""Which numbers share a mean and a variance: one definition, for five norms and three layouts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from normlab.norms import FloatArray
from normlab.tools.table import Table

Role: TypeAlias = Literal["example", "position", "feature"]
Place: TypeAlias = tuple[int, int, int]
"""One number of the array, as (example, position, feature), in every layout."""

SIZES: dict[Role, int] = {"example": 3, "position": 4, "feature": 6}
GROUPS = 2
"""How many groups of features GroupNorm makes here; torch calls it `num_groups`."""


@dataclass(frozen=True)
class Layout:
    """What the axes of an array are, in order, and which of them layer norm shares over.

    Args:
        name: what a learner chooses.
        symbols: the letter of each axis, in order.
        words: what one example, one position and one feature are called.
        layer_norm_shares: the axes over which layer norm takes its mean.
    """

    name: str
    symbols: dict[Role, str]
    words: dict[Role, str]
    layer_norm_shares: tuple[Role, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(SIZES[role] for role in self.symbols)

    def index(self, place: Place) -> tuple[int, ...]:
        """Where `place` stands in an array of this layout."""
        at = dict(zip(SIZES, place, strict=True))
        return tuple(at[role] for role in self.symbols)


_IMAGE: dict[Role, str] = {"example": "image", "position": "position", "feature": "channel"}
TEXT = Layout(
    "text (B, T, D)",
    {"example": "B", "position": "T", "feature": "D"},
    {"example": "example", "position": "token", "feature": "feature"},
    ("feature",),
)
IMAGES = Layout(
    "images (B, C, P)",
    {"example": "B", "feature": "C", "position": "P"},
    _IMAGE,
    ("feature", "position"),
)
IMAGES_BY_POSITION = Layout(
    "images, by position (B, P, C)",
    {"example": "B", "position": "P", "feature": "C"},
    _IMAGE,
    ("feature",),
)
"""As ConvNeXt, Swin and vision transformers take it: layer norm over the channels alone."""

SHARING_NORMS = ("BatchNorm", "LayerNorm", "RMSNorm", "InstanceNorm", "GroupNorm")

STATISTICS = {norm: "mean, variance" for norm in SHARING_NORMS} | {"RMSNorm": "mean square"}


def shared_roles(norm: str, layout: Layout) -> tuple[Role, ...]:
    """The axes that the statistics of `norm` run over; of GroupNorm's features only one group.

    Raises:
        ValueError: if `norm` is not in `SHARING_NORMS`.

    Source: Wu & He 2018, Group Normalization, section 3.1 and Fig. 2 (arXiv:1803.08494).

    >>> shared_roles("BatchNorm", TEXT)
    ('example', 'position')
    """
    shared: dict[str, tuple[Role, ...]] = {
        "BatchNorm": ("example", "position"),
        "LayerNorm": layout.layer_norm_shares,
        "RMSNorm": layout.layer_norm_shares,
        "InstanceNorm": ("position",),
        "GroupNorm": ("position", "feature"),
    }
    if norm not in shared:
        raise ValueError(f"norm is {norm!r}; expected one of {', '.join(SHARING_NORMS)}.")
    return shared[norm]


def group_numbers(norm: str, layout: Layout) -> NDArray[np.intp]:
    """An array of the layout's shape; entries with the same number share their statistics.

    >>> group_numbers("LayerNorm", TEXT)[0, :, 0].tolist()  # the four tokens of example 0
    [0, 1, 2, 3]
    """
    shared = shared_roles(norm, layout)
    places = np.indices(layout.shape)  # (3, *shape)
    for axis, role in enumerate(layout.symbols):
        if norm == "GroupNorm" and role == "feature":
            places[axis] //= SIZES["feature"] // GROUPS
        elif role in shared:
            places[axis] = 0
    keys = np.ravel_multi_index(tuple(places), layout.shape)
    _, numbers = np.unique(keys, return_inverse=True)
    return numbers.reshape(layout.shape)


def influenced(
    norm: Callable[[FloatArray], FloatArray], x: FloatArray, index: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Which outputs of `norm` move when the one input x[index] is moved by 1.

    `x` should be float64: what moves by less than 1e-9 counts as still.

    >>> influenced(lambda x: x - x.mean(), np.zeros(3), (1,)).tolist()
    [True, True, True]
    """
    moved = x.copy()
    moved[index] += 1
    still: NDArray[np.bool_] = np.isclose(norm(moved), norm(x), rtol=0, atol=1e-9)
    return ~still


@dataclass(frozen=True)
class Sharing:
    """The groups of every norm in one layout."""

    layout: Layout

    def group(self, norm: str, place: Place) -> NDArray[np.bool_]:
        """Which entries share statistics with the one at `place`, in the layout's shape."""
        numbers = group_numbers(norm, self.layout)
        same: NDArray[np.bool_] = numbers == numbers[self.layout.index(place)]
        return same

    def group_count(self, norm: str) -> int:
        return int(group_numbers(norm, self.layout).max()) + 1

    def group_name(self, norm: str, place: Place) -> str:
        """What one group stands for, with its coordinates: `token (b=1, t=2)`."""
        words, symbols = self.layout.words, self.layout.symbols
        at = {r: f"{symbols[r].lower()}={i}" for r, i in zip(SIZES, place, strict=True)}
        example, feature = (f"{words[r]} {at[r]}" for r in ("example", "feature"))
        width = SIZES["feature"] // GROUPS
        first = place[2] // width * width
        by_norm = {
            "BatchNorm": feature,
            "InstanceNorm": f"{example}, {feature}",
            "GroupNorm": f"{example}, {words['feature']}s {first} to {first + width - 1}",
        }
        if "position" in self.layout.layer_norm_shares:
            return by_norm.get(norm, example)
        return by_norm.get(norm, f"{words['position']} ({at['example']}, {at['position']})")

    def table(self) -> Table:
        """One row per norm: what it shares over, and how many groups of how many numbers."""
        total = int(np.prod(self.layout.shape))
        rows = []
        for norm in SHARING_NORMS:
            groups = self.group_count(norm)
            rows.append([norm, self._shared(norm), total // groups, groups, STATISTICS[norm]])
        return Table(("norm", "shares over", "numbers in a group", "groups", "statistics"), rows)

    def _shared(self, norm: str) -> str:
        shared = shared_roles(norm, self.layout)
        names = {role: symbol for role, symbol in self.layout.symbols.items() if role in shared}
        if norm == "GroupNorm":
            names["feature"] += f"/{GROUPS}"
        return ", ".join(names.values())
