# %% [markdown]
# # 10 · The same in other frameworks
#
# ## What you will be able to do
#
# - Say what both norms are called in PyTorch, Keras, TensorFlow and Flax, and which defaults differ.
# - Judge whether two libraries compute the same: against float64, forward and backward.
# - Name the inputs on which a default, and not a mistake of yours, makes them differ.
# - Run the seed text's two listings, and say what each of their comments is worth.
# - Carry a block's weights from one library to another and back, and list what does not travel
#   with the weights.

# %% [markdown]
# ## 1. Six norms
#
# Six implementations are compared: our NumPy norms, our torch twins, `torch.nn`, Keras 3 on torch,
# `tf.keras`, and Flax (nnx, on JAX).
#
# `tf.keras` *is* Keras 3, on TensorFlow. One process can hold Keras with one backend only: the
# variable `KERAS_BACKEND` is read when `keras` is first imported. So each of the last three runs in
# a process of its own, and the next cell starts them. It takes 10 to 20 seconds, once.
#
# They are an optional part of the course. If they are not installed, the cell says so in one line,
# and shows what was stored instead. Everything below works in either case.

# %% tags=["nbval-ignore-output"]
from normlab.chapters.frameworks import compare_frameworks

found = compare_frameworks()
if found.notice():
    print(found.notice())
found.sources()

# %% [markdown]
# To tell `nn.LayerNorm` which numbers belong together you give it their count: `nn.LayerNorm(512)`.
#
# **Predict.** What do you give Keras' layer, and Flax'? And how many different values of
# $\varepsilon$ do six layer norms have?

# %%
found.defaults("LayerNorm")

# %% [markdown]
# What the first column names was imported by that name and called. The rest was read from it: the
# first argument and $\varepsilon$ from its signature, the weights from a layer that was built. "In
# the output" is $\varepsilon$ once more, solved from what the layer did with $(10^{-4}, -10^{-4})$,
# as in chapter 03.
#
# - PyTorch wants **sizes** of the trailing axes, Keras an **axis**, Flax a **number of features**.
#   `LayerNormalization(512)` would be axis 512.
# - By default all have a gain and a shift. The gain has three names: `weight`, `gamma`, `scale`.
# - Three values of $\varepsilon$, a factor of 1,000 apart.
#
# The seed writes `tf.keras.layers.LayerNormalization(axis=-1, epsilon=1e-5)`, with the comment
# *"axis=-1 normalizes the last dimension"*. Verdict: **holds.** It does not say why it sets
# $\varepsilon$. The table does: the default is $10^{-3}$.

# %%
found.defaults("RMSNorm")

# %% [markdown]
# RMSNorm has two: $10^{-6}$, and PyTorch's `None`, which is $1.2 \cdot 10^{-7}$ for float32. Ours in
# NumPy has LLaMA's value. Keras calls the gain `scale` here, and `gamma` in its layer norm.

# %% [markdown]
# ## 2. The same ε: do they compute the same?
#
# Now each gets the same 32 rows of 512 features in float32, the same random $\gamma$ and $\beta$, the
# same upstream gradient, and $\varepsilon = 10^{-5}$. The judge is `normlab.norms` in float64.
#
# **Predict.** The greatest difference, as a fraction of the largest entry: about $10^{-7}$,
# $10^{-5}$ or $10^{-3}$? Is the backward pass worse than the forward pass?

# %%
found.differences()

# %%
from normlab.chapters.frameworks import draw_differences
from normlab.pictures import new_figure

fig, ax = new_figure(width=7.5, height=3.6)
draw_differences(found, ax)

# %% [markdown]
# About $10^{-7}$, two or three roundings of float32, in all of them and in the gradients too. With
# the same $\varepsilon$, on inputs of ordinary size, **the libraries agree**. So when a port goes
# wrong, the formula is not the first suspect.
#
# (Two rows look alike: on the torch backend Keras' layers call `F.layer_norm` and `F.rms_norm`
# themselves, in `keras/src/ops/nn.py`.)

# %% [markdown]
# ## 3. Their own ε
#
# The rest of the chapter is about what you get when you set nothing.

