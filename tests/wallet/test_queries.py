"""How money went, step by step, and what the books held before and after each act."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from hongbao import errors
from hongbao.answers import BooksShown, Traced, TraceStep
from hongbao.domain.channel import Fault
from hongbao.domain.ledger import SIDES
from hongbao.domain.packet import STEPS, PacketKind
from hongbao.ui import trace as screen
from hongbao.wallet import Wallet
from tests.wallet.channels import BANK, DAY, FEN, HALF_MINUTE, MAGIC, mended, pay
from tests.wallet.test_check import live
from tests.wallet.world import CARD, LI, YUAN, ZHANG, World, card, right, tail

CMB = f"cmb-{tail(CARD)}"

# --- helpers -------------------------------------------------------------------------------------


def told(traced: Traced) -> list[tuple[int, str, str]]:
    return [(step["step"], step["says"], step["actor"]) for step in traced["steps"]]


def says(traced: Traced) -> list[str]:
    return [step["says"] for step in traced["steps"]]


def step(traced: Traced, code: str) -> TraceStep:
    return next(each for each in traced["steps"] if each["says"] == code)


def moved(traced: Traced) -> list[tuple[str, str, str, int]]:
    return [
        (line["book"], line["debit"], line["credit"], line["amount_fen"])
        for each in traced["steps"]
        for line in each["movements"]
    ]


def sums(books: BooksShown, when: str = "held_fen") -> Counter[tuple[str, str]]:
    """Return what each book's accounts hold by kind; ``before_fen`` is what they held."""
    added: Counter[tuple[str, str]] = Counter()
    for book in books["books"]:
        for account in book["accounts"]:
            added[book["book"], account["kind"]] += int(account[when])  # type: ignore[literal-required]
    return Counter({place: fen for place, fen in added.items() if fen})


def raw_sums(world: World) -> Counter[tuple[str, str]]:
    """Return the same, added up by hand from every account in the drawer."""
    added: Counter[tuple[str, str]] = Counter()
    for _id, book, kind, _owner, side, debits_fen, credits_fen in world.dump()["account"]:
        sign = 1 if side == "credit" else -1
        added[book, kind] += sign * (credits_fen - debits_fen)
    return Counter({place: fen for place, fen in added.items() if fen})


@pytest.fixture
def banks(demo: World) -> World:
    return demo


# --- a packet ------------------------------------------------------------------------------------


def test_a_packet_from_the_balance_has_eight_steps_and_touches_no_bank(world: World):
    """
    Sent, taken by one of two, returned: each step with who acted, and what moved in one book.
    """
    packet = world.zhang.send(10 * YUAN, count=2, pin=right)["packet"]
    took_fen = world.li.claim(packet)["amount_fen"]
    world.turn(days=1)
    world.zhang.refund(packet)

    traced = world.zhang.trace(packet)

    assert [
        (1, "packet_created", ZHANG),
        (2, "authorised", ZHANG),
        (3, "frozen_from_balance", "platform"),
        (4, "notified", "platform"),
        (5, "claimed", LI),
        (6, "allocated", "platform"),
        (7, "credited", "platform"),
        (8, "refunded_to_balance", "platform"),
    ] == told(traced)
    assert [
        ("platform", "balance", "packet", 1000),
        ("platform", "packet", "balance", took_fen),
        ("platform", "packet", "balance", 1000 - took_fen),
    ] == moved(traced)
    assert (packet, "packet", "refunded") == (traced["subject"], traced["kind"], traced["state"])
    assert not traced["banks_touched"]
    assert list(STEPS) == [each["name"] for each in traced["steps"]]


