"""What every picture says of itself: titles, labels, scales, legends and bands.

`figures.txt` beside this file has it for each picture of the course, and was read by eye.
"""

from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import matplotlib as mpl
import numpy as np
import pytest
import torch
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from test_explorers_of_the_course import EXPLORERS
from torch import nn

from normlab.chapters import backward, layer_norm, numerics, rms_norm
from normlab.chapters import beyond_transformers as beyond
from normlab.chapters import deepnorm as deep
from normlab.chapters import gradient_flow as flow
from normlab.chapters import norms_in_the_wild as wild
from normlab.chapters import residual_placement as residual
from normlab.chapters.beyond_transformers.figures import draw_own_cell, draw_own_graph_norm
from normlab.chapters.debate import defend_from_map, draw_defence
from normlab.chapters.debate.defence import Choice
from normlab.chapters.deepnorm.figures import draw_own_runs
from normlab.chapters.frameworks import (
    draw_differences,
    draw_worst_errors,
    load_audits,
    stored_comparison,
    worst_errors,
)
from normlab.chapters.gradient_flow import StackFlows, draw_flow
from normlab.chapters.gradient_flow.figures import draw_own_gradients
from normlab.chapters.gradient_flow.own_gradients import OwnGradients
from normlab.chapters.residual_placement.figures import draw_own_growth
from normlab.chapters.rms_norm.figures import draw_own_means, draw_own_row
from normlab.chapters.rms_norm.norm_times import NormTimes
from normlab.chapters.start_here.deep_figures import draw_own_norm
from normlab.chapters.start_here.deep_networks import LayerSizes
from normlab.chapters.warmup import (
    draw_deep_rates,
    draw_followed,
    draw_losses,
    draw_map,
    draw_rates,
    load_warmup_map,
)
from normlab.chapters.warmup.collapse import Followed, Look
from normlab.chapters.warmup.deep_rates import DeepRate, DeepRates
from normlab.chapters.warmup.run_figures import draw_own_warmup
from normlab.claims import Comparison, draw_calibration
from normlab.models import (
    StackSetting,
    Transformer,
    TransformerConfig,
    VisionTransformer,
    stack_profile,
)
from normlab.pictures import Explorer
from normlab.pictures.style import BAND, PLACEMENT_COLORS, STYLE
from normlab.probes import (
    DepthSweep,
    draw_decoder,
    draw_factors,
    draw_sweep,
    draw_token_cosine,
    profile_depth,
    random_batch,
    sublayer_factors,
)
from normlab.record import Bet
from normlab.tools.timing import Quartiles
from normlab.training import TrainConfig, TrainRecord

KNOWN = Path(__file__).with_name("figures.txt")
TINY = {"layers": 3, "d_model": 16, "seed": 0}
PRE_NORM = residual.stream_growth("pre-norm", init="xiong", **TINY)
SEVERAL = residual.average_growth([0, 1], "pre-norm", init="xiong", layers=3, d_model=16)
PROFILE = profile_depth(TransformerConfig(encoder_layers=2, d_model=16, d_ff=16), seed=0)
PATHS = backward.GradientPaths(*np.ones((3, 4)))
STEADY = Quartiles(1.0, 1.0, 1.0)
TIMES = {(library, n): STEADY for library in ("a", "b") for n in ("LayerNorm", "RMSNorm")}
NORM_TIMES = NormTimes("forward", (2, 4), "cpu", "a machine", TIMES, STEADY)
LEARNS = TrainRecord(TrainConfig(placement="deepnorm"), [0, 1], [3.0, 1.0], None, "", 1.0, 2.5, 1.0)
BURSTS = TrainRecord(TrainConfig(placement="none"), [0, 1], [3.0, 9.0], 1, "it rose", 1, 2.5, 9.0)
LOOKED = Followed(
    TrainConfig(placement="post-norm"), (Look(0, 1, 1, 1, 1, 1), Look(5, 1, 1, 1, 1, 1))
)
SMALL = TransformerConfig(encoder_layers=2, placement="post-norm", d_model=16, d_ff=16)
FACTORS = sublayer_factors(Transformer(SMALL, 0), random_batch(SMALL, 0).loss, seed=0)
STACK = stack_profile(StackSetting("post-norm", d_model=16, d_ff=16, tokens=4, batch=1), 8)
DEEP_RATES = DeepRates(
    [DeepRate("pre-norm", 12, rate, 0, 40, 40, 1, False) for rate in (1e-3, 1e-2)]
)
RUNS = beyond.load_recurrent_runs()
SHARES, ONES = np.ones((3, 50)) / 50, {"no norm": np.ones(3), "layer norm": np.ones(3)}
THREE = {name: np.array([1.0, 0.5]) for name in ("post-norm", "pre-norm", "deepnorm")}
GRADIENTS = OwnGradients(
    THREE, DepthSweep((2, 4), {name: values[None] for name, values in THREE.items()})
)
BETS = {25: Bet("wrong", 75, datetime(2026, 11, 24, tzinfo=UTC))}

