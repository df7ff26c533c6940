"""The SQLCipher connection: one encrypted file, its transactions, and its errors."""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import Any, Self

from sqlcipher3 import dbapi2 as engine

from hongbao.domain.ledger import LABORATORY, Account
from hongbao.engines.sql import Verbs
from hongbao.errors import (
    Busy,
    Damaged,
    HomeNotFound,
    HongbaoError,
    LabLedger,
    NewerHome,
    OlderHome,
    StorageRefused,
    StorageUnreadable,
)
from hongbao.vault.files import check_own, open_private

FORM = 5
"""The form of a ledger of this version: the last that `schema.MIGRATIONS` makes."""

EARLIEST = 5
"""The first form that is opened: those before it were never released."""

BUSY_SECONDS = 60
"""How long a writer waits for its turn. Fifty queued claims take well under a tenth of it."""

READER_SECONDS = 2
"""How long new keys wait for those who still read what was there before."""


_open: set[int] = set()
"""Which engines have a connection, by their `id`."""


def is_any_open() -> bool:
    """Return whether this process has a ledger open, whose locks a fork would take for its own."""
    return bool(_open)


class Ledger(Verbs):
    """One open ledger: a SQLCipher file at *path*, with the verbs of `hongbao.store.Store`."""

    def __init__(self, path: Path, connection: Any) -> None:
        self.path = path
        self._db = connection
        _open.add(id(self))
        self._file = _file(path)
        self.sealed: dict[str, list[str]] = {}
        self.read: dict[str, Any] = {}

    # --- opening and closing ---------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path, page_key: bytes, salt: bytes = b"") -> Self:
        """
        Open the ledger at *path*, making an empty one there first if there is none.

        Its pages are authentic under the *salt* at its beginning: chance, if none is given.

        Raises StorageRefused if the place cannot be written, and what `open` raises.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Made by us, before the engine writes its first byte, so that it is never wider open.
            os.close(open_private(path))
        except OSError as error:
            raise StorageRefused(path=str(path), reason=error.strerror or str(error)) from None
        return cls._open(path, page_key + salt, may_be_empty=True)

    @classmethod
    def open(cls, path: Path, page_key: bytes) -> Self:
        """
        Open the ledger at *path* with its *page_key*, brought to today's form.

        Raises HomeNotFound if no file is or an empty one, Damaged where the key or the file is
        not right, NewerHome where a later version has written it, and OlderHome where one has
        that was never released.
        """
        check_own(path)
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise HomeNotFound from None
        except OSError as error:
            raise StorageUnreadable(path=str(path), reason=error.strerror or "?") from None
        return cls._open(path, page_key, may_be_empty=False)

    @classmethod
    def _open(cls, path: Path, page_key: bytes, *, may_be_empty: bool) -> Self:
        for ending in ("", "-wal", "-shm", "-journal"):  # all that the engine writes to
            check_own(path.with_name(path.name + ending))
        with refusals(path):
            connection = engine.connect(
                _as_a_path(path), timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=True
            )
            store = cls(path, connection)
            try:
                store._prepare(page_key)
                store._migrate(may_be_empty)
            except BaseException:
                store.close()
                raise
        return store

    def _prepare(self, page_key: bytes) -> None:
        execute = self._db.execute
        execute("PRAGMA cipher_log_level = NONE")  # it would write to standard error
        execute(f"PRAGMA key = \"x'{page_key.hex()}'\"")
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA foreign_keys = ON")
        execute("PRAGMA trusted_schema = OFF")

    def _migrate(self, may_be_empty: bool) -> None:
        form = self._form()
        if form == FORM:
            return
        if form > FORM:
            raise NewerHome(form=form, known=FORM)
        if 0 < form < EARLIEST:
            raise OlderHome(form=form, known=EARLIEST)
        if form == 0 and not may_be_empty:
            raise HomeNotFound
        import sqlite_utils  # slow to import, and only a change of form needs it

        from hongbao.engines.sqlcipher.schema import MIGRATIONS

        if form == 0:
            self._db.execute("PRAGMA journal_mode = WAL")
        db = sqlite_utils.Database(self._db)
        with self.transaction():
            form = self._form()  # another process may have been quicker
            for number, migration in enumerate(MIGRATIONS, EARLIEST):
                if number > form:
                    migration(db)
                    self._db.execute(f"PRAGMA user_version = {number}")

    def _form(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    @property
    def file(self) -> Self:
        return self

    @property
    def log(self) -> None:
        return None

    def close(self) -> None:
        self._db.close()
        _open.discard(id(self))

    def is_in_place(self) -> bool:
        return self._file == _file(self.path)

    @property
    def where(self) -> str:
        return str(self.path)

    # --- transactions ----------------------------------------------------------------------------

    @property
    def in_transaction(self) -> bool:
        return bool(self._db.in_transaction)

    def transaction(
        self,
        *changing: tuple[str, object],  # noqa: ARG002 - for engines that lock row by row
        dry_run: bool = False,
    ) -> "_Transaction":
        end = "ROLLBACK" if dry_run else "COMMIT"
        return _Transaction(self._db, self.path, end, self.read)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        if self._db.in_transaction:
            yield
            return
        with refusals(self.path):
            self._db.execute("BEGIN")
            self.read.clear()
            try:
                yield
            finally:
                if self._db.in_transaction:  # an unreadable page may have ended it
                    self._db.execute("ROLLBACK")

    def rows(self, sql: str, *values: object) -> list[Any]:
        try:
            return list(self._db.execute(sql, values))
        except engine.Error as error:
            raise _in_words(error, self.path) from error

    def each(self, sql: str, *values: object) -> Iterator[Any]:
        with refusals(self.path):
            # A cursor would be closed with the loop, which may outlive its connection.
            yield from chain(self._db.execute(sql, values))

    def behind(self, sql: str, entry: object) -> Iterator[Any]:
        return self.each(sql, entry)

    def row(self, sql: str, *values: object) -> Any:
        try:
            return self._db.execute(sql, values).fetchone()
        except engine.Error as error:
            raise _in_words(error, self.path) from error

    def write(self, sql: str, *values: object) -> int:
        try:
            return int(self._db.execute(sql, values).rowcount)
        except engine.Error as error:
            raise _in_words(error, self.path) from error

    def write_many(self, sql: str, rows: Iterable[Sequence[object]]) -> int:
        with refusals(self.path):
            return int(self._db.executemany(sql, rows).rowcount)

    def add_to(self, account: Account, side: str, amount_fen: int) -> int | None:
        moved = self.row(_ADD_TO[side], amount_fen, *account)
        return moved and int(moved[0])

    def columns(self, table: str) -> list[str]:
        found = self.rows("SELECT name FROM pragma_table_info(?) ORDER BY cid", table)
        return [name for (name,) in found]

    def problems(self) -> list[str]:
        from hongbao.engines.sqlcipher.problems import problems

        return problems(self)

    # --- copies ----------------------------------------------------------------------------------

    def copy_to(self, path: Path) -> None:
        with refusals(path):
            self._db.execute("VACUUM INTO ?", (_as_a_path(path),))

    def overwrite_with(self, other: "Ledger") -> None:
        until = monotonic() + BUSY_SECONDS

        def wait(status: int, _remaining: int, _total: int) -> None:
            if status in _LOCKED and monotonic() > until:  # otherwise it would wait for ever
                raise Busy

        with refusals(self.path):
            try:
                other._db.backup(self._db, progress=wait)  # noqa: SLF001 - another of our own kind
            except MemoryError:  # so it also calls a page of ours that is not authentic
                if self._db.execute("PRAGMA cipher_integrity_check").fetchone() is None:
                    raise
                raise Damaged(path=str(self.path)) from None

    def rekey(self, page_key: bytes) -> None:
        try:
            self._db.execute(f"PRAGMA rekey = \"x'{page_key.hex()}'\"")
            self._db.execute(f"PRAGMA busy_timeout = {READER_SECONDS * 1000}")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
            type(self).open(self.path, page_key).close()
        except (engine.DatabaseError, Damaged) as error:
            if _name(error).startswith("SQLITE_BUSY"):
                raise Busy from None
            # The engine says "ok" to a rekey that found no room, and only what follows shows it: a
            # table is locked then, by the rekey itself. Or the engine says that it needs a key.
            reason = os.strerror(errno.ENOSPC if _is_full(self.path) else errno.EIO)
            raise StorageRefused(path=str(self.path), reason=reason) from None


_ADD_TO = {
    side: (
        f"UPDATE account SET {side} = {side} + ? WHERE book = ? AND kind = ? AND owner = ?"
        " RETURNING id"
    )
    for side in ("debits_fen", "credits_fen")
}
"""How an amount is added to a side of an account; a CHECK keeps it from below zero."""


class _Transaction:
    """
    The ``with`` block of `Ledger.transaction`, brought to its *end* unless something fails.

    Within another one it is a part of that: it ends when the outer one does. Every act passes here,
    and a class is a third of what a generator costs.
    """

    __slots__ = ("_db", "_end", "_path", "_read")

    def __init__(
        self, connection: Any, path: Path, end: str, read: dict[str, Any] | None = None
    ) -> None:
        self._db = connection
        self._path = path
        self._end = "" if connection.in_transaction else end
        self._read = {} if read is None else read

    def __enter__(self) -> None:
        if not self._end:
            return
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._read.clear()
        except engine.Error as error:
            raise _in_words(error, self._path) from error

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not self._end:
            return
        is_unknown = False
        if error is None:
            try:
                self._db.execute(self._end)
            except BaseException as failed:  # noqa: BLE001 - raised again below
                error = failed
                is_unknown = self._end == "COMMIT" and _name(error).startswith("SQLITE_IOERR")
        if error is not None:
            with refusals(self._path, begun=is_unknown and not self._forgets()):
                if self._db.in_transaction:  # a full disk may have rolled back already
                    self._db.execute("ROLLBACK")
                raise error

    def _forgets(self) -> bool:
        """
        Return whether the log is empty, after a commit whose end may have reached the disk.

        The engine takes a commit that could not be synced for undone, but leaves it in the log:
        a later start that finds it there, as after a power cut, takes it for done.
        """
        try:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._db.execute("PRAGMA busy_timeout = 0")
            is_kept, _, _ = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._db.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        except engine.DatabaseError:
            return False
        return not is_kept


@contextmanager
def refusals(path: Path, *, begun: bool = False) -> Iterator[None]:
    """
    Translate the engine's errors into ours; *path* is the file they were about.

    *begun* says that what failed may have been done (see `HongbaoError.begun`).
    """
    try:
        yield
    except engine.Error as error:
        refusal = _in_words(error, path)
        if begun and isinstance(refusal, HongbaoError):
            refusal.begun = True
        raise refusal from error


def _in_words(error: Exception, path: Path) -> Exception:
    """Return the refusal for the engine's *error*; a broken rule of ours stays itself."""
    name = _name(error)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Busy()
    if name.startswith("SQLITE_FULL"):
        return StorageRefused(path=str(path), reason=os.strerror(errno.ENOSPC))
    if name.startswith("SQLITE_IOERR"):
        # Never the file's own fault: bytes that are wrong or missing are corrupt to the engine.
        code = errno.ENOSPC if _is_full(path) else errno.EIO
        return StorageRefused(path=str(path), reason=os.strerror(code))
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return StorageRefused(path=str(path), reason=os.strerror(_closed(path)))
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        if _is_of_laboratory(path):
            return LabLedger(path=str(path))
        return Damaged(path=str(path))
    if str(error).startswith(_IMPOSSIBLE):
        return Damaged(path=str(path))
    if str(error).startswith(_UNBOUND):
        return MemoryError()
    return error


