"""How much of the stream comes from which branch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from normlab.chapters.deepnorm.one_step import study_config, variant_name
from normlab.models.placement.base import TensorMap
from normlab.models.placement.deepnorm_variants import DEEPNORM_VARIANTS
from normlab.models.transformer import Transformer, TransformerConfig
from normlab.norms import FloatArray
from normlab.probes import random_batch
from normlab.tools.table import Table

Step = Callable[..., Tensor]


@dataclass(frozen=True)
class BranchShares:
    """The stream after each of S sub-layers, split into what it is the sum of.

    Attributes:
        shares: (S, S + 1) by name of the model. Row i is after sub-layer i + 1; column 0 is the
            stack's input, column j the branch of sub-layer j. A row adds up to 1.
    """

    shares: Mapping[str, FloatArray]

    def table(self) -> Table:
        """One row for each model: what of its output is the input's, the first and last layer's."""
        rows = []
        for name, shares in self.shares.items():
            output = shares[-1]  # (S, S + 1) -> (S + 1,)
            parts = output[0], output[1:3].sum(), output[-2:].sum()
            rows.append([name, *(f"{part:.2f}" for part in parts)])
        return Table(("share of the output", "input", "first layer", "last layer"), rows)


def branch_shares(config: TransformerConfig, seeds: Sequence[int]) -> FloatArray:
    """Split an untrained encoder's stream x into contributions c_j, and measure ⟨c_j, x⟩/‖x‖².

    Given the σ of each token, a LayerNorm without its shift is linear, so x = Σ_j c_j exactly: what
    a norm does to x, centring and 1/σ, it does to every c_j. These shares add up to 1, since
    Σ_j ⟨c_j, x⟩ = ‖x‖², where the ‖c_j‖²/‖x‖² do so only if no two contributions have anything in
    common. Each sequence has one token, so that attention does not average its branch away.

    Source: the picture is Liu et al. 2020 (Admin), Figure 4 and §4.1, arXiv:2004.08249.

    Returns:
        (S, S + 1): the mean over 64 tokens of each seed. See `BranchShares.shares`.

    Example:
        >>> config = TransformerConfig(encoder_layers=1, placement="post-norm", init="xiong")
        >>> branch_shares(config, seeds=range(4)).round(1)
        array([[0.5, 0.5, 0. ],
               [0.3, 0.3, 0.3]])
    """
    return np.mean([_shares(config, seed) for seed in seeds], axis=0)  # (seeds, S, S + 1)


@torch.no_grad()
def _shares(config: TransformerConfig, seed: int) -> FloatArray:
    model = Transformer(config, seed).double()
    x = model.embed(random_batch(config, seed, sequences=64, tokens=1).tokens)
    contributions = x.unsqueeze(0)  # (B, T, D) -> (1, B, T, D)
    rows = np.zeros((2 * config.encoder_layers, 2 * config.encoder_layers + 1))
    row = iter(rows)
    for block in model.encoder.blocks:
        sublayers = block.attention, block.feed_forward
        for f, (norm,) in zip(sublayers, block.placement.site_parts, strict=True):
            x, contributions = split_step(block.placement.step, x, contributions, f, norm)
            share = (contributions * x).sum(3) / x.square().sum(2)  # (J, B, T, D) -> (J, B, T)
            next(row)[: len(share)] = share.mean((1, 2)).numpy()  # (J, B, T) -> (J,)
    return rows


def split_step(
    step: Step, x: Tensor, contributions: Tensor, f: TensorMap, norm: TensorMap
) -> tuple[Tensor, Tensor]:
    """One sub-layer for the stream x (B, T, D), and for the contributions that it is the sum of.

    Args:
        step: of a placement with one norm in a sub-layer.
        contributions: (J, B, T, D).

    Returns:
        The new x, and (J + 1, B, T, D); the last contribution is the branch's.
    """
    branches: list[Tensor] = []
    sigmas: list[Tensor] = []

    def kept(z: Tensor) -> Tensor:
        branches.append(f(z))
        return branches[-1]

    def spied(z: Tensor) -> Tensor:
        sigmas.append(
            (z.var(2, correction=0, keepdim=True) + 1e-5).sqrt()
        )  # (B, T, D) -> (B, T, 1)
        return norm(z)

    def linear(z: Tensor) -> Tensor:
        return (z - z.mean(-1, keepdim=True)) / sigmas[0]  # (…, D) -> (…, 1)

    new = step(x, kept, spied)
    old = step(contributions, torch.zeros_like, linear)
    branch = step(torch.zeros_like(x), lambda _: branches[0], linear)
    return new, torch.cat([old, branch.unsqueeze(0)])


def split_streams(variants: Sequence[str], layers: int = 6, seeds: int = 6) -> BranchShares:
    """`branch_shares` for variants of DeepNorm in the weights of Xiong et al.: D = 64.

    There attention multiplies mean squares by κ = 1, and the FFN by κ = ½, before β_w.
    """
    config = replace(study_config("post-norm", layers), init="xiong", d_model=64, d_ff=256)
    return BranchShares(
        {
            variant_name(name): branch_shares(
                replace(config, placement=DEEPNORM_VARIANTS[name]), range(seeds)
            )
            for name in variants
        }
    )
