"""Clearing: payments instructed, sent through a channel, and booked as the bank answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from hongbao.changes.packets import AddUsage
from hongbao.changes.payments import (
    AddMessage,
    SetMessageOutcome,
    SetMessageSent,
    SetMessageUnknown,
)
from hongbao.domain.channel import (
    BOOKED_AS,
    DIRECTIONS,
    GIVEN_BACK_AS,
    Fault,
    MessageState,
    check_step,
    message_id,
    open_channel,
)
from hongbao.domain.clearing import Platform
from hongbao.domain.dates import china_day, day_key
from hongbao.domain.identity import BANK_NUMBERS
from hongbao.domain.ledger import PLATFORM, Account, Kind, Reason, Transfer
from hongbao.errors import (
    BankDeclined,
    BankDown,
    CardAccountClosed,
    ChannelDown,
    HongbaoError,
    InsufficientCard,
    PaymentReversed,
)
from hongbao.home.opened import Home
from hongbao.store import CardRow, HomeRow, MessageRow, MessageView
from hongbao.wallet.acts import Act
from hongbao.wallet.banks import (
    Reply,
    Word,
    bank_has_booked,
    bank_is_asked,
    bank_receives,
    bank_undoes,
    bank_wakes,
    fault,
    fault_at,
    is_down,
    message_answer,
    step_of,
    switched,
)
from hongbao.wallet.unit_of_work import INSTRUCTING, outcome, perform_step_for, replayed_answer

if TYPE_CHECKING:
    from hongbao.answers import Answer, Carried


def instruct(
    home: Home,
    doing: Act,
    card: CardRow,
    amount_fen: int,
    reason: Reason,
    *,
    fee_fen: int = 0,
    packet: int | None = None,
    terms: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
) -> MessageRow:
    """
    Write down a payment with *card*, to be sent at *due_at* or now.

    Raises BankDown or ChannelDown, if it is to be sent now and cannot be.
    """
    now_or_later = due_at or doing.now
    channel = _channel_for(home, card.bank, amount_fen, doing.home_row)
    if now_or_later <= doing.now and packet is None:
        with home.checking("route") as seen:
            if seen is not None:
                seen.update(bank=card.bank, channel=channel)
            if fault(home, card.bank, amount_fen) is Fault.DOWN:
                raise BankDown(bank=card.bank)
            if channel is None:
                raise ChannelDown(bank=card.bank)
    if channel is None:
        channel = home.policy_of(doing.home_row).channel.channels_for(card.bank)[0]
    number = home.store.next_number("message")
    message = MessageRow(
        number=number,
        id=message_id(channel, china_day(doing.now), number),
        channel=channel,
        bank=card.bank,
        card=card.id,
        profile=doing.me.id,
        direction=DIRECTIONS[reason],
        reason=reason,
        amount_fen=amount_fen,
        fee_fen=fee_fen,
        packet=packet,
        terms=terms or {},
        created_at=doing.now,
        due_at=now_or_later,
        entry=doing.entry,
        day=day_key(now_or_later),
    )
    doing.change(AddMessage(message))
    doing.message = number
    return message


def _channel_for(home: Home, bank: str, amount_fen: int, home_row: HomeRow) -> str | None:
    """Return the channel that a payment with *bank* takes now; None if all are down."""
    channels = home.policy_of(home_row).channel.channels_for(bank)
    return open_channel(channels, lambda place: fault(home, place, amount_fen) is Fault.DOWN)


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
        from hongbao.wallet.booking import booked  # which knows the acts, and they this file

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


def frozen_account(message: MessageRow) -> Account:
    """Return the account where *message*'s money waits for its outcome."""
    return Account(PLATFORM, Kind.PENDING, message.number)


def transit_accounts(bank: str) -> Platform:
    """Return the platform's accounts for what it and *bank* owe each other."""
    owner = BANK_NUMBERS[bank]
    return Platform(
        incoming=Account(PLATFORM, Kind.INCOMING, owner),
        outgoing=Account(PLATFORM, Kind.OUTGOING, owner),
    )


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


def earlier_answer(
    home: Home, act: str, inputs: Mapping[str, object], request_id: str | None
) -> Any:
    """Return the first answer to *request_id*, after continuing its payment; or None."""
    if request_id is not None:
        entry = home.store.request(request_id, home.me.id).act
        if entry is not None and entry.act in INSTRUCTING:
            message = home.store.message(entry=entry.entry)
            if message is not None and message.outcome is None:
                carry(home, message.number)
    return replayed_answer(home, act, inputs, request_id)


def concluded(home: Home, number: int) -> Any:
    """
    Carry message *number* on, and return what it came to.

    Raises what it came to where that is a refusal, and PaymentPending if it is not known.
    """
    return outcome(home, carry(home, number))
