# %% [markdown]
# # 08 · DeepNorm: a thousand layers
#
# ## What you will be able to do
#
# - Write DeepNorm's step, and give $\alpha$ and $\beta$ for an encoder, a decoder, and both.
# - Say what Theorem 4.2 of the DeepNet paper bounds, check it by one training step, and say where
#   it stops to hold.
# - Find the mistakes that public code made with $\alpha$ and $\beta$, and say which of them a test
#   of the output cannot see.
# - Train 100 layers yourself, and judge what a stored run of 1,000 layers proves.

# %% [markdown]
# ## 1. One formula, and half of it
#
# The seed text says: *"Explain DeepNorm's scaled residual connection — y = α·x + SubLayer(x)"*.
# Take it at its word.

# %%
from normlab import quiz

quiz("alpha-without-a-norm")

# %%
import torch

from normlab import Table
from normlab.models import DeepNorm, Transformer, TransformerConfig
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
    alpha = (2 * layers) ** 0.25
    numbers = (growth(AsTheSeedSays, layers), alpha ** (2 * layers), growth("deepnorm", layers))
    rows.append([layers, f"{alpha:.3f}", *(f"{number:.2g}" for number in numbers)])
Table(("layers N", "α", "αx + f(x)", "α to the power 2N", "norm(αx + f(x))"), rows)

# %% [markdown]
# (c). Each sub-layer multiplies the stream by $\alpha$ and a little more, $2N$ times over: at 96
# layers it is $4 \cdot 10^{109}$ times longer, and float32 ends at $10^{38}$. DeepNorm is
#
# $$x_{l+1} = \text{norm}(\alpha x_l + f_l(x_l))$$
#
# (Wang et al. 2022, section 4.1), and with the norm nothing grows. Verdict on the formula of the
# seed: **wrong as written.** Further down the seed says *"The residual is scaled by before
# LayerNorm"*; that **holds**.
#
# **Predict.** Both diagrams are drawn from the code. What does DeepNorm add to post-norm?

# %%
from normlab.chapters.residual_placement import draw_placement, draw_wiring
from normlab.models import trace
from normlab.pictures import new_figure

fig, axes = new_figure(3, width=7.5, height=2.8)
axes[0].set_title("the seed's formula")
draw_wiring(trace(AsTheSeedSays), axes[0])
for name, ax in zip(["deepnorm", "post-norm"], axes[1:], strict=True):
    draw_placement(name, ax)
for ax in axes:
    ax.set_ylim(-0.6, 7.2)

# %% [markdown]
# One multiplication on the shortcut. A constant in front of a norm counts only against the other
# summand: $\text{norm}(\alpha x + f) = \text{norm}(x + f/\alpha)$. So DeepNorm is post-norm whose
# branches count $1/\alpha$. The rest of it is not in the diagram: the initialization, $\beta$.

# %% [markdown]
# ## 2. α and β
#
# | model | $\alpha$ | $\beta$ |
# |---|---|---|
# | encoder alone ($N$ layers), or decoder alone ($M$) | $(2N)^{1/4}$ | $(8N)^{-1/4}$ |
# | encoder–decoder, encoder | $0.81\,(N^4M)^{1/16}$ | $0.87\,(N^4M)^{-1/16}$ |
# | encoder–decoder, decoder | $(3M)^{1/4}$ | $(12M)^{-1/4}$ |
#
# (Figure 2 of the paper.) A decoder of two has three sub-layers a layer, hence $3M$ and $12M$.
#
# **Predict.** From 12 to 96 layers, eight times as many, by what factor does $\alpha$ grow:
# 8, $\sqrt 8 = 2.8$, or $8^{1/4} = 1.7$? And with which value does it start?

# %%
quiz("alpha-of-twelve-layers")

# %%
from normlab.chapters.deepnorm import constants_by_depth, draw_constants

