"""
Publications: how far events were published to each target, and who may publish there.

One relay at a time has a target. In a wallet of this machine a lock says which, which the system
lets go of when its holder dies; on a cluster it is a row with a lease, which another machine may
take when nothing was heard for a while. Each time it is taken it gets another number, its fence,
and who has an older one can no longer move the cursor.
"""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from hongbao.delivery.cursors import notes_of
from hongbao.domain.chain import state
from hongbao.errors import AlreadyPublishing, Busy, Damaged, HongbaoError, LogAltered, RelayReplaced
from hongbao.home.opened import Home
from hongbao.queries.publishing import Spot
from hongbao.store import Again, LogStore, PublicationRow
from hongbao.units import iso_or_none
from hongbao.vault import Notes
from hongbao.wallet.again import repeat

FORMAT = 1
LEASE_SECONDS = 15
"""How long a relay on a cluster is waited for that is not heard of any more."""

RENEW_SECONDS = 4
"""How often it says that it is there."""


class Place(NamedTuple):
    """A cursor: the spot after what was acknowledged, how many events that were, and when."""

    spot: Spot | None
    published: int
    at: datetime | None


class Publication(NamedTuple):
    """What is known of a target: the cursor, the last fence, and who has it now, if anyone."""

    target: str
    place: Place
    fence: int
    holder: str | None


NOTHING = Place(None, 0, None)


class Lease(Protocol):
    """A target that was taken."""

    place: Place
    fence: int

    def use(self, home: Home) -> None:
        """Go on with *home*, which was opened again."""
        ...

    def move(self, place: Place) -> None:
        """Move the cursor, durably. Raises RelayReplaced."""
        ...

    def renew(self) -> None:
        """Say that this relay is there. Raises RelayReplaced."""
        ...


def holder_of(pid: int) -> str:
    """Return how a relay with that process number on this machine is called."""
    return f"{os.uname().nodename} ({pid})"


@contextmanager
def taken(home: Home, target: str) -> Iterator[Lease]:
    """Take *target*, and let go of it at the end. Raises AlreadyPublishing."""
    with _taken_note(home, target) if home.store.log is None else _taken_row(home, target) as lease:
        yield lease


def publications(home: Home) -> list[Publication]:
    """
    Return what is known of every target, in their order.

    One that has never acknowledged anything, and that no one tries now, may have been mistyped.
    """
    log = home.store.log
    if log is not None:
        found = [_of_row(home, row) for row in log.publications()]
    else:
        notes = notes_of(home)
        noted = [_of_note(notes, name) for name in notes.names("publish-*")]
        found = sorted(each for each in noted if each is not None)
    return [each for each in found if each.place.spot is not None or each.holder is not None]


# --- in this machine's notes ----------------------------------------------------------------------


class _NoteLease:
    def __init__(self, notes: Notes, name: str, known: Publication) -> None:
        self._notes, self._name, self._target = notes, name, known.target
        self.place, self.fence = known.place, known.fence + 1
        self.move(known.place)

    def use(self, home: Home) -> None:
        self._notes.use_keys_of(home.vault)

    def move(self, place: Place) -> None:
        self.place = place
        document = {
            "target": self._target,
            "fence": self.fence,
            "holder": holder_of(os.getpid()),
            **_document(place),
        }
        self._notes.write(self._name, json.dumps(document).encode() + b"\n")

    def renew(self) -> None:
        return  # the lock is kept by the system


@contextmanager
def _taken_note(home: Home, target: str) -> Iterator[Lease]:
    notes, name = notes_of(home), f"publish-{sha256(target.encode()).hexdigest()[:16]}"
    with ExitStack() as closing:
        try:
            closing.enter_context(notes.guarded(name, wait=False))
        except Busy:
            content = json.loads(notes.read(name) or b"{}")
            raise AlreadyPublishing(target=target, holder=content.get("holder", "?")) from None
        known = _of_note(notes, name, is_ours=True) or Publication(target, NOTHING, 0, None)
        yield _NoteLease(notes, name, known)


