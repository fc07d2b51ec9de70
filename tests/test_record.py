"""The record loses nothing and stops nobody, whatever happens to its file."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from normlab.record import Record, open_record, store
from normlab.record import record as record_module

SHARED_TEMPORARY = tempfile.gettempdir()
WRITE_AND_SAY = """
import sys
from pathlib import Path
from normlab.record import Record

record = Record(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[3])):
    notice = record.answered("q", f"{sys.argv[2]}{number}", surprise=1.0)
    assert not notice, notice
    print(number, flush=True)
"""
DIE_IN_A_TRANSACTION = """
import os, signal, sys
from pathlib import Path
from normlab.record import store
from normlab.record.history import Entry

path, now = Path(sys.argv[1]) / "record.sqlite", "2026-11-24T10:00:00+00:00"
with store.transaction(path, "IMMEDIATE") as connection:
    connection.execute("PRAGMA cache_size = 1")  # pages go to the file before the commit
    new = [Entry("answered", str(i), now, ("99", "a", 0.0, 0)) for i in range(2000)]
    store.insert(connection, new)
    os.kill(os.getpid(), signal.SIGKILL)
"""
WRITE_AS_NOBODY = """
import os, sys, tempfile
from pathlib import Path
from normlab.record import Record

tempfile.tempdir = sys.argv[2]
if os.getuid() == 0:
    os.setuid(65534)
record = Record(Path(sys.argv[1]))
print(record.answered("02", "a", 0.0))
print(*record.history().answers)
"""
WRITE_WITHOUT_ROOM = """
import resource, sys
from pathlib import Path
from normlab.record import Record

resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
record = Record(Path(sys.argv[1]))
print(record.answered("01", "a", 0.0))
print(*record.history().answers)
"""


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    """No test sees another's spare folder, memory or notices."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(record_module, "_memory", type(record_module._memory)(list))
    monkeypatch.setattr(record_module, "_said", set())
    monkeypatch.setattr(store, "_gave_up", set())
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.2)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def record(folder):
    return Record(folder)


@pytest.fixture
def child():
    """Starts a Python program in a process that ends with the test."""
    with contextlib.ExitStack() as processes:

        def start(program, *arguments):
            command = [sys.executable, "-c", program, *map(str, arguments)]
            environment = {**os.environ, "TMPDIR": tempfile.gettempdir()}
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
            processes.enter_context(process)
            processes.callback(process.kill)
            return process

        yield start


def file_of(record):
    return record.folder / "record.sqlite"


def keep(record, question):
    return record.answered(question, "a", surprise=0.0)


def kept(record):
    return list(record.history().answers)


def kept_aside(record):
    return sorted(record.folder.glob("record-*.sqlite"))


def test_the_first_answer_is_the_prediction_and_later_ones_are_kept_too(record):
    for option, surprise in (("b", 1.0), ("c", 0.0)):
        assert record.answered("one-hot", option, surprise) == ""
    history = record.history()
    first, second = history.answers["one-hot"]
    assert (first.given, first.right) == ("b", False)
    assert (second.given, second.right) == ("c", True)
    assert history.predictions["one-hot"] == first
    assert first.time < second.time


def test_the_best_result_counts_and_the_first_solving_gives_its_time(record):
    for points in (1, 3, 2):
        record.solved("01_layer_norm", "layer_norm", points, max_points=4)
    unsolved = record.history().results["01_layer_norm", "layer_norm"]
    assert (unsolved.points, unsolved.max_points, unsolved.solved) == (3, 4, None)
    record.solved("01_layer_norm", "layer_norm", 4, max_points=4)
    solved = record.history().results["01_layer_norm", "layer_norm"]
    for points in (4, 0):
        record.solved("01_layer_norm", "layer_norm", points, max_points=4)
    assert record.history().results["01_layer_norm", "layer_norm"] == solved
    assert solved.points == 4
    assert solved.solved is not None


def test_every_mark_on_a_claim_is_kept_in_its_order(record):
    for word in ("don't know", "holds", "imprecise"):
        assert record.marked(7, word) == ""
    record.marked(41, "wrong")
    marks = record.history().marks
    assert [mark.word for mark in marks[7]] == ["don't know", "holds", "imprecise"]
    assert marks[7][0].time < marks[7][-1].time
    assert [mark.word for mark in marks[41]] == ["wrong"]
    assert not record.history().answers


