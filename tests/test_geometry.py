import numpy as np
import pytest
from matplotlib.figure import Figure

from normlab.chapters.backward.geometry import (
    jacobian_spectra,
    layer_norm_jacobian,
    other_tokens,
    radius_curves,
    rms_norm_jacobian,
    two_feature_map,
)
from normlab.chapters.backward.geometry_figures import (
    draw_plane_map,
    draw_radius_curves,
    draw_spectra,
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


def test_layer_norm_is_rms_norm_of_the_centred_token():
    points = np.random.default_rng(0).standard_normal((50, 3)) * 2 + 5
    centred = points - points.mean(-1, keepdims=True)  # (N, D) - (N, 1)
    np.testing.assert_allclose(rms_norm(centred, eps=0), layer_norm(points, eps=0), atol=1e-12)


def test_layer_norm_takes_tokens_that_differ_by_scale_and_shift_to_one_point():
    _, related = other_tokens()
    scale, shift = related.T[:, :, None]  # (8, 2) -> (2, 8, 1)
    tokens = scale * np.array([2.0, -1.0, 3.0]) + shift
    assert np.ptp(layer_norm(tokens, eps=0), axis=0).max() < 1e-12
    assert np.ptp(rms_norm(tokens, eps=0), axis=0).max() > 1
    assert np.ptp(layer_norm(tokens, eps=1), axis=0).max() > 0.1


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
