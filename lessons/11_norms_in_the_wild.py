# %% [markdown]
# # 11 · Norms in the wild: what models really have
#
# ## What you will be able to do
#
# - Find out what a norm computes without reading its code: LayerNorm or RMSNorm, which ε, which
#   form of the gain.
# - Find out how a layer is wired without reading its code.
# - Say which norm the models of a whole library have and where, of how many, and judge what the seed
#   says about them.
# - Say what QK-norm, Peri-LN, LayerNorm Scaling, Mix-LN, B2T, DyT, nGPT and hyper-connections do to a
#   model before training and after it, each with a number.
#
# {{ minutes }}

# %% [markdown]
# ## 1. A norm, seen from outside
#
# Model code is long, and names mislead: a class `LayerNorm` may compute RMSNorm, a parameter
# `weight` may be a gain or a gain less one. But a norm is a function. Feed it rows and look.
#
# $$y = \gamma \odot \frac{x - c}{\sqrt{v + \varepsilon}} + \beta$$
#
# - Large rows: ε does not count. Is the mean gone from $y$ ($c = \mu$, $v = \sigma^2$), or is the row
#   only divided by its root mean square ($c = 0$, $v = r^2$)?
# - Tiny rows: ε is all that counts. $y/\hat x = \sqrt{v/(v+\varepsilon)}$ gives ε.
# - Parameters at zero: is $y$ zero? That tells $\gamma = w$ from $\gamma = 1 + w$, where $w$ is the
#   stored parameter.
#
# `read_norm` does these three things to a copy of any module.

# %%
from normlab import quiz

quiz("gain-of-zeros")

# %%
from torch import nn

from normlab import Table
from normlab.chapters.norms_in_the_wild import zoo_config
from normlab.inspection import read_norm

modules = {
    "nn.LayerNorm(64)": nn.LayerNorm(64),
    "nn.LayerNorm(64, bias=False)": nn.LayerNorm(64, bias=False),
    "nn.RMSNorm(64)": nn.RMSNorm(64),
    "Gemma's": zoo_config("Gemma", d_model=64).make_norm(64),
}
readings = {name: read_norm(module, 64) for name, module in modules.items()}
Table(
    ("module", "kind", "ε", "affine"),
    [[name, r.kind, f"{r.eps:g}", r.affine] for name, r in readings.items()],
)

# %% [markdown] tags=["answer"]
# The ε of `nn.RMSNorm` is its default, the machine epsilon of float32 (chapter 04).

# %% [markdown]
# ## 2. Near misses, and what is refused ★
#
# A norm may differ from the formula in one place and still be one. The Annotated Transformer's
# divides by `x.std() + eps`: what two things does that change? And what does `read_norm` say of
# modules that are no norms?

# %%
from normlab.models import DyT


class Annotated(nn.Module):
    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6)


reading = read_norm(Annotated(), 64)
print(f"ε = {reading.eps:g} stands {reading.eps_place} the root; unbiased: {reading.unbiased}")
for module in (DyT(64), nn.Softmax(-1)):
    try:
        read_norm(module, 64)
    except ValueError as error:
        print(error)

# %% [markdown]
# ### Names lie
#
# `transformers` has a class `MuseSparkTextInputScaledRMSNorm`. It computes this:

# %%
import torch


class Norm(nn.Module):
    def __init__(self, size, eps=1e-8):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.zeros(size)), eps

    def forward(self, x):
        x = x * (1 + self.weight)
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps)


# %% [markdown]
# Is that RMSNorm with a gain of $1 + w$? What is $y$ if all of $1 + w$ is 10?

# %% tags=["answer"]
norm, rng = Norm(64), torch.Generator().manual_seed(0)
with torch.no_grad():
    norm.weight.fill_(9.0)
print(
    f"root mean square of y: {norm(torch.randn(5, 64, generator=rng)).square().mean().sqrt():.2f}"
)
try:
    read_norm(norm, 64)
except ValueError as error:
    print(error)

# %% [markdown] tags=["answer"]
# It multiplies by the gain first and then divides, so the gain says which features count, and not how
# large $y$ is. Other names lie too: Phi-3.5-MoE's ε is called `rms_norm_eps`, and its norm is
# `nn.LayerNorm`. ImageGPT's class is called `ImageGPTLayerNorm` and does not take the mean away.

# %%
from normlab.chapters.norms_in_the_wild import find_model

lying = [find_model(name) for name in ("Muse Spark", "Phi-3.5-MoE", "ImageGPT")]
Table(("model", "norm", "note"), [[m.name, m.norm, m.note] for m in lying])

# %% [markdown]
# ## 3. A layer, seen from outside
#
# Chapter 05 drew a block by running our own code on symbols. Someone else's layer does not take
# symbols, and it may call its norms as modules, as functions, or write them out. But whatever it is
# written in, it ends in PyTorch's operators:
#
# 1. Run the layer, and keep every operator, with what it read and returned.
# 2. Find the norms: wherever something is divided by a statistic of itself, run that piece alone on
#    the rows of section 1.
# 3. Follow the stream from $x$ to $y$: sums, factors and norms lead on. What is added to it is the
#    work of a sub-layer, and the operators say what that has read.
#
# The first layer to read is PyTorch's own. `f` is a sub-layer, `n` a norm, `x` comes in and `y` goes
# out.

# %%
quiz("second-norm-of-post-norm")

# %%
from normlab.chapters.residual_placement import draw_wiring
from normlab.inspection import diagram, read_wiring
from normlab.pictures import new_figure

x = torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(0))
fig, axes = new_figure(2, width=6.0, height=3.2)
for norm_first, ax in zip((True, False), axes, strict=True):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, norm_first=norm_first, batch_first=True)
    wiring = read_wiring(layer.eval(), x)
    print(f"norm_first={norm_first}:", "   ".join(wiring.equations))
    draw_wiring(diagram(wiring.equations), ax)
    ax.set(title=f"norm_first={norm_first}", ylim=(-0.6, 7.2))

# %% [markdown] tags=["answer"]
# Pre-norm: $y$ holds the raw $x$. Post-norm: $y$ is a norm's output. The pictures are drawn from the
# equations, so from operators. (A stack's final norm is not in them: it is not in the layer.)

# %% [markdown]
# ## 4. All models, and {{ zoo models }} of them
#
# The same two readers read the models of the `transformers` library, version 5.24: small copies with
# random weights, nothing downloaded. What they found are two tables.
#
# - **The scan** has all {{ scan folders }} folders of the library (`normlab remake scan`). What this chapter
#   *counts*, it counts there.
# - **The zoo** has {{ zoo models }} models that are worth a look, each with its source; a test reads the
#   installed ones anew. The choice is ours, so its counts are no statistics of the field.

# %%
from normlab.chapters.norms_in_the_wild import find_model, load_zoo

zoo = load_zoo()
print(len(zoo), "models:", zoo.count("confirmed_by"))
find_model("OLMo 2").table()

# %% [markdown]
# `inner` counts norms inside the sub-layers. A row says what it states: mostly the default of the
# library's config class, and a released checkpoint may have another ε, as here.

# %%
quiz("years-before-llama")

# %% [markdown]
# ## 5. What the seed says of models
#
# Two sentences of the seed are about models that use RMSNorm.

# %%
from normlab.claims import your_mark

your_mark(27, 28)

# %%
quiz("falcons-norm")

# %%
named = ("LLaMA", "Llama", "Mistral", "Mixtral", "Gemma", "Falcon")
of_the_seed = zoo.where(lambda model: model.name.startswith(named))
Table(("model", "year", "norm", "ε"), [[m.name, m.year, m.norm, m.shown_eps] for m in of_the_seed])

# %% [markdown] tags=["answer"]
# **Claim 27, the four families: {{ ruling 27 }}.** All LLaMAs, Mistrals and Gemmas of the scan have
# RMSNorm. Falcon3 and Falcon-H1 have it, the Falcon of 2023 does not.

# %% [markdown]
# And "essentially all modern decoder-only LLMs after 2023"? A choice of models would decide that. So
# take all decoders of the library whose norm was read, {{ scan decoders }}, by the year of their release
# (`releases.csv` has a source for each).

# %%
quiz("share-by-year")

# %%
from normlab.chapters.norms_in_the_wild import kind_of_norm, load_decoders

load_decoders().by_year("decoders of", kind_of_norm)

# %% [markdown] tags=["answer"]
# **Claim 28, after 2023: {{ ruling 28 }}.** Of the decoders of 2024 {{ scan decoders of 2024 with RMSNorm }} have
# RMSNorm, and {{ scan decoders since 2025 with RMSNorm }} of those since. Without it are
# {{ scan decoders since 2024 without RMSNorm }}.

# %% [markdown]
# Now all of the zoo. Move *up to*, choose a *norm*, choose a *placement*.

# %% tags=["answer"]
from normlab.chapters.norms_in_the_wild import explore_zoo

explore_zoo()

# %% [markdown]
# ## 6. More of the seed's sentences ★
#
# Which families are pre-norm, what is the default now, and how many norms a block has.

# %%
your_mark(20, 21)

# %%
quiz("families-of-pre-norm")

# %%
decoders = ("GPT-3", "LLaMA", "Llama", "Mistral", "Mixtral", "Gemma", "Falcon")
for placement in zoo.count("placement"):
    names = [m.name for m in zoo.where(placement=placement) if m.name.startswith(decoders)]
    if names:
        print(f"{placement:20} {', '.join(names)}")

# %% [markdown] tags=["answer"]
# **Claim 21: {{ ruling 21 }}.** In all of them the raw stream runs through, so the argument for
# pre-norm carries over; the sentence about the wiring does not.
#
# **Claim 20: {{ ruling 20 }}.** Of the decoders since 2023 {{ scan decoders since 2023 with post-norm }} have
# plain post-norm, of all encoders of text {{ scan encoders with post-norm }}. So it did not end with the
# first GPT: models that turn a text into an embedding have it today. Chapter 07 has what was measured.

# %% [markdown]
# Which models of the zoo since 2024 have post-norm?

# %% tags=["answer"]
late = zoo.where(lambda model: model.year > 2023, placement="post-norm")
Table(("model", "year", "norm", "ε"), [[m.name, m.year, m.norm, m.shown_eps] for m in late])

# %% [markdown] tags=["answer"]
# All of them turn a text into an embedding, and are built like BERT, with rotary positions.

# %% [markdown]
# And all decoders of the library?

# %%
load_decoders().wired.by_year("decoders of", lambda row: row["placement"])

# %% [markdown] tags=["answer"]
# {{ scan decoders with pre-norm }} are plain pre-norm. Peri-norm comes up: since 2025 it has
# {{ scan decoders since 2025 with peri-norm }}. ("Other" is what no name of the course fits.)

# %% [markdown]
# "It is now the default for new transformer architectures", says the seed. Are decoders all of them?

