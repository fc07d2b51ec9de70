"""The learner's folder: what is copied into it, how it is brought up to date, how it is opened."""

import copy
import json
import os
import sys
from pathlib import Path

import nbformat
import pytest
from jupyterlab_server.config import get_static_page_config
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from normlab import cli
from normlab.study import copies, folders, lab, start
from normlab.study.folders import SHELVES, SOURCES
from normlab.study.merge import merge

ROOT = Path(__file__).parent.parent
LINKS = SHELVES[0].links
ANSWER = {"nbgrader": {"solution": True, "grade_id": "f"}}


def cell(name, source, kind=new_code_cell, **metadata):
    made = kind(source, metadata=metadata)
    made["id"] = name
    return made


def course_notebook(*cells):
    return json.loads(nbformat.writes(new_notebook(cells=list(cells))))


def exercise(imports="import numpy", points="4 points"):
    return course_notebook(
        cell("title", f"# Exercise: {points}", new_markdown_cell),
        cell("imports", imports),
        cell("answer-f", "def f():\n    raise NotImplementedError", **ANSWER),
        cell("check", "check(f)"),
    )


def sources(notebook):
    return [copies.source_of(c) for c in notebook["cells"]]


def edit(notebook, name, source):
    """As Jupyter saves what a learner has changed."""
    changed = copy.deepcopy(notebook)
    next(c for c in changed["cells"] if c["id"] == name)["source"] = source
    return changed


def add(notebook, behind, *cells):
    changed = copy.deepcopy(notebook)
    place = [c["id"] for c in changed["cells"]].index(behind) + 1
    changed["cells"][place:place] = json.loads(nbformat.writes(new_notebook(cells=cells)))["cells"]
    return changed


def prepared(notebook):
    return copies.prepared(notebook, LINKS)


# What is copied


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("für alle") / "work"
    return folder, start.fill(folder, update=False)


def test_chapters_exercises_and_solutions_are_copied_and_links_work_from_there(filled):
    folder, done = filled
    assert len(done.copied) == 15 + 10 + 9
    assert (folder / folders.FIRST).exists()
    for path in sorted(folder.rglob("*.ipynb")):
        for c in nbformat.read(path, as_version=4).cells:
            if c.cell_type == "markdown":
                targets = [t.split(")")[0] for t in c.source.split("](")[1:]]
                for target in targets:
                    assert target.startswith(("http", "#")) or (path.parent / target).exists()


def test_answers_to_predictions_are_out_of_sight_and_all_else_is_as_it_was(filled):
    folder, _ = filled
    hidden = 0
    for path in sorted((SOURCES / "notebooks").glob("*.ipynb")):
        ours, theirs = (copies.read(p)["cells"] for p in (folder / path.name, path))
        for mine, its in zip(ours, theirs, strict=True):
            if its["cell_type"] == "code" and "answer" in its["metadata"].get("tags", []):
                assert mine["outputs"] == []
                assert "quiz(" not in its["source"]
                hidden += bool(its["outputs"])
            else:
                assert mine.get("outputs") == its.get("outputs")
    assert hidden > 100


def test_jupyterlab_trusts_the_copies(filled):
    folder, _ = filled
    notary = NotebookNotary()
    for path in folder.rglob("*.ipynb"):
        assert notary.check_signature(nbformat.read(path, as_version=4)), path


def test_a_second_start_changes_nothing_and_a_learners_file_stays(filled, capsys):
    folder, _ = filled
    mine = folder / "exercises" / "01_layer_norm.ipynb"
    before = mine.read_text(encoding="utf-8")
    mine.write_text("mine", encoding="utf-8")
    try:
        assert start.start_command(update=True, folder=folder) == 0
        assert mine.read_text(encoding="utf-8") == "mine"
        printed = capsys.readouterr().out
        assert (
            "exercises/01_layer_norm.ipynb is no readable copy of the course's, and stays."
            in printed
        )
        assert "33 notebooks" in printed
    finally:
        mine.write_text(before, encoding="utf-8")
    assert not list(folder.rglob("*.part"))


def test_a_course_without_notebooks_is_named(tmp_path):
    with pytest.raises(ValueError, match="holds no notebooks of the course"):
        start.fill(tmp_path / "work", update=False, sources=tmp_path)


def test_a_folder_that_cannot_be_written_is_named_with_the_way_out(tmp_path, capsys):
    (tmp_path / "work").write_text("a file stands in the way")
    assert start.start_command(update=True, folder=tmp_path / "work") == 1
    assert "Set NORMLAB_WORK to a folder of your own" in capsys.readouterr().err


# Updates


