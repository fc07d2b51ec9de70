"""Wrong answers to exercise 05."""

import math

import numpy as np
import torch


def through(blocks, x):
    stream = [x.detach().clone().requires_grad_()]
    for block in blocks:
        stream.append(block(stream[-1]))
    return stream


def parameters_keep_their_gradients(blocks, x, loss_fn):
    stream = through(blocks, x)
    for h in stream[1:]:
        h.retain_grad()
    loss_fn(stream[-1]).backward()
    return np.array([h.grad.norm().item() for h in stream])


def gradients_cleared(blocks, x, loss_fn):
    stream = through(blocks, x)
    for h in stream:
        h.retain_grad()
    loss_fn(stream[-1]).backward()
    for block in blocks:
        block.zero_grad()
    return np.array([float(torch.linalg.norm(h.grad)) for h in stream])


def input_keeps_requiring(blocks, x, loss_fn):
    x.requires_grad_(True)
    stream = [x]
    for block in blocks:
        stream.append(block(stream[-1]))
    grads = torch.autograd.grad(loss_fn(stream[-1]), stream)
    return np.array([g.norm().item() for g in grads])


def last_one_missing(blocks, x, loss_fn):
    stream = [x.detach().clone().requires_grad_()]
    h = stream[0]
    for block in blocks:
        stream.append(h)
        h = block(h)
    grads = torch.autograd.grad(loss_fn(h), stream[1:] or stream)
    return np.array([g.norm().item() for g in grads])


def deepest_first(blocks, x, loss_fn):
    stream = through(blocks, x)
    grads = torch.autograd.grad(loss_fn(stream[-1]), stream[::-1])
    return np.array([g.norm().item() for g in grads])


def squared_norms(blocks, x, loss_fn):
    stream = through(blocks, x)
    grads = torch.autograd.grad(loss_fn(stream[-1]), stream)
    return np.array([(g**2).sum().item() for g in grads])


def root_mean_squares(blocks, x, loss_fn):
    stream = through(blocks, x)
    grads = torch.autograd.grad(loss_fn(stream[-1]), stream)
    return np.array([g.pow(2).mean().sqrt().item() for g in grads])


def mean_over_the_tokens(blocks, x, loss_fn):
    stream = through(blocks, x)
    grads = torch.autograd.grad(loss_fn(stream[-1]), stream)
    return np.array([g.norm(dim=-1).mean().item() for g in grads])


def absolute_sums(blocks, x, loss_fn):
    stream = through(blocks, x)
    grads = torch.autograd.grad(loss_fn(stream[-1]), stream)
    return np.array([g.norm(p=1).item() for g in grads])


def greatest_entries(blocks, x, loss_fn):
    stream = through(blocks, x)
    grads = torch.autograd.grad(loss_fn(stream[-1]), stream)
    return np.array([g.abs().max().item() for g in grads])


def spectral_norms(blocks, x, loss_fn):
    stream = through(blocks, x)
    grads = torch.autograd.grad(loss_fn(stream[-1]), stream)
    flat = [np.atleast_2d(g.numpy().reshape(-1, g.shape[-1])) for g in grads]
    return np.array([np.linalg.norm(g, 2) for g in flat])


def of_the_weights(blocks, x, loss_fn):
    stream = through(blocks, x)
    norms = [torch.autograd.grad(loss_fn(stream[-1]), stream[0], retain_graph=True)[0].norm()]
    for block in blocks:
        grads = torch.autograd.grad(
            loss_fn(stream[-1]), list(block.parameters()), retain_graph=True
        )
        norms.append(torch.cat([g.flatten() for g in grads]).norm())
    return np.array([n.item() for n in norms])


def of_the_activations(blocks, x, loss_fn):
    stream = through(blocks, x)
    loss_fn(stream[-1])
    return np.array([h.detach().norm().item() for h in stream])


def frozen_afterwards(blocks, x, loss_fn):
    for block in blocks:
        block.requires_grad_(False)
    stream = through(blocks, x)
    grads = torch.autograd.grad(loss_fn(stream[-1]), stream)
    return np.array([g.norm().item() for g in grads])


def relative_to_the_last(blocks, x, loss_fn):
    stream = through(blocks, x)
    grads = torch.autograd.grad(loss_fn(stream[-1]), stream)
    norms = np.array([g.norm().item() for g in grads])
    return norms / norms[-1]


def list_of_tensors(blocks, x, loss_fn):
    stream = through(blocks, x)
    return torch.stack([g.norm() for g in torch.autograd.grad(loss_fn(stream[-1]), stream)])


