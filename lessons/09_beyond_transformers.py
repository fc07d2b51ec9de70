# %% [markdown]
# # 09 · Beyond transformers: RNN, LSTM, graphs, images
#
# ## What you will be able to do
#
# - Put layer norm into an RNN and an LSTM where the paper puts it, and compare that with a norm
#   behind `nn.LSTM`.
# - Say what layer norm does to a hidden state over 500 steps.
# - Name the numbers that share a mean in a graph network, in each of three norms.
# - Measure over-smoothing in two ways, and say what each norm does about it.
# - Find the norms of a small vision transformer.
# - Say which numbers a mean over time reaches.
#
# {{ minutes }}
#
# The seed text has five sentences on all this. Each gets its experiment.

# %% [markdown]
# ## 1. In an RNN
#
# The layer norm paper was written for these networks. Its RNN (section 3.1, Eq. 4) has one norm,
# over the $D$ summed inputs:
#
# $$h_t = \tanh(\text{LN}(W_x x_t + W_h h_{t-1}))$$

# %%
from normlab.claims import your_mark

your_mark(9, 33, 46)

# %%
from normlab import quiz

quiz("means-in-an-rnn")

# %%
import torch

from normlab.models import LayerNormRNN

torch.manual_seed(0)
rnn, x = LayerNormRNN(input_size=3, hidden_size=16), torch.randn(4, 10, 3)  # x (B, T, I)
means = []
rnn.cells[0].norm.register_forward_pre_hook(lambda _, inputs: means.append(inputs[0].mean(-1)))
hidden, last = rnn(x)
print("means:", torch.stack(means).numel(), " gains:", rnn.cells[0].norm.weight.numel())

alone, _ = rnn(x[:1])
print(f"the first sequence alone differs by {(alone - hidden[:1]).abs().max():.5f}")
longer, _ = rnn(torch.randn(4, 1000, 3))
print("a sequence of 1,000 steps:", tuple(longer.shape))

# %% [markdown] tags=["answer"]
# All steps share the 16 gains. So a batch of one sequence works, and a sequence of any
# length. Batch norm would have no statistics for a step that no training sequence reaches.
#
# **Claim 9: {{ ruling 9 }}. Claim 46: {{ ruling 46 }}.**

# %% [markdown]
# ### What it does to the state
#
# In an RNN one matrix acts over and over. The paper: *"there is a tendency for the average
# magnitude of the summed inputs to the recurrent units to either grow or shrink at every
# time-step"*.

# %%
quiz("scale-of-recurrent-weights")

# %% [markdown]
# The next cell runs both cells for 500 steps with the same random weights $W_h$, drawn from
# $N(0, 1/D)$ and multiplied by the number in the first column, without inputs. *Size* is the root
# mean square of the 64 numbers of $h$ over the last 100 steps. Every run is made from two starts;
# *apart* says whether the two have come together.

# %%
from normlab.chapters.beyond_transformers import state_curves

silent = state_curves("RNN", "none", scales=(0.25, 0.5, 2.0, 4.0, 16.0))
silent.table()

# %% [markdown] tags=["answer"]
# With small weights the plain state dies out, and with it all memory of the start. With large ones
# every unit sits at $\pm 1$. The state of the layer-normed cell has size 0.6 in every row.

# %%
quiz("growth-in-an-ln-rnn")

# %%
from normlab import Table
from normlab.chapters.beyond_transformers import growth_per_step

rows = []
for scale in (0.25, 0.5, 1.0, 2.0, 4.0):
    factors = [growth_per_step("RNN", kind, scale) for kind in ("plain", "LN")]
    rows.append([f"{scale:g}", *(f"{factor:.2f}" for factor in factors)])
Table(("W_h ×", "plain RNN", "LN RNN"), rows)

# %% [markdown] tags=["answer"]
# In the plain cell the factor is about the scale itself, until tanh saturates. Only near 1 is a
# state of 100 steps ago neither lost nor blown up. With layer norm it is there at every scale, a
# little on the chaotic side (1.04 with these weights, 1.08 with five others). The gradient goes back through the same factors.

