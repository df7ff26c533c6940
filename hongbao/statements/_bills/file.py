"""
Opening a bill's file, CSV or workbook, as downloaded or as saved again by a program.

A file comes from outside, so nothing in it is believed before it is looked at: how large it is, and
becomes once it is unpacked, how long its lines and cells are. Only rows of text come out; what they
say is read by `hongbao.domain.bill`.
"""

import errno
import os
import stat
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from decimal import Decimal
from io import TextIOWrapper
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from hongbao.domain.bill import CELL_MAX, COLUMNS, MAGIC, PREAMBLE_MAX, ROWS_MAX, Line
from hongbao.errors import FileNotReadable, InvalidBill, NotABill
from hongbao.statements._bills import rows
from hongbao.statements._sheets import (
    Cell,
    NotAWorkbookError,
    Sheet,
    TooLargeError,
    UnreadableError,
    Workbook,
)
from hongbao.words import N_

FILE_MAX_BYTES = 256 * 1024 * 1024
"""The largest file that is read. A row takes about 250 bytes."""

LINE_MAX_BYTES = 64 * 1024
"""The longest line of a CSV: one that never ends would fill the memory."""

_COLUMNS_MAX = 16
"""Bills have eleven columns, and a sheet can have 16,384."""

_ZIP, _COMPOUND = b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")
_1904_DAYS = 1462
"""By how many days the calendar that begins in 1904 counts fewer than the usual one."""
_ENCODINGS = ("utf-8", "gb18030")
"""
How a bill without a mark is encoded, as everything that people hand in (see `hongbao.inputs`).

Which one it is, its first line says: a bill may be large, and is read line by line.
"""


