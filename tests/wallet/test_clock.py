"""The ledger's clock: forward only, everything due in order, and the same ledger twice."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hongbao import errors
from hongbao.domain.packet import DealRule
from hongbao.units import iso, to_micros
from tests.wallet.acts import DAY, half_claimed
from tests.wallet.world import (
    CARD,
    LI,
    NOON,
    OTHER_CARD,
    WANG,
    YUAN,
    ZHANG,
    Dump,
    World,
    card,
    changed,
    right,
    tail,
    wrong,
)

HOUR = timedelta(hours=1)
OTHERS = {LI: OTHER_CARD, WANG: card(4, 6)}


def test_a_home_begins_on_the_real_clock(world: World):
    """
    It says what the system's clock says.
    """
    world.turn(hours=3)

    told = world.zhang.clock()

    assert ("real", iso(NOON + 3 * HOUR), []) == (told["clock"], told["at"], told["refunds"])


def test_turning_the_clock_makes_it_virtual_for_good(world: World):
    """
    Then it stands still until it is turned, and the system's own clock means nothing any more.
    """
    world.zhang.advance_clock(2 * HOUR)
    world.turn(days=300)

    assert ("virtual", iso(NOON + 2 * HOUR)) == tuple(world.zhang.clock().values())[:2]
    world.zhang.topup(YUAN, pin=right)
    assert "virtual" == world.dump()["entry"][-1][11]
    assert "real" == world.dump()["entry"][0][11]


def test_the_clock_only_goes_forward(world: World):
    """
    To the very same instant it may be turned, and not a microsecond back.
    """
    zhang = world.zhang
    zhang.set_clock(NOON + HOUR)

    zhang.set_clock(NOON + HOUR)
    with pytest.raises(errors.ClockBackwards) as refused:
        zhang.set_clock(NOON + HOUR - timedelta(microseconds=1))

    assert NOON + HOUR == refused.value.facts["now_at"]


def test_the_clock_of_a_demo_starts_where_it_was_set(empty: World):
    """
    Even before the machine's own time, as a story of the past needs.
    """
    past = datetime(2020, 1, 24, 12, 0, tzinfo=UTC)

    empty.found("Li", clock=past)

    assert iso(past) == empty.open().clock()["at"]


def test_what_falls_due_happens_at_its_own_time(world: World):
    """
    The entry of a refund says when it fell due, not when somebody turned the clock past it.
    """
    first = half_claimed(world)
    world.turn(hours=1)
    second = half_claimed(world)

    told = world.wang.advance_clock(3 * DAY)

    assert [first, second] == [refund["packet"] for refund in told["refunds"]]
    assert [iso(NOON + DAY), iso(NOON + HOUR + DAY)] == [refund["at"] for refund in told["refunds"]]
    entries = world.dump()["entry"][-2:]
    assert [to_micros(NOON + DAY), to_micros(NOON + HOUR + DAY)] == [e[10] for e in entries]
    assert ["virtual", "virtual"] == [entry[11] for entry in entries]
    assert {} == world.findings()


def test_what_was_overdue_when_the_clock_is_first_turned_happens_now(world: World):
    """
    Nothing is dated before an entry that is there already.
    """
    half_claimed(world)
    world.turn(days=2)
    world.li.topup(YUAN, pin=right)
    now = world.at

    [refund] = world.zhang.advance_clock(HOUR)["refunds"]

    assert iso(now) == refund["at"]
    assert iso(now + HOUR) == world.zhang.clock()["at"]


def test_a_packet_is_due_at_the_instant_that_it_expires(dicing: World):
    """
    Turned to a microsecond before it can be claimed; turned to the instant it is back.
    """
    dicing.zhang.send(YUAN, pin=right)

    assert [] == dicing.zhang.set_clock(NOON + DAY - timedelta(microseconds=1))["refunds"]
    assert 1 == len(dicing.zhang.set_clock(NOON + DAY)["refunds"])


def test_packets_of_a_thousand_come_back_in_one_turn(dicing: World, monkeypatch):
    """
    However many fall due, all of them do, in order.
    """
    monkeypatch.setattr("hongbao.wallet.clock.DUE_AT_ONCE", 3)
    packets = [dicing.zhang.send(YUAN, pin=right)["packet"] for _ in range(10)]

    told = dicing.zhang.advance_clock(2 * DAY)

    assert packets == [refund["packet"] for refund in told["refunds"]]
    assert 1000 * YUAN == dicing.zhang.balance()["total_fen"]


def test_a_pin_lock_opens_by_the_homes_own_clock(dicing: World):
    """
    Three hours of it, however they pass.
    """
    for _ in range(5):
        with pytest.raises(errors.PinError):
            dicing.zhang.topup(YUAN, pin=wrong)
    dicing.turn(days=1)
    with pytest.raises(errors.PinLocked):
        dicing.zhang.topup(YUAN, pin=right)

    dicing.zhang.advance_clock(3 * HOUR)

    dicing.zhang.topup(YUAN, pin=right)


@pytest.mark.parametrize("by", [timedelta(days=-1), timedelta(microseconds=-1)])
def test_the_clock_is_not_advanced_back(by: timedelta, world: World):
    """
    Nor does a refused turn make it virtual.
    """
    with pytest.raises(errors.ClockBackwards):
        world.zhang.advance_clock(by)

    assert "real" == world.zhang.clock()["clock"]


# --- the same twice -----------------------------------------------------------------------------

Turn = Callable[[World], None]


def eventful(world: World) -> None:
    """
    Leave packets behind that expire at odd times, by every way they can be paid for.

    And payments that no bank has answered: by their amounts, the one was booked and the other
    lost, one is found too late, and one is slow.
    """
    zhang = world.zhang
    zhang.topup(900 * YUAN, pin=right)
    for minutes in (0, 7, 61, 59):
        zhang.advance_clock(timedelta(minutes=minutes))
        half_claimed(world)
        zhang.send(20 * YUAN, count=3, paid_from=tail(CARD), deal=DealRule.SHUFFLED, pin=right)
        world.li.topup(3 * YUAN, pin=right)
        world.li.send(2 * YUAN, count=2, pin=right)
    zhang.use_policy(changed(expires_hours="3"))
    zhang.send(5 * YUAN, pin=right)
    for pay in (
        lambda: zhang.topup(444_01, pin=right),
        lambda: zhang.withdraw(444_02, pin=right),
        lambda: zhang.topup(444_03, pin=right),
        lambda: world.li.send(444_04, count=3, paid_from=tail(OTHER_CARD), pin=right),
    ):
        with pytest.raises(errors.PaymentPending):
            pay()


@pytest.mark.parametrize(("hours", "settlements"), [(1, 1), (3, 2)])
def test_advancing_25_hours_is_advancing_25_times_one(
    hours: int, settlements: int, dicing: World, tmp_path: Path
):
    """
    Or 75 hours 25 times three. Down to the last byte: ids, amounts, times and MACs, of what
    expires, of what a bank is asked for again, of refunds that reach their cards and of what is
    settled each day.
    """
    eventful(dicing)
    once, often = dicing.copy(tmp_path / "once"), dicing.copy(tmp_path / "often")

    once.zhang.advance_clock(25 * hours * HOUR)
    for _ in range(25):
        often.zhang.advance_clock(hours * HOUR)

    acts = Counter(row[1] for row in once.dump()["entry"])
    assert 14 == acts["refund"]
    assert settlements == acts["settle"]
    assert (0 if hours == 1 else 5) == acts["refund_arrived"]
    assert (1, 1, 1) == (acts["withdraw_returned"], acts["not_paid"], acts["late_answer"])
    assert once.dump() == often.dump()
    assert {} == once.findings()


@given(st.lists(st.integers(0, 10**11), min_size=1, max_size=6))
@settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_however_the_clock_is_turned_the_ledger_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, dicing_once: World, turns: list[int]
):
    """
    Any steps to the same instant leave the same ledger.
    """
    folder = tmp_path_factory.mktemp("turned")
    whole, parts = dicing_once.copy(folder / "whole"), dicing_once.copy(folder / "parts")

    whole.zhang.advance_clock(timedelta(microseconds=sum(turns)))
    for turn in turns:
        parts.zhang.advance_clock(timedelta(microseconds=turn))

    assert whole.dump() == parts.dump()
    whole.close()
    parts.close()


@pytest.fixture
def dicing_once(dicing: World) -> World:
    eventful(dicing)
    dicing.close()
    return dicing


def test_the_same_dice_and_clock_give_the_same_ledger(dicing: World, tmp_path: Path):
    """
    Whatever the system's clock and chance say: from one moment on, the same acts leave the same
    bytes in every table.
    """
    first, second = dicing.copy(tmp_path / "first"), dicing.copy(tmp_path / "second")
    second.turn(days=77)
    second.chances = 12_345

    for world in (first, second):
        eventful(world)
        world.zhang.advance_clock(25 * HOUR)
        world.zhang.withdraw(900 * YUAN, pin=right)

    assert first.dump() == second.dump()


SECRET = {
    "profile": ("real_name", "id_number", "pin_hash"),  # sealed with nonces; salted
    "person": ("id_number_index", "real_name_index"),
    "card": ("number",),
    "deposit": ("card_number_index",),
    "entry": ("inputs", "mac", "signature"),  # the digest of inputs that are blind
    "sealed_row": ("digest",),
    "device": ("public_key",),
}
"""The columns that hang on a home's own keys, which dice never make."""


