# %% [markdown]
# # 04 · RMSNorm: what it drops, what it costs, who uses it
#
# ## What you will be able to do
#
# - Say what RMSNorm drops from layer norm, and when the two are equal.
# - Compute how far apart their outputs are, from one number: the mean in units of the standard
#   deviation.
# - Decide for five norms and six changes of weights or data what stays the same, and prove it by
#   running it.
# - Count the operations and the bytes of both norms, and judge the claim "15–20 % fewer
#   floating-point operations".
# - Name models that use RMSNorm and models that do not, and carry gains and $\varepsilon$ over
#   between them without a slip.
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
# RMSNorm keeps every ratio between features too; it only makes the mean square one. The third line
# equals the first: **layer norm is RMSNorm after centering**. It is so for all 1000 tokens, with
# $\varepsilon$ too. So the two are equal exactly when $\operatorname{mean}(x) = 0$.

# %%
from normlab.claims import your_mark

your_mark(22)

# %% [markdown]
# **And the shift β?** **Claim 22: {{ ruling 22 }}.** Zhang & Sennrich's Eq. 4 drops the mean; their
# Eq. 5 still adds a bias $b$ after the gain. The models since LLaMA, and PyTorch's `nn.RMSNorm`, drop
# the shift as well.

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
# length of $x$. How much is that for random vectors?

# %%
your_mark(23, 24)

# %%
quiz("mean-share")

# %%
quiz("relu-share")

# %%
from normlab.chapters.rms_norm import draw_mean_shares, sweep_mean_share
from normlab.pictures import new_figure

fig, ax = new_figure()
draw_mean_shares(sweep_mean_share([16, 64, 256, 1024, 4096]), ax)

# %% [markdown] tags=["answer"]
# A share of $1/D$ is an angle of 2° at $D = 768$; a share of $1/\pi$ is 34°. So it matters *where*
# the norm stands. In a [pre-norm](glossary.ipynb) transformer it reads the
# [residual stream](glossary.ipynb), not the output of a ReLU.
#
# These are random vectors. For trained models: Gupta et al. report that the hidden vectors of
# language models have, on average, no component along the all-ones vector, whether they were
# trained with LayerNorm or with RMSNorm.
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
# $\lVert\text{after} - \text{before}\rVert / \lVert\text{before}\rVert$ over the whole batch. The
# table is Zhang & Sennrich's Table 1, cell for cell.

# %% [markdown]
# ## 5. The reason of each column ★

# %% [markdown]
# Choose a norm and a change. On the left is $Wx$, on the right the norm's output: after against
# before, so that whatever did not change lies on the diagonal. Try *weight vector re-scaling*
# with LayerNorm and then with BatchNorm and watch output 0. Try *single case re-scaling* with
# BatchNorm and watch case 1, which nobody touched.

# %% tags=["answer"]
from normlab.chapters.rms_norm import explore_invariance

explore_invariance()

# %% [markdown] tags=["answer"]
# - **Matrix re-scaling** multiplies all of $a$ by 2.5. Every norm divides by something that grows
#   as much.
# - **Matrix re-centering** adds $w^\top x$ to every feature of a case: one constant per case.
#   Only LayerNorm subtracts it. This is what RMSNorm gives up.
# - **Row re-scaling** stretches one feature. BatchNorm and WeightNorm have a divisor for each
#   feature; LayerNorm and the RMSNorms have one for all of them.
# - **Dataset re-scaling** multiplies $a$ by 2.5, as in the first column. WeightNorm divides by
#   the length of the *weights*, which did not grow.
# - **Dataset re-centering** adds $Wb$ to every case: another constant for each *feature*.
#   BatchNorm subtracts it; LayerNorm cannot, as the entries of $Wb$ differ.
# - **One case re-scaled**: LayerNorm and the RMSNorms look at that case alone. BatchNorm's
#   statistics move, and with them all other cases.

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
# Layer norm *by itself* is invariant to a constant added to its input. The ✗ of "dataset
# re-centering" is about $W(x + b)$.

# %% [markdown]
# ## 6. A network with centered weights ★

# %% [markdown]
# In a pre-norm network each [branch](glossary.ipynb) adds a vector to the residual stream, and the
# norms read the stream. Below, a branch is $B\,\text{relu}(A\,\text{norm}(x))$, with one row of
# $B$ for each feature that it writes. The mean over these features does not matter to layer norm.
# Take it out of the weights: subtract from each *column* of $B$ its mean (Jiang et al. 2023).

