# %% [markdown]
# # 07 · Training and warmup: what trains?
#
# ## What you will be able to do
#
# - Say what learning rate warmup is, and train small post-norm and pre-norm models with and
#   without it.
# - Tell a run that diverges from one that is stuck.
# - Say with numbers what the first ten updates do to a model.
# - Read a map of learning rate × warmup × placement × depth, and judge three sentences of the
#   seed text by it.
#
# {{ minutes }}

# %% [markdown]
# ## 1. One model, four lanes
#
# A **run** trains a model on a task: each step draws a batch, and the optimizer updates all weights
# by its gradient, times the learning rate. With **warmup** that rate is small at first and climbs to
# its peak.
#
# Twelve layers learn to copy eight symbols: 600 updates of Adam with a peak rate of 0.002, post-norm
# without warmup and with 200 steps of it, pre-norm and DeepNorm without. The first of these does not
# learn it.

# %%
from normlab import quiz
from normlab.claims import your_mark

quiz("first-layers-gradient")

# %% [markdown]
# Each panel has all four lanes: a line is the median of six seeds, a band holds all six. Two panels
# show what was seen so far, the **loss** and how much the logits of different questions differ. Four
# show the model as it is now, layer by layer: the **stream**, **σ** of what enters the norms, the
# **gradient** of a layer's weights, and how far **the next update** moves the stream. Begin at 0 and
# press the arrow key.

# %% tags=["answer"]
from normlab.chapters.warmup import explore_training_steps

explore_training_steps()

# %% [markdown] tags=["answer"]
# - **The first update** moves the output of post-norm's last layer by its own length (0.7 to 1.1 of
#   it). With the first rate of a warmup it is at most 0.02, with DeepNorm 0.13 to 0.17.
# - **Then** post-norm's σ grows, from 1.2 to 1.6 in ten updates, and less and less of the gradient
#   comes down. After twenty the first layer has at most a hundredth of its gradient left; the last
#   has an eighth or more. The answers hardly differ then, and the loss is at chance. In four of six
#   seeds they differ again around update 200 to 300 and are lost once more; the loss never leaves
#   chance. Nothing diverges.
# - **Pre-norm's** first update moves it nearly as far (0.6 to 0.9), and its stream grows sevenfold in
#   ten updates. Its gradient shrinks too, but in all layers alike: the shortcut passes no norm.
# - **With warmup** post-norm has a level gradient at update 200, when the whole rate is reached.
#
# Section 5 follows the gradient down, part by part. The panels are those of DeepNet's Figures 3 and 4
# (Wang et al. 2022) on one page, with pre-norm beside them. The gradient at 0 and at 200 is what
# Figure 3 of Xiong et al. 2020 shows of the FFN's weights: by layer, before warmup and after it.

# %% [markdown]
# ## 2. A run, and its warmup
#
# A run here has a model, a task, an optimizer and a seed. The tasks are so small that it takes
# seconds, and each but the last draws new batches without end, so the training loss is the loss on
# unseen data too. One example of each task; a dot stands where the answer does not count:

# %%
from normlab import Table
from normlab.training import CHARACTERS, TASKS, make_task, verse_characters

letters = {"characters": CHARACTERS, "verse": verse_characters()}
rows = []
for name in TASKS:
    task = make_task(name, tokens=8, vocab_size=16)
    batch = task.batch(size=1, seed=0, step=0)
    reads, says = list(batch.inputs[0]), list(batch.targets[0])
    if name in letters:
        reads, says = ([letters[name][token] for token in side] for side in (reads, says))
    says = [token if counts else "·" for token, counts in zip(says, batch.mask[0], strict=True)]
    written = {" ": "␣", "\n": "↵"}
    shown = (" ".join(written.get(token, str(token)) for token in side) for side in (reads, says))
    rows.append([name, *shown, f"{task.chance:.2f}"])
Table(("task", "the model reads", "it should say", "chance (nats)"), rows)

