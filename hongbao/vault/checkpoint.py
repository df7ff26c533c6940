"""The note of the last whole check: sealed, next to the keys, and replaced whole."""

import zlib
from pathlib import Path

from hongbao import errors
from hongbao.vault import files
from hongbao.vault.vault import Vault

SIZE_MAX = 64 << 20
"""More than the note of a hundred thousand people takes; a larger one is not written."""

_BEGINNING = b"hongbao checkpoint 1 "
_DIGITS_MAX = 10


class CheckpointFile:
    """
    One file, ``keys/checkpoint``: the generation of its keys in clear, and what they have sealed.

    It is under AES-256-GCM, so an altered note, or another home's, opens as little as one of keys
    that are gone. A new one is on the disk as a whole before it takes the old one's name: killed
    anywhere, there is the one or the other. *folder* is the home's ``keys/``.
    """

    __slots__ = ("_folder", "_path", "_vault")

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder
        self._path = folder / "checkpoint"
        self._vault = vault

    def generation(self) -> int | None:
        """Return the generation of the keys that the note is sealed by; None without a note."""
        content = self._content()
        if content is None:
            return None
        number = content.partition(b"\n")[0].removeprefix(_BEGINNING)
        if not (
            content.startswith(_BEGINNING) and number.isdigit() and len(number) < len("1" * 10)
        ):
            raise errors.Damaged(path=str(self._path))
        return int(number)

    def read(self) -> bytes:
        """Return what was noted. Raises Damaged if it is not what these keys have sealed."""
        content = self._content() or b""
        try:
            return zlib.decompress(self._vault.open_checkpoint(content.partition(b"\n")[2]))
        except (errors.Damaged, zlib.error):
            raise errors.Damaged(path=str(self._path)) from None

    def write(self, content: bytes) -> bool:
        """
        Note *content* in the place of what was noted, and return whether that was possible.

        It is not where the folder cannot be written, or another process is writing its own: no
        check fails for it, the next one proves more.
        """
        sealed = self._vault.seal_checkpoint(zlib.compress(content))
        beginning = _BEGINNING + b"%d\n" % self._vault.generation
        if len(beginning) + len(sealed) > SIZE_MAX:
            return False
        guard = files.Guard(self._folder / ".checkpoint")
        try:
            guard.take(wait=False)
            try:
                files.replace(self._path, beginning + sealed)
            finally:
                guard.release()
        except (errors.Busy, errors.StorageRefused, errors.ForeignFile):
            return False
        return True

    def _content(self) -> bytes | None:
        try:
            return files.read(self._path, size_max=SIZE_MAX)
        except FileNotFoundError:
            return None
