"""Guards that many processes meet at once: what may happen so often happens exactly so often."""

import json
import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from hongbao.errors import HongbaoError
from hongbao.wallet import Wallet
from tests.vault.processes import race
from tests.wallet.guards import (
    BY_AMOUNT,
    CHALLENGED,
    HELD,
    LARGE,
    challenged,
    no_more_than,
    solution,
    wrong_solution,
)
from tests.wallet.world import ZHANG, World, right


def at_once(
    world: World, count: int, act: Callable[[Wallet, int], Any], who: str = ZHANG
) -> list[Any]:
    """Let *count* processes act as *who*, each from a home of its own opening, all at once."""
    world.close()
    env = world.env._replace(chance=os.urandom)

    def body(number: int) -> bytes:
        try:
            with Wallet.open(env, profile=who) as desk:
                answer = act(desk, number)
        except HongbaoError as error:
            answer = error.as_dict()
        return json.dumps(answer).encode()

    return [json.loads(answer) for answer in race(count, body)]


def codes(answers: list[Any]) -> Counter[str]:
    return Counter(answer.get("code", "done") for answer in answers)


@pytest.mark.parametrize("most", [1, 7])
def test_a_rate_limit_under_twenty_processes_admits_exactly_its_number(most: int, world: World):
    """
    Twenty send at the same moment: as many as the rule allows go through, each of the others is
    stopped and written down, and none is lost.
    """
    world.zhang.use_risk_pack(no_more_than(most))

    answers = at_once(world, 20, lambda desk, _: desk.send(2, count=2, pin=right))

    assert {"done": most, "refused_by_risk": 20 - most} == codes(answers)
    rows = world.dump()
    assert most == len(rows["packet"])
    assert 20 - most == len(rows["stop"])
    assert {} == world.findings()


def test_a_passed_challenge_lets_one_of_two_processes_through(world: World):
    """
    Six ask for what one challenge was passed for: one is done, the others are challenged anew.
    """
    world.zhang.use_risk_pack(BY_AMOUNT)
    challenge = challenged(world.zhang)
    world.zhang.answer_challenge(challenge, solution(world.zhang, challenge))
    before = world.zhang.balance()["available_fen"]

    answers = at_once(world, 6, lambda desk, _: desk.topup(CHALLENGED, pin=right))

    assert {"done": 1, "challenge_required": 5} == codes(answers)
    assert before + CHALLENGED == world.zhang.balance()["available_fen"]
    assert ["used", *["open"] * 5] == [row[8] for row in world.dump()["challenge"]]
    assert {} == world.findings()


def test_guesses_that_race_are_three(world: World):
    """
    Twelve wrong answers at once are looked at three times, and the challenge has failed once.
    """
    world.zhang.use_risk_pack(BY_AMOUNT)
    challenge = challenged(world.zhang)
    wrong = wrong_solution(world.zhang, challenge)

    answers = at_once(world, 12, lambda desk, _: desk.answer_challenge(challenge, wrong))

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
    world.zhang.use_risk_pack(BY_AMOUNT)
    challenge = challenged(world.zhang)
    answers = {
        True: solution(world.zhang, challenge),
        False: wrong_solution(world.zhang, challenge),
    }

    told = at_once(
        world, 10, lambda desk, number: desk.answer_challenge(challenge, answers[number % 5 == 4])
    )

    assert set(codes(told)) <= {"done", "wrong_answer", "challenge_failed"}
    [row] = world.dump()["challenge"]
    assert row[8] == ("passed" if codes(told)["done"] else "failed")
    assert {} == world.findings()


def test_one_case_a_day_is_opened_by_whoever_comes_first(world: World):
    """
    Eight large sums at once are one case, about all of whom there is a record.
    """
    world.zhang.use_risk_pack(BY_AMOUNT)

    answers = at_once(world, 8, lambda desk, _: desk.topup(LARGE, pin=right))

    assert {"done": 8} == codes(answers)
    assert ["large"] == [row[2] for row in world.dump()["review_case"]]
    assert {} == world.findings()


def test_holds_that_race_have_each_their_case_and_money(world: World):
    """
    Ten held packets at once are ten cases, and what is held is all of it.
    """
    world.zhang.use_risk_pack(BY_AMOUNT)

    answers = at_once(world, 10, lambda desk, _: desk.send(HELD, count=2, pin=right))

    assert {"done": 10} == codes(answers)
    assert 10 == len({answer["held"]["case"] for answer in answers})
    assert {} == world.findings()
