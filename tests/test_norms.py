"""The NumPy norms against float64 formulas, finite differences, and the laws they obey."""

import numpy as np
import pytest
import reference
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal

from normlab import norms
from normlab.norms._rows import CHUNK_BYTES

# A result is rounded to its dtype once; the statistics add a few roundings of the work dtype.
TOLERANCE = {np.float16: 2e-3, np.float32: 5e-6, np.float64: 1e-13}
FORWARDS = [norms.layer_norm, norms.rms_norm, norms.batch_norm]
BACKWARDS = [norms.layer_norm_backward, norms.rms_norm_backward, norms.batch_norm_backward]
DTYPES = [np.float16, np.float32, np.float64]

values = st.floats(-100, 100).map(lambda v: round(v, 3))
tokens = arrays(np.float64, array_shapes(min_dims=1, max_dims=3, max_side=6), elements=values)


def draw(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 4), (2, 1, 3, 8)])
@pytest.mark.parametrize("norm", FORWARDS, ids=lambda f: f.__name__)
def test_forward_matches_the_float64_formula(norm, shape, dtype):
    x = draw(*shape, dtype=dtype)
    gamma, beta = draw(shape[-1], seed=1), draw(shape[-1], seed=2)
    parameters = (gamma,) if norm is norms.rms_norm else (gamma, beta)
    y = norm(x, *parameters)
    assert y.dtype == dtype
    assert y.shape == shape
    expected = getattr(reference, norm.__name__)(x, *parameters)
    assert_allclose(y, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("norm", FORWARDS, ids=lambda f: f.__name__)
def test_without_parameters_gain_is_one_and_shift_is_zero(norm):
    x = draw(4, 6)
    assert_allclose(norm(x), getattr(reference, norm.__name__)(x), atol=1e-13)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("norm", [norms.layer_norm, norms.rms_norm], ids=lambda f: f.__name__)
def test_rows_that_fill_several_chunks_are_all_normalized(norm, dtype):
    features = 64
    rows = 2 * CHUNK_BYTES // (4 * features) + 3
    x = draw(rows, features, dtype=dtype)
    expected = getattr(reference, norm.__name__)(x)
    assert_allclose(norm(x), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_a_row_that_is_longer_than_a_chunk_is_normalized_too():
    x = np.random.default_rng(0).standard_normal((2, 300_000)).astype(np.float32)
    assert x[0].nbytes > CHUNK_BYTES
    np.testing.assert_allclose(norms.layer_norm(x).std(axis=1), 1, rtol=1e-4)
    np.testing.assert_allclose((norms.rms_norm(x) ** 2).mean(axis=1), 1, rtol=1e-4)


@pytest.mark.parametrize("backward", BACKWARDS, ids=lambda f: f.__name__)
def test_backward_matches_finite_differences(backward):
    x, dy, gamma, beta = draw(3, 5), draw(3, 5, seed=1), draw(5, seed=2), draw(5, seed=3)
    name = backward.__name__.removesuffix("_backward")
    forward = getattr(reference, name)
    dx, dgamma, *rest = backward(dy, x, gamma)
    # h = 1e-6: truncation h² ~ 1e-12, rounding 1e-16/h ~ 1e-10
    by_x = reference.central_difference(lambda v: forward(v, gamma), x, dy)
    by_gamma = reference.central_difference(lambda v: forward(x, v), gamma, dy)
    assert_allclose(dx, by_x, atol=1e-8)
    assert_allclose(dgamma, by_gamma, atol=1e-8)
    if rest:
        by_beta = reference.central_difference(lambda v: forward(x, gamma, v), beta, dy)
        assert_allclose(rest[0], by_beta, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("backward", BACKWARDS, ids=lambda f: f.__name__)
def test_backward_in_lower_precision_matches_float64(backward, dtype):
    x, dy = draw(300, 64, dtype=dtype), draw(300, 64, seed=1, dtype=dtype)
    gamma = draw(64, seed=2)
    got = backward(dy, x, gamma)
    expected = backward(dy.astype(np.float64), x.astype(np.float64), gamma)
    assert got[0].dtype == dtype
    assert_allclose(got[0], expected[0], rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    for parameter, wanted in zip(got[1:], expected[1:], strict=True):
        assert parameter.dtype == np.float32
        # 300 float32 terms of size 1: 300 · 6e-8 at the very worst
        assert_allclose(parameter, wanted, rtol=2e-5, atol=2e-5)


def test_batch_norm_at_inference_treats_the_running_statistics_as_constants():
    x, dy, gamma, beta = draw(4, 3), draw(4, 3, seed=1), draw(3, seed=2), draw(3, seed=3)
    running = norms.RunningStatistics(draw(3, seed=4), draw(3, seed=5) ** 2)

    def forward(v, gamma=gamma, beta=beta):
        return gamma * (v - running.mean) / np.sqrt(running.var + 1e-5) + beta

    assert_allclose(norms.batch_norm_inference(x, running, gamma, beta), forward(x), atol=1e-13)
    dx, dgamma, dbeta = norms.batch_norm_inference_backward(dy, x, running, gamma)
    assert_allclose(dx, reference.central_difference(forward, x, dy), atol=1e-8)
    by_gamma = reference.central_difference(lambda g: forward(x, g), gamma, dy)
    assert_allclose(dgamma, by_gamma, atol=1e-8)
    assert_allclose(dbeta, dy.sum(0))


def test_running_statistics_follow_the_batches_and_stay_when_momentum_is_zero():
    running = norms.RunningStatistics.start(3)
    x = 5 + 2 * draw(2000, 3)
    for _ in range(200):
        running = running.updated(x)
    assert_allclose(running.mean, x.mean(0), rtol=1e-6)
    assert_allclose(running.var, x.var(0, ddof=1), rtol=1e-6)
    still = running.updated(x + 100, momentum=0.0)
    assert_array_equal(still.mean, running.mean)
    assert_array_equal(still.var, running.var)


def test_running_statistics_and_inference_match_torchs_batch_norm():
    theirs = torch.nn.BatchNorm1d(3).double()
    running = norms.RunningStatistics.start(3)
    for rows in (2, 5, 9):
        batch = draw(rows, 3, seed=rows)
        by_torch = theirs(torch.tensor(batch)).detach().numpy()
        assert_allclose(norms.batch_norm(batch), by_torch, atol=1e-12)
        running = running.updated(batch)
    assert_allclose(running.mean, theirs.running_mean, atol=1e-6)
    assert_allclose(running.var, theirs.running_var, atol=1e-6)
    alone = draw(1, 3)
    by_torch = theirs.eval()(torch.tensor(alone)).detach().numpy()
    assert_allclose(norms.batch_norm_inference(alone, running), by_torch, atol=1e-6)


# Laws ------------------------------------------------------------------------------------


@given(tokens)
def test_law_layer_norm_is_rms_norm_after_centering(x):
    centered = x - x.mean(-1, keepdims=True)
    # values lie on a grid of 1e-3, so Var is 0 or at least 1e-7: ε dominates rounding
    assert_allclose(norms.layer_norm(x), norms.rms_norm(centered, eps=1e-5), atol=1e-9)


@pytest.mark.parametrize("norm", [norms.layer_norm, norms.rms_norm], ids=lambda f: f.__name__)
@given(x=tokens, a=st.floats(0.01, 100), sign=st.sampled_from([-1, 1]), eps=st.floats(1e-6, 1))
def test_law_scaling_the_input_and_eps_together_leaves_the_sign(norm, x, a, sign, eps):
    assert_allclose(norm(sign * a * x, eps=a * a * eps), sign * norm(x, eps=eps), atol=1e-8)


@given(tokens, st.integers(0, 2**32 - 1))
def test_law_the_gradient_of_layer_norm_sums_to_zero_over_features(x, seed):
    dy, gamma = draw(*x.shape, seed=seed), draw(x.shape[-1], seed=seed + 1)
    dx, _, _ = norms.layer_norm_backward(dy, x, gamma)
    # dx is up to |u|/√ε ~ 1e3; sixty terms of that size round to about 1e-11
    assert_allclose(dx.sum(-1), 0, atol=1e-9)


@given(tokens, st.integers(0, 2**32 - 1))
def test_law_the_gradient_along_the_input_is_what_eps_leaves(x, seed):
    eps, dy = 1e-3, draw(*x.shape, seed=seed)
    dx, _, _ = norms.layer_norm_backward(dy, x, eps=eps)
    centered = x - x.mean(-1, keepdims=True)
    std = np.sqrt((centered**2).mean(-1) + eps)
    expected = eps / std**3 * (dy * centered).sum(-1)
    assert_allclose((dx * centered).sum(-1), expected, atol=1e-8)


def jacobian(backward, x):
    """Row i is the gradient of output i."""
    basis = np.eye(len(x))
    return backward(basis, np.broadcast_to(x, basis.shape), eps=0.0)[0]


@pytest.mark.parametrize(
    ("backward", "lost"),
    [(norms.layer_norm_backward, 2), (norms.rms_norm_backward, 1)],
    ids=["layer_norm", "rms_norm"],
)
@given(features=st.integers(3, 12), seed=st.integers(0, 2**32 - 1))
def test_law_the_jacobian_is_symmetric_and_has_lost_its_directions(backward, lost, features, seed):
    matrix = jacobian(backward, draw(features, seed=seed))
    assert_allclose(matrix, matrix.T, atol=1e-9 * abs(matrix).max())
    assert np.linalg.matrix_rank(matrix, tol=1e-9 * abs(matrix).max()) == features - lost


def test_law_the_squared_length_of_a_layer_norm_is_D_var_over_var_plus_eps():
    x, eps = draw(5, 16), 0.3
    var = x.var(-1)
    assert_allclose((norms.layer_norm(x, eps=eps) ** 2).sum(-1), 16 * var / (var + eps))


# Edges -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_zero_vector_becomes_beta_and_has_finite_gradients(dtype):
    x, dy, beta = np.zeros((2, 4), dtype), draw(2, 4, dtype=dtype), draw(4)
    assert_allclose(norms.layer_norm(x, beta=beta), np.stack([beta, beta]), rtol=1e-3)
    assert_array_equal(norms.rms_norm(x), 0)
    assert np.isfinite(norms.layer_norm_backward(dy, x)[0]).all()
    assert_allclose(norms.rms_norm_backward(dy, x)[0], dy * 1e3, rtol=1e-3)  # 1/√1e-6


def test_one_feature_becomes_beta_under_layer_norm_and_plus_or_minus_one_under_rms_norm():
    x = np.array([[3.0], [-2.0]])
    assert_array_equal(norms.layer_norm(x, beta=np.array([0.5])), 0.5)
    assert_allclose(norms.rms_norm(x), [[1.0], [-1.0]], atol=1e-6)


def test_two_features_become_plus_and_minus_one_under_layer_norm():
    y = norms.layer_norm(10 * draw(50, 2))
    assert_allclose(np.abs(y), 1, atol=0.05)
    assert_array_equal(np.sign(y[:, 0]), -np.sign(y[:, 1]))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("features", [3, 7, 768])
@pytest.mark.parametrize("constant", [0.1, -300.3, 1000.1, 60000.0])
def test_constant_rows_become_beta_whatever_the_constant(constant, features, dtype):
    x, beta = np.full((3, features), constant, dtype), np.arange(float(features))
    # 0.1 · 768 is not 76.8 in any dtype, so the computed mean differs from the constant
    assert_allclose(norms.layer_norm(x, beta=beta, eps=1e-12), [beta] * 3, rtol=1e-3)


@pytest.mark.parametrize("offset", [0, 10, 1e3, 1e4, 1e6])
def test_an_offset_costs_no_more_than_the_rounding_of_the_input(offset):
    x = (offset + draw(64, 768)).astype(np.float32)
    error = np.abs(norms.layer_norm(x) - reference.layer_norm(x)).max()
    # x̂ is up to 4, where float32 has a spacing of 5e-7; a few roundings
    assert error <= 2e-6


@pytest.mark.parametrize("offset", [0, 10, 1e4, 1e6])
@pytest.mark.parametrize("rows", [64, 100_000])
def test_batch_norm_pays_no_more_for_an_offset_than_the_rounding_of_the_input(rows, offset):
    x = (offset + draw(rows, 8)).astype(np.float32)
    # x̂ is up to 5, where float32 has a spacing of 5e-7; a few roundings
    assert np.abs(norms.batch_norm(x) - reference.batch_norm(x)).max() <= 3e-6
    constant = np.full((rows, 3), offset + 0.1, np.float32)
    assert_allclose(norms.batch_norm(constant, eps=1e-12), 0, atol=1e-6)


def test_the_variance_at_offset_1e4_is_not_lost_as_in_the_one_pass_formula():
    x = (1e4 + draw(64, 768)).astype(np.float32)
    one_pass = (x * x).mean(-1) - x.mean(-1) ** 2
    assert np.abs(one_pass - 1).max() > 1  # E[x²] − E[x]² is useless here
    assert_allclose(norms.layer_norm(x).std(-1, dtype=np.float64), 1, atol=1e-4)


def test_float16_inputs_whose_squares_overflow_are_normalized():
    x = np.full((2, 8), 300, np.float16)
    with np.errstate(over="ignore"):
        assert np.isinf(x * x).all()
    assert_array_equal(norms.rms_norm(x), 1)
    spread = x * np.array([1, -1] * 4, np.float16)
    assert_allclose(norms.layer_norm(spread), np.sign(spread), rtol=1e-3)


@pytest.mark.parametrize("norm", [norms.layer_norm, norms.rms_norm], ids=lambda f: f.__name__)
def test_no_rows_give_no_rows(norm):
    assert norm(np.empty((0, 4), np.float32)).shape == (0, 4)
    gradients = getattr(norms, f"{norm.__name__}_backward")(np.empty((0, 4)), np.empty((0, 4)))
    assert gradients[0].shape == (0, 4)
    assert_array_equal(gradients[1], np.zeros(4))


@pytest.mark.parametrize("norm", FORWARDS, ids=lambda f: f.__name__)
def test_strided_and_transposed_inputs_give_the_same_as_their_copies(norm):
    x = draw(6, 4, 10)
    for view in (x[::2, :, ::-2], x.transpose(2, 0, 1), np.broadcast_to(x[:1], x.shape)):
        assert_array_equal(norm(view), norm(view.copy()))


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_function_changes_what_it_is_given(dtype):
    given = [draw(3, 4, seed=s, dtype=dtype) for s in range(2)] + [draw(4, seed=2), draw(4, seed=3)]
    kept = [a.copy() for a in given]
    dy, x, gamma, beta = given
    running = norms.RunningStatistics.start(4)
    norms.layer_norm(x, gamma, beta)
    norms.rms_norm(x, gamma)
    norms.batch_norm(x, gamma, beta)
    norms.batch_norm_inference(x, running, gamma, beta)
    norms.batch_norm_inference_backward(dy, x, running, gamma)
    for backward in BACKWARDS:
        backward(dy, x, gamma)
    running.updated(x)
    for after, before in zip(given, kept, strict=True):
        assert_array_equal(after, before)
    assert_array_equal(running.var, 1)


# Errors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", FORWARDS, ids=lambda f: f.__name__)
def test_errors_name_what_was_given_and_what_was_expected(norm):
    with pytest.raises(
        ValueError, match=r"gamma has shape \(3,\), but x .* \(2, 4\).* shape \(4,\)"
    ):
        norm(np.ones((2, 4)), np.ones(3))
    with pytest.raises(ValueError, match=r"x has dtype int64.*astype"):
        norm(np.ones((2, 4), np.int64))
    with pytest.raises(ValueError, match=r"x has shape \(\).*\(\.\.\., D\)"):
        norm(np.float64(1))
    with pytest.raises(ValueError, match=r"x has shape \(2, 0\)"):
        norm(np.ones((2, 0)))
    with pytest.raises(ValueError, match="eps is -1"):
        norm(np.ones((2, 4)), eps=-1)
    with pytest.raises(ValueError, match="eps is nan"):
        norm(np.ones((2, 4)), eps=float("nan"))


def test_layer_norm_names_a_beta_that_does_not_fit():
    with pytest.raises(ValueError, match=r"beta has shape \(2, 4\)"):
        norms.layer_norm(np.ones((2, 4)), beta=np.ones((2, 4)))


@pytest.mark.parametrize("backward", BACKWARDS, ids=lambda f: f.__name__)
def test_an_upstream_gradient_of_another_shape_is_refused(backward):
    with pytest.raises(ValueError, match=r"dy has shape \(4,\), but x has shape \(2, 4\)"):
        backward(np.ones(4), np.ones((2, 4)))


def test_batch_statistics_of_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="no rows"):
        norms.batch_norm(np.empty((0, 4)))
    with pytest.raises(ValueError, match=r"1 row\(s\).*larger batch"):
        norms.RunningStatistics.start(4).updated(np.ones((1, 4)))
    with pytest.raises(ValueError, match=r"running\.mean has shape \(3,\)"):
        norms.batch_norm_inference(np.ones((2, 4)), norms.RunningStatistics.start(3))