# %%
quiz("centered-weights")


# %%
def network(norm, start, weights):
    """Pre-norm: x ← x + B relu(A norm(x)) for each (A, B), and a final norm."""
    x = start
    for a, b in weights:
        x = x + np.maximum(norm(x) @ a.T, 0) @ b.T  # (N, 64) @ (64, 128), then @ (128, 64)
    return norm(x)


rng = np.random.default_rng(2)
start = rng.standard_normal((32, 64))
weights = [
    (rng.standard_normal((128, 64)) / 8, rng.standard_normal((64, 128)) / 11) for _ in range(6)
]
column_centered = [(a, b - b.mean(0)) for a, b in weights]  # (64, 128) - (128,)
for mean in (0.0, 1.0):
    x0 = start + mean
    with_layer_norm = network(layer_norm, x0, weights)
    for name, x, chosen in (
        ("same weights", x0, weights),
        ("centered weights", x0 - x0.mean(-1, keepdims=True), column_centered),
    ):
        other = network(lambda x: rms_norm(x, eps=1e-5), x, chosen)
        error = np.linalg.norm(other - with_layer_norm) / np.linalg.norm(with_layer_norm)
        print(f"start of mean {mean:g}, RMSNorm, {name:17} differs by {100 * error:.4f} %")

# %% [markdown] tags=["answer"]
# With the weights as they are, the networks differ by 15 %, though the start has features of mean
# 0: the branches write a mean. A start of mean 1 makes it 69 %. Centering is
# $B \to B - \mathbf 1 w^\top$, the matrix re-centering of section 4: the change that layer norm
# does not notice.
#
# So in a pre-norm network the mean is something that the weights can take care of. This holds for
# the norm without its shift; a shift moves into the bias of the matrix that reads it. In
# [post-norm](glossary.ipynb) the norm's output itself is the stream, and the gain that stands
# behind the norm gives it a mean again.

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
# One term less: the one that came from the mean. The next cell checks the formula, with a gain,
# against autograd.

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
# How many directions does the gradient lose? The Jacobian's [rank](glossary.ipynb) is how many it
# keeps.

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
# multiplies by $r$ and $\sigma$, so it prints 1.
#
# Layer norm passes both laws: its $dx$ is orthogonal to $x - \mu$ and to $\mathbf 1$, hence to
# $x$. RMSNorm's $dx$ is orthogonal to $x$ alone.

# %% [markdown]
# ## 8. What it costs
#
# Count the operations. What is done once a row, such as the root, is left out.

# %%
your_mark(25, 26)

# %%
quiz("rms-operations")

# %% [markdown]
# Each operation on its own, as in plain NumPy, reads whole arrays from memory and writes one back.
# A [fused kernel](glossary.ipynb) does all steps in one pass: it reads its inputs once and writes
# the result once.

# %%
quiz("fused-traffic")

# %%
from normlab.chapters.rms_norm import OPERATIONS, draw_costs, norm_cost

for norm in ("LayerNorm", "RMSNorm"):
    print(f"{norm} forward:", "; ".join(op.formula for op in OPERATIONS[norm, "forward"]))
fig, axes = new_figure(columns=3, width=9.0)
draw_costs([norm_cost(*key) for key in OPERATIONS], axes)

# %% [markdown] tags=["answer"]
# The seed text names the three: *"(no mean accumulation pass, no subtraction, no β)"*. One
# operation at a time, layer norm moves 12 elements for each element and RMSNorm 7. In a fused
# kernel it is 2 against 2: **RMSNorm spares no memory traffic there.**
#
# In float32 the fused layer norm does 7 operations for 8 bytes moved. An H100 can do 20 operations
# for each byte (NVIDIA's data sheet). There the kernel waits for memory, and saved operations save
# next to no time.

# %% [markdown]
# ### The share in a transformer layer

# %%
quiz("share-of-a-layer")

# %%
from normlab.chapters.rms_norm import layer_share

for width in (768, 4096, 16384):
    share = layer_share(width)
    norms = [100 * n / share.matrices for n in (share.layer_norms, share.rms_norms)]
    print(f"D = {width:5}: LayerNorms {norms[0]:.4f} %, RMSNorms {norms[1]:.4f} %")

