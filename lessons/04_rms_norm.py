# %% [markdown]
# # 04 · RMSNorm: what it drops, what it costs, who uses it
#
# ## What you will be able to do
#
# - Say what RMSNorm drops from layer norm, and when the two are equal.
# - Compute how far apart their outputs are, from one number: the mean in units of the standard
#   deviation.
# - Decide for five norms and six changes of weights or data what stays the same, and check it by
#   running the code.
# - Count the operations and the bytes of both norms, and judge the claim "15–20 % fewer
#   floating-point operations".
# - Name models that use RMSNorm and models that do not, and carry gains and $\varepsilon$ from
#   one to another without a slip.
#
# {{ minutes }}

# %% [markdown]
# ## 1. Two steps fewer
#
# Layer norm subtracts the mean, divides by the standard deviation, scales and shifts. RMSNorm
# divides by the root of the mean square, and scales:
#
# $$\text{LN}(x) = \gamma \odot
# \frac{x - \mu}{\sqrt{\operatorname{mean}((x-\mu)^2) + \varepsilon}} + \beta
# \qquad
# \text{RMS}(x) = \gamma \odot \frac{x}{\sqrt{\operatorname{mean}(x^2) + \varepsilon}}$$

# %%
from normlab.claims import your_mark

your_mark(22, 37)

# %%
from normlab import quiz

quiz("draw-rms-norm")

# %%
import numpy as np
from torch import nn

from normlab.norms import layer_norm, rms_norm

x = np.array([1.0, 2.0, 3.0, 6.0])
for name, y in {
    "LayerNorm(x)": layer_norm(x, eps=0),
    "RMSNorm(x)": rms_norm(x, eps=0),
    "RMSNorm(x − mean)": rms_norm(x - x.mean(), eps=0),
}.items():
    print(f"{name:18} {y.round(3)}   mean {y.mean():.3f}   mean square {(y**2).mean():.3f}")

tokens = np.random.default_rng(0).normal(loc=2.0, size=(1000, 64))
centered = tokens - tokens.mean(-1, keepdims=True)  # (1000, 64) - (1000, 1)
gap = np.abs(layer_norm(tokens, eps=1e-5) - rms_norm(centered, eps=1e-5)).max()
print(f"1000 tokens, LN(x) − RMSNorm(x − mean): about 10^{np.log10(gap):.0f}")
for norm in (nn.LayerNorm(4), nn.RMSNorm(4)):
    print(f"parameters of nn.{type(norm).__name__}:", *dict(norm.named_parameters()))

# %% [markdown] tags=["answer"]
# RMSNorm keeps the ratios between the features and makes the mean square 1. The third line equals
# the first: **layer norm is RMSNorm after centering**. This holds for all 1000 tokens, and with
# $\varepsilon$ too. So the two are equal exactly when $\operatorname{mean}(x) = 0$.

# %% [markdown] tags=["answer"]
# **And the shift β?** **Claim 22: {{ ruling 22 }}.** Zhang & Sennrich's Eq. 4 drops the mean;
# their Eq. 5 still adds a bias after the gain. The models since LLaMA, and PyTorch's `nn.RMSNorm`,
# drop the shift as well. **Claim 37: {{ ruling 37 }}.**

# %% [markdown]
# ## 2. How far apart are they?
#
# Add a constant to all features of a token. Its mean moves; its standard deviation does not.

# %%
quiz("offset-angle")

# %% [markdown]
# **Try.** Move the slider, or drag the tip of the triangle. Which of the two outputs stands still?
# Where is the angle 0? What happens to RMSNorm's output when the mean is five standard deviations?

# %% tags=["answer"]
from normlab.chapters.rms_norm import grab_token_of_two_norms

grab_token_of_two_norms()

# %% [markdown] tags=["answer"]
# LayerNorm's output stands still: the added constant is subtracted again. RMSNorm's output turns
# towards the vector in which all features are equal, and the differences between features shrink.
#
# One output points along $x - \mu$, the other along $x$, and these two, with $\mu$, make a
# right-angled triangle:
#
# $$\tan(\text{angle}) = \frac{|\text{mean}|}{\text{standard deviation}}$$

