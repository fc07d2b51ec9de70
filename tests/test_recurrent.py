"""Layer norm in recurrent networks: the paper's formulas, torch's calls, and what scale does."""

import numpy as np
import pytest
import torch
from torch import nn

from normlab.models.recurrent import (
    LayerNormLSTM,
    LayerNormLSTMCell,
    LayerNormRNN,
    LayerNormRNNCell,
)

STACKS = {LayerNormRNN: nn.RNN, LayerNormLSTM: nn.LSTM}


def drawn(module, seed=0):
    """The module in float64, every parameter drawn, so that no gain is 1 and no shift is 0."""
    rng = torch.Generator().manual_seed(seed)
    for parameter in module.double().parameters():
        parameter.data = torch.randn(parameter.shape, generator=rng, dtype=torch.float64)
    return module


def normal(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def normed(a, norm):
    """Written out in NumPy: the norm over the last axis."""
    gain, shift = (p.detach().numpy() for p in (norm.weight, norm.bias))
    mean, variance = a.mean(-1, keepdims=True), a.var(-1, keepdims=True)
    return gain * (a - mean) / np.sqrt(variance + 1e-5) + shift


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def test_the_rnn_cell_is_the_papers_equation_4():
    cell, x, h = drawn(LayerNormRNNCell(3, 5)), normal(2, 3), normal(2, 5, seed=2)
    w_x, w_h = (linear.weight.detach().numpy() for linear in (cell.linear_x, cell.linear_h))
    want = np.tanh(normed(x.numpy() @ w_x.T + h.numpy() @ w_h.T, cell.norm))
    np.testing.assert_allclose(cell(x, h).detach(), want, rtol=1e-12, atol=1e-12)


def test_the_lstm_cell_is_the_papers_equations_20_to_22():
    cell, x = drawn(LayerNormLSTMCell(3, 5)), normal(2, 3)
    h, c = normal(2, 2, 5, seed=2)
    w_x, w_h = (linear.weight.detach().numpy() for linear in (cell.linear_x, cell.linear_h))
    gates = normed(x.numpy() @ w_x.T, cell.norm_x) + normed(h.numpy() @ w_h.T, cell.norm_h)
    f, i, o, g = np.split(gates + cell.bias.detach().numpy(), 4, axis=-1)
    want_c = sigmoid(f) * c.numpy() + sigmoid(i) * np.tanh(g)
    want_h = sigmoid(o) * np.tanh(normed(want_c, cell.norm_c))
    for found, want in zip(cell(x, (h, c)), (want_h, want_c), strict=True):
        np.testing.assert_allclose(found.detach(), want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("shape", [(4, 7, 3), (7, 3), (1, 1, 3)])
@pytest.mark.parametrize("layers", [1, 3])
def test_a_stack_returns_what_torchs_returns(stack, shape, layers):
    ours, theirs = (
        made.double()
        for made in (stack(3, 5, layers), STACKS[stack](3, 5, layers, batch_first=True))
    )
    x = normal(*shape)
    for more in ((), (theirs(x)[1],)):  # without a state, and with one of torch's
        found, want = ours(x, *more), theirs(x, *more)
        assert found[0].shape == want[0].shape
        states = [r[1] if isinstance(r[1], tuple) else (r[1],) for r in (found, want)]
        assert [part.shape for part in states[0]] == [part.shape for part in states[1]]


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_is_its_cells_called_one_after_the_other(stack):
    made, x = drawn(stack(3, 5, num_layers=2)), normal(4, 7, 3)
    lstm = stack is LayerNormLSTM
    start = normal(2, 2, 4, 5, seed=2) if lstm else normal(1, 2, 4, 5, seed=2)
    output, state = made(x, tuple(start) if lstm else start[0])
    inputs = list(x.unbind(1))
    for layer, cell in enumerate(made.cells):
        now = tuple(start[:, layer]) if lstm else start[0, layer]
        for t, step in enumerate(inputs):
            now = cell(step, now)
            inputs[t] = now[0] if lstm else now
        last = [part[layer] for part in state] if lstm else [state[layer]]
        for found, want in zip(last, now if lstm else (now,), strict=True):
            torch.testing.assert_close(found, want, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(output, torch.stack(inputs, 1), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("stack", STACKS)
def test_a_sequence_can_be_read_in_two_parts(stack):
    made, x = drawn(stack(3, 5, num_layers=2)), normal(4, 7, 3)
    whole, end = made(x)
    first, state = made(x[:, :3])
    second, again = made(x[:, 3:], state)
    torch.testing.assert_close(whole, torch.cat([first, second], dim=1))
    torch.testing.assert_close(end, again)


def test_the_scale_of_either_weight_does_not_matter_to_an_ln_lstm():
    # ε = 1e-5 against variances above 1: a change of at most 1e-5 a step
    made, x = drawn(LayerNormLSTM(3, 16)), normal(2, 20, 3)
    before, _ = made(x)
    for linear in (made.cells[0].linear_x, made.cells[0].linear_h):
        linear.weight.data *= 100
    after, _ = made(x)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-3)


def test_without_inputs_the_scale_does_not_matter_to_an_ln_rnn():
    made, x, start = drawn(LayerNormRNN(3, 16)), torch.zeros(2, 20, 3), normal(1, 2, 16)
    before, _ = made(x.double(), start)
    made.cells[0].linear_h.weight.data *= 100
    after, _ = made(x.double(), start)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-2)


def test_the_cell_state_can_grow_and_the_state_that_is_read_cannot():
    made = LayerNormLSTM(3, 8).double()
    nn.init.constant_(made.cells[0].bias[:16], 20.0)  # f and i open
    output, (_, c) = made(normal(1, 300, 3))
    assert c.abs().max() > 20
    assert output.abs().max() < 1


@pytest.mark.parametrize("stack", STACKS)
def test_examples_of_a_batch_do_not_see_each_other(stack):
    made, x = drawn(stack(3, 5, num_layers=2)), normal(4, 7, 3)
    torch.testing.assert_close(made(x)[0][1], made(x[1])[0])


@pytest.mark.parametrize("stack", STACKS)
def test_gradients_agree_with_central_differences(stack):
    made = drawn(stack(2, 4))
    x = normal(2, 3, 2).requires_grad_()
    names, parameters = zip(*made.named_parameters(), strict=True)

    def run(x, *values):
        return torch.func.functional_call(made, dict(zip(names, values, strict=True)), (x,))[0]

    assert torch.autograd.gradcheck(run, (x, *parameters))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LayerNormLSTM(3, 0), r"hidden_size 0 .*at least 1"),
        (lambda: LayerNormRNN(3, 5)(torch.zeros(2, 7, 4)), r"\(2, 7, 4\).*\(B, T, 3\)"),
        (lambda: LayerNormRNN(3, 5)(torch.zeros(2, 0, 3)), r"\(2, 0, 3\).*at least one step"),
        (lambda: LayerNormRNN(3, 5)(torch.zeros(3)), r"\(3,\).*\(B, T, 3\)"),
        (
            lambda: LayerNormLSTM(3, 5)(torch.zeros(2, 7, 3), (torch.zeros(1, 2, 5),)),
            r"shapes \[\(1, 2, 5\)\]; expected \[\(1, 2, 5\), \(1, 2, 5\)\]",
        ),
    ],
)
def test_what_does_not_fit_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
