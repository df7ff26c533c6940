"""Guards that many processes meet at once: what may happen so often happens exactly so often."""

from datetime import timedelta
from typing import Any

import pytest

from hongbao.domain.cases import Verb
from hongbao.domain.pin import Pin
from hongbao.wallet import Wallet
from hongbao.wallet.operators import By
from tests.wallet.guards import (
    BY_AMOUNT,
    CHALLENGED,
    HELD,
    HELD_BACK,
    LARGE,
    challenged,
    no_more_than,
    solution,
    wrong_solution,
)
from tests.wallet.test_processes import at_once, codes, many
from tests.wallet.world import LI, WANG, ZHANG, World, changed, right


def operator_pin() -> Pin:
    return Pin("975312")


OPERATORS = ("老王", "老李", "老赵")


def always_zhang(_: int) -> str:
    return ZHANG


def guarded(world: World) -> Wallet:
    """
    Put rules in force that answer by the amount.

    A PIN is tried before it is looked at, so that many right ones at once could lock it: here they
    do not.
    """
    zhang = world.zhang
    zhang.use_policy(changed(attempts_max="100"))
    zhang.use_risk_pack(BY_AMOUNT)
    return zhang


def reviewed(world: World, fen: int) -> str:
    """Return the case of a packet of *fen* that is held, in a home with three operators."""
    zhang = guarded(world)
    for name in OPERATORS:
        by = right if name == OPERATORS[0] else By(OPERATORS[0], operator_pin)
        zhang.add_operator(name, pin=operator_pin, by=by)
    held = zhang.send(fen, count=2, pin=right)["held"]
    assert held is not None
    return str(held["case"])


def word(desk: Wallet, case: str, number: int, verb: Verb = Verb.APPROVE) -> Any:
    by = By(OPERATORS[number % len(OPERATORS)], operator_pin)
    return desk.decide(case, verb, why="核实", by=by)


@pytest.mark.in_turn(2)
@pytest.mark.parametrize("most", [1, 7])
def test_a_rate_limit_under_many_processes_admits_exactly_its_number(most: int, world: World):
    """
    Claims at the same moment: as many as the rule allows go through, each of the others is
    stopped and written down, and none is lost.
    """
    count = many(20)
    packets = [world.zhang.send(2, count=2, pin=right)["packet"] for _ in range(count)]
    world.zhang.use_risk_pack(no_more_than(most, "claims", '"claim"'))

    answers = at_once(world, count, lambda desk, n: desk.claim(packets[n]), lambda _: LI)

    assert {"done": most, "refused_by_risk": count - most} == codes(answers)
    rows = world.dump()
    assert most == len(rows["claim"])
    assert count - most == len(rows["stop"])
    assert {} == world.findings()


def test_a_passed_challenge_lets_one_of_two_processes_through(world: World):
    """
    Six ask for what one challenge was passed for: one is done, the others are challenged anew.
    """
    guarded(world)
    challenge = challenged(world.zhang)
    world.zhang.answer_challenge(challenge, solution(world.zhang, challenge))
    before = world.zhang.balance()["available_fen"]

    answers = at_once(world, 6, lambda desk, _: desk.topup(CHALLENGED, pin=right), always_zhang)

    assert {"done": 1, "challenge_required": 5} == codes(answers)
    assert before + CHALLENGED == world.zhang.balance()["available_fen"]
    assert ["used", *["open"] * 5] == [row[8] for row in world.dump()["challenge"]]
    assert {} == world.findings()


def test_guesses_that_race_are_three(world: World):
    """
    Twelve wrong answers at once are looked at three times, and the challenge has failed once.
    """
    guarded(world)
    challenge = challenged(world.zhang)
    wrong = wrong_solution(world.zhang, challenge)

    answers = at_once(
        world, 12, lambda desk, _: desk.answer_challenge(challenge, wrong), always_zhang
    )

    assert {"wrong_answer", "challenge_failed"} >= set(codes(answers))
    assert 2 == codes(answers)["wrong_answer"]
    [row] = world.dump()["challenge"]
    assert (3, "failed") == (row[7], row[8])
    acts = [row[1] for row in world.dump()["entry"]]
    assert 1 == acts.count("challenge_failed")
    assert {} == world.findings()


