# %% [markdown]
# # 00 · Start here
#
# Why does a network need a norm? A transformer passes one vector per token from layer to layer. In
# each layer there are norms: short formulas that give a vector a standard size. This page begins
# with a network that has none. Then it shows a text about norms, in which {{ claims }} claims are numbered.
# The course runs an experiment on each.
#
# ## What you will be able to do
#
# After this page you have seen what becomes of a deep network without norms, you know how a
# chapter works, and you have said what you think of {{ claims }} claims. After the course you can
#
# - write layer norm and RMSNorm, forward and backward, and check them (chapters 01, 02, 04);
# - say what ε is for, and when a variance loses its digits (03);
# - say what RMSNorm drops, what that saves, and what it does not (04);
# - say where the norm stands in a transformer, and follow vectors and gradients through its layers
#   (05, 06);
# - say which models train at which learning rate, who needs warmup, and what carries 1,000 layers
#   (07, 08);
# - use norms in recurrent networks, graphs, images and other frameworks, and read a model's
#   configuration (09, 10, 11);
# - judge a text about norms, claim by claim (12);
# - say how fast a norm can be on a GPU, and write one as a kernel (13).
#
# {{ minutes }}

# %% [markdown]
# ## 24 layers
#
# A layer of a transformer adds something to its input: $x + f(x)$. Here is a network of 24 such
# layers, in ten lines of NumPy. Each $f$ multiplies by a random matrix that leaves the size of a
# vector as it is. By *size* we mean the root of the mean of the squares.
#
# A question comes first. Answer it, press *Reveal*, then click the cell below it and press
# Shift+Enter.

# %%
from normlab import quiz

quiz("size-after-24-layers")

# %%
import numpy as np

from normlab.norms import layer_norm


def sizes_by_layer(norm):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((16, 256))  # 16 tokens with 256 features
    sizes = []
    for _ in range(24):
        W = rng.standard_normal((256, 256)) / 16  # W @ x is as large as x
        x = x + norm(x) @ W.T
        sizes.append(np.sqrt(np.mean(x**2)))
    return sizes


without, with_norm = sizes_by_layer(lambda x: x), sizes_by_layer(layer_norm)
for layer in (1, 2, 4, 8, 16, 24):
    print(f"layer {layer:2}: {without[layer - 1]:8,.1f} {with_norm[layer - 1]:8,.1f}")

# %% [markdown] tags=["answer"]
# On the left there is no norm; on the right a layer norm stands before each $f$. With the norm, each
# layer adds something of size 1, whatever the size of $x$ is. So the square grows by 1 a layer and
# not by a factor of 2: after 24 layers the size is √25 = 5, and not about 4,096.

# %% [markdown]
# Does the size matter? Two transformers of 24 layers are trained on an easy task: to name the next
# token, where a fixed rule gives it. One has a layer norm before each $f$ (attention or a
# feed-forward network). The other has none. All else is the same: weights, data, the optimizer
# Adam, the learning rate 0.001.

# %%
quiz("trained-without-a-norm")

# %% [markdown]
# And a third one, also without norms, whose weights start smaller?

# %%
quiz("small-weights-without-a-norm")

# %% tags=["answer"]
from normlab.chapters.start_here import explore_deep_network

explore_deep_network()

# %% [markdown] tags=["answer"]
# Move the layer, then choose another network. On the left the numbers that leave a layer are
# counted by their size, before training. The black outline is the input. Without a norm they grow
# with every layer. So the outputs are huge: the model is sure of its guesses, and most are wrong.
# Its loss starts at 50,000 and more. On the right stand the losses of three seeds. With the norm
# the loss falls nearly to zero. Without it, no seed comes near 2.8, the loss of guessing, at any of
# the three learning rates.
#
# With weights a tenth as large the network without norms learns at all three rates, and ends lower.
# So it was the growth that stopped the first one, and a norm is one cure of several. With a norm,
# nobody has to choose the right size of weights.

