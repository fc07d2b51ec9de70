"""Signal, gradient, branches and tokens along the residual stream."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from normlab.models.placement.base import TensorMap
from normlab.models.transformer import Block, StackName, Transformer, TransformerConfig
from normlab.norms import FloatArray
from normlab.probes.batch import find_stack, last_stack, random_batch
from normlab.tools.table import Table


@dataclass(frozen=True)
class DepthProfile:
    """One stack, sub-layer by sub-layer. P places: the stack's input, then after each sub-layer.

    B2T and the parallel block do not wire their sub-layers one by one; there a place is a block.

    Attributes:
        stack: "encoder" or "decoder".
        layers: how many layers lie below each place (P,); 0.5 is after a layer's attention.
        mean_square: ‖x_l‖²/d, the mean over tokens (P,).
        gradient: ‖∂L/∂x_l‖ over all tokens (P,), where L is the mean cross-entropy.
        token_cosine: the mean cosine between two tokens of one sequence (P,); 1 is rank
            collapse. nan for sequences of one token.
        sum_mean_square: ‖·‖²/d of the sum of shortcut and branch (P − 1,); with post-norm and
            DeepNorm that is the input of the norm, elsewhere it is x_{l+1}. Empty for blocks.
        branch_ratio: ‖branch‖ / ‖shortcut‖ of that sum (P − 1,). Empty for blocks.
    """

    stack: StackName
    layers: FloatArray
    mean_square: FloatArray
    gradient: FloatArray
    token_cosine: FloatArray
    sum_mean_square: FloatArray
    branch_ratio: FloatArray

    def after(self, layer: float) -> int:
        """Where the place after so many layers stands in the arrays.

        Raises:
            ValueError: if it is no place.
        """
        found = np.flatnonzero(np.isclose(self.layers, layer))
        if not found.size:
            raise ValueError(f"after layer {layer}? The places are {self.layers.tolist()}.")
        return int(found[0])

    def table(self) -> Table:
        """One row per place."""
        ratios = np.full(len(self.layers), np.nan)
        ratios[1 : 1 + len(self.branch_ratio)] = self.branch_ratio
        columns = (self.layers, self.mean_square, self.gradient, self.token_cosine, ratios)
        names = ("layers below", "‖x‖²/d", "‖∂L/∂x‖", "token cosine", "branch/shortcut")
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return Table(names, [list(row) for row in rows])


def profile_depth(
    config: TransformerConfig,
    seed: int,
    stack: StackName | None = None,
    sequences: int = 4,
    tokens: int = 16,
    device: torch.device | str = "cpu",
) -> DepthProfile:
    """Run an untrained model forward and backward once, and watch one stack.

    Args:
        config, seed: of the model; the same seed draws tokens and targets.
        stack: which one; by default the one that the output comes from.
        sequences, tokens, device: of `random_batch`.

    Raises:
        ValueError: if the model has no such stack, or several residual streams.

    Example:
        >>> config = TransformerConfig(encoder_layers=2, placement="post-norm", d_model=32)
        >>> profile = profile_depth(config, seed=0)
        >>> profile.layers.tolist(), round(float(profile.mean_square[-1]), 3)
        ([0.0, 0.5, 1.0, 1.5, 2.0], 1.0)
    """
    placement = config.placement_class()
    if placement.streams > 1:
        raise ValueError(
            f"{placement.__name__} has {placement.streams} residual streams; expected a placement "
            "of one, which can be followed."
        )
    model = Transformer(config, seed).to(device)
    name = stack or last_stack(config)
    recorder = Recorder()
    for layer, block in enumerate(find_stack(model, name).blocks, start=1):
        recorder.watch(block, layer)
    torch.autograd.backward(random_batch(config, seed, sequences, tokens, device).loss(model))
    streams = recorder.streams
    return DepthProfile(
        name,
        np.array(recorder.layers),
        np.array([x.detach().square().mean().item() for x in streams]),  # (B, T, D) -> ()
        np.array([x.grad.norm().item() for x in streams if x.grad is not None]),
        np.array([token_cosine(x.detach()) for x in streams]),
        np.array(recorder.sum_mean_square),
        np.array(recorder.branch_ratio),
    )


def token_cosine(x: Tensor) -> float:
    """The mean cosine between two different tokens of one sequence, x (B, T, D).

    >>> token_cosine(torch.tensor([[[1.0, 0.0], [0.0, 2.0], [0.0, 3.0]]]))  # of 0, 0 and 1
    0.3333333432674408
    """
    unit = torch.nn.functional.normalize(x, dim=2)
    together = unit.sum(1).square().sum(1)  # (B, T, D) -> (B, D) -> (B,)
    tokens = x.shape[1]
    return ((together - tokens) / torch.tensor(tokens * (tokens - 1.0))).mean().item()


class Recorder:
    """Writes down the stream of the blocks that it watches, while the model runs."""

    def __init__(self) -> None:
        self.layers: list[float] = []
        self.streams: list[Tensor] = []
        self.sum_mean_square: list[float] = []
        self.branch_ratio: list[float] = []

    def watch(self, block: Block, layer: int) -> None:
        """Call it for each block, before the model runs. The first is layer 1."""
        placement = block.placement
        share = 1 / len(placement.site_parts)
        vars(placement)["step"] = partial(self._step, placement.step, share)  # of this block
        block.register_forward_pre_hook(lambda _, inputs: self._enter(inputs[0]))
        block.register_forward_hook(lambda _, inputs, output: self._leave(output, layer))

    def _enter(self, x: Tensor) -> None:
        if not self.streams:
            self._add(x, 0.0)

    def _leave(self, x: Tensor, layer: float) -> None:
        if x is self.streams[-1]:
            self.layers[-1] = layer  # a third and a third and a third is a whole
        else:
            self._add(x, layer)

    def _add(self, x: Tensor, layers: float) -> None:
        x.retain_grad()
        self.streams.append(x)
        self.layers.append(layers)

    def _step(
        self, step: Callable[..., Tensor], share: float, x: Tensor, f: TensorMap, *parts: TensorMap
    ) -> Tensor:
        branches: list[Tensor] = []

        def kept(z: Tensor) -> Tensor:
            branches.append(f(z))
            return branches[-1]

        output = step(x, kept, *parts)
        with torch.no_grad():
            total = summed(step, x, lambda z: branches[0], parts)
            shortcut = summed(step, x, torch.zeros_like, parts)
        self.sum_mean_square.append(total.square().mean().item())
        self.branch_ratio.append(((total - shortcut).norm() / shortcut.norm()).item())
        self._add(output, self.layers[-1] + share)
        return output


def summed(
    step: Callable[..., Tensor], x: Tensor, f: TensorMap, parts: tuple[TensorMap, ...]
) -> Tensor:
    """The sum of shortcut and branch: the input of a norm that ends the step, else its output."""
    passed: list[tuple[Tensor, Tensor]] = []

    def spy(part: TensorMap, z: Tensor) -> Tensor:
        passed.append((z, part(z)))
        return passed[-1][1]

    output = step(x, f, *(partial(spy, part) for part in parts))
    return passed[-1][0] if passed and passed[-1][1] is output else output