# %%
your_mark(42)

# %%
from normlab.chapters.norms_in_the_wild import load_encoders, load_vision_models

kinds = {"encoders of text": load_encoders(), "vision models": load_vision_models()}
for name, models in kinds.items():
    print(f"{name}: RMSNorm in {models.share(lambda row: kind_of_norm(row) == 'RMSNorm')}")

# %% [markdown] tags=["answer"]
# **Claim 42: {{ ruling 42 }}.** These are models of all years, and so no answer for the newest; but
# neither kind has gone over to RMSNorm as decoders did.

# %%
your_mark(10)

# %%
quiz("norms-per-layer")

# %%
counted = zoo.count("norms")
print(counted)
for norms in (min(counted), max(counted)):
    print(norms, "norms:", ", ".join(model.name for model in zoo.where(norms=norms)))

# %% [markdown] tags=["answer"]
# **Claim 10: {{ ruling 10 }}.** The rows of T5, BART and Whisper are their encoders; in the scan
# their decoders have 3.

# %% [markdown]
# ## 7. Build me this model's block
#
# `build_block(name)` makes a small block with that model's norms: kind, ε, gain, places, and those
# on queries and keys. Attention and FFN are the course's own. The block is code, so its wiring can
# be read like anyone else's.

# %%
quiz("what-olmos-ffn-reads")

# %%
from normlab.chapters.norms_in_the_wild import build_block


def wiring_of(name):
    stream = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0))
    return read_wiring(build_block(name, d_model=32), stream)


five = {name: wiring_of(name) for name in ("LLaMA", "Gemma 2", "OLMo 2", "Falcon 7B", "Falcon 40B")}
fig, axes = new_figure(5, width=12.5, height=4.0)
for (name, wiring), ax in zip(five.items(), axes, strict=True):
    print(f"{name:10}", "   ".join(wiring.equations))
    draw_wiring(diagram(wiring.equations), ax)
    ax.set_ylim(-1.6, 9.8)
    ax.text(0, -1.3, name, ha="center", weight="bold")

# %% [markdown] tags=["answer"]
# Gemma 2 has both kinds of norm: `n1` and `n3` read the stream, `n2` and `n4` read a sub-layer. OLMo 2
# kept the second kind alone. Falcon 7B's two sub-layers read one norm, those of 40B one each.

# %% [markdown]
# A test compares such equations with those of the installed models, row by row. For eleven models
# it also sets our norms and placement around the library's own attention and FFN, and the outputs
# agree.
#
# ### GLM-130B
#
# One model of the zoo has this loop in its code, with $\alpha = \sqrt{2L}$ for $L$ layers.

# %%
quiz("glm-in-two-lines")

# %% tags=["nbval-ignore-output"]
from normlab.chapters.norms_in_the_wild import two_loops

two = {name: wiring_of(name) for name in ("GPT-2", "GLM-130B")}
fig, axes = new_figure(2, width=6.0, height=3.2)
for (name, wiring), ax in zip(two.items(), axes, strict=True):
    print(f"{name:9}", "   ".join(wiring.equations))
    draw_wiring(diagram(wiring.equations), ax)
    ax.set(title=name, ylim=(-0.6, 7.2))

one, other = two_loops()
print(f"largest difference of the two loops: {abs(one - other).max():.0e}")

# %% [markdown] tags=["answer"]
# The first two equations of the two models are the same. In the picture the thick line of GLM-130B
# passes through every norm: its `n2` reads $\alpha n_1 + f_1$, where GPT-2's reads $x + f_1$. Chapter
# 05 had this wiring as a bug ("pre-norm" with the normed $x$ in the residual). Here it is on purpose
# and has a factor, $\sqrt{24} = 4.9$ in a stack of 12. The two loops of `two_loops` are GLM-130B's, with
# the next layer's norm behind it, and DeepNorm's, $\text{norm}(\alpha x + f(x))$. They agree
# to the last bit.
#
# So the name of the first module in a layer, `input_layernorm`, does not say whether the model is
# pre-norm. ChatGLM-6B and MiniMax-Text-01 are wired like GLM-130B.

# %% [markdown]
# ## 8. ε, and all designs ★
#
# How far apart the values of ε are, and every design of the zoo to turn through.

# %%
quiz("largest-over-smallest-epsilon")

# %%
print(zoo.count("shown_eps"))

# %% [markdown] tags=["answer"]
# So `eps=1e-5`, as in the seed's listing, is a default and not a law; chapter 03 shows what a wrong
# one costs.

# %% [markdown]
# ### As class default, and as released
#
# The column ε is mostly the default of a config class. A checkpoint has a config of its own. For
# {{ zoo models with a released ε }} models a source states the released ε. In how many of them does it differ?

# %% tags=["answer"]
stated = zoo.where(lambda model: model.eps_released is not None)
other = stated.where(lambda model: model.eps_released != model.eps)
Table(
    ("model", "ε (class default)", "ε released", "times"),
    [[m.name, m.shown_eps, m.shown_eps_released, f"{m.eps_released / m.eps:,.3g}"] for m in other],
)

# %% [markdown] tags=["answer"]
# Of RoBERTa and ESM-2 by a factor of ten million: whoever builds them from the class, without the
# checkpoint's config, has a norm of BERT's ε.

# %%
quiz("number-of-designs")

# %%
from normlab.chapters.norms_in_the_wild import designs

