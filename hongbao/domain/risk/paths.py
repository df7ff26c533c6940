"""
How long an act's paths through all trees of a forest are, together.

A tree is walked question by question. Once it is worth it, all trees are asked at once: each leaf
is one bit, and for each key and each interval between two thresholds there is a mask of the leaves
that a value there can reach. What all keys leave is one leaf of each tree, as walking would find.

Source of the idea: Lucchese, Nardini, Orlando, Perego, Tonellotto and Venturini, "QuickScorer",
SIGIR 2015.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import accumulate
from operator import and_, or_
from typing import Any, NamedTuple

Node = int | tuple[int, int, Any, Any]
"""
A leaf is how long its path is, in millionths of a question. Any other node is (feature, threshold,
the node where the feature is at most the threshold, the node where it is above).
"""

WALKED = 64
"""How often trees are walked first: making the masks takes as long as that, or twice as long."""

_QUESTION = 1_000_000
"""A whole question, as paths are counted."""

MASK_BYTES_MAX = 16 << 20
"""A forest whose masks would take more is always walked: the shipped one takes one megabyte."""


class Paths:
    """The trees of a forest that asks *keys* keys, ready to be asked."""

    __slots__ = ("_asked", "_keys", "_masks", "trees")

    def __init__(self, trees: tuple[Node, ...], keys: int) -> None:
        self.trees = trees
        self._keys = keys
        self._asked = 0
        self._masks: _Masks | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Paths) and self.trees == other.trees

    def __hash__(self) -> int:
        return hash(self.trees)

    def total(self, values: Sequence[int]) -> int:
        """Return how long the paths of *values*, one for each key, are together."""
        if self._masks is None:
            self._asked += 1
            if self._asked != WALKED:
                return walked(self.trees, values)
            self._masks = _masks_of(self.trees, self._keys)
            if self._masks is None:
                return walked(self.trees, values)
        reached, planes, _uneven = self._masks
        left = -1
        for (thresholds, masks), value in zip(reached, values, strict=True):
            left &= masks[bisect_left(thresholds, value)]
        whole, rest = planes
        uneven = left & self._masks.uneven
        return _QUESTION * sum(
            [(left & plane).bit_count() << place for place, plane in enumerate(whole)]
        ) + sum([(uneven & plane).bit_count() << place for place, plane in enumerate(rest)])


def walked(trees: Sequence[Node], values: Sequence[int]) -> int:
    """Return the same, from one question to the next."""
    total = 0
    for root in trees:
        node: Any = root
        while node.__class__ is tuple:
            feature, threshold, low, high = node
            node = low if values[feature] <= threshold else high
        total += node
    return total


class _Masks(NamedTuple):
    """
    The masks of a forest.

    *reached* has the thresholds of each key in order, and of each interval the leaves that a value
    in it can reach. *planes* are the leaves whose path has a 1 at each binary place: of its whole
    questions, and of the rest. Most leaves are of one act or two, whose paths have no rest; the
    others are the lowest bits, *uneven*, so what is asked about them is short.
    """

    reached: list[tuple[list[int], list[int]]]
    planes: tuple[list[int], list[int]]
    uneven: int


def _masks_of(trees: Sequence[Node], keys: int) -> _Masks | None:
    """Return the masks of *trees*; None if they would take too much memory."""
    leaves: list[int] = []
    splits = [split for root in trees for split in _splits(root, leaves)]
    # Neighbours stay neighbours among those that have a rest, and among those that have none.
    with_rest = [0, *accumulate(path % _QUESTION > 0 for path in leaves)]
    count = with_rest[-1]

    def bits(first: int, end: int) -> int:
        before, upto = with_rest[first], with_rest[end]
        return _bits(before, upto) | _bits(count + first - before, count + end - upto)

    cut: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for feature, threshold, first, middle, end in splits:
        where = cut[feature, threshold]
        where[0] |= bits(first, middle)
        where[1] |= bits(middle, end)
    if (len(leaves) // 8 + 1) * (len(cut) + keys) > MASK_BYTES_MAX:
        return None
    every = (1 << len(leaves)) - 1
    reached = []
    for feature in range(keys):
        thresholds = sorted(threshold for of, threshold in cut if of == feature)
        lows = [every & ~cut[feature, threshold][0] for threshold in thresholds]
        highs = [every & ~cut[feature, threshold][1] for threshold in thresholds]
        above = [*accumulate(lows, and_, initial=every)]
        below = [*accumulate(reversed(highs), and_, initial=every)][::-1]
        reached.append((thresholds, [*map(and_, above, below)]))
    whole: defaultdict[int, int] = defaultdict(int)  # the leaves with as many whole questions
    rest: defaultdict[int, int] = defaultdict(int)  # and with the same rest
    for number, path in enumerate(leaves):
        bit = bits(number, number + 1)
        whole[path // _QUESTION] |= bit
        rest[path % _QUESTION] |= bit
    return _Masks(reached, (_planes_of(whole), _planes_of(rest)), _bits(0, count))


def _planes_of(leaves: Mapping[int, int]) -> list[int]:
    """Return of *leaves*, which are kept by a number, those with a 1 at each of its places."""
    return [
        reduce(or_, [bits for number, bits in leaves.items() if number >> place & 1], 0)
        for place in range(max(leaves).bit_length())
    ]


def _splits(node: Node, leaves: list[int]) -> Iterator[tuple[int, int, int, int, int]]:
    """
    Yield each question below *node*, with the first leaf of it, of its answer high, and behind it.

    Its *leaves* are added in order: those of one node are neighbours.
    """
    if not isinstance(node, tuple):
        leaves.append(node)
        return
    feature, threshold, low, high = node
    first = len(leaves)
    yield from _splits(low, leaves)
    middle = len(leaves)
    yield from _splits(high, leaves)
    yield feature, threshold, first, middle, len(leaves)


def _bits(first: int, end: int) -> int:
    return (1 << end) - (1 << first)
