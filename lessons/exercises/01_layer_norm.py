# %% [markdown]
# # Exercise 01 · Layer norm
#
# You write layer norm in NumPy. The formula and its reasons are in
# [chapter 01](../notebooks/01_layer_norm.ipynb), the rounding errors in
# [chapter 03](../notebooks/03_numerics.ipynb).
#
# 1. Write the body of the function.
# 2. Run the cell `check(layer_norm)` below it. It says first what is right, and then the one next
#    thing: what is wrong, why, and on which small input it shows.
# 3. If you are stuck, make a new cell and run `hint(layer_norm)`. Each hint says more than the one
#    before.

# %%
import numpy as np

from normlab import check, hint, use

# %% [markdown]
# ## What to compute
#
# Each token is a row of $D$ features. With the mean and the variance *of that row*
#
# $$\mu = \frac1D\sum_d x_d \qquad \sigma^2 = \frac1D\sum_d (x_d-\mu)^2 \qquad
# y = \gamma \odot \frac{x-\mu}{\sqrt{\sigma^2+\varepsilon}} + \beta$$
#
# Which numbers share a mean? The shapes tell:
#
# | | shape for a batch | shape for one token |
# |---|---|---|
# | $x$ and $y$ | (B, T, D) | (D,) |
# | $\mu$ and $\sigma^2$ | (B, T, 1) | (1,) |
# | $\gamma$ and $\beta$ | (D,) | (D,) |
#
# ## What is asked
#
# The check goes up three steps, and stops at the first that is not right. What you have reached
# counts.
#
# 1. **The formula · 2 points.** Rows of float64 numbers, such as `x` of shape (B, T, D). `eps` is
#    the one given, and its default is 1e-5. It may be larger than the variance, and a row may be
#    constant.
# 2. **Any input · 1 point.** `x` has any number of leading axes, also none, and perhaps no tokens:
#    (0, D); the features are the last axis. If `gamma` or `beta` has another shape than (D,), also
#    (1,) or (1, D), raise a `ValueError` whose message holds the shape that was given, and that of
#    `x` or the one expected. No argument is changed.
# 3. **Precision · 1 point.** [Chapter 03](../notebooks/03_numerics.ipynb) is about this step:
#    come back after it. The result has the dtype of `x`, whatever the dtype of `gamma` and `beta`.
#    float16 is computed in at least float32, float64 in float64. Rows far from 0, such as 10,000
#    plus or minus 1, come out right.
#
# The next cell shows two traps of the third step.

# %%
row = np.array([300.0, -300.0], np.float16)
with np.errstate(over="ignore"):  # the overflow is the point
    print("300² in float16:            ", (row**2)[0])
far = np.array([9999.0, 10001.0], np.float32)
print("variance as E[x²] − E[x]²:  ", (far**2).mean() - far.mean() ** 2, "instead of 1")

# %% [markdown]
# ## Your answer


# %%
def layer_norm(x, gamma, beta, eps=1e-5):
    """γ ⊙ (x − mean)/√(variance + ε) + β over the last axis.

    x: (..., D). gamma, beta: (D,). Returns (..., D) in the dtype of x.
    """
    ### BEGIN SOLUTION
    if gamma.shape != x.shape[-1:] or beta.shape != x.shape[-1:]:
        raise ValueError(f"gamma {gamma.shape} and beta {beta.shape} do not fit x {x.shape}.")
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    mean = wide.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    centered = wide - mean
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    normalized = centered / np.sqrt(variance + eps)
    return (gamma * normalized + beta).astype(x.dtype)
    ### END SOLUTION


# %%
check(layer_norm)

# %% [markdown]
# ## Use it
#
# The transformer of [chapter 00](../notebooks/00_start_here.ipynb) has 24 layers and 49 layer
# norms. After ✓ yours computes in place of each of them.

# %%
use(layer_norm)

# %% [markdown]
# Next: [exercise 02 · the backward pass](02_layer_norm_backward.ipynb)
