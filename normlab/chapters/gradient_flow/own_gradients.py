"""The gradient at each layer of untrained encoders, as a function of the learner's measures it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from normlab.models.transformer import Transformer, TransformerConfig
from normlab.norms import FloatArray
from normlab.probes import DepthSweep, random_batch, sweep_depths

Measure = Callable[[list[nn.Module], Tensor, Callable[[Tensor], Tensor]], FloatArray]
"""layer_gradient_norms(blocks, x, loss_fn) -> (L + 1,)."""
LAYERS, DEPTHS, SEEDS = 12, (2, 4, 8, 16, 32), (0, 1, 2)
PLACEMENTS = ("post-norm", "pre-norm", "deepnorm")


@dataclass(frozen=True)
class OwnGradients:
    """What was measured.

    Attributes:
        by_layer: by placement (L + 1,), the gradient at x_0 … x_L of one model of 12 layers.
        by_depth: the gradient at the input of the last layer, by the depth of the model, with
            the learner's slope.
    """

    by_layer: Mapping[str, FloatArray]
    by_depth: DepthSweep


def layer_gradients(measure: Measure, placement: str, layers: int, seed: int) -> FloatArray:
    """‖∂ℒ/∂x_l‖ (L + 1,) of an encoder with Xiong et al.'s weights, on 16 sequences of one token.

    The loss is ⟨c, y⟩ with the output y behind the final norm, if there is one, and a random c of
    length 1.

    >>> layer_gradients(lambda blocks, x, loss_fn: len(blocks), "post-norm", layers=2, seed=0)
    2
    """
    config = TransformerConfig(
        encoder_layers=layers,
        placement=placement,
        init="xiong",
        d_model=128,
        d_ff=128,
        heads=1,
        max_tokens=1,
    )
    model = Transformer(config, seed).double()
    x = model.embed(random_batch(config, seed, sequences=16, tokens=1).tokens).detach()
    draw = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed), dtype=x.dtype)
    direction = draw / draw.norm()

    def loss(y: Tensor) -> Tensor:
        return (direction * model.encoder.final_norm(y)).sum()  # (B, T, D) -> ()

    return measure(list(model.encoder.blocks), x, loss)


def own_gradients(
    layer_gradient_norms: Measure, loglog_slope: Callable[[FloatArray, FloatArray], float]
) -> OwnGradients:
    """Post-norm, pre-norm and DeepNorm, by layer and by depth."""
    measure = partial(layer_gradients, layer_gradient_norms)

    def into_last(placement: str, layers: int, seed: int) -> float:
        return float(measure(placement, layers, seed)[-2])

    return OwnGradients(
        {placement: measure(placement, LAYERS, seed=0) for placement in PLACEMENTS},
        sweep_depths(
            {placement: partial(into_last, placement) for placement in PLACEMENTS},
            DEPTHS,
            SEEDS,
            fit=loglog_slope,
        ),
    )
