"""The transfers that a payment through the channel makes, institution by institution."""

from __future__ import annotations

from hongbao.domain.channel import Direction
from hongbao.domain.ledger import Account, Reason, Transfer
from hongbao.rows import Row


class Platform(Row):
    """The platform's accounts for what is on its way from one bank, and to it."""

    incoming: Account
    outgoing: Account


class Branch(Row):
    """The accounts that a bank moves for one customer."""

    deposit: Account
    incoming: Account
    outgoing: Account
    shortage: Account
    surplus: Account


class Opening(Row):
    """The accounts that a demo card is opened with."""

    deposit: Account
    settlement: Account
    bank_reserve: Account
    issue: Account


def open_deposit(opening: Opening, amount_fen: int) -> tuple[Transfer, ...]:
    """
    Open a card's account at its demo bank with *amount_fen* in it.

    The bank's side and the central bank's side grow together, so that what a bank says it holds at
    the central bank is always what the central bank says it owes that bank.
    """
    return (
        Transfer(opening.settlement, opening.deposit, amount_fen, Reason.OPENING),
        Transfer(opening.issue, opening.bank_reserve, amount_fen, Reason.OPENING),
    )


# --- what a bank books ---------------------------------------------------------------------------


def bank_books(branch: Branch, amount_fen: int, reason: Reason, way: Direction) -> Transfer:
    """Move the customer's money, and owe it to the channel or be owed it."""
    if way is Direction.DEBIT:
        return Transfer(branch.deposit, branch.outgoing, amount_fen, reason)
    return Transfer(branch.incoming, branch.deposit, amount_fen, reason)


def bank_reverses(branch: Branch, amount_fen: int, way: Direction) -> Transfer:
    """Undo `bank_books` (冲正)."""
    if way is Direction.DEBIT:
        return Transfer(branch.outgoing, branch.deposit, amount_fen, Reason.REVERSAL)
    return Transfer(branch.deposit, branch.incoming, amount_fen, Reason.REVERSAL)


def bank_skips_customer(branch: Branch, amount_fen: int, way: Direction) -> Transfer:
    """
    Owe the channel *amount_fen*, or be owed it, without moving the customer's money (短款).

    What banks owe each other always follows the message; only the customer's side goes wrong.
    """
    if way is Direction.DEBIT:
        return Transfer(branch.shortage, branch.outgoing, amount_fen, Reason.MISBOOKING)
    return Transfer(branch.incoming, branch.surplus, amount_fen, Reason.MISBOOKING)


def bank_moves_customer(branch: Branch, amount_fen: int, way: Direction) -> Transfer:
    """Move the customer's money *way*, though it is owed to no one (长款)."""
    if way is Direction.DEBIT:
        return Transfer(branch.deposit, branch.surplus, amount_fen, Reason.MISBOOKING)
    return Transfer(branch.shortage, branch.deposit, amount_fen, Reason.MISBOOKING)


def bank_corrects(branch: Branch, amount_fen: int, way: Direction) -> Transfer:
    """Take *amount_fen* from the customer (*way* debit) or give it back, to end a difference."""
    if way is Direction.DEBIT:
        return Transfer(branch.deposit, branch.shortage, amount_fen, Reason.CORRECTION)
    return Transfer(branch.surplus, branch.deposit, amount_fen, Reason.CORRECTION)


# --- settlement ----------------------------------------------------------------------------------


class Positions(Row):
    """The accounts that one bank and the platform are settled over."""

    platform: Platform
    reserve: Account
    incoming: Account  # the bank's
    outgoing: Account
    settlement: Account
    bank_reserve: Account  # the central bank's
    platform_reserve: Account


def settle_bank(
    at: Positions, *, netted_fen: int, to_platform_fen: int, to_bank_fen: int
) -> tuple[Transfer, ...]:
    """
    Set off *netted_fen* in both books, and pay the rest at the central bank.

    Each book sees its own side of it; only the rest ever moves above.
    """
    moves = []
    if netted_fen:
        moves += [
            Transfer(at.platform.outgoing, at.platform.incoming, netted_fen, Reason.NET),
            Transfer(at.outgoing, at.incoming, netted_fen, Reason.NET),
        ]
    if to_platform_fen:
        moves += [
            Transfer(at.outgoing, at.settlement, to_platform_fen, Reason.SETTLE),
            Transfer(at.bank_reserve, at.platform_reserve, to_platform_fen, Reason.SETTLE),
            Transfer(at.reserve, at.platform.incoming, to_platform_fen, Reason.SETTLE),
        ]
    if to_bank_fen:
        moves += [
            Transfer(at.platform.outgoing, at.reserve, to_bank_fen, Reason.SETTLE),
            Transfer(at.platform_reserve, at.bank_reserve, to_bank_fen, Reason.SETTLE),
            Transfer(at.settlement, at.incoming, to_bank_fen, Reason.SETTLE),
        ]
    return tuple(moves)
