"""Reconciliation: what banks book wrongly is named, all of it and nothing else, and put right."""

import random
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors
from hongbao.domain.channel import Fault
from hongbao.domain.pin import Pin
from hongbao.wallet import Wallet
from hongbao.wallet.operators import By
from tests.wallet.channels import BANK, OTHER_BANK, break_at, demo, money, pay
from tests.wallet.world import NOON, YUAN, ZHANG, World, right, unasked, wrong

DAY = NOON.date()
OPERATOR = "老王"
NAMED = {
    Fault.SURPLUS: "surplus",
    Fault.SHORTAGE: "shortage",
    Fault.WRONG_AMOUNT: "amount",
    Fault.WRONG_STATE: "state",
    Fault.DOUBLE_BOOKING: "duplicate",
}
"""What a mis-booking is called where it is found."""

SOME_BYTES = 200_000
"""What a computer may take more or less by itself: thirty bytes for each of 6,000 lines."""


def theirs() -> Pin:
    """Return the operator's PIN, which nobody's payment PIN is."""
    return Pin("975312")


@pytest.fixture(scope="module")
def _demo(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = demo(tmp_path_factory.mktemp("reconciling") / "home")
    with Wallet.open(world.env, profile=ZHANG) as desk:
        desk.add_operator(OPERATOR, pin=theirs, by=right)
    return world


@pytest.fixture
def home(_demo: World, tmp_path: Path) -> Iterator[World]:
    world = _demo.copy(tmp_path / "home")
    yield world
    world.close()


def misbooked(world: World, fault: Fault, reason: str = "topup", fen: int = 100 * YUAN) -> str:
    """Have Zhang's bank book a payment of *fen* wrongly; return the payment's id."""
    break_at(world, fault)
    with Wallet.open(world.env, profile=ZHANG) as desk:
        try:
            pay(desk, reason, fen)
        except errors.BankDeclined:
            assert fault is Fault.SURPLUS
    break_at(world, None)
    db = world.raw()
    try:
        return str(db.execute("SELECT id FROM message ORDER BY number DESC LIMIT 1").fetchone()[0])
    finally:
        db.close()


def found(world: World) -> dict[str, str]:
    """Return each payment that differs today and is not put right, and how it differs."""
    with Wallet.open(world.env, profile=ZHANG) as desk:
        reconciled = desk.reconcile()
    left = [line for line in reconciled["differences"] if not line["corrected"]]
    assert reconciled["ok"] == (not left)
    assert sum(bank["differences"] for bank in reconciled["banks"]) == len(left)
    return {line["message"]: line["kind"] for line in left}


def put_right(world: World, payment: str, pin: Callable[[], Pin] = theirs, **how: Any) -> Any:
    with Wallet.open(world.env, profile=ZHANG) as desk:
        return desk.correct(payment, why="对账", operator=OPERATOR, pin=pin, **how)


def statement(world: World, bank: str = BANK, day: date = DAY) -> list[str]:
    with Wallet.open(world.env, profile=ZHANG) as desk:
        return list(desk.bank_statement(bank, day)[1])


# --- what is found -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_exactly_what_was_booked_wrongly_is_named_and_can_be_put_right(home: World, seed: int):
    """
    Whatever payments there are and whatever is booked wrongly: reconciling names those and no
    others; once each is put right nothing differs, nothing is in suspense, and check is green.
    """
    dice = random.Random(seed)
    wanted = {}
    for _ in range(14):
        reason = dice.choice(("topup", "withdraw"))
        fault = dice.choice([*NAMED, *[None] * 4])
        fen = dice.randrange(2, 40 * YUAN)
        if fault is None:
            with Wallet.open(home.env, profile=ZHANG) as desk:
                pay(desk, reason, fen)
        else:
            wanted[misbooked(home, fault, reason, fen)] = NAMED[fault]

    assert wanted == found(home)
    assert {} == home.findings()

    for number, payment in enumerate(dice.sample([*wanted], len(wanted)), start=1):
        put_right(home, payment)
        assert len(wanted) - number == len(found(home))
    after = money(home)
    assert (0, 0) == (after.shortage, after.surplus)
    with Wallet.open(home.env, profile=ZHANG) as desk:
        desk.settle()
        assert desk.reconcile()["ok"]
    assert {} == home.findings()


@pytest.mark.parametrize(
    ("fault", "ours_fen", "amount_fen"),
    [(Fault.SURPLUS, 0, 100 * YUAN), (Fault.SHORTAGE, 100 * YUAN, 100 * YUAN)],
)
def test_what_was_put_right_is_listed_with_what_is_ours(
    home: World, fault: Fault, ours_fen: int, amount_fen: int
):
    """
    Of a payment that was declined nothing is; the bank has the same then.
    """
    payment = misbooked(home, fault)
    put_right(home, payment)

    with Wallet.open(home.env, profile=ZHANG) as desk:
        [line] = desk.reconcile()["differences"]

    assert (payment, True) == (line["message"], line["corrected"])
    assert (ours_fen, ours_fen, amount_fen) == (
        line["ours_fen"],
        line["theirs_fen"],
        line["amount_fen"],
    )


@pytest.mark.parametrize("reason", ["topup", "withdraw"])
@pytest.mark.parametrize("fault", NAMED)
def test_users_keep_what_they_were_told_and_the_card_follows(
    home: World, fault: Fault, reason: str
):
    """
    A correction moves the bank's customer account alone, to where it would be had nothing gone
    wrong: for a payment that was refused, to where it was before.
    """
    before = money(home)
    payment = misbooked(home, fault, reason)
    told = money(home)

    corrected = put_right(home, payment)

    after = money(home)
    paid = 0 if fault is Fault.SURPLUS else 100 * YUAN
    assert before.card + (paid if reason == "withdraw" else -paid) == after.card
    assert {"card", "shortage", "surplus"} >= set(after - told)
    assert abs(after.card - told.card) == corrected["amount_fen"] > 0
    assert told.balance == after.balance
    assert {} == home.findings()


def test_what_is_not_known_yet_is_no_difference(home: World):
    """
    A bank that booked and was silent has what we have not: a query will tell, nobody corrects.
    """
    break_at(home, Fault.TIMEOUT)
    with Wallet.open(home.env, profile=ZHANG) as desk:
        with pytest.raises(errors.PaymentPending) as pending:
            pay(desk, "topup")
        reconciled = desk.reconcile()
    payment = str(pending.value.facts["payment"])

    assert reconciled["ok"]
    assert [1] == [bank["open"] for bank in reconciled["banks"]]
    with pytest.raises(errors.DifferenceNotFound):
        put_right(home, payment, unasked)


def test_only_the_day_and_the_bank_that_were_asked_for_are_compared(home: World):
    """
    A difference belongs to the day on which the payment was sent.
    """
    payment = misbooked(home, Fault.SHORTAGE)
    with Wallet.open(home.env, profile=ZHANG) as desk:
        desk.advance_clock(timedelta(days=1))

        assert desk.reconcile()["ok"]
        assert desk.reconcile(DAY, bank=OTHER_BANK)["ok"]
        for reconciled in (desk.reconcile(DAY), desk.reconcile(DAY, bank=BANK)):
            assert [payment] == [line["message"] for line in reconciled["differences"]]
        with pytest.raises(errors.UnknownPlace):
            desk.reconcile(bank="netsunion")


# --- who puts it right ---------------------------------------------------------------------------


def test_a_difference_is_put_right_once(home: World):
    """
    The second time there is none.
    """
    payment = misbooked(home, Fault.DOUBLE_BOOKING)
    put_right(home, payment, dry_run=True)
    assert {payment: "duplicate"} == found(home)
    put_right(home, payment)
    before = home.dump()

    with pytest.raises(errors.DifferenceNotFound):
        put_right(home, payment, unasked)

    assert before == home.dump()


@pytest.mark.parametrize(
    ("why", "operator", "error"),
    [
        ("", OPERATOR, errors.MissingReason),
        ("  ", OPERATOR, errors.MissingReason),
        ("x" * 101, OPERATOR, errors.TextTooLong),
        ("a\x1b[31m", OPERATOR, errors.UnprintableText),
        ("对账", ZHANG, errors.OperatorNotFound),
        ("对账", "", errors.OperatorNotFound),
        ("对账", "\x1b[31m", errors.OperatorNotFound),
    ],
)
def test_a_correction_has_a_reason_and_somebody_who_answers_for_it(
    home: World, why: str, operator: str, error: type[errors.HongbaoError]
):
    """
    Otherwise nobody is even asked for a PIN.
    """
    payment = misbooked(home, Fault.SHORTAGE)
    before = home.dump()

    with Wallet.open(home.env, profile=ZHANG) as desk, pytest.raises(error):
        desk.correct(payment, why=why, operator=operator, pin=unasked)

    assert before == home.dump()


def test_five_wrong_pins_lock_the_operator_and_nobody_else(home: World):
    """
    The payment PIN is a wrong one here, too. Three hours later the operator's own works again.
    """
    payment = misbooked(home, Fault.SHORTAGE)
    for left in (4, 3, 2, 1):
        with pytest.raises(errors.WrongPin) as caught:
            put_right(home, payment, right if left % 2 else wrong)
        assert left == caught.value.facts["attempts_left"]
    with pytest.raises(errors.PinLocked):
        put_right(home, payment, wrong)
    with pytest.raises(errors.PinLocked):
        put_right(home, payment, unasked)
    assert {payment: "shortage"} == found(home)

    with Wallet.open(home.env, profile=ZHANG) as desk:
        pay(desk, "withdraw")  # whose own PIN has all its tries
        desk.advance_clock(timedelta(hours=3))
        desk.correct(payment, why="对账", operator=OPERATOR, pin=theirs)
    assert {} == home.findings()


def test_a_card_that_holds_too_little_is_not_overdrawn(home: World):
    """
    What a correction would take has to be there; until then the difference stays.
    """
    payment = misbooked(home, Fault.SHORTAGE)
    with Wallet.open(home.env, profile=ZHANG) as desk:
        pay(desk, "topup", money(home).card - 1)
    before = home.dump(PINS)

    with pytest.raises(errors.InsufficientCard):
        put_right(home, payment)

    assert before == home.dump(PINS)
    with Wallet.open(home.env, profile=ZHANG) as desk:
        pay(desk, "withdraw")
    put_right(home, payment)
    assert {} == found(home)


PINS = {"operator": ("pin_tries", "pin_cleared", "pin_locked_until")}


def test_operators_have_names_and_pins_like_everybody(home: World):
    """
    One name for one operator, whatever its case; a PIN that nobody guesses.
    """
    with Wallet.open(home.env, profile=ZHANG) as desk:
        with pytest.raises(errors.OperatorExists):
            desk.add_operator(OPERATOR, pin=unasked, by=right)
        with pytest.raises(errors.WeakPin):
            desk.add_operator("Wu", pin=lambda: Pin("111111"), by=By(OPERATOR, theirs))
        with pytest.raises(errors.InvalidName):
            desk.add_operator("\x1b[31m", pin=unasked, by=right)
        desk.add_operator(
            ZHANG, pin=theirs, by=By(OPERATOR, theirs)
        )  # a user's name is another matter
        assert [OPERATOR, ZHANG] == [line["operator"] for line in desk.operators()]
        with pytest.raises(errors.OperatorExists):
            desk.add_operator(ZHANG.upper(), pin=unasked, by=right)
    assert {} == home.findings()


@pytest.mark.parametrize("reason", ["topup", "withdraw"])
def test_a_single_fen_that_is_booked_twice_over_is_found_and_put_right(home: World, reason: str):
    """
    Half of it is none, so a bank that books a wrong amount books two: more than it was asked for.
    """
    with Wallet.open(home.env, profile=ZHANG) as desk:
        pay(desk, "topup", YUAN)
    payment = misbooked(home, Fault.WRONG_AMOUNT, reason, 1)
    assert {payment: "amount"} == found(home)

    put_right(home, payment)

    assert {} == found(home)
    with Wallet.open(home.env, profile=ZHANG) as desk:
        assert desk.check()["ok"]


# --- statements ----------------------------------------------------------------------------------


def test_a_statement_file_says_the_same_as_the_bank(home: World):
    """
    With its file the bank need not be asked.
    """
    payment = misbooked(home, Fault.WRONG_AMOUNT)
    lines = statement(home)

    with Wallet.open(home.env, profile=ZHANG) as desk:
        reconciled = desk.reconcile(statement=lambda: lines)
        assert desk.reconcile(DAY, bank=BANK) == reconciled

    assert [payment] == [line["message"] for line in reconciled["differences"]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"Svcr,{BANK}", f"Svcr,{OTHER_BANK}"),
        ("2026-02-16", "2026-02-17"),
        (",DBIT,", ",CRDT,"),
        (",BOOK,", ",CORR,"),
        ("NU2026", "NU2027"),
        ("100.00", "100.01"),
    ],
)
def test_an_edited_statement_is_not_believed(home: World, old: str, new: str):
    """
    Whatever was edited, and before anything in it is compared.
    """
    misbooked(home, Fault.SHORTAGE, fen=50 * YUAN)
    with Wallet.open(home.env, profile=ZHANG) as desk:
        pay(desk, "topup")
    lines = statement(home)
    edited = "".join(lines).replace(old, new).splitlines(keepends=True)
    assert lines != edited

    with Wallet.open(home.env, profile=ZHANG) as desk, pytest.raises(errors.BankStatementForged):
        desk.reconcile(statement=lambda: edited)


