"""
A discrete-event simulation of claims at nodes that take them in groups.

A node is what `hongbao serve --claims` is: one thread that reads what has come, waits until a group
is full or old enough, has it decided and committed, and replies. While a group is in hand nothing
is read; then all that has come is read at once, and what the queue has no room for is refused at
once. Around that are people, who ask again where they are refused or their node is gone, and
other nodes, with whose groups those of a cluster may be in conflict.

Nothing here knows what a claim costs, a clock or dice: times come from a `Service`, and chance from
a function that draws uniformly from 0 to 1. All times are seconds.

A plain queue is a special case (groups of one, no waiting, a service time alone), and is how this
is held against formulas.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from heapq import heappop, heappush
from math import exp, inf, log, log2
from typing import TYPE_CHECKING, Any, NamedTuple

from hongbao.errors import SimulatorMissing

if TYPE_CHECKING:
    from simpy import Environment, Event, Process

Uniform = Callable[[], float]

_WAKE = "wake"


class Work(NamedTuple):
    """How long a group takes: to be decided, and to be committed and replied to."""

    decided: float
    committed: float


Service = Callable[[int], Work]
"""Draws how long a group of so many claims takes."""


class Limits(NamedTuple):
    """How a node takes claims: as `hongbao.serving.server` does, unless it is said otherwise."""

    group: int = 50
    wait: float = 0.005
    queue: int | None = 500
    threads: int = 1
    reading: float = 0.0
    """What it costs to read one; it is read as it comes while a group waits to be full."""
    refusal: float = 0.0
    """What it costs more to refuse one."""
    one_packet: bool = False
    """Whether a group is of one packet: half of all claims are of the newest one, and so on."""


class Patience(NamedTuple):
    """What people do who are refused, or whose node is gone: they ask again after a while."""

    tries: int = 2
    """How often one who is refused asks again."""
    pause: float = 1.0
    """The longest time until they do; any shorter one is as likely."""
    reconnect: float = 0.2
    """The longest time until one whose connection is broken tries again, and again."""


class Conflicts(NamedTuple):
    """Groups at two nodes at once that credit the same one of so many *people*: one is undone."""

    people: int
    pause: float = 0.005
    pause_max: float = 0.25
    tries: int = 30


class Kill(NamedTuple):
    """One node is killed *at* a time, and back after some *seconds*."""

    at: float
    seconds: float
    elsewhere: bool = False
    """Whether the other nodes take its claims until then: they share a ledger."""


class Load(NamedTuple):
    """
    What is asked of a platform: so many claims a second of all its *nodes*.

    Nodes share nothing but people, so no more than a few of them are *played*; the others are as
    they are.
    """

    rate: float
    nodes: int = 1
    played: int = 1
    seconds: float = 1.0
    warm_up: float = 0.2
    """How long it runs before anything is counted."""


class Claim(NamedTuple):
    """A claim: when it was first asked for, how often it was refused, and of which packet it is."""

    planned: float
    refused: int
    packet: int


class Played(NamedTuple):
    """What came of a load; only what happened after the warm-up is counted."""

    asked: int
    answered: int
    refused: int
    again: int
    """Refusals after which people asked again."""
    begun_again: int
    """Groups that were undone by another node's."""
    groups: int
    late: Sequence[float]
    """How long after it was first asked for each claim was answered."""
    done: Sequence[float]
    """When each of them was answered."""
    present: float
    """How many claims were waiting or in hand on average, looked at every so often."""
    most: int
    """The most that ever waited at a node."""


def environment() -> Environment:
    """Return an empty simulation. Raises SimulatorMissing where its library is not installed."""
    try:
        from simpy import Environment
    except ImportError:
        raise SimulatorMissing from None
    return Environment()


def exponential(mean: float, uniform: Uniform) -> float:
    """Draw a time with that *mean* that forgets how long it has lasted."""
    return -mean * log(1.0 - uniform())


