# %% [markdown]
# # 10 · The same in other frameworks
#
# ## What you will be able to do
#
# - Say how layer norm is called in PyTorch, Keras, TensorFlow and Flax, and which defaults differ.
# - Judge whether two libraries compute the same: against float64, forward and backward.
# - Tell apart what rounding does, what a setting does, and what a mistake does.
# - Run the seed text's two listings, and say what each of their comments is worth.
# - Carry a block's weights from one library to another and back, and check the port.
#
# {{ minutes }}

# %% [markdown]
# ## 1. Six norms
#
# Six implementations are compared: our NumPy norms, our torch twins, `torch.nn`, Keras 3 on torch,
# `tf.keras`, and Flax (nnx, on JAX).
#
# `tf.keras` *is* Keras 3, on TensorFlow. One process can hold Keras with one backend only, so each
# of the last three runs in a process of its own, and the next cell starts them. It takes 10 to 20
# seconds, once. They are an optional part of the course. If they are not installed, the cell says
# so in one line, and shows what was stored instead.

# %% tags=["nbval-ignore-output"]
from normlab.chapters.frameworks import compare_frameworks

found = compare_frameworks()
if found.notice():
    print(found.notice())
found.sources()

# %%
from normlab.claims import your_mark

your_mark(40)

# %%
from normlab import quiz

quiz("default-eps-elsewhere")

# %%
found.defaults("LayerNorm")

# %% [markdown] tags=["answer"]
# What the first column names was imported by that name and called. The rest was read from it: the
# first argument and $\varepsilon$ from its signature, the weights from a layer that was built. "In
# the output" is $\varepsilon$ once more, solved from what the layer did with $(10^{-4}, -10^{-4})$,
# as in chapter 03.
#
# - PyTorch wants **sizes** of the trailing axes, Keras an **axis**, Flax a **number of features**.
#   `LayerNormalization(512)` would be axis 512.
# - All have a gain and a shift. The gain has three names: `weight`, `gamma`, `scale`.
# - There are three values of $\varepsilon$, a factor of 1,000 apart.
#
# The seed writes `tf.keras.layers.LayerNormalization(axis=-1, epsilon=1e-5)`, and does not say why
# it sets $\varepsilon$. **Claim 40: {{ ruling 40 }}.**

# %% [markdown]
# ## 2. The same ε: do they compute the same?
#
# Now each gets the same 32 rows of 512 features in float32, the same random $\gamma$ and $\beta$,
# the same upstream gradient, and $\varepsilon = 10^{-5}$. The judge is `normlab.norms` in float64.

# %%
quiz("furthest-from-float64")

# %% tags=["nbval-ignore-output"]
from normlab.chapters.frameworks import draw_differences
from normlab.pictures import new_figure

fig, ax = new_figure(width=7.5, height=3.6)
draw_differences(found, ax)
found.differences()

# %% [markdown] tags=["answer"]
# With the same $\varepsilon$, on inputs of ordinary size, **the libraries agree**. So when a port
# goes wrong, the formula is not the first suspect. (Two rows look alike: on the torch backend
# Keras' layers call `F.layer_norm` and `F.rms_norm` themselves.)

# %% [markdown]
# ## 3. Their own ε
#
# The rest of the chapter is about what you get when you set nothing.

# %%
quiz("same-weights-other-library")

# %%
quiz("output-by-deviation")

# %%
found.output_rms("LayerNorm")

# %% [markdown] tags=["answer"]
# Rows are $N(0, \text{std}^2)$, and a norm should bring the root mean square of the output to 1.
# The formula of chapter 03 gives every entry: $\sqrt{\sigma^2/(\sigma^2 + \varepsilon)}$. None of
# the libraries is wrong. They are different functions, and a model is trained with one of them.

# %% [markdown]
# ## 4. An offset of 1,000
#
# Again each with its defaults, in float32. The float64 it is compared with has the same
# $\varepsilon$ and sees the same rounded inputs, so this is rounding alone.

# %%
quiz("offset-in-six-libraries")

# %% tags=["nbval-ignore-output"]
from normlab.chapters.frameworks import read_listing