constants = constants_by_depth([6, 12, 24, 48, 96, 200, 500, 1000])
fig, axes = new_figure(2)
draw_constants(constants, axes)
constants_by_depth([12, 96, 500]).table()

# %% [markdown]
# The fourth root: 2.213 and 3.722. The last row is the paper's deepest model, 500 encoder and 500
# decoder layers. The seed: *"training transformers with over 1000 layers"*, *"pre-training of very
# deep (1000+ layer) transformers"*.
#
# **Predict.** How many sub-layers does that model have?

# %%
encoder_layers = decoder_layers = 500
print("layers:", encoder_layers + decoder_layers)
print("sub-layers:", 2 * encoder_layers + 3 * decoder_layers)

# %% [markdown]
# 1,000 layers and 2,500 sub-layers, not more. It was trained to translate (OPUS-100, section 6 of
# the paper). Pre-training of language models is what the paper's conclusion leaves to future work.
# Verdict: **imprecise.**
#
# ### Which weights get β?
# The seed: *"The sub-layer weights are also initialized at a fraction of their normal scale."*
#
# The cell behind the question measures each matrix's standard deviation against Xavier's, in a model
# of 12 layers, for DeepNorm and for variants that others wrote.

# %%
quiz("weights-with-beta")

# %%
from normlab.chapters.deepnorm import study_config
from normlab.models import DEEPNORM_VARIANTS


def deviations(variant):
    block = Transformer(study_config(variant, 12), seed=0).encoder.blocks[0]
    attention, ffn = block.attention, block.feed_forward
    four = attention.query, attention.key, attention.value, attention.output
    return [linear.weight.std().item() for linear in (*four, ffn.inner, ffn.outer)]


xavier = deviations("post-norm")
rows = []
for variant in DEEPNORM_VARIANTS:
    ratios = [s / x for s, x in zip(deviations(variant), xavier, strict=True)]
    rows.append([variant, *(f"{ratio:.4f}" for ratio in ratios)])
scales = Table(("variant", "W_q", "W_k", "W_v", "W_o", "W_1", "W_2"), rows)
scales

# %% [markdown]
# Four of six: 0.3195 on $W_v, W_o, W_1, W_2$, while $W_q$ and $W_k$ keep their scale. Verdict:
# **imprecise.** Keep this table in mind: it is the only place in this chapter where the row "β on q
# and k" differs from DeepNorm's.

# %% [markdown]
# ## 3. What the theory bounds: the step, not the gradient
#
# Take one SGD step of rate $\eta$ on all weights. How far does the output $F$ move? Theorem 4.2 of
# the paper, for $2N$ sub-layers with value and output weights $v_i, w_i$:
#
# $$\|\Delta F\| \;\le\; \sum_{i=1}^{2N} \frac{\sqrt{v_i^2 + w_i^2}}{\alpha}\,\|\Delta\theta_i\|$$
#
# Each sub-layer moves the output by its own share, and the shares add up. The gradient of a branch
# goes with $\sqrt{v^2 + w^2}/\alpha$ too, so with SGD $\|\Delta\theta\| \propto \eta
# \sqrt{v^2+w^2}/\alpha$ and the whole sum goes with $\eta \cdot 2N (v^2 + w^2)/\alpha^2$. The goal
# of section 4.3 is that this does not depend on $N$: a change of $\Theta(\eta)$ per SGD step after
# initialization, as $\eta \to 0$.
#
# **Predict.** Put in $v = w = \beta$. What is $2N(v^2 + w^2)/\alpha^2$ at $N = 12$? And at 500?

# %%
rows = []
for layers in (12, 96, 500):
    alpha, beta = (2 * layers) ** 0.25, (8 * layers) ** -0.25
    in_deepnorm = 2 * layers * (beta**2 + beta**2) / alpha**2
    rows.append([layers, f"{in_deepnorm:.3f}", 2 * layers * (1 + 1)])
Table(("layers N", "DeepNorm", "post-norm (v = w = α = 1)"), rows)