def test_a_statement_of_another_home_is_not_believed(home: World, tmp_path: Path):
    """
    Its banks have keys of their own.
    """
    other = demo(tmp_path / "other")
    lines = statement(other)
    other.close()

    with Wallet.open(home.env, profile=ZHANG) as desk, pytest.raises(errors.BankStatementForged):
        desk.reconcile(statement=lambda: lines)


@pytest.mark.parametrize("cut", [0, 1, 8])
def test_a_statement_that_is_cut_short_is_no_statement(home: World, cut: int):
    """
    Not even an empty file is.
    """
    lines = statement(home)[:cut]

    with Wallet.open(home.env, profile=ZHANG) as desk, pytest.raises(errors.InvalidBankStatement):
        desk.reconcile(statement=lambda: lines)


def test_a_statement_from_before_new_keys_is_still_the_banks(home: World):
    """
    What a bank signed, it signed, whatever keys the home has now; what it signs now holds, too.
    """
    misbooked(home, Fault.SHORTAGE)
    before = statement(home)
    with Wallet.open(home.env, profile=ZHANG) as desk:
        desk.rekey()
    after = statement(home)

    with Wallet.open(home.env, profile=ZHANG) as desk:
        old = desk.reconcile(statement=lambda: before)
        new = desk.reconcile(statement=lambda: after)

    assert before[:-1] == after[:-1]
    assert old == new
    assert 1 == len(new["differences"])


