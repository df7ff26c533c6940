"""A copy of a ledger that another engine keeps: every row of it, in a file of this one."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Protocol

from hongbao.engines.sqlcipher import Ledger
from hongbao.errors import Damaged


class Rows(Protocol):
    """An engine that yields the rows of a ledger to a query in SQL, one query after the other."""

    @property
    def where(self) -> str: ...

    def streamed(self, sql: str) -> Iterator[Any]: ...


def fill(path: Path, page_key: bytes, source: Rows, macs: bytes) -> None:
    """
    Make a ledger at *path* of all rows that *source* has, which the caller keeps as they are.

    Its entries get the *macs*, 32 bytes each; transfers and the lines of banks' statements are
    numbered as they are in a file, one after the other. All are in the order of entries' numbers.

    Raises StorageRefused where there is no room for it, and Damaged if a row refers to none.
    """
    copy = Ledger.create(path, page_key)
    try:
        copy.rows("PRAGMA foreign_keys = OFF")  # rows come table by table
        with copy.transaction():
            for table in tables_of(copy):
                columns = [row[1] for row in copy.rows(f"PRAGMA table_info({table})")]
                listed = ", ".join(f"`{column}`" for column in columns)
                places = ", ".join("?" for _ in columns)
                rows = source.streamed(f"SELECT {listed} FROM {table}{_ORDER.get(table, '')}")
                if table == "entry":
                    rows = _with(rows, columns.index("mac"), _each_of(macs))
                elif table in _COUNTED:
                    rows = _with(rows, columns.index("id"), count(1))
                if table == "bank_line":
                    rows = _by_bank(rows, columns.index("bank"), columns.index("number"))
                copy.write_many(f"INSERT INTO {table} ({listed}) VALUES ({places})", rows)
            if copy.rows("PRAGMA foreign_key_check"):
                raise Damaged(path=source.where)
        copy.rows("PRAGMA journal_mode = DELETE")  # a copy is one file
    finally:
        copy.close()


_COUNTED = ("transfer", "bank_line")
_ORDER = {"entry": " ORDER BY id", **dict.fromkeys(_COUNTED, " ORDER BY entry, id")}

_MAC_BYTES = 32


def _each_of(macs: bytes) -> Iterator[bytes]:
    return (macs[at : at + _MAC_BYTES] for at in range(0, len(macs), _MAC_BYTES))


def _with(rows: Iterator[Any], place: int, others: Iterator[object]) -> Iterator[Sequence[object]]:
    """Yield *rows* with the next of *others* in one *place* of each."""
    for row, other in zip(rows, others, strict=False):
        yield *row[:place], other, *row[place + 1 :]


def _by_bank(rows: Iterator[Any], bank: int, number: int) -> Iterator[Sequence[object]]:
    """Yield *rows*, those of each bank with the numbers from 1 on."""
    counted: Counter[object] = Counter()
    for row in rows:
        counted[row[bank]] += 1
        yield *row[:number], counted[row[bank]], *row[number + 1 :]


def tables_of(ledger: Ledger) -> list[str]:
    """Return the tables of *ledger*."""
    rows = ledger.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return [name for (name,) in rows]
