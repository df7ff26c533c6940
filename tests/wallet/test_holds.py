"""Holds: money that risk control keeps back, both ways out of it, and nothing lost on either."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hongbao.domain.cases import Verb
from hongbao.domain.packet import PacketKind
from hongbao.errors import (
    CaseClosed,
    HongbaoError,
    InsufficientBalance,
    PacketHeld,
    PacketRefunded,
    WithdrawalHeldBack,
)
from hongbao.units import iso
from hongbao.wallet.operators import By
from hongbao.wallet.releasing import end_due_holds
from tests.wallet.risks import HOLD_HOURS, SAYS, delaying, holding, pack, rule, with_pack
from tests.wallet.world import (
    CARD,
    LI,
    NOON,
    PINS,
    WANG,
    YUAN,
    ZHANG,
    World,
    below,
    changed,
    right,
    tail,
)

BY_CARD = tail(CARD)
DAY = timedelta(hours=24)
HELD_UNTIL = NOON + timedelta(hours=HOLD_HOURS)
AUNTIE = By("auntie", right)

SOURCES = pytest.mark.parametrize("paid_from", ["balance", BY_CARD])
ENDINGS = pytest.mark.parametrize("way", ["by itself", "by a reviewer"])


def owned(world: World) -> int:
    """Return what all people have, wherever it is, with the fees that they have paid."""
    with world.open(None) as wallet, wallet.looking():
        rows = below(wallet).rows(
            "SELECT sum(credits_fen - debits_fen) FROM account WHERE"
            " (book = 'platform' AND kind IN ('balance', 'packet', 'pending', 'held', 'fees'))"
            " OR kind = 'deposit'"
        )
    return int(rows[0][0])


def on_card(world: World) -> int:
    """Return what the people's cards have together."""
    with world.open(None) as wallet, wallet.looking():
        rows = below(wallet).rows(
            "SELECT sum(credits_fen - debits_fen) FROM account WHERE kind = 'deposit'"
        )
    return int(rows[0][0])


def decide(world: World, case: str, verb: Verb) -> Any:
    """Have an operator decide *case*; the first time, there is one to be made."""
    wallet = world.zhang
    if not wallet.operators():
        wallet.add_operator("auntie", pin=right, by=right)
    return wallet.decide(case, verb, why="looked at it", by=AUNTIE)


def end(world: World, case: str, way: str, *, free: bool) -> None:
    """Let the hold of *case* end, one way or the other."""
    if way == "by itself":
        world.turn(hours=HOLD_HOURS)
        world.zhang.settle()
    else:
        decide(world, case, Verb.APPROVE if free else Verb.REJECT)


def held_send(world: World, then: str = "release", **how: Any) -> Any:
    with_pack(world, holding("send", "give", then=then))
    return world.zhang.send(10 * YUAN, **{"count": 2, **how}, pin=right)


def held_claim(world: World, then: str = "release", **how: Any) -> tuple[Any, Any]:
    with_pack(world, holding("claim", then=then))
    sent = world.zhang.send(10 * YUAN, **{"count": 2, **how}, pin=right)
    return sent, world.li.claim(sent["packet"])


def held_withdrawal(world: World, then: str = "release", **how: Any) -> Any:
    with_pack(world, holding("withdraw", then=then))
    return world.zhang.withdraw(10 * YUAN, pin=right, **how)


def used_fen(world: World, flow: str, name: str = ZHANG) -> int:
    with world.open(name) as wallet, wallet.looking():
        usage = wallet.store.usage_of(wallet.me.person)
        return usage.used_lifetime_fen(frozenset({flow}))


# --- a packet ------------------------------------------------------------------------------------


