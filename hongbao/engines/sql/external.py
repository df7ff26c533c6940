"""The external book: imported bills, apart from accounts and transfers."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from hongbao.engines.sql.engine import Engine, write_one
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


def bills(
    engine: Engine, profile: int | None, *, called: str | bytes | None = None
) -> list[BillFileRow]:
    where, values = "TRUE", list[object]()
    if profile is not None:
        where, values = "profile = ? AND removed IS NULL", [profile]
    if called is not None:
        where = f"{where} AND {'id' if isinstance(called, str) else 'digest'} = ?"
        values.append(called)
    rows = engine.rows(
        f"SELECT number, id, entry FROM external_bill WHERE {where} ORDER BY number", *values
    )
    return [BillFileRow(*row) for row in rows]


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
    write_one(
        engine,
        "UPDATE external_bill SET removed = ? WHERE number = ? AND removed IS NULL",
        entry,
        number,
    )
    engine.write("DELETE FROM external_row WHERE bill = ?", number)
