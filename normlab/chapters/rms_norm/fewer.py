"""What "15–20 % fewer operations" could mean: the same question of a norm, a layer and a clock."""

from collections.abc import Sequence
from dataclasses import dataclass

from normlab.chapters.rms_norm.cost import RUN_TIMES, layer_share, norm_cost
from normlab.chapters.rms_norm.norm_times import NormTimes
from normlab.chapters.rms_norm.stored_races import load_norm_races

CLAIMED = (0.15, 0.20)
"""The seed text's "15–20 %"."""

LIBRARY = "torch.nn.functional"


@dataclass(frozen=True)
class Meaning:
    """One quantity of which RMSNorm may need less than LayerNorm.

    Attributes:
        name: of the quantity.
        found: "counted" or "timed".
        ratio: what RMSNorm needs over what LayerNorm needs; None if nobody has measured it yet.
        others: the same ratio of other models, or at another shape.
    """

    name: str
    found: str
    ratio: float | None
    others: tuple[float, ...] = ()

    @property
    def said(self) -> str:
        """The change in words, with two digits; "not measured yet" if it is unknown.

        >>> Meaning("time", "timed", 0.75).said, Meaning("time", "timed", 2.1).said
        ('25 % less', '110 % more')
        """
        if self.ratio is None:
            return "not measured yet"
        change = 100 * (self.ratio - 1)
        size = f"{abs(change):.1g}" if abs(change) < 0.1 else f"{float(f'{abs(change):.2g}'):g}"
        fewer = "fewer" if self.found == "counted" else "less"
        return f"{size} % {'more' if change > 0 else fewer}"


def what_fewer_could_mean(width: int = 4096) -> tuple[Meaning, ...]:
    """Two counts and two times, and the time on a GPU, for which there may be no figure.

    Args:
        width: of the transformer layer.

    >>> [meaning.said for meaning in what_fewer_could_mean()[:3]]
    ['43 % fewer', '0.006 % fewer', '6.9 % less']
    """
    layer, rms = (norm_cost(norm, "forward").flops for norm in ("LayerNorm", "RMSNorm"))
    share = layer_share(width)
    others = tuple(1 - row.gain for row in RUN_TIMES if row.model != "Transformer")
    (transformer,) = (1 - row.gain for row in RUN_TIMES if row.model == "Transformer")
    with_layer_norm = share.matrices + share.layer_norms
    return (
        Meaning("operations of a norm", "counted", rms / layer),
        Meaning(
            f"operations of a layer, D = {width}",
            "counted",
            (share.matrices + share.rms_norms) / with_layer_norm,
        ),
        Meaning("time of the paper's Transformer", "timed", transformer, others),
        _raced("CPU", load_norm_races("cpu")),
        _raced("GPU", load_norm_races("cuda")),
    )


def _raced(where: str, races: Sequence[NormTimes]) -> Meaning:
    """torch's own norms, forward, at the first shape that was measured; then at the others."""
    ratios = [race.ratio(LIBRARY) for race in races if race.direction == "forward"]
    first, others = (ratios[0], tuple(ratios[1:])) if ratios else (None, ())
    return Meaning(f"time of F.rms_norm, forward, on a {where}", "timed", first, others)
