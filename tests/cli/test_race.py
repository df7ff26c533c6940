"""``hongbao race``: real processes that grab one packet."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from hongbao import cli
from hongbao.commands import race
from hongbao.ui.picture import Run
from hongbao.ui.race import _live
from hongbao.ui.script import columns
from tests.cli.shell import Shell


@pytest.mark.parametrize(
    ("people", "shares"), [(9, 4), pytest.param(30, 10, marks=pytest.mark.slow)]
)
def test_many_grab_a_few_shares(people: int, shares: int, empty: Shell):
    """
    Nobody gets what another got, the others are refused, and the money is there to the fen.

    All times are from the opening of the gate.
    """
    raced = empty.answers("race", "--people", str(people), "--shares", str(shares))

    winners = [racer for racer in raced["racers"] if racer["exit_code"] == 0]
    assert [*range(1, shares + 1)] == [racer["seat"] for racer in winners]
    assert shares == len({racer["profile"] for racer in winners})
    assert 88_88 == raced["claimed_fen"] == sum(racer["amount_fen"] for racer in winners)
    assert (0, 0, True) == (raced["left_fen"], raced["lost_fen"], raced["ok"])
    assert [{"error": "packet_finished", "count": people - shares}] == raced["refused"]
    claims = sorted(racer["claim_micros"] for racer in raced["racers"])
    median = claims[(people - 1) // 2]
    assert raced["claims"] == {
        "count": people,
        "median_micros": median,
        "slowest_micros": claims[-1],
    }
    assert not empty.home.exists()


def test_more_processes_than_people_try_twice(empty: Shell):
    """
    And are refused the second time; what nobody took is still in the packet.
    """
    said = empty.does("race", "--people", "1", "--shares", "3", "--processes", "2")

    rows = dict(line.split("\t", 1) for line in said.lines)
    assert ("2", "1", "1\talready_claimed") == (
        rows["processes"],
        rows["winners"],
        rows["refused"],
    )
    assert float(rows["total"]) == float(rows["claimed"]) + float(rows["left"])
    assert ("0.00", "ok") == (rows["lost"], rows["check"])


def test_a_packet_that_cannot_be_is_refused_before_anyone_is_made(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("hongbao.wallet.sandbox.make_sandbox", None)

    assert 2 == cli.main(["race", "--shares", "101", "--json"])
    assert "invalid_count" == json.loads(capsys.readouterr().err)["error"]["code"]


def raced(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, folder: Path, *typed: str
) -> tuple[int, str, str]:
    """Return how a small race in this process ended, and what it said."""
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    code = cli.main(["race", "--turns", "--people", "2", "--shares", "1", *typed])
    return code, *capsys.readouterr()


def test_missing_money_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """
    What the processes were told is counted against the books; the rest of the count is shown.
    """
    real = race._racer

    def short(*given: Any) -> Any:
        racer = real(*given)
        return racer | {"amount_fen": (racer["amount_fen"] or 1) - 1}

    monkeypatch.setattr(race, "_racer", short)
    monkeypatch.setattr(race, "PER_CORE", 0)
    monkeypatch.setattr(race, "FORKS_MIN", 2)

    code, out, err = raced(capsys, monkeypatch, tmp_path, "--processes", "9")

    assert 19 == code
    assert "lost\t0.01\n" in out
    assert err.splitlines() == [
        "note: 2 instead of 9, as many processes as this machine is good for",
        "hongbao: error: of 88.88, 0.01 is lost",
    ]
    assert [] == list(tmp_path.iterdir())


def test_the_board_fits_any_terminal():
    """
    Each line has the width that there is, and no bar is longer than its share of it.
    """
    rows = [("at the gate", 7, 30, "yellow"), ("领取", 12, 10, "red"), ("refused", 0, 0, "")]

    for width in (20, 40, 80, 200):
        shown = _live(rows, width)
        lines = ["".join(run.text for run in line) for line in shown]
        assert len({columns(line) for line in lines}) == 1
        assert all(columns(line) <= max(width, 22) for line in lines)
        assert isinstance(shown[0][0], Run)


@pytest.mark.slow
def test_turns_repeat_to_the_byte(empty: Shell):
    """
    In any zone, under any hash seed, by forks and by processes that wake by themselves.
    """
    said = set()
    for variables in (
        {"PYTHONHASHSEED": "1", "TZ": "Asia/Shanghai"},
        {"PYTHONHASHSEED": "2", "TZ": "America/New_York", "LC_ALL": "C", "HONGBAO_DEBUG": "1"},
    ):
        command = [sys.executable, "-m", "hongbao", "race", "--turns", "--json"]
        said.add(
            subprocess.run(
                command, env=empty.environment(**variables), capture_output=True, check=True
            ).stdout
        )

    (document,) = said
    assert json.loads(document)["ok"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_race_leaves_nothing(number: int, empty: Shell, tmp_path: Path):
    """
    No process and no folder; and the books were right.
    """
    command = [sys.executable, "-m", "hongbao", "race", "--processes", "32"]
    environment = empty.environment(TMPDIR=str(tmp_path))
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as racing:
        until = time.monotonic() + 20
        while not list(tmp_path.glob("hongbao-gate-*")) and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(0.1)
        racing.send_signal(number)
        _out, err = racing.communicate(timeout=20)

    assert "nothing is lost" in err
    assert racing.returncode == (130 if number == signal.SIGINT else 128 + number)
    assert [] == list(tmp_path.iterdir())
    assert [] == running_in(tmp_path)


def running_in(folder: Path) -> list[str]:
    """Return the processes whose environment names *folder*."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append(process.name)
    return [number for number in found if number != str(os.getpid())]