# %% [markdown] tags=["answer"]
# The scores of attention come on top and make the share smaller still. **RMSNorm saves 0.006 % of
# the operations** of a layer of width 4096.

# %% [markdown]
# ### On the clock

# %%
quiz("norms-on-a-cpu")

# %%
import torch
import torch.nn.functional as F

from normlab.chapters.rms_norm import torch_operators

x, weight, bias = torch.randn(8, 16, requires_grad=True), torch.ones(16), torch.zeros(16)
print("F.layer_norm:", torch_operators(lambda: F.layer_norm(x, (16,), weight, bias)))
print("F.rms_norm:  ", torch_operators(lambda: F.rms_norm(x, (16,), weight, 1e-5)))

# %% [markdown] tags=["answer"]
# `F.rms_norm` was several operators on GPUs too until a fused kernel came (PyTorch issue 157345,
# "nn.rmsnorm is super slower than nn.layernorm", and pull request 153666).
#
# **Claim 25, "15–20% fewer": {{ ruling 25 }}.** No source has this figure. Within the norm RMSNorm
# spares 43 % of the operations forward and 31 % backward; within a layer of width 4096 it is
# 0.006 %. Neither number is the run time: RMSNorm is faster where each operation runs alone, has
# little to gain where both norms are fused, and is slower where only LayerNorm is fused.
#
# **Claim 26: {{ ruling 26 }}.** The nearest evidence is one Transformer of the paper (section 9).

# %% [markdown]
# ## 9. Run times: the paper's, and yours ★

# %% [markdown]
# The paper counts no operations. It times whole models.

# %%
quiz("paper-run-time")

# %%
from normlab.chapters.rms_norm import RUN_TIMES, draw_run_times

fig, ax = new_figure()
draw_run_times(RUN_TIMES, ax, claimed=(0.15, 0.20))

# %% [markdown] tags=["answer"]
# From 6.9 to 40.8 %: no constant, but a property of each program. The recurrent models run a norm
# at each time step. The Transformer's figure is from a V100. The abstract's "7 %–64 %" has its
# upper end from pRMSNorm.

# %% [markdown]
# Now your machine. Each library against itself: LayerNorm and RMSNorm take turns, float32, one
# thread, medians. "Copy x" is the least that memory allows.

# %% tags=["timing", "answer"]
from normlab.chapters.rms_norm import draw_norm_times, race_norms

forward = [race_norms(2048, 768, "forward"), race_norms(64, 16384, "forward")]
fig, axes = new_figure(columns=2, width=10.0, height=3.0)
for data, ax in zip(forward, axes, strict=True):
    draw_norm_times(data, ax)
    print(data.table(), "\n")

# %% tags=["timing", "answer"]
backward = [race_norms(2048, 768, "backward"), race_norms(64, 16384, "backward")]
fig, axes = new_figure(columns=2, width=10.0, height=2.6)
for data, ax in zip(backward, axes, strict=True):
    draw_norm_times(data, ax)
    print(data.table(), "\n")

# %% [markdown] tags=["answer"]
# Compare your last column with what a machine with 2 CPU cores and torch 2.13, partly busy with
# other programs, gave over a dozen runs. Single figures jump; run the cells again and see which
# stay.
#
# - NumPy and `normlab.torch_norms` run one operation after another: RMSNorm took 0.3 to 0.9 of
#   LayerNorm's time, forward and backward.
# - `F.rms_norm` was **slower** than `F.layer_norm`: 1.1 to 4 times its time forward, 2 to 9 times
#   backward.
# - The copy is the floor. `F.layer_norm` forward took 1 to 7 times as long, so one CPU core is
#   not always bound by memory: there the arithmetic counts as well.

# %% [markdown]
# On a GPU, if you have one:

# %% tags=["timing", "answer"]
if torch.cuda.is_available():
    for direction in ("forward", "backward"):
        print(race_norms(8192, 4096, direction, device="cuda").table(), "\n")
else:
    print("No CUDA device here, so nothing is measured on a GPU.")

# %% [markdown]
# ## 10. Details that break ported weights ★

