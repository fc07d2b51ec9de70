# %% [markdown]
# # Exercise 07 · Beyond transformers
#
# The paper of layer norm had recurrent networks in mind, and graph networks use it too. In both the
# question is the same as ever: *which numbers share a mean and a variance?* You write an LSTM cell
# as in the paper, and layer norm for graphs in its two modes.
#
# The basics are in [09 · Beyond transformers](../notebooks/09_beyond_transformers.ipynb).
#
# Both are checked in levels, one after the other. `check(name)` says which are right; of the first
# that is not, it says what is wrong and why, on the smallest input that shows it. `hint(name)`
# gives the next hint to that level.

# %%
import numpy as np
import torch
from torch import nn

from normlab import check, hint, use
from normlab.chapters.beyond_transformers import draw_shared_means, draw_unrolled_cell, shared_means
from normlab.pictures import new_figure

# %% [markdown]
# ## 1. An LSTM cell with layer norm
#
# Ba, Kiros and Hinton 2016 ([arXiv:1607.06450](https://arxiv.org/abs/1607.06450)) put three norms
# into the cell. With $I$ inputs and $H$ units:
#
# $$[f, i, o, g] = \text{LN}_x(W_x x) + \text{LN}_h(W_h h) + b$$
# $$c' = \sigma(f) \odot c + \sigma(i) \odot \tanh(g)$$
# $$h' = \sigma(o) \odot \tanh(\text{LN}_c(c'))$$
#
# The next cell draws it at two time steps. The three norms are orange, the thick line is $c$.

# %%
_, ax = new_figure(width=6, height=3)
draw_unrolled_cell(ax)

# %% [markdown]
# - $\text{LN}_x$ and $\text{LN}_h$ each take one mean and one variance over all $4H$ numbers.
# - $\text{LN}_c$ stands only where $c'$ is *read*. The $c'$ that is passed on is not normalized: it
#   is the memory.
#
# `torch.nn` has no such cell, and a layer norm behind `nn.LSTM` is something else.
#
# **What is asked.** Write `class LayerNormLSTMCell(nn.Module)` with `LayerNormLSTMCell(input_size,
# hidden_size)`. Its `forward(x, state)` takes `x` and the pair `state = (h, c)`, and returns the
# new pair `(h, c)`. The check loads weights of its own, so the parameters need these names and
# shapes, and no others:
#
# | attribute | made by | parameters |
# |---|---|---|
# | `linear_x` | `nn.Linear(…, bias=False)` | `linear_x.weight` $(4H, I)$ |
# | `linear_h` | `nn.Linear(…, bias=False)` | `linear_h.weight` $(4H, H)$ |
# | `bias` | `nn.Parameter`, 0 at the start | `bias` $(4H,)$ |
# | `norm_x` | `nn.LayerNorm` | `norm_x.weight`, `norm_x.bias` $(4H,)$ |
# | `norm_h` | `nn.LayerNorm` | `norm_h.weight`, `norm_h.bias` $(4H,)$ |
# | `norm_c` | `nn.LayerNorm` | `norm_c.weight`, `norm_c.bias` $(H,)$ |
#
# 1. **The formula** · 2 points. The parameters are those of the table. The $4H$ rows belong to $f$,
#    $i$, $o$, $g$, in this order. (`nn.LSTMCell` has $i, f, g, o$.)
# 2. **Any input** · 1 point. `x` is $(\ldots, I)$, `h` and `c` are $(\ldots, H)$, with any number
#    of leading axes: one for a batch, none, or more. The norms keep torch's default ε of $10^{-5}$,
#    which counts where the numbers are small.
# 3. **Gradients and state** · 1 point. Gradients flow to `x`, `h`, `c` and every parameter, and
#    `bias` starts at 0. No argument is changed, and no digits of float64 are lost.
#
# The shifts of `norm_x` and `norm_h` and `bias` are added up, so one of the three would do. The
# paper has all of them.


# %%
class LayerNormLSTMCell(nn.Module):
    """One step of an LSTM with layer norm: (x, (h, c)) -> (h, c)."""

    def __init__(self, input_size, hidden_size):
        ### BEGIN SOLUTION
        super().__init__()
        gates = 4 * hidden_size
        self.linear_x = nn.Linear(input_size, gates, bias=False)
        self.linear_h = nn.Linear(hidden_size, gates, bias=False)
        self.bias = nn.Parameter(torch.zeros(gates))
        self.norm_x = nn.LayerNorm(gates)
        self.norm_h = nn.LayerNorm(gates)
        self.norm_c = nn.LayerNorm(hidden_size)
        ### END SOLUTION

    def forward(self, x, state):
        """x (..., I), state = (h, c) with h and c (..., H); returns the new (h, c)."""
        ### BEGIN SOLUTION
        h, c = state
        from_x = self.norm_x(self.linear_x(x))  # (..., I) -> (..., 4H)
        from_h = self.norm_h(self.linear_h(h))  # (..., H) -> (..., 4H)
        gates = from_x + from_h + self.bias
        f, i, o, g = gates.chunk(4, dim=-1)  # (..., 4H) -> 4 times (..., H)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(self.norm_c(c))
        return h, c
        ### END SOLUTION