# %% [markdown]
# ## 2. In an LSTM
#
# An LSTM keeps a memory $c$ beside its state $h$. From the summed inputs come four vectors of $D$
# numbers each (`f`, `i`, `o` and `g` in the paper and in code):
#
# $$[z_\text{forget}, z_\text{write}, z_\text{read}, z_\text{new}] = W_x x_t + W_h h_{t-1} + b$$
# $$c_t = \text{sigmoid}(z_\text{forget}) \odot c_{t-1} +
# \text{sigmoid}(z_\text{write}) \odot \tanh(z_\text{new}) \qquad
# h_t = \text{sigmoid}(z_\text{read}) \odot \tanh(c_t)$$

# %%
quiz("what-is-not-normalized")

# %%
from torch import nn

from normlab.chapters.beyond_transformers import draw_unrolled_cell
from normlab.models import LayerNormLSTM
from normlab.pictures import new_figure

torch.manual_seed(0)
lstm, x = LayerNormLSTM(input_size=3, hidden_size=8), torch.randn(1, 300, 3)
nn.init.constant_(lstm.cells[0].bias[:16], 20.0)  # z_forget and z_write: sigmoid gives 1
made = {}
for name, part in lstm.cells[0].named_children():
    part.register_forward_hook(lambda _, inputs, output, name=name: made.update({name: output}))
with torch.no_grad():
    _, (made["h"], made["c"]) = lstm(x)
fig, ax = new_figure(width=7, height=3.4)
draw_unrolled_cell(ax)
rows = [[name, f"{values.std(correction=0):.2f}"] for name, values in made.items()]
Table(("made in 300 steps", "standard deviation"), rows)

# %% [markdown] tags=["answer"]
# The picture has two time steps of it; the norms are orange, $c$ is the thick line. The paper's LSTM
# (supplementary material, Eq. 20 to 22) has $\text{LN}_x(W_x x_t) +
# \text{LN}_h(W_h h_{t-1}) + b$ in the first line, and $\tanh(\text{LN}_c(c_t))$ at the end. The
# memory may count to large numbers, here to a standard deviation of 154. What is *read* of it has
# standard deviation 1, times the gain. So the seed's "LayerNorm to the pre-activation" leaves out
# two things: there are two norms on the pre-activation, one for each product, and a third on the
# way out.
#
# **Claim 33: {{ ruling 33 }}.**

# %% [markdown]
# ### A norm behind `nn.LSTM`
#
# `torch.nn` has no LSTM with layer norm. What one often finds instead is this:

# %%
quiz("norm-after-lstm")

# %%
from normlab.chapters.beyond_transformers import CORES

torch.manual_seed(0)
x = torch.randn(2, 50, 3)
for name in ("nn.LSTM, then LN", "LN-LSTM"):
    model = CORES[name](3, 16)
    inner = (
        model.lstm.weight_hh_l0 if name == "nn.LSTM, then LN" else model.cells[0].linear_h.weight
    )
    with torch.no_grad():
        before, _ = model(x)
        inner *= 4
        after, _ = model(x)
    change = (after - before).abs().max()
    print(f"{name:17} recurrent weights × 4: greatest change of the output {change:.1g}")

# %% [markdown] tags=["answer"]
# Behind the cell a norm sees only $h$. The gates have been formed already, from summed inputs of
# whatever size. The thousandth that is left in the other cell is what $\varepsilon$ does.

# %% [markdown]
# ## 3. States with inputs ★
#
# The same cells, with something to read at every step.

# %%
quiz("with-inputs")

# %% [markdown]
# **Explorer.** Move the scale of $W_h$, first without inputs, then with inputs at every step. The
# right panel shows how far two starts are apart: which cell forgets, and at which scales? Then
# change the cell to LSTM.

