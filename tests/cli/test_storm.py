"""``hongbao storm``: an evening's load on one ledger."""

import json
import os
import re
import resource
import subprocess
import sys
from contextlib import redirect_stderr
from datetime import timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from hongbao import cli, words
from hongbao.commands.storm import _in_small
from hongbao.domain.arrivals import Standing, percentile
from hongbao.domain.policy import parse_policy
from hongbao.env import system_env
from hongbao.load.costs import costs_of
from hongbao.load.storm import Plan, Storm
from hongbao.policies import text_of
from hongbao.ui.script import columns
from hongbao.ui.simulation import show_simulated
from hongbao.ui.storm import live
from hongbao.wallet import Wallet
from hongbao.wallet.sandbox import NEW_YEARS_EVE, make_sandbox
from tests.cli.shell import COMMAND, Shell
from tests.every import every
from tests.load.test_costs import COSTS


def evening(folder: Path, nanoseconds: int, seed: str = "eve") -> tuple[Storm, str]:
    """Play a small evening; return it, and the digest of its books."""
    env = system_env()._replace(home=folder)
    policy = parse_policy(text_of("standard"), "standard")
    made = make_sandbox(env, folder, policy, people=12, seed="eve", rich=3)
    with Wallet.open(env) as wallet:
        storm = Storm(
            wallet.home,
            [person["profile"] for person in made["people"]],
            Plan(seed, senders=3, packets=6, shares=4, claims=200, nanoseconds=nanoseconds),
        )
        storm.prepare()
        for _standing in storm.run():
            pass
        checked = wallet.check()
    assert checked["ok"]
    assert checked["digest"]
    return storm, checked["digest"]


def told(storm: Storm) -> Any:
    """Return what a storm's people were told, without times."""
    ticks = [(tick.at, tick.asked, tick.claimed, tick.refused) for tick in storm.ticks]
    return storm.claimed, storm.claimed_fen, storm.again, storm.refused, ticks