@SOURCES
def test_a_held_packet_is_frozen_and_both_sides_are_told_why(world: World, paid_from: str):
    """
    The sender hears of the case at once and the claimant when they try: the same sentence.
    """
    sent = held_send(world, paid_from=paid_from)

    hold = sent["held"]
    assert (iso(HELD_UNTIL), "release", "look-first", SAYS) == (
        hold["until"],
        hold["ends"],
        hold["rule"],
        hold["why"],
    )
    assert iso(HELD_UNTIL + DAY) == sent["expires_at"]
    with pytest.raises(PacketHeld) as refused:
        world.li.claim(sent["packet"])
    assert (16, SAYS, HELD_UNTIL) == (
        refused.value.exit_code,
        refused.value.facts["why"],
        refused.value.facts["until_at"],
    )
    with pytest.raises(PacketHeld):
        world.zhang.refund(sent["packet"])
    balance = world.zhang.balance()
    assert (10 * YUAN, 0, 0) == (
        balance["held_fen"],
        balance["frozen_fen"],
        balance["due_back_fen"],
    )
    assert [("held", hold)] == [(row["state"], row["held"]) for row in world.zhang.packets("sent")]
    assert [] == world.li.packets("claimable")
    assert {} == world.findings()


@SOURCES
@ENDINGS
def test_a_released_packet_can_be_claimed(world: World, paid_from: str, way: str):
    """
    Its money goes to the packet's own account, and from there on it is a packet like any other.
    """
    sent = held_send(world, "return" if way == "by a reviewer" else "release", paid_from=paid_from)
    before = owned(world)

    end(world, sent["held"]["case"], way, free=True)
    claims = [desk.claim(sent["packet"])["amount_fen"] for desk in (world.li, world.wang)]

    assert 10 * YUAN == sum(claims)
    assert (None, "finished") == (
        world.zhang.show(sent["packet"])["held"],
        world.zhang.show(sent["packet"])["state"],
    )
    assert 0 == world.zhang.balance()["held_fen"]
    assert before == owned(world)
    assert {} == world.findings()


@SOURCES
@ENDINGS
def test_a_returned_packet_goes_back_the_way_it_came(world: World, paid_from: str, way: str):
    """
    To the balance at once, to a card by a message; quota goes back, and nobody can claim it.
    """
    at_first = (world.zhang.balance()["available_fen"], on_card(world))
    sent = held_send(world, "return" if way == "by itself" else "release", paid_from=paid_from)

    end(world, sent["held"]["case"], way, free=False)

    with pytest.raises(PacketRefunded):
        world.li.claim(sent["packet"])
    assert "refunded" == world.zhang.show(sent["packet"])["state"]
    on_its_way_fen = 0 if paid_from == "balance" else 10 * YUAN
    assert on_its_way_fen == world.zhang.balance()["on_its_way_fen"]
    assert 0 == used_fen(world, "send_balance") == used_fen(world, "send_card")
    assert {} == world.findings()
    world.turn(days=3)
    world.zhang.settle()
    assert at_first == (world.zhang.balance()["available_fen"], on_card(world))
    assert {} == world.findings()


def test_a_packet_for_one_person_is_held_as_well(world: World):
    """
    Giving is sending: the one it is for is told why they have to wait.
    """
    sent = held_send(world, count=1, kind=PacketKind.EXCLUSIVE, recipient=LI)

    with pytest.raises(PacketHeld):
        world.li.claim(sent["packet"])
    world.turn(hours=HOLD_HOURS)
    assert 10 * YUAN == world.li.claim(sent["packet"])["amount_fen"]


def test_whoever_claims_first_after_its_moment_ends_the_hold(world: World):
    """
    On a clock that nobody turns, no one has to come and settle first: it can be claimed exactly
    from the moment that was promised.
    """
    sent = held_send(world)
    world.turn(hours=HOLD_HOURS, microseconds=-1)
    with pytest.raises(PacketHeld):
        world.li.claim(sent["packet"])
    world.turn(microseconds=1)

    assert ["open"] == [row["state"] for row in world.li.packets("claimable")]
    assert 10 * YUAN == world.zhang.balance()["frozen_fen"]
    world.li.claim(sent["packet"])
    assert ["released", "claim"] == [event["act"] for event in world.zhang.events()["events"][-2:]]