# %%
from normlab import quiz

quiz("same-weights-other-library")

# %% [markdown]
# Each layer norm with its default, on rows $N(0, \text{std}^2)$. A norm should bring the root mean
# square of the output to 1.

# %%
found.output_rms("LayerNorm")

# %%
found.output_rms("RMSNorm")

# %% [markdown]
# (b). The formula of chapter 03 gives every entry: $\sqrt{\operatorname{Var}/(\operatorname{Var} +
# \varepsilon)}$. At a standard deviation of 0.01 Keras' layer norm gives 0.30, PyTorch's 0.95 and
# Flax' 1.00. None of them is wrong. They are different functions, and a model is trained with one
# of them.

# %% [markdown]
# ## 4. Settings that change the result
#
# ### A fast variance

# %%
quiz("offset-in-six-libraries")

# %% [markdown]
# Again each with its defaults, in float32; the float64 it is compared with has the same
# $\varepsilon$ and sees the same rounded inputs. So this is rounding alone.

# %%
found.offsets()

# %% [markdown]
# (c), by far. Flax' class has a switch for it. What follows ran in Flax' process: a listing that
# comes with the course, and what it printed. If you have Flax, copy it into a cell of your own.

# %%
from normlab.chapters.frameworks import read_listing

print(read_listing("flax_fast_variance"))
print(found.listing("flax_fast_variance"))

# %% [markdown]
# `use_fast_variance=True` is the default. It means $\operatorname{mean}(x^2) - \mu^2$ (chapter 03,
# section 5), and a result below 0 is set to 0. It is fast because both means are taken in one pass.
# Switched off, Flax is as good as PyTorch.
#
# The others are not equal either. `torch.nn` subtracts a mean that was rounded to float32 (chapter
# 03, section 6). Keras on TensorFlow multiplies first: $x s + (-\mu s)$ with $s =
# \gamma/\sqrt{\operatorname{Var} + \varepsilon}$. Ours centre twice.
#
# **Predict.** In which of the three are the greatest numbers rounded?

# %%
import numpy as np

x = (np.random.default_rng(0).standard_normal((64, 512)) + 1000).astype(np.float32)
mean = x.mean(-1, keepdims=True)
s = 1 / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + np.float32(1e-5))
forms = {
    "(x − μ)·s": (x - mean) * s,
    "x·s + (−μ·s)": x * s + (-mean * s),
    "centred twice": (x - mean - (x - mean).mean(-1, keepdims=True)) * s,
}
wide = x.astype(np.float64)
exact = wide - wide.mean(-1, keepdims=True)
exact /= np.sqrt((exact**2).mean(-1, keepdims=True) + 1e-5)
errors = {name: np.sqrt(((y - exact) ** 2).mean()) for name, y in forms.items()}
for name, error in errors.items():
    first = error / errors["(x − μ)·s"]
    print(f"{name:13}  more than 1.2 times the first's error: {first > 1.2!s:5}", end="")
    print(f"  less than a tenth of it: {first < 0.1}")

# %% [markdown]
# In the second: both its products are near 1000. So a formula that is equal on paper costs more
# than the subtraction it spares, and a second subtraction takes nearly all of the error away.
#
# ### A name that says something else

# %%
quiz("rms-scaling")

# %%
print(read_listing("keras_rms_scaling"))
print(found.listing("keras_rms_scaling"))

# %% [markdown]
# (c). The rows have mean 1 and variance 1, so $\operatorname{mean}(x^2) = 2$, and the result is too
# large by $\sqrt 2 = 1.4$.
#
# The story is public. The switch came in 2023, for T5's and LLaMA's RMSNorm (keras-core issue 715,
# pull request 726). When `RMSNormalization` was added in 2025, a reviewer took both for the same
# (keras pull request 20911), and issue 21234 found that documentation and code disagreed. To mend
# the code would have changed models that were trained with it. So it was left as it is, with a
# warning (pull request 21352). **A norm's mistake becomes part of the weights.**
#
# ### Explore
#
# Take `tf.keras` and make the input smaller: whose line is highest, and by what factor? Then
# choose *offset* 1000 and *against* "the same norm, same ε", and find where Flax' error is largest.
# It is not at the smallest standard deviation. Last, change the *norm* to RMSNorm at that offset.