# %% [markdown]
# 1 at every depth: that is where $2N$ and $8N$ come from. In post-norm it is $4N$.
#
# So theory says: after one SGD step, DeepNorm's output moves as far at any depth; post-norm's
# moves in proportion to $N$. Now measure. The cell is the whole experiment.
#
# **Predict.** From 2 to 32 layers, by what factor does the change grow in each?


# %%
def change_of_output(variant, layers, learning_rate=0.05):
    config = study_config(variant, layers)
    model, batch = Transformer(config, seed=0).double(), random_batch(config, seed=0)
    before = model.encoder(model.embed(batch.tokens)).detach()
    torch.autograd.backward(batch.loss(model))
    with torch.no_grad():
        for weight in model.encoder.parameters():
            if weight.ndim == 2:
                weight -= learning_rate * weight.grad
        after = model.encoder(model.embed(batch.tokens))
    return ((after - before).norm() / before.norm()).item()


rows = [
    [variant, *(f"{change_of_output(variant, layers):.2g}" for layers in (2, 8, 32))]
    for variant in ("DeepNorm", "post-norm")
]
Table(("‖ΔF‖/‖F‖ after one step", "N = 2", "N = 8", "N = 32"), rows)

# %% [markdown]
# DeepNorm: half a percent, at every depth. Post-norm: more than tenfold.
#
# That was one seed. The same with three seeds, ten variants, depths to 64 and two rules for the
# step comes stored with the course (`normlab remake deepnorm_update --out FILE` makes it again in a
# few minutes). The slope is that of $\ln(\|\Delta F\|/\|F\|)$ against $\ln N$: 0 is flat, 1 is
# proportional. Theory's column follows from the sum above, with $v$, $w$ and $\alpha$ of each
# variant.
#
# **Predict.** Which variants are flat? In which does the step get *smaller* with depth?

# %%
from normlab.chapters.deepnorm import load_updates

sgd = load_updates("sgd", learning_rate=0.05)
sgd.table()

# %% [markdown]
# DeepNorm's slope is 0.00: the theorem's promise holds to the second digit. GLM-130B chose
# $\alpha = (2N)^{1/2}$ and $\beta = (2N)^{-1/2}$ for its 70 layers, stronger than needed for SGD:
# there the step shrinks like $1/N$. Half of DeepNorm is not enough: with $\beta$ alone the slope is
# ½, with $\alpha$ alone even more.
#
# In the explorer, start with DeepNorm and post-norm. Then change the *step* to the sign of the
# gradient, which is Adam's first step. Which variant is flat now? Then make the step a hundred
# times smaller and look at post-norm again.

# %%
from normlab.chapters.deepnorm import explore_deepnorm

explore_deepnorm()

# %% [markdown]
# With a sign step every weight moves by $\eta$, however small its gradient. Then only one factor
# $\beta/\alpha$ is left in the sum, and DeepNorm grows like $\sqrt N$. GLM-130B's variant is flat
# instead. Transformers are trained with Adam as a rule. The paper derives its constants for SGD, and
# tests by experiment that they serve Adam too (section 4.3). So mind which promise you use:

# %%
sign = load_updates("sign", learning_rate=5e-4)
for name in ("DeepNorm", "GLM-130B"):
    flat = {
        rule: abs(sweep.slope(name)) < 0.1 for rule, sweep in {"SGD": sgd, "sign": sign}.items()
    }
    print(f"{name:9} slope within ±0.1 of 0:", flat, f" sign slope {sign.slope(name) + 0:.2f}")

# %% [markdown]
# ## 4. Where the theory stops to hold
#
# Post-norm's slope in the table is 0.78, and theory says 1. It looks like a good match, even like a
# model that behaves better than its bound.
#
# **Predict.** What is the greatest $\|\Delta F\|/\|F\|$ that two outputs of the same length can
# have if they have *nothing* in common: 1, $\sqrt 2$, or infinity? Look for it in post-norm's row
# above. And what will the slope be with a step a hundred times smaller?

