"""Refunds: step 8, the unclaimed amount goes back the way it was paid."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, cast

from hongbao.changes.packets import ClosePacket
from hongbao.domain.ids import check_request_id, parse_packet_id
from hongbao.domain.ledger import Reason
from hongbao.domain.packet import check_refund
from hongbao.errors import PacketRefunded, RequestConflict
from hongbao.home.opened import Home
from hongbao.queries.acts import answer_to
from hongbao.queries.packets import BALANCE, packet_row
from hongbao.store import PacketView, ProfileRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.claim import past_hold
from hongbao.wallet.clearing import carry
from hongbao.wallet.holds import check_hold, why_held
from hongbao.wallet.releasing import catch_up, send_back
from hongbao.wallet.unit_of_work import perform, rehearsal

if TYPE_CHECKING:
    from hongbao.answers import Refunded, Refunds

DUE_AT_ONCE = 1000
"""How many due packets are looked up together; the rest follow."""


def refund(
    home: Home, packet: str, *, request_id: str | None = None, dry_run: bool = False
) -> Refunds:
    """
    Return the unclaimed amount of *packet*, the way it was paid.

    Raises InvalidPacketId, PacketNotFound, NotYourPacket, NothingToRefund, PacketRefunded,
    PacketNotExpired or PacketHeld.
    """
    refunded = refund_packet(home, parse_packet_id(packet), request_id=request_id, dry_run=dry_run)
    return _refunds([refunded])


def refund_due(home: Home, *, request_id: str | None = None, dry_run: bool = False) -> Refunds:
    """
    Return everything of this profile's that is due back, the longest due first.

    Each packet's refund is a separate act, so that being killed half-way loses nothing:
    made again with the same *request_id*, it continues with what is left.
    """
    if not dry_run:
        catch_up(home)
    me = home.me
    before: list[Refunded] = []
    if request_id is not None:
        check_request_id(request_id)
        if home.store.request(request_id, me.id).act is not None:
            raise RequestConflict(request_id)
        before = _refunded_before(home, request_id, me)
    refunded: list[Refunded] = []
    undone_fen = 0
    for row in home.store.packets(PacketView.DUE, me.id, home.now(), limit=-1):
        packet = row.packet.id
        with suppress(PacketRefunded):  # another process was faster: it is returned already
            done = refund_packet(home, packet, request_id=request_id, part=packet, dry_run=dry_run)
            if dry_run:  # each was undone before the next
                done["balance_fen"] += undone_fen
                undone_fen += done["amount_fen"] if done["refunded_to"] == BALANCE else 0
            refunded.append(done)
    return _refunds(before + refunded)


def _refunded_before(home: Home, request_id: str, me: ProfileRow) -> list[Refunded]:
    parts = home.store.acts(parts_of=(request_id, me.id))
    return [cast("Refunded", {**answer_to(home, part), "replayed": True}) for part in parts]


def refund_packet(
    home: Home,
    packet: str,
    *,
    request_id: str | None = None,
    part: str | None = None,
    dry_run: bool = False,
    sender: int | None = None,
    at: datetime | None = None,
) -> Refunded:
    """Refund *packet*; if the platform does it automatically, for its *sender*, as of *at*."""

    def work(doing: Act) -> Refunded:
        row = packet_row(home, packet)
        with home.checking("refundable") as seen:
            if seen is not None:
                seen.update(
                    expires_at=iso(row.packet.expires_at), left_fen=row.packet.remaining_fen
                )
            check_hold(doing, row.packet)
            why = why_held(home, row.packet)
            check_refund(row.packet, doing.me.id, now=doing.now, why=why)
        amount_fen = row.packet.remaining_fen
        back = send_back(home, doing, row, row.account, amount_fen, Reason.REFUND)
        doing.change(ClosePacket(row.packet.number, doing.now))
        home.watch.lap(8)
        return {
            **doing.common,
            "packet": packet,
            "amount_fen": amount_fen,
            **back,
            "balance_fen": doing.balance_fen,
        }

    def refund() -> Refunded:
        return perform(
            home,
            "refund",
            {"packet": packet},
            work,
            request_id=request_id,
            part=part,
            profile=None if sender is None else lambda _row: home.profile_by_id(sender),
            at=at,
            signed=sender is None,
            changing=[("packet", packet)],
        )

    with rehearsal(home, dry_run):
        home.watch.skip()
        refunded = past_hold(home, refund)
        payment = refunded["payment"]
        if payment is not None and refunded["arrives_at"] <= iso(home.now()):
            message = home.store.message(payment)
            assert message is not None
            carry(home, message.number)
    return {**refunded, "dry_run": True} if dry_run else refunded


def _refunds(refunds: list[Refunded]) -> Refunds:
    answer: Refunds = {
        "refunded_fen": sum(refund["amount_fen"] for refund in refunds),
        "refunds": refunds,
    }
    if refunds and all("replayed" in refund for refund in refunds):
        answer["replayed"] = True
    if refunds and all("dry_run" in refund for refund in refunds):
        answer["dry_run"] = True
    return answer
