"""Devices: which act for a profile, and which of them is this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao import errors
from hongbao.domain.limits import factor_level
from hongbao.domain.risk.places import PLACES
from hongbao.domain.text import name_key
from hongbao.errors import HeldByRisk
from hongbao.home.opened import Home
from hongbao.store import DeviceRow, ProfileRow
from hongbao.units import iso, iso_or_none

if TYPE_CHECKING:
    from hongbao.answers import DeviceLine, TotpShown
    from hongbao.vault import DeviceKeys


FIRST = "{profile}-{number}"
"""The default names of devices."""


def device_keys(home: Home) -> DeviceKeys:
    """The keys of the devices that are this machine."""
    known = home.known_device_keys
    if known is None or known[0] != home.vault.generation:
        from hongbao.vault import DeviceKeys

        known = (home.vault.generation, DeviceKeys(home.env.keys, home.vault))
        home.known_device_keys = known
    return known[1]


def acting_device(home: Home, me: ProfileRow) -> DeviceRow:
    """
    Return the device that *me* acts from: the one named behind an @, or the first one here.

    Raises DeviceNotEnrolled, or DeviceKeyMissing if its key is not on this machine.
    """
    if home.device_name is not None:
        named = home.store.devices(me.id, name_key(home.device_name))
        if not named or named[0].state == "removed":
            raise errors.DeviceNotEnrolled(device=home.device_name, profile=me.name)
        return _as_sealed(home, me, held_here(home, named[0]))
    rows = [row for row in home.store.devices(me.id) if row.state != "removed"]
    here = [row for row in rows if device_keys(home).holds(row.public_key)]
    if not here:
        if rows:
            raise errors.DeviceKeyMissing(device=rows[0].name)
        raise errors.DeviceNotEnrolled(
            device=FIRST.format(profile=me.name, number=1), profile=me.name
        )
    return _as_sealed(home, me, next((row for row in here if row.is_let_in), here[0]))


def _as_sealed(home: Home, me: ProfileRow, row: DeviceRow) -> DeviceRow:
    """Return *row*. Raises StateAltered if it, or how *me* stands to it, was altered."""
    home.check_state(("device", row.id), ("enrolment", me.id, row.id))
    return row


def held_here(home: Home, row: DeviceRow) -> DeviceRow:
    """Return *row*. Raises DeviceKeyMissing if this machine cannot sign for it."""
    if not device_keys(home).holds(row.public_key):
        raise errors.DeviceKeyMissing(device=row.name)
    return row


def authentication_factors(home: Home, me: ProfileRow) -> tuple[str, ...]:
    """
    Return the factors that authenticate a payment of *me* from this device.

    That is the payment PIN; a code, if there is an authenticator, because then it is always
    asked for; and the device's signature, if the ID number certifies the device.
    """
    try:
        device = acting_device(home, me)
    except HeldByRisk:  # limits are looked at from anywhere; an act was refused before this
        device = None
    certified = device is not None and device.state == "certified"
    return (
        "pin",
        *(("totp",) if me.totp_secret is not None else ()),
        *(("signature",) if certified else ()),
    )


def check_this_machine(home: Home, me: ProfileRow) -> None:
    """
    Raise unless this machine could sign as a device that *me* has authorised.

    For signatures outside of acts. Raises DeviceKeyMissing, DeviceKeyDamaged,
    DevicePending or SessionCut.
    """
    row = acting_device(home, me)
    check_may_act(row)
    device_keys(home).check(row.public_key)


def check_may_act(row: DeviceRow) -> None:
    """Raise DevicePending or SessionCut if the device may not act."""
    if row.state == "pending":
        raise errors.DevicePending(device=row.name)
    if row.cut_at is not None:
        raise errors.SessionCut(device=row.name)


def devices(home: Home) -> list[DeviceLine]:
    """Return the devices that this profile has authorised, or that wait, oldest first."""
    with home.looking():
        me = home.me
        rows = [row for row in home.store.devices(me.id) if row.state != "removed"]
        current = _acting(home, rows)
        return [_device_line(home, me, row, current) for row in rows]


def _acting(home: Home, rows: list[DeviceRow]) -> int | None:
    """Return which of *rows* would sign now, if one would."""
    if home.device_name is not None:
        rows = [row for row in rows if name_key(row.name) == name_key(home.device_name)]
    here = [row for row in rows if device_keys(home).holds(row.public_key)]
    chosen = next((row for row in here if row.is_let_in), here[0] if here else None)
    return None if chosen is None else chosen.id


def _device_line(home: Home, me: ProfileRow, row: DeviceRow, current: int | None) -> DeviceLine:
    return {
        "device": row.name,
        "state": row.state,
        "current": row.id == current,
        "here": device_keys(home).holds(row.public_key),
        "city": PLACES[row.city].code,
        "session": row.session,
        "cut_at": iso_or_none(row.cut_at),
        "since": iso(row.since),
        "shared_with": [
            other.name for other in home.store.profiles(device=row.id) if other.id != me.id
        ],
        "fault": row.fault,
    }


def device_called(home: Home, me: ProfileRow, name: str) -> DeviceRow:
    """Return the device of *me* that is called *name*. Raises DeviceNotFound."""
    rows = home.store.devices(me.id, name_key(name))
    if not rows or rows[0].state == "removed":
        raise errors.DeviceNotFound(name)
    return rows[0]


def totp(home: Home) -> TotpShown:
    """Return whether there is an authenticator, and what authenticates a payment by now."""
    with home.looking():
        me = home.me
        factors = authentication_factors(home, me)
    return {
        "profile": me.name,
        "authenticator": me.totp_secret is not None,
        "factors": list(factors),
        "level": factor_level(factors),
    }