def test_the_same_seed_gives_the_same_evening_at_any_speed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    In few large groups or many small ones: what people get is the same, and so are the books.
    """
    at_once, digest = evening(tmp_path / "at-once", 0)
    monkeypatch.setattr("hongbao.load.storm.GROUP_MAX", 3)
    in_time, same = evening(tmp_path / "in-time", 400_000_000)
    _other, another = evening(tmp_path / "other", 0, seed="2027")

    assert told(at_once) == told(in_time)
    assert digest == same != another
    assert sum(tick.groups for tick in at_once.ticks) < sum(tick.groups for tick in in_time.ticks)
    assert 200 == len(in_time.micros) == sum(tick.asked for tick in in_time.ticks)
    assert 12 < in_time.claimed <= 6 * 4
    assert 0 < in_time.claimed_fen <= in_time.sent_fen
    assert in_time.again > 0
    assert 200 == in_time.claimed + in_time.again + in_time.refused.total()


def test_an_evening_is_counted(empty: Shell):
    """
    The installed command: everything that was asked is answered, and not a fen is lost.
    """
    answer = empty.answers(
        *("storm", "--people", "4", "--packets", "2", "--shares", "2", "--claims", "40"),
        *("--seconds", "1"),
    )

    assert (True, 40, 0) == (answer["ok"], answer["asked"], answer["lost_fen"])
    assert 1 < answer["claimed"] <= 4
    refused = sum(each["count"] for each in answer["refused"])
    assert 40 == answer["claimed"] + answer["again"] + refused
    assert answer["sent_fen"] == answer["claimed_fen"] + answer["left_fen"]
    assert answer["micros"] > 900_000
    latency = answer["latency"]
    assert sorted(latency.values()) == list(latency.values())
    assert 54 == len(answer["ticks"])
    assert not empty.home.exists()


def stormed(capsys: pytest.CaptureFixture[str], *typed: str) -> tuple[int, str, str]:
    code = cli.main(
        ["storm", "--people", "3", "--packets", "1", "--shares", "2", "--claims", "5", *typed]
    )
    return code, *capsys.readouterr()


def test_missing_money_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """
    What people were told is counted against the books.
    """
    prepare = Storm.prepare

    def with_a_fen_too_much(storm: Storm) -> None:
        prepare(storm)
        storm.claimed_fen += 1

    monkeypatch.setattr(Storm, "prepare", with_a_fen_too_much)
    code, out, err = stormed(capsys, "--seconds", "1")

    assert 19 == code
    assert "lost\t-0.01" in out
    assert "not what was sent" in err or "-0.01" in err


@every(
    "typed, refused",
    [
        (("--shares", "101"), "invalid_count"),
        (("--shares", "101", "--simulate", "2"), "invalid_count"),
        (("--shares", "101", "--ledger", "mysql://pay@127.0.0.1:1/storm"), "invalid_count"),
        (("--packets", "601"), "number_too_large"),
        (("--packets", "601", "--simulate", "2"), "number_too_large"),
        (("--ledger-password-file", "/nowhere"), "usage"),
    ],
)
def test_packets_that_cannot_be_are_refused_before_anyone_is_made(
    typed: tuple[str, ...], refused: str
):
    """
    Not by the first of them that cannot be sent, in the middle of the evening.
    """
    err = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(err):
        patch.setattr("hongbao.wallet.sandbox.make_sandbox", not_to_be_made)
        code = cli.main(["storm", "--people", "3", "--shares", "25", *typed, "--json"])

    error = json.loads(err.getvalue())["error"]
    assert (2, refused) == (code, error["code"])
    if refused == "number_too_large":
        assert ("--packets", 600) == (error["option"], error["most"])


def test_an_evening_on_a_cluster_that_is_ended_says_what_stays(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    Of one in a file nothing does.
    """

    def end(*_all: object, **_named: object) -> None:
        raise KeyboardInterrupt

    password = tmp_path / "password"
    password.write_text("secret\n")
    monkeypatch.setattr("hongbao.wallet.sandbox.make_sandbox", end)
    on_cluster = ("--ledger", "mysql://pay@db1/storm", "--ledger-password-file", str(password))
    for typed, code in ((on_cluster, "storm_interrupted"), ((), "interrupted")):
        for more in ((), ("--simulate", "2")):
            assert 130 == cli.main(["storm", *typed, *more, "--json"])
            assert code == json.loads(capsys.readouterr().err.splitlines()[-1])["error"]["code"]


@every("typed", [("storm",), ("race",)])
def test_what_was_to_be_kept_is_kept_and_named_also_if_it_does_not_end_well(
    typed: tuple[str, ...],
):
    def end(*_all: object, **_named: object) -> None:
        raise KeyboardInterrupt

    err = StringIO()
    with (
        TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        redirect_stderr(err),
    ):
        patch.setattr("tempfile.tempdir", folder)
        patch.setattr("hongbao.wallet.sandbox.make_sandbox", end)
        assert 130 == cli.main([*typed, "--keep"])
        (kept,) = Path(folder).iterdir()
        assert 130 == cli.main([*typed])
        assert [kept] == [*Path(folder).iterdir()]
    assert f"what there is so far is kept in {kept}" in err.getvalue()


@every(
    "line",
    [
        "storm --people 3 --packets 1 --shares 2 --claims 5 --seconds 1",
        "race --people 2 --shares 1",
    ],
)
def test_without_room_it_says_where_room_is_needed(line: str):
    """
    And nothing of the user's own wallet, which has no part in it.
    """
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [*COMMAND, *line.split(), "--json"],
            env={"TMPDIR": folder, "PATH": os.defpath},
            capture_output=True,
            encoding="utf-8",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536)),
            check=False,
        )
        left = list(Path(folder).iterdir())

    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert (21, "storage_refused") == (done.returncode, error["code"])
    assert error["path"].startswith(folder)
    assert "TMPDIR" in error["hint"]
    assert [] == left


