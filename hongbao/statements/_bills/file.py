"""
Opening a bill's file, CSV or workbook: one door for whatever people have downloaded or saved again.

A file comes from outside, so nothing in it is believed before it is looked at: how large it is, and
becomes once it is unpacked, how long its lines and cells are. Only rows of text come out; what they
say is read by `hongbao.domain.bill`.
"""

import csv
import errno
import os
import stat
import zipfile
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from hongbao.domain.bill import CELL_MAX, MAGIC, ROWS_MAX, Line
from hongbao.errors import FileNotReadable, HongbaoError, InvalidBill, NotABill
from hongbao.words import N_

FILE_MAX_BYTES = 256 * 1024 * 1024
"""The largest file that is read. A row takes about 250 bytes."""

UNPACKED_MAX_BYTES = 1024 * 1024 * 1024
"""The most that a workbook's sheet may become; an archive of a few kilobytes can hold terabytes."""

TEXTS_MAX_BYTES = 128 * 1024 * 1024
"""The same for its table of texts, which has to be in memory as a whole."""

LINE_MAX_BYTES = 64 * 1024
"""The longest line of a CSV: one that never ends would fill the memory."""

_COLUMNS_MAX = 16
"""Bills have eleven columns, and a sheet 16,384, of which a library makes as many cells a row."""

_ZIP, _COMPOUND = b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")
_CONTENT, _WORKBOOK, _TEXTS = "[Content_Types].xml", "xl/workbook.xml", "xl/sharedStrings.xml"
_HALF_A_SECOND = timedelta(milliseconds=500)
_ENCODINGS = ("utf-8", "gb18030")
"""GB 18030 has all of GBK, in which a spreadsheet in China saves CSV."""


class BillFile:
    """
    A bill's file, as rows of text from its first line, each with its number.

    Raises FileNotReadable where it cannot be opened, and NotABill where it is of another kind.
    """

    def __init__(self, name: str) -> None:
        self._path = Path(name)
        with suppress(RuntimeError):  # the home of somebody who is not here
            self._path = self._path.expanduser()
        self.name = self._path.name.encode("utf-8", "replace").decode()
        with self._opened() as file:
            head = file.read(len(_COMPOUND))
            if head == _COMPOUND:
                reason = N_("it is an old .xls, or has a password; save it as .xlsx or CSV first")
                raise NotABill(path=name, reason=reason)
            self._is_workbook = head.startswith(_ZIP)
            if self._is_workbook:
                _check_archive(file, name)

    def __iter__(self) -> Iterator[Line]:
        with self._opened() as file:
            yield from _workbook_lines(file) if self._is_workbook else _csv_lines(file)

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        name = str(self._path)
        try:
            # Looked at before it is opened: to open a pipe would wait for whoever writes to it.
            found = self._path.stat()
            if stat.S_ISDIR(found.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if not stat.S_ISREG(found.st_mode):
                raise FileNotReadable(
                    path=name, reason=N_("it is no regular file; save what it gives first")
                )
            if found.st_size > FILE_MAX_BYTES:
                raise NotABill(path=name, reason=_TOO_LARGE)
            file = self._path.open("rb")
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            reason = getattr(error, "strerror", None) or str(error)
            raise FileNotReadable(path=name, reason=reason) from None
        with file:
            try:
                yield file
            except OSError as error:
                reason = error.strerror or str(error)
                raise FileNotReadable(path=name, reason=reason) from None


_TOO_LARGE = N_("it is far larger than a bill")


# --- CSV -----------------------------------------------------------------------------------------


def _csv_lines(file: BinaryIO) -> Iterator[Line]:
    texts = _Decoded(file)
    rows = csv.reader(texts)  # a lone quotation mark may stand in a name
    while True:
        try:
            row = next(rows, None)
        except csv.Error:
            raise InvalidBill(line=texts.number, problem="quotes") from None
        if row is None:
            return
        yield texts.number, _cut(texts.number, row)


class _Decoded:
    """The lines of a file as text, and the *number* of the one that was read last."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._encoding: str | None = None
        self.number = 0

    def __iter__(self) -> "_Decoded":
        return self

    def __next__(self) -> str:
        line = self._file.readline(LINE_MAX_BYTES + 1)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) > LINE_MAX_BYTES:
            raise InvalidBill(line=self.number, problem="quotes")
        if self._encoding is None:
            line = line.removeprefix(BOM_UTF8)
            self._encoding = _encoding(line)
        try:
            return line.decode(self._encoding)
        except UnicodeDecodeError:
            raise InvalidBill(line=self.number, problem="encoding") from None


def _encoding(first: bytes) -> str:
    """Return the encoding in which *first* is a bill's first line."""
    for encoding in _ENCODINGS:
        if first.lstrip(b'" \t').startswith(MAGIC.encode(encoding)):
            return encoding
    raise InvalidBill(line=1, problem="not_a_bill", known=MAGIC)


def _cut(number: int, row: Sequence[str]) -> Sequence[str]:
    """Return *row* without what no bill has: cells beyond all columns."""
    for cell in row:
        if len(cell) > CELL_MAX:
            raise InvalidBill(line=number, problem="too_long", key=cell[:20], count=CELL_MAX)
    return row[:_COLUMNS_MAX]


# --- workbooks -----------------------------------------------------------------------------------


def _check_archive(file: BinaryIO, name: str) -> None:
    """Raise NotABill unless the archive in *file* is a workbook, and of a size to be unpacked."""
    try:
        with zipfile.ZipFile(file) as archive:
            sizes = {part.filename: part.file_size for part in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise NotABill(path=name, reason=_BROKEN) from None
    if _CONTENT not in sizes or _WORKBOOK not in sizes:
        reason = N_("it is a ZIP archive; unzip it first, with the password that WeChat has sent")
        raise NotABill(path=name, reason=reason)
    # Whoever unpacks goes by these sizes, too, and stops there: an archive that lies is cut.
    if sum(sizes.values()) > UNPACKED_MAX_BYTES or sizes.get(_TEXTS, 0) > TEXTS_MAX_BYTES:
        raise NotABill(path=name, reason=_TOO_LARGE)


_BROKEN = N_("it is a damaged archive")


def _workbook_lines(file: BinaryIO) -> Iterator[Line]:
    from openpyxl import load_workbook

    number = 0
    try:
        book = load_workbook(file, read_only=True, keep_links=False)
        try:
            page = book.worksheets[0]
            page.reset_dimensions()  # what a sheet says of its own size need not be so
            for number, row in enumerate(page.iter_rows(max_col=_COLUMNS_MAX), 1):
                if number > 2 * ROWS_MAX:
                    raise InvalidBill(line=number, problem="too_many", count=ROWS_MAX)
                yield number, _cut(number, [_text(number, cell) for cell in row])
        finally:
            book.close()
    except (HongbaoError, OSError):
        raise
    except Exception as error:  # whatever a hostile file makes of the library
        raise InvalidBill(line=number + 1, problem="workbook") from error


def _text(number: int, cell: Any) -> str:
    """Return what stands in *cell* as text: a moment as a bill writes it, a number in digits."""
    value = cell.value
    if value is None:
        return ""
    if cell.data_type == "f":
        raise InvalidBill(line=number, problem="formula")
    if isinstance(value, datetime):
        # A day's fraction has no exact binary form: the second it means is the nearest one.
        return str((value + _HALF_A_SECOND).replace(microsecond=0))
    # The shortest digits that mean the same number are those that were typed, 66.66, although the
    # file may have 66.659999999999997.
    return str(value)
