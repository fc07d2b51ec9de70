"""How far the output moves when the weights do: by one training step, or by chance.

Changes may be a millionth of the output, so these probes compute in float64.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from normlab.models.transformer import Transformer, TransformerConfig
from normlab.probes.batch import Batch, random_batch, sublayer_weights
from normlab.tools.table import Table

Rule = Literal["sgd", "sign"]
RULES: dict[Rule, Callable[[Tensor], Tensor]] = {"sgd": lambda g: g, "sign": torch.sign}


@dataclass(frozen=True)
class OutputChange:
    """‖F(x; θ′) − F(x; θ)‖, where F is the output of the last stack, before the head.

    Attributes:
        absolute: the root mean square over tokens of the norm of a token's change.
        relative: ‖F(x; θ′) − F(x; θ)‖ / ‖F(x; θ)‖ over all tokens.
    """

    absolute: float
    relative: float

    def table(self) -> Table:
        """One row."""
        return Table(("‖ΔF‖ a token", "‖ΔF‖/‖F‖"), [[self.absolute, self.relative]])


@dataclass(frozen=True)
class ModelUpdate:
    """What one training step does to the output.

    Attributes:
        rule: "sgd" or "sign".
        learning_rate: of the step.
        change: of the output.
        weight_changes: ‖Δθ‖_F of each weight matrix, by its name in the model.
    """

    rule: Rule
    learning_rate: float
    change: OutputChange
    weight_changes: Mapping[str, float]

    def table(self) -> Table:
        """One row."""
        change = [self.change.absolute, self.change.relative]
        columns = ("step", "learning rate", "‖ΔF‖ a token", "‖ΔF‖/‖F‖")
        return Table(columns, [[self.rule, self.learning_rate, *change]])


def model_update(
    config: TransformerConfig,
    seed: int,
    rule: Rule = "sgd",
    learning_rate: float = 0.05,
    sequences: int = 4,
    tokens: int = 16,
    device: torch.device | str = "cpu",
) -> ModelUpdate:
    """Take one step from the initial weights, and measure how far the output moves.

    The loss is the mean cross-entropy at random targets. The step changes the weight matrices
    of the sub-layers, θ′ = θ − η g for "sgd" and θ′ = θ − η sign(g) for "sign", the first step
    of Adam; embeddings, head and norms stay. F is the output of the last stack for the same
    tokens, after the final norm where there is one.

    With a small η the change is proportional to η. With a greater one it ends near √2 for
    ‖ΔF‖/‖F‖, where the old and the new output have nothing in common; a slope over depths that
    reach that end is too small.

    Args:
        config, seed: of the model; the same seed draws tokens and targets.
        rule, learning_rate: of the step.
        sequences, tokens, device: of `random_batch`.

    Source: Wang et al. 2022 (DeepNet), §4.2 and §4.3, arXiv:2203.00555.

    Raises:
        ValueError: if the rule is unknown or the learning rate is not above 0.

    Example:
        >>> config = TransformerConfig(encoder_layers=2, placement="deepnorm", d_model=16)
        >>> model_update(config, seed=0).change.relative < 0.1
        True
    """
    if rule not in RULES or not learning_rate > 0:
        raise ValueError(
            f"got rule {rule!r} and learning rate {learning_rate}; "
            f"expected {' or '.join(map(repr, RULES))}, and a rate above 0."
        )
    model = Transformer(config, seed).to(device).double()
    batch = random_batch(config, seed, sequences, tokens, device)
    weights = sublayer_weights(model)
    gradients = torch.autograd.grad(batch.loss(model), list(weights.values()))
    deltas = {
        name: -learning_rate * RULES[rule](g) for name, g in zip(weights, gradients, strict=True)
    }
    norms = {name: delta.norm().item() for name, delta in deltas.items()}
    return ModelUpdate(rule, learning_rate, _move(model, batch, deltas), norms)


def perturb_weights(
    config: TransformerConfig,
    seed: int,
    size: float = 0.01,
    sequences: int = 4,
    tokens: int = 16,
    device: torch.device | str = "cpu",
) -> OutputChange:
    """Move every weight matrix by random noise of `size` times its own norm.

    Each entry gets independent N(0, s²), with s = size · ‖W‖_F/√(entries). Theory for the
    variance of the change: O(L) with post-norm, O(ln L) with pre-norm, so that the norms
    measured here go with their square roots.

    Source: Liu et al. 2020 (Admin), Theorem 2, arXiv:2004.08249.

    Example:
        >>> config = TransformerConfig(encoder_layers=2, placement="pre-norm", d_model=16)
        >>> perturb_weights(config, seed=0, size=0.0).relative
        0.0
    """
    model = Transformer(config, seed).to(device).double()
    rng = torch.Generator().manual_seed(seed)
    deltas = {}
    for name, weight in sublayer_weights(model).items():
        noise = torch.randn(weight.shape, generator=rng).to(weight)
        deltas[name] = size * noise * weight.detach().square().mean().sqrt()
    return _move(model, random_batch(config, seed, sequences, tokens, device), deltas)


@torch.no_grad()
def _move(model: Transformer, batch: Batch, deltas: Mapping[str, Tensor]) -> OutputChange:
    """Add `deltas` to the weights and compare the output with what it was."""
    before = _output(model, batch)
    weights = sublayer_weights(model)
    for name, delta in deltas.items():
        weights[name] += delta
    change = (_output(model, batch) - before).norm(dim=2)  # (B, T, D) -> (B, T)
    scale = before.norm().item()
    return OutputChange(change.square().mean().sqrt().item(), change.norm().item() / scale)


def _output(model: Transformer, batch: Batch) -> Tensor:
    """What goes into the head: (B, T, D)."""
    seen: list[Tensor] = []
    handle = model.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(batch.tokens, batch.source)
    handle.remove()
    return seen[0]
