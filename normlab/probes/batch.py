"""What every probe starts from: a model, random tokens, and a loss."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from normlab.models.transformer import StackName, Transformer, TransformerConfig


@dataclass(frozen=True)
class Batch:
    """Random sequences, and random targets for them.

    Attributes:
        tokens: (B, T), what goes into the model; into the decoder, if there are two stacks.
        targets: (B, T), what it should say.
        source: (B, T), what goes into the encoder of a model with two stacks, else None.
    """

    tokens: Tensor
    targets: Tensor
    source: Tensor | None

    def loss(self, model: Transformer) -> Tensor:
        """Cross-entropy, the mean over all tokens."""
        logits = model(self.tokens, self.source)
        return F.cross_entropy(logits.flatten(0, 1), self.targets.flatten())  # (B, T, V) -> ()


def random_batch(
    config: TransformerConfig,
    seed: int,
    sequences: int = 4,
    tokens: int = 16,
    device: torch.device | str = "cpu",
) -> Batch:
    """`sequences` sequences of `tokens` tokens, each drawn evenly from the vocabulary.

    Example:
        >>> random_batch(TransformerConfig(encoder_layers=1), seed=0).tokens.shape
        torch.Size([4, 16])
    """
    rng = np.random.default_rng(seed)
    drawn = rng.integers(config.vocab_size, size=(3, sequences, tokens))
    rows = torch.from_numpy(drawn).to(device)
    return Batch(rows[0], rows[1], rows[2] if config.encoder_decoder else None)


def at_depth(config: TransformerConfig, layers: int) -> TransformerConfig:
    """The same model with `layers` layers in each stack that it has.

    Example:
        >>> at_depth(TransformerConfig(decoder_layers=2), 12).decoder_layers
        12
    """
    return replace(
        config,
        encoder_layers=layers if config.encoder_layers else 0,
        decoder_layers=layers if config.decoder_layers else 0,
    )


def last_stack(config: TransformerConfig) -> StackName:
    """The stack that the model's output comes from."""
    return "decoder" if config.decoder_layers else "encoder"


def find_stack(model: Transformer, name: StackName) -> Any:
    """A stack of the model.

    Raises:
        ValueError: if the model has no such stack.
    """
    if getattr(model.config, f"{name}_layers") == 0:
        raise ValueError(
            f"stack is {name!r}, but the model has none; give it {name}_layers, "
            f"or ask for {last_stack(model.config)!r}."
        )
    return getattr(model, name)


def sublayer_weights(model: Transformer) -> dict[str, Tensor]:
    """The weight matrices of all sub-layers by name; no norm, gate, embedding or head."""
    return {
        name: weight
        for name, weight in model.named_parameters()
        if any(part in name for part in ("attention.", "feed_forward.")) and weight.ndim == 2
    }
