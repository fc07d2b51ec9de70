# %% [markdown]
# # 09 · Beyond transformers: RNN, LSTM, graphs, images
#
# ## What you will be able to do
#
# - Put layer norm into an RNN and an LSTM where the paper puts it, and say why a norm behind
#   `nn.LSTM` is something else.
# - Say what layer norm does to a hidden state over 500 steps, and on which tasks an LN-LSTM trains
#   faster, and on which it does not.
# - Name the numbers that share a mean in a graph network, in each of three norms, and find the
#   call that mixes the graphs of a mini-batch.
# - Say what each norm does about over-smoothing, and what it does not.
# - Build a small vision transformer, and show what it loses without its norms.
#
# The seed text has three sentences on all this. Each gets its experiment.

# %% [markdown]
# ## 1. In an RNN
#
# The seed: *"RNNs and LSTMs: apply LayerNorm to the pre-activation at each timestep […] Works
# naturally because each timestep is a separate example — no batch dimension needed."*
#
# The layer norm paper was written for these networks. Its RNN (section 3.1, Eq. 4) has one norm,
# over the $H$ summed inputs:
#
# $$h_t = \tanh(\text{LN}(W_x x_t + W_h h_{t-1}))$$
#
# **Predict.** A batch of 4 sequences, 10 steps each, $H = 16$. How many means are taken? How many
# gains are learned?

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
print("the first sequence alone gives the same:", torch.allclose(alone, hidden[:1], atol=1e-6))
longer, _ = rnn(torch.randn(4, 1000, 3))
print("a sequence of 1,000 steps:", tuple(longer.shape))

# %% [markdown]
# 40 means, one for each sequence at each step, and 16 gains, shared by all steps. Batch norm would
# need statistics for each time step, and has none for a step that training never reached. Verdict
# on the sentence, for RNNs: **holds.**
#
# ### What it does to the state
#
# In an RNN one matrix acts over and over. The paper: *"there is a tendency for the average magnitude
# of the summed inputs to the recurrent units to either grow or shrink at every time-step"*.

# %%
from normlab import quiz

quiz("scale-of-recurrent-weights")

# %% [markdown]
# The next cell runs both cells for 500 steps with the same random weights $W_h$, whose entries have
# variance $s^2/H$, in float64 and without inputs. *Size* is the root mean square of the 64 numbers
# of $h$ over the last 100 steps. Every run is made twice, from two different starts; the last two
# columns say whether the two have come together.
#
# **Predict.** In which rows has the plain RNN forgotten where it began?

# %%
from normlab.chapters.beyond_transformers import state_curves

silent = state_curves("RNN", "none", scales=(0.25, 0.5, 2.0, 4.0, 16.0))
silent.table()

# %% [markdown]
# With small weights the plain state dies out, and with it all memory. With large ones every unit
# sits at $\pm 1$. The state of the layer-normed cell has size 0.6 in every row: without inputs the
# scale of $W_h$ *cannot* matter, since the norm takes it out.
#
# Is "still apart" a memory? **Predict.** Two starts differ by a billionth. By what factor does the
# difference change at each step, in each cell?

# %%
from normlab import Table
from normlab.chapters.beyond_transformers import growth_per_step

rows = []
for scale in (0.25, 0.5, 1.0, 2.0, 4.0):
    factors = [growth_per_step("RNN", kind, scale) for kind in ("plain", "LN")]
    rows.append([f"{scale:g}", *(f"{factor:.2f}" for factor in factors)])
Table(("W_h ×", "plain RNN", "LN RNN"), rows)

# %% [markdown]
# In the plain cell the factor is about the scale itself, until tanh saturates; only near 1 is a state
# of 100 steps ago neither lost nor blown up. Layer norm makes it 1.04 at *every* scale: close to the
# edge, a little on the chaotic side. Nobody had to choose the weights for that. The gradient goes
# back through the same factors.
#
# **Explorer.** Move the scale of $W_h$. The blue curve stays, the red one does not. Then give inputs
# at every step, and look at the right panel: below which scale do both cells forget their start?
# Then change the cell to LSTM.

