"""Killed at any statement of a payment: it has one outcome afterwards, or was never asked for."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao.domain.channel import Fault
from hongbao.errors import HongbaoError, PaymentPending
from hongbao.wallet import Wallet
from tests.vault.processes import race
from tests.wallet import channels
from tests.wallet.channels import (
    BANK,
    DAY,
    FEN,
    HALF_MINUTE,
    MAGIC,
    OTHER_BANK,
    REASONS,
    acts,
    break_at,
    messages,
    money,
    pay,
    unclaimed,
)
from tests.wallet.kills import SWEEPS, victims
from tests.wallet.world import CARD, LI, PINS, YUAN, ZHANG, World, right, tail

DAILY = {("topup", Fault.TIMEOUT), ("send", None), ("withdraw", Fault.LATE), ("refund", None)}
FAULTS = (
    None,
    Fault.TIMEOUT,
    Fault.LOST,
    Fault.LATE,
    Fault.SLOW,
    Fault.DECLINE,
    Fault.DUPLICATE_ANSWER,
    Fault.DOUBLE_BOOKING,
)
COURSES = [
    pytest.param(
        reason,
        fault,
        everywhere,
        id=f"{reason}-{fault}-{'everywhere' if everywhere else 'at-boundaries'}",
        marks=pytest.mark.slow if everywhere else [],
    )
    for reason in REASONS
    for fault in FAULTS
    for everywhere in ((False, True) if (reason, fault) in DAILY else (True,))
]


def rested(world: World) -> Any:
    """Let everything come to its outcome and be settled, and return all that is in the ledger."""
    with Wallet.open(world.env, profile=ZHANG) as desk:
        desk.settle()
        desk.settle()
        desk.advance_clock(HALF_MINUTE)
        desk.settle()
    return world.dump(ignoring=PINS)


@pytest.mark.parametrize(("reason", "fault", "everywhere"), COURSES)
def test_a_payment_that_is_killed_has_one_outcome_or_was_never_asked_for(
    reason: str, fault: Fault | None, everywhere: bool, demo: World, tmp_path: Path
):
    """
    Whatever the bank does, and wherever among the steps of two institutions the process is gone:
    the books are sound at once, and once everything was asked for, the ledger is to the last MAC
    what it would have been, or as if nobody had come. (Who is gone hears no second answer: then
    the note of it is missing, and nothing else.)
    """
    fen = MAGIC[fault] if fault else FEN
    if reason == "refund":
        unclaimed(demo, fen)
    due_at = demo.zhang.now() + DAY

    def act(world: World, begin: Callable[[], None] = lambda: None) -> None:
        with Wallet.open(world.env, profile=ZHANG) as desk:
            begin()
            with suppress(HongbaoError):
                if reason == "refund":
                    desk.set_clock(due_at)
                else:
                    pay(desk, reason, fen, request_id="mine")

    unharmed, untouched = demo.copy(tmp_path / "unharmed"), demo.copy(tmp_path / "untouched")
    act(unharmed)
    after, never, seen = rested(unharmed), rested(untouched), set()
    states, sound = set(), []

    for victim, _ in victims(demo, tmp_path, act, everywhere=everywhere):
        assert {} == victim.findings()
        states |= {one["state"] for one in messages(victim)}
        if reason == "refund":
            act(victim)  # whose clock did not get there
        found = rested(victim)
        if found not in sound:  # what is the same to the last row is as sound
            assert {} == victim.findings()
            sound.append(found)
        if fault is Fault.DUPLICATE_ANSWER and len(found["entry"]) == len(after["entry"]) - 1:
            notes = [acts(world).count("duplicate_answer") for world in (unharmed, victim)]
            assert notes[0] - 1 == notes[1]
            for table in ("account", "bank_message", "bank_line", "usage"):
                assert after[table] == found[table]
        elif reason == "refund":
            assert after == found
        else:
            assert found in (after, never)
            seen.add(len(found["entry"]))
        assert all(one["outcome"] is not None for one in messages(victim))

    if reason != "refund":
        assert {len(after["entry"]), len(never["entry"])} == seen
    assert {"created", "sent"} <= states


@SWEEPS
def test_a_request_whose_process_was_killed_is_answered_when_it_is_made_again(
    everywhere: bool, demo: World, tmp_path: Path
):
    """
    Once, whichever of the steps had been made; then it is as if nobody had been killed.
    """
    for reason in ("topup", "send", "withdraw"):
        unharmed = demo.copy(tmp_path / f"{reason}-unharmed")
        told = pay(unharmed.zhang, reason, request_id="mine")
        after = unharmed.dump(ignoring=PINS)

        def act(victim: World, begin: Callable[[], None], reason: str = reason) -> None:
            with Wallet.open(victim.env, profile=ZHANG) as desk:
                begin()
                pay(desk, reason, request_id="mine")

        for victim, _ in victims(demo, tmp_path / reason, act, everywhere=everywhere, stride=3):
            again = pay(victim.zhang, reason, request_id="mine")
            again.pop("replayed", None)
            assert told == again
            assert after == victim.dump(ignoring=PINS)
            assert {} == victim.findings()


def in_all_states(world: World) -> None:
    """Leave payments behind of each kind that `settle` has something to do for."""
    zhang, li = world.zhang, world.li
    zhang.topup(500 * YUAN, pin=right)
    break_at(world, Fault.TIMEOUT)  # so that none is asked for by the next
    for fault in (Fault.TIMEOUT, Fault.LOST, Fault.LATE, Fault.SLOW):
        for reason in ("topup", "withdraw", "send"):
            with pytest.raises(PaymentPending):
                pay(zhang, reason, MAGIC[fault])
    break_at(world, None)
    li.topup(FEN, pin=right)
    li.withdraw(YUAN, pin=right)
    zhang.advance_clock(HALF_MINUTE)


@SWEEPS
def test_a_settlement_that_is_killed_is_settled_on(everywhere: bool, demo: World, tmp_path: Path):
    """
    Between asking, hearing late answers and the batch: what is left is done, and nothing twice.
    """
    in_all_states(demo)
    unharmed = demo.copy(tmp_path / "unharmed")
    with Wallet.open(unharmed.env, profile=ZHANG) as desk:
        told = desk.settle()
    assert 10 < len(told["resolved"])
    assert None is not told["batch"]
    after = unharmed.dump()

    def act(victim: World, begin: Callable[[], None]) -> None:
        with Wallet.open(victim.env, profile=ZHANG) as desk:
            begin()
            desk.settle()

    for victim, _ in victims(demo, tmp_path, act, everywhere=everywhere, stride=5):
        assert {} == victim.findings()
        victim.zhang.settle()
        assert after == victim.dump()


@SWEEPS
def test_a_clock_that_is_killed_among_payments_is_turned_on(
    everywhere: bool, demo: World, tmp_path: Path
):
    """
    Expiries, refunds that set out, wait and are given up, cut-offs: each whole, each once.
    """
    for _ in range(2):
        demo.zhang.send(FEN, count=2, paid_from=tail(CARD), pin=right)
        demo.li.send(YUAN, paid_from="4443", pin=right)
        demo.zhang.advance_clock(timedelta(hours=1))
    in_all_states(demo)
    break_at(demo, Fault.DOWN, OTHER_BANK)
    target = demo.zhang.now() + 6 * DAY
    unharmed = demo.copy(tmp_path / "unharmed")
    unharmed.zhang.set_clock(target)
    after = unharmed.dump()
    assert {} == unharmed.findings()
    assert {"accepted", "reversed", "rejected"} == {one["state"] for one in messages(unharmed)}

    def act(victim: World, begin: Callable[[], None]) -> None:
        with Wallet.open(victim.env, profile=ZHANG) as desk:
            begin()
            desk.set_clock(target)

    for victim, _ in victims(demo, tmp_path, act, everywhere=everywhere, stride=11, thinned=9):
        assert {} == victim.findings()
        victim.zhang.set_clock(target)
        assert after == victim.dump()


# --- several at once -----------------------------------------------------------------------------


def at_once(world: World, many: int, act: Callable[[Wallet, int], Any]) -> list[dict[str, Any]]:
    """Let *many* processes open the home, every other one for Li, and *act* all at once."""
    world.close()

    def body(number: int) -> bytes:
        with Wallet.open(world.env, profile=(ZHANG, LI)[number % 2]) as desk:
            try:
                answer = act(desk, number)
            except HongbaoError as error:
                answer = error.as_dict()
        return json.dumps(answer).encode()

    return [json.loads(answer) for answer in race(many, body)]


SILENT = (Fault.TIMEOUT, Fault.LOST, Fault.LATE, Fault.SLOW)
MESSAGES = [
    pytest.param(reason, fault, marks=() if number % 4 == place else pytest.mark.slow)
    for place, reason in enumerate(REASONS)
    for number, fault in enumerate(SILENT)
]
"""Each reason and each fault in every run, all of their pairs in `make test-all`."""


@pytest.mark.parametrize(("reason", "fault"), MESSAGES)
def test_processes_that_carry_the_same_message_agree(reason: str, fault: Fault, demo: World):
    """
    One outcome, booked once by each side, and one batch.
    """
    if reason == "refund":
        unclaimed(demo)
    break_at(demo, fault, fen=FEN)
    if reason == "refund":
        demo.zhang.advance_clock(DAY)
    else:
        with pytest.raises(PaymentPending):
            pay(demo.zhang, reason, request_id="mine")
    demo.zhang.advance_clock(HALF_MINUTE)
    [*_, message] = messages(demo)
    assert "unknown" == message["state"]
    entries, card_fen = len(acts(demo)), money(demo).card
    break_at(demo, None)

    answers = at_once(demo, 8, lambda desk, _: desk.settle())

    resolved = [line["state"] for answer in answers for line in answer["resolved"]]
    expected = "accepted" if fault in (Fault.TIMEOUT, Fault.SLOW) else "reversed"
    assert {expected, *(["late"] if fault is Fault.LATE else [])} == set(resolved)
    done = Counter(acts(demo, entries + 1))
    assert done["settle"] == sum(answer["batch"] is not None for answer in answers)
    assert done["settle"] == (expected == "accepted")
    assert done["late_answer"] == (fault is Fault.LATE)
    moved_fen = FEN if fault is Fault.SLOW else 0
    assert moved_fen == abs(money(demo).card - card_fen)
    assert {} == demo.findings()


def test_one_request_in_many_processes_is_one_payment(demo: World):
    """
    They are all told of the same one; who comes while it is under way may hear that it is.
    """
    answers = at_once(
        demo,
        10,
        lambda desk, number: desk.topup(
            MAGIC[Fault.DUPLICATE_ANSWER], pin=right, request_id=f"mine-{number % 2}"
        ),
    )

    assert 3 == len(messages(demo))
    assert {answer["payment"] for answer in answers} == {one["id"] for one in messages(demo)[1:]}
    assert {"payment_pending", None} >= {answer.get("code") for answer in answers}
    assert {"accepted"} == {one["state"] for one in messages(demo)}
    assert Counter(acts(demo))["duplicate_answer"] == 2
    assert {} == demo.findings()


def test_payments_faults_and_settlements_at_once_lose_nothing(demo: World):
    """
    While banks fail and are mended, some pay, some settle and some turn the clock.
    """

    def act(desk: Wallet, number: int) -> Any:
        for turn in range(6):
            match (number + turn) % 6:
                case 0:
                    desk.set_fault(BANK, (Fault.LOST, Fault.TIMEOUT, Fault.LATE)[number % 3])
                case 1:
                    desk.set_fault(BANK, None)
                case 2:
                    desk.settle()
                case 3:
                    desk.advance_clock(timedelta(hours=7))
                case _:
                    with suppress(HongbaoError):
                        desk.topup(FEN + number, pin=right)
                    with suppress(HongbaoError):
                        desk.withdraw(YUAN, pin=right)
        return {}

    at_once(demo, 8, act)

    assert {} == demo.findings()
    channels.mended(demo)
    assert all(one["outcome"] for one in messages(demo))
    assert {} == demo.findings()
    assert all(one["batch"] for one in messages(demo) if one["state"] == "accepted")
