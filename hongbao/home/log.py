"""
The log of a shared ledger as this machine knows it: what it has seen, accepts and signs.

Each machine is a witness. It remembers the last checkpoint that it has seen, takes no other that
does not continue it, and acknowledges in the ledger what it has taken, signed by its own key.
"""

from __future__ import annotations

import os
from contextlib import suppress
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from hongbao.domain.chain import state
from hongbao.domain.log.checkpoint import Checkpoint, Key, Origin, signature, signed
from hongbao.domain.log.leaves import Epoch, Restored
from hongbao.domain.log.merkle import Edge
from hongbao.domain.log.sealing import Step, step
from hongbao.domain.log.tiles import Tiles
from hongbao.domain.log.witness import Forked, Inconsistent, RolledBack, Unaccounted, judge
from hongbao.errors import (
    ForeignFile,
    LogAltered,
    LogForked,
    LogRolledBack,
    LogUnaccounted,
    NotShared,
    OutcomeUnknown,
    StorageRefused,
    WitnessLost,
)
from hongbao.store import Again, RuleBroken, WitnessRow
from hongbao.units import from_micros, to_micros
from hongbao.vault import Notes
from hongbao.vault.files import open_private, storage, write_at
from hongbao.vault.primitives import KEY_BYTES, SigningKey
from hongbao.vault.witness import AlreadyWitness, MemoryLost, Offer, Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from hongbao.domain.log.leaves import Leaf, Moved
    from hongbao.env import Env
    from hongbao.store import LogStore, Store
    from hongbao.vault import Vault
    from hongbao.vault.witness import Memory

PURPOSE = "log"
"""What the key is for by which the home signs its checkpoints (see `Vault.sign`)."""

_MACHINE_KEY = "machine-key"
_COMPARED = "compared"
_ACKNOWLEDGING = 3
"""How often a word of this machine is begun; the next look says it again."""

_ERRORS: dict[type[Inconsistent], type[LogRolledBack | LogForked | LogUnaccounted]] = {
    RolledBack: LogRolledBack,
    Forked: LogForked,
    Unaccounted: LogUnaccounted,
}


class _NoLog(Exception):
    """The ledger has no log, or none any more."""


