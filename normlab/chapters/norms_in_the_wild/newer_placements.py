"""What newer placements and stand-ins for norms do to an untrained model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from normlab.chapters.residual_placement.stream import StreamGrowth, stream_growth
from normlab.models.placement.base import Placement
from normlab.models.transformer import TransformerConfig
from normlab.norms import FloatArray
from normlab.norms import layer_norm as norm
from normlab.probes.depth import profile_depth
from normlab.tools.table import Table
from normlab.torch_norms import layer_norm

D_MODEL, D_FF = 32, 128
"""Of every model that this chapter measures, trained or not."""


def divided_growth(pre_norm: StreamGrowth) -> FloatArray:
    """‖x_l‖²/D if each layer k of a pre-norm stream had added only 1/k of what it adds (L + 1,).

    Formula: v_0 + Σ_{k ≤ l} (v_k − v_{k−1})/k, where v is the pre-norm stream's mean square. This
    is what LayerNorm Scaling should give: with its norm times 1/√k a branch adds 1/k of its
    variance. (An FFN of ReLUs is linear in scale, and so is attention's output in its values.)

    Example:
        >>> from dataclasses import replace
        >>> growth = stream_growth("pre-norm", layers=2, d_model=8, seed=0)
        >>> divided_growth(replace(growth, mean_square=np.array([1.0, 2.0, 4.0]))).tolist()
        [1.0, 2.0, 3.0]
    """
    v = pre_norm.mean_square
    return v[0] + np.cumsum(np.concatenate([[0.0], np.diff(v) / np.arange(1, len(v))]))


@dataclass(frozen=True)
class PlacementSurvey:
    """One untrained encoder per placement, each attribute a mean over seeds (P,).

    Attributes:
        names: of the placements.
        mean_square: ‖x_L‖²/D in front of the final norm.
        last_change: ‖x_L − x_{L−1}‖/‖x_{L−1}‖ of the last block.
        gradient_ratio: ‖∂L/∂x_0‖ over ‖∂L/∂x_L‖, the input's over the output's.
        token_cosine: the mean cosine of two tokens at the end; 1 is rank collapse.
    """

    names: tuple[str, ...]
    mean_square: FloatArray
    last_change: FloatArray
    gradient_ratio: FloatArray
    token_cosine: FloatArray

    def table(self) -> Table:
        """One row per placement."""
        columns = ("placement", "‖x_L‖²/D", "change by the last block", "gradient, input/output")
        numbers = (self.mean_square, self.last_change, self.gradient_ratio, self.token_cosine)
        rows = [
            [name, *(f"{value:.2g}" for value in values)]
            for name, *values in zip(self.names, *numbers, strict=True)
        ]
        return Table((*columns, "token cosine"), rows)


def survey_placements(
    placements: Mapping[str, str | type[Placement]],
    layers: int = 24,
    seeds: Sequence[int] = range(20),
) -> PlacementSurvey:
    """Measure encoders of width 32 with LayerNorm and Xavier weights, before any training.

    Args:
        placements: by the name to show; a name of the course, or a class.
        layers, seeds: of the models.

    Example:
        >>> survey = survey_placements({"post-norm": "post-norm"}, layers=2, seeds=[0])
        >>> round(float(survey.mean_square[0]), 3)
        1.0
    """
    measured = np.array(
        [[_survey(p, layers, seed) for seed in seeds] for p in placements.values()]
    ).mean(1)  # (P, S, 4) -> (P, 4)
    return PlacementSurvey(tuple(placements), *measured.T)


def _survey(placement: Any, layers: int, seed: int) -> tuple[float, ...]:
    config = TransformerConfig(
        encoder_layers=layers, placement=placement, d_model=D_MODEL, d_ff=D_FF
    )
    profile = profile_depth(config, seed)
    growth = stream_growth(placement, layers=layers, d_model=config.d_model, seed=seed)
    return (
        float(profile.mean_square[-1]),
        float(growth.change[-1]),
        float(profile.gradient[0] / profile.gradient[-1]),
        float(profile.token_cosine[-1]),
    )


@dataclass(frozen=True)
class ScaleResponse:
    """The root mean square of what a layer returns, by the scale of its input (N,)."""

    scales: tuple[float, ...]
    size: dict[str, FloatArray]

    def table(self) -> Table:
        """One row per scale."""
        rows = [
            [f"{scale:g}", *(f"{values[i]:.3g}" for values in self.size.values())]
            for i, scale in enumerate(self.scales)
        ]
        return Table(("input ×", *self.size), rows)


def scale_response(scales: Sequence[float], layers: Mapping[str, nn.Module]) -> ScaleResponse:
    """Feed s·x to layers, where x (64, 256) is N(0, 1).

    Example:
        >>> response = scale_response([1.0, 100.0], {"RMSNorm": nn.RMSNorm(256)})
        >>> response.size["RMSNorm"].round(3).tolist()
        [1.0, 1.0]
    """
    x = torch.randn(64, 256, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        sizes = {
            name: np.array([layer(s * x).square().mean().sqrt().item() for s in scales])
            for name, layer in layers.items()
        }
    return ScaleResponse(tuple(scales), sizes)


def two_loops(layers: int = 12, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """GLM-130B's loop with a norm behind it, and DeepNorm's, with the same three branches (4, 16).

    Formula: n = norm(x), x = αn + f(n) beside x = norm(αx + f(x)), with α = √(2L).

    Source: Zeng et al. 2022 (GLM-130B), §2.1, arXiv:2210.02414; the authors' code:
    THUDM/SwissArmyTransformer.

    Example:
        >>> one, other = two_loops()
        >>> bool(abs(one - other).max() < 1e-12)
        True
    """
    glm = np.random.default_rng(seed).standard_normal((4, 16))
    deepnorm, alpha = norm(glm), (2 * layers) ** 0.5
    for f in (np.sin, np.cos, np.tanh):
        n = norm(glm)
        glm = alpha * n + f(n)
        deepnorm = norm(alpha * deepnorm + f(deepnorm))
    return norm(glm), deepnorm


def cogview_norm(x: Tensor, eps: float = 1e-5) -> Tensor:
    """LN(x/(max|x|/8)), where the maximum is over the whole tensor.

    The squares of what is normed are at most 64, so float16 does not overflow in them. The
    scale divides out again, but for ε.

    Args:
        x: (..., D).

    Source: Ding et al. 2021 (CogView), §2.4, arXiv:2105.13290; the authors' code:
    THUDM/CogView, `mpu/sparse_transformer.py`.

    Example:
        >>> cogview_norm(torch.tensor([[30000.0, -30000.0]], dtype=torch.float16)).tolist()
        [[1.0, -1.0]]
    """
    return layer_norm(x / (x.abs().max() / 8), x.shape[-1], eps=eps)
