"""The course's own recipes for the open challenges, trained by `normlab remake challenges`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from normlab.exercises.challenges.catalogue import CHALLENGES
from normlab.exercises.challenges.challenge import Answer, Budget, Outcome
from normlab.exercises.challenges.deep_layers import Measured, measure_change, read_change
from normlab.exercises.challenges.names import DEEP_LAYERS, POST_NORM
from normlab.exercises.challenges.post_norm import attempt_post_norm, outcome_of
from normlab.models.placement.deepnorm_constants import deepnorm_constants
from normlab.tools.stored_rows import write_rows

RATE, SMALL_RATE = 1e-3, 1e-4

Measure = Callable[[Budget], Outcome]


def post_norm(**settings: float) -> Measure:
    """Chapter 07's post-norm, with some settings changed."""
    plain = dict(learning_rate=RATE, warmup_steps=0, alpha=1.0, beta_w=1.0, init_scale=1.0)
    return lambda budget: attempt_post_norm(plain | settings, budget)


def deepnorm(budget: Budget) -> Outcome:
    """DeepNorm's constants at plain post-norm's rate."""
    constants = deepnorm_constants(0, budget.layers)["decoder"]
    assert constants is not None  # the budget's models are decoders
    alpha, beta_w = constants
    return post_norm(alpha=alpha, beta_w=beta_w)(budget)


def pre_norm(budget: Budget) -> Outcome:
    """Pre-norm at the same rate, for comparison: it is not among the settings that are free."""
    config = replace(budget.config(), placement="pre-norm", learning_rate=RATE)
    return outcome_of(config, budget)


RECIPES: Mapping[str, Measure] = {
    "post-norm": post_norm(),
    "post-norm, small rate": post_norm(learning_rate=SMALL_RATE, warmup_steps=50),
    "DeepNorm's constants": deepnorm,
    "pre-norm": pre_norm,
}
"""All but the small rate at a rate of 0.001 without warmup."""

CHANGES: Mapping[str, Answer] = {
    "pre-norm": lambda layer, layers: {"branch": 1.0},
    "LayerNorm Scaling": lambda layer, layers: {"norm_output": layer**-0.5},
    "scaled init": lambda layer, layers: {"init_gain": (2 * layers) ** -0.5},
    "growing branches": lambda layer, layers: {"branch": 1 + layer / layers},
}
"""Plain pre-norm first; Sun et al. 2025; GPT-2's 1/√(sub-layers); and a straight line."""


def write_baselines(path: Path, **changes: Any) -> None:
    """Train every recipe of the course, and store what came out.

    Args:
        path: the file to write.
        changes: of the challenges' budgets, such as `steps`.
    """
    recipe, change = (replace(c.budget, **changes) for c in CHALLENGES.values())
    rows = [_row(POST_NORM, n, recipe, go(recipe)) for n, go in RECIPES.items()]
    plain: Measured | None = None
    for name, answer in CHANGES.items():
        outcome = measure_change(read_change(answer, change), change, plain)
        plain = plain or Measured(**outcome.numbers)
        rows.append(_row(DEEP_LAYERS, name, change, outcome))
    write_rows(path, rows, "normlab remake challenges")


def _row(challenge: str, name: str, budget: Budget, outcome: Outcome) -> dict[str, object]:
    return {
        "challenge": challenge,
        "recipe": name,
        "layers": budget.layers,
        "steps": budget.steps,
        "seed": " ".join(map(str, budget.seeds)),
        "outcome": outcome.as_json(),
    }
