"""
The numbers that a transaction gives: an act's by its moment, and its rows' by its own.

Each is greater than all that the act has seen, and no counter, on which every two acts would meet.
"""

from collections import Counter
from datetime import datetime, timedelta
from os import getpid
from time import monotonic_ns
from zlib import crc32

from hongbao.domain.numbers import micros_of, number_of
from hongbao.store import Head, HomeRow
from hongbao.units import from_micros, to_micros

ROWS = 16
"""How far the numbers of two acts' rows are apart, at least."""

COMMITTED_WITHIN = timedelta(seconds=5)
"""How long after it got its number an act is committed, or begins again and is announced."""

UNDERWAY_FOR = timedelta(minutes=10)
"""The same of one that is announced, so that readers wait for it; then they wait no longer."""

SETTLED_AFTER = timedelta(seconds=7)
"""
How old an act is when none with a smaller number comes any more.

The rest is for the commit itself, and for clocks that do not show the same time.
"""

HOT = frozenset(
    {
        *("packet", "message", "card", "deposit", "challenge", "review_case", "external_bill"),
        *("transfer", "account", "bank_line"),
    }
)
"""
The tables with numbers to which acts add that have nothing else to do with each other.

Who adds to others is in the platform's lane, so the number after the highest one is free.
"""


def is_serial(home: HomeRow) -> bool:
    """
    Return whether acts come one after the other, with the numbers that a file's would have.

    So they do where the clock or chance is a demo's, who has to get the same again.
    """
    return home.virtual_at is not None or home.dice is not None


class Numbers:
    """The numbers that one transaction gives."""

    def __init__(self) -> None:
        self._chance = crc32(b"%d %d" % (getpid(), monotonic_ns()))  # of two in one microsecond
        self.entry: int | None = None
        """That of the act that is decided, if it is made from its moment."""
        self._since: int | None = None
        self._read: tuple[HomeRow, Head] | None = None
        """What the next two are of: they are asked for with every act of a group."""
        self._made_at = self._behind = 0
        self._rows: Counter[str] = Counter()

    def next_entry(
        self, home: HomeRow, last: Head, now: datetime, after: int
    ) -> tuple[int, datetime]:
        """Return the number and the moment of the next act, as `Store.next_entry` does."""
        if self._read != (home, last):
            assert last.at is not None
            self._read = home, last
            self._made_at, self._behind = to_micros(home.made_at), to_micros(last.at)
        made_at = self._made_at
        read = to_micros(now)
        micros = max(read, self._behind + 1, made_at + micros_of(after) + 1)
        self._since = self._since or monotonic_ns()
        self.entry = max(number_of(micros - made_at, self._chance), last.entry + 1, after + 1)
        self._rows.clear()
        return self.entry, now if micros == read else from_micros(micros)

    def are_older_than(self, limit: timedelta) -> bool:
        """Return whether more than *limit* has passed since the first of them was given."""
        waited = 0 if self._since is None else monotonic_ns() - self._since
        return waited > limit // timedelta(microseconds=1) * 1_000

    def next_row(self, table: str) -> int | None:
        """Return the number of the act's next row in *table*; None is the one after the highest."""
        if self.entry is None or table not in HOT:
            return None
        return self.entry * ROWS + self._rows[table] + 1

    def take_rows(self, table: str, count: int) -> int | None:
        """Return what `next_row` does, for the first of *count* rows that are added with it."""
        number = self.next_row(table)
        self._rows[table] += count
        return number


def settled(home: HomeRow, now: datetime) -> int:
    """Return the first number that an act may still get, or be committed with, at *now*."""
    return max(number_of(to_micros(now - SETTLED_AFTER) - to_micros(home.made_at), 0), 2)
