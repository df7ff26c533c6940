"""Payments through the channel: instructed, sent, and booked as the bank answers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, cast

from hongbao.answers import Answer, Carried
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
from hongbao.store import CardRow, HomeRow, MessageRow
from hongbao.wallet.acts import Act
from hongbao.wallet.banks import Banks, Reply, Word, stage_of
from hongbao.wallet.desk import INSTRUCTING


class Clearing(Banks):
    """
    The platform's side of the channel.

    Each step is a transaction of its own, because the two sides are two institutions: wherever a
    process is killed, what stands is what that institution knew then, and whoever comes next
    carries the message on from there.
    """

    @cached_property
    def _caught_up(self) -> list[MessageRow]:
        """The payments of before that have come to their end while this desk did something else."""
        return []

    # --- step 1: instruct ------------------------------------------------------------------------

    def _instruct(
        self,
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

        Raises BankDown or ChannelDown, where it is to be sent now and cannot be.
        """
        now_or_later = due_at or doing.now
        channel = self._channel_for(card.bank, amount_fen, doing.home)
        if now_or_later <= doing.now and packet is None:
            if self._fault(card.bank, amount_fen) is Fault.DOWN:
                raise BankDown(bank=card.bank)
            if channel is None:
                raise ChannelDown(bank=card.bank)
        if channel is None:
            channel = self._policy_of(doing.home).channel.channels_for(card.bank)[0]
        number = self.store.next_message()
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
        self.store.add_message(message)
        doing.message = number
        return message

    def _channel_for(self, bank: str, amount_fen: int, home: HomeRow) -> str | None:
        """Return the channel that a payment with *bank* takes now; None if all are down."""
        channels = self._policy_of(home).channel.channels_for(bank)
        return open_channel(channels, lambda place: self._fault(place, amount_fen) is Fault.DOWN)

    # --- from then on ----------------------------------------------------------------------------

    def _carry(self, number: int) -> MessageRow:
        """
        Bring message *number* as far as it goes now, and return it.

        Whatever was done of it already, here or by another process, is not done again.
        """
        message = self.store.message(number)
        if message.state is MessageState.CREATED:
            if self.store.hold_on_message(number) is not None:
                return message
            if not self._goes_out(message):
                return self._given_up(message)
            self._send_off(message)
            message = self.store.message(number)
        if message.state is MessageState.SENT:
            self._hear(message, self._bank_receives(message))
        elif message.state is MessageState.UNKNOWN:
            self._hear(message, self._bank_is_asked(message))
        return self.store.message(number)

    def _catch_up(self) -> None:
        """Carry on what this profile has under way: the next command finds out what it can."""
        for number in self.store.open_messages(self.now(), self.me.id):
            message = self._carry(number)
            if message.outcome is not None and not self._rehearsing:
                self._caught_up.append(message)

    def _goes_out(self, message: MessageRow) -> bool:
        """Tell whether *message* can be sent now; only a refund may wait longer."""
        if message.reason is not Reason.REFUND:
            return True
        if self.store.card(message.card).removed_at is not None:
            return False
        return self._fault_at(message) is not Fault.DOWN and not self._is_down(message)

    def _given_up(self, message: MessageRow) -> MessageRow:
        """Let a refund that cannot reach its card fall back to the balance, when it is time to."""
        gone = self.store.card(message.card).removed_at is not None
        wait = timedelta(days=self.policy.refund.give_up_days)
        if gone or self.now() >= message.due_at + wait:
            self._undo(message, MessageState.REJECTED, "card_gone" if gone else "bank_down")
        return self.store.message(message.number)

    def _send_off(self, message: MessageRow) -> None:
        def work(doing: Act) -> Carried | None:
            if self.store.message(message.number).state is not MessageState.CREATED:
                return None
            self.store.set_message_sent(message.number, day_key(doing.now))
            return self._told(doing, message, MessageState.SENT)

        self._step_for(
            "sent", f"/{message.id}/sent", work, profile=message.profile, stage=stage_of(message)
        )

    def _hear(self, message: MessageRow, reply: Reply | None) -> None:
        """Book what the bank has said of *message*; where it is silent, that nothing is known."""
        match reply.word if reply else None:
            case Word.BOOKED:
                assert reply is not None
                self._book(message, reply.times)
            case Word.REFUSED:
                assert reply is not None
                self._undo(message, MessageState.REJECTED, reply.reason or "declined")
            case Word.NOT_FOUND if message.state is MessageState.UNKNOWN:
                self._undo(message, MessageState.REVERSED, "not_found")
            case _ if message.state is MessageState.SENT:
                self._note_silence(message)

    def _note_silence(self, message: MessageRow) -> None:
        def work(doing: Act) -> Carried | None:
            if self.store.message(message.number).state is not MessageState.SENT:
                return None
            self.store.set_message_unknown(message.number)
            return self._told(doing, message, MessageState.UNKNOWN)

        self._step_for(
            "unknown",
            f"/{message.id}/unknown",
            work,
            profile=message.profile,
            stage=stage_of(message),
        )

    def _book(self, message: MessageRow, times: int) -> None:
        """Give what was paid for: the bank has booked *message*."""

        def work(doing: Act) -> Answer | None:
            if not self._concludes(doing, message, MessageState.ACCEPTED):
                return None
            return self._booked(doing, message)

        act = BOOKED_AS[message.reason]
        for _answer in range(times):  # the second one finds the message concluded
            self._step_for(
                act, f"/{message.id}/booked", work, profile=message.profile, stage=stage_of(message)
            )
        if times > 1:
            self._note_answer("duplicate_answer", message)

    def _note_answer(self, act: str, message: MessageRow) -> None:
        """Write down an answer that changes nothing any more."""
        request_id = f"/{message.id}/{act}"

        def work(doing: Act) -> Carried | None:
            if self.store.requested(request_id, message.profile) is not None:
                return None
            return self._told(doing, message, self.store.message(message.number).state)

        self._step_for(act, request_id, work, profile=message.profile, stage=stage_of(message))

    def _undo(self, message: MessageRow, state: MessageState, why: str) -> None:
        """Give back what was frozen for *message*, which did not come about."""

        def work(doing: Act) -> Answer | None:
            if not self._concludes(doing, message, state):
                return None
            self._unbooked(doing, message)
            told = self._told(doing, message, state)
            told["error"] = self._refusal(message, why).as_dict()
            if why == "card_gone":  # kept only where it is so
                return cast(Answer, {**told, "card_gone": True})
            return told

        act = GIVEN_BACK_AS[message.reason]
        self._step_for(
            act, f"/{message.id}/undone", work, profile=message.profile, stage=stage_of(message)
        )

    def _concludes(self, doing: Act, message: MessageRow, state: MessageState) -> bool:
        """Make *state* the outcome of *message*, unless it has one; tell whether it had none."""
        now = self.store.message(message.number)
        if now.outcome is not None:
            return False
        if message.state is MessageState.CREATED and now.state is not MessageState.CREATED:
            return False  # it was given up, and somebody else has just sent it
        if state is MessageState.REVERSED and self._bank_has_booked(message):
            return False  # it arrived after all, before the bank could be told not to book it
        check_step(now.state, state)
        doing.message = message.number
        doing.once_entered(
            lambda: self.store.set_message_outcome(message.number, state, doing.entry)
        )
        return True

    def _refusal(self, message: MessageRow, why: str) -> HongbaoError:
        card = self.store.card(message.card).name
        if why == "insufficient":
            return InsufficientCard(card=card, needed_fen=message.amount_fen)
        if why == "bank_down":
            return BankDown(bank=message.bank)
        kind = {"closed": CardAccountClosed, "not_found": PaymentReversed}.get(why, BankDeclined)
        return kind(bank=message.bank, card=card, amount_fen=message.amount_fen, payment=message.id)

    # --- what a payment is for -------------------------------------------------------------------

    def _booked(self, doing: Act, message: MessageRow) -> Answer:
        """Post what *message* paid for, and answer; each room knows its own reasons."""
        raise NotImplementedError(message.reason)

    def _unbooked(self, doing: Act, message: MessageRow) -> None:
        """Post the way back of what was frozen for *message*."""
        person, day = doing.me.person, day_key(message.created_at)
        match message.reason:
            case Reason.TOPUP:
                self.store.add_usage(person, "topup", day, -message.amount_fen)
            case Reason.SEND:
                self.store.add_usage(person, "send_card", day, -message.amount_fen)
            case Reason.WITHDRAW:
                self.store.add_usage(person, "withdraw", day, -message.amount_fen)
                frozen_fen = message.amount_fen + message.fee_fen
                self._thaw(doing, message, frozen_fen, Reason.REVERSAL)
            case Reason.REFUND:
                doing.packet = message.packet
                self._thaw(doing, message, message.amount_fen, Reason.REFUND)

    def _thaw(self, doing: Act, message: MessageRow, amount_fen: int, reason: Reason) -> None:
        frozen = self._frozen(message)
        doing.post(Transfer(frozen, doing.me.account, amount_fen, reason))

    def _frozen(self, message: MessageRow) -> Account:
        """Return the account where *message*'s money waits for its outcome."""
        return self.store.account(PLATFORM, Kind.PENDING, message.number)

    def _in_transit(self, bank: str) -> Platform:
        """Return the platform's accounts for what it and *bank* owe each other."""
        owner = BANK_NUMBERS[bank]
        return Platform(
            incoming=self.store.account(PLATFORM, Kind.INCOMING, owner),
            outgoing=self.store.account(PLATFORM, Kind.OUTGOING, owner),
        )

    # --- late answers ----------------------------------------------------------------------------

    def _hear_late(self) -> list[MessageRow]:
        """Let banks find what they forgot, hear of it, and have it undone; return what it was."""
        heard = []
        for number in self.store.late_messages():
            message = self.store.message(number)
            if self._switched(message.bank) in (Fault.TIMEOUT, Fault.LOST, Fault.DOWN):
                continue
            self._bank_wakes(message)
            known = self.store.bank_message(number)
            if known is not None and known.state == "late":
                self._note_answer("late_answer", message)
                if self._bank_undoes(message):
                    heard.append(message)
        return heard

    # --- asking again ----------------------------------------------------------------------------

    def _answered(self, act: str, inputs: Mapping[str, object], request_id: str | None) -> Any:
        if request_id is not None:
            entry = self.store.requested(request_id, self.me.id)
            if entry is not None and entry.act in INSTRUCTING:
                message = self.store.message_of_entry(entry.id)
                if message is not None and message.outcome is None:
                    self._carry(message.number)
        return super()._answered(act, inputs, request_id)

    def _concluded(self, number: int) -> Any:
        """
        Carry message *number* on, and return what it came to.

        Raises what it came to where that is a refusal, and PaymentPending where nobody knows.
        """
        return self._outcome(self._carry(number))
