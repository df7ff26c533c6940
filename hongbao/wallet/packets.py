"""Red packets at the desk: send, claim, refund, and proof of what was dealt."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from hongbao.answers import (
    Answer,
    Claimed,
    Instructed,
    PacketLine,
    PacketShown,
    Refunded,
    Refunds,
    Sent,
    ShareLine,
    Verified,
)
from hongbao.domain.channel import MessageState
from hongbao.domain.dates import day_key, days_after_midnight, working_days_after
from hongbao.domain.deal import luckiest
from hongbao.domain.fairness import commitment, recompute, share_amount
from hongbao.domain.ids import check_request_id, packet_id, parse_packet_id
from hongbao.domain.ledger import PLATFORM, Account, Kind, Reason, Transfer
from hongbao.domain.packet import (
    DealRule,
    Packet,
    PacketKind,
    PacketState,
    check_claim,
    check_refund,
)
from hongbao.domain.policy import check_packet
from hongbao.domain.text import name_key, parse_greeting, parse_line
from hongbao.errors import (
    Damaged,
    InsufficientBalance,
    NotYetRevealed,
    PacketNotFound,
    PacketRefunded,
    RequestConflict,
    SelfRecipient,
)
from hongbao.store import CardRow, ClaimRow, MessageRow, PacketRow, ProfileRow
from hongbao.units import iso
from hongbao.wallet.acts import Act, Chance
from hongbao.wallet.cash import Cash
from hongbao.wallet.desk import AskPin

DEFAULT_GREETING = "恭喜发财，大吉大利"
COVER_LENGTH_MAX = 20
BALANCE = "balance"
_SECOND = timedelta(seconds=1)
DUE_AT_ONCE = 1000
"""How many due packets are looked up together; the rest follow."""


class Packets(Cash):
    """What people do with packets."""

    # --- steps 1 to 3: create, authorise, freeze -------------------------------------------------

    def send(
        self,
        total_fen: int,
        *,
        pin: AskPin,
        count: int = 1,
        kind: PacketKind = PacketKind.LUCKY,
        recipient: str | None = None,
        greeting: str = DEFAULT_GREETING,
        cover: str | None = None,
        paid_from: str = BALANCE,
        deal: DealRule = DealRule.DOUBLE_MEAN,
        request_id: str | None = None,
        dry_run: bool = False,
    ) -> Sent:
        """
        Put *total_fen* into a packet of *count* shares that others can claim for 24 hours.

        *paid_from* is ``balance`` or a card. The fairness commitment is published with the answer.
        What cannot be a packet at all is refused before the PIN is asked for.

        Raises InvalidCount, ShareTooSmall, ShareAboveCap, PacketAboveCap, InvalidGreeting,
        UnprintableText, ProfileNotFound, SelfRecipient or CardNotFound; then WrongPin or PinLocked;
        then LimitExceeded; then InsufficientBalance or InsufficientCard.
        """
        assert (kind is PacketKind.EXCLUSIVE) == (recipient is not None)
        assert kind is not PacketKind.EXCLUSIVE or count == 1
        assert kind is not PacketKind.EQUAL or total_fen % count == 0

        if kind is not PacketKind.LUCKY:
            deal = DealRule.EQUAL
        inputs: dict[str, object] = {
            "total_fen": total_fen,
            "count": count,
            "kind": str(kind),
            "recipient": None if recipient is None else name_key(recipient),
            "greeting": greeting,
            "cover": cover,
            "paid_from": paid_from,
            "deal": str(deal),
        }
        self._watch.skip()
        first: Sent | None = self._answered("send", inputs, request_id)
        if first is not None:
            return first
        assert (kind is PacketKind.EXCLUSIVE) == (recipient is not None)
        rules = self.policy.packet
        check_packet(rules, total_fen, count)
        greeting = parse_greeting(greeting, rules.greeting_length_max)
        if cover is not None:
            cover = parse_line(cover, "cover", COVER_LENGTH_MAX)
        sender = self.me
        to = None if recipient is None else self._profile_named(recipient)
        if to is not None and to.id == sender.id:
            raise SelfRecipient
        if paid_from != BALANCE:
            self._card_named(sender, paid_from)
        self._authorise(pin)

        terms: dict[str, Any] = {**inputs, "greeting": greeting, "cover": cover}
        terms["recipient"] = None if to is None else to.id

        def checked(doing: Act, card: CardRow | None) -> dict[str, Any]:
            # Looked at again: while the PIN was typed, the card or the policy may have changed.
            rules = self._policy_of(doing.home).packet
            check_packet(rules, total_fen, count)
            self._check_limits(doing, _flow(card), total_fen)
            self.store.add_usage(doing.me.person, _flow(card), day_key(doing.now), total_fen)
            return {
                **terms,
                "share_max_fen": rules.share_max_fen,
                "expires_hours": rules.expires_hours,
            }

        def from_balance(doing: Act) -> Sent:
            agreed = checked(doing, None)
            if doing.balance_fen < total_fen:
                raise InsufficientBalance(needed_fen=total_fen, available_fen=doing.balance_fen)
            return self._open_packet(doing, agreed, doing.me.account)

        def from_card(doing: Act) -> Instructed:
            card = self._card_named(doing.me, paid_from)
            agreed = checked(doing, card)
            message = self._instruct(doing, card, total_fen, Reason.SEND, terms=agreed)
            return self._instructed(doing, message)

        changing = (("profile", sender.id),)
        if paid_from == BALANCE:
            return self._act(
                "send",
                inputs,
                from_balance,
                request_id=request_id,
                dry_run=dry_run,
                changing=changing,
            )
        sent: Sent = self._paid(
            "send",
            inputs,
            from_card,
            act="instruct_send",
            request_id=request_id,
            dry_run=dry_run,
            changing=changing,
        )
        return sent

    def _open_packet(
        self, doing: Act, terms: Mapping[str, Any], source: Account, paid: MessageRow | None = None
    ) -> Sent:
        """Put what *source* gives into a packet of these *terms*: from now on it can be claimed."""
        total_fen, count = terms["total_fen"], terms["count"]
        kind, deal = PacketKind(terms["kind"]), DealRule(terms["deal"])
        seed = doing.chance(32)
        packet = Packet(
            number=self.store.next_packet(),
            id=self._free_packet_id(doing.chance),
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
            expires_at=doing.now + timedelta(hours=terms["expires_hours"]),
            closed_at=None,
        )
        account = self.store.open_account(PLATFORM, Kind.PACKET, packet.number)
        doing.post(Transfer(source, account, total_fen, Reason.SEND))
        to = packet.recipient and self._profile_by_id(packet.recipient)
        card = self.store.card(paid.card) if paid else None
        self.store.add_packet(
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
        doing.packet = packet.number
        doing.counterparty = packet.recipient
        answer: Sent = {
            **(doing.common if paid is None else self._asked_for(doing, paid)),
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
            "commitment": commitment(seed),
            "expires_at": iso(packet.expires_at),
            "balance_fen": doing.balance_fen,
        }
        self._watch.lap(3)
        return answer

    def _free_packet_id(self, chance: Chance) -> str:
        drawn = packet_id(chance(8))
        while self.store.packet(drawn) is not None:
            drawn = packet_id(chance(8))
        return drawn

    # --- steps 5 to 7: claim, allocate, settle ---------------------------------------------------

    def claim(self, packet: str, *, request_id: str | None = None) -> Claimed:
        """
        Take this profile's share of *packet*; its amount is drawn at this moment.

        There is no dry run: who could see an amount without taking it would try request ids until
        they like what they see.

        Raises InvalidPacketId or PacketNotFound; then, in this order, OwnPacket, NotForYou,
        AlreadyClaimed, PacketFinished, PacketRefunded or PacketExpired.
        """
        wanted = parse_packet_id(packet)
        self._watch.skip()

        def work(doing: Act) -> Claimed:
            me = doing.me
            row = self._packet_row(wanted)
            packet = row.packet
            check_claim(
                packet,
                me.id,
                now=doing.now,
                claimed_fen=self.store.claimed_fen(packet.number, me.id),
                sender_may_claim=self._policy_of(doing.home).packet.sender_may_claim_group,
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
            doing.post(Transfer(row.account, me.account, amount_fen, Reason.CLAIM))
            days = self._policy_of(doing.home).settlement.claims_after_days
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
            }

        return self._act(
            "claim",
            {"packet": wanted},
            work,
            request_id=request_id,
            changing=(("packet", wanted), ("profile", self._name)),
        )

    # --- step 8: refund --------------------------------------------------------------------------

    def refund(
        self, packet: str, *, request_id: str | None = None, dry_run: bool = False
    ) -> Refunds:
        """
        Return what nobody claimed of *packet*, the way it came.

        Raises InvalidPacketId, PacketNotFound, NotForYou, PacketFinished, PacketRefunded or
        PacketNotExpired.
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
            check_refund(row.packet, doing.me.id, now=doing.now)
            amount_fen = row.packet.remaining_fen
            card = None if row.card is None else self.store.card(row.card)
            gone = card is not None and card.removed_at is not None
            to_card = card is not None and not gone and doing.me.refund_to == "card"
            message = None
            if card is not None and to_card:
                days = self._policy_of(doing.home).refund.card_days
                message = self._instruct(
                    doing,
                    card,
                    amount_fen,
                    Reason.REFUND,
                    packet=row.packet.number,
                    due_at=working_days_after(doing.now, days),
                )
            target = self._frozen(message) if message else doing.me.account
            doing.post(Transfer(row.account, target, amount_fen, Reason.REFUND))
            self.store.close_packet(row.packet.number, doing.now)
            # Quota goes back to the day it was taken from, whatever day it is now.
            paid = self.store.message_paying(row.entry)
            sent_on = day_key(paid.created_at if paid else row.packet.created_at)
            self.store.add_usage(doing.me.person, _flow(card), sent_on, -amount_fen)
            doing.packet = row.packet.number
            self._watch.lap(8)
            return {
                **doing.common,
                "packet": packet,
                "amount_fen": amount_fen,
                "refunded_to": card.name if card is not None and message else BALANCE,
                "card_gone": gone,
                "payment": message.id if message else None,
                "arrives_at": iso(message.due_at if message else doing.now),
                "balance_fen": doing.balance_fen,
            }

        with self._rehearsal(dry_run):
            self._watch.skip()
            refunded = self._act(
                "refund",
                {"packet": packet},
                work,
                request_id=request_id,
                part=part,
                changing=(("packet", packet), ("profile", sender or self._name)),
                profile=None if sender is None else lambda: self._profile_by_id(sender),
                at=at,
            )
            # An answer of an older hongbao has no payment: its refund was done at once.
            payment = refunded.get("payment")
            if payment is not None and refunded["arrives_at"] <= iso(self.now()):
                message = self.store.message_called(payment)
                assert message is not None
                self._carry(message.number)
        return {**refunded, "dry_run": True} if dry_run else refunded

    # --- what payments through the channel are for -----------------------------------------------

    def _booked(self, doing: Act, message: MessageRow) -> Answer:
        transit = self._in_transit(message.bank)
        match message.reason:
            case Reason.SEND:
                return self._open_packet(doing, message.terms, transit.incoming, message)
            case Reason.REFUND:
                frozen = self._frozen(message)
                doing.post(Transfer(frozen, transit.outgoing, message.amount_fen, Reason.REFUND))
                doing.packet = message.packet
                return self._told(doing, message, MessageState.ACCEPTED)
        return super()._booked(doing, message)

    # --- looking ---------------------------------------------------------------------------------

    def packets(self, which: str | None = None, *, limit: int = 50) -> list[PacketLine]:
        """
        Return packets, newest first: those *which* is ``claimable``, ``sent`` or ``received``.

        With None, all three, each packet once.
        """
        with self.looking():
            me, now = self.me, self.now()
            own = self.policy.packet.sender_may_claim_group
            found: dict[int, PacketRow] = {}
            if which in (None, "claimable"):
                for row in self.store.claimable(me.id, now, own=own, limit=limit):
                    found[row.packet.number] = row
            if which in (None, "sent"):
                found |= {row.packet.number: row for row in self.store.sent(me.id, limit)}
            if which in (None, "received"):
                found |= {row.packet.number: row for row in self.store.received(me.id, limit)}
            newest = sorted(found.values(), key=lambda row: -row.packet.number)[:limit]
            return [self._line(row, me, now) for row in newest]

    def show(self, packet: str) -> PacketShown:
        """
        Return a packet and its shares; once it is closed, the seed that proves them too.

        Raises InvalidPacketId or PacketNotFound.
        """
        with self.looking():
            me, now = self.me, self.now()
            row = self._packet_row(parse_packet_id(packet))
            claims = self.store.claims(row.packet.number)
            terms = row.packet
            state = terms.state(now)
            finished = state is PacketState.FINISHED
            best = luckiest([claim.amount_fen for claim in claims]) if finished else None
            shares: list[ShareLine] = [
                {
                    "seat": claim.seat,
                    "profile": claim.profile_name,
                    "claim": claim.request_id,
                    "amount_fen": claim.amount_fen,
                    "at": iso(claim.at),
                    "luckiest": terms.kind is PacketKind.LUCKY
                    and terms.count > 1
                    and number == best,
                }
                for number, claim in enumerate(claims)
            ]
            took = claims[-1].at - terms.created_at if finished else None
            closed = terms.closed_at is not None
            return {
                **self._line(row, me, now),
                "deal": str(terms.deal),
                "cover": row.cover,
                "share_max_fen": terms.share_max_fen,
                "remaining_fen": 0 if closed else terms.remaining_fen,
                "refunded_fen": terms.remaining_fen if closed else 0,
                "closed_at": None if terms.closed_at is None else iso(terms.closed_at),
                "finished_in_seconds": None if took is None else took // _SECOND,
                "at": iso(now),
                "commitment": commitment(row.seed),
                "seed": row.seed.hex() if closed else None,
                "shares": shares,
            }

    def verify(self, packet: str) -> Verified:
        """
        Recompute every share of a closed *packet* from its seed and compare it with what was paid.

        Raises InvalidPacketId, PacketNotFound, NotYetRevealed, or Damaged where the packet's terms
        are not those that were published.
        """
        with self.looking():
            row = self._packet_row(parse_packet_id(packet))
            if row.packet.closed_at is None:
                raise NotYetRevealed(row.packet.id)
            claims = self.store.claims(row.packet.number)
            published = self._published_commitment(row)
        try:
            amounts_fen = recomputed(row, claims)
        except (AssertionError, ValueError):  # terms that no packet can have
            raise Damaged(path=row.packet.id) from None
        holds = published == commitment(row.seed)
        return {
            "packet": row.packet.id,
            "fair": holds and amounts_fen == [claim.amount_fen for claim in claims],
            "commitment_holds": holds,
            "shares": [
                {
                    "seat": claim.seat,
                    "profile": claim.profile_name,
                    "amount_fen": claim.amount_fen,
                    "recomputed_fen": amount_fen,
                }
                for claim, amount_fen in zip(claims, amounts_fen, strict=True)
            ],
        }

    def _published_commitment(self, row: PacketRow) -> str:
        """Return the commitment as it was published, which is what the sender was answered."""
        packet = row.packet
        terms = {
            "packet": packet.id,
            "kind": str(packet.kind),
            "deal": str(packet.deal),
            "total_fen": packet.total_fen,
            "count": packet.count,
            "share_max_fen": packet.share_max_fen,
        }
        try:
            told = json.loads(self.store.answer_of(row.entry))
            if any(told[name] != value for name, value in terms.items()):
                raise ValueError
            return str(told["commitment"])
        except (ValueError, KeyError, TypeError):
            raise Damaged(path=packet.id) from None

    def _packet_row(self, packet: str) -> PacketRow:
        row = self.store.packet(packet)
        if row is None:
            raise PacketNotFound(packet)
        return row

    def _line(self, row: PacketRow, me: ProfileRow, now: datetime) -> PacketLine:
        packet = row.packet
        return {
            "packet": packet.id,
            "kind": str(packet.kind),
            "state": str(packet.state(now)),
            "sender": row.sender_name,
            "recipient": row.recipient_name,
            "greeting": row.greeting,
            "total_fen": packet.total_fen,
            "count": packet.count,
            "claimed_fen": packet.claimed_fen,
            "claimed_count": packet.claimed_count,
            "created_at": iso(packet.created_at),
            "expires_at": iso(packet.expires_at),
            "yours_fen": self.store.claimed_fen(packet.number, me.id),
            "yours": packet.sender == me.id,
        }


def recomputed(row: PacketRow, claims: list[ClaimRow]) -> list[int]:
    """Return what the packet's seed says each of *claims* was to get."""
    packet = row.packet
    return recompute(
        packet.deal,
        row.seed,
        packet.id,
        packet.total_fen,
        packet.count,
        packet.share_max_fen,
        [claim.request_id for claim in claims],
    )


def _flow(card: CardRow | None) -> str:
    return "send_balance" if card is None else "send_card"


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
