"""
Relays of two machines on three nodes, to one topic: one at a time has it, whatever is killed.

Each machine starts its relay again when that has ended, as systemd does, and prefers a node of its
own. So two may ask for the topic in the same moment on nodes that have not heard of each other.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hongbao.delivery.publications import LEASE_SECONDS
from hongbao.wallet.sealing import seal
from tests.cluster.nodes import Cluster
from tests.cluster.test_publishing import agrees
from tests.cluster.test_rush import Rush
from tests.delivery.broker import Consumer
from tests.delivery.brokers import Mock, attributes, messages

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

SECONDS_MAX = 120


class Relay:
    """A relay that follows, on the machine of that *number*."""

    def __init__(self, rush: Rush, number: int, target: str) -> None:
        home = rush.folder / f"machine{number}"
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "hongbao", "events", "publish", "--to", target),
                *("--follow", "--json", "-p", "P0"),
            ],
            env={**os.environ, "HONGBAO_HOME": str(home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def refusal(self) -> str | None:
        """Wait until it has the topic, and return None, or until it has ended, and return why."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            return self.ended()
        assert "ready" == json.loads(line)["event"]
        return None

    def ended(self) -> str:
        """Wait until it has ended, and return the code of its error."""
        _out, err = self.process.communicate(timeout=SECONDS_MAX)
        assert "Traceback" not in err
        return str(json.loads(err.splitlines()[-1])["error"]["code"])

    def end(self, kind: signal.Signals) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(kind)
        _out, err = self.process.communicate(timeout=SECONDS_MAX)
        assert "Traceback" not in err


def taking_over(rush: Rush, number: int, target: str) -> Relay:
    """Start a relay on the machine of that *number* again and again, until it has the topic."""
    until = time.monotonic() + SECONDS_MAX
    while True:
        relay = Relay(rush, number, target)
        why = relay.refusal()
        if why is None:
            return relay
        assert why in ("already_publishing", "ledger_unreachable"), why
        assert time.monotonic() < until
        time.sleep(0.5)


@pytest.fixture
def rush(galera: Cluster, tmp_path: Path) -> Iterator[Rush]:
    galera.mend()
    yield Rush(galera, tmp_path)
    galera.mend()


@pytest.fixture
def mock() -> Iterator[Mock]:
    brokers = Mock()
    yield brokers
    brokers.close()


def test_two_relays_that_begin_at_once_on_two_nodes_are_one(rush: Rush, mock: Mock):
    """
    The other is refused, though neither node has heard of the other's; nothing is sent twice.
    """
    for turn in range(4):
        target = f"kafka://{mock.address}/at-once-{turn}"
        mock.make(f"at-once-{turn}")
        relays = [Relay(rush, number, target) for number in (0, 1)]
        why = [relay.refusal() for relay in relays]
        for relay, refused in zip(relays, why, strict=True):
            if refused is None:
                relay.end(signal.SIGTERM)
        assert {None, "already_publishing"} == set(why)
        with rush.open(rush.folder / "home", "P0") as desk:
            seal(desk.home)
        Relay(rush, 2, target).end(signal.SIGTERM)
        consumer = Consumer()
        for message in messages(mock.address, f"at-once-{turn}"):
            consumer.take_one(attributes(message), json.loads(message.value()))
        assert not consumer.dropped


def test_whatever_is_killed_on_two_machines_each_act_is_published_once(rush: Rush, mock: Mock):
    """
    A relay that is paused until another has its place, one that is killed, and a node that dies
    below one. Who keeps one number a lane has each act once, to the fen.
    """
    topic = "machines"
    mock.make(topic)
    target = f"kafka://{mock.address}/{topic}"

    def live(turn: int) -> None:
        with rush.open(rush.folder / "machine2", "P2") as desk:
            for act in range(3):
                rush.act(desk, "topup", f"{turn}-{act}", 100 + turn, None)

    first = Relay(rush, 0, target)
    assert first.refusal() is None
    live(1)
    assert "already_publishing" == Relay(rush, 1, target).refusal()
    first.process.send_signal(signal.SIGSTOP)
    paused_at = time.monotonic()
    live(2)
    second = taking_over(rush, 1, target)
    assert time.monotonic() - paused_at > LEASE_SECONDS / 2
    live(3)
    first.process.send_signal(signal.SIGCONT)
    assert "relay_replaced" == first.ended()
    second.end(signal.SIGKILL)
    live(4)
    third = taking_over(rush, 0, target)
    node = rush.cluster.nodes[0]
    node.kill()
    live(5)
    time.sleep(5)
    live(6)
    third.end(signal.SIGTERM)
    rush.cluster.mend()
    with rush.open(rush.folder / "home", "P0") as desk:
        seal(desk.home)
    taking_over(rush, 1, target).end(signal.SIGTERM)

    consumer = Consumer()
    sent = messages(mock.address, topic)
    for message in sent:
        consumer.take_one(attributes(message), json.loads(message.value()))
    with rush.open(rush.folder / "home", "P0") as desk:
        agrees(desk, consumer)
    sys.stderr.write(f"messages: {len(sent)}, acts: {len(consumer.taken)}\n")
