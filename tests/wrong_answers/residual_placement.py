"""Wrong answers to exercise 04."""

import copy

import torch
import torch.nn.functional as F
from torch import nn


def post_norm_on_the_branch(x, sublayer, norm):
    return x + norm(sublayer(x))


def post_without_the_shortcut(x, sublayer, norm):
    return norm(sublayer(x))


def post_that_is_pre(x, sublayer, norm):
    return x + sublayer(norm(x))


def post_with_a_second_shortcut(x, sublayer, norm):
    return x + norm(x + sublayer(x))


def post_normed_twice(x, sublayer, norm):
    return norm(x + sublayer(norm(x)))


def post_in_place(x, sublayer, norm):
    x += sublayer(x)
    return norm(x)


def post_with_a_norm_of_its_own(x, sublayer, norm):
    return F.layer_norm(x + sublayer(x), x.shape[-1:])


def post_scaled_sum(x, sublayer, norm):
    return norm((x + sublayer(x)) * 0.5**0.5)


def post_detached(x, sublayer, norm):
    residual = x.detach()
    return norm(residual + sublayer(x))


def post_shortcut_kept_from_the_branch(x, sublayer, norm):
    out = sublayer(x)
    return norm(out + out)


def pre_residual_overwritten(x, sublayer, norm):
    x = norm(x)
    return x + sublayer(x)


def pre_without_the_shortcut(x, sublayer, norm):
    h = norm(x)
    return sublayer(h)


def pre_norm_on_the_branch(x, sublayer, norm):
    out = sublayer(x)
    return x + norm(out)


def pre_norm_forgotten(x, sublayer, norm):
    return x + sublayer(x)


def pre_and_post(x, sublayer, norm):
    return norm(x + sublayer(norm(x)))


def pre_sandwich(x, sublayer, norm):
    return x + norm(sublayer(norm(x)))


def pre_norm_on_the_stream_only(x, sublayer, norm):
    return norm(x) + sublayer(x)


def pre_in_place(x, sublayer, norm):
    x += sublayer(norm(x))
    return x


def pre_with_dropout(x, sublayer, norm):
    return x + F.dropout(sublayer(norm(x)), p=0.1)


def pre_without_gradients_in_the_norm(x, sublayer, norm):
    with torch.no_grad():
        h = norm(x)
    return x + sublayer(h)


