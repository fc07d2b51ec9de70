"""The model computes what its parts say, and starts from the weights that its names promise."""

import math

import pytest
import torch
import torch.nn.functional as F

from normlab.models.dyt import DyT
from normlab.models.initialization import INITIALIZATIONS, find_initialization
from normlab.models.placement.standard import PLACEMENTS
from normlab.models.transformer import NORMS, Transformer, TransformerConfig

TOKENS = torch.randint(0, 32, (2, 7), generator=torch.Generator().manual_seed(0))
KINDS = {"encoder": (3, 0), "decoder": (0, 3), "both": (2, 2)}


def model(kind="decoder", seed=0, **changes):
    encoder_layers, decoder_layers = KINDS[kind]
    return Transformer(TransformerConfig(encoder_layers, decoder_layers, **changes), seed)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_placement_norm_and_kind_gives_finite_logits_and_gradients(placement, norm, kind):
    net = model(kind, placement=placement, norm=norm, qk_norm=True, d_model=16, d_ff=32)
    logits = net(TOKENS, TOKENS if kind == "both" else None)
    assert logits.shape == (2, 7, 32)
    logits.square().mean().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_attention_equals_torchs_own():
    for kind, causal in (("encoder", False), ("decoder", True)):
        net = model(kind).double()
        attention = getattr(net, kind).blocks[0].attention
        x = torch.randn(2, 7, 64, generator=torch.Generator().manual_seed(1)).double()
        q, k, v = (
            layer(x).view(2, 7, 4, 16).transpose(1, 2)
            for layer in (attention.query, attention.key, attention.value)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        expected = attention.output(mixed.transpose(1, 2).reshape(2, 7, 64))
        torch.testing.assert_close(attention(x), expected)


def test_a_post_norm_encoder_equals_torchs_encoder_layer():
    block = model("encoder", placement="post-norm").double().encoder.blocks[0]
    layer = torch.nn.TransformerEncoderLayer(64, 4, 256, 0.0, bias=True, batch_first=True).double()
    weights = [block.attention.query, block.attention.key, block.attention.value]
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.self_attn.in_proj_weight.copy_(torch.cat([linear.weight for linear in weights]))
        layer.self_attn.out_proj.weight.copy_(block.attention.output.weight)
        layer.linear1.weight.copy_(block.feed_forward.inner.weight)
        layer.linear2.weight.copy_(block.feed_forward.outer.weight)
        layer.norm1.weight.fill_(1)
        layer.norm2.weight.fill_(1)
    x = torch.randn(2, 7, 64, generator=torch.Generator().manual_seed(1)).double()
    torch.testing.assert_close(block(x), layer(x))


def test_a_decoder_sees_no_later_token_and_an_encoder_does():
    changed = TOKENS.clone()
    changed[:, -1] = (changed[:, -1] + 1) % 32
    for kind, blind in (("decoder", True), ("encoder", False)):
        net = model(kind)
        assert torch.equal(net(TOKENS)[:, :-1], net(changed)[:, :-1]) is blind


def test_a_decoder_with_an_encoder_reads_the_source():
    net = model("both")
    assert not torch.allclose(net(TOKENS, TOKENS), net(TOKENS, TOKENS.flip(1)))


def test_qk_norm_bounds_every_attention_logit_by_the_root_of_the_head_size():
    attention = model(norm="rms_norm", qk_norm=True, init_scale=50.0).decoder.blocks[0].attention
    x = torch.randn(2, 7, 64, generator=torch.Generator().manual_seed(1))
    q = attention.query_norm(attention._split(attention.query(x)))
    k = attention.key_norm(attention._split(attention.key(x)))
    logits = q @ k.transpose(2, 3) / math.sqrt(16)
    assert logits.abs().max() <= math.sqrt(16) * (1 + 1e-5)


def test_a_layer_starts_with_the_same_weights_whatever_the_depth_placement_and_norm():
    shallow = model(placement="pre-norm").decoder.blocks[1]
    deep = Transformer(TransformerConfig(0, 9, "post-norm", "rms_norm"), 0).decoder.blocks[1]
    assert torch.equal(shallow.attention.value.weight, deep.attention.value.weight)
    assert torch.equal(shallow.feed_forward.outer.weight, deep.feed_forward.outer.weight)


def test_layers_stacks_and_seeds_start_with_different_weights():
    net = model("both")
    blocks = [net.encoder.blocks[0], net.encoder.blocks[1], net.decoder.blocks[0]]
    blocks.append(model("both", seed=1).encoder.blocks[0])
    first = [block.attention.query.weight[0, 0].item() for block in blocks]
    assert len(set(first)) == 4


def test_deepnorm_scales_value_output_and_ffn_by_beta_and_leaves_query_and_key():
    plain, scaled = (model(placement=p).decoder.blocks[0] for p in ("post-norm", "deepnorm"))
    beta = (8 * 3) ** -0.25
    for part, factor in (
        ("attention.query", 1),
        ("attention.key", 1),
        ("attention.value", beta),
        ("attention.output", beta),
        ("feed_forward.inner", beta),
        ("feed_forward.outer", beta),
    ):
        expected = plain.get_submodule(part).weight * factor
        torch.testing.assert_close(scaled.get_submodule(part).weight, expected)


# Standard deviations of (query, value, attention's output, W_1, W_2), for D = 64 and d_ff = 256
# in 3 layers. With at least 4,096 weights a measured one is within 5 % (4.5 times 1/√(2·4096)).
WIDE, SQUARE = math.sqrt(2 / 320), 0.125
STARTS = {
    "xavier": (SQUARE, SQUARE, SQUARE, WIDE, WIDE),
    "xavier-scaled": (SQUARE, SQUARE, SQUARE / math.sqrt(6), WIDE, WIDE / math.sqrt(6)),
    "xiong": (0, SQUARE, SQUARE, 1 / 8, 1 / 16),
    "gpt2": (0.02,) * 5,
    "gpt2-scaled": (0.02, 0.02, 0.02 / math.sqrt(6), 0.02, 0.02 / math.sqrt(6)),
    "zero-output": (SQUARE, SQUARE, 0, WIDE, 0),
}


def test_every_initialization_is_known_here():
    assert STARTS.keys() == INITIALIZATIONS.keys()


@pytest.mark.parametrize("init", INITIALIZATIONS)
def test_weights_start_with_the_standard_deviation_of_their_initialization(init):
    block = model(init=init, init_scale=3.0, d_ff=256).decoder.blocks[0]
    attention, ffn = block.attention, block.feed_forward
    linears = (attention.query, attention.value, attention.output, ffn.inner, ffn.outer)
    measured = [linear.weight.std().item() for linear in linears]
    assert measured == pytest.approx([3 * std for std in STARTS[init]], rel=0.05)


def test_the_embedded_tokens_start_with_unit_variance():
    x = model(d_model=256, vocab_size=256, max_tokens=256).embed(torch.arange(256)[None])
    assert x.square().mean().item() == pytest.approx(1, rel=0.05)


def test_with_zero_outputs_a_block_is_the_identity_exactly():
    net = model(placement="pre-norm", init="zero-output")
    x = net.embed(TOKENS)
    for block in net.decoder.blocks:
        assert torch.equal(block(x), x)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoder_layers": 0, "decoder_layers": 0}, "got 0 encoder and 0 decoder layers"),
        ({"decoder_layers": 1, "encoder_layers": -1}, "got -1 encoder"),
        ({"decoder_layers": 1, "heads": 5}, "5 heads do not divide d_model = 64"),
        ({"decoder_layers": 1, "norm": "LN"}, "norm is 'LN'; expected one of layer_norm"),
        ({"decoder_layers": 1, "init": "he"}, "init is 'he'; expected one of xavier"),
        ({"decoder_layers": 1, "placement": "post"}, "placement is 'post'; expected one of"),
    ],
)
def test_a_config_that_cannot_be_built_says_why(changes, message):
    with pytest.raises(ValueError, match=message):
        TransformerConfig(**changes)


