"""GitHub Classroom: what the check writes, and the workflow that passes it on."""

import re

import jsonschema
import pytest
import yaml
from importers import reporter, schema
from submissions import RIGHT, ROOT, WRONG, notebook

from normlab import cli
from normlab.exercises import FUNCTIONS
from normlab.study.check_command import Checked, check_apart
from normlab.study.classroom import LARGEST, classroom_results, write_classroom
from normlab.tools.apart import Limits

WORKFLOW = yaml.safe_load((ROOT / "docs/github_classroom/classroom.yml").read_text())
(JOB,) = WORKFLOW["jobs"].values()
LIMITS = Limits(seconds=60, memory_mb=2048)


def checked(folder, **files):
    """What the command does with files of these names; the outputs that it writes."""
    for name, content in files.items():
        (folder / f"{name}.ipynb").write_bytes(content)
    outputs = folder / "outputs"
    outputs.write_text("other=1\n")  # what an earlier step has said
    paths = [str(folder / f"{name}.ipynb") for name in files]
    return cli.main(["check", "--classroom", str(outputs), *paths]), outputs


def test_a_right_answer_passes_and_its_points_are_those_of_the_check(tmp_path):
    code, outputs = checked(tmp_path, **{"01_layer_norm": notebook(RIGHT)})
    results, points, failed = reporter(outputs)
    jsonschema.validate(results, schema("classroom_results"))
    assert (code, points, failed) == (0, "Points 4/4", "")
    assert outputs.read_text().startswith("other=1\nresult=")


def test_a_wrong_answer_has_its_levels_and_says_what_is_wrong(tmp_path):
    code, outputs = checked(tmp_path, **{"01_layer_norm": notebook(WRONG)})
    results, points, failed = reporter(outputs)
    jsonschema.validate(results, schema("classroom_results"))
    assert (code, points, failed) == (1, "Points 3/4", "Some tests failed.")
    assert "cancellation" in results["tests"][0]["message"]


@pytest.mark.parametrize(
    ("content", "points"),
    [(b"{", 0), (b"", 0), (notebook("import os\nos._exit(0)", RIGHT), 0), (None, 0)],
)
def test_what_could_not_be_run_counts_with_all_its_questions(content, points, tmp_path):
    """Else a notebook that ends after its first answer would have all points of what was seen."""
    path = tmp_path / "03_rms_norm.ipynb"
    if content is not None:
        path.write_bytes(content)
    results = classroom_results([check_apart(path, LIMITS)])
    jsonschema.validate(results, schema("classroom_results"))
    assert [test["name"].split()[1] for test in results["tests"]] == [*FUNCTIONS["03_rms_norm"]]
    assert {test["status"] for test in results["tests"]} == {"error"}
    assert (sum(t["score"] for t in results["tests"]), results["max_score"]) == (points, 11)
    assert results["status"] == "error"


def test_nothing_that_is_known_is_still_a_result(tmp_path):
    results = classroom_results([Checked(tmp_path / "notes.ipynb", (), "it answers no exercise")])
    jsonschema.validate(results, schema("classroom_results"))
    assert (results["status"], results["max_score"]) == ("error", 0)


def test_the_results_of_the_whole_course_fit_into_a_variable(tmp_path):
    """Linux refuses the reporter's process else."""
    problem = "\U0001f525\x00\ud800" * 10_000
    every = [Checked(tmp_path / f"{name}.ipynb", (), problem) for name in FUNCTIONS]
    write_classroom(tmp_path / "outputs", 3 * every)
    line = (tmp_path / "outputs").read_text()
    assert len(line) < LARGEST + 10
    results, points, _ = reporter(tmp_path / "outputs")
    jsonschema.validate(results, schema("classroom_results"))
    assert points.startswith("Points 0/")


def test_the_workflow_passes_on_what_the_check_writes():
    ran = {step.get("id"): step for step in JOB["steps"]}
    check = ran["normlab"]
    assert '--classroom "$GITHUB_OUTPUT"' in check["run"]
    assert check["continue-on-error"] is True  # so that the reporter is reached
    told = JOB["steps"][-1]
    assert told["uses"].startswith("classroom-resources/autograding-grading-reporter@")
    for runner in told["with"]["runners"].split(","):
        assert told["env"] == {
            f"{runner.upper()}_RESULTS": f"${{{{ steps.{runner}.outputs.result }}}}"
        }


def test_the_workflow_installs_what_it_has_cloned():
    lines = [step["run"] for step in JOB["steps"] if "run" in step]
    (cloned,) = re.findall(r'git clone .* "([^"]+)"', "\n".join(lines))
    (install,) = (line for line in lines if line.startswith("pip install"))
    constraint, course = re.findall(r'"([^"]+)"', install)
    assert constraint == f"{cloned}/constraints.txt"
    assert course == f"{cloned}[course]"


def test_the_workflow_gives_options_that_the_check_has(capsys):
    with pytest.raises(SystemExit):
        cli.main(["check", "--help"])
    assert "--classroom OUTPUTS" in capsys.readouterr().out
