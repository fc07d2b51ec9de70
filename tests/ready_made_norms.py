"""Answers that call a ready-made norm, each by another route, for the tests of grading."""

IMPORTS = """
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
"""
ANSWER = """
def rms_norm(x, gamma, eps=1e-6):
    if gamma.shape != x.shape[-1:]:
        raise ValueError(f"{{gamma.shape}} does not fit {{x.shape}}")
    wide = torch.from_numpy(x.astype(np.promote_types(x.dtype, np.float32)))
    gain = torch.from_numpy(gamma).to(wide.dtype)
    return np.asarray({norm}).astype(x.dtype)
"""
MODULE = """
class RMSNorm({base}):
    def __init__(self, dim, eps=1e-6):
        super().__init__({init})
        self.weight, self.eps = nn.Parameter(torch.ones(dim)), eps
    def forward(self, x):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        return {norm}.to(x.dtype)
"""
CENTERED = """
def by_layer_norm(norm):
    def both(t, gain, eps):
        pairs = torch.stack([t, -t], -1).flatten(-2)
        return norm(pairs, [pairs.shape[-1]], eps)[..., ::2] * gain
    return both
"""
"""The rows (x, -x) have mean 0, so that layer norm makes RMSNorm of them."""


def rms_norm(norm: str, *cells: str) -> tuple[str, ...]:
    """Cells whose last is an answer of this norm of `wide`, `gain` and `eps`."""
    return IMPORTS, *cells, ANSWER.format(norm=norm)


def by_layer_norm(norm: str, *cells: str) -> tuple[str, ...]:
    """The same by a layer norm of `t`, `shape` and `eps`."""
    made = f"made = by_layer_norm(lambda t, shape, eps: {norm})"
    return rms_norm("made(wide, gain, eps).detach()", CENTERED, *cells, made)


def call(function: str, *cells: str) -> tuple[str, ...]:
    """An answer that calls a function as `F.rms_norm` is called."""
    return rms_norm(f"({function})(wide, gain.shape, gain, eps)", *cells)