# %% tags=["answer"]
from normlab.chapters.beyond_transformers import explore_states

explore_states()

# %% [markdown] tags=["answer"]
# With inputs both RNNs forget their start up to a scale of 1.4, and the layer-normed one at 2 as
# well. The LN-LSTM has a norm for each product, so there the ratio of the two does not count: with
# these weights it forgets at none of the scales.

# %% [markdown]
# ## 4. Does it train faster? ★
#
# Three tasks, four models and 420 stored runs.

# %% [markdown]
# The paper says that it does. Three tasks, with 48 units each:
#
# | task | what is read, what is asked for | solved means |
# |---|---|---|
# | adding | 30 numbers, two of them marked; their sum (Hochreiter & Schmidhuber 1997) | squared error 0.02; guessing costs 1/6 |
# | digit rows | a handwritten digit, row by row; which one | loss 0.5; guessing costs 2.30 |
# | copy | 8 symbols; the same again | loss 1.0; guessing costs 2.08 |
#
# Each model is trained with Adam at six rates. Five seeds choose the rate at which *it* does best, and
# five others are shown at that rate: the best of six is better than it will be again. One of the
# models is `nn.LSTM` with its forget gate's bias at 1, since a plain one forgets half of its memory
# at every step (Jozefowicz et al. 2015). `normlab remake recurrent --out FILE` makes all runs again,
# in about 15 minutes.

# %%
quiz("steps-on-adding")

# %%
quiz("copy-and-digits")

# %%
from normlab.chapters.beyond_transformers import draw_rate_grid, load_recurrent_runs
from normlab.pictures import new_figure

recurrent = load_recurrent_runs()
fig, axes = new_figure(3, width=10.5, height=4.3)
for setting, ax in zip(recurrent.settings(), axes, strict=True):
    draw_rate_grid(recurrent, ax, setting)

rows = [[task, *row[:4]] for task in recurrent.settings() for row in recurrent.table(task).rows]
Table(("task", "model", "best rate", "steps to solve it, median", "each seed"), rows)

# %% [markdown] tags=["answer"]
# On adding, the LN-LSTM needs two fifths of the steps of `nn.LSTM`, whatever its forget bias. On
# copying it needs fewer than a plain `nn.LSTM` too; but with the forget gate's bias at 1, `nn.LSTM`
# needs fewer still. There one number at the start does more than three norms. The norm *behind* the
# LSTM helps on copying, and not on adding, where a number has to be kept for long.

# %% [markdown]
# A best rate hides how hard it is to find.

# %%
quiz("rates-that-solve-adding")

# %%
from normlab.chapters.beyond_transformers import RATES

rows = []
for name in CORES:
    runs = [recurrent.at("adding", name, rate) for rate in RATES]
    rows.append([name, *(sum(run.steps_to_goal is not None for run in same) for same in runs)])
Table(("adding: seeds of 5 that solve it", *(f"rate {rate:g}" for rate in RATES)), rows)

# %% [markdown] tags=["answer"]
# At `nn.LSTM`'s fastest rate, 0.1, one seed of five never solves it.

# %% [markdown]
# "Faster" counts steps. And in seconds?

# %%
quiz("seconds-a-step")

# %% tags=["timing"]
from normlab.chapters.beyond_transformers import Reader
from normlab.tools import one_thread, race

x = torch.randn(32, 30, 2)
readers = {name: Reader(name, inputs=2, outputs=1, seed=0) for name in CORES}
with one_thread():
    speed = race({n: lambda r=r: r(x).sum().backward() for n, r in readers.items()}, rounds=9)
speed.table(to="nn.LSTM")

# %% [markdown] tags=["answer"]
# So in seconds the LN-LSTM wins on none of the three tasks here. A fused kernel would change that.

# %% [markdown]
# One pair of runs, live. Change task, rate and seed.

# %% tags=["nbval-ignore-output"]
from normlab.chapters.beyond_transformers import train_reader

