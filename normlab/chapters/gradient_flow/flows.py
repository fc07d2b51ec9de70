"""Signal and gradient of an untrained stack at many depths, measured and in theory."""

from collections import deque
from dataclasses import dataclass

from normlab.models.stack import StackProfile, StackSetting, stack_profiles
from normlab.models.stack.setting import check_count
from normlab.probes.theory import FlowTheory, flow_theory


@dataclass(frozen=True)
class DepthFlow:
    """A stack of one depth: what was measured, and between which ends theory holds it."""

    profile: StackProfile
    theory: FlowTheory


class StackFlows:
    """One setting at many depths, each computed when it is first asked for.

    Depths share the forward pass of the deepest so far.

    >>> flows = StackFlows(StackSetting(d_model=16, d_ff=32, tokens=4, batch=1))
    >>> len(flows.at(8).profile.mean_square), flows.at(8) is flows.at(8)
    (9, True)
    """

    def __init__(self, setting: StackSetting) -> None:
        self.setting = setting
        self._known: dict[int, DepthFlow] = {}
        self.release()

    def at(self, sub_layers: int) -> DepthFlow:
        """Profile and theory of a stack of S sub-layers.

        Raises:
            ValueError: if `sub_layers` is not a whole number ≥ 1.
        """
        if sub_layers not in self._known:
            check_count(sub_layers, "sub_layers")
            self._wanted.append(sub_layers)
            theory = flow_theory(self.setting, sub_layers)
            self._known[sub_layers] = DepthFlow(next(self._profiles), theory)
        return self._known[sub_layers]

    def release(self) -> None:
        """Give back the memory of the forward pass; what is known stays."""
        self._wanted: deque[int] = deque()
        self._profiles = stack_profiles(self.setting, iter(self._wanted.popleft, None))
