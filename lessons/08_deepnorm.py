# %% [markdown]
# # 08 · DeepNorm: a thousand layers
#
# ## What you will be able to do
#
# - Write DeepNorm's step, and give its two constants for an encoder, a decoder, and both.
# - Say what Theorem 4.2 of the DeepNet paper bounds, and check it by one training step.
# - Say what a post-norm stack makes of a random change, and what of the change of an SGD step.
# - Find the mistakes that public code made with the constants, and say which of them a test of the
#   output cannot see.
# - Train 100 layers yourself, and judge what a stored run of 1,000 layers proves.
#
# {{ minutes }}

# %% [markdown]
# ## 1. One formula, taken at its word
#
# The seed writes $y = \alpha x + \text{SubLayer}(x)$. How large is $\alpha$, and what does the
# formula do as it stands?

# %%
from normlab.claims import your_mark

your_mark(3, 29, 43)

# %%
from normlab import quiz

quiz("alpha-of-twelve-layers")

# %%
quiz("alpha-without-a-norm")

# %%
import torch

from normlab import Table
from normlab.models import DeepNorm, Transformer, TransformerConfig, deepnorm_constants
from normlab.probes import random_batch


class AsTheSeedSays(DeepNorm):
    def parts(self, site):
        return []

    def step(self, x, f):
        return self.alpha * x + f(x)


def growth(placement, layers):
    config = TransformerConfig(encoder_layers=layers, placement=placement, d_model=64)
    model = Transformer(config, seed=0).double()
    with torch.no_grad():
        x = model.embed(random_batch(config, seed=0).tokens)
        return (model.encoder(x).norm() / x.norm()).item()


rows = []
for layers in (2, 12, 24, 96):
    alpha, _ = deepnorm_constants(layers, 0)["encoder"]
    grown = growth(AsTheSeedSays, layers), growth("deepnorm", layers)
    rows.append([layers, f"{alpha:.3f}", *(f"{factor:.2g}" for factor in grown)])
Table(("layers N", "α", "αx + f(x)", "norm(αx + f(x))"), rows)

# %% [markdown] tags=["answer"]
# At 96 layers the stream is $4 \cdot 10^{109}$ times longer, and float32 ends at $10^{38}$. With the
# norm nothing grows. **Claim 3: {{ ruling 3 }}. Claim 29: {{ ruling 29 }}.**

# %% [markdown]
# DeepNorm is
#
# $$x_{s+1} = \text{norm}(\alpha x_s + f_s(x_s))$$
#
# where $s$ counts sub-layers (Wang et al. 2022, section 4.1).

# %%
quiz("alpha-in-front-of-a-norm")

# %%
from normlab.chapters.residual_placement import draw_placement, draw_wiring
from normlab.models import trace
from normlab.pictures import new_figure

fig, axes = new_figure(3, width=7.5, height=3.4)
axes[0].set_title("the seed's formula")
draw_wiring(trace(AsTheSeedSays), axes[0])
for name, ax in zip(["deepnorm", "post-norm"], axes[1:], strict=True):
    draw_placement(name, ax)
for ax in axes:
    ax.set_ylim(-2.0, 7.6)

# %% [markdown] tags=["answer"]
# The diagrams are drawn from the code. DeepNorm adds one multiplication to post-norm, on the
# shortcut. The rest of it is not in the diagram: the initialization. No box has moved.
#
# **Claim 43, "it changes where the residual is scaled": {{ ruling 43 }}.**

# %% [markdown]
# ## 2. α and β_w
#
# DeepNorm also multiplies some of the initial weights by a constant. The paper and the code say
# $\beta$. In this course $\beta$ is the shift of a norm, so the constant is called $\beta_w$.

# %%
quiz("alpha-by-depth")

# %%
from normlab.chapters.deepnorm import constants_by_depth, draw_constants

constants = constants_by_depth([6, 12, 24, 48, 96, 200, 500, 1000])
fig, axes = new_figure(2)
draw_constants(constants, axes)
constants_by_depth([12, 96, 500]).table()

