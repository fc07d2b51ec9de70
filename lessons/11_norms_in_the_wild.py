# %% [markdown]
# # 11 · Norms in the wild: what models really have
#
# ## What you will be able to do
#
# - Find out what a norm computes without reading its code: LayerNorm or RMSNorm, which ε, which
#   form of the gain.
# - Find out how a layer is wired without reading its code, and tell pre-norm from what only looks
#   like it.
# - Say which norm 81 models have and where, and judge what the seed says about them.
# - Say what QK-norm, Peri-LN, LayerNorm Scaling, Mix-LN, B2T, DyT and nGPT do to an untrained
#   model, each with a number.

# %% [markdown]
# ## 1. A norm, seen from outside
#
# Model code is long, and names mislead: a class `LayerNorm` may compute RMSNorm, a parameter
# `weight` may be a gain or a gain less one. But a norm is a function. Feed it rows and look.
#
# $$y = \gamma \odot \frac{x - c}{\sqrt{v + \varepsilon}} + \beta$$
#
# - Large rows: ε does not count. Is $y$ the row less its mean over the deviation ($c = \mu$), or
#   the row over its root mean square ($c = 0$)?
# - Tiny rows: ε is all that counts. $y/\hat x = \sqrt{v/(v+\varepsilon)}$ gives ε.
# - Parameters at zero: is $y$ zero? Then the gain is $w$. Else it is $1 + w$.
#
# `read_norm` does these three things to a copy of any module.
#
# **Predict.** The last of the four is written as Gemma's is. What is its gain, and what would an
# ordinary RMSNorm with its weights return?

# %%
from normlab import quiz

quiz("gain-of-zeros")

# %%
from torch import nn

from normlab import Table
from normlab.chapters.norms_in_the_wild import ZooNorm
from normlab.inspection import read_norm

modules = {
    "nn.LayerNorm(64)": nn.LayerNorm(64),
    "nn.LayerNorm(64, bias=False)": nn.LayerNorm(64, bias=False),
    "nn.RMSNorm(64)": nn.RMSNorm(64),
    "as in Gemma": ZooNorm(64, "RMSNorm", 1e-6, "1 + weight"),
}
readings = {name: read_norm(module, 64) for name, module in modules.items()}
Table(
    ("module", "kind", "ε", "affine"),
    [[name, r.kind, f"{r.eps:g}", r.affine] for name, r in readings.items()],
)

# %% [markdown]
# The third ε is `nn.RMSNorm`'s default, the machine epsilon of float32 (chapter 04).
#
# Why write a gain as $1 + w$? At the start both forms are the same: $w = 1$ or $w = 0$. They differ
# when weights decay.
#
# **Predict.** A gain has learned 1.5. Now there is no gradient, only weight decay. Where does the
# gain go in each form?

# %%
import torch

for affine in ("weight", "1 + weight"):
    norm = ZooNorm(1, "RMSNorm", 1e-6, affine)
    decay = torch.optim.SGD(norm.parameters(), lr=0.1, weight_decay=0.1)
    with torch.no_grad():
        norm.weight += 0.5
    for _ in range(1000):
        norm.weight.grad = torch.zeros(1)
        decay.step()
    print(f"gain {affine:10}: {norm.offset + norm.weight.item():.3f}")

# %% [markdown]
# To 0, which switches the branch off, or to 1, which leaves it normalized. With $1 + w$ decay on the
# gains does no harm of that kind.
#
# And what is no norm is refused:

# %%
from normlab.models import DyT


class EpsilonOutside(nn.Module):
    def forward(self, x):
        centered = x - x.mean(-1, keepdim=True)
        return centered / (centered.square().mean(-1, keepdim=True).sqrt() + 1e-3)


for module in (DyT(64), EpsilonOutside()):
    try:
        read_norm(module, 64)
    except ValueError as error:
        print(error)

