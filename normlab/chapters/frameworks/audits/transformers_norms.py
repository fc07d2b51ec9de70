"""The norm classes of an installed transformers, each text once."""

import ast
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CLASS = re.compile(r"^class (\w*Norm\w*)\(([\w., ]*)\):\n((?:[ \t]+.*\n|\n)+)", re.MULTILINE)
NAMES = re.compile(r"Norm(\d\w?|Gated|Zero(_Final)?|PerHead|Activation)?$")
"""How names of norms end; NormOutput, NormConvLayer and the like hold a norm among other things."""
HOLDERS = re.compile("StableLayerNorm|Attention|Dropout")
"""In names of classes that end so, and hold a norm among other things, too."""
OTHER_AXES = re.compile("Batch|Group|Instance")


@dataclass(frozen=True)
class NormClass:
    """A class, and how many others have the same text.

    Attributes:
        module: where the first of them stands.
        name: its name there.
        alike: how many classes have this text, it among them.
    """

    module: str
    name: str
    alike: int

    @property
    def target(self) -> str:
        """What `normlab audit` would be given."""
        return f"{self.module}:{self.name}"

    @property
    def of_other_axes(self) -> bool:
        """Whether it takes its statistics over other axes than the last, by its name.

        >>> NormClass("transformers", "FrozenBatchNorm2d", 1).of_other_axes
        True
        """
        return OTHER_AXES.search(self.name) is not None


def norm_classes() -> list[NormClass]:
    """All classes that are called a norm, each text once, the commonest first.

    Raises:
        ValueError: if transformers is not installed.
    """
    spec = importlib.util.find_spec("transformers")
    if spec is None or spec.origin is None:
        raise ValueError("transformers is not installed: run pip install 'normlab[test]'.")
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted((Path(spec.origin).parent / "models").glob("*/modeling_*.py")):
        module = f"transformers.models.{path.parent.name}.{path.stem}"
        for name, text in texts_of_norms(path.read_text(encoding="utf-8")):
            found.setdefault(text, []).append((module, name))
    classes = [NormClass(*places[0], len(places)) for places in found.values()]
    return sorted(classes, key=lambda one: (-one.alike, one.target))


def texts_of_norms(source: str) -> Iterator[tuple[str, str]]:
    """Name and text of each norm of a module; the text has neither the name nor documentation.

    Args:
        source: of the module.

    Example:
        >>> [name for name, _ in texts_of_norms("class MyNorm(nn.Module):\\n    eps = 1\\n")]
        ['MyNorm']
    """
    for match in CLASS.finditer(source):
        name, _, _ = match.groups()
        tree = ast.parse(match.group(0)).body[0]
        if not isinstance(tree, ast.ClassDef) or HOLDERS.search(name) or not NAMES.search(name):
            continue
        tree.name = "Norm"
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                node.body = node.body[1:]
        yield name, ast.dump(tree).replace(repr(name), "'Norm'")
