"""Submissions that try to stop, cheat or harm the grader: name -> code cells.

`FUNCTIONS` do it when the answer is called, so they earn nothing. `CELLS` do it in a cell of their
own, before a right answer: whoever wants the points for that may have them.
"""

from submissions import ROOT, function

REFERENCE = str(ROOT / "normlab" / "exercises" / "layer_norm" / "reference.py")
LOOPS = {
    "loops in Python": function("while True: pass"),
    "loops in C": function("sum(iter(int, 1))"),
    "swallows interrupts": function(
        "while True:", "    try:", "        while True: pass", "    except BaseException: pass"
    ),
    "ignores the signal": function(
        "signal.signal(signal.SIGXCPU, signal.SIG_IGN)", "while 1: pass"
    ),
    "sleeps": function("time.sleep(1000)"),
    "waits for itself": function("import threading", "threading.Event().wait()"),
}
FUNCTIONS = {
    "takes 20 GB at once": function("return bytearray(20 * 2**30)"),
    "takes 20 GB bit by bit": function("return [np.ones(2**17) for _ in range(20_000)][0]"),
    "returns 3 GB": function("return np.zeros(3 * 2**27)"),
    "returns 300 MB": function("return np.zeros(300 * 2**17)"),
    "returns a view of 3 GB": function("return np.broadcast_to(1.0, (3 * 2**27,))"),
    "ends the process": function("os._exit(0)"),
    "exits": function("sys.exit(0)"),
    "raises an interrupt": function("raise KeyboardInterrupt"),
    "crashes": function("ctypes.string_at(0)"),
    "aborts": function("os.abort()"),
    "recurses": function("return layer_norm(x, gamma, beta)"),
    "overflows the stack": function("sys.setrecursionlimit(10**9)", "f = lambda: f()", "f()"),
    "forks 200 times": function(
        "for i in range(200):", "    if os.fork() == 0: time.sleep(1000)", "return x"
    ),
    "kills its parent": function("os.kill(os.getppid(), 9)", "return x"),
    "kills the first process": function("os.kill(1, 9)", "return x"),
    "starts a program": function("os.execv('/bin/true', ['true'])"),
    "starts threads without end": function(
        "import threading",
        "while True: threading.Thread(target=time.sleep, args=(1000,)).start()",
    ),
    "returns what equals everything": function(
        "class Equal(np.ndarray):",
        "    __eq__ = lambda self, other: np.ones(self.shape, bool)",
        "    __ne__ = lambda self, other: np.zeros(self.shape, bool)",
        "    __sub__ = __rsub__ = lambda self, other: np.zeros(self.shape)",
        "    __abs__ = lambda self: np.zeros(self.shape)",
        "    tobytes = lambda self, order='C': b''",
        "return np.asarray(x).view(Equal)",
    ),
    "returns what changes as it is looked at": function(
        "class Sly:",
        "    def __array__(self, dtype=None, copy=None): return np.zeros(3)",
        "    shape, dtype, ndim = x.shape, x.dtype, x.ndim",
        "return Sly()",
    ),
    "hides that it changes its arguments": function(
        "y = (x - x.mean(-1, keepdims=True)) / x.std(-1, keepdims=True)",
        "x[...] = 0",
        "return gamma * y + beta",
    ),
    "looks for expected values in the callers' frames": function(
        "frame, found = sys._getframe(), []",
        "while frame:",
        "    found += [v for v in frame.f_locals.values() if isinstance(v, np.ndarray)]",
        "    frame = frame.f_back",
        "return next(v for v in found if v.shape == x.shape and v is not x)",
    ),
    "looks for expected values in memory": function(
        "import gc",
        "same = [o for o in gc.get_objects() if isinstance(o, np.ndarray) and o.shape == x.shape]",
        "other = [o for o in same if not np.array_equal(o, x)]",
        "return other[0]",
    ),
    "looks for a reference in memory": function(
        "import gc, types",
        "known = [o for o in gc.get_objects() if isinstance(o, types.FunctionType)]",
        "known = [f for f in known if 'gamma' in f.__code__.co_varnames and f is not layer_norm]",
        "return known[0](x, gamma, beta, eps)",
    ),
    "looks for a reference among the modules": function(
        "known = [getattr(m, 'layer_norm', None) for m in list(sys.modules.values())]",
        "return next(f for f in known if f and f is not layer_norm)(x, gamma, beta, eps)",
    ),
    "imports a reference": function(
        "from normlab.exercises.layer_norm.reference import layer_norm as known",
        "return known(x, gamma, beta, eps)",
    ),
    "imports the norms": function(
        "from normlab.norms import layer_norm as known", "return known(x, gamma, beta, eps)"
    ),
    "puts the course on its path": function(
        f"sys.path.insert(0, {str(ROOT)!r})",
        "sys.meta_path[:] = [f for f in sys.meta_path if 'stand_in' not in repr(type(f))]",
        "[sys.modules.pop(m) for m in list(sys.modules) if m.startswith('normlab')]",
        "from normlab.norms import layer_norm as known",
        "return known(x, gamma, beta, eps)",
    ),
    "reads a reference": function(
        f"exec(open({REFERENCE!r}).read(), globals())",
        "return layer_norm(x, gamma, beta, eps)",
    ),
    "reads a solution": function(f"open({str(ROOT / 'solutions/01_layer_norm.ipynb')!r})"),
    "reads a solution by a link": function(
        f"os.path.exists('l') or os.symlink({str(ROOT / 'solutions')!r}, 'l')",
        "open('l/01_layer_norm.ipynb')",
    ),
    "reads the system's files": function("open('/etc/passwd')"),
    "reads another process": function("open(f'/proc/{os.getppid()}/environ')"),
    "writes outside": function("open('/tmp/written-by-a-student', 'w')"),
    "writes into the course": function(f"open({str(ROOT / 'normlab/evil.py')!r}, 'w')"),
    "connects": function("import socket", "socket.create_connection(('127.0.0.1', 80), 1)"),
    "listens": function("import socket", "socket.socket(socket.AF_UNIX).bind('s')"),
    "raises its limits": function(
        "import resource", "resource.setrlimit(resource.RLIMIT_CPU, (9999, 9999))", "return x"
    ),
    "becomes root": function("os.setuid(0)", "return x"),
    "leaves its namespaces": function("ctypes.CDLL(None).unshare(0x10000000) == 0 or 1 / 0"),
    "traces its parent": function("ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0) == 0 or 1 / 0"),
}
CHANNEL = """
import json, os
from multiprocessing.connection import Connection
for fd in range(3, 64):
    try:
        os.fstat(fd)
        break
    except OSError:
        pass
channel = Connection(fd)
"""


