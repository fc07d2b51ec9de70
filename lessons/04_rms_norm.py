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

# %% [markdown]
# (b). RMSNorm keeps every sign and every ratio between features; it only makes the mean square
# one. The third line equals the first: **layer norm is RMSNorm after centering**. Is that so for
# every input?

# %%
tokens = np.random.default_rng(0).normal(loc=2.0, size=(1000, 64))
centered = tokens - tokens.mean(-1, keepdims=True)  # (1000, 64) - (1000, 1)
gap = np.abs(layer_norm(tokens, eps=1e-5) - rms_norm(centered, eps=1e-5)).max()
print("LN(x) = RMSNorm(x − mean) for 1000 tokens, to 1e-12:", gap < 1e-12)

# %% [markdown]
# It is, with $\varepsilon$ too. So the two are equal exactly when $\operatorname{mean}(x) = 0$.
#
# **And the shift β?** The seed text says: *"What is removed: the mean subtraction and the bias
# parameter."* Half of it is the paper's. Zhang & Sennrich's Eq. 4 drops the mean; their Eq. 5
# still adds a bias $b$ after the gain. The models since LLaMA, and PyTorch's module, drop the
# shift as well:

# %%
from torch import nn

print("nn.LayerNorm holds:", list(nn.LayerNorm(4).state_dict()))
print("nn.RMSNorm holds:  ", list(nn.RMSNorm(4).state_dict()))

# %% [markdown]
# **Verdict: imprecise.** Dropping the mean is RMSNorm's definition. Dropping the shift is today's
# custom.

# %% [markdown]
# ## 2. How far apart are they?
#
# **Predict.** A token's mean is as large as its standard deviation. What is the angle between
# $\text{LN}(x)$ and $\text{RMS}(x)$? (a) under 10° (b) 45° (c) 80°
#
# Then move the slider. Look for three things: which of the two outputs stands still, where the
# angle is 0, and what happens to RMSNorm's output when the mean is five standard deviations.

# %%
from normlab.chapters.rms_norm import explore_offset_token

explore_offset_token()

# %% [markdown]
# LayerNorm's output stands still: the added constant is subtracted again. RMSNorm's output turns
# towards the vector in which all features are equal, and the differences between features shrink:
# at a mean of 5 the largest part of its length says only "the mean is positive".
#
# The angle is known without computing either norm. Both outputs have length $\sqrt D$; one points
# along $x - \mu$, the other along $x$, and these two, with $\mu$, make a right-angled triangle:
#
# $$\tan(\text{angle}) = \frac{|\text{mean}|}{\text{standard deviation}}$$

# %%
from normlab import Table
from normlab.chapters.rms_norm import offset_token

token = offset_token(features=16)
rows = [[m, token.angle(m), float(np.degrees(np.arctan(m)))] for m in (0.1, 0.5, 1.0, 2.0, 5.0)]
print(Table(("mean / std", "angle, measured (°)", "arctan (°)"), rows))

# %% [markdown]
# The answer is (b), 45°.
#
# ## 3. How large is the mean in practice?
#
# Centering removes the part $\operatorname{mean}(x)^2 / \operatorname{mean}(x^2)$ of the squared
# length of $x$.
#
# **Predict.** Of a vector of $D = 768$ independent features, about how much is that? (a) a half
# (b) a tenth (c) a thousandth. And after a ReLU?

# %%
from normlab.chapters.rms_norm import mean_share

stream = np.random.default_rng(1).standard_normal(
    (4096, 768)
)  # like a residual stream at the start
for name, x in {"stream": stream, "after ReLU": np.maximum(stream, 0)}.items():
    cosine = (layer_norm(x, eps=0) * rms_norm(x, eps=0)).mean(
        -1
    )  # (N, D) -> (N,): both of length √D
    print(
        f"{name:11} share {mean_share(x).mean():.5f}   cosine of LN and RMSNorm {cosine.mean():.4f}"
    )
print(f"1/D         share {1 / 768:.5f}   1/π {1 / np.pi:.5f}")