# %%
from normlab.chapters.deepnorm import predicted_slope

small = load_updates("sgd", learning_rate=5e-4)
rows = []
for name in (
    "post-norm",
    "α only",
    "inverse β",
    "α on the branch",
    "β only",
    "DeepNorm",
    "GLM-130B",
):
    slopes = [sgd.slope(name), small.slope(name), predicted_slope(name, "sgd")]
    rows.append([name, *(f"{round(slope, 2) + 0:.2f}" for slope in slopes)])
Table(("variant", "slope, η = 0.05", "slope, η = 0.0005", "theory"), rows)

# %% [markdown]
# $\sqrt 2$: at 64 layers post-norm's change was 1.5, so the step had replaced the output by an
# unrelated one (only an output turned to its opposite would reach 2). The change cannot go on
# growing, and the slope came out too small. **The 0.78 was saturation.** The theory speaks of $\eta
# \to 0$; with the small step the slope is 1.89: post-norm is *worse* than its theory. The rows
# DeepNorm, β only and GLM-130B stay where they were, within 0.01: their changes were small.
#
# How can a measurement exceed a bound? Look at the sum of the theorem itself, computed for the
# same step, over what was measured ($v$ and $w$ are numbers in the theorem; here they are the
# largest singular values of the two matrices). A true bound stays above 1.
#
# **Predict.** For DeepNorm the ratio is 8.3 at 2 layers. What is it at 64? And for post-norm, where
# does it go from 5.5?

# %%
from normlab.chapters.deepnorm import draw_bound

fig, ax = new_figure()
draw_bound(small, ax, ("post-norm", "α only", "DeepNorm", "β only"))
rows = [
    [name, *(f"{r:.2g}" for r in small.bounds[name] / small.relative[name])]
    for name in ("post-norm", "α only", "DeepNorm", "β only")
]
Table(("sum of Theorem 4.2 / measured", *(f"N = {n}" for n in small.depths)), rows)

# %% [markdown]
# DeepNorm: 8.1 to 8.4 at every depth, so the sum is a fixed multiple of the truth, and β alone
# does nearly as well. Post-norm falls through 1, and α alone is on its way. The proof takes for
# granted that what one sub-layer changes is passed on by the later ones without growing. In
# DeepNorm that is so, since each later block is close to the identity. In post-norm each later
# block enlarges the change a little, 128 times over. This is the **amplification** that Liu et al.
# 2020 (Admin) describe, and the theorem, with one feature and first order, does not see it.
#
# And pre-norm? It is not of the form $\text{norm}(\alpha x + f(x))$, so the theorem says nothing of
# it. Measured:

# %%
print("theory for pre-norm:", small.predicted("pre-norm"))
for sweep in (sgd, small):
    print(f"slope with η = {sweep.learning_rate}: {sweep.slope('pre-norm'):.2f}")

# %% [markdown]
# Its step grows with depth, nearly in proportion. Yet pre-norm models of 96 layers train. So a
# first step that does not grow with depth is one way to stability and not the only one.

# %% [markdown]
# ## 5. Six ways to get it wrong
#
# | variant | where it stood |
# |---|---|
# | α on the branch: $\text{norm}(x + \alpha f(x))$ | labml.ai's annotated DeepNorm, issue 145. The formula in the comment above that line is right. Other projects copied the line. |
# | β on q and k too | a common reading of "scale the sub-layer weights" |
# | β not on v | xFormers until its pull request 284 |
# | inverse β: $(8N)^{+1/4}$ | the DeepNorm *baseline* in the code of Mix-LN and LayerNorm Scaling, with $\alpha = 2.828$ fixed for every depth |
# | α only, β only | half of the method |
#
# **Predict.** Rank them by the change after one step at 64 layers, as multiples of DeepNorm's.
# Which one can you not tell from DeepNorm at all? Begin with the first:

# %%
quiz("alpha-on-the-branch")