def test_a_returned_packet_that_nobody_ended_is_due_back(world: World):
    """
    From its moment on it cannot be claimed, and `refund` brings it back.
    """
    sent = held_send(world, "return")
    world.turn(hours=HOLD_HOURS)

    assert (0, 10 * YUAN) == (
        world.zhang.balance()["held_fen"],
        world.zhang.balance()["due_back_fen"],
    )
    with pytest.raises(PacketRefunded):
        world.li.claim(sent["packet"])
    assert 1000 * YUAN == world.zhang.balance()["available_fen"]


# --- a share -------------------------------------------------------------------------------------


@SOURCES
@ENDINGS
def test_a_held_share_is_drawn_and_credited_when_it_is_released(
    world: World, paid_from: str, way: str
):
    """
    The seat is taken and the amount known; the balance gets it only then.
    """
    sent, claimed = held_claim(
        world, "return" if way == "by a reviewer" else "release", paid_from=paid_from
    )
    share_fen = claimed["amount_fen"]
    assert (0, share_fen) == (claimed["balance_fen"], world.li.balance()["held_fen"])
    world.wang.claim(sent["packet"])
    assert {} == world.findings()

    end(world, claimed["held"]["case"], way, free=True)

    assert (share_fen, 0) == (
        world.li.balance()["available_fen"],
        world.li.balance()["held_fen"],
    )
    assert share_fen == world.li.history()["movements"][0]["amount_fen"]
    assert {} == world.findings()
    assert world.zhang.verify(sent["packet"])["fair"]


@SOURCES
@ENDINGS
def test_a_returned_share_goes_back_to_the_sender(world: World, paid_from: str, way: str):
    """
    The packet's sender gets it the way the packet was paid, and may send as much again.
    """
    sent, claimed = held_claim(
        world, "return" if way == "by itself" else "release", paid_from=paid_from
    )
    before_fen = world.zhang.balance()["available_fen"]
    share_fen = claimed["amount_fen"]

    end(world, claimed["held"]["case"], way, free=False)

    balance = world.zhang.balance()
    back_fen = (balance["available_fen"] - before_fen, balance["on_its_way_fen"])
    assert ((share_fen, 0) if paid_from == "balance" else (0, share_fen)) == back_fen
    assert (0, 0) == (world.li.balance()["available_fen"], world.li.balance()["held_fen"])
    flow = "send_balance" if paid_from == "balance" else "send_card"
    assert 10 * YUAN - share_fen == used_fen(world, flow)
    share = world.zhang.show(sent["packet"])["shares"][0]
    assert ("returned" if way == "by itself" else "rejected") == share["case"]
    about = [row[2:7:4] for row in world.dump()["entry"] if row[1] in ("returned", "rejected")]
    assert [(world.zhang.me.id, world.li.me.id)] == about
    assert {} == world.findings()
    world.turn(days=3)
    world.zhang.refund_due()
    world.turn(days=3)
    world.zhang.settle()
    assert 0 == used_fen(world, flow)
    assert {} == world.findings()


def test_a_share_is_withdrawable_from_its_release_on(world: World):
    """
    What a policy counts from the claim on, it counts from the moment the money is there.
    """
    world.zhang.use_policy(changed(claims_after_days="1"))
    _sent, claimed = held_claim(world)
    world.turn(hours=HOLD_HOURS)
    world.zhang.settle()

    balance = world.li.balance()
    assert (0, claimed["amount_fen"]) == (
        balance["withdrawable_fen"],
        balance["withdrawable_later_fen"],
    )
    assert {} == world.findings()


