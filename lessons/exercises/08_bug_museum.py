# %% [markdown]
# # Exercise 08 · The bug museum
#
# Bugs, each of which stood in public code. The functions below are written anew for this course;
# each keeps one bug of its original. The table says where it was found.
#
# None of them raises an error. Most give the right result on the input that comes to mind first,
# and that is the thread through this museum: a bug lives as long as nobody asks it the right
# question.
#
# For each exhibit you write two things.
#
# 1. **A failing input**: a function `…_failing_input()` without arguments, which returns the
#    arguments of the exhibit **as a dict by argument name**, for instance
#    `{"x": np.array([1.0, 2.0])}`. Leave out `eps`; it keeps its default. The input counts if
#    - it holds finite float64 or float32 numbers, or whole numbers, at most 1,000,000 of them, none
#      beyond ±1,000 (exhibit 2: ±1e9; exhibits 9 and 11: ±60,000, float16 too), in shapes that fit;
#    - the right function gives finite numbers on it;
#    - the buggy function gives something else: another shape, NaN, or a difference of more than
#      0.001 of the greatest number of the right result (exhibits 9 and 11: 0.02).
# 2. **The repair**: the function without the bug. The arguments, their defaults and all else stay
#    as in the exhibit. It takes NumPy arrays of float64 with any number of leading axes (exhibits
#    2, 9 and 11: other dtypes, too). It gives back an array of the dtype of `x`, with all its
#    digits. It does not change its arguments, and need not check their shapes.
#
# A failing input is worth 1 point, and so is the repair of an old exhibit, 1 to 6. From exhibit 7
# on a repair is worth 2: one if the bug is gone, and one if nothing else is broken.
#
# The buggy functions are there to be run. Try them before you write. `hint(…)` gives the next hint,
# for instance `hint(row_variance)`.

# %%
import numpy as np

from normlab import check, hint
from normlab.norms import layer_norm, rms_norm

# %% [markdown]
# | Exhibit | Found in | What to look at |
# |---|---|---|
# | 1 | The Annotated Transformer | the divisor of the variance |
# | 2 | labml's annotated papers | the formula of the variance |
# | 3 | TinyTorch | the backward pass |
# | 4 | GATr's baseline | the axes |
# | 5 | RiNALMo | the residual |
# | 6 | labml's annotated papers | where α stands |
# | 7 | exporters | the divisor of a small row |
# | 8 | readers of converted models | the gain |
# | 9 | kernels of many runtimes | the dtype of a square |
# | 10 | FlagGems | what is a row, and what a feature |
# | 11 | LLaMA's norm and its copies | the order of two operations |
# | 12 | tensor-parallel models | whose mean it is |
#
# Exhibits 7 to 12 are of the years 2023 to 2026. They need what chapters
# [02](../notebooks/02_backward_and_geometry.ipynb), [03](../notebooks/03_numerics.ipynb) and
# [04](../notebooks/04_rms_norm.ipynb) say.

# %% [markdown]
# ---
# ## Exhibit 1 · The copied deviation
#
# *The Annotated Transformer* (Harvard NLP, 2018, revised 2022) explains the 2017 paper line by
# line. Its class `LayerNorm` divides by `x.std(-1)`. In torch that is the *sample* standard
# deviation, with the divisor D − 1. It should be D
# ([pull request 119](https://github.com/harvardnlp/annotated-transformer/pull/119),
# [issue 122](https://github.com/harvardnlp/annotated-transformer/issues/122)).
#
# The class was copied. In 2018 the author of BERT-pytorch, asked why his layer norm was not
# torch's, answered that he had it from there. A reader then compared the two on the row
# `[1, 0, 0, 0]`: 1.5 in one, 1.732 in the other
# ([issue 30](https://github.com/codertimo/BERT-pytorch/issues/30)).
#
# (The original also adds ε outside the root. Our copy has it inside, so that one bug is left. The
# other one is among the mistakes of [exercise 01](01_layer_norm.ipynb).)


# %%
def buggy_annotated_layer_norm(x, gamma, beta, eps=1e-6):
    mean = x.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    variance = x.var(axis=-1, ddof=1, keepdims=True)  # (..., D) -> (..., 1)
    return gamma * (x - mean) / np.sqrt(variance + eps) + beta


