"""Our own workbook: typed cells, two languages, nothing that calculates, nothing left behind."""

import gc
import io
import json
import os
import stat
import tempfile
import tracemalloc
import zipfile
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import openpyxl
import pytest

from hongbao import errors, statements
from hongbao.statements import _workbook, xlsx
from hongbao.units import CHINA
from tests.consumers import run
from tests.every import every
from tests.statements.conftest import CARD, HOSTILE, ID_NUMBER, pin
from tests.statements.reading import with_lines, written
from tests.statements.test_formats import movement, statement

WORKBOOKS = ("wechat-xlsx", "xlsx")


def book_of(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))


def movements(book) -> list[dict[str, Any]]:
    """Return the rows of the first sheet by their English names."""
    names, *rows = book.worksheets[0].iter_rows(values_only=True)
    english = [name.partition(" ")[2] for name in names]
    return [dict(zip(english, row, strict=True)) for row in rows]


def facts(book) -> dict[str, Any]:
    """Return the second sheet by its English names."""
    return {
        name.partition(" ")[2]: fact
        for name, fact in book.worksheets[1].iter_rows(values_only=True)
    }


def fen(value: Any) -> int:
    """Read a number of yuan as whoever has the cell's own decimals."""
    return 0 if value is None else int(Decimal(str(value)) * 100)