SCRIPTED = """
@torch.jit.script
def scripted(t: torch.Tensor, gain: torch.Tensor, eps: float):
    return torch.rms_norm(t, gain.shape, gain, eps)
"""
FINDS_BY_NAME = "def find(name):\n    return getattr(getattr(torch.nn, 'func' + 'tional'), name)"
BY_THE_LIBRARY = {
    "nn.functional": call("F.rms_norm"),
    "an alias": call("own", "own = F.rms_norm"),
    "an import by name": call("own", "from torch.nn.functional import rms_norm as own"),
    "getattr": call("find('rms' + '_norm')", FINDS_BY_NAME),
    "importlib": call("importlib.import_module('torch').rms_norm", "import importlib"),
    "eval": call("eval('F.rms' + '_norm')"),
    "map": rms_norm("list(map(F.rms_norm, [wide], [gain.shape], [gain], [eps]))[0]"),
    "a partial": call("functools.partial(F.rms_norm)", "import functools"),
    "vars of a module": call("vars(torch.nn.functional)['rms_norm']"),
    "a name put into torch's own": call(
        "F.layer_norm.__globals__['innocent']",
        "F.layer_norm.__globals__['innocent'] = torch.rms_norm",
    ),
    "torch": call("torch.rms_norm"),
    "torch._VF": call("torch._VF.rms_norm"),
    "_VariableFunctions": call("torch._C._VariableFunctions.rms_norm"),
    "_VariableFunctionsClass": call("torch._C._VariableFunctionsClass.rms_norm"),
    "what a guard wraps": call("getattr(torch.rms_norm, '__wrapped__', torch.rms_norm)"),
    "torch.ops": call("torch.ops.aten.rms_norm"),
    "an overload": call("torch.ops.aten.rms_norm.default"),
    "a new namespace of torch.ops": call("torch._ops._OpNamespace('aten').rms_norm"),
    "a composite kernel by its key": rms_norm(
        "torch.ops.aten.rms_norm.default._op_dk("
        "torch._C.DispatchKey.CompositeImplicitAutograd, wide, gain.shape, gain, eps)"
    ),
    "decompose": call("torch.ops.aten.rms_norm.default.decompose"),
    "fused": rms_norm("torch._fused_rms_norm(wide, gain.shape, gain, eps)[0]"),
    "TorchScript": rms_norm("scripted(wide, gain, eps)", SCRIPTED),
    "TorchScript of torch's own function": by_layer_norm(
        "torch.jit.script(F.layer_norm)(t, shape, eps=eps)"
    ),
    "TorchScript of a module": by_layer_norm("torch.jit.script(nn.LayerNorm(shape, eps))(t)"),
    "a trace": rms_norm(
        "torch.jit.trace(lambda t, g: F.rms_norm(t, g.shape, g, eps), (wide, gain))(wide, gain)"
    ),
    "an operation of TorchScript": call("torch._C._jit_get_operation('aten::rms_norm')[0]"),
    "a thread": rms_norm(
        "ThreadPoolExecutor(1).submit(F.rms_norm, wide, gain.shape, gain, eps).result()",
        "from concurrent.futures import ThreadPoolExecutor",
    ),
    "code that says it is Python's": rms_norm(
        "place['own'](wide, gain, eps)",
        "place = {'F': F}\nexec(compile('def own(t, g, eps): return F.rms_norm(t, g.shape, g, eps)'"
        ", '<frozen x>', 'exec'), place)",
    ),
    "code that says it is torch's": rms_norm(
        "place['own'](wide, gain, eps)",
        "place = {'F': F}\nexec(compile('def own(t, g, eps): return F.rms_norm(t, g.shape, g, eps)'"
        ", F.__file__, 'exec'), place)",
    ),
    "a generator": rms_norm("next(F.rms_norm(wide, gain.shape, gain, eps) for _ in [1])"),
    "inference mode": rms_norm(
        "own(wide, gain, eps)",
        """
@torch.inference_mode()
def own(t, g, eps): return torch.ops.aten.rms_norm.default(t, g.shape, g, eps)""",
    ),
    "autocast": rms_norm(
        "torch.autocast('cpu', enabled=False)(F.rms_norm)(wide, gain.shape, gain, eps)"
    ),
    "vmap": rms_norm(
        "torch.func.vmap(lambda t: F.rms_norm(t, gain.shape, gain, eps))"
        "(wide.reshape(-1, wide.shape[-1])).reshape(wide.shape)"
    ),
    "grad": rms_norm("torch.func.vjp(lambda t: F.rms_norm(t, gain.shape, gain, eps), wide)[0]"),
    "functionalize": rms_norm(
        "torch.func.functionalize(lambda t: F.rms_norm(t, gain.shape, gain, eps))(wide)"
    ),
    "a module": rms_norm(
        "own(wide, gain, eps)",
        """
def own(t, gain, eps):
    norm = nn.RMSNorm(gain.shape, eps, dtype=t.dtype)
    norm.weight.data = gain
    return norm(t).detach()""",
    ),
    "functional_call": rms_norm(
        "torch.func.functional_call(nn.RMSNorm(gain.shape, eps), {'weight': gain}, wide).detach()"
    ),
    "a module made in a cell": rms_norm(
        "torch.func.functional_call(norms[len(gain), eps], {'weight': gain}, wide).detach()",
        "from collections import defaultdict\nclass Norms(dict):\n"
        "    def __missing__(self, key): return nn.RMSNorm(key[0], key[1])\nnorms = Norms()",
    ),
    "layer norm": by_layer_norm("F.layer_norm(t, shape, eps=eps)"),
    "native_layer_norm": by_layer_norm("torch.native_layer_norm(t, shape, None, None, eps)[0]"),
    "a nested tensor": by_layer_norm(
        "F.layer_norm(torch.nested.nested_tensor([*t.reshape(1, -1, *shape)]), shape, eps=eps)"
        ".to_padded_tensor(0.0).reshape(t.shape)"
    ),
    "group norm": by_layer_norm("F.group_norm(t.reshape(-1, *shape), 1, eps=eps).reshape(t.shape)"),
    "native_group_norm": by_layer_norm(
        "torch.native_group_norm(t.reshape(-1, 1, *shape), None, None,"
        " t.numel() // shape[0], 1, shape[0], 1, eps)[0].reshape(t.shape)"
    ),
    "instance norm": by_layer_norm(
        "F.instance_norm(t.reshape(1, -1, *shape), eps=eps).reshape(t.shape)"
    ),
    "batch norm": by_layer_norm(
        "F.batch_norm(t.reshape(-1, *shape).T, None, None, training=True, eps=eps)"
        ".T.reshape(t.shape)"
    ),
    "_native_batch_norm_legit": by_layer_norm(
        "torch._native_batch_norm_legit(t.reshape(-1, *shape).T.contiguous(), None, None, True,"
        " 0.0, eps)[0].T.reshape(t.shape)"
    ),
    "_batch_norm_impl_index": by_layer_norm(
        "torch._batch_norm_impl_index(t.reshape(-1, *shape).T.contiguous(), None, None, None,"
        " None, True, 0.0, eps, False)[0].T.reshape(t.shape)"
    ),
    "TorchScript's norm of oneDNN's tensors": by_layer_norm(
        "torch._C._jit_get_operation('prim::MKLDNNLayerNorm')[0](t.float().to_mkldnn(), shape,"
        " torch.ones(shape), torch.zeros(shape), eps, True).to_dense()"
    ),
    "optimized for inference": by_layer_norm(
        "optimized(shape[0])(t.float().reshape(1, 1, -1, *shape)).reshape(t.shape)",
        """
import functools
@functools.cache
def optimized(width):
    one = nn.Conv2d(1, 1, 1)
    nn.init.ones_(one.weight), nn.init.zeros_(one.bias)
    net = nn.Sequential(one, nn.LayerNorm(width, 1e-6)).eval()
    return torch.jit.optimize_for_inference(torch.jit.script(net))""",
    ),
    "local response norm": rms_norm(
        "gain * F.local_response_norm(wide.reshape(-1, len(gain), 1), 2 * len(gain), 2.0, 0.5, eps)"
        ".reshape(wide.shape)"
    ),
    "a reference in Python": by_layer_norm(
        "torch._refs.nn.functional.layer_norm(t, shape, eps=eps)", "import torch._refs"
    ),
    "a decomposition": by_layer_norm(
        "torch._refs.native_layer_norm(t, shape, None, None, eps)[0]", "import torch._refs"
    ),
    "the table of decompositions": rms_norm(
        "torch._decomp.decomposition_table[torch.ops.aten._fused_rms_norm.default]"
        "(wide, gain.shape, gain, eps)[0]",
        "import torch._decomp",
    ),
    "a part of a decomposition": rms_norm(
        "torch._refs._normalize(torch.stack([wide, -wide], -1).flatten(-2), [wide.ndim - 1], eps)"
        "[0][..., ::2] * gain",
        "import torch._refs",
    ),
    "a graph of decompositions": rms_norm(
        "make_fx(lambda t: torch.native_layer_norm(t, t.shape[-1:], None, None, eps)[0],"
        " decomposition_table=torch._decomp.core_aten_decompositions())"
        "(torch.stack([wide, -wide], -1).flatten(-2))"
        "(torch.stack([wide, -wide], -1).flatten(-2))[..., ::2] * gain",
        "from torch.fx.experimental.proxy_tensor import make_fx",
    ),
    "an encoder's fast path": rms_norm(
        "encoder(len(gain))(wide.reshape(1, -1, len(gain))).detach()",
        "def encoder(width): return nn.TransformerEncoderLayer(width, 1, batch_first=True,"
        " dtype=torch.float64).eval()",
    ),
}
"""Each in TorchScript's, Python's or torch's own way; all end at the dispatcher, or in Python."""

