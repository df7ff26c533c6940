"""`check` finds what was tampered with between institutions, where banks have booked wrongly."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from hongbao import errors
from hongbao.domain.channel import Fault
from hongbao.domain.pin import Pin
from hongbao.wallet import Wallet
from tests.wallet.channels import BANK, demo, pay
from tests.wallet.world import LI, YUAN, ZHANG, Dump, World, changed, right

OPERATOR = "老王"


def live(world: World) -> World:
    """Let every kind of thing happen between institutions."""
    with Wallet.open(world.env, profile=ZHANG) as desk:
        desk.use_policy(changed(claims_after_days="1"))
        desk.add_operator(OPERATOR, pin=lambda: Pin("975312"), by=right)
    go_wrong(world)
    return world


def go_wrong(world: World) -> None:
    """
    Have banks book wrongly, and the operator put some of it right.

    Of Zhang's payments the second is accepted and settled, the third declined, the fourth undone
    after a late answer, the fifth booked twice and put right, the sixth short and put right, the
    seventh short and not, the eighth in suspense the other way, the ninth accepted and not settled
    yet, and of the tenth nobody knows the outcome. Li has claimed what can be withdrawn tomorrow.
    """
    with Wallet.open(world.env, profile=ZHANG) as desk:
        pay(desk, "topup")
        desk.settle()
        for fault in (Fault.DECLINE, Fault.LATE):
            desk.set_fault(BANK, fault)
            with pytest.raises((errors.BankDeclined, errors.PaymentPending)):
                pay(desk, "topup")
            desk.set_fault(BANK, None)
        desk.settle()
        wrong = (Fault.DOUBLE_BOOKING, Fault.SHORTAGE, Fault.SHORTAGE)
        for fault in wrong:
            desk.set_fault(BANK, fault)
            pay(desk, "topup")
            desk.set_fault(BANK, None)
        found = desk.reconcile()["differences"]
        for line in found[:2]:
            desk.correct(line["message"], why="对账", operator=OPERATOR, pin=lambda: Pin("975312"))
        desk.set_fault(BANK, Fault.SURPLUS)
        with pytest.raises(errors.BankDeclined):
            pay(desk, "withdraw")
        desk.set_fault(BANK, None)
        desk.settle()
        packet = desk.send(10 * YUAN, count=2, pin=right)["packet"]
        pay(desk, "topup", 30 * YUAN)
        desk.set_fault(BANK, Fault.TIMEOUT)
        with pytest.raises(errors.PaymentPending):
            pay(desk, "withdraw")
    with Wallet.open(world.env, profile=LI) as desk:
        desk.claim(packet)


@pytest.fixture(scope="module")
def _between(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = live(demo(tmp_path_factory.mktemp("between") / "home"))
    world.close()
    return world


@pytest.fixture(scope="module")
def before(_between: World) -> Dump:
    """Every row, before anything is edited."""
    return _between.dump()


@pytest.fixture
def between(_between: World, tmp_path: Path) -> Iterator[World]:
    world = _between.copy(tmp_path / "home")
    yield world
    world.close()


class Edit(NamedTuple):
    """A corruption: *what* it is, the checks that trip, all of them, and the *statement*."""

    what: str
    found: set[str]
    statement: str

    def __repr__(self) -> str:
        return self.what


LAST = "(SELECT max(number) FROM message WHERE state = 'accepted')"
UNKNOWN = "(SELECT number FROM message WHERE state = 'unknown')"
REVERSED = "(SELECT number FROM message WHERE state = 'reversed')"
REJECTED = "(SELECT min(number) FROM message WHERE state = 'rejected')"

EDITS = [
    # --- messages
    Edit(
        "a pending payment called accepted",
        {"messages", "transit"},
        f"UPDATE message SET state = 'accepted', outcome = 1 WHERE number = {UNKNOWN}",
    ),
    Edit(
        "a pending payment given up",
        {"messages", "usage"},
        f"UPDATE message SET state = 'reversed', outcome = 1 WHERE number = {UNKNOWN}",
    ),
    Edit(
        "an accepted payment unknown again",
        {"messages", "transit"},
        f"UPDATE message SET state = 'unknown', outcome = NULL WHERE number = {LAST}",
    ),
    Edit(
        "a payment moved to another bank",
        {"messages", "suspense", "transit"},
        f"UPDATE message SET bank = 'boc' WHERE number = {LAST}",
    ),
    Edit(
        "a larger payment",
        {"messages", "suspense", "transit", "usage"},
        f"UPDATE message SET amount_fen = amount_fen + 1 WHERE number = {LAST}",
    ),
    Edit(
        "a fee that was not asked for",
        {"messages"},
        f"UPDATE message SET fee_fen = fee_fen + 1 WHERE number = {UNKNOWN}",
    ),
    Edit(
        "a payment taken away",
        {"pages", "transit", "usage"},
        f"DELETE FROM message WHERE number = {LAST}",
    ),
    # --- what the banks have of them
    Edit(
        "a bank that has forgotten what it booked",
        {"messages", "transit"},
        f"DELETE FROM bank_message WHERE message = {LAST}",
    ),
    Edit(
        "a bank that says it booked what it declined",
        {"messages", "suspense", "transit"},
        f"UPDATE bank_message SET state = 'booked', reason = NULL WHERE message = {REJECTED}",
    ),
    Edit(
        "a late booking called undone in time",
        {"messages", "suspense", "transit"},
        f"UPDATE bank_message SET state = 'booked' WHERE message = {REVERSED}",
    ),
    # --- what is in transit
    Edit(
        "money in transit that no payment put there",
        {"accounts"},
        "UPDATE account SET credits_fen = credits_fen + 1, debits_fen = debits_fen + 1"
        f" WHERE book = '{BANK}' AND kind = 'outgoing'",
    ),
    # --- statements
    Edit(
        "a line taken out of a bank's statement",
        {"suspense"},
        f"DELETE FROM bank_line WHERE message = {LAST}",
    ),
    Edit(
        "a line with another amount",
        {"suspense"},
        f"UPDATE bank_line SET amount_fen = amount_fen + 1 WHERE message = {LAST}",
    ),
    Edit(
        "a line about another payment",
        {"suspense"},
        f"UPDATE bank_line SET message = 1 WHERE message = {LAST}",
    ),
    Edit(
        "a line of another bank's",
        {"suspense"},
        f"UPDATE bank_line SET bank = 'boc' WHERE message = {LAST}",
    ),
    Edit(
        "a booking turned round",
        {"suspense"},
        f"UPDATE bank_line SET direction = 'credit' WHERE message = {LAST}",
    ),
    Edit(
        "a booking called reversed",
        {"suspense"},
        f"UPDATE bank_line SET status = 'RVRS' WHERE message = {LAST}",
    ),
    Edit(
        "a booking called a correction",
        {"suspense"},
        f"UPDATE bank_line SET status = 'CORR' WHERE message = {LAST}",
    ),
    Edit(
        "a correction called a booking",
        {"suspense"},
        "UPDATE bank_line SET status = 'BOOK' WHERE status = 'CORR'",
    ),
    # --- corrections
    Edit("a correction taken away", {"suspense"}, "DELETE FROM correction"),
    Edit("a larger correction", {"suspense"}, "UPDATE correction SET amount_fen = amount_fen + 1"),
    Edit(
        "a correction turned round",
        {"suspense"},
        "UPDATE correction SET direction = iif(direction = 'debit', 'credit', 'debit')",
    ),
    Edit("a correction of another payment", {"suspense"}, "UPDATE correction SET message = 1"),
    Edit("a correction with another reason", {"suspense"}, "UPDATE correction SET why = 'none'"),
    Edit("a correction of another kind", {"suspense"}, "UPDATE correction SET kind = 'state'"),
    Edit(
        "a correction by somebody else", {"pages", "suspense"}, "UPDATE correction SET operator = 7"
    ),
    # --- batches
    Edit(
        "a payment taken out of its batch",
        {"batches", "transit"},
        "UPDATE message SET batch = NULL",
    ),
    Edit(
        "a payment put into a batch",
        {"batches", "transit"},
        f"UPDATE message SET batch = 1 WHERE number = {LAST}",
    ),
    Edit(
        "a batch that says more came in", {"batches"}, "UPDATE batch_line SET in_fen = in_fen + 1"
    ),
    Edit(
        "a batch that says more came",
        {"batches"},
        "UPDATE batch_line SET out_count = out_count + 1",
    ),
    Edit("a batch of another bank", {"batches"}, "UPDATE batch_line SET bank = 'boc'"),
    Edit("a batch taken away", {"pages"}, "DELETE FROM batch WHERE number = 1"),
    Edit("a batch by another entry", {"batches"}, "UPDATE batch SET entry = 1 WHERE number = 1"),
    # --- maturing
    Edit("a claim to be withdrawn at once", {"maturing"}, "DELETE FROM maturing"),
    Edit(
        "a claim counted as more", {"maturing"}, "UPDATE maturing SET amount_fen = amount_fen + 1"
    ),
    Edit(
        "a claim to be withdrawn earlier", {"maturing"}, "UPDATE maturing SET from_at = from_at - 1"
    ),
    Edit("a claim of somebody else's", {"maturing"}, "UPDATE maturing SET profile = 1"),
]


def test_a_home_with_differences_checks(between: World):
    """
    What banks book wrongly is between them and their customers: the ledger itself is sound, before
    the differences are put right and after.
    """
    assert {} == between.findings()
    with Wallet.open(between.env, profile=ZHANG) as desk:
        differences = desk.reconcile()["differences"]
        assert [False, False, True, True] == [line["corrected"] for line in differences]
        desk.set_fault(BANK, None)
        desk.advance_clock(timedelta(days=2))
    assert {} == between.findings()


@pytest.mark.parametrize("edit", EDITS, ids=repr)
def test_each_corruption_is_found_by_the_check_for_it(edit: Edit, before: Dump, between: World):
    """
    What was changed past the desk is named by the checks it breaks, and by no other.
    """
    between.edit(edit.statement)

    assert before != between.dump(), "the edit changed nothing"
    assert edit.found == set(between.findings())


def test_every_check_between_institutions_is_tripped_by_something():
    """
    A check that nothing trips is none.
    """
    tripped = set().union(*(edit.found for edit in EDITS))

    assert {"transit", "messages", "batches", "suspense", "maturing"} <= tripped
