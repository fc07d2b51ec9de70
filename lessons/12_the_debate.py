# %% [markdown]
# # 12 · The debate: {{ claims }} claims, put to the test
#
# ## What you will be able to do
#
# - Give a verdict on each of the seed text's {{ claims }} claims, say how sure you are of it, and name the
#   number that supports it.
# - Run any of them, also with a part of it replaced, and read what its experiment says.
# - Say which verdicts rest on what was run here, and which on other people's results.
# - Choose a norm and a placement for a given depth, budget and amount of tuning, and defend the
#   choice against the measured alternatives.
#
# {{ minutes }}

# %% [markdown]
# ## 1. A claim that runs, and a bet
#
# The course began with a text, the *seed*. Here its claims stand together: the seed's words, a verdict,
# what is the case precisely, an experiment, its scale and its source. There are four verdicts, and
# one rule:
#
# - **holds**: the words are true as they stand.
# - **holds if**: they become true, word by word, under a condition that one can *set*: a mode, a rate,
#   initial weights, a shape. The seed does not name it.
# - **imprecise**: no setting makes them true. They need other words: *most* for *all*, a narrower scope,
#   another reason. So does an opinion told as a fact.
# - **wrong**: what is stated is not so: a formula that does something else, a number that nothing gives.
#
# Each verdict rests on something, its *kind*: a **measurement** made here; a **definition**, read from
# other people's code or a formula; a **count** over all models of a library; or a **citation**. There
# nothing was measured, and nothing passes.
#
# Claim 25 is the example: *"RMSNorm requires roughly 15–20% fewer floating-point operations than
# LayerNorm."*

# %%
from normlab import quiz

quiz("what-a-pass-means")

# %%
from IPython.display import display

from normlab import Table
from normlab.claims import run_claim

result = run_claim(25)
claim = result.claim
parts = ("quote", "kind", "ruling", "statement", "scale", "source")
display(Table(("claim 25", ""), [[part, getattr(claim, part)] for part in parts]))
result.table()

# %% [markdown] tags=["answer"]
# **Claim 25: {{ ruling 25 }}.** Every number has bounds, and the bounds have a reason. The experiment
# *passes* if all numbers lie within them, so that they support the verdict.

# %% [markdown]
# Before such a claim runs you will bet on it: a verdict, and how sure you are of it, $p$. The other three
# share the rest. A guess among four is 25 %, and a bet is scored in bits over that guess: it wins
# $\log_2(p/\tfrac14)$ if it is right, and $\log_2\bigl((1-p)/\tfrac34\bigr)$ if it is not.

# %%
quiz("six-of-ten-bets")

# %%
from normlab.claims import bet_table

bet_table(0.6)

# %% [markdown] tags=["answer"]
# On average no level wins more than the one you believe: the score is *proper* (Good 1952). A wrong bet of
# 99 % costs what three right ones win.

# %% [markdown]
# ## 2. Your bets first
#
# For each theme the first cell shows the seed's words, and what you said of them last. Click or type your
# word for today, then how sure you are. Your first bet on a claim counts, so make it before you run the
# second cell: there the experiments run, and your word and bet stand beside the course's verdict. Where
# you placed no bet, the course keeps its verdict to itself; if you do not know, bet 25 %, which costs
# nothing. Most verdicts were in the chapters before, so a bet also tells how well you remember them.
#
# ### What layer norm is

# %%
from normlab.claims import my_bets, my_marks, run_claims, your_bet

your_bet(1, 5, 6, 7, 8)

# %%
run_claims([1, 5, 6, 7, 8]).against(my_marks().words, my_bets())

# %% [markdown]
# <details>
# <summary>Behind the numbers, for after your verdicts</summary>
#
# - 7: move one number of one token, and the output changes in one token of five. "Per example" would
#   be five.
# - 8: true of the norm and not of the model. With dropout behind it, `train()` and `eval()` differ.
#
# </details>
#
# ### Where it stands

# %%
your_bet(2, 10, 11, 12, 14, 15)

# %%
run_claims([2, 10, 11, 12, 14, 15]).against(my_marks().words, my_bets())