class NoFinalNorm(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class NormAfterEachBlock(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        for block in self.blocks:
            x = self.norm(block(x))
        return x


class PlainList(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = blocks
        self.ln_f = nn.LayerNorm(dim)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.ln_f(x)


class NormFirst(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x):
        return self.blocks(self.norm(x))


class Clones(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.layers = nn.ModuleList([copy.deepcopy(block) for block in blocks])
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class NoAffine(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim, elementwise_affine=False)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class NoBias(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.h = nn.ModuleList(blocks)
        self.ln_f = nn.LayerNorm(dim, bias=False)

    def forward(self, x):
        for block in self.h:
            x = block(x)
        return self.ln_f(x)


class ResidualAgain(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x)
        return self.norm(x)


class FirstBlockOnly(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        for _ in self.blocks:
            x = self.blocks[0](x)
        return self.norm(x)


class EachOnTheInput(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        out = x
        for block in self.blocks:
            out = block(x)
        return self.norm(out)


class FinalRMSNorm(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.RMSNorm(dim)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class NormMadeInForward(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.dim = dim

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return nn.LayerNorm(self.dim)(x)


class LastBlockLeftOut(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        for i in range(len(self.blocks) - 1):
            x = self.blocks[i](x)
        return self.norm(x)


def post_that_needs_a_module(x, sublayer, norm):
    return F.layer_norm(x + sublayer(x), norm.normalized_shape, norm.weight, norm.bias, norm.eps)


def post_branch_detached(x, sublayer, norm):
    with torch.no_grad():
        branch = sublayer(x)
    return norm(x + branch)


def post_norm_of_the_input(x, sublayer, norm):
    return norm(x) + norm(sublayer(x))


def pre_detached_shortcut(x, sublayer, norm):
    return x.detach() + sublayer(norm(x))


def pre_normed_twice(x, sublayer, norm):
    return x + sublayer(norm(norm(x)))


def pre_with_the_norm_of_the_sum(x, sublayer, norm):
    return norm(x + sublayer(x))


class InTrainingOnly(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        for block in self.blocks:
            x = F.dropout(block(x), 0.1, self.training)
        return self.norm(x)


class Reversed(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        for block in self.blocks[::-1]:
            x = block(x)
        return self.norm(x)


class NormTwice(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        x = self.norm(x)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class SecondNormUnused(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.embedding_norm = nn.LayerNorm(dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class FrozenBlocks(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        with torch.no_grad():
            for block in self.blocks:
                x = block(x)
        return self.norm(x)


class AtLeastOneBlock(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.first, *rest = blocks
        self.rest = nn.ModuleList(rest)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        x = self.first(x)
        for block in self.rest:
            x = block(x)
        return self.norm(x)


WRONG = {
    "post_norm_step": [
        (post_norm_on_the_branch, "The norm stands on the branch alone: x + norm(f(x))."),
        (post_without_the_shortcut, "The shortcut is missing: norm(f(x))."),
        (post_that_is_pre, "This is pre-norm: x + f(norm(x))."),
        (post_with_a_second_shortcut, "x is added a second time, after the norm."),
        (post_normed_twice, "The norm is called twice: before the sub-layer, too."),
        (post_in_place, "x is changed in place."),
        (
            post_with_a_norm_of_its_own,
            "A layer norm of its own (without the gain) is used, not the norm given.",
        ),
        (post_scaled_sum, "The sum is multiplied by √½ before the norm."),
        (post_that_needs_a_module, "The norm is taken apart: a function has no weight."),
        (post_branch_detached, "No gradient flows through the branch: it stands under no_grad."),
        (post_norm_of_the_input, "Shortcut and branch are normed apart, before the sum."),
        (post_detached, "No gradient flows through the shortcut: x is detached."),
        (
            post_shortcut_kept_from_the_branch,
            "The branch is added to itself; the shortcut x is missing.",
        ),
    ],
    "pre_norm_step": [
        (
            pre_residual_overwritten,
            "The shortcut carries the normed x: norm(x) + f(norm(x)).",
        ),
        (pre_without_the_shortcut, "The shortcut is missing: f(norm(x))."),
        (
            pre_norm_on_the_branch,
            "The norm stands behind the sub-layer: x + norm(f(x)).",
        ),
        (pre_norm_forgotten, "The norm is missing: x + f(x)."),
        (pre_and_post, "There is a second norm around the sum."),
        (pre_sandwich, "There is a second norm behind the sub-layer."),
        (pre_norm_on_the_stream_only, "The norm stands on the shortcut: norm(x) + f(x)."),
        (pre_detached_shortcut, "No gradient flows through the shortcut: x is detached."),
        (pre_normed_twice, "The norm is applied twice in front of the sub-layer."),
        (pre_with_the_norm_of_the_sum, "This is post-norm: norm(x + f(x))."),
        (pre_in_place, "x is changed in place."),
        (pre_with_dropout, "Dropout makes the branch random."),
        (
            pre_without_gradients_in_the_norm,
            "No gradient flows through the norm and its branch to x: it stands under no_grad.",
        ),
    ],
    "PreNormTransformer": [
        (NoFinalNorm, "The final norm is made but not applied."),
        (NormAfterEachBlock, "The final norm is applied after every block."),
        (PlainList, "The blocks stand in a plain list: their parameters are not the model's."),
        (NormFirst, "The norm stands before the blocks, not after them."),
        (Clones, "The blocks are copies of those that were given."),
        (NoAffine, "The final norm has no weight and no bias."),
        (NoBias, "The final norm has no bias."),
        (ResidualAgain, "A second shortcut stands around each block."),
        (FirstBlockOnly, "The first block is called every time."),
        (EachOnTheInput, "Each block is called on the input, so only the last one counts."),
        (FinalRMSNorm, "The final norm is an RMSNorm."),
        (
            NormMadeInForward,
            "The final norm is made anew in every forward pass: it is no part of the model.",
        ),
        (InTrainingOnly, "Dropout stands behind each block."),
        (Reversed, "The blocks are called in reversed order."),
        (NormTwice, "The final norm is applied at the start, too."),
        (SecondNormUnused, "There is a second norm, which is not used."),
        (FrozenBlocks, "No gradient flows through the blocks: they run under no_grad."),
        (AtLeastOneBlock, "An empty list of blocks fails."),
        (LastBlockLeftOut, "The last block is left out."),
    ],
}


def post_norm_on_the_shortcut(x, sublayer, norm):
    return norm(x) + sublayer(x)


class FinalNormOf(nn.Module):
    eps = 1e-5

    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(dim, eps=self.eps)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class EpsOfFlax(FinalNormOf):
    eps = 1e-6


class EpsOfBert(FinalNormOf):
    eps = 1e-12


def post_sublayer_called_twice(x, sublayer, norm):
    assert sublayer(x).shape == x.shape
    return norm(x + sublayer(x))


def pre_sublayer_called_twice(x, sublayer, norm):
    assert sublayer(norm(x)).shape == x.shape
    return x + sublayer(norm(x))


NAMED, REJECTED = "rejected and named", "rejected"
REPORTED = {
    "post_norm_step": [
        (post_norm_on_the_shortcut, "norm(x) + f(x): the norm on the shortcut only.", NAMED),
        (post_sublayer_called_twice, "The sub-layer is called twice.", NAMED),
    ],
    "pre_norm_step": [
        (pre_sublayer_called_twice, "Sub-layer and norm are called twice.", NAMED),
    ],
    "PreNormTransformer": [
        (EpsOfFlax, "The final norm's ε is 1e-6, not torch's default.", REJECTED),
        (EpsOfBert, "The final norm's ε is 1e-12, not torch's default.", REJECTED),
    ],
}
