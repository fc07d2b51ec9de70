# %% [markdown]
# # Exercise 03 · RMSNorm
#
# RMSNorm leaves the mean in: it only divides each token by its root mean square. You write it three
# times: forward and backward in NumPy, then as a module of torch with half precision in mind.
# [Chapter 04](../notebooks/04_rms_norm.ipynb) says what is lost and gained without the mean, and
# [chapter 03](../notebooks/03_numerics.ipynb) what half precision does.
#
# Each answer has a `check` cell below it. `hint(rms_norm)`, `hint(rms_norm_backward)` and
# `hint(RMSNorm)` give hints, in a cell of your own.

# %%
import numpy as np
import torch
from torch import nn

from normlab import check, hint, use

# %% [markdown]
# ## 1 · Forward
#
# $$r = \sqrt{\mathrm{mean}(x^2)+\varepsilon} \qquad \hat x = \frac{x}{r}
# \qquad y = \gamma\odot\hat x$$
#
# The mean of the squares is taken over the $D$ features of one token. Nothing is subtracted and
# nothing is added.
#
# | row | root mean square | RMSNorm with γ = 1 | layer norm with γ = 1, β = 0 |
# |---|---|---|---|
# | (3, 4) | √12.5 = 3.54 | (0.85, 1.13) | (−1, 1) |
# | (3, 3) | 3 | (1, 1) | (0, 0) |
# | (0, 0) | 0 | (0, 0), because of ε | (0, 0), because of ε |
#
# ### What is asked
#
# 1. **The formula · 1 point.** `x` is (..., D) and `gamma` is (D,). `eps` is the one given. Its
#    default is LLaMA's, 1e-6. All is right for any ε, and for a row of zeros.
# 2. **Any input · 1 point.** `x` has any number of leading axes, also none, and perhaps no tokens:
#    (0, D). If `gamma` has another shape, also (1,) or (1, D), raise a `ValueError`. Its message
#    holds the shape that was given, and that of `x` or the one expected. No argument is changed.
# 3. **Precision · 1 point.** (Chapter 03 is about it.) The result has the dtype of `x`, whatever
#    the dtype of `gamma`. float16 is computed in at least float32, float64 in float64.


