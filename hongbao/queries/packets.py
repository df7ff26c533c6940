"""Packets: lists, one packet, and the proof of its shares."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hongbao.domain.channel import MessageState
from hongbao.domain.deal import luckiest
from hongbao.domain.facts import decode
from hongbao.domain.fairness import Terms, commitment, recompute
from hongbao.domain.ids import parse_packet_id
from hongbao.domain.packet import Packet, PacketKind, PacketState
from hongbao.errors import Damaged, NotYetRevealed, PacketNotFound
from hongbao.home.opened import Home
from hongbao.queries.acts import act_in, facts_in, facts_of
from hongbao.rows import Row
from hongbao.store import CaseRow, ClaimRow, PacketRow, PacketView, ProfileRow
from hongbao.units import iso, iso_or_none

if TYPE_CHECKING:
    from hongbao.answers import Held, PacketLine, PacketShown, ShareLine, Verified

BALANCE = "balance"

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)

_UNPAID = (MessageState.REJECTED, MessageState.REVERSED)


class Standing(Row):
    """
    Whose share of a packet is the *luckiest* so far, and whether it is one's own.

    None where shares cannot be compared: there is one yet, or all are equal. *claims_in_a_day* are
    those of the profile that asks, of any packets.
    """

    luckiest: str | None
    luckiest_fen: int
    is_mine: bool
    claims_in_a_day: int


def hold_terms(home: Home, case: CaseRow) -> Held:
    """Return the answer about *case* when it was opened."""
    held: Held = facts_in(home, case.entry)["held"]
    return held


def claimed_fen(home: Home, packet: Packet, me: ProfileRow) -> int | None:
    """Return what *me* took from *packet*, if anything."""
    return next((claim.amount_fen for claim in home.store.claims(packet.number, me.id)), None)


def packet_row(home: Home, packet: str) -> PacketRow:
    """Return *packet*. Raises PacketNotFound."""
    row = home.store.packet(packet)
    if row is None:
        raise PacketNotFound(packet)
    return row


def packets(home: Home, which: str | None = None, *, limit: int = 50) -> list[PacketLine]:
    """
    Return packets, newest first: those *which* is ``claimable``, ``sent`` or ``received``.

    With None, all three, each packet once.
    """
    with home.looking():
        me, now = home.me, home.now()
        own = home.policy.packet.sender_may_claim_group
        views: list[PacketView] = []
        if which in (None, "claimable"):
            views.append(PacketView.CLAIMABLE_OR_OWN if own else PacketView.CLAIMABLE)
        if which in (None, "sent"):
            views.append(PacketView.SENT)
        if which in (None, "received"):
            views.append(PacketView.RECEIVED)
        found = {
            row.packet.number: row
            for view in views
            for row in home.store.packets(view, me.id, now, limit)
        }
        newest = sorted(found.values(), key=lambda row: -row.packet.number)[:limit]
        return [_packet_line(home, row, me, now) for row in newest]


def show(home: Home, packet: str) -> PacketShown:
    """
    Return a packet and its shares; once it is closed, the seed that proves them too.

    Raises InvalidPacketId or PacketNotFound.
    """
    with home.looking():
        me, now = home.me, home.now()
        row = packet_row(home, parse_packet_id(packet))
        claims = home.store.claims(row.packet.number)
        terms = row.packet
        state = terms.state(now)
        finished = state is PacketState.FINISHED
        best = luckiest([claim.amount_fen for claim in claims]) if finished else None
        shares: list[ShareLine] = [
            {
                "seat": claim.seat,
                "profile": claim.profile_name,
                "claim": claim.request_id,
                "nonce": claim.drawn.nonce.hex(),
                "luck": claim.drawn.luck,
                "amount_fen": claim.amount_fen,
                "at": iso(claim.at),
                "luckiest": terms.kind is PacketKind.LUCKY and terms.count > 1 and number == best,
                "case": claim.hold,
            }
            for number, claim in enumerate(claims)
        ]
        took = claims[-1].at - terms.created_at if finished else None
        closed = terms.closed_at is not None
        refunded_to, card_gone = _went_back(home, row, me)
        return {
            **_packet_line(home, row, me, now),
            "deal": str(terms.deal),
            "cover": row.cover,
            "share_max_fen": terms.share_max_fen,
            "remaining_fen": 0 if closed else terms.remaining_fen,
            "refunded_fen": terms.remaining_fen if closed else 0,
            "closed_at": iso_or_none(terms.closed_at),
            "finished_in_seconds": None if took is None else took // _SECOND,
            "at": iso(now),
            "commitment": commitment(Terms.of(terms), row.seed),
            "seed": row.seed.hex() if closed else None,
            "shares": shares,
            "refunded_to": refunded_to,
            "card_gone": card_gone,
        }


def standing(home: Home, packet: str) -> Standing:
    """
    Return how the shares of *packet* compare so far, for one who has just taken one.

    Raises InvalidPacketId or PacketNotFound.
    """
    from hongbao.queries.history import entry_span  # which a claim in a pipe never needs

    with home.looking():
        me, row = home.me, packet_row(home, parse_packet_id(packet))
        claims = home.store.claims(row.packet.number)
        best = None
        if row.packet.kind is PacketKind.LUCKY and len(claims) > 1:
            best = claims[luckiest([claim.amount_fen for claim in claims])]
        day = entry_span(home, home.now() - _DAY, None)
        return Standing(
            luckiest=None if best is None else best.profile_name,
            luckiest_fen=0 if best is None else best.amount_fen,
            is_mine=best is not None and best.profile_name == me.name,
            claims_in_a_day=home.store.totals(me.id, day, ("claim",)).movements,
        )


def _went_back(home: Home, row: PacketRow, me: ProfileRow) -> tuple[str | None, bool]:
    """Return where the rest of a packet of *me* went, and whether its card was removed."""
    packet = row.packet
    if packet.sender != me.id or packet.closed_at is None or not packet.remaining_fen:
        return None, False
    closing = packet.number, packet.closed_at
    act = home.store.act(closing=closing, among=("refund", "returned", "rejected"))
    if act is None:
        return None, False
    facts = facts_of(home, act)
    payment = facts["payment"]
    message = None if payment is None else home.store.message(payment)
    if message is None or message.state not in _UNPAID:
        return str(facts["refunded_to"]), bool(facts["card_gone"])
    assert message.outcome is not None
    return BALANCE, "card_gone" in facts_in(home, message.outcome)


def verify(home: Home, packet: str) -> Verified:
    """
    Recompute every share of a closed *packet* from what is public, and compare it with the paid.

    Raises InvalidPacketId, PacketNotFound, NotYetRevealed, or Damaged where the packet's terms
    are not those that were published.
    """
    with home.looking():
        row = packet_row(home, parse_packet_id(packet))
        if row.packet.closed_at is None:
            raise NotYetRevealed(row.packet.id)
        claims = home.store.claims(row.packet.number)
        published = _published_commitment(home, row)
    try:
        amounts_fen = recomputed(row, claims)
    except (AssertionError, ValueError):  # terms that no packet can have
        raise Damaged(path=row.packet.id) from None
    holds = published == commitment(Terms.of(row.packet), row.seed)
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
                "nonce": claim.drawn.nonce.hex(),
                "luck": claim.drawn.luck,
            }
            for claim, amount_fen in zip(claims, amounts_fen, strict=True)
        ],
        "scripted": home.row.is_scripted,
    }


def _published_commitment(home: Home, row: PacketRow) -> str:
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
    sending = act_in(home, row.entry)
    try:
        facts = decode(sending.act, sending.facts)
    except ValueError:
        raise Damaged(path=packet.id) from None
    if sending.act != "send" or any(facts[name] != value for name, value in terms.items()):
        raise Damaged(path=packet.id)
    return str(facts["commitment"])


def _hold_shown(home: Home, packet: Packet) -> Held | None:
    if packet.hold is None:
        return None
    return hold_terms(home, home.store.case(packet.hold.case))


def _packet_line(home: Home, row: PacketRow, me: ProfileRow, now: datetime) -> PacketLine:
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
        "yours_fen": claimed_fen(home, packet, me),
        "yours": packet.sender == me.id,
        "held": _hold_shown(home, packet),
    }


def recomputed(row: PacketRow, claims: list[ClaimRow]) -> list[int]:
    """Return the amounts of *claims* recomputed from the packet's seed."""
    return recompute(Terms.of(row.packet), row.seed, [claim.drawn for claim in claims])
