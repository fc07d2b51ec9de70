"""The fused norms where they cannot run, where they are only compiled, and where they can run.

The last in a process of its own (kernels_at_work.py): Triton's interpreter, or a GPU.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from benchmarks import gpu
from normlab import fused_norms, torch_norms
from normlab.chapters.rms_norm import fused_races
from normlab.chapters.rms_norm.fused_races import FusedRace, Setting, load_fused_races
from normlab.tools.timing import Quartiles, Race

HERE = Path(__file__).parent
needs_triton = pytest.mark.skipif(
    find_spec("triton") is None, reason="the kernels need Triton, which is not installed here"
)
no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
WHERE = {"interpreted": {"TRITON_INTERPRET": "1", "CUDA_VISIBLE_DEVICES": ""}}
WHERE |= {"on a GPU": {}} if torch.cuda.is_available() else {}


@needs_triton
@pytest.mark.parametrize("settings", WHERE.values(), ids=WHERE)
def test_the_kernels_at_work(settings):
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--show-capture=no"]
    done = subprocess.run(
        [*run, str(HERE / "kernels_at_work.py")],
        env=os.environ | settings,
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr


@needs_triton
def test_every_kernel_compiles_for_a_gpu():
    """In a process of its own too, where nobody has switched the interpreter on."""
    settings = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*run, str(HERE / "kernels_compiled.py")],
        env=settings,
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr


# Where they do not run


@no_gpu
def test_on_a_cpu_the_norms_are_refused_and_torch_norms_goes_its_own_way():
    x = torch.ones(2, 4)
    assert not fused_norms.applies(x)
    for norm in (fused_norms.layer_norm, fused_norms.rms_norm):
        with pytest.raises(RuntimeError, match=r"on cpu, which has no kernels.*normlab\[kernels\]"):
            norm(x)
    assert "path=chunks" in repr(torch_norms.LayerNorm(4))


def test_without_triton_everything_else_is_there():
    code = (
        "import sys; sys.modules['triton'] = None\n"
        "import torch\nfrom normlab import fused_norms, torch_norms\n"
        "assert not fused_norms.has_kernels(torch.device('cuda'), torch.float32)\n"
        "assert torch_norms.rms_norm(torch.ones(1, 4), 4).shape == (1, 4)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_the_norms_load_neither_triton_nor_the_compiler():
    code = (
        "import sys, torch\nbefore = {*sys.modules}\nimport normlab.torch_norms\n"
        "assert not {'triton', 'torch._dynamo'} & ({*sys.modules} - before)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


# The benchmark


@no_gpu
def test_without_a_gpu_the_benchmark_says_what_it_needs_and_stores_nothing(tmp_path):
    out = tmp_path / "rows.csv"
    run = [sys.executable, "-m", "benchmarks.gpu", "--out", str(out)]
    done = subprocess.run(run, cwd=HERE.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("There is no GPU here that can be measured: this needs a CUDA")
    assert not out.exists()


def race(setting, **seconds):
    times = {name: Quartiles(time, time, time) for name, time in seconds.items()}
    copy = times.pop("copy")
    times[fused_races.OURS] = times.pop("ours")
    return FusedRace(setting, "a GPU", times, copy)


def test_the_share_of_the_copys_bandwidth_counts_the_bytes_that_have_to_be_moved():
    forward = Setting("forward", "LayerNorm", False, "bfloat16", 4, 8)
    assert forward.bytes == forward.copied_bytes == 2 * 4 * 8 * 2
    backward = Setting("backward", "LayerNorm", False, "float32", 4, 8)
    assert backward.bytes == 3 * 4 * 8 * 4
    assert Setting("forward", "LayerNorm", True, "float32", 4, 8).bytes == 4 * 4 * 8 * 4
    assert race(forward, ours=2.0, torch=4.0, copy=1.0).share(fused_races.OURS) == 0.5
    run = race(backward, ours=2.0, torch=4.0, Liger=1.6, copy=1.0)
    assert run.share(fused_races.OURS) == 0.75
    assert run.beside_best == 1.25


def test_what_is_stored_is_read_again_with_device_versions_and_date(tmp_path):
    settings = [*gpu.settings()][:3]
    races = tuple(race(s, ours=1e-4, torch=2e-4, copy=9e-5) for s in settings)
    path = tmp_path / "rows.csv"
    fused_races.write_fused_races(path, races, "3.7.1", gpu.COMMAND)
    assert load_fused_races(path) == races
    header, first = path.read_text().splitlines()[:2]
    for name in ("machine", "triton", "torch", "started", "command"):
        assert name in header.split(",")
    assert "a GPU" in first
    assert "make bench BENCH=gpu" in first
    shown = str(fused_races.fused_race_table(races))
    assert "RMSNorm, forward, bfloat16, D = 4096" in shown
    assert "90%" in shown
    assert load_fused_races(tmp_path / "none.csv") == ()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's, of its own parts
def test_the_benchmark_stores_what_there_was_time_for_and_counts_what_is_left(
    tmp_path, monkeypatch, capsys
):
    def timed(turns, rounds):
        assert list(turns) == [*gpu.contenders(setting), gpu.COPY]
        return Race({name: [1e-4] * rounds for name in turns})

    setting = next(gpu.settings())
    monkeypatch.setattr(gpu, "settings", lambda: iter([setting]))
    monkeypatch.setattr(gpu, "runs", lambda setting, norms, device: {**norms, gpu.COPY: None})
    monkeypatch.setattr(gpu, "device_race", timed)
    monkeypatch.setattr(gpu, "version", lambda package: "3.7.1")
    monkeypatch.setattr(gpu.fused_norms, "has_kernels", lambda *_: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    out = tmp_path / "rows.csv"
    monkeypatch.setattr(sys, "argv", ["gpu", "--out", str(out), "--rounds", "3"])
    gpu.main()
    (stored,) = load_fused_races(out)
    assert stored.setting == setting
    assert stored.share("torch.compile") == 1.0
    told = capsys.readouterr().out
    assert f"Stored in {out}.\n" in told
    monkeypatch.setattr(gpu, "settings", lambda: iter([setting] * 3))
    monkeypatch.setattr(gpu.time, "monotonic", iter([0.0, 1.0, 300.0]).__next__)
    gpu.main()
    assert "No time was left for 2 races." in capsys.readouterr().out
    assert len(load_fused_races(out)) == 1


def test_the_benchmark_has_all_that_was_asked_for():
    settings = [*gpu.settings()]
    assert len({*settings}) == len(settings)
    assert {s.features for s in settings} >= {768, 65_536}
    assert all(s.rows * s.features > 0.99 * 2**25 for s in settings)
    for name in ("direction", "norm", "added", "dtype"):
        assert len({getattr(s, name) for s in settings}) == 2
