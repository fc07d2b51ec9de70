"""Submissions that wait until the next student's process is made, and then turn on it."""

HEAD = """
import contextlib, ctypes, itertools, os, time
time.sleep({pause})

def around():
    found = set(map(str, range(1, 60)))
    with contextlib.suppress(OSError):
        found |= set(os.listdir('..'))
    own = os.path.basename(os.getcwd())
    return [f'../{{name}}' for name in found - {{own}}]

def others():
    with contextlib.suppress(OSError):
        yield from (int(name) for name in os.listdir('/proc') if name.isdigit())
    yield from range(os.getpid() + 1, os.getpid() + 40)
    yield from range(2, 60)

def to_each(act, all_of_them):
    for one in all_of_them:
        with contextlib.suppress(OSError):
            act(one)
"""
ATTACKS = {
    "closes its folder": "to_each(lambda folder: os.chmod(folder, 0), around())",
    "plants a file": """
def plant(folder):
    with open(f'{folder}/mine.npy', 'w') as file:
        file.write('planted')
    os.chmod(f'{folder}/mine.npy', 0)

to_each(plant, around())
""",
    "removes its folder": "to_each(os.rmdir, around())",
    "takes its folder's name": "to_each(os.mkdir, around())",
    "closes the folder around": """
to_each(lambda folder: os.chmod(folder, 0), ['../../shared', '../..', '..'])
""",
    "renames the folder around": "to_each(lambda folder: os.rename(folder, '../x'), around())",
    "fills the disk": """
def fill(folder):
    for number in itertools.count():
        with open(f'{folder}/{number}', 'wb') as file:
            for _ in range(15):
                file.write(bytes(2**20))

to_each(fill, ['.', '..', '/dev/shm', '/tmp'])
""",
    "takes all names": """
def fill(folder):
    for number in range(300_000):
        os.close(os.open(f'{folder}/{number}', os.O_CREAT | os.O_WRONLY))

to_each(fill, ['.', '..'])
""",
    "binds it to one processor": "to_each(lambda pid: os.sched_setaffinity(pid, {0}), others())",
    "makes it the last to run": """
to_each(lambda pid: os.setpriority(os.PRIO_PROCESS, pid, 19), others())
to_each(lambda pid: os.setpriority(os.PRIO_PGRP, pid, 19), others())
to_each(lambda user: os.setpriority(os.PRIO_USER, user, 19), [0, os.getuid(), os.getuid() + 1])
to_each(lambda pid: os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0)), others())
""",
    "takes its limits away": """
import resource
to_each(lambda pid: resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, 1)), others())
""",
    "kills it": "to_each(lambda pid: os.kill(pid, 9), others())",
    "leaves shared memory": """
libc = ctypes.CDLL(None, use_errno=True)
libc.shmget(0x6e6f726d, 4096, 0o1666)
libc.msgget(0x6e6f726d, 0o1666)
libc.semget(0x6e6f726d, 1, 0o1666)
libc.mq_open(b'/normlab', os.O_CREAT | os.O_RDWR, 0o666, None)
""",
}
"""What a cell does -> its source, which follows `HEAD`."""

VICTIM = """
import contextlib, ctypes, os, resource
import numpy as np

assert os.listdir('.') == [], os.listdir('.')
assert os.access('.', os.R_OK | os.W_OK | os.X_OK)
assert os.access('..', os.X_OK) and os.access('../../shared', os.X_OK)
np.save('mine.npy', np.ones(3))
assert np.load('mine.npy').sum() == 3
for number in range(4):
    with open(f'large{number}', 'wb') as file:
        file.write(bytes(10 * 2**20))
assert len(os.sched_getaffinity(0)) == os.cpu_count(), os.sched_getaffinity(0)
assert os.getpriority(os.PRIO_PROCESS, 0) == 0
assert os.sched_getscheduler(0) == os.SCHED_OTHER
assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == 16 * 2**20
libc = ctypes.CDLL(None)
for get in (libc.shmget, libc.msgget, libc.semget):
    assert get(0x6e6f726d, 0, 0) == -1
print('unharmed')
"""
"""Says "unharmed" if nothing of another student is to be seen or felt."""


def attack(source: str, pause: float = 0.2) -> str:
    return HEAD.format(pause=pause) + source