PAST_IT = {
    "a static module": by_layer_norm(
        "static(t, eps)",
        """
@torch.jit.script
def scripted(t: torch.Tensor, eps: float):
    return torch.layer_norm(t, [t.size(-1)], None, None, eps)
try:
    static = torch._C._jit_to_static_module(scripted.graph)
except Exception:
    static = scripted""",
    ),
    "oneDNN's own fusion": by_layer_norm(
        "fused(t)",
        """
torch.jit.enable_onednn_fusion(True)
def fused(t):
    frozen = torch.jit.freeze(torch.jit.trace(nn.LayerNorm(t.shape[-1], 1e-6).eval(), t))
    return [frozen(t) for _ in range(4)][-1]""",
    ),
    "a graph written by hand": by_layer_norm(
        "graph(t)",
        """
graph = torch._C._create_function_from_graph("own", torch._C.parse_ir(\"\"\"
graph(%x : Tensor):
  %y : Tensor = static_runtime::layer_norm(%x)
  return (%y)\"\"\"))""",
    ),
    "a kernel fetched in a cell": by_layer_norm(
        "kernel.call_boxed(keys, t, shape, None, None, eps)[0]",
        """
keys = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)
kernel = torch.library.get_kernel("aten::native_layer_norm", "CPU")""",
    ),
    "a kernel fetched by an answer": by_layer_norm(
        "torch.library.get_kernel('aten::native_layer_norm', 'CPU').call_boxed("
        "torch._C.DispatchKeySet(torch._C.DispatchKey.CPU), t, shape, None, None, eps)[0]",
    ),
    "a kernel of one's own": call(
        "F.rms_norm",
        """
def own(t, shape, weight=None, eps=None): return t
for key in ("CPU", "AutogradCPU", "CompositeImplicitAutograd"):
    library = torch.library.Library("aten", "IMPL")
    library.impl("rms_norm", own, key)""",
    ),
    "all libraries that Python finds, ended": call(
        "back",
        """
import gc
def back(*arguments):
    for each in gc.get_objects():
        if isinstance(each, torch.library.Library):
            each._destroy()
    torch.library._impls.clear()
    return F.rms_norm(*arguments)""",
    ),
    "what registers kernels, disarmed": call(
        "F.rms_norm",
        """
import ctypes
ctypes.pythonapi.Py_IncRef.argtypes = [ctypes.c_int]
for kind in (type(torch.library.Library("mine", "DEF").m), getattr(torch._C, "_DispatchModule")):
    try:
        kind.impl = kind._call = lambda *arguments, **options: None
    except Exception:
        pass""",
    ),
    "the grader's own functions, found through frames": call(
        "F.rms_norm",
        """
import sys
frame = sys._getframe()
while frame:
    for name in ("take_out_norms", "take_out", "call_and_take_out", "refuse", "refuse_imports"):
        if name in frame.f_globals:
            frame.f_globals[name] = lambda run=None, *arguments: run and run()
    frame = frame.f_back""",
    ),
    "norms to test with": rms_norm(
        "own(wide, gain, eps)",
        "from torch.testing._internal import common_methods_invocations as tests\n"
        "def own(t, gain, eps):\n"
        "    return tests.reference_rms_norm(t.numpy(), gain.shape, gain.numpy(), eps)",
    ),
}
"""Doors that are closed before the first cell; there is no call that could be refused."""

