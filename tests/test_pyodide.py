"""What Python in the page is made of: pinned files, the course's wheel, pages, and licences."""

import json
import re
import zipfile

import nbformat
import pytest

from docs.site.build import main
from docs.site.python import pyodide
from docs.site.python.bundle_editor import BUNDLE, LICENSES, SOURCE
from docs.site.python.chapters import REMAKE, changed_cells, stored_runs
from docs.site.python.course_wheel import write_course_wheel
from docs.site.python.distribution import FIRST, SCRIPTS, copy_to
from docs.site.python.exercises import EXERCISES, page_of_exercise, write_exercises
from docs.site.python.page_runtime import Page
from docs.site.python.pyodide import NoPyodide, pins, pyodide_files
from docs.site.server import served
from normlab.exercises import FUNCTIONS

MOST = 18e6  # bytes of what the first Check fetches
IN_TORCH = {
    "RMSNorm", "post_norm_step", "pre_norm_step", "PreNormTransformer", "layer_gradient_norms",
    "deepnorm_step", "deepnorm_init_", "LayerNormLSTMCell", "post_norm_recipe", "pre_norm_change",
}  # fmt: skip
NOT_HERE = dict.fromkeys(IN_TORCH, "PyTorch") | {"rms_norm_kernel": "Triton"}


@pytest.fixture(scope="module")
def files():
    try:
        return pyodide_files()
    except NoPyodide as error:
        pytest.skip(f"PYTHON IN THE PAGE IS NOT TESTED. {error}")


@pytest.fixture(scope="module")
def static(files, tmp_path_factory):
    """`_static/python` of a site."""
    folder = tmp_path_factory.mktemp("static") / "python"
    copy_to(folder)
    return folder


