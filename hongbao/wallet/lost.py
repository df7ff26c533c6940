"""Acts that devices of this machine were answered, and that a cluster has lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.home.kept import Kept
from hongbao.wallet.releasing import catch_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hongbao.answers import LostAct
    from hongbao.errors import HongbaoError
    from hongbao.home.kept import Gone
    from hongbao.home.opened import Home


def lost_acts(home: Home) -> list[LostAct]:
    """Return the acts that are gone, in the order that they are to be presented again in."""
    if home.store.log is None:
        return []
    with home.looking():
        return lost_lines(home, Kept(home).all_gone())


def acts_to_repeat(home: Home) -> list[LostAct]:
    """
    Return the acts that are gone, as `lost_acts` does, once the payments under way have ended.

    One that was repeated may have been killed before its bank was asked, and others need its money.
    """
    if home.store.log is not None:
        catch_up(home)
    return lost_acts(home)


def found_lost(home: Home) -> list[LostAct]:
    """Return the acts that are gone, if a device has found that some are: else nothing is read."""
    return lost_acts(home) if Kept(home).has_gap() else []


def note_refused(home: Home, act: LostAct, error: HongbaoError) -> None:
    """Note that *act* was presented again and refused with *error*, so that others may follow."""
    kept = Kept(home)
    for gone in kept.all_gone():
        if (gone.act.request, gone.device) == (act["request_id"], act["device_number"]):
            kept.note_refused(gone, error)


def lost_lines(home: Home, gone: Iterable[Gone]) -> list[LostAct]:
    """Return acts that are *gone* as answers have them; names may be gone as well."""
    profiles = {row.id: row.name for row in home.store.profiles()}
    devices = {row.id: row.name for row in home.store.devices(None)}
    return [
        {
            "act": each.act.act,
            "request_id": each.act.request,
            "profile": profiles.get(each.act.profile),
            "device": devices.get(each.device),
            "device_number": each.device,
            "line": each.act.line or None,
            "refused": each.refused,
        }
        for each in gone
    ]
