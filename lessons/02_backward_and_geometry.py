# %% [markdown]
# # 02 · The backward pass and its geometry
#
# ## What you will be able to do
#
# - derive the backward pass of layer norm, path by path, and write it in three lines;
# - check a gradient by finite differences;
# - recognise a missing term by the law that it breaks;
# - name the directions in which no gradient passes, and read off the [rank](glossary.ipynb) of the
#   Jacobian, the matrix of all derivatives $\partial y_i/\partial x_j$;
# - say where the outputs of a norm lie in space, and what $\varepsilon$ changes there.
#
# Each formula of the derivation stands in one cell and is checked in the next.
#
# {{ minutes }}

# %% [markdown]
# ## 1 · Three paths from one feature to the loss
#
# One token $x$ has $D$ features. Layer norm computes
#
# $$\mu = \tfrac1D\sum_i x_i, \qquad \mathrm{Var} = \tfrac1D\sum_i (x_i-\mu)^2, \qquad
# \sigma_\varepsilon = \sqrt{\mathrm{Var}+\varepsilon}, \qquad
# \hat x_i = \frac{x_i-\mu}{\sigma_\varepsilon}, \qquad y_i = \gamma_i \hat x_i + \beta_i .$$
#
# Everything behind the norm is one number, the loss $\mathcal L$. The backward pass is given the
# *upstream gradient* $g_i = \partial\mathcal L/\partial y_i$ (`dy` in code). It must return
# $dx_i = \partial\mathcal L/\partial x_i$.

# %%
from normlab import quiz

quiz("paths-to-the-loss")

# %%
from normlab.chapters.backward import draw_three_paths
from normlab.pictures import new_figure

fig, ax = new_figure(height=2.6)
draw_three_paths(ax)

# %% [markdown] tags=["answer"]
# The solid path from $x_i$ is the direct one. It reaches one output. The dashed path goes through
# $\mu$, the dash-dotted one through $\mathrm{Var}$. They reach *all* $D$ outputs, so each of the
# two is a sum over all features. The dotted edge from $\mu$ to $\mathrm{Var}$ carries a 0. Step 3
# shows why.

# %% [markdown]
# ## 2 · The derivation, step by step
#
# Any loss will do for a check. The simplest loss that has a given $g$ as its gradient is
# $\mathcal L = \sum_i g_i\, y_i$. It is written with $\mu$ and $\mathrm{Var}$ as separate
# arguments, so that each path can be measured alone.
#
# ### Step 1 · From $y$ to $\hat x$
#
# $y_i = \gamma_i\hat x_i + \beta_i$, so
#
# $$\hat g_i := \frac{\partial\mathcal L}{\partial \hat x_i} = \gamma_i\, g_i .$$
#
# $\beta$ drops out: adding a constant changes no slope. From here on only $\hat g$ matters.
#
# Each formula is compared with a central difference, $[\mathcal L(x+h)-\mathcal L(x-h)]/2h$, a
# slope from two values. The step is $h = 10^{-4}$; chapter 03 says why.

# %%
import numpy as np

from normlab.norms import finite_difference_gradient, relative_error

D, eps = 6, 1e-5
x = np.array([1.0, -0.5, 2.0, 0.0, -1.5, 0.5])
dy = np.array([0.9, 0.4, 1.0, -0.3, 0.2, 0.6])
gamma = np.array([1.2, 0.8, 1.0, 1.1, 0.9, 1.0])
beta = np.array([0.1, 0.0, -0.2, 0.0, 0.1, 0.0])


def loss_of_normalized(x_hat):
    return float((dy * (gamma * x_hat + beta)).sum())  # (D,) -> ()


def loss(x, mean, var):
    return loss_of_normalized((x - mean) / np.sqrt(var + eps))


mean = x.mean()  # (D,) -> ()
var = ((x - mean) ** 2).mean()  # (D,) -> ()
sigma = np.sqrt(var + eps)
x_hat = (x - mean) / sigma
dx_hat = dy * gamma

measured = finite_difference_gradient(loss_of_normalized, x_hat, 1e-4)
print("dx_hat  ", dx_hat.round(4))
print("measured", measured.round(4))