def test_a_delayed_share_is_there_at_once_and_withdrawn_later(world: World):
    """
    The rule's days count, where the policy asks for fewer; the answer says until when and why.
    """
    with_pack(world, delaying(3))
    sent = world.zhang.send(10 * YUAN, pin=right)

    claimed = world.li.claim(sent["packet"])

    balance = world.li.balance()
    assert (10 * YUAN, 0, 10 * YUAN) == (
        claimed["balance_fen"],
        balance["withdrawable_fen"],
        balance["withdrawable_later_fen"],
    )
    assert {
        "until": "2026-02-19T00:00:00+08:00",
        "rule": "wait-a-little",
        "why": SAYS,
    } == claimed["delayed"]
    assert {} == world.findings()


# --- a withdrawal --------------------------------------------------------------------------------


@ENDINGS
def test_a_released_withdrawal_sets_out(world: World, way: str):
    """
    Until then the bank has heard of nothing; the request is answered by what became of it.
    """
    before_fen = on_card(world)
    held = held_withdrawal(world, "return" if way == "by a reviewer" else "release", request_id="w")
    world.zhang.settle()
    balance = world.zhang.balance()
    assert (before_fen, 10 * YUAN, 0) == (
        on_card(world),
        balance["held_fen"],
        balance["on_its_way_fen"],
    )
    again = world.zhang.withdraw(10 * YUAN, pin=right, request_id="w")
    assert (True, held["held"]) == (again["replayed"], again["held"])
    assert {} == world.findings()

    end(world, held["held"]["case"], way, free=True)

    assert before_fen + 10 * YUAN == on_card(world)
    done = world.zhang.withdraw(10 * YUAN, pin=right, request_id="w")
    assert (None, True) == (done["held"], done["replayed"])
    assert {} == world.findings()


@ENDINGS
def test_a_withdrawal_that_is_sent_back_is_refused_with_its_reason(world: World, way: str):
    """
    Amount, fee and quota are back, and whoever asks again for the same is told why.
    """
    held = held_withdrawal(world, "return" if way == "by itself" else "release", request_id="w")

    end(world, held["held"]["case"], way, free=False)

    assert 1000 * YUAN == world.zhang.balance()["available_fen"]
    assert 0 == used_fen(world, "withdraw")
    with pytest.raises(WithdrawalHeldBack) as refused:
        world.zhang.withdraw(10 * YUAN, pin=right, request_id="w")
    assert (16, SAYS) == (refused.value.exit_code, refused.value.facts["why"])
    assert {} == world.findings()


def test_a_held_withdrawal_is_no_payment_under_way_for_the_clock(dicing: World):
    """
    Nothing wakes a message that waits for its case, however far the clock is turned before that.
    """
    held = held_withdrawal(dicing)

    turned = dicing.zhang.advance_clock(timedelta(hours=HOLD_HOURS - 1))
    assert ([], []) == (turned["holds"], turned["resolved"])
    turned = dicing.zhang.advance_clock(timedelta(hours=1))
    assert [(held["held"]["case"], "released")] == [
        (hold["case"], hold["ended"]) for hold in turned["holds"]
    ]
    assert {} == dicing.findings()


# --- once, and only once -------------------------------------------------------------------------

HELD: dict[str, Callable[[World], str]] = {
    "packet": lambda world: str(held_send(world)["held"]["case"]),
    "packet by card": lambda world: str(held_send(world, paid_from=BY_CARD)["held"]["case"]),
    "share": lambda world: str(held_claim(world)[1]["held"]["case"]),
    "withdrawal": lambda world: str(held_withdrawal(world)["held"]["case"]),
}
WHATEVER = pytest.mark.parametrize("what", HELD)


