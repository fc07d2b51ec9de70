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
# ## 1. Two steps less
#
# Layer norm subtracts the mean, divides by the standard deviation, scales and shifts. RMSNorm
# divides by the root of the mean square, and scales:
#
# $$\text{LN}(x) = \gamma \odot
# \frac{x - \mu}{\sqrt{\operatorname{mean}((x-\mu)^2) + \varepsilon}} + \beta
# \qquad
# \text{RMS}(x) = \gamma \odot \frac{x}{\sqrt{\operatorname{mean}(x^2) + \varepsilon}}$$

# %%
from normlab import quiz

quiz("negative-outputs")

# %%
import numpy as np

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

# %% [markdown] tags=["answer"]
# RMSNorm keeps the ratios between the features and makes the mean square 1. The third line equals
# the first: **layer norm is RMSNorm after centering**. This holds for all 1000 tokens, and with
# $\varepsilon$ too. So the two are equal exactly when $\operatorname{mean}(x) = 0$.

# %%
from normlab.claims import your_mark

your_mark(22)

# %% [markdown]
# **And the shift β?** **Claim 22: {{ ruling 22 }}.** Zhang & Sennrich's Eq. 4 drops the mean; their
# Eq. 5 still adds a bias $b$ after the gain. The models since LLaMA, and PyTorch's `nn.RMSNorm`, drop
# the shift as well: `nn.RMSNorm` holds a `weight` and no `bias`.

# %% [markdown]
# ## 2. How far apart are they?
#
# Add a constant to all features of a token. Its mean moves; its standard deviation does not.

# %%
quiz("offset-angle")

# %% [markdown]
# **Try.** Move the slider, or drag the tip of the triangle. Look for three things: which of the two
# outputs stands still, where the angle is 0, and what happens to RMSNorm's output when the mean is
# five standard deviations. Then drag single features.

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
# length of $x$: the mean share. How large is it for random vectors?

# %%
your_mark(23, 24)

# %%
quiz("mean-share")

# %%
quiz("relu-share")

# %% [markdown]
# Now trained models. In a [pre-norm](glossary.ipynb) transformer the norms read the [residual
# stream](glossary.ipynb). Two such models, one with LayerNorm and one with RMSNorm, were trained on
# text: 6 layers, $D = 64$, three seeds each.

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
# A share of $1/D$ is an angle of 2° at $D = 768$; a share of $1/\pi$ is 34°. So it matters *where*
# a norm stands. In the stream it reads little mean. After training the shares lie between 0.004 and
# 0.021 (on average 0.011 with LayerNorm, 0.012 with RMSNorm), about as for a random vector with
# $1/64 = 0.016$. At the start one of the three seeds had up to 0.065; training reduced it, also with
# RMSNorm, where nothing removes a mean. Both models learnt alike: 0.42 nats, against 2.85 for
# guessing.
#
# This is a small model and a generated text. Of large language models Gupta et al. 2026 report the
# same: on average their hidden vectors have no component along the all-ones vector, with LayerNorm
# and with RMSNorm.
#
# **Claim 23: {{ ruling 23 }}.** The authors *hypothesize* (their word) that re-centering
# can be spared, and their experiments agree. Nobody measured a "representational value".
#
# **Claim 24: {{ ruling 24 }}.** At a mean of five standard deviations it is 79° off. The paper
# tested translation, reading comprehension, image–text retrieval and CIFAR-10.

# %% [markdown]
# ## 4. What stays the same: the paper's table
#
# A norm stands behind a matrix with one row for each feature: it sees $a = Wx$. Change the weights
# or the data; does $\text{norm}(Wx)$ change?
#
# | change | what is done |
# |---|---|
# | weight matrix re-scaling | $W \to 2.5\,W$ |
# | weight matrix re-centering | $W \to W + \mathbf 1 w^\top$: the same $w$ is added to each row |
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

# %% [markdown]
# Choose a norm and a change. On the left is $Wx$, on the right the norm's output, each after the
# change against before: what did not change lies on the diagonal. Try *weight vector re-scaling*
# with LayerNorm, then with BatchNorm, and watch output 0. Try *single case re-scaling* with
# BatchNorm and watch case 1, which was not changed.

# %% tags=["answer"]
from normlab.chapters.rms_norm import explore_invariance

explore_invariance()

