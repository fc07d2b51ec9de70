# %% [markdown]
# # 03 · Numerics: ε, cancellation and dtype
#
# ## What you will be able to do
#
# - Say what $\varepsilon$ is for, and when it changes the result.
# - Say what a nearly constant row does to the gradient.
# - Find by hand how many digits a subtraction leaves, and choose between two variance formulas.
# - Name the steps of a norm that must run in float32, forward and backward.
# - With the sections marked ★: choose the step of a gradient check, measure the $\varepsilon$ of a
#   norm whose code you cannot read, split an error into the part that came with the input and the
#   part that the norm added, say what the last bits of a row depend on, and know in which order to
#   cast, and the edge cases.
#
# {{ minutes }}

# %% [markdown]
# ## 1. What ε is for
#
# Layer norm without gain and shift:
#
# $$\hat x = \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}}$$

# %%
from normlab import quiz

quiz("constant-row")

# %%
import numpy as np


def normalize(x, eps):
    centered = x - x.mean(-1, keepdims=True)
    with np.errstate(all="ignore"):
        return centered / np.sqrt((centered**2).mean(-1, keepdims=True) + eps)


rows = np.array([[0.0, 0.0, 0.0, 0.0], [3.0, 3.0, 3.0, 3.0], [1.0, 2.0, 3.0, 4.0]])
print("ε = 0:\n", normalize(rows, eps=0).round(3))
print("ε = 1e-5:\n", normalize(rows, eps=1e-5).round(3))

# %% [markdown] tags=["answer"]
# After gain and shift a constant row is $\beta$. The last row, of variance 1.25, shows no trace of
# $\varepsilon$ in three digits.

# %% [markdown]
# ## 2. Small inputs
#
# The seed text adds $\varepsilon$ "*for numerical stability*".

# %%
from normlab.claims import your_mark

your_mark(6)

# %% [markdown]
# The root mean square (RMS) of a row says how large its entries are. Layer norm should bring it
# to 1.

# %%
quiz("small-row")

# %% [markdown]
# **Explore.** Start at std 1e-3 and press the left arrow. Which curve falls last? Find the std at
# which each curve passes 0.707, and compare it with $\sqrt\varepsilon$.

# %% tags=["answer"]
from normlab.chapters.numerics import explore_epsilon

explore_epsilon()

# %% [markdown] tags=["answer"]
# One formula gives all the curves:
#
# $$\operatorname{mean}(\hat x^2) = \frac{\sigma^2}{\sigma^2 + \varepsilon}$$
#
# The output has RMS $1/\sqrt 2$ at a standard deviation of $\sqrt\varepsilon$: 0.032 for Keras,
# 0.0032 for PyTorch, and last $10^{-6}$ for BERT. To lose less than 1 % you need
# $\sigma^2 > 50\,\varepsilon$. GPT's weights, embeddings included, start at 0.02 (Radford et al.
# 2018, §4.1). Under Keras' default such a row comes out at half its size.
#
# **Claim 6: {{ ruling 6 }}.**

# %% [markdown]
# ## 3. Measure ε, move it, scale it ★
#
# How to read $\varepsilon$ off an output, what it does outside the root, and a law of scale.

# %% [markdown]
# ### Measure an ε
#
# `nn.RMSNorm` has `eps=None`. Which ε does it use? On a row of mean 0 layer norm and RMSNorm give
# the same output, $y = x/\sqrt{\operatorname{mean}(x^2) + \varepsilon}$. So
# $\operatorname{mean}(y^2) = \operatorname{mean}(x^2)/(\operatorname{mean}(x^2) + \varepsilon)$.
# Solve this for $\varepsilon$:
#
# $$\varepsilon = \frac{\operatorname{mean}(x^2)}{\operatorname{mean}(y^2)} -
# \operatorname{mean}(x^2)$$

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

# %% [markdown]
# Under the words below the seed text offers a class of its own in place of `nn.RMSNorm(512)`, with
# `eps: float = 1e-6`.

# %%
your_mark(38)

# %% [markdown] tags=["answer"]
# **Claim 38: {{ ruling 38 }}.** The two agree on inputs of ordinary size. At a
# standard deviation of 0.001 the output has RMS 0.707 with one and 0.945 with the other.

