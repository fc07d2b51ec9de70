"""The wiring that is read from the numbers of a layer is the one that its code has."""

import re

import pytest
import torch
from torch import nn

from normlab.inspection import read_wiring
from normlab.models.placement.base import Placement
from normlab.models.placement.in_the_wild import ZOO_PLACEMENTS
from normlab.models.placement.standard import PLACEMENTS
from normlab.models.placement.wiring import trace
from normlab.models.transformer import Block, TransformerConfig

PRE_NORM = ("n1 = norm(x)", "f1 = f(n1)", "n2 = norm(x + f1)", "f2 = f(n2)", "y = x + f1 + f2")
POST_NORM = ("f1 = f(x)", "n1 = norm(x + f1)", "f2 = f(n1)", "n2 = norm(n1 + f2)", "y = n2")


def stream(batch=2, tokens=5, features=16):
    rng = torch.Generator().manual_seed(0)
    return torch.randn(batch, tokens, features, dtype=torch.float64, generator=rng)


def block(placement, **options):
    config = TransformerConfig(
        encoder_layers=8, placement=placement, d_model=16, heads=2, d_ff=32, **options
    )
    made = Block(config, config.site("encoder", 8))
    made.initialize(config, torch.Generator().manual_seed(0))
    return made.double()


def wiring_of(layer):
    return read_wiring(layer, stream())


def factors(equation):
    return [float(f) for f in re.findall(r"\d+\.\d+", equation)]


@pytest.mark.parametrize("norm_first", [True, False])
def test_torchs_own_layer_is_pre_norm_or_post_norm(norm_first):
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=norm_first)
    layer = layer.double().eval()
    assert wiring_of(layer).equations == (PRE_NORM if norm_first else POST_NORM)


@pytest.mark.parametrize("name", sorted(ZOO_PLACEMENTS))
def test_sums_and_norms_are_as_many_as_the_symbols_of_the_same_code_say(name):
    nodes = trace(ZOO_PLACEMENTS[name], layer=8, layers=8).nodes
    wiring = wiring_of(block(ZOO_PLACEMENTS[name]))
    assert len(wiring.norms) == sum(node.kind == "norm" for node in nodes)
    assert len(wiring.sublayers) == sum(node.kind == "sub-layer" for node in nodes)


def test_constants_are_read_as_factors():
    alpha = (2 * 8) ** 0.25
    for equation in wiring_of(block("deepnorm")).equations:
        if "norm(" in equation:
            assert factors(equation) == [pytest.approx(alpha, abs=5e-4)]
    assert wiring_of(block("deepnorm")).shape() == POST_NORM


def test_a_scale_inside_a_branch_belongs_to_the_sublayer():
    assert wiring_of(block("layernorm-scaling")).equations == PRE_NORM


class NormedResidual(Placement):
    """Pre-norm, but with the normed x in the residual (RiNALMo, issue 9)."""

    def step(self, x, f, norm):
        x = norm(x)
        return x + f(x)


def test_a_normed_residual_is_told_from_pre_norm():
    read = wiring_of(block(NormedResidual)).equations
    assert read != PRE_NORM
    assert read == wiring_of(block(ZOO_PLACEMENTS["shifted post-norm"])).equations
    assert read[-1] == "y = n2 + f2"


def test_a_norm_that_is_called_twice_stands_at_two_places():
    made = block("pre-norm")
    made.placement.site_parts[1] = made.placement.site_parts[0]
    wiring = wiring_of(made)
    assert wiring.equations == PRE_NORM
    first, second = wiring.norms
    assert second == first


def test_norms_of_queries_and_keys_are_inner_ones():
    wiring = wiring_of(block("pre-norm", qk_norm=True))
    assert wiring.equations == PRE_NORM
    assert wiring.inner == ("attention.query_norm", "attention.key_norm")


def test_a_norm_over_all_heads_is_an_inner_one_though_it_is_as_wide_as_the_stream():
    made = block("reordered-norm")
    made.attention.query = nn.Sequential(made.attention.query, nn.LayerNorm(16).double())
    wiring = wiring_of(made)
    assert wiring.inner == ("attention.query.1",)
    assert wiring.equations == wiring_of(block("reordered-norm")).equations


def test_norms_that_return_the_same_are_told_apart_by_the_operators_that_read_them():
    wiring = wiring_of(block(ZOO_PLACEMENTS["parallel, two norms"]))
    assert wiring.equations == (
        "n1 = norm(x)",
        "f1 = f(n1)",
        "n2 = norm(x)",
        "f2 = f(n2)",
        "y = x + f1 + f2",
    )
    assert wiring.placement == "parallel"


def test_a_layer_that_is_no_sum_and_one_that_is_not_called_are_refused():
    class Doubled(nn.Module):
        def forward(self, x):
            return x * x

    with pytest.raises(ValueError, match="the output of Doubled is no sum"):
        wiring_of(Doubled())
    with pytest.raises(ValueError, match="did not call the Doubled"):
        read_wiring(Doubled(), lambda: None)


def test_reading_leaves_no_hooks_and_no_changes_behind():
    layer = block("pre-norm")
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    y = layer(stream())
    wiring_of(layer)
    torch.testing.assert_close(layer(stream()), y, rtol=0, atol=0)
    torch.testing.assert_close(layer.state_dict(), before, rtol=0, atol=0)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in layer.modules())


def test_the_table_names_the_modules():
    rows = wiring_of(block("pre-norm")).table().rows
    assert rows[1] == ["f1 = f(n1)", "attention"]
    assert rows[-1] == ["y = x + f1 + f2", ""]


def test_the_placements_of_chapter_05_are_all_there():
    assert PLACEMENTS.keys() <= ZOO_PLACEMENTS.keys()