def test_a_right_answer_among_wrong_ones_is_worth_one_act(world: World):
    """
    However they fall, a challenge ends once: passed or failed, never both.
    """
    guarded(world)
    challenge = challenged(world.zhang)
    answers = {
        True: solution(world.zhang, challenge),
        False: wrong_solution(world.zhang, challenge),
    }

    told = at_once(
        world,
        10,
        lambda desk, number: desk.answer_challenge(challenge, answers[number % 5 == 4]),
        always_zhang,
    )

    assert set(codes(told)) <= {"done", "wrong_answer", "challenge_failed"}
    [row] = world.dump()["challenge"]
    assert row[8] == ("passed" if codes(told)["done"] else "failed")
    assert {} == world.findings()


def test_one_case_a_day_is_opened_by_whoever_comes_first(world: World):
    """
    Eight large sums at once are one case, about all of whom there is a record.
    """
    guarded(world)

    answers = at_once(world, 8, lambda desk, _: desk.topup(LARGE, pin=right), always_zhang)

    assert {"done": 8} == codes(answers)
    assert ["large"] == [row[2] for row in world.dump()["review_case"]]
    assert {} == world.findings()


def test_holds_that_race_have_each_their_case_and_money(world: World):
    """
    Ten held packets at once are ten cases, and what is held is all of it.
    """
    guarded(world)

    answers = at_once(world, 10, lambda desk, _: desk.send(HELD, count=2, pin=right), always_zhang)

    assert {"done": 10} == codes(answers)
    assert 10 == len({answer["held"]["case"] for answer in answers})
    assert {} == world.findings()


def test_one_of_nine_reviewers_decides_what_takes_one(world: World):
    """
    The others are told that it is decided, and the money moves once.
    """
    case = reviewed(world, HELD)

    answers = at_once(world, 9, lambda desk, number: word(desk, case, number), always_zhang)

    assert {"done": 1, "case_closed": 8} == codes(answers)
    assert 1 == len(world.dump()["opinion"])
    assert {} == world.findings()


def test_two_of_nine_reviewers_decide_what_takes_two(world: World):
    """
    They are different people, however often each of them presses the key.
    """
    case = reviewed(world, HELD_BACK)

    answers = at_once(world, 9, lambda desk, number: word(desk, case, number), always_zhang)

    assert 2 == codes(answers)["done"]
    assert set(codes(answers)) <= {"done", "case_closed", "same_operator"}
    assert 2 == len({row[2] for row in world.dump()["opinion"]})
    assert ["approved"] == [row[11] for row in world.dump()["review_case"]]
    assert {} == world.findings()


def test_reviewers_who_differ_at_once_move_the_money_one_way(world: World):
    """
    Approve, reject, approve, …: one word counts, and the packet is there to claim or its money is
    back, never both.
    """
    case = reviewed(world, HELD)
    before = world.zhang.balance()["available_fen"]

    at_once(
        world,
        6,
        lambda desk, n: word(desk, case, n, Verb.APPROVE if n % 2 else Verb.REJECT),
        always_zhang,
    )

    [state] = [row[11] for row in world.dump()["review_case"]]
    balance = world.zhang.balance()
    back_fen = HELD if state == "rejected" else 0
    assert (before + back_fen, 0) == (balance["available_fen"], balance["held_fen"])
    assert {} == world.findings()


def test_a_hold_that_ends_by_itself_ends_once_whoever_comes(world: World):
    """
    Its moment has come while a reviewer, claimers and its sender all act: it is released once, and
    the reviewer comes too late.
    """
    case = reviewed(world, HELD)
    packet = world.zhang.packets("sent")[-1]["packet"]
    world.at += timedelta(hours=24)
    people = (ZHANG, LI, WANG)

    def act(desk: Wallet, number: int) -> Any:
        if number % 4 == 3:
            return word(desk, case, number)
        return desk.topup(100, pin=right) if number % 4 == 0 else desk.claim(packet)

    answers = at_once(world, 8, act, lambda number: people[number % 4 % 3])

    assert 2 == codes(answers)["case_closed"], answers
    assert ["released"] == [row[11] for row in world.dump()["review_case"]]
    assert 2 == len([answer for answer in answers if answer.get("seat")]), answers
    assert {} == world.findings()