# %% [markdown]
# ### Inside the root or outside
#
# Some public code divides by $\sigma + \varepsilon$: The Annotated Transformer with
# $\varepsilon = 10^{-6}$, and the RMSNorm authors' own PyTorch file. The same number does not mean
# the same thing there.

# %%
quiz("eps-outside")

# %%
from normlab.chapters.numerics import layer_norm_eps_outside
from normlab.norms import layer_norm, rms_norm


def rms(y):
    return f"{np.sqrt((y**2).mean()):.3f}"


row = layer_norm(np.random.default_rng(0).standard_normal(512), eps=0)  # mean 0, std 1
eps = 1e-5
for std in (1, eps**0.5):
    x = std * row
    print(f"std {std:.4f}   √(σ² + ε): {rms(layer_norm(x, eps=eps))}", end="   ")
    print(f"σ + ε: {rms(layer_norm_eps_outside(x, eps))}", end="   ")
    print(f"σ + √ε: {rms(layer_norm_eps_outside(x, eps**0.5))}")

# %% [markdown] tags=["answer"]
# $\sigma + \varepsilon$ reaches 0.707 only near a standard deviation of $10^{-5}$. Only
# $\sigma + \sqrt\varepsilon$ has its border at 0.0032, and there it gives 0.5. On inputs of std 1
# the first two forms agree: a test on $N(0,1)$ data cannot tell them apart. In the explorer of
# section 2, put $\varepsilon$ outside: every curve moves left, from $\sqrt\varepsilon$ to
# $\varepsilon$.

# %% [markdown]
# ### Is layer norm scale invariant?

# %%
quiz("times-minus-three")

# %%
x = np.random.default_rng(1).standard_normal(64)
for norm in (layer_norm, rms_norm):
    for a in (1, -3, 1e-3):
        same_eps, scaled_eps = (norm(a * x, eps=eps)[0] for eps in (1e-5, a**2 * 1e-5))
        print(f"{norm.__name__:10}  a = {a:<5g}  first output: ε = 1e-5 {same_eps:+.7f}", end="  ")
        print(f"ε = a² · 1e-5 {scaled_eps:+.7f}")

# %% [markdown] tags=["answer"]
# On the right only the sign changes. The exact law scales $\varepsilon$ along:
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

figure, ax = new_figure(width=5.2, height=3.6)
draw_gradient_sweep(gradient_sweep([1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7]), ax)

# %% [markdown] tags=["answer"]
# Your rows are one column. From right to left each line climbs with slope −1 and
# turns flat at $1/\sqrt\varepsilon$: 32 for Keras, 316 for PyTorch, a million for BERT. A smaller
# $\varepsilon$ keeps the output closer to RMS 1 and lets more gradient through. That is the
# trade-off.

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
# The form on the right needs one pass over the data instead of two. On paper they are equal.
#
# In float32 a number has 24 binary digits, about 7.2 decimal ones. Rounding changes it by at most
# the factor $1 \pm u$. This $u$ is the **unit roundoff**: $2^{-24} = 6\cdot10^{-8}$, half the
# spacing of the numbers near 1. (The spacing itself, $2u$, is often called machine epsilon. It has
# nothing to do with the $\varepsilon$ of a norm.)

# %%
quiz("one-pass-variance")

# %%
from normlab.chapters.numerics import digit_ladder, draw_digit_ladder

for x in ([9999, 10001], [10002, 10002, 10004, 10004]):
    figure, ax = new_figure(width=5.2, height=2.3)
    draw_digit_ladder(digit_ladder(x), ax)

# %% [markdown] tags=["answer"]
# The squares need 9 digits, and float32 has 7.2, so it keeps multiples of 8 here. In the second
# picture their sum, near 4·10⁸, is rounded too, in steps of 32. Shaded digits are not those on
# paper. A variance of 1 is left as 0 in the first picture, and as −8 in the second. The subtraction
# only uncovers what was lost before. This is **cancellation**. It costs $2\log_{10}(\mu/\sigma)$
# decimal digits: here 8, of 7.2.