for name in ("nn.LSTM", "LN-LSTM"):
    losses = train_reader("adding", name, learning_rate=1e-2, seed=0, steps=200)
    print(f"{name:8} after 200 steps: loss {sum(losses[-10:]) / 10:.3f}")

# %% [markdown]
# ## 5. On graphs
#
# A mini-batch of graphs is one array with a row of $D$ channels for each node, and `batch`, the
# number of each node's graph. Three norms are in use:
#
# | norm | numbers that share a mean |
# |---|---|
# | layer norm, mode node | the channels of a node |
# | layer norm, mode graph | all of a graph |
# | GraphNorm (Cai et al. 2021) | a channel, over a graph's nodes |
#
# PyTorch Geometric's `LayerNorm` knows both modes.

# %%
your_mark(34)

# %%
quiz("default-of-torch-geometric")

# %%
import numpy as np

from normlab.chapters.beyond_transformers import batched_norms, draw_shared_means, shared_means

fig, axes = new_figure(3, width=7, height=2.6)
draw_shared_means(shared_means(), axes)

rng = np.random.default_rng(0)
batch = np.repeat([0, 1, 2], [10, 25, 15])
x = rng.standard_normal((50, 16)) + rng.standard_normal((50, 1))
changed = x.copy()
changed[batch == 2] *= 10  # another graph in the same mini-batch

rows = []
for name, norm in batched_norms(batch, channels=16).items():
    y, moved = norm(x), norm(changed)
    change = abs(moved - y)[batch == 0].max()
    rows.append([name, np.sum(abs(y.mean(1)) < 1e-6), f"{change:.2f}"])
Table(("norm", "nodes with mean 0", "graph 0 changes, when graph 2 does, by"), rows)

# %% [markdown] tags=["answer"]
# The functions are those of PyTorch Geometric; its `LayerNorm` and `GraphNorm` give the same to
# $10^{-15}$ in float64. `norm(x)`, in mode graph and without `batch`, is the third row: the same
# graph gets other outputs in other company. That is batch norm's trouble back again.
#
# **Claim 34: {{ ruling 34 }}.**

# %% [markdown]
# ## 6. Over-smoothing
#
# A graph convolution replaces each node by a mean over its neighbours and itself, weighted by
# their numbers of links: $x \leftarrow \text{ReLU}(\text{norm}(\hat A x W))$ (Kipf & Welling 2017).
# Many means over neighbours make all nodes alike. That is over-smoothing.

# %%
quiz("layer-norm-on-collapsed-nodes")

# %% [markdown]
# The graph here has 120 nodes in three communities; two nodes are linked with probability 0.15
# inside a community and 0.03 between two. The features are noisy. The usual measure is the
# Dirichlet energy, $\tfrac12\sum_{ij} A_{ij} \|x_i/\sqrt{1+n_i} - x_j/\sqrt{1+n_j}\|^2$, with $n_i$
# the number of links (Cai & Wang 2020). Beside it stands *apart*, the mean of
# $1 - \cos(x_i, x_j)$ over all pairs of nodes.

# %%
quiz("apart-by-depth")

# %%
from normlab.chapters.beyond_transformers import smoothing

smooth = smoothing(seed=0)
smooth.table()

# %% [markdown] tags=["answer"]
# Without a norm the energy falls by a factor of $10^{11}$ in 32 layers. With layer norm in mode
# node it stays at 0.2 from the eighth layer on. If one looks at the energy alone, layer norm has
# cured it. It has not: *apart* is $2 \cdot 10^{-6}$ in both after 16 layers. The energy is 0 only
# where node $i$ is $\sqrt{1+n_i}$ times one vector. Mode node gives all nodes the same *length*, so
# nodes that are all alike still have some energy.
#
# GraphNorm holds the directions apart, since it takes out the mean over the *nodes*, which is what
# they have in common.

# %% [markdown]
# ## 7. The nodes, drawn, and what mode graph leaves ★
#
# An explorer of depth and norm, a closer look at one of the norms, and PyTorch Geometric's own layer.

