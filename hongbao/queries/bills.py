"""Imported bills: which there are, and their rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from hongbao.domain.bill import BillRow, row_of, start_of_minute
from hongbao.domain.ids import parse_bill_id
from hongbao.errors import BillNotFound, InvalidRange, NoBill
from hongbao.home.opened import Home
from hongbao.queries.acts import answer_in
from hongbao.store import BillFileRow

if TYPE_CHECKING:
    from hongbao.answers import BillImported, BillLine

SECOND = timedelta(seconds=1)
"""What bills count time in: the last second of a period belongs to it."""


@dataclass(frozen=True, slots=True)
class Bill:
    """
    A bill to be compared with, or a part of it: from *since* on, up to but not at *until*.

    All of it is from *begins_at* up to but not at *ends_at*: what it says of a packet is how that
    was then, for any part. *rows* are in the order that the bill has them in, and
    can be read once, while one looks. With *to_minute* their times are minutes, and the minute in
    which the part begins is in it.
    """

    id: str
    begins_at: datetime
    ends_at: datetime
    since: datetime
    until: datetime
    rows: Iterator[BillRow]
    to_minute: bool


def bills(home: Home) -> list[BillLine]:
    """Return the bills in this profile's external book, in the order they came."""
    with home.looking():
        return [_bill_line(home, row) for row in home.store.bills(home.me.id)]


def imported(
    home: Home,
    bill: str | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Bill:
    """
    Return *bill*, by default the one that came last, from *since* up to but not at *until*.

    It never reaches beyond the period that the bill is of. Its rows are read inside `looking`.

    Raises InvalidBillId, BillNotFound or NoBill; InvalidRange where nothing of it is between.
    """
    if bill is not None:
        row = bill_called(home, parse_bill_id(bill), home.me.id)
    else:
        there = home.store.bills(home.me.id)
        if not there:
            raise NoBill
        row = there[-1]
    answer = imported_answer(home, row)
    begins_at = datetime.fromisoformat(answer["begins_at"])
    ends_at = datetime.fromisoformat(answer["ends_at"]) + SECOND
    first, end = max(begins_at, since or begins_at), min(ends_at, until or ends_at)
    if end <= first:
        raise InvalidRange
    to_minute = answer["precision"] == "minute"
    begin = start_of_minute(first) if to_minute else first
    rows = map(row_of, home.store.bill_rows(row.number, begin, end))
    return Bill(row.id, begins_at, ends_at, first, end, rows, to_minute)


def bill_called(home: Home, name: str, profile: int) -> BillFileRow:
    """Return the bill of *profile* that is called *name*, or its last. Raises BillNotFound."""
    rows = home.store.bills(profile, called=name)
    if not rows:
        raise BillNotFound(name)
    return rows[0]


def imported_answer(home: Home, row: BillFileRow) -> BillImported:
    """Return the answer of the import of the bill of *row*."""
    return cast("BillImported", answer_in(home, row.entry))


def _bill_line(home: Home, row: BillFileRow) -> BillLine:
    answer = imported_answer(home, row)
    return {
        "bill": row.id,
        "format": answer["format"],
        "file": answer["file"],
        "holder": answer["holder"],
        "begins_at": answer["begins_at"],
        "ends_at": answer["ends_at"],
        "count": answer["count"],
        "in_fen": answer["in_fen"],
        "out_fen": answer["out_fen"],
        "neutral_fen": answer["neutral_fen"],
        "imported_at": answer["at"],
    }