# %% [markdown]
# ### A thousand rows
#
# Two or four numbers may be an accident. Now take 512.

# %%
quiz("negative-rows")

# %%
from normlab.chapters.numerics import draw_variance_counts

noise = np.random.default_rng(0).standard_normal((1000, 512))
x = (noise + 1e4).astype(np.float32)
one_pass = (x * x).mean(-1) - x.mean(-1) ** 2
two_pass = ((x - x.mean(-1, keepdims=True)) ** 2).mean(-1)
print(f"one pass, negative: {(one_pass < 0).mean():.0%} of the rows")
figure, ax = new_figure(width=5.2, height=2.8)
draw_variance_counts(one_pass, two_pass, ax)

# %% [markdown] tags=["answer"]
# A variance below 0 has no root: such a row becomes NaN. Every one-pass value is a multiple of 8.
# The two-pass values differ because the rows do.

# %% [markdown]
# ### The error at every offset

# %%
quiz("one-pass-error")

# %%
from normlab.chapters.numerics import draw_variance_errors, variance_sweep

sweep = variance_sweep(np.float32, offsets=np.geomspace(1, 1e6, 13).tolist())
figure, ax = new_figure(width=5.2, height=3.6)
draw_variance_errors(sweep, ax, ("one pass", "two pass"))

# %% [markdown] tags=["answer"]
# One pass reaches the black line at an offset of about 2,000. By theory (Chan, Golub & LeVeque
# 1983) its error grows like $u\,(\mu/\sigma)^2$, the grey line. Here the worst of 100 rows lies two
# to five times above it. Two passes stay near $u$ until $\mu/\sigma$ passes
# $1/\sqrt u \approx 4000$, and even at $10^6$ they are off by less than 1 %.

# %% [markdown]
# ## 6. The step of a difference ★
#
# Chapter 02 checked gradients by differences. How long should their step be?

# %% [markdown]
# The central difference $[\mathcal L(x+h)-\mathcal L(x-h)]/2h$ with step $h$ takes a curved loss
# for a straight one. This error shrinks like $h^2$, which asks for a small $h$. But it subtracts
# two nearly equal numbers, each rounded by about $u$, and divides what is left by $2h$. That asks
# for a large $h$.

# %%
quiz("best-step")

# %%
quiz("steps-in-float32")

# %% [markdown]
# **Explore.** The picture on the left shows the loss in units of $h$. Move *step h* from the right
# to the far left: what becomes of the curve? Then change the dtype.

# %% tags=["answer"]
from normlab.chapters.numerics import explore_step_size

explore_step_size()

# %% [markdown] tags=["answer"]
# At first the loss is curved, then straight, then a staircase of rounding. The stairs are plain at
# $h = 10^{-15}$ in float64 and at $10^{-6}$ in float32. On logarithmic axes the error of long steps
# has slope 2, that of short steps slope $-1$. So the step depends on the dtype: near $10^{-5}$ in
# float64, near $10^{-2}$ in float32. Chapter 02 took $10^{-4}$ in float64, a little more than the
# best step. In the picture on the right it still gives nine digits. Check gradients in float64.

# %% [markdown]
# ## 7. Whose error is it? ★
#
# How to split an error in two, and a second job of $\varepsilon$.

# %%
quiz("split-the-error")

# %%
quiz("whose-error")

# %%
from normlab.chapters.numerics import draw_error_sweep, error_sweep

figure, ax = new_figure(width=5.2, height=3.4)
draw_error_sweep(error_sweep([1, 10, 1e2, 1e3, 1e4, 1e5, 1e6]), ax)

# %% [markdown] tags=["answer"]
# "Input rounded" is no fault of any norm: it compares two runs in float64, on the numbers before
# they were rounded and on the numbers as stored. The other lines compare a float32 run with the
# second of these. "Mean rounded" is what even a perfect mean loses when it is written down in
# float32: half a spacing. A norm that stores $\mu$ in the input's dtype and subtracts it once pays
# that, and in the picture up to five times as much, since it computes the mean in float32 too.
#
# "Centered twice" shows that this part can be recovered. After one subtraction the numbers are
# small, so their mean can be taken again, this time precisely, and subtracted again.
# `normlab.norms` and, on a CPU, `normlab.torch_norms` do so where more than a rounding of the mean
# is left.

