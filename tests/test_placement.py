"""Each placement computes its formula, says so in its diagram, and refuses bad input."""

import copy
import math
import pickle
import re
from itertools import pairwise
from typing import Any

import pytest
import torch
from matplotlib.figure import Figure

from normlab.chapters.residual_placement.diagrams import (
    draw_placement,
    draw_placements,
    draw_wiring,
)
from normlab.models.placement.base import Factor, Gate, Placement, Site
from normlab.models.placement.deepnorm_constants import deepnorm_constants
from normlab.models.placement.formula import block_formula
from normlab.models.placement.standard import PLACEMENTS, PostNorm, PreNorm, find_placement
from normlab.models.placement.wiring import trace

WIDTH = 6


def norm(x):
    return torch.nn.functional.layer_norm(x, (WIDTH,))


def attention(x):
    return torch.tanh(x + x.roll(1, -1))


def feed_forward(x):
    return x * x.roll(2, -1) + 0.3


def build(name, layer=1, layers=12, sublayers=2) -> Any:
    site = Site(layer, "encoder", layers, 0, sublayers, WIDTH, lambda: torch.nn.LayerNorm(WIDTH))
    return find_placement(name)(site).double()


X = torch.randn(3, 4, WIDTH, generator=torch.Generator().manual_seed(0)).double()
ALPHA = (2 * 12) ** 0.25


def two_steps(step):
    return lambda x: step(step(x, attention), feed_forward)


def bottom_to_top(x):
    middle = norm(x + attention(x))
    return norm(middle + feed_forward(middle) + x)


# What one block of layer 5 of 12 computes, written out by hand from the papers.
FORMULAS = {
    "none": two_steps(lambda x, f: x + f(x)),
    "post-norm": two_steps(lambda x, f: norm(x + f(x))),
    "pre-norm": two_steps(lambda x, f: x + f(norm(x))),
    "deepnorm": two_steps(lambda x, f: norm(ALPHA * x + f(x))),
    "peri-norm": two_steps(lambda x, f: x + norm(f(norm(x)))),
    "reordered-norm": two_steps(lambda x, f: x + norm(f(x))),
    "layernorm-scaling": two_steps(lambda x, f: x + f(norm(x) / math.sqrt(5))),
    "b2t": bottom_to_top,
    "mix-norm": two_steps(lambda x, f: x + f(norm(x))),
    "rezero": lambda x: x,
    "layerscale": two_steps(lambda x, f: x + 1e-4 * f(norm(x))),
    "parallel": lambda x: x + attention(norm(x)) + feed_forward(norm(x)),
}


def test_every_placement_has_a_formula_here():
    assert FORMULAS.keys() == PLACEMENTS.keys()


@pytest.mark.parametrize("name", PLACEMENTS)
def test_a_block_computes_the_formula_of_its_placement(name):
    got = build(name, layer=5)(X, [attention, feed_forward])
    torch.testing.assert_close(got, FORMULAS[name](X), rtol=0, atol=1e-7)  # γ of LayerScale is 1e-4


@pytest.mark.parametrize("name", PLACEMENTS)
def test_no_two_placements_compute_the_same(name):
    equal = [
        other
        for other in PLACEMENTS
        if torch.allclose(FORMULAS[name](X), FORMULAS[other](X), atol=1e-3)
    ]
    # at its start λ = 1e-4 is nearly the identity; layer 5 of Mix-LN is a pre-norm layer
    alike = [{"rezero", "layerscale"}, {"pre-norm", "mix-norm"}]
    assert set(equal) in ([{name}, *[pair for pair in alike if name in pair]])


def test_rezero_and_layerscale_follow_their_gates():
    block = build("rezero")
    for parts in block.site_parts:
        torch.nn.init.constant_(parts[0].weight, 2.0)
    expected = two_steps(lambda x, f: x + 2 * f(x))(X)
    torch.testing.assert_close(block(X, [attention, feed_forward]), expected)
    block = build("layerscale")
    factors = torch.arange(float(WIDTH)).double()
    for parts in block.site_parts:
        parts[1].weight.data = factors
    expected = two_steps(lambda x, f: x + factors * f(norm(x)))(X)
    torch.testing.assert_close(block(X, [attention, feed_forward]), expected)


