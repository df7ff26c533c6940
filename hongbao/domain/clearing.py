"""The transfers each act makes, and the three books that a payment by card passes through."""

from typing import NamedTuple

from hongbao.domain.ledger import Account, Reason, Transfer


class Route(NamedTuple):
    """The accounts between a card and the platform: one pair at the bank, one above it."""

    reserve: Account  # the platform's book
    deposit: Account  # the bank's book
    settlement: Account
    bank_reserve: Account  # the central bank's book
    platform_reserve: Account
    issue: Account


def open_deposit(route: Route, amount_fen: int) -> tuple[Transfer, ...]:
    """
    Open a card's account at its demo bank with *amount_fen* in it.

    The bank's side and the central bank's side grow together, so that what a bank says it holds at
    the central bank is always what the central bank says it owes that bank.
    """
    return (
        Transfer(route.settlement, route.deposit, amount_fen, Reason.OPENING),
        Transfer(route.issue, route.bank_reserve, amount_fen, Reason.OPENING),
    )


def from_card(route: Route, to: Account, amount_fen: int, reason: Reason) -> tuple[Transfer, ...]:
    """Bring *amount_fen* from the card to *to* in the platform's book: one transfer a book."""
    return (
        Transfer(route.deposit, route.settlement, amount_fen, reason),
        Transfer(route.bank_reserve, route.platform_reserve, amount_fen, reason),
        Transfer(route.reserve, to, amount_fen, reason),
    )


def to_card(route: Route, source: Account, amount_fen: int, reason: Reason) -> tuple[Transfer, ...]:
    """Bring *amount_fen* from *source* in the platform's book to the card: `from_card` mirrored."""
    return (
        Transfer(source, route.reserve, amount_fen, reason),
        Transfer(route.platform_reserve, route.bank_reserve, amount_fen, reason),
        Transfer(route.settlement, route.deposit, amount_fen, reason),
    )
