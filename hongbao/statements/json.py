"""
JSON: one document with everything in it, amounts in whole fen.

A movement stands on a line of its own, so that two statements compare line by line.
"""

import json
from typing import TYPE_CHECKING, BinaryIO

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
    out.writelines(f'  "{name}": {on_one_line(fact)},\n'.encode() for name, fact in facts.items())
    out.write(b'  "movements": [')
    before = b"\n    "
    for line in sheet.lines:
        out.write(before + on_one_line(line).encode())
        before = b",\n    "
    out.write(b"\n  ]")


def on_one_line(fact: object) -> str:
    """
    Return *fact* as JSON on one line: Chinese as it is, whatever a screen would obey escaped.

    >>> on_one_line({"counterparty": "小明"}), on_one_line("\\u2028\\x9b")
    ('{"counterparty": "小明"}', '"\\\\u2028\\\\u009b"')
    """
    text = json.dumps(fact, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def instant(at: "datetime | None") -> str | None:
    """Return *at* as programs read it, or None."""
    return None if at is None else iso(at)
