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

ROUNDS = int(os.environ.get("HONGBAO_SERVE_ROUNDS", "12"))
SECONDS = float(os.environ.get("HONGBAO_OVERLOAD_SECONDS", "4"))
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
    """Replies in a second: those that were answered, and those that were refused at once."""

    answered: float
    overloaded: float
    slowest: float


class Client:
    """One client, which sends claims without waiting for their answers."""

    def __init__(self, world: World, session: DeviceSession, packet: str) -> None:
        self._link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._link.connect(str(world.env.socket))
        self._link.setblocking(False)
        self._session, self._packet = session, packet
        self._unsent, self._read = bytearray(), bytearray()
        self._number = 0
        self.sent: dict[str, float] = {}

    def close(self) -> None:
        self._link.close()

    def ask(self) -> None:
        """Put one more claim behind those that are not sent yet."""
        self._number += 1
        request_id = f"load-{self._session.counter + 1}"
        self._unsent += request_line(self._session.claim(self._packet, request_id))
        self.sent[request_id] = time.monotonic()

    def step(self) -> Iterator[tuple[str, float]]:
        """Send and read what can be; yield each reply's code, and how long it took."""
        with suppress(BlockingIOError):
            del self._unsent[: self._link.send(self._unsent)]
        try:
            self._read += self._link.recv(1 << 16)
        except BlockingIOError:
            time.sleep(0.0005)
        *lines, rest = bytes(self._read).split(b"\n")
        self._read[:] = rest
        for line in lines:
            reply = json.loads(line)
            since = self.sent.pop(reply["request_id"])
            yield reply.get("refused", {}).get("code", "claimed"), time.monotonic() - since


def rate(client: Client, seconds: float, *, offered: float | None = None) -> Rate:
    """Return what comes back in *seconds*: of a hundred at a time, or of *offered* a second."""
    begun, asked = time.monotonic(), 0
    codes: Counter[str] = Counter()
    slowest = 0.0
    while (passed := time.monotonic() - begun) < seconds or client.sent:
        assert passed < seconds + 30
        if passed < seconds:
            wanted = 100 - len(client.sent) if offered is None else int(offered * passed) - asked
            for _ in range(wanted):
                client.ask()
                asked += 1
        for code, took in client.step():
            codes[code] += passed < seconds
            slowest = max(slowest, took)
    overloaded = codes.pop("overloaded", 0)
    assert {"already_claimed"} == set(codes)
    return Rate(codes.total() / seconds, overloaded / seconds, slowest)


@contextmanager
def serving(world: World) -> Iterator[None]:
    child = start(partial(serve, world, 1))
    try:
        until(world.env.socket.exists)
        yield
    finally:
        kill(child)


def test_three_times_too_much_is_refused_and_the_rest_is_answered_as_ever(world: World):
    """
    What is too much is refused at once, and goodput is back as soon as the load is gone.
    """
    packet = world.zhang.send(4 * YUAN, count=2, pin=right)["packet"]
    world.li.claim(packet)
    session = session_of(world, LI)
    world.close()
    with serving(world):
        client = Client(world, session, packet)
        rate(client, 0.5)
        usual = rate(client, 2)
        flood = rate(client, SECONDS, offered=3 * usual.answered)
        after = rate(client, 2)
        client.close()

    sys.stdout.write(f"usual {usual}\nthree times that {flood}\nafter it {after}\n")
    assert 0 == usual.overloaded == after.overloaded
    assert flood.overloaded > usual.answered / 2
    assert flood.answered > usual.answered / 2
    assert flood.slowest < 2.5
    assert after.answered > usual.answered * 0.6
    assert {} == world.findings()