# %%
from normlab.chapters.beyond_transformers import explore_states

explore_states()

# %% [markdown]
# With inputs, $W_x x$ adds to $W_h h$, and the RNN's one norm acts on the sum: the *ratio* of the
# two counts again, and with a small $W_h$ both cells forget. The LN-LSTM has a norm for each product;
# with these weights it forgets at none of the scales.

# %% [markdown]
# ## 2. In an LSTM
#
# The paper's LSTM (supplementary material, Eq. 20 to 22) has three norms:
#
# $$[f, i, o, g] = \text{LN}_x(W_x x_t) + \text{LN}_h(W_h h_{t-1}) + b$$
# $$c_t = \sigma(f) \odot c_{t-1} + \sigma(i) \odot \tanh(g) \qquad
# h_t = \sigma(o) \odot \tanh(\text{LN}_c(c_t))$$

# %%
quiz("what-is-not-normalized")

# %%
from torch import nn

from normlab.models import LayerNormLSTM

torch.manual_seed(0)
lstm, x = LayerNormLSTM(input_size=3, hidden_size=8), torch.randn(1, 300, 3)
nn.init.constant_(lstm.cells[0].bias[:16], 20.0)  # f and i: forget nothing, write everything
with torch.no_grad():
    output, (h, c) = lstm(x)
print("largest |c| above 20:", bool(c.abs().max() > 20))
print("largest |h| below  1:", bool(output.abs().max() < 1))
seen = nn.functional.layer_norm(c, (8,))
print("what tanh sees of c, standard deviation:", f"{seen.std(correction=0):.2f}")

# %% [markdown]
# The cell may count to large numbers; it is the memory. What is *read* of it always has standard
# deviation 1, times the gain. So the seed's "LayerNorm to the pre-activation" leaves out two things:
# there are *two* norms on the pre-activation, one for each product, and a third on the way out.
# Verdict for LSTMs: **incomplete.**
#
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
    print(
        f"{name:17} recurrent weights × 4: output changes by more than 0.01: {bool(change > 0.01)}"
    )

# %% [markdown]
# Behind the cell a norm sees only $h$. The gates have been formed already, from summed inputs of
# whatever size.

# %% [markdown]
# ### Does it train faster?
#
# The paper says so. Three tasks, with 48 units each:
#
# | task | what is read, what is asked for | solved means |
# |---|---|---|
# | adding | 30 numbers, two of them marked; their sum (Hochreiter & Schmidhuber 1997) | squared error 0.02; guessing costs 1/6 |
# | digit rows | a handwritten digit, row by row; which one | loss 0.5; guessing costs 2.30 |
# | copy | 8 symbols; the same again | loss 1.0; guessing costs 2.08 |
#
# Each model is trained with Adam at six rates, five seeds each, and shown at the rate at which
# *it* does best. The runs are stored. `normlab remake recurrent --out FILE` makes all 270 again, in
# about 10 minutes; `run_grid(tasks=["digit rows"], seeds=[0])` of
# `normlab.chapters.beyond_transformers.recurrent_runs` makes some of them here.
#
# **Predict.** On how many of the three does the LN-LSTM need fewer steps than `nn.LSTM`? And the
# norm behind?

# %%
from normlab.chapters.beyond_transformers import draw_rate_grid, load_recurrent_runs
from normlab.pictures import new_figure

recurrent = load_recurrent_runs()
fig, axes = new_figure(3, width=10.5, height=3.4)
for setting, top, ax in zip(recurrent.settings(), (0.3, 2.5, 2.3), axes, strict=True):
    draw_rate_grid(recurrent, ax, setting, top)

# %%
recurrent.table("adding")

# %%
recurrent.table("digit rows")

# %%
recurrent.table("copy")

