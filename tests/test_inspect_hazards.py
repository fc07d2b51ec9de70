"""Models that a reader of operators could misread: hooks, two chains, gates, masks, closures."""

import pytest
import torch
from torch import nn

from normlab import inspect
from tests.strangers.parts import MLP, PreBlock


def stream(*shape):
    return torch.randn(shape or (3, 7, 16), generator=torch.Generator().manual_seed(0))


def stack(*layers):
    return nn.Sequential(*layers, nn.LayerNorm(16))


def codes(report):
    return {warning.code for warning in report.warnings}


def has_global_hook():
    return bool(
        torch.nn.modules.module._global_forward_hooks
        or torch.nn.modules.module._global_forward_pre_hooks
        or torch.nn.modules.module._global_forward_hooks_with_kwargs
    )


def test_what_a_hook_adds_to_a_block_is_part_of_its_equation():
    model = stack(*(PreBlock() for _ in range(3)))
    norm = nn.LayerNorm(16)
    model[1].register_forward_hook(lambda module, args, output: output + args[0])
    model[2].norm1.register_forward_pre_hook(lambda module, args: (norm(args[0]),))
    report = inspect(model, stream())
    assert "doubled-residual" in codes(report)
    assert not has_global_hook()


def test_a_model_whose_hook_holds_the_model_is_read_itself_and_left_as_it_was():
    model = stack(*(PreBlock() for _ in range(3)))
    shared, counted = nn.LayerNorm(16), nn.BatchNorm1d(7)
    model.counted, model.shared = counted, shared
    model[0].mlp.register_forward_pre_hook(lambda module, args: (shared(args[0]),))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    report = inspect(model, stream())
    assert [norm.name for norm in report.norms if "shared" in norm.name]
    assert model.training
    assert counted.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert len(model._modules) == 6
    assert not model[0].mlp._forward_hooks


class NormedMLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.mlp = nn.LayerNorm(16), MLP()

    def forward(self, x):
        return self.mlp(self.norm(x))


class Reversible(nn.Module):
    """RevNet's two streams: y1 = x1 + F(x2), y2 = x2 + G(y1)."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(16, 5)
        self.f = nn.ModuleList(NormedMLP() for _ in range(4))
        self.g = nn.ModuleList(NormedMLP() for _ in range(4))

    def forward(self, x):
        one, other = x, x
        for f, g in zip(self.f, self.g, strict=True):
            one = one + f(other)
            other = other + g(one)
        return self.head(one + other)


def test_two_chains_that_feed_each_other_are_no_stream():
    report = inspect(Reversible(), stream())
    assert report.layers == ()
    assert "are not one stream" in " ".join(report.unread)
    assert codes(report) == set()


class ForgottenAttention(PreBlock):
    def forward(self, x):
        h = self.attn(self.norm1(x))
        return h + self.mlp(self.norm2(h))


def test_an_attention_that_is_not_added_is_a_lost_residual():
    report = inspect(stack(*(ForgottenAttention() for _ in range(3))), stream())
    assert "lost-residual" in codes(report)


class Masked(PreBlock):
    """Padding is set to zero after each sub-layer, on the stream."""

    def __init__(self, way):
        super().__init__()
        self.way = way

    def forward(self, x):
        hidden = torch.zeros(x.shape[:2], dtype=torch.bool)
        hidden[0, -2:] = True
        x = x + self.attn(self.norm1(x))
        x = self.way(x, hidden.unsqueeze(-1))
        return x + self.mlp(self.norm2(x))


@pytest.mark.parametrize(
    "way",
    [
        lambda x, hidden: x.masked_fill(hidden, 0.0),
        lambda x, hidden: torch.where(hidden, torch.zeros_like(x), x),
        lambda x, hidden: torch.where(~hidden, x, torch.zeros_like(x)),
    ],
)
def test_a_mask_on_the_stream_is_a_gate_and_not_a_factor_1(way):
    (layer,) = inspect(Masked(way), stream()).layers
    assert any("g" in equation for equation in layer.equations)
    (layer,) = inspect(
        Masked(lambda x, hidden: x.masked_fill(hidden & False, 0.0)), stream()
    ).layers
    assert layer.placement == "pre-norm"
    assert not any("g" in equation for equation in layer.equations)


class Gated(PreBlock):
    """A gate as in a GRU: y = (1 - z) x + z h."""

    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(16, 16)

    def forward(self, x):
        h = self.mlp(self.norm1(x))
        z = torch.sigmoid(self.gate(x))
        return (1 - z) * x + z * h


def test_a_gate_has_no_number_of_its_own():
    (layer,) = inspect(Gated(), stream()).layers
    assert not any("0.0" in equation for equation in layer.equations)


class ReInjected(nn.Module):
    """The embedding is added again in front of each layer, by the model and not by the layer."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(PreBlock() for _ in range(4))
        self.final = nn.LayerNorm(16)

    def forward(self, x):
        first = x
        for layer in self.layers:
            x = layer(x + 0.5 * first)
        return self.final(x)


def test_what_is_done_to_the_stream_between_layers_is_said():
    said = " ".join(inspect(ReInjected(), stream()).unread)
    assert "something is done to the stream in front of it" in said
    plain = stack(*(PreBlock() for _ in range(4)))
    assert inspect(plain, stream()).unread == ()
