# %% [markdown]
# # 07 · Training and warmup: what trains?
#
# ## What you will be able to do
#
# - Say what learning rate warmup is, and train small post-norm and pre-norm models with and
#   without it.
# - Tell a run that diverges from one that is stuck, and say which of the two happens to post-norm.
# - Name what happens in the first ten updates of a run that gets stuck, with numbers.
# - Read a map of learning rate × warmup × placement × depth, and judge three sentences of the
#   seed text by it.

# %% [markdown]
# ## 1. What a training run is here
#
# A run has a model, a task, an optimizer and a seed. The tasks are so small that a run takes
# seconds, and each draws new batches without end, so the training loss is the loss on unseen data
# too. One example of each; a dot stands where the answer does not count:

# %%
from normlab import Table
from normlab.training import CHARACTERS, TASKS, make_task

rows = []
for name in TASKS:
    task = make_task(name, tokens=8, vocab_size=16)
    batch = task.batch(size=1, seed=0, step=0)
    reads, says = list(batch.inputs[0]), list(batch.targets[0])
    if name == "characters":
        reads, says = ([CHARACTERS[token] for token in side] for side in (reads, says))
    says = [token if counts else "·" for token, counts in zip(says, batch.mask[0], strict=True)]
    shown = (" ".join(str(token).replace(" ", "␣") for token in side) for side in (reads, says))
    rows.append([name, *shown, f"{task.chance:.2f}"])
Table(("task", "the model reads", "it should say", "chance (nats)"), rows)

# %% [markdown]
# - `copy`: four symbols, a 0, and the same four again. `sort`: the same four in order. `recall`:
#   pairs of key and value, then keys that ask for theirs. `successor`: each token is
#   $5 \cdot \text{token} + 3 \bmod 16$ of the one before.
# - `characters` is English-like text, which a small grammar in the package writes:

# %%
import numpy as np

from normlab.training import write_text

print(write_text(np.random.default_rng(0), 140))

# %% [markdown]
# **Chance** is the loss of the best guess that does not read the question. With 16 symbols it is
# $\ln 16 = 2.77$. A model whose loss stays there has learnt which symbols exist, and nothing else.
#
# **Predict.** A model that has narrowed the answer down to 4 of the 16 symbols, all alike to it:
# what share of chance is its loss?

# %%
print(f"{np.log(4) / np.log(16):.2f}")

# %% [markdown]
# One half. This chapter calls a run **trained** when its last ten losses are, on average, below
# half of chance; **stuck** when they are above 0.95 of it. The function is
# `normlab.chapters.warmup.outcome`.
#
# ## 2. Warmup
#
# The learning rate climbs in a straight line to its peak, then stays:
#
# $$\eta_t = \eta_\text{peak} \cdot \min\left(1, \frac{t + 1}{T_\text{warmup}}\right)$$
#
# (Vaswani et al. 2017, Eq. 3, has the same line with a decay after it, and
# $T_\text{warmup} = 4000$.)

# %%
from normlab import quiz

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
# $5 \cdot 10^{-5}$, a two-hundredth. Three models of six layers now learn `copy`: the same seed, so
# the same first weights and the same batches; 300 steps of Adam; peak $10^{-2}$.

# %%
quiz("who-ends-below-half")

# %%
from dataclasses import replace

import torch

from normlab.chapters.warmup import outcome
from normlab.training import TrainConfig, train

torch.set_num_threads(1)  # models as small as these gain nothing from a second one
base = TrainConfig(task="copy", decoder_layers=6, d_model=32, d_ff=128, batch=16, seed=0)
base = replace(base, steps=300, learning_rate=1e-2)

post = train(replace(base, placement="post-norm"))

# %%
post_warm = train(replace(base, placement="post-norm", warmup_steps=200))

# %%
pre = train(replace(base, placement="pre-norm"))

# %%
from normlab.chapters.warmup import draw_losses

fig, ax = new_figure(height=3.4)
draw_losses([post, post_warm, pre], ax)
for record in (post, post_warm, pre):
    config = record.config
    print(f"{config.placement:10} warmup {config.warmup_steps:3}: {outcome(record)}")

# %% [markdown]
# Post-norm without warmup is **stuck**: its loss falls to chance and stays there for good. With
# warmup the same weights learn the task, and pre-norm needs no warmup at this rate. Post-norm
# with warmup is nervous: after step 200, at the full rate, it jumps.
#
# One seed proves little. Section 5 has three of each, and shows them all.

