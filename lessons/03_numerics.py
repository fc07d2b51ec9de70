# %% [markdown]
# # 03 · Numerics: ε, cancellation and dtype
#
# ## What you will be able to do
#
# - Say what $\varepsilon$ protects from, measure the $\varepsilon$ of a norm whose code you cannot
#   read, and tell when it changes the result.
# - Find by hand how many digits a subtraction leaves, and recognise the one variance formula that
#   loses them all.
# - Split a norm's error into the part that came with the input and the part the norm added.
# - Name the steps of a norm that must run in float32, and say in which order to cast.
# - Predict what a norm does with a zero vector, a constant row, one feature, two features, and 300
#   in float16.

# %% [markdown]
# ## 1. What ε is for
#
# Here is layer norm without gain and shift, as a formula:
#
# $$\hat x = \frac{x - \mu}{\sqrt{\operatorname{Var} + \varepsilon}}$$

# %%
from normlab import quiz

quiz("constant-row")

# %%
import numpy as np


def normalize(x, eps):
    centered = x - x.mean(-1, keepdims=True)
    return centered / np.sqrt((centered**2).mean(-1, keepdims=True) + eps)


rows = np.array([[0.0, 0.0, 0.0, 0.0], [3.0, 3.0, 3.0, 3.0], [1.0, 2.0, 3.0, 4.0]])
with np.errstate(invalid="ignore"):  # 0/0 is what this cell shows
    print("ε = 0:\n", normalize(rows, eps=0).round(3))
print("ε = 1e-5:\n", normalize(rows, eps=1e-5).round(3))

# %% [markdown]
# (d). A constant row has $x - \mu = 0$ and $\operatorname{Var} = 0$, so it is $0/0$. With any
# $\varepsilon > 0$ the row is $0/\sqrt\varepsilon = 0$, and after gain and shift it is $\beta$. The
# last row shows no trace of $\varepsilon$ in three digits: its variance is 1.25.
#
# The seed text gives $\varepsilon$ three words: *"for numerical stability"*. **Verdict:
# imprecise.** It prevents $0/0$. It also changes every output a little, and small inputs a lot.

# %% [markdown]
# ## 2. ε is a size: it decides which inputs count as small
#
# The root mean square (RMS) of a row says how large its entries are. Layer norm should bring it
# to 1.

# %%
quiz("small-row")

# %%
from normlab import Table
from normlab.chapters.numerics import EPSILONS
from normlab.norms import layer_norm, rms_norm

row = layer_norm(np.random.default_rng(0).standard_normal(512), eps=0)  # mean 0, std 1
stds, gap, table = (1, 0.02, 0.01, 0.001), 0, []
for name, eps in EPSILONS.items():
    measured = [np.sqrt((layer_norm(std * row, eps=eps) ** 2).mean()) for std in stds]
    formula = [np.sqrt(std**2 / (std**2 + eps)) for std in stds]
    gap = max(gap, np.abs(np.subtract(measured, formula)).max())
    table.append([name, f"{eps:.3g}", *(f"{v:.3f}" for v in measured)])
print("equal to √(Var/(Var + ε)), to 1e-12:", gap < 1e-12)
Table(("RMS of the output; default of", "ε", *(f"std {std:g}" for std in stds)), table)

# %% [markdown]
# (c). One formula gives the whole table:
#
# $$\lVert \hat x \rVert^2 = D \, \frac{\operatorname{Var}}{\operatorname{Var} + \varepsilon}$$
#
# $\varepsilon$ is compared with the *variance*, so the border lies at a standard deviation of
# $\sqrt\varepsilon$: 0.0032 for PyTorch, 0.032 for Keras. At the border the output has RMS
# $1/\sqrt 2$. To lose less than 1 % you need $\operatorname{Var} > 50\,\varepsilon$.
#
# The std of 0.02 is no exotic case. GPT's weights, embeddings included, start at it (Radford et
# al. 2018, §4.1). Under Keras' default such a row comes out at half its size.

# %% [markdown]
# ### Measure an ε
#
# `nn.RMSNorm` has `eps=None`. What is the number? Solve the formula for $\varepsilon$, and one
# output tells: $\varepsilon = \operatorname{mean}(x^2)/\operatorname{mean}(y^2) -
# \operatorname{mean}(x^2)$.
#
# **Predict.** In float16, is it (a) float16's machine epsilon, 9.8e-4 (b) float32's, 1.2e-7
# (c) 0?

# %%
import torch
from torch import nn


def measured_eps(norm, dtype):
    x = torch.tensor([[1e-4, -1e-4]], dtype=dtype)  # mean 0, so it serves both norms
    mean_square, output = x.double().square().mean(), norm(2, dtype=dtype)(x).double()
    return (mean_square / output.square().mean() - mean_square).item()


print(f"nn.LayerNorm  float32   {measured_eps(nn.LayerNorm, torch.float32):.1e}")
for dtype in (torch.float32, torch.float16, torch.bfloat16, torch.float64):
    name = str(dtype).removeprefix("torch.")
    print(f"nn.RMSNorm    {name:9} {measured_eps(nn.RMSNorm, dtype):.1e}")

