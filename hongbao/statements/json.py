"""
JSON: one document with everything in it, amounts in whole fen.

A movement is on a separate line, so that two statements compare line by line.
"""

from typing import TYPE_CHECKING, BinaryIO

from hongbao.documents import to_json
from hongbao.statements import SCHEMA, Sheet
from hongbao.units import iso

if TYPE_CHECKING:
    from datetime import datetime

ENDINGS = (".json",)
SIGNATURE = (b',\n  "signature": ', b"\n}\n")
FULL = True


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out* as one JSON document, whose last field is the signature."""
    statement = sheet.statement
    facts: dict[str, object] = {
        "schema": SCHEMA,
        "profile": statement.profile,
        "holder": statement.holder,
        "from": instant(statement.since),
        "to": instant(statement.until),
        "opening_fen": statement.opening_fen,
        "closing_fen": statement.closing_fen,
        "in_fen": statement.in_fen,
        "out_fen": statement.out_fen,
        "count": statement.count,
        "head": statement.head,
    }
    out.write(b"{\n")
    out.writelines(f'  "{name}": {to_json(fact)},\n'.encode() for name, fact in facts.items())
    out.write(b'  "movements": [')
    before = b"\n    "
    for line in sheet.lines:
        out.write(before + to_json(line).encode())
        before = b",\n    "
    out.write(b"\n  ]")


def instant(at: "datetime | None") -> str | None:
    """Return *at* as programs read it, or None."""
    return None if at is None else iso(at)