# %% [markdown]
# <details>
# <summary>Behind the numbers, for after your verdicts</summary>
#
# - 12 and 15: what "near zero" is measured against is the stream that the branch is added to. In
#   post-norm it goes with $(\sigma\sqrt d)^2$, from 0.018 to 0.43 with GPT-2's weights. In pre-norm the first
#   block changes the stream by 0.69 of its length; it falls with depth, since the stream grows.
# - 14: without a final norm, 24 layers start at four times the loss of chance.
#
# </details>
#
# ### Gradients and training
#
# These train small models, so they take a few seconds.

# %%
your_bet(13, 16, 17, 18, 19)

# %%
run_claims([13, 16, 17, 18, 19]).against(my_marks().words, my_bets())

# %% [markdown]
# <details>
# <summary>Behind the numbers, for after your verdicts</summary>
#
# - 13: before training, the gradient of the first block is about as long as the last's. It vanishes
#   after ten updates. Above some rate warmup is needed, but not for the reason given.
# - 16: the slope $-0.47$ is Theorem 1 of Xiong et al. 2020, whose prediction is $-\tfrac12$.
# - 19: the seed says that it *has been observed*, on some tasks. That is in papers, and was not measured
#   here.
#
# </details>

# %% [markdown]
# ## 3. Five more themes ★
#
# RMSNorm, DeepNorm, other networks, real models, and code.

# %% [markdown]
# ### RMSNorm
#
# Claim 25 was the example.

# %%
your_bet(22, 23, 24, 26)

# %%
run_claims([22, 23, 24, 26]).against(my_marks().words, my_bets())

# %% [markdown]
# <details>
# <summary>Behind the numbers, for after your verdicts</summary>
#
# - 23: centering removes 0.4 % of a random token's squared length (256 features), and 32 % if the
#   token comes from a ReLU. So it depends on the token, and neither is a "representational value".
# - 26: "meaningful throughput" on clusters: we know of no measurement. The paper's Transformer gained
#   6.9 %, on one GPU. A number from a paper is a citation, and no pass.
#
# </details>
#
# ### DeepNorm

# %%
your_bet(3, 4, 29, 30, 31, 32, 43, 44, 45)

# %%
run_claims([3, 4, 29, 30, 31, 32, 43, 44, 45]).against(my_marks().words, my_bets())

# %% [markdown]
# <details>
# <summary>Behind the numbers, for after your verdicts</summary>
#
# - 4: 500 encoder and 500 decoder layers are built, and one step is taken. It moves the output as far as
#   that of 5 and 5.
# - 31: an exact identity has a step that grows like the number of layers (slope 1). DeepNorm's slope
#   is 0, and that is what its constants are for.
# - 32 is a matter of reading: the theorem bounds one step of the output, and *assumes* a bounded gradient
#   there. The run shows that it need not stay so: at a rate of 5, a hundred times one that trains, it
#   grows a thousandfold or more.
# - 29 and 43 read a layer of MiniMax-Text-01, with the α of its release, from its operators.
#
# </details>
#
# ### Other networks

# %%
your_bet(9, 33, 34, 35, 46)

# %%
run_claims([9, 33, 34, 35, 46]).against(my_marks().words, my_bets())

# %% [markdown]
# <details>
# <summary>Behind the numbers, for after your verdicts</summary>
#
# - 33: an LSTM with layer norm has three norms, as in the authors' code. One behind `nn.LSTM` is
#   another model: it changes when its weights are scaled, and the one with three does not.
# - 34 runs PyTorch Geometric's own layer: by default one node moves all nodes of its graph.
# - 35 counts the vision models of a library.
#
# </details>
#
# ### Real models

# %%
your_bet(20, 21, 27, 28, 42)

# %%
run_claims([20, 21, 27, 28, 42]).against(my_marks().words, my_bets())

# %% [markdown]
# <details>
# <summary>Behind the numbers, for after your verdicts</summary>
#
# - These count the scan of chapter 11: every model type of one library that could be read, with their
#   number beside each count. A library is not the world, but its models were not chosen for a claim. (Of
#   the five families they are those whose folder has the family's name.)
# - 20: of the decoders since 2023 {{ scan decoders since 2023 with post-norm }} have plain post-norm, of the
#   encoders {{ scan encoders with post-norm }}. What people prefer is in no count.
#
# </details>
#
# ### Code

