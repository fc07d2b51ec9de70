"""Claims on norms in recurrent networks, graphs, images and other frameworks."""

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from normlab.chapters.norms_in_the_wild.scanned_models import load_vision_models
from normlab.claims.claim import Claim, Finding, Measure, require
from normlab.models.recurrent import LayerNormLSTMCell, LayerNormRNN, LayerNormRNNCell

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
    return Finding(
        (
            Measure("RNN: weights times 10", moved["RNN"], "LN removes the scale", high=1e-3),
            Measure("LSTM with the three: times 10", moved["LSTM"], "the same", high=1e-3),
            Measure("nn.LSTM: times 10", moved["none"], "nothing inside is normed", low=0.1),
        ),
        f"Weights times 10 leave the state of an RNN with one norm and of an LSTM with three as it "
        f"is, and move that of nn.LSTM by up to {moved['none']:.2f}.",
    )


def node_or_graph() -> Finding:
    """Claim 34: how many nodes change in PyTorch Geometric when one number of one node does?"""
    require("torch_geometric", "pip install torch-geometric")
    with warnings.catch_warnings():  # it scripts some functions when it is imported
        warnings.simplefilter("ignore", DeprecationWarning)
        from torch_geometric.nn import LayerNorm
    x = torch.randn(10, 6, generator=seeded())  # (N, D)
    batch = torch.tensor([0, 1]).repeat_interleave(5)
    changed = x.clone()
    changed[2, 1] += 1

    def nodes_moved(norm: nn.Module) -> int:
        moved = (norm(changed, batch) - norm(x, batch)).abs()
        return int((moved > 1e-6).any(-1).sum())  # (N, D) -> (N,) -> ()

    node, default = LayerNorm(6, mode="node"), LayerNorm(6)
    apart = furthest(node(x, batch), nn.LayerNorm(6)(x))
    return Finding(
        (
            Measure("nodes that one number moves, 'node'", nodes_moved(node), "its own", 1, 1),
            Measure("the same by default", nodes_moved(default), "its graph: 5 nodes", 5, 5),
            Measure("'node' − nn.LayerNorm of a row", apart, FLOAT32, high=1e-5),
        ),
        f"One number of one node is moved: PyTorch Geometric's LayerNorm changes "
        f"{nodes_moved(node)} node in mode 'node', and by default all {nodes_moved(default)} of "
        f"its graph.",
    )


def norms_on_embeddings() -> Finding:
    """Claim 35: how many vision models have a norm on the patch embeddings, and in the blocks?"""
    models = load_vision_models().wired
    embedded = models.share(lambda row: row["embedding_norm"] == "yes")
    blocks = models.share(lambda row: row["norms_on_wiring"] not in ("", "0"))
    final = models.share(lambda row: row["final_norm"] == "yes")
    (vit,) = models.named("vit")
    return Finding(
        (
            Measure(
                "share with a norm on embeddings",
                embedded.part / embedded.whole,
                "a minority",
                0,
                0.5,
            ),
            Measure("share with norms in the layers", blocks.part / blocks.whole, "all", low=0.9),
            Measure("share with a final norm", final.part / final.whole, "most", low=0.6),
            Measure("ViT: norms on its embeddings", vit["embedding_norm"] == "yes", "none", high=0),
        ),
        f"Of the library's vision models {embedded} have a norm on the embeddings, {blocks} in the "
        f"layers, and {final} a final one. ViT has two in each layer, a final one, and none on the "
        f"embeddings.",
    )


def step_by_step() -> Finding:
    """Claim 46: are the steps of a sequence examples of their own, and what needs a batch?"""
    torch.manual_seed(0)
    cell, layer_norm = nn.RNNCell(8, 16), nn.LayerNorm(16)

    def over_the_batch(h: Tensor) -> Tensor:
        return (h - h.mean(0)) / (h.var(0, correction=0) + 1e-5).sqrt()  # (B, H) -> (H,)

    def last_state(x: Tensor, norm: Callable[[Tensor], Tensor] = layer_norm) -> Tensor:
        h = torch.zeros(len(x), 16)
        for token in x.unbind(1):  # (B, T, I) -> T × (B, I)
            h = norm(cell(token, h))
        return h

    x = torch.randn(4, 3, 8, generator=seeded())
    earlier = x.clone()
    earlier[:, 0] *= -1
    alone, batched = (
        furthest(last_state(x[:1], norm), last_state(x, norm)[:1])
        for norm in (layer_norm, over_the_batch)
    )
    return Finding(
        (
            Measure(
                "last state, if step 1 changes", furthest(last_state(earlier), last_state(x)),
                "examples of their own: 0", low=0.1,
            ),
            Measure("a sequence alone − in a batch, LN", alone, FLOAT32, high=1e-5),
            Measure("the same, statistics of the batch", batched, "states ≤ 4", low=0.1),
        ),
        "A state depends on earlier steps, so a step is no example of its own. What makes layer "
        "norm work there is that it needs one vector alone: a batch of one gives the same states, "
        f"which statistics over the batch move by up to {batched:.1f}.",
    )  # fmt: skip


CLAIMS = (
    Claim(
        9,
        "Works inside RNNs: applied at each timestep independently",
        "measurement",
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
        "measurement",
        "imprecise",
        "an LSTM takes three norms",
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
        "measurement",
        "holds if",
        "the mode is 'node'; PyTorch Geometric's default is 'graph'",
        "PyTorch Geometric's LayerNorm takes mean and variance over all nodes and channels of a "
        "graph unless one says mode='node'.",
        node_or_graph,
        "two graphs of 5 nodes and 6 channels, PyTorch Geometric's own code",
        "PyTorch Geometric, nn/norm/layer_norm.py",
        "09",
    ),
    Claim(
        35,
        "LayerNorm on patch embeddings — same as language transformers.",
        "count",
        "imprecise",
        "inside the blocks, and at the end",
        "ViT has pre-norm blocks and a final norm, as language models have; its embeddings have "
        "none. Other vision models do norm them.",
        norms_on_embeddings,
        "the vision models of transformers 5.24 whose wiring was read, from the stored scan",
        "Dosovitskiy et al. 2021, Eq. 1 to 4, arXiv:2010.11929",
        "09",
    ),
    Claim(
        46,
        "Works naturally because each timestep is a separate example — no batch dimension needed.",
        "measurement",
        "imprecise",
        "the reason is another",
        "The statistics are those of one vector, so no batch is needed. But a step is no example "
        "of its own: it reads the state of the step before.",
        step_by_step,
        "4 sequences of 3 steps, torch's cell and norm, 16 hidden units",
        BA.format("§3.1"),
        "09",
    ),
)
