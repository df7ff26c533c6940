"""
WeChat Pay's bill as CSV: what every importer of such bills reads.

It is the layout until mid-2025, to the byte where readers care: a byte order mark, 16 lines before
the header row, of which even the blank ones have commas (a reader that drops empty lines would
otherwise lose count), `¥` as U+00A5 before amounts, and a tab behind ids, which keeps a spreadsheet
from rounding them.
"""

from codecs import BOM_UTF8
from typing import TYPE_CHECKING, BinaryIO

from hongbao.statements import Sheet
from hongbao.statements._wechat import (
    BEGINNING,
    COLUMNS,
    NOTES,
    NOTHING,
    RULE,
    Row,
    days,
    preamble,
    rows,
)
from hongbao.statements.csv import cell
from hongbao.units import yuan

if TYPE_CHECKING:
    from hongbao.queries.statement import Statement

ENDINGS = (".csv",)
PASSES = 2  # what the preamble counts, and the rows

_COMMAS = "," * 8


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out* as a bill, newest first."""
    out.write(BOM_UTF8)
    for text in (*preamble(sheet), *NOTES, "", RULE):
        _put(out, f"{_on_its_own(text)}{_COMMAS}")
    _put(out, ",".join(COLUMNS))
    for row in rows(sheet):
        _put(out, _cells(row))


def file_name(statement: "Statement") -> str:
    """Return the name that WeChat gives to such a file."""
    return f"{BEGINNING}({days(statement)}).csv"


def _put(out: BinaryIO, line: str) -> None:
    out.write(f"{line}\r\n".encode())


def _cells(row: Row) -> str:
    """Return *row* with quotes where a bill has them; names are the only free text in it."""
    return ",".join(
        (
            str(row.at),
            row.kind,
            _quoted(cell(row.other)),
            _quoted(NOTHING),
            row.way,
            f"¥{yuan(row.amount_fen)}",
            _quoted(row.method),
            _quoted(row.status),
            _quoted(f"{row.number}\t"),
            _quoted(f"{row.merchant}\t"),
            _quoted(row.note),
        )
    )


def _on_its_own(text: str) -> str:
    """Return *text* as a line's first cell, quoted only where the line would part in it."""
    return _quoted(text) if "," in text or '"' in text else text


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