def not_to_be_made(*_all: object, **_named: object) -> None:
    raise AssertionError


def test_as_many_packets_as_can_be_are_all_sent(capsys: pytest.CaptureFixture[str]):
    """
    Each has a fen for each of its shares.
    """
    code, out, _err = stormed(
        *(capsys, "--people", "2", "--shares", "100", "--packets", "100"),
        *("--claims", "60", "--seconds", "1", "--json"),
    )

    assert (0, 100) == (code, json.loads(out)["packets"])


@pytest.mark.parametrize("width", [32, 40, 80, 200])
@pytest.mark.parametrize("answered", [0, 9_999])
def test_how_it_stands_fits_any_terminal(width: int, answered: int):
    """
    From the first moment to the last.
    """
    standing = Standing(
        at=NEW_YEARS_EVE + timedelta(hours=4),
        asked=10_000,
        answered=answered,
        claimed=0,
        backlog=answered // 3,
        sent_fen=answered,
        claimed_fen=0,
        rate=answered,
        latest_micros=(5,) * bool(answered),
    )

    lines = live(standing, [3, 0, 96] * 20, width)

    assert 5 == len(lines)
    assert all(sum(columns(run.text) for run in line) <= width for line in lines)


def test_a_percentile_is_one_of_the_measured():
    """
    The least that so many of them do not exceed.
    """
    ordered = [*range(1, 101)]

    assert [1, 50, 95, 99, 100] == [percentile(ordered, each) for each in (1, 50, 95, 99, 100)]
    assert 7 == percentile([7], 99)


# --- simulated ------------------------------------------------------------------------------------


