# %% [markdown]
# # 12 · The debate: 41 claims, each with its experiment
#
# ## What you will be able to do
#
# - Give a verdict on each of the seed text's 41 claims, and name the number that supports it.
# - Run any of them, break what it measures, and see its experiment fail.
# - Say which verdicts rest on what was run here, and which on other people's results.
# - Choose a norm and a placement for a given depth, budget and amount of tuning, and defend the
#   choice against the measured alternatives.

# %% [markdown]
# ## 1. A claim that runs
#
# The course began with a text, the *seed*. Chapter by chapter its sentences met measurements. Here
# they stand together, as data: the seed's words, a verdict, what holds precisely, an experiment,
# its scale and its source. There are four verdicts:
#
# - **holds**;
# - **holds if** a condition is met that the seed does not name;
# - **imprecise**: another sentence is needed to make it true (so too an opinion that is told as a
#   fact, and a claim that nobody has measured);
# - **wrong**.

# %%
from normlab import quiz

quiz("what-a-pass-means")

# %%
from normlab.claims import run_claim

print(run_claim(25))

# %% [markdown]
# Every number has bounds, and the bounds have a reason. The experiment *passes* if all numbers lie
# within them, so that they support the **verdict**. Here the verdict is "wrong".
#
# An experiment is worth something only if it can fail.

# %%
quiz("broken-norm")

# %%
from unittest.mock import patch

from normlab.claims import what_it_is
from normlab.norms import batch_norm

print("with layer norm:", run_claim(1).finding.status)
with patch.object(what_it_is, "layer_norm", batch_norm):
    broken = run_claim(1)
print("with batch norm in its place:", broken.finding.status)
broken.table()

# %% [markdown]
# Both numbers that speak of layer norm have left their bounds.
#
# **Predict.** Claim 29 says that DeepNorm scales the residual before the norm. One version in
# public code had $\text{norm}(x + \alpha f(x))$. How much more does $x$ count than $f(x)$ there, in
# 8 layers with $\alpha = 2$?

# %%
from normlab.models import PLACEMENTS, AlphaOnTheBranch

print(run_claim(29).finding.headline)
with patch.dict(PLACEMENTS, deepnorm=AlphaOnTheBranch):
    wrong = run_claim(29).finding
print(wrong.headline, "→", wrong.status)

# %% [markdown]
# Half as much instead of twice. The tests of the package break claims in this way, one by one.

# %% [markdown]
# ## 2. Theme by theme: your verdict first
#
# For each theme the first cell shows the seed's words. Put your verdicts into the second cell in
# place of the "?" (`"holds"`, `"holds if"`, `"imprecise"` or `"wrong"`), then run it. It runs the
# experiments and puts your verdict beside the course's.
#
# ### What layer norm is

# %%
from normlab import Table
from normlab.claims import find_theme, run_claims


def quotes(theme):
    return Table(("", "the seed"), [[c.number, c.quote] for c in find_theme(theme)])


quotes("what layer norm is")

# %%
mine = {1: "?", 5: "?", 6: "?", 7: "?", 8: "?"}
run_claims(mine).against(mine)

# %% [markdown]
# - 7: move one number of one token, and the output changes in one token of five. "Per example" would
#   be five.
# - 8: true of the norm and not of the model. With dropout behind it, `train()` and `eval()` differ.
#
# ### Where it stands

# %%
quotes("where it stands")

# %%
mine = {2: "?", 10: "?", 11: "?", 12: "?", 14: "?", 15: "?"}
run_claims(mine).against(mine)

# %% [markdown]
# - 12 and 15: "near zero", measured against the stream that the branch is added to, is 0.69 both
#   times. In pre-norm it falls with depth, since the stream grows.
# - 14: without a final norm, 24 layers start at four times the loss of chance.
#
# ### Gradients and training
#
# These train small models, so they take a few seconds.

# %%
quotes("gradients and training")

# %%
quiz("worse-on-some-tasks")

# %%
mine = {13: "?", 16: "?", 17: "?", 18: "?", 19: "?"}
run_claims(mine).against(mine)

# %% [markdown]
# - 13: before training, the gradient of the first block is 0.8 of the last's. It vanishes after ten
#   updates. The need of warmup holds, above a rate; the reason given does not.
# - 16: the slope $-0.47$ is Theorem 1 of Xiong et al. 2020, whose prediction is $-\tfrac12$.
# - 19: the seed says "on some tasks". On this one it is the other way round.
#
# ### RMSNorm

# %%
quotes("RMSNorm")

# %%
mine = {22: "?", 23: "?", 24: "?", 25: "?", 26: "?"}
run_claims(mine).against(mine)

# %% [markdown]
# - 23: centring removes 0.4 % of a random token's squared length (256 features), and 32 % if the
#   token comes from a ReLU. So it depends on the token, and neither is a "representational value".
# - 26: "meaningful throughput" on clusters: we know of no measurement. The paper's Transformer gained
#   6.9 %, on one GPU.
#
# ### DeepNorm

