"""Two ways of doing a thing, measured in turns, so that a busy machine slows both alike."""

from collections.abc import Callable
from statistics import median, quantiles
from time import perf_counter
from typing import NamedTuple

Turn = Callable[[int], object]
"""Does the thing once; the number says for which time, so that each turn has inputs of its own."""


class Comparison(NamedTuple):
    """
    What *ours* costs in units of *theirs*, over *pairs* pairs of turns.

    *ratio* is the median of the pairs' own ratios; between *low* and *high* lies their middle half.
    """

    ratio: float
    low: float
    high: float
    ours_seconds: float
    theirs_seconds: float
    pairs: int


def compare(ours: Turn, theirs: Turn, pairs: int) -> Comparison:
    """
    Do *ours* and *theirs* in turns, *pairs* times each, and return how their times compare.

    Which of the two goes first changes with each pair: what one leaves behind (a full write-ahead
    log, a cold cache) then falls on both. Medians, because a disk now and then takes ten times as
    long as usual, which is nobody's fault.
    """
    spent: list[tuple[float, float]] = []
    for number in range(pairs):
        if number % 2:
            theirs_seconds = seconds(theirs, number)
            ours_seconds = seconds(ours, number)
        else:
            ours_seconds = seconds(ours, number)
            theirs_seconds = seconds(theirs, number)
        spent.append((ours_seconds, theirs_seconds))
    ratios = [mine / other for mine, other in spent]
    low, _middle, high = quantiles(ratios, n=4)
    return Comparison(
        ratio=median(ratios),
        low=low,
        high=high,
        ours_seconds=median(mine for mine, _other in spent),
        theirs_seconds=median(other for _mine, other in spent),
        pairs=pairs,
    )


def seconds(turn: Turn, number: int) -> float:
    """Return how long *turn* takes."""
    start = perf_counter()
    turn(number)
    return perf_counter() - start
