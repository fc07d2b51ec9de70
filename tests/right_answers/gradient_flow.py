"""Right answers to exercise 05."""

import copy
import math
import statistics
from fractions import Fraction

import numpy as np
import torch

from normlab.probes import loglog_slope as slope_of_the_package
from normlab.training.run import warmup_lr as rate_of_the_package


def one_by_one(blocks, x, loss_fn):
    activations = [x.detach().clone().requires_grad_(True)]
    for block in blocks:
        activations += [block(activations[-1])]
    loss = loss_fn(activations[-1])
    norms = []
    for activation in activations:
        (gradient,) = torch.autograd.grad(loss, activation, retain_graph=True)
        norms.append(float(torch.linalg.vector_norm(gradient)))
    return np.array(norms)


def block_by_block_backwards(blocks, x, loss_fn):
    inputs = []
    y = x.detach()
    with torch.no_grad():
        for block in blocks:
            inputs.append(y)
            y = block(y)
    y.requires_grad_() if y is not x else None
    (gradient,) = torch.autograd.grad(loss_fn(y), y)
    norms = [gradient.norm()]
    for block, before in zip(reversed(list(blocks)), reversed(inputs), strict=True):
        leaf = before.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(block(leaf), leaf, grad_outputs=gradient)
        norms.insert(0, gradient.norm())
    return torch.stack(norms).numpy()


def with_hooks(blocks, x, loss_fn):
    found = {}

    def note(depth):
        def hook(gradient):
            found[depth] = np.sqrt(np.einsum("i,i->", *[gradient.double().numpy().ravel()] * 2))

        return hook

    y = torch.tensor(x.numpy(), requires_grad=True)
    leaf = y
    y.register_hook(note(0))
    for depth, block in enumerate(blocks, 1):
        y = block(y)
        y.register_hook(note(depth))
    torch.autograd.grad(loss_fn(y), leaf)
    return np.array([found[depth] for depth in range(len(blocks) + 1)])


def backward_into_the_activations(blocks, x, loss_fn):
    stream = [x.detach().requires_grad_()]
    for block in blocks:
        stream.append(block(stream[-1]))
        stream[-1].retain_grad()
    loss_fn(stream[-1]).backward(inputs=stream)
    return np.array([(s.grad.double() ** 2).sum().sqrt().item() for s in stream])


def gradients_put_back(blocks, x, loss_fn):
    kept = [[p.grad for p in block.parameters()] for block in blocks]
    for block in blocks:
        block.zero_grad(set_to_none=True)
    y = x.clone().detach()
    y.requires_grad = True
    stream = [y]
    for block in blocks:
        y = block(y)
        y.retain_grad()
        stream.append(y)
    loss_fn(y).backward()
    for block, grads in zip(blocks, kept, strict=True):
        for p, grad in zip(block.parameters(), grads, strict=True):
            p.grad = grad
    return np.linalg.norm(np.stack([s.grad.numpy().ravel() for s in stream]), axis=1)


def check_counts(step, warmup_steps):
    if step < 0:
        raise ValueError(f"step is {step}")
    if warmup_steps < 0:
        raise ValueError(f"warmup_steps is {warmup_steps}")


