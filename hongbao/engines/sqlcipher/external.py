"""The external book: imported bills, apart from accounts and transfers."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from hongbao.engines.sqlcipher.engine import Engine
from hongbao.store import BillFileRow
from hongbao.units import to_micros

if TYPE_CHECKING:
    from hongbao.domain.bill import Kept


def add_bill(
    engine: Engine,
    number: int,
    bill_id: str,
    profile: int,
    entry: int,
    digest: bytes,
    rows: Iterable["Kept"],
) -> None:
    engine.write(
        "INSERT INTO external_bill (number, id, profile, entry, digest) VALUES (?, ?, ?, ?, ?)",
        number,
        bill_id,
        profile,
        entry,
        digest,
    )
    engine.write_many(
        "INSERT INTO external_row (bill, number, at, kind, counterparty, goods, direction,"
        " amount_fen, method, state, id, merchant_id, note)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ((number, *row) for row in rows),
    )


def bills(engine: Engine, profile: int) -> list[BillFileRow]:
    return [BillFileRow(*row) for row in engine.rows(f"{_BILLS} ORDER BY number", profile)]


def bill(engine: Engine, which: str | bytes, profile: int | None = None) -> BillFileRow | None:
    if profile is None:
        row = engine.row("SELECT number, id, entry FROM external_bill WHERE id = ?", which)
    else:
        column = "id" if isinstance(which, str) else "digest"
        row = engine.row(f"{_BILLS} AND {column} = ?", profile, which)
    return row and BillFileRow(*row)


def bill_rows(
    engine: Engine, number: int, since: datetime | None = None, until: datetime | None = None
) -> Iterator["Kept"]:
    from hongbao.domain.bill import Kept  # 3 ms, and most commands look at no bill

    for row in engine.each(
        "SELECT number, at, kind, counterparty, goods, direction, amount_fen, method, state,"
        " id, merchant_id, note FROM external_row WHERE bill = ?"
        " AND (? IS NULL OR at >= ?) AND (? IS NULL OR at < ?) ORDER BY number",
        number,
        *(at and to_micros(at) for at in (since, since, until, until)),
    ):
        yield Kept._make(row)


def remove_bill(engine: Engine, number: int, entry: int) -> None:
    """Take the rows of bill *number* out; that it was there, and what it was, stays."""
    engine.write("UPDATE external_bill SET removed = ? WHERE number = ?", entry, number)
    engine.write("DELETE FROM external_row WHERE bill = ?", number)


_BILLS = "SELECT number, id, entry FROM external_bill WHERE profile = ? AND removed IS NULL"
