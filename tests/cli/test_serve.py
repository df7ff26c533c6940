"""``hongbao serve`` as a process: its lines, its end, cron's way, and a locked wallet."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from hongbao import cli
from tests.cli.shell import SECONDS_MAX, Shell
from tests.serving.test_server import until
from tests.wallet.conftest import _people, world, worlds
from tests.wallet.world import PIN, YUAN, World, right

__all__ = ["_people", "world", "worlds"]

PORTS = ("listen_port", "metrics_port")

LATER = """
import os, sys
from datetime import UTC, datetime
from hongbao.commands import caller
from hongbao.env import system_env

begun, then = datetime.now(UTC), datetime.fromisoformat(os.environ["NOW"])

def later():
    return system_env()._replace(now=lambda: then + (datetime.now(UTC) - begun))

vars(caller)["system_env"] = later
from hongbao import cli
raise SystemExit(cli.main(sys.argv[1:]))
"""
"""hongbao, begun at a moment of the test's: its clock goes on from there."""


class Server:
    """A `hongbao serve` in a process of its own, whose lines are read as they come."""

    def __init__(
        self, shell: Shell, *typed: str, stdout: Any = subprocess.PIPE, **variables: str
    ) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", LATER, "serve", *typed],
            env=shell.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self._process.kill()
        self._process.communicate()

    def line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def next(self) -> Any:
        return json.loads(self.line())

    def end(self, kind: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Return the exit code, and what else was said on both streams."""
        self._process.send_signal(kind)
        out, err = self._process.communicate(timeout=SECONDS_MAX)
        return self._process.returncode, out, err


@pytest.fixture
def expiring(world: World) -> Callable[[timedelta], tuple[Shell, str, dict[str, str]]]:
    """A shell with a packet that nobody claims, and the time so long before it expires."""

    def make(left: timedelta) -> tuple[Shell, str, dict[str, str]]:
        packet = world.zhang.send(YUAN, count=1, pin=right)["packet"]
        world.close()
        now = world.at + timedelta(hours=24) - left
        return Shell(world.folder, PIN), packet, {"NOW": now.isoformat()}

    return make


def test_a_service_refunds_when_the_packet_expires_and_stops_when_it_is_told_to(
    expiring: Any, tmp_path: Path
):
    """
    By the real clock, with a line for each thing; systemd hears when it is ready, and that it ends.
    """
    shell, packet, now = expiring(timedelta(seconds=1))
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        with Server(shell, "--json", NOTIFY_SOCKET=str(place), **now) as server:
            assert ("ready", []) == ((ready := server.next())["event"], ready["failed"])
            assert [None, None] == [ready[key] for key in PORTS]
            assert b"READY=1" == manager.recv(64)
            assert [1000 * YUAN] == [each["gross_fen"] for each in server.next()["settled"]]
            [refund] = server.next()["refunds"]
            assert (packet, YUAN) == (refund["packet"], refund["amount_fen"])
            code, out, err = server.end()
            assert b"STOPPING=1" == manager.recv(64)
    assert (0, "stopped", "") == (code, json.loads(out)["event"], err)
    assert shell.answers("check")["ok"]


def test_a_program_that_asks_for_any_free_port_reads_which_it_is(world: World):
    """
    On each line; a service that listens at none says so.
    """
    world.close()
    shell = Shell(world.folder, PIN)
    now = {"NOW": world.at.isoformat()}
    with Server(shell, "--json", "--listen", "0", "--metrics", "0", **now) as server:
        ready = server.next()
        assert "ready" == ready["event"]
        with socket.create_connection(("127.0.0.1", ready["listen_port"]), SECONDS_MAX) as link:
            link.sendall(b"no claim\n")
            assert "not_a_claim" == json.loads(link.makefile().readline())["refused"]["code"]
        place = f"http://127.0.0.1:{ready['metrics_port']}/metrics"
        with urllib.request.urlopen(place, timeout=SECONDS_MAX) as page:
            assert b'hongbao_claims_total{outcome="malformed"} 1' in page.read()
        code, out, _err = server.end()
    last = json.loads(out.splitlines()[-1])
    assert (0, "stopped") == (code, last["event"])
    assert [ready[key] for key in PORTS] == [last[key] for key in PORTS]


def test_a_port_that_there_is_not_is_refused_as_typed(
    capsys: pytest.CaptureFixture[str],
):
    for option in ("--listen", "--metrics"):
        assert 2 == cli.main(["serve", option, "65536", "--json"])
        error = json.loads(capsys.readouterr().err)["error"]
        assert ("number_too_large", option, 65535) == (*map(error.get, ("code", "option", "most")),)


@pytest.mark.slow
def test_for_people_it_says_one_line_each(expiring: Any):
    """
    Ctrl-C is a quiet end.
    """
    shell, packet, now = expiring(timedelta(0))
    with Server(shell, "--listen", "0", "--metrics", "0", **now) as server:
        assert "from now on what falls due is done · Ctrl-C ends it" in server.line()
        assert re.fullmatch(r"taking claims at 127\.0\.0\.1:[1-9]\d+\n", server.line())
        assert re.fullmatch(
            r"serving metrics at http://127\.0\.0\.1:[1-9]\d+/metrics\n", server.line()
        )
        assert f"returned 1.00 of {packet} to balance" in server.line()
        assert "settled with the banks · gross 1000.00 · net 1000.00" in server.line()
        code, out, err = server.end(signal.SIGINT)
    assert (0, "") == (code, err)
    assert out.endswith("stopped; nothing is left half done\n")


@pytest.mark.slow
def test_cron_runs_it_once(expiring: Any):
    """
    All that is due, in one document; the next time there is nothing.
    """
    shell, packet, now = expiring(timedelta(0))

    def once(*typed: str) -> tuple[int, str, str]:
        with Server(shell, "--once", *typed, **now) as server:
            out, err = server._process.communicate(timeout=SECONDS_MAX)
            return server._process.returncode, out, err

    code, out, err = once("--json")
    done = json.loads(out)
    assert (0, "", [packet]) == (code, err, [each["packet"] for each in done["refunds"]])
    assert (0, "nothing was due\n", "") == once()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is full")
def test_a_service_whose_lines_have_no_room_does_its_work(expiring: Any):
    """
    It says so once: a log that fills a disk is no reason to keep money back.
    """
    shell, packet, now = expiring(timedelta(0))
    with Path("/dev/full").open("w") as full, Server(shell, stdout=full, **now) as server:
        until(lambda: shell.answers("show", packet)["state"] == "refunded")
        code, _out, err = server.end()
    lost = "standard output takes no lines: No space left on device"
    assert (0, f"{lost} · the service continues without them\n") == (code, err)


def test_a_locked_wallet_is_opened_by_a_file_and_waited_for_without_one(
    expiring: Any, tmp_path: Path
):
    """
    A stop ends the waiting, too.
    """
    shell, packet, now = expiring(timedelta(0))
    file = tmp_path / "passphrase"
    file.write_text("seven wet umbrellas 42\n")
    shell.does("lock", "--passphrase-file", str(file))

    with Server(shell, "--json", **now) as server:
        [failed] = server.next()["failed"]
        assert ("wallet", "home_locked") == (failed["kind"], failed["error"]["code"])
        code, out, err = server.end()
        assert (0, "stopped", "") == (code, json.loads(out)["event"], err)

    with Server(shell, "--json", HONGBAO_PASSPHRASE_FILE=str(file), **now) as server:
        assert "ready" == server.next()["event"]
        assert packet == server.next()["refunds"][0]["packet"]
        assert 0 == server.end()[0]
