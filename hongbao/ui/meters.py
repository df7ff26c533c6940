"""Meters: named bars with a figure each, for how far something has come while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from hongbao.ui.bars import bar
from hongbao.ui.picture import Run, Style
from hongbao.ui.script import columns

if TYPE_CHECKING:
    from hongbao.ui.opening import Lines

_CELLS_MAX = 40


class Meter(NamedTuple):
    """How much is *done* of *most*, and how that is said."""

    name: str
    done: int
    most: int
    colour: str
    figure: str


def label_width(meters: Sequence[Meter]) -> int:
    """Return how wide the names are, with what parts them from the bars."""
    return max(columns(meter.name) for meter in meters) + 2


def bar_width(meters: Sequence[Meter], width: int) -> int:
    """Return how many cells the bars have on a terminal *width* columns wide."""
    figures = max(len(meter.figure) for meter in meters)
    return max(min(width - label_width(meters) - figures - 3, _CELLS_MAX), 1)


def drawn(meters: Sequence[Meter], width: int) -> Lines:
    """Return a line for each of *meters*, for a terminal that many columns wide."""
    label, cells = label_width(meters), bar_width(meters, width)
    return tuple(
        (
            Run(name + " " * (label - columns(name))),
            Run(bar(min(done, most), most, cells).ljust(cells), Style(colour)),
            Run(f"  {figure}"),
        )
        for name, done, most, colour, figure in meters
    )
