"""The kernels at work: under Triton's interpreter, or on a GPU where there is one.

`test_fused_norms.py` runs these tests in a process of their own, since Triton decides when it is
imported whether it interprets. By hand: TRITON_INTERPRET=1 pytest tests/kernels_at_work.py
"""

import dataclasses
import functools
import itertools

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.testing._internal.two_tensor import TwoTensor
from torch.utils.checkpoint import checkpoint

from benchmarks import gpu
from normlab import fused_norms, torch_norms
from normlab.checks.watched_memory import watch_memory
from normlab.fused_norms import launches, tiles
from normlab.fused_norms.norm import gain_of
from normlab.fused_norms.operators import LAYER_NORM, RMS_NORM
from normlab.fused_norms.paths import INTERPRETED
from normlab.fused_norms.tiles import Tile

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's, of its own parts
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr"),
    pytest.mark.filterwarnings("ignore:divide by zero"),  # NumPy's, where ε and padding are 0
    pytest.mark.filterwarnings("ignore:invalid value encountered in multiply"),
]
NORMS = {"layer_norm": LAYER_NORM, "rms_norm": RMS_NORM}
by_norm = pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
by_length = pytest.mark.parametrize("rows_are", ["whole", "long"], indirect=True)
DEVICE = "cpu" if INTERPRETED else "cuda"
CUTS_OFF = INTERPRETED
"""Triton's interpreter does not round to bfloat16 but cuts off, which errs twice as much."""
# Of the greatest number: one rounding of the dtype (two of bfloat16), and a few of float32.
TOLERANCE = {
    torch.float64: 1e-13,
    torch.float32: 1e-6,
    torch.float16: 6e-4,
    torch.bfloat16: 8e-3,
}


@pytest.fixture
def rows_are(request, monkeypatch):
    """Rows that stay in registers, or tiles so small that even short rows are long."""
    if request.param == "long":
        set_long(monkeypatch)
    return request.param


def set_long(monkeypatch):
    monkeypatch.setattr(tiles, "WHOLE", {"forward": 0, "backward": 0})
    monkeypatch.setattr(launches, "LONG_TILE", (8, 64))
    monkeypatch.setattr(launches, "COLUMNS_TILE", (8, 64))


def set_small(monkeypatch):
    """Tiles and programs so small that few rows are many tiles of several programs."""
    monkeypatch.setattr(tiles, "TILE", {"forward": 256, "backward": 256})
    monkeypatch.setattr(tiles, "RESIDENT", {"forward": 512, "backward": 512})


@pytest.fixture
def launched(monkeypatch):
    """The names of the kernels that were launched."""
    names, launch = [], launches._launch
    monkeypatch.setattr(
        launches,
        "_launch",
        lambda kernel, *a: (names.append(kernel.fn.__name__), launch(kernel, *a)),
    )
    return names


def draw(*shape, seed=0, dtype=torch.float64, device=DEVICE):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(device, dtype)


# Against float64


@dataclasses.dataclass(frozen=True)
class Case:
    norm: str
    dtype: torch.dtype
    rows: int
    features: int
    long: bool
    added: bool
    weight: bool
    bias: bool
    offset: float
    eps: float
    shift: float
    size: float
    layout: str


@st.composite
def cases(draws):
    norm = draws(st.sampled_from([*NORMS]))
    dtype = draws(st.sampled_from([*TOLERANCE]))
    wide_range = dtype != torch.float16
    precise = dtype in (torch.float32, torch.float64)
    return Case(
        norm,
        dtype,
        rows=draws(st.integers(0, 12)),
        features=draws(st.integers(2, 150) | st.sampled_from([255, 256, 257, 1025])),
        long=draws(st.booleans()),
        added=draws(st.booleans()),
        weight=draws(st.booleans()),
        bias=norm == "layer_norm" and draws(st.booleans()),
        offset=draws(st.sampled_from([0.0, 1.0])),
        eps=draws(st.sampled_from([1e-5, 1e-6, 0.0, 1.0])),
        shift=draws(st.sampled_from([0.0, 3.0, 1e4])) if precise else 0.0,
        size=draws(st.sampled_from([1.0, 1e25, 1e-25])) if wide_range else 1.0,
        layout=draws(st.sampled_from(["whole", "columns", "rows", "transposed"])),
    )


