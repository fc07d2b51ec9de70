import numpy as np
import pytest
from matplotlib.figure import Figure

from normlab.chapters.backward.explorers import explore_geometry
from normlab.chapters.backward.geometry import (
    UP,
    jacobian_spectra,
    layer_norm_jacobian,
    radius_curves,
    rms_norm_jacobian,
    three_feature_cloud,
    two_feature_map,
)
from normlab.chapters.backward.geometry_figures import (
    describe_cloud,
    draw_cloud,
    draw_plane_map,
    draw_radius_curves,
    draw_spectra,
    project,
)
from normlab.norms import layer_norm, rms_norm


def axes(columns=1):
    return Figure().subplots(1, columns)


def token(features=7):
    return np.random.default_rng(4).standard_normal(features)


@pytest.mark.parametrize("eps", [0, 1e-5, 0.5])
def test_the_jacobians_are_identity_less_the_lost_directions(eps):
    x = token()
    sigma, r = np.sqrt(x.var() + eps), np.sqrt((x**2).mean() + eps)
    ones, x_hat, x_rms = np.ones(7), (x - x.mean()) / sigma, x / r
    expected = (np.eye(7) - np.outer(ones, ones) / 7 - np.outer(x_hat, x_hat) / 7) / sigma
    np.testing.assert_allclose(layer_norm_jacobian(x, eps), expected, atol=1e-14)
    expected = (np.eye(7) - np.outer(x_rms, x_rms) / 7) / r
    np.testing.assert_allclose(rms_norm_jacobian(x, eps), expected, atol=1e-14)


@pytest.mark.parametrize("features", [2, 3, 8, 64])
def test_the_ranks_are_d_less_two_and_d_less_one(features):
    x = token(features)
    assert np.linalg.matrix_rank(layer_norm_jacobian(x, eps=0), tol=1e-10) == features - 2
    assert np.linalg.matrix_rank(rms_norm_jacobian(x, eps=0), tol=1e-10) == features - 1


def test_a_jacobian_is_of_one_token():
    with pytest.raises(ValueError, match="one token"):
        layer_norm_jacobian(np.ones((2, 3)))


def test_epsilon_equal_to_the_variance_lets_half_of_x_hat_through():
    values = jacobian_spectra(features=5).values
    np.testing.assert_allclose(values["LayerNorm, ε = 0"], [0, 0, 1, 1, 1], atol=1e-14)
    np.testing.assert_allclose(values["RMSNorm, ε = 0"], [0, 1, 1, 1, 1], atol=1e-14)
    np.testing.assert_allclose(values["LayerNorm, ε = σ²"], [0, 0.5, 1, 1, 1], atol=1e-14)


def test_a_projection_edge_on_shows_the_sum_as_height():
    points = np.random.default_rng(0).standard_normal((5, 3))
    np.testing.assert_allclose(project(points, 90)[:, 1], points @ UP)
    on_circle = layer_norm(points, eps=0)
    np.testing.assert_allclose(np.linalg.norm(project(on_circle, 0), axis=1), np.sqrt(3))


def test_the_cloud_goes_from_its_inputs_over_the_plane_to_the_norm():
    cloud = three_feature_cloud("LayerNorm", eps=0)
    np.testing.assert_array_equal(cloud.at(0), cloud.starts)
    np.testing.assert_allclose(cloud.at(1).sum(1), 0, atol=1e-14)  # (n, 3) -> (n,)
    np.testing.assert_allclose(cloud.at(2), layer_norm(cloud.starts, eps=0))
    np.testing.assert_allclose(np.linalg.norm(cloud.at(2), axis=1), np.sqrt(3))


def test_rms_norm_does_not_centre_and_ends_on_the_sphere():
    cloud = three_feature_cloud("RMSNorm", eps=0)
    np.testing.assert_array_equal(cloud.at(1), cloud.starts)
    np.testing.assert_allclose(cloud.at(2), rms_norm(cloud.starts, eps=0))
    np.testing.assert_allclose(np.linalg.norm(cloud.at(2), axis=1), np.sqrt(3))


def test_layer_norm_is_rms_norm_of_the_centred_token():
    points = np.random.default_rng(0).standard_normal((50, 3)) * 2 + 5
    centred = points - points.mean(-1, keepdims=True)  # (N, D) - (N, 1)
    np.testing.assert_allclose(rms_norm(centred, eps=0), layer_norm(points, eps=0), atol=1e-12)


