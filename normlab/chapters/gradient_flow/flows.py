"""Signal and gradient of untrained stacks at many depths, measured and in theory."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from normlab.models.stack import (
    StackProfile,
    StackSetting,
    power_of_ten,
    profiles_side_by_side,
    spread_depths,
)
from normlab.models.stack.setting import check_count
from normlab.probes.theory import FlowTheory, flow_theory
from normlab.tools.table import Table


@dataclass(frozen=True)
class DepthFlow:
    """A stack of one depth: what was measured, and between which ends theory holds it."""

    profile: StackProfile
    theory: FlowTheory


class StackFlows:
    """Settings that differ in their placement alone, at many depths, each computed when asked for.

    Depths share the forward pass of the deepest so far.

    >>> sizes = {"d_model": 16, "d_ff": 32, "tokens": 4, "batch": 1}
    >>> flows = StackFlows([StackSetting(name, **sizes) for name in ("post-norm", "pre-norm")])
    >>> len(flows.at(8)["pre-norm"].profile.mean_square), flows.at(8) is flows.at(8)
    (9, True)
    """

    def __init__(self, settings: Sequence[StackSetting]) -> None:
        self.settings = settings
        self._known: dict[int, Mapping[str, DepthFlow]] = {}
        self.release()

    def at(self, sub_layers: int) -> Mapping[str, DepthFlow]:
        """By placement, profile and theory of a stack of S sub-layers.

        Raises:
            ValueError: if `sub_layers` is not a whole number ≥ 1.
        """
        if sub_layers not in self._known:
            check_count(sub_layers, "sub_layers")
            self._wanted.append(sub_layers)
            flows = {
                profile.setting.placement: DepthFlow(
                    profile, flow_theory(profile.setting, sub_layers)
                )
                for profile in next(self._profiles)
            }
            self._known[sub_layers] = MappingProxyType(flows)
        return self._known[sub_layers]

    def table(self, sub_layers: int, rows: int = 9) -> Table:
        """Up to `rows` depths of a stack of S sub-layers, in the letters of the course."""
        profiles = [flow.profile for flow in self.at(sub_layers).values()]
        cells = [
            [
                depth,
                _entered(depth, sub_layers),
                *(f"{profile.mean_square[depth]:.3g}" for profile in profiles),
                *(power_of_ten(profile.log10_gradient[depth]) for profile in profiles),
            ]
            for depth in spread_depths(sub_layers, rows)
        ]
        names = [f", {placement_name(profile.setting.placement)}" for profile in profiles]
        of = names if len(names) > 1 else [""]
        quantities = [quantity + name for quantity in ("‖x_s‖²/D", "‖∂ℒ/∂x_s‖") for name in of]
        return Table(("s", "enters", *quantities), cells)

    def release(self) -> None:
        """Give back the memory of the forward pass; what is known stays."""
        self._wanted: deque[int] = deque()
        self._profiles = profiles_side_by_side(self.settings, iter(self._wanted.popleft, None))


def _entered(depth: int, sub_layers: int) -> str:
    """What x_s enters."""
    kind = "FFN" if depth % 2 else "attention"
    return f"{kind} of layer {depth // 2 + 1}" if depth < sub_layers else "the output"


def placement_name(placement: str) -> str:
    """What it is called in the picture, where "none" could mean that nothing is shown.

    >>> placement_name("none"), placement_name("pre-norm")
    ('no norm', 'pre-norm')
    """
    return {"none": "no norm", "deepnorm": "DeepNorm"}.get(placement, placement)