@WHATEVER
@pytest.mark.parametrize("second", [Verb.APPROVE, Verb.REJECT])
def test_a_hold_ends_once(world: World, what: str, second: Verb):
    """
    Whoever comes second changes nothing: neither another reviewer nor its own moment.
    """
    case = HELD[what](world)
    decide(world, case, Verb.APPROVE)
    before = world.dump(PINS)

    with pytest.raises(CaseClosed):
        decide(world, case, second)
    assert before == world.dump(PINS)
    world.turn(hours=HOLD_HOURS)
    world.zhang.settle()
    acts = [event["act"] for event in world.zhang.events(after=0, limit=1000)["events"]]
    assert (1, 0) == (acts.count("approved"), acts.count("released"))
    assert {} == world.findings()


@WHATEVER
def test_desks_that_end_a_hold_together_end_it_once(world: World, what: str):
    """
    Eight threads find the same hold over; one entry closes it, and all the money is there.
    """
    case = HELD[what](world)
    before = owned(world)
    world.turn(hours=HOLD_HOURS)
    world.close()

    def come(_: int) -> None:
        with world.open(ZHANG) as wallet:
            end_due_holds(wallet.home)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(come, range(8)))

    acts = [event["act"] for event in world.zhang.events(after=0, limit=1000)["events"]]
    assert 1 == acts.count("released")
    with world.open(None) as wallet:
        row = wallet.store.case(case)
        assert row is not None
        assert "released" == row.state
    assert (before, {}) == (owned(world), world.findings())


def test_claims_race_the_release_and_share_it_all(world: World):
    """
    Whether a claim comes before or after the release, each gets one share or is told to wait.
    """
    sent = held_send(world, count=2)
    world.turn(hours=HOLD_HOURS)
    world.close()

    def come(name: str) -> object:
        with world.open(name) as wallet:
            try:
                return wallet.claim(sent["packet"])["amount_fen"]
            except HongbaoError as error:
                return error.code

    with ThreadPoolExecutor(3) as pool:
        told = list(pool.map(come, [LI, WANG, LI]))

    assert 10 * YUAN == sum(fen for fen in told if isinstance(fen, int))
    assert {} == world.findings()


# --- refused, rehearsed --------------------------------------------------------------------------


def test_what_funds_refuse_opens_no_case(world: World):
    """
    Risk control comes before funds; where the money is not there, nothing is held either.
    """
    with_pack(world, holding("send"))
    before = world.dump(PINS)

    with pytest.raises(InsufficientBalance):
        world.zhang.send(1001 * YUAN, count=10, pin=right)

    assert before == world.dump(PINS)


@pytest.mark.parametrize("paid_from", ["balance", BY_CARD])
def test_a_dry_run_says_that_it_would_be_held(world: World, paid_from: str):
    """
    And leaves neither a packet nor a case behind.
    """
    with_pack(world, holding("send"))
    before = world.dump(PINS)

    sent = world.zhang.send(10 * YUAN, pin=right, paid_from=paid_from, dry_run=True)

    held = sent["held"]
    assert held is not None
    assert SAYS == held["why"]
    assert before == world.dump(PINS)


def test_who_is_below_the_threshold_is_not_stopped(world: World):
    """
    A rule from 500 yuan on says nothing of 499.99.
    """
    with_pack(world, holding("send", from_yuan="500.00"))

    assert None is world.zhang.send(499_99, count=3, pin=right)["held"]
    assert world.zhang.send(500 * YUAN, count=3, pin=right)["held"]


