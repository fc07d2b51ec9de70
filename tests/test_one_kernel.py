"""Chapter 13: what bounds a norm's time, and what each way of running it moves."""

import dataclasses

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.text import Annotation
from torch.nn import functional as F

from normlab.chapters.one_kernel import counted, gpus, measured, traffic, written_out
from normlab.chapters.one_kernel.comparison import compare_ways
from normlab.chapters.one_kernel.compiled import FEATURES, ITEM_BYTES, ROWS
from normlab.chapters.one_kernel.explorers import WORKS, explore_kernels
from normlab.chapters.one_kernel.figures import draw_operators, draw_roofline
from normlab.chapters.one_kernel.intensity import marks, norm_intensity, product_intensity
from normlab.chapters.one_kernel.memory_figures import draw_program, draw_two_sums
from normlab.chapters.one_kernel.traffic import EAGER, FUSED
from normlab.chapters.one_kernel.written_out import DIRECTIONS, NORMS, Work, eager_operators
from normlab.chapters.rms_norm.fused_races import OURS, FusedRace, Setting
from normlab.chapters.rms_norm.operators import logged_operators
from normlab.fused_norms import tiles
from normlab.fused_norms.launches import STATISTICS
from normlab.pictures import new_figure
from normlab.pictures.style import ORANGE, PINK
from normlab.tools.timing import Quartiles

ALL = [Work(n, d, added) for n in NORMS for d in DIRECTIONS for added in (False, True)]


# The least time


def test_the_least_time_is_that_of_what_takes_longer():
    gpu = gpus.Gpu("slow", bandwidth=10.0, flops=100.0, source="")
    assert gpu.least_seconds(20.0, operations=50.0) == 2.0
    assert gpu.least_seconds(20.0, operations=500.0) == 5.0
    assert gpu.balance == 10.0
    assert [gpu.attainable(each) for each in (1.0, 10.0, 50.0)] == [10.0, 100.0, 100.0]


def test_every_norm_is_bound_by_memory_on_every_gpu_and_a_large_product_by_arithmetic():
    for gpu in gpus.GPUS:
        for norm in NORMS:
            for direction in DIRECTIONS:
                assert norm_intensity(norm, direction, item_bytes=2) < gpu.balance
        assert product_intensity(4096, item_bytes=2) > gpu.balance


def test_gpus_stand_in_order_and_an_unknown_one_is_named():
    assert sorted(gpus.GPUS, key=lambda gpu: gpu.bandwidth) == [*gpus.GPUS]
    with pytest.raises(ValueError, match=r"'H999'.*expected one of L4, RTX 4090, A100"):
        gpus.find_gpu("H999")


# What is moved


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_norms_that_are_counted_are_the_norms(dtype):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 16, generator=generator).to(dtype)
    weight, bias = torch.randn(2, 16, generator=generator).to(dtype)
    tolerance = {"rtol": 2e-2, "atol": 2e-2} if dtype == torch.bfloat16 else {}
    wanted = F.layer_norm(x, (16,), weight, bias, 1e-5), F.rms_norm(x, (16,), weight, 1e-6)
    norms = written_out.layer_norm, written_out.rms_norm
    for norm, exact in zip(norms, wanted, strict=True):
        y = norm(x, weight, bias)
        assert y.dtype == dtype
        torch.testing.assert_close(y, exact, **tolerance)


def test_an_operator_reads_its_inputs_and_writes_its_outputs():
    x = torch.empty(6, 4, device="meta")
    (product,) = logged_operators(lambda: x * x[:, :1].expand(6, 4))
    assert (product.name, product.read, product.written) == ("mul", 4 * (24 + 6), 4 * 24)
    assert logged_operators(lambda: x.t()[1:].unsqueeze(0)) == []
    (no_rows,) = logged_operators(lambda: x[:0] + 1)
    assert (no_rows.read, no_rows.written) == (0, 0)


