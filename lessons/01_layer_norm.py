# %% [markdown]
# # 01 · Layer norm: the forward pass
#
# ## What you will be able to do
#
# - Say which numbers share a mean and a variance, in layer norm and in four other norms.
# - Trace layer norm by hand, one line of the formula at a time.
# - Predict what scaling, shifting or reordering a token does to its output.
# - Say why layer norm works at batch size 1 and needs no running statistics, and show where
#   batch norm fails.
#
# {{ minutes }}

# %% [markdown]
# ## 1. Five lines
#
# A token is a vector $x$ of $D$ features. Layer norm subtracts its mean and divides by its standard
# deviation, which gives $\hat x$. Then it lets the model scale and shift each feature:
#
# $$\mu = \frac1D\sum_d x_d \qquad \sigma^2 = \frac1D\sum_d (x_d-\mu)^2 \qquad
# \hat x = \frac{x-\mu}{\sqrt{\sigma^2+\varepsilon}} \qquad y = \gamma \odot \hat x + \beta$$
#
# The gain $\gamma$ and the shift $\beta$ are learned; they start at 1 and 0. The sign $\odot$
# multiplies feature by feature. The small $\varepsilon$ keeps the root away from 0.

# %%
from normlab import quiz

quiz("one-hot")

# %%
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def five_lines(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    centered = x - mean
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    normalized = centered / np.sqrt(variance + eps)
    return gamma * normalized + beta


one_hot = np.array([1.0, 0.0, 0.0, 0.0])
print("five lines  ", five_lines(one_hot, gamma=1, beta=0).round(3))
print("F.layer_norm", F.layer_norm(torch.tensor(one_hot), [4]).numpy().round(3))

# %% [markdown] tags=["answer"]
# PyTorch gives 1.732 too. A statistician may have expected 1.5: the *unbiased* variance, which
# `torch.std` takes by default, divides by $D - 1$. Layer norm does not.

# %% [markdown]
# ## 2. How many means
#
# In a transformer the activations have the shape $(B, T, D)$: $B$ examples, $T$ tokens each,
# $D$ features. The seed text says of the mean and the variance:

# %%
from normlab.claims import your_mark

your_mark(7)

# %%
quiz("means-of-a-batch")

# %%
from normlab.norms import layer_norm

x = np.random.default_rng(0).standard_normal((2, 5, 4))  # (B, T, D)
_, means, _ = torch.native_layer_norm(torch.tensor(x), [4], None, None, 1e-5)
print(f"PyTorch computes {means.numel()} means, an array {tuple(means.shape)}")

moved = x.copy()
moved[1, 2, 0] += 5  # one feature of one token
change = abs(layer_norm(moved) - layer_norm(x)).max(axis=-1)
print("largest change of each token's output:")
print(change.round(2))

# %% [markdown] tags=["answer"]
# One feature of token $(1, 2)$ was moved, and only that token's output moved, by up to 1.91. The
# other tokens stay where they were, those of the same example too.
#
# **Claim 7: {{ ruling 7 }}.** In a transformer read "token" for "example".

# %% [markdown]
# ## 3. What `normalized_shape` takes ★
#
# How PyTorch is told which axes share a mean.

# %% [markdown]
# The seed's listing says of the next line: *"normalized_shape = dimensions to normalize over (the last
# D dims)"*.

# %%
your_mark(36)

# %%
quiz("normalized-shape")

# %%
from normlab.chapters.layer_norm import describe_layer

tensor = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
for shape in (2, 4, (3, 4)):
    print(describe_layer(shape, tensor))

# %% [markdown] tags=["answer"]
# `nn.LayerNorm((3, 4))` runs too, and sets the mean of a whole example to 0: the token means of a
# row cancel, but none is 0 by itself. It has a gain for every place of every token. For text this
# is wrong; section 7 shows why.
#
# **Claim 36: {{ ruling 36 }}.** The line normalizes over the last 512 features of each token.

# %% [markdown]
# ## 4. The forward pass, traced
#
# The table keeps every intermediate of one token. The last two columns are the mean and the
# variance of the row itself. $\gamma$ and $\beta$ are not 1 and 0 here, as after training.

# %%
quiz("trained-output")

# %%
from normlab.chapters.layer_norm import trace_layer_norm

token = np.array([2.0, -1.0, 3.0, 0.0])
gamma, beta = np.array([1.0, 0.5, 2.0, 1.0]), np.array([0.0, 1.0, -1.0, 0.5])
trace = trace_layer_norm(token, gamma, beta)
trace.table()

# %% [markdown] tags=["answer"]
# Mean 0 holds from the second row on, until $\gamma$ weighs the features differently. Variance 1 is
# that of $\hat x$ alone.

# %% [markdown]
# **Try.** Drag a bar of x, move it by arrow keys, or type a number. Press *x + 1*, *2·x* and *−x*,
# and watch which rows move. Press *one-hot* and compare the largest bar of x̂ with the answer of
# section 1; then give the token more features. Last, drag γ and β.

# %%
from normlab.chapters.layer_norm import grab_token

grab_token()

# %% [markdown]
# ## 5. Stretched, reordered, and computed three times ★
#
# What becomes of the output of $a\,x + b$, of reordered features, and how large it can be.

# %%
quiz("scale-and-sign")

# %%
y = layer_norm(token, eps=0)
print("LN(x)          ", y.round(3))
for a, b in [(2.0, 0.0), (1.0, 100.0), (0.1, -3.0), (-1.0, 0.0), (-2.0, 5.0)]:
    print(f"a = {a:4}, b = {b:5}", layer_norm(a * token + b, eps=0).round(3))

# %% [markdown] tags=["answer"]
# With $\varepsilon$ this holds as long as the variance is far above $\varepsilon$; chapter 03 shows
# where that ends.

# %% [markdown]
# ### Another order of the features
#
# Layer norm knows nothing of the order of the features. Reorder the input, and the output is
# reordered in the same way. Only $\gamma$ and $\beta$ tell one feature from another.

# %%
rng = np.random.default_rng(1)
x32 = rng.standard_normal((32, 512)).astype(np.float32)
gain, shift = rng.standard_normal((2, 512)).astype(np.float32)  # (2, 512) -> (512,), (512,)
order = rng.permutation(512)
for name, parameters in {"no gain": (), "a gain that is not reordered": (gain,)}.items():
    reordered_first = layer_norm(x32[:, order], *parameters)
    difference = abs(reordered_first - layer_norm(x32, *parameters)[:, order]).max()
    print(f"{name:30} LN(reordered x) and reordered LN(x) differ by {difference:.3f}")

# %% [markdown]
# ### The largest output
#
# Is there a token with an output larger than $\sqrt{D-1}$? The next cell searches for one: it
# changes a random token a little, and keeps the change if the largest output grew.

# %%
rng = np.random.default_rng(0)
for features in (4, 9, 16):
    found, best = rng.standard_normal(features), 0.0
    for _ in range(4000):
        trial = found + rng.standard_normal(features)
        largest = layer_norm(trial, eps=0).max()
        if largest > best:
            found, best = trial, largest
    print(f"D = {features:2}: found {best:.2f}, √(D − 1) = {np.sqrt(features - 1):.2f}")

# %% [markdown] tags=["answer"]
# The search comes close and not above. The token that it finds has one large feature, and all
# others are nearly equal.

# %% [markdown]
# ### Three programs
#
# The five lines, `normlab.norms.layer_norm` and `torch.nn.LayerNorm` add in different orders, so
# they do not agree to the last bit. The outputs below reach 7.8, and float32 numbers between 4 and
# 8 are $5\cdot 10^{-7}$ apart. Differences are counted in these steps.

# %% tags=["nbval-ignore-output"]
theirs = nn.LayerNorm(512)
with torch.no_grad():
    theirs.weight.copy_(torch.from_numpy(gain))
    theirs.bias.copy_(torch.from_numpy(shift))
    others = {
        "five lines": five_lines(x32, gain, shift),
        "nn.LayerNorm": theirs(torch.from_numpy(x32)).numpy(),
    }
ours, step = layer_norm(x32, gain, shift), np.spacing(np.float32(4))
print(f"largest output {abs(ours).max():.1f}, step {step:.0e}")
for name, values in others.items():
    print(f"normlab against {name:12} {abs(ours - values).max() / step:.1f} steps")

# %% [markdown]
# ## 6. Who shares a mean and a variance
#
# BatchNorm, LayerNorm, InstanceNorm and GroupNorm use one formula and differ in one decision:
# which numbers share a mean and a variance. RMSNorm leaves the mean out: it makes
# $x/\sqrt{\mathrm{mean}(x^2)+\varepsilon}$ of a token. The cube of the explorer below is one
# activation array of $3 \times 4 \times 6$ numbers. The solid cubelets with black edges share the
# statistics of the number that carries the white dot.
#
# Three layouts are in use.
#
# - Text is $(B, T, D)$: a position is a token, and layer norm shares over $D$ only.
# - Images are $(B, C, P)$: the features are channels and the positions are pixels. Layer norm
#   shares over the whole image, as in Fig. 2 of Wu & He (2018), who write $N$, $C$ and $H, W$.
# - Swin, ConvNeXt and vision transformers treat images $(B, P, C)$ like text: layer norm takes
#   each position by itself, over its channels (Liu et al. 2021 and 2022).

# %%
quiz("shared-in-batch-norm")

# %%
from normlab.chapters.layer_norm import TEXT, Sharing

print("TEXT, 3 examples × 4 tokens × 6 features\n")
print(Sharing(TEXT).table())

# %% [markdown] tags=["answer"]
# The table is for 3 × 4 × 6 numbers, as the cube. GroupNorm makes two groups of three features here.
# RMSNorm shares the same numbers as LayerNorm, but computes only their mean *square*; there is no
# mean in it.

# %% [markdown]
# **Explorer.** The slider walks the dotted number through the cube, one coordinate at a time:
# first along the features, then down the positions, then to the other examples. For each norm,
# find the steps at which the group *changes*, and the steps at which it stays. A norm depends on
# the batch when the group reaches over several examples: find the one norm of which that is true.
# Then change the layout to images, and to images by position, and look at LayerNorm again.

# %%
from normlab.chapters.layer_norm import explore_sharing

explore_sharing()

# %% [markdown] tags=["answer"]
# Only BatchNorm's group reaches over several examples. In images LayerNorm's group changes with the
# example alone; position by position it is that of text again.

# %% [markdown]
# ## 7. The cube, measured, and padding ★
#
# Move one input of the real functions, and see which outputs move; then add padding.

# %% [markdown]
# If the cube is true, every output that shares statistics with the moved input must move, and no
# other may.

# %%
quiz("outputs-that-move")

# %%
from normlab import Table
from normlab.chapters.layer_norm import influenced
from normlab.norms import batch_norm, rms_norm


def features_first(norm):
    """torch wants (B, D, T) where we have (B, T, D)."""
    return lambda x: norm(torch.tensor(x).transpose(1, 2)).transpose(1, 2).numpy()


def group_norm(groups):
    return features_first(lambda x: F.group_norm(x, groups))


text_norms = {
    "BatchNorm": batch_norm,
    "LayerNorm": layer_norm,
    "RMSNorm": rms_norm,
    "InstanceNorm": features_first(F.instance_norm),
    "GroupNorm": group_norm(2),
}
x = np.random.default_rng(2).standard_normal((3, 4, 6))  # (B, T, D)
place = (1, 2, 3)
rows = []
for name, norm in text_norms.items():
    moved, drawn = influenced(norm, x, place), Sharing(TEXT).group(name, place)
    rows.append((name, moved.sum(), drawn.sum(), (moved != drawn).sum()))
for groups in (1, 3, 6):
    rows.append((f"GroupNorm, {groups}", influenced(group_norm(groups), x, place).sum(), "–", "–"))
Table(("norm", "outputs that moved", "cubelets drawn", "differ"), rows)

# %% [markdown] tags=["answer"]
# The cube is right for these five functions: 0 of 72 outputs differ from what it shows. The tests
# of this course check both layouts at every place.

# %% [markdown]
# ### Padding
#
# Sentences of a batch are filled up to one length with padding tokens. Padding must not change what
# the model says about the sentence. A group that reaches over tokens reaches into the padding.

# %%
quiz("padding-safe")


# %%
def over_tokens_and_features(x):
    mean = x.mean(axis=(1, 2), keepdims=True)  # (B, T, D) -> (B, 1, 1)
    variance = x.var(axis=(1, 2), keepdims=True)  # (B, T, D) -> (B, 1, 1)
    return (x - mean) / np.sqrt(variance + 1e-5)


padded = np.concatenate([x, np.zeros((3, 4, 6))], axis=1)  # two of (3, 4, 6) -> (3, 8, 6)
for name, norm in {**text_norms, "LN over (T, D)": over_tokens_and_features}.items():
    change = abs(norm(padded)[:, :4] - norm(x)).max()
    print(f"{name:14} largest change: {change:.2f}")

# %% [markdown] tags=["answer"]
# BatchNorm, InstanceNorm and GroupNorm change the words of the sentence by about 1. So does layer
# norm over $(T, D)$, which `nn.LayerNorm((T, D))` computes: the padding pulls the common mean and
# variance towards zero.

# %% [markdown]
# ## 8. How many gains and shifts ★
#
# What the seed text says of gains and shifts.

# %%
your_mark(6)

# %%
quiz("gains-of-an-image")

# %%
for layer in (nn.BatchNorm2d(16), nn.LayerNorm((16, 4, 4)), nn.GroupNorm(1, 16)):
    name, shape = type(layer).__name__, tuple(layer.weight.shape)
    print(f"{name:12} gains {shape!s:12} {layer.weight.numel()}")

# %% [markdown] tags=["answer"]
# GroupNorm with one group takes LayerNorm's statistics and BatchNorm's 16 gains. For $(B, T, D)$,
# where only the feature axis is normalized, the sentence is true.
#
# **Claim 6: {{ ruling 6 }}.** Chapter 03 has the part about ε.

# %% [markdown]
# ## 9. The batch
#
# The group of BatchNorm reaches over the examples. So the output for one example depends on which
# others happen to stand in its batch.

# %%
quiz("spread-by-batch-size")

# %%
from normlab.chapters.layer_norm import companions

examples = [companions(seed=seed) for seed in range(60)]
for name in ("BatchNorm", "LayerNorm"):
    spreads = [[example.spread(name, n) for n in (1, 2, 4, 16, 64)] for example in examples]
    print(f"{name}, mean of 60 examples:", np.mean(spreads, axis=0).round(1))

# %% [markdown] tags=["answer"]
# LayerNorm's output does not move. A library may add in another order when the array is larger,
# which changes the last bit, and no more.

# %% [markdown]
# ### A batch of one

# %%
quiz("batch-of-one")

# %%
from normlab.norms import batch_norm

ones, half = np.ones(4), np.full(4, 0.5)
for values in ([1.0, 2.0, 3.0, 6.0], [-40.0, 0.0, 7.0, 1e6]):
    one_example = np.array([values])  # (1, 4)
    print("input     ", values)
    print("batch_norm", batch_norm(one_example, ones, half)[0].tolist())
    print("layer_norm", layer_norm(one_example, ones, half)[0].round(3).tolist())

# %% [markdown] tags=["answer"]
# LayerNorm still tells the two inputs apart. PyTorch's `BatchNorm1d` refuses such a batch in
# training, with "Expected more than 1 value per channel". In eval mode it runs, on stored
# statistics.

# %% [markdown]
# ## 10. Among other companions, and a batch of one image ★
#
# Section 9 as an explorer, PyTorch's error message, and a batch of one that works.

# %% [markdown]
# **Explorer.** The coloured line is the example's output among the chosen companions; the grey
# lines are the same example's output among the other sets. The right panel has grey lines too:
# they lie under the blue one. Move the batch size down to 1, one step at a time, and look at the
# left panel at 2 and at 1. The last control draws the companions from numbers with another mean.

# %% tags=["answer"]
from normlab.chapters.layer_norm import explore_companions

explore_companions()

# %% [markdown] tags=["answer"]
# At batch size 2 BatchNorm leaves of each feature only which of the two examples has more of it: +1
# or −1. At 1 it leaves 0.

# %% tags=["answer"]
one_example = torch.tensor([[1.0, 2.0, 3.0, 6.0]])
try:
    nn.BatchNorm1d(4).train()(one_example)
except ValueError as error:
    print(type(error).__name__, "-", error)

print("in eval mode:", nn.BatchNorm1d(4).eval()(one_example).shape)
print("LayerNorm, train mode:", nn.LayerNorm(4).train()(one_example).shape)

# %% [markdown]
# A batch of one *image* still has many numbers for each channel, as one text has $T$ tokens. What
# does BatchNorm do there?

# %%
quiz("one-image")

# %%
image = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(0))
for name, other in {
    "LayerNorm": F.layer_norm(image, [16, 8, 8]),
    "InstanceNorm": F.instance_norm(image),
    "GroupNorm, 2 groups": F.group_norm(image, 2),
}.items():
    difference = (nn.BatchNorm2d(16)(image) - other).abs().max().item()
    print(f"BatchNorm of one image and {name:19} differ by at most {difference:.5f}")