# %% [markdown]
# **Explorer.** Start without a norm and go down to 16 layers. Then change the norm. The nodes are
# drawn in the two directions in which they differ most, in units of their length.

# %% tags=["answer"]
from normlab.chapters.beyond_transformers import explore_smoothing

explore_smoothing()

# %% [markdown]
# After 32 layers layer norm in mode graph still has the nodes a little apart.

# %%
quiz("what-mode-graph-leaves")

# %%
smooth.shares(32)

# %% [markdown] tags=["answer"]
# Averaging leaves $x_i \approx \sqrt{1 + n_i}\, v$ with one $v$ for all. Mode graph subtracts one
# number from all entries, and $\sqrt{1 + n_i}\, v - \mu$ points elsewhere for another $n_i$.
# Without a norm and in mode node what is left *is* the community, but it is about $10^{-12}$ of the
# whole.

# %% [markdown]
# The norms above are the course's own. Where PyTorch Geometric is installed (`pip install
# torch-geometric`), its layer is run as claim 34's experiment:

# %% tags=["nbval-ignore-output"]
from normlab.claims import run_claim

print(run_claim(34).finding.sentence)

# %% [markdown]
# ## 8. After training ★
#
# The same networks, trained, with 1 to 32 layers.

# %% [markdown]
# Eight nodes of each community have a known label; the network is to say the others'. Adam at two
# rates: five graphs choose the better one, five others are shown at it (`normlab remake graph --out
# FILE`).

# %%
quiz("right-labels-by-depth")

# %%
quiz("graph-norm-at-32-layers")

# %%
from normlab.chapters.beyond_transformers import draw_accuracy, load_accuracy_by_depth
from normlab.pictures import new_figure

accuracy = load_accuracy_by_depth()
fig, ax = new_figure()
draw_accuracy(accuracy, ax)
accuracy.table()

# %% [markdown] tags=["answer"]
# Up to eight layers none collapses, and layer norm in mode node is as good as any. What the runs
# show, and what not:
#
# - GraphNorm prevents the collapse, and does not make depth useful. From one layer to two much is
#   gained, from then on little.
# - In shallow networks GraphNorm costs a few points here. Its authors measure it on the task of
#   telling whole *graphs* apart.

# %% [markdown]
# One pair of runs, live:

# %% tags=["nbval-ignore-output"]
from normlab.models import draw_communities, train_gcn

for name in ("LN, mode node", "GraphNorm"):
    right = train_gcn(draw_communities(seed=0), depth=16, norm=name, learning_rate=1e-2, seed=0)
    print(f"{name:13} 16 layers: {right:.2f} right")

# %% [markdown]
# ## 9. On images
#
# A vision transformer (Dosovitskiy et al. 2021) cuts an image into patches. Each patch becomes a
# token by one linear map; a class token goes first, positions are added. From there on it is
# chapter 05's pre-norm encoder. Here the images are 8 × 8 pixels, and the patches 2 × 2.

# %%
your_mark(35)

# %%
quiz("norms-of-a-vision-transformer")

# %%
from collections import Counter

from normlab.chapters.beyond_transformers import digits, draw_patches, draw_vision_transformer
from normlab.models import VisionTransformer
from normlab.pictures import new_figure

data = digits()
one_of_each = [int((data.test_labels == digit).nonzero()[0]) for digit in range(6)]
fig, axes = new_figure(6, width=7, height=1.4)
draw_patches(data.test_images[one_of_each], axes, patch=2)

model = VisionTransformer(seed=0, layers=4)
fig, ax = new_figure(width=9, height=2.0)
draw_vision_transformer(model, data.test_images[:1], ax)
print("tokens (B, T, D):", tuple(model.tokens(data.test_images[:2]).shape))
norms = [name for name, module in model.named_modules() if isinstance(module, nn.LayerNorm)]
for place, count in Counter(".".join(name.split(".")[:2]) for name in norms).items():
    print(f"norms in {place:18} {count}")