class BillFile:
    """
    A bill's file, as rows of text from its first line, each with its number.

    Raises FileNotReadable if it cannot be opened, and NotABill where it is of another kind.
    """

    def __init__(self, name: str) -> None:
        self._path = Path(name)
        with suppress(RuntimeError):  # the home of a user who does not exist
            self._path = self._path.expanduser()
        self.name = self._path.name.encode("utf-8", "replace").decode()
        with self._opened() as file:
            head = file.read(len(_COMPOUND))
            if head == _COMPOUND:
                reason = N_(
                    "it is an old .xls file, or has a password; save it as .xlsx or CSV first"
                )
                raise NotABill(path=name, reason=reason)
            self._is_workbook = head.startswith(_ZIP)
            if self._is_workbook:
                with _not_a_workbook(name):
                    Workbook(file)

    def __iter__(self) -> Iterator[Line]:
        with self._opened() as file:
            yield from _workbook_lines(file) if self._is_workbook else _csv_lines(file)

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        name = str(self._path)
        try:
            # Looked at before it is opened: to open a pipe would wait for its writer.
            found = self._path.stat()
            if stat.S_ISDIR(found.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if not stat.S_ISREG(found.st_mode):
                raise FileNotReadable(
                    path=name, reason=N_("it is not a regular file; save its content to one first")
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
    for number, row in rows.rows(_texts(file)):
        yield number, _cut(number, row)


def _texts(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield the lines of *file* as text, each with its number."""
    lines = _lines(file)
    first = [*islice(lines, 1)]
    # Some programs put empty lines in front, and the mark of UTF-8 before them.
    while first and not first[-1].strip(_EMPTY) and len(first) < PREAMBLE_MAX:
        following = next(lines, None)
        if following is None:
            break
        first.append(following)
    encoding = _encoding(first)
    for number, line in enumerate(chain(first, lines), 1):
        try:
            yield number, line.removeprefix(BOM_UTF8 if number == 1 else b"").decode(encoding)
        except UnicodeDecodeError:
            raise InvalidBill(line=number, problem="encoding") from None


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of *file*; those of UTF-16, whose mark says so, in UTF-8."""
    mark = file.read(len(BOM_UTF16_LE))
    file.seek(0)
    source: Iterator[bytes] = iter(lambda: file.readline(LINE_MAX_BYTES + 1), b"")
    if mark in (BOM_UTF16_LE, BOM_UTF16_BE):
        source = _in_utf_8(file)
    number = 0
    try:
        for number, line in enumerate(source, 1):
            if len(line) > LINE_MAX_BYTES:
                raise InvalidBill(line=number, problem="quotes")
            yield line
    except UnicodeError:
        raise InvalidBill(line=number + 1, problem="encoding") from None


def _in_utf_8(file: BinaryIO) -> Iterator[bytes]:
    texts = TextIOWrapper(file, "utf-16", newline="\n")
    try:
        while text := texts.readline(LINE_MAX_BYTES):
            yield text.encode()
    finally:
        with suppress(ValueError):  # where the rest is not wanted, the file may be closed by now
            texts.detach()


_EMPTY = BOM_UTF8 + b',"; \t\r\n'


def _encoding(first: Sequence[bytes]) -> str:
    """Return the encoding in which the last of the lines *first* is a bill's first line."""
    if not first:
        raise InvalidBill(line=1, problem="not_a_bill", known=MAGIC)
    for encoding in _ENCODINGS:
        if first[-1].lstrip(_EMPTY).startswith(MAGIC.encode(encoding)):
            return encoding
    raise InvalidBill(line=len(first), problem="not_a_bill", known=MAGIC)


def _cut(number: int, row: Sequence[str]) -> Sequence[str]:
    """Return *row* without what no bill has: cells beyond all columns."""
    if len("".join(row)) > CELL_MAX:  # or else none of them is longer
        for cell in row:
            if len(cell) > CELL_MAX:
                raise InvalidBill(line=number, problem="too_long", key=cell[:20], count=CELL_MAX)
    return row[:_COLUMNS_MAX]


# --- workbooks -----------------------------------------------------------------------------------


@contextmanager
def _not_a_workbook(name: str) -> Iterator[None]:
    """Raise the reason why the file *name* is not a workbook."""
    try:
        yield
    except NotAWorkbookError:
        reason = N_("it is a ZIP archive; unzip it first, with the password that WeChat has sent")
        raise NotABill(path=name, reason=reason) from None
    except TooLargeError:
        raise NotABill(path=name, reason=_TOO_LARGE) from None
    except UnreadableError:
        raise NotABill(path=name, reason=N_("it is a damaged archive")) from None


def _workbook_lines(file: BinaryIO) -> Iterator[Line]:
    number = 0
    try:
        book = Workbook(file, columns_max=_COLUMNS_MAX, cell_max=CELL_MAX)
        sheet = _bill_in(book)
        time_column = None
        for number, row in book.rows(sheet):
            if number > 2 * ROWS_MAX:
                raise InvalidBill(line=number, problem="too_many", count=ROWS_MAX)
            if book.is_1904 and time_column is not None:
                _count_from_1900(row, time_column)
            texts = [_text(number, cell) for cell in row]
            if time_column is None and COLUMNS[0] in texts:
                time_column = texts.index(COLUMNS[0])
            yield number, _cut(number, texts)
    except UnreadableError as error:
        raise InvalidBill(line=number + 1, problem="workbook") from error


def _bill_in(book: Workbook) -> Sheet:
    """Return the sheet that begins as a bill, or else the first, of those that people see."""
    visible = [sheet for sheet in book.sheets if not sheet.is_hidden] or book.sheets
    if not visible:
        raise InvalidBill(line=1, problem="workbook")
    for sheet in visible:
        first = (cell.text for _, row in book.rows(sheet) for cell in row if cell.text.strip())
        if next(first, "").strip().startswith(MAGIC):
            return sheet
    return visible[0]


def _count_from_1900(row: list[Cell], place: int) -> None:
    """Make a bare count of days at *place*, which no format calls a date, one of 1900's."""
    if place < len(row) and row[place].kind == "number":
        days = Decimal(row[place].text) + _1904_DAYS
        row[place] = Cell("number", f"{days:f}")


def _text(number: int, cell: Cell) -> str:
    """Return the value of *cell* as text: a moment as a bill writes it, a number in digits."""
    if cell.kind == "formula":
        raise InvalidBill(line=number, problem="formula")
    return cell.text
