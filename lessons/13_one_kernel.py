# %% [markdown]
# # 13 · One kernel: a norm at the speed of memory
#
# ## What you will be able to do
#
# - Say from a data sheet how long a norm takes at least.
# - Count the bytes that a norm moves when each operation runs on its own, and in one kernel.
# - Read a Triton kernel: programs, blocks, masks, strides, the dtype of the sums.
# - Say why the backward pass is harder than the forward pass.
# - With the sections marked ★: say what `torch.compile` makes of a norm, what rows cost that are too
#   long, what is gained by adding inside the norm, and what a second run of the same pass gives.
#
# {{ minutes }}

# %% [markdown]
# ## 1. The least time
#
# A GPU reads its inputs from memory, computes, and writes the results back. Its data sheet says how
# many bytes a second its memory moves.

# %%
from normlab import quiz

quiz("least-time")

# %% [markdown]
# Beside it: how long does the arithmetic take?

# %%
quiz("twice-the-arithmetic")

# %%
from normlab.chapters.one_kernel import draw_roofline, find_gpu, marks
from normlab.pictures import new_figure

fig, ax = new_figure(width=6.2, height=3.8)
draw_roofline((find_gpu("H100"), marks(item_bytes=2)), ax)

# %% [markdown] tags=["answer"]
# This is a roofline (Williams, Waterman & Patterson 2009). To the right: how many operations the
# work does for each byte that it moves. Upwards: how many a second the GPU can do then. On the
# slope memory decides, on the flat part arithmetic. The pale roofs are other GPUs. An H100's edge
# lies at 20 operations a byte, where a multiplication with an addition counts as two. The formulas
# of norms have between 1 and 2.2 in bfloat16. All of them stand on the slope, of every GPU.
#
# Bandwidth and operations are the data sheets' (outside the units that only multiply matrices). A
# norm that reads its inputs once and writes its results once, at the full bandwidth, cannot be made
# faster, as long as x comes from memory. A GPU also has a cache, a faster memory for what was used
# last, of 50 MB on an H100: what lies there need not come from memory. How near a kernel comes to
# this least time is what the rest of the chapter is about.

# %% [markdown]
# ## 2. One operation at a time
#
# This is RMSNorm as LLaMA's code has it:
#
#     wide = x.float()
#     mean_square = wide.square().mean(-1, keepdim=True)
#     y = weight * (wide * torch.rsqrt(mean_square + eps)).to(x.dtype)

# %%
quiz("one-operation-at-a-time")

# %% [markdown]
# The bars are not timed. Torch is asked for the operators on tensors without memory, and the bytes
# of their inputs and outputs are added up; so the cell needs no GPU.

# %%
from normlab.chapters.one_kernel import Work, draw_operators, eager_operators

rows, features = 8192, 4096
fig, axes = new_figure(columns=2, width=9.5, height=4.6)
for ax, direction, inputs in zip(axes, ("forward", "backward"), (1, 2), strict=True):
    operators = eager_operators(Work("RMSNorm", direction), rows, features)
    draw_operators(operators, ax, tensor_bytes=2 * rows * features, fused=inputs)
    ax.set_title(f"{direction}: {len(operators)} launches")

# %% [markdown] tags=["answer"]
# A bar is a kernel: the CPU launches it, that is, tells the GPU to start it; it reads its inputs
# from memory, writes its output to memory, and ends. Two of the eight forward hardly show, since
# they handle one number a row. Together they move 18 tensors of the size of x, and 2 are the
# least: x once and y once. Backward it is 46 against 3. Numbers in float32 are twice as wide, so
# converting early makes everything behind it dearer. ([Chapter 04](04_rms_norm.ipynb) counts 7
# forward: the operations of the formula, all in one dtype.)
#
# If both ran at the full bandwidth, and nothing else took time, one kernel that moves the least
# would be 9 times as fast forward and 15 times backward.

