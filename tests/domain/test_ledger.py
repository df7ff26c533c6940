"""Which way money may move."""

import pytest

from hongbao.domain import clearing
from hongbao.domain.ledger import (
    CENTRAL,
    LEGAL,
    PLATFORM,
    SIDES,
    Account,
    Kind,
    Reason,
    Transfer,
    check_transfer,
)

BALANCE = Account(1, PLATFORM, Kind.BALANCE)
PACKET = Account(2, PLATFORM, Kind.PACKET)
ROUTE = clearing.Route(
    reserve=Account(3, PLATFORM, Kind.RESERVE),
    deposit=Account(4, "cmb", Kind.DEPOSIT),
    settlement=Account(5, "cmb", Kind.SETTLEMENT),
    bank_reserve=Account(6, CENTRAL, Kind.BANK_RESERVE),
    platform_reserve=Account(7, CENTRAL, Kind.PLATFORM_RESERVE),
    issue=Account(8, CENTRAL, Kind.ISSUE),
)
EVERY_ROUTE = {
    "topup": clearing.from_card(ROUTE, BALANCE, 500, Reason.TOPUP),
    "send by card": clearing.from_card(ROUTE, PACKET, 500, Reason.SEND),
    "withdraw": clearing.to_card(ROUTE, BALANCE, 500, Reason.WITHDRAW),
    "refund to card": clearing.to_card(ROUTE, PACKET, 500, Reason.REFUND),
    "opening": clearing.open_deposit(ROUTE, 500),
}


def test_a_packet_is_filled_from_a_balance():
    """
    The move that every packet begins with is legal.
    """
    check_transfer(Transfer(BALANCE, PACKET, 1, Reason.SEND))

    assert (Kind.BALANCE, Kind.PACKET, Reason.SEND) in LEGAL


@pytest.mark.parametrize(
    ("debit", "credit", "reason"),
    [
        (BALANCE, PACKET, Reason.CLAIM),  # the right accounts, the wrong reason
        (PACKET, PACKET, Reason.CLAIM),
        (BALANCE, BALANCE, Reason.SEND),  # past the packet, straight to somebody
        (ROUTE.reserve, BALANCE, Reason.CLAIM),  # money out of nowhere
        (ROUTE.issue, BALANCE, Reason.TOPUP),
    ],
)
def test_what_the_table_does_not_allow_is_refused(debit, credit, reason):
    """
    A move that is not in the table is a mistake of ours, and is stopped.
    """
    with pytest.raises(ValueError, match="no rule moves money"):
        check_transfer(Transfer(debit, credit, 1, reason))


@pytest.mark.parametrize("amount_fen", [0, -1])
def test_a_transfer_moves_at_least_one_fen(amount_fen):
    """
    Nothing and less than nothing do not move.
    """
    with pytest.raises(ValueError, match="at least one fen"):
        check_transfer(Transfer(BALANCE, PACKET, amount_fen, Reason.SEND))


def test_a_transfer_stays_in_its_book():
    """
    Kinds that fit are not enough: both accounts have to stand in one book.
    """
    elsewhere = Account(9, "icbc", Kind.PACKET)

    with pytest.raises(ValueError, match="stays in one book"):
        check_transfer(Transfer(BALANCE, elsewhere, 1, Reason.SEND))


@pytest.mark.parametrize("transfers", EVERY_ROUTE.values(), ids=EVERY_ROUTE.keys())
def test_every_payment_by_card_is_made_of_legal_moves_of_one_amount(transfers):
    """
    Each leg is legal in its own book, and no leg moves more than another.
    """
    for transfer in transfers:
        check_transfer(transfer)

    assert {500} == {transfer.amount_fen for transfer in transfers}


@pytest.mark.parametrize("transfers", EVERY_ROUTE.values(), ids=EVERY_ROUTE.keys())
def test_neighbouring_institutions_always_say_the_same(transfers):
    """
    What one says it holds at the central bank changes by just what the central bank says it owes.
    """
    change: dict[int, int] = {}
    for debit, credit, amount_fen, _ in transfers:
        change[debit.id] = change.get(debit.id, 0) + amount_fen
        change[credit.id] = change.get(credit.id, 0) - amount_fen

    def changed(account):
        return change.get(account.id, 0)

    assert changed(ROUTE.reserve) == -changed(ROUTE.platform_reserve)
    assert changed(ROUTE.settlement) == -changed(ROUTE.bank_reserve)


def test_every_kind_has_a_side_and_a_use():
    """
    No account could be opened that no move reaches.
    """
    reached = {kind for debit, credit, _ in LEGAL for kind in (debit, credit)}

    assert set(Kind) == set(SIDES) == reached