# %% [markdown]
# ### One token, stored
#
# float32 has 24 binary digits; float16 has 11 and bfloat16 has 8. Here is the token of chapter 01
# among the numbers that each of them can store.
#
# **Try.** Move the offset: where is the token no longer stored exactly? Drag one feature to 2.3
# and look again. Then compare the error of a stored feature with that of a difference $x - \mu$.

# %%
from normlab.chapters.numerics import grab_token_on_float_grid

grab_token_on_float_grid()

# %% [markdown] tags=["answer"]
# A whole number is stored exactly while the steps are at most 1: up to 2,048 in float16, 256 in
# bfloat16 and 16,777,216 in float32. 2.3 is rounded at every offset. A stored feature is off by
# half a step at most; $x - \mu$ can be off by more, since the stored mean is rounded too.

# %% [markdown]
# ### The second job of ε

# %%
quiz("constant-row-in-float32")

# %%
import torch.nn.functional as F

constant = np.full((1, 768), 1000.1, np.float32)
noise_of_mean = constant - constant.mean(-1, keepdims=True)  # centered once
spacing = np.spacing(np.float32(1000))
print(f"x − μ = {noise_of_mean[0, 0]:.1e}, spacing at 1000: {spacing:.1e}")
for eps in (1e-5, 1e-12, 0):
    y = normalize(constant, eps=np.float32(eps))
    by_torch = F.layer_norm(torch.from_numpy(constant), (768,), eps=eps)
    twice = normalize(noise_of_mean, eps=np.float32(eps))
    print(
        f"ε = {eps:<6g}   two pass: {abs(y[0, 0]):.2f}   torch: {abs(by_torch[0, 0]):.2f}", end=""
    )
    print(f"   centered twice: {abs(twice[0, 0]):.2f}")

# %% [markdown] tags=["answer"]
# With two passes and $\varepsilon = 0$ there is not even a NaN to warn you. So $\varepsilon$ has a
# second job: it must be larger than the *noise* in the variance, about (spacing at $\mu$)². At
# 1000, $10^{-5}$ is, and $10^{-12}$ is not. PyTorch updates its mean entry by entry (section 8),
# and that is exact on a constant row. Centering twice is exact here too. With $\varepsilon = 0$ both
# give NaN.

# %% [markdown]
# ## 8. One pass that works ★
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
figure, ax = new_figure(width=5.2, height=3.8)
draw_variance_errors(sweep, ax)

# %% [markdown] tags=["answer"]
# | formula | error grows like | slope in the picture |
# |---|---|---|
# | one pass | $u\,(\mu/\sigma)^2$ | 2, from the first decade on |
# | Welford | $u\,\mu/\sigma$ | 1 |
# | two pass | $u + (u\,\mu/\sigma)^2$ | 0, then 2 when $\mu/\sigma$ passes $1/\sqrt u$ |
# | shifted | $u$ | 0: the first entry is as good a center as any |
#
# The error is measured against the exact variance of the numbers as stored.

# %% [markdown]
# **Explore.** Left is the input as it is stored, right the range of each formula's result over 100
# rows. Move the offset from 1,000,000 down to 0. Where does the last bar leave the shaded side?
# Then take float64. Last take float16 and look *left* at 1,000 and at 10,000.

# %% tags=["answer"]
from normlab.chapters.numerics import explore_variance

explore_variance()

# %% [markdown] tags=["answer"]
# In float32 the one-pass bar has left the shaded side at an offset of 1,000. In float64 it never
# enters it here, since $u = 10^{-16}$; by the rule $u\,(\mu/\sigma)^2$ it fails from $10^8$ on. In
# float16 the stored numbers lie 0.5 apart at 1,000 and 8 apart at 10,000, where all entries shown
# become one number. No formula can find what the dtype did not store.

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
# Below are both formulas, rewritten in float32 NumPy, on the 1000 rows of section 5 at offset
# 10,000.

# %%
quiz("clipped-variance")