# %% [markdown]
# ## 3. How large is the mean?
#
# Centering removes the part $\operatorname{mean}(x)^2 / \operatorname{mean}(x^2)$ of the squared
# length of $x$: the mean share. It is $\sin^2$ of the angle of section 2. How large is it for
# random vectors?

# %%
your_mark(23, 24)

# %%
quiz("random-angle")

# %%
quiz("relu-share")

# %% [markdown]
# Now trained models. In a [pre-norm](glossary.ipynb) transformer the norms read the [residual
# stream](glossary.ipynb). Two such models, one with LayerNorm and one with RMSNorm, were trained on
# generated text: 6 layers, $D = 64$, three seeds each.

# %%
quiz("stream-share")

# %%
from normlab.chapters.rms_norm import (
    draw_mean_shares,
    draw_stream_means,
    load_stream_means,
    sweep_mean_share,
)
from normlab.pictures import new_figure

fig, (left, right) = new_figure(columns=2, width=9.0, height=3.4, sharey=True)
draw_mean_shares(sweep_mean_share([16, 64, 256, 1024, 4096]), left)
draw_stream_means(load_stream_means(), right)

# %% [markdown] tags=["answer"]
# A share of $1/\pi$ is an angle of 34°, against 2° for $1/768$. So it matters *where* a norm
# stands. In the stream it reads little mean. After training the shares lie between 0.004 and 0.021
# (on average 0.011 with LayerNorm, 0.012 with RMSNorm), about as for a random vector with
# $1/64 = 0.016$. At the start one of the three seeds had up to 0.065. Both models learnt: 0.42
# nats, against 2.85 for guessing.
#
# Of large language models Gupta et al. 2026 report the same: on average their hidden vectors have
# no component along the all-ones vector, with LayerNorm and with RMSNorm.
#
# **Claim 23: {{ ruling 23 }}.** The authors *hypothesize* (their word) that re-centering
# can be spared; their experiments agree. Nobody measured a "representational value".
#
# **Claim 24: {{ ruling 24 }}.** At a mean of five standard deviations it is 79° off. The paper
# tested translation, reading comprehension, image–text retrieval and CIFAR-10.

# %% [markdown]
# ## 4. What stays the same: the paper's table
#
# A norm comes after a matrix with one row for each feature: it sees $z = Wx$. Change the weights or
# the data; does $\text{norm}(Wx)$ change?
#
# | change | what is done |
# |---|---|
# | weight matrix re-scaling | $W \to 2.5\,W$ |
# | weight matrix re-centering | $W \to W + \mathbf 1 b^\top$: the same $b$ is added to each row |
# | weight vector re-scaling | one row of $W$ times 2.5 |
# | dataset re-scaling | every $x \to 2.5\,x$ |
# | dataset re-centering | every $x \to x + b$ |
# | single case re-scaling | one $x$ of the batch times 2.5 |
#
# Five norms: BatchNorm, WeightNorm (each row of $W$ divided by its length), LayerNorm, RMSNorm,
# and pRMSNorm, which estimates the mean square from the first 6.25 % of the features.

# %%
quiz("invariance-row")

# %%
from normlab.chapters.rms_norm import draw_invariance_table, invariance_table

computed = invariance_table()
fig, ax = new_figure(width=8.5, height=3.4)
draw_invariance_table(computed, ax)

# %% [markdown] tags=["answer"]
# All 30 cells are computed, in float64 with $\varepsilon = 0$. The number is
# $\lVert\text{after} - \text{before}\rVert / \lVert\text{before}\rVert$ over the whole batch. Each
# mark is the one in Zhang & Sennrich's Table 1.

# %% [markdown]
# ## 5. The reason of each column ★
#
# Each cell of the table as a picture, and a constant in two places.

# %% [markdown]
# Choose a norm and a change. On the left is $Wx$, on the right the norm's output, each after the
# change against before: what did not change lies on the diagonal. Try *weight vector re-scaling*
# with LayerNorm, then with BatchNorm, and watch output 0. Try *single case re-scaling* with
# BatchNorm and watch case 1, which was not changed.

