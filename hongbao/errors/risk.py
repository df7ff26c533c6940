"""Risk control: challenges, refusals, holds and review cases."""

from collections.abc import Mapping
from datetime import datetime

from hongbao.errors.base import (
    THEN,
    ExitCode,
    HeldByRisk,
    HongbaoError,
    NotFound,
    example,
    shortened,
)
from hongbao.words import N_

QUICK = {
    "en": "claims faster than a person can make them: please show that it is you",
    "zh": "领取速度异常，请确认为本人操作",
}
NEW_HERE = {"en": "this account is new and not identified", "zh": "账户较新且未实名"}
TOO_MANY = {"en": "too much in one hour: please try again later", "zh": "操作过于频繁，请稍后再试"}
UNUSUAL = {
    "en": "an unusual amount, place and hour: this is reviewed first",
    "zh": "金额、地点和时间均异常，本次交易需先核实",
}


class ChallengeNotFound(NotFound):
    """The id is well formed, but no challenge of this profile's has it."""

    challenge: str = example("ch_7Q2M4K9X", kw_only=False)

    sentence = N_("you have no challenge {challenge}")
    advice = N_("see the open challenges: `hongbao challenge list`")


class CaseNotFound(NotFound):
    """The id is well formed, but no case has it."""

    case: str = example("rc_04HMASWS", kw_only=False)

    sentence = N_("there is no case {case}")
    advice = N_("see every case: `hongbao review list --all`")


class DecisionNotFound(NotFound):
    """Risk control judged nothing under this request id."""

    request_id: str = example("7K2M9QXA", kw_only=False, shape=shortened)

    sentence = N_("this profile has no judged act with request {request_id}")
    advice = N_("see your request IDs: `hongbao history --json`")


class CaseClosed(HongbaoError):
    """
    There is nothing left to be said of the case.

    *state* is one of the keys of the sentences below.
    """

    case: str = example("rc_04HMASWS", kw_only=False)
    state: str = example(
        "rejected",
        words={
            "approved": N_("it was approved"),
            "rejected": N_("it was rejected"),
            "released": N_("its time was over, and the money was released"),
            "returned": N_("its time was over, and the money was returned"),
        },
    )
    closed_at: datetime = example(THEN)

    exit_code = ExitCode.NOT_CLAIMABLE
    sentence = N_("case {case} was closed on {closed_at}: {state}")
    advice = N_("see its history: `hongbao review show {case}`")


class ChallengeRequired(HeldByRisk):
    """A person has to show that they are there; then the same request goes through."""

    challenge: str = example("ch_7Q2M4K9X")
    rule: str = example("quick-claims")
    why: Mapping[str, str] = example(QUICK)

    sentence = N_("{why}")
    advice = N_("answer with `hongbao challenge answer {challenge}`, then repeat the request")


class WrongAnswer(HeldByRisk):
    """A challenge was answered wrongly; the try was counted before it was looked at."""

    challenge: str = example("ch_7Q2M4K9X")
    tries_left: int = example(2)

    sentence = N_("wrong answer; tries left: {tries_left}")
    advice = N_("count again, and answer `hongbao challenge answer {challenge}`")


class ChallengeFailed(HeldByRisk):
    """All tries at a challenge were wrong."""

    challenge: str = example("ch_7Q2M4K9X")

    sentence = N_("{challenge} failed after too many wrong answers; nothing was done")
    advice = N_("repeat the request to get another question")


class ChallengeExpired(HeldByRisk):
    """A challenge was answered, or its request made again, too late."""

    challenge: str = example("ch_7Q2M4K9X")
    until_at: datetime = example(THEN)

    sentence = N_("{challenge} expired at {until_at}")
    advice = N_("repeat the request to get another question")


class ChallengeUsed(HeldByRisk):
    """The challenge was already used by its request, and allows nothing else."""

    challenge: str = example("ch_7Q2M4K9X")

    sentence = N_("{challenge} was already used")
    advice = N_("see it in `hongbao history`")


class LoweredLimit(HeldByRisk):
    """Less may leave this profile in a day than its tier would allow."""

    limit_fen: int = example(100_000)
    request_id: str = example("rq_0000000000000000000000001A")
    rule: str = example("unknown-person")
    why: Mapping[str, str] = example(NEW_HERE)

    sentence = N_("{why}: at most {limit_fen} may be paid out in a day")
    advice = N_("see why: `hongbao risk why {request_id}`")


class RefusedByRisk(HeldByRisk):
    """A rule of the risk pack says no."""

    request_id: str = example("rq_0000000000000000000000001A")
    rule: str = example("too-many-acts")
    why: Mapping[str, str] = example(TOO_MANY)

    sentence = N_("{why}")
    advice = N_("see why: `hongbao risk why {request_id}`")


class PacketHeld(HeldByRisk):
    """The packet is on hold: it is reviewed before it can be claimed."""

    packet: str = example("hb_7Q2M4K9X", kw_only=False)
    until_at: datetime = example(THEN)
    why: Mapping[str, str] = example(UNUSUAL)

    sentence = N_("{packet} is on hold until {until_at} at the latest: {why}")
    advice = N_(
        "the money is safe: the packet can be claimed afterwards, or its money "
        "returns to the sender"
    )


class WithdrawalHeldBack(HeldByRisk):
    """A withdrawal was held, and not let go."""

    amount_fen: int = example(20_000)
    card: str = example("icbc-0003")
    payment: str = example("NU20260216000012")
    case: str = example("rc_04HMASWS")
    why: Mapping[str, str] = example(UNUSUAL)

    sentence = N_("the withdrawal of {amount_fen} to {card} was not released: {why}")
    advice = N_("the money is back in the balance, with the fee and the free quota")