# %%
from normlab.chapters.rms_norm import draw_mean_shares, sweep_mean_share
from normlab.pictures import new_figure

shares = sweep_mean_share([16, 64, 256, 1024, 4096])
fig, ax = new_figure()
draw_mean_shares(shares, ax)
shares.table()

# %% [markdown]
# (c): for normal vectors exactly $1/D$ on average, as one direction of $D$ is removed. The two
# outputs then differ by about 2°. After a ReLU it is $1/\pi$, a third, at any width. So the size
# of the mean is no law: it depends on *where* the norm stands. In a pre-norm transformer it reads
# the residual stream, not the output of a ReLU.
#
# These are random vectors. For trained models: Gupta et al. report that the hidden vectors of
# language models have, on average, no component along the all-ones vector, whether they were
# trained with LayerNorm or with RMSNorm.
#
# ### What the seed says
# *"the centering step in LayerNorm accounts for only a small fraction of its representational
# value"*: **imprecise.** The authors of RMSNorm *hypothesize* (their word) that re-centering can
# be spared; their experiments agree with it. Nobody measured a "representational value".
#
# *"Removing it is an approximation, but one that holds well in practice for language models"*:
# **imprecise.** It is exact at mean 0 and 79° off at a mean of five standard deviations. The
# paper tested translation, reading comprehension, image–text retrieval and CIFAR-10, and no
# language model. That language models train well with it was shown by those who used it, of whom
# section 8 names some.
#
# ### In a pre-norm network nothing need be lost
# If every vector that is *written* to the residual stream has mean 0, the stream has mean 0, and
# RMSNorm equals layer norm. A matrix writes vectors of mean 0 if its rows are centered, and that
# can be done to the weights once (Jiang et al. 2023).
#
# **Predict.** Below, how far is the RMSNorm network with centered weights from the layer norm
# network: (a) a few per cent (b) rounding noise?


# %%
def network(norm, start, weights):
    """Pre-norm: x ← x + relu(norm(x) A) B for each (A, B), and a final norm."""
    x = start
    for a, b in weights:
        x = x + np.maximum(norm(x) @ a, 0) @ b  # (N, D) @ (D, H), then (N, H) @ (H, D)
    return norm(x)


def center(rows):
    return rows - rows.mean(-1, keepdims=True)  # each row (D,) gets mean 0


rng = np.random.default_rng(2)
start = rng.standard_normal((32, 64)) + 1.0
weights = [
    (rng.standard_normal((64, 128)) / 8, rng.standard_normal((128, 64)) / 11) for _ in range(6)
]
with_layer_norm = network(layer_norm, start, weights)
for name, x0, chosen in (
    ("same weights", start, weights),
    ("centered weights", center(start), [(a, center(b)) for a, b in weights]),
):
    other = network(lambda x: rms_norm(x, eps=1e-5), x0, chosen)
    error = np.linalg.norm(other - with_layer_norm) / np.linalg.norm(with_layer_norm)
    print(
        f"RMSNorm, {name:17}",
        f"differs by {100 * error:.0f} %" if error > 1e-9 else "equal, to 1e-9",
    )

# %% [markdown]
# (b). In a pre-norm network the mean is something that the weights can take care of. This holds
# for the norm without its shift; a shift moves into the bias of the matrix that reads it. In
# post-norm the norm's output itself is the stream, and the gain that stands behind the norm gives
# it a mean again.
#
# ## 4. What stays the same: the paper's table
#
# A norm stands behind a matrix: it sees $a = Wx$. Change the weights or the data; does
# $\text{norm}(Wx)$ change?
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
#
# **Predict.** Write down RMSNorm's row, six times ✓ or ✗. LayerNorm's row differs from it in one
# place.

# %%
quiz("invariance-row")

# %%
from normlab.chapters.rms_norm import draw_invariance_table, invariance_table

computed = invariance_table()
fig, ax = new_figure(width=8.5, height=3.4)
draw_invariance_table(computed, ax)
computed.table()

