"""What a process gives up before it runs a student's code: time, memory, rights, files, calls.

Each level is used where the system has it. Together they leave a process that can compute, read
Python and its libraries, and write in one empty folder.
"""

import errno
import os
import sys
import sysconfig
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from normlab.grading.confined import landlock
from normlab.grading.confined.apart import Apart
from normlab.grading.confined.imports import folders_of_libraries
from normlab.grading.confined.limits import Limits, memory_mapped, tasks_of_this_user

PACKAGE = Path(__file__).resolve().parents[2]
SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"),
    *("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo", "/usr/share/fonts"),
    *("/dev/zero", "/dev/random", "/dev/urandom", "/sys/devices/system/cpu", "/proc/cpuinfo"),
)
NULL = Path(os.devnull)
LOADED = ("numpy", "torch")
FIRST_USER, USERS = 2_000_000_000, 100_000_000
"""Students' processes run as users of these numbers, which no system gives to anyone."""


@dataclass(frozen=True)
class Confinement:
    """The levels that a process can enter.

    Args:
        user: to become, if this process may become another one.
        apart: makes processes that are apart from each other.
        rules: a Landlock ruleset's descriptor.
        calls: a filter of system calls, by libseccomp.
    """

    user: int | None = None
    apart: Apart | None = None
    rules: int | None = None
    calls: Any = None

    def for_student(self, number: int) -> "Confinement":
        """The same for another student; with another user, if there are more than one."""
        if self.user is None or self.user < FIRST_USER:
            return self
        return replace(self, user=FIRST_USER + (self.user - FIRST_USER + number) % USERS)

    def fork(self) -> int:
        """As `os.fork`; the new process can `enter`."""
        return self.apart.fork() if self.apart else os.fork()

    def enter(self, limits: Limits, folder: Path) -> None:
        """Give up all that the levels take away, and go to a folder; there is no way back.

        Raises:
            OSError: if the system refuses.
        """
        mapped, tasks = memory_mapped(), 0 if self.user else tasks_of_this_user()
        if self.apart is not None:
            self.apart.enter(self.user)
        os.chdir(folder)
        limits.accept(mapped, tasks)
        if self.user is not None:
            os.setgroups([])
            os.setresgid(self.user, self.user, self.user)
            os.setresuid(self.user, self.user, self.user)
        if self.rules is not None:
            landlock.restrict(self.rules)
        if self.calls is not None:
            self.calls.load()