# %% [markdown]
# x is (..., D), gamma and beta are (D,). The Annotated Transformer has D = 512. Would you have seen
# it there?

# %%
wide = np.random.default_rng(0).standard_normal((1, 512))
buggy = buggy_annotated_layer_norm(wide, np.ones(512), np.zeros(512))
right = layer_norm(wide, eps=1e-6)
difference = np.abs(buggy - right).max() / np.abs(right).max()
print(f"greatest difference, as a fraction of the greatest number: {difference:.5f}")

# %% [markdown]
# **1a.** Give an input on which the two differ clearly.


# %%
def annotated_layer_norm_failing_input():
    """Arguments {"x": …, "gamma": …, "beta": …} on which buggy_annotated_layer_norm is wrong."""
    ### BEGIN SOLUTION
    return {"x": np.array([[1.0, 0.0, 0.0, 0.0]]), "gamma": np.ones(4), "beta": np.zeros(4)}
    ### END SOLUTION


# %%
check(annotated_layer_norm_failing_input)

# %% [markdown]
# **1b.** Repair it.


# %%
def annotated_layer_norm(x, gamma, beta, eps=1e-6):
    """γ ⊙ (x − mean)/√(variance + ε) + β over the last axis; the variance divides by D."""
    ### BEGIN SOLUTION
    mean = x.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    variance = x.var(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return gamma * (x - mean) / np.sqrt(variance + eps) + beta
    ### END SOLUTION


# %%
check(annotated_layer_norm)

# %% [markdown]
# ---
# ## Exhibit 2 · The variance in one pass
#
# labml's collection of annotated papers computes the variance as $E[x^2] - E[x]^2$
# ([`layer_norm/__init__.py`](https://github.com/labmlai/annotated_deep_learning_paper_implementations/blob/0eb74d7b200a3258c7e61aa59ee231d86c9a4671/labml_nn/normalization/layer_norm/__init__.py)).
# On paper that is the variance. The file's own test feeds it zeros.
#
# PyTorch's own layer norm had a one-pass variance, too, says its
# [issue 40302](https://github.com/pytorch/pytorch/issues/40302) of 2020. In January 2021 a user
# gave PyTorch 1.7.1 random rows with mean 2000 and variance 1. Two of five came out with variance
# 30,823 and 48,426, where it should be 1
# ([issue 51102](https://github.com/pytorch/pytorch/issues/51102)).


# %%
def buggy_row_variance(x):
    mean = x.mean(axis=-1)  # (..., D) -> (...)
    mean_of_squares = (x**2).mean(axis=-1)  # (..., D) -> (...)
    return mean_of_squares - mean**2


# %% [markdown]
# x is (..., D), in float32 or float64, and the function computes in the dtype of x.
#
# **2a.** Give an input on which it is wrong. Here the difference is compared with the right
# variance plus 1e-5, the ε that a layer norm would add.


# %%
def row_variance_failing_input():
    """Arguments {"x": …} on which buggy_row_variance is wrong."""
    ### BEGIN SOLUTION
    return {"x": np.array([10_000.5, 10_000.0, 10_000.0, 10_000.0], np.float32)}
    ### END SOLUTION


# %%
check(row_variance_failing_input)

# %% [markdown]
# **2b.** Repair it. float32 in, float32 out; float64 in, float64 out. It must hold for float64 rows
# near 1e8, too.


# %%
def row_variance(x):
    """mean((x − mean)²) over the last axis: (..., D) -> (...), in the dtype of x."""
    ### BEGIN SOLUTION
    mean = x.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return ((x - mean) ** 2).mean(axis=-1)  # (..., D) -> (...)
    ### END SOLUTION


# %%
check(row_variance)

# %% [markdown]
# ---
# ## Exhibit 3 · The deviation that forgot where it came from
#
# TinyTorch is a course in which students build a framework with its own autograd. Its layer norm
# (December 2025,
# [`13_transformers.py`](https://github.com/MLSysBook/TinyTorch/blob/c4d0bdb90171a8868de6716b794df18878c571f3/src/13_transformers/13_transformers.py))
# computes the variance with tensor operations, and a comment says that this is to preserve the
# gradients. The next line takes `variance.data`, a plain array, and makes a new tensor of its root.
# The new tensor does not know that it depends on x, so no gradient flows back through it. The
# outputs are right, and the unit test of the course looks at the mean and deviation of the outputs.
#
# Below is the backward pass that follows from such a forward pass. `dy` is the gradient of the
# loss with respect to the output y.


# %%
def buggy_layer_norm_dx(dy, x, gamma, eps=1e-5):
    std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)  # (..., D) -> (..., 1)
    u = dy * gamma
    return (u - u.mean(axis=-1, keepdims=True)) / std


