"""Instructions to a bank: a payment written down, and the accounts where its money waits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hongbao.changes.payments import AddMessage
from hongbao.domain.channel import DIRECTIONS, Fault, message_id, open_channel
from hongbao.domain.clearing import Platform
from hongbao.domain.dates import china_day, day_key
from hongbao.domain.identity import BANK_NUMBERS
from hongbao.domain.ledger import PLATFORM, Account, Kind, Reason
from hongbao.errors import BankDown, ChannelDown
from hongbao.home.opened import Home
from hongbao.queries.acts import act_in
from hongbao.store import CardRow, HomeRow, MessageRow
from hongbao.wallet.acts import Act
from hongbao.wallet.banks import fault

if TYPE_CHECKING:
    from hongbao.answers import Answer, Instructed


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


def instructed_answer(home: Home, doing: Act, message: MessageRow) -> Instructed:
    """Return the answer of an act that put *message* on its way."""
    return {
        **doing.common,
        "payment": message.id,
        "channel": message.channel,
        "bank": message.bank,
        "amount_fen": message.amount_fen,
        "card": home.store.card(message.card).name,
        "terms": dict(message.terms),
    }


def answer_base(home: Home, doing: Act, message: MessageRow) -> Answer:
    """Return the first keys of an answer about *message*: its request."""
    if doing.entry == message.entry:
        return doing.common
    return {**doing.common, "request_id": act_in(home, message.entry).request_id}