# %% [markdown]
# ### The default ε
# The seed's own class has $\varepsilon = 10^{-6}$ and is offered as the same thing as
# `nn.RMSNorm(512)`. The default of that is `eps=None`: the spacing of float32 at 1, $1.19 \cdot
# 10^{-7}$.

# %%
your_mark(37)

# %%
quiz("eps-none")

# %%
from torch import nn

from normlab import Table

signs = torch.tensor([1.0, -1.0]).repeat(256)  # (512,), every entry of size 1
rows = []
for size in (1.0, 0.1, 0.01, 0.001, 0.0001):
    outputs = [
        norm(size * signs).abs().mean() for norm in (nn.RMSNorm(512), nn.RMSNorm(512, eps=1e-6))
    ]
    rows.append([size, *(f"{y:.3f}" for y in outputs)])
print(Table(("size of the input", "output, eps=None", "output, eps=1e-6"), rows))

# %% [markdown] tags=["answer"]
# At 0.001, 0.945 against 0.707: there $x^2 = 10^{-6}$ is as large as $\varepsilon$. For inputs of
# size 1 nobody will notice. **Claim 38, "Custom RMSNorm for older PyTorch": {{ ruling 38 }}.**

# %% [markdown]
# ### The gain: $w$ or $1 + w$
# LLaMA stores the gain $w$, starting at 1. Gemma stores $w$ and multiplies by $1 + w$, starting
# at 0. To carry weights over, subtract or add 1. Without that, LLaMA's code with Gemma's numbers
# is a network whose norms put out almost 0.

# %%
quiz("gain-round-trip")

# %%
torch.manual_seed(0)
gemma_w = (0.02 * torch.randn(100_000)).bfloat16()
llama_w = (1 + 0.02 * torch.randn(100_000)).bfloat16()


def lost(there_and_back, stored):
    return 100 * (there_and_back != stored).float().mean().item()


print(f"LLaMA → Gemma → LLaMA: {lost((llama_w - 1) + 1, llama_w):.0f} % of the gains changed")
print(f"Gemma → LLaMA → Gemma: {lost((gemma_w + 1) - 1, gemma_w):.0f} % of the gains changed")
distinct = torch.unique(1 + gemma_w.float()).numel()
print("different gains among Gemma's 100 000: about", round(distinct, -2))
print("the same gains stored as LLaMA's:     ", torch.unique(1 + gemma_w).numel())

# %% [markdown] tags=["answer"]
# LLaMA's gains go over to Gemma's form exactly; the other way almost all are rounded, and about
# 2700 different gains become 35. So $1 + w$ stored as $w$ keeps small departures from 1.

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
    ("model", "year", "norm", "parameters", "ε"),
    [[m.name, m.year, m.norm, m.affine, m.shown_eps] for m in models],
)

# %% [markdown] tags=["answer"]
# - **Claim 27: {{ ruling 27 }}.**
# - **Claim 28**, *"essentially all modern decoder-only LLMs after 2023"*: **{{ ruling 28 }}.**
#   Command R, StarCoder2 and OLMo, all of 2024, use LayerNorm. And RMSNorm in large models did not
#   begin with LLaMA: T5's "simplified" layer norm of 2019, rescaled and without a bias, is RMSNorm.
# - OLMo went from LayerNorm without parameters to RMSNorm, Command R dropped only the shift. The
#   two steps "no mean" and "no β" are separate.
# - ε is the default in Hugging Face's `transformers`. Some weights came with another: Llama 2 and 3
#   and Mistral 7B with $10^{-5}$, OLMo 2 with $10^{-6}$.

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
#   after a ReLU.
# - LayerNorm and RMSNorm differ in one column of the invariance table: adding $\mathbf 1 w^\top$
#   to $W$.
# - The Jacobian's rank is $D - 1$, against $D - 2$; $\langle dx, x\rangle = 0$.
# - Operations 7 → 4; elements moved by a fused kernel 2 → 2; 0.006 % of a layer's operations at
#   $D = 4096$. "15–20 %" has no source.
# - `F.rms_norm` on a CPU is six operators and slower than `F.layer_norm`'s one. The paper's run
#   times fall by 6.9 % (Transformer) to 40.8 %.
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
# - Gupta et al. 2024, *Geometric Interpretation of Layer Normalization and a Comparative Analysis
#   with RMSNorm*, arXiv:2409.12951.
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