print(found.offsets())
print(f"\n{read_listing('one_setting')}")
print(found.listing("one_setting"))

# %% [markdown] tags=["answer"]
# The listing ran in Flax' process; if you have Flax, copy it into a cell of your own. The setting
# means $\operatorname{mean}(x^2) - \mu^2$ (chapter 03), and a result below 0 is set to 0. It is
# fast because both means are taken in one pass. Switched off, Flax is as good as PyTorch. The
# listing takes 64 rows and the table the first 16 of them, so its greatest error is larger, 0.4
# against 0.2.
#
# `tf.keras` is at twice PyTorch's error, since it subtracts the mean by section 5's other formula.

# %% [markdown]
# ## 5. Three ways to subtract a mean ★
#
# One formula, written in three ways.

# %%
quiz("three-ways-to-subtract")

# %% tags=["nbval-ignore-output"]
import numpy as np

x = (np.random.default_rng(0).standard_normal((64, 512)) + 1000).astype(np.float32)
mean = x.mean(-1, keepdims=True)
factor = 1 / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + np.float32(1e-5))
forms = {
    "(x − μ)·k": (x - mean) * factor,
    "x·k + (−μ·k)": x * factor + (-mean * factor),
    "centered twice": (x - mean - (x - mean).mean(-1, keepdims=True)) * factor,
}
wide = x.astype(np.float64)
exact = wide - wide.mean(-1, keepdims=True)
exact /= np.sqrt((exact**2).mean(-1, keepdims=True) + 1e-5)
for name, y in forms.items():
    print(f"{name:13} root mean square of the error {np.sqrt(((y - exact) ** 2).mean()):.0e}")

# %% [markdown] tags=["answer"]
# A formula that is equal on paper costs more than the subtraction it spares, and a second
# subtraction takes nearly all of the error away. `torch.nn` subtracts a mean that was rounded to
# float32, Keras on TensorFlow multiplies first, and ours centre twice: these are the rows of the
# table above.

# %% [markdown]
# ## 6. `rms_scaling` ★
#
# Keras' layer norm has had a switch since 2023, for T5's and LLaMA's norm.

# %%
quiz("rms-scaling")

# %% tags=["nbval-ignore-output"]
print(read_listing("keras_rms_scaling"))
print(found.listing("keras_rms_scaling"))

# %% [markdown] tags=["answer"]
# The rows have mean 1 and variance 1, so $\operatorname{mean}(x^2) = 2$, and the result is too
# large by $\sqrt 2 = 1.4$.
#
# Keras' documentation said otherwise (issue 21234, of 2025). To mend the code would have changed models that
# were trained with it, so it was left as it is, with a warning. **A norm's mistake becomes part of the
# weights.**

# %% [markdown]
# ## 7. Smaller and smaller ★
#
# What the defaults do, from a standard deviation of 1 down to 0.0001.

# %%
quiz("error-by-deviation")

# %% [markdown]
# **Explorer.** Take `tf.keras` and make the input smaller: whose line is highest, and by what
# factor? Then choose *offset* 1000 and *against* "the same norm, same ε", and find the largest
# error of all. Last, change the *norm* to RMSNorm at that offset.

# %% tags=["answer"]
from normlab.chapters.frameworks import explore_frameworks

explore_frameworks(found)

# %% [markdown] tags=["answer"]
# - Against $\varepsilon = 0$ there are three lines, one for each $\varepsilon$. Keras' error is a
#   hundred times PyTorch's, as its $\varepsilon$ is, until it is as large as the output itself.
# - At offset 1000 Flax is worst at a standard deviation of 0.3.
# - RMSNorm has no mean to subtract, so an offset costs it nothing. It does not remove it either.

# %% [markdown]
# ## 8. Half precision
#
# Two layers of each library get a float16 input: one made with defaults, whose weights are float32,
# and one that is itself in float16, by that library's own argument `dtype`.

# %%
quiz("float16-input")

# %%
quiz("large-float16")

# %%
found.half("LayerNorm")

