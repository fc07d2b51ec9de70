"""Landlock: a process gives up, for itself and for good, all files but those it names.

Linux 5.13 and newer (https://docs.kernel.org/userspace-api/landlock.html). There is no kept
library for it; these are the three system calls, by number, since libc has no names for them.
"""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
VERSION_FLAG, PATH_BENEATH, NO_NEW_PRIVILEGES = 1, 1, 38
EXECUTE, READ_FILE, READ_DIR = 1 << 0, 1 << 2, 1 << 3
FILE_RIGHTS_SINCE = {1: 0b111, 3: 1 << 14, 5: 1 << 15}
"""ABI -> rights that it added for files: execute, write, read; truncate; ioctl."""
FOLDER_RIGHTS_SINCE = {1: 0b1_1111_1111_1000, 2: 1 << 13}
"""ABI -> rights that it added for folders: list, remove, make; move from one to another."""
NETWORK_SINCE, NETWORK = 4, 0b11
"""TCP: bind and connect."""
SCOPE_SINCE, SCOPE = 6, 0b11
"""Abstract Unix sockets and signals of processes outside."""

_libc = ctypes.CDLL(None, use_errno=True)


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scope", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("rights", ctypes.c_uint64), ("path", ctypes.c_int32))


def abi() -> int:
    """The version that the kernel knows; 0 if it has no Landlock, or has it switched off."""
    try:
        return _call(CREATE_RULESET, None, ctypes.c_size_t(0), VERSION_FLAG)
    except OSError:
        return 0


def ruleset(readable: Iterable[Path], listable: Iterable[Path], writable: Iterable[Path]) -> int:
    """A descriptor of rules for `restrict`. Nothing else can be opened, and nothing executed.

    Args:
        readable: files, and folders with all that is in them.
        listable: folders whose names, and the names below them, may be seen.
        writable: files that may be read and written, and folders in which anything may be read,
            made and removed.

    Raises:
        OSError: if the kernel refuses.
    """
    version = abi()
    files = sum(right for since, right in FILE_RIGHTS_SINCE.items() if since <= version)
    folders = sum(right for since, right in FOLDER_RIGHTS_SINCE.items() if since <= version)
    network = NETWORK if version >= NETWORK_SINCE else 0
    scope = SCOPE if version >= SCOPE_SINCE else 0
    attributes = _Ruleset(files | folders, network, scope)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    rules = _call(CREATE_RULESET, ctypes.byref(attributes), size, 0)
    os.set_inheritable(rules, False)
    for paths, file_rights, folder_rights in (
        (readable, READ_FILE, READ_DIR),
        (listable, 0, READ_DIR),
        (writable, files & ~EXECUTE, folders),
    ):
        for path in paths:
            _allow(rules, path, file_rights | (folder_rights if path.is_dir() else 0))
    return rules


def restrict(rules: int) -> None:
    """Put this process under the rules, and all that it starts."""
    if _libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS) failed")
    _call(RESTRICT_SELF, rules, 0)


def _allow(rules: int, path: Path, rights: int) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        beneath = _PathBeneath(rights, opened)
        _call(ADD_RULE, rules, PATH_BENEATH, ctypes.byref(beneath), 0)
    finally:
        os.close(opened)


def _call(number: int, *arguments: object) -> int:
    long = (ctypes.c_long(a) if isinstance(a, int) else a for a in (number, *arguments))
    result = int(_libc.syscall(*long))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock: {os.strerror(error)}")
    return result