# %% [markdown]
# All 30 cells are computed: the change is applied, and $\lVert\text{after} - \text{before}\rVert
# / \lVert\text{before}\rVert$ over the whole batch is measured, in float64 with $\varepsilon =
# 0$. Below $10^{-6}$ counts as ✓. No cell is near that line:

# %%
print("largest change with ✓ is below 1e-12:", computed.changes("✓")[-1] < 1e-12)
print(f"smallest change with ✗: {computed.changes('✗')[0]:.2f}")
print("cells:", len(computed.changes("✓")), "✓ and", len(computed.changes("✗")), "✗")

# %% [markdown]
# The table is Zhang & Sennrich's Table 1, cell for cell. LayerNorm and RMSNorm differ in one
# place, weight matrix re-centering.
#
# Choose a norm and a change. On the left is $Wx$, on the right the norm's output: after against
# before, so that whatever did not change lies on the diagonal. Try *weight vector re-scaling*
# with LayerNorm and then with BatchNorm and watch output 0. Try *single case re-scaling* with
# BatchNorm and watch case 1, which nobody touched.

# %%
from normlab.chapters.rms_norm import explore_invariance

explore_invariance()

# %% [markdown]
# The reason of each column:
#
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
#
# A trap: layer norm *by itself* is invariant to a constant added to its input. The ✗ of "dataset
# re-centering" is about $W(x + b)$.

# %%
layer = computed.layer
a = layer.summed_inputs()  # (16, 64)
moved = (layer.cases + 5.0) @ layer.weight.T
print("LN(a + 5) = LN(a):         ", np.allclose(layer_norm(a + 5.0), layer_norm(a)))
print("LN(W(x + 5)) = LN(W x):    ", np.allclose(layer_norm(moved), layer_norm(a)))
print("RMSNorm(a + 5) = RMSNorm(a):", np.allclose(rms_norm(a + 5.0), rms_norm(a)))

# %% [markdown]
# ## 5. The backward pass
#
# With $u = dy \odot \gamma$ and $\hat x = x/r$, $r = \sqrt{\operatorname{mean}(x^2) +
# \varepsilon}$:
#
# $$dx = \frac1r\left[u - \hat x \operatorname{mean}(u \odot \hat x)\right]
# \qquad\text{against layer norm's}\qquad
# dx = \frac1\sigma\left[u - \operatorname{mean}(u) -
# \hat x \operatorname{mean}(u \odot \hat x)\right]$$
#
# One term less: the one that came from the mean.
#
# **Predict.** Layer norm's Jacobian has rank $D - 2$ (chapter 02). What is RMSNorm's? (a) $D$ (b)
# $D - 1$ (c) $D - 2$

# %%
import torch
import torch.nn.functional as F

rng = np.random.default_rng(3)
x, dy = rng.standard_normal((2, 4, 12)) + 0.5
gamma = rng.standard_normal(12)
eps = 1e-6

r = np.sqrt((x**2).mean(-1, keepdims=True) + eps)  # (4, 12) -> (4, 1)
x_hat, u = x / r, dy * gamma
dx = (u - x_hat * (u * x_hat).mean(-1, keepdims=True)) / r
dgamma = (dy * x_hat).sum(0)  # (4, 12) -> (12,)

xt, gt = torch.tensor(x, requires_grad=True), torch.tensor(gamma, requires_grad=True)
F.rms_norm(xt, (12,), gt, eps).backward(torch.tensor(dy))
print("dx equals autograd's, to 1e-12:", np.abs(dx - xt.grad.numpy()).max() < 1e-12)
print("dγ equals autograd's, to 1e-12:", np.abs(dgamma - gt.grad.numpy()).max() < 1e-12)

# %%
from normlab.chapters.backward import layer_norm_jacobian, rms_norm_jacobian

token, rows = x[0], []
for name, jacobian, scale in (
    ("LayerNorm", layer_norm_jacobian, token.std()),
    ("RMSNorm", rms_norm_jacobian, np.sqrt((token**2).mean())),
):
    values = scale * np.linalg.svd(jacobian(token, eps=0), compute_uv=False)  # (12,)
    passed = values[values > 1e-9]
    rows.append([name, len(passed), f"{passed.max():.6f}", f"{passed.min():.6f}"])
