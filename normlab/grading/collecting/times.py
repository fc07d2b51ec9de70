"""Times as learning systems write them."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LONGEST = 100
OFFSET = re.compile(r"[+-]\d\d:?\d\d")


def parse_time(text: str) -> datetime | None:
    """A time as nbgrader, Gradescope or ISO 8601 write it; without a zone it is UTC.

    >>> parse_time("2026-11-24 15:58:23.948203 America/Los_Angeles").isoformat()
    '2026-11-24T15:58:23.948203-08:00'
    >>> parse_time("tomorrow") is None
    True
    """
    words = text.strip().split() if len(text) <= LONGEST else []
    if words and "T" not in words[0][1:]:
        words[:2] = [" ".join(words[:2])]
    if not 1 <= len(words) <= 2:
        return None
    zone = words[1] if len(words) == 2 else ""
    try:
        if OFFSET.fullmatch(zone):
            return datetime.fromisoformat(words[0] + zone)
        when = datetime.fromisoformat(words[0])
        known = ZoneInfo(zone) if zone else UTC
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=known)