# name: how many axes, and how they are drawn on
STATIC = {
    "shift": (2, lambda axes: layer_norm.draw_shift(layer_norm.shift_study(3.0, 2.0), axes)),
    "states": (2, lambda axes: layer_norm.draw_states({"a": np.zeros(3), "b": np.ones(3)}, axes)),
    "three paths": (1, backward.draw_three_paths),
    "gradient paths": (1, lambda ax: backward.draw_gradient_paths(PATHS, ax)),
    "scale sweep": (1, lambda ax: backward.draw_scale_sweep(backward.sweep_scales(), ax)),
    "spectra": (1, lambda ax: backward.draw_spectra(backward.jacobian_spectra(), ax)),
    "plane map": (2, lambda axes: backward.draw_plane_map(backward.two_feature_map(), axes)),
    "radius curves": (1, lambda ax: backward.draw_radius_curves(backward.radius_curves(), ax)),
    "gradient sweep": (
        1,
        lambda ax: numerics.draw_gradient_sweep(numerics.gradient_sweep([1, 1e-3]), ax),
    ),
    "variance errors": (
        1,
        lambda ax: numerics.draw_variance_errors(
            numerics.variance_sweep(np.float32, [0.0, 1e3], rows=5), ax
        ),
    ),
    "variance counts": (
        1,
        lambda ax: numerics.draw_variance_counts(np.zeros(3), np.ones(3), ax),
    ),
    "error sweep": (1, lambda ax: numerics.draw_error_sweep(numerics.error_sweep([1, 1e3]), ax)),
    "digit ladder": (
        1,
        lambda ax: numerics.draw_digit_ladder(numerics.digit_ladder([9999, 10001]), ax),
    ),
    "number lines": (
        1,
        lambda ax: numerics.draw_number_lines(numerics.number_lines(1000, 1048), ax, enlarged=1024),
    ),
    "ranges": (1, lambda ax: numerics.draw_ranges(numerics.number_lines(1000, 1048), ax)),
    "gradient sums": (
        1,
        lambda ax: numerics.draw_gradient_sums(numerics.gradient_sums([8, 64]), ax),
    ),
    "batch rows": (
        1,
        lambda ax: numerics.draw_batch_rows(numerics.batch_rows(counts=[1], features=8), ax),
    ),
    "mean shares": (
        1,
        lambda ax: rms_norm.draw_mean_shares(rms_norm.sweep_mean_share([16, 64]), ax),
    ),
    "invariance table": (
        1,
        lambda ax: rms_norm.draw_invariance_table(rms_norm.invariance_table(), ax),
    ),
    "costs": (
        3,
        lambda axes: rms_norm.draw_costs(
            [rms_norm.norm_cost(*k) for k in rms_norm.OPERATIONS], axes
        ),
    ),
    "run times": (
        1,
        lambda ax: rms_norm.draw_run_times(rms_norm.RUN_TIMES, ax, claimed=(0.15, 0.2)),
    ),
    "norm times": (1, lambda ax: rms_norm.draw_norm_times(NORM_TIMES, ax)),
    "gpu races": (2, lambda axes: rms_norm.draw_gpu_races((), axes)),
    "fewer": (
        1,
        lambda ax: rms_norm.draw_fewer(
            rms_norm.what_fewer_could_mean(), ax, claimed=rms_norm.CLAIMED
        ),
    ),
    "stream means": (
        1,
        lambda ax: rms_norm.draw_stream_means(rms_norm.load_stream_means(), ax),
    ),
    "stored gains": (
        2,
        lambda axes: rms_norm.draw_stored_gains(rms_norm.stored_gains(count=100), axes),
    ),
    "growth": (1, lambda ax: residual.draw_growth([PRE_NORM, PRE_NORM], ax)),
    "initial losses": (
        1,
        lambda ax: residual.draw_initial_losses(residual.initial_losses([1, 2], seeds=[0, 1]), ax),
    ),
    "placement": (1, lambda ax: residual.draw_placement("pre-norm", ax)),
    "growth of several": (1, lambda ax: residual.draw_growth([SEVERAL], ax)),
    "change": (
        1,
        lambda ax: residual.draw_change([PRE_NORM, residual.stream_growth("rezero", **TINY)], ax),
    ),
    "sweep": (
        1,
        lambda ax: draw_sweep(
            DepthSweep((2, 4), {"a": np.array([[1.0, 2]])}), ax, {"a": np.ones(2)}, "y"
        ),
    ),
    "gradients": (1, lambda ax: flow.draw_gradients({"post-norm": [STACK, STACK]}, ax)),
    "spread": (2, lambda axes: flow.draw_spread(flow.load_sweep("at the input"), axes)),
    "weight gradients": (
        2,
        lambda axes: flow.draw_weight_gradients({"post-norm": [STACK, STACK]}, axes),
    ),
    "factors": (2, lambda axes: draw_factors({"before": FACTORS, "after": FACTORS}, axes)),
    "decoder": (1, lambda ax: draw_decoder({"encoder": PROFILE, "decoder": PROFILE}, ax)),
    "token cosine": (1, lambda ax: draw_token_cosine({"pre-norm": PROFILE, "none": PROFILE}, ax)),
    "rates": (1, lambda ax: draw_rates({0: [1, 1], 4: [0, 1]}, ax)),
    "losses": (1, lambda ax: draw_losses([LEARNS, BURSTS], ax)),
    "collapse": (2, lambda axes: draw_followed([LOOKED], axes)),
    "deep rates": (
        2,
        lambda axes: draw_deep_rates(DEEP_RATES, axes, (30, 90)),
    ),
    "map": (1, lambda ax: draw_map(load_warmup_map(), ax, "post-norm", 6)),
    "constants": (2, lambda axes: deep.draw_constants(deep.constants_by_depth([6, 12]), axes)),
    "bound": (
        1,
        lambda ax: deep.draw_bound(deep.load_updates("sgd", 5e-4), ax, ("post-norm", "DeepNorm")),
    ),
    "two shares": (
        2,
        lambda axes: deep.draw_two_shares(
            deep.load_updates("sgd", 5e-4), axes, ("post-norm", "DeepNorm")
        ),
    ),
    "followed changes": (
        2,
        lambda axes: deep.draw_followed_changes(
            deep.load_followed_changes(), axes, [("post-norm", 16), ("DeepNorm", 1)]
        ),
    ),
    "shares": (1, lambda ax: deep.draw_shares(deep.split_streams(["α only"], seeds=1), [ax])),
    "deep runs": (1, lambda ax: deep.draw_deep_runs({"deepnorm": LEARNS, "none": BURSTS}, ax)),
    "rate grid": (1, lambda ax: beyond.draw_rate_grid(RUNS, ax, "adding")),
    "accuracy": (1, lambda ax: beyond.draw_accuracy(beyond.load_accuracy_by_depth(), ax)),
    "patches": (
        2,
        lambda axes: beyond.draw_patches(beyond.digits().test_images[:2], axes, patch=2),
    ),
    "vision transformer": (
        1,
        lambda ax: beyond.draw_vision_transformer(
            VisionTransformer(seed=0, layers=2), torch.zeros(1, 8, 8), ax
        ),
    ),
    "branch sizes": (
        1,
        lambda ax: residual.draw_branch_sizes([residual.branch_sizes("gpt2", widths=[32, 64])], ax),
    ),
    "unrolled cell": (1, beyond.draw_unrolled_cell),
    "shared means": (3, lambda axes: beyond.draw_shared_means(beyond.shared_means(), axes)),
    "differences": (1, lambda ax: draw_differences(stored_comparison(), ax)),
    "worst errors": (1, lambda ax: draw_worst_errors(worst_errors(load_audits()), ax)),
    "logit sizes": (2, lambda axes: wild.draw_logit_sizes(wild.logit_sizes([1.0, 3.0]), axes)),
    "streams": (
        1,
        lambda ax: wild.draw_streams(
            PRE_NORM, PRE_NORM, PRE_NORM, wild.divided_growth(PRE_NORM), ax
        ),
    ),
    "scale response": (
        1,
        lambda ax: wild.draw_scale_response(
            wild.scale_response([1.0, 2.0], {"x": nn.Identity()}), ax
        ),
    ),
    "own norm": (
        2,
        lambda axes: draw_own_norm(
            LayerSizes({"no norm": SHARES, "layer norm": SHARES}, ONES), axes
        ),
    ),
    "own row": (1, lambda ax: draw_own_row(rms_norm.invariance_table(), ax)),
    "own means": (1, lambda ax: draw_own_means(rms_norm.load_stream_means(), ax)),
    "own growth": (1, lambda ax: draw_own_growth([PRE_NORM, PRE_NORM, PRE_NORM], ax)),
    "own gradients": (2, lambda axes: draw_own_gradients(GRADIENTS, axes)),
    "own warmup": (2, lambda axes: draw_own_warmup(({0: [1, 1]}, [LEARNS, BURSTS]), axes)),
    "own deepnorm": (1, lambda ax: draw_own_runs({"deepnorm": LEARNS, "none": BURSTS}, ax)),
    "own graph norm": (2, lambda axes: draw_own_graph_norm(beyond.smoothing(depth=8), axes)),
    "own cell": (1, lambda ax: draw_own_cell(RUNS, ax)),
    "calibration": (1, lambda ax: draw_calibration(Comparison({}, BETS), ax)),
    "defence": (2, lambda axes: draw_defence(defend_from_map(Choice("deepnorm"), 12, 0, 1), axes)),
}


