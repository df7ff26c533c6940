"""Notes: small files next to the ledger that are no part of it, sealed where they are private."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hongbao.vault import files, primitives
from hongbao.vault.primitives import NONCE_BYTES
from hongbao.vault.vault import Vault

_TAIL_BYTES = 16 * 1024
"""How much of a note is read first where its last line is looked for."""


class Notes:
    """
    A folder of notes: cursors, the secrets of webhooks, what was delivered.

    What is sealed is encrypted with a key that comes from the vault's signing secret, which
    outlives a rekey, and for the name of its note: moved to another, it does not open. An older
    note that is put back does open. So nothing stands here that money depends on.

    A note is replaced whole, or grows by whole lines; a line that a power cut has torn is left out.
    """

    __slots__ = ("_folder", "_vault")

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault

    def __repr__(self) -> str:
        return f"Notes({str(self._folder)!r})"

    def use_keys_of(self, vault: Vault) -> None:
        """Seal with the keys of *vault* from now on: the home has got new ones."""
        self._vault = vault

    @contextmanager
    def guarded(self, name: str, *, wait: bool = True) -> Iterator[None]:
        """
        Keep other processes from changing the note called *name* for a while.

        Raises Busy, at once unless it may *wait*.
        """
        files.make_folder(self._folder)
        guard = files.Guard(self._folder / f".{name}")
        guard.take(wait=wait)
        try:
            yield
        finally:
            guard.release()

    def read(self, name: str, *, last: int | None = None) -> bytes | None:
        """
        Return the note called *name*, or its *last* bytes; None where there is none.

        Raises StorageUnreadable and ForeignFile.
        """
        try:
            return files.read(self._folder / name, last=last)
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Put *content* in the place of the note called *name*, durably and whole."""
        files.make_folder(self._folder)
        files.replace(self._folder / name, content)

    def remove(self, name: str) -> None:
        """Remove the note called *name*, if there is one."""
        files.discard(self._folder / name)

    def path(self, name: str) -> Path:
        """Return where the note called *name* is."""
        return self._folder / name

    def names(self, pattern: str) -> list[str]:
        """Return the names of the notes that fit *pattern*, sorted."""
        return sorted(path.name for path in self._folder.glob(pattern))

    # --- sealed ----------------------------------------------------------------------------------

    def sealed_lines(self, name: str) -> list[bytes]:
        """
        Return the lines that were sealed into the note called *name*, the oldest first.

        What does not open is left out: it was torn, or is not ours.
        """
        content = self.read(name) or b""
        found = (self._unsealed(name, line) for line in content.split(b"\n")[:-1])
        return [line for line in found if line is not None]

    def last_sealed(self, name: str) -> bytes | None:
        """Return the last line that was sealed into the note called *name*, if there is one."""
        for most in (_TAIL_BYTES, None):
            content = self.read(name, last=most) or b""
            *lines, _behind = content.split(b"\n")
            for line in reversed(lines):
                found = self._unsealed(name, line)
                if found is not None:
                    return found
            if most is None or len(content) < most:
                return None
        return None

    def write_sealed(self, name: str, lines: list[bytes]) -> None:
        """Put *lines*, sealed one by one, in the place of the note called *name*."""
        self.write(name, self._sealed(name, lines))

    def append_sealed(self, name: str, *lines: bytes, wait: bool) -> int:
        """
        Seal *lines* one by one at the end of the note called *name*, and *wait* for the disk.

        Returns how large the note is now. The caller has `guarded` it.
        """
        files.make_folder(self._folder)
        path = self._folder / name
        with files.storage(path):
            descriptor = files.open_private(path)
            try:
                size = os.fstat(descriptor).st_size
                torn = size and files.read_at(descriptor, 1, size - 1) != b"\n"
                sealed = (b"\n" if torn else b"") + self._sealed(name, lines)
                files.write_at(descriptor, sealed, size)
                if wait:
                    files.sync(descriptor)
                return size + len(sealed)
            finally:
                os.close(descriptor)

    def _sealed(self, name: str, lines: Iterable[bytes]) -> bytes:
        import base64

        key, about = self._keys()[0], _about(name)
        sealed = []
        for line in lines:
            nonce = self._vault.random(NONCE_BYTES)
            sealed.append(base64.b64encode(nonce + primitives.encrypt(key, nonce, line, about)))
            sealed.append(b"\n")
        return b"".join(sealed)

    def _unsealed(self, name: str, line: bytes) -> bytes | None:
        import base64

        try:
            sealed = base64.b64decode(line, validate=True)
        except ValueError:
            return None
        for key in self._keys():
            try:
                return primitives.decrypt(
                    key, sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _about(name)
                )
            except primitives.NotAuthentic:
                continue
        return None

    def _keys(self) -> list[bytes]:
        """Return the keys that lines may be sealed under, this generation's first."""
        return [
            primitives.subkey(secrets.signing, b"notes")
            for _, secrets in sorted(self._vault.legacy_secrets().items(), reverse=True)
            if secrets.signing
        ]


def _about(name: str) -> bytes:
    return primitives.joined(b"hongbao note", b"1", name.encode())
