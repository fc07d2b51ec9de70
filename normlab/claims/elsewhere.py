"""Claims on norms in recurrent networks, graphs, images and other frameworks."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from normlab.claims.claim import Claim, Finding, Measure
from normlab.models.graph_norms import graph_layer_norm
from normlab.models.recurrent import LayerNormLSTMCell, LayerNormRNN, LayerNormRNNCell
from normlab.models.vision_transformer import VisionTransformer
from normlab.norms import layer_norm

BA = "Ba et al. 2016, {}, arXiv:1607.06450"
FLOAT32 = "float32 rounds at 1e-7"


def seeded() -> torch.Generator:
    torch.manual_seed(0)  # for the weights of torch's modules
    return torch.Generator().manual_seed(0)


def furthest(a: Tensor, b: Tensor) -> float:
    return float((a - b).detach().abs().max())


def moved_by_scale(cell: nn.Module, *inputs: Any) -> float:
    """How far the new state moves when every weight matrix of a cell is multiplied by 10."""
    before = cell(*inputs)
    with torch.no_grad():
        for parameter in cell.parameters():
            if parameter.ndim == 2:
                parameter.mul_(10)
    after = cell(*inputs)
    return furthest(*(out if isinstance(out, Tensor) else out[0] for out in (before, after)))


def each_time_step() -> Finding:
    """Claim 9: does a state depend on other sequences, or on later steps?"""
    x = torch.randn(4, 12, 8, generator=seeded())  # (B, T, I)
    network = LayerNormRNN(input_size=8, hidden_size=16)
    together, _ = network(x)
    alone, _ = network(x[:1])
    early, _ = network(x[:, :5])
    scale = moved_by_scale(network, x)
    return Finding(
        (
            Measure(
                "a sequence alone − in the batch", furthest(together[:1], alone), FLOAT32, high=1e-5
            ),
            Measure(
                "the first 5 steps − of all 12",
                furthest(together[:, :5], early),
                FLOAT32,
                high=1e-5,
            ),
            Measure("weights times 10: change", scale, "the norm removes their scale", high=1e-3),
        ),
        "A recurrent network with layer norm gives a sequence the same states alone and in a batch "
        "of 4, the first 5 the same whether 7 follow or not, and all the same if weights are "
        "scaled.",
    )


def scale_of_the_weights() -> Finding:
    """Claim 33: where do the norms stand in either cell, seen by what scaling weights does?"""
    rng = seeded()
    x, h = torch.randn(4, 16, generator=rng), torch.randn(4, 16, generator=rng)
    both = (h, torch.zeros_like(h))
    moved = {
        "RNN": moved_by_scale(LayerNormRNNCell(16, 16), x, h),
        "LSTM": moved_by_scale(LayerNormLSTMCell(16, 16), x, both),
        "none": moved_by_scale(nn.LSTMCell(16, 16), x, both),
    }
    counts = [
        sum(isinstance(part, nn.LayerNorm) for part in cell(16, 16).modules())
        for cell in (LayerNormRNNCell, LayerNormLSTMCell)
    ]
    return Finding(
        (
            Measure("norms in an RNN cell", counts[0], "on the one pre-activation", 1, 1),
            Measure(
                "norms in an LSTM cell", counts[1], "W_x x, W_h h and c: the authors' code", 3, 3
            ),
            Measure("RNN: weights times 10", moved["RNN"], "LN removes the scale", high=1e-3),
            Measure("LSTM with the three: times 10", moved["LSTM"], "the same", high=1e-3),
            Measure("nn.LSTM: times 10", moved["none"], "nothing inside is normed", low=0.1),
        ),
        f"Weights times 10 leave the state of an RNN with {counts[0]} norm and of an LSTM with "
        f"{counts[1]} as it is, and move that of nn.LSTM by up to {moved['none']:.2f}.",
    )


def node_or_graph() -> Finding:
    """Claim 34: how many nodes change when one number of one node does?"""
    x = np.random.default_rng(0).standard_normal((10, 6))
    batch, one, zero = np.repeat([0, 1], 5), np.ones(6), np.zeros(6)

    def nodes_moved(mode: str) -> int:
        changed = x.copy()
        changed[2, 1] += 1
        outputs = [graph_layer_norm(nodes, batch, one, zero, mode) for nodes in (x, changed)]
        return int((np.abs(outputs[1] - outputs[0]) > 1e-9).any(-1).sum())  # (N, D) -> ()

    node, graph = nodes_moved("node"), nodes_moved("graph")
    same = graph_layer_norm(x, batch, one, zero, "node") - layer_norm(x)
    return Finding(
        (
            Measure("nodes that one number moves, 'node'", node, "its own", 1, 1),
            Measure("the same in mode 'graph'", graph, "its graph: 5 nodes", 5, 5),
            Measure("'node' − layer norm of a row", float(np.abs(same).max()), "equal", high=1e-9),
        ),
        f"One number of one node is moved: in mode 'node' {node} node changes, in mode 'graph', "
        f"PyTorch Geometric's default, all {graph} of its graph.",
    )


def norms_of_a_vit() -> Finding:
    """Claim 35: where does a vision transformer have its norms?"""
    model = VisionTransformer(seed=0, layers=4)
    count = sum(isinstance(part, nn.LayerNorm) for part in model.modules())
    with torch.no_grad():
        tokens = model.tokens(torch.randn(4, 8, 8, generator=seeded()))  # (B, T, D)
        means = [float(z.mean(-1).abs().mean()) for z in (tokens, model.encoder(tokens))]
    return Finding(
        (
            Measure("norms in a ViT of 4 layers", count, "two a block, and a final one", 9, 9),
            Measure("|mean| of a patch embedding", means[0], "no norm on it: not 0", low=0.03),
            Measure("|mean| after the final norm", means[1], "normed", high=1e-5),
        ),
        f"A ViT of 4 layers has {count} norms, and none on the patch embeddings: their mean is "
        f"{means[0]:.2f} off zero.",
    )


CLAIMS = (
    Claim(
        9,
        "Works inside RNNs: applied at each timestep independently",
        "holds",
        "",
        "Statistics belong to one example and one time step; gain and shift are shared over time.",
        each_time_step,
        "4 sequences of 12 steps, 16 hidden units",
        BA.format("§3.1"),
        "09",
    ),
    Claim(
        33,
        "RNNs and LSTMs: apply LayerNorm to the pre-activation at each timestep",
        "holds if",
        "it is an RNN; an LSTM takes three norms",
        "RNN: one norm on W_x x + W_h h. LSTM: LN(W_x x) + LN(W_h h) + b, each over all 4H "
        "numbers, and a third norm on c inside tanh; the c that is passed on is not normalized.",
        scale_of_the_weights,
        "cells of 16 hidden units, untrained",
        BA.format("§3.1 and supplement, Eq. 20 to 22"),
        "09",
    ),
    Claim(
        34,
        "LayerNorm on node features, where each node is a separate example.",
        "holds if",
        "the mode is 'node'; PyTorch Geometric's default is 'graph'",
        "PyTorch Geometric's LayerNorm takes mean and variance over all nodes and channels of a "
        "graph unless one says mode='node'.",
        node_or_graph,
        "two graphs of 5 nodes and 6 channels",
        "PyTorch Geometric, nn/norm/layer_norm.py",
        "09",
    ),
    Claim(
        35,
        "LayerNorm on patch embeddings — same as language transformers.",
        "imprecise",
        "inside the blocks, and at the end",
        "Pre-norm blocks and a final norm, as in language models; the embeddings have none.",
        norms_of_a_vit,
        "4 layers, d = 32, images of 8 × 8, untrained",
        "Dosovitskiy et al. 2021, Eq. 1 to 4, arXiv:2010.11929",
        "09",
    ),
)