# %% [markdown]
# ## 3. The kernel
#
# In [Triton](https://triton-lang.org) a kernel is written for one *program*. Many programs run,
# each with its number, on the multiprocessors of the GPU, of which an H100 has 132. A
# multiprocessor shares the work of a program out to threads, and keeps their numbers in registers.
# Here program `row` has one row: it loads it into registers, computes, and stores. `x_ptr` is the
# address of the first element; adding to it moves along memory, and adding `row_stride` moves to
# the next row.

# %% [markdown]
#     @triton.jit
#     def rms_norm_kernel(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
#         row = tl.program_id(0)
#         columns = tl.arange(0, BLOCK)
#         ...
#
# BLOCK is known when the kernel is compiled (`tl.constexpr`). It is a power of two, as Triton wants
# it, and D need not be one.

# %%
quiz("missing-mask")

# %%
from normlab.chapters.one_kernel import draw_program

fig, ax = new_figure(width=7.0, height=2.2)
draw_program((4, 11), ax, stride=12, block=16, program=1)

# %% [markdown] tags=["answer"]
# The picture is memory: eleven features, twelve places from one row to the next, sixteen asked for.
# The mask `columns < D` says which addresses are read, and `other=0.0` what stands for the rest:
# zeros add nothing to a sum of squares. The same mask keeps the store from writing into row 2. On a
# GPU the programs run at the same time, so an unmasked store is a race: now and then it destroys
# what the other program has written.
#
# This is a whole kernel, which only doubles its rows:
#
#     @triton.jit
#     def twice_kernel(x_ptr, y_ptr, row_stride, D, BLOCK: tl.constexpr):
#         row = tl.program_id(0)
#         columns = tl.arange(0, BLOCK)                              # (BLOCK,)
#         inside = columns < D
#         x = tl.load(x_ptr + row * row_stride + columns, mask=inside, other=0.0)
#         tl.store(y_ptr + row * row_stride + columns, 2 * x, mask=inside)
#
#     launch = twice_kernel[(N,)]                                    # N programs
#     launch(x, y, x.stride(0), D, BLOCK=1024)
#
# RMSNorm's has its formula in place of the 2, and three things to watch: the mean divides by D and
# not by BLOCK, $\varepsilon$ stands under the root, and the squares are taken in float32 ([chapter
# 03](03_numerics.ipynb)). You will write it in [exercise 09](../exercises/09_one_kernel.ipynb).

# %% [markdown]
# Nothing of the row goes back to memory before y. These are the bytes that our kernels moved,
# counted at each load and store under Triton's interpreter (`normlab remake counted_bytes`), which
# is taken for a GPU of two multiprocessors:

# %% tags=["answer"]
from normlab import Table
from normlab.chapters.one_kernel import load_counted


def counted_table(direction, *lengths):
    columns = f"RMSNorm {direction}, 16 rows of D =", "x is read", "written", "x has", "all else"
    counts = [
        [f"{c.features:,}", c.read, c.written, f"{2 * c.rows * c.features:,} B", f"{c.others:,} B"]
        for c in load_counted()
        if c.work == Work("RMSNorm", direction) and c.features in lengths
    ]
    return Table(columns, counts)


counted_table("forward", 1024, 16384)

# %% [markdown] tags=["answer"]
# x is read once and y is written once: the least there is. All else is γ, which each program reads
# once, and 8 bytes a row that are kept for the backward pass. A program has many rows where there
# are many, so γ is read as often as there are programs, and not as rows; a cache serves all but its
# first reading.

# %% [markdown]
# ## 4. What the compiler makes of it ★
#
# `torch.compile` writes such kernels itself.

# %%
quiz("compiled-norm")

# %% tags=["answer"]
from normlab.chapters.one_kernel import load_compiled

columns = "torch.compile, for an H100", "rows", "D", "launches", "tensors moved", "read again"
shown = [
    [f"{c.norm}, {c.direction}", c.rows, c.features, c.launches, moved, c.repeated_reads]
    for c in load_compiled()
    if not c.added and (c.rows, c.features) in ((2048, 4096), (8192, 1024), (8192, 4096))
    for moved in [c.reads + c.writes + round(c.parts, 2)]
]
Table(columns, shown)

