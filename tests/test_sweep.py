"""A sweep does every run once, whatever happens, and its rows do not depend on who runs it."""

import csv
import itertools
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

import numpy as np
import psutil
import pytest

from normlab import cli
from normlab.tools.processes import Processes, WorkerDied
from normlab.training.loop import train
from normlab.training.sweep import parse_plan, read_plan, read_results, run_sweep, work
from normlab.training.sweep.results import Results
from normlab.training.sweep.rows import config_key
from normlab.training.sweep.work import group_seeds

SMALL = """
record_every = 3
[run]
d_model = 16
heads = 2
d_ff = 32
tokens = 8
batch = 4
decoder_layers = 1
steps = 6
"""
GRID = SMALL + "[grid]\nplacement = ['post-norm', 'pre-norm']\nclip = ['none', 1]\nseed = [0, 1, 2]"
OF_TIME = ("seconds", "started")


@pytest.fixture
def thread():
    """An executor in this process, with torch loaded already."""
    with ThreadPoolExecutor(1) as executor:
        yield executor


@pytest.fixture
def out(tmp_path):
    return tmp_path / "results.csv"


def rows_but_time(path):
    rows = [{k: v for k, v in row.items() if k not in OF_TIME} for row in read_results(path)]
    return sorted(rows, key=lambda row: (*map(str, row.values()),))


def with_failing_seed_1(monkeypatch):
    train_really = work._train

    def train_or_fail(group, *args):
        if any(run.seed == 1 for run in group):
            raise RuntimeError("out of\nmemory, say")
        return train_really(group, *args)

    monkeypatch.setattr(work, "_train", train_or_fail)


# The plan


def test_the_grid_is_crossed_and_the_rest_is_fixed_or_default():
    plan = parse_plan(GRID)
    assert len(plan.runs) == len({*plan.runs}) == 2 * 2 * 3
    assert [run.seed for run in plan.runs[:4]] == [0, 1, 2, 0]
    assert {run.clip for run in plan.runs} == {None, 1.0}
    assert {(run.steps, run.task) for run in plan.runs} == {(6, "copy")}
    assert (plan.record_every, plan.device) == (3, "cpu")


def test_the_example_of_the_help_is_a_plan(capsys):
    assert len(parse_plan(cli.SWEEP_EXAMPLE).runs) == 16
    with pytest.raises(SystemExit):
        cli.main(["sweep", "--help"])
    assert "[grid]" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "record_evry = 5",
            r"the file has the unknown key 'record_evry'; did you .*'record_every'",
        ),
        ("grid.learning_rat = [1]", r"\[grid\] has the unknown key 'learning_rat'; .*'learning_ra"),
        ("run.xyz = 1", r"\[run\] has the unknown key 'xyz'; known are task, "),
        ("run.steps = '9'", r"\[run\] steps is '9'; expected a whole number"),
        ("run.steps = true", r"\[run\] steps is true; expected a whole number"),
        ("run.steps = 9.0", r"\[run\] steps is 9.0; expected a whole number"),
        ("run.clip = 'no'", r'\[run\] clip is \'no\'; expected a number or "none"'),
        ("run.learning_rate = inf", r"learning_rate is inf; expected a finite number"),
        ("run.qk_norm = 1", r"qk_norm is 1; expected true or false"),
        ("grid.seed = 1", r"\[grid\] seed is 1; expected a list of values, or the key in \[run\]"),
        ("grid.seed = []", r"\[grid\] seed is \[\]; expected at least one value"),
        ("grid.seed = [0, 1, 'two']", r"\[grid\] seed\[2\] is 'two'; expected a whole number"),
        ("grid.learning_rate = [1, 1.0]", r"expected each value once, not 1.0 twice"),
        ("run.seed = 1\ngrid.seed = [1]", r"seed in \[run\] and in \[grid\]"),
        ("run = 3", r"run is 3; expected a table"),
        ("record_every = 0", r"record_every is 0; expected a whole number from 1 on"),
        ("grid.heads = [4, 5]", r"run 2 \(heads = 5\): 5 heads do not divide d_model"),
        ("run.steps =", r"Invalid value"),
    ],
)
def test_a_wrong_plan_is_refused_with_the_key_what_was_expected_and_the_cure(
    text, message, tmp_path, capsys
):
    with pytest.raises(ValueError, match=message):
        parse_plan(text)
    config = tmp_path / "grid.toml"
    config.write_text(text)
    assert cli.main(["sweep", str(config), "--out", str(tmp_path / "out.csv")]) == 2
    assert f"{config}: " in capsys.readouterr().err
    assert not (tmp_path / "out.csv").exists()


# The rows