columns = ("largest singular value × scale", "smallest above 0 × scale")
Table(("Jacobian of", "rank at D = 12", *columns), rows)

# %% [markdown]
# (b). RMSNorm is blind to one direction: the length of $x$. Layer norm is blind to two: the
# length, and the mean. All other singular values are equal: $1/r$ for RMSNorm and $1/\sigma$ for
# layer norm, the scales of the table.
#
# So at $\varepsilon = 0$ the gradient $dx$ is orthogonal to $x$, and layer norm's is orthogonal
# to the all-ones vector as well:

# %%
from normlab.norms import layer_norm_backward, rms_norm_backward

for name, dx in {
    "LayerNorm": layer_norm_backward(dy, x, gamma, eps=0)[0],
    "RMSNorm": rms_norm_backward(dy, x, gamma, eps=0)[0],
}.items():
    along_ones, along_x = np.abs(dx.sum(-1)), np.abs((dx * x).sum(-1))  # (4, 12) -> (4,)
    zero_sum, orthogonal = along_ones.max() < 1e-12, along_x.max() < 1e-12
    print(f"{name:10} Σdx = 0: {zero_sum!s:6} ⟨dx, x⟩ = 0: {orthogonal}")

# %% [markdown]
# Layer norm passes both: its $dx$ is orthogonal to $x - \mu$ and to $\mathbf 1$, hence to $x$.
# RMSNorm passes the second alone.
#
# ## 6. What it costs
#
# ### 6.1 Counting
# **Predict.** Per element, how many additions and multiplications does RMSNorm need where layer
# norm needs 7? And how many bytes does it spare when each is written as *one* kernel?

# %%
from normlab.chapters.rms_norm import OPERATIONS

for norm in ("LayerNorm", "RMSNorm"):
    operations = OPERATIONS[norm, "forward"]
    print(f"{norm} forward, {len(operations)} operations per element:")
    for op in operations:
        print(f"   {op.formula:16} reads {op.reads}, writes {op.writes}")

# %%
from normlab.chapters.rms_norm import cost_table, draw_costs, norm_cost

costs = [norm_cost(*key) for key in OPERATIONS]
fig, axes = new_figure(columns=3, width=9.0)
draw_costs(costs, axes)
print(cost_table(), "\n")
for direction in ("forward", "backward"):
    layer, rms = (norm_cost(norm, direction).flops for norm in ("LayerNorm", "RMSNorm"))
    print(f"{direction}: {layer} → {rms} operations, {100 * (1 - rms / layer):.0f} % fewer")

# %% [markdown]
# The sums come from the list above (and from a like list for the backward pass; it is in
# `normlab/chapters/rms_norm/cost.py`). What is done once a row, such as the root, is left out.
#
# - **Operations**: 7 against 4 forward, 13 against 9 backward.
# - **One operation at a time** (plain NumPy, plain torch): each reads and writes whole arrays; 12
#   elements moved against 7.
# - **One fused kernel** reads $x$ and writes $y$: 2 against 2. **RMSNorm spares no memory traffic
#   there.** Backward, 3 against 3.
#
# In float32 the fused layer norm does 7 operations for 8 bytes moved. An H100 moves 3.35 TB a
# second and does 67 T float32 operations in it (NVIDIA's data sheet): 20 operations for each
# byte. On such a machine the fused kernel waits for memory, and saved operations save next to no
# time.
#
# ### 6.2 The share in a transformer layer
# A layer has two norms, and beside them the matrices of attention and MLP.

# %%
quiz("share-of-a-layer")

# %%
from normlab.chapters.rms_norm import layer_share

rows = []
for width in (768, 4096, 16384):
    share = layer_share(width)  # 2 norms × 7D and 2 × 4D, against 2·12·D² in the matrices
    norms = [100 * share.layer_norms / share.matrices, 100 * share.rms_norms / share.matrices]
    rows.append([width, *(f"{value:.4f}" for value in (*norms, 100 * share.saving))])
