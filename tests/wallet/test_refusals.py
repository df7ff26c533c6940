"""Refusals: each one changes nothing at all, and of several the first is always the same."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hongbao import errors
from hongbao.domain.packet import PacketKind
from hongbao.domain.pin import Pin
from tests.wallet.acts import DAY, expired, half_claimed, nothing, sent, two_waiting
from tests.wallet.world import (
    CARD,
    LI,
    OTHER_CARD,
    PINS,
    WANG,
    YUAN,
    ZHANG,
    Dump,
    World,
    changed,
    id_number,
    policy,
    right,
    tail,
    unasked,
    wrong,
)

NOBODYS = "hb_7Q2M4K9X"


class No(NamedTuple):
    """One refusal: the error, who meets it, what makes the world ready for it, and the act."""

    error: type[errors.HongbaoError]
    who: str
    ready: Callable[[World], Any]
    do: Callable[..., Any]
    counts: bool = False  # a try at the PIN

    def __repr__(self) -> str:
        return self.error.__name__


def finished(world: World) -> str:
    packet = half_claimed(world)
    world.wang.claim(packet)
    return packet


def exclusive(world: World) -> str:
    return str(sent(count=1, kind=PacketKind.EXCLUSIVE, recipient=LI)(world))


def refunded(world: World) -> str:
    packet = str(expired()(world))
    world.zhang.refund(packet)
    return packet


def locked(world: World) -> None:
    for _ in range(5):
        with pytest.raises(errors.PinError):
            world.zhang.topup(YUAN, pin=wrong)


def identified(world: World) -> None:
    world.li.identify("李四", id_number(2), pin=right)


def used_up(world: World) -> None:
    """Leave Li, who is not identified, no room today."""
    world.li.topup(2000 * YUAN, pin=right)
    world.li.send(1000 * YUAN, count=10, pin=right)


def same_version_other_text() -> Any:
    first = changed(expires_hours="48")
    return first, first._replace(text="# no")


def _weak() -> Pin:
    return Pin("123456")


REFUSALS = (
    # --- the input
    No(errors.InvalidCount, ZHANG, nothing, lambda d, _, **o: d.send(YUAN, count=0, **o)),
    No(errors.InvalidCount, ZHANG, nothing, lambda d, _, **o: d.send(YUAN, count=101, **o)),
    No(errors.InvalidCount, ZHANG, nothing, lambda d, _, **o: d.send(YUAN, count=10**9, **o)),
    No(errors.ShareTooSmall, ZHANG, nothing, lambda d, _, **o: d.send(9, count=10, **o)),
    No(errors.ShareAboveCap, ZHANG, nothing, lambda d, _, **o: d.send(20001, count=1, **o)),
    No(
        errors.PacketAboveCap,
        ZHANG,
        nothing,
        lambda d, _, **o: d.send(20000 * YUAN + 1, count=100, **o),
    ),
    No(
        errors.FixedShareAboveCap,
        ZHANG,
        nothing,
        lambda d, _, **o: d.send(20001, kind=PacketKind.EXCLUSIVE, recipient=LI, **o),
    ),
    No(
        errors.InvalidGreeting,
        ZHANG,
        nothing,
        lambda d, _, **o: d.send(YUAN, greeting="好" * 26, **o),
    ),
    No(
        errors.UnprintableText,
        ZHANG,
        nothing,
        lambda d, _, **o: d.send(YUAN, greeting="\x1b[2J", **o),
    ),
    No(
        errors.UnprintableText,
        ZHANG,
        nothing,
        lambda d, _, **o: d.send(YUAN, cover="a\u202eb", **o),
    ),
    No(errors.TextTooLong, ZHANG, nothing, lambda d, _, **o: d.send(YUAN, cover="好" * 21, **o)),
    No(
        errors.ProfileNotFound,
        ZHANG,
        nothing,
        lambda d, _, **o: d.send(YUAN, kind=PacketKind.EXCLUSIVE, recipient="Zhao", **o),
    ),
    No(
        errors.SelfRecipient,
        ZHANG,
        nothing,
        lambda d, _, **o: d.send(YUAN, kind=PacketKind.EXCLUSIVE, recipient="zhang", **o),
    ),
    No(errors.CardNotFound, ZHANG, nothing, lambda d, _, **o: d.send(YUAN, paid_from="9", **o)),
    No(errors.NoCard, WANG, nothing, lambda d, _, **o: d.topup(YUAN, **o)),
    No(errors.CardNotFound, ZHANG, nothing, lambda d, _, **o: d.topup(YUAN, card="no", **o)),
    No(errors.CardNotFound, ZHANG, nothing, lambda d, _, **o: d.withdraw(YUAN, card="no", **o)),
    No(errors.CardNotFound, ZHANG, nothing, lambda d, _, **o: d.remove_card("no", **o)),
    No(errors.InvalidCardNumber, ZHANG, nothing, lambda d, _, **o: d.add_card("1234", **o)),
    No(errors.UnknownBank, ZHANG, nothing, lambda d, _, **o: d.add_card("4111111111111111", **o)),
    No(errors.InvalidIdNumber, LI, nothing, lambda d, _, **o: d.identify("李四", "1" * 18, **o)),
    No(
        errors.InvalidRealName,
        LI,
        nothing,
        lambda d, _, **o: d.identify("4", id_number(2), **o),
    ),
    No(errors.PacketNotFound, LI, nothing, lambda d, _, **o: d.claim(NOBODYS)),
    No(errors.InvalidPacketId, LI, nothing, lambda d, _, **o: d.claim(NOBODYS[:-1] + "W")),
    No(errors.PacketNotFound, ZHANG, nothing, lambda d, _, **o: d.refund(NOBODYS)),
    No(errors.InvalidPacketId, ZHANG, nothing, lambda d, _, **o: d.refund("hb_")),
    No(errors.ProfileNotFound, ZHANG, nothing, lambda d, _, **o: d.use("Zhao")),
    No(
        errors.PolicyVersionReused,
        ZHANG,
        lambda world: world.zhang.use_policy(same_version_other_text()[0]),
        lambda d, _, **o: d.use_policy(same_version_other_text()[1]),
    ),
    No(
        errors.ClockBackwards,
        ZHANG,
        nothing,
        lambda d, _, **o: d.set_clock(d.now() - timedelta(microseconds=1)),
    ),
    No(
        errors.InvalidDuration,
        ZHANG,
        nothing,
        lambda d, _, **o: d.advance_clock(timedelta(days=365 * 200)),
    ),
    No(
        errors.InvalidInstant,
        ZHANG,
        nothing,
        lambda d, _, **o: d.set_clock(d.now().replace(year=9999)),
    ),
    # --- who one is, and the PIN
    No(errors.CardInUse, ZHANG, nothing, lambda d, _, **o: d.add_card(CARD, **o), counts=True),
    No(
        errors.CardInUse,
        ZHANG,
        nothing,
        lambda d, _, **o: d.add_card(OTHER_CARD, **o),
        counts=True,
    ),
    No(
        errors.AlreadyIdentified,
        ZHANG,
        nothing,
        lambda d, _, **o: d.identify("张三", id_number(1), **o),
        counts=True,
    ),
    No(
        errors.IdentityMismatch,
        LI,
        nothing,
        lambda d, _, **o: d.identify("李四", id_number(1), **o),
        counts=True,
    ),
    No(
        errors.TooManyProfiles,
        LI,
        lambda world: world.zhang.use_policy(policy("pboc-2015")),
        lambda d, _, **o: d.identify("张三", id_number(1), **o),
        counts=True,
    ),
    No(errors.WrongPin, ZHANG, nothing, lambda d, _: d.topup(YUAN, pin=wrong), counts=True),
    No(errors.PinLocked, ZHANG, locked, lambda d, _: d.topup(YUAN, pin=right)),
    No(
        errors.WeakPin,
        ZHANG,
        nothing,
        lambda d, _: d.change_pin(right, _weak),
        counts=True,
    ),
    # --- the packet's state
    No(errors.OwnPacket, ZHANG, sent(count=1), lambda d, packet, **o: d.claim(packet)),
    No(errors.OwnPacket, ZHANG, exclusive, lambda d, packet, **o: d.claim(packet)),
    No(errors.NotForYou, WANG, exclusive, lambda d, packet, **o: d.claim(packet)),
    No(errors.AlreadyClaimed, LI, half_claimed, lambda d, packet, **o: d.claim(packet)),
    No(errors.AlreadyClaimed, LI, finished, lambda d, packet, **o: d.claim(packet)),
    No(errors.PacketFinished, ZHANG, finished, lambda d, packet, **o: d.claim(packet)),
    No(errors.PacketExpired, WANG, expired(), lambda d, packet, **o: d.claim(packet)),
    No(errors.PacketRefunded, WANG, refunded, lambda d, packet, **o: d.claim(packet)),
    No(errors.PacketNotExpired, ZHANG, half_claimed, lambda d, packet, **o: d.refund(packet)),
    No(errors.NothingToRefund, ZHANG, finished, lambda d, packet, **o: d.refund(packet)),
    No(errors.PacketRefunded, ZHANG, refunded, lambda d, packet, **o: d.refund(packet)),
    No(errors.NotYourPacket, LI, expired(), lambda d, packet, **o: d.refund(packet)),
    # --- limits and funds
    No(
        errors.LimitExceeded,
        LI,
        used_up,
        lambda d, _, **o: d.send(1, **o),
        counts=True,
    ),
    No(errors.LimitExceeded, LI, used_up, lambda d, _, **o: d.withdraw(1, **o), counts=True),
    No(
        errors.LimitExceeded,
        LI,
        used_up,
        lambda d, _, **o: d.send(1, paid_from=tail(OTHER_CARD), **o),
        counts=True,
    ),
    No(
        errors.InsufficientBalance,
        ZHANG,
        nothing,
        lambda d, _, **o: d.send(1000 * YUAN + 1, count=10, **o),
        counts=True,
    ),
    No(
        errors.InsufficientBalance,
        ZHANG,
        nothing,
        lambda d, _, **o: d.withdraw(1000 * YUAN + 1, **o),
        counts=True,
    ),
)


@pytest.fixture(scope="module")
def _waiting(_people: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    world = _people.copy(tmp_path_factory.mktemp("waiting") / "home")
    two_waiting(world)
    world.close()
    return world


@pytest.fixture
def waiting(_waiting: World, tmp_path: Path) -> Iterator[World]:
    """The people, with two packets of Zhang's; Li has claimed of one."""
    world = _waiting.copy(tmp_path / "home")
    yield world
    world.close()


