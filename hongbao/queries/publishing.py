"""
Publishing: the ledger's acts as events for others, each in a lane, with a number that has no gaps.

An act's entry is written in the act's own transaction, so it is the record that is published: there
is no second one that could be there without the first. Each act is one event, in the lane of its
packet, or else of its profile, or else of the platform, and the events of a lane are numbered from
1. So who receives them keeps one number for each lane, and knows by it what came twice and what is
missing.

What was published may be lost by the ledger: a backup is restored, a cluster loses commits. Then
another epoch begins, and a notice says up to which position the earlier ones still hold.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol, TypedDict

from hongbao.domain.identity import BANK_NUMBERS
from hongbao.domain.ids import home_mark
from hongbao.domain.ledger import PLATFORM, Kind
from hongbao.domain.log.checkpoint import Checkpoint, Malformed, Origin
from hongbao.domain.log.leaves import Epoch, Moved, decode
from hongbao.domain.log.merkle import Edge
from hongbao.domain.text import mask_profile_name
from hongbao.errors import LogAltered, PublicationDiverged
from hongbao.home.log import MachineLog
from hongbao.queries.acts import facts_of
from hongbao.queries.watching import is_there, seals_of, spaced, watched
from hongbao.rows import Row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from hongbao.domain.log.leaves import Leaf
    from hongbao.home.opened import Home
    from hongbao.store import ActRow, ChangedRow, LedRow

BEHIND_AT_ONCE = 1000
"""How many leaves are counted at a time."""

LANES_KNOWN = 100_000
"""How many lanes' numbers a reader keeps in mind; those of others are counted again."""

_BANKS = {number: code for code, number in BANK_NUMBERS.items()}


class Change(TypedDict):
    """What an act has added to an account of the platform, or taken from it."""

    account: str  # such as ``balance/3``, ``packet/hb_3HQ5EX5Q``, ``incoming/CMB`` or ``fees``
    fen: int


class EventData(TypedDict):
    """What an event says. Names are masked, and nothing that people wrote is in it."""

    event: str  # what happened, as `watch` calls it, such as ``claimed``
    act: str
    entry: int  # the act's number in the ledger
    at: str  # when it happened, by the ledger's clock
    actor: str  # the masked name of a profile or an operator, ``platform``, or a bank's code
    profile: int | None  # whose act it is, by number
    name: str | None  # their masked name
    packet: str | None
    share: int | None  # of a claim, which share of the packet it was
    shares: int | None  # how many the packet has
    finished: bool  # whether it was the packet's last share
    payment: str | None
    state: str | None  # of the payment, as the actor has it then; or ``held``
    fault: str | None  # the fault simulated at a demo bank
    changes: list[Change]


class NoticeData(TypedDict):
    """What a notice says: a new epoch has begun, and what still holds of the earlier ones."""

    epoch: int
    kept: int  # the position up to which events of earlier epochs hold


class Event(Row):
    """
    One event: the *number*-th of its *lane*, published in an *epoch*.

    *position* says where it is in the ledger: no later event of the epoch is before it.
    """

    lane: str
    number: int
    epoch: int
    position: int
    at: datetime
    data: EventData


class Notice(Row):
    """That a new *epoch* has begun, and events up to the position *kept* of earlier ones hold."""

    epoch: int
    kept: int


class Spot(Row):
    """
    Up to where events were published, in which *epoch*.

    In a file: the entry *upto*, and *seals* of it and of some before it, as a watcher has them. On
    a cluster: the first *upto* leaves of the log's epoch *part*, whose *root* that is.
    """

    mark: int
    epoch: int
    upto: int
    part: int = 0
    root: str = ""
    seals: tuple[tuple[int, str], ...] = ()


class Batch(Row):
    """What is to be published next: a *notice* if a new epoch has begun, and *events*."""

    notice: Notice | None
    events: Sequence[Event]
    spot: Spot  # after all of it
    more: bool  # whether there may be more


class Reader(Protocol):
    """Reads what is to be published, from a spot on."""

    def read(self, home: Home, spot: Spot | None, limit: int) -> Batch:
        """
        Return what comes after *spot*, or from the beginning: about *limit* events.

        Raises PublicationDiverged if the ledger is not the one that *spot* is of, and has no
        record of how it came to that.
        """
        ...

    def behind(self, home: Home, spot: Spot | None) -> tuple[int, datetime | None]:
        """Return how many events could be published after *spot*, and when the first happened."""
        ...