# %% [markdown]
# ## 11. Training and inference
#
# At inference one wants an answer that does not depend on the other requests. BatchNorm therefore
# keeps a running mean and variance during training and uses them in eval mode
# (Ioffe & Szegedy 2015, Algorithm 2). It is two functions under one name.

# %%
quiz("stored-statistics")

# %% [markdown]
# The running statistics below come from 200 batches of random numbers with mean 0 and standard
# deviation 1. Then the inputs change: they are multiplied by 2, and 3 is added.

# %%
quiz("shifted-inputs")

# %%
from normlab.chapters.layer_norm import draw_shift, shift_study
from normlab.pictures import new_figure

shifted = shift_study(offset=3.0, scale=2.0)
fig, axes = new_figure(columns=2)
draw_shift(shifted, axes)
print(shifted.table())

# %% [markdown] tags=["answer"]
# BatchNorm's outputs have mean 3 and standard deviation 2. LayerNorm takes its statistics from the
# token in front of it, so its outputs look as before.

# %% [markdown]
# ## 12. "No `model.eval()` switch needed" ★
#
# The seed text says that training and inference are identical.

# %% [markdown]
# A whole model often has [dropout](glossary.ipynb) too.

# %%
your_mark(1, 8)

# %%
quiz("dropout-and-eval")