# %% [markdown]
# - `copy`: four symbols, a 0, and the same four again. `sort`: the same four in order. `recall`:
#   pairs of key and value, then keys that ask for theirs. `successor`: each token is
#   $5 \cdot \text{token} + 3 \bmod 16$ of the one before. `characters`: English-like text.
#   `verse`: passages of Milton's *Paradise Lost*; its last book is kept for measuring.
#
# **Chance** is the loss of the best guess that does not read the question. With 16 symbols it is
# $\ln 16 = 2.77$. A model whose loss stays there has learnt which symbols exist, and nothing else.

# %% [markdown]
# This chapter calls a run **trained** when its last ten losses are, on average, below half of
# chance; **stuck** when they are above 0.95 of it; and **diverged** when the loss grew so far, or
# is no number any more, that the run was given up. The function is
# `normlab.chapters.warmup.outcome`.

# %% [markdown]
# ### Warmup
# The learning rate climbs in a straight line to its peak, then stays:
#
# $$\eta_t = \eta_\text{peak} \cdot \min\left(1, \frac{t + 1}{T_\text{warmup}}\right)$$
#
# (Vaswani et al. 2017, Eq. 3, has the same line with a decay after it, and
# $T_\text{warmup} = 4000$.)

# %%
quiz("first-rate-of-warmup")

# %%
from normlab.chapters.warmup import draw_rates
from normlab.pictures import new_figure
from normlab.training import warmup_lr

rates = {w: [warmup_lr(step, 1e-2, w) for step in range(300)] for w in (0, 50, 200)}
fig, ax = new_figure(height=2.4)
draw_rates(rates, ax)
print("first rates:", [values[0] for values in rates.values()])

# %% [markdown]
# Three models of six layers now learn `copy`: the same seed, so the same first weights and the
# same batches; 300 steps of Adam; peak $10^{-2}$.

# %%
quiz("who-ends-below-half")

# %%
from dataclasses import replace

import torch

from normlab.chapters.warmup import draw_losses, outcome
from normlab.training import TrainConfig, train

torch.set_num_threads(1)  # models as small as these gain nothing from a second one
base = TrainConfig(task="copy", decoder_layers=6, d_model=32, d_ff=128, batch=16, seed=0)
base = replace(base, steps=300, learning_rate=1e-2)

records = [
    train(replace(base, placement="post-norm")),
    train(replace(base, placement="post-norm", warmup_steps=200)),
    train(replace(base, placement="pre-norm")),
]
fig, ax = new_figure(height=3.4)
draw_losses(records, ax)
rows = [[r.config.placement, r.config.warmup_steps, outcome(r)] for r in records]
Table(("placement", "warmup", "what becomes of it"), rows)

# %% [markdown] tags=["answer"]
# Post-norm without warmup falls to chance and stays there for good. Post-norm with warmup is
# nervous: after step 200, at the full rate, its loss jumps. One seed proves little. Section 6 has
# three of each, and shows them all.

# %% [markdown]
# ## 3. What "instability" means here ★

# %% [markdown]
# The seed text says of post-norm that it *"can cause instability"*. That sounds like a loss that
# blows up. Two questions, and then four more runs: no norm at all with Adam; pre-norm with plain
# SGD at a rate of 10; pre-norm and post-norm with SGD at a rate of 1.

# %%
your_mark(13)

# %%
quiz("post-norm-with-sgd")

# %%
quiz("how-many-diverge")

# %%
sgd = replace(base, optimizer="sgd", steps=150)
others = [
    train(replace(base, placement="none", steps=150)),
    train(replace(sgd, placement="pre-norm", learning_rate=10.0)),
    train(replace(sgd, placement="pre-norm", learning_rate=1.0)),
    train(replace(sgd, placement="post-norm", learning_rate=1.0)),
]
fig, ax = new_figure(height=3.4)
draw_losses(others, ax)
ax.legend(loc="lower left", fontsize=8)
rows = [
    [r.config.placement, r.config.optimizer, r.config.learning_rate, outcome(r)] for r in others
]
Table(("placement", "optimizer", "learning rate", "what becomes of it"), rows)