# %% tags=["answer"]
from normlab.chapters.rms_norm import explore_invariance

explore_invariance()

# %% [markdown] tags=["answer"]
# - **Matrix re-scaling** multiplies all of $z$ by 2.5. Every norm divides by something that grows
#   as much.
# - **Matrix re-centering** adds $b^\top x$ to every feature of a case: one constant per case.
#   Only LayerNorm subtracts it. This is the invariance that RMSNorm gives up.
# - **Vector re-scaling** stretches one feature. BatchNorm and WeightNorm have a divisor for each
#   feature; LayerNorm and the RMSNorms have one for all features.
# - **Dataset re-scaling** multiplies $z$ by 2.5, as in the first column. WeightNorm divides by
#   the length of the *weights*, which did not grow.
# - **Dataset re-centering** adds $Wb$ to every case: a constant for each *feature*. BatchNorm
#   subtracts it; LayerNorm cannot, since the entries of $Wb$ differ.
# - **Single case re-scaling**: LayerNorm and the RMSNorms look at that case alone. BatchNorm's
#   statistics move, and all other cases with them.

# %% [markdown]
# A constant can be added before $W$ or after it: to $x$, which makes $W(x + b)$, or to
# $z = Wx$. The next cell does both, with the constant 5.

# %% tags=["answer"]
layer = computed.layer
z = layer.summed_inputs()  # (16, 64)
moved = (layer.cases + 5.0) @ layer.weight.T
for name, after, before in (
    ("LN(z + 5), LN(z)", layer_norm(z + 5.0), layer_norm(z)),
    ("LN(W(x + 5)), LN(Wx)", layer_norm(moved), layer_norm(z)),
    ("RMSNorm(z + 5), RMSNorm(z)", rms_norm(z + 5.0), rms_norm(z)),
):
    print(f"{name:26} differ by up to {np.abs(after - before).max():.1f}")

# %% [markdown] tags=["answer"]
# Layer norm *by itself* ignores a constant that is added to its input. The ✗ of "dataset
# re-centering" is about $W(x + b)$.

# %% [markdown]
# ## 6. A network with centered weights ★
#
# Six branches, with the mean taken out of the weights.

# %% [markdown]
# In a pre-norm network each [branch](glossary.ipynb) adds a vector to the residual stream, and the
# norms read the stream. Below, a branch is $W_2\,\text{relu}(W_1\,\text{norm}(x))$. Matrices stand
# left of the vector, as in section 4, so $W_2$ has one row for each feature that it writes. Layer
# norm does not notice the mean over these features. So take it out of the weights: from each
# *column* of $W_2$ subtract its mean (Jiang et al. 2023).

# %%
quiz("centered-weights")

# %% tags=["nbval-ignore-output"]
from normlab.chapters.rms_norm import mean_share


def network(norm, start, weights):
    """x ← x + W₂ relu(W₁ norm(x)) for each (W₁, W₂), and a final norm; with the mean shares."""
    x, shares = start, [mean_share(start).mean()]
    for w_in, w_out in weights:
        x = x + np.maximum(norm(x) @ w_in.T, 0) @ w_out.T  # (N, 64) @ (64, 128), @ (128, 64)
        shares.append(mean_share(x).mean())  # (N,) -> ()
    return norm(x), shares


rng = np.random.default_rng(2)
start = rng.standard_normal((32, 64))
weights = [
    (rng.standard_normal((128, 64)) / 8, rng.standard_normal((64, 128)) / 11) for _ in range(6)
]
column_centered = [(w_in, w_out - w_out.mean(0)) for w_in, w_out in weights]  # (64, 128) - (128,)
for mean in (0.0, 1.0):
    x0 = start + mean
    wanted, shares = network(layer_norm, x0, weights)
    print(f"start of mean {mean:g}; mean share of the stream after 0, 1, … 6 branches:")
    print("  ", " ".join(f"{share:.2f}" for share in shares))
    for name, x, chosen in (
        ("same weights", x0, weights),
        ("centered weights", x0 - x0.mean(-1, keepdims=True), column_centered),
    ):
        other, _ = network(lambda x: rms_norm(x, eps=1e-5), x, chosen)
        error = np.linalg.norm(other - wanted) / np.linalg.norm(wanted)
        print(f"   RMSNorm, {name:17} differs by {error:.1e} of the output's size")