# %% [markdown] tags=["answer"]
# | model | $\alpha$ | $\beta_w$ |
# |---|---|---|
# | encoder alone ($N$ layers), or decoder alone ($M$) | $(2N)^{1/4}$ | $(8N)^{-1/4}$ |
# | encoder–decoder, encoder | $0.81\,(N^4M)^{1/16}$ | $0.87\,(N^4M)^{-1/16}$ |
# | encoder–decoder, decoder | $(3M)^{1/4}$ | $(12M)^{-1/4}$ |
#
# (Figure 2 of the paper.) A decoder of two has three sub-layers a layer, hence $3M$ and $12M$.

# %% [markdown]
# The paper's deepest model has 500 encoder and 500 decoder layers, the last row of the table.

# %%
your_mark(4, 45)

# %%
quiz("sub-layers-of-the-deepest")

# %% [markdown] tags=["answer"]
# That model was trained to translate (OPUS-100, section 6 of the paper). Pre-training of language
# models is what the paper's conclusion leaves to future work. **Claim 4: {{ ruling 4 }}. Claim 45:
# {{ ruling 45 }}.**

# %% [markdown]
# ## 3. Norm and branch, once more
#
# Chapters 06 and 07 took a post-norm sub-layer apart: by what does the norm alone, the branch alone,
# and the whole multiply a signal or a small change on its way up, and a gradient on its way down?

# %%
quiz("norm-of-deepnorm")

# %%
from normlab.chapters.deepnorm import study_config
from normlab.probes import draw_factors, sublayer_factors

factors = {}
for name in ("post-norm", "DeepNorm"):
    config = study_config(name, 12)
    loss = random_batch(config, seed=0).loss
    factors[name] = sublayer_factors(Transformer(config, seed=0), loss, seed=0)
fig, axes = new_figure(2, width=9, height=2.8, sharey=True)
draw_factors(factors, axes)
factors["DeepNorm"].table()

# %% [markdown] tags=["answer"]
# In post-norm the norm takes nearly a fifth, and the branch gives it back: the whole is 1 by a balance
# that training can upset (chapter 07). DeepNorm's norm leaves $1/\alpha$, and the shortcut's $\alpha$ gives
# exactly that back. Against the shortcut the norm takes next to nothing, and the branch, at 0.06, has
# next to nothing to give: the whole is 1 with hardly a branch in it.

# %% [markdown]
# ## 4. What the theory bounds
#
# Take one SGD step of rate $\eta$ on all weights. How far does the output $F$ move? Theorem 4.2 of
# the paper, for an encoder of $N$ layers with value and output weights $v_i, w_i$:
#
# $$\|\Delta F\| \;\le\; \sum_{i=1}^{2N} \frac{\sqrt{v_i^2 + w_i^2}}{\alpha}\,\|\Delta\theta_i\|$$
#
# Each sub-layer moves the output by its own share, and the $2N$ shares add up. A share has two
# factors: how far the step moves the weights, and what such a move does to $F$. The second is
# $\sqrt{v^2 + w^2}/\alpha$. The gradient comes down through the same two matrices and the same
# norm, so with SGD the first is $\eta$ times as much again, and the sum goes with $\eta \cdot 2N (v^2
# + w^2)/\alpha^2$. The goal of the paper's section 4.3 is that this does not depend on $N$: a change
# of $\Theta(\eta)$ per SGD step after initialization, as $\eta \to 0$.

# %%
quiz("exponent-of-the-sum")

# %%
from normlab.chapters.deepnorm import draw_two_shares, load_updates

small = load_updates("sgd", learning_rate=5e-4)
fig, axes = new_figure(2, width=8)
draw_two_shares(small, axes, ("post-norm", "α only", "β only", "DeepNorm"))

# %% [markdown] tags=["answer"]
# (Twelve stored seeds; the band is one standard deviation over them.) Both factors of DeepNorm fall
# like $N^{-1/2}$, so the sum of $2N$ shares stays what it is. Half of that power comes from $\alpha$ and
# half from $\beta_w$: with $\beta_w$ alone each factor falls like $N^{-1/4}$. With $\alpha$ alone the
# gradient falls by less than theory says.

