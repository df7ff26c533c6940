"""Today at a glance: the balance, and everything that waits for the one who acts."""

from typing import TYPE_CHECKING

from hongbao.home.opened import Home
from hongbao.queries.balance import balance
from hongbao.store import CaseView, MessageView, PacketRow, PacketView
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import Today, TodayPacket

LISTED_MAX = 3
"""How many packets of each kind, payments and cases are listed; the rest are counted."""

COUNTED_MAX = 100
"""How far packets and cases are counted: a glance does not go through thousands."""


def today(home: Home) -> "Today":
    """Return the balance and what waits: packets, payments, refunds and cases."""
    with home.looking():
        me, now, store = home.me, home.now(), home.store
        money = balance(home)
        claimable, mine, due = (
            store.packets(view, me.id, now, COUNTED_MAX)
            for view in (PacketView.CLAIMABLE, PacketView.OPEN, PacketView.DUE)
        )
        payments = store.messages(MessageView.UNDER_WAY, profile=me.id)
        cases = store.cases(CaseView.WAITING, profile=me.id, limit=COUNTED_MAX)
        return {
            "profile": me.name,
            "sandbox": home.is_sandbox,
            "clock": "real" if home.row.virtual_at is None else "virtual",
            "at": iso(now),
            "available_fen": money["available_fen"],
            "frozen_fen": money["frozen_fen"],
            "due_back_fen": money["due_back_fen"],
            "held_fen": money["held_fen"],
            "on_its_way_fen": money["on_its_way_fen"],
            "total_fen": money["total_fen"],
            "cards": len(store.cards(me.id)),
            "claimable": [_packet(row) for row in claimable[:LISTED_MAX]],
            "claimable_count": len(claimable),
            "open": [_packet(row) for row in mine[:LISTED_MAX]],
            "open_count": len(mine),
            "due": [_packet(row) for row in due[:LISTED_MAX]],
            "due_count": len(due),
            "payments": [
                {
                    "payment": row.id,
                    "reason": str(row.reason),
                    "state": str(row.state),
                    "amount_fen": row.amount_fen,
                }
                for row in payments[:LISTED_MAX]
            ],
            "payments_count": len(payments),
            "unanswered": money["unanswered"],
            "cases": [{"case": row.id, "amount_fen": row.amount_fen} for row in cases[:LISTED_MAX]],
            "cases_count": len(cases),
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
