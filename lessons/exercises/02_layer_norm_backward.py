# %% [markdown]
# # Exercise 02 · The backward pass of layer norm
#
# You write what autograd does for layer norm: given the gradient of the loss with respect to the
# output, compute it with respect to the input, the gain and the shift. You derive it here, a step
# at a time, and each step has its own check. Pen and paper help.
# [Chapter 02](../notebooks/02_backward_and_geometry.ipynb) has the whole derivation: look there
# afterwards.
#
# If you are stuck, make a new cell with the hints of the step, such as `hint(variance_gradient)`.

# %%
import numpy as np

from normlab import check, hint, use
from normlab.chapters.backward import draw_three_paths
from normlab.norms import finite_difference_gradient, layer_norm
from normlab.pictures import new_figure

# %% [markdown]
# ## The way back
#
# The forward pass was $y = \gamma\odot\hat x+\beta$ with $\hat x = (x-\mu)/\sigma_\varepsilon$ and
# $\sigma_\varepsilon = \sqrt{\mathrm{Var}+\varepsilon}$. The loss $\mathcal L$ stands behind it,
# and $dy = \partial\mathcal L/\partial y$ is given. What arrives at $\hat x$ is
# $\hat g = \partial\mathcal L/\partial\hat x = dy\odot\gamma$, `dx_hat` in code.
#
# From $\hat x$ three paths lead back to $x$: the direct one, one through $\mu$ and one through
# $\mathrm{Var}$.

# %%
fig, ax = new_figure(height=2.6)
draw_three_paths(ax)

# %% [markdown]
# ## Something to compare with
#
# Slopes can be measured, without any formula, by moving one number at a time. So that each path can
# be measured alone, the loss takes $\mu$ and $\mathrm{Var}$ as arguments of their own. For one
# token:

# %%
x = np.array([1.0, 2.0, 6.0])
dy = np.array([1.0, -0.5, 2.0])
gamma, beta = np.array([1.0, 2.0, 0.5]), np.zeros(3)
dx_hat = dy * gamma
mean, var = x.mean(), x.var()  # (D,) -> ()


def loss(x, mean, var):
    return (dx_hat * (x - mean) / np.sqrt(var + 1e-5)).sum()  # (D,) -> ()


print("∂L/∂Var:", finite_difference_gradient(lambda v: loss(x, mean, v), var, 1e-4).round(6))

# %% [markdown]
# ## 1 · The variance
#
# Every feature of $\hat x$ is divided by $\sigma_\varepsilon$. If $\mathrm{Var}$ grows, and nothing
# else changes, what happens to the loss?

# %%
fig, ax = new_figure(height=2.3)
draw_three_paths(ax, "through Var")

# %% [markdown]
# `dx_hat` and `x` are (..., D): any number of tokens, each a row. Return
# $\partial\mathcal L/\partial\mathrm{Var}$ of each token, in the shape (..., 1).


# %%
def variance_gradient(dx_hat, x, eps=1e-5):
    """∂L/∂Var, called dvar, with μ held. dx_hat, x: (..., D). Returns (..., 1)."""
    ### BEGIN SOLUTION
    centered = x - x.mean(axis=-1, keepdims=True)  # (..., D) - (..., 1)
    sigma = np.sqrt((centered**2).mean(axis=-1, keepdims=True) + eps)  # (..., D) -> (..., 1)
    x_hat = centered / sigma
    return -(dx_hat * x_hat).sum(axis=-1, keepdims=True) / (2 * sigma**2)  # (..., D) -> (..., 1)
    ### END SOLUTION


# %%
check(variance_gradient)

# %% [markdown]
# ## 2 · The mean
#
# $\mu$ acts on every $\hat x_i$. It acts on $\mathrm{Var}$ as well, which follows $\mu$: how much?

# %%
fig, ax = new_figure(height=2.3)
draw_three_paths(ax, "through μ")

# %% [markdown]
# Return $\partial\mathcal L/\partial\mu$ of each token, in the shape (..., 1).


# %%
def mean_gradient(dx_hat, x, eps=1e-5):
    """∂L/∂μ, called dmean; Var follows μ. dx_hat, x: (..., D). Returns (..., 1)."""
    ### BEGIN SOLUTION
    sigma = np.sqrt(x.var(axis=-1, keepdims=True) + eps)  # (..., D) -> (..., 1)
    return -dx_hat.sum(axis=-1, keepdims=True) / sigma  # (..., D) -> (..., 1)
    ### END SOLUTION


# %%
check(mean_gradient)

