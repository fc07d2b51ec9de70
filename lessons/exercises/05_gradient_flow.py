# %% [markdown]
# # Exercise 05 · Gradient flow, warmup, slopes
#
# Three tools of chapters [06](../notebooks/06_gradient_flow.ipynb) and
# [07](../notebooks/07_training_and_warmup.ipynb): the gradient at each layer, the learning rate of
# a warmup, and the power in a power law. `check(…)` says whether a function is right and, if not,
# which mistake it makes. `hint(…)` gives the next hint.

# %%
import numpy as np
import torch

from normlab import check, hint, use

# %% [markdown]
# ## The gradient at each layer
#
# $L$ blocks have $L + 1$ activations around them: $x_0$ is the input, $x_l$ is the output of block
# $l$, and the loss is computed from $x_L$.
#
# | activation | $x_0$ | $x_1$ | … | $x_L$ |
# |---|---|---|---|---|
# | made by | the embedding | block 1 | … | block $L$ |
# | entry of the result | 0 | 1 | … | $L$ |
#
# Write a function that returns the norm of the gradient at each of them, $\sqrt{\sum g^2}$ over all
# entries of $g = \partial \text{loss} / \partial x_l$ (the Frobenius norm):
#
# $$\left\| \frac{\partial\, \text{loss}}{\partial x_0} \right\|, \;\dots,\;
# \left\| \frac{\partial\, \text{loss}}{\partial x_L} \right\|$$
#
# `blocks` is a list of modules, called in order: `block(x)`. `x` is a tensor (..., D) of data: it
# does not require a gradient. `loss_fn(y)` turns the last activation into one number.
#
# 1. **The formula · 2 points.** A NumPy array (L + 1,) with the norms, that of $x_0$ first.
# 2. **Any input · 1 point.** The list may be empty, and `x` may have any leading axes.
# 3. **Gradients and state · 1 point.** It is a measurement, so it leaves no trace. Afterwards each
#    parameter has the numbers, the `.grad` and the `requires_grad` that it had before. The blocks
#    have their modes (`train` or `eval`), no hooks and no new attributes. `x` has the same numbers,
#    does not require a gradient, and has no `.grad`. Torch still records gradients. And a second
#    call gives the same.
#
# In the check the blocks are $x + \tanh(x W^\top)$ and the loss is
# `loss_factor` $\cdot \sum y^3 / 3$. Each weight has a `.grad` of ones beforehand, every second
# block is in eval mode, and the weights of the last `frozen` blocks are frozen.


# %%
def layer_gradient_norms(blocks, x, loss_fn):
    """‖∂loss/∂x_l‖ for l = 0 … L, as a NumPy array (L + 1,)."""
    ### BEGIN SOLUTION
    activations = [x.detach().requires_grad_()]
    for block in blocks:
        activations.append(block(activations[-1]))
    gradients = torch.autograd.grad(loss_fn(activations[-1]), activations)
    return np.array(
        [gradient.norm().item() for gradient in gradients]
    )  # L + 1 times (..., D) -> ()
    ### END SOLUTION


# %%
check(layer_gradient_norms)

# %% [markdown]
# ## Warmup
#
# The learning rate climbs in a straight line to its peak, then stays there:
#
# $$\eta_t = \eta_\text{peak} \cdot \min\left(1, \frac{t + 1}{T}\right)$$
#
# with $t$ = `step`, $T$ = `warmup_steps` and $\eta_\text{peak}$ = `peak_lr`.
#
# 1. **The formula · 1 point.** Steps count from 0. Step 0 has $1/T$ of the peak, not 0, so that no
#    step is lost; step $T - 1$ is the first at the peak. Return one number.
# 2. **Any input · 1 point.** `warmup_steps = 0` means no warmup: every step has the peak. A
#    negative `step`, or a negative `warmup_steps`, raises a `ValueError` that names the number.
#    Steps are whole numbers up to 10¹⁴, Python's or NumPy's int64.
#
# For a peak of 1 and four warmup steps:
#
# | step | 0 | 1 | 2 | 3 | 4 | 5 |
# |---|---|---|---|---|---|---|
# | rate | 0.25 | 0.5 | 0.75 | 1 | 1 | 1 |


# %%
def warmup_lr(step, peak_lr, warmup_steps):
    """The learning rate of a step: peak_lr · min(1, (step + 1)/warmup_steps)."""
    ### BEGIN SOLUTION
    if step < 0 or warmup_steps < 0:
        raise ValueError(f"got step {step} and {warmup_steps} warmup steps; expected none below 0.")
    return peak_lr * min(1.0, (step + 1) / max(1, warmup_steps))
    ### END SOLUTION


# %%
check(warmup_lr)

# %% [markdown]
# ### Use it
#
# Post-norm with six layers learns `copy` at a rate of 0.01: once with your warmup of 200 steps,
# once with one of 0 steps. That takes 10 to 20 seconds.

# %% tags=["nbval-ignore-output"]
use(warmup_lr)

# %% [markdown]
# ## The slope of a power law
#
# "The gradient of the last layer falls like $1/\sqrt{L}$" says that values $\approx c \cdot
# \text{depths}^p$ with $p = -\tfrac12$. The logarithm makes it a line with the slope $p$:
#
# $$\log(\text{values}) \approx \log c + p \cdot \log(\text{depths})$$
#
# Return $p$, the slope of the least-squares line through all points. `depths` and `values` are
# NumPy arrays (N,).
#
# 1. **The formula · 1 point.** One number, for depths and values above 0.
# 2. **Any input · 1 point.** The points stand in any order, a depth may come twice, and the values
#    may be tiny. Raise a `ValueError` if the two arrays have different shapes (name both shapes in
#    the message), if any number is 0 or below, or if there are no two different depths.
#
# | depths | values | slope |
# |---|---|---|
# | 1, 4 | 3, 6 | 0.5 |
# | 1, 2, 4 | 5, 20, 80 | 2 |


# %%
def loglog_slope(depths, values):
    """The p of the best fit values ≈ c · depthsᵖ: least squares on both logarithms."""
    ### BEGIN SOLUTION
    if depths.shape != values.shape:
        raise ValueError(f"depths {depths.shape} and values {values.shape} differ in shape.")
    if min(depths.min(), values.min()) <= 0:
        raise ValueError("a logarithm needs numbers above 0.")
    if depths.min() == depths.max():
        raise ValueError(f"all depths are {depths.min()}; a slope needs two different ones.")
    slope, _ = np.polyfit(np.log(depths), np.log(values), 1)
    return slope
    ### END SOLUTION


# %%
check(loglog_slope)

# %% [markdown]
# ### Use it
#
# The figure of Xiong et al. 2020 with your two functions: the gradient by layer in encoders of 12
# layers, then at the last layer of deeper and deeper ones. Which of the three has a slope?

# %%
use(layer_gradient_norms, loglog_slope)

# %% [markdown]
# Next: [Exercise 06 · DeepNorm](06_deepnorm.ipynb)
