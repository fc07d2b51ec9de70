"""What an engineer may do with a norm of torch.nn may be done with ours, and gives the same."""

import io
import warnings
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional as F
from torch.testing._internal.common_modules import module_db
from torch.testing._internal.two_tensor import TwoTensor
from torch.utils.checkpoint import checkpoint

from normlab import torch_norms
from normlab.torch_norms.in_chunks import is_plain
from normlab.torch_norms.rows import is_watched

pytestmark = [  # torch's, of its own parts
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr"),
]
PAIRS = {
    "LayerNorm": (torch_norms.LayerNorm, nn.LayerNorm),
    "RMSNorm": (torch_norms.RMSNorm, nn.RMSNorm),
}
FUNCTIONS = {
    "layer_norm": (torch_norms.layer_norm, F.layer_norm),
    "rms_norm": (torch_norms.rms_norm, F.rms_norm),
}
by_module = pytest.mark.parametrize(("ours", "theirs"), PAIRS.values(), ids=PAIRS)
by_function = pytest.mark.parametrize(("ours", "theirs"), FUNCTIONS.values(), ids=FUNCTIONS)


def draw(*shape, seed=0, dtype=torch.float64):
    return torch.tensor(np.random.default_rng(seed).standard_normal(shape)).to(dtype)


def with_same_parameters(ours, theirs, *arguments, **options):
    mine, reference = ours(*arguments, **options), theirs(*arguments, **options)
    with torch.no_grad():
        for seed, parameter in enumerate(reference.parameters()):
            parameter.copy_(draw(*parameter.shape, seed=seed + 5))
    mine.load_state_dict(reference.state_dict())
    return mine, reference


# Derivatives


def plain_layer_norm(x, sizes, weight, eps):
    centered = x - x.mean(-1, keepdim=True)
    return centered * torch.rsqrt(centered.square().mean(-1, keepdim=True) + eps) * weight


def plain_rms_norm(x, sizes, weight, eps):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def of_rows(norm, x, weight):
    return norm(x, (4,), weight, eps=1e-2).pow(3)


TRANSFORMS = {
    "jvp": lambda f, x, w: torch.func.jvp(f, (x, w), (x.cos(), w.sin()))[1],
    "jvp of the weight": lambda f, x, w: torch.func.jvp(partial(f, x), (w,), (w.sin(),))[1],
    "jacfwd": lambda f, x, w: torch.func.jacfwd(f, argnums=(0, 1))(x, w),
    "jacrev": lambda f, x, w: torch.func.jacrev(f, argnums=(0, 1))(x, w),
    "hessian": lambda f, x, w: torch.func.hessian(lambda x, w: f(x, w).sum(), (0, 1))(x, w),
    "jacrev of jacfwd": lambda f, x, w: torch.func.jacrev(torch.func.jacfwd(f))(x, w),
    "vmap": lambda f, x, w: torch.func.vmap(f)(x, w.expand(len(x), -1)),
    "vmap of heads": lambda f, x, w: torch.func.vmap(lambda x: f(x, w))(
        x.expand(2, 5, 6, 3, 4).sin().transpose(2, 3)
    ),
    "vmap of a vjp": lambda f, x, w: torch.func.vmap(torch.func.grad(lambda x: f(x, w).sum()))(x),
    "a dual number": lambda f, x, w: dual(f, x, w),
    "a dual number backwards": lambda f, x, w: dual(
        lambda x, w: torch.autograd.grad(f(x, w).sum(), x, create_graph=True)[0],
        x.clone().requires_grad_(),
        w,
    ),
    "jvp of a jvp": lambda f, x, w: jvp(lambda x: jvp(lambda x: f(x, w), x), x),
    "jvp of a jvp by the other": lambda f, x, w: jvp(lambda w: jvp(lambda x: f(x, w), x), w),
    "jacfwd of jacfwd": lambda f, x, w: torch.func.jacfwd(torch.func.jacfwd(f))(x, w),
    "jacfwd of jacrev of jacfwd": lambda f, x, w: torch.func.jacfwd(
        torch.func.jacrev(torch.func.jacfwd(lambda x: f(x, w).sum()))
    )(x),
    "grad of a jvp of a jvp": lambda f, x, w: torch.func.grad(
        lambda x: jvp(lambda x: jvp(lambda x: f(x, w), x), x).sum()
    )(x),
    "linearize": lambda f, x, w: torch.func.linearize(f, x, w)[1](x.cos(), w.sin()),
    "functionalize": lambda f, x, w: torch.func.functionalize(f)(x, w),
    "make_fx": lambda f, x, w: make_fx(f)(x, w)(x + 1, w),
    "a batch of backward passes": lambda f, x, w: batched(f, x.clone().requires_grad_(), w),
    "a vectorized hessian": lambda f, x, w: torch.autograd.functional.hessian(
        lambda x: f(x, w).sum(), x, vectorize=True
    ),
    "three times": lambda f, x, w: torch.func.grad(
        lambda x: torch.func.grad(lambda x: torch.func.grad(lambda x: f(x, w).sum())(x).sum())(
            x
        ).sum()
    )(x),
}


