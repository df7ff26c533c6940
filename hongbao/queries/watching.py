"""
Watching: what has happened since a place in the home's events, for a profile or for everyone.

A place is where a reader has read to. It names the home and the number of the last event, and has
the seals of a few events before it, so that a reader whose ledger was replaced gets to know it, and
reads on from the last event that both ledgers have. No gap is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from hongbao.domain.ids import event_id, home_mark
from hongbao.errors import EventNotFound
from hongbao.home.opened import Home
from hongbao.queries.acts import facts_of
from hongbao.queries.history import event_line
from hongbao.store import ActRow, Head, ProfileRow, has_gaps
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import WatchedEvent

KINDS = {
    "send": "new_packet",
    "claim": "claimed",
    "refund": "refunded",
    "released": "released",
    "approved": "released",
    "returned": "returned",
    "rejected": "returned",
    "settle": "settled",
    "topup": "topped_up",
    "withdraw": "withdrawing",
    "unknown": "unanswered",
    "restore": "restored",
    "repaired": "restored",
}
"""What an act is called as an event; one that is not here is called as the act is."""

HELD, FINISHED, GAP = "held", "finished", "gap"
RESTORING = frozenset({"restore", "repaired"})

_PLUMBING = frozenset({"sent", "duplicate_answer", "pin_renewed"})
"""What concerns a profile's money, and tells its owner nothing."""

_OUTCOMES = frozenset({"refund"})
"""What happens automatically under its owner's name, too."""


class Place(NamedTuple):
    """
    Where a reader has read to: the home's *mark* and the last *event*.

    *seals* are numbers of events, the newest first, and the beginnings of their seals: of the
    last one, and of some before it, ever further apart.
    """

    mark: int
    event: int
    seals: tuple[tuple[int, str], ...]


class Read(NamedTuple):
    """What was read: the events, and the place after them."""

    events: list[WatchedEvent]
    place: Place
    last: int
    """The newest event that there is."""


def place_at(home: Home, after: int | None = None) -> Place:
    """Return the place after the event *after*, or after the newest. Raises EventNotFound."""
    with home.looking():
        last, settled = home.store.head().entry, home.store.settled(home.env.now())
        if after is not None and after > last:
            raise EventNotFound(event=after, last=last)
        number = settled.entry if after is None else min(after, settled.entry)
        found = settled if number == settled.entry else home.store.head(number)
        return Place(home_mark(home.row.made_at), number, tuple(seals_of(found)))


def read_on(
    home: Home,
    place: Place,
    *,
    everyone: bool,
    limit: int = 20,
    stop: Callable[[WatchedEvent], bool] = lambda _event: False,
) -> Read:
    """
    Return what has happened since *place*, in order; at most *limit* events are looked at.

    Without *everyone* it is what concerns the profile that looks: its money, what it did, packets
    that it sent, can claim or has a share of. The place moves past the others as well, and not
    beyond an event for which *stop* is true.
    """
    with home.looking():
        head, mark = home.store.settled(home.env.now()), home_mark(home.row.made_at)
        me = None if everyone else home.me
        read, gap = _resumed(home, place, head, mark)
        events = [] if gap is None else [gap]
        seals = [] if place.mark != mark else [seal for seal in place.seals if seal[0] <= read]
        is_over = gap is not None and stop(gap)
        rows = () if is_over else home.store.acts(after=read, limit=limit)
        for row in rows:
            if row.entry > head.entry:  # one with a smaller number may still come
                break
            facts = facts_of(home, row)
            found = []
            is_next = row.entry == read + 1 or row.act in RESTORING
            if not is_next and not has_gaps(home.store):
                found.append(_gap(mark, row.at, read + 1, row.entry - 1))
            if me is None or _concerns(home, me, row, facts):
                found.append(watched(home, row, facts, mark))
            read = row.entry
            events += found
            stops = [stop(event) for event in found]  # it may count them
            if any(stops):
                break
        if read != place.event or gap is not None:
            seals = spaced([*seals_of(home.store.head(read)), *seals])
        return Read(events, Place(mark, read, tuple(seals)), head.entry)


def unseen(home: Home, place: Place, *, limit: int) -> tuple[list[WatchedEvent], Place, bool]:
    """
    Return what others did since *place* that concerns the profile, and whether there is more.

    At most *limit* events are returned, and the place is after the last of them.
    """
    news: list[WatchedEvent] = []
    with home.looking():
        me = home.me.name

        def is_enough(event: WatchedEvent) -> bool:
            if _is_news(event, me):
                news.append(event)
            return len(news) > limit

        while True:
            before = place
            read = read_on(home, place, everyone=False, limit=1, stop=is_enough)
            if len(news) > limit:
                return news[:limit], before, True
            place = read.place
            if place.event >= read.last:
                return news, place, False


def event_in(home: Home, number: int) -> WatchedEvent:
    """Return the event of that *number*, as watchers get it. Raises EventNotFound."""
    with home.looking():
        row = next(iter(home.store.acts(after=number - 1, limit=1)), None)
        if row is None or row.entry != number:
            raise EventNotFound(event=number, last=home.store.head().entry)
        return watched(home, row, facts_of(home, row), home_mark(home.row.made_at))


