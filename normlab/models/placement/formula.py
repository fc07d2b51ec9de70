"""A placement's formula in the field's notation, read off the code that runs it."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from normlab.models.placement.base import Placement
from normlab.models.placement.wiring import SUBLAYERS, Node, arrange, record


def block_formula(placement: type[Placement], layers: int = 12) -> str:
    """What a block does to the stream x, in lines that follow from running it.

    One line stands for every sub-layer f where all are wired alike. A value that is read twice
    has a line and a name of its own: x′ on the stream, n beside it. If the wiring changes with
    the layer l, each case is there with its layers.

    Args:
        placement: what wires the block.
        layers: blocks in the stack.

    Example:
        >>> from normlab.models.placement.standard import BottomToTop, DeepNorm, MixNorm
        >>> block_formula(DeepNorm)
        'x ← norm(α x + f(x))'
        >>> print(block_formula(BottomToTop))
        x′ = norm(x + Attention(x))
        x ← norm(x′ + FFN(x′) + x)
        >>> print(block_formula(MixNorm))
        x ← norm(x + f(x)), l ≤ 3
        x ← x + f(norm(x)), l > 3
    """
    alike = placement.forward is Placement.forward
    names = ("f",) if alike else SUBLAYERS[2]
    formulas = [
        _write(arrange(record(placement, names, "norm", layer, layers)))
        for layer in range(1, layers + 1)
    ]
    if len(set(formulas)) == 1:
        return formulas[0]
    lines, last = [], 0
    for text, same in groupby(formulas):
        first, last = last + 1, last + len(list(same))
        lines.append(f"{text}, {_between(first, last, layers)}")
    return "\n".join(lines)


def _between(first: int, last: int, layers: int) -> str:
    if first == 1:
        return f"l ≤ {last}"
    return f"l > {first - 1}" if last == layers else f"{first} ≤ l ≤ {last}"


def _write(nodes: Sequence[Node]) -> str:
    readers = Counter(place for node in nodes for place in node.inputs)
    named: Counter[str] = Counter()
    texts: list[str] = []
    lines = []
    for place, node in enumerate(nodes):
        text = _term(node, [texts[i] for i in node.inputs])
        if node.kind != "input" and readers[place] > 1:
            letter = "x′" if node.column == 0 else "n"
            name = letter + "′" * named[letter]
            named[letter] += 1
            lines.append(f"{name} = {text}")
            text = name
        texts.append(text)
    return "\n".join([*lines, f"x ← {texts[-1]}"])


def _term(node: Node, inputs: Sequence[str]) -> str:
    if node.kind in ("norm", "sub-layer"):
        return f"{node.label}({inputs[0]})"
    if node.kind == "sum":
        return " + ".join(inputs)
    if node.kind == "factor":
        sign, letter = node.label.split(" ", 1)
        operand = f"({inputs[0]})" if _is_sum(inputs[0]) else inputs[0]
        if letter.startswith("1/"):
            return operand + letter[1:]
        return f"{letter} {sign} {operand}" if sign == "⊙" else f"{letter} {operand}"
    return inputs[0] if inputs else node.label


def _is_sum(text: str) -> bool:
    """Whether a + stands outside all brackets."""
    depths = [text[:i].count("(") - text[:i].count(")") for i, c in enumerate(text) if c == "+"]
    return 0 in depths