# %% [markdown] tags=["answer"]
# The error is the float16 layer's: half a spacing of float16 means that all was computed in more
# digits and rounded once. (RMSNorm has the same table.)
#
# The libraries differ in what they **return**. In PyTorch, and in our norms, the dtype belongs to
# the tensor; in Keras and Flax to the layer. A float16 model that is ported with default norms goes
# on in float32 from the first norm on.

# %% [markdown]
# ## 9. In one table ★
#
# All norms of the chapter, their defaults, and how near they are to float64.

# %%
quiz("what-differs")

# %% tags=["nbval-ignore-output"]
found.overview()

# %% [markdown] tags=["answer"]
# The last column is the greatest of section 2's differences. RMSNorm has two values of
# $\varepsilon$: $10^{-6}$, which is LLaMA's, and PyTorch's `None`, which is $1.2 \cdot 10^{-7}$ for
# float32. Keras calls the gain `scale` here, and `gamma` in its layer norm.

# %% [markdown]
# ## 10. Everybody else's norms ★
#
# 300 classes that transformers calls norms, and the kernels that models run.

# %% [markdown]
# Who writes a norm tries it on ordinary rows. `normlab audit` tries the others too: half precision,
# offsets, tiny and huge rows, gradients twice. Its table is stored for every norm class of
# transformers, and for two norms of each library above and of `torch.compile` (`normlab remake audit`).
# 300 classes have 69 different texts; not all of them are norms over the last axis.

# %%
quiz("audited-texts-that-conform")

# %%
from collections import Counter

from normlab import Table
from normlab.chapters.frameworks import draw_worst_errors, load_audits, worst_errors

audits = load_audits()
fig, ax = new_figure(width=9, height=5.6)
draw_worst_errors(worst_errors(audits), ax)
found_wrong = Counter(name for a in audits for name in a.mistakes for _ in range(a.alike))
Table(("what is wrong", "classes"), [list(pair) for pair in found_wrong.most_common()])

# %% [markdown] tags=["answer"]
# The commonest one hurts no language model: a norm that computes in float32 whatever it gets
# narrows a float64 row. `batch-dependent` means that a row has other last bits alone and among
# others. `half-statistics` and `half-wrong` hurt: a mean of squares in float16 passes 65,504. And
# one is hard to find: the second derivative of `tf.keras`'s layer norm is wrong, since `tf.nn.moments` stops the
# gradient at the mean. That is right once, for the deviations from a mean add up to 0, and wrong for
# whoever differentiates twice.

# %% [markdown]
# And the kernels? `torch.compile` makes one of `nn.LayerNorm`, also for a CPU, and it was audited like the
# others.

# %%
quiz("what-compiling-changes")

# %%
checks = ("float32", "offset-100", "batch-invariance", "second")
compiled = [audit for audit in audits if audit.library in ("torch", "torch.compile")]
Table(
    ("", "norm", "float32, ulps", "offset 100", "a row among others", "second derivative"),
    [[a.library, a.norm, *(f"{a.errors[check]:g}" for check in checks)] for a in compiled],
)

# %% [markdown] tags=["answer"]
# The values are as good as the written-out norm's. But the compiled LayerNorm sums a row in another order when
# it comes alone, so a token's last bits depend on the batch; and whoever needs a second derivative gets
# an error (∞ here), since compiled code has none.

# %% [markdown]
# The others run on other machines, so this table is from their documentation, and nothing of it was
# measured here.
#
# | kernel | default ε | what to know |
# |---|---|---|
# | Apex, `FusedLayerNorm` | 1e-5 | CUDA only |
# | Transformer Engine, `LayerNorm`, `RMSNorm` | 1e-5 | `zero_centered_gamma=True` multiplies by $1 + w$ |
# | Liger, `LigerRMSNorm` | 1e-6 | `offset` is the 1 of $1 + w$; `casting_mode` says where half precision begins |
# | MLX, `nn.LayerNorm`, `nn.RMSNorm` | 1e-5 | Apple's GPUs |
# | ONNX, `LayerNormalization` since opset 17 | 1e-5 | `stash_type` is the dtype of the statistics |
# | ONNX, `RMSNormalization` since opset 23 | 1e-5 | the gain multiplies after the cast back to the input's dtype |
#
# So a port changes two things that no shape shows: ε, and where the rounding stands. `normlab audit
# my_kernel.py:build` says which, in some seconds.

