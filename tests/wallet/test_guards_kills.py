"""Killed at any statement of what the guards answer: it was written whole, or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hongbao import errors
from hongbao.domain.cases import Verb
from hongbao.wallet import Wallet
from tests.wallet.guards import (
    BY_AMOUNT,
    CHALLENGED,
    CUT,
    HELD,
    LARGE,
    LIMITED,
    REFUSED,
    challenged,
    solution,
    wrong_solution,
)
from tests.wallet.kills import SWEEPS, daily_and_everywhere, victims
from tests.wallet.test_guards_races import reviewed, word
from tests.wallet.world import PINS, ZHANG, World, right


class Answered(NamedTuple):
    """
    An act, *do*, that the guards answer in their own way, once *ready* has made the world fit.

    It leaves *entries*, and raises *error* where it is not done.
    """

    name: str
    do: Callable[[Wallet, Any], object]
    error: type[errors.HongbaoError] | None
    entries: int = 1
    ready: Callable[[World], Any] = lambda _: None


def asked(world: World) -> str:
    return challenged(world.zhang)


def on_the_last_try(world: World) -> str:
    challenge = asked(world)
    for _ in range(2):
        with pytest.raises(errors.WrongAnswer):
            world.zhang.answer_challenge(challenge, wrong_solution(world.zhang, challenge))
    return challenge


def passed(world: World) -> str:
    challenge = asked(world)
    world.zhang.answer_challenge(challenge, solution(world.zhang, challenge))
    return challenge


ACTS = (
    Answered(
        "challenged", lambda desk, _: desk.topup(CHALLENGED, pin=right), errors.ChallengeRequired
    ),
    Answered("refused", lambda desk, _: desk.topup(REFUSED, pin=right), errors.RefusedByRisk),
    Answered(
        "limited", lambda desk, _: desk.send(LIMITED, count=2, pin=right), errors.LoweredLimit
    ),
    Answered("cut", lambda desk, _: desk.topup(CUT, pin=right), errors.SessionEnded),
    Answered("held", lambda desk, _: desk.send(HELD, count=2, pin=right), None),
    Answered("withdrawal held", lambda desk, _: desk.withdraw(HELD, pin=right), None),
    Answered("reported", lambda desk, _: desk.send(LARGE, count=2, pin=right), None),
    Answered(
        "answered",
        lambda desk, challenge: desk.answer_challenge(challenge, solution(desk, challenge)),
        None,
        ready=asked,
    ),
    Answered(
        "failed",
        lambda desk, challenge: desk.answer_challenge(challenge, wrong_solution(desk, challenge)),
        errors.ChallengeFailed,
        ready=on_the_last_try,
    ),
    Answered(
        "approved",
        lambda desk, case: word(desk, case, 1),
        None,
        ready=lambda world: reviewed(world, HELD),
    ),
    Answered(
        "rejected",
        lambda desk, case: word(desk, case, 1, Verb.REJECT),
        None,
        ready=lambda world: reviewed(world, HELD),
    ),
    Answered(
        "let through", lambda desk, _: desk.topup(CHALLENGED, pin=right), None, 4, ready=passed
    ),
)

DAILY = ("challenged", "held", "failed", "approved")
"""Killed at each boundary in every run; everywhere, and the others, in `make test-all`."""


@pytest.mark.parametrize(("kind", "everywhere"), daily_and_everywhere(ACTS, DAILY))
def test_what_the_guards_answer_is_written_whole_or_not_at_all(
    kind: Answered, everywhere: bool, world: World, tmp_path: Path
):
    """
    The entry, the stop, the challenge, the case, the held money and the habit stand together, and
    everything checks; what was not written can be asked for again, and is answered as it would
    have been. Nothing goes through that the guards would have stopped.
    """
    world.zhang.use_risk_pack(BY_AMOUNT)
    ready = kind.ready(world)
    before = world.dump(ignoring=PINS)
    unharmed = world.copy(tmp_path / "unharmed")
    done(kind, unharmed.zhang, ready)
    after = unharmed.dump(ignoring=PINS)
    assert kind.entries == len(after["entry"]) - len(before["entry"])
    counts = {table: len(rows) for table, rows in after.items()}
    seen = set()

    def act(victim: World, begin: Callable[[], None]) -> None:
        with Wallet.open(victim.env, profile=ZHANG) as desk:
            begin()
            done(kind, desk, ready)

    kills = 0
    for victim, killed in victims(world, tmp_path, act, everywhere=everywhere):
        kills += killed
        assert {} == victim.findings()
        found = victim.dump(ignoring=PINS)
        entries = len(found["entry"]) - len(before["entry"])
        seen.add(entries)
        if entries == 0:
            unwatched = {"challenge", "operator"}  # tries are counted before they are looked at
            assert without(before, unwatched) == without(found, unwatched)
        elif entries == kind.entries:
            assert counts == {table: len(rows) for table, rows in found.items()}
        if entries == 0 and kind.name != "failed":
            done(kind, victim.zhang, ready)
            assert {} == victim.findings()
            assert counts == {table: len(rows) for table, rows in victim.dump().items()}

    assert set(range(kind.entries + 1)) == seen
    assert kills >= (10 if everywhere else 2)


def done(kind: Answered, desk: Wallet, ready: Any) -> None:
    if kind.error is None:
        kind.do(desk, ready)
        return
    try:
        kind.do(desk, ready)
    except errors.HongbaoError as error:
        if not isinstance(error, kind.error):
            raise
    else:
        raise AssertionError("it went through")


def without(rows: dict[str, Any], tables: set[str]) -> dict[str, Any]:
    return {table: found for table, found in rows.items() if table not in tables}


@SWEEPS
def test_tries_at_a_challenge_are_never_given_back_by_killing(
    everywhere: bool, world: World, tmp_path: Path
):
    """
    Killed wherever it may be, a wrong answer is one of three: a fourth is never looked at.
    """
    world.zhang.use_risk_pack(BY_AMOUNT)
    challenge = asked(world)
    tries = set()

    def act(victim: World, begin: Callable[[], None]) -> None:
        with Wallet.open(victim.env, profile=ZHANG) as desk:
            wrong = wrong_solution(desk, challenge)
            begin()
            with pytest.raises(errors.WrongAnswer):
                desk.answer_challenge(challenge, wrong)

    for victim, _ in victims(world, tmp_path, act, everywhere=everywhere):
        assert {} == victim.findings()
        [row] = victim.dump()["challenge"]
        tries.add(row[7])

    assert {0, 1} == tries
