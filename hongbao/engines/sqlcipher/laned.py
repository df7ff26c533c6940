"""A copy on its way to a cluster: its rows, and the lanes that its entries are put into."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hongbao.engines.sqlcipher.copying import tables_of
from hongbao.engines.sqlcipher.engine import Ledger

_FIRST_MAC = bytes(32)

_TABLES = (
    """
    CREATE TABLE lane (
        name TEXT PRIMARY KEY, upto INTEGER, head BLOB, entry INTEGER, at INTEGER
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE lane_entry (
        lane TEXT, number INTEGER, entry INTEGER, mac BLOB, PRIMARY KEY (lane, number)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE laned (entry INTEGER PRIMARY KEY, mac BLOB)",
)

_LANES = ("lane", "lane_entry", "laned")
_APART = ("home", "laned")


class Laned:
    """
    The lanes of *copy*, in further tables there: memory would not hold those of any ledger.

    It is a copy of a copy, and made for this alone.
    """

    def __init__(self, copy: Ledger) -> None:
        self._copy = copy

    @contextmanager
    def growing(self) -> Iterator[None]:
        """Make the lanes within, all or none of them."""
        with self._copy.transaction():
            for table in _LANES:
                self._copy.rows(f"DROP TABLE IF EXISTS {table}")
            for statement in _TABLES:
                self._copy.rows(statement)
            yield

    # --- as `hongbao.auditing.relaned` fills them ------------------------------------------------

    def end(self, lane: str) -> tuple[int, bytes]:
        found = self._copy.row("SELECT upto, head FROM lane WHERE name = ?", lane)
        return (0, _FIRST_MAC) if found is None else (int(found[0]), bytes(found[1]))

    def add(self, lane: str, number: int, entry: int, at: int, mac: bytes) -> None:
        last = (lane, number, mac, entry, at)
        self._copy.write("INSERT OR REPLACE INTO lane VALUES (?, ?, ?, ?, ?)", *last)
        self._copy.write("INSERT INTO lane_entry VALUES (?, ?, ?, ?)", lane, number, entry, mac)

    def seal(self, entry: int, mac: bytes) -> None:
        self._copy.write("INSERT INTO laned VALUES (?, ?)", entry, mac)

    def spoil(self, entry: int, mac: bytes) -> None:
        for table, column in (("lane_entry", "mac"), ("laned", "mac"), ("lane", "head")):
            self._copy.write(f"UPDATE {table} SET {column} = ? WHERE entry = ?", mac, entry)

    # --- as a database takes them ----------------------------------------------------------------

    def count(self, *tables: str) -> int:
        """Return how many rows are in *tables*; without any, in all that `tables` yields."""
        named = tables or [name for name in tables_of(self._copy) if name not in _APART]
        return sum(int(self._copy.row(f"SELECT count(*) FROM `{name}`")[0]) for name in named)

    def tables(self) -> Iterator[tuple[str, list[str], Iterator[Sequence[Any]]]]:
        """Yield each table of a ledger, its columns and its rows, but for the row of the home."""
        for table in tables_of(self._copy):
            if table not in _APART:
                columns = self._copy.columns(table)
                yield table, columns, self._copy.each(_selecting(table, columns))

    def seals(self) -> tuple[str, list[str], Iterator[Sequence[Any]]]:
        """Return the table of the seals that the entries had in the one chain, and its rows."""
        asked = "SELECT id, mac FROM entry WHERE mac IS NOT NULL ORDER BY id"
        return "former_seal", ["entry", "mac"], self._copy.each(asked)

    def home(self) -> tuple[list[str], Sequence[Any]]:
        """Return the columns of the row of the home, and the row."""
        columns = self._copy.columns("home")
        row: Sequence[Any] = self._copy.row(_selecting("home", columns))
        return columns, row

    def lanes(self) -> Iterator[tuple[str, int, bytes]]:
        """Yield the name of each lane, and the number and MAC of its last entry."""
        for name, upto, head in self._copy.each("SELECT name, upto, head FROM lane ORDER BY name"):
            yield name, int(upto), bytes(head)


def _selecting(table: str, columns: Sequence[str]) -> str:
    """Return the query for all rows of *table*, an entry with the MAC that it has in its lanes."""
    listed = ", ".join(f"{table}.`{column}`" for column in columns)
    if table != "entry":
        return f"SELECT {listed} FROM `{table}`"
    listed = listed.replace("entry.`mac`", "laned.mac")
    return f"SELECT {listed} FROM entry JOIN laned ON laned.entry = entry.id ORDER BY entry.id"