def test_steps_are_measured_and_far_below_three_seconds(world: World):
    """
    The PIN's check takes longest; notifying takes no time of its own; the slowest claim counts.
    """
    packet = world.zhang.send(10 * YUAN, count=2, pin=right)["packet"]
    alone = world.zhang.trace(packet)["took_micros"]
    world.li.claim(packet)
    world.wang.claim(packet)

    traced = world.zhang.trace(packet)

    times = [each["took_micros"] for each in traced["steps"]]
    assert None is times[3]
    sending = sum(micros for micros in times[:3] if micros is not None)
    claims = [sum(micros or 0 for micros in times[at : at + 3]) for at in (4, 7)]
    assert sending == alone
    assert sending + max(claims) == traced["took_micros"]
    assert 0 < sending + max(claims) < 1_000_000


def test_a_packet_paid_by_card_is_traced_through_its_bank(banks: World):
    """
    Asked, booked by the bank, booked by the platform, claimed, settled, refunded to the card.
    """
    zhang = banks.zhang
    packet = zhang.send(10 * YUAN, count=2, paid_from=tail(CARD), pin=right)["packet"]
    banks.li.claim(packet)
    batch = zhang.settle()["batch"]
    zhang.advance_clock(timedelta(days=30))

    traced = zhang.trace(packet)

    assert [
        (1, "packet_created", ZHANG),
        (2, "authorised", ZHANG),
        (3, "instructed", "netsunion"),
        (3, "bank_booked", BANK),
        (3, "platform_booked", "platform"),
        (4, "notified", "platform"),
        (5, "claimed", LI),
        (6, "allocated", "platform"),
        (7, "credited", "platform"),
        (7, "settled_in_batch", "central"),
        (8, "refund_under_way", "platform"),
        (8, "instructed", "netsunion"),
        (8, "bank_booked", BANK),
        (8, "refund_arrived", "platform"),
        (7, "settled_in_batch", "central"),
    ] == told(traced)
    assert traced["banks_touched"]
    assert {"bank": BANK, "batch": batch} == step(traced, "settled_in_batch")["facts"]
    (message,) = step(traced, "instructed")["messages"]
    assert (BANK, "accepted", 1000) == (message["bank"], message["state"], message["amount_fen"])
    assert traced == zhang.trace(message["message"])
    assert step(traced, "notified")["entry"] == step(traced, "platform_booked")["entry"]


def test_a_recipient_is_told_by_name(world: World):
    """
    The event is the entry from which on the packet can be claimed.
    """
    sent = world.zhang.send(1_00, kind=PacketKind.EXCLUSIVE, recipient=LI, pin=right)

    notified = step(world.zhang.trace(sent["packet"]), "notified")

    assert {"event": notified["entry"], "profile": LI} == notified["facts"]
    assert notified["entry"] == world.zhang.books(sent["request_id"])["entry"]


def test_a_refund_whose_card_was_removed_says_so(banks: World):
    """
    At once, or when it was on its way already.
    """
    zhang = banks.zhang
    one, other = (
        zhang.send(fen, paid_from=tail(CARD), pin=right)["packet"] for fen in (1000, 2000)
    )
    zhang.advance_clock(DAY)
    zhang.settle()
    zhang.remove_card(CMB, pin=right)
    zhang.advance_clock(timedelta(days=30))

    for packet in (one, other):
        fallen = step(zhang.trace(packet), "fell_back_to_balance")
        assert "card_gone" == fallen["facts"]["reason"]
        assert ["pending"] == [line["debit"] for line in fallen["movements"]]


# --- payments ------------------------------------------------------------------------------------


def test_a_silent_banks_answer_is_traced(banks: World):
    """
    Silence, the question, and the answer; by request and by message.
    """
    zhang = banks.zhang
    with pytest.raises(errors.PaymentPending) as pending:
        zhang.topup(MAGIC[Fault.TIMEOUT], pin=right, request_id="new-year")

    in_doubt = zhang.trace("new-year")
    zhang.settle()
    known = zhang.trace("new-year")

    assert ["instructed", "bank_booked", "bank_silent"] == says(in_doubt)[2:]
    assert ("unknown", "accepted") == (in_doubt["state"], known["state"])
    assert [
        *("instructed", "bank_booked", "bank_silent", "queried", "platform_booked"),
        "settled_in_batch",
    ] == says(known)[2:]
    payment = pending.value.facts["payment"]
    assert payment == known["subject"]
    assert known == zhang.trace(f" {str(payment).lower()} ")