def jvp(function, x):
    return torch.func.jvp(function, (x,), (x.cos(),))[1]


def batched(function, x, weight):
    y = function(x, weight)
    upstream = draw(5, *y.shape, seed=7)
    return torch.autograd.grad(y, x, upstream, is_grads_batched=True)[0]


def dual(function, x, weight):
    with forward_ad.dual_level():
        y = function(forward_ad.make_dual(x, x.cos()), forward_ad.make_dual(weight, weight.sin()))
        return forward_ad.unpack_dual(y).tangent


@pytest.mark.parametrize(
    ("ours", "plain"),
    [(torch_norms.layer_norm, plain_layer_norm), (torch_norms.rms_norm, plain_rms_norm)],
    ids=FUNCTIONS,
)
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_derivatives_of_every_kind_are_those_of_the_formula(transform, ours, plain):
    x, weight = draw(3, 4), draw(4, seed=1)
    got, wanted = (transform(partial(of_rows, norm), x, weight) for norm in (ours, plain))
    flat, _ = torch.utils._pytree.tree_flatten(got)
    reference, _ = torch.utils._pytree.tree_flatten(wanted)
    assert len(flat) == len(reference)
    for mine, other in zip(flat, reference, strict=True):
        assert_allclose(mine.detach(), other.detach(), rtol=1e-9, atol=1e-9)


def test_a_bias_has_tangents_too():
    y, bias = draw(3, 4), draw(4, seed=2)
    moved = torch.func.jvp(lambda b: torch_norms.layer_norm(y, 4, bias=b), (bias,), (bias.sin(),))[
        1
    ]
    assert_allclose(moved, bias.sin().expand(3, 4))


@by_function
def test_a_gradient_is_the_same_whether_it_will_be_differentiated_or_not(ours, theirs):
    x, weight = draw(300, 2000, dtype=torch.float32), draw(2000, seed=1, dtype=torch.float32)
    inputs = x.requires_grad_(), weight.requires_grad_()
    y = ours(x, (2000,), weight)
    once = torch.autograd.grad(y.pow(2).sum(), inputs, retain_graph=True)
    again = torch.autograd.grad(y.pow(2).sum(), inputs, create_graph=True)
    for in_chunks, at_once in zip(once, again, strict=True):
        assert_allclose(in_chunks, at_once.detach(), rtol=1e-4, atol=1e-3)


WATCHERS = {
    "vmap": lambda look: torch.func.vmap(look)(draw(3)),
    "grad": lambda look: torch.func.grad(look)(draw(3)),
    "jvp": lambda look: torch.func.jvp(look, (draw(3),), (draw(3),)),
    "functionalize": lambda look: torch.func.functionalize(look)(draw(3)),
    "a dual number": lambda look: in_dual_level(look),
    "make_fx": lambda look: make_fx(look)(draw(3)),
    "fake tensors": lambda look: in_mode(FakeTensorMode(allow_non_fake_inputs=True), look),
    "a trace": lambda look: torch.jit.trace(look, draw(3), check_trace=False),
}


def in_dual_level(look):
    with forward_ad.dual_level():
        look(forward_ad.make_dual(draw(3), draw(3)))


def in_mode(mode, look):
    with mode:
        look(draw(3))


@pytest.mark.parametrize("watcher", WATCHERS.values(), ids=WATCHERS)
def test_whoever_looks_on_is_seen(watcher):
    """Some of the questions are private ones of torch; they must have answers in each torch."""
    seen = []

    def look(x):
        seen.append(is_watched(x))
        return x.sum()

    assert not is_watched(draw(3), None)
    watcher(look)
    assert all(seen)
    assert seen
    assert not is_watched(draw(3))


