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

# %% [markdown]
# ## 1. Five lines
#
# A token is a vector $x$ of $D$ features. Layer norm subtracts its mean, divides by its standard
# deviation, and then lets the model scale and shift each feature:
#
# $$\mu = \frac1D\sum_d x_d \qquad \sigma^2 = \frac1D\sum_d (x_d-\mu)^2 \qquad
# y = \gamma \odot \frac{x-\mu}{\sqrt{\sigma^2+\varepsilon}} + \beta$$
#
# The gain $\gamma$ and the shift $\beta$ are learned; they start at 1 and 0. The small
# $\varepsilon$ keeps the root away from 0. As code it is five lines.

# %%
from normlab import quiz

quiz("one-hot")

# %%
import numpy as np


def five_lines(x, gamma, beta, eps=1e-5):
    mean = x.mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    centered = x - mean
    variance = (centered**2).mean(axis=-1, keepdims=True)  # (..., D) -> (..., 1)
    normalized = centered / np.sqrt(variance + eps)
    return gamma * normalized + beta


one_hot = np.array([1.0, 0.0, 0.0, 0.0])
print(five_lines(one_hot, gamma=1, beta=0).round(3))

# %% [markdown]
# (c). The mean is $1/4$ and the variance $3/16$, so the output is
# $\tfrac34 / \sqrt{3/16} = \sqrt 3 = 1.732$. No larger output is possible with $D = 4$ and
# $\gamma = 1$: the limit is $\sqrt{D-1}$.
#
# A statistician may expect (b). The *unbiased* variance divides by $D - 1$. Layer norm does not.
# The next cell asks PyTorch.

# %%
import torch
import torch.nn.functional as F

centered = one_hot - one_hot.mean()
for name, largest in {
    "variance divided by D    ": (centered / one_hot.std(ddof=0)).max(),
    "variance divided by D − 1": (centered / one_hot.std(ddof=1)).max(),
    "torch F.layer_norm       ": F.layer_norm(torch.tensor(one_hot), [4]).max().item(),
}.items():
    print(name, f"{largest:.3f}")

# %% [markdown]
# ## 2. One mean per token
#
# In a transformer the activations have the shape $(B, T, D)$: $B$ examples, $T$ tokens each,
# $D$ features.

# %%
quiz("means-of-a-batch")

# %%
from normlab.norms import layer_norm

rng = np.random.default_rng(0)
x = rng.standard_normal((2, 3, 4))  # (B, T, D)
means = x.mean(axis=-1)  # (B, T, D) -> (B, T)
print("means:", means.shape, "so", means.size)

moved = x.copy()
moved[1, 2, 0] += 5  # one feature of token (b=1, t=2)
change = abs(layer_norm(moved) - layer_norm(x)).max(axis=-1)  # (B, T, D) -> (B, T)
print("largest change of each token's output:")
print(change.round(2))

# %% [markdown]
# (d). Each token is alone with itself. One feature of token $(1, 2)$ was moved, and only that
# token's output moved. The other token rows stay where they were, those of the same example
# too.
#
# The seed text says: *"normalize over the feature dimension of each example independently"*, and
# that the statistics are *"computed per-example, not per-batch"*. **Verdict: imprecise for
# sequences.** Read "per token" where $x$ is $(B, T, D)$.
#
# ### Sizes, not an axis
#
# `torch.nn.LayerNorm` is told what to normalize over by `normalized_shape`.

# %%
quiz("normalized-shape")

# %%
from torch import nn

tensor = torch.tensor(x, dtype=torch.float32)  # (2, 3, 4)
try:
    nn.LayerNorm(2)(tensor)
except RuntimeError as error:
    print(str(error).splitlines()[0])

for shape in (4, (3, 4)):
    layer = nn.LayerNorm(shape)
    print(f"LayerNorm({shape}) has weights of shape {tuple(layer.weight.shape)}; token means:")
    print(layer(tensor).mean(dim=-1).detach().numpy().round(2) + 0.0)  # (B, T, D) -> (B, T)

