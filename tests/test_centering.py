"""What centering takes away: laws, and the pictures' data."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from normlab.chapters.rms_norm.centering import (
    angle_degrees,
    mean_share,
    offset_token,
    sweep_mean_share,
)
from normlab.chapters.rms_norm.figures import (
    draw_mean_shares,
)


@pytest.mark.parametrize("offset", [-5.0, -0.3, 0.0, 0.1, 1.0, 4.0])
def test_the_angle_between_the_outputs_is_the_arc_tangent_of_mean_over_std(offset):
    angle = offset_token(features=16).angle(offset)
    assert angle == pytest.approx(np.degrees(np.arctan(abs(offset))), abs=1e-9)


def test_layer_norm_stands_still_and_rms_norm_takes_the_mean_along():
    token = offset_token()
    np.testing.assert_allclose(token.layer_norm(3.0), token.layer_norm(0.0), atol=1e-12)
    assert token.rms_norm(3.0).mean() == pytest.approx(3 / np.sqrt(10))  # m/√(1 + m²)


def test_the_mean_share_is_the_squared_sine_of_the_angle():
    token = offset_token()
    for offset in (0.0, 0.5, 2.0):
        share = mean_share((token.x + offset)[None])[0]
        assert share == pytest.approx(np.sin(np.radians(token.angle(offset))) ** 2, abs=1e-12)


def test_a_tiny_angle_keeps_its_digits():
    assert angle_degrees(np.array([1.0, 0.0]), np.array([1.0, 1e-10])) == pytest.approx(
        np.degrees(1e-10), rel=1e-6
    )


def test_the_mean_share_of_random_vectors_is_one_over_d_and_after_relu_one_over_pi():
    shares = sweep_mean_share([16, 256], vectors=4000, seed=0)
    assert shares.shares["normal"] == pytest.approx([1 / 16, 1 / 256], rel=0.1)
    assert shares.shares["after ReLU"][1] == pytest.approx(1 / np.pi, rel=0.02)
    assert shares.table().columns[-1] == "1/D"


def test_the_picture_of_shares_holds_its_data():
    shares = sweep_mean_share([16, 64], vectors=10)
    ax = Figure().subplots()
    draw_mean_shares(shares, ax)
    assert [list(line.get_ydata()) for line in ax.lines[:2]] == list(shares.shares.values())