# %%
def rms_norm(x, gamma, eps=1e-6):
    """γ ⊙ x/√(mean(x²) + ε) over the last axis.

    x: (..., D). gamma: (D,). Returns (..., D) in the dtype of x.
    """
    ### BEGIN SOLUTION
    if gamma.shape != x.shape[-1:]:
        raise ValueError(f"gamma {gamma.shape} does not fit x {x.shape}.")
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    mean_square = (wide**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    normalized = wide / np.sqrt(mean_square + eps)
    return (gamma * normalized).astype(x.dtype)
    ### END SOLUTION


# %%
check(rms_norm)

# %% [markdown]
# ### Use it
#
# The table of Zhang & Sennrich: what may be done to weights and data without changing the output?
# After ✓ the row of RMSNorm is computed by your function.

# %%
use(rms_norm)

# %% [markdown]
# ## 2 · Backward
#
# With $\hat g = dy\odot\gamma$, the gradient that arrives at $\hat x$:
#
# $$dx = \frac1r\Big[\,\hat g - \hat x\;\mathrm{mean}(\hat g\odot\hat x)\Big]
# \qquad d\gamma = \sum_{\text{tokens}} dy\odot\hat x$$
#
# Compare with layer norm: the term $\mathrm{mean}(\hat g)$ is gone with the mean. So $dx$ need not
# sum to 0. It is orthogonal to $x$ instead (up to ε), because scaling $x$ changes no output.
#
# ### What is asked
#
# Return the tuple `(dx, dgamma)`.
#
# 1. **The formula · 2 points.** `dy` and `x` are tokens in rows, (N, D); `gamma` and `dgamma` are
#    (D,). `eps` is the one given; its default is 1e-6. All is right for any ε.
# 2. **Any input · 1 point.** `dy` and `x` are (..., D), with any number of leading axes, also none,
#    and perhaps no tokens. A `ValueError` if `dy` has not the shape of `x`, or `gamma` is not (D,).
#    Its message holds the shape that was given, and that of `x` or the one expected. No argument is
#    changed.
# 3. **Precision · 1 point.** `dx` has the dtype of `x`, `dgamma` that of `gamma`. float16 is
#    computed in at least float32, the sum over the tokens too; float64 in float64.


# %%
def rms_norm_backward(dy, x, gamma, eps=1e-6):
    """Gradients of γ ⊙ x/√(mean(x²) + ε), given dy = ∂L/∂y.

    dy, x: (..., D). gamma: (D,). Returns dx (..., D) and dgamma (D,).
    """
    ### BEGIN SOLUTION
    if dy.shape != x.shape or gamma.shape != x.shape[-1:]:
        raise ValueError(f"dy {dy.shape} and gamma {gamma.shape} do not fit x {x.shape}.")
    dtype = np.promote_types(x.dtype, np.float32)
    wide, upstream = x.astype(dtype), dy.astype(dtype)

    rms = np.sqrt((wide**2).mean(axis=-1, keepdims=True) + eps)  # (..., D) -> (..., 1)
    normalized = wide / rms

    g_hat = upstream * gamma
    mean_gx = (g_hat * normalized).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    dx = (g_hat - normalized * mean_gx) / rms

    tokens = tuple(range(x.ndim - 1))
    dgamma = (upstream * normalized).sum(axis=tokens)  # (..., D) -> (D,)
    return dx.astype(x.dtype), dgamma.astype(gamma.dtype)
    ### END SOLUTION


# %%
check(rms_norm_backward)

# %% [markdown]
# ## 3 · The module
#
# In a model the norm is an `nn.Module`, its gain is a parameter, and the input is often bfloat16
# while the gain is still float32. Then two things have to be decided: in which precision to
# compute, and when to convert back.
#
# | code | order | output for bfloat16 x, float32 weight |
# |---|---|---|
# | LLaMA | convert x̂, then multiply by the weight | float32 |
# | Gemma, gpt-oss, `torch.nn.RMSNorm` | multiply in float32, then convert | bfloat16 |
#
# **Here the second order is asked for.** It rounds once, and it keeps the dtype. How often do the
# two differ, if LLaMA's output is converted to bfloat16 as well?

# %%
generator = torch.Generator().manual_seed(0)
x_hat = torch.randn(1000, 64, generator=generator)  # float32, of the size of a norm's x̂
weight = 1 + 0.1 * torch.randn(64, generator=generator)  # (64,), float32
convert_first = (x_hat.bfloat16() * weight).bfloat16()
convert_last = (x_hat * weight).bfloat16()
share = (convert_first != convert_last).float().mean()  # (1000, 64) -> ()
print(f"different outputs: {100 * share:.0f} %")

# %% [markdown]
# ### What is asked
#
# 1. **The formula · 1 point.** `RMSNorm(dim, eps=1e-6)` keeps its gain as `self.weight`, of shape
#    (dim,). `forward` takes `x` (..., dim). The gain is `weight` itself, not 1 + `weight`. All is
#    right for any ε, and for a row of zeros.
# 2. **Any input · 1 point.** `x` has any number of leading axes, also none, and perhaps no tokens.
# 3. **Precision · 1 point.** float16 and bfloat16 are computed in float32, float64 in float64. The
#    weight is used as it is, without rounding it to the dtype of `x`: multiply by it first, convert
#    to the dtype of `x` last.
# 4. **Gradients and state · 1 point.** `weight` is the one trained parameter and starts at 1. The
#    `state_dict` holds it alone, so it is interchangeable with that of `torch.nn.RMSNorm`. autograd
#    must find its way to `x` and to `weight`, through the root mean square too. `x` is not changed.


# %%
class RMSNorm(nn.Module):
    """weight ⊙ x/√(mean(x²) + eps) over the last axis, in the dtype of x."""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        ### BEGIN SOLUTION
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        mean_square = wide.square().mean(dim=-1, keepdim=True)  # (..., D) -> (..., 1)
        normalized = wide / torch.sqrt(mean_square + self.eps)
        return (self.weight * normalized).to(x.dtype)
        ### END SOLUTION


# %%
check(RMSNorm)

# %% [markdown]
# ### Use it
#
# A text model of six layers, with your module in place of every norm, learns for 200 steps. That
# takes 10 to 20 seconds.

# %% tags=["nbval-ignore-output"]
use(RMSNorm)

# %% [markdown]
# Next: [exercise 04 · residual placement](04_residual_placement.ipynb)