# %% [markdown]
# ### Step 2 · The variance
#
# $\hat x_i = (x_i-\mu)(\mathrm{Var}+\varepsilon)^{-1/2}$ depends on $\mathrm{Var}$ in every
# feature, so the loss collects a sum:
#
# $$\frac{\partial\mathcal L}{\partial \mathrm{Var}}
# = \sum_i \hat g_i\,(x_i-\mu)\cdot\left(-\tfrac12\right)(\mathrm{Var}+\varepsilon)^{-3/2}
# = -\frac{1}{2\sigma_\varepsilon^2}\sum_i \hat g_i\,\hat x_i .$$

# %%
dvar = -(dx_hat * x_hat).sum() / (2 * sigma**2)  # (D,) -> ()

measured = finite_difference_gradient(lambda v: loss(x, mean, v), var, 1e-4)
print(f"dvar {dvar:.4f}   measured {measured:.4f}")
fig, ax = new_figure(height=2.3)
draw_three_paths(ax, "through Var")

# %% [markdown]
# ### Step 3 · The mean
#
# $\mu$ acts on every $\hat x_i$ with slope $-1/\sigma_\varepsilon$. It also acts on
# $\mathrm{Var}$, with slope
# $\partial\mathrm{Var}/\partial\mu = -\tfrac2D\sum_i (x_i-\mu) = 0$: the variance is smallest when
# it is taken around the mean, and at a minimum the slope is zero. So
#
# $$\frac{\partial\mathcal L}{\partial \mu} = -\frac{1}{\sigma_\varepsilon}\sum_i \hat g_i .$$

# %%
dmean = -dx_hat.sum() / sigma  # (D,) -> ()


def loss_of_mean(m):  # here Var follows m, so both ways through the mean are measured
    return loss(x, m, ((x - m) ** 2).mean())


measured = finite_difference_gradient(loss_of_mean, mean, 1e-4)
print(f"dmean {dmean:.4f}   measured {measured:.4f}")
fig, ax = new_figure(height=2.3)
draw_three_paths(ax, "through μ")

# %% [markdown]
# ### Step 4 · Add the three paths
#
# Directly, $\partial\hat x_i/\partial x_i = 1/\sigma_\varepsilon$. Through the statistics,
# $\partial\mathrm{Var}/\partial x_i = \tfrac2D(x_i-\mu)$ and $\partial\mu/\partial x_i = \tfrac1D$:
#
# $$dx_i = \frac{\hat g_i}{\sigma_\varepsilon}
# + \frac{\partial\mathcal L}{\partial \mathrm{Var}}\cdot\frac{2(x_i-\mu)}{D}
# + \frac{\partial\mathcal L}{\partial \mu}\cdot\frac1D .$$

# %%
from normlab.chapters.backward import GradientPaths, draw_gradient_paths

paths = GradientPaths(
    direct=dx_hat / sigma,
    through_variance=dvar * 2 * (x - mean) / D,
    through_mean=np.full(D, dmean / D),
)


def loss_of_token(x):
    mean = x.mean()  # (D,) -> ()
    return loss(x, mean, ((x - mean) ** 2).mean())


measured = finite_difference_gradient(loss_of_token, x, 1e-4)
print("three paths", paths.total.round(4))
print("measured   ", measured.round(4))
fig, ax = new_figure(height=2.8)
draw_gradient_paths(paths, ax)

# %% [markdown]
# The diamonds are what arrives at $x$. The path through $\mu$ takes the same amount from every
# feature. The path through $\mathrm{Var}$ takes an amount proportional to $x_i-\mu$.
#
# ### Step 5 · Collapse
#
# Put steps 2 and 3 into step 4 and use $(x_i-\mu)/\sigma_\varepsilon=\hat x_i$. Both sums become
# means:
#
# $$\boxed{\;dx = \frac{1}{\sigma_\varepsilon}\Big[\,\hat g - \mathrm{mean}(\hat g)
# - \hat x\;\mathrm{mean}(\hat g\odot\hat x)\Big], \qquad \hat g = \gamma\odot g\;}$$

# %% tags=["nbval-ignore-output"]
dx = (dx_hat - dx_hat.mean() - x_hat * (dx_hat * x_hat).mean()) / sigma

print("collapsed", dx.round(4))
print(f"error against the three paths  {relative_error(dx, paths.total):.0e}")
print(f"error against differences      {relative_error(dx, measured):.0e}")

