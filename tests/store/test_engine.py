"""What the embedded engine says, in our words; and what it does where it is refused."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlcipher3 import dbapi2

from hongbao import errors
from hongbao.changes.home import KeepRules
from hongbao.changes.packets import AddPacket
from hongbao.changes.payments import AddBatch, AddMessage, SetMessageOutcome, SettleMessages
from hongbao.domain.channel import MessageState
from hongbao.domain.ledger import LABORATORY
from hongbao.domain.settlement import Gross
from hongbao.engines.sql import channel, state
from hongbao.engines.sqlcipher import Ledger, engine
from hongbao.engines.sqlcipher.engine import refusals
from hongbao.store import BatchRow
from tests.engines.acts import BANK, BASE, NEXT, act, packet_row
from tests.engines.acts import found as make_people
from tests.engines.cases import MESSAGE
from tests.every import every

NO_ROOM, BROKEN = os.strerror(errno.ENOSPC), os.strerror(errno.EIO)


def error(name, said="", kind=dbapi2.OperationalError):
    raised = kind(said)
    if name:
        raised.sqlite_errorname = name
    return raised


def told(raised, path, **how):
    """Return what comes of *raised*."""
    try:
        with refusals(path, **how):
            raise raised
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error


@pytest.fixture
def disk(monkeypatch):
    """What `os.statvfs` says of the disk."""
    disk = SimpleNamespace(f_bavail=1, f_flag=0, asked=[])

    def statvfs(path):
        disk.asked.append(path)
        return disk

    monkeypatch.setattr("os.statvfs", statvfs)
    return disk


def test_the_engines_errors_are_told_in_our_words(tmp_path, disk):
    """
    By the names that it has for them, with what follows those; by its sentence where it has none.
    """
    path = tmp_path / "ledger.db"
    refused: dict[str, tuple[type, dict[str, str]]] = {
        "SQLITE_BUSY_SNAPSHOT": (errors.Busy, {}),
        "SQLITE_LOCKED": (errors.Busy, {}),
        "SQLITE_FULL": (errors.StorageRefused, {"path": str(path), "reason": NO_ROOM}),
        "SQLITE_IOERR_WRITE": (errors.StorageRefused, {"path": str(path), "reason": BROKEN}),
        "SQLITE_NOTADB": (errors.Damaged, {"path": str(path)}),
        "SQLITE_CORRUPT_INDEX": (errors.Damaged, {"path": str(path)}),
    }
    closed = {"path": str(path), "reason": os.strerror(errno.EACCES)}
    for what in ("READONLY", "CANTOPEN", "PERM"):
        refused[f"SQLITE_{what}_X"] = (errors.StorageRefused, closed)
    sentences = {
        "database is locked": "SQLITE_BUSY_SNAPSHOT",
        "database or disk is full": "SQLITE_FULL",
        "disk I/O error": "SQLITE_IOERR_WRITE",
        "attempt to write a readonly database": "SQLITE_READONLY_X",
        "unable to open database file": "SQLITE_CANTOPEN_X",
        "file is not a database": "SQLITE_NOTADB",
        "database disk image is malformed": "SQLITE_CORRUPT_INDEX",
    }

    for name, (kind, facts) in refused.items():
        found = told(error(name), path)
        assert (kind, facts) == (type(found), found.facts), name
    for said, known in sentences.items():
        found = told(error(None, said), path)
        assert refused[known] == (type(found), found.facts), said
    assert set(disk.asked) == {tmp_path}


@every("said", ["integer overflow", "malformed JSON (1)", "Could not decode to UTF-8 column"])
def test_values_that_nobody_wrote_are_damage(said):
    """
    The engine has no name for those of its errors.
    """
    found = told(error(None, said), Path("/nowhere/ledger.db"))
    assert isinstance(found, errors.Damaged)
    assert {"path": "/nowhere/ledger.db"} == found.facts


def test_each_way_to_ask_names_the_ledger(tmp_path):
    """
    Where what it reads or writes is refused.
    """
    connection = Connection()
    connection.refused = {"": error("SQLITE_NOTADB")}
    ledger = Ledger(tmp_path / "ledger.db", connection)
    for ask in (
        lambda: ledger.row("SELECT 1"),
        lambda: ledger.rows("SELECT 1"),
        lambda: list(ledger.each("SELECT 1")),
        lambda: ledger.write("DELETE FROM card"),
        lambda: ledger.write_many("DELETE FROM card WHERE id = ?", [(1,)]),
    ):
        with pytest.raises(errors.Damaged) as caught:
            ask()
        assert {"path": str(tmp_path / "ledger.db")} == caught.value.facts
    ledger.close()


def test_what_is_no_refusal_stays_itself(tmp_path):
    """
    A rule of ours that was broken, and memory that there is not.
    """
    broken = error("SQLITE_CONSTRAINT_CHECK", "CHECK constraint failed", dbapi2.IntegrityError)
    assert broken is told(broken, tmp_path)
    found = told(error(None, "Error binding parameter 3"), tmp_path)
    assert isinstance(found, MemoryError)
    assert isinstance(told(KeyError("x"), tmp_path), KeyError)


def test_a_disk_that_is_full_or_closed_says_why(tmp_path, disk, monkeypatch):
    """
    Behind an I/O error, too; a folder that is gone, a disk that takes nothing, a right we lack.
    """
    path = tmp_path / "ledger.db"
    disk.f_bavail = 0
    assert NO_ROOM == told(error("SQLITE_IOERR"), path).facts["reason"]
    disk.f_flag = os.ST_RDONLY
    found = told(error("SQLITE_READONLY"), path)
    assert os.strerror(errno.EROFS) == found.facts["reason"]
    found = told(error("SQLITE_CANTOPEN"), tmp_path / "gone" / "ledger.db")
    assert os.strerror(errno.ENOENT) == found.facts["reason"]

    def nobody_knows(_):
        raise OSError

    monkeypatch.setattr("os.statvfs", nobody_knows)
    assert BROKEN == told(error("SQLITE_IOERR"), path).facts["reason"]
    assert os.strerror(errno.EACCES) == told(error("SQLITE_PERM"), path).facts["reason"]
    monkeypatch.delattr("os.statvfs")  # as on Windows
    assert BROKEN == told(error("SQLITE_IOERR"), path).facts["reason"]
    assert os.strerror(errno.EACCES) == told(error("SQLITE_PERM"), path).facts["reason"]


def test_a_laboratorys_ledger_is_none_of_ours(tmp_path):
    """
    By the mark at its very beginning; a file that cannot be read has none.
    """
    path = tmp_path / "ledger.db"
    path.write_bytes(LABORATORY.encode() + b"\n")
    found = told(error("SQLITE_NOTADB"), path)
    assert (errors.LabLedger, {"path": str(path)}) == (type(found), found.facts)
    path.write_bytes(b" " + LABORATORY.encode())
    assert isinstance(told(error("SQLITE_NOTADB"), path), errors.Damaged)
    path.write_bytes(LABORATORY.encode()[:-1])
    assert isinstance(told(error("SQLITE_NOTADB"), path), errors.Damaged)


def test_what_may_have_begun_says_so(tmp_path):
    """
    And only where it may.
    """
    assert told(error("SQLITE_IOERR"), tmp_path, begun=True).begun
    assert not told(error("SQLITE_IOERR"), tmp_path).begun


class Connection:
    """A connection that says what we want: it refuses what *refused* names."""

    in_transaction = False
    rowcount = 0

    def __init__(self):
        self.asked = []
        self.refused = {}
        self.kept = 0

    def execute(self, sql, values=()):
        self.asked.append(sql)
        for beginning, raised in self.refused.items():
            if sql.startswith(beginning):
                raise raised
        return self

    def executemany(self, sql, rows):
        for values in rows:
            self.execute(sql, values)

    def fetchone(self):
        return (self.kept, 0, 0)

    def close(self):
        pass


def test_a_rekey_that_is_refused_says_why(tmp_path, disk, monkeypatch):
    """
    Another who reads the old pages is waited for two seconds, not for a minute; then it is busy.
    """
    connection = Connection()
    ledger = Ledger(tmp_path / "ledger.db", connection)
    key = bytes(range(32))
    opened = []

    def look(path, page_key):
        opened.append((path, page_key))
        return SimpleNamespace(close=lambda: None)

    monkeypatch.setattr(Ledger, "open", look)

    ledger.rekey(key)
    assert [
        f"PRAGMA rekey = \"x'{key.hex()}'\"",
        "PRAGMA busy_timeout = 2000",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA busy_timeout = 60000",
    ] == connection.asked
    assert [(tmp_path / "ledger.db", key)] == opened

    connection.refused = {"PRAGMA wal_checkpoint": error("SQLITE_BUSY")}
    with pytest.raises(errors.Busy):
        ledger.rekey(key)
    for room, reason in ((1, BROKEN), (0, NO_ROOM)):
        disk.f_bavail = room
        for name in ("SQLITE_LOCKED", "SQLITE_ERROR"):
            connection.refused = {"PRAGMA rekey": error(name, kind=dbapi2.DatabaseError)}
            with pytest.raises(errors.StorageRefused) as caught:
                ledger.rekey(key)
            expected = {"path": str(tmp_path / "ledger.db"), "reason": reason}
            assert expected == caught.value.facts
    ledger.close()


class Checked(Connection):
    """One whose pages are asked about, and what is said of them."""

    complaint: tuple[str] | None = None

    def fetchone(self):
        return self.complaint


def test_a_copy_waits_for_others_and_says_what_it_found(tmp_path, monkeypatch):
    """
    A minute for those who have it locked; what looks like no memory may be a page of ours.
    """
    connection = Checked()
    ledger = Ledger(tmp_path / "ledger.db", connection)
    now = [100.0]
    monkeypatch.setattr(engine, "monotonic", lambda: now[0])
    begun = []

    def backup(target, progress):
        begun.append(target)
        for status, seconds in steps:
            now[0] += seconds
            progress(status, 0, 0)
        if failing:
            raise MemoryError

    other: Any = SimpleNamespace(_db=SimpleNamespace(backup=backup))
    failing = False
    steps = [(0, 0), (5, 60), (101, 1)]
    ledger.overwrite_with(other)
    steps = [(6, 60)]
    ledger.overwrite_with(other)
    assert [connection, connection] == begun
    for status in (5, 6):
        steps = [(0, 61), (status, 0)]
        with pytest.raises(errors.Busy):
            ledger.overwrite_with(other)

    steps, failing = [], True
    with pytest.raises(MemoryError):
        ledger.overwrite_with(other)
    assert ["PRAGMA cipher_integrity_check"] == connection.asked
    connection.complaint = ("HMAC verification failed for page 3",)
    with pytest.raises(errors.Damaged) as caught:
        ledger.overwrite_with(other)
    assert {"path": str(tmp_path / "ledger.db")} == caught.value.facts
    ledger.close()


def test_a_commit_that_could_not_be_synced_may_have_happened(tmp_path):
    """
    Unless the log could be emptied afterwards: then it did not.
    """
    connection = Connection()
    connection.refused = {"COMMIT": error("SQLITE_IOERR_FSYNC")}

    def outcome(kept=0, **refused):
        connection.refused |= refused
        connection.kept = kept
        del connection.asked[:]
        transaction = engine._Transaction(connection, tmp_path / "ledger.db", "COMMIT")
        with pytest.raises(errors.StorageRefused) as caught, transaction:
            pass
        return caught.value.begun

    assert not outcome()
    assert [
        "BEGIN IMMEDIATE",
        "COMMIT",
        "PRAGMA busy_timeout = 0",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA busy_timeout = 60000",
    ] == connection.asked
    assert outcome(kept=1)
    connection.in_transaction = True
    transaction = engine._Transaction(connection, tmp_path, "COMMIT")
    assert not transaction._end  # it is part of another one
    assert transaction._forgets() is False
    assert "ROLLBACK" in connection.asked
    connection.in_transaction = False
    assert outcome(**{"PRAGMA wal": error("SQLITE_IOERR")})
    assert not outcome(COMMIT=error("SQLITE_FULL"))


def test_a_process_knows_whether_it_has_a_ledger_open(tmp_path, monkeypatch):
    """
    A fork would take its locks for its own. What other tests have left open is no part of it.
    """
    monkeypatch.setattr(engine, "_open", set())
    assert not engine.is_any_open()
    ledger = Ledger.create(tmp_path / "ledger.db", bytes(32))
    assert engine.is_any_open()
    ledger.close()
    assert not engine.is_any_open()


def test_a_place_that_takes_no_ledger_is_named(tmp_path):
    """
    Missing, empty, in a file's place, or not to be looked at.
    """
    path = tmp_path / "a" / "b" / "ledger.db"
    for missing in (path, tmp_path / "ledger.db"):
        with pytest.raises(errors.HomeNotFound):
            Ledger.open(missing, bytes(32))
    Ledger.create(path, bytes(32)).close()
    assert 0o700 == path.parent.stat().st_mode & 0o777
    assert 0o600 == path.stat().st_mode & 0o777
    with pytest.raises(errors.HomeNotFound):
        Ledger.open(path / "ledger.db", bytes(32))
    with pytest.raises(errors.StorageRefused) as caught:
        Ledger.create(path / "b" / "ledger.db", bytes(32))
    reason = os.strerror(errno.ENOTDIR)
    assert {"path": str(path / "b" / "ledger.db"), "reason": reason} == caught.value.facts
    (tmp_path / "empty.db").touch()
    with pytest.raises(errors.HomeNotFound):
        Ledger.open(tmp_path / "empty.db", bytes(32))
    with pytest.raises(errors.Damaged):
        Ledger.open(path, bytes([1]) * 32)
    longest = tmp_path / ("x" * 300)
    with pytest.raises(errors.StorageUnreadable) as unreadable:
        Ledger.open(longest, bytes(32))
    reason = os.strerror(errno.ENAMETOOLONG)
    assert {"path": str(longest), "reason": reason} == unreadable.value.facts


def test_what_the_file_says_is_wrong_with_it(tmp_path, monkeypatch):
    """
    Of its structure first; of its references, foreign keys and entries; of its pages where those
    cannot be read at all.
    """
    said: dict[str, list[tuple[object, ...]]] = {"integrity_check": [("ok",)]}
    asked = []

    def rows(self, sql, *values):
        asked.append(sql)
        found = said.get(sql.removeprefix("PRAGMA "), [])
        if sql.startswith("SELECT"):
            return [(0,)]
        if not found or isinstance(found[0], tuple):
            return found
        raise found[0]

    monkeypatch.setattr(Ledger, "rows", rows)
    connection = Connection()
    ledger = Ledger(tmp_path / "ledger.db", connection)

    assert [] == ledger.problems()
    assert ["PRAGMA cache_size = -262144"] == connection.asked
    assert ["PRAGMA integrity_check", "PRAGMA foreign_key_check"] == asked[:2]
    said["foreign_key_check"] = [("claim", 3, "packet", 0), ("card", 1, "profile", 0)]
    assert [
        "foreign_key_check: claim 3 packet 0",
        "foreign_key_check: card 1 profile 0",
    ] == ledger.problems()
    said["integrity_check"] = [("row 3 missing from index x",)]
    assert ["integrity_check: row 3 missing from index x"] == ledger.problems()
    said["integrity_check"] = [errors.Damaged(path="ledger.db")]  # type: ignore[list-item]
    assert [str(errors.Damaged(path="ledger.db"))] == ledger.problems()
    said["cipher_integrity_check"] = [("HMAC verification failed for page 3",)]
    assert ["cipher_integrity_check: HMAC verification failed for page 3"] == ledger.problems()
    ledger.close()


def test_a_column_that_was_added_is_sealed_where_it_has_a_value(monkeypatch):
    """
    Those at the end that have none are left out; not one that has, nor what stands before it.
    """
    monkeypatch.setitem(state.ADDED, "card", frozenset({"a", "b"}))

    assert (1, None) == state.without_unused("card", [1, None, None, None])
    assert (1, 2) == state.without_unused("card", (1, 2, None, None))
    assert (1, 2, 3) == state.without_unused("card", [1, 2, 3, None])
    assert (1, 2, None, 3) == state.without_unused("card", [1, 2, None, 3])
    assert (1, None) == state.without_unused("profile", [1, None])


def test_a_batch_tells_how_far_it_is(tmp_path, monkeypatch):
    """
    After each part, how many messages are in it so far; only those of its own banks.
    """
    store = Ledger.create(tmp_path / "ledger.db", bytes(32))
    make_people(store)
    banks = [BANK, "abc", BANK, BANK, "icbc"]
    for number, bank in enumerate(banks, 1):
        message = MESSAGE._replace(number=number, id=f"m{number}", bank=bank, entry=BASE + number)
        act(store, AddMessage(message))
    store.apply(
        [SetMessageOutcome(number, MessageState.ACCEPTED, 10 + number) for number in range(1, 6)]
    )
    monkeypatch.setattr(channel, "_AT_ONCE", 2)
    heard: list[int] = []
    lines = [Gross(bank, 1, 1, 0, 0) for bank in (BANK, "icbc")]

    store.apply([AddBatch(BatchRow(9, "batch-9", NEXT), lines), SettleMessages(9, heard.append)])

    assert [2, 4] == heard
    assert [9, None, 9, 9, 9] == [store.message(number).batch for number in range(1, 6)]
    by_number, by_id = store.act(batch=9), store.act(batch="batch-9")
    assert by_number is not None
    assert by_number == by_id
    assert NEXT == by_number.entry
    assert store.act(batch=1) is None
    store.close()


def test_what_was_edited_or_is_gone_is_named(tmp_path):
    """
    The ledger where a row is gone or is not text; the packet or payment that says nothing we know.
    """
    path = tmp_path / "ledger.db"
    store = Ledger.create(path, bytes(32))
    make_people(store)
    act(store, AddPacket(packet_row(1, NEXT)), AddMessage(MESSAGE))
    store.apply([KeepRules("policy", "zeros@1", "text\0")])
    store.write("PRAGMA ignore_check_constraints = ON")
    for (name,) in store.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        store.write(f"DROP TRIGGER {name}")
    store.write("UPDATE packet SET kind = 'other'")
    store.write("UPDATE message SET state = 'other'")

    for read, name in (
        (lambda: store.packet(9), str(path)),
        (lambda: store.message(9), str(path)),
        (lambda: store.case(9), str(path)),
        (lambda: store.rules("policy", "zeros@1"), str(path)),
        (lambda: store.packet(1), "packet-1"),
        (lambda: store.message(1), "message-1"),
    ):
        with pytest.raises(errors.Damaged) as caught:
            read()
        assert {"path": name} == caught.value.facts
    store.close()


def test_a_copy_is_the_same_ledger(tmp_path):
    """
    With the same keys; where it cannot be written, the place is named.
    """
    store = Ledger.create(tmp_path / "ledger.db", bytes(32))
    make_people(store)

    store.copy_to(tmp_path / "copy.db")
    copy = Ledger.open(tmp_path / "copy.db", bytes(32))
    assert store.head() == copy.head()
    copy.close()
    with pytest.raises(errors.StorageRefused) as caught:
        store.copy_to(tmp_path / "gone" / "copy.db")
    reason = os.strerror(errno.ENOENT)
    assert {"path": str(tmp_path / "gone" / "copy.db"), "reason": reason} == caught.value.facts
    store.close()
