"""A crowd on a cluster: claims of hot packets in groups through a service, and one by one."""

from __future__ import annotations

import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Any

from bench.homes import SENDER, env_of, found, pin
from bench.pairs import Comparison
from bench.peers import postgres, programs, redis
from bench.peers.programs import Missing
from bench.run import Result
from hongbao.home.clusters import Access
from hongbao.serving.protocol import request_line
from hongbao.serving.server import GROUP_MAX, Server, at_socket
from hongbao.serving.stopping import Sleeper
from hongbao.wallet import Wallet
from hongbao.wallet.group import acting_as
from hongbao.wallet.sessions import ClaimRequest, DeviceSession, claim_in_session, open_session

SHARE_FEN = 2
GROUPS = 3
"""How many groups are measured at a time, behind one in which the service has met everyone."""

ALONE = 10
"""How many others claim one by one."""

_NOW = 1_800_000_000

SPREAD = 10
"""Over how many packets claims are spread that are not all of one."""


class Crowd:
    """People with sessions in a home on a cluster, and one who sends them packets."""

    def __init__(self, folder: Path, access: Access) -> None:
        self.env = env_of(folder)
        found(self.env, SENDER, topup_fen=90_000, access=access)
        names = [f"person{number}" for number in range(GROUP_MAX + ALONE)]
        for name in names:
            found(self.env, name)
        self.wallet = Wallet.open(self.env, profile=SENDER)
        self._tags = 0
        sessions: list[DeviceSession] = []
        for name in names:
            with acting_as(self.wallet.home, name):
                sessions.append(open_session(self.wallet.home))
        self._sessions, self._others = sessions[:GROUP_MAX], sessions[GROUP_MAX:]

    def packets(self, count: int, shares: int = GROUP_MAX) -> list[str]:
        """Have packets sent, each with so many shares."""
        with Wallet.open(self.env, profile=SENDER) as wallet:
            return [
                wallet.send(SHARE_FEN * shares, count=shares, pin=pin)["packet"]
                for _ in range(count)
            ]

    def group(self, packets: Sequence[str]) -> list[ClaimRequest]:
        """Return a claim of each person, of *packets* in turn."""
        return self._claims(self._sessions, packets)

    def alone(self, packet: str) -> list[ClaimRequest]:
        """Return a claim of each of the others of *packet*."""
        return self._claims(self._others, [packet])

    def _claims(
        self, sessions: Sequence[DeviceSession], packets: Sequence[str]
    ) -> list[ClaimRequest]:
        self._tags += 1
        return [
            session.claim(packets[number % len(packets)], f"crowd-{self._tags}-{number}")
            for number, session in enumerate(sessions)
        ]


