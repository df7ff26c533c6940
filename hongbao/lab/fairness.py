"""
Fairness, measured: what each rule of dealing gives the first, the second and every next person.

Packets are dealt by the very functions that deal real ones, a hundred thousand times, with chance
that a seed decides. Amounts are whole fen and are added up as such; means and spreads are rounded
once, at the end.
"""

from collections.abc import Callable, Sequence
from hashlib import shake_256
from math import isqrt
from typing import Final

from hongbao.answers import FairnessLine
from hongbao.domain.deal import Draw, deal_in_turn, luckiest, strike
from hongbao.domain.fairness import DOUBLE_MEAN, EQUAL, SHUFFLED
from hongbao.errors import UnequalShares
from hongbao.lab.broken.biased_deal import Broken, uniform_share

BIASED: Final = Broken.name
RULES = (DOUBLE_MEAN, SHUFFLED, EQUAL, BIASED)

MILLI = 1000

STEP = 1_000
"""The packets that are dealt between two reports of how many there are."""

_BYTES = 16
"""
How much chance a share takes at most: it is drawn twice, each time below 2^56, and what is left
makes the bias of each draw smaller than could ever be measured.
"""

Deal = Callable[[int, int, int, Draw], Sequence[int]]
"""Deals a total among so many people, each at most a cap, by one source of chance."""


def _double_mean(total_fen: int, count: int, cap_fen: int, draw: Draw) -> Sequence[int]:
    return deal_in_turn(total_fen, count, cap_fen, lambda _k: draw)


def _shuffled(total_fen: int, count: int, cap_fen: int, draw: Draw) -> Sequence[int]:
    dealt_fen = _double_mean(total_fen, count, cap_fen, draw)
    taken_fen: list[int] = []
    for _seat in range(count):
        taken_fen.append(strike(dealt_fen, taken_fen, draw))
    return taken_fen


def _equal(total_fen: int, count: int, _cap_fen: int, _draw: Draw) -> Sequence[int]:
    return [total_fen // count] * count


def _biased(total_fen: int, count: int, cap_fen: int, draw: Draw) -> Sequence[int]:
    amounts_fen = []
    for shares_left in range(count, 0, -1):
        amounts_fen.append(uniform_share(total_fen, shares_left, cap_fen, draw))
        total_fen -= amounts_fen[-1]
    return amounts_fen


_DEALS: dict[str, Deal] = {
    DOUBLE_MEAN: _double_mean,
    SHUFFLED: _shuffled,
    EQUAL: _equal,
    BIASED: _biased,
}


def chosen_rules(rule: str | None, total_fen: int, count: int) -> tuple[str, ...]:
    """
    Return the rules to measure: all that can deal *total_fen* among *count*, or the one named.

    Raises UnequalShares if that is the rule of equal shares and they cannot be.
    """
    is_even = total_fen % count == 0
    if rule == EQUAL and not is_even:
        raise UnequalShares(total_fen=total_fen, count=count)
    return (rule,) if rule else tuple(each for each in RULES if is_even or each != EQUAL)


def measured(
    rule: str,
    *,
    total_fen: int,
    count: int,
    cap_fen: int,
    deals: int,
    seed: str,
    tell: Callable[[int], None] = lambda _dealt: None,
) -> list[FairnessLine]:
    """
    Deal *total_fen* among *count* people *deals* times, and return what each position got.

    Now and then *tell* gets the number of packets that have been dealt.
    """
    sums = [0] * count
    squares = [0] * count
    lucky = [0] * count
    deal = _DEALS[rule]
    if rule == EQUAL:  # one is as all others are
        (share_fen, *_others) = deal(total_fen, count, cap_fen, _no_chance)
        sums = [share_fen * deals] * count
        squares = [share_fen * share_fen * deals] * count
        lucky[0] = deals
    for number in range(0 if rule == EQUAL else deals):
        if number % STEP == 0:
            tell(number)
        amounts_fen = deal(total_fen, count, cap_fen, _chance(seed, rule, number, count))
        lucky[luckiest(amounts_fen)] += 1
        for seat, amount_fen in enumerate(amounts_fen):
            sums[seat] += amount_fen
            squares[seat] += amount_fen * amount_fen
    return [
        {
            "rule": rule,
            "broken": rule == BIASED,
            "position": seat,
            "sum_fen": sum_fen,
            "mean_millifen": rounded(sum_fen * MILLI, deals),
            "spread_millifen": isqrt((deals * square - sum_fen * sum_fen) * MILLI**2) // deals,
            "luckiest": count_lucky,
            "luckiest_ppm": rounded(count_lucky * 10**6, deals),
        }
        for seat, (sum_fen, square, count_lucky) in enumerate(
            zip(sums, squares, lucky, strict=True), start=1
        )
    ]


def _no_chance(_n: int) -> int:
    raise AssertionError("equal shares are not drawn")


def _chance(seed: str, rule: str, number: int, count: int) -> Draw:
    """Return the chance of one deal: the digits of a number that *seed* makes."""
    made = shake_256(f"{seed}|{rule}|{number}".encode()).digest(_BYTES * (count + 1))
    chance = int.from_bytes(made, "big")

    def draw(n: int) -> int:
        nonlocal chance
        chance, digit = divmod(chance, n)
        return digit

    return draw


def rounded(whole: int, by: int) -> int:
    """
    Return *whole* divided *by*, to the nearest whole number.

    >>> rounded(5, 2), rounded(4, 3)
    (3, 1)
    """
    return (2 * whole + by) // (2 * by)
