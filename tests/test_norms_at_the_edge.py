"""Rows that are very great, very small or not finite, and a row alone and among others."""

import warnings

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from normlab import norms, torch_norms
from normlab.torch_norms.in_chunks import row_means
from normlab.torch_norms.layer import OFFSET, ROUNDINGS

NORMS = ["layer_norm", "rms_norm"]
DTYPES = {np.float16: torch.float16, np.float32: torch.float32, np.float64: torch.float64}
by_norm = pytest.mark.parametrize("name", NORMS)


def in_numpy(name, x, eps):
    return getattr(norms, name)(x, eps=eps)


def in_torch(name, x, eps):
    return getattr(torch_norms, name)(torch.tensor(x), x.shape[-1], eps=eps).numpy()


def transformed(name, x, eps):
    """The path of `torch.func`, of GPUs and of second derivatives."""
    norm = getattr(torch_norms, name)
    return torch.func.vmap(lambda row: norm(row, x.shape[-1], eps=eps))(torch.tensor(x)).numpy()


by_library = pytest.mark.parametrize(
    "normalized", [in_numpy, in_torch, transformed], ids=["NumPy", "torch", "torch.func"]
)
SHAPE = np.array([1.0, -2.0, 3.0, 0.5, -1.5, 0.25])
SIZES = [1e20, -1e20, 1e30, 3e37, 1.1e38, 1e-20, 1e-30, -1e-35]


