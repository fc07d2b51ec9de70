"""The contenders compute the same; their times are read, not judged."""

import sys
import time

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure

from normlab.chapters.rms_norm import stored_races
from normlab.chapters.rms_norm.cost_figures import draw_gpu_races, draw_norm_times
from normlab.chapters.rms_norm.norm_race import (
    fairest_clock,
    naive_layer_norm,
    naive_rms_norm,
    numpy_contenders,
    race_norms,
    torch_contenders,
)
from normlab.chapters.rms_norm.norm_times import NormTimes
from normlab.chapters.rms_norm.operators import torch_operators
from normlab.chapters.rms_norm.stored_races import load_norm_races, quiet_race, write_norm_races
from normlab.tools.timing import Quartiles


def steady(seconds):
    return Quartiles(seconds, seconds, seconds)


def times_of(layer, rms, copy):
    seconds = {("lib", "LayerNorm"): layer, ("lib", "RMSNorm"): rms}
    return NormTimes("forward", (2, 4), "cpu", "a machine", seconds, copy)


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
    for one in (*times.seconds.values(), times.copy):
        assert 0 < one.lower <= one.median <= one.upper
    assert len(times.table().rows) == len(times.libraries()) + 1


def test_the_races_words_are_checked():
    with pytest.raises(ValueError, match="direction is 'sideways'; expected 'forward'"):
        race_norms(4, 8, "sideways")


def test_the_ratio_and_the_picture_hold_the_times_and_their_quartiles():
    times = times_of(Quartiles(0.0019, 0.002, 0.0022), steady(0.001), steady(0.0005))
    assert times.ratio("lib") == 0.5
    ax = Figure().subplots()
    draw_norm_times(times, ax)
    assert [bar.get_width() for bar in ax.patches] == [2.0, 1.0]
    (whisker,) = ax.collections[0].get_segments()
    np.testing.assert_allclose(whisker[:, 0], [1.9, 2.2])
    assert times.table().rows[0][1] == "2.00 (1.90 to 2.20)"
    assert "busy" not in ax.get_title(loc="left")


@pytest.mark.parametrize(
    ("layer", "rms", "copy", "said"),
    [
        (steady(2.0), steady(4.0), steady(1.0), ""),
        (steady(2.0), steady(4.0), Quartiles(1.0, 1.2, 1.39), ""),
        (steady(2.0), steady(4.0), Quartiles(1.0, 1.2, 2.6), "the copy varied by ×2.6"),
        (steady(2.0), Quartiles(4, 5, 8), steady(1.0), "RMSNorm of lib varied by ×2.0"),
        (steady(1.08), steady(4.0), steady(2.8), "LayerNorm of lib took ×0.39 of the copy"),
        (steady(0.95), steady(4.0), steady(1.0), ""),
    ],
)
def test_a_busy_machine_is_announced_over_the_picture(layer, rms, copy, said):
    times = times_of(layer, rms, copy)
    assert times.warning.startswith(f"This machine is busy: {said}" if said else "")
    assert bool(times.warning) == bool(said)
    ax = Figure().subplots()
    draw_norm_times(times, ax)
    assert ("busy" in ax.get_title(loc="left") + ax.get_title()) == bool(said)


@pytest.mark.parametrize(
    ("device", "system", "clock"),
    [
        ("cpu", "linux", time.process_time),
        ("cpu", "darwin", time.process_time),
        ("cpu", "win32", time.perf_counter),
        ("cuda", "linux", time.perf_counter),
    ],
)
def test_a_core_that_another_program_has_does_not_count_but_a_gpu_does(
    device, system, clock, monkeypatch
):
    monkeypatch.setattr(sys, "platform", system)
    assert fairest_clock(device) is clock


def test_the_stored_race_was_run_on_a_quiet_machine():
    races = load_norm_races("cpu")
    assert [race.shape for race in races] == [*stored_races.SHAPES["cpu"]] * 2
    assert [race.warning for race in races] == [""] * 4
    ratios = [race.ratio("torch.nn.functional") for race in races]
    assert ratios == pytest.approx([2.1, 1.7, 4.6, 3.8], abs=0.05)  # as the chapter has it
    for race in races:
        assert race.ratio("NumPy, naive" if race.direction == "forward" else "normlab.norms") < 1


def test_a_race_on_a_busy_machine_is_run_again_and_the_least_disturbed_is_kept(monkeypatch):
    def copies(*uppers):
        races = (times_of(steady(2.0), steady(2.0), Quartiles(1.0, 1.0, upper)) for upper in uppers)
        monkeypatch.setattr(stored_races, "race_norms", lambda *_: next(races))
        return quiet_race((2, 4), "forward", "cpu", rounds=1, tries=3).copy.upper

    assert copies(2.0, 1.1, 1.0) == 1.1
    assert copies(2.0, 1.6, 3.0) == 1.6


def test_a_race_that_is_made_again_keeps_the_rows_of_the_other_device(tmp_path, monkeypatch):
    stored, out = tmp_path / "stored.csv", tmp_path / "out.csv"
    tiny = {"shapes": [(4, 8)], "rounds": 1, "tries": 1}
    write_norm_races(stored, **tiny)
    text = stored.read_text().replace("cpu,", "cuda,").replace("norm_race,", "norm_race --x,")
    stored.write_text(text)
    monkeypatch.setattr(stored_races, "STORED", stored)
    write_norm_races(out, **tiny)
    monkeypatch.setattr(stored_races, "STORED", out)
    assert [race.device for race in load_norm_races("cpu")] == ["cpu"] * 2
    assert [race.device for race in load_norm_races("cuda")] == ["cuda"] * 2
    assert "norm_race --x," in out.read_text()


def test_what_no_gpu_has_measured_is_named_with_the_command_that_fills_it():
    axes = Figure().subplots(1, 2)
    draw_gpu_races((), axes)
    for ax in axes:
        assert "not measured on a GPU yet" in ax.texts[0].get_text()
        assert "normlab remake norm_race --device cuda" in ax.texts[0].get_text()
    axes = Figure().subplots(1, 2)
    draw_gpu_races((times_of(steady(2.0), steady(2.0), steady(1.0)),), axes)
    assert len(axes[0].patches) == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_gpu_a_race_there_is_refused():
    with pytest.raises(ValueError, match="no CUDA device here"):
        race_norms(4, 8, "forward", device="cuda")


def test_on_a_cpu_torchs_layer_norm_is_one_operator_and_its_rms_norm_six():
    x, ones = torch.ones(2, 4, requires_grad=True), torch.ones(4)
    assert torch_operators(lambda: F.layer_norm(x, (4,), ones, ones)) == ["native_layer_norm"]
    assert len(torch_operators(lambda: F.rms_norm(x, (4,), ones, 1e-5))) == 6


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_on_a_gpu_torch_alone_races(direction):
    times = race_norms(64, 256, direction, device="cuda", rounds=3)
    assert times.libraries() == ["torch.nn.functional", "normlab.torch_norms"]
