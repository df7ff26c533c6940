"""Profiles: everyone in a home, personal data masked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.domain.identity import mask_id_number, mask_real_name
from hongbao.home.opened import Home
from hongbao.store import ProfileRow
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import ProfileLine


def profiles(home: Home) -> list[ProfileLine]:
    """Return everyone in the home, personal data masked, oldest first."""
    with home.looking():
        current = home.row.current_profile
        return [profile_line(home, row, current) for row in home.store.profiles()]


def profile_line(home: Home, row: ProfileRow, current: int | None) -> ProfileLine:
    """Return the answer line of the profile of *row*."""
    return {
        "profile": row.name,
        "current": row.id == current,
        "tier": home.tier(row).name,
        "real_name": masked(home, row, "real_name"),
        "id_number": masked(home, row, "id_number"),
        "cards": len(home.store.cards(row.id)),
        "opened_at": iso(row.opened_at),
    }


def masked(home: Home, row: ProfileRow, place: str) -> str | None:
    """Return the real name or the ID number (*place*) of *row*, masked; None if there is none."""
    sealed = row.real_name if place == "real_name" else row.id_number
    if sealed is None:
        return None
    mask = mask_real_name if place == "real_name" else mask_id_number
    return mask(home.vault.unseal(row.id, place, sealed))