def known_kinds() -> frozenset[str]:
    """Return every word that an event can be called by."""
    from hongbao.domain.facts import SHAPES

    return frozenset({*SHAPES, *KINDS.values(), HELD, FINISHED, GAP})


def is_called(event: Mapping[str, Any], kind: str) -> bool:
    """Return whether *event* is of that *kind*."""
    return kind in (event["event"], event["act"]) or (kind == FINISHED and event["finished"])


# --- where to read on -----------------------------------------------------------------------------


def _resumed(home: Home, place: Place, head: Head, mark: int) -> tuple[int, WatchedEvent | None]:
    """Return after which event to read on from *place*, and the gap if there is one."""
    if place.mark != mark:
        return 0, _gap(mark, home.now(), 1, place.event) if place.event else None
    is_known = all(is_there(home, seal) for seal in place.seals[:1])
    if place.event <= head.entry and is_known:
        return place.event, None
    if head.restored > place.event:
        return place.event, None  # the restore is still to come, and says what it has replaced
    if not place.seals:  # it was asked for by its number alone
        return head.entry, _gap(mark, home.now(), head.entry + 1, place.event)
    common = next((seal[0] for seal in place.seals if is_there(home, seal)), 0)
    return common, _gap(mark, home.now(), common + 1, place.event)


def is_there(home: Home, seal: tuple[int, str]) -> bool:
    """Return whether the event of *seal* is as it was when that was noted."""
    return seal in seals_of(home.store.head(seal[0]))


def seals_of(head: Head | None) -> list[tuple[int, str]]:
    """Return the seal of the event at *head*; none if there is none, or its group has one."""
    if head is None or not head.entry or not head.mac:
        return []
    return [(head.entry, head.mac.hex()[:16])]


def spaced(seals: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """
    Return some of *seals*, the newest first: each is at most twice as far back as the one before.

    So they are few, and a reader that has to read again reads at most twice what it must.
    """
    kept = [*seals[:1]]
    for place, seal in enumerate(seals[1:], 1):
        newest, last = kept[0][0], kept[-1][0]
        is_last = place == len(seals) - 1
        if is_last or newest - seals[place + 1][0] > 2 * max(newest - last, 1):
            kept.append(seal)
    return kept


# --- the events ----------------------------------------------------------------------------------


def _concerns(home: Home, me: ProfileRow, row: ActRow, facts: Mapping[str, Any]) -> bool:
    """Return whether the act of *row* concerns *me*."""
    if row.profile == me.id or row.act in RESTORING:
        return True
    if row.packet is None:
        return False
    packet = home.store.packet(row.packet)
    if packet.packet.sender == me.id:
        return True
    if _makes_claimable(row.act, facts):
        return packet.packet.recipient in (None, me.id)
    return bool(facts.get("finished")) and bool(home.store.claims(row.packet, me.id))


def _makes_claimable(act: str, facts: Mapping[str, Any]) -> bool:
    """Return whether by an *act* with these *facts* a packet can be claimed from then on."""
    if act == "send":
        return not isinstance(facts.get("held"), dict)
    return KINDS.get(act) == "released" and facts.get("held") == "send"


def _is_news(event: WatchedEvent, me: str) -> bool:
    """Return whether the profile called *me* has not done that itself."""
    if event["act"] in _PLUMBING:
        return False
    return event["actor"] != me or event["act"] in _OUTCOMES


def watched(home: Home, row: ActRow, facts: Mapping[str, Any], mark: int) -> WatchedEvent:
    """Return the act of *row*, with its *facts*, as watchers get it; *mark* is the home's."""
    line = event_line(home, row)
    packet = None if row.packet is None else home.store.packet(row.packet)
    is_held = line["state"] == HELD
    restored = row.act in RESTORING and facts["copied_entry"] < facts["last_entry"]
    return {
        "event": HELD if is_held else _kind(row),
        "number": row.entry,
        "id": event_id(mark, row.entry, row.act, row.request_id, iso(row.at), row.profile),
        "at": line["at"],
        "act": row.act,
        "actor": line["actor"],
        "profile": line["profile"],
        "packet": line["packet"],
        "sender": None if packet is None else packet.sender_name,
        "share": facts["seat"] if row.act == "claim" else None,
        "shares": None if packet is None else packet.packet.count,
        "finished": row.act == "claim" and bool(facts["finished"]),
        "payment": line["payment"],
        "state": line["state"],
        "fault": line["fault"],
        "from_event": facts["copied_entry"] + 1 if restored else None,
        "to_event": facts["last_entry"] if restored else None,
    }


def _kind(row: ActRow) -> str:
    if row.profile is None and row.act in ("approved", "rejected"):
        return row.act  # of a case that holds no money
    return KINDS.get(row.act, row.act)


def _gap(mark: int, at: datetime, first: int, last: int) -> WatchedEvent:
    """Return what says that the events from *first* to *last* are gone, or were of another home."""
    return {
        "event": GAP,
        "number": last,
        "id": event_id(mark, last, GAP, first, iso(at)),
        "at": iso(at),
        "act": GAP,
        "actor": "platform",
        "profile": None,
        "packet": None,
        "sender": None,
        "share": None,
        "shares": None,
        "finished": False,
        "payment": None,
        "state": None,
        "fault": None,
        "from_event": first,
        "to_event": last,
    }