found = designs(zoo)
print(len(found), "designs;", sum(len(d.models) == 1 for d in found), "have one model")
largest = sorted(found, key=lambda design: -len(design.models))[:4]
Table(("design", "models"), [[d.label(), len(d.models)] for d in largest])

# %% [markdown]
# Turn through all of them: the wiring is drawn from the code that `build_block` runs.

# %% tags=["answer"]
from normlab.chapters.norms_in_the_wild import explore_designs

explore_designs()

# %% [markdown]
# ## 9. Queries and keys
#
# Some models norm queries and keys as well:

# %%
load_decoders().wired.by_year("decoders of", lambda row: row["qk_norm"])

# %% [markdown]
# It is called QK-norm. In 2024 {{ scan decoders of 2024 with QK-norm }} decoders had it, since 2025
# {{ scan decoders since 2025 with QK-norm }}. What for? An attention has $H$ heads of $d_h$ features. Its
# weights are the softmax of logits $q^\top k/\sqrt{d_h}$.

# %%
quiz("why-norm-queries")

# %%
quiz("largest-logit")

# %%
from normlab.chapters.norms_in_the_wild import draw_logit_sizes, logit_sizes

sizes = logit_sizes([0.1, 0.3, 1.0, 3.0, 10.0])
fig, axes = new_figure(2, width=8.0)
draw_logit_sizes(sizes, axes)

# %% [markdown] tags=["answer"]
# With plain logits, large weights make attention look at one token: its entropy falls to 0. With
# QK-norm nothing changes, and no logit passes $\sqrt{d_h}$ (Cauchy–Schwarz: $|q^\top k| \le
# \|q\|\|k\|$). Dehghani et al. 2023 (ViT-22B, section 2) added it after runs of 8 billion parameters
# had diverged with attention of nearly zero entropy.
#
# The bound is for gain 1. Learned gains multiply it, so a trained model with QK-norm can have larger
# logits; what is gone is the dependence on $W_q$ and $W_k$.

# %% [markdown]
# ## 10. One norm over all heads ★
#
# The same question where a norm takes the queries of all heads together.

# %% [markdown]
# Most norm each head by itself. OLMoE, OLMo 2 and OLMo 3 do not:

# %%
quiz("logit-over-all-heads")

# %% [markdown] tags=["answer"]
# So over all heads the bound is $H\sqrt{d_h}$ instead of $\sqrt{d_h}$.

# %% [markdown]
# And a third kind: DeepSeek-V3 norms short vectors, the *latents*, from which matrices then make $q$
# and $k$.

# %%
quiz("logit-behind-latents")

# %%
from normlab.chapters.norms_in_the_wild import largest_logits

largest_logits(scales=[1, 20, 30])

# %% [markdown] tags=["answer"]
# The cell looks for the queries and keys of largest logit that each kind of norm lets through; the
# last two matrices are scaled. Per head it ends at $\sqrt{d_h}$, over all heads at $H\sqrt{d_h}$. Behind
# latents the matrices come after the norm, and nothing bounds a logit.

# %% [markdown]
# ## 11. Streams: Peri-LN and LayerNorm Scaling ★
#
# How two newer placements let the stream grow, and what seven of them do to an untrained model.

# %% [markdown]
# Chapter 05 measured how each placement's stream grows. Two newer ones follow from counting.
#
# - **Peri-LN** (Kim et al. 2025): each branch ends in a norm and adds a mean square of 1, two branches
#   a layer: $1 + 2l$.
# - **LayerNorm Scaling** (Sun et al. 2025): the norms of layer $l$ times $1/\sqrt l$, so it adds $1/l$
#   of what pre-norm adds there.

# %%
quiz("stream-when-scaled")

# %%
import numpy as np

from normlab.chapters.norms_in_the_wild import divided_growth, draw_streams
from normlab.chapters.residual_placement import average_growth

names = ("peri-norm", "pre-norm", "layernorm-scaling")
peri, pre, scaled = (average_growth(range(20), name, d_model=32) for name in names)
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

# %% [markdown] tags=["answer"]
# This and all that follows is measured in models of width 32 with Xavier's weights; here it is the mean
# of 20 seeds. Peri-LN keeps to its line. LayerNorm Scaling ends a seventh below what the division
# expects, and for that there is a reason: in a stream that grows slowly tokens stay unlike for longer,
# and attention adds less when it averages unlike tokens.

# %% [markdown]
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
rows = survey.table().rows
Table(survey.table().columns, rows[:-1])

# %% [markdown] tags=["answer"]
# The streams are those of the table above: about 3 for LayerNorm Scaling, 25 for pre-norm, 48 for
# Peri-LN. The untrained model does not show the cure: its last block changes the stream less than
# pre-norm's. What it does show is a gradient that is more even (2 against 5), and tokens that stay
# unlike. Section 16 has trained models.
#
# The other rows:
#
# - **B2T** (Takase et al. 2022) carries the block's input past its first norm. The stream stays at 1
#   as in post-norm, but the last block changes it half as much, and its tokens are not yet all alike.
# - **Mix-LN** (Li et al. 2024) is post-norm in the first quarter, pre-norm above. It ends like
#   pre-norm, and its tokens become alike as in post-norm.
# - **Peri-LN** has the most uneven gradient (9). Its stream is the largest, the final norm divides by
#   that, and so little of the gradient enters at the output.
# - **nGPT** is next.

# %% [markdown]
# ## 12. nGPT: the stream on a sphere ★
#
# A stream whose length cannot change, and how far one layer moves it.

