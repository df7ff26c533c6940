"""Which way money may move."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain import clearing
from hongbao.domain.channel import DIRECTIONS, Direction
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
from hongbao.domain.settlement import Gross, net
from tests.every import every

BALANCE = Account(PLATFORM, Kind.BALANCE, 1)
PACKET = Account(PLATFORM, Kind.PACKET, 2)
PLATFORMS = clearing.Platform(
    incoming=Account(PLATFORM, Kind.INCOMING, 3), outgoing=Account(PLATFORM, Kind.OUTGOING, 4)
)
RESERVE = Account(PLATFORM, Kind.RESERVE, 5)
BRANCH = clearing.Branch(
    deposit=Account("cmb", Kind.DEPOSIT, 11),
    incoming=Account("cmb", Kind.INCOMING, 12),
    outgoing=Account("cmb", Kind.OUTGOING, 13),
    shortage=Account("cmb", Kind.SHORTAGE, 14),
    surplus=Account("cmb", Kind.SURPLUS, 15),
)
SETTLEMENT = Account("cmb", Kind.SETTLEMENT, 16)
BANK_RESERVE = Account(CENTRAL, Kind.BANK_RESERVE, 21)
PLATFORM_RESERVE = Account(CENTRAL, Kind.PLATFORM_RESERVE, 22)
ISSUE = Account(CENTRAL, Kind.ISSUE, 23)
OPENING = clearing.Opening(
    deposit=BRANCH.deposit, settlement=SETTLEMENT, bank_reserve=BANK_RESERVE, issue=ISSUE
)
POSITIONS = clearing.Positions(
    platform=PLATFORMS,
    reserve=RESERVE,
    incoming=BRANCH.incoming,
    outgoing=BRANCH.outgoing,
    settlement=SETTLEMENT,
    bank_reserve=BANK_RESERVE,
    platform_reserve=PLATFORM_RESERVE,
)


def settled(netted_fen=0, to_platform_fen=0, to_bank_fen=0):
    return clearing.settle_bank(
        POSITIONS,
        netted_fen=netted_fen,
        to_platform_fen=to_platform_fen,
        to_bank_fen=to_bank_fen,
    )


EVERY_STEP = {
    "opening": clearing.open_deposit(OPENING, 500),
    **{
        f"a bank books a {r}": (clearing.bank_books(BRANCH, 500, r, w),)
        for r, w in DIRECTIONS.items()
    },
    **{f"a bank undoes a {way}": (clearing.bank_reverses(BRANCH, 500, way),) for way in Direction},
    **{f"a bank skips a {w}": (clearing.bank_skips_customer(BRANCH, 500, w),) for w in Direction},
    **{
        f"a bank adds a {way}": (clearing.bank_moves_customer(BRANCH, 500, way),)
        for way in Direction
    },
    **{
        f"a bank corrects a {way}": (clearing.bank_corrects(BRANCH, 500, way),) for way in Direction
    },
    "settled by netting": settled(netted_fen=500),
    "settled towards the platform": settled(netted_fen=500, to_platform_fen=500),
    "settled towards the bank": settled(netted_fen=500, to_bank_fen=500),
}


def changes(transfers):
    """Return by how much each account's credits less its debits grow."""
    change: Counter[Account] = Counter()
    for debit, credit, amount_fen, _ in transfers:
        change[debit] -= amount_fen
        change[credit] += amount_fen
    return change


def test_a_packet_is_filled_from_a_balance():
    """
    The move that every packet begins with is legal.
    """
    check_transfer(Transfer(BALANCE, PACKET, 1, Reason.SEND))

    assert (Kind.BALANCE, Kind.PACKET, Reason.SEND) in LEGAL


