"""Signatures of acts: a device signs each request, and the platform verifies it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from hongbao import errors
from hongbao.changes.devices import AddDevice, Enrol
from hongbao.domain.chain import statement
from hongbao.domain.text import name_key
from hongbao.errors import HongbaoError
from hongbao.home.opened import Home
from hongbao.queries.devices import FIRST, device_keys
from hongbao.store import DeviceRow
from hongbao.wallet.acts import Act

TELLING_FAULTS = "device_fault"
"""The act that tells a demo's device what to do wrong: it is not the device that does it."""


class Signed(NamedTuple):
    """A request as its device signs it; *counter* says which of the device's acts it is."""

    device: int
    session: int
    counter: int
    signature: bytes


def enrol_first(home: Home, doing: Act) -> DeviceRow:
    """Enrol this machine as the first device of a new profile, in the act that makes it."""
    row = make_device(home, doing, _free_device_name(home, doing.me.name))
    doing.change(Enrol(doing.me.id, row.id, "approved", doing.now))
    return row._replace(state="approved")


def make_device(home: Home, doing: Act, name: str) -> DeviceRow:
    """Make a device that is not enrolled yet, with a key on this machine."""
    public_key = device_keys(home).create()
    assert home.made_device_keys is not None
    home.made_device_keys.append(public_key)
    number = home.store.next_number("device")
    doing.change(AddDevice(number, name, name_key(name), public_key, doing.now))
    return DeviceRow(
        id=number,
        name=name,
        public_key=public_key,
        city=0,
        session=1,
        cut_at=None,
        fault=None,
        state="",
        since=doing.now,
        counter=home.store.head().restored,
    )


@contextmanager
def keys_with_their_devices(home: Home, *, dry_run: bool) -> Iterator[None]:
    """
    Destroy what keys were made within, if their devices were not added.

    Where it is not known whether they were, as after a commit that could not be synced, the keys
    stay: a device without its key could never sign. So a process that is killed or interrupted may
    leave the file of a key that no device has, which signs nothing.
    """
    if home.made_device_keys is not None:  # it is one of several steps of a dry run
        yield
        return
    made = home.made_device_keys = []
    may_be_added = not dry_run
    try:
        yield
    except HongbaoError as error:
        may_be_added = error.begun
        raise
    finally:
        home.made_device_keys = None
        if not may_be_added:
            for public_key in made:
                with suppress(HongbaoError):  # what is wrong is raised already
                    device_keys(home).remove(public_key)


@contextmanager
def only_keys_of_done_acts(home: Home) -> Iterator[None]:
    """Destroy what keys one act of a group has made, if it is refused."""
    assert home.made_device_keys is not None
    before = len(home.made_device_keys)
    try:
        yield
    except BaseException:
        for public_key in home.made_device_keys[before:]:
            device_keys(home).remove(public_key)
        del home.made_device_keys[before:]
        raise


def _free_device_name(home: Home, profile: str) -> str:
    number = 1
    while home.store.devices(None, name_key(FIRST.format(profile=profile, number=number))):
        number += 1
    return FIRST.format(profile=profile, number=number)


def sign(home: Home, act: str, doing: Act, row: DeviceRow) -> Signed:
    """
    Sign *act* as the device *row* does.

    The device needs to know nothing of the ledger but its own last counter that was seen.
    What this process has signed is not verified by it again: that is the work of `check`. Only a
    demo's device may have a fault that makes it sign wrongly, and only its signature is.

    Raises ReplayedNonce or BadSignature.
    """
    fault = None if act == TELLING_FAULTS else row.fault
    counter = row.counter if fault == "replay" else row.counter + 1
    said = statement_of(act, doing, row.id, row.session, counter)
    signature = device_keys(home).sign(row.public_key, said)
    if fault == "forge":
        signature = bytes(64)
    signed = Signed(row.id, row.session, counter, signature)
    if fault is not None:
        check_signed(act, doing, row, signed)
    return signed


def check_signed(act: str, doing: Act, row: DeviceRow, signed: Signed) -> None:
    """
    Check that *act* was *signed* by the device *row*, and for the first time.

    A counter has to be greater than the last that was seen, so that a request which was done can
    never be made again. It need not be the next: what a device signed may not have arrived.

    Raises ReplayedNonce or BadSignature.
    """
    from hongbao.vault import verify

    if signed.counter <= row.counter:
        raise errors.ReplayedNonce(device=row.name)
    said = statement_of(act, doing, signed.device, signed.session, signed.counter)
    if signed.session != row.session or not verify(row.public_key, said, signed.signature):
        raise errors.BadSignature(device=row.name)


def statement_of(act: str, doing: Act, device: int, session: int, counter: int) -> bytes:
    """Return the bytes that a request for *act* is signed over."""
    return statement(doing.me.id, device, session, act, doing.request_id, doing.inputs, counter)