def _of_note(notes: Notes, name: str, *, is_ours: bool = False) -> Publication | None:
    content = notes.read(name)
    if content is None:
        return None
    try:
        document = json.loads(content)
        place = _parsed(document)
        holder, target = str(document["holder"]), str(document["target"])
        fence = int(document["fence"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Damaged(path=str(notes.path(name))) from None
    is_held = not is_ours and _is_guarded(notes, name)
    return Publication(target, place, fence, holder if is_held else None)


def _is_guarded(notes: Notes, name: str) -> bool:
    try:
        with notes.guarded(name, wait=False):
            return False
    except Busy:
        return True


# --- in a row of the cluster ----------------------------------------------------------------------


class _RowLease:
    def __init__(self, home: Home, row: PublicationRow, place: Place) -> None:
        self._home, self._row = home, row
        self.place, self.fence = place, row.fence

    def use(self, home: Home) -> None:
        self._home = home

    def move(self, place: Place) -> None:
        content = json.dumps(_document(place)).encode()
        seal = _seal(self._home, self._row.target, content)
        self._keep(self._row._replace(place=content, seal=seal), LEASE_SECONDS)
        self.place = place

    def renew(self) -> None:
        self._keep(self._row, LEASE_SECONDS)

    def release(self) -> None:
        self._keep(self._row, 0)

    def _keep(self, row: PublicationRow, seconds: int) -> None:
        if not repeat(self._home, lambda: self._kept(row, seconds)):
            raise RelayReplaced(target=row.target, fence=row.fence)
        self._row = row

    def _kept(self, row: PublicationRow, seconds: int) -> bool:
        with self._home.store.transaction():
            return _log(self._home).keep_publication(row, seconds)


@contextmanager
def _taken_row(home: Home, target: str) -> Iterator[Lease]:
    log = _log(home)
    row = log.publication(target)
    if row is None:
        place, fence = NOTHING, 0
    else:
        if row.seconds:
            raise AlreadyPublishing(target=target, holder=row.holder)
        place, fence = _of_row(home, row).place, row.fence
    content = json.dumps(_document(place)).encode()
    seal = _seal(home, target, content)
    mine = PublicationRow(target, content, seal, fence + 1, holder_of(os.getpid()), 0)
    try:
        with home.store.transaction():
            is_mine = log.take_publication(mine, LEASE_SECONDS)
    except Again:
        is_mine = False
    if not is_mine:
        other = log.publication(target)
        raise AlreadyPublishing(target=target, holder=other.holder if other else "?")
    lease = _RowLease(home, mine, place)
    try:
        yield lease
    finally:
        with suppress(HongbaoError):  # then the lease ends a little later
            lease.release()


def _of_row(home: Home, row: PublicationRow) -> Publication:
    if row.seal != _seal(home, row.target, row.place):
        raise LogAltered(where=home.store.where)
    place = _parsed(json.loads(row.place))
    return Publication(row.target, place, row.fence, row.holder if row.seconds else None)


def _seal(home: Home, target: str, place: bytes) -> bytes:
    return home.vault.row_mac(state("publication", target, (place,)))


def _log(home: Home) -> LogStore:
    log = home.store.log
    assert log is not None
    return log


# --- a place, written down ------------------------------------------------------------------------


def _document(place: Place) -> dict[str, object]:
    spot = place.spot
    return {
        "format": FORMAT,
        "spot": None if spot is None else spot._asdict(),
        "published": place.published,
        "at": iso_or_none(place.at),
    }


def _parsed(document: Any) -> Place:
    """Return the place that `_document` has written. Raises ValueError, TypeError or KeyError."""
    if document["format"] != FORMAT:
        raise ValueError
    said, at = document["spot"], document["at"]
    spot = None
    if said is not None:
        seals = tuple((int(number), str(seal)) for number, seal in said["seals"])
        numbers = {name: int(said[name]) for name in ("mark", "epoch", "upto", "part")}
        spot = Spot(**numbers, root=str(said["root"]), seals=seals)
    moved_at = None if at is None else datetime.fromisoformat(at)
    return Place(spot, int(document["published"]), moved_at)