# %% [markdown]
# ## 3. Stuck is not diverged
#
# The seed text says of post-norm that it *"can cause instability"*. That sounds like a loss that
# blows up.
#
# **Predict.** Four more runs: no norm at all with Adam; pre-norm with plain SGD and a rate of 10;
# pre-norm and post-norm with SGD and a rate of 1. Which diverge, which get stuck, which train?

# %%
sgd = replace(base, optimizer="sgd", steps=150)
others = [
    train(replace(base, placement="none", steps=150)),
    train(replace(sgd, placement="pre-norm", learning_rate=10.0)),
    train(replace(sgd, placement="pre-norm", learning_rate=1.0)),
    train(replace(sgd, placement="post-norm", learning_rate=1.0)),
]
rows = []
for record in (post, *others):
    config = record.config
    rows.append([config.placement, config.optimizer, config.learning_rate, outcome(record)])
Table(("placement", "optimizer", "learning rate", "what becomes of it"), rows)

# %%
fig, ax = new_figure(height=3.4)
draw_losses(others, ax)
legend = ax.legend(loc="lower left", fontsize=8)

# %% [markdown]
# - **Diverged**: the loss leaves the picture, or is not a number any more. The run is given up
#   (the cross), and the record says at which step and why. Here that takes a model without norms,
#   or a rate that is absurd.
# - **Stuck**: post-norm goes to chance and stays there. Nothing is infinite, nothing is NaN, and a
#   check for those finds nothing. Of all post-norm runs of this chapter none diverges: a norm at
#   the output bounds what the head can say.
# - It is not Adam's fault alone: with SGD at rate 1 pre-norm trains and post-norm is stuck.

# %% [markdown]
# ## 4. The first ten updates
#
# ### Adam's first steps are its largest
# Adam divides its mean gradient $\hat m$ by $\sqrt{\hat v}$, the root of its mean square. After one
# step both come from one gradient, so the update is $\eta\, g/|g|$: the sign of the gradient, times
# the learning rate, in every weight, however small the gradient is. Later the signs of different
# batches cancel in $\hat m$, and not in $\hat v$.
#
# **Predict.** The mean $|\Delta\theta|/\eta$ is 1.0 at the first step. What is it at the 21st?

# %%
from normlab.training import Run


def update_sizes(config, count):
    run, sizes = Run(config, torch.device("cpu")), []
    weights = list(run.model.parameters())
    for step in range(count):
        before = [weight.detach().clone() for weight in weights]
        run.step()
        moved = torch.cat([(w - b).flatten().abs() for w, b in zip(weights, before, strict=True)])
        sizes.append(
            moved.mean().item() / warmup_lr(step, config.learning_rate, config.warmup_steps)
        )
    return sizes


sizes = update_sizes(replace(base, placement="pre-norm"), 21)
print(f"first update:  {sizes[0]:.1f} of the learning rate")
print(f"second update: {sizes[1]:.1f}")
print("the 21st is below 0.15:", sizes[20] < 0.15)

# %% [markdown]
# About 0.1. So without warmup the first updates move all weights by the whole learning rate, in
# directions that a single batch has chosen. Warmup makes exactly these small. (Liu et al. 2019,
# *RAdam*, argue from the other side: with so few gradients $\hat v$ is a bad estimate.)
#
# How far does one such step move the output? `model_update` takes one sign step from the initial
# weights. An output that has nothing in common with the old one has $\|\Delta F\|/\|F\| = \sqrt 2$.

# %%
quiz("one-sign-step")

# %%
from normlab.probes import model_update

rows = []
for name in ("post-norm", "deepnorm", "pre-norm"):
    model = replace(base, placement=name).model()
    moved = [model_update(model, 0, "sign", rate).change.relative for rate in (1e-2, 5e-5)]
    rows.append([name, *(f"{change:.2g}" for change in moved)])
Table(("placement", "‖ΔF‖/‖F‖, rate 0.01", "rate 0.01/200"), rows)

# %% [markdown]
# Out of recognition, and pre-norm little less. With the first rate of the warmup it is a few
# percent. Chapter 08 measures how this grows with depth.
#
# ### What becomes of the model
# `follow` trains, and looks at the model after each update, on a batch that it is not trained on.
# How far do the logits of 64 different questions differ? How long is the gradient of the first
# block?

# %%
quiz("how-soon-blind")

# %%
from normlab.chapters.warmup import draw_collapse, follow

