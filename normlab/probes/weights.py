"""The gradients of the weights, layer by layer."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from normlab.models.transformer import Block, StackName, Transformer, TransformerConfig
from normlab.norms import FloatArray
from normlab.probes.batch import find_stack, last_stack, random_batch
from normlab.tools.table import Table

MATRICES = ("W_q", "W_k", "W_v", "W_o", "W_1", "W_2")


@dataclass(frozen=True)
class WeightGradients:
    """‖∂L/∂W‖_F of each weight matrix of one stack.

    Attributes:
        stack: "encoder" or "decoder".
        norms: (L,) by name: "W_q", "W_k", "W_v", "W_o" of self-attention, "W_1" and "W_2" of
            the FFN W_2 ReLU(W_1 x).
    """

    stack: StackName
    norms: Mapping[str, FloatArray]

    @property
    def feed_forward(self) -> FloatArray:
        """Of W_1 and W_2 as one vector (L,)."""
        return np.hypot(self.norms["W_1"], self.norms["W_2"])

    @property
    def last(self) -> float:
        """Of W_2 of the last layer: what Theorem 1 of Xiong et al. is about."""
        return float(self.norms["W_2"][-1])

    @property
    def last_to_first(self) -> float:
        """The FFN's gradient in the last layer over that in the first; great if it vanishes."""
        return float(self.feed_forward[-1] / self.feed_forward[0])

    def table(self) -> Table:
        """One row per layer."""
        columns = [self.norms[name].tolist() for name in MATRICES]
        rows = [[layer, *norms] for layer, norms in enumerate(zip(*columns, strict=True), start=1)]
        return Table((f"{self.stack} layer", *(f"∂L/∂{name}" for name in MATRICES)), rows)


def weight_gradients(
    config: TransformerConfig,
    seed: int,
    stack: StackName | None = None,
    sequences: int = 4,
    tokens: int = 16,
    device: torch.device | str = "cpu",
) -> WeightGradients:
    """The weight gradients of an untrained model; the loss is the mean cross-entropy.

    Args:
        config, seed: of the model; the same seed draws tokens and targets.
        stack: which one; by default the one that the output comes from.
        sequences, tokens, device: of `random_batch`.

    Source: Xiong et al. 2020, Theorem 1 and Figure 3, arXiv:2002.04745.

    Raises:
        ValueError: if the model has no such stack.

    Example:
        >>> config = TransformerConfig(encoder_layers=3, d_model=16, d_ff=16)
        >>> weight_gradients(config, seed=0).norms["W_2"].shape
        (3,)
    """
    model = Transformer(config, seed).to(device)
    name = stack or last_stack(config)
    blocks = find_stack(model, name).blocks
    torch.autograd.backward(random_batch(config, seed, sequences, tokens, device).loss(model))
    rows = np.array([_block_norms(block) for block in blocks])  # (L, 6)
    return WeightGradients(name, dict(zip(MATRICES, rows.T, strict=True)))


def _block_norms(block: Block) -> list[float]:
    attention, ffn = block.attention, block.feed_forward
    in_attention = [attention.query, attention.key, attention.value, attention.output]
    gradients = [linear.weight.grad for linear in (*in_attention, ffn.inner, ffn.outer)]
    return [float(g.norm()) if g is not None else 0.0 for g in gradients]