@pytest.mark.parametrize(("claim", "word"), [(0, "holds"), (-1, "wrong"), (7, "maybe"), (7, "")])
def test_a_mark_on_no_claim_or_with_another_word_is_refused(record, claim, word):
    with pytest.raises(ValueError, match="expected a number from 1 on, and one of: holds, holds"):
        record.marked(claim, word)
    assert not record.history().marks


def test_every_bet_on_a_claim_is_kept_in_its_order_and_is_no_mark(record):
    for word, percent in (("imprecise", 75), ("wrong", 99)):
        assert record.bet(7, word, percent) == ""
    bets = record.history().bets
    assert [(bet.word, bet.percent) for bet in bets[7]] == [("imprecise", 75), ("wrong", 99)]
    assert bets[7][0].time < bets[7][1].time
    assert not record.history().marks


@pytest.mark.parametrize(
    ("claim", "word", "percent"),
    [(0, "holds", 75), (7, "don't know", 75), (7, "", 75), (7, "holds", 100), (7, "holds", 60)],
)
def test_a_bet_on_no_claim_or_no_verdict_or_of_no_level_is_refused(record, claim, word, percent):
    with pytest.raises(ValueError, match="imprecise, wrong, and one of: 25, 50, 75, 90, 99"):
        record.bet(claim, word, percent)
    assert not record.history().bets


@pytest.mark.parametrize("surprise", [-0.1, 1.1, float("nan")])
def test_a_surprise_outside_its_range_is_refused(record, surprise):
    with pytest.raises(ValueError, match="expected a number from 0 to 1"):
        record.answered("one-hot", "b", surprise)


@pytest.mark.parametrize(("points", "most"), [(5, 4), (-1, 4), (0, 0), (float("nan"), 4)])
def test_points_outside_their_range_are_refused(record, points, most):
    with pytest.raises(ValueError, match="expected 0 ≤ points ≤ max_points"):
        record.solved("01_layer_norm", "layer_norm", points, most)


def test_the_environment_names_the_folder_else_the_system_does(monkeypatch, folder):
    monkeypatch.setenv("NORMLAB_DATA", str(folder))
    with open_record() as record:
        keep(record, "01")
    assert file_of(record).parent == folder
    assert file_of(record).exists()
    monkeypatch.setenv("NORMLAB_DATA", "")
    monkeypatch.setattr("platformdirs.user_data_path", lambda name: folder / name)
    with open_record() as record:
        assert record.folder == folder / "normlab"


def test_looking_at_the_history_makes_no_file(record):
    assert not kept(record)
    assert not record.folder.exists()


def test_two_processes_that_write_at_once_lose_nothing(child, folder, record):
    """Both start without a file, so they also race to make it."""
    writers = [child(WRITE_AND_SAY, folder, name, 60) for name in "ab"]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    given = sorted(answer.given for answer in record.history().answers["q"])
    assert given == sorted(f"{name}{number}" for name in "ab" for number in range(60))
    assert not kept_aside(record)


def test_a_process_killed_while_it_writes_loses_nothing_that_it_had_kept(child, folder, record):
    """Each child is killed at another moment, mostly inside of a write, as it does little else."""
    for name in "abcdef":
        writer = child(WRITE_AND_SAY, folder, name, 100_000)
        said = [writer.stdout.readline() for _ in range(3)]
        time.sleep(random.Random(name).uniform(0, 0.03))
        writer.kill()
        said = [*said, *writer.stdout.read().splitlines(keepends=True)]
        writer.wait()
        kept = [a.given for a in record.history().answers["q"] if a.given.startswith(name)]
        confirmed = [f"{name}{line.strip()}" for line in said[1:] if line.endswith("\n")]
        assert kept[: len(confirmed)] == confirmed
        assert len(kept) - len(confirmed) in (0, 1)  # kept, and killed before it was said
    assert store.fault(file_of(record)) == ""
    assert not kept_aside(record)


def test_a_process_killed_between_two_pages_of_a_write_leaves_nothing_of_it(child, folder, record):
    keep(record, "01")
    before = file_of(record).stat().st_size
    assert child(DIE_IN_A_TRANSACTION, folder).wait() == -signal.SIGKILL
    assert file_of(record).stat().st_size > before  # half of a write is in the file
    assert kept(record) == ["01"]
    assert keep(record, "02") == ""
    assert kept(record) == ["01", "02"]


