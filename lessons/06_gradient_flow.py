# %% [markdown]
# # 06 · Gradient flow: what reaches the first layer?
#
# ## What you will be able to do
#
# - Read a picture of gradient norms by layer, and say what theory expects there.
# - Derive in three lines how the gradient goes with depth in post-norm and in pre-norm.
# - Reproduce Xiong et al. 2020: the gradient of the last layer, by depth.
# - Say in which models with post-norm the gradient vanishes at initialization, and why.
# - Say what happens to the tokens of a sequence with depth, and what that does to gradients.
#
# {{ minutes }}

# %% [markdown]
# ## 1. Why look at gradients?
#
# A step of training moves each weight by its gradient. With SGD, a layer whose gradient is a
# thousand times smaller than another's learns a thousand times slower. So take an untrained model
# and ask at each depth: how long is $\partial\mathcal L/\partial x_s$, the gradient of the loss
# $\mathcal L$ at the residual stream $x_s$?
#
# `normlab.models.stack` is a transformer in NumPy with its own backward pass. It counts
# **sub-layers**: number 0 is attention, 1 the FFN, 2 attention again, so $S = 48$ sub-layers are
# $L = 24$ layers. Its loss is $\mathcal L = \langle c, y \rangle$ with a random $c$ of length about
# 1, so that is the length of the gradient at the output $y$. The weights are Xiong et al.'s,
# $N(0, 1/D)$ with uniform attention. There are $T = 16$ tokens in a sequence.

# %%
from normlab import quiz

quiz("post-norm-gradient")

# %%
quiz("pre-norm-gradient")

# %%
from normlab import Table
from normlab.chapters.gradient_flow import draw_gradients
from normlab.models import StackSetting, stack_profile
from normlab.pictures import new_figure

stacks = {
    name: [
        stack_profile(StackSetting(name, init="xiong", tokens=16, seed=seed), sub_layers=48)
        for seed in range(12)
    ]
    for name in ("post-norm", "pre-norm")
}
fig, ax = new_figure()
draw_gradients(stacks, ax)
Table(
    ("‖∂ℒ/∂x_s‖, least and greatest of 12 seeds", "s = 0", "s = 24", "s = 48"),
    [
        [
            name,
            *(
                f"{10 ** min(logs):.1f} … {10 ** max(logs):.1f}"
                for logs in zip(*(p.log10_gradient[[0, 24, 48]] for p in profiles), strict=True)
            ),
        ]
        for name, profiles in stacks.items()
    ],
)

# %% [markdown]
# ## 2. One sub-layer, both ways
#
# Both curves have a reason, and one sub-layer shows it. Take the FFN, $f(x) = \mathrm{ReLU}(x W_1)
# W_2$, and send a random $x$ forward and a random gradient backward.

# %%
quiz("gradient-through-a-branch")

# %%
import numpy as np

rng = np.random.default_rng(0)
D, tokens = 256, 256
W_1, W_2 = rng.normal(scale=D**-0.5, size=(2, D, D))
x, dy = rng.standard_normal((2, tokens, D))

hidden = np.maximum(x @ W_1, 0)
f = hidden @ W_2
df = (dy @ W_2.T * (hidden > 0)) @ W_1.T
print(f"forward:  branch {np.mean(f**2):.2f}, shortcut + branch {np.mean((x + f) ** 2):.2f}")
print(f"backward: branch {np.mean(df**2):.2f}, shortcut + branch {np.mean((dy + df) ** 2):.2f}")

# %% [markdown] tags=["answer"]
# A branch that multiplies squared lengths by $\kappa$ does so in both directions. With the
# shortcut, $\|x\|^2$ is multiplied by $1 + \kappa$ on the way up and $\|\partial\mathcal L/\partial
# x\|^2$ by the same $1 + \kappa$ on the way down (the argument is Glorot & Bengio's, 2010).

# %% [markdown]
# Now add the norm. It divides by $\sigma$, and so does its backward pass (chapter 02; Xiong's
# Lemma 3).