# %% [markdown] tags=["answer"]
# With the weights as they are, the networks differ by 15 %, though the features of the start are
# drawn with mean 0. Each token is a random vector with a mean share of about $1/64$, and so are the
# vectors that the branches add: the share stays near 0.01 through all six. Its root, about 0.1, is
# how far the outputs of a single norm are apart. A start of mean 1 has a share of one half. The
# branches dilute it to about 0.2, and the networks differ by 69 %.
#
# Centering is $W_2 \to W_2 + \mathbf 1 b^\top$, where $-b$ holds the means of the columns. It is
# the matrix re-centering of section 4: the change that layer norm does not notice.
#
# So in a pre-norm network centering the weights can replace centering in the norm. This holds for
# the norm without its shift; a shift moves into the bias of the matrix that reads it. In
# [post-norm](glossary.ipynb) the norm's output itself is the stream, and the gain after the norm
# gives it a mean again.

# %% [markdown]
# ## 7. The backward pass ★
#
# What RMSNorm's gradient has in common with layer norm's, and what not.

# %% [markdown]
# Let $g = \partial\mathcal L/\partial y$ be the upstream gradient, `dy` in code, and
# $\hat g = \gamma \odot g$, as in chapter 02. With $r_\varepsilon =
# \sqrt{\operatorname{mean}(x^2) + \varepsilon}$ and $\hat x = x/r_\varepsilon$,
#
# $$dx = \frac1{r_\varepsilon}\left[\hat g - \hat x \operatorname{mean}(\hat g \odot \hat x)\right]
# \qquad\text{against layer norm's}\qquad
# dx = \frac1{\sigma_\varepsilon}\left[\hat g - \operatorname{mean}(\hat g) -
# \hat x \operatorname{mean}(\hat g \odot \hat x)\right]$$
#
# The term that came from the mean is gone. The next cell checks the formula, with a gain, against
# autograd.

# %% tags=["nbval-ignore-output"]
import torch
import torch.nn.functional as F

rng = np.random.default_rng(3)
x, dy = rng.standard_normal((2, 4, 12)) + 0.5
gamma = rng.standard_normal(12)
eps = 1e-6

r = np.sqrt((x**2).mean(-1, keepdims=True) + eps)  # (4, 12) -> (4, 1)
x_hat, g_hat = x / r, gamma * dy
dx = (g_hat - x_hat * (g_hat * x_hat).mean(-1, keepdims=True)) / r
dgamma = (dy * x_hat).sum(0)  # (4, 12) -> (12,)

xt, gt = torch.tensor(x, requires_grad=True), torch.tensor(gamma, requires_grad=True)
F.rms_norm(xt, (12,), gt, eps).backward(torch.tensor(dy))
print(f"dx differs from autograd's by up to {np.abs(dx - xt.grad.numpy()).max():.0e}")
print(f"dγ differs from autograd's by up to {np.abs(dgamma - gt.grad.numpy()).max():.0e}")

# %% [markdown]
# The [singular values](glossary.ipynb) of the Jacobian are the factors by which it stretches a
# gradient, direction by direction.

# %%
quiz("jacobian-of-an-offset")

# %%
quiz("rms-gradient-laws")

# %%
from normlab.chapters.backward import layer_norm_jacobian, rms_norm_jacobian
from normlab.norms import layer_norm_backward, rms_norm_backward