# %%
check(LayerNormLSTMCell)

# %% [markdown]
# In the diagnosis, `seed` stands for the weights that the check loads, and `steps` for how often it
# calls the cell with the same `x`.

# %% [markdown]
# ### Use it
#
# Thirty numbers are read one by one, two of them are marked, and the answer is the sum of these
# two. Your cell learns it in 200 steps, which takes about 10 seconds.

# %% tags=["nbval-ignore-output"]
use(LayerNormLSTMCell)

# %% [markdown]
# ## 2. Layer norm on graphs
#
# A mini-batch of graphs is one array `x` of all nodes, $(\text{nodes}, D)$, and `batch`, the number
# of each node's graph. Here are two graphs whose nodes are mixed. Numbers with one letter share a
# mean and a variance:

# %%
_, axes = new_figure(3, width=6, height=2.6)
draw_shared_means(shared_means(batch=[1, 0, 1, 0]), axes)

# %% [markdown]
# - Mode `"node"`: each node by itself over its $D$ channels, as `F.layer_norm` does.
# - Mode `"graph"`: one mean and one variance for all nodes *and* channels of a graph. With $n$
#   nodes these are $n \cdot D$ numbers.
# - GraphNorm (Cai et al. 2021) is drawn beside them, and is not asked for: each channel has a mean
#   of its own, over the nodes of a graph.
#
# $$y = \gamma \odot \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta$$
#
# where $\gamma$ and $\beta$ have one entry for each channel in both modes, and $\sigma^2$ is
# divided by the count, not by the count − 1.
#
# The `LayerNorm` of PyTorch Geometric has both modes. Its default is `"graph"`, and without `batch`
# it takes the whole mini-batch for one graph.
#
# **What is asked.** Write `graph_layer_norm(x, batch, gamma, beta, mode, eps=1e-5)` in NumPy. `x`
# is $(\text{nodes}, D)$, `batch` $(\text{nodes},)$ holds integers ≥ 0, `gamma` and `beta` are
# $(D,)$.
#
# 1. **The formula** · 1 point. Both modes. The nodes of a graph may stand anywhere: `batch` need
#    not be sorted. `eps` is the one given; its default is 1e-5.
# 2. **Any input** · 1 point. A number may be missing in `batch`: that graph has no nodes. There may
#    be no nodes at all: the result is then $(0, D)$. If `gamma` or `beta` is not $(D,)$ or `batch`
#    not $(\text{nodes},)$, in either mode, raise a `ValueError` that names the shape and that of
#    `x`; and one that names the mode if it is neither `"node"` nor `"graph"`. No argument is
#    changed.
# 3. **Precision** · 1 point; [chapter 03](../notebooks/03_numerics.ipynb) is about it. The result
#    has the dtype of `x`, whatever those of `gamma` and `beta`. float16 is computed in float32,
#    float64 in float64. Far from 0 the variance stays right: subtract the mean before you square.


# %%
def graph_layer_norm(x, batch, gamma, beta, mode, eps=1e-5):
    """x (nodes, D), batch (nodes,), gamma and beta (D,), mode "node" or "graph" -> (nodes, D)"""
    ### BEGIN SOLUTION
    nodes, features = x.shape
    if gamma.shape != (features,) or beta.shape != (features,) or batch.shape != (nodes,):
        raise ValueError(
            f"gamma {gamma.shape}, beta {beta.shape}, batch {batch.shape} do not fit x {x.shape}."
        )
    if mode not in ("node", "graph"):
        raise ValueError(f"mode is {mode!r}; expected 'node' or 'graph'.")
    group = batch if mode == "graph" else np.arange(nodes)  # in mode node, each node is a graph
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    normalized = np.empty_like(wide)
    for number in np.unique(group):
        rows = group == number
        centered = wide[rows] - wide[rows].mean()  # (n, D) -> ()
        variance = (centered**2).mean()  # (n, D) -> ()
        normalized[rows] = centered / np.sqrt(variance + eps)
    return (gamma * normalized + beta).astype(x.dtype)
    ### END SOLUTION


# %%
check(graph_layer_norm)

# %% [markdown]
# ### Use it
#
# The graph network of chapter 09, 64 untrained layers deep, with your function in both modes. Does
# either keep the nodes apart?

# %%
use(graph_layer_norm)

# %% [markdown]
# ## What to take along
# | | numbers that share a mean |
# |---|---|
# | LSTM, $\text{LN}_x$ and $\text{LN}_h$ | the $4H$ numbers of one example, at one time step |
# | LSTM, $\text{LN}_c$ | the $H$ numbers of its cell |
# | graph, mode `"node"` | the $D$ channels of one node |
# | graph, mode `"graph"` | all channels of all nodes of one graph |
#
# Only in the last row do several nodes share a mean. The number of nodes then changes every node's
# output, and without `batch` the other graphs do, too.
