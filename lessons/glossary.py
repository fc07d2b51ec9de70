# %% [markdown]
# # Glossary
#
# A term has one meaning in this course. So has a letter, but for a few that the table lists with
# both. Code keeps the names of its library. Papers differ; where the course departs from one, the
# chapter says so.
#
# ## Letters
#
# | Letter | Meaning | Chapter |
# |---|---|---|
# | $x$, $y$ | input and output of a norm; one token unless said otherwise | 00 |
# | $a$, $b$ | factor and offset of an input that is changed to $a\,x + b$ | 00 |
# | $D$ | features of a token, the width of a model (`d_model`) | 01 |
# | $B$, $T$ | examples in a batch, tokens in an example | 01 |
# | $C$, $P$ | channels of an image, and its pixels or other positions | 01 |
# | $z$, $h$ | argument of an activation or a gate; state of a recurrent network | 01 |
# | $\mu$, $\sigma^2$ | mean and variance; $\sigma$ is the standard deviation | 01 |
# | $\varepsilon$ | the small number under the root of a norm, `eps`; nothing else | 01 |
# | $\hat x$ | the normalized token, in front of gain and shift | 01 |
# | $\gamma$, $\beta$ | gain and shift of a norm, `weight` and `bias` in PyTorch | 01 |
# | $\sigma_\varepsilon$ | $\sqrt{\sigma^2 + \varepsilon}$, what layer norm divides by | 02 |
# | $\mathcal L$ | the loss | 02 |
# | $g$ | the upstream gradient $\partial\mathcal L/\partial y$, `dy` in code | 02 |
# | $\hat g$ | $\gamma \odot g$, the gradient that arrives at $\hat x$ | 02 |
# | $h$ | the step of a central difference, in 02 and 03 alone | 02 |
# | $J$ | the Jacobian $\partial y/\partial x$ | 02 |
# | $\mathbf 1$ | the vector of ones | 02 |
# | $u$ | the unit roundoff: half the spacing of the numbers near 1 | 03 |
# | $r$ | root mean square $\sqrt{\tfrac1D\sum_d x_d^2}$; $r_\varepsilon$ with $\varepsilon$ | 04 |
# | $W$ | a matrix of weights, one row for each output feature, used as $Wx$ | 04 |
# | $L$, $l$ | how many layers, and which one | 05 |
# | $S$, $s$ | how many sub-layers, and which one; $S = 2L$ without cross-attention | 05 |
# | $f$ | the function of a sub-layer, attention or feed-forward: the branch | 05 |
# | $\kappa$ | the factor by which a branch multiplies squared lengths | 06 |
# | $\eta$ | the learning rate | 07 |
# | $\hat m$, $\hat v$ | Adam's mean of the gradient and of its square | 07 |
# | $T_\text{warmup}$ | how many steps the warmup takes | 07 |
# | $F$ | the function of a whole model | 08 |
# | $\alpha$ | what DeepNorm multiplies the shortcut by | 08 |
# | $\beta_w$ | DeepNorm's factor for initial weights; in the paper and in code $\beta$ | 08 |
# | $v$, $w$ | value and output weight of a branch, in DeepNorm's theorem alone | 08 |
# | $N$, $M$ | encoder and decoder layers, in DeepNorm's formulas alone | 08 |
# | $c$, $W_x$, $W_h$ | memory of an LSTM; weights for the input and for the state | 09 |
# | $n_i$, $\lambda$ | links of node $i$; the share of the mean that GraphNorm takes out | 09 |
# | $H$, $d_h$ | heads of an attention, features of a head | 11 |
#
# ## Terms
#
# - **accumulator**: the variable that holds a running sum; its dtype decides what is rounded.
# - **Adam**: an optimizer that divides the mean gradient by the root of its mean square (Kingma
#   & Ba 2015).
# - **autograd**: what computes gradients from the recorded operations of a forward pass.
# - **backend**: the library that does Keras' arithmetic.
# - **batch-invariant**: a kernel is, if a row's result has the same bits whatever other rows are in
#   the batch.
# - **BLEU**: a score of translations; higher is better.
# - **branch**: what a sub-layer adds to the residual stream: $f$ of the stream.
# - **buffer**: a tensor that a module stores and saves, and that is not trained.
# - **cancellation**: the loss of leading digits when two nearly equal rounded numbers are
#   subtracted.
# - **cell state**: the memory $c$ of an LSTM, to which each step adds.
# - **central difference**: $[\mathcal L(x+h)-\mathcal L(x-h)]/2h$, a slope from two values.
# - **chance**: the loss of the best guess that does not read the question.
# - **config class**: the class of `transformers` that holds a model's sizes and defaults.
# - **cross-attention**: attention whose keys and values come from the encoder.
# - **detach**: take a tensor out of that record; its values stay, and no gradient passes.
# - **Dirichlet energy**: the summed squared difference of linked nodes.
# - **dropout**: in training, setting random features to 0 and enlarging the rest.
# - **eigenvalue**: the factor by which a matrix stretches a direction that it does not turn.
# - **embedding**: the vector with which a token enters the residual stream.
# - **entropy of attention**: how evenly its weights are spread; at 0 it looks at one token.
# - **final norm**: the one norm behind the last layer of a pre-norm model.
# - **gate**: a number that says how much passes: in an LSTM from 0 to 1; before a branch it
#   starts at zero or near it.
# - **GELU**: the activation $z\,\Phi(z)$, with the normal distribution function $\Phi$.
# - **half precision**: the 16-bit dtypes float16 and bfloat16.
# - **head**: one of several attentions that run side by side, each on a part of the features.
# - **hidden state**: the vector $h$ that a recurrent network carries from step to step.
# - **Jacobian**: the matrix of all derivatives $\partial y_i/\partial x_j$.
# - **kernel**: one program that runs on a GPU or a vector unit; a *fused* kernel does several
#   steps in one pass over memory.
# - **latent**: a short vector from which a matrix makes longer ones.
# - **layer**: one block of a transformer: an attention and a feed-forward sub-layer.
# - **logit of attention**: the number $q^\top k/\sqrt{d_h}$ that softmax turns into a weight.
# - **logits**: the numbers, one for each possible next token, that softmax turns into
#   probabilities.
# - **log–log slope**: the power of $x$ with which $y$ grows.
# - **$\lVert J\rVert_2$**: the largest factor by which a matrix stretches any vector.
# - **nat**: the unit of a loss that is counted with the natural logarithm.
# - **operator**: one call that PyTorch runs on the device.
# - **over-smoothing**: many averages over neighbours make all nodes of a graph alike.
# - **padding**: tokens without content that fill the sentences of a batch to one length.
# - **partial sums**: sums of blocks, which are then added; a *running sum* adds term by term.
# - **post-norm**: the norm stands behind the sum: $\text{norm}(x + f(x))$.
# - **pre-activation**: what a layer has computed before its activation function.
# - **pre-norm**: the norm stands in front of the branch: $x + f(\text{norm}(x))$.
# - **QK-norm**: a norm on queries and keys.
# - **queries, keys, values**: what attention computes from tokens; scores are queries times
#   keys, and the output is a mean of values.
# - **rank**: how many independent directions a matrix keeps.
# - **rank collapse**: all tokens of a sequence become the same.
# - **ReLU**: sets negative numbers to 0.
# - **residual stream, shortcut**: the vector that is carried from layer to layer, and to which
#   branches are added.
# - **running statistics**: means and variances averaged over the batches of training, for
#   inference.
# - **saturated**: where an activation function is flat and passes hardly any gradient.
# - **SGD**: training by steps that are the learning rate times the gradient.
# - **sign step**: every weight moves by $\eta$ along the sign of its gradient, as in Adam's
#   first step.
# - **significant bits**: how many binary digits of a number a dtype stores.
# - **singular value**: a factor by which a matrix stretches one of its own perpendicular
#   directions.
# - **softmax**: turns numbers into positive ones that sum to 1.
# - **spacing**: the distance from a number to the next one that a dtype can hold.
# - **`state_dict`**: a PyTorch module's weights and buffers by name.
# - **sub-layer**: an attention or a feed-forward network with its shortcut and its norm.
# - **trained, stuck, diverged**: how a run of chapter 07 ends: below half of chance; above 0.95 of
#   it; or given up, since the loss grew too far or is no number.
# - **unbiased variance**: the sum of squares divided by $D-1$ instead of $D$.
# - **upstream gradient**: the gradient of the loss for a layer's output, which comes back from
#   above.
# - **warmup**: the first steps of training, in which the learning rate rises from near 0.
# - **weight decay**: each step shrinks every trained parameter a little.
# - **Welford's formula**: a variance in one pass, with a mean that each new entry corrects.
# - **Xavier weights**: random weights of variance 2/(fan-in + fan-out) (Glorot & Bengio 2010).
