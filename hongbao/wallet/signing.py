"""Signatures of acts: a device signs what it asks for, and the platform believes nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from hongbao.domain.chain import statement
from hongbao.domain.text import name_key
from hongbao.errors import BadSignature, DeviceNotEnrolled, HongbaoError, ReplayedNonce
from hongbao.home.opened import Home
from hongbao.queries.devices import device_keys
from hongbao.store import DeviceRow, Head, ProfileRow
from hongbao.wallet.acts import Act

if TYPE_CHECKING:
    pass

FIRST = "{profile}-{number}"
"""What the devices are called that nobody gave a name."""

TELLING_FAULTS = "device_fault"
"""The act that tells a demo's device what to do wrong: it is not the device that does it."""


class Signed(NamedTuple):
    """A request as its device signs it; *nonce* is the number that its entry is to have."""

    device: int
    session: int
    nonce: int
    signature: bytes


def enrol_first(home: Home, me: ProfileRow) -> DeviceRow:
    """Let this machine in as the first device of *me*, in the act that is being done."""
    if home.store.devices_of(me.id):  # they were all removed: nobody is let in unasked again
        raise DeviceNotEnrolled(device=_free_device_name(home, me.name), profile=me.name)
    row = make_device(home, _free_device_name(home, me.name))
    home.store.enrol(me.id, row.id, "approved", home.now())
    enrolled = home.store.device_of(me.id, name_key(row.name))
    assert enrolled is not None
    return enrolled


def make_device(home: Home, name: str) -> DeviceRow:
    """Make a device that nobody has let in yet, with a key on this machine."""
    public_key = device_keys(home).create()
    assert home.made_device_keys is not None
    home.made_device_keys.append(public_key)
    home.store.add_device(name=name, name_key=name_key(name), public_key=public_key, at=home.now())
    row = home.store.device_named(name_key(name))
    assert row is not None
    return row


@contextmanager
def keys_with_their_devices(home: Home, *, dry_run: bool) -> Iterator[None]:
    """
    Destroy what keys were made within, where their devices did not come about.

    Killed in between, a process leaves the file of a key that no device has, which opens
    nothing.
    """
    if home.made_device_keys is not None:  # it is one of several steps of a dry run
        yield
        return
    made = home.made_device_keys = []
    came_about = False
    try:
        yield
        came_about = not dry_run
    finally:
        home.made_device_keys = None
        if not came_about:
            for public_key in made:
                device_keys(home).remove(public_key)


def _free_device_name(home: Home, profile: str) -> str:
    number = 1
    while home.store.device_named(name_key(FIRST.format(profile=profile, number=number))):
        number += 1
    return FIRST.format(profile=profile, number=number)


def sign(home: Home, act: str, doing: Act, before: Head, row: DeviceRow) -> Signed:
    """Sign *act* as the device *row* does; a demo's may have been told to do it wrong."""
    nonce, fault = doing.entry, None if act == TELLING_FAULTS else row.fault
    if fault == "replay":
        nonce = before.entry
    said = statement(
        doing.me.id, row.id, row.session, act, doing.request_id, doing.inputs, nonce, before.mac
    )
    signature = device_keys(home).sign(row.public_key, said)
    if fault == "forge":
        signature = bytes(64)
    return Signed(row.id, row.session, nonce, signature)


def distrusted(
    act: str, doing: Act, before: Head, row: DeviceRow, signed: Signed
) -> HongbaoError | None:
    """
    Return why the platform does not believe what is *signed*; None where it does.

    The nonce is the number of the entry to come and the statement names the MAC before it, so
    that a request which was seen once can never be made again, nor put elsewhere.
    """
    from hongbao.vault import verify

    if signed.nonce != before.entry + 1:
        return ReplayedNonce(device=row.name)
    said = statement(
        doing.me.id,
        signed.device,
        signed.session,
        act,
        doing.request_id,
        doing.inputs,
        signed.nonce,
        before.mac,
    )
    if signed.session != row.session or not verify(row.public_key, said, signed.signature):
        return BadSignature(device=row.name)
    return None