# %% [markdown]
# ### Step 6 · Gain and shift
#
# $\gamma$ and $\beta$ are shared by all tokens. Their gradients are sums over the tokens:
#
# $$d\gamma = \sum_{\text{tokens}} g\odot\hat x, \qquad d\beta = \sum_{\text{tokens}} g .$$
#
# That is the whole backward pass. Below it is written for a batch of 12 tokens of 16 features, and
# compared with torch's autograd.

# %% tags=["nbval-ignore-output"]
import torch
import torch.nn.functional as F


def layer_norm_backward_by_hand(dy, x, gamma, eps=1e-5):
    centered = x - x.mean(-1, keepdims=True)  # (N, D) - (N, 1)
    sigma = np.sqrt((centered**2).mean(-1, keepdims=True) + eps)  # (N, D) -> (N, 1)
    x_hat, dx_hat = centered / sigma, dy * gamma
    along_ones = dx_hat.mean(-1, keepdims=True)  # (N, D) -> (N, 1)
    along_x_hat = (dx_hat * x_hat).mean(-1, keepdims=True)  # (N, D) -> (N, 1)
    dx = (dx_hat - along_ones - x_hat * along_x_hat) / sigma
    return dx, (dy * x_hat).sum(0), dy.sum(0)  # (N, D), then (N, D) -> (D,) twice


def gradients_by_torch(layer_norm):
    inputs = [torch.tensor(a, requires_grad=True) for a in (x2, gamma2, beta2)]
    layer_norm(inputs[0], (16,), *inputs[1:]).backward(torch.tensor(dy2))
    return [a.grad.numpy() for a in inputs]


rng = np.random.default_rng(0)
x2, dy2 = rng.standard_normal((12, 16)), rng.standard_normal((12, 16))
gamma2, beta2 = rng.standard_normal(16), rng.standard_normal(16)
by_hand = layer_norm_backward_by_hand(dy2, x2, gamma2)
by_torch = gradients_by_torch(F.layer_norm)
for name, ours, theirs in zip(("dx", "dγ", "dβ"), by_hand, by_torch, strict=True):
    print(f"error of {name} against autograd  {relative_error(ours, theirs):.0e}")

# %% [markdown]
# These errors are rounding: float64 numbers have 16 digits. From here on the formulas are written
# for $\gamma = 1$, where $\hat g = g$. With a gain, $\hat g$ takes the place of $g$.

# %% [markdown]
# ## 3 · Four independent answers ★
#
# The function of step 6 against differences, torch's autograd, and the two versions in the package.

# %% tags=["nbval-ignore-output"]
from normlab import Table, norms, torch_norms

by_differences = [
    finite_difference_gradient(
        lambda x: (dy2 * norms.layer_norm(x, gamma2, beta2)).sum(), x2, 1e-4
    ),
    finite_difference_gradient(
        lambda gamma: (dy2 * norms.layer_norm(x2, gamma, beta2)).sum(), gamma2, 1e-4
    ),
    finite_difference_gradient(
        lambda beta: (dy2 * norms.layer_norm(x2, gamma2, beta)).sum(), beta2, 1e-4
    ),
]
others = {
    "central differences": by_differences,
    "torch autograd": by_torch,
    "normlab.norms": norms.layer_norm_backward(dy2, x2, gamma2),
    "normlab.torch_norms": gradients_by_torch(torch_norms.layer_norm),
}
rows = [
    [name, *(f"{relative_error(a, b):.0e}" for a, b in zip(by_hand, gradients, strict=True))]
    for name, gradients in others.items()
]
Table(("error of the step-6 function against", "dx", "dγ", "dβ"), rows)

# %% [markdown]
# ## 4 · Cross out a term
#
# Two sums are known without any computation. With $\varepsilon = 0$
#
# $$\sum_i dx_i = 0 \qquad\text{and}\qquad \langle dx, x-\mu\rangle = 0 .$$
#
# Section 7 says why.

# %%
quiz("missing-mean-term")

# %%
from normlab import Table