# %% [markdown]
# ## How a chapter works
#
# 1. **Predict.** You choose an answer, write a number or a sentence, or draw a curve by mouse or by
#    arrow keys.
# 2. **Run** the cell below it. It takes seconds.
# 3. **Read.** What the result means is folded under *What it shows*, and opens when you have
#    answered. A click opens it too.
# 4. **Move.** An explorer shows the same for many values. You move its sliders by mouse or by arrow
#    keys.
#
# A wrong prediction costs nothing. Its question comes back on another day.
#
# Questions work before you have run anything, and so do most explorers; one that would answer a
# question waits until its cell is run. Sections marked ★ are not needed for what follows. They are
# folded: a click on the arrow beside the heading opens one. Change any
# cell and run it again.

# %% [markdown]
# ## What you need
#
# - **Python**: functions, loops, and reading a class.
# - **NumPy**: arrays and their axes. For `x` of shape (2, 3, 4) you should know the shapes of
#   `x.mean(axis=-1)` and of `x.mean(axis=-1, keepdims=True)`. The chapters use PyTorch too, and
#   explain what they need of it.
# - **Vectors**: sums, lengths, a matrix times a vector. And the mean, the variance and the standard
#   deviation of a list of numbers.
# - **Derivatives** and the chain rule, from chapter 02 on.
# - **Neural networks**: what a layer, a weight, a loss and a step of gradient descent are. From
#   chapter 05 on also what a transformer is: tokens, attention, feed-forward networks, and the
#   shortcuts around them.
#
# You do *not* need a GPU, other norms such as BatchNorm, or how a computer stores numbers.
#
# The [glossary](glossary.ipynb) has the letters, and a reminder of each term that a chapter does not
# explain.

# %% [markdown]
# ## The text that the course is about
#
# Here is a page of lecture notes on norms in transformers, of a kind found in many places.
# The chapters call it **the seed text**. Its formulas were lost when it was copied, so some sentences
# have holes.
#
# {{ claims }} claims are numbered in it. Read, and say of each what you think now: it **holds**; it **holds
# if** something is set, which the text does not say; it is **imprecise**: it needs other words; it
# is **wrong**; or you **don't know**, which is a good answer on the first day.
#
# Run the cell, so that your marks are kept. Click a claim, or go to it with Tab and press Enter. Then
# click a word, or press its digit: the next claim opens by itself. Each chapter shows its claims again with what you said, and you may change your
# mind. Chapter 12 puts your first and your last marks beside the experiments.

# %%
from normlab.claims import mark_seed_text

mark_seed_text()

# %% [markdown]
# ## One token
#
# Here are two tokens with four features each. Layer norm takes each row by itself: it subtracts
# the row's mean and divides by the row's standard deviation.

# %%
quiz("normed-token")

# %%
x = np.array([[1.0, 2.0, 3.0, 6.0], [50.0, 10.0, 20.0, 40.0]])
y = layer_norm(x)
print(y.round(3))
print("means              ", abs(y.mean(axis=-1)).round(3))
print("standard deviations", y.std(axis=-1).round(3))

# %% [markdown] tags=["answer"]
# Both rows have mean 0 and standard deviation 1 now, though the second token was ten times larger.
# What is left is the *shape* of a row: which features stand above its mean, and by how much.

# %% [markdown]
# ## One token, changed ★
#
# Another divisor, another scale, another offset.

# %% [markdown]
# The division is by the standard deviation, and not by its square, the variance.

# %%
quiz("divide-by-variance")

# %%
centered = x - x.mean(axis=-1, keepdims=True)  # (2, 4) - (2, 1)
by_variance = centered / x.var(axis=-1, keepdims=True)
print("divided by the variance: standard deviations", by_variance.std(axis=-1).round(3))

# %% [markdown] tags=["answer"]
# Neither row has standard deviation 1: the first has 0.535, the second 0.063. The larger a row was,
# the smaller it becomes.

# %% [markdown]
# And what does layer norm, as it should be, keep of a token that is stretched and moved?

# %%
quiz("scale-and-offset")

# %%
moved = layer_norm(3 * x + 7)
print("before\n", y.round(6))
print("after\n", moved.round(6))

# %% [markdown] tags=["answer"]
# Scale and offset of a token do not pass through layer norm. The rows change by at most 0.000002,
# which is due to ε, a small number that is added to the variance. Chapter 03 takes it apart.

# %% [markdown]
# The explorer shows a token at other scales and offsets. Move the offset with the arrow keys, and
# watch both sides.

