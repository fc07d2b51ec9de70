"""Inductor's code for a GPU that is not there: what torch.compile would launch on an H100.

Nothing runs. Graphs are traced with fake tensors of the CPU, again with those of CUDA, and turned
into source; in place of the calls that ask a driver, an H100's properties are told.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

TORCH = "2.13"
"""The parts of torch below are not public, and known for this version alone."""
H100 = SimpleNamespace(
    name="NVIDIA H100",
    major=9,
    minor=0,
    multi_processor_count=132,
    regs_per_multiprocessor=65536,
    max_threads_per_multi_processor=2048,
    shared_memory_per_block_optin=232448,
    total_memory=80 * 2**30,
    warp_size=32,
    gcnArchName="",
)


class _Generated(BaseException):
    """Inductor has written its source; it would compile and load it next."""


class _Driver:
    """What Triton asks its driver while source is written."""

    def get_current_target(self) -> Any:
        return import_module("triton.backends.compiler").GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> int:
        return 0

    def get_active_torch_device(self) -> torch.device:
        return torch.device("cuda", 0)


def generated_sources(function: Callable[..., Any], shapes: Sequence[tuple[int, ...]]) -> list[str]:
    """The source of the forward pass and of the backward pass, as for training.

    Args:
        function: of the inputs; it returns several tensors, all of which get gradients.
        shapes: of the inputs, in bfloat16.

    Raises:
        RuntimeError: if torch is another version, or Triton is missing.
    """
    _check_versions()
    fake = import_module("torch._subclasses").FakeTensorMode()
    with fake:
        inputs = [torch.empty(shape, dtype=torch.bfloat16, requires_grad=True) for shape in shapes]
        graphs = _graphs(function, inputs)
    return [_source(graph, examples) for graph, examples in graphs]


def _check_versions() -> None:
    if not torch.__version__.startswith(f"{TORCH}."):
        raise RuntimeError(
            f"torch is {torch.__version__}; expected {TORCH}, whose insides are known: run "
            f"pip install torch=={TORCH}.0"
        )
    try:
        import_module("triton")
    except ModuleNotFoundError:
        raise RuntimeError(
            "Triton is not installed; expected it beside torch: run pip install 'normlab[kernels]'."
        ) from None


Graph = tuple[Any, list[Any]]
"""A graph of torch.fx, and its inputs, of which only shape and dtype matter."""


def _graphs(function: Callable[..., Any], inputs: Sequence[Tensor]) -> list[Graph]:
    """The forward graph and the backward graph, split as torch.compile does."""
    aot = import_module("torch._functorch.aot_autograd")
    partitioners = import_module("torch._functorch.partitioners")
    decomposition = import_module("torch._inductor.decomposition")
    found: list[Graph] = []

    def keep(graph: Any, examples: list[Any]) -> Any:
        found.append((graph, list(examples)))
        return aot.make_boxed_func(graph.forward)

    traced = aot.aot_function(
        function,
        fw_compiler=keep,
        bw_compiler=keep,
        partition_fn=partitioners.min_cut_rematerialization_partition,
        decompositions=decomposition.select_decomp_table(),
    )
    results = traced(*inputs)
    torch.autograd.backward(results, [torch.ones_like(each) for each in results])
    return found


def _source(graph: Any, examples: list[Any]) -> str:
    """Inductor's Python source for a graph on the GPU."""
    fake = import_module("torch._subclasses").FakeTensorMode(allow_non_fake_inputs=True)
    guards, inductor = (import_module(f"torch.{n}") for n in ("_guards", "_inductor.compile_fx"))
    make_fx = import_module("torch.fx.experimental.proxy_tensor").make_fx
    with _imagined() as sources, fake:
        inputs = [
            torch.empty(each.shape, dtype=each.dtype, device="cuda")
            if isinstance(each, Tensor)
            else each
            for each in examples
        ]
        on_gpu = make_fx(graph)(*inputs)
        try:
            with guards.tracing(guards.TracingContext(fake)):
                inductor.compile_fx_inner(on_gpu, inputs)
        except _Generated:
            return sources[0]
    raise AssertionError("Inductor went on without writing its source.")


@contextmanager
def _imagined() -> Iterator[list[str]]:
    """Torch finds an H100 in the block, and stops when source is written, which is yielded."""
    sources: list[str] = []

    def stop(self: Any) -> None:
        sources.append(self.codegen()[0].value)
        raise _Generated

    interface = import_module("torch._dynamo.device_interface").CudaInterface
    graph = import_module("torch._inductor.graph").GraphLowering
    triton_driver = import_module("triton.runtime.driver").driver
    no_seed = torch.empty(16, dtype=torch.uint8)
    told: dict[Any, dict[str, Any]] = {
        torch.cuda: {
            "is_available": lambda: True,
            "current_device": lambda: 0,
            "get_device_properties": lambda device=None: H100,
            "get_device_capability": lambda device=None: (9, 0),
            "get_rng_state": lambda *device: no_seed,
            "set_rng_state": lambda *state: None,
            "_lazy_init": lambda: None,
            "_exchange_device": lambda index: 0,
            "_maybe_exchange_device": lambda index: 0,
        },
        interface: {
            "is_available": staticmethod(lambda: True),
            "current_device": staticmethod(lambda: 0),
            "get_device_properties": staticmethod(lambda device=None: H100),
            "get_compute_capability": staticmethod(lambda device=None: 90),
        },
        interface.Worker: {
            "current_device": staticmethod(lambda: 0),
            "get_device_properties": staticmethod(lambda device=None: H100),
        },
        graph: {"compile_to_module": stop},
        triton_driver: {"_active": _Driver()},
    }
    settings = import_module("torch._inductor.config")
    import_module("torch.utils._triton").has_triton.cache_clear()  # which has seen no GPU before
    with ExitStack() as stack:
        stack.enter_context(settings.patch(force_disable_caches=True, compile_threads=1))
        for owner, values in told.items():
            for name, value in values.items():
                stack.enter_context(patch.object(owner, name, value))
        yield sources