@pytest.mark.parametrize(
    ("layer", "like"), [(1, PostNorm), (3, PostNorm), (4, PreNorm), (12, PreNorm)]
)
def test_mix_norm_is_post_norm_in_the_first_quarter_and_pre_norm_above(layer, like):
    assert trace(find_placement("mix-norm"), layer=layer).nodes[:5] == trace(like).nodes[:5]


@pytest.mark.parametrize("name", PLACEMENTS)
def test_a_norm_is_never_shared_by_two_sublayers_but_in_the_parallel_block(name):
    norms = [m for m in build(name).modules() if isinstance(m, torch.nn.LayerNorm)]
    expected = {"none": 0, "rezero": 0, "parallel": 1, "peri-norm": 4}.get(name, 2)
    assert len(norms) == expected
    assert len({id(m) for m in norms}) == expected


@pytest.mark.parametrize("name", PLACEMENTS)
def test_a_decoder_block_has_parts_for_three_sublayers(name):
    got = build(name, sublayers=3)(X, [attention, attention, feed_forward])
    assert got.shape == X.shape


@pytest.mark.parametrize(
    ("encoder_layers", "decoder_layers", "encoder", "decoder"),
    [  # DeepNet, Figure 2
        (12, 0, (2.2134, 0.31947), None),
        (0, 96, None, (3.7224, 0.18996)),
        (500, 500, (5.648, 0.1248), (6.223, 0.1136)),
        (18, 18, (0.81 * 18 ** (5 / 16), 0.87 * 18 ** (-5 / 16)), (54**0.25, 216**-0.25)),
        (6, 2, (0.81 * 2592 ** (1 / 16), 0.87 * 2592 ** (-1 / 16)), (6**0.25, 24**-0.25)),
    ],
)
def test_deepnorm_constants_are_those_of_the_paper(
    encoder_layers, decoder_layers, encoder, decoder
):
    got = deepnorm_constants(encoder_layers, decoder_layers)
    assert got["encoder"] == (encoder and pytest.approx(encoder, rel=4e-4))
    assert got["decoder"] == (decoder and pytest.approx(decoder, rel=4e-4))


@pytest.mark.parametrize("counts", [(0, 0), (-1, 3), (2, -2)])
def test_deepnorm_constants_refuse_impossible_counts(counts):
    with pytest.raises(ValueError, match=f"got {counts[0]} encoder and {counts[1]} decoder"):
        deepnorm_constants(*counts)


def test_an_unknown_placement_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="'prenorm'; expected one of none, post-norm"):
        find_placement("prenorm")


def test_a_placement_without_a_step_says_what_is_missing():
    site = Site(1, "encoder", 1, 0, 2, WIDTH, lambda: torch.nn.LayerNorm(WIDTH))
    with pytest.raises(NotImplementedError, match="Placement must define step"):
        Placement(site)(X, [attention, feed_forward])


# --- the formulas ---


def as_python(line):
    """ "x′ = norm(x + α f(x))" as ("x_", "norm(x + α * f(x))")."""
    name, term = re.split(" = | ← ", line.replace("′", "_"))
    term = re.sub(r"\b([aα]) ", r"\1 * ", term).replace("⊙", "*")
    return name, term.replace("/√l", "/ l**0.5")


def value_of(formula, x, layer, gate):
    """What a formula says a block does to x, at a layer."""
    letters = {"norm": norm, "Attention": attention, "FFN": feed_forward}
    letters |= {"α": ALPHA, "a": gate, "λ": gate, "l": layer}
    lines = [line.split(", l ") for line in formula.splitlines()]
    holding = [
        line for line, *case in lines if not case or eval("l" + case[0].replace("≤", "<="), letters)
    ]
    for f in (attention, feed_forward) if " f(" in formula or "(f(" in formula else (None,):
        known = letters | {"f": f, "x": x}
        for line in holding:
            name, term = as_python(line)
            known[name] = eval(term, known)
        x = known["x"]
    return x


