"""Messages through the clearing channel (网联, 银联): their states, and what banks may answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from enum import StrEnum, unique

from hongbao.domain.ledger import Reason
from hongbao.rows import Row

CHANNEL_MARKS = {"netsunion": "NU", "unionpay": "UP"}
"""What a message's id begins with: the channel that carries it."""


@unique
class Direction(StrEnum):
    """The direction of a message: debit or credit of the customer's account at the bank."""

    DEBIT = "debit"  # take from the card
    CREDIT = "credit"  # pay to the card

    @property
    def opposite(self) -> Direction:
        return Direction.CREDIT if self is Direction.DEBIT else Direction.DEBIT


DIRECTIONS = {
    Reason.TOPUP: Direction.DEBIT,
    Reason.SEND: Direction.DEBIT,
    Reason.WITHDRAW: Direction.CREDIT,
    Reason.REFUND: Direction.CREDIT,
}
"""Which way each kind of payment goes."""

ASKED_AS = {
    Reason.TOPUP: "instruct_topup",
    Reason.SEND: "instruct_send",
    Reason.WITHDRAW: "withdraw",
    Reason.REFUND: "refund",
}
"""The act that puts a payment on its way."""

BOOKED_AS = {
    Reason.TOPUP: "topup",
    Reason.SEND: "send",
    Reason.WITHDRAW: "paid_out",
    Reason.REFUND: "refund_arrived",
}
"""The act by which the platform books what a bank has accepted."""

GIVEN_BACK_AS = {
    Reason.TOPUP: "not_paid",
    Reason.SEND: "not_paid",
    Reason.WITHDRAW: "withdraw_returned",
    Reason.REFUND: "refund_to_balance",
}
"""The act by which it reverses a failed payment."""


@unique
class MessageState(StrEnum):
    """The state of a message, as the platform knows it."""

    CREATED = "created"  # written down, and not yet on its way
    SENT = "sent"  # on its way; whether it arrived is not known
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"  # the bank did not answer
    REVERSED = "reversed"  # and has not booked it, or has undone it (冲正)

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset({MessageState.ACCEPTED, MessageState.REJECTED, MessageState.REVERSED})

NEXT: dict[MessageState, frozenset[MessageState]] = {
    MessageState.CREATED: frozenset({MessageState.SENT, MessageState.REJECTED}),
    MessageState.SENT: frozenset(
        {MessageState.ACCEPTED, MessageState.REJECTED, MessageState.UNKNOWN}
    ),
    MessageState.UNKNOWN: frozenset(
        {MessageState.ACCEPTED, MessageState.REJECTED, MessageState.REVERSED}
    ),
    MessageState.ACCEPTED: frozenset(),
    MessageState.REJECTED: frozenset(),
    MessageState.REVERSED: frozenset(),
}
"""Every change of state there is: a message has exactly one outcome, and keeps it."""


def check_step(before: MessageState, after: MessageState) -> None:
    """Raise ValueError for a change of state that no message may make: our own mistake."""
    if after not in NEXT[before]:
        raise ValueError(f"no message goes from {before} to {after}")


def message_id(channel: str, day: date, number: int) -> str:
    """
    Return the id of message *number*, which *channel* carries on its clearing day.

    It is what makes sending it again harmless: the bank books an id once.

    >>> message_id("netsunion", date(2026, 2, 16), 12)
    'NU20260216000012'
    """
    return f"{CHANNEL_MARKS[channel]}{day:%Y%m%d}{number:06d}"


# --- faults, for demos and tests -----------------------------------------------------------------


@unique
class Fault(StrEnum):
    """The faults that can be simulated at a demo bank or channel."""

    TIMEOUT = "timeout"  # it books, and does not answer
    LOST = "lost"  # the message never arrives
    LATE = "late"  # it books long after everyone has given up
    SLOW = "slow"  # it books and answers later than anyone waits
    DECLINE = "decline"
    INSUFFICIENT = "insufficient"
    CLOSED = "closed"  # the card's account is
    DOWN = "down"  # nothing reaches it
    DUPLICATE_ANSWER = "duplicate-answer"
    SURPLUS = "surplus"  # 长款: it declines, and moves the customer's money all the same
    SHORTAGE = "shortage"  # 短款: it accepts, and does not
    WRONG_AMOUNT = "wrong-amount"
    WRONG_STATE = "wrong-state"  # it accepts, then undoes it on its own
    DOUBLE_BOOKING = "double-booking"


INSUFFICIENT = "insufficient"
"""Why a bank refuses what its customer's account does not have."""

REFUSED_FOR: Mapping[str, str] = {
    Fault.DECLINE: "declined",
    Fault.INSUFFICIENT: INSUFFICIENT,
    Fault.CLOSED: "closed",
    Fault.SURPLUS: "declined",
}
"""Why a bank refuses that was told to."""

UNANSWERED = frozenset({Fault.TIMEOUT, Fault.LOST, Fault.LATE, Fault.SLOW, Fault.DOWN})
"""Faults that leave queries without an answer, too, for as long as they are switched on."""

MAGIC_YUAN = 444
MAGIC_FAULTS = {MAGIC_YUAN * 100 + number: fault for number, fault in enumerate(Fault, start=1)}
"""Amounts that fail automatically in a demo home: 444.01 times out, 444.02 is lost, and so on."""


class FaultRow(Row):
    """One fault that is switched on: at *place*, for every amount or for one."""

    place: str
    fault: Fault
    amount_fen: int | None


def fault_for(faults: Iterable[FaultRow], place: str, amount_fen: int) -> Fault | None:
    """
    Return the fault at *place* for a payment of *amount_fen* in a demo home.

    The narrower rule decides: a fault set for this amount, a magic amount, then the switch.
    Magic amounts are for banks; a channel is down only if that fault is set.
    """
    switched = None
    for row in faults:
        if row.place != place:
            continue
        if row.amount_fen == amount_fen:
            return row.fault
        if row.amount_fen is None:
            switched = row.fault
    return switched if place in CHANNEL_MARKS else MAGIC_FAULTS.get(amount_fen, switched)


def open_channel(channels: Iterable[str], is_down: Callable[[str], bool]) -> str | None:
    """Return the first of *channels* that is not down: only a message not yet sent may switch."""
    return next((channel for channel in channels if not is_down(channel)), None)


def wrong_amount_fen(amount_fen: int) -> int:
    """
    Return the wrong amount that a bank books with this fault: half, or twice a single fen.

    >>> wrong_amount_fen(10000), wrong_amount_fen(1)
    (5000, 2)
    """
    return amount_fen // 2 or 2
