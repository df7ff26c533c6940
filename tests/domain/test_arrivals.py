"""New Year's Eve's curve: all of the load comes, in order, and the same for the same seed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hongbao.domain.arrivals import (
    CURVE,
    SENT_MAX_FEN,
    TICK_PARTS,
    arrivals,
    sendings,
    shared_out,
)

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