token = layer_norm(x[0], eps=0) + 3  # mean 3, standard deviation 1
for name, jacobian, backward in (
    ("LayerNorm", layer_norm_jacobian, layer_norm_backward),
    ("RMSNorm", rms_norm_jacobian, rms_norm_backward),
):
    values = np.linalg.svd(jacobian(token, eps=0), compute_uv=False)  # (12,)
    dx = backward(dy, x, gamma, eps=0)[0]
    along_ones, along_x = np.abs(dx.sum(-1)).max(), np.abs((dx * x).sum(-1)).max()
    print(f"{name}: rank {(values > 1e-9).sum()} of 12; singular values at mean 3, std 1:")
    print("  ", (values + 1e-12).round(2))
    print(f"   |Σdx| up to {along_ones:.2f}, |⟨dx, x⟩| up to {along_x:.2f}")

# %% [markdown] tags=["answer"]
# The [rank](glossary.ipynb) counts the singular values above 0. All of these are equal:
# $1/\sigma = 1$ for layer norm, and $1/r = 1/\sqrt{10}$ for RMSNorm. A mean makes RMSNorm's
# gradient shorter; layer norm's does not notice it.
#
# Layer norm obeys both laws: its $dx$ is orthogonal to $x - \mu$ and to $\mathbf 1$, hence to
# $x$. RMSNorm's $dx$ is orthogonal to $x$ alone.

# %% [markdown]
# ## 8. What it costs
#
# Fewer operations, but of what? Start with the norm itself. What is done once a row, such as the
# root, is left out.

# %%
your_mark(25, 26)

# %%
quiz("rms-operations")

# %% [markdown]
# Now the layer around it.

# %%
quiz("share-of-a-layer")

# %% [markdown]
# And the clock? The paper counts no operations; it times whole models.

# %%
quiz("paper-run-time")

# %%
quiz("norms-on-a-cpu")

# %%
from normlab.chapters.rms_norm import CLAIMED, draw_fewer, what_fewer_could_mean

fig, ax = new_figure(width=8.5, height=3.6)
draw_fewer(what_fewer_could_mean(), ax, claimed=CLAIMED)

# %% [markdown] tags=["answer"]
# Of the norm's own operations RMSNorm spares 43 %: 3 of 7. Of a layer's it spares 3/7 of the
# norms' 0.014 %, which is 0.006 %. The paper's Transformer took 6.9 % less time. On a CPU
# `F.rms_norm` took 110 % more time than `F.layer_norm` forward, 2.1 times as long, and 4 to 5 times
# as long backward. None of these is 15 to 20 %. One of the paper's models saved 15.1 % of
# its time; operations are not counted there.
#
# Traffic to memory and the number of [kernels](glossary.ipynb) decide the time. `F.layer_norm` is
# one fused kernel; `F.rms_norm` on a CPU is six operators, and each reads and writes whole arrays.
# How long the two take on a GPU is **not measured here yet**; section 9 has the command.
#
# **Claim 25, "15–20% fewer": {{ ruling 25 }}.** No source has such a count.
#
# **Claim 26**, *"For very large models trained on large clusters, this translates to meaningful
# throughput improvements"*: **{{ ruling 26 }}.** The nearest evidence is the paper's Transformer.

# %% [markdown]
# ## 9. Every count, and the clock ★
#
# Memory traffic, the paper's run times, and a race on your machine.

# %% [markdown]
# Each operation on its own, as in plain NumPy, reads whole arrays from memory and
# writes one back. A [fused kernel](glossary.ipynb) does all steps in one pass: it reads
# its inputs once and writes the result once.

# %%
quiz("fused-kernel")

# %%
from normlab.chapters.rms_norm import OPERATIONS, draw_costs, norm_cost

for norm in ("LayerNorm", "RMSNorm"):
    print(f"{norm} forward:", "; ".join(op.formula for op in OPERATIONS[norm, "forward"]))
fig, axes = new_figure(columns=3, width=9.0)
draw_costs([norm_cost(*key) for key in OPERATIONS], axes)

