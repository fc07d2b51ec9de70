"""LayerNorm against RMSNorm on the clock, in each library, on a CPU or a GPU."""

import platform
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from normlab import norms, torch_norms
from normlab.chapters.rms_norm.norm_times import NormTimes
from normlab.norms import FloatArray
from normlab.tools.timing import memory_kept, one_thread, race

Contender = Callable[[], object]
EPS = 1e-5


def naive_layer_norm(x: FloatArray, gamma: FloatArray, beta: FloatArray) -> FloatArray:
    """Layer norm as one writes it at first, with `np.var`."""
    mean, var = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)  # (N, D) -> (N, 1)
    normalized: FloatArray = (x - mean) / np.sqrt(var + x.dtype.type(EPS)) * gamma + beta
    return normalized


def naive_rms_norm(x: FloatArray, gamma: FloatArray) -> FloatArray:
    """RMSNorm as one writes it at first."""
    mean_square = (x**2).mean(-1, keepdims=True)  # (N, D) -> (N, 1)
    normalized: FloatArray = x / np.sqrt(mean_square + x.dtype.type(EPS)) * gamma
    return normalized


def numpy_contenders(rows: int, features: int, direction: str) -> dict[tuple[str, str], Contender]:
    """NumPy's contenders on float32 (rows, features)."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, rows, features), dtype=np.float32)
    gamma, beta = np.ones(features, np.float32), np.zeros(features, np.float32)
    if direction == "backward":
        return {
            ("normlab.norms", "LayerNorm"): lambda: norms.layer_norm_backward(dy, x, gamma, EPS),
            ("normlab.norms", "RMSNorm"): lambda: norms.rms_norm_backward(dy, x, gamma, EPS),
        }
    return {
        ("NumPy, naive", "LayerNorm"): lambda: naive_layer_norm(x, gamma, beta),
        ("NumPy, naive", "RMSNorm"): lambda: naive_rms_norm(x, gamma),
        ("normlab.norms", "LayerNorm"): lambda: norms.layer_norm(x, gamma, beta, EPS),
        ("normlab.norms", "RMSNorm"): lambda: norms.rms_norm(x, gamma, EPS),
    }


def torch_contenders(
    rows: int, features: int, direction: str, device: str
) -> dict[tuple[str, str], Contender]:
    """torch's own operators and normlab's on float32 (rows, features)."""
    generator = torch.Generator().manual_seed(0)
    x, dy = torch.randn(2, rows, features, generator=generator).to(device)
    backward = direction == "backward"
    x.requires_grad_(backward)
    weight = torch.ones(features, device=device, requires_grad=backward)
    bias = torch.zeros(features, device=device, requires_grad=backward)
    shape = (features,)
    forwards: dict[tuple[str, str], Callable[[], Tensor]] = {
        ("torch.nn.functional", "LayerNorm"): lambda: F.layer_norm(x, shape, weight, bias, EPS),
        ("torch.nn.functional", "RMSNorm"): lambda: F.rms_norm(x, shape, weight, EPS),
        ("normlab.torch_norms", "LayerNorm"): lambda: torch_norms.layer_norm(
            x, shape, weight, bias, EPS
        ),
        ("normlab.torch_norms", "RMSNorm"): lambda: torch_norms.rms_norm(x, shape, weight, EPS),
    }
    if not backward:
        return dict(forwards)
    inputs = {"LayerNorm": (x, weight, bias), "RMSNorm": (x, weight)}
    return {
        key: partial(torch.autograd.grad, forward(), inputs[key[1]], dy, retain_graph=True)
        for key, forward in forwards.items()
    }


def race_norms(
    rows: int, features: int, direction: str, device: str = "cpu", rounds: int = 31
) -> NormTimes:
    """LayerNorm and RMSNorm in turns; on the CPU on one thread, with NumPy's too, and with memory
    that the process keeps.

    The seconds on a CPU are those that the processor worked for this process.

    Args:
        direction: "forward", or "backward" (from a kept forward pass, all gradients).
        device: "cpu" or "cuda".

    Raises:
        ValueError: if `direction` is another word, or the device is not there.

    >>> race_norms(4, 8, "forward", rounds=3).libraries()
    ['NumPy, naive', 'normlab.norms', 'torch.nn.functional', 'normlab.torch_norms']
    """
    if direction not in ("forward", "backward"):
        raise ValueError(f"direction is {direction!r}; expected 'forward' or 'backward'.")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("there is no CUDA device here; a race on a GPU needs one.")
    contenders = numpy_contenders(rows, features, direction) if device == "cpu" else {}
    contenders |= torch_contenders(rows, features, direction, device)
    source = torch.ones(rows, features, device=device)
    target = torch.empty_like(source)
    keys = {" ".join(key): key for key in contenders}
    runs = {name: contenders[key] for name, key in keys.items()}
    synchronize = torch.cuda.synchronize if device == "cuda" else lambda: None
    with one_thread(), memory_kept():
        everyone = {**runs, "copy": lambda: target.copy_(source)}
        result = race(everyone, rounds, 0.005, synchronize, fairest_clock(device))
    return NormTimes(
        direction,
        (rows, features),
        device,
        machine(device),
        {key: result.quartiles(name) for name, key in keys.items()},
        result.quartiles("copy"),
    )


def fairest_clock(device: str) -> Callable[[], float]:
    """The processor's time for this process; on a GPU, and on Windows, the time of day.

    While another program has the core, the processor's time of this one stands still. Windows
    counts it in steps that are longer than a turn.
    """
    counted = device == "cpu" and sys.platform != "win32"
    return time.process_time if counted else time.perf_counter


def machine(device: str) -> str:
    """What a device is, in words."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, one thread"
