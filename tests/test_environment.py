"""What is installed, by which way in, and what `normlab doctor` says of it."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import normlab
from normlab import cli
from normlab.setup import repair
from normlab.study import doctor

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
COURSE = PROJECT["dependencies"] + EXTRAS["course"]
CONDA_NAMES = {"pytorch": "torch", "lazy_loader": "lazy-loader"}
NOT_ON_CONDA = [r for r in COURSE if r.startswith("pyseccomp")]


def bounds(requirements):
    parsed = [Requirement(r) for r in requirements]
    return {CONDA_NAMES.get(r.name, r.name): str(r.specifier) for r in parsed}


def test_conda_names_the_same_packages_and_bounds_as_pyproject():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    *conda, pip = [entry for entry in listed if entry != "pip"]
    *from_pip, own = pip["pip"]
    assert own == "--editable ."
    assert bounds(from_pip) == bounds(NOT_ON_CONDA)
    on_conda = [r for r in COURSE if r not in NOT_ON_CONDA]
    conda_python, *others = conda
    assert bounds(others) == bounds(on_conda)
    version = re.fullmatch(r"python=(\d+\.\d+)", conda_python)[1]  # as repo2docker reads it
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)


def test_the_lock_pins_every_package_within_its_bounds_and_says_how_it_is_made():
    text = (ROOT / "constraints.txt").read_text()
    assert "make lock" in text.splitlines()[1]
    pins = doctor.read_lock(text)
    asked = {r for extra in EXTRAS.values() for r in extra if not r.startswith("normlab[")}
    for r in map(Requirement, asked | set(PROJECT["dependencies"])):
        if r.marker is None or r.marker.evaluate():
            assert r.specifier.contains(pins[r.name.lower()]), r.name
    assert pins["torch"] == "2.13.0"
    assert "torch>=2.8" in EXTRAS["course"]


def test_the_tests_have_every_other_extra():
    (own,) = [Requirement(r) for r in EXTRAS["test"] if r.startswith("normlab[")]
    assert own.extras == EXTRAS.keys() - {"test"}


def test_the_numpy_part_asks_for_no_torch_and_no_jupyterlab():
    assert not {"torch", "jupyterlab", "scikit-learn"} & bounds(PROJECT["dependencies"]).keys()


def test_the_version_and_the_licenses_are_said_once():
    assert PROJECT["dynamic"] == ["version"]
    assert "version" not in PROJECT
    assert doctor.installed_version("normlab") == normlab.__version__
    readme = (ROOT / "README.md").read_text()
    assert PROJECT["license"] == "MIT AND CC-BY-4.0"
    for name in PROJECT["license-files"]:
        assert (ROOT / name).exists()
        assert f"]({name})" in readme


def test_the_readmes_example_runs_and_its_make_targets_exist():
    readme = (ROOT / "README.md").read_text()
    for example in re.findall(r"```python\n(.*?)```", readme, re.DOTALL):
        exec(compile(example, "README.md", "exec"), {})
    targets = {
        name
        for line in re.findall(r"^([a-z -]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        for name in line.split()
    }
    named = set(re.findall(r"(?:^|`|cpu )make (\w+)", readme, re.MULTILINE))
    assert {"lab", "test", "lessons", "lock"} <= named <= targets


def test_importing_normlab_and_its_numpy_norms_loads_no_torch():
    code = (
        "import sys, normlab, normlab.norms; assert not {'torch', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def condition_of(found, locked="2.1", bound="numpy>=2.0"):
    return doctor.check_package(Requirement(bound), found, locked)


def test_the_doctor_accepts_what_the_lock_names_whatever_the_build():
    assert condition_of("2.1").status == "ok"
    assert condition_of("2.13.0+cpu", "2.13.0").status == "ok"


def test_the_doctor_names_the_cure_for_a_missing_an_old_and_another_version():
    missing, old, other = condition_of(None), condition_of("1.26"), condition_of("2.3")
    assert (missing.status, old.status, other.status) == ("wrong", "wrong", "differs")
    new = condition_of("0.12", "0.11.0", "anywidget~=0.11.0")
    assert (new.status, new.advice.split(":")[0]) == ("wrong", "too new")
    assert missing.advice == "`python -m normlab doctor --fix` installs numpy==2.1"
    assert missing.fix == old.fix == other.fix == ("numpy==2.1",)
    assert "too old" in old.advice


def test_the_doctor_refuses_an_old_python():
    assert doctor.check_python((3, 11, 0)).status == "ok"
    assert "3.11 or newer" in doctor.check_python((3, 10, 9)).advice


@pytest.mark.parametrize(
    ("cuda", "mps", "found"), [(True, False, "CUDA"), (False, True, "MPS"), (False, False, "CPU")]
)
def test_the_doctor_names_the_device(cuda, mps, found):
    assert doctor.check_device("2.13.0", cuda, mps, driver=cuda).found == found


def test_the_doctor_sees_a_gpu_that_torch_does_not():
    advice = doctor.check_device("2.13.0+cpu", cuda=False, mps=False, driver=True).advice
    assert "CUDA build" in advice


def test_the_doctor_reads_only_the_pins_of_this_platform():
    text = f'a==1 ; sys_platform == "{sys.platform}"\nb==2 ; sys_platform == "none"\n# c==3\n'
    assert doctor.read_lock(text) == {"a": "1"}


def installed_here():
    needed = doctor.needed_packages() + doctor.needed_packages("course")
    return {r.name: doctor.installed_version(r.name) for r in needed}


def test_the_numpy_part_alone_is_healthy_and_half_a_course_is_not():
    numpy_part = {r.name for r in doctor.needed_packages()}
    alone = {name: v if name in numpy_part else None for name, v in installed_here().items()}
    report = doctor.examine_machine(doctor.find_lock(), alone)
    assert report.healthy
    assert "extra: course: the NumPy part alone is installed" in str(report)
    half = doctor.examine_machine(doctor.find_lock(), alone | {"jupyterlab": "4.6.6"})
    assert not half.healthy
    assert "torch: `python -m normlab doctor --fix` installs torch==" in str(half)


def test_a_missing_lock_and_a_missing_package_make_the_report_unhealthy():
    installed = installed_here()
    report = doctor.examine_machine(None, installed | {"numpy": None})
    text = str(report)
    assert not report.healthy
    assert "numpy: `python -m normlab doctor --fix` installs numpy>=2.0" in text
    assert "`git checkout constraints.txt`" in text


def test_of_a_machine_where_all_is_well_a_notebook_says_one_line_and_else_what_is_not():
    well, missing = doctor.check_python(), doctor.Condition("x", "missing", "1", "do this", "wrong")
    assert str(doctor.Report((well, well))) == "Everything is in place."
    text = str(doctor.Report((well, missing)))
    assert "python" not in text
    assert text.startswith("what")
    assert "missing" in text
    assert text.endswith("Advice:\n  x: do this")


def test_the_command_prints_every_package_and_succeeds_here(capsys):
    code = cli.main(["doctor"])
    printed = capsys.readouterr().out
    assert code == 0, printed
    for requirement in COURSE:
        name = Requirement(requirement).name
        assert name in printed
        assert Version(doctor.installed_version(name)).public in printed
    assert "device" in printed


@pytest.mark.parametrize("package", ["tabulate", "packaging.requirements"])
def test_the_doctor_names_the_cure_even_if_it_cannot_start(package, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "normlab.study.doctor")
    monkeypatch.delitem(sys.modules, "normlab.tools.table")
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    assert cli.main(["doctor"]) == 1
    assert f"{package} is missing. `python -m normlab doctor --fix`" in capsys.readouterr().out
    asked = []
    monkeypatch.setattr(repair, "install_and_ask_again", lambda wanted: asked.append(wanted) or 0)
    assert cli.main(["doctor", "--fix"]) == 0
    assert [Requirement(r).name for r in asked[0]] == [
        Requirement(r).name for r in PROJECT["dependencies"]
    ]


def test_the_doctor_does_what_it_recommends_under_the_lock_and_looks_again(monkeypatch, capsys):
    ran = []
    monkeypatch.setattr(subprocess, "call", lambda command: ran.append(command[1:]) or 0)
    numpy_is_old = doctor.Report((condition_of("1.26"), condition_of("2.1")))
    monkeypatch.setattr(doctor, "diagnose", lambda: numpy_is_old)
    assert doctor.doctor_command(fix=False) == 1
    assert not ran
    assert doctor.doctor_command(fix=True) == 0
    pip, again = ran
    assert pip[-1] == "numpy==2.1"
    assert pip[pip.index("--constraint") + 1] == str(repair.find_lock())
    assert again == ["-m", "normlab", "doctor"]
    monkeypatch.setattr(subprocess, "call", lambda command: 7)
    assert doctor.doctor_command(fix=True) == 7
    assert "Is there a network?" in capsys.readouterr().err


def test_the_command_is_a_module_too_and_speaks_where_nothing_is_installed(tmp_path):
    # -I -S: no packages but those of Python itself
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[1:] = ['doctor']; " + (
        "import runpy; runpy.run_module('normlab', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "is missing. `python -m normlab doctor --fix` installs it." in done.stdout


def test_an_unknown_command_is_refused_with_the_list_of_commands(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["docter"])
    assert stop.value.code == 2
    assert "doctor" in capsys.readouterr().err