# %% [markdown] tags=["answer"]
# The seed text names the three operations that fall away forward: *"(no mean accumulation pass, no
# subtraction, no β)"*. Backward, RMSNorm spares 4 of 13, or 31 %.
#
# One operation at a time, layer norm moves 12 elements forward for each element of its input, and
# RMSNorm 7. Fused, both move 2. So one kernel spares far more than the mean does.
#
# In float32 the fused layer norm does 7 operations for 8 bytes moved. An H100 can do 20 operations
# for each byte (NVIDIA's data sheet). By this count the kernel waits for memory, and saved
# operations save next to no time.

# %% [markdown]
# ### The paper's models

# %% tags=["answer"]
from normlab.chapters.rms_norm import RUN_TIMES, draw_run_times

fig, ax = new_figure()
draw_run_times(RUN_TIMES, ax, claimed=CLAIMED)

# %% [markdown] tags=["answer"]
# From 6.9 to 40.8 %: the saving is no constant, it belongs to each program. The recurrent models
# run a norm at each time step. The Transformer's figure is from a V100. The upper end of the
# abstract's "7 %–64 %" is pRMSNorm's.

# %% [markdown]
# ### Your machine
#
# In each library LayerNorm and RMSNorm take turns, in float32, on one thread. A bar is the median;
# its black line goes from the lower to the upper quartile. The time is the CPU time of this process
# (on Windows, elapsed time). "Copy x" is the least that memory allows. If the
# machine is busy, the picture says so: then run the cell again.

# %% tags=["timing", "answer"]
from normlab.chapters.rms_norm import draw_norm_times, race_norms

forward = [race_norms(2048, 768, "forward"), race_norms(64, 16384, "forward")]
fig, axes = new_figure(columns=2, width=10.0, height=3.0)
for data, ax in zip(forward, axes, strict=True):
    draw_norm_times(data, ax)

# %% tags=["timing", "answer"]
backward = [race_norms(2048, 768, "backward"), race_norms(64, 16384, "backward")]
fig, axes = new_figure(columns=2, width=10.0, height=2.8)
for data, ax in zip(backward, axes, strict=True):
    draw_norm_times(data, ax)

# %% [markdown]
# Beside it the stored race (`normlab remake norm_race`), and the operators that torch runs one
# after another:

# %% tags=["answer"]
import torch
import torch.nn.functional as F

from normlab import Table
from normlab.chapters.rms_norm import load_norm_races, torch_operators

shown = ("normlab.norms", "torch.nn.functional", "normlab.torch_norms")
races = load_norm_races("cpu")
rows = [[race.title, *(f"{race.ratio(name):.1f}" for name in shown)] for race in races]
print(Table(("RMSNorm / LayerNorm, stored", *shown), rows), "\n")

x, weight, bias = torch.randn(8, 16, requires_grad=True), torch.ones(16), torch.zeros(16)
print("F.layer_norm:", torch_operators(lambda: F.layer_norm(x, (16,), weight, bias)))
print("F.rms_norm:  ", torch_operators(lambda: F.rms_norm(x, (16,), weight, 1e-5)))

# %% [markdown] tags=["answer"]
# The table is the stored race: RMSNorm's time over LayerNorm's, one core, torch 2.13. Is it so on
# your machine?
#
# - NumPy and `normlab.torch_norms` run one operation after another, on rows that stay in the cache.
#   There RMSNorm took 0.4 to 0.8 of LayerNorm's time.
# - `F.rms_norm` was **slower** than `F.layer_norm`, at each shape and in both directions: it took 1.7
#   to 4.6 times as long.
# - The copy is the floor. `F.layer_norm` forward took longer than it, so one CPU core is not bound
#   by memory alone: there the arithmetic counts as well.

# %% [markdown]
# ### A GPU

# %% tags=["timing", "answer"]
from normlab.chapters.rms_norm import draw_gpu_races

gpu = [race for race in load_norm_races("cuda") if race.shape == (8192, 4096)]
if torch.cuda.is_available():
    gpu = [race_norms(8192, 4096, way, device="cuda") for way in ("forward", "backward")]
fig, axes = new_figure(columns=2, width=10.0, height=2.4)
draw_gpu_races(gpu, axes)

