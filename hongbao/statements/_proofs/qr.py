"""The QR code of a receipt: the one place where segno is met."""

QUIET = 4
"""How many light modules stand around a code, as the standard wants it."""


def matrix(text: str) -> list[list[bool]]:
    """Return the rows of the QR code that says *text*, dark modules as True."""
    import segno

    code = segno.make_qr(text, error="l", encoding="utf-8", eci=False, boost_error=False)
    return [[bool(module) for module in row] for row in code.matrix]
