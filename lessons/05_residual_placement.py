# %% [markdown]
# # 05 · Residual placement: where does the norm stand?
#
# ## What you will be able to do
#
# - Write post-norm, pre-norm, DeepNorm and nine relatives in one line each, and tell them apart in
#   a diagram.
# - Say how the residual stream grows with depth in each, and check it against the theory's band.
# - Say what the final norm of a pre-norm model is for, and what happens without it.
# - Judge the sentence "at initialization a block is approximately the identity", and name what
#   would make it true.

# %% [markdown]
# ## 1. Two places for one norm
#
# A transformer block has sub-layers $f$: attention, then the FFN. Each adds its output to the
# **residual stream** $x$. The norm can stand in two places:
#
# $$\text{post-norm:}\quad x \leftarrow \text{norm}(x + f(x)) \qquad\qquad
# \text{pre-norm:}\quad x \leftarrow x + f(\text{norm}(x))$$

# %%
from normlab import quiz

quiz("stream-after-24")

# %%
import numpy as np

from normlab.norms import layer_norm as norm

rng = np.random.default_rng(0)


def f(x):
    return rng.normal(scale=np.sqrt(0.5), size=x.shape)


post = pre = rng.standard_normal((16, 256))
for _ in range(24):
    post = norm(post + f(post))
    pre = pre + f(norm(pre))
print(f"post-norm: {post.var():.2f}   pre-norm: {pre.var():.1f}")

# %% [markdown]
# (b). Post-norm sets the variance back after every sub-layer. In pre-norm nothing on the stream
# itself is normalized: each sub-layer reads a normed *copy*, and what it adds stays there. The
# variance is $1 + 24 \cdot ½$.
#
# ### Diagrams that cannot lie
# The course has each placement once, as code. Here are the two:

# %%
import inspect

from normlab import Table
from normlab.models import PostNorm, PreNorm

for placement in (PostNorm, PreNorm):
    print(inspect.getsource(placement.step))

# %% [markdown]
# The pictures below are not drawn by hand. The same `step` runs once more, on a symbol in place of
# the stream, and writes down what is done to it. The thick line is the residual stream.
#
# **Predict.** Follow the thick line from `x` to `output`. In which of the two does it pass through
# a norm?

# %%
from normlab.chapters.residual_placement import draw_placement
from normlab.pictures import new_figure

fig, axes = new_figure(2, height=4.2)
for name, ax in zip(["post-norm", "pre-norm"], axes, strict=True):
    draw_placement(name, ax)

# %% [markdown]
# In post-norm it passes through every norm; in pre-norm through none but the **final norm**
# (dashed: it stands once, after the last block).
#
# **Who had which.** Vaswani et al. 2017, section 3.1, write $\text{LayerNorm}(x +
# \text{Sublayer}(x))$. The seed text: *"Post-Norm (Original Transformer, Vaswani et al. 2017)"*:
# **holds for the paper.** The authors' own code soon set the norm in front
# (`transformer_base_v2` in tensor2tensor is pre-norm). A text and a code that disagree are
# common here, so look at the diagram.
#
# ### A bug that real code had
# "Pre-norm", but with the *normed* x in the residual (RiNALMo, issue 9). One name is too few.
#
# **Predict.** Where does the thick line run now?

# %%
quiz("normed-residual")

# %%
from normlab.chapters.residual_placement import draw_wiring
from normlab.models import Placement, trace


class NormedResidual(Placement):
    def step(self, x, f, norm):
        x = norm(x)
        return x + f(x)


fig, ax = new_figure(width=3.5, height=4.2)
ax.set_title("normed residual")
draw_wiring(trace(NormedResidual), ax)
# %% [markdown]
# The thick line passes through the norms: the code says pre-norm, the wiring is a shifted
# post-norm. The tracer draws any class that you write, so you can look at your own.
#
# ### The same bug, and no line looks wrong
# Here it is the norm that is written carelessly, and the step is that of pre-norm.

# %%
quiz("norm-in-place")


# %%
def norm_in_place(x):
    x -= x.mean(-1, keepdims=True)
    x /= x.std(-1, keepdims=True)
    return x


stream = np.array([[10.0, 20.0, 60.0]])
print("the stream before:", stream[0])
normed = norm_in_place(stream)
print("the stream after: ", stream[0].round(2))

# %% [markdown]
# (b). The function writes into the array of its caller, so the raw stream is gone when it is added.
# The functions of `normlab.norms` do not change their input. In a test it takes one line: keep a
# copy, and compare.

# %% [markdown]
# ## 2. Twelve placements
#
# Each is one class in `normlab.models.placement.standard`. Most are one line.
#
# **Predict.** How many of the twelve have a norm *on* the thick line, not counting the final norm?

