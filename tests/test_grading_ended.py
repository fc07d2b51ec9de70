"""What a run leaves when it is over: no folder, no process, no noise in the terminal."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from submissions import RIGHT, notebook

from normlab.grading.confined.limits import Limits
from normlab.grading.runs import ForkedRuns, Order, ServerDied
from normlab.tools.signals import end_as_by_ctrl_c

NORMLAB = [sys.executable, "-m", "normlab.cli"]
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines")


@pytest.fixture
def slow(tmp_path):
    """`normlab grade` at work on a submission that takes long, and its folder for what passes."""
    (tmp_path / "class" / "ada").mkdir(parents=True)
    content = notebook("import time\ntime.sleep(50)", RIGHT)
    (tmp_path / "class" / "ada" / "01_layer_norm.ipynb").write_bytes(content)
    (tmp_path / "temporary").mkdir()
    process = subprocess.Popen(
        [*NORMLAB, "grade", str(tmp_path / "class"), "--out", str(tmp_path / "out")],
        env=os.environ | {"TMPDIR": str(tmp_path / "temporary")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stdout:
        if line.startswith("Confinement"):
            break
    yield process, tmp_path / "temporary"
    process.kill()
    process.wait()


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_run_that_is_told_to_end_leaves_no_folder(number, slow):
    process, temporary = slow
    assert [*temporary.iterdir()]
    time.sleep(0.5)
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted. The same command goes on." in told
    assert "Traceback" not in told
    assert [*temporary.iterdir()] == []


def test_signals_mean_again_what_they_meant_before():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), end_as_by_ctrl_c():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


@linux
def test_a_notebook_that_plots_is_graded_in_silence(tmp_path):
    plots = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('$x^2$')\nplt.show()"
    for student in ("ada", "bob"):
        folder = tmp_path / "class" / student
        folder.mkdir(parents=True)
        content = notebook(plots, "%matplotlib inline", f"# {student}\n{RIGHT}")
        (folder / "01_layer_norm.ipynb").write_bytes(content)
    done = subprocess.run(
        [*NORMLAB, "grade", str(tmp_path / "class"), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert not [line for line in done.stderr.splitlines() if "grading" not in line], done.stderr


@linux
def test_a_server_that_dies_is_told_as_such_wherever_it_was():
    """With something unread in its queue, its end is a reset and not an end of file."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    runs = ForkedRuns(ours)
    order = Order("01_layer_norm", b"{}", Limits(1, 1, 1))

    def die():
        theirs.recv(1)  # the questions; the request to run stays
        time.sleep(0.2)
        theirs.close()

    dying = threading.Thread(target=die)
    dying.start()
    with ours, pytest.raises(ServerDied), runs(order):
        pass
    dying.join()