# %%
batch = 1 + 2 * torch.randn(8, 4, generator=torch.Generator().manual_seed(0))  # (B, D)
for layer in (nn.BatchNorm1d(4), nn.LayerNorm(4)):
    in_training, at_inference = layer.train()(batch), layer.eval()(batch)
    difference = (in_training - at_inference).abs().max().item()
    buffers = [name for name, _ in layer.named_buffers()]
    print(f"{type(layer).__name__:12} train against eval: {difference:.2f}, buffers: {buffers}")

torch.manual_seed(0)
for block in (nn.LayerNorm(4), nn.Sequential(nn.LayerNorm(4), nn.Dropout(0.5))):
    for mode in ("train", "eval"):
        getattr(block, mode)()
        difference = (block(batch) - block(batch)).abs().max().item()
        print(f"{type(block).__name__:11} {mode:6} two calls differ by at most {difference:.2f}")

# %% [markdown] tags=["answer"]
# LayerNorm has no [buffers](glossary.ipynb): nothing to store, and nothing to bring together when
# several machines train one model. BatchNorm's two answers are far apart because its running
# statistics have seen one batch only.
#
# **Claim 8: {{ ruling 8 }}.** Of LayerNorm alone the sentence is true.

# %% [markdown]
# ## 13. A shift that features do not share ★
#
# The shift of section 11 was the same for all features. Here it is not.

