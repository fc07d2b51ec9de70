"""Chapter 08's numbers: constants, stored updates, and Theorem 4.2 beside what is measured."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from normlab.chapters.deepnorm.bounds import bounded_update, shortcut_gain
from normlab.chapters.deepnorm.constants import constants_by_depth
from normlab.chapters.deepnorm.explorers import explore_deepnorm
from normlab.chapters.deepnorm.figures import draw_constants
from normlab.chapters.deepnorm.one_step import predicted_slope, study_config
from normlab.chapters.deepnorm.one_step_runs import (
    DEPTHS,
    LEARNING_RATES,
    SEEDS,
    load_updates,
    measure_update,
    write_updates,
)
from normlab.chapters.deepnorm.update_figures import (
    VARIANT_LOOKS,
    draw_bound,
    draw_two_shares,
    draw_update,
)
from normlab.models.placement.deepnorm_variants import DEEPNORM_VARIANTS
from normlab.models.transformer import Transformer

# What the course measured before: SGD, sign. Where gradients are amplified, the slope goes with
# the size of the step (it saturates near √2) and the seeds, so these are held to 0.25 only.
BEFORE = {
    "post-norm": (0.76, 0.99, 0.25),
    "DeepNorm": (-0.02, 0.46, 0.05),
    "α only": (0.85, 0.99, 0.25),
    "β only": (0.51, 0.73, 0.05),
    "α on the branch": (1.17, 1.17, 0.15),
    "GLM-130B": (-1.02, -0.04, 0.05),
    "pre-norm": (0.61, 0.76, 0.25),
}
TRAINING = {rule: load_updates(rule, rates[0]) for rule, rates in LEARNING_RATES.items()}
SMALL = {rule: load_updates(rule, rates[1]) for rule, rates in LEARNING_RATES.items()}


def test_the_constants_are_the_papers():
    constants = constants_by_depth([12, 96, 500])
    one = [[round(c, 4) for c in pair] for pair in constants.constants["one stack"]]
    assert one[:2] == [[2.2134, 0.3195], [3.7224, 0.19]]
    np.testing.assert_allclose(constants.constants["encoder of two"][2], [5.648, 0.1248], rtol=1e-3)
    np.testing.assert_allclose(constants.constants["decoder of two"][2], [6.223, 0.1136], rtol=1e-3)
    assert len(constants.table().rows) == 3


@pytest.mark.parametrize("variant", BEFORE)
@pytest.mark.parametrize("column", [0, 1])
def test_the_stored_slopes_are_those_measured_before(variant, column):
    *slopes, tolerance = BEFORE[variant]
    found = TRAINING[["sgd", "sign"][column]].slope(variant)
    assert found == pytest.approx(slopes[column], abs=tolerance)


def test_deepnorm_moves_as_far_at_64_layers_as_at_2():
    relative = TRAINING["sgd"].relative["DeepNorm"]
    np.testing.assert_allclose(relative[[0, -1]], [0.0057, 0.0054], rtol=0.15)  # three seeds
    np.testing.assert_allclose(relative, relative[0], rtol=0.1)


@pytest.mark.parametrize("rule", ["sgd", "sign"])
def test_the_stored_slopes_of_the_controlled_variants_are_the_theorys(rule):
    for variant in ("DeepNorm", "β only", "GLM-130B", "β on q and k"):
        for sweep in (TRAINING[rule], SMALL[rule]):
            theory = predicted_slope(variant, rule)
            assert sweep.slope(variant) == pytest.approx(theory, abs=0.06)


@pytest.mark.parametrize(
    "run", [("DeepNorm", "sgd", 0.05, 8, 1), ("post-norm", "sign", 5e-6, 4, 2)]
)
def test_a_stored_run_comes_out_again(run):
    variant, rule, rate, layers, seed = run
    row = measure_update(variant, rule, rate, layers, [seed])
    sweep = load_updates(rule, rate)
    place = list(sweep.depths).index(layers)
    stored = {
        "relative": sweep.changes, "bound": sweep.sums,
        "effect": sweep.effects, "moved": sweep.moves,
    }  # fmt: skip
    for column, values in stored.items():
        assert float(row[column]) == pytest.approx(values.measured[variant][seed, place], rel=1e-3)


@pytest.mark.parametrize("sweep", [*TRAINING.values(), *SMALL.values()])
def test_twelve_seeds_are_stored_and_the_sum_is_the_product_of_its_shares(sweep):
    sub_layers = 2 * np.array(sweep.depths)
    for variant, sums in sweep.sums.measured.items():
        assert sums.shape == (len(SEEDS), len(DEPTHS)) == (12, 6)
        product = sub_layers * sweep.effects.measured[variant] * sweep.moves.measured[variant]
        np.testing.assert_allclose(product, sums, rtol=2e-3)


def test_alpha_and_beta_each_take_half_of_the_power_from_both_shares():
    small = SMALL["sgd"]
    for variant, power in (("DeepNorm", -0.5), ("β only", -0.25)):
        for share in (small.effects, small.moves_by_rate):
            assert share.slope(variant) == pytest.approx(power, abs=0.03)
    assert small.effects.slope("α only") == pytest.approx(-0.25, abs=0.03)
    assert small.moves_by_rate.slope("α only") > -0.2  # its gradients grow on their way down


def test_results_are_written_whole_and_name_what_made_them(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "normlab.chapters.deepnorm.one_step_runs.DEEPNORM_VARIANTS", {"DeepNorm": None}
    )
    write_updates(tmp_path / "new.csv", depths=[1], seeds=[0])
    assert [p.name for p in tmp_path.iterdir()] == ["new.csv"]
    header, *rows = (tmp_path / "new.csv").read_text().splitlines()
    assert len(rows) == 4
    assert {"seed", "started", "normlab", "torch", "numpy", "python"} <= set(header.split(","))


def test_with_a_sign_step_glm_is_flat_and_deepnorm_grows_like_the_root_of_the_depth():
    assert abs(TRAINING["sign"].slope("GLM-130B")) < 0.1
    assert TRAINING["sign"].slope("DeepNorm") == pytest.approx(0.5, abs=0.1)
    assert TRAINING["sgd"].slope("GLM-130B") == pytest.approx(-1, abs=0.1)


def test_sgd_moves_the_weights_in_proportion_to_its_rate():
    small, training = (sweeps["sgd"].moves_by_rate.measured for sweeps in (SMALL, TRAINING))
    gradients = SMALL["sgd"].moves.measured["post-norm"] / 5e-4
    np.testing.assert_allclose(small["post-norm"], gradients)
    np.testing.assert_allclose(training["post-norm"], gradients, rtol=2e-3)


def test_a_ratio_is_said_with_no_digit_more_than_its_error_has():
    assert SMALL["sgd"].said_ratio("β on q and k", 64) == "0.966 ± 0.003"
    assert SMALL["sgd"].said_ratio("post-norm", 64) == "6,000 ± 2,000"
    with pytest.raises(ValueError, match="3"):
        SMALL["sgd"].said_ratio("post-norm", 3)


def test_beta_on_queries_and_keys_hardly_changes_a_step():
    ratio = SMALL["sgd"].relative["β on q and k"] / SMALL["sgd"].relative["DeepNorm"]
    np.testing.assert_allclose(ratio, 1, atol=0.1)


def test_a_step_that_was_not_stored_is_named():
    with pytest.raises(ValueError, match=r"nothing is stored for rule 'sgd' with learning rate 1"):
        load_updates("sgd", 1.0)


@pytest.mark.parametrize("layers", [4, 32])
def test_alpha_is_read_off_the_code(layers):
    def gain(variant):
        return shortcut_gain(study_config(variant, layers))

    alpha = (2 * layers) ** 0.25
    assert gain("DeepNorm") == pytest.approx(alpha)
    assert gain("α on the branch") == pytest.approx(1 / alpha)
    assert gain("GLM-130B") == pytest.approx((2 * layers) ** 0.5)
    assert gain("β only") == gain("post-norm") == 1
    assert np.isnan(gain("pre-norm"))


def test_the_theorem_bounds_deepnorms_update_by_the_same_factor_at_every_depth():
    for sweep in (TRAINING["sgd"], SMALL["sgd"]):
        ratio = sweep.ratios.values["DeepNorm"]
        assert (ratio > 1).all()
        np.testing.assert_allclose(ratio, ratio.mean(), rtol=0.1)


def test_post_norms_update_outgrows_the_sum_of_the_theorem():
    # the theorem takes for granted that later layers hand on this step's changes as they are
    ratio = SMALL["sgd"].ratios.values["post-norm"]
    assert ratio[0] > 1 > ratio[-1]


def test_the_bound_is_the_formula_for_one_layer():
    config = replace(study_config("DeepNorm", 1), d_model=8, d_ff=8)
    step, block = bounded_update(config, seed=0), Transformer(config, seed=0).encoder.blocks[0]
    attention, ffn = block.attention, block.feed_forward
    by_name = {name.split(".")[-2]: c for name, c in step.update.weight_changes.items()}
    want = 0
    for v, w, names in [
        (attention.value, attention.output, ("value", "output")),
        (ffn.inner, ffn.outer, ("inner", "outer")),
    ]:
        largest = [np.linalg.svd(m.weight.detach().numpy())[1][0] for m in (v, w)]
        want += np.hypot(*largest) / 2**0.25 * np.hypot(*(by_name[name] for name in names))
    assert step.bound == pytest.approx(want, rel=1e-5)
    assert len(step.table().rows) == 1


def test_the_picture_has_every_variant_and_the_theorys_line():
    ax = Figure().subplots()
    draw_update(TRAINING["sgd"], ax, variant="GLM-130B", layers=8)
    lines = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(
        lines["GLM-130B"].get_ydata(), TRAINING["sgd"].relative["GLM-130B"]
    )
    (band,) = ax.collections
    low, high = (edge[-1] for edge in TRAINING["sgd"].changes.band("GLM-130B"))
    at_64 = [y for x, y in band.get_paths()[0].vertices if x == 64]
    assert (min(at_64), max(at_64)) == pytest.approx((low, high))
    theory = lines["theory, slope -1.00"].get_ydata()
    assert theory[-1] / theory[0] == pytest.approx(DEPTHS[0] / DEPTHS[-1])
    assert set(VARIANT_LOOKS) == set(DEEPNORM_VARIANTS)
    assert len(set(VARIANT_LOOKS.values())) == len(VARIANT_LOOKS)
    low, high = ax.get_ylim()
    for values in TRAINING["sgd"].relative.values():
        assert low < values.min() < values.max() < high


def test_each_line_has_its_name_at_its_right_end_and_no_two_names_touch():
    ax = Figure().subplots()
    for rule, sweeps in (("sgd", TRAINING), ("sgd", SMALL), ("sign", TRAINING), ("sign", SMALL)):
        ax.clear()
        draw_update(sweeps[rule], ax, variant="β only", layers=8)
        names = {text.get_text(): text for text in ax.texts}
        assert set(names) == {name.replace("β", "β_w") for name in DEEPNORM_VARIANTS}
        heights = np.log10(sorted(text.get_position()[1] for text in names.values()))
        low, high = np.log10(ax.get_ylim())
        assert np.diff(heights).min() > 0.04 * (high - low)
        assert low < heights[0] < heights[-1] < high
        assert [n for n, text in names.items() if text.get_weight() == "bold"] == ["β_w only"]


def test_the_pictures_have_the_shares_and_their_slopes():
    axes = Figure().subplots(1, 2)
    draw_two_shares(SMALL["sgd"], axes, ("post-norm", "DeepNorm"))
    for ax, share in zip(axes, (SMALL["sgd"].moves_by_rate, SMALL["sgd"].effects), strict=True):
        lines = {line.get_label(): line for line in ax.lines}
        assert share.said_slope("DeepNorm").startswith("-0.50")
        np.testing.assert_array_equal(
            lines[f"DeepNorm: {share.said_slope('DeepNorm')}"].get_ydata(), share.values["DeepNorm"]
        )


def test_bounds_and_constants_can_be_drawn():
    figure = Figure()
    left, middle, right = figure.subplots(1, 3)
    draw_bound(SMALL["sgd"], left, ("post-norm", "DeepNorm"))
    assert left.lines[0].get_ydata()[-1] < 1 < left.lines[1].get_ydata()[-1]
    constants = constants_by_depth([6, 100])
    draw_constants(constants, (middle, right))
    assert middle.lines[0].get_ydata()[1] == constants.constants["one stack"][1][0]
    assert right.lines[2].get_ydata()[0] == constants.constants["decoder of two"][0][1]


def test_the_explorer_says_what_the_step_does():
    explorer = explore_deepnorm()
    assert len(explorer.frames) == len(DEPTHS) * len(DEEPNORM_VARIANTS) == 60
    assert "DeepNorm, 64 layers, one SGD step" in explorer.sentence()
    assert "the slope is -0.008 ± 0.006, and theory says 0.00" in explorer.sentence()
