"""Challenges at the desk: whoever was asked whether a person is there answers, and goes on."""

import json
from datetime import timedelta
from typing import NoReturn

from hongbao.answers import ChallengeLine, ChallengeLost, ChallengePassed
from hongbao.domain.puzzle import decode, parse_count
from hongbao.domain.risk.acts import What
from hongbao.domain.risk.record import decode as decode_record
from hongbao.errors import (
    ChallengeExpired,
    ChallengeFailed,
    ChallengeNotFound,
    ChallengeUsed,
    Damaged,
    WrongAnswer,
)
from hongbao.store import ChallengeRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.desk import Desk

PASSED, FAILED = "passed", "failed"
"""The one act that ends a challenge, beside its id: so that it is ended once, by whomever."""


class Challenges(Desk):
    """What stands between an act and a person who is there after all."""

    def challenges(self) -> list[ChallengeLine]:
        """Return this profile's challenges that can still be answered, oldest first."""
        with self.looking():
            waiting = self.store.challenges_of(self.me.id, self.now())
            return [self._challenge_line(row) for row in waiting]

    def challenge(self, challenge_id: str) -> ChallengeLine:
        """
        Return one of this profile's challenges, to be answered.

        Raises ChallengeNotFound, ChallengeExpired, ChallengeUsed or ChallengeFailed.
        """
        with self.looking():
            row = self._mine(challenge_id)
            self._check_open(row)
            return self._challenge_line(row)

    def answer_challenge(self, challenge_id: str, answer: str) -> ChallengePassed:
        """
        Answer a challenge: what it stood before then goes through once, if it is asked again.

        An attempt is counted durably before it is looked at, and what is not a number is none. The
        last one that is wrong ends the challenge, and is remembered. A challenge that was passed
        and still waits for its request is told again.

        Raises InvalidAnswer; ChallengeNotFound, ChallengeExpired or ChallengeUsed; what `device`
        and its session raise; then WrongAnswer or ChallengeFailed.
        """
        parse_count(answer)
        with self.looking():
            row = self._mine(challenge_id)
            self._check_open(row)
            device = self.device(self.me)
            if device is not None:
                self._check_device(device)
        if row.state != "passed":
            left = self._count_try(row)
            if not self._read_back(decode, row.puzzle).solved_by(answer):
                if left > 0:
                    raise WrongAnswer(challenge=row.id, tries_left=left)
                self._fail(row)
        return self._pass(row)

    def _count_try(self, row: ChallengeRow) -> int:
        """
        Count one attempt at *row*, before it is looked at, and return how many are left.

        Where all of them are used up, and whoever made the last was interrupted, this ends it.
        """
        with self.changing(("profile", row.profile)):
            counted = self._mine(row.id)
            self._check_open(counted)
            left = self._guards(self.home).pack.challenge_tries - counted.tries - 1
            if left >= 0:
                self.store.count_try(row.number)
        if left < 0:
            self._fail(row)
        return left

    def _pass(self, row: ChallengeRow) -> ChallengePassed:
        def work(doing: Act) -> ChallengePassed:
            self._check_open(self._mine(row.id))
            minutes = self._guards(doing.home).pack.challenge_minutes
            valid_until = doing.now + timedelta(minutes=minutes)
            doing.once_entered(lambda: self.store.pass_challenge(row.number, valid_until))
            line = self._challenge_line(row)
            return {
                **doing.common,
                "profile": doing.me.name,
                "challenge": row.id,
                "asked": line["asked"],
                "asked_request": line["request_id"],
                "valid_until": iso(valid_until),
            }

        return self._act(
            "challenge_passed", {"challenge": row.id}, work, request_id=row.id, part=PASSED
        )

    def _fail(self, row: ChallengeRow) -> NoReturn:
        def work(doing: Act) -> ChallengeLost:
            ended = self._mine(row.id)
            self._check_open(ended)
            if ended.state == "passed":  # somebody else's right answer was quicker
                raise WrongAnswer(challenge=row.id, tries_left=0)
            doing.once_entered(lambda: self.store.set_challenge(row.number, "failed"))
            return {**doing.common, "profile": doing.me.name, "challenge": row.id}

        self._act("challenge_failed", {"challenge": row.id}, work, request_id=row.id, part=FAILED)
        raise ChallengeFailed(challenge=row.id)

    # --- looking ---------------------------------------------------------------------------------

    def _mine(self, challenge_id: str) -> ChallengeRow:
        """Return this profile's challenge; another's is as little there as none at all."""
        row = self.store.challenge(challenge_id)
        if row is None or row.profile != self.me.id:
            raise ChallengeNotFound(challenge_id)
        return row

    def _check_open(self, row: ChallengeRow) -> None:
        """Raise what *row* came to, unless it can be answered, or used."""
        if row.state == "failed":
            raise ChallengeFailed(challenge=row.id)
        if row.state == "used":
            raise ChallengeUsed(challenge=row.id)
        if row.expires_at <= self.now():
            raise ChallengeExpired(challenge=row.id, until_at=row.expires_at)

    def _challenge_line(self, row: ChallengeRow) -> ChallengeLine:
        judged = self.store.judged_in(row.entry)
        if judged is None:
            raise Damaged(path=str(self.store.path))
        told, asked = json.loads(judged.answer), self._read_back(decode_record, judged.risk).asked
        if asked is None:
            raise Damaged(path=str(self.store.path))
        what, puzzle = asked.seen.what, self._read_back(decode, row.puzzle)
        tries_max = self._guards(self.home).pack.challenge_tries
        return {
            "challenge": row.id,
            "asked": str(what),
            # What a claim would have brought is nobody's to know before it is drawn.
            "amount_fen": None if what is What.CLAIM else asked.seen.amount_fen,
            "request_id": told["request_id"],
            "at": told["at"],
            "rule": told["error"]["rule"],
            "why": told["error"]["why"],
            "sought": puzzle.sought,
            "line": puzzle.line,
            "tries_left": max(tries_max - row.tries, 0),
            "expires_at": iso(row.expires_at),
        }
