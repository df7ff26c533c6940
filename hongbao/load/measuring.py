"""
Measuring what a claim costs on this machine: by short samples of what really does claims.

The sample is an evening in small, done in groups of several sizes as fast as it goes. What of the
time was spent in the ledger's engine is the database's; the rest is the worker's. The gateway is
the server of `hongbao serve --claims` without a wallet: it reads claims from connections, refuses
them, and writes that back.

What is only work is measured in the processor's time of its thread, as it is on a machine that has
nothing else to do; the database by the clock, since waiting for a disk or a network is its cost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from itertools import cycle
from time import perf_counter_ns, thread_time_ns
from typing import TYPE_CHECKING, Any, cast

from hongbao.domain.arrivals import TICK_MINUTES, arrivals, sendings, shared_out
from hongbao.errors import Busy, HongbaoError
from hongbao.load.costs import Costs, Group
from hongbao.load.crowd import Crowd
from hongbao.rows import Row
from hongbao.serving.protocol import LINE_MAX, reply_line, request_line
from hongbao.serving.server import Server
from hongbao.serving.stopping import Sleeper
from hongbao.wallet.bulk import BulkClaims
from hongbao.wallet.clock import set_clock
from hongbao.wallet.sandbox import NEW_YEARS_EVE

if TYPE_CHECKING:
    from hongbao.answers import Claimed
    from hongbao.domain.arrivals import Arrival
    from hongbao.home.opened import Home
    from hongbao.store import Store
    from hongbao.wallet.sessions import ClaimRequest

SIZES = (1, 50, 5, 20, 2, 10)
"""How large groups are, in turns."""

LOOKED_THROUGH = 500
"""Among how many that wait a group of one packet is found: as many as a server's queue holds."""

LINKS = 50
ROUNDS = 40
STARTS = 3


class Evening(Row):
    """What a sample is of: *senders* of the people send its packets."""

    seed: str
    people: int
    senders: int
    packets: int
    shares: int
    claims: int


class Clocks(Row):
    """What is looked at for how long something took: for mere work, and for the database."""

    work: Callable[[], int] = thread_time_ns
    database: Callable[[], int] = perf_counter_ns


CLOCKS = Clocks()


class _Timed:
    """A store that also counts how long it was at work, by both *clocks*."""

    def __init__(self, store: Store, clocks: Clocks) -> None:
        self._store = store
        self._clocks = clocks
        self.ns = self.work_ns = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return self._timing(found) if callable(found) else found

    def _timing(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **named: Any) -> Any:
            began, work = self._clocks.database(), self._clocks.work()
            try:
                done = do(*args, **named)
            finally:
                self.ns += self._clocks.database() - began
                self.work_ns += self._clocks.work() - work
            return _TimedWithin(done, self._timing) if hasattr(done, "__exit__") else done

        return timed


class _TimedWithin:
    """A context of a store, whose beginning and end count, and what is done within does not."""

    def __init__(self, context: Any, timing: Callable[..., Any]) -> None:
        self._context, self._timing = context, timing

    def __enter__(self) -> Any:
        return self._timing(self._context.__enter__)()

    def __exit__(self, *raised: object) -> Any:
        return self._timing(self._context.__exit__)(*raised)


def measure(
    home: Home,
    people: Sequence[str],
    evening: Evening,
    start: Callable[[], object],
    clocks: Clocks = CLOCKS,
) -> Costs:
    """
    Return what claims cost in *home*, an empty sandbox of *people*, whose ledger then has them.

    *start* starts a process that opens the wallet, and waits for its end.
    """
    timed = _Timed(home.store, clocks)
    home.store = cast("Store", timed)
    try:
        crowd = Crowd(home, people, shares=evening.shares)
        crowd.prepare()
        claims = BulkClaims(home)
        groups: list[Group] = []
        asked: list[ClaimRequest] = []
        answers: list[Claimed | HongbaoError] = []
        for requests in _groups(home, crowd, evening):
            database, within, began = timed.ns, timed.work_ns, clocks.work()
            answers += claims.claim(requests)
            worker = clocks.work() - began - (timed.work_ns - within)
            groups.append(Group(len(requests), max(worker, 0), timed.ns - database))
            asked += requests
        engine = "cluster" if home.store.has_lanes else "file"
    finally:
        home.store = timed._store  # noqa: SLF001 - it was put around it here
    gateway = _gateway(asked, answers, clocks.work)
    starts = tuple(_took(start, clocks.database) for _ in range(STARTS))
    return Costs(engine, gateway, tuple(groups), starts)


def _took(do: Callable[[], object], clock: Callable[[], int]) -> int:
    began = clock()
    do()
    return clock() - began


def _groups(home: Home, crowd: Crowd, evening: Evening) -> Iterator[list[ClaimRequest]]:
    """
    Have the evening pass, and yield its requests in groups.

    On a cluster a group is of one packet, as a server makes them.
    """
    seed, one_packet = evening.seed.encode(), home.store.has_lanes
    sent = iter(sendings(seed, people=evening.senders, packets=evening.packets))
    coming = next(sent, None)
    waiting: list[Arrival] = []
    sizes = cycle(SIZES)
    size, done = next(sizes), 0
    for tick, count in enumerate(shared_out(evening.claims)):
        set_clock(home, NEW_YEARS_EVE + timedelta(minutes=tick * TICK_MINUTES))
        while coming is not None and coming.tick <= tick:
            crowd.send(coming)
            coming = next(sent, None)
        if crowd.packets:
            waiting += arrivals(seed, tick, count, people=len(crowd), packets=len(crowd.packets))
        while (group := _taken(waiting, size, one_packet=one_packet)) is not None:
            yield [crowd.request(f"sample-{done + n}", each) for n, each in enumerate(group)]
            size, done = next(sizes), done + len(group)


def _taken(waiting: list[Arrival], size: int, *, one_packet: bool) -> list[Arrival] | None:
    """Take *size* of those that are *waiting*, in their order; None where there are not enough."""
    places = [
        place
        for place, each in enumerate(waiting[:LOOKED_THROUGH])
        if not one_packet or each.packet == waiting[0].packet
    ][:size]
    if not places or (len(places) < size and len(waiting) < LOOKED_THROUGH):
        return None
    group = [waiting[place] for place in places]
    for place in reversed(places):
        del waiting[place]
    return group


# --- the gateway ----------------------------------------------------------------------------------


def _gateway(
    asked: Sequence[ClaimRequest],
    answers: Sequence[Claimed | HongbaoError],
    clock: Callable[[], int],
) -> tuple[int, ...]:
    """Return, for each of some rounds, how long a claim takes to be read and answered."""
    undone = Busy()
    rounds = []
    with ExitStack() as closing:
        sleeper = Sleeper()
        closing.callback(sleeper.close)
        server = closing.enter_context(Server(sleeper))
        links = [closing.enter_context(server.connected()) for _ in range(LINKS)]
        for number in range(ROUNDS + 1):
            places = [(number * LINKS + n) % len(asked) for n in range(LINKS)]
            for link, place in zip(links, places, strict=True):
                link.sendall(request_line(asked[place]))
            target = server.metrics.claims["undone"] + LINKS
            began = clock()
            while server.metrics.claims["undone"] < target:
                server.attend(None, 0, undone)
            for place in places:  # an answer has more words than that refusal
                reply_line(asked[place].request_id, answers[place])
            took = clock() - began
            for link in links:
                link.recv(LINE_MAX)
            rounds.append(took // LINKS)
    return tuple(rounds[1:])  # the first connects