# %% [markdown] tags=["answer"]
# Nobody ran these kernels for the table. Torch 2.13 wrote their source as for an H100, and the
# loads and stores in it are counted (`normlab remake compiled_norms`); when it runs, it may still
# choose between some of their sizes.
#
# Forward it is one kernel here. Up to D = 1,024 a row stays in registers. From 2,048 on the code
# goes through the row in two loops and reads x in each; whether the second read comes from memory
# or from a cache, a count cannot say. Backward, for 8,192 rows of up to 4,096, it makes what
# section 6 explains: one kernel for both kinds of sums, then two or four small ones. For 2,048 rows
# it makes a kernel by rows and another by columns, which move 7 tensors.

# %% [markdown]
# ## 5. Rows that are too long ★
#
# A row that stays in registers is read once. Before the first element of dx is known, two means
# over the row are needed, of dy and x (section 6).

# %%
quiz("second-read")

# %% [markdown] tags=["answer"]
# A multiprocessor of an H100 has 65,536 registers of 4 bytes for all of its programs. Our kernels
# keep rows up to 32,768 elements forward and 16,384 backward, where dy, x, γ and the sums for dγ
# have to be there at once. At these limits not all of it fits (1,024 threads have 64 registers
# each), and the compiler puts some into the nearest cache. Longer rows could be held too, in the
# memory that the threads of a program share, or by several multiprocessors together, as QuACK does
# (Guo, Zadouri & Dao 2025). Ours are read again:

# %% tags=["answer"]
counted_table("backward", 16384, 32768)

# %% tags=["answer"]
counted_table("forward", 32768, 65536)

# %% [markdown] tags=["answer"]
# At 65,536 γ is read anew for every second row, which a cache serves.
#
# Does one loop suffice for the statistics? For RMSNorm it does. For LayerNorm one loop could take
# $\operatorname{mean}(x^2) - \operatorname{mean}(x)^2$, which loses the digits that chapter 03 has
# counted; ours merges the means and squares of tiles (Chan, Golub & LeVeque 1983).

# %% [markdown]
# ## 6. The backward pass
#
# Backward, with $u = dy \odot \gamma$, LayerNorm has (RMSNorm has no $\operatorname{mean}(u)$)
#
# $$dx = \frac1{\sigma_\varepsilon}\left[u - \operatorname{mean}(u) -
# \hat x \operatorname{mean}(u \odot \hat x)\right], \qquad
# d\gamma = \sum_{\text{rows}} dy \odot \hat x$$

# %%
quiz("sum-across-programs")

# %%
from normlab.chapters.one_kernel import draw_two_sums

fig, ax = new_figure(width=6.5, height=4.2)
draw_two_sums((8, 10), ax, programs=2)

# %% [markdown] tags=["answer"]
# The same products are summed along rows, weighted by γ, and along columns. Whoever has whole rows
# finishes dx, and has only a part of dγ. Two kernels, one by rows and one by columns, would read dy
# and x twice: 5 tensors in place of 3. Ours has few programs, each with many rows. A program adds
# its rows up in registers and writes one part of D numbers at the end; a second launch adds the
# parts.

# %%
from normlab.chapters.one_kernel import variants

for rows in (128, 512, 2048, 8192, 32768):
    way = variants(Work("RMSNorm", "backward"), rows, 4096)[2]
    print(f"{rows:6,} rows of 4,096: {way.tensors:g} tensors, and {way.parts:.2f} for the parts")

# %% [markdown] tags=["answer"]
# On an H100 there are at most 264 programs for such rows, two for each multiprocessor. For many
# rows their parts hardly count. For 128 rows each program has one row, and the parts are more than
# the rows: float32, written and read.
#
# And a program holds more in registers, so that fewer of them fit. While one waits for memory,
# others should compute; with few that fails more often. In Liger's own table 2,048 rows of 16,384
# on an H100 NVL take 64 µs forward and 111 µs backward: 1.7 times as long, where dy and x and dx
# are 1.5 times as many bytes. How much of the rest is parts, a second launch, or waiting, the table
# does not say.

