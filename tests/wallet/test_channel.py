"""Payments through the channel: whatever goes wrong, each has one outcome, and money one owner."""

import json
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from hongbao import errors
from hongbao.changes.payments import SetFault
from hongbao.domain.channel import MAGIC_FAULTS, Fault, FaultRow, MessageState
from hongbao.store import MessageRow, MessageView
from hongbao.wallet import Wallet, banks, clearing, unit_of_work
from tests.wallet.channels import (
    BANK,
    DAY,
    FEN,
    HALF_MINUTE,
    MAGIC,
    OTHER_BANK,
    REASONS,
    acts,
    break_at,
    mended,
    messages,
    money,
    pay,
    unclaimed,
    used,
)
from tests.wallet.world import CARD, PINS, YUAN, ZHANG, World, changed, id_number, right, tail

# --- every fault, for every kind of payment ------------------------------------------------------


class Course(NamedTuple):
    """
    How a payment goes where a bank has a fault.

    *told* is what is raised; *state* and *theirs* are the message's two states right then, and
    *ended* and *theirs_ended* once the fault is gone and everything was asked for. *times* is how
    often the amount is moved at the customer's account, in halves.
    """

    told: type[errors.HongbaoError] | None
    state: str
    theirs: str | None
    ended: str
    theirs_ended: str | None
    halves: int


PENDING = errors.PaymentPending
COURSES = {
    None: Course(None, "accepted", "booked", "accepted", "booked", 2),
    Fault.TIMEOUT: Course(PENDING, "unknown", "booked", "accepted", "booked", 2),
    Fault.LOST: Course(PENDING, "unknown", None, "reversed", None, 0),
    Fault.LATE: Course(PENDING, "unknown", "queued", "reversed", "reversed", 0),
    Fault.SLOW: Course(PENDING, "unknown", "queued", "accepted", "booked", 2),
    Fault.DECLINE: Course(errors.BankDeclined, "rejected", "refused", "rejected", "refused", 0),
    Fault.INSUFFICIENT: Course(
        errors.InsufficientCard, "rejected", "refused", "rejected", "refused", 0
    ),
    Fault.CLOSED: Course(errors.CardAccountClosed, "rejected", "refused", "rejected", "refused", 0),
    Fault.DOWN: Course(errors.BankDown, "", None, "", None, 0),
    Fault.DUPLICATE_ANSWER: Course(None, "accepted", "booked", "accepted", "booked", 2),
    Fault.SURPLUS: Course(errors.BankDeclined, "rejected", "refused", "rejected", "refused", 2),
    Fault.SHORTAGE: Course(None, "accepted", "booked", "accepted", "booked", 0),
    Fault.WRONG_AMOUNT: Course(None, "accepted", "booked", "accepted", "booked", 1),
    Fault.WRONG_STATE: Course(None, "accepted", "booked", "accepted", "booked", 0),
    Fault.DOUBLE_BOOKING: Course(None, "accepted", "booked", "accepted", "booked", 4),
}
WAITING = Course(None, "created", None, "accepted", "booked", 2)
"""A refund to a bank that is down: it does not set out."""

ANSWERED_LATER = {Fault.LATE, Fault.SLOW}
"""At once, these have moved nothing yet."""


def test_every_fault_has_a_course():
    """
    A fault that is added to the channel is tried here.
    """
    assert {*Fault} == {*COURSES} - {None}
    assert {fault: fen for fen, fault in MAGIC_FAULTS.items()} == MAGIC


def moves(reason: str, state: str, moved_fen: int, fen: int) -> dict[str, int]:
    """Return what is elsewhere than before, where a bank has moved *moved_fen* for *fen*."""
    debit = reason in ("topup", "send")
    accepted = state == "accepted"
    owed_fen = fen if accepted else 0
    here = {"card": -moved_fen if debit else moved_fen}
    match reason, state:
        case "topup", "accepted":
            here["balance"] = fen
        case "send", "accepted":
            here["packets"] = fen
        case "withdraw", "accepted":
            here["balance"] = -fen
        case "withdraw", "unknown":
            here |= {"balance": -fen, "pending": fen}
        case "refund", "accepted":
            here["pending"] = -fen
        case "refund", "rejected" | "reversed":
            here |= {"pending": -fen, "balance": fen}
    here["ours_in" if debit else "ours_out"] = owed_fen
    if state == "created":
        return {}
    if state == "unknown":
        here["theirs_out" if debit else "theirs_in"] = moved_fen
    else:
        here["theirs_out" if debit else "theirs_in"] = owed_fen
        more, less = ("surplus", "shortage") if debit else ("shortage", "surplus")
        here[more if moved_fen > owed_fen else less] = abs(moved_fen - owed_fen)
    return {name: moved for name, moved in here.items() if moved}