def test_one_operation_at_a_time_is_what_the_chapter_says():
    names = [op.name for op in eager_operators(Work("RMSNorm", "forward"), 64, 32)]
    assert names == ["_to_copy", "pow", "mean", "add", "rsqrt", "mul", "_to_copy", "mul"]
    tensors = {str(work): round(traffic.eager(work, 8192, 4096).tensors) for work in ALL}
    assert tensors["RMSNorm, forward"] == 18
    assert tensors["RMSNorm, backward"] == 46
    assert tensors["LayerNorm, forward"] == 26
    for work in ALL:
        alone = dataclasses.replace(work, added=False)
        assert tensors[str(work)] - tensors[str(alone)] == 3 * work.added


def test_fused_kernels_move_what_was_counted():
    assert len(counted.load_counted()) == len(ALL) * len(counted.FEATURES)
    for found in counted.load_counted():
        way = traffic.fused(found.work, found.rows, found.features)
        assert found.read + found.written == way.tensors
        assert found.written == (2 if found.work.added and found.work.direction == "forward" else 1)
        assert found.rows == counted.ROWS


def test_the_parts_of_sums_are_among_what_else_was_counted(monkeypatch):
    monkeypatch.setattr(traffic, "PROCESSORS", tiles.PROCESSORS_INTERPRETED)
    backward = [c for c in counted.load_counted() if c.work.direction == "backward"]
    assert {traffic.fused(c.work, c.rows, c.features).parts > 0 for c in backward} == {True, False}
    for found in backward:
        N, D, gradients = found.rows, found.features, 1 + (found.work.norm == "LayerNorm")
        parts = traffic.fused(found.work, N, D).parts * N * D * ITEM_BYTES
        if not parts:  # rows too long for registers: a program has columns, and all of their sums
            continue
        programs = parts / (2 * 4 * gradients * D)  # float32, written and read
        name = "layer_norm" if gradients == 2 else "rms_norm"
        gain_and_gradients = (programs + gradients) * D * ITEM_BYTES
        assert found.others == parts + gain_and_gradients + N * STATISTICS[name] * 4


def test_few_rows_leave_as_many_parts_as_there_are_rows():
    moved = [traffic.fused(Work("RMSNorm", "backward"), rows, 4096).moved for rows in ROWS]
    assert moved[:-1] == [7, 5, 3.5, 3.125]
    assert 3 < moved[-1] < 3.04
    assert traffic.fused(Work("LayerNorm", "backward"), 128, 4096).moved == 11
    assert traffic.compiled(Work("LayerNorm", "backward"), 128, 4096).moved == 7


def test_what_is_counted_now_is_what_is_stored(tmp_path):
    pytest.importorskip("triton")
    counted.write_counted(tmp_path / "counted.csv", features=[1024])
    stored = [row for row in counted.load_counted() if row.features == 1024]
    old, counted.STORED = counted.STORED, tmp_path / "counted.csv"
    try:
        assert [*counted.load_counted.__wrapped__()] == stored
    finally:
        counted.STORED = old


@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize("work", ALL, ids=str)
def test_each_way_moves_no_more_than_the_one_before_but_for_parts(work, features):
    for rows in ROWS:
        ways = traffic.variants(work, rows, features)
        assert [way.name for way in ways] == [EAGER, traffic.COMPILED, FUSED]
        assert ways[0].moved > 2 * ways[1].moved
        assert ways[0].launches > ways[1].launches >= ways[2].launches
        assert ways[1].tensors >= ways[2].tensors - ways[2].again
        assert ways[2].moved == ways[2].tensors + ways[2].parts


def test_another_norm_or_direction_is_refused():
    with pytest.raises(ValueError, match="norm is 'BatchNorm'; expected 'LayerNorm' or 'RMSNorm'"):
        Work("BatchNorm", "forward")
    with pytest.raises(ValueError, match="direction is 'sideways'"):
        Work("RMSNorm", "sideways")


# What was measured