@pytest.mark.parametrize("no", REFUSALS, ids=repr)
def test_a_refusal_changes_nothing(no: No, waiting: World):
    """
    Whatever is refused, every row of every table is as it was; a PIN that was right stays counted
    as right, and nothing but its counter has moved.
    """
    world = waiting
    ready = no.ready(world)
    desk = world.open(no.who)
    world.turn(minutes=1)
    before = world.dump(ignoring=PINS if no.counts else None)
    options = {"pin": right} if no.counts else {"pin": unasked}
    if no.error in (errors.WrongPin, errors.PinLocked, errors.WeakPin):
        options = {}

    with pytest.raises(no.error) as refused:
        no.do(desk, ready, **options)

    assert no.error is type(refused.value)
    assert before == world.dump(ignoring=PINS if no.counts else None)


DECLINED = (
    No(
        errors.InsufficientCard,
        ZHANG,
        nothing,
        lambda d, _, **o: d.topup(99_000 * YUAN + 1, **o),
        counts=True,
    ),
    No(
        errors.InsufficientCard,
        ZHANG,
        lambda world: world.zhang.topup(98_989 * YUAN, pin=right),
        lambda d, _, **o: d.send(12 * YUAN, paid_from=tail(CARD), **o),
        counts=True,
    ),
)


