"""Packets and their claims."""

from datetime import datetime
from typing import Any

from hongbao.domain.fairness import DrawInput
from hongbao.domain.ledger import PLATFORM, Account, Kind
from hongbao.domain.packet import DealRule, Hold, Packet, PacketKind
from hongbao.engines.sqlcipher.books import Books
from hongbao.errors import Damaged
from hongbao.store import ClaimRow, PacketRow
from hongbao.units import from_micros, to_micros


class Packets(Books):
    """Packets and their claims in SQL."""

    def _add_packet(self, row: PacketRow) -> None:
        packet = row.packet
        self._open_account(row.account)
        self._write(
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

    def packet(self, packet_id: str) -> PacketRow | None:
        row = self.row(f"{_PACKETS} WHERE packet.id = ?", packet_id)
        return _packet(row) if row else None

    def packet_numbered(self, number: int) -> str:
        return str(self.row("SELECT id FROM packet WHERE number = ?", number)[0])

    def packet_of_entry(self, entry: int) -> str | None:
        row = self.row("SELECT id FROM packet WHERE entry = ?", entry)
        return row and str(row[0])

    def sent(self, profile: int, limit: int) -> list[PacketRow]:
        return self._packets(
            "packet.sender = ? ORDER BY packet.number DESC LIMIT ?", profile, limit
        )

    def received(self, profile: int, limit: int) -> list[PacketRow]:
        return self._packets(
            "packet.number IN (SELECT packet FROM claim WHERE profile = ?)"
            " ORDER BY packet.number DESC LIMIT ?",
            profile,
            limit,
        )

    def claimable(self, profile: int, now: datetime, *, own: bool, limit: int) -> list[PacketRow]:
        return self._packets(
            "packet.closed_at IS NULL AND packet.expires_at > ?"
            " AND (held IS NULL OR (hold.until <= ? AND hold.ends = 'release'))"
            " AND (packet.recipient IS NULL OR packet.recipient = ?)"
            " AND (packet.sender <> ? OR (? AND packet.count > 1))"
            " AND NOT EXISTS (SELECT 1 FROM claim"
            "   WHERE claim.profile = ? AND claim.packet = packet.number)"
            " ORDER BY packet.expires_at, packet.number LIMIT ?",
            to_micros(now),
            to_micros(now),
            profile,
            profile,
            own,
            profile,
            limit,
        )

    def due(self, now: datetime, sender: int | None, limit: int) -> list[PacketRow]:
        return self._packets(
            "packet.closed_at IS NULL AND packet.expires_at <= ? AND held IS NULL"
            " AND (? IS NULL OR packet.sender = ?)"
            " ORDER BY packet.expires_at, packet.number LIMIT ?",
            to_micros(now),
            sender,
            sender,
            limit,
        )

    def next_expiry(self) -> datetime | None:
        row = self.row(
            "SELECT expires_at FROM packet WHERE closed_at IS NULL AND held IS NULL"
            " ORDER BY expires_at LIMIT 1"
        )
        return row and from_micros(row[0])

    def in_packets_fen(self, profile: int, now: datetime) -> tuple[int, int, int]:
        found = {"open": 0, "due": 0, "held": 0}
        for state, fen in self.rows(
            "SELECT CASE WHEN hold.until > ?1 THEN 'held' WHEN hold.ends = 'return' THEN 'due'"
            " WHEN expires_at > ?1 THEN 'open' ELSE 'due' END, sum(total_fen - claimed_fen)"
            " FROM packet LEFT JOIN review_case AS hold ON hold.number = held"
            " WHERE sender = ?2 AND packet.closed_at IS NULL GROUP BY 1",
            to_micros(now),
            profile,
        ):
            found[state] = int(fen)
        return found["open"], found["due"], found["held"]

    def _packets(self, where: str, *values: object) -> list[PacketRow]:
        return [_packet(row) for row in self.rows(f"{_PACKETS} WHERE {where}", *values)]

    def claimed_fen(self, packet: int, profile: int) -> int | None:
        row = self.row(
            "SELECT amount_fen FROM claim WHERE profile = ? AND packet = ?", profile, packet
        )
        return row and int(row[0])

    def _add_claim(
        self,
        packet: Packet,
        profile: int,
        amount_fen: int,
        drawn: DrawInput,
        entry: int,
        at: datetime,
    ) -> None:
        """Give *profile* the packet's next share, and close the packet with its last one."""
        seat = packet.claimed_count + 1
        self._write(
            "INSERT INTO claim (packet, seat, profile, amount_fen, nonce, luck, entry)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            packet.number,
            seat,
            profile,
            amount_fen,
            *drawn,
            entry,
        )
        self._write(
            "UPDATE packet SET claimed_fen = claimed_fen + ?, claimed_count = ?, closed_at = ?"
            " WHERE number = ?",
            amount_fen,
            seat,
            to_micros(at) if seat == packet.count else None,
            packet.number,
        )

    def _close_packet(self, packet: int, at: datetime) -> None:
        self._write("UPDATE packet SET closed_at = ? WHERE number = ?", to_micros(at), packet)

    def claims(self, packet: int) -> list[ClaimRow]:
        rows = self.rows(
            "SELECT entry.at, claim.seat, claim.profile, profile.name, claim.amount_fen,"
            " entry.request_id, nonce, luck, hold.state"
            " FROM claim JOIN profile ON profile.id = claim.profile"
            " JOIN entry ON entry.id = claim.entry"
            " LEFT JOIN review_case AS hold ON hold.entry = claim.entry AND hold.kind = 'hold'"
            " WHERE claim.packet = ? ORDER BY claim.seat",
            packet,
        )
        return [
            ClaimRow(from_micros(at), seat, profile, name, amount_fen, request_id, drawn, hold)
            for at, seat, profile, name, amount_fen, request_id, nonce, luck, hold in rows
            for drawn in [DrawInput(nonce, luck)]
        ]


_PACKETS = (
    "SELECT packet.number, packet.id, packet.number, packet.entry, sender, recipient,"
    " packet.kind, deal,"
    " total_fen, count, share_max_fen, greeting, cover, card, seed, created_at, expires_at,"
    " claimed_fen, claimed_count, closed_at, held, hold.until, hold.ends, giver.name, taker.name"
    " FROM packet JOIN profile AS giver ON giver.id = sender"
    " LEFT JOIN profile AS taker ON taker.id = recipient"
    " LEFT JOIN review_case AS hold ON hold.number = held"
)


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
