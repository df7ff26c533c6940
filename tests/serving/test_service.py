"""The service's loop: what fails is told once and tried again, and nothing ends it but a stop."""

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao.domain.channel import Fault
from hongbao.errors import Busy, HomeLocked, HomeNotFound, HongbaoError, PaymentPending
from hongbao.home.opened import Home
from hongbao.serving.notifying import READY, notify
from hongbao.serving.server import Server
from hongbao.serving.service import Pause, Service
from hongbao.serving.stopping import Sleeper
from hongbao.units import iso
from hongbao.wallet import Wallet
from tests.every import every
from tests.wallet.channels import FEN, break_at, demo
from tests.wallet.world import YUAN, World, right


class Served:
    """A service in this process, each of whose sleeps is a step of the test."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, *, patient: bool = False):
        self.lines: list[Any] = []
        self.slept: list[float] = []
        self.steps: list[Callable[[], object]] = []
        self.opening: list[HongbaoError] = []
        self.world = world
        self.service = Service(
            self._opened, self.lines.append, now=lambda: world.at, patient=patient
        )
        monkeypatch.setattr(
            Server, "attend", lambda _server, _home, seconds, *_: self._sleep(seconds)
        )

    def run(self, *steps: Callable[[], object]) -> list[Any]:
        """Let each of *steps* happen while the service sleeps, stop it, and return its lines."""
        self.steps = [*steps]
        with self.service:
            self.service.run()
        return self.lines

    @contextmanager
    def _opened(self) -> Iterator[Home]:
        if self.opening:
            raise self.opening.pop(0)
        with Wallet.open(self.world.env) as wallet:
            yield wallet.home

    def _sleep(self, seconds: float) -> None:
        if seconds == 0:
            return
        self.slept.append(seconds)
        if not self.steps:
            self.service.stop()
            return
        self.steps.pop(0)()


def events(lines: list[Any]) -> list[str]:
    return [line["event"] for line in lines]


def rest() -> None:
    """Let nothing happen."""


def test_it_does_what_falls_due_while_it_runs(world: World, monkeypatch: pytest.MonkeyPatch):
    """
    It looks each second, and sooner where something falls due sooner.
    """
    world.zhang.send(YUAN, count=1, pin=right)
    served = Served(world, monkeypatch)

    lines = served.run(
        lambda: world.turn(hours=10, seconds=-0.5),
        rest,
        lambda: world.turn(hours=13, minutes=59, seconds=59.8),
        lambda: world.turn(seconds=1),
    )

    assert ["ready", "done", "done", "stopped"] == events(lines)
    assert [1000 * YUAN] == [each["gross_fen"] for each in lines[1]["settled"]]
    assert [YUAN] == [each["amount_fen"] for each in lines[2]["refunds"]]
    assert 0.5 < served.slept[3] < 0.8


def test_a_demos_clock_is_the_one_it_tells_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    world = demo(tmp_path / "demo")
    at = iso(world.zhang.home.now())
    world.at += timedelta(days=40)  # the machine's clock, which a demo's does not follow

    lines = Served(world, monkeypatch).run(rest)

    assert [("ready", at), ("stopped", at)] == [(line["event"], line["at"]) for line in lines]


def test_a_stop_ends_it_after_the_act_in_hand(world: World, monkeypatch: pytest.MonkeyPatch):
    """
    What is due next is left for the next service.
    """
    for _ in range(3):
        world.zhang.send(YUAN, count=1, pin=right)
    world.turn(hours=24)
    served = Served(world, monkeypatch)
    tell = served.service._report

    def stopping(line: Any) -> None:
        tell(line)
        if line["event"] == "done":
            served.service.stop()

    served.service._report = stopping
    assert ["ready", "done", "stopped"] == events(served.run())
    assert {} == world.findings()


def test_a_wallet_that_is_locked_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch):
    """
    Told once, tried again after pauses that grow, and told when it can be used.
    """
    served = Served(world, monkeypatch, patient=True)
    served.opening = [HomeLocked(), HomeLocked(), Busy()]

    lines = served.run(rest, rest, rest)

    assert ["failed", "failed", "ready", "open", "stopped"] == events(lines)
    assert ["home_locked", "busy"] == [line["failed"][0]["error"]["code"] for line in lines[:2]]
    assert [1, 2, 4] == served.slept[:3]


@every("error", [HomeLocked(), HomeNotFound()], ids=["locked", "not found"])
def test_a_wallet_that_cannot_be_opened_at_first_is_refused(error: HongbaoError, worlds, tmp_path):
    """
    As any command refuses it, where a person can be asked or nothing can get better.
    """
    with pytest.MonkeyPatch.context() as patch:
        served = Served(World(tmp_path / "none"), patch)
        served.opening = [error]
        with pytest.raises(type(error)):
            served.run()


def test_once_it_is_ready_nothing_that_fails_ends_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    A home that is gone is waited for, and served on when it is there again.
    """
    served = Served(world, monkeypatch)
    world.close()

    def leave() -> None:
        world.folder.rename(tmp_path / "away")
        served.opening.append(Busy())

    lines = served.run(leave, rest, lambda: (tmp_path / "away").rename(world.folder), rest)

    assert ["ready", "failed", "failed", "open", "stopped"] == events(lines)
    codes = [line["failed"][0]["error"]["code"] for line in lines if line["failed"]]
    assert ["busy", "home_not_found"] == codes


def test_a_silent_bank_is_asked_after_pauses_that_grow(
    demo: World, monkeypatch: pytest.MonkeyPatch
):
    """
    It is told once; when the bank answers, the outcome is.
    """
    break_at(demo, Fault.TIMEOUT)
    with pytest.raises(PaymentPending):
        demo.zhang.topup(FEN, pin=right)
    moment = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    demo.at += timedelta(days=40)  # the machine's clock, which a demo's does not follow
    served = Served(demo, monkeypatch)

    def wait(seconds: float) -> Callable[[], None]:
        def step() -> None:
            moment[0] += seconds

        return step

    lines = served.run(
        wait(4.9),
        wait(0.2),  # asked again, in vain
        lambda: break_at(demo, None),
        wait(9),  # not yet
        wait(2),
        rest,
    )

    assert ["ready", "failed", "done", "stopped"] == events(lines)
    at = datetime.fromisoformat(lines[1]["at"])
    assert [iso(at + timedelta(seconds=5))] == [each["next_try_at"] for each in lines[1]["failed"]]
    assert ["accepted"] == [each["state"] for each in lines[2]["resolved"]]


def test_a_pause_grows_up_to_its_longest():
    """
    However often something has failed.
    """
    pause = Pause(5, 300)
    assert [5, 10, 20, 300, 300] == [pause.after(tries) for tries in (1, 2, 3, 8, 100_000)]


def test_a_stop_wakes_a_sleeper_at_once():
    """
    Also one that comes before the sleep, and however often it comes.
    """
    sleeper = Sleeper()
    assert [] == select.select([sleeper], [], [], 0)[0]
    for _ in range(2000):
        sleeper.stop()
    assert [sleeper] == select.select([sleeper], [], [], 60)[0]
    assert sleeper.is_stopped
    sleeper.close()


def test_systemd_is_told(tmp_path: Path):
    """
    By a datagram to the socket that it names; without one, nobody is.
    """
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        notify(READY, {"NOTIFY_SOCKET": str(place)})
        notify(READY, {})
        notify(READY, {"NOTIFY_SOCKET": str(tmp_path / "gone")})
        assert b"READY=1" == manager.recv(64)
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(64)
