"""
Lanes in the database: what one transaction has found them as, and how it moves them.

A transaction reads one snapshot, and the version of each lane that it writes to is a part of that.
At its end it changes every such row, if that is still as it was read; otherwise another one was
first, and all of it is done again. The engine's own locks are for speed: they make acts on one lane
wait for each other, and no two that share none.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

from hongbao.domain.lanes import (
    FIRST_MAC,
    FREE,
    PLATFORM,
    content_of,
    lane_of_row,
    lanes_of,
    lanes_of_rows,
)
from hongbao.engines.mysql.dialect import cases_of
from hongbao.engines.mysql.numbers import ROWS
from hongbao.questions import Question
from hongbao.store import Change, Decided, EntryRow, Seal, key_of, written_out

Run = Callable[[str, Sequence[object]], tuple[int, Any]]
"""Runs a statement; gives how many rows it met, and its rows."""

_PLACE = {name: place for place, name in enumerate(EntryRow._fields)}
_NAMED = _PROFILE, _PACKET, _MESSAGE = _PLACE["profile"], _PLACE["packet"], _PLACE["message"]
_AT = _PLACE["at"]


ASKED = {
    Question.LANES: "SELECT name, upto, head FROM lane ORDER BY name",
    Question.LANE_ENTRIES: (
        "SELECT entry, lane, number, mac FROM lane_entry WHERE entry > ? ORDER BY entry, lane"
    ),
    # Lines of banks are not counted from one to the next here, so each act is asked for its own.
    Question.MISNUMBERED_LINES: f"""
        SELECT bank, number
        FROM (SELECT bank, id, number, row_number() OVER (ORDER BY id) AS place,
            row_number() OVER (PARTITION BY bank ORDER BY id) AS expected,
            {ROWS} * entry + row_number() OVER (PARTITION BY entry ORDER BY id) AS by_moment
            FROM bank_line) AS line
        WHERE NOT (id = by_moment AND number = by_moment OR id = place AND number = expected)
        UNION ALL SELECT 'correction', id
        FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM correction) AS line
        WHERE id <> place
        UNION ALL SELECT 'entry', moved.entry
        FROM (SELECT entry, sum(fen) AS fen
            FROM (SELECT entry, amount_fen AS fen
                FROM transfer JOIN account ON account.id = debit AND kind = 'deposit'
                UNION ALL SELECT entry, -amount_fen
                FROM transfer JOIN account ON account.id = credit AND kind = 'deposit') AS side
            GROUP BY entry) AS moved
        JOIN entry ON entry.id = moved.entry AND entry.act = 'bank'
        LEFT JOIN (SELECT entry, sum(CASE WHEN status = 'RVRS' THEN 0
                WHEN direction = 'debit' THEN amount_fen ELSE -amount_fen END) AS fen
            FROM bank_line GROUP BY entry) AS said ON said.entry = moved.entry
        WHERE said.fen IS NULL OR said.fen <> moved.fen
    """,
}
"""The questions of the audit that only lanes answer, or that they answer in another way."""


def locks(
    changing: Iterable[tuple[str, object]], number_of: Callable[[str], int | None]
) -> list[tuple[str, Sequence[object]]]:
    """
    Return the statements that wait for the lanes of what a transaction is about to be *changing*.

    They come before it reads anything, and in one order for all. A packet may be named by its id,
    of which *number_of* gives the number: a lock that looks for the id takes what is beside it.
    """
    names = set()
    for kind, key in changing:
        number = number_of(key) if kind == "packet" and isinstance(key, str) else key
        if number is not None:
            names.add(lane_of_row(kind, str(number)))
    return [(_LOCK, (name,)) for name in sorted(names)]


_LOCK = "SELECT upto FROM lane WHERE name = %s FOR UPDATE"


class _Lane:
    """A lane as this transaction has found it, and as it leaves it; *version* is the one found."""

    __slots__ = ("at", "entry", "head", "name", "upto", "version")

    def __init__(
        self, name: str, version: int | None, upto: int, head: bytes, entry: int, at: int
    ) -> None:
        self.name, self.version = name, version
        self.upto, self.head, self.entry, self.at = upto, head, entry, at


class Lanes:
    """The lanes that one transaction writes to."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._lanes: dict[str, _Lane] = {}
        self._touched: set[str] = set()
        self._added: list[object] = []  # the values of rows: lane, number, entry, MAC
        self.mac: bytes | None = None
        """The MAC of the last entry in the first of its lanes; None before there is one."""

    def touch(self, changes: Iterable[Change], *, serial: bool) -> None:
        """Write to the lanes of what *changes* touch (see `place`): the next entry is in them."""
        rows = {row for change in changes for row in change.touches}
        names = lanes_of_rows((row[0], key_of(row)) for row in rows if row[0] not in FREE)
        if serial and names:
            names.add(PLATFORM)
        self._find(names)
        self._touched |= names

    def place(
        self, acts: Sequence[Decided], seal: Seal, *, serial: bool
    ) -> Iterator[tuple[Decided, bytes]]:
        """
        Put *acts* at the end of their lanes; yield each with its MAC in the first of them.

        Where they are *serial*, the platform's lane is one of each.
        """
        wanted = [names_of(act) for act in acts]
        if serial:
            wanted = [names | {PLATFORM} for names in wanted]
        if wanted:  # what was touched for none of them in particular
            wanted[-1] |= self._touched.difference(*wanted)
            self._touched.clear()
        self._find(set().union(*wanted))
        for act, names in zip(acts, wanted, strict=True):
            lanes = [self._lanes[name] for name in sorted(names)]
            content = content_of(written_out(act), [(lane.name, lane.upto + 1) for lane in lanes])
            entry, at = cast("tuple[int, int]", (act.fields[0], act.fields[_AT]))
            for lane in lanes:
                lane.upto += 1
                lane.head = seal(lane.head, content)
                lane.entry, lane.at = entry, at
                self._added += (lane.name, lane.upto, entry, lane.head)
            self.mac = lanes[0].head
            yield act, self.mac

    def _find(self, names: set[str]) -> None:
        """Read the lanes of *names* that were not read yet, as the snapshot has them."""
        new = sorted(names - self._lanes.keys())
        if not new:
            return
        marks = ", ".join(["%s"] * len(new))
        rows = self._run(
            f"SELECT name, version, upto, head, entry, at FROM lane WHERE name IN ({marks})", new
        )[1]
        self._lanes |= {row[0]: _Lane(*row) for row in rows}
        for name in new:
            if name not in self._lanes:
                self._lanes[name] = _Lane(name, None, 0, FIRST_MAC, 0, 0)

    def are_free(self, run: Run) -> bool:
        """Return whether *run*, which sees what is there now, finds the lanes unmoved."""
        names = sorted(self._lanes)
        marks = ", ".join(["%s"] * len(names))
        rows = run(f"SELECT name, version FROM lane WHERE name IN ({marks})", names)[1]
        found = {name: lane.version for name, lane in self._lanes.items()}
        return not names or dict(rows) == {n: v for n, v in found.items() if v is not None}

    def left(self) -> dict[str, int]:
        """Return the versions that the lanes have once they have moved."""
        return {
            lane.name: (lane.version or 0) + 1
            for lane in self._lanes.values()
            if lane.version is not None or lane.upto
        }

    def move(self, run: Run) -> bool:
        """Write the lanes as they are left; False if one of them has moved since it was found."""
        found = [lane for _, lane in sorted(self._lanes.items()) if lane.version is not None]
        for first in range(0, len(found), MOVED_AT_ONCE):
            some = found[first : first + MOVED_AT_ONCE]
            met, _ = run(*_moving(some))
            if met != len(some):
                return False
        for name, lane in sorted(self._lanes.items()):
            if lane.version is None and lane.upto:
                run(_MAKE, (lane.upto, lane.head, lane.entry, lane.at, name))
        if self._added:
            marks = ", ".join(["(%s, %s, %s, %s)"] * (len(self._added) // 4))
            run(f"{_ADD} {marks}", self._added)
        return True


MOVED_AT_ONCE = 100
"""How many lanes one statement moves."""


_STILL = "name = %s AND version = %s"


def _moving(lanes: Sequence[_Lane]) -> tuple[str, list[object]]:
    """Return the statement that moves *lanes* where they still are as they were found."""
    cases = cases_of("name", len(lanes))
    sets = ", ".join(f"{column} = {cases}" for column in ("upto", "head", "entry", "at"))
    places = " OR ".join([_STILL] * len(lanes))
    values: list[object] = []
    for column in ("upto", "head", "entry", "at"):
        values += [value for lane in lanes for value in (lane.name, getattr(lane, column))]
    values += [value for lane in lanes for value in (lane.name, lane.version)]
    return f"UPDATE lane SET {sets}, version = version + 1 WHERE {places}", values


_MAKE = "INSERT INTO lane (upto, head, entry, at, version, name) VALUES (%s, %s, %s, %s, 1, %s)"


_ADD = "INSERT INTO lane_entry (lane, number, entry, mac) VALUES"


SLOTS = 17
"""
In how many rows it is kept what acts add to an account of everybody's.

A prime number, so that owners whose numbers have a factor in common do not meet in one row.
"""


def slot_of(act: Decided) -> int:
    """Return which slots *act* adds to: those of its profile, or of its packet or payment."""
    named = (act.fields[place] for place in _NAMED)
    return next((int(str(number)) % SLOTS for number in named if number is not None), 0)


def names_of(act: Decided) -> set[str]:
    """Return the lanes of *act*, by all that its entry holds."""
    fields = act.fields
    profile, packet, payment = fields[_PROFILE], fields[_PACKET], fields[_MESSAGE]
    rows = [(row[0], key_of(row)) for row, _digest in act.rows]
    return lanes_of(profile, packet, payment, [transfer[:2] for transfer in act.transfers], rows)
