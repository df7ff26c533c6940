"""
A ledger that comes into an empty database from a copy: row by row, in many transactions.

No node takes a ledger in one transaction. So the row of the home comes last, and before that there
is nothing that opens. The one row of the table `arrival` says whose copy it is, and counts the
transactions: each changes it where it is as this process has left it. So of two processes one
stops, and one that was killed leaves what the next one takes away.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from hongbao.engines.mysql.engine import Ledger
from hongbao.engines.mysql.schema import TABLES
from hongbao.errors import Busy, Damaged, DatabaseNotEmpty, OutcomeUnknown
from hongbao.rows import Row
from hongbao.store import Again, RuleBroken

T = TypeVar("T")

ROWS_AT_ONCE = 1000
"""How many rows a transaction inserts."""

DELETED_AT_ONCE = 5000
"""How many rows a transaction takes away of what another process has left."""

TRIES_MAX = 30
"""How often a transaction is begun; the engine waits longer before each."""


class Copied(Row):
    """The copy that comes: of the home with these keys, and the last entry and MAC that it has."""

    home: str
    entry: int
    mac: bytes


class Filling:
    """The database of *ledger*, as one process fills it; *turn* is its own, by chance."""

    def __init__(self, ledger: Ledger, turn: bytes) -> None:
        self._ledger = ledger
        self._turn = turn
        self._filled = 0

    def is_there(self, copied: Copied) -> bool:
        """
        Return whether all of what was *copied* is there already.

        Raises DatabaseNotEmpty where anything else is there, unless it was left by a process that
        was killed while it filled the database for the same home.
        """
        return self._found(copied) == "whole"

    def begin(self, copied: Copied) -> None:
        """
        Take the database for what was *copied*, and take away what a killed process has left.

        Raises DatabaseNotEmpty, and Busy.
        """
        found = self._found(copied)
        if found == "whole":
            raise DatabaseNotEmpty(where=self._ledger.where)
        row = self._arrival()
        try:
            with self._ledger.transaction():
                self._take_turn(copied, None if row is None else bytes(row[3]))
        except (Again, RuleBroken):
            raise Busy from None
        if found == "begun":
            self._empty()

    def _found(self, copied: Copied) -> str:
        row = self._arrival()
        there = Copied(row[0], row[1], bytes(row[2])) if row else None
        is_done = bool(row and row[4])
        if self._is_taken():
            if is_done and there == copied:
                return "whole"
        elif there is not None and there.home == copied.home and not is_done:
            return "begun"
        elif not any(map(self._has_rows, self._tables())):
            return "empty"
        raise DatabaseNotEmpty(where=self._ledger.where)

    def _arrival(self) -> Any:
        return self._ledger.row("SELECT home, entry, mac, turn, done FROM arrival")

    def _take_turn(self, copied: Copied, before: bytes | None) -> None:
        if before is None:
            self._ledger.write(
                "INSERT INTO arrival (one, home, entry, mac, turn, filled, done)"
                " VALUES (1, ?, ?, ?, ?, 0, 0)",
                *copied,
                self._turn,
            )
            return
        met = self._ledger.write(
            "UPDATE arrival SET home = ?, entry = ?, mac = ?, turn = ?, filled = 0, done = 0"
            " WHERE one = 1 AND turn = ?",
            *copied,
            self._turn,
            before,
        )
        if met != 1:
            raise Again(elsewhere=False)

    def _is_taken(self) -> bool:
        try:
            return self._ledger.home() is not None
        except Damaged:  # one of other keys
            return True

    @staticmethod
    def _tables() -> Iterator[str]:
        return (table for table in TABLES if table not in ("form", "arrival"))

    def _has_rows(self, table: str) -> bool:
        return bool(self._ledger.rows(f"SELECT 1 FROM `{table}` LIMIT 1"))

    def _empty(self) -> None:
        for table in self._tables():
            while self._has_rows(table):
                sql = f"DELETE FROM `{table}` LIMIT {DELETED_AT_ONCE}"
                self.step(partial(self._ledger.write, sql))

    def add(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Insert *rows* into a *table*; no more of them are kept at a time than one step takes."""
        places = ", ".join("?" for _ in columns)
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
        for some in in_batches(rows, ROWS_AT_ONCE):
            self.step(partial(self._ledger.write_many, sql, some))

    def finish(self, columns: Sequence[str], home: Sequence[object]) -> None:
        """Insert the row of the *home*: from here on there is a ledger."""
        places = ", ".join("?" for _ in columns)

        def last() -> None:
            self._ledger.write(f"INSERT INTO home ({', '.join(columns)}) VALUES ({places})", *home)
            self._ledger.write("UPDATE arrival SET done = 1 WHERE one = 1")

        self.step(last)

    def step(self, do: Callable[[], object]) -> None:
        """
        Do one transaction, and count it; again where the engine has undone it.

        Raises Busy where another process has taken the database, LedgerUnreachable, and Damaged
        where a row breaks a rule of the tables.
        """
        for _ in range(TRIES_MAX):
            try:
                with self._ledger.transaction():
                    if not self._count():
                        raise _Elsewhere
                    do()
            except (Again, OutcomeUnknown, _Elsewhere):
                filled, turn = self._ledger.row("SELECT filled, turn FROM arrival")
                if bytes(turn) != self._turn:
                    raise Busy from None
                if filled == self._filled:
                    continue
            except RuleBroken:
                raise Damaged(path=self._ledger.where) from None
            self._filled += 1
            return
        raise Busy

    def _count(self) -> bool:
        met = self._ledger.write(
            "UPDATE arrival SET filled = ? WHERE one = 1 AND turn = ? AND filled = ?",
            self._filled + 1,
            self._turn,
            self._filled,
        )
        return met == 1


class _Elsewhere(Exception):
    """The count is not as this process left it: it has been counted, or another one has begun."""


def in_batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """
    Yield *rows* in lists of *size*.

    >>> list(in_batches(iter([(1,), (2,), (3,)]), 2))
    [[(1,), (2,)], [(3,)]]
    """
    left = iter(rows)
    while some := list(islice(left, size)):
        yield some
