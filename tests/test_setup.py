"""`.venv` is understood in every state it can be in, and mended by the command that makes it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pip
import pytest

import bootstrap
from normlab.setup import install
from normlab.setup.venv import (
    OLDEST_PYTHON,
    RECORD,
    Venv,
    asked,
    look,
    python_of,
    site_packages,
    write_record,
)

BACKEND = """
import zipfile
from pathlib import Path

WHEEL = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
METADATA = '''Metadata-Version: 2.1
Name: tiny
Version: 1.0
Provides-Extra: course
Requires-Dist: parcel; extra == "course"
Provides-Extra: test
Requires-Dist: parcel; extra == "test"
'''

def get_requires_for_build_editable(config_settings=None):
    return []

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    return wheel(wheel_directory, "tiny", METADATA)

def wheel(folder, name, metadata):
    file = f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(Path(folder) / file, "w") as packed:
        packed.writestr(f"{name}/__init__.py", "")
        packed.writestr(f"{info}/METADATA", metadata)
        packed.writestr(f"{info}/WHEEL", WHEEL)
        packed.writestr(f"{info}/RECORD", "")
    return file
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "tiny"
version = "1.0"
"""
WITHOUT_PIP = (*install.VENV, "--without-pip")
"""Unpacking pip takes most of the time of a small set-up; the tests lend theirs."""
SET_UP = f"""
import sys
from pathlib import Path
from normlab.setup import install
install.VENV = {WITHOUT_PIP}
install.set_up(Path(sys.argv[1]), "course")
"""
KILLS = 10
ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the tests' own commands are POSIX")


def tiny_course(folder):
    """A course of one package, with what it needs in a folder beside: no network is asked."""
    folder.mkdir()
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    (folder / "constraints.txt").write_text("parcel==1.0\n")
    names: dict = {}
    exec(BACKEND, names)
    (folder / "wheels").mkdir()
    names["wheel"](
        folder / "wheels", "parcel", "Metadata-Version: 2.1\nName: parcel\nVersion: 1.0\n"
    )
    return folder


@pytest.fixture(scope="module", autouse=True)
def offline(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(install, "VENV", WITHOUT_PIP)
        lent = tmp_path_factory.mktemp("lent")
        (lent / "pip").symlink_to(Path(pip.__file__).parent)
        patch.setenv("PYTHONPATH", f"{lent}{os.pathsep}{ROOT}")
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", "wheels")
        patch.setenv("PIP_CONFIG_FILE", os.devnull)
        yield


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Set up once, in a place with a space and an umlaut."""
    made = tiny_course(tmp_path_factory.mktemp("a place") / "für alle")
    install.set_up(made, "course")
    return made


@pytest.fixture
def whole(course):
    """The same, and whole again after the test."""
    yield course
    (course / "constraints.txt").write_text("parcel==1.0\n")
    install.set_up(course, "course")
    assert look(course, "course").state == "ready"


def test_a_set_up_says_what_it_does_leaves_nothing_behind_and_is_not_repeated(tmp_path, capsys):
    made = tiny_course(tmp_path / "course")
    assert look(made, "course").state == "missing"
    install.set_up(made, "course")
    said = capsys.readouterr().err
    assert "There is no .venv yet. Setting it up" in said
    assert "1.5 GB" in said
    assert "minutes" in said
    assert len(said.splitlines()) == 2, "and pip's output only if it fails"
    assert not (made / ".venv.log").exists()
    subprocess.run([python_of(made / ".venv"), "-c", "import parcel"], check=True)
    assert look(made, "course").state == "ready"
    install.set_up(made, "course")
    assert capsys.readouterr().err == ""


def test_a_dead_link_a_lost_record_and_another_python_are_set_up_from_new(whole, capsys):
    python = python_of(whole / ".venv")
    kept = os.readlink(python)
    python.unlink()
    python.symlink_to("/nowhere/python3")
    assert look(whole, "course").state == "broken"
    install.set_up(whole, "course")
    assert "does not start" in capsys.readouterr().err
    assert os.path.exists(python), kept
    assert look(whole, "course").state == "ready"

    (whole / ".venv" / RECORD).unlink()
    found = look(whole, "course")
    assert (found.state, found.from_new) == ("half-made", True)

    write_record(whole, "course")
    found = look(whole, "course", wanted_python=(3, 99))
    assert (found.state, found.from_new) == ("another Python", True)
    assert found.sentence.endswith("expected 3.99.")