@every(
    ("debit", "credit", "reason"),
    [
        (BALANCE, PACKET, Reason.CLAIM),  # the right accounts, the wrong reason
        (PACKET, PACKET, Reason.CLAIM),
        (BALANCE, BALANCE, Reason.SEND),  # past the packet, straight to somebody
        (RESERVE, BALANCE, Reason.CLAIM),  # money out of nowhere
        (ISSUE, BALANCE, Reason.TOPUP),
        (RESERVE, BALANCE, Reason.TOPUP),  # past the channel, as it once was
        (BALANCE, PLATFORMS.outgoing, Reason.WITHDRAW),  # before the bank has answered
        (BRANCH.shortage, BRANCH.surplus, Reason.CORRECTION),  # one mistake hidden in another
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
    elsewhere = Account("icbc", Kind.PACKET, 9)

    with pytest.raises(ValueError, match="stays in one book"):
        check_transfer(Transfer(BALANCE, elsewhere, 1, Reason.SEND))


@every("transfers", EVERY_STEP.values(), ids=EVERY_STEP.keys())
def test_every_step_of_a_payment_is_made_of_legal_moves_of_what_it_is_told(transfers):
    """
    Each transfer is legal in its own book, and none moves more or less than it was told to.
    """
    for transfer in transfers:
        check_transfer(transfer)

    assert {500} == {transfer.amount_fen for transfer in transfers}


@every("transfers", EVERY_STEP.values(), ids=EVERY_STEP.keys())
def test_every_book_stays_balanced_by_itself(transfers):
    """
    What one account of a book loses, another one of the same book gets.
    """
    books: Counter[str] = Counter()
    for account, fen in changes(transfers).items():
        books[account.book] += fen

    assert books
    assert {0} == set(books.values())


@pytest.mark.parametrize(("reason", "way"), DIRECTIONS.items())
def test_what_a_bank_undoes_was_never_there(reason, way):
    """
    A payment and its reversal leave each account of the bank where it was.
    """
    booked = clearing.bank_books(BRANCH, 500, reason, way)
    undone = clearing.bank_reverses(BRANCH, 500, way)

    moved_fen = 500 if way is Direction.CREDIT else -500
    assert moved_fen == changes([booked])[BRANCH.deposit]
    assert {0} == set(changes([booked, undone]).values())


@pytest.mark.parametrize("way", Direction)
def test_a_misbooking_owes_the_channel_what_the_message_says(way):
    """
    Whatever goes wrong at the customer's account, what is on its way between banks is right: a
    bank that skips its customer owes as one that books, and one that moves more owes nothing more.
    """
    reason = next(reason for reason, its_way in DIRECTIONS.items() if its_way is way)
    right = changes([clearing.bank_books(BRANCH, 500, reason, way)])
    skipped = changes([clearing.bank_skips_customer(BRANCH, 500, way)])
    added = changes([clearing.bank_moves_customer(BRANCH, 500, way)])

    for account in (BRANCH.incoming, BRANCH.outgoing):
        assert right[account] == skipped[account]
        assert 0 == added[account]
    assert 0 == skipped[BRANCH.deposit]
    assert right[BRANCH.deposit] == added[BRANCH.deposit]


@pytest.mark.parametrize("way", Direction)
def test_a_correction_ends_a_misbooking(way):
    """
    A customer whom the bank skipped and then corrected is where a right booking would have left
    them, and the bank's suspense is empty again.
    """
    reason = next(reason for reason, its_way in DIRECTIONS.items() if its_way is way)
    right = clearing.bank_books(BRANCH, 500, reason, way)
    skipped = clearing.bank_skips_customer(BRANCH, 500, way)
    corrected = clearing.bank_corrects(BRANCH, 500, way)

    assert changes([right]) == changes([skipped, corrected])


@every("transfers", EVERY_STEP.values(), ids=EVERY_STEP.keys())
def test_neighbouring_institutions_always_say_the_same(transfers):
    """
    What one says it holds at the central bank changes by just what the central bank says it owes.
    """
    changed = changes(transfers)

    assert changed[RESERVE] == -changed[PLATFORM_RESERVE]
    assert changed[SETTLEMENT] == -changed[BANK_RESERVE]


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_settling_leaves_nothing_on_its_way(in_fen, out_fen):
    """
    Both sides' accounts for what is in transit end at nothing, what is owed to people is not
    touched, and at the central bank the difference has moved and no more.
    """
    cards_to_platform = {PLATFORMS.incoming: -in_fen, BRANCH.outgoing: in_fen}
    platform_to_cards = {PLATFORMS.outgoing: out_fen, BRANCH.incoming: -out_fen}
    line = net(Gross("cmb", 1, in_fen, 1, out_fen))

    moves = settled(line.netted_fen, line.to_platform_fen, line.to_bank_fen)

    after = changes(moves)
    for account, fen in (cards_to_platform | platform_to_cards).items():
        assert 0 == fen + after[account]
    assert 0 == after[BRANCH.deposit]
    assert in_fen - out_fen == after[PLATFORM_RESERVE] == -after[BANK_RESERVE]
    for transfer in moves:
        check_transfer(transfer)


def test_every_kind_has_a_side_and_a_use():
    """
    No account could be opened that no move reaches.
    """
    reached = {kind for debit, credit, _ in LEGAL for kind in (debit, credit)}

    assert set(Kind) == set(SIDES) == reached