def unsealed(home: Home) -> int:
    """Return how many lanes have acts that are published only when they are sealed."""
    return 0 if home.store.log is None else home.store.log.unsealed_count()


def reader_of(home: Home) -> Reader:
    """Return what reads the acts of *home* in the order in which they can be published."""
    return FileReader() if home.store.log is None else LogReader()


class _Counts:
    """How many events the lanes have that were met last, by what names them."""

    def __init__(self) -> None:
        self._known: OrderedDict[object, tuple[int, int]] = OrderedDict()

    def at(self, lane: object, upto: int) -> int | None:
        """Return how many events *lane* has up to its *upto*; None if that is not known."""
        known = self._known.get(lane)
        return None if known is None or known[0] != upto else known[1]

    def note(self, lane: object, upto: int, count: int) -> None:
        self._known[lane] = upto, count
        self._known.move_to_end(lane)
        if len(self._known) > LANES_KNOWN:
            self._known.popitem(last=False)


class FileReader:
    """Reads the one chain of a ledger in a file."""

    def __init__(self) -> None:
        self._after: Spot | None = None
        self._packets = _Counts()
        self._alone: dict[int | None, int] = {}

    def read(self, home: Home, spot: Spot | None, limit: int) -> Batch:
        with home.looking():
            head = home.store.settled(home.env.now())
            mark, epoch = home_mark(home.row.made_at), max(1, head.restored)
            if spot is None:
                spot = Spot(mark, epoch, 0)
            if spot.mark != mark:
                raise PublicationDiverged
            if spot.epoch != epoch:
                return self._next_epoch(home, spot, epoch)
            if spot.seals and not is_there(home, spot.seals[0]):
                raise PublicationDiverged
            if spot != self._after:
                self._packets, self._alone = (
                    _Counts(),
                    home.store.acts_counted(upto=spot.upto, about=[None]),
                )
            found = home.store.acts(after=spot.upto, limit=limit)
            rows = [row for row in found if row.entry <= head.entry]
            if not rows:
                self._after = spot
                return Batch(None, (), spot, more=False)
            data = _data_of(home, rows)
            events = [
                Event(*self._place(home, row), epoch, row.entry, row.at, data[row.entry])
                for row in rows
            ]
            last = rows[-1].entry
            seals = spaced([*seals_of(home.store.head(last)), *spot.seals])
            self._after = spot._replace(upto=last, seals=tuple(seals))
            return Batch(None, events, self._after, more=len(rows) == limit)

    def _next_epoch(self, home: Home, spot: Spot, epoch: int) -> Batch:
        """Go back to the last entry that is known to be as it was published."""
        if epoch < spot.epoch:
            raise PublicationDiverged
        held = [seal for seal in spot.seals if is_there(home, seal)]
        kept = min(held[0][0], spot.upto) if held else 0
        after = spot._replace(epoch=epoch, upto=kept, seals=tuple(held))
        return Batch(Notice(epoch, kept), (), after, more=True)

    def _place(self, home: Home, row: ActRow) -> tuple[str, int]:
        """Return the lane of the act of *row*, and its number there."""
        if row.packet is None:
            self._alone[row.profile] = self._alone.get(row.profile, 0) + 1
            return _lane(row), self._alone[row.profile]
        count = self._packets.at(row.packet, 0)
        if count is None:
            before = home.store.acts_counted(upto=row.entry - 1, about=[row.packet])
            count = sum(before.values())
        self._packets.note(row.packet, 0, count + 1)
        return _lane(row), count + 1

    def behind(self, home: Home, spot: Spot | None) -> tuple[int, datetime | None]:
        with home.looking():
            if spot is None or spot.epoch != max(1, home.store.head().restored):
                spot = self.read(home, spot, 0).spot
            first = next(iter(home.store.acts(after=spot.upto, limit=1)), None)
            behind = home.store.acts_counted(after=spot.upto)
            return sum(behind.values()), first and first.at


