"""Devices at the desk: who is let in, who signs, who is cut off, and codes beside the PIN."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors
from hongbao.changes.people import SetTotp
from hongbao.domain.pin import Pin
from hongbao.vault import DeviceKeys, Vault
from hongbao.vault.authenticator import code_at
from hongbao.wallet import Wallet
from hongbao.wallet.acts import Act
from hongbao.wallet.restoring import restore
from hongbao.wallet.signing import check_signed, sign
from hongbao.wallet.unit_of_work import perform
from tests.wallet.test_processes import at_once, codes, many
from tests.wallet.world import (
    LI,
    NOON,
    PINS,
    WANG,
    YUAN,
    ZHANG,
    World,
    below,
    card,
    id_number,
    policy,
    right,
    unasked,
    wrong,
)

FIRST = "Zhang-1"
ME = ("张三", id_number(1))
SOMEBODY = ("李四", id_number(2))


def states(world: World, who: str = ZHANG) -> dict[str, str]:
    return {line["device"]: line["state"] for line in world.open(who).devices()}


def key_files(world: World) -> set[str]:
    return {file.name for file in (world.env.keys / "devices").glob("*.key")}


def acts(world: World) -> list[str]:
    return [row[1] for row in world.dump()["entry"]]


def without_keys(world: World) -> None:
    """Leave the home as it comes back on a machine that was never let in."""
    world.close()
    shutil.rmtree(world.env.keys / "devices")


# --- the first one ------------------------------------------------------------------------------


def test_who_opens_a_wallet_acts_from_this_machine(empty: World):
    """
    The first device is let in with the profile; nobody vouches for it by an ID number yet.
    """
    empty.found(ZHANG)

    (line,) = empty.zhang.devices()

    assert {
        "device": FIRST,
        "state": "approved",
        "current": True,
        "here": True,
        "city": "unknown",
        "session": 1,
        "cut_at": None,
        "since": "2026-02-16T12:00:00+08:00",
        "shared_with": [],
        "fault": None,
    } == line
    assert 1 == len(key_files(empty))
    assert {} == empty.findings()


def test_a_first_device_takes_a_name_that_is_free(empty: World):
    """
    Somebody may have called a device li-1 before there was a Li.
    """
    empty.found(ZHANG).add_device("li-1", pin=right)

    assert {"Li-2": "approved"} == states(empty, empty.found(LI).me.name)


def test_a_profile_without_a_device_is_given_none_by_acting(world: World):
    """
    The first device comes with the profile; where it was taken out of the ledger, nothing is done.
    """
    world.edit("DELETE FROM enrolment WHERE profile = 1")
    before = world.dump(ignoring=PINS)

    with pytest.raises(errors.DeviceNotEnrolled):
        world.zhang.move("beijing")

    assert before == world.dump(ignoring=PINS)
    assert ["pin"] == world.zhang.limits()["factors"]


# --- letting in ---------------------------------------------------------------------------------


def test_a_device_that_waits_may_look_and_nothing_else(world: World):
    """
    Neither money nor devices: not even itself can it let in. Held by risk control.
    """
    world.zhang.add_device("tablet", pin=right)
    tablet = world.open("Zhang@tablet")
    before = world.dump(ignoring=PINS)
    attempts: list[Callable[[], Any]] = [
        lambda: tablet.topup(YUAN, pin=right),
        lambda: tablet.send(YUAN, pin=right),
        lambda: tablet.move("beijing"),
        lambda: tablet.change_pin(right, right),
        lambda: tablet.approve_device("tablet", pin=right),
        lambda: tablet.remove_device(FIRST, pin=right),
        lambda: tablet.login(pin=right),
        lambda: tablet.add_totp(lambda *_: "000000", pin=right),
    ]

    for attempt in attempts:
        with pytest.raises(errors.DevicePending) as refused:
            attempt()
        assert errors.ExitCode.HELD == refused.value.exit_code

    assert before == world.dump(ignoring=PINS)
    assert 1000 * YUAN == tablet.balance()["available_fen"]
    assert ["tablet"] == [line["device"] for line in tablet.devices() if line["current"]]


def test_a_device_is_let_in_from_one_that_is_in(world: World):
    """
    Then it acts, signs with its own key, and is as old as its approval.
    """
    world.zhang.add_device("tablet", pin=right)
    world.turn(hours=5)

    answer = world.zhang.approve_device("Tablet", pin=right)
    world.open("Zhang@TABLET").topup(YUAN, pin=right)

    assert ("tablet", "approved") == (answer["device"], answer["state"])
    line = world.zhang.devices()[-1]
    assert ("approved", "2026-02-16T17:00:00+08:00") == (line["state"], line["since"])
    devices = {row[0]: row[1] for row in world.dump()["device"]}
    signers = [devices[row[17]] for row in world.dump()["entry"] if row[17] is not None]
    assert ["tablet", FIRST, "tablet"] == signers[-3:]
    assert 4 == len(key_files(world))
    assert {} == world.findings()


def test_nobody_is_let_in_twice(world: World):
    """
    A device that is in already, or that waits, is not asked for again; the PIN is not asked for.
    """
    world.zhang.add_device("tablet", pin=right)

    for name in ("tablet", "TABLET", FIRST):
        with pytest.raises(errors.DeviceExists):
            world.zhang.add_device(name, pin=unasked)
    world.zhang.approve_device("tablet", pin=right)
    with pytest.raises(errors.AlreadyApproved):
        world.zhang.approve_device("tablet", pin=unasked)
    with pytest.raises(errors.DeviceNotFound):
        world.zhang.approve_device("phone", pin=unasked)


def test_an_id_number_lets_a_device_in_at_once(world: World):
    """
    With PIN and ID it need not wait, even where no other device is at hand, and it vouches for
    its person: its signature is a factor.
    """
    answer = world.zhang.add_device("tablet", pin=right, identity=ME)

    assert "certified" == answer["state"]
    assert ["pin", "signature"] == world.open("Zhang@tablet").limits()["factors"]
    assert ["pin"] == world.zhang.limits()["factors"]
    world.open("Zhang@tablet").topup(YUAN, pin=right)
    assert {} == world.findings()


def test_a_device_that_waits_can_be_certified_from_anywhere(world: World):
    """
    Also from itself: who has PIN and ID needs no other device. The first one becomes so, too.
    """
    world.zhang.add_device("tablet", pin=right)

    world.open("Zhang@tablet").approve_device("tablet", pin=right, identity=ME)
    world.zhang.approve_device(FIRST, pin=right, identity=ME)

    assert {FIRST: "certified", "tablet": "certified"} == states(world)
    assert ["pin", "signature"] == world.zhang.limits()["factors"]
    with pytest.raises(errors.AlreadyApproved):
        world.zhang.approve_device(FIRST, pin=unasked, identity=ME)


def test_somebody_elses_id_number_is_a_try(world: World):
    """
    Name or number of another: each is counted like a wrong PIN before it is looked at, the fifth
    locks, and nothing is let in. So an ID number whose ends `profiles` shows cannot be guessed.
    """
    for left, identity in (
        (4, SOMEBODY),
        (3, ("张三", id_number(2))),
        (2, ("张四", id_number(1))),
        (1, SOMEBODY),
    ):
        with pytest.raises(errors.WrongPinOrIdentity) as refused:
            world.zhang.add_device("tablet", pin=right, identity=identity)
        assert left == refused.value.facts["attempts_left"]

    with pytest.raises(errors.PinLocked):
        world.zhang.approve_device(FIRST, pin=right, identity=SOMEBODY)

    with pytest.raises(errors.PinLocked):
        world.zhang.add_device("tablet", pin=unasked, identity=ME)
    assert {FIRST: "approved"} == states(world)


def test_a_wrong_pin_lets_nothing_in(world: World):
    """
    An ID number alone is not enough, nor is a device.
    """
    before = world.dump(ignoring=PINS)

    with pytest.raises(errors.WrongPinOrIdentity):
        world.zhang.add_device("tablet", pin=wrong, identity=ME)
    with pytest.raises(errors.WrongPin):
        world.zhang.add_device("tablet", pin=wrong)

    assert before == world.dump(ignoring=PINS)
    assert 3 == len(key_files(world))


def test_an_id_number_proves_nothing_of_who_never_gave_one(world: World):
    """
    Li is not identified: no number can be theirs, and the sentence says what to do.
    """
    before = world.dump()

    with pytest.raises(errors.NotIdentified):
        world.li.add_device("tablet", pin=unasked, identity=SOMEBODY)
    with pytest.raises(errors.NotIdentified) as refused:
        world.li.approve_device("Li-1", pin=unasked, identity=SOMEBODY)

    assert "Li is not verified yet" in str(refused.value)
    assert before == world.dump()


@pytest.mark.parametrize(
    "name",
    ["", " ", "-t", "a@b", "a#b", "\x1b[2J", "a\u202eb", "a\nb", "x" * 21, "ｔ", "x" * 9999],
)
def test_a_name_that_would_break_a_screen_is_no_devices(name: str, world: World):
    """
    It is read before anything is made, and never told back raw.
    """
    before = world.dump()

    with pytest.raises(errors.InvalidDeviceName) as refused:
        world.zhang.add_device(name, pin=unasked)

    assert str(refused.value).isprintable()
    assert before == world.dump()
    for stranger in (f"Zhang@{name}", f"@{name}"):
        with pytest.raises((errors.DeviceNotEnrolled, errors.ProfileNotFound)) as refused_too:
            world.open(stranger).move("beijing")
        assert str(refused_too.value).isprintable()


def test_an_at_sign_alone_is_whoever_acts_anyway(world: World):
    """
    @tablet is the tablet of whoever was chosen.
    """
    world.zhang.add_device("tablet", pin=right, identity=ME)

    world.open("@tablet").move("beijing")

    assert ["unknown", "beijing"] == [line["city"] for line in world.zhang.devices()]


# --- removing -----------------------------------------------------------------------------------


def test_a_removed_device_has_no_key_and_no_say(world: World):
    """
    What it signed stays valid; its name is free for another machine, which is another device.
    """
    world.zhang.add_device("tablet", pin=right, identity=ME)
    world.open("Zhang@tablet").topup(YUAN, pin=right)
    before = key_files(world)

    answer = world.zhang.remove_device("tablet", pin=right)

    assert ("removed", True) == (answer["state"], answer["key_destroyed"])
    assert 1 == len(before - key_files(world))
    assert {FIRST: "approved"} == states(world)
    with pytest.raises(errors.DeviceNotEnrolled):
        world.open("Zhang@tablet").topup(YUAN, pin=right)
    with pytest.raises(errors.DeviceNotFound):
        world.zhang.remove_device("tablet", pin=unasked)
    world.zhang.add_device("tablet", pin=right)
    assert {FIRST: "approved", "tablet": "pending"} == states(world)
    assert {} == world.findings()


def test_a_request_to_be_let_in_can_be_turned_down(world: World):
    """
    Removing a device that waits is the answer no.
    """
    world.zhang.add_device("thief", pin=right)

    world.zhang.remove_device("thief", pin=right)

    with pytest.raises(errors.DeviceNotEnrolled):
        world.open("Zhang@thief").move("beijing")


def test_one_device_is_always_left(world: World):
    """
    Nobody removes the device that they act from: from another one, or not at all.
    """
    with pytest.raises(errors.DeviceInUse):
        world.zhang.remove_device(FIRST, pin=right)
    world.zhang.add_device("tablet", pin=right, identity=ME)
    with pytest.raises(errors.DeviceInUse):
        world.zhang.remove_device(FIRST, pin=right)

    world.open("Zhang@tablet").remove_device(FIRST, pin=right)

    assert {"tablet": "certified"} == states(world)
    world.zhang.topup(YUAN, pin=right)


def test_a_key_that_outlived_its_device_goes_with_the_next_removal(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """
    Killed between the entry and the file: the device is out, and asking again, or removing
    another, destroys what was left.
    """
    world.zhang.add_device("tablet", pin=right)
    with monkeypatch.context() as killed:

        def gone(*_: object) -> None:
            raise KeyboardInterrupt

        killed.setattr(DeviceKeys, "remove", gone)
        with pytest.raises(KeyboardInterrupt):
            world.zhang.remove_device("tablet", pin=right, request_id="bye")
    assert 4 == len(key_files(world))

    world.zhang.remove_device("tablet", pin=unasked, request_id="bye")

    assert 3 == len(key_files(world))


def test_a_rehearsal_makes_no_key_and_destroys_none(world: World):
    """
    A dry run of letting in, and of removing, leaves files and rows as they were.
    """
    world.zhang.add_device("tablet", pin=right)
    before = (world.dump(ignoring=PINS), key_files(world))

    added = world.zhang.add_device("phone", pin=right, dry_run=True)
    removed = world.zhang.remove_device("tablet", pin=right, dry_run=True)

    assert (True, True, True) == (added["dry_run"], removed["dry_run"], removed["key_destroyed"])
    assert before == (world.dump(ignoring=PINS), key_files(world))


# --- sharing ------------------------------------------------------------------------------------


def test_a_shared_device_has_one_key_and_is_let_in_by_each(world: World):
    """
    Its name means that device; each profile lets it in for itself, and `device list` tells both.
    """
    world.zhang.add_device("tablet", pin=right, identity=ME)
    before = key_files(world)

    assert "pending" == world.li.add_device("tablet", pin=right)["state"]
    with pytest.raises(errors.DevicePending):
        world.open("Li@tablet").topup(YUAN, pin=right)
    world.li.approve_device("tablet", pin=right)
    world.open("Li@tablet").topup(YUAN, pin=right)

    assert before == key_files(world)
    assert [LI] == world.zhang.devices()[-1]["shared_with"]
    assert [ZHANG] == world.li.devices()[-1]["shared_with"]
    assert {} == world.findings()


def test_a_shared_devices_key_stays_until_the_last_has_removed_it(world: World):
    """
    One goes, the other acts on.
    """
    world.zhang.add_device("tablet", pin=right)
    world.li.add_device("tablet", pin=right)
    world.li.approve_device("tablet", pin=right)

    assert not world.zhang.remove_device("tablet", pin=right)["key_destroyed"]
    world.open("Li@tablet").topup(YUAN, pin=right)
    assert world.li.remove_device("tablet", pin=right)["key_destroyed"]

    assert 3 == len(key_files(world))
    assert {} == world.findings()


# --- sessions -----------------------------------------------------------------------------------


def test_a_login_that_is_asked_for_again_is_answered_again(world: World):
    """
    Without the PIN, which somebody has typed already; and another request's id is not taken.
    """
    first = world.zhang.login(pin=right, request_id="in")

    assert {**first, "replayed": True} == world.zhang.login(pin=unasked, request_id="in")
    with pytest.raises(errors.RequestConflict):
        world.zhang.login(FIRST, pin=unasked, request_id="in")
    assert ["device_login"] == acts(world)[-1:]


def test_a_move_or_a_fault_that_is_only_tried_changes_nothing(dicing: World):
    """
    It is answered as if it were done.
    """
    desk = dicing.zhang
    before = dicing.dump()

    moved = desk.move("beijing", dry_run=True)
    told = desk.set_device_fault(FIRST, "forge", dry_run=True)

    assert ("unknown", "beijing") == (moved["before"], moved["city"])
    assert (FIRST, "forge") == (told["device"], told["device_fault"])
    assert before == dicing.dump()


@pytest.mark.parametrize(
    ("fault", "refusal"), [("replay", errors.ReplayedNonce), ("forge", errors.BadSignature)]
)
def test_a_wrong_signature_ends_the_session(
    fault: str, refusal: type[errors.HongbaoError], dicing: World
):
    """
    Nothing that was asked for is done, but that it was is an entry; then nothing goes until a new
    session has begun, which takes the PIN. The same request goes through afterwards.
    """
    desk = dicing.zhang
    desk.set_device_fault(FIRST, fault)
    before = desk.balance()

    with pytest.raises(refusal) as refused:
        desk.topup(5 * YUAN, pin=right, request_id="mine")

    assert errors.ExitCode.HELD == refused.value.exit_code
    assert before == desk.balance()
    assert "cut" == acts(dicing)[-1]
    for _ in range(2):
        with pytest.raises(errors.SessionCut):
            desk.topup(5 * YUAN, pin=right, request_id="mine")
    with pytest.raises(errors.SessionCut):
        desk.approve_device(FIRST, pin=right, identity=ME)
    with pytest.raises(errors.WrongPin):
        desk.login(pin=wrong)
    assert 2 == desk.login(pin=right)["session"]
    assert 5 * YUAN == desk.topup(5 * YUAN, pin=right, request_id="mine")["amount_fen"]
    (line,) = desk.devices()
    assert (2, None, None) == (line["session"], line["cut_at"], line["fault"])
    assert {} == dicing.findings()


def test_a_signature_counts_once_and_for_what_it_signs(world: World):
    """
    What the device signed in between may never have arrived; what has is not taken again.
    """
    home, checked = world.zhang.home, []

    def work(doing: Act) -> Any:
        row = doing.device
        assert row is not None
        signed = sign(home, "topup", doing, row)
        check_signed("topup", doing, row, signed)
        check_signed("topup", doing, row._replace(counter=signed.counter - 1), signed)
        check_signed("topup", doing, row._replace(counter=0), signed)
        for seen in (signed.counter, signed.counter + 1):
            with pytest.raises(errors.ReplayedNonce):
                check_signed("topup", doing, row._replace(counter=seen), signed)
        for act, other in (
            ("send", signed),
            ("topup", signed._replace(counter=signed.counter + 1)),
            ("topup", signed._replace(session=signed.session + 1)),
        ):
            with pytest.raises(errors.BadSignature):
                check_signed(act, doing, row, other)
        checked.append(signed)
        raise errors.Busy

    with pytest.raises(errors.Busy):
        perform(home, "topup", {}, work)

    assert 1 == len(checked)


def test_what_was_signed_in_a_ledger_that_was_lost_is_not_new(world: World, tmp_path: Path):
    """
    After a restore each device goes on with counters that nothing in the lost ledger had.
    """
    world.zhang.backup(tmp_path / "copy")
    for _ in range(3):
        world.zhang.topup(YUAN, pin=right)
    lost = counters(world)
    world.close()
    restore(world.env, tmp_path / "copy", accept_older=lambda *_: True)

    world.zhang.topup(YUAN, pin=right)

    assert counters(world)[-1] > max(lost)
    assert {} == world.findings()


def counters(world: World) -> list[int]:
    """Return the counters of Zhang's device, in the order of the chain."""
    with world.open(ZHANG) as desk:
        store = below(desk)
        return [row[0] for row in store.rows("SELECT counter FROM entry WHERE device = 1")]