# %% [markdown]
# On adding, the LN-LSTM is there after about a quarter of the steps. Copying takes it three fifths.
# On digit rows, eight steps long, there is no difference worth the name. The norm *behind* the LSTM
# helps a little too, perhaps since the head then reads inputs of a fixed size. On adding, where a
# number has to be kept for long, that is not what was missing.
#
# A best rate hides how hard it is to find. **Predict.** With which of the rates does at least one
# seed of five fail to solve adding?

# %%
from normlab.chapters.beyond_transformers import RATES

rows = []
for name in CORES:
    runs = [recurrent.at("adding", name, rate) for rate in RATES]
    rows.append([name, *(sum(run.steps_to_goal is not None for run in same) for same in runs)])
Table(("adding: seeds of 5 that solve it", *(f"rate {rate:g}" for rate in RATES)), rows)

# %% [markdown]
# All five seeds arrive with four of the rates in the LN-LSTM, and with one in each of the others. At
# `nn.LSTM`'s fastest rate one seed never does.
#
# "Faster" counts steps. **Predict.** And in seconds? `nn.LSTM` is one fused kernel; the LN-LSTM
# is a loop in Python.

# %% tags=["timing"]
from normlab.chapters.beyond_transformers import Reader
from normlab.tools import one_thread, race

x = torch.randn(32, 30, 2)
readers = {name: Reader(name, inputs=2, outputs=1, seed=0) for name in CORES}
with one_thread():
    speed = race({n: lambda r=r: r(x).sum().backward() for n, r in readers.items()}, rounds=9)
speed.table(to="nn.LSTM")

# %% [markdown]
# A step of the LN-LSTM costs two to four times as much here. On adding it is worth that, on the other
# two tasks it is not. (PyTorch has no fused kernel for it.)
#
# One pair of runs, live. Change task, rate and seed.

# %%
from normlab.chapters.beyond_transformers import train_reader

for name in ("nn.LSTM", "LN-LSTM"):
    losses = train_reader("adding", name, learning_rate=1e-2, seed=0, steps=200)
    end = sum(losses[-10:]) / 10
    print(f"{name:8} after 200 steps: below 0.05: {end < 0.05}")

# %% [markdown]
# ## 3. On graphs
#
# The seed: *"Graph Neural Networks: LayerNorm on node features, where each node is a separate
# example."*
#
# A mini-batch of graphs is one array of all nodes $(N, D)$, and `batch`, the number of each node's
# graph. Three norms are in use:
#
# | norm | numbers that share a mean |
# |---|---|
# | layer norm, mode node | the $D$ channels of one node |
# | layer norm, mode graph | all channels of all nodes of one graph |
# | GraphNorm | one channel, over the nodes of one graph |
#
# GraphNorm (Cai et al. 2021) also learns how much of the mean to take out:
#
# $$y = \gamma \odot \frac{x - \alpha \odot \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta$$

# %%
quiz("default-of-torch-geometric")

# %%
import numpy as np

from normlab.models import graph_layer_norm, graph_norm

rng = np.random.default_rng(0)
batch = np.repeat([0, 1, 2], [10, 25, 15])
x = rng.standard_normal((50, 16)) + rng.standard_normal((50, 1))
changed = x.copy()
changed[batch == 2] *= 10  # another graph in the same mini-batch

ones, zeros, no_batch = np.ones(16), np.zeros(16), np.zeros(50, int)
norms = {
    "mode node": lambda x: graph_layer_norm(x, batch, ones, zeros, "node"),
    "mode graph, with batch": lambda x: graph_layer_norm(x, batch, ones, zeros, "graph"),
    "mode graph, without batch": lambda x: graph_layer_norm(x, no_batch, ones, zeros, "graph"),
    "GraphNorm": lambda x: graph_norm(x, batch, ones, zeros, alpha=ones),
}
rows = []
for name, norm in norms.items():
    y, moved = norm(x), norm(changed)
    change = abs(moved - y)[batch == 0].max()
    rows.append([name, np.sum(abs(y.mean(1)) < 1e-6), f"{change:.2f}"])