class LogReader:
    """Reads a ledger on a cluster as its log has sealed it: the spot is a checkpoint."""

    def __init__(self) -> None:
        self._after: Spot | None = None
        self._counts = _Counts()

    def read(self, home: Home, spot: Spot | None, limit: int) -> Batch:
        log = MachineLog(home.env, home.vault, home.store)
        newest = log.look()
        with home.looking():
            mark, parts = home_mark(home.row.made_at), _parts(log, newest)
            epoch = newest.origin.epoch
            if spot is None:
                spot = Spot(mark, epoch, 0, next(iter(parts)))
            if spot.mark != mark or spot.epoch > epoch:
                raise PublicationDiverged
            if spot.epoch != epoch:
                return self._next_epoch(log, spot, newest, parts)
            if spot != self._after:
                if spot.upto and _root(log, newest, spot.part, spot.upto) != spot.root:
                    raise PublicationDiverged
                self._counts = _Counts()
            if spot.upto == parts[spot.part] and spot.part != epoch:
                later = next(part for part in parts if part > spot.part)
                spot = spot._replace(part=later, upto=0, root="")
            upto = min(spot.upto + limit, parts[spot.part])
            if upto == spot.upto:
                self._after = spot
                return Batch(None, (), spot, more=False)
            return self._events(home, log, spot, upto, newest, parts)

    def _events(
        self,
        home: Home,
        log: MachineLog,
        spot: Spot,
        upto: int,
        newest: Checkpoint,
        parts: dict[int, int],
    ) -> Batch:
        """Return the events of the leaves from *spot* to *upto*, in their order."""
        base = sum(size for part, size in parts.items() if part < spot.part)
        moved = [
            (base + number, leaf)
            for number, leaf in enumerate(_leaves(log, spot, upto), spot.upto + 1)
            if isinstance(leaf, Moved)
        ]
        macs = log.log.macs([(leaf.lane, leaf.upto) for _position, leaf in moved])
        if any(macs.get((leaf.lane, leaf.upto)) != leaf.head for _position, leaf in moved):
            raise LogAltered(where=log.store.where)
        led: dict[str, list[LedRow]] = {}
        for found in _led(log, (leaf for _position, leaf in moved)):
            led.setdefault(found.lane, []).append(found)
        places = []
        for position, leaf in moved:
            own = [row for row in led.get(leaf.lane, ()) if leaf.after < row.number <= leaf.upto]
            count = self._counts.at(leaf.lane, leaf.after)
            if count is None and own:
                count = log.log.led_upto(leaf.lane, leaf.after) if leaf.after else 0
            if count is not None:
                self._counts.note(leaf.lane, leaf.upto, count + len(own))
                places += [(row, count + number, position) for number, row in enumerate(own, 1)]
        acts = {row.entry: row for row in _acts(home, [place[0].entry for place in places])}
        data = _data_of(home, acts.values())
        events = []
        for found, number, position in places:
            row = acts[found.entry]
            lane = found.lane if row.packet is None else _lane(row)
            said = data[row.entry]
            events.append(Event(lane, number, spot.epoch, position, row.at, said))
        self._after = spot._replace(upto=upto, root=_root(log, newest, spot.part, upto))
        is_last = spot.part == newest.origin.epoch and upto == newest.size
        return Batch(None, events, self._after, more=not is_last)

    def _next_epoch(
        self, log: MachineLog, spot: Spot, newest: Checkpoint, parts: dict[int, int]
    ) -> Batch:
        """Go back to the last leaf that the newest epoch leads back to."""
        part, upto = next(iter(parts)), 0
        if spot.part in parts:
            part, upto = spot.part, min(spot.upto, parts[spot.part])
        kept = sum(size for earlier, size in parts.items() if earlier < part) + upto
        root = _root(log, newest, part, upto) if upto else ""
        if upto and upto == spot.upto and root != spot.root:
            raise PublicationDiverged
        epoch = newest.origin.epoch
        after = spot._replace(epoch=epoch, part=part, upto=upto, root=root)
        return Batch(Notice(epoch, kept), (), after, more=True)

    def behind(self, home: Home, spot: Spot | None) -> tuple[int, datetime | None]:
        log = MachineLog(home.env, home.vault, home.store)
        newest = log.look()
        with home.looking():
            parts = _parts(log, newest)
            if spot is None:
                spot = Spot(home_mark(home.row.made_at), newest.origin.epoch, 0, next(iter(parts)))
            if spot.epoch != newest.origin.epoch:
                spot = self._next_epoch(log, spot, newest, parts).spot
            count, first = 0, None
            for part, size in parts.items():
                begin = spot.upto if part == spot.part else 0
                for at in range(begin, size if part >= spot.part else 0, BEHIND_AT_ONCE):
                    here = spot._replace(part=part, upto=at)
                    led = _led(log, _leaves(log, here, min(at + BEHIND_AT_ONCE, size)))
                    if led and first is None:
                        first = home.store.act(led[0].entry)
                    count += len(led)
            return count, first and first.at


