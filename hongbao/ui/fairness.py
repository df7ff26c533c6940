"""Fairness on the terminal: bars for what each position gets, and for its chance of the most."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from hongbao.ui.bars import bar
from hongbao.ui.listing import Field, Listing
from hongbao.ui.screen import Cell, Column, console, line, safe, table
from hongbao.words import N_, _, counted, say

if TYPE_CHECKING:
    from hongbao.answers import FairnessLine, FairnessMeasured

_NAMES = {
    "double-mean": N_("double-mean"),
    "shuffled": N_("shuffled"),
    "equal": N_("equal"),
    "biased-deal": N_("biased-deal"),
}


def _yuan(millifen: int) -> str:
    """
    Write *millifen* as yuan, to a hundredth of a fen.

    >>> _yuan(200_147)
    '2.0015'
    """
    hundredths = (millifen + 5) // 10
    return f"{hundredths // 10_000}.{hundredths % 10_000:04d}"


def _percent(ppm: int) -> str:
    """
    Write *ppm* as a percentage.

    >>> _percent(217_670)
    '21.77 %'
    """
    hundredths = (ppm + 50) // 100
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


LINES = Listing(
    rows="lines",
    fields=(
        Field("rule", Column(N_("rule")), says=N_("the rule of dealing; biased-deal is broken")),
        Field(
            "position",
            Column(N_("position"), right=True),
            says=N_("the place among those who claim, from 1"),
        ),
        Field(
            "mean_millifen",
            Column(N_("mean"), right=True),
            lambda row: _yuan(row["mean_millifen"]),
            says=N_("the mean of the amounts here, in thousandths of a fen"),
        ),
        Field(
            "spread_millifen",
            Column(N_("spread"), right=True),
            lambda row: _yuan(row["spread_millifen"]),
            says=N_("their standard deviation, in thousandths of a fen"),
        ),
        Field(
            "luckiest_ppm",
            Column(N_("luckiest"), right=True),
            lambda row: _percent(row["luckiest_ppm"]),
            says=N_("how often the most was here, in millionths of all deals"),
        ),
    ),
    more=(
        Field("sum_fen", says=N_("the sum of all deals at this position")),
        Field("luckiest", says=N_("how many times the most was here")),
        Field("broken", says=N_("whether the rule is wrong on purpose")),
    ),
)

_BAR_MIN, _BAR_MAX = 4, 16
_FIXED = 44
"""What the columns without bars take, with their gaps."""


def show_fairness(measured: FairnessMeasured) -> None:
    """Print each rule's positions, with bars to one scale for all rules."""
    lines = measured["lines"]
    heading = say(
        N_("{total_fen} among {people} · deals by each rule: {deals}"),
        total_fen=measured["total_fen"],
        people=counted("{count} person", "{count} people", measured["count"]),
        deals=f"{measured['deals']:,}",
    )
    line(heading, bold=heading)
    line(say(N_("seed {seed}: the same again for everyone"), seed=safe(measured["chance_seed"])))
    most = max(row["mean_millifen"] for row in lines), max(row["luckiest_ppm"] for row in lines)
    cells = min((console().width - _FIXED) // 2, _BAR_MAX)
    for rule, rows in groupby(lines, key=lambda row: row["rule"]):
        print()
        _show_rule(rule, list(rows), most, cells)
    print()
    line(_("luckiest: how often the most was here; of equal amounts, the earliest counts"))


def _show_rule(rule: str, rows: list[FairnessLine], most: tuple[int, int], cells: int) -> None:
    name = _(_NAMES[rule])
    if rows[0]["broken"]:
        title = say(N_("{rule}: broken on purpose"), rule=name)
        line(title, bold_red=title)
    else:
        line(name, bold=name)
    heads = [
        Column(_("position"), right=True),
        Column(_("mean"), right=True),
        Column("", extra=True),
        Column(_("spread"), right=True),
        Column(_("luckiest"), right=True),
        Column("", extra=True),
    ]
    table(heads, [_cells(row, most, max(cells, 0)) for row in rows])


def _cells(row: FairnessLine, most: tuple[int, int], cells: int) -> list[Any]:
    style = "red" if row["broken"] else "yellow"
    return [
        str(row["position"]),
        _yuan(row["mean_millifen"]),
        Cell(_bar(row["mean_millifen"], most[0], cells), style),
        _yuan(row["spread_millifen"]),
        _percent(row["luckiest_ppm"]),
        Cell(_bar(row["luckiest_ppm"], most[1], cells), style),
    ]


def _bar(amount: int, most: int, cells: int) -> str:
    """Return a bar, or nothing where there is no room: a sliver for each would call all equal."""
    return bar(amount, most, cells) if cells >= _BAR_MIN else ""
