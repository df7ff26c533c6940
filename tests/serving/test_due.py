"""What falls due by itself: done on time, once, whoever does it and wherever they are killed."""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hongbao.domain.channel import Fault
from hongbao.errors import PaymentPending
from hongbao.serving.service import serve_once
from hongbao.wallet import Wallet
from tests.vault.processes import finished, race, start
from tests.wallet.channels import FEN, break_at
from tests.wallet.kills import SWEEPS, victims
from tests.wallet.risks import HOLD_HOURS, holding, with_pack
from tests.wallet.world import CARD, YUAN, ZHANG, World, below, right, tail

DAY = timedelta(hours=24)
ROUNDS = int(os.environ.get("HONGBAO_SERVE_ROUNDS", "12"))
"""How often services are killed and started again, where that is turned up."""


def served(world: World) -> Any:
    """Do what is due in *world*, and return what was done."""
    with Wallet.open(world.env) as wallet:
        return serve_once(wallet.home)


def is_nothing(done: Any) -> bool:
    return not any(done[key] for key in ("holds", "refunds", "resolved", "settled", "failed"))


def acts(world: World) -> Counter[str]:
    """Return how many acts of each kind are in the ledger."""
    return Counter(row[1] for row in world.dump()["entry"])


def accounts(world: World) -> list[Any]:
    """Return every account with what was ever put in and taken out."""
    return sorted(world.dump()["account"])


# --- on time --------------------------------------------------------------------------------------


def test_what_nobody_claimed_goes_back_after_a_day_and_not_before(world: World):
    """
    Everyone's, as an act of the platform that no device signs; a second look finds nothing.
    """
    zhang, li = world.zhang, world.li
    li.topup(50 * YUAN, pin=right)
    packet = zhang.send(10 * YUAN, count=2, pin=right)["packet"]
    other = li.send(6 * YUAN, count=1, pin=right)["packet"]
    world.wang.claim(packet)
    world.at += DAY - timedelta(seconds=1)
    assert [] == served(world)["refunds"]

    world.turn(seconds=1)
    refunds = served(world)["refunds"]

    assert {packet, other} == {refund["packet"] for refund in refunds}
    assert 6 * YUAN in [refund["amount_fen"] for refund in refunds]
    with world.open() as wallet:
        rows = below(wallet).rows("SELECT device, clock FROM entry WHERE act = 'refund'")
        assert [(None, "real")] * 2 == [*map(tuple, rows)]
    assert is_nothing(served(world))
    assert {} == world.findings()


def test_a_card_gets_its_money_back_a_working_day_later(world: World):
    """
    The refund is due when the packet expires, and its payment when the rules say.
    """
    packet = world.zhang.send(FEN, count=5, paid_from=tail(CARD), pin=right)["packet"]
    served(world)
    world.at += DAY
    [refund] = served(world)["refunds"]
    assert (packet, "cmb-3337") == (refund["packet"], refund["refunded_to"])
    world.at += 10 * DAY  # New Year's holidays are over

    [arrived] = served(world)["resolved"]

    assert (refund["payment"], "accepted") == (arrived["message"], arrived["state"])
    assert {} == world.findings()


@pytest.mark.parametrize("then", ["release", "return"])
def test_a_hold_ends_when_its_time_is_over(then: str, world: World):
    """
    As its rule ends it, at that moment.
    """
    with_pack(world, holding("send", "give", then=then))
    sent = world.zhang.send(10 * YUAN, count=2, pin=right)
    assert [] == served(world)["holds"]

    world.turn(hours=HOLD_HOURS)
    [ended] = served(world)["holds"]

    assert sent["held"] is not None
    assert (sent["held"]["case"], f"{then.rstrip('e')}ed") == (ended["case"], ended["ended"])
    assert is_nothing(served(world))
    assert {} == world.findings()


def test_each_cut_off_settles_what_was_accepted_before_it(world: World):
    """
    At eleven in the evening in China and not before; what came since waits for the next evening.
    """
    assert [] == served(world)["settled"]  # topped up at noon
    world.turn(hours=11)
    [settled] = served(world)["settled"]
    assert 1000 * YUAN == settled["gross_fen"]

    world.turn(hours=1)
    world.zhang.topup(5 * YUAN, pin=right)
    assert is_nothing(served(world))
    world.turn(hours=22, minutes=59)
    assert is_nothing(served(world))
    world.turn(minutes=1)
    assert 5 * YUAN == served(world)["settled"][0]["gross_fen"]
    assert {} == world.findings()


def test_a_silent_bank_is_told_and_asked_again(demo: World):
    """
    It keeps nothing else from being done; once it answers, the payment has its outcome.
    """
    break_at(demo, Fault.TIMEOUT)
    with pytest.raises(PaymentPending) as pending:
        demo.zhang.topup(FEN, pin=right)
    [failed] = served(demo)["failed"]
    assert ("payment", "payment_pending", None) == (
        failed["kind"],
        failed["error"]["code"],
        failed["next_try_at"],
    )
    assert pending.value.facts["payment"] == failed["subject"]

    break_at(demo, None)
    [resolved] = served(demo)["resolved"]

    assert (failed["subject"], "accepted") == (resolved["message"], resolved["state"])
    assert {} == demo.findings()


