"""The stored gradients of chapter 06: by depth and seed, in stacks and in encoder–decoders.

`normlab remake gradient_sweeps` makes them again, in a few minutes on one core.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from normlab.models.placement.base import Gains, Placement, Site
from normlab.models.placement.standard import PostNorm
from normlab.models.stack import StackSetting, stack_profile
from normlab.models.transformer import TransformerConfig
from normlab.probes import DepthSweep, sweep_depths, weight_gradients
from normlab.tools.stored_rows import joined, read_rows, split, write_rows
from normlab.tools.timing import one_thread

STORED = Path(__file__).with_name("gradient_sweeps.csv")
SEEDS, MANY_SEEDS = range(12), range(160)
LAST_LAYER, LAST_TO_FIRST, AT_INPUT = "last layer", "last over first", "at the input"


class PackedPostNorm(PostNorm):
    """W_v as nn.MultiheadAttention draws it: Xavier for W_q, W_k and W_v as one (3D, D) matrix."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.gains = Gains(value=0.5**0.5)


def last_gradient(placement: str, tokens: int, layers: int, seed: int) -> float:
    """‖∂ℒ/∂W_2‖_F of the last layer, for ℒ = ⟨c, y⟩ with ‖c‖ ≈ 1.

    16 tokens in all, D = d_ff = 128, one head, Xiong et al.'s weights.

    Source: Xiong et al. 2020, Theorem 1, arXiv:2002.04745.

    >>> 5 < last_gradient("post-norm", 16, layers=2, seed=0) < 8  # theory: 8/√1.5 = 6.5
    True
    """
    setting = StackSetting(
        placement, "layer_norm", "xiong", d_model=128, d_ff=128, heads=1,
        tokens=tokens, batch=16 // tokens, seed=seed,
    )  # fmt: skip
    gradients = stack_profile(setting, 2 * layers).log10_weight_gradient["W_2"]
    return float(10 ** gradients[-1])


def last_to_first(placement: str | type[Placement], decoder: bool, layers: int, seed: int) -> float:
    """The FFN's weight gradient in the last layer over that in the first, of one stack.

    Args:
        decoder: of a decoder on an encoder, both of so many layers; else of an encoder alone.

    >>> last_to_first("post-norm", decoder=True, layers=2, seed=0) > 1
    True
    """
    config = TransformerConfig(
        encoder_layers=layers, decoder_layers=layers if decoder else 0, placement=placement
    )
    return weight_gradients(config, seed).last_to_first


def input_gradient(width: int, layers: int, seed: int) -> float:
    """‖∂ℒ/∂x_0‖ of a post-norm stack of D = d_ff = width, one token a sequence, Xiong's weights.

    >>> input_gradient(32, layers=1, seed=0) > 0
    True
    """
    setting = StackSetting(
        "post-norm", "layer_norm", "xiong", d_model=width, d_ff=width, heads=1, tokens=1, seed=seed
    )
    return float(10 ** stack_profile(setting, 2 * layers).log10_gradient[0])


Measure = Callable[[int, int], float]
SWEEPS: Mapping[str, tuple[Sequence[int], Sequence[int], Mapping[str, Measure]]] = {
    LAST_LAYER: (
        (2, 4, 8, 16, 32, 64),
        SEEDS,
        {
            "post-norm, 16 tokens": partial(last_gradient, "post-norm", 16),
            "pre-norm, 1 token": partial(last_gradient, "pre-norm", 1),
            "pre-norm, 16 tokens": partial(last_gradient, "pre-norm", 16),
        },
    ),
    LAST_TO_FIRST: (
        (3, 6, 12),
        SEEDS,
        {
            "post-norm encoder": partial(last_to_first, "post-norm", False),
            "post-norm decoder": partial(last_to_first, "post-norm", True),
            "the same, W_v of nn.MultiheadAttention": partial(last_to_first, PackedPostNorm, True),
            "pre-norm decoder": partial(last_to_first, "pre-norm", True),
            "DeepNorm decoder": partial(last_to_first, "deepnorm", True),
        },
    ),
    AT_INPUT: (
        (96,),
        MANY_SEEDS,
        {f"D = {width}": partial(input_gradient, width) for width in (32, 128)},
    ),
}
"""By what is measured: the depths in layers, the seeds, and `measure(layers, seed)` by name."""


def write_sweeps(path: Path, most_seeds: int = len(MANY_SEEDS), deepest: int = 96) -> None:
    """Measure all sweeps, of so many seeds and layers at most; a row for each name and seed."""
    rows = []
    for what, (depths, seeds, measures) in SWEEPS.items():
        few, shallow = seeds[:most_seeds], [depth for depth in depths if depth <= deepest]
        with one_thread():
            sweep = sweep_depths(measures, shallow or [deepest], few, title=what)
        rows += [
            {
                "what": what,
                "name": name,
                "seed": seed,
                "depths": joined(sweep.depths),
                "values": joined(values),
            }
            for name, measured in sweep.measured.items()
            for seed, values in zip(few, measured, strict=True)
        ]
    write_rows(path, rows, "normlab remake gradient_sweeps")


def load_sweep(what: str) -> DepthSweep:
    """A stored sweep.

    Args:
        what: "last layer", ‖∂ℒ/∂W_2‖ of it; "last over first", the FFN's weight gradient in the
            last layer over that in the first; "at the input", ‖∂ℒ/∂x_0‖ of 96 layers.

    Raises:
        ValueError: if nothing of that name is stored.

    >>> -0.6 < load_sweep("last layer").slope("pre-norm, 1 token") < -0.4
    True
    """
    rows = [row for row in read_rows(STORED) if row["what"] == what]
    if not rows:
        raise ValueError(f"nothing is stored as {what!r}; expected one of {', '.join(SWEEPS)}.")
    measured: dict[str, list[list[float]]] = {}
    for row in rows:
        measured.setdefault(row["name"], []).append(split(row["values"]))
    depths = [int(depth) for depth in split(rows[0]["depths"])]
    return DepthSweep(depths, {name: np.array(values) for name, values in measured.items()})
