"""A bill's file, however it was saved and whatever else it may be: rows of text, or a sentence."""

import os
import zipfile
from codecs import BOM_UTF8
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter

from hongbao.domain.bill import COLUMNS, BillRow, Packed, read
from hongbao.errors import FileNotReadable, HongbaoError, InvalidBill, NotABill
from hongbao.statements import _sheets
from hongbao.statements._bills.file import BillFile
from tests.domain.test_bill import FIRST_ROW, PREAMBLE, ROWS, lines
from tests.every import every

TEXT = "".join(f"{text},,,,,,,,\r\n" for text in PREAMBLE) + "".join(
    ",".join(f'"{cell}"' for cell in cells) + "\r\n" for cells in (COLUMNS, *ROWS)
)
EXPECTED = [*read(lines())[1]]


def rows(path: Path) -> list[BillRow]:
    return [*read(BillFile(str(path)))[1]]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes, name: str = "bill.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


# --- CSV -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        BOM_UTF8 + TEXT.encode(),
        TEXT.encode(),
        TEXT.replace("¥", "￥").encode("gbk"),
        TEXT.replace("¥", "").encode("gbk"),
        TEXT.encode("gb18030"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.replace("\r\n", "\n").encode(),
        TEXT.replace(",,,,,,,,", "").encode(),
        TEXT.replace("\r\n", ",\r\n").encode(),
        TEXT.replace("\t", "").encode(),
        TEXT.replace('"', "").encode(),
        (TEXT + "\r\n,,,\r\n").encode(),
        TEXT[:-2].encode(),
    ],
    ids=[
        *(
            "official",
            "no BOM",
            "GBK",
            "GBK without a sign",
            "GB 18030",
            "UTF-16",
            "UTF-16 BE",
            "LF",
            "bare preamble",
        ),
        *("trailing commas", "no tabs", "no quotes", "blank lines", "no last line end"),
    ],
)
def test_a_bill_is_read_however_it_was_saved(content: bytes, written: Callable[[bytes], Path]):
    """
    The official file, and what spreadsheets and editors in China make of it.
    """
    found = rows(written(content))

    assert [row._replace(note="") for row in EXPECTED] == [row._replace(note="") for row in found]


def test_a_quotation_mark_in_a_name_stays_in_it(written: Callable[[bytes], Path]):
    """
    Doubled, as it should be, or not.
    """
    for name, text in (('a ""b"" c', 'a "b" c'), ("a,b", "a,b"), ("a\nb", "a\nb")):
        path = written(TEXT.replace("小红", name).encode())
        assert text == rows(path)[2].counterparty


@pytest.mark.parametrize(
    ("content", "line", "problem"),
    [
        (b"", 1, "not_a_bill"),
        (b"\xef\xbb\xbf", 1, "not_a_bill"),
        (b"date,amount\n1,2\n", 1, "not_a_bill"),
        (b"\xff\xfe" + TEXT.encode("utf-16-le")[:-1], FIRST_ROW + 2, "encoding"),
        (TEXT.encode("utf-16-le"), 1, "not_a_bill"),
        (bytes(range(11, 256)) * 20, 1, "not_a_bill"),
        (TEXT.encode().replace("小红".encode(), b"\xff\xfe"), FIRST_ROW + 2, "encoding"),
        (TEXT.encode().replace("小红".encode(), "小红".encode("gbk")), FIRST_ROW + 2, "encoding"),
        (TEXT.replace("小红", "小" * 2000).encode(), FIRST_ROW + 2, "too_long"),
        (TEXT.encode() + b"x" * 70_000, FIRST_ROW + 3, "quotes"),
        (TEXT.encode() + b'"' + b"x\n" * 70_000, None, "quotes"),
    ],
)
def test_a_csv_that_is_none_is_refused_by_its_line(
    content: bytes, line: int | None, problem: str, written: Callable[[bytes], Path]
):
    """
    Other files, other encodings, bytes that are no text, and lines without end.
    """
    with pytest.raises(InvalidBill) as refused:
        rows(written(content))

    assert problem == refused.value.facts["problem"]
    assert line in (None, refused.value.facts["line"])


# --- workbooks -----------------------------------------------------------------------------------


