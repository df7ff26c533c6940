"""Workbooks of others: read in memory that does not grow, whatever their makers had in mind."""

import random
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from hongbao.domain.bill import COLUMNS
from hongbao.statements import _sheets
from hongbao.statements._sheets import Cell, TooLargeError, UnreadableError, Workbook
from tests.domain.test_bill import PREAMBLE

MEGABYTE = 1024 * 1024
MOST = 400 * MEGABYTE
"""What a process may take that reads a hostile workbook; Python and its modules are in it."""

SHEET, TEXTS, BOOK = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml"
STYLES = "xl/styles.xml"
AT = datetime(2026, 2, 16, 20, 0, 1)  # noqa: DTZ001 (a workbook knows no offsets)
OPEN = b'<?xml version="1.0"?><worksheet><sheetData>'


def repeated(piece: bytes, size: int, before: bytes = OPEN, after: bytes = b"") -> Iterator[bytes]:
    yield before
    block = piece * (MEGABYTE // len(piece) + 1)
    for _ in range(size // len(block)):
        yield block
    yield after


def counted(template: bytes, count: int, before: bytes = OPEN) -> Iterator[bytes]:
    yield before
    for start in range(0, count, 10_000):
        yield b"".join(template % number for number in range(start, start + 10_000))


LARGE = 96 * MEGABYTE

BOMBS: dict[str, tuple[str, Callable[[], Iterator[bytes]]]] = {
    "a row of cells": (SHEET, lambda: repeated(b"<c/>", LARGE, OPEN + b"<row>")),
    "tags in tags": (SHEET, lambda: repeated(b"<a>", LARGE)),
    "one long tag": (SHEET, lambda: repeated(b"a" * 64, LARGE, OPEN + b"<c r='")),
    "one long text": (SHEET, lambda: repeated(b"a" * 64, LARGE, OPEN + b"<row><c t='str'><v>")),
    "ever new tags": (SHEET, lambda: counted(b"<a%07d/>", 3_000_000)),
    "ever new prefixes": (SHEET, lambda: counted(b"<a xmlns:p%07d='u'/>", 3_000_000)),
    "rows without cells": (SHEET, lambda: repeated(b"<row/>", LARGE)),
    "no texts at all": (TEXTS, lambda: repeated(b"<si/>", 127 * MEGABYTE, b"<sst>", b"</sst>")),
    "many short texts": (
        TEXTS,
        lambda: repeated("<si><t>红包</t></si>".encode(), 127 * MEGABYTE, b"<sst>", b"</sst>"),
    ),
    "too many texts": (TEXTS, lambda: repeated(b"<si/>", 130 * MEGABYTE, b"<sst>", b"</sst>")),
    "too many formats": (STYLES, lambda: repeated(b"<xf/>", LARGE, b"<a><cellXfs>")),
    "too many sheets": (BOOK, lambda: repeated(b"<sheet/>", LARGE, b"<workbook>")),
}

READ = f"""
import resource, sys
from hongbao.statements._sheets import UnreadableError, Workbook
resource.setrlimit(resource.RLIMIT_AS, ({MOST}, {MOST}))
try:
    with open(sys.argv[1], "rb") as file:
        book = Workbook(file, columns_max=16, cell_max=1000)
        book._texts, book._styles
        for sheet in book.sheets:
            for number, row in book.rows(sheet):
                assert len(row) <= 16
except UnreadableError as error:
    print(type(error).__name__)
"""


IMPORT = f"""
import resource, sys
from hongbao.domain.bill import Packed, read
from hongbao.errors import InvalidBill
from hongbao.statements._bills.file import BillFile
resource.setrlimit(resource.RLIMIT_AS, ({MOST}, {MOST}))
try:
    Packed(*read(BillFile(sys.argv[1])))
except InvalidBill as error:
    print(error.facts["problem"])
"""


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("Sheet1").write_row(0, 0, ["微信支付账单明细", 1, 2.5])
    book.close()
    return path


def with_part(path: Path, name: str, content: Iterator[bytes]) -> Path:
    """Write the workbook at *path* again with another part *name*."""
    with zipfile.ZipFile(path) as archive:
        kept = {each: archive.read(each) for each in archive.namelist() if each != name}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for each, said in kept.items():
            archive.writestr(each, said)
        with archive.open(name, "w") as out:
            for piece in content:
                out.write(piece)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_or_read_in_a_few_hundred_megabytes(bomb: str, made: Path):
    """
    By a real process that may take no more, whatever the archive unpacks to.
    """
    part, content = BOMBS[bomb]
    path = with_part(made, part, content())
    assert path.stat().st_size < 12 * MEGABYTE

    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)], capture_output=True, text=True, check=False
    )

    assert (0, "") == (done.returncode, done.stderr)
    if bomb != "many short texts" and bomb != "no texts at all":
        assert done.stdout.strip() in ("TooLargeError", "UnreadableError")


@pytest.mark.parametrize(
    "bomb", ["tags in tags", "one long tag", "ever new tags", "ever new prefixes"]
)
def test_what_a_parser_would_keep_is_stopped_early(bomb: str, made: Path):
    """
    Long before the end, which for some never comes.
    """
    part, content = BOMBS[bomb]
    pieces = content()
    path = with_part(made, part, (next(pieces, b"") for _ in range(4)))

    with path.open("rb") as file:
        book = Workbook(file)
        with pytest.raises(TooLargeError):
            [*book.rows(book.sheets[0])]