# %%
from normlab.models import PLACEMENTS, wiring_code

for name, placement in PLACEMENTS.items():
    first, *more = wiring_code(placement).splitlines()
    print(f"{name:18}", first, *(f"\n{'':18} {line}" for line in more))

# %% [markdown]
# `f` is the sub-layer, `norm` its norm, `gate` a learned factor that starts at zero or nearly so.
# The same code, drawn, for block 4 of 12:

# %%
names = list(PLACEMENTS)
for row in (names[:6], names[6:]):
    fig, axes = new_figure(6, width=13, height=4.2)
    for name, ax in zip(row, axes, strict=True):
        draw_placement(name, ax, layer=4)

# %% [markdown]
# Three: post-norm, DeepNorm and B2T. Mix-LN is a fourth in the first quarter of its layers. In all
# others the thick line passes nothing but sums.
#
# | name | whose | where it is used |
# |---|---|---|
# | post-norm | Vaswani et al. 2017 | the Transformer, BERT, BART |
# | pre-norm | Xiong et al. 2020 (the analysis) | GPT-2, GPT-3, LLaMA, Mistral |
# | deepnorm | Wang et al. 2022 | GLM-130B |
# | peri-norm | Kim et al. 2025; CogView's sandwich | Gemma 2 and 3, Grok-1 |
# | reordered-norm | OLMo 2, 2024 | OLMo 2, EXAONE 4 |
# | layernorm-scaling | Sun et al. 2025 | |
# | b2t | Takase et al. 2022 | |
# | mix-norm | Li et al. 2024 | |
# | rezero | Bachlechner et al. 2020 | |
# | layerscale | Touvron et al. 2021 | CaiT, vision |
# | parallel | Wang & Komatsuzaki 2021 | GPT-J, Falcon 7B |
#
# **Predict.** The explorer draws the block on the left and, on the right, the mean square of the
# stream after each of 24 layers. Before you move the slider: in which of the twelve does the
# stream stay at 1?
#
# Then look for three families: those that stay, those that grow along a line, and the one that
# leaves the picture.

# %%
from normlab.chapters.residual_placement import explore_placements

explore_placements()

# %% [markdown]
# - **They stay at 1** where a norm stands on the stream: post-norm, DeepNorm, B2T. ReZero and
#   LayerScale stay there too, for another reason: their branches start at zero or nearly so.
# - **They grow with depth** where only the branch is normed: pre-norm and the parallel block by
#   about one a layer, peri-norm and the reordered norm by 2 on average, since each of the two
#   branches ends in a norm and adds 1. LayerNorm Scaling shrinks what layer $\ell$ adds by
#   $1/\sqrt\ell$, and the line becomes a logarithm.
# - **It explodes** with no norm at all: each layer multiplies, and 24 layers make it $10^9$ and
#   more.
#
# *"each wrapped with a residual connection and LayerNorm"*, says the seed of the two sub-layers:
# **imprecise.** The parallel block has one norm for both, peri-norm has four, and a decoder with
# cross-attention has three sub-layers.

# %% [markdown]
# ## 3. How fast does the stream grow? Theory and measurement
#
# Xiong et al. 2020, Lemma 2, for weights $N(0, 1/d)$ and uniform attention, after $l$ layers:
#
# $$\text{pre-norm:}\quad 1 + \tfrac{l}{2} \;\le\; \frac{E\|x_l\|^2}{d} \;\le\; 1 + \tfrac{3l}{2}
# \qquad\qquad \text{post-norm, in front of the FFN's norm:}\quad \tfrac32$$
#
# The FFN always adds ½: ReLU keeps half the variance. Attention adds between 0 and 1: 1 if all
# tokens are alike, $1/n$ if the $n$ tokens are independent, since it averages them.
#
# **Predict.** With 1 token instead of 16, where in the band does the stream run: at the lower end,
# in the middle, at the upper end? (Theory speaks of the mean over random weights; the cell takes
# four draws of them.)

# %%
from normlab.chapters.residual_placement import average_growth, draw_growth

few_tokens = [
    average_growth(range(4), "pre-norm", init="xiong", d_model=128, tokens=n) for n in (1, 16)
]
fig, ax = new_figure()
draw_growth(few_tokens, ax)
for growth in few_tokens:
    values = ", ".join(f"{growth.mean_square[layer]:.2g}" for layer in (1, 6, 12, 24))
    print(f"{growth.tokens:2} tokens, after layers 1, 6, 12, 24: {values}")

