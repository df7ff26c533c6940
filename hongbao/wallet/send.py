"""Sending a packet: steps 1 to 3, create, authorise and freeze."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hongbao.changes.packets import AddPacket, AddUsage, HoldPacket
from hongbao.domain.dates import day_key
from hongbao.domain.fairness import SEED_BYTES, Terms, commitment
from hongbao.domain.ids import packet_id
from hongbao.domain.ledger import PLATFORM, Account, Kind, Reason, Transfer
from hongbao.domain.packet import DealRule, Packet, PacketKind
from hongbao.domain.policy import check_packet
from hongbao.domain.risk.acts import Verdict, What
from hongbao.domain.text import name_key, parse_greeting, parse_line
from hongbao.errors import SelfRecipient
from hongbao.home.opened import Home
from hongbao.queries.cards import card_named
from hongbao.queries.packets import BALANCE
from hongbao.store import CardRow, MessageRow, PacketRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.authorise import AskPin, authorise
from hongbao.wallet.clearing import earlier_answer, instruct
from hongbao.wallet.holds import flow, held_account, open_hold, terms_of
from hongbao.wallet.limits import check_balance, check_limits
from hongbao.wallet.payments import answer_base, instructed_answer, pay
from hongbao.wallet.risk_control import judge
from hongbao.wallet.unit_of_work import perform

if TYPE_CHECKING:
    from hongbao.answers import Instructed, Sent

DEFAULT_GREETING = "恭喜发财，大吉大利"

COVER_LENGTH_MAX = 20


def send(
    home: Home,
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
    home.watch.skip()
    first: Sent | None = earlier_answer(home, "send", inputs, request_id)
    if first is not None:
        return first
    rules = home.policy.packet
    is_drawn = kind is PacketKind.LUCKY
    with home.checking("terms") as seen:
        if seen is not None:
            seen.update(count=count, total_fen=total_fen, share_max_fen=rules.share_max_fen)
        check_packet(rules, total_fen, count, is_drawn=is_drawn)
    greeting = parse_greeting(greeting, rules.greeting_length_max)
    if cover is not None:
        cover = parse_line(cover, "cover", COVER_LENGTH_MAX)
    sender = home.me
    to = None if recipient is None else home.profile_named(recipient)
    if to is not None and to.id == sender.id:
        raise SelfRecipient
    if paid_from != BALANCE:
        card_named(home, sender, paid_from)
    authorise(home, pin)

    terms: dict[str, Any] = {**inputs, "greeting": greeting, "cover": cover}
    terms["recipient"] = None if to is None else to.id

    def checked(doing: Act, card: CardRow | None) -> dict[str, Any]:
        # Looked at again: while the PIN was typed, the card or the policy may have changed.
        rules = home.policy_of(doing.home_row).packet
        check_packet(rules, total_fen, count, is_drawn=is_drawn)
        check_limits(home, doing, flow(card), total_fen)
        what = What.SEND if to is None else What.GIVE
        decision = judge(home, doing, what, total_fen, other=0 if to is None else to.id)
        held = {}
        if decision.rule is not None and decision.verdict is Verdict.HOLD:
            held["hold"] = terms_of(decision.rule)
        doing.change(AddUsage(doing.me.person, flow(card), day_key(doing.now), total_fen))
        return {
            **terms,
            "share_max_fen": rules.share_max_fen,
            "expires_hours": rules.expires_hours,
            **held,
        }

    def from_balance(doing: Act) -> Sent:
        agreed = checked(doing, None)
        check_balance(home, doing, total_fen)
        return open_packet(home, doing, agreed, doing.me.account)

    def from_card(doing: Act) -> Instructed:
        card = card_named(home, doing.me, paid_from)
        agreed = checked(doing, card)
        message = instruct(home, doing, card, total_fen, Reason.SEND, terms=agreed)
        return instructed_answer(home, doing, message)

    if paid_from == BALANCE:
        return perform(
            home,
            "send",
            inputs,
            from_balance,
            request_id=request_id,
            dry_run=dry_run,
        )
    sent: Sent = pay(
        home,
        "send",
        inputs,
        from_card,
        act="instruct_send",
        request_id=request_id,
        dry_run=dry_run,
    )
    return sent


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