# %% [markdown]
# (c). `normalized_shape` lists the trailing *sizes* of $x$. `nn.LayerNorm(4)` has four gains and
# four shifts. All six tokens share them: feature 0 has one gain, in whatever token it stands.
#
# `nn.LayerNorm((3, 4))` runs too, and sets the mean of a whole example to 0: the token means of
# a row cancel, but none is 0 by itself. It has a gain for every place of every token. For text
# this is wrong, and the next experiment shows why. Sentences of a batch are filled up to one length with
# padding tokens. Padding must not change what the model says about the sentence.
#
# **Predict.** Five zero tokens are put after the three tokens of each example. Which of the two
# changes the output of the first three tokens? (a) neither (b) LN over $D$
# (c) LN over $(T, D)$ (d) both

# %%
padded = np.concatenate([x, np.zeros((2, 5, 4))], axis=1)  # (2, 3, 4), (2, 5, 4) -> (2, 8, 4)


def over_tokens_and_features(x):
    mean = x.mean(axis=(1, 2), keepdims=True)  # (B, T, D) -> (B, 1, 1)
    variance = x.var(axis=(1, 2), keepdims=True)  # (B, T, D) -> (B, 1, 1)
    return (x - mean) / np.sqrt(variance + 1e-5)


for name, norm in {"over D": layer_norm, "over (T, D)": over_tokens_and_features}.items():
    change = abs(norm(padded)[:, :3] - norm(x)).max()
    print(f"LN {name:12} largest change: {change:.2f}")

# %% [markdown]
# (c). Over $(T, D)$ the padding pulls the common mean and variance towards zero, and every word
# of the sentence changes. Over $D$ nothing changes: token-wise layer norm is safe with padding.

# %% [markdown]
# ## 3. The forward pass, traced
#
# The table keeps every intermediate of one token. The last two columns are the mean and the
# variance of the row itself.
#
# **Predict.** $\gamma$ and $\beta$ are not 1 and 0 here, as after training. Which rows of the table
# have mean 0?

# %%
quiz("trained-output")

# %%
from normlab.chapters.layer_norm import trace_layer_norm

token = np.array([2.0, -1.0, 3.0, 0.0])
gamma, beta = np.array([1.0, 0.5, 2.0, 1.0]), np.array([0.0, 1.0, -1.0, 0.5])
trace = trace_layer_norm(token, gamma, beta)
trace.table()

# %% [markdown]
# Mean 0: from the second row on, until $\gamma$ weighs the features differently. Variance 1:
# only $\hat x$. The output of a trained layer norm has neither, in general. What is fixed is
# $\hat x$; the model chooses the rest.
#
# **Explorer.** Page through the steps with the arrow keys. The dotted outlines are the step
# before; below each bar stands what was done to it. Stop at $\hat x$ and change the token. Look
# for the tokens that give the same $\hat x$, and for the one whose bars are mirrored. Then take
# the outlier: its $\hat x$ is close to the limit $\sqrt{D-1} = 2.24$, however large it is.

# %%
from normlab.chapters.layer_norm import explore_traced_token

explore_traced_token()

# %% [markdown]
# ### Three programs, one function
#
# The five lines, `normlab.norms.layer_norm` and `torch.nn.LayerNorm` should agree. They do not
# agree to the last bit, because they add in different orders. The outputs below reach 10, and
# float32 numbers near 10 are $10^{-6}$ apart: a difference of a few such steps is rounding.

# %%
x32 = rng.standard_normal((32, 512)).astype(np.float32)
gain, shift = rng.standard_normal((2, 512)).astype(np.float32)  # (2, 512) -> (512,), (512,)
ours = layer_norm(x32, gain, shift)

theirs = nn.LayerNorm(512)
with torch.no_grad():
    theirs.weight.copy_(torch.from_numpy(gain))
    theirs.bias.copy_(torch.from_numpy(shift))
    torchs = theirs(torch.from_numpy(x32)).numpy()

print(
    "normlab against five lines: below 1e-5:", abs(ours - five_lines(x32, gain, shift)).max() < 1e-5
)
print("normlab against nn.LayerNorm: below 1e-5:", abs(ours - torchs).max() < 1e-5)
print("largest output:", f"{abs(ours).max():.1f}")

# %% [markdown]
# ### Scale, shift, reorder
#
# **Predict.** $x$ is replaced by $a\,x + b$. For which $a$ and $b$ does the output stay?
# (a) only $a = 1$, $b = 0$ (b) every $a > 0$, every $b$ (c) every $a \neq 0$, every $b$