def drawn(count, draw):
    """The axes of a new figure on which `draw` has drawn."""
    with mpl.rc_context(STYLE):
        axes = Figure().subplots(1, count)
        draw(axes)
    return [axes] if count == 1 else list(axes)


def without_frames(name):
    """An explorer that has drawn nothing yet."""
    with patch.object(Explorer, "_fill", lambda *_: iter(())):
        return EXPLORERS[name]()


def frame_of(explorer):
    """The axes of an explorer's first frame."""
    scene = explorer._scene
    data = scene.compute(**{n: c.values[c.start] for n, c in explorer._settings.items()})
    page = {name: control.values[control.start] for name, control in explorer._pages.items()}
    return drawn(scene.columns * scene.rows, lambda axes: scene.draw(data, axes, **page))


def said(ax):
    """What axes say: title, labels and scales, the legend with colours, and filled areas."""
    title = ax.get_title(loc="left") or ax.get_title()
    scales = f"x {ax.get_xscale()} {ax.get_xlabel()!r}, y {ax.get_yscale()} {ax.get_ylabel()!r}"
    _, labels = ax.get_legend_handles_labels()
    if ax.get_legend():
        labels = [text.get_text() for text in ax.get_legend().get_texts()]
    areas = [a for a in ax.get_children() if isinstance(a, PolyCollection)]
    spans = [p for p in ax.patches if isinstance(p, Rectangle) and p not in bars_of(ax)]
    shown = "legend" if ax.get_legend() else "no legend"
    return f"{title!r}: {scales}; {shown} {labels}; {len(areas) + len(spans)} filled areas"