@by_library
@by_norm
@pytest.mark.parametrize("size", SIZES)
def test_a_row_of_any_size_is_as_right_as_any_other(size, name, normalized):
    x = np.stack([SHAPE, size * SHAPE, SHAPE[::-1]]).astype(np.float32)
    exact = getattr(norms, name)(x.astype(np.float64), eps=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = normalized(name, x, 0.0)
    assert_allclose(got, exact, rtol=2e-6, atol=2e-6)


@by_library
@by_norm
@pytest.mark.parametrize(
    ("size", "eps"), [(1e-30, 1e-5), (1e-30, 1e-30), (1e-20, 1e-38), (1e-35, 1e-25)]
)
def test_epsilon_keeps_its_part_in_tiny_rows(size, eps, name, normalized):
    x = (size * SHAPE).astype(np.float32)[None]
    exact = getattr(norms, name)(x.astype(np.float64), eps=eps)
    assert_allclose(normalized(name, x, eps), exact, rtol=1e-5, atol=1e-37)


@by_library
@pytest.mark.parametrize("features", [5, 768])
@pytest.mark.parametrize(
    ("size", "dtype"),
    [(1e20, np.float32), (1e30, np.float32), (3e38, np.float32), (1.7e308, np.float64)],
)
def test_a_great_row_without_any_difference_becomes_zero(size, dtype, features, normalized):
    x = np.full((2, features), size, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (normalized("layer_norm", x, 1e-5) == 0).all()


@pytest.mark.parametrize("size", [1.0, 1e20, 1e25, 3e38])
def test_its_gradient_is_that_of_an_ordinary_one(size):
    """σ_ε is √ε, whatever the row."""
    x, dy = np.full((1, 5), size, np.float32), np.float32([[1.0, -2.0, 3.0, 0.5, -1.5]])
    expected = (dy - dy.mean()) / np.sqrt(np.float32(1e-5))
    given = torch.tensor(x, requires_grad=True)
    y = torch_norms.layer_norm(given, 5)
    found = [norms.layer_norm_backward(dy, x)[0]]
    for graph in (False, True):
        found += torch.autograd.grad(y, given, torch.tensor(dy), True, create_graph=graph)
    if size < 1e36:  # above, torch's own derivative of the scaled formula overflows on its way
        found.append(
            torch.func.vjp(lambda x: torch_norms.layer_norm(x, 5), given)[1](torch.tensor(dy))[0]
        )
    for dx in found:
        assert_allclose(dx if isinstance(dx, np.ndarray) else dx.detach(), expected, rtol=1e-5)


@by_library
@by_norm
@pytest.mark.parametrize(
    ("size", "dtype"), [(1e-39, np.float32), (1e-43, np.float32), (1e-320, float)]
)
def test_rows_of_subnormal_numbers_are_as_right_as_their_digits(size, dtype, name, normalized):
    x = (size * np.array([[2.0, 1.0, -4.0, 3.0]])).astype(dtype)
    exact = getattr(norms, name)(np.float64(x / x.dtype.type(size)) * 1.0, eps=0)
    digits = np.finfo(dtype).smallest_subnormal / size
    assert_allclose(normalized(name, x, 0.0), exact, atol=max(4 * digits, 1e-6))


@by_library
@by_norm
@pytest.mark.parametrize(
    ("size", "dtype"),
    [(1e-19, np.float32), (1e-21, np.float32), (3e-22, np.float32), (1e-160, float)],
)
def test_squares_that_are_subnormal_cost_no_digits(size, dtype, name, normalized):
    x = (size * np.random.default_rng(0).standard_normal((4, 768))).astype(dtype)
    exact = getattr(norms, name)(x.astype(float) / size, eps=0)
    assert_allclose(normalized(name, x, 0.0), exact, atol=4 * np.finfo(dtype).eps, rtol=1e-5)


@by_norm
@pytest.mark.parametrize("features", [2**16, 2**20, 10_000_001])
def test_a_long_row_loses_no_digits(features, name):
    x = torch.randn(1, features, generator=torch.Generator().manual_seed(0)) + (name == "rms_norm")
    eps = 1e-5 if name == "layer_norm" else torch.finfo(torch.float32).eps
    exact = torch.tensor(getattr(norms, name)(x.double().numpy(), eps=eps))
    assert (getattr(torch_norms, name)(x, features) - exact).abs().max() < 4e-6
    assert abs(getattr(norms, name)(x.numpy(), eps=eps) - exact.numpy()).max() < 4e-6


@by_norm
@pytest.mark.parametrize("features", [7, 768, 16_384, 50_000])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_row_has_its_bits_wherever_its_numbers_stand_in_memory(threads, features, name):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        x, dy = torch.randn(2, features, 9, generator=torch.Generator().manual_seed(0))
        gain = torch.linspace(0.5, 1.5, features)
        apart = forward_and_backward(name, x.t(), dy.t(), gain)
        dense = forward_and_backward(name, x.t().contiguous(), dy.t().contiguous(), gain)
        assert all(map(torch.equal, apart, dense))
    finally:
        torch.set_num_threads(before)


@by_norm
@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_float64_has_its_own_edges(size, name):
    x = np.stack([SHAPE, size * SHAPE])
    for normalized in (in_numpy, in_torch, transformed):
        one, other = normalized(name, x, 0.0)
        assert_allclose(one, other, rtol=1e-12)


@by_norm
@pytest.mark.parametrize("size", [1.0, 1e20, 1e-20])
def test_gradients_of_great_and_tiny_rows_are_right(size, name):
    x = np.stack([SHAPE, size * SHAPE]).astype(np.float32)
    dy = np.random.default_rng(0).standard_normal(x.shape).astype(np.float32)
    backward = getattr(norms, f"{name}_backward")
    exact = backward(dy.astype(np.float64), x.astype(np.float64), eps=0)
    given = torch.tensor(x, requires_grad=True)
    y = getattr(torch_norms, name)(given, x.shape[-1], eps=0.0)
    for graph in (False, True):
        (dx,) = torch.autograd.grad(
            y, given, torch.tensor(dy), retain_graph=True, create_graph=graph
        )
        assert_allclose(dx.detach() * size, exact[0] * size, rtol=1e-4, atol=2e-5 * max(size, 1))
    ours = backward(dy, x, eps=0)
    for mine, reference in zip(ours, exact, strict=True):
        scale = np.abs(reference).max(-1, keepdims=True)
        assert_allclose(mine / scale, reference / scale, atol=2e-5)


@by_library
@by_norm
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_touches_no_other_row(bad, name, normalized):
    x = np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32)
    broken = x.copy()
    broken[2, 3] = bad
    with np.errstate(all="ignore"):
        got, whole = normalized(name, broken, 1e-5), normalized(name, x, 1e-5)
    others = [0, 1, 3, 4]
    assert (got[others] == whole[others]).all()
    assert np.isnan(got[2]).any()


@by_norm
def test_nor_in_the_backward_pass(name):
    x = torch.tensor(np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32))
    gradients = []
    for bad in (1.0, torch.nan):
        given = x.clone()
        given[2, 3] = bad
        given.requires_grad_()
        getattr(torch_norms, name)(given, 6).square().sum().backward()
        gradients.append(given.grad[[0, 1, 3, 4]])
    assert torch.equal(*gradients)


