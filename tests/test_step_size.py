"""The step of a central difference: what the formula sees, and how far it is off."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from normlab.chapters.numerics.explorers import explore_step_size
from normlab.chapters.numerics.step_figures import describe_step_sweep, draw_step_sweep
from normlab.chapters.numerics.step_size import sweep_steps


@pytest.mark.parametrize(
    ("dtype", "turn", "end", "least"),
    [("float64", 1e-4, 1e-14, 1e-9), ("float32", 1e-1, 1e-6, 1e-4)],
)
def test_the_error_follows_h_squared_then_one_over_h(dtype, turn, end, least):
    sweep = sweep_steps(dtype)
    assert sweep.slope(1, turn) == pytest.approx(2, abs=0.05)
    assert sweep.slope(turn / 100, end) == pytest.approx(-1, abs=0.05)
    step, error = sweep.best()
    assert error < least
    assert 0.1 < step / np.finfo(dtype).eps ** (1 / 3) < 10


def test_the_picture_of_a_step_shows_two_points_and_marks_its_error():
    data = sweep_steps()
    left, right = Figure().subplots(1, 2)
    draw_step_sweep(data, (left, right), step=1e-3)
    ends = left.lines[-1].get_ydata()
    np.testing.assert_allclose((ends[1] - ends[0]) / 2, data.gradient[data.steepest], rtol=1e-5)
    curve, marked = right.lines[0], right.lines[-1]
    np.testing.assert_array_equal(curve.get_ydata(), data.errors)
    assert marked.get_ydata()[0] == data.errors[6]


def test_the_step_explorer_says_how_far_off_each_step_is():
    explorer = explore_step_size()
    assert len(explorer.frames) == 31
    assert explorer.sentence() == describe_step_sweep(sweep_steps(), step=1.0)[0]
    assert "h = 1 miss the gradient by 3e-02" in explorer.sentence()
    explorer.request = {"id": 1, "settings": {"dtype": 1}}
    assert explorer.sentence().startswith("In float32")