# %% [markdown] tags=["answer"]
# - **Diverged**: the loss leaves the picture, or is not a number any more. The run is given up
#   (the cross), and the record says at which step and why. Here that takes a model without norms,
#   or a rate that is absurd.
# - **Stuck**: post-norm goes to chance and stays there. Nothing is infinite, nothing is NaN, and a
#   check for those finds nothing.

# %% [markdown]
# ## 4. The first ten updates
#
# ### The size of Adam's steps
# Adam divides its mean gradient $\hat m$ by $\sqrt{\hat v}$, the root of its mean square. After one
# step both come from one gradient $g$, so the update is $\eta\, g/|g|$: the sign of the gradient,
# times the learning rate, in every weight, however small the gradient is.

# %%
quiz("adams-first-updates")

# %%
from normlab.training import Run


def update_sizes(config, count):
    run, sizes = Run(config, torch.device("cpu")), []
    weights = list(run.model.parameters())
    for _ in range(count):
        before = [weight.detach().clone() for weight in weights]
        run.step()
        moved = torch.cat([(w - b).flatten().abs() for w, b in zip(weights, before, strict=True)])
        sizes.append(moved.mean().item() / config.learning_rate)
    return sizes


sizes = update_sizes(replace(base, placement="pre-norm"), 20)
shown = (1, 2, 3, 5, 10, 20)
Table(("update", *shown), [["mean |Δθ|/η", *(f"{sizes[update - 1]:.1f}" for update in shown)]])

# %% [markdown] tags=["answer"]
# So without warmup the first updates move all weights by the whole learning rate, in directions
# that a single batch has chosen. Warmup makes exactly these small. (Liu et al. 2019, *RAdam*, argue
# from the other side: with so few gradients $\hat v$ is a bad estimate.)

# %% [markdown]
# ### What becomes of the model
# `follow` trains, and looks at the model after each update, on a batch that it is not trained on.
# How far do the logits of 64 different questions differ? How long is the gradient of the first
# block? These are the six layers and the rate 0.01 of section 2.

# %%
quiz("logits-after-three")

# %% tags=["nbval-ignore-output"]
from normlab.chapters.warmup import draw_followed, follow

looks = [*range(11), 15, 20, 30, 40]
configs = [
    replace(base, placement="post-norm"),
    replace(base, placement="post-norm", warmup_steps=200),
    replace(base, placement="pre-norm"),
]
followed = [follow(config, looks) for config in configs]
fig, axes = new_figure(2, width=9)
draw_followed(followed, axes)


def share(runs, name, look):
    values = [run.series(name) for run in runs]
    shares = [100 * series[look] / series[0] for series in values]
    least, most = (f"{float(f'{bound(shares):.1g}'):g}" for bound in (min, max))
    return f"{least} … {most} %"


rows = []
for config in configs:
    seeds = [follow(replace(config, seed=seed), [0, 3, 10]) for seed in range(6)]
    spreads = [share(seeds, "logit_spread", look) for look in (1, 2)]
    rows.append(
        [config.placement, config.warmup_steps, *spreads, share(seeds, "first_gradient", 2)]
    )
print("of what it was before training, least and most of six seeds:")
Table(("placement", "warmup", "spread after 3", "spread after 10", "gradient after 10"), rows)

# %% [markdown] tags=["answer"]
# Post-norm without warmup has gone **blind**: it answers every question alike, and the best such
# answer costs chance. With warmup the spread dips, at one seed to less than half, and recovers.
# Pre-norm without warmup loses most of its spread too, but 5 to 10 % of its gradient are left after
# ten updates, several hundred times as much as in post-norm, and the model recovers.