# %% [markdown]
# dy and x are (..., D), gamma is (D,). A test with the loss `y.sum()` has a `dy` of ones. Does it
# see the bug? Compare with central differences.


# %%
def central_differences(loss, x, step=1e-6):
    slopes = np.empty_like(x)
    for i in range(x.size):
        shift = np.zeros_like(x)
        shift[i] = step
        slopes[i] = (loss(x + shift) - loss(x - shift)) / (2 * step)
    return slopes


row = np.array([1.0, 2.0, 6.0])
print("loss y.sum()")
slopes = central_differences(lambda x: layer_norm(x).sum(), row)
print("  central differences", slopes.round(6) + 0.0)
print("  buggy dx           ", buggy_layer_norm_dx(np.ones(3), row, np.ones(3)).round(6))

# %% [markdown]
# **3a.** Give an input on which it is wrong.


# %%
def layer_norm_dx_failing_input():
    """Arguments {"dy": …, "x": …, "gamma": …} on which buggy_layer_norm_dx is wrong."""
    ### BEGIN SOLUTION
    return {"dy": np.array([0.0, 0.0, 1.0]), "x": np.array([1.0, 2.0, 6.0]), "gamma": np.ones(3)}
    ### END SOLUTION


# %%
check(layer_norm_dx_failing_input)

# %% [markdown]
# **3b.** Repair it. The whole formula is derived in
# [chapter 02](../notebooks/02_backward_and_geometry.ipynb).


# %%
def layer_norm_dx(dy, x, gamma, eps=1e-5):
    """The gradient dx (..., D) of layer norm, with respect to its input."""
    ### BEGIN SOLUTION
    std = np.sqrt(x.var(axis=-1, keepdims=True) + eps)  # (..., D) -> (..., 1)
    normalized = (x - x.mean(axis=-1, keepdims=True)) / std
    u = dy * gamma
    slope = (u * normalized).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return (u - u.mean(axis=-1, keepdims=True) - normalized * slope) / std
    ### END SOLUTION


# %%
check(layer_norm_dx)

# %% [markdown]
# ---
# ## Exhibit 4 · All axes but the first
#
# The Geometric Algebra Transformer (GATr, Qualcomm AI Research, 2023) was published together with a
# plain transformer as baseline. The baseline's layer norm had
# `normalized_shape=inputs.shape[1:]`: every axis but the batch. All items of an example shared one
# mean and one variance. In August 2024 a reader found it and noted that the baseline alone had it;
# GATr's own layer norm took the right axis
# ([pull request 8](https://github.com/Qualcomm-AI-research/geometric-algebra-transformer/pull/8)).
# The repaired code has `inputs.shape[-1:]`. The docstring above it still said "over all dimensions
# except the first" in the version that we read.


# %%
def buggy_item_layer_norm(x, eps=1e-5):
    axes = tuple(range(1, x.ndim))
    mean = x.mean(axis=axes, keepdims=True)  # (B, ..., D) -> (B, 1, ..., 1)
    variance = x.var(axis=axes, keepdims=True)  # (B, ..., D) -> (B, 1, ..., 1)
    return (x - mean) / np.sqrt(variance + eps)


# %% [markdown]
# x is (..., D): any number of axes, and the features of one item in the last.
#
# **4a.** Give an input on which it is wrong.


# %%
def item_layer_norm_failing_input():
    """Arguments {"x": …} on which buggy_item_layer_norm is wrong."""
    ### BEGIN SOLUTION
    return {"x": np.array([[[1.0, 3.0], [10.0, 20.0]]])}  # (1, 2, 2): one example of two items
    ### END SOLUTION