def poisson(rate: float, uniform: Uniform) -> Iterator[float]:
    """Yield the moments at which people come who know nothing of each other."""
    now = 0.0
    while rate > 0:
        now += exponential(1 / rate, uniform)
        yield now


def play(
    load: Load,
    service: Service,
    uniform: Uniform,
    limits: Limits = Limits(),  # noqa: B008 - it is a value
    *,
    patience: Patience | None = None,
    conflicts: Conflicts | None = None,
    kill: Kill | None = None,
    arrivals: Sequence[Iterator[float]] | None = None,
    look_every: float | None = None,
) -> Played:
    """
    Play a *load*, and return what came of it.

    *arrivals* says when claims come to each of the nodes, in the place of people who know nothing
    of each other. The first node is the one that is killed. Where they are to be counted, one looks
    every so often how many claims are there.

    Raises SimulatorMissing.
    """
    platform = _Platform(
        environment(), load, service, uniform, limits, patience, conflicts, kill, arrivals
    )
    return platform.run(look_every)


class _Platform:
    """The nodes that are played, what is common to them, and what is counted."""

    def __init__(
        self,
        env: Environment,
        load: Load,
        service: Service,
        uniform: Uniform,
        limits: Limits,
        patience: Patience | None,
        conflicts: Conflicts | None,
        kill: Kill | None,
        arrivals: Sequence[Iterator[float]] | None,
    ) -> None:
        self.env, self.load, self.service, self.uniform = env, load, service, uniform
        self.limits, self.conflicts, self.kill = limits, conflicts, kill
        self.patience = patience or Patience(tries=0)
        played = min(load.played, load.nodes)
        share = load.rate / load.nodes
        # Claims of a node that is gone spread over all the others, of which these are a part.
        others = (played - 1) / (load.nodes - 1) if load.nodes > 1 else 1.0
        first = share * others if kill is not None and kill.elsewhere else share
        coming = arrivals or [poisson(first if n == 0 else share, uniform) for n in range(played)]
        self.nodes = [_Node(self, each) for each in coming]
        self.asked = self.answered = self.refused = self.again = self.begun_again = self.groups = 0
        self.late: list[float] = []
        self.done: list[float] = []
        self.most = 0

    def run(self, look_every: float | None) -> Played:
        for node in self.nodes:
            node.start()
        if self.kill is not None:
            self.env.process(self._kill(self.kill))
        looks: list[int] = []
        if look_every is not None:
            self.env.process(self._look(look_every, looks))
        ends_at = self.load.warm_up + self.load.seconds
        self.env.run(until=ends_at)
        for node in self.nodes:
            node.hear(ends_at)
        present = sum(looks) / len(looks) if looks else 0.0
        return Played(
            *(self.asked, self.answered, self.refused, self.again, self.begun_again, self.groups),
            self.late,
            self.done,
            present,
            self.most,
        )

    def _look(self, every: float, looks: list[int]) -> Generator[Event, Any, None]:
        yield self.env.timeout(self.load.warm_up)
        while True:
            yield self.env.timeout(every)
            looks.append(sum(node.present() for node in self.nodes))

    def _kill(self, kill: Kill) -> Generator[Event, Any, None]:
        yield self.env.timeout(kill.at)
        self.nodes[0].die()
        yield self.env.timeout(kill.seconds)
        self.nodes[0].start()

    def packet(self) -> int:
        """Draw how many packets are newer than the one that a claim is of."""
        return int(-log2(1.0 - self.uniform())) if self.limits.one_packet else 0

    def answer(self, group: Sequence[Claim]) -> None:
        now = self.env.now
        if now >= self.load.warm_up:
            self.groups += 1
            self.answered += len(group)
            self.late += [now - claim.planned for claim in group]
            self.done += [now] * len(group)

    def refuse(self, node: _Node, claim: Claim, at: float) -> None:
        """Refuse *claim*; its client asks the same node again after a pause, so many times."""
        if claim.refused < self.patience.tries:
            self.again += at >= self.load.warm_up
            pause = self.patience.pause * self.uniform()
            node.expect(at + pause, claim._replace(refused=claim.refused + 1))
        else:
            self.refused += at >= self.load.warm_up

    def lose(self, node: _Node, claim: Claim, at: float) -> None:
        """Have *claim* asked for again, whose connection to *node* is broken."""
        if self.kill is not None and self.kill.elsewhere and len(self.nodes) > 1:
            node = self.nodes[1 + int(self.uniform() * (len(self.nodes) - 1))]
        node.expect(at + self.patience.reconnect * self.uniform(), claim)

    def in_hand_elsewhere(self, node: _Node) -> float:
        """Return how many claims the other nodes are committing, also those not played."""
        if len(self.nodes) == 1:
            return float(node.committing) * (self.load.nodes - 1)
        there = sum(other.committing for other in self.nodes if other is not node)
        return there * (self.load.nodes - 1) / (len(self.nodes) - 1)


