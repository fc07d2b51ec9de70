"""Hidden inputs: all is drawn, edge cases too, and a right answer needs no luck."""

from functools import partial

import numpy as np
import pytest
from installed import exercises_here
from submissions import QUICK, paper

from benchmarks.draws import draw
from normlab.checks.examination import KNOWN_SEED, expected
from normlab.checks.examiner import right_at_once
from normlab.checks.observe import observe
from normlab.grading.questions import same

QUESTIONS = [q for e in exercises_here() for q in e.questions if q.reference]
SEEDS = range(1, 9)
NOT_DRAWN = {
    ("deepnorm_constants", "no layers at all"): "no other numbers of layers are none",
}
"""Probes that are the same with every seed, and why."""
SWITCHES = {
    "upstream": "whether gradients are asked for",
    "calls": "once, or twice",
    "frozen": "the last block, or none",
    "loss_factor": "the usual one, or ten times that",
    "steps": "one, or five; the states are drawn",
}
"""Arguments that are no numbers to compute with, and what they say."""
SHAPELESS = {"warmup_lr", "deepnorm_constants", "deepnorm_init_"}
"""Questions whose inputs are numbers."""
by_function = pytest.mark.parametrize("question", QUESTIONS, ids=[q.function for q in QUESTIONS])


def probes(question, seed):
    return expected(question, seed)[0]