mean_term, x_hat_term = dx_hat.mean(), x_hat * (dx_hat * x_hat).mean()
variants = {
    "all terms": (dx_hat - mean_term - x_hat_term) / sigma,
    "without the mean term": (dx_hat - x_hat_term) / sigma,
    "without the x̂ term": (dx_hat - mean_term) / sigma,
    "without both": dx_hat / sigma,
}
rows = [
    [
        name,
        f"{relative_error(v, measured):.3f}",
        f"{abs(v.sum()):.3f}",
        f"{abs(v @ (x - mean)):.3f}",
    ]
    for name, v in variants.items()
]
Table(("dx", "error against differences", "|Σ dx|", "|⟨dx, x − μ⟩|"), rows)

# %% [markdown] tags=["answer"]
# Without the $\hat x$ term the gradient gains a part along $x-\mu$ instead. So two sums tell which
# term is missing, without any reference to compare with.

# %% [markdown]
# ## 5 · A detached standard deviation ★
#
# A bug found in public code, and whether a check on random input sees it.

# %% [markdown]
# In TinyTorch's transformer module (commit 0378da4) the standard deviation is computed from the raw
# data of the variance, outside the graph. The comment above it says that gradients are preserved.
# Here is the same mistake in torch: one `detach`.

# %%
quiz("detached-std")

# %%
from normlab import norms


def layer_norm_detached(x, shape, weight, bias):
    centered = x - x.mean(-1, keepdim=True)  # (N, D) - (N, 1)
    std = (centered.square().mean(-1, keepdim=True) + 1e-5).sqrt()  # (N, D) -> (N, 1)
    return weight * centered / std.detach() + bias


tensors = [torch.tensor(a) for a in (x2, gamma2, beta2)]
outputs = [f(tensors[0], (16,), *tensors[1:]) for f in (layer_norm_detached, F.layer_norm)]
print(f"largest difference of the outputs: {(outputs[0] - outputs[1]).abs().max():.6f}")
for name, a, b in zip(
    ("dx", "dγ", "dβ"), gradients_by_torch(layer_norm_detached), by_hand, strict=True
):
    print(f"error of {name}: {relative_error(a, b):.3f}")

# %% [markdown]
# Now for random tokens of several widths.

# %%
quiz("detached-error")

# %%
rows = []
for width in (4, 16, 64, 256, 1024):
    tokens, upstream = rng.standard_normal((2, 2000, width))
    right, _, _ = norms.layer_norm_backward(upstream, tokens)
    sigmas = tokens.std(-1, keepdims=True)  # (N, D) -> (N, 1)
    detached = (upstream - upstream.mean(-1, keepdims=True)) / sigmas  # (N, D)
    rows.append([width, f"{relative_error(detached, right):.2f}"])
Table(("D", "relative difference"), rows)

# %% [markdown] tags=["answer"]
# At $D=1024$ a check on random input with a tolerance of 5 % passes. Small $D$ is the better test,
# and $\langle dx, x-\mu\rangle\approx0$ needs no reference at all.
#
# Xu et al. 2019 trained models with both statistics detached, on purpose ("DetachNorm").
# Their finding is that the derivatives of $\mu$ and $\mathrm{Var}$ matter more than the forward
# normalization itself.

# %% [markdown]
# ## 6 · Two simple losses
#
# To test a backward pass one needs a loss. The two simplest are the sum of the outputs and the sum
# of their squares.

# %%
quiz("two-simple-losses")

# %%
rows = []
for name, scalar_loss in {
    "Σ y": lambda y: y.sum(),
    "Σ y²": lambda y: y.square().sum(),
    "Σ y³": lambda y: y.pow(3).sum(),
}.items():
    token = torch.tensor(x2, requires_grad=True)
    y = F.layer_norm(token, (16,))
    y.retain_grad()
    scalar_loss(y).backward()
    direct = y.grad / token.std(-1, correction=0, keepdim=True)  # (N, D) / (N, 1)
    rows.append([name, f"{token.grad.norm() / direct.norm():.3f}"])
Table(("loss", "‖dx‖ / ‖g/σ‖"), rows)

# %% [markdown] tags=["answer"]
# In the formula: $g = 1$ is all mean, and $g = 2\hat x$ is all $\hat x$ term. This was reported
# against PyTorch as a bug (issue 63541), and it is not one. A test of a norm's backward pass needs
# an upstream gradient that is neither, such as that of $\sum_i y_i^3$.