# %%
your_bet(36, 37, 38, 39, 40, 41)

# %%
run_claims([36, 37, 38, 39, 40, 41]).against(my_marks().words, my_bets())

# %% [markdown]
# <details>
# <summary>Behind the numbers, for after your verdicts</summary>
#
# - 39: the listing is a pre-norm block, and stacked on its own no model: the stream grows, and the
#   first token reads the last.
# - 40 and 41 need Keras (`pip install "normlab[frameworks]"`). Without it they are "not run", and
#   count neither as passed nor as failed.
#
# </details>
#
# ### Two of them as numbers

# %%
quiz("formula-of-claim-3")

# %%
quiz("weight-of-the-shortcut")

# %%
from normlab.chapters.deepnorm import shortcut_gain
from normlab.models import AlphaOnTheBranch, TransformerConfig

print(run_claim(29).finding.sentence)
for name, placement in (("DeepNorm", "deepnorm"), ("α on the branch", AlphaOnTheBranch)):
    gain = shortcut_gain(TransformerConfig(encoder_layers=8, placement=placement))
    print(f"8 layers, {name}: x counts {gain:g} times as much as f(x)")

# %% [markdown]
# ## 4. A norm put in another's place
#
# What does an experiment do when something else is measured?

# %%
quiz("broken-norm")

# %%
from unittest.mock import patch

from normlab.claims import what_it_is
from normlab.norms import batch_norm

before = run_claim(1).finding
with patch.object(what_it_is, "layer_norm", batch_norm):
    after = run_claim(1).finding
print("first:", before.status, "second:", after.status)
pairs = zip(before.measures, after.measures, strict=True)
Table(
    ("measured", "layer norm", "batch norm", "bounds"),
    [[a.name, a.shown, b.shown, a.expected] for a, b in pairs],
)

# %% [markdown] tags=["answer"]
# Two of the three numbers of layer norm have left their bounds; the third reads `nn.LayerNorm`, which was
# not replaced. The tests break every claim in some such way.

# %% [markdown]
# ## 5. The ledger
#
# All {{ claims }} come with the package. `normlab claims` prints a table, and `normlab claims 25` one
# claim in full. From here on all verdicts are shown: if you want to bet on the five themes of section 3, do it first.

# %%
quiz("how-many-hold")

# %%
from normlab.claims import THEMES, count_verdicts, load_ledger

ledger = load_ledger()
counts = [[theme, *count_verdicts(claims).values()] for theme, claims in THEMES.items()]
counts.append(["all", *count_verdicts().values()])
display(Table(("theme", *count_verdicts()), counts))
display(ledger.kinds())
ledger.table()

# %% [markdown] tags=["answer"]
# No theme is right or wrong as a whole. Section 6 has the rule at its borders.

# %% [markdown]
# And your own words? They began on the first page. What your bets have won comes first, and how often
# each level was right; then, theme by theme, your words (rows) against the course's (columns).

# %% tags=["answer", "nbval-ignore-output"]
from normlab.claims import compare_marks, draw_calibration
from normlab.pictures import new_figure

mine = compare_marks()
fig, ax = new_figure(width=5.5, height=4)
draw_calibration(mine, ax)
mine

# %% [markdown] tags=["answer"]
# A dot below the diagonal: you said more than you knew. Few bets say little: with three of four right,
# 50 % is as likely as 90 %. All of it is in your record, so it is there the next day.

# %%
quiz("all-of-them-pass")

# %% [markdown]
# ## 6. Each number, the rule at its borders, and what was not run ★
#
# The ledger to page through, where two verdicts meet, and what no laptop can settle.

# %% [markdown]
# Each row of the ledger runs: `run_claim(32)` in a cell of your own, or in the explorer. Its slider
# goes through the claims. On the right, each number stands on its track, and the band is its
# bounds. Where a kernel runs, set *numbers* to "measured now": then the experiment in
# sight runs here, and after it the others.

# %% tags=["answer"]
from normlab.claims import explore_claims

explore_claims()

# %% [markdown] tags=["answer"]
# Bounds are as wide as the argument for them. Claim 25: the backward pass spares 31 %, and the bound
# is 25 %, as the seed says at most 20.