def libraries() -> list[Path]:
    """The folders of Python and of the libraries that are installed with it."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    found = [Path(sysconfig.get_path(name)) for name in names]
    found += [Path(prefix, "lib") for prefix in (sys.prefix, sys.base_prefix)]
    found += [
        Path(spec.origin).parents[1] for spec in map(find_spec, LOADED) if spec and spec.origin
    ]
    return [path for path in dict.fromkeys(found) if path.is_dir()]


def files_for_answers(writable: Iterable[Path], readable: Iterable[Path], torch: bool) -> int:
    """A ruleset: Python and its libraries, `readable`, and what is in `writable`.

    Not normlab, and no library that has norms of its own, but for torch where it is told so.
    """
    system = [path for path in map(Path, SYSTEM) if path.exists()]
    hidden = {PACKAGE, *folders_of_libraries(torch)}
    allowed, listable = without(hidden, [*libraries(), *system])
    return landlock.ruleset([*allowed, *readable], listable, [NULL, *writable])


def without(hidden: Collection[Path], folders: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """(what lies in `folders` but for `hidden`, the folders that lie around these)."""
    outside = {parent for path in hidden for parent in path.parents}
    allowed: list[Path] = []
    around: list[Path] = []
    waiting = [folder.resolve() for folder in folders]
    while waiting:
        path = waiting.pop()
        if path in hidden or path in around:
            continue
        if path in outside:
            around.append(path)
            waiting += path.iterdir()
        elif path.exists():
            allowed.append(path)
    return list(dict.fromkeys(allowed)), around


NEVER = (
    # other processes: to make them, to become another program, to touch others
    *("fork", "vfork", "execve", "execveat", "kill", "tkill", "tgkill", "rt_sigqueueinfo"),
    *("rt_tgsigqueueinfo", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "ptrace", "kcmp"),
    *("process_vm_readv", "process_vm_writev", "process_madvise", "perf_event_open"),
    *("process_mrelease", "move_pages", "migrate_pages"),
    # when and where it runs, and others
    *("sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"),
    *("setpriority", "ioprio_set"),
    # the network, and sockets of any kind; the channel to the judge is read and written as a file
    *("socket", "socketpair", "connect", "bind", "listen", "accept", "accept4"),
    *("sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg"),
    # memory that no limit counts
    "memfd_create",
    # what outlives a process
    *("shmget", "semget", "msgget", "shmat", "shmctl", "semctl", "semop", "semtimedop", "msgctl"),
    *("msgsnd", "msgrcv", "mq_open", "mq_unlink", "add_key", "request_key", "keyctl"),
    # limits and users
    *("setrlimit", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid"),
    *("setgroups", "setfsuid", "setfsgid", "capset", "personality"),
    # the kernel's wider doors
    *("mount", "umount2", "pivot_root", "chroot", "unshare", "setns", "mount_setattr"),
    *("open_tree", "move_mount", "fsopen", "fsmount", "fsconfig", "fspick", "bpf"),
    *("userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "mknod", "mknodat"),
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot"),
    *("swapon", "swapoff", "acct", "quotactl", "syslog", "fanotify_init", "open_by_handle_at"),
    *(
        "inotify_init",
        "inotify_init1",
        "name_to_handle_at",
        "settimeofday",
        "clock_settime",
        "adjtimex",
        "clock_adjtime",
    ),
)
"""System calls that no answer needs. A list of what is allowed would be stricter, and would fail
honest answers with each new version of libc, Python or torch."""
NEVER_TO_OTHERS = (
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "utimensat", "futimesat", "setxattr", "lsetxattr", "fsetxattr"),
    *("setxattrat", "removexattr", "lremovexattr", "fremovexattr", "removexattrat"),
)
"""What Landlock lets pass, and what does harm where the files of others are this user's too."""
CLONE_THREAD = 0x10000
HOLDS_OTHERS_UP = (1024, 1026)
"""F_SETLEASE and F_NOTIFY of fcntl: whoever opens a leased file waits for who has the lease, and a
student's user may own the libraries."""


def calls_for_answers(alone: bool) -> Any:
    """A filter under which the calls of `NEVER` fail with EPERM, and of processes only threads
    can be made.

    Args:
        alone: whether no files but its own are a student's; else `NEVER_TO_OTHERS` fails too.

    Raises:
        ImportError, RuntimeError: without pyseccomp or libseccomp.
        OSError: if the kernel has no such filters.
    """
    import pyseccomp

    refuse = pyseccomp.ERRNO(errno.EPERM)
    calls = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for name in NEVER if alone else (*NEVER, *NEVER_TO_OTHERS):
        if _known(pyseccomp, name):
            calls.add_rule(refuse, name)
    no_thread = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, CLONE_THREAD, 0)
    calls.add_rule(refuse, "clone", no_thread)
    calls.add_rule(pyseccomp.ERRNO(errno.ENOSYS), "clone3")  # libc then uses clone
    calls.add_rule(refuse, "prlimit64", pyseccomp.Arg(2, pyseccomp.NE, 0))
    for command in HOLDS_OTHERS_UP:
        calls.add_rule(refuse, "fcntl", pyseccomp.Arg(1, pyseccomp.EQ, command))
    return calls


def _known(pyseccomp: Any, name: str) -> bool:
    """Whether this architecture has, or ever had, the call."""
    try:
        return bool(pyseccomp.resolve_syscall(pyseccomp.system_arch(), name) >= 0)
    except (ValueError, OSError):
        return False
