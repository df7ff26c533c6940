"""The banks' side of a payment: booking, declining, delay and reversal."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from hongbao.changes.payments import AddBankLine, KeepBankMessage
from hongbao.domain.channel import (
    INSUFFICIENT,
    REFUSED_FOR,
    UNANSWERED,
    Direction,
    Fault,
    FaultRow,
    fault_for,
    wrong_amount_fen,
)
from hongbao.domain.clearing import (
    Branch,
    bank_books,
    bank_moves_customer,
    bank_reverses,
    bank_skips_customer,
)
from hongbao.domain.ledger import Account, Kind, Reason, Transfer
from hongbao.domain.reconciliation import LineStatus
from hongbao.home.opened import Home
from hongbao.store import BankMessageRow, MessageRow
from hongbao.wallet.acts import Doing
from hongbao.wallet.unit_of_work import perform_step

if TYPE_CHECKING:
    from hongbao.answers import Carried


class Word(Enum):
    """A bank's answer on a message."""

    BOOKED = auto()
    REFUSED = auto()
    PROCESSING = auto()
    NOT_FOUND = auto()


class Reply(NamedTuple):
    """A bank's answer; *times* is how often it gave it."""

    word: Word
    reason: str | None = None
    times: int = 1


_WORDS = {
    "queued": Word.PROCESSING,
    "booked": Word.BOOKED,
    "late": Word.BOOKED,
    "refused": Word.REFUSED,
    "reversed": Word.NOT_FOUND,
}


def bank_receives(home: Home, message: MessageRow) -> Reply | None:
    """Hand *message* to its bank; None is silence."""
    fault = fault_at(home, message)
    if fault in (Fault.LOST, Fault.DOWN) or is_down(home, message):
        return None
    if home.store.bank_message(message.number) is None:
        _bank_acts(home, message, fault)
    if fault in (Fault.TIMEOUT, Fault.LATE, Fault.SLOW):
        return None
    return _bank_word(home, message, times=2 if fault is Fault.DUPLICATE_ANSWER else 1)


def bank_is_asked(home: Home, message: MessageRow) -> Reply | None:
    """Ask the bank what became of *message*; None is silence."""
    if switched(home, message.bank) in UNANSWERED - {Fault.LATE, Fault.SLOW}:
        return None
    if is_down(home, message):
        return None
    known = home.store.bank_message(message.number)
    if known is None:
        return Reply(Word.NOT_FOUND)
    if known.state == "queued":
        if known.ready_at is None:  # in a queue that is never processed
            return Reply(Word.NOT_FOUND)
        if home.now() < known.ready_at:
            return Reply(Word.PROCESSING)
        _bank_acts(home, message, None)
    return _bank_word(home, message)


def _bank_word(home: Home, message: MessageRow, times: int = 1) -> Reply:
    known = home.store.bank_message(message.number)
    if known is None:
        return Reply(Word.NOT_FOUND)
    return Reply(_WORDS[known.state], known.reason, times)


def bank_has_booked(home: Home, message: MessageRow) -> bool:
    """Return whether the bank of *message* has booked it."""
    known = home.store.bank_message(message.number)
    return known is not None and known.state == "booked"


def _bank_acts(home: Home, message: MessageRow, fault: Fault | None) -> None:
    """Let the bank book, queue or refuse *message*, as a separate act."""

    def work(doing: Doing) -> Carried | None:
        known = home.store.bank_message(message.number)
        if known is not None and (known.state != "queued" or fault is not None):
            return None  # it was quicker than we thought
        if home.store.message(message.number).outcome is not None:
            return None  # it was reversed in between (冲正), and is not booked
        if fault in (Fault.LATE, Fault.SLOW):
            wait = timedelta(seconds=home.policy_of(doing.home_row).channel.slow_seconds)
            ready_at = doing.now + wait if fault is Fault.SLOW else None
            _bank_keeps(doing, message, "queued", ready_at=ready_at)
            return message_answer(home, doing, message, "queued", fault)
        return _bank_books(home, doing, message, fault)

    perform_step(home, "bank", f"/{message.id}/bank", work, step=step_of(message))


def _bank_books(home: Home, doing: Doing, message: MessageRow, fault: Fault | None) -> Carried:
    branch = branch_of(home, message)
    way, amount_fen = message.direction, message.amount_fen
    customer_fen = home.store.balance_fen(branch.deposit)
    refusal = REFUSED_FOR.get(fault) if fault else None
    if way is Direction.DEBIT and customer_fen < amount_fen:
        refusal, fault = INSUFFICIENT, None
    if refusal is not None and fault is not Fault.SURPLUS:
        _bank_keeps(doing, message, "refused", reason=refusal)
        return message_answer(home, doing, message, "refused", fault)
    transfers, lines = _booked(branch, message, fault, customer_fen)
    doing.post(*transfers)
    for status, fen in lines:
        bank_line(doing, message, way, fen, message.day, status)
    state = "booked" if refusal is None else "refused"
    _bank_keeps(doing, message, state, reason=refusal)
    return message_answer(home, doing, message, state, fault)


def bank_wakes(home: Home, message: MessageRow) -> bool:
    """Let the bank book a *message* late, from its queue."""

    def work(doing: Doing) -> Carried | None:
        known = home.store.bank_message(message.number)
        if known is None or known.state != "queued":
            return None
        branch = branch_of(home, message)
        if (
            message.direction is Direction.DEBIT
            and home.store.balance_fen(branch.deposit) < message.amount_fen
        ):
            _bank_keeps(doing, message, "refused", reason=INSUFFICIENT)
            return message_answer(home, doing, message, "refused", Fault.LATE)
        doing.post(bank_books(branch, message.amount_fen, message.reason, message.direction))
        bank_line(doing, message, message.direction, message.amount_fen, message.day)
        _bank_keeps(doing, message, "late")
        return message_answer(home, doing, message, "late", Fault.LATE)

    return perform_step(home, "bank", f"/{message.id}/late", work, step=step_of(message))