def test_the_lock_file_and_the_pins_are_of_one_release(files):
    lock = json.loads(files["pyodide-lock.json"].read_text(encoding="utf-8"))
    hashes = {p["file_name"]: p["sha256"] for p in lock["packages"].values()}
    wheels = {n: h for n, h in pins()["files"].items() if n.endswith(".whl")}
    assert len(wheels) > 10
    assert {name: hashes[name] for name in wheels} == wheels
    assert f'"{pins()["version"]}"' in files["pyodide.mjs"].read_text(encoding="utf-8")
    assert f"/v{pins()['version']}/" in pins()["release"]


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Pins of one file that an empty cache does not have, and a release that has it."""
    release = tmp_path / "release"
    release.mkdir()
    (release / "a.mjs").write_bytes(b"a file")
    sha256 = pyodide._hash(b"a file")
    pinned = {**pins(), "files": {"a.mjs": sha256}, "wheels": {}}
    monkeypatch.setenv("NORMLAB_PYODIDE", str(tmp_path / "cache"))
    monkeypatch.setattr(pyodide, "pins", lambda: pinned)
    with served(release) as url:
        pinned["release"] = f"{url}/"
        yield pinned, release


def test_a_file_comes_from_the_release_and_is_fetched_once(small):
    (path,) = pyodide_files().values()
    assert path.read_bytes() == b"a file"
    (small[1] / "a.mjs").unlink()
    assert pyodide_files() == {"a.mjs": path}


@pytest.mark.parametrize("given", [b"no wheel", b""])
def test_a_wheel_in_the_cache_that_is_none_is_named(given, small):
    pinned, release = small
    (release / "a.mjs").unlink()
    wheel = pyodide.cache_folder() / pinned["wheel"]["file"]
    wheel.parent.mkdir(parents=True, exist_ok=True)
    wheel.write_bytes(given)
    with pytest.raises(NoPyodide, match=f"{wheel.name} is no wheel"):
        pyodide_files()


def test_without_the_release_it_comes_from_a_wheel_that_lies_in_the_cache(small, tmp_path):
    pinned, release = small
    (release / "a.mjs").unlink()
    wheel = tmp_path / "cache" / pinned["wheel"]["file"]
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{pinned['wheel']['folder']}a.mjs", b"a file")
    assert pyodide_files()["a.mjs"].read_bytes() == b"a file"


def test_a_file_with_another_hash_is_refused(small, monkeypatch):
    pinned, release = small
    (release / "a.mjs").write_bytes(b"another file")
    monkeypatch.setitem(pinned["wheel"], "requirement", "normlab-has-no-such-wheel==1")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(NoPyodide, match=r"cannot be had: a\.mjs has SHA-256 .*; expected") as told:
        pyodide_files()
    assert "No matching distribution" in str(told.value), "what pip said"
    assert "pip download --no-deps normlab-has-no-such-wheel==1" in str(told.value)


def test_a_file_that_was_changed_in_the_cache_is_fetched_again(small):
    (path,) = pyodide_files().values()
    path.write_bytes(b"broken")
    assert pyodide_files()["a.mjs"].read_bytes() == b"a file"


def test_the_same_course_gives_the_same_wheel_without_notebooks(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    wheel = write_course_wheel(one)
    assert wheel.read_bytes() == write_course_wheel(other).read_bytes()
    assert wheel.stat().st_size < 1.2e6
    names = zipfile.ZipFile(wheel).namelist()
    runtime = "docs/site/python/page_runtime.py"
    assert {"normlab/__init__.pyi", "normlab/norms/__init__.py", runtime} <= {*names}
    assert not [n for n in names if n.endswith((".ipynb", ".png", ".pyc")) or "/grading/" in n]


def test_a_part_that_a_loaded_module_lacks_is_not_asked_for_again():
    page = Page.__new__(Page)  # without what makes this Python that of a page
    page._loadable = frozenset({"normlab", "nowhere"})
    assert page._can_load(ModuleNotFoundError(name="nowhere.part")) == "nowhere"
    assert page._can_load(ModuleNotFoundError(name="normlab.audit")) == ""
    assert page._can_load(ModuleNotFoundError(name="torch")) == ""


def test_the_first_check_fetches_at_most_18_mb(static):
    downloads = json.loads((static / "downloads.json").read_text(encoding="utf-8"))
    scripts = sum((static / name).stat().st_size for name in SCRIPTS if name.endswith(".js"))
    print(f"the first Check fetches {(downloads['first'] + scripts) / 1e6:.2f} MB")
    assert 15e6 < downloads["first"] + scripts < MOST
    assert {"matplotlib", "anywidget"} <= downloads["later"].keys()


def test_the_lock_of_the_site_has_what_lies_beside_it_and_no_more(static):
    lock = json.loads((static / "pyodide" / "pyodide-lock.json").read_text(encoding="utf-8"))
    packages = lock["packages"]
    lying = {path.name: path for path in (static / "pyodide").glob("*.whl")}
    assert {p["file_name"] for p in packages.values()} == lying.keys()
    for package in packages.values():
        data = lying[package["file_name"]].read_bytes()
        assert package["sha256"] == pyodide._hash(data)
        assert set(package["depends"]) <= packages.keys()
    assert packages["normlab"]["depends"] == [*FIRST]


def test_the_site_has_the_licence_of_everything_it_hands_out(static):
    text = (static / "licenses.txt").read_text(encoding="utf-8")
    assert "Mozilla Public License Version 2.0" in text
    assert "PYTHON SOFTWARE FOUNDATION LICENSE" in text
    wheels = [path.name for path in (static / "pyodide").glob("*.whl")]
    without = [n for n in wheels if f"\n{n}: " not in text and not n.startswith("normlab-")]
    assert not without
    assert (static / "editor_licenses.txt").exists()


def test_the_editor_is_small_pinned_and_has_its_licences():
    assert 100e3 < BUNDLE.stat().st_size < 500e3
    package = json.loads((SOURCE / "package.json").read_text(encoding="utf-8"))
    wanted = package["dependencies"] | package["devDependencies"]
    locked = json.loads((SOURCE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    text = LICENSES.read_text(encoding="utf-8")
    for name, version in wanted.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} is not pinned: {version}"
        assert locked[f"node_modules/{name}"]["version"] == version
        assert name == "esbuild" or f"{name}\n\n" in text
    assert text.count("Permission is hereby granted, free of charge") >= len(wanted) - 1


def test_every_cell_of_a_chapter_was_run_in_a_page_as_it_is():
    assert not changed_cells(), f"these cells are new; run: {REMAKE}"
    assert sum(cell["runs"] for cells in stored_runs().values() for cell in cells.values()) > 150


@pytest.mark.parametrize("path", sorted(EXERCISES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_an_exercise_page_has_the_code_that_is_handed_out_and_an_editor_for_each_answer(path):
    handed_out = nbformat.read(path, as_version=4)
    text = "\n\n".join(cell.source for cell in page_of_exercise(path).cells)
    for cell in handed_out.cells:
        if cell.cell_type == "code" and cell.id != "colab" and not cell.source.startswith("check("):
            assert f"```python\n{cell.source}\n```" in text
    asked = FUNCTIONS.get(path.stem, ("post_norm_recipe", "pre_norm_change"))
    marks = re.findall(r'data-kind="answer" data-function="(\w+)"( data-torch)?', text)
    assert [name for name, _ in marks] == [*asked]
    needed = {name: library for name, library in NOT_HERE.items() if name in asked}
    assert {name for name, torch in marks if torch} == needed.keys()
    for name, library in needed.items():
        assert f"`{name}` needs {library}: take the notebook along" in text
    assert (len(needed) < len(asked)) == ("You can solve this here" in text)
    for library in {*needed.values()} if len(needed) == len(asked) else ():
        assert f"All questions need {library}, which does not run in a page" in text
    embedded = re.search(r'id="normlab-exercise">(.*)</script>', text)[1]
    kept = json.loads(embedded)
    assert kept["notebook"] == json.loads(path.read_text(encoding="utf-8"))
    assert sorted(kept["functions"].values()) == sorted(asked)


def test_every_exercise_becomes_a_page(tmp_path):
    write_exercises(tmp_path)
    pages = sorted(path.name for path in (tmp_path / "exercises").iterdir())
    assert pages == sorted(path.name for path in EXERCISES.glob("*.ipynb"))
    assert len(pages) == 10


def test_a_site_without_pyodide_is_not_built_before_somebody_says_so(small, tmp_path):
    (small[1] / "a.mjs").unlink()
    wheel = pyodide.cache_folder() / pins()["wheel"]["file"]
    wheel.parent.mkdir(parents=True, exist_ok=True)
    wheel.write_bytes(b"")
    with pytest.raises(SystemExit, match='make site ARGS="--without-python"'):
        main(["--out", str(tmp_path / "site")])
    assert not (tmp_path / "site").exists()