# %% [markdown]
# (b). `None` means the machine epsilon of the dtype in which the mean square is *computed*, and
# half inputs are computed in float32. The documentation of PyTorch 2.13 says the same.
#
# The seed text offers a "*Custom RMSNorm for older PyTorch*" with `eps: float = 1e-6` in place of
# `nn.RMSNorm(512)`. **Verdict: imprecise.** The two agree on inputs of ordinary size. At a
# standard deviation of 0.001 the table above says 0.707 for one and 0.945 for the other.

# %% [markdown]
# ### Is layer norm scale invariant?
#
# **Predict.** Multiply the input by $a = -3$, and keep $\varepsilon$. The output
# (a) stays as it is (b) changes sign (c) changes sign, and changes a little

# %%
x = np.random.default_rng(1).standard_normal((100, 64))
table = []
for norm in (layer_norm, rms_norm):
    for a in (-3, 1e3, 1e-3):
        target = np.sign(a) * norm(x, eps=1e-5)
        kept = np.abs(norm(a * x, eps=1e-5) - target).max()
        scaled = np.abs(norm(a * x, eps=a**2 * 1e-5) - target).max()
        table.append([norm.__name__, a, f"{kept:.1e}", "yes" if scaled < 1e-12 else "no"])
Table(("norm", "a", "gap to sign(a)·norm(x), ε kept", "equal to 1e-12 with a²ε"), table)

# %% [markdown]
# (c). The exact law scales $\varepsilon$ along:
#
# $$\operatorname{norm}(a x,\; a^2\varepsilon)
# = \operatorname{sign}(a)\,\operatorname{norm}(x,\; \varepsilon)$$
#
# "Layer norm is scale invariant" is what remains of it while $\operatorname{Var} \gg \varepsilon$
# and $a > 0$. Dive into Deep Learning (chapter "Batch Normalization", on layer normalization) has
# $\text{LN}(x) \approx \text{LN}(\alpha x)$ "for any choice of $\alpha \neq 0$". For $\alpha < 0$ the
# sign is missing.

# %% [markdown]
# ## 3. Inside the root or outside
#
# Public code also has $(x-\mu)/(\sigma + \varepsilon)$: The Annotated Transformer with
# $\varepsilon = 10^{-6}$, and the RMSNorm authors' own PyTorch file. The same number does not mean
# the same thing there.

# %%
quiz("eps-outside")

# %%
from normlab.chapters.numerics import layer_norm_eps_outside


def rms(y):
    return f"{np.sqrt((y**2).mean()):.3f}"


eps = 1e-5
table = []
for std in (1, 1e-1, 1e-2, eps**0.5, 1e-3, 1e-4, 1e-5):
    x = std * row
    outside, outside_root = layer_norm_eps_outside(x, eps), layer_norm_eps_outside(x, eps**0.5)
    table.append([f"{std:.2g}", rms(layer_norm(x, eps=eps)), rms(outside), rms(outside_root)])
Table(("std of x", "√(Var + ε)", "σ + ε", "σ + √ε"), table)

# %% [markdown]
# (c). Outside the root $\varepsilon$ is compared with $\sigma$, so its border lies at a standard
# deviation of $10^{-5}$ and not at 0.0032. Only $\sigma + \sqrt\varepsilon$ has its border at the
# same place, and there it still gives 0.5 where the usual form gives 0.707. On inputs of std 1 the
# first two columns agree to five digits: a test on $N(0,1)$ data cannot tell them apart.
#
# **Explore.** Start at std 1e-3 and press the left arrow. Which library gives up last? Find the std
# at which each curve passes 0.707, and compare it with $\sqrt\varepsilon$. Then put $\varepsilon$
# outside: every curve moves left, from $\sqrt\varepsilon$ to $\varepsilon$.

# %%
from normlab.chapters.numerics import explore_epsilon

explore_epsilon()

# %% [markdown]
# ## 4. A nearly constant row has a large gradient
#
# The backward pass divides by $\sqrt{\operatorname{Var} + \varepsilon}$ (chapter 02). Make the row
# ten times smaller, and the gradient that arrives at it is ten times larger.
#
# **Predict.** How far does this go with $\varepsilon = 10^{-5}$? (a) without limit (b) to about 316
# (c) to 100,000

# %%
from normlab.chapters.numerics import gradient_sweep

stds = [1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7]
gradients_by_eps = gradient_sweep(stds)
gradients_by_eps.table()

# %%
from normlab.chapters.numerics import draw_gradient_sweep
from normlab.pictures import new_figure

figure, ax = new_figure(height=3.6)
draw_gradient_sweep(gradients_by_eps, ax)

# %% [markdown]
# (b). The entries are $\lVert dx \rVert / \lVert dy \rVert$ for a random $dy$. In the log-log
# picture each line climbs with slope −1, as $1/\sigma$, and turns flat at $1/\sqrt\varepsilon$: 32
# for Keras, 316 for PyTorch, a million for BERT. A smaller $\varepsilon$ keeps the output closer to
# RMS 1 and lets more gradient through. That is the trade.
#
# The extreme case is the zero vector. RMSNorm's output is 0, so nothing looks wrong:

# %%
x = torch.zeros(1, 4, requires_grad=True)
y = nn.RMSNorm(4)(x)
y.sum().backward()
print("output:  ", y.tolist()[0])
print("gradient:", [round(g) for g in x.grad.tolist()[0]])
print("1/√ε:    ", round((2.0**-23) ** -0.5))

# %% [markdown]
# ## 5. Two formulas for one variance
#
# $$\operatorname{Var} = \operatorname{mean}\big((x-\mu)^2\big) = \operatorname{mean}(x^2) - \mu^2$$
#
# The right form needs one pass over the data instead of two. On paper they are equal.
#
# **Predict** for two rows: the one of the question, and $x = (10001, 10003)$, which also has
# variance 1.

# %%
quiz("one-pass-variance")


# %%
def show_one_pass(a, b):
    x = np.array([a, b], np.float32)
    squares = x * x
    print(f"x = ({a}, {b})")
    print(f"  x² on paper    {a**2:,}  {b**2:,}")
    print(f"  x² in float32  {int(squares[0]):,}  {int(squares[1]):,}")
    print(f"  mean(x²) − μ²  {int(squares.mean()):,} − {int(x.mean() ** 2):,}", end=" = ")
    print(f"{squares.mean() - x.mean() ** 2:.0f}")


show_one_pass(9999, 10001)
show_one_pass(10001, 10003)
print("distance between neighbouring float32 numbers at 1e8:", np.spacing(np.float32(1e8)))

# %% [markdown]
# First (c), then (d). A float32 number has 24 binary digits, about 7.2 decimal ones. The squares
# need 9, so each is rounded to a multiple of 8. The variance, 1, sat in the digits that were
# rounded away. The subtraction itself is exact: it only uncovers what was lost before. This is
# **cancellation**. With offset $\mu$ and standard deviation $\sigma$ it costs
# $2\log_{10}(\mu/\sigma)$ decimal digits: here 8, of 7.2.
#
# How coarse each dtype is at each size:

# %%
DTYPES = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}  # significant bits


def spacing(value, dtype):
    if value > torch.finfo(getattr(torch, dtype)).max:
        return "too large"
    return f"{2.0 ** (np.floor(np.log2(value)) + 1 - DTYPES[dtype]):.6g}"


table = [[f"{v:,}", *(spacing(v, d) for d in DTYPES)] for v in (1, 100, 10**4, 10**6, 10**8)]
Table(("spacing at", *DTYPES), table)

# %% [markdown]
# ### A thousand rows
#
# **Predict.** 1000 rows of 512 numbers from $N(0,1)$, plus an offset of 10,000. Of how many rows is
# the one-pass variance in float32 negative? (a) none (b) about 1 in 100 (c) about 1 in 3

# %%
noise = np.random.default_rng(0).standard_normal((1000, 512))
table = []
for offset in (1e2, 1e3, 1e4, 1e5):
    x = (noise + offset).astype(np.float32)
    one_pass = (x * x).mean(-1) - x.mean(-1) ** 2
    two_pass = ((x - x.mean(-1, keepdims=True)) ** 2).mean(-1)
    span = [f"{v.min():,.4g} to {v.max():,.4g}" for v in (one_pass, two_pass)]
    table.append([f"{offset:,.0f}", *span, f"{one_pass[0]:,.4g}", f"{two_pass[0]:,.4g}"])
    table[-1].append(f"{(one_pass < 0).mean():.0%}")
Table(("offset", "one pass", "two pass", "row 0: one pass", "row 0: two pass", "negative"), table)

# %% [markdown]
# (c). The spread of 0.84 to 1.26 in the two-pass column is the rows' own: 512 random numbers do not
# have variance exactly 1. At offset 1,000 the one-pass value is a multiple of 1/16, the spacing at
# $10^6$; at 10,000 a multiple of 8; at 100,000 a multiple of 1,024. Which multiple a row gets is
# chance. A negative variance has no root: the row becomes NaN.

# %% [markdown]
# ### One pass that works
#
# Two old remedies read the data once and stay accurate. **Shift** first: the variance does not
# change if you subtract any number, so subtract the row's first entry. Or **update** a mean, so that
# nothing large is ever squared (Welford 1962): for each new $x_k$,
#
# $$\delta = x_k - m, \qquad m \leftarrow m + \delta/k, \qquad S \leftarrow S + \delta\,(x_k - m)$$
#
# and at the end $\operatorname{Var} = S/D$. The same four numbers in float32:

# %%
x = np.array([10001, 10003, 9999, 9997], np.float32)
mean = squares = np.float32(0)
for k, value in enumerate(x, start=1):
    delta = value - mean
    mean = mean + delta / np.float32(k)
    squares = squares + delta * (value - mean)
    print(f"x = {value:.0f}   m = {mean:9.3f}   S = {squares:.3f}")
shifted = x - x[0]
print("Welford: ", squares / 4)
print("shifted: ", (shifted * shifted).mean() - shifted.mean() ** 2)
print("one pass:", (x * x).mean() - x.mean() ** 2, "  true:", x.astype(np.float64).var())

