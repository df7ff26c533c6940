"""
Differences between a file and what was signed, which is written again to compare.

The same statement is the same bytes, so the ledger's owner can find what was changed. It
is compared line by line as it is written, keeping none; a workbook, whose bytes say nothing, cell
by cell.
"""

import io
import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import repeat
from typing import Any, BinaryIO, NamedTuple

from hongbao.statements._sheets import Cell, UnreadableError, Workbook

LINE_MAX = 1 << 16
"""How much of a line is looked at at once: a hostile file may have only one."""

MISSING_MAX = 10
"""How many of the lines that are missing are named."""

WHOLE_MAX = 1 << 25
"""How large a workbook or a PDF may be that is compared: they are held in memory."""

_COLUMNS_MAX, _CELL_MAX = 64, 1 << 12
"""How much of a row and of a cell is compared: more than any statement of ours has."""

_BLANK_MAX = 1_000
"""How many rows that are not in a workbook are taken for empty ones."""

_MOVEMENT = re.compile(r"HB[0-9]{31}")
_TAG = re.compile(r"<[^>]*>")
_MARK = b"\xef\xbb\xbf"


class Difference(NamedTuple):
    """
    A difference between a file and what was signed.

    *kind* is ``edited``, ``rows_missing`` or ``cut_short``; *how* it was edited is ``content``,
    ``line_ends``, where lines only end otherwise, ``saved_anew``, where every cell of a workbook is
    as it was, ``behind`` or ``signature``. *line* is the first that differs, what it was and what
    it is.
    """

    kind: str
    how: str = "content"
    line: int | None = None
    was: str | None = None
    found: str | None = None
    missing: tuple[str, ...] = ()
    missing_count: int = 0


class Lines:
    """
    A file that what was signed is written to, and which compares it with *theirs*, line by line.

    If all of their lines are lines of ours and in order, ours that were passed over are missing.
    """

    def __init__(self, theirs: Iterator[bytes]) -> None:
        self._theirs = theirs
        self._next = next(theirs, None)
        self._number = 1  # of their next line
        self._kept = b""
        self._first: tuple[int, bytes | None, bytes] | None = None
        self._loose: tuple[int, bytes, bytes] | None = None
        self._only_ends = True
        self._is_torn = self._is_behind = False
        self._missing: list[bytes] = []
        self._missing_count = 0

    def write(self, content: bytes) -> int:
        kept = self._kept + content
        start = 0
        while True:
            end = kept.find(b"\n", start, start + LINE_MAX) + 1
            if not end:
                if len(kept) - start < LINE_MAX:
                    break
                end = start + LINE_MAX
            self._line(kept[start:end])
            start = end
        self._kept = kept[start:]
        return len(content)

    def flush(self) -> None:
        """Keep nothing back that a file would have to be given."""

    def difference(self, *, has_end: bool) -> Difference | None:
        """
        Return where they differ; None if they do not.

        A file that *has* its *end* was not cut short, even if other parts are missing.
        """
        if self._kept:
            self._line(self._kept)
            self._kept = b""
        if not has_end and self._is_beginning():
            return Difference("cut_short")
        if self._next is None and self._first is None:
            if self._loose is None:
                return None
            if self._only_ends:
                return Difference("edited", how="line_ends")
            return _edited("content", *self._loose)
        if self._next is None:
            named = (_named(line) for line in self._missing)
            return Difference(
                "rows_missing",
                missing=tuple(dict.fromkeys(named)),
                missing_count=self._missing_count,
            )
        first = self._first or (self._number, self._next, None)
        return _edited("content", *first)

    def _is_beginning(self) -> bool:
        """Return whether all of theirs is the beginning of ours, and not all of it."""
        if self._next is not None:
            return self._is_torn and not self._is_behind and next(self._theirs, None) is None
        if self._first is not None:
            return not self._is_behind
        number, theirs, ours = self._loose or (0, b"", b"")
        return number == self._number - 1 and ours.startswith(theirs)

    def _line(self, ours: bytes) -> None:
        theirs = self._next
        if theirs is None or _bare(theirs) != _bare(ours):
            if self._first is None:
                self._first = (self._number, theirs, ours)
                self._is_torn = theirs is not None and ours.startswith(theirs)
            self._missing_count += 1
            if len(self._missing) < MISSING_MAX:
                self._missing.append(ours)
            return
        self._is_behind = self._first is not None
        if theirs != ours:
            self._loose = self._loose or (self._number, theirs, ours)
            self._only_ends &= _without_end(theirs) == _without_end(ours)
        self._next = next(self._theirs, None)
        self._number += 1