# %%
x = (noise + 1e4).astype(np.float32)
centered = x - x.mean(-1, keepdims=True)
var = (x * x).mean(-1, keepdims=True) - x.mean(-1, keepdims=True) ** 2
with np.errstate(all="ignore"):
    unclipped = centered / np.sqrt(var + np.float32(1e-6))
clipped = centered / np.sqrt(np.maximum(var, 0) + np.float32(1e-6))
two_pass = normalize(x, eps=np.float32(1e-6))
print(f"unclipped: {np.isnan(unclipped).any(-1).mean():.0%} of the rows are NaN")
print(f"clipped:   largest output {np.abs(clipped).max():,.0f}")
print(f"two pass:  largest output {np.abs(two_pass).max():.1f}")

# %% [markdown] tags=["answer"]
# NaN is loud. Clipping turns it into outputs in the thousands, in silence. Only $|\mu|/\sigma$ of a
# row decides whether this concerns you. Look at `abs(x.mean(-1)) / x.std(-1)` of your own
# activations: below 10 the one-pass form in float32 still has four digits.

# %% [markdown]
# ## 9. dtype: range and spacing
#
# A half-precision number has 16 bits. float16 spends 5 of them on the exponent, bfloat16 spends 8.

# %%
from normlab.chapters.numerics import draw_number_lines, draw_ranges, number_lines

lines = number_lines(1000, 1048)
figure, ax = new_figure(width=5.2, height=3.0)
draw_number_lines(lines, ax, enlarged=1024)
figure, ax = new_figure(width=5.2, height=2.2)
draw_ranges(lines, ax)

# %% [markdown]
# The upper picture has the numbers of each dtype from 1000 to 1048, the lower one its whole range.
# At 1024, a power of two, the spacing doubles. The thin part of a bar has the *subnormal* numbers,
# which have fewer significant bits.
#
# The largest float16 is 65,504, and a norm squares its input.

# %%
quiz("naive-float16")

# %%
x = np.full((1, 8), 300, np.float16)
with np.errstate(all="ignore"):
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
# ## 10. Long sums
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
from normlab.chapters.numerics import draw_gradient_sums, gradient_sums

figure, ax = new_figure(width=5.2, height=3.4)
draw_gradient_sums(gradient_sums([8, 64, 512, 4096, 32768]), ax)

# %% [markdown] tags=["answer"]
# `normlab.torch_norms` sums in float32 and rounds once. The terms have both signs, so PyTorch's sum
# does not stall, it wanders. After $n$ rows it is of size $\sqrt n$, and each addition is rounded
# in proportion to that size. So the relative error grows like $\sqrt n$. The grey line is
# $0.3\,u\sqrt n$, with $u = 2^{-8}$ for bfloat16.

# %% [markdown]
# ## 11. Half precision, step by step ★
#
# Sums rebuilt, smaller terms, the forward pass, and when to cast.

# %% [markdown]
# ### Both sums of section 10, rebuilt
#
# 32,768 rows once more: added row by row in bfloat16, and at once in float32.

# %% tags=["answer", "nbval-ignore-output"]
from normlab import torch_norms
from normlab.tools import one_thread

rng = np.random.default_rng(2)


def bfloat16(*shape, mean=0.0, std=1.0):
    return torch.from_numpy(rng.normal(mean, std, shape)).bfloat16()


def shift_gradient(norm, dy):
    with one_thread():  # several threads sum a part each
        norm(dy).backward(dy)
    return norm.bias.grad


dy = bfloat16(32768, 64)
by_torch = shift_gradient(nn.LayerNorm(64, dtype=torch.bfloat16), dy)
ours = shift_gradient(torch_norms.LayerNorm(64, dtype=torch.bfloat16), dy)
running = torch.zeros(64, dtype=torch.bfloat16)
for row_of_dy in dy:
    running += row_of_dy
in_float32 = dy.float().sum(0).bfloat16()
print("a running sum in bfloat16 differs from PyTorch's dβ in", end=" ")
print((running != by_torch).sum().item(), "of 64 entries")
print("a sum in float32, rounded once, differs from ours in", end=" ")
print((in_float32 != ours).sum().item(), "of 64 entries")

