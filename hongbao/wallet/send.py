"""Sending a packet: steps 1 to 3, create, authorise and freeze."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hongbao.changes.packets import AddUsage
from hongbao.domain.dates import day_key
from hongbao.domain.ledger import Reason
from hongbao.domain.packet import DealRule, PacketKind
from hongbao.domain.policy import check_packet
from hongbao.domain.risk.acts import Verdict, What
from hongbao.domain.text import name_key, parse_greeting, parse_line
from hongbao.errors import SelfRecipient
from hongbao.home.opened import Home
from hongbao.queries.cards import card_named
from hongbao.queries.packets import BALANCE
from hongbao.store import CardRow
from hongbao.wallet.acts import Act
from hongbao.wallet.authorise import AskPin, authorise
from hongbao.wallet.holds import flow, terms_of
from hongbao.wallet.instructing import instruct, instructed_answer
from hongbao.wallet.limits import check_balance, check_limits
from hongbao.wallet.packets import open_packet
from hongbao.wallet.payments import pay
from hongbao.wallet.requests import earlier_answer
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
