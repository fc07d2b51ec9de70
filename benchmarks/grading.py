"""How fast is a class graded, beside nbgrader and otter-grader?

    make bench-grading                       20 submissions by all three, and a class of 500
    make bench-grading ARGS="--size 4"       fewer
    make bench-grading ARGS="--class 0"      without the class
    make bench-grading ARGS="--dask 10000"   that many on a cluster (benchmarks/grading_on_dask.py)

Submissions of exercise 03 (NumPy and torch), no two of which are alike; three of four are right.
A class of 500 is graded by ours alone, and one in which all exercises are handed in.
Each grader grades all of them in one run of its command (otter: one run each, as it has no other
way without containers), with its start. Seconds are of the wall clock. Memory is the greatest sum
of what all processes of a grader hold (proportional set size, so that shared pages count once).
The peers run in `.venv-peers`, which `make` fills.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from benchmarks.grading_on_dask import held_by
from benchmarks.grading_on_dask import measure as measure_on_dask
from benchmarks.mixed_class import hand_in_mixed
from normlab.tools.progress_bar import progress_bar
from normlab.tools.table import Table

ROOT = Path(__file__).parent.parent
PEERS = ROOT / ".venv-peers" / "bin"
EXERCISE = "03_rms_norm"
MISTAKES = (
    {"np.sqrt(mean_square + eps)": "(np.sqrt(mean_square) + eps)"},
    {"(wide**2).mean(axis=-1, keepdims=True) + eps": "(wide**2).mean(axis=-1, keepdims=True)"},
    {"(g_hat - normalized * mean_gx) / rms": "g_hat / rms"},
    {"self.weight = nn.Parameter(torch.ones(dim))": "self.weight = nn.Parameter(torch.zeros(dim))"},
    {"(gamma * normalized).astype(x.dtype)": "normalized.astype(x.dtype)"},
)
"""Words of the solution -> other words."""
FUNCTIONS = ("rms_norm", "rms_norm_backward", "RMSNorm")
OTTER_TEST = """\
OK_FORMAT = True
test = {{"name": "{0}", "points": 1, "suites": [{{"cases": [{{"code":
    ">>> from normlab import check\\n>>> bool(check({0}).passed)\\nTrue",
    "hidden": False, "locked": False}}], "scored": True, "setup": "", "teardown": "",
    "type": "doctest"}}]}}
"""


@dataclass(frozen=True)
class Measured:
    """One grader's figures."""

    name: str
    submissions: int
    seconds: float
    memory: int
    right: int

    @property
    def rate(self) -> float:
        return self.submissions / self.seconds


