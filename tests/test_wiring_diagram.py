"""A diagram that is drawn from numbers is the one that is drawn from the code."""

import pytest
import torch

from normlab.inspection import read_wiring
from normlab.inspection.drawn_wiring import diagram
from normlab.models.placement.in_the_wild import ZOO_PLACEMENTS
from normlab.models.placement.wiring import trace
from normlab.models.transformer import Block, TransformerConfig

NOT_IN_THE_NUMBERS = {
    "layernorm-scaling",  # a factor inside a branch is part of the sub-layer to a reader
    "layerscale",
    "rezero",  # its gates are 0
    "shifted post-norm",  # a factor of 1
    "b2t",  # which of three terms is added first
    "depth-scaled peri-norm",  # factors of a sum are multiplied out
    "gated peri-norm",
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
    return diagram(read_wiring(block.double(), x).equations)


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
    kinds = [n.kind for n in diagram(equations).nodes]
    assert kinds.count("sum") == 2


def labels(*equations):
    return [node.label for node in diagram(equations).nodes]


def test_letters_signs_and_what_is_no_part_of_the_stream_are_boxes():
    found = labels("f1 = f(x)", "f2 = f(x + f1)", "y = g·x − f1 + 0.500 ag·f2 + c")
    assert found == [
        *("x", "f1", "+", "f2", "× g", "× −1", "+", "× 0.5 ag", "+", "+ c", "output"),
    ]
    assert labels("f1 = f(x)", "y = -x + a·f1")[2:5] == ["× −1", "× a", "+"]


def test_what_a_sublayer_reads_beside_the_stream_is_a_line_of_its_own():
    nodes = diagram(("n1 = norm(x)", "n2 = norm(x)", "f1 = f(n1, n2)", "y = x + f1")).nodes
    assert nodes[3].inputs == (1, 2)


def test_a_box_has_the_label_that_it_is_given():
    nodes = diagram(("f1 = f(x)", "y = x + f1"), {"f1": "mlp"}).nodes
    assert nodes[1].label == "mlp"
