# %% [markdown]
# # 03 · Numerics: ε, cancellation and dtype
#
# ## What you will be able to do
#
# - Say what $\varepsilon$ protects from, and tell when it changes the result.
# - Say what a nearly constant row does to the gradient.
# - Find by hand how many digits a subtraction leaves, and choose between two variance formulas.
# - Name the steps of a norm that must run in float32, forward and backward.
# - With the sections marked ★: measure the $\varepsilon$ of a norm whose code you cannot read,
#   split a norm's error into the part that came with the input and the part the norm added, say in
#   which order to cast, and know the edge cases.
#
# {{ minutes }}

# %% [markdown]
# ## 1. What ε is for
#
# Here is layer norm without gain and shift, as a formula:
#
# $$\hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}$$

# %%
from normlab import quiz

quiz("constant-row")

# %%
import numpy as np


def normalize(x, eps):
    centered = x - x.mean(-1, keepdims=True)
    return centered / np.sqrt((centered**2).mean(-1, keepdims=True) + eps)


rows = np.array([[0.0, 0.0, 0.0, 0.0], [3.0, 3.0, 3.0, 3.0], [1.0, 2.0, 3.0, 4.0]])
with np.errstate(all="ignore"):  # no warnings
    print("ε = 0:\n", normalize(rows, eps=0).round(3))
print("ε = 1e-5:\n", normalize(rows, eps=1e-5).round(3))

# %% [markdown] tags=["answer"]
# After gain and shift a constant row is $\beta$. The last row, of variance 1.25, shows no trace of
# $\varepsilon$ in three digits.

# %% [markdown]
# ## 2. Small inputs
#
# The root mean square (RMS) of a row says how large its entries are. Layer norm should bring it
# to 1.

# %%
quiz("small-row")

# %% [markdown]
# **Explore.** Start at std 1e-3 and press the left arrow. The norm of which library gives up last?
# Find the std at which each curve passes 0.707, and compare it with $\sqrt\varepsilon$.

# %% tags=["answer"]
from normlab.chapters.numerics import explore_epsilon

explore_epsilon()

# %% [markdown] tags=["answer"]
# One formula gives all the curves:
#
# $$\operatorname{mean}(\hat x^2) = \frac{\sigma^2}{\sigma^2 + \varepsilon}$$
#
# The border lies at a standard deviation of $\sqrt\varepsilon$: 0.0032 for PyTorch, 0.032 for
# Keras. There the output has RMS $1/\sqrt 2$. To lose less than 1 % you need
# $\sigma^2 > 50\,\varepsilon$. GPT's weights, embeddings included, start at a standard deviation of
# 0.02 (Radford et al. 2018, §4.1). Under Keras' default such a row comes out at half its size.
#
# The seed text gives $\varepsilon$ three words: *"for numerical stability"*. **Claim 6:
# {{ ruling 6 }}.**

# %% [markdown]
# ## 3. Measure ε, move it, scale it ★
#
# How to read $\varepsilon$ off an output, what it does outside the root, and a law of scale.

# %% [markdown]
# ### Measure an ε
#
# `nn.RMSNorm` has `eps=None`. What is the number? On a row of mean 0 layer norm and RMSNorm give
# the same output, $y = x/\sqrt{\operatorname{mean}(x^2) + \varepsilon}$. So
# $\operatorname{mean}(y^2) = \operatorname{mean}(x^2)/(\operatorname{mean}(x^2) + \varepsilon)$.
# Solve it for $\varepsilon$, and one output tells:
#
# $$\varepsilon = \frac{\operatorname{mean}(x^2)}{\operatorname{mean}(y^2)} -
# \operatorname{mean}(x^2)$$

# %%
from normlab.claims import your_mark

your_mark(38)

# %%
quiz("eps-of-none")

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

# %% [markdown] tags=["answer"]
# The documentation of PyTorch 2.13 says the same.
#
# The seed text offers a "*Custom RMSNorm for older PyTorch*" with `eps: float = 1e-6` in place of
# `nn.RMSNorm(512)`. **Claim 38: {{ ruling 38 }}.** The two agree on inputs of ordinary size. At a
# standard deviation of 0.001 the output has RMS 0.707 with one and 0.945 with the other.