def test_a_cut_session_is_not_stepped_around(dicing: World):
    """
    Another device of the same machine is not taken silently; an identity lets none in from there.
    """
    desk = dicing.zhang
    desk.add_device("tablet", pin=right, identity=ME)
    desk.set_device_fault(FIRST, "forge")
    with pytest.raises(errors.BadSignature):
        desk.move("beijing")

    with pytest.raises(errors.SessionCut):
        desk.move("beijing")

    dicing.open("Zhang@tablet").move("beijing")
    assert ["Zhang-1"] == [line["device"] for line in desk.devices() if line["cut_at"]]


def test_a_session_is_the_devices(dicing: World):
    """
    Whoever shares the device is cut off with it, and is back with it.
    """
    dicing.zhang.add_device("tablet", pin=right, identity=ME)
    dicing.li.add_device("tablet", pin=right)
    dicing.li.approve_device("tablet", pin=right)
    dicing.zhang.set_device_fault("tablet", "replay")
    with pytest.raises(errors.ReplayedNonce):
        dicing.open("Zhang@tablet").move("beijing")

    with pytest.raises(errors.SessionCut):
        dicing.open("Li@tablet").move("beijing")

    dicing.zhang.login("tablet", pin=right)
    dicing.open("Li@tablet").move("beijing")