looks = [*range(11), 15, 20, 30, 40]
configs = [
    replace(base, placement="post-norm"),
    replace(base, placement="post-norm", warmup_steps=200),
    replace(base, placement="pre-norm"),
]
followed = [follow(config, looks) for config in configs]
fig, axes = new_figure(2, width=9)
draw_collapse(followed, axes)

# %%
rows = []
for run in followed:
    start, third, tenth = (run.looks[i] for i in (0, 3, 10))
    rows.append(
        [
            run.config.placement,
            run.config.warmup_steps,
            third.logit_spread < 0.05 * start.logit_spread,
            tenth.logit_spread < 0.05 * start.logit_spread,
            tenth.first_gradient < 0.01 * start.first_gradient,
        ]
    )
Table(
    (
        "placement",
        "warmup",
        "spread below 5 % after 3 updates",
        "after 10",
        "first block's gradient below 1 % after 10",
    ),
    rows,
)

# %% [markdown]
# 3. After three updates the logits of different questions differ by 2 % of what they did, after
# ten by 0.05 %. The model has gone **blind**: it answers every question alike, and the best such
# answer costs chance. In the same ten updates the gradient of the first block falls from 0.7 to
# 0.0002, so nothing is left that could open its eyes. With warmup the spread dips to less
# than half and recovers. Pre-norm without warmup loses most of its spread too, 80 % of it, but
# its gradient keeps a tenth of its length, and the model recovers.
#
# Why does post-norm's gradient go? What enters a norm is divided by its standard deviation
# $\sigma$, and so is the gradient on its way back. From the last block down to the first it passes
# ten norms.
#
# **Predict.** $\sigma$ grows from 1.2 to 2.6 on average. By what factor do ten norms shrink the
# gradient more than before?

# %%
print(f"{(1.2 / 2.6) ** 10:.0e}")
start, tenth = followed[0].looks[0], followed[0].looks[10]
print(f"before training: σ {start.norm_input:.1f}")
print(f"first / last block's gradient {start.first_gradient / start.last_gradient:.1f}")
print("last block's gradient:", [f"{run.looks[0].last_gradient:.1f}" for run in followed])
print("σ has more than doubled after ten updates:", tenth.norm_input > 2 * start.norm_input)
fell = tenth.first_gradient / tenth.last_gradient * start.last_gradient / start.first_gradient
print("first / last block's gradient is below 0.01 of what it was:", fell < 0.01)

# %% [markdown]
# To 0.0004. The measured ratio of the first to the last block's gradient falls from 0.8 to
# 0.0007, to 0.0009 of what it was. The estimate is the lower one, since it counts what the
# shortcuts pass on, and leaves out what the branches do.
#
# **Theory beside it.** DeepNet (Wang et al. 2022, section 3) describes this chain: large updates
# of the model, then large inputs of the norms, then vanishing gradients. The cells above show its
# three links in that order. Xiong et al. 2020 name another cause, large gradients near the output
# at initialization. They are there: 0.9 for post-norm's last block, and 0.4 for pre-norm's. But
# Adam's first update does not depend on the size of a gradient, so this alone does not explain
# the runs with Adam.
#
# **The seed:** *"as the network depth increases, gradients must flow through many LayerNorm
# operations before reaching early layers. This can cause instability at the start of training"*.
# **Imprecise:** before training the gradient of the first block is as long as that of the last
# (0.8). It vanishes after the first updates, as their effect; then it is what keeps the model
# stuck.

# %% [markdown]
# ## 5. The map
#
# 216 runs of 600 steps: learning rate × warmup × placement × depth × seed. They are stored with
# the package. This config made them:

# %%
from importlib import resources

print(resources.files("normlab.chapters.warmup").joinpath("warmup.toml").read_text())

# %%
from normlab.chapters.warmup import load_warmup_map

stored = load_warmup_map()
print(len(stored.runs), "runs;", stored.made)

# %% [markdown]
# To make them again, in a terminal (it can be killed, and goes on from where it was):
#
#     normlab remake warmup --out warmup.csv
#
# Two of them again, here, in two processes. The stored ones were trained three seeds at a time and
# perhaps on another CPU, so the digits differ after some hundred steps. What became of the runs
# should not.

# %%
import tempfile
from pathlib import Path

from normlab.chapters.warmup import read_warmup_map
from normlab.tools import Processes
from normlab.training import parse_plan, run_sweep

