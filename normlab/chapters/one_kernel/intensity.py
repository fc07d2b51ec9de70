"""How many operations a norm does for each byte that it has to move."""

from dataclasses import dataclass

from normlab.chapters.rms_norm.cost import norm_cost
from normlab.pictures.style import NORM_COLORS, NORM_MARKERS, ORANGE


@dataclass(frozen=True)
class Mark:
    """Work by its operations for each byte, as a picture shows it; the backward pass hollow."""

    name: str
    intensity: float
    color: str
    marker: str
    hollow: bool = False


def norm_intensity(norm: str, direction: str, item_bytes: int) -> float:
    """Operations for each byte of a norm in one kernel; what is done once a row is left out.

    Formula: flops for an element / (elements moved for it · bytes of each)

    >>> norm_intensity("LayerNorm", "forward", item_bytes=4)
    0.875
    """
    cost = norm_cost(norm, direction)
    return cost.flops / (cost.fused_elements * item_bytes)


def product_intensity(features: int, item_bytes: int) -> float:
    """The same of the product of two (D, D) matrices, each of which is moved once.

    Formula: 2 D³ / (3 D² · bytes of each)

    >>> round(product_intensity(4096, item_bytes=4))
    683
    """
    return 2 * features**3 / (3 * features**2 * item_bytes)


def marks(item_bytes: int) -> tuple[Mark, ...]:
    """The norms, forward and backward, and beside them a product of float32 matrices, D = 4096."""
    norms = [
        Mark(
            f"{norm} {direction}",
            norm_intensity(norm, direction, item_bytes),
            NORM_COLORS[norm],
            NORM_MARKERS[norm],
            hollow=direction == "backward",
        )
        for norm in ("LayerNorm", "RMSNorm")
        for direction in ("forward", "backward")
    ]
    product = Mark("float32 matrices, D = 4096", product_intensity(4096, 4), ORANGE, "s")
    return (*norms, product)