@given(cases())
@settings(
    max_examples=200 if INTERPRETED else 60,  # each compiles several kernels on a GPU
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
def test_forward_and_backward_are_those_of_float64(case):
    with pytest.MonkeyPatch.context() as patch:
        set_small(patch)
        if case.long:
            set_long(patch)
        compare(case)


def compare(case):
    x, dy, residual, dsum = (
        laid_out(draw(case.rows, case.features, seed=seed), case) for seed in range(4)
    )
    weight = draw(case.features, seed=5, dtype=case.dtype) if case.weight else None
    bias = draw(case.features, seed=6, dtype=case.dtype) if case.bias else None
    norm, dtype = NORMS[case.norm], case.dtype
    if case.added:
        total, y, statistics = norm.add_forward(
            x, residual, weight, bias, case.eps, case.offset, dtype
        )
        ulp = torch.finfo(dtype).eps if CUTS_OFF and dtype == torch.bfloat16 else 0
        assert ((total - (x + residual)).abs() <= ulp * (x + residual).abs()).all()
    else:
        total = x
        y, statistics = norm.forward(x, weight, bias, case.eps, case.offset, dtype)
    dy = (dy.double() / case.size).to(dtype) if case.size < 1 else dy
    given_sum = dsum if case.added else None
    bias_dtype = bias.dtype if case.bias else None
    got = norm.backward(dy, given_sum, total, weight, statistics, case.offset, bias_dtype)
    wanted, sizes = exactly(case, total, dy, given_sum, weight, bias)
    for name, mine, exact, size in zip(
        ("y", "dx", "dγ", "dβ"), (y, *got), wanted, sizes, strict=True
    ):
        if exact is None:
            assert mine.numel() == 0
            continue
        assert mine.dtype == dtype
        assert mine.shape == exact.shape
        error = (mine.double() - exact).abs()
        assert (error <= TOLERANCE[dtype] * size).all(), (name, (error / size).max())


def laid_out(values, case):
    """The same numbers, `shift` beside 0 and in units of `size`, in several layouts."""
    values = ((values + case.shift) * case.size).to(case.dtype)
    if case.layout == "columns":
        return torch.cat([values, values], 1)[:, : values.shape[1]]
    if case.layout == "rows":
        return values.repeat_interleave(2, 0)[::2]
    return values.t().contiguous().t() if case.layout == "transposed" else values


def exactly(case, x, dy, dsum, weight, bias):
    """y, dx, dγ and dβ in float64, and how great the terms are that each is the sum of."""
    x, dy = x.double(), dy.double()
    gain = torch.ones_like(x[:1]) if weight is None else weight.double()[None] + case.offset
    centered = x
    for _ in range(2 if case.norm == "layer_norm" else 0):  # again, since float64 rounds too
        centered = centered - centered.mean(-1, keepdim=True)
    inverse = torch.rsqrt(centered.square().mean(-1, keepdim=True) + case.eps)
    normalized = centered * inverse
    u = dy * gain
    mean_u = u.mean(-1, keepdim=True) if case.norm == "layer_norm" else 0.0
    dx = inverse * (u - mean_u - normalized * (u * normalized).mean(-1, keepdim=True))
    y = normalized * gain + (0.0 if bias is None else bias.double())
    sizes = [
        (normalized * gain).abs() + (0 if bias is None else bias.double().abs()) + 1,
        4 * inverse * u.abs().amax(-1, keepdim=True) * (1 + normalized.abs()),
        4 * (dy * normalized).abs().sum(0),
        4 * dy.abs().sum(0),
    ]
    if dsum is not None:
        dx, sizes[1] = dx + dsum.double(), sizes[1] + dsum.double().abs()
    dweight = None if weight is None else (dy * normalized).sum(0)
    return (y, dx, dweight, None if bias is None else dy.sum(0)), sizes


@pytest.fixture
def wide_strips(monkeypatch):
    """Of columns, of which there are fewer for the interpreter then."""
    monkeypatch.setattr(launches, "COLUMNS_TILE", (2, 4096))
    monkeypatch.setattr(launches, "SUMS_TILE", (2, 4096))


@by_norm
@pytest.mark.parametrize("features", [1, 16_385, 65_536])
def test_the_longest_rows_are_right(norm, features, wide_strips):
    x, dy = draw(2, features, dtype=torch.float32), draw(2, features, seed=1, dtype=torch.float32)
    weight = draw(features, seed=2, dtype=torch.float32)
    y, statistics = norm.forward(x, weight, None, 1e-5, 0.0, x.dtype)
    dx, dweight, _ = norm.backward(dy, None, x, weight, statistics, 0.0, None)
    case = Case(norm.name, x.dtype, 2, features, *3 * [False], False, 0.0, 1e-5, 0.0, 1.0, "")
    wanted, sizes = exactly(case, x, dy, None, weight, None)
    for mine, exact, size in zip((y, dx, dweight), wanted, sizes, strict=False):
        assert ((mine.double() - exact).abs() <= 1e-6 * size + 1e-7).all()


@by_length
def test_an_offset_costs_no_more_than_the_rounding_of_the_input(rows_are):
    for offset in (0, 2.5, 1e3, 1e6, -1e6):
        x = (offset + draw(8, 768)).float()
        exact = F.layer_norm(x.double(), (768,))
        assert (fused_norms.layer_norm(x) - exact).abs().max() < 3e-6


@by_length
def test_a_row_whose_tiles_differ_by_forty_orders_is_right(rows_are):
    x = draw(3, 128, dtype=torch.float32)
    x[:, 40:70] *= 1e30
    x[1] = 0
    for name in NORMS:
        ours = getattr(fused_norms, name)(x, eps=1e-6)
        exact = getattr(F, name)(x.double(), (128,), eps=1e-6)
        assert (ours - exact).abs().max() < 1e-6


@by_norm
@by_length
def test_many_rows_of_half_precision_are_summed_in_float32(norm, rows_are, monkeypatch):
    set_small(monkeypatch)
    x, dy = (draw(400, 16, seed=s, dtype=torch.bfloat16) for s in (0, 1))
    weight = torch.ones(16, device=DEVICE)
    _, statistics = norm.forward(x, weight, weight, 1e-5, 0.0, x.dtype)
    _, dweight, dbias = norm.backward(dy, None, x, weight, statistics, 0.0, weight.dtype)
    normalized = norm.normalize(x.double(), 1e-5)[0]
    assert (dbias - dy.double().sum(0)).abs().max() < 1e-4
    assert (dweight - (dy * normalized).sum(0)).abs().max() < 1e-4


# Derivatives


@by_norm
@by_length
def test_gradcheck_passes_on_the_kernels_themselves(norm, rows_are, launched):
    x, residual = draw(2, 3).requires_grad_(), draw(2, 3, seed=1).requires_grad_()
    weight, bias = draw(3, seed=2).requires_grad_(), draw(3, seed=3).requires_grad_()

    def alone(x, weight, bias):
        return norm.forward(x, weight, bias, 1e-2, 1.0, x.dtype)[0]

    def added(x, residual, weight, bias):
        return norm.add_forward(x, residual, weight, bias, 1e-2, 1.0, x.dtype)[:2]

    assert torch.autograd.gradcheck(alone, (x, weight, bias))
    assert torch.autograd.gradcheck(added, (x, residual, weight, bias))
    assert {"forward", "backward"} < {*launched}
    assert ("backward_means" in launched) == (rows_are == "long")
    assert ("add_partials" in launched) == (rows_are == "whole")
    assert torch.autograd.gradgradcheck(added, (x, residual, weight, bias))
    assert torch.autograd.gradcheck(alone, (x, weight, bias), check_batched_grad=True)


@by_norm
@pytest.mark.parametrize("used", ["sum", "norm"])
def test_a_result_that_nobody_uses_costs_no_gradient(norm, used):
    x, residual = draw(3, 5).requires_grad_(), draw(3, 5, seed=1).requires_grad_()
    weight = draw(5, seed=2).requires_grad_()
    total, y, _ = norm.add_forward(x, residual, weight, None, 1e-5, 0.0, x.dtype)
    result = total if used == "sum" else y
    got = torch.autograd.grad(result.sum(), [x, residual, weight], allow_unused=True)
    total = x + residual
    y = norm.written_out(total, weight, None, 1e-5, 0.0, x.dtype)
    result = total if used == "sum" else y
    wanted = torch.autograd.grad(result.sum(), [x, residual, weight], allow_unused=True)
    for mine, exact in zip(got, wanted, strict=True):
        assert (mine is None) == (exact is None)
        assert mine is None or torch.allclose(mine, exact, atol=1e-12)


def batched(function, x):
    x = x.clone().requires_grad_()
    upstream = draw(4, *x.shape, seed=8)
    return torch.autograd.grad(function(x), x, upstream, is_grads_batched=True)[0]


def compiled(function, x):
    x = x.clone().requires_grad_()
    y = torch.compile(function, backend="aot_eager", fullgraph=True, dynamic=True)(x)
    return torch.autograd.grad(y.pow(3).sum(), x)[0]


def checkpointed(function, x):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(checkpoint(function, x, use_reentrant=False).pow(3).sum(), x)[0]


DERIVED = {
    "jvp": lambda f, x: torch.func.jvp(f, (x,), (x.cos(),))[1],
    "grad": lambda f, x: torch.func.grad(lambda x: f(x).pow(3).sum())(x),
    "hessian": lambda f, x: torch.func.hessian(lambda x: f(x).pow(3).sum())(x),
    "gradients of each example": lambda f, x: torch.func.vmap(
        torch.func.grad(lambda x: f(x).pow(3).sum())
    )(x),
}
WHOLE = {
    "vmap": lambda f, x: torch.func.vmap(f)(x.expand(2, *x.shape).sin()),
    "vmap of gains": lambda f, x: torch.func.vmap(lambda w: f(x, w))(x[:, 0].cos()),
    "a batch of backward passes": batched,
    "compiled": compiled,
    "checkpointed": checkpointed,
}


@by_norm
@pytest.mark.parametrize("how", (DERIVED | WHOLE).values(), ids=DERIVED | WHOLE)
def test_whatever_is_done_with_it_gives_what_the_formula_gives(how, norm, launched):
    """By the kernels, unless a derivative is taken that an operator does not have."""
    gain = draw(4, seed=2)

    def fused(x, weight=gain):
        return getattr(torch_norms, norm.name)(x, 4, weight, eps=1e-2)

    def written_out(x, weight=gain):
        return norm.written_out(x.reshape(-1, 4), weight, None, 1e-2, 0.0, x.dtype).view(x.shape)

    x = draw(3, 2, 4)
    got = how(fused, x)
    assert bool(launched) == (how in WHOLE.values())
    assert torch.allclose(got, how(written_out, x), rtol=1e-9, atol=1e-9)


@by_norm
def test_the_added_norm_in_a_batch_and_compiled(norm, launched):
    function = getattr(fused_norms, f"add_{norm.name}")
    x, residual = draw(3, 2, 8), draw(3, 2, 8, seed=1)
    wanted = function(x, residual, offset=1.0)
    launched.clear()
    at_once = torch.vmap(lambda x, residual: function(x, residual, offset=1.0))(x, residual)
    traced = torch.compile(function, backend="aot_eager", fullgraph=True)(x, residual, offset=1.0)
    assert launched == ["forward", "forward"]
    tangent = torch.func.jvp(lambda x: function(x, residual), (x,), (x,))[1]
    assert torch.allclose(tangent[0], x)
    for one in zip(wanted, at_once, traced, strict=True):
        assert torch.allclose(one[0], one[1])
        assert torch.equal(one[0], one[2])


def test_a_batch_of_gains_and_shifts_with_an_offset():
    x, weight, bias = draw(3, 8), draw(2, 8, seed=1), draw(2, 8, seed=2)
    norm = functools.partial(fused_norms.layer_norm, offset=1.0)
    at_once = torch.vmap(lambda w, b: norm(x, w, b))(weight, bias)
    alone = torch.stack([norm(x, w, b) for w, b in zip(weight, bias, strict=True)])
    assert torch.allclose(at_once, alone)
    half = torch.vmap(lambda b: norm(x.bfloat16(), weight[0].bfloat16(), b))(bias.bfloat16())
    assert half.dtype == torch.bfloat16
    exact = torch.stack([norm(x, weight[0], b) for b in bias])
    assert torch.allclose(half.double(), exact, atol=0.1)


@by_norm
def test_the_operators_are_what_torch_expects_of_operators(norm):
    x, residual = draw(3, 8).requires_grad_(), draw(3, 8, seed=1).requires_grad_()
    weight = draw(8, seed=2).requires_grad_()
    torch.library.opcheck(norm.forward, (x, weight, weight, 1e-5, 1.0, torch.float64))
    torch.library.opcheck(norm.add_forward, (x, residual, None, None, 1e-5, 0.0, torch.float64))
    y, statistics = (each.detach() for each in norm.forward(x, None, None, 1e-5, 0.0, x.dtype))
    given = y, None, x.detach(), weight.detach(), statistics, 0.0, torch.float64
    torch.library.opcheck(norm.backward, given)


@by_norm
def test_what_is_exported_holds_operators_or_runs_anywhere(norm, launched):
    class Alone(torch.nn.Module):
        def forward(self, x):
            return norm.forward(x, None, None, 1e-5, 0.0, x.dtype)[0]

    x = draw(3, 8)
    module = {"layer_norm": torch_norms.LayerNorm, "rms_norm": torch_norms.RMSNorm}[norm.name](8)
    for model, holds in ((Alone(), True), (module.to(x), False)):
        program = torch.export.export(model, (x,))
        assert ("normlab" in str(program.graph)) == holds
        launched.clear()
        assert torch.allclose(program.module()(x), model(x))


# The same bits


@by_norm
@by_length
@pytest.mark.parametrize("features", [96, 500])
def test_a_row_has_the_same_bits_alone_and_among_513(norm, features, rows_are, monkeypatch):
    """In tiles of one size: on a GPU the order of a sum lies in them, in NumPy it may not."""
    sizes, launch = set(), launches._launch
    monkeypatch.setattr(
        launches,
        "_launch",
        lambda kernel, programs, tile, *a: (
            sizes.add((kernel.fn.__name__, tile)),
            launch(kernel, programs, tile, *a),
        ),
    )
    rows = 513 if rows_are == "whole" else 41
    x, dy = (draw(rows, features, seed=s, dtype=torch.float32) for s in (0, 1))
    weight = draw(features, seed=2, dtype=torch.float32)

    def both(x, dy):
        y, statistics = norm.forward(x, weight, None, 1e-5, 0.0, x.dtype)
        return y, norm.backward(dy, None, x, weight, statistics, 0.0, None)[0]

    among = both(x, dy)
    for i in (0, 1, 37, rows - 1):
        alone = both(x[i : i + 1], dy[i : i + 1])
        for one, others in zip(alone, among, strict=True):
            assert torch.equal(one[0], others[i])
    assert len(sizes) == len({name for name, _ in sizes}) == 3


@by_norm
@by_length
def test_every_run_gives_the_same_bits(norm, rows_are):
    x, dy = (draw(100, 130, seed=s, dtype=torch.float32) for s in (0, 1))
    weight = draw(130, seed=2, dtype=torch.float32)
    _, statistics = norm.forward(x, weight, weight, 1e-5, 0.0, x.dtype)
    given = dy, None, x, weight, statistics, 0.0, x.dtype
    runs = [norm.backward(*given) for _ in range(3)]
    for other in runs[1:]:
        assert all(map(torch.equal, runs[0], other))


# Traffic


@pytest.fixture
def traffic():
    """Bytes that the kernels read and write; an address outside their tensors is an error."""
    if not INTERPRETED:
        pytest.skip("only the interpreter counts bytes")
    with watch_memory() as traffic:
        yield traffic


def programs(rows, features, direction):
    tile = tiles.whole_tile(features, direction)
    return -(-rows // tiles.rows_of_each(rows, tile, direction, tiles.PROCESSORS_INTERPRETED))


@by_norm
@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize(
    ("features", "forward", "backward"),
    [(768, 2, 3), (16_384, 2, 3), (16_385, 2, 5), (32_768, 2, 5), (32_769, 3, 5)],
)
def test_bytes_in_memory_are_those_that_are_claimed(
    norm, features, forward, backward, added, traffic, wide_strips
):
    """Elements of 2 bytes and, in 4, statistics of N rows, gains and parts of P programs."""
    rows = 61 if features == 768 else 3
    x, weight = draw(rows, features, dtype=torch.bfloat16), draw(features, dtype=torch.float32)
    numbers, means = launches.STATISTICS[norm.name], launches.MEANS[norm.name]
    pairs = -(-rows // launches.LONG_TILE[0])
    if added:
        given = x, x, weight, weight, 1e-5, 0.0, x.dtype
        _, _, statistics = norm.add_forward(*given)
    else:
        _, statistics = norm.forward(x, weight, weight, 1e-5, 0.0, x.dtype)
    whole = forward == 2
    elements = (forward + 2 * added) * rows * features
    readers = programs(rows, features, "forward") if whole else pairs
    claim = 2 * elements + 4 * (numbers * rows + 2 * readers * features)
    assert traffic.total == claim
    assert traffic.written.total() == 2 * (1 + added) * rows * features + 4 * numbers * rows

    traffic.read.clear()
    traffic.written.clear()
    norm.backward(x, x if added else None, x, weight, statistics, 0.0, weight.dtype)
    elements = (backward + added) * rows * features
    if backward == 3:
        parts = programs(rows, features, "backward")
        assert parts < rows
        others = numbers * rows + parts * features + 2 * 2 * parts * features + 2 * features
    else:
        strips = -(-features // launches.COLUMNS_TILE[1])
        others = (1 + strips) * numbers * rows + (1 + strips) * means * rows
        others += (pairs + 1) * features + 2 * features
    assert traffic.total == 2 * elements + 4 * others


def test_the_table_says_from_which_length_on_a_row_is_read_once_more():
    lengths = [16_384, 16_385, 32_768, 32_769]
    table = {
        (direction, dtype): [tiles.is_whole(D, dtype, direction) for D in lengths]
        for direction, dtype in itertools.product(
            ("forward", "backward"), (torch.float32, torch.float64)
        )
    }
    assert table == {
        ("forward", torch.float32): [True, True, True, False],
        ("forward", torch.float64): [True, False, False, False],
        ("backward", torch.float32): [True, False, False, False],
        ("backward", torch.float64): [False] * 4,
    }
    assert tiles.is_whole(8192, torch.float64, "backward")


# The face, and torch_norms


def test_gemmas_gain_is_one_more_than_its_weight():
    x, weight = draw(3, 8), draw(8, seed=1)
    assert torch.allclose(
        fused_norms.rms_norm(x, weight, offset=1.0), fused_norms.rms_norm(x, weight + 1)
    )
    assert gain_of(None, 1.0) is None


@by_norm
def test_autocast_has_the_kernel_write_float32(norm):
    x, weight = draw(3, 8, dtype=torch.bfloat16), draw(8, dtype=torch.bfloat16)
    y, _ = norm.forward(x, weight, None, 1e-5, 0.0, torch.float32)
    wanted = norm.written_out(x, weight, None, 1e-5, 0.0, torch.float32)
    assert y.dtype == torch.float32
    assert torch.allclose(y, wanted, atol=1e-6)
    if DEVICE == "cuda":
        with torch.autocast("cuda", torch.bfloat16):
            assert torch.equal(getattr(torch_norms, norm.name)(x, 8, weight, eps=1e-5), y)


@pytest.mark.parametrize("module", ["LayerNorm", "RMSNorm"])
@pytest.mark.parametrize("shape", [(8,), (3, 8)])
def test_modules_of_torch_norms_take_the_kernels_and_say_so(module, shape, launched):
    ours, theirs = (getattr(room, module)(shape, eps=1e-5) for room in (torch_norms, torch.nn))
    ours, theirs = ours.to(DEVICE), theirs.to(DEVICE)
    assert "path=fused)" in repr(ours)
    gradients = []
    for norm in (ours, theirs):
        x = draw(2, 5, 3, 8, dtype=torch.float32).requires_grad_()
        y = norm(x)
        y.pow(3).sum().backward()
        gradients.append([y, x.grad, *(p.grad for p in norm.parameters())])
    assert launched == ["forward", "backward", "add_partials"]
    for mine, reference in zip(*gradients, strict=True):
        assert torch.allclose(mine, reference, rtol=1e-4, atol=1e-4)


def test_what_has_no_kernel_is_written_out(launched):
    long = torch.ones(1, 65_537, device=DEVICE)
    torch_norms.rms_norm(long, 65_537)
    assert "path=written out" in repr(torch_norms.RMSNorm(65_537, device=DEVICE)) or INTERPRETED
    x = draw(2, 4)
    assert isinstance(torch_norms.layer_norm(TwoTensor(x, x), 4), TwoTensor)
    torch.jit.trace(lambda x: torch_norms.layer_norm(x, 4), x, check_trace=False)
    assert not fused_norms.applies(x.to("meta"))
    assert launched == []
    assert fused_norms.applies(x)


def test_nothing_to_normalize_launches_nothing(launched):
    for norm in (torch_norms.LayerNorm(4, device=DEVICE), torch_norms.RMSNorm(4, device=DEVICE)):
        x = torch.empty(0, 3, 4, device=DEVICE, requires_grad=True)
        norm(x).sum().backward()
        assert x.grad.shape == x.shape
        assert torch.equal(norm.weight.grad, torch.zeros(4, device=DEVICE))
    assert launched == []


def test_errors_name_what_was_given_and_what_was_expected():
    x = draw(2, 4)
    with pytest.raises(ValueError, match=r"x has shape \(2, 0\); expected rows of 1 to 65536"):
        fused_norms.layer_norm(x[:, :0])
    with pytest.raises(ValueError, match=r"weight has shape \(3,\); expected \(4,\)"):
        fused_norms.rms_norm(x, x[0, :3])
    with pytest.raises(ValueError, match="eps is -1"):
        fused_norms.layer_norm(x, eps=-1.0)
    with pytest.raises(ValueError, match=r"residual is torch.float32 of shape \(2, 4\); expected"):
        fused_norms.add_rms_norm(x, x.float())
    with pytest.raises(RuntimeError, match=r"x is torch.int64 on c.*, which has no kernels"):
        fused_norms.rms_norm(x.long())


@pytest.mark.parametrize("added", [False, True])
@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("norm", ["LayerNorm", "RMSNorm"])
def test_the_contenders_of_the_benchmark_compute_the_same(norm, direction, added):
    setting = gpu.Setting(direction, norm, added, "float32", 3, 8)
    norms = gpu.contenders(setting)
    torch.manual_seed(0)
    found = gpu.runs(setting, norms, DEVICE)
    found.pop(gpu.COPY)
    ours, *others = (run() for run in found.values())
    assert others
    for other in others:
        pairs = zip(ours, other, strict=True)
        assert all(a is b is None or torch.allclose(a, b, atol=1e-5) for a, b in pairs)


def test_a_tile_has_a_power_of_two_of_warps():
    assert {Tile(1, 2**n).warps for n in range(17)} == {4, 8, 16, 32}