# %% [markdown]
# ### Inside the root or outside
#
# Public code also has $(x-\mu)/(\sigma + \varepsilon)$: The Annotated Transformer with
# $\varepsilon = 10^{-6}$, and the RMSNorm authors' own PyTorch file. The same number does not mean
# the same thing there.

# %%
quiz("eps-outside")

# %%
from normlab import Table
from normlab.chapters.numerics import layer_norm_eps_outside
from normlab.norms import layer_norm, rms_norm


def rms(y):
    return f"{np.sqrt((y**2).mean()):.3f}"


row = layer_norm(np.random.default_rng(0).standard_normal(512), eps=0)  # mean 0, std 1
eps = 1e-5
table = []
for std in (1, 1e-1, 1e-2, eps**0.5, 1e-3, 1e-4, 1e-5):
    x = std * row
    outside, outside_root = layer_norm_eps_outside(x, eps), layer_norm_eps_outside(x, eps**0.5)
    table.append([f"{std:.2g}", rms(layer_norm(x, eps=eps)), rms(outside), rms(outside_root)])
Table(("std of x", "RMS with √(σ² + ε)", "with σ + ε", "with σ + √ε"), table)

# %% [markdown] tags=["answer"]
# Outside the root the border lies at a standard deviation of $10^{-5}$. Only
# $\sigma + \sqrt\varepsilon$ has it at 0.0032, and there it still gives 0.5 where the usual form
# gives 0.707. On inputs of std 1 the first two columns agree: a test on $N(0,1)$ data cannot tell
# them apart. In the explorer of section 2, put $\varepsilon$ outside: every curve moves left, from
# $\sqrt\varepsilon$ to $\varepsilon$.

# %% [markdown]
# ### Is layer norm scale invariant?

# %%
quiz("times-minus-three")

# %%
x = np.random.default_rng(1).standard_normal(64)
table = []
for norm in (layer_norm, rms_norm):
    for a in (1, -3, 1e3, 1e-3):
        outputs = [norm(a * x, eps=eps)[0] for eps in (1e-5, a**2 * 1e-5)]
        table.append([norm.__name__, f"{a:g}", *(f"{y:.7f}" for y in outputs)])
Table(("norm", "a", "first output for a·x, ε = 1e-5", "ε = a² · 1e-5"), table)

# %% [markdown] tags=["answer"]
# In the last column the sign alone changes. The exact law scales $\varepsilon$ along:
#
# $$\operatorname{norm}(a x,\; a^2\varepsilon)
# = \operatorname{sign}(a)\,\operatorname{norm}(x,\; \varepsilon)$$
#
# "Layer norm is scale invariant" is what remains of it while $\sigma^2 \gg \varepsilon$ and
# $a > 0$. Dive into Deep Learning (chapter "Batch Normalization", on layer normalization) has
# $\text{LN}(x) \approx \text{LN}(a x)$ "for any choice of" $a \neq 0$. For $a < 0$ the sign is
# missing.

# %% [markdown]
# ## 4. The gradient at a nearly constant row
#
# The backward pass divides by $\sqrt{\sigma^2 + \varepsilon}$ (chapter 02). Below, $g$ is the
# gradient at the norm's output, and $dx$ the one at its input.

# %%
quiz("gradient-at-small-rows")

# %%
from normlab.chapters.numerics import draw_gradient_sweep, gradient_sweep
from normlab.pictures import new_figure

figure, ax = new_figure(height=3.6)
draw_gradient_sweep(gradient_sweep([1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7]), ax)

# %% [markdown] tags=["answer"]
# Each line climbs with slope −1 and turns flat at $1/\sqrt\varepsilon$: 32 for Keras, 316 for
# PyTorch, a million for BERT. A smaller $\varepsilon$ keeps the output closer to RMS 1 and lets
# more gradient through. That is the trade.