class Worker:
    """A service for claims in this process, which is asked at its socket."""

    def __init__(self, stack: ExitStack, wallet: Wallet) -> None:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hongbao-crowd-")))
        sleeper = Sleeper()
        stack.callback(sleeper.close)
        self._wallet = wallet
        self._server = stack.enter_context(Server(sleeper))
        self._server.listen(stack.enter_context(at_socket(place / "serve.sock")))
        self._link = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        self._link.connect(str(place / "serve.sock"))

    def claim(self, lines: Sequence[bytes]) -> None:
        """Send the *lines* of claims, and wait until each was answered with a share."""
        self._link.sendall(b"".join(lines))
        read = b""
        while read.count(b"\n") < len(lines):
            self._server.attend(self._wallet.home, 0)
            try:
                read += self._link.recv(1 << 20, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
        refused = [line for line in read.splitlines() if b'"refused"' in line]
        assert not refused, refused[0]


def lines_of(claims: Sequence[ClaimRequest]) -> list[bytes]:
    """Return *claims* as their devices send them, which make them before anything is measured."""
    return [*map(request_line, claims)]


def ratios(crowd: Crowd, turns: int) -> Iterator[tuple[str, Comparison]]:
    """
    Compare claims in groups with claims one by one, and claims of many packets with a hot one's.

    Each is the time of a claim, on the same node, in turns.
    """
    hot = iter(crowd.packets(turns * (GROUPS + 1)))
    alone = iter(crowd.packets(turns, ALONE))
    # Each has a share for everyone who may come to it.
    spread = crowd.packets(SPREAD)
    spent: dict[str, list[float]] = {"alone": [], "hot": [], "spread": []}
    with ExitStack() as stack:
        worker = Worker(stack, crowd.wallet)
        for turn in range(turns):
            worker.claim(lines_of(crowd.group([next(hot)])))
            groups = [lines_of(crowd.group([next(hot)])) for _ in range(GROUPS)]
            spent["hot"].append(_seconds(worker.claim, groups) / GROUP_MAX)
            if turn < SPREAD:  # then everyone has a share of each
                group = lines_of(crowd.group(spread[turn:] + spread[:turn]))
                spent["spread"].append(_seconds(worker.claim, [group]) / GROUP_MAX)
            claims = crowd.alone(next(alone))
            spent["alone"].append(_seconds(partial(claim_in_session, crowd.wallet.home), claims))
    yield "a claim one by one / in groups of 50 (≥ 8)", _compared(spent["alone"], spent["hot"])
    yield (
        "a claim of ten packets / of a hot one (≥ 0.8)",
        _compared(spent["spread"], spent["hot"][: len(spent["spread"])]),
    )


def beside(folder: Path, group: Callable[[], None], turns: int) -> Iterator[Result]:
    """
    Compare a *group* of claims with what others take for as many claims of a hot packet.

    A Lua script in Redis whose every answer waits for the disk, fifty at a time; and PostgreSQL,
    which locks the packet's row for each.
    """
    people = [f"person{number}" for number in range(GROUP_MAX)]

    def work(turn: int, who: str) -> list[redis.Claim]:
        return [(f"{who}{turn}", person, f"{who}{turn}-{person}") for person in people]

    with ExitStack() as stack:
        others: dict[str, Callable[[int], object]] = {}
        try:
            lua = stack.enter_context(
                redis.server(programs.debian("redis-server"), _made(folder / "redis"))
            )
            for turn in range(turns):
                lua.open(f"redis{turn}", GROUP_MAX, GROUP_MAX * SHARE_FEN, 2 * _NOW)
            others["Redis + Lua, fsync always"] = lambda turn: lua.claim(
                work(turn, "redis"), _NOW, GROUP_MAX
            )
        except Missing as missing:
            sys.stdout.write(f"Redis: {missing}\n")
        try:
            program = programs.debian("postgres")
            library = programs.index("python", "psycopg[binary]")
            sql = stack.enter_context(postgres.server(program, library, _made(folder / "pg")))
            packets = [f"postgres{turn}" for turn in range(turns)]
            sql.open(packets, people, GROUP_MAX, GROUP_MAX * SHARE_FEN)
            others["PostgreSQL FOR UPDATE"] = lambda turn: sql.claim(work(turn, "postgres"), _NOW)
        except Missing as missing:
            sys.stdout.write(f"PostgreSQL: {missing}\n")
        spent: dict[str, list[float]] = {name: [] for name in ("ours", *others)}
        for turn in range(turns):
            spent["ours"].append(_seconds(lambda _once: group(), [None]))
            for name, claim in others.items():
                spent[name].append(_seconds(claim, [turn]))
    for name in others:
        compared = _compared(spent["ours"], spent[name])
        yield Result(f"50 claims through the worker / by {name}", compared.ratio, compared=compared)


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o711)
    return folder


def _seconds(do: Callable[[Any], object], each: Sequence[Any]) -> float:
    """Return how long it takes to *do* one of *each*."""
    begun = perf_counter()
    for one in each:
        do(one)
    return (perf_counter() - begun) / len(each)


def _compared(ours: Sequence[float], theirs: Sequence[float]) -> Comparison:
    found = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    low, _middle, high = quantiles(found, n=4)
    return Comparison(median(found), low, high, median(ours), median(theirs), len(found))