plan = parse_plan("""
[run]
decoder_layers = 6
placement = "post-norm"
learning_rate = 1e-2
d_model = 32
d_ff = 128
batch = 16
steps = 600

[grid]
warmup_steps = [0, 200]
""")
with tempfile.TemporaryDirectory() as folder, Processes(2) as executor:
    run_sweep(plan, Path(folder, "part.csv"), executor)
    again = read_warmup_map(Path(folder, "part.csv"))
before = {run.config: outcome(run) for run in stored.runs}
rows = sorted([run.config.warmup_steps, before[run.config], outcome(run)] for run in again.runs)
Table(("warmup", "stored", "run again"), rows)

# %% [markdown]
# ### What trains
# Each cell of the map has a mark for each of its three seeds (● trained, ◐ part of the way,
# ○ stuck) and the median of their final losses; dark is bad.
#
# **Predict.** In which of the three does warmup open a column that was closed? Does the edge of
# what trains move to the left or to the right with depth?

# %%
from normlab.chapters.warmup import draw_map

for layers in stored.axis("decoder_layers"):
    fig, axes = new_figure(3, width=11, height=2.5)
    for placement, ax in zip(stored.placements(), axes, strict=True):
        draw_map(stored, ax, placement, layers)

# %%
stored.table()

# %% [markdown]
# - **Post-norm, 6 layers**: without warmup it trains up to 0.003. 50 or 200 steps of warmup open the
#   next column, 0.01, and no more: at 0.03 all nine runs are stuck.
# - **Post-norm, 12 layers**: the edges move to the left, by a factor of three or more. Without
#   warmup even 0.001 is not safe (2 of 3), and 50 steps of warmup open nothing beyond it; 200 open
#   most of 0.003.
# - **Pre-norm** trains in every column at both depths, without warmup.
# - **DeepNorm** is between the two: without warmup it trains up to 0.01 at both depths. The last
#   column opens in part with 200 steps of warmup. Chapter 08 says why.
#
# So warmup moves an edge that depth moves back. That is the need for warmup in one sentence.
#
# Does the verdict hang on the bound of one half? Where the final losses of all runs lie:

# %%
stored.spread([0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.95, 1.05])

# %% [markdown]
# The runs fall into two heaps: 160 below a quarter of chance and 49 above 0.95 of it. Between
# them lie seven. With a bound of a quarter instead of a half three runs of 216 would change their
# verdict, and with three quarters two.
#
# **Predict.** Go to 12 layers, post-norm. How far up the learning rates does each step of the
# warmup slider open? Then go to pre-norm, and find the column where warmup matters for it.
#
# Every seed is a mark of its own (circle, square, diamond; open where it did not train). The
# dotted grey lines are the medians of the other two placements.

# %%
from normlab.chapters.warmup import explore_warmup

explore_warmup()

# %% [markdown]
# Post-norm at 12 layers opens one rate with 200 steps of warmup. Pre-norm needs none; at 0.03 and
# 6 layers its median falls from 0.001 to $5 \cdot 10^{-5}$ with 50 steps. At 0.001 warmup costs
# it something instead, from 0.0065 to 0.010 with 200 steps: steps of warmup are small steps, and
# 600 are not many.
#
# Far from the edge the three seeds lie close together. At the edge they do not:

# %%
rows = []
for warmup in stored.axis("warmup_steps"):
    runs = stored.cell(
        placement="post-norm", decoder_layers=12, warmup_steps=warmup, learning_rate=1e-3
    )
    rows.append([warmup, *(f"{run.final_loss:.2f}" for run in runs)])
Table(("warmup (post-norm, 12 layers, rate 0.001)", "seed 0", "seed 1", "seed 2"), rows)

# %% [markdown]
# One seed would tell three different stories. With seed 1 alone post-norm trains without warmup at
# this rate; with seed 2 it does not. A table of one run each, as papers often have, cannot say
# which of the two it shows.

# %% [markdown]
# ## 6. Deeper
#
# The seed: pre-norm networks *"are more stable for very deep stacks (24, 48, 96 layers)"*. The
# task is `successor`, the easiest; 30 steps of Adam at $10^{-3}$ without warmup.
#
# **Predict.** Up to which of the three depths does pre-norm train, and up to which post-norm?

# %%
deep = TrainConfig(task="successor", tokens=8, batch=8, d_model=32, d_ff=128, steps=30)
rows = []
for layers in (24, 48, 96):
    ends = [
        outcome(train(replace(deep, decoder_layers=layers, placement=placement)))
        for placement in ("pre-norm", "post-norm")
    ]
    rows.append([layers, *ends])
Table(("layers", "pre-norm", "post-norm"), rows)