def test_a_day_that_is_over_always_gives_the_same_statement(home: World):
    """
    Later days do not change it; a correction is a line of its own.
    """
    payment = misbooked(home, Fault.SHORTAGE)
    with Wallet.open(home.env, profile=ZHANG) as desk:
        desk.advance_clock(timedelta(days=1))
        first = list(desk.bank_statement(BANK, DAY)[1])
        pay(desk, "topup")
        desk.advance_clock(timedelta(days=1))
        assert first[:-1] == list(desk.bank_statement(BANK, DAY)[1])[:-1]
    put_right(home, payment)

    assert ["CORR"] == [
        line.split(",")[5] for line in statement(home) if payment in line and line not in first
    ]


# --- settling ------------------------------------------------------------------------------------


def test_settling_twice_is_settling_once(home: World):
    """
    The second time there is nothing to do, and nothing is written, or said to be under way.
    """
    heard: list[tuple[int, int]] = []
    with Wallet.open(home.env, profile=ZHANG) as desk:
        pay(desk, "topup")
        first = desk.settle(progress=lambda done, total: heard.append((done, total)))
        before = home.dump()
        second = desk.settle(progress=lambda done, total: heard.append((done, total)))

    assert [(1, 1)] == heard
    assert (1, 0) == (first["messages"], second["messages"])
    assert second["batch"] is None
    assert before == home.dump()