# %%
y = layer_norm(token, eps=0)
print("LN(x)          ", y.round(3))
for a, b in [(2.0, 0.0), (1.0, 100.0), (0.1, -3.0), (-1.0, 0.0), (-2.0, 5.0)]:
    print(f"a = {a:4}, b = {b:5}", layer_norm(a * token + b, eps=0).round(3))

# %% [markdown]
# (b). A negative $a$ flips the sign: $\text{LN}(a\,x + b) = \operatorname{sign}(a)\,\text{LN}(x)$
# when $\varepsilon = 0$. With $\varepsilon$ it holds as long as the variance is far above
# $\varepsilon$; chapter 03 shows where that ends.
#
# Layer norm also knows nothing of the order of the features. Reorder the input, and the output is
# reordered in the same way. Only $\gamma$ and $\beta$ tell one feature from another.

# %%
order = rng.permutation(512)
same = np.allclose(layer_norm(x32[:, order]), layer_norm(x32)[:, order], atol=1e-5)
print("LN(reordered x) = reordered LN(x):", same)
same = np.allclose(layer_norm(x32[:, order], gain), layer_norm(x32, gain)[:, order], atol=1e-5)
print("the same with a gain that is not reordered:", same)

# %% [markdown]
# ## 4. Who shares a mean and a variance
#
# BatchNorm, LayerNorm, InstanceNorm and GroupNorm use one formula and differ in one decision:
# which numbers share a mean and a variance. RMSNorm leaves the mean out. The cube below is one
# activation array of $3 \times 4 \times 6$ numbers. The solid cubelets with black edges share the
# statistics of the number that carries the white dot.
#
# Two layouts are in use. Text is $(B, T, D)$: a position is a token, and layer norm shares over
# $D$ only. Images are $(N, C, H{\cdot}W)$: a position is a pixel, the features are channels, and
# layer norm shares over the whole image, $(C, H{\cdot}W)$, as in Fig. 2 of Wu & He (2018).
#
# **Predict.** One number belongs to example 1, token 2, feature 3. In text, with how many
# numbers, itself included, does it share its mean in LayerNorm? In BatchNorm?
# (a) 6 and 12 (b) 24 and 3 (c) 6 and 3 (d) 4 and 12

# %%
from normlab.chapters.layer_norm import IMAGES, TEXT, Sharing

print("TEXT, 3 examples × 4 tokens × 6 features\n")
print(Sharing(TEXT).table())
print("\nIMAGES, 3 images × 6 channels × 4 pixels\n")
print(Sharing(IMAGES).table())

# %% [markdown]
# (a). GroupNorm makes two groups of three features here. RMSNorm shares the same numbers as
# LayerNorm, but computes only their mean *square*; there is no mean in it.
#
# **Explorer.** The slider walks the dotted number through the cube, one coordinate at a time:
# first along the features, then down the positions, then to the other examples. For each norm,
# find the steps at which the group *changes*, and the steps at which it stays. A norm depends on
# the batch when the group reaches over several examples: find the one norm of which that is true.
# Then change the layout to images and look at LayerNorm again.

# %%
from normlab.chapters.layer_norm import explore_sharing

explore_sharing()

# %% [markdown]
# ### Is the picture true?
#
# It can be measured. Move one input, and see which outputs move. Every output that shares
# statistics with it must, and no other may.
#
# **Predict.** Is there a norm in which more outputs move than the cube shows?

# %%
from normlab import Table
from normlab.chapters.layer_norm import influenced
from normlab.norms import batch_norm, rms_norm


def features_first(norm):
    """torch wants (B, D, T) where we have (B, T, D)."""
    return lambda x: norm(torch.tensor(x).transpose(1, 2)).transpose(1, 2).numpy()


text_norms = {
    "BatchNorm": batch_norm,
    "LayerNorm": layer_norm,
    "RMSNorm": rms_norm,
    "InstanceNorm": features_first(F.instance_norm),
    "GroupNorm": features_first(lambda x: F.group_norm(x, num_groups=2)),
}
x = rng.standard_normal((3, 4, 6))  # (B, T, D)
place = (1, 2, 3)
rows = []
for name, norm in text_norms.items():
    moved, drawn = influenced(norm, x, place), Sharing(TEXT).group(name, place)
    rows.append((name, moved.sum(), drawn.sum(), bool((moved == drawn).all())))
Table(("norm", "outputs that moved", "cubelets drawn", "the same ones"), rows)

