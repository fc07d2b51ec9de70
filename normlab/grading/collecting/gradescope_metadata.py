"""What Gradescope says of the submissions that it exports, or gives to its autograder."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from normlab.grading.collecting.handed_in import HandedIn
from normlab.grading.collecting.names import composed
from normlab.grading.collecting.owners import Owner
from normlab.grading.collecting.times import parse_time
from normlab.grading.collecting.uploads import GRADESCOPE

IN_AUTOGRADER, SUBMISSION = "submission_metadata.json", "submission"


def autograder_users(root: Path) -> list[Owner]:
    """Whose the one submission is that Gradescope's autograder gets; nobody's if it is none.

    The metadata lie beside the folder `submission`; what lies in it is the student's.

    Raises:
        ValueError: if the metadata are none.
    """
    within = root if (root / SUBMISSION).is_dir() else root.parent
    path = within / IN_AUTOGRADER
    if (root.name != SUBMISSION and within is not root) or not path.is_file():
        return []
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return [_owner(user, "", data["created_at"]) for user in data["users"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _no_metadata(str(path), error) from None


def export_users(file: HandedIn) -> dict[str, list[Owner]]:
    """Folder of an export -> whose it is.

    Raises:
        ValueError: if the metadata are none.
    """
    import yaml

    try:
        return {
            str(folder): list(_submitters(entry))
            for folder, entry in yaml.safe_load(file.read()).items()
        }
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise _no_metadata(file.origin, error) from None


def _submitters(entry: dict[str, Any]) -> Iterable[Owner]:
    for person in entry[":submitters"]:
        yield _owner(person, ":", entry.get(":created_at", ""))


def _owner(person: dict[str, Any], mark: str, when: object) -> Owner:
    email, name, sid = (_text(person.get(f"{mark}{key}")) for key in ("email", "name", "sid"))
    submitted = parse_time(str(when))
    called = email or sid or name
    if not called:
        raise KeyError("neither an email, nor a sid, nor a name")
    return Owner(
        GRADESCOPE,
        called,
        id=sid,
        login=email,
        order=submitted.timestamp() if submitted else 0.0,
        submitted=submitted,
        full_name=name,
    )


def _text(value: object) -> str:
    """A text or a number; a list of YAML may be endless when it is written out."""
    if not isinstance(value, str | int | None):
        raise TypeError(f"a {type(value).__name__} in place of a text")
    return composed(str(value or ""))


def _no_metadata(origin: str, error: Exception) -> ValueError:
    return ValueError(
        f"{origin} is no metadata of Gradescope: {error!r}. Mend it, or move it away; then "
        "students are named as their folders."
    )
