"""
An XLSX writer over XlsxWriter: row by row, and the same bytes each time.

Nothing in a workbook of ours calculates. Text is written as text even if it looks otherwise, so no
greeting becomes a formula, a link or a number; amounts are numbers of exactly two decimals.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import repeat
from typing import TYPE_CHECKING, Any, BinaryIO

from hongbao.errors import StatementTooLong
from hongbao.statements._wording import plain
from hongbao.story.folders import lent_folder
from hongbao.units import yuan

if TYPE_CHECKING:
    from hongbao.queries.statement import Statement

ROWS_MAX = 1_048_576
"""How many rows a sheet has, in every program that reads workbooks."""

Value = str | int | Decimal | datetime | None
"""What a cell holds. An instant is China's and naive: a workbook knows no offsets."""

Look = Any
"""How a cell is shown, as `Book.look` made it."""


def check_fits(statement: "Statement", beside: int) -> None:
    """Raise StatementTooLong unless the movements have room on a sheet with *beside* other rows."""
    count_max = ROWS_MAX - beside
    if statement.sums.count_at_most > count_max < statement.count:
        raise StatementTooLong("xlsx", count=statement.count, count_max=count_max)


@contextmanager
def workbook(out: BinaryIO, made_at: datetime) -> Iterator["Book"]:
    """
    Open a workbook that is written to *out* when it is complete, and not at all when it fails.

    *made_at* is when it says that it was made. Its rows wait in a folder that only we can read,
    until they can be packed, and which is then removed; where we are killed, by a later one.
    """
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    gate = _Gate(out)
    with lent_folder("book") as folder:
        library = Workbook(
            gate,
            {
                "constant_memory": True,
                "tmpdir": str(folder),
                "strings_to_formulas": False,
                "strings_to_numbers": False,
                "strings_to_urls": False,
                "use_zip64": True,  # a million rows take gigabytes before they are packed
            },
        )
        library.set_properties({"created": made_at.astimezone(UTC).replace(tzinfo=None)})
        try:
            yield Book(library)
            library.close()
        except FileCreateError as error:
            raise error.args[0] from None  # the system's own, which `save_as` understands
        finally:
            gate.shut()
            for sheet in library.worksheets():
                sheet.row_data_fh.close()


class Book:
    """A workbook that is being written, sheet by sheet."""

    def __init__(self, library: Any) -> None:
        self._library = library

    def look(self, **properties: object) -> Look:
        """Return a look with these *properties*, by the library's names."""
        return self._library.add_format(properties)

    def page(self, name: str, widths: Sequence[int]) -> "Page":
        """Begin a sheet whose columns are so many characters wide."""
        sheet = self._library.add_worksheet(name, _sheet_class())
        for column, width in enumerate(widths):
            sheet.set_column(column, column, width)
        return Page(sheet)


class Page:
    """A sheet, written from its first row to its last."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._row = 0

    def row(self, values: Iterable[Value], looks: Iterable[Look] = repeat(None)) -> None:
        """Write *values* into the next row, each with its look; where there is none, nothing."""
        for column, (value, look) in enumerate(zip(values, looks, strict=False)):
            self._put(column, value, look)
        self._row += 1

    def merged(self, text: str, columns: int, look: Look) -> None:
        """Write *text* into the next row, across so many *columns*."""
        self._library.merge_range(self._row, 0, self._row, columns - 1, "", look)
        if text:
            self._put(0, text, look)
        self._row += 1

    def freeze(self) -> None:
        """Keep the rows so far in sight."""
        self._library.freeze_panes(self._row, 0)

    def _put(self, column: int, value: Value, look: Look) -> None:
        sheet, place = self._library, (self._row, column)
        match value:
            case None:
                done = 0
            case str():
                done = sheet.write_string(*place, _unread(plain(value)), look)
            case datetime():
                done = sheet.write_datetime(*place, value, look)
            case _:
                done = sheet.write_number(*place, value, look)
        assert done == 0, f"row {self._row}, column {column} has no room for {value!r}"


def amount(amount_fen: int | None) -> Decimal | None:
    """
    Return *amount_fen* in yuan as a number for a cell, exactly.

    >>> amount(-6666), amount(None)
    (Decimal('-66.66'), None)
    """
    return None if amount_fen is None else Decimal(yuan(amount_fen))


def instant(at: str) -> datetime:
    """Return the instant that a line says, as a cell has it: China's, to the second."""
    return datetime.fromisoformat(at[:19])


def _unread(text: str) -> str:
    """
    Return *text* so that the library writes it and never reads it.

    What is between ``<r>`` and ``</r>`` it takes for XML that it made itself and copies as it
    is. So such a text is handed over as just that, escaped.
    """
    if not (text.startswith("<r>") and text.endswith("</r>")):
        return text
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<r><t>{escaped}</t></r>"


def _sheet_class() -> Any:
    """
    Return the library's sheet, but one that says of each number that it is one.

    That is what a number is where nothing is said, but some readers take a date for one only then.
    """
    from xlsxwriter.worksheet import Worksheet

    class Typed(Worksheet):  # type: ignore[misc]
        def _xml_number_element(self, number: object, attributes: Iterable[Any] = ()) -> None:
            super()._xml_number_element(number, [*attributes, ("t", "n")])

    return Typed


class _Gate:
    """
    The file a workbook goes to, until it is shut.

    An archive that was left half written closes itself whenever it is forgotten, and would write
    its end behind what is there by then.
    """

    def __init__(self, out: BinaryIO) -> None:
        self._out: BinaryIO | None = out

    def write(self, content: bytes) -> int:
        if self._out is not None:
            self._out.write(content)
        return len(content)

    def flush(self) -> None:
        if self._out is not None:
            self._out.flush()

    def shut(self) -> None:
        self._out = None
