"""
A model of lanes, their log and its witnesses: dicts in place of a cluster's tables.

What is pure is the wallet's own: hashes, tiles, leaves, steps of the sealer, judging, notes, and
the witness with its file. What an engine will do is as plain as can be: a transaction is a set of
rows with what was read of them, and it is done as a whole if they are still so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from hongbao.domain.chain import Act, canonical, digest
from hongbao.domain.log.checkpoint import (
    Checkpoint,
    Key,
    Origin,
    opened,
    parse_checkpoint,
    signature,
    signed,
)
from hongbao.domain.log.leaves import UNSEALED, Epoch, Moved, Sealed, Wrong, decode, faults
from hongbao.domain.log.merkle import Edge, inclusion_proof, is_included
from hongbao.domain.log.sealing import Lane, LaneTorn, Step, moved, step
from hongbao.domain.log.tiles import Tile, Tiles
from hongbao.domain.log.witness import Inconsistent, judge
from hongbao.vault import Vault
from hongbao.vault.primitives import SigningKey, signature_fits
from hongbao.vault.witness import Offer, Witness

PLATFORM = "0123456789abcdef"
FIRST_MAC = bytes(32)


class Again(Exception):
    """Another transaction was first: nothing was written, and it may be begun again."""


class Unknown(Exception):
    """COMMIT was not answered."""


class Outcome(Enum):
    ANSWERED = auto()
    UNANSWERED = auto()  # done, and nobody was told
    UNDONE = auto()  # not done, and nobody was told


class Write(NamedTuple):
    """One row: as it was read, and as it is to be; None where there is none."""

    table: str
    key: object
    before: Any
    after: Any


class Database:
    def __init__(self) -> None:
        self.tables: defaultdict[str, dict[Any, Any]] = defaultdict(dict)
        self.done: list[list[Write]] = []

    def commit(self, writes: list[Write], outcome: Outcome = Outcome.ANSWERED) -> None:
        """Conditional updates and unique keys, each with one row affected, or nothing at all."""
        if outcome is Outcome.UNDONE:
            raise Unknown
        if any(self.tables[table].get(key) != before for table, key, before, _ in writes):
            raise Again
        for table, key, _before, after in writes:
            self.tables[table][key] = after
        self.done.append(writes)
        if outcome is Outcome.UNANSWERED:
            raise Unknown

    def _undo(self, writes: list[Write]) -> None:
        for table, key, before, _after in reversed(writes):
            if before is None:
                del self.tables[table][key]
            else:
                self.tables[table][key] = before

    def roll_back(self, count: int) -> None:
        """Be as it was *count* transactions ago."""
        for _ in range(min(count, len(self.done))):
            self._undo(self.done.pop())

    def lose(self, place: int) -> bool:
        """
        Lose one commit, as a cluster may; return whether that can be.

        No later one can have been built on its rows.
        """
        writes = self.done[place]
        rows = {(write.table, write.key) for write in writes}
        later = (write for other in self.done[place + 1 :] for write in other)
        if any((write.table, write.key) in rows for write in later):
            return False
        self._undo(self.done.pop(place))
        return True


class Place(NamedTuple):
    """Where an act is in a lane, and the MAC of its entry there."""

    lane: str
    number: int
    mac: bytes


class Store:
    """The verbs of an engine, over rows; those of the log are in the decision about lanes."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database = database
        self.vault = vault

    def _rows(self, table: str) -> dict[Any, Any]:
        return self.database.tables[table]

    # --- acts ------------------------------------------------------------------------------------

    def request(self, request: str) -> tuple[bytes, tuple[Place, ...]] | None:
        return self._rows("request").get(request)

    def counter(self, device: str) -> int:
        counter: int = self._rows("device").get(device, 0)
        return counter

    def act(
        self, device: str, counter: int, request: str, lanes: Iterable[str]
    ) -> tuple[list[Write], tuple[Place, ...]]:
        """Return what an act writes, and where it will be: at the end of each of its lanes."""
        used = self._rows("device").get(device)
        assert counter > (used or 0), "a device's counter is never accepted twice"
        at = {lane: self._rows("lane").get(lane) or (0, FIRST_MAC) for lane in sorted(lanes)}
        names = [part for lane, (upto, _head) in at.items() for part in (lane, upto + 1)]
        content = canonical([Act([request, device, counter, *names])])
        places = tuple(
            Place(lane, upto + 1, self.vault.chain_mac(head, content))
            for lane, (upto, head) in at.items()
        )
        said = digest("act", {"lanes": [*at]})
        writes = [
            Write("request", request, None, (said, places)),
            Write("device", device, used, counter),
        ]
        for place in places:
            row = self._rows("lane").get(place.lane)
            writes += [
                Write("lane", place.lane, row, (place.number, place.mac)),
                Write("entry", place[:2], None, (content, place.mac)),
            ]
        return writes, places

    def mac(self, lane: str, number: int) -> bytes | None:
        entry = self._rows("entry").get((lane, number))
        return None if entry is None else entry[1]

    def content(self, lane: str, number: int) -> bytes | None:
        entry = self._rows("entry").get((lane, number))
        return None if entry is None else entry[0]

    # --- the log ---------------------------------------------------------------------------------

    def newest(self) -> tuple[Checkpoint, bytes] | None:
        """Return the newest checkpoint of the newest epoch, and its seal."""
        if not self._rows("log"):
            return None
        checkpoint, seal, _is_closed = self._rows("log")[max(self._rows("log"))]
        return checkpoint, seal

    def lanes_moved(self, count: int | None = None) -> list[Lane]:
        """Return at most *count* of the lanes that are not as they are sealed."""
        found = []
        for name, (upto, head) in sorted(self._rows("lane").items()):
            sealed = self._rows("sealed").get(name, UNSEALED)
            still = self.mac(name, sealed.upto)
            if (upto, head) != (sealed.upto, sealed.head):
                found.append(Lane(name, upto, head, sealed, still))
        lanes = self._rows("lane")
        gone = [  # a lane whose row is gone altogether
            Lane(name, 0, FIRST_MAC, sealed, None)
            for name, sealed in sorted(self._rows("sealed").items())
            if name not in lanes and sealed != UNSEALED
        ]
        return (gone + found)[:count]

    def unsealed(self, name: str) -> Lane:
        """Return a lane as if none of it were sealed."""
        upto, head = self._rows("lane").get(name, (0, FIRST_MAC))
        return Lane(name, upto, head, UNSEALED, None)

    def forget(self, lanes: Iterable[str]) -> list[Write]:
        """Return what makes lanes unsealed of which nothing is left to be sealed."""
        return [
            Write("sealed", lane, self._rows("sealed").get(lane), UNSEALED)
            for lane in sorted(lanes)
        ]

    def tile(self, epoch: int, tile: Tile) -> bytes:
        places = range(tile.first, tile.first + tile.width)
        rows = self._rows("tiled")
        return b"".join(rows.get((epoch, tile.level, place), b"") for place in places)

    def leaves(self, epoch: int, size: int) -> list[bytes]:
        rows = self._rows("leaf")
        return [rows.get((epoch, index), b"") for index in range(size)]

    def append(self, before: Checkpoint | None, step: Step, seal: bytes) -> list[Write]:
        """
        Return what a step writes: only where *before* is still the newest checkpoint.

        A step in another epoch closes the one before.
        """
        origin, epoch = step.checkpoint.origin, step.checkpoint.origin.epoch
        writes = []
        if before is None or before.origin != origin:
            writes.append(Write("log", epoch, None, (step.checkpoint, seal, False)))
        if before is not None:
            old_seal = self.seal(before)
            goes_on = before.origin == origin
            after = (step.checkpoint, seal, False) if goes_on else (before, old_seal, True)
            writes.append(Write("log", before.origin.epoch, (before, old_seal, False), after))
        writes.append(Write("checkpoint", (epoch, step.checkpoint.size), None, step.checkpoint))
        for level, place, found in step.tiled:
            writes.append(Write("tiled", (epoch, level, place), None, found))
        for index, content in enumerate(step.leaves, step.first):
            writes.append(Write("leaf", (epoch, index), None, content))
            leaf = decode(content)
            if isinstance(leaf, Moved):
                row = self._rows("sealed").get(leaf.lane)
                sealed = Sealed(leaf.upto, leaf.head, (epoch, index))
                writes.append(Write("sealed", leaf.lane, row, sealed))
        return writes

    def seal(self, checkpoint: Checkpoint) -> bytes:
        """The seal of a checkpoint's row: only who has the platform's keys can make one."""
        return self.vault.row_mac(checkpoint.text.encode())

    def parts(self, checkpoint: Checkpoint) -> list[tuple[int, list[bytes]]]:
        """Return the leaves of each epoch that *checkpoint* leads back to, the oldest first."""
        found = []
        head: Checkpoint | None = checkpoint
        while head is not None:
            leaves = self.leaves(head.origin.epoch, head.size)
            found.append((head.origin.epoch, leaves))
            opening = decode(leaves[0])
            assert isinstance(opening, Epoch)
            head = opening.kept
        return found[::-1]

    def nodes(self, checkpoint: Checkpoint) -> Tiles:
        return Tiles(checkpoint.size, partial(self.tile, checkpoint.origin.epoch))

    def opening(self, epoch: int) -> bytes:
        leaf: bytes = self._rows("leaf").get((epoch, 0), b"")
        return leaf

    def acknowledged(self, witness: str) -> tuple[int, int, bytes] | None:
        return self._rows("witness").get(witness)

    def acknowledge(self, witness: str, checkpoint: Checkpoint, note: bytes) -> None:
        row = self.acknowledged(witness)
        after = checkpoint.origin.epoch, checkpoint.size, note
        if row != after:
            self.database.commit([Write("witness", witness, row, after)])