# %% [markdown] tags=["answer"]
# On GPUs too `F.rms_norm` was several operators, until a fused kernel came (PyTorch issue 157345,
# "nn.rmsnorm is super slower than nn.layernorm", and pull request 153666). No race on a GPU is
# stored yet. If you have a GPU, this cell has just used it, and
# `normlab remake norm_race --device cuda` fills the gap here and in section 8. The count of the
# traffic predicts no difference where both norms are one fused kernel;
# [chapter 13](13_one_kernel.ipynb) goes on from there.

# %% [markdown]
# ## 10. Details that break ported weights ★
#
# Another ε, another form of the gain, and what weight decay does to it.

# %% [markdown]
# ### The default ε
#
# The seed's own class has $\varepsilon = 10^{-6}$ and is offered as the same thing as
# `nn.RMSNorm(512)`. There the default is `eps=None`: the spacing of float32 at 1, $1.19 \cdot
# 10^{-7}$ (measured in [chapter 03](03_numerics.ipynb)).

# %%
your_mark(38)

# %%
quiz("eps-that-counts")

# %%
signs = torch.tensor([1.0, -1.0]).repeat(256)  # (512,), every entry of size 1
rows = []
for size in (1.0, 0.1, 0.02, 0.0066, 0.002, 0.001):
    outputs = [
        norm(size * signs).abs().mean().item()
        for norm in (nn.RMSNorm(512), nn.RMSNorm(512, eps=1e-6))
    ]
    apart = f"{100 * (outputs[0] / outputs[1] - 1):.1f} %"
    rows.append([size, *(f"{y:.3f}" for y in outputs), apart])
print(Table(("size of the input", "output, eps=None", "output, eps=1e-6", "apart"), rows))

# %% [markdown] tags=["answer"]
# They are 1 % apart at 0.0066, where the mean square is $44 \cdot 10^{-6}$. Inputs of size 1 show
# nothing of it in three digits. **Claim 38, "Custom RMSNorm for older PyTorch": {{ ruling 38 }}.**

# %% [markdown]
# ### The gain: $\gamma$ or $\gamma - 1$
#
# LLaMA stores the gain $\gamma$, starting at 1. Gemma stores $\gamma - 1$, starting at 0, and
# multiplies by `1 + weight`. Between the two, subtract or add 1. With Gemma's numbers as they are,
# the norms of LLaMA's code put out almost 0.

# %%
quiz("gain-round-trip")

# %%
from normlab.chapters.rms_norm import draw_stored_gains, stored_gains

gains = stored_gains()  # 100 000 of them
fig, axes = new_figure(columns=2, width=9.0, height=2.6)
draw_stored_gains(gains, axes)
print("different gains as Gemma's: about", round(len(np.unique(gains.gemma)), -2))
print("the same gains as LLaMA's: ", len(np.unique(gains.llama)))

gemma = torch.from_numpy(gains.gemma - 1).bfloat16()  # as Gemma stores them
llama = torch.from_numpy(gains.llama).bfloat16()  # as LLaMA does
print(f"Gemma → LLaMA → Gemma: {100 * (llama - 1 != gemma).float().mean():.0f} % changed")
back = (llama - 1) + 1
print(f"LLaMA → Gemma → LLaMA: {100 * (back != llama).float().mean():.0f} % changed")

# %% [markdown] tags=["answer"]
# LLaMA's gains go over to Gemma's form exactly. The other way almost all are rounded: about 2700
# different gains become 35. So $\gamma - 1$ keeps small departures of $\gamma$ from 1.

# %% [markdown]
# Now train both forms with [weight decay](07_training_and_warmup.ipynb).

# %%
quiz("decayed-gain")

# %%
stored = {"LLaMA": nn.Parameter(torch.ones(4)), "Gemma": nn.Parameter(torch.zeros(4))}
optimizer = torch.optim.AdamW(stored.values(), lr=0.01, weight_decay=0.1)
for _ in range(3000):
    for weight in stored.values():
        weight.grad = torch.zeros(4)  # the data say nothing
    optimizer.step()
print(f"LLaMA's gain, weight:     {stored['LLaMA'][0]:.2f}")
print(f"Gemma's gain, 1 + weight: {1 + stored['Gemma'][0]:.2f}")

