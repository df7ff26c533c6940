"""
One pass over the entries: each check that follows them takes what it needs as they go by.

An entry is read, and written out for its seal, once. What it moved, and the rows that it left, lie
in other tables in the order of their entries, so three readings side by side meet entry by entry.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

from hongbao.domain.chain import together, values
from hongbao.questions import Question
from hongbao.store import EntryRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hongbao.auditing.context import Context

PLACE = {name: place for place, name in enumerate(EntryRow._fields)}
"""The position of each field of an entry in what its seal covers."""

_ENTRY = PLACE["id"]
_NEVER = 1 << 64

REPORT_EVERY = 1_000
"""The entries between two reports of progress."""


class Step:
    """
    One entry as it goes by: the same object each time, with the next one's values in it.

    *parts* are its fields as JSON, *moved* and *left* its transfers and rows as JSON; *strays* are
    entries before it that have transfers or rows, and are not there.
    """

    __slots__ = ("entry", "fields", "left", "lines", "mac", "moved", "parts", "rows", "strays")

    entry: int
    fields: tuple[Any, ...]
    mac: bytes | None
    lines: Sequence[tuple[Any, ...]]
    parts: list[str]
    moved: str
    left: str
    rows: Sequence[tuple[Any, ...]]
    strays: list[int]


class Reader(Protocol):
    """A check that follows the entries."""

    @property
    def found(self) -> list[str]:
        """What it has found, each so named that a person can find it."""
        ...

    def take(self, step: Step) -> None:
        """Judge the entry of *step*."""

    def end(self, strays: list[int]) -> None:
        """Judge what is left once every entry has gone by, such as *strays* behind the last."""


class Behind:
    """Rows in the order of their entries, looked up entry by entry as the pass comes to each."""

    __slots__ = ("_groups", "_rows", "next")

    next: int
    _rows: Iterator[Any]

    def __init__(self, rows: Iterator[Any]) -> None:
        self._groups = groupby(rows, key=_first)
        self._forward()

    def _forward(self) -> None:
        self.next, self._rows = next(self._groups, (_NEVER, iter(())))

    def of(self, entry: int, strays: list[int]) -> list[tuple[Any, ...]]:
        """Return the rows of *entry*, in order; entries before it that have some go to *strays*."""
        while self.next < entry:
            strays.append(self.next)
            self._forward()
        if self.next != entry:
            return []
        rows = [row[1:] for row in self._rows]
        self._forward()
        return rows

    def strays(self) -> list[int]:
        """Return the entries that have rows and did not come."""
        found: list[int] = []
        while self.next != _NEVER:
            found.append(self.next)
            self._forward()
        return found


def _first(row: tuple[Any, ...]) -> int:
    return int(row[0])


FROM_THE_FIRST = -(1 << 63)
"""Less than the number of any entry, also of an edited one."""


def walk(context: Context, readers: Sequence[Reader], after: int = FROM_THE_FIRST) -> None:
    """Have *readers* see every entry behind *after*, in order."""
    transfers = Behind(context.rows(Question.SEALED_TRANSFERS, after))
    rows = Behind(context.rows(Question.SEALED_ROWS, after))
    takes = [reader.take for reader in readers]
    step, until_report = Step(), REPORT_EVERY
    for fields, mac in context.rows(Question.SEALED_ACTS, after):
        entry = int(fields[_ENTRY])
        step.entry, step.fields, step.mac, step.strays = entry, fields, mac, []
        step.lines = transfers.of(entry, step.strays)
        step.rows = rows.of(entry, step.strays)
        step.parts = values(fields)
        step.moved, step.left = together(step.lines), together(step.rows)
        for take in takes:
            take(step)
        until_report -= 1
        if not until_report:
            until_report = REPORT_EVERY
            context.progress(REPORT_EVERY)
    strays = [*transfers.strays(), *rows.strays()]
    for reader in readers:
        reader.end(strays)
