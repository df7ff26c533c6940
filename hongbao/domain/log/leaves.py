"""
Leaves: what the log says, one leaf for each lane that moved, and those that begin an epoch.

A lane is the chain of one profile or one packet: its entries are counted from 1, and each carries
the MAC of the one before. A leaf says how far a lane had come, and points at the lane's leaf before
it, so that reading all leaves shows which one is each lane's latest.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Any

from hongbao.domain.chain import values
from hongbao.domain.log.checkpoint import Checkpoint, Malformed, parse_checkpoint
from hongbao.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Index = tuple[int, int]
    """Which leaf: its epoch, and its index there."""

LEAF_BYTES_MAX = (1 << 16) - 1
"""What an entry of a tiled log can have; so an epoch names at most some hundred heads."""


class Moved(Row):
    """That *lane* went from its entry *after* to its entry *upto*, whose MAC is *head*."""

    lane: str  # "profile/17", "packet/hb_B2XWQ8K6"
    after: int  # where the lane's leaf before ends; 0 where this is its first
    upto: int
    head: bytes
    before: Index | None  # the lane's leaf before

    def encode(self) -> bytes:
        """
        Return the leaf's bytes, which no other leaf has.

        >>> Moved("profile/7", 2, 5, b"ab", (1, 12)).encode()
        b'["moved",1,"profile/7",2,5,"6162",[1,12]]'
        """
        return _encoded("moved", *self)


class Epoch(Row):
    """
    The first leaf of each epoch: what became of the one before.

    *kept* is where the log ended when this epoch was opened, None in the first. *abandoned* are
    heads that a machine has seen and that are no part of what was kept: after a cluster lost
    commits, this says so, and a machine that saw one of them accepts this epoch. *torn* are leaves
    that were kept, the last of each lane that no longer has the entries which it was sealed with;
    such a lane is sealed again from its beginning, by a leaf of the same step.
    """

    number: int
    kept: Checkpoint | None
    abandoned: tuple[Checkpoint, ...]
    torn: tuple[Index, ...]

    def encode(self) -> bytes:
        """Return the leaf's bytes, which no other leaf has."""
        kept = None if self.kept is None else self.kept.text
        heads = [head.text for head in self.abandoned]
        return _encoded("epoch", self.number, kept, heads, self.torn)


class Restored(Row):
    """
    The second leaf of an epoch that a backup has begun: what follows seals what was in it.

    Its chain ended with *entry*, which had the MAC *head* there.
    """

    entry: int
    head: bytes

    def encode(self) -> bytes:
        """
        Return the leaf's bytes, which no other leaf has.

        >>> Restored(12, b"ab").encode()
        b'["restored",1,12,"6162"]'
        """
        return _encoded("restored", *self)


Leaf = Moved | Epoch | Restored


def decode(content: bytes) -> Leaf:
    """Return the leaf whose bytes are *content*, or raise Malformed: each leaf has one encoding."""
    try:
        leaf = _decoded(json.loads(content))
        is_canonical = leaf.encode() == content
    except (ValueError, RecursionError):
        raise Malformed from None
    if not is_canonical:
        raise Malformed
    return leaf


def _encoded(kind: str, *fields: object) -> bytes:
    return f"[{','.join(values((kind, 1, *fields)))}]".encode()


def _decoded(said: Any) -> Leaf:
    match said:
        case ["moved", 1, str(lane), after, upto, str(head), before]:
            index = None if before is None else _index(before)
            return Moved(lane, _number(after), _number(upto), bytes.fromhex(head), index)
        case ["epoch", 1, number, kept, [*abandoned], [*torn]]:
            heads = tuple(map(_checkpoint, abandoned))
            last = None if kept is None else _checkpoint(kept)
            return Epoch(_number(number), last, heads, tuple(map(_index, torn)))
        case ["restored", 1, entry, str(head)]:
            return Restored(_number(entry), bytes.fromhex(head))
    raise Malformed


def _number(said: object) -> int:
    if type(said) is not int:  # true is 1, too, but not in the same bytes
        raise Malformed
    return said


def _index(said: object) -> Index:
    match said:
        case [epoch, index]:
            return _number(epoch), _number(index)
    raise Malformed


def _checkpoint(said: object) -> Checkpoint:
    if not isinstance(said, str):
        raise Malformed
    return parse_checkpoint(said)


class Sealed(Row):
    """How far a lane is sealed: its entry *upto* has the MAC *head*, as *leaf* says."""

    upto: int
    head: bytes | None
    leaf: Index | None


UNSEALED = Sealed(0, None, None)


class Wrong(Enum):
    """What can be wrong with a leaf."""

    OUT_OF_PLACE = "it is not a leaf that belongs there"
    UNCONNECTED = "it does not continue the lane's leaf before"
    TORN = "the lane does not have the entry that it names"


class Fault(Row):
    """What is wrong with which leaf, and the lane that it is about, if any."""

    leaf: Index
    lane: str | None
    wrong: Wrong


def faults(
    epochs: Iterable[tuple[int, Iterable[bytes]]], mac: Callable[[str, int], bytes | None]
) -> tuple[list[Fault], dict[str, Sealed]]:
    """
    Read all leaves, and return what is wrong, and how far each lane is sealed.

    *epochs* are all that the newest one leads back to, the oldest first, each with the leaves that
    were kept of it. *mac* returns the MAC of a lane's entry, by its number; None where the lane
    ends before it. This is what no proof of a single leaf can show: which one is a lane's latest,
    and that the lanes are still as they were sealed. A lane that an epoch names as torn has no
    fault before it.
    """
    misplaced: list[Fault] = []
    of_lanes: dict[str, list[Fault]] = {}
    sealed: dict[str, Sealed] = {}
    lanes: dict[Index, str] = {}
    for epoch, leaves in epochs:
        for number, content in enumerate(leaves):
            index = epoch, number
            leaf = _read(content)
            if isinstance(leaf, Moved):
                lanes[index] = leaf.lane
                found = _faults_of(leaf, index, sealed.get(leaf.lane, UNSEALED), mac)
                of_lanes.setdefault(leaf.lane, []).extend(found)
                sealed[leaf.lane] = Sealed(leaf.upto, leaf.head, index)
            if isinstance(leaf, Epoch):
                for lane in {lanes[torn] for torn in leaf.torn if torn in lanes}:
                    of_lanes.pop(lane, None)
                    sealed.pop(lane, None)
            is_first = isinstance(leaf, Epoch) and leaf.number == epoch
            is_late = isinstance(leaf, Restored) and number != 1
            if leaf is None or is_late or is_first == bool(number):
                misplaced.append(Fault(index, None, Wrong.OUT_OF_PLACE))
    return misplaced + [fault for found in of_lanes.values() for fault in found], sealed


def _read(content: bytes) -> Leaf | None:
    try:
        return decode(content)
    except Malformed:
        return None


def _faults_of(
    leaf: Moved, index: Index, sealed: Sealed, mac: Callable[[str, int], bytes | None]
) -> list[Fault]:
    found = []
    if (leaf.after, leaf.before) != (sealed.upto, sealed.leaf) or leaf.upto <= leaf.after:
        found.append(Fault(index, leaf.lane, Wrong.UNCONNECTED))
    if mac(leaf.lane, leaf.upto) != leaf.head:
        found.append(Fault(index, leaf.lane, Wrong.TORN))
    return found