# %% [markdown] tags=["answer"]
# - **Matrix re-scaling** multiplies all of $a$ by 2.5. Every norm divides by something that grows
#   as much.
# - **Matrix re-centering** adds $w^\top x$ to every feature of a case: one constant per case.
#   Only LayerNorm subtracts it. This is the invariance that RMSNorm gives up.
# - **Vector re-scaling** stretches one feature. BatchNorm and WeightNorm have a divisor for each
#   feature; LayerNorm and the RMSNorms have one for all features.
# - **Dataset re-scaling** multiplies $a$ by 2.5, as in the first column. WeightNorm divides by
#   the length of the *weights*, which did not grow.
# - **Dataset re-centering** adds $Wb$ to every case: a constant for each *feature*. BatchNorm
#   subtracts it; LayerNorm cannot, since the entries of $Wb$ differ.
# - **Single case re-scaling**: LayerNorm and the RMSNorms look at that case alone. BatchNorm's
#   statistics move, and all other cases with them.

# %% [markdown]
# A constant can be added in front of $W$ or behind it: to $x$, which makes $W(x + b)$, or to
# $a = Wx$. The next cell does both, with the constant 5.

# %% tags=["answer"]
layer = computed.layer
a = layer.summed_inputs()  # (16, 64)
moved = (layer.cases + 5.0) @ layer.weight.T
for name, after, before in (
    ("LN(a + 5), LN(a)", layer_norm(a + 5.0), layer_norm(a)),
    ("LN(W(x + 5)), LN(Wx)", layer_norm(moved), layer_norm(a)),
    ("RMSNorm(a + 5), RMSNorm(a)", rms_norm(a + 5.0), rms_norm(a)),
):
    print(f"{name:26} differ by up to {np.abs(after - before).max():.1f}")

# %% [markdown] tags=["answer"]
# Layer norm *by itself* ignores a constant that is added to its input. The ✗ of "dataset
# re-centering" is about $W(x + b)$.

# %% [markdown]
# ## 6. A network with centered weights ★

# %% [markdown]
# In a pre-norm network each [branch](glossary.ipynb) adds a vector to the residual stream, and the
# norms read the stream. Below, a branch is $B\,\text{relu}(A\,\text{norm}(x))$. Matrices stand left
# of the vector, as in section 4, so $B$ has one row for each feature that it writes. Layer norm
# does not notice the mean over these features. So take it out of the weights: from each *column* of
# $B$ subtract its mean (Jiang et al. 2023).

# %%
quiz("centered-weights")

# %%
from normlab.chapters.rms_norm import mean_share


def network(norm, start, weights):
    """Pre-norm: x ← x + B relu(A norm(x)) for each (A, B), and a final norm; the mean shares too."""
    x, shares = start, [mean_share(start).mean()]
    for a, b in weights:
        x = x + np.maximum(norm(x) @ a.T, 0) @ b.T  # (N, 64) @ (64, 128), then @ (128, 64)
        shares.append(mean_share(x).mean())  # (N,) -> ()
    return norm(x), shares


rng = np.random.default_rng(2)
start = rng.standard_normal((32, 64))
weights = [
    (rng.standard_normal((128, 64)) / 8, rng.standard_normal((64, 128)) / 11) for _ in range(6)
]
column_centered = [(a, b - b.mean(0)) for a, b in weights]  # (64, 128) - (128,)
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
        far = f"{100 * error:.0f} %" if error > 1e-3 else f"10^{np.log10(error):.0f}"
        print(f"   RMSNorm, {name:17} differs by {far}")

# %% [markdown] tags=["answer"]
# With the weights as they are, the networks differ by 15 %, though the features of the start are
# drawn with mean 0. Each token is a random vector with a mean share of about $1/64$, and so are the
# vectors that the branches add: the share stays near 0.01 through all six. Its root, about 0.1, is
# how far the outputs of a single norm are apart. A start of mean 1 has a share of one half. The
# branches dilute it to about 0.2, and the networks differ by 69 %.
#
# Centering is $B \to B - \mathbf 1 w^\top$, with the means of the columns as $w$. It is the matrix
# re-centering of section 4: the change that layer norm does not notice.
#
# So in a pre-norm network the weights can take care of the mean. This holds for the norm without its
# shift; a shift moves into the bias of the matrix that reads it. In [post-norm](glossary.ipynb) the
# norm's output itself is the stream, and the gain behind the norm gives it a mean again.

# %% [markdown]
# ## 7. The backward pass ★

