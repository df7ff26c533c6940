"""Sums of the history as bars, and the balance over time as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hongbao.ui import wording
from hongbao.ui.bars import LEVELS
from hongbao.ui.listing import Field, Listing
from hongbao.ui.screen import Cell, Column, console, line, safe, styled
from hongbao.ui.script import columns, terminal_columns
from hongbao.units import yuan
from hongbao.words import N_, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import BalanceOverTime, HistorySums, SumLine

# --- sums ----------------------------------------------------------------------------------------

_BAR, _BAR_NARROW = 16, 12
_WIDE = 60
"""What a terminal has that shows longer bars."""

_NAME_MAX = 14

_TITLES = {"day": N_("day"), "month": N_("month"), "person": N_("with"), "kind": N_("what")}

SUMS = Listing(
    rows="groups",
    fields=(
        Field(
            "group",
            Column(N_("group")),
            says=N_("the day, month, person or kind; empty: with no one else"),
        ),
        Field(
            "count", Column(N_("count"), right=True, below=True, named=True), says=N_("how many")
        ),
        Field("in_fen", Column(N_("in"), right=True, below=True, named=True)),
        Field("out_fen", Column(N_("out"), right=True, below=True, named=True)),
        Field(
            "net_fen",
            Column(N_("net"), right=True),
            lambda row: _net(row["net_fen"]),
            says=N_("the income without the expenses, with its sign"),
        ),
    ),
    empty=N_("no movements"),
)


def sums_of(answer: HistorySums) -> Listing:
    """Return the list of these sums, with a bar for each that compares it with the others."""
    most = max((row["in_fen"] + row["out_fen"] for row in answer["groups"]), default=0)
    cells = _BAR if terminal_columns() >= _WIDE else _BAR_NARROW
    bars = Field("bar", Column(" "), lambda row: Cell(_bar(row, most, cells), "red"))
    names = {row["group"]: _group(answer["by"], row["group"]) for row in answer["groups"]}
    widest = min(max(map(columns, names.values()), default=0), _NAME_MAX)

    def name(row: SumLine) -> str:
        # As wide as the others, so that bars line up on a narrow terminal too.
        text = names[row["group"]]
        return text + " " * (widest - columns(text))

    groups = Field("group", Column(_TITLES[answer["by"]], gives=True), name)
    return SUMS._replace(screen=(groups, bars, "count", "in_fen", "out_fen", "net_fen"))


def show_sums(answer: HistorySums) -> None:
    """Print a row with a bar for each group, and below them what all add up to."""
    sums_of(answer).draw(answer["groups"])
    if not answer["groups"]:
        return
    print()
    net = _net(answer["net_fen"]).text
    line(
        " · ".join(
            (
                counted("{count} movement", "{count} movements", answer["count"]),
                say(N_("in {in_fen}"), in_fen=answer["in_fen"]),
                say(N_("out {out_fen}"), out_fen=answer["out_fen"]),
                say(N_("net {net}"), net=net),
            )
        ),
        bold=net,
    )
    legend = _("bars: █ in · ▒ out")
    line(legend, dim=legend)


def _group(by: str, group: str | None) -> str:
    if group is None:
        return _("no one else")
    return wording.act(group) if by == "kind" else safe(group)


def _net(amount_fen: int) -> Cell:
    text = f"+{yuan(amount_fen)}" if amount_fen > 0 else yuan(amount_fen)
    return Cell(text, "green" if amount_fen > 0 else "")


def _bar(row: SumLine, most: int, cells: int) -> str:
    """
    Return a bar of *cells* for what *most* is as much as any: first what came in, then what went.

    What is more than nothing has a cell at least.

    >>> _bar({"group": "", "count": 2, "in_fen": 300, "out_fen": 100, "net_fen": 200}, 800, 8)
    '███▒'
    """
    parts = (("█", row["in_fen"]), ("▒", row["out_fen"]))
    return "".join(
        sign * max((2 * amount * cells + most) // (2 * most), 1) for sign, amount in parts if amount
    )


# --- the balance over time -----------------------------------------------------------------------

BALANCES = Listing(
    rows="points",
    fields=(
        Field(
            "at", Column(N_("time"), below=True), lambda row: Cell(wording.when_short(row["at"]))
        ),
        Field("balance_fen", Column(N_("balance"), right=True)),
    ),
    more=(Field("entry"),),
    empty=N_("no movements"),
)

_ROWS = 8
_COLUMNS_MAX = 72
_MICROSECOND = timedelta(microseconds=1)
_TOPS = (10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100)


def show_balances(answer: BalanceOverTime) -> None:
    """Print the balance as columns, each as high as it was at the end of that part of the time."""
    points = answer["points"]
    if not points:
        line(_(BALANCES.empty))
        return
    balances = [answer["opening_fen"], *(point["balance_fen"] for point in points)]
    most, least = max(balances), min(balances)
    top = _top(most)
    labels = {0: yuan(top), _ROWS // 2: yuan(top // 2), _ROWS: yuan(0)}
    margin = max(map(columns, labels.values()))
    out = console()
    room = min(out.width - margin - 2, _COLUMNS_MAX)
    heights = [max(fen * _ROWS * 8 // top, fen > 0) for fen in _sampled(answer, room)]
    for row in range(_ROWS):
        below = (_ROWS - 1 - row) * 8
        drawn = "".join(LEVELS[min(max(height - below, 0), 8)] for height in heights)
        axis = f"{labels.get(row, ''):>{margin}} │"
        out.print(styled(f"{axis}{drawn.rstrip()}", dim=axis, red=drawn.rstrip()), no_wrap=True)
    axis = f"{labels[_ROWS]:>{margin}} ┼{'─' * room}"
    out.print(styled(axis, dim=axis), no_wrap=True)
    begin, end = _ends(answer)
    between = " " * (room - columns(begin) - columns(end))
    days = f"{' ' * (margin + 2)}{begin}{between}{end}"
    out.print(styled(days.rstrip(), dim=days.rstrip()), no_wrap=True)
    print()
    now = yuan(answer["closing_fen"])
    line(
        say(
            N_("balance {balance_fen} · highest {most_fen} · lowest {least_fen}"),
            balance_fen=answer["closing_fen"],
            most_fen=most,
            least_fen=least,
        ),
        bold=now,
    )


def _top(most: int) -> int:
    """
    Return a round amount that is no less than *most*, for the top of a chart.

    >>> _top(41558), _top(50000), _top(1), _top(0)
    (50000, 50000, 10, 10)
    """
    unit = 1
    while 100 * unit < most:
        unit *= 10
    return next(part * unit for part in _TOPS if part * unit >= most)


def _sampled(answer: BalanceOverTime, count: int) -> Sequence[int]:
    """
    Return the balance at the ends of *count* parts of the time, each as long as the others.

    Where a virtual clock stood still, there is a part for each movement instead.
    """
    points = answer["points"]
    begin, end = (datetime.fromisoformat(answer[key]) for key in ("begins_at", "ends_at"))
    length = (end - begin) // _MICROSECOND
    places = [
        (datetime.fromisoformat(point["at"]) - begin) // _MICROSECOND * count
        if length
        else number * count
        for number, point in enumerate(points)
    ]
    whole = length or len(points)
    found, balance_fen, next_point = [], answer["opening_fen"], 0
    for column in range(1, count + 1):
        while next_point < len(points) and (places[next_point] < column * whole or column == count):
            balance_fen = points[next_point]["balance_fen"]
            next_point += 1
        found.append(balance_fen)
    return found


def _ends(answer: BalanceOverTime) -> tuple[str, str]:
    """Return what stands under the ends of the axis: days, or times on one day."""
    begin, end = wording.when_short(answer["begins_at"]), wording.when_short(answer["ends_at"])
    if begin == end:
        return begin, ""
    if begin[:10] != end[:10]:
        return begin[:10], end[:10]
    return begin, end[11:]