def test_only_dense_tensors_on_a_cpu_are_plain():
    x = draw(2, 3)
    for plain in (x, nn.Parameter(x), x.bfloat16(), x.t(), x.clone().requires_grad_() * 2):
        assert is_plain(plain, None)
    with torch.inference_mode():
        assert is_plain(x * 2)
    for other in (x.to("meta"), x.to_sparse(), TwoTensor(x, x), torch.complex(x, x).conj()):
        assert not is_plain(x, other)
    batches = []
    y = x.clone().requires_grad_()
    doubled = y * 2
    doubled.register_hook(lambda dy: batches.append(is_plain(dy)))
    torch.autograd.grad(doubled, y, torch.ones(4, 2, 3), is_grads_batched=True)
    assert batches == [False]


# Programs that read models


@by_module
def test_a_symbolic_trace_keeps_the_norm_whole(ours, theirs):
    model = nn.Sequential(nn.Linear(4, 4), ours(4))
    traced = torch.fx.symbolic_trace(model)
    calls = [node.target.__name__ for node in traced.graph.nodes if node.op == "call_function"]
    assert calls == [{"LayerNorm": "layer_norm", "RMSNorm": "rms_norm"}[ours.__name__]]
    x = draw(7, 4, dtype=torch.float32)
    assert torch.equal(traced(x), model(x))


@by_module
def test_a_scripted_module_can_be_saved_and_gives_what_torchs_gives(ours, theirs):
    mine, reference = with_same_parameters(ours, theirs, (3, 4))
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch will give up torch.jit
        torch.jit.save(torch.jit.script(mine), file)
        file.seek(0)
        x = draw(2, 3, 4, dtype=torch.float32)
        assert torch.equal(torch.jit.load(file)(x), reference(x))


@by_module
def test_a_trace_holds_for_other_sizes_and_warns_of_nothing(ours, theirs):
    mine, _ = with_same_parameters(ours, theirs, 768)
    with warnings.catch_warnings():
        warnings.simplefilter("error", torch.jit.TracerWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        traced = torch.jit.trace(mine, draw(2, 768, dtype=torch.float32))
    x = draw(5000, 768, dtype=torch.float32)
    assert_allclose(traced(x).detach(), mine(x).detach(), rtol=1e-5, atol=1e-5)


@by_module
@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
def test_compiled_whole_it_trains_the_same(ours, theirs, dynamic):
    mine, _ = with_same_parameters(ours, theirs, 4)
    compiled = torch.compile(mine, backend="aot_eager", fullgraph=True, dynamic=dynamic)
    for rows in (3, 5):
        x = draw(rows, 4, dtype=torch.float32)
        gradients = []
        for norm in (mine, compiled):
            given = x.clone().requires_grad_()
            norm(given).pow(3).sum().backward()
            gradients.append(given.grad)
        assert_allclose(*gradients, rtol=1e-5, atol=1e-5)


@by_module
@pytest.mark.filterwarnings("ignore:Mismatch dtype")  # torch's, that its own norm is slow here
def test_export_autocast_and_checkpointing_go_through(ours, theirs):
    mine, reference = with_same_parameters(ours, theirs, 4)
    x = draw(3, 4, dtype=torch.float32)
    exported = torch.export.export(mine, (x,)).module()
    assert_allclose(exported(x).detach(), mine(x).detach(), rtol=1e-5)
    model, other = nn.Sequential(nn.Linear(4, 4), mine), nn.Sequential(nn.Linear(4, 4), reference)
    other[0].load_state_dict(model[0].state_dict())
    with torch.autocast("cpu", torch.bfloat16):
        y, wanted = model(x), other(x)
    assert y.dtype == wanted.dtype
    assert_allclose(y.detach().float(), wanted.detach().float(), rtol=2e-2, atol=2e-2)
    given = x.clone().requires_grad_()
    checkpoint(mine, given, use_reentrant=False).pow(3).sum().backward()
    alone = x.clone().requires_grad_()
    mine(alone).pow(3).sum().backward()
    assert torch.equal(given.grad, alone.grad)


# Arguments


@by_module
def test_ours_is_one_of_torchs_kind(ours, theirs):
    assert isinstance(ours(4), theirs)
    mine, reference = (repr(norm(np.int64(4), eps=1e-3)) for norm in (ours, theirs))
    assert mine == f"{reference[:-1]}, path=chunks)"
    assert "path=by input" in repr(ours(4, elementwise_affine=False))
    assert "path=written out" in repr(ours(4, device="meta"))
    assert torch.equal(ours(np.int64(4))(torch.ones(2, 4)), ours(4)(torch.ones(2, 4)))


@by_function
def test_arguments_have_torchs_names(ours, theirs):
    x, weight = draw(2, 4), draw(4)
    named = {"input": x, "normalized_shape": [4], "weight": weight, "eps": 1e-3}
    assert_allclose(ours(**named), theirs(**named))
    assert_allclose(torch_norms.LayerNorm(4).double()(input=x).detach(), F.layer_norm(x, (4,)))


WRONG = {
    "an array": lambda norm: norm(np.ones((2, 4)), (4,)),
    "a list": lambda norm: norm([[1.0, 2.0]], (2,)),
    "other sizes": lambda norm: norm(torch.ones(2, 3), (4,)),
    "more sizes than the input has": lambda norm: norm(torch.ones(4), (2, 4)),
    "a weight of another shape": lambda norm: norm(torch.ones(2, 4), (4,), torch.ones(3)),
    "no sizes": lambda norm: norm(torch.ones(2, 4), ()),
    "a text for sizes": lambda norm: norm(torch.ones(2, 4), "4"),
    "a text for epsilon": lambda norm: norm(torch.ones(2, 4), (4,), eps="1e-5"),
}


@by_function
@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG)
def test_what_torch_refuses_is_refused_with_an_error_of_its_kind(call, ours, theirs):
    with pytest.raises(Exception) as refused:  # noqa: PT011 # whatever torch raises
        call(theirs)
    few_dimensions = call is WRONG["more sizes than the input has"]  # see `too_few_dimensions`
    with pytest.raises(RuntimeError if few_dimensions else type(refused.value)):
        call(ours)


