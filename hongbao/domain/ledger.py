"""The ledger's rules: books, kinds of account, and the table of legal transfers."""

from enum import StrEnum, unique
from typing import NamedTuple

PLATFORM = "platform"
CENTRAL = "central"
"""The central bank's book. Every other book that is not the platform's belongs to a bank."""

LABORATORY = "# hongbao laboratory ledger 1"
"""The first line of a throw-away ledger of the laboratory, which no wallet opens."""


@unique
class Kind(StrEnum):
    """
    The kind of an account. Each has a side on which it may never fall below zero.

    A *credit* account is something its book owes (a balance, a deposit); a *debit*
    account is something its book owns (a reserve).
    """

    BALANCE = "balance"  # 零钱: what the platform owes a profile
    PACKET = "packet"  # 红包: what the platform holds until it is claimed or refunded
    PENDING = "pending"  # 冻结: what is on its way to a card until the bank has answered
    HELD = "held"  # 冻结: what risk control keeps back until a case is closed
    FEES = "fees"  # what the platform has earned
    RESERVE = "reserve"  # 备付金: what the platform holds at the central bank
    INCOMING = "incoming"  # 在途: on its way to this book's owner, until the next settlement
    OUTGOING = "outgoing"  # 在途: on its way from this book's owner, until the next settlement
    DEPOSIT = "deposit"  # what a bank owes the holder of a card
    SETTLEMENT = "settlement"  # what a bank holds at the central bank
    SHORTAGE = "shortage"  # 短款: what a bank has paid and not taken from its customer
    SURPLUS = "surplus"  # 长款: what a bank has taken and not owed to anyone else
    PLATFORM_RESERVE = "platform_reserve"  # what the central bank owes the platform
    BANK_RESERVE = "bank_reserve"  # what the central bank owes a bank
    ISSUE = "issue"  # what the central bank has put into the world


SIDES = {
    Kind.BALANCE: "credit",
    Kind.PACKET: "credit",
    Kind.PENDING: "credit",
    Kind.HELD: "credit",
    Kind.FEES: "credit",
    Kind.RESERVE: "debit",
    Kind.INCOMING: "debit",
    Kind.OUTGOING: "credit",
    Kind.DEPOSIT: "credit",
    Kind.SETTLEMENT: "debit",
    Kind.SHORTAGE: "debit",
    Kind.SURPLUS: "credit",
    Kind.PLATFORM_RESERVE: "credit",
    Kind.BANK_RESERVE: "credit",
    Kind.ISSUE: "debit",
}


@unique
class Reason(StrEnum):
    """Why money moved."""

    OPENING = "opening"  # a demo bank's card account is opened with money in it
    TOPUP = "topup"
    WITHDRAW = "withdraw"
    FEE = "fee"
    SEND = "send"
    CLAIM = "claim"
    REFUND = "refund"
    REVERSAL = "reversal"  # 冲正: a failed payment is undone
    RELEASE = "release"  # 解冻: a hold ended, and the money is released
    RETURN = "return"  # 退回: a hold ended, and the money goes back the way it was paid
    NET = "net"  # 轧差: what two institutions owe each other is set off
    SETTLE = "settle"  # 清算: and the rest is paid at the central bank
    MISBOOKING = "misbooking"  # a fault of a demo bank
    CORRECTION = "correction"  # 调账: and an operator puts it right


class Account(NamedTuple):
    """
    An account, by its purpose: that is its name, which needs no look-up.

    *owner* is a profile, a packet, a payment, a case, a card's account or a bank, as the *kind* has
    it; 0 if there is only one.
    """

    book: str
    kind: Kind
    owner: int = 0


class Transfer(NamedTuple):
    """One movement within one book: *debit* gives, *credit* gets, in a credit account's words."""

    debit: Account
    credit: Account
    amount_fen: int
    reason: Reason