def test_a_file_where_the_folder_should_be_sends_entries_to_a_temporary_folder(folder, record):
    folder.write_text("in the way")
    notice = keep(record, "01")
    assert str(folder) in notice
    assert tempfile.gettempdir() in notice
    assert "NORMLAB_DATA" in notice
    assert kept(Record(folder)) == ["01"]
    assert folder.read_text() == "in the way"


def test_the_same_notice_is_given_once(folder, record):
    folder.write_text("in the way")
    assert keep(record, "01")
    assert keep(record, "02") == ""
    assert record.history().notice == ""


def test_what_was_kept_elsewhere_is_moved_home_when_home_can_be_written(folder, record):
    folder.write_text("in the way")
    keep(record, "01")
    folder.unlink()
    assert keep(record, "02") == ""
    with contextlib.closing(sqlite3.connect(file_of(record))) as connection:
        assert connection.execute("SELECT count(*) FROM answered").fetchone() == (2,)
    (spare,) = Path(tempfile.gettempdir()).glob("normlab-*/record.sqlite")
    assert store.read(spare) == ([], "")


def test_an_entry_that_was_moved_home_by_a_process_killed_meanwhile_counts_once(folder, record):
    folder.write_text("in the way")
    keep(record, "one-hot")
    folder.unlink()
    (spare,) = Path(tempfile.gettempdir()).glob("normlab-*/record.sqlite")
    before = spare.read_bytes()
    keep(record, "01")
    spare.write_bytes(before)  # as it is between the two commits
    assert len(record.history().answers["one-hot"]) == 1
    keep(record, "02")
    assert store.read(spare) == ([], "")
    assert len(record.history().answers["one-hot"]) == 1


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="a system without user ids")
def test_a_read_only_record_is_still_read_and_new_entries_go_elsewhere(child):
    # root may write anywhere, so the child becomes nobody, whom pytest's own folders keep out
    with tempfile.TemporaryDirectory(dir=SHARED_TEMPORARY) as home:
        data, temporary = Path(home) / "data", Path(home) / "tmp"
        keep(Record(data), "01")
        temporary.mkdir()
        for path, mode in ((temporary, 0o777), (home, 0o555), (data, 0o555)):
            os.chmod(path, mode)
        os.chmod(data / "record.sqlite", 0o444)
        writer = child(WRITE_AS_NOBODY, data, temporary)
        said, _ = writer.communicate()
        for path in (data, home):
            os.chmod(path, 0o755)
        assert writer.returncode == 0
        assert "attempt to write a readonly database" in said
        assert f"it is kept in {temporary}" in said
        assert said.splitlines()[-1] == "01 02"
        assert kept(Record(data)) == ["01"]


def test_without_any_folder_entries_are_kept_in_memory(folder, record, monkeypatch):
    folder.write_text("in the way")
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    assert "in memory" in keep(record, "01")
    assert kept(record) == ["01"]
    folder.unlink()
    monkeypatch.setattr(tempfile, "tempdir", str(folder.parent / "tmp"))
    keep(record, "02")
    record_module._memory.clear()
    assert kept(record) == ["01", "02"]


def test_a_home_that_cannot_be_found_sends_entries_elsewhere(monkeypatch):
    record = Record(Path("~nobody-of-that-name/normlab"))
    assert "cannot be saved in ~nobody-of-that-name" in keep(record, "01")
    assert kept(record) == ["01"]


