"""Devices: requested, approved, removed, logged in and moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.changes.devices import (
    BeginSession,
    Certify,
    Enrol,
    RetireDevice,
    SetCity,
    SetDeviceFault,
)
from hongbao.domain.risk.places import PLACES, place_called
from hongbao.domain.text import name_key, parse_device_name, refuse_look_alike
from hongbao.errors import (
    AlreadyApproved,
    DeviceExists,
    DeviceInUse,
    DevicePending,
    NoSuchFault,
    NotADemoHome,
    NotIdentified,
    SessionCut,
    UnknownCity,
)
from hongbao.home.opened import Home
from hongbao.queries.devices import acting_device, device_called, device_keys, held_here
from hongbao.store import DeviceRow, ProfileRow
from hongbao.wallet.acts import Act
from hongbao.wallet.authorise import AskPin, Identity, authorise
from hongbao.wallet.identify import read_identity
from hongbao.wallet.profiles import as_identity
from hongbao.wallet.requests import earlier_answer
from hongbao.wallet.signing import TELLING_FAULTS, make_device
from hongbao.wallet.unit_of_work import perform

if TYPE_CHECKING:
    from hongbao.answers import DeviceChanged, DeviceFaultSet, DeviceMoved, DeviceRemoved, LoggedIn

FAULTS = ("replay", "forge")
"""The faults that can be simulated for a demo device's next request."""

NOWHERE = "unknown"

Typed = tuple[str, str]
"""A real name and an ID number, as typed."""


def add_device(
    home: Home,
    name: str,
    *,
    pin: AskPin,
    identity: Typed | None = None,
    request_id: str | None = None,
    dry_run: bool = False,
) -> DeviceChanged:
    """
    Request to authorise the device *name*, which is this machine; it signs that itself.

    A new name is a new key. The name of a device that another profile of this home has authorised
    is that device, shared. It waits until it is approved; with the *identity* of whose profile
    it is, it is certified at once.

    Raises InvalidDeviceName, LookAlike, NotIdentified, DeviceExists, DeviceKeyMissing where a
    shared one is another machine, and what `authorise` raises.
    """
    name = parse_device_name(name)
    proof = identity_proof(home, identity)
    inputs = {"device": name_key(name), **({} if proof is None else proof.as_inputs())}
    first: DeviceChanged | None = earlier_answer(home, "device_add", inputs, request_id)
    if first is not None:
        return first
    _check_new(home, home.me, name)
    check_identified(home, proof)
    authorise(home, pin, identity=proof)
    state = "pending" if proof is None else "certified"

    def asking(doing: Act) -> DeviceRow:
        _check_new(home, doing.me, name)
        shared = home.store.devices(None, name_key(name))
        return held_here(home, shared[0]) if shared else make_device(home, doing, name)

    def work(doing: Act) -> DeviceChanged:
        assert doing.device is not None
        _check_session(doing)
        doing.change(Enrol(doing.me.id, doing.device.id, state, doing.now))
        return _device_changed(doing, doing.device, state)

    return perform(
        home,
        "device_add",
        inputs,
        work,
        request_id=request_id,
        dry_run=dry_run,
        any_device=True,
        by=asking,
    )


def approve_device(
    home: Home,
    name: str,
    *,
    pin: AskPin,
    identity: Typed | None = None,
    request_id: str | None = None,
    dry_run: bool = False,
) -> DeviceChanged:
    """
    Approve the device *name*, from one that is approved already.

    With the *identity* of whose profile it is, from any device; the device is certified then:
    its signature certifies the person, and counts as a factor of authentication.

    Raises DeviceNotFound, AlreadyApproved, NotIdentified, and what `authorise` raises.
    """
    proof = identity_proof(home, identity)
    inputs = {"device": name_key(name), **({} if proof is None else proof.as_inputs())}
    first: DeviceChanged | None = earlier_answer(home, "device_approve", inputs, request_id)
    if first is not None:
        return first
    state = "approved" if proof is None else "certified"
    _waiting(home, home.me, name, state)
    check_identified(home, proof)
    authorise(home, pin, identity=proof)

    def work(doing: Act) -> DeviceChanged:
        _check_session(doing)
        row = _waiting(home, doing.me, name, state)
        if row.is_let_in:
            doing.change(Certify(doing.me.id, row.id))
        else:
            doing.change(Enrol(doing.me.id, row.id, state, doing.now))
        return _device_changed(doing, row, state)

    return perform(
        home,
        "device_approve",
        inputs,
        work,
        request_id=request_id,
        dry_run=dry_run,
        any_device=proof is not None,
    )


def remove_device(
    home: Home,
    name: str,
    *,
    pin: AskPin,
    request_id: str | None = None,
    dry_run: bool = False,
) -> DeviceRemoved:
    """
    Remove the device *name*; its key is destroyed if no other profile shares it.

    Raises DeviceNotFound, DeviceInUse for the device that is acted from, and what `authorise`
    raises.
    """
    inputs = {"device": name_key(name)}
    first: DeviceRemoved | None = earlier_answer(home, "device_remove", inputs, request_id)
    if first is None:
        device_called(home, home.me, name)
        authorise(home, pin)

    def work(doing: Act) -> DeviceRemoved:
        assert doing.device is not None
        row = device_called(home, doing.me, name)
        if row.id == doing.device.id:
            raise DeviceInUse(device=row.name, profile=doing.me.name)
        doing.change(Enrol(doing.me.id, row.id, "removed", doing.now))
        retired = home.store.standing(doing.me.id, row.id).others == 0
        if retired:
            doing.change(RetireDevice(row.id))
        return {
            **_device_changed(doing, row, "removed"),
            "key_destroyed": retired and device_keys(home).holds(row.public_key),
        }

    removed = first or perform(
        home, "device_remove", inputs, work, request_id=request_id, dry_run=dry_run
    )
    if not dry_run:
        _destroy_retired_keys(home)
    return removed


