"""A server for claims that is killed while clients wait, and one that is asked for too much."""

import json
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from hongbao.serving.protocol import request_line
from hongbao.serving.server import Server, at_socket
from hongbao.serving.stopping import Sleeper
from hongbao.wallet import Wallet
from hongbao.wallet.sessions import DeviceSession
from tests.serving.test_server import claim, session_of, until
from tests.vault.processes import finished, start
from tests.wallet.world import LI, WANG, YUAN, World, right

pytestmark = pytest.mark.slow

CLAIMS = int(os.environ.get("HONGBAO_OVERLOAD_CLAIMS", "20000"))
FLOOD_SECONDS = float(os.environ.get("HONGBAO_OVERLOAD_SECONDS", "30"))
LINKS = 50
PACKETS = 24
CLIENTS = (LI, WANG)


def serve(world: World, number: int) -> None:
    """Serve claims until this process is ended."""
    world.chances += 100_000 * number  # each draws its own
    with Server(Sleeper()) as server, at_socket(world.env.socket) as listener:
        server.listen(listener)
        with Wallet.open(world.env) as wallet:
            while True:
                server.attend(wallet.home, 1)


def kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    assert -signal.SIGKILL == finished(child)


def test_a_server_that_is_killed_while_clients_wait_pays_each_claim_once(
    world: World, tmp_path: Path
):
    """
    A client whose answer is lost makes the same request itself; meanwhile another server starts.
    """
    packets = []
    for _ in range(PACKETS):
        world.turn(minutes=20)
        packets.append(world.zhang.send(4 * YUAN, count=2, pin=right)["packet"])
    world.close()

    def client(number: int) -> None:
        world.chances += 10_000 * (number + 1)
        answers = [
            claim(world, CLIENTS[number], packet, f"{number}-{packet}") for packet in packets
        ]
        (tmp_path / f"client-{number}").write_text(json.dumps(answers))

    server = start(partial(serve, world, 1))
    until(world.env.socket.exists)
    clients = [start(partial(client, number)) for number in range(len(CLIENTS))]
    dice, killed = Random(7), 0
    while len(list(tmp_path.glob("client-*"))) < len(CLIENTS):
        time.sleep(dice.uniform(0.05, 0.4))
        kill(server)
        killed += 1
        server = start(partial(serve, world, killed + 1))
    kill(server)

    assert [0, 0] == [finished(child) for child in clients]
    sys.stdout.write(f"{killed} servers were killed\n")
    answers = [
        json.loads((tmp_path / f"client-{number}").read_text()) for number in range(len(CLIENTS))
    ]
    assert [[*packets]] * 2 == [[each["packet"] for each in mine] for mine in answers]
    for one, other in zip(*answers, strict=True):
        assert {1, 2} == {one["seat"], other["seat"]}
        assert 4 * YUAN == one["amount_fen"] + other["amount_fen"]
    claims = Counter(row[1] for row in world.dump()["entry"])["claim"]
    assert 2 * PACKETS == claims
    assert {} == world.findings()


class Rate(NamedTuple):
    """Replies for each second that the server had the processor, and the slowest, in seconds."""

    answered: float
    overloaded: float
    slowest: float


class Link:
    """One connection, with what is not sent yet and what was read of the next reply."""

    def __init__(self, place: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(place))
        self.socket.setblocking(False)
        self.unsent, self.read = bytearray(), bytearray()

    def step(self) -> list[bytes]:
        """Send and read what can be, and return the replies that came."""
        with suppress(BlockingIOError):
            del self.unsent[: self.socket.send(self.unsent)]
        with suppress(BlockingIOError):
            self.read += self.socket.recv(1 << 16)
        *lines, rest = bytes(self.read).split(b"\n")
        self.read[:] = rest
        return lines


class Client:
    """A device with many connections, which sends claims without waiting for their answers."""

    def __init__(self, world: World, session: DeviceSession, packet: str) -> None:
        self._links = [Link(world.env.socket) for _ in range(LINKS)]
        self._session, self._packet = session, packet
        self.sent: dict[str, float] = {}

    def close(self) -> None:
        for link in self._links:
            link.socket.close()

    def ask(self) -> None:
        """Put one more claim behind those that are not sent yet."""
        number = self._session.counter + 1
        asked = self._session.claim(self._packet, f"load-{number}")
        self._links[number % LINKS].unsent += request_line(asked, 30_000)
        self.sent[asked.request_id] = time.monotonic()

    def step(self) -> Iterator[tuple[str, float]]:
        """Yield the code of each reply that has come, and how long it took."""
        time.sleep(0.002)  # the processor is the server's
        for link in self._links:
            for line in link.step():
                reply = json.loads(line)
                since = self.sent.pop(reply["request_id"])
                yield reply.get("refused", {}).get("code", "claimed"), time.monotonic() - since


