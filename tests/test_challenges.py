"""Open challenges: what their scores reward, what they refuse, and what is kept of an attempt."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure
from torch import nn

from normlab import attempt
from normlab.exercises.challenges.baselines import load_baselines
from normlab.exercises.challenges.catalogue import CHALLENGES, find_challenge
from normlab.exercises.challenges.challenge import Budget, Outcome, read_outcome
from normlab.exercises.challenges.deep_layers import (
    MARGIN,
    ChangedRun,
    Measured,
    changed_pre_norm,
    deep_share,
    measure_change,
    read_change,
    score_of,
)
from normlab.exercises.challenges.figures import describe_attempt, draw_attempt
from normlab.exercises.challenges.leaving_out import (
    held_out_loss,
    output_moved,
    rises_without_each_layer,
)
from normlab.exercises.challenges.names import CHALLENGE_FUNCTIONS, FORMER, NOTEBOOK
from normlab.exercises.challenges.post_norm import PostNormRun, attempt_post_norm, read_recipe
from normlab.exercises.challenges.training import mean_loss
from normlab.grading.collect import collect
from normlab.models import PostNorm, Transformer
from normlab.study import copies
from normlab.study.attempts import attempt_challenge, attempts_at
from normlab.study.files import check_file
from normlab.study.merge import merge
from normlab.training import Run

ROOT = Path(__file__).parent.parent
TINY = Budget(layers=2, steps=3, seeds=(0, 1))
STUCK = {"learning_rate": 1e-3, "warmup_steps": 0, "alpha": 1, "beta_w": 1, "init_scale": 1}
PLAIN = Measured(share=0.1, moved=0.0, loss=0.03)


@pytest.fixture(autouse=True)
def own_record(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMLAB_DATA", str(tmp_path / "record"))


@pytest.fixture
def challenge():
    """The first challenge with a budget of seconds, which counts how often it trains."""
    trained = []
    whole = find_challenge("post_norm_recipe")

    def measure(settings, budget):
        trained.append(settings)
        return whole.measure(settings, budget)

    return replace(whole, budget=TINY, measure=measure), trained


def recipe(**changes):
    return lambda: STUCK | changes


# the first score


def score(settings, layers=1, steps=40):
    return attempt_post_norm(settings, Budget(layers, steps, (0,))).score


def test_a_recipe_that_trains_scores_higher_than_one_that_does_not():
    good, slow = STUCK | {"learning_rate": 1e-2}, STUCK | {"learning_rate": 1e-6}
    assert score(good) > 5 > 1 > score(slow) >= 0


def test_a_recipe_that_diverges_counts_as_chance_from_then_on():
    outcome = attempt_post_norm(STUCK | {"learning_rate": 1.0, "alpha": 0.01}, TINY)
    assert 0 <= outcome.score < 5
    config = PostNormRun(**vars(TINY.config()))
    run, chance = Run(config, torch.device("cpu")), math.log(8)
    run.losses = [1.0, math.nan]
    assert mean_loss(run) == pytest.approx((1.0 + 2 * chance) / 3)
    run.losses = [1.0, 100.0, 1.0]
    assert mean_loss(run) == pytest.approx((2.0 + chance) / 3)


def test_the_norm_stays_where_it_is_whatever_the_recipe_says():
    config = PostNormRun(**vars(TINY.config()), alpha=3.0, beta_w=0.5)
    free, fixed = (
        Transformer(config.model(), 0),
        Transformer(replace(config.model(), placement="post-norm"), 0),
    )
    norms = [
        [
            (name, m.normalized_shape, m.eps)
            for name, m in model.named_modules()
            if isinstance(m, nn.LayerNorm)
        ]
        for model in (free, fixed)
    ]
    assert norms[0] == norms[1]
    assert len(norms[0]) == 4
    assert issubclass(config.model().placement_class(), PostNorm)
    with pytest.raises(ValueError, match="unknown key 'norm'"):
        read_recipe(recipe(norm="rms_norm"), TINY)


def test_a_recipe_of_ones_is_post_norm_itself_and_deepnorms_constants_are_deepnorm():
    tokens = torch.arange(8)[None]
    base = TINY.config()
    one = PostNormRun(**vars(base)).model()
    alpha, beta_w = 4**0.25, 16**-0.25
    two = PostNormRun(**vars(base), alpha=alpha, beta_w=beta_w).model()
    for config, name in ((one, "post-norm"), (two, "deepnorm")):
        same = replace(config, placement=name)
        torch.testing.assert_close(Transformer(config, 0)(tokens), Transformer(same, 0)(tokens))


# the second score


def test_no_change_has_no_score_and_a_gain_without_distance_has_all():
    assert score_of(PLAIN, PLAIN) == 0
    assert score_of(replace(PLAIN, share=1.0), PLAIN) == 100


@pytest.mark.parametrize(
    "found",
    [
        Measured(1.0, 0.0, PLAIN.loss + MARGIN + 0.01),
        Measured(1.0, 0.0, math.nan),
        Measured(1.0, math.sqrt(2), 0.03),
        Measured(0.05, 0.1, 0.03),
    ],
    ids=["a worse loss", "no loss", "another model altogether", "less than plain"],
)
def test_what_is_no_answer_scores_zero(found):
    assert score_of(found, PLAIN) == 0


def test_one_layer_that_carries_all_counts_no_more_than_another():
    rises = [0.0] * 23 + [50.0]
    assert deep_share(rises) == pytest.approx(1 / 12)
    assert deep_share([9.0] * 12 + [-1.0] * 12) == 0
    assert deep_share([0.0] * 12 + [0.1] * 12) == 1


def test_a_huge_factor_on_the_last_layer_moves_the_output_far_and_scores_little():
    last = read_change(lambda layer, layers: {"branch": 100.0 if layer == layers else 1.0}, TINY)
    outcome = measure_change(last, TINY, replace(PLAIN, loss=10.0))
    assert outcome.numbers["moved"] > 0.7
    assert outcome.score < 60
    assert outcome.numbers["share"] <= 1


def test_a_change_of_nothing_is_pre_norm_and_moves_nothing():
    settings = read_change(lambda layer, layers: {"shortcut": 1.0}, TINY)
    config = ChangedRun(**vars(TINY.config()), **settings)
    assert output_moved(config, replace(config, change="branch"), seed=0) == 0
    same = replace(config.model(), placement="pre-norm")
    tokens = torch.arange(8)[None]
    torch.testing.assert_close(Transformer(config.model(), 0)(tokens), Transformer(same, 0)(tokens))


def test_each_change_multiplies_what_it_says():
    x = torch.tensor([[1.0, 3.0]])
    site = TINY.config().model().site("decoder", 1)
    expected = {
        "branch": x + 2 * 5 * 1,
        "norm_output": x + 5 * 2,
        "shortcut": 2 * x + 5,
        "init_gain": x + 5,
    }
    for change, after in expected.items():
        placement = changed_pre_norm(change, [2.0, 2.0])(site)
        torch.testing.assert_close(placement.step(x, lambda y: 5 * y, lambda y: y / y), after)
        assert placement.gains.feed_forward == (2 if change == "init_gain" else 1)


def test_leaving_out_a_layer_is_a_model_without_it_and_leaves_no_trace():
    run = Run(ChangedRun(**vars(TINY.config()), factors=[1.0, 1.0]), torch.device("cpu"))
    before = held_out_loss(run)
    rises = rises_without_each_layer(run)
    assert held_out_loss(run) == before
    first = run.model.decoder.blocks[0]
    for branch in (first.attention.output, first.feed_forward.outer):
        nn.init.zeros_(branch.weight)
    assert held_out_loss(run) - before == pytest.approx(rises[0], abs=1e-5)


# what is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0}, "learning_rate is 0; expected a number from 1e-06 to 1"),
        ({"learning_rate": math.nan}, "learning_rate is nan; expected a finite number"),
        ({"warmup_steps": 2.5}, "warmup_steps is 2.5; expected a whole number from 0 on"),
        ({"warmup_steps": -1}, "warmup_steps is -1; expected a whole number from 0 on"),
        ({"alpha": 1e9}, r"alpha is 1000000000.0; expected a number from 0.01 to 100"),
        ({"beta": 1.0}, "unknown key 'beta'; did you mean 'beta_w'"),
        ({"eps": 1.0}, "unknown key 'eps'"),
    ],
)
def test_a_setting_out_of_bounds_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        read_recipe(recipe(**changes), TINY)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda layer, layers: 2.0, r"pre_norm_change\(1, 2\) is 2.0; expected a dict"),
        (lambda layer, layers: {}, "expected one of branch, norm_output, shortcut, init_gain"),
        (lambda layer, layers: {"branch": 1.0, "shortcut": 2.0}, "expected one of branch"),
        (lambda layer, layers: {"branhc": 1.0}, "did you mean 'branch'"),
        (
            lambda layer, layers: {"branch": 0.0},
            r"branch is 0.0; expected a number from 0.01 to 100",
        ),
        (lambda layer, layers: {"branch": "1"}, "branch is '1'; expected a number"),
        (lambda layer, layers: {"branch": math.inf}, "expected a finite number"),
        (
            lambda layer, layers: {["branch", "shortcut"][layer - 1]: 1.0},
            "expected the same one in every layer",
        ),
    ],
)
def test_a_change_that_is_none_is_refused_with_the_layer(answer, message):
    with pytest.raises(ValueError, match=message):
        read_change(answer, TINY)


def test_numbers_of_numpy_and_torch_are_numbers():
    assert read_recipe(recipe(alpha=torch.tensor(2.0)), TINY)["alpha"] == 2.0
    assert json.dumps(read_recipe(recipe(warmup_steps=torch.tensor(3)), TINY))


@pytest.mark.parametrize("answer", [3, None, STUCK])
def test_what_is_no_function_is_refused(answer):
    with pytest.raises(TypeError, match="expected the function itself"):
        attempt(answer)


def test_another_function_is_refused_with_what_there_is():
    def layer_norm():
        return {}

    with pytest.raises(ValueError, match="expected one of post_norm_recipe, pre_norm_change"):
        attempt(layer_norm)


# what is kept


def test_an_attempt_is_kept_and_equal_settings_are_not_trained_twice(challenge):
    tiny, trained = challenge
    first, again = attempt_challenge(tiny, recipe()), attempt_challenge(tiny, recipe(alpha=1.0))
    assert len(trained) == 1
    assert again.score == first.score
    assert "not trained again" in str(again)
    assert "not trained again" not in str(first)
    for mine, kept in zip(first.outcome.losses, again.outcome.losses, strict=True):
        assert kept == pytest.approx(mine, rel=1e-3)
    attempt_challenge(tiny, recipe(alpha=2))
    assert len(trained) == 2
    attempt_challenge(replace(tiny, rules=99), recipe())
    assert len(trained) == 3


def test_equal_settings_give_the_same_losses(challenge):
    tiny, _ = challenge
    one, other = (tiny.measure(STUCK, TINY) for _ in range(2))
    assert one == other


def test_own_attempts_are_shown_best_first_and_those_of_other_rules_are_not(challenge):
    tiny, _ = challenge
    scores = iter([20.0, 70.0, 50.0])
    fake = replace(tiny, measure=lambda *_: Outcome(next(scores), [("x", "1")], [[2.0]]))
    for alpha in (1, 2, 3):
        attempt_challenge(fake, recipe(alpha=alpha))
    rows = attempts_at([fake]).rows
    assert [row[1] for row in rows] == ["70", "50", "20"]
    assert "alpha 2," in rows[0][2]
    assert not attempts_at([replace(fake, rules=99)]).rows


def test_an_attempt_shows_a_picture_and_the_recipes_of_the_course(challenge):
    tiny, _ = challenge
    shown = attempt_challenge(tiny, recipe())
    assert "data:image/png;base64," in shown._repr_html_()
    assert "DeepNorm's constants" in str(shown)
    assert f"{shown.score:.0f} of 100" in str(shown)


def test_what_is_not_written_yet_is_not_attempted(challenge):
    def post_norm_recipe():
        raise NotImplementedError

    assert attempt(post_norm_recipe) == "post_norm_recipe  ○ not attempted"


# what the course's own recipes leave


def test_the_recipes_of_the_course_leave_room_and_plain_post_norm_fails():
    scores = {b.name: b.outcome.score for b in load_baselines("post_norm_recipe")}
    assert scores["post-norm"] < 10
    assert scores["post-norm"] < scores["post-norm, small rate"] + 10
    assert 30 < scores["DeepNorm's constants"] < 90
    changes = load_baselines("pre_norm_change")
    assert changes[0].outcome.score == 0
    assert max(b.outcome.score for b in changes) < 60


@pytest.mark.parametrize("function", CHALLENGE_FUNCTIONS)
def test_the_stored_recipes_are_of_the_budget_and_are_shown_best_first(function):
    budget = CHALLENGES[function].budget
    baselines = load_baselines(function)
    for baseline in baselines:
        assert len(baseline.outcome.losses) == len(budget.seeds)
        assert max(map(len, baseline.outcome.losses)) == budget.steps
        assert read_outcome(baseline.outcome.as_json()) == baseline.outcome
    _, table = describe_attempt(baselines[0].outcome, baselines[1:])
    scores = [float(row[1]) for row in table.rows]
    assert scores == sorted(scores, reverse=True)


# on the command line


def checked(tmp_path, body):
    path = tmp_path / "answer.py"
    path.write_text(
        f"from normlab import attempt\n\ndef post_norm_recipe():\n    {body}\n\n"
        "attempt(post_norm_recipe)\n"
    )
    (diagnosis,) = check_file(path)
    return diagnosis


def test_a_check_trains_nothing_and_says_what_to_run(tmp_path):
    found = checked(tmp_path, f"return {STUCK}")
    assert not found.passed
    assert "run attempt(post_norm_recipe) in the notebook" in str(found)
    assert found.as_json()["max_points"] == 0


def test_a_check_says_the_score_of_what_was_attempted(tmp_path, monkeypatch):
    whole = find_challenge("post_norm_recipe")
    fake = replace(whole, measure=lambda *_: Outcome(63.0, [("x", "1")], [[2.0]]))
    attempt_challenge(fake, recipe())
    found = checked(tmp_path, f"return {STUCK}")
    assert found.passed
    assert "score 63 of 100" in str(found)


def test_a_check_says_what_is_wrong_with_the_settings(tmp_path):
    found = checked(tmp_path, f"return {STUCK | {'alpha': -1}}")
    assert found.mistakes == ["bad-settings"]
    assert "alpha is -1; expected a number from 0.01 to 100" in str(found)
    assert checked(tmp_path, "raise NotImplementedError").verdict == "○ not attempted"
    assert checked(tmp_path, "return 1 / 0").mistakes == ["bad-settings"]


@pytest.mark.parametrize("called", [NOTEBOOK, FORMER])
def test_a_class_is_graded_although_open_challenges_were_handed_in_too(tmp_path, called):
    (tmp_path / "ada").mkdir()
    shutil.copy(ROOT / "exercises" / f"{NOTEBOOK}.ipynb", tmp_path / "ada" / f"{called}.ipynb")
    shutil.copy(ROOT / "solutions" / "01_layer_norm.ipynb", tmp_path / "ada")
    collection = collect(tmp_path)
    assert [s.exercise for s in collection.submissions] == ["01_layer_norm"]
    ((origin, reason),) = collection.others
    assert called in origin
    assert reason == "neither its name nor what it defines belongs to an exercise"


def test_a_learners_answer_survives_a_new_version_of_the_challenge():
    course = copies.read(ROOT / "exercises" / f"{NOTEBOOK}.ipynb")
    links = ("../notebooks/", "../")
    mine = copies.prepared(course, links)
    (answer,) = (c for c in mine["cells"] if c["id"] == "answer-post_norm_recipe")
    answer["source"] = "def post_norm_recipe():\n    return {}"
    (asked,) = (c for c in course["cells"] if c["id"] == "answer-post_norm_recipe")
    asked["source"] += "  # the course has changed this line"
    merged = merge(copies.prepared(course, links), mine).notebook
    sources = ["".join(c["source"]) for c in merged["cells"]]
    assert "def post_norm_recipe():\n    return {}" in sources


def test_a_run_that_lost_its_numbers_is_kept_and_drawn():
    lost = Outcome(0.0, [("x", "1")], [[2.0, math.nan]], [math.nan, 0.1], {"loss": math.nan})
    kept = read_outcome(lost.as_json())
    assert math.isnan(kept.losses[0][1])
    assert math.isnan(kept.by_layer[0])
    figure = Figure()
    draw_attempt(kept, load_baselines("pre_norm_change"), figure)
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "X"]
    assert len(crosses) == 1
    assert crosses[0].get_ydata()[0] == figure.axes[0].get_ylim()[1]