# %%
quiz("post-norm-sub-layer")

# %%
from normlab.norms import layer_norm_backward

z = x + f
dz, _, _ = layer_norm_backward(dy, z)
dx = dz + (dz @ W_2.T * (hidden > 0)) @ W_1.T
print(f"after the norm: {np.mean(dz**2):.2f}   after the branch: {np.mean(dx**2):.2f}")

# %% [markdown] tags=["answer"]
# The norm takes, and the branch gives back. A text that only says *"each norm divides the
# gradient"* has looked at half of the sub-layer.
#
# The other placements, by the same rule:
#
# | | squared stream, forward | squared gradient, backward | so the gradient at $x_s$ is |
# |---|---|---|---|
# | no norm | $\times (1+\kappa)$ | $\times (1+\kappa)$ | exponential |
# | post-norm | $1$ | $\times (1+\kappa)/(1+\kappa)$ | $1$ |
# | pre-norm | $+\kappa$ | $\times (1 + \kappa D/\lVert x_s\rVert^2)$ | $\sqrt D/\lVert x_s\rVert$ |
# | peri-norm | $+1$ | $\times (1 + D/\lVert x_s\rVert^2)$ | $\sqrt D/\lVert x_s\rVert$ |
#
# In the last two rows each factor is $\|x_{s+1}\|^2/\|x_s\|^2$, the final norm gives $\sqrt
# D/\|x_S\|$, and the product collapses: **the gradient is one over the size of the stream.**

# %% [markdown]
# The rule is for one sub-layer. Does a whole stack keep it? `sublayer_factors` takes each
# sub-layer apart: by what do the **norm alone**, the **branch alone**, and **norm and branch**
# (with the shortcut) multiply the length of what passes? Three things pass: the signal, a small
# change of it on the way up, and the gradient on the way down. Chapters 07 and 08 use the same
# instrument.

# %%
quiz("change-on-its-way-up")

# %%
from normlab.models import Transformer, TransformerConfig
from normlab.probes import draw_factors, random_batch, sublayer_factors

factors = {}
for name in ("post-norm", "pre-norm"):
    config = TransformerConfig(encoder_layers=12, placement=name, init="xiong", d_ff=64)
    loss = random_batch(config, seed=0).loss
    factors[name] = sublayer_factors(Transformer(config, seed=0), loss, seed=0)
fig, axes = new_figure(2, width=8, height=3.0, sharey=True)
draw_factors(factors, axes)
factors["post-norm"].table()

# %% [markdown] tags=["answer"]
# A small mark is one of 24 sub-layers. In post-norm the norm alone multiplies by 0.8. Norm and branch
# together multiply by 0.94 to 1.00 in twelve seeds, for a change and for a gradient. In pre-norm it
# is a little more than 1: the stream grows, and a gradient on its way down with it.

# %% [markdown]
# **Attention** averages. If its $T$ tokens are alike, averaging takes nothing, $\kappa = 1$. If
# they have nothing in common it leaves $\kappa = 1/T$. Backwards it averages too: only what the
# tokens' gradients share goes through, of our random $c$ a part of $1/T$ of its square (section 9
# shows it). So theory gives two ends, *tokens unlike* and *tokens alike*, and a band between them.
# For the pre-norm stream it is the band of Xiong's Lemma 2 (whose lower end has $T \to \infty$). For
# the gradient it is the argument above (`flow_theory`), which is this course's and no paper's.

# %% [markdown]
# ## 3. From 1 to 1,000 sub-layers

# %%
from normlab.claims import your_mark

your_mark(16)

# %% [markdown]
# The explorer lays two placements over each other, the signal on the left and the gradient on the
# right, in stacks of 1 to 1,000 sub-layers (500 layers). What is shaded lies between theory's two
# ends. Each of its controls computes anew, except the depth. Try:
#
# 1. Post-norm and pre-norm, $S$ from 1 to 1,000. How long is each gradient at the output, and how
#    long at the input?
# 2. Tokens: 1. Nothing is averaged. How wide are the bands?
# 3. 16 tokens again, at $S = 24$ (12 layers), then at 1,000. Which of the two stays in its band?
# 4. Post-norm, and beside it no norm. What does `weights × 0.5` do?
# 5. Post-norm, and beside it DeepNorm, `weights × 1.4`. Can you make DeepNorm's gradient leave
#    the 1?

