"""Which classes of a folder are layers with norms, by their source: what a scan is measured by."""

import ast
import re
from pathlib import Path

NORM = re.compile(r"norm", re.IGNORECASE)
NO_NORM_OF_A_LAYER = re.compile(
    r"Batch_?Norm|Group_?Norm|ConvNorm|weight_norm|normal_|NormalOutput|init|normalize|softmax",
    re.IGNORECASE,
)
"""`ConvNorm` is a convolution and its batch norm; a weight norm's tokens stay as they are."""


def own_layers(folder: Path) -> list[str]:
    """The classes that make a norm and add something: residual layers with norms, mostly.

    Layers of batch and group norms alone are left out, as convolutions have them.

    Args:
        folder: of a model type.
    """
    sources = sorted(folder.glob("modeling_*.py"))
    return [name for path in sources for name in layers_in(path.read_text(encoding="utf-8"))]


def layers_in(source: str) -> list[str]:
    """The same of the text of a module.

    >>> layers_in('''
    ... class Layer:
    ...     def __init__(self):
    ...         self.norm = RMSNorm(8)
    ...     def forward(self, x):
    ...         return x + self.norm(x)
    ... ''')
    ['Layer']
    """
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    return [found.name for found in classes if _makes_a_norm(found) and _adds(found)]


def _makes_a_norm(found: ast.ClassDef) -> bool:
    calls = [
        ast.unparse(node.func)
        for method in _methods(found)
        if method.name == "__init__"
        for node in ast.walk(method)
        if isinstance(node, ast.Call)
    ]
    return any(
        NORM.search(call.split(".")[-1]) and not NO_NORM_OF_A_LAYER.search(call) for call in calls
    )


def _adds(found: ast.ClassDef) -> bool:
    return any(
        isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Add)
        for method in _methods(found)
        if method.name != "__init__"
        for node in ast.walk(method)
    )


def _methods(found: ast.ClassDef) -> list[ast.FunctionDef]:
    return [node for node in found.body if isinstance(node, ast.FunctionDef)]
