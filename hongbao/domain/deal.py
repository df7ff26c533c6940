"""Dealing 拆分: how much each share of a packet is, given the chance to decide it."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

Draw: TypeAlias = Callable[[int], int]
"""``draw(n)`` picks from ``range(n)``, each with the same chance."""


def deal_share(remaining_fen: int, shares_left: int, cap_fen: int, draw: Draw) -> int:
    """
    Deal the next share of *remaining_fen* among *shares_left* people: 1 fen to *cap_fen*.

    On average it is exactly ``remaining_fen / shares_left``, at every position, so no one gains by
    being early or late. (The usual double-mean rule 二倍均值法 in whole numbers is not fair that
    way: 10 fen over 5 people give the first 2.5 fen and the last 1.6. Neither is clipping at the
    cap.) Later shares still vary more than early ones; `strike` evens that out as well.

    How. Set 1 fen aside for each of the n people. What is left is the surplus s; a share may take
    0 to M = cap − 1 of it, so 0 ≤ s ≤ nM. Where s/n ≤ M/2, take x uniformly from 0 … B, where B is
    2s/n rounded down or up at random such that E[B] = 2s/n. Then E[x] = E[B]/2 = s/n, exactly.
    Where s/n > M/2, deal the distance from the cap, t = nM − s, by the same rule: the mirror
    image. The last person takes what is left.

    Why it always works. Let n ≥ 2 and s/n ≤ M/2 (the mirror image is the same with t for s).

    - This share keeps its bounds: x ≥ 0, and x ≤ B ≤ ⌈2s/n⌉ ≤ M, because 2s/n ≤ M and M is whole.
    - The others can get their fen each: x ≤ ⌈2s/n⌉ ≤ s, because n ≥ 2 and s is whole.
    - The others can keep under the cap: s − x ≤ s ≤ nM/2 ≤ (n − 1)M, because n ≥ 2.

    So 0 ≤ s' ≤ (n − 1)M holds again for those who follow, and nothing is ever clipped.

    >>> deal_share(10, 5, 20_000, draw=lambda n: n - 1)  # surplus 5 over 5 people: 0 to 2
    3
    >>> deal_share(58_000, 3, 20_000, draw=lambda n: 0)  # dealt from the cap down
    20000
    """
    assert shares_left >= 1
    assert shares_left <= remaining_fen <= shares_left * cap_fen

    if shares_left == 1:
        return remaining_fen
    surplus_fen = remaining_fen - shares_left
    distance_fen = shares_left * cap_fen - remaining_fen
    least_fen, rest = divmod(2 * min(surplus_fen, distance_fen), shares_left)
    bound_fen = least_fen + (draw(shares_left) < rest)
    drawn_fen = draw(bound_fen + 1)
    return 1 + drawn_fen if surplus_fen <= distance_fen else cap_fen - drawn_fen


def deal_in_turn(
    total_fen: int, count: int, cap_fen: int, draw_for: Callable[[int], Draw]
) -> tuple[int, ...]:
    """
    Deal all *count* shares of *total_fen* one after the other, number k by ``draw_for(k)``.

    k counts from 1. The amounts add up to *total_fen*.
    """
    amounts_fen: list[int] = []
    remaining_fen = total_fen
    for k in range(1, count + 1):
        amounts_fen.append(deal_share(remaining_fen, count - k + 1, cap_fen, draw_for(k)))
        remaining_fen -= amounts_fen[-1]

    assert remaining_fen == 0
    return tuple(amounts_fen)


def strike(dealt_fen: Sequence[int], taken_fen: Sequence[int], draw: Draw) -> int:
    """
    Return one of the amounts of *dealt_fen* that are left, each with the same chance.

    *taken_fen* are those that were struck before; of equal amounts the earliest is struck first.
    Struck one by one (Fisher and Yates's own method, 1938), the amounts come in a random order,
    every order as likely as any other: then every position has the same distribution, not only the
    same mean but also the same variance, for any amounts. The chance of being luckiest is
    equal only without ties, because of equal shares the earliest is the luckiest (see `luckiest`;
    docs/concepts/fairness.md has the numbers).

    Raises ValueError if an amount was taken that is not there.

    >>> strike((5, 3, 9, 3), (3, 9), draw=lambda n: n - 1)  # 5 and the second 3 are left
    3
    """
    left_fen = list(dealt_fen)
    for amount_fen in taken_fen:
        left_fen.remove(amount_fen)
    return left_fen[draw(len(left_fen))]


def luckiest(amounts_fen: Sequence[int]) -> int:
    """
    Return the place of the luckiest 手气最佳 in *amounts_fen*: the most; among equals, the first.

    >>> luckiest([5, 9, 9])
    1
    """
    return max(range(len(amounts_fen)), key=amounts_fen.__getitem__)