# %% [markdown]
# ## 2. A layer, seen from outside
#
# Chapter 05 drew a block by running our own code on symbols. Someone else's layer does not take
# symbols. It takes numbers, and numbers suffice:
#
# 1. Run the layer, and keep what every module in it reads and returns.
# 2. What a norm reads, and what the layer returns, are sums of such values. With random weights no
#    two values are alike, so least squares finds which ones, and with which factor.
# 3. Cut the values apart, run again, and let gradients say which of them each sub-layer depends on.
#
# **Predict.** PyTorch's own layer, with `norm_first=True` and with `False`. Write down the five
# equations of each before you run the cell: what does `n2` read, and what is `y`?

# %%
from normlab.inspection import randomize_, read_wiring

x = torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(0)).double()
wirings = {}
for norm_first in (True, False):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, norm_first=norm_first, batch_first=True)
    wirings[norm_first] = read_wiring(randomize_(layer.double().eval()), x)
    print(f"norm_first={norm_first}:", "   ".join(wirings[norm_first].equations))

# %%
from normlab.chapters.residual_placement import draw_wiring
from normlab.inspection import diagram
from normlab.pictures import new_figure

fig, axes = new_figure(2, width=6.0, height=3.2)
for (norm_first, wiring), ax in zip(wirings.items(), axes, strict=True):
    draw_wiring(diagram(wiring), ax)
    ax.set(title=f"norm_first={norm_first}", ylim=(-0.6, 7.2))

# %% [markdown]
# `n` is a norm, `f` a sub-layer, `x` comes in and `y` goes out. Pre-norm: $y$ holds the raw $x$.
# Post-norm: $y$ is a norm's output. The pictures are drawn from the equations, so from numbers. (A
# stack's final norm is not in them: it is not in the layer.)
#
# ## 3. 81 models
#
# The same two readers were let loose on the models of the `transformers` library, version 5.24:
# small copies with random weights, nothing downloaded. What they found is a table,
# `normlab/chapters/norms_in_the_wild/zoo.csv`. A test of the course reads the installed code anew and
# compares eight columns and the wiring of each row, so the table cannot rot. Models that are not in
# the library were read in their authors' code or paper.

# %%
from normlab.chapters.norms_in_the_wild import find_model, load_zoo

zoo = load_zoo()
print(len(zoo), "models:", zoo.count("confirmed_by"))
find_model("OLMo 2").table()

# %% [markdown]
# `inner` counts norms inside the sub-layers. A row says what it states: mostly the default of the
# library's config class, and a released checkpoint may have another ε, as here. The years since
# 2024:

# %%
zoo.where(lambda model: model.year >= 2024).table()

# %% [markdown]
# **Predict.** In which year does the first model with RMSNorm appear, and in which year are there
# more of them than of LayerNorm? Then look: move *up to*, choose a *norm*, choose a *placement*.
# When did post-norm end?

# %%
from normlab.chapters.norms_in_the_wild import explore_zoo

explore_zoo()

# %% [markdown]
# The same in numbers:

# %%
by_year = {year: zoo.where(year=year) for year in sorted(zoo.count("year"))}
columns = [("norm", "LayerNorm"), ("norm", "RMSNorm"), ("placement", "post-norm")]
Table(
    ("year", *(value for _, value in columns)),
    [[year, *(len(m.where(**{k: v})) for k, v in columns)] for year, m in by_year.items()],
)

# %% [markdown]
# The first is T5, 2019. RMSNorm leads from 2024 on. The last plain post-norm of the table is OPT 350M,
# 2022, one size of a family that is pre-norm otherwise. (The table is our choice of models, so its
# counts are no statistics of the field.)
#
# ### What the seed says of models
#
# *"Used in: LLaMA (all versions), Mistral, Gemma, Falcon — essentially all modern decoder-only LLMs
# after 2023."*

# %%
quiz("falcons-norm")

# %%
named = ("LLaMA", "Llama", "Mistral", "Mixtral", "Gemma", "Falcon")
of_the_seed = zoo.where(lambda model: model.name.startswith(named))
of_the_seed.table()

