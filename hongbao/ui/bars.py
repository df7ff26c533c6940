"""Bars, drawn in eighths of a cell."""

from collections.abc import Sequence

_PARTS = "▏▎▍▌▋▊▉"

LEVELS = " ▁▂▃▄▅▆▇█"
"""A cell filled from below, by eighths."""


def bar(amount: int, most: int, cells: int) -> str:
    """
    Return a bar for *amount*, where *most* fills that many *cells*.

    What is more than nothing is at least a sliver.

    >>> bar(50, 100, 8), bar(1, 100, 8), bar(0, 100, 8)
    ('████', '▏', '')
    """
    eighths = amount * cells * 8 // most if most else 0
    whole, part = divmod(max(eighths, amount > 0), 8)
    return "█" * whole + _PARTS[part - 1 : part] * (part > 0)


def sparkline(amounts: Sequence[int]) -> str:
    """
    Return a cell for each of *amounts*, the most of which fills its own.

    What is more than nothing is at least a sliver.

    >>> sparkline([0, 1, 50, 100])
    ' ▁▄█'
    """
    most = max(amounts, default=0)
    return "".join(LEVELS[max(amount * 8 // most, amount > 0) if most else 0] for amount in amounts)
