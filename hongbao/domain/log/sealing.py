"""
Sealing: what one step of the sealer adds to the log.

The sealer reads the log's last checkpoint and the lanes that moved since they were sealed, appends
a leaf for each, and inserts the new checkpoint, all in one transaction. Only what was committed and
read back is signed: a row that two sealers wanted differently is there once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao.domain.log.checkpoint import Checkpoint, Origin
from hongbao.domain.log.leaves import Leaf, Moved, Sealed
from hongbao.domain.log.merkle import Edge, Node
from hongbao.domain.log.tiles import tiled
from hongbao.rows import Row

if TYPE_CHECKING:
    from collections.abc import Sequence


LANES_MAX = 10_000
"""How many lanes a step seals at most; the next one takes those that have waited longest."""


class Lane(Row):
    """
    A lane that is not as it was sealed, as one transaction reads it.

    *still* is the MAC of the entry that it is sealed up to, None where there is none (any more).
    """

    name: str
    upto: int
    head: bytes
    sealed: Sealed
    still: bytes | None


class LaneTorn(Exception):
    """A lane does not continue what was sealed of it: its entries are gone, or others."""

    def __init__(self, lane: Lane) -> None:
        super().__init__(lane.name)
        self.lane = lane


class Step(Row):
    """The rows that a step adds: leaves from *first* on, nodes of tiles, and the checkpoint."""

    first: int
    leaves: tuple[bytes, ...]
    tiled: tuple[Node, ...]
    checkpoint: Checkpoint


def moved(lane: Lane) -> Moved:
    """Return the leaf that seals *lane* as it is now, or raise LaneTorn."""
    if lane.upto <= lane.sealed.upto or lane.still != lane.sealed.head:
        raise LaneTorn(lane)
    return Moved(lane.name, lane.sealed.upto, lane.upto, lane.head, lane.sealed.leaf)


def step(origin: Origin, edge: Edge, leaves: Sequence[Leaf]) -> Step:
    """Append *leaves* at the *edge* of the log of *origin*, and return the rows to be inserted."""
    first = edge.size
    encoded = tuple(leaf.encode() for leaf in leaves)
    nodes = [node for leaf in encoded for node in edge.append(leaf)]
    checkpoint = Checkpoint(origin, edge.size, edge.root())
    return Step(first, encoded, tuple(tiled(nodes)), checkpoint)