@pytest.fixture
def one_race(monkeypatch):
    setting = Setting("forward", "RMSNorm", False, "bfloat16", 8192, 4096)
    seconds = {OURS: Quartiles(4e-5, 5e-5, 6e-5), "Liger": Quartiles(5e-5, 6e-5, 7e-5)}
    race = FusedRace(setting, "NVIDIA L40S", seconds, Quartiles(4e-5, 4e-5, 4e-5))
    monkeypatch.setattr(measured, "races", lambda: (race,))


@pytest.mark.usefixtures("one_race")
def test_what_was_measured_is_shown_for_that_work_on_that_gpu_alone():
    work = Work("RMSNorm", "forward")
    found = {(FUSED, 8192, 4096): 5e-5}
    assert measured.measured_seconds(work, "L40S") == found
    for other in (Work("LayerNorm", "forward"), dataclasses.replace(work, added=True)):
        assert measured.measured_seconds(other, "L40S") == {}
    assert measured.measured_seconds(work, "L4") == {}
    comparison = dataclasses.replace(compare_ways(work, "H100"), measured=found)
    assert [timed.measured for timed in comparison.at(8192, 4096)] == [None, None, 5e-5]
    assert [timed.measured for timed in comparison.at(2048, 4096)] == [None] * 3


# Pictures


def test_the_roofline_has_every_mark_under_the_roof():
    _, ax = new_figure()
    gpu = gpus.find_gpu("A100")
    draw_roofline((gpu, marks(item_bytes=2)), ax)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == [mark.name for mark in marks(item_bytes=2)]
    for mark, line in zip(marks(item_bytes=2), ax.lines[-len(names) :], strict=True):
        assert line.get_ydata()[0] == gpu.attainable(mark.intensity)
    plt.close("all")


def test_the_bars_of_operators_are_their_bytes():
    _, ax = new_figure()
    operators = eager_operators(Work("RMSNorm", "forward"), 8192, 4096)
    draw_operators(operators, ax, tensor_bytes=2 * 8192 * 4096, fused=1)
    widths = sum(bar.get_width() for bar in ax.patches)
    assert round(widths) == 18 + 2
    assert [tick.get_text() for tick in ax.get_yticklabels()][-1] == "the least"
    plt.close("all")


def test_a_program_asks_for_its_block_and_only_its_row_is_kept():
    _, ax = new_figure()
    draw_program((4, 11), ax, stride=12, block=16, program=1)
    asked = ax.patches[4 * 12 :]
    assert len(asked) == 16
    kept = [patch.get_xy() for patch in asked if patch.get_hatch() is None]
    assert kept == [(column, 1) for column in range(11)]
    masked = [patch.get_xy() for patch in asked if patch.get_hatch()]
    assert masked == [(11, 1), (0, 2), (1, 2), (2, 2), (3, 2)]
    assert {text.get_color() for text in ax.texts} == {PINK, ORANGE}
    plt.close("all")


def test_the_two_sums_have_an_arrow_for_each_row_and_two_for_each_column():
    _, ax = new_figure()
    draw_two_sums((8, 10), ax, programs=2)
    assert sum(isinstance(text, Annotation) for text in ax.texts) == 8 + 2 * 10
    said = [text.get_text() for text in ax.texts]
    assert {"dγ, part of program 0", "dγ, part of program 1"} < {*said}
    plt.close("all")


def test_the_explorer_says_what_each_way_moves():
    explorer = explore_kernels()
    assert len(explorer.frames) == len(FEATURES) * len(ROWS)
    (frame,) = (f for f in explorer.frames if "8,192 rows of D = 4,096 " in f["sentence"])
    assert (
        "one kernel moves 2 tensors of that size, one operation at a time 18" in frame["sentence"]
    )
    fused = frame["rows"][-1]
    assert fused == ["normlab.fused_norms", "1", "134.2", "0", "0", "40.1 µs", "not measured"]
    assert {*WORKS} == {str(w).split(",")[0] for w in ALL}
