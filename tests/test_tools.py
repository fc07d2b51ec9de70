"""Tables that read well, timings that are fair, files that are whole, bars that are watched."""

import importlib
import io
import platform
import subprocess
import sys
import time
from datetime import datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from packaging.version import Version
from threadpoolctl import threadpool_info, threadpool_limits

import normlab
from normlab.tools.progress_bar import progress_bar
from normlab.tools.stored_rows import made_by
from normlab.tools.table import Table
from normlab.tools.timing import one_thread, race
from normlab.tools.whole_files import held, written_whole


def test_a_table_shows_the_same_cells_as_text_and_as_html():
    table = Table(("name", "value"), [("a", 0.123456), ("b", 2)])
    assert table.cells() == [["a", "0.1235"], ["b", "2"]]
    assert "0.1235" in str(table)
    assert '<td style="text-align: left;">a' in table._repr_html_()
    assert '<td style="text-align: right;">      2' in table._repr_html_()


def test_a_table_refuses_a_row_of_another_length():
    with pytest.raises(ValueError, match="a row has 1 entries, but there are 2 columns"):
        Table(("a", "b"), [("x",)])


def test_a_column_of_numbers_stands_to_the_right_whatever_their_minus():
    table = Table(("a", "b", "c"), [("−1", "-0.5", "−"), ("20", "3e-05", "4")])
    assert str(table).splitlines()[2:] == [" −1   -0.5  −", " 20  3e-05  4"]


def test_a_race_gives_the_median_turn_of_each_contender(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    slow_turns = iter([9.0, 4.0, 4.0, 40.0, 4.0])  # two to warm up; then one turn is disturbed

    def take(seconds):
        clock[0] += seconds

    contenders = {"slow": lambda: take(next(slow_turns)), "fast": lambda: take(1.0)}
    result = race(contenders, rounds=3, turn_seconds=0.0)
    assert result.seconds == {"slow": 4.0, "fast": 1.0}
    assert result.ratio("slow", to="fast") == 4.0
    assert result.quartiles("slow") == (4.0, 4.0, 22.0)
    assert result.quartiles("slow").spread == 5.5
    assert [row[0] for row in result.table(to="fast").rows] == ["slow", "fast"]


def test_a_race_waits_for_the_device_before_and_after_every_turn():
    log = []
    race({"a": lambda: log.append("run")}, 1, 0.0, synchronize=lambda: log.append("wait"))
    assert log == ["wait", "run", "run", "wait", "wait", "run", "wait"]


def test_a_race_can_be_timed_by_another_clock():
    ticks = iter(range(100))
    assert race({"a": lambda: None}, 3, 0.0, clock=lambda: next(ticks)).seconds == {"a": 1.0}


def test_a_race_without_contenders_is_refused():
    with pytest.raises(ValueError, match="no contenders"):
        race({})


def blas_threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def testone_thread_is_one_inside_and_the_old_number_after():
    torch.set_num_threads(2)
    with threadpool_limits(2):
        assert 2 in blas_threads(), "there is no BLAS whose threads can be set"
        with one_thread():
            assert torch.get_num_threads() == 1
            assert blas_threads() == {1}
        assert 2 in blas_threads()
    assert torch.get_num_threads() == 2


def write_half(path):
    with written_whole(path) as unfinished:
        unfinished.write_text("half")
        raise RuntimeError("half way")


def test_a_file_that_is_written_whole_is_new_or_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="half way"):
        write_half(path)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.txt": "old"}
    with written_whole(path) as unfinished:
        unfinished.write_text("new")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.txt": "new"}


def test_a_lock_is_given_back_and_leaves_no_file(tmp_path):
    for _ in range(2):
        with held(tmp_path / "a.lock", "in use"):
            assert (tmp_path / "a.lock").exists()
        assert not list(tmp_path.iterdir())


def test_a_stored_file_says_each_package_s_own_version():
    made = made_by("normlab remake graph")
    assert made["command"] == "normlab remake graph"
    assert (made["normlab"], made["numpy"]) == (normlab.__version__, np.__version__)
    assert Version(made["torch"]).public == Version(torch.__version__).public  # one may say +cu121
    assert len({made["normlab"], made["numpy"], made["torch"]}) == 3
    assert made["python"] == platform.python_version()
    assert datetime.fromisoformat(made["started"]).utcoffset() == timedelta(0)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "disabled", "seen"),
    [(Terminal(), "0", True), (Terminal(), "1", False), (io.StringIO(), "0", False)],
)
def test_a_bar_is_shown_where_somebody_looks(stream, disabled, seen, monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", disabled)
    monkeypatch.setattr(sys, "stderr", stream)
    for _ in progress_bar(range(2), "a title"):
        time.sleep(1.1)
    assert ("a title" in stream.getvalue()) == seen


def test_a_bar_is_shown_in_a_notebook_although_its_stderr_is_no_terminal(monkeypatch):
    monkeypatch.setenv("TQDM_DISABLE", "0")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    bar = importlib.import_module("normlab.tools.progress_bar")
    assert not bar._is_watched()
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert bar._is_watched()


PAGES = """
import resource, torch
from normlab.tools.timing import memory_kept

def work():
    first, second = torch.ones(5 * 2**20), torch.ones(5 * 2**20)
    del first
    torch.ones(6 * 2**20)

def new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(30):
        work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

with memory_kept():
    print(min(new_pages() for _ in range(4)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told so")
def test_a_race_gives_no_memory_back_and_pays_for_no_new_pages():
    """Else these are half a million; one or two rounds may find arrays lying anew."""
    run = [sys.executable, "-c", PAGES]
    assert int(subprocess.run(run, capture_output=True, text=True, check=True).stdout) < 1000
