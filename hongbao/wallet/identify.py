"""Real names (实名): an identity checked and bound to a profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.changes.people import Identify
from hongbao.domain.dates import china_day
from hongbao.domain.identity import (
    IdNumber,
    demo_id_number,
    mask_id_number,
    mask_real_name,
    parse_id_number,
    parse_real_name,
)
from hongbao.errors import AlreadyIdentified, IdentityMismatch, InvalidRealName, TooManyProfiles
from hongbao.home.opened import Home
from hongbao.queries.devices import device_keys
from hongbao.queries.profiles import masked
from hongbao.store import ProfileRow
from hongbao.wallet.acts import Act
from hongbao.wallet.authorise import AskPin, authorise
from hongbao.wallet.profiles import as_identity, check_pin_strength
from hongbao.wallet.requests import earlier_answer
from hongbao.wallet.unit_of_work import perform

if TYPE_CHECKING:
    from hongbao.answers import Identified


def read_identity(home: Home, name: str, id_number: str) -> tuple[str, IdNumber]:
    """Read a real name and an ID number. Raises InvalidRealName or InvalidIdNumber."""
    return parse_real_name(name), read_id_number(home, id_number)


def read_id_number(home: Home, text: str) -> IdNumber:
    """Read an ID number by the ledger's calendar. Raises InvalidIdNumber."""
    return parse_id_number(text, china_day(home.now()))


DEMO_NAME = "演示"
"""The real name of a demo identity, for a profile whose own name could not be one."""


def demo_identity(home: Home) -> tuple[str, str]:
    """Return a real name and an ID number for the one who acts; the number is no one's."""
    me = home.me
    try:
        name = parse_real_name(me.name)
    except InvalidRealName:
        name = DEMO_NAME
    return name, demo_id_number(me.id)


def identify(
    home: Home,
    real_name: str,
    id_number: str,
    *,
    pin: AskPin,
    request_id: str | None = None,
    dry_run: bool = False,
) -> Identified:
    """
    Verify this profile's identity (实名认证); limits follow from it.

    One ID number on several profiles is one person, who shares one set of limits.

    Raises InvalidRealName, InvalidIdNumber, WrongPin, PinLocked, AlreadyIdentified,
    IdentityMismatch, TooManyProfiles, or WeakPin where the PIN is the birth date.
    """
    name, number = read_identity(home, real_name, id_number)
    identity = as_identity(name, number)
    inputs = identity.as_inputs()
    first: Identified | None = earlier_answer(home, "identify", inputs, request_id)
    if first is not None:
        return first
    chosen = authorise(home, pin)
    check_pin_strength(home, chosen, number.birth_date)

    def work(doing: Act) -> Identified:
        me = doing.me
        if me.id_number is not None:
            real = masked(home, me, "real_name")
            raise AlreadyIdentified(profile=me.name, real_name=real or "")
        policy = home.policy_of(doing.home_row)
        name_index, id_index = (private.mark(home.vault) for private in identity)
        known = home.store.profiles(id_number=id_index)
        person, others = me.person, len(known)
        if known:
            person = known[0].person
            if known[0].real_name_index != name_index:
                raise IdentityMismatch
            if others >= policy.profiles_per_person:
                raise TooManyProfiles(profiles_max=policy.profiles_per_person)
        identified = me._replace(
            real_name=home.vault.seal(me.id, "real_name", name),
            id_number=home.vault.seal(me.id, "id_number", number.number),
        )
        assert identified.real_name is not None
        assert identified.id_number is not None
        doing.change(
            Identify(me, person, id_index, name_index, identified.id_number, identified.real_name)
        )
        return {
            **doing.common,
            "profile": me.name,
            "real_name": mask_real_name(name),
            "id_number": mask_id_number(number.number),
            "tier": home.tier(identified).name,
            "profiles_of_person": others + 1,
        }

    return perform(
        home,
        "identify",
        inputs,
        work,
        request_id=request_id,
        dry_run=dry_run,
        any_device=_is_stranded(home, home.me),
    )


def _is_stranded(home: Home, me: ProfileRow) -> bool:
    """
    Return whether none of the devices that *me* authorised is this machine.

    One who was never verified could not prove it to authorise this one, and would be locked
    out for good; so they may say it now, from a device that still waits.

    Accepted: so may one who has the home and its PIN, but none of its devices' keys.
    """
    rows = home.store.devices(me.id)
    return not any(row.is_let_in and device_keys(home).holds(row.public_key) for row in rows)