def with_branches(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    if step >= warmup_steps:
        return peak_lr
    return peak_lr * (step + 1) / warmup_steps


def clipped_steps(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    return peak_lr / max(warmup_steps, 1) * min(step + 1, max(warmup_steps, 1))


def interpolated(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    if not warmup_steps:
        return float(peak_lr)
    return float(np.interp(step + 1, [0, warmup_steps], [0, peak_lr]))


def through_the_scheduler(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak_lr)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda t: 1.0 if t + 1 >= warmup_steps else (t + 1) / warmup_steps
    )
    scheduler.step(step)
    return optimizer.param_groups[0]["lr"]


def check_points(depths, values):
    if np.shape(depths) != np.shape(values):
        raise ValueError(f"{np.shape(depths)} and {np.shape(values)}")
    if not (np.all(depths > 0) and np.all(values > 0)):
        raise ValueError("not positive")
    if len(set(depths.tolist())) < 2:
        raise ValueError("one depth only")


def polyfit(depths, values):
    check_points(depths, values)
    slope, _ = np.polyfit(np.log(depths), np.log(values), 1)
    return slope


def base_two_and_lstsq(depths, values):
    check_points(depths, values)
    design = np.stack([np.log2(depths), np.ones(len(depths))], axis=1)
    return np.linalg.lstsq(design, np.log2(values), rcond=None)[0][0]


def of_all_pairs(depths, values):
    check_points(depths, values)
    dx = np.subtract.outer(np.log10(depths), np.log10(depths))
    dy = np.subtract.outer(np.log10(values), np.log10(values))
    return float(np.vecdot(dx, dy).sum() / np.vecdot(dx, dx).sum())


def covariance_over_variance(depths, values):
    check_points(depths, values)
    covariance = np.cov(np.log(depths), np.log(values))
    return covariance[0, 1] / covariance[0, 0]


def standard_library(depths, values):
    check_points(depths, values)
    x, y = ([math.log(number) for number in numbers] for numbers in (depths, values))
    return statistics.linear_regression(x, y).slope


def forward_hooks_removed(blocks, x, loss_fn):
    leaf = x.detach().clone().requires_grad_()
    stream = [leaf]
    handles = [b.register_forward_hook(lambda m, a, out: stream.append(out)) for b in blocks]
    try:
        y = leaf
        for block in blocks:
            y = block(y)
    finally:
        for handle in handles:
            handle.remove()
    return np.array([g.norm().item() for g in torch.autograd.grad(loss_fn(y), stream)])


def vector_jacobian_products(blocks, x, loss_fn):
    y, pull_backs = x.detach(), []
    for block in blocks:
        y, pull_back = torch.func.vjp(block, y)
        pull_backs.append(pull_back)
    loss, pull_back = torch.func.vjp(loss_fn, y.detach())
    (gradient,) = pull_back(torch.ones_like(loss))
    norms = [torch.linalg.vector_norm(gradient).item()]
    for pull_back in reversed(pull_backs):
        (gradient,) = pull_back(gradient.detach())
        norms.append(torch.linalg.vector_norm(gradient).item())
    return np.asarray(norms[::-1])


def on_copies(blocks, x, loss_fn):
    stream = [copy.deepcopy(x).requires_grad_()]
    for block in copy.deepcopy(list(blocks)):
        stream.append(block(stream[-1]))
        stream[-1].retain_grad()
    loss_fn(stream[-1]).backward()
    return np.array([math.sqrt(s.grad.square().sum().item()) for s in stream])


def exact_fraction(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    share = min(Fraction(1), Fraction(step + 1, warmup_steps)) if warmup_steps else Fraction(1)
    return peak_lr * float(share)


def clipped_by_numpy(step, peak_lr, warmup_steps):
    check_counts(step, warmup_steps)
    with np.errstate(divide="ignore"):
        return float(peak_lr * np.clip(np.divide(step + 1, warmup_steps), 0, 1))


def normal_equations(depths, values):
    check_points(depths, values)
    design = np.vander(np.log(depths.astype(np.float64)), 2)
    slope, _ = np.linalg.solve(design.T @ design, design.T @ np.log(values.astype(np.float64)))
    return slope


def pseudo_inverse(depths, values):
    check_points(depths, values)
    logs = np.log(np.asarray(depths, float))
    return (np.linalg.pinv(np.c_[logs, np.ones_like(logs)]) @ np.log(values))[0]


def torch_least_squares(depths, values):
    check_points(depths, values)
    x, y = (torch.from_numpy(np.log(a.astype(np.float64))) for a in (depths, values))
    x, y = x - x.mean(), y - y.mean()
    return (torch.dot(x, y) / torch.dot(x, x)).item()


RIGHT = {
    "layer_gradient_norms": [
        one_by_one,
        block_by_block_backwards,
        with_hooks,
        backward_into_the_activations,
        gradients_put_back,
        forward_hooks_removed,
        vector_jacobian_products,
        on_copies,
    ],
    "warmup_lr": [
        with_branches,
        clipped_steps,
        interpolated,
        through_the_scheduler,
        rate_of_the_package,
        exact_fraction,
        clipped_by_numpy,
    ],
    "loglog_slope": [
        polyfit,
        base_two_and_lstsq,
        of_all_pairs,
        covariance_over_variance,
        standard_library,
        slope_of_the_package,
        normal_equations,
        pseudo_inverse,
        torch_least_squares,
    ],
}
EQUIVALENT = {"layer_gradient_norms": {}, "warmup_lr": {}, "loglog_slope": {}}