# %%
from normlab.chapters.start_here import explore_moved_token

explore_moved_token()

# %% [markdown]
# ## The same in PyTorch ★
#
# Two modules, and how far they agree.

# %% [markdown]
# `torch.nn.LayerNorm` is the one that models use. `normlab.torch_norms.LayerNorm` is the same
# written out, with a backward pass that you can read. Both take the number of features.

# %%
quiz("digits-that-agree")

# %% tags=["nbval-ignore-output"]
import torch

from normlab import torch_norms

many = np.random.default_rng(0).standard_normal((1000, 64))
tokens = torch.tensor(many, dtype=torch.float32)
layers = {"torch.nn": torch.nn.LayerNorm(64), "normlab.torch_norms": torch_norms.LayerNorm(64)}
for name, layer in layers.items():
    difference = abs(layer(tokens).detach().numpy() - layer_norm(many)).max()
    print(f"{name:20s} differs from NumPy by at most {difference:.0e}")

# %% [markdown] tags=["answer"]
# The largest difference is about 5e-07. Chapter 03 shows where the seventh digit goes, and inputs
# on which such implementations differ by far more.

# %% [markdown]
# ## When something does not fit ★
#
# What the functions say when an input does not fit.

# %% [markdown]
# Functions here say what they were given, what they expected, and what to change. All three layer
# norms above also take a gain γ, which a model learns. It multiplies the rows that you have seen:
# $y = \gamma\,(x-\text{mean})/\text{standard deviation}$. The cell below the question tries gains
# of three lengths.

# %%
quiz("gain-shape")

# %%
for entries in (2, 4, 8):
    try:
        output = layer_norm(x, gamma=np.ones(entries))
        print(f"{entries}: the output has the shape {output.shape}")
    except ValueError as error:
        print(f"{entries}: {error}")

# %% [markdown]
# ## The chapters
#
# {{ table of chapters }}
#
# Each chapter uses what the one before it showed. A core path takes at most 25 minutes; that is an
# estimate from words, cells and questions.
#
# ## The exercises
#
# At the end of a chapter you write its functions yourself, in the folder `exercises`. There
# `check(layer_norm)` says whether your answer is right. If not, it names the mistake, and gives the
# smallest input on which it shows. `hint(layer_norm)` gives a hint, and a clearer one when it is asked
# again. The solved exercises are in the folder `solutions`.

# %% [markdown]
# ## How far you are ★
#
# The record of what you did.

# %% [markdown]
# The course remembers what you predicted, how far off you were, what you solved, and how you marked
# the claims. A chapter counts as read when all predictions of its core path are made. The record
# stays on this machine. In a terminal the same table is `normlab progress`.

# %% tags=["nbval-ignore-output"]
from normlab import my_progress, review

my_progress()

# %% [markdown]
# What you predicted wrongly comes back: after one day; if you are right then, after three more; and
# then after ten more. `review()` asks what is due today. In a terminal the same is
# `normlab review`.

# %% tags=["nbval-ignore-output"]
review()

# %% [markdown]
# ## Is the machine ready? ★
#
# What is installed, compared with what the course was tested with.

# %% [markdown]
# The next cell says what is missing or of another version, and what to do about it. In a terminal,
# `normlab doctor` does the same and lists all that it looked at.

# %% tags=["nbval-ignore-output"]
from normlab.study import diagnose

print(diagnose())

# %% [markdown]
# ## Recap
#
# - A chapter asks before it shows. What it shows opens when you have answered.
# - The seed text has {{ claims }} claims. Your marks on them are kept.
# - You solve the exercises in `exercises`, and `check` names the mistake.

# %% [markdown] tags=["answer"]
# - Where each layer adds something as large as its input, sizes grow by √2 a layer: 4,096 times in
#   24. A norm in front of each branch leaves 5.
# - Without norms a transformer of 24 layers learnt nothing. With norms it did, and so it did without
#   them when its weights started ten times smaller.
# - Layer norm gives each token mean 0 and standard deviation 1, by itself.
# - Scale and offset of a token are lost, its shape stays.

# %% [markdown]
# ## Sources
#
# - Ba, Kiros & Hinton 2016, *Layer Normalization*, arXiv:1607.06450, Eq. 3 and 4.
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("00")
