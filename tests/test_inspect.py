"""What a report says beyond norms, wirings and warnings, and what a model may be."""

import json

import pytest
import torch
from torch import nn

from normlab import inspect
from normlab.inspection import NotInspectable
from tests.strangers.parts import MLP, PreBlock
from tests.strangers.streams_and_gates import HyperConnections


def stream(*shape):
    return torch.randn(shape or (3, 7, 16), generator=torch.Generator().manual_seed(0))


def test_of_several_streams_the_matrix_that_mixes_them_is_read():
    torch.manual_seed(0)
    layer = HyperConnections(MLP(), streams=4)
    nn.init.uniform_(layer.static_alpha)
    report = inspect(layer, stream(3, 7, 4, 16))
    mixing = torch.tensor(report.layers[0].mixing)
    torch.testing.assert_close(mixing, layer.static_alpha[:, 1:].T.detach(), atol=1e-4, rtol=0)
    assert (
        json.loads(report.as_json())["layers"][0]["mixing"]
        == mixing.double().round(decimals=4).tolist()
    )
    assert inspect(PreBlock(), stream()).layers[0].mixing == ()


def test_the_model_its_mode_and_its_buffers_stay_as_they_are():
    model = nn.Sequential(PreBlock(), nn.BatchNorm1d(7))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    inspect(model, stream())
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_model_that_raises_is_refused_with_its_reason():
    with pytest.raises(NotInspectable, match=r"Linear could not be run .* mat1 and mat2 shapes"):
        inspect(nn.Linear(4, 4), torch.ones(2, 5))
    with pytest.raises(TypeError, match=r"model is a int; expected a torch\.nn\.Module"):
        inspect(3, torch.ones(2))
    with pytest.raises(TypeError, match="inputs is a int; expected a tensor"):
        inspect(nn.Linear(4, 4), 3)


class Locked(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.lines = nn.Linear(4, 4), (line for line in "ab")

    def forward(self, x):
        return self.linear(x)


def test_a_model_that_cannot_be_copied_is_refused_with_the_mend():
    with pytest.raises(NotInspectable, match=r"Locked cannot be copied.* 'generator'.*Build it"):
        inspect(Locked(), torch.ones(2, 4))


def test_a_model_without_layers_says_that_roles_are_not_known():
    report = inspect(nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4)), torch.ones(2, 4))
    assert [norm.kind for norm in report.norms] == ["LayerNorm"]
    assert "where the norms stand is not known" in report.unread[0]


def test_what_is_called_a_norm_and_is_none_is_said():
    class NoNorm(nn.Module):
        """MobileBERT's: an affine map."""

        def __init__(self):
            super().__init__()
            self.weight, self.bias = nn.Parameter(torch.ones(16)), nn.Parameter(torch.zeros(16))

        def forward(self, x):
            return x * self.weight + self.bias

    report = inspect(PreBlock(lambda dim: NoNorm()), stream())
    assert {norm.kind for norm in report.norms} == {"other"}
    said = "norm1 and 1 more like it: NoNorm is no norm that is known: no number of its output"
    assert report.unread[0].startswith(said)


# What a newcomer's models showed


class Block(PreBlock):
    """Pre-norm, with one thing changed by a subclass."""


class LostResidual(Block):
    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return self.mlp(self.norm2(x))


class DroppedBranch(Block):
    def forward(self, x):
        h = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(h))


class DoubledResidual(Block):
    def forward(self, x):
        x = 2 * x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class SumForMean(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        centered = x - x.mean(-1, keepdim=True)
        return self.weight * centered * (centered.pow(2).sum(-1, keepdim=True) + 1e-5).rsqrt()


class HiddenInAList(Block):
    """Norms in a plain list are none of the module's."""

    def __init__(self):
        super().__init__()
        self.norms = [nn.LayerNorm(16), nn.LayerNorm(16)]
        del self.norm1, self.norm2

    def forward(self, x):
        x = x + self.attn(self.norms[0](x))
        return x + self.mlp(self.norms[1](x))


def zero_gains():
    block = Block()
    for norm in (block.norm1, block.norm2):
        nn.init.zeros_(norm.weight)
    return block


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (LostResidual, "lost-residual"),
        (DroppedBranch, "dropped-branch"),
        (DoubledResidual, "doubled-residual"),
        (lambda: Block(SumForMean), "sum-for-mean"),
        (HiddenInAList, "unregistered-norm"),
        (zero_gains, "zero-gain"),
    ],
)
def test_a_mistake_is_named_and_a_block_without_it_is_clean(make, code):
    stack = nn.Sequential(*(make() for _ in range(3)), nn.LayerNorm(16))
    assert code in {warning.code for warning in inspect(stack, stream()).warnings}
    clean = nn.Sequential(*(Block() for _ in range(3)), nn.LayerNorm(16))
    assert inspect(clean, stream()).warnings == ()