# %% [markdown]
# ## 7 · What can never pass
#
# Why do the two sums of section 4 vanish? With $\varepsilon = 0$,
# $\mathrm{LN}(x + b) = \mathrm{LN}(x)$ for every constant $b$, and $\mathrm{LN}$ does not see the
# length of $x-\mu$. A direction that does not change the output gets no gradient. The first
# direction is $\mathbf 1 = (1,\dots,1)$, the second $x-\mu$.

# %%
quiz("law-with-eps")

# %%
from normlab import norms

rows = []
for eps_now in (0.0, 1e-5, 1e-2, 1.0):
    dx, _, _ = norms.layer_norm_backward(dy, x, gamma, eps=eps_now)
    sums = dx.sum(), dx @ (x - mean)  # (D,) -> (), (D,) @ (D,) -> ()
    rows.append([f"{eps_now:g}", *(f"{abs(value):.7f}" for value in sums)])
Table(("ε", "|Σ dx|", "|⟨dx, x − μ⟩|"), rows)

# %% [markdown] tags=["answer"]
# Sum the boxed formula over $i$: $\mathrm{mean}(\hat x)=0$, so $\sum_i dx_i = 0$ for every
# $\varepsilon$. Take its product with $x-\mu = \sigma_\varepsilon\hat x$ and use
# $\langle\hat x,\hat x\rangle = D\,\mathrm{Var}/\sigma_\varepsilon^2$. What remains is
#
# $$\langle dx, x-\mu\rangle
# = \frac{1}{\sigma_\varepsilon}\Big(1-\frac{\mathrm{Var}}{\mathrm{Var}+\varepsilon}\Big)
# \langle g,x-\mu\rangle
# = \frac{\varepsilon}{\sigma_\varepsilon^3}\,\langle g, x-\mu\rangle .$$
#
# With the usual $\varepsilon = 10^{-5}$ the leak is of the size of $\varepsilon$.

# %% [markdown]
# ## 8 · The gradient and the size of the input
#
# The rest of $g$ passes. How much of it arrives, for a long token and for a short one?

# %%
quiz("gradient-at-scale")

# %%
from normlab.chapters.backward import draw_scale_sweep, sweep_scales

scaling = sweep_scales(epsilons=(1e-5, 1e-3))
fig, ax = new_figure(height=3.0)
draw_scale_sweep(scaling, ax)

# %% [markdown] tags=["answer"]
# $\mathrm{LN}(a x)=\mathrm{LN}(x)$, so a token that is $a$ times longer has to move $a$ times
# further for the same effect: slope $-1$. And $1/\sigma_\varepsilon$ cannot exceed
# $1/\sqrt\varepsilon$, which is 32 for $\varepsilon = 10^{-3}$. So $\varepsilon$ also bounds the
# backward pass. This factor is one reason why [pre-norm and post-norm](glossary.ipynb) behave
# differently (chapter 06).

# %% [markdown]
# ## 9 · The Jacobian ★
#
# The backward pass as a matrix: its rank, its parts, and a lemma of Xiong et al. 2020.

# %% [markdown]
# Read as a matrix, the boxed formula says, for layer norm and for RMSNorm,
#
# $$J = \frac{\partial y}{\partial x}
# = \frac1{\sigma_\varepsilon}\Big(I - \tfrac1D\mathbf 1\mathbf 1^\top
# - \tfrac1D\hat x\hat x^\top\Big),
# \qquad J_{\mathrm{RMS}} = \frac1{r_\varepsilon}\Big(I - \tfrac1D\hat x\hat x^\top\Big),
# \quad r_\varepsilon = \sqrt{\mathrm{mean}(x^2)+\varepsilon}.$$
#
# Row $i$ of $J$ is the gradient of $y_i$: the backward pass of $g = e_i$, which is 1 at $i$ and 0
# elsewhere. $J$ is symmetric. Its [eigenvalues](glossary.ipynb) say how much passes in each
# direction.

# %%
quiz("rank-of-the-jacobian")

# %%
quiz("eigenvalue-along-x-hat")

# %% tags=["nbval-ignore-output"]
dx_rows, _, _ = norms.layer_norm_backward(np.eye(D), np.tile(x, (D, 1)))  # (D, D)
formula = (np.eye(D) - np.ones((D, D)) / D - np.outer(x_hat, x_hat) / D) / sigma
with_gain = gamma[:, None] * dx_rows  # (D, 1) * (D, D)