# %% [markdown]
# (b). LLaMA, Mistral and Gemma: **holds.** Falcon: **wrong** for the Falcon of 2023, which has
# LayerNorm; Falcon3 and Falcon-H1 have RMSNorm.
#
# **Predict.** "Essentially all after 2023": how many models of 2024 and 2025 have LayerNorm?

# %%
late = zoo.where(lambda model: model.year > 2023)
print("after 2023:", late.count("norm"))
for model in late.where(norm="LayerNorm"):
    print(f"{model.year}  {model.name:12} {model.affine:17} {model.placement}")

# %% [markdown]
# Eight, and one of them is an encoder (ModernBERT). Of the other seven, five dropped the bias or all
# parameters. None is of 2025. Verdict: **imprecise**, and for 2025 not far off.
#
# *"All major LLM families (GPT-3, LLaMA, Mistral, Gemma, Falcon) use pre-norm."*
#
# **Predict.** Which rows of the table above contradict it?

# %%
decoders = ("GPT-3", *named)
for placement in zoo.count("placement"):
    names = [m.name for m in zoo.where(placement=placement) if m.name.startswith(decoders)]
    if names:
        print(f"{placement:20} {', '.join(names)}")

# %% [markdown]
# Gemma 2 and 3 have a norm on both sides, Falcon of 2023 is parallel. Verdict: **imprecise.** In all
# of them the raw stream runs through, so the argument for pre-norm carries over; the sentence about
# the wiring does not.
#
# *"Every transformer block contains two sub-layers (self-attention and FFN), each wrapped with a
# residual connection and LayerNorm."*

# %%
quiz("norms-per-layer")

# %%
print(zoo.count("norms"))
for norms in (1, 4):
    print(norms, "norms:", ", ".join(model.name for model in zoo.where(norms=norms)))

# %% [markdown]
# (a). **Imprecise.** And ε?
#
# **Predict.** How many different values of ε are there, and how far are the largest and the smallest
# apart?

# %%
print(zoo.count("shown_eps"))

# %% [markdown]
# Seven orders of magnitude, from 1e-12 (BERT, its descendants, and ViT) to 1e-5. So `eps=1e-5`,
# as in the seed's listing, is a default and not a law; chapter 03 shows what a wrong one costs.

# %% [markdown]
# ## 4. Build me this model's block
#
# `build_block(name)` makes a small block with that model's norms: kind, ε, gain, places, and those
# on queries and keys. Attention and FFN are the course's own. The block is code, so what it is wired
# like can be read like anyone else's.
#
# **Predict.** Gemma 2 has four norms in a layer. What does each of them read?

# %%
from normlab.chapters.norms_in_the_wild import build_block


def wiring_of(name):
    block = randomize_(build_block(name, d_model=32).double())
    stream = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0)).double()
    return read_wiring(block, stream)


five = {name: wiring_of(name) for name in ("LLaMA", "Gemma 2", "OLMo 2", "Falcon 7B", "Falcon 40B")}
for name, wiring in five.items():
    print(f"{name:10}", "   ".join(wiring.equations))

# %%
fig, axes = new_figure(5, width=12.5, height=3.9)
for (name, wiring), ax in zip(five.items(), axes, strict=True):
    draw_wiring(diagram(wiring), ax)
    ax.set_title(name)

# %% [markdown]
# `n1` and `n3` read the stream, `n2` and `n4` read a sub-layer. OLMo 2 kept the second kind alone:
# its sub-layers read the raw stream. Falcon 7B's two sub-layers read one norm, those of 40B one each.
#
# The test mentioned above compares these equations with those of the installed models, row by row.
# For eleven models it also sets our norms and placement around the library's own attention and FFN,
# and the outputs agree.
#
# ### One that looks like pre-norm

# %%
quiz("shortcut-of-glm")