# %% [markdown]
# Now measure the change itself. The cell behind the question is the whole experiment.

# %%
quiz("post-norms-step-by-depth")

# %%
from statistics import geometric_mean


def change_of_output(variant, layers, seed, learning_rate=0.05):
    config = study_config(variant, layers)
    model, batch = Transformer(config, seed).double(), random_batch(config, seed)
    before = model.encoder(model.embed(batch.tokens)).detach()
    torch.autograd.backward(batch.loss(model))
    with torch.no_grad():
        for weight in model.encoder.parameters():
            if weight.ndim == 2:
                weight -= learning_rate * weight.grad
        after = model.encoder(model.embed(batch.tokens))
    return ((after - before).norm() / before.norm()).item()


rows = []
for variant in ("DeepNorm", "post-norm"):
    typical = [
        geometric_mean(change_of_output(variant, layers, seed) for seed in range(6))
        for layers in (2, 8, 32)
    ]
    rows.append([variant, *(f"{change:.1g}" for change in typical)])
Table(("‖ΔF‖/‖F‖ after one step", "N = 2", "N = 8", "N = 32"), rows)

# %% [markdown]
# ## 5. A random change, and the one that SGD makes
#
# A post-norm sub-layer hands on a change with a factor near 1 (section 3, and chapter 06). Then the shares
# of the sum just add up, and the step's effect grows like $N$. With *random* changes of the weights
# the shares have nothing in common, and their squares add up: in post-norm the variance of the
# output's change is $O(N)$ (Liu et al. 2020, *Admin*). But the table above
# grew tenfold from 2 layers to 8, faster than both. What is it that an SGD step has?
#
# Move the weights of layer 1 of 32 a little, once against their gradient, and once as far in a random
# direction. How large is the change of the stream after each layer, over what it was after the
# first? (12 seeds, $D = 128$, $\eta \to 0$: `normlab remake followed_changes --out FILE`.)

# %%
quiz("change-of-sgd")

# %%
from normlab.chapters.deepnorm import draw_followed_changes, load_followed_changes

followed = load_followed_changes()
fig, axes = new_figure(3, width=9.5, height=3.4, sharey=True)
draw_followed_changes(followed, axes, [("post-norm", 16), ("post-norm", 1), ("DeepNorm", 16)])
followed.table()

# %% [markdown] tags=["answer"]
# Post-norm hands on the random step as it is, and lets SGD's grow. Why? Call $J$ the derivative of
# the upper stream by the stream after layer 1. A random change $z$ comes out as $Jz$. The gradient came
# down through $J^\top$, so the step that follows it moves the stream along $J^\top c$, and comes out as
# $JJ^\top c$. In the mean over random $z$ and $c$
#
# $$\frac{\|Jz\|^2}{\|z\|^2} = \frac1n\sum_i \lambda_i
# \qquad \frac{\|JJ^\top c\|^2}{\|J^\top c\|^2} = \frac{\sum_i \lambda_i^2}{\sum_i \lambda_i}$$
#
# with the $n$ eigenvalues $\lambda_i$ of $J^\top J$. In post-norm the first is about 1 with one token in a
# sequence; with 16 it is about ½, since averaging takes from what differs by token. The second is
# larger the more the $\lambda_i$ differ, and the deeper the stack, the more they do. So *the step
# points where the later layers are most sensitive*, and a gradient that keeps its size is no
# proof that the step does.
#
# With one token in a sequence it is the same, and less: attention is not the cause. It adds to it,
# since a step on weights moves all tokens alike, and averaging leaves what tokens have in common. It
# takes from the random change of the stream, which is another at each token.
#
# In DeepNorm every $\lambda_i$ is near 1. There $JJ^\top c$ is no longer than $Jz$, all three changes
# stay as they are, and the shares of the sum just add up.

# %% [markdown]
# ## 6. Twelve seeds, a smaller step, and the sum itself ★
#
# The table of section 4 has six seeds. Twelve seeds, ten variants, depths to 64 and two rules for
# the step come stored with the course (`normlab remake deepnorm_update --out FILE`).