# %%
from normlab.chapters.frameworks import explore_frameworks

explore_frameworks(found)

# %% [markdown]
# - Against $\varepsilon = 0$ there are three lines, one for each $\varepsilon$. Keras' error is a
#   hundred times PyTorch's, as its $\varepsilon$ is, until it is as large as the output itself.
# - At offset 1000 Flax is worst at a standard deviation of 0.3: there a computed variance falls to 0
#   first, while $x - \mu$ is still large, and it is multiplied by $1/\sqrt\varepsilon = 1000$.
# - RMSNorm has no mean to subtract, so an offset costs it nothing. It does not remove it either.

# %% [markdown]
# ## 5. Half precision

# %%
quiz("float16-input")

# %% [markdown]
# The table has two layers for each library: one made with defaults, whose weights are float32, and
# one that is itself in float16, by that library's own argument `dtype`. "One rounding" means: the
# float16 layer's error is half a spacing of float16, so all was computed in more digits and rounded
# once. The last column is a row whose squares float16 cannot hold.
#
# **Predict.** Which library fails in the last column?

# %%
found.half("LayerNorm")

# %%
print("RMSNorm has the same table:", found.half("RMSNorm") == found.half("LayerNorm"))

# %% [markdown]
# (b). None fails: all compute the statistics in float32, and round once. They differ in what they
# **return**. In PyTorch (and in our norms) the dtype belongs to the tensor. In Keras it belongs to
# the layer, and the input is converted; in Flax the wider of input and weights wins. A float16
# model that is ported with default norms goes on in float32 from the first norm on.

# %% [markdown]
# ### In one table
#
# **Predict.** Which two columns differ most between the libraries, and which one not at all?

# %%
found.overview()

# %% [markdown]
# $\varepsilon$ and the dtype that comes back differ; with one $\varepsilon$ the results do not. The
# last column is the greatest of section 2's differences, forward and backward, in float32.

# %% [markdown]
# ## 6. The seed's PyTorch listing
#
# The seed text ends with two listings. They stand in the package as they are printed there; only
# the indentation was restored. First the one for PyTorch.

# %%
print(read_listing("seed_pytorch"))

# %%
import torch

from normlab.chapters.frameworks import run_listings

torch.manual_seed(0)
seed = {}
run_listings(["seed_pytorch"], seed)
print("x      ", tuple(seed["x"].shape))
print(
    "out    ",
    tuple(seed["out"].shape),
    " greatest mean of a token:",
    "below 1e-6" if seed["out"].mean(-1).abs().max() < 1e-6 else "large",
)
print("out_rms", tuple(seed["out_rms"].shape))

# %% [markdown]
# It runs. `nn.LayerNorm(normalized_shape=512, eps=1e-5)` normalizes each token: **holds.**
# *"built-in from PyTorch 2.4"*: **holds.** *"~15-20% fewer ops"*: **wrong** (chapter 04).
#
# ### "Custom RMSNorm for older PyTorch"
#
# **Predict.** On which of these inputs does the custom class differ from `nn.RMSNorm`: standard
# deviation 1; standard deviation 0.001; the number 300 in float16?

# %%
from torch import nn

from normlab import Table

custom, built_in = seed["RMSNorm"](512), nn.RMSNorm(512)
rows = []
for std in (1, 1e-3):
    x = std * torch.randn(16, 512)
    with torch.no_grad():
        ys = [norm(x) for norm in (custom, built_in)]
    rows.append([f"std {std:g}", "RMS of y", *(f"{y.square().mean().sqrt():.3f}" for y in ys)])
large = torch.full((1, 512), 300.0, dtype=torch.float16)
ys = [norm.half()(large) for norm in (custom, built_in)]
rows.append(["300, float16", "y", *(f"{y[0, 0].item():g}" for y in ys)])
Table(("input", "", "the seed's RMSNorm", "nn.RMSNorm"), rows)