print(Table(("D", "LayerNorms, %", "RMSNorms, %", "saved by RMSNorm, %"), rows))

# %% [markdown]
# (c). A layer's matrices hold $12D^2$ weights (four of $D \times D$ in attention, $8D^2$ in the
# MLP), each used in one multiplication and one addition: $24D^2$. Two layer norms are $2 \cdot
# 7D$, which is $7/(12D)$ of it: 0.014 % at $D = 4096$. The scores of attention come on top and
# make the share smaller still. **RMSNorm saves 0.006 % of the layer's operations.**
#
# ### 6.3 What the paper measured
# The paper reports no count of operations. It reports run times of whole models.

# %%
from normlab.chapters.rms_norm import RUN_TIMES, draw_run_times

fig, ax = new_figure()
draw_run_times(RUN_TIMES, ax, claimed=(0.15, 0.20))
print(
    Table(
        ("source", "model", "LayerNorm", "RMSNorm", "unit", "time saved, %"),
        [
            [t.source, t.model, t.layer_norm, t.rms_norm, t.unit, f"{100 * t.gain:.1f}"]
            for t in RUN_TIMES
        ],
    )
)

# %% [markdown]
# From 6.9 to 40.8 %: no constant, but a property of each program. The recurrent models run a norm
# at each time step. The Transformer gains 6.9 % (on a V100, in 2019). The abstract's "7 %–64 %"
# has its upper end from pRMSNorm.
#
# ### 6.4 What your machine measures
# Each library against itself: LayerNorm and RMSNorm take turns, float32, one thread, medians.
# "Copy x" is the least that memory allows.
#
# **Predict.** NumPy, `normlab.torch_norms`, `torch.nn.functional`: is there one in which RMSNorm is
# *slower* than LayerNorm?

# %%
quiz("slower-norm")

# %% tags=["timing"]
from normlab.chapters.rms_norm import draw_norm_times, race_norms

forward = [race_norms(2048, 768, "forward"), race_norms(64, 16384, "forward")]
fig, axes = new_figure(columns=2, width=10.0, height=3.0)
for data, ax in zip(forward, axes, strict=True):
    draw_norm_times(data, ax)
    print(data.table(), "\n")

# %% tags=["timing"]
backward = [race_norms(2048, 768, "backward"), race_norms(64, 16384, "backward")]
fig, axes = new_figure(columns=2, width=10.0, height=2.6)
for data, ax in zip(backward, axes, strict=True):
    draw_norm_times(data, ax)
    print(data.table(), "\n")

# %% [markdown]
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
#
# Fewer operations, and slower. The reason is in what torch runs:

# %%
from normlab.chapters.rms_norm import torch_operators

x, weight, bias = torch.randn(8, 16, requires_grad=True), torch.ones(16), torch.zeros(16)
print("F.layer_norm:", torch_operators(lambda: F.layer_norm(x, (16,), weight, bias)))
print("F.rms_norm:  ", torch_operators(lambda: F.rms_norm(x, (16,), weight, 1e-5)))

# %% [markdown]
# On the CPU `F.layer_norm` is one fused kernel and `F.rms_norm` is six operators in a row, each
# going through memory. It was the same on GPUs until a fused kernel came (PyTorch issue 157345,
# "nn.rmsnorm is super slower than nn.layernorm", and pull request 153666).
#
# On a GPU, if you have one:

# %% tags=["timing"]
if torch.cuda.is_available():
    for direction in ("forward", "backward"):
        print(race_norms(8192, 4096, direction, device="cuda").table(), "\n")
else:
    print("No CUDA device here, so nothing is measured on a GPU.")

