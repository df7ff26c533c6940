"""Today at a glance: the balance, and everything that waits for the one who acts."""

from typing import TYPE_CHECKING

from hongbao.home.opened import Home
from hongbao.queries.balance import balance
from hongbao.store import PacketRow, PacketView
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import Today, TodayPacket

LISTED_MAX = 3
"""How many packets of each kind, payments and cases are listed; the rest are counted."""


def today(home: Home) -> "Today":
    """Return the balance and what waits: packets, payments, refunds and cases."""
    with home.looking():
        me, now, store = home.me, home.now(), home.store
        money = balance(home)
        counts = store.counts(me.id, now)

        def listed(view: PacketView, count: int) -> "list[TodayPacket]":
            rows = store.packets(view, me.id, now, LISTED_MAX) if count else []
            return [_packet(row) for row in rows]

        payments = store.messages(under_way=me.id)[:LISTED_MAX] if counts.payments else []
        cases = store.cases(profile=me.id, limit=LISTED_MAX) if counts.cases else []
        return {
            "profile": me.name,
            "clock": "real" if home.row.virtual_at is None else "virtual",
            "at": iso(now),
            "available_fen": money["available_fen"],
            "frozen_fen": money["frozen_fen"],
            "due_back_fen": money["due_back_fen"],
            "held_fen": money["held_fen"],
            "on_its_way_fen": money["on_its_way_fen"],
            "total_fen": money["total_fen"],
            "cards": len(store.cards(me.id)),
            "claimable": listed(PacketView.CLAIMABLE, counts.claimable),
            "claimable_count": counts.claimable,
            "open": listed(PacketView.OPEN, counts.open),
            "open_count": counts.open,
            "due": listed(PacketView.DUE, counts.due),
            "due_count": counts.due,
            "payments": [
                {
                    "payment": row.id,
                    "reason": str(row.reason),
                    "state": str(row.state),
                    "amount_fen": row.amount_fen,
                }
                for row in payments
            ],
            "payments_count": counts.payments,
            "unanswered": money["unanswered"],
            "cases": [{"case": row.id, "amount_fen": row.amount_fen} for row in cases],
            "cases_count": counts.cases,
        }


def _packet(row: PacketRow) -> "TodayPacket":
    packet = row.packet
    return {
        "packet": packet.id,
        "sender": row.sender_name,
        "recipient": row.recipient_name,
        "greeting": row.greeting,
        "total_fen": packet.total_fen,
        "count": packet.count,
        "claimed_count": packet.claimed_count,
        "remaining_fen": packet.remaining_fen,
        "expires_at": iso(packet.expires_at),
    }
