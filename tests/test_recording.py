"""What a model ran is kept as it ran, and runs again to the same numbers."""

import pytest
import torch
from torch import nn

from normlab.inspection.recorder import record
from normlab.inspection.replay import replay


def again(model, *inputs):
    """The first output, computed anew from the recording, and the model's own."""
    with torch.no_grad():
        own = model(*(x.clone() for x in inputs))
    run = record(model, tuple(x.clone() for x in inputs), {})
    return replay(run.outputs, {})[run.outputs[0]], own


class InPlace(nn.Module):
    """Views are written, and what else shows their memory is read afterwards."""

    def forward(self, x):
        y = x * 2
        row, columns = y[:, 0], y[..., 1:3]
        row.fill_(3)
        columns.mul_(5)
        y.view(-1)[0] = 7
        return y + row.sum() + columns.sum()


class OnTheInput(nn.Module):
    def forward(self, x):
        x += 1
        return x * x


class Cache(nn.Module):
    """A buffer that the run changes."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(3))

    def forward(self, x):
        self.seen[0] += 1
        return x + self.seen


def stream():
    return torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "model",
    [
        InPlace(),
        OnTheInput(),
        nn.TransformerEncoderLayer(3, 1, 8, batch_first=True).eval(),
        nn.Softmax(-1),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_recording_runs_again_to_the_same_numbers(model):
    new, own = again(model, stream())
    assert new.dtype == torch.float64
    torch.testing.assert_close(new, own.double(), rtol=1e-5, atol=1e-5)


def test_a_buffer_that_the_run_changes_is_kept_as_it_was_before():
    model = Cache()
    run = record(model, (stream(),), {})
    new = replay(run.outputs, {})[run.outputs[0]]
    torch.testing.assert_close(new[..., 0], stream()[..., 0].double() + 1)
    assert model.seen.tolist() == [1, 0, 0]  # the run itself did change it


def test_a_piece_runs_on_other_numbers():
    run = record(nn.Sequential(nn.Linear(3, 3), nn.ReLU()), (stream(),), {})
    before = run.outputs[0].operation.args[0]
    x = torch.tensor([-1.0, 2.0]).double()
    assert replay(run.outputs, {before: x})[run.outputs[0]].tolist() == [0, 2]


def test_inputs_of_a_module_are_what_it_read_though_they_are_written_later():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm(3)

        def forward(self, x):
            y = x * 1
            n = self.norm(y)
            y += n
            return y

    run = record(Block(), (stream(),), {})
    (call,) = (call for call in run.calls if call.name == "norm")
    assert [value.operation.name for value in call.inputs] == ["mul"]


def test_the_fused_path_of_torchs_encoder_is_off_and_comes_back():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    run = record(layer, (torch.randn(2, 5, 8),), {})
    names = [value.operation.name for value in run.values if value.operation]
    assert names.count("native_layer_norm") == 2 * 3  # three outputs each
    assert torch.backends.mha.get_fastpath_enabled()


class Fails(nn.Module):
    def forward(self, x):
        raise KeyError("here")


def test_no_hook_is_left_behind_when_the_model_raises():
    with pytest.raises(KeyError, match="here"):
        record(nn.Sequential(nn.Linear(3, 3), Fails()), (stream(),), {})
    assert not torch.nn.modules.module._has_any_global_hook()
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_module_that_is_called_twice_has_two_calls_of_one_name():
    linear = nn.Linear(3, 3)
    run = record(nn.Sequential(linear, linear), (stream(),), {})
    assert [call.name for call in run.calls] == ["", "0", "0"]


def test_other_numbers_lie_in_memory_as_the_recorded_ones_did():
    """A view of transposed rows is possible only where they lie transposed."""

    class Transposed(nn.Module):
        def forward(self, x):
            return (x.transpose(0, 1).contiguous().transpose(0, 1) * 2).transpose(0, 1).view(-1)

    x = stream()[0]
    run = record(Transposed(), (x,), {})
    product = next(v for v in run.values if v.operation and v.operation.name == "mul")
    new = replay(run.outputs, {product: torch.zeros(x.shape)})[run.outputs[0]]
    assert new.tolist() == [0.0] * x.numel()