# %%
wrong = [
    "β on q and k",
    "β not on v",
    "β only",
    "α only",
    "α on the branch",
    "inverse β",
    "post-norm",
]
right = small.relative["DeepNorm"]
rows = []
for name in wrong:
    ratios = (small.relative[name] / right)[[0, 3, 5]]
    rows.append([name, *(f"{float(f'{ratio:.2g}'):,g}" for ratio in ratios)])
Table(("times DeepNorm's step", "N = 2", "N = 16", "N = 64"), rows)

# %% [markdown]
# - **α on the branch** does the opposite of what it should: $\text{norm}(x + \alpha f) =
#   \text{norm}(x/\alpha + f)$, so the shortcut is *weakened*. The error grows with the very depth
#   that one takes DeepNorm for.
# - **Inverse β** is as large: a paper that compares its own method with such a baseline
#   compares it with something else. And $2.828 = (2 \cdot 32)^{1/4}$ is right for 32 layers alone.
# - **β missing on v** costs a factor of five at 64 layers, and shows little at 2. (Its slope is
#   0.32, where theory's ½ is for the attention sub-layers alone; the FFNs have their β.)
# - **β on q and k** changes nothing here. Attention's output is a weighted mean of values, so its
#   size does not depend on the weights of the mean (Lemma 4.1 of the paper): $q$ and $k$ are not in
#   the theorem. No test of the update can find this mistake. A test of the initial weights can.
#   Scroll up to the table of section 2.
#
# So test DeepNorm in two places: the slope of the update, and the scale of each matrix.
#
# Even the authors' own library differs from the paper. torchscale's `encoder.py` divides the
# encoder's weights by $(N^4M)^{1/16}/1.15$.
#
# **Predict.** By how much is its β larger than the paper's, and does that change a slope?

# %%
mixed = (500**4 * 500) ** (1 / 16)
paper, torchscale = 0.87 / mixed, 1 / (mixed / 1.15)
print(
    f"500-500, encoder: paper {paper:.4f}, torchscale {torchscale:.4f}, ratio {torchscale / paper:.2f}"
)

# %% [markdown]
# By a third, at every depth. A constant factor changes no slope; it is another constant, and not a
# mistake in kind. ($X/1.15$ is $0.87\,X$: the paper's constant stands in a divisor
# without having been inverted.)

# %% [markdown]
# ## 6. Two sentences of the seed
#
# ### "A precisely controlled version of the pre-norm stability argument"
# The seed: *"The normalized output is dominated by the pass-through signal — the sub-layer starts as
# a small perturbation. This is a precisely controlled version of the pre-norm stability argument."*
# The argument it means: blocks start near the identity, hence training is stable.
#
# Test both halves. First: how far is the *whole* untrained stack from the identity,
# $\|F(x) - \text{norm}(x)\|/\|\text{norm}(x)\|$? Then: how does its first step depend on depth?
# The third model is pre-norm with every branch's last matrix at zero: an exact identity.
#
# **Predict.** If "near the identity" were what keeps the step in check, the identity itself would
# have the flattest step. Does it?

# %%
quiz("flattest-step")

# %%
from dataclasses import replace

from normlab.probes import loglog_slope, model_update

depths = (4, 16, 64)
pre_norm = study_config("pre-norm", 4)
models = {
    "post-norm": study_config("post-norm", 4),
    "DeepNorm": study_config("DeepNorm", 4),
    "pre-norm, zero output": replace(pre_norm, init="zero-output"),
}


def distance_from_identity(config):
    model = Transformer(config, seed=0)
    with torch.no_grad():
        x = model.embed(random_batch(config, seed=0).tokens)
        normed = torch.nn.functional.layer_norm(x, x.shape[-1:])
        return ((model.encoder(x) - normed).norm() / normed.norm()).item()