# %%
quiz("half-and-half")

# %%
tokens = np.random.default_rng(3).standard_normal((1000, 16))
push = np.where(np.arange(16) < 8, 3.0, -3.0)  # (16,)
for name, inputs in {"all + 3": tokens + 3, "half + 3, half − 3": tokens + push}.items():
    y = layer_norm(inputs)
    print(f"{name:20} token means {abs(y.mean(axis=-1)).max():.2f}", end="   ")
    print(f"mean of feature 0: {abs(y[:, 0].mean()):.2f}")

# %% [markdown] tags=["answer"]
# Each token still has mean 0, but feature 0 has not. Layer norm removes what all features of a
# token have in common. A shift that differs between features goes through.

# %% [markdown]
# ## 14. Recurrent networks ★
#
# What layer norm does where BatchNorm has no statistics.

# %% [markdown]
# In a recurrent network the same layer runs at every time step. BatchNorm would need statistics
# for each step, and has none for a sequence longer than those of training (Ba et al. 2016,
# section 3.1). Layer norm needs one line, with one $\gamma$ and $\beta$ for all steps. It stands
# before the tanh, on the [pre-activation](glossary.ipynb) $z$.

# %%
your_mark(5, 9)

# %%
quiz("saturated-states")

# %%
from normlab.chapters.layer_norm import draw_states
from normlab.pictures import new_figure

rng = np.random.default_rng(0)
inputs = rng.standard_normal((100, 3, 32))  # (T, B, D)
w_x, w_h = rng.standard_normal((2, 32, 32))  # (2, D, D) -> (D, D), (D, D)


def recurrent_states(inputs, norm):
    h = np.zeros(inputs.shape[1:])  # (B, D)
    for x_t in inputs:
        z = norm(x_t @ w_x + h @ w_h)  # the one line
        h = np.tanh(z)
    return h, z


states = {}
for name, norm in {"no norm": lambda z: z, "layer norm": layer_norm}.items():
    states[name], z = recurrent_states(inputs, norm)
    beyond, slope = (abs(states[name]) > 0.99).mean(), (1 - states[name] ** 2).mean()
    print(f"{name:10} std of z {z.std():.1f}, beyond ±0.99 {beyond:.0%}, mean slope {slope:.2f}")

alone, _ = recurrent_states(inputs[:, :1], layer_norm)  # the first sequence by itself
difference = abs(alone[0] - states["layer norm"][0]).max()
print(f"alone and among others the states differ by {difference:.6f}")
fig, axes = new_figure(columns=2, height=2.6, sharey=True)
draw_states(states, axes)

# %% [markdown] tags=["answer"]
# Without a norm most states lie at the ends, where tanh is flat. With layer norm hardly any do, and
# the mean slope of tanh stays at 0.6. The statistics belong to one example and one time step, so
# a sequence gets the same states alone and in a batch.
#
# **Claim 5: {{ ruling 5 }}.** **Claim 9: {{ ruling 9 }}.** An LSTM has more than one pre-activation, and the norm has more than
# one place in it; chapter 09 takes it apart.

