# %% [markdown]
# # 02 · The backward pass and its geometry
#
# ## What you will be able to do
#
# - derive the backward pass of layer norm, path by path, and write it in three lines;
# - check a gradient by finite differences, and say which step to use and which error to expect;
# - recognise a missing term by the law that it breaks;
# - name the directions in which no gradient passes, and read off the rank of the Jacobian;
# - see layer norm as a plane and a sphere, and say what $\varepsilon$ changes in that picture.
#
# Each formula stands in one cell and is checked in the next. Time: about 40 minutes.

# %% [markdown]
# ## 1 · Three paths from one feature to the loss
#
# One token $x$ has $D$ features. Layer norm computes
#
# $$\mu = \tfrac1D\sum_i x_i, \qquad \mathrm{Var} = \tfrac1D\sum_i (x_i-\mu)^2, \qquad
# \sigma_\varepsilon = \sqrt{\mathrm{Var}+\varepsilon}, \qquad
# \hat x_i = \frac{x_i-\mu}{\sigma_\varepsilon}, \qquad y_i = \gamma_i \hat x_i + \beta_i .$$
#
# Everything behind the norm is one number, the loss $L$. The backward pass is given
# $dy_i = \partial L/\partial y_i$ and must return $dx_i = \partial L/\partial x_i$.

# %%
from normlab import quiz

quiz("paths-to-the-loss")

# %%
from normlab.chapters.backward import draw_three_paths
from normlab.pictures import new_figure

fig, ax = new_figure(height=2.6)
draw_three_paths(ax)

# %% [markdown]
# (c). The solid path is the direct one. The dashed path goes through $\mu$, the dash-dotted one
# through $\mathrm{Var}$. The two statistics reach *all* $D$ outputs, so these two paths are sums
# over all features. The dotted edge from $\mu$ to $\mathrm{Var}$ carries a 0. Step 3 shows why.
#
# Any loss will do for a check. The simplest loss that has a given $dy$ as its gradient is
# $L = \sum_i dy_i\, y_i$. It is written with $\mu$ and $\mathrm{Var}$ as separate arguments, so
# that each path can be measured alone.

# %%
import numpy as np

from normlab.norms import finite_difference_gradient, relative_error

D, eps = 6, 1e-5
x = np.array([1.0, -0.5, 2.0, 0.0, -1.5, 0.5])
dy = np.array([0.9, 0.4, 1.0, -0.3, 0.2, 0.6])
gamma = np.array([1.2, 0.8, 1.0, 1.1, 0.9, 1.0])
beta = np.array([0.1, 0.0, -0.2, 0.0, 0.1, 0.0])


def loss(x, mean, var):
    x_hat = (x - mean) / np.sqrt(var + eps)
    return float((dy * (gamma * x_hat + beta)).sum())  # (D,) -> ()


mean = x.mean()  # (D,) -> ()
var = ((x - mean) ** 2).mean()  # (D,) -> ()
sigma = np.sqrt(var + eps)
x_hat = (x - mean) / sigma
print(f"mean {mean:.4f}   var {var:.4f}   sigma {sigma:.4f}   loss {loss(x, mean, var):.4f}")

# %% [markdown]
# ### Step 1 · From $y$ to $\hat x$
#
# $y_i = \gamma_i\hat x_i + \beta_i$, so
#
# $$\frac{\partial L}{\partial \hat x_i} = dy_i\,\gamma_i =: u_i .$$
#
# $\beta$ does not occur: a shift has no slope. From here on only $u$ matters.

# %%
u = dy * gamma

measured = finite_difference_gradient(
    lambda x_hat: (dy * (gamma * x_hat + beta)).sum(), x_hat, 1e-5
)
print("u       ", u.round(4))
print("measured", measured.round(4))