def forging(*messages: str) -> str:
    sends = "\n".join(f"channel.send_bytes({message})" for message in messages)
    return f"{CHANNEL}{sends}\nwhile True: pass\n"


VERDICT = "json.dumps({'passed': True, 'points': 4}).encode() + b'\\n'"
LEFT = (
    "json.dumps({'defined': [True], 'undefined': [''], 'errors': [], 'printed': ''}).encode() "
    "+ b'\\n'"
)
RESULT = (
    "json.dumps({'target': 0, 'seen': [{'outputs': {'y': {'dtype': 'float64', 'shape': []}}, "
    "'raised': None, 'changed': []}] * 14}).encode() + b'\\n' + b'\\0' * 112"
)
FORGED = {
    "a verdict": forging(VERDICT),
    "null": forging("b'null\\n'"),
    "nothing": forging("b''"),
    "a pickle": forging("__import__('pickle').dumps(print)"),
    "garbage": forging("os.urandom(1000)"),
    "a length that never comes": f"{CHANNEL}os.write(fd, b'\\x00\\xff\\xff\\xff' + b'x' * 100)\n"
    "while True: pass\n",
    "a huge length": f"{CHANNEL}os.write(fd, b'\\xff' * 100)\nwhile True: pass\n",
    "its own account of the cells": forging(LEFT, LEFT),
    "results, without an answer": forging(LEFT, RESULT, RESULT, RESULT),
    "the next cell, without end": (
        f"{CHANNEL}while True: channel.send_bytes(b'{{\"cell\": 1}}\\n')\n"
    ),
}
CELLS = {
    "ends the process": "import os\nos._exit(0)",
    "exits": "import sys\nsys.exit(0)",
    "loops": "while True: pass",
    "crashes": "import ctypes\nctypes.string_at(0)",
    "prints 100 MB": "import sys\nprint('x' * 10**8)\nsys.stderr.write('y' * 10**8)",
    "prints 100 MB past Python": "import os\n[os.write(1, b'x' * 10**6) for _ in range(100)]",
    "writes a file of 600 MB": (
        "with open('big', 'wb') as file:\n    for _ in range(600): file.write(bytes(2**20))"
    ),
    "fills its folder": "for i in range(3000): open(str(i), 'w').write('x')",
    "makes a deep folder": "import os\nfor _ in range(1500):\n    os.mkdir('d')\n    os.chdir('d')",
    "locks its folder": (
        "import os\nos.mkdir('a')\nopen('a/b', 'w')\nos.chmod('a', 0)\nos.chmod('.', 0)"
    ),
    "closes all descriptors": "import os\nos.closerange(0, 64)",
    "writes into all descriptors": (
        "import os\nfor fd in range(64):\n    try: os.write(fd, b'garbage' * 100)\n"
        "    except OSError: pass"
    ),
    "leaves a daemon": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n"
        "    if os.fork() == 0: time.sleep(999)\n    os._exit(0)"
    ),
    "kills all": "import os\nos.kill(-1, 9)",
    "patches what compares": (
        "import builtins, json, pickle\nimport numpy as np\n"
        "np.testing.assert_allclose = lambda *a, **k: None\n"
        "np.array_equal = np.allclose = lambda *a, **k: True\npickle.loads = lambda *a: True\n"
        "builtins.any = lambda *a: False"
    ),
    "ships a numpy.py": "open('numpy.py', 'w').write('raise SystemExit')\nimport numpy",
    "never yields to the collector": "import gc\ngc.disable()\ngc.get_objects()",
    "writes to the terminal": "print('\\x1b[2J\\x1b[1;1H\\x07')",
    "blocks all signals": "import signal\nsignal.pthread_sigmask(0, range(1, 64))",
}
COUNTED = {
    "bytes of a file": (
        16 * 2**20,
        "import os\ntry:\n    with open('big', 'wb', 0) as file:\n"
        "        for _ in range(600): file.write(bytes(2**20))\n"
        "except OSError: pass\nprint(os.path.getsize('big'))",
    ),
    "open files": (
        64,
        "import os\nopened = []\ntry:\n    for _ in range(1000): opened.append(os.open('.', 0))\n"
        "except OSError: pass\nprint(len(opened))\nfor fd in opened: os.close(fd)",
    ),
    "threads": (
        64,
        "import threading\nthreading.stack_size(2**16)\nstop, count = threading.Event(), 0\ntry:\n"
        "    for count in range(300): threading.Thread(target=stop.wait).start()\n"
        "except (RuntimeError, MemoryError): pass\nprint(count)\nstop.set()",
    ),
    "megabytes of memory": (
        1024,
        "held = []\ntry:\n    for _ in range(4096): held.append(bytes(2**20))\n"
        "except MemoryError: pass\nprint(len(held))\ndel held",
    ),
}
"""How much there can be at most, and a cell that takes what it gets and prints how much it got."""
