"""Dealing: within bounds, nothing lost, and the same mean for everyone, exactly."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import comb
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hongbao.domain.deal import Draw, deal_in_turn, deal_share, luckiest, strike
from tests.every import every

CAP_FEN = 20_000
PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "fairness.md"

Result = TypeVar("Result")


def outcomes(act: Callable[[Draw], Result]) -> Iterator[tuple[Fraction, Result]]:
    """
    Run *act* with every possible sequence of draws, and yield each result with its probability.
    """
    unfinished: list[list[tuple[int, int]]] = [[]]
    while unfinished:
        script = unfinished.pop()
        path: list[tuple[int, int]] = []

        def draw(
            n: int, script: list[tuple[int, int]] = script, path: list[tuple[int, int]] = path
        ) -> int:
            if len(path) < len(script):
                path.append(script[len(path)])
            else:
                unfinished.extend([*path, (n, digit)] for digit in range(1, n))
                path.append((n, 0))
            return path[-1][1]

        result = act(draw)
        probability = Fraction(1)
        for n, _ in path:
            probability /= n
        yield probability, result


def next_shares(
    remaining_fen: int, shares_left: int, cap_fen: int
) -> Iterator[tuple[Fraction, int]]:
    """
    Yield every next share that can be dealt from here, with its probability.
    """
    return outcomes(lambda draw: deal_share(remaining_fen, shares_left, cap_fen, draw))


def struck(dealt_fen: Sequence[int], draw: Draw) -> tuple[int, ...]:
    """
    Return what was *dealt* in the order in which claim after claim strikes it.
    """
    taken_fen: list[int] = []
    for _ in dealt_fen:
        taken_fen.append(strike(dealt_fen, taken_fen, draw))
    return tuple(taken_fen)


def deal_shuffled(total_fen: int, count: int, cap_fen: int, draw: Draw) -> tuple[int, ...]:
    """
    Deal all shares up front, and have them struck one by one.
    """
    return struck(deal_in_turn(total_fen, count, cap_fen, lambda _: draw), draw)


def feasible(cap_fen: int, shares_max: int) -> Iterator[tuple[int, int]]:
    """
    Yield every (remaining, shares left) that can be dealt under *cap_fen*.
    """
    for shares_left in range(1, shares_max + 1):
        for remaining_fen in range(shares_left, shares_left * cap_fen + 1):
            yield remaining_fen, shares_left


@every("cap_fen", [1, 2, 3, 4, 7, 10])
def test_the_next_share_is_worth_the_mean_exactly(cap_fen):
    """
    In every state a packet can be in, with the cap biting or not, the expectation of the next
    share is remaining / shares left, as a fraction, and each outcome leaves a state that can
    still be dealt.
    """
    for remaining_fen, shares_left in feasible(cap_fen, shares_max=6):
        mean_fen = certainty = Fraction(0)
        for chance, share_fen in next_shares(remaining_fen, shares_left, cap_fen):
            assert 1 <= share_fen <= cap_fen
            after_fen, others = remaining_fen - share_fen, shares_left - 1
            assert others <= after_fen <= others * cap_fen
            mean_fen += chance * share_fen
            certainty += chance

        assert 1 == certainty
        assert Fraction(remaining_fen, shares_left) == mean_fen


@every(
    ("total_fen", "count", "cap_fen"),
    [
        (10, 5, CAP_FEN),  # the usual rule gives the first 2.5 and the last 1.6
        (10, 5, 3),
        (13, 5, 3),
        (14, 5, 3),
        (5, 5, CAP_FEN),
        (15, 5, 3),
        (23, 4, 8),
        (100, 3, 50),
    ],
)
def test_every_position_has_the_same_mean(total_fen, count, cap_fen):
    """
    Over all courses that a packet can take, share k is worth total / count, whatever k is.
    """
    states = {total_fen: Fraction(1)}
    for k in range(1, count + 1):
        mean_fen = Fraction(0)
        following: dict[int, Fraction] = defaultdict(Fraction)
        for remaining_fen, reached in states.items():
            for chance, share_fen in next_shares(remaining_fen, count - k + 1, cap_fen):
                mean_fen += reached * chance * share_fen
                following[remaining_fen - share_fen] += reached * chance
        states = following

        assert Fraction(total_fen, count) == mean_fen

    assert {0: 1} == states


def test_shuffled_positions_are_alike_in_everything():
    """
    Every order of the same amounts is equally likely: so mean and variance are the same at each
    position, and so is the chance of the largest share. Ties are another matter: see `seats`.
    """
    chances: dict[tuple[int, ...], Fraction] = defaultdict(Fraction)
    for chance, amounts_fen in outcomes(lambda draw: deal_shuffled(9, 4, 5, draw)):
        chances[amounts_fen] += chance

    assert 1 == sum(chances.values())
    assert len({tuple(sorted(amounts_fen)) for amounts_fen in chances}) > 3
    for amounts_fen, chance in chances.items():
        assert chance == chances[tuple(sorted(amounts_fen))]


@pytest.mark.parametrize("dealt_fen", [(5,), (7, 1, 1, 1), (2, 9, 4, 1), (3, 3, 5, 5), (6, 6, 6)])
def test_every_seat_has_the_same_chances_whatever_was_dealt(dealt_fen):
    """
    Who chose what is dealt has not chosen who gets it: each amount comes to each seat as often as
    it was dealt, exactly. So the mean is the same at every seat, and the variance, and all else.
    """
    chances: list[dict[int, Fraction]] = [defaultdict(Fraction) for _ in dealt_fen]
    for chance, amounts_fen in outcomes(lambda draw: struck(dealt_fen, draw)):
        assert sorted(dealt_fen) == sorted(amounts_fen)
        for seat, amount_fen in enumerate(amounts_fen):
            chances[seat][amount_fen] += chance

    expected = {fen: Fraction(dealt_fen.count(fen), len(dealt_fen)) for fen in dealt_fen}
    assert [expected] * len(dealt_fen) == chances


def test_what_was_never_dealt_cannot_have_been_taken():
    """
    A share that was enlarged behind the ledger's back stops the packet; it does not shift it.
    """
    with pytest.raises(ValueError, match="not in list"):
        strike((5, 3, 9), (4,), lambda _: 0)


def seats(total_fen: int, count: int) -> list[Fraction]:
    """
    Return each seat's chance of being luckiest in a shuffled packet, over every possible deal.
    """
    # How likely each largest amount is, and how many shares have it: all that ties depend on.
    states: dict[tuple[int, int, int], Fraction] = {(total_fen, 0, 0): Fraction(1)}
    for shares_left in range(count, 0, -1):
        following: dict[tuple[int, int, int], Fraction] = defaultdict(Fraction)
        for (remaining_fen, most_fen, times), chance in states.items():
            for likely, share_fen in next_shares(remaining_fen, shares_left, CAP_FEN):
                most = max(most_fen, share_fen)
                many = times * (most == most_fen) + (most == share_fen)
                following[remaining_fen - share_fen, most, many] += chance * likely
        states = following
    tied: dict[int, Fraction] = defaultdict(Fraction)
    for (_, _, times), chance in states.items():
        tied[times] += chance
    # With each order as likely as any other: the largest comes first at seat k, the others later.
    return [
        sum(
            (
                chance * Fraction(comb(count - seat, times - 1), comb(count, times))
                for times, chance in tied.items()
            ),
            Fraction(0),
        )
        for seat in range(1, count + 1)
    ]


@pytest.mark.parametrize(("total", "total_fen"), [("0.10", 10), ("0.50", 50)])
def test_the_page_tells_how_ties_shift_luck(total, total_fen):
    """
    The earliest of equal shares is luckiest, so small packets favour early seats, exactly so much.
    """
    chances = seats(total_fen, 5)

    assert 1 == sum(chances)
    shown = " | ".join(f"{float(chance):.2%}" for chance in chances)
    assert f"| {total} | {shown} |" in PAGE.read_text(encoding="utf-8")


def test_ties_shift_luck_as_the_dealing_itself_says():
    """
    The same chances as by dealing, shuffling and looking for the luckiest, draw by draw.
    """
    counted = [Fraction(0)] * 4
    for chance, amounts_fen in outcomes(lambda draw: deal_shuffled(7, 4, CAP_FEN, draw)):
        counted[luckiest(amounts_fen)] += chance

    assert seats(7, 4) == counted
    assert counted[0] > Fraction(1, 4) > counted[3]


def test_dealt_in_turn_positions_differ_in_variance():
    """
    Without the shuffle, late shares vary more than early ones: why there is a second rule.
    """
    squares = [Fraction(0)] * 4
    for chance, amounts_fen in outcomes(lambda draw: deal_in_turn(12, 4, 20, lambda _: draw)):
        for place, amount_fen in enumerate(amounts_fen):
            squares[place] += chance * (amount_fen - 3) ** 2

    assert squares[0] < squares[3]


@st.composite
def packets(draw):
    """
    Draw the total, count and cap of a packet that can be dealt.
    """
    count = draw(st.integers(1, 100))
    cap_fen = draw(st.integers(1, CAP_FEN))
    return draw(st.integers(count, count * cap_fen)), count, cap_fen


@given(packets(), st.randoms(use_true_random=False))
@pytest.mark.parametrize("rule", ["in turn", "shuffled"])
def test_nothing_is_lost_and_every_share_keeps_its_bounds(rule, packet, dice):
    """
    The shares of any packet add up to its total, and each is at least one fen and at most the cap.
    """
    total_fen, count, cap_fen = packet

    if rule == "in turn":
        amounts_fen = deal_in_turn(total_fen, count, cap_fen, lambda _: dice.randrange)
    else:
        amounts_fen = deal_shuffled(total_fen, count, cap_fen, dice.randrange)

    assert count == len(amounts_fen)
    assert total_fen == sum(amounts_fen)
    assert 1 <= min(amounts_fen)
    assert cap_fen >= max(amounts_fen)


@given(packets())
@pytest.mark.parametrize("digit", [lambda _: 0, lambda n: n - 1, lambda n: n // 2])
def test_even_the_most_stubborn_dice_deal_a_packet(digit, packet):
    """
    Drawing always the least, always the most or always the middle keeps every bound.
    """
    total_fen, count, cap_fen = packet

    amounts_fen = deal_in_turn(total_fen, count, cap_fen, lambda _: digit)

    assert total_fen == sum(amounts_fen)
    assert all(1 <= amount_fen <= cap_fen for amount_fen in amounts_fen)


@given(packets(), st.randoms(use_true_random=False))
def test_the_cap_mirrors_the_fen(packet, dice):
    """
    What is dealt from the cap down is what would be dealt from one fen up, turned over; so the
    cap favours no position any more than the fen does.
    """
    total_fen, count, cap_fen = packet
    mirrored_fen = count * (cap_fen + 1) - total_fen
    if 2 * total_fen == count * (cap_fen + 1):
        return  # in the very middle both are dealt from the fen
    digits = [dice.random() for _ in range(2)]
    one, other = (iter(digits), iter(digits))

    share_fen = deal_share(total_fen, count, cap_fen, lambda n: int(next(one) * n))
    mirror_fen = deal_share(mirrored_fen, count, cap_fen, lambda n: int(next(other) * n))

    assert cap_fen + 1 == share_fen + mirror_fen


def test_the_very_middle_is_dealt_from_the_fen():
    """
    Where a fen and the cap are equally far, both ways are right and one is chosen for good: packets
    must be recomputed as they were dealt.
    """
    assert 1 == deal_share(22, 4, 10, lambda _: 0)
    assert 10 == deal_share(23, 4, 10, lambda _: 0)


def test_one_yuan_among_eighteen_leaves_something_for_the_last():
    """
    A fault seen elsewhere: rounding up left the last of 18 shares of a packet with -0.02.
    """
    stingy = deal_in_turn(100, 18, CAP_FEN, lambda _: lambda _: 0)
    generous = deal_in_turn(100, 18, CAP_FEN, lambda _: lambda n: n - 1)

    assert 100 == sum(stingy) == sum(generous)
    assert 1 == min(stingy) == min(generous)


def test_forty_thousand_over_two_is_dealt_without_trying_again():
    """
    A fault seen elsewhere: drawing until it fits overflowed the stack at 40,000 over 2 shares.
    Here it is one draw, with the cap at the total and with one that leaves no choice at all.
    """
    assert 4_000_000 == sum(deal_in_turn(4_000_000, 2, 4_000_000, lambda _: lambda n: n - 1))
    assert (2_000_000, 2_000_000) == deal_in_turn(4_000_000, 2, 2_000_000, lambda _: lambda _: 0)


@pytest.mark.parametrize("total_fen", [39_999, 40_000])
def test_the_cap_holds_for_lucky_shares_too(total_fen):
    """
    A fault seen elsewhere: the cap was checked for equal packets and forgotten for lucky ones.
    """
    for _, share_fen in next_shares(total_fen, 2, CAP_FEN):
        assert share_fen <= CAP_FEN
        assert total_fen - share_fen <= CAP_FEN


def test_a_packet_deals_alike_whatever_was_dealt_before():
    """
    A fault seen elsewhere: later packets inherited an earlier one's remainder.
    """
    first = deal_in_turn(1001, 7, CAP_FEN, lambda k: lambda n: k % n)
    deal_in_turn(13, 6, CAP_FEN, lambda k: lambda n: k % n)

    assert first == deal_in_turn(1001, 7, CAP_FEN, lambda k: lambda n: k % n)


@every(
    ("remaining_fen", "shares_left", "cap_fen"),
    [(4, 5, CAP_FEN), (0, 1, CAP_FEN), (0, 0, CAP_FEN), (40_001, 2, CAP_FEN), (-1, 1, CAP_FEN)],
)
def test_a_packet_that_cannot_be_dealt_is_our_own_mistake(remaining_fen, shares_left, cap_fen):
    """
    Less than a fen each, or more than the cap each, was to be refused before: it trips an assertion
    and never becomes a share.
    """
    with pytest.raises(AssertionError):
        deal_share(remaining_fen, shares_left, cap_fen, lambda _: 0)


def test_the_luckiest_is_the_earliest_of_the_largest():
    """
    Exactly one is luckiest; ties go to the earliest.
    """
    assert 0 == luckiest([7])
    assert 2 == luckiest([1, 2, 3])
    assert 1 == luckiest([1, 9, 9, 2, 9])
    assert 0 == luckiest((5, 5, 5))