# %%
two = {name: wiring_of(name) for name in ("GPT-2", "GLM-130B")}
fig, axes = new_figure(2, width=6.0, height=3.2)
for (name, wiring), ax in zip(two.items(), axes, strict=True):
    print(f"{name:9}", "   ".join(wiring.equations))
    draw_wiring(diagram(wiring), ax)
    ax.set(title=name, ylim=(-0.6, 7.2))

# %% [markdown]
# (c). The first two equations are the same. In the picture the thick line of GLM-130B passes through
# every norm: its `n2` reads $\alpha n_1 + f_1$, where GPT-2's reads $x + f_1$. It is the wiring of the
# bug in chapter 05 ("pre-norm" with the normed $x$ in the residual), here on purpose and with a
# factor: $\alpha = \sqrt{2N}$, and this block stands in a stack of 12. Put the next layer's norm
# behind it, and it is DeepNorm's step:

# %%
import numpy as np

from normlab.norms import layer_norm

rng = np.random.default_rng(0)
start, alpha = rng.standard_normal((4, 16)), (2 * 12) ** 0.5
branches = [np.sin, np.cos, np.tanh]

shifted = start
for f in branches:
    n = layer_norm(shifted)
    shifted = alpha * n + f(n)
shifted = layer_norm(shifted)

deepnorm = layer_norm(start)
for f in branches:
    deepnorm = layer_norm(alpha * deepnorm + f(deepnorm))
print("largest difference below 1e-12:", abs(shifted - deepnorm).max() < 1e-12)

# %% [markdown]
# So the name of the first module in a layer, `input_layernorm`, does not say whether the model is
# pre-norm. ChatGLM-6B and MiniMax-Text-01 are wired like that too.
#
# ### All designs
# Two models have the same design if norm, gain, placement and QK-norm agree. ε may differ.
#
# **Predict.** 81 models: how many designs? And which design has most models?

# %%
from normlab.chapters.norms_in_the_wild import designs

found = designs(zoo)
print(len(found), "designs;", sum(len(d.models) == 1 for d in found), "have one model")
largest = sorted(found, key=lambda design: -len(design.models))[:4]
Table(("design", "models"), [[d.label(), len(d.models)] for d in largest])

# %% [markdown]
# GPT-2's and LLaMA's are the most frequent. Turn through all of them: the wiring is drawn from the
# code that `build_block` runs.

# %%
from normlab.chapters.norms_in_the_wild import explore_designs

explore_designs()

# %% [markdown]
# ## 5. QK-norm: a bound on attention
#
# Some models norm queries and keys as well:

# %%
print(zoo.count("qk_norm"))
print("since", min(model.year for model in zoo if model.qk_norm != "no"))

# %% [markdown]
# 15 of 81, all of them since 2023. What for? The stream's norm does not limit the logits
# $q^\top k/\sqrt{d_h}$: $q = W_q\,\text{norm}(x)$ grows with $W_q$. A norm on $q$ and $k$ does. With
# gain 1 each has length $\sqrt{d_h}$ at most, so $|q^\top k|/\sqrt{d_h} \le \sqrt{d_h}$.

# %%
quiz("largest-logit")

# %%
from normlab.chapters.norms_in_the_wild import draw_logit_sizes, logit_sizes

sizes = logit_sizes([0.1, 0.3, 1.0, 3.0, 10.0])
fig, axes = new_figure(2, width=8.0)
draw_logit_sizes(sizes, axes)
sizes.table()

# %% [markdown]
# (b). Plain logits grow with the square of the weights, and attention ends by looking at one token.
# With QK-norm nothing changes, and no logit passes $\sqrt{16} = 4$. Dehghani et al. 2023 (ViT-22B,
# section 2) added it after runs of 8 billion parameters had diverged with attention of nearly zero
# entropy.
#
# The bound is for gain 1. Learned gains multiply it, so a trained model with QK-norm can have larger
# logits; what is gone is the dependence on $W_q$ and $W_k$.

