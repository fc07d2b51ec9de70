"""A collapsing model taken apart: held to its parts measured in other ways."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from normlab.chapters.warmup import load_collapse_parts, take_apart
from normlab.chapters.warmup.collapse_parts import CONFIG, LOOKS, SEEDS
from normlab.chapters.warmup.layer_looks import held_out
from normlab.training import Run, TrainConfig

SMALL = TrainConfig(decoder_layers=2, d_model=16, d_ff=32, batch=4, learning_rate=1e-2)


def test_cosine_and_matrix_norm_are_those_of_the_model():
    (_, taken) = take_apart(SMALL, looks=(3, 0))
    assert taken.updates == 3
    run = Run(SMALL, torch.device("cpu"))
    for _ in range(3):
        run.step()
    cosines, norms = [], []
    for block in run.model.decoder.blocks:
        seen = []
        handle = block.feed_forward.register_forward_hook(
            lambda _, __, y, seen=seen: seen.append(y)
        )
        with torch.no_grad():
            run.model(held_out(run)[0])
        handle.remove()
        unit = torch.nn.functional.normalize(seen[0].flatten(0, 1), dim=1).double()
        pairs = (unit @ unit.T).numpy()
        cosines.append(pairs[~np.eye(len(pairs), dtype=bool)].mean())
        norms.append(np.linalg.norm(block.feed_forward.inner.weight.detach().numpy(), 2))
    assert taken.output_cosine == pytest.approx(np.mean(cosines), abs=1e-4)
    assert taken.matrix_norm == pytest.approx(np.mean(norms), rel=1e-5)


def test_the_stored_numbers_are_what_the_command_makes():
    (start,) = take_apart(replace(CONFIG, seed=2), looks=(0,))
    parts = load_collapse_parts()
    assert len(parts.rows) == len(SEEDS) * len(LOOKS)
    for name, number in start.numbers().items():
        assert parts.measured(name, 0)[2] == pytest.approx(number, rel=1e-3)


def test_the_norm_takes_more_and_the_branch_does_not_keep_up():
    """What chapter 07, section 5, says, in every one of the seeds."""
    parts = load_collapse_parts()

    def at(name, updates):
        return np.array(parts.measured(name, updates))

    assert (at("gradient, norm", 10) < 0.6 * at("gradient, norm", 0)).all()
    assert (at("gradient, together", 10) < 0.7).all()
    assert (abs(at("gradient, together", 0) - 1) < 0.06).all()
    assert (at("signal, branch", 10) > 2 * at("gradient, branch", 0)).all()
    assert (at("output_cosine", 3) > 0.85).all()
    assert (at("matrix_norm", 3) < 1.05 * at("matrix_norm", 0)).all()


def test_the_table_has_the_mean_and_its_standard_error():
    parts = load_collapse_parts()
    cells = parts.table().cells()
    assert [row[0] for row in cells] == ["0", "1", "3", "10"]
    values = parts.measured("gradient, together", 10)
    mean, error = (float(number) for number in cells[3][3].split(" ± "))
    assert mean == pytest.approx(np.mean(values), abs=0.01)
    assert error == pytest.approx(np.std(values, ddof=1) / np.sqrt(12), abs=0.005)