# %% [markdown]
# ## The exercise
#
# Write the function of this chapter yourself: [exercise 01](../exercises/01_layer_norm.ipynb).
# `check(layer_norm)` recognizes about twenty common mistakes, most of the wrong answers above among
# them, and names yours.

# %% [markdown]
# ## Recap

# %% [markdown] tags=["answer"]
# 1. Layer norm of $(1, 0, 0, 0)$ has the largest value $\sqrt 3$. The variance divides by $D$.
# 2. In $(B, T, D)$ there is one mean and one variance per *token*: 10 of them for $(2, 5, 4)$.
# 3. Only $\hat x$ has mean 0 and variance 1; $\gamma$ and $\beta$ may give the output any.
# 4. In a text cube of 3 × 4 × 6, LayerNorm has 12 groups of 6 numbers, BatchNorm 6 of 12. Only
#    BatchNorm's groups hold more than one example.
# 5. At batch size 1, BatchNorm gives $\beta$ for every input. LayerNorm does not notice the batch.
# 6. After a shift of the inputs by 3, BatchNorm's outputs at inference have mean 3; LayerNorm's
#    tokens have mean 0.
#
# | Claim | The seed text says | Verdict |
# |--:|---|---|
# | 5 | LN addresses *"small-batch instability and the inability to normalize recurrent […]"* | {{ ruling 5 }} |
# | 6 | Scale and shift per feature, as in BatchNorm | {{ ruling 6 }} |
# | 7 | Statistics per example | {{ ruling 7 }} |
# | 1 | *"no running statistics are needed, and why it works at batch size 1"* | {{ ruling 1 }} |
# | 8 | No `model.eval()` needed | {{ ruling 8 }} |
# | 9 | Works inside RNNs at each time step | {{ ruling 9 }} |

# %% [markdown]
# ## Sources
#
# - Ba, Kiros & Hinton 2016, *Layer Normalization*, section 3 and (recurrent networks)
#   section 3.1, arXiv:1607.06450.
# - Ioffe & Szegedy 2015, *Batch Normalization*, Algorithms 1 and 2, arXiv:1502.03167.
# - Liu et al. 2021, *Swin Transformer*, arXiv:2103.14030; Liu et al. 2022, *A ConvNet for the
#   2020s* (ConvNeXt), arXiv:2201.03545.
# - Ulyanov, Vedaldi & Lempitsky 2016, *Instance Normalization*, arXiv:1607.08022.
# - Wu & He 2018, *Group Normalization*, section 3 and Fig. 2, arXiv:1803.08494.
# - Zhang & Sennrich 2019, *Root Mean Square Layer Normalization*, Eq. 4, arXiv:1910.07467.
#
# {{ next chapter }}

# %% [markdown]
# A chapter is read when its predictions are answered. What surprised you here:

# %% tags=["nbval-ignore-output"]
from normlab import my_progress

my_progress("01")
