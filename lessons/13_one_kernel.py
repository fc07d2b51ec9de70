# %% [markdown]
# # 13 · One kernel: a norm at the speed of memory
#
# ## What you will be able to do
#
# - Say from a data sheet how long a norm must take, and why arithmetic is not the reason.
# - Count the bytes that a norm moves when each operation runs on its own, and in one kernel.
# - Read a Triton kernel: programs, blocks, masks, strides, the dtype of the sums.
# - Say why the backward pass is harder than the forward pass.
# - With the sections marked ★: say what `torch.compile` makes of a norm, what a second read costs,
#   what is gained by adding inside the norm, and why two runs may differ in their last bits.
#
# {{ minutes }}

# %% [markdown]
# ## 1. The least time
#
# [Chapter 04](04_rms_norm.ipynb) counted operations, and found that they do not decide. What does?
# A GPU reads its inputs from memory, computes, and writes the results back.

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
# work does for each byte that it moves. Upwards: how many a second the GPU can do then. On the slope
# memory decides, on the flat part arithmetic. An H100's edge lies at 20 operations a byte; the pale
# roofs are other GPUs. Norms in bfloat16 do between 1 and 2.2. All of them stand on the slope, of every GPU.
#
# The bandwidth and the operations are those of the data sheets, outside the matrix units. A norm
# that reads its inputs once and writes its results once, at the full bandwidth, cannot be made
# faster. How near a kernel comes is what the rest of the chapter is about.

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
# The bars are not timed. Torch is asked for the operators on tensors without memory, and the bytes of
# their inputs and outputs are added up; so the cell needs no GPU.

# %%
from normlab.chapters.one_kernel import Work, draw_operators, eager_operators

rows, features = 8192, 4096
fig, axes = new_figure(columns=2, width=9.5, height=4.6)
for ax, direction, inputs in zip(axes, ("forward", "backward"), (1, 2), strict=True):
    operators = eager_operators(Work("RMSNorm", direction), rows, features)
    draw_operators(operators, ax, tensor_bytes=2 * rows * features, fused=inputs)
    ax.set_title(f"{direction}: {len(operators)} launches")

# %% [markdown] tags=["answer"]
# A bar is a kernel: it is launched, reads its inputs from memory, writes its output to memory, and
# ends. Two of the eight forward hardly show, since they handle one number a row. Together they move
# 18 tensors of the size of x, and one kernel moves 2. Backward it is 46 against 3. Numbers in float32
# are twice as wide, so converting early makes everything behind it dearer.
#
# For the whole of a norm this is a bound of 9 on what one kernel can gain forward, and of 15 backward.

# %% [markdown]
# ## 3. The kernel
#
# In [Triton](https://triton-lang.org) a kernel is written for one *program*. Many programs run, each
# with its number. Here program `row` has one row: it loads it into registers, computes, stores. `x_ptr`
# is the address of the first element, and adding to it moves along memory.

# %% [markdown]
#     @triton.jit
#     def rms_norm_kernel(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
#         row = tl.program_id(0)
#         columns = tl.arange(0, BLOCK)
#         ...
#
# BLOCK is a power of two, as Triton wants it, and D need not be one.

# %%
quiz("missing-mask")

# %%
from normlab.chapters.one_kernel import draw_program

fig, ax = new_figure(width=7.0, height=2.2)
draw_program((4, 11), ax, stride=12, block=16, program=1)

# %% [markdown] tags=["answer"]
# The picture is memory: eleven features, twelve places from one row to the next, sixteen asked for.
# The mask `columns < D` says which addresses are read, and `other=0.0` what stands for the rest: zeros
# add nothing to a sum of squares. The same mask keeps the store from writing into row 2. On a GPU the
# programs run at the same time, so an unmasked store is a race: now and then it destroys what the
# other program has written.
#
# The rest is RMSNorm's formula, with three things to watch: the mean divides by D and not by BLOCK,
# $\varepsilon$ stands under the root, and the squares are taken in float32 ([chapter
# 03](03_numerics.ipynb)). You will write it in [exercise 09](../exercises/09_one_kernel.ipynb).