class MachineLog:
    """The log of *store*, as the machine sees it whose home *env* names."""

    def __init__(self, env: Env, vault: Vault, store: Store) -> None:
        if store.log is None:
            raise NotShared
        self.store = store
        self.log: LogStore = store.log
        self.vault = vault
        self.witness = Witness(env.keys, vault)
        self.is_whole = False
        """Whether the last step here has sealed all that had moved."""
        self._notes = Notes(env.keys, vault)
        self._now: Callable[[], datetime] = env.now

    @property
    def name(self) -> str:
        """The log's name: that of the home's master key, which all its machines have."""
        return self.vault.fingerprint

    def first(self) -> Step:
        """Return the step that begins the log; it is always the same."""
        return step(Origin(self.name, 1), Edge(), [Epoch(1, None, (), ())])

    def seal(self, checkpoint: Checkpoint) -> bytes:
        """Return the seal of a checkpoint's row, which only who has the home's keys can make."""
        return self.vault.row_mac(checkpoint.text.encode())

    # --- the witness -----------------------------------------------------------------------------

    def begin(self, seen: Checkpoint | None = None) -> None:
        """Let this machine be a witness, who has *seen* that; without it, the log's beginning."""
        with suppress(AlreadyWitness):  # it was cut off before, and has the memory of then
            self.witness.begin(self.first().checkpoint if seen is None else seen)

    def begin_again(self) -> Checkpoint:
        """Retire the witness, whose memory is lost, and begin another with what the ledger has."""
        newest = self.newest()
        self.witness.retire()
        self.witness.begin(newest)
        return self.look()

    def memory(self) -> Memory:
        """Return what this machine remembers. Raises WitnessLost."""
        try:
            return self.witness.memory()
        except MemoryLost:
            raise WitnessLost from None

    def look(self) -> Checkpoint:
        """
        Take the ledger's newest checkpoint, if it continues what was seen, and acknowledge it.

        It is one causal read where there is nothing new. Raises LogRolledBack, LogForked,
        LogUnaccounted, LogAltered or WitnessLost; then it is remembered as before.
        """
        try:
            return self._look()
        except _NoLog:
            seen = self.memory().seen
            if seen != self.first().checkpoint:
                raise self._in_words(RolledBack(seen, seen._replace(size=0))) from None
        self.start()  # a home that was made just now
        return self._look()

    def _look(self) -> Checkpoint:
        noted: list[Offer] = []

        def ask(name: str) -> Offer:
            noted[:] = [self._asked(name)]
            return noted[0]

        try:
            memory = self.witness.look(ask, partial(judge, log=self))
        except Inconsistent as refused:
            raise self._in_words(refused) from None
        except MemoryLost:
            self._check_word()
            raise WitnessLost from None
        seen = memory.seen
        if noted[0].acknowledged != (seen.origin.epoch, seen.size):
            self._acknowledge(memory)
        return seen

    def newest(self) -> Checkpoint:
        """
        Return the ledger's newest checkpoint as a sealer wrote it, be it consistent or not.

        Raises LogAltered.
        """
        try:
            return self._asked("").checkpoint
        except _NoLog:
            raise LogAltered(where=self.store.where) from None

    def start(self) -> None:
        """Begin the log, unless another machine has."""
        begun = self.first()
        try:
            with self.store.transaction():
                self.log.append(None, begun, self.seal(begun.checkpoint))
        except (Again, OutcomeUnknown):
            if self.log.newest() is None:
                raise
        except RuleBroken:
            raise LogAltered(where=self.store.where) from None

    def begin_with(
        self,
        entry: int,
        mac: bytes,
        lanes: Iterable[Sequence[Moved]],
        do: Callable[[Callable[[], object]], None],
    ) -> None:
        """
        Begin the log of a ledger that a backup has come into, which ended with *entry* and its MAC.

        It begins as every log does, and then has an epoch that abandons what this machine has
        seen of another one, says what has come, and seals all *lanes*. Each of its steps is given
        to *do*, which takes care of the transaction.
        """
        seen, first = self._seen_before(), self.first()
        do(lambda: self.log.append(None, first, self.seal(first.checkpoint)))
        origin = Origin(self.name, seen.origin.epoch + 1)
        abandoned = () if seen == first.checkpoint else (seen,)
        opening: list[Leaf] = [
            Epoch(origin.epoch, first.checkpoint, abandoned, ()),
            Restored(entry, mac),
        ]
        before, edge = first.checkpoint, Edge()
        for leaves in chain([opening], lanes):
            decided = step(origin, edge, leaves)
            seal = self.seal(decided.checkpoint)
            do(partial(self.log.append, before, decided, seal))
            before = decided.checkpoint

    def _seen_before(self) -> Checkpoint:
        """Return what this machine has seen of a log of these keys; its beginning if of none."""
        self.begin()
        try:
            seen = self.memory().seen
        except WitnessLost:
            seen = None
        if seen is None or seen.origin.log != self.name:
            self.witness.retire()
            self.begin()
            return self.first().checkpoint
        return seen

    def _asked(self, name: str) -> Offer:
        found = self.log.newest(name)
        if found is None:
            raise _NoLog
        checkpoint, seal, acknowledged = found
        if seal != self.seal(checkpoint) or checkpoint.origin.log != self.name:
            raise LogAltered(where=self.store.where)
        return Offer(checkpoint, acknowledged)

    def judge(self, seen: Checkpoint, offered: Checkpoint) -> None:
        """Raise what is to be said against *offered* after *seen*, in words."""
        try:
            judge(seen, offered, self)
        except Inconsistent as refused:
            raise self._in_words(refused) from None

    def is_kept(self, seen: Checkpoint, offered: Checkpoint) -> bool:
        """Return whether *offered* continues what was *seen*, or says that it is abandoned."""
        try:
            judge(seen, offered, self)
        except Inconsistent:
            return False
        return True

    def _in_words(self, refused: Inconsistent) -> LogRolledBack | LogForked | LogUnaccounted:
        seen, offered = refused.seen, refused.offered
        return _ERRORS[type(refused)](
            where=self.store.where,
            epoch=offered.origin.epoch,
            size=offered.size,
            seen_epoch=seen.origin.epoch,
            seen_size=seen.size,
        )

    # --- what the ledger offers, in the words of `hongbao.domain.log.witness.Log` -----------------

    def nodes(self, checkpoint: Checkpoint) -> Tiles:
        return Tiles(checkpoint.size, partial(self.log.tile, checkpoint.origin.epoch))

    def opening(self, epoch: int) -> bytes:
        return next(iter(self.log.leaves(epoch, 1)), b"")

    # --- what this machine says ------------------------------------------------------------------

    def key_of(self, origin: Origin) -> Key:
        """Return the key by which the home signs the checkpoints of *origin*."""
        return Key(str(origin), self.vault.public_key(PURPOSE))

    def machine_key(self, witness: str, public: bytes) -> Key:
        """Return the key of the machine whose *witness* that is."""
        return Key(f"hongbao/{self.name}/machine/{witness}", public)

    def note(self, memory: Memory) -> tuple[bytes, bytes]:
        """
        Return what was seen as a note that the home and this machine have signed, and its key.

        Only what the witness has accepted is signed, and only after it is on this machine's disk.
        """
        own = self._machine_key()
        key = self.machine_key(memory.name, own.public)
        note = self.home_note(memory.seen) + signature(memory.seen.text, key, own.sign)
        return note, own.public

    def home_note(self, checkpoint: Checkpoint) -> bytes:
        """Return a checkpoint that was accepted as a note that the home alone has signed."""
        sign = partial(self.vault.sign, PURPOSE)
        return signed(checkpoint.text, self.key_of(checkpoint.origin), sign)

    def seal_word(self, row: WitnessRow) -> bytes:
        """Return the seal of what a witness has acknowledged."""
        said = (row.epoch, row.size, row.note, row.public)
        return self.vault.row_mac(state("witness", row.name, said))

    def _acknowledge(self, memory: Memory) -> None:
        note, public = self.note(memory)
        epoch, size = memory.seen.origin.epoch, memory.seen.size
        row = WitnessRow(memory.name, epoch, size, note, public, b"", self._now())
        row = row._replace(seal=self.seal_word(row))
        for _ in range(_ACKNOWLEDGING):
            try:
                with self.store.transaction():
                    self.log.acknowledge(row)
            except (Again, OutcomeUnknown):
                continue
            return

    def seen_elsewhere(self) -> tuple[int, int]:
        """Return the epoch and size that another machine has seen; this one's if it is alone."""
        name, seen = self.memory()
        rows = [row for row in self.log.witnesses() if row.seal == self.seal_word(row)]
        others = [(row.epoch, row.size) for row in rows if row.name != name]
        return max(others, default=(seen.origin.epoch, seen.size))

    # --- how far it was compared -----------------------------------------------------------------

    def compared(self) -> datetime | None:
        """Return when this machine last compared lanes with what is sealed; None if never."""
        try:
            return from_micros(int(self._notes.read(_COMPARED) or b""))
        except ValueError:
            return None

    def note_compared(self, at: datetime) -> None:
        """
        Note that lanes were compared *at* that moment, and not before.

        It is not waited for, and what is lost costs one comparison of all lanes.
        """
        path = self._notes.path(_COMPARED)
        with suppress(StorageRefused, ForeignFile), storage(path):
            descriptor = open_private(path)
            try:
                write_at(descriptor, b"%020d\n" % to_micros(at), 0)
            finally:
                os.close(descriptor)

    def _check_word(self) -> None:
        """Raise LogAltered if someone else has written the word of this witness."""
        row = self.log.acknowledged(self.memory().name)
        if row is not None and row.seal != self.seal_word(row):
            raise LogAltered(where=self.store.where)

    def _machine_key(self) -> SigningKey:
        """Return the key that only this machine has, made when it is first asked for."""
        with self._notes.guarded(_MACHINE_KEY):
            lines = self._notes.sealed_lines(_MACHINE_KEY)
            if not lines:
                lines = [self.vault.random(KEY_BYTES)]
                self._notes.write_sealed(_MACHINE_KEY, lines)
        return SigningKey(lines[-1])