# %% [markdown]
# ## 5. The chain behind it ★
#
# DeepNet (Wang et al. 2022, section 3) gives it three links. Here each is measured.

# %% [markdown]
# The first link is the size of the update. `model_update` takes one sign step from the initial
# weights.

# %%
quiz("one-sign-step")

# %%
from normlab.probes import model_update

rates, rows = (1e-2, warmup_lr(0, 1e-2, 200)), []
for name in ("post-norm", "deepnorm", "pre-norm"):
    model = replace(base, placement=name).model()
    moved = [model_update(model, 0, "sign", rate).change.relative for rate in rates]
    rows.append([name, *(f"{change:.2g}" for change in moved)])
Table(("placement", "‖ΔF‖/‖F‖, rate 0.01", "first rate of the warmup"), rows)

# %% [markdown] tags=["answer"]
# Pre-norm moves little less than post-norm. With the first rate of the warmup both move by a few
# percent. Chapter 08 measures how this grows with depth.

# %% [markdown]
# The second link is what enters the norms, the third the gradient. Chapter 06 took an untrained
# post-norm stack apart: the norm alone shortens a gradient, shortcut and branch lengthen it by as
# much, and both together leave it as it is. So why does it vanish now? Take the run without warmup
# apart with the same instrument.

# %%
quiz("norm-and-branch-in-collapse")

# %% tags=["nbval-ignore-output"]
from normlab.chapters.warmup import take_apart
from normlab.probes import draw_factors

taken = take_apart(replace(base, placement="post-norm"), looks=(0, 1, 3, 10))
names = "before training", "after 1 update", "after 3 updates", "after 10 updates"
fig, axes = new_figure(4, width=11, height=3.0, sharey=True)
draw_factors(dict(zip(names, (look.factors for look in taken), strict=True)), axes)

# %% [markdown]
# That is one seed, and a small mark is one of its 12 sub-layers. Look at the blue squares: what the
# branch does to the signal, and what it does to a change or a gradient. The same of 12 seeds, with
# standard errors (`normlab remake collapse_parts --out FILE`):

# %%
quiz("why-the-outputs-grow")

# %%
from normlab.chapters.warmup import load_collapse_parts

load_collapse_parts().table()

# %% [markdown] tags=["answer"]
# - **The norm alone** takes more and more: 0.84, then 0.38. It divides by the size of its input, and
#   that input has grown: the output of a branch was 0.65 times as long as what it read, and is 1.9
#   times as long after ten updates.
# - **The branch alone** gives a gradient back by 0.64 before and 0.81 after. It does not keep up. At
#   initialization a branch multiplies signal and gradient by nearly the same factor. Now it does not.
# - The weights do not explain it. After three updates, when the output is already 1.14 times as long
#   as what it read, $\|W_1\|_2$ has gone from 1.84 to 1.88 only (after ten, 2.17). What has grown is the
#   **agreement**. Two outputs of one FFN have a cosine of 0.56 before, 0.93 after three
#   updates: whatever it reads, it puts out nearly the same. A step of the size $\eta$ in every weight,
#   with signs that a whole batch has chosen, pushes all tokens the same way.
# - What is the same for all tokens is long, so the norm divides by it; and it does not depend on
#   the input, so no gradient comes back through it. **Norm and branch** go from 1.00 to 0.53. Ten
#   sub-layers lie between the last layer and the first, and $0.53^{10}$ is 0.002. The last layer has
#   lost a part of its gradient too, and so the first is left with the few hundredths of a percent of
#   section 4.
#
# So what chapter 06 found is true of the start. It is over with the first updates.
#
# **Theory beside it.** DeepNet describes this chain: large updates of the model, then large inputs
# of the norms, then vanishing gradients. The two columns of the branch are what lies between the
# second link and the third. Xiong et al. 2020 name another cause, large gradients near the output at
# initialization. But Adam's first update does not depend on the size of a gradient, so this alone
# does not explain the runs with Adam.