# %% [markdown]
# The extreme case is a row of zeros.

# %%
quiz("gradient-at-zero")

# %%
import torch
from torch import nn

x = torch.zeros(1, 4, requires_grad=True)
y = nn.RMSNorm(4, eps=2e-6)(x)
y.sum().backward()
print("output:  ", y.tolist()[0])
print("gradient:", [round(entry) for entry in x.grad.tolist()[0]])

# %% [markdown]
# ## 5. Two formulas for one variance
#
# $$\sigma^2 = \operatorname{mean}\big((x-\mu)^2\big) = \operatorname{mean}(x^2) - \mu^2$$
#
# The right form needs one pass over the data instead of two. On paper they are equal.
#
# In float32 a number has 24 binary digits, about 7.2 decimal ones. Rounding changes it by at most
# the factor $1 \pm u$. This $u$ is the **unit roundoff**: $2^{-24} = 6\cdot10^{-8}$, half the
# spacing of the numbers near 1. (The spacing itself, $2u$, is often called machine epsilon.)

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
print("spacing of float32 at 1e8:", np.spacing(np.float32(1e8)))

# %% [markdown] tags=["answer"]
# The squares need 9 digits, and float32 has 7.2, so each square is rounded to a multiple of 8. In
# the second row a variance of −8 is left. The subtraction only uncovers what was lost before. This
# is **cancellation**. It costs $2\log_{10}(\mu/\sigma)$ decimal digits: here 8, of 7.2.

# %% [markdown]
# ### A thousand rows
#
# Two numbers may be an accident. So take rows of 512 random numbers.

# %%
quiz("negative-rows")

# %%
from normlab import Table

noise = np.random.default_rng(0).standard_normal((1000, 512))
table = []
for offset in (1e2, 1e3, 1e4, 1e5):
    x = (noise + offset).astype(np.float32)
    one_pass = (x * x).mean(-1) - x.mean(-1) ** 2
    two_pass = ((x - x.mean(-1, keepdims=True)) ** 2).mean(-1)
    span = [f"{v.min():,.4g} to {v.max():,.4g}" for v in (one_pass, two_pass)]
    table.append([f"{offset:,.0f}", *span, f"{(one_pass < 0).mean():.0%}"])
Table(("offset", "variance, one pass", "two pass", "one pass: negative"), table)

# %% [markdown] tags=["answer"]
# A variance below 0 has no root: such a row becomes NaN. The spread in the two-pass column is the
# rows' own. The one-pass value is a multiple of 1/16 at offset 1,000, of 8 at 10,000, and of 1,024
# at 100,000. Which multiple a row gets is chance.

# %% [markdown]
# ### The error at every offset

# %%
quiz("one-pass-error")

# %%
from normlab.chapters.numerics import draw_variance_errors, variance_sweep

sweep = variance_sweep(np.float32, offsets=np.geomspace(1, 1e6, 13).tolist())
figure, ax = new_figure(height=3.6)
draw_variance_errors(sweep, ax, ("one pass", "two pass"))

# %% [markdown] tags=["answer"]
# One pass reaches the black line at an offset of about 3,000. Theory (Chan, Golub & LeVeque 1983)
# and picture say the same: its error is about $u\,(\mu/\sigma)^2$. Two passes keep $u$ until
# $\mu/\sigma$ passes $1/\sqrt u \approx 4000$, and even at $10^6$ they are off by less than 1 %.

# %% [markdown]
# ## 6. Whose error is it? ★
#
# How to split an error in two, and a second job of $\varepsilon$.

# %%
quiz("split-the-error")

# %%
quiz("whose-error")

# %% tags=["nbval-ignore-output"]
from normlab.chapters.numerics import error_table

error_table((0, 1e3, 1e4, 1e6))

