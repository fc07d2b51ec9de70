"""How is this layer wired? Read from the operators that it runs, whoever wrote it.

`normlab.models.trace` runs a placement of the course on symbols. Here the layer is anybody's.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from normlab.inspection.equations import Equations, equations_of
from normlab.inspection.layers import streams_of
from normlab.inspection.names import Names
from normlab.inspection.norm_search import NormSearch
from normlab.inspection.placements import PlacementName, placement_of
from normlab.inspection.recorder import record_run
from normlab.inspection.recording import ModuleCall, Recording
from normlab.tools.table import Table

FACTOR = re.compile(r"(\d+\.\d+ |[agm]+·)")


@dataclass(frozen=True)
class LayerWiring:
    """The wiring of one layer as equations: x comes in, y goes out.

    Attributes:
        equations: one for each norm on the way from x to y, "n1 = norm(x)", for what each
            sub-layer reads, "f1 = f(n1)", and for the output, "y = x + f1 + f2". A learned factor
            is "a·f1", one that is computed from the inputs "g·f1".
        norms: the names of the modules n1, n2, …
        sublayers: the names of the modules that return f1, f2, …
        inner: the names of the norms inside the sub-layers; a cosine's lengths are none.
        placement: what the wiring is called.
    """

    equations: tuple[str, ...]
    norms: tuple[str, ...]
    sublayers: tuple[str, ...]
    inner: tuple[str, ...]
    placement: PlacementName = "other"

    def shape(self) -> tuple[str, ...]:
        """The equations without factors."""
        return tuple(FACTOR.sub("", equation) for equation in self.equations)

    def table(self) -> Table:
        """One row per equation, with the module that it is about."""
        names = {f"n{i}": name for i, name in enumerate(self.norms, 1)}
        names |= {f"f{i}": name for i, name in enumerate(self.sublayers, 1)}
        return Table(
            ("equation", "module"), [[e, names.get(e.split()[0], "")] for e in self.equations]
        )


def read_wiring(layer: nn.Module, run: Tensor | Callable[[], object]) -> LayerWiring:
    """Watch a layer while it runs, and find how its norms and sub-layers are connected.

    Every operator that runs is recorded. The residual stream is the path of sums and scalings from
    the layer's input to its output; norms are found by what they compute.

    Args:
        layer: a layer that maps a stream (..., D) to a stream of the same shape, in evaluation
            mode.
        run: what to call the layer with; or, where it takes more than a stream, a function that
            calls it, alone or in its model. Only the first call counts.

    Raises:
        ValueError: if the layer is not called, or its output is no sum that its input is a part of.

    Example:
        >>> import torch
        >>> layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)
        >>> for equation in read_wiring(layer.eval(), torch.randn(2, 5, 8)).equations:
        ...     print(equation)
        n1 = norm(x)
        f1 = f(n1)
        n2 = norm(x + f1)
        f2 = f(n2)
        y = x + f1 + f2
    """
    kind = type(layer).__name__
    recording = record_run(layer, partial(layer, run) if isinstance(run, Tensor) else run)
    call = next((call for call in recording.calls if not call.name), None)
    if call is None:
        raise ValueError(f"`run` did not call the {kind} that it should watch.")
    found = _equations(recording, call)
    if found is None:
        raise ValueError(
            f"the output of {kind} is no sum of its input and of what is computed from it; is it "
            "the residual layer itself?"
        )
    names = Names(recording)
    inner = [piece for piece in found.inner if piece.reading.kind != "other"]
    called = names.norms((*found.norms, *inner))
    return LayerWiring(
        found.lines,
        tuple(called[piece] for piece in found.norms),
        tuple(names.sublayer(value, call.start, call.end) for value in found.sublayers),
        tuple(called[piece] for piece in inner),
        placement_of(found),
    )


def _equations(recording: Recording, call: ModuleCall) -> Equations | None:
    pieces = NormSearch(recording, call.inputs).pieces()
    inside = set(recording.values[call.start : call.end])
    for _, stream in streams_of(recording, [p for p in pieces if p.end in inside], call):
        found = equations_of(stream)
        if found.sublayers:
            return found
    return None
