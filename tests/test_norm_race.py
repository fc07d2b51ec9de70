"""The contenders compute the same; their times are read, not judged."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure

from normlab.chapters.rms_norm.figures import draw_norm_times
from normlab.chapters.rms_norm.norm_race import (
    NormTimes,
    naive_layer_norm,
    naive_rms_norm,
    numpy_contenders,
    race_norms,
    torch_contenders,
    torch_operators,
)


def outputs(contenders, norm):
    """The first array of each contender of this norm: y, or dx."""
    results = [run() for (_, name), run in contenders.items() if name == norm]
    firsts = [result[0] if isinstance(result, tuple) else result for result in results]
    return [np.asarray(first.detach() if torch.is_tensor(first) else first) for first in firsts]


@pytest.mark.parametrize("norm", ["LayerNorm", "RMSNorm"])
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_the_contenders_of_one_norm_compute_the_same(norm, direction):
    for contenders in (
        numpy_contenders(6, 32, direction),
        torch_contenders(6, 32, direction, "cpu"),
    ):
        first, *others = outputs(contenders, norm)
        for other in others:
            np.testing.assert_allclose(other, first, atol=1e-5)


def test_the_naive_norms_are_right():
    x = np.random.default_rng(0).standard_normal((4, 16), dtype=np.float32) + 1
    gamma, beta = np.full(16, 2, np.float32), np.full(16, 3, np.float32)
    xt, gt, bt = torch.tensor(x), torch.tensor(gamma), torch.tensor(beta)
    layer, rms = F.layer_norm(xt, (16,), gt, bt, 1e-5), F.rms_norm(xt, (16,), gt, 1e-5)
    np.testing.assert_allclose(naive_layer_norm(x, gamma, beta), layer, atol=1e-5)
    np.testing.assert_allclose(naive_rms_norm(x, gamma), rms, atol=1e-5)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_race_times_both_norms_of_every_library_and_a_copy(direction):
    times = race_norms(4, 8, direction, rounds=1)
    assert set(times.seconds) == {
        (library, norm) for library in times.libraries() for norm in ("LayerNorm", "RMSNorm")
    }
    assert min(*times.seconds.values(), times.copy_seconds) > 0
    assert len(times.table().rows) == len(times.libraries()) + 1


def test_the_races_words_are_checked():
    with pytest.raises(ValueError, match="direction is 'sideways'; expected 'forward'"):
        race_norms(4, 8, "sideways")


def test_the_ratio_and_the_picture_hold_the_times():
    times = NormTimes("t", {("lib", "LayerNorm"): 0.002, ("lib", "RMSNorm"): 0.001}, 0.0005)
    assert times.ratio("lib") == 0.5
    ax = Figure().subplots()
    draw_norm_times(times, ax)
    assert [bar.get_width() for bar in ax.patches] == [2.0, 1.0]


def test_on_a_cpu_torchs_layer_norm_is_one_operator_and_its_rms_norm_six():
    x, ones = torch.ones(2, 4, requires_grad=True), torch.ones(4)
    assert torch_operators(lambda: F.layer_norm(x, (4,), ones, ones)) == ["native_layer_norm"]
    assert len(torch_operators(lambda: F.rms_norm(x, (4,), ones, 1e-5))) == 6


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_on_a_gpu_torch_alone_races(direction):
    times = race_norms(64, 256, direction, device="cuda", rounds=3)
    assert times.libraries() == ["torch.nn.functional", "normlab.torch_norms"]