print(f"largest |backward pass − formula|: {np.abs(dx_rows - formula).max():.0e}")
print(f"largest |J − Jᵀ|:                  {np.abs(dx_rows - dx_rows.T).max():.0e}")
print(f"largest |J − Jᵀ| with a gain γ:    {np.abs(with_gain - with_gain.T).max():.2f}")

# %%
from normlab.chapters.backward import layer_norm_jacobian, rms_norm_jacobian

rows = []
for width in (2, 3, 4, 8, 64):
    token = rng.standard_normal(width)
    jacobians = layer_norm_jacobian(token, eps=0), rms_norm_jacobian(token, eps=0)
    rows.append([width, *(int(np.linalg.matrix_rank(j, tol=1e-10)) for j in jacobians)])
Table(("D", "rank, LayerNorm", "rank, RMSNorm"), rows)

# %%
from normlab.chapters.backward import draw_spectra, jacobian_spectra

fig, ax = new_figure(height=2.8)
draw_spectra(jacobian_spectra(features=8), ax)

# %% [markdown] tags=["answer"]
# The eigenvalues are 0 for each removed direction and $1/\sigma_\varepsilon$ for all others. In the
# picture they are multiplied by $\sigma_\varepsilon$, or $r_\varepsilon$. With $\varepsilon>0$ the
# direction $\hat x$ is not quite removed. With a gain, $\partial y/\partial x =
# \mathrm{diag}(\gamma)J$, and the symmetry goes.

# %% [markdown]
# ### Turn the upstream gradient
#
# **Try.** Turn $g$ from $\mathbf 1$ (0°) over "neither" (90°) to $\hat x$ (180°). Then choose
# RMSNorm: which part survives now? Then $\varepsilon = 1$: what happens at 180°? Then double the
# input's scale.

# %%
from normlab.chapters.backward import explore_upstream

explore_upstream()

# %% [markdown] tags=["answer"]
# RMSNorm lets the part along $\mathbf 1$ pass: it never subtracted a mean. With $\varepsilon=1$ and
# scale 1 a length of 1.00 of the 2.83 along $\hat x$ leaks through. With $\varepsilon=10^{-5}$
# doubling the scale halves everything that passes.

# %% [markdown]
# ### A lemma and its constant
#
# Xiong et al. 2020, Lemma 3, state $\|J\|_2 = O(\sqrt D/\|x\|)$ for layer norm.
# [$\|J\|_2$](glossary.ipynb) is the largest eigenvalue here, $1/\sigma_\varepsilon$ for
# $D \ge 3$. For $\varepsilon=0$ that is $\sqrt D/\|x-\mu\|$. Their setting is a model at
# initialization, whose features are random with mean near 0.

# %%
quiz("lemma-with-an-offset")

# %%
rows = []
for offset in (0, 1, 10, 100):
    token = norms.layer_norm(rng.standard_normal(64), eps=0) + offset
    spectral = np.linalg.norm(layer_norm_jacobian(token, eps=0), 2)
    lemma = np.sqrt(64) / np.linalg.norm(token)
    rows.append([offset, f"{spectral:.3f}", f"{lemma:.3f}", f"{spectral / lemma:.1f}"])
Table(("offset m", "‖J‖₂", "√D/‖x‖", "ratio"), rows)

# %% [markdown] tags=["answer"]
# The lemma holds with a constant that depends on the ratio of mean to standard deviation, near 1 in
# the lemma's own setting. With $\|x-\mu\|$ in the place of $\|x\|$ it is an equality for every
# token.

# %% [markdown]
# ## 10 · Where the outputs lie
#
# Layer norm subtracts the mean and divides by the standard deviation. With $D = 3$ features its
# outputs are points in space, so they can be drawn.

# %%
quiz("outputs-in-three-dimensions")

# %%
tokens = np.random.default_rng(1).standard_normal((1000, 3)) * 2 + 5
centered = tokens - tokens.mean(-1, keepdims=True)  # (N, D) - (N, 1)
outputs = {
    "LayerNorm": norms.layer_norm(tokens, eps=0),
    "RMSNorm": norms.rms_norm(tokens, eps=0),
    "RMSNorm of centered": norms.rms_norm(centered, eps=0),
}
rows = []
for name, y in outputs.items():
    sums, lengths = abs(y.sum(-1)), np.linalg.norm(y, axis=-1)  # (N, D) -> (N,)
    far = abs(y - outputs["LayerNorm"]).max()  # (N, D) -> ()
    rows.append([name, *(f"{v:.3f}" for v in (sums.max(), lengths.min(), lengths.max(), far))])