# %% [markdown]
# ## 11. The seed's PyTorch listing
#
# The seed text ends with two listings. They stand in the package as they are printed there; only
# the indentation was restored. First the one for PyTorch.

# %%
import torch

from normlab.chapters.frameworks import run_listings

print(read_listing("seed_pytorch"))
torch.manual_seed(0)
seed = {}
run_listings(["seed_pytorch"], seed)
print(*(f"{name} {tuple(seed[name].shape)}" for name in ("x", "out", "out_rms")))
print(f"greatest mean of a token of out: {seed['out'].mean(-1).abs().max():.6f}")

# %%
your_mark(25, 36, 37, 38)

# %%
quiz("custom-norm-in-float16")

# %%
from torch import nn

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

# %% [markdown] tags=["answer"]
# Small inputs differ too: its $\varepsilon$ is $10^{-6}$, against `None`. In place of the built-in
# norm it needs `eps=torch.finfo(torch.float32).eps`, and `x.float()` before the square.
#
# | claim | the seed's words | verdict |
# |---|---|---|
# | 36 | *"nn.LayerNorm(normalized_shape=512, eps=1e-5)"* | {{ ruling 36 }} |
# | 37 | *"built-in from PyTorch 2.4"* | {{ ruling 37 }} |
# | 25 | *"~15-20% fewer ops"* | {{ ruling 25 }} |
# | 38 | *"Custom RMSNorm for older PyTorch"* | {{ ruling 38 }} |

# %% [markdown]
# ## 12. The seed's block ★
#
# What it computes, and what it leaves out.

# %%
your_mark(39)

# %%
quiz("last-token")

# %%
quiz("stream-of-24-blocks")

# %%
torch.manual_seed(0)
blocks = [seed["PreNormBlock"](d_model=64, nhead=4, ffn_dim=256).eval() for _ in range(24)]
x = torch.randn(1, 10, 64)
changed = x.clone()
changed[:, -1] *= -1
with torch.no_grad():
    moved = (blocks[0](x) - blocks[0](changed)).abs().amax(-1)  # (1, 10, 64) -> (1, 10)
    stream, squares = x, [x.square().mean().item()]
    for block in blocks:
        stream = block(stream)
        squares.append(stream.square().mean().item())
print("changes of the outputs, token by token:", moved[0].numpy().round(1))
rows = [["mean square", *(f"{squares[depth]:.1f}" for depth in (0, 6, 12, 18, 24))]]
Table(("after", *(f"{depth} blocks" for depth in (0, 6, 12, 18, 24))), rows)

# %% [markdown] tags=["answer"]
# - For a language model pass a mask, `self.attn(n, n, n, attn_mask=mask, is_causal=True)`, with
#   `mask = nn.Transformer.generate_square_subsequent_mask(T)`.
# - The stream is never normalized, so a pre-norm stack ends with one more norm (chapter 05). The
#   listing has none, and the seed never mentions it. With torch's own initialization, which is
#   small, 24 blocks bring the stream to about 3 to 4; with Xavier's, as in the other chapters, to
#   some 25 to 30.
#
# **Claim 39: {{ ruling 39 }}.**

# %% [markdown]
# ## 13. The seed's TensorFlow listing ★
#
# A norm written by hand, since Keras is said to have none.

# %%
your_mark(41)

# %%
print(read_listing("seed_tensorflow"))

# %%
quiz("built-in-in-keras")

# %% tags=["nbval-ignore-output"]
print(read_listing("seed_tensorflow_checked"))
print(found.listing("seed_tensorflow_checked"))

# %% [markdown] tags=["answer"]
# Both listings ran in TensorFlow's process, the second with the names of the first. `out` has the
# shape that the comment says. A layer in float16 squares in float16, as the torch class does, and
# 300 becomes 0. The built-in computes in float32.
#
# **Claim 41, no built-in: {{ ruling 41 }}.**