Table(("norm", "nodes with mean 0", "graph 0 changes, when graph 2 does, by"), rows)

# %% [markdown]
# The functions are those of PyTorch Geometric: its `LayerNorm` and `GraphNorm` give the same to
# $10^{-15}$ in float64 (the tests of this course compare them). Its `LayerNorm(16)` is mode
# graph, and `norm(x)` without `batch` is the third row: the graphs of a mini-batch are mixed, and
# the same graph gets other outputs in other company. That is batch norm's trouble back again.
# (Without `batch` its ε is added to σ, not to σ². With ε = 10⁻⁵ that is a difference of about 10⁻⁵.)
#
# Verdict on the seed's sentence: it describes mode node. Of PyTorch Geometric's default it is
# **wrong.**
#
# ### Over-smoothing
#
# A graph convolution replaces each node by a mean over its neighbours and itself, weighted by
# their numbers of links: $x \leftarrow \text{ReLU}(\text{norm}(\hat A x W))$ (Kipf & Welling 2017).
# Many means over neighbours make all nodes alike. That is over-smoothing.
#
# The graph here has 120 nodes in three communities; two nodes are linked with probability 0.15
# inside a community and 0.03 between two. The features are noisy. The usual measure is the
# Dirichlet energy, $\tfrac12\sum_{ij} A_{ij} \|x_i/\sqrt{1+d_i} - x_j/\sqrt{1+d_j}\|^2$, with $d_i$
# the number of links (Cai & Wang 2020). Beside it stands *apart*, the mean of
# $1 - \cos(x_i, x_j)$ over all pairs of nodes.

# %%
quiz("layer-norm-on-collapsed-nodes")

# %%
from normlab.chapters.beyond_transformers import smoothing

smooth = smoothing(seed=0)
smooth.table()

# %% [markdown]
# Without a norm the energy falls by a factor of more than $10^{20}$. With layer norm in mode node it
# stays at 0.2 from the eighth layer on. If one looks at the energy alone, layer norm has cured it.
#
# It has not. The directions run together just as fast as without any norm: $2 \cdot 10^{-6}$ in
# both after 16 layers. The energy is 0 only where node $i$ is $\sqrt{1+d_i}$ times one vector. Mode
# node gives all nodes the same *length*, so nodes that are all alike still have some energy.
#
# Only GraphNorm holds the directions apart. It takes out the mean over the *nodes*, which is what
# they have in common.
#
# Mode graph stops at $10^{-4}$ or so. **Predict.** Is what is left there the community of a node?
# The next table says, after 32 layers, which share of the spread is a linear function of a node's
# number of links, and which of its community.

# %%
smooth.shares(32)

# %% [markdown]
# It is the number of links. Averaging leaves $x_i \approx \sqrt{1 + d_i}\, v$ with one $v$ for all.
# Mode graph subtracts one number from all entries, and $a_i v - \mu$ points elsewhere for another
# $a_i$. Without a norm and in mode node what is left *is* the community, but it is about $10^{-12}$
# of the whole.
#
# **Explorer.** Start without a norm and go down to 16 layers. Then change the norm. The nodes are
# drawn in the two directions in which they differ most, in units of their length.

# %%
from normlab.chapters.beyond_transformers import explore_smoothing

explore_smoothing()

# %% [markdown]
# ### And after training?
#
# Eight nodes of each community have a known label; the network is to say the others'. Five graphs,
# Adam at two rates, the better one shown (`normlab remake graph --out FILE` makes the runs again).
#
# **Predict.** With which norm do 32 layers still work? And with which depth is the network best?

# %%
from normlab.chapters.beyond_transformers import draw_accuracy, load_accuracy_by_depth

accuracy = load_accuracy_by_depth()
fig, ax = new_figure()
draw_accuracy(accuracy, ax)
accuracy.table()