class TooLargeError(Exception):
    """The output is larger than what is kept in memory to be compared."""


class Unread(io.RawIOBase):
    """A file that is not read, which keeps no more than its length."""

    def __init__(self) -> None:
        super().__init__()
        self._length = 0

    def write(self, content: Any) -> int:
        self._length += len(content)
        return len(content)

    def tell(self) -> int:
        return self._length

    def writable(self) -> bool:
        return True


class Bounded(io.BytesIO):
    """A file in memory that never grows large; TooLargeError is raised instead."""

    def write(self, content: Any) -> int:
        if self.tell() + len(content) > WHOLE_MAX:
            raise TooLargeError
        return super().write(content)


def lines(file: BinaryIO, stop: int) -> Iterator[bytes]:
    """Yield the lines of *file* up to its byte *stop*, one that is very long in pieces."""
    start = 0
    while start < stop:
        file.seek(start)
        line = file.readline(min(LINE_MAX, stop - start))
        if not line:
            return
        start += len(line)
        yield line


def workbooks(file: BinaryIO, ours: bytes) -> Difference:
    """Return where the cells of the workbook *file* differ from those of *ours*."""
    file.seek(0)
    theirs = file.read(WHOLE_MAX)
    if ours.startswith(theirs):
        return Difference("cut_short")
    try:
        compared = Lines(_theirs(theirs))
        for row in _rows(ours):
            compared.write(row)
        found = compared.difference(has_end=True)
    except _BrokenError:
        return Difference("edited")
    return found or Difference("edited", how="saved_anew")


class _BrokenError(Exception):
    """The workbook cannot be read, or only up to some row."""


def _theirs(workbook: bytes) -> Iterator[bytes]:
    try:
        yield from _rows(workbook)
    except UnreadableError as error:
        raise _BrokenError from error


def wholes(file: BinaryIO, ours: bytes) -> Difference:
    """Return the difference between *file* and *ours*, of which only the beginning is compared."""
    file.seek(0)
    return Difference("cut_short" if ours.startswith(file.read(WHOLE_MAX)) else "edited")


def _rows(workbook: bytes) -> Iterator[bytes]:
    """Yield each row of each sheet as a line, its cells apart by tabs."""
    book = Workbook(io.BytesIO(workbook), columns_max=_COLUMNS_MAX, cell_max=_CELL_MAX)
    for sheet in book.sheets:
        last = 0
        for number, row in book.rows(sheet):
            yield from repeat(b"\n", min(number - last - 1, _BLANK_MAX))
            last = number
            cells = "\t".join(map(_cell, row)).rstrip("\t")
            yield cells.encode("utf-8", "backslashreplace") + b"\n"


def _cell(cell: Cell) -> str:
    """Return the value of *cell* on one line; 2 and 2.0, which programs mix up, are the same."""
    if cell.kind == "number":
        return f"{Decimal(cell.text).normalize():f}"
    return cell.text if cell.text.isprintable() else repr(cell.text)


def _edited(how: str, number: int, theirs: bytes | None, ours: bytes | None) -> Difference:
    return Difference("edited", how, number, _text(ours), _text(theirs))


def _named(line: bytes) -> str:
    """Return the movement that *line* shows, or else its text."""
    text = _text(line) or ""
    found = _MOVEMENT.search(text)
    return found[0] if found else " ".join(_TAG.sub(" ", text).split())


def _text(line: bytes | None) -> str | None:
    return None if line is None else _without_end(line).decode("utf-8", "replace")


def _bare(line: bytes) -> bytes:
    """Return *line* without what another program may have changed, or a list needs between rows."""
    return _without_end(line).rstrip(b",")


def _without_end(line: bytes) -> bytes:
    return line.removeprefix(_MARK).rstrip(b"\r\n")
