"""What a forward pass leaves for the backward passes, in memory that one run hands to the next."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from normlab.models.stack.attention import AttentionTape
from normlab.models.stack.feed_forward import FeedForwardTape
from normlab.models.stack.memory import Arena
from normlab.models.stack.setting import StackSetting
from normlab.models.stack.uniform_attention import UniformAttentionTape


class LaneTape:
    """What a sub-layer keeps of one stack: its output `stream` x_{l+1}, and what its norms need.

    `normalized` and `inverse`, x̂ (rows, d_model) and 1/σ_ε (rows, 1), are of the norm before
    the branch, or of the only one; `normalized_branch` and `inverse_branch` of the one after.
    `normalized_branch` lies apart: unless it is written to, it is never taken from the system.
    """

    def __init__(self, setting: StackSetting, arena: Arena) -> None:
        shape, dtype = (setting.rows, setting.d_model), setting.numpy_dtype
        self.normalized = arena.empty(shape, dtype)
        self.stream = arena.empty(shape, dtype)
        self.normalized_branch = np.empty(shape, dtype)
        self.inverse = self.inverse_branch = np.empty((setting.rows, 1), dtype)


class SubLayerTape:
    """What a sub-layer keeps: its branch's tape for all stacks together, and one for each."""

    def __init__(self, tapes: "Tapes", sub_layer: int) -> None:
        setting, arena = tapes.setting, tapes.arena
        attention = UniformAttentionTape if setting.uniform_attention else AttentionTape
        self.branch = (FeedForwardTape if sub_layer % 2 else attention)(tapes.wide, arena)
        self.lanes = [LaneTape(setting, arena) for _ in range(tapes.stacks)]
        self.streams = [lane.stream for lane in self.lanes]


class Tapes(dict[int, SubLayerTape]):
    """The tapes of sub-layers 0, 1, …, made when they are first asked for."""

    def __init__(self, setting: StackSetting, stacks: int, arena: Arena) -> None:
        self.setting, self.stacks, self.arena = setting, stacks, arena
        self.wide = replace(setting, batch=stacks * setting.batch)  # the rows of all stacks

    def __missing__(self, sub_layer: int) -> SubLayerTape:
        self[sub_layer] = SubLayerTape(self, sub_layer)
        return self[sub_layer]


_idle: dict[tuple[object, ...], Tapes] = {}


@contextmanager
def borrowed_tapes(setting: StackSetting, stacks: int = 1) -> Iterator[Tapes]:
    """Tapes of these sizes for one run of so many stacks side by side.

    Fresh memory costs as much as a third of the run, so the last run's is kept for the next, and
    its tapes too if that has the same sizes: 230 MB for 1,000 sub-layers at the default ones. Two
    runs at the same time never share them.
    """
    s = setting
    sizes = (s.d_model, s.heads, s.d_ff, s.tokens, s.batch, s.dtype, s.uniform_attention, stacks)
    tapes = _idle.pop(sizes, None)
    if tapes is None:
        arena = _idle.popitem()[1].arena.recycled() if _idle else Arena()
        tapes = Tapes(setting, stacks, arena)
    try:
        yield tapes
    finally:
        _idle.clear()
        _idle[sizes] = tapes
