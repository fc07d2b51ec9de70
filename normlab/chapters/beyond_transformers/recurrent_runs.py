"""Training runs of recurrent networks: two plain LSTMs, one with a norm behind it, an LN-LSTM.

`normlab remake recurrent` makes the stored ones again, in about 15 minutes on one core.
"""

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from normlab.chapters.beyond_transformers.rate_grids import (
    GridRun,
    RateGrid,
    grid_run,
    read_grid,
    with_reported,
    write_grid,
)
from normlab.chapters.beyond_transformers.sequence_tasks import SEQUENCE_TASKS
from normlab.models.recurrent import LayerNormLSTM
from normlab.tools.progress_bar import progress_bar
from normlab.tools.timing import one_thread
from normlab.training.run import why_diverged

STORED = Path(__file__).with_name("recurrent.csv")
RATES, SEEDS, REPORTED = (1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3), (0, 1, 2, 3, 4), (5, 6, 7, 8, 9)
HIDDEN, BATCH, CLIP = 48, 32, 1.0


class LSTMThenNorm(nn.Module):
    """`nn.LSTM`, and a layer norm on what it gives. Nothing inside the LSTM is normalized."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, batch_first=True)
        self.norm = nn.LayerNorm(hidden_size)

    def forward(self, x: Tensor) -> tuple[Tensor, Any]:
        output, state = self.lstm(x)
        return self.norm(output), state


def remembering_lstm(input_size: int, hidden_size: int) -> nn.LSTM:
    """`nn.LSTM` whose forget gate starts with the bias 1, so that it forgets little at first.

    Source: Jozefowicz et al. 2015, *An Empirical Exploration of Recurrent Network Architectures*.

    Example:
        >>> remembering_lstm(3, 4).bias_ih_l0[4:8].tolist()
        [1.0, 1.0, 1.0, 1.0]
    """
    lstm = nn.LSTM(input_size, hidden_size, batch_first=True)
    forget = slice(hidden_size, 2 * hidden_size)  # of i, f, g, o
    with torch.no_grad():
        for name, bias in (("bias_ih_l0", 1.0), ("bias_hh_l0", 0.0)):
            lstm.get_parameter(name)[forget] = bias
    return lstm


Core = Callable[[int, int], nn.Module]
CORES: dict[str, Core] = {
    "nn.LSTM": partial(nn.LSTM, batch_first=True),
    "nn.LSTM, forget bias 1": remembering_lstm,
    "nn.LSTM, then LN": LSTMThenNorm,
    "LN-LSTM": LayerNormLSTM,
}


class OverTime(nn.Module):
    """A cell, `cell(x, (h, c)) -> (h, c)`, over whole sequences from a state of 0.

    Shape:
        x (B, T, I) -> h at every step (B, T, H), and the last state.
    """

    def __init__(self, cell: nn.Module, hidden_size: int) -> None:
        super().__init__()
        self.cell, self.hidden_size = cell, hidden_size

    def forward(self, x: Tensor) -> tuple[Tensor, Any]:
        state = (x.new_zeros(len(x), self.hidden_size),) * 2
        hidden = []
        for now in x.unbind(1):  # (B, T, I) -> T times (B, I)
            state = self.cell(now, state)
            hidden.append(state[0])
        return torch.stack(hidden, 1), state  # T times (B, H) -> (B, T, H)


class Reader(nn.Module):
    """A recurrent core, and a linear head at every step: (B, T, I) -> (B, T, O)."""

    def __init__(self, core: str | Core, inputs: int, outputs: int, seed: int) -> None:
        super().__init__()
        if isinstance(core, str) and core not in CORES:
            raise ValueError(f"core is {core!r}; expected one of {', '.join(CORES)}.")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            make = CORES[core] if isinstance(core, str) else core
            self.core = make(inputs, HIDDEN)
            self.head = nn.Linear(HIDDEN, outputs)

    def forward(self, x: Tensor) -> Tensor:
        output, _ = self.core(x)
        return self.head(output)


def train_reader(
    task: str, core: str | Core, learning_rate: float, seed: int, steps: int | None = None
) -> list[float]:
    """The loss of every step, of the batch before its update, by Adam with gradients clipped at 1.

    A run whose loss stays far above its start is given up, as in `normlab.training.loop`.

    Args:
        task: a name in `normlab.chapters.beyond_transformers.sequence_tasks.SEQUENCE_TASKS`.
        core: a name in `CORES`, or core(inputs, hidden) that makes one.
        learning_rate, seed: of the run; the seed gives the weights and the batches.
        steps: as many as the task has, if left out.

    Raises:
        ValueError: if there is no such core.

    Example:
        >>> len(train_reader("copy", "LN-LSTM", learning_rate=1e-3, seed=0, steps=2))
        2
    """
    job = SEQUENCE_TASKS[task]
    model = Reader(core, job.inputs, job.outputs, seed)
    optimizer = torch.optim.Adam(model.parameters(), learning_rate, fused=True)
    losses: list[float] = []
    for step in progress_bar(range(steps or job.steps), _name(core) + f", {task}"):
        x, targets = job.draw(seed, step, BATCH)
        loss = job.loss(model(x), targets)
        losses.append(loss.item())
        if why_diverged(losses, job.chance):
            break
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
    return losses


def _name(core: str | Core) -> str:
    return core if isinstance(core, str) else "your cell"


def measure_run(task: str, core: str, learning_rate: float, seed: int) -> GridRun:
    """One run of the grid."""
    losses = train_reader(task, core, learning_rate, seed)
    return grid_run(task, core, learning_rate, seed, SEQUENCE_TASKS[task].goal, losses)


def run_grid(
    tasks: Sequence[str] = tuple(SEQUENCE_TASKS),
    rates: Sequence[float] = RATES,
    seeds: Sequence[int] = SEEDS,
) -> RateGrid:
    """Every core on every task, with every rate and seed."""
    grid = list(itertools.product(tasks, CORES, rates, seeds))
    with one_thread():
        return RateGrid([measure_run(*run) for run in progress_bar(grid, "recurrent runs")])


def write_runs(path: Path, reported: Sequence[int] = REPORTED, **grid: Any) -> None:
    """Make the runs of `run_grid(**grid)`, and of other seeds at the best rates, and store them."""
    with one_thread():
        runs = with_reported(run_grid(**grid), reported, measure_run).runs
    write_grid(path, runs, "normlab remake recurrent")


def grid_with(cell: Core, steps: int = 200) -> RateGrid:
    """The stored runs of nn.LSTM on adding, and one with this cell at the LN-LSTM's best rate.

    Args:
        cell: cell(inputs, hidden) makes a cell, which is called as `OverTime` says.
        steps: of the run with it.
    """
    stored = load_recurrent_runs()
    rate, seed = stored.best_rate("adding", "LN-LSTM"), 0
    losses = train_reader("adding", lambda i, h: OverTime(cell(i, h), h), rate, seed, steps)
    own = grid_run("adding", "LN-LSTM", rate, seed, SEQUENCE_TASKS["adding"].goal, losses)
    return RateGrid([*stored.best("adding", "nn.LSTM"), own])


def load_recurrent_runs() -> RateGrid:
    """The runs that come with the package.

    Example:
        >>> load_recurrent_runs().models()
        ['nn.LSTM', 'nn.LSTM, forget bias 1', 'nn.LSTM, then LN', 'LN-LSTM']
    """
    return read_grid(STORED)
