"""A level of confinement, and what it means if it is missing."""

from dataclasses import dataclass

SWITCHED_OFF = "it is switched off"


@dataclass(frozen=True)
class Level:
    """A level of confinement.

    Args:
        name: "limits", "user", "apart", "landlock", "seccomp" or "namespaces".
        active: whether it was seen to work.
        detail: what it is here; or why it is missing, what that means, and the mend.
    """

    name: str
    active: bool
    detail: str


WITHOUT = {
    "limits": "A student's code can take all time and memory.",
    "user": (
        "A student's code has the rights of root. Install Python where other users can read it, "
        "or bubblewrap."
    ),
    "apart": (
        "Students' processes share a disk, and perhaps a user. So each is made only when the last "
        "one is gone, which is slower. It takes user namespaces: sysctl "
        "user.max_user_namespaces above 0, on Ubuntu kernel.apparmor_restrict_unprivileged_userns "
        "at 0, in Docker --security-opt seccomp=unconfined."
    ),
    "landlock": (
        "A student's code can read all files that its user can, the solutions among them. Linux "
        "has Landlock since 5.13."
    ),
    "seccomp": (
        "A student's code can start processes and use the network. It takes libseccomp "
        "(apt install libseccomp2) and pyseccomp."
    ),
    "namespaces": (
        "A student's code sees the machine's processes, and may fill the disk. It takes bubblewrap "
        "(apt install bubblewrap)."
    ),
}


def missing(name: str, reason: str) -> Level:
    """The level, with why it is missing, what that means, and the mend."""
    return Level(name, False, f"{reason}. {WITHOUT[name]}")
