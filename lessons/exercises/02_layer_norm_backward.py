# %% [markdown]
# # Exercise 02 · The backward pass of layer norm
#
# You write what autograd does for layer norm: given the gradient of the loss with respect to the
# output, compute it with respect to the input, the gain and the shift.
# [Chapter 02](../notebooks/02_backward_and_geometry.ipynb) derives the formula.
#
# Write the body, run the `check` cell, and make a cell with `hint(layer_norm_backward)` if you are
# stuck.

# %%
import numpy as np

from normlab import check, hint
from normlab.chapters.backward import draw_three_paths
from normlab.norms import finite_difference_gradient, layer_norm
from normlab.pictures import new_figure

# %% [markdown]
# ## What to compute
#
# The forward pass was $y = \gamma\odot\hat x+\beta$ with $\hat x = (x-\mu)/\sigma$ and
# $\sigma = \sqrt{\mathrm{Var}+\varepsilon}$. The loss $L$ stands behind it, and
# $dy = \partial L/\partial y$ is given. First comes what arrives at $\hat x$:
#
# $$\hat g = dy\odot\gamma$$
#
# From $\hat x$ three paths lead back to $x$: the direct one, one through $\mu$ and one through
# $\mathrm{Var}$.

# %%
fig, ax = new_figure(height=2.6)
draw_three_paths(ax)

# %% [markdown]
# Each path is one term:
#
# $$dx = \frac1\sigma\Big[\,\hat g - \mathrm{mean}(\hat g)
# - \hat x\;\mathrm{mean}(\hat g\odot\hat x)\Big]
# \qquad d\gamma = \sum_{\text{tokens}} dy\odot\hat x
# \qquad d\beta = \sum_{\text{tokens}} dy$$
#
# Means and sums go over different axes:
#
# | | over | shape |
# |---|---|---|
# | mean(ĝ), mean(ĝ ⊙ x̂) | the features, the last axis | (..., 1) |
# | dγ, dβ | the tokens, all axes but the last | (D,) |
#
# ## What is asked
#
# - **Result.** The tuple `(dx, dgamma, dbeta)`, in this order.
# - **Shapes.** `dy` and `x` are (..., D) with any number of leading axes, also none. `gamma` is
#   (D,). So are `dgamma` and `dbeta`.
# - **Errors.** If `dy` has not the shape of `x`, or `gamma` is not (D,), raise a `ValueError`. Its
#   message holds the shape that was given, and that of `x` or the one expected.
# - **dtype.** Each gradient has the dtype of what it belongs to: `dx` that of `x`, `dgamma` and
#   `dbeta` that of `gamma`. (`gamma` is often float32 where `x` is float16.)
# - **Precision.** float16 is computed in at least float32, the sums over the tokens too; float64 in
#   float64. The statistics hold for rows far from 0, as in exercise 01.
# - **Arguments.** None of them is changed. `eps` is the one given; its default is 1e-5.
#
# ## A gradient to compare with
#
# The slopes of $L = \sum dy\odot y$ can be measured, without any formula, by moving one number of
# $x$ at a time. For one token:

# %%
x = np.array([1.0, 2.0, 6.0])
dy = np.array([1.0, -0.5, 2.0])
gamma, beta = np.array([1.0, 2.0, 0.5]), np.zeros(3)


def loss(x):
    return (dy * layer_norm(x, gamma, beta)).sum()  # (D,) -> ()


slopes = finite_difference_gradient(loss, x, step=1e-5)
print("dx by central differences:", slopes.round(6))
print("their sum is 0:           ", abs(slopes.sum()) < 1e-9)

# %% [markdown]
# The sum is 0 because adding a number to the whole row changes no output. Use other values of
# `x`, `dy` and `gamma` to test your function in a cell of your own.
#
# ## Your answer


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

    g_hat = upstream * gamma
    mean_g = g_hat.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    mean_gx = (g_hat * normalized).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    dx = (g_hat - mean_g - normalized * mean_gx) / std

    tokens = tuple(range(x.ndim - 1))
    dgamma = (upstream * normalized).sum(axis=tokens)  # (..., D) -> (D,)
    dbeta = upstream.sum(axis=tokens)  # (..., D) -> (D,)
    return dx.astype(x.dtype), dgamma.astype(gamma.dtype), dbeta.astype(gamma.dtype)
    ### END SOLUTION


# %%
check(layer_norm_backward)

# %% [markdown]
# Next: [exercise 03 · RMSNorm](03_rms_norm.ipynb)