def test_a_device_that_only_waits_begins_no_session(dicing: World):
    """
    A stranger that shares a device by name cannot reopen what was cut.
    """
    dicing.zhang.set_device_fault(FIRST, "forge")
    with pytest.raises(errors.BadSignature):
        dicing.zhang.move("beijing")

    with pytest.raises(errors.SessionCut):
        dicing.wang.add_device(FIRST, pin=right)
    with pytest.raises(errors.DeviceNotFound):
        dicing.wang.login(FIRST, pin=unasked)

    assert dicing.zhang.devices()[0]["cut_at"] is not None


def test_a_fault_that_was_told_can_be_taken_back(dicing: World):
    """
    Telling is not doing: it goes through whatever the fault says.
    """
    dicing.zhang.set_device_fault(FIRST, "forge")
    dicing.zhang.set_device_fault(FIRST, None)

    dicing.zhang.move("beijing")

    assert {} == dicing.findings()


def test_only_a_demos_device_can_be_told_to_fail(world: World):
    """
    On the real clock there is nothing to play with.
    """
    before = world.dump()

    with pytest.raises(errors.NotADemoHome):
        world.zhang.set_device_fault(FIRST, "forge")
    with pytest.raises(errors.NoSuchFault):
        world.zhang.set_device_fault(FIRST, "sulk")

    assert before == world.dump()