# %% [markdown]
# ### Step 2 · The variance
#
# $\hat x_i = (x_i-\mu)(\mathrm{Var}+\varepsilon)^{-1/2}$ depends on $\mathrm{Var}$ in every
# feature, so the loss collects a sum:
#
# $$\frac{\partial L}{\partial \mathrm{Var}}
# = \sum_i u_i\,(x_i-\mu)\cdot\left(-\tfrac12\right)(\mathrm{Var}+\varepsilon)^{-3/2}
# = -\frac{1}{2\sigma_\varepsilon^2}\sum_i u_i\,\hat x_i .$$

# %%
dvar = -(u * x_hat).sum() / (2 * sigma**2)  # (D,) -> ()

measured = finite_difference_gradient(lambda v: loss(x, mean, v), var, 1e-5)
print(f"dvar {dvar:.4f}   measured {measured:.4f}")

# %% [markdown]
# ### Step 3 · The mean
#
# $\mu$ acts on every $\hat x_i$ with slope $-1/\sigma_\varepsilon$. It also acts on
# $\mathrm{Var}$, with slope
# $\partial\mathrm{Var}/\partial\mu = -\tfrac2D\sum_i (x_i-\mu) = 0$: the variance is smallest when
# it is taken around the mean, and at a minimum the slope is zero. So
#
# $$\frac{\partial L}{\partial \mu} = -\frac{1}{\sigma_\varepsilon}\sum_i u_i .$$

# %%
dmean = -u.sum() / sigma  # (D,) -> ()


def loss_of_mean(m):  # here Var follows m, so both ways through the mean are measured
    return loss(x, m, ((x - m) ** 2).mean())


measured = finite_difference_gradient(loss_of_mean, mean, 1e-5)
print(f"dmean {dmean:.4f}   measured {measured:.4f}")

# %% [markdown]
# ### Step 4 · Add the three paths
#
# Directly, $\partial\hat x_i/\partial x_i = 1/\sigma_\varepsilon$. Through the statistics,
# $\partial\mathrm{Var}/\partial x_i = \tfrac2D(x_i-\mu)$ and $\partial\mu/\partial x_i = \tfrac1D$:
#
# $$dx_i = \frac{u_i}{\sigma_\varepsilon}
# + \frac{\partial L}{\partial \mathrm{Var}}\cdot\frac{2(x_i-\mu)}{D}
# + \frac{\partial L}{\partial \mu}\cdot\frac1D .$$

# %%
from normlab.chapters.backward import GradientPaths, draw_gradient_paths

paths = GradientPaths(
    direct=u / sigma,
    through_variance=dvar * 2 * (x - mean) / D,
    through_mean=np.full(D, dmean / D),
)


def loss_of_token(x):
    mean = x.mean()  # (D,) -> ()
    return loss(x, mean, ((x - mean) ** 2).mean())


measured = finite_difference_gradient(loss_of_token, x, 1e-5)
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
# $$\boxed{\;dx = \frac{1}{\sigma_\varepsilon}\Big[\,u - \mathrm{mean}(u)
# - \hat x\;\mathrm{mean}(u\odot\hat x)\Big], \qquad u = dy\odot\gamma\;}$$

# %%
dx = (u - u.mean() - x_hat * (u * x_hat).mean()) / sigma

print("collapsed  ", dx.round(4))
print("error against the three paths is below 1e-14:", relative_error(dx, paths.total) < 1e-14)
print("error against differences is below 1e-8:     ", relative_error(dx, measured) < 1e-8)

# %% [markdown]
# ### Step 6 · Gain and shift
#
# $\gamma$ and $\beta$ are shared by all tokens. Their gradients are sums over the tokens:
#
# $$d\gamma = \sum_{\text{tokens}} dy\odot\hat x, \qquad d\beta = \sum_{\text{tokens}} dy .$$
#
# That is the whole backward pass. Here it is for a batch of tokens. Section 2 checks all three
# results.


