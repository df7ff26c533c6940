"""
Witnesses: whether what the ledger offers continues what a machine has seen of the log before.

Each machine of a home remembers the last checkpoint that it has seen, and takes no other that does
not continue it. So a ledger that was put back to an older state is found, by any machine that has
seen a newer one, and so is a second history of the same length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hongbao.domain.log.checkpoint import Checkpoint, Malformed
from hongbao.domain.log.leaves import Epoch, decode
from hongbao.domain.log.merkle import (
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
)
from hongbao.domain.log.tiles import TileTorn

if TYPE_CHECKING:
    from hongbao.domain.log.merkle import Nodes


class Inconsistent(Exception):
    """What is offered does not continue what was *seen*."""

    def __init__(self, seen: Checkpoint, offered: Checkpoint) -> None:
        super().__init__(f"{offered.text!r} after {seen.text!r}")
        self.seen = seen
        self.offered = offered


class RolledBack(Inconsistent):
    """The log is shorter than it was, or its epoch older: it was put back, or lost commits."""


class Forked(Inconsistent):
    """The log is as long as it was, or longer, and does not have what was seen."""


class Unaccounted(Inconsistent):
    """A later epoch was opened without naming what was seen: an operator has to account for it."""


class Log(Protocol):
    """The log as the ledger offers it; nothing that it returns is trusted."""

    def nodes(self, checkpoint: Checkpoint) -> Nodes:
        """Return the nodes of the tree of *checkpoint*; they may raise TileTorn."""

    def opening(self, epoch: int) -> bytes:
        """Return the first leaf of *epoch*, empty if there is none."""


def judge(seen: Checkpoint, offered: Checkpoint, log: Log) -> None:
    """
    Raise Inconsistent unless *offered* continues what was *seen*, by what *log* can show for it.

    Within an epoch that is a consistency proof. A later epoch is taken where its first leaf, or
    that of one in between, says that the head that was seen is abandoned, or where what it kept of
    the epoch that was seen continues it.
    """
    if seen.origin.log != offered.origin.log:
        raise Forked(seen, offered)
    if seen.origin.epoch > offered.origin.epoch:
        raise RolledBack(seen, offered)
    head = offered
    while head.origin.epoch > seen.origin.epoch:
        opening = _opening(head, log)
        if opening is None:
            raise Forked(seen, offered)
        if seen in opening.abandoned:
            return
        if opening.kept is None:
            raise Unaccounted(seen, offered)
        head = opening.kept
    if head.origin == seen.origin and _continues(seen, head, log):
        return
    if head is not offered:
        raise Unaccounted(seen, offered)
    raise (RolledBack if offered.size < seen.size else Forked)(seen, offered)


def _continues(seen: Checkpoint, head: Checkpoint, log: Log) -> bool:
    try:
        needs_proof = 0 < seen.size < head.size
        nodes = log.nodes(head)
        proof = consistency_proof(seen.size, head.size, nodes) if needs_proof else []
    except TileTorn:
        return False
    return is_consistent(seen.size, seen.root, head.size, head.root, proof)


def _opening(head: Checkpoint, log: Log) -> Epoch | None:
    """Return the first leaf of the epoch of *head*, if it is proven to be that."""
    content = log.opening(head.origin.epoch)
    try:
        leaf = decode(content)
        proof = inclusion_proof(0, head.size, log.nodes(head)) if head.size else []
    except (Malformed, TileTorn):
        return None
    if not isinstance(leaf, Epoch) or not is_included(content, 0, head.size, head.root, proof):
        return None
    is_later = leaf.kept is None or (
        leaf.kept.origin.log == head.origin.log and leaf.kept.origin.epoch < leaf.number
    )
    return leaf if leaf.number == head.origin.epoch and is_later else None