def _destroy_retired_keys(home: Home) -> None:
    """Destroy the keys of devices without a profile, also those that a crash has left."""
    for row in home.store.devices(None):
        if device_keys(home).holds(row.public_key):
            device_keys(home).remove(row.public_key)


def _device_changed(doing: Act, row: DeviceRow, state: str) -> DeviceChanged:
    return {**doing.common, "profile": doing.me.name, "device": row.name, "state": state}


def _check_new(home: Home, me: ProfileRow, name: str) -> None:
    rows = home.store.devices(me.id)
    for row in rows:
        if row.state != "removed" and name_key(row.name) == name_key(name):
            raise DeviceExists(device=row.name, profile=me.name)
    refuse_look_alike(name, (row.name for row in rows))


def _waiting(home: Home, me: ProfileRow, name: str, state: str) -> DeviceRow:
    """Return the device *name*, for which *state* would be something new."""
    row = device_called(home, me, name)
    if row.state == "certified" or row.state == state:
        raise AlreadyApproved(device=row.name)
    return row


def _check_session(doing: Act) -> None:
    """Raise SessionCut: an identity lets a device in, but ends no distrust."""
    assert doing.device is not None
    if doing.device.cut_at is not None:
        raise SessionCut(device=doing.device.name)


def identity_proof(home: Home, identity: Typed | None) -> Identity | None:
    """Read *identity*, where one was typed, as the ledger compares it."""
    return None if identity is None else as_identity(*read_identity(home, *identity))


def check_identified(home: Home, proof: Identity | None) -> None:
    """Raise NotIdentified if a *proof* was given and nothing is known to compare it with."""
    me = home.me
    if proof is not None and me.id_number is None:
        raise NotIdentified(profile=me.name)


def login(
    home: Home, name: str | None = None, *, pin: AskPin, request_id: str | None = None
) -> LoggedIn:
    """
    Begin a new session on the device *name*, or on the one that is acted from.

    A session is the device's: it begins again for every profile that has authorised the device.

    Raises DeviceNotFound, DeviceKeyMissing, DevicePending, and what `authorise` raises.
    """
    inputs = {"device": None if name is None else name_key(name)}
    first: LoggedIn | None = earlier_answer(home, "device_login", inputs, request_id)
    if first is not None:
        return first
    _logging_in(home, home.me, name)
    authorise(home, pin)

    def work(doing: Act) -> LoggedIn:
        row = doing.device
        assert row is not None
        doing.change(BeginSession(row.id))
        return {
            **doing.common,
            "profile": doing.me.name,
            "device": row.name,
            "session": row.session + 1,
        }

    return perform(
        home,
        "device_login",
        inputs,
        work,
        request_id=request_id,
        any_device=True,
        by=lambda doing: _logging_in(home, doing.me, name),
    )


def _logging_in(home: Home, me: ProfileRow, name: str | None) -> DeviceRow:
    row = (
        acting_device(home, me) if name is None else held_here(home, device_called(home, me, name))
    )
    if row.state == "pending":
        raise DevicePending(device=row.name)
    return row


def move(
    home: Home, city: str, *, request_id: str | None = None, dry_run: bool = False
) -> DeviceMoved:
    """
    Set the city of the device in use; unknown clears it.

    Raises UnknownCity.
    """
    place = PLACES[0] if city.strip().casefold() == NOWHERE else place_called(city)
    if place is None:
        raise UnknownCity(city)

    def work(doing: Act) -> DeviceMoved:
        row = doing.device
        assert row is not None
        doing.change(SetCity(row.id, place.number))
        return {
            **doing.common,
            "profile": doing.me.name,
            "device": row.name,
            "city": place.code,
            "before": PLACES[row.city].code,
        }

    inputs = {"city": place.code}
    return perform(home, "device_move", inputs, work, request_id=request_id, dry_run=dry_run)


def set_device_fault(
    home: Home,
    name: str,
    fault: str | None,
    *,
    request_id: str | None = None,
    dry_run: bool = False,
) -> DeviceFaultSet:
    """
    Simulate a fault of the device *name* at its next request; None clears it.

    ``replay`` signs with a nonce that was used, ``forge`` with a signature that is none. Either
    ends the session, and the fault with it.

    Raises NoSuchFault, NotADemoHome or DeviceNotFound.
    """
    if fault is not None and fault not in FAULTS:
        raise NoSuchFault(place=name, text=fault, known=", ".join((*FAULTS, "none")))

    def work(doing: Act) -> DeviceFaultSet:
        if not doing.home_row.is_demo:
            raise NotADemoHome
        row = device_called(home, doing.me, name)
        doing.change(SetDeviceFault(row.id, fault))
        return {**doing.common, "device": row.name, "device_fault": fault}

    return perform(
        home,
        TELLING_FAULTS,
        {"device": name_key(name), "fault": fault},
        work,
        request_id=request_id,
        dry_run=dry_run,
        any_device=True,
    )


def is_answered(home: Home, act: str, request_id: str | None) -> bool:
    """Return whether *act*, which takes no inputs, was done under that id before."""
    return earlier_answer(home, act, {}, request_id) is not None
