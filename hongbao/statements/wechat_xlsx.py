"""
WeChat Pay's bill as a workbook: what its mail has brought since July 2025.

It is the layout of March 2026: a fourth note, so that the header row is row 18, and amounts that
are numbers. Readers find the sheet by its name, and some the file by its own.
"""

from typing import TYPE_CHECKING, BinaryIO

from hongbao.statements import Sheet
from hongbao.statements._wechat import (
    BEGINNING,
    COLUMNS,
    NOTES,
    NOTHING,
    RULE,
    Totals,
    days,
    preamble,
    rows,
)
from hongbao.statements._workbook import amount, check_fits, workbook
from hongbao.units import CHINA

if TYPE_CHECKING:
    from hongbao.queries.statement import Statement

ENDINGS = (".xlsx",)
PASSES = 2  # what the preamble counts, and the rows

_NOTES = (*NOTES, "4. 本账单中所有时间均为UTC+08:00时间")
_WIDTHS = (20, 18, 18, 10, 8, 12, 18, 18, 34, 18, 18)
_HEADER_ROW = 18


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out* as a bill, newest first."""
    statement = sheet.statement
    check_fits(statement, _HEADER_ROW)
    totals = Totals()
    for _row in totals.added(rows(sheet)):
        pass
    with workbook(out, statement.ends_at) as book:
        text = book.look(num_format="@")
        looks = [text] * len(COLUMNS)
        looks[0] = book.look(num_format="yyyy-mm-dd hh:mm:ss")
        looks[5] = book.look(num_format=r"\¥#,##0.00")
        page = book.page("Sheet1", _WIDTHS)
        for line in (*preamble(sheet, totals), *_NOTES, "", RULE):
            page.merged(line, len(COLUMNS), text)
        page.row(COLUMNS)
        for row in rows(sheet):
            page.row(
                (
                    *(row.at, row.kind, row.other, NOTHING, row.way, amount(row.amount_fen)),
                    *(row.method, row.status, row.number, row.merchant, row.note),
                ),
                looks,
            )


def file_name(statement: "Statement") -> str:
    """
    Return the name that WeChat gives to such a file: its days, and when it was made.

    For us that is when the statement ends, so that the same statement is the same file.
    """
    made_at = statement.ends_at.astimezone(CHINA)
    return f"{BEGINNING}流水文件({days(statement)})_{made_at:%Y%m%d%H%M%S}.xlsx"
