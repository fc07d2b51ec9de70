"""The norm classes of an installed transformers, each text once."""

import ast
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CLASS = re.compile(r"^class (\w*Norm\w*)\(([\w., ]*)\):\n((?:[ \t]+.*\n|\n)+)", re.MULTILINE)
OTHERS = re.compile("Batch|Group|Instance|Weight|Spectral|Output|Config|Head|Block|Layer$")
"""In names of norms over other axes, and of classes that hold a norm among other things."""


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


def norm_classes() -> list[NormClass]:
    """All classes that are called a norm and can be made from a size alone, the commonest first.

    Raises:
        ValueError: if transformers is not installed.
    """
    spec = importlib.util.find_spec("transformers")
    if spec is None or spec.origin is None:
        raise ValueError("transformers is not installed: run pip install 'normlab[test]'.")
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted((Path(spec.origin).parent / "models").glob("*/modeling_*.py")):
        module = f"transformers.models.{path.parent.name}.{path.stem}"
        for name, text in _classes(path.read_text(encoding="utf-8")):
            found.setdefault(text, []).append((module, name))
    classes = [NormClass(*places[0], len(places)) for places in found.values()]
    return sorted(classes, key=lambda one: (-one.alike, one.target))


def _classes(source: str) -> Iterator[tuple[str, str]]:
    """Name and text of each norm; the text has neither the name nor documentation."""
    for match in CLASS.finditer(source):
        name, _, _ = match.groups()
        tree = ast.parse(match.group(0)).body[0]
        if OTHERS.search(name) or not isinstance(tree, ast.ClassDef) or not _takes_a_size(tree):
            continue
        tree.name = "Norm"
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                node.body = node.body[1:]
        yield name, ast.dump(tree).replace(repr(name), "'Norm'")


def _takes_a_size(tree: ast.ClassDef) -> bool:
    """Whether it is made from one number: one argument, and others with defaults."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            arguments = node.args
            first, needed = arguments.args[1:2], len(arguments.args) - len(arguments.defaults)
            return bool(first) and needed <= 2 and not re.search("eps|config", first[0].arg)
    return "LayerNorm" in [base.attr for base in tree.bases if isinstance(base, ast.Attribute)]
