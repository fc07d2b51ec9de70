"""What is wrong with a norm, named by the exercises: a module as the function they ask for."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from normlab.audit.definition import USUAL_EPS
from normlab.audit.subject import Norm, Subject
from normlab.checks.diagnosis import Fault
from normlab.checks.examiner import examine
from normlab.checks.exercise import Exercise, Mistake, Probe, Question
from normlab.exercises.inputs import plain
from normlab.exercises.layer_norm.question import QUESTIONS as LAYER_NORM
from normlab.exercises.layer_norm_backward.question import QUESTIONS as LAYER_NORM_BACKWARD
from normlab.exercises.rms_norm.backward import QUESTIONS as RMS_NORM_BACKWARD
from normlab.exercises.rms_norm.forward import QUESTIONS as RMS_NORM
from normlab.norms import FloatArray

FORWARD: Mapping[str, Question] = {"LayerNorm": LAYER_NORM[0], "RMSNorm": RMS_NORM[0]}
BACKWARD: Mapping[str, Question] = {
    "LayerNorm": LAYER_NORM_BACKWARD[0],
    "RMSNorm": RMS_NORM_BACKWARD[0],
}
MEAN_TWICE = Mistake(
    "mean-twice",
    "the mean is subtracted twice",
    "x − 2μ has the mean −μ. Where the input is centered already, subtracting the mean again "
    "must use the new mean, which is 0.",
    {"centered = wide - mean": "centered = wide - 2 * mean"},
    {"centered / ": "(centered - mean) / "},
)
"""A mistake of ports more than of learners."""
PLUS_TWO = Fault(
    "gamma-plus-one",
    "1 is added to the weight twice: the gain is 2 + weight",
    "Where a checkpoint stores γ − 1, 1 is added once: when it is loaded, or in each call.",
)


def forward_faults(subject: Subject) -> tuple[Fault, ...]:
    """The known mistakes that do what a norm does.

    Args:
        subject: the norm, held to the formula that it should compute.
    """
    question = FORWARD[subject.definition.kind]
    if subject.definition.kind == "LayerNorm":
        question = replace(question, mistakes=(MEAN_TWICE, *question.mistakes))
    faults = _faults(subject, question, _Forward(subject))
    if subject.parameters.plus_one:  # γ is 1 + weight there
        faults = tuple(PLUS_TWO if fault.name == "gamma-plus-one" else fault for fault in faults)
    return faults


def backward_faults(subject: Subject) -> tuple[Fault, ...]:
    """The known mistakes that do what the gradients of a norm do."""
    if subject.parameters.gain is None:
        return ()
    question = BACKWARD[subject.definition.kind]
    return _faults(subject, question, _Backward(subject, "beta" in str(question.driver)))


def _faults(subject: Subject, question: Question, answer: Callable[..., Any]) -> tuple[Fault, ...]:
    def probes(rng: np.random.Generator) -> tuple[Probe, ...]:
        given = [probe for probe in question.probes(rng) if _asked(probe)]
        return *(_adapted(probe, subject) for probe in given), _below_eps(given[-1], subject)

    own = replace(question, probes=probes, laws=())
    return examine(Exercise("audit", {own.function: own}), own, answer).faults


def _asked(probe: Probe) -> bool:
    """Modules refuse shapes in their own way, and have parameters of one dtype."""
    x, gamma = probe.arguments["x"], probe.arguments["gamma"]
    dy = probe.arguments.get("dy", x)
    return probe.shows != "misfit" and x.dtype == gamma.dtype == dy.dtype


def _adapted(probe: Probe, subject: Subject) -> Probe:
    """The probe for the ε that a norm has: small rows are as small beside it."""
    given = dict(probe.arguments)
    x = given["x"]
    eps = subject.definition.eps_for(torch.from_numpy(x[:0]).dtype)
    usual = given.pop("eps", USUAL_EPS[subject.definition.kind])
    if not probe.shows and not probe.rounding:
        given["x"] = x * np.sqrt(eps / usual)
    if subject.parameters.gain is None:
        given["gamma"] = np.ones_like(given["gamma"])
    if "beta" in given and subject.parameters.bias is None:
        given["beta"] = np.zeros_like(given["beta"])
    return replace(probe, arguments=given | {"eps": eps}, anew=None)


def _below_eps(probe: Probe, subject: Subject) -> Probe:
    """A row whose deviation, and not only its variance, is smaller than ε."""
    adapted = _adapted(replace(probe, shows="", rounding=False), subject)
    x, eps = np.array([[1.0, -1, 2, -2]]), adapted.arguments["eps"]
    drawn = {"x": 0.1 * eps * x, "gamma": np.ones(4)}
    drawn |= {"dy": x[:, ::-1].copy()} if "dy" in probe.arguments else {}
    drawn |= {"beta": np.zeros(4)} if "beta" in probe.arguments else {}
    given = {name: drawn.get(name, eps) for name in adapted.arguments}
    return plain("a deviation below ε", given)


@dataclass(frozen=True)
class _Forward:
    """A norm as the function y = f(x, γ, β, ε); its ε is its own."""

    subject: Subject

    def __call__(self, x: FloatArray, gamma: FloatArray, *beta_and_eps: Any) -> FloatArray:
        beta = next(_arrays(beta_and_eps), np.zeros_like(gamma))
        norm = _norm(self.subject, gamma, beta)
        return _as_array(norm(torch.from_numpy(x).to(norm.device)))


@dataclass(frozen=True)
class _Backward:
    """A norm as the function dx, dγ(, dβ) = f(dy, x, γ, ε)."""

    subject: Subject
    with_beta: bool

    def __call__(
        self, dy: FloatArray, x: FloatArray, gamma: FloatArray, eps: float
    ) -> tuple[FloatArray, ...]:
        norm = _norm(self.subject, gamma, np.zeros_like(gamma))
        leaf = torch.from_numpy(x).to(norm.device).requires_grad_()
        upstream = torch.from_numpy(dy).to(norm.device)
        names, held = norm.parameters, dict(norm.module.named_parameters())
        watched = [leaf, *(held[n] for n in (names.gain, names.bias) if n is not None)]
        found = [
            _as_array(g)
            for g in torch.autograd.grad(norm(leaf), watched, upstream, materialize_grads=True)
        ]
        dx, *of_parameters = found
        flat = [g.reshape(gamma.shape) for g in of_parameters]  # (*shape) -> (D,)
        if not self.with_beta:
            return dx, flat[0]
        tokens = tuple(range(x.ndim - 1))
        exact = dy.sum(axis=tokens)  # (..., D) -> (D,)
        return dx, flat[0], flat[1] if names.bias is not None else exact.astype(gamma.dtype)


def _norm(subject: Subject, gamma: FloatArray, beta: FloatArray) -> Norm:
    gain, bias = torch.from_numpy(gamma), torch.from_numpy(beta)
    return subject.norm_with(gain, bias, gain.dtype)


def _arrays(values: tuple[Any, ...]) -> Iterator[FloatArray]:
    return (value for value in values if isinstance(value, np.ndarray))


def _as_array(y: torch.Tensor) -> FloatArray:
    found: FloatArray = y.detach().cpu().numpy()
    return found