def test_there_is_one_row_a_run_and_recorded_step_with_all_that_made_it(out, thread):
    plan = parse_plan(GRID)
    run_sweep(plan, out, thread)
    rows = read_results(out)
    assert len(rows) == 12 * 3
    with out.open() as file:
        assert list(csv.DictReader(file).fieldnames or ()) == list(rows[0])
    for config in plan.runs:
        own = [row for row in rows if vars(config).items() <= row.items()]
        assert [row["step"] for row in own] == [0, 3, 5]
        assert {row["error"] for row in own} == {""}
        assert all(own[0][key] for key in ("torch", "numpy", "python", "normlab", "seconds"))
        record = train(config, every=3)
        assert [row["loss"] for row in own] == pytest.approx(record.losses, abs=1e-5)
        assert own[0]["final_loss"] == pytest.approx(record.final_loss, abs=1e-5)
        assert own[0]["chance"] == record.chance


def test_without_record_every_only_the_last_step_is_a_row(out, thread):
    run_sweep(parse_plan(GRID.replace("record_every = 3", "")), out, thread)
    assert [row["step"] for row in read_results(out)] == [5] * 12


def test_parquet_holds_the_same_rows_as_csv(out, thread):
    for path in (out, out.with_suffix(".parquet")):
        run_sweep(parse_plan(GRID), path, thread)
    assert rows_but_time(out) == rows_but_time(out.with_suffix(".parquet"))
    assert {p.name for p in out.parent.iterdir()} == {"results.csv", "results.parquet"}


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install .*\[parquet\]"):
        Results(tmp_path / "results.parquet")