# %% [markdown]
# Now all four formulas over six decades of offset, on 100 rows of 512 numbers. The error is
# measured against the exact variance of the numbers *as stored*.
#
# **Predict.** The offset grows tenfold. How does the worst relative error of each grow? For each of
# the four: (a) 100 times (b) 10 times (c) not at all

# %%
from normlab.chapters.numerics import variance_sweep

sweep = variance_sweep(np.float32, offsets=np.geomspace(1, 1e6, 13).tolist())
decades = [sweep.index(offset) for offset in (10, 1e2, 1e3, 1e4, 1e5, 1e6)]
Table(
    ("worst relative error at offset", *(f"{sweep.offsets[i]:,.0f}" for i in decades)),
    [[name, *(f"{sweep.worst_error(name)[i]:.0e}" for i in decades)] for name in sweep.computed],
)

# %%
from normlab.chapters.numerics import draw_variance_errors

figure, ax = new_figure(height=3.8)
draw_variance_errors(sweep, ax)

# %% [markdown]
# With $u = 6\cdot10^{-8}$ (half the spacing at 1) and $\kappa \approx \mu/\sigma$, theory (Chan,
# Golub & LeVeque 1983) and picture say the same:
#
# | formula | error grows like | slope |
# |---|---|---|
# | one pass | $u\,\kappa^2$ | 2, from the first decade on |
# | Welford | $u\,\kappa$ | 1 |
# | two pass | $u + (u\,\kappa)^2$ | 0, then 2 when $\kappa$ passes $1/\sqrt u \approx 4000$ |
# | shifted | $u$ | 0: the first entry is as good a centre as any |
#
# Above the black line at 1 the result has no correct digit. One-pass reaches it at an offset of
# 3,000. Welford loses one digit per decade, because its running mean is rounded at each step.
#
# **Explore.** Left is the input as it is stored, right the range of each formula's result over 100
# rows. Take float32 and move the offset from 0 to 1,000,000: the one-pass bar enters the shaded side.
# Take float64: one pass holds here, since $u = 10^{-16}$; by the rule $u\kappa^2$ it fails from
# $10^8$ on. Take float16 and look *left* at 1,000 and at 10,000: no formula can find what the dtype
# did not store.

# %%
from normlab.chapters.numerics import explore_variance

explore_variance()

# %% [markdown]
# ### Who does it
#
# Two public implementations use the one-pass form, with different outcomes.
#
# - The LayerNorm of the "annotated implementations" by labml.ai computes
#   `var = mean_x2 - mean ** 2` and takes the root of `var + eps`
#   (`labml_nn/normalization/layer_norm/__init__.py`).
# - Flax's `LayerNorm` has `use_fast_variance=True` by default, "a faster, but less numerically
#   stable, calculation", and clips the result at 0 (`flax/linen/normalization.py`,
#   `_compute_stats`). Its $\varepsilon$ is $10^{-6}$.
#
# Both formulas, rewritten in float32 NumPy, on the 1000 rows from above.
#
# **Predict.** At offset 10,000, what does clipping at 0 do to a row whose variance came out
# negative? (a) mends it (b) sets it to 0 (c) multiplies it by 1,000

# %%
table = []
for offset in (0, 1e3, 1e4):
    x = (noise + offset).astype(np.float32)
    centered = x - x.mean(-1, keepdims=True)
    var = (x * x).mean(-1, keepdims=True) - x.mean(-1, keepdims=True) ** 2
    with np.errstate(invalid="ignore"):  # the root of a negative number is what this cell shows
        unclipped = centered / np.sqrt(var + np.float32(1e-6))
    clipped = centered / np.sqrt(np.maximum(var, 0) + np.float32(1e-6))
    two_pass = normalize(x, eps=np.float32(1e-6))
    exact = normalize(x.astype(np.float64), eps=1e-6)
    nan_rows = f"{np.isnan(unclipped).any(-1).mean():.0%}"
    errors = [f"{np.abs(y - exact).max():,.1g}" for y in (clipped, two_pass)]
    table.append([f"{offset:,.0f}", nan_rows, f"{np.abs(clipped).max():,.1f}", *errors])
columns = (
    "offset",
    "unclipped: NaN rows",
    "clipped: largest output",
    "its error",
    "two pass: error",
)
Table(columns, table)

# %% [markdown]
# (c): $1/\sqrt{\varepsilon} = 1000$. NaN is loud. Clipping turns it into outputs in the thousands,
# in silence. Only $\kappa = |\mu|/\sigma$ of a row decides whether this concerns you. Look at
# `abs(x.mean(-1)) / x.std(-1)` of your own activations: below 10 the one-pass form in float32 still
# has four digits.

# %% [markdown]
# ## 6. Whose error is it?
#
# **Predict.** PyTorch's layer norm in float32, rows $N(0,1)$ plus $10^6$: the output is wrong by
# about 0.1. Who caused it? (a) the input, rounded to multiples of 1/16 before the norm saw it
# (b) the norm (c) both, the norm more
#
# The trick is to compare twice in float64: once from the numbers before they were rounded, once from
# the numbers as stored. Their difference is the input's part. What remains is the norm's.