# %% [markdown]
# Up to eight layers none collapses, and layer norm in mode node is as good as any. At 16 layers the
# networks without a norm and with mode node guess, after training too. Mode graph holds on at about
# 0.74, GraphNorm at 0.9.
#
# What that shows, and what not:
#
# - GraphNorm prevents the collapse. It does not make depth useful: 32 layers with it are no better
#   than four with layer norm. From one layer to two much is gained, from then on little.
# - In shallow networks GraphNorm costs a few per cent here. Its authors measure it on the task of
#   telling whole *graphs* apart.
#
# One pair of runs, live:

# %%
from normlab.models import draw_communities, train_gcn

for name in ("LN, mode node", "GraphNorm"):
    right = train_gcn(draw_communities(seed=0), depth=16, norm=name, learning_rate=1e-2, seed=0)
    print(f"{name:13} 16 layers, more than 0.6 right: {right > 0.6}")

# %% [markdown]
# ## 4. On images
#
# The seed: *"Vision Transformers: LayerNorm on patch embeddings — same as language transformers."*
#
# A vision transformer (Dosovitskiy et al. 2021) cuts an image into patches. Each patch becomes a
# token by one linear map; a class token goes first, positions are added. From there on it is
# chapter 05's encoder. Here the images are 8 × 8 pixels, and the patches 2 × 2:

# %%
from normlab.chapters.beyond_transformers import digits, draw_patches

data = digits()
one_of_each = [int((data.test_labels == digit).nonzero()[0]) for digit in range(6)]
fig, axes = new_figure(6, width=7, height=1.4)
draw_patches(data.test_images[one_of_each], axes, patch=2)

# %% [markdown]
# **Predict.** The model has four layers. How many norms has it, and how many of them stand on the
# patch embeddings themselves, before they enter the stream?

# %%
from normlab.models import VisionTransformer

model = VisionTransformer(seed=0, layers=4)
tokens = model.tokens(data.test_images[:2])
print("tokens (B, T, D):", tuple(tokens.shape))
norms = [name for name, module in model.named_modules() if isinstance(module, nn.LayerNorm)]
print(len(norms), "norms:")
print(*(name.removeprefix("encoder.") for name in norms), sep="\n")

# %% [markdown]
# Nine: two in each block, inside the branches, and one at the end. None on the embeddings: the
# stream begins with the raw patches, and the first norm reads a copy of them. "Same as language
# transformers" holds, "on patch embeddings" does not. Verdict: **imprecise.**
#
# Now without. The model is trained on 1,297 of scikit-learn's digits, with Adam at five rates and
# three seeds, and tested on the other 500 (`normlab remake vision --out FILE`, or `run_grid(…)` of
# `normlab.chapters.beyond_transformers.digit_runs`). Each variant is shown at its best rate.
#
# **Predict.** What does the variant without norms lose at 4 layers? At 12? And the one that only
# lacks the *final* norm?

# %%
from normlab.chapters.beyond_transformers import load_vision_runs

vision = load_vision_runs()
fig, axes = new_figure(2, width=9, height=3.4)
for setting, ax in zip(vision.settings(), axes, strict=True):
    draw_rate_grid(vision, ax, setting, top=4)

# %%
vision.table("4 layers")

# %%
vision.table("12 layers")

# %% [markdown]
# At 4 layers the model without norms learns too, and has 4 % fewer of the test images right. At
# 12 layers no rate of the grid saves it: its first loss is above 300, since the stream multiplies
# with each layer (chapter 05), and no seed gets anywhere near 0.5. (Its curve lies above the
# picture.) This is with Xavier's initialization, as in all models of this course.
#
# The final norm is not missed here, at the best rate. Look at the others too. **Predict.** Where does
# the model without it stand in the first steps, and where at the end?

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

