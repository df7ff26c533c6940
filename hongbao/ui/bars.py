"""Bars, drawn in eighths of a cell."""

_PARTS = "▏▎▍▌▋▊▉"


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