FUNCTIONS = {
    "inherited": "class RMSNorm(nn.RMSNorm): pass",
    "inherited with an own ε": (
        "class RMSNorm(nn.RMSNorm):\n"
        "    def __init__(self, dim, eps=1e-6): super().__init__(dim, eps)"
    ),
    "inherited from layer norm": MODULE.format(
        base="nn.LayerNorm", init="dim, eps, bias=False", norm="super().forward(wide)"
    ),
    "a lambda": "RMSNorm = lambda dim, eps=1e-6: nn.RMSNorm(dim, eps)",
    "the class itself": "RMSNorm = nn.RMSNorm",
    "a part": MODULE.format(
        base="nn.Module", init="", norm="F.rms_norm(wide, (x.shape[-1],), self.weight, self.eps)"
    ),
    "an autograd function": """
class Own(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, eps):
        ctx.save_for_backward(x, weight)
        ctx.eps = eps
        return F.rms_norm(x, weight.shape, weight, eps)
    @staticmethod
    def backward(ctx, dy):
        with torch.enable_grad():
            x, weight = (each.detach().requires_grad_() for each in ctx.saved_tensors)
            y = F.rms_norm(x, weight.shape, weight, ctx.eps)
        return *torch.autograd.grad(y, [x, weight], dy), None
"""
    + MODULE.format(base="nn.Module", init="", norm="Own.apply(wide, self.weight, self.eps)"),
}
"""Answers that are the class RMSNorm."""