def cpu_of(process: int) -> float:
    """Return for how many seconds *process* has had the processor."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rate(client: Client, server: int, claims: int, *, offered: float | None = None) -> Rate:
    """Return what comes back of *claims*: a hundred at a time, or *offered* each second of it."""
    begun, asked = cpu_of(server), 0
    codes: Counter[str] = Counter()
    slowest = 0.0
    ends_at = time.monotonic() + 120
    while asked < claims or client.sent:
        assert time.monotonic() < ends_at
        passed = cpu_of(server) - begun + 0.05
        wanted = 100 - len(client.sent) if offered is None else int(offered * passed) - asked
        for _ in range(min(wanted, claims - asked)):
            client.ask()
            asked += 1
        for code, took in client.step():
            codes[code] += 1
            slowest = max(slowest, took)
    used = cpu_of(server) - begun
    overloaded = codes.pop("overloaded", 0)
    assert {"already_claimed"} == set(codes)
    return Rate(codes.total() / used, overloaded / used, slowest)


@contextmanager
def serving(world: World) -> Iterator[int]:
    child = start(partial(serve, world, 1))
    try:
        until(world.env.socket.exists)
        yield child
    finally:
        kill(child)


@pytest.mark.skipif(sys.platform != "linux", reason="it reads what a process has used from /proc")
def test_three_times_too_much_is_refused_and_the_rest_is_answered_as_ever(world: World):
    """
    What is too much is refused at once, and goodput is back as soon as the load is gone.

    In seconds of the server's own, since other processes are on this machine.
    """
    packet = world.zhang.send(4 * YUAN, count=2, pin=right)["packet"]
    world.li.claim(packet)
    session = session_of(world, LI)
    world.close()
    with serving(world) as server:
        client = Client(world, session, packet)
        rate(client, server, 500)
        usual = rate(client, server, 2000)
        flood = rate(client, server, CLAIMS, offered=3 * usual.answered)
        after = rate(client, server, 2000)
        client.close()

    sys.stdout.write(f"usual {usual}\nthree times that {flood}\nafter it {after}\n")
    assert 0 == usual.overloaded == after.overloaded
    assert flood.overloaded > usual.answered / 2
    assert flood.answered > usual.answered / 2
    assert after.answered > usual.answered * 0.8
    assert {} == world.findings()


def for_seconds(
    client: Client, server: int, seconds: float, offered: float | None = None
) -> tuple[Rate, list[int]]:
    """Return what comes back for *seconds* of the clock, and how many answers in each of them."""
    begun, cpu, asked = time.monotonic(), cpu_of(server), 0
    answers: Counter[int] = Counter()
    overloaded, slowest = 0, 0.0
    while (passed := time.monotonic() - begun) < seconds or client.sent:
        assert passed < seconds + 60
        if passed < seconds:
            wanted = 100 - len(client.sent) if offered is None else int(offered * passed) - asked
            for _ in range(wanted):
                client.ask()
                asked += 1
        for code, took in client.step():
            slowest = max(slowest, took)
            if code == "overloaded":
                overloaded += 1
            else:
                assert "already_claimed" == code
                answers[int(time.monotonic() - begun)] += 1
    used = cpu_of(server) - cpu
    each = [answers[second] for second in range(int(seconds))]
    return Rate(answers.total() / used, overloaded / used, slowest), each


@pytest.mark.skipif(sys.platform != "linux", reason="it reads what a process has used from /proc")
def test_half_a_minute_of_three_times_too_much_leaves_nothing_behind(world: World):
    """
    Claims come when the clock says so, however long answers take. What waits is bounded, and within
    seconds of the flood's end as much is answered as before, by the server's own time.
    """
    packet = world.zhang.send(4 * YUAN, count=2, pin=right)["packet"]
    world.li.claim(packet)
    session = session_of(world, LI)
    world.close()
    with serving(world) as server:
        client = Client(world, session, packet)
        rate(client, server, 500)
        usual, each = for_seconds(client, server, 4)
        offered = 3 * sum(each) / len(each)
        flood, _each = for_seconds(client, server, FLOOD_SECONDS, offered)
        after, back = for_seconds(client, server, 4)
        client.close()

    sys.stdout.write(f"usual {usual}\n{offered:.0f}/s {flood}\nafter it {after} {back}\n")
    assert 0 == usual.overloaded == after.overloaded
    assert flood.overloaded > 0
    assert flood.slowest < 30
    assert after.answered > usual.answered * 0.7
    assert all(back)
    assert {} == world.findings()