# %% [markdown] tags=["answer"]
# "Same as language transformers" is right. On ViT's patch embeddings themselves there is no norm: the
# stream begins with the raw patches, and the first norm reads a copy of them ({{ scan vision models with an embedding norm }} vision models have one).
#
# **Claim 35: {{ ruling 35 }}.**

# %% [markdown]
# ## 10. A vision transformer without norms ★
#
# Three variants, trained on handwritten digits.

# %% [markdown]
# The model is trained on 1,297 of scikit-learn's digits, with Adam at five rates,
# and tested on the other 500 (`normlab remake vision --out FILE`). The variants have all norms, all but
# the final one, or none. Three seeds choose the best rate, three others are shown at it. All start
# from Xavier's initialization.

# %%
quiz("digits-without-norms")

# %%
quiz("first-loss-without-norms")

# %%
from normlab.chapters.beyond_transformers import draw_rate_grid, load_vision_runs

vision = load_vision_runs()
fig, axes = new_figure(2, width=9, height=4.2)
for setting, ax in zip(vision.settings(), axes, strict=True):
    draw_rate_grid(vision, ax, setting)

rows = [[depth, *row] for depth in vision.settings() for row in vision.table(depth).rows]
Table(("depth", *vision.table("4 layers").columns), rows)

# %% [markdown] tags=["answer"]
# At 12 layers no rate of the grid saves the model without norms: no seed gets anywhere near a loss
# of 0.5.
#
# The final norm is not missed here, at the best rate. The other rates show more.

# %%
quiz("first-losses-without-a-final-norm")

# %%
rates = (1e-3, 3e-3, 1e-2)
rows = []
for name in ("pre-norm", "no final norm"):
    runs = [vision.at("12 layers", name, rate) for rate in rates]
    first = [max(run.losses[0] for run in same) for same in runs]
    worst = [min(run.accuracy for run in same) for same in runs]
    rows.append([name, "first 10 losses", *(f"{loss:.1f}" for loss in first)])
    rows.append(["", "test accuracy", *(f"{accuracy:.2f}" for accuracy in worst)])
Table(("12 layers, the worst seed", "", *(f"rate {rate:g}" for rate in rates)), rows)

# %% [markdown] tags=["answer"]
# In the end neither is ahead: without the final norm it is 0.05 worse at one rate, and better at
# the next. Twelve layers and three seeds do not decide what the final norm is worth; chapter 05
# shows what it does to the stream.

# %% [markdown]
# ## 11. One mean over time
#
# Outside of transformers one also meets `nn.LayerNorm((T, D))`, one mean and one variance over a
# whole sequence. Chapter 01 showed it on arrays. Here it stands behind a model that reads from left
# to right.

# %%
quiz("norm-over-time")

# %%
torch.manual_seed(0)
reader, words = LayerNormLSTM(input_size=4, hidden_size=16), torch.randn(1, 6, 4)
other_end = words.clone()
other_end[0, -1] *= -3
padded = torch.cat([words, torch.zeros(1, 6, 4)], dim=1)  # (1, 6, 4) twice -> (1, 12, 4)


def states(x):
    return reader(x)[0].detach()


tests = {
    "first word, when the last changes": lambda norm: (
        norm(states(other_end))[:, :1] - norm(states(words))[:, :1]
    ),
    "the six words, when padding follows": lambda norm: (
        norm(states(padded))[:, :6] - norm(states(words))
    ),
}
rows = []
for name, test in tests.items():
    over_d = test(lambda h: nn.functional.layer_norm(h, h.shape[-1:]))
    over_both = test(lambda h: nn.functional.layer_norm(h, h.shape[-2:]))
    rows.append([name, *(f"{change.abs().max():.2f}" for change in (over_d, over_both))])
Table(("largest change of", "LN over D", "LN over (T, D)"), rows)