# %% [markdown]
# Pre-norm up to 96, post-norm at none of them. The claim **holds** here, as far as it speaks of
# training at all. What it leaves out: pre-norm has limits too. The authors of GLM-130B (Zeng et al.
# 2022) did not find it stable enough at that size and chose DeepNorm, and Sun et al. 2025 find
# that the deep layers of pre-norm models add little (*the curse of depth*).

# %% [markdown]
# ## 7. Verdicts on the seed
#
# **"the network needs learning rate warmup to survive the first few thousand steps"** (of
# post-norm): **holds, with conditions.**
#
# - It holds above a rate. Below it (0.003 at 6 layers here) post-norm trains without warmup.
# - Warmup helps as far as it is long and the rate is low enough. Xiong et al. 2020, Figure 2, find
#   the same with a real translation model (IWSLT14, German to English, Adam): 8.45 BLEU without
#   warmup, about 34 with their best; 500 steps of warmup give 31.16 at a peak of
#   $5 \cdot 10^{-4}$ and 2.77 at $10^{-3}$.
# - "Survive" suggests a blow-up. Here the loss goes to chance and stays. It is decided within ten
#   updates, not thousands; thousands is how long warmups are made (4,000 in Vaswani et al. 2017).
#
# **"Pre-norm networks train without warmup"**: **holds here, imprecise in general.** All 24 runs of
# pre-norm without warmup trained. They *can* (Xiong et al., section 4, say so too), and practice
# warms up all the same: nanoGPT 2,000 steps, Llama 3.1 405B 8,000 steps. The map shows why at
# its right edge: pre-norm at 0.03 ends lower with warmup.
#
# **"more stable for very deep stacks (24, 48, 96 layers)"**: **holds**, see section 6.
#
# **"pre-norm networks have been observed to converge to slightly worse final accuracy than
# well-tuned post-norm networks on some tasks"**.
#
# **Predict.** For each placement take the setting with the lowest median loss. Who is best?

# %%
import statistics


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

# %% [markdown]
# Pre-norm and DeepNorm, and post-norm is last. **These runs cannot judge the sentence**, though:
# `copy` can be solved without any error, so there is no final quality to differ in, only speed.
# And 600 steps are no well-tuned training. The evidence is elsewhere: DeepNet (section 5) finds
# pre-norm 0.5 to 1.0 BLEU below converged post-norm, and Nguyen and Salazar 2019 find that
# pre-norm does better on small translation tasks and worse on a large one (WMT'14, English to
# German). So it **holds, on some tasks**, as the seed says. *"Post-norm remains preferred when
# absolute final quality matters"* is an **opinion**: the large models that publish their
# architecture do not use plain post-norm.
#
# What small runs can show: which settings fail, how early, and by what mechanism. What they cannot:
# the quality of a large model at its end, and where its edges lie in numbers. The edges of this
# map belong to this width, batch, task and length.

# %% [markdown]
# ## The exercise
#
# Write the warmup of this chapter, `warmup_lr`, in [exercise 05](../exercises/05_gradient_flow.ipynb).

# %% [markdown]
# ## Recap
#
# - Warmup: $\eta_t = \eta_\text{peak} \min(1, (t+1)/T)$. Adam's first update is the whole
#   learning rate in every weight, its 21st a tenth of it; warmup shrinks the first.
# - Post-norm without warmup at 0.01: after 3 updates the answers differ by 2 % of what they did,
#   after 10 the first block's gradient is 0.03 % of what it was. It is stuck at chance, 2.77.
# - Stuck is not diverged: of the map's 72 post-norm runs none diverged, and 35 are stuck.
# - At 6 layers post-norm trains up to 0.003 without warmup and up to 0.01 with it; at 12 layers
#   both edges are lower by a factor of at least three.
# - Pre-norm without warmup trained in all 24 runs of the map, and at 24, 48 and 96 layers.
# - At the edge seeds disagree: 1.33, 0.92 and 1.78 for one setting.
#
# ## Sources
#
# - Vaswani et al. 2017, *Attention Is All You Need*, section 5.3, Eq. 3, arXiv:1706.03762.
# - Xiong et al. 2020, *On Layer Normalization in the Transformer Architecture*, Figure 2 and
#   section 4, arXiv:2002.04745.
# - Wang et al. 2022, *DeepNet*, sections 3 and 5, arXiv:2203.00555.
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
# Run the last cell to mark the chapter as read.

# %%
from normlab import chapter_read

chapter_read("07")
