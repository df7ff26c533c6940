"""
An XLSX reader: the cells of a sheet, row by row, in memory that does not grow with the file.

Anyone may have made the file: 180 KB of archive can unpack to gigabytes, one row can hold a hundred
million cells, one tag a gigabyte of names. So every part is unpacked in pieces and parsed as it
comes, and everything that is kept is bounded: the archive's entries, the depth of its tags, the
different names, a row's cells, a cell's text. Nothing is calculated, and no entity is expanded.
"""

import re
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from functools import cached_property
from pathlib import PurePosixPath
from typing import BinaryIO, NamedTuple
from xml.parsers import expat

UNPACKED_MAX_BYTES = 1024 * 1024 * 1024
"""The most that all parts of a workbook may become."""

TEXTS_MAX_BYTES = 128 * 1024 * 1024
"""The most that its table of shared texts may become, which is kept in memory."""

SMALL_MAX_BYTES = 8 * 1024 * 1024
"""The same for a part that only describes the others: the list of sheets, the number formats."""

PARTS_MAX = 1_000
"""The most entries of an archive. A statement has a dozen."""

CELL_MAX = 32_767
"""The most characters of a cell, in Excel as here."""

_PIECE = 16 * 1024
_TOKEN_MAX = 1024 * 1024
"""The longest tag: a parser has to keep it whole."""
_DEPTH_MAX = 64
_NAMES_MAX = 5_000
"""How many different names of tags and attributes there may be: a parser never forgets one."""

_CONTENT, _BOOK, _RELATIONS = "[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_ENTRY = b"PK\x01\x02"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1

_WHOLE = re.compile(r"-?[0-9]{1,40}")
_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,3})?"
)
_FIFTEEN_DIGITS = Context(prec=15)
_CODE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_ROW = re.compile("[0-9]{1,8}")
_COLUMN = re.compile(r"([A-Z]{1,3})[0-9]*")
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
"""What in a number's format is no code: text in quotes, an escaped character, a colour."""
_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""The numbers of the formats of dates that every program knows without their being in the file."""
_DAY_ZERO = datetime(1899, 12, 30, tzinfo=UTC)  # a workbook knows no offsets
_DAY_ZERO_1904 = datetime(1904, 1, 1, tzinfo=UTC)
_DAYS_MAX = 2_900_000


class UnreadableError(Exception):
    """The file is no workbook, or a damaged one."""


class NotAWorkbookError(UnreadableError):
    """It is an archive of something else."""


class TooLargeError(UnreadableError):
    """It becomes more than anyone's workbook once it is unpacked."""


class Cell(NamedTuple):
    """
    A cell's *text*, and of which *kind* it is.

    That is ``text``, ``number`` in its shortest digits, ``date`` as ``2026-02-16 10:00:00``,
    ``formula``, whose text is unknown, or ``other``: a truth value or an error.
    """

    kind: str
    text: str


EMPTY = Cell("text", "")


class Sheet(NamedTuple):
    name: str
    is_hidden: bool
    part: str