def test_a_virtual_clock_is_never_turned(demo: World):
    """
    What is due by it is done when someone turns it, and the service finds nothing more.
    """
    with demo.open(ZHANG) as zhang:
        zhang.send(10 * YUAN, count=2, pin=right)
        before = zhang.now()
    demo.turn(days=30)
    assert is_nothing(served(demo))
    with demo.open(ZHANG) as zhang:
        assert before == zhang.now()
        zhang.advance_clock(2 * DAY)
    assert is_nothing(served(demo))


def test_what_cannot_be_done_keeps_nothing_else_from_being_done(world: World):
    """
    A packet that was tampered with is named; the others' money goes back.
    """
    zhang = world.zhang
    packets = [zhang.send(YUAN, count=1, pin=right)["packet"] for _ in range(3)]
    world.at += DAY
    world.edit(
        "UPDATE packet SET total_fen = total_fen + 1 WHERE id = :id", values={"id": packets[0]}
    )

    done = served(world)

    assert set(packets[1:]) == {refund["packet"] for refund in done["refunds"]}
    assert [(packets[0], "damaged")] == [
        (failed["subject"], failed["error"]["code"]) for failed in done["failed"]
    ]


# --- once -----------------------------------------------------------------------------------------


def with_much_due(world: World, packets: int = 3) -> None:
    """Have a hold, refunds to balance and card, a payment and a settlement fall due."""
    zhang = world.zhang
    by_card = zhang.send(30 * YUAN, count=3, paid_from=tail(CARD), pin=right)["packet"]
    world.li.claim(by_card)
    for _ in range(packets):
        world.turn(minutes=10)  # or it would be too much in one hour
        zhang.send(YUAN, count=1, pin=right)
    with_pack(world, holding("send", "give"))
    world.zhang.send(10 * YUAN, count=2, pin=right)
    world.at += DAY
    world.close()


@SWEEPS
def test_killed_anywhere_the_next_one_does_the_rest_and_nothing_twice(
    everywhere: bool, world: World, tmp_path: Path
):
    """
    At each boundary of all that is due: afterwards every account has what it would have.
    """
    with_much_due(world, packets=1)
    whole = world.copy(tmp_path / "whole")
    served(whole)
    expected = accounts(whole), acts(whole)

    def act(victim: World, begin: Callable[[], None]) -> None:
        with Wallet.open(victim.env) as wallet:
            begin()
            serve_once(wallet.home)

    killed = 0
    for victim, was_killed in victims(
        world, tmp_path, act, everywhere=everywhere, stride=3, thinned=7
    ):
        killed += was_killed
        victim.chances += 1000  # the next process draws its own
        served(victim)
        assert expected == (accounts(victim), acts(victim))
        assert is_nothing(served(victim))
        assert {} == victim.findings()
    assert killed >= 3


def test_processes_at_once_do_each_thing_once_and_tell_it_once(world: World):
    """
    Whichever is faster: the others say nothing of it.
    """
    with_much_due(world, packets=8)

    def serve(number: int) -> bytes:
        world.chances += 10_000 * number  # each draws its own
        return json.dumps(served(world)).encode()

    told = [json.loads(each) for each in race(4, serve)]

    assert [] == [failed for each in told for failed in each["failed"]]
    refunds = Counter(refund["packet"] for each in told for refund in each["refunds"])
    assert (9, {1}) == (len(refunds), set(refunds.values()))
    assert 1 == sum(len(each["holds"]) for each in told)
    assert 1 == sum(len(each["settled"]) for each in told)
    assert (9, 1, 1) == tuple(acts(world)[act] for act in ("refund", "released", "settle"))
    assert {} == world.findings()


@pytest.mark.slow
def test_services_that_are_killed_again_and_again_do_each_thing_once(world: World):
    """
    Two at a time, killed at any moment and started again, until there is nothing left to do.
    """
    with_much_due(world, packets=10 * ROUNDS)
    dice, killed = Random(7), 0

    def serve(number: int) -> None:
        world.chances += 10_000 * number  # each draws its own
        served(world)

    for number in range(1, 2 * ROUNDS, 2):
        children = [start(partial(serve, number)), start(partial(serve, number + 1))]
        time.sleep(dice.uniform(0.01, 0.12))
        for child in children:
            os.kill(child, signal.SIGKILL)
            killed += finished(child) == -signal.SIGKILL
    world.chances += 10_000 * (2 * ROUNDS + 1)
    served(world)

    sys.stdout.write(f"{killed} services were killed\n")
    assert killed > ROUNDS
    found = acts(world)
    assert 10 * ROUNDS + 1 == found["refund"]
    assert (1, 1) == (found["released"], found["settle"])
    assert is_nothing(served(world))
    assert {} == world.findings()