# %%
def layer_norm_backward_by_hand(dy, x, gamma, eps=1e-5):
    centered = x - x.mean(-1, keepdims=True)  # (N, D) - (N, 1)
    sigma = np.sqrt((centered**2).mean(-1, keepdims=True) + eps)  # (N, D) -> (N, 1)
    x_hat, u = centered / sigma, dy * gamma
    mean_u, mean_ux = u.mean(-1, keepdims=True), (u * x_hat).mean(-1, keepdims=True)  # (N, 1)
    dx = (u - mean_u - x_hat * mean_ux) / sigma
    return dx, (dy * x_hat).sum(0), dy.sum(0)  # (N, D), then (N, D) -> (D,) twice


# %% [markdown]
# ## 2 · Is it right?
#
# ### Central differences, and the step to use
#
# The central difference $[L(x+h)-L(x-h)]/2h$ is off by $O(h^2)$, because the formula cuts off the
# Taylor series. That asks for a small $h$. But $L$ is rounded to about 16 digits in float64, and
# the rounding is divided by $2h$. That asks for a large $h$.

# %%
quiz("best-step")

# %%
from normlab import Table
from normlab.chapters.backward import sweep_steps

rows = []
for dtype, turn, end, bound in (("float64", 1e-4, 1e-14, 1e-9), ("float32", 1e-1, 1e-6, 1e-4)):
    sweep = sweep_steps(dtype)
    long_steps, short_steps = sweep.slope(1, turn), sweep.slope(turn / 100, end)
    best_guess = np.finfo(dtype).eps ** (1 / 3)
    holds = sweep.best()[1] < bound and 0.1 < sweep.best()[0] / best_guess < 10
    rows.append([dtype, f"{long_steps:.1f}", f"{short_steps:.1f}", f"{best_guess:.0e}", holds])
Table(("dtype", "slope, long h", "slope, short h", "(machine ε)^⅓", "best h near it"), rows)

# %% [markdown]
# (b). Long steps follow $h^2$: slope 2 on logarithmic axes. Short steps follow
# (machine $\varepsilon$)$/h$: slope $-1$. The two lines cross near
# $h = (\text{machine }\varepsilon)^{1/3}$. So the step of a gradient check depends on the dtype,
# and in float32 no step reaches more than about 5 digits. Check gradients in float64.
#
# **Try.** Move *step h* to the far right. The picture on the left shows the loss in units of $h$:
# at first it is curved, then straight, then a staircase of rounding. Change the dtype and look for
# the step at which the stairs begin.

# %%
from normlab.chapters.backward import explore_step_size

explore_step_size()

# %% [markdown]
# The stairs are plain at $h = 10^{-15}$ in float64 and at $10^{-6}$ in float32. Below $10^{-8}$ in
# float32 $x+h$ is rounded to $x$: the loss looks flat, and the error is 100 %.
#
# ### Four independent answers
#
# The derivation is now compared with differences, with torch's autograd, and with the two
# versions in the package. The batch has 12 tokens of 16 features, in float64.

# %%
import torch
import torch.nn.functional as F

from normlab import norms, torch_norms

rng = np.random.default_rng(0)
x2, dy2 = rng.standard_normal((12, 16)), rng.standard_normal((12, 16))
gamma2, beta2 = rng.standard_normal(16), rng.standard_normal(16)


def gradients_by_torch(layer_norm):
    inputs = [torch.tensor(a, requires_grad=True) for a in (x2, gamma2, beta2)]
    layer_norm(inputs[0], (16,), *inputs[1:]).backward(torch.tensor(dy2))
    return [a.grad.numpy() for a in inputs]


by_hand = layer_norm_backward_by_hand(dy2, x2, gamma2)
by_differences = [
    finite_difference_gradient(
        lambda x: (dy2 * norms.layer_norm(x, gamma2, beta2)).sum(), x2, 1e-5
    ),
    finite_difference_gradient(
        lambda g: (dy2 * norms.layer_norm(x2, g, beta2)).sum(), gamma2, 1e-5
    ),
    finite_difference_gradient(
        lambda b: (dy2 * norms.layer_norm(x2, gamma2, b)).sum(), beta2, 1e-5
    ),
]
others = {
    "central differences": (by_differences, 1e-8),
    "torch autograd": (gradients_by_torch(F.layer_norm), 1e-13),
    "normlab.norms": (norms.layer_norm_backward(dy2, x2, gamma2), 1e-13),
    "normlab.torch_norms": (gradients_by_torch(torch_norms.layer_norm), 1e-13),
}
rows = []
for name, (gradients, bound) in others.items():
    errors = [relative_error(a, b) for a, b in zip(by_hand, gradients, strict=True)]
    rows.append([name, f"{bound:.0e}", *("below" if e < bound else "ABOVE" for e in errors)])
