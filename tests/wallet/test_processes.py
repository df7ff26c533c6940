"""Many processes at one home: real ones, real files, all let go at the same moment."""

import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

import pytest
from hypothesis import settings

from hongbao.changes.home import SetHome
from hongbao.domain.packet import DealRule
from hongbao.env import Env
from hongbao.errors import Busy, Damaged, HomeNotFound, HongbaoError
from hongbao.home import opened
from hongbao.home.opening import open_ledger
from hongbao.vault import Vault
from hongbao.vault.files import Guard
from hongbao.wallet import Wallet
from hongbao.wallet.restoring import restore
from tests.cli.shell import COMMAND, Shell
from tests.vault.processes import finished, race, start
from tests.wallet.acts import DAY
from tests.wallet.world import (
    CARD,
    NOON,
    PIN,
    YUAN,
    ZHANG,
    World,
    changed,
    policy,
    right,
    tail,
    wrong,
)

CLAIMERS = 50


def many(most: int) -> int:
    """Return *most* under ``explore``, and half of it by default: two cores run two at a time."""
    return most if settings().max_examples > 100 else most // 2


@pytest.fixture(scope="session")
def _crowd(_people: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Zhang and fifty others."""
    world = _people.copy(tmp_path_factory.mktemp("crowd") / "home")
    for number in range(CLAIMERS):
        world.found(f"P{number}")
    world.close()
    return world


@pytest.fixture
def crowd(_crowd: World, tmp_path: Path) -> World:
    return _crowd.copy(tmp_path / "home")


def told(act: Callable[[], Any]) -> bytes:
    """Return what *act* answered or was refused with, as JSON: what a process tells its parent."""
    try:
        answer = act()
    except HongbaoError as error:
        answer = error.as_dict()
    return json.dumps(answer).encode()


def at_once(
    world: World, count: int, act: Callable[[Wallet, int], Any], who: Callable[[int], str]
) -> list[dict[str, Any]]:
    """Let *count* processes open the home each for itself and *act* in it, all at once."""
    world.close()  # no process brings a ledger along that another has opened
    env = world.env._replace(chance=os.urandom)

    def body(number: int) -> bytes:
        def opened() -> Any:
            with Wallet.open(env, profile=who(number)) as desk:
                return act(desk, number)

        return told(opened)

    return [json.loads(answer) for answer in race(count, body)]


def codes(answers: list[dict[str, Any]]) -> Counter[str]:
    return Counter(answer.get("code", "done") for answer in answers)


def everyone(number: int) -> str:
    return f"P{number}"


def always_zhang(_: int) -> str:
    return ZHANG


# --- claims -------------------------------------------------------------------------------------


def claim_all_at_once(crowd: World, **how: Any) -> None:
    packet = crowd.zhang.send(88_88, count=10, pin=right, **how)["packet"]

    answers = at_once(crowd, CLAIMERS, lambda desk, _: desk.claim(packet), everyone)

    assert {"done": 10, "packet_finished": 40} == codes(answers)
    claims = [answer for answer in answers if "code" not in answer]
    assert 88_88 == sum(claim["amount_fen"] for claim in claims)
    assert set(range(1, 11)) == {claim["seat"] for claim in claims}
    shown = crowd.zhang.show(packet)
    assert ("finished", 10) == (shown["state"], len(shown["shares"]))
    assert crowd.zhang.verify(packet)["fair"]
    assert {} == crowd.findings()


def test_fifty_processes_claim_ten_shares(crowd: World):
    """
    Ten get one, forty are told that it is finished, nobody is told anything else.
    """
    claim_all_at_once(crowd)


@pytest.mark.slow
@pytest.mark.parametrize("time", range(20))
def test_fifty_processes_claim_ten_shares_again_and_again(time: int, crowd: World):
    """
    Not by luck.
    """
    deal = (DealRule.DOUBLE_MEAN, DealRule.SHUFFLED)[time % 2]
    for _ in range(3):
        claim_all_at_once(crowd, deal=deal)


def test_one_person_in_ten_processes_gets_one_share(crowd: World):
    """
    Claiming ten times at once is claiming once.
    """
    packet = crowd.zhang.send(10 * YUAN, count=10, pin=right)["packet"]

    answers = at_once(crowd, 10, lambda desk, _: desk.claim(packet), lambda _: "P0")

    assert {"done": 1, "already_claimed": 9} == codes(answers)
    assert 1 == crowd.zhang.show(packet)["claimed_count"]


@pytest.mark.parametrize("back", ["refund", "clock"])
def test_claims_that_race_the_expiry_and_the_refund_lose_nothing(back: str, crowd: World):
    """
    While some claim, others turn the clock past the expiry and fetch the rest back: what was
    claimed and what came back are the total, and no claim came after the refund.
    """
    crowd.zhang.set_clock(NOON + timedelta(hours=1))
    packets = [
        crowd.zhang.send(10_00, count=50, pin=right, paid_from=paid_from)["packet"]
        for paid_from in ("balance", tail(CARD))
    ]

    def act(desk: Wallet, number: int) -> Any:
        if number % 8 == 3:
            desk.advance_clock(timedelta(hours=7) if back == "clock" else DAY)
        if number % 8 == 5 and back == "refund":
            return [told(partial(desk.refund, packet)).decode() for packet in packets]
        return [told(partial(desk.claim, packet)).decode() for packet in packets]

    def who(number: int) -> str:
        return ZHANG if number % 8 == 5 and back == "refund" else f"P{number}"

    at_once(crowd, many(32), act, who)
    crowd.zhang.advance_clock(2 * DAY)

    for packet in packets:
        shown = crowd.zhang.show(packet)
        claimed_fen = sum(share["amount_fen"] for share in shown["shares"])
        assert 10_00 == claimed_fen + shown["refunded_fen"]
        assert "refunded" == shown["state"]
        assert all(share["at"] < shown["expires_at"] for share in shown["shares"])
    assert {} == crowd.findings()


def test_two_processes_that_turn_the_clock_never_turn_it_back(crowd: World):
    """
    Whoever turns it farthest is right, and no entry is older than the one before it.
    """
    crowd.zhang.set_clock(NOON + timedelta(hours=1))
    for hour in range(12):
        crowd.zhang.send(YUAN, pin=right)
        crowd.zhang.advance_clock(timedelta(hours=1, minutes=hour))

    at_once(
        crowd, 8, lambda desk, number: desk.advance_clock(timedelta(hours=5 * number)), everyone
    )

    times = [row[10] for row in crowd.dump()["entry"]]
    assert sorted(times) == times
    assert {} == crowd.findings()
    latest = NOON + timedelta(hours=1 + 12 + 5 * 7, minutes=sum(range(12)))
    assert crowd.zhang.now() >= latest


# --- money --------------------------------------------------------------------------------------


def test_no_more_is_sent_at_once_than_there_is(crowd: World):
    """
    No yuan is spent twice: half of them go, half are told that the balance does not reach.
    """
    crowd.zhang.withdraw(900 * YUAN, pin=right)
    half = many(20) // 2
    each = 100 // half * YUAN

    answers = at_once(crowd, 2 * half, lambda desk, _: desk.send(each, pin=right), always_zhang)

    assert {"done": half, "insufficient_balance": half} == codes(answers)
    assert (0, 100 * YUAN) == (
        crowd.zhang.balance()["available_fen"],
        crowd.zhang.balance()["frozen_fen"],
    )
    assert {} == crowd.findings()


def test_a_limit_holds_for_many_at_once(crowd: World):
    """
    A day's 1,000 yuan are 1,000 yuan, however many ask at the same moment.
    """
    packets = [crowd.zhang.send(200 * YUAN, pin=right)["packet"] for _ in range(5)]
    for packet in packets:
        crowd.open("P0").claim(packet)
    crowd.zhang.use_policy(changed(amount='"300.00"'))

    count = many(20)
    answers = at_once(
        crowd, count, lambda desk, _: desk.send(100 * YUAN, pin=right), lambda _: "P0"
    )

    assert {"done": 3, "limit_exceeded": count - 3} == codes(answers)
    assert {} == crowd.findings()


def test_two_refunds_of_everything_at_once_are_one(crowd: World):
    """
    Each packet comes back once, and neither process is refused because the other was quicker.
    """
    for _ in range(6):
        crowd.zhang.send(10 * YUAN, pin=right)
    crowd.at += DAY

    answers = at_once(crowd, 6, lambda desk, _: desk.refund_due(), always_zhang)

    assert {"done": 6} == codes(answers)
    assert 60 * YUAN == sum(answer["refunded_fen"] for answer in answers)
    assert {} == crowd.findings()


# --- requests -----------------------------------------------------------------------------------


def test_one_request_from_ten_processes_is_one_act(crowd: World):
    """
    One does it, nine are told what it answered.
    """
    answers = at_once(
        crowd,
        10,
        lambda desk, _: desk.send(10 * YUAN, count=2, pin=right, request_id="mine"),
        always_zhang,
    )

    assert 9 == sum(answer.pop("replayed", False) for answer in answers)
    assert all(answer == answers[0] for answer in answers)
    assert ["mine"] == [row[3] for row in crowd.dump()["entry"] if row[1] == "send"]


def test_one_id_for_ten_different_requests_is_nine_conflicts(crowd: World):
    """
    The first one there has it.
    """
    answers = at_once(
        crowd,
        10,
        lambda desk, number: desk.topup(number + 1, pin=right, request_id="mine"),
        always_zhang,
    )

    assert {"done": 1, "request_conflict": 9} == codes(answers)


# --- PINs ---------------------------------------------------------------------------------------


def test_many_wrong_pins_at_once_are_all_counted(crowd: World):
    """
    Five are looked at, the fifth locks, and all others learn nothing but that.
    """
    count = many(20)
    answers = at_once(crowd, count, lambda desk, _: desk.topup(YUAN, pin=wrong), always_zhang)

    assert {"wrong_pin": 4, "pin_locked": count - 4} == codes(answers)
    assert [0, 1, 2, 3, 4] == sorted(
        [answer["attempts_left"] for answer in answers if "attempts_left" in answer] + [0]
    )
    [tries, cleared] = crowd.dump()["profile"][0][8:10]
    assert (5, 5) == (tries - cleared, tries - cleared)
    assert (NOON + timedelta(hours=3)).timestamp() * 1_000_000 == crowd.dump()["profile"][0][10]


def test_twelve_right_pins_at_once_lock_nobody_out(crowd: World, monkeypatch: Any):
    """
    Each is looked at before the next is counted, however long looking takes.
    """
    look = Vault.pin_matches

    def slowly(*asked: Any) -> bool:
        time.sleep(0.05)
        return look(*asked)

    monkeypatch.setattr(Vault, "pin_matches", slowly)

    answers = at_once(crowd, 12, lambda desk, _: desk.topup(YUAN, pin=right), always_zhang)

    assert {"done": 12} == codes(answers)


@pytest.mark.slow
def test_a_queue_at_a_pin_is_waited_for_as_long_as_it_moves(crowd: World, monkeypatch: Any):
    """
    Twenty right PINs take three times as long as anybody waits for one that does not let go.
    """
    monkeypatch.setattr(Guard, "_tries", 20)
    look = Vault.pin_matches

    def slowly(*asked: Any) -> bool:
        time.sleep(0.15)
        return look(*asked)

    monkeypatch.setattr(Vault, "pin_matches", slowly)

    answers = at_once(crowd, 20, lambda desk, _: desk.send(YUAN, pin=right), always_zhang)

    assert {"done": 20} == codes(answers)


def test_a_right_pin_is_no_wrong_one_where_new_keys_come_meanwhile(crowd: World, monkeypatch: Any):
    """
    Between the moment that a try is counted and the one that it is judged, no keys change.
    """
    look = Vault.pin_matches
    shell = Shell(crowd.folder, PIN)
    others = []

    def overtaken(*asked: Any) -> bool:
        arguments = [*COMMAND, "rekey", "--yes"]
        others.append(subprocess.Popen(arguments, env=shell.environment(), stdout=DEVNULL))
        with suppress(subprocess.TimeoutExpired):
            others[0].wait(1.5)
        return look(*asked)

    with monkeypatch.context() as patched:
        patched.setattr(Vault, "pin_matches", overtaken)
        with suppress(Busy):  # they may come before what the PIN is for
            crowd.zhang.topup(YUAN, pin=right)
    [rekey] = others

    assert 0 == rekey.wait()
    tries, cleared = crowd.dump()["profile"][0][8:10]
    assert tries == cleared
    assert 2 == crowd.open().vault.generation


def test_wrong_pins_race_a_right_one_and_none_is_forgotten(crowd: World):
    """
    However they fall, the right ones pay, and the wrong ones since the last right one are counted.
    """

    def act(desk: Wallet, number: int) -> Any:
        return desk.topup(YUAN, pin=right if number % 4 == 0 else wrong)

    answers = at_once(crowd, 12, act, always_zhang)

    assert set(codes(answers)) <= {"done", "wrong_pin", "pin_locked"}
    tries, cleared, locked_until = crowd.dump()["profile"][0][8:11]
    checked = codes(answers)["done"] + codes(answers)["wrong_pin"]
    before = 3  # the right ones by which Zhang was made ready
    assert checked + before <= tries <= len(answers) + before
    assert (tries - cleared >= 5) == (locked_until is not None)


# --- homes --------------------------------------------------------------------------------------


def founded_at_once(env: Env, count: int, **choices: Any) -> list[dict[str, Any]]:
    def body(number: int) -> bytes:
        def found() -> Any:
            desk, answer = Wallet.found(env, f"P{number}", pin=right, policy=policy(), **choices)
            desk.close()
            return answer

        return told(found)

    return [json.loads(answer) for answer in race(count, body)]


def test_ten_people_who_begin_at_once_begin_one_home(tmp_path: Path):
    """
    One home, one set of keys, ten profiles, each with its entry in one chain.
    """
    world = World(tmp_path / "home")

    answers = founded_at_once(world.env._replace(chance=os.urandom), 10)

    assert {"done": 10} == codes(answers), answers
    assert {f"P{n}" for n in range(10)} == {row["profile"] for row in world.open().profiles()}
    assert 10 == len(world.dump()["entry"])
    assert {} == world.findings()


def test_a_home_that_is_founded_while_another_looks_for_it_is_opened(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """
    No ledger yet, and a head a moment later: that is no damage. A ledger that stays away is.
    """
    found, tries = open_ledger, 0

    def too_early(*asked: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries <= early:
            raise HomeNotFound
        return found(*asked)

    monkeypatch.setattr(opened, "open_ledger", too_early)
    early = 1
    with opened.Home.open(world.env) as home:
        assert home.store.home() is not None
    early, tries = 2, 0
    with pytest.raises(Damaged):
        opened.Home.open(world.env)


def test_of_ten_who_choose_a_clock_one_has_made_the_home(tmp_path: Path):
    """
    The clock is the one that the first of them chose; the others are told that it is chosen.
    """
    world = World(tmp_path / "home")

    answers = founded_at_once(world.env._replace(chance=os.urandom), 6, clock=NOON)

    assert {"done": 1, "home_exists": 5} == codes(answers), answers
    assert 1 == len(world.open().profiles())


def test_opening_waits_for_a_rekey_and_finds_the_new_keys(crowd: World):
    """
    Whoever acts while the home gets new keys acts before or after, and is at worst told to try
    again; nobody is told that the ledger is damaged.
    """
    packet = crowd.zhang.send(88_88, count=30, pin=right)["packet"]

    def act(desk: Wallet, number: int) -> Any:
        if number == 0:
            return [desk.rekey() for _ in range(2)]
        return desk.claim(packet)

    answers = at_once(crowd, many(20), act, everyone)

    assert set(codes(answers[1:])) <= {"done", "busy"}
    assert 3 == crowd.zhang.vault.generation
    assert len([a for a in answers if "seat" in a]) == crowd.zhang.show(packet)["claimed_count"]
    assert {} == crowd.findings()


def test_new_keys_and_an_older_copy_at_once_leave_one_whole_home(world: World, tmp_path: Path):
    """
    Whichever comes first: the copy comes back and then gets new keys, or it is of keys that are no
    more. Both said what is so, and the home opens and adds up.
    """
    for number in range(6):
        home = world.copy(tmp_path / f"home{number}")
        file, env = home.env.home / "copy", home.env._replace(chance=os.urandom)
        home.zhang.backup(file)
        home.zhang.send(YUAN, pin=right)
        home.close()

        def act(number: int, env: Env = env, file: Path = file, delay: int = number) -> bytes:
            def rekeyed() -> Any:
                with Wallet.open(env, profile=ZHANG) as desk:
                    return desk.rekey()

            def restored() -> Any:
                time.sleep(0.01 * delay)
                return restore(env, file, accept_older=lambda *_: True)

            return told(restored if number else rekeyed)

        rekeying, restoring = [json.loads(answer) for answer in race(2, act)]

        assert {} == home.findings()
        assert 2 == rekeying.get("generation", 2)
        assert rekeying.get("code") in (None, "busy")
        assert restoring.get("code") in (None, "damaged")
        came = "restore" in [row[1] for row in home.dump()["entry"]]
        assert came == ("code" not in restoring)
        assert ("code" not in rekeying) == (2 == home.zhang.vault.generation)
        if restoring.get("code") == "damaged":
            assert str(file) == restoring["path"]
        home.zhang.topup(YUAN, pin=right)
        home.close()


def test_a_backup_taken_while_others_write_is_one_moment(crowd: World, tmp_path: Path):
    """
    The copy is whole: restored, it checks, whatever was going on while it was taken.
    """
    packet = crowd.zhang.send(88_88, count=30, pin=right)["packet"]

    def act(desk: Wallet, number: int) -> Any:
        if number % 5 == 0:
            return desk.backup(tmp_path / f"copy{number}")
        return desk.claim(packet)

    count = many(20)
    answers = at_once(crowd, count, act, everyone)

    assert {"done": count} == codes(answers)
    for number in range(0, count, 5):
        other = crowd.copy(tmp_path / f"restored{number}")
        restore(other.env, tmp_path / f"copy{number}", accept_older=lambda *_: True)
        assert {} == other.findings()


def test_who_reads_waits_for_nobody(crowd: World):
    """
    While one process is in the middle of an act, others see the state before it, at once.
    """
    crowd.close()
    before = crowd.zhang.balance()
    crowd.close()
    entered, leave = os.pipe(), os.pipe()

    def holds() -> None:
        with Wallet.open(crowd.env, profile=ZHANG) as desk, desk.store.transaction():
            desk.store.apply([SetHome(desk.home.row._replace(policy="standard@2"))])
            os.write(entered[1], b"x")
            os.read(leave[0], 1)

    child = start(holds)
    os.read(entered[0], 1)
    try:
        after = crowd.zhang.balance()
        assert before == after
        assert {} == crowd.findings()
    finally:
        os.write(leave[1], b"x")
        assert 0 == finished(child)