# %% [markdown]
# ## 6. The map
#
# 216 runs of 600 steps: learning rate × warmup × placement × depth × seed. They are stored with
# the package. Each cell of the map has a mark for each of its three seeds (● trained, ◐ part of the
# way, ○ stuck, × diverged) and the median of their final losses; dark is bad.

# %%
your_mark(17)

# %%
quiz("post-norm-at-twelve")

# %%
from normlab.chapters.warmup import draw_map, load_warmup_map

stored = load_warmup_map()
for layers in stored.axis("decoder_layers"):
    fig, axes = new_figure(3, width=11, height=2.5)
    for placement, ax in zip(stored.placements(), axes, strict=True):
        draw_map(stored, ax, placement, layers)

# %% [markdown] tags=["answer"]
# - **Post-norm, 6 layers**: without warmup it trains up to 0.003. 50 or 200 steps of warmup open the
#   next column, 0.01, and no more: at 0.03 all nine runs are stuck.
# - **Post-norm, 12 layers**: without warmup even 0.001 is not safe (2 of 3), and 50 steps of warmup
#   open nothing beyond it; 200 open most of 0.003.
# - **Pre-norm** trains in every column at both depths.
# - **DeepNorm** is between the two: without warmup it trains up to 0.01 at both depths. The last
#   column opens in part with 200 steps of warmup. Chapter 08 says why.
#
# Warmup moves an edge up, and depth moves it down. That is the need for warmup in one sentence.

# %% [markdown]
# In the explorer every seed is a mark of its own (circle, square, diamond; open where it did not
# train). The dotted grey lines are the medians of the other two placements. Go to 12 layers,
# post-norm, and move the warmup. Then go to pre-norm, and move it again.

# %% tags=["answer"]
from normlab.chapters.warmup import explore_warmup

explore_warmup()

# %% [markdown]
# ## 7. How far to trust the map ★
#
# How it was made, one of its runs again, and two things that an outcome might depend on.

# %%
from importlib import resources

print(resources.files("normlab.chapters.warmup").joinpath("warmup.toml").read_text())
print(len(stored.runs), "runs;", stored.made)

# %% [markdown]
# To make them again, in a terminal (it can be killed, and goes on from where it was):
#
#     normlab remake warmup --out warmup.csv
#
# One of them again, here. The stored ones were trained three seeds at a time and perhaps on another
# CPU, so the digits differ after some hundred steps. What became of the run should not.

# %% tags=["answer"]
chosen, *_ = stored.cell(
    placement="post-norm", decoder_layers=6, warmup_steps=200, learning_rate=1e-2
)
again = train(chosen.config)
Table(("stored", "run again"), [[outcome(chosen), outcome(again)]])

# %% [markdown]
# Does the outcome hang on the bound of one half? A loss of half of chance says how much a model knows:

# %%
quiz("two-of-sixteen")

# %%
quiz("another-bound")

# %%
stored.spread([0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.95, 1.05])

# %% [markdown]
# And does it hang on the seed? Three runs each of post-norm at 12 layers and a rate of 0.001:

# %%
rows = []
for warmup in stored.axis("warmup_steps"):
    runs = stored.cell(
        placement="post-norm", decoder_layers=12, warmup_steps=warmup, learning_rate=1e-3
    )
    rows.append([warmup, *(f"{run.final_loss:.2f}" for run in runs)])
Table(("warmup", "seed 0", "seed 1", "seed 2"), rows)

# %% [markdown] tags=["answer"]
# The seeds tell two stories. Without warmup 0 and 1 train, seed 0 only just (the bound is 1.39), and
# seed 2 does not. A table of one run each, as papers often have, cannot say
# which of the two it shows. Far from the edge the three seeds lie close together.

# %% [markdown]
# ## 8. Deeper ★

