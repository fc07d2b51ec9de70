"""Chapter 06's stored sweeps: made again they are the same, and they say what the text says."""

import numpy as np
import pytest

from normlab.chapters.gradient_flow import (
    draw_gradients,
    draw_spread,
    draw_weight_gradients,
    load_sweep,
    root_mean_square,
)
from normlab.chapters.gradient_flow.gradient_sweeps import SWEEPS, last_gradient
from normlab.models import StackSetting, stack_profile
from normlab.pictures import new_figure

SMALL = {"d_model": 16, "d_ff": 32, "heads": 2, "tokens": 4, "batch": 1}


@pytest.mark.parametrize("what", SWEEPS)
def test_a_stored_sweep_is_what_its_measures_give(what):
    depths, seeds, measures = SWEEPS[what]
    stored = load_sweep(what)
    assert tuple(stored.depths) == depths
    assert list(stored.measured) == list(measures)
    for name, measure in measures.items():
        assert stored.measured[name].shape == (len(seeds), len(depths))
        assert stored.measured[name][3, 0] == pytest.approx(measure(depths[0], 3), rel=2e-3)


def test_what_is_not_stored_is_refused():
    with pytest.raises(ValueError, match="nothing is stored as 'first'; expected one of last"):
        load_sweep("first")


def test_theory_lies_within_four_standard_errors_of_a_wide_stack():
    """Theorem 1 of Xiong et al. with 1 + 3L/2; post-norm is flat."""
    sweep = load_sweep("last layer")
    depths = np.array(sweep.depths)
    slope = np.polyfit(np.log(depths), -0.5 * np.log(1 + 1.5 * depths), 1)[0]
    error = sweep.slope_error("pre-norm, 1 token")
    assert sweep.slope("pre-norm, 1 token") == pytest.approx(slope, abs=4 * error)
    assert abs(sweep.slope("post-norm, 16 tokens")) < 4 * sweep.slope_error("post-norm, 16 tokens")
    others = [last_gradient("post-norm", 16, layers=4, seed=seed) for seed in range(20, 32)]
    assert np.mean(others) == pytest.approx(8 / np.sqrt(1.5), rel=0.1)


def test_the_logarithm_drifts_down_and_less_in_a_wide_stack():
    logs = {name: np.log10(v[:, 0]) for name, v in load_sweep("at the input").measured.items()}
    narrow, wide = logs["D = 32"], logs["D = 128"]
    for drifted in (narrow, wide):
        assert drifted.mean() < -3 * drifted.std() / np.sqrt(len(drifted))
    assert narrow.std() / wide.std() == pytest.approx(2, abs=0.3)
    assert root_mean_square(10**narrow) > 1


def test_the_pictures_show_medians_bands_and_means():
    settings = [StackSetting("post-norm", **SMALL, seed=seed) for seed in range(3)]
    profiles = [stack_profile(setting, 6) for setting in settings]
    logs = np.array([profile.log10_gradient for profile in profiles])
    _, ax = new_figure()
    draw_gradients({"post-norm": profiles}, ax)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 10 ** np.median(logs, 0))
    edges = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert edges.min() == pytest.approx(10 ** logs.min())
    assert edges.max() == pytest.approx(10 ** logs.max())

    _, axes = new_figure(2)
    draw_weight_gradients({"post-norm": profiles}, axes)
    queries = np.array([profile.log10_weight_gradient["W_q"] for profile in profiles])
    want = 10 ** (queries - queries[:, :1]).mean(0)
    np.testing.assert_allclose(axes[1].lines[0].get_ydata(), want)

    _, axes = new_figure(2)
    draw_spread(load_sweep("at the input"), axes)
    assert sum(bar.get_height() for bar in axes[0].patches) == 160
