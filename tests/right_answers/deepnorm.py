"""Right answers to exercise 06."""

import functools
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
            kind = name.rsplit(".", 1)[-1]
            if kind not in SCALED + PLAIN:
                continue
            fan_out, fan_in = module.weight.shape
            std = math.sqrt(2 / (fan_in + fan_out)) * (beta if kind in SCALED else 1)
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
        parts = name.split(".")
        if isinstance(module, nn.Linear) and parts[-1] in SCALED + PLAIN:
            nn.init.xavier_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
            if any(part in parts for part in SCALED):
                module.weight.data.div_(1 / beta)


def through_numpy(block, beta):
    rng = np.random.default_rng(torch.randint(2**31, ()).item())
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


def matched(encoder_layers, decoder_layers):
    check_counts(encoder_layers, decoder_layers)
    match encoder_layers, decoder_layers:
        case n, 0:
            return {"encoder": ((2 * n) ** 0.25, (8 * n) ** -0.25), "decoder": None}
        case 0, m:
            return {"encoder": None, "decoder": ((2 * m) ** 0.25, (8 * m) ** -0.25)}
        case n, m:
            x = math.exp2((4 * math.log2(n) + math.log2(m)) / 16)
            decoder = (math.pow(3 * m, 0.25), math.pow(12 * m, -0.25))
            return dict(encoder=(0.81 * x, 0.87 / x), decoder=decoder)


def table_of_rows(encoder_layers, decoder_layers):
    check_counts(encoder_layers, decoder_layers)
    n, m = encoder_layers, decoder_layers
    rows = {
        (True, False): lambda: (of_sublayers(2 * n), None),
        (False, True): lambda: (None, of_sublayers(2 * m)),
        (True, True): lambda: (scaled(0.81, 0.87, (n**4 * m) ** 0.0625), of_sublayers(3 * m)),
    }
    return dict(zip(["encoder", "decoder"], rows[n > 0, m > 0](), strict=True))


def of_sublayers(s):
    return s ** (1 / 4), (4 * s) ** (-1 / 4)


def scaled(a, b, x):
    return a * x, b * x**-1


def addcmul(x, sublayer, norm, alpha):
    return norm(torch.addcmul(sublayer(x), x, torch.full_like(x, alpha)))


def composed(x, sublayer, norm, alpha):
    parts = (lambda z: (alpha * z, sublayer(z)), lambda pair: pair[0] + pair[1], norm)
    return functools.reduce(lambda z, part: part(z), parts, x)


def loaded_state(block, beta):
    state = block.state_dict()
    for name in list(state):
        *_, module, kind = ("", *name.split("."))
        if module not in SCALED + PLAIN:
            continue
        if kind == "bias":
            state[name] = torch.zeros_like(state[name])
        else:
            gain = beta if module in SCALED else 1.0
            std = gain * math.sqrt(2 / sum(state[name].shape))
            state[name] = torch.distributions.Normal(0.0, std).sample(state[name].shape)
    block.load_state_dict(state)


@torch.no_grad()
def box_muller(block, beta):
    for path, linear in block.named_modules():
        kind = path.rpartition(".")[2]
        if kind not in {*SCALED, *PLAIN}:
            continue
        u, v = torch.rand(2, *linear.weight.shape, dtype=torch.float64)
        normal = torch.sqrt(-2 * torch.log1p(-u)) * torch.cos(2 * math.pi * v)
        gain = 1.0 if kind in PLAIN else beta
        linear.weight[:] = gain * normal / math.sqrt(sum(linear.weight.shape) / 2)
        if linear.bias is not None:
            linear.bias[:] = 0


def by_submodule(block, beta):
    paths = [name for name, _ in block.named_modules()]
    names = [name for name in paths if name.split(".")[-1] in SCALED + PLAIN]
    init = {kind: functools.partial(nn.init.xavier_normal_, gain=beta) for kind in SCALED}
    for name in names:
        linear = block.get_submodule(name)
        init.get(name.split(".")[-1], nn.init.xavier_normal_)(linear.weight)
        if linear.bias is not None:
            nn.init.constant_(linear.bias, 0.0)


RIGHT = {
    "deepnorm_constants": [
        by_sublayers,
        square_roots,
        logarithms,
        numpy_powers,
        of_the_package,
        matched,
        table_of_rows,
    ],
    "deepnorm_step": [
        one_line,
        torch_add,
        clone_then_in_place,
        stacked,
        negated,
        step_of_the_package,
        addcmul,
        composed,
    ],
    "deepnorm_init_": [
        by_parameters,
        written_out,
        recursive,
        drawn_then_divided,
        through_numpy,
        loaded_state,
        box_muller,
        by_submodule,
    ],
}
EQUIVALENT = {"deepnorm_constants": {}, "deepnorm_step": {}, "deepnorm_init_": {}}
