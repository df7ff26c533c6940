"""Acts that the guards answer, in any order and on any day, against a model in plain Python."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from hongbao import errors
from hongbao.wallet import Wallet
from tests.wallet.channels import demo
from tests.wallet.guards import (
    BY_AMOUNT,
    CHALLENGED,
    CUT,
    HELD,
    HELD_BACK,
    LARGE,
    LIMITED,
    REFUSED,
    SUSPICIOUS,
    solution,
    wrong_solution,
)
from tests.wallet.world import YUAN, ZHANG, World, right

PLAIN = 10 * YUAN
AMOUNTS = (PLAIN, CHALLENGED, CHALLENGED, REFUSED, LIMITED, HELD, HELD_BACK, CUT, LARGE, SUSPICIOUS)
DAY = timedelta(hours=24)
TO_ANSWER = timedelta(minutes=10)
REPORTED = {LARGE, SUSPICIOUS}


@dataclass
class Challenge:
    """A challenge as the model has it; *of* is the request that it stands before."""

    id: str
    of: tuple[str, int]
    expires_at: Any
    tries: int = 0
    state: str = "open"


@dataclass
class Money:
    """Money that comes back, or goes on, by itself."""

    fen: int
    held_until: Any
    back_at: Any  # when it is the sender's again, held or not
    released: bool = True


class Guarded(RuleBasedStateMachine):
    """Zhang in a demo's home, a copy of the one that is *kept*, and what the model says of him."""

    kept: World

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="hongbao-"))
        self.challenges: list[Challenge] = []
        self.away: list[Money] = []
        self.reported: set[int] = set()
        self.stops = 0
        self.is_cut = False
        self.steps = 0

    @initialize()
    def begin(self) -> None:
        self.world = self.kept.copy(self.folder / "home")
        self.world.chances = 1000
        self.desk = Wallet.open(self.world.env, profile=ZHANG)
        self.now = self.desk.now()
        self.balance_fen = self.desk.balance()["available_fen"]

    def teardown(self) -> None:
        try:
            assert {} == self.world.findings()
        finally:
            self.desk.close()
            self.world.close()
            shutil.rmtree(self.folder)

    def _refused(self, error: type[errors.HongbaoError], act: Callable[[], Any]) -> Any:
        with pytest.raises(error) as told:
            act()
        assert error is type(told.value)
        return told.value

    # --- acts ------------------------------------------------------------------------------------

    @rule(act=st.sampled_from(("topup", "send", "send")), fen=st.sampled_from(AMOUNTS))
    def ask(self, act: str, fen: int) -> None:
        def do() -> Any:
            if act == "topup":
                return self.desk.topup(fen, pin=right)
            return self.desk.send(fen, count=2, pin=right)

        expected = self._stopped(act, fen)
        if expected is not None:
            error = self._refused(expected, do)
            if expected is errors.ChallengeRequired:
                challenge = str(error.facts["challenge"])
                self.challenges.append(Challenge(challenge, (act, fen), self.now + TO_ANSWER))
            return
        if act == "send" and self.balance_fen < fen:
            self._refused(errors.InsufficientBalance, do)
            return
        answer = do()
        if fen == CHALLENGED:
            self._passed((act, fen))[0].state = "used"
        if fen in REPORTED:
            self.reported.add(fen)
        if act == "topup":
            self.balance_fen += fen
            return
        self.balance_fen -= fen
        is_held = fen in (HELD, HELD_BACK)
        assert is_held == (answer["held"] is not None)
        until = self.now + DAY if is_held else self.now
        back_at = until if fen == HELD_BACK else until + DAY
        self.away.append(Money(fen, until, back_at))

    def _passed(self, of: tuple[str, int]) -> list[Challenge]:
        return [
            one
            for one in self.challenges
            if one.of == of and one.state == "passed" and one.expires_at > self.now
        ]

    def _stopped(self, act: str, fen: int) -> type[errors.HongbaoError] | None:
        if self.is_cut:
            return errors.SessionCut
        found: type[errors.HongbaoError] | None = None
        if fen == CUT:
            self.is_cut = True
            found = errors.SessionEnded
        elif fen == REFUSED:
            found = errors.RefusedByRisk
        elif fen == LIMITED and act == "send":
            found = errors.LoweredLimit
        elif fen == CHALLENGED and not self._passed((act, fen)):
            found = errors.ChallengeRequired
        self.stops += found is not None
        return found

    @precondition(lambda self: self.is_cut)
    @rule()
    def log_in(self) -> None:
        self.desk.login(pin=right)
        self.is_cut = False

    @precondition(lambda self: self.challenges)
    @rule(place=st.integers(0, 2), is_right=st.booleans())
    def answer(self, place: int, is_right: bool) -> None:
        challenge = self.challenges[-1 - place % len(self.challenges)]
        expected: type[errors.HongbaoError] | None = None
        ended = {"failed": errors.ChallengeFailed, "used": errors.ChallengeUsed}
        if challenge.state in ended:
            typed, expected = "7", ended[challenge.state]
        elif challenge.expires_at <= self.now:
            typed, expected = "7", errors.ChallengeExpired
        else:
            make = solution if is_right else wrong_solution
            typed = make(self.desk, challenge.id)
            if self.is_cut:
                expected = errors.SessionCut
            elif challenge.state == "open":
                challenge.tries += 1
                if is_right:
                    challenge.state, challenge.expires_at = "passed", self.now + TO_ANSWER
                elif challenge.tries < 3:
                    expected = errors.WrongAnswer
                else:
                    challenge.state, expected = "failed", errors.ChallengeFailed
        if expected is None:
            self.desk.answer_challenge(challenge.id, typed)
        else:
            self._refused(expected, lambda: self.desk.answer_challenge(challenge.id, typed))

    @rule(
        act=st.sampled_from(("topup", "send")),
        wrong=st.integers(0, 3),
        minutes=st.sampled_from((0, 9, 10)),
        again=st.integers(1, 2),
    )
    def be_there(self, act: str, wrong: int, minutes: int, again: int) -> None:
        """Be challenged, answer, perhaps too often wrong, and come back, perhaps too late."""
        self.ask(act, CHALLENGED)
        if self.is_cut:
            return
        for is_right in (*[False] * wrong, True):
            self.answer(0, is_right)
        if minutes:
            self.wait(minutes)
        for _ in range(again):
            self.ask(act, CHALLENGED)

    @rule(minutes=st.sampled_from((1, 9, 10, 11, 60 * 23, 60 * 24, 60 * 25, 60 * 49)))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.desk.set_clock(self.now)
        back = [one for one in self.away if one.back_at <= self.now]
        self.balance_fen += sum(one.fen for one in back)
        self.away = [one for one in self.away if one.back_at > self.now]

    @rule(seldom=st.integers(0, 3))
    def rekey(self, seldom: int) -> None:
        if seldom:
            return
        if self.is_cut:
            self._refused(errors.SessionCut, self.desk.rekey)
        else:
            self.desk.rekey()
        self.desk.close()
        self.desk = Wallet.open(self.world.env, profile=ZHANG)

    # --- after every step ------------------------------------------------------------------------

    @invariant()
    def everything_is_as_the_model_has_it(self) -> None:
        if not hasattr(self, "world"):
            return
        self.steps += 1
        told: Any = self.desk.balance()
        held_fen = sum(one.fen for one in self.away if one.held_until > self.now)
        away_fen = sum(one.fen for one in self.away)
        assert {
            "available_fen": self.balance_fen,
            "held_fen": held_fen,
            "frozen_fen": away_fen - held_fen,
            "total_fen": self.balance_fen + away_fen,
        } == {name: told[name] for name in _TOLD}
        rows = self.world.dump()
        assert [(one.id, one.state, one.tries) for one in self.challenges] == [
            (row[1], row[8], row[7]) for row in rows["challenge"]
        ]
        assert self.stops == len(rows["stop"])
        reports = [row for row in rows["review_case"] if row[2] != "hold"]
        assert len(self.reported) == len(reports)
        if self.steps % 5 == 0:
            assert {} == self.world.findings()


_TOLD = ("available_fen", "held_fen", "frozen_fen", "total_fen")


def test_what_guards_answer_is_what_the_model_answers(tmp_path: Path):
    """
    Five lives by default; under ``explore`` many more, and longer ones.
    """
    world = demo(tmp_path / "kept")
    world.zhang.use_risk_pack(BY_AMOUNT)
    world.close()
    Guarded.kept = world
    explore = settings().max_examples > 100
    run_state_machine_as_test(
        Guarded,
        settings=settings(
            max_examples=200 if explore else 3,
            stateful_step_count=60 if explore else 25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate,),
            report_multiple_bugs=False,
        ),
    )