def test_a_venv_whose_python_belongs_elsewhere_is_broken(whole):
    config = whole / ".venv" / "pyvenv.cfg"
    config.unlink()  # its Python is then the system's
    assert look(whole, "course").state == "broken"
    (whole / ".venv" / RECORD).unlink()


def test_a_file_in_the_place_of_venv_is_named(tmp_path):
    made = tiny_course(tmp_path / "course")
    (made / ".venv").write_text("")
    assert look(made, "course").state == "broken"


def test_a_copied_and_a_moved_course_have_an_environment_of_their_own(course, tmp_path, capsys):
    copied = tmp_path / "copied"
    shutil.copytree(course, copied, symlinks=True)
    found = look(copied, "course")
    assert (found.state, found.from_new) == ("moved", True)
    assert "moved or copied" in found.sentence
    install.set_up(copied, "course")
    assert look(copied, "course").state == "ready"
    code = "import sys; print(sys.prefix)"
    done = subprocess.run([python_of(copied / ".venv"), "-c", code], capture_output=True, text=True)
    assert Path(done.stdout.strip()) == (copied / ".venv")
    moved = tmp_path / "moved"
    copied.rename(moved)
    assert look(moved, "course").state == "moved"
    assert look(course, "course").state == "ready"


@pytest.mark.parametrize("lost", ["parcel", "parcel-1.0.dist-info"])
def test_a_package_that_is_gone_is_named_and_put_back(lost, whole, capsys):
    shutil.rmtree(site_packages(whole / ".venv") / lost)
    found = look(whole, "course")
    assert (found.state, found.missing) == ("incomplete", ("parcel==1.0",))
    assert not found.from_new
    install.set_up(whole, "course")
    assert "Missing in .venv: parcel==1.0." in capsys.readouterr().err
    subprocess.run([python_of(whole / ".venv"), "-c", "import parcel"], check=True)


def test_what_is_put_back_can_be_had_everywhere_and_is_not_normlab_itself(tmp_path):
    gone = ("normlab==0.1.0", "torch==2.13.0+cpu")
    found = Venv(tmp_path / ".venv", "incomplete", "", gone, "course")
    mend, rest = (command for _, command in install.steps(tmp_path, found, "course"))
    assert mend[-3:] == ["--force-reinstall", "--no-deps", "torch==2.13.0"]
    assert rest[-2:] == ["--editable", f"{tmp_path}[course]"]


def test_a_newer_lock_and_another_extra_bring_it_up_to_date(whole, capsys):
    (whole / "constraints.txt").write_text("# newer\nparcel==1.0\n")
    assert look(whole, "course").state == "outdated"
    install.set_up(whole, "course")
    assert "up to date" in capsys.readouterr().err
    assert look(whole, "test").state == "outdated"
    install.set_up(whole, "test")
    assert look(whole, "course").state == "ready", "the tests' packages contain the course's"
    (whole / "constraints.txt").write_text("parcel==1.0\n")
    install.set_up(whole, "course")
    assert look(whole, "test").state == "ready", "and stay when the course is brought up to date"


def test_what_pip_printed_is_shown_when_it_fails(tmp_path, capsys):
    made = tiny_course(tmp_path / "course")
    (made / "constraints.txt").write_text("parcel==2.0\n")
    with pytest.raises(install.SetUpFailed, match=r"parcel==1\.0|parcel==2\.0"):
        install.set_up(made, "course")
    assert look(made, "course").state == "half-made"