def workbook(path: Path, change: Callable[[Any, Any], None] = lambda _book, _page: None) -> Path:
    """Write the bill as WeChat does since 2026: dates as serials, amounts as numbers."""
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False})
    page = book.add_worksheet("Sheet1")
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for place, text in enumerate(PREAMBLE):
        page.merge_range(place, 0, place, 10, text)
    for place, cells in enumerate((list(COLUMNS), *ROWS), len(PREAMBLE)):
        for column, cell in enumerate(cells):
            if cells is ROWS[place - len(PREAMBLE) - 1] and place > len(PREAMBLE):
                if column == 0:
                    page.write_datetime(place, 0, datetime.fromisoformat(cell), moment)
                    continue
                if column == 5:
                    page.write_number(place, 5, float(cell[1:]))
                    continue
            page.write_string(place, column, cell.rstrip("\t"))
    change(book, page)
    book.close()
    return path


def test_a_workbook_is_read_like_the_csv(tmp_path: Path):
    """
    Serials are moments to the second, numbers are amounts to the fen; the bill is the same bill.
    """
    file = BillFile(str(workbook(tmp_path / "bill.xlsx")))

    assert EXPECTED == [*read(file)[1]]
    assert Packed(*read(lines())).digest == Packed(*read(file)).digest


@pytest.mark.parametrize(
    ("value", "fen"), [(66.66, 6666), (0.07, 7), (4.35, 435), (100, 10000), (1.1, 110)]
)
def test_an_amount_that_binary_has_no_digits_for_is_exact(value: float, fen: int, tmp_path: Path):
    """
    The shortest decimal that is the same number is what was meant.
    """
    preamble = [text.replace("66.66", f"{fen // 100}.{fen % 100:02}") for text in PREAMBLE]
    book = openpyxl.Workbook()
    assert book.active is not None
    for text in preamble:
        book.active.append([text])
    book.active.append(list(COLUMNS))
    for cells in ROWS:
        book.active.append([value if cell == "¥66.66" else cell for cell in cells])
    book.save(tmp_path / "bill.xlsx")

    assert fen == rows(tmp_path / "bill.xlsx")[1].amount_fen


def test_a_moment_of_few_digits_is_the_nearest_second(tmp_path: Path):
    """
    A program that writes six decimals of a day is off by some hundredths.
    """
    path = workbook(
        tmp_path / "bill.xlsx",
        lambda book, page: page.write_number(
            FIRST_ROW, 0, 46328.833333, book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        ),
    )

    assert EXPECTED == rows(path)


@pytest.mark.parametrize("said", [b"A1", b"A1:B2", b"A1:XFD1048576"])
def test_what_a_sheet_says_of_its_own_size_is_not_believed(said: bytes, tmp_path: Path):
    """
    Some programs say that it is one cell.
    """
    path = workbook(tmp_path / "bill.xlsx")
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    assert b'<dimension ref="A1:K16"/>' in sheet
    other = sheet.replace(b'<dimension ref="A1:K16"/>', b'<dimension ref="%b"/>' % said)

    assert EXPECTED == rows(repacked(path, **{SHEET: other}))


@pytest.mark.parametrize("place", [(0, 0), (FIRST_ROW - 1, 5), (FIRST_ROW, 2)])
def test_a_formula_is_refused(place: tuple[int, int], tmp_path: Path):
    """
    Nothing here calculates, and what it once came to is not what the bill says.
    """
    path = workbook(
        tmp_path / "bill.xlsx", lambda _book, page: page.write_formula(*place, "=1+1", None, 2)
    )

    with pytest.raises(InvalidBill) as refused:
        rows(path)

    assert (place[0] + 1, "formula") == (
        refused.value.facts["line"],
        refused.value.facts["problem"],
    )


def test_text_that_looks_like_a_formula_is_text(tmp_path: Path):
    """
    A greeting may begin with an equals sign.
    """
    path = workbook(
        tmp_path / "bill.xlsx",
        lambda _book, page: page.write_string(FIRST_ROW - 1, 2, "=1+1"),
    )

    assert "=1+1" == rows(path)[0].counterparty


def repacked(path: Path, **parts: bytes | None) -> Path:
    """Write the archive at *path* again with other parts; one that is None is left out."""
    with zipfile.ZipFile(path) as archive:
        had = {name: archive.read(name) for name in archive.namelist()}
    named = {name.replace("__", "/"): content for name, content in parts.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**had, **named}.items():
            if content is not None:
                archive.writestr(name, content)
    return path