# %% [markdown]
# Loshchilov et al. 2024 put every vector on the unit sphere. A sub-layer proposes a point, and the
# stream goes a small step towards it:
#
# $$x \leftarrow \text{unit}\big(x + \text{step} \odot (\text{unit}(f(x)) - x)\big), \qquad
# \text{unit}(x) = x/\|x\|$$
#
# with a learned step that starts at 0.05. (nGPT also keeps the rows or columns of its matrices at
# length 1 and norms $q$ and $k$; here is the wiring alone. Section 16 trains the whole.)

# %%
quiz("change-on-the-sphere")

# %%
from inspect import getsource

from normlab.chapters.residual_placement import stream_growth

print(getsource(HyperSphere.step))
sphere = stream_growth(HyperSphere, d_model=32, seed=0)
lengths = (32 * sphere.mean_square[1:]) ** 0.5
print(f"‖x‖ after layers 1 to 24: {lengths.min():.3f} to {lengths.max():.3f}")
print("change by layers 2, 12, 24:", sphere.change[[1, 11, 23]].round(3))
Table(survey.table().columns, rows[-1:])

# %% [markdown] tags=["answer"]
# No depth makes the change larger, and of the weights the step alone, so 24 layers do not move the tokens far, and they stay
# unlike. The gradient of 0.18 is $1/\sqrt{32}$: the embedding has
# length 5.7, and the first step divides by that. (nGPT keeps its embeddings at length 1.)

# %% [markdown]
# ## 13. Two stand-ins: DyT and CogView's norm ★
#
# A layer that replaces a norm, and a norm that divides the whole tensor first.

# %% [markdown]
# **DyT** (Zhu et al. 2025) is $\gamma\tanh(ax) + \beta$ where a norm would stand, with a learned $a$
# that starts at ½. It squashes like a norm. Does it normalize?

# %%
quiz("dyt-by-scale")

# %%
from normlab.chapters.norms_in_the_wild import draw_scale_response, scale_response

response = scale_response(
    [0.01, 0.1, 1.0, 10.0, 100.0],
    {"LayerNorm": nn.LayerNorm(256), "RMSNorm": nn.RMSNorm(256, eps=1e-6), "DyT": DyT(256)},
)
fig, ax = new_figure()
draw_scale_response(response, ax)

# %% [markdown] tags=["answer"]
# LayerNorm at 0.01 shows its ε. DyT is not invariant to scale, so a small stream makes small
# branches. Whether a model can do without the invariance is a question of training. The paper trains
# such models, and for LLaMA it had to tune where $a$ starts.

# %% [markdown]
# **CogView** (Ding et al. 2021) trained in float16, where a square passes 65,504 from 256 on. Its
# norm divides by $\max|x|/8$ first, over the whole tensor. The factor cancels in the norm. Does it
# matter that the *whole tensor* shares it?

# %%
quiz("beside-a-large-token")

# %%
import statistics

from normlab.chapters.norms_in_the_wild import cogview_norm

token = torch.randn(256, generator=torch.Generator().manual_seed(0))
large = (3e4 * token.clamp(-2, 2)).half()
print(f"largest square in float16: {large.square().max():.0f}")
print(f"CogView's norm of that, root mean square: {cogview_norm(large).float().std():.2f}")
for factor in (1, 100, 10_000):
    sizes = []
    for seed in range(20):
        small, large = torch.randn(2, 256, generator=torch.Generator().manual_seed(seed))
        both = torch.stack([small, factor * large])
        sizes.append(cogview_norm(both)[0].square().mean().sqrt().item())
    print(f"beside a token {factor:6,} times larger, median of 20: {statistics.median(sizes):.2f}")

# %% [markdown] tags=["answer"]
# LayerNorm's independence of other tokens (chapter 01) is lost through ε.

# %% [markdown]
# ## 14. More than one stream ★
#
# Several residual streams beside each other: what they hold at the start, and how they are mixed.

# %% [markdown]
# In the zoo {{ zoo models with several streams }} do not have one stream of sums. The basic form is the *hyper-connection* (Zhu et al. 2024). There are $n$ streams $x_1 … x_n$. A
# sub-layer reads a weighted sum of them, and each stream keeps a weighted sum and gets its share:
#
# $$h = \sum_i a_i x_i, \qquad x_j \leftarrow \sum_i K_{ij}\, x_i + b_j\, f(\text{norm}(h))$$
#
# At the start sub-layer $k$ reads stream $k \bmod n$ alone, $K = I$, and all $b_j = 1$. All streams start with
# the embedding, and their sum goes into the final norm.

# %%
quiz("streams-at-the-start")

# %%
from normlab.models import HyperConnections, Transformer, TransformerConfig

tokens = torch.arange(10).unsqueeze(0)
logits = {}
for placement in (HyperConnections, "post-norm", "parallel", "pre-norm"):
    config = TransformerConfig(decoder_layers=12, placement=placement, d_model=32)
    with torch.no_grad():
        logits[placement] = Transformer(config, seed=0)(tokens)
four_streams = logits.pop(HyperConnections)
for placement, one_stream in logits.items():
    largest = (four_streams - one_stream).abs().max()
    print(f"{placement:9}: largest difference of the logits {largest:.0e}")

# %% [markdown] tags=["answer"]
# So nothing is lost at the start. Then $a$, $K$ and $b$ are learned, and in *dynamic* hyper-connections,
# which section 16 trains, a learned part of them depends on the token. But the product of all $K$ carries
# every stream from the first layer to the last, and nothing holds it.

# %%
quiz("stretch-of-sixty-mixings")