# %% [markdown]
# On the last two. Its $\varepsilon$ is $10^{-6}$, against `None`. And it squares in the input's
# dtype: $300^2$ is infinite in float16, and $300/\infty = 0$. Verdict: **imprecise.** In place of
# the built-in norm it needs `eps=torch.finfo(torch.float32).eps`, and `x.float()` before the square.
#
# ### The block
# *"Pre-norm transformer block: y = x + SubLayer(LN(x))"*: that is what it computes. What does it
# leave out?

# %%
quiz("last-token")

# %%
torch.manual_seed(0)
blocks = [seed["PreNormBlock"](d_model=64, nhead=4, ffn_dim=256).eval() for _ in range(24)]
x = torch.randn(1, 10, 64)
changed = x.clone()
changed[:, -1] += 1
with torch.no_grad():
    different = (blocks[0](x) != blocks[0](changed)).any(-1)  # (1, 10, 64) -> (1, 10)
print("outputs that change with the last token:", different.sum().item())

# %% [markdown]
# (b). As an encoder block that is right. For a language model pass `attn_mask`:


# %%
class CausalPreNormBlock(seed["PreNormBlock"]):
    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        n = self.norm1(x)
        x = x + self.attn(n, n, n, attn_mask=mask, is_causal=True, need_weights=False)[0]
        return x + self.ffn(self.norm2(x))


causal = CausalPreNormBlock(d_model=64, nhead=4, ffn_dim=256).eval()
with torch.no_grad():
    different = ((causal(x) - causal(changed)).abs() > 1e-6).any(-1)  # (1, 10, 64) -> (1, 10)
print("outputs that change with the last token:", different.sum().item())

# %% [markdown]
# The second omission shows only in a stack.
#
# **Predict.** Put 24 blocks one after another, untrained. What is the mean square of the output, if
# that of the input is about 1?

# %%
with torch.no_grad():
    stream, squares = x, [x.square().mean().item()]
    for block in blocks:
        stream = block(stream)
        squares.append(stream.square().mean().item())
    final = nn.LayerNorm(64)(stream).square().mean().item()
depths = (0, 6, 12, 24)
rows = [["mean square", *(f"{squares[depth]:.2f}" for depth in depths), f"{final:.2f}"]]
Table(("after", *(f"{depth} blocks" for depth in depths), "a final norm"), rows)

# %% [markdown]
# It grows with every block, because the stream is never normalized: each block adds to it. So a
# pre-norm stack ends with one more norm (chapter 05). The listing has none, and the seed never
# mentions it. Verdict on the block: **runs, incomplete.**

# %% [markdown]
# ## 7. The seed's TensorFlow listing
#
# **Predict.** *"Custom RMSNorm (no built-in in TF/Keras)"*: is there none? And what will this class
# do with 300 in float16?

# %%
print(read_listing("seed_tensorflow"))

# %% [markdown]
# It was run in TensorFlow's process, and after it, with its names, this:

# %%
print(read_listing("seed_tensorflow_checked"))
print(found.listing("seed_tensorflow_checked"))

# %% [markdown]
# - It runs, and `out` has the shape that its comment says: **holds.**
# - *"no built-in in TF/Keras"*: **wrong now.** `keras.layers.RMSNormalization` is there since Keras
#   3.9, and `tf.keras` has it too. The class agrees with it, and has the same $\varepsilon$.
# - A layer in float16 squares in float16, as the torch class does, and 300 becomes 0. The built-in
#   computes in float32.

# %% [markdown]
# ## 8. Carry the weights
#
# A pre-norm block without attention, and a final norm behind it,
#
# $$y = \text{RMS}\big(x + W_2\,\text{gelu}(W_1\,\text{LN}(x) + b_1) + b_2\big),$$
#
# are made in torch with random weights, those of the norms included. The `state_dict` goes to each
# library as NumPy arrays, is read back from there, and loaded into a second torch block.

# %%
from normlab.chapters.frameworks import torch_block

block = torch_block()
rows = [[name, tuple(weight.shape)] for name, weight in block.state_dict().items()]
Table(("weight", "shape in torch"), rows)