@by_function
def test_the_memory_format_is_kept(ours, theirs):
    x = draw(2, 3, 4, 5).to(memory_format=torch.channels_last)
    for shape in ((5,), (4, 5), (3, 4, 5)):
        y = ours(x, shape)
        assert y.is_contiguous(memory_format=torch.channels_last), shape
        assert_allclose(y, theirs(x, shape), rtol=1e-9, atol=1e-9)


@by_function
def test_nothing_to_normalize_gives_nothing(ours, theirs):
    for shape, sizes in (((0, 4), (4,)), ((3, 0), (0,)), ((2, 0, 4), (0, 4))):
        x = torch.empty(shape, requires_grad=True)
        y = ours(x, sizes, torch.ones(sizes))
        assert y.shape == shape
        y.sum().backward()
        assert x.grad.shape == shape
    assert torch.equal(
        ours(torch.ones(2, 4), 4, eps=torch.tensor(1e-3)), ours(torch.ones(2, 4), 4, eps=1e-3)
    )


@by_function
@pytest.mark.filterwarnings("ignore:User provided device_type of 'cuda'")
def test_autocast_on_cuda_lets_norms_run_in_float32_as_torch_does(ours, theirs):
    with FakeTensorMode(), warnings.catch_warnings():
        x = torch.empty(2, 4, dtype=torch.float16, device="cuda")
        weight = torch.empty(4, dtype=torch.float16, device="cuda")
        before = torch.is_autocast_enabled("cuda")
        torch.set_autocast_enabled("cuda", True)
        try:
            assert ours(x, (4,), weight).dtype == theirs(x, (4,), weight).dtype == torch.float32
        finally:
            torch.set_autocast_enabled("cuda", before)


# torch's own inputs


def inputs_of_torch():
    """(module, name, arguments, x) of torch's own tests of its norms."""
    for info in module_db:
        for ours, theirs in PAIRS.values():
            if info.module_cls is theirs:
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(0)
                    given = info.module_inputs_func(
                        info, device="cpu", dtype=torch.float64, requires_grad=True, training=True
                    )
                for each in given:
                    constructor, forward = each.constructor_input, each.forward_input
                    yield pytest.param(
                        *(ours, theirs, constructor.args, constructor.kwargs, *forward.args),
                        id=f"{theirs.__name__}: {each.desc or 'plain'}",
                    )


@pytest.mark.parametrize(("ours", "theirs", "arguments", "options", "x"), [*inputs_of_torch()])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_torchs_own_inputs_find_no_difference(ours, theirs, arguments, options, x, dtype):
    """In float64, since in bfloat16 torch's sums over rows wander (chapter 03)."""
    mine, _ = with_same_parameters(ours, theirs, *arguments, **(options | {"dtype": dtype}))
    reference = theirs(*arguments, **(options | {"dtype": torch.float64}))
    reference.load_state_dict(mine.state_dict())
    given, exact = (
        x.detach().to(dtype).to(wide).requires_grad_() for wide in (dtype, torch.float64)
    )
    y, wanted = mine(given), reference(exact)
    dy = draw(*y.shape, seed=3).to(dtype)
    y.backward(dy)
    wanted.backward(dy.double())
    got = [y, given.grad, *(p.grad for p in mine.parameters())]
    right = [wanted, exact.grad, *(p.grad for p in reference.parameters())]
    tolerance = {torch.float64: 1e-12, torch.float32: 2e-6, torch.bfloat16: 8e-3}[dtype]
    for one, other in zip(got, right, strict=True):
        assert (one.dtype, one.shape) == (dtype, other.shape)
        scale = max([1.0, *other.detach().abs().flatten().tolist()])
        assert_allclose(one.detach().double(), other.detach(), rtol=0, atol=tolerance * scale)