@pytest.mark.parametrize("layer", [1, 3, 4, 12])
@pytest.mark.parametrize("name", PLACEMENTS)
def test_the_formula_beside_a_diagram_computes_what_the_block_computes(name, layer):
    block = build(name, layer=layer)
    for gate in block.modules():
        if isinstance(gate, Gate):
            torch.nn.init.constant_(gate.weight, 0.7)
    got = block(X, [attention, feed_forward])
    said = value_of(block_formula(find_placement(name)), X, layer, 0.7)
    torch.testing.assert_close(said, got, rtol=0, atol=1e-9)


def test_no_two_placements_have_one_formula():
    assert len({block_formula(placement) for placement in PLACEMENTS.values()}) == len(PLACEMENTS)


def test_a_value_that_is_read_twice_has_a_name_on_the_stream_and_beside_it():
    class Normed(Placement):
        def step(self, x, f, norm):
            x = norm(x)
            return x + f(x)

    assert block_formula(Normed) == "x′ = norm(x)\nx ← x′ + f(x′)"
    assert block_formula(find_placement("parallel")).startswith("n = norm(x)\n")


def test_a_factor_of_a_sum_has_brackets_and_one_without_a_letter_its_number():
    class Halved(Placement):
        def step(self, x, f, norm):
            return norm(0.5 * (x + f(x)))

    assert block_formula(Halved) == "x ← norm(0.5 (x + f(x)))"


def test_cases_by_layer_are_those_of_the_code():
    class Middle(Placement):
        def __init__(self, site):
            super().__init__(site)
            self.middle = 2 <= site.layer <= 3

        def step(self, x, f, norm):
            return norm(x) + f(x) if self.middle else x + f(x)

    assert block_formula(Middle, layers=4).splitlines() == [
        "x ← x + f(x), l ≤ 1",
        "x ← norm(x) + f(x), 2 ≤ l ≤ 3",
        "x ← x + f(x), l > 3",
    ]


def test_a_factor_keeps_its_letter_where_models_are_copied_or_sent():
    alpha = Factor(2.5, "α")
    for again in (copy.deepcopy(alpha), pickle.loads(pickle.dumps(alpha))):
        assert (again, again.letter) == (2.5, "α")


# --- the diagrams ---


def test_labels_fit_their_boxes_and_formulas_their_places():
    names = list(PLACEMENTS)
    for row in (names[:6], names[6:]):
        figure = Figure(figsize=(13, 4.2), layout="constrained")
        axes = figure.subplots(1, 6)
        draw_placements(row, axes, layer=12)
        figure.draw_without_rendering()
        for ax in axes:
            *labels, formula = [text for text in ax.texts if text.get_text()]
            for text in labels:
                if text.get_text() in ("x", "+", "output"):
                    continue
                inner = text.get_window_extent()
                outer = [p.get_window_extent() for p in ax.patches]
                assert any(b.x0 < inner.x0 and inner.x1 < b.x1 for b in outer if b.overlaps(inner))
            assert formula.get_window_extent().y1 < labels[0].get_window_extent().y0
            (output,) = [text for text in labels if text.get_text() == "output"]
            last = max(ax.transData.transform(line.get_xydata())[:, 1].max() for line in ax.lines)
            assert last < output.get_window_extent().y0
        formulas = [ax.texts[-1].get_window_extent() for ax in axes]
        assert all(a.x1 < b.x0 for a, b in pairwise(formulas))
        assert formulas[-1].x1 < figure.bbox.x1


