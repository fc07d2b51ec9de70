"""The first challenge: make 24-layer post-norm train without touching the norm."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from normlab.exercises.challenges.challenge import Answer, Budget, Outcome, Settings
from normlab.exercises.challenges.settings import returned_settings
from normlab.exercises.challenges.training import final_loss, mean_loss, train_all
from normlab.models.placement.base import Gains, Placement, Site
from normlab.models.placement.standard import PostNorm
from normlab.models.transformer import TransformerConfig
from normlab.tools.toml_settings import Expected, fill, number
from normlab.training.config import TrainConfig

TRAINED = 0.5
"""A seed has trained if its final loss is below this share of chance."""


@dataclass(frozen=True)
class Recipe:
    """What is free in the first challenge; the norm is not.

    Args:
        learning_rate: Adam's, at its peak.
        warmup_steps: how many steps lead to the peak, in a straight line.
        alpha: multiplies the shortcut: norm(αx + f(x)).
        beta_w: multiplies the initial W_v, W_o and FFN weights.
        init_scale: multiplies the initial weights of every sub-layer.
    """

    learning_rate: Annotated[float, number(1e-6, 1.0)]
    warmup_steps: Annotated[int, Expected("a whole number from 0 on", lambda v: v >= 0)]
    alpha: Annotated[float, number(0.01, 100)]
    beta_w: Annotated[float, number(0.001, 10)]
    init_scale: Annotated[float, number(0.001, 10)]


def read_recipe(answer: Answer, budget: Budget) -> Settings:
    """The settings that `answer()` returns.

    Raises:
        ValueError: if one is missing, unknown, of another type or out of its range.

    >>> read_recipe(lambda: {"learning_rate": 1e-3}, Budget(1, 1, (0,)))
    Traceback (most recent call last):
    ValueError: post_norm_recipe() lacks warmup_steps and alpha and beta_w and init_scale; add \
what is missing.
    """
    where = "post_norm_recipe()"
    recipe = fill(Recipe, returned_settings(where, answer), where)
    return vars(recipe)


def say_recipe(settings: Settings) -> str:
    """The settings in a few words.

    >>> say_recipe({"learning_rate": 1e-3, "warmup_steps": 20})
    'learning_rate 0.001, warmup_steps 20'
    """
    return ", ".join(f"{name} {value:.4g}" for name, value in settings.items())


def post_norm(alpha: float, beta_w: float) -> type[Placement]:
    """norm(αx + f(x)), with W_v, W_o and the FFN scaled by β_w; post-norm itself at 1 and 1.

    Wang et al. 2022, §4.1, arXiv:2203.00555, with any constants.
    """

    class FreePostNorm(PostNorm):
        def __init__(self, site: Site) -> None:
            super().__init__(site)
            self.gains = Gains(value_output=beta_w, feed_forward=beta_w)

        def step(self, x: Any, f: Any, norm: Any) -> Any:
            return norm(alpha * x + f(x))

    return FreePostNorm


@dataclass(frozen=True)
class PostNormRun(TrainConfig):
    """A run of `post_norm`, with its two constants beside the rest."""

    alpha: float = 1.0
    beta_w: float = 1.0

    def model(self) -> TransformerConfig:
        return replace(super().model(), placement=post_norm(self.alpha, self.beta_w))


def attempt_post_norm(settings: Settings, budget: Budget) -> Outcome:
    """Train one post-norm model a seed with these settings, and score it (`outcome_of`)."""
    return outcome_of(PostNormRun(**{**vars(budget.config()), **settings}), budget)


def outcome_of(config: TrainConfig, budget: Budget) -> Outcome:
    """Train one model a seed, and score them.

    Score: 100 · (1 − mean of min(loss, chance)/chance) over all steps of all seeds. What a run
    that diverged did not train counts as chance.
    """
    runs = train_all(config, budget)
    chance, last = runs[0].task.chance, list(map(final_loss, runs))
    mean = sum(map(mean_loss, runs)) / len(runs)
    trained = sum(loss < TRAINED * chance for loss in last)
    measured = [
        ("mean loss", f"{mean:.2f}"),
        ("last 10 steps, by seed", ", ".join(f"{loss:.2f}" for loss in last)),
        ("seeds that trained", f"{trained} of {len(last)}"),
    ]
    score = 100 * max(0.0, 1 - mean / chance)  # a mean of chance can be above it by rounding
    return Outcome(score, measured, [run.losses for run in runs])