# --- places -------------------------------------------------------------------------------------


@pytest.mark.parametrize("city", ["shanghai", "Shanghai", "上海", " SHANGHAI "])
def test_a_device_says_where_it_is(city: str, world: World):
    """
    In either language; what is done from there is remembered with it.
    """
    answer = world.zhang.move(city)
    world.zhang.topup(YUAN, pin=right)

    assert ("shanghai", "unknown") == (answer["city"], answer["before"])
    judged = [json.loads(row[16]) for row in world.dump()["entry"] if row[16] is not None]
    assert 10 == judged[-1]["seen"][-1]
    assert "unknown" == world.zhang.move("unknown")["city"]


@pytest.mark.parametrize("city", ["", "atlantis", "\x1b[31m", "上海滩", "x" * 9999])
def test_a_city_that_is_none_is_refused(city: str, world: World):
    """
    And told back harmlessly.
    """
    with pytest.raises(errors.UnknownCity) as refused:
        world.zhang.move(city)

    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 100


# --- a home without its devices' keys -----------------------------------------------------------


def test_who_is_identified_lets_a_new_machine_in_with_pin_and_id(world: World, tmp_path: Path):
    """
    A copy is put back where no device's key is: nothing goes until the machine is let in.
    """
    world.zhang.backup(tmp_path / "copy")
    without_keys(world)
    restore(world.env, tmp_path / "copy", accept_older=lambda *_: True)
    with pytest.raises(errors.DeviceKeyMissing):
        world.zhang.topup(YUAN, pin=right)
    with pytest.raises(errors.DeviceKeyMissing):
        world.zhang.approve_device(FIRST, pin=right, identity=ME)

    world.zhang.add_device("new", pin=right, identity=ME)
    world.zhang.topup(YUAN, pin=right)
    removed = world.zhang.remove_device(FIRST, pin=right)

    assert not removed["key_destroyed"]
    assert {"new": "certified"} == states(world)
    assert {"devices": ["Li-1: missing", "Wang-1: missing"]} == world.findings()  # who did not come