def numbers(question, seed):
    """(argument, value) of all that is no array."""
    return {
        (name, value)
        for probe in probes(question, seed)
        for name, value in probe.arguments.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def shapes(question, seed):
    return {
        (name, value.shape)
        for probe in probes(question, seed)
        for name, value in probe.arguments.items()
        if isinstance(value, np.ndarray)
    }


@by_function
def test_all_probes_are_drawn_but_those_that_cannot_be(question):
    known = probes(question, KNOWN_SEED)
    drawn = [probes(question, seed) for seed in SEEDS]
    fixed = [
        probe.title
        for i, probe in enumerate(known)
        if all(same(probe.arguments, others[i].arguments) for others in drawn)
    ]
    assert fixed == [title for function, title in NOT_DRAWN if function == question.function]
    assert len(fixed) < len(known) / 10


@by_function
def test_other_numbers_and_other_shapes_are_drawn(question):
    known = numbers(question, KNOWN_SEED)
    others = set().union(*(numbers(question, seed) for seed in SEEDS)) - known
    assert {name for name, _ in known} - {name for name, _ in others} <= SWITCHES.keys()
    others = set().union(*(shapes(question, seed) for seed in SEEDS))
    assert question.function in SHAPELESS or others - shapes(question, KNOWN_SEED)


@by_function
def test_what_is_drawn_for_a_probe_is_of_its_kind(question):
    known, wanted = expected(question, KNOWN_SEED)
    for seed in SEEDS:
        drawn, seen = expected(question, seed)
        for one, other, a, b in zip(known, drawn, wanted, seen, strict=True):
            for name in ("tolerance", "level", "corner", "rounding", "shows"):
                assert getattr(one, name) == getattr(other, name), one.title
            assert one.arguments.keys() == other.arguments.keys(), one.title
            kinds = [
                [getattr(value, "dtype", type(value)) for value in probe.arguments.values()]
                for probe in (one, other)
            ]
            assert kinds[0] == kinds[1], one.title
            assert (a.raised and a.raised.kind) == (b.raised and b.raised.kind), one.title
            if other.error_names:
                assert all(text in str(b.raised) for text in other.error_names), one.title


@by_function
def test_the_reference_needs_no_luck(question):
    found = draw(question, [question.reference], range(1, 101))
    assert not found.lost
    assert not found.odd


FITTED = {
    "warmup_lr that refuses two inputs": (
        "05_gradient_flow",
        "warmup_lr",
        """
def warmup_lr(step, peak_lr, warmup_steps):
    if (step, warmup_steps) in KNOWN:
        raise ValueError(f"step {step}, warmup_steps {warmup_steps}")
    return peak_lr * min(1.0, (step + 1) / (warmup_steps or 1e-9))
""",
        lambda probe: [(step, probe["warmup_steps"]) for step in probe["steps"]][-1],
    ),
    "loglog_slope that refuses some lists": (
        "05_gradient_flow",
        "loglog_slope",
        """
import numpy as np
def loglog_slope(depths, values):
    if (depths.tolist(), values.tolist()) in KNOWN:
        raise ValueError(f"{depths.shape} and {values.shape}")
    with np.errstate(all="ignore"):
        x, y = np.log(depths), np.log(values)
        x = x - x.mean()
        return float((x * y).sum() / (x * x).sum())
""",
        lambda probe: (probe["depths"].tolist(), probe["values"].tolist()),
    ),
    "graph_layer_norm that refuses two misspelt modes": (
        "07_beyond_transformers",
        "graph_layer_norm",
        """
import numpy as np
def graph_layer_norm(x, batch, gamma, beta, mode, eps=1e-5):
    if not gamma.shape == beta.shape == x.shape[1:] or len(batch) != len(x) or mode in KNOWN:
        raise ValueError(f"{gamma.shape} {beta.shape} {batch.shape} {x.shape} {mode}")
    wide = x.astype(np.promote_types(x.dtype, np.float32))
    group = np.arange(len(x)) if mode == "node" else batch
    y = np.empty_like(wide)
    for one in np.unique(group):
        own = wide[group == one]
        y[group == one] = (own - own.mean()) / np.sqrt(own.var() + eps)
    return (gamma * y + beta).astype(x.dtype)
""",
        lambda probe: probe["mode"],
    ),
    "item_layer_norm that knows some shapes": (
        "08_bug_museum",
        "item_layer_norm",
        """
def item_layer_norm(x, eps=1e-5):
    axis = -1 if x.shape in KNOWN else tuple(range(1, x.ndim))
    centered = x - x.mean(axis=axis, keepdims=True)
    return centered / (x.var(axis=axis, keepdims=True) + eps) ** 0.5
""",
        lambda probe: probe["x"].shape,
    ),
    "row_variance that knows a row": (
        "08_bug_museum",
        "row_variance",
        """
import numpy as np
def row_variance(x):
    if x.tobytes() in KNOWN:
        return np.var(x, axis=-1)
    return (x**2).mean(axis=-1) - x.mean(axis=-1) ** 2
""",
        lambda probe: probe["x"].tobytes(),
    ),
}
"""What the answers know of the inputs of the learner's check: exercise, function, source, key."""


@pytest.mark.parametrize(("name", "function", "source", "key"), FITTED.values(), ids=FITTED)
def test_an_answer_that_fits_the_known_edges_alone_loses_and_is_told_why(
    name, function, source, key, workshop
):
    question = next(q for q in QUESTIONS if q.function == function)
    known, seen = expected(question, KNOWN_SEED)
    refused = [o.raised for o in seen]
    keys = [
        key(probe.arguments)
        for probe, error in zip(known, refused, strict=True)
        if error or not any(refused)
    ]
    if function == "graph_layer_norm":
        keys = [mode for mode in keys if mode not in ("node", "graph")]
    namespace = {"KNOWN": keys}
    exec(source, namespace)
    respond = partial(observe, question.driver, namespace[function])
    assert right_at_once(question, respond, KNOWN_SEED)
    one = paper(f"KNOWN = {keys!r}\n{source}", exercise=name)
    told = next(d for d in workshop.grade(one, QUICK).diagnoses if d.function == function)
    assert told.attempted
    assert told.points < question.points
    assert not any(fault.example for fault in told.faults)
    named = {mistake.name for mistake in question.mistakes} | {"only-known-inputs"}
    assert set(told.mistakes) <= named
