"""Packets and their claims."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, overload

from hongbao.domain.ledger import PLATFORM, Account, Kind
from hongbao.domain.packet import DealRule, Hold, Packet, PacketKind
from hongbao.engines.sql.books import open_account
from hongbao.engines.sql.engine import NOT_HELD, Engine, write_one
from hongbao.errors import Damaged
from hongbao.store import ClaimRow, NextDue, PacketRow, PacketView, SumsRow
from hongbao.units import from_micros, to_micros

if TYPE_CHECKING:
    from hongbao.domain.fairness import DrawInput


def add_packet(engine: Engine, row: PacketRow) -> None:
    packet = row.packet
    open_account(engine, row.account)
    engine.write(
        "INSERT INTO packet (number, id, entry, sender, recipient, kind, deal,"
        " total_fen, count, share_max_fen, greeting, cover, card, seed, created_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        packet.number,
        packet.id,
        row.entry,
        packet.sender,
        packet.recipient,
        packet.kind,
        packet.deal,
        packet.total_fen,
        packet.count,
        packet.share_max_fen,
        row.greeting,
        row.cover,
        row.card,
        row.seed,
        to_micros(packet.created_at),
        to_micros(packet.expires_at),
    )


@overload
def packet(engine: Engine, which: int) -> PacketRow: ...


@overload
def packet(engine: Engine, which: str = "", *, entry: int | None = None) -> PacketRow | None: ...


def packet(engine: Engine, which: int | str = "", *, entry: int | None = None) -> PacketRow | None:
    if isinstance(which, int):
        return _packet(engine.existing(engine.row(f"{_PACKETS} WHERE packet.number = ?", which)))
    if entry is not None:
        row = engine.row(f"{_PACKETS} WHERE packet.entry = ?", entry)
    else:
        row = engine.row(f"{_PACKETS} WHERE packet.id = ?", which)
    return _packet(row) if row else None


def packets(
    engine: Engine, view: PacketView, profile: int | None, now: datetime, limit: int
) -> list[PacketRow]:
    rows = engine.rows(f"{_PACKETS} WHERE {_VIEWS[view]} LIMIT ?3", to_micros(now), profile, limit)
    return [_packet(row) for row in rows]


def sums(engine: Engine, profile: int, now: datetime) -> SumsRow:
    fields = list(engine.row(_SUMS, to_micros(now), profile))
    fields[-1] = None if fields[-1] is None else from_micros(fields[-1])
    return SumsRow(*fields)


def next_due(engine: Engine, now: datetime, patience: timedelta) -> NextDue:
    *moments, is_unfinished = engine.row(
        _NEXT_DUE, to_micros(now), patience // timedelta(microseconds=1)
    )
    hold_end, refund, delivery = (
        None if moment is None else from_micros(moment) for moment in moments
    )
    return NextDue(hold_end, refund, delivery, is_unfinished=bool(is_unfinished))


def add_claim(
    engine: Engine,
    packet: Packet,
    profile: int,
    amount_fen: int,
    drawn: "DrawInput",
    entry: int,
    at: datetime,
) -> None:
    """Give *profile* the packet's next share, and close the packet with its last one."""
    seat = packet.claimed_count + 1
    engine.write(
        ADD_CLAIM,
        packet.number,
        seat,
        profile,
        amount_fen,
        *drawn,
        entry,
    )
    write_one(
        engine,
        TAKE_SHARE,
        amount_fen,
        seat,
        to_micros(at) if seat == packet.count else None,
        packet.number,
        packet.claimed_count,
        packet.claimed_fen,
    )


