"""Mistakes in single norms."""

import re
from collections.abc import Iterator
from functools import partial

from torch import nn

from normlab.inspection.axes import axes_of
from normlab.inspection.findings import Findings
from normlab.inspection.norm_pieces import NormPiece
from normlab.inspection.norm_reading import of_length_one
from normlab.inspection.recording import Value, passed_on
from normlab.inspection.report import InspectedNorm, Warning
from normlab.inspection.unread import CALLED_NORM, OF_WEIGHTS

CALLED_RMS = re.compile(r"rms", re.IGNORECASE)
USUAL_EPS = 1e-13, 2e-3
"""ε of the models that the course has counted: 1e-12 (BERT) to 1e-3."""

OUTSIDE = partial(Warning, "eps-outside", "warning")
MISSING = partial(Warning, "eps-missing", "warning")
UNUSUAL = partial(Warning, "eps-unusual", "warning")
UNBIASED = partial(Warning, "unbiased-std", "warning")
HALF = partial(Warning, "half-precision-statistics", "warning")
AXES = partial(Warning, "wrong-axes", "error")
LENGTH = partial(Warning, "shape-follows-length", "error")
TWICE = partial(Warning, "gain-twice", "error")
UNCALLED = partial(Warning, "norm-never-called", "warning")
DECAYED = partial(Warning, "decayed-gain", "warning")
ALL_HEADS = partial(Warning, "qk-norm-all-heads", "note")
NAMED_RMS = partial(Warning, "name-says-rms", "warning")
UNREGISTERED = partial(Warning, "unregistered-norm", "error")
ZERO_GAIN = partial(Warning, "zero-gain", "note")
LENGTH_ONE = partial(Warning, "sum-for-mean", "warning")
UNIT_LENGTH = partial(Warning, "sum-for-mean", "note")


def norm_mistakes(findings: Findings, decayed: frozenset[str]) -> Iterator[Warning]:
    """Everything that can be said of one norm at a time."""
    first: dict[str, NormPiece] = {}
    for piece, name in findings.called.items():
        first.setdefault(name, piece)
    for norm in findings.norms:
        if norm.reading is not None and norm.name in first:
            piece = first[norm.name]
            yield from _of_eps(norm)
            yield from _of_statistics(norm)
            yield from _of_axes(norm, piece, findings)
            yield from _of_gain(norm, piece, decayed)
            yield from _of_name(norm, piece, findings)
            yield from _of_heads(norm, piece, findings)
    yield from _uncalled(findings)


def _of_eps(norm: InspectedNorm) -> Iterator[Warning]:
    read = norm.reading
    if read is None or read.kind not in ("LayerNorm", "RMSNorm", "GroupNorm", "BatchNorm"):
        return
    if read.eps == 0:
        yield MISSING(
            "There is no ε: a row of equal numbers (of zeros, for an RMSNorm) becomes NaN. Add one "
            "inside the root: x/√(v + ε).",
            norm.name,
            "03",
        )
    elif read.eps_place == "outside":
        yield OUTSIDE(
            f"ε = {read.eps:g} stands outside the root: x/(σ + ε), where LayerNorm and RMSNorm are "
            "x/√(v + ε). Small rows come out differently, and weights of others do not fit "
            "exactly. Add ε to the variance.",
            norm.name,
            "03",
        )
    low, high = USUAL_EPS
    if read.eps_place != "greatest of" and read.eps and not low <= read.eps <= high:
        yield UNUSUAL(
            f"ε = {read.eps:g} is far from what models have (1e-12 to 1e-3): "
            + (
                "rows with a variance near it are no longer normalized."
                if read.eps > high
                else "it is lost beside any variance."
            )
            + " LayerNorm mostly has 1e-5, RMSNorm 1e-6 or 1e-5.",
            norm.name,
            "03",
        )


def _of_statistics(norm: InspectedNorm) -> Iterator[Warning]:
    read = norm.reading
    if read is not None and read.unbiased:
        yield UNBIASED(
            f"The sum of squares is divided by {read.size - 1} and not by {read.size}: torch's "
            ".std() and .var() do so unless correction=0 is given. Outputs are smaller by "
            f"{100 * (1 - (1 - 1 / read.size) ** 0.5):.2g} %.",
            norm.name,
            "01",
        )
    if read is not None and norm.role == "stream" and of_length_one(read.scale, read.size):
        meant = read.gain == "none" and not read.bias  # nGPT's unit lengths
        yield (UNIT_LENGTH if meant else LENGTH_ONE)(
            f"It divides by the root of the sum of squares, not of their mean: rows come out √"
            f"{read.size} = {read.size**0.5:.3g} times smaller than a norm's. Divide the sum by "
            f"{read.size}, or multiply by its root.",
            norm.name,
            "01",
        )
    if norm.statistics in ("float16", "bfloat16") and norm.kind != "BatchNorm":
        yield HALF(
            f"Mean and variance are computed in {norm.statistics}: squares lose digits, and in "
            "float16 those above 65,504 become inf. Cast to float32 first, and back behind the "
            "norm.",
            norm.name,
            "03",
        )


