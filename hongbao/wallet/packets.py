"""Packets (红包): paid for, and from then on there to be claimed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hongbao.changes.packets import AddPacket, HoldPacket
from hongbao.domain.fairness import SEED_BYTES, Terms, commitment
from hongbao.domain.ids import packet_id
from hongbao.domain.ledger import PLATFORM, Account, Kind, Reason, Transfer
from hongbao.domain.packet import DealRule, Packet, PacketKind
from hongbao.home.opened import Home
from hongbao.queries.packets import BALANCE
from hongbao.store import MessageRow, PacketRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.holds import held_account, open_hold
from hongbao.wallet.instructing import answer_base

if TYPE_CHECKING:
    from hongbao.answers import Sent


def open_packet(
    home: Home,
    doing: Act,
    terms: Mapping[str, Any],
    source: Account,
    paid: MessageRow | None = None,
) -> Sent:
    """
    Put what *source* gives into a packet of these *terms*: from now on it can be claimed.

    Where they say hold, it cannot before its case is closed, and its time begins only then.
    """
    total_fen, count = terms["total_fen"], terms["count"]
    kind, deal = PacketKind(terms["kind"]), DealRule(terms["deal"])
    hold = terms.get("hold")
    lasts = terms["expires_hours"] + (hold["hours"] if hold else 0)
    asked = doing.common if paid is None else answer_base(home, doing, paid)
    seed = doing.chance(SEED_BYTES)
    packet = Packet(
        number=home.store.next_number("packet"),
        id=_free_packet_id(home, doing, asked["request_id"]),
        sender=doing.me.id,
        recipient=terms["recipient"],
        kind=kind,
        deal=deal,
        total_fen=total_fen,
        count=count,
        share_max_fen=terms["share_max_fen"],
        claimed_fen=0,
        claimed_count=0,
        created_at=doing.now,
        expires_at=doing.now + timedelta(hours=lasts),
        closed_at=None,
    )
    account = Account(PLATFORM, Kind.PACKET, packet.number)
    held = None
    if hold:
        case, held = open_hold(home, doing, hold, total_fen, packet=packet.number)
        doing.post(Transfer(source, held_account(case), total_fen, Reason.SEND))
        doing.change(HoldPacket(packet.number, case.number))
    else:
        doing.post(Transfer(source, account, total_fen, Reason.SEND))
    to = packet.recipient and home.profile_by_id(packet.recipient)
    card = home.store.card(paid.card) if paid else None
    doing.change(
        AddPacket(
            PacketRow(
                packet=packet,
                account=account,
                entry=doing.entry,
                card=None if card is None else card.id,
                seed=seed,
                greeting=terms["greeting"],
                cover=terms["cover"],
                sender_name=doing.me.name,
                recipient_name=to.name if to else None,
            )
        )
    )
    doing.packet = packet.number
    doing.counterparty = packet.recipient
    answer: Sent = {
        **asked,
        "packet": packet.id,
        "kind": str(kind),
        "deal": str(deal),
        "total_fen": total_fen,
        "count": count,
        "share_max_fen": packet.share_max_fen,
        "recipient": to.name if to else None,
        "greeting": terms["greeting"],
        "cover": terms["cover"],
        "paid_from": card.name if card else BALANCE,
        "payment": paid.id if paid else None,
        "commitment": commitment(Terms.of(packet), seed),
        "expires_at": iso(packet.expires_at),
        "balance_fen": doing.balance_fen,
        "held": held,
        "scripted": doing.home_row.is_scripted,
    }
    home.watch.lap(3)
    return answer


def _free_packet_id(home: Home, doing: Act, asked: str) -> str:
    """
    Return an id that no packet has.

    A cluster may lose a packet whose id people have. So there it follows from the request that was
    *asked*, by a key: the same request again is the same packet, and claims of it find it.
    """
    if home.store.log is not None and doing.home_row.dice is None:
        number = home.vault.blind("packet", f"{doing.me.id}/{asked}")
    else:
        number = doing.chance(8)
    drawn = packet_id(number)
    while home.store.packet(drawn) is not None:
        drawn = packet_id(doing.chance(8))
    return drawn
