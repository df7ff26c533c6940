"""A year of red packets on the terminal: the screen that people share at New Year."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.ui.bars import bar
from hongbao.ui.listing import Field, Listing
from hongbao.ui.screen import Cell, Column, console, line, safe, styled, table
from hongbao.ui.script import columns
from hongbao.ui.shares import after
from hongbao.units import yuan
from hongbao.words import N_, SANDBOX, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import Year

_TITLES = {
    "generous": N_("the open-handed"),
    "lucky": N_("the lucky one"),
    "quick": N_("quick hands"),
    "collector": N_("the collector"),
    "sociable": N_("in good company"),
}

_ANIMALS = (
    *(N_("year of the Rat"), N_("year of the Ox"), N_("year of the Tiger")),
    *(N_("year of the Rabbit"), N_("year of the Dragon"), N_("year of the Snake")),
    *(N_("year of the Horse"), N_("year of the Goat"), N_("year of the Monkey")),
    *(N_("year of the Rooster"), N_("year of the Dog"), N_("year of the Pig")),
)
_FIRST_RAT = 2008

_BAR_MIN, _BAR_MAX = 5, 18

YEAR = Listing(
    rows="months",
    fields=(
        Field("month", says=N_("the month")),
        Field("received_fen", says=N_("the amount received in it")),
        Field("sent_fen", says=N_("the amount sent in it")),
    ),
    facts=(
        *("profile", "year", "lunar", "first_day", "last_day", "title"),
        *("received_count", "received_fen", "sent_count", "sent_fen"),
        *("luckiest_fen", "luckiest_shares", "luckiest_sender"),
        *("fastest_micros", "fastest_sender", "generous", "generous_fen", "streak"),
        *("greeting", "greeting_count"),
    ),
)


def show_year(year: Year) -> None:
    """Print the year: what came and went, the best of it, its months as bars, and a title."""
    _show_heading(year)
    packets = year["received_count"] + year["sent_count"]
    if not packets:
        line(_("no red packets in this year yet"))
        return
    _show_facts(year)
    if year["title"] is None:
        print()
        line(
            counted(
                "a quiet year so far: {count} packet",
                "a quiet year so far: {count} packets",
                packets,
            )
        )
        return
    print()
    _show_months(year)
    print()
    title = f"★ {_(_TITLES[year['title']])}"
    line(title, bold_red=title)


def _show_heading(year: Year) -> None:
    heading = say(
        N_("{profile}'s year of red packets · {year}"),
        profile=safe(year["profile"]),
        year=year["year"],
    )
    if year["lunar"]:
        animal = _(_ANIMALS[(year["year"] - _FIRST_RAT) % len(_ANIMALS)])
        heading = f"{heading} · {animal}"
    line(heading, bold_red=heading)
    days = say(
        N_("{first} to {last}"),
        first=year["first_day"],
        last=year["last_day"],
    )
    if year["sandbox"]:
        days = f"{SANDBOX} · {days}"
    line(days, dim=days)
    print()


def _show_facts(year: Year) -> None:
    facts = [
        (_("you received"), _packets(year["received_count"], year["received_fen"])),
        (_("you sent"), _packets(year["sent_count"], year["sent_fen"])),
    ]
    if year["luckiest_fen"] is not None:
        facts.append(
            (
                _("luckiest"),
                " · ".join(
                    (
                        yuan(year["luckiest_fen"]),
                        _sender(year, year["luckiest_sender"]),
                        _shares(year["luckiest_shares"] or 1),
                    )
                ),
            )
        )
    if year["fastest_micros"] is not None:
        facts.append(
            (
                _("fastest claim"),
                f"{after(year['fastest_micros'])} · {_sender(year, year['fastest_sender'])}",
            )
        )
    if year["generous"] is not None:
        facts.append(
            (_("most generous"), f"{safe(year['generous'])} · {yuan(year['generous_fen'])}")
        )
    if year["streak"] > 1:
        facts.append(
            (
                _("luckiest run"),
                counted("{count} packet", "{count} packets", year["streak"]),
            )
        )
    if year["greeting"] is not None:
        times = counted("{count} time", "{count} times", year["greeting_count"])
        facts.append((_("usual greeting"), f"{times} · {safe(year['greeting'])}"))
    table(
        [Column(""), Column("", gives=True)],
        [[Cell(name, "dim"), said] for name, said in facts],
        titled=False,
    )


def _packets(count: int, amount_fen: int) -> str:
    return f"{counted('{count} packet', '{count} packets', count)} · {yuan(amount_fen)}"


def _sender(year: Year, name: str | None) -> str:
    return _("you") if name == year["profile"] else safe(name or "")


def _shares(count: int) -> str:
    return counted("{count} share", "{count} shares", count)


def _show_months(year: Year) -> None:
    """Print a line for each month: to the left what was received, to the right what was sent."""
    months = year["months"]
    most = max(max(month["received_fen"], month["sent_fen"]) for month in months)
    rows = [(month["month"], month["received_fen"], month["sent_fen"]) for month in months]
    left = max(len(_short(received_fen)) for _month, received_fen, _sent_fen in rows)
    right = max(len(_short(sent_fen)) for _month, _received_fen, sent_fen in rows)
    out = console()
    room = out.width - len("2026-01") - left - right - 8
    cells = min(max(room // 2, _BAR_MIN), _BAR_MAX)
    received, sent = _("you received"), _("you sent")
    head = f"{'':7}  {_filled(received, left + 2 + cells)}  {sent}"
    line(head.rstrip(), dim=head.rstrip())
    for name, *amounts in rows:
        shown = styled(name, dim=name)
        shown.append("  ")
        for amount_fen, width in zip(amounts, (left, right), strict=True):
            shown.append(f"{_short(amount_fen):>{width}}  ")
            shown.append(_filled(bar(amount_fen, most, cells), cells + 2), "red")
        shown.rstrip()
        out.print(shown, no_wrap=True, overflow="ignore", crop=False)


def _short(amount_fen: int) -> str:
    return yuan(amount_fen) if amount_fen else ""


def _filled(text: str, width: int) -> str:
    return text + " " * (width - columns(text))