# %% [markdown] tags=["answer"]
# The first column is no fault of any norm: it compares two runs in float64, on the numbers before
# they were rounded and on the numbers as stored. All others compare with the second run. "Mean
# rounded" is what even a perfect mean loses when it is written down in float32: half a spacing.
# Every norm that stores $\mu$ in the input's dtype and subtracts it once pays about that, whatever
# its algorithm.
#
# "Centred twice" shows that this part can be had back. After one subtraction the numbers are small,
# so their mean can be taken again, this time precisely, and subtracted again. `normlab.norms` does
# so where the first mean left more than a rounding behind, `normlab.torch_norms` always.

# %% [markdown]
# ### The second job of ε

# %%
quiz("constant-row-in-float32")

# %%
import torch.nn.functional as F

constant = np.full((1, 768), 1000.1, np.float32)
noise_of_mean = constant - constant.mean(-1, keepdims=True)
spacing = np.spacing(np.float32(1000))
print(f"x − μ = {noise_of_mean[0, 0]:.1e}, spacing at 1000: {spacing:.1e}")
for eps in (1e-5, 1e-12, 0):
    y = normalize(constant, eps=np.float32(eps))
    by_torch = F.layer_norm(torch.from_numpy(constant), (768,), eps=eps)
    print(f"ε = {eps:<6g}   two pass: {abs(y[0, 0]):.2f}   torch: {abs(by_torch[0, 0]):.2f}")

# %% [markdown] tags=["answer"]
# With two passes and $\varepsilon = 0$ there is not even a NaN to warn you. So $\varepsilon$ has a
# second job: it must be larger than the *noise* in the variance, about (spacing at $\mu$)². At
# 1000, $10^{-5}$ is, and $10^{-12}$ is not. PyTorch updates its mean entry by entry (section 7),
# and that is exact on a constant row. Centring twice gives 0 as well.

# %% [markdown]
# ## 7. One pass that works ★
#
# Two old remedies, and what two public implementations do.

# %% [markdown]
# ### Shift, or update
#
# Two formulas read the data once and stay accurate. **Shift** first: the variance does not change
# if you subtract any number, so subtract the row's first entry. Or **update** a mean, so that
# nothing large is ever squared (Welford 1962): for each new $x_k$,
#
# $$\delta = x_k - m, \qquad m \leftarrow m + \delta/k, \qquad Q \leftarrow Q + \delta\,(x_k - m)$$
#
# and at the end $\sigma^2 = Q/D$. Four numbers in float32:

# %%
x = np.array([10001, 10003, 9999, 9997], np.float32)
mean = squares = np.float32(0)
for k, value in enumerate(x, start=1):
    delta = value - mean
    mean = mean + delta / np.float32(k)
    squares = squares + delta * (value - mean)
    print(f"x = {value:.0f}   m = {mean:9.3f}   Q = {squares:.3f}")
shifted = x - x[0]
print("Welford: ", squares / 4)
print("shifted: ", (shifted * shifted).mean() - shifted.mean() ** 2)
print("true:    ", x.astype(np.float64).var())

# %% [markdown]
# Now all four formulas over six decades of offset, on 100 rows of 512 numbers.

# %%
quiz("welford-error")

# %%
figure, ax = new_figure(height=3.8)
draw_variance_errors(sweep, ax)

# %% [markdown] tags=["answer"]
# | formula | error grows like | slope in the picture |
# |---|---|---|
# | one pass | $u\,(\mu/\sigma)^2$ | 2, from the first decade on |
# | Welford | $u\,\mu/\sigma$ | 1 |
# | two pass | $u + (u\,\mu/\sigma)^2$ | 0, then 2 when $\mu/\sigma$ passes $1/\sqrt u$ |
# | shifted | $u$ | 0: the first entry is as good a centre as any |
#
# The error is measured against the exact variance of the numbers as stored.

# %% [markdown]
# **Explore.** Left is the input as it is stored, right the range of each formula's result over 100
# rows. Take float32 and move the offset from 0 to 1,000,000. Which bar enters the shaded side
# first? Then float64. Last take float16 and look *left* at 1,000 and at 10,000.

# %% tags=["answer"]
from normlab.chapters.numerics import explore_variance

explore_variance()

