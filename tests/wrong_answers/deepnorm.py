"""Wrong answers to exercise 06."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def check_counts(n, m):
    if n < 0 or m < 0 or n + m == 0:
        raise ValueError(f"{n} encoder layers and {m} decoder layers")


def constants(n, m, alone, encoder, decoder):
    check_counts(n, m)
    if not (n and m):
        return {"encoder": alone(n) if n else None, "decoder": alone(m) if m else None}
    return {"encoder": encoder(n, m), "decoder": decoder(m)}


def alone(layers):
    return (2 * layers) ** 0.25, (8 * layers) ** -0.25


def encoder(n, m):
    mixed = (n**4 * m) ** (1 / 16)
    return 0.81 * mixed, 0.87 / mixed


def decoder(m):
    return (3 * m) ** 0.25, (12 * m) ** -0.25


def power_binds_first(encoder_layers, decoder_layers):
    n, m = encoder_layers, decoder_layers
    check_counts(n, m)
    if m == 0:
        return {"encoder": (2 * n**0.25, 8 * n**-0.25), "decoder": None}
    if n == 0:
        return {"encoder": None, "decoder": (2 * m**0.25, 8 * m**-0.25)}
    mixed = (n**4 * m) ** (1 / 16)
    return {"encoder": (0.81 * mixed, 0.87 / mixed), "decoder": (3 * m**0.25, 12 * m**-0.25)}


def square_roots(encoder_layers, decoder_layers):
    return constants(
        encoder_layers,
        decoder_layers,
        lambda k: (math.sqrt(2 * k), 1 / math.sqrt(8 * k)),
        encoder,
        lambda m: (math.sqrt(3 * m), 1 / math.sqrt(12 * m)),
    )


def three_sublayers_alone(encoder_layers, decoder_layers):
    n, m = encoder_layers, decoder_layers
    out = constants(n, m, alone, encoder, decoder)
    if n == 0:
        out["decoder"] = decoder(m)
    return out


def two_sublayers_with_an_encoder(encoder_layers, decoder_layers):
    return constants(encoder_layers, decoder_layers, alone, encoder, alone)


def factors_exchanged(encoder_layers, decoder_layers):
    def exchanged(n, m):
        mixed = (n**4 * m) ** (1 / 16)
        return 0.87 * mixed, 0.81 / mixed

    return constants(encoder_layers, decoder_layers, alone, exchanged, decoder)


def powers_of_the_counts_exchanged(encoder_layers, decoder_layers):
    def exchanged(n, m):
        mixed = (n * m**4) ** (1 / 16)
        return 0.81 * mixed, 0.87 / mixed

    return constants(encoder_layers, decoder_layers, alone, exchanged, decoder)


def one_over_alpha(encoder_layers, decoder_layers):
    return constants(
        encoder_layers,
        decoder_layers,
        lambda k: ((2 * k) ** 0.25, (2 * k) ** -0.25),
        encoder,
        lambda m: ((3 * m) ** 0.25, (3 * m) ** -0.25),
    )


def eighth_root(encoder_layers, decoder_layers):
    def eighth(n, m):
        mixed = (n**4 * m) ** (1 / 8)
        return 0.81 * mixed, 0.87 / mixed

    return constants(encoder_layers, decoder_layers, alone, eighth, decoder)


def mixed_beta_not_inverted(encoder_layers, decoder_layers):
    def straight(n, m):
        mixed = (n**4 * m) ** (1 / 16)
        return 0.81 * mixed, 0.87 * mixed

    return constants(encoder_layers, decoder_layers, alone, straight, decoder)


def encoder_as_if_alone(encoder_layers, decoder_layers):
    return constants(encoder_layers, decoder_layers, alone, lambda n, m: alone(n), decoder)


def both_required(encoder_layers, decoder_layers):
    n, m = encoder_layers, decoder_layers
    if n <= 0 or m <= 0:
        raise ValueError(f"{n} and {m} layers: expected at least one of each")
    return {"encoder": encoder(n, m), "decoder": decoder(m)}


def absent_stack_left_out(encoder_layers, decoder_layers):
    out = constants(encoder_layers, decoder_layers, alone, encoder, decoder)
    return {stack: pair for stack, pair in out.items() if pair is not None}


def beta_first(encoder_layers, decoder_layers):
    out = constants(encoder_layers, decoder_layers, alone, encoder, decoder)
    return {stack: pair and pair[::-1] for stack, pair in out.items()}


def integer_exponents(encoder_layers, decoder_layers):
    return constants(
        encoder_layers,
        decoder_layers,
        lambda k: ((2 * k) ** (1 // 4), (8 * k) ** -(1 // 4)),
        encoder,
        lambda m: ((3 * m) ** (1 // 4), (12 * m) ** -(1 // 4)),
    )


def alpha_behind_the_norm(x, sublayer, norm, alpha):
    return alpha * norm(x + sublayer(x))


def alpha_on_both(x, sublayer, norm, alpha):
    return norm(alpha * (x + sublayer(x)))


def norm_on_the_branch(x, sublayer, norm, alpha):
    return alpha * x + norm(sublayer(x))


def scaled_before_the_branch(x, sublayer, norm, alpha):
    x = alpha * x
    return norm(x + sublayer(x))


def pre_norm_with_alpha(x, sublayer, norm, alpha):
    return alpha * x + sublayer(norm(x))


def alpha_unused(x, sublayer, norm, alpha):
    return norm(x + sublayer(x))


def scaled_in_place(x, sublayer, norm, alpha):
    branch = sublayer(x)
    x *= alpha
    return norm(x + branch)


def branch_divided(x, sublayer, norm, alpha):
    return norm(x + sublayer(x) / alpha)


def root_of_alpha(x, sublayer, norm, alpha):
    return norm(alpha**0.5 * x + sublayer(x))


def convex_mix(x, sublayer, norm, alpha):
    return norm(alpha * x + (1 - alpha) * sublayer(x))


def no_norm(x, sublayer, norm, alpha):
    return alpha * x + sublayer(x)


def plain_layer_norm(x, sublayer, norm, alpha):
    return F.layer_norm(alpha * x + sublayer(x), x.shape[-1:])


def alpha_divides(x, sublayer, norm, alpha):
    return norm(x / alpha + sublayer(x))


KINDS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")


def linears(block):
    for name, module in block.named_modules():
        kind = name.rsplit(".", 1)[-1]
        if isinstance(module, nn.Linear) and kind in KINDS:
            yield kind, module


def zero_bias(module):
    if module.bias is not None:
        nn.init.zeros_(module.bias)


def gain(kind, beta):
    return 1.0 if kind in ("q_proj", "k_proj") else beta


def uniform(block, beta):
    for kind, module in linears(block):
        nn.init.xavier_uniform_(module.weight, gain=gain(kind, beta))
        zero_bias(module)


def beta_on_all(block, beta):
    for _, module in linears(block):
        nn.init.xavier_normal_(module.weight, gain=beta)
        zero_bias(module)


def multiplied(block, beta):
    for kind, module in linears(block):
        if kind not in ("q_proj", "k_proj"):
            module.weight.data.mul_(beta)
        zero_bias(module)


def feed_forward_forgotten(block, beta):
    for kind, module in linears(block):
        plain = kind not in ("v_proj", "out_proj")
        nn.init.xavier_normal_(module.weight, gain=1 if plain else beta)
        zero_bias(module)


def feed_forward_only(block, beta):
    for kind, module in linears(block):
        nn.init.xavier_normal_(module.weight, gain=beta if kind.startswith("fc") else 1)
        zero_bias(module)


def queries_and_keys_scaled(block, beta):
    for kind, module in linears(block):
        plain = kind in ("v_proj", "out_proj")
        nn.init.xavier_normal_(module.weight, gain=1 if plain else beta)
        zero_bias(module)


def kaiming(block, beta):
    for kind, module in linears(block):
        nn.init.kaiming_normal_(module.weight)
        module.weight.data *= gain(kind, beta)
        zero_bias(module)


def two_over_fan_in(block, beta):
    for kind, module in linears(block):
        std = gain(kind, beta) * math.sqrt(1 / module.in_features)
        nn.init.normal_(module.weight, std=std)
        zero_bias(module)


def variance_times_beta(block, beta):
    for kind, module in linears(block):
        fans = module.in_features + module.out_features
        nn.init.normal_(module.weight, std=math.sqrt(gain(kind, beta) * 2 / fans))
        zero_bias(module)


def bert_s_std(block, beta):
    for kind, module in linears(block):
        nn.init.normal_(module.weight, mean=0.0, std=0.02 * gain(kind, beta))
        zero_bias(module)


def new_parameters(block, beta):
    for kind, module in linears(block):
        weight = torch.empty_like(module.weight)
        nn.init.xavier_normal_(weight, gain=gain(kind, beta))
        module.weight = nn.Parameter(weight)
        zero_bias(module)


def biases_left(block, beta):
    for kind, module in linears(block):
        nn.init.xavier_normal_(module.weight, gain=gain(kind, beta))


def biases_assumed(block, beta):
    for kind, module in linears(block):
        nn.init.xavier_normal_(module.weight, gain=gain(kind, beta))
        nn.init.zeros_(module.bias)


def children_only(block, beta):
    for name, module in block.named_children():
        if name in KINDS:
            nn.init.xavier_normal_(module.weight, gain=gain(name, beta))
            zero_bias(module)


def self_attention_only(block, beta):
    for name, module in block.named_modules():
        kind = name.split(".")[-1]
        if kind in ("fc1", "fc2") or (name.startswith("self_attn.") and kind in KINDS):
            nn.init.xavier_normal_(module.weight, gain=gain(kind, beta))
            zero_bias(module)


def standard_normal(block, beta):
    for kind, module in linears(block):
        module.weight.data.copy_(torch.randn_like(module.weight) * gain(kind, beta))
        zero_bias(module)


def every_vector_zero(block, beta):
    for name, parameter in block.named_parameters():
        if parameter.dim() > 1:
            plain = "q_proj" in name or "k_proj" in name
            nn.init.xavier_normal_(parameter, gain=1 if plain else beta)
        else:
            nn.init.zeros_(parameter)


def names_that_hold_fc(block, beta):
    for name, module in block.named_modules():
        if not isinstance(module, nn.Linear):
            continue
        if "q_proj" in name or "k_proj" in name:
            nn.init.xavier_normal_(module.weight)
        elif "proj" in name or "fc" in name:
            nn.init.xavier_normal_(module.weight, gain=beta)
        else:
            continue
        zero_bias(module)


def biases_drawn(block, beta):
    for kind, module in linears(block):
        nn.init.xavier_normal_(module.weight, gain=gain(kind, beta))
        if module.bias is not None:
            nn.init.normal_(module.bias, std=1e-3)


def constant_weights(block, beta):
    for kind, module in linears(block):
        std = gain(kind, beta) * math.sqrt(2 / sum(module.weight.shape))
        signs = torch.randint(0, 2, module.weight.shape) * 2 - 1
        module.weight.data.copy_(std * signs)
        zero_bias(module)


def shifted_mean(block, beta):
    for kind, module in linears(block):
        std = gain(kind, beta) * math.sqrt(2 / sum(module.weight.shape))
        nn.init.normal_(module.weight, mean=0.5 * std, std=0.85 * std)
        zero_bias(module)


def requires_no_gradient(block, beta):
    for kind, module in linears(block):
        module.weight.requires_grad_(False)
        nn.init.xavier_normal_(module.weight, gain=gain(kind, beta))
        zero_bias(module)


def one_draw_for_all(block, beta):
    drawn = {}
    for kind, module in linears(block):
        shape = tuple(module.weight.shape)
        if shape not in drawn:
            drawn[shape] = nn.init.xavier_normal_(torch.empty(shape))
        module.weight.data.copy_(gain(kind, beta) * drawn[shape])
        zero_bias(module)


def negative_accepted(encoder_layers, decoder_layers):
    n, m = encoder_layers, decoder_layers
    if n == 0 and m == 0:
        raise ValueError(f"{n} encoder and {m} decoder layers")
    if n <= 0 or m <= 0:
        return {"encoder": alone(n) if n > 0 else None, "decoder": alone(m) if m > 0 else None}
    return {"encoder": encoder(n, m), "decoder": decoder(m)}


def no_layers_accepted(encoder_layers, decoder_layers):
    n, m = encoder_layers, decoder_layers
    if n < 0 or m < 0:
        raise ValueError(f"{n} encoder and {m} decoder layers")
    return {
        "encoder": (encoder(n, m) if m else alone(n)) if n else None,
        "decoder": (decoder(m) if n else alone(m)) if m else None,
    }


def rounded_to_three(encoder_layers, decoder_layers):
    out = constants(encoder_layers, decoder_layers, alone, encoder, decoder)
    return {k: v and tuple(round(number, 3) for number in v) for k, v in out.items()}


WRONG = {
    "deepnorm_constants": [
        (power_binds_first, "2 * n ** 0.25 is 2·n^¼: the factor stands outside the power."),
        (square_roots, "The exponents are ½ where they should be ¼."),
        (three_sublayers_alone, "A decoder alone is counted with three sub-layers: 3M, 12M."),
        (
            two_sublayers_with_an_encoder,
            "The decoder beside an encoder is counted with two sub-layers: 2M, 8M.",
        ),
        (factors_exchanged, "0.81 and 0.87 are exchanged."),
        (powers_of_the_counts_exchanged, "N·M⁴ stands where N⁴·M belongs."),
        (one_over_alpha, "β is 1/α: the factor 4 under the root is missing."),
        (eighth_root, "The exponent of the encoder's pair is 1/8, not 1/16."),
        (mixed_beta_not_inverted, "The encoder's β, beside a decoder, is not inverted."),
        (encoder_as_if_alone, "The encoder beside a decoder gets the constants of one alone."),
        (both_required, "A model of one stack alone raises a ValueError."),
        (absent_stack_left_out, "The key of the absent stack is left out; it should be None."),
        (beta_first, "α and β are returned in exchanged order."),
        (negative_accepted, "Negative counts are taken for 0; they raise nothing."),
        (no_layers_accepted, "A model without any layer raises nothing."),
        (rounded_to_three, "The constants are rounded to three places."),
        (integer_exponents, "1 // 4 is 0: α and β are 1 at every depth."),
    ],
    "deepnorm_step": [
        (alpha_behind_the_norm, "α multiplies the output of the norm."),
        (alpha_on_both, "α multiplies the branch, too."),
        (norm_on_the_branch, "The norm stands on the branch alone: αx + norm(f(x))."),
        (scaled_before_the_branch, "The sub-layer sees αx and not x."),
        (pre_norm_with_alpha, "This is pre-norm with α: αx + f(norm(x))."),
        (alpha_unused, "α is not used: this is post-norm."),
        (scaled_in_place, "x is changed in place."),
        (branch_divided, "The branch is divided by α: with ε it is not the same."),
        (root_of_alpha, "√α stands where α belongs."),
        (convex_mix, "The branch is multiplied by 1 − α."),
        (no_norm, "The norm is missing."),
        (plain_layer_norm, "A layer norm of its own is used, not the norm given."),
        (alpha_divides, "x is divided by α, not multiplied."),
    ],
    "deepnorm_init_": [
        (uniform, "The weights are drawn from a uniform distribution, not from a normal one."),
        (beta_on_all, "q_proj and k_proj get the gain β, too."),
        (multiplied, "The weights that were there are multiplied, not drawn anew."),
        (feed_forward_forgotten, "fc1 and fc2 get the gain 1, not β."),
        (feed_forward_only, "v_proj and out_proj get the gain 1, not β."),
        (
            queries_and_keys_scaled,
            "The gains of attention are exchanged: β on q and k, 1 on v and out.",
        ),
        (kaiming, "He's initialization is used (2/fan_in), not Xavier's."),
        (two_over_fan_in, "The variance is 1/fan_in, not 2/(fan_in + fan_out)."),
        (variance_times_beta, "The variance is multiplied by β and not by β²."),
        (bert_s_std, "The standard deviation is 0.02 for every shape, as in BERT, not Xavier's."),
        (new_parameters, "The weights are new parameters, unknown to an optimizer."),
        (biases_left, "The biases are not set to 0."),
        (biases_assumed, "A layer without a bias raises an error."),
        (children_only, "Only direct children are looked at: attention is left out."),
        (self_attention_only, "encoder_attn is left out."),
        (standard_normal, "The standard deviation is the gain alone: Xavier's factor is missing."),
        (
            names_that_hold_fc,
            "Any name that holds proj or fc is redrawn, such as a Linear of another name.",
        ),
        (biases_drawn, "The biases are drawn with a small deviation, not set to 0."),
        (constant_weights, "All weights have the same magnitude, with random signs: not normal."),
        (shifted_mean, "The mean of the weights is half a deviation, not 0."),
        (requires_no_gradient, "The weights do not require a gradient any more."),
        (one_draw_for_all, "Matrices of the same shape are copies of one draw."),
        (every_vector_zero, "The norms' weights are set to 0, too."),
    ],
}


def stacks_exchanged(encoder_layers, decoder_layers):
    n, m = encoder_layers, decoder_layers
    return constants(n, m, alone, lambda n, m: encoder(m, n), lambda m: decoder(n))


def layers_counted(encoder_layers, decoder_layers):
    n, m = encoder_layers, decoder_layers
    return {
        "encoder": (n**0.25, (4 * n) ** -0.25) if n else None,
        "decoder": (m**0.25, (4 * m) ** -0.25) if m else None,
    }


def eight_for_twelve(encoder_layers, decoder_layers):
    return constants(
        encoder_layers,
        decoder_layers,
        alone,
        encoder,
        lambda m: ((3 * m) ** 0.25, (8 * m) ** -0.25),
    )


def betas_inverted(encoder_layers, decoder_layers):
    return constants(
        encoder_layers,
        decoder_layers,
        lambda k: ((2 * k) ** 0.25, (8 * k) ** 0.25),
        encoder,
        lambda m: ((3 * m) ** 0.25, (12 * m) ** 0.25),
    )


def every_linear_redrawn(block, beta):
    for name, module in block.named_modules():
        if isinstance(module, nn.Linear):
            kind = name.split(".")[-1]
            nn.init.xavier_normal_(module.weight, gain=gain(kind, beta))
            zero_bias(module)


def seeded_before_each(block, beta):
    for kind, module in linears(block):
        torch.manual_seed(0)
        nn.init.xavier_normal_(module.weight, gain=gain(kind, beta))
        zero_bias(module)


def truncated(block, beta):
    for kind, module in linears(block):
        std = gain(kind, beta) * math.sqrt(2 / (module.in_features + module.out_features))
        nn.init.trunc_normal_(module.weight, std=std, a=-2 * std, b=2 * std)
        zero_bias(module)


def orthogonal(block, beta):
    for kind, module in linears(block):
        out, fan_in = module.weight.shape
        nn.init.orthogonal_(module.weight)
        rms = module.weight.data.square().mean().sqrt()
        module.weight.data *= gain(kind, beta) * math.sqrt(2 / (out + fan_in)) / rms
        zero_bias(module)


NAMED, REJECTED = "rejected and named", "rejected"
REPORTED = {
    "deepnorm_constants": [
        (stacks_exchanged, "Encoder and decoder are exchanged.", NAMED),
        (
            layers_counted,
            "Layers were counted, not sub-layers (s = N); there is no ValueError, and the two "
            "stacks of one model have the constants of one alone.",
            NAMED,
        ),
        (eight_for_twelve, "8M stands where 12M belongs, in the decoder's β.", NAMED),
        (betas_inverted, "β is inverted, in the decoder's row too.", NAMED),
    ],
    "deepnorm_init_": [
        (every_linear_redrawn, "Every nn.Linear of any name is redrawn.", REJECTED),
        (
            seeded_before_each,
            "The seed is set before each matrix: q_proj and k_proj are equal, and the caller's "
            "generator is reset.",
            REJECTED,
        ),
        (truncated, "The normal distribution is cut at ±2σ (rms 0.88 of the right one).", REJECTED),
        (orthogonal, "The matrices are orthogonal, not drawn from a normal.", REJECTED),
    ],
}