# %% [markdown]
# Nothing of the row goes back to memory before y. These are the bytes that our kernels moved, counted
# at each load and store under Triton's interpreter (`normlab remake counted_bytes`):

# %% tags=["answer"]
from normlab import Table
from normlab.chapters.one_kernel import load_counted

counted = [c for c in load_counted() if not c.work.added and c.work.norm == "RMSNorm"]
Table(
    ("RMSNorm, 16 rows", "D", "x-sized tensors read", "written", "all other bytes"),
    [[c.work.direction, c.features, c.read, c.written, f"{c.others:,}"] for c in counted],
)

# %% [markdown] tags=["answer"]
# One read and one write forward, two reads and one write backward: the least there is, up to a length
# at which rows do not fit into registers any more (section 5). The other bytes are statistics of
# rows, gains, and parts of the gradient of the gain; they do not grow with the rows as the first do,
# but for the longest rows, where γ is read again for every second row. A cache serves that.

# %% [markdown]
# ## 4. What the compiler makes of it ★
#
# `torch.compile` writes such kernels itself.

# %%
quiz("compiled-norm")

# %% tags=["answer"]
from normlab.chapters.one_kernel import load_compiled

shown = [
    [
        f"{c.norm}, {c.direction}",
        c.features,
        c.launches,
        c.reads + c.writes,
        c.repeated_reads,
    ]
    for c in load_compiled()
    if not c.added and c.features in (1024, 4096, 65536)
]
Table(("torch.compile, for an H100", "D", "launches", "tensors moved", "read again"), shown)

# %% [markdown] tags=["answer"]
# Nobody ran these kernels for the table. Torch 2.13 wrote their source as for an H100, and the loads
# and stores in it are counted (`normlab remake compiled_norms`), for rows with $N D = 2^{25}$.
#
# Forward it is one kernel. Up to D = 1,024 a row stays in registers. From 2,048 on the code goes
# through the row in two loops and reads x in each; whether the second read comes from memory or from
# a cache, a count cannot say. Backward and up to 4,096 it makes what section 6 explains: one kernel
# for both kinds of sums, then small ones. Beyond that it makes two large kernels, one by rows and one
# by columns, which move 7 tensors where 3 would do.

# %% [markdown]
# ## 5. Two passes ★
#
# A norm needs its row twice: for the statistics, and for y. If the row stays in registers, it is read
# once.

# %%
quiz("second-read")

# %% [markdown] tags=["answer"]
# A multiprocessor of an H100 has 65,536 registers of 4 bytes for all of its programs. Our kernels keep
# rows up to 32,768 elements forward and 16,384 backward, where dy, x and the sums for dγ have to be
# there at once. The table of section 3 shows the step: 2 to 3 tensors forward, 3 to 5 backward.
#
# Could the statistics be had in one pass, without holding the row? The sum and the sum of squares
# can, and $\operatorname{mean}(x^2) - \operatorname{mean}(x)^2$ loses the digits that chapter 03 has
# counted. And y still needs the row again. Our kernels for long rows merge the means and squares of
# tiles (Chan, Golub & LeVeque 1983), and read the row a second time.

# %% [markdown]
# ## 6. The backward pass
#
# Backward, with $u = dy \odot \gamma$,
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
# The same numbers are summed along rows and along columns. Whoever has whole rows finishes dx, and
# has only a part of dγ. Two kernels, one by rows and one by columns, would read dy and x twice: 5
# tensors in place of 3. Ours has few programs, each with many rows. A program adds its rows up in
# registers and writes one part of D numbers at the end; a second launch adds the parts, which are
# few. So the backward pass moves 3 tensors. But its programs hold more in registers, so that fewer of
# them hide the latency of memory, and it needs a second launch. The published figures of two libraries
# say how much that costs: on an H100 the forward passes of QuACK and Liger reach 87 to 90 % of the
# bandwidth, their backward passes 37 to 42 %.