# %% [markdown] tags=["answer"]
# In float64 one pass holds at all these offsets, since $u = 10^{-16}$; by the rule
# $u\,(\mu/\sigma)^2$ it fails from $10^8$ on. In float16 no formula can find what the dtype did not
# store.

# %% [markdown]
# ### Who does it
#
# Two public implementations use the one-pass form.
#
# - The LayerNorm of the "annotated implementations" by labml.ai computes
#   `var = mean_x2 - mean ** 2` and takes the root of `var + eps`
#   (`labml_nn/normalization/layer_norm/__init__.py`).
# - Flax's `LayerNorm` has `use_fast_variance=True` by default, "a faster, but less numerically
#   stable, calculation", and clips the result at 0 (`flax/linen/normalization.py`,
#   `_compute_stats`). Its $\varepsilon$ is $10^{-6}$.
#
# Below are both formulas, rewritten in float32 NumPy, on the 1000 rows of section 5.

# %%
quiz("clipped-variance")

# %%
table = []
for offset in (0, 1e3, 1e4):
    x = (noise + offset).astype(np.float32)
    centered = x - x.mean(-1, keepdims=True)
    var = (x * x).mean(-1, keepdims=True) - x.mean(-1, keepdims=True) ** 2
    with np.errstate(all="ignore"):  # no warnings
        unclipped = centered / np.sqrt(var + np.float32(1e-6))
    clipped = centered / np.sqrt(np.maximum(var, 0) + np.float32(1e-6))
    two_pass = normalize(x, eps=np.float32(1e-6))
    exact = normalize(x.astype(np.float64), eps=1e-6)
    nan_rows = f"{np.isnan(unclipped).any(-1).mean():.0%}"
    errors = [f"{np.abs(y - exact).max():,.1g}" for y in (clipped, two_pass)]
    table.append([f"{offset:,.0f}", nan_rows, f"{np.abs(clipped).max():,.1f}", *errors])
columns = ("offset", "unclipped: NaN rows", "clipped: largest output", "clipped: error")
Table((*columns, "two pass: error"), table)

# %% [markdown] tags=["answer"]
# NaN is loud. Clipping turns it into outputs in the thousands, in silence. Only $|\mu|/\sigma$ of a
# row decides whether this concerns you. Look at `abs(x.mean(-1)) / x.std(-1)` of your own
# activations: below 10 the one-pass form in float32 still has four digits.

# %% [markdown]
# ## 8. dtype: range and spacing
#
# A half-precision number has 16 bits. float16 spends 5 of them on the exponent, bfloat16 spends 8.

# %%
table = []
for name, bits in {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}.items():
    info = torch.finfo(getattr(torch, name))
    spacing = f"{2.0 ** (9 + 1 - bits):.2g}"  # 512 ≤ 1000 < 1024
    table.append([name, bits, f"{info.eps / 2:.1g}", spacing, f"{info.max:.3g}"])
    table[-1].append(f"{info.tiny:.2g}")
columns = ("dtype", "significant bits", "u", "spacing at 1000", "largest", "smallest normal")
Table(columns, table)

# %% [markdown]
# The largest float16 is 65,504, and a norm squares its input.

# %%
quiz("naive-float16")

# %%
x = np.full((1, 8), 300, np.float16)
with np.errstate(all="ignore"):  # no warnings
    squares = x * x
    naive = x / np.sqrt(squares.mean(-1, keepdims=True) + np.float16(1e-6))
by_torch = nn.functional.rms_norm(torch.from_numpy(x), (8,))
print("naive:      x² =", squares[0, 0], " y =", naive[0, 0])
print("F.rms_norm: y =", by_torch[0, 0].item())
print("float16 of 1e-12 is", np.float16(1e-12), "and of 1e-4, squared,", np.float16(1e-4) ** 2)

# %% [markdown] tags=["answer"]
# Squares overflow from 256 on. Small inputs fail too: $(10^{-4})^2$ is 0, and so is BERT's
# $\varepsilon$ itself. Statistics in float32 mend all three.

