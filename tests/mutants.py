"""Single-token mutations of a reference: operators, comparisons, constants, axes, names, flags."""

import ast
import copy
from collections.abc import Iterator

from normlab.checks.variants import compiled, source_of

OPERATORS = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (),
    ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,),
    ast.USub: (ast.UAdd,),
    ast.Not: (),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}


def changed_constants(value: object) -> list[object]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1, -value] if value else [1, -1]
    if isinstance(value, float):
        return [value * 2, value / 10, -value] if value else [1.0]
    return []


def mutations(tree: ast.AST) -> Iterator[tuple[ast.AST, str, object]]:
    """(node, field, new value): each one token of the source changed."""
    parameters = [
        a.arg for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for a in f.args.args
    ]
    for node in ast.walk(tree):
        for other in OPERATORS.get(type(getattr(node, "op", None)), ()):
            yield node, "op", other()
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            for other in OPERATORS.get(type(node.ops[0]), ()):
                yield node, "ops", [other()]
        if isinstance(node, ast.Constant):
            for value in changed_constants(node.value):
                yield node, "value", value
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in parameters:
            for name in dict.fromkeys(parameters):
                if name not in (node.id, "self"):
                    yield node, "id", name
        if isinstance(node, ast.Attribute) and node.attr in SIBLINGS:
            yield node, "attr", SIBLINGS[node.attr]


SIBLINGS = {
    "mean": "sum",
    "sum": "mean",
    "sqrt": "square",
    "rsqrt": "sqrt",
    "zeros": "ones",
    "ones": "zeros",
    "zeros_like": "ones_like",
    "tanh": "sigmoid",
    "sigmoid": "tanh",
    "float32": "float16",
}


def outside_annotations(tree: ast.AST) -> ast.AST:
    """The tree without annotations, which are no part of the answer, but for Triton's constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in node.args.args + node.args.kwonlyargs:
                if argument.annotation and "constexpr" not in ast.unparse(argument.annotation):
                    argument.annotation = None
    return tree


def mutants(reference) -> Iterator[tuple[str, object]]:
    """("line: old -> new", the mutated answer), each once."""
    tree = outside_annotations(ast.parse(source_of(reference)))
    original = ast.unparse(tree).splitlines()
    seen = set()
    for node, field, new in list(mutations(tree)):
        old = getattr(node, field)
        setattr(node, field, new)
        source = ast.unparse(ast.fix_missing_locations(copy.deepcopy(tree)))
        setattr(node, field, old)
        if source in seen or source.splitlines() == original:
            continue
        seen.add(source)
        lines = zip(original, source.splitlines(), strict=False)
        before, after = next((a, b) for a, b in lines if a != b)
        yield f"{before.strip()} -> {after.strip()}", compiled(source, reference)