# %% tags=["answer"]
from normlab.chapters.gradient_flow import explore_gradient_flow

explore_gradient_flow()

# %% [markdown] tags=["answer"]
# - Pre-norm's gradient falls at the output, from 0.3 at $S = 24$ to 0.04 at 1,000, and lies
#   between 0.4 and 1 at the input. Post-norm's is 1 at the output at every $S$.
# - With one token a band is a line. With 16 the stream of pre-norm goes from its lower end to the
#   upper one: tokens become alike (section 9).
# - Post-norm with 16 tokens drops within ten sub-layers of the output to 0.2 to 0.6; theory's lower
#   end is $1/\sqrt{16}$. Pre-norm stays in its band. Post-norm does not: at $S = 1{,}000$ it is below
#   0.01 in some layers (section 4).
# - Without norms both explode. With half the weights float32 does not end before 1,000; the stream
#   is above $10^{16}$ there.
# - DeepNorm's gradient stays within 10 % of 1.
#
# **Claim 16: {{ ruling 16 }}.** The shortcut hands the gradient on unchanged, and the input does
# receive nearly the same at every $S$, 0.4 to 1. But the layers do not: a layer at depth $l$ gets
# $1/\sqrt{l}$ of it. The deeper the model, the less its last layers learn with SGD.

# %% [markdown]
# ## 4. The typical stack is not the mean ★
#
# Why does a deep post-norm stack leave theory's band?

# %% [markdown]
# Theory gives the mean square over weights, for a wide model. In one model each sub-layer
# multiplies the gradient by a random number near 1. The logarithm of a product of many such numbers
# walks. Here are 160 seeds of a stack of 96 layers, 192 sub-layers, with one token in a sequence, for
# which theory says 1 (`normlab remake gradient_sweeps --out FILE`).

# %%
quiz("spread-by-width")

# %%
quiz("typical-stack")

# %%
from normlab.chapters.gradient_flow import draw_spread, load_sweep, root_mean_square
from normlab.tools import standard_error, with_error

at_input = load_sweep("at the input")
fig, axes = new_figure(2, sharey=True)
draw_spread(at_input, axes)
rows = []
for name, gradients in at_input.measured.items():
    logs = np.log10(gradients[:, 0])
    mean = with_error(logs.mean(), standard_error(logs))
    groups = gradients.reshape(4, 40)  # what four readers with 40 seeds each would print
    both = [[measure(group) for group in groups] for measure in (np.median, root_mean_square)]
    spans = [f"{min(values):.1g} … {max(values):.1g}" for values in both]
    rows.append([name, mean, f"{logs.std():.1f}", *spans])
Table(
    ("", "mean of log₁₀", "its spread", "median of 40 seeds", "root mean square of 40 seeds"),
    rows,
)

# %% [markdown] tags=["answer"]
# A product of random factors whose *mean* is 1 does not walk around 1. Its logarithm drifts down,
# since a factor of ½ takes more than a factor of 1½ gives. So the typical narrow, deep post-norm
# stack does lose gradient: at $D = 32$ the median is about 0.3. The root mean square even grows: in a
# narrow model the mean factor of a sub-layer lies a little above 1, and there are 192 of them. A few
# seeds carry it, and another 40 seeds give another one. At $D = 128$ the walk has half the step,
# $1/\sqrt D$, and the drift is a quarter. DeepNorm walks less, since its branches are small against
# the shortcut.