# %%
quiz("sum-of-the-theorem")

# %%
quiz("deepnorm-with-adam")

# %% [markdown]
# The slope is that of $\ln(\|\Delta F\|/\|F\|)$ against $\ln N$: 0 is flat, 1 is proportional. It
# is the mean of the seeds' slopes, ± its standard error; the band is one standard deviation over
# the seeds. Theory's line follows from the sum above, with $v$, $w$ and $\alpha$ of each variant.
# Start with DeepNorm and post-norm. Then change the *step* to the sign of the gradient, and go
# through the variants.

# %% tags=["answer"]
from normlab.chapters.deepnorm import explore_deepnorm

explore_deepnorm()

# %% [markdown] tags=["answer"]
# GLM-130B chose $\alpha = (2N)^{1/2}$ and $\beta_w = (2N)^{-1/2}$ for its 70 layers. With SGD its
# step shrinks like $1/N$, with a sign step it is flat. Half of DeepNorm is not enough: with
# $\beta_w$ alone SGD's slope is ½, with $\alpha$ alone even more. Transformers are trained with Adam
# as a rule. The paper derives its constants for SGD, and tests by experiment that they serve Adam
# too (section 4.3). So mind which promise you use.

# %% [markdown]
# Theory is for $\eta \to 0$. So take a step a hundred times smaller.

# %%
quiz("nothing-in-common")

# %%
quiz("slope-of-a-small-step")

# %%
from normlab.chapters.deepnorm import predicted_slope, variant_name

sgd = load_updates("sgd", learning_rate=0.05)
rows = []
for name in ("post-norm", "DeepNorm", "α only", "β only", "GLM-130B", "pre-norm"):
    theory = predicted_slope(name, "sgd")
    said = "" if theory is None else f"{theory:.2f}"
    rows.append([variant_name(name), sgd.said_slope(name), small.said_slope(name), said])
Table(("variant", "slope, η = 0.05", "slope, η = 0.0005", "theory"), rows)

# %% [markdown] tags=["answer"]
# DeepNorm, β_w alone and GLM-130B stay where they were: their changes were small. Post-norm goes from
# 0.8 to 1.7 ± 0.1, far above theory's 1, and α alone is at twice theory's ½. A little of that is a
# gradient that gets longer with depth (section 4, left panel); the rest is what the later layers make
# of the step. Pre-norm is not of the form
# $\text{norm}(\alpha x + f(x))$, so the theorem says nothing of it. Its step grows with depth, nearly in
# proportion. Yet pre-norm models of 96 layers train. So a first step that does not grow with depth
# is one way to stability and not the only one.

# %% [markdown]
# Now the sum of the theorem itself, computed for the same step, over what was measured. ($v$ and
# $w$ are numbers in the theorem. Here they are the largest singular values of the two matrices,
# their [$\lVert\cdot\rVert_2$](glossary.ipynb).)

# %%
quiz("sum-over-measured")

# %%
from normlab.chapters.deepnorm import draw_bound

fig, ax = new_figure()
draw_bound(small, ax, ("post-norm", "α only", "DeepNorm", "β only"))

# %% [markdown] tags=["answer"]
# DeepNorm's sum is a fixed multiple of the truth, and β_w's alone nearly so. With α alone the ratio is
# on its way to 1, and post-norm's comes down to it: at 64 layers it is 0.8 ± 0.1, and a bound may not
# be below 1. The proof takes for granted that what one
# sub-layer changes is handed on by the later ones without growing. In DeepNorm that is so; in
# post-norm it is not so for the change that *this* step makes (section 5).

# %% [markdown]
# ## 7. Six ways to get it wrong ★
#
# Mistakes and halves that stood in public code, and what one step shows of each.

# %% [markdown]
# | variant | where it stood |
# |---|---|
# | α on the branch: $\text{norm}(x + \alpha f(x))$ | labml.ai's annotated DeepNorm, issue 145. The formula in the comment above that line is right. Other projects copied the line. |
# | β_w on other matrices, in two ways | xFormers until its pull request 284 |
# | inverse β_w: $(8N)^{+1/4}$ | the DeepNorm *baseline* in the code of Mix-LN and LayerNorm Scaling, with $\alpha = 2.828$ fixed for every depth |
# | α only, β_w only | half of the method |