rows = []
for name, config in models.items():
    sized = [replace(config, encoder_layers=n) for n in depths]
    steps = [model_update(c, 0, "sgd", 5e-4).change.relative for c in sized]
    away = [f"{distance_from_identity(c):.2f}" for c in sized]
    rows.append([name, *away, f"{loglog_slope(depths, steps) + 0:.1f}"])
Table(("model", *(f"distance, N = {n}" for n in depths), "slope of the step"), rows)

# %% [markdown]
# The first half **holds**, and better than the seed says it: untrained, the whole DeepNorm stack
# changes its input by 15 % at 4 layers and by 7 % at 64. The second half is **wrong**:
# the exact identity has a step that grows in proportion to depth. Where a model *is* says nothing
# about how far a step *moves* it. DeepNorm's argument is about the move: $\beta$ makes both the
# gradient and its effect small. (And chapter 05 showed that pre-norm itself is no identity.)
#
# ### "Stable gradients that are bounded throughout training — a formal theoretical guarantee"
# Theorem 4.2 bounds the change of the *output*, not the gradient. The constants are derived from it
# for one *SGD* step, from the *initial* weights, with *one feature*, for $\eta \to 0$. That
# $\|\partial L/\partial F\|$, the gradient at the output, is bounded, is an *assumption* of the
# derivation (section 4.3).
#
# **Predict.** Train 12 DeepNorm layers with SGD at three rates, 0.05, 1 and 5. By what factor does
# the gradient of the decoder's matrices grow over up to 40 steps?

# %%
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
for learning_rate in (0.05, 1.0, 5.0):
    run, norms = Run(replace(twelve, learning_rate=learning_rate), torch.device("cpu")), []
    while len(norms) < twelve.steps and not run.reason:
        run.step()
        matrices = [w for w in run.model.decoder.parameters() if w.ndim == 2]
        norms.append(torch.stack([w.grad.norm() for w in matrices]).norm().item())
    factor = max(norms) / norms[0]
    print(
        f"rate {learning_rate:4}: above 2 times: {factor > 2!s:5}  above 1,000 times: {factor > 1000}"
    )

# %% [markdown]
# At a rate of 5 it grows by more than a thousand times in a handful of steps, and the run ends
# in NaN. Verdict: **wrong.** What the theorem gives is smaller and still useful: at the start,
# the effect of one SGD step does not depend on depth. And a model whose rate is too high fails with
# DeepNorm as it does without.

# %% [markdown]
# ## 7. A hundred layers, live
#
# Now train. Each token is followed by $(5 \cdot \text{token} + 3) \bmod 32$; guessing costs
# $\ln 32 = 3.47$. A decoder of 100 layers, so 200 sub-layers, 32 features wide; Adam at $10^{-3}$
# with 20 steps of warmup, gradients clipped at 1; 40 steps. Each of the two cells takes about ten
# seconds.
#
# **Predict.** Does DeepNorm learn in 40 steps? Does post-norm, with the same warmup?

# %%
from normlab.tools import one_thread
from normlab.training import train

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
    deepnorm = train(replace(hundred, placement="deepnorm"))
print(f"chance: {deepnorm.chance:.2f}")
print("DeepNorm, loss below 1.0 in the last 10 steps:", deepnorm.final_loss < 1.0)

# %%
with one_thread():
    post_norm = train(replace(hundred, placement="post-norm"))
print("post-norm, loss within 0.1 of chance:", abs(post_norm.final_loss - post_norm.chance) < 0.1)

# %%
from normlab.chapters.deepnorm import draw_deep_runs

fig, ax = new_figure()
draw_deep_runs({"deepnorm": deepnorm, "post-norm": post_norm}, ax)
# %% [markdown]
# DeepNorm learns; post-norm stays at chance, though it has warmup and clipping. Change `placement`
# to `"pre-norm"` or `"none"` and run a cell again. (Pre-norm learns too, a little later. Without any
# norm the first loss is NaN.)
#
# What does this show? That 100 layers can be trained. Not that they are needed.
#
# **Predict.** Can *one* layer learn this task?