def settled(moved: dict[str, int]) -> dict[str, int]:
    """Return the same once what was in transit is settled."""
    reserve_fen = moved.get("ours_in", 0) - moved.get("ours_out", 0)
    left = {name: fen for name, fen in moved.items() if not name.startswith(("ours", "theirs"))}
    return {**left, **({"reserve": reserve_fen} if reserve_fen else {})}


FLOWS = {"topup": "topup", "send": "send_card", "withdraw": "withdraw"}
TODAY = "2026-02-16"


def counting(counted: dict[Any, int], reason: str, state: str, fen: int) -> dict[Any, int]:
    """Return what counts against the limits; a refund's quota came back with the refund itself."""
    if reason == "refund" or state not in ("accepted", "unknown"):
        return counted
    key = FLOWS[reason], TODAY
    return {**counted, key: counted.get(key, 0) + fen}


TOLD_HOW = [
    pytest.param(fault, how, id=f"{fault}-{how}", marks=[] if how == "switch" else pytest.mark.slow)
    for fault in COURSES
    for how in ("switch", "amount", "magic")
    if (fault, how) != (Fault.DOWN, "magic")  # which nobody can mend
]


@pytest.mark.in_turn(2)
@pytest.mark.parametrize(("fault", "how"), TOLD_HOW)
@pytest.mark.parametrize("reason", REASONS)
def test_whatever_a_bank_does_there_is_one_outcome(
    reason: str, fault: Fault | None, how: str, demo: World
):
    """
    What the caller is told, both sides' states, every account concerned and the limits, right then
    and after the fault is gone; and asked for again, the payment is answered and not made again.
    """
    refund = reason == "refund"
    course = WAITING if refund and fault is Fault.DOWN else COURSES[fault]
    fen = MAGIC[fault] if fault and how == "magic" else FEN
    if refund:
        unclaimed(demo, fen)
    before, begun, counted = money(demo), len(messages(demo)) - refund, used(demo)
    if fault and how != "magic":
        break_at(demo, fault, fen=fen if how == "amount" else None)
    zhang, entries, told = demo.zhang, len(acts(demo)), None

    def ask() -> Any:
        return pay(zhang, reason, fen, request_id="mine")

    if refund:
        zhang.advance_clock(DAY)
    elif course.told is None:
        told = ask()
    else:
        with pytest.raises(course.told) as refused:
            ask()
        assert fen == refused.value.facts.get("amount_fen", fen)

    assert {} == demo.findings()
    moved_fen = fen * course.halves // 2
    if not course.state:
        assert (before, counted, entries) == (money(demo), used(demo), len(acts(demo)))
        assert begun == len(messages(demo))
        mended(demo)
        assert "replayed" not in ask()
        return
    [message] = messages(demo)[begun:]
    assert (course.state, course.theirs) == (message["state"], message["theirs"])
    at_once_fen = 0 if fault in ANSWERED_LATER else moved_fen
    assert moves(reason, course.state, at_once_fen, fen) == money(demo) - before
    assert counting(counted, reason, course.state, fen) == used(demo)

    mended(demo)

    assert {} == demo.findings()
    [message] = messages(demo)[begun:]
    assert (course.ended, course.theirs_ended) == (message["state"], message["theirs"])
    assert settled(moves(reason, course.ended, moved_fen, fen)) == money(demo) - before
    assert counting(counted, reason, course.ended, fen) == used(demo)

    if refund:
        return
    entries = len(acts(demo))
    for _ in range(2):
        if course.ended == "accepted":
            answer = ask()
            assert answer.pop("replayed") is True
            assert told in (None, answer)
            assert ("mine", message["id"]) == (answer["request_id"], answer["payment"])
        else:
            refusal = errors.PaymentReversed if course.ended == "reversed" else course.told
            assert refusal is not None
            with pytest.raises(refusal):
                ask()
    assert entries == len(acts(demo))


@pytest.mark.parametrize("reason", ["topup", "send", "withdraw"])
def test_an_amount_that_is_down_by_magic_is_refused(reason: str, demo: World):
    """
    Before anything is written; no mending helps, as the amount itself asks for it.
    """
    before = demo.dump(ignoring=PINS)
    for _ in range(2):
        with pytest.raises(errors.BankDown) as down:
            pay(demo.zhang, reason, MAGIC[Fault.DOWN], request_id="mine")
        assert BANK == down.value.facts["bank"]
    assert before == demo.dump(ignoring=PINS)


