# %% [markdown]
# # 00 · Start here
#
# A transformer passes one vector per token from layer to layer. In each layer there are norms. A
# norm is a short formula that gives every vector a standard size. Where it stands, and which one it
# is, decides whether a deep model trains, and at which learning rate. This course takes the formula
# apart. It also takes a text about norms, with 41 claims, and runs an experiment on each.
#
# ## What you will be able to do
#
# After this page you know how a chapter works, that your machine is ready, and what layer norm
# does to one token. After the course you can
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
# - judge a text about norms, claim by claim (12).
#
# {{ minutes }}

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
# You do *not* need a GPU, other norms such as BatchNorm, or how a computer stores numbers. You need
# not have trained a transformer.
#
# Each letter has one meaning in this course. The [glossary](glossary.ipynb) lists the letters. It
# also has a reminder of each term that a chapter uses and does not explain.

# %% [markdown]
# ## How a chapter works
#
# Each idea comes in four steps.
#
# 1. **Predict.** A question, before anything is shown. You choose an answer, write a number or a
#    sentence, or draw a curve by mouse or by arrow keys. A guess is enough. Then press *Reveal*.
# 2. **Run.** Click the cell behind it and press Shift+Enter. It takes seconds.
# 3. **Read.** What the result means stays folded, under *What it shows*, until you have answered.
#    Then it opens. A click opens it too.
# 4. **Move.** An explorer shows the same thing for many values. Its sliders answer to the mouse
#    and to the arrow keys.
#
# A wrong prediction costs nothing. Its question comes back after 1, 3 and 10 days, with other
# numbers where it has some: see *How far you are* below.
#
# Questions and explorers work before you have run anything. Where one needs Python it says so in
# words. A question says *Not counted: Python does not answer. Run this cell to have it counted.* An
# explorer says *No answer from Python. Run this cell to change this setting.*
#
# Sections marked ★ are not needed for what follows. They open folded: a click on the arrow beside
# the heading shows what is inside.
#
# One text runs through the whole course: a page of lecture notes on norms in transformers, of the
# kind that is found in many places. The chapters call it **the seed text**. They quote its claims,
# run an experiment on each, and give one of four verdicts: it *holds*; it *holds if* something else
# is true, which the verdict names; it is *imprecise*; or it is *wrong*.
#
# Change any cell and run it again. JupyterLab saves what you change. For a fresh copy of a chapter,
# rename yours and run `normlab start` in a terminal.

# %% [markdown]
# ## One token
#
# Here are two tokens with four features each. Layer norm takes each row by itself: it subtracts
# the row's mean and divides by the row's standard deviation.

# %%
from normlab import quiz

quiz("normed-token")

# %%
import numpy as np

from normlab.norms import layer_norm

x = np.array([[1.0, 2.0, 3.0, 6.0], [50.0, 10.0, 20.0, 40.0]])
y = layer_norm(x)
print(y.round(3))

# %%
print("means              ", abs(y.mean(axis=-1)).round(3))
print("standard deviations", y.std(axis=-1).round(3))

# %% [markdown] tags=["answer"]
# Both rows have mean 0 and standard deviation 1 now, though the second token was ten times larger.
# What is left is the *shape* of a row: which features stand above its mean, and by how much.

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
# which is due to ε. Chapter 03 takes it apart.

# %% [markdown]
# The explorer shows a token at other scales and offsets. Move the offset with the arrow keys, and
# watch both sides.

# %%
from normlab.chapters.start_here import explore_moved_token

explore_moved_token()

# %% [markdown]
# ## The same in PyTorch
#
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
# ## When something does not fit
#
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
# ## Is the machine ready?
#
# The next cell looks at what is installed, compares it with the versions that the course was
# tested with, and says what to do if something is wrong. In a terminal the same is
# `normlab doctor`.

# %% tags=["nbval-ignore-output"]
from normlab.study import diagnose

print(diagnose())

# %% [markdown]
# ## The chapters
#
# {{ table of chapters }}
#
# The order matters: each chapter uses what the one before it showed. The core path of a chapter
# takes at most 25 minutes, and the sections marked ★ come on top. The first lines of a chapter say
# how long each section takes. No learner was timed: it is an estimate from words, cells and
# questions.
#
# ## The exercises
#
# At the end of a chapter you write its functions yourself, in the folder `exercises`. An update of
# the course keeps what you wrote. In an exercise,
#
# - `check(layer_norm)` says whether your answer is right. If not, it names the mistake, says why it
#   is one, and gives the smallest input on which it shows;
# - `hint(layer_norm)` gives a hint, and a clearer one when it is asked again.
#
# The solved exercises are in the folder `solutions`.
#
# ## How far you are
#
# The course remembers what you predicted, how far off you were, and what you solved. A chapter
# counts as read when all predictions of its core path are made. The record stays on this machine.
# In a terminal the same table is `normlab progress`.

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
# ## Recap
#
# - A chapter asks before it shows. What it shows opens when you have answered.
# - `normlab doctor` says whether the machine is ready, `normlab progress` how far you are, and
#   `normlab review` asks again.
# - You solve the exercises in `exercises`, and `check` names the mistake.

# %% [markdown] tags=["answer"]
# - Layer norm gives each token mean 0 and standard deviation 1, by itself.
# - Scale and offset of a token are lost, its shape stays.
# - The gain has one entry for each feature.

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