class Workbook:
    """
    The workbook in *file*, which stays open as long as its rows are read.

    Of a row the first *columns_max* cells are read, and of a cell one character more than
    *cell_max*, which shows that it is too long. Raises UnreadableError, here and while reading.
    """

    def __init__(
        self, file: BinaryIO, *, columns_max: int = 16_384, cell_max: int = CELL_MAX
    ) -> None:
        self._columns_max, self._cell_max = columns_max, cell_max
        with _damage():
            self._archive = _archive(file)
            self._parts = {part.filename: part for part in self._archive.infolist()}
            if _CONTENT not in self._parts or _BOOK not in self._parts:
                raise NotAWorkbookError
            if any(
                part.compress_type not in _METHODS or part.flag_bits & _ENCRYPTED
                for part in self._parts.values()
            ):
                raise UnreadableError
            # Unpacking stops at these sizes: an archive that lies about them is cut.
            if sum(part.file_size for part in self._parts.values()) > UNPACKED_MAX_BYTES:
                raise TooLargeError
            book, self._relations = _Book(), _Relations()
            self._parse(_BOOK, book, SMALL_MAX_BYTES)
            self._parse(_RELATIONS, self._relations, SMALL_MAX_BYTES)
            self._check_size("sharedStrings", TEXTS_MAX_BYTES)
        self.is_1904 = book.is_1904
        pages = self._relations.parts.get("worksheet", {})
        # Two sheets that are the same part would let a small file be read without end.
        found = {pages[key]: (name, hidden) for name, hidden, key in book.sheets if key in pages}
        self.sheets = [Sheet(*named, part) for part, named in found.items()]

    def rows(self, sheet: Sheet) -> Iterator[tuple[int, list[Cell]]]:
        """Yield the rows of *sheet* that are in the file, each with its number there."""
        with _damage():
            page = _Page(self._cell, self._columns_max, self._cell_max)
            for _ in self._pieces(sheet.part, page, UNPACKED_MAX_BYTES):
                yield from page.rows
                page.rows.clear()

    @cached_property
    def _texts(self) -> "_Texts":
        texts = _Texts(self._cell_max)
        for part in self._relations.parts.get("sharedStrings", {}).values():
            self._parse(part, texts, TEXTS_MAX_BYTES)
            break
        return texts

    @cached_property
    def _styles(self) -> "_Styles":
        styles = _Styles()
        for part in self._relations.parts.get("styles", {}).values():
            self._parse(part, styles, SMALL_MAX_BYTES)
            break
        return styles

    def _check_size(self, kind: str, most: int) -> None:
        for part in self._relations.parts.get(kind, {}).values():
            if part in self._parts and self._parts[part].file_size > most:
                raise TooLargeError

    def _cell(self, kind: str, style: str, text: str) -> Cell:
        match kind:
            case "s":
                return Cell("text", self._texts[int(text)])
            case "str" | "inlineStr":
                return Cell("text", _decoded(text))
            case "d":
                return Cell("date", text.replace("T", " ").removesuffix("Z"))
            case "b" | "e":
                return Cell("other", text)
        if not text:
            return EMPTY
        number = _number(text)
        if style and self._styles.is_date(int(style)) and 0 <= number < _DAYS_MAX:
            return Cell("date", _moment(number, is_1904=self.is_1904))
        return Cell("number", _shown(number))

    def _parse(self, part: str, handler: "_Handler", most: int) -> None:
        for _ in self._pieces(part, handler, most):
            pass

    def _pieces(self, part: str, handler: "_Handler", most: int) -> Iterator[None]:
        """Parse *part* piece by piece into *handler*, stopping after each."""
        found = self._parts[part]
        if found.file_size > most:
            raise TooLargeError
        names: dict[str, str] = {}
        parser = expat.ParserCreate(intern=names)
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse
        parser.StartElementHandler = handler.begin
        parser.EndElementHandler = handler.end
        parser.CharacterDataHandler = handler.add
        fed = 0
        with self._archive.open(found) as stream:
            while piece := stream.read(_PIECE):
                parser.Parse(piece, False)
                fed += len(piece)
                if len(names) > _NAMES_MAX or fed - parser.CurrentByteIndex > _TOKEN_MAX:
                    raise TooLargeError
                yield
            parser.Parse(b"", True)
            yield


@contextmanager
def _damage() -> Iterator[None]:
    """Raise an UnreadableError for any exception that a hostile file causes in the libraries."""
    try:
        yield
    except UnreadableError:
        raise
    except (
        *(zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, LookupError),
        *(ValueError, OverflowError, NotImplementedError, RuntimeError),
    ) as error:
        raise UnreadableError from error


def _archive(file: BinaryIO) -> zipfile.ZipFile:
    """Open the archive in *file*, of which all entries are read at once."""
    file.seek(0)
    entries, kept = 0, b""
    while piece := file.read(_PIECE):
        searched = kept + piece
        entries += searched.count(_ENTRY)
        kept = searched[-len(_ENTRY) + 1 :]
        if entries > PARTS_MAX:
            raise TooLargeError
    file.seek(0)
    return zipfile.ZipFile(file)


