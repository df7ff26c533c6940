"""History: a profile's movements and a home's events, in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hongbao.domain.cases import OPERATOR_ACTS
from hongbao.domain.channel import ASKED_AS, MessageState
from hongbao.domain.dates import Span, start_of_last
from hongbao.domain.ids import home_mark, movement_id
from hongbao.domain.ledger import PLATFORM
from hongbao.errors import EventNotFound, InvalidRange
from hongbao.home.opened import Home
from hongbao.queries.acts import facts_from, facts_of
from hongbao.rows import Row
from hongbao.store import ActRow, CardRow, MessageRow, MessageView, Movement, has_gaps
from hongbao.units import iso, iso_of_micros

if TYPE_CHECKING:
    from hongbao.answers import EventLine, Events, History, MovementLine, PendingLine

ACTS = (
    *("topup", "withdraw", "withdraw_returned"),
    *("send", "claim", "refund", "refund_to_balance"),
    *("released", "returned", "approved", "rejected"),
)
"""What moves a profile's money, and so makes a line of its history."""

ARRIVALS = ("paid_out", "refund_arrived")
"""What tells that money has come to a card, and moves nothing of the profile's any more."""

_BY_ITSELF = frozenset({"released", "returned"})

_SENT_BACK = frozenset({"returned", "rejected"})


def history(
    home: Home,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    last: Span | None = None,
    acts: Collection[str] | None = None,
    counterparty: str | None = None,
    before: int | None = None,
    limit: int = 20,
) -> History:
    """
    Return the newest *limit* movements that fit, newest first, and payments that are pending.

    *until* itself is outside. *before* continues where a page ended: only entries older than
    that one. *last* is a look back from now, in *since*'s place. Raises ProfileNotFound or
    InvalidRange.
    """
    check_range(since, until)
    with home.looking():
        me = home.me
        if last is not None:
            since = start_of_last(last, home.now())
        period = entry_span(home, since, until)
        other = None if counterparty is None else home.profile_named(counterparty).id
        found = [
            *movement_lines(
                home,
                home.store.movements(
                    me.id,
                    period if before is None else range(period.start, min(period.stop, before)),
                    acts=ACTS if acts is None else (*acts,),
                    counterparty=other,
                    limit=limit + 1,
                    end=period.stop,
                ),
            )
        ]
        pending = [
            _pending_line(home, message)
            for message in reversed(home.store.messages(MessageView.UNDER_WAY, profile=me.id))
            if message.state in (MessageState.SENT, MessageState.UNKNOWN)
            and message.entry in period
            and before is None
            and other is None
            and (acts is None or message.reason in acts)
        ]
    return {
        "profile": me.name,
        "pending": pending,
        "movements": found[:limit],
        "more": len(found) > limit,
    }


def events(home: Home, *, after: int | None = None, limit: int = 20) -> Events:
    """
    Return the home's events after event *after*, in order; the newest *limit* if None.

    Everyone in the home may watch: an event says who did what to which packet or payment, and
    no amounts.

    An *after* that a restore has taken away is *lost*: what follows begins with that restore.
    One that has not been is EventNotFound. Behind the *last* one, others may still come in between.
    """
    with home.looking():
        newest, last = home.store.head().entry, home.store.settled(home.env.now()).entry
        if after is None:
            start, stop = home.store.span(last=limit).start - 1, newest
        elif after > newest:
            raise EventNotFound(event=after, last=newest)
        else:
            start, stop = after, last
        rows = home.store.acts(after=start, limit=limit)
        events = [event_line(home, row) for row in rows if row.entry <= stop]
        facts = events[-1]["event"] if events else last
        return {
            "events": events,
            "more": start > 0 if after is None else facts < last,
            "last": last,
            "lost": bool(after) and home.store.head(start) is None and not has_gaps(home.store),
        }


def _pending_line(home: Home, message: MessageRow) -> PendingLine:
    packet = message.packet
    return {
        "payment": message.id,
        "entry": message.entry,
        "act": message.reason,
        "at": iso(message.created_at),
        "amount_fen": message.amount_fen,
        "packet": None if packet is None else home.store.packet(packet).packet.id,
        "card": home.store.card(message.card).name,
    }


Names = Callable[[int | None], str | None]
"""What gives a profile's name for its id."""


def profile_names(home: Home) -> Names:
    """Return a function that reads each profile's name once, and keeps the last few thousand."""

    @lru_cache(maxsize=4096)
    def name(profile: int | None) -> str | None:
        row = None if profile is None else home.store.profile(profile)
        return row and row.name

    return name


