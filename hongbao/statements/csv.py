"""
CSV: for spreadsheets and other programs that read tables.

RFC 4180 with its CRLF, in UTF-8 behind a byte order mark. Without the mark Excel takes the file for
the system's old encoding, and every Chinese name in it for noise; readers that know UTF-8 skip it,
and programs that do not have JSON. A plain table has no place for what is true of the whole, so the
opening and the closing balance are rows like the movements: their *type* tells them apart, and
they leave *amount_yuan* empty, so that the column's sum is what the period changed.
"""

import csv
import re
import unicodedata
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, BinaryIO

from hongbao.statements import Sheet
from hongbao.units import iso, yuan

if TYPE_CHECKING:
    from datetime import datetime

    from hongbao.answers import MovementLine

ENDINGS = (".csv",)

COLUMNS = (
    "type",
    "date",
    "at",
    "act",
    "amount_yuan",
    "balance_yuan",
    "counterparty",
    "packet",
    "packet_kind",
    "shares",
    "greeting",
    "refunded_yuan",
    "card",
    "card_yuan",
    "card_gone",
    "fee_yuan",
    "status",
    "id",
    "entry",
    "request_id",
    "profile",
    "mac",
)

_BREAK = re.compile(r"([;\t\r\n])")
_FORMULA = frozenset("=+-@'\u2212")


def write(sheet: Sheet, out: BinaryIO) -> None:
    """Write *sheet* to *out* as CSV."""
    statement = sheet.statement
    table = csv.DictWriter(Encoded(out), COLUMNS, restval="")
    profile = cell(statement.profile)
    out.write(BOM_UTF8)
    table.writeheader()
    table.writerow(
        {
            "type": "opening",
            "at": _instant(statement.since),
            "balance_yuan": yuan(statement.opening_fen),
            "profile": profile,
        }
    )
    for line in sheet.lines:
        table.writerow({"type": "movement", "profile": profile, **_movement(line)})
    table.writerow(
        {
            "type": "closing",
            "at": _instant(statement.until),
            "balance_yuan": yuan(statement.closing_fen),
            "entry": statement.head["entry"],
            "profile": profile,
            "mac": statement.head["mac"],
        }
    )


def cell(text: str | None) -> str:
    """
    Return *text*, which is free text, as a spreadsheet shows it and never as one it calculates.

    A text that begins like a formula gets an apostrophe in front (OWASP, "CSV Injection"), also
    where it begins full-width, behind spaces or quotes, or behind a semicolon or a tab, at which
    some spreadsheets part cells. One that begins with an apostrophe gets another, so that
    `uncell` always finds the text again.

    >>> cell("=1+1"), cell("＝1"), cell("小明"), cell("a;@b")
    ("'=1+1", "'＝1", '小明', "a;'@b")
    """
    if not text:
        return ""
    parts = _BREAK.split(text)
    safe = "".join(f"'{part}" if _begins_formula(part) else part for part in parts)
    return f"'{safe}" if text[0] in "\t\r\n" else safe


def uncell(text: str) -> str:
    """
    Return the text from which `cell` made this.

    >>> uncell("'=1+1"), uncell("a;'@b")
    ('=1+1', 'a;@b')
    """
    return "".join(part.removeprefix("'") for part in _BREAK.split(text))


def _begins_formula(part: str) -> bool:
    for character in part:
        if character == '"' or unicodedata.category(character)[0] in "CZ":
            continue  # what a spreadsheet may drop before it looks
        return unicodedata.normalize("NFKC", character)[0] in _FORMULA
    return False


def _movement(line: "MovementLine") -> dict[str, str | int]:
    return {
        "date": line["at"][:10],  # a statement's instants are China's
        "at": line["at"],
        "act": line["act"],
        "amount_yuan": yuan(line["amount_fen"]),
        "balance_yuan": yuan(line["balance_fen"]),
        "counterparty": cell(line["counterparty"]),
        "packet": cell(line["packet"]),
        "packet_kind": line["packet_kind"] or "",
        "shares": "" if line["shares"] is None else line["shares"],
        "greeting": cell(line["greeting"]),
        "refunded_yuan": _yuan_or_nothing(line["refunded_fen"]),
        "card": cell(line["card"]),
        "card_yuan": _yuan_or_nothing(line["card_fen"]),
        "card_gone": "true" if line["card_gone"] else "",
        "fee_yuan": _yuan_or_nothing(line["fee_fen"]),
        "status": line["status"],
        "id": line["id"],
        "entry": line["entry"],
        "request_id": cell(line["request_id"]),
    }


def _instant(at: "datetime | None") -> str:
    return "" if at is None else iso(at)


def _yuan_or_nothing(amount_fen: int | None) -> str:
    return "" if amount_fen is None else yuan(amount_fen)


class Encoded:
    """A text file over *out*, as far as the csv module needs one: it buffers and closes nothing."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        return self._out.write(text.encode())