def test_an_answer_is_carried_into_an_exercise_whose_imports_and_points_changed():
    mine = edit(prepared(exercise()), "answer-f", "def f():\n    return 1")
    mine = add(mine, "imports", new_code_cell("x = 1"), new_markdown_cell("my note"))
    new = prepared(exercise("import numpy as np", "6 points"))
    merged = merge(new, mine)
    assert sources(merged.notebook) == [
        "# Exercise: 6 points",
        "import numpy as np",
        "x = 1",
        "my note",
        "def f():\n    return 1",
        "check(f)",
    ]
    assert (merged.carried, merged.left) == (3, 0)
    answer = merged.notebook["cells"][4]
    assert (answer["id"], answer["metadata"]["nbgrader"]["grade_id"]) == ("answer-f", "f")
    nbformat.validate(nbformat.from_dict(merged.notebook))
    again = merge(prepared(exercise("import numpy as np", "8 points")), merged.notebook)
    assert sources(again.notebook)[0] == "# Exercise: 8 points"
    assert sources(again.notebook)[1:] == sources(merged.notebook)[1:]


def test_what_only_the_learner_has_changed_stays_and_of_what_both_changed_his_text_does():
    chapter = course_notebook(
        cell("text", "A norm.", new_markdown_cell),
        cell("run", "print(1)"),
        cell("other", "print(2)"),
        cell("gone", "print(3)"),
    )
    mine = edit(prepared(chapter), "text", "A norm. I see.")
    mine = edit(mine, "run", "print(10)")
    mine = edit(mine, "other", "print(20)")
    newer = course_notebook(
        cell("text", "A norm, again.", new_markdown_cell),
        cell("run", "print(1)"),
        cell("other", "print(2, 2)"),
    )
    merged = merge(prepared(newer), mine)
    assert sources(merged.notebook) == [
        "A norm, again.", "A norm. I see.", "print(10)", "print(2, 2)"
    ]  # fmt: skip
    assert (merged.carried, merged.left) == (2, 1)


def test_a_cell_that_was_split_off_or_pasted_is_the_learners_own():
    mine = prepared(exercise())
    pasted = copy.deepcopy(mine["cells"][2]) | {"id": "pasted", "source": "def g(): ..."}
    mine["cells"].insert(0, pasted)
    merged = merge(prepared(exercise("import numpy as np")), mine)
    assert sources(merged.notebook)[0] == "def g(): ..."
    assert len(merged.notebook["cells"]) == 5


def test_outputs_stay_where_the_code_is_the_same_and_explorers_come_anew():
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "0"}}
    explorer = cell("explorer", "explore()")
    explorer["outputs"] = [new_output("display_data", view)]
    mine = prepared(course_notebook(cell("run", "print(1)"), explorer))
    mine["cells"][0]["outputs"] = [new_output("stream", name="stdout", text="1")]
    mine["cells"][1]["outputs"] = [new_output("stream", name="stdout", text="live")]
    newer = course_notebook(cell("run", "print(1)"), explorer, cell("more", "2"))
    run, shown, _ = merge(prepared(newer), mine).notebook["cells"]
    assert run["outputs"][0]["text"] == "1"
    assert shown["outputs"] == json.loads(json.dumps(explorer["outputs"]))


def put(folder, notebook, name="01_a.ipynb"):
    (folder / "notebooks").mkdir(parents=True, exist_ok=True)
    (folder / "notebooks" / name).write_text(json.dumps(notebook), encoding="utf-8")


def test_an_update_keeps_the_old_file_and_says_what_it_did(tmp_path, capsys):
    put(tmp_path, exercise())
    work = tmp_path / "work"
    start.fill(work, update=False, sources=tmp_path)
    mine = edit(copies.read(work / "01_a.ipynb"), "answer-f", "def f():\n    return 1")
    (work / "01_a.ipynb").write_text(json.dumps(mine), encoding="utf-8")
    for points in ("5 points", "6 points"):
        before = (work / "01_a.ipynb").read_text(encoding="utf-8")
        put(tmp_path, exercise(points=points))
        done = start.fill(work, update=False, sources=tmp_path)
        assert done.older == ["01_a.ipynb"]
        assert "`normlab start --update`" in "".join(done.sentences(work))
        assert (work / "01_a.ipynb").read_text(encoding="utf-8") == before
        done = start.fill(work, update=True, sources=tmp_path)
        said = "".join(done.sentences(work))
        assert "1 notebook brought up to date" in said
        assert "1 of your cells" in said
        assert before in [p.read_text(encoding="utf-8") for p in work.glob("before-update/*")]
        assert points in sources(copies.read(work / "01_a.ipynb"))[0]
    assert len(list(work.glob("before-update/*.ipynb"))) == 2
    assert start.fill(work, update=True, sources=tmp_path).same == ["01_a.ipynb"]