# %% [markdown]
# No. The cube is right for these five functions; the tests of this course check both layouts at
# every place.
#
# ### What the cube says about padding
#
# The cube has five norms on text. A group that reaches over tokens reaches into the padding.

# %%
quiz("padding-safe")

# %%
padded = np.concatenate([x, np.zeros((3, 4, 6))], axis=1)  # two of (3, 4, 6) -> (3, 8, 6)
for name, norm in text_norms.items():
    change = abs(norm(padded)[:, :4] - norm(x)).max()
    print(f"{name:13} largest change: {change:.2f}")

# %% [markdown]
# LayerNorm and RMSNorm: their groups stay inside one token. The other three reach along $T$. So
# LayerNorm is not InstanceNorm, which keeps each feature apart and shares over the tokens. And
# BatchNorm on $(B, T, D)$ does not work per token: it is per feature, over all $B \cdot T$
# tokens, padding included.
#
# ### How many gains and shifts
#
# The seed text says of scale and shift: *"What is the same as BatchNorm: learned scale and shift
# per feature"*. For $(B, T, D)$ that is so. **Predict.** And for images with 16 channels of
# 8 × 8 pixels?

# %%
for layer in (nn.BatchNorm2d(16), nn.LayerNorm((16, 8, 8)), nn.GroupNorm(1, 16)):
    name, shape = type(layer).__name__, tuple(layer.weight.shape)
    print(f"{name:12} gains {shape!s:12} {layer.weight.numel()}")

# %% [markdown]
# BatchNorm has one gain per channel, 16. LayerNorm has one for each number of the image,
# 16 · 8 · 8 = 1024: its parameters have the shape `normalized_shape`. GroupNorm with one group
# takes LayerNorm's statistics and BatchNorm's parameters. **Verdict: imprecise.** It holds where
# only the feature axis is normalized.

# %% [markdown]
# ## 5. The batch
#
# The group of BatchNorm reaches over the examples. So the output for one example depends on which
# others happen to stand in its batch.
#
# **Predict.** One example is put into batches of 4 with other companions each time. What moves?
# (a) both outputs (b) only BatchNorm's (c) only LayerNorm's (d) neither
#
# **Explorer.** The coloured line is the example's output among the chosen companions; the grey
# lines are the same example's output among the other sets. The right panel has grey lines too:
# they lie under the blue one. Move the batch size down to 1, one step at a time, and look at the
# left panel at 2 and at 1.

# %%
from normlab.chapters.layer_norm import explore_companions

explore_companions()

# %% [markdown]
# (b). In a batch of 64 the grey lines are close together: a mean over many examples hardly
# depends on which they are. As the batch shrinks they spread. The table gives the spread: how far
# the most affected feature of the example moves between six sets of companions.

# %%
from normlab.chapters.layer_norm import companions

study = companions()
sizes = (1, 2, 4, 16, 64)
Table(
    ("batch size", "BatchNorm", "LayerNorm"),
    [(n, *(f"{study.spread(norm, n):.2f}" for norm in ("BatchNorm", "LayerNorm"))) for n in sizes],
)

# %% [markdown]
# At batch size 2 every output is close to +1 or −1: it only tells which of the two examples is
# the larger. So the spread is 2. LayerNorm's spread is rounding at most: a library may add in
# another order when the array is larger, which changes the last bit. At batch size 1 the spread
# is 0, but not because all is well.
#
# ### Batch size 1
#
# **Predict.** A batch of one example, $\gamma = 1$, $\beta = 0.5$. What does BatchNorm give?
# (a) the input (b) 0.5 in every feature (c) NaN (d) it depends on the input

# %%
ones, half = np.ones(4), np.full(4, 0.5)
for values in ([1.0, 2.0, 3.0, 6.0], [-40.0, 0.0, 7.0, 1e6]):
    one_example = np.array([values])  # (1, 4)
    print("input     ", values)
    print("batch_norm", batch_norm(one_example, ones, half)[0].tolist())
    print("layer_norm", layer_norm(one_example, ones, half)[0].round(3).tolist())

# %% [markdown]
# (b). The mean of one number is that number, so $x - \mu = 0$, and the output is $\beta$. Any
# input gives the same output: the layer has forgotten it. PyTorch refuses instead:

# %%
one_example = torch.tensor([[1.0, 2.0, 3.0, 6.0]])
try:
    nn.BatchNorm1d(4).train()(one_example)