def test_a_withdrawal_that_was_lost_is_undone(banks: World):
    """
    Frozen with its fee, and back again.
    """
    zhang = banks.zhang
    with pytest.raises(errors.PaymentPending):
        zhang.withdraw(MAGIC[Fault.LOST], pin=right, request_id="out")
    zhang.settle()

    traced = zhang.trace("out")

    assert ("withdraw", "reversed") == (traced["kind"], traced["state"])
    assert ["frozen_from_balance", "instructed", "bank_silent", "queried", "reversed"] == says(
        traced
    )[2:]
    assert ["balance", "pending"] == [line[1] for line in moved(traced)]


def test_a_declined_payment_says_why(banks: World):
    """
    In the bank's word; nothing moved anywhere.
    """
    with pytest.raises(errors.InsufficientCard):
        banks.zhang.topup(MAGIC[Fault.INSUFFICIENT], pin=right, request_id="in")

    traced = banks.zhang.trace("in")

    assert "insufficient" == step(traced, "bank_declined")["facts"]["reason"]
    assert ("rejected", "not_paid", []) == (traced["state"], says(traced)[-1], moved(traced))


@pytest.mark.in_turn(2)
@pytest.mark.parametrize("fault", Fault)
@pytest.mark.parametrize("reason", ["topup", "send", "withdraw"])
def test_whatever_goes_wrong_can_be_told(banks: World, fault: Fault, reason: str):
    """
    Before it is known and when it is over: every code has its sentence, each act one step at least.
    """
    zhang = banks.zhang
    down = fault is Fault.DOWN
    with suppress(errors.HongbaoError):
        pay(zhang, reason, MAGIC[fault], request_id="it")
    if down:
        with pytest.raises(errors.RequestNotFound):
            zhang.trace("it")
        return
    before = zhang.trace("it")
    mended(banks)
    after = zhang.trace("it")

    for traced in (before, after):
        for each in traced["steps"]:
            assert each["says"] != screen.sentence(each["says"], each["facts"])
            assert "{" not in screen.sentence(each["says"], each["facts"])
    assert set(told(before)) <= set(told(after))
    assert after["took_micros"] is not None
    codes = {Fault.LATE: {"bank_late", "late_answer", "reversed"}, Fault.SLOW: {"bank_queued"}}
    codes[Fault.DUPLICATE_ANSWER] = {"duplicate_answer"}
    assert codes.get(fault, set()) <= set(says(after))


def test_a_correction_is_the_last_thing_told(banks: World):
    """
    By the bank whose book it was, with what it moved; and it is an act of its own.
    """
    zhang = banks.zhang
    zhang.add_operator("Bao", pin=right, by=right)
    payment = zhang.topup(MAGIC[Fault.SHORTAGE], pin=right)["payment"]
    zhang.correct(payment, why="short", operator="Bao", pin=right)

    last = zhang.trace(payment)["steps"][-1]

    assert (7, "corrected", BANK) == (last["step"], last["says"], last["actor"])
    assert ["deposit"] == [line["debit"] for line in last["movements"]]
    assert ("correct", 1) == (
        zhang.books(diff=True)["act"],
        len(zhang.books(diff=True)["transfers"]),
    )
    assert "correction" not in {line["reason"] for line in zhang.books(payment)["transfers"]}


def _names(traced: Traced) -> list[str]:
    return [each["name"] for each in traced["steps"]]


# --- what is asked for ---------------------------------------------------------------------------


def test_requests_lead_to_what_they_were_about(world: World):
    """
    A packet by its sending, its claim and its refund; a refund of all that is due by its one part.
    """
    sent = world.zhang.send(10 * YUAN, count=2, pin=right, request_id="sending")
    world.li.claim(sent["packet"], request_id="claiming")
    world.turn(days=1)
    world.zhang.refund_due(request_id="returning")

    assert {sent["packet"]} == {
        world.zhang.trace("sending")["subject"],
        world.li.trace("claiming")["subject"],
        world.zhang.trace("returning")["subject"],
        world.zhang.trace(sent["packet"].removeprefix("hb_").lower())["subject"],
    }