# %% [markdown]
# ## 9. Long sums
#
# A norm adds up the features of a token, and its gradients the tokens of a batch.

# %%
quiz("sum-of-ones")

# %%
ones = np.ones(4096, np.float16)
total = np.cumsum(ones)[-1]
print("float16, running sum: ", int(total), " and 1 more:", int(total + np.float16(1)))
print("float16, np.sum:      ", int(ones.sum()))
total = torch.zeros((), dtype=torch.bfloat16)
for _ in range(4096):
    total += 1
print("bfloat16, running sum:", int(total))

# %% [markdown] tags=["answer"]
# In bfloat16, with 8 significant bits, the sum stops at 256. `np.sum` gives 4096 because NumPy adds
# float16 in float32 and rounds once. The dtype of the *accumulator* decides, not that of the terms.

# %% [markdown]
# ### Backward in bfloat16
#
# $d\gamma = \sum g \odot \hat x$ and $d\beta = \sum g$ run over all tokens. Eight sequences of 4096
# tokens make 32,768 rows.

# %%
quiz("shift-gradient-in-bfloat16")

# %%
from normlab import torch_norms
from normlab.tools import one_thread

rng = np.random.default_rng(2)


def bfloat16(*shape, mean=0.0, std=1.0):
    return torch.from_numpy(rng.normal(mean, std, shape)).bfloat16()


def error(y, exact):
    return ((y.double() - exact).norm() / exact.norm()).item()


def gradients(norm, x, dy):
    norm(x).backward(dy)
    return norm.weight.grad, norm.bias.grad


table = []
with one_thread():  # several threads sum a part each
    for count in (8, 64, 512, 4096, 32768):
        x, dy = bfloat16(count, 64), bfloat16(count, 64)
        exact = gradients(nn.LayerNorm(64, dtype=torch.float64), x.double(), dy.double())
        by_torch = gradients(nn.LayerNorm(64, dtype=torch.bfloat16), x, dy)
        ours = gradients(torch_norms.LayerNorm(64, dtype=torch.bfloat16), x, dy)
        pairs = zip((*by_torch, *ours), (*exact, *exact), strict=True)
        table.append([f"{count:,}", *(f"{error(*pair):.1%}" for pair in pairs)])
columns = ("rows", "dγ, nn.LayerNorm", "dβ, nn.LayerNorm", "dγ, normlab.torch_norms")
Table((*columns, "dβ, normlab.torch_norms"), table)

# %% [markdown] tags=["answer"]
# Ours sums in float32 and rounds once. These terms have both signs, so PyTorch's sum does not
# stall, it wanders. After $n$ rows it is of size $\sqrt n$, its spacing is
# about $\sqrt n/128$, and each addition is rounded to that spacing. So the relative error grows
# like $\sqrt n$.
#
# The buffer of the sums has the input's dtype (`aten/src/ATen/native/cpu/layer_norm_kernel.cpp`),
# so a float32 $\gamma$ does not help. A float32 input does: `F.layer_norm(x.float(), …)`.

# %% [markdown]
# ## 10. Half precision, step by step ★
#
# Sums rebuilt, smaller terms, the forward pass, and when to cast.

# %% [markdown]
# ### Both sums of section 9, rebuilt
#
# The last data of the table once more, row by row in bfloat16 and at once in float32.

# %% tags=["answer"]
running = torch.zeros(64, dtype=torch.bfloat16)
for row_of_dy in dy:
    running += row_of_dy
in_float32 = dy.float().sum(0).bfloat16()
print("a running sum in bfloat16 differs from PyTorch's dβ in", end=" ")
print((running != by_torch[1]).sum().item(), "of 64 entries")
print("a sum in float32, rounded once, differs from ours in", end=" ")
print((in_float32 != ours[1]).sum().item(), "of 64 entries")

# %% [markdown]
# ### Smaller terms
#
# **Explore.** How does the sum of section 9 go on if the term is smaller than 1? Move the slider.
# Then choose partial sums. What is bfloat16's last sum worth at terms of 0.75 and of 0.3?