# %%
import torch.nn.functional as F


def bound(y, exact):
    worst = np.abs(y - exact).max()
    return next(f"< {limit:g}" for limit in (2e-6, 1e-3, 1e-2, 1) if worst < limit)


table, larger = [], []
for offset in (0, 1e3, 1e4, 1e6):
    before = noise[:256] + offset  # float64
    x = before.astype(np.float32)
    stored = x.astype(np.float64)
    exact, mean = layer_norm(stored), stored.mean(-1, keepdims=True)
    by_torch = F.layer_norm(torch.from_numpy(x), (512,)).numpy()
    once = normalize(x, eps=np.float32(1e-5))
    twice = normalize(x - x.mean(-1, keepdims=True), eps=np.float32(1e-5))  # centres again
    parts = np.abs(layer_norm(before) - exact), np.abs(mean.astype(np.float32) - mean)
    errors = [bound(y, exact) for y in (by_torch, once, twice, layer_norm(x))]
    table.append([f"{offset:,.0f}", *(f"{part.max():.0e}" for part in parts), *errors])
    larger.append(bool(np.abs(by_torch - exact).max() > parts[0].max()))
print("nn.LayerNorm's error is larger than the input's part at every offset:", all(larger))
columns = ("offset", "input rounded", "best mean rounded", "nn.LayerNorm", "two pass")
Table((*columns, "centred twice", "ours"), table)

# %% [markdown]
# (c). The first column is no fault of any norm. The second is what even a perfect mean loses when
# it is written down in float32: half a spacing. Every norm that stores $\mu$ in the input's dtype
# and subtracts it once pays about that, whatever its algorithm. `nn.LayerNorm` and the two-pass
# formula of section 1 pay alike, and more than the input's rounding did.
#
# The next column shows that this part can be had back. After one subtraction the numbers are small,
# so their mean can be taken again, this time precisely, and subtracted again. `normlab.norms` does
# so where the first mean left more than a rounding behind, `normlab.torch_norms` always.

# %% [markdown]
# ### The second job of ε
#
# **Predict.** A constant row, all entries 1000.1, in float32. Two-pass layer norm with BERT's
# $\varepsilon = 10^{-12}$ gives (a) 0 (b) about 0.02 (c) about 1

# %%
constant = np.full((1, 768), 1000.1, np.float32)
noise_of_mean = constant - constant.mean(-1, keepdims=True)
print(f"x − μ = {noise_of_mean[0, 0]:.1e}, spacing at 1000: {spacing(1000, 'float32')}")
for eps in (1e-5, 1e-12, 0):
    y = normalize(constant, eps=np.float32(eps))
    by_torch = F.layer_norm(torch.from_numpy(constant), (768,), eps=eps)
    print(f"ε = {eps:<6g}   two pass: {abs(y[0, 0]):.2f}   torch: {abs(by_torch[0, 0]):.2f}")

# %% [markdown]
# (c). The mean of 768 equal numbers is off by one rounding. So $x - \mu$ is not 0 but a tiny number,
# the same for all features, and divided by its own size it becomes 1. With $\varepsilon = 0$ there
# is not even a NaN to warn you. So $\varepsilon$ has a second job: it must be larger than the
# *noise* in the variance, about (spacing at $\mu$)². At 1000, $10^{-5}$ is, and $10^{-12}$ is not.
# PyTorch's mean is an updated one, as in Welford's algorithm, and that is exact on a constant row.
# Centring twice gives 0 as well.

# %% [markdown]
# ## 7. dtype: range and spacing
#
# A half-precision number has 16 bits. float16 spends 5 of them on the exponent, bfloat16 spends 8.

# %%
table = []
for name, bits in DTYPES.items():
    info = torch.finfo(getattr(torch, name))
    table.append([name, bits, f"{info.eps:.2g}", f"{info.max:.3g}", f"{info.tiny:.2g}"])
Table(("dtype", "significant bits", "spacing at 1", "largest", "smallest normal"), table)

# %% [markdown]
# The largest float16 is 65,504, and a norm squares its input.

# %%
quiz("naive-float16")

# %%
x = np.full((1, 8), 300, np.float16)
with np.errstate(over="ignore"):  # the overflow is what this cell shows
    squares = x * x
    naive = x / np.sqrt(squares.mean(-1, keepdims=True) + np.float16(1e-6))
print("float16, naive:      x² =", squares[0, 0], " y =", naive[0, 0])
print("float16, ours:       y =", rms_norm(x)[0, 0])
print("float16, F.rms_norm: y =", F.rms_norm(torch.from_numpy(x), (8,))[0, 0].item())
print("float16 of 1e-12 is", np.float16(1e-12), "and of 1e-4, squared,", np.float16(1e-4) ** 2)
huge = torch.full((1, 8), 1e20, dtype=torch.bfloat16)
print("bfloat16, 1e20, F.rms_norm: y =", F.rms_norm(huge, (8,))[0, 0].item())
print("divided by its largest:     y =", F.rms_norm(huge / huge.max(), (8,))[0, 0].item())