class Machine:
    """One joined machine: the platform's keys, a key of its own, a witness, and a sealer."""

    def __init__(self, name: str, site: str, folder: Path, store: Store) -> None:
        self.name = name
        self.site = site
        self.store = store
        self.key = SigningKey(name.encode().ljust(32))
        self.witness = Witness(folder, store.vault)
        self.signed: list[tuple[Checkpoint, bytes]] = []
        self.pending: list[Write] | None = None
        self.torn: list[str] = []

    @property
    def public(self) -> Key:
        return Key(f"hongbao/{PLATFORM}/machine/{self.name}", self.key.public)

    @property
    def seen(self) -> Checkpoint:
        return self.witness.memory().seen

    def join(self) -> None:
        found = self.store.newest()
        assert found is not None
        self.witness.begin(found[0])

    def look(self) -> Checkpoint:
        """Take the newest checkpoint, if it continues what was seen; then, and only then, sign."""
        memory = self.witness.look(self._ask, partial(judge, log=self.store))
        note = self._note(memory.seen)
        self.signed.append((memory.seen, note))
        self.store.acknowledge(memory.name, memory.seen, note)
        return memory.seen

    def _ask(self, name: str) -> Offer:
        found = self.store.newest()
        assert found is not None
        checkpoint, seal = found
        assert seal == self.store.seal(checkpoint), "the row is not one that a sealer wrote"
        noted = self.store.acknowledged(name)
        return Offer(checkpoint, None if noted is None else noted[:2])

    def _note(self, checkpoint: Checkpoint) -> bytes:
        vault = self.store.vault
        log = Key(str(checkpoint.origin), vault.public_key("log"))
        note = signed(checkpoint.text, log, partial(vault.sign, "log"))
        return note + signature(checkpoint.text, self.public, self.key.sign)

    # --- sealing ---------------------------------------------------------------------------------

    def begin_seal(self, count: int) -> None:
        """Decide a step on what a transaction reads. Raises Inconsistent, by its own witness."""
        self.pending = None  # a step is one transaction: none is left over from before
        before = self.look()
        leaves = []
        self.torn = []
        for lane in self.store.lanes_moved(count):
            try:
                leaves.append(moved(lane))
            except LaneTorn as torn:
                self.torn.append(torn.lane.name)
        if leaves:
            edge = Edge.of(before.size, self.store.nodes(before))
            decided = step(before.origin, edge, leaves)
            self.pending = self.store.append(before, decided, self.store.seal(decided.checkpoint))

    def commit_seal(self, outcome: Outcome) -> None:
        pending, self.pending = self.pending, None
        assert pending is not None
        self.store.database.commit(pending, outcome)

    def open_epoch(self, heads: Iterable[Checkpoint]) -> Epoch:
        """
        Open another epoch, which accounts for all *heads*, and for each lane that is torn.

        The same step seals every lane that is not sealed up to its end.
        """
        newest = self.store.newest()
        assert newest is not None
        kept = newest[0]
        abandoned = tuple(sorted({head for head in heads if not self._is_kept(head, kept)}))
        known = [head.origin.epoch for head in (kept, *abandoned)]
        lanes = torn(self.store, kept)
        epoch = Epoch(max(known) + 1, kept, abandoned, tuple(sorted(lanes.values())))
        # An act that is safe by an abandoned head may still be there, and now nothing seals it.
        others = [lane for lane in self.store.lanes_moved() if lane.name not in lanes]
        begun = [lane for lane in map(self.store.unsealed, sorted(lanes)) if lane.upto]
        again = [moved(lane) for lane in (*begun, *others)]
        decided = step(Origin(PLATFORM, epoch.number), Edge(), [epoch, *again])
        seal = self.store.seal(decided.checkpoint)
        forgotten = set(lanes) - {leaf.lane for leaf in again}
        self.store.database.commit(
            self.store.append(kept, decided, seal) + self.store.forget(forgotten)
        )
        return epoch

    def _is_kept(self, head: Checkpoint, kept: Checkpoint) -> bool:
        try:
            judge(head, kept, self.store)
        except Inconsistent:
            return False
        return True