def test_a_subject_that_is_not_there_is_refused_by_name(world: World):
    """
    A wrong character, no such packet, nothing of that name, and an act that moves no money.
    """
    zhang = world.zhang
    zhang.add_card(card(2, 7), pin=right, request_id="bound")

    for subject, refusal in (
        ("hb_7Q2M4K9W", errors.InvalidPacketId),
        ("hb_7Q2M4K9X", errors.PacketNotFound),
        ("7Q2M4K9X", errors.PacketNotFound),
        ("NU20260216000099", errors.RequestNotFound),
        ("bound", errors.RequestNotFound),
        ("", errors.RequestNotFound),
    ):
        with pytest.raises(refusal):
            zhang.trace(subject)


def test_nobody_traces_somebody_elses_payment(banks: World):
    """
    Neither its request nor its message; of a packet they can show, everything but the card.
    """
    zhang, li = banks.zhang, banks.li
    payment = zhang.topup(FEN, pin=right, request_id="mine")["payment"]
    sent = zhang.send(FEN, count=2, paid_from=tail(CARD), pin=right)

    for subject in ("mine", payment, str(sent["payment"]), sent["request_id"]):
        for look in (li.trace, li.books):
            with pytest.raises(errors.RequestNotFound):
                look(subject)
    seen = li.trace(sent["packet"])
    assert told(zhang.trace(sent["packet"])) == told(seen)
    assert CMB in str(zhang.trace(sent["packet"]))
    assert tail(CARD) not in str(seen)


def test_what_is_under_way_is_offered(banks: World):
    """
    Until it is known what became of it.
    """
    with pytest.raises(errors.PaymentPending) as pending:
        banks.zhang.topup(MAGIC[Fault.TIMEOUT], pin=right)

    assert [pending.value.facts["payment"]] == banks.zhang.under_way()
    assert [] == banks.li.under_way()
    banks.zhang.settle()
    assert [] == banks.zhang.under_way()


# --- books ---------------------------------------------------------------------------------------


def test_books_are_the_accounts_added_up(world: World):
    """
    After a bit of everything, in every book and for every kind; and each book balances.
    """
    live(world)

    books = world.zhang.books()

    assert raw_sums(world) == sums(books) == sums(books, "before_fen")
    for book in books["books"]:
        assert (book["book"], book["debits_fen"]) == (book["book"], book["credits_fen"])
    assert {(False, None)} == {(books["diff"], books["act"])}
    kinds = [line["kind"] for book in books["books"] for line in book["accounts"]]
    assert set(kinds) <= {str(kind) for kind in SIDES}


def test_balances_and_packets_are_counted(world: World):
    """
    Three people; of the packets those that hold money.
    """
    first = world.zhang.send(2_00, pin=right)["packet"]
    world.zhang.send(3_00, pin=right)
    world.li.claim(first)

    platform = world.zhang.books()["books"][0]["accounts"]

    assert {"balance": 3, "packet": 1} == {
        line["kind"]: line["count"] for line in platform if line["kind"] in ("balance", "packet")
    }