# %% [markdown]
# First the weights. The cell behind the question measures each matrix's standard deviation against
# Xavier's at 12 layers, for DeepNorm and for these variants.

# %%
your_mark(30)

# %%
quiz("weights-with-beta")

# %%
from normlab.models import DEEPNORM_VARIANTS


def deviations(variant):
    block = Transformer(study_config(variant, 12), seed=0).encoder.blocks[0]
    attention, ffn = block.attention, block.feed_forward
    projections = attention.query, attention.key, attention.value, attention.output
    return [linear.weight.std().item() for linear in (*projections, ffn.inner, ffn.outer)]


xavier = deviations("post-norm")
rows = []
for variant in DEEPNORM_VARIANTS:
    ratios = [s / x for s, x in zip(deviations(variant), xavier, strict=True)]
    rows.append([variant_name(variant), *(f"{ratio:.4f}" for ratio in ratios)])
Table(("variant", "W_q", "W_k", "W_v", "W_o", "W_1", "W_2"), rows)

# %% [markdown] tags=["answer"]
# In DeepNorm at 12 layers $\beta_w = 0.3195$ stands at $W_v, W_o, W_1, W_2$.
# **Claim 30: {{ ruling 30 }}.**

# %% [markdown]
# Now one small SGD step of each.

# %%
quiz("alpha-on-the-branch")

# %%
quiz("which-no-step-can-tell")

# %%
wrong = [name for name in small.relative if name not in ("DeepNorm", "GLM-130B", "pre-norm")]
depths = (2, 16, 64)
rows = [
    [variant_name(v), *(small.said_ratio(v, layers) for layers in depths), small.said_slope(v)]
    for v in wrong
]
Table(("times DeepNorm's step", *(f"N = {layers}" for layers in depths), "slope of the step"), rows)

# %% [markdown] tags=["answer"]
# - **α on the branch**: the error grows with the very depth that one takes DeepNorm for.
# - **Inverse β_w**: a paper that compares its own method with such a baseline compares it with
#   something else. And $2.828 = (2 \cdot 32)^{1/4}$ is right for 32 layers alone.
# - **β_w missing on v** (xFormers) costs a factor of 4.7 at 64 layers, and of 1.5 at 2. (Its slope
#   is 0.3, where theory's ½ is for the attention sub-layers alone; the FFNs have their β_w.)
# - **β_w on q and k** hardly changes anything here. Attention's output is a weighted mean of
#   values, so its size does not depend on the weights of the mean (Lemma 4.1 of the paper). No
#   test of the update can find this mistake. A test of the initial weights can: the table above
#   shows it.
#
# So test DeepNorm in two places: the slope of the update, and the scale of each matrix. Even the
# authors' torchscale (`encoder.py`) divides the encoder's weights of a model of two by $X/1.15$ with
# $X = (N^4M)^{1/16}$, where the paper multiplies by $0.87/X$: 1.32 times the paper's β_w.

# %% [markdown]
# ## 8. Is it nearness to the identity? ★
#
# The seed's argument is: blocks start near the identity, hence training is stable. If that is what
# keeps the step in check, the identity itself must have the flattest step.

# %%
your_mark(31, 44)

# %%
quiz("flattest-step")

# %%
from dataclasses import replace

from normlab.probes import model_update, sweep_depths

depths = (4, 16, 64)
zero = replace(study_config("pre-norm", 4), init="zero-output")
models = {
    "post-norm": study_config("post-norm", 4),
    "DeepNorm": study_config("DeepNorm", 4),
    "pre-norm, zero output": zero,
}


def distance_from_identity(config):
    model = Transformer(config, seed=0)
    with torch.no_grad():
        x = model.embed(random_batch(config, seed=0).tokens)
        normed = torch.nn.functional.layer_norm(x, x.shape[-1:])
        return ((model.encoder(x) - normed).norm() / normed.norm()).item()


