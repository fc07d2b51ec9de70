# %% [markdown]
# # 05 · Residual placement: where does the norm go?
#
# ## What you will be able to do
#
# - Write post-norm, pre-norm, DeepNorm and nine relatives in one or two lines, and tell them apart in
#   a diagram.
# - Say how the residual stream grows with depth in each, and check it against the theory's band.
# - Say what the final norm of a pre-norm model is for, and what happens without it.
# - Judge the sentence "at initialization a block is approximately the identity", and name what
#   would make it true.
#
# {{ minutes }}

# %% [markdown]
# ## 1. Two places for one norm
#
# A transformer block has sub-layers $f$: attention, then the feed-forward network (FFN). Each adds
# its output to the **residual stream** $x$. The norm can go in two places:
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
# ## 2. Diagrams that are drawn by the code
#
# The course has each placement once, as code. The pictures below are not drawn by hand. The same
# `step` runs once more, on a symbol in place of the stream, and writes down what is done to it. The
# thick line is the residual stream. The formula below a picture is read off the same run.

# %%
from normlab.claims import your_mark

your_mark(2, 11)

# %%
import inspect

from normlab.chapters.residual_placement import draw_placements
from normlab.models import PostNorm, PreNorm
from normlab.pictures import new_figure

for placement in (PostNorm, PreNorm):
    print(inspect.getsource(placement.step))
fig, axes = new_figure(2, height=4.2)
draw_placements(["post-norm", "pre-norm"], axes)

# %% [markdown]
# In post-norm the thick line passes through every norm; in pre-norm through none but the **final
# norm** (dashed: it stands once, after the last block).

# %% [markdown] tags=["answer"]
# **Who had which.** Vaswani et al. 2017, section 3.1, write $\text{LayerNorm}(x +
# \text{Sublayer}(x))$. **Claim 2: {{ ruling 2 }}.** **Claim 11: {{ ruling 11 }}** (`transformer_base_v2` in tensor2tensor).

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
ax.set_title("the step of the question")
draw_wiring(trace(NormedResidual), ax)

# %% [markdown] tags=["answer"]
# The thick line passes through the norms, whatever the name of the class says. Public code that is
# called pre-norm has this step (RiNALMo, issue 9). The tracer draws any class that you
# write.

# %% [markdown]
# ## 3. One more pre-norm ★
#
# Here the step is that of pre-norm. Look at how the norm is written.

# %%
quiz("pre-norm-in-numpy")


# %%
def norm_of_the_question(x):
    x -= x.mean(-1, keepdims=True)
    x /= x.std(-1, keepdims=True)
    return x


stream = np.array([[10.0, 20.0, 60.0]])
print("x:          ", stream[0])
normed = norm_of_the_question(stream)
print("norm(x):    ", normed[0].round(2))
print("x once more:", stream[0].round(2))

# %% [markdown] tags=["answer"]
# The norm works in place. No line of the step looks wrong, and the picture of section 2 could be
# drawn for it too. The functions of `normlab.norms` do not change their input. In a test it takes
# one line: keep a copy, and compare.

# %% [markdown]
# ## 4. Twelve placements
#
# Each is one class in `normlab.models.placement.standard`. One line stands for every sub-layer $f$
# of layer $l$ of 12; attention and FFN are named where they are wired in two ways. α is DeepNorm's
# constant. The factors $a$, a number, and λ, a vector, are learned; $a$ starts at 0, λ at
# 0.0001.

# %%
from normlab.models import PLACEMENTS, block_formula

for name, placement in PLACEMENTS.items():
    print(f"{name:18}", block_formula(placement).replace("\n", f"\n{'':19}"))

# %%
quiz("norms-on-the-line")

# %% [markdown]
# The same twelve, drawn, for block 12 of 12:

# %%
names = list(PLACEMENTS)
for row in (names[:6], names[6:]):
    fig, axes = new_figure(6, width=13, height=4.2)
    draw_placements(row, axes, layer=12)