def _of_axes(norm: InspectedNorm, piece: NormPiece, findings: Findings) -> Iterator[Warning]:
    of_model = norm.role != "embedding"  # a series may be scaled over time before it goes in
    if norm.kind not in ("LayerNorm", "RMSNorm", "BatchNorm", "other") or not of_model:
        return
    axes = axes_of(piece, findings.recording)
    if norm.kind == "BatchNorm":
        if axes.ndim == 3 and axes.axes == {1} and not axes.images:
            yield AXES(
                "The channels of this BatchNorm, axis 1, are the tokens of a (batch, tokens, "
                "features). Transpose first, or take a LayerNorm.",
                norm.name,
                "01",
            )
        return
    if axes.follow_the_length and not piece.formula.parameters:
        yield LENGTH(
            "Tokens share mean and variance: normalized_shape holds the length of the sequence. "
            "What one token becomes depends on the others, and another length is another norm. "
            "Normalize over the last axis alone.",
            norm.name,
            "01",
        )
    elif not axes.right:
        which = ", ".join(map(str, sorted(axes.axes)))
        which = f"axis {which}" if len(axes.axes) == 1 else f"axes {which}"
        yield AXES(
            f"Statistics are shared along {which} of a tensor with {axes.ndim} axes, which is "
            "not where its features lie: tokens, heads or examples are mixed. Normalize over the "
            "last axis (over axis 1 in a convolution's layout).",
            norm.name,
            "01",
        )


def _of_gain(norm: InspectedNorm, piece: NormPiece, decayed: frozenset[str]) -> Iterator[Warning]:
    if norm.reading is not None and norm.reading.gain_power > 1:
        yield TWICE(
            f"The gain is applied {norm.reading.gain_power} times: outputs are multiplied by a "
            "power of it. The norm's own gain is enough, or switch it off there "
            "(elementwise_affine=False).",
            norm.name,
            "01",
        )
    own = [value for value in piece.formula.parameters if isinstance(value.tensor, nn.Parameter)]
    if any(not value.name for value in own):
        yield UNREGISTERED(
            "Its parameters are none of the model's: parameters() leaves them out, so no optimizer "
            "trains them, and no checkpoint keeps them. A plain list or dict hides modules: take "
            "nn.ModuleList or nn.ModuleDict.",
            norm.name,
            "11",
        )
    plain = norm.reading is not None and norm.reading.gain == "weight" and norm.role == "stream"
    if plain and own and not any(value.tensor.any() for value in own):
        yield ZERO_GAIN(
            "Its gain w is 0, so it returns nothing of what it read. Meant is perhaps 1 + w, or a "
            "gain that begins at 1.",
            norm.name,
            "01",
        )
    if any(parameter.name in decayed for parameter in piece.formula.parameters):
        yield DECAYED(
            "Weight decay pulls gains (and biases) to 0, and with them what the norm lets "
            "through. Put parameters with one axis in a group of the optimizer without decay.",
            norm.name,
            "07",
        )


def _of_name(norm: InspectedNorm, piece: NormPiece, findings: Findings) -> Iterator[Warning]:
    owners = [
        type(module).__name__
        for name, module in findings.model.named_modules()
        if name == norm.name
    ]
    last = norm.name.rpartition(".")[2]
    said = next((name for name in [*owners, last] if CALLED_RMS.search(name)), None)
    if said and norm.kind == "LayerNorm":
        yield NAMED_RMS(
            f"It is called {said}, and takes the mean away: it is a LayerNorm. Whoever ports "
            "weights or reads a paper's formula into it is misled. Rename it, or leave the mean "
            "in.",
            norm.name,
            "04",
        )


def _of_heads(norm: InspectedNorm, piece: NormPiece, findings: Findings) -> Iterator[Warning]:
    if norm.role != "inner" or norm.reading is None:
        return
    head = _head_size(piece.end, findings)
    if head and norm.reading.size > head and norm.reading.size % head == 0:
        yield ALL_HEADS(
            f"QK-norm goes over all heads at once ({norm.reading.size} numbers): one head may take "
            f"the whole length. Over each head ({head} numbers) it bounds every logit by √d times "
            "the gains. OLMo 2 and MiniMax-M2 take all heads, most others each head.",
            norm.name,
            "11",
        )


def _head_size(end: Value, findings: Findings) -> int | None:
    """The width of a head, if a value goes into attention as queries or keys."""
    waiting, seen = [end], set()
    while waiting:
        value = waiting.pop()
        for user in findings.users.get(value, []):
            operation = user.operation
            if operation is None or user in seen:
                continue
            seen.add(user)
            name = operation.name
            if "scaled_dot_product" in name and value in operation.args[:2]:
                return int(value.shape[-1])
            if passed_on(operation) is not None or name in ("mul", "add", "cat", "neg", "slice"):
                waiting.append(user)
            elif name in ("bmm", "baddbmm") and value in operation.values():
                head = int(min(value.shape[-1], value.shape[-2]))
                return head if _softmax_next(user, findings) else None
    return None


def _softmax_next(scores: Value, findings: Findings) -> bool:
    waiting = [scores]
    for _ in range(12):
        if not waiting:
            break
        for user in findings.users.get(waiting.pop(0), []):
            if user.operation and "softmax" in user.operation.name:
                return True
            waiting.append(user)
    return False


def _uncalled(findings: Findings) -> Iterator[Warning]:
    called = {call.name for call in findings.recording.calls}
    used = {value.name for value in findings.recording.values if value.name}
    for name, module in findings.model.named_modules():
        kind = type(module).__name__
        own = [parameter for parameter, _ in module.named_parameters(name)]
        if not CALLED_NORM.search(kind) or OF_WEIGHTS.search(kind) or [*module.children()]:
            continue
        parent = name.rpartition(".")[0]
        if name in called or used.intersection(own) or not _runs(parent, called, findings.model):
            continue
        yield UNCALLED(
            f"This {kind} is made, and never called: its parameters learn nothing. Call it, or "
            "take it away.",
            name,
            "11",
        )


def _runs(parent: str, called: set[str], model: nn.Module) -> bool:
    """Whether the module that holds another was called; a list of modules never is."""
    while parent and isinstance(model.get_submodule(parent), (nn.ModuleList, nn.ModuleDict)):
        parent = parent.rpartition(".")[0]
    return parent in called
