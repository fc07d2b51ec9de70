"""What native code and other programs write is kept from the terminal, and only for a while."""

import subprocess
import sys

import pytest

BEFORE = """
import ctypes, os, sys
from normlab.checks.silence import quiet, silent_descriptors

libc = ctypes.CDLL(None)
def write(text):
    print(text, flush=False)
    print(text, file=sys.stderr)
    libc.puts(text.encode())
    os.system(f"echo {text}; echo {text} >&2")
    os.write(1, f"{text}\\n".encode())
"""


def run(program, **options):
    return subprocess.run(
        [sys.executable, "-c", BEFORE + program], capture_output=True, text=True, **options
    )


def test_what_comes_before_and_after_is_written_and_what_comes_between_is_not():
    done = run("""
write("before")
try:
    with silent_descriptors():
        write("between")
        1 / 0
except ZeroDivisionError:
    write("after")
with silent_descriptors():
    write("again")
""")
    assert sorted(done.stdout.split()) == ["after"] * 4 + ["before"] * 4
    assert sorted(done.stderr.split()) == ["after"] * 2 + ["before"] * 2
    assert done.returncode == 0


def test_pipes_that_took_the_place_of_the_descriptors_come_back():
    """As in a notebook's kernel, which reads all that is written to them."""
    done = run("""
import threading
reading, writing = os.pipe()
os.dup2(writing, 1)
os.close(writing)
with silent_descriptors():
    os.system("echo between")
os.system("echo after")
os.close(1)
text = os.fdopen(reading).read()
assert text == "after\\n", text
sys.stdout = None
""")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="it needs a shell")
def test_closed_descriptors_stay_closed():
    program = (
        BEFORE
        + """
with silent_descriptors():
    os.system("echo between")
try:
    os.fstat(2)
except OSError:
    print("closed")
"""
    )
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, program],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout == "closed\n"


def test_no_descriptor_is_left_open():
    done = run("""
def count():
    return len(os.listdir("/proc/self/fd") if os.path.exists("/proc") else "")
before = count()
for _ in range(5):
    with silent_descriptors(), quiet():
        write("between")
assert count() == before
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
