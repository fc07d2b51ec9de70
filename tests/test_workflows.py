"""What runs elsewhere (GitHub, pre-commit) says what the Makefile says, and is well-formed."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import bootstrap
import normlab

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text().replace("\\\n\t\t", "")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
YAML = sorted(
    [*ROOT.glob(".github/**/*.yml"), ROOT / ".pre-commit-config.yaml", ROOT / "CITATION.cff"]
)


def read(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def runs(job):
    """The shell lines of a job's steps."""
    return [line.strip() for step in job["steps"] for line in step.get("run", "").splitlines()]


def recipes(target):
    """The lines of a target of the Makefile, with .venv's Python as `python`."""
    body = re.search(rf"^{re.escape(target)}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1]
    lines = [line.strip().replace("$(BIN)/", "") for line in body.splitlines()]
    return lines


def words(line):
    return shlex.split(line.replace("python -m jupyter", "jupyter"))


JOBS = read(".github/workflows/test.yml")["jobs"]
TEST = JOBS["test"]


@pytest.mark.parametrize("path", YAML, ids=lambda p: p.name)
def test_a_file_in_yaml_is_well_formed(path):
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


def test_the_tests_run_on_every_system_and_python_that_is_promised():
    matrix = TEST["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert PROJECT["requires-python"] == f">={matrix['python'][0]}"


def test_a_workflow_installs_and_tests_as_the_makefile_does():
    assert "python bootstrap.py test" in runs(TEST)
    (test,) = recipes("test")
    assert test == "@$(BOOT) test $(ARGS)"
    assert re.search(r"^BOOT := \$\(PYTHON\) bootstrap.py ", MAKEFILE, re.MULTILINE)
    others = next(line for line in runs(JOBS["versions"]) if "pytest" in line)
    pytest_options = bootstrap.COMMANDS["test"][1]
    assert [word for word in words(others) if word in pytest_options] == pytest_options


def test_no_step_that_windows_runs_needs_make_or_a_posix_shell():
    steps = [s for s in TEST["steps"] if "run" in s and "Linux" not in s.get("if", "")]
    for step in steps:
        for line in step["run"].splitlines():
            assert line.startswith("python "), line


def test_oldest_and_newest_are_what_pyproject_admits():
    included = JOBS["versions"]["strategy"]["matrix"]["include"]
    assert {(v["versions"], v["resolution"], v["warnings"]) for v in included} == {
        ("oldest", "lowest-direct", "default"),
        ("newest", "highest", "error"),
    }


def test_a_release_is_of_the_version_that_normlab_says():
    step = next(
        s
        for s in read(".github/workflows/release.yml")["jobs"]["build"]["steps"]
        if s.get("name") == "The tag is the version"
    )
    program = re.search(r"python -c '(.+)'\)", step["run"])[1]
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == normlab.__version__


def test_what_runs_before_a_commit_is_what_the_tests_run():
    hooks = {hook["id"]: hook for hook in read(".pre-commit-config.yaml")["repos"][0]["hooks"]}
    assert hooks.keys() == {"ruff", "ruff-format", "mypy", "notebooks-are-built"}
    assert all(hook["language"] == "system" for hook in hooks.values())
    entry = shlex.split(hooks["notebooks-are-built"]["entry"])
    collect = [sys.executable, *entry[1:], "--collect-only"]
    done = subprocess.run(collect, cwd=ROOT, capture_output=True, text=True, check=False)
    lessons, solved = (len(list(ROOT.glob(f"{f}/*.ipynb"))) for f in ("notebooks", "solutions"))
    assert f"{lessons + solved}/" in done.stdout, done.stdout


def test_the_citation_names_the_licenses_of_pyproject():
    assert " AND ".join(read("CITATION.cff")["license"]) == PROJECT["license"]


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", "README.md"])
def test_links_and_paths_in_a_text_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [t for t in re.findall(r"\]\(([^)#]+)\)", text) if not t.startswith("http")]
    paths = re.findall(r"`((?:normlab|tests|lessons|docs|benchmarks)/[\w/.]+\.\w+)`", text)
    assert len(links + paths) > 1
    for target in links + paths:
        found = ROOT / target
        assert found.exists() or "NAME" in target or "QUESTION" in target or "NN" in target, target