def piled_up(world: World, count: int) -> None:
    """Put *count* more payments of one fen into the ledger, all waiting to be settled."""
    transit = ("debit", "platform", "incoming"), ("credit", BANK, "outgoing")
    world.edit(
        *(
            f"UPDATE account SET {side}s_fen = {side}s_fen + {count}"
            f" WHERE book = '{book}' AND kind = '{kind}'"
            + (" AND owner = 2" if book == "platform" else "")
            for side, book, kind in transit
        ),
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
        f"{count}) INSERT INTO message (number, id, channel, bank, card, profile, direction,"
        " reason, amount_fen, fee_fen, terms, created_at, due_at, entry, day, state, outcome)"
        " SELECT 1000 + i, 'NU20260216' || (100000 + i), channel, bank, card, profile,"
        " direction, reason, 1, 0, terms, created_at, due_at, 100000 + i, day, state, 200000 + i"
        f" FROM message, n WHERE number = (SELECT min(number) FROM message WHERE bank = '{BANK}')",
    )


def test_a_large_settlement_takes_little_memory_and_tells_how_far_it_is(home: World):
    """
    30,000 payments are one batch; what is kept of them in memory does not grow with them.
    """
    peaks: list[int] = []
    heard: list[list[tuple[int, int]]] = []
    for count in (300, 30_000):
        world = home.copy(home.folder.parent / str(count))
        piled_up(world, count)
        with Wallet.open(world.env, profile=ZHANG) as desk:
            tracemalloc.start()
            heard.append([])
            settled = desk.settle(progress=lambda done, total: heard[-1].append((done, total)))
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert count == settled["messages"]
            assert count == settled["gross_fen"]
            assert desk.settle()["batch"] is None
        world.close()

    assert [[(300, 300)], [(10_000, 30_000), (20_000, 30_000), (30_000, 30_000)]] == heard
    assert peaks[1] < peaks[0] + SOME_BYTES


@pytest.mark.slow
def test_a_large_day_is_reconciled_in_little_memory(home: World):
    """
    Payment by payment: what agrees is counted and let go.
    """
    peaks = []
    for count in (300, 3_000):
        world = home.copy(home.folder.parent / str(count))
        piled_up(world, count)
        world.edit(
            "INSERT INTO bank_line (bank, number, message, direction, amount_fen, status, day,"
            " entry) SELECT bank, number, number, direction, amount_fen, 'BOOK', day, 1"
            " FROM message WHERE number > 1000"
        )
        with Wallet.open(world.env, profile=ZHANG) as desk:
            tracemalloc.start()
            reconciled = desk.reconcile()
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert reconciled["ok"]
        assert [count + 1] == [bank["matched"] for bank in reconciled["banks"]]
        world.close()

    assert peaks[1] < peaks[0] + SOME_BYTES