# %%
check(item_layer_norm_failing_input)

# %% [markdown]
# **4b.** Repair it, for any number of axes.


# %%
def item_layer_norm(x, eps=1e-5):
    """(x − mean)/√(variance + ε), with the statistics of each item by itself."""
    ### BEGIN SOLUTION
    mean = x.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    variance = x.var(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return (x - mean) / np.sqrt(variance + eps)
    ### END SOLUTION


# %%
check(item_layer_norm)

# %% [markdown]
# ---
# ## Exhibit 5 · One name for two things
#
# RiNALMo is a language model for RNA. Its block begins with `x = self.attn_layer_norm(x)` and ends
# its first half with `x = x + …`. By then x is the normed x, and what should have been handed on is
# gone. In June 2024 someone who rebuilt the model noticed. The authors called it a slight
# oversight, and advised against mending it for their weights: the model had been trained with it
# ([issue 9](https://github.com/lbcb-sci/RiNALMo/issues/9)). A bug that was trained in belongs to
# the model.
#
# The second half of the same block keeps `residual = x` before its norm, and is right.
#
# Here a linear map stands for the attention: f(h) = h @ weight.


# %%
def buggy_pre_norm_linear(x, weight, eps=1e-5):
    x = layer_norm(x, eps=eps)
    branch = x @ weight  # (..., D) @ (D, D) -> (..., D)
    return x + branch


# %% [markdown]
# x is (..., D), weight is (D, D). `layer_norm` has no gain and no shift here.
#
# **5a.** Give an input on which it is wrong.


# %%
def pre_norm_linear_failing_input():
    """Arguments {"x": …, "weight": …} on which buggy_pre_norm_linear is wrong."""
    ### BEGIN SOLUTION
    return {"x": np.array([1.0, 5.0]), "weight": np.zeros((2, 2))}
    ### END SOLUTION


# %%
check(pre_norm_linear_failing_input)

# %% [markdown]
# **5b.** Repair it: pre-norm is x + f(LN(x)).


# %%
def pre_norm_linear(x, weight, eps=1e-5):
    """One pre-norm sub-layer, x + LN(x) @ weight: (..., D) -> (..., D)."""
    ### BEGIN SOLUTION
    normalized = layer_norm(x, eps=eps)
    return x + normalized @ weight  # (..., D) @ (D, D) -> (..., D)
    ### END SOLUTION


# %%
check(pre_norm_linear)

# %% [markdown]
# ---
# ## Exhibit 6 · α on the wrong branch
#
# DeepNorm is $x_{l+1} = \mathrm{LN}(\alpha x_l + G_l(x_l))$ (Wang et al. 2022, §4.1), and labml's
# annotated version has this formula in its docstring. In August 2022 a reader reported two bugs in
# the line below it: the norm was not applied, and α multiplied the branch. The norm was added the
# same day. α stayed, as another reader remarked in April 2023
# ([issue 145](https://github.com/labmlai/annotated_deep_learning_paper_implementations/issues/145)).
#
# What it does to a deep model is measured in [chapter 08](../notebooks/08_deepnorm.ipynb).
#
# Again a linear map stands for the sub-layer: G(x) = x @ weight.


# %%
def buggy_deepnorm_linear(x, weight, alpha, eps=1e-5):
    branch = x @ weight  # (..., D) @ (D, D) -> (..., D)
    return layer_norm(x + alpha * branch, eps=eps)


# %% [markdown]
# x is (..., D), weight is (D, D), alpha is one number. Try the simplest weight first:

# %%
row, identity = np.array([[1.0, 5.0, 0.0]]), np.eye(3)
print("buggy", buggy_deepnorm_linear(row, identity, alpha=2.0).round(4))
print("right", layer_norm(2.0 * row + row @ identity).round(4))

# %% [markdown]
# **6a.** Give an input on which it is wrong.


# %%
def deepnorm_linear_failing_input():
    """Arguments {"x": …, "weight": …, "alpha": …} on which buggy_deepnorm_linear is wrong."""
    ### BEGIN SOLUTION
    weight = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]])
    return {"x": np.array([1.0, 5.0, 0.0]), "weight": weight, "alpha": 2.0}
    ### END SOLUTION