LEGAL: frozenset[tuple[Kind, Kind, Reason]] = frozenset(
    {
        # the platform's book
        (Kind.INCOMING, Kind.BALANCE, Reason.TOPUP),
        (Kind.BALANCE, Kind.PENDING, Reason.WITHDRAW),
        (Kind.BALANCE, Kind.PENDING, Reason.FEE),
        (Kind.PENDING, Kind.OUTGOING, Reason.WITHDRAW),
        (Kind.PENDING, Kind.FEES, Reason.FEE),
        (Kind.PENDING, Kind.BALANCE, Reason.REVERSAL),
        (Kind.BALANCE, Kind.PACKET, Reason.SEND),
        (Kind.INCOMING, Kind.PACKET, Reason.SEND),  # paid by card
        (Kind.PACKET, Kind.BALANCE, Reason.CLAIM),
        (Kind.PACKET, Kind.BALANCE, Reason.REFUND),
        (Kind.PACKET, Kind.PENDING, Reason.REFUND),  # back to the card that paid
        (Kind.PENDING, Kind.OUTGOING, Reason.REFUND),
        (Kind.PENDING, Kind.BALANCE, Reason.REFUND),  # where the card could not be reached
        (Kind.BALANCE, Kind.HELD, Reason.SEND),
        (Kind.INCOMING, Kind.HELD, Reason.SEND),
        (Kind.PACKET, Kind.HELD, Reason.CLAIM),
        (Kind.HELD, Kind.PACKET, Reason.RELEASE),
        (Kind.HELD, Kind.BALANCE, Reason.RELEASE),  # a share, to its claimant
        (Kind.HELD, Kind.BALANCE, Reason.RETURN),
        (Kind.HELD, Kind.PENDING, Reason.RETURN),  # back to the card that paid
        (Kind.RESERVE, Kind.INCOMING, Reason.SETTLE),
        (Kind.OUTGOING, Kind.RESERVE, Reason.SETTLE),
        # a bank's book
        (Kind.SETTLEMENT, Kind.DEPOSIT, Reason.OPENING),
        (Kind.DEPOSIT, Kind.OUTGOING, Reason.TOPUP),
        (Kind.DEPOSIT, Kind.OUTGOING, Reason.SEND),
        (Kind.INCOMING, Kind.DEPOSIT, Reason.WITHDRAW),
        (Kind.INCOMING, Kind.DEPOSIT, Reason.REFUND),
        (Kind.OUTGOING, Kind.DEPOSIT, Reason.REVERSAL),
        (Kind.DEPOSIT, Kind.INCOMING, Reason.REVERSAL),
        (Kind.OUTGOING, Kind.SETTLEMENT, Reason.SETTLE),
        (Kind.SETTLEMENT, Kind.INCOMING, Reason.SETTLE),
        (Kind.SHORTAGE, Kind.OUTGOING, Reason.MISBOOKING),
        (Kind.SHORTAGE, Kind.DEPOSIT, Reason.MISBOOKING),
        (Kind.DEPOSIT, Kind.SURPLUS, Reason.MISBOOKING),
        (Kind.INCOMING, Kind.SURPLUS, Reason.MISBOOKING),
        (Kind.DEPOSIT, Kind.SHORTAGE, Reason.CORRECTION),
        (Kind.SURPLUS, Kind.DEPOSIT, Reason.CORRECTION),
        # the platform's, and a bank's
        (Kind.OUTGOING, Kind.INCOMING, Reason.NET),
        # the central bank's book
        (Kind.ISSUE, Kind.BANK_RESERVE, Reason.OPENING),
        (Kind.BANK_RESERVE, Kind.PLATFORM_RESERVE, Reason.SETTLE),
        (Kind.PLATFORM_RESERVE, Kind.BANK_RESERVE, Reason.SETTLE),
    }
)
"""Every move there is: (debited kind, credited kind, reason). Anything else is refused."""


def check_transfer(transfer: Transfer) -> None:
    """
    Raise ValueError for a *transfer* that no rule allows.

    It is our own mistake, never a person's, which is why it is not a `HongbaoError`; it is raised
    rather than asserted because it guards money and must survive ``python -O``.
    """
    debit, credit, amount_fen, reason = transfer
    if (debit.kind, credit.kind, reason) not in LEGAL:
        raise ValueError(f"no rule moves money from {debit.kind} to {credit.kind} for {reason}")
    if debit.book != credit.book:
        raise ValueError(f"a transfer stays in one book, not {debit.book} and {credit.book}")
    if amount_fen <= 0:
        raise ValueError("a transfer moves at least one fen")