# %% [markdown]
# Which rates train 12 to 96 layers without warmup? Again 216 stored runs: six rates from 0.00003 to
# 0.01, three seeds, and `successor`, the easiest task. A run ends when it has trained (its last ten
# losses below half of chance), or after 600 steps. So the runs answer for every budget of steps.
# In the picture a filled mark says that all three seeds train, an open one that some do; ↑ that no
# higher rate was tried. The marks of one depth stand side by side.

# %%
your_mark(18)

# %%
quiz("what-thirty-steps-cannot-say")

# %%
quiz("twenty-four-post-norm-layers")

# %%
from normlab.chapters.warmup import draw_deep_rates, load_deep_rates

deep, budgets = load_deep_rates(), (30, 150, 600)
fig, axes = new_figure(3, width=11, height=3.4)
draw_deep_rates(deep, axes, budgets)
deep.table(budgets)

# %% [markdown]
# And where do the runs of post-norm end? Medians of the three seeds; guessing costs 2.8, and a run
# that trains ends at 1.4:

# %%
import statistics

rows = []
for layers in deep.depths:
    runs = [run for run in deep.runs if (run.placement, run.layers) == ("post-norm", layers)]
    ends = {rate: [r.final_loss for r in runs if r.learning_rate == rate] for rate in deep.rates}
    rows.append([layers, *(f"{statistics.median(losses):.1f}" for losses in ends.values())])
Table(("layers", *map(str, deep.rates)), rows)

# %% [markdown] tags=["answer"]
# - In 30 steps post-norm trains at no depth and no rate. Pre-norm and DeepNorm train at every depth:
#   of 96 layers pre-norm up to 0.001 and DeepNorm up to 0.003. In 150 steps both train all depths at
#   the highest of the six rates.
# - In 600 steps post-norm trains 12 layers up to 0.001 and 24 layers at 0.0001. At 48 layers and more
#   no rate trains any seed: at the lowest some are on their way, the others are stuck at chance.
#
# So the window of rates that train deep post-norm is smaller, not empty, and where it is low, it takes
# more steps. One rate and 30 steps would have said: *post-norm does not train*.
#
# **Claim 18: {{ ruling 18 }}.** Pre-norm has limits too: the authors of GLM-130B (Zeng et al. 2022)
# did not find it stable enough at that size and chose DeepNorm, and Sun et al. 2025 find that the
# deep layers of pre-norm models add little (*the curse of depth*).

# %% [markdown]
# ## 9. Which placement ends lowest? ★
#
# What the seed says of pre-norm's final accuracy.

# %%
your_mark(19, 20)

# %%
quiz("best-setting")


# %%
def best(placement, layers):
    cells = [
        stored.cell(
            placement=placement, decoder_layers=layers, warmup_steps=warmup, learning_rate=rate
        )
        for warmup in stored.axis("warmup_steps")
        for rate in stored.axis("learning_rate")
    ]
    return min(cells, key=lambda runs: statistics.median(run.final_loss for run in runs))


rows = []
for layers in stored.axis("decoder_layers"):
    for placement in stored.placements():
        runs = best(placement, layers)
        losses = [f"{run.final_loss:.2g}" for run in runs]
        config = runs[0].config
        rows.append([layers, placement, config.learning_rate, config.warmup_steps, *losses])
Table(("layers", "placement", "best rate", "warmup", "seed 0", "seed 1", "seed 2"), rows)

# %%
quiz("what-copying-cannot-say")

# %% [markdown] tags=["answer"]
# The seeds show how near the edge a best setting can lie: with DeepNorm's at 6 layers one seed of
# three is stuck, with its best at 12 layers one ends at 0.19.
#
# **Claim 19: {{ ruling 19 }}.** The evidence is elsewhere: DeepNet (section 5) finds pre-norm 0.5 to
# 1.0 BLEU below converged post-norm, and Nguyen and Salazar 2019 find that pre-norm does better on
# small translation tasks and worse on a large one (WMT'14, English to German).
#
# **Claim 20: {{ ruling 20 }}.** Of the decoders since 2023 in the `transformers` library
# {{ scan decoders since 2023 with post-norm }} have plain post-norm, of its encoders of text
# {{ scan encoders with post-norm }} (chapter 11).

