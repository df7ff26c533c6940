"""Challenges: required by risk control, answered by a person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

from hongbao.changes.guards import CountTry, PassChallenge, SetChallenge
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
from hongbao.home.opened import Home
from hongbao.queries.acts import facts_of
from hongbao.queries.devices import acting_device, check_may_act
from hongbao.queries.guards import guards_in_force
from hongbao.store import ChallengeRow
from hongbao.units import iso
from hongbao.wallet.acts import Act
from hongbao.wallet.again import repeated
from hongbao.wallet.unit_of_work import perform

if TYPE_CHECKING:
    from hongbao.answers import ChallengeLine, ChallengeLost, ChallengePassed

PASSED, FAILED = "passed", "failed"
"""The one act that ends a challenge, with its id: so that it is ended only once, by any process."""


def challenges(home: Home) -> list[ChallengeLine]:
    """Return this profile's challenges that can still be answered, oldest first."""
    with home.looking():
        waiting = home.store.challenges(home.me.id, home.now())
        return [_challenge_line(home, row) for row in waiting]


def challenge(home: Home, challenge_id: str) -> ChallengeLine:
    """
    Return one of this profile's challenges, to be answered.

    Raises ChallengeNotFound, ChallengeExpired, ChallengeUsed or ChallengeFailed.
    """
    with home.looking():
        row = _mine(home, challenge_id)
        _check_open(home, row)
        return _challenge_line(home, row)


def answer_challenge(home: Home, challenge_id: str, answer: str) -> ChallengePassed:
    """
    Answer a challenge: what it stood before then goes through once, if it is asked again.

    An attempt is counted durably before it is looked at, and what is not a number is none. The
    last one that is wrong ends the challenge, and is remembered. A challenge that was passed
    and still waits for its request is returned again.

    Raises InvalidAnswer; ChallengeNotFound, ChallengeExpired or ChallengeUsed; what `device`
    and its session raise; then WrongAnswer or ChallengeFailed.
    """
    parse_count(answer)
    with home.looking():
        row = _mine(home, challenge_id)
        _check_open(home, row)
        check_may_act(acting_device(home, home.me))
    if row.state != "passed":
        left = _count_try(home, row)
        if not home.read_back(decode, row.puzzle).solved_by(answer):
            if left > 0:
                raise WrongAnswer(challenge=row.id, tries_left=left)
            _fail(home, row)
    return _pass(home, row)


@repeated
def _count_try(home: Home, row: ChallengeRow) -> int:
    """
    Count one attempt at *row*, before it is looked at, and return how many are left.

    Where all of them are used up, and the last was interrupted, this ends it.
    """
    with home.changing(("profile", row.profile)):
        counted = _mine(home, row.id)
        _check_open(home, counted)
        left = guards_in_force(home, home.row).pack.challenge_tries - counted.tries - 1
        if left >= 0:
            home.store.apply([CountTry(row.number)])
    if left < 0:
        _fail(home, row)
    return left


def _pass(home: Home, row: ChallengeRow) -> ChallengePassed:
    def work(doing: Act) -> ChallengePassed:
        _check_open(home, _mine(home, row.id))
        minutes = guards_in_force(home, doing.home_row).pack.challenge_minutes
        valid_until = doing.now + timedelta(minutes=minutes)
        doing.change(PassChallenge(row.number, valid_until))
        line = _challenge_line(home, row)
        return {
            **doing.common,
            "profile": doing.me.name,
            "challenge": row.id,
            "asked": line["asked"],
            "asked_request": line["request_id"],
            "valid_until": iso(valid_until),
        }

    return perform(
        home, "challenge_passed", {"challenge": row.id}, work, request_id=row.id, part=PASSED
    )


def _fail(home: Home, row: ChallengeRow) -> NoReturn:
    def work(doing: Act) -> ChallengeLost:
        ended = _mine(home, row.id)
        _check_open(home, ended)
        if ended.state == "passed":  # another process's right answer was faster
            raise WrongAnswer(challenge=row.id, tries_left=0)
        doing.change(SetChallenge(row.number, "failed"))
        return {**doing.common, "profile": doing.me.name, "challenge": row.id}

    perform(home, "challenge_failed", {"challenge": row.id}, work, request_id=row.id, part=FAILED)
    raise ChallengeFailed(challenge=row.id)


def _mine(home: Home, challenge_id: str) -> ChallengeRow:
    """Return this profile's challenge; another's is as little there as none at all."""
    rows = home.store.challenges(called=challenge_id)
    if not rows or rows[0].profile != home.me.id:
        raise ChallengeNotFound(challenge_id)
    return rows[0]


def _check_open(home: Home, row: ChallengeRow) -> None:
    """Raise what *row* came to, unless it can be answered, or used."""
    if row.state == "failed":
        raise ChallengeFailed(challenge=row.id)
    if row.state == "used":
        raise ChallengeUsed(challenge=row.id)
    if row.expires_at <= home.now():
        raise ChallengeExpired(challenge=row.id, until_at=row.expires_at)


def _challenge_line(home: Home, row: ChallengeRow) -> ChallengeLine:
    judged = next(home.store.judged(entry=row.entry), None)
    if judged is None:
        raise Damaged(path=home.store.where)
    facts, asked = facts_of(home, judged), home.read_back(decode_record, judged.risk).asked
    if asked is None:
        raise Damaged(path=home.store.where)
    what, puzzle = asked.seen.what, home.read_back(decode, row.puzzle)
    tries_max = guards_in_force(home, home.row).pack.challenge_tries
    return {
        "challenge": row.id,
        "asked": str(what),
        # The amount of a claim stays unknown until it is drawn.
        "amount_fen": None if what is What.CLAIM else asked.seen.amount_fen,
        "request_id": facts["request_id"],
        "at": iso(judged.at),
        "rule": facts["error"]["rule"],
        "why": facts["error"]["why"],
        "sought": puzzle.sought,
        "line": puzzle.line,
        "tries_left": max(tries_max - row.tries, 0),
        "expires_at": iso(row.expires_at),
    }