# --- time ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("then", ["release", "return"])
def test_one_long_turn_of_the_clock_is_twenty_five_short_ones(
    worlds: Callable[[str], World], then: str
):
    """
    Holds end at their own moment, in order with refunds and settlement, however it is turned.
    """
    rules = [
        rule("hold-out", "hold", "send", "withdraw", hold_hours=5, then=then),
        rule("hold-in", "hold", "claim", hold_hours=7, then=then),
    ]
    dumps = []
    for name, hours in (("long", [25]), ("short", [1] * 25)):
        world = worlds(name)
        free = world.zhang.send(6 * YUAN, count=2, pin=right)
        with_pack(world, pack(*rules))
        world.zhang.set_clock(NOON)
        world.zhang.send(10 * YUAN, count=2, pin=right)
        world.zhang.send(9 * YUAN, count=2, pin=right, paid_from=BY_CARD)
        world.zhang.withdraw(8 * YUAN, pin=right)
        world.li.claim(free["packet"])
        for each in hours:
            world.zhang.advance_clock(timedelta(hours=each))
        assert {} == world.findings()
        dumps.append(
            world.dump({"entry": ("request_id", "answer", "mac")})
        )  # request ids are chance

    assert dumps[0]["review_case"] == dumps[1]["review_case"]
    assert dumps[0]["account"] == dumps[1]["account"]
    assert dumps[0]["transfer"] == dumps[1]["transfer"]
    at = 9
    assert [row[at] for row in dumps[0]["entry"]] == [row[at] for row in dumps[1]["entry"]]
    ended = "released" if then == "release" else "returned"
    assert {ended} == {row[11] for row in dumps[0]["review_case"]}


# --- looking -------------------------------------------------------------------------------------


def test_history_trace_books_and_events_tell_of_a_hold(world: World):
    """
    Whoever looks back sees that it was held, and what became of it, wherever they look.
    """
    sent, claimed = held_claim(world)
    rules = rule("look-first", "hold", "withdraw", hold_hours=HOLD_HOURS, then="release")
    with_pack(world, pack(rules, version=2))
    held = world.zhang.withdraw(10 * YUAN, pin=right)
    end(world, claimed["held"]["case"], "by itself", free=True)

    traced = world.zhang.trace(sent["packet"])
    assert ["claimed", "allocated", "share_held", "released"] == [
        step["says"] for step in traced["steps"] if step["step"] in (5, 6, 7)
    ]
    steps = [step["says"] for step in world.zhang.trace(held["payment"])["steps"]]
    assert ["frozen_from_balance", "held", "released", "instructed"] == steps[2:6]
    assert ("platform", "released", None) == next(
        (event["actor"], event["act"], event["state"])
        for event in world.zhang.events(limit=100)["events"]
        if event["act"] == "released"
    )
    assert ["released", "claim"] == [row["act"] for row in world.li.history()["movements"]]


def test_books_name_the_case_that_keeps_the_money(world: World):
    """
    Before and after one act, the account of the case stands by itself.
    """
    sent = held_send(world)

    book = world.zhang.books(diff=True)["books"][0]
    held = next(line for line in book["accounts"] if line["kind"] == "held")
    assert (sent["held"]["case"], 0, 10 * YUAN) == (
        held["owner"],
        held["before_fen"],
        held["held_fen"],
    )
    now = world.zhang.books()["books"][0]
    assert [10 * YUAN] == [row["held_fen"] for row in now["accounts"] if row["kind"] == "held"]


# --- check ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        ("UPDATE review_case SET until = until + 1", {"held"}),
        ("UPDATE review_case SET ends = 'return'", {"held"}),
        ("UPDATE review_case SET amount_fen = 999", {"held"}),
        ("UPDATE review_case SET state = 'approved', closed = 1", {"held", "packets", "cases"}),
        ("DELETE FROM review_case", {"pages", "held", "packets", "cases"}),
        ("UPDATE packet SET held = NULL", {"packets"}),
        (
            (
                "INSERT INTO account (book, kind, owner, side)"
                " VALUES ('platform', 'held', 7, 'credit')"
            ),
            {"accounts", "held"},
        ),
    ],
)
def test_a_hold_that_was_edited_is_found(world: World, edit: str, found: set[str]):
    """
    A case edited, closed or taken away without its entry; a packet let go; an account of no case.
    """
    held_send(world)
    world.zhang.withdraw(1 * YUAN, pin=right)
    assert {} == world.findings()

    world.edit(edit)

    assert found == set(world.findings())


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        ("UPDATE message SET state = 'sent' WHERE reason = 'withdraw'", {"held", "messages"}),
        ("UPDATE review_case SET message = message - 1", {"held"}),
    ],
)
def test_a_held_withdrawal_that_was_edited_is_found(world: World, edit: str, found: set[str]):
    """
    A message that set out before its case was closed, or a case about another one.
    """
    held_withdrawal(world)
    assert {} == world.findings()

    world.edit(edit)

    assert found == set(world.findings())


