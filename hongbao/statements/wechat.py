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
from hongbao.statements._spool import put_behind
from hongbao.statements._wechat import (
    BEGINNING,
    COLUMNS,
    NOTES,
    NOTHING,
    RULE,
    Row,
    Totals,
    days,
    preamble,
    rows,
)
from hongbao.statements.csv import cell
from hongbao.units import yuan

if TYPE_CHECKING:
    from hongbao.queries.statement import Statement

ENDINGS = (".csv",)

_COMMAS = "," * 8


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out* as a bill, newest first."""
    totals = Totals()

    def above() -> str:
        texts = (*preamble(sheet, totals), *NOTES, "", RULE)
        lines = (*(f"{_on_its_own(text)}{_COMMAS}" for text in texts), ",".join(COLUMNS))
        return "".join(f"{line}\r\n" for line in lines)

    out.write(BOM_UTF8)
    put_behind(out, above, (f"{_cells(row)}\r\n" for row in totals.added(rows(sheet))))


def file_name(statement: "Statement") -> str:
    """Return the name that WeChat gives to such a file."""
    return f"{BEGINNING}({days(statement)}).csv"


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
