"""Whose each upload of a class is: what single names say, held against the names beside them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from normlab.checks.cells import UnreadableFile
from normlab.grading.collecting.owners import ATTEMPT, Owner, owner_by_hand, owner_by_system
from normlab.grading.collecting.tops import Top
from normlab.grading.collecting.uploads import GITHUB

CLONED = "-submissions"
"""`gh classroom clone student-repos` makes ASSIGNMENT-submissions/ASSIGNMENT-LOGIN."""
NAME_LINE, HEAD_LINES = "Name:", 5


def owners_of(container: str, tops: Sequence[Top]) -> dict[str, Owner | None]:
    """The owner of each top, by its name; None where that says nothing.

    Args:
        container: the name of what they lie in.
        tops: all that lies there.
    """
    cloned = f"{container.removesuffix(CLONED)}-" if container.endswith(CLONED) else ""
    if cloned and all(top.name.startswith(cloned) for top in tops if top.is_folder):
        logins = {top.name: top.name.removeprefix(cloned) for top in tops}
        return {name: Owner(GITHUB, login, "", login) for name, login in logins.items()}
    by_system = {top.name: owner_by_system(top.name) for top in tops}
    if _two_have_one_file(by_system.values()):
        by_system = dict.fromkeys(by_system)
    summaries = _blackboard_summaries(tops)
    return {
        top.name: _with_summary(top, by_system[top.name], summaries)
        or owner_by_hand(top.name, top.is_file)
        for top in tops
    }


def _two_have_one_file(owners: Iterable[Owner | None]) -> bool:
    """Whether numbers that look like Canvas's of files are none, as two students have the same."""
    holders: dict[float, set[str]] = defaultdict(set)
    for owner in owners:
        if owner and owner.system == "Canvas":
            holders[owner.order].add(owner.id)
    return any(len(ids) > 1 for ids in holders.values())


def _attempt(name: str) -> str:
    """ASSIGNMENT_USERNAME_attempt_TIME, which all files of one hand-in to Blackboard begin with."""
    found = ATTEMPT.search(name)
    return name[: found.end()] if found else ""


def _blackboard_summaries(tops: Sequence[Top]) -> dict[str, tuple[str, str]]:
    """Attempt -> (full name, login), as Blackboard writes into a text of its own beside it."""
    told = {}
    for top in tops:
        attempt = _attempt(top.name)
        if attempt and top.name == f"{attempt}.txt" and top.is_file:
            name, login = _told(top)
            if login and ATTEMPT.sub("", attempt).endswith(f"_{login}"):
                told[attempt] = name, login
    return told


def _told(summary: Top) -> tuple[str, str]:
    """(full name, login) in the line `Name: Ada Lovelace (ada)`; ("", "") if there is none."""
    try:
        text = summary.files[0].read().decode("utf-8-sig", "replace")
    except UnreadableFile:
        return "", ""
    lines = text.splitlines()[:HEAD_LINES]
    line = next((line for line in lines if line.startswith(NAME_LINE)), "")
    name, _, login = line.removeprefix(NAME_LINE).strip().rpartition("(")
    return name.strip(), login.removesuffix(")")


def _with_summary(
    top: Top, owner: Owner | None, summaries: dict[str, tuple[str, str]]
) -> Owner | None:
    if owner is None or _attempt(top.name) not in summaries:
        return owner
    name, login = summaries[_attempt(top.name)]
    return replace(owner, name=login, login=login, full_name=name)
