"""Comparison of two books of the same holder, row by row: what both have, and what only one has."""

import heapq
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum, unique
from typing import NamedTuple

TOLERANCE = timedelta(minutes=5)
"""How far apart two books may have the same thing in time, where no number says that it is."""

_COMPARED = ("amount_fen", "direction", "at", "state", "kind")


@unique
class Verdict(StrEnum):
    """The verdict on a row of either side, or on two that belong together."""

    BOTH = "both"
    DIFFER = "differ"  # both have it, and do not say the same of it
    OURS = "ours"  # only we have it
    THEIRS = "theirs"  # only the other book has it


class Row(NamedTuple):
    """
    The compared fields of a row of either book. *place* is its position there.

    *at* is in whole seconds, and *direction*, *kind* and *state* are the same words on both sides.
    With *to_minute* it is the minute, and the seconds are unknown.
    """

    id: str
    at: datetime
    direction: str
    amount_fen: int
    kind: str
    state: str
    counterparty: str
    place: int
    to_minute: bool = False


class Match(NamedTuple):
    """Two rows that belong together, or one alone; *by_id* says how that is known."""

    ours: Row | None
    theirs: Row | None
    by_id: bool = False

    @property
    def differs(self) -> tuple[str, ...]:
        """In what two rows of one number differ: in that order, amount, way, time, state, kind."""
        if self.ours is None or self.theirs is None or not self.by_id:
            return ()
        return tuple(
            name
            for name in _COMPARED
            if getattr(self.ours, name) != getattr(self.theirs, name)
            and not (name == "at" and _is_same_minute(self.ours, self.theirs))
        )

    @property
    def verdict(self) -> Verdict:
        if self.theirs is None:
            return Verdict.OURS
        if self.ours is None:
            return Verdict.THEIRS
        return Verdict.DIFFER if self.differs else Verdict.BOTH

    @property
    def at(self) -> datetime:
        """When it was: by our book, if it is in ours."""
        one = self.ours or self.theirs
        assert one is not None
        return one.at


def _is_same_minute(one: Row, other: Row) -> bool:
    """Return whether two rows were in the same minute, and no more is known of one of them."""
    if not (one.to_minute or other.to_minute):
        return False
    return one.at.replace(second=0) == other.at.replace(second=0)


def compare(
    ours: Iterable[Row],
    theirs: Iterable[Row],
    *,
    ours_by_number: Callable[[str], bool] = lambda _number: False,
) -> list[Match]:
    """
    Return every row of both books in exactly one match, in the order of time.

    Rows find each other in three rounds, each of which looks only at what the ones before have
    left:

    1. the same number, amount and direction;
    2. the same number: then something differs;
    3. the same amount, direction and kind, at most `TOLERANCE` apart, the nearest first. A book
       that gives its own numbers to things can only be compared so, and what is found so is taken
       for the same in any state. A row of theirs with a number that is one of ours, which
       *ours_by_number* tells, is no other thing of ours, and stays alone.

    A row is matched once; a number that stands twice on one side has to stand twice on the other.
    The order in which rows come, and which book is called ours, change nothing.
    """
    mine, other = sorted(ours), sorted(theirs)
    matches: list[Match] = []
    for key in (_by_everything, _by_id):
        found, mine, other = _paired(mine, other, key)
        matches += (Match(one, two, by_id=True) for one, two in found)
    known = [row for row in other if ours_by_number(row.id)]
    near, mine, other = _nearest(mine, [row for row in other if not ours_by_number(row.id)])
    matches += (Match(one, two) for one, two in near)
    matches += (Match(one, None) for one in mine)
    matches += (Match(None, two) for two in (*known, *other))
    return sorted(matches, key=_match_order)


Pairs = list[tuple[Row, Row]]


def _order(row: Row) -> tuple[object, ...]:
    return (row.at, *row)


def _match_order(match: Match) -> tuple[object, ...]:
    one = match.ours or match.theirs
    assert one is not None
    return (match.at, match.ours is None, *one)


def _by_everything(row: Row) -> Hashable:
    return (row.id, row.amount_fen, row.direction) if row.id else None


def _by_id(row: Row) -> Hashable:
    return row.id or None


def _paired(
    mine: list[Row], other: list[Row], key: Callable[[Row], Hashable]
) -> tuple[Pairs, list[Row], list[Row]]:
    """Pair the rows that have the same *key*, in their order; return the pairs and what is left."""
    waiting: dict[Hashable, list[Row]] = defaultdict(list)
    for row in reversed(other):
        waiting[key(row)].append(row)
    waiting.pop(None, None)
    pairs, left = [], []
    for row in mine:
        found = waiting.get(key(row))
        if found:
            pairs.append((row, found.pop()))
        else:
            left.append(row)
    taken = {id(row) for _, row in pairs}
    return pairs, left, [row for row in other if id(row) not in taken]


def _nearest(mine: list[Row], other: list[Row]) -> tuple[Pairs, list[Row], list[Row]]:
    """Pair rows of one amount, direction and kind that are near in time, the nearest first."""
    groups: dict[Hashable, list[tuple[Row, bool]]] = defaultdict(list)
    for ours, rows in ((True, mine), (False, other)):
        for row in rows:
            groups[row.amount_fen, row.direction, row.kind].append((row, ours))
    pairs: Pairs = []
    for group in groups.values():
        pairs += _neighbours(sorted(group, key=lambda one: _order(one[0])))
    taken = {id(row) for pair in pairs for row in pair}
    return (
        pairs,
        [row for row in mine if id(row) not in taken],
        [row for row in other if id(row) not in taken],
    )


def _neighbours(line: list[tuple[Row, bool]]) -> Iterator[tuple[Row, Row]]:
    """
    Yield pairs of one row of ours and one of theirs, the nearest first, out of a *line* in time.

    Of all that are left, the two nearest of different sides are always neighbours: whatever
    stood between them would be nearer to one of them. So only neighbours are looked at, and where a
    pair is taken out, those on both sides of it become neighbours.
    """
    before = [*range(-1, len(line) - 1)]
    after = [*range(1, len(line) + 1)]
    gone = [False] * len(line)
    heap: list[tuple[timedelta, int, int]] = []

    def consider(first: int, second: int) -> None:
        if first < 0 or second >= len(line) or line[first][1] == line[second][1]:
            return
        apart = line[second][0].at - line[first][0].at
        if apart <= TOLERANCE:
            heapq.heappush(heap, (apart, first, second))

    for place in range(len(line) - 1):
        consider(place, place + 1)
    while heap:
        _, first, second = heapq.heappop(heap)
        if gone[first] or gone[second]:
            continue
        gone[first] = gone[second] = True
        left, right = before[first], after[second]
        if left >= 0:
            after[left] = right
        if right < len(line):
            before[right] = left
        consider(left, right)
        one, two = line[first], line[second]
        yield (one[0], two[0]) if one[1] else (two[0], one[0])