def _refuse(*_declared: object) -> None:
    raise UnreadableError("a workbook declares no document type")


def _decoded(text: str) -> str:
    """
    Return *text* with the characters that XML has no place for, as a workbook writes them.

    >>> _decoded("a_x000A_b"), _decoded("_x005F_x000A_")
    ('a\\nb', '_x000A_')
    """
    return _CODE.sub(lambda code: chr(int(code[1], 16)), text) if "_x" in text else text


def _number(text: str) -> Decimal:
    """
    Return the number that *text* is: that of the fifteen digits which a spreadsheet keeps.

    The file may have 66.659999999999997 for 66.66. One that is written whole is whole.

    >>> _number("66.659999999999997"), _number("4200001111202602160000000001")
    (Decimal('66.66'), Decimal('4200001111202602160000000001'))
    """
    if _WHOLE.fullmatch(text):
        return Decimal(text)
    if not _DECIMAL.fullmatch(text):
        raise ValueError(text)
    return _FIFTEEN_DIGITS.create_decimal(text).normalize(_FIFTEEN_DIGITS)


def _shown(number: Decimal) -> str:
    """
    Return *number* in digits, or as ``4.2E+27`` where the file does not have all of them.

    >>> _shown(Decimal("1E+2")), _shown(Decimal("4.2E+27"))
    ('100', '4.2E+27')
    """
    is_rounded = number.adjusted() >= _FIFTEEN_DIGITS.prec and number.as_tuple().exponent != 0
    return str(number) if is_rounded else f"{number:f}"


def _moment(days: Decimal, *, is_1904: bool) -> str:
    zero = _DAY_ZERO_1904 if is_1904 else _DAY_ZERO
    # A day's fraction has no exact binary form: the second it means is the nearest one.
    at = zero + timedelta(seconds=round(days * 86_400))
    return f"{at:%Y-%m-%d %H:%M:%S}"


# --- what is made of each kind of part -----------------------------------------------------------


class _Handler:
    """The handler of a parser's events for one part. A prefix of a name means nothing."""

    def __init__(self) -> None:
        self._depth = 0

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise TooLargeError
        self._begun(name.rpartition(":")[2], attributes)

    def end(self, name: str) -> None:
        self._depth -= 1
        self._ended(name.rpartition(":")[2])

    def add(self, text: str) -> None:
        """Take *text* between tags."""

    def _begun(self, tag: str, _attributes: dict[str, str], /) -> None:
        raise NotImplementedError

    def _ended(self, tag: str) -> None:
        """Take the end of *tag*."""


class _Book(_Handler):
    """The list of sheets, and from which day dates are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.is_1904 = False
        self.sheets: list[tuple[str, bool, str]] = []

    def _begun(self, tag: str, attributes: dict[str, str], /) -> None:
        if tag == "workbookPr":
            self.is_1904 = attributes.get("date1904", "0") in ("1", "true")
        elif tag == "sheet":
            [key] = [said for name, said in attributes.items() if name.endswith(":id")]
            is_hidden = attributes.get("state", "visible") != "visible"
            self.sheets.append((attributes.get("name", ""), is_hidden, key))


class _Relations(_Handler):
    """Which part of the archive is what."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: dict[str, dict[str, str]] = {}

    def _begun(self, tag: str, attributes: dict[str, str], /) -> None:
        if tag == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes["Type"].rpartition("/")[2]
            part = str(PurePosixPath("/xl", attributes["Target"]))
            self.parts.setdefault(kind, {})[attributes["Id"]] = part.removeprefix("/")


class _Styles(_Handler):
    """Which of the formats that cells name are those of dates."""

    def __init__(self) -> None:
        super().__init__()
        self._codes: dict[int, str] = {}
        self._formats: list[int] = []
        self._is_inside = False

    def is_date(self, style: int) -> bool:
        if style >= len(self._formats):
            return False
        number = self._formats[style]
        if number in self._codes:
            code = _LITERAL.sub("", self._codes[number]).casefold().partition(";")[0]
            return any(letter in code for letter in "ymdhs") and "general" not in code
        return number in _DATE_FORMATS

    def _begun(self, tag: str, attributes: dict[str, str], /) -> None:
        if tag == "numFmt":
            self._codes[int(attributes["numFmtId"])] = attributes["formatCode"]
        elif tag == "cellXfs":
            self._is_inside = True
        elif tag == "xf" and self._is_inside:
            self._formats.append(int(attributes.get("numFmtId", "0")))

    def _ended(self, tag: str) -> None:
        if tag == "cellXfs":
            self._is_inside = False


