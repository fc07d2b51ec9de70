# %% [markdown]
# # 06 · Gradient flow: what reaches the first layer?
#
# ## What you will be able to do
#
# - Read a picture of gradient norms by layer, and say what theory expects there.
# - Derive in three lines why the gradient of post-norm stays flat and that of pre-norm falls with
#   the layer.
# - Reproduce Xiong et al. 2020: the gradient of the last layer, by depth.
# - Say where post-norm's gradient vanishes at initialization, and where it does not.
# - Say what happens to gradients when all tokens become alike.

# %% [markdown]
# ## 1. Why look at gradients?
#
# A step of training moves each weight by its gradient. A layer whose gradient is a thousand times
# smaller than another's learns a thousand times slower (with SGD). So take an untrained model and
# ask at each depth: how long is $\partial L/\partial x_l$, the gradient at the residual stream
# $x_l$?
#
# `normlab.models.stack` is a transformer in NumPy with its own backward pass. It counts **sub-layers**:
# number 0 is attention, 1 the FFN, 2 attention again, so 48 sub-layers are 24 layers. Its loss is
# $L = \langle c, y \rangle$ with a random $c$ of length 1, so at the output of post-norm the
# gradient has length 1. The weights are Xiong et al.'s, $N(0, 1/d)$ with uniform attention.
#
# **Predict** two things: the answer to the question below, and whether pre-norm's gradient is
# greatest at the first or at the last sub-layer.

# %%
from normlab import quiz

quiz("post-norm-gradient")

# %%
from normlab import Table
from normlab.models import StackSetting, stack_profile

profiles = [
    stack_profile(StackSetting(name, init="xiong", tokens=16), sub_layers=48)
    for name in ("post-norm", "pre-norm")
]
Table(
    ("l", "post-norm", "pre-norm"),
    [
        [depth, *(f"{10 ** p.log10_gradient[depth]:.2f}" for p in profiles)]
        for depth in (0, 1, 6, 12, 24, 47, 48)
    ],
)

# %% [markdown]
# (b), and the first. Post-norm loses a part near the output and then keeps what it has. Pre-norm
# starts with 0.2 at the output and *grows* on the way down. Both are no accident.

# %% [markdown]
# ## 2. One sub-layer, both ways
#
# Take the FFN, $f(x) = \mathrm{ReLU}(x W_1) W_2$ with weights $N(0, 1/d)$, and send a random $x$
# forward and a random gradient backward.
#
# **Predict.** ReLU keeps half of the mean square forward (Xiong's Lemma 1). How much does the
# branch keep of the gradient, going back?

# %%
import numpy as np

rng = np.random.default_rng(0)
d, tokens = 256, 256
W_1, W_2 = rng.normal(scale=d**-0.5, size=(2, d, d))
x, dy = rng.standard_normal((2, tokens, d))

hidden = np.maximum(x @ W_1, 0)
f = hidden @ W_2
df = (dy @ W_2.T * (hidden > 0)) @ W_1.T
print(f"forward:  branch {np.mean(f**2):.2f}, shortcut + branch {np.mean((x + f) ** 2):.2f}")
print(f"backward: branch {np.mean(df**2):.2f}, shortcut + branch {np.mean((dy + df) ** 2):.2f}")

# %% [markdown]
# The same half. A branch with gain $g$ multiplies $\|x\|^2$ by $1 + g$ on the way up and
# $\|\partial L/\partial x\|^2$ by the same $1 + g$ on the way down (the argument is Glorot &
# Bengio's, 2010). Now add the norm. It divides by $\sigma$, and so does its backward pass
# (chapter 02; Xiong's Lemma 3). For **post-norm** $\sigma^2 = 1 + g$.
#
# **Predict.** What does a whole post-norm sub-layer multiply the gradient's mean square by?

# %%
from normlab.norms import layer_norm_backward

z = x + f
dz, _, _ = layer_norm_backward(dy, z)
dx = dz + (dz @ W_2.T * (hidden > 0)) @ W_1.T
print(f"after the norm: {np.mean(dz**2):.2f}   after the branch: {np.mean(dx**2):.2f}")