# %% [markdown]
# Keras and Flax hold a matrix as (in, out), torch as (out, in), so two of these seven are transposed
# on the way there, and again on the way back. $W_1$ and $W_2$ have different shapes, so a
# forgotten transposition raises. With a square matrix it would not.
#
# The input rows have standard deviation 0.05. The three last columns are the difference of the
# output from float64: with $\varepsilon$ and the form of the GELU set as in torch; with the
# library's own $\varepsilon$; with the library's own GELU.
#
# **Predict.** The weights arrive bit for bit. In which columns is the output torch's, too?

# %%
found.carried()

# %% [markdown]
# Weights survive every way there and back. Outputs do only if two things come along that are in no
# `state_dict`:
#
# - **$\varepsilon$.** With Keras' own the output is off by 8 % of its largest entry.
# - **The GELU's form.** `F.gelu` and `keras.activations.gelu` are $u\,\Phi(u)$ by default;
#   `nnx.gelu` is its tanh approximation (Hendrycks & Gimpel 2016, section 2). The two differ by less
#   than 0.0005, too little to see in a loss and too much for a test at $10^{-5}$:

# %%
import torch.nn.functional as F

u = torch.linspace(-6, 6, 10001, dtype=torch.float64)
gap = (F.gelu(u) - F.gelu(u, approximate="tanh")).abs()
print(f"greatest difference {gap.max():.5f}, at |u| = {u[gap.argmax()].abs():.1f}")

# %% [markdown]
# So check a port by its outputs, on inputs small enough for $\varepsilon$ to count.

# %% [markdown]
# ## The exercise
#
# In [exercise 03](../exercises/03_rms_norm.ipynb) you write the RMSNorm that the seed's listing meant to
# be: as a torch module, computing in float32 for half inputs. Part of its check is the number 300.

# %% [markdown]
# ## Recap
#
# - With the same $\varepsilon$ six implementations agree with float64 to about $10^{-7}$ of the
#   largest entry, forward and backward.
# - Default $\varepsilon$ of layer norm: $10^{-5}$ in PyTorch, $10^{-3}$ in Keras and TensorFlow,
#   $10^{-6}$ in Flax. Of RMSNorm: $1.2 \cdot 10^{-7}$ in PyTorch (`None`), $10^{-6}$ elsewhere.
# - Flax' default variance is $\operatorname{mean}(x^2) - \mu^2$. At offset 1000 it is off by more
#   than 0.01 where the others stay below 0.001.
# - `LayerNormalization(rms_scaling=True)` is $x/\sqrt{\operatorname{Var}}$ and not RMSNorm.
# - All compute half inputs in float32. PyTorch returns the input's dtype, Keras and Flax by default
#   float32.
# - The seed's listings run. Its custom RMSNorm classes return 0 for 300 in float16; its block has
#   no causal mask and no final norm; Keras has an RMSNorm.
# - Weights travel bit for bit. $\varepsilon$ and the form of the GELU do not travel with them.
#
# ## Sources
#
# - Ba, Kiros & Hinton 2016, *Layer Normalization*, arXiv:1607.06450; Zhang & Sennrich 2019, *Root
#   Mean Square Layer Normalization*, arXiv:1910.07467.
# - Hendrycks & Gimpel 2016, *Gaussian Error Linear Units*, arXiv:1606.08415.
# - PyTorch 2.13: `torch.nn.LayerNorm`, `torch.nn.RMSNorm`. Keras 3.15: `keras/src/ops/nn.py`
#   (`_layer_normalization`, `_rms_normalization`), `layers/normalization/`. Flax 0.12:
#   `flax/nnx/nn/normalization.py` (`_compute_stats`); JAX 0.10: `jax.nn.gelu`.
# - keras-team/keras: pull requests 20911 (`RMSNormalization`) and 21352 (the warning), issue 21234
#   (`rms_scaling`); keras-team/keras-core: issue 715 and pull request 726 (where it came from).
# - `normlab remake frameworks --out FILE` makes the stored results again.
#
# {{ next chapter }}

# %% [markdown]
# Run the last cell to mark the chapter as read.

# %%
from normlab import chapter_read

chapter_read("10")