# %%
quotes("DeepNorm")

# %%
mine = {3: "?", 4: "?", 29: "?", 30: "?", 31: "?", 32: "?"}
run_claims(mine).against(mine)

# %% [markdown]
# - 3: the norm is missing from the formula, and the stream grows $2 \cdot 10^8$ times in 12 layers.
# - 31: an exact identity has a step that grows like $N$ (slope 1). DeepNorm's slope is 0, and that
#   is what its constants are for.
# - 32: at a rate of 5 the gradient grows more than a thousand times in a few steps.
#
# ### Other networks

# %%
quotes("other networks")

# %%
mine = {9: "?", 33: "?", 34: "?", 35: "?"}
run_claims(mine).against(mine)

# %% [markdown]
# - 33: an LSTM with layer norm has three norms, as in the authors' code. One behind `nn.LSTM` is
#   another model: it changes when its weights are scaled, and the one with three does not.
# - 34: in mode "graph", the default of PyTorch Geometric, one node moves all nodes of its graph.
#
# ### Real models

# %%
quotes("real models")

# %%
mine = {20: "?", 21: "?", 27: "?", 28: "?"}
run_claims(mine).against(mine)

# %% [markdown]
# - These count rows of chapter 11's table of models. A table of models is never complete: the counts
#   show that there are exceptions, not how many there are in the world.
# - 20: of the models since 2023 in the table none has plain post-norm. What is preferred is still
#   an opinion.
#
# ### Code

# %%
quotes("code")

# %%
mine = {36: "?", 37: "?", 38: "?", 39: "?", 40: "?", 41: "?"}
run_claims(mine).against(mine)

# %% [markdown]
# - 39: the listing is a pre-norm block, and stacked on its own no model: the stream grows, and the
#   first token reads the last.
# - 40 and 41 need Keras (`pip install "normlab[frameworks]"`). Without it they are "not run", and
#   count neither as passed nor as failed.

# %% [markdown]
# ## 3. The ledger
#
# All 41, as they come with the package. The command that makes the file again takes about a quarter
# of a minute:
#
# ```
# normlab remake claims
# ```
#
# `normlab claims` prints a table, and `normlab claims 25` one claim in full.

# %%
quiz("how-many-hold")

# %%
from normlab.claims import THEMES, count_verdicts, load_ledger

ledger = load_ledger()
counts = [[theme, *count_verdicts(claims).values()] for theme, claims in THEMES.items()]
counts.append(["all", *count_verdicts().values()])
Table(("theme", *count_verdicts()), counts)

# %%
print(ledger.summary())
ledger.table()

# %% [markdown]
# DeepNorm has three of the eight that are wrong, and the state of an untrained model two. What is
# defined mostly holds or needs a word. What the seed says about *why* something works fares worse
# than what it says about *what* is computed.
#
# Each row of the ledger runs: `run_claim(32)` in a cell of your own, or in the explorer. Its slider
# goes through the claims. On the right, each number stands on its track: the band is where it
# supports the verdict. Where a kernel runs, set *numbers* to "measured now": then the experiment in
# sight runs here, and after it the others.
#
# **Predict.** Which numbers stand close to the edge of their band? Go through RMSNorm, 22 to 26.

# %%
from normlab.claims import explore_claims

explore_claims()

# %% [markdown]
# Claim 25: the backward pass spares 31 %; the bound is 25 %, as the seed says at most 20. And claim
# 26: the paper's 6.9 %, with 10 % as the bound; a greater gain would be evidence for the claim.

# %% [markdown]
# ## 4. What was run, and what was not
#
# **Predict.** Which claims cannot be tested at their own scale on this machine?

# %%
about = {
    4: "translation with 1,000 layers",
    11: "the original code",
    17: "large language models",
    18: "models of GPT-3's size",
    19: "BLEU after long training",
    20: "what people prefer",
    24: "language models",
    26: "clusters",
    28: "all decoders",
}
scales = {result.claim.number: result.claim.scale for result in ledger.results}
rows = [[number, subject, scales[number]] for number, subject in about.items()]
Table(("", "the claim is about", "what was run"), rows)

# %% [markdown]
# For these the sources carry the verdict, and the experiment shows what can be shown in a small
# model: that something is possible, or has an exception, or follows from a count. A small model
# cannot show how good a large one is at its end.
#
# Whose result each is:

# %%
ledger.scales()

# %% [markdown]
# ## 5. The closing task: choose, and defend
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
# How much tuning is allowed decides how to judge. Let $\ell_r$ be the final loss at rate $r$. With
# $k$ tries out of all rates, one gets the best of $k$; not knowing which to take, one expects
#
# $$E_k = \text{mean over all sets of } k \text{ rates of } \min_{r \in \text{set}} \ell_r$$
#
# With $k = 1$ that is the mean over the rates, and breadth counts. With all rates it is the best one,
# and only the peak counts. Losses are divided by that of chance and end at 1, for guessing needs no
# training. `defend` trains your choice and its alternatives (the other placements with its norm, and
# its placement with the other norm) at every rate, and computes $E_k$.