# %% [markdown]
# DeepSeek-V4 makes each $K$ *doubly stochastic*: no entry below 0, and every row and column sums to 1. It
# divides the rows by their sums, then the columns, twenty times (Sinkhorn and Knopp 1967; Xie et al.
# 2025). Products of such matrices are such matrices. Here are random ones, made of $e^N$, or near $I$,
# of $e^{5(I + 0.1 N)}$, in medians of 20 draws: left how far the product of $l$ layers stretches the streams
# at most, right what it leaves of a difference between them.

# %%
quiz("price-of-doubly-stochastic")

# %%
from normlab.chapters.norms_in_the_wild import draw_mixed_streams, mixed_streams

fig, axes = new_figure(2, width=8.0, height=3.6)
draw_mixed_streams(mixed_streams(), axes)

# %% [markdown] tags=["answer"]
# Without a constraint $I + 0.1 N$ stretches four times, and $I + 0.3 N$ some hundreds of times. Doubly
# stochastic matrices never stretch. Their price is on the right: each takes means, so the streams
# become alike. Random ones are done with that after six layers, and those near $I$ leave a sixth after
# 60. Hy4 goes the other way: it keeps $K = I$ and learns $a$ and $b$ alone.
#
# How far a *trained* $K$ is from $I$ is the model's business. The noise here was our choice.

# %% [markdown]
# ## 15. Sums with factors ★
#
# Two models of 2026 put factors before the stream and the branch.

# %% [markdown]
# In peri-norm each sub-layer adds a mean square of 1, and the stream grows with depth. Beam has, for the
# summands $k = 2, 3, …$ behind the embedding, which is the first:
#
# $$x \leftarrow \sqrt{1 - 1/k}\; x + \tfrac{1}{\sqrt k}\, \text{norm}(f(\text{norm}(x)))$$

# %%
quiz("depth-scaled-sum")

# %%
from normlab.models import ZOO_PLACEMENTS

rows = []
for name in ("peri-norm", "depth-scaled peri-norm", "gated peri-norm"):
    growth = average_growth(range(20), ZOO_PLACEMENTS[name], d_model=32)
    at = [f"{growth.mean_square[layer]:.1f}" for layer in (1, 6, 12, 24)]
    rows.append([name, *at, f"{growth.change[-1]:.2f}"])
Table(("placement", "layer 1", "6", "12", "24", "change by the last"), rows)

# %% [markdown] tags=["answer"]
# 1, by construction: $1 - 1/k$ and $1/k$ sum to 1. The factors multiply out: after $k$ sums every summand, the embedding too, has the factor
# $1/\sqrt k$. With the same weights the stream of peri-norm is the same vector times $\sqrt k$ (its mean square is
# that of one embedding and 48 branches), and no norm sees that factor. So the two are one model, but
# for numbers of another size in the stream.
#
# Muse Spark has learned vectors in their place, $\sqrt{1 - \beta^2}$ and $\beta$: the size stays too,
# and each feature chooses how fast it forgets. With $\beta$ at ½, as here, the last layer changes much
# more.

# %% [markdown]
# ## 16. Trained ★
#
# What eleven designs do when they are trained, and what each of their layers is worth then.

# %% [markdown]
# So far the newer placements were looked at before training. That is not what they are for. Here
# eleven designs are trained: the same decoder, 32 wide, 500 steps of Adam, each with 8 passages of 32
# letters, 50 steps of warmup, and gradients clipped at 1. Each has the best of the same five learning rates;
# two seeds chose it, and five others are shown. Two tasks: the grammar of chapter 07, and Milton's
# *Paradise Lost*, where the loss is that on the last book, which is not trained on. (The rates were chosen by
# passages of that book, too.) nGPT is the whole method here, with weights on the sphere; `make_ngpt` says
# how it differs from the authors'. These are {{ zoo trained runs }} stored runs
# (`normlab remake trained_placements`).
#
# What is a low loss here? A table of pairs of letters, counted in as many letters as a run sees:

# %%
from normlab.training import make_task

for name in ("characters", "verse"):
    task = make_task(name, tokens=32)
    seen, unseen = task.batch(4000, seed=0, step=0), task.unseen_batch(128)
    pairs = np.ones((task.vocab_size, task.vocab_size))
    np.add.at(pairs, (seen.inputs, seen.targets), 1)
    shares = pairs / pairs.sum(1, keepdims=True)  # (V, V) / (V, 1)
    loss = -np.log(shares[unseen.inputs, unseen.targets]).mean()
    print(f"{name}: chance {task.chance:.2f}, pairs of letters {loss:.2f}")

# %%
quiz("better-than-pre-norm")

# %%
quiz("deep-layers-when-scaled")

# %% [markdown]
# **Explorer.** Left each design's loss, right what each of its layers is worth: how far the loss rises
# when that layer alone is left out of the trained model. Compare *LayerNorm Scaling* with pre-norm, then
# *nGPT*; then change the task.

# %% tags=["answer"]
from normlab.chapters.norms_in_the_wild import explore_trained

explore_trained()