# %% [markdown]
# ### 6.5 The verdict on "15–20 % fewer"
# The seed: *"RMSNorm requires roughly 15–20% fewer floating-point operations than LayerNorm (no
# mean accumulation pass, no subtraction, no β)."*
#
# **Wrong.** No source has this figure. Within the norm RMSNorm spares 43 % of the operations
# forward and 31 % backward; within a layer of width 4096 it is 0.006 %. Neither number is the run
# time. That is decided by the traffic to memory and by the number of kernels: RMSNorm is clearly
# faster where each operation runs alone (12 elements moved against 7), has little to gain where
# both norms are fused (2 against 2), and is slower where only LayerNorm is fused.
#
# *"For very large models trained on large clusters, this translates to meaningful throughput
# improvements"*: **unsupported.** The nearest evidence is the 6.9 % of one Transformer in 2019.

# %% [markdown]
# ## 7. Three details that break ported weights
#
# ### The default ε
# The seed's own class has $\varepsilon = 10^{-6}$ and is offered as the same thing as
# `nn.RMSNorm(512)`, whose default is `eps=None`: the machine epsilon of float32, $1.19 \cdot
# 10^{-7}$.
#
# **Predict.** At which size of input do the two differ by more than a tenth: 1, 0.01 or 0.001?

# %%
signs = torch.tensor([1.0, -1.0]).repeat(256)  # (512,), every entry of size 1
rows = []
for size in (1.0, 0.1, 0.01, 0.001, 0.0001):
    outputs = [
        norm(size * signs).abs().mean() for norm in (nn.RMSNorm(512), nn.RMSNorm(512, eps=1e-6))
    ]
    rows.append([size, *(f"{y:.3f}" for y in outputs)])
print(Table(("size of the input", "output, eps=None", "output, eps=1e-6"), rows))

# %% [markdown]
# At 0.001: 0.945 against 0.707. There $x^2 = 10^{-6}$ is as large as $\varepsilon$. For inputs of
# size 1 nobody will notice. **Verdict on "the same": imprecise.**
#
# ### The gain: $w$ or $1 + w$
# LLaMA stores the gain $w$, starting at 1. Gemma stores $w$ and multiplies by $1 + w$, starting
# at 0. To carry weights over, subtract or add 1. Whoever forgets it gets a network whose norms
# put out almost 0.
#
# **Predict.** In bfloat16, can every stored Gemma gain be turned into a LLaMA gain without loss?
# And the other way round?

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

# %% [markdown]
# bfloat16 has 8 bits of precision: next to 1 its numbers are 0.004 to 0.008 apart, next to 0 they
# are very close together. So $1 + w$ stored as $w$ keeps small departures from 1. LLaMA's gains
# go over to Gemma's form exactly; the other way almost all are rounded. There is one more
# difference: weight decay acts on the stored number.

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
# (a). The same setting switches one model's branches off, and holds the other's gains at 1.
#
# ### The order of cast and gain
# Both compute $\hat x$ in float32. LLaMA's code casts $\hat x$ to bfloat16 and then multiplies by
# the gain; Gemma's and gpt-oss's multiply in float32 and cast once.
#
# **Predict.** What share of the outputs differs? (a) none (b) 1 % (c) a quarter

# %%
x = torch.randn(1024, 768).bfloat16()
weight = (1 + 0.1 * torch.randn(768)).bfloat16()
x_hat = x.float() * torch.rsqrt(x.float().square().mean(-1, keepdim=True) + 1e-6)  # (1024, 768)

llama = x_hat.bfloat16() * weight
gemma = (x_hat * weight.float()).bfloat16()
exact = x_hat.double() * weight.double()
print(f"outputs that differ: {100 * (llama != gemma).float().mean():.0f} %")
for name, y in (
    ("cast, then gain", llama),
    ("gain, then cast", gemma),
    ("F.rms_norm", F.rms_norm(x, (768,), weight, 1e-6)),
):
    error = ((y.double() - exact) / exact).abs().max()
    print(f"{name:16} greatest relative error {error:.4f}")

# %% [markdown]
# (c). Two roundings instead of one: up to 0.8 % error instead of 0.4 %. Neither is wrong, but
# outputs of a ported model agree to the last bit only if the order does. `F.rms_norm` has Gemma's
# order.
#
# ## 8. Who uses it
#
# Default ε of the configuration class, from the source of Hugging Face's `transformers`,
# `models/<folder>/`. Chapter 11 will have the full table, confirmed from code.
#
# The seed: *"Used in: LLaMA (all versions), Mistral, Gemma, Falcon"*.

