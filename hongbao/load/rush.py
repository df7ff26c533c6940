"""
A storm on a cluster: the same evening, whose claims go to a node for each host of the ledger.

A packet has its node, where all its claims go (a route): for speed, since any node gives the right
answer. People ask one thing at a time, as telephones do: who waits for an answer asks for the next
packet after it. What waits for that, or for its node, is late from the moment at which it came.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from hongbao.domain.arrivals import NodeStanding, Standing, arrivals
from hongbao.errors import (
    Busy,
    LedgerUnreachable,
    OutcomeUnknown,
    Overloaded,
)
from hongbao.load.node import Orders, Progress
from hongbao.load.storm import Pace, Plan, Storm
from hongbao.serving.link import Link

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from hongbao.domain.arrivals import Arrival
    from hongbao.home.clusters import Address
    from hongbao.home.opened import Home
    from hongbao.wallet.sessions import ClaimRequest

IN_HAND_MAX = 200
"""How many claims a node is asked for at once: fewer than it would refuse."""

READY_SECONDS = 60
_FRAME_SECONDS = 0.05
_END_SECONDS = 30
_AGAIN = (Busy, LedgerUnreachable, OutcomeUnknown, Overloaded)
"""After these the same request is made again."""


class _Asked:
    """A claim that someone wants, and its request once it was made."""

    __slots__ = ("again", "arrival", "moment_ns", "name", "request")

    def __init__(self, name: str, arrival: Arrival, moment_ns: int) -> None:
        self.name, self.arrival, self.moment_ns = name, arrival, moment_ns
        self.again = arrival.is_again
        self.request: ClaimRequest | None = None


class Node:
    """A node that was started: its process, the connection to it, and what is asked of it."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], link: Link) -> None:
        self.name = name
        self._process = process
        self.link = link
        self.done = Progress(0, 0, 0)
        self.is_up = True
        self.waiting: deque[_Asked] = deque()
        self.in_hand: dict[str, list[_Asked]] = {}
        self._said = b""

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def standing(self) -> NodeStanding:
        """How far it has come, as it has last said."""
        return NodeStanding(self.name, *self.done, self.is_up)

    def listen(self) -> None:
        """Take in what it has said of how far it has come."""
        assert self._process.stdout is not None
        while select.select([self._process.stdout], [], [], 0)[0]:
            more = os.read(self._process.stdout.fileno(), 65536)
            if not more:
                return
            *lines, self._said = (self._said + more).split(b"\n")
            if lines:
                self.done = Progress(*json.loads(lines[-1]))

    def put(self, asked: _Asked) -> None:
        """Ask for what is *asked*."""
        assert asked.request is not None
        self.in_hand.setdefault(asked.request.request_id, []).append(asked)
        self.link.ask(asked.request)

    def end(self) -> None:
        """Have it end, and take in the last that it says."""
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.listen()


@contextmanager
def started(home: Path, folder: Path, address: Address) -> Iterator[list[Node]]:
    """
    Start a node for each host of *address*, with the wallet in *home*; their sockets in *folder*.

    Raises LedgerUnreachable if one does not come up.
    """
    hosts = [str(host) for host in address.hosts] or [str(address.socket)]
    with ExitStack() as closing:
        processes = []
        for number, name in enumerate(hosts):
            place, file = folder / f"{number}.sock", folder / f"{number}.orders"
            orders = Orders(str(home), str(place), number, os.getpid())
            file.write_text(json.dumps([*orders]), encoding="utf-8")
            process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-P", "-X", "utf8", "-m", "hongbao.load.node", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                env=_environment(),
                start_new_session=True,
            )
            closing.callback(_kill, process)
            processes.append((name, place, process))
        nodes = []
        for name, place, process in processes:
            link = _connected(name, place, process)
            closing.callback(link.close)
            nodes.append(Node(name, process, link))
        yield nodes


def _environment() -> dict[str, str]:
    """Return a node's variables: none of a person's own wallet."""
    return {name: text for name, text in os.environ.items() if not name.startswith("HONGBAO_")}


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _connected(name: str, place: Path, process: subprocess.Popen[bytes]) -> Link:
    ends_at = time.monotonic() + READY_SECONDS
    while True:
        try:
            return Link(place)
        except OSError:
            if process.poll() is not None or time.monotonic() > ends_at:
                raise LedgerUnreachable(where=name) from None
            time.sleep(_FRAME_SECONDS)