def _name(error: BaseException) -> str:
    """Return what the engine calls *error*, such as SQLITE_BUSY, if it has a name for it."""
    return getattr(error, "sqlite_errorname", None) or _NAMES.get(str(error), "")


def _is_of_laboratory(path: Path) -> bool:
    """Return whether *path* has the mark of a throw-away ledger in its first line."""
    mark = LABORATORY.encode()
    try:
        with path.open("rb") as file:
            return file.read(len(mark)) == mark
    except OSError:
        return False


_NAMES = {
    "database is locked": "SQLITE_BUSY",
    "database or disk is full": "SQLITE_FULL",
    "disk I/O error": "SQLITE_IOERR",
    "attempt to write a readonly database": "SQLITE_READONLY",
    "unable to open database file": "SQLITE_CANTOPEN",
    "file is not a database": "SQLITE_NOTADB",
    "database disk image is malformed": "SQLITE_CORRUPT",
}
"""What the engine's errors are called, where it only says their sentence: in copying pages."""

_LOCKED = (5, 6)
"""How the engine numbers SQLITE_BUSY and SQLITE_LOCKED."""

_IMPOSSIBLE = ("integer overflow", "malformed JSON", "Could not decode")
"""What the engine says of values that no act of ours has written."""

_UNBOUND = "Error binding parameter"
"""What the library says where there is no memory for the copy of a value."""


def _as_a_path(path: Path) -> str:
    """Return *path* as the engine takes it for nothing else: ``file:x.db`` would be an address."""
    return str(path.absolute())


def _file(path: Path) -> tuple[int, int] | None:
    """Return the identity of the file at *path* (device and inode)."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_full(path: Path) -> bool:
    """Return whether the disk is full: the engine reports an I/O error then, too."""
    try:
        return os.statvfs(path.parent).f_bavail == 0
    except (OSError, AttributeError):  # AttributeError: no such question on Windows
        return False


def _closed(path: Path) -> int:
    """Return why *path* cannot be opened or written, as the system numbers its reasons."""
    if not path.parent.exists():
        return errno.ENOENT
    try:
        read_only = os.statvfs(path.parent).f_flag & os.ST_RDONLY
    except (OSError, AttributeError):
        read_only = 0
    return errno.EROFS if read_only else errno.EACCES
