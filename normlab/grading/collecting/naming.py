"""Whose each upload of a class is: what single names say, held against the names beside them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from normlab.checks.cells import UnreadableFile
from normlab.grading.collecting.names import without_archive
from normlab.grading.collecting.owners import ATTEMPT, Owner, owner_by_hand, owner_by_system
from normlab.grading.collecting.tops import Top
from normlab.grading.collecting.uploads import GITHUB

CLONED = "-submissions"
"""`gh classroom clone student-repos` makes ASSIGNMENT-submissions/ASSIGNMENT-LOGIN."""
NAME_LINE, HEAD_LINES = "Name:", 5


def owners_of(container: str, tops: Sequence[Top]) -> list[Owner | None]:
    """The owner of each top; None where its name says nothing.

    Args:
        container: the name of what they lie in.
        tops: all that lies there.
    """
    logins = logins_of_clones(container, tops)
    if logins:
        clones = {name: Owner(GITHUB, login, "", login) for name, login in logins.items()}
        return [clones.get(top.name) if top.is_folder else None for top in tops]
    by_system = {top.name: owner_by_system(top.name) for top in tops}
    if _two_have_one_file(by_system.values()):
        by_system = dict.fromkeys(by_system)
    summaries = _blackboard_summaries(tops)
    unknown = {*_several_logins(by_system, summaries)}
    return [
        None
        if top.name in unknown
        else _with_summary(top, by_system[top.name], summaries)
        or owner_by_hand(top.name, top.is_file)
        for top in tops
    ]


def logins_of_clones(container: str, tops: Sequence[Top]) -> dict[str, str]:
    """Folder -> the login that it is named after; nothing if GitHub Classroom made none of these.

    >>> folders = [Top(name, (), is_folder=True) for name in ("norms-ada", "norms-bob")]
    >>> logins_of_clones("norms-submissions", folders)
    {'norms-ada': 'ada', 'norms-bob': 'bob'}
    """
    assignment = without_archive(container)
    start = f"{assignment.removesuffix(CLONED)}-"
    folders = [top.name for top in tops if top.is_folder]
    if not assignment.endswith(CLONED) or not all(name.startswith(start) for name in folders):
        return {}
    return {name: name.removeprefix(start) for name in folders}


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


def _several_logins(owners: Mapping[str, Owner | None], told: Collection[str]) -> Iterator[str]:
    """Uploads to Blackboard of which it is not known where in their names the login begins.

    `Week 1_ada_x` may be `ada_x`'s upload for `Week 1`, or `x`'s for `Week 1_ada`. Both are seen
    where there is `Week 1_bob_x` too.
    """
    heads: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, owner in owners.items():
        if owner and owner.system == "Blackboard" and _attempt(name) not in told:
            before, _, last = owner.assignment.rpartition("_")
            if before and not last.isdigit():
                heads[owner.login, before][last].append(name)
    for names in heads.values():
        if len(names) > 1:
            yield from (name for several in names.values() for name in several)


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
