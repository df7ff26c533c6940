"""Clearing: payments sent through their channel, and booked as the bank answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from hongbao.changes.packets import AddUsage
from hongbao.changes.payments import (
    SetMessageOutcome,
    SetMessageSent,
    SetMessageUnknown,
)
from hongbao.domain.channel import (
    BOOKED_AS,
    GIVEN_BACK_AS,
    Fault,
    MessageState,
    check_step,
)
from hongbao.domain.dates import day_key
from hongbao.domain.ledger import Reason, Transfer
from hongbao.errors import (
    BankDeclined,
    BankDown,
    CardAccountClosed,
    HongbaoError,
    InsufficientCard,
    PaymentReversed,
)
from hongbao.home.opened import Home
from hongbao.store import MessageRow, MessageView
from hongbao.wallet.acts import Act
from hongbao.wallet.banks import (
    Reply,
    Word,
    bank_has_booked,
    bank_is_asked,
    bank_receives,
    bank_undoes,
    bank_wakes,
    fault_at,
    is_down,
    message_answer,
    step_of,
    switched,
)
from hongbao.wallet.booking import booked
from hongbao.wallet.instructing import frozen_account
from hongbao.wallet.unit_of_work import outcome, perform_step_for

if TYPE_CHECKING:
    from hongbao.answers import Answer, Carried


def carry(home: Home, number: int) -> MessageRow:
    """
    Bring message *number* as far as it goes now, and return it.

    What was done of it already, here or by another process, is not done again.
    """
    message = home.store.message(number)
    if message.state is MessageState.CREATED:
        if home.store.case(holding=number) is not None:
            return message
        if not _goes_out(home, message):
            return _given_up(home, message)
        _send_off(home, message)
        message = home.store.message(number)
    if message.state is MessageState.SENT:
        _hear(home, message, bank_receives(home, message))
    elif message.state is MessageState.UNKNOWN:
        _hear(home, message, bank_is_asked(home, message))
    return home.store.message(number)


def carry_unanswered(home: Home) -> None:
    """Carry on what this profile has under way: the next command finds out what it can."""
    for due in home.store.messages(MessageView.DUE, now=home.now(), profile=home.me.id):
        message = carry(home, due.number)
        if message.outcome is not None and not home.rehearsing:
            home.caught_up_messages.append(message)


def _goes_out(home: Home, message: MessageRow) -> bool:
    """Return whether *message* can be sent now; only a refund may wait longer."""
    if message.reason is not Reason.REFUND:
        return True
    if home.store.card(message.card).removed_at is not None:
        return False
    return fault_at(home, message) is not Fault.DOWN and not is_down(home, message)


def _given_up(home: Home, message: MessageRow) -> MessageRow:
    """Credit a refund that cannot reach its card to the balance, when it is time to."""
    gone = home.store.card(message.card).removed_at is not None
    wait = timedelta(days=home.policy.refund.give_up_days)
    if gone or home.now() >= message.due_at + wait:
        _undo(home, message, MessageState.REJECTED, "card_gone" if gone else "bank_down")
    return home.store.message(message.number)


def _send_off(home: Home, message: MessageRow) -> None:
    def work(doing: Act) -> Carried | None:
        if home.store.message(message.number).state is not MessageState.CREATED:
            return None
        doing.change(SetMessageSent(message.number, day_key(doing.now)))
        return message_answer(home, doing, message, MessageState.SENT)

    perform_step_for(
        home, "sent", f"/{message.id}/sent", work, profile=message.profile, step=step_of(message)
    )


def _hear(home: Home, message: MessageRow, reply: Reply | None) -> None:
    """Book what the bank has said of *message*; where it is silent, that nothing is known."""
    match reply.word if reply else None:
        case Word.BOOKED:
            assert reply is not None
            _book(home, message, reply.times)
        case Word.REFUSED:
            assert reply is not None
            _undo(home, message, MessageState.REJECTED, reply.reason or "declined")
        case Word.NOT_FOUND if message.state is MessageState.UNKNOWN:
            _undo(home, message, MessageState.REVERSED, "not_found")
        case _ if message.state is MessageState.SENT:
            _note_silence(home, message)


def _note_silence(home: Home, message: MessageRow) -> None:
    def work(doing: Act) -> Carried | None:
        if home.store.message(message.number).state is not MessageState.SENT:
            return None
        doing.change(SetMessageUnknown(message.number))
        return message_answer(home, doing, message, MessageState.UNKNOWN)

    perform_step_for(
        home,
        "unknown",
        f"/{message.id}/unknown",
        work,
        profile=message.profile,
        step=step_of(message),
    )


def _book(home: Home, message: MessageRow, times: int) -> None:
    """Give what was paid for: the bank has booked *message*."""

    def work(doing: Act) -> Answer | None:
        if not conclude(home, doing, message, MessageState.ACCEPTED):
            return None
        return booked(home, doing, message)

    act = BOOKED_AS[message.reason]
    for _answer in range(times):  # the second one finds the message concluded
        perform_step_for(
            home,
            act,
            f"/{message.id}/booked",
            work,
            profile=message.profile,
            step=step_of(message),
        )
    if times > 1:
        _note_answer(home, "duplicate_answer", message)


def _note_answer(home: Home, act: str, message: MessageRow) -> None:
    """Write down an answer that changes nothing any more."""
    request_id = f"/{message.id}/{act}"

    def work(doing: Act) -> Carried | None:
        if home.store.request(request_id, message.profile).act is not None:
            return None
        return message_answer(home, doing, message, home.store.message(message.number).state)

    perform_step_for(home, act, request_id, work, profile=message.profile, step=step_of(message))


def _undo(home: Home, message: MessageRow, state: MessageState, why: str) -> None:
    """Give back what was frozen for *message*, which failed."""

    def work(doing: Act) -> Answer | None:
        if not conclude(home, doing, message, state):
            return None
        unbooked(doing, message)
        answer = message_answer(home, doing, message, state)
        answer["error"] = _refusal(home, message, why).as_dict()
        if why == "card_gone":  # kept only where it is so
            return cast("Answer", {**answer, "card_gone": True})
        return answer

    act = GIVEN_BACK_AS[message.reason]
    perform_step_for(
        home, act, f"/{message.id}/undone", work, profile=message.profile, step=step_of(message)
    )


def conclude(home: Home, doing: Act, message: MessageRow, state: MessageState) -> bool:
    """Make *state* the outcome of *message*, unless it has one; tell whether it had none."""
    now = home.store.message(message.number)
    if now.outcome is not None:
        return False
    if message.state is MessageState.CREATED and now.state is not MessageState.CREATED:
        return False  # it was given up, and another process has just sent it
    if state is MessageState.REVERSED and bank_has_booked(home, message):
        return False  # it arrived after all, before it could be cancelled at the bank
    check_step(now.state, state)
    doing.message = message.number
    doing.change(SetMessageOutcome(message.number, state, doing.entry))
    return True


def _refusal(home: Home, message: MessageRow, why: str) -> HongbaoError:
    card = home.store.card(message.card).name
    if why == "insufficient":
        return InsufficientCard(card=card, needed_fen=message.amount_fen)
    if why == "bank_down":
        return BankDown(bank=message.bank)
    kind = {"closed": CardAccountClosed, "not_found": PaymentReversed}.get(why, BankDeclined)
    return kind(bank=message.bank, card=card, amount_fen=message.amount_fen, payment=message.id)


def unbooked(doing: Act, message: MessageRow) -> None:
    """Post the way back of what was frozen for *message*."""
    person, day = doing.me.person, day_key(message.created_at)
    match message.reason:
        case Reason.TOPUP:
            doing.change(AddUsage(person, "topup", day, -message.amount_fen))
        case Reason.SEND:
            doing.change(AddUsage(person, "send_card", day, -message.amount_fen))
        case Reason.WITHDRAW:
            doing.change(AddUsage(person, "withdraw", day, -message.amount_fen))
            frozen_fen = message.amount_fen + message.fee_fen
            _thaw(doing, message, frozen_fen, Reason.REVERSAL)
        case Reason.REFUND:
            doing.packet = message.packet
            _thaw(doing, message, message.amount_fen, Reason.REFUND)


def _thaw(doing: Act, message: MessageRow, amount_fen: int, reason: Reason) -> None:
    frozen = frozen_account(message)
    doing.post(Transfer(frozen, doing.me.account, amount_fen, reason))


def hear_late(home: Home) -> list[MessageRow]:
    """Process late bookings of banks, and have them reversed; return those."""
    heard = []
    for message in home.store.messages(MessageView.LATE):
        if switched(home, message.bank) in (Fault.TIMEOUT, Fault.LOST, Fault.DOWN):
            continue
        bank_wakes(home, message)
        known = home.store.bank_message(message.number)
        if known is not None and known.state == "late":
            _note_answer(home, "late_answer", message)
            if bank_undoes(home, message):
                heard.append(message)
    return heard


def concluded(home: Home, number: int) -> Any:
    """
    Carry message *number* on, and return what it came to.

    Raises what it came to where that is a refusal, and PaymentPending if it is not known.
    """
    return outcome(home, carry(home, number))
