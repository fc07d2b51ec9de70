"""What batch norm takes from the rest of the batch, and layer norm does not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from normlab.norms import (
    FloatArray,
    RunningStatistics,
    batch_norm,
    batch_norm_inference,
    layer_norm,
)
from normlab.tools.table import Table

BATCH_AND_LAYER_NORM: Mapping[str, Callable[[FloatArray], FloatArray]] = {
    "BatchNorm": batch_norm,
    "LayerNorm": layer_norm,
}


@dataclass(frozen=True)
class Companions:
    """One example (D,), and several sets of other examples (sets, most, D) to put it with."""

    example: FloatArray
    others: FloatArray

    def batch(self, chosen: int, size: int) -> FloatArray:
        """The example in row 0 and the first size − 1 of the chosen set below it: (size, D).

        Raises:
            ValueError: if there are not so many companions.
        """
        most = self.others.shape[1] + 1
        if not 1 <= size <= most:
            raise ValueError(f"size is {size}; expected a batch size from 1 to {most}.")
        return np.vstack([self.example[None], self.others[chosen, : size - 1]])

    def outputs(self, norm: str, size: int) -> FloatArray:
        """The example's output among each set of companions (sets, D), in training."""
        function = BATCH_AND_LAYER_NORM[norm]
        return np.array([function(self.batch(i, size))[0] for i in range(len(self.others))])

    def spread(self, norm: str, size: int) -> float:
        """How far the example's output moves with its companions: the widest feature's range."""
        outputs = self.outputs(norm, size)
        return float(np.ptp(outputs, axis=0).max())  # (sets, D) -> (D,) -> ()


def companions(
    shift: float = 0.0, features: int = 6, sets: int = 6, most: int = 64, seed: int = 48
) -> Companions:
    """A random example, and `sets` random sets of companions whose features have mean `shift`.

    >>> study = companions()
    >>> study.spread("BatchNorm", 4) > 1, study.spread("LayerNorm", 4) < 1e-12
    (True, True)
    """
    rng = np.random.default_rng(seed)
    example = rng.standard_normal(features)
    return Companions(example, shift + rng.standard_normal((sets, most - 1, features)))


@dataclass(frozen=True)
class ShiftStudy:
    """Outputs (N, D) at inference by norm and by where the data came from."""

    outputs: Mapping[str, Mapping[str, FloatArray]]

    def table(self) -> Table:
        """Mean and standard deviation of all outputs."""
        rows = [
            [norm, data, f"{abs(y.mean()):.1f}", f"{y.std():.1f}"]
            for norm, by_data in self.outputs.items()
            for data, y in by_data.items()
        ]
        return Table(("norm", "inputs", "|mean| of outputs", "std of outputs"), rows)


def shift_study(
    offset: float = 3.0, scale: float = 2.0, features: int = 16, seed: int = 0
) -> ShiftStudy:
    """Train running statistics on N(0, 1), then normalize that data and scale·N(0, 1) + offset.

    >>> round(float(shift_study().outputs["BatchNorm"]["shifted"].mean()))
    3
    """
    rng = np.random.default_rng(seed)
    running = RunningStatistics.start(features)
    for _ in range(200):
        running = running.updated(rng.standard_normal((64, features)))
    x = rng.standard_normal((512, features))
    inputs = {"as in training": x, "shifted": scale * x + offset}
    norms: Mapping[str, Callable[[FloatArray], FloatArray]] = {
        "BatchNorm": lambda x: batch_norm_inference(x, running),
        "LayerNorm": layer_norm,
    }
    return ShiftStudy(
        {name: {data: norm(x) for data, x in inputs.items()} for name, norm in norms.items()}
    )
