"""The transfers of a payment through the channel: which account gives, which takes, and why."""

import pytest

from hongbao.domain.channel import Direction
from hongbao.domain.clearing import (
    Branch,
    Opening,
    Platform,
    Positions,
    bank_books,
    bank_corrects,
    bank_moves_customer,
    bank_reverses,
    bank_skips_customer,
    open_deposit,
    settle_bank,
)
from hongbao.domain.ledger import Account, Kind, Reason, Transfer

BANK, CENTRAL, PLATFORM = "icbc", "central", "platform"


def account(book: str, kind: str) -> Account:
    return Account(book, Kind(kind), 1)


BRANCH = Branch(**{name: account(BANK, name) for name in Branch._fields})
MOVES = {
    (bank_books, Direction.DEBIT): ("deposit", "outgoing", Reason.TOPUP),
    (bank_books, Direction.CREDIT): ("incoming", "deposit", Reason.TOPUP),
    (bank_reverses, Direction.DEBIT): ("outgoing", "deposit", Reason.REVERSAL),
    (bank_reverses, Direction.CREDIT): ("deposit", "incoming", Reason.REVERSAL),
    (bank_skips_customer, Direction.DEBIT): ("shortage", "outgoing", Reason.MISBOOKING),
    (bank_skips_customer, Direction.CREDIT): ("incoming", "surplus", Reason.MISBOOKING),
    (bank_moves_customer, Direction.DEBIT): ("deposit", "surplus", Reason.MISBOOKING),
    (bank_moves_customer, Direction.CREDIT): ("shortage", "deposit", Reason.MISBOOKING),
    (bank_corrects, Direction.DEBIT): ("deposit", "shortage", Reason.CORRECTION),
    (bank_corrects, Direction.CREDIT): ("surplus", "deposit", Reason.CORRECTION),
}


@pytest.mark.parametrize(
    ("booking", "way"), MOVES, ids=lambda part: getattr(part, "__name__", part)
)
def test_a_bank_moves_its_customers_money(booking, way):
    """
    Both ways of each booking, as its docstring says.
    """
    given, taken, reason = MOVES[booking, way]
    said = [Reason.TOPUP] if booking is bank_books else []

    moved = booking(BRANCH, 123, *said, way)

    assert Transfer(getattr(BRANCH, given), getattr(BRANCH, taken), 123, reason) == moved


def test_a_demo_deposit_is_opened_at_the_bank_and_above_it():
    """
    What a bank says it holds at the central bank is what the central bank owes it.
    """
    opening = Opening(
        account(BANK, "deposit"),
        account(BANK, "settlement"),
        account(CENTRAL, "bank_reserve"),
        account(CENTRAL, "issue"),
    )

    assert (
        Transfer(opening.settlement, opening.deposit, 99, Reason.OPENING),
        Transfer(opening.issue, opening.bank_reserve, 99, Reason.OPENING),
    ) == open_deposit(opening, 99)


POSITIONS = Positions(
    Platform(account(PLATFORM, "incoming"), account(PLATFORM, "outgoing")),
    account(PLATFORM, "reserve"),
    account(BANK, "incoming"),
    account(BANK, "outgoing"),
    account(BANK, "settlement"),
    account(CENTRAL, "bank_reserve"),
    account(CENTRAL, "platform_reserve"),
)
NETTED = (
    Transfer(POSITIONS.platform.outgoing, POSITIONS.platform.incoming, 5, Reason.NET),
    Transfer(POSITIONS.outgoing, POSITIONS.incoming, 5, Reason.NET),
)
TO_PLATFORM = (
    Transfer(POSITIONS.outgoing, POSITIONS.settlement, 7, Reason.SETTLE),
    Transfer(POSITIONS.bank_reserve, POSITIONS.platform_reserve, 7, Reason.SETTLE),
    Transfer(POSITIONS.reserve, POSITIONS.platform.incoming, 7, Reason.SETTLE),
)
TO_BANK = (
    Transfer(POSITIONS.platform.outgoing, POSITIONS.reserve, 9, Reason.SETTLE),
    Transfer(POSITIONS.platform_reserve, POSITIONS.bank_reserve, 9, Reason.SETTLE),
    Transfer(POSITIONS.settlement, POSITIONS.incoming, 9, Reason.SETTLE),
)


@pytest.mark.parametrize(
    ("netted", "to_platform", "to_bank", "moves"),
    [
        (0, 0, 0, ()),
        (5, 0, 0, NETTED),
        (0, 7, 0, TO_PLATFORM),
        (0, 0, 9, TO_BANK),
        (5, 7, 0, NETTED + TO_PLATFORM),
        (5, 0, 9, NETTED + TO_BANK),
    ],
)
def test_what_is_settled_is_netted_first_and_the_rest_moves_above(
    netted, to_platform, to_bank, moves
):
    """
    Only the rest moves the central bank's accounts, and each book has its side of it.
    """
    settled = settle_bank(
        POSITIONS, netted_fen=netted, to_platform_fen=to_platform, to_bank_fen=to_bank
    )

    assert moves == settled
