"""The teacher's guide says what is so."""

import re
import tomllib

import pytest
from hostile_submissions import CELLS, FORGED, FUNCTIONS, LOOPS
from installed import exercises_here
from submissions import ROOT

from normlab import cli
from normlab.grading.alike import SHORTEST
from normlab.grading.collect import Submission
from normlab.grading.collecting.handed_in import HandedIn
from normlab.grading.confined.confinement import NEVER
from normlab.grading.outputs.pages import TEMPLATES
from normlab.grading.overrides import overrides_for
from normlab.grading.policy import parse_policy
from normlab.grading.watch import MOST_LOOKS, PAUSE

GUIDE = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")


def test_the_points_in_the_guide_are_those_of_the_exercises():
    for exercise in exercises_here():
        (row,) = re.findall(rf"^\| {exercise.name} \| (.*) \|$", GUIDE, re.MULTILINE)
        if exercise.name == "08_bug_museum":
            failing = [q for q in exercise.questions if q.function.endswith("_failing_input")]
            repairs = [q for q in exercise.questions if q not in failing]
            assert {q.points for q in failing} == {1}
            points = [q.points for q in repairs]
            first = repairs[points.index(2)]
            assert points == sorted(points)
            assert row == (
                f"{len(failing)} failing inputs, 1 each; {points.count(1)} repairs, 1 each; from "
                f"`{first.function}` on {points.count(2)} repairs, 2 each: {exercise.points} in all"
            )
        else:
            steps = [f"`{q.function}`" for q in exercise.questions if not q.points]
            worth = [f"`{q.function}` {q.points}" for q in exercise.questions if q.points]
            if steps:
                said = f"{', '.join(steps[:-1])} and {steps[-1]} are steps without points; "
                row = row.removeprefix(said)
            assert row == ", ".join(worth)


def test_the_policy_in_the_guide_is_the_one_of_the_help():
    text, _ = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert text == cli.POLICY_EXAMPLE
    assert parse_policy(text)
    assert tomllib.loads(text)


def test_what_the_guide_gives_by_hand_is_what_the_help_has_and_can_be_given():
    _, text = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert text == cli.OVERRIDES_EXAMPLE
    handed_in = Submission("ada", "01_layer_norm", HandedIn((), "", "", bytes))
    given = overrides_for(tomllib.loads(text), [handed_in])
    assert given.problems == ()
    assert given.of("ada").answer("layer_norm", 4).points == 3
    assert given.of("ada").exercise("01_layer_norm").days_late == 0


def test_the_lengths_in_the_guide_are_those_that_are_used():
    assert f"below {SHORTEST['wrong']} characters" in GUIDE
    assert f"below {SHORTEST['right']} otherwise" in GUIDE
    assert (PAUSE, PAUSE * MOST_LOOKS) == (2, 20)
    assert "SECONDS = 5" in (TEMPLATES / "refresh.js").read_text(encoding="utf-8")


def test_the_options_and_targets_in_the_guide_exist(capsys):
    for command in ("grade", "check"):
        with pytest.raises(SystemExit):
            cli.main([command, "--help"])
    help_text = capsys.readouterr().out
    assert set(re.findall(r"--[a-z][a-z-]+", GUIDE)) - {"--constraint", "--editable"} <= set(
        re.findall(r"--[a-z][a-z-]+", help_text)
    )
    rules = re.findall(r"^([a-z][a-z -]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = {name for rule in rules for name in rule.split()}
    assert set(re.findall(r"\bmake ([a-z][a-z-]+)", GUIDE)) <= targets


def test_the_links_in_the_guide_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", GUIDE):
        assert (ROOT / "docs" / target).exists(), target


def test_the_numbers_in_the_guide_are_right():
    hostile = len(LOOPS) + len(FUNCTIONS) + len(FORGED) + len(CELLS)
    assert f"some {hostile // 10 * 10} such submissions" in GUIDE
    assert f"{len(NEVER)} system calls" in GUIDE
