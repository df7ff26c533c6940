"""Publishing: the relay that sends a wallet's events to a broker, in order and at least once."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from functools import partial
from time import monotonic, sleep
from typing import TYPE_CHECKING

from hongbao.delivery.envelope import message_of, message_of_notice
from hongbao.delivery.publications import RENEW_SECONDS, Lease, Place, taken
from hongbao.delivery.targets import Broker, Message, ProducerLost
from hongbao.errors import (
    BrokerAway,
    BrokerRefused,
    Busy,
    Damaged,
    HistoryReplaced,
    HomeNotFound,
    HongbaoError,
    LedgerUnreachable,
    OutcomeUnknown,
    RolledBack,
    StorageRefused,
    StorageUnreadable,
)
from hongbao.home.opened import Home
from hongbao.queries.publishing import Batch, Reader, reader_of
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import PublishingLine

EVENTS_AT_ONCE = 500
"""How many events are sent before their acknowledgements are waited for."""

LOOK_SECONDS = 0.2
"""How often the relay looks for new events, if it is to follow them."""

AWAY_SECONDS = 30
"""How long brokers that do not answer are waited for, if the relay is not to follow."""

REPLACED_SECONDS = 10
"""How long a home may be on the way, while another is put in its place."""

STOPPING_SECONDS = 5
"""How long a relay that was stopped waits for the acknowledgements of what it has sent."""

LOST_MAX = 5
"""How many producers in a row may give up before that is no accident."""

_PAUSE_SECONDS = 1.0
_PASSES = (Busy, LedgerUnreachable, OutcomeUnknown)
"""What is waited for as long as it takes: another process writes, the cluster is down."""

_ON_THE_WAY = (
    *(Damaged, HistoryReplaced, HomeNotFound, RolledBack),
    *(StorageRefused, StorageUnreadable),
)
"""What a home looks like while another is put in its place: see `REPLACED_SECONDS`."""


class _Stopped(Exception):
    """The relay was stopped while it waited for brokers."""


class Relay:
    """
    Sends what *open_home* has to *broker*, under the name of its *target*.

    The cursor moves when all that is before it was acknowledged. So what was sent and not yet
    acknowledged when a relay ends, however it ends, is sent again by the next, with the same
    numbers.
    """

    def __init__(
        self,
        target: str,
        broker: Callable[[], Broker],
        *,
        open_home: Callable[[], AbstractContextManager[Home]],
        report: "Callable[[PublishingLine], None]",
        now: Callable[[], datetime],
        structured: bool,
    ) -> None:
        self._target = target
        self._new_broker = broker
        self._open_home = open_home
        self._report = report
        self._now = now
        self._structured = structured
        self._broker: Broker | None = None
        self._is_connected = False
        self._reader: Reader | None = None
        self._lease: Lease | None = None
        self._stopped_at: float | None = None
        self._away_since: float | None = None
        self._renewed_at = monotonic()
        self._follows = False
        self._lost = 0  # how many producers in a row
        self._awaited: str | None = None  # what the wallet is waited for
        self.events = 0
        """How many events this relay has sent."""

    def stop(self) -> None:
        """Stop after what is in flight; a signal's handler may call this."""
        self._stopped_at = monotonic()

    @property
    def is_stopped(self) -> bool:
        """Whether someone has stopped it."""
        return self._stopped_at is not None

    def run(self, *, follow: bool) -> None:
        """
        Publish all that there is, and with *follow* what is to come, until it is stopped.

        Raises AlreadyPublishing, RelayReplaced, PublicationDiverged, BrokerAway (unless it follows)
        and what a `Broker` raises.
        """
        self._follows = follow
        try:
            self._broker = self._new_broker()  # first: settings that are wrong leave no trace
            with self._open_home() as home, taken(home, self._target) as lease:
                self._lease = lease
                lease.move(lease.place)
                self._say("ready")
                with suppress(_Stopped):
                    self._publish_on(home)
                self._say("stopped" if self.is_stopped else "done")
        finally:
            if self._broker is not None:
                self._broker.close()

    def _publish_on(self, home: Home) -> None:
        """Publish from *home*, and from what takes its place."""
        trouble = self._try(lambda: self._publish_while_it_stays(home))
        since = monotonic()
        while self._follows and not self.is_stopped:
            if trouble is not None:
                self._sleep(_PAUSE_SECONDS)
            before, trouble = trouble, self._try(partial(self._publish_again, trouble))
            if before is None:
                since = monotonic()
            if isinstance(trouble, _ON_THE_WAY) and monotonic() > since + REPLACED_SECONDS:
                raise trouble

    def _try(self, publish: Callable[[], None]) -> HongbaoError | None:
        """Let *publish*, and return what has kept it from that and may pass."""
        try:
            publish()
        except (*_PASSES, *_ON_THE_WAY) as error:
            if not self._follows:
                raise
            return error
        return None

    def _publish_again(self, trouble: HongbaoError | None) -> None:
        """Publish from the home that is there now, after some *trouble*."""
        if trouble is not None and self._awaited != trouble.code:
            self._awaited = trouble.code
            self._say("waiting", error=trouble)
        with self._open_home() as home:
            self._use(home)
            if self._awaited is not None:
                self._awaited = None
                self._say("again")
            self._publish_while_it_stays(home)

    def _use(self, home: Home) -> None:
        assert self._lease is not None
        self._lease.use(home)
        self._reader = None

    def _publish_while_it_stays(self, home: Home) -> None:
        """Publish until there is nothing more, it is stopped, or another home is in its place."""
        assert self._lease is not None
        self._reader = self._reader or reader_of(home)
        while home.is_in_place():
            batch = self._reader.read(home, self._lease.place.spot, EVENTS_AT_ONCE)
            try:
                self._publish(batch)
            except ProducerLost as lost:
                assert self._broker is not None
                self._broker.close()
                self._broker, self._is_connected = None, False
                self._lost += 1
                if self._lost > LOST_MAX:
                    raise BrokerRefused(target=self._target, reason=str(lost)) from None
                self._sleep(_PAUSE_SECONDS)
                continue
            if self.is_stopped or not (batch.more or self._follows):
                return
            if not batch.more:
                self._sleep(LOOK_SECONDS)
                self._renew()

    def _publish(self, batch: Batch) -> None:
        """Send *batch*, and move the cursor behind it when all of it is acknowledged."""
        assert self._lease is not None
        place = self._lease.place
        messages = list(self._messages(batch))
        broker = (
            self._connected()
        )  # also with nothing to send: settings that are wrong are found at once
        for first in range(0, len(messages), EVENTS_AT_ONCE):
            broker.send(messages[first : first + EVENTS_AT_ONCE], self._beat)
        if batch.spot == place.spot:
            return
        count = len(batch.events)
        self._lease.move(Place(batch.spot, place.published + count, self._now()))
        self._renewed_at, self._lost = monotonic(), 0
        self.events += count
        if batch.notice is not None:
            self._say("epoch")
        if count:
            self._say("published", count)

    def _messages(self, batch: Batch) -> list[Message]:
        mark = batch.spot.mark
        found = []
        if batch.notice is not None:
            found.append(message_of_notice(batch.notice, mark, structured=self._structured))
        return found + [
            message_of(event, mark, structured=self._structured) for event in batch.events
        ]

    def _connected(self) -> Broker:
        if self._broker is None:
            self._broker = self._new_broker()
        if not self._is_connected:
            self._broker.connect(self._beat)
            self._is_connected = True
        return self._broker

    def _beat(self, away: bool) -> None:
        """
        Go on waiting for brokers, which are *away* or not.

        Raises BrokerAway or _Stopped when that is long enough, and RelayReplaced.
        """
        self._renew()
        if not away and self._away_since is not None:
            self._away_since = None
            self._say("again")
        if away and self._away_since is None:
            self._away_since = monotonic()
            self._say("waiting")
        waited = 0.0 if self._away_since is None else monotonic() - self._away_since
        if self._stopped_at is not None:
            is_over = monotonic() - self._stopped_at > STOPPING_SECONDS
            if is_over or self._away_since is not None:
                raise _Stopped
        if not self._follows and waited > AWAY_SECONDS:
            raise BrokerAway(target=self._target, seconds=AWAY_SECONDS, reason=self._trouble())

    def _trouble(self) -> str:
        """Return why no broker answers, as far as that is known."""
        known = "" if self._broker is None else self._broker.trouble
        return known or "Local: Timed out"

    def _renew(self) -> None:
        """Say now and then that this relay is there. Raises RelayReplaced."""
        assert self._lease is not None
        if monotonic() - self._renewed_at > RENEW_SECONDS:
            self._renewed_at = monotonic()
            self._lease.renew()

    def _sleep(self, seconds: float) -> None:
        """Sleep, but not on after a stop."""
        until = monotonic() + seconds
        while not self.is_stopped and monotonic() < until:
            sleep(min(0.05, seconds))

    def _say(self, event: str, count: int = 0, *, error: HongbaoError | None = None) -> None:
        assert self._lease is not None
        place, spot = self._lease.place, self._lease.place.spot
        self._report(
            {
                "event": event,
                "at": iso(self._now()),
                "target": self._target,
                "events": count if event == "published" else self.events,
                "published": place.published,
                "epoch": None if spot is None else spot.epoch,
                "fence": self._lease.fence,
                "error": None if error is None else error.as_dict(),
                "trouble": self._trouble() if event == "waiting" and error is None else None,
            }
        )
