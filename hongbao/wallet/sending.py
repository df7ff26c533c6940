"""Sending at the desk: a packet is created, authorised and frozen."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from hongbao.answers import (
    Answer,
    Instructed,
    Sent,
)
from hongbao.domain.dates import day_key
from hongbao.domain.fairness import commitment
from hongbao.domain.ids import packet_id
from hongbao.domain.ledger import PLATFORM, Account, Kind, Reason, Transfer
from hongbao.domain.packet import (
    DealRule,
    Packet,
    PacketKind,
)
from hongbao.domain.policy import check_packet
from hongbao.domain.risk.acts import Verdict, What
from hongbao.domain.text import name_key, parse_greeting, parse_line
from hongbao.errors import (
    SelfRecipient,
)
from hongbao.store import CardRow, MessageRow, PacketRow
from hongbao.units import iso
from hongbao.wallet.acts import Act, Chance
from hongbao.wallet.cash import Cash
from hongbao.wallet.desk import AskPin
from hongbao.wallet.holds import BALANCE, flow, terms_of

DEFAULT_GREETING = "恭喜发财，大吉大利"
COVER_LENGTH_MAX = 20


class Sending(Cash):
    """Steps 1 to 3."""

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

        Raises InvalidCount, ShareTooSmall, ShareAboveCap, FixedShareAboveCap, PacketAboveCap,
        InvalidGreeting, UnprintableText, ProfileNotFound, SelfRecipient or CardNotFound; then
        WrongPin or PinLocked; then LimitExceeded; then InsufficientBalance or InsufficientCard.
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
        rules = self.policy.packet
        is_drawn = kind is PacketKind.LUCKY
        check_packet(rules, total_fen, count, is_drawn=is_drawn)
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
            check_packet(rules, total_fen, count, is_drawn=is_drawn)
            self._check_limits(doing, flow(card), total_fen)
            what = What.SEND if to is None else What.GIVE
            decision = self._judge(doing, what, total_fen, other=0 if to is None else to.id)
            held = {}
            if decision.rule is not None and decision.verdict is Verdict.HOLD:
                held["hold"] = terms_of(decision.rule)
            self.store.add_usage(doing.me.person, flow(card), day_key(doing.now), total_fen)
            return {
                **terms,
                "share_max_fen": rules.share_max_fen,
                "expires_hours": rules.expires_hours,
                **held,
            }

        def from_balance(doing: Act) -> Sent:
            agreed = checked(doing, None)
            self._check_balance(doing, total_fen)
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
        """
        Put what *source* gives into a packet of these *terms*: from now on it can be claimed.

        Where they say hold, it cannot before its case is closed, and its time begins only then.
        """
        total_fen, count = terms["total_fen"], terms["count"]
        kind, deal = PacketKind(terms["kind"]), DealRule(terms["deal"])
        hold = terms.get("hold")
        lasts = terms["expires_hours"] + (hold["hours"] if hold else 0)
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
            expires_at=doing.now + timedelta(hours=lasts),
            closed_at=None,
        )
        account = self.store.open_account(PLATFORM, Kind.PACKET, packet.number)
        held = None
        if hold:
            case, held = self._hold(doing, hold, total_fen, packet=packet.number)
            doing.post(Transfer(source, self._held(case), total_fen, Reason.SEND))
            doing.once_entered(lambda: self.store.set_packet_held(packet.number, case.number))
        else:
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
            "held": held,
            "scripted": doing.home.is_scripted,
        }
        self._watch.lap(3)
        return answer

    def _free_packet_id(self, chance: Chance) -> str:
        drawn = packet_id(chance(8))
        while self.store.packet(drawn) is not None:
            drawn = packet_id(chance(8))
        return drawn

    # --- what payments through the channel are for -----------------------------------------------

    def _booked(self, doing: Act, message: MessageRow) -> Answer:
        if message.reason is Reason.SEND:
            transit = self._in_transit(message.bank)
            return self._open_packet(doing, message.terms, transit.incoming, message)
        return super()._booked(doing, message)
