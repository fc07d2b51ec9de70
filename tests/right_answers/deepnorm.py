"""Right answers to exercise 06."""

import math

import numpy as np
import torch
from torch import nn

from normlab.models.placement.deepnorm_constants import deepnorm_constants as of_the_package
from normlab.models.placement.standard import DeepNorm


def check_counts(*counts):
    if min(counts) < 0 or not any(counts):
        raise ValueError(f"impossible numbers of layers: {counts}")


def by_sublayers(encoder_layers, decoder_layers):
    check_counts(encoder_layers, decoder_layers)
    both = encoder_layers and decoder_layers
    out = {}
    for stack, layers, each in (("encoder", encoder_layers, 2), ("decoder", decoder_layers, 3)):
        sublayers = layers * (each if both else 2)
        out[stack] = (sublayers**0.25, (4 * sublayers) ** -0.25) if layers else None
    if both:
        x = encoder_layers ** (4 / 16) * decoder_layers ** (1 / 16)
        out["encoder"] = (0.81 * x, 0.87 / x)
    return out


def square_roots(encoder_layers, decoder_layers):
    check_counts(encoder_layers, decoder_layers)

    def fourth(value):
        return math.sqrt(math.sqrt(value))

    if not encoder_layers or not decoder_layers:
        layers = encoder_layers + decoder_layers
        pair = fourth(2 * layers), 1 / fourth(8 * layers)
        return {
            "encoder": pair if encoder_layers else None,
            "decoder": pair if decoder_layers else None,
        }
    mixed = fourth(encoder_layers) * fourth(fourth(decoder_layers))
    return {
        "encoder": [0.81 * mixed, 0.87 / mixed],
        "decoder": [fourth(3 * decoder_layers), 1 / fourth(12 * decoder_layers)],
    }


def logarithms(encoder_layers, decoder_layers):
    check_counts(encoder_layers, decoder_layers)
    n, m = encoder_layers, decoder_layers
    if n * m == 0:
        pair = math.exp(math.log(2 * (n + m)) / 4), math.exp(-math.log(8 * (n + m)) / 4)
        return dict(zip(("encoder", "decoder"), (pair, None) if n else (None, pair), strict=True))
    mixed = (4 * math.log(n) + math.log(m)) / 16
    encoder = math.exp(math.log(0.81) + mixed), math.exp(math.log(0.87) - mixed)
    return {"encoder": encoder, "decoder": (math.pow(3 * m, 1 / 4), math.pow(12 * m, -1 / 4))}


def numpy_powers(encoder_layers, decoder_layers):
    check_counts(encoder_layers, decoder_layers)
    n, m = np.float64(encoder_layers), np.float64(decoder_layers)
    quarters = np.array([0.25, -0.25])
    if not m:
        return {"encoder": np.array([2 * n, 8 * n]) ** quarters, "decoder": None}
    if not n:
        return {"decoder": np.array([2 * m, 8 * m]) ** quarters, "encoder": None}
    mixed = np.power(n**4 * m, [1 / 16, -1 / 16])
    return {
        "encoder": np.array([0.81, 0.87]) * mixed,
        "decoder": np.array([3 * m, 12 * m]) ** quarters,
    }


def one_line(x, sublayer, norm, alpha):
    return norm(sublayer(x) + x * alpha)


def torch_add(x, sublayer, norm, alpha):
    return norm(torch.add(sublayer(x), x, alpha=alpha))


def clone_then_in_place(x, sublayer, norm, alpha):
    total = x.clone().mul_(alpha)
    total += sublayer(x)
    return norm(total)


def stacked(x, sublayer, norm, alpha):
    weights = torch.tensor([alpha, 1.0], dtype=x.dtype)
    return norm(torch.einsum("s,s...->...", weights, torch.stack([x, sublayer(x)])))


def negated(x, sublayer, norm, alpha):
    branch = sublayer(x)
    return norm(-(-alpha * x - branch))


def step_of_the_package(x, sublayer, norm, alpha):
    placement = DeepNorm.__new__(DeepNorm)
    nn.Module.__init__(placement)
    placement.alpha = alpha
    return placement.step(x, sublayer, norm)


SCALED = ("v_proj", "out_proj", "fc1", "fc2")
PLAIN = ("q_proj", "k_proj")


def by_parameters(block, beta):
    for name, parameter in block.named_parameters():
        module, kind = f".{name}".split(".")[-2:]
        if module not in SCALED + PLAIN:
            continue
        if kind == "bias":
            nn.init.constant_(parameter, 0)
        else:
            nn.init.xavier_normal_(parameter, gain=beta if module in SCALED else 1)


def written_out(block, beta):
    with torch.no_grad():
        for name, module in block.named_modules():
            if not name.endswith(SCALED + PLAIN):
                continue
            fan_out, fan_in = module.weight.shape
            std = math.sqrt(2 / (fan_in + fan_out)) * (beta if name.endswith(SCALED) else 1)
            module.weight.copy_(torch.randn(fan_out, fan_in) * std)
            if module.bias is not None:
                module.bias.fill_(0)


def recursive(block, beta):
    for name, child in block.named_children():
        if name in SCALED + PLAIN:
            nn.init.normal_(child.weight, std=(2 / sum(child.weight.shape)) ** 0.5)
            child.weight.data *= beta if name in SCALED else 1.0
            if child.bias is not None:
                child.bias.data.zero_()
        else:
            recursive(child, beta)


def drawn_then_divided(block, beta):
    for name, module in block.named_modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            if any(part in name for part in SCALED):
                module.weight.data.div_(1 / beta)


def through_numpy(block, beta):
    rng = np.random.default_rng(1)
    gains = dict.fromkeys(PLAIN, 1.0) | dict.fromkeys(SCALED, beta)
    for name, module in block.named_modules():
        gain = gains.get(name.split(".")[-1])
        if gain:
            std = gain / np.sqrt(np.mean(module.weight.shape))
            drawn = rng.normal(0, std, size=tuple(module.weight.shape))
            module.weight.data.copy_(torch.from_numpy(drawn))
            if module.bias is not None:
                torch.nn.init.zeros_(module.bias)
    return block


RIGHT = {
    "deepnorm_constants": [
        by_sublayers,
        square_roots,
        logarithms,
        numpy_powers,
        of_the_package,
    ],
    "deepnorm_step": [
        one_line,
        torch_add,
        clone_then_in_place,
        stacked,
        negated,
        step_of_the_package,
    ],
    "deepnorm_init_": [
        by_parameters,
        written_out,
        recursive,
        drawn_then_divided,
        through_numpy,
    ],
}
EQUIVALENT = {"deepnorm_constants": {}, "deepnorm_step": {}, "deepnorm_init_": {}}