def test_diagrams_side_by_side_are_of_one_height():
    axes = Figure().subplots(1, 3)
    draw_placements(["none", "peri-norm", "parallel"], axes)
    outputs = {t.get_position()[1] for ax in axes for t in ax.texts if t.get_text() == "output"}
    assert outputs == {10}
    assert len({ax.get_ylim() for ax in axes}) == 1


@pytest.mark.parametrize("name", PLACEMENTS)
def test_the_diagram_holds_every_norm_and_sublayer_of_the_block(name):
    kinds = [node.kind for node in trace(find_placement(name)).nodes]
    norms = [m for m in build(name).modules() if isinstance(m, torch.nn.LayerNorm)]
    assert kinds.count("norm") == len(norms)
    assert kinds.count("sub-layer") == 2
    assert kinds.count("sum") == (3 if name == "b2t" else 2)
    assert ("final norm" in kinds) == find_placement(name).final_norm


def compute(wiring, boxes, x):
    """Run a diagram as it is drawn: if picture and code agree, so do the results."""
    values = []
    for node in wiring.nodes:
        inputs = [values[i] for i in node.inputs]
        if node.kind == "input":
            values.append(x)
        elif node.kind == "sum":
            values.append(sum(inputs))
        elif node.kind == "factor":
            # the gates as they start
            gates = {"× a": 0.0, "⊙ λ": 1e-4, "× α": ALPHA, "× 1/√l": 5**-0.5}
            values.append(gates[node.label] * inputs[0])
        elif node.kind in ("final norm", "output"):
            values.append(inputs[0])
        else:
            values.append(boxes[node.label](inputs[0]))
    return values[-1]


@pytest.mark.parametrize("name", PLACEMENTS)
def test_computing_along_the_lines_of_the_diagram_gives_what_the_code_gives(name):
    boxes = {"norm": norm, "Attention": attention, "FFN": feed_forward}
    got = compute(trace(find_placement(name), layer=5), boxes, X)
    torch.testing.assert_close(got, FORMULAS[name](X), rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", PLACEMENTS)
def test_no_two_boxes_lie_on_each_other(name):
    for sublayers in (2, 3):
        nodes = trace(find_placement(name), sublayers=sublayers).nodes
        assert len({(node.row, node.column) for node in nodes}) == len(nodes)


def test_the_stream_runs_straight_up_and_sublayers_stand_beside_it():
    for placement in PLACEMENTS.values():
        for node in trace(placement).nodes:
            if node.kind in ("input", "sum", "final norm", "output"):
                assert node.column == 0
            if node.kind == "sub-layer":
                assert node.column > 0


def test_a_placement_of_ones_own_is_drawn_without_more_work():
    class Backwards(Placement):
        def step(self, x, f, norm):
            return f(x) + norm(x)

    labels = [node.label for node in trace(Backwards).nodes]
    assert labels == ["x", "Attention", "norm", "+", "FFN", "norm", "+", "output"]
    ax = Figure().subplots()
    draw_wiring(trace(Backwards), ax)
    assert [text.get_text() for text in ax.texts if text.get_text()] == labels


def test_the_picture_has_one_line_for_each_edge_and_one_label_for_each_box():
    for name, placement in PLACEMENTS.items():
        ax = Figure().subplots()
        draw_placement(name, ax)
        wiring = trace(placement)
        assert len(ax.lines) == len(wiring.edges())
        labels = [text.get_text() for text in ax.texts if text.get_text()]
        assert labels == [*(node.label for node in wiring.nodes), block_formula(placement)]
        titles = map(ax.get_title, ("left", "center", "right"))  # where it stands, the style says
        assert [title for title in titles if title] == [name]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": 0}, "layer is 0; expected one of 1 to 12"),
        ({"layer": 13}, "layer is 13"),
        ({"sublayers": 4}, "sublayers is 4; expected 2, or 3"),
    ],
)
def test_a_trace_refuses_blocks_that_do_not_exist(arguments, message):
    with pytest.raises(ValueError, match=message):
        trace(PreNorm, **arguments)
