"""
JSON Lines: one document a line, for programs that read a statement as it comes.

The closing balance, the head and the signature come last, so that a statement which was cut short
shows it.
"""

from collections.abc import Mapping
from typing import BinaryIO

from hongbao.documents import to_json
from hongbao.statements import SCHEMA, Sheet
from hongbao.statements._spool import put
from hongbao.statements.json import movement
from hongbao.units import iso_or_none

ENDINGS = (".jsonl", ".ndjson")
SIGNATURE = (b'{"type": "signature", "signature": ', b"}\n")
FULL = True

_MOVEMENT = '"type": "movement", '


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out*: a line to open it, one for each movement, one to close it."""
    statement = sheet.statement

    def put_facts(facts: Mapping[str, object]) -> None:
        out.write(to_json(facts).encode() + b"\n")

    put_facts(
        {
            "type": "statement",
            "schema": SCHEMA,
            "profile": statement.profile,
            "holder": statement.holder,
            "from": iso_or_none(statement.since),
            "to": iso_or_none(statement.until),
            "opening_fen": statement.opening_fen,
        }
    )
    put(out, (f"{movement(line, _MOVEMENT)}\n" for line in sheet.lines))
    put_facts(
        {
            "type": "closing",
            "closing_fen": statement.closing_fen,
            "in_fen": statement.in_fen,
            "out_fen": statement.out_fen,
            "count": statement.count,
            "head": statement.head,
        }
    )
