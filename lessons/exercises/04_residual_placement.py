# %% [markdown]
# # Exercise 04 · Residual placement
#
# You write the two steps that chapter [05](../notebooks/05_residual_placement.ipynb) is about, and
# a pre-norm model. `check(…)` says whether a function is right and, if not, which mistake it makes.
# `hint(…)` gives the next hint.

# %%
import torch
from torch import nn

from normlab import check, hint, use
from normlab.chapters.residual_placement import draw_placement
from normlab.pictures import new_figure

# %% [markdown]
# ## Post-norm and pre-norm
#
# A sub-layer $f$ is joined to the residual stream $x$ with a norm in one of two places:
#
# $$\text{post-norm:}\quad x \leftarrow \text{norm}(x + f(x)) \qquad\qquad
# \text{pre-norm:}\quad x \leftarrow x + f(\text{norm}(x))$$
#
# The thick line is the stream.

# %%
fig, axes = new_figure(2, height=4.2)
for name, ax in zip(["post-norm", "pre-norm"], axes, strict=True):
    draw_placement(name, ax)

# %% [markdown]
# Write both steps, for one sub-layer. `x` is a tensor (..., D). `sublayer` and `norm` are functions
# or modules: each takes a tensor and returns a new one of the same shape.
#
# Each of the two is judged in two levels, one after the other:
#
# 1. **The formula · 1 point.** The values. Use the `norm` that is given: each sub-layer of a block
#    has its own, with its own gain and shift.
# 2. **Gradients and state · 1 point.** Call `sublayer` and `norm` **once** each in a step. Do not
#    change `x` in place. The gradient flows by every path of the formula. All this holds for `x` of
#    any shape (..., D), also without tokens, in float32 and in float64.
#
# A block of two sub-layers is two steps, with four different parts:
#
# ```python
# x = pre_norm_step(x, attention, norm_1)
# x = pre_norm_step(x, feed_forward, norm_2)
# ```
#
# The check does the same with one and with two sub-layers. There
# $f(z) = 2\tanh(z W^\top)$ and $\text{norm}(z) = \text{gain} \cdot \text{LN}(z)$, with
# $\varepsilon = 0.1$ and another gain for each norm. First it compares the result, then the order
# of the calls and the gradients of $x$ and $W$.


# %%
def post_norm_step(x, sublayer, norm):
    """The stream (..., D) after one post-norm sub-layer."""
    ### BEGIN SOLUTION
    return norm(x + sublayer(x))
    ### END SOLUTION


# %%
check(post_norm_step)


# %%
def pre_norm_step(x, sublayer, norm):
    """The stream (..., D) after one pre-norm sub-layer."""
    ### BEGIN SOLUTION
    return x + sublayer(norm(x))
    ### END SOLUTION


# %%
check(pre_norm_step)

# %% [markdown]
# ### Use it
#
# Two encoders of 24 layers, wired by your two steps, before any training. How large is the stream
# after each layer?

# %%
use(post_norm_step, pre_norm_step)

# %% [markdown]
# ## A pre-norm model
#
# Which norm stands where in a pre-norm model of $L$ blocks?
#
# | part | its norms | who has them |
# |---|---|---|
# | block 1 … block L | one in front of each sub-layer | the block |
# | after the last block | **the final norm** | the model |
#
# Write the model as an `nn.Module`. `blocks` is a list of modules. Each is a whole pre-norm block,
# with its norms and its shortcuts: `block(x)` is the stream after it.
#
# 1. **The formula · 1 point.** `forward(x)`, with x (..., D): call the blocks in the order of the
#    list, each on the output of the one before. Then apply the final norm, once, and return its
#    output (..., D). The final norm is an `nn.LayerNorm(dim)` of the model's own.
# 2. **Any input · 1 point.** The list may be empty, `x` may have any leading axes and no tokens. A
#    row may be so small that the norm's $\varepsilon$ is seen: it is torch's default, 1e-5.
# 3. **Gradients and state · 1 point.** `model.parameters()` lists the parameters of the blocks that
#    were given (of these modules, not of copies), the final norm's weight and bias, and no others.
#    How the attributes are called is up to you. The blocks keep their weights and modes, and the
#    gradient flows through all of them.
#
# The blocks of the check are $x + 2\tanh(\text{LN}(x) W^\top)$. At the third level it sets the
# final norm's weight and bias to other numbers than 1 and 0.


# %%
class PreNormTransformer(nn.Module):
    """Pre-norm blocks in a row, and their final norm: (..., dim) -> (..., dim)."""

    def __init__(self, blocks, dim):
        ### BEGIN SOLUTION
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.final_norm = nn.LayerNorm(dim)
        ### END SOLUTION

    def forward(self, x):
        ### BEGIN SOLUTION
        for block in self.blocks:
            x = block(x)
        return self.final_norm(x)
        ### END SOLUTION


# %%
check(PreNormTransformer)

# %% [markdown]
# Next: [Exercise 05 · Gradient flow](05_gradient_flow.ipynb)
