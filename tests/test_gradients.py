import numpy as np
import pytest
from matplotlib.figure import Figure

from normlab.chapters.backward.explorers import explore_upstream
from normlab.chapters.backward.figures import (
    describe_turned_upstream,
    draw_gradient_paths,
    draw_scale_sweep,
    draw_three_paths,
    draw_turned_upstream,
)
from normlab.chapters.backward.upstream import (
    GradientPaths,
    sweep_scales,
    turned_upstream,
)
from normlab.norms import layer_norm, layer_norm_backward
from normlab.norms.differences import finite_difference_gradient, relative_error


def axes(columns=1):
    return Figure().subplots(1, columns)


def test_central_differences_are_exact_for_a_square_and_keep_shape_and_dtype():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    before = x.copy()
    gradient = finite_difference_gradient(lambda x: float((x**2).sum()), x, 0.5)
    np.testing.assert_array_equal(gradient, 2 * x)
    assert gradient.dtype == np.float32
    np.testing.assert_array_equal(x, before)


def test_central_differences_take_a_single_number():
    assert finite_difference_gradient(lambda v: float(v**3), np.float64(2), 1e-4) == pytest.approx(
        12
    )


def test_central_differences_refuse_whole_numbers_and_a_step_of_zero():
    with pytest.raises(ValueError, match=r"dtype int64.*astype"):
        finite_difference_gradient(lambda x: 0.0, np.arange(3), 1e-5)
    with pytest.raises(ValueError, match="step is 0"):
        finite_difference_gradient(lambda x: 0.0, np.ones(3), 0)


def test_central_differences_agree_with_the_backward_pass_of_layer_norm():
    rng = np.random.default_rng(5)
    x, dy, gamma = rng.standard_normal((3, 7)), rng.standard_normal((3, 7)), rng.standard_normal(7)
    estimate = finite_difference_gradient(
        lambda x: float((dy * layer_norm(x, gamma)).sum()), x, 1e-5
    )
    assert relative_error(estimate, layer_norm_backward(dy, x, gamma)[0]) < 1e-8


def test_the_three_paths_add_to_the_backward_pass():
    x, dy, gamma = np.random.default_rng(2).standard_normal((3, 9))
    sigma = np.sqrt(x.var() + 1e-5)
    centered, dx_hat = x - x.mean(), dy * gamma
    dvar = -(dx_hat @ centered) / (2 * sigma**3)  # (D,) @ (D,) -> ()
    paths = GradientPaths(
        dx_hat / sigma, dvar * 2 * centered / 9, np.full(9, -dx_hat.sum() / sigma / 9)
    )
    assert relative_error(paths.total, layer_norm_backward(dy, x, gamma)[0]) < 1e-14


@pytest.mark.parametrize("eps", [0.0, 1e-5, 1.0])
def test_the_gradient_sums_to_zero_and_leaks_along_the_token_in_proportion_to_epsilon(eps):
    x, dy = np.random.default_rng(3).standard_normal((2, 9))
    dx, _, _ = layer_norm_backward(dy, x, eps=eps)
    centered = x - x.mean()
    assert abs(dx.sum()) < 1e-14
    leak = eps / np.sqrt(x.var() + eps) ** 3 * (dy @ centered)  # (D,) @ (D,) -> ()
    assert dx @ centered == pytest.approx(leak, abs=1e-14)


def test_turned_upstream_has_orthonormal_axes_and_length_root_d():
    data = turned_upstream()
    np.testing.assert_allclose(data.axes @ data.axes.T, np.eye(3), atol=1e-14)
    for angle in (0, 30, 90, 120, 180):
        assert np.linalg.norm(data.upstream(angle)) == pytest.approx(np.sqrt(8))
    np.testing.assert_allclose(data.upstream(0), 1)
    np.testing.assert_allclose(data.upstream(180), data.x, atol=1e-12)


def test_layer_norm_removes_two_directions_and_rms_norm_one():
    for norm, passed in (("LayerNorm", [0, 1, 0]), ("RMSNorm", [1, 1, 0])):
        data = turned_upstream(norm, eps=0)
        for angle, length in zip((0, 90, 180), passed, strict=True):
            dx = data.gradient(angle, scale=2)
            assert np.linalg.norm(dx) == pytest.approx(length * np.sqrt(8) / 2, abs=1e-12)


