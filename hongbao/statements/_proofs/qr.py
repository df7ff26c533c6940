"""QR codes, by segno, which is imported only here."""

QUIET = 4
"""How many light modules stand around a code, as the standard wants it."""


def matrix(text: str) -> list[list[bool]]:
    """Return the rows of the QR code that says *text*, dark modules as True."""
    import segno

    code = segno.make_qr(text, error="l", encoding="utf-8", eci=False, boost_error=False)
    return [[bool(module) for module in row] for row in code.matrix]


def blocks(text: str) -> list[str]:
    """
    Return the QR code that says *text* for a terminal, two of its rows a line.

    What is light in the code is drawn, because a terminal is dark.
    """
    modules = matrix(text)
    blank = [False] * (len(modules) + 2 * QUIET)
    edge = [False] * QUIET
    rows = [
        *[blank] * QUIET,
        *([*edge, *row, *edge] for row in modules),
        *[blank] * (QUIET + (len(modules) + 2 * QUIET) % 2),
    ]
    drawn = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}
    return [
        "".join(drawn[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]
