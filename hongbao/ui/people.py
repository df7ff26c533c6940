"""People on the terminal: profiles, names, cards and PINs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.dry_runs import deed
from hongbao.ui.screen import Cell, Column, is_terminal, line, pipe, safe, table
from hongbao.words import N_, _, ngettext, say

if TYPE_CHECKING:
    from hongbao.answers import (
        CardBound,
        CardLine,
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


def show_profiles(profiles: Sequence[ProfileLine], tiers: Mapping[str, str]) -> None:
    """Print who is in the home, the one who acts first marked."""
    if not is_terminal():
        pipe(
            *(
                (
                    "*" if line["current"] else "",
                    line["profile"],
                    line["tier"],
                    line["real_name"],
                    line["id_number"],
                    line["cards"],
                    line["opened_at"],
                )
                for line in profiles
            )
        )
        return
    table(
        [
            Column(""),
            Column(_("profile"), gives=True),
            Column(_("tier")),
            Column(_("real name"), gives=True, below=True),
            Column(_("ID number"), below=True),
            Column(_("cards"), below=True),
            Column(_("since"), below=True, extra=True),
        ],
        [
            [
                Cell("●" if row["current"] else " ", "red"),
                Cell(safe(row["profile"]), "bold" if row["current"] else ""),
                tiers[row["tier"]],
                row["real_name"] or "",
                row["id_number"] or "",
                _cards(row["cards"]),
                Cell(wording.when(row["opened_at"])[:10], "dim"),
            ]
            for row in profiles
        ],
    )


def _cards(count: int) -> str:
    return ngettext("{count} card", "{count} cards", count).format(count=count) if count else ""


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


def show_cards(cards: Sequence[CardLine]) -> None:
    """Print the bank cards, oldest first."""
    if not is_terminal():
        pipe(*((card["card"], card["bank"], card["number"], card["bound_at"]) for card in cards))
        return
    if not cards:
        line(_("no card is bound yet"))
        return
    table(
        [
            Column(_("card")),
            Column(_("bank"), gives=True, below=True),
            Column(_("number"), right=True),
            Column(_("since"), below=True),
        ],
        [
            [
                Cell(card["card"], "bold"),
                wording.bank_name(card["bank"]),
                card["number"],
                Cell(wording.when(card["bound_at"])[:10], "dim"),
            ]
            for card in cards
        ],
    )
