# %% [markdown]
# # Exercise 10 · Open challenges
#
# Two tasks without a right answer, for when you have finished chapters
# [05](../notebooks/05_residual_placement.ipynb) to [08](../notebooks/08_deepnorm.ipynb) and
# [11](../notebooks/11_norms_in_the_wild.ipynb). You write a recipe, `attempt(…)` trains it, and it
# gets a score from 0 to 100. There are no points, and nobody knows what the best score is.
#
# - Each attempt trains three models of 24 layers, one for each of the seeds 0, 1 and 2. That takes
#   about a minute.
# - The task is to copy four symbols, each one of eight. Guessing costs $\ln 8 = 2.08$ nats. The
#   answer stands four tokens back, so a model without attention cannot give it.
# - Every attempt is kept in your record, and equal settings are not trained twice. `my_attempts()`
#   shows them, best first.
#
# The budget is small, so that you can try many recipes. What wins here need not win in a large
# model.

# %%
from normlab import attempt, my_attempts

# %% [markdown]
# ## Make post-norm train
#
# 24 layers of $\text{norm}(\alpha x + f(x))$, trained with Adam for 120 steps of 16 sequences. With
# $\alpha = 1$, Xavier weights and a rate of $10^{-3}$ the model is *stuck*, as chapter
# [07](../notebooks/07_training_and_warmup.ipynb) calls it: it stays at chance. Make it learn. The
# norm is fixed: a LayerNorm behind each sub-layer, $\varepsilon = 10^{-5}$. These five are free:
#
# | key | what it is | from | to |
# |---|---|--:|--:|
# | `learning_rate` | Adam's rate at its peak | 0.000001 | 1 |
# | `warmup_steps` | how many steps lead to the peak, in a straight line | 0 | |
# | `alpha` | $\alpha$, on the shortcut | 0.01 | 100 |
# | `beta_w` | $\beta_w$, on the initial $W_v$, $W_o$, $W_1$ and $W_2$ | 0.001 | 10 |
# | `init_scale` | on all initial weights of the sub-layers | 0.001 | 10 |
#
# **The score** counts how early the model learns, and how well:
#
# $$100 \cdot \left(1 - \frac{\text{mean of }\min(\text{loss}, \text{chance})}
# {\text{chance}}\right)$$
#
# The mean is over all steps of all three seeds. A run that diverges is given up, and what it did
# not train counts as chance.


# %%
def post_norm_recipe():
    """The five settings, as a dict by key."""
    raise NotImplementedError


# %%
attempt(post_norm_recipe)

# %% [markdown]
# Start from what fails, so that you see what that looks like:
#
# ```python
# return {"learning_rate": 1e-3, "warmup_steps": 0, "alpha": 1, "beta_w": 1, "init_scale": 1}
# ```
#
# Questions that an attempt can answer:
#
# - Is $\alpha$ enough without $\beta_w$? Is $\beta_w$ enough without $\alpha$?
# - Which matrices does `init_scale` scale, and `beta_w` does not?
# - With a large $\alpha$ the blocks hardly change the stream at first. Which rate does that allow?
# - Sixty steps of warmup are half of the budget. Are they worth it once $\alpha$ is right?

# %% [markdown]
# ## Make the deep layers matter
#
# 24 layers of pre-norm train without help. But leave out one of the last twelve when the model is
# trained, and the loss hardly rises. Sun et al. (2025) call that the *curse of depth*. Change
# **one** thing by a factor $c_\ell$ that depends on the layer $\ell$:
#
# | key | what changes in layer $\ell$ |
# |---|---|
# | `branch` | $x + c_\ell\, f(\text{norm}(x))$ |
# | `norm_output` | $x + f(c_\ell\, \text{norm}(x))$ |
# | `shortcut` | $c_\ell\, x + f(\text{norm}(x))$ |
# | `init_gain` | the initial $W_v, W_o, W_1, W_2$ times $c_\ell$ |
#
# Each factor is from 0.01 to 100. The rest is fixed: 200 steps at a rate of $10^{-3}$, to which 50
# steps of warmup lead.
#
# **The score** asks for two things at once, so it is a geometric mean:
#
# $$100 \cdot \sqrt{\text{gain} \cdot \text{nearness}}$$
#
# - **gain**: each of the deep layers 13 to 24 is left out of the trained model in turn. It counts
#   from 0 to 1, in full if the loss on new sequences rises by 0.1 nats. The mean over the twelve
#   layers and three seeds is $s$, and plain pre-norm's is $s_0$. gain $= (s - s_0)/(1 - s_0)$.
# - **nearness**: how little the change moves the output $F$ of the *untrained* model with the same
#   weights, by chapter 08's measure: $1 - \frac{1}{\sqrt 2} \lVert F - F_0 \rVert / \lVert F_0
#   \rVert$. Two outputs that have nothing in common are $\sqrt 2$ apart.
# - If the loss after the training is more than 0.1 nats above plain pre-norm's, the score is 0.


# %%
def pre_norm_change(layer, layers):
    """The change in layer `layer` of `layers`, counted from 1, as a dict: one key, one factor."""
    raise NotImplementedError


# %%
attempt(pre_norm_change)

# %% [markdown]
# LayerNorm Scaling is `return {"norm_output": layer**-0.5}`. Questions that an attempt can answer:
#
# - Does LayerNorm Scaling make the deep half matter in this small model?
# - A shortcut of 0.97 looks like a small change. How large is it after 48 sub-layers?
# - `branch` and `init_gain` with the same factor move the untrained model alike, or nearly. Do the
#   two train alike? Adam's step does not depend on how large a weight is.
# - What does the score say of a change to one layer alone?

# %% [markdown]
# ## Your attempts

# %%
my_attempts()