# %% [markdown]
# ## 6. Streams: Peri-LN and LayerNorm Scaling
#
# Chapter 05 measured how each placement's stream grows. Two of them follow from counting.
#
# - **Peri-LN** (Kim et al. 2025): each branch ends in a norm and adds variance 1, two branches a
#   layer: $1 + 2l$.
# - **LayerNorm Scaling** (Sun et al. 2025): the norm of layer $\ell$ times $1/\sqrt\ell$, so it adds
#   $1/\ell$ of what pre-norm adds there.
#
# **Predict.** After 24 layers: 49 for Peri-LN? And for LayerNorm Scaling, if pre-norm passes 30 with
# these weights: about 15, 8, 4 or 2?

# %%
from normlab.chapters.norms_in_the_wild import divided_growth, draw_streams
from normlab.chapters.residual_placement import average_growth

names = ("peri-norm", "pre-norm", "layernorm-scaling")
peri, pre, scaled = (average_growth(range(2), name, init="xiong", d_model=256) for name in names)
fig, ax = new_figure()
draw_streams(peri, pre, scaled, divided_growth(pre), ax)
at = (1, 6, 12, 24)
expected = {
    "peri-norm": 1 + 2 * np.arange(25),
    "pre-norm": None,
    "layernorm-scaling": divided_growth(pre),
}
rows = []
for name, growth in zip(names, (peri, pre, scaled), strict=True):
    law = expected[name]
    said = ["" if law is None else f"{law[layer]:.2g}" for layer in at]
    measured = [f"{growth.mean_square[layer]:.2g}" for layer in at]
    rows.append([name, *(f"{m} ({s})" if s else m for m, s in zip(measured, said, strict=True))])
Table(("measured (expected)", *(f"layer {layer}" for layer in at)), rows)

# %% [markdown]
# Peri-LN keeps to its line. LayerNorm Scaling stays near 4 where pre-norm passes 30. It comes out
# below what the division expects: in a stream that grows slowly tokens stay unlike for longer, and
# attention adds less when it averages unlike tokens.
#
# The paper calls what it wants to cure the *curse of depth*: deep pre-norm blocks that hardly change
# the stream.

# %%
quiz("last-block-when-scaled")

# %%
from normlab.chapters.norms_in_the_wild import survey_placements
from normlab.models import HyperSphere

survey = survey_placements(
    {
        "post-norm": "post-norm",
        "B2T": "b2t",
        "Mix-LN": "mix-norm",
        "pre-norm": "pre-norm",
        "LayerNorm Scaling": "layernorm-scaling",
        "Peri-LN": "peri-norm",
        "nGPT": HyperSphere,
    }
)
survey.table()

# %% [markdown]
# (c). Before training the scaled model's last block changes the stream by *less* than pre-norm's:
# 0.10 against 0.18. So the untrained model does not show the cure; the paper measures trained
# models. What the untrained model does show: a gradient that is more even (1.8 against 4.2), and
# tokens that stay unlike.
#
# The other rows:
#
# - **B2T** (Takase et al. 2022) carries the block's input past its first norm. The stream stays at 1
#   as in post-norm, and the gradient reaches the input nearly whole (0.77), where post-norm's loses
#   two thirds.
# - **Mix-LN** (Li et al. 2024) is post-norm in the first quarter, pre-norm above. It ends like
#   pre-norm, with a gradient that is more even (2.8 against 4.2), and its tokens become alike as in
#   post-norm.
# - **Peri-LN** has the most uneven gradient. Its stream is the largest, the final norm divides by
#   that, and so little of the gradient enters at the output.
# - **nGPT** is next.