# %% [markdown]
# ## 5. Xiong et al. 2020, reproduced
#
# The paper's Theorem 1 is about one weight, $W_2$ of the last FFN:
#
# $$\text{post-norm: } \left\|\frac{\partial\mathcal L}{\partial W_2}\right\|_F \le
# O\!\left(D\sqrt{\ln D}\right)
# \qquad \text{pre-norm: } O\!\left(D\sqrt{\frac{\ln D}{L}}\right)$$
#
# For our loss more can be said. $\partial\mathcal L/\partial W_2 = h^\top \partial\mathcal
# L/\partial f$, and the entries of $h$, after ReLU, have mean square ½. So its norm is
# $\sqrt{d_{\text{ff}}/2}$ times that of $\partial\mathcal L/\partial f$. By Lemma 2 that is
# $1/\sqrt{3/2}$ in post-norm, and $\sqrt D/\|x_S\|$ in pre-norm. With 1 token $\|x_S\|^2/D = 1 +
# 3L/2$.

# %%
from normlab.claims import your_mark

your_mark(13)

# %%
quiz("slope-of-the-last-layer")

# %%
from normlab.chapters.gradient_flow import last_gradient, load_sweep
from normlab.probes import draw_sweep

sweep = load_sweep("last layer")
L = np.array(sweep.depths)
theory = {
    "post-norm, 16 tokens": 8 / np.sqrt(1.5 + 0 * L),  # √(128/2) = 8
    "pre-norm, 1 token": 8 / np.sqrt(1 + 3 * L / 2),
    "pre-norm, 16 tokens": 8 / np.sqrt(1 + L / 2),
}
fig, ax = new_figure(height=3.8)
draw_sweep(sweep, ax, theory, "‖∂ℒ/∂W_2‖, last layer")
print(f"pre-norm, 1 token, 64 layers, once more: {last_gradient('pre-norm', 1, 64, seed=12):.1f}")
sweep.table()

# %% [markdown] tags=["answer"]
# Post-norm is flat, pre-norm falls, as Theorem 1 says. With 16 tokens it falls more steeply, since
# the stream starts at the lower end of Lemma 2's band, where tokens are unlike (dashed), and ends
# at the upper one. It crosses from $1 + L/2$ to $1 + 3L/2$, a factor $\sqrt3$ in the gradient, on
# top of the $\sqrt{L}$. Measure on long sequences and you will read −0.55; the law is still −½.
#
# **Claim 13: {{ ruling 13 }}.** Through $S$ norms and $S$ branches the gradient
# keeps its size. Xiong et al. name the *large* gradient near the output, which does not shrink with
# depth. DeepNet and Admin name the update of the model, which grows with depth (chapter 08).

# %% [markdown]
# ## 6. What enters the norms of post-norm ★
#
# Lemma 2 for post-norm says: in front of the FFN's norm the mean square is 3/2.

# %%
quiz("into-attentions-norm")

# %%
from normlab.tools import standard_error, with_error

sums = np.array([p.sum_mean_square for p in stacks["post-norm"]])  # 12 seeds, 48 sub-layers
attention, feed_forward = sums[:, ::2], sums[:, 1::2]
Table(
    ("layer", "into attention's norm", "into the FFN's norm"),
    [
        [
            layer,
            *(
                with_error(kind[:, layer - 1].mean(), standard_error(kind[:, layer - 1]))
                for kind in (attention, feed_forward)
            ),
        ]
        for layer in (1, 2, 6, 12, 24)
    ],
)

# %% [markdown] tags=["answer"]
# The mean of 12 seeds with its standard error. One seed scatters by 0.1 to 0.4 around
# $1 + \kappa$, since there are only 64 features.

# %% [markdown]
# ## 7. Encoder and decoder
#
# Takase et al. 2022 write that the norm of post-norm is the source of a vanishing gradient, and
# many texts repeat it for every post-norm model. So far you have seen an encoder. A decoder has a
# third sub-layer, **cross-attention**: its queries come from the decoder's own stream, its keys and
# values from the encoder.

# %%
quiz("three-sub-layers")

# %%
quiz("twelve-decoder-layers")

# %%
from normlab.models import TransformerConfig
from normlab.probes import draw_decoder, profile_depth

