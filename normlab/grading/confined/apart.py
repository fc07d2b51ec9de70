"""Students apart: each one's process has a user, processes, mounts and a disk that no other shares.

The zygote moves into a user namespace, where it may do what elsewhere only root may: give each
student's process a PID, a mount and an IPC namespace of its own, with a small disk in memory, with
everything else read-only, and with nothing in /proc. Students of an ordinary user, who are all this
same user, get a user namespace each, too. See namespaces(7).
"""

import ctypes
import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

DISK_BYTES = 256 * 2**20
DISK_FILES = 16_384
NEW_MOUNTS, NEW_IPC, NEW_USERS, NEW_PROCESSES = 0x20000, 0x8000000, 0x10000000, 0x20000000
MOUNT_SETATTR = 442  # the same on every architecture; libc has no name for it
HERE, RECURSIVE, READ_ONLY, PRIVATE = -100, 0x8000, 1, 1 << 18
NO_SETUID, NO_DEVICES = 2, 4
CAPABILITIES_VERSION = 0x20080522
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38

_libc = ctypes.CDLL(None, use_errno=True)


def move() -> str:
    """Go on in a process that may make namespaces; the one that called waits for it, and ends.

    Returns:
        "" in the new process; or, where the system refuses, the reason, in the old one.
    """
    ours, theirs = socket.socketpair()
    moving = os.fork()
    if moving == 0:
        ours.close()
        _move(theirs)
        return ""
    theirs.close()
    with ours:
        refused = ours.recv(1000).decode()
        if not refused:
            return "the process that was to try it ended"
        try:
            if refused == "moved":
                _name_users_of(moving)
                ours.send(b"go on")
                _wait_for(moving)
        except OSError as error:
            refused = str(error)
    os.waitpid(moving, 0)  # it reads the end of the connection
    return refused


def _move(connection: socket.socket) -> None:
    with connection:
        try:
            _call("unshare", NEW_USERS | NEW_PROCESSES | NEW_MOUNTS | NEW_IPC)
        except OSError as error:
            connection.send(str(error).encode())
            os._exit(1)
        connection.send(b"moved")
        if not connection.recv(10):
            os._exit(1)
    end_with_parent()
    first = os.fork()  # the namespace of processes begins with it
    if first:
        _wait_for(first)
    end_with_parent()


def end_with_parent() -> None:
    """From now on this process is killed when the one that forked it ends, however it does.

    The kernel forgets it when the process becomes another user.
    """
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _wait_for(process: int) -> NoReturn:
    _, status = os.waitpid(process, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _name_users_of(process: int) -> None:
    """Let a process in a new user namespace keep its user, or all users if it is root's."""
    user, group = os.getuid(), os.getgid()
    if user:
        _keep_user(str(process), user, group)
        return
    for kind in ("uid", "gid"):
        known = Path(f"/proc/self/{kind}_map").read_text().splitlines()
        parts = [(first, count) for first, _, count in map(str.split, known)]
        same = "".join(f"{first} {first} {count}\n" for first, count in parts)
        Path(f"/proc/{process}/{kind}_map").write_text(same)


def _keep_user(process: str, user: int, group: int) -> None:
    Path(f"/proc/{process}/setgroups").write_text("deny")
    Path(f"/proc/{process}/uid_map").write_text(f"{user} {user} 1")
    Path(f"/proc/{process}/gid_map").write_text(f"{group} {group} 1")


@dataclass(frozen=True)
class Apart:
    """Makes processes that are apart; for a process that has moved.

    Args:
        folder: an empty one, where each sees a disk of its own.
        processes: a descriptor of this process's PID namespace.
    """

    folder: Path
    processes: int

    def fork(self) -> int:
        """As `os.fork`; the new process is the first of a PID namespace, and ends with it."""
        _call("unshare", NEW_PROCESSES)
        child = os.fork()
        if child:
            _call("setns", self.processes, NEW_PROCESSES)
        return child

    def enter(self, user: int | None) -> None:
        """In the new process: leave all that others can reach.

        Args:
            user: whom it will become; None if it stays the user that it is.

        Raises:
            OSError: if the system refuses.
        """
        owner, group = os.getuid(), os.getgid()
        if user is None:
            _call("unshare", NEW_USERS | NEW_MOUNTS | NEW_IPC)
            _keep_user("self", owner, group)
        else:
            owner = group = user
            _call("unshare", NEW_MOUNTS | NEW_IPC)
        attributes = (ctypes.c_uint64 * 4)(READ_ONLY, 0, PRIVATE, 0)
        size = ctypes.sizeof(attributes)
        _call("syscall", MOUNT_SETATTR, HERE, b"/", RECURSIVE, attributes, size)
        disk = f"size={DISK_BYTES},nr_inodes={DISK_FILES},mode=700,uid={owner},gid={group}"
        _mount(self.folder, NO_SETUID | NO_DEVICES, disk)
        _mount(Path("/proc"), READ_ONLY, "")
        if user is None:
            _give_up_capabilities()
        _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def apart_in(folder: Path) -> Apart:
    """For a process that has moved; it makes the folder."""
    folder.mkdir()
    return Apart(folder, os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC))


def _mount(folder: Path, flags: int, options: str) -> None:
    _call("mount", b"tmpfs", bytes(folder), b"tmpfs", flags, options.encode())


def _give_up_capabilities() -> None:
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())


def _call(name: str, *arguments: object) -> None:
    long = (ctypes.c_long(each) if isinstance(each, int) else each for each in arguments)
    if getattr(_libc, name)(*long) < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")
