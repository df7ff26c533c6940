"""People at the desk: making a profile, saying who one is, changing the PIN."""

from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any

import pytest

from hongbao import errors
from hongbao.domain.pin import Pin
from hongbao.engines.sqlcipher import Ledger
from hongbao.units import iso
from hongbao.vault import KeyFolder, Vault
from hongbao.wallet import Wallet
from tests.wallet.acts import new_pin
from tests.wallet.world import (
    CARD,
    LI,
    NOON,
    PINS,
    WANG,
    YUAN,
    ZHANG,
    World,
    changed,
    id_number,
    policy,
    right,
    unasked,
    wrong,
)

# --- making a home and profiles -----------------------------------------------------------------


def test_the_first_profile_makes_the_home(empty: World):
    """
    Making a profile where there is no home makes one, and its answer says by which rules.
    """
    with pytest.raises(errors.HomeNotFound):
        empty.open()

    wallet, answer = Wallet.found(empty.env, "张三", pin=right, policy=policy())
    wallet.close()

    assert answer["request_id"].startswith("rq_")
    assert {
        "request_id": answer["request_id"],
        "at": "2026-02-16T12:00:00+08:00",
        "profile": "张三",
        "tier": "unverified",
        "policy": "standard@2",
        "clock": "real",
    } == answer
    assert "张三" == empty.open().me.name
    assert {} == empty.findings()


def test_a_profile_begins_with_nothing(empty: World):
    """
    No profile is given money.
    """
    balance = empty.found("Li").balance()

    assert 0 == balance["available_fen"] == balance["total_fen"]
    assert [] == empty.open().history()["movements"]


def test_the_first_profile_acts_until_another_is_chosen(world: World):
    """
    Where no profile is named, the first one acts; `use` chooses another, for good.
    """
    assert ZHANG == world.open().me.name

    line = world.zhang.use("WANG")

    assert (WANG, True) == (line["profile"], line["current"])
    assert WANG == world.open().me.name
    assert LI == world.open(LI).me.name


def test_a_name_is_taken_whatever_its_case(world: World):
    """
    Li and LI would be one person to a reader, so they are not two profiles.
    """
    before = world.dump()

    for name in ("Li", "LI", "lI"):
        with pytest.raises(errors.NameTaken):
            world.found(name, pin=unasked)

    assert before == world.dump()


def test_a_name_that_imitates_another_makes_nothing(world: World):
    """
    A Cyrillic І makes LІ another name to a computer, and the same one to the person who pays it.
    """
    before = world.dump()

    for name in ("L\u0406", "l\u0456"):
        with pytest.raises(errors.LookAlike):
            world.found(name, pin=unasked)

    assert before == world.dump()


@pytest.mark.parametrize("name", ["", " ", "-li", "a  b", "\x1b[2J", "a\u202eb", "x" * 21, "ｌｉ"])
def test_a_name_that_is_none_makes_nothing(name: str, empty: World):
    """
    A name is read before anything is made.
    """
    with pytest.raises(errors.InvalidName):
        empty.found(name, pin=unasked)

    assert not empty.folder.exists()


@pytest.mark.parametrize("digits", ["123456", "888888", "890123"])
def test_a_weak_pin_makes_nothing(digits: str, empty: World):
    """
    The PIN is asked for and looked at before a home is made.
    """
    with pytest.raises(errors.WeakPin):
        empty.found("Li", pin=lambda: Pin(digits))

    assert not empty.folder.exists()


def test_an_interrupted_question_makes_nothing(empty: World):
    """
    Ctrl-C at the question for the PIN leaves no trace.
    """

    def interrupted() -> Pin:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        empty.found("Li", pin=interrupted)

    assert not empty.folder.exists()


def test_the_clock_and_the_dice_are_a_new_homes_to_choose(world: World):
    """
    A home that is there keeps its clock and its chance; who asks for others is told so.
    """
    before = world.dump()

    for choice in ({"clock": NOON}, {"dice": "88"}, {"demo": True}):
        with pytest.raises(errors.HomeExists):
            world.found("Zhao", pin=unasked, **choice)
        with pytest.raises(errors.HomeExists):
            world.found(LI, pin=unasked, **choice)

    assert before == world.dump()


