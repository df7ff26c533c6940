"""Booking of an accepted payment: to the balance, to a packet, or to a card."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.domain.channel import MessageState
from hongbao.domain.ledger import PLATFORM, Account, Kind, Reason, Transfer
from hongbao.home.opened import Home
from hongbao.store import MessageRow
from hongbao.wallet.acts import Act
from hongbao.wallet.banks import message_answer
from hongbao.wallet.instructing import answer_base, frozen_account, transit_accounts
from hongbao.wallet.packets import open_packet

if TYPE_CHECKING:
    from hongbao.answers import Answer, ToppedUp, Withdrawn


def booked(home: Home, doing: Act, message: MessageRow) -> Answer:
    """Post what the accepted *message* paid for, and return the answer of its request."""
    transit, amount_fen = transit_accounts(message.bank), message.amount_fen
    match message.reason:
        case Reason.TOPUP:
            doing.post(Transfer(transit.incoming, doing.me.account, amount_fen, Reason.TOPUP))
            topped_up: ToppedUp = {
                **answer_base(home, doing, message),
                "amount_fen": amount_fen,
                "card": home.store.card(message.card).name,
                "balance_fen": doing.balance_fen,
                "payment": message.id,
            }
            return topped_up
        case Reason.WITHDRAW:
            frozen = frozen_account(message)
            doing.post(Transfer(frozen, transit.outgoing, amount_fen, Reason.WITHDRAW))
            if message.fee_fen:
                fees = Account(PLATFORM, Kind.FEES)
                doing.post(Transfer(frozen, fees, message.fee_fen, Reason.FEE))
            return withdrawal_answer(home, doing, message)
        case Reason.SEND:
            return open_packet(home, doing, message.terms, transit.incoming, message)
        case Reason.REFUND:
            frozen = frozen_account(message)
            doing.post(Transfer(frozen, transit.outgoing, amount_fen, Reason.REFUND))
            doing.packet = message.packet
            return message_answer(home, doing, message, MessageState.ACCEPTED)
    raise AssertionError(message.reason)


def withdrawal_answer(home: Home, doing: Act, message: MessageRow) -> Withdrawn:
    """Return the answer of the withdrawal that *message* carries."""
    return {
        **answer_base(home, doing, message),
        "amount_fen": message.amount_fen,
        "fee_fen": message.fee_fen,
        "free_left_fen": message.terms["free_left_fen"],
        "card": home.store.card(message.card).name,
        "balance_fen": doing.balance_fen,
        "payment": message.id,
        "held": None,
    }
