# %% [markdown]
# # 00 · Start here
#
# A transformer passes one vector per token from layer to layer. Between the layers stands a
# norm: a short formula that gives every vector a standard size. It decides whether a deep
# model trains at all. This course takes the formula apart, runs every claim that is made about
# it, and shows which of them hold.
#
# ## What you will be able to do
#
# After this page you know how a chapter works, that your machine is ready, and what layer norm
# does to one token. After the chapters that follow you can
#
# - write layer norm and RMSNorm, forward and backward, and check them;
# - say which numbers share a mean, why batch size 1 works, and what ε is for;
# - say what RMSNorm drops, what that saves, and what it does not.

# %% [markdown]
# ## How a chapter works
#
# Each idea comes in four steps.
#
# 1. **Predict.** A question. Answer it before you run the next cell; a guess is enough. Some
#    questions have answers to choose from: choose one and press *Reveal*.
# 2. **Run.** Click the cell and press Shift+Enter. It takes seconds.
# 3. **Read.** The text below says what was seen, and why.
# 4. **Move.** An explorer shows the same thing for many values. Its sliders answer to the mouse
#    and to the arrow keys.
#
# One text runs through the whole course: a page of lecture notes on norms in transformers, of the
# kind that is found in many places. The chapters call it **the seed text**. They quote its claims,
# run an experiment on each, and give a verdict: holds, imprecise, or wrong.
#
# Change any cell and run it again. JupyterLab saves what you change. For a fresh copy of a chapter,
# rename yours and run `normlab start` in a terminal.

# %% [markdown]
# ## One token
#
# Here are two tokens with four features each. Layer norm takes each row by itself: it subtracts
# the row's mean and divides by the row's standard deviation.
#
# **Predict.** What are the mean and the standard deviation of each row afterwards?

# %%
import numpy as np

from normlab.norms import layer_norm

x = np.array([[1.0, 2.0, 3.0, 6.0], [50.0, 10.0, 20.0, 40.0]])
y = layer_norm(x)
print(y.round(3))

# %%
print("means              ", abs(y.mean(axis=-1)).round(3))
print("standard deviations", y.std(axis=-1).round(3))

# %% [markdown]
# Mean 0 and standard deviation 1, for both. The second token was ten times larger; its size is
# gone. What is left is the *shape* of the row: which features stand above its mean, and by how
# much.
#
# **Predict.** The division is by the standard deviation, and not by its square, the variance. Would
# the other be noticed?

# %%
from normlab import quiz

quiz("divide-by-variance")

# %%
centered = x - x.mean(axis=-1, keepdims=True)  # (2, 4) - (2, 1)
by_variance = centered / x.var(axis=-1, keepdims=True)
print("divided by the variance: standard deviations", by_variance.std(axis=-1).round(3))

# %% [markdown]
# Neither row has standard deviation 1. The larger row comes out smaller: its size is not gone, it
# is turned upside down.
#
# **Predict.** What else of a row does layer norm remove?

# %%
quiz("scale-and-offset")

# %%
moved = layer_norm(3 * x + 7)
print("largest change of the output:", f"{abs(moved - y).max():.6f}")

# %% [markdown]
# Nothing: (c). The two millionths are the work of ε, which chapter 03 takes apart. Scale and
# offset of a token do not pass through layer norm. The explorer shows it for other scales and
# offsets. Move the offset with the arrow keys and watch the right side.

# %%
from normlab.chapters.start_here import explore_moved_token

explore_moved_token()

# %% [markdown]
# ## The same in PyTorch
#
# `torch.nn.LayerNorm` is the one that models use. `normlab.torch_norms.LayerNorm` is the same
# written out, with a backward pass that you can read. Both take the number of features.
#
# **Predict.** Three implementations, one input. To how many digits do they agree in float32?

# %%
import torch

from normlab import torch_norms

tokens = torch.tensor(x, dtype=torch.float32)
by_torch = torch.nn.LayerNorm(4)(tokens).detach().numpy()
by_normlab = torch_norms.LayerNorm(4)(tokens).detach().numpy()
for name, values in [("torch.nn", by_torch), ("normlab.torch_norms", by_normlab)]:
    print(f"{name:20s} differs from NumPy by less than 1e-6: {abs(values - y).max() < 1e-6}")

# %% [markdown]
# To six digits or more. Chapter 03 shows where the seventh goes, and inputs on which such
# implementations differ by far more.
#
# ## When something does not fit
#
# Functions here say what they were given, what they expected, and what to change. The layers above
# also have a gain γ, which multiplies their result. The cell after the question passes one that
# does not fit.

# %%
quiz("gain-shape")

# %%
gain_per_token = np.ones(2)
try:
    layer_norm(x, gamma=gain_per_token)
except ValueError as error:
    print(error)

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
# The order matters: each chapter uses what the one before it showed. Plan 30 to 45 minutes for
# each.
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
# The course remembers which chapters you have read, what you predicted and what you solved. The
# record stays on this machine. In a terminal the same table is `normlab progress`.

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress()

# %% [markdown]
# ## Recap
#
# - Layer norm gives each token mean 0 and standard deviation 1, by itself.
# - Scale and offset of a token are lost, its shape stays.
# - A chapter asks before it answers; the explorers move by arrow key.
# - `normlab doctor` says whether the machine is ready, `normlab progress` how far you are.
# - You solve the exercises in `exercises`, and `check` names the mistake.
#
# ## Sources
#
# - Ba, Kiros & Hinton 2016, *Layer Normalization*, arXiv:1607.06450, Eq. 3 and 4.
# - Zhang & Sennrich 2019, *Root Mean Square Layer Normalization*, arXiv:1910.07467.
# - Xiong et al. 2020, *On Layer Normalization in the Transformer Architecture*, arXiv:2002.04745.
#
# {{ next chapter }}

# %% [markdown]
# Run the last cell to mark the chapter as read.

# %%
from normlab import chapter_read

chapter_read("00")
