"""The streams of all placements at one setting, each measured when it is first asked for."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from normlab.chapters.residual_placement.stream import StreamGrowth, stream_growth
from normlab.models.placement.standard import PLACEMENTS


class PlacementStreams:
    """What `stream_growth` measures at width 64, by placement; those that are known.

    >>> streams = PlacementStreams("layer_norm", "xavier")
    >>> streams.at("rezero").placement, list(streams.known)
    ('rezero', ['rezero'])
    """

    def __init__(self, norm: str, init: str) -> None:
        self._norm, self._init = norm, init
        self._known: dict[str, StreamGrowth] = {}

    @property
    def known(self) -> Mapping[str, StreamGrowth]:
        """What was measured so far."""
        return MappingProxyType(self._known)

    def at(self, placement: str) -> StreamGrowth:
        """The stream of 24 layers of a placement.

        Raises:
            ValueError: if there is no placement of that name.
        """
        if placement not in self._known:
            self._known[placement] = stream_growth(
                placement, norm=self._norm, init=self._init, d_model=64, seed=0
            )
        return self._known[placement]

    def measure(self) -> Iterator[StreamGrowth]:
        """All of the placements, one at each step."""
        return map(self.at, PLACEMENTS)
