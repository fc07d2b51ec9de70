"""Signal and gradient of untrained stacks at many depths, measured and in theory."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from normlab.models.stack import StackProfile, StackSetting, profiles_side_by_side
from normlab.models.stack.setting import check_count
from normlab.probes.theory import FlowTheory, flow_theory


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

    def release(self) -> None:
        """Give back the memory of the forward pass; what is known stays."""
        self._wanted: deque[int] = deque()
        self._profiles = profiles_side_by_side(self.settings, iter(self._wanted.popleft, None))