# %% [markdown]
# ## 10. What becomes of the seed's sentences

# %% [markdown] tags=["answer"]
# | Claim | The seed | Verdict |
# |--:|---|---|
# | 13 | "the network needs learning rate warmup to survive the first few thousand steps" | {{ ruling 13 }} |
# | 17 | "Pre-norm networks train without warmup" | {{ ruling 17 }} |
# | 18 | "more stable for very deep stacks (24, 48, 96 layers)" | {{ ruling 18 }} |
#
# - Claim 13: before training the gradient of the first layer is about as long as that of the last
#   (section 1: within a factor of five in each lane). It vanishes after the first updates, as their
#   effect. "Survive" suggests a blow-up, and here the loss goes to chance and stays. It is there
#   within ten updates, not thousands; thousands is how long warmups are made.
# - Warmup helps as far as it is long and the rate is low enough. Xiong et al. 2020, Figure 2, find
#   the same with a translation model: 500 steps of warmup give 31.16 BLEU at a peak of
#   $5 \cdot 10^{-4}$ and 2.77 at $10^{-3}$, no warmup 8.45.
# - Claim 17: all 24 runs of pre-norm without warmup trained (Xiong et al., section 4, find the same),
#   and practice warms up all the same: nanoGPT 2,000 steps, Llama 3.1 405B 8,000 steps.
#
# Small runs can show which settings fail, how early, and why. They cannot show the quality of a large
# model at its end. The edges of this map belong to this width, batch, task and length.

# %% [markdown]
# ## The exercise
#
# Write the warmup of this chapter, `warmup_lr`, in [exercise 05](../exercises/05_gradient_flow.ipynb).

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - Warmup: $\eta_t = \eta_\text{peak} \min(1, (t+1)/T_\text{warmup})$. Adam's first update is the whole
#   learning rate in every weight, its 20th a tenth of it; warmup shrinks the first.
# - Post-norm without warmup at 0.01: after 3 updates the answers differ by 1 to 3 % of what they
#   did, after 10 the first layer's gradient is at most 0.03 % of what it was. It is stuck at chance,
#   2.77.
# - Stuck is not diverged: of the map's 72 post-norm runs none diverged, and 35 are stuck.
# - At 6 layers post-norm trains up to 0.003 without warmup and up to 0.01 with it; at 12 layers
#   both edges are lower by a factor of at least three.
# - Pre-norm without warmup trained in all 24 runs of the map.
# - Deep post-norm without warmup has a smaller window of rates, not an empty one: 24 layers train at
#   0.0001 in 600 steps, and at no rate in 150.

# %% [markdown]
# ## Sources
#
# - Vaswani et al. 2017, *Attention Is All You Need*, section 5.3, Eq. 3, arXiv:1706.03762.
# - Xiong et al. 2020, *On Layer Normalization in the Transformer Architecture*, Figures 2 and 3
#   and section 4, arXiv:2002.04745.
# - Wang et al. 2022, *DeepNet*, sections 3 and 5, Figures 3 and 4, arXiv:2203.00555.
# - Kingma and Ba 2015, *Adam*, arXiv:1412.6980; Liu et al. 2019, *On the Variance of the Adaptive
#   Learning Rate and Beyond* (RAdam), arXiv:1908.03265.
# - Nguyen and Salazar 2019, *Transformers without Tears*, arXiv:1910.05895.
# - Zeng et al. 2022, *GLM-130B*, arXiv:2210.02414; Sun et al. 2025, *The Curse of Depth in Large
#   Language Models*, arXiv:2502.05795.
# - nanoGPT, `train.py` (`warmup_iters = 2000`); Llama Team 2024, *The Llama 3 Herd of Models*,
#   arXiv:2407.21783.
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("07")