Table(("", "largest |sum|", "length, min", "length, max", "farthest from LayerNorm"), rows)

# %% [markdown]
# **Try.** Press *from input to output*, turn the picture by dragging it, and look *along 1*. The
# triangles are $a\,x + b\,\mathbf 1$ with $a>0$: where do they end? Then choose RMSNorm, and then
# $\varepsilon=1$. Last, show the *gradient*: of $g$, which directions are lost?

# %% tags=["answer"]
from normlab.chapters.backward import grab_token_in_space

grab_token_in_space()

# %% [markdown] tags=["answer"]
# $\sum_i \hat x_i = 0$ is a plane through the origin, orthogonal to $\mathbf 1$. Centering projects
# onto it. $\sum_i\hat x_i^2 = D$ is a sphere of radius $\sqrt D$. Dividing by $\sigma$ moves each
# point along its ray onto that sphere. So layer norm puts all tokens where plane and sphere meet,
# which has dimension $D-2$. RMSNorm skips the plane and uses the whole sphere, of dimension $D-1$.
# The gradient can only point along these surfaces. RMSNorm of a centered token is layer norm: the
# last row of the table is 0 away from the first.
#
# Layer norm takes all triangles to one point: it forgets the mean and the scale of a token. RMSNorm
# forgets only the scale, and the triangles stay apart. With $\varepsilon=1$ no point reaches the
# sphere, and the triangles stay apart under layer norm too.
#
# Brody, Alon and Yahav 2023 give this picture of projection and scaling, and study what each of the
# two does for the attention layer behind it.

# %% [markdown]
# ## 11 · Two features, one feature ★
#
# What is left of a token that has only two features, or one.

# %%
quiz("outputs-of-two-features")

# %%
quiz("output-of-one-feature")

# %%
from normlab.chapters.backward import draw_plane_map, two_feature_map

pairs = two_feature_map()
fig, axes = new_figure(columns=2, height=3.0)
draw_plane_map(pairs, axes)

exact = norms.layer_norm(pairs.points, eps=0).round(9)
print("D = 2, LayerNorm:", np.unique(exact, axis=0).tolist())
single = np.array([[-3.0], [0.5], [7.0]])
print("D = 1, LayerNorm:", norms.layer_norm(single, beta=[0.25]).ravel().tolist(), "with β = 0.25")
print("D = 1, RMSNorm:  ", norms.rms_norm(single, eps=0).ravel().tolist())

# %% [markdown] tags=["answer"]
# With $D=2$ the rank of $J$ was 0: no gradient passes. With $D=1$ RMSNorm returns the sign.

# %% [markdown]
# ## 12 · Short tokens and ε ★
#
# How long the output of a short token is.

# %% [markdown]
# With $\varepsilon = 0$ every $\hat x$ has the length $\sqrt D$. With $\varepsilon > 0$ it is
# $\hat x = (x-\mu)/\sigma_\varepsilon$.

# %%
quiz("radius-of-a-small-token")

# %%
from normlab.chapters.backward import draw_radius_curves, radius_curves

curves = radius_curves(epsilons=(1e-5, 1e-3))
fig, ax = new_figure(height=2.8)
draw_radius_curves(curves, ax)

rows = []
for deviation in (1.0, 1e-1, 1e-2, 1e-3):
    place = np.abs(np.log(curves.deviations / deviation)).argmin()
    rows.append([f"{deviation:g}", *(f"{radii[place]:.4f}" for radii in curves.radii.values())])
Table(("standard deviation", "‖LN(x)‖/√D, ε = 1e-5 (torch)", "ε = 1e-3 (Keras)"), rows)

# %% [markdown] tags=["answer"]
# $\|\hat x\|^2 = D\,\mathrm{Var}/(\mathrm{Var}+\varepsilon)$. The scale that layer norm should
# remove is still there for tokens whose standard deviation is not large against
# $\sqrt\varepsilon$. At a standard deviation of 0.001 Keras' default leaves 0.03 of the radius.
# Chapter 03 goes on from here.

# %% [markdown]
# ## 13 · A sentence of the seed text, tested ★
#
# What geometry can say about centering.

