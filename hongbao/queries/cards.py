"""Bank cards: those that are bound, and look-up by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.domain.identity import BANKS, mask_card_number
from hongbao.errors import CardNotFound, NoCard
from hongbao.home.opened import Home
from hongbao.store import CardRow, ProfileRow
from hongbao.units import iso

if TYPE_CHECKING:
    from hongbao.answers import CardLine

_BANK_NAMES = {bank.code: bank.name_en for bank in BANKS}


def cards(home: Home) -> list[CardLine]:
    """Return the cards bound to this profile, oldest first."""
    with home.looking():
        return [
            {
                "card": card.name,
                "bank": card.bank,
                "bank_name": _BANK_NAMES[card.bank],
                "number": mask_card_number(card.tail),
                "bound_at": iso(card.bound_at),
            }
            for card in home.store.cards(home.me.id)
        ]


def card_named(home: Home, profile: ProfileRow, name: str | None) -> CardRow:
    """Return the card called *name*, or ending in it; None is the first one bound."""
    cards = home.store.cards(profile.id)
    if name is None:
        if not cards:
            raise NoCard
        return cards[0]
    wanted = name.strip().casefold()
    for card in cards:
        if wanted in (card.name, card.tail):
            return card
    raise CardNotFound(name)