def test_without_a_network_an_outdated_environment_is_used_and_none_is_lost(tmp_path, capsys):
    """As after a `git pull` on a train: what is asked for cannot be had."""
    made = tiny_course(tmp_path / "course")
    install.set_up(made, "course")
    capsys.readouterr()
    (made / "constraints.txt").write_text("parcel==2.0\n")
    install.set_up(made, "course")
    said = capsys.readouterr().err
    assert "parcel" in said
    assert said.endswith("Going on with the versions that .venv has. Is there a network?\n")
    subprocess.run([python_of(made / ".venv"), "-c", "import parcel"], check=True)
    assert look(made, "course").state == "outdated", "it is tried again, and nothing is cleared"
    with pytest.raises(install.SetUpFailed):  # there the tests' packages are needed
        install.set_up(made, "test")
    assert look(made, "course").state == "outdated"

    shutil.rmtree(site_packages(made / ".venv") / "parcel")
    with pytest.raises(install.SetUpFailed):
        install.set_up(made, "course")
    found = look(made, "course")
    assert (found.state, found.missing) == ("incomplete", ("parcel==1.0",))


def test_a_place_that_cannot_be_written_is_named_with_the_way_out(tmp_path):
    made = tiny_course(tmp_path / "course")
    (made / ".venv.lock").mkdir()  # opening it fails, as in a read-only folder
    with pytest.raises(install.SetUpFailed, match="Copy the course into a folder of your own"):
        install.set_up(made, "course")


def start_set_up(course):
    return subprocess.Popen(
        [sys.executable, "-c", SET_UP, course], cwd=ROOT, stderr=subprocess.PIPE
    )


def test_ten_kills_one_after_the_other_are_mended_by_the_next_run(tmp_path):
    # each run starts from what the killed one has left, and is killed a little later
    made = tiny_course(tmp_path / "course")
    start = time.monotonic()
    install.set_up(made, "course")
    whole = time.monotonic() - start
    shutil.rmtree(made / ".venv")
    states = []
    for kill in range(1, KILLS + 1):
        running = start_set_up(made)
        time.sleep(whole * kill / KILLS)
        running.send_signal(signal.SIGKILL)
        running.communicate()
        states.append(look(made, "course").state)
    assert "half-made" in states
    install.set_up(made, "course")
    assert look(made, "course").state == "ready"
    subprocess.run([python_of(made / ".venv"), "-c", "import parcel, tiny"], check=True)


def test_two_set_ups_at_once_wait_for_each_other(tmp_path):
    made = tiny_course(tmp_path / "course")
    both = [start_set_up(made), start_set_up(made)]
    said = [running.communicate()[1].decode() for running in both]
    assert [running.returncode for running in both] == [0, 0]
    assert sum("Waiting for it" in text for text in said) == 1
    assert sum("Set up in" in text for text in said) == 1


def test_what_is_asked_for_follows_from_pyproject_and_lock(tmp_path):
    made = tiny_course(tmp_path / "course")
    before = asked(made)
    (made / "pyproject.toml").write_text(PYPROJECT + "\n# changed")
    assert asked(made) != before


def test_bootstrap_names_its_commands_and_an_old_python(monkeypatch, capsys):
    assert bootstrap.main(["unknown"]) == 2
    printed = capsys.readouterr().out
    assert all(f"bootstrap.py {name}" in printed for name in (*bootstrap.COMMANDS, "set-up"))
    assert bootstrap.OLDEST == OLDEST_PYTHON
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    assert bootstrap.main(["lab"]) == 2
    assert "needs Python 3.11 or newer, and this is 3.9" in capsys.readouterr().out


def test_bootstraps_doctor_speaks_where_there_is_no_venv(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "COURSE", tiny_course(tmp_path / "course"))
    assert bootstrap.main(["doctor"]) == 1
    assert "There is no .venv yet. The cure: make lab" in capsys.readouterr().out


def test_pips_words_become_one_line(tmp_path):
    log = tmp_path / "log"
    log.write_text("Collecting torch\n  Downloading torch-2.whl (3 kB)\n")
    assert install.what_pip_does(log, tmp_path) == "· Downloading torch-2.whl"
    log.write_text("Installing collected packages: a, b, c\n")
    (site_packages(tmp_path) / "a-1.dist-info").mkdir(parents=True)
    assert install.what_pip_does(log, tmp_path) == "· 1 of 3 packages"