CELL = '{"cell_type": "code", "metadata": {}, "source": %s}'
ODD = {
    "empty": "",
    "a list": "[1, 2]",
    "an older format": '{"nbformat": 3, "worksheets": [{"cells": []}]}',
    "no cells": '{"cells": null, "metadata": {}}',
    "a cell that is none": '{"cells": [3], "metadata": {}}',
    "no source": f'{{"cells": [{CELL % 3}], "metadata": {{}}}}',
    "a line that is none": f'{{"cells": [{CELL % [3]}], "metadata": {{}}}}',
    "strange metadata": '{"cells": [], "metadata": {"normlab": "mine"}}',
    "brackets without end": "[" * 200_000,
    "somebody else's": '{"cells": [], "metadata": {}}',
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_a_file_in_the_way_stays_and_costs_no_other(text, tmp_path):
    put(tmp_path, exercise(), "01_a.ipynb")
    put(tmp_path, exercise(), "02_b.ipynb")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "01_a.ipynb").write_text(text)
    done = start.fill(tmp_path / "work", update=True, sources=tmp_path)
    assert (done.others, done.copied) == (["01_a.ipynb"], ["02_b.ipynb"])
    assert (tmp_path / "work" / "01_a.ipynb").read_text() == text


def test_a_folder_in_the_way_of_a_notebook_costs_no_other(tmp_path):
    put(tmp_path, exercise(), "01_a.ipynb")
    put(tmp_path, exercise(), "02_b.ipynb")
    (tmp_path / "work" / "01_a.ipynb").mkdir(parents=True)
    done = start.fill(tmp_path / "work", update=True, sources=tmp_path)
    assert done.copied == ["02_b.ipynb"]
    (failed,) = done.failed
    assert failed.startswith("01_a.ipynb: ")  # Windows has another reason than "Is a directory"


def test_a_notebook_that_cannot_be_written_costs_no_other(tmp_path, monkeypatch):
    put(tmp_path, exercise(), "01_a.ipynb")
    put(tmp_path, exercise(), "02_b.ipynb")
    write = copies.write

    def refuses(notebook, path):
        if path.name == "01_a.ipynb":
            raise PermissionError(13, "Permission denied", str(path))
        write(notebook, path)

    monkeypatch.setattr(copies, "write", refuses)
    done = start.fill(tmp_path / "work", update=True, sources=tmp_path)
    assert (done.failed, done.copied) == (["01_a.ipynb: Permission denied"], ["02_b.ipynb"])
    assert "01_a.ipynb: Permission denied. The others are done." in [*done.sentences(tmp_path)]


def test_a_notebook_without_ids_is_not_doubled_and_the_learners_kernel_stays():
    new = copies.prepared(exercise(points="3 points"), LINKS)
    mine = edit(copies.prepared(exercise(), LINKS), "answer-f", "def f():\n    return 1")
    mine["metadata"]["kernelspec"] = {"name": "mine", "display_name": "Mine"}
    for one in mine["cells"]:
        del one["id"]
    merged = merge(new, mine)
    assert merged.carried == 1
    texts = sources(merged.notebook)
    assert texts == [texts[0], "import numpy", "def f():\n    return 1", "check(f)"]
    assert merged.notebook["metadata"]["kernelspec"] == {"name": "mine", "display_name": "Mine"}
    nbformat.validate(nbformat.reads(json.dumps(merged.notebook), as_version=4))


def test_a_cell_of_the_learners_in_place_of_the_answer_is_the_answer():
    new = copies.prepared(exercise(points="3 points"), LINKS)
    mine = copies.prepared(exercise(), LINKS)
    own = cell("own", "def f():\n    return 1")
    mine["cells"] = [own if c["id"] == "answer-f" else c for c in mine["cells"]]
    merged = merge(new, mine).notebook
    assert [text for text in sources(merged) if "def f" in text] == ["def f():\n    return 1"]
    assert merged["cells"][2]["metadata"]["nbgrader"]["grade_id"] == "f"


def test_the_second_half_of_a_split_answer_has_no_mark():
    new = copies.prepared(exercise(points="3 points"), LINKS)
    mine = copies.prepared(exercise(), LINKS)
    half = copy.deepcopy(mine["cells"][2]) | {"id": "half", "source": "more = 2"}
    mine["cells"].insert(3, half)
    merged = merge(new, mine).notebook
    assert "more = 2" in sources(merged)
    assert sum("nbgrader" in c["metadata"] for c in merged["cells"]) == 1