@pytest.mark.parametrize("no", DECLINED, ids=repr)
def test_what_a_bank_declines_moves_nothing(no: No, world: World):
    """
    A payment that reached its bank is a fact, and so is the bank's no: the steps it took are
    entries, the message and the bank's word of it are kept, and habits know that it was asked for.
    Nothing else has changed: no money, no counter of a limit, no packet.
    """
    two_waiting(world)
    ready = no.ready(world)
    world.turn(minutes=1)
    before = world.dump(ignoring=PINS)

    with pytest.raises(no.error) as refused:
        no.do(world.open(no.who), ready, pin=right, request_id="mine")

    assert no.error is type(refused.value)
    after = world.dump(ignoring=PINS)
    steps = after["entry"][len(before["entry"]) :]
    assert ["sent", "bank", "not_paid"] == [entry[1] for entry in steps[1:]]
    assert {0} == {entry[7] for entry in steps}
    assert "rejected" == after["message"][-1][16]
    for table in ("message", "bank_message"):
        assert before[table] == after[table][:-1]
    assert without_records(before) == without_records(after)
    assert {} == world.findings()


@pytest.mark.parametrize("no", DECLINED, ids=repr)
def test_what_a_bank_has_declined_is_told_again_as_it_was(no: No, world: World):
    """
    The same request is not sent a second time, whatever the card could pay by now.
    """
    ready = no.ready(world)
    with pytest.raises(no.error) as first:
        no.do(world.open(no.who), ready, pin=right, request_id="mine")
    before = world.dump()

    with pytest.raises(no.error) as second:
        no.do(world.open(no.who), ready, pin=unasked, request_id="mine")

    assert first.value.as_dict() == second.value.as_dict()
    assert before == world.dump()


def without_records(rows: Dump) -> Dump:
    """Return *rows* without what a payment leaves that came to nothing."""
    kept = {
        table: found
        for table, found in rows.items()
        if table not in ("entry", "message", "bank_message", "habit", "device")
    }
    for table in ("usage", "usage_year"):  # counted, and given back: a row of nothing may be left
        kept[table] = [row for row in rows[table] if row[3]]
    return kept


