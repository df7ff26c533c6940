"""New Year's Eve's curve: all of the load comes, in order, and the same for the same seed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hongbao.domain.arrivals import (
    CURVE,
    SENT_MAX_FEN,
    TICK_PARTS,
    arrivals,
    percentile,
    sendings,
    shared_out,
)
from hongbao.domain.fairness import draws
from tests.every import every

SEED = b"eve"


@given(st.integers(0, 10**6))
def test_all_of_it_comes_and_most_of_it_at_midnight(total):
    """
    Each tick has its part, to the last one.
    """
    counts = shared_out(total)

    assert total == sum(counts)
    assert len(CURVE) == len(counts)
    for count, part in zip(counts, CURVE, strict=True):
        assert abs(count * sum(CURVE) - total * part) < sum(CURVE)
    assert max(counts) in (counts[48], 1)


@settings(max_examples=15)
@given(st.integers(1, 300), st.integers(1, 300))
def test_everyone_sends_in_turn_and_within_their_means(people, packets):
    """
    The first packet is there at once, and nobody sends more than they have.
    """
    sent = sendings(SEED, people=people, packets=packets)

    assert packets == len(sent)
    assert 0 == sent[0].tick
    assert sorted(sent, key=lambda each: each.tick) == list(sent)
    for person in range(people):
        own = [each.total_fen for each in sent if each.sender == person]
        assert len(own) in (packets // people, packets // people + 1)
        assert sum(own) <= SENT_MAX_FEN
        assert all(fen > 0 for fen in own)


def test_the_newest_packet_is_the_hottest():
    """
    By half of those who are left, and never one that is not there yet.
    """
    came = list(arrivals(SEED, 7, 4000, people=50, packets=10))

    assert sorted(each.part for each in came) == [each.part for each in came]
    assert all(0 <= each.part < TICK_PARTS and 0 <= each.person < 50 for each in came)
    counts = [sum(each.packet == packet for each in came) for packet in range(10)]
    assert 1900 < counts[9] < 2100
    assert 900 < counts[8] < 1100
    assert 40 < sum(each.is_again for each in came) < 130
    assert came == list(arrivals(SEED, 7, 4000, people=50, packets=10))
    assert came != list(arrivals(b"other", 7, 4000, people=50, packets=10))
    assert {0} == {each.packet for each in arrivals(SEED, 7, 100, people=5, packets=1)}


@every(
    ("percent", "least"),
    [(0, 10), (1, 10), (25, 10), (26, 20), (50, 20), (75, 30), (76, 40), (99, 40), (100, 40)],
)
def test_a_percentile_is_the_nearest_rank(percent, least):
    """
    The least that so many percent of four do not exceed.
    """
    assert least == percentile([10, 20, 30, 40], percent)
    assert 7 == percentile([7], percent)
    assert max(10 * percent - 1, 0) == percentile(range(1000), percent)


@every(
    ("people", "packets", "least_fen", "most_fen"),
    [
        # Nobody sends more than 100.00 in one, nor 250.00 in all.
        *((100, 100, 20_00, 100_00), (10, 20, 20_00, 100_00), (10, 21, 16_66, 83_33)),
        *((10, 30, 16_66, 83_33), (1, 1000, 5, 25)),
    ],
)
def test_totals_are_drawn_between_a_fifth_and_what_is_left(people, packets, least_fen, most_fen):
    """
    The least and the most of enough of them come near both ends.
    """
    sent = [
        each.total_fen
        for seed in range(12)
        for each in sendings(b"%d" % seed, people=people, packets=packets)
    ]

    assert least_fen <= min(sent)
    assert max(sent) <= most_fen
    span_fen = most_fen - least_fen
    assert min(sent) <= least_fen + span_fen // 5
    assert max(sent) >= most_fen - span_fen // 5


def test_who_sends_and_when_follow_from_the_curve():
    """
    In turn; and the first at the beginning, in whichever tick the curve has it.
    """
    sent = sendings(SEED, people=3, packets=7)

    assert [0, 1, 2, 0, 1, 2, 0] == [each.sender for each in sent]
    ticks = [tick for tick, count in enumerate(shared_out(7)) for _ in range(count)]
    assert [0, *ticks[1:]] == [each.tick for each in sent]
    assert ticks[0] > 0


def test_arrivals_follow_from_draws_in_this_order():
    """
    The moment, how far back from the newest packet, by whom, and whether it is asked again.
    """
    expected = []
    for number in range(500):
        draw = draws(SEED, "arrival", 40, number)
        part, back = draw(1_000_000), draw(4096)
        zeros = 12 if back == 0 else len(f"{back:b}") - len(f"{back:b}".rstrip("0"))
        expected.append((part, draw(50), max(19 - zeros, 0), draw(50) == 0))

    came = arrivals(SEED, 40, 500, people=50, packets=20)

    assert 7 in {wanted for _part, _person, wanted, _again in expected}, "twelve zeros are rare"
    assert sorted(expected, key=lambda each: each[0]) == [tuple(each) for each in came]


def test_a_total_is_drawn_by_its_number():
    """
    Between its least and its most, both of which it can be.
    """
    sent = sendings(SEED, people=10, packets=21)

    assert [16_66 + draws(SEED, "packet", number)(66_68) for number in range(21)] == [
        each.total_fen for each in sent
    ]


def test_as_many_as_the_weights_come_by_the_weights():
    """
    And of nothing, nothing comes.
    """
    assert shared_out(sum(CURVE)) == CURVE
    assert {0} == {*shared_out(0)}
