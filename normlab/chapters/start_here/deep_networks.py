"""A deep transformer with layer norms and without: the size of its activations by layer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from normlab.norms import FloatArray
from normlab.probes import replaced_outputs, watched_inputs, watched_outputs
from normlab.training.config import TrainConfig
from normlab.training.run import Run

RowNorm: TypeAlias = Callable[..., FloatArray]
LAYERS = 24
NO_NORM, NORM, SMALL_WEIGHTS = "no norm", "layer norm", "no norm, weights ÷ 10"
NETWORKS: Mapping[str, Mapping[str, Any]] = {
    NO_NORM: {"placement": "none"},
    NORM: {"placement": "pre-norm"},
    SMALL_WEIGHTS: {"placement": "none", "init_scale": 0.1},
}
"""What each network is, where it differs from the others."""
BINS = np.linspace(-3, 7, 51)
"""Of log₁₀|x|, five for each factor of ten."""


@dataclass(frozen=True)
class LayerSizes:
    """How large the activations are before training, at layers 0 … L.

    Layer 0 is the input of the first layer, layer l the output of layer l.

    Attributes:
        shares: by network (L + 1, 50), the share of the numbers in each bin of log₁₀|x|.
        rms: by network (L + 1,), the root of their mean square.
    """

    shares: Mapping[str, FloatArray]
    rms: Mapping[str, FloatArray]


def network_config(name: str, layers: int = LAYERS, **changes: Any) -> TrainConfig:
    """The training run of one network; all are equal but for what `NETWORKS` says.

    >>> network_config("no norm").placement, network_config("layer norm").decoder_layers
    ('none', 24)
    """
    same = TrainConfig(task="successor", decoder_layers=layers, d_model=32, d_ff=128, steps=100)
    return replace(same, **NETWORKS[name], **changes)


def layer_sizes(
    layers: int = LAYERS,
    networks: Sequence[str] = tuple(NETWORKS),
    layer_norm: RowNorm | None = None,
) -> LayerSizes:
    """The activations of each network, on the first batch of its training.

    >>> layer_sizes(layers=2).rms["no norm"].shape
    (3,)
    """
    configs = {name: network_config(name, layers) for name in networks}
    streams = {name: initial_stream(config, layer_norm) for name, config in configs.items()}
    return LayerSizes(
        {name: np.array([_share(x) for x in stream]) for name, stream in streams.items()},
        {
            name: np.sqrt(np.square(stream).mean((1, 2, 3)))  # (L + 1, B, T, D) -> (L + 1,)
            for name, stream in streams.items()
        },
    )


def initial_stream(config: TrainConfig, layer_norm: RowNorm | None = None) -> FloatArray:
    """What goes into the first layer and comes out of each (L + 1, B, T, D), untrained.

    Args:
        config: of the network.
        layer_norm: layer_norm(x, gamma, beta, eps) in NumPy that computes in place of each of
            its layer norms.

    >>> initial_stream(network_config("layer norm", layers=2)).shape
    (3, 32, 16, 32)
    """
    run = Run(config, torch.device("cpu"))
    blocks: Any = run.model.decoder.blocks
    batch = run.task.batch(config.batch, config.seed, 0)
    norms = [m for m in run.model.modules() if layer_norm and isinstance(m, nn.LayerNorm)]
    with (
        torch.no_grad(),
        replaced_outputs(norms, partial(_in_numpy, layer_norm)),
        watched_inputs(blocks[:1]) as first,
        watched_outputs(blocks) as others,
    ):
        run.model(torch.tensor(batch.inputs))
    return torch.stack([*first, *others]).double().numpy()  # of (B, T, D)


def _in_numpy(layer_norm: Any, module: Any, x: Tensor) -> Tensor:
    """What a NumPy function makes of the input of a torch layer norm, with its gain and shift."""
    gamma, beta = (parameter.detach().numpy() for parameter in (module.weight, module.bias))
    return torch.from_numpy(layer_norm(x.numpy(), gamma, beta, module.eps))


def _share(x: FloatArray) -> FloatArray:
    """The share of the numbers in each bin; what lies beyond the bins is left out."""
    with np.errstate(divide="ignore"):
        counts, _ = np.histogram(np.log10(np.abs(x)), BINS)
    return counts / x.size