# %% [markdown]
# ## 14. Carry the weights
#
# A pre-norm block without attention, and a final norm behind it,
#
# $$y = \text{RMSNorm}\big(x + W_2\,\text{gelu}(W_1\,\text{LN}(x) + b_1) + b_2\big),$$
#
# are made in torch with random weights, those of the norms included. The `state_dict` goes to each
# library as NumPy arrays, is read back from there, and loaded into a second torch block. The
# weights arrive bit for bit.

# %%
quiz("weights-without-eps")

# %%
quiz("two-forms-of-the-gelu")

# %% tags=["nbval-ignore-output"]
import torch.nn.functional as F

z = torch.linspace(-6, 6, 10001, dtype=torch.float64)
gap = (F.gelu(z) - F.gelu(z, approximate="tanh")).abs()
print(f"greatest difference {gap.max():.5f}, at |z| = {z[gap.argmax()].abs():.1f}")
found.carried()

# %% [markdown] tags=["answer"]
# The three last columns are the difference of the output from float64: with $\varepsilon$ and the
# form of the GELU set as in torch; with the library's own $\varepsilon$; with the library's own
# GELU. Outputs survive only if two things come along that are in no `state_dict`: $\varepsilon$,
# and the GELU's form (Hendrycks & Gimpel 2016, section 2).
#
# Keras and Flax hold a matrix as (in, out), torch as (out, in). $W_1$ and $W_2$ have different
# shapes, so a forgotten transposition raises. With a square matrix it would not. So check a port by
# its outputs, on inputs small enough for $\varepsilon$ to count.

# %% [markdown]
# ## The exercise
#
# In [exercise 03](../exercises/03_rms_norm.ipynb) you write an RMSNorm as a torch module, for half
# inputs too.

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - With the same $\varepsilon$ six implementations agree with float64 to about $10^{-7}$ of the
#   largest entry, forward and backward.
# - Default $\varepsilon$ of layer norm: $10^{-5}$ in PyTorch, $10^{-3}$ in Keras and TensorFlow,
#   $10^{-6}$ in Flax. Of RMSNorm: $1.2 \cdot 10^{-7}$ in PyTorch (`None`), $10^{-6}$ elsewhere.
# - Flax' default variance is $\operatorname{mean}(x^2) - \mu^2$. At offset 1000 it is off by 0.2
#   where the other libraries are off by 0.0001.
# - `LayerNormalization(rms_scaling=True)` is $x/\sqrt{\sigma^2}$ and not RMSNorm.
# - All compute half inputs in float32. PyTorch returns the input's dtype, Keras and Flax by default
#   float32.
# - The seed's listings run. Its custom RMSNorm classes return 0 for 300 in float16; its block has
#   no causal mask and no final norm; Keras has an RMSNorm.
# - Most norms that others write are right on ordinary rows. What is missed: half precision (5 classes of
#   transformers), offsets (Flax), second derivatives (`tf.keras`), the same bits in any batch (both).
# - Weights travel bit for bit. $\varepsilon$ and the form of the GELU do not travel with them.

# %% [markdown]
# ## Sources
#
# - Ba, Kiros & Hinton 2016, *Layer Normalization*, arXiv:1607.06450; Zhang & Sennrich 2019, *Root
#   Mean Square Layer Normalization*, arXiv:1910.07467.
# - Hendrycks & Gimpel 2016, *Gaussian Error Linear Units*, arXiv:1606.08415.
# - PyTorch 2.13: `torch.nn.LayerNorm`, `torch.nn.RMSNorm`. Keras 3.15: `keras/src/ops/nn.py`
#   (`_layer_normalization`, `_rms_normalization`), `layers/normalization/`. Flax 0.12:
#   `flax/nnx/nn/normalization.py` (`_compute_stats`); JAX 0.10: `jax.nn.gelu`.
# - keras-team/keras: pull requests 20911 and 21352, issue 21234; keras-team/keras-core: issue 715
#   and pull request 726 (where `rms_scaling` came from).
# - `normlab remake frameworks --out FILE` makes the stored results again.
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("10")