@pytest.mark.parametrize("no", [no for no in (*REFUSALS, *DECLINED) if no.counts], ids=repr)
def test_a_rehearsal_is_refused_as_the_real_run_is(no: No, world: World):
    """
    A dry run never says that all is well where the real run would refuse.
    """
    if no.error in (errors.WrongPin, errors.PinLocked, errors.WeakPin):
        pytest.skip("the PIN is not rehearsed")
    ready = no.ready(world)

    with pytest.raises(no.error):
        no.do(world.open(no.who), ready, pin=right, dry_run=True)


# --- which of several is said -------------------------------------------------------------------


def test_the_refusal_for_a_request_is_always_the_same_one(world: World):
    """
    Usage, lock, PIN, limit, funds: each is said only once what comes before it is mended.

    Li asks for 1,100 yuan in one share, from nothing, over the daily limit, with a wrong PIN.
    """
    li = world.li
    too_much: dict[str, Any] = {"total_fen": 1100 * YUAN}

    with pytest.raises(errors.ShareAboveCap):
        li.send(**too_much, count=1, pin=unasked)
    with pytest.raises(errors.WrongPin):
        li.send(**too_much, count=10, pin=wrong)
    with pytest.raises(errors.LimitExceeded):
        li.send(**too_much, count=10, pin=right)
    with pytest.raises(errors.InsufficientBalance):
        li.send(1000 * YUAN, count=10, pin=right)


def test_a_locked_pin_is_said_before_a_wrong_one_and_before_any_limit(world: World):
    """
    While the PIN is locked nothing is told of what it guards.
    """
    locked(world)

    with pytest.raises(errors.PinLocked):
        world.zhang.send(2000 * YUAN, count=10, pin=wrong)
    with pytest.raises(errors.PinLocked):
        world.zhang.send(2000 * YUAN, count=10, pin=right)


def test_a_fee_that_cannot_be_paid_is_a_lack_of_funds_after_the_limit(world: World):
    """
    The fee is part of what a withdrawal needs, and not of what its limit counts.
    """
    world.li.topup(2500 * YUAN, pin=right)
    world.li.withdraw(1000 * YUAN, pin=right)

    with pytest.raises(errors.LimitExceeded) as limit:
        world.li.withdraw(1000 * YUAN, pin=right)
    world.turn(days=1)
    world.li.withdraw(1000 * YUAN, pin=right)
    world.turn(days=1)
    with pytest.raises(errors.InsufficientBalance) as funds:
        world.li.withdraw(499 * YUAN, pin=right)

    assert 1000 * YUAN == limit.value.facts["used_fen"]
    assert 499 * YUAN + 50 == funds.value.facts["needed_fen"]
    assert 499 * YUAN == funds.value.facts["available_fen"]


def test_not_for_you_is_said_before_the_packets_own_end(world: World):
    """
    What one can least change comes first: that a packet is somebody else's, before that it ended.
    """
    packet = exclusive(world)
    world.at += DAY

    with pytest.raises(errors.NotForYou):
        world.wang.claim(packet)
    with pytest.raises(errors.OwnPacket):
        world.zhang.claim(packet)
    with pytest.raises(errors.PacketExpired):
        world.li.claim(packet)


def test_a_share_taken_is_said_before_the_packets_own_end(world: World):
    """
    Who has a share is told so, whether the packet is finished, expired or refunded since.
    """
    packet = expired()(world)

    with pytest.raises(errors.AlreadyClaimed):
        world.li.claim(packet)
    world.zhang.refund(packet)
    with pytest.raises(errors.AlreadyClaimed) as refused:
        world.li.claim(packet)

    assert world.li.show(packet)["yours_fen"] == refused.value.facts["amount_fen"]


def test_a_locked_home_says_nothing_else(world: World):
    """
    Before anything of the ledger is told, the home itself has to be opened.
    """
    world.zhang.lock("open sesame", pin=right)
    world.close()

    with pytest.raises(errors.HomeLocked):
        world.open("nobody")
    with pytest.raises(errors.WrongPassphrase):
        world.open(ZHANG, passphrase=lambda: "open, sesame")


def test_a_new_pin_that_is_the_birth_date_is_refused(world: World):
    """
    The holder's birth date is known from the ID number, and everyone tries it first.
    """
    before = world.dump(ignoring=PINS)

    with pytest.raises(errors.WeakPin):
        world.zhang.change_pin(right, lambda: Pin("900507"))

    assert before == world.dump(ignoring=PINS)


def test_who_is_identified_must_not_have_their_birth_date_as_pin(world: World):
    """
    A PIN that becomes weak by telling one's birth date is refused together with the date.
    """
    world.wang.change_pin(right, lambda: Pin("850101"))

    with pytest.raises(errors.WeakPin):
        world.wang.identify("王五", id_number(5, date(1985, 1, 1)), pin=lambda: Pin("850101"))

    assert world.zhang.profiles()[2]["real_name"] is None
