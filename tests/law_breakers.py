"""For laws that no known mistake breaks: an answer that does, by (function, law)."""

import numpy as np
import torch
from installed import HAS_TRITON

from normlab.checks.variants import compiled, rewritten, source_of
from normlab.exercises import find_exercise


def reference(function):
    return find_exercise(function).question(function).reference


def quadratic_in_dy(dy, x, gamma, eps=1e-5):
    return reference("layer_norm_backward")(dy**2, x, gamma, eps)


def quadratic_in_dy_without_beta(dy, x, gamma, eps=1e-6):
    return reference("rms_norm_backward")(dy**2, x, gamma, eps)


def of_the_variance_squared(dx_hat, x, eps=1e-5):
    return reference("variance_gradient")(dx_hat**2, x, eps)


def of_the_mean_squared(dx_hat, x, eps=1e-5):
    return reference("mean_gradient")(dx_hat**2, x, eps)


def of_the_input_squared(dx_hat, x, eps=1e-5):
    return reference("input_gradient")(dx_hat**2, x, eps)


def divided_by_depth(blocks, x, loss_fn):
    norms = reference("layer_gradient_norms")(blocks, x, loss_fn)
    return norms / np.arange(1, len(norms) + 1)


def twice_as_large_without_biases(block, beta):
    reference("deepnorm_init_")(block, beta)
    for linear in (m for m in block.modules() if isinstance(m, torch.nn.Linear)):
        linear.weight.data *= 1 if linear.bias is not None else 2


class NormOverExamples(reference("LayerNormLSTMCell")):
    def forward(self, x, state):
        return super().forward(x - x.mean(dim=0, keepdim=True), state)


def last_row_first(function):
    """A kernel that reads rows from the last one on."""
    moved = {"x_ptr + row * row_stride": "x_ptr + (tl.num_programs(0) - 1 - row) * row_stride"}
    right = reference(function)
    return compiled(rewritten(source_of(right), moved), right)


BREAKERS = {
    ("layer_norm_backward", "not-linear-in-dy"): quadratic_in_dy,
    ("variance_gradient", "not-linear"): of_the_variance_squared,
    ("mean_gradient", "not-linear"): of_the_mean_squared,
    ("input_gradient", "not-linear"): of_the_input_squared,
    ("rms_norm_backward", "not-linear-in-dy"): quadratic_in_dy_without_beta,
    ("layer_gradient_norms", "identity-changes"): divided_by_depth,
    ("deepnorm_init_", "gain-depends"): twice_as_large_without_biases,
    ("LayerNormLSTMCell", "examples-depend"): NormOverExamples,
}
if HAS_TRITON:
    BREAKERS["rms_norm_kernel", "rows-depend"] = last_row_first("rms_norm_kernel")