# %% [markdown]
# Two claims on each side of a border:
#
# | between | on the one side | on the other |
# |---|---|---|
# | holds, holds if | 39: the listing is a pre-norm block, and says no more than that | 8: true of the norm; "no `eval()`" takes a model without dropout |
# | | 17: all 24 stored runs without warmup trained (chapter 07) | 34: one has to say `mode="node"` |
# | holds if, imprecise | 12 and 15: one can draw weights so small that it is true | 30: no setting puts β on all matrices |
# | | 38: set ε, and both norms are the same | 28: no setting makes the models of 2024 others |
# | imprecise, wrong | 21: write *most* for *all* | 25: 43 % within the norm, next to nothing of a layer; neither is "15–20 %" |
# | | 31: two of its three statements stand | 32: what it calls proven is an assumption of the proof |
#
# What a sentence leaves out counts where the sentence itself is then untrue: without its norm the formula
# of claim 3 blows up, while claim 14 describes a block, and is true of it. If you would draw a border elsewhere, you may be right: then say where, and which claims change sides.
#
# And there are claims that no laptop can settle:

# %%
quiz("out-of-reach")

# %%
from normlab.claims import beyond_this_machine

beyond_this_machine()

# %% [markdown] tags=["answer"]
# For these the sources carry the verdict, and the experiment shows what can be shown in a small
# model: that something is possible, or has an exception, or follows from a count. A small model
# cannot show how good a large one is at its end. `run_claim(n)` names the source of each.

# %% [markdown]
# Now claim 19, with chapter 07's runs.

# %%
quiz("copying-and-claim-19")

# %% [markdown]
# ## 7. The closing task: choose, and defend
#
# The seed's title names a *Pre-Norm / Post-Norm Debate*. It has no winner without a brief. Here is
# one:
#
# - a decoder of **24 layers**, 32 features wide, task `successor`, no warmup;
# - a budget of **25 steps** of Adam;
# - **one** learning rate may be tried, out of 0.001, 0.003 and 0.01, and nobody knows which is good.

# %%
quiz("one-rate-to-try")

# %% [markdown]
# How much tuning is allowed decides how to judge. Let $\mathcal L_\eta$ be the final loss at rate
# $\eta$. With $k$ tries out of all rates, one gets the best of $k$. Without knowing which to take, one
# expects
#
# $$E_k = \text{mean over all sets of } k \text{ rates of } \min_{\eta \in \text{set}} \mathcal L_\eta$$
#
# With $k = 1$ that is the mean over the rates, and breadth counts. With all rates it is the best one,
# and only the peak counts. Losses are divided by that of chance and end at 1, for guessing needs no
# training. `defend` trains a choice and its alternatives (the other placements with its norm, and
# its placement with the other norm) at every rate, and computes $E_k$.

# %%
from normlab.chapters.debate import Brief, Choice, defend

brief = Brief(layers=24, steps=25, tries=1, rates=(1e-3, 3e-3, 1e-2))
defence = defend(Choice("deepnorm"), brief)
for name in ("post-norm", "pre-norm", "deepnorm", "peri-norm"):
    lowest = min(defence.losses[Choice(name)].values())
    print(f"{name:9}: {lowest:.2f} of the loss of chance, at its best rate")

# %% tags=["nbval-ignore-output"]
from normlab.chapters.debate import draw_defence
from normlab.pictures import new_figure

fig, axes = new_figure(2, width=9, height=3.8)
draw_defence(defence, axes)
print(defence.sentence())
defence.table()

# %% [markdown] tags=["answer"]
# A defence of DeepNorm. *At 24 layers without warmup, post-norm trains at none of
# the three rates, so it is out, whatever its final quality might be. DeepNorm trains at all three, so
# one try is enough. With RMSNorm instead of LayerNorm it does as well, so the norm is not what decides
# here. Pre-norm and peri-norm learn too, and end higher than DeepNorm at each rate.*
#
# And what the defence does not say: it is one seed (pre-norm's at 0.01 is a bad one; section 8 has five),
# one width, one easy task. Losses that differ by less than 0.05 of chance count as equal.

# %% [markdown]
# ## 8. The same brief, with other weights ★
#
# Pre-norm models usually start with output matrices divided by $\sqrt{2N}$ (chapter 05), and with some
# warmup. Does DeepNorm still win then, and with other seeds?

