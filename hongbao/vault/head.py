"""The head: the last entry that these keys have seen, noted without waiting for the disk."""

import os
import re
from pathlib import Path

from hongbao import errors
from hongbao.vault import files
from hongbao.vault.primitives import checksum

_BODY_BYTES = 20 + 1 + 64  # entry, space, MAC
_LINE_BYTES = _BODY_BYTES + 1 + 8 + 1  # space, checksum, end of line
_BLANK = b" " * (_LINE_BYTES - 1) + b"\n"

_FIRST_NOTED_MAX = 2
"""The first entry to be noted is the first, or the next where the process that made it died."""


class HeadNote:
    """
    Two lines of fixed length in one file, written in turn, each with its own checksum.

    The newest line is never the one written over, so a note torn by a power cut costs that note
    and leaves the one before. An older note is still a true one: the ledger has been that far.

    The first note waits for the disk. Where it comes late in a ledger's life, an earlier one was
    taken away, and a third line keeps which entry it was, until that is accepted.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._lines = [b"", b""]  # as this process left them, and
        self._noted = [-1, -1]  # the entry that each of them notes

    def prepare(self) -> None:
        """
        Make the file blank, at its full length, so that no later note can find the disk full.

        What stood there belonged to a ledger whose keys are gone.
        """
        files.discard(self._path)
        files.write_new(self._path, _BLANK * 2)

    def write(self, entry: int, mac: bytes) -> None:
        """Note *entry* if it is newer than what is noted; see `KeyFolder.note_head`."""
        line = written_line(entry, mac)
        try:
            if self._descriptor is None:
                self._descriptor = files.open_private(self._path)
            _lock(self._descriptor)
            try:
                content = files.read_at(self._descriptor, 2 * _LINE_BYTES, 0)
                if content != b"".join(self._lines):
                    self._lines = _lines(content)
                    found = map(parse_line, self._lines)
                    self._noted = [-1 if note is None else note[0] for note in found]
                if max(self._noted) < 0 and entry > _FIRST_NOTED_MAX:
                    files.write_at(self._descriptor, line, 2 * _LINE_BYTES)
                if entry > max(self._noted):
                    is_first = max(self._noted) < 0
                    older = self._noted.index(min(self._noted))
                    files.write_at(self._descriptor, line, older * _LINE_BYTES)
                    self._lines[older], self._noted[older] = line, entry
                    if is_first:
                        files.sync(self._descriptor)
            finally:
                _unlock(self._descriptor)
        except (OSError, errors.ForeignFile):
            self.close()

    def read(self) -> tuple[int, bytes] | None:
        """Return the newest note; None if there is none; raise `Damaged` where none is whole."""
        try:
            content = files.read(self._path)
        except FileNotFoundError:
            return None
        lines = _lines(content)
        whole = [found for found in map(parse_line, lines) if found is not None]
        if whole:
            return max(whole)
        if _is_blank_or_begun(content):
            return None
        raise errors.Damaged(path=str(self._path))

    def began_late(self) -> int | None:
        """Return the first entry that was noted where it was not one of the ledger's first."""
        try:
            content = files.read(self._path)
        except FileNotFoundError:
            return None
        noted = parse_line(content[2 * _LINE_BYTES : 3 * _LINE_BYTES])
        return None if noted is None else noted[0]

    def reset(self, entry: int, mac: bytes) -> None:
        """Note *entry*, newer or older, and wait for the disk."""
        self.close()
        with files.storage(self._path):
            descriptor = files.open_private(self._path)
            try:
                _lock(descriptor)
                files.write_at(descriptor, written_line(entry, mac) * 2, 0)
                os.ftruncate(descriptor, 2 * _LINE_BYTES)
                files.sync(descriptor)
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def written_line(entry: int, mac: bytes) -> bytes:
    """Return *entry* and its *mac* as a line of fixed length, with a checksum."""
    assert 0 <= entry < 10**20
    assert len(mac) == 32
    return _sealed(b"%020d %b" % (entry, mac.hex().encode()))


def parse_line(line: bytes) -> tuple[int, bytes] | None:
    """Parse what `written_line` wrote; None if *line* is not whole."""
    body = line[:_BODY_BYTES]
    if line != _sealed(body):
        return None
    return int(body[:20]), bytes.fromhex(body[21:].decode())


def _sealed(body: bytes) -> bytes:
    return b"%b %b\n" % (body, checksum(body).encode())


def _is_blank_or_begun(content: bytes) -> bool:
    # Over the blanks of `prepare`, a first note that was torn is the beginning of a line and then
    # blanks still. An attacker who can make one look so could as well have made it blank.
    begun = content.rstrip(b" \n")
    return len(begun) < _LINE_BYTES - 1 and re.fullmatch(rb"[0-9a-f ]*", begun) is not None


def _lines(content: bytes) -> list[bytes]:
    return [content[:_LINE_BYTES], content[_LINE_BYTES : 2 * _LINE_BYTES]]


def _lock(descriptor: int) -> None:
    # Two processes that note at the same moment would otherwise write the same line, and the
    # older could win. It costs a microsecond. Windows goes without: the note is then at worst
    # one entry behind until the next.
    if os.name == "posix":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)


def _unlock(descriptor: int) -> None:
    if os.name == "posix":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_UN)
