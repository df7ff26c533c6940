"""Magnitude: amounts on a logarithmic scale."""

from math import log2


def magnitude(amount_fen: int) -> int:
    """
    Return the binary logarithm of *amount_fen* in whole thousandths. Nothing counts as one fen.

    The mean of a person's magnitudes is not carried away by one large payment, as the mean of the
    amounts would be.

    >>> magnitude(1), magnitude(2), magnitude(20_000)
    (0, 1000, 14288)
    """
    return round(1000 * log2(max(amount_fen, 1)))


def amount_of(size: int) -> int:
    """
    Return the amount, in fen, whose magnitude is *size*; what was rounded away stays away.

    >>> amount_of(0), amount_of(1000), amount_of(magnitude(20_000))
    (1, 2, 20004)
    """
    return round(2 ** (size / 1000))


def ratio_tenths(step: int) -> int:
    """
    Return the factor of a *step* in thousandths of magnitude, in whole tenths.

    >>> ratio_tenths(0), ratio_tenths(1000), ratio_tenths(-1000)
    (10, 20, 5)
    """
    return round(10 * 2 ** (step / 1000))


def halved_permille(part: int, whole: int) -> int:
    """
    Return 1000 halved once for each *whole* that *part* is, rounded.

    >>> halved_permille(0, 10), halved_permille(10, 10), halved_permille(5, 10)
    (1000, 500, 707)
    """
    return round(1000 * 2 ** (-part / whole))