# %% [markdown]
# Let $g = \partial\mathcal L/\partial y$ be the upstream gradient, `dy` in code, and take
# $\gamma = 1$: with a gain, $g \odot \gamma$ stands wherever $g$ does. With $r_\varepsilon =
# \sqrt{\operatorname{mean}(x^2) + \varepsilon}$ and $\hat x = x/r_\varepsilon$,
#
# $$dx = \frac1{r_\varepsilon}\left[g - \hat x \operatorname{mean}(g \odot \hat x)\right]
# \qquad\text{against layer norm's}\qquad
# dx = \frac1{\sigma_\varepsilon}\left[g - \operatorname{mean}(g) -
# \hat x \operatorname{mean}(g \odot \hat x)\right]$$
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
x_hat, g = x / r, dy * gamma
dx = (g - x_hat * (g * x_hat).mean(-1, keepdims=True)) / r
dgamma = (dy * x_hat).sum(0)  # (4, 12) -> (12,)

xt, gt = torch.tensor(x, requires_grad=True), torch.tensor(gamma, requires_grad=True)
F.rms_norm(xt, (12,), gt, eps).backward(torch.tensor(dy))
print(f"dx differs from autograd's by up to {np.abs(dx - xt.grad.numpy()).max():.0e}")
print(f"dγ differs from autograd's by up to {np.abs(dgamma - gt.grad.numpy()).max():.0e}")

# %% [markdown]
# The Jacobian's [rank](glossary.ipynb) is the number of directions that the gradient keeps.

# %%
quiz("rms-rank")

# %%
quiz("rms-gradient-laws")

# %%
from normlab.chapters.backward import layer_norm_jacobian, rms_norm_jacobian
from normlab.norms import layer_norm_backward, rms_norm_backward

token = x[0]
for name, jacobian, scale, backward in (
    ("LayerNorm", layer_norm_jacobian, token.std(), layer_norm_backward),
    ("RMSNorm", rms_norm_jacobian, np.sqrt((token**2).mean()), rms_norm_backward),
):
    values = scale * np.linalg.svd(jacobian(token, eps=0), compute_uv=False)  # (12,)
    dx = backward(dy, x, gamma, eps=0)[0]
    along_ones, along_x = np.abs(dx.sum(-1)).max(), np.abs((dx * x).sum(-1)).max()
    print(f"{name}: rank {(values > 1e-9).sum()} of 12; singular values × scale:")
    print("  ", (values + 1e-12).round(2))
    print(f"   |Σdx| up to {along_ones:.2f}, |⟨dx, x⟩| up to {along_x:.2f}")

# %% [markdown] tags=["answer"]
# All singular values above 0 are equal: $1/r$ for RMSNorm and $1/\sigma$ for layer norm. The cell
# multiplies them by $r$ and $\sigma$, so it prints 1.
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
# Of the norm's own operations RMSNorm spares 43 %, of a layer's 0.006 %. The paper's Transformer
# took 6.9 % less time, and on a CPU `F.rms_norm` takes about twice as long as `F.layer_norm`. None of
# the four is 15 to 20 %.
#
# Traffic to memory and the number of [kernels](glossary.ipynb) decide the time. `F.layer_norm` is one
# fused kernel: it reads $x$ once and writes $y$ once. `F.rms_norm` on a CPU is six operators, and each
# reads and writes whole arrays. On GPUs too it was several, until a fused kernel came (PyTorch issue
# 157345, "nn.rmsnorm is super slower than nn.layernorm", and pull request 153666). How long the two
# take on a GPU is **not measured here yet**; section 9 has the command.
#
# **Claim 25, "15–20% fewer": {{ ruling 25 }}.** No source has this figure.
#
# **Claim 26**, *"For very large models trained on large clusters, this translates to meaningful
# throughput improvements"*: **{{ ruling 26 }}.** The nearest evidence is the paper's Transformer.

# %% [markdown]
# ## 9. Every count, and the clock ★

# %% [markdown]
# Memory traffic, the paper's run times, and a race on your machine.

# %% [markdown]
# Each operation on its own, as in plain NumPy, reads whole arrays from memory and
# writes one back. A [fused kernel](glossary.ipynb) does all steps in one pass: it reads
# its inputs once and writes the result once.