# %% [markdown]
# ## 3 · All three paths
#
# What arrives over a path is what arrives at its middle, times the slope of the middle with respect
# to $x_i$. The middles are $\hat x_i$, $\mathrm{Var}$ and $\mu$. Your two functions say what
# arrives at the last two.


# %%
def input_gradient(dx_hat, x, eps=1e-5):
    """∂L/∂x, called dx: the sum of three paths. dx_hat, x: (..., D). Returns (..., D)."""
    ### BEGIN SOLUTION
    centered = x - x.mean(axis=-1, keepdims=True)  # (..., D) - (..., 1)
    sigma = np.sqrt((centered**2).mean(axis=-1, keepdims=True) + eps)  # (..., D) -> (..., 1)
    dvar, dmean = variance_gradient(dx_hat, x, eps), mean_gradient(dx_hat, x, eps)
    features = x.shape[-1]
    return dx_hat / sigma + dvar * 2 * centered / features + dmean / features
    ### END SOLUTION


# %%
check(input_gradient)

# %% [markdown]
# ## 4 · The backward pass
#
# Put steps 1 and 2 into step 3, and much cancels: what is left is one line with two means over the
# features. You may write it so, or call your functions.
#
# `gamma` and `beta` are shared by all tokens. So $d\gamma$ and $d\beta$, both of shape (D,),
# collect what all tokens contribute.
#
# ### What is asked
#
# Return the tuple `(dx, dgamma, dbeta)`, in this order.
#
# 1. **The formula · 3 points.** `dy` and `x` are tokens in rows, (N, D), and `gamma` is (D,).
#    `eps` is the one given; its default is 1e-5. It may be larger than the variance, and a token
#    may be constant.
# 2. **Any input · 1 point.** `dy` and `x` are (..., D) with any number of leading axes, also none,
#    and perhaps no tokens: (0, D). If `dy` has not the shape of `x`, or `gamma` is not (D,), raise
#    a `ValueError`. Its message holds the shape that was given, and that of `x` or the one
#    expected. No argument is changed.
# 3. **Precision · 2 points.** (Chapter 03 is about it.) Each gradient has the dtype of what it
#    belongs to: `dx` that of `x`, `dgamma` and `dbeta` that of `gamma`, which is often float32
#    where `x` is float16. float16 is computed in at least float32, the sums over the tokens too;
#    float64 in float64. Rows far from 0 come out right, as in exercise 01.
#
# Another thing to compare with: the slopes of $\mathcal L = \sum dy\odot y$ for a whole token.

# %%
slopes = finite_difference_gradient(
    lambda x: (dy * layer_norm(x, gamma, beta)).sum(),
    x,
    1e-5,  # (D,) -> ()
)
print("dx by central differences:", slopes.round(6))
print("their sum is 0:           ", abs(slopes.sum()) < 1e-9)

# %% [markdown]
# The sum is 0 because adding a number to the whole row changes no output. Use other values of
# `x`, `dy` and `gamma` to test your function in a cell of your own.


# %%
def layer_norm_backward(dy, x, gamma, eps=1e-5):
    """Gradients of γ ⊙ (x − mean)/√(variance + ε) + β, given dy = ∂L/∂y.

    dy, x: (..., D). gamma: (D,). Returns dx (..., D), dgamma (D,) and dbeta (D,).
    """
    ### BEGIN SOLUTION
    if dy.shape != x.shape or gamma.shape != x.shape[-1:]:
        raise ValueError(f"dy {dy.shape} and gamma {gamma.shape} do not fit x {x.shape}.")
    dtype = np.promote_types(x.dtype, np.float32)
    wide, upstream = x.astype(dtype), dy.astype(dtype)

    centered = wide - wide.mean(axis=-1, keepdims=True)  # (..., D) - (..., 1)
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    std = np.sqrt(variance + eps)
    normalized = centered / std

    dx_hat = upstream * gamma
    mean_g = dx_hat.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    mean_gx = (dx_hat * normalized).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    dx = (dx_hat - mean_g - normalized * mean_gx) / std

    tokens = tuple(range(x.ndim - 1))
    dgamma = (upstream * normalized).sum(axis=tokens)  # (..., D) -> (D,)
    dbeta = upstream.sum(axis=tokens)  # (..., D) -> (D,)
    return dx.astype(x.dtype), dgamma.astype(gamma.dtype), dbeta.astype(gamma.dtype)
    ### END SOLUTION


# %%
check(layer_norm_backward)

# %% [markdown]
# ## Use it
#
# Send back the unit vectors, one by one: what your function returns are the rows of the Jacobian.
# How many of its eigenvalues are 0?

# %%
use(layer_norm_backward)

# %% [markdown]
# Next: [exercise 03 · RMSNorm](03_rms_norm.ipynb)