# %% [markdown] tags=["answer"]
# Over $D$ nothing changes: each step is by itself. Over $(T, D)$ a sentence also comes out
# otherwise in a batch with a longer one, since the padding is part of the mean.
#
# All pitfalls of this chapter are one: *which numbers share a mean?* A mean may reach over what is
# not there yet (the future), over what is not real (padding), or over what belongs to another
# example (other graphs). Then the output depends on it.

# %% [markdown]
# ## 12. Another length ★
#
# One more thing about `nn.LayerNorm((T, D))`.

# %%
quiz("another-length")

# %%
from normlab.chapters.beyond_transformers import what_comes_out

for size in (16, (6, 16)):
    print(f"LayerNorm({size}):", what_comes_out(nn.LayerNorm(size), torch.randn(1, 7, 16)))

# %% [markdown]
# ## The exercise
#
# Write the LSTM cell, and layer norm on graphs in both modes:
# [exercise 07](../exercises/07_beyond_transformers.ipynb).

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - RNN: one norm on $W_x x + W_h h$. LSTM: one on each product, and one where $c$ is read; the $c$
#   of the next step is not normalized. A norm behind `nn.LSTM` leaves a plain LSTM inside.
# - Without inputs the scale of $W_h$ does not matter to the LN-RNN: its state has size 0.6 from ×
#   0.25 to × 16, and a small difference changes by the factor 1.04 a step. In the plain RNN it is
#   0.26 at × 0.25, and 1.45 at × 4.
# - Each at its best rate, the LN-LSTM solves adding in 108 steps against 265, digit rows in 33 against
#   39, and copy in 152 against 348; but with a forget bias of 1 `nn.LSTM` copies after 103.
# - PyTorch Geometric's `LayerNorm` is mode graph by default, and without `batch` it mixes the
#   graphs.
# - Layer norm in mode node holds the Dirichlet energy and loses the directions: with 32 layers it
#   guesses, as without a norm. GraphNorm keeps 0.87, and its 32 layers are no better than four
#   layers with mode node (0.91).
# - The vision transformer of the paper has its norms inside the blocks and one at the end, none on
#   the embeddings. Without them 4 layers have 93 % of the digits right instead of 97 %, and 12 do
#   not train.
# - A mean over time lets the future and the padding in.

# %% [markdown]
# ## Sources
#
# - Ba, Kiros & Hinton 2016, *Layer Normalization*, section 3.1, Eq. 4, and supplementary material,
#   Eq. 20 to 22, arXiv:1607.06450; the authors' code: ryankiros/layer-norm.
# - Hochreiter & Schmidhuber 1997, *Long Short-Term Memory*, section 5.4 (adding). Jozefowicz, Zaremba &
#   Sutskever 2015, *An Empirical Exploration of Recurrent Network Architectures* (forget bias 1).
# - Kipf & Welling 2017, *Semi-Supervised Classification with Graph Convolutional Networks*,
#   arXiv:1609.02907.
# - Cai & Wang 2020, *A Note on Over-Smoothing for Graph Neural Networks*, arXiv:2006.13318.
# - Cai et al. 2021, *GraphNorm*, arXiv:2009.03294. It also learns how much of the mean to take out,
#   $y = \gamma \odot (x - \lambda \odot \mu)/\sqrt{\sigma^2 + \varepsilon} + \beta$; the paper and
# the code say α for $\lambda$.
# - PyTorch Geometric, `torch_geometric/nn/norm/layer_norm.py` and `graph_norm.py`. Without `batch`
#   its $\varepsilon$ is added to $\sigma$, not to $\sigma^2$, a difference of about $10^{-5}$.
# - Dosovitskiy et al. 2021, *An Image is Worth 16x16 Words*, section 3.1, arXiv:2010.11929.
# - Alpaydin & Kaynak 1998, *Optical Recognition of Handwritten Digits*, UCI Machine Learning
#   Repository, as in scikit-learn's `load_digits`.
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("09")
