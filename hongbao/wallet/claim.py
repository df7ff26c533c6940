"""Claiming a share: steps 5 to 7, claim, allocate and settle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from hongbao.changes.packets import AddClaim, AddMaturing
from hongbao.domain.dates import days_after_midnight
from hongbao.domain.fairness import NONCE_BYTES, DrawInput, Terms, share_amount
from hongbao.domain.ids import parse_packet_id
from hongbao.domain.ledger import Reason, Transfer
from hongbao.domain.packet import DealRule, check_claim
from hongbao.domain.risk.acts import Verdict, What
from hongbao.domain.text import parse_luck
from hongbao.errors import Damaged
from hongbao.home.opened import Home
from hongbao.queries.packets import claimed_fen, packet_row
from hongbao.store import PacketRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.holds import (
    HoldOver,
    check_hold,
    held_account,
    open_hold,
    terms_of,
    why_held,
)
from hongbao.wallet.risk_control import judge, remember_amount
from hongbao.wallet.signing import Signed
from hongbao.wallet.unit_of_work import perform

if TYPE_CHECKING:
    from hongbao.answers import Claimed, Delayed, Held

A = TypeVar("A")

_MILLISECOND = timedelta(milliseconds=1)


def claim(
    home: Home, packet: str, *, luck: str | None = None, request_id: str | None = None
) -> Claimed:
    """
    Take this profile's share of *packet*; its amount is drawn at this moment.

    The draw is made from the packet's secret seed and a nonce that is drawn here and now, so that
    the same claim in a copy of the home gets another amount. *luck* is a text of the claimer's own
    that takes part in it. There is no dry run: one who could see an amount without taking it would
    try until they like what they see.

    Raises InvalidPacketId, TextTooLong, UnprintableText or PacketNotFound; then, in this order,
    OwnPacket, NotForYou, AlreadyClaimed, PacketFinished, PacketRefunded, PacketExpired or
    PacketHeld.
    """
    return claim_as(home, parse_packet_id(packet), parse_luck(luck), request_id)


def inputs_of(packet: str, luck: str | None) -> dict[str, object]:
    """Return what a request for a share of *packet* asks for, as its digest has it."""
    return {"packet": packet, "luck": luck}


def claim_as(
    home: Home,
    wanted: str,
    luck: str | None,
    request_id: str | None,
    presented: Callable[[Act], Signed] | None = None,
) -> Claimed:
    """
    Take this profile's share of the packet *wanted*, as `claim` does.

    A request that is *presented* was authenticated by a session (see `perform`).
    """
    home.watch.skip()

    def work(doing: Act) -> Claimed:
        me = doing.me
        row = packet_row(home, wanted)
        packet = row.packet
        with home.checking("claimable") as seen:
            if seen is not None:
                seen.update(left=packet.count - packet.claimed_count, count=packet.count)
                seen["expires_at"] = iso(packet.expires_at)
            check_hold(doing, packet)
            check_claim(
                packet,
                me.id,
                now=doing.now,
                claimed_fen=claimed_fen(home, packet, me),
                sender_may_claim=home.policy_of(doing.home_row).packet.sender_may_claim_group,
                why=why_held(home, packet),
            )
        decision = judge(
            home,
            doing,
            What.CLAIM,
            packet.remaining_fen // (packet.count - packet.claimed_count),
            other=packet.sender,
            reaction_ms=(doing.now - packet.created_at) // _MILLISECOND,
        )
        home.watch.lap(5)
        seat = packet.claimed_count + 1
        drawn = DrawInput(doing.chance(NONCE_BYTES), luck)
        amount_fen = _next_share(home, row, drawn)
        home.watch.lap(6)
        remember_amount(doing, amount_fen)
        rule, days = decision.rule, home.policy_of(doing.home_row).settlement.claims_after_days
        held: Held | None = None
        delayed: Delayed | None = None
        if rule is not None and decision.verdict is Verdict.HOLD:
            case, held = open_hold(home, doing, terms_of(rule), amount_fen, packet=packet.number)
            doing.post(Transfer(row.account, held_account(case), amount_fen, Reason.CLAIM))
            days = 0  # they begin when it is let go
        else:
            doing.post(Transfer(row.account, me.account, amount_fen, Reason.CLAIM))
        if rule is not None and decision.verdict is Verdict.DELAY:
            days = max(days, rule.delay_days)
            until = iso(days_after_midnight(doing.now, days))
            delayed = {"until": until, "rule": rule.id, "why": dict(rule.says)}
        if days:
            from_at = days_after_midnight(doing.now, days)
            doing.change(AddMaturing(me.id, from_at, amount_fen))
        doing.change(
            AddClaim(packet, me.id, amount_fen, drawn=drawn, entry=doing.entry, at=doing.now)
        )
        doing.packet = packet.number
        doing.counterparty = packet.sender
        home.watch.lap(7)
        return {
            **doing.common,
            "packet": packet.id,
            "kind": str(packet.kind),
            "sender": row.sender_name,
            "greeting": row.greeting,
            "seat": seat,
            "amount_fen": amount_fen,
            "nonce": drawn.nonce.hex(),
            "luck": luck,
            "count": packet.count,
            "finished": seat == packet.count,
            "balance_fen": doing.balance_fen,
            "held": held,
            "delayed": delayed,
        }

    def claimed() -> Claimed:
        return perform(
            home,
            "claim",
            inputs_of(wanted, luck),
            work,
            request_id=request_id,
            presented=presented,
            changing=[("packet", wanted)],
        )

    return past_hold(home, claimed)


def _next_share(home: Home, row: PacketRow, drawn: DrawInput) -> int:
    """
    Return the amount of the next share of *row*'s packet.

    Raises Damaged if the shares before it are not of those that were dealt.
    """
    packet = row.packet
    taken_fen = (
        [share.amount_fen for share in home.store.claims(packet.number)]
        if packet.deal is DealRule.SHUFFLED
        else ()
    )
    try:
        return share_amount(
            Terms.of(packet),
            row.seed,
            packet.claimed_count + 1,
            drawn,
            remaining_fen=packet.remaining_fen,
            taken_fen=taken_fen,
        )
    except (AssertionError, ValueError):
        raise Damaged(path=packet.id) from None


def past_hold(home: Home, ask: Callable[[], A]) -> A:
    """Return the result of *ask*, after ending an expired hold that it meets."""
    try:
        return ask()
    except HoldOver as over:
        from hongbao.wallet.releasing import end_hold  # which few claims need

        end_hold(home, over.case)
        return ask()
