# %% [markdown]
# # Exercise 06 · DeepNorm
#
# Three functions turn a post-norm transformer into one that trains at hundreds of layers: the two
# constants, the step, and the initialization. All three are in Figure 2 of Wang et al. 2022
# ([arXiv:2203.00555](https://arxiv.org/abs/2203.00555)), and public code got each of them wrong at
# least once. The chapter is [08 · DeepNorm](../notebooks/08_deepnorm.ipynb).
#
# Each function is checked in levels, one after the other. `check(function)` says which are right;
# of the first that is not, it says what is wrong and why, on the smallest input that shows it.
# `hint(function)` gives the next hint to that level.

# %%
import torch
from torch import nn

from normlab import check, hint, use

# %% [markdown]
# ## 1. α and β
#
# An encoder has $N$ layers, a decoder $M$.
#
# | model | $\alpha$ | $\beta$ |
# |---|---|---|
# | encoder alone | $(2N)^{1/4}$ | $(8N)^{-1/4}$ |
# | decoder alone | $(2M)^{1/4}$ | $(8M)^{-1/4}$ |
# | both: the encoder | $0.81\,(N^4M)^{1/16}$ | $0.87\,(N^4M)^{-1/16}$ |
# | both: the decoder | $(3M)^{1/4}$ | $(12M)^{-1/4}$ |
#
# Three of the four rows follow one rule: with $s$ sub-layers in the stack, $\alpha = s^{1/4}$ and
# $\beta = (4s)^{-1/4}$. A layer has two sub-layers, attention and FFN. The decoder of an
# encoder–decoder has a third, cross-attention. The encoder of an encoder–decoder is the exception.
#
# **What is asked.** Write `deepnorm_constants(encoder_layers, decoder_layers)`.
#
# 1. **The formula** · 2 points. It returns a dict with the two keys `"encoder"` and `"decoder"`.
#    Each entry is a pair of floats `(alpha, beta)`. Where the model has 0 layers of that stack, it
#    is `None`.
# 2. **Any input** · 1 point. If a count is negative, or both are 0, it raises a `ValueError` whose
#    message names the counts.
#
# For instance, 12 encoder layers alone have α = 2.213 and β = 0.3195.


# %%
def deepnorm_constants(encoder_layers, decoder_layers):
    """{"encoder": (alpha, beta) or None, "decoder": (alpha, beta) or None}"""
    ### BEGIN SOLUTION
    n, m = encoder_layers, decoder_layers
    if n < 0 or m < 0 or n + m == 0:
        raise ValueError(f"{n} encoder and {m} decoder layers: expected at least one layer.")
    if n == 0 or m == 0:
        layers = n + m
        alone = ((2 * layers) ** (1 / 4), (8 * layers) ** (-1 / 4))
        return {"encoder": alone if n else None, "decoder": alone if m else None}
    mixed = (n**4 * m) ** (1 / 16)
    encoder = (0.81 * mixed, 0.87 / mixed)
    decoder = ((3 * m) ** (1 / 4), (12 * m) ** (-1 / 4))
    return {"encoder": encoder, "decoder": decoder}
    ### END SOLUTION


# %%
check(deepnorm_constants)

# %% [markdown]
# ## 2. The step
#
# One sub-layer $f$, attention or FFN, with DeepNorm around it:
#
# $$y = \text{norm}(\alpha x + f(x))$$
#
# ```text
#  x ──┬────── × α ──────┐
#      │                 +── norm ── y
#      └────── f ────────┘
# ```
#
# **What is asked.** Write `deepnorm_step(x, sublayer, norm, alpha)`. `x` is a torch tensor
# $(\ldots, D)$ with any number of leading axes, `alpha` a float. `sublayer` and `norm` are
# functions, or modules, from tensors $(\ldots, D)$ to tensors of the same shape.
#
# 1. **The formula** · 1 point. Use the norm that you are given, not one of your own.
# 2. **Gradients and state** · 1 point. Gradients flow through both summands. `sublayer` and `norm`
#    are called once each. The result is a new tensor of the dtype of `x`, with all its digits, and
#    `x` is not changed.
#
# Without ε, $\text{norm}(x + f(x)/\alpha)$ is the same. With ε it is not, and the check tells the
# two apart: its norm is a layer norm with ε = 0.1.


# %%
def deepnorm_step(x, sublayer, norm, alpha):
    """norm(αx + f(x)), a tensor of the shape of x."""
    ### BEGIN SOLUTION
    return norm(alpha * x + sublayer(x))
    ### END SOLUTION


