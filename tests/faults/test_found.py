"""What the harness has found, each thing again at its own place: cheap enough for every run."""

import errno
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2 as engine

from hongbao import cli, outputs, statements
from hongbao.classroom import folder
from hongbao.classroom.roster import Student
from hongbao.engines.sqlcipher import Ledger
from hongbao.engines.sqlcipher.engine import _Transaction
from hongbao.errors import (
    Damaged,
    FileExists,
    HongbaoError,
    PaymentPending,
    StorageRefused,
    WrongPinOrCode,
)
from hongbao.outputs import save_as, whole_folder
from hongbao.recordings import recorder, trial
from hongbao.recordings.composing import Draft, Step
from hongbao.recordings.recorder import Recorded
from hongbao.store import Holder
from hongbao.story.player import Player
from hongbao.story.running import Ran
from hongbao.vault import KeyFolder, TriesFolder, files
from hongbao.vault.authenticator import code_at
from hongbao.wallet import Wallet, payments
from tests.faults import table
from tests.vault.processes import run
from tests.wallet.acts import two_expired
from tests.wallet.world import LI, ZHANG, World, right

NOTHING, UNKNOWN = "nothing was changed", "may have been carried out"
KEY = bytes(32)


@pytest.fixture(scope="module")
def _people(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Zhang, with money, and Li."""
    world = World(tmp_path_factory.mktemp("people") / "home")
    zhang = world.found(ZHANG)
    zhang.add_card("9999010000000003", pin=right)
    zhang.topup(100_00, pin=right)
    world.found(LI)
    world.close()
    return world


@pytest.fixture
def world(_people: World, tmp_path: Path) -> World:
    return _people.copy(tmp_path / "home")


def full(*_: object, **__: object) -> Any:
    raise StorageRefused(path="ledger.db", reason=os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(("before", "said"), [(0, NOTHING), (1, UNKNOWN)])
def test_a_disk_that_is_full_after_the_first_of_two_acts_is_told_so(
    before: int, said: str, world: World, monkeypatch: pytest.MonkeyPatch
):
    """
    Only where no act was done yet does the refusal say that nothing was changed.
    """
    two_expired(world)
    done: list[object] = []
    append = Ledger.append

    def appended(*given: Any, **named: Any) -> Any:
        if len(done) == before:
            full()
        done.append(given)
        return append(*given, **named)

    monkeypatch.setattr(Ledger, "append", appended)

    with pytest.raises(StorageRefused) as refused, Wallet.open(world.env, profile=ZHANG) as desk:
        desk.refund_due()

    assert said in str(refused.value.hint)


def test_a_lock_that_fails_once_the_new_key_is_there_is_told_so(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(KeyFolder, "_forget", full)

    with pytest.raises(StorageRefused) as refused, Wallet.open(world.env, profile=ZHANG) as desk:
        desk.lock("open sesame, please", pin=right)

    assert UNKNOWN in str(refused.value.hint)
    assert "passphrase" == world.open(passphrase=lambda: "open sesame, please").keys.wrapping()


def test_a_device_key_whose_name_may_not_last_is_taken_away(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    zhang = world.open(ZHANG)
    with monkeypatch.context() as patch:
        patch.setattr(files, "_sync_folder", full)
        with pytest.raises(StorageRefused):
            zhang.add_device("phone", pin=right)

    assert 2 == len(list((world.env.keys / "devices").glob("*.key*")))
    world.open(ZHANG).add_device("phone", pin=right)
    assert 3 == len(list((world.env.keys / "devices").glob("*.key*")))
    world.close()


def unknown_where(monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    """Have a commit not be known to have come about, which it has, once *sql* finds something."""
    leave = _Transaction.__exit__

    def left(transaction: Any, kind: object, error: BaseException | None, trace: object) -> None:
        leave(transaction, kind, error, trace)
        if transaction._end == "COMMIT" and transaction._db.execute(sql).fetchone()[0]:
            refusal = StorageRefused(path="ledger.db", reason=os.strerror(errno.EIO))
            refusal.begun = True
            raise refusal

    monkeypatch.setattr(_Transaction, "__exit__", left)


def test_a_device_that_may_have_been_added_keeps_its_key(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """
    Without it, the device would be there and could never sign.
    """
    zhang = world.open(ZHANG)
    with monkeypatch.context() as patch:
        unknown_where(patch, "SELECT count(*) FROM device WHERE name = 'phone'")
        with pytest.raises(StorageRefused):
            zhang.add_device("phone", pin=right)
    world.close()

    world.open(ZHANG).approve_device("phone", pin=right)

    world.open(f"{ZHANG}@phone").move("shanghai")
    world.close()


def test_an_authenticator_that_may_have_been_added_keeps_its_secret(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    Without it, its owner could never give a code again.
    """
    secret, pin = tmp_path / "totp.txt", tmp_path / "pin"
    pin.write_text("246813\n")
    monkeypatch.setenv("HONGBAO_HOME", str(world.folder))
    unknown_where(monkeypatch, "SELECT count(*) FROM profile WHERE totp_secret IS NOT NULL")
    words = ["totp", "add", "--secret-file", str(secret), "--pin-file", str(pin)]

    assert 21 == cli.main([*words, "-p", ZHANG])

    assert secret.exists()


def test_a_payment_on_its_way_is_pending_where_there_is_no_memory(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    def lacking(*_: object) -> Any:
        raise MemoryError

    monkeypatch.setattr(payments, "concluded", lacking)

    with pytest.raises(PaymentPending), Wallet.open(world.env, profile=ZHANG) as desk:
        desk.topup(5_00, pin=right)


@pytest.mark.parametrize(("replace", "said"), [(False, NOTHING), (True, UNKNOWN)])
def test_a_statement_whose_signature_cannot_be_written_is_none(
    replace: bool, said: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    It is taken away again; only what took the place of another stays, and then that is said.
    """
    file = tmp_path / "statement.csv"
    if replace:
        file.touch()

    def saved(path: Path, *given: Any) -> None:
        if path.suffix == ".sig":
            full()
        save_as(path, *given)

    monkeypatch.setattr(statements, "save_as", saved)

    desk = world.open(ZHANG)
    with pytest.raises(StorageRefused) as refused, desk.statement() as statement:
        statements.save(statement, "csv", file, replace)
    world.close()

    assert said in str(refused.value.hint)
    assert replace == file.exists()


def test_a_statement_that_cannot_take_its_place_may_have_cost_a_signature(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    The signature of the old one goes first, so that it never stands next to another statement.
    """
    desk, file = world.open(ZHANG), tmp_path / "statement.csv"
    with desk.statement() as statement:
        statements.save(statement, "csv", file, replace=False)
    monkeypatch.setattr(outputs, "_take_name", full)

    with pytest.raises(StorageRefused) as refused, desk.statement() as statement:
        statements.save(statement, "csv", file, replace=True)

    world.close()
    assert UNKNOWN in str(refused.value.hint)


def test_students_that_are_added_in_part_are_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    classroom = folder.make(tmp_path / "class", [Student("s01", "Ann")], [], bytes(32))
    monkeypatch.setattr(folder, "_keep", full)

    with pytest.raises(StorageRefused) as refused:
        folder.add(classroom, [Student("s02", "Bob")])

    assert UNKNOWN in str(refused.value.hint)


def test_a_folder_is_made_whole_or_not_at_all(tmp_path: Path):
    """
    What a killed process left of one is removed by the next that makes it.
    """
    made = tmp_path / "class"
    left = tmp_path / ".class-12345678"
    left.mkdir()

    with suppress(ZeroDivisionError), whole_folder(made) as making:
        (making / "half").touch()
        raise ZeroDivisionError
    assert [] == list(tmp_path.iterdir())

    with whole_folder(made) as making:
        (making / "whole").touch()
        assert not made.exists()
    assert [made / "whole"] == [path for path in tmp_path.rglob("*") if path.is_file()]
    with pytest.raises(FileExists), whole_folder(made):
        pass


def test_a_code_that_a_killed_try_has_used_is_used_in_the_ledger_too(world: World):
    """
    It was noted next to the keys, and not committed; the next try, a wrong one, brings it along.
    Otherwise `check` would take the two for altered.
    """
    zhang = world.open(ZHANG)
    zhang.add_totp(lambda secret, _name: code_at(secret, zhang.now()), pin=right)
    tries = TriesFolder(world.env.keys, zhang.vault)
    holder = Holder("profile", zhang.home.me.id).label
    noted = tries.read(holder)
    assert noted is not None
    tries.note(holder, noted._replace(tried=noted.tried + 1, cleared=noted.tried + 1, step=10**9))
    zhang.home.ask_code = lambda: "000000"

    with pytest.raises(WrongPinOrCode):
        zhang.topup(5_00, pin=right)

    world.close()
    assert {} == world.findings()


def test_a_play_whose_last_check_is_killed_says_so(tmp_path: Path):
    """
    It has no JSON to read then, neither an answer nor an error.
    """

    def killed(*_: object) -> Ran:
        return Ran(-9, b"", b"")

    closed = Player(tmp_path, None, "en", None, {}, {}, killed).close()

    assert (None, "exit code -9") == (closed.digest, closed.refusal)


def test_damage_that_is_met_after_an_act_was_done_says_so():
    """
    A disk that fails from the note of the head on: the act stands, and its answer cannot be read.
    """
    error = Damaged(path="ledger.db")
    error.begun = True

    assert UNKNOWN in str(error.hint)


def test_a_recording_whose_last_check_is_killed_does_not_agree():
    """
    It leaves no entry in the log then; the commands before it do.
    """
    entry = Recorded(("version",), 0, None, {}, (), (), 0, None, None)

    def run(words: list[str], _folder: Path, variables: Mapping[str, str], _screen: object) -> Ran:
        if "check" in words:
            return Ran(-9, b"", b"")
        with open(variables[recorder.VARIABLE], "a", encoding="utf-8") as log:
            log.write(json.dumps(entry._asdict()) + "\n")
        return Ran(0, b"", b"")

    draft = Draft((), (Step(None, "version", 0, entry),), replaced=False)
    came = trial.tried(
        draft, run=run, variables={}, salt=bytes(16), language="en", exact=True, before=""
    )

    assert ((), (None, None), False) == (came.differences, came.digests, came.agrees)


def test_a_recording_that_has_no_room_to_be_played_is_refused():
    """
    The disk fills while it plays itself: a command is missing from the log, and that is said.
    """
    entry = Recorded(("version",), 0, None, {}, (), (), 0, None, None)

    def run(_words: list[str], _folder: Path, variables: Mapping[str, str], _screen: object) -> Ran:
        with open(variables[recorder.VARIABLE], "a", encoding="utf-8") as log:
            log.write(json.dumps(entry._asdict())[:20])
        return Ran(0, b'{"digest": "as ever"}', b"")

    draft = Draft((), (Step(None, "balance", 0, entry),), replaced=False)
    with pytest.raises(StorageRefused):
        trial.tried(
            draft, run=run, variables={}, salt=bytes(16), language="en", exact=True, before=""
        )


class _Log:
    """A connection whose commit cannot be synced, and whose log can be emptied or not."""

    in_transaction = False

    def __init__(self, is_kept: int) -> None:
        self.is_kept = is_kept

    def execute(self, sql: str) -> Any:
        if sql == "COMMIT":
            error = engine.OperationalError("disk I/O error")
            error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
            raise error
        return self

    def fetchone(self) -> tuple[int, int, int]:
        return self.is_kept, 1, 1


@pytest.mark.parametrize(("is_kept", "said"), [(0, NOTHING), (1, UNKNOWN)])
def test_a_commit_that_could_not_be_synced_is_undone_or_told_as_unknown(is_kept: int, said: str):
    """
    The engine says that it is undone, and leaves it in its log, where the next start would find it.
    """
    with pytest.raises(StorageRefused) as refused, _Transaction(_Log(is_kept), Path("x"), "COMMIT"):
        pass

    assert said in str(refused.value.hint)


class _NoMemory:
    """A connection that has no memory for a copy of what it is given."""

    def execute(self, *_: object) -> Any:
        raise engine.InterfaceError("Error binding parameter 3 - probably unsupported type.")

    def backup(self, *_: object, **__: object) -> None:
        raise MemoryError

    def close(self) -> None:
        pass


def test_no_memory_for_a_value_is_no_bug_of_ours(tmp_path: Path):
    ledger = Ledger(tmp_path / "ledger.db", _NoMemory())

    for ask in (ledger.row, ledger.rows, ledger.write):
        with pytest.raises(MemoryError):
            ask("SELECT ?", "x")
    ledger.close()


def test_a_restore_without_memory_does_not_take_the_ledger_for_damaged(tmp_path: Path):
    ledger = Ledger.create(tmp_path / "ledger.db", KEY)
    copy = Ledger(tmp_path / "copy.db", _NoMemory())

    with pytest.raises(MemoryError):
        ledger.overwrite_with(copy)
    ledger.close()
    copy.close()


def test_a_loop_over_rows_may_outlive_its_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """
    An exception keeps the loop that it came from; when it goes, nothing is printed.
    """
    ledger = Ledger.create(tmp_path / "ledger.db", KEY)
    rows = ledger.each("SELECT 1 UNION SELECT 2")
    next(rows)
    ledger.close()

    del rows

    assert "" == capsys.readouterr().err


def test_a_rekey_on_a_full_disk_is_refused_and_is_no_bug(tmp_path: Path):
    """
    The engine then says that its statement lacks a key; and from a second try on, only that.
    """
    ledger = Ledger.create(tmp_path / "ledger.db", KEY)
    ledger.close()
    refusal = tmp_path / "refusal"

    def rekey() -> None:
        ledger = Ledger.open(tmp_path / "ledger.db", KEY)
        table.watch(lambda _number: "no-space")
        for _ in range(2):
            try:
                ledger.rekey(bytes([1]) * 32)
            except HongbaoError as error:
                refusal.write_text(error.code)

    assert 0 == run(rekey)
    assert "storage_refused" == refusal.read_text()


def test_what_a_killed_saving_left_is_swept_by_any_saving(tmp_path: Path):
    """
    Also by one that is refused, and by one of a new file, which has no name until it is whole.
    """
    for _ in range(2):
        for ending in ("lock", "partial", "partial-journal"):
            (tmp_path / f".hongbao-1-0.{ending}").touch()
        with suppress(FileExists):  # the second time
            save_as(tmp_path / "new", lambda out: out.write(b"x"), replace=False)
        assert ["new"] == [path.name for path in tmp_path.iterdir()]


def test_what_cannot_be_removed_now_is_left_to_the_next_saving(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    A disk that fails while the partial file is removed must not lose its mark, the lock beside it.
    """
    unlink = Path.unlink

    def failing(path: Path, missing_ok: bool = False) -> None:
        if path.name.endswith(".partial"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        unlink(path, missing_ok=missing_ok)

    target = tmp_path / "old"
    target.touch()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", failing)
        with pytest.raises(ZeroDivisionError):
            save_as(target, lambda _out: 1 // 0, replace=True)
    assert 3 == len(list(tmp_path.iterdir()))

    save_as(tmp_path / "new", lambda out: out.write(b"x"), replace=False)

    assert {"old", "new"} == {path.name for path in tmp_path.iterdir()}
