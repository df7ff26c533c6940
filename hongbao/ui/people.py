"""People on the terminal: profiles, names, cards and PINs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.dry_runs import deed
from hongbao.ui.listing import CURRENT, Field, Listing, dated, named_current
from hongbao.ui.screen import Cell, Column, is_terminal, line, pipe, safe
from hongbao.words import N_, counted, say

if TYPE_CHECKING:
    from hongbao.answers import (
        CardBound,
        Founded,
        Identified,
        PinChanged,
        ProfileLine,
        RefundsChosen,
        RefundsTo,
    )


def show_founded(founded: Founded, tiers: Mapping[str, str]) -> None:
    """Print who is here now."""
    line(
        say(
            N_("created profile {profile} · {tier} · policy {policy}"),
            profile=safe(founded["profile"]),
            tier=tiers[founded["tier"]],
            policy=founded["policy"],
        ),
        bold=safe(founded["profile"]),
    )


PROFILES = Listing(
    rows="profiles",
    fields=(
        CURRENT,
        Field("profile", Column(N_("profile"), gives=True), named_current("profile")),
        Field("tier", Column(N_("tier"))),
        Field(
            "real_name",
            Column(N_("real name"), gives=True, below=True),
            lambda row: row["real_name"] or "",
        ),
        Field("id_number", Column(N_("ID number"), below=True)),
        Field("cards", Column(N_("cards"), below=True), lambda row: _cards(row["cards"])),
        Field("opened_at", Column(N_("since"), below=True, extra=True), dated("opened_at")),
    ),
    screen=("current", "profile", "tier", "real_name", "id_number", "cards", "opened_at"),
)


def profiles_with(tiers: Mapping[str, str]) -> Listing:
    """Return the list of profiles, whose *tiers* have these titles."""
    return PROFILES.showing(tier=lambda row: tiers[row["tier"]])


def _cards(count: int) -> str:
    return counted("{count} card", "{count} cards", count) if count else ""


def show_used(profile: ProfileLine) -> None:
    """Print who acts from now on."""
    line(say(N_("using profile {profile} from now on"), profile=safe(profile["profile"])))


def show_identified(identified: Identified, tiers: Mapping[str, str]) -> None:
    """Print who the profile is, masked, and how well it is known now."""
    line(
        deed(
            identified,
            N_("verified {profile} · {real_name} · {id_number} · {tier}"),
            profile=safe(identified["profile"]),
            real_name=identified["real_name"],
            id_number=identified["id_number"],
            tier=tiers[identified["tier"]],
        ),
        bold=tiers[identified["tier"]],
    )


def show_pin_changed(changed: PinChanged) -> None:
    """Print whose PIN is new."""
    line(say(N_("changed the payment PIN of {profile}"), profile=safe(changed["profile"])))


def show_card_added(bound: CardBound) -> None:
    """Print which card was bound."""
    line(_card_said(N_("bound {card} · {bank} · {number}"), bound), bold=bound["card"])


def show_card_removed(bound: CardBound) -> None:
    """Print which card was removed."""
    line(_card_said(N_("removed {card} · {bank} · {number}"), bound))


def _card_said(sentence: str, bound: CardBound) -> str:
    return deed(
        bound,
        sentence,
        card=bound["card"],
        bank=wording.bank_name(bound["bank"]),
        number=bound["number"],
    )


def show_refunds_to(refunds: RefundsTo | RefundsChosen) -> None:
    """Print where the rest of packets that a card paid for goes."""
    if not is_terminal():
        pipe((refunds["refund_to"],))
        return
    place = refunds["refund_to"]
    line(deed(refunds, _REFUNDS_TO[place]))


_REFUNDS_TO = {
    "card": N_("unclaimed money goes back to the card that paid"),
    "balance": N_("unclaimed money goes to the balance, for any card"),
}


CARDS = Listing(
    rows="cards",
    fields=(
        Field("card", Column(N_("card")), lambda row: Cell(row["card"], "bold")),
        Field(
            "bank",
            Column(N_("bank"), gives=True, below=True),
            lambda row: wording.bank_name(row["bank"]),
        ),
        Field("number", Column(N_("number"), right=True)),
        Field("bound_at", Column(N_("since"), below=True), dated("bound_at")),
    ),
    more=(Field("bank_name"),),
    screen=("card", "bank", "number", "bound_at"),
    empty=N_("no card is bound yet"),
)
