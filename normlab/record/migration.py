"""A record that an older normlab made, brought to the form of this one."""

import sqlite3
from collections.abc import Mapping

OLD_SCHEMA = {
    "read": "CREATE TABLE read (id TEXT PRIMARY KEY, time TEXT NOT NULL, chapter TEXT NOT NULL)",
    "predicted": "CREATE TABLE predicted (id TEXT PRIMARY KEY, time TEXT NOT NULL, "
    "question TEXT NOT NULL, option TEXT NOT NULL, right INTEGER NOT NULL)",
}
"""Tables of version 1 that are no more. A chapter is now read when its predictions are answered, so
that somebody ran its last cell is not kept."""
BRING_OVER = """
INSERT INTO answered SELECT id, time, question, option, 1.0 - right, 0 FROM predicted
"""


def migrate(connection: sqlite3.Connection, create: Mapping[str, str]) -> None:
    """Bring a record of an older version to version 5; `create` makes each table of that one.

    Version 1 knew other tables; version 2 had no marks, version 3 no tries of open challenges,
    version 4 no bets.
    """
    tables = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql <> ''"))
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 1 and OLD_SCHEMA.items() <= tables.items():
        drops = [f"DROP TABLE {name}" for name in OLD_SCHEMA]
        for statement in (create["answered"], BRING_OVER, *drops, "PRAGMA user_version = 2"):
            connection.execute(statement)
        version = 2
    for since, added in ((2, "marked"), (3, "tried"), (4, "bet")):
        if version == since:
            version += 1
            for statement in (create[added], f"PRAGMA user_version = {version}"):
                connection.execute(statement)