def test_a_machine_whose_key_is_damaged_is_let_in_anew(world: World):
    """
    It signs nothing any more, and the refusal says the way that is left: who one is, and the PIN.
    """
    for file in (world.env.keys / "devices").glob("*.key"):
        file.write_bytes(b"\0" * 60)
    with pytest.raises(errors.DeviceKeyDamaged) as refused:
        world.zhang.topup(YUAN, pin=right)

    world.zhang.add_device("new", pin=right, identity=ME)
    world.open("Zhang@new").topup(YUAN, pin=right)

    assert "device add DEVICE --id-file FILE" in str(refused.value.hint)
    assert {"devices": ["Zhang-1: damaged", "Li-1: damaged", "Wang-1: damaged"]} == world.findings()


def test_who_was_never_identified_says_it_from_the_device_that_waits(world: World):
    """
    They could prove nothing otherwise, and would be locked out for good.
    """
    without_keys(world)
    world.li.add_device("new", pin=right)
    with pytest.raises(errors.DevicePending):
        world.li.topup(YUAN, pin=right)

    world.li.identify(*SOMEBODY, pin=right)
    world.li.approve_device("new", pin=right, identity=SOMEBODY)

    world.li.topup(YUAN, pin=right)
    assert {"devices"} == set(world.findings())  # all that is gone


def test_while_a_device_is_here_another_cannot_say_who_somebody_is(world: World):
    """
    Otherwise whoever has Li's PIN makes Li somebody else.
    """
    world.li.add_device("thief", pin=right)

    with pytest.raises(errors.DevicePending):
        world.open("Li@thief").identify(*SOMEBODY, pin=right)


def test_a_shared_device_that_is_elsewhere_is_not_shared_from_here(world: World):
    """
    The name of a machine is not the machine.
    """
    without_keys(world)

    with pytest.raises(errors.DeviceKeyMissing):
        world.li.add_device(FIRST, pin=right)


# --- many at once -------------------------------------------------------------------------------