def xml_of(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return "".join(
            packed.read(name).decode() for name in packed.namelist() if "worksheets" in name
        )


# --- its shape ------------------------------------------------------------------------------------


def test_cells_have_types():
    """
    Instants are dates, amounts are numbers, counts are whole, ids are text.
    """
    sheet = book_of(written(statement(), "xlsx")).worksheets[0]

    by_name = {heading.value: cell for heading, cell in zip(sheet[1], sheet[4], strict=True)}
    found = {
        name: (cell.value, cell.number_format)
        for name, cell in by_name.items()
        if cell.value is not None
    }
    assert {
        "时间 Time": (datetime.fromisoformat("2026-11-30 23:59:59"), "yyyy-mm-dd hh:mm:ss"),
        "事项 What": ("提现 Withdrawal", "@"),
        "金额 Amount": (-10.1, "#,##0.00"),
        "余额 Balance": (23.24, "#,##0.00"),
        "对方 Counterparty": ("小红", "@"),
        "银行卡 Card": ("cmb-3334", "@"),
        "银行卡金额 Card amount": (10, "#,##0.00"),
        "手续费 Fee": (0.1, "#,##0.00"),
        "状态 Status": ("完成 Done", "@"),
        "编号 ID": ("HB1000039501261130630962000000009", "@"),
        "账目 Entry": (9, "0"),
        "请求号 Request ID": ("-r,2", "@"),
    } == found
    assert by_name["时间 Time"].is_date
    assert "n" == by_name["金额 Amount"].data_type


def test_the_first_row_is_frozen_and_the_whole_stands_around():
    """
    Opening balance first and closing balance last, without an amount: the column's sum is what the
    period changed.
    """
    book = book_of(written(statement(), "xlsx"))

    assert ["明细 Movements", "账单 Statement"] == book.sheetnames
    assert "A2" == book.worksheets[0].freeze_panes
    opening, *_, closing = movements(book)
    assert ("期初 Opening", 100, None, "2026-11-01 00:00:00") == (
        *(opening["What"], opening["Balance"], opening["Amount"]),
        str(opening["Time"]),
    )
    assert ("期末 Closing", 23.24, None, "2026-12-01 00:00:00") == (
        *(closing["What"], closing["Balance"], closing["Amount"]),
        str(closing["Time"]),
    )


def test_the_second_sheet_says_what_is_true_of_the_whole():
    """
    Whose it is, its ends, its sums, and the head that seals it.
    """
    told = facts(book_of(written(statement(), "xlsx")))

    assert {
        "Schema": "hongbao/statement@1",
        "Profile": "小明",
        "Real name": "张*",
        "ID number": "1101**********002X",
        "Card": "cmb-3334 **** 3334",
        "From": datetime.fromisoformat("2026-11-01 00:00:00"),
        "To": datetime.fromisoformat("2026-12-01 00:00:00"),
        "Opening": 100,
        "In": 0,
        "Out": 76.76,
        "Closing": 23.24,
        "Count": 2,
        "Head": 12,
        "Seal": "ab" * 32,
        "Public key": statement().signer.public_key.hex(),
    } == told


def test_a_period_in_which_nothing_moved_is_a_statement_too():
    """
    Open on both sides, its ends are empty cells.
    """
    quiet = statement(since=None, until=None, closing_fen=10000, out_fen=0, count=0, lines=())

    book = book_of(written(quiet, "xlsx"))

    assert [("期初 Opening", 100, None), ("期末 Closing", 100, None)] == [
        (row["What"], row["Balance"], row["Time"]) for row in movements(book)
    ]
    assert (None, None, 0) == tuple(facts(book)[name] for name in ("From", "To", "Count"))


def test_its_holder_is_whole_only_where_asked_for(lived):
    """
    Masked, unless the PIN was given.
    """
    with lived.desk() as desk:
        with desk.statement() as opened:
            masked = facts(book_of(written(opened, "xlsx")))
        with desk.statement(full=pin) as opened:
            whole = facts(book_of(written(opened, "xlsx")))

    assert statements.has_place_for_holder("xlsx")
    assert ("张*", ID_NUMBER[:4]) == (masked["Real name"], masked["ID number"].partition("*")[0])
    assert ("张三", ID_NUMBER, f"cmb-3334 {CARD}") == (
        whole["Real name"],
        whole["ID number"],
        whole["Card"],
    )


def test_both_languages_are_in_it_whoever_asks():
    """
    So it is the same file, and no word of it has to be chosen.
    """
    english, chinese = io.BytesIO(), io.BytesIO()

    statements.write(statement(), "xlsx", english, statements.Style("en"))
    statements.write(statement(), "xlsx", chinese, statements.Style("zh_CN"))

    assert english.getvalue() == chinese.getvalue()
    names = [cell.value for cell in book_of(english.getvalue()).worksheets[0][1]]
    assert all(not name.isascii() and name.partition(" ")[2].isascii() for name in names)


# --- on real ledgers ------------------------------------------------------------------------------


def check_adds_up(home) -> list[dict[str, Any]]:
    """Add up what openpyxl reads, and compare it with the ledger."""
    with home.desk() as desk, desk.statement() as opened:
        book = book_of(written(opened, "xlsx"))
        lines = [*opened.lines]
        available_fen = desk.balance()["available_fen"]
    opening, *rows, closing = movements(book)
    told = facts(book)
    changed_fen = sum(fen(row["Amount"]) for row in rows)
    assert available_fen == fen(closing["Balance"]) == fen(opening["Balance"]) + changed_fen
    assert (available_fen, len(rows)) == (fen(told["Closing"]), told["Count"])
    assert changed_fen == fen(told["In"]) - fen(told["Out"])
    assert [(line["id"], line["amount_fen"], line["card_fen"] or 0) for line in lines] == [
        (row["ID"], fen(row["Amount"]), fen(row["Card amount"])) for row in rows
    ]
    assert [line["greeting"] or None for line in lines] == [row["Greeting"] for row in rows]
    return rows


def test_every_act_adds_up(lived):
    """
    In words that people read, each with its sign.
    """
    rows = check_adds_up(lived)

    told = {(row["What"], (fen(row["Amount"]) > 0) - (fen(row["Amount"]) < 0)) for row in rows}
    assert {
        ("充值 Top-up", 1),
        ("发出红包 Packet sent", -1),
        ("发出红包 Packet sent", 0),  # a card paid
        ("领取红包 Packet claimed", 1),
        ("红包退回 Packet returned", 1),
        ("红包退回 Packet returned", 0),  # to the card
        ("提现 Withdrawal", -1),
    } == told


def test_any_life_adds_up(a_life):
    """
    Whatever happened, and whatever greetings said.
    """
    check_adds_up(a_life)


def test_every_act_and_every_kind_has_its_words():
    """
    In both languages.
    """
    from hongbao.queries.history import ACTS

    assert {*ACTS} == {*xlsx.ACTS}
    for act in ACTS:
        row = movements(
            book_of(
                written(
                    statement(movement(act=act), closing_fen=3334, out_fen=6666, count=1), "xlsx"
                )
            )
        )[1]
        assert xlsx.ACTS[act] == row["What"]
    assert {"lucky", "equal", "exclusive"} == {*xlsx.KINDS}


def test_a_fen_that_was_changed_is_noticed():
    """
    The column does not lead to the closing balance any more, and the signature is of other bytes.
    """
    content = written(statement(), "xlsx")
    block = json.loads(statements.write(statement(), "xlsx", io.BytesIO()) or b"")
    assert sha256(content).hexdigest() == block["sha256"]
    book = book_of(content)

    book.worksheets[0]["C3"] = -66.67

    opening, *rows, closing = movements(book)
    assert -1 == fen(opening["Balance"]) + sum(fen(row["Amount"]) for row in rows) - fen(
        closing["Balance"]
    )
    again = io.BytesIO()
    book.save(again)
    assert block["sha256"] != sha256(again.getvalue()).hexdigest()


# --- what people type -----------------------------------------------------------------------------

WORST = (
    *HOSTILE,
    "+1",
    "-1+1",
    '=HYPERLINK("http://evil.example","x")',
    "{=SUM(A1:A9)}",
    "http://evil.example",
    "internal:Sheet1!A1",
    "0012",
    "1e5",
    "TRUE",
    "<r></r>",
    "<r><t>x</t></r>",
    "<r></t></is></c><c><f>1+1</f></c></r>",
)


@every("text", WORST)
def test_text_stays_text(text):
    """
    What a spreadsheet would calculate, follow or count is shown as it was typed.
    """
    hostile = statement(
        movement(counterparty=text, greeting=text, request_id=text),
        profile=text,
        closing_fen=3334,
        out_fen=6666,
        count=1,
    )

    content = written(hostile, "xlsx")

    book = book_of(content)
    row = movements(book)[1]
    assert [text] * 4 == [
        *(row["Counterparty"], row["Greeting"], row["Request ID"]),
        facts(book)["Profile"],
    ]
    assert {"n", "s", "inlineStr", "d"} >= {
        cell.data_type for sheet in book for cells in sheet for cell in cells
    }
    assert "<f" not in xml_of(content)
    assert not any(cell.hyperlink for sheet in book for cells in sheet for cell in cells)


def test_what_the_format_itself_would_decode_is_told_from_it():
    """
    ``_x003D_`` is how a workbook writes ``=`` where it must: typed, its first stroke is escaped.
    """
    hostile = statement(movement(greeting="_x003D_1"), closing_fen=3334, out_fen=6666, count=1)

    assert ">_x005F_x003D_1</t>" in xml_of(written(hostile, "xlsx"))


@pytest.mark.parametrize("format_name", WORKBOOKS)
def test_what_no_sheet_can_hold_is_left_out(format_name):
    """
    Controls, direction marks and half characters; a line end becomes a space.
    """
    hostile = statement(
        movement(
            act="claim",
            amount_fen=1,
            balance_fen=10001,
            counterparty="a\x00\x1b[2J\ud800\u202e\uffff\nb",
        ),
        closing_fen=10001,
        in_fen=1,
        out_fen=0,
        count=1,
    )

    rows = book_of(written(hostile, format_name)).worksheets[0].iter_rows(values_only=True)

    assert "a[2J b" in {value for row in rows for value in row}


# --- how it is written ----------------------------------------------------------------------------


@pytest.mark.parametrize("format_name", WORKBOOKS)
def test_the_archive_is_whole(format_name, tmp_path):
    """
    Although it is written to what cannot be sought in: unzip finds no error.
    """
    path = tmp_path / "a.xlsx"
    statements.save(statement(), format_name, path, False)

    assert zipfile.ZipFile(path).testzip() is None
    tested = run("unzip", "-t", path)
    assert (0, "No errors detected") == (tested.returncode, tested.stdout.splitlines()[-1][:18])


@pytest.mark.parametrize("format_name", WORKBOOKS)
def test_it_was_made_when_the_statement_ends(format_name):
    """
    Not now, so that the same statement is the same bytes.
    """
    book = book_of(written(statement(), format_name))

    assert "2026-11-30 16:00:00" == str(book.properties.created)
    assert book.properties.created == book.properties.modified


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The system's temporary folder, which nobody else uses."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize("format_name", WORKBOOKS)
def test_rows_wait_where_nobody_else_can_read(format_name, temporary):
    """
    In a folder that is ours alone, and gone afterwards.
    """
    seen: set[int] = set()
    waiting = 0

    def watched():
        nonlocal waiting
        for line in statement().lines:
            for folder in temporary.iterdir():
                seen.add(stat.S_IMODE(folder.stat().st_mode))
                waiting += sum(1 for _ in folder.iterdir())
            yield line

    written(with_lines(statement(), watched), format_name)

    assert {0o700} == seen
    assert waiting > 0
    assert [] == [*temporary.iterdir()]


@pytest.mark.parametrize("format_name", WORKBOOKS)
def test_a_workbook_that_fails_leaves_nothing(format_name, temporary):
    """
    Neither rows that waited, nor a byte of it where it was to go, now or when it is forgotten.
    """

    def interrupted():
        yield statement().lines[0]
        raise KeyboardInterrupt

    out = io.BytesIO()
    with pytest.raises(KeyboardInterrupt):
        statements.write(with_lines(statement(), interrupted), format_name, out)

    assert b"" == out.getvalue()
    assert [] == [*temporary.iterdir()]


class Full(io.BytesIO):
    """A disk that is full once, in the middle of a workbook."""

    was_full = False

    def write(self, content: Any) -> int:
        if self.tell() > 1000 and not self.was_full:
            self.was_full = True
            raise OSError(28, "No space left on device")
        return super().write(content)


@pytest.mark.parametrize("format_name", WORKBOOKS)
def test_a_full_disk_is_said_in_the_systems_words(format_name, temporary):
    """
    Not in the library's; and nothing is written behind what is there when the rest is forgotten.
    """
    out = Full()

    with pytest.raises(OSError, match=r"^\[Errno 28\] No space left on device$") as refused:
        statements.write(statement(), format_name, out)

    written_by_then = out.tell()
    del refused
    gc.collect()
    assert written_by_then == out.tell()
    assert [] == [*temporary.iterdir()]


def test_what_does_not_fit_on_a_sheet_is_refused(monkeypatch):
    """
    Before a byte of it is there: a sheet drops what is beyond its last row.
    """
    monkeypatch.setattr(_workbook, "ROWS_MAX", 4)
    out = io.BytesIO()

    with pytest.raises(errors.StatementTooLong) as refused:
        statements.write(statement(), "xlsx", out)

    assert {"form": "xlsx", "count": 2, "count_max": 1} == refused.value.facts
    assert b"" == out.getvalue()


def topups(count: int):
    """Return a statement of so many top-ups of a fen."""

    def lines():
        for entry in range(1, count + 1):
            yield movement(act="topup", entry=entry, amount_fen=1, balance_fen=entry)

    sums = {"opening_fen": 0, "closing_fen": count, "in_fen": count, "out_fen": 0, "count": count}
    return with_lines(statement(**sums), lines)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_statement():
    """
    Two thousand movements take what half of them do: their rows wait on the disk.
    """
    peaks = []
    for count in (1, 1_000, 2_000):  # the first time wakes what it needs
        with open(os.devnull, "wb") as out:
            tracemalloc.start()
            statements.write(topups(count), "xlsx", out)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    _, small, large = peaks
    assert large < 1.2 * small


def test_no_amount_loses_a_fen():
    """
    Up to more than all the money there is.
    """
    most = 9_999_999_999_999
    rich = statement(
        movement(act="topup", amount_fen=most, balance_fen=most),
        opening_fen=0,
        closing_fen=most,
        in_fen=most,
        out_fen=0,
        count=1,
    )

    book = book_of(written(rich, "xlsx"))

    assert most == fen(movements(book)[1]["Amount"]) == fen(facts(book)["In"])


def test_an_instant_is_chinas():
    """
    To the second, never rounded into the next day.
    """
    assert datetime(2026, 11, 30, 23, 59, 59, tzinfo=CHINA).replace(
        tzinfo=None
    ) == _workbook.instant("2026-11-30T23:59:59.999999+08:00")
