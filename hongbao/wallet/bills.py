"""Bills: imported from other institutions, and removed again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hongbao.changes.bills import AddBill, RemoveBill
from hongbao.domain.bill import Direction, Line, Packed, read
from hongbao.domain.ids import bill_id, parse_bill_id
from hongbao.home.opened import Home
from hongbao.queries.bills import bill_called, imported_answer
from hongbao.store import BillFileRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.unit_of_work import perform

if TYPE_CHECKING:
    from hongbao.answers import BillImported, BillRemoved


class _KnownBill(Exception):
    """The same bill is there already, as *row* says: nothing is to be done."""

    def __init__(self, row: BillFileRow) -> None:
        super().__init__()
        self.row = row


def bring_in(
    home: Home,
    lines: Iterable[Line],
    *,
    file: str,
    request_id: str | None = None,
    dry_run: bool = False,
) -> BillImported:
    """
    Bring the bill in *lines*, from a file called *file*, into this profile's external book.

    It is read to its end first, so that other writers do not wait for it. A bill that
    says the same as one that is there is not imported again: it gets the first one's answer,
    marked ``known``.

    Raises InvalidBill; then nothing was changed.
    """
    rows = Packed(*read(lines))
    header, digest = rows.header, rows.digest

    def work(doing: Act) -> BillImported:
        for known in home.store.bills(doing.me.id, called=digest):
            raise _KnownBill(known)
        number, name = home.store.next_number("external_bill"), _free_bill_id(home, doing)
        doing.change(AddBill(number, name, doing.me.id, doing.entry, digest, rows))
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
        return perform(home, "bill_import", inputs, work, request_id=request_id, dry_run=dry_run)
    except _KnownBill as known:
        answer = imported_answer(home, known.row)
        answer["known"] = True
        return answer


def remove_bill(
    home: Home, bill: str, *, request_id: str | None = None, dry_run: bool = False
) -> BillRemoved:
    """
    Take the rows of *bill* out of this profile's external book.

    That it was there, and what it was, stays in the chain.

    Raises InvalidBillId or BillNotFound.
    """
    name = parse_bill_id(bill)

    def work(doing: Act) -> BillRemoved:
        row = bill_called(home, name, doing.me.id)
        answer = imported_answer(home, row)
        doing.change(RemoveBill(row.number, doing.entry))
        return {
            **doing.common,
            "profile": doing.me.name,
            "bill": row.id,
            "file": answer["file"],
            "count": answer["count"],
            "digest": answer["digest"],
        }

    inputs = {"bill": name}
    return perform(home, "bill_remove", inputs, work, request_id=request_id, dry_run=dry_run)


def _free_bill_id(home: Home, doing: Act) -> str:
    drawn = bill_id(doing.chance(8))
    while home.store.bills(None, called=drawn):
        drawn = bill_id(doing.chance(8))
    return drawn