# %%
quiz("who-uses-it")

# %%
Table(
    ("model", "year", "norm", "ε", "folder"),
    [
        ("T5", 2019, "RMSNorm", "1e-6", "t5"),
        ("LLaMA", 2023, "RMSNorm", "1e-6", "llama"),
        ("Mistral", 2023, "RMSNorm", "1e-6", "mistral"),
        ("Gemma", 2024, "RMSNorm, gain 1 + w", "1e-6", "gemma"),
        ("Qwen2", 2024, "RMSNorm", "1e-6", "qwen2"),
        ("OLMo 2", 2024, "RMSNorm", "1e-5", "olmo2"),
        ("DeepSeek-V3", 2024, "RMSNorm", "1e-6", "deepseek_v3"),
        ("gpt-oss", 2025, "RMSNorm", "1e-5", "gpt_oss"),
        ("BERT", 2018, "LayerNorm", "1e-12", "bert"),
        ("GPT-2", 2019, "LayerNorm", "1e-5", "gpt2"),
        ("Falcon 7B, 40B", 2023, "LayerNorm", "1e-5", "falcon"),
        ("OLMo 1", 2024, "LayerNorm without parameters", "1e-5", "olmo"),
        ("StarCoder2", 2024, "LayerNorm", "1e-5", "starcoder2"),
        ("Command-R", 2024, "LayerNorm without shift", "1e-5", "cohere"),
    ],
)

# %% [markdown]
# - **Falcon is wrong.** Falcon 7B, 40B and 180B use LayerNorm. Only the later Falcon3 and
#   Falcon-H1 use RMSNorm.
# - *"essentially all modern decoder-only LLMs after 2023"*: **imprecise.** Most do; Command-R,
#   StarCoder2 and OLMo 1, all of 2024, use LayerNorm. And RMSNorm in large models did not begin
#   with LLaMA: T5's "simplified" layer norm of 2019, rescaled and without a bias, is RMSNorm.
# - OLMo went from LayerNorm without parameters to RMSNorm, Command-R dropped only the shift. The
#   two steps "no mean" and "no β" are separate.

# %% [markdown]
# ## The exercise
#
# Write RMSNorm in NumPy, forward and backward, and as a PyTorch module:
# [exercise 03](../exercises/03_rms_norm.ipynb).

# %% [markdown]
# ## Recap
#
# - $\text{LN} = \text{RMSNorm} \circ \text{centering}$, for 1000 tokens to $10^{-12}$. RMSNorm's
#   definition drops the mean; dropping β is custom.
# - The angle between the outputs is $\arctan(|\text{mean}|/\text{std})$: 0° at mean 0, 45° at 1,
#   79° at 5.
# - Centering removes $1/D$ of a random vector's squared length (0.0013 at $D = 768$), and $1/\pi$
#   after a ReLU.
# - 30 of 30 cells of the invariance table come out as in the paper. LayerNorm and RMSNorm differ
#   in one: adding $\mathbf 1 w^\top$ to $W$.
# - The Jacobian's rank is $D - 1$, against $D - 2$; $\langle dx, x\rangle = 0$.
# - Operations 7 → 4 (43 % fewer) and 13 → 9 (31 % fewer); bytes of a fused kernel 2 → 2 and 3 → 3
#   elements; 0.006 % of a layer's operations at $D = 4096$. "15–20 %" has no source.
# - The paper's run times fall by 6.9 % (Transformer) to 40.8 %; `F.rms_norm` on a CPU is six
#   operators and slower than `F.layer_norm`'s one.
# - Ported weights: `eps=None` is $1.19\cdot10^{-7}$; LLaMA's $w$ is Gemma's $1 + w$; Falcon
#   7B–180B is LayerNorm.
#
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
# Run the last cell to mark the chapter as read.

# %%
from normlab import chapter_read

chapter_read("04")