# %%
check(deepnorm_linear_failing_input)

# %% [markdown]
# **6b.** Repair it.


# %%
def deepnorm_linear(x, weight, alpha, eps=1e-5):
    """One DeepNorm sub-layer, LN(α·x + x @ weight): (..., D) -> (..., D)."""
    ### BEGIN SOLUTION
    branch = x @ weight  # (..., D) @ (D, D) -> (..., D)
    return layer_norm(alpha * x + branch, eps=eps)
    ### END SOLUTION


# %%
check(deepnorm_linear)

# %% [markdown]
# ---
# ## Exhibit 7 · The length that knows no ε
#
# A runtime without RMSNorm may have a vector norm, and an exporter then writes
# $\gamma \odot x\,\sqrt{D}/\lVert x \rVert$. That is RMSNorm, but for ε, which has no place in a
# length. A tiny floor keeps 0/0 away. Rows of zeros come out as zeros, random rows as they should.
#
# Apple's coremltools kept ε, and changed it all the same. It divided a row by its greatest number,
# so that the squares fit into float16, and added ε after that: ε then counts $\max(x)^2$ times as
# much ([pull request 2822](https://github.com/apple/coremltools/pull/2822), August 2026).


# %%
def buggy_exported_rms_norm(x, gamma, eps=1e-6):
    length = np.sqrt((x**2).sum(axis=-1, keepdims=True))  # (..., D) -> (..., 1)
    return gamma * x * np.sqrt(x.shape[-1]) / np.maximum(length, 1e-12)


# %% [markdown]
# x is (..., D), gamma is (D,). A usual row, on which the two agree:

# %%
row = np.array([1.0, -2.0, 0.5, 4.0])
print("buggy", buggy_exported_rms_norm(row, np.ones(4)).round(6))
print("right", rms_norm(row).round(6))

# %% [markdown]
# **7a.** Give an input on which it is wrong.


# %%
def exported_rms_norm_failing_input():
    """Arguments {"x": …, "gamma": …} on which buggy_exported_rms_norm is wrong."""
    ### BEGIN SOLUTION
    return {"x": np.array([0.001, 0.0]), "gamma": np.ones(2)}
    ### END SOLUTION


# %%
check(exported_rms_norm_failing_input)

# %% [markdown]
# **7b.** Repair it.


