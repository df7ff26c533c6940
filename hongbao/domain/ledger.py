"""Which way money may move: books, kinds of account, and the table of legal moves."""

from enum import StrEnum, unique
from typing import NamedTuple

PLATFORM = "platform"
CENTRAL = "central"
"""The central bank's book. Every other book that is not the platform's belongs to a bank."""


@unique
class Kind(StrEnum):
    """
    What an account is for. Each kind has a side that it may never fall below zero on.

    A *credit* account is something its book owes to somebody (a balance, a deposit); a *debit*
    account is something its book owns (a reserve).
    """

    BALANCE = "balance"  # 零钱: what the platform owes a profile
    PACKET = "packet"  # 红包: what the platform holds until it is claimed or refunded
    FEES = "fees"  # what the platform has earned
    RESERVE = "reserve"  # 备付金: what the platform holds at the central bank
    DEPOSIT = "deposit"  # what a bank owes the holder of a card
    SETTLEMENT = "settlement"  # what a bank holds at the central bank
    PLATFORM_RESERVE = "platform_reserve"  # what the central bank owes the platform
    BANK_RESERVE = "bank_reserve"  # what the central bank owes a bank
    ISSUE = "issue"  # what the central bank has put into the world


SIDES = {
    Kind.BALANCE: "credit",
    Kind.PACKET: "credit",
    Kind.FEES: "credit",
    Kind.RESERVE: "debit",
    Kind.DEPOSIT: "credit",
    Kind.SETTLEMENT: "debit",
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


class Account(NamedTuple):
    """An account as a transfer needs to know it."""

    id: int
    book: str
    kind: Kind


class Transfer(NamedTuple):
    """One movement within one book: *debit* gives, *credit* gets, in a credit account's words."""

    debit: Account
    credit: Account
    amount_fen: int
    reason: Reason


LEGAL: frozenset[tuple[Kind, Kind, Reason]] = frozenset(
    {
        # the platform's book
        (Kind.RESERVE, Kind.BALANCE, Reason.TOPUP),
        (Kind.BALANCE, Kind.RESERVE, Reason.WITHDRAW),
        (Kind.BALANCE, Kind.FEES, Reason.FEE),
        (Kind.BALANCE, Kind.PACKET, Reason.SEND),
        (Kind.RESERVE, Kind.PACKET, Reason.SEND),  # paid by card
        (Kind.PACKET, Kind.BALANCE, Reason.CLAIM),
        (Kind.PACKET, Kind.BALANCE, Reason.REFUND),
        (Kind.PACKET, Kind.RESERVE, Reason.REFUND),  # back to the card that paid
        # a bank's book
        (Kind.SETTLEMENT, Kind.DEPOSIT, Reason.OPENING),
        (Kind.DEPOSIT, Kind.SETTLEMENT, Reason.TOPUP),
        (Kind.DEPOSIT, Kind.SETTLEMENT, Reason.SEND),
        (Kind.SETTLEMENT, Kind.DEPOSIT, Reason.WITHDRAW),
        (Kind.SETTLEMENT, Kind.DEPOSIT, Reason.REFUND),
        # the central bank's book
        (Kind.ISSUE, Kind.BANK_RESERVE, Reason.OPENING),
        (Kind.BANK_RESERVE, Kind.PLATFORM_RESERVE, Reason.TOPUP),
        (Kind.BANK_RESERVE, Kind.PLATFORM_RESERVE, Reason.SEND),
        (Kind.PLATFORM_RESERVE, Kind.BANK_RESERVE, Reason.WITHDRAW),
        (Kind.PLATFORM_RESERVE, Kind.BANK_RESERVE, Reason.REFUND),
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
