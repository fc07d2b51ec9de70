"""Classes of thirty as learning systems hand them out, with the junk that real machines add."""

import io
import unicodedata
import zipfile
from pathlib import Path

import yaml

FIRST = ("Ada", "Bob", "Jürgen", "Zoë", "李", "Mary-Ann")
LAST = ("Lovelace", "O'Neil", "Müller", "Nguyen", "Smith")
PEOPLE = [f"{first} {last}" for first in FIRST for last in LAST]
"""Thirty names; no two are alike."""
EXERCISES = ("01_layer_norm", "03_rms_norm")
CHECKPOINT = ".ipynb_checkpoints/{}-checkpoint.ipynb"


def login(name):
    return "".join(c for c in unicodedata.normalize("NFC", name).lower() if c.isalnum())


def number(name):
    return 1000 + PEOPLE.index(name)


def zipped(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return data.getvalue()


def with_junk(files):
    """A student's files, as a Mac and JupyterLab leave them: path -> content."""
    junk = {".DS_Store": b"\0", "__MACOSX/._.DS_Store": b"\0"}
    for path, content in files.items():
        folder, _, name = path.rpartition("/")
        stem = name.removesuffix(".ipynb")
        before = f"{folder}/" if folder else ""
        junk |= {
            f"__MACOSX/{before}._{name}": b"\0\5\26\7",
            before + CHECKPOINT.format(stem): b"{}",
            f"{before}{stem}-Copy1.ipynb": content + b" ",
            f"{before}old/{name}": content + b"  ",
            f"{before}report.pdf": b"%PDF",
        }
    return junk | files


def canvas(name, files):
    """Some hand in a zip file, some their files."""
    who, user = login(name), number(name)
    if user % 2:
        return {f"{who}_{user}_{90000 + user}_Archive.zip": zipped(with_junk(files))}
    attached = enumerate(files.items())
    late = "_LATE" if user % 4 == 0 else ""
    return {
        f"{who}{late}_{user}_{80000 + 10 * user + i}_{Path(path).name}": content
        for i, (path, content) in attached
    }


def moodle(name, files):
    folder = f"{name}_{number(name)}_assignsubmission_file_"
    return {f"{folder}/{path}": content for path, content in with_junk(files).items()}


def moodle_flat(name, files):
    return {f"{name}_{number(name)}_assignsubmission_file_{p}": c for p, c in files.items()}


def blackboard(name, files):
    start = f"Week 1_{login(name)}_attempt_2026-12-0{1 + number(name) % 9}-10-00-00"
    summary = f"Name: {name} ({login(name)})\nAssignment: Week 1\n".encode()
    return {f"{start}.txt": summary} | {f"{start}_{p}": c for p, c in files.items()}


def brightspace(name, files):
    folder = f"{number(name)}-77 - {name} - Dec {1 + number(name) % 9}, 2026 1003 PM"
    return {"index.html": b"<html>"} | {f"{folder}/{p}": c for p, c in with_junk(files).items()}


def google(name, files):
    return {f"{name} - {path}": content for path, content in files.items()}


def gradescope(name, files):
    return {f"submission_{number(name)}/{p}": c for p, c in with_junk(files).items()}


def gradescope_metadata():
    return {
        "submission_metadata.yml": yaml.safe_dump(
            {
                f"submission_{number(name)}": {
                    ":submitters": [{":name": name, ":sid": str(number(name)), ":email": ""}],
                    ":created_at": "2026-12-01 10:00:00 UTC",
                }
                for name in PEOPLE
            }
        ).encode()
    }


def nbgrader(name, files):
    folder = f"submitted/{login(name)}/week1"
    when = {f"{folder}/timestamp.txt": b"2026-12-01 10:00:00 UTC"}
    return when | {f"{folder}/{path}": content for path, content in with_junk(files).items()}


def inbound(name, files):
    folder = f"{login(name)}+week1+2026-12-01 10:00:00 UTC+ab{number(name)}"
    return {f"{folder}/{path}": content for path, content in with_junk(files).items()}


def folders(name, files):
    return {f"{name}/{path}": content for path, content in with_junk(files).items()}


def zips(name, files):
    return {f"{name}.zip": zipped(with_junk(files))}


def github(name, files):
    folder = f"norms-submissions/norms-{login(name)}"
    return {f"{folder}/work/{path}": content for path, content in with_junk(files).items()}


LAYOUTS = {
    "Canvas": (canvas, login, "a Canvas download"),
    "Moodle": (moodle, str, "a Moodle download"),
    "Moodle, flat": (moodle_flat, str, "a Moodle download"),
    "Blackboard": (blackboard, str, "a Blackboard download"),
    "Brightspace": (brightspace, str, "a Brightspace download"),
    "Google Classroom": (google, str, "a Google Classroom download"),
    "Gradescope": (gradescope, lambda name: str(number(name)), "a Gradescope export"),
    "nbgrader, submitted": (nbgrader, login, "nbgrader's folders"),
    "nbgrader, collected": (inbound, login, "nbgrader's folders"),
    "GitHub Classroom": (github, login, "a GitHub Classroom clone"),
    "folders": (folders, str, "a folder for each student"),
    "zip files": (zips, str, "a folder for each student"),
}
"""Name -> (path and content of a student's files, what tables call the student, what it is)."""


def class_files(layout, files_of):
    """Path -> content of a class of thirty.

    Args:
        layout: one of `LAYOUTS`.
        files_of: name of a student -> path and content of what he or she hands in.
    """
    lay_out = LAYOUTS[layout][0]
    files = gradescope_metadata() if layout == "Gradescope" else {}
    for name in PEOPLE:
        files |= lay_out(name, files_of(name))
    return {".DS_Store": b"\0"} | files


def written(folder, files):
    for path, content in files.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder
