"""DeepNorm's α and β: one rule for the NumPy stack, the model and the exercises."""

from typing import Literal, TypeAlias

Constants: TypeAlias = tuple[float, float]


def deepnorm_constants(
    encoder_layers: int, decoder_layers: int
) -> dict[Literal["encoder", "decoder"], Constants | None]:
    """DeepNorm's (α, β) for each stack of a model; None for a stack that the model has not.

    With N encoder and M decoder layers:

    | model                       | α               | β                |
    |-----------------------------|-----------------|------------------|
    | encoder-only                | (2N)^¼          | (8N)^−¼          |
    | decoder-only                | (2M)^¼          | (8M)^−¼          |
    | encoder–decoder: encoder    | 0.81 (N⁴M)^1/16 | 0.87 (N⁴M)^−1/16 |
    | encoder–decoder: decoder    | (3M)^¼          | (12M)^−¼         |

    Source: Wang et al. 2022, Figure 2, arXiv:2203.00555.

    Raises:
        ValueError: if a count is negative, or both are 0.

    Example:
        >>> alpha, beta = deepnorm_constants(12, 0)["encoder"]
        >>> round(alpha, 3), round(beta, 4)
        (2.213, 0.3195)
    """
    if min(encoder_layers, decoder_layers) < 0 or encoder_layers + decoder_layers == 0:
        raise ValueError(
            f"got {encoder_layers} encoder and {decoder_layers} decoder layers; "
            "expected counts of at least 0, and one of them above 0."
        )
    if not decoder_layers:
        return {"encoder": _single_stack(encoder_layers), "decoder": None}
    if not encoder_layers:
        return {"encoder": None, "decoder": _single_stack(decoder_layers)}
    mixed = (encoder_layers**4 * decoder_layers) ** (1 / 16)
    return {
        "encoder": (0.81 * mixed, 0.87 / mixed),
        "decoder": ((3 * decoder_layers) ** 0.25, (12 * decoder_layers) ** -0.25),
    }


def _single_stack(layers: int) -> Constants:
    return (2 * layers) ** 0.25, (8 * layers) ** -0.25