class _Node:
    """A node: what comes to it, what waits there, and what it has in hand."""

    def __init__(self, platform: _Platform, coming: Iterator[float]) -> None:
        self._platform, self._env = platform, platform.env
        self._coming = coming
        self._ahead: deque[float] = deque()
        self._expected: list[tuple[float, int, Claim]] = []  # those who ask again
        self._numbers = 0
        self._unread: deque[tuple[float, Claim]] = deque()
        self._queue: deque[tuple[float, Claim]] = deque()  # since when each has waited
        self._in_hand: dict[int, Sequence[Claim]] = {}
        self._threads: list[Process] = []
        self._asleep: set[Process] = set()
        self._is_dead = False
        self.committing = 0

    # --- what comes ------------------------------------------------------------------------------

    def expect(self, at: float, claim: Claim) -> None:
        """Have *claim* come at a later time."""
        self._numbers += 1
        heappush(self._expected, (at, self._numbers, claim))
        for thread in self._asleep:
            thread.interrupt(_WAKE)
        self._asleep.clear()

    def _next(self, place: int = 0) -> float:
        """Return when the next new claim comes, or one that many places behind it."""
        while len(self._ahead) <= place:
            self._ahead.append(next(self._coming, inf))
        return self._ahead[place]

    def hear(self, until: float) -> None:
        """Let come what comes *until* then; no one has read it yet."""
        platform = self._platform
        while True:
            at = self._next()
            if self._expected and self._expected[0][0] < at:
                at, _number, claim = self._expected[0]
                if at > until:
                    return
                heappop(self._expected)
            elif at > until:
                return
            else:
                claim = Claim(self._ahead.popleft(), 0, platform.packet())
                platform.asked += at >= platform.load.warm_up
            if self._is_dead:
                platform.lose(self, claim, at)
            else:
                self._unread.append((at, claim))

    def present(self) -> int:
        """Return how many claims are here."""
        self.hear(self._env.now)
        return len(self._unread) + len(self._queue) + sum(map(len, self._in_hand.values()))

    # --- what is done ----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to work."""
        if self._is_dead:
            self.hear(self._env.now)
            self._is_dead = False
            for process in self._threads:
                process.interrupt()
        self._threads = [
            self._env.process(self._work(number)) for number in range(self._platform.limits.threads)
        ]

    def die(self) -> None:
        """Lose everything that is here."""
        now = self._env.now
        self.hear(now)
        lost = [
            *(claim for _since, claim in (*self._queue, *self._unread)),
            *(claim for group in self._in_hand.values() for claim in group),
        ]
        for thread in self._threads:
            thread.interrupt()
        self._asleep.clear()
        self._is_dead, self.committing = True, 0
        self._queue.clear()
        self._unread.clear()
        self._in_hand.clear()
        for claim in lost:
            self._platform.lose(self, claim, now)
        self._threads = [self._env.process(self._turn_away())]

    def _turn_away(self) -> Generator[Event, Any, None]:
        """Have those who come to a dead node find that it is."""
        from simpy import Interrupt

        try:
            while True:
                yield from self._sleep(self._next())
                self.hear(self._env.now)
        except Interrupt:
            return

    def _work(self, number: int) -> Generator[Event, Any, None]:
        from simpy import Interrupt

        try:
            while True:
                yield from self._gather()
                group = self._take()
                if group:
                    self._in_hand[number] = group
                    yield from self._do(len(group))
                    del self._in_hand[number]
                    self._platform.answer(group)
        except Interrupt:
            return

    def _read(self, free_at: float) -> float:
        """
        Read all that has come, and refuse what there is no room for; return when that is done.

        *free_at* is when the thread began to read, or last had; what came since was read as it
        came, if the thread had nothing else to do.
        """
        limits = self._platform.limits
        self.hear(self._env.now)
        while self._unread:
            at, claim = self._unread.popleft()
            free_at = max(free_at, at)
            if limits.queue is not None and len(self._queue) >= limits.queue:
                self._platform.refuse(self, claim, self._env.now)
                free_at += limits.refusal
            else:
                self._queue.append((free_at, claim))
            free_at += limits.reading
        self._platform.most = max(self._platform.most, len(self._queue))
        return free_at

    def _gather(self) -> Generator[Event, Any, None]:
        """Wait until there is a group."""
        limits, env = self._platform.limits, self._env
        free_at = env.now
        while True:
            free_at = self._read(free_at)
            if free_at > env.now:
                yield env.timeout(free_at - env.now)
                if self._next() <= env.now:
                    continue
            if not self._queue:
                yield from self._sleep(self._next())
                continue
            missing = limits.group - len(self._queue)
            ready_at = self._queue[0][0] + limits.wait
            if missing <= 0 or env.now >= ready_at:
                return
            yield from self._sleep(min(ready_at, self._next(missing - 1)))

    def _sleep(self, until: float) -> Generator[Event, Any, None]:
        """Sleep until then, or until it is known that someone asks again."""
        from simpy import Interrupt

        if self._expected:
            until = min(until, self._expected[0][0])
        thread = self._env.active_process
        assert thread is not None
        self._asleep.add(thread)
        try:
            # A moment more than nothing, if the sum is rounded down: never the same moment again.
            wait = max(until - self._env.now, 1e-12)
            yield self._env.event() if until == inf else self._env.timeout(wait)
        except Interrupt as interrupt:
            if interrupt.cause is not _WAKE:
                raise
        finally:
            self._asleep.discard(thread)

    def _take(self) -> list[Claim]:
        """Take those that have waited longest; if need be, those of the first one's packet."""
        limits, queue = self._platform.limits, self._queue
        if not limits.one_packet:
            return [queue.popleft()[1] for _ in range(min(limits.group, len(queue)))]
        group: list[Claim] = []
        others: list[tuple[float, Claim]] = []
        while queue and len(group) < limits.group:
            waiting = queue.popleft()
            if group and waiting[1].packet != group[0].packet:
                others.append(waiting)
            else:
                group.append(waiting[1])
        queue.extendleft(reversed(others))
        return group

    def _do(self, size: int) -> Generator[Event, Any, None]:
        """Have a group decided and committed, and again if another node's has undone it."""
        platform, conflicts = self._platform, self._platform.conflicts
        tries = 0
        while True:
            work = platform.service(size)
            yield self._env.timeout(work.decided)
            self.committing += size
            others = 0.0 if conflicts is None else platform.in_hand_elsewhere(self)
            yield self._env.timeout(work.committed)
            self.committing -= size
            if conflicts is None or tries >= conflicts.tries:
                return
            if platform.uniform() >= 1 - exp(-size * others / conflicts.people):
                return
            tries += 1
            platform.begun_again += self._env.now >= platform.load.warm_up
            pause = min(conflicts.pause * 2**tries, conflicts.pause_max)
            yield self._env.timeout(2 * pause * platform.uniform())