@pytest.mark.parametrize("fault", [Fault.DECLINE, Fault.LOST, Fault.LATE])
def test_a_fee_that_was_not_earned_is_given_back(fault: Fault, demo: World):
    """
    With the amount, and with the free allowance that the withdrawal would have used.
    """
    zhang = demo.zhang
    zhang.withdraw(900 * YUAN, pin=right)
    zhang.settle()
    before, free_fen = money(demo), zhang.limits()["withdraw_free_left_fen"]
    break_at(demo, fault)

    with pytest.raises((errors.BankDeclined, PENDING)):
        zhang.withdraw(500 * YUAN, pin=right)
    if fault is not Fault.DECLINE:
        assert {"balance": -500_40, "pending": 500_40} == money(demo) - before
        assert 0 == zhang.limits()["withdraw_free_left_fen"]
        assert 500_40 == zhang.balance()["on_its_way_fen"]
    mended(demo)

    assert before == money(demo)
    assert free_fen == zhang.limits()["withdraw_free_left_fen"]
    assert {} == demo.findings()


# --- a message is booked once --------------------------------------------------------------------


class Cut(BaseException):
    """The process is gone."""


def cut_at(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Let whoever comes to *place* be gone, once."""

    def gone(*_: object, **__: object) -> None:
        monkeypatch.undo()
        raise Cut

    monkeypatch.setattr(clearing, place, gone)


def under_way(world: World, reason: str, at: str, patch: pytest.MonkeyPatch) -> int:
    """Return the number of a payment whose process was gone as it came to *at*."""
    if reason == "refund":
        unclaimed(world)
    desk = world.zhang
    cut_at(patch, at)
    if reason == "refund":
        with pytest.raises(Cut):
            desk.advance_clock(DAY)
    else:
        with pytest.raises(Cut):
            pay(desk, reason, request_id="mine")
    return int(messages(world)[-1]["number"])


@pytest.mark.in_turn(2, 1)
@pytest.mark.parametrize("at", ["_send_off", "bank_receives", "_hear"])
@pytest.mark.parametrize("reason", REASONS)
def test_a_message_that_is_sent_again_is_booked_once(
    reason: str, at: str, demo: World, monkeypatch: pytest.MonkeyPatch
):
    """
    By two desks at once and however often: the bank knows its id, and so does the platform.
    """
    number = under_way(demo, reason, at, monkeypatch)
    one, other = demo.zhang, demo.li
    card_fen = money(demo).card
    assert {} == demo.findings()
    if at == "_send_off":
        message = one.store.message(number)
        clearing._send_off(one.home, message)
        clearing._send_off(other.home, message)
    message = one.store.message(number)
    assert MessageState.SENT is message.state

    replies = {banks.bank_receives(desk.home, message) for desk in (one, other, one)}

    [reply] = replies
    assert reply is not None
    moved_fen = 0 if at == "_hear" else FEN
    assert moved_fen == abs(money(demo).card - card_fen)
    assert {} == demo.findings()
    for desk in (one, other, one):
        clearing._hear(desk.home, message, reply)
    entries = len(acts(demo))
    for desk in (one, other):
        assert MessageState.ACCEPTED is clearing.carry(desk.home, number).state
    assert entries == len(acts(demo))
    assert [1] * 4 == [acts(demo)[-4:].count(act) for act in acts(demo)[-4:]]
    assert moved_fen == abs(money(demo).card - card_fen)
    assert {} == demo.findings()


def due(wallet: Wallet) -> list[MessageRow]:
    """Return the messages that are due, of everyone."""
    return wallet.store.messages(MessageView.DUE, now=wallet.now())


@pytest.mark.in_turn(2)
@pytest.mark.parametrize("at", ["_send_off", "bank_receives", "_hear", "_book"])
@pytest.mark.parametrize("reason", ["topup", "send", "withdraw"])
@pytest.mark.parametrize("how", ["again", "next", "settle"])
def test_what_was_cut_off_is_carried_on(
    reason: str, at: str, how: str, demo: World, monkeypatch: pytest.MonkeyPatch
):
    """
    By the same request, by whatever the profile does with money next, or by `settle`.
    """
    number = under_way(demo, reason, at, monkeypatch)
    zhang = demo.zhang
    assert [number] == [message.number for message in due(zhang)]

    match how:
        case "again":
            assert (
                zhang.store.message(number).id == pay(zhang, reason, request_id="mine")["payment"]
            )
        case "next":
            zhang.topup(YUAN, pin=right)
        case "settle":
            [line] = zhang.settle()["resolved"]
            assert ("accepted", ZHANG) == (line["state"], line["profile"])

    assert MessageState.ACCEPTED is zhang.store.message(number).state
    assert pay(zhang, reason, request_id="mine")["payment"] == zhang.store.message(number).id
    assert {} == demo.findings()


def test_the_next_command_asks_only_for_its_own_profile(demo: World):
    """
    Li's top-up leaves Zhang's payment alone; Zhang's own finds out about it.
    """
    zhang, li = demo.zhang, demo.li
    with pytest.raises(PENDING):
        zhang.topup(MAGIC[Fault.TIMEOUT], pin=right)

    li.topup(YUAN, pin=right)
    assert 1 == len(due(zhang))
    zhang.topup(YUAN, pin=right)

    assert [] == due(zhang)
    assert 2001 * YUAN + MAGIC[Fault.TIMEOUT] == zhang.balance()["available_fen"]


@pytest.mark.parametrize("fault", [Fault.TIMEOUT, Fault.LOST, Fault.DOWN])
@pytest.mark.parametrize("reason", ["topup", "send", "withdraw"])
def test_a_silent_bank_is_silent_however_often_it_is_asked(reason: str, fault: Fault, demo: World):
    """
    The payment stays pending through settlements and days; nothing is written down about it.
    """
    break_at(demo, Fault.TIMEOUT if fault is Fault.DOWN else fault)
    zhang = demo.zhang
    with pytest.raises(PENDING):
        pay(zhang, reason, request_id="mine")
    if fault is Fault.DOWN:
        break_at(demo, fault)
    before, entries = money(demo), len(acts(demo))

    for _ in range(2):
        told = zhang.settle()
        assert (1, None) == (told["still_pending"], told["batch"])
        assert ["unknown"] == [line["state"] for line in told["resolved"]]
        with pytest.raises(PENDING):
            pay(zhang, reason, request_id="mine")
        zhang.advance_clock(DAY)

    assert (before, entries) == (money(demo), len(acts(demo)))
    assert {} == demo.findings()


def test_a_slow_bank_is_waited_for(demo: World):
    """
    It says that it is working on it until its time is over, and books then.
    """
    zhang = demo.zhang
    with pytest.raises(PENDING):
        zhang.topup(MAGIC[Fault.SLOW], pin=right, request_id="mine")
    zhang.advance_clock(HALF_MINUTE - timedelta(seconds=1))
    assert ["unknown"] == [line["state"] for line in zhang.settle()["resolved"]]

    zhang.advance_clock(timedelta(seconds=1))

    assert ["accepted"] == [line["state"] for line in zhang.settle()["resolved"]]
    assert (
        MAGIC[Fault.SLOW]
        == zhang.topup(MAGIC[Fault.SLOW], pin=right, request_id="mine")["amount_fen"]
    )


def test_a_card_that_was_emptied_meanwhile_cannot_pay_late(demo: World):
    """
    A slow or forgetful bank looks at what is there when it books, not when it was asked.
    """
    zhang = demo.zhang
    for fault in (Fault.SLOW, Fault.LATE):
        with pytest.raises(PENDING):
            zhang.topup(MAGIC[fault], pin=right, request_id=str(fault))
    zhang.topup(98_000 * YUAN, pin=right)
    assert 0 == money(demo).card

    mended(demo)

    with pytest.raises(errors.InsufficientCard):
        zhang.topup(MAGIC[Fault.SLOW], pin=right, request_id="slow")
    with pytest.raises(errors.PaymentReversed):
        zhang.topup(MAGIC[Fault.LATE], pin=right, request_id="late")
    assert ["refused", "refused"] == [
        one["theirs"] for one in messages(demo) if one["amount_fen"] in MAGIC.values()
    ]
    assert {} == demo.findings()


def test_a_dry_run_through_a_fault_changes_nothing(demo: World):
    """
    It tells what would come of it, whatever that is.
    """
    for fault, fen in MAGIC.items():
        before = demo.dump(ignoring=PINS)
        told = COURSES[fault].told
        if told is None:
            assert demo.zhang.topup(fen, pin=right, dry_run=True)["dry_run"]
        else:
            with pytest.raises(told):
                demo.zhang.topup(fen, pin=right, dry_run=True)
        assert before == demo.dump(ignoring=PINS)


# --- answers that come twice, or late, or to what is over ----------------------------------------


def test_an_answer_that_comes_twice_is_noted(demo: World):
    """
    One booking, one top-up, and a note that says so: one, though many heard it.
    """
    entries = len(acts(demo))
    zhang, li = demo.zhang, demo.li
    zhang.topup(MAGIC[Fault.DUPLICATE_ANSWER], pin=right)
    message = zhang.store.message(messages(demo)[-1]["number"])
    reply = banks.bank_receives(li.home, message)
    clearing._hear(li.home, message, reply)

    steps = ["instruct_topup", "sent", "bank", "topup", "duplicate_answer"]
    assert steps == acts(demo, entries)
    assert {} == demo.findings()


def test_answers_that_two_desks_note_at_once_are_noted_once(
    demo: World, monkeypatch: pytest.MonkeyPatch
):
    """
    Both have seen that nobody has noted it yet.
    """
    zhang, li = demo.zhang, demo.li
    zhang.topup(FEN, pin=right)
    message = zhang.store.message(messages(demo)[-1]["number"])
    entries, step = len(acts(demo)), unit_of_work.perform_step_for

    def after_li(*arguments: Any, **named: Any) -> bool:
        monkeypatch.undo()
        clearing._note_answer(li.home, "duplicate_answer", message)
        return step(*arguments, **named)

    monkeypatch.setattr(clearing, "perform_step_for", after_li)
    clearing._note_answer(zhang.home, "duplicate_answer", message)

    assert ["duplicate_answer"] == acts(demo, entries)


def test_a_late_booking_is_undone_by_the_bank(demo: World):
    """
    The platform has undone the payment and tells the bank so, when that finds it at last.
    """
    zhang, before, entries = demo.zhang, money(demo), len(acts(demo))
    with pytest.raises(PENDING):
        zhang.topup(MAGIC[Fault.LATE], pin=right)

    zhang.settle()

    steps = ["instruct_topup", "sent", "bank", "unknown", "not_paid", "bank", "late_answer", "bank"]
    assert steps == acts(demo, entries)
    told = {row[1]: json.loads(row[12]) for row in demo.dump()["entry"][entries:]}
    assert ("sent", "unknown") == (told["sent"][6], told["unknown"][6])
    assert before == money(demo)
    zhang.settle()
    assert len(steps) == len(acts(demo, entries))


def test_a_late_booking_whose_money_is_spent_is_undone_when_there_is_some(
    demo: World, monkeypatch: pytest.MonkeyPatch
):
    """
    The bank credited a card by mistake, and its owner was quicker than the correction: it waits
    until the card holds enough, and nothing goes below zero meanwhile.
    """
    zhang = demo.zhang
    with pytest.raises(PENDING):
        zhang.withdraw(MAGIC[Fault.LATE], pin=right)
    cut_at(monkeypatch, "bank_undoes")
    with pytest.raises(Cut):
        zhang.settle()
    zhang.topup(money(demo).card, pin=right)

    zhang.settle()
    zhang.advance_clock(DAY)

    assert ("reversed", "late") == (messages(demo)[1]["state"], messages(demo)[1]["theirs"])
    assert {} == demo.findings()
    zhang.withdraw(500 * YUAN, pin=right)
    zhang.settle()
    assert "reversed" == messages(demo)[1]["theirs"]
    assert {} == demo.findings()


@pytest.mark.parametrize("reason", REASONS)
def test_a_message_that_was_given_up_is_not_booked_any_more(
    reason: str, demo: World, monkeypatch: pytest.MonkeyPatch
):
    """
    One process still has it in its hands, when the bank has never heard of it and another process
    undoes it: it arrives too late, and moves nothing.
    """
    break_at(demo, Fault.LOST)
    if reason == "refund":
        demo.zhang.set_fault(BANK, None)
    number = under_way(demo, reason, "bank_receives", monkeypatch)
    slow, quick = demo.zhang, demo.li
    in_hand = slow.store.message(number)
    quick.set_fault(BANK, Fault.LOST)
    clearing.carry(quick.home, number)
    quick.set_fault(BANK, None)
    assert MessageState.REVERSED is clearing.carry(quick.home, number).state
    before = money(demo)

    clearing._hear(slow.home, in_hand, banks.bank_receives(slow.home, in_hand))

    assert before == money(demo)
    assert {} == demo.findings()


@pytest.mark.parametrize("reason", REASONS)
def test_a_message_that_arrives_while_it_is_given_up_is_not_undone(
    reason: str, demo: World, monkeypatch: pytest.MonkeyPatch
):
    """
    The other way round: the bank books between saying that it knows nothing and being told so.
    """
    number = under_way(demo, reason, "bank_receives", monkeypatch)
    slow, quick = demo.zhang, demo.li
    in_hand = slow.store.message(number)
    quick.set_fault(BANK, Fault.LOST)
    clearing.carry(quick.home, number)
    quick.set_fault(BANK, None)
    unknown = quick.store.message(number)
    not_found = banks.bank_is_asked(quick.home, unknown)

    reply = banks.bank_receives(slow.home, in_hand)
    clearing._hear(quick.home, unknown, not_found)
    clearing._hear(slow.home, in_hand, reply)

    assert MessageState.ACCEPTED is clearing.carry(quick.home, number).state
    assert {} == demo.findings()


@pytest.mark.parametrize("reason", ["topup", "send", "withdraw"])
def test_what_is_undone_the_next_day_counts_on_neither(reason: str, demo: World):
    """
    Quota goes back to the day it was taken from, and the next day's own room is left alone.
    """
    counted = used(demo)
    break_at(demo, Fault.LOST)
    with pytest.raises(PENDING):
        pay(demo.zhang, reason)
    demo.zhang.advance_clock(timedelta(hours=13))
    break_at(demo, None)

    [resolved] = demo.zhang.settle()["resolved"]

    assert "reversed" == resolved["state"]
    assert counted == used(demo)
    assert {} == demo.findings()


# --- which channel -------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", REASONS)
def test_a_payment_takes_the_other_channel_where_one_is_down(reason: str, demo: World):
    """
    Its id says which one has carried it, and so does the trace of the message.
    """
    break_at(demo, Fault.DOWN, "netsunion")
    if reason == "refund":
        unclaimed(demo)
        demo.zhang.advance_clock(DAY)
    else:
        pay(demo.zhang, reason)

    [*_, message] = messages(demo)
    assert ("unionpay", "UP", "accepted") == (
        message["channel"],
        message["id"][:2],
        message["state"],
    )
    assert {} == demo.findings()


def test_the_first_channel_is_taken_again_once_it_is_mended(demo: World):
    """
    Each payment looks anew.
    """
    zhang = demo.zhang
    zhang.set_fault("netsunion", Fault.DOWN)
    assert zhang.topup(FEN, pin=right)["payment"].startswith("UP")
    zhang.set_fault("netsunion", None)
    assert zhang.topup(FEN, pin=right)["payment"].startswith("NU")


@pytest.mark.parametrize("reason", ["topup", "send", "withdraw"])
def test_with_both_channels_down_nothing_is_written(reason: str, demo: World):
    """
    That is said, for every amount or for the one concerned; paying from the balance still works.
    """
    zhang = demo.zhang
    zhang.set_fault("netsunion", Fault.DOWN)
    zhang.set_fault("unionpay", Fault.DOWN, amount_fen=FEN)
    before = demo.dump(ignoring=PINS)

    with pytest.raises(errors.ChannelDown) as down:
        pay(zhang, reason, request_id="mine")

    assert BANK == down.value.facts["bank"]
    assert before == demo.dump(ignoring=PINS)
    assert pay(zhang, reason, FEN + 1)["payment"].startswith("UP")
    zhang.send(FEN, pin=right)
    zhang.set_fault("unionpay", None)
    assert pay(zhang, reason, request_id="mine")["payment"].startswith("UP")


@pytest.mark.parametrize(
    ("changes", "channels"),
    [
        ({}, ["NU", "NU"]),
        ({"order": '["unionpay", "netsunion"]'}, ["UP", "UP"]),
        ({"order": f'["netsunion", "unionpay"]\nroutes = {{ {BANK} = "unionpay" }}'}, ["UP", "NU"]),
    ],
)
def test_the_policy_says_which_channel_is_first(
    changes: dict[str, str], channels: list[str], demo: World
):
    """
    For every bank, or for one; whichever it is, the other one is there where it is down.
    """
    demo.zhang.use_policy(changed(**changes))

    for down in (None, "netsunion", "unionpay"):
        if down:
            demo.zhang.set_fault(down, Fault.DOWN)
        payments = [desk.topup(FEN, pin=right)["payment"][:2] for desk in (demo.zhang, demo.li)]
        expected = channels
        if down:
            expected = ["UP" if down == "netsunion" else "NU"] * 2
            demo.zhang.set_fault(down, None)
        assert expected == payments


def test_a_channel_that_goes_down_takes_no_questions(demo: World):
    """
    A payment that it has carried stays pending until it is there again: nothing reaches the bank.
    """
    zhang = demo.zhang
    with pytest.raises(PENDING):
        zhang.topup(MAGIC[Fault.TIMEOUT], pin=right)
    zhang.set_fault("netsunion", Fault.DOWN)

    assert 1 == zhang.settle()["still_pending"]

    zhang.set_fault("netsunion", None)
    assert 0 == zhang.settle()["still_pending"]


def test_a_message_does_not_get_through_a_channel_that_went_down(
    demo: World, monkeypatch: pytest.MonkeyPatch
):
    """
    Its process was gone before it had sent it; nobody knows then whether it arrived, until it is
    asked for and has not.
    """
    number = under_way(demo, "topup", "_send_off", monkeypatch)
    zhang = demo.zhang
    before = money(demo)
    zhang.set_fault("netsunion", Fault.DOWN)

    zhang.settle()

    assert MessageState.UNKNOWN is zhang.store.message(number).state
    assert before == money(demo)
    zhang.set_fault("netsunion", None)
    zhang.settle()
    assert MessageState.REVERSED is zhang.store.message(number).state


# --- only in demos -------------------------------------------------------------------------------


@pytest.mark.in_turn(3)
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("founded", [{"clock": "virtual"}, {"dice": "88"}, {}], ids=str)
def test_nothing_goes_wrong_in_a_home_that_is_not_a_demo(
    founded: dict[str, Any], fault: Fault, empty: World
):
    """
    Not by magic, and not though a fault were written into its ledger.
    """
    if "clock" in founded:
        founded = {"clock": empty.at}
    zhang = empty.found(ZHANG, **founded)
    zhang.add_card(CARD, pin=right)
    with pytest.raises(errors.NotADemoHome):
        zhang.set_fault(BANK, fault)
    with zhang.store.transaction():
        for place, fen in ((BANK, None), (BANK, FEN), ("netsunion", None), ("unionpay", None)):
            zhang.store.apply([SetFault(FaultRow(place, fault, fen), 1)])

    for fen in (MAGIC[fault], FEN):
        assert fen == zhang.topup(fen, pin=right)["amount_fen"]
        assert fen == zhang.withdraw(fen, pin=right)["amount_fen"]

    assert {"accepted"} == {one["state"] for one in messages(empty)}
    assert {"state"} == set(empty.findings())  # nobody has told them to


def test_a_fault_is_one_banks_own(demo: World):
    """
    Other banks carry on.
    """
    break_at(demo, Fault.DECLINE)
    demo.li.topup(FEN, pin=right)
    with pytest.raises(errors.BankDeclined):
        demo.zhang.topup(FEN, pin=right)


# --- refunds wait --------------------------------------------------------------------------------


def refund_of(world: World) -> dict[str, Any]:
    [refund] = [one for one in messages(world) if one["reason"] == "refund"]
    return dict(refund)


@pytest.mark.parametrize("places", [(BANK,), ("netsunion",), ("netsunion", "unionpay")], ids=str)
def test_a_refund_waits_for_whoever_is_down(places: tuple[str, ...], demo: World):
    """
    It sets out as soon as they are there again, on the day that it sets out.
    """
    unclaimed(demo)
    zhang = demo.zhang
    for place in places:
        zhang.set_fault(place, Fault.DOWN)
    before = money(demo)
    zhang.advance_clock(3 * DAY)
    assert "created" == refund_of(demo)["state"]
    assert FEN == zhang.balance()["on_its_way_fen"]
    assert before == money(demo)

    for place in places:
        zhang.set_fault(place, None)
    zhang.settle()

    refund = refund_of(demo)
    assert ("accepted", "2026-02-20") == (refund["state"], refund["day"])
    assert {"card": FEN, "pending": -FEN, "reserve": -FEN} == money(demo) - before
    assert {} == demo.findings()


@pytest.mark.parametrize("places", [(BANK,), ("netsunion", "unionpay")], ids=str)
@pytest.mark.parametrize("steps", [1, 4, 48])
def test_a_refund_that_has_waited_long_enough_goes_to_the_balance(
    places: tuple[str, ...], steps: int, demo: World
):
    """
    After the policy's days, to the minute, however the clock is turned.
    """
    unclaimed(demo)
    zhang = demo.zhang
    for place in places:
        zhang.set_fault(place, Fault.DOWN)
    before = money(demo)
    zhang.advance_clock(4 * DAY - timedelta(minutes=1))
    assert "created" == refund_of(demo)["state"]

    for _ in range(steps):
        zhang.advance_clock(4 * DAY / steps)

    assert "rejected" == refund_of(demo)["state"]
    assert {"balance": FEN, "pending": -FEN} == money(demo) - before
    given_back = next(row for row in demo.dump()["entry"] if row[1] == "refund_to_balance")
    assert refund_of(demo)["due_at"] + 3 * 24 * 3600 * 10**6 == given_back[10]
    assert {} == demo.findings()


def test_a_refund_whose_card_is_removed_goes_to_the_balance(demo: World):
    """
    On the day that it would have set out; not to the card, though somebody else has it by then.
    """
    unclaimed(demo)
    before = money(demo)
    demo.zhang.remove_card(tail(CARD), pin=right)
    demo.wang.add_card(CARD, pin=right)
    demo.zhang.settle()
    assert before == money(demo)

    turned = demo.zhang.advance_clock(DAY)

    assert "rejected" == refund_of(demo)["state"]
    assert {"balance": FEN, "pending": -FEN} == money(demo) - before
    assert {} == demo.findings()
    [packet] = [row["packet"] for row in turned["resolved"] if row["card_gone"]]
    assert packet is not None
    shown = demo.zhang.show(packet)
    assert ("balance", True) == (shown["refunded_to"], shown["card_gone"])
    assert (None, False) == tuple(
        demo.li.show(packet)[name] for name in ("refunded_to", "card_gone")
    )
    [line] = [row for row in demo.zhang.history()["movements"] if row["act"] == "refund_to_balance"]
    assert line["card_gone"]


def test_a_refund_that_has_set_out_arrives_though_its_card_is_removed(demo: World):
    """
    The bank pays into the account behind the card, which is still there.
    """
    unclaimed(demo)
    before = money(demo)
    break_at(demo, Fault.TIMEOUT)
    demo.zhang.advance_clock(DAY)
    demo.zhang.remove_card(tail(CARD), pin=right)

    mended(demo)

    assert "accepted" == refund_of(demo)["state"]
    assert {"card": FEN, "pending": -FEN, "reserve": -FEN} == money(demo) - before
    assert {} == demo.findings()


def test_a_refund_that_set_out_is_not_given_up(demo: World, monkeypatch: pytest.MonkeyPatch):
    """
    One process sees the card removed, when another has just sent the refund on its way.
    """
    unclaimed(demo)
    quick, slow = demo.zhang, demo.li
    cut_at(monkeypatch, "_send_off")
    with pytest.raises(Cut):
        quick.advance_clock(DAY)
    in_hand = slow.store.message(refund_of(demo)["number"])
    clearing._send_off(quick.home, in_hand)
    quick.remove_card(tail(CARD), pin=right)

    clearing._given_up(slow.home, in_hand)

    assert "sent" == refund_of(demo)["state"]
    quick.settle()
    assert "accepted" == refund_of(demo)["state"]
    assert {} == demo.findings()


def test_a_refund_to_a_closed_account_goes_to_the_balance(demo: World):
    """
    At once: the bank has said that it is no use to wait.
    """
    unclaimed(demo)
    before = money(demo)
    break_at(demo, Fault.CLOSED)
    demo.zhang.advance_clock(DAY)

    assert "rejected" == refund_of(demo)["state"]
    assert {"balance": FEN, "pending": -FEN} == money(demo) - before
    assert {} == demo.findings()


def test_who_wants_refunds_in_the_balance_gets_them_there(demo: World):
    """
    No message is made, and nothing waits for a bank.
    """
    demo.zhang.refunds_to("balance")
    before = money(demo)

    unclaimed(demo)

    assert [] == [one for one in messages(demo) if one["reason"] == "refund"]
    assert {"balance": FEN, "card": -FEN, "reserve": FEN} == money(demo) - before


# --- what banks cannot pay -----------------------------------------------------------------------


def test_a_bank_that_cannot_pay_is_settled_when_it_can(demo: World):
    """
    Banks that book what they have not taken from anybody can owe more than lies at the central
    bank for them: the others are settled without them, and the clock goes on.
    """
    zhang = demo.zhang
    zhang.set_fault(BANK, Fault.SHORTAGE)
    for _ in range(2):
        zhang.topup(60_000 * YUAN, pin=right)
    demo.li.topup(FEN, pin=right)

    told = zhang.settle()

    assert [OTHER_BANK] == [line["bank"] for line in told["lines"]]
    assert (1, FEN) == (told["messages"], told["gross_fen"])
    assert None is zhang.settle()["batch"]
    assert [] == zhang.advance_clock(2 * DAY)["settled"]
    assert {} == demo.findings()
    zhang.set_fault(BANK, None)
    zhang.withdraw(30_000 * YUAN, pin=right)
    told = zhang.settle()
    assert [(BANK, 3)] == [
        (line["bank"], line["in_count"] + line["out_count"]) for line in told["lines"]
    ]
    assert {} == demo.findings()


def test_a_platform_that_cannot_pay_yet_pays_when_it_has_been_paid(demo: World):
    """
    What it owes one bank is what another owes it, and has not paid.
    """
    zhang, li = demo.zhang, demo.li
    zhang.set_fault(BANK, Fault.SHORTAGE)
    for _ in range(2):
        zhang.topup(60_000 * YUAN, pin=right)
    zhang.set_fault(BANK, None)
    li.identify("李四", id_number(2), pin=right)
    zhang.use_policy(changed(share_max='"20000.00"'))
    li.claim(zhang.send(20_000 * YUAN, pin=right)["packet"])
    li.withdraw(15_000 * YUAN, pin=right)

    assert None is zhang.settle()["batch"]
    assert {} == demo.findings()
    zhang.withdraw(50_000 * YUAN, pin=right)
    assert 2 == len(zhang.settle()["lines"])
    assert {} == demo.findings()