Table(("by hand against", "bound on the error", "dx", "dγ", "dβ"), rows)

# %% [markdown]
# ### Cross out a term
#
# Two sums are known without any computation: $\sum_i dx_i$ and $\langle dx, x-\mu\rangle$ are 0, or
# nearly so. Section 3 says why.
#
# **Predict.** Which of the two laws breaks without the $\hat x$ term? And without the other one?

# %%
quiz("missing-mean-term")

# %%
mean_term, x_hat_term = u.mean(), x_hat * (u * x_hat).mean()
variants = {
    "all terms": (u - mean_term - x_hat_term) / sigma,
    "without mean(u)": (u - x_hat_term) / sigma,
    "without the x̂ term": (u - mean_term) / sigma,
    "without both": u / sigma,
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

# %% [markdown]
# Each term guards one law. Without $\mathrm{mean}(u)$ (answer a) the gradient no longer sums to 0.
# Without the $\hat x$ term it gains a part along $x-\mu$. So two sums tell which term is missing,
# without any reference to compare with.
#
# ### A bug of this kind
#
# In TinyTorch's transformer module (commit 0378da4) the standard deviation is computed from the raw
# data of the variance, outside the graph. The comment above it says that gradients are preserved.
# Here is the same mistake in torch: one `detach`.
#
# **Predict.** Does a gradient check on random input notice?

# %%
quiz("detached-std")


# %%
def layer_norm_detached(x, shape, weight, bias):
    centered = x - x.mean(-1, keepdim=True)  # (N, D) - (N, 1)
    std = (centered.square().mean(-1, keepdim=True) + 1e-5).sqrt()  # (N, D) -> (N, 1)
    return weight * centered / std.detach() + bias  # the bug


tensors = [torch.tensor(a) for a in (x2, gamma2, beta2)]
same = torch.allclose(
    layer_norm_detached(tensors[0], (16,), *tensors[1:]),
    F.layer_norm(tensors[0], (16,), *tensors[1:]),
)
wrong = gradients_by_torch(layer_norm_detached)
print("same output:", same)
print(
    "error of dx, dγ, dβ:",
    [f"{relative_error(a, b):.3f}" for a, b in zip(wrong, by_hand, strict=True)],
)

rows = []
for width in (4, 16, 64, 256, 1024):
    tokens, upstream = rng.standard_normal((2, 2000, width))
    right, _, _ = norms.layer_norm_backward(upstream, tokens)
    sigmas = tokens.std(-1, keepdims=True)  # (N, D) -> (N, 1)
    detached = (upstream - upstream.mean(-1, keepdims=True)) / sigmas  # (N, D)
    rows.append([width, f"{relative_error(detached, right):.2f}", f"{1 / np.sqrt(width - 2):.2f}"])
Table(("D", "error of dx", "1/√(D − 2)"), rows)

# %% [markdown]
# The output is the same, and $d\gamma$ and $d\beta$ are right. Only $dx$ is wrong. For random $u$
# the missing term is one direction against the $D-2$ that remain, so the error is $1/\sqrt{D-2}$.
# At $D=1024$ a check with a tolerance of 5 % passes. Small $D$ is the better test, and
# $\langle dx, x-\mu\rangle\approx0$ needs no reference at all.
#
# Xu et al. 2019 trained models with both statistics detached, on purpose ("DetachNorm").
# Their finding is that the derivatives of $\mu$ and $\mathrm{Var}$ matter more than the forward
# normalization itself.
#
# ### A gradient that must be zero
#
# **Predict.** With $\gamma = 1$, what does `layer_norm(x).sum().backward()` put into `x.grad`?
# And `layer_norm(x).square().sum()`?

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
    passed = (
        token.grad.norm() / (y.grad / token.std(-1, correction=0, keepdim=True)).norm()
    ).item()
    rows.append([name, f"{passed:.3f}" if passed > 1e-3 else "below 1e-3"])
Table(("loss", "‖dx‖ / ‖u/σ‖"), rows)

# %% [markdown]
# $\sum_i y_i$ is always 0 and $\sum_i y_i^2$ is always $D$ (up to $\varepsilon$). A constant has no
# slope. In the formula: $u = 1$ is all mean, and $u = 2\hat x$ is all $\hat x$ term. This was
# reported against PyTorch as a bug (issue 63541), and it is none. A test of a norm's backward pass
# needs an upstream gradient that is neither.
#
# ## 3 · What can never pass
#
# ### Two identities
#
# Sum the boxed formula over $i$: $\mathrm{mean}(\hat x)=0$, so
#
# $$\sum_i dx_i = 0 .$$
#
# Take its product with $x-\mu = \sigma_\varepsilon\hat x$ and use
# $\langle\hat x,\hat x\rangle = D\,\mathrm{Var}/\sigma_\varepsilon^2$. What remains is
#
# $$\langle dx, x-\mu\rangle
# = \frac{1}{\sigma_\varepsilon}\Big(1-\frac{\mathrm{Var}}{\mathrm{Var}+\varepsilon}\Big)
# \langle u,x-\mu\rangle
# = \frac{\varepsilon}{\sigma_\varepsilon^3}\,\langle u, x-\mu\rangle .$$
#
# The reason behind both: $\mathrm{LN}(x + b) = \mathrm{LN}(x)$ for every constant $b$, and
# $\mathrm{LN}$ does not see the length of $x-\mu$ when $\varepsilon = 0$. A direction that does not
# change the output gets no gradient.
#
# **Predict.** $\varepsilon$ grows from 0 to 1. Which identity breaks, the first or the second?

# %%
rows = []
for eps_now in (0.0, 1e-5, 1e-2, 1.0):
    dx, _, _ = norms.layer_norm_backward(dy, x, gamma, eps=eps_now)
    formula = eps_now / np.sqrt(var + eps_now) ** 3 * (u @ (x - mean))
    leak = dx @ (x - mean)  # (D,) @ (D,) -> ()
    leak = 0.0 if abs(leak) < 1e-14 else leak
    sums_to_0 = "yes" if abs(dx.sum()) < 1e-14 else "no"
    rows.append([f"{eps_now:g}", sums_to_0, f"{leak:.4g}", f"{formula:.4g}"])
Table(("ε", "|Σ dx| < 1e-14", "⟨dx, x − μ⟩ measured", "ε/σ³ ⟨u, x − μ⟩"), rows)

# %% [markdown]
# The second. The first holds for every $\varepsilon$, the second only for $\varepsilon = 0$. With
# the usual $\varepsilon = 10^{-5}$ the leak is of the size of $\varepsilon$.
#
# ### The upstream gradient in three parts
#
# So $u$ has three parts: along $\mathbf 1 = (1,\dots,1)$, along $\hat x$, and the rest. Layer norm
# removes the first two and divides the rest by $\sigma_\varepsilon$.
#
# **Try.** Turn $u$ from $\mathbf 1$ (0°) over "neither" (90°) to $\hat x$ (180°). Then choose
# RMSNorm: which part survives now? Then $\varepsilon = 1$: what happens at 180°? Then double the
# input's scale.

# %%
from normlab.chapters.backward import explore_upstream

explore_upstream()

# %% [markdown]
# RMSNorm lets the part along $\mathbf 1$ pass: it never subtracted a mean. With $\varepsilon=1$ and
# scale 1 a length of 1.00 of the 2.83 along $\hat x$ leaks through. With $\varepsilon=10^{-5}$
# doubling the scale halves everything that passes.
#
# ### The Jacobian
#
# Read as a matrix, the boxed formula says
#
# $$J = \frac{\partial\hat x}{\partial x}
# = \frac1{\sigma_\varepsilon}\Big(I - \tfrac1D\mathbf 1\mathbf 1^\top
# - \tfrac1D\hat x\hat x^\top\Big),
# \qquad J_{\mathrm{RMS}} = \frac1{r_\varepsilon}\Big(I - \tfrac1D\hat x\hat x^\top\Big),
# \quad r_\varepsilon = \sqrt{\mathrm{mean}(x^2)+\varepsilon}.$$
#
# Row $i$ of $J$ is the gradient of $\hat x_i$: the backward pass of $u = e_i$.
#
# **Predict.** What is the rank of $J$ for $D=8$ and $\varepsilon=0$, for layer norm and for
# RMSNorm?

# %%
dx_rows, _, _ = norms.layer_norm_backward(np.eye(D), np.tile(x, (D, 1)))  # (D, D)
formula = (np.eye(D) - np.ones((D, D)) / D - np.outer(x_hat, x_hat) / D) / sigma

print("equals the formula within 1e-14:", np.abs(dx_rows - formula).max() < 1e-14)
print("symmetric within 1e-14:         ", np.abs(dx_rows - dx_rows.T).max() < 1e-14)
with_gain = gamma[:, None] * dx_rows  # (D, 1) * (D, D)
print("symmetric with a gain γ:        ", np.abs(with_gain - with_gain.T).max() < 1e-14)

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

spectra = jacobian_spectra(features=8)
fig, ax = new_figure(height=2.8)
draw_spectra(spectra, ax)
spectra.table()

# %% [markdown]
# $D-2 = 6$ and $D-1 = 7$. The eigenvalues are 0 for each removed direction and
# $1/\sigma_\varepsilon$ for all others (the picture is multiplied by $\sigma_\varepsilon$). With
# $\varepsilon>0$ the direction $\hat x$ is not quite removed: its eigenvalue is
# $\varepsilon/(\sigma^2+\varepsilon)\cdot 1/\sigma_\varepsilon$, so
# $\tfrac12\cdot1/\sigma_\varepsilon$ for $\varepsilon=\sigma^2$. With a gain,
# $\partial y/\partial x = \mathrm{diag}(\gamma)J$, and the symmetry goes.
#
# ### The gradient shrinks as the input grows
#
# $\mathrm{LN}(a x)=\mathrm{LN}(x)$, so a token that is $a$ times longer has to move $a$ times
# further for the same effect.
#
# **Predict.** A token is multiplied by 10. By what factor does $\|dx\|$ change? And if it is
# multiplied by $10^{-4}$, with $\varepsilon=10^{-5}$?

# %%
from normlab.chapters.backward import draw_scale_sweep, sweep_scales

scaling = sweep_scales(epsilons=(1e-5, 1e-3))
fig, ax = new_figure(height=3.0)
draw_scale_sweep(scaling, ax)
print(f"slope for a ≥ 0.1, ε = 1e-5: {scaling.slope(1e-5, 0.1):.3f}")
print(f"1/√ε: {1 / np.sqrt(1e-5):.1f} and {1 / np.sqrt(1e-3):.1f}")
scaling.table()

# %% [markdown]
# 10 times smaller: slope $-1$. Below $a=\sqrt\varepsilon$ the gradient stops growing:
# $1/\sigma_\varepsilon$ cannot exceed $1/\sqrt\varepsilon = 316$. So $\varepsilon$ also bounds the
# backward pass.
#
# Xiong et al. 2020, Lemma 3, state this as $\|J_{\mathrm{LN}}(x)\|_2 = O(\sqrt D/\|x\|)$. It is
# one reason why pre-norm and post-norm behave differently (chapter 06). The exact value is
# $\|J\|_2 = 1/\sigma_\varepsilon$, and for $\varepsilon=0$ that is $\sqrt D/\|x-\mu\|$. Their
# setting is a model at initialization, whose features are random with mean near 0.
#
# **Predict.** Add a constant $m$ to every feature of a token with $\sigma = 1$. Does
# $\|J\|_2$ stay below $\sqrt D/\|x\|$?

# %%
rows = []
for offset in (0, 1, 10, 100):
    token = norms.layer_norm(rng.standard_normal(64), eps=0) + offset
    spectral = np.linalg.norm(layer_norm_jacobian(token, eps=0), 2)
    lemma = np.sqrt(64) / np.linalg.norm(token)
    rows.append([offset, f"{spectral:.3f}", f"{lemma:.3f}", f"{spectral / lemma:.1f}"])
Table(("offset m", "‖J‖₂", "√D/‖x‖", "ratio"), rows)

# %% [markdown]
# It does not. The ratio is $\sqrt{1+m^2/\sigma^2}$. The lemma holds with a constant that depends
# on the ratio of mean to standard deviation, near 1 in the lemma's own setting. With $\|x-\mu\|$
# in the place of $\|x\|$ it is an equality for every token.
#
# ## 4 · The geometry
#
# ### A plane and a sphere
#
# $\sum_i \hat x_i = 0$ is a hyperplane through the origin, orthogonal to $\mathbf 1$. Centring
# projects onto it. $\sum_i\hat x_i^2 = D$ is a sphere of radius $\sqrt D$. Dividing by $\sigma$
# moves each point along its ray onto that sphere. So layer norm puts all tokens on the place where
# plane and sphere meet, a sphere of dimension $D-2$. RMSNorm skips the plane and uses the whole
# sphere, of dimension $D-1$. These are the ranks of section 3: the Jacobian can only point along
# the surface.
#
# Brody, Alon and Yahav 2023 give this picture of projection and scaling, and study what each of the
# two does for the attention layer behind it.

# %%
quiz("outputs-in-three-dimensions")

# %%
tokens = rng.standard_normal((1000, 3)) * 2 + 5
y, z = norms.layer_norm(tokens, eps=0), norms.rms_norm(tokens, eps=0)
centred = tokens - tokens.mean(-1, keepdims=True)  # (N, D) - (N, 1)

print("LayerNorm  |sum of features| below 1e-12:", np.abs(y.sum(-1)).max() < 1e-12)
print("LayerNorm  lengths / √3: ", np.unique((np.linalg.norm(y, axis=-1) / np.sqrt(3)).round(9)))
print("RMSNorm    lengths / √3: ", np.unique((np.linalg.norm(z, axis=-1) / np.sqrt(3)).round(9)))
print(
    "LayerNorm = RMSNorm ∘ centring within 1e-12:",
    np.abs(y - norms.rms_norm(centred, eps=0)).max() < 1e-12,
)

# %% [markdown]
# (c), a circle.
#
# **Try.** Move *step* from 0 to 2 and watch the points fall on the plane and then run along it to
# the circle. Set *view* to 90° and the plane becomes a line. Set it to 0° and the circle is round.
# The triangles are $a\,p + b\,\mathbf 1$ of one token $p$, with $a>0$: where do they end? Then
# choose RMSNorm, and then $\varepsilon=1$.

# %%
from normlab.chapters.backward import explore_geometry

explore_geometry()

# %% [markdown]
# Layer norm takes all triangles to one point: it forgets the mean and the scale of a token. RMSNorm
# forgets only the scale, and the triangles stay apart. With $\varepsilon=1$ no point reaches the
# sphere, and the triangles stay apart under layer norm too.
#
# ### Two features, one feature
#
# **Predict.** A model has layer norm over $D=2$ features. How many different outputs can it give?
# And over $D=1$?

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

# %% [markdown]
# With $D=2$ the sphere $S^0$ is two points, $(1,-1)$ and $(-1,1)$: only the order of the two
# features is left. The rank of $J$ was 0 there. With $D=1$ layer norm returns $\beta$ whatever the
# input, and RMSNorm returns the sign.
#
# ### What $\varepsilon$ does to the radius
#
# From $\hat x = (x-\mu)/\sigma_\varepsilon$:
#
# $$\|\hat x\|^2 = D\,\frac{\mathrm{Var}}{\mathrm{Var}+\varepsilon}.$$
#
# **Predict.** A token has standard deviation 0.001 and $\varepsilon=10^{-5}$. Is its output near
# the sphere, or well inside?

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

# %% [markdown]
# Well inside: 0.3 of the radius, and 0.03 with Keras' default. The scale that layer norm should
# remove is still there for tokens whose standard deviation is not large against
# $\sqrt\varepsilon$. Chapter 03 goes on from here.
#
# ### A sentence of the seed text, tested
#
# > "the centering step in LayerNorm accounts for only a small fraction of its representational
# > value"
#
# Geometry can say what centring removes: one direction of $D$. How much of a *token* that is
# depends on the token.

# %%
width = 512
rows = []
for offset in (0.0, 0.1, 1.0, 10.0):
    tokens = rng.standard_normal((2000, width)) + offset
    share = width * tokens.mean(-1) ** 2 / (tokens**2).sum(-1)  # (N, D) -> (N,)
    cosine = (norms.layer_norm(tokens) * norms.rms_norm(tokens)).mean(-1)  # (N, D) -> (N,)
    rows.append([offset, f"{100 * share.mean():.1f} %", f"{cosine.mean():.3f}"])
Table(("mean / standard deviation", "squared length along 1", "cosine of LN(x) and RMS(x)"), rows)

# %% [markdown]
# **Verdict: imprecise.** For tokens with mean 0 centring removes about $1/D$ of the squared length,
# and the two norms agree. For tokens whose mean is as large as their spread it removes half. That
# centring is dispensable is a *hypothesis* of Zhang and Sennrich 2019 (section 4), tested there on
# trained models; neither it nor this experiment measures "representational value". Chapter 04
# returns to it.

# %% [markdown]
# ## The exercise
#
# Write the backward pass yourself: [exercise 02](../exercises/02_layer_norm_backward.ipynb). Its check
# tells apart a dropped mean, a γ that came too late, and a σ that was held constant.

# %% [markdown]
# ## Recap
#
# - $x_i$ reaches the loss by three paths: directly, through $\mu$, through $\mathrm{Var}$.
# - $dx = \frac1{\sigma_\varepsilon}[u-\mathrm{mean}(u)-\hat x\,\mathrm{mean}(u\odot\hat x)]$,
#   $u = dy\odot\gamma$; it agrees with autograd within $10^{-13}$ and with differences within
#   $10^{-8}$.
# - Central differences err by $h^2$ (slope 2) and by rounding over $h$ (slope $-1$); the best step
#   is near (machine $\varepsilon$)$^{1/3}$.
# - Missing $\mathrm{mean}(u)$ breaks $\sum dx=0$; a missing $\hat x$ term breaks $\langle
#   dx,x-\mu\rangle = \varepsilon/\sigma_\varepsilon^3\,\langle u,x-\mu\rangle$. With random $u$
#   the second error is only $1/\sqrt{D-2}$: 3 % at $D=1024$.
# - The Jacobian has rank $D-2$ (layer norm) and $D-1$ (RMSNorm); all other eigenvalues are
#   $1/\sigma_\varepsilon$.
# - An input 10 times larger gets a gradient 10 times smaller, down to $\sigma=\sqrt\varepsilon$.
# - Layer norm is a projection onto the plane $\mathbf 1^\perp$, then onto a sphere of radius
#   $\sqrt D$; with $D=2$ two points are left.
# - $\|\hat x\|^2 = D\,\mathrm{Var}/(\mathrm{Var}+\varepsilon)$: at standard deviation 0.001 the
#   radius is 30 %.
#
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
# Run the last cell to mark the chapter as read.

# %%
from normlab import chapter_read

chapter_read("02")