def identitys_step(layers, seed):
    config = replace(zero, encoder_layers=layers)
    return model_update(config, seed, "sgd", 5e-4).change.relative


identity = sweep_depths({"pre-norm, zero output": identitys_step}, depths, seeds=range(3))
rows = []
for name, config in models.items():
    away = [distance_from_identity(replace(config, encoder_layers=n)) for n in depths]
    slope = identity.said_slope(name) if name in identity.values else small.said_slope(name)
    rows.append([name, *(f"{distance:.1g}" for distance in away), slope])
Table(("model", *(f"distance, N = {n}" for n in depths), "slope of the step"), rows)

# %% [markdown] tags=["answer"]
# The distance is that of the *whole* untrained stack from the identity, $\|F(x) -
# \text{norm}(x)\|/\|\text{norm}(x)\|$; the first two slopes are those of section 6. The sentence's
# first half is right: the whole DeepNorm stack changes its input by a tenth.
# **Claim 44: {{ ruling 44 }}. Claim 31: {{ ruling 31 }}.** What keeps the step in check is that $\alpha$ and $\beta_w$ make
# *both* the gradient and its effect small. In the identity both are as large as ever.

# %% [markdown]
# How much do DeepNorm's branches count? After $s$ sub-layers the stream is a sum: of the input, and of
# what each branch added. A norm divides all of it by the same $\sigma$, so each norm makes the old
# parts smaller. In the weights of Xiong et al. attention's branch has $\kappa = 1$ (one token, nothing is averaged), the FFN's
# $\kappa = \frac12$. So in post-norm the old parts keep $\frac12$ of the squared length at the one
# norm and $\frac23$ at the other: a third in each layer.

# %%
quiz("share-of-the-input")

# %% [markdown]
# In the pictures row $i$ is the stream after sub-layer $i$, and column $j$ the share of branch $j$ in
# it. (Part $p_j$ of $x = \sum_j p_j$ has the share $\langle p_j, x\rangle/\lVert x\rVert^2$, so a
# row adds up to 1. The picture is Admin's: Liu et al. 2020, section 4.)

# %%
from normlab.chapters.deepnorm import draw_shares, split_streams

fig, axes = new_figure(3, width=9, height=3.2, sharey=True)
draw_shares(split_streams(["post-norm", "pre-norm", "DeepNorm"]), axes)
split_streams(["post-norm", "pre-norm", "α only", "β only", "DeepNorm"]).table()

# %% [markdown] tags=["answer"]
# Post-norm's stream is its last layers; what an early layer wrote is divided away, by a constant
# factor in each layer above it ($2^{-k}$ after $k$ sub-layers, if all have $\kappa = 1$). Pre-norm
# adds without dividing, so after $l$ layers each has about one part of $l$. DeepNorm's stream is its
# input, and each branch a hundredth or less. $\alpha$ divides a branch's share by $\alpha^2$, and
# $\beta_w$ multiplies its $\kappa$ by $\beta_w^4$ (two matrices, squared).

# %% [markdown]
# ## 9. Gradients in training ★
#
# The seed says that DeepNorm keeps the gradients bounded throughout training.

# %%
your_mark(32)

# %%
quiz("gradient-in-training")

# %% tags=["nbval-ignore-output"]
from dataclasses import replace

from normlab.training import Run, TrainConfig

twelve = TrainConfig(
    placement="deepnorm",
    decoder_layers=12,
    d_model=32,
    d_ff=128,
    batch=8,
    steps=40,
    optimizer="sgd",
)
rows = []
for learning_rate in (0.05, 1.0, 5.0):
    run, norms = Run(replace(twelve, learning_rate=learning_rate), torch.device("cpu")), []
    while len(norms) < twelve.steps and not run.reason:
        run.step()
        matrices = [w for w in run.model.decoder.parameters() if w.ndim == 2]
        norms.append(torch.stack([w.grad.norm() for w in matrices]).norm().item())
    rows.append([learning_rate, len(norms), f"{max(norms) / norms[0]:.1g}", run.reason])
Table(("rate", "steps", "longest / first gradient", "note"), rows)

