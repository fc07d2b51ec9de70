"""The torch norms against float64 NumPy, against torch.nn, and under torch's own gradcheck."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch import nn
from torch.nn import functional as F

from normlab import norms, torch_norms
from normlab.chapters.rms_norm.operators import torch_operators

DEVICES = ["cpu"]
DEVICES += ["cuda"] if torch.cuda.is_available() else []
DEVICES += ["mps"] if torch.backends.mps.is_available() else []
# Roundings of the dtype's own epsilon: one for the result, a few for the statistics.
TOLERANCE = {
    torch.float64: 1e-12,
    torch.float32: 5e-6,
    torch.float16: 2e-3,
    torch.bfloat16: 1.6e-2,
}
NORMS = ["layer_norm", "rms_norm"]
MODULES = [("LayerNorm", {}), ("RMSNorm", {}), ("RMSNorm", {"eps": 1e-6})]


def draw(*shape, seed=0, dtype=torch.float64, device="cpu"):
    values = np.random.default_rng(seed).standard_normal(shape)
    return torch.tensor(values).to(dtype).to(device)


def parameters_of(name, features, device="cpu", dtype=torch.float64):
    count = 2 if name == "layer_norm" else 1
    return [draw(features, seed=s + 10, device=device, dtype=dtype) for s in range(count)]


def call(name, x, parameters, eps=1e-5):
    return getattr(torch_norms, name)(x, x.shape[-1], *parameters, eps=eps)


def as_float64(tensor):
    return tensor.detach().cpu().to(torch.float64).numpy()


# MPS has no float64
DEVICES_AND_DTYPES = [
    (device, dtype)
    for device in DEVICES
    for dtype in TOLERANCE
    if not (device == "mps" and dtype == torch.float64)
]


@pytest.mark.parametrize(("device", "dtype"), DEVICES_AND_DTYPES, ids=str)
@pytest.mark.parametrize("name", NORMS)
def test_forward_and_backward_match_float64_numpy(name, dtype, device):
    x = draw(3, 5, 64, dtype=dtype, device=device).requires_grad_()
    dy = draw(3, 5, 64, seed=1, dtype=dtype, device=device)
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    parameters = [p.requires_grad_() for p in parameters_of(name, 64, device, wide)]
    y = call(name, x, parameters)
    got = torch.autograd.grad(y, [x, *parameters], dy)
    assert y.dtype == got[0].dtype == dtype
    inputs = as_float64(x), *map(as_float64, parameters)
    tolerance = TOLERANCE[dtype]
    expected = getattr(norms, name)(*inputs, eps=1e-5)
    assert_allclose(as_float64(y), expected, rtol=tolerance, atol=tolerance)
    wanted = getattr(norms, f"{name}_backward")(as_float64(dy), *inputs[:2], eps=1e-5)
    for mine, reference in zip(got, wanted, strict=True):
        assert_allclose(as_float64(mine), reference, rtol=2 * tolerance, atol=2 * tolerance)


@pytest.mark.parametrize("name", NORMS)
def test_first_and_second_derivatives_pass_gradcheck(name):
    x = draw(2, 3, 4).requires_grad_()
    parameters = [p.requires_grad_() for p in parameters_of(name, 4)]

    def function(x, *parameters):
        return call(name, x, parameters, eps=1e-2)

    assert torch.autograd.gradcheck(function, (x, *parameters))
    assert torch.autograd.gradgradcheck(function, (x, *parameters))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("module", "options"), MODULES)
@pytest.mark.parametrize("normalized_shape", [6, (6,), (4, 6)])
def test_modules_give_what_torch_nn_gives(normalized_shape, module, options, device):
    ours = getattr(torch_norms, module)(normalized_shape, **options, device=device)
    theirs = getattr(nn, module)(normalized_shape, **options, device=device)
    with torch.no_grad():
        for seed, parameter in enumerate(theirs.parameters()):
            parameter.copy_(draw(*parameter.shape, seed=seed, device=device, dtype=torch.float32))
    ours.load_state_dict(theirs.state_dict())
    results = []
    for norm in (ours, theirs):
        x = draw(5, 4, 6, dtype=torch.float32, device=device).requires_grad_()
        y = norm(x)
        y.backward(draw(5, 4, 6, seed=9, dtype=torch.float32, device=device))
        results.append([y, x.grad, *(p.grad for p in norm.parameters())])
    for mine, reference in zip(*results, strict=True):
        # two float32 computations in different orders
        assert_allclose(as_float64(mine), as_float64(reference), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("module", "options"), MODULES)
@pytest.mark.parametrize("affine", [True, False])
def test_state_dicts_interchange_with_torch_nn_both_ways(module, options, affine):
    ours = getattr(torch_norms, module)(4, elementwise_affine=affine, **options)
    theirs = getattr(nn, module)(4, elementwise_affine=affine, **options)
    theirs.load_state_dict(ours.state_dict())
    ours.load_state_dict(theirs.state_dict())
    assert list(ours.state_dict()) == list(theirs.state_dict())


def test_layer_norm_without_bias_has_only_a_weight_as_torch_nn_has():
    ours, theirs = torch_norms.LayerNorm(4, bias=False), nn.LayerNorm(4, bias=False)
    assert list(ours.state_dict()) == list(theirs.state_dict()) == ["weight"]
    assert "bias=False" in repr(ours)
    assert "bias=True" in repr(torch_norms.LayerNorm(4))
    x = draw(3, 4, dtype=torch.float32)
    assert_allclose(ours(x).detach(), theirs(x).detach(), atol=1e-6)


def test_layer_norm_by_default_has_torchs_epsilon():
    tiny = 1e-3 * draw(3, 8)  # a variance of 1e-6, so that another ε shows
    assert_allclose(torch_norms.layer_norm(tiny, 8), F.layer_norm(tiny, (8,)), rtol=1e-9)


def test_rms_norm_by_default_has_the_machine_epsilon_of_its_statistics():
    tiny = torch.full((1, 4), 1e-4)
    expected = as_float64(tiny) / np.sqrt(1e-8 + np.finfo(np.float32).eps)
    assert_allclose(as_float64(torch_norms.rms_norm(tiny, 4)), expected, rtol=1e-6)
    assert_allclose(as_float64(F.rms_norm(tiny, (4,))), expected, rtol=1e-6)
    half = torch_norms.rms_norm(tiny.half(), 4)
    assert_allclose(as_float64(half), expected, rtol=2e-3)


@pytest.mark.parametrize("name", NORMS)
def test_half_inputs_are_computed_in_float32(name):
    x = torch.full((2, 8), 300, dtype=torch.float16)
    x[:, ::2] *= -1
    assert torch.isinf(x * x).all()
    assert_allclose(as_float64(call(name, x, [])), np.sign(as_float64(x)), atol=1e-3)


@pytest.mark.parametrize("name", NORMS)
def test_parameter_gradients_of_half_inputs_are_summed_in_float32(name):
    rows = 8192
    x = draw(rows, 16, dtype=torch.bfloat16)
    dy = draw(rows, 16, seed=1, dtype=torch.bfloat16)
    parameters = [p.requires_grad_() for p in parameters_of(name, 16, dtype=torch.float32)]
    got = torch.autograd.grad(call(name, x, parameters), parameters, dy)
    wanted = getattr(norms, f"{name}_backward")(as_float64(dy), as_float64(x), eps=1e-5)[1:]
    for mine, reference in zip(got, wanted, strict=True):
        assert_allclose(as_float64(mine), reference, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("name", NORMS)
def test_vmap_and_functional_gradients_agree_with_a_loop(name):
    x = draw(3, 2, 4)
    weights = draw(3, 4, seed=1)

    def loss(weight, tokens):
        return getattr(torch_norms, name)(tokens, 4, weight, eps=1e-5).pow(3).sum()

    at_once = torch.func.vmap(torch.func.grad(loss))(weights, x)
    looped = torch.stack([torch.func.grad(loss)(w, v) for w, v in zip(weights, x, strict=True)])
    assert_allclose(at_once, looped, atol=1e-12)


@pytest.mark.parametrize("name", NORMS)
def test_edge_cases_stay_finite(name):
    beta = torch.arange(4.0)
    extra = {"bias": beta} if name == "layer_norm" else {}
    norm = getattr(torch_norms, name)
    zero = torch.zeros(2, 4, requires_grad=True)
    y = norm(zero, 4, **extra)
    assert_array_equal(y.detach(), np.broadcast_to(beta if extra else 0, (2, 4)))
    y.sum().backward()
    assert torch.isfinite(zero.grad).all()
    assert norm(torch.empty(0, 4), 4).shape == (0, 4)
    far = (1e6 + draw(8, 768)).float()
    assert torch.isfinite(norm(far, 768)).all()
    assert_allclose(norm(torch.full((1, 1), -3.0), 1), 0 if extra else -1, atol=1e-6)
    pair = norm(torch.tensor([[5.0, 1.0]]), 2, eps=0.0)
    assert_allclose(pair, [[1, -1]] if extra else [[5 / 13**0.5, 1 / 13**0.5]], rtol=1e-6)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("constant", [0.1, -300.3, 1000.1, 1e6])
@pytest.mark.parametrize("features", [3, 7, 768])
def test_constant_rows_become_zero_whatever_the_constant(features, constant, device):
    x = torch.full((2, features), constant, device=device)
    assert_allclose(as_float64(torch_norms.layer_norm(x, features, eps=1e-12)), 0, atol=1e-6)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("offset", [0, 1.5, 1.99, 2.5, 10, 1e3, 1e4, 1e6])
def test_an_offset_costs_no_more_than_the_rounding_of_the_input(offset, device):
    x = (offset + draw(64, 768)).float().to(device)
    expected = norms.layer_norm(as_float64(x))
    # x̂ is up to 4, where float32 has a spacing of 5e-7; a few roundings
    assert_allclose(as_float64(torch_norms.layer_norm(x, 768)), expected, rtol=0, atol=3e-6)


@pytest.mark.parametrize("name", NORMS)
def test_non_contiguous_inputs_are_read_in_order_and_left_unchanged(name):
    x = draw(6, 5, 4)
    kept = x.clone()
    view = x.transpose(0, 1)[:, ::2]
    assert_array_equal(call(name, view, []), call(name, view.contiguous(), []))
    assert_array_equal(x, kept)


@pytest.mark.parametrize("name", NORMS)
def test_a_single_vector_is_one_row(name):
    x = draw(4)
    assert_array_equal(call(name, x, []), call(name, x[None], [])[0])


@pytest.mark.parametrize("name", NORMS)
def test_errors_name_what_was_given_and_what_was_expected(name):
    norm = getattr(torch_norms, name)
    with pytest.raises(
        RuntimeError, match=r"input has shape \(2, 3\) and normalized_shape is \(4,"
    ):
        norm(torch.ones(2, 3), 4)
    with pytest.raises(RuntimeError, match=r"weight has shape \(3,\); expected .*\(4,\)"):
        norm(torch.ones(2, 4), 4, torch.ones(3))
    with pytest.raises(
        NotImplementedError, match=r"input has dtype torch\.int64.*input\.float\(\)"
    ):
        norm(torch.ones(2, 4, dtype=torch.int64), 4)
    with pytest.raises(NotImplementedError, match=r"weight has dtype torch\.float8_e4m3fn"):
        norm(torch.ones(2, 4), 4, torch.ones(4).to(torch.float8_e4m3fn))
    with pytest.raises(ValueError, match="eps is -1"):
        norm(torch.ones(2, 4), 4, eps=-1.0)
    with pytest.raises(TypeError, match="eps is '1e-5', of type str; expected a number"):
        norm(torch.ones(2, 4), 4, eps="1e-5")
    with pytest.raises(RuntimeError, match=r"normalized_shape is \(\)"):
        norm(torch.ones(2, 4), ())
    with pytest.raises(TypeError, match="normalized_shape is 'four'; expected a size"):
        norm(torch.ones(2, 4), "four")
    with pytest.raises(TypeError, match=r"input is a numpy\.ndarray; expected a tensor: use torch"):
        norm(np.ones((2, 4)), 4)


def test_only_rms_norm_has_an_epsilon_of_its_own():
    with pytest.raises(TypeError, match="eps is None, of type NoneType"):
        torch_norms.layer_norm(torch.ones(2, 4), 4, eps=None)


@pytest.mark.parametrize("name", NORMS)
def test_the_norm_is_written_out_and_calls_no_norm_of_torch(name):
    x = draw(2, 4).requires_grad_()
    ours = torch_operators(lambda: call(name, x, parameters_of(name, 4)).sum().backward())
    assert {"mean", "rsqrt"} <= set(ours)
    assert not [operator for operator in ours if "norm" in operator]
    # such calls are seen
    assert "native_layer_norm" in torch_operators(lambda: F.layer_norm(x, (4,)))