# %% [markdown]
# Guessing costs 2.3. Without a final norm the head reads a stream that has grown with depth, and at
# first says with confidence what it cannot know. In the end neither is ahead: it is 0.05 worse at one
# rate, and better at the next. Twelve layers and three seeds do not decide what the final norm is
# worth; chapter 05 shows what it does to the stream.

# %% [markdown]
# ## 5. One mean over time: a leak, and padding
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

# %% [markdown]
# Over $D$ nothing changes: each step is by itself. Over $(T, D)$ the first word's output depends on
# the last word. In training the model can read the answer from the mean; when it writes, the rest
# of the sentence is not there. And a sentence comes out otherwise in a batch with a longer one.
#
# **Predict.** A third thing: train with sentences of 6 words, use with 7.

# %%
for size in (16, (6, 16)):
    try:
        print(f"LayerNorm({size}):", tuple(nn.LayerNorm(size)(torch.randn(1, 7, 16)).shape))
    except RuntimeError:
        print(f"LayerNorm({size}): does not fit 7 words")

# %% [markdown]
# The gain and shift have one entry for each place in the sentence, so no other length fits.
#
# All pitfalls of this chapter are one: *which numbers share a mean?* Where a mean reaches over what
# is not there yet (the future), what is not real (padding), or what has no business there (other
# graphs), the output depends on it.

# %% [markdown]
# ## The exercise
#
# Write the LSTM cell, and layer norm on graphs in both modes:
# [exercise 07](../exercises/07_beyond_transformers.ipynb).

# %% [markdown]
# ## Recap
#
# - RNN: one norm on $W_x x + W_h h$. LSTM: one on each product, and one where $c$ is read; the $c$ that
#   is passed on has none. A norm behind `nn.LSTM` leaves a plain LSTM inside.
# - Without inputs the scale of $W_h$ does not matter to the LN-RNN: its state has size 0.6 from × 0.25
#   to × 16, and a small difference changes by the factor 1.04 a step. In the plain RNN it is 0.26 at
#   × 0.25, and 1.45 at × 4.
# - Each at its best rate, the LN-LSTM solves adding in 108 steps against 408, copy in 152 against 262,
#   and digit rows in 34 against 37: no difference.
# - PyTorch Geometric's `LayerNorm` is mode graph by default, and without `batch` it mixes the graphs.
# - Layer norm in mode node holds the Dirichlet energy and loses the directions: after 16 layers it
#   guesses, as without a norm. GraphNorm keeps 0.9, and 32 layers are no better than four.
# - A vision transformer has its norms inside the blocks and one at the end, none on the embeddings.
#   Without them it is 4 % worse at 4 layers and does not train at 12.
# - A mean over time lets the future and the padding in.
#
# ## Sources
#
# - Ba, Kiros & Hinton 2016, *Layer Normalization*, section 3.1, Eq. 4, and supplementary material,
#   Eq. 20 to 22, arXiv:1607.06450; the authors' code: ryankiros/layer-norm.
# - Hochreiter & Schmidhuber 1997, *Long Short-Term Memory*, section 5.4 (adding).
# - Kipf & Welling 2017, *Semi-Supervised Classification with Graph Convolutional Networks*,
#   arXiv:1609.02907.
# - Cai & Wang 2020, *A Note on Over-Smoothing for Graph Neural Networks*, arXiv:2006.13318.
# - Cai et al. 2021, *GraphNorm*, arXiv:2009.03294.
# - PyTorch Geometric, `torch_geometric/nn/norm/layer_norm.py` and `graph_norm.py`.
# - Dosovitskiy et al. 2021, *An Image is Worth 16x16 Words*, section 3.1, arXiv:2010.11929.
# - Alpaydin & Kaynak 1998, *Optical Recognition of Handwritten Digits*, UCI Machine Learning
#   Repository, as in scikit-learn's `load_digits`.
#
# {{ next chapter }}

# %% [markdown]
# Run the last cell to mark the chapter as read.

# %%
from normlab import chapter_read

chapter_read("09")
