"""Random answers of students' processes: outputs of every kind, and messages of every form."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from normlab.checks.exercise import Value
from normlab.checks.observe import Observation, Raised
from normlab.grading.confined.messages import DTYPES, pack, unpack

SHAPES = ((), (0,), (1,), (3,), (2, 3), (0, 3), (2, 0, 5), (1,) * 30, (2, 3, 4))
NUMBERS = (0.0, 1.0, -1.0, 1e308, -1e308, 5e-324, np.nan, np.inf, -np.inf, 0.5, 1e6)
TEXTS = ("", "text", "norm 1", "none", "nothing", "\x00\x1b[2J", "\ud800", "ä" * 3000, "0", "NaN")
KINDS = (
    *("ValueError", "NotImplementedError", "WrongReturn", "LibraryNorm", "KeyboardInterrupt"),
    *("", "torch.nn.functional.layer_norm", "Unasked"),
)
KEYS = (
    *("outputs", "raised", "changed", "seen", "target", "dtype", "shape", "value", "items"),
    *("kind", "message", "line", "by_learner", "cell", "defined", "y", "x", "dx", "__class__"),
)
SIZES = (0, 1, 2, 3, -1, 2**26, 2**31, 2**62, 2**63, 2**64, True, 1.5, "2", None)
Tree = Any
"""What JSON can hold."""


class Forger:
    """Draws outputs and messages.

    Args:
        rng: draws all that is random.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def one_of(self, values: Any) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def value(self, like: Value = None) -> Value:
        """An array of any dtype and shape, often those of `like`; a text; or None."""
        kind = self.rng.random()
        if kind < 0.15:
            return self.one_of((*TEXTS, None))
        shape, dtype = self.one_of(SHAPES), self.one_of((*DTYPES, "longdouble"))
        if isinstance(like, np.ndarray):
            shape = self.one_of((like.shape, like.shape, like.shape[:-1], (1, *like.shape), shape))
            dtype = self.one_of((like.dtype.name, "float64", dtype))
        drawn = self.rng.standard_normal(shape)
        if kind < 0.4:
            drawn = np.asarray(self.rng.choice(NUMBERS, shape))
        with np.errstate(all="ignore"):
            return np.asarray(drawn).astype(dtype)

    def observation(self, like: Observation) -> Observation:
        """What an answer might do where another one did `like`."""
        if self.rng.random() < 0.15:
            return Observation(raised=self.raised(), changed=self.changes(like))
        outputs = {name: self.value(value) for name, value in (like.outputs or {}).items()}
        for _ in range(int(self.rng.integers(0, 3))):
            if outputs and self.rng.random() < 0.5:
                del outputs[self.one_of([*outputs])]
            else:
                outputs[self.one_of((*KEYS, *TEXTS))] = self.value()
        return Observation(outputs, changed=self.changes(like))

    def raised(self) -> Raised:
        line = self.one_of((None, "", "line 3 of `f`: `raise ValueError`"))
        by_learner = bool(self.rng.integers(2))
        return Raised(self.one_of(KINDS), self.one_of((*TEXTS, *KINDS)), line, by_learner)

    def changes(self, like: Observation) -> dict[str, Value]:
        names = [*like.changed, "x", "weight", "steps"]
        return {self.one_of(names): self.value()} if self.rng.random() < 0.1 else {}

    def tree(self, depth: int = 0) -> Tree:
        """Any JSON."""
        kind = int(self.rng.integers(8 if depth < 4 else 6))
        if kind < 6:
            return self.one_of((*SIZES, *TEXTS, *NUMBERS, False, 10**400))
        items = [self.tree(depth + 1) for _ in range(int(self.rng.integers(4)))]
        return items if kind == 6 else {self.one_of((*KEYS, *TEXTS)): each for each in items}

    def message(self, honest: bytes) -> bytes:
        """Some message, mostly the honest one with something changed in it."""
        make: Callable[[bytes], bytes] = self.one_of(
            (self._noise, self._json, self._changed, self._changed, self._changed, self._cut)
        )
        return make(honest)

    def _noise(self, honest: bytes) -> bytes:
        return self.rng.bytes(int(self.rng.integers(200))) + self.one_of((b"", b"\n"))

    def _json(self, honest: bytes) -> bytes:
        return json.dumps(self.tree()).encode() + b"\n" + self.rng.bytes(self.one_of((0, 8, 48)))

    def _cut(self, honest: bytes) -> bytes:
        """The honest message with bytes changed, left out, or added."""
        data, place = bytearray(honest), int(self.rng.integers(len(honest)))
        data[place] = int(self.rng.integers(256))
        return bytes(self.one_of((data, honest[:place], honest + data[place:], data + data)))

    def _changed(self, honest: bytes) -> bytes:
        """The honest message with other values at some places of its JSON."""
        body, raw = unpack(honest)
        for _ in range(int(self.rng.integers(1, 4))):
            self._change(self.one_of([*_places(body)] or [({"": 0}, "")]))
        return pack(body, [np.frombuffer(raw, np.uint8)])

    def _change(self, place: tuple[Tree, Any]) -> None:
        """Replace, remove, double or rename what stands at a place."""
        parent, key = place
        what, values = int(self.rng.integers(6)), parent[key]
        if what == 0:
            del parent[key]
        elif what == 1 and isinstance(parent, dict):
            parent[self.one_of((*KEYS, *TEXTS))] = parent.pop(key)
        elif what == 2 and isinstance(parent, list):
            parent.insert(key, values)
        elif what == 3 and isinstance(values, dict):
            parent[key] = self.one_of(({}, {f"more {i}": {"value": ""} for i in range(100)}))
        elif what == 4 and isinstance(values, list):
            parent[key] = [self.one_of(SIZES) for _ in range(int(self.rng.integers(5)))]
        else:
            parent[key] = self.tree()


def _places(tree: Tree) -> Iterator[tuple[Tree, Any]]:
    """(parent, key) of everything in a tree."""
    keys = [*tree] if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _places(tree[key])
