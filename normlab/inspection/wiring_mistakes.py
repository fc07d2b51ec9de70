"""Mistakes in how norms and sub-layers are connected."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby

from normlab.inspection.findings import Findings
from normlab.inspection.layer import Layer
from normlab.inspection.norm_pieces import NormPiece
from normlab.inspection.report import Warning

DEEP, VERY_DEEP = 12, 18
"""Layers of post-norm: at 12 the course's own run fails without warmup; at 18 Liu et al. 2020's
diverges with it (arXiv:2004.08249, figure 1)."""

NORMED = partial(Warning, "normed-residual", "warning")
DROPPED = partial(Warning, "dropped-branch", "warning")
LOST = partial(Warning, "lost-residual", "warning")
DOUBLED = partial(Warning, "doubled-residual", "warning")
ALPHA = partial(Warning, "alpha-on-branch", "error")
NO_FINAL = partial(Warning, "no-final-norm", "warning")
SHARED = partial(Warning, "shared-norm", "warning")


def wiring_mistakes(findings: Findings) -> Iterator[Warning]:
    """Everything that can be said of layers."""
    for layer in findings.found:
        yield from _normed_residual(layer)
        yield from _alpha_on_branch(layer)
        yield from _dropped_branch(layer)
        yield from _doubled_residual(layer)
    for call in findings.lost:
        yield LOST(
            "What comes in is no part of the sum that comes out: a step returns what it computed "
            "and does not add it to the stream, and what was there before is lost. Return "
            "x + f(x) at every step.",
            call.label,
            "05",
        )
    for stack in _stacks(findings.found):
        yield from _no_final_norm(stack, findings)
        yield from _deep_post_norm(stack)
    yield from _shared(findings)


def _stacks(found: Sequence[Layer]) -> list[list[Layer]]:
    """Layers whose names differ in numbers alone, one after the other."""
    groups = groupby(found, lambda layer: re.sub(r"\d+", "*", layer.name))
    return [list(group) for _, group in groups]


def _normed_residual(layer: Layer) -> Iterator[Warning]:
    stream = layer.equations.stream
    for piece in layer.equations.norms:
        terms = stream.terms(piece.source)
        of_x = len(terms) == 1 and terms[0].value is stream.x
        if of_x and _added_to_its_reader(piece, layer):
            yield NORMED(
                "The residual is what the norm returned, not what it read: x is lost, and "
                "gradients go through every norm. Keep x for the sum: x + f(norm(x)). (MiniMax and "
                "GLM-130B mean it: with a factor in front it is DeepNorm, cut at another place.)",
                layer.name,
                "05",
            )
            return


def _added_to_its_reader(piece: NormPiece, layer: Layer) -> bool:
    """Whether a sum holds a norm, times 1, beside a sub-layer that reads it."""
    stream = layer.equations.stream
    readers = {
        f
        for f in layer.equations.sublayers
        if any(term.value is piece.end for terms in layer.equations.reads[f] for term in terms)
    }
    sums = [stream.terms(stream.y), *(stream.terms(n.source) for n in layer.equations.norms)]
    for terms in sums:
        plain = any(t.value is piece.end and abs(t.factor.number - 1) < 1e-4 for t in terms)
        lost = all(term.value is not stream.x for term in terms)
        if plain and lost and any(term.value in readers for term in terms):
            return True
    return False


def _dropped_branch(layer: Layer) -> Iterator[Warning]:
    """A branch that a norm in front of the next sub-layer reads, and that y lacks."""
    found, stream = layer.equations, layer.stream
    if layer.placement != "pre-norm":
        return
    kept = {term.value for term in stream.terms(stream.y)}
    for number, value in enumerate(found.sublayers, 1):
        if value not in kept:
            yield DROPPED(
                f"f{number} is added for the next norm alone; the layer's output lacks it. Carry "
                "the sum on: h = x + f(norm(x)), then h + g(norm(h)).",
                layer.name,
                "05",
            )


def _doubled_residual(layer: Layer) -> Iterator[Warning]:
    stream = layer.stream
    if layer.placement not in ("pre-norm", "peri-norm", "reordered-norm", "parallel", "none"):
        return
    for term in stream.terms(stream.y):
        if term.value is stream.x and not term.factor.letters and term.factor.number > 1.5:
            yield DOUBLED(
                f"The stream comes out as {term.factor.number:.3g} x: it is added more than once, "
                "and grows by that factor with every layer. Add it once.",
                layer.name,
                "05",
            )


def _alpha_on_branch(layer: Layer) -> Iterator[Warning]:
    if layer.placement not in ("post-norm", "DeepNorm", "other"):
        return
    stream, branches = layer.equations.stream, set(layer.equations.sublayers)
    for piece in layer.equations.norms:
        terms = stream.terms(piece.source)
        on_branch = [t.factor.number for t in terms if t.value in branches]
        on_stream = [t.factor.number for t in terms if t.value not in branches]
        if on_stream and max(on_stream) < 1 + 1e-4 < max(on_branch, default=0.0):
            yield ALPHA(
                f"norm(x + {max(on_branch):.3g} f(x)): the constant stands on the branch, and "
                "makes it louder. DeepNorm has it on the residual: norm(α x + f(x)).",
                layer.name,
                "08",
            )
            return


def _no_final_norm(stack: list[Layer], findings: Findings) -> Iterator[Warning]:
    last = stack[-1]
    if len(stack) < 2 or last.placement not in ("pre-norm", "parallel"):
        return
    made = findings.recording.depending_on([last.y])
    layers_behind = any(other.y in made for other in findings.found if other is not last)
    if not layers_behind and not findings.roles.norms_behind(last):
        yield NO_FINAL(
            "Layers of pre-norm hand on a stream that grows with depth, and nothing norms it "
            f"behind the last of {len(stack)}. Put a norm between it and the head.",
            last.name,
            "05",
        )


def _deep_post_norm(stack: list[Layer]) -> Iterator[Warning]:
    if stack[0].placement == "post-norm" and len(stack) >= DEEP:
        yield Warning(
            "deep-post-norm",
            "warning" if len(stack) >= VERY_DEEP else "note",
            f"{len(stack)} layers of post-norm: without warmup the course's own run of 12 does not "
            "train, and with it 18 of Liu et al. 2020 diverged. Warm up, or take pre-norm or "
            "DeepNorm.",
            stack[0].name,
            "07",
        )


def _shared(findings: Findings) -> Iterator[Warning]:
    sites: dict[str, list[NormPiece]] = {}
    for piece, name in findings.called.items():
        if piece.formula.parameters:  # without any there is nothing to share
            sites.setdefault(name, []).append(piece)
    for name, pieces in sites.items():
        layers = [findings.roles.layer_of(piece) for piece in pieces]
        inside = [layer for layer in layers if layer is not None]
        one_layer = len(set(map(id, inside))) < len(inside)
        several = len({layer.name for layer in inside}) > 1
        if one_layer or several:
            yield SHARED(
                f"One norm is called at {len(pieces)} places: they share gain and bias, though "
                "what they read differs. Make one for each, unless that is meant.",
                name,
                "05",
            )