def test_inputs_that_do_not_fit_the_model_say_why():
    with pytest.raises(ValueError, match="got 65 tokens, but max_tokens is 64"):
        model()(torch.zeros(1, 65, dtype=torch.long))
    with pytest.raises(ValueError, match="source is missing"):
        model("both")(TOKENS)
    with pytest.raises(ValueError, match="source is given"):
        model()(TOKENS, TOKENS)


def test_an_unknown_initialization_is_answered_with_the_known_ones():
    with pytest.raises(
        ValueError, match="init is 'zeros'; expected one of xavier, xavier-scaled, xiong"
    ):
        find_initialization("zeros")


def test_dyt_computes_its_formula_and_is_not_invariant_to_scale():
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    norm = DyT(4)
    torch.testing.assert_close(norm(x), torch.tanh(0.5 * x))
    assert not torch.allclose(norm(10 * x), norm(x), atol=0.1)
    with torch.no_grad():
        norm.scale.fill_(2.0)
        norm.weight.fill_(3.0)
        norm.bias.fill_(1.0)
    torch.testing.assert_close(norm(x), 3 * torch.tanh(2 * x) + 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_model_on_the_gpu_computes_what_it_computes_on_the_cpu():
    net = model(placement="deepnorm").double()
    expected = net(TOKENS)
    torch.testing.assert_close(net.cuda()(TOKENS.cuda()).cpu(), expected)


@pytest.mark.parametrize("layer", [0, 4, -1])
def test_a_block_that_a_stack_has_not_is_refused(layer):
    with pytest.raises(ValueError, match=f"layer is {layer}; expected one of 1 to 3"):
        TransformerConfig(encoder_layers=3).site("encoder", layer)
