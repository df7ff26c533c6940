"""
New Year's Eve as load: how many ask for packets in each five minutes, who, and for which packet.

The curve is invented in the shape of what was published of real ones: a gala in the evening that
has everyone shake their phones at announced moments, and midnight, when most packets are sent and
opened at once. Everything follows from a seed.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from hongbao.domain.fairness import draws

TICK_MINUTES = 5
"""How much of the evening a tick is."""

TICK_PARTS = 1_000_000
"""In how many parts a tick is divided, for the moments of arrivals."""

CURVE = (
    # From eight in the evening, an hour a line; the last is the half hour after midnight.
    *(6, 4, 4, 4, 4, 4, 14, 8, 5, 4, 4, 4),
    *(4, 4, 4, 4, 16, 9, 5, 4, 4, 4, 4, 4),
    *(4, 4, 4, 4, 4, 4, 5, 20, 10, 6, 4, 4),
    *(4, 4, 5, 5, 6, 6, 7, 8, 10, 12, 16, 24),
    *(96, 48, 24, 12, 8, 6),
)
"""How much of the evening's load comes in each of its ticks, by weight."""

TOTAL_MAX_FEN = 100_00
SENT_MAX_FEN = 250_00
"""A sandbox's people have 300 yuan."""

_SPREAD = 5
"""How many times as much the largest packet may have as the smallest."""

_ASKED_AGAIN = 50
"""One request in so many is the one before it, asked again: a telephone whose answer was lost."""

_OLDER_MAX = 12
"""How many packets back from the newest anyone still asks."""


class NodeStanding(NamedTuple):
    """How far a node has come: claims, the groups of them, and how often one was begun again."""

    name: str
    claims: int
    groups: int
    begun_again: int
    is_up: bool


class Standing(NamedTuple):
    """How things stand while a storm runs, and at which *nodes* where the ledger has some."""

    at: datetime
    asked: int
    answered: int
    claimed: int
    backlog: int
    sent_fen: int
    claimed_fen: int
    rate: int  # answers in the last second
    latest_micros: tuple[int, ...]  # how long the last answers took, unordered
    nodes: tuple[NodeStanding, ...] = ()


class Sending(NamedTuple):
    """A packet that is sent at the beginning of a tick."""

    tick: int
    sender: int
    total_fen: int


class Arrival(NamedTuple):
    """A request for a share of a packet: its moment within its tick, by whom, and of which."""

    part: int
    person: int
    packet: int
    is_again: bool


def shared_out(total: int) -> tuple[int, ...]:
    """
    Return how many of *total* come in each tick.

    >>> sum(shared_out(10_000)), max(shared_out(10_000))
    (10000, 1901)
    """
    weight = sum(CURVE)
    counts, due, given = [], 0, 0
    for part in CURVE:
        due += part
        counts.append(total * due // weight - given)
        given += counts[-1]
    return tuple(counts)


def packets_max(*, people: int, shares: int) -> int:
    """
    Return how many packets with so many *shares* the *people* can send, with a fen for each share.

    >>> packets_max(people=30, shares=50)
    3000
    """
    return people * (SENT_MAX_FEN // (_SPREAD * shares))


def sendings(seed: bytes, *, people: int, packets: int) -> tuple[Sending, ...]:
    """
    Return the *packets* of the evening in the order in which they are sent.

    Each of the *people* sends one before anyone sends another, and the first is there at once.
    What one of them sends is together no more than `SENT_MAX_FEN`.
    """
    most_fen = min(TOTAL_MAX_FEN, SENT_MAX_FEN // -(-packets // people))
    least_fen = most_fen // _SPREAD
    ticks = [tick for tick, count in enumerate(shared_out(packets)) for _ in range(count)]
    return tuple(
        Sending(
            tick if number else 0,
            number % people,
            least_fen + draws(seed, "packet", number)(most_fen - least_fen + 1),
        )
        for number, tick in enumerate(ticks)
    )


def arrivals(seed: bytes, tick: int, count: int, *, people: int, packets: int) -> Iterator[Arrival]:
    """
    Yield the *count* arrivals of *tick* in their order; *packets* were sent until then.

    The newest packet is asked for by half of those who come, the one before it by half of the
    others, and so on: packets are hot, and then they are not.
    """
    chances = (draws(seed, "arrival", tick, number) for number in range(count))
    drawn = [(draw(TICK_PARTS), draw) for draw in chances]
    for part, draw in sorted(drawn, key=lambda each: each[0]):
        older = _trailing_zeros(draw(1 << _OLDER_MAX))
        wanted = max(packets - 1 - older, 0)
        yield Arrival(part, draw(people), wanted, draw(_ASKED_AGAIN) == 0)


def _trailing_zeros(number: int) -> int:
    return _OLDER_MAX if number == 0 else (number & -number).bit_length() - 1


def percentile(ordered: Sequence[int], percent: int) -> int:
    """
    Return the least of *ordered* that *percent* of them do not exceed (the nearest rank).

    >>> percentile([1, 2, 3, 4], 50), percentile([1, 2, 3, 4], 99), percentile([7], 1)
    (2, 4, 7)
    """
    return ordered[max(-(-len(ordered) * percent // 100), 1) - 1]
