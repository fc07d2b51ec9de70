"""A contributor's fast loop, `make quick`: style, types, and the tests that are nearest.

    python tests/quick.py            what differs from the last commit
    python tests/quick.py --base main

Tested are always the NumPy part and the shape of the code, and besides them what the change
touches: test files that changed, and test files that import a module that changed.
"""

import argparse
import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
ALWAYS = (
    *("normlab/norms", "normlab/checks", "normlab/tools"),
    *("tests/test_norms.py", "tests/test_checks.py", "tests/test_course.py"),
    "tests/test_architecture.py",
)
STYLE_AND_TYPES = "tests/test_architecture.py::test_the_code_is_clean_under"
SLOW = {
    *("tests/test_browser.py", "tests/test_quiz_in_browser.py", "tests/test_claims.py"),
    *("tests/test_widgets_in_browser.py", "tests/test_explorers_of_the_course.py"),
    *("tests/test_token_in_browser.py", "tests/test_marks_in_browser.py"),
    *("tests/test_bets_in_browser.py", "tests/test_fused_norms.py", "tests/test_zoo_installed.py"),
    *(
        "tests/test_grading_hostile.py",
        "tests/test_grading_judge.py",
        "tests/test_grading_draws.py",
        "tests/test_grading_honest.py",
        "tests/test_strange_answers.py",
    ),
    *("tests/test_remake.py", "tests/test_depth_laws.py", "tests/test_sweep.py"),
}
"""Each takes half a minute or more; `make quick` names them and runs none."""
MOST = 6
OPTIONS = ("-o", "addopts=--doctest-modules --strict-markers", "--deselect", STYLE_AND_TYPES)
"""No notebooks; and style and types are seen to beside the tests."""


def changed_files(base: str) -> list[str]:
    """Paths that differ from a commit, and those that git does not know and does not ignore."""
    differ = ["git", "diff", "--name-only", "--no-renames", base]
    new = ["git", "ls-files", "--others", "--exclude-standard"]
    run = [
        subprocess.run(c, cwd=ROOT, capture_output=True, text=True, check=True)
        for c in (differ, new)
    ]
    return sorted({line for done in run for line in done.stdout.splitlines()})


def face(package: str) -> dict[str, str]:
    """Name -> module, for each name on a room's face."""
    stub = ROOT / package.replace(".", "/") / "__init__.pyi"
    if not stub.exists():
        return {}
    return {
        alias.name: f"{package}.{node.module or alias.name}"
        for node in ast.parse(stub.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def imported_by(path: Path) -> set[str]:
    """Modules that a file imports, also as `from normlab.probes import depth` or a room's face."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            shown = face(node.module)
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            names |= {shown[alias.name] for alias in node.names if alias.name in shown}
    return names


def near(changed: Iterable[str]) -> list[str]:
    """What to test of a change: its own tests, doctests of its modules, and their importers."""
    sources = [p for p in changed if p.endswith(".py") and (ROOT / p).exists()]
    modules = {
        p.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for p in sources
        if p.startswith(("normlab/", "tests/"))
    }
    files = {p for p in sources if p.startswith("normlab/") or Path(p).name.startswith("test_")}
    importers: dict[str, int] = {}
    for path in sorted(ROOT.glob("tests/test_*.py")):
        names = imported_by(path)
        shared = modules & (names | {f"tests.{name}" for name in names})
        if shared:
            importers[path.relative_to(ROOT).as_posix()] = len(shared)
    most = sorted(importers, key=lambda path: -importers[path])[:MOST]
    return sorted(files | set(most))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--base", default="HEAD", help="compare with this commit; default: the last"
    )
    parser.add_argument("options", nargs="*", help="for pytest, behind --")
    chosen = parser.parse_args()
    wanted = [path for path in near(changed_files(chosen.base)) if path not in ALWAYS]
    left_out = [path for path in wanted if path in SLOW]
    tests = [*ALWAYS, *(path for path in wanted if path not in SLOW)]
    python = [sys.executable, "-m"]
    commands = [
        [*python, "ruff", "check", "--quiet"],
        [*python, "ruff", "format", "--check", "--quiet"],
        [*python, "pytest", "-q", "-n2", *OPTIONS, *tests, *chosen.options],
    ]
    types = subprocess.Popen([*python, "mypy"], cwd=ROOT)
    failed = [c[2] for c in commands if subprocess.run(c, cwd=ROOT, check=False).returncode]
    if types.wait():
        failed.append("mypy")
    if left_out:
        print(f"Not run, as they are slow: {' '.join(left_out)}")
    print(f"quick: {', '.join(failed)} failed" if failed else "quick: all is well")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
