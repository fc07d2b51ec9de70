"""What a race of the two norms gave, and whether the machine was quiet enough to trust it."""

from collections.abc import Mapping
from dataclasses import dataclass

from normlab.tools.table import Table
from normlab.tools.timing import Quartiles

BUSY_SPREAD = 1.4
"""The upper quartile of a contender over its lower one, above which a machine counts as busy."""

BELOW_FLOOR = 0.9
"""No norm can take less than this part of the copy's time: it reads and writes as much."""

COPY = ("copy x", "")
"""The key of the copy, beside (library, norm)."""


@dataclass(frozen=True)
class NormTimes:
    """Seconds a call by (library, norm), and those to copy the input once: quartiles of turns.

    Args:
        direction: "forward" or "backward".
        shape: rows and features of the input.
        device: "cpu" or "cuda".
        machine: what it ran on, in words.
        seconds: of each contender.
        copy: a copy reads x and writes as much again, as a fused forward pass does.
    """

    direction: str
    shape: tuple[int, int]
    device: str
    machine: str
    seconds: Mapping[tuple[str, str], Quartiles]
    copy: Quartiles

    @property
    def title(self) -> str:
        rows, features = self.shape
        return f"{self.direction} ({rows}, {features}), {self.device}"

    @property
    def warning(self) -> str:
        """Why these times should not be trusted, or "".

        A machine counts as busy where the upper quartile of the copy, or of a norm, is more than
        `BUSY_SPREAD` times the lower one, or where a norm took less than `BELOW_FLOOR` of the
        copy's time.

        >>> steady, norm = Quartiles(1.0, 1.0, 1.1), Quartiles(0.5, 0.5, 0.6)
        >>> NormTimes("forward", (2, 4), "cpu", "", {("torch", "RMSNorm"): norm}, steady).warning
        'This machine is busy: RMSNorm of torch took ×0.50 of the copy, which is the floor.'
        """
        everyone = {COPY: self.copy, **self.seconds}
        worst = max(everyone, key=lambda key: everyone[key].spread)
        varied = COPY if self.copy.spread > BUSY_SPREAD else worst
        if (spread := everyone[varied].spread) > BUSY_SPREAD:
            return f"This machine is busy: {_name(varied)} varied by ×{spread:.1f}."
        fastest = min(self.seconds, key=lambda key: self.seconds[key].median)
        least = self.seconds[fastest].median / self.copy.median
        if least < BELOW_FLOOR:
            return (
                f"This machine is busy: {_name(fastest)} took ×{least:.2f} of the copy, which is "
                "the floor."
            )
        return ""

    @property
    def spread(self) -> float:
        """The greatest spread of the copy and the norms."""
        return max(time.spread for time in (self.copy, *self.seconds.values()))

    def libraries(self) -> list[str]:
        return list(dict.fromkeys(library for library, _ in self.seconds))

    def ratio(self, library: str) -> float:
        """The median time of RMSNorm over that of LayerNorm."""
        rms, layer = (self.seconds[library, norm] for norm in ("RMSNorm", "LayerNorm"))
        return rms.median / layer.median

    def table(self) -> Table:
        """A row for each library: the medians with the quartiles around them, and their ratio."""
        rows = [
            [
                library,
                *(_shown(self.seconds[library, norm]) for norm in ("LayerNorm", "RMSNorm")),
                f"{self.ratio(library):.2f}",
            ]
            for library in self.libraries()
        ]
        rows.append(["copy x", *2 * [_shown(self.copy)], "1.00"])
        return Table((self.title, "LayerNorm ms", "RMSNorm ms", "RMS/LN"), rows)


def _name(key: tuple[str, str]) -> str:
    library, norm = key
    return f"{norm} of {library}" if norm else "the copy"


def _shown(time: Quartiles) -> str:
    low, middle, high = (f"{1e3 * seconds:.2f}" for seconds in time)
    return f"{middle} ({low} to {high})"