def test_what_was_before_is_what_books_said_before(banks: World):
    """
    For every act in turn, long after it: what it found, and what it left.
    """
    zhang, li = banks.zhang, banks.li
    seen: list[tuple[str, Counter[Any], Counter[Any]]] = []

    def doing(act: Any) -> Any:
        before = sums(zhang.books())
        answer = act()
        seen.append((answer.get("request_id") or answer["batch"], before, sums(zhang.books())))
        return answer

    packet = doing(lambda: zhang.send(10 * YUAN, count=3, pin=right))["packet"]
    doing(lambda: zhang.topup(FEN, pin=right))
    doing(lambda: zhang.withdraw(FEN, pin=right))
    doing(lambda: zhang.send(FEN, paid_from=tail(CARD), pin=right))
    doing(zhang.settle)
    for reason in ("topup", "withdraw"):
        with pytest.raises(errors.HongbaoError):
            pay(zhang, reason, MAGIC[Fault.DECLINE], request_id=f"no-{reason}")
    li.claim(packet)
    banks.wang.claim(packet)

    for subject, before, after in seen:
        diff = zhang.books(subject)
        assert (subject, before) == (subject, sums(diff, "before_fen"))
        assert (subject, after) == (subject, sums(diff))
        for book in diff["books"]:
            assert book["debits_fen"] == book["credits_fen"]
    nothing = zhang.books("no-topup")
    assert sums(nothing) == sums(nothing, "before_fen")


def test_an_act_in_several_steps_is_one_and_leaves_out_what_came_between(banks: World):
    """
    A top-up that was in doubt while Li topped up: only Zhang's money is in it.
    """
    zhang, li = banks.zhang, banks.li
    with pytest.raises(errors.PaymentPending):
        zhang.topup(MAGIC[Fault.TIMEOUT], pin=right, request_id="slowly")
    li.topup(7_00, pin=right)
    zhang.settle()

    diff = zhang.books("slowly")

    assert {MAGIC[Fault.TIMEOUT]} == {line["amount_fen"] for line in diff["transfers"]}
    assert [(BANK, "deposit", "outgoing"), ("platform", "incoming", "balance")] == [
        (line["book"], line["debit"], line["credit"]) for line in diff["transfers"]
    ]
    changes = {
        (book["book"], line["kind"], line["owner"]): line["held_fen"] - line["before_fen"]
        for book in diff["books"]
        for line in book["accounts"]
        if line["held_fen"] != line["before_fen"]
    }
    assert {
        ("platform", "balance", ZHANG): MAGIC[Fault.TIMEOUT],
        ("platform", "incoming", BANK): MAGIC[Fault.TIMEOUT],
        (BANK, "deposit", None): -MAGIC[Fault.TIMEOUT],
        (BANK, "outgoing", None): MAGIC[Fault.TIMEOUT],
    } == changes


def test_the_last_act_is_shown_by_itself(banks: World):
    """
    The newest that moved money, whoever's it was.
    """
    packet = banks.zhang.send(2_00, pin=right)["packet"]
    banks.li.claim(packet, request_id="mine-now")
    banks.zhang.set_fault(BANK, Fault.DOWN)

    diff = banks.zhang.books(diff=True)

    assert ("claim", "mine-now") == (diff["act"], diff["request_id"])
    platform = {line["owner"]: line for line in diff["books"][0]["accounts"] if line["owner"]}
    assert (200, 0, 0) == (
        platform[packet]["before_fen"],
        platform[packet]["held_fen"],
        sum(line["count"] for line in diff["books"][0]["accounts"] if line["owner"] == "packet"),
    )
    assert (0, 200) == (platform[LI]["before_fen"], platform[LI]["held_fen"])


def test_a_home_in_which_nothing_has_moved_has_empty_books(empty: World):
    """
    And no act to look at.
    """
    zhang = empty.found(ZHANG)

    diff = zhang.books(diff=True)

    assert (True, None, None, []) == (diff["diff"], diff["entry"], diff["act"], diff["transfers"])
    assert 0 == sum(book["debits_fen"] for book in diff["books"])


def test_looking_changes_nothing(banks: World):
    """
    Not a row, and no chance is drawn.
    """
    zhang = banks.zhang
    sent = zhang.send(FEN, count=2, paid_from=tail(CARD), pin=right)
    zhang.advance_clock(HALF_MINUTE)
    before = banks.dump()

    with Wallet.open(banks.env, profile=ZHANG) as desk:
        desk.trace(sent["packet"])
        desk.books(sent["packet"])
        desk.books()

    assert before == banks.dump()