def found(store: Database, kind: type[Store] = Store) -> Store:
    """Return the store, of a *kind*, of a new platform, whose log has its first leaf."""
    platform = kind(store, Vault(bytes(range(32)), 1))
    decided = step(Origin(PLATFORM, 1), Edge(), [Epoch(1, None, (), ())])
    store.commit(platform.append(None, decided, platform.seal(decided.checkpoint)))
    return platform


def torn(store: Store, checkpoint: Checkpoint) -> dict[str, tuple[int, int]]:
    """Return the last leaf of each lane that no longer has what it says. All leaves are read."""
    wrong, _sealed = faults(store.parts(checkpoint), store.mac)
    assert {Wrong.TORN} >= {fault.wrong for fault in wrong}, wrong
    return {fault.lane: fault.leaf for fault in wrong if fault.lane is not None}


class Kept(NamedTuple):
    """An act that a device keeps: what it asked for, under which counter, and what it was told."""

    request: str
    lanes: tuple[str, ...]
    counter: int
    places: tuple[Place, ...] | None  # None: nobody has told


class Device:
    """
    A device with a counter of its own, which keeps its acts until they are safe.

    They are once a machine of another site has signed a checkpoint that covers them.
    """

    def __init__(self, name: str, machine: Machine) -> None:
        self.name = name
        self.machine = machine
        self.store = machine.store
        self.counter = 0
        self.acknowledged = 0
        self.kept: dict[str, Kept] = {}
        self.safe: dict[str, tuple[Place, ...]] = {}

    def is_short(self) -> bool:
        """Whether an act that was acknowledged is gone, by the counters alone."""
        return self.store.counter(self.name) < self.acknowledged

    def act(self, request: str, lanes: Iterable[str], outcome: Outcome) -> None:
        """Ask for an act, after those that are gone: its counter would hide that they are."""
        if self.is_short():
            self.present_again()
        self._ask(Kept(request, tuple(sorted(lanes)), 0, None), outcome)

    def _ask(self, kept: Kept, outcome: Outcome = Outcome.ANSWERED) -> None:
        known = self.store.request(kept.request)
        if known is not None:
            said, places = known
            assert said == digest("act", {"lanes": list(kept.lanes)})
        else:
            self.counter += 1
            kept = kept._replace(counter=self.counter)
            self.kept[kept.request] = kept
            writes, places = self.store.act(self.name, kept.counter, kept.request, kept.lanes)
            self.store.database.commit(writes, outcome)
        self.kept[kept.request] = kept._replace(places=places)
        self.acknowledged = max(self.acknowledged, kept.counter)

    def present_again(self) -> None:
        """Ask for everything that is kept, under its own request id, in the order it was done."""
        for kept in sorted(self.kept.values(), key=lambda kept: kept.counter):
            self._ask(kept)
        self.acknowledged = self.store.counter(self.name)

    def let_go(self, others: Iterable[Machine]) -> None:
        """Keep no act that is safe by what machines of other sites have signed."""
        seen = self.machine.look()
        for other in others:
            if other.site == self.machine.site:
                continue
            row = self.store.acknowledged(other.witness.memory().name)
            if row is None:
                continue
            text, _signers = opened(row[2], [other.public], signature_fits)
            witnessed = parse_checkpoint(text)
            if witnessed.origin != seen.origin:
                continue
            judge(witnessed, seen, self.store)
            for kept in list(self.kept.values()):
                known = self.store.request(kept.request)
                if known is None or known[1] != kept.places:
                    continue
                if all(self._covers(witnessed, place) for place in known[1]):
                    self.safe[kept.request] = known[1]
                    del self.kept[kept.request]

    def _covers(self, checkpoint: Checkpoint, place: Place) -> bool:
        """
        Whether a leaf up to *checkpoint* seals an entry that follows from the one at *place*.

        It may be of an epoch before, as far as that was kept, unless the lane was named torn since.
        """
        head: Checkpoint | None = checkpoint
        while head is not None:
            leaves = self.store.leaves(head.origin.epoch, head.size)
            for index, content in enumerate(leaves):
                leaf = decode(content)
                if not isinstance(leaf, Moved) or leaf.lane != place.lane:
                    continue
                if leaf.after < place.number <= leaf.upto:
                    self._prove(content, index, head)
                    return leaf.head == self._followed(place, leaf.upto)
            opening = decode(leaves[0])
            assert isinstance(opening, Epoch)
            self._prove(leaves[0], 0, head)
            if place.lane in {self._lane(index) for index in opening.torn}:
                return False
            head = opening.kept
        return False

    def _prove(self, leaf: bytes, index: int, head: Checkpoint) -> None:
        proof = inclusion_proof(index, head.size, self.store.nodes(head))
        assert is_included(leaf, index, head.size, head.root, proof)

    def _lane(self, index: tuple[int, int]) -> str:
        leaf = decode(self.store.leaves(index[0], index[1] + 1)[index[1]])
        assert isinstance(leaf, Moved)
        return leaf.lane

    def _followed(self, place: Place, upto: int) -> bytes | None:
        """Return the MAC of entry *upto*, made from the one at *place* on."""
        mac = place.mac
        for number in range(place.number + 1, upto + 1):
            content = self.store.content(place.lane, number)
            if content is None:
                return None
            mac = self.store.vault.chain_mac(mac, content)
        return mac
