"""An answer that was called elsewhere, as something that can be asked again."""

from collections import defaultdict
from collections.abc import Sequence

from normlab.checks.exercise import Arguments
from normlab.checks.observe import Observation, Raised

UNASKED = Observation(raised=Raised("Unasked", "", None, False))


class Replay:
    """Responds as an answer once did to the same arguments."""

    def __init__(self, calls: Sequence[Arguments], seen: Sequence[Observation]) -> None:
        self.left: dict[int, list[Observation]] = defaultdict(list)
        for arguments, observation in zip(calls, seen, strict=True):
            self.left[id(arguments)].append(observation)

    def __call__(self, arguments: Arguments) -> Observation:
        left = self.left[id(arguments)]
        return left.pop(0) if len(left) > 1 else next(iter(left), UNASKED)