# %% tags=["answer"]
from normlab.chapters.numerics import explore_repeated_sums

explore_repeated_sums()

# %% [markdown] tags=["answer"]
# With one running sum, bfloat16 always stops between 256 and 512 terms and float16 between 2048 and
# 4096, whatever the term. With partial sums nothing stalls within 8192 terms. But each partial sum
# is rounded: bfloat16's last sum is worth 9,045 terms at 0.75, and 7,447 at 0.3.

# %% [markdown]
# ### Forward in bfloat16

# %%
quiz("forward-in-bfloat16")

# %%
import torch.nn.functional as F

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
    table.append([name, f"{error(y, exact):.4f}", f"{not_nearest:.0%}"])
Table(
    ("layer norm in bfloat16", "relative error", "outputs that are not the nearest bfloat16"), table
)

# %% [markdown] tags=["answer"]
# One rounding to 8 bits costs 0.0017, and no bfloat16 result can be better. The first row pays
# several roundings, and half of its outputs are not the nearest number. With statistics in float32
# the result is as good as one rounded from float64.

# %% [markdown]
# ### The dtype of the output

# %%
quiz("dtype-of-the-output")

# %%
for name, y in {
    "x.float() * γ": x.float() * gamma,
    "F.layer_norm": F.layer_norm(x, (768,), gamma, beta),
}.items():
    print(f"{name:14} {y.dtype}")

# %% [markdown] tags=["answer"]
# A norm that computes in float32 has to come back from there. PyTorch's does.

# %% [markdown]
# ### Cast before the gain, or after?
#
# LLaMA's RMSNorm casts $\hat x$ back to the input's dtype and *then* multiplies by $\gamma$. Gemma
# and gpt-oss multiply in float32 and cast last.

# %%
quiz("cast-and-gain")

# %%
table = []
for dtype in (torch.bfloat16, torch.float16):
    x, gamma = bfloat16(4096, 256).to(dtype), bfloat16(256, mean=1, std=0.2).to(dtype)
    exact = F.rms_norm(x.double(), (256,), gamma.double(), 1e-6)
    normalized = F.rms_norm(x.float(), (256,), None, 1e-6)
    before = normalized.to(dtype) * gamma
    after = (normalized * gamma.float()).to(dtype)
    by_torch = F.rms_norm(x, (256,), gamma, 1e-6)
    errors = [f"{error(y, exact):.1e}" for y in (before, after)]
    pairs = (before, after), (before, by_torch), (after, by_torch)
    shares = [f"{(a != b).double().mean():.0%}" for a, b in pairs]
    table.append([str(dtype).removeprefix("torch."), *errors, *shares])
columns = (
    "dtype",
    "error, cast before γ",
    "error, cast after γ",
    "outputs in which the two differ",
)
Table((*columns, "F.rms_norm: from before", "from after"), table)

# %% [markdown] tags=["answer"]
# With two roundings instead of one the error is $\sqrt 2$ times as large. That is small, but it
# shows when you compare your port of a model with the original number by number. Then the order
# must be the original's. `F.rms_norm` casts after the gain.

# %% [markdown]
# ### Squares that overflow in float32
#
# bfloat16 has float32's range, so its squares can overflow *in float32*, above $1.8\cdot10^{19}$.

# %%
huge = torch.full((1, 8), 1e20, dtype=torch.bfloat16)
print("1e20, F.rms_norm:       y =", F.rms_norm(huge, (8,))[0, 0].item())
print("divided by its largest: y =", F.rms_norm(huge / huge.max(), (8,))[0, 0].item())

# %% [markdown] tags=["answer"]
# By the scaling law of section 3 a norm may first divide its input by anything. CogView's layer
# norm does so in float16, by $\max|x|/8$ (Ding et al. 2021).

# %% [markdown]
# ## 11. The edge cases, side by side ★
#
# One feature, two features, zeros, constant rows: both libraries on each.

# %%
quiz("one-feature")

