"""The random numbers of a stack: drawn once, layer by layer, and kept for the next setting."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from normlab.models.stack.memory import Arena
from normlab.models.stack.setting import StackSetting
from normlab.norms import FloatArray

# Streams of random numbers that a seed is the parent of.
_WEIGHTS, _INPUT, _UPSTREAM = range(3)


class Matrix:
    """N(0, 1) draws of one weight in both layouts; a stack multiplies them by its σ.

    The backward pass multiplies by Wᵀ. On a copy that lies in memory transposed this is a
    quarter faster than on a view of W.
    """

    __slots__ = ("plain", "transposed")

    def __init__(self, plain: FloatArray, transposed: FloatArray) -> None:
        self.plain, self.transposed = plain, transposed  # (fan_in, fan_out), (fan_out, fan_in)


class LayerDraws:
    """The draws of one layer; `qkv` are those of W_q, W_k and W_v."""

    def __init__(self, seed: int, layer: int, d_model: int, d_ff: int, arena: Arena) -> None:
        rng = np.random.default_rng([seed, _WEIGHTS, layer])
        shapes = [(d_model, 3 * d_model), (d_model, d_model), (d_model, d_ff), (d_ff, d_model)]
        qkv, o, w_1, w_2 = (rng.standard_normal(shape, np.float32) for shape in shapes)
        draws = [*np.split(qkv, 3, axis=1), o, w_1, w_2]  # (D, 3D) -> 3 × (D, D)
        plain = [arena.copy(draw) for draw in draws]  # side by side, as they will be read
        transposed = [arena.copy(draw.T) for draw in draws]
        *self.qkv, self.o, self.w_1, self.w_2 = map(Matrix, plain, transposed)

    def by_name(self) -> Mapping[str, FloatArray]:
        w_q, w_k, w_v = (matrix.plain for matrix in self.qkv)
        o, w_1, w_2 = self.o.plain, self.w_1.plain, self.w_2.plain
        return MappingProxyType(
            {"W_q": w_q, "W_k": w_k, "W_v": w_v, "W_o": o, "W_1": w_1, "W_2": w_2}
        )


class StackDraws(dict[int, LayerDraws]):
    """The draws of layers 0, 1, … of one seed, made when they are first asked for."""

    def __init__(self, seed: int, d_model: int, d_ff: int) -> None:
        self.sizes = seed, d_model, d_ff
        self.arena = Arena()

    def __missing__(self, layer: int) -> LayerDraws:
        seed, d_model, d_ff = self.sizes
        self[layer] = LayerDraws(seed, layer, d_model, d_ff, self.arena)
        return self[layer]


_draws_of = lru_cache(maxsize=2)(StackDraws)


def stack_draws(setting: StackSetting) -> StackDraws:
    """The draws of each layer, the same whatever the depth, placement, init and dtype.

    Each layer has a generator of its own, seeded by (seed, layer). The last two families of
    (seed, d_model, d_ff) stay in memory: 400 KB a layer at d_model = 64, d_ff = 256.
    """
    return _draws_of(setting.seed, setting.d_model, setting.d_ff)


def layer_weights(setting: StackSetting, sub_layers: int, layer: int) -> Mapping[str, FloatArray]:
    """The six weights of layer `layer` in a stack of this depth, σ times the draws; y = x W.

    >>> setting = StackSetting(d_model=4, heads=1, d_ff=8)
    >>> {name: w.shape for name, w in layer_weights(setting, sub_layers=2, layer=0).items()}
    {'W_q': (4, 4), 'W_k': (4, 4), 'W_v': (4, 4), 'W_o': (4, 4), 'W_1': (4, 8), 'W_2': (8, 4)}
    """
    stds = setting.weight_stds(sub_layers)
    dtype = setting.numpy_dtype
    draws = stack_draws(setting)[layer].by_name()
    return MappingProxyType({name: dtype.type(stds[name]) * draw for name, draw in draws.items()})


def stack_input(setting: StackSetting) -> FloatArray:
    """x_0 (rows, d_model), N(0, σ²) with the init's σ for the input."""
    draw = _rows(setting.seed, _INPUT, setting.rows, setting.d_model)
    return (setting.input_std * draw).astype(setting.numpy_dtype)


def upstream_gradient(setting: StackSetting) -> FloatArray:
    """c (rows, d_model) of the loss L = ⟨c, y⟩: N(0, 1) over the root of its size, so ‖c‖ ≈ 1."""
    draw = _rows(setting.seed, _UPSTREAM, setting.rows, setting.d_model)
    return (draw / draw.size**0.5).astype(setting.numpy_dtype)


@lru_cache(maxsize=4)
def _rows(seed: int, stream: int, rows: int, d_model: int) -> FloatArray:
    return np.random.default_rng([seed, stream]).standard_normal((rows, d_model), np.float32)