# %% [markdown] tags=["answer"]
# Both were rebuilt to the last bit on the machine that built this page. Another machine may add in
# another order.

# %% [markdown]
# What helps: parameters in float32, or an input in float32?

# %% tags=["answer", "nbval-ignore-output"]
exact = dy.double().sum(0)
for what, x in (("γ and β", dy), ("γ, β and input", dy.float())):
    gradient = shift_gradient(nn.LayerNorm(64), x)  # its γ and β are float32
    wrong_by = ((gradient - exact).norm() / exact.norm()).item()
    print(f"float32 {what:15} {gradient.dtype!s:14} dβ off by {wrong_by:.0e}")

# %% [markdown] tags=["answer"]
# The buffer of the sums has the input's dtype (`aten/src/ATen/native/cpu/layer_norm_kernel.cpp`).
# So float32 parameters do not help, and a float32 input does: `F.layer_norm(x.float(), …)`.

# %% [markdown]
# ### Smaller terms
#
# **Explore.** Where does the sum of section 10 stop if the term is smaller than 1? Move the slider.
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

from normlab import Table


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
    table.append([name, f"{error(y, exact):.4f}", f"{not_nearest:.0%}"])
columns = ("layer norm in bfloat16", "relative error of the output")
Table((*columns, "outputs that are not the nearest bfloat16"), table)

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
# A norm that computes in float32 has to cast back. PyTorch's does.

# %% [markdown]
# ### Cast before the gain, or after?
#
# LLaMA's RMSNorm casts $\hat x$ back to the input's dtype and *then* multiplies by $\gamma$. Gemma
# and gpt-oss multiply in float32 and cast last.

# %%
quiz("cast-and-gain")

# %%
x, gamma = bfloat16(4096, 256), bfloat16(256, mean=1, std=0.2)
exact = F.rms_norm(x.double(), (256,), gamma.double(), 1e-6)
normalized = F.rms_norm(x.float(), (256,), None, 1e-6)
before = normalized.bfloat16() * gamma
after = (normalized * gamma.float()).bfloat16()
by_torch = F.rms_norm(x, (256,), gamma, 1e-6)
print(f"cast before γ: relative error {error(before, exact):.1e}")
print(f"cast after γ:  relative error {error(after, exact):.1e}")
print(f"before against after: {(before != after).double().mean():.0%} of the outputs differ")
print(f"F.rms_norm against before: {(by_torch != before).double().mean():.0%}", end=", ")
print(f"against after: {(by_torch != after).double().mean():.0%}")

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
# By the scaling law of section 3 a norm may first divide its input by any $c > 0$, if it divides
# $\varepsilon$ by $c^2$. The cell leaves $\varepsilon$ as it is: beside a mean square of 1 it does
# not show. CogView's layer norm divides in float16, by $\max|x|/8$ (Ding et al. 2021).

# %% [markdown]
# ## 12. One row, alone and in a batch ★
#
# Do the other rows of a batch change the last bits of a row?

# %%
quiz("row-in-a-batch")

# %% [markdown]
# ### Measured here
#
# A row of 512 features, alone and as the first of 2, 4, 64 and 513 rows. Does each result have the
# same bits? If not, the picture says in which share of the outputs they differ.

# %% tags=["nbval-ignore-output"]
from normlab.chapters.numerics import batch_rows, draw_batch_rows

figure, ax = new_figure(width=5.2, height=3.2)
draw_batch_rows(batch_rows(), ax)

# %% [markdown] tags=["answer"]
# This is what the machine that built this page measured, on one thread of an x86 CPU. Another
# machine or another version may differ.
#
# **Norms.** PyTorch's gave the same bits at every size, in both dtypes. Its layer norm sums each
# row in a loop of its own (`aten/src/ATen/native/cpu/layer_norm_kernel.cpp`).
# `normlab.norms.rms_norm`, with one dot product for each row, kept its bits too.
# `normlab.norms.layer_norm` did not. It takes its means as one matrix product with a vector of
# ones.
#
# **Matrix products.** In float32 the row changed, in torch from 4 rows on and in NumPy from 2. The
# library has several kernels for a product and chooses by the shape. Each adds the 512 terms of an
# output in an order of its own. torch's bfloat16 product kept its bits here.
#
# So no operation has this property by its formula. A kernel has it if it adds the numbers of a row
# in one fixed order. That means the same tiles for every batch, and no split of the features that
# depends on the number of rows. Such a kernel is called *batch-invariant*.

