"""The count of tries at each PIN, next to the keys, where no copy of the ledger restores it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NoReturn

from hongbao.rows import Row
from hongbao.vault import files, primitives
from hongbao.vault.vault import Vault

_NUMBERS = rb"(\d{20}) (\d{20}) (\d{20}) (\d{20}) "
_LINE_BYTES = 4 * 21 + 64 + 1  # four numbers, the MAC, the end of the line


class Tries(Row):
    """
    The tries at one PIN, ordered so that the later is the greater.

    There were *tried* tries, of which the first *cleared* are forgiven: both grow for ever. *step*
    is the last time step whose code the holder's authenticator was used with, and *locked_until_us*
    is in microseconds, 0 where nothing is locked.
    """

    tried: int = 0
    cleared: int = 0
    step: int = 0
    locked_until_us: int = 0


class TriesFolder:
    """
    ``keys/tries/``: a file for each holder of a PIN, written before a try is judged.

    The ledger counts the same tries, and the greater count is the true one. So neither an older
    ledger nor an older file gives tries back; and where one is gone or was altered, it is unknown
    which counts as every try used up.

    Each file has two lines, written in turn, so that one torn by a power cut leaves the other.
    Their MAC names the holder; its key comes from the vault's signing secret, which outlives a
    rekey.

    Accepted: who puts back an older file together with an older ledger has tries again. They
    can read the keys, then, and search for the PIN without asking us.

    *folder* is the home's ``keys/``.
    """

    __slots__ = ("_folder", "_vault")

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder / "tries"
        self._vault = vault

    def __repr__(self) -> str:
        return f"TriesFolder({str(self._folder)!r})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a count that is sealed by keys is not copied, pickled or sent anywhere")

    def read(self, holder: str) -> Tries | None:
        """Return the tries at *holder*'s PIN; None if they are gone, or not ours."""
        try:
            content = files.read(self._folder / holder)
        except FileNotFoundError:
            return None
        return max(self._whole(holder, content), default=None)

    def start(self, holder: str) -> None:
        """Begin at zero for *holder*, who is new; anything left there was another's."""
        self.set(holder, Tries())

    def set(self, holder: str, tries: Tries) -> None:
        """Say, durably, that *tries* is what was tried, be it more or less than before."""
        files.make_folder(self._folder)
        files.replace(self._folder / holder, self._line(holder, tries) * 2)

    def note(self, holder: str, tries: Tries, *, wait: bool = True) -> None:
        """
        Note *tries*, which are later than those before, and *wait* for the disk.

        The line that is the latest is never the one written over.
        """
        path = self._folder / holder
        try:
            content = files.read(path)
        except FileNotFoundError:
            self.set(holder, tries)
            return
        first, second = (self._parsed(holder, line) or Tries() for line in _lines(content))
        self._write(path, 0 if first < second else 1, self._line(holder, tries), wait=wait)

    def take_back(self, holder: str, tries: Tries) -> None:
        """Put *tries*, the note before the last, back in the last one's place: it needs no room."""
        path = self._folder / holder
        for place, line in enumerate(_lines(files.read(path))):
            if (self._parsed(holder, line) or tries) > tries:
                self._write(path, place, self._line(holder, tries), wait=True)

    def _write(self, path: Path, place: int, line: bytes, *, wait: bool) -> None:
        with files.storage(path):
            descriptor = files.open_private(path)
            try:
                files.write_at(descriptor, line, place * _LINE_BYTES)
                if wait:
                    files.sync(descriptor)
            finally:
                os.close(descriptor)

    # --- lines -----------------------------------------------------------------------------------

    def _whole(self, holder: str, content: bytes) -> list[Tries]:
        parsed = (self._parsed(holder, line) for line in _lines(content))
        return [tries for tries in parsed if tries is not None]

    def _line(self, holder: str, tries: Tries) -> bytes:
        numbers = b"%020d %020d %020d %020d " % tries
        return b"%b%b\n" % (numbers, _mac(self._keys()[0], holder, numbers).hex().encode())

    def _parsed(self, holder: str, line: bytes) -> Tries | None:
        numbers = re.match(_NUMBERS, line)
        if numbers is None:
            return None
        for key in self._keys():
            mac = _mac(key, holder, numbers[0]).hex().encode()
            if line[numbers.end() :] == mac + b"\n":
                return Tries(*map(int, numbers.groups()))
        return None

    def _keys(self) -> list[bytes]:
        """Return the keys that lines may be sealed under, this generation's first."""
        return [
            primitives.subkey(secrets.signing, b"tries")
            for _, secrets in sorted(self._vault.legacy_secrets().items(), reverse=True)
            if secrets.signing
        ]


def _mac(key: bytes, holder: str, numbers: bytes) -> bytes:
    return primitives.mac(key, b"hongbao tries", b"1", holder.encode(), numbers)


def _lines(content: bytes) -> list[bytes]:
    return [content[:_LINE_BYTES], content[_LINE_BYTES : 2 * _LINE_BYTES]]
