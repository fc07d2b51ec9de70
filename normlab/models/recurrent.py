"""Layer norm inside recurrent networks, where Ba et al. 2016 put it.

A cell does one step. A stack of cells reads whole sequences, and is called as `nn.RNN` and
`nn.LSTM` are with `batch_first=True`.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]


class LayerNormRNNCell(nn.Module):
    """One step of an RNN with layer norm: h' = tanh(LN(W_x x + W_h h)).

    One mean and one variance serve the H summed inputs of one example at one time step. Gain and
    shift are the same at every step; the shift is the paper's b.

    Shape:
        x (..., I), h (..., H) -> h' (..., H)

    Source: Ba, Kiros & Hinton 2016, §3.1, Eq. 4, arXiv:1607.06450.

    Example:
        >>> cell = LayerNormRNNCell(input_size=3, hidden_size=5)
        >>> cell(torch.ones(2, 3), torch.zeros(2, 5)).shape
        torch.Size([2, 5])
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.linear_x = nn.Linear(input_size, hidden_size, bias=False)
        self.linear_h = nn.Linear(hidden_size, hidden_size, bias=False)
        self.norm = nn.LayerNorm(hidden_size)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        (new_h,) = self.step(self.read(x), (h,))
        return new_h

    def read(self, x: Tensor) -> Tensor:
        """What does not depend on the state, for one step or for all: (..., I) -> (..., H)."""
        return self.linear_x(x)

    def step(self, from_x: Tensor, state: State) -> State:
        (h,) = state
        return (torch.tanh(self.norm(from_x + self.linear_h(h))),)


class LayerNormLSTMCell(nn.Module):
    """One step of an LSTM with layer norm.

    [f, i, o, g] = LN_x(W_x x) + LN_h(W_h h) + b, each norm over all 4H numbers of an example;
    c' = σ(f)·c + σ(i)·tanh(g), which is passed on as it is; h' = σ(o)·tanh(LN_c(c')).

    Shape:
        x (..., I), (h, c) each (..., H) -> (h', c')

    Source: Ba, Kiros & Hinton 2016, supplementary material, Eq. 20 to 22, arXiv:1607.06450.

    Example:
        >>> cell = LayerNormLSTMCell(input_size=3, hidden_size=5)
        >>> h, c = cell(torch.ones(2, 3), (torch.zeros(2, 5), torch.zeros(2, 5)))
        >>> h.shape, c.shape
        (torch.Size([2, 5]), torch.Size([2, 5]))
    """

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        gates = 4 * hidden_size
        self.linear_x = nn.Linear(input_size, gates, bias=False)
        self.linear_h = nn.Linear(hidden_size, gates, bias=False)
        self.bias = nn.Parameter(torch.zeros(gates))
        self.norm_x = nn.LayerNorm(gates)
        self.norm_h = nn.LayerNorm(gates)
        self.norm_c = nn.LayerNorm(hidden_size)

    def forward(self, x: Tensor, state: State) -> State:
        return self.step(self.read(x), state)

    def read(self, x: Tensor) -> Tensor:
        """What does not depend on the state, for one step or for all: (..., I) -> (..., 4H)."""
        return self.norm_x(self.linear_x(x))

    def step(self, from_x: Tensor, state: State) -> State:
        h, c = state
        from_h = self.norm_h(self.linear_h(h))  # (..., H) -> (..., 4H)
        gates = from_x + from_h + self.bias
        f, i, o, g = gates.chunk(4, dim=-1)  # (..., 4H) -> 4 times (..., H)
        written = torch.sigmoid(i) * torch.tanh(g)
        new_c = torch.sigmoid(f) * c + written
        new_h = torch.sigmoid(o) * torch.tanh(self.norm_c(new_c))
        return new_h, new_c


class _Stack(nn.Module):
    """Cells one on the other, each reading what the one below gave."""

    def __init__(
        self,
        cell: type[LayerNormRNNCell] | type[LayerNormLSTMCell],
        input_size: int,
        hidden_size: int,
        num_layers: int,
    ) -> None:
        super().__init__()
        if min(input_size, hidden_size, num_layers) < 1:
            raise ValueError(
                f"got input_size {input_size}, hidden_size {hidden_size} and num_layers "
                f"{num_layers}; expected at least 1 of each."
            )
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.cells: Any = nn.ModuleList(cell(size, hidden_size) for size in sizes)

    def _run(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """All layers over all steps; each part of the state is (L, ..., H)."""
        last = []
        for layer, cell in enumerate(self.cells):
            now, hidden = tuple(part[layer] for part in state), []
            for from_x in cell.read(x).unbind(-2):  # (..., T, G) -> T times (..., G)
                now = cell.step(from_x, now)
                hidden.append(now[0])
            x = torch.stack(hidden, dim=-2)  # T times (..., H) -> (..., T, H)
            last.append(now)
        # L times (..., H) -> (L, ..., H)
        return x, tuple(torch.stack(parts) for parts in zip(*last, strict=True))

    def _start(self, x: Tensor, state: Sequence[Tensor] | None, parts: int) -> State:
        """The state to begin with, 0 if none is given.

        Raises:
            ValueError: if `x` or `state` does not fit.
        """
        if x.ndim not in (2, 3) or x.shape[-1] != self.input_size or not x.shape[-2]:
            raise ValueError(
                f"x has the shape {tuple(x.shape)}; expected (B, T, {self.input_size}) or "
                f"(T, {self.input_size}) with at least one step T."
            )
        shape = (self.num_layers, *x.shape[:-2], self.hidden_size)
        if state is None:
            return tuple(x.new_zeros(shape) for _ in range(parts))
        shapes = [tuple(part.shape) for part in state]
        if shapes != [shape] * parts:
            raise ValueError(f"the state has the shapes {shapes}; expected {[shape] * parts}.")
        return tuple(state)


class LayerNormRNN(_Stack):
    """`LayerNormRNNCell` over whole sequences, in one or more layers.

    Shape:
        x (B, T, I), and a state (L, B, H) to begin with, 0 if it is left out
        -> output (B, T, H) of the last layer, and the last state (L, B, H) of every layer.
        Without the axis B too, as in `nn.RNN`.

    Raises:
        ValueError: if a size is below 1, or `x` or the state does not fit.

    Example:
        >>> output, h = LayerNormRNN(input_size=3, hidden_size=5, num_layers=2)(torch.ones(4, 7, 3))
        >>> output.shape, h.shape
        (torch.Size([4, 7, 5]), torch.Size([2, 4, 5]))
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__(LayerNormRNNCell, input_size, hidden_size, num_layers)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        output, (h,) = self._run(x, self._start(x, None if state is None else (state,), parts=1))
        return output, h


class LayerNormLSTM(_Stack):
    """`LayerNormLSTMCell` over whole sequences, in one or more layers.

    Shape:
        x (B, T, I), and a state (h, c), each (L, B, H), to begin with, 0 if it is left out
        -> output (B, T, H) of the last layer, and the last state (h, c) of every layer.
        Without the axis B too, as in `nn.LSTM`.

    Raises:
        ValueError: if a size is below 1, or `x` or the state does not fit.

    Example:
        >>> output, (h, c) = LayerNormLSTM(input_size=3, hidden_size=5)(torch.ones(4, 7, 3))
        >>> output.shape, h.shape, c.shape
        (torch.Size([4, 7, 5]), torch.Size([1, 4, 5]), torch.Size([1, 4, 5]))
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__(LayerNormLSTMCell, input_size, hidden_size, num_layers)

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        return self._run(x, self._start(x, state, parts=2))