def bars_of(ax):
    return [bar for container in ax.containers for bar in container]


def all_said():
    """A line for each axes of each picture."""
    pictures = {name: drawn(*how) for name, how in STATIC.items()}
    pictures |= {name: frame_of(without_frames(name)) for name in sorted(EXPLORERS)}
    return [
        f"{name} {i}: {said(ax)}" for name, axes in pictures.items() for i, ax in enumerate(axes)
    ]


def test_every_picture_says_what_it_said_when_it_was_read(tmp_path):
    now = tmp_path / "figures.txt"
    now.write_text("".join(f"{line}\n" for line in all_said()), encoding="utf-8")
    was, new = (path.read_text(encoding="utf-8").splitlines() for path in (KNOWN, now))
    assert new == was, f"read what differs; if it is meant: cp {now} {KNOWN}"


def ends(area):
    """(x, lower end, upper end) of what `fill_between` filled, each once and by x."""
    vertices = np.unique(area.get_paths()[0].vertices, axis=0)
    xs = np.unique(vertices[:, 0])
    rows = [vertices[vertices[:, 0] == x, 1] for x in xs]
    return xs, np.array([row.min() for row in rows]), np.array([row.max() for row in rows])


def test_the_band_of_lemma_2_goes_from_half_a_layer_to_three_halves():
    (ax,) = drawn(*STATIC["growth"])
    layers, low, high = ends(ax.collections[0])
    np.testing.assert_array_equal(layers, np.arange(4))
    np.testing.assert_allclose(low, 1 + layers / 2)
    np.testing.assert_allclose(high, 1 + 3 * layers / 2)