def test_an_archive_of_a_million_entries_is_not_listed(made: Path, monkeypatch: pytest.MonkeyPatch):
    """
    A library would make an object of each.
    """
    monkeypatch.setattr(_sheets, "PARTS_MAX", 50)
    with zipfile.ZipFile(made, "a") as archive:
        for number in range(60):
            archive.writestr(f"{number}", b"")
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("it was listed"))

    with made.open("rb") as file, pytest.raises(TooLargeError):
        Workbook(file)


def test_two_sheets_that_are_one_part_are_read_once(made: Path):
    """
    Or a small archive could be read without end.
    """
    sheets = b"".join(b"<sheet name='%d' r:id='rId1'/>" % number for number in range(1_000))
    with_part(
        made, BOOK, iter([b"<workbook xmlns:r='u'><sheets>", sheets, b"</sheets></workbook>"])
    )

    with made.open("rb") as file:
        assert 1 == len(Workbook(file).sheets)


@pytest.mark.parametrize(
    "declared",
    [
        b'<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>',
        b'<!DOCTYPE x SYSTEM "file:///etc/x">',
    ],
)
def test_a_document_type_is_refused(declared: bytes, made: Path):
    """
    No entity is ever expanded, and nothing is fetched.
    """
    with_part(made, SHEET, iter([declared + b"<worksheet><row><c><v>1</v></c></row></worksheet>"]))

    with made.open("rb") as file:
        book = Workbook(file)
        with pytest.raises(UnreadableError):
            [*book.rows(book.sheets[0])]


def test_a_method_that_no_workbook_uses_is_refused(made: Path):
    """
    Its decompressor cannot be told where to stop.
    """
    with zipfile.ZipFile(made, "a", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("x", bytes(1000))

    with made.open("rb") as file, pytest.raises(UnreadableError):
        Workbook(file)


def test_cells_are_what_they_are(tmp_path: Path):
    """
    Text in runs, numbers in their shortest digits, dates by their format, formulas unsaid.
    """
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    page = book.add_worksheet()
    page.write_rich_string("A1", "红", book.add_format({"bold": True}), "包")
    page.write_number("B1", 66.66)
    page.write_number("C1", 46069.8333333, book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
    page.write_number("D1", 12.5, book.add_format({"num_format": '"yuan" 0.00;[Red]-0.00'}))
    page.write_formula("E1", "=1+1", None, "2")
    page.write_string("G3", "a\x08_x0041_")
    page.write_boolean("H3", True)
    book.close()

    with path.open("rb") as file:
        read = Workbook(file)
        found = [*read.rows(read.sheets[0])]

    empty = Cell("text", "")
    assert [
        (
            1,
            [
                Cell("text", "红包"),
                Cell("number", "66.66"),
                Cell("date", "2026-02-16 20:00:00"),
                Cell("number", "12.5"),
                Cell("formula", ""),
            ],
        ),
        (3, [*[empty] * 6, Cell("text", "a\x08_x0041_"), Cell("other", "1")]),
    ] == found


def test_what_another_program_writes_is_read_the_same(tmp_path: Path):
    """
    Another library writes texts and dates its own way.
    """
    path = tmp_path / "book.xlsx"
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(["红包", 66.66, 100, AT, None, "x"])
    book.save(path)

    with path.open("rb") as file:
        read = Workbook(file)
        [(_, cells)] = read.rows(read.sheets[0])

    assert ["红包", "66.66", "100", "2026-02-16 20:00:01", "", "x"] == [cell.text for cell in cells]


def test_only_so_much_of_a_row_and_of_a_cell_is_read(made: Path):
    """
    One character more shows that there is more.
    """
    cells = b"".join(b"<c t='str'><v>%b</v></c>" % (b"a" * 50) for _ in range(50))
    with_part(made, SHEET, iter([OPEN + b"<row>" + cells + b"</row></sheetData></worksheet>"]))

    with made.open("rb") as file:
        book = Workbook(file, columns_max=3, cell_max=10)
        [(_, row)] = book.rows(book.sheets[0])

    assert [Cell("text", "a" * 11)] * 3 == row


def referring_rows(count: int, texts: int) -> Iterator[bytes]:
    """Yield a sheet of rows whose free texts are all shared ones, each of a thousand characters."""
    yield OPEN
    for number, text in enumerate(PREAMBLE, 1):
        yield f"<row r='{number}'><c t='str'><v>{text}</v></c></row>".encode()
    heads = "".join(f"<c t='str'><v>{name}</v></c>" for name in COLUMNS)
    yield f"<row>{heads}</row>".encode()
    for number in range(count):
        free = [f"<c t='s'><v>{(number * 8 + place) % texts}</v></c>" for place in range(8)]
        fixed = "<c t='str'><v>支出</v></c><c><v>1</v></c>"
        cells = f"<c><v>46327.5</v></c>{''.join(free[:3])}{fixed}{''.join(free[3:])}"
        yield f"<row>{cells}</row>".encode()
    yield b"</sheetData></worksheet>"


@pytest.mark.slow
def test_a_bill_whose_rows_share_long_texts_is_stopped(made: Path):
    """
    Half a megabyte of archive is gigabytes of text, which no compression makes small again.
    """
    dice = random.Random(1)
    letters = [chr(0x4E00 + number) for number in range(20_000)]
    shared = ["".join(dice.choices(letters, k=1_000)) for _ in range(60)]
    said = "".join(f"<si><t>{text}</t></si>" for text in shared)
    path = with_part(made, SHEET, referring_rows(100_000, len(shared)))
    with_part(path, TEXTS, iter([f"<sst>{said}</sst>".encode()]))
    assert path.stat().st_size < MEGABYTE

    done = subprocess.run(
        [sys.executable, "-c", IMPORT, str(path)], capture_output=True, text=True, check=False
    )

    assert (0, "", "too_much") == (done.returncode, done.stderr, done.stdout.strip())
