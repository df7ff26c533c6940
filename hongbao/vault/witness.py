"""The witness: what this machine remembers of the log, next to its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hongbao import errors
from hongbao.domain.log.checkpoint import Checkpoint, Malformed, parse_checkpoint
from hongbao.rows import Row
from hongbao.vault import files, primitives
from hongbao.vault.primitives import NONCE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hongbao.vault.vault import Vault

_NAME_BYTES = 8


class Memory(Row):
    """Which witness remembers, and the last checkpoint that it has seen."""

    name: str
    seen: Checkpoint


class Offer(Row):
    """
    What the ledger offers a witness: its newest checkpoint, and what it says the witness has seen.

    *acknowledged* is an epoch and a size; None if the ledger has no note of this witness.
    """

    checkpoint: Checkpoint
    acknowledged: tuple[int, int] | None


class MemoryLost(Exception):
    """What this witness had seen is gone, so it cannot tell any more what continues it."""


class AlreadyWitness(Exception):
    """This machine has a memory, and a new one would forget what it has seen."""


class Witness:
    """
    One file, ``keys/witness``: the name of the witness, and the last checkpoint that it has seen.

    What was seen is on the disk before anyone learns that it was accepted: killed anywhere, the
    file has the checkpoint before or this one. Only `begin` makes the file. Where it is gone, does
    not open, or is an older one, as from a backup of the keys, the memory is lost; it is never
    begun again under the same name, because that would call everything consistent. `retire` it, and
    `begin` another one, whose word counts from the checkpoint that it begins with.

    The file is sealed with a key that comes from the vault's signing secret, which outlives a
    rekey. *folder* is the home's ``keys/``.
    """

    __slots__ = ("_guard", "_path", "_vault")

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._path = folder / "witness"
        self._guard = files.Guard(folder / ".witness")
        self._vault = vault

    def begin(self, seen: Checkpoint) -> str:
        """Remember *seen* under a new name, and return the name. Raises AlreadyWitness."""
        name = self._vault.random(_NAME_BYTES).hex()
        with self._guard():
            try:
                self._path.lstat()
            except FileNotFoundError:
                self._remember(Memory(name, seen))
                return name
        raise AlreadyWitness

    def memory(self) -> Memory:
        """Return what is remembered, or raise MemoryLost."""
        try:
            content = files.read(self._path)
        except FileNotFoundError:
            raise MemoryLost from None
        name, _line, text = self._unsealed(content).decode().partition("\n")
        try:
            return Memory(name, parse_checkpoint(text))
        except Malformed:
            raise errors.Damaged(path=str(self._path)) from None

    def look(
        self,
        ask: Callable[[str], Offer],
        judge: Callable[[Checkpoint, Checkpoint], None],
    ) -> Memory:
        """
        Ask the ledger for its newest checkpoint, and remember it if it continues what was seen.

        *ask* is given the name of this witness, and *judge* raises what it has against a checkpoint
        after another; then the memory stays as it was. Only one process of this machine takes
        something new at a time, and what it is offered it asks for then: otherwise the slower of
        two would take what the faster one has seen for a loss. Raises MemoryLost, and Busy.
        """
        memory = self.memory()
        offer = ask(memory.name)
        seen = memory.seen
        if offer.checkpoint == seen and offer.acknowledged in (
            None,
            (seen.origin.epoch, seen.size),
        ):
            return memory
        with self._guard():
            memory = self.memory()
            offer = ask(memory.name)
            seen = memory.seen
            if (offer.acknowledged or (0, 0)) > (seen.origin.epoch, seen.size):
                raise MemoryLost
            judge(seen, offer.checkpoint)
            if offer.checkpoint != seen:
                memory = Memory(memory.name, offer.checkpoint)
                self._remember(memory)
            return memory

    def retire(self) -> None:
        """Put what is left of the memory aside, as ``keys/witness.retired``: it is no witness's."""
        with self._guard():
            try:
                files.rename(self._path, self._path.with_name("witness.retired"))
            except errors.StorageRefused:
                if self._path.exists():
                    raise

    def forget(self) -> None:
        """Take the memory away, of a ledger that became another's before it was this machine's."""
        files.discard(self._path)

    def _remember(self, memory: Memory) -> None:
        nonce = self._vault.random(NONCE_BYTES)
        content = f"{memory.name}\n{memory.seen.text}".encode()
        sealed = primitives.encrypt(self._keys()[0], nonce, content, _ABOUT)
        files.replace(self._path, nonce + sealed)

    def _unsealed(self, sealed: bytes) -> bytes:
        for key in self._keys():
            try:
                return primitives.decrypt(key, sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _ABOUT)
            except primitives.NotAuthentic:
                continue
        raise MemoryLost

    def _keys(self) -> list[bytes]:
        """Return the keys that the file may be sealed under, this generation's first."""
        return [
            primitives.subkey(secrets.signing, b"witness")
            for _, secrets in sorted(self._vault.legacy_secrets().items(), reverse=True)
            if secrets.signing
        ]


_ABOUT = primitives.joined(b"hongbao witness", b"1")