class _Collecting(_Handler):
    """A part in which texts stand between tags, in runs that belong together."""

    def __init__(self, cell_max: int) -> None:
        super().__init__()
        self._cell_max = cell_max
        self._is_heard = False
        self._is_reading_aid = False  # how a Japanese word is spoken, which is not in the cell
        self._runs: list[str] = []
        self._length = 0

    def add(self, text: str) -> None:
        if self._is_heard and self._length <= self._cell_max:
            kept = text[: self._cell_max + 1 - self._length]
            self._runs.append(kept)
            self._length += len(kept)

    def _taken(self) -> str:
        text = "".join(self._runs)
        self._runs.clear()
        self._length = 0
        return text


class _Texts(_Collecting):
    """
    The table of shared texts, one behind the other.

    As separate objects a hundred million bytes of them would take ten times that.
    """

    def __init__(self, cell_max: int) -> None:
        super().__init__(cell_max)
        self._bytes = bytearray()
        self._ends = array("I")

    def __getitem__(self, place: int) -> str:
        if place < 0:
            raise IndexError(place)
        start = self._ends[place - 1] if place else 0
        return self._bytes[start : self._ends[place]].decode("utf-8", "surrogatepass")

    def _begun(self, tag: str, _attributes: dict[str, str], /) -> None:
        if tag == "rPh":
            self._is_reading_aid = True
        self._is_heard = tag == "t" and not self._is_reading_aid

    def _ended(self, tag: str) -> None:
        self._is_heard = False
        if tag == "rPh":
            self._is_reading_aid = False
        elif tag == "si":
            self._bytes += _decoded(self._taken()).encode("utf-8", "surrogatepass")
            self._ends.append(len(self._bytes))


class _Page(_Collecting):
    """One sheet: the *rows* that were read since they were last taken."""

    def __init__(
        self, cell: Callable[[str, str, str], Cell], columns_max: int, cell_max: int
    ) -> None:
        super().__init__(cell_max)
        self.rows: list[tuple[int, list[Cell]]] = []
        self._make = cell
        self._columns_max = columns_max
        self._number = 0
        self._row: list[Cell] = []
        self._column = 0
        self._kind = self._style = ""
        self._is_formula = False

    def _begun(self, tag: str, attributes: dict[str, str], /) -> None:
        if tag == "c":
            place = _COLUMN.fullmatch(attributes.get("r", ""))
            self._column = _column(place[1]) if place else self._column + 1
            self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "")
            self._is_formula = False
        elif tag in ("v", "t"):
            self._is_heard = self._column <= self._columns_max and not self._is_reading_aid
        elif tag == "f":
            self._is_formula = True
        elif tag == "row":
            number = attributes.get("r", "")
            self._number = int(number) if _ROW.fullmatch(number) else self._number + 1
            self._row, self._column = [], 0
        elif tag == "rPh":
            self._is_reading_aid = True

    def _ended(self, tag: str) -> None:
        if tag == "c":
            text = self._taken()
            if self._column <= self._columns_max:
                self._row += [EMPTY] * (self._column - 1 - len(self._row))
                made = Cell("formula", "") if self._is_formula else None
                self._row[self._column - 1 :] = [made or self._make(self._kind, self._style, text)]
        elif tag in ("v", "t"):
            self._is_heard = False
        elif tag == "row":
            self.rows.append((self._number, self._row))
            self._row = []
        elif tag == "rPh":
            self._is_reading_aid = False


def _column(letters: str) -> int:
    """
    Return which column *letters* name, from 1.

    >>> _column("A"), _column("K"), _column("AA")
    (1, 11, 27)
    """
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
