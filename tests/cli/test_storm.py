"""``hongbao storm``: an evening's load on one ledger."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao import cli
from hongbao.domain.arrivals import Standing, percentile
from hongbao.domain.policy import parse_policy
from hongbao.env import system_env
from hongbao.load.storm import Plan, Storm
from hongbao.policies import text_of
from hongbao.ui.script import columns
from hongbao.ui.storm import live
from hongbao.wallet import Wallet
from hongbao.wallet.sandbox import NEW_YEARS_EVE, make_sandbox
from tests.cli.shell import Shell


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


def test_packets_that_cannot_be_are_refused(capsys: pytest.CaptureFixture[str]):
    """
    As `send` refuses them, before anything is played.
    """
    code, out, err = stormed(capsys, "--shares", "101", "--json")

    assert (2, "") == (code, out)
    assert "invalid_count" == json.loads(err.splitlines()[-1])["error"]["code"]


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