# %% [markdown]
# One more difference is the order of cast and gain in half precision:
# [chapter 03](03_numerics.ipynb) measures it.

# %% [markdown]
# ## 11. Who uses it

# %%
quiz("who-uses-it")

# %%
from normlab import Table
from normlab.chapters.norms_in_the_wild import find_model
from normlab.chapters.rms_norm import COMPARED_MODELS

models = [find_model(name) for name in COMPARED_MODELS]
Table(
    ("model", "year", "norm", "parameters", "ε (class default)", "ε released"),
    [[m.name, m.year, m.norm, m.affine, m.shown_eps, m.shown_eps_released] for m in models],
)

# %% [markdown] tags=["answer"]
# - Command R, StarCoder2 and OLMo, all of 2024, use LayerNorm. And RMSNorm in large models did not
#   begin with LLaMA: T5 had it in 2019.
# - OLMo 2 went from LayerNorm without parameters to RMSNorm; Command R dropped only the shift. The
#   two steps "no mean" and "no β" are separate.
# - The class default of ε is that of Hugging Face's `transformers`. The last column is the ε of the
#   released weights, where a source states it.

# %% [markdown]
# [Chapter 11](11_norms_in_the_wild.ipynb) has the full table, and judges what the seed text says.

# %% [markdown]
# ## The exercise
#
# Write RMSNorm in NumPy, forward and backward, and as a PyTorch module:
# [exercise 03](../exercises/03_rms_norm.ipynb).

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - Layer norm is RMSNorm after centering. RMSNorm's definition drops the mean;
#   dropping β is custom.
# - The angle between the outputs is $\arctan(|\text{mean}|/\text{std})$: 0° at mean 0, 45° at 1,
#   79° at 5.
# - Centering removes $1/D$ of a random vector's squared length, and $1/\pi$ after a ReLU. The
#   norms of two small trained transformers read about $1/D$.
# - LayerNorm and RMSNorm differ in one column of the invariance table: adding $\mathbf 1 b^\top$
#   to $W$.
# - Operations 7 → 4; elements moved by a fused kernel 2 → 2; 0.006 % of a layer's operations at
#   $D = 4096$. No source counts 15–20 % fewer.
# - The paper's Transformer took 6.9 % less time. `F.rms_norm` on a CPU is six operators and slower
#   than `F.layer_norm`'s one.
# - Ported weights (★): `eps=None` is $1.19\cdot10^{-7}$ in float32; LLaMA stores $\gamma$, Gemma
#   $\gamma - 1$.

# %% [markdown]
# ## Sources
#
# - Zhang & Sennrich 2019, *Root Mean Square Layer Normalization*, arXiv:1910.07467: Eq. 4 and 5,
#   the hypothesis and Table 1 in section 4, pRMSNorm in section 5, run times in Tables 2, 3, 4,
#   6, 8, 10.
# - Jiang, Gu, Zhu & Pan 2023, *Pre-RMSNorm and Pre-CRMSNorm Transformers*, arXiv:2305.14858:
#   centered weights.
# - Gupta et al. 2026, *Geometric Interpretation of Layer Normalization and a Comparative Analysis
#   with RMSNorm*, Findings of EACL 2026, pages 375–407, arXiv:2409.12951.
# - Salimans & Kingma 2016, *Weight Normalization*, arXiv:1602.07868, Eq. 2.
# - Raffel et al. 2020 (T5), arXiv:1910.10683, section 2.1; Touvron et al. 2023 (LLaMA),
#   arXiv:2302.13971, section 2.2; Gemma Team 2024, arXiv:2403.08295; Almazrouei et al. 2023
#   (Falcon), arXiv:2311.16867.
# - NVIDIA, *H100 Tensor Core GPU* data sheet (SXM): 67 teraFLOPS in FP32, 3.35 TB/s.
# - PyTorch: issue 157345 and pull request 153666. Hugging Face: pull request 29402 of
#   `transformers` (cast and gain in Gemma).
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("04")