# %%
quiz("brief-with-scaled-outputs")

# %% [markdown]
# **Explorer.** 720 stored runs, five seeds each (`normlab remake briefs`). The band goes from the lowest
# seed to the highest. Start at 24 layers without warmup, change the initial weights, then add warmup.

# %% tags=["answer"]
from normlab.chapters.debate import explore_briefs

explore_briefs()

# %% [markdown] tags=["answer"]
# With output matrices divided by $\sqrt{2N}$ pre-norm wins the brief that DeepNorm won, and post-norm
# trains. So "DeepNorm wins" was a sentence on placements *and* one initialization. With all three rates to
# try post-norm, pre-norm and DeepNorm end at 0.07, 0.05 and 0.02. Peri-norm gets worse: its second norm takes the division out again, and a
# matrix that is smaller moves further in its own units at the same rate.

# %% [markdown]
# ## 9. Another brief ★
#
# Chapter 07's stored runs, three seeds each: who wins with one try, and what do more tries change?

# %%
quiz("best-with-one-try")

# %%
quiz("expected-loss-by-tries")

# %%
from normlab.chapters.debate import defend_from_map

rows = []
for warmup in (0, 200):
    for tries in (1, 2, 4):
        stored = defend_from_map(Choice("deepnorm"), 12, warmup, tries)
        names = ("post-norm", "deepnorm", "pre-norm")
        rows.append([warmup, tries, *(f"{stored.expected(Choice(name)):.2f}" for name in names)])
fig, axes = new_figure(2, width=9, height=3.8)
draw_defence(defend_from_map(Choice("deepnorm"), 12, 0, 1), axes)
Table(("warmup", "tries", "post-norm", "DeepNorm", "pre-norm"), rows)

# %% [markdown] tags=["answer"]
# With two tries and more pre-norm and DeepNorm are equal. Post-norm is last in each row, and warmup brings it nearer. So the
# debate is about the depth, the learning rate, warmup, the initial weights, and how often one may
# try; of these the seed names depths and warmup.

# %% [markdown]
# ## The exercise
#
# Write a brief of your own below: other layers, steps, rates, tries, warmup, or another task of
# `normlab.training.tasks`. Choose before you run. Then defend the choice in four sentences: what is
# out and why, what decides, what does not, and what your runs cannot show.

# %% tags=["answer", "nbval-ignore-output"]
my_brief = Brief(layers=4, steps=40, tries=1, rates=(1e-2, 3e-2), warmup_steps=10)
my_choice = Choice("pre-norm", "rms_norm")
my_defence = defend(my_choice, my_brief)
print(my_defence.sentence())
my_defence.table()

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# - An experiment passes if its numbers support the verdict, for the claim or against it. It must be
#   able to fail: with batch norm in layer norm's place, that of claim 1 does.
# - Reasons can be measured like formulas, and some of the seed's fail: blocks that start as an identity
#   (0.69), gradients that stay bounded (a thousandfold or more).
# - Some claims are out of reach of small models. Their verdicts rest on sources, and the ledger says
#   which: they are citations, and pass nothing.
# - "Which norm, where?" needs a brief: depth, budget, tries. At 24 layers without warmup post-norm
#   trains at none of three rates, and DeepNorm wins; with output matrices divided by $\sqrt{2N}$ it does
#   train, and pre-norm wins. With one try in chapter 07's map pre-norm is best, and with two or more
#   DeepNorm equals it.

# %% [markdown]
# ## Sources
#
# - Ba, Kiros & Hinton 2016, *Layer Normalization*, arXiv:1607.06450.
# - Zhang & Sennrich 2019, *Root Mean Square Layer Normalization*, arXiv:1910.07467.
# - Xiong et al. 2020, *On Layer Normalization in the Transformer Architecture*, arXiv:2002.04745.
# - Good 1952, *Rational Decisions*, Journal of the Royal Statistical Society B 14, 107–114.
# - Wang et al. 2022, *DeepNet: Scaling Transformers to 1,000 Layers*, arXiv:2203.00555.
# - The source of each claim stands in `run_claim(n)`, and in `normlab claims n`.
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("12")