def test_the_shade_of_a_flow_lies_between_theorys_two_ends():
    sizes = {"init": "xiong", "d_model": 16, "d_ff": 32, "batch": 1}
    names = ("post-norm", "pre-norm")
    flows = StackFlows([StackSetting(name, **sizes) for name in names])
    left, right = drawn(2, lambda axes: draw_flow(flows, axes, depth=8))
    for shade, name in enumerate(names):
        theory = flows.at(8)[name].theory
        for ax, ends_of in (
            (left, [theory.unlike.mean_square, theory.alike.mean_square]),
            (right, [10**theory.unlike.log10_gradient, 10**theory.alike.log10_gradient]),
        ):
            depths, low, high = ends(ax.collections[shade])
            shown = [e[depths.astype(int)] for e in ends_of]
            np.testing.assert_allclose(low, np.minimum(*shown))
            np.testing.assert_allclose(high, np.maximum(*shown))
            color = to_rgba(PLACEMENT_COLORS[name], alpha=BAND)
            np.testing.assert_allclose(ax.collections[shade].get_facecolor()[0], color)


def spans(ax):
    """(x0, x1, y0, y1) of each rectangle that is no bar."""
    found = [p for p in ax.patches if isinstance(p, Rectangle) and p not in bars_of(ax)]
    return [
        (p.get_x(), p.get_x() + p.get_width(), p.get_y(), p.get_y() + p.get_height()) for p in found
    ]


def test_the_seeds_15_to_20_percent_are_hatched_from_15_to_20():
    (ax,) = drawn(*STATIC["run times"])
    (span,) = spans(ax)
    assert span[:2] == pytest.approx((15, 20))


def test_negative_variances_are_shaded_up_to_zero():
    _, ax = frame_of(without_frames("explore_variance"))
    (span,) = spans(ax)
    assert span[1] == 0
    assert span[0] <= ax.get_xlim()[0]
