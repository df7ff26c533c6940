"""Queries on past acts: those behind a packet or a payment, and books before and after."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from hongbao.domain.ledger import CENTRAL, PLATFORM, SIDES, Kind
from hongbao.engines.sqlcipher.books import ACTS, act_row
from hongbao.engines.sqlcipher.engine import Engine, marks
from hongbao.engines.sqlcipher.history import span
from hongbao.store import ActRow, ChangeRow, HeldRow, MovedRow
from hongbao.units import to_micros

_OPEN_ONLY = frozenset({Kind.PACKET, Kind.PENDING, Kind.HELD})
"""Accounts that stay behind empty, one for each packet, payment and hold there ever was."""

# --- acts -----------------------------------------------------------------------------------------


def acts(
    engine: Engine,
    *,
    message: int | None = None,
    claims_of: int | None = None,
    parts_of: tuple[str, int] | None = None,
    after: int = 0,
    limit: int = -1,
) -> list[ActRow]:
    values: list[object]
    if message is not None:
        where, values = "entry.message = ?", [message]
    elif claims_of is not None:
        where, values = "entry.id IN (SELECT entry FROM claim WHERE packet = ?)", [claims_of]
    elif parts_of is not None:
        request_id, profile = parts_of
        where = "entry.request_id > ? AND entry.request_id < ? AND entry.profile = ?"
        values = [f"{request_id}/", f"{request_id}0", profile]  # the character after the slash
    else:
        where, values = "entry.id > ?", [after]
    rows = engine.rows(f"{ACTS} WHERE {where} ORDER BY entry.id LIMIT ?", *values, limit)
    return [act_row(row) for row in rows]


def refund_of(
    engine: Engine, packet: int, closed_at: datetime, acts: Sequence[str] = ("refund",)
) -> ActRow | None:
    entries = span(engine, closed_at, closed_at + timedelta.resolution)
    row = engine.row(
        f"{ACTS} WHERE entry.id >= ? AND entry.id < ? AND entry.at = ? AND entry.packet = ?"
        f" AND entry.act IN ({marks(acts)})",
        entries.start,
        entries.stop,
        to_micros(closed_at),
        packet,
        *acts,
    )
    return act_row(row) if row else None


def last_act_that_moved(engine: Engine) -> ActRow | None:
    row = engine.row(
        f"{ACTS} WHERE entry.id = (SELECT entry FROM transfer ORDER BY transfer.id DESC LIMIT 1)"
    )
    return act_row(row) if row else None


def moved(engine: Engine, entries: Collection[int]) -> list[MovedRow]:
    rows = engine.rows(
        "SELECT entry, transfer.book, giver.kind, taker.kind, amount_fen, reason FROM transfer"
        " JOIN account AS giver ON giver.id = debit JOIN account AS taker ON taker.id = credit"
        f" WHERE entry IN ({marks(entries)}) ORDER BY transfer.id",
        *entries,
    )
    return [MovedRow(*row) for row in rows]


# --- books ----------------------------------------------------------------------------------------


def held(engine: Engine, banks: Sequence[str]) -> list[HeldRow]:
    kinds = [kind for kind in SIDES if kind not in _OPEN_ONLY]
    places = [(book, kind) for book in (PLATFORM, *banks, CENTRAL) for kind in kinds]
    rows = engine.rows(
        f"WITH place (book, kind) AS (VALUES {', '.join('(?, ?)' for _ in places)})"
        " SELECT account.book, account.kind,"
        " iif(account.kind IN ('incoming', 'outgoing', 'bank_reserve'), owner, 0) AS whose,"
        " count(*), sum(abs(credits_fen - debits_fen))"
        " FROM place CROSS JOIN account USING (book, kind) GROUP BY 1, 2, 3",
        *(value for place in places for value in place),
    )
    rows += engine.rows(
        "SELECT 'platform', 'packet', 0, count(*), sum(credits_fen - debits_fen)"
        " FROM packet INDEXED BY packet_by_expiry CROSS JOIN account ON book = 'platform'"
        " AND account.kind = 'packet' AND owner = packet.number"
        " WHERE packet.closed_at IS NULL AND held IS NULL HAVING count(*)"
        " UNION ALL"
        " SELECT 'platform', 'pending', 0, count(*), sum(credits_fen - debits_fen)"
        " FROM message INDEXED BY message_open JOIN account"
        " ON book = 'platform' AND kind = 'pending' AND owner = message.number"
        " WHERE outcome IS NULL HAVING count(*)"
        " UNION ALL"
        " SELECT 'platform', 'held', 0, count(*), sum(credits_fen - debits_fen)"
        " FROM review_case INDEXED BY review_case_open JOIN account"
        " ON book = 'platform' AND account.kind = 'held' AND owner = review_case.number"
        " WHERE closed IS NULL HAVING count(*)"
    )
    return [HeldRow(book, Kind(kind), *rest) for book, kind, *rest in rows]


def changes(engine: Engine, entries: Collection[int]) -> list[ChangeRow]:
    first = min(entries)
    rows = engine.rows(
        "SELECT book, kind, owner, abs(credits_fen - debits_fen),"
        " sum(fen) * iif(side = 'credit', 1, -1),"
        f" sum(iif(entry IN ({marks(entries)}), fen, 0)) * iif(side = 'credit', 1, -1)"
        " FROM (SELECT debit AS account, entry, -amount_fen AS fen FROM transfer"
        "  WHERE entry >= ?"
        "  UNION ALL SELECT credit, entry, amount_fen FROM transfer WHERE entry >= ?)"
        " JOIN account ON account.id = account GROUP BY account.id",
        *entries,
        first,
        first,
    )
    return [ChangeRow(book, Kind(kind), *rest) for book, kind, *rest in rows]
