"""The benchmarks of grading at small sizes, and the lock of the graders beside ours."""

import re
import tomllib
from collections import Counter

from packaging.requirements import Requirement
from packaging.version import Version
from submissions import ROOT

from benchmarks import grading, grading_on_dask
from benchmarks.mixed_class import EXERCISES, hand_in_mixed, mixed_submission
from normlab.checks.cells import UnreadableFile, notebook_cells

LOCK = ROOT / "benchmarks" / "peers.txt"


def pinned(path, environment=None):
    """{name: version} of a lock, for this machine."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate():
                found[requirement.name] = str(requirement.specifier).removeprefix("==")
    return found


def test_the_lock_of_the_peers_has_what_they_and_the_course_ask_for():
    lock = pinned(LOCK)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["course"]]
    lines = (ROOT / "benchmarks" / "peers.in").read_text().splitlines()
    asked += [line for line in lines if line and not line.startswith("#")]
    for requirement in map(Requirement, asked):
        if requirement.marker is None or requirement.marker.evaluate():
            assert Version(lock[requirement.name]) in requirement.specifier, requirement


def test_the_peers_run_on_the_libraries_of_the_course():
    """So that the graders differ, and not what they run."""
    ours, theirs = pinned(ROOT / "constraints.txt"), pinned(LOCK)
    for name in ("torch", "numpy", "nbgrader"):
        assert theirs[name] == ours[name]


def test_every_mistake_of_the_benchmark_is_one():
    right = grading.submission(0).replace("# student 0\\n", "")
    for i in range(len(grading.MISTAKES)):
        number = 4 * i + 3
        assert grading.submission(number).replace(f"# student {number}\\n", "") != right


def test_no_two_submissions_of_the_mixed_class_are_alike_and_all_kinds_are_there(tmp_path):
    made = [mixed_submission(number) for number in range(400)]
    assert len({text for _, text in made}) == 400
    assert Counter(exercise for exercise, _ in made) == dict.fromkeys(EXERCISES, 50)
    kinds = Counter()
    for exercise, text in made:
        try:
            cells = notebook_cells(exercise, text.encode())
        except UnreadableFile:
            kinds["broken"] += 1
            continue
        source = "\n".join(cell.source for cell in cells)
        wrong = "= lambda *arguments, **options: None" in source
        kinds["wrong" if wrong else "ends" if "os._exit" in source else "other"] += 1
    assert all(kinds[kind] for kind in ("broken", "wrong", "ends", "other"))
    hand_in_mixed(tmp_path, 20)
    assert len([*tmp_path.glob("student*/*.ipynb")]) == 20


def test_a_class_on_a_cluster_is_killed_in_the_middle_and_graded_to_its_end(monkeypatch):
    monkeypatch.setattr(grading_on_dask, "PAUSE", 0.1)
    outcome = grading_on_dask.measure(24)
    assert outcome.graded == outcome.size == 24
    assert 12 <= outcome.killed_at <= outcome.kept < 24
    assert set(outcome.memory) == {"the scheduler", "worker 1", "worker 2", "normlab grade"}
    assert re.search(r"24 of 24 submissions graded in \d+ seconds", str(outcome))


def test_memory_is_told_by_quarters_of_the_time():
    watched = grading_on_dask.Watched()
    for second in range(101):
        watched.add(50.0 + second, (second + 1) * 2**20)
    assert [watched.quarter(number) for number in (1, 4)] == ["14", "88"]
    assert watched.most == "101"
    assert grading_on_dask.Watched().quarter(1) == ""