# %% [markdown]
# |name|whose|where it is used|
# |---|---|---|
# |none|–|to compare with|
# |post-norm|Vaswani et al. 2017|Transformer (2017), BERT (2018), BART (2019)|
# |pre-norm|Xiong et al. 2020 (analysis)|GPT-2 (2019), GPT-3 (2020), LLaMA, Mistral (2023)|
# |deepnorm|Wang et al. 2022|GLM-130B (2022), with a larger α|
# |peri-norm|CogView 2021; Kim et al. 2025|Grok-1, Gemma 2 (2024), Gemma 3 (2025)|
# |reordered-norm|OLMo et al. 2024|OLMo 2 (2024), EXAONE 4 (2025)|
# |layernorm-scaling|Sun et al. 2025|research|
# |b2t|Takase et al. 2022|research|
# |mix-norm|Li et al. 2024|research|
# |rezero|Bachlechner et al. 2020|research|
# |layerscale|Touvron et al. 2021|CaiT (2021), vision|
# |parallel|Wang & Komatsuzaki 2021|GPT-J (2021), Falcon 7B (2023)|

# %%
your_mark(10)

# %%
quiz("layernorm-scaling-stream")

# %%
quiz("streams-at-one")

# %% [markdown]
# The explorer draws the block, and the mean square of the stream after each of 24 layers. Look
# for four families of curves.

# %% tags=["answer"]
from normlab.chapters.residual_placement import explore_placements

explore_placements()

# %% [markdown] tags=["answer"]
# - **They stay at 1** where a norm stands on the stream, or where branches start at zero, and
#   for the first quarter of mix-norm.
# - **They grow with depth** where only the branch is normed: pre-norm and the parallel block by
#   about one a layer, peri-norm and the reordered norm by more.
# - **It grows ever more slowly** in LayerNorm Scaling, like a logarithm, and ends near 3.
# - **It explodes** with no norm at all: each layer multiplies, and 24 layers make it some $10^9$.
#
# **Claim 10: {{ ruling 10 }}.** A decoder with cross-attention has three sub-layers.

# %% [markdown]
# ## 5. How fast does the stream grow? Theory and measurement
#
# Xiong et al. 2020, Lemma 2, for weights $N(0, 1/D)$ and uniform attention, after $l$ layers:
#
# $$\text{pre-norm:}\quad 1 + \tfrac{l}{2} \;\le\; \frac{E\|x_l\|^2}{D} \;\le\; 1 + \tfrac{3l}{2}
# \qquad\qquad \text{post-norm, in front of the FFN's norm:}\quad \tfrac32$$
#
# The FFN always adds ½: ReLU keeps half the variance. Attention adds between 0 and 1: 1 if all
# tokens are alike, $1/T$ if the $T$ tokens are independent, since it averages them.
#
# Below, each weight has $\sigma^2 = 1/\text{fan-in}$. The FFN is four times as wide as the paper's,
# and $W_2$ smaller for it, so that it adds ½ too.

# %%
quiz("one-token-stream")

# %% [markdown]
# The lemma is about the mean over random weights. The picture has the mean of twelve draws and their
# standard deviation, the table its standard error.

# %%
from normlab.chapters.residual_placement import average_growth, compare_growth, draw_growth

few_tokens = [
    average_growth(range(12), "pre-norm", init="xiong", d_model=128, tokens=n) for n in (1, 16)
]
fig, ax = new_figure()
draw_growth(few_tokens, ax)
compare_growth(few_tokens, (1, 6, 12, 24))

# %% [markdown] tags=["answer"]
# With 1 token the stream runs at the upper end. With 16 it starts near the lower end and rises
# faster later. Why later? Attention mixes the tokens layer by layer, so they become alike, and what
# is alike is not averaged away. Chapter 06 measures how alike.

# %% [markdown]
# ## 6. Theory for the other placements ★
#
# The same argument, for other placements, and for the Xavier weights of the explorer in section 4.

# %%
quiz("peri-norm-stream")

# %% [markdown]
# Xavier's $W_1$ and $W_2$ have $\sigma^2 = 2/(D + d_\text{ff})$. What does the FFN add then?

# %%
d, d_ff, layers = 64, 256, 24
ffn = d * d_ff * (2 / (d + d_ff)) ** 2 / 2
print(f"FFN: {ffn:.2f}, attention: 0 to 1")
print(f"pre-norm after {layers} layers: {1 + layers * ffn:.1f} to {1 + layers * (ffn + 1):.1f}")

# %% [markdown]
# Theory for 16 tokens beside the mean of twelve models with $D = 64$:

# %%
from normlab import Table
from normlab.models import STACK_PLACEMENTS, StackSetting
from normlab.probes import flow_theory

names = [
    "none", "post-norm", "deepnorm", "pre-norm", "peri-norm", "reordered-norm", "layernorm-scaling",
]  # fmt: skip
measured = compare_growth(
    [average_growth(range(12), name, d_model=64) for name in names], (1, 6, 24)
)
rows = []
for name, row in zip(names, measured.rows, strict=True):
    ends = ["", ""]
    if name in STACK_PLACEMENTS:
        theory = flow_theory(StackSetting(name, tokens=16), sub_layers=48)
        ends = [f"{flow.mean_square[-1]:.3g}" for flow in (theory.unlike, theory.alike)]
    rows.append([*row, *ends])
Table((*measured.columns, "theory, tokens unlike", "tokens alike"), rows)

# %% [markdown] tags=["answer"]
# A norm on the stream gives 1, exactly. Peri-norm adds 2 a layer, and 49 is expected whatever the
# weights are; reordered norm ends its branches with a norm, too. Without any norm each layer
# multiplies: what attention and the FFN put out is proportional to what they get. Single models then
# scatter by more than their mean.

# %% [markdown]
# ## 7. What is the final norm for?
#
# A pre-norm stream leaves the last block as large as it grew. The head turns it into **logits**,
# one number for each token that could come next, and expects variance 1.

# %%
your_mark(14)

# %%
quiz("no-final-norm")

# %%
from normlab.chapters.residual_placement import draw_initial_losses, initial_losses

losses = initial_losses(depths=[1, 6, 24, 96], seeds=range(12))
fig, ax = new_figure()
draw_initial_losses(losses, ax)
losses.table()

# %% [markdown] tags=["answer"]
# The dots are single models, the lines means over twelve. The logits' standard deviation grows like
# the stream's, $\sqrt l$. With the final norm the loss does not depend on depth; it is about 0.4
# above guessing, since logits of variance 1 are not quite a guess and cost about ½. The post-norm model needs no final
# norm: its last block ends with one.
#
# **Claim 14: {{ ruling 14 }}.** It is silent on the final norm, as is its listing `PreNormBlock`;
# stacked as it stands, that gives the last column.

# %% [markdown]
# ## 8. The final norm in PyTorch ★
#
# What `nn.TransformerEncoder` and `nn.Transformer` build.

# %% [markdown]
# `nn.TransformerEncoder(layer, norm_first=True)` has a final norm only if you pass `norm=`:

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
    print(f"output variance without: {stack(tokens).var():.0f}")
    print(f"output variance with:    {with_norm(tokens).var():.2f}")

# %% [markdown]
# The stream is that large because the 24 layers are copies of one: what they add points the same
# way.
#
# PyTorch also has encoder and decoder in one module.

# %%
your_mark(39)

# %%
quiz("nn-transformer")

# %%
whole = torch.nn.Transformer(64, 4, 2, 2, 256, batch_first=True)
print("norms in front of the sub-layers:", whole.encoder.layers[0].norm_first)
for part in (whole.encoder, whole.decoder):
    print(f"{type(part).__name__}.norm: {part.norm}")

# %% [markdown] tags=["answer"]
# At initialization the norm of a norm changes next to nothing. But it has a gain and a shift of its
# own, 2 · 64 numbers that the weights of another post-norm model do not hold.
#
# **Claim 39: {{ ruling 39 }}.** It is a block and no model: chapter 10 runs it.

# %% [markdown]
# ## 9. "Approximately an identity"?
#
# Two sentences of the seed, one of post-norm and one of pre-norm, say that something is *near zero*.
# Near zero, compared to what? To the stream that it is added to. So measure
#
# $$\frac{\|x_{l+1} - x_l\|}{\|x_l\|}$$
#
# for each block: 0 is an identity.

# %%
your_mark(12, 15)

# %%
quiz("first-pre-norm-block")

# %%
quiz("change-by-depth")

# %%
from normlab.chapters.residual_placement import compare_change, draw_change

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
changed = [average_growth(range(12), name, init=init, d_model=64) for name, init in cases]
fig, ax = new_figure(height=4.2)
draw_change(changed, ax)
compare_change(changed, (1, 2, 24))

# %% [markdown] tags=["answer"]
# **Claim 15: {{ ruling 15 }}.**
#
# - GPT-2's small weights (0.02) do not make pre-norm an identity: the first block changes the
#   stream by 1.8 times its length. Dividing the output weights by $\sqrt{2L}$ with $L$ layers, as GPT-2's paper
#   does, brings it to a quarter.
# - A post-norm block is no identity either: 0.6 to 0.9 with Xavier weights. Small weights do make
#   it small, 0.04, once the first norm has brought the embeddings from 0.02 to 1 (that is the 49).
#
# What would make the sentence true? Branches that start at zero, or nearly: zero output weights,
# ReZero, LayerScale. And DeepNorm comes near it on purpose, by smaller weights and a larger shortcut: 2 %
# from the second block on. The 15 % of its first block are the first norm's: an embedding has not
# quite mean 0 and variance 1 over its 64 features, and behind a norm it has.

# %% [markdown]
# ## 10. The scale of the weights ★
#
# How small are "small weights", and when is a pre-norm block nearly an identity?

# %% [markdown]
# In post-norm first. Let $\sigma$ be the standard deviation of a weight, and $d$ the width.
# A sub-layer multiplies a normed vector by two matrices.

# %%
quiz("small-at-which-width")

# %%
from normlab.chapters.residual_placement import (
    branch_sizes,
    compare_branch_sizes,
    draw_branch_sizes,
)

sizes = [branch_sizes(init) for init in ("xiong", "xavier", "gpt2")]
fig, ax = new_figure()
draw_branch_sizes(sizes, ax)
compare_branch_sizes(sizes)

# %% [markdown] tags=["answer"]
# The branch goes with $(\sigma\sqrt d)^2$. GPT-2's $\sigma = 0.02$ is small at $d = 32$ and no longer at
# 768. Xavier's and the theory's $\sigma$ shrink as $d$ grows, and $\sigma\sqrt d$ stays.
#
# **Claim 12: {{ ruling 12 }}.**

# %% [markdown]
# Now pre-norm.

# %%
quiz("scaled-weights")

# %%
quiz("small-weights")

# %% [markdown]
# Which setting of the slider makes a pre-norm block an identity? Find it, and see what the others
# do at the same weights. Then set the scale to 2: which blocks notice, the first or the last?

# %% tags=["answer"]
from normlab.chapters.residual_placement import explore_identity

explore_identity()

# %% [markdown] tags=["answer"]
# Only the scale 0 is an identity. Small weights come near it: at 0.3 the first pre-norm block
# changes the stream by 6 %, at scale 1 by about 70 %. So the seed's sentence describes weights of a
# third of their usual size beside embeddings of full size. At scale 2 the first block changes the
# stream by 3.8 times its length, and the last by about 20 %, as it did at scale 1: once the branches
# below outweigh the embedding, the ratio is set by their number and hardly by the size of the weights.
# At scale 0.3 they never do, and the last block changes it by 6 %, as the first does.

# %% [markdown]
# ## The exercise
#
# Write a post-norm step, a pre-norm step, and a pre-norm transformer with its final norm:
# [exercise 04](../exercises/04_residual_placement.ipynb).

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - Post-norm: $x \leftarrow \text{norm}(x + f(x))$; the stream stays at 1. Pre-norm:
#   $x \leftarrow x + f(\text{norm}(x))$; it grows.
# - A diagram that is traced from the code shows where the norm stands; a comment does not.
# - With Xiong's weights the mean of pre-norm lies inside $1 + l/2 \ldots 1 + 3l/2$ after $l$
#   layers, within its error.
#   Peri-norm and reordered norm grow like $1 + 2l$. With Xavier weights and $D = 64$, LayerNorm
#   Scaling reaches 3 to 4 after 24 layers, and no norm at all some $10^9$.
# - Pre-norm needs a final norm: without it the loss of an untrained 96-layer model is about 21,
#   where guessing has $\ln 32 = 3.5$.
# - Neither a post-norm nor a pre-norm block with Xavier weights is an identity: 0.7 for the first
#   pre-norm block, about 0.2 for
#   the 24th. True identities have zero output weights or a gate at zero.

# %% [markdown]
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
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("05")