# --- the log --------------------------------------------------------------------------------------


def _parts(log: MachineLog, newest: Checkpoint) -> dict[int, int]:
    """Return how many leaves were kept of each epoch that *newest* leads back to, oldest first."""
    found = [(newest.origin.epoch, newest.size)]
    while (opening := _opening(log, found[-1][0])).kept is not None:
        if opening.kept.origin.epoch >= found[-1][0]:
            raise LogAltered(where=log.store.where)
        found.append((opening.kept.origin.epoch, opening.kept.size))
    return dict(reversed(found))


def _opening(log: MachineLog, epoch: int) -> Epoch:
    leaf = _decoded(log, log.opening(epoch))
    if not isinstance(leaf, Epoch):
        raise LogAltered(where=log.store.where)
    return leaf


def _leaves(log: MachineLog, spot: Spot, upto: int) -> Iterator[Leaf]:
    """Yield the leaves of the part that *spot* is in, from there to *upto*."""
    for content in log.log.leaves(spot.part, upto, spot.upto):
        yield _decoded(log, content)


def _led(log: MachineLog, leaves: Iterable[Leaf]) -> list[LedRow]:
    """Return the entries of *leaves* that their lanes lead."""
    return log.log.led(
        [(leaf.lane, leaf.after, leaf.upto) for leaf in leaves if isinstance(leaf, Moved)]
    )


def _decoded(log: MachineLog, content: bytes) -> Leaf:
    try:
        return decode(content)
    except Malformed:
        raise LogAltered(where=log.store.where) from None


def _root(log: MachineLog, newest: Checkpoint, part: int, size: int) -> str:
    """Return the root of the first *size* leaves of the epoch *part*."""
    if (part, size) == (newest.origin.epoch, newest.size):
        return newest.root.hex()
    head = Checkpoint(Origin(log.name, part), size, b"")
    return Edge.of(size, log.nodes(head)).root().hex()


# --- what an event says ---------------------------------------------------------------------------


def _lane(row: ActRow) -> str:
    """Return the lane of the act of *row*, as it is published."""
    if row.packet is not None:
        return f"packet/{row.packet_id}"
    return PLATFORM if row.profile is None else f"profile/{row.profile}"


def _acts(home: Home, entries: Collection[int]) -> list[ActRow]:
    return list(home.store.acts(among=entries)) if entries else []


def _data_of(home: Home, rows: Collection[ActRow]) -> dict[int, EventData]:
    """Return what the events of *rows* say, by their entries."""
    changes: dict[int, list[Change]] = {row.entry: [] for row in rows}
    if rows:
        named = {row.packet: row.packet_id for row in rows}
        for changed in home.store.changed([*changes]):
            if changed.fen:
                account = _account(home, changed, named)
                changes[changed.entry].append({"account": account, "fen": changed.fen})
    mark = home_mark(home.row.made_at)
    return {row.entry: _data(home, row, mark, changes[row.entry]) for row in rows}


def _data(home: Home, row: ActRow, mark: int, changes: list[Change]) -> EventData:
    event = watched(home, row, facts_of(home, row), mark)
    is_name = row.act != "bank" and event["actor"] != PLATFORM
    return {
        "event": event["event"],
        "act": row.act,
        "entry": row.entry,
        "at": event["at"],
        "actor": mask_profile_name(event["actor"]) if is_name else event["actor"],
        "profile": row.profile,
        "name": None if row.profile_name is None else mask_profile_name(row.profile_name),
        "packet": row.packet_id,
        "share": event["share"],
        "shares": event["shares"],
        "finished": event["finished"],
        "payment": row.message_id,
        "state": event["state"],
        "fault": event["fault"],
        "changes": changes,
    }


def _account(home: Home, changed: ChangedRow, packets: dict[int | None, str | None]) -> str:
    """Return the name of the account that has *changed*, of which only the platform has a book."""
    kind, owner = changed.kind, changed.owner
    match kind:
        case Kind.PACKET:
            return f"{kind}/{packets.get(owner) or home.store.packet(owner).packet.id}"
        case Kind.PENDING:
            return f"{kind}/{home.store.message(owner).id}"
        case Kind.HELD:
            return f"{kind}/{home.store.case(owner).id}"
        case Kind.INCOMING | Kind.OUTGOING:
            return f"{kind}/{_BANKS.get(owner, owner)}"
    return f"{kind}/{owner}" if owner else str(kind)