# %% [markdown]
# At the upper end: one token attends to itself alone, so nothing is averaged away. With 16 tokens
# the stream starts near the lower end and rises faster later. Why later? Attention mixes the
# tokens layer by layer, so they become alike, and what is alike is not averaged away. Chapter 06
# measures how alike.
#
# The other placements with Xavier weights, beside what theory says of them: a norm on the stream
# gives 1, two normed branches a layer give $1 + 2l$.
#
# **Predict.** Which row will differ most from its theory?

# %%
from normlab.chapters.residual_placement import compare_growth, stream_growth

theory = {
    "none": "exponential",
    "post-norm": "1",
    "pre-norm": "13 … 37",
    "deepnorm": "1",
    "peri-norm": "49",
    "reordered-norm": "49",
}
growths = [average_growth(range(4), name, d_model=64) for name in theory]
table = compare_growth(growths, (1, 6, 12, 24))
Table(
    (*table.columns, "theory, 24 layers"),
    [[*row, theory[growth.placement]] for row, growth in zip(table.rows, growths, strict=True)],
)

# %% [markdown]
# The theory of the rows with a 1 is exact. The others scatter with the weights: over sixteen draws
# peri-norm comes to $50 \pm 2$ at this width, and 49 is expected. Without any norm each layer
# multiplies: attention's and the FFN's outputs are as large as their inputs.

# %% [markdown]
# ## 4. What is the final norm for?
#
# A pre-norm stream leaves the last block as large as it grew. The head that turns it into logits
# expects variance 1.

# %%
quiz("no-final-norm")

# %%
from normlab.chapters.residual_placement import initial_losses

losses = initial_losses(depths=[1, 6, 24, 96], seed=0)
losses.table()

# %%
from normlab.chapters.residual_placement import draw_initial_losses

fig, ax = new_figure()
draw_initial_losses(losses, ax)

# %% [markdown]
# (c). The logits' standard deviation grows like the stream's, $\sqrt l$, and a model that is
# confidently wrong pays for it. With the final norm the loss does not depend on depth; it is half
# a unit above guessing, since logits of variance 1 are not quite a guess. The post-norm model
# needs no final norm: its last block ends with one.
#
# The seed: *"Pre-norm adds the raw (unnormalized) residual"*: **holds, and is incomplete.** Its
# listing `PreNormBlock` has no final norm either; stacked as it stands, it gives the middle
# column. In PyTorch, `nn.TransformerEncoder(layer, norm_first=True)` adds none unless you pass
# `norm=`:

# %%
import torch

