"""Queries on past acts: those behind a packet or a payment, and books before and after."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, overload

from hongbao.domain.ids import NUMBERS
from hongbao.domain.ledger import PLATFORM, SIDES, Kind
from hongbao.engines.sql.engine import Engine, marks
from hongbao.engines.sql.history import span
from hongbao.store import ActRow, ChangedRow, ChangeRow, HeldRow, Moved, MovedRow, RequestRow
from hongbao.units import from_micros, to_micros

_OPEN_ONLY = frozenset({Kind.PACKET, Kind.PENDING, Kind.HELD})
"""Accounts that stay behind empty, one for each packet, payment and hold there ever was."""

# --- acts -----------------------------------------------------------------------------------------


@overload
def request(engine: Engine, request_id: str, profile: int | None) -> RequestRow: ...


@overload
def request(
    engine: Engine, *, among: Collection[tuple[str, int]]
) -> Collection[tuple[str, int]]: ...


def request(
    engine: Engine,
    request_id: str = "",
    profile: int | None = None,
    *,
    among: Collection[tuple[str, int]] | None = None,
) -> RequestRow | Collection[tuple[str, int]]:
    if among is not None:
        return _made_before(engine, among)
    *act, inputs, error = engine.row(_REQUEST, request_id, profile)
    return RequestRow(
        None if act[0] is None else _act(act),
        None if error is None else (bytes(inputs), str(error)),
    )


def _made_before(engine: Engine, among: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
    known: set[tuple[str, int]] = set()
    asked = list(among)
    for first in range(0, len(asked), _AT_ONCE):
        some = asked[first : first + _AT_ONCE]
        values = [value for request in some for value in request]
        places = ", ".join(["(?, ?)"] * len(some))
        for table in ("entry", "refusal"):
            known.update(
                engine.rows(
                    f"WITH asked (request_id, profile) AS (VALUES {places})"
                    f" SELECT request_id, profile FROM asked CROSS JOIN {table}"
                    " USING (request_id, profile)",
                    *values,
                )
            )
    return known


_AT_ONCE = 500
"""How many requests are looked for by one query."""


def act(
    engine: Engine,
    entry: int | None = None,
    *,
    batch: int | str | None = None,
    closing: tuple[int, datetime] | None = None,
    among: Sequence[str] = ("refund",),
) -> ActRow | None:
    if entry is not None:
        row = engine.row(f"{_ACTS} WHERE entry.id = ?", entry)
    elif batch is not None:
        row = engine.row(_MADE_BATCH[type(batch)], batch)
    elif closing is not None:
        packet, closed_at = closing
        entries = span(engine, closed_at, closed_at + timedelta.resolution)
        row = engine.row(
            f"{_ACTS} WHERE entry.id >= ? AND entry.id < ? AND entry.at = ? AND entry.packet = ?"
            f" AND entry.act IN ({marks(among)})",
            entries.start,
            entries.stop,
            to_micros(closed_at),
            packet,
            *among,
        )
    else:
        row = engine.row(_MOVED_LAST)
    return _act(row) if row else None


def acts(
    engine: Engine,
    *,
    message: int | None = None,
    claims_of: int | None = None,
    parts_of: tuple[str, int] | None = None,
    after: int = 0,
    limit: int = -1,
    by_operators: bool = False,
    among: Collection[int] | None = None,
) -> Iterator[ActRow]:
    values: list[object]
    if by_operators:
        query, values = BY_OPERATORS, []
    else:
        if among is not None:
            where, values = f"entry.id IN ({marks(among)})", [*among]
        elif message is not None:
            where, values = "entry.message = ?", [message]
        elif claims_of is not None:
            where, values = "entry.id IN (SELECT entry FROM claim WHERE packet = ?)", [claims_of]
        elif parts_of is not None:
            request_id, profile = parts_of
            where = "entry.request_id > ? AND entry.request_id < ? AND entry.profile = ?"
            values = [f"{request_id}/", f"{request_id}0", profile]  # the character after the slash
        else:
            where, values = "entry.id > ?", [after]
        query = f"{_ACTS} WHERE {where} ORDER BY entry.id LIMIT ?"
    for row in engine.each(query, *values, limit):
        yield _act(row)


def acts_counted(
    engine: Engine,
    *,
    after: int = 0,
    upto: int = NUMBERS,
    about: Sequence[int | None] | None = None,
) -> dict[int | None, int]:
    where = "id > ? AND id <= ?"
    packets = [packet for packet in about or () if packet is not None]
    if about is not None:
        known = f"packet IN ({marks(packets)})" if packets else "1 = 0"
        where += f" AND ({known}{' OR packet IS NULL' if None in about else ''})"
    return dict(
        engine.rows(
            f"SELECT profile, count(*) FROM entry WHERE {where} GROUP BY profile",
            after,
            upto,
            *packets,
        )
    )


_COLUMNS = (
    "entry.id, entry.act, entry.profile, entry.request_id, entry.inputs, entry.packet,"
    " entry.message, entry.at, entry.facts, entry.balance_fen, entry.took,"
    " doer.name, packet.id, message.id, other.name, operator.name"
)

_NAMES = (
    "LEFT JOIN profile AS doer ON doer.id = entry.profile"
    " LEFT JOIN packet ON packet.number = entry.packet"
    " LEFT JOIN message ON message.number = entry.message"
    " LEFT JOIN profile AS other ON other.id = entry.counterparty"
    " LEFT JOIN operator ON operator.id = entry.operator"
)
"""The rows that an entry names by their keys."""

_ACTS = f"SELECT {_COLUMNS} FROM entry {_NAMES}"

_REQUEST = (
    f"SELECT {_COLUMNS}, refusal.inputs, refusal.error FROM (SELECT 1) AS one"
    " LEFT JOIN entry ON entry.request_id = ?1 AND entry.profile IS ?2"
    f" {_NAMES} LEFT JOIN refusal ON refusal.request_id = ?1 AND refusal.profile = ?2"
)
"""What request ?1 of profile ?2 has made, and how it was refused, as one row."""

BY_OPERATORS = f"{_ACTS} WHERE entry.operator IS NOT NULL ORDER BY entry.id DESC LIMIT ?"

_MADE_BATCH = {
    int: f"{_ACTS} WHERE entry.id = (SELECT entry FROM batch WHERE number = ?)",
    str: f"{_ACTS} WHERE entry.id = (SELECT entry FROM batch WHERE id = ?)",
}

_MOVED_LAST = (
    f"{_ACTS} WHERE entry.id = (SELECT entry FROM transfer ORDER BY transfer.id DESC LIMIT 1)"
)


def _act(row: Any) -> ActRow:
    fields: list[Any] = list(row)
    fields[7] = from_micros(fields[7])
    return ActRow._make(fields)


# --- books ----------------------------------------------------------------------------------------


def held(
    engine: Engine, books: Sequence[str], kinds: Collection[Kind] | None = None
) -> list[HeldRow]:
    asked = [kind for kind in SIDES if kinds is None or kind in kinds]
    places = [(book, kind) for book in books for kind in asked if kind not in _OPEN_ONLY]
    rows: list[Any] = []
    if places:
        rows = engine.rows(
            f"WITH place (book, kind) AS (VALUES {', '.join('(?, ?)' for _ in places)})"
            " SELECT account.book, account.kind,"
            " iif(account.kind IN ('incoming', 'outgoing', 'bank_reserve'), owner, 0) AS whose,"
            " count(*), sum(abs(credits_fen - debits_fen))"
            " FROM place CROSS JOIN account USING (book, kind) GROUP BY 1, 2, 3",
            *(value for place in places for value in place),
        )
    if PLATFORM in books and not _OPEN_ONLY.isdisjoint(asked):
        rows += engine.rows(_OPEN)
    return [HeldRow(book, Kind(kind), *rest) for book, kind, *rest in rows]


_OPEN = (
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
"""The accounts of `_OPEN_ONLY` whose packet, payment or hold is open."""


def changed(engine: Engine, entries: Collection[int]) -> list[ChangedRow]:
    rows = engine.rows(
        "SELECT entry, kind, owner, sum(fen) * iif(side = 'credit', 1, -1)"
        " FROM (SELECT debit AS account, entry, -amount_fen AS fen FROM transfer"
        f"  WHERE entry IN ({marks(entries)}) AND book = 'platform'"
        "  UNION ALL SELECT credit, entry, amount_fen FROM transfer"
        f"  WHERE entry IN ({marks(entries)}) AND book = 'platform') AS moved"
        " JOIN account ON account.id = account"
        " GROUP BY entry, kind, owner, side ORDER BY entry, kind, owner",
        *entries,
        *entries,
    )
    return [ChangedRow(entry, Kind(kind), owner, int(fen)) for entry, kind, owner, fen in rows]


def moved(engine: Engine, entries: Collection[int]) -> Moved:
    return Moved(_transfers(engine, entries), _accounts(engine, entries))


def _transfers(engine: Engine, entries: Collection[int]) -> Iterator[MovedRow]:
    for row in engine.each(
        "SELECT entry, transfer.book, giver.kind, taker.kind, amount_fen, reason FROM transfer"
        " JOIN account AS giver ON giver.id = debit JOIN account AS taker ON taker.id = credit"
        f" WHERE entry IN ({marks(entries)}) ORDER BY transfer.id",
        *entries,
    ):
        yield MovedRow._make(row)


def _accounts(engine: Engine, entries: Collection[int]) -> Iterator[ChangeRow]:
    first = min(entries)
    for book, kind, *rest in engine.each(
        "SELECT book, kind, owner, abs(credits_fen - debits_fen),"
        " sum(fen) * iif(side = 'credit', 1, -1),"
        f" sum(iif(entry IN ({marks(entries)}), fen, 0)) * iif(side = 'credit', 1, -1)"
        " FROM (SELECT debit AS account, entry, -amount_fen AS fen FROM transfer"
        "  WHERE entry >= ?"
        "  UNION ALL SELECT credit, entry, amount_fen FROM transfer WHERE entry >= ?) AS moved"
        " JOIN account ON account.id = account GROUP BY account.id",
        *entries,
        first,
        first,
    ):
        yield ChangeRow._make([book, Kind(kind), *rest])