encoder = TransformerConfig(encoder_layers=12, placement="post-norm")
both = {"encoder_layers": 12, "decoder_layers": 12}
stacks = {
    "post-norm encoder": profile_depth(encoder, seed=0),
    "post-norm decoder": profile_depth(TransformerConfig(**both, placement="post-norm"), seed=0),
    "DeepNorm decoder": profile_depth(TransformerConfig(**both, placement="deepnorm"), seed=0),
}
fig, ax = new_figure()
draw_decoder(stacks, ax)

# %% [markdown]
# The instrument of section 2 tells the three kinds of sub-layer apart.

# %%
decoder = TransformerConfig(**both, placement="post-norm")
loss = random_batch(decoder, seed=0).loss
parts = sublayer_factors(Transformer(decoder, seed=0), loss, seed=0)
Table(parts.table().columns, [row for row in parts.table().rows if row[0] == "gradient"])

# %% [markdown] tags=["answer"]
# Cross-attention adds to the stream as much as self-attention does, so the norm divides by
# $\sqrt{1 + \kappa} \approx \sqrt2$. What the queries return to the decoder's own stream is next to
# nothing.
#
# So the norm is the source, as Takase et al. say, where no branch makes up for it. Admin (Liu et
# al. 2020) found it there: in the decoder. In an encoder, or in a decoder-only model, every branch
# makes up for its norm, and the gradient does not vanish at initialization. DeepNorm's $\alpha$
# makes $\sigma$ nearly the shortcut's, and the ratio is 1.

# %% [markdown]
# ## 8. The ratio at other depths ★
#
# The number that papers report: the FFN's weight gradient, last layer over first, with 12 seeds
# (stored by `normlab remake gradient_sweeps`).

# %% tags=["answer"]
from normlab.chapters.gradient_flow import load_sweep

ratios = load_sweep("last over first")
rows = []
for name, values in ratios.values.items():
    low, high = ratios.band(name)
    spans = [f"{v:.2g} ({a:.2g} … {b:.2g})" for v, a, b in zip(values, low, high, strict=True)]
    rows.append([name, *spans])
Table(("last / first", *(f"{layers} layers" for layers in ratios.depths)), rows)

# %% [markdown] tags=["answer"]
# The geometric mean of 12 seeds, and where two of three seeds lie. The post-norm encoder loses up
# to a factor of 2, most of it near the output. The decoder loses 30 to 70 at 12 layers, and more
# with each further one. The pre-norm and DeepNorm decoders lose nothing. With the smaller $W_v$ of
# `nn.MultiheadAttention`, $\kappa = ½$, theory says $\sqrt{1.5}^{\,12} = 11$.

# %% [markdown]
# ## 9. The tokens of a sequence ★
#
# What depth does to the tokens of a sequence, and what that does to gradients.

# %% [markdown]
# First, attention with post-norm alone: tokens alike or unlike, gradients common to all tokens or
# random.

# %%
quiz("attention-with-alike-tokens")

# %%
T = 16
rows = []
for alike in (False, True):
    for common in (False, True):
        x, c = rng.standard_normal((2, 64, T, D))
        x = np.repeat(x[:, :1], T, axis=1) if alike else x
        c = np.repeat(c[:, :1], T, axis=1) if common else c
        W = rng.normal(scale=D**-0.5, size=(D, D))  # W_v and W_o as one
        dz, _, _ = layer_norm_backward(c, x + x.mean(1, keepdims=True) @ W)
        dx = dz + dz.mean(1, keepdims=True) @ W.T
        lengths = [np.linalg.norm(d) / np.linalg.norm(c) for d in (dz, dx)]
        kinds = "alike" if alike else "unlike", "common" if common else "random"
        rows.append([*kinds, *(f"{length:.2f}" for length in lengths)])
Table(("tokens", "gradients", "norm alone", "norm and branch"), rows)

