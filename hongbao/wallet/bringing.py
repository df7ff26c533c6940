"""Bringing in: other institutions' bills, in a book of their own that moves no money."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from hongbao.answers import BillImported, BillLine, BillRemoved
from hongbao.domain.bill import (
    BillRow,
    Direction,
    Line,
    Packed,
    read,
    row_of,
    start_of_minute,
)
from hongbao.domain.ids import bill_id, parse_bill_id
from hongbao.errors import BillNotFound, InvalidRange, NoBill
from hongbao.store import BillFileRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.desk import Desk

SECOND = timedelta(seconds=1)
"""What bills count time in: the last second of a period belongs to it."""


class _KnownBill(Exception):
    """The same bill is there already, as *row* says: nothing is to be done."""

    def __init__(self, row: BillFileRow) -> None:
        super().__init__()
        self.row = row


@dataclass(frozen=True, slots=True)
class Bill:
    """
    A bill to be compared with, or a part of it: from *since* on, up to but not at *until*.

    All of it is from *begins_at* up to but not at *ends_at*: what it says of a packet is how that
    was then, whichever part is looked at. *rows* are in the order that the bill has them in, and
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


class Bringing(Desk):
    """What the desk does with bills that others have written: it keeps them apart, and looks."""

    def bring_in(
        self,
        lines: Iterable[Line],
        *,
        file: str,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> BillImported:
        """
        Bring the bill in *lines*, from a file called *file*, into this profile's external book.

        It is read to its end first, so that nobody waits for that who wants to write. A bill that
        says the same as one that is there is not brought in again: it gets the first one's answer,
        marked ``known``.

        Raises InvalidBill; then nothing was changed.
        """
        rows = Packed(*read(lines))
        header, digest = rows.header, rows.digest

        def work(doing: Act) -> BillImported:
            known = self.store.bill_that_says(doing.me.id, digest)
            if known is not None:
                raise _KnownBill(known)
            number, name = self.store.next_bill(), self._free_bill_id(doing)

            def write() -> None:
                self.store.add_bill(
                    number=number,
                    bill_id=name,
                    profile=doing.me.id,
                    entry=doing.entry,
                    digest=digest,
                )
                self.store.add_bill_rows(number, rows)

            doing.once_entered(write)
            into, out, neutral = (header.tallies[direction] for direction in Direction)
            return {
                **doing.common,
                "profile": doing.me.name,
                "bill": name,
                "format": "wechat",
                "file": file,
                "holder": header.holder,
                "begins_at": iso(header.since),
                "ends_at": iso(header.until),
                "count": header.count,
                "in_count": into.rows,
                "in_fen": into.fen,
                "out_count": out.rows,
                "out_fen": out.fen,
                "neutral_count": neutral.rows,
                "neutral_fen": neutral.fen,
                "digest": digest.hex(),
                "precision": "minute" if rows.to_minute else "second",
                "known": False,
            }

        inputs = {"digest": digest.hex()}
        try:
            return self._act("bill_import", inputs, work, request_id=request_id, dry_run=dry_run)
        except _KnownBill as known:
            answer = _told(known.row)
            answer["known"] = True
            return answer

    def bills(self) -> list[BillLine]:
        """Return the bills in this profile's external book, in the order they came."""
        with self.looking():
            return [_bill_line(row) for row in self.store.bills(self.me.id)]

    def remove_bill(
        self, bill: str, *, request_id: str | None = None, dry_run: bool = False
    ) -> BillRemoved:
        """
        Take the rows of *bill* out of this profile's external book.

        That it was there, and what it was, stays in the chain.

        Raises InvalidBillId or BillNotFound.
        """
        name = parse_bill_id(bill)

        def work(doing: Act) -> BillRemoved:
            row = self._bill_called(name, doing.me.id)
            told = _told(row)
            doing.once_entered(lambda: self.store.remove_bill(row.number, doing.entry))
            return {
                **doing.common,
                "profile": doing.me.name,
                "bill": row.id,
                "file": told["file"],
                "count": told["count"],
                "digest": told["digest"],
            }

        inputs = {"bill": name}
        return self._act("bill_remove", inputs, work, request_id=request_id, dry_run=dry_run)

    def imported(
        self,
        bill: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Bill:
        """
        Return *bill*, by default the one that came last, from *since* up to but not at *until*.

        It never reaches beyond the period that the bill is of. Whoever reads its rows is `looking`.

        Raises InvalidBillId, BillNotFound or NoBill; InvalidRange where nothing of it is between.
        """
        if bill is not None:
            row = self._bill_called(parse_bill_id(bill), self.me.id)
        else:
            there = self.store.bills(self.me.id)
            if not there:
                raise NoBill
            row = there[-1]
        told = _told(row)
        begins_at = datetime.fromisoformat(told["begins_at"])
        ends_at = datetime.fromisoformat(told["ends_at"]) + SECOND
        first, end = max(begins_at, since or begins_at), min(ends_at, until or ends_at)
        if end <= first:
            raise InvalidRange
        # What an older hongbao has read says nothing of its precision.
        to_minute = told.get("precision") == "minute"
        begin = start_of_minute(first) if to_minute else first
        rows = map(row_of, self.store.bill_rows(row.number, begin, end))
        return Bill(row.id, begins_at, ends_at, first, end, rows, to_minute)

    def _bill_called(self, name: str, profile: int) -> BillFileRow:
        row = self.store.bill(profile, name)
        if row is None:
            raise BillNotFound(name)
        return row

    def _free_bill_id(self, doing: Act) -> str:
        drawn = bill_id(doing.chance(8))
        while self.store.is_bill(drawn):
            drawn = bill_id(doing.chance(8))
        return drawn


def _told(row: BillFileRow) -> BillImported:
    return cast(BillImported, json.loads(row.answer))


def _bill_line(row: BillFileRow) -> BillLine:
    told = _told(row)
    return {
        "bill": row.id,
        "format": told["format"],
        "file": told["file"],
        "holder": told["holder"],
        "begins_at": told["begins_at"],
        "ends_at": told["ends_at"],
        "count": told["count"],
        "in_fen": told["in_fen"],
        "out_fen": told["out_fen"],
        "neutral_fen": told["neutral_fen"],
        "imported_at": told["at"],
    }