def check_counts(step, warmup_steps):
    if step < 0 or warmup_steps < 0:
        raise ValueError(f"step {step}, warmup_steps {warmup_steps}")


def from_zero(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    if step < warmup_steps:
        return peak_lr * step / max(1, warmup_steps)
    return peak_lr


def nano_gpt(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    if step < warmup_steps:
        return peak_lr * (step + 1) / (warmup_steps + 1)
    return peak_lr


def noam(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    t, w = step + 1, max(warmup_steps, 1)
    return peak_lr * min(t / w, (w / t) ** 0.5)


def no_warmup_no_rate(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    if warmup_steps == 0:
        return 0.0
    return peak_lr * min(1.0, (step + 1) / warmup_steps)


def divides_by_zero(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    return peak_lr * min(1, (step + 1) / warmup_steps)


def never_stops_climbing(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    return peak_lr * (step + 1) / max(1, warmup_steps)


def floor_division(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    return peak_lr * min(1, (step + 1) // max(1, warmup_steps))


def half_cosine(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    if step + 1 >= warmup_steps:
        return peak_lr
    return peak_lr * 0.5 * (1 - math.cos(math.pi * (step + 1) / warmup_steps))


def peak_forgotten(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    return min(1.0, (step + 1) / max(1, warmup_steps))


def capped_at_one(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    return min(1.0, peak_lr * (step + 1) / max(1, warmup_steps))


def negative_steps_clamped(step, peak_lr, warmup_steps):
    return peak_lr * min(1.0, (max(step, 0) + 1) / max(1, warmup_steps))


def one_step_late(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    return peak_lr * min(1.0, (step + 2) / max(1, warmup_steps))


def check_points(depths, values):
    if depths.shape != values.shape:
        raise ValueError(f"depths {depths.shape}, values {values.shape}")
    if (depths <= 0).any() or (values <= 0).any():
        raise ValueError("all numbers must be above 0")
    if np.unique(depths).size < 2:
        raise ValueError("two different depths are needed")


def no_logarithms(depths, values):
    check_points(depths, values)
    return np.polyfit(depths, values, 1)[0]


def semilog(depths, values):
    check_points(depths, values)
    return np.polyfit(depths, np.log(values), 1)[0]


def logarithm_of_the_depths_only(depths, values):
    check_points(depths, values)
    return np.polyfit(np.log(depths), values, 1)[0]


def intercept(depths, values):
    check_points(depths, values)
    return np.polyfit(np.log(depths), np.log(values), 1)[1]


def polynomial_fit_in_old_order(depths, values):
    check_points(depths, values)
    fit = np.polynomial.polynomial.polyfit(np.log(depths), np.log(values), 1)
    return fit[0]


def first_and_last(depths, values):
    check_points(depths, values)
    i, j = np.argmin(depths), np.argmax(depths)
    return math.log(values[j] / values[i]) / math.log(depths[j] / depths[i])


def axes_exchanged(depths, values):
    check_points(depths, values)
    return np.polyfit(np.log(values), np.log(depths), 1)[0]


def through_the_origin(depths, values):
    check_points(depths, values)
    x, y = np.log(depths), np.log(values)
    return float(x @ y / (x @ x))


def two_divisors(depths, values):
    check_points(depths, values)
    x, y = np.log(depths), np.log(values)
    return np.cov(x, y)[0, 1] / np.var(x)


def correlation(depths, values):
    check_points(depths, values)
    return np.corrcoef(np.log(depths), np.log(values))[0, 1]


def mean_of_the_slopes(depths, values):
    check_points(depths, values)
    order = np.argsort(depths)
    x, y = np.log(depths)[order], np.log(values)[order]
    apart = np.diff(x) > 0
    return float(np.mean(np.diff(y)[apart] / np.diff(x)[apart]))


def magnitude(depths, values):
    check_points(depths, values)
    return abs(np.polyfit(np.log(depths), np.log(values), 1)[0])


def different_bases(depths, values):
    check_points(depths, values)
    return np.polyfit(np.log2(depths), np.log10(values), 1)[0]


def points_dropped(depths, values):
    if depths.shape != values.shape:
        raise ValueError(f"depths {depths.shape}, values {values.shape}")
    keep = (depths > 0) & (values > 0)
    depths, values = depths[keep], values[keep]
    if np.unique(depths).size < 2:
        raise ValueError("two different depths are needed")
    return np.polyfit(np.log(depths), np.log(values), 1)[0]


def shifted_logarithm(depths, values):
    check_points(depths, values)
    return np.polyfit(np.log1p(depths), np.log1p(values), 1)[0]


def both_must_be_negative(step, peak_lr, warmup_steps):
    if step < 0 and warmup_steps < 0:
        raise ValueError(f"step {step}, warmup_steps {warmup_steps}")
    return peak_lr * min(1.0, (step + 1) / max(1, warmup_steps))


def lengths_compared(depths, values):
    if len(depths) != len(values):
        raise ValueError(f"depths {depths.shape}, values {values.shape}")
    if (depths <= 0).any() or (values <= 0).any():
        raise ValueError("all numbers must be above 0")
    if np.unique(depths).size < 2:
        raise ValueError("two different depths are needed")
    return np.polyfit(np.log(depths), np.log(values).reshape(len(values), -1)[:, 0], 1)[0]


def only_zero_refused(depths, values):
    if depths.shape != values.shape:
        raise ValueError(f"depths {depths.shape}, values {values.shape}")
    if (depths == 0).any() or (values == 0).any():
        raise ValueError("all numbers must be above 0")
    if np.unique(depths).size < 2:
        raise ValueError("two different depths are needed")
    return np.polyfit(np.log(np.abs(depths)), np.log(np.abs(values)), 1)[0]


def ends_compared(depths, values):
    if depths.shape != values.shape:
        raise ValueError(f"depths {depths.shape}, values {values.shape}")
    if (depths <= 0).any() or (values <= 0).any():
        raise ValueError("all numbers must be above 0")
    if depths[0] == depths[-1]:
        raise ValueError("two different depths are needed")
    return np.polyfit(np.log(depths), np.log(values), 1)[0]


def two_points_are_enough(depths, values):
    if depths.shape != values.shape:
        raise ValueError(f"depths {depths.shape}, values {values.shape}")
    if (depths <= 0).any() or (values <= 0).any():
        raise ValueError("all numbers must be above 0")
    if len(depths) < 2:
        raise ValueError("two different depths are needed")
    return np.polyfit(np.log(depths), np.log(values), 1)[0]


def integers_kept(depths, values):
    check_points(depths, values)
    x = np.log(depths).astype(np.float32)
    return np.polyfit(x, np.log(values).astype(np.float32), 1)[0].astype(np.float16)


def step_s_order_lost(blocks, x, loss_fn):
    stream = through(blocks, x)
    total = sum(loss_fn(h) for h in stream)
    grads = torch.autograd.grad(total, stream)
    return np.array([g.norm().item() for g in grads])


def detached_between_blocks(blocks, x, loss_fn):
    norms, h = [], x.detach()
    for block in [None, *blocks]:
        h = (h if block is None else block(h)).detach().requires_grad_()
        norms.append(torch.autograd.grad(loss_fn(h), h)[0].norm().item())
    return np.array(norms)


def in_half_precision(blocks, x, loss_fn):
    stream = through(blocks, x)
    grads = torch.autograd.grad(loss_fn(stream[-1]), stream)
    return np.array([g.half().float().norm().item() for g in grads])


WRONG = {
    "layer_gradient_norms": [
        (
            parameters_keep_their_gradients,
            "backward() adds to the .grad of the parameters, and that is left behind.",
        ),
        (gradients_cleared, "The .grad that the parameters had before is cleared."),
        (input_keeps_requiring, "x requires a gradient afterwards."),
        (last_one_missing, "The last entry is missing: L numbers instead of L + 1."),
        (deepest_first, "The entries stand in reversed order."),
        (squared_norms, "The root is missing: the entries are squared norms."),
        (
            root_mean_squares,
            "The squares are averaged over the entries, not summed.",
        ),
        (mean_over_the_tokens, "The norm is taken for each token, and these are averaged."),
        (absolute_sums, "The 1-norm (sum of magnitudes) is returned, not √Σg²."),
        (greatest_entries, "The greatest entry is returned, not √Σg²."),
        (spectral_norms, "The spectral norm of each matrix is returned, not the Frobenius norm."),
        (of_the_weights, "From entry 1 on it is the gradient of the weights, not of activations."),
        (of_the_activations, "The norms of the activations are returned, not of their gradients."),
        (frozen_afterwards, "The parameters do not require a gradient any more afterwards."),
        (relative_to_the_last, "The norms are divided by the last one."),
        (
            step_s_order_lost,
            "The loss is computed of every activation and summed, not of the last one.",
        ),
        (
            detached_between_blocks,
            "The loss is computed of each activation by itself: nothing flows back through blocks.",
        ),
        (in_half_precision, "The gradients are rounded to float16."),
        (list_of_tensors, "A torch tensor is returned, not a NumPy array."),
    ],
    "warmup_lr": [
        (from_zero, "The rate is step/T: step 0 has the rate 0, and the peak comes one step late."),
        (nano_gpt, "The divisor is T + 1: the peak comes one step late."),
        (noam, "After the warmup the rate falls like 1/√t."),
        (no_warmup_no_rate, "warmup_steps = 0 gives the rate 0, not the peak."),
        (divides_by_zero, "warmup_steps = 0 divides by zero."),
        (never_stops_climbing, "The rate goes on climbing after the warmup: the min is missing."),
        (floor_division, "The division is a floor division, so the rate is 0 before the peak."),
        (half_cosine, "The rate climbs like a half cosine, not in a straight line."),
        (peak_forgotten, "The factor peak_lr is missing."),
        (capped_at_one, "The rate is capped at 1, not at the peak: the min holds the product."),
        (negative_steps_clamped, "Negative numbers raise no ValueError: they are clamped."),
        (
            both_must_be_negative,
            "A negative number raises only if both are negative: `and` stands for `or`.",
        ),
        (one_step_late, "The rate is that of the next step: (step + 2)/T."),
    ],
    "loglog_slope": [
        (no_logarithms, "No logarithm is taken."),
        (semilog, "The logarithm of the depths is missing."),
        (logarithm_of_the_depths_only, "The logarithm of the values is missing."),
        (intercept, "The intercept log c is returned, not the slope."),
        (
            polynomial_fit_in_old_order,
            "Entry 0 of numpy.polynomial's fit is the intercept: the slope is entry 1.",
        ),
        (first_and_last, "Only the two outermost points are used."),
        (axes_exchanged, "Depths and values are exchanged: the slope of the inverse relation."),
        (through_the_origin, "The line is forced through the origin: there is no intercept."),
        (
            two_divisors,
            "The covariance is divided by N − 1 and the variance by N.",
        ),
        (correlation, "The correlation is returned, not the slope."),
        (mean_of_the_slopes, "The slopes between neighbours are averaged: no least squares."),
        (magnitude, "The sign of the slope is lost."),
        (different_bases, "The two logarithms have different bases."),
        (points_dropped, "Numbers of 0 or below are left out without an error."),
        (lengths_compared, "The lengths are compared and not the shapes: (N,) and (N, 1) pass."),
        (only_zero_refused, "Negative numbers are accepted: only 0 raises."),
        (
            ends_compared,
            "Only the first and last depth are compared: 1, 2, 1 is refused though it has two.",
        ),
        (two_points_are_enough, "Equal depths are accepted: only the number of points is checked."),
        (integers_kept, "The slope is rounded to float16."),
        (shifted_logarithm, "log(1 + x) is taken, not log(x)."),
    ],
}


def without_the_input(blocks, x, loss_fn):
    stream, h = [], x.detach().clone().requires_grad_()
    for block in blocks:
        h = block(h)
        stream.append(h)
    grads = torch.autograd.grad(loss_fn(h), stream)
    return np.array([g.norm().item() for g in grads])


def hooks_left(blocks, x, loss_fn):
    outputs = []
    for block in blocks:
        block.register_forward_hook(lambda module, given, out: outputs.append(out))
    h = leaf = x.detach().clone().requires_grad_()
    for block in blocks:
        h = block(h)
    stream = [leaf, *outputs[: len(blocks)]]
    grads = torch.autograd.grad(loss_fn(h), stream)
    return np.array([g.norm().item() for g in grads])


def left_in_eval_mode(blocks, x, loss_fn):
    for block in blocks:
        block.eval()
    stream = through(blocks, x)
    grads = torch.autograd.grad(loss_fn(stream[-1]), stream)
    return np.array([g.norm().item() for g in grads])


def list_returned(blocks, x, loss_fn):
    stream = through(blocks, x)
    grads = torch.autograd.grad(loss_fn(stream[-1]), stream)
    return [g.norm().item() for g in grads]


NAMED, REJECTED = "rejected and named", "rejected"
REPORTED = {
    "layer_gradient_norms": [
        (without_the_input, "Entry 0, the input's, is missing (input-missing).", NAMED),
        (hooks_left, "The forward hooks are never removed.", REJECTED),
        (left_in_eval_mode, "The blocks are left in eval mode.", REJECTED),
        (
            list_returned,
            "A list is returned, not an array; the learner raised nothing.",
            REJECTED,
        ),
    ],
}