def test_two_demos_with_the_same_dice_tell_the_same_story(tmp_path: Path):
    """
    Made at different times on different keys, everything that people see is the same.
    """
    dumps: list[Dump] = []
    for name in ("first", "second"):
        world = World(tmp_path / name, NOON + timedelta(days=len(dumps)))
        zhang = world.found(ZHANG, clock=NOON, dice="88")
        zhang.add_card(CARD, pin=right)
        zhang.topup(1000 * YUAN, pin=right)
        for other in (LI, WANG):
            world.found(other).add_card(OTHERS[other], pin=right)
        eventful(world)
        zhang.advance_clock(25 * HOUR)
        dumps.append(world.dump(ignoring=SECRET))
        world.close()

    assert dumps[0] == dumps[1]


def test_other_dice_fall_otherwise(tmp_path: Path):
    """
    The seed is what the chance hangs on.
    """
    packets = set()
    for dice in ("1", "2", "88"):
        world = World(tmp_path / dice)
        zhang = world.found(ZHANG, clock=NOON, dice=dice)
        zhang.add_card(CARD, pin=right)
        zhang.topup(YUAN, pin=right)
        packets.add(zhang.send(YUAN, pin=right)["packet"])
        world.close()

    assert 3 == len(packets)


def test_a_refused_act_costs_no_throw_of_the_dice(dicing: World, tmp_path: Path):
    """
    What is refused or rehearsed leaves the stream of chance where it was.
    """
    plain, tried = dicing.copy(tmp_path / "plain"), dicing.copy(tmp_path / "tried")
    with pytest.raises(errors.InsufficientBalance):
        tried.zhang.send(2000 * YUAN, count=20, pin=right)
    tried.zhang.send(20 * YUAN, count=20, pin=right, dry_run=True)

    sent = [w.zhang.send(20 * YUAN, count=20, pin=right)["packet"] for w in (plain, tried)]

    assert sent[0] == sent[1]