# %% [markdown] tags=["answer"]
# - Tokens unlike, gradients random: attention adds little, its norm takes little, and little comes
#   back: 1.00.
# - Tokens alike, gradients random, as $c$ is: the norm takes $1/\sqrt2$, and of the gradient only
#   the 1/16 that the tokens share comes back through the values: $\sqrt{(1 + 1/16)/2} = 0.73$.
# - Tokens alike, and their gradients too: all of it comes back, 1.00.
# - Tokens unlike, gradients alike: more comes back than was taken.
#
# In a stack the tokens become alike on the way up. Near the output $c$ is still random, and the
# gradient falls; what is left of it is what the tokens share, and that passes from there on. In the
# lowest layers the tokens are still unlike and the gradients alike: more comes back than the norm
# took, and the gradient grows again. This is the dip of section 1.

# %% [markdown]
# The mean cosine of two tokens of a sequence says how alike they are. Dong et al. 2021 proved that
# a stack of attention alone makes them equal (collapse of the [rank](glossary.ipynb)), doubly
# exponentially in depth, and that shortcuts work against it.

# %%
quiz("rank-collapse")

# %%
from normlab.models import Placement
from normlab.probes import draw_token_cosine


class NoShortcut(Placement):
    def step(self, x, f, norm):
        return norm(f(x))


placements = {
    "no shortcut": NoShortcut,
    "post-norm": "post-norm",
    "pre-norm": "pre-norm",
    "deepnorm": "deepnorm",
}
alike = {
    name: profile_depth(TransformerConfig(encoder_layers=12, placement=placement), seed=0)
    for name, placement in placements.items()
}
fig, ax = new_figure()
draw_token_cosine(alike, ax)
Table(
    ("", *(f"layer {layer}" for layer in (0, 1, 2, 4, 12))),
    [
        [name, *(f"{p.token_cosine[p.after(layer)]:.2f}" for layer in (0, 1, 2, 4, 12))]
        for name, p in alike.items()
    ],
)

# %% [markdown] tags=["answer"]
# Pre-norm takes longer than post-norm, since each of its branches is smaller against the stream.
# DeepNorm hardly moves. So *"shortcuts prevent rank collapse"* says too much: they delay it.

# %%
quiz("equal-tokens")

# %%
quiz("query-gradient")

# %%
from normlab.chapters.gradient_flow import draw_weight_gradients
from normlab.tools import standard_error, with_error

deep = {
    name: [
        stack_profile(StackSetting(name, tokens=16, seed=seed, dtype="float64"), sub_layers=96)
        for seed in range(12)
    ]
    for name in ("post-norm", "pre-norm", "deepnorm")
}
fig, axes = new_figure(2, width=8, sharey=True)
draw_weight_gradients(deep, axes)
for layer in (13, 24, 48):
    logs = [
        p.log10_weight_gradient["W_q"][layer - 1] - p.log10_weight_gradient["W_q"][0]
        for p in deep["post-norm"]
    ]
    power = with_error(np.mean(logs), standard_error(logs))
    print(f"post-norm, W_q, layer {layer} over layer 1: 10 to the {power}")

# %% [markdown] tags=["answer"]
# The gradients of $W_q$ and $W_k$ are what does vanish in a post-norm encoder at initialization
# (Noci et al. 2022), and $\|\partial\mathcal L/\partial x_s\|$ alone does not show it.

# %% [markdown]
# ## 10. The scale of the weights ★
#
# What each placement makes of weights of half and of double the size. Here the weights are Xavier's,
# whose scores are not zero.

# %%
quiz("doubled-weights")


# %%
def shown(values):  # what is multiplied that often depends on rounding, so on the CPU
    middle = np.median(values)
    return f"{float(f'{middle:.1g}'):g}" if middle < 1e6 else "over 1e6"


rows = []
for name in ("post-norm", "pre-norm", "peri-norm", "deepnorm", "none"):
    row = [name]
    for scale in (0.5, 1.0, 2.0):
        seeds = (StackSetting(name, tokens=16, init_scale=scale, seed=s) for s in range(6))
        profiles = [stack_profile(setting, sub_layers=48) for setting in seeds]
        streams, logs = zip(
            *((p.mean_square[-1], p.log10_gradient[0]) for p in profiles), strict=True
        )
        finite = np.isfinite(streams).all()
        ends = f"{shown(streams)}, {shown(10 ** np.array(logs))}" if finite else "overflows"
        row.append(ends)
    rows.append(row)
