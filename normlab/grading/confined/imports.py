"""Libraries that a student's code cannot import while it is graded."""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Collection
from pathlib import Path

LIBRARIES = (
    *("flax", "haiku", "jax", "jaxlib", "keras", "tensorflow", "tf_keras", "equinox", "tinygrad"),
    *("mindspore", "mlx", "mxnet", "paddle", "onnx", "onnxruntime", "openvino"),
    *("apex", "diffusers", "liger_kernel", "timm", "torch_geometric", "transformers", "xformers"),
)
"""Have norms of their own, and are asked for in no exercise."""
PARTS_OF_TORCH = ("torch.testing._internal",)
"""Hold norms to compare with."""
TORCH = ("torch", "functorch", "torchaudio", "torchvision")

_kept: list[types.ModuleType] = []


class _Refusal(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds modules, and has a reason not to load them."""

    def __init__(self, names: Collection[str], reason: str) -> None:
        self.names, self.reason = names, reason

    def find_spec(
        self, name: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        parts = name.split(".")
        parents = {".".join(parts[:n]) for n in range(1, len(parts) + 1)}
        if parents.isdisjoint(self.names):
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        raise ModuleNotFoundError(
            f"{spec.name} cannot be imported while an answer is graded: {self.reason}"
        )

    def exec_module(self, module: types.ModuleType) -> None:
        """No module is made."""


def refuse_imports(torch: bool) -> None:
    """From now on, importing a library that has norms of its own raises ModuleNotFoundError.

    Args:
        torch: whether it may be imported.
    """
    reason = "it has ready-made norms"
    sys.meta_path.insert(0, _Refusal({*LIBRARIES, *PARTS_OF_TORCH}, reason))
    if not torch:
        sys.meta_path.insert(0, _Refusal(TORCH, "this exercise is solved with NumPy alone"))
        for name in [name for name in sys.modules if name.partition(".")[0] in TORCH]:
            _kept.append(sys.modules.pop(name))  # ending torch's modules takes longer


def folders_of_libraries(torch: bool) -> list[Path]:
    """Where the libraries are that cannot be imported, as far as they are installed.

    Args:
        torch: whether it may be imported.
    """
    names = LIBRARIES if torch else (*LIBRARIES, *TORCH)
    specs = filter(None, map(importlib.util.find_spec, names))
    places = (spec.submodule_search_locations or () for spec in specs)
    return [Path(place).resolve() for found in places for place in found]