@pytest.fixture
def costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of costs, which are simulated in two runs and not in twenty."""
    monkeypatch.setattr("hongbao.load.platform.RUNS", 2)
    file = tmp_path / "costs.json"
    file.write_text(json.dumps(COSTS.document()))
    return str(file)


def test_the_evening_that_is_measured_has_packets_that_its_few_senders_can_send():
    """
    Also where the whole one has as many as its senders can.
    """
    few = _in_small("x", 30, 3_000, 50, 10_000)
    assert (1, 100) == (few.senders, few.packets)


def simulated(capsys: pytest.CaptureFixture[str], *typed: str) -> tuple[int, str, str]:
    code = cli.main(["storm", *typed])
    return code, *capsys.readouterr()


def test_a_simulation_follows_from_the_costs_in_a_file(
    costs: str, capsys: pytest.CaptureFixture[str]
):
    """
    Nothing is measured then, and the same seed gives the same answer to the byte.
    """
    typed = ("--simulate", "2", "--costs", costs, "--json")
    code, out, err = simulated(capsys, *typed)

    assert (0, "") == (code, err)
    assert out == simulated(capsys, *typed)[1]
    answer = json.loads(out)
    assert (2, 2, "storm") == (answer["nodes"], answer["runs"], answer["seed"])
    assert [1, 5] == [cost["group"] for cost in answer["costs"]["sizes"]]
    assert all(load["is_extrapolated"] for load in answer["loads"])
    assert 200_000 == answer["need"]["rate"]
    assert answer["kill"] != json.loads(simulated(capsys, *typed, "--seed", "x")[1])["kill"]


def test_a_simulation_in_a_pipe_is_lines_of_words(costs: str, capsys: pytest.CaptureFixture[str]):
    code, out, err = simulated(capsys, "--simulate", "1", "--costs", costs)

    assert 0 == code, err
    first = [line.split("\t")[0] for line in out.splitlines()]
    assert ["measured", "cost", "cost", "start", "nodes", "runs", "most", "load"] == first[:8]
    assert ["killed", "need", "seed"] == first[-3:]


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("times", [1, 1000])
def test_a_simulation_fits_any_terminal(
    width: int,
    language: str,
    times: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    """
    With shorter bars or none, and without intervals, where there is no room for them; never without
    the names of the columns.
    """
    three = {"mean": 123_456 * times, "low": 120_000 * times, "high": 126_000 * times}
    parts = {"gateway_ns": 41_000, "worker_ns": 500_000, "database_ns": 6_700_000}
    brief = {"mean": 1_234, "low": 1_200, "high": 1_300}
    load = {
        "rate": 200_000 * times,
        "answered": three,
        "p50_micros": brief,
        "p99_micros": {"mean": 102_000, "low": 72_000, "high": 132_000},
    }
    shares = {"refused": 4_000, "again": 60_000, "begun_again": 5_000}
    answer: Any = {
        "seed": "storm",
        "nodes": 123,
        "runs": 20,
        "most": three,
        "costs": {
            "engine": "cluster",
            "claims": 2993,
            "groups": 205,
            "start_micros": 154_000,
            "sizes": [{"group": size, **parts} for size in (1, 50)],
        },
        "loads": [{**load, **shares, "group": three, "is_extrapolated": True}],
        "kill": {
            "rate": 120_000,
            "nodes": 123,
            "elsewhere": True,
            "at_micros": 500_000,
            "slice_micros": 75_000,
            "answered": [5, 0, 9, 7] * 10,
            "refused": 0,
            "usual_micros": three,
            "slowest_micros": three,
            "over_micros": three,
        },
        "need": {
            "rate": 200_000,
            "of_one": three,
            "nodes": 151,
            "nodes_low": 145,
            "nodes_high": 160,
        },
    }
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    before = words.language()
    words.use_language(language)
    try:
        show_simulated(answer)
    finally:
        words.use_language(before)
    shown = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)

    assert [] == [line for line in shown.splitlines() if columns(line) > width]
    assert ("█" * 4 in shown) == ("±" in shown.split("151")[0]) == (width >= 76)
    assert {"en": "asked/s", "zh": "请求/秒"}[language] in shown


@every(
    "typed, code, error",
    (
        (("--costs", "{costs}"), 2, "usage"),
        (("--simulate", "2", "--keep"), 2, "conflicting_options"),
        (("--simulate", "0"), 2, "invalid_number"),
        (("--simulate", "1000000"), 2, "number_too_large"),
        (("--claims", "9" * 40), 2, "number_too_large"),
        (("--simulate", "2", "--costs", "{broken}"), 2, "invalid_costs"),
    ),
)
def test_what_cannot_be_simulated_is_refused(
    typed: tuple[str, ...],
    code: int,
    error: str,
    costs: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    broken = tmp_path / "broken.json"
    broken.write_text("[" * 10_000)
    lines = [word.format(costs=costs, broken=broken) for word in typed]
    found, out, err = simulated(capsys, *lines, "--json")

    assert (code, "") == (found, out)
    assert error == json.loads(err.splitlines()[-1])["error"]["code"]


def test_without_its_library_nothing_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "simpy", None)
    file = tmp_path / "costs.json"
    code, _out, err = simulated(capsys, "--simulate", "2", "--costs", str(file))

    assert 21 == code
    assert "hongbao[simulate]" in err
    assert not file.exists()


@pytest.mark.slow
def test_costs_are_measured_and_kept(empty: Shell, tmp_path: Path):
    """
    By the installed command: each part of a claim takes some time, and one in a group less.
    """
    file = tmp_path / "costs.json"
    typed = ("storm", "--simulate", "3", "--costs", str(file), "--people", "20", "--claims", "400")
    answer = empty.answers(*typed)

    assert answer == empty.answers(*typed)
    kept = costs_of(json.loads(file.read_text()))
    assert ("file", {1, 2, 5, 10, 20, 50}) == (kept.engine, {*kept.sizes})
    alone, fifty = (answer["costs"]["sizes"][place] for place in (0, -1))
    for part in ("gateway_ns", "worker_ns", "database_ns"):
        assert alone[part] > 5_000
    assert sum(list(fifty.values())[1:]) < sum(list(alone.values())[1:]) / 2
    assert not empty.home.exists()
