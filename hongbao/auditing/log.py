"""The check of the log: its leaves, hashes and checkpoints, and the lanes that they seal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from hongbao.domain.log.checkpoint import Checkpoint, Malformed
from hongbao.domain.log.leaves import Epoch, Fault, Leaf, Moved, Sealed, Wrong, decode, faults
from hongbao.domain.log.merkle import HASH_BYTES, Edge
from hongbao.domain.log.tiles import WIDTH, Tile, Tiles, tiled
from hongbao.domain.log.witness import Inconsistent, judge
from hongbao.errors import LogAltered

if TYPE_CHECKING:
    from hongbao.auditing.context import Context
    from hongbao.domain.log.leaves import Index
    from hongbao.store import LogStore

Part = tuple[Checkpoint, list[bytes]]
"""What was kept of an epoch: where it ended, and its leaves."""


def parts_of(log: LogStore, head: Checkpoint) -> list[Part]:
    """Return every epoch that *head* leads back to, the oldest first."""
    found: list[Part] = []
    left: Checkpoint | None = head
    while left is not None:
        leaves = list(log.leaves(left.origin.epoch, left.size))
        found.append((left, leaves))
        opening = _read(leaves[0]) if leaves else None
        kept = opening.kept if isinstance(opening, Epoch) else None
        is_earlier = kept is not None and kept.origin.epoch < left.origin.epoch
        left = kept if is_earlier else None
    return found[::-1]


def torn_lanes(log: LogStore, head: Checkpoint, where: str) -> dict[str, Index]:
    """
    Return the last leaf of each lane that no longer has the entry which it was sealed with.

    All leaves are read. Raises LogAltered if they are not those of *head*.
    """
    parts = parts_of(log, head)
    if any(_root(leaves) != end.root for end, leaves in parts):
        raise LogAltered(where=where)
    wrong, _sealed = _faults(log, parts)
    if any(fault.wrong is not Wrong.TORN for fault in wrong):
        raise LogAltered(where=where)
    return {fault.lane: fault.leaf for fault in wrong if fault.lane is not None}


def is_sound(log: LogStore, head: Checkpoint, seal: Callable[[Checkpoint], bytes]) -> bool:
    """Return whether leaves, hashes and checkpoints belong together, up to *head*."""
    return not any(_wrong_hashes(log, seal, parts_of(log, head)))


def _root(leaves: list[bytes]) -> bytes:
    edge = Edge()
    for leaf in leaves:
        edge.append(leaf)
    return edge.root()


def _faults(log: LogStore, parts: list[Part]) -> tuple[list[Fault], dict[str, Sealed]]:
    named = (_read(content) for _end, leaves in parts for content in leaves)
    places = sorted({(leaf.lane, leaf.upto) for leaf in named if isinstance(leaf, Moved)})
    macs = log.macs(places)
    return faults(
        ((end.origin.epoch, leaves) for end, leaves in parts),
        lambda lane, number: macs.get((lane, number)),
    )


def _read(content: bytes) -> Leaf | None:
    try:
        return decode(content)
    except Malformed:
        return None


# --- the check ------------------------------------------------------------------------------------


class _Offered:
    """The log as the ledger offers it, in the words of `hongbao.domain.log.witness.Log`."""

    def __init__(self, log: LogStore) -> None:
        self._log = log

    def nodes(self, checkpoint: Checkpoint) -> Tiles:
        return Tiles(checkpoint.size, partial(self._log.tile, checkpoint.origin.epoch))

    def opening(self, epoch: int) -> bytes:
        return next(iter(self._log.leaves(epoch, 1)), b"")


def check_log(context: Context) -> Iterator[str]:
    """
    Yield what is wrong with the log of a shared ledger.

    Lanes that are torn; leaves, hashes and checkpoints that do not belong together; and what this
    machine has seen, if the newest checkpoint does not continue it.
    """
    log = context.store.log
    if log is None:
        return

    def seal(checkpoint: Checkpoint) -> bytes:
        return context.keys.row_mac(checkpoint.text.encode())

    newest = log.newest()
    if newest is None:
        yield "the newest checkpoint is missing"
        return
    head, found, _acknowledged = newest
    if found != seal(head):
        yield f"{_named(head)}: not sealed by this wallet"
    yield from _refused(context.noted.seen, head, log)
    parts = parts_of(log, head)
    yield from _wrong_hashes(log, seal, parts)
    faulty, sealed = _faults(log, parts)
    for fault in faulty:
        epoch, number = fault.leaf
        if fault.wrong is Wrong.TORN:
            yield f"lane {fault.lane} is torn: it lacks what leaf {epoch}/{number} has sealed"
        else:
            yield f"leaf {epoch}/{number}: {fault.wrong.value}"
    noted = log.sealed_lanes()
    for lane in sorted(sealed.keys() | noted.keys()):
        if sealed.get(lane) != noted.get(lane):
            yield f"lane {lane}: noted as sealed otherwise than its leaf says"


def _refused(seen: Checkpoint | None, head: Checkpoint, log: LogStore) -> Iterator[str]:
    """Yield what this machine has *seen*, if *head* does not continue it."""
    if seen is None:
        yield "what this machine has seen of the log is gone"
        return
    try:
        judge(seen, head, _Offered(log))
    except Inconsistent:
        yield f"{_named(head)}: does not continue {_named(seen)}, which this machine has seen"


def _named(checkpoint: Checkpoint) -> str:
    return f"checkpoint {checkpoint.origin.epoch}/{checkpoint.size}"


def _wrong_hashes(
    log: LogStore, seal: Callable[[Checkpoint], bytes], parts: list[Part]
) -> Iterator[str]:
    """Yield what the leaves do not give: checkpoints, and the hashes of tiles."""
    ends = {end.origin.epoch: end for end, _leaves in parts}
    noted: dict[int, dict[int, tuple[bytes, bytes]]] = {epoch: {} for epoch in ends}
    for epoch, size, root, found in log.checkpoints():
        if epoch in noted:
            noted[epoch][size] = (root, found)
    for end, leaves in parts:
        epoch = end.origin.epoch
        edge, hashes = Edge(), list[list[bytes]]()
        for content in leaves:
            for node in tiled(edge.append(content)):
                if node.level == len(hashes):
                    hashes.append([])
                hashes[node.level].append(node.hash)
            known = noted[epoch].pop(edge.size, None)
            if known is not None:
                made = Checkpoint(end.origin, edge.size, edge.root())
                if known != (made.root, seal(made)):
                    yield f"{_named(made)}: not what its leaves give"
        if edge.root() != end.root:
            yield f"{_named(end)}: not what its leaves give"
        for size in sorted(noted[epoch]):
            if epoch == max(ends) or size <= end.size:
                yield f"checkpoint {epoch}/{size}: behind the newest one"
        yield from _wrong_tiles(log, epoch, hashes)


def _wrong_tiles(log: LogStore, epoch: int, hashes: list[list[bytes]]) -> Iterator[str]:
    for level, expected in enumerate(hashes):
        for number in range(-(-len(expected) // WIDTH)):
            some = expected[number * WIDTH : (number + 1) * WIDTH]
            tile = Tile(level, number, len(some))
            found = log.tile(epoch, tile)
            if len(found) != HASH_BYTES * len(some) or found != b"".join(some):
                yield f"{tile.path} of epoch {epoch}: not the hashes of its leaves"