torch.manual_seed(0)
layer = torch.nn.TransformerEncoderLayer(64, 4, 256, norm_first=True, batch_first=True)
stack = torch.nn.TransformerEncoder(layer, num_layers=24, enable_nested_tensor=False).eval()
with_norm = torch.nn.TransformerEncoder(
    layer, num_layers=24, norm=torch.nn.LayerNorm(64), enable_nested_tensor=False
).eval()
tokens = torch.randn(4, 16, 64, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    print("its own final norm:", stack.norm)
    print(f"output variance without: above 2: {stack(tokens).var() > 2}")
    print(f"output variance with:    {with_norm(tokens).var():.2f}")

# %% [markdown]
# PyTorch also has encoder and decoder in one module.

# %%
quiz("nn-transformer")

# %%
whole = torch.nn.Transformer(64, 4, 2, 2, 256, batch_first=True)
print("norms in front of the sub-layers:", whole.encoder.layers[0].norm_first)
for part in (whole.encoder, whole.decoder):
    parameters = sum(weight.numel() for weight in part.norm.parameters())
    print(f"{type(part).__name__} ends with {type(part.norm).__name__}, {parameters} parameters")

# %% [markdown]
# (b). Behind the last block, whose output is normed already, stands one more norm. At initialization
# it changes next to nothing. But it has a gain and a shift of its own, 2 · 64 numbers that the
# weights of another post-norm model do not hold.
#
# ## 5. "Approximately an identity"?
#
# The seed, of pre-norm: *"at initialization, starts near zero, so — the block is approximately an
# identity."* And of post-norm: *"At initialization, the residual branch is near-zero (small
# weights)"*. Near zero, compared to what? To the stream that it is added to. So measure
#
# $$\frac{\|x_{l+1} - x_l\|}{\|x_l\|}$$
#
# for each block: 0 is an identity.

# %%
quiz("first-pre-norm-block")

# %%
from normlab.chapters.residual_placement import compare_change

cases = [
    ("post-norm", "xavier"),
    ("post-norm", "gpt2"),
    ("pre-norm", "xavier"),
    ("pre-norm", "gpt2"),
    ("pre-norm", "gpt2-scaled"),
    ("pre-norm", "zero-output"),
    ("deepnorm", "xavier"),
    ("rezero", "xavier"),
    ("layerscale", "xavier"),
]
growths = [stream_growth(name, init=init, d_model=128, seed=0) for name, init in cases]
compare_change(growths, (1, 2, 6, 12, 24))

# %% [markdown]
# (c). **Wrong**, both times.
#
# - The first pre-norm block changes the stream by 70 %. The last one by 20 %, but not because its
#   branch is small: every branch adds the same, and the stream has grown. It falls like
#   $1/\sqrt l$, by depth and not by initialization.
# - GPT-2's small weights (0.02) do not help: the norm in front of the branch takes the scale of
#   the stream away, and the embedding is as small as the weights. The first block changes the
#   stream 3.6-fold. Dividing the output weights by $\sqrt{2L}$, as GPT-2's paper does, brings it
#   to a half.
# - A post-norm block is no identity either: 0.6 to 0.9 with Xavier weights, at every depth. Small
#   weights do make it small, 0.07, once the first norm has set the stream to 1 (that is the 50).
#
# What would make the sentence true? Branches that start at zero: zero output weights, ReZero
# ($a = 0$), LayerScale ($\lambda = 10^{-4}$). And DeepNorm comes near it on purpose, with
# $\beta$: 2 %.
#
# Which slider setting makes a pre-norm block an identity? Find it, and see what the others do at
# the same weights.

# %%
from normlab.chapters.residual_placement import explore_identity

explore_identity()

# %% [markdown]
# Only the scale 0 is an identity. Small weights come near it: at 0.3 the first pre-norm block
# changes the stream by 6 %, since a branch is a product of two matrices and $0.3^2 \cdot 0.7 =
# 0.06$. So the seed's sentence describes weights of a third of their usual size beside embeddings
# of full size. At scale 2 the first block changes the stream by 380 %, and the last by 19 %, as it
# did at scale 1: deep in a pre-norm stack the ratio is set by the number of branches below, and
# hardly by the size of the weights.

# %% [markdown]
# ## The exercise
#
# Write a post-norm step, a pre-norm step, and a pre-norm transformer with its final norm:
# [exercise 04](../exercises/04_residual_placement.ipynb).

# %% [markdown]
# ## Recap
#
# - Post-norm: $x \leftarrow \text{norm}(x + f(x))$; the stream stays at 1. Pre-norm:
#   $x \leftarrow x + f(\text{norm}(x))$; it grows.
# - A diagram that is traced from the code shows where the norm stands; a comment does not.
# - Pre-norm grows inside $1 + l/2 \ldots 1 + 3l/2$; peri-norm and reordered norm like $1 + 2l$;
#   LayerNorm Scaling reaches 3.8 after 24 layers; no norm at all reaches $10^9$ and more.
# - Pre-norm needs a final norm: without it the loss of an untrained 96-layer model is above 10.
# - No block with Xavier weights is an identity: 0.7 for the first pre-norm block, 0.2 for the
#   24th. True identities have zero output weights or a gate at zero.
#
# ## Sources
#
# - Vaswani et al. 2017, *Attention Is All You Need*, section 3.1, arXiv:1706.03762; the authors'
#   code: tensor2tensor, `transformer_base_v2`.
# - Xiong et al. 2020, *On Layer Normalization in the Transformer Architecture*, Table 1 and
#   Lemmas 1 and 2, arXiv:2002.04745.
# - Wang et al. 2022, *DeepNet*, section 4.1, arXiv:2203.00555.
# - Kim et al. 2025, *Peri-LN*, arXiv:2502.02732; Ding et al. 2021, *CogView*, arXiv:2105.13290;
#   OLMo et al. 2024, *2 OLMo 2 Furious*, arXiv:2501.00656.
# - Sun et al. 2025, *The Curse of Depth in Large Language Models*, arXiv:2502.05795; Li et al.
#   2024, *Mix-LN*, arXiv:2412.13795; Takase et al. 2022, *B2T Connection*, arXiv:2206.00330.
# - Bachlechner et al. 2020, *ReZero is All You Need*, arXiv:2003.04887; Touvron et al. 2021,
#   *Going deeper with Image Transformers*, arXiv:2103.17239; De & Smith 2020 (SkipInit),
#   arXiv:2002.10444.
# - Radford et al. 2019, *Language Models are Unsupervised Multitask Learners*, section 2.3.
# - RiNALMo, issue 9 (the normed residual).
#
# {{ next chapter }}

# %% [markdown]
# Run the last cell to mark the chapter as read.

# %%
from normlab import chapter_read

chapter_read("05")
