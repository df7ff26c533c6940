"""What somebody may do who opens a home and is none of its devices: look, and nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hongbao import errors
from hongbao.domain.pin import Pin
from hongbao.queries.devices import device_keys
from hongbao.wallet import Wallet
from hongbao.wallet.operators import By
from tests.wallet.world import (
    LI,
    PINS,
    YUAN,
    ZHANG,
    World,
    changed,
    id_number,
    right,
    unasked,
    wrong,
)

PASSPHRASE = "a passphrase of their own"


def theirs() -> Pin:
    return Pin("975312")


@pytest.fixture
def stolen(world: World) -> World:
    """The home without its devices' keys, in the hands of somebody who knows everybody's PIN."""
    world.zhang.send(10 * YUAN, count=2, pin=right)
    world.close()
    shutil.rmtree(world.env.keys / "devices")
    return world


def stated(desk: Wallet) -> None:
    with desk.statement():
        pass


IN_ANOTHERS_NAME: dict[str, Callable[[Wallet], Any]] = {
    "make the first operator": lambda desk: desk.add_operator("Wu", pin=theirs, by=right),
    "lock": lambda desk: desk.lock(PASSPHRASE, pin=right),
    "export": stated,
    "receipt": lambda desk: desk.receipt(desk.history()["movements"][0]["id"]),
    "rekey": lambda desk: desk.rekey(),
    "change the policy": lambda desk: desk.use_policy(changed(expires_hours="48")),
    "pay": lambda desk: desk.topup(YUAN, pin=right),
    "change the PIN": lambda desk: desk.change_pin(right, theirs),
}


@pytest.mark.parametrize("what", IN_ANOTHERS_NAME)
def test_who_is_no_device_of_anybodys_says_nothing_in_anothers_name(what: str, stolen: World):
    """
    Neither from a machine that has no key, nor from one that is waiting for approval.
    """
    wrapping = stolen.zhang.keys.wrapping()
    before = stolen.dump(ignoring=PINS)

    with pytest.raises(errors.DeviceKeyMissing):
        IN_ANOTHERS_NAME[what](stolen.zhang)
    assert before == stolen.dump(ignoring=PINS)
    stolen.zhang.add_device("tablet", pin=right)
    with pytest.raises(errors.DevicePending):
        IN_ANOTHERS_NAME[what](stolen.zhang)

    assert wrapping == stolen.zhang.keys.wrapping()
    assert stolen.zhang.history()["movements"]  # they may look


def test_a_file_under_a_keys_name_is_no_key(stolen: World):
    """
    What only looks as if this machine were a device is opened before anything is signed.
    """
    desk = stolen.zhang
    [row] = desk.store.devices(desk.me.id)
    file: Path = device_keys(desk.home)._file(row.public_key)
    file.parent.mkdir()
    file.write_bytes(bytes(60))

    with pytest.raises(errors.DeviceKeyDamaged):
        stated(stolen.zhang)
    with pytest.raises(errors.DeviceKeyDamaged):
        stolen.zhang.lock(PASSPHRASE, pin=right)


def test_locking_takes_the_pin(world: World):
    """
    Whoever finds a wallet open does not shut its owner out: a wrong PIN is a try, and nothing is
    locked.
    """
    with pytest.raises(errors.WrongPin):
        world.zhang.lock(PASSPHRASE, pin=wrong)

    assert "device" == world.zhang.keys.wrapping()
    assert "passphrase" == world.zhang.lock(PASSPHRASE, pin=right)["wrapping"]


def test_the_first_operator_is_an_act_of_a_profile(world: World):
    """
    Its PIN is asked for before the new one's, its device signs, and the chain says whose it was.
    """
    with pytest.raises(errors.WrongPin):
        world.zhang.add_operator("Wu", pin=unasked, by=wrong)
    with pytest.raises(errors.OperatorNotFound):
        world.zhang.add_operator("Wu", pin=unasked, by=By("Bao", unasked))
    assert [] == world.zhang.operators()

    added = world.zhang.add_operator("Wu", pin=theirs, by=right)

    assert ("Wu", None) == (added["operator"], added["by"])
    entry = world.dump()["entry"][-1]
    assert ("operator_add", 1) == (entry[1], entry[2])
    assert all(entry[17:21]), "no device signed it"
    with pytest.raises(errors.OperatorNeeded):
        world.li.add_operator("Bao", pin=unasked, by=unasked)
    world.li.add_operator("Bao", pin=right, by=By("Wu", theirs))
    assert {} == world.findings()


def test_a_device_of_ones_own_is_enough_to_sign(world: World):
    """
    A second one that was let in signs as well, also where the first is gone for good.
    """
    world.zhang.add_device("phone", pin=right, identity=("张三", id_number(1)))
    world.open(f"{ZHANG}@phone").remove_device(f"{ZHANG}-1", pin=right)

    stated(world.zhang)
    stated(world.open(LI))