def test_a_factor_behind_a_norm_is_no_part_of_its_epsilon():
    class Scaled(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(dim))

        def forward(self, x):
            return nn.functional.layer_norm(x, x.shape[-1:]) * 10 * self.weight

    norm = inspect(Block(Scaled), stream()).norms[0]
    assert (norm.kind, norm.reading.eps, norm.reading.scale) == ("LayerNorm", 1e-5, 10)


def test_gains_in_a_dict_of_parameters_are_gains_of_their_own():
    class Functional(Block):
        def __init__(self):
            super().__init__()
            del self.norm1, self.norm2
            self.p = nn.ParameterDict({name: torch.ones(16) for name in ("one", "two")})

        def forward(self, x):
            x = x + self.attn(nn.functional.rms_norm(x, (16,), self.p["one"], 1e-6))
            return x + self.mlp(nn.functional.rms_norm(x, (16,), self.p["two"], 1e-6))

    report = inspect(Functional(), stream())
    assert [norm.name for norm in report.norms] == ["p.one", "p.two"]
    assert report.warnings == ()


def test_hooks_that_change_nothing_change_no_equation():
    block = Block()
    before = inspect(block, stream()).layers
    block.norm2.register_forward_pre_hook(lambda module, args: (args[0] + 0,))
    block.norm1.register_forward_hook(lambda module, args, output: output * 1.0)
    after = inspect(block, stream()).layers
    assert after[0].equations == before[0].equations


def test_a_model_that_is_one_layer_and_its_final_norm_is_a_layer_and_a_final_norm():
    class Model(Block):
        def __init__(self):
            super().__init__()
            self.final = nn.LayerNorm(16)

        def forward(self, x):
            return self.final(super().forward(x))

    report = inspect(Model(), stream())
    assert report.layers[0].placement == "pre-norm"
    assert {norm.name: norm.role for norm in report.norms}["final"] == "final"


def test_what_is_nearly_a_norm_is_said():
    class DividedByVariance(nn.Module):
        def forward(self, x):
            return (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True) + 1e-5)

    report = inspect(Block(lambda dim: DividedByVariance()), stream())
    assert not report.norms
    assert report.unread[0].startswith("norm2 and 1 more like it: something is divided by a stat")


@pytest.mark.parametrize("inference", [torch.no_grad, torch.inference_mode])
def test_a_model_that_switches_gradients_off_is_read_too(inference):
    class Switched(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = Block()

        def forward(self, x):
            with inference():
                return self.block(x)

    report = inspect(Switched(), stream())
    assert [norm.kind for norm in report.norms] == ["LayerNorm", "LayerNorm"]
    assert report.layers[0].placement == "pre-norm"


def test_one_token_and_no_example_are_told():
    assert "hold one token" in inspect(Block(), stream(3, 1, 16)).unread[-1]
    with pytest.raises(NotInspectable, match=r"shape \(0, 7, 16\) holds no numbers"):
        inspect(Block(), torch.ones(0, 7, 16))


def test_a_layer_that_runs_again_says_how_often():
    class Universal(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = Block()

        def forward(self, x):
            for _ in range(4):
                x = self.block(x)
            return x

    (layer,) = inspect(Universal(), stream()).layers
    assert "called 4 times" in layer.remarks


def test_rows_of_the_table_name_the_odd_norm():
    stack = nn.Sequential(*(Block() for _ in range(4)))
    stack[2].norm1 = nn.RMSNorm(16, eps=1e-6)
    names = [row[0] for row in inspect(stack, stream()).table().rows]
    assert names == ["0.norm1, 1.norm1, 3.norm1", "*.norm2", "2.norm1"]


@pytest.mark.parametrize("inference", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("affine", [True, False])
def test_a_batch_norm_with_running_statistics_is_one_however_it_is_called(inference, affine):
    class Switched(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm2d(4, eps=1e-3, affine=affine)

        def forward(self, x):
            with inference():
                return self.norm(x)

    (norm,) = inspect(Switched(), stream(3, 4, 5, 6)).norms
    assert (norm.kind, norm.reading.eps) == ("BatchNorm", 1e-3)
    assert norm.reading.affine == ("weight, bias" if affine else "none")


def test_an_exported_batch_norm_is_one_too():
    class Plain(nn.Module):
        def forward(self, x, mean, variance):
            return torch.ops.aten._native_batch_norm_legit_no_training(
                x, None, None, mean, variance, 0.1, 1e-4
            )[0]

    (norm,) = inspect(Plain(), (stream(3, 4, 5, 6), torch.zeros(4), torch.ones(4))).norms
    assert (norm.kind, norm.reading.eps) == ("BatchNorm", 1e-4)


def test_a_norm_of_the_sum_that_is_added_to_x_again_is_no_post_norm():
    class Both(Block):
        def forward(self, x):
            x = x + self.norm1(x + self.attn(x))
            return x + self.norm2(x + self.mlp(x))

    (layer,) = inspect(Both(), stream()).layers
    assert layer.equations[-1] == "y = x + n1 + n2"
    assert layer.placement == "other"