# %% [markdown]
# Geometry can say what centering removes: one direction of $D$. How much of a *token* is that?

# %%
from normlab.claims import your_mark

your_mark(23)

# %%
quiz("share-of-the-mean")

# %%
width = 512
rows = []
for offset in (0.0, 0.1, 1.0, 10.0):
    tokens = rng.standard_normal((2000, width)) + offset
    share = width * tokens.mean(-1) ** 2 / (tokens**2).sum(-1)  # (N, D) -> (N,)
    cosine = (norms.layer_norm(tokens) * norms.rms_norm(tokens)).mean(-1)  # (N, D) -> (N,)
    rows.append([offset, f"{100 * share.mean():.1f} %", f"{cosine.mean():.3f}"])
Table(("mean / standard deviation", "squared length along 1", "cosine of LN(x) and RMS(x)"), rows)

# %% [markdown] tags=["answer"]
# **Claim 23: {{ ruling 23 }}.** For tokens with mean 0 centering removes about $1/D$ of the squared
# length, and the two norms agree. That centering is dispensable is a *hypothesis* of Zhang and
# Sennrich 2019 (section 4), tested there on trained models. Neither it nor this experiment measures
# "representational value". Chapter 04 returns to it.

# %% [markdown]
# ## The exercise
#
# Write the backward pass yourself: [exercise 02](../exercises/02_layer_norm_backward.ipynb). Its
# check tells apart a dropped mean, a γ that came too late, and a σ that was held constant.

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - $x_i$ reaches the loss by three paths: directly, through $\mu$, through $\mathrm{Var}$.
# - $dx = \frac1{\sigma_\varepsilon}[\hat g-\mathrm{mean}(\hat g)
#   -\hat x\,\mathrm{mean}(\hat g\odot\hat x)]$, $\hat g = \gamma\odot g$.
# - Missing $\mathrm{mean}(\hat g)$ breaks $\sum dx=0$; a missing $\hat x$ term breaks
#   $\langle dx,x-\mu\rangle \approx 0$. With random $g$ the second error is only 3 % at $D=1024$.
# - The Jacobian has rank $D-2$ (layer norm) and $D-1$ (RMSNorm); all other eigenvalues are
#   $1/\sigma_\varepsilon$, or $1/r_\varepsilon$.
# - An input 10 times longer gets a gradient 10 times shorter, down to $\sigma=\sqrt\varepsilon$.
# - Layer norm is a projection onto the plane orthogonal to $\mathbf 1$, then onto a sphere of
#   radius $\sqrt D$; with $D=2$ two points are left.
# - $\|\hat x\|^2 = D\,\mathrm{Var}/(\mathrm{Var}+\varepsilon)$: at standard deviation 0.001
#   and $\varepsilon = 10^{-5}$ the radius is 30 %.

# %% [markdown]
# ## Sources
#
# - J. L. Ba, J. R. Kiros, G. E. Hinton: *Layer Normalization*, 2016, Eq. 3 and 4,
#   [arXiv:1607.06450](https://arxiv.org/abs/1607.06450). The forward pass differentiated here.
# - R. Xiong et al.: *On Layer Normalization in the Transformer Architecture*, 2020, Lemma 3,
#   [arXiv:2002.04745](https://arxiv.org/abs/2002.04745).
# - B. Zhang, R. Sennrich: *Root Mean Square Layer Normalization*, 2019, Eq. 4 and section 4,
#   [arXiv:1910.07467](https://arxiv.org/abs/1910.07467).
# - S. Brody, U. Alon, E. Yahav: *On the Expressivity Role of LayerNorm in Transformers' Attention*,
#   2023, [arXiv:2305.02582](https://arxiv.org/abs/2305.02582). Projection and scaling.
# - J. Xu et al.: *Understanding and Improving Layer Normalization*, 2019,
#   [arXiv:1911.07013](https://arxiv.org/abs/1911.07013). Detached statistics.
# - The bug with the detached standard deviation: MLSysBook/TinyTorch,
#   `src/13_transformers/13_transformers.py`, commit 0378da4. Written anew here.
# - [PyTorch issue 63541](https://github.com/pytorch/pytorch/issues/63541): "nn.LayerNorm breaks
#   gradient flow under specific situations".
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("02")