# %%
quiz("two-features")

# %%
import torch.nn.functional as F

from normlab.norms import layer_norm, layer_norm_backward, rms_norm, rms_norm_backward

ours = {"LN": (layer_norm, layer_norm_backward), "RMS": (rms_norm, rms_norm_backward)}
torchs = {"LN": F.layer_norm, "RMS": F.rms_norm}


def shown(y, dx):
    numbers = ", ".join(f"{v + 0.0:.2f}" for v in y.astype(float))
    return numbers, f"{np.abs(dx.astype(float)).max():.2f}"


zeros, eps = np.zeros(4, np.float32), 1e-5
none = torch.finfo(torch.float32).eps
cases = [
    ("zero vector", "LN", zeros, eps),
    ("zero vector, ε = None", "RMS", zeros, none),
    ("zero vector, ε = 0", "LN", zeros, 0),
    ("zero vector, ε = 0", "RMS", zeros, 0),
    ("every entry 3", "LN", zeros + 3, eps),
    ("every entry 3", "RMS", zeros + 3, eps),
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
    with np.errstate(all="ignore"):  # no warnings
        by_ours = shown(forward(x, eps=eps), backward(dy, x, eps=eps)[0])
    leaf = torch.from_numpy(x).requires_grad_()
    y = torchs[norm](leaf, x.shape, eps=eps)
    y[0].backward()
    by_torch = shown(y.detach().numpy(), leaf.grad.numpy())
    table.append([name, norm, *by_ours, *by_torch])
columns = (
    "input",
    "norm",
    "normlab.norms: y",
    "normlab.norms: max |dx|",
    "torch: y",
    "torch: max |dx|",
)
Table(columns, table)

# %% [markdown] tags=["answer"]
# - **Two features.** Only the order survives. Layer norm acts on $D - 2$ dimensions (chapter 02).
# - **Constant rows.** Layer norm gives $\beta$, RMSNorm gives ±1. Layer norm's gradient there is
#   $1/\sqrt\varepsilon = 316$ times a vector of mean 0, here $(0.75, -0.25, -0.25, -0.25)$.
# - **ε = 0.** NaN for the zero vector, forward and backward, in both norms and both libraries.

# %% [markdown]
# ## The exercise
#
# What this chapter showed is asked in two exercises. [Exercise
# 01](../exercises/01_layer_norm.ipynb) must hold far from 0 and in float16. In exhibit 2 of [the
# bug museum](../exercises/08_bug_museum.ipynb) you find an input on which a one-pass variance
# fails, and mend it.

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - $\varepsilon$ prevents $0/0$, and it is compared with the variance. At a standard deviation of
#   0.002 the output's RMS is 0.53 under $10^{-5}$ and 0.06 under Keras' $10^{-3}$.
# - The gradient at a nearly constant row grows to $1/\sqrt\varepsilon$: 316 for layer norm's
#   $10^{-5}$, a million for BERT's $10^{-12}$.
# - $\operatorname{mean}(x^2)-\mu^2$ loses $2\log_{10}(\mu/\sigma)$ digits. At offset 10,000 in
#   float32, 32 % of the rows have a negative variance. Two passes hold.
# - float16 squares overflow from 256 on. A bfloat16 running sum of ones stops at 256, and one of
#   32,768 gradients is about 20 % off. Take sums in float32, and round once at the end.

# %% [markdown]
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
# - Radford et al. 2018, *Improving Language Understanding by Generative Pre-Training*, §4.1; Ding
#   et al. 2021, *CogView*, arXiv:2105.13290.
# - PyTorch 2.13: `torch.nn.LayerNorm`, `torch.nn.RMSNorm`,
#   `aten/src/ATen/native/cpu/layer_norm_kernel.cpp`. Flax: `flax/linen/normalization.py`. labml.ai:
#   `labml_nn/normalization/layer_norm/__init__.py`. The Annotated Transformer (Harvard NLP), class
#   `LayerNorm`. Dive into Deep Learning, chapter "Batch Normalization".
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("03")