# %% [markdown]
# (d). float16 ends at 65,504, so squares overflow from 256 on, and $300/\infty = 0$: a wrong answer
# without a NaN. Small inputs fail too: $(10^{-4})^2$ is 0, and so is BERT's $\varepsilon$ itself.
# Statistics in float32 mend all three.
#
# bfloat16 has float32's range, so its squares can overflow *in float32*, above $1.8\cdot10^{19}$.
# The last line shows a remedy: by the scaling law of section 2 a norm may first divide its input by
# anything. CogView's layer norm does so in float16, by $\max|x|/8$ (Ding et al. 2021).

# %% [markdown]
# ## 8. A sum that stops growing
#
# **Predict.** Start at 0 in float16 and add 1, 4096 times. You get (a) 4096 (b) 2048 (c) infinity.
# And in bfloat16?

# %%
ones = np.ones(4096, np.float16)
print("float16, running sum: ", int(np.cumsum(ones)[-1]))
print("float16, np.sum:      ", int(ones.sum()))
print("float16, 2048 + 1:    ", int(np.float16(2048) + np.float16(1)))
total = torch.zeros((), dtype=torch.bfloat16)
for _ in range(4096):
    total += 1
print("bfloat16, running sum:", int(total))

# %% [markdown]
# (b), and 256 in bfloat16. With 11 significant bits the neighbour of 2048 is 2050; 2049 lies in the
# middle and is rounded back. `np.sum` gives 4096 because NumPy adds float16 in float32 and rounds
# once. The dtype of the *accumulator* decides, not that of the terms.
#
# **Explore.** Does a smaller term help? Move the slider. With one running sum, bfloat16 always stops
# between 256 and 512 terms and float16 between 2048 and 4096, whatever the term. Then choose partial
# sums: nothing stalls within 8192 terms. Now look at what bfloat16's last sum is worth at terms of
# 0.75 and 0.3.

# %%
from normlab.chapters.numerics import explore_repeated_sums

explore_repeated_sums()

# %% [markdown]
# ### Forward in bfloat16
#
# **Predict.** All steps of layer norm in bfloat16, against statistics in float32 and one rounding at
# the end: how much larger is the error of the first? (a) equal (b) about 2 times (c) 100 times

# %%
from normlab import torch_norms

rng = np.random.default_rng(2)


def bfloat16(*shape, mean=0.0, std=1.0):
    return torch.from_numpy(rng.normal(mean, std, shape)).bfloat16()


def error(y, exact):
    return ((y.double() - exact).norm() / exact.norm()).item()


x = bfloat16(1024, 768)
gamma, beta = bfloat16(768, mean=1, std=0.2), bfloat16(768, std=0.2)
exact = F.layer_norm(x.double(), (768,), gamma.double(), beta.double())
centered = x - x.mean(-1, keepdim=True)
variance = centered.square().mean(-1, keepdim=True)
outputs = {
    "every step in bfloat16": centered / (variance + 1e-5).sqrt() * gamma + beta,
    "F.layer_norm": F.layer_norm(x, (768,), gamma, beta),
    "normlab.torch_norms": torch_norms.layer_norm(x, 768, gamma, beta),
    "float64, rounded once": exact.bfloat16(),
}
table = []
for name, y in outputs.items():
    not_nearest = (y != exact.bfloat16()).double().mean()
    table.append([name, f"{error(y, exact):.4f}", f"{not_nearest:.1f}"])
Table(("layer norm in bfloat16", "relative error", "share that is not the nearest"), table)

# %% [markdown]
# (b). One rounding to 8 bits costs 0.0017, and no bfloat16 result can be better. The naive chain
# pays several roundings, and half of its outputs are not the nearest number. With statistics in
# float32 the result is as good as one rounded from float64.
#
# ### What comes out
#
# A norm that computes in float32 has to come back from there.

# %%
quiz("dtype-of-the-output")

# %%
for name, y in {
    "x.float() * γ": x.float() * gamma,
    "F.layer_norm": F.layer_norm(x, (768,), gamma, beta),
}.items():
    print(f"{name:14} {y.dtype}")

# %% [markdown]
# (b). float32 is the right dtype for the statistics and the wrong one for the output. `F.layer_norm`
# returns the dtype of its input. So a cast back is due; the question is when.
#
# ### Cast before the gain, or after?
#
# LLaMA's RMSNorm casts $\hat x$ back to the input's dtype and *then* multiplies by $\gamma$. Gemma
# and gpt-oss multiply in float32 and cast last.
#
# **Predict.** In bfloat16, in how many outputs do the two differ? (a) none (b) a quarter (c) all