def movement_lines(home: Home, movements: Iterable[Movement]) -> Iterator[MovementLine]:
    """Yield *movements* as programs and people read them."""
    mark = home_mark(home.row.made_at)
    names = profile_names(home)
    cards = {card.name: card for card in home.store.cards(home.me.id, removed=True)}
    for movement in movements:
        entry, act, micros, request_id, amount_fen, balance_fen = movement[:6]
        packet, packet_kind, shares, greeting, refunded_fen, other, facts, status, _ = movement[6:]
        at = iso_of_micros(micros)
        more = _NOTHING if facts is None else _more(home, movement, facts, cards)
        card, bank, tail, card_fen, card_gone, fee_fen, asked_id = more
        yield {
            "id": movement_id(mark, at, entry),
            "entry": entry,
            "act": act,
            "at": at,
            "amount_fen": amount_fen,
            "balance_fen": balance_fen,
            "packet": packet,
            "packet_kind": packet_kind,
            "shares": shares,
            "greeting": greeting,
            "refunded_fen": refunded_fen,
            "counterparty": names(other),
            "card": card,
            "bank": bank,
            "card_tail": tail,
            "card_fen": card_fen,
            "card_gone": card_gone,
            "fee_fen": fee_fen,
            "status": status,
            "request_id": asked_id or request_id,
        }


def entry_span(
    home: Home, since: datetime | None, until: datetime | None, before: int | None = None
) -> range:
    """Return which entries a period has, without those from *before* on."""
    span = home.store.span(since, until)
    return span if before is None else range(span.start, min(span.stop, before))


def check_range(since: datetime | None, until: datetime | None) -> None:
    """Raise InvalidRange if a period would end before it begins."""
    if since is not None and until is not None and until < since:
        raise InvalidRange


def event_line(home: Home, row: ActRow) -> EventLine:
    """Return the act of *row* as an event."""
    facts = facts_of(home, row)
    return {
        "event": row.entry,
        "at": iso(row.at),
        "act": row.act,
        "actor": _actor(row, facts),
        "profile": row.profile_name,
        "packet": row.packet_id,
        "payment": row.message_id,
        "state": _state(row, facts),
        "fault": facts.get("fault"),
    }


def _state(row: ActRow, facts: Mapping[str, Any]) -> str | None:
    if isinstance(facts.get("held"), dict):
        return "held"
    return facts.get("state") if row.message else None


def _actor(row: ActRow, facts: Mapping[str, Any]) -> str:
    """Return the actor: once a payment is requested, the institutions act."""
    if row.act == "bank":
        return str(facts["bank"])
    operator = doer(facts) if row.act in OPERATOR_ACTS else None
    if operator is not None:
        return operator
    by_platform = row.act in _BY_ITSELF or (
        row.message is not None and row.act not in ASKED_AS.values()
    )
    return PLATFORM if by_platform or row.profile_name is None else row.profile_name


class _More(Row):
    """What only the facts of a movement say."""

    card: str | None
    bank: str | None
    tail: str | None
    card_fen: int | None
    card_gone: bool
    fee_fen: int | None
    request_id: str | None


_NOTHING = _More(None, None, None, None, False, None, None)


def _more(home: Home, movement: Movement, text: str, cards: Mapping[str, CardRow]) -> _More:
    facts = facts_from(home, movement.act, text)
    name, card_fen = None, None
    act = "refund" if movement.act in _SENT_BACK and movement.packet else movement.act
    match act:
        case "topup":
            name, card_fen = facts["card"], -facts["amount_fen"]
        case "withdraw" | "paid_out" | "refund_arrived":
            name, card_fen = facts["card"], facts["amount_fen"]
        case "withdraw_returned" | "refund_to_balance" | "returned" | "rejected":
            # What was on its way there is not any more.
            name, card_fen = facts["card"], -facts["amount_fen"]
        case "send" if facts["paid_from"] != "balance":
            name, card_fen = facts["paid_from"], -facts["total_fen"]
        case "refund" if facts["refunded_to"] != "balance":
            name, card_fen = facts["refunded_to"], facts["amount_fen"]
    card = None if name is None else cards.get(name)
    return _More(
        name,
        card and card.bank,
        card and card.tail,
        card_fen,
        bool(facts.get("card_gone")),
        facts.get("fee_fen"),
        facts.get("request_id"),
    )


def doer(facts: Mapping[str, Any]) -> str | None:
    """Return which operator did what this was *facts* of; the first one added themselves."""
    return facts.get("by") or facts.get("operator")