# %% [markdown] tags=["answer"]
# **Claim 32: {{ ruling 32 }}.** Theorem 4.2 bounds the change of the *output*. Its constants are
# derived from it for one *SGD* step, from the *initial* weights, with *one feature*, for
# $\eta \to 0$. That $\|\partial\mathcal L/\partial F\|$, the gradient at the output,
# is bounded, is an *assumption* of the derivation (section 4.3). What the theorem gives is smaller
# and still useful: at the start, the effect of one SGD step does not depend on depth. A model whose
# rate is too high fails with DeepNorm as it does without.

# %% [markdown]
# Here is the page that opened chapter 07 again: the copy task, 12 layers, 600 updates of Adam. Look at
# DeepNorm's lane. The table below it has medians of six seeds.

# %%
quiz("sigma-of-deepnorm")

# %% tags=["answer"]
from normlab.chapters.warmup import explore_training_steps

explore_training_steps()

# %%
import numpy as np

from normlab.chapters.warmup import load_training_steps

rows = []
for name, lane in load_training_steps().lanes.items():
    sigma = np.exp(np.log(lane.norm_inputs).mean(2))  # (runs, looks, S) -> (runs, looks)
    length = np.linalg.norm(lane.gradients, axis=2)  # (runs, looks, L) -> (runs, looks)
    grown = sigma[:, -1] / sigma[:, 0], length.max(1) / length[:, 0]
    rows.append([name, *(f"{np.median(ratio):.2f}" for ratio in grown)])
Table(("lane", "σ, last / first", "longest / first gradient"), rows)

# %% [markdown] tags=["answer"]
# DeepNorm's branches stay small beside $\alpha x$, so its norms go on dividing by $\alpha$, which the
# shortcut gives back (section 3). In post-norm that was warmed up σ grows by 8 % only, so
# DeepNorm is not alone in that. In post-norm without warmup it grows, the branches do not give back
# what the norms take, and the first layer's gradient is lost (chapter 07). As to the gradient of all
# weights: in the median of six seeds it hardly gets longer in any lane. Bounded gradients set no
# placement apart here.

# %% [markdown]
# ## 10. A thousand layers
#
# Now train. Each token is followed by $(5 \cdot \text{token} + 3) \bmod 32$; guessing costs
# $\ln 32 = 3.47$. A decoder of 1,000 layers, so 2,000 sub-layers, 32 features wide, for four
# placements. That takes several minutes and 1.2 GB each, so the runs are stored
# (`normlab remake thousand_layers --out FILE`).

# %%
quiz("who-learns-at-a-thousand")

# %%
from normlab.chapters.deepnorm import draw_deep_runs, load_thousand_layers

runs = load_thousand_layers()
print(runs.made)
fig, ax = new_figure(height=3.6)
draw_deep_runs(runs.records, ax)
runs.table()

# %% [markdown] tags=["answer"]
# Without any norm the stream multiplies with each layer (its mean square by $10^9$ in 24 layers,
# chapter 05) and leaves float32 behind. What the four runs show, and what not:
#
# - In post-norm's wiring, $\alpha$ and $\beta_w$ make the difference between learning and nothing.
# - They do not show that 1,000 layers need DeepNorm: pre-norm trained. In the paper too, pre-norm
#   reaches 100-100 layers; it ends 0.5 to 1.0 BLEU below a post-norm that converges (section 5 of the paper).
# - They do not show that 1,000 layers are good for anything. That takes a task that needs them.
# - It is one seed, one rate, one small task. The TOML file takes others.

# %% [markdown]
# ## 11. A hundred layers, live ★
#
# The same task with 100 layers, in 40 steps; Adam at $10^{-3}$. The cell takes about 20 seconds.

# %% tags=["answer", "nbval-ignore-output"]
from dataclasses import replace

from normlab.tools import one_thread
from normlab.training import TrainConfig, train

hundred = TrainConfig(
    task="successor",
    vocab_size=32,
    tokens=16,
    batch=8,
    decoder_layers=100,
    d_model=32,
    d_ff=128,
    steps=40,
    learning_rate=1e-3,
    warmup_steps=20,
    clip=1.0,
)
with one_thread():
    records = {name: train(replace(hundred, placement=name)) for name in ("deepnorm", "post-norm")}