# %% [markdown] tags=["answer"]
# - **Losses.** Hyper-connections end lowest or within 0.01 of it in all four settings, and have four
#   streams to keep. LayerNorm Scaling beats pre-norm on the real text and not on the grammar. Its best rate is
#   the highest that was tried, as is pre-norm's on the real text, so a higher one might be better. Peri-LN and QK-norm are within 0.03 of
#   pre-norm. DyT, Mix-LN and B2T are behind it, the more so with 24 layers.
# - **Post-norm** learns something with 12 layers, and nothing with 24 at any of the five rates. Without a
#   norm and with Xavier's weights nothing is learned at all.
# - **Layers.** In pre-norm the first layer does most, and on the real text a layer of the deeper half
#   costs less than 0.005 on average when it is left out. In LayerNorm Scaling it is no better. In
#   nGPT and B2T deep layers are worth more in all four settings, and their losses are no lower, or lower by
#   no more than seeds differ. So a layer that is worth something does not yet make a better model.
#
# Is that the curse of depth? It looks like it, but so does a task that asks little: on the real text the
# best models are little more than a tenth of a nat below pairs of letters, and one layer can do pairs. On
# the grammar, where more is learned, pre-norm's deep layers are worth 0.01 to 0.04. And a layer that another
# one can stand in for is worth nothing by this measure, even if the two together do much.

# %% [markdown]
# ## 17. What the next model changed ★
#
# Lines of models, two models side by side, and two small changes of the last years.

# %% [markdown]
# ### Which model followed which?
#
# Gemma 2 followed Gemma, GLM-4 followed ChatGLM. When makers build the next model, how often do they
# touch the norms: the kind, the gain, the places, the norms on queries and keys? Say a share before
# you look.

# %% tags=["answer"]
from normlab.chapters.norms_in_the_wild import explore_families

explore_families()

# %% [markdown] tags=["answer"]
# The zoo has {{ zoo lines }} lines in which one model follows another. At
# {{ zoo steps that change the design }} steps the design changed (ε is not counted). The rows were chosen,
# and a new design is a reason to choose one, so this says nothing of all models. Some lines
# keep their placement, as Mistral's and LLaMA's do; others do not. Choose *GLM-130B*: shifted post-norm, pre-norm, a norm on both sides, pre-norm
# again, several streams. *Gemma* went to both sides with its second version and stayed there;
# VaultGemma, which is made after it, took the norms behind the sub-layers away.

# %% [markdown]
# ### Two models side by side
#
# What changed from Gemma 3 to Gemma 4? Name three things before you open the table. Then choose any
# two: DeepSeek-V3 and DeepSeek-V4, for instance.

# %% tags=["answer"]
from normlab.chapters.norms_in_the_wild import explore_two_models

explore_two_models()

# %% [markdown] tags=["answer"]
# The placement is the same. The gain is another, the values of attention are normed, and a third
# sub-layer came with a norm behind it. DeepSeek-V4's letters are factors that are no numbers: g is
# computed from the input, m is a mix of its four streams. In code it is
# `compare_models("Gemma 3", "Gemma 4")`.

# %% [markdown]
# ### From 1 + w back to w
#
# Gemma's gain is $1 + w$. With $w$ at 0 it begins as 1, and weight decay pulls it to 1. Did the other
# models of the line keep it, and did anybody take it over?

# %% tags=["answer"]
of_the_gemmas = zoo.where(lambda model: "Gemma" in model.name)
others = zoo.where(lambda m: m.affine.startswith("1 + ") and "Gemma" not in m.name)
Table(("model", "year", "affine"), [[m.name, m.year, m.affine] for m in (*of_the_gemmas, *others)])

# %% [markdown] tags=["answer"]
# Gemma 3n and Gemma 4 have $w$ again. Nemotron-4 has had $1 + w$ with a shift since 2024, Qwen took it
# over, and the two Muses have it. Both compute the same function; what differs is where weight decay pulls, and what happens to
# whoever loads the weights into the other form.

# %% [markdown]
# ### V-norm
#
# Queries and keys are normed to keep logits small. A value does not stand in a logit. Which models
# norm it all the same?

# %% tags=["answer"]
with_v_norm = zoo.where(v_norm=True)
Table(
    ("model", "QK-norm", "V-norm"), [[m.name, m.qk_norm, "per head, no gain"] for m in with_v_norm]
)

# %% [markdown] tags=["answer"]
# {{ zoo models with V-norm }}. Each head's value is divided by its root mean square, without a gain. So
# what a head returns, a mean of values, has a root mean square of 1 at most, whatever $W_v$ is. The
# matrix behind the heads decides what reaches the stream, and behind that stands one more norm.

# %%
rng = torch.Generator().manual_seed(0)
values = torch.nn.functional.rms_norm(torch.randn(100, 16, generator=rng), (16,))
weights = torch.softmax(3 * torch.randn(100, 100, generator=rng), 1)
sizes = (weights @ values).square().mean(1).sqrt()  # (100, 100) @ (100, 16) -> (100,)
print(f"root mean square of what a head returns: at most {sizes.max():.2f}")

# %% [markdown]
# ## The exercise
#
# Here are three blocks without their names. Each line shows what can be read from outside: the
# norms on the stream, the norms inside the sub-layers with their width, and the wiring. The stream
# is 32 wide and has four heads. Which models may the blocks belong to? Run the cell, then filter with
# `zoo.where`.


# %% tags=["answer"]
def seen(model):
    """What a block of this model shows from outside."""
    block = build_block(model)
    stream = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(1))
    wiring = read_wiring(block, stream)
    norm = read_norm(block.get_submodule(wiring.norms[0]), 32)
    inner = [block.get_submodule(name) for name in wiring.inner]
    inside = [f"{read_norm(part, part.size).kind} over {part.size}" for part in inner]
    said = f"{norm.kind}, ε {norm.eps:g}, {norm.affine}; inside: {', '.join(inside) or 'none'}"
    return f"{said}\n   {'   '.join(wiring.equations)}"