@pytest.mark.parametrize("free", [True, False])
def test_money_that_went_another_way_than_its_case_says_is_found(world: World, free: bool):
    """
    The state of a closed case is what its entry did.
    """
    sent = held_send(world)
    decide(world, sent["held"]["case"], Verb.APPROVE if free else Verb.REJECT)

    world.edit(f"UPDATE review_case SET state = '{'rejected' if free else 'approved'}'")

    assert {"held", "cases", "packets"} == set(world.findings())


# --- nothing is created or lost ------------------------------------------------------------------

NUMBERS = count()
STEPS = ("send", "card", "claim", "withdraw", "approve", "reject", "turn", "settle", "refund")


@settings(
    max_examples=settings().max_examples // 6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 900)), max_size=14),
    then=st.sampled_from(["release", "return"]),
    held=st.sets(st.sampled_from(["send", "claim", "withdraw"]), min_size=1),
)
def test_whatever_is_held_and_however_it_ends_no_money_is_made_or_lost(
    worlds: Callable[[str], World], steps: list[tuple[str, int]], then: str, held: set[str]
):
    """
    After every step all that people have is what they had, and `check` finds nothing.
    """
    world = worlds(f"world-{next(NUMBERS)}")
    with_pack(world, holding(*sorted(held), then=then, hours=5))
    before = owned(world)
    for step, number in steps:
        with suppress(HongbaoError):
            take(world, step, number)
        assert before == owned(world)
        assert {} == world.findings()
        world.close()


def take(world: World, step: str, number: int) -> None:
    """Take one of `STEPS`, with *number* as its amount, its hours, or what it is about."""
    match step:
        case "send" | "card":
            paid_from = "balance" if step == "send" else BY_CARD
            world.zhang.send(number * YUAN // 10, count=3, pin=right, paid_from=paid_from)
        case "claim":
            packets = world.zhang.packets("sent")
            world.open((LI, WANG, ZHANG)[number % 3]).claim(
                packets[number % len(packets)]["packet"] if packets else "hb_00000000"
            )
        case "withdraw":
            world.zhang.withdraw(number * YUAN // 10, pin=right)
        case "approve" | "reject":
            waiting = world.zhang.cases()["cases"]
            if waiting:
                decide(world, waiting[number % len(waiting)]["case"], Verb(step))
        case "turn":
            world.turn(hours=number % 30)
        case "settle":
            world.zhang.settle()
        case "refund":
            world.zhang.refund_due()


@pytest.mark.parametrize("what", ["packet by card", "withdrawal"])
def test_a_rehearsed_settlement_ends_no_hold(world: World, what: str):
    """
    It tells what would end, and undoes it.
    """
    case = HELD[what](world)
    world.turn(hours=HOLD_HOURS)
    before = world.dump(PINS)

    settled = world.zhang.settle(dry_run=True)

    assert [(case, "released")] == [(hold["case"], hold["ended"]) for hold in settled["holds"]]
    assert before == world.dump(PINS)


def test_a_card_that_is_gone_leaves_what_was_held_to_the_balance(world: World):
    """
    As with any refund: the way back ends where the money can be had.
    """
    held_send(world, "return", paid_from=BY_CARD)
    world.zhang.remove_card(BY_CARD, pin=right)
    world.turn(hours=HOLD_HOURS)

    ended = world.zhang.settle()["holds"]

    assert [("balance", True)] == [(hold["refunded_to"], hold["card_gone"]) for hold in ended]
    assert 1010 * YUAN == world.zhang.balance()["available_fen"]
    assert {} == world.findings()