# %% [markdown]
# ## 7. The order of a sum ★
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
print("20 runs, programs in the order in which they finish:")
print("   different results:", len({run.tobytes() for run in runs}))
print(f"   greatest difference: {np.ptp(runs, axis=0).max():.0e}")  # (20, 8) -> (8,)
print("20 runs, always in the same order:")
print("   different results:", len({summed(range(1024)).tobytes() for _ in range(20)}))

# %% [markdown] tags=["answer"]
# The parts are written apart and added in the order of the programs, so a run gives the same bits as
# the last one. Forward there is a second promise: the tile in which a row is computed depends on D and
# the dtype alone. So a row has the same bits alone and in a batch of any size, which
# [chapter 03](03_numerics.ipynb) finds missing elsewhere. `tests/kernels_at_work.py` holds both.

# %% [markdown]
# ## 8. The addition before the norm ★

# %%
quiz("add-and-norm")

# %%
from normlab.chapters.one_kernel import variants

for direction, alone in (("forward", 3), ("backward", 3)):
    norm, both = (
        variants(Work("RMSNorm", direction, added=added), 4096)[2].tensors
        for added in (False, True)
    )
    print(f"{direction:8}  an addition and a norm: {alone + norm:g}, one kernel: {both:g}")

# %% [markdown] tags=["answer"]
# Forward the second reading of s is spared. Backward there is the gradient of the sum beside that of
# the norm, and both end in dx: two kernels write the norm's part of dx and read it again to add the
# other. `fused_norms.add_rms_norm(x, residual, weight)` returns both the sum and its norm. The norm is
# that of the sum as it is rounded to the dtype, so it is the norm of what the next layer sees.

# %% [markdown]
# ## 9. What RMSNorm saves now

# %%
quiz("what-rms-norm-saves")

# %% [markdown]
# **Explore.** Begin with RMSNorm and LayerNorm forward. Which bars move? Then raise D until the last
# bar grows, and choose another GPU. On how many rows does the last way stay under a microsecond?

# %% tags=["answer"]
from normlab.chapters.one_kernel import explore_kernels

explore_kernels()

# %% [markdown] tags=["answer"]
# Between the norms only the upper bar changes: one operation at a time RMSNorm spares 8 of 26
# tensors, in one kernel none. What RMSNorm gains in chapter 04 comes from code that is not fused.
# The bound falls with the bandwidth and with nothing else. For few rows it is so short that other
# costs decide, which this count does not know: the launches, and a GPU that is not full.

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
# backward 75 %, for D from 1,024 to 16,384. Whether our kernels reach it is **not measured yet**: no
# GPU was at hand when this was written. What is tested without one: the numbers, the bytes, that
# results are the same bits, and that every kernel compiles. `make bench BENCH=gpu` takes under four
# minutes, races them with `torch.nn.functional`, `torch.compile`, Liger and QuACK, and stores the
# rows that this section and the explorer read.

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
# `torch.compile`, checkpointing, autocast and `vmap` go through the kernels. What needs a derivative
# of a derivative, or one in forward mode, takes the written-out form, and so does every CPU. There is
# nothing to switch.

# %% [markdown]
# ## The exercise
#
# Write RMSNorm's forward pass as a Triton kernel: [exercise 09](../exercises/09_one_kernel.ipynb). It
# runs on a CPU, under Triton's interpreter; with a GPU you see its bandwidth.

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - A norm does between 1 and 2.2 operations for each byte in bfloat16, and an H100 could do 20: memory decides.
# - The least time is bytes over bandwidth: 40 µs for 8192 × 4096 in bfloat16 on an H100.
# - One operation at a time RMSNorm moves 18 tensors forward and 46 backward; one kernel 2 and 3.
# - A kernel needs a mask for what lies beyond D, at the load and at the store.
# - Backward sums run along rows and along columns; parts in a fixed order give the same bits each run.
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
# - Hsu et al. 2024, *Liger Kernel: Efficient Triton Kernels for LLM Training*, arXiv:2410.10989; QuACK,
#   the library of Dao and others, whose repository has the bandwidths.
# - NVIDIA's data sheets of L4, A100, H100, H200 and HGX B200, and its white paper on Ada (RTX 4090).
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("13")