def test_a_spare_folder_of_another_user_is_not_used(folder, record):
    folder.write_text("in the way")
    (folder.parent / "theirs").mkdir()
    record._spare_folder().symlink_to(folder.parent / "theirs")
    assert "in memory" in keep(record, "01")
    assert not list((folder.parent / "theirs").iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_without_room_for_a_byte_costs_no_traceback(child, folder):
    """A limit of 0 bytes on every file stands for a full disk, in all folders."""
    writer = child(WRITE_WITHOUT_ROOM, folder)
    said, _ = writer.communicate()
    assert writer.returncode == 0
    assert "in memory" in said
    assert said.splitlines()[-1] == "01"


def test_a_disk_that_fills_up_keeps_what_is_on_it(record, monkeypatch):
    keep(record, "01")
    begin = store.transaction

    @contextlib.contextmanager
    def full(path, kind, create=False):
        with begin(path, kind, create) as connection:
            if path == file_of(record):  # SQLite's own limit gives the error of a full disk
                connection.execute("PRAGMA max_page_count = 1")
            yield connection

    monkeypatch.setattr(store, "transaction", full)
    long = "x" * 100_000
    assert "full" in keep(record, long)
    assert kept(record) == ["01", long]
    monkeypatch.setattr(store, "transaction", begin)
    keep(record, "02")
    assert len(store.read(file_of(record))[0]) == 3


def test_a_file_that_another_program_locks_is_waited_for_once(record, monkeypatch):
    monkeypatch.setattr(store, "BUSY_SECONDS", 1.0)
    keep(record, "01")
    with contextlib.closing(sqlite3.connect(file_of(record), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        started = time.perf_counter()
        assert "database is locked" in keep(record, "02")
        gave_up = time.perf_counter()
        keep(record, "03")
        assert gave_up - started >= 1
        assert time.perf_counter() - gave_up < 1
    assert kept(record) == ["01", "02", "03"]
    keep(record, "04")
    assert len(store.read(file_of(record))[0]) == 4
    assert not kept_aside(record)


def changed(*statements):
    """A damage by SQL, which any program may do to the file."""

    def change(path):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.executescript(";".join(statements))

    return change


def truncated_to(size):
    return lambda path: os.truncate(path, size)


def unknown_format(path):
    content = bytearray(path.read_bytes())
    content[47] = 9  # the format of the schema; SQLite knows 1 to 4
    path.write_bytes(content)


DAMAGE = {
    "garbage": (lambda path: path.write_bytes(b"garbage" * 1000), "file is not a database"),
    "empty": (truncated_to(0), "it is empty"),
    "50 bytes": (truncated_to(50), "malformed"),
    "5000 bytes": (truncated_to(5000), "malformed"),
    "two pages": (truncated_to(8192), "malformed"),
    "unknown format": (unknown_format, "unsupported file format"),
    "newer": (changed("PRAGMA user_version = 6"), "version 6, and this normlab knows 5"),
    "no score": (
        changed(
            "INSERT INTO tried "
            "VALUES ('9', '2026-11-24T10:00:00+00:00', 'f', 'r', '{}', 101.0, '{}')"
        ),
        "score is 101",
    ),
    "foreign": (changed("DROP TABLE solved", "CREATE TABLE songs (title)"), "is no record of"),
    "index": (
        changed(
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE "
            "name = 'sqlite_autoindex_solved_1') WHERE name = 'sqlite_autoindex_answered_1'",
        ),
        "2nd reference to page",
    ),
    "no date": (changed("UPDATE answered SET time = 'yesterday'"), "yesterday"),
    "no offset": (
        changed("UPDATE answered SET time = '2026-11-24 10:00:00'"),
        "offset from UTC",
    ),
    "no word": (
        changed("INSERT INTO marked VALUES ('9', '2026-11-24T10:00:00+00:00', 7, 'maybe')"),
        "marked 'maybe'",
    ),
    "no level": (
        changed("INSERT INTO bet VALUES ('9', '2026-11-24T10:00:00+00:00', 7, 'wrong', 60)"),
        "the bet on claim 7 is 'wrong', 60 %",
    ),
    "no text": (
        changed("UPDATE answered SET time = x'00'"),
        "expected str, str, str, str, float, int",
    ),
}


@pytest.mark.parametrize(("damage", "reason"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_kept_aside_and_a_new_one_started(record, damage, reason):
    keep(record, "01")
    damage(file_of(record))
    content = file_of(record).read_bytes()
    notice = keep(record, "02")
    (aside,) = kept_aside(record)
    assert aside.read_bytes() == content
    assert str(aside) in notice
    assert reason in notice
    assert kept(record) == ["02"]
    assert keep(record, "03") == ""


def test_damage_found_while_reading_is_told_with_the_history(record):
    keep(record, "01")
    file_of(record).write_bytes(b"garbage")
    history = record.history()
    assert not history.answers
    assert str(kept_aside(record)[0]) in history.notice


def test_what_is_kept_aside_is_never_overwritten(record):
    for content in (b"first", b"second", b"third"):
        keep(record, "01")
        file_of(record).write_bytes(content)
    keep(record, "01")
    assert [path.read_bytes() for path in kept_aside(record)] == [b"first", b"second", b"third"]


def test_the_journal_of_a_damaged_file_is_not_played_into_the_new_one(child, folder, record):
    keep(record, "01")
    assert child(DIE_IN_A_TRANSACTION, folder).wait() == -signal.SIGKILL
    file_of(record).write_bytes(b"garbage" * 1000)
    journal = Path(f"{file_of(record)}-journal")
    assert journal.stat().st_size > 0
    keep(record, "02")
    assert kept(record) == ["02"]
    assert not journal.exists()


def test_what_a_process_left_that_was_killed_while_it_made_the_file_is_in_nobodys_way(record):
    record.folder.mkdir()
    for name in ("record.part", "record.part-journal", "record.lock-journal"):
        (record.folder / name).write_bytes(b"half a file")
    assert keep(record, "01") == ""
    assert kept(record) == ["01"]


def test_two_processes_that_find_the_same_damage_put_one_file_aside(child, folder, record):
    keep(record, "01")
    file_of(record).write_bytes(b"garbage" * 1000)
    writers = [child(WRITE_AND_SAY.replace("assert", "0 and"), folder, n, 20) for n in "abc"]
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert len(kept_aside(record)) == 1
    assert len(record.history().answers["q"]) == 60


def test_wherever_a_byte_goes_wrong_the_next_entry_is_kept(record):
    """Of 100 files, each with 1 to 64 random bytes at a random place, none stops the record."""
    for number in range(20):
        record.solved("01_layer_norm", f"function {number}", 1, 2)
    whole = file_of(record).read_bytes()
    rng = random.Random(0)
    for trial in range(100):
        damaged, size = bytearray(whole), rng.randint(1, 64)
        start = rng.randrange(min(len(whole), 100) if trial % 2 else len(whole))
        damaged[start : start + size] = rng.randbytes(size)
        file_of(record).write_bytes(damaged)
        keep(record, "01")
        assert "01" in kept(record)


OLD = """
CREATE TABLE read (id TEXT PRIMARY KEY, time TEXT NOT NULL, chapter TEXT NOT NULL);
CREATE TABLE predicted (id TEXT PRIMARY KEY, time TEXT NOT NULL, question TEXT NOT NULL, \
option TEXT NOT NULL, right INTEGER NOT NULL);
CREATE TABLE solved (id TEXT PRIMARY KEY, time TEXT NOT NULL, exercise TEXT NOT NULL, \
function TEXT NOT NULL, points REAL NOT NULL, max_points REAL NOT NULL);
INSERT INTO read VALUES ('1', '2026-11-24T10:00:00+00:00', '01');
INSERT INTO predicted VALUES ('2', '2026-11-24T10:00:00+00:00', 'one-hot', 'b', 0);
INSERT INTO predicted VALUES ('3', '2026-11-24T11:00:00+00:00', 'one-hot', 'c', 1);
INSERT INTO solved VALUES ('4', '2026-11-24T12:00:00+00:00', '01_layer_norm', 'layer_norm', 4, 4);
PRAGMA user_version = 1;
"""


@pytest.fixture
def old_record(folder):
    """A record as the version before wrote it."""
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(folder / "record.sqlite")) as connection:
        connection.executescript(OLD)
    return Record(folder)


def test_a_record_of_the_version_before_is_brought_over(old_record):
    history = old_record.history()
    assert [(a.given, a.surprise) for a in history.answers["one-hot"]] == [("b", 1), ("c", 0)]
    assert history.results["01_layer_norm", "layer_norm"].points == 4
    assert history.notice == ""
    assert keep(old_record, "another") == ""
    assert kept(old_record) == ["one-hot", "another"]
    assert not kept_aside(old_record)


WITHOUT_MARKS = """
CREATE TABLE answered (id TEXT PRIMARY KEY, time TEXT NOT NULL, question TEXT NOT NULL, \
answer TEXT NOT NULL, surprise REAL NOT NULL, again INTEGER NOT NULL);
CREATE TABLE solved (id TEXT PRIMARY KEY, time TEXT NOT NULL, exercise TEXT NOT NULL, \
function TEXT NOT NULL, points REAL NOT NULL, max_points REAL NOT NULL);
INSERT INTO answered VALUES ('2', '2026-11-24T10:00:00+00:00', 'one-hot', 'b', 1.0, 0);
PRAGMA user_version = 2;
"""


def test_a_record_without_marks_is_brought_over(folder, record):
    folder.mkdir()
    changed(WITHOUT_MARKS)(file_of(record))
    assert record.marked(7, "wrong") == ""
    assert kept(record) == ["one-hot"]
    assert [mark.word for mark in record.history().marks[7]] == ["wrong"]
    assert not kept_aside(record)


WITHOUT_TRIES = f"""
{WITHOUT_MARKS}
CREATE TABLE marked (id TEXT PRIMARY KEY, time TEXT NOT NULL, claim INTEGER NOT NULL, \
word TEXT NOT NULL);
INSERT INTO marked VALUES ('3', '2026-11-24T10:00:00+00:00', 7, 'wrong');
PRAGMA user_version = 3;
"""


def test_a_record_without_tries_is_brought_over(folder, record):
    folder.mkdir()
    changed(WITHOUT_TRIES)(file_of(record))
    assert record.tried("post_norm_recipe", "rules 1", "{}", 63.5, "{}") == ""
    history = record.history()
    assert [(t.rules, t.score) for t in history.tries["post_norm_recipe"]] == [("rules 1", 63.5)]
    assert [mark.word for mark in history.marks[7]] == ["wrong"]
    assert kept(record) == ["one-hot"]
    assert not kept_aside(record)


WITHOUT_BETS = f"""
{WITHOUT_TRIES}
CREATE TABLE tried (id TEXT PRIMARY KEY, time TEXT NOT NULL, challenge TEXT NOT NULL, \
rules TEXT NOT NULL, settings TEXT NOT NULL, score REAL NOT NULL, outcome TEXT NOT NULL);
INSERT INTO tried VALUES ('4', '2026-11-24T10:00:00+00:00', 'post_norm_recipe', 'rules 1', '{{}}', \
20.0, '{{}}');
PRAGMA user_version = 4;
"""


def test_a_record_without_bets_is_brought_over(folder, record):
    folder.mkdir()
    changed(WITHOUT_BETS)(file_of(record))
    assert record.bet(7, "imprecise", 75) == ""
    history = record.history()
    assert [(bet.word, bet.percent) for bet in history.bets[7]] == [("imprecise", 75)]
    assert [t.score for t in history.tries["post_norm_recipe"]] == [20]
    assert [mark.word for mark in history.marks[7]] == ["wrong"]
    assert kept(record) == ["one-hot"]
    assert not kept_aside(record)


def test_tries_are_kept_in_their_order_and_a_score_beyond_100_is_refused(record):
    for score in (20, 70.5):
        assert record.tried("post_norm_recipe", "rules 1", "{}", score, "{}") == ""
    assert [t.score for t in record.history().tries["post_norm_recipe"]] == [20, 70.5]
    with pytest.raises(ValueError, match=r"score is 100\.5; expected a number from 0 to 100"):
        record.tried("post_norm_recipe", "rules 1", "{}", 100.5, "{}")


@pytest.mark.parametrize(
    ("made", "damage"),
    [
        (OLD, "DROP TABLE predicted"),
        (WITHOUT_TRIES, "DROP TABLE marked"),
        (WITHOUT_TRIES, "CREATE TABLE tried (song TEXT)"),
        (WITHOUT_BETS, "DROP TABLE tried"),
        (WITHOUT_BETS, "CREATE TABLE bet (song TEXT)"),
        (OLD, "ALTER TABLE solved ADD COLUMN song TEXT"),
        (OLD, "INSERT INTO predicted VALUES ('5', 'yesterday', 'one-hot', 'b', 0)"),
        (WITHOUT_MARKS, "DROP TABLE solved"),
        (WITHOUT_MARKS, "CREATE TABLE marked (song TEXT)"),
        (WITHOUT_MARKS, "CREATE TABLE songs (title TEXT)"),
        (WITHOUT_MARKS, "UPDATE answered SET time = 'yesterday'"),
    ],
)
def test_a_damaged_record_of_an_older_version_is_kept_aside_as_it_was(made, damage, folder, record):
    folder.mkdir()
    changed(made, damage)(file_of(record))
    content = file_of(record).read_bytes()
    assert "older version, and " in keep(record, "another")
    assert kept(record) == ["another"]
    (aside,) = kept_aside(record)
    assert aside.read_bytes() == content