# %%
table = []
for dtype in (torch.bfloat16, torch.float16):
    x, gamma = bfloat16(4096, 256).to(dtype), bfloat16(256, mean=1, std=0.2).to(dtype)
    exact = F.rms_norm(x.double(), (256,), gamma.double(), 1e-6)
    normalized = F.rms_norm(x.float(), (256,), None, 1e-6)
    before = normalized.to(dtype) * gamma
    after = (normalized * gamma.float()).to(dtype)
    differ = f"{(before != after).double().mean():.0%}"
    torch_casts = "after" if torch.equal(after, F.rms_norm(x, (256,), gamma, 1e-6)) else "before"
    table.append([str(dtype), *(f"{error(y, exact):.1e}" for y in (before, after)), differ])
    table[-1].append(torch_casts)
Table(("dtype", "error, cast before γ", "error, cast after γ", "differ", "F.rms_norm casts"), table)

# %% [markdown]
# (b). Two roundings instead of one: the error is $\sqrt 2$ times as large. Small, but it shows when
# you compare your port of a model with the original number by number. Then the order must be the
# original's.

# %% [markdown]
# ## 9. Backward in bfloat16: dγ and dβ are long sums
#
# $d\gamma = \sum dy \odot \hat x$ and $d\beta = \sum dy$ run over all tokens of a batch. Eight
# sequences of 4096 tokens make 32,768 rows.
#
# **Predict.** PyTorch's layer norm on the CPU, bfloat16, 32,768 rows. How wrong is $d\beta$?
# (a) 0.2 %, one rounding (b) 2 % (c) about 20 %

# %%
from normlab.tools import one_thread


def gradients(norm, x, dy):
    norm(x).backward(dy)
    return norm.weight.grad, norm.bias.grad


table = []
with one_thread():  # several threads sum a part each, and err a little less
    for count in (128, 4096, 32768):
        x, dy = bfloat16(count, 64), bfloat16(count, 64)
        exact = gradients(nn.LayerNorm(64, dtype=torch.float64), x.double(), dy.double())
        by_torch = gradients(nn.LayerNorm(64, dtype=torch.bfloat16), x, dy)
        ours = gradients(torch_norms.LayerNorm(64, dtype=torch.bfloat16), x, dy)
        torch_errors = [f"{error(*pair):.0%}" for pair in zip(by_torch, exact, strict=True)]
        our_errors = [f"{error(*pair):.1%}" for pair in zip(ours, exact, strict=True)]
        table.append([f"{count:,}", *torch_errors, *our_errors])
Table(("rows", "nn.LayerNorm dγ", "dβ", "normlab.torch_norms dγ", "dβ"), table)

# %% [markdown]
# (c). And ours: one rounding, at any number of rows. The difference is the accumulator. Here are
# both, rebuilt, on the last data of the table:

# %%
running = torch.zeros(64, dtype=torch.bfloat16)
for row_of_dy in dy:
    running += row_of_dy
in_float32 = dy.float().sum(0).bfloat16()
print("running sum in bfloat16 = PyTorch's dβ, bit for bit:", torch.equal(running, by_torch[1]))
print("float32, rounded once = ours, bit for bit:          ", torch.equal(in_float32, ours[1]))

# %% [markdown]
# These terms have both signs, so the sum does not stall, it wanders. After $n$ rows it is of size
# $\sqrt n$, its spacing is about $\sqrt n/128$, and each addition is rounded to that spacing. The
# relative error therefore grows like $\sqrt n$. From 128 to 32,768 rows, 256 times as many, that
# makes 16 times the error, about what the table shows.
#
# The buffer of the sums has the input's dtype (`aten/src/ATen/native/cpu/layer_norm_kernel.cpp`), so
# a float32 $\gamma$ does not help. A float32 input does: `F.layer_norm(x.float(), …)`.

# %% [markdown]
# ## 10. The edge cases, side by side
#
# Each row runs both implementations now; ours is `normlab.norms`, on NumPy.
#
# **Predict** three of them before you run: layer norm of one feature, $D = 1$; layer norm of
# $(3, 7)$; RMSNorm of $(-3)$.

# %%
from normlab.norms import layer_norm_backward, rms_norm_backward

ours = {"LN": (layer_norm, layer_norm_backward), "RMS": (rms_norm, rms_norm_backward)}
torchs = {"LN": F.layer_norm, "RMS": F.rms_norm}


def shown(y, dx):
    numbers = ", ".join(f"{v + 0.0:.2f}" for v in y.astype(float))
    return numbers, f"{np.abs(dx.astype(float)).max():.2f}"


zeros, eps, none = np.zeros(4, np.float32), 1e-5, 2.0**-23
cases = [
    ("zero vector", "LN", zeros, eps),
    ("zero vector, ε = None", "RMS", zeros, none),
    ("zero vector, ε = 0", "LN", zeros, 0),
    ("zero vector, ε = 0", "RMS", zeros, 0),
    ("constant row of 3", "LN", zeros + 3, eps),
    ("constant row of 3", "RMS", zeros + 3, eps),
    ("D = 1: −3", "LN", np.float32([-3]), eps),
    ("D = 1: −3", "RMS", np.float32([-3]), eps),
    ("D = 2: 3, 7", "LN", np.float32([3, 7]), eps),
    ("D = 2: 3, 7", "RMS", np.float32([3, 7]), eps),
    ("offset 1e6: 0, 4, 8, 12", "LN", np.float32([0, 4, 8, 12]) + np.float32(1e6), eps),
    ("float16: 300, −300", "RMS", np.float16([300, -300]), eps),
]
table = []
for name, norm, x, eps in cases:
    forward, backward = ours[norm]
    dy = np.eye(len(x), dtype=x.dtype)[0]  # the gradient of the first output
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 belongs to the list
        by_ours = shown(forward(x, eps=eps), backward(dy, x, eps=eps)[0])
    leaf = torch.from_numpy(x).requires_grad_()
    y = torchs[norm](leaf, x.shape, eps=eps)
    y[0].backward()
    by_torch = shown(y.detach().numpy(), leaf.grad.numpy())
    table.append([name, norm, *by_ours, *by_torch])