# A row alone and among others


@by_norm
@pytest.mark.parametrize("features", [7, 768, 40_000])
@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: d.__name__)
def test_numpy_gives_a_row_the_same_bits_in_any_company(dtype, offset, features, name):
    drawn = np.random.default_rng(0).standard_normal((2, 513, features))
    x, dy = (drawn + np.array([[[offset]], [[0]]])).astype(dtype)
    gain = np.linspace(0.5, 1.5, features).astype(dtype)
    forward, backward = getattr(norms, name), getattr(norms, f"{name}_backward")
    y, (dx, *_) = forward(x, gain), backward(dy, x, gain)
    for start, count in ((0, 1), (5, 2), (100, 64)):
        part = slice(start, start + count)
        assert (forward(x[part], gain) == y[part]).all()
        assert (backward(dy[part], x[part], gain)[0] == dx[part]).all()


@by_norm
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("features", [7, 768, 40_000])
@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("dtype", [*DTYPES.values(), torch.bfloat16], ids=str)
def test_torch_gives_a_row_the_same_bits_in_any_company(dtype, offset, features, threads, name):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        generator = torch.Generator().manual_seed(0)
        x, dy = torch.randn(2, 513, features, generator=generator)
        x, dy = (x + offset).to(dtype), dy.to(dtype)
        gain = torch.linspace(0.5, 1.5, features).to(dtype)
        y, dx = forward_and_backward(name, x, dy, gain)
        for start, count in ((0, 1), (5, 2), (100, 64)):
            part = slice(start, start + count)
            alone = forward_and_backward(name, x[part], dy[part], gain)
            assert torch.equal(alone[0], y[part])
            assert torch.equal(alone[1], dx[part])
    finally:
        torch.set_num_threads(before)


def forward_and_backward(name, x, dy, gain):
    given = x.clone().requires_grad_()
    y = getattr(torch_norms, name)(given, x.shape[-1], gain)
    return y.detach(), torch.autograd.grad(y, given, dy)[0]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("features", [7, 768, 16_384, 65_536])
def test_up_to_its_bound_no_offset_leaves_a_mean_behind_that_shows(features, threads):
    """So a row is not centered again, whatever rows are in its chunk."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        generator = torch.Generator().manual_seed(0)
        rows = torch.randn(1 + 500_000 // features, features, generator=generator)
        rows -= rows.mean(-1, keepdim=True)
        for offset in (0.5, 1.0, 1.5, OFFSET):
            shifted = rows / rows.square().mean(-1, keepdim=True).sqrt() + offset
            left_behind = (shifted - row_means(shifted)).double().mean(-1).abs().max()
            assert left_behind < ROUNDINGS * torch.finfo(torch.float32).eps
    finally:
        torch.set_num_threads(before)


# What is no input


BAD = {
    "a masked array": (np.ma.masked_array([[1.0, 2.0]], [[0, 1]]), "a masked array, and its mask"),
    "another order of bytes": (np.ones((1, 2), ">f4"), "dtype >f4; expected .* order of bytes"),
    "bfloat16": (torch.ones(1, 2, dtype=torch.bfloat16), r"x\.detach\(\)\.cpu\(\)\.float"),
    "a tensor with a gradient": (torch.ones(1, 2, requires_grad=True), r"x\.detach\(\)"),
}


@by_norm
@pytest.mark.parametrize(("x", "told"), BAD.values(), ids=BAD)
def test_numpy_norms_say_what_they_cannot_read(x, told, name):
    if not np.little_endian and isinstance(x, np.ndarray):
        pytest.skip("this machine has the other order")
    with pytest.raises(ValueError, match=told):
        getattr(norms, name)(x)


@by_norm
@pytest.mark.parametrize("gamma", [np.ones(2, complex), ["1", "2"], [None, None]], ids=repr)
def test_a_gain_that_is_no_real_numbers_is_told(gamma, name):
    with pytest.raises(ValueError, match=r"gamma has dtype .*; expected real numbers"):
        getattr(norms, name)(np.ones((1, 2)), gamma)


@by_norm
@pytest.mark.parametrize("eps", ["1e-5", None, [1e-5]], ids=repr)
def test_an_epsilon_that_is_no_number_is_told(eps, name):
    with pytest.raises(ValueError, match=r"eps is .*; expected a number, for instance 1e-5"):
        getattr(norms, name)(np.ones((1, 2)), eps=eps)