def test_many_devices_that_come_at_once_all_wait(world: World):
    """
    Each has a key of its own, and a row that names it.
    """
    count = many(20)
    answers = at_once(
        world, count, lambda desk, n: desk.add_device(f"tablet-{n}", pin=right), lambda _: ZHANG
    )

    assert {"done": count} == codes(answers)
    assert Counter({"pending": count, "approved": 1}) == Counter(states(world).values())
    assert 3 + count == len(key_files(world))
    assert {} == world.findings()


def test_of_many_with_one_name_one_is_added(world: World):
    """
    The others are told that it is there, and leave no key behind.
    """
    answers = at_once(
        world, many(20), lambda desk, _: desk.add_device("tablet", pin=right), lambda _: ZHANG
    )

    assert {"done": 1, "device_exists": many(20) - 1} == codes(answers)
    assert 3 + 1 == len(key_files(world))
    assert {} == world.findings()


# --- authenticators -----------------------------------------------------------------------------


class App:
    """An authenticator app: it shows codes by the ledger's time."""

    def __init__(self, world: World, who: str = ZHANG) -> None:
        self.world = world
        self.who = who
        desk = world.open(who)
        self.answer = desk.add_totp(self._take, pin=right)
        world.turn(seconds=60)  # past what it was added with

    def _take(self, secret: bytes, profile: str) -> str:
        assert self.who == profile
        self.secret = secret
        return self.shows()

    def shows(self, **ago: float) -> str:
        return code_at(self.secret, self.world.open(self.who).now() - timedelta(**ago))

    def desk(self, code: str | None = None) -> Wallet:
        """Return a desk where this app's code is given, or another one."""
        desk = self.world.open(self.who)
        desk.home.ask_code = lambda: self.shows() if code is None else code
        return desk


