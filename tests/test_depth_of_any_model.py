"""Stream, σ, gradient and update by depth, in models that the course did not write."""

import copy
import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import nn
from torch.utils.checkpoint import checkpoint

from normlab.inspection import depth_profile, depth_report, draw_depth_profile, explore_depth
from normlab.inspection.recorder import record
from normlab.inspection.replay import replay_with_gradients
from normlab.models.stack import StackSetting
from normlab.probes import flow_theory, theory_of_branches

D, LAYERS = 16, 4


def torch_layers(norm_first, layers=LAYERS, dropout=0.0, seed=0):
    torch.manual_seed(seed)
    make = nn.TransformerEncoderLayer
    options = {"batch_first": True, "norm_first": norm_first, "dropout": dropout}
    return nn.Sequential(*(make(D, 2, 32, **options) for _ in range(layers)))


class Branch(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(D, 24), nn.Linear(24, D)

    def forward(self, x):
        return self.outer(torch.relu(self.inner(x)))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.branch = nn.LayerNorm(D), Branch()

    def forward(self, x):
        return x + self.branch(self.norm(x))


class Functional(nn.Module):
    """The same layers, with no module in them."""

    def __init__(self, layers):
        super().__init__()
        parts = [
            (la.norm.weight, la.norm.bias, *la.branch.parameters()) for la in copy.deepcopy(layers)
        ]
        self.gains, self.shifts, self.inner, self.into, self.outer, self.out = (
            nn.ParameterList(column) for column in zip(*parts, strict=True)
        )

    def forward(self, x):
        columns = (self.gains, self.shifts, self.inner, self.into, self.outer, self.out)
        for gain, shift, w1, b1, w2, b2 in zip(*columns, strict=True):
            n = F.layer_norm(x, (D,), gain, shift)
            x = x + F.linear(torch.relu(F.linear(n, w1, b1)), w2, b2)
        return x


@pytest.fixture
def x():
    return torch.randn(3, 5, D, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def loss():
    target = torch.randn(3, 5, D, generator=torch.Generator().manual_seed(2))
    return lambda y: (y - target).square().mean()


def arrays(depth):
    return {
        f"{moment.step} {name}": value
        for moment in depth.moments
        for name, value in vars(moment).items()
        if isinstance(value, np.ndarray)
    }


def hooked_streams(model, x, loss, layers):
    """What goes into each layer, and what comes out of the last, with gradients."""
    streams = [x.clone().requires_grad_()]
    hooks = [la.register_forward_hook(lambda *call: streams.append(call[2])) for la in layers]
    y = model(streams[0])
    for stream in streams:
        stream.retain_grad()
    loss(y).backward()
    for hook in hooks:
        hook.remove()
    return streams


@pytest.mark.parametrize("norm_first", [True, False])
def test_numbers_are_those_of_hooks_on_torchs_layers(norm_first, x, loss):
    model = torch_layers(norm_first)
    depth = depth_profile(model, x, loss)
    streams = hooked_streams(model, x, loss, model)
    whole, start = depth.depths % 1 == 0, depth.moments[0]
    gradients = [stream.grad.norm().item() for stream in streams]
    squares = [stream.square().mean().item() for stream in streams]
    np.testing.assert_allclose(start.gradient[whole], gradients, rtol=1e-5)
    np.testing.assert_allclose(start.mean_square[whole], squares, rtol=1e-5)
    weights = [
        np.hypot.reduce([p.grad.norm().item() for p in layer.parameters()]) for layer in model
    ]
    np.testing.assert_allclose(start.layer_gradient, weights, rtol=1e-5)
    assert start.loss == pytest.approx(loss(model(x)).item())
    assert depth.depths.tolist() == [half / 2 for half in range(2 * LAYERS + 1)]


def test_the_place_between_two_sub_layers_is_what_the_second_reads(x, loss):
    model = torch_layers(norm_first=True, layers=1)
    depth = depth_profile(model, x, loss)
    streams = hooked_streams(model, x, loss, [])
    seen = []
    model[0].norm2.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    y = model(streams[0])
    seen[0].retain_grad()
    loss(y).backward()
    assert depth.moments[0].gradient[1] == pytest.approx(seen[0].grad.norm().item(), rel=1e-5)


def test_a_functional_model_has_the_numbers_of_its_twin_of_modules(x, loss):
    torch.manual_seed(0)
    modules = nn.Sequential(*(Layer() for _ in range(LAYERS)))
    one = depth_profile(modules, x, loss, steps=2)
    other = depth_profile(Functional(modules), x, loss, steps=2)
    assert one.placement == other.placement == "pre-norm"
    assert len(one.layers) == len(other.layers) == LAYERS
    for name, value in arrays(one).items():
        np.testing.assert_allclose(arrays(other)[name], value, rtol=1e-4, err_msg=name)


def test_the_stream_grows_with_pre_norm_and_not_with_post_norm(x, loss):
    pre, post = (depth_profile(torch_layers(first, 12), x, loss) for first in (True, False))
    assert pre.moments[0].mean_square[-1] > 1.5 * pre.moments[0].mean_square[0]
    np.testing.assert_allclose(post.moments[0].mean_square[1:], 1, rtol=1e-3)
    assert (pre.theory.placement, post.theory.placement) == ("pre-norm", "post-norm")
    np.testing.assert_allclose(pre.theory.mean_square, pre.moments[0].mean_square, rtol=0.25)
    np.testing.assert_allclose(pre.theory.gradient, pre.moments[0].gradient, rtol=0.25)
    np.testing.assert_allclose(post.theory.mean_square[1:], 1)


def test_theory_of_branches_is_that_of_a_stack_with_their_kappas():
    setting = StackSetting("deepnorm", init="xiong", tokens=1, d_ff=64)
    (alpha, beta), mixes = setting.constants(6), np.arange(6) % 2 == 0
    kappas = np.where(mixes, beta**4, beta**4 * 0.5)
    own = theory_of_branches("deepnorm", kappas, mixes, 1, shortcut=alpha)
    np.testing.assert_allclose(
        own.unlike.log10_gradient, flow_theory(setting, 6).unlike.log10_gradient
    )
    with pytest.raises(ValueError, match="placement is 'none at all'"):
        theory_of_branches("none at all", kappas, mixes, 1)
    with pytest.raises(ValueError, match=r"one \(S,\)"):
        theory_of_branches("none", kappas, mixes[:2], 1)


def test_what_was_given_is_left_as_it_was(x, loss):
    model = torch_layers(norm_first=True, dropout=0.5)
    model[1].eval()
    loss(model(x)).backward()
    optimizer = torch.optim.Adam(model.parameters())
    optimizer.step()
    before = copy.deepcopy((model.state_dict(), [p.grad for p in model.parameters()]))
    state, modes = copy.deepcopy(optimizer.state_dict()), [m.training for m in model.modules()]
    given, random = x.clone(), torch.get_rng_state()
    depth_profile(model, x, loss, steps=2, optimizer=optimizer)
    assert torch.equal(torch.get_rng_state(), random)
    assert [m.training for m in model.modules()] == modes
    assert torch.equal(x, given)
    assert x.grad is None
    torch.testing.assert_close(
        (model.state_dict(), [p.grad for p in model.parameters()]), before, rtol=0, atol=0
    )
    torch.testing.assert_close(optimizer.state_dict(), state, rtol=0, atol=0)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


class Halving(Layer):
    def forward(self, x):
        x.mul_(0.5)
        return x + self.branch(self.norm(x))


def test_an_input_that_a_model_writes_into_is_not_written(x, loss):
    given = x.clone()
    depth_profile(Halving(), x, loss)
    assert torch.equal(x, given)


def test_an_optimizer_goes_on_with_the_state_that_it_has(x, loss):
    model = torch_layers(norm_first=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    fresh = depth_profile(model, x, loss, optimizer=optimizer)
    given = copy.deepcopy(model.state_dict())
    for _ in range(3):
        loss(model(x)).backward()
        optimizer.step()
    model.load_state_dict(given)
    moved = depth_profile(model, x, loss, optimizer=optimizer)
    assert (moved.moments[0].update > 2 * fresh.moments[0].update).all()


def test_a_seed_makes_training_steps_the_same_again(x, loss):
    model = torch_layers(norm_first=True, dropout=0.3)
    runs = [depth_profile(model, x, loss, steps=3, seed=seed) for seed in (0, 0, 1)]
    first, again, other = map(arrays, runs)
    for name, value in first.items():
        np.testing.assert_array_equal(again[name], value)
    assert not np.allclose(first["0 gradient"], first["3 gradient"])
    assert not np.allclose(other["3 gradient"], first["3 gradient"])
    np.testing.assert_array_equal(other["0 gradient"], first["0 gradient"])


def test_the_steps_are_those_of_a_loop_by_hand(x, loss):
    model = torch_layers(norm_first=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    depth = depth_profile(model, x, loss, steps=(1, 4), optimizer=optimizer)
    assert [moment.step for moment in depth.moments] == [0, 1, 4]
    losses, streams, sizes = [], [], []
    for _ in range(6):
        losses.append(loss(model(x)).item())
        streams.append(model(x).detach())
        sizes.append([nn.utils.get_total_norm(layer.parameters()).item() for layer in model])
        optimizer.zero_grad()
        loss(model(x)).backward()
        optimizer.step()
    assert [moment.loss for moment in depth.moments] == pytest.approx(
        [losses[i] for i in (0, 1, 4)]
    )
    start, last = depth.moments[0], depth.moments[-1]
    change = (streams[5] - streams[4]).norm() / streams[4].norm()
    assert last.stream_change[-1] == pytest.approx(change.item(), rel=1e-3)
    np.testing.assert_allclose(start.update, 0.05 * start.layer_gradient / sizes[0], rtol=1e-4)
    assert start.stream_change[0] == 0


def test_a_frozen_layer_is_not_updated_and_has_gradients_of_its_stream(x, loss):
    model = torch_layers(norm_first=True)
    whole = depth_profile(model, x, loss)
    model[0].requires_grad_(False)
    frozen = depth_profile(model, x, loss)
    assert frozen.moments[0].update[0] == frozen.moments[0].layer_gradient[0] == 0
    np.testing.assert_allclose(frozen.moments[0].gradient, whole.moments[0].gradient, rtol=1e-5)


def test_sigma_is_that_of_what_each_norm_reads(x, loss):
    model = torch_layers(norm_first=False, layers=2)
    for layer in model:
        layer.norm2 = nn.RMSNorm(D)
    depth, reads = depth_profile(model, 3 * x + 1, loss), []
    for layer in model:
        for norm in (layer.norm1, layer.norm2):
            norm.register_forward_pre_hook(lambda _, inputs: reads.append(inputs[0]))
    model(3 * x + 1)
    expected = [
        (r.square().mean(-1).sqrt() if place % 2 else r.std(-1, correction=0)).mean().item()
        for place, r in enumerate(reads)
    ]
    np.testing.assert_allclose(depth.moments[0].sigma, expected, rtol=1e-5)
    assert depth.norms == ("0.norm1", "0.norm2", "1.norm1", "1.norm2")
    assert depth.norm_layers == (0, 0, 1, 1)
    assert depth.norm_table().rows[3][0] == "1.norm2"


class Parallel(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.one, self.two = nn.LayerNorm(D), Branch(), Branch()

    def forward(self, x):
        n = self.norm(x)
        return x + self.one(n) + self.two(n)


def test_parallel_sub_layers_are_one_step(x, loss):
    depth = depth_profile(nn.Sequential(Parallel(), Parallel()), x, loss)
    assert depth.depths.tolist() == [0, 1, 2]
    assert depth.placement == "parallel"


class PostNorm(Layer):
    def forward(self, x):
        return self.norm(x + self.branch(x))


class InPlace(Layer):
    def forward(self, x):
        y = self.branch(x)
        y += x
        return self.norm(y)


def test_a_sum_that_is_written_in_place_is_read_as_one(x, loss):
    torch.manual_seed(0)
    plain = nn.Sequential(*(PostNorm() for _ in range(3)))
    written = nn.Sequential(*(InPlace() for _ in range(3)))
    written.load_state_dict(plain.state_dict())
    one, other = (depth_profile(model, x, loss) for model in (plain, written))
    for name, value in arrays(one).items():
        np.testing.assert_allclose(arrays(other)[name], value, rtol=1e-4, err_msg=name)


class Routed(nn.Module):
    """Half of the tokens go to each expert, or as many as the router says."""

    def __init__(self):
        super().__init__()
        self.norm, self.router = nn.LayerNorm(D), nn.Linear(D, 2)
        self.experts = nn.ModuleList(Branch() for _ in range(2))

    def forward(self, x):
        rows = self.norm(x).flatten(0, 1)
        weights = self.router(rows).softmax(-1)
        added = torch.zeros_like(rows)
        for number, expert in enumerate(self.experts):
            (chosen,) = torch.where(weights.argmax(-1) == number)
            own = weights[chosen, number, None] * expert(rows[chosen])
            added = added.index_add(0, chosen, own)
        return x + added.view_as(x)


def test_a_model_that_takes_another_way_after_training_is_read_anew(x, loss):
    torch.manual_seed(0)
    model = nn.Sequential(*(Routed() for _ in range(3)))
    optimizer = torch.optim.SGD(model.parameters(), lr=3.0)
    depth = depth_profile(model, x, loss, steps=3, optimizer=optimizer)
    ways = model[0].router(model[0].norm(x)).argmax(-1)
    for _ in range(3):
        optimizer.zero_grad()
        loss(model(x)).backward()
        optimizer.step()
    assert not torch.equal(model[0].router(model[0].norm(x)).argmax(-1), ways)
    assert depth.moments[-1].loss == pytest.approx(loss(model(x)).item(), rel=1e-4)
    streams = hooked_streams(model, x, loss, model)
    gradients = [stream.grad.norm().item() for stream in streams]
    np.testing.assert_allclose(depth.moments[-1].gradient, gradients, rtol=1e-4)


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointed_layers_have_the_numbers_of_plain_ones(reentrant, x, loss):
    model = torch_layers(norm_first=True)

    class Checkpointed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([*model][-LAYERS:])

        def forward(self, x):
            for layer in self.layers:
                x = checkpoint(layer, x, use_reentrant=reentrant)
            return x

    # a reentrant checkpoint gives no gradient to weights behind an input without one
    model.insert(0, nn.Linear(D, D))
    head = nn.Sequential(model[0], Checkpointed())
    one, other = depth_profile(model, x, loss), depth_profile(head, x, loss)
    np.testing.assert_allclose(one.moments[0].gradient, other.moments[0].gradient, rtol=1e-5)


class WithNumber(Layer):
    """A Python number that training changes is a constant in a recording."""

    def forward(self, x):
        scale = 1 + abs(self.branch.outer.bias.sum().item())
        return x + scale * self.branch(self.norm(x))


def test_a_model_with_numbers_of_python_is_read_anew_after_training(x, loss):
    model = nn.Sequential(WithNumber(), WithNumber())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    depth = depth_profile(model, x, loss, steps=1, optimizer=optimizer)
    loss(model(x)).backward()
    optimizer.step()
    assert depth.moments[1].loss == pytest.approx(loss(model(x)).item(), rel=1e-4)


class NormInFloat32(Layer):
    def forward(self, x):
        return x + self.branch(F.layer_norm(x.float(), (D,)).to(x.dtype))


def test_a_model_in_half_precision_is_measured_in_it(x):
    torch.manual_seed(0)
    model = nn.Sequential(NormInFloat32(), NormInFloat32())
    one = depth_profile(model, x, lambda y: y.float().square().mean())
    half = depth_profile(model.bfloat16(), x.bfloat16(), lambda y: y.float().square().mean())
    np.testing.assert_allclose(half.moments[0].gradient, one.moments[0].gradient, rtol=0.03)


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_layer_alone_is_one_layer(norm_first, x, loss):
    depth = depth_profile(torch_layers(norm_first)[0], x, loss)
    assert depth.layers == ("TransformerEncoderLayer",)
    assert depth.depths.tolist() == [0, 0.5, 1]


def test_a_replay_keeps_what_was_there_before_it_was_written_over():
    class Written(nn.Module):
        def forward(self, x):
            y = 2 * x
            before = y + 1
            y += x
            return before * y

    x = torch.ones(3)
    run = record(Written(), (x,), {})
    first = next(v for v in run.values if v.operation and v.operation.name == "mul")
    values = replay_with_gradients([*run.outputs, first], [first])
    assert values[first].tolist() == [2, 2, 2]
    (gradient,) = torch.autograd.grad(values[run.outputs[0]].sum(), values[first])
    assert gradient.tolist() == [6, 6, 6]  # of (y + 1)(y + x)


@dataclass
class Answer:
    hidden: torch.Tensor
    scores: dict


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(Layer() for _ in range(2))
        self.head = nn.Linear(D, 3)

    def forward(self, x, scale=1.0):
        for layer in self.layers:
            x = layer(scale * x)
        scores = self.head(x)
        return Answer(x, {"scores": scores, "loss": scores.square().mean()})


def test_the_loss_gets_what_the_model_returns_however_nested(x):
    depth = depth_profile(Nested(), {"x": x}, lambda answer: answer.scores["loss"])
    assert depth.layers == ("layers.0", "layers.1")
    assert depth.moments[0].gradient[0] > 0


def test_of_two_stacks_the_last_is_shown_and_the_other_is_named(x, loss):
    model = nn.Transformer(D, 2, 2, 2, 32, batch_first=True, dropout=0.0)
    depth = depth_profile(model, (x.flip(0), x), loss)
    assert depth.layers == ("decoder.layers.0", "decoder.layers.1")
    assert depth.left_out == ("encoder.layers.0", "encoder.layers.1")
    assert len(depth.depths) == 7
    assert "encoder.layers.1" in depth_report(depth)


def test_a_wiring_without_theory_says_so(x, loss):
    depth = depth_profile(nn.Sequential(Layer(), torch_layers(False, 1)), x, loss)
    assert depth.theory is None
    assert "no theory" in depth.remark


class Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, dy):
        return dy


class Rounded(Layer):
    def forward(self, x):
        return x + self.branch(Straight.apply(4 * self.norm(x)))


class Cached(Layer):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return self.calls * x + self.branch(self.norm(x))


class WithLambda(Layer):
    def __init__(self):
        super().__init__()
        branch = self.branch
        self.called = lambda x: branch(x)

    def forward(self, x):
        return x + self.called(self.norm(x))


class NotTrainable(Layer):
    def forward(self, x):
        x += self.branch(self.norm(x))
        return x


@pytest.mark.parametrize(
    ("model", "loss", "message"),
    [
        (Layer(), lambda y: y, r"Tensor of shape \(3, 5, 16\); expected a tensor with one float"),
        (Layer(), lambda y: 1.0, "returned a float; expected a tensor"),
        (Layer(), lambda y: y.sum() / 0, "is -?inf; expected a finite number"),
        (Layer(), lambda y: y.detach().sum(), "does not depend on what the model learns"),
        (nn.Linear(D, D), lambda y: y.sum(), "no residual layer was found in Linear"),
        (Layer().requires_grad_(False), lambda y: y.sum(), "no parameter of Layer"),
        (nn.Sequential(Rounded()), lambda y: y.square().sum(), "custom autograd.Function"),
        (Cached(), lambda y: y.sum(), "keeps a state"),
        (WithLambda(), lambda y: y.sum(), "not among its own"),
        (
            nn.Sequential(NotTrainable(), NotTrainable()),
            lambda y: y.square().sum(),
            "the backward pass of Sequential fails",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused(model, loss, message, x):
    with pytest.raises(ValueError, match=message):
        depth_profile(model, x, loss)


def test_steps_and_optimizers_that_do_not_fit_are_refused(x, loss):
    with pytest.raises(ValueError, match="whole numbers"):
        depth_profile(Layer(), x, loss, steps=-1)
    with pytest.raises(ValueError, match="an optimizer of this model's parameters"):
        depth_profile(Layer(), x, loss, optimizer=torch.optim.SGD(Layer().parameters(), lr=0.1))
    model = Layer()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e20)
    with pytest.raises(ValueError, match=r"in training step \d+: loss\(output\) is (nan|inf)"):
        depth_profile(model, x, loss, steps=9, optimizer=optimizer)
    with pytest.raises(ValueError, match=r"after step 3\? Measured was after 0"):
        depth_profile(Layer(), x, loss).at(3)


def test_report_table_and_json(x, loss):
    depth = depth_profile(torch_layers(True, 12), x, loss, steps=1)
    text = depth_report(depth, rows=4)
    assert "at the start" in text
    assert "after 1 step, loss" in text
    assert "layers, pre-norm" in text
    assert depth.remark in text
    assert len(depth.table().rows) == 13
    assert depth.table(1).rows[2][1] == pytest.approx(depth.moments[1].mean_square[4])
    found = json.loads(json.dumps(depth.as_dict(), allow_nan=False))
    assert found["moments"][1]["gradient"] == depth.moments[1].gradient.tolist()


def test_the_picture_and_the_explorer_show_the_numbers(x, loss):
    depth = depth_profile(torch_layers(True), x, loss, steps=(1, 5))
    axes = Figure().subplots(1, 2)
    draw_depth_profile(depth, axes)
    lines = {line.get_label(): line.get_ydata() for line in axes[0].lines}
    np.testing.assert_allclose(lines["at the start"], depth.moments[0].mean_square)
    np.testing.assert_allclose(lines["after 5 steps"], depth.moments[2].mean_square)
    np.testing.assert_allclose(lines["theory of pre-norm, at the start"], depth.theory.mean_square)
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), depth.moments[0].gradient)
    explorer = explore_depth(depth)
    assert len(explorer.frames) == 3
    assert "after 5 steps" in explorer.frames[2]["sentence"]
    assert len({frame["sentence"] for frame in explorer.frames}) == 3