# %%
quiz("fused-traffic")

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
# In float32 the fused layer norm does 7 operations for 8 bytes moved. An H100 can do 20 operations
# for each byte (NVIDIA's data sheet). By this count the kernel waits for memory, and saved operations
# save next to no time.

# %% [markdown]
# ### The paper's models

# %% tags=["answer"]
from normlab.chapters.rms_norm import RUN_TIMES, draw_run_times

fig, ax = new_figure()
draw_run_times(RUN_TIMES, ax, claimed=CLAIMED)

# %% [markdown] tags=["answer"]
# From 6.9 to 40.8 %: the saving is no constant, it belongs to each program. The recurrent models run
# a norm at each time step. The Transformer's figure is from a V100. The upper end of the abstract's
# "7 %–64 %" is pRMSNorm's.

# %% [markdown]
# ### Your machine
#
# In each library LayerNorm and RMSNorm take turns, in float32, on one thread. A bar is the median;
# its black line goes from the lower to the upper quartile. The time is what the processor worked
# for this program (on Windows, the time of day). "Copy x" is the least that memory allows. If the
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
# Beside it the stored race (`normlab remake norm_race`), and the operators that torch runs one after
# another:

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
# - NumPy and `normlab.torch_norms` run one operation after another. There RMSNorm took 0.5 to 0.7 of
#   LayerNorm's time.
# - `F.rms_norm` was **slower** than `F.layer_norm`, at each shape and in both directions: 2 to 5 times.
# - The copy is the floor. `F.layer_norm` forward took longer than it, so one CPU core is not bound
#   by memory alone: there the arithmetic counts as well.

# %% [markdown]
# ### A GPU

# %% tags=["timing", "answer"]
from normlab.chapters.rms_norm import draw_gpu_races

gpu = load_norm_races("cuda")[::2]  # forward and backward at the first of two shapes
if torch.cuda.is_available():
    gpu = [race_norms(8192, 4096, way, device="cuda") for way in ("forward", "backward")]
fig, axes = new_figure(columns=2, width=10.0, height=2.4)
draw_gpu_races(gpu, axes)

# %% [markdown] tags=["answer"]
# No race on a GPU is stored yet. If you have a GPU, this cell has just used it, and
# `normlab remake norm_race --device cuda` fills the gap here and in section 8. The count of the
# traffic predicts no difference where both norms are one fused kernel.

# %% [markdown]
# ## 10. Details that break ported weights ★

# %% [markdown]
# ### The default ε
#
# The seed's own class has $\varepsilon = 10^{-6}$ and is offered as the same thing as
# `nn.RMSNorm(512)`. There the default is `eps=None`: the spacing of float32 at 1, $1.19 \cdot
# 10^{-7}$.

# %%
your_mark(37)

# %%
quiz("eps-none")

# %%
from torch import nn

signs = torch.tensor([1.0, -1.0]).repeat(256)  # (512,), every entry of size 1
rows = []
for size in (1.0, 0.1, 0.01, 0.001, 0.0001):
    outputs = [
        norm(size * signs).abs().mean() for norm in (nn.RMSNorm(512), nn.RMSNorm(512, eps=1e-6))
    ]
    rows.append([size, *(f"{y:.3f}" for y in outputs)])
print(Table(("size of the input", "output, eps=None", "output, eps=1e-6"), rows))

# %% [markdown] tags=["answer"]
# At size 0.001 it is 0.945 against 0.707: there $x^2 = 10^{-6}$ is as large as $\varepsilon$. At
# size 1 three digits are the same. **Claim 38, "Custom RMSNorm for older PyTorch": {{ ruling 38 }}.**

# %% [markdown]
# ### The gain: $w$ or $1 + w$
#
# LLaMA stores the gain $w$, starting at 1. Gemma stores $w$ and multiplies by $1 + w$, starting
# at 0. Between the two, subtract or add 1. With Gemma's numbers as they are, the norms of LLaMA's
# code put out almost 0.

# %%
quiz("gain-round-trip")

# %%
from normlab.chapters.rms_norm import draw_stored_gains, stored_gains

gains = stored_gains()  # 100 000 of them
fig, axes = new_figure(columns=2, width=9.0, height=2.6)
draw_stored_gains(gains, axes)
print("different gains as Gemma's: about", round(len(np.unique(gains.gemma)), -2))
print("the same gains as LLaMA's: ", len(np.unique(gains.llama)))