# %% [markdown]
# $\tfrac{1}{1+g} \cdot (1+g) = 1$: the norm takes, and the branch gives back. A text that only
# says *"each norm divides the gradient"* has looked at half of the sub-layer.
#
# The other placements, by the same rule:
#
# | | forward | backward | so $\|\partial L/\partial x_l\|$ is |
# |---|---|---|---|
# | no norm | $\times (1+g)$ | $\times (1+g)$ | exponential |
# | post-norm | $1$ | $\times (1+g)/(1+g)$ | $1$ |
# | pre-norm | $+\,g$ | $\times (1 + g/x_l^2)$ | $1/\sqrt{x_l^2}$ |
# | peri-norm | $+\,1$ | $\times (1 + 1/x_l^2)$ | $1/\sqrt{x_l^2}$ |
#
# with $x_l^2$ for $\|x_l\|^2/d$. In the last two rows each factor is $x_{l+1}^2/x_l^2$, the final
# norm gives $1/\sqrt{x_L^2}$, and the product collapses: **the gradient is one over the size of
# the stream.** It does not depend on $L$: at the input it is 1, at any depth.
#
# **Attention** averages. If its $n$ tokens are alike, averaging takes nothing, $g = 1$. If they
# have nothing in common it leaves $g = 1/n$. Backwards it averages too: only what the tokens'
# gradients share goes through, of our random $c$ a part of $1/n$ of its square. So theory gives
# two ends, *tokens unlike* and *tokens alike*, and a band between them. For the pre-norm stream it
# is the band of Xiong's Lemma 2 (whose lower end has $n \to \infty$). For the gradient it is the
# argument above (`flow_theory`), which is this course's and no paper's.

# %% [markdown]
# ## 3. The explorer
#
# Left the signal, right the gradient, in stacks of 1 to 1,000 sub-layers (500 layers). Depth
# turns pages; the other controls compute anew.
#
# **Predict**, then try:
#
# 1. Pre-norm, and L from 1 to 1,000. Which end of the gradient's curve moves: the one at the
#    input, or the one at the output?
# 2. Tokens: 1. Nothing is averaged. How wide is the band?
# 3. Post-norm, at L = 24, then at 1,000. Does theory's line hold?
# 4. No norm. At which L does float32 end, and what does `weights × 0.5` do to it?
# 5. DeepNorm with `weights × 1.4`. Can you make its gradient leave the 1?

# %%
from normlab.chapters.gradient_flow import explore_gradient_flow

explore_gradient_flow()

# %% [markdown]
# - Pre-norm: the output's end. The input keeps about 0.5 whatever L is, and the output's gradient
#   falls like $1/\sqrt{L}$.
# - With one token the band is a line, and pre-norm runs along it over three powers of ten.
# - With 16 tokens the stream starts at the lower end and comes to the upper one: tokens become
#   alike (section 6).
# - Post-norm with 16 tokens drops to about $1/\sqrt{16}$ near the output and then stays, as
#   theory's lower end says. From about 100 sub-layers on it wanders out of the band.
# - Without norms both explode, and at $x_{337}$ float32 ends. With half the weights it does not end
#   before 1,000; the stream is at $10^{18}$ there.
# - DeepNorm stays at 1, whatever you set.
#
# **Why does it wander?** Theory is about the *mean* over weights, of a *wide* model. Each layer
# multiplies by a random number near 1, and the logarithm of a product of many such numbers walks.
#
# **Predict.** The cell measures $\log_{10}\|\partial L/\partial x_0\|$ of post-norm over 8 seeds at
# L = 192. Four times the width: is the spread the same, a half, or a quarter?

# %%
for width in (32, 128):
    sizes = {"d_model": width, "d_ff": width, "heads": 1, "tokens": 1, "batch": 4}
    logs = [
        stack_profile(
            StackSetting("post-norm", init="xiong", **sizes, seed=seed), 192
        ).log10_gradient[0]
        for seed in range(8)
    ]
    mean_square = np.mean(10 ** (2 * np.array(logs)))
    print(f"d = {width:3}: spread {np.std(logs):.2f}, from {min(logs):.1f} to {max(logs):.1f}")

# %% [markdown]
# A half: the step of the walk is about $1/\sqrt d$, and it takes $L$ of them. At $d = 64$ and $L =
# 1{,}000$ factors of ten and more are no surprise. DeepNorm walks less, since its branches are
# small against the shortcut.
#
# The seed: *"Gradients can flow freely through the residual path regardless of depth."* (of
# pre-norm): **imprecise.** The shortcut hands the gradient on unchanged, and the input does
# receive the same at every L. But the layers do not get the same: a layer at depth $l$ gets
# $1/\sqrt{l}$ of it. The deeper the model, the less its last layers learn.