def test_epsilon_lets_a_known_part_along_x_hat_through():
    data = turned_upstream(eps=1)
    leaked = np.linalg.norm(data.gradient(180, scale=1)) / np.sqrt(8)
    assert leaked == pytest.approx(1 / 2 / np.sqrt(2))  # ε/(σ² + ε)/σ_ε with σ² = ε = 1


def test_the_gradient_is_inversely_proportional_to_the_scale_until_epsilon_rules():
    sweep = sweep_scales(epsilons=(1e-5, 1e-3))
    assert sweep.slope(1e-5, 0.1) == pytest.approx(-1, abs=1e-3)
    for eps, lengths in sweep.lengths.items():
        assert lengths[0] / np.sqrt(sweep.features) == pytest.approx(eps**-0.5, rel=0.02)
    assert [row[0] for row in sweep.table().rows][::4] == ["0.0001", "1", "10000"]


def test_the_picture_of_the_paths_adds_up():
    paths = GradientPaths(np.array([1.0, 2.0]), np.array([0.5, -0.5]), np.array([-0.2, -0.2]))
    ax = axes()
    draw_gradient_paths(paths, ax)
    heights = np.array([bar.get_height() for bar in ax.patches]).reshape(3, 2)
    np.testing.assert_allclose(heights.sum(0), ax.lines[0].get_ydata())  # (3, 2) -> (2,)


def test_the_graph_names_every_node_and_edge():
    ax = axes()
    draw_three_paths(ax)
    texts = [text.get_text() for text in ax.texts]
    assert {"$x_i$", r"$\mu$", "Var", r"$\mathcal{L}$", r"$1/\sigma_\varepsilon$"} <= set(texts)


@pytest.mark.parametrize(
    ("path", "edges"), [("", 16), ("direct", 7), ("through Var", 10), ("through μ", 10)]
)
def test_one_path_is_shown_and_the_others_are_faint(path, edges):
    # one edge to x̂ᵢ or one to a statistic and three from it; six behind x̂; one from μ to Var
    ax = axes()
    draw_three_paths(ax, path)
    arrows = [text.arrow_patch for text in ax.texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 16
    assert sum(arrow.get_alpha() == 1 for arrow in arrows) == edges


def test_an_unknown_path_is_refused_by_name():
    with pytest.raises(ValueError, match=r"path is 'variance'; expected one of direct, through μ"):
        draw_three_paths(axes(), "variance")


def test_the_picture_of_the_parts_shows_upstream_and_gradient():
    data = turned_upstream()
    left, middle, right = axes(3)
    draw_turned_upstream(data, (left, middle, right), angle=45, scale=1.0)
    np.testing.assert_allclose([b.get_height() for b in left.patches], data.upstream(45))
    np.testing.assert_allclose([b.get_height() for b in right.patches], data.gradient(45, 1))
    widths = [b.get_width() for b in middle.patches]
    np.testing.assert_allclose(widths, [2, 2, 0, 0, 2, 0], atol=1e-4)
    sentence, table = describe_turned_upstream(data, angle=45, scale=1.0)
    assert "50 % of the squared length of g lies along 1" in sentence
    assert table.rows[1][0] == "along neither"


def test_the_picture_of_the_scale_has_one_curve_for_each_epsilon():
    data, ax = sweep_scales(), axes()
    draw_scale_sweep(data, ax)
    labels = [line.get_label() for line in ax.lines]
    assert labels == ["ε = 1e-05", "a = √ε = 0.0032", "ε = 0.001", "a = √ε = 0.032", "1/a"]
    np.testing.assert_allclose(ax.lines[0].get_ydata() * 8, data.lengths[1e-5])


def test_the_upstream_explorer_has_a_frame_for_each_direction_and_scale():
    explorer = explore_upstream()
    assert len(explorer.frames) == 39
    assert "dx has length 2.00" in explorer.sentence()
    assert explorer.frames[1]["sentence"].endswith("dx has length 0.00.")
    explorer.request = {"id": 1, "settings": {"norm": 1, "eps": 0}}
    assert explorer.frames[1]["sentence"].endswith("dx has length 2.83.")