# %% [markdown]
# ### Two orders of one sum

# %%
quiz("partial-sums-of-a-row")

# %%
from normlab.chapters.numerics import mean_square_in_parts

x = np.random.default_rng(0).standard_normal((1000, 4096)).astype(np.float32)
mean_squares = [mean_square_in_parts(x, parts) for parts in (1024, 256)]
print(f"mean squares that differ: {np.mean(mean_squares[0] != mean_squares[1]):.0%} of the rows")
outputs = [x / np.sqrt(m + np.float32(1e-6))[:, None] for m in mean_squares]
first, second = (torch.from_numpy(y).bfloat16() for y in outputs)
changed = (first != second).any(-1).double().mean()
print(f"some output in bfloat16 differs: {changed:.0%} of the rows")

# %% [markdown] tags=["answer"]
# vLLM's RMSNorm has these two orders. Each thread of a GPU block adds up some of the squares of a
# row, and then these partial sums are joined. A block has up to 1024 threads for fewer than 256
# rows, and up to 256 from there on (`csrc/layernorm_kernels.cu`; the cell above has its order, but
# simplified). On a GPU 79 of 4096 rows had outputs that changed (vLLM issue 48271, July 2026).
# Since pull request 48391 the number of threads stays the same if batch invariance is asked for.
#
# One bit seldom matters. But a text is written token by token, and once a bit tips the choice
# between two tokens, two texts go different ways. How many requests share a batch depends on the
# load of the server. So the same prompt can get different answers. He et al. 2025 (Thinking
# Machines Lab) gave Qwen3-235B one prompt 1000 times at temperature 0, and got 80 different texts.
# With batch-invariant kernels for RMSNorm, matrix products and attention all 1000 were equal, at a
# price in speed. vLLM takes such kernels with `VLLM_BATCH_INVARIANT=1`, SGLang with
# `--enable-deterministic-inference`.

# %% [markdown]
# ## 13. The edge cases, side by side ★
#
# One feature, two features, zeros, constant rows: both libraries on each.

# %%
quiz("one-feature")

# %%
quiz("two-features")

# %%
import torch.nn.functional as F

from normlab import Table
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
    with np.errstate(all="ignore"):
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
# - **One feature.** RMSNorm keeps its sign, layer norm nothing.
# - **Two features.** Layer norm keeps their order and passes no gradient: it acts on $D - 2$
#   dimensions (chapter 02). RMSNorm keeps their ratio.
# - **Constant rows.** Layer norm gives $\beta$. RMSNorm gives ±1, and 0 for a row of zeros. Layer
#   norm's gradient there is $1/\sqrt\varepsilon = 316$ times a vector of mean 0, here
#   $(0.75, -0.25, -0.25, -0.25)$.
# - **ε = 0.** NaN for the zero vector, forward and backward, in both norms and both libraries.

# %% [markdown]
# ## The exercise
#
# Two exercises ask for what this chapter showed. Your layer norm of [exercise
# 01](../exercises/01_layer_norm.ipynb) must work far from 0 and in float16. In exhibit 2 of [the
# bug museum](../exercises/08_bug_museum.ipynb) you find an input on which a one-pass variance
# fails, and mend it.

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - $\varepsilon$ prevents $0/0$, and it is compared with the variance. The output's RMS falls to
#   0.707 at a standard deviation of 0.0032 under $10^{-5}$, and of 0.032 under Keras' $10^{-3}$.
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
# - He et al. 2025, *Defeating Nondeterminism in LLM Inference*, Thinking Machines Lab, 10 September
#   2025, <https://thinkingmachines.ai/blog/defeating-nondeterminism-in-llm-inference/>. vLLM:
#   documentation, "Batch Invariance"; issue 48271 and pull request 48391. SGLang: documentation,
#   "Deterministic Inference".
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