class Rush(Storm):
    """One evening on *home*, at *nodes*."""

    def __init__(self, home: Home, people: Sequence[str], plan: Plan, nodes: list[Node]) -> None:
        super().__init__(home, people, plan)
        self.nodes = nodes
        self._busy: dict[int, deque[_Asked]] = {}
        """Who waits for an answer, and what they want after it."""

    def standings(self) -> tuple[NodeStanding, ...]:
        return tuple(node.standing for node in self.nodes)

    def finish(self) -> None:
        """End all nodes; afterwards each has said how far it has come."""
        for node in self.nodes:
            node.end()

    def _tick(self, tick: int, at: datetime, count: int) -> Generator[Standing, None, Pace]:
        came = list(
            arrivals(self._seed, tick, count, people=self.people, packets=len(self.packets))
        )
        groups = sum(node.done.groups for node in self.nodes)
        first, asked, most, slowest, shown = len(self.micros), 0, 0, 0, 0.0
        while len(self.micros) - first < count:
            due = self._due(tick, came, asked)
            for number in range(asked, due):
                moment_ns = self._moment_ns(tick, came[number])
                self._want(_Asked(f"storm-{tick}-{number}", came[number], moment_ns))
            asked = due
            backlog = asked - (len(self.micros) - first)
            most = max(most, backlog)
            for node in self.nodes:
                self._pump(node)
            if backlog:
                self._wait()
            else:
                self._wait_for(tick, came[asked])
            for node in self.nodes:
                if node.is_up:
                    slowest = max(slowest, self._hear(node))
            if time.monotonic() - shown > _FRAME_SECONDS:
                shown = time.monotonic()
                yield self._standing(at, backlog)
        yield self._standing(at, 0)
        groups = sum(node.done.groups for node in self.nodes) - groups
        return Pace(groups, most, slowest)

    # --- asking ----------------------------------------------------------------------------------

    def _route(self, packet: int) -> Node:
        """Return the node that claims of *packet* go to: its own, or the next one that is up."""
        up = [node for node in self.nodes if node.is_up]
        if not up:
            raise LedgerUnreachable(where=self._home.store.where)
        own = self.nodes[packet % len(self.nodes)]
        return own if own.is_up else up[packet % len(up)]

    def _want(self, asked: _Asked) -> None:
        """Have *asked* wait for its node, or for the one answer that its person waits for."""
        person = asked.arrival.person
        if asked.again:
            self._route(asked.arrival.packet).waiting.append(asked)
        elif person in self._busy:
            self._busy[person].append(asked)
        else:
            self._busy[person] = deque()
            self._route(asked.arrival.packet).waiting.append(asked)

    def _pump(self, node: Node) -> None:
        """Ask *node* for what waits for it, as far as it has room."""
        while node.is_up and node.waiting and len(node.in_hand) < IN_HAND_MAX:
            asked = node.waiting.popleft()
            if asked.request is None:
                asked.request = self._crowd.request(asked.name, asked.arrival)
            self._route(self.packets.index(asked.request.packet)).put(asked)

    def _wait(self) -> None:
        """Wait until something can be read, or sent, for a moment."""
        links = [node.link for node in self.nodes if node.is_up]
        select.select(links, [link for link in links if link.has_unsent], [], _FRAME_SECONDS / 5)

    # --- answers ---------------------------------------------------------------------------------

    def _hear(self, node: Node) -> int:
        """Take in what *node* has replied; return how late the latest of it was."""
        node.listen()
        slowest = done = 0
        try:
            replies = node.link.step()
        except OSError:
            self._gone(node)
            return 0
        now = time.perf_counter_ns()
        for request_id, answer in replies:
            every = node.in_hand[request_id]
            asked = every.pop(0)
            if not every:
                del node.in_hand[request_id]
            if isinstance(answer, _AGAIN):
                node.waiting.append(asked)
                continue
            self._count(answer)
            late = (now - asked.moment_ns) // 1000
            self.micros.append(late)
            slowest, done = max(slowest, late), done + 1
            if not asked.again:
                self._free(asked.arrival.person)
        if done:
            self._count_rate(now, done)
        return slowest

    def _free(self, person: int) -> None:
        """Let *person* ask for what they want next."""
        wanted = self._busy[person]
        if wanted:
            asked = wanted.popleft()
            self._route(asked.arrival.packet).waiting.append(asked)
        else:
            del self._busy[person]

    def _gone(self, node: Node) -> None:
        """Have the others asked for all that *node* has not answered. Raises LedgerUnreachable."""
        node.is_up = False
        left = [asked for every in node.in_hand.values() for asked in every]
        node.in_hand.clear()
        for asked in (*left, *node.waiting):
            self._route(asked.arrival.packet).waiting.append(asked)
        node.waiting.clear()

    def _standing(self, at: datetime, backlog: int) -> Standing:
        return super()._standing(at, backlog)._replace(nodes=self.standings())
