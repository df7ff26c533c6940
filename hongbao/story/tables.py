"""Tables: a story is played once for each row, whose columns are given names of the story."""

import csv
from collections.abc import Mapping
from typing import NamedTuple

from hongbao.errors import FileNotReadable, InvalidTable
from hongbao.inputs import read_text
from hongbao.words import N_

LENGTH_MAX = 1 << 20
"""How many characters a table may have."""

ROWS_MAX = 1000


class Row(NamedTuple):
    """A row of a table: where it stands, as ``rows.csv:3``, and the texts of its names."""

    place: str
    given: Mapping[str, str]


def read_table(file: str) -> list[Row]:
    """
    Read the CSV *file*, whose first row has the names.

    Raises InvalidPath, FileNotReadable and InvalidTable.
    """
    try:
        text = read_text(file, LENGTH_MAX)
    except FileNotFoundError as error:
        raise FileNotReadable(path=file, reason=error.strerror or str(error)) from None
    if len(text) > LENGTH_MAX:
        raise FileNotReadable(path=file, reason=N_("it is too long"))
    return parse_table(text, file)


def parse_table(text: str, source: str) -> list[Row]:
    """
    Read a table from its *text*; rows without any text are left out.

    >>> parse_table("who,amount\\n李四,8.88\\n", "rows.csv")
    [Row(place='rows.csv:2', given={'who': '李四', 'amount': '8.88'})]
    """
    reader = csv.reader(text.splitlines(keepends=True), strict=True)
    names: list[str] | None = None
    rows = []
    try:
        for fields in reader:
            if not any(map(str.strip, fields)):
                continue
            if names is None:
                names = [name.strip() for name in fields]
                if twice := next((name for name in names if names.count(name) > 1), None):
                    raise InvalidTable(
                        path=source, line=reader.line_num, problem="twice", name=twice
                    )
                continue
            if len(fields) != len(names):
                raise InvalidTable(
                    path=source,
                    line=reader.line_num,
                    problem="fields",
                    count=len(fields),
                    wanted=len(names),
                )
            place = f"{source}:{reader.line_num}"
            rows.append(Row(place, dict(zip(names, fields, strict=True))))
    except csv.Error:
        raise InvalidTable(path=source, line=reader.line_num, problem="not_csv") from None
    if not rows:
        raise InvalidTable(path=source, line=max(reader.line_num, 1), problem="empty")
    if len(rows) > ROWS_MAX:
        raise InvalidTable(path=source, line=ROWS_MAX + 2, problem="too_many", count=ROWS_MAX)
    return rows
