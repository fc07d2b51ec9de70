"""What torch.compile would launch: the stored counts, and how they are read from its source."""

import sys
from importlib.util import find_spec

import pytest
import torch

from normlab.chapters.one_kernel import compiled, imagined_gpu
from normlab.chapters.one_kernel.compiled import counts, load_compiled, write_compiled

KNOWN = find_spec("triton") is not None and torch.__version__.startswith(f"{imagined_gpu.TORCH}.")
SOURCE = """
triton_red_fused_0 = async_compile.triton('triton_red_fused_0', '''
def triton_red_fused_0(in_ptr0, in_ptr1, out_ptr0, out_ptr1, xnumel, XBLOCK : tl.constexpr):
    for offset in tl.range(0, 8, 4):
        tmp0 = tl.load(in_ptr0 + (offset + 8*x0), mask)
        tmp1 = tl.load(in_ptr1 + (offset), mask)
        tl.store(out_ptr0 + (offset + 8*x0), tmp0, mask)
    for offset in tl.range(0, 8, 4):
        tmp2 = tl.load(in_ptr0 + (offset + 8*x0), mask)
        tmp3 = tl.load(out_ptr0 + (offset + 8*x0), mask)
        tl.store(out_ptr1 + (offset + 8*x0), tmp2, mask)
''', device_str='cuda')
    def call(self, args):
        buf0 = empty_strided_cuda((4, 8), (8, 1), torch.bfloat16)
        buf1 = empty_strided_cuda((4, 8), (8, 1), torch.float32)
        workspace_0 = empty_strided_cuda((16, ), (1, ), torch.float32)
        buf3 = empty_strided_cuda((4, 1), (1, 1), torch.float32)
        triton_red_fused_0.run(arg0_1, arg1_1, buf0, buf1, 4, stream=raw_stream0)
        buf2 = workspace_0[0 : 2].view(2, 8).sum(dim=0).view([1, 8])
    def get_args():
        arg0_1 = rand_strided((4, 8), (8, 1), device='cuda:0', dtype=torch.bfloat16)
        arg1_1 = rand_strided((8, ), (1, ), device='cuda:0', dtype=torch.bfloat16)
"""


def test_loads_and_stores_of_large_tensors_are_counted_in_a_source():
    launches, reads, again, writes, parts = counts(SOURCE, rows=4, features=8)
    assert launches == 2  # the kernel, and the sum of the parts
    assert reads == 3  # x twice, and what was stored
    assert again == 2
    assert writes == 3  # one in bfloat16 and one in float32, which is twice as wide
    assert parts == 2  # 16 numbers in float32, written and read; statistics of rows are none
    assert counts(SOURCE, rows=1, features=8)[1:4] == (1, 0, 0)  # the gain alone has that size
    assert counts(SOURCE.replace("red_fused_0.run(", "red_fused_1.run("), 4, 8)[0] == 1


def test_there_is_a_row_for_every_piece_of_work():
    rows = load_compiled()
    keys = {(row.norm, row.direction, row.added, row.rows, row.features) for row in rows}
    assert len(rows) == len(keys) == 2 * 2 * 2 * len(compiled.ROWS) * len(compiled.FEATURES)


def test_the_rows_are_what_the_chapter_says():
    for row in load_compiled():
        tensors, added = row.reads + row.writes, int(row.added)
        if row.direction == "forward":
            short = row.features <= 1024
            assert row.launches == (3 if row.rows == 128 and row.features >= 16384 else 1)
            assert tensors == 2 + 2 * added + (not short)
            assert row.repeated_reads == (not short and row.launches == 1)
        elif _sums_both_ways(row):
            rms = row.norm == "RMSNorm"
            assert tensors == 3 + added
            assert row.parts == pytest.approx(0.25 if rms else 0.5, rel=1e-3)
            assert row.launches == (3 if rms else 4 if row.features == 16384 else 5)
            assert row.repeated_reads == 0
        else:
            short = row.features <= 1024
            assert tensors == (5 if short else 7) + added
            assert row.repeated_reads == (0 if short else 2)
            assert row.parts < 0.07


def _sums_both_ways(row):
    """Whether one kernel takes the sums of rows and of columns, of which there are parts."""
    return row.features <= {8192: 4096, 32768: 16384}.get(row.rows, 0)


@pytest.mark.skipif(not KNOWN, reason="needs Triton, and the torch whose insides are known")
def test_what_is_compiled_now_is_what_is_stored(tmp_path, monkeypatch):
    write_compiled(tmp_path / "compiled.csv", rows=[8192], features=[4096])
    stored = [row for row in load_compiled() if (row.rows, row.features) == (8192, 4096)]
    monkeypatch.setattr(compiled, "STORED", tmp_path / "compiled.csv")
    assert [*load_compiled.__wrapped__()] == stored


def test_another_torch_and_a_missing_triton_are_named(monkeypatch):
    monkeypatch.setattr(torch, "__version__", "2.99.0")
    with pytest.raises(RuntimeError, match=r"torch is 2\.99\.0; expected 2\.13"):
        imagined_gpu.generated_sources(lambda x: (x,), [])
    monkeypatch.setattr(torch, "__version__", f"{imagined_gpu.TORCH}.0")
    monkeypatch.setitem(sys.modules, "triton", None)
    with pytest.raises(RuntimeError, match=r"Triton is not installed.*normlab\[kernels\]"):
        imagined_gpu.generated_sources(lambda x: (x,), [])