mystery = [zoo.models[place] for place in (52, 78, 57)]
for number, model in enumerate(mystery, 1):
    print(f"{number}: {seen(model)}")

# %%
quiz("second-mystery-block")

# %%
transformers = zoo.where(lambda model: model.has_block)
shown = {model.name: seen(model) for model in transformers}
for number, model in enumerate(mystery, 1):
    print(f"{number}:", ", ".join(name for name in shown if shown[name] == shown[model.name]))

# %% [markdown] tags=["answer"]
# Every model whose block looks the same from outside is an answer. (Where a paper states no ε, as
# PaLM's, the block has 1e-5.)

# %% [markdown]
# ### Your own model
#
# `inspect` does all of this to a whole model, and says what is wrong with it. This block has two
# mistakes. Read it before you go on.

# %%
from normlab import inspect


class Hasty(nn.Module):
    """Somebody's first transformer block."""

    def __init__(self, d):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.attention = nn.MultiheadAttention(d, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(d, 4 * d), nn.GELU(), nn.Linear(4 * d, d))

    def forward(self, x):
        x = self.norm1(x)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return x + self.mlp(x)


report = inspect(nn.Sequential(*(Hasty(32) for _ in range(3))), torch.randn(2, 5, 32))

# %%
quiz("mistakes-of-a-hasty-block")

# %%
report.wirings()

# %% tags=["answer"]
for warning in report.warnings:
    print(f"{warning.where}: {warning.message} (chapter {warning.chapter})\n")

# %% [markdown]
# From the command line, `normlab inspect my_model.py:build` does the same, and
# `normlab inspect --transformers qwen3` reads a small copy of a model of the library. In Python, with
# `transformers` installed, this takes no download:
#
# ```python
# from transformers import AutoConfig, AutoModel
#
# config = AutoConfig.for_model("qwen3", hidden_size=32, num_hidden_layers=2, head_dim=8,
#                               num_attention_heads=4, num_key_value_heads=2, vocab_size=64)
# model = AutoModel.from_config(config)
# inspect(model, torch.arange(5).unsqueeze(0)).wirings()
# ```

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - A norm shows what it is on large rows (kind), tiny rows (ε) and zeroed weights (gain $w$ or
#   $1 + w$). A layer shows its wiring in the sums on the way from $x$ to $y$.
# - RMSNorm is in {{ scan decoders of 2024 with RMSNorm }} decoders of 2024 and in
#   {{ scan decoders since 2025 with RMSNorm }} since; the Falcon of 2023 has LayerNorm, against the seed.
#   Encoders of text have post-norm still, {{ scan encoders with post-norm }}.
# - A norm in front is not yet pre-norm: GLM-130B's shortcut is the normed $x$, and that is DeepNorm,
#   cut at another place.
# - QK-norm bounds a logit by $\sqrt{d_h}$ if each head is normed by itself, and by $H\sqrt{d_h}$ if all
#   are normed together, with gain 1 and any weights. On latents it bounds none.
# - Peri-LN grows like $1 + 2l$; LayerNorm Scaling is near 3 after 24 layers, where pre-norm is
#   at 25.
# - Trained under one budget, none of ten designs clearly beats pre-norm; hyper-connections come nearest.
# - Doubly stochastic mixing of streams never stretches them, and makes them alike.
# - nGPT: $\|x\| = 1$ at every layer. DyT is not invariant to scale. CogView's norm lets tokens see
#   the largest one.

# %% [markdown]
# ## Sources
#
# - The models: `normlab/chapters/norms_in_the_wild/zoo.csv` names file and commit, or paper and
#   section, for each row. huggingface/transformers v5.24.0; xai-org/grok-1;
#   THUDM/SwissArmyTransformer; THUDM/CogView; facebookresearch/DiT; tensorflow/tensor2tensor;
#   NVIDIA/ngpt.
# - Henry et al. 2020, *Query-Key Normalization for Transformers*, arXiv:2010.04245; Dehghani et al.
#   2023, *Scaling Vision Transformers to 22 Billion Parameters*, section 2, arXiv:2302.05442.
# - Kim et al. 2025, *Peri-LN*, arXiv:2502.02732; Sun et al. 2025, *The Curse of Depth in Large
#   Language Models*, arXiv:2502.05795; Li et al. 2024, *Mix-LN*, arXiv:2412.13795; Takase et al.
#   2022, *B2T Connection*, arXiv:2206.00330.
# - Loshchilov et al. 2024, *nGPT: Normalized Transformer with Representation Learning on the
#   Hypersphere*, Eq. 10 and 11, arXiv:2410.01131.
# - Zhu et al. 2024, *Hyper-Connections*, arXiv:2409.19606; Sinkhorn and Knopp 1967, *Concerning
#   nonnegative matrices and doubly stochastic matrices*, Pacific Journal of Mathematics 21; Xie et al. 2025,
#   *mHC: Manifold-Constrained Hyper-Connections*, arXiv:2512.24880, as `deepseek_v4/modeling_deepseek_v4.py`
#   of transformers v5.24.0 has it.
# - Milton 1674, *Paradise Lost*, in Project Gutenberg's text of 1992.
# - Zhu et al. 2025, *Transformers without Normalization* (DyT), arXiv:2503.10622; Ding et al. 2021,
#   *CogView*, section 2.4, arXiv:2105.13290.
# - Zeng et al. 2022, *GLM-130B*, section 2.1, arXiv:2210.02414.
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("11")