def another(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_with_an_authenticator_each_pin_is_asked_for_with_a_code(world: World):
    """
    Of payments and of everything else; it counts as a factor from then on.
    """
    app = App(world)

    app.desk().topup(YUAN, pin=right)

    assert app.answer["authenticator"]
    assert ["pin", "totp"] == world.zhang.limits()["factors"]
    assert {
        "profile": ZHANG,
        "authenticator": True,
        "factors": ["pin", "totp"],
        "level": 2,
    } == world.zhang.totp()
    with pytest.raises(EOFError):  # nobody is there to say it
        world.zhang.send(YUAN, pin=right)
    world.li.topup(YUAN, pin=right)  # who has none is not asked
    assert {} == world.findings()


def test_no_code_counts_twice(world: World):
    """
    Neither the one that an act was done with, nor an older one that is still shown somewhere.
    """
    app = App(world)
    used = app.shows()
    app.desk(used).topup(YUAN, pin=right)

    for code in (used, app.shows(seconds=30)):
        with pytest.raises(errors.WrongPinOrCode):
            app.desk(code).topup(YUAN, pin=right)

    world.turn(seconds=30)
    app.desk().topup(YUAN, pin=right)


def test_the_code_of_adding_is_used_by_then(empty: World):
    """
    Whoever looked over the shoulder has nothing of it.
    """
    empty.found(ZHANG, clock=NOON)
    seen = []

    def take(secret: bytes, _: str) -> str:
        seen.append(code_at(secret, NOON))
        return seen[0]

    desk = empty.zhang
    desk.add_totp(take, pin=right)
    desk.home.ask_code = lambda: seen[0]

    with pytest.raises(errors.WrongPinOrCode):
        desk.change_pin(right, right)


def test_of_many_with_one_code_one_goes_through(world: World):
    """
    The others are refused as a wrong code is; none is done twice.
    """
    app = App(world)
    code = app.shows()

    def act(desk: Wallet, _: int) -> Any:
        desk.home.ask_code = lambda: code
        return desk.topup(YUAN, pin=right)

    told = codes(at_once(world, many(20), act, lambda _: ZHANG))

    assert 1 == told["done"]
    assert set(told) <= {"done", "wrong_pin_or_code", "pin_locked"}
    assert {} == world.findings()


def test_a_wrong_code_is_a_try_at_the_pin(world: World):
    """
    Both are one: the fifth wrong one locks both, and a right PIN does not clear a wrong code.
    """
    app = App(world)
    before = world.zhang.balance()

    for left in (4, 3, 2, 1):
        with pytest.raises(errors.WrongPinOrCode) as refused:
            app.desk(another(app.shows())).topup(YUAN, pin=right)
        assert left == refused.value.facts["attempts_left"]
        assert errors.ExitCode.PIN == refused.value.exit_code
    with pytest.raises(errors.PinLocked):
        app.desk(another(app.shows())).topup(YUAN, pin=right)
    with pytest.raises(errors.PinLocked):
        app.desk().topup(YUAN, pin=unasked)

    assert before == world.zhang.balance()
    world.turn(hours=3)
    app.desk().topup(YUAN, pin=right)


def test_which_of_pin_and_code_was_wrong_is_not_told(world: World):
    """
    One after the other they would be guessed in a million tries and a million, together in a
    million millions: every refusal is the same one, to the last word.
    """
    app = App(world)
    told = []
    for pin, code in (
        (wrong, app.shows()),
        (right, another(app.shows())),
        (wrong, another(app.shows())),
    ):
        with pytest.raises(errors.WrongPinOrCode) as refused:
            app.desk(code).topup(YUAN, pin=pin)
        told.append(refused.value.as_dict() | {"attempts_left": None, "message": None})

    assert [told[0]] * 3 == told
    with pytest.raises(errors.WrongPinOrCode) as last:
        app.desk().topup(YUAN, pin=wrong)
    assert 1 == last.value.facts["attempts_left"]
    assert "wrong PIN or wrong code; attempts left: 1" == str(last.value)


def test_which_of_pin_and_identity_was_wrong_is_not_told(world: World):
    """
    Nor by whoever found an ID number and would like to know whose it is.
    """
    told = set()
    for pin, identity in ((wrong, ME), (right, SOMEBODY), (wrong, SOMEBODY)):
        with pytest.raises(errors.WrongPinOrIdentity) as refused:
            world.zhang.add_device("tablet", pin=pin, identity=identity)
        told.add(str(refused.value).rpartition(":")[0])

    assert {"wrong PIN, or another person's identity; attempts left"} == told


def test_a_wrong_pin_uses_no_code_up(world: World):
    """
    Who mistypes the PIN types the same code again.
    """
    app = App(world)
    code = app.shows()
    with pytest.raises(errors.WrongPinOrCode):
        app.desk(code).topup(YUAN, pin=wrong)

    app.desk(code).topup(YUAN, pin=right)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５", "\x1b[2J"])
def test_what_is_no_code_is_no_try(code: str, world: World):
    """
    It is read before anything is counted.
    """
    app = App(world)
    before = world.dump()

    with pytest.raises(errors.InvalidCode):
        app.desk(code).topup(YUAN, pin=right)

    assert before == world.dump()


def test_an_app_that_shows_something_else_is_not_added(world: World):
    """
    Its owner would be locked out: a code has to be typed back first.
    """
    before = world.dump(ignoring=PINS)

    with pytest.raises(errors.CodeNotRepeated):
        world.zhang.add_totp(lambda secret, _: another(code_at(secret, world.at)), pin=right)
    with pytest.raises(errors.WrongPin):
        world.zhang.add_totp(lambda *_: pytest.fail("a secret was handed out"), pin=wrong)

    assert before == world.dump(ignoring=PINS)


def test_there_is_one_authenticator(world: World):
    """
    Another takes its place only once it is gone.
    """
    App(world)

    with pytest.raises(errors.AuthenticatorExists):
        world.zhang.add_totp(lambda *_: pytest.fail("a secret was handed out"), pin=unasked)
    with pytest.raises(errors.NoAuthenticator):
        world.li.remove_totp(pin=unasked)


def test_an_authenticator_goes_with_its_code(world: World):
    """
    Then the PIN alone is asked for again.
    """
    app = App(world)
    with pytest.raises(errors.WrongPinOrCode):
        app.desk(another(app.shows())).remove_totp(pin=right)

    assert not app.desk().remove_totp(pin=right)["authenticator"]

    world.zhang.topup(YUAN, pin=right)
    assert ["pin"] == world.zhang.limits()["factors"]


def test_a_lost_authenticator_goes_with_the_id_number(world: World):
    """
    Somebody else's is a try; who never gave one needs the code.
    """
    App(world)
    App(world, LI)
    with pytest.raises(errors.WrongPinOrIdentity):
        world.zhang.remove_totp(pin=right, identity=SOMEBODY)
    with pytest.raises(errors.NotIdentified):
        world.li.remove_totp(pin=unasked, identity=SOMEBODY)

    world.zhang.remove_totp(pin=right, identity=ME)

    world.zhang.topup(YUAN, pin=right)


def test_a_secret_is_sealed_and_lives_on_under_new_keys(world: World):
    """
    It is nowhere in the ledger as it is, and a rekey seals it anew.
    """
    app = App(world)
    rows = repr(world.dump())
    assert app.secret.hex() not in rows
    assert repr(app.secret)[2:-1] not in rows

    app.world.zhang.rekey()

    app.desk().topup(YUAN, pin=right)
    assert {} == world.findings()


def test_coming_back_from_a_copy_lets_no_code_count_twice(world: World, tmp_path: Path):
    """
    What was used since the copy stays used.
    """
    app = App(world)
    world.zhang.backup(tmp_path / "copy")
    code = app.shows()
    app.desk(code).topup(YUAN, pin=right)
    world.close()
    restore(world.env, tmp_path / "copy", accept_older=lambda *_: True)

    with pytest.raises(errors.WrongPinOrCode):
        app.desk(code).topup(YUAN, pin=right)

    world.turn(seconds=30)
    app.desk().topup(YUAN, pin=right)


def test_a_clock_that_came_back_with_a_copy_shows_codes_again_soon(dicing: World, tmp_path: Path):
    """
    Codes of days that the ledger no longer knows do not keep its owner out until they come again.
    """
    desk = dicing.zhang
    secrets = []

    def take(secret: bytes, _: str) -> str:
        secrets.append(secret)
        return code_at(secret, desk.now())

    desk.add_totp(take, pin=right)
    desk.backup(tmp_path / "copy")
    desk.advance_clock(timedelta(days=2))
    desk.home.ask_code = lambda: code_at(secrets[0], desk.now())
    desk.topup(YUAN, pin=right)
    dicing.close()
    restore(dicing.env, tmp_path / "copy", accept_older=lambda *_: True)

    again = dicing.zhang
    again.home.ask_code = lambda: code_at(secrets[0], again.now())
    with pytest.raises(errors.WrongPinOrCode):
        again.topup(YUAN, pin=right)
    again.advance_clock(timedelta(seconds=60))
    again.topup(YUAN, pin=right)


# --- the ladder ---------------------------------------------------------------------------------


@pytest.fixture
def classed(empty: World) -> World:
    """Zhang under `pboc-2015`, known by three channels, which is class II, with 9,000 yuan."""
    zhang = empty.found(ZHANG, policy=policy("pboc-2015"))
    zhang.identify(*ME, pin=right)
    zhang.add_card(card(0, 1), pin=right)
    zhang.add_card(card(1, 2), pin=right)
    zhang.topup(9000 * YUAN, pin=right)
    empty.found(WANG, policy=policy("pboc-2015"))
    return empty


def day_limits(desk: Wallet) -> list[int]:
    return [rule["limit_fen"] for rule in desk.limits()["limits"] if rule["period"] == "day"]


def sends(desk: Wallet, yuan: int) -> None:
    desk.send(yuan * YUAN, count=-(-yuan // 200), pin=right)


def refuses(desk: Wallet, yuan: int) -> str:
    with pytest.raises(errors.LimitExceeded) as refused:
        sends(desk, yuan)
    return str(refused.value.facts["limit"])


def test_a_pin_alone_pays_1000_a_day(classed: World):
    """
    Fewer than two factors: FACTS §2, the daily ladder.
    """
    assert [1000 * YUAN, 5000 * YUAN] == day_limits(classed.zhang)

    sends(classed.zhang, 1000)

    assert "class-2-day-under-two-factors" == refuses(classed.zhang, 1)


def test_pin_and_code_pay_5000_a_day(classed: World):
    """
    Two factors, none of them a signature.
    """
    app = App(classed)
    assert [5000 * YUAN] == day_limits(classed.zhang)

    sends(app.desk(), 5000)

    classed.turn(seconds=30)
    assert "class-2-day-unsigned" == refuses(app.desk(), 1)


def test_pin_and_a_certified_devices_signature_pay_as_agreed(classed: World):
    """
    No daily limit is left; from a device that is only let in, there is.
    """
    classed.zhang.add_device("tablet", pin=right)
    classed.zhang.approve_device("tablet", pin=right)
    classed.zhang.approve_device(FIRST, pin=right, identity=ME)
    assert [] == day_limits(classed.zhang)
    assert [1000 * YUAN, 5000 * YUAN] == day_limits(classed.open("Zhang@tablet"))
    classed.turn(hours=24)  # by then risk control knows the devices

    sends(classed.zhang, 6000)

    assert "class-2-day-under-two-factors" == refuses(classed.open("Zhang@tablet"), 1)


def test_an_authenticator_that_is_gone_takes_its_limit_along(classed: World):
    """
    What authenticates now is what counts, for what was paid before as well.
    """
    app = App(classed)
    sends(app.desk(), 3000)

    classed.zhang.remove_totp(pin=right, identity=ME)

    assert "class-2-day-under-two-factors" == refuses(classed.zhang, 1)


def test_one_who_adds_an_authenticator_meanwhile_is_asked_for_its_code(world: World):
    """
    A payment whose PIN was being typed is not taken for one with two factors.
    """

    def slowly() -> Pin:
        App(world)
        return right()

    with pytest.raises(errors.Busy):
        world.zhang.topup(YUAN, pin=slowly)


def test_an_authenticator_that_goes_while_a_pin_is_looked_at_makes_no_wrong_try(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """
    Two who take it away at once: one does, the other is told that the home is busy.
    """
    app = App(world)
    look = Vault.pin_matches

    def overtaken(*asked: Any) -> bool:
        other = world.open(ZHANG)
        with other.home.changing():
            other.store.apply([SetTotp(other.home.me.id, None)])
        return look(*asked)

    desk = app.desk()
    with monkeypatch.context() as patched:
        patched.setattr(Vault, "pin_matches", overtaken)
        with pytest.raises(errors.Busy):
            desk.remove_totp(pin=right)

    tries, cleared = world.dump()["profile"][0][8:10]
    assert tries == cleared


def test_moments_are_the_ledgers(dicing: World):
    """
    A demo's codes stand still with its clock, and go on when it is turned.
    """
    desk = dicing.zhang
    secrets = []

    def take(secret: bytes, _: str) -> str:
        secrets.append(secret)
        return code_at(secret, datetime.fromisoformat("2026-02-16T12:00:00+08:00"))

    desk.add_totp(take, pin=right)
    dicing.turn(days=3)
    desk.home.ask_code = lambda: code_at(secrets[0], dicing.at)
    with pytest.raises(errors.WrongPinOrCode):
        desk.topup(YUAN, pin=right)
    desk.advance_clock(timedelta(seconds=30))
    desk.home.ask_code = lambda: code_at(secrets[0], NOON + timedelta(seconds=30))

    desk.topup(YUAN, pin=right)
