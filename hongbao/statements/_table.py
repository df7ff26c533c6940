"""A plain table as a file: CSV as Excel wants it, or a workbook. No cell of either calculates."""

import csv
from codecs import BOM_UTF8
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from hongbao.statements._workbook import Value, workbook
from hongbao.statements.csv import Encoded, cell

if TYPE_CHECKING:
    from datetime import datetime

_WIDTH_MIN, _WIDTH_MAX = 8, 60
_CHINESE_FROM = 0x2E7F


class Table(NamedTuple):
    """A table called *name*: a heading for each column, and the rows."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Value]]


def write_csv(table: Table, out: BinaryIO, _made_at: "datetime") -> None:
    """Write *table* to *out*: UTF-8 behind a mark, without which Excel takes it for noise."""
    out.write(BOM_UTF8)
    lines = csv.writer(Encoded(out))
    lines.writerow(map(cell, table.heads))
    for row in table.rows:
        lines.writerow(cell(each) if isinstance(each, str) else each for each in row)


def write_xlsx(table: Table, out: BinaryIO, made_at: "datetime") -> None:
    """Write *table* to *out* as a workbook of one sheet, which says that it is of *made_at*."""
    with workbook(out, made_at) as book:
        heading = book.look(bold=True, bottom=1)
        text = book.look(num_format="@", text_wrap=True, valign="top")
        number = book.look(num_format="0", valign="top")
        page = book.page(table.name, [_width(table, place) for place in range(len(table.heads))])
        page.row(table.heads, [heading] * len(table.heads))
        page.freeze()
        for row in table.rows:
            page.row(row, [text if isinstance(each, str) else number for each in row])


def _width(table: Table, place: int) -> int:
    """Return how wide a column is: its longest text, as far as that is still read at a glance."""
    texts = [table.heads[place], *(str(row[place]) for row in table.rows)]
    widest = max(sum(2 if ord(each) > _CHINESE_FROM else 1 for each in text) for text in texts)
    return min(max(widest + 2, _WIDTH_MIN), _WIDTH_MAX)