SHEET = "xl__worksheets__sheet1.xml"
DECLARED = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
SPACE = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
BOMBS: dict[str, dict[str, bytes | None]] = {
    "no sheet": {SHEET: None},
    "no XML": {SHEET: b"PK"},
    "cut short": {SHEET: DECLARED + b"<worksheet " + SPACE + b'><sheetData><row r="1"><c r="A1">'},
    "a cell far to the right": {
        SHEET: DECLARED
        + b"<worksheet "
        + SPACE
        + b'><dimension ref="A1:XFD1048576"/><sheetData>'
        + b"".join(
            b'<row r="%d"><c r="XFD%d" t="n"><v>1</v></c></row>' % (row, row)
            for row in range(1, 500)
        )
        + b"</sheetData></worksheet>"
    },
    "an entity of entities": {
        SHEET: DECLARED
        + b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(
            b'<!ENTITY %c "%s">' % (98 + level, b"&%c;" % (97 + level) * 10) for level in range(9)
        )
        + b"]><worksheet "
        + SPACE
        + b'><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>&j;</t></is></c></row>'
        + b"</sheetData></worksheet>"
    },
    "a number that is none": {
        SHEET: DECLARED
        + b"<worksheet "
        + SPACE
        + b'><sheetData><row r="1"><c r="A1"><v>x</v></c></row></sheetData></worksheet>'
    },
    "text that is not there": {
        SHEET: DECLARED
        + b"<worksheet "
        + SPACE
        + b'><sheetData><row r="1"><c r="A1" t="s"><v>999999</v></c></row></sheetData></worksheet>'
    },
}


@pytest.mark.parametrize("bomb", BOMBS, ids=str)
def test_a_hostile_workbook_is_refused(bomb: str, tmp_path: Path):
    """
    Whatever it makes of the library that reads it, it is one sentence.
    """
    path = repacked(workbook(tmp_path / "bill.xlsx"), **BOMBS[bomb])

    with pytest.raises((InvalidBill, NotABill)) as refused:
        rows(path)

    assert refused.value.message


@pytest.mark.parametrize("part", ["xl__worksheets__sheet1.xml", "xl__sharedStrings.xml"])
def test_an_archive_that_would_unpack_to_too_much_is_not_unpacked(
    part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """
    What its parts say they become is added up before one of them is opened.
    """
    monkeypatch.setattr(_sheets, "UNPACKED_MAX_BYTES", 1_000_000)
    monkeypatch.setattr(_sheets, "TEXTS_MAX_BYTES", 1_000_000)
    path = repacked(workbook(tmp_path / "bill.xlsx"), **{part: bytes(1_000_001)})

    assert path.stat().st_size < 50_000
    with pytest.raises(NotABill, match="far larger"):
        BillFile(str(path))


# --- no bill at all ------------------------------------------------------------------------------


def archive(**parts: str) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        for name, content in parts.items():
            out.writestr(f"{name}.csv", content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (archive(bill=TEXT), "unzip it first"),
        (archive(bill=TEXT)[:100], "damaged"),
        (b"PK\x03\x04", "damaged"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(5000), "xlsx"),
    ],
    ids=["ZIP", "half a ZIP", "a ZIP's beginning", "xls"],
)
def test_what_has_to_be_unpacked_or_saved_first_is_told_so(
    content: bytes, said: str, written: Callable[[bytes], Path]
):
    """
    WeChat sends a ZIP with a password; old spreadsheets, and those with one, are another format.
    """
    with pytest.raises(NotABill, match=said):
        BillFile(str(written(content)))


def test_a_file_of_gigabytes_is_not_begun(tmp_path: Path):
    """
    No bill is as large.
    """
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.write(BOM_UTF8 + TEXT.encode())
        file.truncate(1024**3)

    with pytest.raises(NotABill, match="far larger"):
        BillFile(str(path))


def pipe(path: Path) -> None:
    os.mkfifo(path)


def closed(path: Path) -> None:
    path.write_text(TEXT)
    path.chmod(0)


@pytest.mark.parametrize(
    "make",
    [
        Path.mkdir,
        pipe,
        lambda path: path.symlink_to(path),
        lambda _path: None,
        pytest.param(closed, marks=pytest.mark.skipif(os.geteuid() == 0, reason="root reads all")),
    ],
    ids=["directory", "pipe", "loop", "nothing", "closed"],
)
def test_what_is_no_file_is_not_waited_for(make: Callable[[Path], Any], tmp_path: Path):
    """
    A pipe would keep whoever opens it until somebody writes.
    """
    path = tmp_path / "bill.csv"
    make(path)

    with pytest.raises(FileNotReadable):
        BillFile(str(path))


@every("name", ["", "\0", "x" * 5000, "/dev/null", "/dev/zero", "~nobody-here/x"])
def test_a_name_that_no_file_has_is_told(name: str):
    """
    In one sentence, like everything.
    """
    with pytest.raises(HongbaoError):
        BillFile(name)
