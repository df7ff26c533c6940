"""Amounts: what a person types as yuan, read once and exactly as whole fen."""

import re

from hongbao import errors

AMOUNT_MAX_FEN = 10**13
"""
The largest amount that is read: 100 billion yuan.

SQLite's integers end near 9.2 × 10^18, so over 900,000 such amounts can be added up before a sum
comes near the edge.
"""

_YUAN = r"(0|[1-9][0-9]{0,11})(?:\.([0-9]{1,2}))?"


def parse_yuan(text: str) -> int:
    """
    Read *text* as an amount of at least one fen, and return it in whole fen.

    There is one way to write an amount: plain ASCII digits, and after a point one or two more.
    A sign, an exponent, grouping, a space, a leading zero, a bare point or full-width digits are
    refused, because each of them would leave a reader to guess what was meant.

    >>> parse_yuan("66.66"), parse_yuan("0.1"), parse_yuan("200")
    (6666, 10, 20000)
    >>> parse_yuan("1,000")
    Traceback (most recent call last):
    hongbao.errors.values.InvalidAmount: amount '1,000' is not yuan with at most two decimals
    """
    amount_fen = parse_yuan_or_zero(text)
    if amount_fen == 0:
        raise errors.InvalidAmount(text)
    return amount_fen


def parse_yuan_or_zero(text: str) -> int:
    """
    Read *text* as `parse_yuan` does, but let it be zero: a limit or a fee may be nothing.

    >>> parse_yuan_or_zero("0"), parse_yuan_or_zero("0.00"), parse_yuan_or_zero("0.10")
    (0, 0, 10)
    """
    match = re.fullmatch(_YUAN, text)
    if match is None:
        raise errors.InvalidAmount(text)
    whole, decimals = match.groups(default="")
    amount_fen = int(whole) * 100 + int(decimals.ljust(2, "0"))
    if amount_fen > AMOUNT_MAX_FEN:
        raise errors.InvalidAmount(text)
    return amount_fen