except ValueError as error:
    print(type(error).__name__, "-", error)

print("in eval mode:", nn.BatchNorm1d(4).eval()(one_example).shape)
print("LayerNorm, train mode:", nn.LayerNorm(4).train()(one_example).shape)

# %% [markdown]
# Two limits of this result. In eval mode BatchNorm runs, on remembered statistics. And a batch of
# one *image* still has $H \cdot W$ numbers for each channel, as one text has $T$ tokens. There
# BatchNorm does not fail; it becomes another norm.
#
# **Predict.** Which one?

# %%
image = torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(0))  # (N, C, H, W)
same = torch.allclose(nn.BatchNorm2d(16)(image), F.instance_norm(image), atol=1e-5)
print("BatchNorm of one image = InstanceNorm:", same)

# %% [markdown]
# ### Training and inference
#
# At inference one wants an answer that does not depend on the other requests. BatchNorm therefore
# keeps a running mean and variance during training and uses them in eval mode
# (Ioffe & Szegedy 2015, Algorithm 2). It is two functions under one name.
#
# **Predict.** One batch, one layer, once in train mode and once in eval mode. How large is the
# difference for each norm?

# %%
batch = 1 + 2 * torch.randn(8, 4, generator=torch.Generator().manual_seed(0))  # (B, D)
for layer in (nn.BatchNorm1d(4), nn.LayerNorm(4)):
    in_training, at_inference = layer.train()(batch), layer.eval()(batch)
    difference = (in_training - at_inference).abs().max().item()
    print(f"{type(layer).__name__:12} train against eval: {difference:.2f}")
    print("             remembers:", [name for name, _ in layer.named_buffers()])

# %% [markdown]
# LayerNorm has no buffers: nothing to remember, nothing to forget, nothing to keep in step
# between machines. BatchNorm's answer above is far off because its running statistics have seen
# one batch only.
#
# Suppose that they have seen many. **Predict.** The running statistics come from 200 batches of
# $N(0, 1)$. Then the inputs change to $2 \cdot N(0,1) + 3$. What mean and standard deviation do
# BatchNorm's outputs have at inference? And LayerNorm's?

# %%
from normlab.chapters.layer_norm import draw_shift, shift_study
from normlab.pictures import new_figure

shifted = shift_study(offset=3.0, scale=2.0)
fig, axes = new_figure(columns=2)
draw_shift(shifted, axes)
print(shifted.table())

# %% [markdown]
# BatchNorm passes the change on: mean 3, standard deviation 2. It subtracts what used to be the
# mean. LayerNorm takes its statistics from the token in front of it, so its outputs look as
# before.
#
# This does not mean that LayerNorm undoes every shift. It removes what all features of a token
# have in common. **Predict.** What if the shift adds 3 to half of the features and −3 to the
# other half?

# %%
tokens = rng.standard_normal((1000, 16))
push = np.where(np.arange(16) < 8, 3.0, -3.0)  # (16,)
for name, inputs in {"all + 3": tokens + 3, "half + 3, half − 3": tokens + push}.items():
    y = layer_norm(inputs)
    print(f"{name:20} token means {abs(y.mean(axis=-1)).max():.2f}", end="   ")
    print(f"mean of feature 0: {abs(y[:, 0].mean()):.1f}")

# %% [markdown]
# Each token still has mean 0, but feature 0 has not: a shift that differs between features goes
# through layer norm.
#
# ### "No `model.eval()` switch needed"
#
# The seed text says: *"Train and inference are identical — no running statistics, no model.eval()
# switch needed"*.

# %%
quiz("dropout-and-eval")

# %%
torch.manual_seed(0)
for block in (nn.LayerNorm(4), nn.Sequential(nn.LayerNorm(4), nn.Dropout(0.5))):
    for mode in ("train", "eval"):
        getattr(block, mode)()
        same = torch.equal(block(batch), block(batch))
        print(f"{type(block).__name__:11} {mode:6} two calls agree: {same}")

# %% [markdown]
# **Verdict: imprecise.** It is true of LayerNorm. A model with dropout still needs `eval()`.
#
# ### Recurrent networks
#
# In a recurrent network the same layer runs at every time step. BatchNorm would need statistics
# for each step, and has none for a sequence longer than those of training (Ba et al. 2016,
# section 3.1). Layer norm needs one line, with one $\gamma$ and $\beta$ for all steps.
#
# **Predict.** The recurrent weights are large. After 100 steps, what is the standard deviation of
# the pre-activation $a$ before the norm, and after?

