# %% [markdown]
# # Exercise 09 · One kernel
#
# On a GPU a norm takes the time in which its numbers come from memory and go back. Written with
# PyTorch's functions, each of `x * x`, `mean`, `rsqrt` and the products reads and writes memory
# anew. You write all of RMSNorm's forward pass as **one** kernel, which reads `x` once and writes
# `y` once, in Triton.
# [Exercise 03](03_rms_norm.ipynb) has the formula, and
# [chapter 13](../notebooks/13_one_kernel.ipynb) what a kernel is, and what it can gain.
#
# It needs Triton (`pip install 'normlab[kernels]'`, on Linux), and no GPU. `hint(rms_norm_kernel)`
# gives hints, in a cell of your own.

# %%
import numpy as np
import torch

from normlab import check, hint, use
from normlab.checks import interpreted_triton, watch_memory
from normlab.study import time_kernel

triton, tl = interpreted_triton()

# %% [markdown]
# That is `import triton` and `import triton.language as tl`, with `TRITON_INTERPRET=1` set before:
# then Triton compiles nothing, and its interpreter runs the kernel in Python, one program after the
# other. It does not show how fast a kernel is, what programs do to each other when they run at the
# same time, or how bfloat16 is rounded.
#
# ## 1 · What a program reads
#
# A launch starts $N$ **programs**, one for each row of `x` (N, D). All run the same lines, and
# `tl.program_id(0)` tells each its number. A program gets no array: it gets **pointers**, and
# computes addresses, counted in elements. It works on a whole block of them at once, and a block
# has a power of two of elements.
#
# Here are three rows of $D = 5$ that start 7 elements apart, as in `x = wide[:, :5]`:
#
# ```
# row        0                     1                      2
# x          a b c d e  .  .       f  g  h  i  j  .  .    k  l  m  n  o  .  .
# address    0 1 2 3 4  5  6       7  8  9 10 11 12 13   14 15 16 17 18 19 20
# program 1                       [7  8  9 10 11 12 13   14]
# ```
#
# Which five of its eight addresses are program 1's own? What would happen to its sum of squares if
# it took all eight, and to row 2 if it wrote all eight?

# %%
row, row_stride, D, BLOCK = 1, 7, 5, 8
columns = np.arange(BLOCK)
print("addresses  ", (row * row_stride + columns).tolist())
print("columns < D", (columns < D).tolist())

# %% [markdown]
# That comparison is the **mask**: where it is false nothing is read or written.
#
# | | |
# |---|---|
# | `tl.program_id(0)` | the number of this program |
# | `tl.arange(0, BLOCK)` | 0, 1, … BLOCK − 1, as a block |
# | `tl.load(pointers, mask=…, other=…)` | the numbers there; `other` where the mask is false |
# | `a.to(tl.float32)` | in another dtype |
# | `tl.sum(a)`, `tl.sqrt(a)` | a number; the root of each number |
# | `tl.store(pointers, a, mask=…)` | write, in the dtype that the memory has |
#
# A load gives the dtype that lies in memory. What it gives where the mask is false, if there is no
# `other`, nobody promises.
#
# ## 2 · The kernel
#
# $$y = \gamma\odot\frac{x}{\sqrt{\mathrm{mean}(x^2)+\varepsilon}}$$
#
# ### What is asked
#
# `x_ptr`, `weight_ptr` and `y_ptr` point to the first elements of `x` (N, D), γ (D,) and `y`
# (N, D). Row $r$ of `x` starts at `x_ptr + r * row_stride`, and row $r$ of `y` at
# `y_ptr + r * row_stride`. There is one program for each row. Nothing but `y` is written.
#
# 1. **The formula · 2 points.** Rows lie side by side, and D is BLOCK. All is right for any ε, and
#    for a row of zeros.
# 2. **Any input · 2 points.** D is any number from 1 to BLOCK. Rows may be further apart than D.
# 3. **Precision · 1 point.** (Chapter 03 is about it.) `x`, γ and `y` may be float16 or float32,
#    each as it likes. What is computed is computed in float32.


# %%
@triton.jit
def rms_norm_kernel(x_ptr, weight_ptr, y_ptr, row_stride, D, eps, BLOCK: tl.constexpr):
    """Program r: row r of y = γ ⊙ x/√(mean(x²) + ε)."""
    ### BEGIN SOLUTION
    row = tl.program_id(0)
    columns = tl.arange(0, BLOCK)
    inside = columns < D
    x = tl.load(x_ptr + row * row_stride + columns, mask=inside, other=0.0).to(tl.float32)
    weight = tl.load(weight_ptr + columns, mask=inside, other=0.0).to(tl.float32)
    mean_square = tl.sum(x * x) / D  # (BLOCK,) -> ()
    y = weight * x / tl.sqrt(mean_square + eps)
    tl.store(y_ptr + row * row_stride + columns, y, mask=inside)
    ### END SOLUTION


# %%
check(rms_norm_kernel)

# %% [markdown]
# ## 3 · The launch
#
# `check` judges the numbers and the addresses, and not how often `x` is read. How many bytes does
# your kernel read and write, and how many are the least that any kernel must? Call
# `launch(torch.randn(4, 100), torch.ones(100))` in a cell of your own. `watch_memory` counts them,
# and checks every address before it is touched: one outside of `x`, γ and `y` is an error, and not
# the end of your notebook.


# %%
def launch(x, weight, eps=1e-6):
    """y of the kernel, with one program for each row of x (N, D)."""
    N, D = x.shape
    y = torch.empty_strided(x.shape, x.stride(), dtype=x.dtype)
    with watch_memory() as traffic:
        rms_norm_kernel[(N,)](*(x, weight, y, x.stride(0), D, eps), BLOCK=triton.next_power_of_2(D))
    print(f"{traffic.total} bytes; x and y have {x.nbytes + y.nbytes}")
    return y


# %%
use(rms_norm_kernel)

# %% [markdown]
# ## 4 · On a GPU
#
# A copy reads as many bytes as it writes, and hardly anything that does so is faster. What part of
# a copy's bandwidth will your kernel have? Where there is a GPU, the next cell has your kernel
# compiled and times it, without the interpreter, in a process of its own. Where there is none, it
# only asks the compiler, which accepts less than the interpreter does.

# %% tags=["nbval-ignore-output"]
time_kernel(rms_norm_kernel)