# %% [markdown]
# ## 7. Two runs ★
#
# A simpler way: every program adds its part to dγ in memory, by an atomic addition.

# %%
quiz("order-of-a-sum")

# %%
import numpy as np

rng = np.random.default_rng(0)
parts = rng.standard_normal((1024, 8)).astype(np.float32)  # of 1024 programs, D = 8


def summed(order):
    total = np.zeros(8, np.float32)
    for program in order:
        total += parts[program]
    return total


runs = [summed(rng.permutation(1024)) for _ in range(20)]
differences = np.ptp(runs, axis=0)  # (20, 8) -> (8,)
print("20 runs, in orders that are drawn, for those in which programs finish:")
print("   different results:", len({run.tobytes() for run in runs}))
print(f"   greatest difference: {differences.max():.0e}, of sums up to {np.abs(runs).max():.0f}")
print("20 runs, always in the same order:")
print("   different results:", len({summed(range(1024)).tobytes() for _ in range(20)}))

# %% [markdown] tags=["answer"]
# Our parts are written apart and added in one fixed order, whoever finishes first, so a run gives
# the same bits as the last one. Another GPU, or another number of rows, has other parts and may
# give other bits. Forward there is a second promise: the tile in which a row is computed depends on
# D and the dtype alone. So a row has the same bits alone and in a batch of any size, if rows lie
# equally far apart in both; [chapter 03](03_numerics.ipynb) finds that missing elsewhere.
# `tests/kernels_at_work.py` tests both promises; without a GPU programs run one by one, so that
# there the first follows from the code, and is not put to the test.

# %% [markdown]
# ## 8. The addition before the norm ★

# %%
quiz("add-and-norm")

# %%
for direction in ("forward", "backward"):
    norm, both = (
        variants(Work("RMSNorm", direction, added=added), 8192, 4096) for added in (False, True)
    )
    addition = both[0].tensors - norm[0].tensors  # as an operation on its own
    two, one = addition + norm[2].tensors, both[2].tensors
    print(f"{direction:8}  an addition and a norm: {two:g}, one kernel: {one:g}")

# %% [markdown] tags=["answer"]
# Forward the second reading of s is spared. Backward there is the gradient of the sum beside that
# of the norm, and both end in dx: two kernels write the norm's part of dx and read it again to add
# the other. `fused_norms.add_rms_norm(x, residual, weight)` returns both the sum and its norm. The
# norm is that of the sum as it is rounded to the dtype, so it is the norm of what the next layer
# sees.

# %% [markdown]
# ## 9. What RMSNorm saves now

# %%
quiz("what-rms-norm-saves")

# %% [markdown]
# **Explore.** Begin with RMSNorm and LayerNorm forward. Which bars move? For which numbers of rows
# of 4,096 would an H100 move the last way's bytes in under a microsecond? Then raise D until the
# last bar grows. And backward: what do few rows change?

# %% tags=["answer"]
from normlab.chapters.one_kernel import explore_kernels

explore_kernels()

# %% [markdown] tags=["answer"]
# Between the norms only the upper bar changes: one operation at a time RMSNorm spares 8 of 26
# tensors, in one kernel none. What RMSNorm gains in chapter 04 comes from code that is not fused.
# Backward and for few rows the parts count, of which LayerNorm has twice as many: at 128 rows of
# 4,096 LayerNorm moves 11 tensors and RMSNorm 7. `torch.compile` has no parts there, and 7 for
# both.
#
# 128 rows of 4,096 take 0.63 µs, by bytes over bandwidth. There other costs decide, which this
# count does not know: the launches, a GPU that is not full, and a cache that holds all of x.

# %% [markdown]
# ## 10. Measured
#
# So far everything was counted. The clock:

# %% tags=["timing", "answer"]
from normlab.chapters.one_kernel import COMMAND, races
from normlab.chapters.rms_norm import fused_race_table

print(fused_race_table(races()) if races() else f"not measured yet: run {COMMAND} on a GPU")

# %% [markdown] tags=["answer"]
# The goal on an H100 or H200: forward 90 % of the bandwidth that a copy reaches in the same run,
# backward 75 %, for D from 1,024 to 16,384. Whether our kernels reach it is **not measured yet**:
# no GPU was at hand when this was written. The authors of QuACK report about 90 % of the data
# sheet's bandwidth for their forward pass on an H100, for D beyond 4k (Guo, Zadouri & Dao 2025).
#
# What is tested without a GPU: the numbers, the bytes, and that every kernel compiles. `make bench
# BENCH=gpu`, which should take under four minutes, races ours with `torch.nn.functional`, with
# `torch.compile` at three D in bfloat16, with Liger, and with QuACK's RMSNorm, and stores the rows
# that this section and the explorer read.

# %% [markdown]
# ## 11. In your model
#
# `normlab.torch_norms` uses the kernels for CUDA tensors where Triton is installed
# (`pip install 'normlab[kernels]'`), and says which way it takes.

# %% tags=["nbval-ignore-output"]
import torch

from normlab.torch_norms import RMSNorm

norm = RMSNorm(4096, dtype=torch.bfloat16)
print(norm)
print(norm(torch.ones(2, 4096, dtype=torch.bfloat16)).shape)

# %% [markdown] tags=["answer"]
# On a CPU the path is `chunks`: rows are normalized some at a time, with PyTorch's own functions.
# On a GPU `torch.compile`, checkpointing, autocast and `vmap` go through the kernels. What needs a
# derivative of a derivative, or one in forward mode, takes the written-out form. There is nothing
# to switch.

# %% [markdown]
# ## The exercise
#
# Write RMSNorm's forward pass as a Triton kernel: [exercise 09](../exercises/09_one_kernel.ipynb).
# It runs on a CPU, under Triton's interpreter; with a GPU you see its bandwidth.

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - A norm does between 1 and 2.2 operations for each byte in bfloat16, and an H100 could do 20: memory decides.
# - The least time is bytes over bandwidth: 40 µs for 8192 × 4096 in bfloat16 on an H100.
# - One operation at a time RMSNorm moves 18 tensors forward and 46 backward; one kernel 2, and 3 with
#   parts that count for few rows.
# - A kernel needs a mask for what lies beyond D, at the load and at the store.
# - Backward sums run along rows and along columns; parts that are added in a fixed order give the
#   same bits each run.
# - In one kernel RMSNorm moves what LayerNorm moves.

# %% [markdown]
# ## Sources
#
# - Williams, Waterman & Patterson 2009, *Roofline: An Insightful Visual Performance Model for
#   Multicore Architectures*, Communications of the ACM 52(4), doi 10.1145/1498765.1498785.
# - Tillet, Kung & Cox 2019, *Triton: An Intermediate Language and Compiler for Tiled Neural Network
#   Computations*, doi 10.1145/3315508.3329973.
# - Chan, Golub & LeVeque 1983, *Algorithms for Computing the Sample Variance*, The American
#   Statistician 37(3), 242–247, Eq. 2.1.
# - Hsu et al. 2024, *Liger Kernel: Efficient Triton Kernels for LLM Training*, arXiv:2410.10989. Its
#   times: github.com/linkedin/Liger-Kernel, commit 3534d44, benchmark/data/h100_all_benchmark_data.csv.
# - Guo, Zadouri & Dao 2025, *Getting Memory-bound Kernels to Speed-of-Light*: github.com/Dao-AILab/quack,
#   commit ca5369b, media/2025-07-10-membound-sol.md.
# - NVIDIA's data sheets of L4, A100, H100, H200 and HGX B200, and its white paper on Ada (RTX 4090).
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("13")