# %% [markdown]
# ## 7. nGPT: the stream on a sphere
#
# Loshchilov et al. 2024 put every vector on the unit sphere. A sub-layer proposes a point, and the
# stream goes a small step towards it:
#
# $$h \leftarrow \text{unit}\big(h + a \odot (\text{unit}(f(h)) - h)\big), \qquad
# \text{unit}(x) = x/\|x\|$$
#
# with a learned step $a$ that starts at 0.05. (nGPT also keeps the rows of its matrices at length 1
# and norms $q$ and $k$; here is the wiring alone.)
#
# **Predict.** How long is $h$ after each layer? And by how much does one layer of two such steps
# change it, if $f(h)$ has nothing to do with $h$: $2 \cdot 0.05 \cdot \sqrt 2$, or less?

# %%
import inspect

from normlab.chapters.residual_placement import stream_growth

print(inspect.getsource(HyperSphere.step))
sphere = stream_growth(HyperSphere, d_model=64, seed=0)
lengths = (64 * sphere.mean_square[1:]) ** 0.5
print("‖h‖ differs from 1 by less than 1e-9 after every layer:", abs(lengths - 1).max() < 1e-9)
print("change by layers 2, 12, 24:", sphere.change[[1, 11, 23]].round(3))

# %% [markdown]
# 1, at every layer, and a change of 0.07 by each: two steps at right angles to $h$ and to each other
# give $0.05 \cdot \sqrt 2$. No depth and no weight makes it larger, so 24 layers do not move the
# tokens far, and in the table they stay unlike. The gradient of 0.13 is $1/\sqrt{64}$: the embedding
# here has length 8, and the first step divides by that. (nGPT keeps its embeddings at length 1.)

# %% [markdown]
# ## 8. Two stand-ins: DyT and CogView's norm
#
# **DyT** (Zhu et al. 2025) is $\gamma\tanh(ax) + \beta$ where a norm would stand, with a learned $a$
# that starts at ½. It squashes like a norm. Does it normalize?
#
# **Predict.** The input ten thousand times as large, from 0.01 to 100: how much larger is the output
# of LayerNorm, of RMSNorm, of DyT?

# %%
from normlab.chapters.norms_in_the_wild import draw_scale_response, scale_response

response = scale_response(
    [0.01, 0.1, 1.0, 10.0, 100.0],
    {"LayerNorm": nn.LayerNorm(256), "RMSNorm": nn.RMSNorm(256, eps=1e-6), "DyT": DyT(256)},
)
fig, ax = new_figure()
draw_scale_response(response, ax)
response.table()

# %% [markdown]
# LayerNorm at 0.01 shows its ε. DyT is linear for small inputs and saturates for large ones: it is
# not invariant to scale, so a small stream makes small branches. Whether a model can do without the
# invariance is a question of training. The paper trains such models, and for LLaMA it had to tune where
# $a$ starts.
#
# **CogView** (Ding et al. 2021) trained in float16, where a square passes 65,504 from 256 on. Its
# norm divides by $\max|x|/8$ first, over the whole tensor. The factor cancels in the norm.
#
# **Predict.** Does the *whole tensor* matter? One token beside another that is ten thousand times
# larger: what comes out for the small one?

# %%
from normlab.chapters.norms_in_the_wild import cogview_norm

rng = torch.Generator().manual_seed(0)
token, companion = torch.randn(2, 256, generator=rng)
large = (3e4 * token.clamp(-2, 2)).half()
print("squares in float16 are infinite:", bool(large.square().isinf().any()))
print(f"CogView's norm of that, root mean square: {cogview_norm(large).float().std():.2f}")
for factor in (1, 100, 10_000):
    both = torch.stack([token, factor * companion])
    size = cogview_norm(both)[0].square().mean().sqrt()
    print(f"small token beside one {factor:6,} times larger: {size:.2f}")

# %% [markdown]
# It matters through ε: the small token is divided by the large one's maximum, and then its variance
# is below ε = 1e-5. LayerNorm's independence of other tokens (chapter 01) is lost, where it was
# least expected.

# %% [markdown]
# ## The exercise
#
# Here are three blocks without their names. Read each norm and each wiring, and say which models of
# the table they may belong to: filter with `zoo.where`. The cell after it answers.