fig, ax = new_figure()
draw_deep_runs(records, ax)
for name, record in records.items():
    print(f"{name}: {record.final_loss:.1f} in the last 10 steps; chance {record.chance:.1f}")

# %% [markdown]
# Change a placement to `"pre-norm"` or `"none"` and run the cell again. What does such a run show?

# %%
quiz("depth-of-the-task")

# %% tags=["nbval-ignore-output"]
from normlab.chapters.deepnorm import try_the_task

print({step: f"{loss:.2f}" for step, loss in try_the_task(hundred).items()})

# %% [markdown] tags=["answer"]
# `try_the_task` trains one layer: after 40 steps its loss is 2.6, after 300 it is 0.04. It needs
# more steps than 100 layers at this rate: with Adam each layer moves the output, and 100 of them
# move it further (section 6: the slope of the sign step is ½). The task is a probe of trainability,
# not of what depth is good for.

# %% [markdown]
# ## The exercise
#
# Write DeepNorm's constants, its step and its initialization:
# [exercise 06](../exercises/06_deepnorm.ipynb).
#
# One more exercise uses what you know by now. [Exercise 08](../exercises/08_bug_museum.ipynb) is a
# museum of bugs that real code had: find an input on which each fails, and mend it.

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - DeepNorm is $\text{norm}(\alpha x + f(x))$ with $\beta_w$ on $W_v, W_o, W_1, W_2$. Without the
#   norm the stream grows like $\alpha^{2N}$: $2 \cdot 10^8$ times at 12 layers.
# - One stack of 12 layers: $\alpha = 2.213$, $\beta_w = 0.3195$; of 96 layers: 3.722 and 0.190.
# - In post-norm the norm takes nearly a fifth and the branch gives it back. In DeepNorm the norm
#   leaves $1/\alpha$ and the shortcut's $\alpha$ gives it back; there is hardly a branch.
# - $\alpha$ and $\beta_w$ make both factors of the theorem's sum fall like $N^{-1/2}$: how far a step
#   moves the weights, and what that does to the output.
# - A post-norm stack of 32 layers hands on a random change of layer 1 as it is, and makes that of an SGD
#   step 9 ± 1 times as large, since the step points where the later layers are most sensitive. DeepNorm
#   keeps both.
# - ★ After one SGD step DeepNorm's output moves by 0.5 % at 2 layers and at 64: slope −0.008 ± 0.006.
#   With a sign step the slope is ½, and GLM-130B's $(2N)^{\pm 1/2}$ is flat.
# - ★ Post-norm's slope is 1.7 ± 0.1, where theory says 1. At a larger step it looks like 0.8, since a
#   change saturates at $\sqrt 2$.
# - ★ α on the branch has slope 1.34 ± 0.02; β_w on q and k hardly changes the update and shows only in
#   the weights.
# - ★ An exact identity has a step that grows like $N$: "near the identity" is not the reason.
# - 1,000 layers: DeepNorm ends at 0.03, pre-norm at 0.08, post-norm at chance, 3.47; without a norm
#   the first loss is NaN.

# %% [markdown]
# ## Sources
#
# - Wang et al. 2022, *DeepNet: Scaling Transformers to 1,000 Layers*, sections 3 and 4, Theorem 4.2,
#   Lemma 4.1, Figure 2, arXiv:2203.00555; the authors' code: microsoft/torchscale,
#   `torchscale/architecture/encoder.py`.
# - Zeng et al. 2022, *GLM-130B*, section 2.1, arXiv:2210.02414.
# - Liu et al. 2020, *Understanding the Difficulty of Training Transformers* (Admin),
#   arXiv:2004.08249.
# - labmlai/annotated_deep_learning_paper_implementations, issue 145; facebookresearch/xformers,
#   pull request 284; the code of Mix-LN (arXiv:2412.13795) and LayerNorm Scaling
#   (arXiv:2502.05795).
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("08")
