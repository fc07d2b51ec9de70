"""A diagram that is drawn from numbers is the one that is drawn from the code."""

import pytest
import torch

from normlab.inspection.drawn_wiring import diagram
from normlab.inspection.wiring_reading import LayerWiring, randomize_, read_wiring
from normlab.models.placement.in_the_wild import ZOO_PLACEMENTS
from normlab.models.placement.wiring import trace
from normlab.models.transformer import Block, TransformerConfig

NOT_IN_THE_NUMBERS = {
    "layernorm-scaling",  # a factor inside a branch is part of the sub-layer to a reader
    "layerscale",
    "rezero",  # its gates are 0
    "shifted post-norm",  # a factor of 1
    "b2t",  # which of three terms is added first
}


def shape_of(wiring):
    """Kind and place of each box, without the stack's final norm and what stands above it."""
    kept = [node for node in wiring.nodes if node.kind not in ("final norm", "output")]
    return sorted((node.kind, node.column, node.row) for node in kept)


def read_diagram(placement):
    config = TransformerConfig(encoder_layers=8, placement=placement, d_model=16, heads=2, d_ff=32)
    block = Block(config, config.site("encoder", 8))
    block.initialize(config, torch.Generator().manual_seed(0))
    x = torch.randn(2, 5, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return diagram(read_wiring(randomize_(block.double()), x))


@pytest.mark.parametrize("name", sorted(ZOO_PLACEMENTS.keys() - NOT_IN_THE_NUMBERS))
def test_what_is_read_from_numbers_is_what_the_symbols_say(name):
    placement = ZOO_PLACEMENTS[name]
    read, traced = read_diagram(placement), trace(placement, layer=8, layers=8)
    assert shape_of(read) == shape_of(traced)


def test_factors_are_boxes_with_their_value():
    labels = [node.label for node in read_diagram(ZOO_PLACEMENTS["shifted GLM"]).nodes]
    assert labels.count("× 4") == 2  # √(2·8)


def test_a_sum_that_is_read_twice_is_drawn_once():
    equations = ("f1 = f(x)", "f2 = f(x, f1)", "y = x + f1 + f2")
    kinds = [n.kind for n in diagram(LayerWiring(equations, (), ("a", "b"), ())).nodes]
    assert kinds.count("sum") == 2