# %% [markdown]
# ## 4. Xiong et al. 2020, reproduced
#
# The paper's Theorem 1 is about one weight, $W_2$ of the last FFN:
#
# $$\text{post-norm: } \left\|\frac{\partial L}{\partial W_2}\right\|_F \le O\!\left(d\sqrt{\ln d}\right)
# \qquad \text{pre-norm: } O\!\left(d\sqrt{\frac{\ln d}{L}}\right)$$
#
# For our loss more can be said. $\partial L/\partial W_2 = h^\top \partial L/\partial f$, and
# the entries of $h$, after ReLU, have mean square ½. So its norm is $\sqrt{d_{\text{ff}}/2}$ times
# that of $\partial L/\partial f$: $1/\sqrt{3/2}$ in post-norm, $1/\sqrt{x_L^2}$ in pre-norm.
#
# With 1 token $x_L^2 = 1 + 3L/2$, in *layers*.

# %%
quiz("slope-of-the-last-layer")

# %%
from normlab.probes import sweep_depths

WIDTH = {"init": "xiong", "d_model": 128, "d_ff": 128, "heads": 1}


def last_gradient(placement, tokens):
    def measure(layers, seed):
        setting = StackSetting(placement, tokens=tokens, batch=16 // tokens, seed=seed, **WIDTH)
        return 10 ** stack_profile(setting, 2 * layers).log10_weight_gradient["W_2"][-1]

    return measure


sweep = sweep_depths(
    {
        "post-norm, 16 tokens": last_gradient("post-norm", 16),
        "pre-norm, 1 token": last_gradient("pre-norm", 1),
        "pre-norm, 16 tokens": last_gradient("pre-norm", 16),
    },
    depths=(2, 4, 8, 16, 32, 64),
    seeds=range(3),
)
sweep.table()

# %%
from normlab.pictures import new_figure
from normlab.probes import draw_sweep

L = np.array(sweep.depths)
theory = {
    "post-norm, 16 tokens": 8 / np.sqrt(1.5 + 0 * L),  # √(128/2) = 8
    "pre-norm, 1 token": 8 / np.sqrt(1 + 3 * L / 2),
    "pre-norm, 16 tokens": 8 / np.sqrt(1 + L / 2),
}
fig, ax = new_figure(height=3.8)
draw_sweep(sweep, ax, theory, "‖∂L/∂W_2‖, last layer")

# %% [markdown]
# Post-norm is flat, pre-norm falls: Theorem 1 holds. A little less steep than −½ with 1 token,
# because of the 1 in $1 + 3L/2$: theory's own line has slope −0.46. **Steeper** with 16 tokens,
# and this is no mistake: the stream starts at the lower end of Lemma 2's band, where tokens are
# unlike (dashed), and ends at the upper one. It crosses from $1 + L/2$ to $1 + 3L/2$, a factor
# $\sqrt3$ in the gradient, on top of the $\sqrt{L}$. Measure on long sequences and you will read
# −0.58; the law is still −½.
#
# Lemma 2 has a number for post-norm too: what enters the FFN's norm has $\|\cdot\|^2 = 3d/2$.
#
# **Predict.** And what enters attention's norm: 1, 3/2, 2, or does it depend on the layer?

# %%
sums = profiles[0].sum_mean_square  # post-norm, 24 layers, 16 tokens
attention, feed_forward = sums[::2], sums[1::2]
Table(
    ("layer", "into attention's norm", "into the FFN's norm"),
    [
        [layer, f"{attention[layer - 1]:.2f}", f"{feed_forward[layer - 1]:.2f}"]
        for layer in (1, 2, 6, 12, 24)
    ]
    + [["mean", f"{attention.mean():.2f}", f"{feed_forward.mean():.2f}"]],
)

# %% [markdown]
# The FFN's is 3/2 at every depth, with the scatter of 64 features. Attention's begins at $1 + 1/n$
# and comes to 2 as the tokens become alike.
#
# The seed, of post-norm: *"gradients must flow through many LayerNorm operations before reaching
# early layers. This can cause instability at the start of training — the network needs learning
# rate warmup"*. **Imprecise.** That plain post-norm needs warmup holds (chapter 07). The reason
# does not: through $L$ norms and $L$ branches the gradient keeps its size. Xiong et al. name the
# *large* gradient near the output, which does not shrink with depth. DeepNet and Admin name the
# update of the model, which grows with depth (chapter 08).

# %% [markdown]
# ## 5. The trap: the decoder does vanish
#
# Takase et al. 2022 write that the norm of post-norm is the source of a vanishing gradient, and
# many texts repeat it for every post-norm model. Admin (Liu et al. 2020) found it in one place
# only: the decoder. Measure the ratio of the FFN's weight gradient, last layer over first. 1 is
# flat; a great ratio says that the first layer gets little.
#
# **Predict.** A decoder has a third sub-layer, cross-attention: its keys and values come from the
# encoder. What does it hand back to the decoder's stream, in the rule of section 2?

# %%
from normlab.models import Gains, PostNorm, TransformerConfig
from normlab.probes import weight_gradients


class PackedPostNorm(PostNorm):
    """W_v as nn.MultiheadAttention draws it: Xavier for W_q, W_k and W_v as one (3d, d) matrix."""

    def __init__(self, site):
        super().__init__(site)
        self.gains = Gains(value=0.5**0.5)


def last_to_first(placement, decoder):
    def measure(layers, seed):
        config = TransformerConfig(
            encoder_layers=layers, decoder_layers=layers if decoder else 0, placement=placement
        )
        return weight_gradients(config, seed).last_to_first

    return measure


ratios = sweep_depths(
    {
        "post-norm encoder": last_to_first("post-norm", decoder=False),
        "post-norm decoder": last_to_first("post-norm", decoder=True),
        "the same, W_v of nn.MultiheadAttention": last_to_first(PackedPostNorm, decoder=True),
        "pre-norm decoder": last_to_first("pre-norm", decoder=True),
        "DeepNorm decoder": last_to_first("deepnorm", decoder=True),
    },
    depths=(3, 6, 12),
    seeds=range(2),
)
Table(
    ("last / first", *(f"{layers} layers" for layers in ratios.depths)),
    [[name, *(f"{ratio:.1f}" for ratio in values)] for name, values in ratios.values.items()],
)

# %% [markdown]
# The post-norm encoder loses a factor of 2, most of it near the output. The decoder loses 60 at 12
# layers, and more with each further one. The pre-norm and DeepNorm decoders lose nothing. Layer by
# layer:

# %%
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
# Which of the three sub-layers loses it? For each kind, the cell behind the question takes the
# geometric mean over the 12 layers of $1/\sigma$, what the norm does to the gradient, and of what
# the whole sub-layer does.

# %%
quiz("which-sub-layer-loses-it")

# %%
decoder = stacks["post-norm decoder"]
norm = (decoder.sum_mean_square**-0.5).reshape(12, 3)  # (36,) -> (layers, kinds)
whole = (decoder.gradient[:-1] / decoder.gradient[1:]).reshape(12, 3)
Table(
    ("sub-layer", "the norm alone", "norm and branch"),
    [
        [kind, *(f"{np.exp(np.log(factors[:, i]).mean()):.2f}" for factors in (norm, whole))]
        for i, kind in enumerate(("self-attention", "cross-attention", "FFN"))
    ],
)

# %% [markdown]
# Cross-attention. It adds to the stream as much as self-attention does, so the norm divides by
# $\sqrt{1 + g} \approx \sqrt2$. But its branch comes from the encoder: the gradient goes back
# there, and what the queries return to the decoder's own stream is next to nothing. The norm
# takes, and nobody gives back. Twelve layers: $\sqrt2^{\,12} = 64$. With the smaller $W_v$ of
# `nn.MultiheadAttention`, $g = ½$, it is $\sqrt{1.5}^{\,12} = 11$ (measured 17; seeds scatter by half).
#
# So both are right about something. The norm is the source, as Takase et al. say, where no branch
# makes up for it. In an encoder, or in a decoder-only model, every branch does, and the gradient
# does not vanish at initialization. A test that expects it there fails; ours asserts the
# contrary. DeepNorm's $\alpha$ makes $\sigma$ nearly the shortcut's, and the ratio is 1.

# %% [markdown]
# ## 6. When tokens become alike
#
# The mean cosine of two tokens of a sequence says how alike they are. Dong et al. 2021 proved that
# a stack of attention alone makes them equal (**rank collapse**), doubly exponentially in depth,
# and that shortcuts work against it.

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

# %% [markdown]
# Above 0.9. Without the shortcut two layers do it; with it post-norm only takes longer, and
# pre-norm longer still, since each of its branches is smaller against the stream. DeepNorm hardly
# moves. So *"shortcuts prevent rank collapse"* is **imprecise**: they delay it.
#
# What does it do to gradients? If all keys are the same, a score cannot prefer one of them, and a
# query has nothing to learn.
#
# **Predict.** In a post-norm encoder of 48 layers, which weight's gradient vanishes with depth,
# and which does not: $W_q$, $W_v$?

# %%
weights = {
    name: stack_profile(StackSetting(name, tokens=16), sub_layers=96).log10_weight_gradient
    for name in ("post-norm", "pre-norm", "deepnorm")
}
Table(
    ("placement", "weight", *(f"layer {layer}" for layer in (1, 4, 7, 13))),
    [
        [name, weight, *(f"{10 ** logs[weight][layer - 1]:.1g}" for layer in (1, 4, 7, 13))]
        for name, logs in weights.items()
        for weight in ("W_v", "W_q")
    ],
)

# %% [markdown]
# $W_q$ (and $W_k$): in post-norm it falls by a thousand in 13 layers and goes on falling, while
# $W_v$ stays. This is what does vanish in a post-norm encoder at initialization (Noci et al.
# 2022), and $\|\partial L/\partial x_l\|$ alone does not show it.

# %% [markdown]
# ## 7. The scale of the weights
#
# A branch is a product of two matrices. Double all weights, and its gain grows by $2^4 = 16$.
#
# **Predict.** Which placements notice: in the stream, and in the gradient at the input? (Xavier
# weights, 48 sub-layers, 16 tokens.)


# %%
def shown(value, digits):  # what is multiplied that often depends on rounding, so on the CPU
    return f"{value:.{digits}g}" if value < 1e6 else "over 1e6"


rows = []
for name in ("post-norm", "pre-norm", "peri-norm", "deepnorm", "none"):
    row = [name]
    for scale in (0.5, 1.0, 2.0):
        p = stack_profile(StackSetting(name, tokens=16, init_scale=scale), sub_layers=48)
        ends = f"{shown(p.mean_square[-1], 3)}, {shown(10 ** p.log10_gradient[0], 1)}"
        row += ["overflows" if p.overflow else ends]
    rows.append(row)
Table(("output's stream, input's gradient", "weights × ½", "× 1", "× 2"), rows)

# %% [markdown]
# - Pre-norm: the stream follows the factor 16. The gradient at the input hardly moves, as
#   $1/\sqrt{x_0^2}$ says, until ×2.
# - Peri-norm's stream does not care: its second norm sets every branch to 1.
# - Post-norm and DeepNorm keep the stream at 1 whatever comes.
# - At ×2 something new begins in all of them: scores become large, the softmax picks single
#   tokens, and a gradient through the scores joins that through the values. The uniform attention
#   of the theory is gone.
# - Without norms ½ is the difference between a factor 2 and a factor of millions; with ×2 the stream
#   leaves float32 before its 24th layer.
#
# Where does float32 end without norms, at the usual weights?

# %%
for init in ("xavier", "xiong"):
    p = stack_profile(StackSetting("none", init=init, tokens=16), sub_layers=400)
    print(
        f"{init}: x_{p.overflow} is not finite; before it, ‖x‖²/d ≈ 1e{np.log10(p.mean_square[p.overflow - 1]):.0f}"
    )

# %% [markdown]
# Below 200 layers in both. With Xavier weights it ends earlier, although the stream is smaller:
# the scores $q \cdot k$ hold two factors of the stream, and overflow first.

# %% [markdown]
# ## The exercise
#
# Write the probe of this chapter, and the slope that sums up its curves:
# `layer_gradient_norms` and `loglog_slope` in [exercise 05](../exercises/05_gradient_flow.ipynb).

# %% [markdown]
# ## Recap
#
# - A branch multiplies signal and gradient by the same gain, each in its direction.
# - Post-norm: the norm divides by $1 + g$ what the branch multiplies by $1 + g$; the gradient stays
#   between $1/\sqrt n$ and 1, and wanders by $\sqrt{L/d}$ around it.
# - Pre-norm: the gradient is one over the size of the stream: 1 at the input, $1/\sqrt{1 + 3L/2}$
#   at the output of $L$ layers.
# - Last layer's $W_2$: flat with depth for post-norm, slope −½ for pre-norm (measured −0.47 with 1
#   token, −0.58 with 16).
# - What enters the FFN's norm in post-norm has mean square 3/2.
# - The post-norm encoder does not vanish at initialization. The decoder with cross-attention does,
#   by $\sqrt2$ a layer: 60 at 12 layers.
# - Shortcuts delay rank collapse; where tokens are alike, $W_q$ and $W_k$ stop learning.
#
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
# Run the last cell to mark the chapter as read.

# %%
from normlab import chapter_read

chapter_read("06")
