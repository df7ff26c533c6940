"""Watching: the loop that follows a home's events, shows them, and hands them over."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from hongbao.delivery.cursors import Cursor
from hongbao.delivery.sending import Courier, Letter, Report
from hongbao.delivery.tries import FAILED, Try
from hongbao.documents import to_json
from hongbao.errors import (
    Busy,
    Damaged,
    EventNotFound,
    EventNotSeen,
    HistoryReplaced,
    HomeNotFound,
    RolledBack,
    StorageRefused,
    StorageUnreadable,
)
from hongbao.home.opened import Home
from hongbao.queries.watching import GAP, Place, event_in, is_called, read_on

if TYPE_CHECKING:
    from hongbao.answers import WatchedEvent

LOOK_SECONDS = 0.2
"""How often a watcher looks; a look that finds nothing reads two rows, in a tenth of a ms."""

REPLACED_SECONDS = 10
"""How long a home may be on the way, while another is put in its place."""

_ON_THE_WAY = (
    *(Busy, Damaged, HistoryReplaced, HomeNotFound, RolledBack),
    *(StorageRefused, StorageUnreadable),
)


class Ends(NamedTuple):
    """When a watcher stops: after *seconds*, *events_max* events, or one of a *kind*."""

    seconds: int | None = None
    events_max: int | None = None
    kind: str | None = None

    @property
    def wants(self) -> bool:
        """Whether it waits for something to happen."""
        return self.events_max is not None or self.kind is not None


class Watch:
    """
    Follows a home's events from *place* on.

    *show* gets what was read, before the cursor moves past it, and *tell* each try at a delivery.
    *open_home* opens the home again when another has taken its place.
    """

    def __init__(
        self,
        place: Place,
        *,
        everyone: bool,
        open_home: Callable[[], AbstractContextManager[Home]],
        show: Callable[[Sequence["WatchedEvent"]], None],
        tell: Callable[[Try], None],
        reports: "SimpleQueue[Report]",
        couriers: Sequence[Courier] = (),
        cursor: Cursor | None = None,
        known: dict[tuple[str, str], Try] | None = None,
        ends: Ends | None = None,
    ) -> None:
        self.place = place
        self._everyone = everyone
        self._open_home = open_home
        self._show = show
        self._tell = tell
        self._reports = reports
        self._couriers = couriers
        self._cursor = cursor
        self._known = {} if known is None else known
        self._ends = Ends() if ends is None else ends
        seconds = self._ends.seconds
        self._ends_at = None if seconds is None else time.monotonic() + seconds
        self._seen = 0
        self._is_stopped = False
        self._has_happened = False
        self._read: deque[tuple[Place, set[tuple[str, str]]]] = deque()

    def run(self, home: Home) -> None:
        """Follow *home* until the end that was asked for. Raises EventNotSeen."""
        self._take_up(home)
        for courier in self._couriers:
            courier.start()
        try:
            self._follow_while_it_stays(home)
            replaced_at: float | None = None
            while not self._is_over:
                try:
                    with self._open_home() as found:
                        replaced_at = None
                        self._follow_while_it_stays(found)
                except _ON_THE_WAY:
                    replaced_at = replaced_at or time.monotonic()
                    if time.monotonic() > replaced_at + REPLACED_SECONDS:
                        raise
                    self._wait()
            self._hand_over_the_rest()
        finally:
            for courier in self._couriers:
                courier.close()
        if self._ends.wants and not self._has_happened and not self._is_stopped:
            assert self._ends.seconds is not None
            raise EventNotSeen(seconds=self._ends.seconds)

    def stop(self) -> None:
        """Stop at the next look: nothing is cut off, and what was handed over is noted."""
        self._is_stopped = True

    @property
    def is_stopped(self) -> bool:
        """Whether someone has stopped it."""
        return self._is_stopped

    @property
    def left(self) -> int:
        """How many deliveries are neither made nor given up."""
        return sum(courier.left for courier in self._couriers)

    @property
    def _is_over(self) -> bool:
        return (self._has_happened or self._is_stopped) or (
            self._ends_at is not None and time.monotonic() >= self._ends_at
        )

    def _take_up(self, home: Home) -> None:
        """Take up what an earlier run could not deliver."""
        by_name = {courier.target.name: courier for courier in self._couriers}
        for tried in self._known.values():
            courier = by_name.get(tried.target)
            if courier is None or tried.state != FAILED or tried.next_at is None:
                continue
            try:
                event = event_in(home, tried.event)
            except EventNotFound:
                continue  # a restore took it away, and says so itself
            wait = (tried.next_at - home.env.now()).total_seconds()
            courier.put_again(letter_of(event), tried.number, wait)

    def _follow_while_it_stays(self, home: Home) -> None:
        """Follow *home* until it is over, or another ledger or other keys have come."""
        try:
            while home.is_in_place():
                before = self.place
                read = read_on(home, before, everyone=self._everyone, stop=self._is_the_end)
                if read.events:
                    self._show(read.events)
                if read.place != before:
                    self._hand_over(read.events, read.place)
                if self._is_over:
                    return
                if read.place.event >= read.last:
                    self._wait()
        except Busy:
            pass
        except (Damaged, StorageRefused):
            if home.is_in_place():
                raise

    def _is_the_end(self, event: "WatchedEvent") -> bool:
        """Count *event*, and return whether it is the last that was wanted."""
        self._seen += event["event"] != GAP
        kind = self._ends.kind
        if (kind is not None and is_called(event, kind)) or self._seen == self._ends.events_max:
            self._has_happened = True
        return self._has_happened

    def _hand_over(self, events: Sequence["WatchedEvent"], place: Place) -> None:
        """Give *events* to the couriers; the cursor moves to *place* when each was tried once."""
        self.place = place
        waiting = set()
        for event in events:
            letter = letter_of(event)
            for courier in self._couriers:
                key = (courier.target.name, letter.id)
                if key not in self._known:
                    waiting.add(key)
                    courier.put(letter)
        self._read.append((place, waiting))
        self._move()

    def _move(self) -> None:
        """Move the cursor to the last place before which everything was tried."""
        reached = None
        while self._read and not self._read[0][1]:
            reached = self._read.popleft()[0]
        if reached is not None and self._cursor is not None:
            self._cursor.move(reached)

    def _wait(self, seconds: float = LOOK_SECONDS) -> None:
        """Sleep until the next look, or until a courier reports."""
        if self._ends_at is not None:
            seconds = max(min(seconds, self._ends_at - time.monotonic()), 0)
        try:
            report = self._reports.get(timeout=seconds) if self._couriers else None
        except Empty:
            return
        if report is None:
            time.sleep(seconds)
            return
        self._take(report)
        self._take_all()

    def _take_all(self) -> None:
        """Take what couriers have reported, and move the cursor."""
        while not self._reports.empty():
            self._take(self._reports.get())
        self._move()

    def _take(self, report: Report) -> None:
        if report.error is not None:
            raise report.error
        assert report.tried is not None
        for _place, waiting in self._read:
            waiting.discard(report.tried.letter)
        self._tell(report.tried)

    def _hand_over_the_rest(self) -> None:
        """Wait until all was tried once, or waits behind what does not answer, or someone stops."""
        self._ends_at = None
        while not (
            self._is_stopped
            or (all(courier.rests for courier in self._couriers) and self._reports.empty())
        ):
            self._wait(0.05)
        self._take_all()


def letter_of(event: "WatchedEvent") -> Letter:
    """Return *event* as it is handed over: a document with its type, its time and its data."""
    body = {"type": event["event"], "timestamp": event["at"], "data": event}
    return Letter(
        id=event["id"],
        event=event["number"],
        at=datetime.fromisoformat(event["at"]),
        body=to_json(body).encode(),
    )