Table(("input", "norm", "normlab.norms", "max |dx|", "torch", "max |dx|"), table)

# %% [markdown]
# - **One feature.** $x - \mu = 0$, so layer norm always gives $\beta$: the input is lost. RMSNorm
#   keeps the sign.
# - **Two features.** Layer norm gives ±1 for every pair: only the order survives. It acts on
#   $D - 2$ dimensions (chapter 02).
# - **Constant rows.** Layer norm gives $\beta$, RMSNorm gives ±1. Layer norm's gradient there is
#   $1/\sqrt\varepsilon = 316$ times a vector of mean 0, here $(0.75, -0.25, -0.25, -0.25)$.
# - **ε = 0.** NaN for the zero vector, forward and backward, in both norms and both libraries.

# %% [markdown]
# ## The exercise
#
# What this chapter showed is asked in two exercises. [Exercise 01](../exercises/01_layer_norm.ipynb) must
# hold far from 0 and in float16. In exhibit 2 of [the bug museum](../exercises/08_bug_museum.ipynb) you
# find an input on which a one-pass variance fails, and mend it.

# %% [markdown]
# ## Recap
#
# - $\varepsilon$ prevents $0/0$, and it is a size: $\lVert\hat x\rVert^2 = D\operatorname{Var}/
#   (\operatorname{Var}+\varepsilon)$. At std 0.001 the output's RMS is 0.302 under $10^{-5}$ and
#   0.032 under Keras' $10^{-3}$.
# - The exact law is $\operatorname{norm}(ax, a^2\varepsilon) = \operatorname{sign}(a)
#   \operatorname{norm}(x, \varepsilon)$. Outside the root $\varepsilon$ means something else: RMS
#   0.997 where inside gives 0.707.
# - The gradient at a nearly constant row grows to $1/\sqrt\varepsilon$: 316 for layer norm's
#   $10^{-5}$, 2896 for `nn.RMSNorm`'s None = 1.19e-7.
# - $\operatorname{mean}(x^2)-\mu^2$ loses $2\log_{10}(\mu/\sigma)$ digits. At offset 10,000 in
#   float32, 32 % of the rows have a negative variance. Two passes, Welford and shifted data hold.
# - At offset $10^6$ the input's rounding costs 0.04 and a rounded mean more; centring twice takes the
#   norm's part back to about $10^{-6}$.
# - float16 squares overflow from 256 on; a bfloat16 running sum of ones stops at 256. Statistics in
#   float32, one rounding at the end: error 0.0017 instead of 0.0039.
# - PyTorch's bfloat16 $d\beta$ on the CPU is a running sum in bfloat16: about 20 % off at 32,768
#   rows, below 0.2 % when summed in float32.
#
# ## Sources
#
# - Ba, Kiros & Hinton 2016, *Layer Normalization*, arXiv:1607.06450; Zhang & Sennrich 2019, *Root
#   Mean Square Layer Normalization*, arXiv:1910.07467, Eq. 4.
# - Chan, Golub & LeVeque 1983, *Algorithms for Computing the Sample Variance: Analysis and
#   Recommendations*, The American Statistician 37(3).
# - Welford 1962, *Note on a Method for Calculating Corrected Sums of Squares and Products*,
#   Technometrics 4(3).
# - Higham 2002, *Accuracy and Stability of Numerical Algorithms*, 2nd edition, §1.7 (cancellation)
#   and §1.9 (computing the sample variance).
# - Micikevicius et al. 2018, *Mixed Precision Training*, arXiv:1710.03740, §3.3: large reductions,
#   such as the statistics of batch norm, in float32, on float16 inputs and outputs.
# - Radford et al. 2018, *Improving Language Understanding by Generative Pre-Training*, §4.1; Ding et
#   al. 2021, *CogView*, arXiv:2105.13290.
# - PyTorch 2.13: `torch.nn.LayerNorm`, `torch.nn.RMSNorm`,
#   `aten/src/ATen/native/cpu/layer_norm_kernel.cpp`. Flax: `flax/linen/normalization.py`. labml.ai:
#   `labml_nn/normalization/layer_norm/__init__.py`. The Annotated Transformer (Harvard NLP), class
#   `LayerNorm`. Dive into Deep Learning, chapter "Batch Normalization".
#
# {{ next chapter }}

# %% [markdown]
# Run the last cell to mark the chapter as read.

# %%
from normlab import chapter_read

chapter_read("03")
