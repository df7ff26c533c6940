"""The shares of a packet on the terminal: who got what, as bars, and the race for them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.bars import bar
from hongbao.ui.screen import Cell, Column, Row, console, line, safe, styled, table
from hongbao.ui.script import columns, terminal_columns
from hongbao.units import yuan
from hongbao.words import N_, _, say

if TYPE_CHECKING:
    from hongbao.answers import PacketShown, ShareLine

_BAR = 12
"""How long the bar of the largest share is."""

_NAME_MAX = 14
_WIDE = 60
"""What a terminal has that shows longer names."""

_LANES_MAX = 20
"""Of a larger packet the race is the first and the last of this many."""

_LANE_MIN, _LANE_MAX = 8, 40

_MICROSECOND = timedelta(microseconds=1)


def show_shares(packet: PacketShown) -> None:
    """Print who got how much, and once all shares are taken, in what order and how quickly."""
    shares = packet["shares"]
    if not shares:
        return
    print()
    most = max(share["amount_fen"] for share in shares)
    compared = packet["kind"] == "lucky" and len(shares) > 1
    widest = min(max(columns(safe(share["profile"])) for share in shares), _NAME_MAX)
    table(
        [
            Column(""),
            Column(_("who"), gives=True),
            *([Column("")] if compared else ()),
            Column(_("amount"), right=True),
            Column(_("time"), below=True),
            Column(_("luck"), gives=True, below=True, named=True, extra=True),
            Column("", below=True),
        ],
        [
            _share(share, len(str(len(shares))), widest, most if compared else None)
            for share in shares
        ],
    )
    if packet["state"] == "finished" and len(shares) > 1:
        _show_race(packet)


def _share(share: ShareLine, seats: int, widest: int, most: int | None) -> Row:
    style = "bold red" if share["luckiest"] else ""
    drawn = None if most is None else bar(share["amount_fen"], most, _BAR)
    name = safe(share["profile"])
    return [
        Cell(f"{share['seat']:>{seats}}", "dim"),
        # As wide as the others, so that bars line up on a narrow terminal too.
        name if drawn is None else _fitted(name, widest),
        *([] if drawn is None else [Cell(drawn, style or "red")]),
        Cell(yuan(share["amount_fen"]), style),
        Cell(wording.when(share["at"]), "dim"),
        Cell(safe(share["luck"] or ""), "dim"),
        _mark(share),
    ]


def _fitted(name: str, width: int) -> str:
    """Return *name* in *width* columns; a longer one is cut where the terminal is narrow."""
    if columns(name) > width and terminal_columns() < _WIDE:
        shown = styled(name)
        shown.truncate(width, overflow="ellipsis")
        name = shown.plain
    return name + " " * (width - columns(name))


def _mark(share: ShareLine) -> Cell:
    """Return the mark of a share: held, returned, or luckiest."""
    if share["case"] in ("open", "escalated"):
        return Cell(_("held"), "yellow")
    if share["case"] in ("returned", "rejected"):
        return Cell(_("returned"), "dim")
    return Cell(_("★ luckiest") if share["luckiest"] else "", "bold red")


# --- the race ------------------------------------------------------------------------------------


def _show_race(packet: PacketShown) -> None:
    """Print a lane for each share: how far it is to the right is how long it took to be claimed."""
    began = datetime.fromisoformat(packet["created_at"])
    ran = [
        (share, (datetime.fromisoformat(share["at"]) - began) // _MICROSECOND)
        for share in packet["shares"]
    ]
    last = ran[-1][1]
    if last == ran[0][1]:
        return  # a virtual clock stood still: there was no race
    print()
    heading = _("the race, from the moment it was sent")
    line(heading, dim=heading)
    out = console()
    names = min(max(columns(safe(share["profile"])) for share, _micros in ran), _NAME_MAX)
    seats = len(str(len(ran)))
    times = max(columns(after(micros)) for _share, micros in ran)
    room = out.width - (seats + 2 + names + 2 + 2 + times)
    lane = min(max(room, _LANE_MIN), _LANE_MAX)
    half = _LANES_MAX // 2
    for number, (share, micros) in enumerate(ran):
        if len(ran) > _LANES_MAX and half <= number < len(ran) - half:
            if number == half:
                left_out = len(ran) - _LANES_MAX
                line(" " * (seats + 2) + say(N_("… {n} more"), n=left_out))
            continue
        track = "─" * (micros * (lane - 1) // last) + "●"
        name = styled(safe(share["profile"]))
        name.truncate(names, overflow="ellipsis", pad=True)
        shown = styled(f"{share['seat']:>{seats}}  ", dim=f"{share['seat']}")
        shown.append(name).append("  ")
        shown.append(track, "bold red" if share["luckiest"] else "red")
        shown.append(" " * (lane - columns(track)) + "  ").append(after(micros), "dim")
        out.print(shown, no_wrap=True, overflow="ignore", crop=False)


def after(micros: int) -> str:
    """
    Return how long after the beginning something was, as exactly as people care.

    >>> after(0), after(349_000), after(3_249_000), after(61_000_000)
    ('+0 s', '+349 ms', '+3.2 s', '+1m 1s')
    """
    if micros < 500:
        return "+" + say(N_("{n} s"), n=0)
    if micros < 10_000_000:
        return f"+{wording.took(micros)}"
    return f"+{wording.duration(micros // 1_000_000 * timedelta(seconds=1))}"