# %%
with one_thread():
    one = train(replace(hundred, placement="deepnorm", decoder_layers=1, steps=300))
print("one layer, loss below 1.0 after  40 steps:", one.losses[39] < 1.0)
print("one layer, loss below 1.0 after 300 steps:", one.losses[299] < 1.0)

# %% [markdown]
# It can. The answer depends on one token alone, and a table of 32 entries solves it. One layer
# needs more steps at this rate: with Adam each layer moves the output, and 100 of them move it
# further (section 3: the slope of the sign step is ½). The task is a probe of trainability, not of
# what depth is good for.

# %% [markdown]
# ## 8. A thousand layers
#
# The same with 1,000 layers, 2,000 sub-layers, in 200 steps with Adam at $5 \cdot 10^{-4}$, for
# four placements. That takes several minutes and 1.2 GB each, so the runs are stored. The command
# that makes them again:
#
# ```
# normlab remake thousand_layers --out thousand_layers.csv
# ```
#
# **Predict.** Which of the four learn: DeepNorm, post-norm, pre-norm, no norm at all?

# %%
from normlab.chapters.deepnorm import load_thousand_layers

runs = load_thousand_layers()
print(runs.made)
runs.table()

# %%
fig, ax = new_figure(height=3.6)
draw_deep_runs(runs.records, ax)

# %% [markdown]
# DeepNorm falls from 3.9 to 0.03. Post-norm ends where guessing is, at 3.47. Pre-norm learns too,
# and ends at 0.08. Without any norm the first loss is NaN: the stream multiplies with each layer
# (its mean square by $10^9$ in 24 layers, chapter 05) and leaves float32 behind. So that run was
# given up at once.
# (The minutes were measured on a busy machine and compare nothing.)
#
# What the four runs show, and what not:
#
# - In post-norm's wiring, $\alpha$ and $\beta$ make the difference between learning and nothing.
# - They do not show that 1,000 layers need DeepNorm: pre-norm trained. In the paper too, pre-norm
#   reaches 100-100 layers; it ends 0.5 to 1.0 BLEU below a post-norm that converges (section 5).
# - They do not show that 1,000 layers are good for anything. That takes a task that needs them.
# - It is one seed, one rate, one small task. The TOML file takes others.

# %% [markdown]
# ## The exercise
#
# Write DeepNorm's constants, its step and its initialization:
# [exercise 06](../exercises/06_deepnorm.ipynb).
#
# One more exercise uses what you know by now. [Exercise 08](../exercises/08_bug_museum.ipynb) is a museum
# of six bugs that real code had: find an input on which each fails, and mend it.

# %% [markdown]
# ## Recap
#
# - DeepNorm is $\text{norm}(\alpha x + f(x))$ with $\beta$ on $W_v, W_o, W_1, W_2$. Without the norm
#   the stream grows like $\alpha^{2N}$: $2 \cdot 10^8$ times at 12 layers.
# - One stack of 12 layers: $\alpha = 2.213$, $\beta = 0.3195$; 96 layers: 3.722 and 0.190. 500-500:
#   5.648 and 0.1248 in the encoder, 6.223 and 0.1136 in the decoder.
# - After one SGD step the output moves by 0.5 % at 2 layers and at 64: slope 0.00. With a sign step
#   the slope is ½, and GLM-130B's $(2N)^{\pm 1/2}$ is flat.
# - Post-norm's slope is 1.89, where theory says 1: later layers amplify. At a larger step it looks
#   like 0.78, since a change saturates at $\sqrt 2$.
# - α on the branch has slope 1.35; β on q and k changes no update at all and shows only in the
#   weights.
# - An exact identity has a step that grows like $N$: "near the identity" is not the reason.
# - 1,000 layers: DeepNorm ends at 0.03, pre-norm at 0.08, post-norm at chance, 3.47; without a norm
#   the first loss is NaN.
#
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
# Run the last cell to mark the chapter as read.

# %%
from normlab import chapter_read

chapter_read("08")
