"""Right answers to exercise 04."""

import functools
import operator
from dataclasses import dataclass, field

import torch
from torch import nn

from normlab.models.placement.standard import PostNorm, PreNorm


def post_in_one_line(x, sublayer, norm):
    return norm(sublayer(x) + x)


def post_torch_add(x, sublayer, norm):
    return norm(torch.add(x, sublayer(x)))


def post_onto_the_branch(x, sublayer, norm):
    total = sublayer(x)
    total += x
    return norm(total)


def post_stacked(x, sublayer, norm):
    return norm(torch.stack([x, sublayer(x)]).sum(0))


def post_composed(x, sublayer, norm):
    class Residual(nn.Module):
        def forward(self, z):
            return z + sublayer(z)

    class Norm(nn.Module):
        def forward(self, z):
            return norm(z)

    return nn.Sequential(Residual(), Norm())(x)


def post_of_the_package(x, sublayer, norm):
    return PostNorm.step(nn.Identity(), x, sublayer, norm)


def pre_in_one_line(x, sublayer, norm):
    return x + sublayer(norm(x))


def pre_kept_residual(x, sublayer, norm):
    residual = x
    x = norm(x)
    x = sublayer(x)
    return residual + x


def pre_onto_the_branch(x, sublayer, norm):
    out = sublayer(norm(x))
    out += x
    return out


def pre_einsum(x, sublayer, norm):
    return torch.einsum("s...->...", torch.stack([x, sublayer(norm(x))]))


def pre_composed(x, sublayer, norm):
    return functools.reduce(lambda z, f: f(z), (norm, sublayer), x).add(x)


def pre_of_the_package(x, sublayer, norm):
    return PreNorm.step(nn.Identity(), x, sublayer, norm)


class ModuleListThenNorm(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.layers = nn.ModuleList(blocks)
        self.ln_f = nn.LayerNorm(dim)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.ln_f(x)


class SequentialThenNorm(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm((dim,))

    def forward(self, x):
        return self.norm(self.blocks(x))


class OneSequential(nn.Sequential):
    def __init__(self, blocks, dim):
        super().__init__(*blocks, nn.LayerNorm(dim))


class AddedByName(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.count = len(blocks)
        for i, block in enumerate(blocks):
            self.add_module(f"block_{i}", block)
        self.add_module("final", nn.LayerNorm(dim))

    def forward(self, x):
        for i in range(self.count):
            x = getattr(self, f"block_{i}")(x)
        return self.final(x)


class NormWrittenOut(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.beta = nn.Parameter(torch.zeros(dim))
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        y = functools.reduce(lambda stream, block: block(stream), self.blocks, x)
        centered = y - y.mean(-1, keepdim=True)
        variance = centered.square().mean(-1, keepdim=True)
        return self.gamma * centered * torch.rsqrt(variance + 1e-5) + self.beta


class Recursive(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.last = nn.LayerNorm(dim) if not len(blocks) else None
        if len(blocks):
            self.first = blocks[0]
            self.rest = Recursive(blocks[1:], dim)

    def forward(self, x):
        return self.last(x) if self.last is not None else self.rest(self.first(x))


def post_summed(x, sublayer, norm):
    return norm(sum([x, sublayer(x)]))


def post_with_a_lambda(x, sublayer, norm):
    add_branch = lambda f: lambda z: operator.add(z, f(z))  # noqa: E731 # as some write
    return norm(add_branch(sublayer)(x))


class PreStep:
    """An object that is called like a function."""

    __name__ = "PreStep"

    def __call__(self, x, sublayer, norm):
        return self.join(x, self.branch(x, sublayer, norm))

    def branch(self, x, sublayer, norm):
        return sublayer(norm(x))

    def join(self, x, branch):
        return torch.sub(x, branch, alpha=-1)


def pre_concatenated(x, sublayer, norm):
    both = torch.cat([x.unsqueeze(0), sublayer(norm(x)).unsqueeze(0)])
    return both.sum(dim=0)


class Folded(nn.Module):
    def __init__(self, blocks, dim):
        super().__init__()
        self.parts = nn.ModuleDict({f"block {i}": block for i, block in enumerate(blocks)})
        self.parts["final norm"] = nn.LayerNorm(dim, eps=1e-5, elementwise_affine=True)

    def forward(self, x):
        return functools.reduce(lambda z, part: part(z), self.parts.values(), x)


@dataclass(eq=False)
class Dataclass(nn.Module):
    blocks: list
    dim: int
    stack: nn.Module = field(init=False)

    def __post_init__(self):
        blocks = vars(self).pop("blocks")
        super().__init__()
        self.stack = nn.Sequential()
        for block in (*blocks, nn.LayerNorm([self.dim])):
            self.stack.append(block)

    def forward(self, x):
        for part in self.stack.children():
            x = part(x)
        return x


RIGHT = {
    "post_norm_step": [
        post_in_one_line,
        post_torch_add,
        post_onto_the_branch,
        post_stacked,
        post_composed,
        post_of_the_package,
        post_summed,
        post_with_a_lambda,
    ],
    "pre_norm_step": [
        pre_in_one_line,
        pre_kept_residual,
        pre_onto_the_branch,
        pre_einsum,
        pre_composed,
        pre_of_the_package,
        PreStep(),
        pre_concatenated,
    ],
    "PreNormTransformer": [
        ModuleListThenNorm,
        SequentialThenNorm,
        OneSequential,
        AddedByName,
        NormWrittenOut,
        Recursive,
        Folded,
        Dataclass,
    ],
}
EQUIVALENT = {"post_norm_step": {}, "pre_norm_step": {}, "PreNormTransformer": {}}
