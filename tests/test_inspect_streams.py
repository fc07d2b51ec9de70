"""Layers of which the norms stand behind a mixture, another name or another norm."""

import pytest
import torch
from torch import nn

from normlab import inspect
from tests.strangers.parts import MLP
from tests.strangers.streams_and_gates import HyperConnections

WIDTH, STREAMS = 16, 4


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


class Gathered(nn.Module):
    """Streams that are read as one, weighted by gates of themselves, and all added to."""

    def __init__(self):
        super().__init__()
        self.norm, self.mlp = nn.RMSNorm(WIDTH, eps=1e-6), MLP()
        self.gates = nn.Linear(STREAMS * WIDTH, 2 * STREAMS)

    def forward(self, x):  # (batch, tokens, streams, width)
        before, after = torch.sigmoid(self.gates(x.flatten(2))).chunk(2, dim=-1)
        read = torch.sum(before.unsqueeze(-1) * x, dim=2)
        return x + after.unsqueeze(-1) * self.mlp(self.norm(read)).unsqueeze(-2)


def test_a_norm_behind_a_weighted_sum_of_streams_is_on_the_wiring():
    torch.manual_seed(0)
    layers = inspect(nn.Sequential(Gathered(), Gathered()), drawn(3, 7, STREAMS, WIDTH)).layers
    assert [layer.placement for layer in layers] == ["pre-norm", "pre-norm"]
    assert layers[0].equations[0] == "n1 = norm(gm·x)"


class Latent(nn.Module):
    """A norm between two linear maps, as on the latents of queries."""

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(WIDTH, WIDTH, bias=False), nn.Linear(WIDTH, WIDTH)
        self.norm = nn.RMSNorm(WIDTH, eps=1e-6)

    def forward(self, x):
        return self.up(self.norm(self.down(x)))


def test_a_linear_map_does_not_mix_streams():
    torch.manual_seed(0)
    (layer,) = inspect(HyperConnections(Latent(), streams=4), drawn(3, 7, 4, WIDTH)).layers
    assert (len(layer.norms), len(layer.inner)) == (1, 1)


class Chosen(nn.Module):
    """A sub-layer that weighs tokens by what it norms once more."""

    def __init__(self):
        super().__init__()
        self.outer, self.inner = nn.RMSNorm(WIDTH, eps=1e-5), nn.LayerNorm(WIDTH)
        self.value, self.weights = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 7)

    def forward(self, x):
        read = self.outer(x)
        weights = self.weights(self.inner(read)).softmax(dim=-1)
        return x + weights @ self.value(read)


def test_a_norm_of_a_norm_belongs_to_the_sublayer_that_reads_both():
    torch.manual_seed(0)
    layers = inspect(nn.Sequential(Chosen(), Chosen()), drawn(3, 7, WIDTH)).layers
    assert [layer.placement for layer in layers] == ["pre-norm", "pre-norm"]
    assert layers[0].equations[0] == "n1 = norm(x)"
    assert layers[0].inner == ("0.inner",)


class Renamed(nn.Module):
    """The stream comes under another name, as from a cast that changes nothing."""

    def __init__(self):
        super().__init__()
        self.first, self.second = (nn.Linear(WIDTH, WIDTH) for _ in range(2))
        self.layers = nn.ModuleList(Plain() for _ in range(2))

    def forward(self, x):
        x = torch.ops.aten.alias(self.first(x) + self.second(x))
        for layer in self.layers:
            x = layer(x)
        return x


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.mlp = nn.RMSNorm(WIDTH, eps=1e-6), MLP()

    def forward(self, x):
        squares = x.pow(2).mean(dim=-1, keepdim=True)
        return x + self.mlp(x * torch.rsqrt(squares + 1e-6) * self.norm.weight)


def test_a_stream_under_another_name_is_the_same():
    torch.manual_seed(0)
    layers = inspect(Renamed(), drawn(3, 7, WIDTH)).layers
    assert [layer.placement for layer in layers] == ["pre-norm", "pre-norm"]


class OfNone(Plain):
    """A norm of another kind that runs on no rows at all."""

    def __init__(self):
        super().__init__()
        self.norm_of_sounds = OddNorm()

    def forward(self, x):
        self.norm_of_sounds(x[:0])
        return super().forward(x)


class OddNorm(nn.Module):
    def forward(self, x):
        return x - x.amax(dim=-1, keepdim=True)


@pytest.mark.filterwarnings("error")
def test_a_norm_that_runs_on_nothing_is_no_norm():
    torch.manual_seed(0)
    report = inspect(nn.Sequential(OfNone(), OfNone()), drawn(3, 7, WIDTH))
    assert {layer.placement for layer in report.layers} == {"pre-norm"}