def test_of_two_cells_with_one_id_both_texts_stay_and_a_cell_without_id_gets_one():
    new = copies.prepared(exercise(points="3 points"), LINKS)
    mine = copies.prepared(exercise(), LINKS)
    mine["cells"].insert(3, copy.deepcopy(mine["cells"][2]))
    mine["cells"][2]["source"] = "def f():\n    return 1"
    mine["cells"][3]["source"] = "def f():\n    return 2"
    mine["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "my note"})
    merged = merge(new, mine).notebook
    texts = sources(merged)
    assert [text for text in texts if "return" in text] == [
        "def f():\n    return 1",
        "def f():\n    return 2",
    ]
    assert texts[-1] == "my note"
    ids = [cell["id"] for cell in merged["cells"]]
    assert len(set(ids)) == len(ids)
    assert sum("nbgrader" in cell["metadata"] for cell in merged["cells"]) == 1


def test_jupyter_keeps_what_a_copy_says_of_itself(tmp_path):
    put(tmp_path, exercise())
    start.fill(tmp_path / "work", update=False, sources=tmp_path)
    path = tmp_path / "work" / "01_a.ipynb"
    nbformat.write(nbformat.read(path, as_version=4), path)
    assert start.fill(tmp_path / "work", update=True, sources=tmp_path).same == ["01_a.ipynb"]


# JupyterLab


def test_lab_opens_the_learners_folder_on_the_first_page(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(lab.os, "execve", lambda *called: ran.append(called))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/mine")
    lab.lab_command(["--no-browser"], tmp_path / "work")
    ((program, command, environment),) = ran
    assert program == sys.executable
    assert environment["JUPYTER_CONFIG_PATH"] == f"{lab.SETTINGS}{os.pathsep}/mine"
    assert f"--ServerApp.root_dir={tmp_path / 'work'}" in command
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in command
    assert command[-1] == "--no-browser"
    assert (tmp_path / "work" / folders.FIRST).exists()


def test_where_nothing_can_be_written_the_courses_own_chapters_are_opened(tmp_path, monkeypatch):
    ran = []
    monkeypatch.setattr(lab.os, "execve", lambda *called: ran.append(called))
    (tmp_path / "work").write_text("")
    lab.lab_command([], tmp_path / "work")
    assert f"--ServerApp.root_dir={SOURCES / 'notebooks'}" in ran[0][1]
    read = nbformat.read(SOURCES / "notebooks" / folders.FIRST, as_version=4)
    assert NotebookNotary().check_signature(read)


def test_anothers_folder_is_not_opened_though_it_is_up_to_date(tmp_path, monkeypatch, capsys):
    put(tmp_path, exercise())
    work = tmp_path / "work"
    start.fill(work, update=False, sources=tmp_path)
    monkeypatch.setattr(start.os, "access", lambda path, mode: path != work)
    with pytest.raises(PermissionError):
        start.fill(work, update=False, sources=tmp_path)
    assert start.start_command(update=True, folder=work) == 1
    assert "Set NORMLAB_WORK to a folder of your own" in capsys.readouterr().err


def test_jupyterlab_asks_no_learner_whether_it_may_fetch_news(monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(lab.SETTINGS))
    disabled = get_static_page_config(level="all")["disabledExtensions"]
    assert disabled["@jupyterlab/apputils-extension:announcements"]
    assert disabled["@jupyter/nbgrader"]


def test_options_of_jupyterlab_are_passed_on_and_those_of_others_refused(monkeypatch, capsys):
    passed = []
    monkeypatch.setattr(lab, "lab_command", lambda options: passed.append(options) or 0)
    assert cli.main(["lab", "--no-browser", "--port", "9000"]) == 0
    assert passed == [["--no-browser", "--port", "9000"]]
    with pytest.raises(SystemExit):
        cli.main(["progress", "--port"])
    assert "unrecognized arguments: --port" in capsys.readouterr().err


# A notebook that has another name now


def test_a_copy_under_its_former_name_gets_the_new_one_with_all_that_is_in_it(tmp_path):
    start.fill(tmp_path, update=False)
    now = tmp_path / "exercises" / "10_open_challenges.ipynb"
    mine = edit(copies.read(now), "answer-post_norm_recipe", "def post_norm_recipe(): return {}")
    former = now.with_stem("09_open_challenges")
    copies.write(mine, former)
    now.unlink()
    done = start.fill(tmp_path, update=False)
    assert not former.exists()
    assert copies.read(now) == mine
    assert not done.copied


def test_what_is_no_copy_or_not_alone_keeps_its_former_name(tmp_path):
    start.fill(tmp_path, update=False)
    now = tmp_path / "exercises" / "10_open_challenges.ipynb"
    former = now.with_stem("09_open_challenges")
    former.write_text("mine")
    start.fill(tmp_path, update=False)
    now.unlink()
    assert start.fill(tmp_path, update=False).copied == ["exercises/10_open_challenges.ipynb"]
    assert former.read_text() == "mine"