# %%
from normlab.chapters.debate import Brief, Choice, defend

brief = Brief(layers=24, steps=25, tries=1, rates=(1e-3, 3e-3, 1e-2))
defence = defend(Choice("deepnorm", "layer_norm"), brief)
print("DeepNorm is defended:", defence.defended)
for placement in ("deepnorm", "post-norm"):
    trained = defence.trained(Choice(placement))
    print(f"{placement}: trains at {trained} of {len(brief.rates)} rates")

# %% tags=["nbval-ignore-output"]
defence.table()

# %%
from normlab.chapters.debate import draw_defence
from normlab.pictures import new_figure

fig, axes = new_figure(2, width=9, height=3.8)
draw_defence(defence, axes)

# %% [markdown]
# A defence of this choice, in four sentences. *At 24 layers without warmup, post-norm trains at none
# of the three rates, so it is out, whatever its final quality might be. DeepNorm trains at all three,
# so one try is enough. With RMSNorm instead of LayerNorm it does as well, so the norm is not what
# decides here. Pre-norm and peri-norm learn too, and end higher than DeepNorm at each rate.*
#
# And what the defence does not say: it is one seed, one width, one easy task. Losses that differ by
# less than 0.05 of chance count as equal (`normlab.chapters.debate.defence.TIE`).
#
# **Predict.** The same question for 600 steps of copying, 12 layers, and a fourth rate, 0.03. Who
# wins with one try? With all four? These are chapter 07's stored runs, three seeds each.

# %%
from normlab.chapters.debate import defend_from_map

rows = []
for warmup in (0, 200):
    for tries in (1, 2, 4):
        stored = defend_from_map(Choice("deepnorm"), 12, warmup, tries)
        expected = [
            f"{stored.expected(Choice(name)):.2f}" for name in ("post-norm", "deepnorm", "pre-norm")
        ]
        rows.append([warmup, tries, *expected, stored.defended])
Table(("warmup", "tries", "post-norm", "DeepNorm", "pre-norm", "DeepNorm is defended"), rows)

# %%
fig, axes = new_figure(2, width=9, height=3.8)
draw_defence(defend_from_map(Choice("deepnorm"), 12, 0, 1), axes)

# %% [markdown]
# With one try pre-norm: it trains at all four rates, and DeepNorm is stuck at the highest. With two
# tries and more the two are equal, since at least one of the rates does. Post-norm's place depends
# on warmup. So the debate is about three numbers that are not in the seed: the depth, the learning
# rate, and how often one may try.
#
# **Your turn.** Write a brief of your own below: other layers, steps, rates, tries, warmup, or another
# task of `normlab.training.tasks`. Choose before you run. Then defend the choice in four sentences: what is
# out and why, what decides, what does not, and what your runs cannot show.

# %% tags=["nbval-ignore-output"]
my_brief = Brief(layers=4, steps=40, tries=1, rates=(1e-2, 3e-2), warmup_steps=10)
my_choice = Choice("pre-norm", "rms_norm")
mine = defend(my_choice, my_brief)
print(mine.sentence())
mine.table()

# %% [markdown]
# ## Recap
#
# - 41 claims: 8 hold, 7 hold under a condition, 18 are imprecise, 8 are wrong.
# - An experiment passes if its numbers support the verdict. It must be able to fail: with batch norm
#   in layer norm's place, claim 1 does.
# - What the seed says is computed mostly holds. Why it works, and how it starts, is where it is wrong:
#   near zero (0.69), an identity (0.69), bounded gradients (more than a thousandfold).
# - Some claims are out of reach of small models. Their verdicts rest on sources, and the ledger says
#   which.
# - "Which norm, where?" needs a brief: depth, budget, tries. At 24 layers without warmup post-norm
#   trains at none of three rates; with one try in chapter 07's map pre-norm is best, and with two or
#   more DeepNorm equals it.
#
# ## Sources
#
# - Ba, Kiros & Hinton 2016, *Layer Normalization*, arXiv:1607.06450.
# - Zhang & Sennrich 2019, *Root Mean Square Layer Normalization*, arXiv:1910.07467.
# - Xiong et al. 2020, *On Layer Normalization in the Transformer Architecture*, arXiv:2002.04745.
# - Wang et al. 2022, *DeepNet: Scaling Transformers to 1,000 Layers*, arXiv:2203.00555.
# - The source of each claim stands in section 4, and in `normlab claims`.
#
# {{ next chapter }}

# %% [markdown]
# Run the last cell to mark the chapter as read.

# %%
from normlab import chapter_read

chapter_read("12")
