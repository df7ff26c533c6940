"""The record of deliveries: each try at handing an event to a program or a webhook."""

import json
from collections.abc import Iterable
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from hongbao.units import from_micros, iso, iso_or_none, to_micros
from hongbao.vault import Notes

if TYPE_CHECKING:
    from hongbao.answers import DeliveryLine

DELIVERED, FAILED, GIVEN_UP = "delivered", "failed", "given_up"
DISMISSED = "dismissed"
"""What becomes of a delivery that was given up, and is not wanted any more."""

NOTE = "tries"
SIZE_MAX = 640 << 10
"""How many bytes the record has before the oldest tries are dropped from it."""

KEPT = 1000
"""How many tries are kept then, besides those that still wait for another."""


class Try(NamedTuple):
    """
    One try at delivering the event *id* to a *target*, the *number*-th of its tries.

    *why* is what went wrong, as a code; *next_at* is when the next try is due.
    """

    cursor: str
    target: str
    id: str
    event: int
    number: int
    at: datetime
    state: str
    status: int | None
    why: str | None
    took_ms: int
    next_at: datetime | None

    @property
    def letter(self) -> tuple[str, str]:
        """What the tries at one delivery have in common: the target, and the event's id."""
        return self.target, self.id


class Tries:
    """The record in a home's notes, to which every thread and process may add."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._lock = Lock()

    def note(self, tried: Try) -> None:
        """
        Add one that was *tried*.

        A failure is on the disk before this returns: the cursor moves past it.
        """
        with self._lock, self._notes.guarded(NOTE):
            size = self._notes.append_sealed(NOTE, _line(tried), wait=tried.state == FAILED)
            if size > SIZE_MAX:
                kept = _worth_keeping(self.all())
                self._notes.write_sealed(NOTE, [_line(each) for each in kept])

    def all(self) -> list[Try]:
        """Return every try that is kept, the oldest first."""
        return [_parsed(line) for line in self._notes.sealed_lines(NOTE)]


def last_tries(tries: Iterable[Try]) -> dict[tuple[str, str], Try]:
    """Return the last try at each delivery."""
    return {tried.letter: tried for tried in tries}


def given_up(tries: Iterable[Try]) -> list[Try]:
    """Return the last try at each delivery that was given up, and not made since."""
    return [tried for tried in last_tries(tries).values() if tried.state == GIVEN_UP]


def as_line(tried: Try) -> "DeliveryLine":
    """Return *tried* as programs and people read it."""
    return {
        "event": tried.event,
        "id": tried.id,
        "target": tried.target,
        "cursor": tried.cursor,
        "tries": tried.number,
        "at": iso(tried.at),
        "state": tried.state,
        "status": tried.status,
        "why": tried.why,
        "took_ms": tried.took_ms,
        "next_at": iso_or_none(tried.next_at),
    }


def _worth_keeping(tries: list[Try]) -> list[Try]:
    """Return the newest of *tries*, and those that still wait for another or were given up."""
    last = last_tries(tries)
    return [
        tried
        for place, tried in enumerate(tries)
        if place >= len(tries) - KEPT
        or (tried.state != DELIVERED and last[tried.letter] is tried and place >= len(tries) // 2)
    ]


def _line(tried: Try) -> bytes:
    at, next_at = to_micros(tried.at), tried.next_at
    packed = tried._replace(at=at, next_at=next_at and to_micros(next_at))  # type: ignore[arg-type]
    return json.dumps(packed, ensure_ascii=False, separators=(",", ":")).encode()


def _parsed(line: bytes) -> Try:
    tried = Try(*json.loads(line))
    at: int = tried.at  # type: ignore[assignment]
    next_at: int | None = tried.next_at  # type: ignore[assignment]
    return tried._replace(
        at=from_micros(at), next_at=None if next_at is None else from_micros(next_at)
    )