def bank_undoes(home: Home, message: MessageRow) -> bool:
    """Let the bank reverse what it booked too late (冲正)."""

    def work(doing: Doing) -> Carried | None:
        known = home.store.bank_message(message.number)
        if known is None or known.state != "late":
            return None
        branch, way = branch_of(home, message), message.direction
        held_fen = home.store.balance_fen(branch.deposit)
        if way is Direction.CREDIT and held_fen < message.amount_fen:
            return None  # it was spent: that waits until there is some again
        doing.post(bank_reverses(branch, message.amount_fen, way))
        bank_line(doing, message, way.opposite, message.amount_fen, message.day)
        _bank_keeps(doing, message, "reversed")
        return message_answer(home, doing, message, "reversed")

    return perform_step(home, "bank", f"/{message.id}/undone", work, step=step_of(message))


def bank_line(
    doing: Doing,
    message: MessageRow,
    way: Direction,
    amount_fen: int,
    day: str,
    status: LineStatus = LineStatus.BOOKED,
) -> None:
    """Write a line about *message* into the bank's statement of *day*."""
    doing.change(
        AddBankLine(
            message,
            direction=way,
            amount_fen=amount_fen,
            status=status,
            day=day,
            entry=doing.entry,
        )
    )


def _bank_keeps(
    doing: Doing,
    message: MessageRow,
    state: str,
    *,
    reason: str | None = None,
    ready_at: datetime | None = None,
) -> None:
    doing.change(
        KeepBankMessage(BankMessageRow(message.number, message.bank, state, reason, ready_at))
    )


def message_answer(
    home: Home, doing: Doing, message: MessageRow, state: str, fault: Fault | None = None
) -> Carried:
    """Return the answer of a step of *message*: its state, for the acting profile."""
    doing.message = message.number
    return {
        **doing.common,
        "payment": message.id,
        "channel": message.channel,
        "bank": message.bank,
        "amount_fen": message.amount_fen,
        "card": home.store.card(message.card).name,
        "state": str(state),
        "fault": None if fault is None else str(fault),
        "error": None,
    }


def branch_of(home: Home, message: MessageRow) -> Branch:
    """Return the accounts of the bank of *message* that a payment moves."""

    def own(kind: Kind) -> Account:
        return Account(message.bank, kind)

    return Branch(
        deposit=home.store.card(message.card).deposit,
        incoming=own(Kind.INCOMING),
        outgoing=own(Kind.OUTGOING),
        shortage=own(Kind.SHORTAGE),
        surplus=own(Kind.SURPLUS),
    )


def _faults(home: Home) -> list[FaultRow]:
    """Return the simulated faults of this home; none outside a demo home."""
    if not home.row.is_demo:
        return []
    return [row for row, _since in home.store.faults()]


def fault_at(home: Home, message: MessageRow) -> Fault | None:
    """Return the fault simulated at the bank of *message*, for it."""
    return fault(home, message.bank, message.amount_fen)


def fault(home: Home, place: str, amount_fen: int) -> Fault | None:
    """Return the fault simulated at *place* for *amount_fen*; None outside a demo."""
    if not home.row.is_demo:
        return None
    return fault_for(_faults(home), place, amount_fen)


def is_down(home: Home, message: MessageRow) -> bool:
    """Return whether the channel that carries *message* is down: then nothing gets through."""
    return fault(home, message.channel, message.amount_fen) is Fault.DOWN


def switched(home: Home, place: str) -> Fault | None:
    """Return the fault at *place* for any amount."""
    return next(
        (row.fault for row in _faults(home) if row.place == place and row.amount_fen is None),
        None,
    )


def step_of(message: MessageRow) -> int:
    """Return which of the eight steps *message* belongs to: freezing money, or its refund."""
    return 8 if message.reason is Reason.REFUND else 3


def _booked(
    branch: Branch, message: MessageRow, fault: Fault | None, customer_fen: int
) -> tuple[list[Transfer], list[tuple[LineStatus, int]]]:
    """Return the transfers of a bank for *message*, and its statement's lines, under *fault*."""
    way, amount_fen, reason = message.direction, message.amount_fen, message.reason
    right = bank_books(branch, amount_fen, reason, way)
    line = (LineStatus.BOOKED, amount_fen)
    match fault:
        case Fault.SURPLUS:
            return [bank_moves_customer(branch, amount_fen, way)], [line]
        case Fault.SHORTAGE:
            return [bank_skips_customer(branch, amount_fen, way)], []
        case Fault.WRONG_STATE:
            undone = bank_moves_customer(branch, amount_fen, way.opposite)
            return [right, undone], [(LineStatus.REVERSED, amount_fen)]
        case Fault.WRONG_AMOUNT:
            wrong_fen = wrong_amount_fen(amount_fen)
            if wrong_fen < amount_fen:
                transfers = [
                    bank_books(branch, wrong_fen, reason, way),
                    bank_skips_customer(branch, amount_fen - wrong_fen, way),
                ]
                return transfers, [(LineStatus.BOOKED, wrong_fen)]
            if way is Direction.CREDIT or customer_fen >= wrong_fen:
                twice = bank_moves_customer(branch, wrong_fen - amount_fen, way)
                return [right, twice], [(LineStatus.BOOKED, wrong_fen)]
        case Fault.DOUBLE_BOOKING if way is Direction.CREDIT or customer_fen >= 2 * amount_fen:
            return [right, bank_moves_customer(branch, amount_fen, way)], [line, line]
    return [right], [line]