# %%
check(deepnorm_step)

# %% [markdown]
# The check's sub-layer is $f(x) = \tanh(xW^\top)$; the diagnosis shows $W$ as `weight`.

# %% [markdown]
# ## 3. The initialization
#
# $\beta$ is a gain of the initial weights. With Xavier's normal distribution a matrix of
# `fan_out` rows and `fan_in` columns starts with
#
# $$W_{ij} \sim \mathcal N\!\left(0,\; g^2 \cdot \frac{2}{\text{fan\_in} + \text{fan\_out}}\right)$$
#
# where the gain $g$ depends on what the matrix does:
#
# | `nn.Linear` | what it is | gain |
# |---|---|---|
# | `q_proj`, `k_proj` | queries and keys: where attention looks | 1 |
# | `v_proj`, `out_proj` | values and output: what attention adds to the stream | β |
# | `fc1`, `fc2` | the FFN | β |
#
# **What is asked.** Write `deepnorm_init_(block, beta)`. The underscore says, as in `nn.init`: in
# place. `block` is an `nn.Module`, one layer of an encoder or a decoder. Inside it are `nn.Linear`
# modules of these names: `fc1`, `self_attn.q_proj` and so on. The last part of the name says what
# it is. What your function returns is not looked at.
#
# 1. **The formula** · 1 point. Draw every weight of these six kinds **anew**, from the normal
#    distribution of its gain. What stood there before must not matter: torchscale multiplies the
#    weights that it finds, and relies on them being Xavier's.
# 2. **Any input** · 1 point. The six kinds may stand at any depth, for instance as
#    `0.encoder_attn.k_proj`, and need not be square. Set their biases to 0; a layer made with
#    `bias=False` has the bias `None`.
# 3. **Gradients and state** · 1 point. Leave everything else as it is: the norms, an `nn.Linear` of
#    another name such as `gate_proj`, the mode and `requires_grad`. Write into the parameters that
#    are there; a new `nn.Parameter` would be unknown to an optimizer that was made before. Set no
#    seed: torch's random numbers are the caller's, and no two matrices get the same ones.
#
# This is such a block:


# %%
class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            self.add_module(name, nn.Linear(width, width))


class Block(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.self_attn = Attention(width)
        self.norm = nn.LayerNorm(width)
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)


for name, module in Block(width=8, hidden=32).named_modules():
    print(f"{name!r:22} {type(module).__name__}")


# %%
def deepnorm_init_(block, beta):
    """Draw the weights of a block anew, with gain β but for q_proj and k_proj; biases are 0."""
    ### BEGIN SOLUTION
    gains = {"q_proj": 1.0, "k_proj": 1.0}
    gains |= dict.fromkeys(["v_proj", "out_proj", "fc1", "fc2"], beta)
    for name, module in block.named_modules():
        part = name.split(".")[-1]
        if part in gains:
            nn.init.xavier_normal_(module.weight, gain=gains[part])
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    ### END SOLUTION


# %%
check(deepnorm_init_)

# %% [markdown]
# How it is checked: the weights are random, so the check measures. The *gain* of a matrix is its
# root mean square over $\sqrt{2/(\text{fan\_in}+\text{fan\_out})}$. A right answer is off by 1 % or
# so on the smallest matrix; 20 % is allowed. The check also counts large weights: of 1,000 normal
# numbers 28 lie beyond 2.2 deviations. And it looks how far a matrix stretches a vector at most,
# since an orthogonal one stretches less than one of independent weights. In the diagnosis
# `width` and `hidden` are the sizes of the block, and `memory`, if not 0, is the width of the
# encoder that `encoder_attn` looks at.

# %% [markdown]
# ## Use it
#
# Your three functions make a decoder of 24 layers, which learns the task of chapter 08 beside
# post-norm. That takes 10 to 20 seconds.

# %% tags=["nbval-ignore-output"]
use(deepnorm_constants, deepnorm_step, deepnorm_init_)

# %% [markdown]
# ## What public code got wrong
# | Code | Mistake |
# |---|---|
# | labml.ai | `norm(x + alpha * f(x))`: α on the branch |
# | torchscale | 1.15 instead of 0.87 in the encoder's β |
# | the code of Mix-LN and LayerNorm Scaling | $(8N)^{+1/4}$ as gain: β inverted |
# | xformers, before its pull request 284 | no β on `v_proj` |
#
# Chapter 08 measures what each of them does to the first training step.
