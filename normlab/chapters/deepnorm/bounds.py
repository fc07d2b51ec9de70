"""One training step, and the sum of Theorem 4.2 beside what it does."""

from dataclasses import dataclass

import numpy as np
import torch

from normlab.models.placement.base import Placement, Site, TensorMap
from normlab.models.transformer import Transformer, TransformerConfig
from normlab.probes import ModelUpdate, Rule, model_update
from normlab.probes.depth import summed
from normlab.tools.table import Table


@dataclass(frozen=True)
class BoundedUpdate:
    """One step's change of the output, and the sum of Theorem 4.2 for the same step.

    The sum is 2N · effect · moved, a product of what the weights do to the output and of how far
    the step moves them.

    Attributes:
        update: what was measured.
        bound: Σ √(v² + w²)/α · ‖Δθ‖ over the sub-layers; to compare with ‖ΔF‖/‖F‖. nan for
            placements that are not of the form norm(αx + f(x)).
        effect: √(v² + w²)/α, the mean over the sub-layers; nan as above.
        moved: ‖Δθ‖ of a sub-layer, the mean weighted with √(v² + w²).
    """

    update: ModelUpdate
    bound: float
    effect: float
    moved: float

    def table(self) -> Table:
        """One row."""
        columns = ("‖ΔF‖/‖F‖", "sum of Theorem 4.2", "√(v² + w²)/α", "‖Δθ‖")
        row = [self.update.change.relative, self.bound, self.effect, self.moved]
        return Table(columns, [row])


def bounded_update(
    config: TransformerConfig, seed: int, rule: Rule = "sgd", learning_rate: float = 0.05
) -> BoundedUpdate:
    """`normlab.probes.model_update`, and Theorem 4.2's bound beside it, for one stack.

    The theorem has one feature, so v and w are numbers there. Here they are the largest singular
    values of W_v and W_o, or of W_1 and W_2, and Δθ is the change of both as one vector: then
    each term bounds what its own sub-layer changes. That later layers do not enlarge it is an
    assumption of the theorem; where it fails, the measured change may exceed the sum.

    Source: Wang et al. 2022, Theorem 4.2, arXiv:2203.00555.

    Example:
        >>> config = TransformerConfig(encoder_layers=4, placement="deepnorm", d_model=16)
        >>> step = bounded_update(config, seed=0)
        >>> step.update.change.relative < step.bound
        True
    """
    update = model_update(config, seed, rule, learning_rate)
    weights = dict(Transformer(config, seed).named_parameters())
    sizes, moves = [], []
    for name, change in update.weight_changes.items():
        pair = {"value": "output", "inner": "outer"}.get(name.split(".")[-2])
        if pair is not None:
            other = name.replace(name.split(".")[-2], pair)
            vw = [torch.linalg.matrix_norm(weights[n].detach(), 2).item() for n in (name, other)]
            sizes.append(np.hypot(*vw))
            moves.append(np.hypot(change, update.weight_changes[other]))
    effects = np.array(sizes) / shortcut_gain(config)  # (S,), one for each sub-layer
    bound = effects @ np.array(moves)  # (S,) -> ()
    weighted = np.average(moves, weights=sizes)  # (S,) -> ()
    return BoundedUpdate(update, float(bound), float(effects.mean()), float(weighted))


def shortcut_gain(config: TransformerConfig) -> float:
    """α of norm(αx + f(x)), read off the code that runs: how much more x counts than f(x).

    nan if there is no norm behind the sum.

    Example:
        >>> shortcut_gain(TransformerConfig(encoder_layers=8, placement="deepnorm"))
        2.0
    """
    site: Site = config.site("encoder" if config.encoder_layers else "decoder", 1)
    placement: Placement = config.placement_class()(site)
    x, f = torch.eye(2, site.d_model).double().unsqueeze(1)  # (2, D) -> (2, 1, D) -> (1, D) twice
    norms: list[TensorMap] = [torch.zeros_like for _ in placement.site_parts[0]]
    if placement.step(x, lambda z: f, *norms).any():
        return float("nan")
    total = summed(placement.step, x, lambda z: f, tuple(norms))
    return float(total[0, 0] / total[0, 1])
