"""What risk control knows at each act of a simulated stream: its habit, and the indicators."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from bench.life import BEGIN, JUDGED_FROM, Step
from hongbao.domain.risk.acts import JUDGED, Asked
from hongbao.domain.risk.habit import NEW, Habit, after
from hongbao.domain.risk.indicators import INDICATORS, Key

NIGHT = (23, 6)
"""Only `night` asks for it, which no model has: a pack may call other hours night."""


def judged(steps: Iterable[Step], since: int = JUDGED_FROM) -> Iterator[tuple[Habit, Asked, str]]:
    """
    Yield each act that risk control would judge from *since* on, with the habit before it.

    What is stopped here is remembered all the same: an attacker who is stopped once does not
    become better or worse by it.
    """
    habit = NEW
    for asked, by in steps:
        if asked.seen.what in JUDGED and asked.seen.at >= since:
            yield habit, asked, by
        habit = after(habit, asked.seen)


def vector(habit: Habit, asked: Asked, keys: Sequence[Key]) -> tuple[int, ...]:
    """Return the values of *keys* at the act *asked*."""
    return tuple([INDICATORS[key.indicator].measure(habit, asked, key, NIGHT) for key in keys])


def vectors(
    streams: Mapping[int, list[Step]], keys: Sequence[Key], each: int = 1
) -> list[tuple[int, ...]]:
    """
    Return the values of *keys* at acts in *streams*, from the first of January on: at all, or at
    one in *each*.

    Then nobody is known yet. That is part of what is ordinary: everybody is new once.
    """
    return [
        vector(habit, asked, keys)
        for _profile, steps in sorted(streams.items())
        for habit, asked, _by in islice(judged(steps, BEGIN), 0, None, each)
    ]