def test_layer_norm_takes_tokens_that_differ_by_scale_and_shift_to_one_point():
    assert three_feature_cloud("LayerNorm", eps=0).spread_of_related(2) < 1e-12
    assert three_feature_cloud("RMSNorm", eps=0).spread_of_related(2) > 1
    assert three_feature_cloud("LayerNorm", eps=1).spread_of_related(2) > 0.1


def test_the_picture_of_the_cloud_shows_every_point_where_it_is():
    cloud, ax = three_feature_cloud(), axes()
    draw_cloud(cloud, ax, step=1.5, tilt=50)
    drawn = [
        line.get_xydata()
        for line in ax.lines
        if line.get_marker() in ("o", "^") and line.get_label().startswith("_")
    ]
    expected = project(cloud.at(1.5), 50)
    drawn = np.concatenate([points for points in drawn if len(points)])
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(expected, axis=0), atol=1e-12)
    assert np.abs(expected[:, 0]).max() < 3.9


def test_every_point_stays_inside_the_picture():
    for norm in ("LayerNorm", "RMSNorm"):
        cloud, ax = three_feature_cloud(norm), axes()
        draw_cloud(cloud, ax, step=0, tilt=0)
        for step in (0, 1, 2):
            for tilt in (0, 25, 50, 70, 90):
                across, up = project(cloud.at(step), tilt).T
                assert -3.7 < across.min() < across.max() < 3.4  # the legend begins at 3.5
                assert ax.get_ylim()[0] < up.min() < up.max() < ax.get_ylim()[1]


def test_two_features_land_on_two_points_or_on_a_circle():
    data = two_feature_map()
    points = {tuple(row) for row in data.images["LayerNorm"].round(3) + 0.0}
    assert points == {(1.0, -1.0), (-1.0, 1.0)}
    np.testing.assert_allclose(
        np.linalg.norm(data.images["RMSNorm"], axis=1), np.sqrt(2), rtol=1e-4
    )


def test_the_picture_of_two_features_marks_the_sides_of_the_diagonal():
    data, (left, right) = two_feature_map(), axes(2)
    draw_plane_map(data, (left, right))
    lines = {line.get_label(): line.get_xydata() for line in left.lines}
    assert (lines["input, x1 < x2"][:, 0] < lines["input, x1 < x2"][:, 1]).all()
    np.testing.assert_allclose(
        lines["output, x1 < x2"], [[-1, 1]] * len(lines["input, x1 < x2"]), rtol=1e-3
    )
    assert np.abs(data.points).max() < right.get_xlim()[1]


def test_the_radius_follows_the_formula():
    curves = radius_curves()
    for eps, radii in curves.radii.items():
        variance = curves.deviations**2
        np.testing.assert_allclose(radii, np.sqrt(variance / (variance + eps)), rtol=1e-12)
    ax = axes()
    draw_radius_curves(curves, ax)
    assert "measured, ε = 1e-05" in [line.get_label() for line in ax.lines]


def test_the_picture_of_the_spectra_holds_every_eigenvalue():
    data, ax = jacobian_spectra(), axes()
    draw_spectra(data, ax)
    for line, values in zip(ax.lines, data.values.values(), strict=False):
        np.testing.assert_array_equal(line.get_ydata(), values)


def test_the_geometry_explorer_says_where_the_points_are():
    explorer = explore_geometry()
    assert len(explorer.frames) == 45
    assert explorer.sentence() == describe_cloud(three_feature_cloud(), step=0.0, tilt=70)[0]
    last = explorer.frames[-1]["sentence"]
    assert "largest |sum of features| is 0.00, lengths run from 1.73 to 1.73" in last
    assert len(explorer.frames[-1]["rows"]) == 22
    explorer.request = {"id": 1, "settings": {"norm": 1, "eps": 0}}
    assert "lengths run from 1.73 to 1.73" in explorer.frames[-1]["sentence"]
    assert "sum of features| is 0.00" not in explorer.frames[-1]["sentence"]


def test_points_below_the_plane_are_drawn_behind_it():
    cloud, ax = three_feature_cloud(), axes()
    draw_cloud(cloud, ax, step=0, tilt=70)
    plane = next(patch for patch in ax.patches if patch.get_label().startswith("plane"))
    behind = [line for line in ax.lines if line.get_marker() == "o" and line.zorder < plane.zorder]
    heights = cloud.free.sum(1)  # (n, 3) -> (n,)
    assert sum(len(line.get_xdata()) for line in behind) == (heights < 0).sum() > 0