# %%
def exported_rms_norm(x, gamma, eps=1e-6):
    """γ ⊙ x/√(mean(x²) + ε) over the last axis: (..., D) -> (..., D)."""
    ### BEGIN SOLUTION
    mean_square = (x**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return gamma * x / np.sqrt(mean_square + eps)
    ### END SOLUTION


# %%
check(exported_rms_norm)

# %% [markdown]
# ---
# ## Exhibit 8 · One and one
#
# Gemma's RMSNorm multiplies by $1 + w$, so that $w = 0$ changes nothing. llama.cpp adds 1 to these
# weights when it converts a model, and a plain RMSNorm can then read the file. Some programs read
# it with Gemma's own norm, which adds 1 again.
#
# In August 2026 a program that makes videos from a sentence had it so: where memory was short it
# took a converted Gemma to read the sentence. The videos were sharp, and of something else. Each of
# some 200 norms had $2 + w$.
#
# Here the converter and the norm are two lines of one function.


# %%
def buggy_converted_rms_norm(x, weight, eps=1e-6):
    stored = 1 + weight  # the converter: Gemma's weight is its gain less 1
    mean_square = (x**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return (1 + stored) * x / np.sqrt(mean_square + eps)


# %% [markdown]
# x is (..., D), weight is (D,): Gemma's w.
#
# **8a.** Give an input on which it is wrong.


# %%
def converted_rms_norm_failing_input():
    """Arguments {"x": …, "weight": …} on which buggy_converted_rms_norm is wrong."""
    ### BEGIN SOLUTION
    return {"x": np.array([3.0, 4.0]), "weight": np.zeros(2)}
    ### END SOLUTION


# %%
check(converted_rms_norm_failing_input)

# %% [markdown]
# **8b.** Repair it. The function must give what Gemma's norm gives for this weight.


# %%
def converted_rms_norm(x, weight, eps=1e-6):
    """What Gemma's norm gives, after the conversion: (..., D) -> (..., D)."""
    ### BEGIN SOLUTION
    stored = 1 + weight
    mean_square = (x**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return stored * x / np.sqrt(mean_square + eps)
    ### END SOLUTION


# %%
check(converted_rms_norm)

# %% [markdown]
# ---
# ## Exhibit 9 · The square that did not fit
#
# In 2024 somebody replaced LLaMA's own norm by PyTorch's new RMSNorm. In float32 the model answered
# as before, in float16 it did not: the squares were taken in the dtype of x. Kernels of other
# runtimes had the same bug up to 2026.
#
# Our copy is a layer norm. NumPy sums float16 numbers in float32, and yet it fails.


# %%
def buggy_half_layer_norm(x, gamma, beta, eps=1e-5):
    centered = x - x.mean(axis=-1, keepdims=True)  # (..., D) - (..., 1)
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return (gamma * centered / np.sqrt(variance + eps) + beta).astype(x.dtype)


# %% [markdown]
# x is (..., D), gamma and beta are (D,). On small numbers float16 is right to three digits:

# %%
small = np.array([1.0, -2.0, 0.5, 4.0])
for dtype in (np.float64, np.float16):
    given = small.astype(dtype)
    print(dtype.__name__, buggy_half_layer_norm(given, np.ones_like(given), 0 * given).round(3))

# %% [markdown]
# **9a.** Give a float16 input on which it is wrong.


# %%
def half_layer_norm_failing_input():
    """Arguments {"x": …, "gamma": …, "beta": …} on which buggy_half_layer_norm is wrong."""
    ### BEGIN SOLUTION
    return {"x": np.array([300, -300], np.float16), "gamma": np.ones(2), "beta": np.zeros(2)}
    ### END SOLUTION


# %%
check(half_layer_norm_failing_input)

# %% [markdown]
# **9b.** Repair it. float16 in, float16 out; float32 and float64 are computed in their own dtype.


# %%
def half_layer_norm(x, gamma, beta, eps=1e-5):
    """Layer norm over the last axis, in the dtype of x: (..., D) -> (..., D)."""
    ### BEGIN SOLUTION
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    centered = wide - wide.mean(axis=-1, keepdims=True)  # (..., D) - (..., 1)
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    return (gamma * centered / np.sqrt(variance + eps) + beta).astype(x.dtype)
    ### END SOLUTION


# %%
check(half_layer_norm)

# %% [markdown]
# ---
# ## Exhibit 10 · Rows and features
#
# FlagGems writes PyTorch's operations anew in Triton. The forward pass of its layer norm knew how
# many features a row has. The backward pass took the first axis for the rows, and all others for
# the features. In August 2026 a reader saw what that does to the `[batch, tokens, features]` of
# every transformer: wrong gradients, without an error, and numbers written beyond the end of the
# array ([issue 5392](https://github.com/flagos-ai/FlagGems/issues/5392)).
#
# Our copy is the gradient of the gain. NumPy does not let it write beyond the end.


# %%
def buggy_layer_norm_dgamma(dy, x, eps=1e-5):
    rows = len(x)
    tokens = x.reshape(rows, x.size // rows)  # (..., D) -> (N, D)
    centered = tokens - tokens.mean(axis=-1, keepdims=True)  # (N, D) - (N, 1)
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (N, D) -> (N, 1)
    normalized = centered / np.sqrt(variance + eps)
    return (dy.reshape(tokens.shape) * normalized).sum(axis=0)  # (N, D) -> (D,)


# %% [markdown]
# dy and x are both (..., D): any number of axes, and the features of one token in the last. The
# gradient is that of a gain (D,), which all tokens share.
#
# **10a.** Give an input on which it is wrong.


# %%
def layer_norm_dgamma_failing_input():
    """Arguments {"dy": …, "x": …} on which buggy_layer_norm_dgamma is wrong."""
    ### BEGIN SOLUTION
    return {"dy": np.ones((1, 2, 2)), "x": np.array([[[1.0, 3.0], [10.0, 20.0]]])}
    ### END SOLUTION


# %%
check(layer_norm_dgamma_failing_input)

# %% [markdown]
# **10b.** Repair it, for any number of axes.


# %%
def layer_norm_dgamma(dy, x, eps=1e-5):
    """The gradient (D,) of layer norm, with respect to its gain."""
    ### BEGIN SOLUTION
    tokens = x.reshape(-1, x.shape[-1])  # (..., D) -> (N, D)
    centered = tokens - tokens.mean(axis=-1, keepdims=True)  # (N, D) - (N, 1)
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (N, D) -> (N, 1)
    normalized = centered / np.sqrt(variance + eps)
    return (dy.reshape(tokens.shape) * normalized).sum(axis=0)  # (N, D) -> (D,)
    ### END SOLUTION


# %%
check(layer_norm_dgamma)

# %% [markdown]
# ---
# ## Exhibit 11 · Too early
#
# The norm of LLaMA in Hugging Face's `transformers` computes in float32, and ends with
# `self.weight * hidden_states.to(input_dtype)`. The normalized row is rounded first, and multiplied
# then. Dozens of models have the line, since one was copied from the other. Gemma's norm, written
# beside it, multiplies first. Where the two differ by one rounding nobody is hurt. Is that always
# so?
#
# (With a weight of float32 the original gives float32 back. Our copy converts the product, too, so
# that one bug is left.)


# %%
def buggy_cast_rms_norm(x, gamma, eps=1e-6):
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    mean_square = (wide**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    normalized = wide / np.sqrt(mean_square + eps)
    return (gamma * normalized.astype(x.dtype)).astype(x.dtype)


# %% [markdown]
# x is (..., D), gamma is (D,). How well does float16 hold a number?

# %%
for number in (1.234567, 1.234567e-4, 1.234567e-6, 1.234567e-7, 1.234567e-8):
    print(f"{number:.6g}  as float16 {float(np.float16(number)):.6g}")

# %% [markdown]
# **11a.** Give a float16 input on which it is wrong by more than 0.02 of the greatest number.


# %%
def cast_rms_norm_failing_input():
    """Arguments {"x": …, "gamma": …} on which buggy_cast_rms_norm is wrong."""
    ### BEGIN SOLUTION
    return {"x": np.array([1000, 1e-4], np.float16), "gamma": np.array([0.0, 1000.0])}
    ### END SOLUTION


# %%
check(cast_rms_norm_failing_input)

# %% [markdown]
# **11b.** Repair it. float16 in, float16 out; float32 and float64 are computed in their own dtype.


# %%
def cast_rms_norm(x, gamma, eps=1e-6):
    """γ ⊙ x/√(mean(x²) + ε) over the last axis, in the dtype of x: (..., D) -> (..., D)."""
    ### BEGIN SOLUTION
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    mean_square = (wide**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    normalized = wide / np.sqrt(mean_square + eps)
    return (gamma * normalized).astype(x.dtype)
    ### END SOLUTION


# %%
check(cast_rms_norm)

# %% [markdown]
# ---
# ## Exhibit 12 · Each its own mean
#
# A model that is too large for one device is cut: with tensor parallelism each of S devices
# computes a part of the features. Most norms do not notice, since every device has the whole
# stream. A norm of what was cut does, such as OLMo 2's norm of the queries of all heads together.
#
# In September 2026 a fix of this bug was proposed for a library that serves models. On two GPUs the
# largest error of such a layer fell from 2.3 to 0.004.
#
# Here all parts stand in one array, one behind the other: `x[s]` is what device s holds.


# %%
def buggy_sharded_rms_norm(x, eps=1e-6):
    mean_square = (x**2).mean(axis=-1, keepdims=True)  # (S, ..., D/S) -> (S, ..., 1)
    return x / np.sqrt(mean_square + eps)


# %% [markdown]
# x is (S, ..., D/S): the devices, any number of axes of tokens, and the features that one device
# holds. The norm is RMSNorm over all D features of a token, without a gain. The result has the
# shape of x.
#
# **12a.** Give an input on which it is wrong.


# %%
def sharded_rms_norm_failing_input():
    """Arguments {"x": …} on which buggy_sharded_rms_norm is wrong."""
    ### BEGIN SOLUTION
    return {"x": np.array([[[3.0, 4.0]], [[0.0, 1.0]]])}  # (2, 1, 2): one token on two devices
    ### END SOLUTION


# %%
check(sharded_rms_norm_failing_input)

# %% [markdown]
# **12b.** Repair it. A reduction over axis 0 stands for what the devices send each other, which is
# called an all-reduce.


# %%
def sharded_rms_norm(x, eps=1e-6):
    """RMSNorm over all D features of each token: (S, ..., D/S) -> (S, ..., D/S)."""
    ### BEGIN SOLUTION
    local = (x**2).mean(axis=-1, keepdims=True)  # (S, ..., D/S) -> (S, ..., 1)
    mean_square = local.mean(axis=0)  # (S, ..., 1) -> (..., 1): the all-reduce
    return x / np.sqrt(mean_square + eps)
    ### END SOLUTION


# %%
check(sharded_rms_norm)

# %% [markdown]
# ---
# ## What hid each bug
#
# | Exhibit | Hidden by | A law that it breaks |
# |---|---|---|
# | 1 | many features | a row comes out with variance 1 |
# | 2 | numbers near 0 | adding a number to a row does not change its variance |
# | 3 | the loss `y.sum()`, and tests of outputs alone | dx is what central differences give |
# | 4 | inputs with two axes | an item does not depend on the items beside it |
# | 5 | an x that is normed already | with a branch of zeros, x comes back |
# | 6 | α = 1, a branch of zeros, the identity as weight | as α grows, the branch fades |
# | 7 | rows of usual size, and rows of zeros | a row far smaller than √ε comes out small |
# | 8 | a model that still answers | a weight of zeros gives a row of root mean square 1 |
# | 9 | small numbers, and float32 | a row 1,000 times as large has the same output |
# | 10 | inputs with two axes | two tokens in two axes or in three have the same gradient |
# | 11 | gains near 1 | the same numbers as float32 have the same output |
# | 12 | one device, or parts of one mean square | the result does not depend on the cut |
#
# None of these laws needs the right function. Run them on the buggy ones:

# %%
rng = np.random.default_rng(8)
x, dy, weight, items = (rng.standard_normal(shape) for shape in (4, 4, (4, 4), (1, 2, 4)))
ones, zeros, single = np.ones(4), np.zeros(4), x.astype(np.float32)
peaked, gains = np.array([1000, 1e-4, 2e-4, -1e-4], np.float16), np.array([0, 1e7, 1e7, 1e7])

with np.errstate(over="ignore"):  # a square that float16 does not hold
    large = buggy_half_layer_norm((1000 * x).astype(np.float16), ones, zeros)

pairs = {
    "1 variance": (buggy_annotated_layer_norm(x, ones, zeros).var(), 1),
    "2 shifted row": (buggy_row_variance(single + 10_000), buggy_row_variance(single)),
    "3 dx": (
        buggy_layer_norm_dx(dy, x, ones),
        central_differences(lambda x: (dy * layer_norm(x)).sum(), x),
    ),
    "4 item alone": (buggy_item_layer_norm(items)[:, :1], buggy_item_layer_norm(items[:, :1])),
    "5 no branch": (buggy_pre_norm_linear(x, 0 * weight), x),
    "6 α = 1,000": (buggy_deepnorm_linear(x, weight, alpha=1000.0), layer_norm(x)),
    "7 small row": (buggy_exported_rms_norm(1e-6 * x, ones) / 1e-3, x),
    "8 weight of 0": ((buggy_converted_rms_norm(x, zeros) ** 2).mean(), 1),
    "9 scaled row": (large, buggy_half_layer_norm(x.astype(np.float16), ones, zeros)),
    "10 three axes": (
        buggy_layer_norm_dgamma(items, items)[:4],
        buggy_layer_norm_dgamma(items[0], items[0]),
    ),
    "11 as float32": (
        buggy_cast_rms_norm(peaked, gains),
        buggy_cast_rms_norm(peaked.astype(np.float32), gains),
    ),
    "12 another cut": (
        np.concatenate([*buggy_sharded_rms_norm(x.reshape(2, 2))]),
        buggy_sharded_rms_norm(x[None])[0],
    ),
}
for law, (got, expected) in pairs.items():
    print(f"{law:14} {'holds' if np.allclose(got, expected, rtol=0.02, atol=0.02) else 'broken'}")