def test_founding_is_told_again(empty: World):
    """
    Under the same id the first profile is made once, with its clock and its dice.
    """
    choices: dict[str, Any] = {
        "policy": policy(),
        "clock": NOON,
        "dice": "88",
        "request_id": "begin",
    }
    wallet, first = Wallet.found(empty.env, "Li", pin=right, **choices)
    wallet.close()
    before = empty.dump()

    wallet, second = Wallet.found(empty.env, "Li", pin=unasked, **choices)
    wallet.close()

    assert {**first, "replayed": True} == second
    assert before == empty.dump()
    with pytest.raises(errors.RequestConflict):
        Wallet.found(empty.env, "Li", pin=unasked, **{**choices, "dice": "89"})


@pytest.mark.parametrize(
    ("choices", "begins_at", "dice"),
    [
        ({}, NOON, b"demo"),
        ({"clock": NOON + timedelta(hours=1)}, NOON + timedelta(hours=1), b"demo"),
        ({"dice": "88"}, NOON, b"88"),
        ({"dice": ""}, NOON, b""),
    ],
)
def test_a_demo_chooses_what_is_not_given(
    choices: dict[str, Any], begins_at: datetime, dice: bytes, empty: World
):
    """
    A clock that stands still at this second, and a seed that is always the same.
    """
    empty.turn(microseconds=999_999)

    wallet = empty.found("Li", demo=True, **choices)

    assert (begins_at, dice) == (wallet.home.row.virtual_at, wallet.home.row.dice)
    assert ("virtual", iso(begins_at)) == tuple(wallet.clock().values())[:2]


def test_founding_a_demo_is_told_again_although_time_has_passed(empty: World):
    """
    What was asked for is a demo, and not the moment at which it was asked.
    """
    choices: dict[str, Any] = {"policy": policy(), "demo": True, "request_id": "begin"}
    wallet, first = Wallet.found(empty.env, "Li", pin=right, **choices)
    wallet.close()
    empty.turn(hours=1)

    wallet, second = Wallet.found(empty.env, "Li", pin=unasked, **choices)
    wallet.close()

    assert {**first, "replayed": True} == second
    with pytest.raises(errors.RequestConflict):
        Wallet.found(empty.env, "Li", pin=unasked, **{**choices, "demo": False})


def test_a_home_made_on_a_virtual_clock_knows_no_other_time(empty: World):
    """
    Nothing in a demo's ledger comes from the machine's clock.
    """
    empty.turn(days=400)
    empty.found("Li", clock=NOON)

    year_2027 = int((NOON + timedelta(days=365)).timestamp()) * 1_000_000
    instants = [
        value
        for rows in empty.dump().values()
        for row in rows
        for value in row
        if isinstance(value, int) and value > 10**12
    ]

    assert instants
    assert all(instant < year_2027 for instant in instants)


def test_an_empty_ledger_left_by_a_killed_init_is_gone_on_with(empty: World):
    """
    Killed after the keys and the empty file were there, but no home in it, init carries on.
    """
    empty.found("Li")
    empty.close()
    for path in empty.env.data.iterdir():
        path.unlink()
    head = empty.env.keys / "head"
    head.write_bytes(b" " * head.stat().st_size)
    empty.ledger.touch()

    with pytest.raises(errors.HomeNotFound):
        empty.open()
    empty.found("Li")

    assert {} == empty.findings()


# --- real names ---------------------------------------------------------------------------------


def test_identifying_says_who_one_is_and_masks_it(world: World):
    """
    The answer shows the name and the number masked, the new tier, and how many profiles share it.
    """
    answer = world.li.identify("李四", id_number(2), pin=right)

    assert "李*" == answer["real_name"]
    assert f"1101**********{id_number(2)[-4:]}" == answer["id_number"]
    assert ("verified", 1) == (answer["tier"], answer["profiles_of_person"])
    assert ["张*", "李*", None] == [line["real_name"] for line in world.li.profiles()]


def test_one_number_keeps_its_first_name(world: World):
    """
    The same ID number under another name is refused, and under the same one it is the same person.
    """
    with pytest.raises(errors.IdentityMismatch):
        world.li.identify("李四", id_number(1), pin=right)

    assert 2 == world.li.identify("张三", id_number(1), pin=right)["profiles_of_person"]


def test_the_number_is_one_number_however_it_is_typed(world: World):
    """
    A small x at the end is the same number, and so the same person.
    """
    number = next(n for n in map(id_number, range(1, 99)) if n.endswith("X"))
    world.li.identify("李四", number, pin=right)

    with pytest.raises(errors.IdentityMismatch):
        world.wang.identify("王五", number.lower(), pin=right)


def test_the_policy_caps_how_many_profiles_a_person_has(world: World):
    """
    Five profiles may have one ID number, and the sixth may not.
    """
    for serial in range(4):
        desk = world.found(f"Zhang{serial}")
        shared = desk.identify("张三", id_number(1), pin=right)
        assert serial + 2 == shared["profiles_of_person"]
    sixth = world.found("Zhang9")
    before = world.dump(ignoring=PINS)

    with pytest.raises(errors.TooManyProfiles):
        sixth.identify("张三", id_number(1), pin=right)

    assert before == world.dump(ignoring=PINS)


def test_who_turns_out_to_be_known_brings_their_use_along(world: World):
    """
    What a profile used before it was identified counts for the person it turns out to be, and the
    counters still equal what they count.
    """
    world.li.topup(300 * YUAN, pin=right)
    world.li.send(100 * YUAN, pin=right)
    world.zhang.send(50 * YUAN, pin=right)

    world.li.identify("张三", id_number(1), pin=right)

    for desk in (world.li, world.zhang):
        [year] = desk.limits()["limits"]
        assert 150 * YUAN == year["used_fen"]
        assert 2 == desk.limits()["profiles_of_person"]
    assert {} == world.findings()


def test_the_future_is_nobodys_birth_date(world: World):
    """
    An ID number is read by the ledger's clock: nobody is born tomorrow.
    """
    tomorrow = (NOON + timedelta(days=1)).date()

    with pytest.raises(errors.InvalidIdNumber) as refused:
        world.li.identify("李四", id_number(2, tomorrow), pin=unasked)

    assert "birth_date" == refused.value.facts["problem"]
    world.turn(days=1)
    world.li.identify("李四", id_number(2, tomorrow), pin=right)


@pytest.fixture
def unguarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tries at a PIN overlap, as on a file system whose locks keep nobody out."""
    monkeypatch.setattr(KeyFolder, "one_try_at_a_time", lambda *_: nullcontext())


@pytest.mark.usefixtures("unguarded")
def test_a_pin_changed_while_an_old_one_is_checked_stays_changed(world: World):
    """
    Renewing a hash after a rekey never brings the PIN of before back.
    """
    world.zhang.rekey()
    world.close()
    slow = world.zhang
    real = type(slow.vault).hash_pin

    def hashed_slowly(vault, *asked):
        patch.undo()
        world.open(ZHANG).change_pin(right, new_pin)
        return real(vault, *asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(slow.vault), "hash_pin", hashed_slowly)
        slow.topup(YUAN, pin=right)

    world.zhang.topup(YUAN, pin=new_pin)
    with pytest.raises(errors.WrongPin):
        world.zhang.topup(YUAN, pin=right)


# --- the PIN ------------------------------------------------------------------------------------


def test_a_changed_pin_is_the_only_one(world: World):
    """
    The new PIN pays, the old one is wrong.
    """
    answer = world.zhang.change_pin(right, new_pin)

    assert ZHANG == answer["profile"]
    world.zhang.topup(YUAN, pin=new_pin)
    with pytest.raises(errors.WrongPin):
        world.zhang.topup(YUAN, pin=right)


def test_changing_the_pin_needs_the_old_one(world: World):
    """
    The new PIN is not even asked for where the old one is wrong.
    """
    with pytest.raises(errors.WrongPin):
        world.zhang.change_pin(wrong, unasked)

    world.zhang.topup(YUAN, pin=right)


def test_a_pin_is_its_profiles_own(world: World):
    """
    Each profile has its own PIN and its own tries, though all of them may have the same digits.
    """
    world.zhang.change_pin(right, new_pin)

    with pytest.raises(errors.WrongPin) as refused:
        world.li.topup(YUAN, pin=new_pin)

    assert 4 == refused.value.facts["attempts_left"]
    world.li.topup(YUAN, pin=right)


def wrong_ones(desk: Wallet, count: int) -> list[errors.PinError]:
    told = []
    for _ in range(count):
        with pytest.raises(errors.PinError) as refused:
            desk.topup(YUAN, pin=wrong)
        told.append(refused.value)
    return told


def test_five_wrong_pins_lock_for_three_hours(world: World):
    """
    Each wrong one says how many are left; the fifth locks, to the instant.
    """
    told = wrong_ones(world.zhang, 5)

    assert [4, 3, 2, 1] == [error.facts["attempts_left"] for error in told[:4]]
    assert isinstance(told[4], errors.PinLocked)
    assert NOON + timedelta(hours=3) == told[4].facts["locked_until_at"]
    world.turn(hours=3, microseconds=-1)
    with pytest.raises(errors.PinLocked):
        world.zhang.topup(YUAN, pin=right)
    world.turn(microseconds=1)
    world.zhang.topup(YUAN, pin=right)


def test_each_lock_is_twice_as_long_until_a_right_pin(world: World):
    """
    Whoever goes on guessing waits 3, 6, 12, 24 and then 48 hours at a time; the right PIN ends
    that, and a first lock is a short one again.
    """
    waited = []
    for _ in range(6):
        until = wrong_ones(world.zhang, 5)[-1].facts["locked_until_at"]
        assert isinstance(until, datetime)
        waited.append((until - world.at) / timedelta(hours=1))
        world.at = until

    assert [3, 6, 12, 24, 48, 48] == waited
    world.zhang.topup(YUAN, pin=right)
    assert world.at + timedelta(hours=3) == wrong_ones(world.zhang, 5)[-1].facts["locked_until_at"]


def test_the_policy_says_how_long_a_lock_may_get(world: World):
    """
    Its own longest; where it says none, sixteen times the first, as policies of before do.
    """
    world.zhang.use_policy(changed(lock_hours="1\nlock_hours_max = 2", attempts_max="1"))
    for hours in (1, 2, 2):
        [locked] = wrong_ones(world.zhang, 1)
        assert world.at + timedelta(hours=hours) == locked.facts["locked_until_at"]
        world.turn(hours=hours)


def test_after_the_lock_there_are_five_tries_again(world: World):
    """
    A lock that has run out has paid for what led to it.
    """
    wrong_ones(world.zhang, 5)
    world.turn(hours=3)

    told = wrong_ones(world.zhang, 5)

    assert [4, 3, 2, 1] == [error.facts["attempts_left"] for error in told[:4]]
    assert isinstance(told[4], errors.PinLocked)


def test_a_right_pin_clears_the_wrong_ones_before_it(world: World):
    """
    Four wrong ones and a right one, and five tries are left again.
    """
    wrong_ones(world.zhang, 4)
    world.zhang.topup(YUAN, pin=right)

    [error] = wrong_ones(world.zhang, 1)

    assert 4 == error.facts["attempts_left"]


@pytest.mark.usefixtures("unguarded")
def test_a_right_pin_clears_no_try_that_came_after_it(world: World):
    """
    While a right PIN is being checked, wrong ones that come meanwhile stay counted.
    """
    slow = world.zhang
    matches = slow.vault.pin_matches

    def checked_slowly(*asked):
        patch.undo()
        wrong_ones(world.zhang, 3)
        return matches(*asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(slow.vault), "pin_matches", lambda _, *asked: checked_slowly(*asked))
        slow.topup(YUAN, pin=right)

    [error] = wrong_ones(world.zhang, 1)

    assert 1 == error.facts["attempts_left"]


def test_a_lock_is_remembered_by_the_next_process(world: World):
    """
    Opening the home again forgets no try and no lock.
    """
    wrong_ones(world.zhang, 3)
    world.close()
    wrong_ones(world.zhang, 2)
    world.close()

    with pytest.raises(errors.PinLocked):
        world.zhang.topup(YUAN, pin=right)


def test_turning_the_system_clock_back_opens_no_lock(world: World):
    """
    Nor does turning it forward and back again.
    """
    wrong_ones(world.zhang, 5)

    for by in (timedelta(days=-1), timedelta(days=-400), timedelta(0)):
        world.at = NOON + by
        with pytest.raises(errors.PinLocked):
            world.zhang.topup(YUAN, pin=right)


def test_a_locked_pin_is_not_looked_at(world: World):
    """
    While it is locked no try is counted or checked, so waiting is worth something.
    """
    wrong_ones(world.zhang, 5)
    before = world.dump()

    with pytest.raises(errors.PinLocked):
        world.zhang.topup(YUAN, pin=right)
    with pytest.raises(errors.PinLocked):
        world.zhang.topup(YUAN, pin=wrong)

    assert before == world.dump()


@pytest.mark.parametrize("place", ["pin_matches", "hash_pin"])
def test_a_try_that_could_not_be_judged_is_no_wrong_one(
    place: str, world: World, monkeypatch: pytest.MonkeyPatch
):
    """
    A machine without memory to spare says nothing of the PIN, as often as it is asked.
    """
    world.zhang.rekey()  # so that the hash would be made anew
    world.close()
    tries = world.dump()["profile"][0][8:11]

    def without_memory(*asked: object) -> bool:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(Vault, place, without_memory)
        for _ in range(6):
            with pytest.raises(MemoryError):
                world.zhang.topup(YUAN, pin=right)

    assert tries == world.dump()["profile"][0][8:11]
    world.zhang.topup(YUAN, pin=right)


def test_a_try_that_could_not_be_counted_is_none(world: World, monkeypatch: pytest.MonkeyPatch):
    """
    A disk that is full when a try is counted locks no PIN, however often it is tried.
    """
    zhang, before = world.zhang, world.dump()

    def full(ledger: Ledger, _sql: str, *_values: object) -> int:
        raise errors.StorageRefused(path=str(ledger.path), reason="No space left on device")

    with monkeypatch.context() as patching:
        patching.setattr(Ledger, "write", full)
        for _ in range(6):
            with pytest.raises(errors.StorageRefused):
                zhang.topup(YUAN, pin=right)

    assert before == world.dump()
    assert YUAN == zhang.topup(YUAN, pin=right)["amount_fen"]


def test_a_locked_pin_is_not_asked_for(world: World):
    """
    Nobody types six digits to be told that no digits would do.
    """
    wrong_ones(world.zhang, 5)

    def ask():
        raise AssertionError("asked for a PIN that is locked")

    with pytest.raises(errors.PinLocked):
        world.zhang.topup(YUAN, pin=ask)


def test_the_policy_says_how_many_tries_and_how_long(world: World):
    """
    Another policy, another lock.
    """
    world.zhang.use_policy(changed(attempts_max="2", lock_hours="1"))

    first, second = wrong_ones(world.zhang, 2)

    assert 1 == first.facts["attempts_left"]
    assert NOON + timedelta(hours=1) == second.facts["locked_until_at"]


def test_a_claim_asks_for_no_pin(world: World):
    """
    Receiving is free: a locked PIN keeps nobody from taking a share.
    """
    packet = world.zhang.send(10 * YUAN, pin=right)["packet"]
    wrong_ones(world.li, 5)

    assert 10 * YUAN == world.li.claim(packet)["amount_fen"]


def test_a_card_identifies_nobody_in_the_open(world: World):
    """
    What a list shows of a card is its bank and its last four digits.
    """
    [line] = world.zhang.cards()

    assert ("cmb", f"**** {CARD[-4:]}") == (line["bank"], line["number"])
    assert CARD not in repr(line)