@pytest.mark.parametrize(
    ("name", "message"), [("results.txt", "expected .csv or .parquet"), ("no/a.csv", "no folder")]
)
def test_a_results_file_that_cannot_be_is_refused_before_any_run(name, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        Results(tmp_path / name)


def test_seeds_are_grouped_only_where_that_is_faster_and_every_run_is_in_one_group():
    small = parse_plan(GRID.replace("[0, 1, 2]", "[0, 1, 2, 3, 4]")).runs
    assert sorted(map(len, group_seeds(small))) == 4 * [1] + 4 * [4]
    large = parse_plan(GRID.replace("d_model = 16", "d_model = 1024")).runs
    assert {len(group) for group in group_seeds(large)} == {1}
    assert sorted(map(config_key, small), key=str) == sorted(
        (config_key(run) for group in group_seeds(small) for run in group), key=str
    )
    for group in group_seeds(small):
        assert len({config_key(run)[:-1] for run in group}) == 1


# Going on


def test_a_finished_sweep_repeats_nothing_and_a_grown_one_adds_what_is_new(
    out, thread, monkeypatch
):
    run_sweep(parse_plan(GRID), out, thread)
    before = out.read_bytes()
    run_sweep(parse_plan(GRID.replace("[0, 1, 2]", "[2, 3]")), out, thread)
    after = out.read_bytes()
    assert after.startswith(before)
    assert {row["seed"] for row in read_results(out)} == {0, 1, 2, 3}
    assert len(read_results(out)) == (12 + 4) * 3
    monkeypatch.setattr(work, "train_group", None)
    assert len(run_sweep(parse_plan(GRID), out, thread).rows) == 12
    assert out.read_bytes() == after


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_cut_anywhere_loses_its_last_run_at_most_and_is_completed(out, thread, suffix):
    """What a kill in the middle of a write leaves."""
    plan = parse_plan(GRID.replace("post-norm', 'pre", "pre").replace("'none', ", ""))
    run_sweep(plan, out, thread)
    whole, rows = out.read_bytes(), rows_but_time(out)
    lines = whole.splitlines(keepends=True)
    ends = [len(b"".join(lines[: 1 + 3 * runs])) for runs in range(4)]
    path = out.with_suffix(suffix)
    journal = path if suffix == ".csv" else path.with_name(f"{path.name}.partial.csv")
    out.unlink()
    for size in {*range(0, len(whole), 37), *np.cumsum([*map(len, lines)])}:
        journal.write_bytes(whole[:size])
        with Results(path) as results:
            kept = sum(end <= size for end in ends) - 1
            assert len(results.runs) == max(kept, 0)
            expected = whole[: ends[kept]] if kept >= 0 else b""
            assert journal.read_bytes() == expected
    journal.write_bytes(whole[: ends[1] + 100])
    run_sweep(plan, path, thread)
    for ours, theirs in zip(rows_but_time(path), rows, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-5)  # groups of 2 and of 3
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_file_that_no_sweep_wrote_is_refused_and_left_alone(out, thread):
    for text in ("name,mark\nAda,1\n", "", "no table"):
        out.write_text(text)
        if text:
            with pytest.raises(ValueError, match="other columns than a sweep writes"):
                run_sweep(parse_plan(GRID), out, thread)
            assert out.read_text() == text


def test_a_cell_that_was_edited_is_named(out, thread):
    run_sweep(parse_plan(GRID), out, thread)
    out.write_text(out.read_text().replace(",False,", ",nay,", 1))
    with pytest.raises(ValueError, match="line 2, column qk_norm: 'nay' is neither True nor False"):
        read_results(out)


def test_runs_with_other_recorded_steps_are_refused(out, thread):
    run_sweep(parse_plan(GRID), out, thread)
    with pytest.raises(ValueError, match=r"recorded steps 0, 3, 5 …; expected .* record_every = 2"):
        run_sweep(parse_plan(GRID.replace("record_every = 3", "record_every = 2")), out, thread)


def test_two_sweeps_do_not_write_to_one_file(out):
    with Results(out), pytest.raises(BlockingIOError, match="another sweep is writing to"):
        Results(out).__enter__()


# Failures


def test_a_failed_run_is_a_row_with_its_error_and_its_companions_go_on(
    out, thread, monkeypatch, tmp_path, capsys
):
    config = tmp_path / "grid.toml"
    config.write_text(GRID)
    monkeypatch.setattr(
        "normlab.training.sweep.run.Processes", lambda workers: ThreadPoolExecutor(1)
    )
    command = ["sweep", str(config), "--out", str(out)]
    with monkeypatch.context() as patch:
        with_failing_seed_1(patch)
        assert cli.main(command) == 1
        assert "4  RuntimeError: out of memory, say" in capsys.readouterr().out
    rows = read_results(out)
    failed = [row for row in rows if row["error"]]
    assert {(row["seed"], row["error"], row["step"], row["loss"]) for row in failed} == {
        (1, "RuntimeError: out of memory, say", None, None)
    }
    assert (len(failed), len(rows)) == (4, 4 + 8 * 3)
    before = out.read_bytes()
    assert cli.main(command) == 1  # they are done, and still failed
    assert out.read_bytes() == before
    assert cli.main([*command, "--retry-failed"]) == 0
    assert [row for row in read_results(out) if row["seed"] != 1] == [
        row for row in rows if row["seed"] != 1
    ]
    assert len(read_results(out)) == 12 * 3


def test_work_whose_process_dies_is_tried_once_more_and_other_work_goes_on(tmp_path):
    mark = tmp_path / "mark"
    die_once = f"import os, signal\nif not os.path.exists({str(mark)!r}):\n"
    die_once += f"    open({str(mark)!r}, 'w').close(); signal.raise_signal(9)"
    with Processes(2) as processes:
        before = processes.submit(abs, -1)
        deadly = processes.submit(signal.raise_signal, signal.SIGKILL)
        once = processes.submit(exec, die_once)
        after = [processes.submit(abs, -n) for n in range(5)]
        with pytest.raises(WorkerDied, match="died twice"):
            deadly.result()
        assert once.result() is None
        assert [before.result(), *(future.result() for future in after)] == [1, 0, 1, 2, 3, 4]
    assert mark.exists()


def test_a_run_whose_process_dies_is_a_row(out, monkeypatch):
    class Deadly(ThreadPoolExecutor):
        def submit(self, fn, plan):
            if any(run.seed == 1 for run in plan.runs):
                future = Future()
                future.set_exception(WorkerDied("the process of this run died twice"))
                return future
            return super().submit(fn, plan)

    with Deadly(1) as executor:
        summary = run_sweep(parse_plan(GRID), out, executor)
    assert summary.failed == 4
    assert [(row["seed"], row["error"][:10]) for row in summary.rows if row["error"]] == 4 * [
        (1, "WorkerDied")
    ]
    assert {row["seed"] for row in summary.rows if not row["error"]} == {0, 2}


def test_an_executor_that_gives_up_ends_the_sweep_and_leaves_no_row_for_it(out, thread):
    class GivesUp(ThreadPoolExecutor):
        def submit(self, *args):
            if self._threads:  # after the first
                future = Future()
                future.cancel()
                return future
            return super().submit(*args)

    with GivesUp(1) as executor, pytest.raises(CancelledError):
        run_sweep(parse_plan(GRID), out, executor)
    there = read_results(out) if out.exists() else []
    assert not any(row["error"] for row in there)
    run_sweep(parse_plan(GRID), out, thread)
    assert len(read_results(out)) == 12 * 3


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_ctrl_c_leaves_the_finished_runs_and_says_how_to_go_on(
    out, suffix, monkeypatch, tmp_path, capsys
):
    def progress_until_ctrl_c(runs, *_, **__):
        yield from itertools.islice(runs, 5)
        raise KeyboardInterrupt

    config, out = tmp_path / "grid.toml", out.with_suffix(suffix)
    config.write_text(GRID)
    monkeypatch.setattr(
        "normlab.training.sweep.run.Processes", lambda workers: ThreadPoolExecutor(1)
    )
    with monkeypatch.context() as patch:
        patch.setattr(work, "progress_bar", progress_until_ctrl_c)
        assert cli.main(["sweep", str(config), "--out", str(out)]) == 130
    message = f"Interrupted: 6 of 12 runs are in {out}. The same command goes on."
    assert message in capsys.readouterr().out
    assert len(read_results(out)) == 6 * 3  # two groups of three seeds
    assert cli.main(["sweep", str(config), "--out", str(out)]) == 0
    assert len(read_results(out)) == 12 * 3


def test_processes_end_at_once_if_they_are_not_waited_for(tmp_path):
    mark = tmp_path / "mark"
    processes = Processes(1)
    endless = f"import time; open({str(mark)!r}, 'w').close(); time.sleep(600)"
    under_way, waiting = (processes.submit(exec, endless) for _ in range(2))
    while not mark.exists():
        time.sleep(0.005)
    processes.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(WorkerDied):
        under_way.result(timeout=60)
    assert waiting.cancelled()


def test_a_number_of_workers_below_one_is_refused():
    with pytest.raises(ValueError, match="workers is 0; expected at least 1"):
        Processes(0)


# The summary


def test_the_summary_has_one_row_a_setting_and_the_median_over_seeds(out, thread):
    table = run_sweep(parse_plan(GRID), out, thread).table()
    assert table.columns[:5] == ("placement", "clip", "runs", "failed", "diverged")
    assert [row[:5] for row in table.cells()] == [
        [placement, clip, "3", "0", "0"]
        for placement in ("post-norm", "pre-norm")
        for clip in ("none", "1")
    ]
    finals = [
        row["final_loss"]
        for row in read_results(out)
        if (row["placement"], row["clip"], row["step"]) == ("pre-norm", 1.0, 5)
    ]
    assert table.cells()[3][5] == f"{np.median(finals):.3f}"


# Real processes, a real kill, a real cluster

UNBROKEN = """
record_every = 15
[run]
d_model = 32
d_ff = 64
tokens = 16
decoder_layers = 2
steps = 20
[grid]
batch = [8, 40]
warmup_steps = [0, 5]
seed = [0, 1, 2]
"""
RUNS, ROWS_A_RUN = 12, 3


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The plan's file, and the rows of one sweep in one thread of this process."""
    folder = tmp_path_factory.mktemp("unbroken")
    (folder / "grid.toml").write_text(UNBROKEN)
    with ThreadPoolExecutor(1) as executor:
        run_sweep(read_plan(folder / "grid.toml"), folder / "results.csv", executor)
    rows = rows_but_time(folder / "results.csv")
    assert {row["together"] for row in rows} == {1, 3}
    return folder / "grid.toml", rows


def whole_runs(out):
    return out.read_bytes().count(b"\n") // ROWS_A_RUN if out.exists() else 0


def test_a_killed_sweep_takes_its_workers_along_goes_on_and_repeats_nothing(unbroken, out, capfd):
    config, rows = unbroken
    command = ["sweep", str(config), "--out", str(out), "--workers"]
    sweep = subprocess.Popen(
        [sys.executable, "-m", "normlab.cli", *command, "1"],
        env=os.environ | {"TQDM_DISABLE": "0"},
    )
    while whole_runs(out) < 7:  # two groups of seeds, and a seed alone
        assert sweep.poll() is None
        time.sleep(0.005)
    workers = psutil.Process(sweep.pid).children(recursive=True)
    sweep.kill()
    sweep.wait()
    assert workers
    assert psutil.wait_procs(workers, timeout=10)[1] == [], "workers outlive a killed sweep"
    assert "runs:" not in capfd.readouterr().err  # no progress bar where nobody looks
    there, before = whole_runs(out), out.read_bytes()
    assert there < RUNS, "the kill came too late to show anything"

    assert cli.main([*command, "2"]) == 0
    printed = capfd.readouterr()
    assert f"{there} of {RUNS} runs are in {out} already" in printed.err
    assert f"{RUNS} of {RUNS} runs are in {out}" in printed.out
    assert out.read_bytes().startswith(before[: before.rfind(b"\n") + 1])
    assert rows_but_time(out) == rows


def test_a_dask_cluster_gives_the_same_rows(unbroken, out):
    distributed = pytest.importorskip("distributed")
    config, rows = unbroken
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        command = ["sweep", str(config), "--out", str(out), "--scheduler", address]
        assert cli.main(command) == 0
    assert rows_but_time(out) == rows