# %%
mystery = [zoo.models[place] for place in (51, 73, 56)]
for number, model in enumerate(mystery, 1):
    block = randomize_(build_block(model).double())
    stream = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(1)).double()
    wiring = read_wiring(block, stream)
    norm = read_norm(block.get_submodule(wiring.norms[0]), 32)
    print(f"{number}: {norm.kind}, ε {norm.eps:g}, {norm.affine}; inner norms: {len(wiring.inner)}")
    print("  ", "   ".join(wiring.equations))

# %%
for number, model in enumerate(mystery, 1):
    (design,) = [d for d in found if model in d.models]
    print(f"{number}: {', '.join(m.name for m in design.models)}")

# %% [markdown]
# Then read a layer of a model that you use. With `transformers` installed, this takes no download:
#
# ```python
# from transformers import AutoConfig, AutoModel
#
# config = AutoConfig.for_model("qwen3", hidden_size=32, num_hidden_layers=2, head_dim=8,
#                               num_attention_heads=4, num_key_value_heads=2, vocab_size=64)
# model = randomize_(AutoModel.from_config(config).double().eval())
# tokens = torch.arange(5).unsqueeze(0)
# read_wiring(model.layers[1], lambda: model(tokens)).table()
# ```

# %% [markdown]
# ## Recap
#
# - A norm shows what it is on large rows (kind), tiny rows (ε) and zeroed weights (gain $w$ or
#   $1 + w$). A layer shows its wiring in the sums between its modules.
# - 81 models have 32 designs. Of the models after 2023, 28 have RMSNorm and 8 LayerNorm; the
#   Falcon of 2023 has LayerNorm, against the seed.
# - A layer has 1, 2 or 4 norms on its wiring; ε goes from 1e-12 to 1e-5.
# - A norm in front is not yet pre-norm: GLM-130B's shortcut is the normed $x$, and that is DeepNorm,
#   cut at another place.
# - QK-norm: $|\text{logit}| \le \sqrt{d_h}$ with gain 1, whatever the weights.
# - Peri-LN grows like $1 + 2l$; LayerNorm Scaling stays near 4 after 24 layers, where pre-norm
#   passes 30. Before training its last block changes the stream less than pre-norm's, not more.
# - nGPT: $\|h\| = 1$ at every layer. DyT is not invariant to scale. CogView's norm lets tokens see
#   the largest one.
#
# ## Sources
#
# - The models: `normlab/chapters/norms_in_the_wild/zoo.csv` names file and commit, or paper and
#   section, for each row. huggingface/transformers v5.24.0; xai-org/grok-1; THUDM/SwissArmyTransformer; THUDM/CogView;
#   facebookresearch/DiT; tensorflow/tensor2tensor; NVIDIA/ngpt.
# - Henry et al. 2020, *Query-Key Normalization for Transformers*, arXiv:2010.04245; Dehghani et al.
#   2023, *Scaling Vision Transformers to 22 Billion Parameters*, section 2, arXiv:2302.05442.
# - Kim et al. 2025, *Peri-LN*, arXiv:2502.02732; Sun et al. 2025, *The Curse of Depth in Large
#   Language Models*, arXiv:2502.05795; Li et al. 2024, *Mix-LN*, arXiv:2412.13795; Takase et al.
#   2022, *B2T Connection*, arXiv:2206.00330.
# - Loshchilov et al. 2024, *nGPT: Normalized Transformer with Representation Learning on the
#   Hypersphere*, Eq. 10 and 11, arXiv:2410.01131.
# - Zhu et al. 2025, *Transformers without Normalization* (DyT), arXiv:2503.10622; Ding et al. 2021,
#   *CogView*, section 2.4, arXiv:2105.13290.
# - Zeng et al. 2022, *GLM-130B*, section 2.1, arXiv:2210.02414.
#
# {{ next chapter }}

# %% [markdown]
# Run the last cell to mark the chapter as read.

# %%
from normlab import chapter_read

chapter_read("11")