ADD_CLAIM = (
    "INSERT INTO claim (packet, seat, profile, amount_fen, nonce, luck, entry)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)

TAKE_SHARE = (
    "UPDATE packet SET claimed_fen = claimed_fen + ?1, claimed_count = ?2, closed_at = ?3"
    " WHERE number = ?4 AND claimed_count = ?5 AND claimed_fen = ?6 AND closed_at IS NULL"
    " AND ?6 + ?1 <= total_fen AND ?2 <= count"
)


def close_packet(engine: Engine, packet: int, at: datetime) -> None:
    engine.write("UPDATE packet SET closed_at = ? WHERE number = ?", to_micros(at), packet)


def claims(engine: Engine, packet: int, profile: int | None = None) -> list[ClaimRow]:
    from hongbao.domain.fairness import DrawInput

    where, values = "", [packet]
    if profile is not None:
        where, values = " AND claim.profile = ?", [packet, profile]
    rows = engine.rows(
        "SELECT entry.at, claim.seat, claim.profile, profile.name, claim.amount_fen,"
        " entry.request_id, nonce, luck, claim.entry, hold.state"
        " FROM claim JOIN profile ON profile.id = claim.profile"
        " JOIN entry ON entry.id = claim.entry"
        " LEFT JOIN review_case AS hold ON hold.entry = claim.entry AND hold.kind = 'hold'"
        f" WHERE claim.packet = ?{where} ORDER BY claim.seat",
        *values,
    )
    return [
        ClaimRow._make([from_micros(at), *fields, DrawInput(nonce, luck), entry, hold])
        for at, *fields, nonce, luck, entry, hold in rows
    ]


def _claimable(whose: str) -> str:
    return (
        "packet.closed_at IS NULL AND packet.expires_at > ?1"
        " AND (held IS NULL OR (hold.until <= ?1 AND hold.ends = 'release'))"
        " AND (packet.recipient IS NULL OR packet.recipient = ?2)"
        f" AND {whose} AND NOT EXISTS (SELECT 1 FROM claim"
        "   WHERE claim.profile = ?2 AND claim.packet = packet.number)"
        " ORDER BY packet.expires_at, packet.number"
    )


_PACKETS = (
    "SELECT packet.number, packet.id, packet.number, packet.entry, sender, recipient,"
    " packet.kind, deal,"
    " total_fen, count, share_max_fen, greeting, cover, card, seed, created_at, expires_at,"
    " claimed_fen, claimed_count, closed_at, held, hold.until, hold.ends, giver.name, taker.name"
    " FROM packet JOIN profile AS giver ON giver.id = sender"
    " LEFT JOIN profile AS taker ON taker.id = recipient"
    " LEFT JOIN review_case AS hold ON hold.number = held"
)

_VIEWS = {
    PacketView.SENT: "packet.sender = ?2 ORDER BY packet.number DESC",
    PacketView.RECEIVED: (
        "packet.number IN (SELECT packet FROM claim WHERE profile = ?2) ORDER BY packet.number DESC"
    ),
    PacketView.CLAIMABLE: _claimable("packet.sender <> ?2"),
    PacketView.CLAIMABLE_OR_OWN: _claimable("(packet.sender <> ?2 OR packet.count > 1)"),
    PacketView.OPEN: (
        "packet.sender = ?2 AND packet.closed_at IS NULL AND packet.expires_at > ?1"
        " AND (held IS NULL OR (hold.until <= ?1 AND hold.ends = 'release'))"
        " ORDER BY packet.expires_at, packet.number"
    ),
    PacketView.DUE: (
        "packet.closed_at IS NULL AND packet.expires_at <= ?1 AND held IS NULL"
        " AND (?2 IS NULL OR packet.sender = ?2) ORDER BY packet.expires_at, packet.number"
    ),
}
"""How each view is found and ordered, at the moment ?1, of profile ?2."""

_SUMS = f"""
    SELECT inside.open_fen, inside.due_fen,
        inside.held_fen + (SELECT coalesce(sum(review_case.amount_fen + coalesce(fee_fen, 0)), 0)
            FROM review_case LEFT JOIN message ON message.number = message
            LEFT JOIN packet ON packet.entry = review_case.entry
            WHERE review_case.profile = ?2 AND closed IS NULL AND review_case.kind = 'hold'
            AND packet.number IS NULL),
        (SELECT coalesce(sum(CASE reason WHEN 'withdraw' THEN amount_fen + fee_fen
            WHEN 'refund' THEN amount_fen ELSE 0 END), 0)
            FROM message WHERE profile = ?2 AND outcome IS NULL AND {NOT_HELD}),
        (SELECT count(*) FROM message WHERE profile = ?2 AND outcome IS NULL
            AND state IN ('sent', 'unknown')),
        (SELECT coalesce(sum(amount_fen), 0) FROM maturing WHERE profile = ?2 AND from_at > ?1),
        (SELECT min(from_at) FROM maturing WHERE profile = ?2 AND from_at > ?1)
    FROM (SELECT coalesce(sum(iif(place = 'open', fen, 0)), 0) AS open_fen,
            coalesce(sum(iif(place = 'due', fen, 0)), 0) AS due_fen,
            coalesce(sum(iif(place = 'held', fen, 0)), 0) AS held_fen
        FROM (SELECT total_fen - claimed_fen AS fen,
                CASE WHEN hold.until > ?1 THEN 'held' WHEN hold.ends = 'return' THEN 'due'
                    WHEN expires_at > ?1 THEN 'open' ELSE 'due' END AS place
            FROM packet LEFT JOIN review_case AS hold ON hold.number = held
            WHERE sender = ?2 AND packet.closed_at IS NULL) AS placed) AS inside
"""
"""Of profile ?2 at the moment ?1; money of a held packet is in the packet, not in the case."""

_NEXT_DUE = f"""
    SELECT (SELECT min(until) FROM review_case WHERE closed IS NULL),
        (SELECT expires_at FROM packet WHERE closed_at IS NULL AND held IS NULL
            ORDER BY expires_at LIMIT 1),
        (SELECT min(iif(due_at > ?1, due_at, due_at + ?2)) FROM message
            WHERE outcome IS NULL AND state = 'created' AND due_at + ?2 > ?1 AND {NOT_HELD}),
        EXISTS (SELECT 1 FROM message WHERE outcome IS NULL AND state = 'unknown')
            OR EXISTS (SELECT 1 FROM message INDEXED BY message_unsettled
                WHERE state = 'accepted' AND batch IS NULL)
            OR EXISTS (SELECT 1 FROM bank_message WHERE state IN ('queued', 'late'))
"""


def _packet(row: Any) -> PacketRow:
    number, packet_id, account, entry, sender, recipient, kind, deal = row[:8]
    total_fen, count, share_max_fen, greeting, cover, card, seed = row[8:15]
    created_at, expires_at, claimed_fen, claimed_count, closed_at = row[15:20]
    held, until, ends, sender_name, recipient_name = row[20:]
    try:
        kind, deal = PacketKind(kind), DealRule(deal)
    except ValueError:  # edited past the table's own rule
        raise Damaged(path=packet_id) from None
    packet = Packet(
        number=number,
        id=packet_id,
        sender=sender,
        recipient=recipient,
        kind=kind,
        deal=deal,
        total_fen=total_fen,
        count=count,
        share_max_fen=share_max_fen,
        claimed_fen=claimed_fen,
        claimed_count=claimed_count,
        created_at=from_micros(created_at),
        expires_at=from_micros(expires_at),
        closed_at=None if closed_at is None else from_micros(closed_at),
        hold=None if held is None else Hold(held, from_micros(until), ends),
    )
    return PacketRow(
        packet,
        Account(PLATFORM, Kind.PACKET, account),
        entry,
        card,
        seed,
        greeting,
        cover,
        sender_name,
        recipient_name,
    )