def test_torch_has_inputs_for_both():
    found = {parameter.values[1] for parameter in inputs_of_torch()}
    assert found == {nn.LayerNorm, nn.RMSNorm}


# All that was found to be otherwise than in torch.nn, and why it stays so


def complex_input():
    """torch.nn.RMSNorm takes it; no paper and no exercise has it."""
    x = torch.ones(2, 4, dtype=torch.complex64)
    assert F.rms_norm(x, (4,)).is_complex()
    with pytest.raises(NotImplementedError, match="complex64"):
        torch_norms.rms_norm(x, 4)


def mixed_dtypes():
    """A float64 weight for a float32 input is taken."""
    x, weight = torch.ones(2, 4), torch.ones(4, dtype=torch.float64)
    assert torch_norms.layer_norm(x, 4, weight).dtype == torch.float32
    with pytest.raises(RuntimeError):
        F.layer_norm(x, (4,), weight)


def too_few_dimensions():
    """torch's rms_norm has ValueError; ours RuntimeError, as for every shape that does not fit."""
    with pytest.raises(ValueError, match="at least 2 dimensions"):
        F.rms_norm(torch.ones(4), (2, 4))
    with pytest.raises(RuntimeError, match="trailing sizes"):
        torch_norms.rms_norm(torch.ones(4), (2, 4))


def negative_epsilon():
    """Refused, where torch gives NaN."""
    assert F.layer_norm(torch.ones(2, 4), (4,), eps=-1.0).isnan().all()
    with pytest.raises(ValueError, match="eps is -1"):
        torch_norms.layer_norm(torch.ones(2, 4), 4, eps=-1.0)


def offset():
    """In float32 rows at 1e4 ± 1 torch loses three digits."""
    far = (1e4 + draw(8, 768)).float()
    exact = F.layer_norm(far.double(), (768,))
    assert (F.layer_norm(far, (768,)) - exact).abs().max() > 1e-4
    assert (torch_norms.layer_norm(far, 768) - exact).abs().max() < 2e-6


def great_rows():
    """torch gives 0 or NaN where float32 squares overflow."""
    great = torch.tensor([[1e20, -1e20, 2e20, 0]])
    exact = F.layer_norm(great.double(), (4,)).float()
    assert not torch.allclose(F.layer_norm(great, (4,)), exact)
    assert torch.allclose(torch_norms.layer_norm(great, 4), exact)


def mixed_second_derivatives():
    """In torch.func.hessian those of torch's layer norm by x and weight are wrong (torch 2.13)."""

    def mixed(norm):
        of_both = torch.func.hessian(lambda x, w: of_rows(norm, x, w).sum(), (0, 1))
        return of_both(draw(3, 4), draw(4, seed=1))[1][0]

    assert torch.allclose(mixed(torch_norms.layer_norm), mixed(plain_layer_norm))
    if torch.__version__.startswith("2.13"):
        assert not torch.allclose(mixed(F.layer_norm), mixed(plain_layer_norm))


def memory_format():
    """Layer norm keeps channels_last, torch's gives contiguous memory."""
    image = draw(2, 3, 4, 5).to(memory_format=torch.channels_last)
    assert F.layer_norm(image, (5,)).is_contiguous()
    assert not torch_norms.layer_norm(image, 5).is_contiguous()


def scripted():
    """TorchScript reads no autograd.Function: there it is torch's own operator."""
    far = (1e4 + draw(8, 768)).float()
    both = torch.jit.script(torch_norms.LayerNorm(768)), nn.LayerNorm(768)
    assert torch.equal(*(norm(far) for norm in both))


DIFFERENCES = (
    *(complex_input, mixed_dtypes, too_few_dimensions, negative_epsilon, offset, great_rows),
    *(mixed_second_derivatives, memory_format, scripted),
)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda f: f.__doc__)
def test_a_difference_that_is_listed_is_there(difference):
    difference()
