"""Where the course can be read without installing it: links, Binder, and the cell for Colab."""

import json
import os
import subprocess
import sys
import types
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import nbformat
import published
import pytest
import yaml

from normlab.study.folders import FIRST, SHELVES, WORK

ROOT = Path(__file__).parent.parent
NOTEBOOKS = [path for shelf in SHELVES for path in sorted((ROOT / shelf.name).glob("*.ipynb"))]


@pytest.fixture
def magics(monkeypatch):
    """What the cell asks of IPython and of Colab."""
    asked = []
    shell = types.SimpleNamespace(run_line_magic=lambda *called: asked.append(called))
    monkeypatch.setattr("builtins.get_ipython", lambda: shell, raising=False)
    output = types.ModuleType("google.colab.output")
    output.enable_custom_widget_manager = lambda: asked.append("widgets")
    colab = types.ModuleType("google.colab")
    colab.output = output
    return asked, {"google.colab": colab, "google.colab.output": output}


def test_elsewhere_the_cell_for_colab_does_nothing(magics):
    asked, modules = magics
    assert not modules.keys() & sys.modules.keys()
    exec(published.IN_COLAB, {})
    assert asked == []


def test_in_colab_it_installs_from_the_repository_and_enables_widgets(magics, monkeypatch):
    asked, modules = magics
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    exec(published.IN_COLAB, {})
    assert asked == [("pip", f"install --quiet git+{published.REPOSITORY}"), "widgets"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_notebook_has_the_cell_once_right_behind_its_title(path):
    cells = nbformat.read(path, as_version=4).cells
    assert [n for n, cell in enumerate(cells) if "google.colab" in cell.source] == [1]
    assert cells[0].source.startswith("# ")
    assert cells[1].source == published.IN_COLAB
    assert cells[1].outputs == []
    assert cells[1].metadata.jupyter.source_hidden


def test_no_other_cell_fetches_anything():
    cells = [c for p in NOTEBOOKS for c in nbformat.read(p, as_version=4).cells[2:]]
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    commands = ("pip install", "run_line_magic", "urlopen", "requests.get", "git clone")
    assert [s for s in sources for command in commands if command in s] == []


def test_every_link_is_made_from_the_one_address():
    assert published.REPOSITORY.startswith("https://github.com/")
    here = f"{published.OWNER}/{published.NAME}"
    for url in (published.BINDER, published.COLAB):
        assert f"/{here}/" in url
    (opened,) = parse_qs(urlsplit(published.BINDER).query)["urlpath"]
    assert opened == f"lab/tree/{WORK.name}/{FIRST}" or os.environ.get("NORMLAB_WORK")
    assert (ROOT / "notebooks" / FIRST).exists()
    assert f"{published.COLAB}{FIRST}" in published.links()
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text()
        assert f"git clone {published.REPOSITORY} " in text
        assert published.addressed(text) == text, "run make lessons ARGS=00"
    moved = published.addressed("pip install git+https://github.com/other/fork-2")
    assert moved == f"pip install git+{published.REPOSITORY}"


@pytest.mark.skipif(os.name == "nt", reason="the release is built on Linux")
def test_a_release_from_another_repository_is_refused():
    steps = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]["build"]
    (step,) = [s for s in steps["steps"] if s.get("name") == "The links name this repository"]
    here = f"{published.OWNER}/{published.NAME}"
    for repository, code in ((here, 0), ("other/fork", 1)):
        environment = {**os.environ, "GITHUB_REPOSITORY": repository}
        done = subprocess.run(step["run"], shell=True, cwd=ROOT, env=environment, check=False)
        assert done.returncode == code


@pytest.mark.skipif(os.name == "nt", reason="Binder is Linux")
def test_binder_copies_the_chapters_and_asks_for_no_news(tmp_path):
    """The script itself, with `python` and `jupyter` that write down what they are asked."""
    for name in ("python", "jupyter"):
        command = tmp_path / name
        command.write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/asked\n')
        command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run([ROOT / "postBuild"], check=True, env=environment)
    first, second = (tmp_path / "asked").read_text().splitlines()
    assert first == "python -m normlab start"
    disabled = json.loads((ROOT / "normlab/study/jupyter/labconfig/page_config.json").read_text())[
        "disabledExtensions"
    ]
    assert second.split()[-1] in disabled
