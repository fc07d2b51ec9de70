"""A function or a class without its names, its texts for readers, and its layout."""

import ast
from collections.abc import Iterator, Mapping
from typing import TypeAlias

Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def plain_code(
    definition: Definition, helpers: Mapping[str, str], modules: Mapping[str, str]
) -> list[str]:
    """The lines of a definition in plain form.

    What it binds is numbered in the order in which it stands in the tree. Annotations, docstrings
    and other texts that nothing uses, messages and prints are dropped.

    Args:
        definition: as `ast.parse` gives it; it is changed.
        helpers: name of another function -> its new name.
        modules: name in the code -> what it was imported from.

    Raises:
        RecursionError, MemoryError: if it is nested too deep.
    """
    bare = _WithoutWords().visit(definition)
    tree = _Renamed(bare, helpers, modules).visit(bare)
    return [line for line in ast.unparse(tree).splitlines() if line.strip()]


class _WithoutWords(ast.NodeTransformer):
    """Drops what is for readers: annotations, texts that nothing uses, messages, prints."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in ("annotation", "returns", "msg", "type_comment"):
            if field in node._fields:
                setattr(node, field, None)
        if getattr(node, "body", None) == []:
            node.body = [ast.Pass()]  # type: ignore[attr-defined]  # ast has no type for nodes with one
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        value = node.value
        prints = isinstance(value, ast.Call) and getattr(value.func, "id", "") == "print"
        return None if prints or isinstance(value, ast.Constant) else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.value is None:
            return None
        return self.generic_visit(ast.Assign([node.target], node.value, lineno=node.lineno))

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            node.exc = node.exc.func
        return self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        return None  # its names are written out wherever they are used

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None


class _Renamed(ast.NodeTransformer):
    """Gives what a definition binds a number for a name.

    Args:
        tree: that is to be renamed.
        helpers: name of another function of the cell -> its new name.
        modules: name in the code -> what it stands for.
    """

    def __init__(
        self, tree: Definition, helpers: Mapping[str, str], modules: Mapping[str, str]
    ) -> None:
        nodes = list(ast.walk(tree))
        bound = dict.fromkeys(name for node in nodes[1:] for name in _bound(node))
        numbered = {name: f"name_{i}" for i, name in enumerate(bound)}
        self.names = {**modules, **numbered, **helpers}
        of_class = nodes if isinstance(tree, ast.ClassDef) else []
        own = dict.fromkeys(name for node in of_class for name in _attributes(node))
        self.attributes = {name: f"attribute_{i}" for i, name in enumerate(own)}
        self.helpers = helpers

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = self.attributes.get(node.attr, node.attr)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if getattr(node.func, "id", "") in self.helpers:
            for keyword in node.keywords:
                keyword.arg = keyword.arg and "argument"
        return self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        for field in ("name", "arg", "rest"):
            name = getattr(node, field, None)
            if isinstance(name, str) and not isinstance(node, ast.keyword):
                in_class = isinstance(node, ast.FunctionDef) and self.attributes.get(name)
                setattr(node, field, in_class or self.names.get(name, name))
        if isinstance(node, ast.Global | ast.Nonlocal):
            node.names = [self.names.get(name, name) for name in node.names]
        return node


def _bound(node: ast.AST) -> Iterator[str]:
    """The names that a node binds."""
    match node:
        case ast.Name(ctx=ast.Store()):
            yield node.id
        case ast.arg():
            yield node.arg
        case (
            ast.ExceptHandler(name=str() as name)
            | ast.MatchAs(name=str() as name)
            | ast.MatchStar(name=str() as name)
            | ast.MatchMapping(rest=str() as name)
            | ast.FunctionDef(name=name)
            | ast.AsyncFunctionDef(name=name)
            | ast.ClassDef(name=name)
        ):
            yield name


def _attributes(node: ast.AST) -> Iterator[str]:
    """What a class gives its objects, but for what torch and Python ask for."""
    match node:
        case ast.Attribute(value=ast.Name(), ctx=ast.Store()):
            yield node.attr
        case ast.FunctionDef() if node.name != "forward" and not node.name.startswith("__"):
            yield node.name