def submission(number: int) -> str:
    """The solved notebook, with a comment of its own; every fourth with a mistake."""
    notebook = json.loads((ROOT / "solutions" / f"{EXERCISE}.ipynb").read_text(encoding="utf-8"))
    changes = MISTAKES[number // 4 % len(MISTAKES)] if number % 4 == 3 else {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            for old, new in changes.items():
                source = source.replace(old, new)
            cell["source"] = f"# student {number}\n{source}"
    return json.dumps(notebook)


def hand_in(folder: Path, size: int, place: str) -> None:
    """Write the submissions, each to `place` with its number."""
    for number in range(size):
        path = folder / place.format(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(submission(number), encoding="utf-8")


def timed(commands: Sequence[Sequence[str]], folder: Path, python: Path) -> tuple[float, int]:
    """(seconds, greatest memory) of commands, one after the other."""
    environment = os.environ | {"PATH": f"{python}{os.pathsep}{os.environ['PATH']}"}
    most, over = 0, threading.Event()
    running: list[psutil.Process] = []

    def watch() -> None:
        nonlocal most
        while not over.wait(0.25):
            if running and running[-1].is_running():
                most = max(most, held_by(running[-1]))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    for command in progress_bar(commands, Path(commands[0][0]).name):
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        running.append(psutil.Process(process.pid))
        _, told = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}: {told.decode()[-2000:]}")
    seconds = time.perf_counter() - start
    over.set()
    watcher.join()
    return seconds, most


def ours(folder: Path, size: int, workers: int | None = None) -> Measured:
    hand_in(folder / "class", size, f"student{{}}/{EXERCISE}.ipynb")
    return graded_by_us(folder, size, workers)


def ours_of_all_exercises(folder: Path, size: int, workers: int | None = None) -> Measured:
    hand_in_mixed(folder / "class", size)
    found = graded_by_us(folder, size, workers)
    return replace(found, name=f"{found.name}, all exercises")


def graded_by_us(folder: Path, size: int, workers: int | None) -> Measured:
    options = [] if workers is None else ["--workers", str(workers)]
    own = Path(sys.executable).parent
    command = [str(own / "normlab"), "grade", "class", "--out", "out", *options]
    seconds, memory = timed([command], folder, own)
    results = [json.loads(p.read_text()) for p in (folder / "out" / "students").rglob("*.json")]
    right = sum(all(t["status"] == "passed" for t in result["tests"]) for result in results)
    name = "normlab grade" if workers is None else f"normlab grade --workers {workers}"
    return Measured(name, size, seconds, memory, right)


def nbgrader(folder: Path, size: int) -> Measured:
    (folder / "nbgrader_config.py").write_text('get_config().CourseDirectory.course_id = "b"\n')
    source = folder / "source" / "week"
    source.mkdir(parents=True)
    (source / f"{EXERCISE}.ipynb").write_text((ROOT / f"solutions/{EXERCISE}.ipynb").read_text())
    timed([[str(PEERS / "nbgrader"), "generate_assignment", "week"]], folder, PEERS)
    hand_in(folder / "submitted", size, f"student{{}}/week/{EXERCISE}.ipynb")
    seconds, memory = timed([[str(PEERS / "nbgrader"), "autograde", "week"]], folder, PEERS)
    timed([[str(PEERS / "nbgrader"), "export"]], folder, PEERS)
    lines = (folder / "grades.csv").read_text().splitlines()[1:]
    right = sum(line.split(",")[-2] == line.split(",")[-1] for line in lines)
    return Measured("nbgrader autograde", size, seconds, memory, right)


def otter(folder: Path, size: int) -> Measured:
    (folder / "tests").mkdir(parents=True)
    for function in FUNCTIONS:
        (folder / "tests" / f"{function}.py").write_text(OTTER_TEST.format(function))
    generate = [str(PEERS / "otter"), "generate", "-t", "tests", "-o", "autograder.zip"]
    timed([[*generate, "--no-requirements", "--no-environment"]], folder, PEERS)
    hand_in(folder / "class", size, "{}.ipynb")
    commands = []
    for number in range(size):
        (folder / "out" / str(number)).mkdir(parents=True)
        run = [str(PEERS / "otter"), "run", f"class/{number}.ipynb", "-a", "autograder.zip"]
        commands.append([*run, "-o", f"out/{number}", "--no-logo"])
    seconds, memory = timed(commands, folder, PEERS)
    results = [json.loads(p.read_text()) for p in (folder / "out").rglob("results.json")]
    scores = [[t["score"] for t in r["tests"] if t["name"] in FUNCTIONS] for r in results]
    return Measured(
        "otter run", size, seconds, memory, sum(sum(s) == len(FUNCTIONS) for s in scores)
    )


def measured(grader: Callable[[Path], Measured]) -> Measured:
    with tempfile.TemporaryDirectory(prefix="normlab-bench-") as folder:
        return grader(Path(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--size", type=int, default=20, help="submissions for all three")
    parser.add_argument("--class", type=int, default=500, dest="large", help="for ours alone")
    parser.add_argument("--dask", type=int, default=0, help="for ours alone, on a Dask cluster")
    options = parser.parse_args()
    if options.dask:
        print(measure_on_dask(options.dask))
        return
    size, large = options.size, options.large
    graders: list[Callable[[Path], Measured]] = [
        lambda folder: nbgrader(folder, size),
        lambda folder: otter(folder, size),
        lambda folder: ours(folder, size),
        lambda folder: ours(folder, size, workers=1),
    ]
    if large:
        graders += [
            lambda folder: ours(folder, large),
            lambda folder: ours(folder, large, workers=1),
            lambda folder: ours_of_all_exercises(folder, large),
            lambda folder: ours_of_all_exercises(folder, large, workers=1),
        ]
    found = [measured(grader) for grader in graders]
    base = found[0].rate
    rows = [
        [
            m.name,
            m.submissions,
            f"{m.right}",
            f"{m.seconds:.2f}",
            f"{m.rate:.2f}",
            f"{m.rate / base:.1f}",
            f"{m.memory / 2**20:.0f}",
        ]
        for m in found
    ]
    columns = ("grader", "submissions", "all right", "seconds", "a second", "× nbgrader", "MB")
    print(Table(columns, rows))


if __name__ == "__main__":
    main()
