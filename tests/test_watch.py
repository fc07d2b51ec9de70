"""`normlab check --watch`: save wrong, then right, and it says so and ends."""

import os
import queue
import signal
import subprocess
import sys
import threading

import pytest
from test_study import RIGHT, STUB, WRONG

LATER = "def warmup_lr(step, peak_lr, warmup_steps):\n    raise NotImplementedError\n"
SOLVED = """
def warmup_lr(step, peak_lr, warmup_steps):
    if step < 0 or warmup_steps < 0:
        raise ValueError(f"{step} and {warmup_steps}")
    return peak_lr * min(1.0, (step + 1) / max(1, warmup_steps))
"""


@pytest.fixture
def watch(tmp_path):
    """Starts the command in a folder; its lines are read with `until`."""
    started = []

    def start(*files):
        process = subprocess.Popen(
            [sys.executable, "-m", "normlab", "check", "--watch", *files],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"NORMLAB_DATA": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
        )
        started.append(process)
        return Lines(process)

    yield start
    for process in started:
        process.kill()
        process.communicate()


class Lines:
    def __init__(self, process):
        self.process, self.lines = process, queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)

    def until(self, text):
        """The lines up to the one that holds a text."""
        told = []
        while not told or text not in told[-1]:
            told.append(self.lines.get(timeout=30))
        return "".join(told)


def save(path, text):
    """As many editors do: write another file, and give it the name."""
    other = path.with_suffix(".tmp")
    other.write_text(text)
    path.unlink(missing_ok=True)
    other.rename(path)


def test_what_is_saved_is_checked_until_all_is_right(watch, tmp_path):
    path = tmp_path / "a.py"
    save(path, STUB + LATER)
    lines = watch("a.py")
    told = lines.until("warmup_lr  ○")
    assert "  a.py\n" in told
    assert "layer_norm  ○ not attempted" in told
    save(path, WRONG + LATER)
    told = lines.until("warmup_lr  ○")
    assert "digits are lost far from 0" in told
    assert "next:" not in told
    save(path, RIGHT + LATER)
    told = lines.until("next: ")
    assert "layer_norm" in told
    assert "✓ right" in told
    assert "digits are lost" not in told
    assert told.splitlines()[-1].startswith("next: warmup_lr. The learning rate of a step")
    with path.open("a") as file:
        file.write(SOLVED)
    told = lines.until("Everything is right")
    assert "next:" not in told
    assert lines.process.wait(timeout=20) == 0
    assert lines.process.stderr.read() == ""


def test_a_file_that_is_not_there_yet_is_waited_for_and_ctrl_c_ends_it(watch, tmp_path):
    lines = watch("a.py")
    lines.until("a.py does not exist")
    save(tmp_path / "a.py", WRONG)
    lines.until("digits are lost far from 0")
    if sys.platform != "win32":
        lines.process.send_signal(signal.SIGINT)
        assert lines.process.wait(timeout=20) == 130
        assert lines.process.stderr.read() == ""