w = torch.from_numpy(gains.gemma - 1).bfloat16()  # as Gemma stores them
there = torch.from_numpy(gains.llama).bfloat16()  # as LLaMA does
print(f"Gemma → LLaMA → Gemma: {100 * (there - 1 != w).float().mean():.0f} % changed")
back = (there - 1) + 1
print(f"LLaMA → Gemma → LLaMA: {100 * (back != there).float().mean():.0f} % changed")

# %% [markdown] tags=["answer"]
# LLaMA's gains go over to Gemma's form exactly. The other way almost all are rounded: about 2700
# different gains become 35. So $1 + w$ stored as $w$ keeps small departures from 1.

# %% [markdown]
# Now train both forms with [weight decay](07_training_and_warmup.ipynb).

# %%
quiz("decayed-gain")

# %%
stored = {"LLaMA": nn.Parameter(torch.ones(4)), "Gemma": nn.Parameter(torch.zeros(4))}
optimizer = torch.optim.AdamW(stored.values(), lr=0.01, weight_decay=0.1)
for _ in range(3000):
    for w in stored.values():
        w.grad = torch.zeros(4)  # the data say nothing
    optimizer.step()
print(f"LLaMA's gain, w:     {stored['LLaMA'][0]:.2f}")
print(f"Gemma's gain, 1 + w: {1 + stored['Gemma'][0]:.2f}")

# %% [markdown]
# One more difference is the order of cast and gain in half precision:
# [chapter 03](03_numerics.ipynb) measures it.

# %% [markdown]
# ## 11. Who uses it
#
# The seed: *"Used in: LLaMA (all versions), Mistral, Gemma, Falcon"*.

# %%
quiz("who-uses-it")

# %%
from normlab import Table
from normlab.chapters.norms_in_the_wild import find_model
from normlab.chapters.rms_norm import COMPARED_MODELS

models = [find_model(name) for name in COMPARED_MODELS]
Table(
    ("model", "year", "norm", "parameters", "ε by default", "released with"),
    [
        [m.name, m.year, m.norm, m.affine, m.shown_eps, m.note if "released" in m.note else ""]
        for m in models
    ],
)

# %% [markdown] tags=["answer"]
# - **Claim 27: {{ ruling 27 }}.**
# - **Claim 28**, *"essentially all modern decoder-only LLMs after 2023"*: **{{ ruling 28 }}.**
#   Command R, StarCoder2 and OLMo, all of 2024, use LayerNorm. And RMSNorm in large models did not
#   begin with LLaMA: T5's "simplified" layer norm of 2019, rescaled and without a bias, is RMSNorm.
# - OLMo 2 went from LayerNorm without parameters to RMSNorm; Command R dropped only the shift. The
#   two steps "no mean" and "no β" are separate.
# - The default ε is that of Hugging Face's `transformers`. Some weights were released with another:
#   the last column.

# %% [markdown]
# [Chapter 11](11_norms_in_the_wild.ipynb) has the full table.

# %% [markdown]
# ## The exercise
#
# Write RMSNorm in NumPy, forward and backward, and as a PyTorch module:
# [exercise 03](../exercises/03_rms_norm.ipynb).

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - $\text{LN} = \text{RMSNorm} \circ \text{centering}$. RMSNorm's definition drops the mean;
#   dropping β is custom.
# - The angle between the outputs is $\arctan(|\text{mean}|/\text{std})$: 0° at mean 0, 45° at 1,
#   79° at 5.
# - Centering removes $1/D$ of a random vector's squared length (0.0013 at $D = 768$), and $1/\pi$
#   after a ReLU. The norms of two small trained transformers read shares of 0.004 to 0.021, about
#   $1/D$.
# - LayerNorm and RMSNorm differ in one column of the invariance table: adding $\mathbf 1 w^\top$
#   to $W$.
# - The Jacobian's rank is $D - 1$, against $D - 2$; $\langle dx, x\rangle = 0$.
# - Operations 7 → 4; elements moved by a fused kernel 2 → 2; 0.006 % of a layer's operations at
#   $D = 4096$. "15–20 %" has no source.
# - The paper's run times fall by 6.9 % (Transformer) to 40.8 %. `F.rms_norm` on a CPU is six
#   operators and slower than `F.layer_norm`'s one.
# - Ported weights: `eps=None` is $1.19\cdot10^{-7}$ in float32; LLaMA's $w$ is Gemma's $1 + w$; Falcon
#   7B–180B is LayerNorm.

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