Table(("output's stream, input's gradient", "weights × ½", "× 1", "× 2"), rows)

# %% [markdown] tags=["answer"]
# - Pre-norm: the stream follows the factor 16. The gradient at the input hardly moves, since it is
#   one over the size of the stream there, until ×2.
# - Peri-norm's stream does not care: its second norm sets every branch to 1.
# - Post-norm and DeepNorm keep the stream at 1 whatever comes.
# - At ×2 something new begins in all of them: scores become large, the softmax picks single
#   tokens, and a gradient through the scores joins that through the values. The uniform attention
#   of the theory is gone.
# - Without norms ½ is the difference between a factor 2 and a factor of millions; with ×2 the
#   stream leaves float32 before its 24th layer.

# %%
quiz("float32-ends")

# %%
for init in ("xavier", "xiong"):
    p = stack_profile(StackSetting("none", init=init, tokens=16), sub_layers=2000)
    size = np.log10(p.mean_square[p.overflow - 1])
    print(f"{init}: x_{p.overflow} is not finite; before it, ‖x‖²/D ≈ 1e{size:.0f}")

# %% [markdown] tags=["answer"]
# With Xavier weights it ends earlier, although the stream is smaller: the scores $q \cdot k$ hold
# two factors of the stream, and overflow first.

# %% [markdown]
# ## The exercise
#
# Write the probe of this chapter, and the slope that sums up its curves:
# `layer_gradient_norms` and `loglog_slope` in [exercise 05](../exercises/05_gradient_flow.ipynb).

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - An FFN of random weights multiplies signal and gradient by the same factor, each in its direction;
#   attention hands back less of a gradient that its tokens do not share.
# - Post-norm: the norm divides by $1 + \kappa$ what the branch multiplies by $1 + \kappa$. Norm
#   alone 0.8, norm and branch 0.94 to 1.00, for a gradient and for a small change. In a wide model
#   the root mean square of the gradient stays between $1/\sqrt T$ and 1.
# - ★ The typical narrow, deep post-norm stack is not the mean: its logarithm drifts down, and at
#   $D = 32$ and 96 layers the median is 0.3.
# - Pre-norm: the gradient is one over the size of the stream: 0.4 to 1 at the input,
#   $1/\sqrt{1 + 3L/2}$ at the output of $L$ layers.
# - Last layer's $W_2$: flat with depth for post-norm, slope −½ for pre-norm in the limit of many
#   layers (measured −0.47 with 1 token, −0.55 with 16).
# - What enters the FFN's norm in post-norm has mean square 3/2.
# - The post-norm encoder does not vanish at initialization. The decoder with cross-attention does,
#   by $\sqrt2$ a layer: 30 to 70 times at 12 layers.
# - Shortcuts delay rank collapse; where tokens are alike, $W_q$ and $W_k$ stop learning.

# %% [markdown]
# ## Sources
#
# - Xiong et al. 2020, *On Layer Normalization in the Transformer Architecture*, Lemmas 1 to 3 and
#   Theorem 1, Figure 3, arXiv:2002.04745.
# - Glorot & Bengio 2010, *Understanding the difficulty of training deep feedforward neural
#   networks*, section 4.2.
# - Liu et al. 2020 (Admin), *Understanding the Difficulty of Training Transformers*,
#   arXiv:2004.08249.
# - Takase et al. 2022, *B2T Connection*, arXiv:2206.00330.
# - Wang et al. 2022, *DeepNet*, section 3, arXiv:2203.00555.
# - Dong et al. 2021, *Attention is not all you need*, arXiv:2103.03404.
# - Noci et al. 2022, *Signal Propagation in Transformers*, arXiv:2206.03126.
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("06")
