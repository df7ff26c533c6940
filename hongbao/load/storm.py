"""
A storm: New Year's Eve played on one ledger, as fast as requests come.

Requests come when the evening's curve says (an open loop): one that has to wait is late from the
moment at which it should have come, so no waiting is hidden by the ones behind it. They are done in
their order, in groups of all that is due, each tick at its own virtual time. So what the people
get, and the books, follow from the seed, and only the times are this machine's.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from hongbao.domain.arrivals import (
    CURVE,
    TICK_MINUTES,
    TICK_PARTS,
    Arrival,
    NodeStanding,
    Sending,
    Standing,
    arrivals,
    sendings,
    shared_out,
)
from hongbao.errors import HongbaoError
from hongbao.load.crowd import Crowd
from hongbao.wallet.bulk import GROUP_MAX, BulkClaims
from hongbao.wallet.clock import set_clock
from hongbao.wallet.sandbox import NEW_YEARS_EVE

if TYPE_CHECKING:
    from hongbao.answers import Claimed
    from hongbao.home.opened import Home

_FRAME_NS = 50_000_000
"""How long one waits for the next request before saying how things stand."""

_SECOND_NS = 1_000_000_000
_LATEST = 1000


class Plan(NamedTuple):
    """
    What a storm is made of; the first *senders* of the people send its packets.

    *nanoseconds* is how long the evening takes on this machine.
    """

    seed: str
    senders: int
    packets: int
    shares: int
    claims: int
    nanoseconds: int


class Tick(NamedTuple):
    """What came of five minutes of the evening: *backlog* is the most that ever waited."""

    at: datetime
    asked: int
    claimed: int
    refused: int
    groups: int
    backlog: int
    slowest_micros: int


class Pace(NamedTuple):
    """How a tick's requests were done: *backlog* is the most that ever waited."""

    groups: int
    backlog: int
    slowest_micros: int


class Storm:
    """One evening on *home*, in which nothing happens but what its *people* do."""

    def __init__(self, home: Home, people: Sequence[str], plan: Plan) -> None:
        self._home = home
        self._crowd = Crowd(home, people, shares=plan.shares)
        self._plan = plan
        self._seed = plan.seed.encode()
        self._claims = BulkClaims(home)
        self._began_ns = 0
        self._rates: list[tuple[int, int]] = []  # when a group was done, and how large it was
        self.people = len(people)
        self.ticks: list[Tick] = []
        self.refused: Counter[str] = Counter()
        self.micros: list[int] = []
        self.claimed = self.held = self.again = 0
        self.claimed_fen = self.peak_rate = 0

    def prepare(self) -> None:
        """Open a session for each of the people."""
        self._crowd.prepare()

    @property
    def packets(self) -> list[str]:
        """The packets that were sent."""
        return self._crowd.packets

    @property
    def sent_fen(self) -> int:
        """What was sent in them."""
        return self._crowd.sent_fen

    def standings(self) -> tuple[NodeStanding, ...]:
        """Return how far each node has come; in a file there is none."""
        return ()

    def finish(self) -> None:
        """Wait for what goes on after the last answer."""

    def run(self) -> Iterator[Standing]:
        """Play the evening; yield how it stands, some twenty times a second."""
        sent = iter(sendings(self._seed, people=self._plan.senders, packets=self._plan.packets))
        coming = next(sent, None)
        self._began_ns = time.perf_counter_ns()
        for tick, count in enumerate(shared_out(self._plan.claims)):
            at = NEW_YEARS_EVE + timedelta(minutes=tick * TICK_MINUTES)
            set_clock(self._home, at)
            while coming is not None and coming.tick <= tick:
                self._send(coming)
                coming = next(sent, None)
            if self.packets:
                claimed, refused = self.claimed, self.refused.total()
                pace = yield from self._tick(tick, at, count)
                claimed, refused = self.claimed - claimed, self.refused.total() - refused
                self.ticks.append(Tick(at, count, claimed, refused, *pace))

    def _send(self, sending: Sending) -> None:
        refused = self._crowd.send(sending)
        if refused is not None:
            self.refused[refused.code] += 1

    def _tick(self, tick: int, at: datetime, count: int) -> Generator[Standing, None, Pace]:
        """Do the *count* requests of *tick* as they come."""
        came = list(
            arrivals(self._seed, tick, count, people=self.people, packets=len(self.packets))
        )
        groups = most = slowest = done = 0
        while done < count:
            due = self._due(tick, came, done)
            if due == done:
                yield self._standing(at, 0)
                self._wait_for(tick, came[done])
                continue
            most = max(most, due - done)
            group = came[done : min(due, done + GROUP_MAX)]
            slowest = max(slowest, self._answer(tick, group, done))
            groups += 1
            done += len(group)
            yield self._standing(at, due - done)
        return Pace(groups, most, slowest)

    def _moment_ns(self, tick: int, arrival: Arrival) -> int:
        """Return when *arrival* should come, on this machine's clock."""
        parts = tick * TICK_PARTS + arrival.part
        return self._began_ns + self._plan.nanoseconds * parts // (len(CURVE) * TICK_PARTS)

    def _due(self, tick: int, came: list[Arrival], done: int) -> int:
        """Return how many of the tick have come by now."""
        now = time.perf_counter_ns()
        low, high = done, len(came)
        while low < high:
            middle = (low + high) // 2
            if self._moment_ns(tick, came[middle]) <= now:
                low = middle + 1
            else:
                high = middle
        return low

    def _wait_for(self, tick: int, arrival: Arrival) -> None:
        left = self._moment_ns(tick, arrival) - time.perf_counter_ns()
        time.sleep(max(min(left, _FRAME_NS), 0) / 1e9)

    def _answer(self, tick: int, group: list[Arrival], number: int) -> int:
        """Have *group* answered, count it, and return how late its slowest answer was."""
        requests = [
            self._crowd.request(f"storm-{tick}-{number + n}", arrival)
            for n, arrival in enumerate(group)
        ]
        answers = self._claims.claim(requests)
        now = time.perf_counter_ns()
        for answer in answers:
            self._count(answer)
        late = [(now - self._moment_ns(tick, arrival)) // 1000 for arrival in group]
        self.micros += late
        self._count_rate(now, len(group))
        return max(late)

    def _count(self, answer: Claimed | HongbaoError) -> None:
        if isinstance(answer, HongbaoError):
            self.refused[answer.code] += 1
        elif answer.get("replayed"):
            self.again += 1
        else:
            self.claimed += 1
            self.held += answer["held"] is not None
            self.claimed_fen += answer["amount_fen"]

    def _count_rate(self, now: int, count: int) -> None:
        """Count that so many were answered *now*, for the busiest second."""
        self._rates.append((now, count))
        while self._rates[0][0] <= now - _SECOND_NS:
            del self._rates[0]
        self.peak_rate = max(self.peak_rate, sum(count for _, count in self._rates))

    def _standing(self, at: datetime, backlog: int) -> Standing:
        since = time.perf_counter_ns() - _SECOND_NS
        return Standing(
            at,
            self._plan.claims,
            len(self.micros),
            self.claimed,
            backlog,
            self.sent_fen,
            self.claimed_fen,
            sum(count for done, count in self._rates if done > since),
            tuple(self.micros[-_LATEST:]),
        )
