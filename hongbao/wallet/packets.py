"""Packets at the desk: claimed share by share, and what is left refunded."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TypeVar

from hongbao.answers import (
    Answer,
    Claimed,
    Delayed,
    Held,
    Refunded,
    Refunds,
)
from hongbao.domain.channel import MessageState
from hongbao.domain.dates import days_after_midnight
from hongbao.domain.fairness import share_amount
from hongbao.domain.ids import check_request_id, parse_packet_id
from hongbao.domain.ledger import Reason, Transfer
from hongbao.domain.packet import (
    check_claim,
    check_refund,
)
from hongbao.domain.risk.acts import Verdict, What
from hongbao.errors import (
    PacketNotFound,
    PacketRefunded,
    RequestConflict,
)
from hongbao.store import MessageRow, PacketRow, ProfileRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.holds import BALANCE, HoldOver, terms_of
from hongbao.wallet.sending import Sending

A = TypeVar("A")

DUE_AT_ONCE = 1000
"""How many due packets are looked up together; the rest follow."""


_MILLISECOND = timedelta(milliseconds=1)


class Packets(Sending):
    """Steps 5 to 8."""

    # --- steps 5 to 7: claim, allocate, settle ---------------------------------------------------

    def claim(self, packet: str, *, request_id: str | None = None) -> Claimed:
        """
        Take this profile's share of *packet*; its amount is drawn at this moment.

        There is no dry run: who could see an amount without taking it would try request ids until
        they like what they see.

        Raises InvalidPacketId or PacketNotFound; then, in this order, OwnPacket, NotForYou,
        AlreadyClaimed, PacketFinished, PacketRefunded, PacketExpired or PacketHeld.
        """
        wanted = parse_packet_id(packet)
        self._watch.skip()

        def work(doing: Act) -> Claimed:
            me = doing.me
            row = self._packet_row(wanted)
            packet = row.packet
            self._check_hold(doing, packet)
            check_claim(
                packet,
                me.id,
                now=doing.now,
                claimed_fen=self.store.claimed_fen(packet.number, me.id),
                sender_may_claim=self._policy_of(doing.home).packet.sender_may_claim_group,
                why=self._why_held(packet),
            )
            decision = self._judge(
                doing,
                What.CLAIM,
                packet.remaining_fen // (packet.count - packet.claimed_count),
                other=packet.sender,
                reaction_ms=(doing.now - packet.created_at) // _MILLISECOND,
            )
            self._watch.lap(5)
            seat = packet.claimed_count + 1
            amount_fen = share_amount(
                packet.deal,
                row.seed,
                packet.id,
                packet.total_fen,
                packet.count,
                packet.share_max_fen,
                packet.remaining_fen,
                seat,
                doing.request_id,
            )
            self._watch.lap(6)
            self._remember_amount(doing, amount_fen)
            rule, days = decision.rule, self._policy_of(doing.home).settlement.claims_after_days
            held: Held | None = None
            delayed: Delayed | None = None
            if rule is not None and decision.verdict is Verdict.HOLD:
                case, held = self._hold(doing, terms_of(rule), amount_fen, packet=packet.number)
                doing.post(Transfer(row.account, self._held(case), amount_fen, Reason.CLAIM))
                days = 0  # they begin when it is let go
            else:
                doing.post(Transfer(row.account, me.account, amount_fen, Reason.CLAIM))
            if rule is not None and decision.verdict is Verdict.DELAY:
                days = max(days, rule.delay_days)
                until = iso(days_after_midnight(doing.now, days))
                delayed = {"until": until, "rule": rule.id, "why": dict(rule.says)}
            if days:
                from_at = days_after_midnight(doing.now, days)
                doing.once_entered(lambda: self.store.add_maturing(me.id, from_at, amount_fen))
            doing.once_entered(
                lambda: self.store.add_claim(
                    packet, me.id, amount_fen=amount_fen, entry=doing.entry, at=doing.now
                )
            )
            doing.packet = packet.number
            doing.counterparty = packet.sender
            self._watch.lap(7)
            return {
                **doing.common,
                "packet": packet.id,
                "kind": str(packet.kind),
                "sender": row.sender_name,
                "greeting": row.greeting,
                "seat": seat,
                "amount_fen": amount_fen,
                "count": packet.count,
                "finished": seat == packet.count,
                "balance_fen": doing.balance_fen,
                "held": held,
                "delayed": delayed,
            }

        def claimed() -> Claimed:
            return self._act(
                "claim",
                {"packet": wanted},
                work,
                request_id=request_id,
                changing=(("packet", wanted), ("profile", self._name)),
            )

        return self._past_hold(claimed)

    def _past_hold(self, ask: Callable[[], A]) -> A:
        """Return what *ask* gives, once the hold is ended that it meets and that is over."""
        try:
            return ask()
        except HoldOver as over:
            self._end_hold(over.case)
            return ask()

    # --- step 8: refund --------------------------------------------------------------------------

    def refund(
        self, packet: str, *, request_id: str | None = None, dry_run: bool = False
    ) -> Refunds:
        """
        Return what nobody claimed of *packet*, the way it came.

        Raises InvalidPacketId, PacketNotFound, NotYourPacket, NothingToRefund, PacketRefunded,
        PacketNotExpired or PacketHeld.
        """
        refunded = self._refund(parse_packet_id(packet), request_id=request_id, dry_run=dry_run)
        return _refunds([refunded])

    def refund_due(self, *, request_id: str | None = None, dry_run: bool = False) -> Refunds:
        """
        Return everything of this profile's that is due back, the longest due first.

        Each packet's refund is an act of its own, so that being killed half-way loses nothing:
        made again with the same *request_id*, it goes on with what is left.
        """
        if not dry_run:
            self._catch_up()
        me = self.me
        before: list[Refunded] = []
        if request_id is not None:
            check_request_id(request_id)
            if self.store.requested(request_id, me.id) is not None:
                raise RequestConflict(request_id)
            before = self._refunded_before(request_id, me)
        refunded: list[Refunded] = []
        undone_fen = 0
        for row in self.store.due(self.now(), me.id, limit=-1):
            packet = row.packet.id
            with suppress(PacketRefunded):  # somebody else was quicker: it is back already
                refund = self._refund(packet, request_id=request_id, part=packet, dry_run=dry_run)
                if dry_run:  # each was undone before the next
                    refund["balance_fen"] += undone_fen
                    undone_fen += refund["amount_fen"] if refund["refunded_to"] == BALANCE else 0
                refunded.append(refund)
        answer = _refunds(before + refunded)
        if before and not refunded:
            answer["replayed"] = True
        return answer

    def _refunded_before(self, request_id: str, me: ProfileRow) -> list[Refunded]:
        return [json.loads(part.answer) for part in self.store.requested_parts(request_id, me.id)]

    def _refund(
        self,
        packet: str,
        *,
        request_id: str | None = None,
        part: str | None = None,
        dry_run: bool = False,
        sender: int | None = None,
        at: datetime | None = None,
    ) -> Refunded:
        """Refund *packet*; where the platform does it by itself, for its *sender*, as of *at*."""

        def work(doing: Act) -> Refunded:
            row = self._packet_row(packet)
            self._check_hold(doing, row.packet)
            why = self._why_held(row.packet)
            check_refund(row.packet, doing.me.id, now=doing.now, why=why)
            amount_fen = row.packet.remaining_fen
            back = self._send_back(doing, row, row.account, amount_fen, Reason.REFUND)
            self.store.close_packet(row.packet.number, doing.now)
            self._watch.lap(8)
            return {
                **doing.common,
                "packet": packet,
                "amount_fen": amount_fen,
                **back,
                "balance_fen": doing.balance_fen,
            }

        def refund() -> Refunded:
            return self._act(
                "refund",
                {"packet": packet},
                work,
                request_id=request_id,
                part=part,
                changing=(("packet", packet), ("profile", sender or self._name)),
                profile=None if sender is None else lambda: self._profile_by_id(sender),
                at=at,
                signed=sender is None,
            )

        with self._rehearsal(dry_run):
            self._watch.skip()
            refunded = self._past_hold(refund)
            # An answer of an older hongbao has no payment: its refund was done at once.
            payment = refunded.get("payment")
            if payment is not None and refunded["arrives_at"] <= iso(self.now()):
                message = self.store.message_called(payment)
                assert message is not None
                self._carry(message.number)
        return {**refunded, "dry_run": True} if dry_run else refunded

    # --- what payments through the channel are for -----------------------------------------------

    def _booked(self, doing: Act, message: MessageRow) -> Answer:
        if message.reason is not Reason.REFUND:
            return super()._booked(doing, message)
        outgoing = self._in_transit(message.bank).outgoing
        doing.post(Transfer(self._frozen(message), outgoing, message.amount_fen, Reason.REFUND))
        doing.packet = message.packet
        return self._told(doing, message, MessageState.ACCEPTED)

    def _packet_row(self, packet: str) -> PacketRow:
        row = self.store.packet(packet)
        if row is None:
            raise PacketNotFound(packet)
        return row


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