# %%
inputs = rng.standard_normal((100, 3, 32))  # (T, B, D)
w_x, w_h = rng.standard_normal((2, 32, 32))  # (2, D, D) -> (D, D), (D, D)


def recurrent_states(inputs):
    h = np.zeros(inputs.shape[1:])  # (B, D)
    for x_t in inputs:
        a = x_t @ w_x + h @ w_h
        h = np.tanh(layer_norm(a))  # the one line
    return h, a


h, a = recurrent_states(inputs)
alone, _ = recurrent_states(inputs[:, :1])  # the first sequence, without the other two
print(
    f"std of a after 100 steps, before the norm: {a[0].std():.1f}, after: {layer_norm(a)[0].std():.1f}"
)
print("alone as among others:", np.allclose(alone[0], h[0]))

# %% [markdown]
# The statistics belong to one example and one time step. A sequence gets the same states alone
# and in a batch. The seed text's *"Works inside RNNs: applied at each timestep independently"*:
# **verdict: holds.** An LSTM has more than one pre-activation, and the norm has more than one
# place in it; a later chapter takes it apart.

# %% [markdown]
# ## The exercise
#
# Write the function of this chapter yourself: [exercise 01](../exercises/01_layer_norm.ipynb).
# `check(layer_norm)` knows some twenty mistakes that are made here, most of the wrong answers
# above among them, and names yours.

# %% [markdown]
# ## Recap
#
# 1. Layer norm of $(1, 0, 0, 0)$ has the largest value $\sqrt 3 = 1.732$. The variance divides by
#    $D$; dividing by $D - 1$ would give 1.5.
# 2. In $(B, T, D)$ there is one mean and one variance per *token*: 6 of them for $(2, 3, 4)$.
#    `normalized_shape` is a list of trailing sizes, not an axis. $\gamma$ and $\beta$ have
#    $D$ entries, shared by all tokens.
# 3. Only $\hat x$ has mean 0 and variance 1; $\gamma$ and $\beta$ may give the output any.
# 4. $\text{LN}(a\,x + b) = \operatorname{sign}(a)\,\text{LN}(x)$, up to $\varepsilon$.
# 5. In a text cube of 3 × 4 × 6, LayerNorm has 12 groups of 6 numbers, BatchNorm 6 of 12,
#    InstanceNorm 18 of 4. Only BatchNorm's groups hold more than one example. RMSNorm has
#    LayerNorm's groups, and no mean.
# 6. Padding changes 3 of the 5 norms: all that share over tokens.
# 7. At batch size 1, BatchNorm gives $\beta$ for every input, or an error. LayerNorm does not
#    notice the batch: spread 0.00 at every batch size, train = eval, 0 buffers.
# 8. After a shift of the inputs by 3, BatchNorm's outputs at inference have mean 3; LayerNorm's
#    tokens have mean 0. Dropout still needs `eval()`.
#
# | The seed text says | Verdict |
# |---|---|
# | LayerNorm addresses small batches and recurrent networks | holds |
# | Statistics per example | imprecise: per token in sequences |
# | Scale and shift per feature, as in BatchNorm | imprecise: the shape is `normalized_shape` |
# | No running statistics; works with batch size 1 | holds |
# | No `model.eval()` needed | imprecise: true of LayerNorm, not of dropout |
# | Works inside RNNs at each time step | holds |
#
# ## Sources
#
# - Ba, Kiros & Hinton 2016, *Layer Normalization*, section 3 and (recurrent networks)
#   section 3.1, arXiv:1607.06450.
# - Ioffe & Szegedy 2015, *Batch Normalization*, Algorithms 1 and 2, arXiv:1502.03167.
# - Ulyanov, Vedaldi & Lempitsky 2016, *Instance Normalization*, arXiv:1607.08022.
# - Wu & He 2018, *Group Normalization*, section 3 and Fig. 2, arXiv:1803.08494.
# - Zhang & Sennrich 2019, *Root Mean Square Layer Normalization*, Eq. 4, arXiv:1910.07467.
#
# {{ next chapter }}

# %% [markdown]
# Run the last cell to mark the chapter as read.

# %%
from normlab import chapter_read

chapter_read("01")
