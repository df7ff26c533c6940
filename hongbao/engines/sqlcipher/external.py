"""The external book: imported bills, apart from accounts and transfers."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hongbao.engines.sqlcipher.books import facts_row
from hongbao.engines.sqlcipher.engine import Engine, refusals
from hongbao.store import BillFileRow
from hongbao.units import to_micros

if TYPE_CHECKING:
    from hongbao.domain.bill import Kept


class External(Engine):
    """Imported bills. A bill's rows never change, and go only with it."""

    def is_bill(self, bill_id: str) -> bool:
        return self.row("SELECT 1 FROM external_bill WHERE id = ?", bill_id) is not None

    def _add_bill(
        self,
        number: int,
        bill_id: str,
        profile: int,
        entry: int,
        digest: bytes,
        rows: Iterable["Kept"],
    ) -> None:
        self._write(
            "INSERT INTO external_bill (number, id, profile, entry, digest) VALUES (?, ?, ?, ?, ?)",
            number,
            bill_id,
            profile,
            entry,
            digest,
        )
        with refusals(self.path):
            self._db.executemany(
                "INSERT INTO external_row (bill, number, at, kind, counterparty, goods, direction,"
                " amount_fen, method, state, id, merchant_id, note)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                ((number, *row) for row in rows),
            )

    def bills(self, profile: int) -> list[BillFileRow]:
        return [*map(_bill, self.rows(f"{_BILLS} ORDER BY number", profile))]

    def bill(self, profile: int, bill_id: str) -> BillFileRow | None:
        row = self.row(f"{_BILLS} AND external_bill.id = ?", profile, bill_id)
        return _bill(row) if row else None

    def bill_that_says(self, profile: int, digest: bytes) -> BillFileRow | None:
        row = self.row(f"{_BILLS} AND digest = ?", profile, digest)
        return _bill(row) if row else None

    def bill_rows(
        self, number: int, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator["Kept"]:
        from hongbao.domain.bill import Kept  # 3 ms, and most commands look at no bill

        for row in self.each(
            "SELECT number, at, kind, counterparty, goods, direction, amount_fen, method, state,"
            " id, merchant_id, note FROM external_row WHERE bill = ?"
            " AND (? IS NULL OR at >= ?) AND (? IS NULL OR at < ?) ORDER BY number",
            number,
            *(at and to_micros(at) for at in (since, since, until, until)),
        ):
            yield Kept._make(row)

    def _remove_bill(self, number: int, entry: int) -> None:
        """Take the rows of bill *number* out; that it was there, and what it was, stays."""
        self._write("UPDATE external_bill SET removed = ? WHERE number = ?", entry, number)
        self._write("DELETE FROM external_row WHERE bill = ?", number)


_BILLS = (
    "SELECT number, external_bill.id, entry.id, act, facts, request_id, at, balance_fen"
    " FROM external_bill"
    " JOIN entry ON entry.id = external_bill.entry"
    " WHERE external_bill.profile = ? AND removed IS NULL"
)


def _bill(row: Any) -> BillFileRow:
    number, name, entry, *made = row
    return BillFileRow(number, name, entry, facts_row(made))
